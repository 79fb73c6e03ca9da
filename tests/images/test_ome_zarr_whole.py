"""Outputs appear whole or not at all, in bounded memory: what a killed process, a full disk and a large image do."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from micrographia.errors import ImageError
from micrographia.images import ArrayImage, LabelSource, content_digest, open_image, validate, write_image

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def sample() -> tuple[ArrayImage, LabelSource]:
    random = np.random.default_rng(8)
    image = ArrayImage(random.integers(0, 4000, (3, 700, 900)).astype(np.uint16), "ZYX")
    return image, LabelSource("n", ArrayImage(random.integers(0, 4, (3, 700, 900)).astype(np.uint8), "ZYX"))


def in_child(work: Callable[[], None]) -> int:
    """Run something in a forked process and return its number."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001 - the child tells by its status
        os._exit(1)
    os._exit(0)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_killed_at_any_moment(tmp_path: Path, version: str):
    image, source = sample()
    target = tmp_path / "a.ome.zarr"
    digest = content_digest(image)
    whole = write_image(tmp_path / "b/a.ome.zarr", image, labels=[source], version=version).files
    random = np.random.default_rng(6)

    def again_and_again() -> None:
        while True:
            write_image(target, image, labels=[source], version=version, overwrite=True, threads=1)

    seen = set()
    for _ in range(12):
        child = in_child(again_and_again)
        time.sleep(float(random.uniform(0.0, 0.25)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.update(path.name for path in tmp_path.iterdir())
        if target.exists():
            assert content_digest(open_image(target)) == digest
            assert validate(target) == []
    assert ".a.ome.zarr.partial" in seen, "no kill came while something was written"
    assert write_image(target, image, labels=[source], version=version, overwrite=True).files == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ome.zarr", "b"]


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.ozx"])
def test_a_full_disk_leaves_the_old_output(tmp_path: Path, name: str):
    small = ArrayImage(np.ones((20, 20), np.uint8), "YX")
    target = tmp_path / name
    write_image(target, small)
    image, source = sample()

    def without_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        with pytest.raises(ImageError, match="cannot be written") as caught:
            write_image(target, image, labels=[source], overwrite=True)
        assert caught.value.path == str(target)

    child = in_child(without_room)
    assert os.waitpid(child, 0)[1] == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (open_image(target).read() == 1).all()


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageError, match="cannot be written"):
        write_image(tmp_path / "file/a.ome.zarr", sample()[0])


LARGE = """
import json, resource, sys
from pathlib import Path
import numpy as np
from micrographia.images import ArrayImage, Image, LabelSource, content_digest, write_image

class Made:
    def __init__(self, most):
        self.most = most
    def read(self, region):
        z, y, x = (np.arange(part.start, part.stop, dtype=np.uint16) for part in region)
        return (z[:, None, None] * 3 + y[:, None] * 5 + x // 7) % np.uint16(self.most)
    def close(self):
        pass

def made(planes, most):
    scale = {"z": 0.5, "y": 0.5, "x": 0.5}
    return Image(Made(most), path=Path("made"), axes="ZYX", shape=(planes, 1024, 1500), dtype=np.uint16, scale=scale)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

target = Path(sys.argv[1])
peaks = []
for planes in (2, 8, 60):
    image, labels = made(planes, 900), made(planes, 9)
    write_image(target, image, labels=[LabelSource("n", labels)], threads=2, overwrite=True)
    content_digest(image, threads=2)
    peaks.append(peak())
print(json.dumps({"peaks": peaks, "bytes": image.nbytes + labels.nbytes}))
"""


def test_memory_does_not_grow_with_the_image(tmp_path: Path):
    """The peak is that of one process; 370 MB of pixels would show if they were kept."""
    command = [sys.executable, "-c", LARGE, str(tmp_path / "a.ome.zarr")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    first, second, third = told["peaks"]
    assert told["bytes"] > 350e6
    assert second - first < 100, told
    assert third - second < 30, told
