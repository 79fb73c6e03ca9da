"""What the file of a network does not say itself: a YAML file beside it, ``FILE.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.maps import OUTPUTS
from micrographia.segmentation.models.postprocessing import Postprocessing
from micrographia.segmentation.models.protocol import ANY, ModelInfo
from micrographia.segmentation.models.yaml_files import read_yaml

LABELS = "labels"
NORMALISE = ("percentile", "zscore", "dtype", "none")
MOST = 16384
"""Largest size that is believed."""
ACTIVATIONS = ("none", "sigmoid", "softmax")


@dataclass(frozen=True)
class Card:
    """How a network is fed and read.

    Parameters
    ----------
    name, version, channels, axes, pixel_size, target, licence, trained_on
        As in :class:`~micrographia.segmentation.models.protocol.ModelInfo`; ``channels`` are its channel roles.
    normalise
        ``percentile`` (1 and 99.8 of the image become 0 and 1), ``zscore``, ``dtype`` (divided by the largest value of
        the image's type), or ``none``.
    outputs
        What each channel of the output means: ``foreground``, ``boundary``, ``distance``, ``-`` for one that is not
        used; or ``labels`` alone for a network that gives instances.
    activation
        What is applied to the output: ``none``, ``sigmoid`` (not to a distance), or ``softmax`` over channels.
    multiple, least
        Sizes along the spatial axes must be multiples of ``multiple`` and at least ``least``.
    tile, overlap
        What the network wants to see at once, and pixels beyond those whose maps are kept.
    postprocessing
        How maps become instances.
    """

    name: str = ""
    version: str = ""
    channels: tuple[str, ...] = (ANY,)
    axes: str = "YX"
    pixel_size: float | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    trained_on: tuple[Mapping[str, Any], ...] = ()
    normalise: str = "percentile"
    outputs: tuple[str, ...] = ("foreground",)
    activation: str = "none"
    multiple: int = 16
    least: int = 1
    tile: tuple[int, ...] | None = None
    overlap: int | None = None
    postprocessing: Postprocessing = field(default_factory=Postprocessing)

    @property
    def used(self) -> tuple[str, ...]:
        """The outputs without those that are not used."""
        return tuple(name for name in self.outputs if name != "-")

    def info(self, name: str, sha256: str) -> ModelInfo:
        """Return what is known of the model; ``name`` where the card has none."""
        return ModelInfo(
            self.name or name,
            self.version,
            sha256,
            channel_roles=self.channels,
            axes=self.axes,
            pixel_size=self.pixel_size,
            target=dict(self.target),
            licence=self.licence,
            trained_on=self.trained_on,
        )


def card_path(model: Path) -> Path:
    """Return where the card of a model lies."""
    return model.parent / f"{model.name}.yaml"


def read_card(model: Path) -> dict[str, Any]:
    """Return what lies beside a model as ``FILE.yaml``; empty if there is none.

    Raises
    ------
    SegmentationError
        If it is no YAML mapping.
    """
    path = card_path(model)
    if not path.is_file():
        return {}
    return read_yaml(path)


def card(held: Mapping[str, Any], path: Path) -> Card:
    """Return a card from what was written.

    Parameters
    ----------
    held
        Names of :class:`Card` with plain values.
    path
        What an error names.

    Raises
    ------
    SegmentationError
        If a name or a value is none that a card has.
    """
    known = set(Card.__dataclass_fields__)
    unknown = sorted(set(held) - known)
    if unknown:
        raise SegmentationError(
            path, f"has an entry {unknown[0]!r}", f"Entries are {', '.join(sorted(known))}"
        )
    values = dict(held)
    try:
        for name in ("channels", "outputs"):
            if name in values:
                given = values[name]
                values[name] = (given,) if isinstance(given, str) else tuple(str(one) for one in given)
        if "trained_on" in values:
            values["trained_on"] = tuple(dict(one) for one in values["trained_on"])
        if values.get("tile") is not None:
            values["tile"] = tuple(int(side) for side in values["tile"])
        for name in ("multiple", "least", "overlap"):
            if values.get(name) is not None:
                values[name] = int(values[name])
        if values.get("pixel_size") is not None:
            values["pixel_size"] = float(values["pixel_size"])
        for name in ("name", "version", "licence"):
            if name in values:
                values[name] = str(values[name])
        if "postprocessing" in values:
            values["postprocessing"] = Postprocessing.from_json(dict(values["postprocessing"]))
        made = Card(**values)
    except (TypeError, ValueError) as error:
        raise SegmentationError(path, f"has a value that cannot be read: {error}", "Look it up") from error
    except SegmentationError as error:
        raise SegmentationError(path, error.problem, error.remedy) from error
    _verify(made, path)
    return made


def _verify(made: Card, path: Path) -> None:
    allowed = (*OUTPUTS, "-")
    for name, value, choices in (
        ("axes", made.axes, ("YX", "ZYX")),
        ("normalise", made.normalise, NORMALISE),
        ("activation", made.activation, ACTIVATIONS),
    ):
        if value not in choices:
            raise SegmentationError(path, f"{name} is {value!r}", f"Give one of {', '.join(choices)}")
    if made.outputs != (LABELS,) and (
        any(name not in allowed for name in made.outputs) or "foreground" not in made.outputs
    ):
        raise SegmentationError(
            path,
            f"outputs are {', '.join(made.outputs)}",
            f"Name each channel of the output, of {', '.join(allowed)}, foreground among them; or labels",
        )
    if min(made.multiple, made.least, made.overlap or 1) < 1 or min(made.tile or (1,)) < 1:
        raise SegmentationError(path, "has a size below 1", "Give sizes in pixels")
    if max(made.multiple, made.least, made.overlap or 1, *(made.tile or ())) > MOST:
        raise SegmentationError(path, f"has a size above {MOST}", "Images would be filled up to it")
    if made.tile is not None and len(made.tile) != len(made.axes):
        raise SegmentationError(path, f"tile is {made.tile}", f"Give sizes along {made.axes}")
