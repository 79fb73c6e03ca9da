"""Import and export as a whole: recognised, whole or not at all, honest about losses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from micrographia.dataset import open_dataset
from micrographia.dataset.origin import Kept, Origin, read_origin, write_origin
from micrographia.errors import DatasetError, ExchangeError
from micrographia.exchange import (
    Source,
    Submission,
    described,
    export,
    file_table,
    find_format,
    import_submission,
    read_submission,
    recognise,
    told,
    unnamed_differences,
)

STUDY = {"study": {"title": "Nuclei", "description": "Some", "license": "CC0-1.0", "keywords": ["nucleus"]}}


def some(**study: object) -> Submission:
    return Submission(described({"study": {**STUDY["study"], **study}}), file_table([]))


def test_what_was_exported_comes_back(tmp_path: Path) -> None:
    done = export(some(funding_statement="None"), "mifa", tmp_path / "out")
    assert done.valid
    back = import_submission(done.path, tmp_path / "back")
    assert back.mifa.study.title == "Nuclei"
    assert unnamed_differences(some(funding_statement="None"), back, [*done.findings, *back.findings]) == []
    assert open_dataset(tmp_path / "back").mifa.study.keywords == ["nucleus"]
    assert read_origin(tmp_path / "back").format == "mifa"


def test_a_missing_field_is_an_error_and_the_rest_is_written(tmp_path: Path) -> None:
    done = export(some(), "mifa", tmp_path / "out")
    assert not done.valid
    assert [finding.field for finding in done.findings if finding.severity == "error"] == [
        "study.funding_statement"
    ]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ExchangeError, match="exists already"):
        export(some(), "mifa", tmp_path / "out")
    with pytest.raises(ExchangeError, match="exists already"):
        import_submission(tmp_path, tmp_path / "out")


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("micrographia.metadata.write_archive", fail)
    with pytest.raises(ExchangeError, match="No space left"):
        export(some(), "mifa", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mifa", "croissant"])
def test_where_nothing_can_be_written_the_output_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", str(path))

    for change in ("mkdir", "unlink", "write_text", "write_bytes", "open"):
        monkeypatch.setattr(Path, change, refuse)
    with pytest.raises(
        ExchangeError, match=r"out: cannot be written \(Read-only file system\). Free space or"
    ) as told:
        export(some(), name, tmp_path / "out")
    assert told.value.path == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda where: read_submission(where / "none"), "does not exist"),
        (lambda where: recognise(Source(where)), "no known format"),
        (lambda _: find_format("pdf"), "no format 'pdf'"),
        (lambda where: export(some(), "mifa", where / "o", {"x": "1"}), "no option 'x'"),
    ],
)
def test_a_clear_error(give: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=message):
        give(tmp_path)  # type: ignore[operator]


def test_differences_are_named_or_found() -> None:
    one, two = some(), some(title="Cells")
    assert unnamed_differences(one, two, []) == ["study.title"]
    assert unnamed_differences(one, two, [told("E001", "no place", field="study")]) == []
    assert unnamed_differences(one, two, [told("E001", "no place", field="study.tit")]) == ["study.title"]


def test_differences_of_file_lists() -> None:
    one = Submission(described({}), file_table([{"Files": "a.tif", "size": 3, "well": "A1"}]))
    two = Submission(described({}), file_table([{"Files": "a.tif", "size": 3, "well": "A2"}]))
    other = Submission(described({}), file_table([{"Files": "b.tif"}]))
    assert unnamed_differences(one, two, []) == ["files.well"]
    assert unnamed_differences(one, other, []) == ["files"]
    assert unnamed_differences(one, other, [told("E006", "left out", field="files")]) == []


def test_an_origin_comes_back(tmp_path: Path) -> None:
    origin = Origin("pagetab", "S-1.json", "https://example.org/", (Kept("section", {"a": [1, "ä"]}),))
    write_origin(tmp_path, origin)
    assert read_origin(tmp_path) == origin
    (tmp_path / "origin.json").write_text(json.dumps({"kind": "else"}))
    with pytest.raises(DatasetError, match="not what an import writes"):
        read_origin(tmp_path)


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "[" * 300 + "]" * 300])
def test_deep_json_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ExchangeError, match="too deep"):
        Source(tmp_path / "a.json").json()
