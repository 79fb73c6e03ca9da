import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import zarr

from folders import copied, lab
from micrographia.annotations import read_table
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.dataset.identity import content_sha256, dataset_files_sha256, file_checksum
from micrographia.dataset.keep import keep_originals
from micrographia.dataset.plan import make_plan
from micrographia.errors import MicrographiaError
from micrographia.metadata import load, update
from micrographia.simulation import Plate

FAST = ConvertOptions(verify=False, workers=1)


def described(tmp_path, **options):
    folder = lab(tmp_path, **options)
    return describe(
        folder, DescribeOptions(groups=["well=treatments.csv:well"], split="treatments.csv:split")
    ).dataset


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(("version", "zipped"), [("0.5", False), ("0.4", False), ("0.5", True)])
def test_a_conversion_says_the_same_as_its_source(tmp_path, version, zipped):
    source = described(tmp_path)
    update(source.path / "mifa.yaml", {"study.title": "Our nuclei"})
    source = open_dataset(source.path)
    out = tmp_path / "out"
    result = convert(source, out, ConvertOptions(version, zipped, verify=True, workers=1))
    made = open_dataset(out)
    assert not made.findings
    assert made.image_ids == source.image_ids
    assert result.content_sha256 == content_sha256(source) == content_sha256(made)
    assert result.files_sha256 == dataset_files_sha256(made)
    assert made.mifa.study.title == "Our nuclei"
    last = made.mifa.versions[-1]
    assert (last.version, last.previous_version) == ("0.2", "0.1")
    assert f"OME-Zarr {version}" in last.changes
    assert last.content_sha256 == result.content_sha256
    for image in source.image_ids:
        assert np.array_equal(made.image(image).read().squeeze(), source.image(image).read().squeeze())
        (before,), (after,) = source.masks(image), made.masks(image)
        assert np.array_equal(after.image.read(), before.image.read())
        assert made.image_groups(image) == source.image_groups(image)
        assert made.image_split(image) == source.image_split(image)
        assert made.image(image).scale == pytest.approx(source.image(image).scale)
        assert made.original_path(made.image_rows(image)[0]) == source.image_rows(image)[0].path
    for row in made.rows:
        if not zipped or not row.member:
            assert file_checksum(made.locate(row)) == (row.size, row.sha256)
    assert not list(tmp_path.glob("out.*"))


def test_an_image_without_axis_c_gets_one(tmp_path):
    source = described(tmp_path)
    convert(source, tmp_path / "out", FAST)
    group = zarr.open_group(tmp_path / "out" / "images" / f"{source.image_ids[0]}.ome.zarr", mode="r")
    assert [axis["name"] for axis in group.attrs["ome"]["multiscales"][0]["axes"]] == ["c", "y", "x"]
    assert group["0"].shape == (1, 64, 80)


def test_objects_are_measured(tmp_path):
    source = described(tmp_path)
    convert(source, tmp_path / "out", FAST)
    objects, findings = read_table(tmp_path / "out" / "annotations" / "objects.parquet")
    assert not findings
    for image in source.image_ids:
        labels = source.masks(image)[0].image.read()
        ids, areas = np.unique(labels[labels > 0], return_counts=True)
        rows = objects[objects["image"] == image]
        assert rows["label_id"].tolist() == ids.tolist()
        assert rows["area"].tolist() == areas.tolist()


def test_the_bytes_do_not_depend_on_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    source = described(tmp_path, images=20, plate=Plate(sites=1))
    convert(source, tmp_path / "one", FAST)
    convert(source, tmp_path / "two", ConvertOptions(verify=False, workers=2))
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_one_file_an_object_with_overlaps_goes_to_layers(tmp_path):
    from PIL import Image

    folder = tmp_path / "lab"
    for name in ("images", "masks"):
        (folder / "s" / name).mkdir(parents=True)
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20)).save(folder / "s" / "images" / "s.png")
    for number, start in enumerate((0, 5, 12)):
        mark = np.zeros((20, 20), np.uint8)
        mark[start : start + 8, 2:9] = 255
        Image.fromarray(mark).save(folder / "s" / "masks" / f"o{number}.png")
    source = describe(folder).dataset
    assert [(mask.name, mask.overlap) for mask in source.masks("s")] == [("masks", 28), ("masks-layer-2", 28)]
    convert(source, tmp_path / "out", FAST)
    made = open_dataset(tmp_path / "out")
    assert [mask.name for mask in made.masks("s")] == ["masks", "masks-layer-2"]
    for before, after in zip(source.masks("s"), made.masks("s"), strict=True):
        assert np.array_equal(before.image.read(), after.image.read())
    assert content_sha256(made) == content_sha256(source)


def test_what_is_neither_image_nor_mask_is_carried_over(tmp_path):
    folder = lab(tmp_path)
    (folder / "images" / "README.md").write_text("by hand")
    (folder / "LICENCE").write_text("CC0")
    source = describe(folder).dataset
    convert(source, tmp_path / "out", FAST)
    out = tmp_path / "out"
    assert (out / "originals" / "images" / "README.md").read_text() == "by hand"
    assert (out / "LICENCE").read_text() == "CC0"
    assert (out / "treatments.csv").read_bytes() == (folder / "treatments.csv").read_bytes()


def test_a_conversion_converts_again(tmp_path):
    source = described(tmp_path)
    convert(source, tmp_path / "one", FAST)
    convert(open_dataset(tmp_path / "one"), tmp_path / "two", ConvertOptions("0.4", verify=True, workers=1))
    two = open_dataset(tmp_path / "two")
    assert content_sha256(two) == content_sha256(source)
    assert [entry.version for entry in two.mifa.versions] == ["0.1", "0.2", "0.3"]


def test_an_output_is_never_overwritten_by_accident(tmp_path):
    source = described(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious").touch()
    with pytest.raises(MicrographiaError, match="exists already"):
        convert(source, out, FAST)
    with pytest.raises(MicrographiaError, match="lies inside"):
        convert(source, source.path / "out", FAST)
    assert (out / "precious").exists()
    convert(source, out, ConvertOptions(verify=False, workers=1, overwrite=True))
    assert not (out / "precious").exists()


def test_an_unreadable_image_is_named_and_mended_with_resume(tmp_path):
    source = described(tmp_path)
    path = source.locate(source.image_rows(source.image_ids[1])[0])
    good = path.read_bytes()
    path.write_bytes(good[:300])
    out = tmp_path / "out"
    with pytest.raises(MicrographiaError, match=f"1 of 4 images cannot be converted: .*{path.name}"):
        convert(source, out, FAST)
    assert not out.exists()
    with pytest.raises(MicrographiaError, match="--resume"):
        convert(source, out, FAST)
    path.write_bytes(good)
    result = convert(source, out, ConvertOptions(verify=False, workers=1, resume=True))
    assert result.resumed == 3
    assert content_sha256(open_dataset(out)) == content_sha256(source)


def test_resuming_with_other_options_is_refused(tmp_path):
    source = described(tmp_path)
    path = source.locate(source.image_rows(source.image_ids[-1])[0])
    path.write_bytes(b"")
    with pytest.raises(MicrographiaError):
        convert(source, tmp_path / "out", FAST)
    with pytest.raises(MicrographiaError, match=r"had version '0\.5', this one has '0\.4'"):
        convert(source, tmp_path / "out", ConvertOptions("0.4", verify=False, workers=1, resume=True))


def run(code, *arguments, **options):
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1000000000"}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=environment, **options)


CONVERT = """
import sys
from pathlib import Path
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
import micrographia.images.ome_zarr_writer, micrographia.annotations.masks
if __name__ == "__main__":
    source, out, workers = open_dataset(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    print("ready", flush=True)
    convert(source, out, ConvertOptions(verify=False, workers=workers, resume=True))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_twenty_moments_it_ends_with_the_bytes_of_an_undisturbed_run(tmp_path):
    source = described(tmp_path, images=24, plate=Plate(sites=1))
    calm = tmp_path / "calm"
    process = run(CONVERT, source.path, calm, 1, stdout=subprocess.PIPE)
    process.stdout.readline()
    started = time.monotonic()
    assert process.wait(120) == 0
    process.stdout.close()
    duration = time.monotonic() - started
    expected = content(calm)
    out = tmp_path / "out"
    draw = random.Random(0)
    killed = 0
    while killed < 20:
        process = run(CONVERT, source.path, out, 1, stdout=subprocess.PIPE)
        process.stdout.readline()
        try:
            assert process.wait(draw.uniform(0, duration / 3)) == 0
            assert content(out) == expected
            shutil.rmtree(out)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        process.stdout.close()
    process = run(CONVERT, source.path, out, 1)
    assert process.wait(120) == 0
    assert content(out) == expected
    assert not list(tmp_path.glob("out.*"))


FULL = """
import resource, sys
from pathlib import Path
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.errors import MicrographiaError
if __name__ == "__main__":
    source = open_dataset(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))
    try:
        convert(source, Path(sys.argv[2]), ConvertOptions(verify=False, workers=1, overwrite=True))
    except MicrographiaError as error:
        print(error)
        sys.exit(2)
"""


def test_a_full_disk_leaves_source_and_older_output_as_they_were(tmp_path):
    source = described(tmp_path)
    out = tmp_path / "out"
    convert(source, out, FAST)
    before, older = content(source.path), content(out)
    process = run(FULL, source.path, out, stdout=subprocess.PIPE, text=True)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 2, told
    assert "cannot be written" in told or "cannot be converted" in told
    assert "Traceback" not in told
    assert content(source.path) == before
    assert content(out) == older


def test_killed_between_the_last_table_and_the_end_it_still_lists_the_objects(tmp_path, monkeypatch):
    from micrographia.dataset import convert as module

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    source = described(tmp_path)
    convert(source, tmp_path / "calm", FAST)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "put_in_place", killed)
    with pytest.raises(KeyboardInterrupt):
        convert(source, tmp_path / "out", FAST)
    monkeypatch.undo()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    convert(source, tmp_path / "out", ConvertOptions(verify=False, workers=1, resume=True))
    assert content(tmp_path / "out") == content(tmp_path / "calm")
    assert not list(tmp_path.glob("out.*"))


def test_two_conversions_do_not_write_into_one_folder(tmp_path):
    from micrographia.dataset.locks import alone

    source = described(tmp_path)
    with alone(tmp_path / "out.partial.lock"), pytest.raises(MicrographiaError, match="another conversion"):
        convert(source, tmp_path / "out", FAST)


def test_originals_can_be_kept(tmp_path):
    source = described(tmp_path)
    hashes = keep_originals(source, tmp_path / "out")
    kept = open_dataset(tmp_path / "out")
    assert hashes == (content_sha256(source), dataset_files_sha256(kept))
    row = kept.image_rows(kept.image_ids[0])[0]
    assert kept.locate(row).samefile(source.locate(source.image_rows(row.image)[0]))
    assert kept.mifa.versions[-1].content_sha256 == hashes[0]


def test_a_plan_is_on_the_safe_side_and_writes_nothing(tmp_path):
    source = described(tmp_path)
    before = content(tmp_path)
    plan = make_plan(source, tmp_path / "out")
    assert content(tmp_path) == before
    result = convert(source, tmp_path / "out", FAST)
    assert (plan.images, plan.masks, plan.files) == (4, 4, result.files)
    assert result.bytes_written <= plan.bytes <= 3 * result.bytes_written
    assert plan.pixel_bytes == result.bytes_read
    assert plan.fits
    json.dumps(plan.to_json())


@pytest.mark.real_data
@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize(
    "name", ["stardist_test_images", "plantseg_3d", "nf1_cellpainting", "pancreas_imc_images"]
)
def test_real_folders_convert_and_read_back_equal(data, tmp_path, name, version):
    source = describe(copied(data, name, tmp_path)).dataset
    result = convert(source, tmp_path / "out", ConvertOptions(version, verify=True))
    made = open_dataset(tmp_path / "out")
    assert result.content_sha256 == content_sha256(source) == content_sha256(made)
    assert load(tmp_path / "out" / "mifa.yaml").mifa.versions[-1].content_sha256 == result.content_sha256


@pytest.mark.real_data
def test_all_of_dsb2018_converts_and_reads_back_equal(data, tmp_path):
    source = describe(copied(data, "dsb2018", tmp_path)).dataset
    result = convert(source, tmp_path / "out", ConvertOptions(verify=True))
    made = open_dataset(tmp_path / "out")
    assert result.content_sha256 == content_sha256(source) == content_sha256(made)
    objects, _ = read_table(tmp_path / "out" / "annotations" / "objects.parquet")
    assert len(objects) == 11655 + 41
    assert pd.read_csv(tmp_path / "out" / "files.tsv", sep="\t")["Files"].is_unique
