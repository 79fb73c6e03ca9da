import json

import pytest
import typer
from typer.testing import CliRunner

from micrographia.cli.probe_index import overview, results_in
from micrographia.errors import MicrographiaError
from micrographia.report.probe_index import write_probe_index
from probe_samples import few, full


@pytest.fixture
def app():
    made = typer.Typer()
    made.command("overview")(overview)
    return made


@pytest.fixture
def folder(tmp_path):
    """Two results of `probe` in folders of their own; one has a report."""
    for name, result in (("one", full()), ("two", few())):
        (tmp_path / "all" / name).mkdir(parents=True)
        (tmp_path / "all" / name / "result.json").write_text(json.dumps(result))
    (tmp_path / "all" / "one" / "report.html").write_text("<p>the report</p>")
    return tmp_path / "all"


def test_a_folder_of_results_becomes_one_page(app, folder, tmp_path):
    page = tmp_path / "index.html"
    told = CliRunner().invoke(app, [str(folder), "--out", str(page), "--title", "Spring & summer"])
    assert told.exit_code == 0, told.output
    assert "with 2 results" in told.output
    text = page.read_text()
    assert "Spring &amp; summer" in text
    assert 'href="all/one/report.html"' in text
    assert "Stage of disease in four donors" in text


def test_named_results_are_listed_in_the_order_given(app, folder, tmp_path):
    page = tmp_path / "index.html"
    given = [str(folder / "two" / "result.json"), str(folder / "one")]
    told = CliRunner().invoke(app, [*given, "--out", str(page), "--json"])
    assert json.loads(told.output) == {"page": str(page), "results": given}
    text = page.read_text()
    assert text.index("Stage of disease in four donors") < text.index("all/one/report.html")


def test_a_folder_without_results_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(MicrographiaError, match=r"holds no result\.json.*probe"):
        results_in(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(MicrographiaError, match="result"):
        write_probe_index(results_in(tmp_path), tmp_path / "index.html")
    assert not (tmp_path / "index.html").exists()
