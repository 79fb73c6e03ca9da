"""What hostile or damaged input does to the commands: one clear line or finding, never a traceback."""

import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folders import lab
from micrographia.cli import main
from micrographia.dataset.describe import describe

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def dataset(tmp_path):
    folder = lab(tmp_path)
    describe(folder)
    return folder


def told(capsys, *arguments):
    """Run a command; return status and all that it said."""
    status = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return status, said.out + said.err


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "study: !!python/object/apply:os.system ['touch owned']\n",
        "study: [" * 5000,
        "\0\1\2",
        "- a list\n",
        "",
        "micrographia_format: 99\nstudy: {title: x}\n",
        "study: {title: a\n",
    ],
)
def test_descriptions_that_are_none(dataset, capsys, text, monkeypatch):
    monkeypatch.chdir(dataset)
    (dataset / "mifa.yaml").write_text(text)
    for command in (
        ("check", dataset),
        ("convert", dataset, dataset.parent / "out"),
        ("card", dataset),
        ("describe", dataset),
    ):
        status, said = told(capsys, *command)
        assert status == 2
        assert "mifa.yaml" in said
        assert len(said.splitlines()) <= 3
    assert (dataset / "mifa.yaml").read_text() == text
    assert not Path("owned").exists()


def test_a_description_that_is_not_utf8(dataset, capsys):
    (dataset / "mifa.yaml").write_bytes(b"study:\n  title: \xff\xfe\n")
    status, said = told(capsys, "check", dataset)
    assert status == 2
    assert "mifa.yaml" in said


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "C:\\x.tif", "images/../../x.tif", "images/\u202egpj.exe"]
)
def test_paths_out_of_the_dataset_are_findings(dataset, capsys, path):
    rows = (dataset / "files.tsv").read_text().splitlines()
    first = rows[1].split("\t")
    rows[1] = "\t".join([path, *first[1:]])
    (dataset / "files.tsv").write_text("\n".join(rows) + "\n")
    status, said = told(capsys, "check", dataset, "--format", "json")
    assert status == 1
    report = json.loads(said)
    assert any(finding["path"] == "files.tsv" or path in finding["message"] for finding in report["findings"])
    assert "root:" not in said


def test_a_link_out_of_the_dataset_is_not_read(dataset, capsys, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a.tif").write_bytes((dataset / "images").iterdir().__next__().read_bytes())
    shutil.rmtree(dataset / "images")
    (dataset / "images").symlink_to(secret)
    status, said = told(capsys, "check", dataset)
    assert status == 1
    assert "images/" in said
    status, said = told(capsys, "convert", dataset, tmp_path / "out")
    assert status == 2
    assert not (tmp_path / "out").exists()


def files_of_many_kinds(folder):
    folder.mkdir()
    (folder / "empty.tif").touch()
    (folder / "text.tif").write_text("not an image")
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0")
    (folder / "large.bmp").write_bytes(
        b"BM" + (1 << 31).to_bytes(4, "little") + b"\0" * 8 + b"\x28\0\0\0" + b"\xff\xff\xff\x7f" * 2
    )
    (folder / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with h5py.File(folder / "no_images.h5", "w") as file:
        file["notes"] = "nothing here"
    (folder / "claims.npy").write_bytes(
        b"\x93NUMPY\x01\0v\0{'descr': '<u2', 'fortran_order': False, 'shape': (65536, 32768), }".ljust(128)
    )
    np.save(folder / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.roi", b"\0" * 50_000_000)
    (folder / "coco.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "../../etc/passwd", "width": 1 << 31, "height": 1 << 31}],
                "annotations": [{"id": 1, "image_id": 1, "bbox": [0, 0, 1e30, -5], "category_id": 7}],
                "categories": [],
            }
        )
    )
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "bad.geojson").write_bytes(b'{"type": "FeatureCollection", "features": [' + b"\xff" * 100)
    (folder / "broken.ome.zarr").mkdir()
    (folder / "broken.ome.zarr" / "zarr.json").write_text("{")
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.tif")


def test_a_folder_of_broken_files_is_described_around_them(tmp_path, capsys):
    folder = tmp_path / "lab"
    files_of_many_kinds(folder)
    good = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    np.save(folder / "good.npy", good)
    status, said = told(capsys, "describe", folder, "--all")
    assert status == 0
    for name in (
        "empty.tif",
        "text.tif",
        "cut.png",
        "large.bmp",
        "a.h5",
        "claims.npy",
        "objects.npy",
        "broken.ome.zarr",
        "circle",
    ):
        assert name in said, name
    status, said = told(capsys, "check", folder, "--pixels")
    assert status == 1


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
from micrographia.cli import main
if __name__ == "__main__":
    status = main(["describe", sys.argv[1], "--workers", "1"])
    # Not ru_maxrss: that remembers the size of the process that this one was forked from.
    status_lines = open("/proc/self/status").read().splitlines()
    print("peak", next(int(line.split()[1]) // 1024 for line in status_lines if line.startswith("VmHWM")))
    sys.exit(status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
def test_memory_stays_bounded_whatever_headers_claim(tmp_path):
    folder = tmp_path / "lab"
    files_of_many_kinds(folder)
    np.save(folder / "good.npy", np.eye(64, dtype=np.uint8))
    process = subprocess.run(
        [sys.executable, "-c", LIMITED, folder], capture_output=True, text=True, timeout=120, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert int(process.stdout.split("peak")[1]) < 1200


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    position=st.integers(0, 4000),
    junk=st.binary(min_size=1, max_size=12),
    name=st.sampled_from(["mifa.yaml", "files.tsv"]),
)
def test_a_damaged_description_is_told_in_one_line_or_a_finding(dataset, capsys, position, junk, name):
    path = dataset / name
    good = path.read_bytes()
    at = position % len(good)
    path.write_bytes(good[:at] + junk + good[at + len(junk) :])
    try:
        status, said = told(capsys, "check", dataset, "--format", "json")
        assert status in (0, 1, 2)
        if status < 2:
            json.loads(said)
        else:
            assert name in said
    finally:
        path.write_bytes(good)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    folder = lab(tmp_path)
    code = (
        "import resource, sys\n"
        "from micrographia.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "sys.exit(main(['describe', sys.argv[1]]))\n"
    )
    before = sorted(path.name for path in folder.rglob("*"))
    process = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert process.returncode == 2
    assert "cannot be written" in process.stderr
    assert "Traceback" not in process.stderr
    assert sorted(path.name for path in folder.rglob("*")) == before
    assert resource.RLIM_INFINITY is not None
