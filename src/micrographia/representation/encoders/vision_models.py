"""Any vision model of ``transformers``, by its name on the hub or from a local folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from micrographia.representation.encoders.networks import IMAGENET, Network, TorchEncoder, needed, seeded
from micrographia.representation.encoders.protocol import EncoderError

POOLINGS = ("auto", "cls", "mean")
"""``cls`` takes the class token, ``mean`` the mean of the patch tokens, ``auto`` the class token where there is one."""


def vision_model(
    name: str,
    *,
    device: str = "auto",
    size: int | None = None,
    pooling: str = "auto",
    download: bool = False,
) -> TorchEncoder:
    """Return a vision model of ``transformers`` with its weights.

    Layers are ``embeddings``, ``block.00`` and on, and ``last``: the last hidden state after the final normalisation.
    Each is pooled in the same way: tokens by ``pooling``, maps by their mean. The model's own pooler is not used: in
    many published models it was never trained. Code that comes with a model is never run.

    Parameters
    ----------
    name
        A folder that ``save_pretrained`` wrote, or a name such as ``facebook/dinov2-small``.
    device
        As in :class:`~micrographia.representation.encoders.networks.TorchEncoder`.
    size
        Side of the input in pixels; what the model's preprocessor says by default.
    pooling
        One of :data:`POOLINGS`.
    download
        Fetch the model if it is not on this machine.

    Raises
    ------
    EncoderError
        If the model is not here, damaged, or no vision model.
    """
    if pooling not in POOLINGS:
        raise EncoderError(name, f"has no pooling {pooling!r}", f"Choose one of {', '.join(POOLINGS)}")
    transformers = needed("transformers", "encoders")
    needed("torch", "torch")
    with _quiet(transformers):
        try:
            config = transformers.AutoConfig.from_pretrained(name, local_files_only=not download)
            whole = transformers.AutoModel.from_pretrained(
                name, config=config, local_files_only=not download, trust_remote_code=False
            )
        # OSError for what is absent, ValueError for unknown kinds, and whatever damaged weights raise.
        except Exception as error:
            raise _refused(name, error, download) from error
    module = _vision_part(whole, name)
    preprocessing = _preprocessing(transformers, name, download)
    side = size or _side(preprocessing, module.config)
    mean, std = _normalisation(preprocessing)
    how, tokens = _tokens(module, side, pooling)
    return TorchEncoder(
        Network(module, _run, tokens, fresh=lambda seed: _fresh(transformers, config, tokens, name, seed)),
        name=Path(name).name if Path(name).is_dir() else name,
        version=str(getattr(config, "_commit_hash", None) or f"transformers {transformers.__version__}"),
        channels=int(getattr(module.config, "num_channels", 3)),
        size=side,
        mean=mean,
        std=std,
        device=device,
        details={"architecture": str(module.config.model_type), "pooling": how, "weights": "trained"},
    )


def _fresh(transformers: Any, config: Any, tokens: Callable[[Any], Any], name: str, seed: int) -> Network:
    with seeded(seed):
        module = _vision_part(transformers.AutoModel.from_config(config), name)
    return Network(
        module, _run, tokens, fresh=lambda other: _fresh(transformers, config, tokens, name, other)
    )


def _run(module: Any, tensor: Any) -> Iterator[tuple[str, Any]]:
    outputs = module(pixel_values=tensor, output_hidden_states=True)
    hidden = outputs.hidden_states or ()
    for number, state in enumerate(hidden):
        yield f"block.{number - 1:02}" if number else "embeddings", state
    yield "last", outputs.last_hidden_state


def _vision_part(whole: Any, name: str) -> Any:
    """Return the half that sees, of a model of pictures and texts."""
    module = getattr(whole, "vision_model", whole)
    if getattr(module, "main_input_name", "") != "pixel_values":
        raise EncoderError(name, "is no vision model", "Choose a model that takes pixel_values")
    return module


def _refused(name: str, error: Exception, download: bool) -> EncoderError:
    message = " ".join(str(error).split())[:160]
    if Path(name).is_dir():
        return EncoderError(
            name,
            f"holds no model that transformers can read: {message}",
            "Give a folder with config.json and model.safetensors",
        )
    if isinstance(error, OSError) and not download:
        return EncoderError(
            name, "is not on this machine", "Fetch it with --download, or give the folder of a model"
        )
    return EncoderError(name, f"cannot be loaded: {message}", "Check its name, and the network")


def _preprocessing(transformers: Any, name: str, download: bool) -> Mapping[str, Any]:
    """Return what ``preprocessor_config.json`` says; empty if there is none."""
    try:
        found = transformers.utils.cached_file(
            name,
            "preprocessor_config.json",
            local_files_only=not download,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        told = json.loads(Path(found).read_text("utf-8")) if found else {}
    except (OSError, ValueError) as error:
        raise EncoderError(
            name, f"has a damaged preprocessor_config.json: {error}", "Fetch the model again"
        ) from error
    return told if isinstance(told, dict) else {}


def _side(preprocessing: Mapping[str, Any], config: Any) -> int:
    for told in (
        preprocessing.get("crop_size"),
        preprocessing.get("size"),
        getattr(config, "image_size", None),
    ):
        if isinstance(told, Mapping):
            told = told.get("height") or told.get("shortest_edge")
        if isinstance(told, list | tuple):
            told = told[0] if told else None
        if isinstance(told, int) and told > 0:
            return told
    return 224


def _normalisation(preprocessing: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if preprocessing.get("do_normalize") is False:
        return (0.0,), (1.0,)
    mean, std = preprocessing.get("image_mean"), preprocessing.get("image_std")
    if isinstance(mean, list) and isinstance(std, list) and len(mean) == len(std) and all(std):
        return tuple(map(float, mean)), tuple(map(float, std))
    return IMAGENET


def _tokens(module: Any, side: int, pooling: str) -> tuple[str, Callable[[Any], Any]]:
    """Return how tokens are pooled, in words and as a function of a tensor (n, t, d)."""
    patch = getattr(module.config, "patch_size", None)
    has_cls = any(name.endswith(("cls_token", "class_embedding")) for name, _ in module.named_parameters())
    if pooling == "cls" and not has_cls:
        raise EncoderError("", "the model has no class token", "Pool by mean")
    if pooling != "mean" and has_cls:
        return "class token", lambda tensor: tensor[:, 0]
    if not has_cls:
        return "mean", lambda tensor: tensor.mean(1)
    patches = (side // patch) ** 2 if isinstance(patch, int) else 0

    def mean_of_patches(tensor: Any) -> Any:
        held = patches or math.isqrt(tensor.shape[1]) ** 2
        return tensor[:, tensor.shape[1] - held :].mean(1)

    return "mean of patch tokens", mean_of_patches


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Show no progress bars and no advice of the library inside."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
