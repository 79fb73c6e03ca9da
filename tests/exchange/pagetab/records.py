"""PageTab records for tests: small ones, built from names and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Json = dict[str, Any]


def values(**held: Any) -> list[Json]:
    """Return attributes; an underscore in a name is a space, a list is several attributes of one name."""
    return [
        {"name": name.replace("_", " "), "value": one}
        for name, value in held.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def section(kind: str, accno: str = "", *below: Json, **held: Any) -> Json:
    """Return a section."""
    made: Json = {"type": kind, "attributes": values(**held)}
    return made | ({"accno": accno} if accno else {}) | ({"subsections": list(below)} if below else {})


def record(*below: Any, accno: str = "S-BIAD1", root: list[Json] | None = None, **held: Any) -> Json:
    """Return a record whose study holds some sections and attributes."""
    study: Json = {
        "type": "Study",
        "attributes": values(**{"Title": "Nuclei", **held}),
        "subsections": list(below),
    }
    return {"accno": accno, "attributes": root or [], "section": study, "type": "submission"}


def listed(path: str, **held: Any) -> Json:
    """Return an entry of a file list in JSON."""
    return {"path": path, "size": 3, "type": "file", "attributes": values(**held)}


IMAGES = section(
    "Study Component", "Study Component-1", Name="Cells", Description="All", File_List="images.json"
)
MASKS = section(
    "Annotations", "Annotations-1", Title="Masks", Annotation_Type="segmentation_mask", File_List="masks.json"
)


def real(data: Path) -> list[Path]:
    """Return the real records."""
    folder = data / "bia_records"
    return sorted([*folder.glob("S-*.json"), *(path / f"{path.name}.json" for path in folder.glob("S-*/"))])
