import pickle

import numpy as np
import pytest
import yaml
from scipy.ndimage import uniform_filter

from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.files import file_segmenter
from micrographia.segmentation.models.protocol import MapModel, Tunable, context_of
from micrographia.segmentation.models.registry import segmenter
from micrographia.segmentation.models.running import segment
from network_files import torch_module, write_onnx, write_torchscript

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")


def squares(shape=(64, 64)):
    pixels = np.full(shape, 20.0, np.float32)
    pixels[..., 8:24, 8:24] = 120
    pixels[..., 36:52, 30:46] = 100
    return pixels


@pytest.fixture(params=["torchscript", "onnx"])
def file(request, tmp_path):
    return (
        write_torchscript(tmp_path / "blur.pt")
        if request.param == "torchscript"
        else write_onnx(tmp_path / "blur.onnx")
    )


def test_a_network_in_a_file_gives_objects(file):
    model = segmenter(str(file), device="cpu")
    assert isinstance(model, MapModel)
    assert isinstance(model, Tunable)
    assert model.info.name == "blur"
    found = segment(model, ArrayImage(squares(), "YX"))
    assert found.labels.max() == 2
    assert found.labels[16, 16] == 1
    assert found.labels[44, 38] == 2
    changed = model.with_settings({"threshold": 5.0})
    assert segment(changed, ArrayImage(squares(), "YX")).labels.max() == 0
    assert changed.info.sha256 != model.info.sha256


def test_both_runtimes_give_the_same_maps(tmp_path):
    image = np.random.default_rng(0).random((1, 37, 41), np.float32)
    options = {"normalise": "none", "device": "cpu"}
    first = file_segmenter(write_torchscript(tmp_path / "a.pt"), **options)
    second = file_segmenter(write_onnx(tmp_path / "b.onnx"), **options)
    context = context_of(image)
    maps = first.maps(image, context)
    np.testing.assert_allclose(maps, second.maps(image, context), atol=1e-5)
    inner = (0, slice(3, 30), slice(3, 38))
    np.testing.assert_allclose(maps[inner], uniform_filter(image[0], 5)[inner[1:]], atol=1e-5)


def test_a_card_beside_the_file_says_how_it_is_fed_and_read(tmp_path):
    path = write_torchscript(tmp_path / "two.pt", channels=2, outputs=3)
    held = {
        "name": "nuclei",
        "version": "2",
        "channels": ["actin", "nucleus"],
        "pixel_size": 0.5,
        "target": {"object": "nucleus"},
        "licence": "MIT",
        "normalise": "dtype",
        "outputs": ["-", "foreground", "distance"],
        "activation": "sigmoid",
        "postprocessing": {"threshold": 0.55, "min_size": 4},
        "trained_on": [{"title": "some nuclei", "licence": "CC0"}],
    }
    (tmp_path / "two.pt.yaml").write_text(yaml.safe_dump(held))
    model = segmenter(path, device="cpu")
    told = model.info
    assert (told.name, told.version, told.licence, told.pixel_size) == ("nuclei", "2", "MIT", 0.5)
    assert told.channel_roles == ("actin", "nucleus")
    assert told.settings["threshold"] == 0.55
    assert told.trained_on[0]["title"] == "some nuclei"
    assert model.outputs == ("foreground", "distance")
    image = np.full((2, 16, 16), 255, np.float32)
    context = context_of(image)
    maps = model.maps(image, context)
    assert maps.shape == (2, 16, 16)
    assert maps[0, 8, 8] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-5)
    assert maps[1, 8, 8] == pytest.approx(1, abs=1e-5)
    again = file_segmenter(path, device="cpu", outputs=["foreground", "-", "-"])
    assert again.info.sha256 != told.sha256
    with pytest.raises(SegmentationError, match="takes 2 channels, not 1"):
        model.maps(image[:1], context)


def test_stacks(tmp_path):
    path = write_torchscript(tmp_path / "deep.pt", ndim=3, side=3)
    model = file_segmenter(path, device="cpu", axes="ZYX", multiple=4)
    found = segment(model, ArrayImage(squares((7, 64, 64)), "ZYX"))
    assert found.labels.shape == (7, 64, 64)
    assert found.labels.max() == 2
    with pytest.raises(SegmentationError, match="takes stacks"):
        segment(model, ArrayImage(squares(), "YX"))


def test_a_fixed_size_is_tiled_and_padded(tmp_path):
    path = write_onnx(tmp_path / "fixed.onnx", sizes=(32, 32))
    model = segmenter(path)
    assert model.tile == (32, 32)
    free = segmenter(write_onnx(tmp_path / "free.onnx"))
    for shape in ((64, 70), (20, 9)):
        image = squares((64, 70))[: shape[0], : shape[1]]
        held = ArrayImage(image, "YX")
        np.testing.assert_array_equal(segment(model, held).labels, segment(free, held).labels)


def test_labels_of_a_network_are_taken_as_they_are(tmp_path):
    path = write_onnx(tmp_path / "labels.onnx", side=1)
    model = file_segmenter(path, outputs=["labels"], normalise="none")
    image = np.zeros((12, 12), np.float32)
    image[2:5, 2:5], image[7:9, 7:9] = 3, 8
    assert (
        segment(model, ArrayImage(image, "YX")).labels.tolist()
        == np.select([image == 3, image == 8], [1, 2]).tolist()
    )
    with pytest.raises(SegmentationError, match="whole numbers"):
        segment(model, ArrayImage(image / 2 + 0.25, "YX"))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("outputs: [boundary]", "outputs are"),
        ("outputs: [foreground, colour]", "outputs are"),
        ("normalise: well", "normalise is"),
        ("axes: XY", "axes is"),
        ("colour: red", "'colour'"),
        ("postprocessing: {depth: 3}", "depth"),
        ("multiple: 0", "below 1"),
        ("multiple: many", "cannot be read"),
        ("least: 100000000", "above 16384"),
        ("- a list", "no names"),
        ("a: [", "line 1|bracket"),
        ("tile: [4]", "tile is"),
    ],
)
def test_cards_that_cannot_be_used_are_refused(tmp_path, held, said):
    path = write_onnx(tmp_path / "blur.onnx")
    (tmp_path / "blur.onnx.yaml").write_text(held)
    with pytest.raises(SegmentationError, match=said) as caught:
        segmenter(path)
    assert caught.value.path.endswith("blur.onnx.yaml")


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


def test_pickles_are_not_opened(tmp_path, capsys):
    import torch

    for name, write in (
        ("a.pt", lambda path: path.write_bytes(pickle.dumps(Evil()))),
        ("b.pth", lambda path: torch.save({"model": torch_module()}, path)),
        ("c.onnx", lambda path: path.write_bytes(pickle.dumps(Evil()))),
        ("d.pt", lambda path: path.write_bytes(b"")),
    ):
        write(tmp_path / name)
        with pytest.raises(SegmentationError):
            segmenter(tmp_path / name)
    assert "must not run" not in capsys.readouterr().out


def test_outputs_that_do_not_fit_are_refused(tmp_path):
    model = file_segmenter(write_onnx(tmp_path / "two.onnx", outputs=2))
    with pytest.raises(SegmentationError, match="2 channels, and 1 are named"):
        segment(model, ArrayImage(squares(), "YX"))
    with pytest.raises(SegmentationError, match="takes 1 channels, not 3"):
        segment(
            file_segmenter(write_onnx(tmp_path / "one.onnx")), ArrayImage(np.stack([squares()] * 3), "CYX")
        )
    with pytest.raises(SegmentationError, match="axes"):
        file_segmenter(tmp_path / "two.onnx", axes="ZYX")
