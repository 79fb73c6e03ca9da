"""After a fork, patches are right: in a child of a parent that has read, that is reading, and in workers of PyTorch."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from loading import made
from micrographia.loading import patches

LIMIT = 5.0
"""Seconds within which a child must have patches."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    random = np.random.default_rng(0)
    images = {name: random.integers(0, 999, (30, 96, 112)).astype(np.uint16) for name in "abc"}
    masks = {name: made.squares(pixels.shape) for name, pixels in images.items()}
    place = tmp_path_factory.mktemp("set")
    made.zarr(place, images, masks, "ZYX", chunk={"y": 16, "x": 16})
    return place


def in_child(work):
    """Run work in a forked child; return whether it was right, and how long it took."""
    started = time.perf_counter()
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    while time.perf_counter() - started < 2 * LIMIT:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), time.perf_counter() - started
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs", time.perf_counter() - started


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("raw", [False, True])
def test_a_child_reads_after_its_parent(folder, tmp_path, raw):
    place = folder
    if raw:
        stack = made.numbered((6, 64, 64))
        made.raw(tmp_path, {"a": stack}, {"a": made.squares(stack.shape)})
        place = tmp_path
    found = patches(place, (24, 24), seed=2, threads=2, per_epoch=60)
    expected = [patch["image"].copy() for patch in found]
    one = found[5]["image"]

    def work():
        again = [patch["image"] for patch in found]
        single = found[5]["image"]
        return all(map(np.array_equal, again, expected)) and np.array_equal(single, one)

    assert in_child(work)[0] == 0
    assert in_child(work)[1] < LIMIT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_goes_on_with_an_iterator_of_its_parent(folder):
    """Threads that decode for the iterator do not live on in the child."""
    found = patches(folder, (8, 24, 24), seed=2, threads=2, per_epoch=90, cache_bytes=1 << 20)
    expected = [patch["image"].copy() for patch in found]
    for stop in (1, 20, 70):
        turn = iter(found)
        for _ in range(stop):
            next(turn)

        def work(turn=turn, stop=stop):
            return all(map(np.array_equal, (patch["image"] for patch in turn), expected[stop:]))

        code, seconds = in_child(work)
        assert code == 0
        assert seconds < LIMIT
        rest = [patch["image"] for patch in turn]
        assert all(map(np.array_equal, rest, expected[stop:]))


WORKERS = """
import sys
import numpy as np
import torch
from torch.utils.data import DataLoader
from micrographia.loading import collate, patches

def main(folder, method):
    torch.set_num_threads(1)
    found = patches(folder, (24, 24), seed=2, per_epoch=53, cache_bytes=1 << 20)
    expected = list(found.batches(4))
    one_by_one = list(found)
    options = dict(num_workers=2, multiprocessing_context=method)
    dataset = found.torch_iterable(batch=4)
    loader = DataLoader(dataset, batch_size=None, persistent_workers=True, **options)
    assert len(loader) == len(expected) == 14
    for got, want in zip(loader, expected, strict=True):
        assert isinstance(got["image"], torch.Tensor)
        np.testing.assert_array_equal(got["image"].numpy(), want["image"])
        np.testing.assert_array_equal(got["mask"].numpy(), want["mask"])
        assert got["image_id"] == want["image_id"]
    dataset.set_epoch(1)
    second = list(found.batches(4))
    for got, want in zip(loader, second, strict=True):
        np.testing.assert_array_equal(got["image"].numpy(), want["image"])
    assert not np.array_equal(second[0]["start"], expected[0]["start"])
    del loader
    if method == "spawn":
        return
    found.set_epoch(0)
    loader = DataLoader(found.torch(), batch_size=4, collate_fn=collate, **options)
    for at, batch in enumerate(loader):
        for place, image in enumerate(batch["image"]):
            np.testing.assert_array_equal(np.asarray(image), one_by_one[4 * at + place]["image"])
    resumed = patches(folder, (24, 24), seed=2, per_epoch=53, cache_bytes=1 << 20)
    resumed.load_state_dict(found.state_dict(5 * 4, batch=4))
    loader = DataLoader(resumed.torch_iterable(batch=4), batch_size=None, **options)
    for got, want in zip(loader, expected[5:], strict=True):
        np.testing.assert_array_equal(got["image"].numpy(), want["image"])
    single = DataLoader(found.torch_iterable(), batch_size=None, **options)
    for got, want in zip(single, one_by_one, strict=True):
        np.testing.assert_array_equal(got["image"].numpy(), want["image"])

if __name__ == "__main__":
    main(*sys.argv[1:])
    print("right")
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_data_loader_give_what_one_process_gives(folder, tmp_path, method):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    pytest.importorskip("torch")
    script = tmp_path / "workers.py"
    script.write_text(WORKERS)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, folder, method],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "right\n", done.stderr[-3000:]
