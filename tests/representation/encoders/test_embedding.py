import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from builder import Builder, field
from micrographia.cli import main
from micrographia.errors import MicrographiaError, ProfileError
from micrographia.images import open_image
from micrographia.representation.encoders.embedding import TOLERANCE, by_layer, embed, embed_file
from micrographia.representation.encoders.functions import FunctionEncoder
from micrographia.representation.encoders.plain import random_cnn
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.representation.encoders.twins import twins
from micrographia.representation.profiles_io import read_profiles


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_whole_fields_by_hand(dataset, tiny):
    found = embed(dataset, tiny, scaling="fixed:0,4000", out=None)
    assert found.names == ("moments.0000", "moments.0001")
    assert list(found.meta) == ["image", "split", "slide"]
    # A triangle filter that shrinks 96 to 16 pixels leaves the mean nearly as it is.
    expected = [np.clip(field(number)[0] / 4000, 0, 1).mean() for number in range(4)]
    assert found.values[:, 0] == pytest.approx(expected, rel=0.02)
    assert found.source["kind"] == "candidate"
    assert found.source["scaling"] == "fixed:0,4000"
    assert found.source["dataset"]["images"] == 4
    assert len(found.source["dataset"]["content_sha256"]) == 64
    assert "file" not in found.source


def test_tiles_are_averaged(dataset, tiny):
    tiles = embed(dataset, tiny, fit="tiles", scaling="fixed:0,4000")
    patches = embed(dataset, tiny, per="patch", scaling="fixed:0,4000")
    for at, image in enumerate(tiles.column("image")):
        assert tiles.values[at] == pytest.approx(
            patches.values[patches.column("image") == image].mean(0), rel=1e-6
        )


def test_tiles_of_many_chunks_are_averaged_too(dataset, tiny, monkeypatch):
    whole = embed(dataset, tiny, fit="tiles")
    monkeypatch.setattr("micrographia.representation.encoders.plan.CHUNK_WINDOWS", 5)
    monkeypatch.setattr("micrographia.representation.encoders.encoding.PART_ROWS", 1)
    assert np.array_equal(embed(dataset, tiny, fit="tiles", batch=7).values, whole.values)


def test_layers_are_taken_apart_in_order(dataset, tiny, tmp_path):
    found = embed(dataset, tiny, layers=True)
    assert found.source["layers"] == {"corner": [0, 4], "moments": [4, 6]}
    apart = by_layer(found)
    assert list(apart) == ["corner", "moments"]
    assert np.array_equal(apart["moments"].values, embed(dataset, tiny).values)
    written = embed(dataset, tiny, layers=["corner"], out=tmp_path / "a.parquet")
    assert np.array_equal(by_layer(read_profiles(tmp_path / "a.parquet"))["corner"].values, written.values)
    backwards = FunctionEncoder(
        lambda batch: {name: batch.mean((2, 3)) for name in "cab"}, size=8, channels=1
    )
    for _ in range(2):  # made, and found whole
        held = embed(dataset, backwards, layers=True, out=tmp_path / "b.parquet")
        assert list(by_layer(held)) == ["c", "a", "b"]
    assert list(by_layer(read_profiles(tmp_path / "b.parquet"))) == ["c", "a", "b"]
    with pytest.raises(EncoderError, match=r"has no layer 'head'\. Layers are corner, moments"):
        embed(dataset, tiny, layers=["head"])
    with pytest.raises(ProfileError, match="does not say which layers"):
        by_layer(found.select([0, 1]))


def test_channels_apart_are_those_of_each_channel_alone(tmp_path, tiny):
    builder = Builder(tmp_path, images=2)
    for number, name in enumerate(builder.ids):
        stack = np.stack([field(number)[0], field(number + 4)[0]])
        builder.put(f"images/{name}.tif", stack, imagej=True, metadata={"axes": "CYX", "Labels": ["a", "b"]})
    root = builder.write()
    both = embed(root, tiny, mapping="channelwise", layers=True)
    assert both.d == 12
    for number in range(2):
        alone = embed(root, tiny, mapping=f"channels:{number}", layers=True)
        for layer, held in by_layer(alone).items():
            k = held.d
            assert np.array_equal(by_layer(both)[layer].values[:, number * k : (number + 1) * k], held.values)


@pytest.mark.parametrize("batch", [1, 3])
def test_numbers_do_not_depend_on_the_batch(torch, dataset, batch):
    encoder = twins(random_cnn(size=32, device="cpu"), [1])[0]
    eight = embed(dataset, encoder, per="object", layers=True, batch=8)
    found = embed(dataset, encoder, per="object", layers=True, batch=batch)
    for layer, held in by_layer(found).items():
        expected = by_layer(eight)[layer].values
        assert np.abs(held.values - expected).max() <= TOLERANCE * np.abs(expected).max()


def test_bytes_do_not_depend_on_the_workers(dataset, tiny, tmp_path):
    for workers in (1, 4):
        embed(dataset, tiny, per="patch", patch=8, workers=workers, out=tmp_path / f"{workers}.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "4.parquet").read_bytes()


def cut(dataset, side):
    """Yield the patches of all fields in their order, scaled as the percentiles of their field say."""
    for name in sorted((dataset / "images").iterdir()):
        with open_image(name) as image:
            pixels = image.read().astype(float)
        low, high = np.percentile(pixels, [0.1, 99.9], method="inverted_cdf")
        scaled = np.clip((pixels - low) / (high - low), 0, 1)
        for y in range(0, 96, side):
            for x in range(0, 96, side):
                yield scaled[y : y + side, x : x + side]


KILLER = """
import os, signal
calls = 0
def features(batch):
    global calls
    calls += 1
    if os.environ.get("KILL_AT") == str(calls):
        os.kill(os.getpid(), signal.SIGKILL)
    return batch.mean((2, 3))
features.size = 8
features.channels = 1
"""
COMMAND = "import sys; from micrographia.cli import main; sys.exit(main(sys.argv[1:]))"


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(dataset, tmp_path, monkeypatch, capsys):
    (tmp_path / "killer.py").write_text(KILLER)
    monkeypatch.chdir(tmp_path)
    call = ["embed", str(dataset), "--encoder", "killer:features", "--per", "patch", "--json", "--out"]
    environment = {**os.environ, "KILL_AT": "14"}
    killed = subprocess.run([sys.executable, "-c", COMMAND, *call, "a.parquet"], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.parquet").exists()
    assert any((tmp_path / ".a.parquet.parts").glob("part-*.npy"))
    assert main([*call, "a.parquet"]) == 0
    # Images have 144 patches, read by 64: after five chunks there were 272, the first number above 256.
    assert json.loads(capsys.readouterr().out)[0]["resumed"] == 272
    assert main([*call, "b.parquet"]) == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert [name for name in left_in(tmp_path) if name.startswith(".")] == []
    held = read_profiles(tmp_path / "a.parquet")
    expected = np.array([patch.mean() for patch in cut(dataset, 8)])
    assert (held.n, list(held.meta["y"][:2]), list(held.meta["x"][:2])) == (576, [3.5, 3.5], [3.5, 11.5])
    assert held.values[:, 0] == pytest.approx(expected, abs=1e-6)


def test_an_error_leaves_what_is_done_and_an_older_output(dataset, tiny, tmp_path):
    out = tmp_path / "a.parquet"
    embed(dataset, tiny, per="patch", patch=8, out=out)
    before = out.read_bytes()
    calls = []

    def failing(batch):
        calls.append(len(batch))
        if len(calls) > 12:
            raise RuntimeError("no more")
        return batch.mean((2, 3))

    broken = FunctionEncoder(failing, name="failing", size=8, channels=1)
    with pytest.raises(EncoderError, match="failing: fails: RuntimeError: no more"):
        embed(dataset, broken, per="patch", out=out, overwrite=True)
    assert out.read_bytes() == before
    assert left_in(tmp_path) == [".a.parquet.parts", ".a.parquet.parts.lock", "a.parquet"]


def test_what_is_whole_is_not_done_again(dataset, tiny, tmp_path):
    out = tmp_path / "a.parquet"
    first = embed_file(dataset, tiny, out)
    again = embed_file(dataset, tiny, out)
    assert (first.resumed, again.resumed, again.rows, again.features) == (0, 4, 4, 2)
    with pytest.raises(ProfileError, match="is there already, from other images or settings"):
        embed_file(dataset, tiny, out, ablation="blur")
    assert embed_file(dataset, tiny, out, ablation="blur", overwrite=True).resumed == 0
    assert read_profiles(out).source["written"]["ablation"] == "blur"


def test_a_folder_that_moved_is_the_same(dataset, tiny, tmp_path):
    out = tmp_path / "a.parquet"
    embed_file(dataset, tiny, out)
    moved = shutil.copytree(dataset, tmp_path / "moved")
    assert embed_file(moved, tiny, out).resumed == 4


def test_ablations_change_what_they_should(dataset, tiny):
    plain = embed(dataset, tiny, layers=True)
    shuffled = embed(dataset, tiny, layers=True, ablation="pixel-shuffle")
    assert by_layer(shuffled)["moments"].values == pytest.approx(by_layer(plain)["moments"].values, rel=1e-6)
    assert not np.allclose(by_layer(shuffled)["corner"].values, by_layer(plain)["corner"].values)
    dark = embed(dataset, tiny, ablation="background-only", scaling="fixed:0,4000")
    light = embed(dataset, tiny, ablation="nuclei-only", scaling="fixed:0,4000")
    assert (dark.values[:, 1] < light.values[:, 1]).all()


def test_twins_get_their_statistics_from_the_images(torch, dataset):
    from micrographia.representation.encoders.networks import Network, TorchEncoder, seeded

    def run(module, tensor):
        yield "out", module(tensor)

    def fresh(seed):
        with seeded(seed):
            return Network(
                torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4)), run, fresh=fresh
            )

    model = TorchEncoder(fresh(9), name="net", version="", channels=1, size=16, device="cpu")
    twin = twins(model, [0])[0]
    found = embed(dataset, twin, scaling="fixed:0,4000")
    told = found.source["encoder"]["batch_norm"]
    assert (told["layers"], told["inputs"]) == (1, 4)
    assert found.source["kind"] == "twin"
    # All four images were used, so the features of all of them have mean 0 in every channel.
    assert found.values.mean(0) == pytest.approx(np.zeros(4), abs=1e-5)
    # Other images at hand, other statistics; the same again, the same.
    again = embed(dataset, twin, scaling="fixed:0,4000", per="patch", patch=48)
    assert again.source["encoder"]["batch_norm"]["inputs"] == 16
    assert np.array_equal(embed(dataset, twin, scaling="fixed:0,4000").values, found.values)
    # Ablated images go through the same network: statistics are those of whole images.
    dropped = embed(dataset, twin, scaling="fixed:0,4000", ablation="channel-drop:0")
    assert dropped.source["encoder"]["batch_norm"] == told
    assert np.ptp(dropped.values, axis=0) == pytest.approx(np.zeros(4), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "a.csv"}, "is no name of a Parquet file"),
        ({"batch": 0}, "must be at least 1"),
        ({"workers": 0}, "must be at least 1"),
        ({"mapping": "channels:0,1"}, "takes 1 channels and the mapping names 2"),
        ({"per": "object", "annotation_set": "cells"}, "no annotation set 'cells'"),
    ],
)
def test_what_does_not_fit_is_told(dataset, tiny, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MicrographiaError, match=message):
        embed(dataset, tiny, **options)
    assert left_in(tmp_path) == []


def test_an_option_that_does_not_exist(dataset, tiny):
    with pytest.raises(TypeError, match="colour"):
        embed(dataset, tiny, colour="red")


def test_a_raw_folder_and_its_conversion_give_the_same(dataset, tiny, tmp_path):
    from micrographia.dataset import open_dataset
    from micrographia.dataset.convert import ConvertOptions, convert

    convert(open_dataset(dataset), tmp_path / "converted", ConvertOptions(workers=1))
    raw, converted = (embed(root, tiny, per="object") for root in (dataset, tmp_path / "converted"))
    assert np.array_equal(raw.values, converted.values)
    assert raw.source["dataset"]["content_sha256"] == converted.source["dataset"]["content_sha256"]


@pytest.mark.real_data
def test_time_series_and_depth_of_real_data(tiny, data, tmp_path):
    import tifffile

    stack = tifffile.imread(next((data / "stardist_test_images").rglob("*3d*.tif")))
    tifffile.imwrite(
        tmp_path / "a.tif", np.stack([stack, stack[::-1]]), imagej=True, metadata={"axes": "TZYX"}
    )
    found = embed(tmp_path, tiny, scaling="dtype")
    assert found.meta[["image", "folder", "t"]].to_numpy().tolist() == [["a.tif", ".", 0], ["a.tif", ".", 1]]
    # The projection does not know the order of the slices.
    assert np.array_equal(found.values[0], found.values[1])
    mean = embed(tmp_path, tiny, scaling="dtype", project="mean")
    assert (mean.values[:, 0] < found.values[:, 0]).all()


def test_a_run_that_failed_to_write_in_the_end_only_writes(dataset, tmp_path):
    calls = []

    def counted(batch):
        calls.append(len(batch))
        return batch.mean((2, 3))

    encoder = FunctionEncoder(counted, name="counted", size=16, channels=1)
    out = tmp_path / "a.parquet"
    out.mkdir()  # in the way of the file
    with pytest.raises(ProfileError):
        embed_file(dataset, encoder, out, overwrite=True)
    out.rmdir()
    before = len(calls)
    done = embed_file(dataset, encoder, out)
    assert (done.resumed, done.rows) == (4, 4)
    # One more call, of zeros, tells how many features there are.
    assert len(calls) == before + 1
