"""Any callable as a segmentation model: ``module:function``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from micrographia import plugins
from micrographia.plugins import API_VERSION
from micrographia.representation.encoders.functions import code_sha256
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ANY, Image, Labels, ModelInfo, Segmenter, checked_labels


class FunctionSegmenter:
    """A function of Python as a segmentation model.

    Parameters
    ----------
    function
        Takes float32 ``(C, [Z,] Y, X)`` and returns labels ``([Z,] Y, X)``; it is given ``pixel_size``, too, if it has
        a parameter of that name. Its attributes ``channel_roles``, ``axes``, ``pixel_size``, ``version``, ``target``,
        ``licence`` and ``trained_on`` say what :class:`~micrographia.segmentation.models.protocol.ModelInfo` says.
    name
        What reports call it. Its checksum is that of the file in which it is written.
    """

    api_version = API_VERSION

    def __init__(self, function: Callable[..., Any], *, name: str = "") -> None:
        told: Any = function
        self.function = function
        roles = getattr(told, "channel_roles", (ANY,))
        self.info = ModelInfo(
            name or str(getattr(told, "__name__", type(told).__name__)),
            str(getattr(told, "version", "")),
            code_sha256(function),
            channel_roles=(roles,) if isinstance(roles, str) else tuple(roles),
            axes=str(getattr(told, "axes", ANY)),
            pixel_size=getattr(told, "pixel_size", None),
            target=dict(getattr(told, "target", {})),
            licence=str(getattr(told, "licence", "")),
            trained_on=tuple(getattr(told, "trained_on", ())),
        )
        try:
            self._sized = "pixel_size" in inspect.signature(function).parameters
        except (TypeError, ValueError):  # written in C: says nothing about its parameters
            self._sized = False

    def predict(self, image: Image, *, pixel_size: float | None = None) -> Labels:
        """Return what the function gives, as int32 labels ``([Z,] Y, X)``.

        Raises
        ------
        SegmentationError
            If the function fails, or gives no labels.
        """
        held = np.asarray(image, np.float32)
        more = {"pixel_size": pixel_size} if self._sized else {}
        try:
            given = self.function(held, **more)
        except Exception as error:  # code of other people may raise anything
            raise SegmentationError(
                self.info.name,
                f"fails on an image of shape {held.shape}: {type(error).__name__}: {error}",
                "Mend the function",
            ) from error
        return checked_labels(given, held.shape[1:], self.info.name)


def function_segmenter(place: str) -> Segmenter:
    """Return the callable, or the model, that ``module:name`` names; modules in the working folder are found.

    Raises
    ------
    SegmentationError
        If there is none.
    """
    try:
        found = plugins.imported(place)
        if inspect.isclass(found) and hasattr(found, "predict"):
            found = found()
    # Importing runs the user's module, which may raise anything.
    except Exception as error:
        raise SegmentationError(
            place, f"cannot be imported: {type(error).__name__}: {error}", "Check its path"
        ) from error
    if hasattr(found, "predict"):
        try:
            plugins.verify(found, Segmenter)
        except TypeError as error:
            raise SegmentationError(place, str(error), "Give it what a segmenter has") from error
        return cast("Segmenter", found)
    if not callable(found):
        raise SegmentationError(place, "is not callable", "Name a function that takes (C, [Z,] Y, X)")
    return FunctionSegmenter(found, name=place)
