import numpy as np
import pytest

from micrographia import plugins
from micrographia.representation.encoders import encoder, names
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.representation.encoders.registry import KNOWN


def test_the_encoders_that_come_along_are_as_listed(torch):
    for known in KNOWN:
        made = encoder(known.name, device="cpu")
        assert (made.name, made.size, made.dim) == (known.name, known.size, known.dim)
        assert known.missing == ()


def test_names_that_are_close_are_offered():
    with pytest.raises(
        EncoderError, match=r"no encoder 'effcientnet-lite0'; did you mean efficientnet-lite0\?"
    ):
        encoder("effcientnet-lite0")
    with pytest.raises(EncoderError, match="see them with: micrographia embed --list"):
        encoder("xyz")


def test_a_size_that_the_weights_do_not_take():
    with pytest.raises(EncoderError, match="takes images of 224 pixels only"):
        encoder("efficientnet-lite0", size=256)


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    for name in ("random-cnn", "efficientnet-lite0"):
        with pytest.raises(EncoderError, match=r"torch: .*pip install 'micrographia\[torch\]'"):
            encoder(name)


def test_files_of_other_kinds(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"")
    with pytest.raises(EncoderError, match="is no model file"):
        encoder(str(tmp_path / "model.h5"))


PLUGIN = """
class Mean:
    api_version = 1
    name, version, sha256 = "mean", "1", "0" * 64
    channels, size, dim, layers = 3, 8, 3, ("mean",)
    def encode(self, batch):
        return {"mean": batch.mean((2, 3))}
other = Mean()
other.name = "other"
"""


def test_plugins_are_found_by_name(tmp_path, monkeypatch):
    (tmp_path / "encoders_of_mine.py").write_text(PLUGIN)
    info = tmp_path / "encoders_of_mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: encoders_of_mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{plugins.GROUPS['encoders']}]\na = encoders_of_mine:Mean\nb = encoders_of_mine:other\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert names()[-2:] == ["mean", "other"]
    for name in ("mean", "other"):
        assert encoder(name).encode(np.ones((2, 3, 8, 8), np.float32))["mean"].tolist() == [[1, 1, 1]] * 2
