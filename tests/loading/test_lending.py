"""Batches of worker processes in shared memory that is used again."""

import os
import subprocess
import sys

import numpy as np
import pytest

from loading import made

WORKERS = """
import gc, os, sys
from pathlib import Path
import numpy as np
import torch
from torch.utils.data import DataLoader
from micrographia.loading import lending, patches

SIZE, BATCH = (24, 80, 80), 4

def mapped():
    return sum("psm_" in line for line in Path("/proc/self/maps").read_text().splitlines())

def named():
    return {one.name for one in Path("/dev/shm").glob("psm_*")}

def main(folder, method):
    torch.set_num_threads(1)
    before = named()
    found = patches(folder, SIZE, seed=2, per_epoch=53, cache_bytes=1 << 20)
    expected = list(found.batches(BATCH))
    dataset = found.torch_iterable(batch=BATCH)
    options = dict(batch_size=None, num_workers=2, multiprocessing_context=method)
    loader = DataLoader(dataset, persistent_workers=True, **options)

    places = set()
    for got, want in zip(loader, expected, strict=True):
        assert list(got) == list(want)
        for key in ("image", "mask", "region", "start"):
            np.testing.assert_array_equal(got[key].numpy(), want[key])
        assert got["image_id"] == want["image_id"]
        places.add(got["image"].data_ptr())
    assert len(places) < len(expected), "no memory was used again"
    assert 0 < mapped() <= 2 * lending.SEGMENTS
    del got
    gc.collect()

    kept = list(loader)  # more than there are segments: nothing may be written over
    for got, want in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(got["image"].numpy(), want["image"])
    views = [batch["image"][1:, :, 3:] for batch in kept]
    del kept, got
    gc.collect()
    assert [len(list(loader)) for _ in range(2)] == [14, 14]
    for view, want in zip(views, expected, strict=True):
        np.testing.assert_array_equal(view.numpy(), want["image"][1:, :, 3:])

    del loader
    for _ in range(3):  # new workers in each epoch: those of the last do not pile up
        for number, got in enumerate(DataLoader(dataset, **options)):
            if number == 5:
                break
    del views, view, got
    gc.collect()
    assert mapped() <= 2 * lending.SEGMENTS
    del dataset
    gc.collect()
    assert mapped() == 0, mapped()
    assert not lending._mapped
    assert named() <= before

if __name__ == "__main__":
    main(*sys.argv[1:])
    print("right")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="what is mapped is read from /proc")  # noqa: PTH112
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_shared_memory_is_used_again_and_never_too_early(tmp_path, method):
    pytest.importorskip("torch")
    random = np.random.default_rng(0)
    images = {name: random.integers(0, 999, (30, 96, 112)).astype(np.uint16) for name in "ab"}
    masks = {name: made.squares(pixels.shape) for name, pixels in images.items()}
    folder = tmp_path / "set"
    folder.mkdir()
    made.zarr(folder, images, masks, "ZYX", chunk={"y": 16, "x": 16})
    script = tmp_path / "workers.py"
    script.write_text(WORKERS)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, folder, method],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("right\n", "")
