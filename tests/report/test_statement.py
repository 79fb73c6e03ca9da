import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from builder import Builder
from conftest import missing
from micrographia.checks import check, load_profile
from micrographia.checks.statement import identify, statement
from micrographia.dataset import open_dataset
from micrographia.errors import DatasetError
from micrographia.report.statement import statement_html, statement_markdown, write_statement

SCRIPT = "<script>alert(1)</script>\x1b[0m | *b* "


def made(folder: Path, profile: str = "journal", *, pixels: bool = True, **options: Any) -> dict[str, Any]:
    report = check(folder, profile=profile, pixels=pixels, **options)
    identity = identify(open_dataset(folder), pixels=pixels)
    return statement(report, load_profile(profile), identity, on=date(2026, 1, 2))


def test_a_dataset_that_complies(tmp_path: Path) -> None:
    Builder(tmp_path).write()
    said = made(tmp_path)
    assert said["verdict"] == "complies"
    assert said["sentence"].startswith("The dataset complies with journal-1: all ")
    assert said["required"]["asked"] == said["required"]["passed"]
    assert re.fullmatch("[0-9a-f]{64}", said["content_sha256"])
    assert said["content_computed"]
    assert (said["version"], said["licence"], said["date"]) == ("1.0", "CC0-1.0", "2026-01-02")
    assert not said["failed"]
    assert not said["not_judged"]


def test_without_the_pixels_it_cannot_be_told(tmp_path: Path) -> None:
    Builder(tmp_path).write()
    said = made(tmp_path, pixels=False)
    assert said["verdict"] == "cannot be told"
    assert "it needs the pixels, which were not read" in said["not_judged"]
    assert said["content_sha256"] == ""
    assert "not recorded" in statement_markdown(said)
    # Part of a profile is not the profile.
    assert made(tmp_path, ignore=["S"])["verdict"] == "cannot be told"


def test_what_failed_and_what_was_waived_stands_there_with_the_reason(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    builder.remove("study.license")
    builder.remove("annotations[0].annotation_criteria")
    builder.set("waivers", [{"code": "M015", "reason": f"the rules are in the paper {SCRIPT}"}])
    builder.set("study.title", f"Nuclei {SCRIPT} of four cultured human cells")
    builder.write()
    said = made(tmp_path)
    assert said["verdict"] == "does not comply"
    assert said["sentence"] == "The dataset does not comply with journal-1: one rule that it requires failed."
    assert [one["code"] for one in said["failed"]] == ["M006"]
    assert [(one["code"], one["required"]) for one in said["waived"]] == [("M015", True)]
    for page in (statement_html(said), statement_markdown(said)):
        assert "the rules are in the paper" in page
        assert "\x1b" not in page
        assert not re.search(r"(?<!\\)<script", page)
    assert statement_html(said).count("alert(1)") == statement_html(said).count("&lt;script&gt;alert(1)")
    builder.set("study.license", "CC0-1.0")
    builder.write()
    assert "1 waiver among them" in made(tmp_path)["sentence"]


def test_forms_and_endings(tmp_path: Path) -> None:
    Builder(tmp_path / "data").write()
    said = made(tmp_path / "data")
    for ending in ("html", "md", "json"):
        write_statement(said, tmp_path / f"s.{ending}")
    assert json.loads((tmp_path / "s.json").read_text()) == said
    with pytest.raises(DatasetError, match="no ending that says the form"):
        write_statement(said, tmp_path / "s.pdf")


@pytest.mark.browser
def test_the_worst_statement_prints_on_one_page(tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        missing("browser: make browser")
    builder = Builder(tmp_path / "data")
    for name in list(builder.mifa["study"]):
        builder.remove(f"study.{name}")
    for name in ("annotation_method", "annotation_criteria", "annotation_type", "annotation_coverage"):
        builder.remove(f"annotations[0].{name}")
    builder.set("study.title", "word " * 60)
    builder.set("waivers", [{"code": f"P00{n}", "reason": "because " * 80} for n in range(1, 9)])
    for n in range(1, 9):
        builder.put(f"masks/field_0{n}.png", builder.read("masks/field_01.png") * 0)
    builder.write()
    said = made(tmp_path / "data", "journal")
    said["waived"] = [
        {
            "code": f"P00{n}",
            "title": "A rule with a title of this length",
            "required": True,
            "reason": "because " * 80,
        }
        for n in range(1, 9)
    ]
    (tmp_path / "s.html").write_text(statement_html(said))
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
            f"--user-data-dir={tmp_path / 'user'}", f"--print-to-pdf={tmp_path / 's.pdf'}",
            (tmp_path / "s.html").as_uri(),
        ],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert len(re.findall(rb"/Type */Page[^s]", (tmp_path / "s.pdf").read_bytes())) == 1
