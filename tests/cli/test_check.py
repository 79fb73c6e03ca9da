import json
import subprocess
import sys
from pathlib import Path

import pytest

from builder import Builder
from micrographia.cli import main


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    builder = Builder(tmp_path / "data", images=4)
    builder.set("annotations[0].annotation_type", ["Segmentation masks"])
    builder.remove("annotations[0].annotation_criteria")
    return builder.write()


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return Builder(tmp_path / "clean", images=4).write()


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_check_prints_findings_and_exits_with_1(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", dataset) == 1
    out = capsys.readouterr().out
    assert 'error    M003  annotation type "Segmentation masks" is not in the MIFA vocabulary' in out
    assert "did you mean segmentation_mask?   fixable" in out
    assert "1 fixable: --fix." in out


def test_warnings_fail_only_when_strict(dataset: Path) -> None:
    assert run("check", dataset, "--ignore", "M003") == 0
    assert run("check", dataset, "--ignore", "M003", "--strict") == 1
    assert run("check", dataset, "--select", "F,L", "--select", "I", "--strict", "--checksums") == 0


def test_fix_mends_and_says_so(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", dataset, "--fix") == 0
    assert "Fixed: mifa.yaml: wrote segmentation_mask" in capsys.readouterr().out
    assert run("check", dataset, "--select", "M003") == 0


@pytest.mark.parametrize(
    ("form", "begins"),
    [("json", "{"), ("sarif", "{"), ("html", "<!doctype html>"), ("markdown", "# "), ("text", "  ")],
)
def test_formats(form: str, begins: str, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", dataset, "--format", form) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(begins)
    if form in ("json", "sarif"):
        json.loads(printed)
    out = dataset.parent / f"report.{form}"
    assert run("check", dataset, "--format", form, "--out", out) == 1
    assert "Wrote" in capsys.readouterr().out
    if form != "text":
        assert out.read_text("utf-8") == printed


def test_json_is_asked_for_as_in_the_other_commands(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", dataset, "--format", "json") == 1
    printed = capsys.readouterr().out
    assert run("check", dataset, "--json") == 1
    assert capsys.readouterr().out == printed


def test_pixels(clean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", clean, "--pixels", "--strict", "--workers", "1", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["depth"] == "pixels"
    assert not [rule for rule in document["rules"] if rule["state"] == "skipped"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "does not exist"),
        (["{data}", "--select", "Q"], "no rule has a code"),
        (["{data}", "--profile", "mifa-9"], "there is no profile"),
        (["{data}", "--out", "{data}/no/such/folder.txt"], "cannot be written"),
        (["{data}", "--format", "yaml"], "yaml"),
    ],
)
def test_what_cannot_run_exits_with_2(
    arguments: list[str], told: str, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", *(argument.format(data=dataset) for argument in arguments)) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


def test_a_folder_that_is_no_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", tmp_path) == 2
    assert "micrographia describe" in capsys.readouterr().err


def test_rules_and_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rules", "--select", "M003,F0") == 0
    out = capsys.readouterr().out
    assert "  M003  error    mifa      Annotation types are words of the MIFA vocabulary  fixable\n" in out
    assert "M001" not in out
    assert run("rules", "--json") == 0
    assert {"code", "title", "requires"} <= set(json.loads(capsys.readouterr().out)[0])
    assert run("explain", "m003") == 0
    assert "  What it does\n" in capsys.readouterr().out
    assert run("explain", "M0O3") == 2
    assert "Did you mean" in capsys.readouterr().err


def test_diff(dataset: Path, clean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", dataset, clean) == 0
    out = capsys.readouterr().out
    assert "2 mended" in out
    assert "0 broke" in out
    assert "images       0 added, 0 removed, 0 changed, 4 the same" in out
    assert run("diff", clean, dataset) == 1
    capsys.readouterr()
    assert run("diff", clean, dataset, "--json") == 1
    assert [finding["code"] for finding in json.loads(capsys.readouterr().out)["broke"]] == ["M003", "M015"]


def test_rules_are_listed_without_heavy_libraries() -> None:
    code = (
        "import sys; from micrographia.cli import main; main(['explain', 'M003']);"
        "print(sorted({'matplotlib', 'h5py', 'tifffile', 'zarr', 'skimage'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
