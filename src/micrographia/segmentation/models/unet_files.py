"""Files of the reference model: its card, and its weights without pickled code."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.representation.encoders.networks import torch_module
from micrographia.segmentation.metrics.errors import SegmentationError

CARD = "model.yaml"
FORMAT = 1
"""Version of the card that this package writes; a newer one is refused."""
SAFE, PLAIN = "weights.safetensors", "weights.pt"
LARGEST_CARD = 16 << 20
KIND = "micrographia_model"
"""Key of the card that holds the version of its format; it tells a card from other YAML files."""


def read_card(path: Path | str) -> tuple[dict[str, Any], Path]:
    """Return the card of a model and the folder that it stands in.

    Parameters
    ----------
    path
        A ``model.yaml`` that ``micrographia segment train`` wrote, or its folder.

    Raises
    ------
    SegmentationError
        If there is none, it cannot be read, or its format is newer than this package.
    """
    place = Path(path)
    card = place / CARD if place.is_dir() else place
    try:
        if card.stat().st_size > LARGEST_CARD:
            raise SegmentationError(card, "is too large for a model card", "Give a model.yaml")
        text = card.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SegmentationError(card, "cannot be read", "Give the folder of a trained model") from error
    import yaml

    try:
        held = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SegmentationError(card, "is no YAML", "Train or fetch the model again") from error
    version = held.get(KIND) if isinstance(held, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise SegmentationError(
            card, "is no model card of this package", "Make one with: micrographia segment train"
        )
    if version > FORMAT:
        raise SegmentationError(
            card, f"has format {version}; this version reads up to {FORMAT}", "Install a newer micrographia"
        )
    return held, card.parent


def is_card(path: Path | str) -> bool:
    """Tell whether a file or folder is a model that ``micrographia segment train`` wrote."""
    place = Path(path)
    card = place / CARD if place.is_dir() else place
    try:
        with card.open("rb") as file:
            return file.read(4096).lstrip().startswith(f"{KIND}:".encode())
    except OSError:
        return False


def write_weights(folder: Path, state: Mapping[str, Any]) -> Path:
    """Write tensors by name: as safetensors where that is installed, else as PyTorch writes tensors.

    Parameters
    ----------
    folder
        Where; a file of either kind that is there is replaced, the other removed.
    state
        Name to tensor.

    Raises
    ------
    SegmentationError
        If it cannot be written.
    """
    torch = torch_module()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    safe = importlib.util.find_spec("safetensors") is not None
    path, other = (folder / SAFE, folder / PLAIN) if safe else (folder / PLAIN, folder / SAFE)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if safe:
            from safetensors.torch import save

            temporary.write_bytes(save(tensors))
        else:
            torch.save(tensors, temporary)
        temporary.replace(path)
        other.unlink(missing_ok=True)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SegmentationError(path, f"cannot be written ({error.strerror})", "Make room there") from error
    return path


def read_weights(path: Path, sha256: str = "") -> dict[str, Any]:
    """Return tensors by name; nothing of the file is run.

    Parameters
    ----------
    path
        What :func:`write_weights` wrote.
    sha256
        Checksum that the file must have; empty for any.

    Raises
    ------
    SegmentationError
        If it is absent, damaged, another file than expected, or holds anything but tensors.
    """
    torch = torch_module()
    if not path.is_file():
        raise SegmentationError(path, "does not exist", "Keep the weights beside the model card")
    if sha256 and file_sha256(path) != sha256:
        raise SegmentationError(
            path, "is another file than its card says (SHA-256)", "Fetch or train the model again"
        )
    damaged = SegmentationError(path, "holds no weights, or is damaged", "Fetch or train the model again")
    if path.suffix == ".safetensors":
        if importlib.util.find_spec("safetensors") is None:
            raise SegmentationError(path, "needs safetensors", "Install it with: pip install safetensors")
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError) as error:
            raise damaged from error
    import pickle

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise damaged from error
    if not isinstance(held, dict) or not all(isinstance(value, torch.Tensor) for value in held.values()):
        raise damaged
    return held
