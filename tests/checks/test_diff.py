import json
from pathlib import Path

from builder import Builder
from micrographia.checks import diff
from micrographia.checks.diff import compare_findings
from micrographia.findings import Finding, Severity


def finding(message: str, line: int = 1, path: str = "files.tsv") -> Finding:
    return Finding("L016", Severity.ERROR, message, path=path, line=line)


def test_what_was_mended_and_what_broke(tmp_path: Path) -> None:
    old, new = Builder(tmp_path / "old", images=4), Builder(tmp_path / "new", images=4)
    old.remove("study.title")
    for builder in (old, new):
        builder.remove("annotations[0].annotation_criteria")
    new.remove("annotations[0].annotation_method")
    found = diff(old.write(), new.write(), workers=1)
    assert [f.code for f in found.mended] == ["M001"]
    assert [f.code for f in found.broke] == ["M013"]
    assert [f.code for f in found.still] == ["M015"]
    assert found.still[0].line != found.mended[0].line
    metadata = found.scores[0]
    assert metadata[0].passed == metadata[1].passed
    assert json.loads(json.dumps(found.to_json()))["still"][0]["code"] == "M015"


def test_images_and_annotations_by_checksum(tmp_path: Path) -> None:
    old, new = Builder(tmp_path / "old", images=4), Builder(tmp_path / "new", images=6)
    new.put("images/field_01.tif", new.read("images/field_01.tif") + 1)
    new.put("masks/field_02.png", new.read("masks/field_02.png")[::-1].copy())
    new.put_zarr("field_03")
    new.row("images/field_04.tif")["sha256"] = ""
    found = diff(old.write(), new.write(), workers=1)
    images, annotations = found.images, found.annotations
    assert images.added == ("field_05", "field_06")
    assert (images.removed, images.changed) == ((), ("field_01",))
    assert (images.rewritten, images.unknown, images.same) == (("field_03",), ("field_04",), 1)
    assert annotations.changed == ("nuclei of field_02",)
    assert annotations.rewritten == ("nuclei of field_03",)
    assert annotations.same == 2
    back = diff(new.root, old.root, workers=1)
    assert back.images.removed == images.added


def test_a_dataset_does_not_differ_from_itself(tmp_path: Path) -> None:
    folder = Builder(tmp_path, images=4).write()
    found = diff(folder, folder, workers=1)
    assert (found.mended, found.broke, found.still) == ((), (), ())
    assert (found.images.same, found.annotations.same) == (4, 4)


def test_findings_are_the_same_though_lines_move_and_numbers_change() -> None:
    old = [finding("a", 1), finding("b", 2), finding("c", 3), finding("5 of 7", path="x")]
    new = [finding("b", 7), finding("6 of 7", path="x"), finding("d", 9)]
    mended, broke, still = compare_findings(old, new)
    assert still == tuple(new), "two of the same file and rule are there still, whatever they say"
    assert len(mended) == 1
    assert broke == ()
    assert len(compare_findings(new, old)[1]) == 1
