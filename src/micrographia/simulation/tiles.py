"""Tiles cut from one large field, as many published datasets are: neighbours that share a seam and nothing says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from micrographia.simulation.field import Field, simulate_field


def cut_tiles(field: Field, tile: Sequence[int], *, min_visible: float = 0.15) -> list[Field]:
    """Cut a field into tiles, row by row; what is left over at the lower and right border is dropped.

    Parameters
    ----------
    field
        Without a T axis.
    tile
        (Y, X) size of a tile in pixels.
    min_visible
        Objects of which a tile shows less than this share of what the field showed are not annotated in it.

    Returns
    -------
    list of Field
        Named ``NAME_rRcC`` by row and column. Labels count from 1 in every tile; the column ``field_label_id`` of
        the objects has the number in the field.

    Raises
    ------
    ValueError
        For a time series, or a tile larger than the field.
    """
    if "T" in field.axes:
        raise ValueError("tiles are cut from single images, not from a time series")
    rows, columns = field.image.shape[-2:]
    height, width = tile
    if not (0 < height <= rows and 0 < width <= columns):
        raise ValueError(
            f"a tile of {height} x {width} does not fit into a field of {rows} x {columns} pixels"
        )
    whole = np.bincount(field.labels["cells"].ravel())
    tiles = []
    for row in range(rows // height):
        for column in range(columns // width):
            window = np.s_[..., row * height : (row + 1) * height, column * width : (column + 1) * width]
            tiles.append(
                replace(_tile(field, window, whole, min_visible), name=f"{field.name}_r{row}c{column}")
            )
    return tiles


def simulate_tiles(
    tile: Sequence[int] = (256, 256), grid: Sequence[int] = (3, 3), **options: Any
) -> list[Field]:
    """Simulate one field of ``grid`` rows and columns of tiles and cut it.

    Parameters
    ----------
    tile
        (Y, X) size of a tile in pixels.
    grid
        Rows and columns of tiles.
    **options
        As for ``simulate_field``; ``cells.count`` is that of the whole field.

    Returns
    -------
    list of Field
        See ``cut_tiles``.
    """
    return cut_tiles(simulate_field((tile[0] * grid[0], tile[1] * grid[1]), **options), tile)


def _tile(field: Field, window: Any, whole: np.ndarray, min_visible: float) -> Field:
    from micrographia.simulation.truth import measured

    cells = field.labels["cells"][window].copy()
    sizes = np.bincount(cells.ravel(), minlength=len(whole))
    kept = np.flatnonzero((sizes > 0) & (sizes >= min_visible * whole))
    kept = kept[kept > 0]
    mapping = np.zeros(len(whole), np.int32)
    mapping[kept] = np.arange(1, len(kept) + 1)
    cells = mapping[cells]
    nuclei = mapping[field.labels["nuclei"][window]]
    flat = "Z" not in field.axes
    volumes = (nuclei[None], cells[None]) if flat else (nuclei, cells)
    table = measured(*volumes, np.arange(1, len(kept) + 1), flat=flat)
    source = field.objects.set_index("label_id").loc[kept].reset_index()
    known = [name for name in source.columns if name not in table.columns and name != "label_id"]
    for name in known:
        table[name] = source[name].to_numpy()
    table["field_label_id"] = kept
    return replace(
        field, image=field.image[window].copy(), labels={"nuclei": nuclei, "cells": cells}, objects=table
    )
