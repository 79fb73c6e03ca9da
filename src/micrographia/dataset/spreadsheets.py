"""Spreadsheets that lie beside the images: read whole, as text, and asked for voxel sizes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 64 << 20
"""Bytes above which a table is taken for data, not for a spreadsheet that people filled in."""

_VOXEL = re.compile(
    r"(?:(?:pixel|voxel)[ _.-]*(?:size|spacing|width|height|depth)|physical[ _.-]*size|spacing|"
    r"(?:um|µm|μm|micron)s?[ _.-]*(?:per|/)[ _.-]*(?:px|pixel|voxel))[ _.-]*(?P<axis>[xyz])?",
    re.IGNORECASE,
)
_UNITS = {"nm": 0.001, "um": 1.0, "µm": 1.0, "μm": 1.0, "micrometer": 1.0, "mm": 1000.0}


def read_spreadsheet(path: Path) -> pd.DataFrame:
    """Read CSV, TSV, XLSX or Parquet as a table of text.

    Raises
    ------
    DatasetError
        If there is no such file, it is larger than :data:`LARGEST`, or it is no table.
    """
    import pandas as pd

    if not path.is_file():
        raise DatasetError(path, "does not exist", "Give its path relative to the folder")
    if path.stat().st_size > LARGEST:
        raise DatasetError(path, "is larger than 64 MiB", "A spreadsheet about images is smaller")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path).astype(str)
        if path.suffix.lower() == ".xlsx":
            return pd.read_excel(path, dtype=str).fillna("")
        separator = "\t" if path.suffix.lower() == ".tsv" else None
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, engine="python")
    except Exception as error:
        raise DatasetError(path, f"cannot be read as a table ({error})", "Save it again as CSV") from error


def voxel_sizes(frame: pd.DataFrame) -> dict[str, set[float]]:
    """Return the voxel sizes in micrometer that a spreadsheet states: axis to the values that occur.

    A column without an axis (``pixel size``) speaks of y and x. A unit in the header (``[nm]``, ``(mm)``) is converted.
    """
    found: dict[str, set[float]] = {}
    for column in frame.columns:
        match = _VOXEL.search(str(column))
        if not match:
            continue
        unit = re.search(r"[\[(_ ](nm|um|µm|μm|mm|micrometer)[\])]?", str(column), re.IGNORECASE)
        factor = _UNITS[unit[1].lower()] if unit else 1.0
        axis = (match["axis"] or "yx").lower()
        axes = {"w": "x", "h": "y", "d": "z"}.get(axis, axis)
        for text in frame[column]:
            try:
                value = float(str(text).replace(",", ".")) * factor
            except ValueError:
                continue
            if value > 0:
                for name in axes:
                    found.setdefault(name, set()).add(value)
    return found
