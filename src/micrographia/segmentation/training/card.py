"""The model card: ``model.yaml``, what a model is, what it learned from, and what that asks of those who use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import write_whole
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_files import CARD, FORMAT, KIND
from micrographia.segmentation.models.unet_network import OUTPUTS
from micrographia.segmentation.training.citation import licence_terms

NORMALISATION = {
    "method": "percentile",
    "low": 1.0,
    "high": 99.8,
    "per": "image and channel",
    "clipped": False,
}


def card(
    model: UNetSegmenter,
    *,
    weights: Mapping[str, str],
    trained_on: Sequence[Mapping[str, Any]],
    differing: Sequence[str],
    training: Mapping[str, Any],
    scores: Mapping[str, Any],
    notes: Sequence[str],
    made: str,
    packages: Mapping[str, str],
) -> dict[str, Any]:
    """Return the content of ``model.yaml``.

    Parameters
    ----------
    model
        The model, with its settings tuned.
    weights
        ``file`` and ``sha256``.
    trained_on
        As :func:`~micrographia.segmentation.training.citation.cite` returns them, with how many images were used.
    differing
        Where the training data differ in what an object is, a sentence each.
    training
        Settings of the run.
    scores
        What it scored, and on what.
    notes
        What a person should know.
    made
        Date, ISO 8601, UTC.
    packages
        Name to version.
    """
    info = model.info
    terms = licence_terms(trained_on)
    return {
        KIND: FORMAT,
        "name": info.name,
        "version": info.version,
        "sha256": info.sha256,
        "description": _description(model, trained_on),
        "made": made,
        "licence": terms.pop("licence"),
        "licences_of_training_data": {"says": terms.pop("sentences"), **terms},
        "use": _use(info.name),
        "network": model.shape.to_json(),
        "weights": dict(weights),
        "inputs": {
            "axes": info.axes,
            "channel_roles": list(info.channel_roles),
            "channels": model.shape.channels,
            "pixel_size": info.pixel_size,
            "pixel_size_unit": "micrometer",
            "normalisation": dict(NORMALISATION),
        },
        "outputs": list(OUTPUTS),
        "postprocessing": model.postprocessing.to_json(),
        "target": dict(info.target),
        "target_differs": list(differing),
        "scores": dict(scores),
        "trained_on": [dict(entry) for entry in trained_on],
        "fingerprints": "fingerprints.json",
        "training": dict(training),
        "notes": list(notes),
        "packages": dict(packages),
    }


def write_card(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write ``model.yaml``.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    import yaml

    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=110)
    path = folder / CARD
    write_whole(path, text)
    return path


def _description(model: UNetSegmenter, trained_on: Sequence[Mapping[str, Any]]) -> str:
    kind = "2D" if model.shape.axes == "YX" else "3D"
    what = str(model.info.target.get("object") or "object")
    titles = ", ".join(str(entry["title"]) for entry in trained_on)
    images = sum(int(entry["n_images"]) for entry in trained_on)
    return (
        f"A compact U-Net ({kind}) that outlines each {what} by foreground, boundary and distance. "
        f"It learned from {images:,} images of: {titles}."
    )


def _use(name: str) -> dict[str, str]:
    return {
        "command": f"micrographia segment evaluate --models {name}/ --datasets DATASET --out matrix/",
        "python": f"from micrographia.segmentation.models.unet import load_unet; load_unet('{name}').predict(image)",
        "limits": (
            "It is trained for images like those it learned from; evaluate it on annotated images of your own before "
            "you trust its counts."
        ),
    }
