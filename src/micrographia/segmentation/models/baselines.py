"""Classical methods and rules without any method: what every model has to beat, tuned with the same budget."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from micrographia.plugins import API_VERSION
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.grey import grey, otsu
from micrographia.segmentation.models.maps import spread
from micrographia.segmentation.models.postprocessing import Postprocessing, instances
from micrographia.segmentation.models.protocol import (
    ANY,
    BUDGET,
    Context,
    Image,
    Labels,
    ModelInfo,
    Settings,
    context_of,
    set_up,
)

VERSION = "1"
"""Raised whenever a baseline gives other labels with the same settings."""

_POST = ("threshold", "smoothing", "depth", "seed", "min_size", "holes")


class Baseline:
    """A classical method: one grey image, a foreground, and the watershed of :mod:`.postprocessing`.

    Objects are bright or dark by the role of the channel; see :func:`~micrographia.segmentation.models.grey.grey`.
    Lengths among the settings are in pixels along Y and X; along Z they are divided by the spacing.

    Parameters
    ----------
    role
        Role of the one channel to work on; by default all channels are taken and the method chooses.
    """

    api_version = API_VERSION
    name = ""
    own: ClassVar[Mapping[str, float]] = {}
    tuned: ClassVar[Mapping[str, Sequence[Any]]] = {}
    post = Postprocessing()

    def __init__(self, role: str = ANY) -> None:
        held = self.post.to_json()
        self.settings: dict[str, Any] = {**self.own, **{name: held[name] for name in _POST}}
        self.info = set_up(
            ModelInfo(
                self.name if role == ANY else f"{self.name}:{role}",
                VERSION,
                channel_roles=(role,),
                licence="BSD-3-Clause",
                baseline=True,
            ),
            self._origin(role),
            self.settings,
        )

    def maps(self, image: Image, context: Context) -> Image:
        """Return the grey image, ``(1, [Z,] Y, X)``."""
        return grey(image, context)[None]

    @abstractmethod
    def instances(self, maps: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of the grey image."""

    def predict_tile(self, image: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of a part of an image."""
        return self.instances(self.maps(image, context), context)

    def predict(self, image: Image, *, pixel_size: float | None = None) -> Labels:
        """Return labels ``([Z,] Y, X)`` of an image ``(C, [Z,] Y, X)``."""
        held = np.asarray(image, np.float32)
        return self.predict_tile(held, context_of(held, pixel_size=pixel_size))

    def settings_grid(self, budget: int = BUDGET) -> list[Settings]:
        """Return at most ``budget`` settings, the present ones first."""
        return spread(self.settings, self.tuned, budget)

    def with_settings(self, settings: Settings) -> Self:
        """Return it with these settings; those left out stay as they are.

        Raises
        ------
        SegmentationError
            If there is a setting of another name, or a value is out of range.
        """
        other = copy.copy(self)
        unknown = sorted(set(settings) - set(self.settings))
        if unknown:
            raise SegmentationError(
                self.info.name,
                f"has no setting {unknown[0]!r}",
                f"Its settings are {', '.join(self.settings)}",
            )
        other.settings = {**self.settings, **settings}
        for name in self.own:
            value = other.settings[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
                raise SegmentationError(self.info.name, f"{name} is {value!r}", "Give a number")
        other._postprocessing()
        other.info = set_up(self.info, self._origin(self.info.channel_roles[0]), other.settings)
        return other

    def _postprocessing(self) -> Postprocessing:
        return Postprocessing().changed({name: self.settings[name] for name in _POST})

    def _origin(self, role: str) -> str:
        return f"micrographia baseline {self.name} {VERSION} {role}"


class Otsu(Baseline):
    """Threshold of Otsu (1979) of the whole image, and watershed of the distance from the background.

    ``threshold`` is in units of twice Otsu's: 0.5 is Otsu's. ``blur`` is the standard deviation of a Gaussian before.
    """

    name = "otsu"
    own: ClassVar[Mapping[str, float]] = {"blur": 1.0}
    tuned: ClassVar[Mapping[str, Sequence[Any]]] = {
        "threshold": (0.5, 0.25, 0.35, 0.65, 0.8),
        "depth": (0.2, 0.05, 0.1, 0.35, 0.5),
        "min_size": (16, 4, 64, 256),
        "smoothing": (1.0, 0.5, 2.0, 4.0),
        "blur": (1.0, 0.0, 2.0, 3.0),
    }

    def instances(self, maps: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of the grey image."""
        cut = otsu(context)
        image = _blurred(maps[0], self.settings["blur"], context)
        return instances(
            image / max(2 * cut, 1e-6),
            settings=self._postprocessing(),
            spacing=context.spacing[-image.ndim :],
        )


class Local(Baseline):
    """Threshold above the mean around each pixel, and watershed of the distance from the background.

    A pixel is foreground if it exceeds the mean of the square of ``window`` pixels around it by ``offset`` (grey values
    between percentiles 1 and 99.8 are 0 to 1) and is brighter than ``floor`` times Otsu's threshold.
    """

    name = "local"
    own: ClassVar[Mapping[str, float]] = {"blur": 1.0, "window": 51, "offset": 0.05, "floor": 0.5}
    tuned: ClassVar[Mapping[str, Sequence[Any]]] = {
        "window": (51, 25, 101, 201),
        "offset": (0.05, 0.0, 0.02, 0.1),
        "floor": (0.5, 0.0, 0.25, 0.75),
        "depth": (0.2, 0.05, 0.1, 0.35, 0.5),
        "min_size": (16, 4, 64, 256),
        "blur": (1.0, 0.0, 2.0, 3.0),
    }

    def instances(self, maps: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of the grey image."""
        from scipy.ndimage import uniform_filter

        held = self.settings
        image = _blurred(maps[0], held["blur"], context)
        sides = [
            max(1, 2 * round((held["window"] / step - 1) / 2) + 1) for step in context.spacing[-image.ndim :]
        ]
        around = uniform_filter(maps[0], sides, mode="nearest")
        inside = (image > around + held["offset"]) & (image > held["floor"] * otsu(context))
        return instances(
            inside.astype(np.float32),
            settings=self._postprocessing(),
            spacing=context.spacing[-image.ndim :],
        )


class LaplacianOfGaussian(Baseline):
    """Blobs of one size: peaks of the scale-normalised Laplacian of a Gaussian, out to its zero crossing.

    After Lindeberg (1998); the response is ``-sigma^2 (d^2/dx^2 + ...)`` of the grey image smoothed by ``sigma``, which
    is largest for blobs of radius ``sigma sqrt(dimensions)``. Peaks below ``seed`` are no objects.
    """

    name = "log"
    own: ClassVar[Mapping[str, float]] = {"sigma": 5.0}
    post = Postprocessing(seed=0.1, smoothing=0.0)
    tuned: ClassVar[Mapping[str, Sequence[Any]]] = {
        "sigma": (5.0, 2.0, 3.0, 8.0, 12.0),
        "seed": (0.1, 0.02, 0.05, 0.2, 0.3),
        "depth": (0.2, 0.05, 0.1, 0.35, 0.5),
        "min_size": (16, 4, 64, 256),
    }

    def instances(self, maps: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of the grey image."""
        image = maps[0]
        sigma = max(float(self.settings["sigma"]), 0.3)
        steps = context.spacing[-image.ndim :]
        response = _laplacian(image, sigma, steps)
        return instances(
            (response > 0).astype(np.float32),
            distance=response,
            settings=self._postprocessing(),
            spacing=steps,
        )


class _Rule(Baseline):
    """A rule that looks at no pixel."""

    value = 0

    def __init__(self) -> None:
        super().__init__()
        self.settings = {}
        self.info = set_up(self.info, self._origin(ANY), {})

    def maps(self, image: Image, context: Context) -> Image:  # noqa: ARG002
        """Return nothing but the size of the image, ``(1, [Z,] Y, X)``."""
        return np.zeros((1, *image.shape[1:]), np.float32)

    def instances(self, maps: Image, context: Context) -> Labels:  # noqa: ARG002
        """Return one value for all pixels."""
        return np.full(maps.shape[1:], self.value, np.int32)

    def settings_grid(self, budget: int = BUDGET) -> list[Settings]:  # noqa: ARG002
        """Return the only settings: none."""
        return [{}]

    def _postprocessing(self) -> Postprocessing:
        return Postprocessing()


class Everything(_Rule):
    """The whole image is one object."""

    name = "one"
    value = 1


class Nothing(_Rule):
    """There is no object."""

    name = "nothing"


BASELINES: Mapping[str, type[Baseline]] = {
    kind.name: kind for kind in (Otsu, Local, LaplacianOfGaussian, Everything, Nothing)
}
"""Name of a baseline to what makes it."""


def baseline(name: str) -> Baseline:
    """Return a baseline by name; ``otsu:membrane`` works on the channel of that role.

    Raises
    ------
    SegmentationError
        If there is none of that name, or it looks at no channel.
    """
    kind, _, role = name.partition(":")
    made = BASELINES.get(kind)
    if made is None:
        raise SegmentationError("", f"there is no baseline {kind!r}", f"They are {', '.join(BASELINES)}")
    if issubclass(made, _Rule):
        if role:
            raise SegmentationError("", f"the baseline {kind} looks at no channel", "Leave the role out")
        return made()
    return made(role or ANY)


def _blurred(image: Any, sigma: float, context: Context) -> Any:
    if not sigma:
        return image
    from scipy.ndimage import gaussian_filter

    widths = [sigma / step for step in context.spacing[-image.ndim :]]
    return gaussian_filter(image, widths, mode="nearest", truncate=3.0)


def _laplacian(image: Any, sigma: float, steps: Sequence[float]) -> Any:
    from scipy.ndimage import gaussian_filter

    widths = [sigma / step for step in steps]
    total = np.zeros(image.shape, np.float32)
    for axis, width in enumerate(widths):
        order = [2 if at == axis else 0 for at in range(image.ndim)]
        total -= width**2 * gaussian_filter(image, widths, order=order, mode="nearest", truncate=3.0)
    return total
