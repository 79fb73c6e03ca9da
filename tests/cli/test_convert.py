import json
import shutil

import pytest

from micrographia.dataset import open_dataset


def test_plan_says_bytes_files_time_and_disk(command, made, tmp_path):
    told = command("plan", made / "described", tmp_path / "out")
    assert (told.status, told.err) == (0, "")
    assert "  4 images with 4 label images, " in told.out
    assert f"  free at {tmp_path}: " in told.out
    assert told.out.endswith(f"  Next: micrographia convert {made / 'described'}/ {tmp_path / 'out'}/\n")
    document = json.loads(command("plan", made / "described", "--json").out)
    assert document.keys() == {
        "images", "masks", "pixel_bytes", "bytes", "files", "seconds", "free", "where", "unreadable", "fits",
    }  # fmt: skip
    assert document["fits"] is True
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [[], ["--ome-zarr", "0.4"], ["--zip"]], ids=" ".join)
def test_convert_says_what_it_wrote(options, command, made, tmp_path):
    out = tmp_path / "out"
    told = command("convert", made / "described", out, "--workers", "1", *options)
    assert told.status == 0
    version = "0.4" if "0.4" in options else "0.5"
    lines = told.out.splitlines()
    assert lines[0].startswith(f"  4 images -> OME-Zarr {version}   ")
    assert lines[0].endswith("/min")
    assert lines[1] == "  Verified: every pixel read back equal."
    assert lines[-1] == f"  Next: micrographia card {out}/"
    ending = ".ozx" if "--zip" in options else ".ome.zarr"
    rows = [open_dataset(out).image_rows(image)[0] for image in open_dataset(out).image_ids]
    assert all(row.path.endswith(ending) for row in rows)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == ["out"]


def test_convert_as_json(command, made, tmp_path):
    told = command("convert", made / "described", tmp_path / "out", "--workers", "1", "--no-verify", "--json")
    assert told.status == 0
    document = json.loads(told.out)
    assert document.keys() == {
        "images", "resumed", "files", "bytes_read", "bytes_written", "seconds", "verified", "content_sha256",
        "files_sha256", "findings",
    }  # fmt: skip
    assert (document["images"], document["resumed"], document["verified"]) == (4, 0, False)
    assert (
        document["content_sha256"]
        == json.loads(command("hash", made / "converted", "--json").out)["content_sha256"]
    )


def test_originals_can_be_kept(command, made, tmp_path):
    told = command("convert", made / "described", tmp_path / "out", "--keep-originals")
    assert told.status == 0
    assert "no pixel was rewritten" in told.out
    assert (tmp_path / "out" / "images" / "plateA_A01_s1.tif").is_file()
    assert command("check", tmp_path / "out", "--select", "L", "--checksums").status == 0


def test_an_older_output_is_replaced_when_asked_for(command, made, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(made / "converted", out)
    (out / "old").touch()
    told = command("convert", made / "described", out)
    assert (told.status, told.out) == (2, "")
    assert "--overwrite" in told.err
    assert (out / "old").exists()
    assert command("convert", made / "described", out, "--overwrite", "--workers", "1").status == 0
    assert not (out / "old").exists()


def test_what_is_whole_is_not_done_again(command, made, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(made / "converted", out)
    told = command("convert", made / "described", out, "--resume")
    assert told.status == 0
    assert "4 images had been done before and were kept." in told.out
    assert " each" not in told.out


def test_no_image_is_left_out_in_silence(command, described, tmp_path):
    image = min((described / "images").iterdir())
    image.write_bytes(image.read_bytes()[:1000])
    told = command("convert", described, tmp_path / "out", "--workers", "1")
    assert (told.status, told.out) == (2, "")
    assert told.err.count("\n") == 1
    assert image.name in told.err
    assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_are_one_line(command, made, tmp_path):
    source = made / "described"
    for arguments, words in (
        ([source / "out"], "lies inside the dataset"),
        ([source], "holds the dataset"),
        ([made], "holds the dataset"),
        ([tmp_path / "no" / "out"], "does not exist"),
        ([source / "files.tsv" / "out"], "files.tsv"),
        ([tmp_path / "out", "--ome-zarr", "0.4", "--zip"], "Leave out --zip"),
    ):
        told = command("convert", source, *arguments)
        assert (told.status, told.out) == (2, ""), arguments
        assert told.err.count("\n") == 1
        assert words in told.err
    assert not list(tmp_path.glob("out*"))
