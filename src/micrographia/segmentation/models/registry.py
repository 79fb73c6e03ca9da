"""Segmentation models by what users type: a name, a file, a package, a function, a program."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from micrographia import plugins
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import Segmenter

BASELINES = ("otsu", "local", "log", "one", "nothing")
CARD = "model.yaml"
PACKAGE = ("rdf.yaml", "bioimageio.yaml")
TORCHSCRIPT = (".pt", ".pth", ".ts", ".torchscript")
PROGRAM = "program:"

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

KINDS = (
    ("otsu, local, log, one, nothing", "baselines; otsu:ROLE works on the channel of that role", ""),
    ("FOLDER or FOLDER/model.yaml", "a model of `micrographia segment train`", "torch"),
    ("FOLDER or FILE.zip with rdf.yaml", "a BioImage.IO package", "torch or onnxruntime"),
    ("FILE.pt", "TorchScript, beside it FILE.pt.yaml", "torch"),
    ("FILE.onnx", "ONNX, beside it FILE.onnx.yaml", "onnxruntime"),
    ("MODULE:FUNCTION", "a function of an image (C, [Z,] Y, X)", ""),
    ("program:NAME or program:COMMAND", "a command line, as cellpose, stardist, instanseg", ""),
)
"""Ways to name a model: the form, what it is, and what must be installed."""


def segmenter(spec: str | Path, *, device: str = "auto", trust: Collection[str] = ()) -> Segmenter:
    """Return a segmentation model.

    Parameters
    ----------
    spec
        One of :data:`KINDS`, or the name of a plug-in. Names hold over files: ``./log`` is a folder of that name.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``, for networks.
    trust
        Names of BioImage.IO packages whose own Python code may run.

    Raises
    ------
    SegmentationError
        If there is no such model, what it needs is not installed, or it must not be run.
    """
    text = str(spec)
    if not text:
        raise SegmentationError("", "no model is named", "Give a name, a file or a folder")
    if text.split(":")[0] in BASELINES:
        from micrographia.segmentation.models.baselines import baseline

        return baseline(text)
    entry = plugged_in().get(text)
    if entry is not None:
        return _plugin(entry)
    if text.startswith(PROGRAM):
        from micrographia.segmentation.models.programs import program

        return program(text[len(PROGRAM) :])
    path = Path(text)
    if path.exists():
        return _placed(path, device, trust)
    if _FUNCTION.fullmatch(text):
        from micrographia.segmentation.models.functions import function_segmenter

        return function_segmenter(text)
    close = get_close_matches(text, names(), 1, cutoff=0.5)
    if close:
        raise SegmentationError(text, "there is no such model", f"Did you mean {close[0]}?")
    raise SegmentationError(
        text, "there is no such model or file", f"Give {'; '.join(form for form, _, _ in KINDS)}"
    )


def names() -> list[str]:
    """Return the names of baselines and of plug-ins."""
    return [*BASELINES, *plugged_in()]


def plugged_in() -> dict[str, EntryPoint]:
    """Return the entry points of models that other packages announce, by name; none is loaded."""
    return {
        entry.name: entry
        for entry in sorted(entry_points(group=plugins.GROUPS["segmenters"]), key=lambda entry: entry.name)
    }


def _plugin(entry: EntryPoint) -> Segmenter:
    try:
        found = entry.load()
        made = found() if inspect.isclass(found) else found
        plugins.verify(made, Segmenter)
    # Code of other people may raise anything, or ask to leave; it must not stop ours.
    except (Exception, SystemExit) as error:
        reason = str(error) or type(error).__name__
        raise SegmentationError(
            entry.name, f"the plug-in {entry.value} cannot be used: {reason}", "Update or remove its package"
        ) from error
    return cast("Segmenter", made)


def _placed(path: Path, device: str, trust: Collection[str]) -> Segmenter:
    suffix = path.suffix.lower()
    if path.name == CARD or (path.is_dir() and (path / CARD).is_file()):
        from micrographia.segmentation.models.unet import load_unet

        return load_unet(path, device=device)
    if path.is_dir() or suffix == ".zip" or path.name in PACKAGE or path.name.endswith(".bioimageio.yaml"):
        from micrographia.segmentation.models.packages import package_segmenter

        return package_segmenter(path, device=device, trust=trust)
    if suffix == ".onnx" or suffix in TORCHSCRIPT:
        from micrographia.segmentation.models.files import file_segmenter

        return file_segmenter(path, device=device)
    raise SegmentationError(
        path, "is no model", f"Give {CARD}, a BioImage.IO package, .onnx, or one of {', '.join(TORCHSCRIPT)}"
    )
