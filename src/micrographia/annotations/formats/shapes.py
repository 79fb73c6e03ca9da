"""The rows of a polygons table as shapes: one for each object, with its parts and their rings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.masks.kernels import fill
from micrographia.annotations.masks.kernels.runs import paint

Floats = npt.NDArray[np.float64]


@dataclass
class Shape:
    """One outline.

    Parameters
    ----------
    row
        The columns of its first row.
    parts
        For each part its rings, outer one first; a ring is (Y, X) of its vertices.
    """

    row: dict[str, Any]
    parts: list[list[tuple[Floats, Floats]]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """One of polygon, path, ellipse."""
        return str(self.row["shape"])

    @property
    def holes(self) -> int:
        """The number of rings that are holes."""
        return sum(len(rings) - 1 for rings in self.parts)

    def rings(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield the rings of all parts."""
        for rings in self.parts:
            yield from rings

    def as_polygon(self) -> Shape:
        """Return it as polygons: an ellipse becomes one of 64 vertices, others stay."""
        if self.kind != "ellipse":
            return self
        return Shape(self.row | {"shape": "polygon"}, [[ellipse_ring(*ring)] for ring in self.rings()])

    @property
    def area(self) -> float:
        """Area in pixels: the outer rings without their holes."""
        return sum(
            (-1 if index else 1) * abs(ring_area(*ring))
            for rings in self.parts
            for index, ring in enumerate(rings)
        )

    def extent(self) -> tuple[float, float, float, float]:
        """Return the half-open box around it: y0, x0, y1, x1."""
        y = np.concatenate([ring[0] for ring in self.rings()])
        x = np.concatenate([ring[1] for ring in self.rings()])
        return float(y.min() + 0.5), float(x.min() + 0.5), float(y.max() + 0.5), float(x.max() + 0.5)


def ring_area(y: Floats, x: Floats) -> float:
    """Return the signed area inside a ring."""
    return float(np.dot(np.roll(y, -1), x) - np.dot(y, np.roll(x, -1))) / 2


def shapes(polygons: pd.DataFrame) -> Iterator[Shape]:
    """Yield the shapes of a polygons table, in the order in which it first names them."""
    found: dict[tuple[Any, ...], dict[int, list[tuple[int, int]]]] = {}
    records = polygons.to_dict("list")
    keys = ("image", "set", "object_id", "t", "z", "compartment")
    columns = [[_plain(value) for value in records[name]] for name in keys]
    for index, key in enumerate(zip(*columns, strict=True)):
        parts = found.setdefault(key, {})
        parts.setdefault(int(records["part"][index]), []).append((int(records["ring"][index]), index))
    for parts in found.values():
        first = min(index for rings in parts.values() for _, index in rings)
        row = {str(name): _plain(values[first]) for name, values in records.items()}
        yield Shape(
            row,
            [
                [(records["y"][index], records["x"][index]) for _, index in sorted(rings)]
                for _, rings in sorted(parts.items())
            ],
        )


def rows_of(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as dictionaries; missing values are None."""
    records = table.to_dict("list")
    for index in range(len(table)):
        yield {str(name): _plain(values[index]) for name, values in records.items()}


def _plain(value: Any) -> Any:
    if value is pd.NA or (isinstance(value, float) and value != value):
        return None
    return value


def ellipse_ring(y: Floats, x: Floats, vertices: int = 64) -> tuple[Floats, Floats]:
    """Return a polygon near the ellipse that fits into the rectangle with corners (y, x)."""
    angle = np.arange(vertices) * (2 * np.pi / vertices)
    centre = np.array([(y[0] + y[2]) / 2, (x[0] + x[2]) / 2])
    u = np.array([y[1] - y[0], x[1] - x[0]]) / 2
    v = np.array([y[3] - y[0], x[3] - x[0]]) / 2
    points = centre + np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    return points[:, 0], points[:, 1]


def upright(y: Floats, x: Floats) -> tuple[float, float, float, float] | None:
    """Return (y0, x0, y1, x1) of vertices if they are the corners of an upright rectangle, else None."""
    if len(y) != 4:
        return None
    turns = (y[0] == y[1] and x[1] == x[2] and y[2] == y[3] and x[3] == x[0]) or (
        x[0] == x[1] and y[1] == y[2] and x[2] == x[3] and y[3] == y[0]
    )
    return (float(y.min()), float(x.min()), float(y.max()), float(x.max())) if turns else None


def corners(y0: float, x0: float, y1: float, x1: float) -> tuple[Floats, Floats]:
    """Return the corners of an upright rectangle as (Y, X), clockwise on a screen from the upper left."""
    return np.array([y0, y0, y1, y1]), np.array([x0, x1, x1, x0])


def painted(shape: Shape, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return the pixels of a shape of polygons as 1 in an image of ``size`` (Y, X)."""
    out = np.zeros(size, np.uint8)
    for rings in shape.parts:
        y, x = (np.concatenate([ring[axis] for ring in rings]) for axis in (0, 1))
        starts = np.cumsum([0, *(len(ring[0]) for ring in rings)])
        row, x0, x1 = fill.polygon(y, x, starts, *size)
        paint(out, row, x0, x1, np.ones(len(row), np.int64))
    return out
