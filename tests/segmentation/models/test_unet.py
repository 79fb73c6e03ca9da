import numpy as np
import pytest
import yaml

from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ModelInfo, context_of
from micrographia.segmentation.models.running import segment
from micrographia.segmentation.models.unet import UNetSegmenter, load_unet, normalised, reach
from micrographia.segmentation.models.unet_files import PLAIN, is_card, read_weights, write_weights
from micrographia.segmentation.models.unet_network import NetworkShape, build_network, shape_for

SMALL = NetworkShape("YX", 1, (4, 8), ((2, 2), (2, 2)), 4)


@pytest.fixture(scope="module", autouse=True)
def torch():
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def unet(shape=SMALL, seed=0, **options):
    return UNetSegmenter(build_network(shape, seed=seed), shape, ModelInfo("u"), device="cpu", **options)


def texture(shape=(1, 70, 90), seed=0):
    return np.random.default_rng(seed).random(shape, np.float32) * 100 + 20


def saved(folder, model):
    """Write a model as training does, with the least that a card holds."""
    from micrographia.representation.encoders.efficientnet_lite import file_sha256

    folder.mkdir()
    weights = write_weights(folder, model.network.state_dict())
    card = {
        "micrographia_model": 1,
        "name": "u",
        "version": "2",
        "network": model.shape.to_json(),
        "weights": {"file": weights.name, "sha256": file_sha256(weights)},
        "inputs": {"channel_roles": ["nucleus"], "pixel_size": 0.5},
        "postprocessing": model.postprocessing.to_json(),
        "target": {"object": "nucleus"},
        "licence": "CC0-1.0",
        "trained_on": [{"title": "cells"}],
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(card, sort_keys=False))
    return folder


@pytest.mark.parametrize("shape", [(1, 64, 64), (1, 65, 63), (1, 1, 3), (1, 200, 7)])
def test_maps_have_the_size_of_the_image(shape):
    model, image = unet(), texture(shape)
    maps = model.maps(image, context_of(image))
    assert maps.shape == (3, *shape[1:])
    assert maps.dtype == np.float32
    assert 0 <= maps.min() <= maps.max() <= 1


def test_untrained_it_says_that_objects_are_rare(torch):
    maps = unet().network_maps(np.zeros((1, 32, 32), np.float32))
    assert maps[0].mean() == pytest.approx(0.2, abs=0.02)
    assert maps[1].mean() == pytest.approx(0.1, abs=0.02)


def test_tiles_give_what_the_whole_gives():
    model, image = unet(), texture((1, 300, 220))
    pixels = ArrayImage(image[0], "YX")
    whole = segment(model, pixels)
    model.tile = (128, 128)
    np.testing.assert_array_equal(segment(model, pixels).labels, whole.labels)


@pytest.mark.parametrize("shape", [(50, 40, 40), (20, 90, 30), (65, 33, 33)])
def test_stacks_larger_than_a_tile_that_the_network_sees_beyond(shape):
    model = unet(NetworkShape("ZYX", 1, (4, 4, 4), ((2, 2, 2),) * 3, 2))
    model.tile = (32, 32, 32)
    assert max(model.overlap) * 2 > 32
    found = segment(model, ArrayImage(np.random.default_rng(0).random(shape, np.float32), "ZYX"))
    assert found.labels.shape == shape


def test_the_network_sees_no_further_than_it_says(torch):
    for shape in (SMALL, NetworkShape("YX", 1, (4, 4, 4), ((2, 2),) * 3, 2)):
        model = unet(shape)
        far = reach(shape)
        side = 2 * far + 2 * shape.multiple[0]
        image = texture((1, side, side)) / 100
        before = model.network_maps(image)
        for place in range(side // 2, side // 2 + shape.multiple[0]):
            changed = image.copy()
            changed[0, place, place] += 50
            moved = np.argwhere((model.network_maps(changed) != before).any(0))
            assert np.abs(moved - place).max() <= far


def test_brightness_and_contrast_change_nothing():
    model, image = unet(), texture()
    one, other = model.predict(image), model.predict(image * 7 + 300)
    np.testing.assert_array_equal(one, other)


def test_images_are_scaled_as_patches_are(tmp_path):
    """The loader and the model agree on what 0 and 1 are, also in an image that is empty but for a few pixels."""
    from micrographia.loading.normalising import normaliser

    for image in (
        texture((2, 40, 50)),
        np.zeros((1, 60, 60), np.float32),
        np.full((1, 9, 9), 5.0, np.float32),
    ):
        image[0, 0, 0] += 3
        linear = normaliser("percentile").of(image)
        wanted = image * linear.multiply[:, None, None] + linear.add[:, None, None]
        np.testing.assert_allclose(normalised(image, context_of(image)), wanted, atol=1e-5)


def test_three_dimensions():
    shape = shape_for("ZYX", 2, widths=(4, 8), anisotropy=3.0, depth=8)
    model = unet(shape)
    image = texture((2, 5, 30, 26))
    assert model.maps(image, context_of(image)).shape == (3, 5, 30, 26)
    assert model.predict(image).shape == (5, 30, 26)


@pytest.mark.parametrize(
    ("anisotropy", "depth", "wanted"),
    [
        (1.0, 16, [2, 2, 1]),  # 16, 8, 4 planes: never fewer than four
        (4.0, 32, [1, 1, 2]),
        (2.0, 32, [1, 2, 2]),
        (1.0, None, [2, 2, 2]),
        (1.0, 5, [1, 1, 1]),
    ],
)
def test_strides_along_z_fit_the_voxels(anisotropy, depth, wanted):
    shape = shape_for("ZYX", 1, widths=(4, 4, 4), anisotropy=anisotropy, depth=depth)
    assert [stride[0] for stride in shape.strides] == wanted
    assert all(stride[1:] == (2, 2) for stride in shape.strides)


@pytest.mark.parametrize(
    "changes",
    [{"axes": "XY"}, {"channels": 0}, {"widths": ()}, {"widths": (0,)}, {"strides": ((2, 2),)}, {"fine": 0},
     {"strides": ((3, 2), (2, 2))}],
)  # fmt: skip
def test_shapes_that_make_no_network(changes):
    values = {"axes": "YX", "channels": 1, "widths": (4, 8), "strides": ((2, 2), (2, 2)), "fine": 4}
    with pytest.raises(SegmentationError, match="no network"):
        NetworkShape(**(values | changes))


def test_a_saved_model_is_the_same(tmp_path):
    model = unet(seed=3).with_settings({"depth": 0.4})
    folder = saved(tmp_path / "u", model)
    assert is_card(folder)
    for path in (folder, folder / "model.yaml"):
        again = load_unet(path, device="cpu")
        assert again.info.sha256 == model.info.sha256
        assert again.postprocessing == model.postprocessing
        np.testing.assert_array_equal(again.predict(texture()), model.predict(texture()))
    assert (again.info.channel_roles, again.info.pixel_size) == (("nucleus",), 0.5)
    assert again.info.trained_on == ({"title": "cells", "fingerprints": None},)


def test_settings_change_the_checksum_and_not_the_network():
    model = unet()
    other = model.with_settings({"threshold": 0.7})
    assert other.network is model.network
    assert other.info.sha256 != model.info.sha256
    assert other.with_settings({"threshold": model.postprocessing.threshold}).info.sha256 == model.info.sha256
    grid = model.settings_grid(8)
    assert len(grid) == 8
    assert grid[0] == model.postprocessing.to_json()
    with pytest.raises(SegmentationError, match="no setting"):
        model.with_settings({"colour": 1})


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda card: card.pop("network"), "incomplete"),
        (lambda card: card.update(micrographia_model=9), "format 9"),
        (lambda card: card.update(micrographia_model="x"), "no model card"),
        (lambda card: card["weights"].update(file="../weights.pt"), "names weights"),
        (lambda card: card["weights"].update(sha256="0" * 64), "another file"),
        (lambda card: card["network"].update(widths=[4, 9]), "another network"),
        (lambda card: card["network"].update(widths=[4]), "no network"),
        (lambda card: card["postprocessing"].update(depth=3), "depth"),
        (lambda card: card.update(trained_on=3), "incomplete"),
    ],
)
def test_cards_that_cannot_be_believed(tmp_path, break_it, told):
    folder = saved(tmp_path / "u", unet())
    card = yaml.safe_load((folder / "model.yaml").read_text())
    break_it(card)
    (folder / "model.yaml").write_text(yaml.safe_dump(card, sort_keys=False))
    with pytest.raises(SegmentationError, match=told):
        load_unet(folder, device="cpu")


def test_what_is_no_model(tmp_path):
    with pytest.raises(SegmentationError, match="cannot be read"):
        load_unet(tmp_path / "nothing")
    (tmp_path / "model.yaml").write_text("a: [")
    with pytest.raises(SegmentationError, match="no YAML"):
        load_unet(tmp_path)
    assert not is_card(tmp_path)


def test_weights_without_safetensors_hold_no_code(tmp_path, torch, monkeypatch):
    import importlib.util

    state = build_network(SMALL).state_dict()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    path = write_weights(tmp_path, state)
    assert path.name == PLAIN
    found = read_weights(path)
    assert all(torch.equal(found[name], state[name]) for name in state)

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "pwned"), "w"))

    torch.save({"a": Evil()}, path)
    with pytest.raises(SegmentationError, match="no weights"):
        read_weights(path)
    assert not (tmp_path / "pwned").exists()
    torch.save([1], path)
    with pytest.raises(SegmentationError, match="no weights"):
        read_weights(path)


def test_damaged_weights(tmp_path):
    path = write_weights(tmp_path, build_network(SMALL).state_dict())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SegmentationError, match="damaged"):
        read_weights(path)
    with pytest.raises(SegmentationError, match="does not exist"):
        read_weights(tmp_path / "none.pt")


def test_devices():
    with pytest.raises(SegmentationError, match="no device"):
        unet().__class__(build_network(SMALL), SMALL, ModelInfo("u"), device="abacus")
