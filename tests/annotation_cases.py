"""Annotations that use every column of every table, for tests of formats."""

import numpy as np
import pandas as pd

from micrographia.annotations import TABLES, Annotations, ClassEntry, conform

SCRIPTS = ["nucleus", "细胞核", 'Ядро 🧬, "quoted"\tand\nbroken']
"""Text in several scripts, beyond the basic plane, with what CSV and JSON must escape."""


def full_table(kind: str, image: str = "a", rows: int = 3) -> pd.DataFrame:
    """A table of a kind in which every column says something; numbers are exact in single precision."""
    numbers = np.arange(1, rows + 1)
    columns: dict[str, object] = {}
    for column in TABLES[kind].columns:
        match column.dtype:
            case "text":
                columns[column.name] = [SCRIPTS[k % 3] for k in range(rows)]
            case "integer" | "integer?":
                columns[column.name] = numbers + 1
            case "number":
                columns[column.name] = numbers * 0.25
            case "flag" | "flag?":
                columns[column.name] = [True] * rows
            case _:
                columns[column.name] = [np.array([1.0, 2.5, 7.25]) + k for k in range(rows)]
    columns["image"] = image
    for low, high in (("z0", "z1"), ("y0", "y1"), ("x0", "x1")):
        if low in columns:
            columns[high] = numbers * 0.25 + 4 if kind == "boxes" else numbers + 9
    if "attributes" in columns:
        columns["attributes"] = ['{"b": [1, {"c": "é"}], "note": "Ω"}'] * rows
    if kind == "polygons":
        columns |= {"shape": "polygon", "part": 0, "ring": 0, "compartment": "cytoplasm"}
        columns["x"] = [np.array([0.5, 8.0, 3.0]) + k for k in range(rows)]
    if kind == "tracks":
        columns["t"] = numbers - 1
    return conform(pd.DataFrame(columns), kind)[0]


def plain_annotations(image: str = "a") -> Annotations:
    """One image with boxes, polygons and points that any format can hold, with classes by number and name."""
    common = {"image": image, "object_id": [1, 2], "class_id": [0, 1], "class_name": ["cell", "debris"]}
    annotations = Annotations(
        classes=[ClassEntry(0, "cell", "FF0000"), ClassEntry(1, "debris", "00FF00")], sizes={image: (64, 128)}
    )
    annotations.add("boxes", common | {"y0": [1, 4], "x0": [2, 8], "y1": [9, 20], "x1": [18, 40]})
    rings = {"y": [[1.5, 1.5, 9.5, 9.5], [3.5, 3.5, 20.0]], "x": [[2.5, 30.5, 30.5, 2.5], [8.0, 40.0, 22.25]]}
    annotations.add("polygons", common | rings | {"object_id": [3, 4]})
    annotations.add("points", common | {"y": [3.0, 4.5], "x": [7.0, 11.25], "object_id": [5, 6]})
    return annotations


def lost_in_silence(before: pd.DataFrame, after: pd.DataFrame, kind: str, findings: list) -> list[str]:
    """The columns of a table that a round trip changed and that no finding names."""
    told = {note.field for note in findings if note.code in ("N006", "N007")}
    if kind in told:
        return []
    lost = []
    for column in TABLES[kind].columns:
        if f"{kind}.{column.name}" in told:
            continue
        if len(before) != len(after) or not same(before[column.name], after[column.name]):
            lost.append(column.name)
    return lost


def same(a: pd.Series, b: pd.Series) -> bool:
    """Whether two columns hold the same, with missing values equal and floats to 9 digits."""
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    return all(_equal(x, y) for x, y in pairs)


def _equal(x: object, y: object) -> bool:
    if isinstance(x, np.ndarray):
        return isinstance(y, np.ndarray) and x.shape == y.shape and np.allclose(x, y, rtol=1e-9, atol=1e-9)
    if pd.isna(x) or pd.isna(y):
        return bool(pd.isna(x) and pd.isna(y))
    if isinstance(x, float):
        return bool(np.isclose(x, y, rtol=1e-9, atol=1e-9))
    return x == y
