import json

import numpy as np
import pytest

from micrographia.representation.encoders.networks import IMAGENET
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.representation.encoders.twins import twins
from micrographia.representation.encoders.vision_models import vision_model

SMALL = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
KINDS = {
    "vit": ("ViTConfig", {**SMALL, "intermediate_size": 48}),
    "dinov2": ("Dinov2Config", SMALL),
    "registers": ("Dinov2WithRegistersConfig", {**SMALL, "num_register_tokens": 3}),
    "swin": ("SwinConfig", {"image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
                            "window_size": 4}),
    "resnet": ("ResNetConfig", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}),
    "convnext": ("ConvNextConfig", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "image_size": 32}),
}  # fmt: skip


@pytest.fixture(scope="session")
def folder(torch, transformers, tmp_path_factory):
    """Make a folder with a small model of random weights of a kind."""
    from micrographia.representation.encoders.vision_models import _quiet

    held = {}

    def make(kind, **preprocessing):
        key = (kind, json.dumps(preprocessing))
        if key not in held:
            name, options = KINDS[kind]
            path = tmp_path_factory.mktemp(kind)
            torch.manual_seed(100)
            with _quiet(transformers):
                transformers.AutoModel.from_config(getattr(transformers, name)(**options)).save_pretrained(
                    path
                )
            if preprocessing:
                (path / "preprocessor_config.json").write_text(json.dumps(preprocessing))
            held[key] = path
        return held[key]

    return make


def images(n=2, side=32):
    return np.random.default_rng(0).random((n, 3, side, side), np.float32)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_gives_its_blocks_and_has_twins(folder, kind):
    made = vision_model(str(folder(kind)), size=32, device="cpu")
    found = made.encode(images())
    assert tuple(found) == made.layers
    assert made.layers == ("embeddings", "block.00", "block.01", "last")
    assert all(values.shape[0] == 2 and np.isfinite(values).all() for values in found.values())
    twin = twins(made, [0])[0]
    assert twin.layers == made.layers
    assert twin.sha256 != made.sha256
    if twin.needs_calibration:
        twin.calibrate(images())
    assert twin.encode(images())["last"].shape == found["last"].shape


def test_resnets_have_batch_norm_and_vits_have_none(folder):
    need = {
        kind: twins(vision_model(str(folder(kind)), size=32, device="cpu"), [0])[0].needs_calibration
        for kind in ("resnet", "vit")
    }
    assert need == {"resnet": True, "vit": False}


@pytest.mark.parametrize(("kind", "before"), [("vit", 1), ("registers", 4)])
def test_tokens_are_pooled_as_said(torch, transformers, folder, kind, before):
    path = str(folder(kind, image_mean=[0.5] * 3, image_std=[0.25] * 3))
    model = transformers.AutoModel.from_pretrained(path).eval()
    with torch.no_grad():
        hidden = model(pixel_values=(torch.from_numpy(images()) - 0.5) / 0.25, output_hidden_states=True)
    states = [state.numpy() for state in (*hidden.hidden_states, hidden.last_hidden_state)]
    auto, cls, mean = (
        vision_model(path, pooling=pooling, device="cpu") for pooling in ("auto", "cls", "mean")
    )
    for layer, state in zip(cls.layers, states, strict=True):
        assert cls.encode(images())[layer] == pytest.approx(state[:, 0], abs=1e-5)
        assert mean.encode(images())[layer] == pytest.approx(state[:, before:].mean(1), abs=1e-5)
        assert np.array_equal(auto.encode(images())[layer], cls.encode(images())[layer])
    assert cls.details["pooling"] == "class token"


def test_input_is_what_the_preprocessor_says(folder):
    told = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "size": {"shortest_edge": 40},
            "crop_size": {"height": 32, "width": 32}}  # fmt: skip
    made = vision_model(str(folder("vit", **told)), device="cpu")
    assert (made.mean, made.std, made.size) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 32)
    plain = vision_model(str(folder("vit", do_normalize=False)), device="cpu")
    assert (plain.mean, plain.std, plain.size) == ((0.0,), (1.0,), 32)
    assert vision_model(str(folder("vit")), device="cpu").mean == IMAGENET[0]


def test_a_model_without_class_token_has_none_to_pool(folder):
    with pytest.raises(EncoderError, match="no class token"):
        vision_model(str(folder("swin")), pooling="cls", device="cpu")
    with pytest.raises(EncoderError, match="has no pooling 'max'"):
        vision_model(str(folder("swin")), pooling="max", device="cpu")


def test_what_is_no_model(torch, transformers, tmp_path, folder):
    with pytest.raises(EncoderError, match="holds no model that transformers can read"):
        vision_model(str(tmp_path))
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder("vit").iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(EncoderError, match="holds no model that transformers can read"):
        vision_model(str(broken))


def test_a_model_of_words(transformers, tmp_path):
    from micrographia.representation.encoders.vision_models import _quiet

    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50
    )
    with _quiet(transformers):
        transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="is no vision model"):
        vision_model(str(tmp_path), device="cpu")


def test_a_model_that_is_not_here_is_not_fetched(transformers):
    with pytest.raises(EncoderError, match="is not on this machine"):
        vision_model("nobody/has-such-a-model")
