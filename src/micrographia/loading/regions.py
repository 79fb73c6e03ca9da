"""Which label images say where anybody annotated."""

from __future__ import annotations

REGION = "annotated_region"


def is_region_set(name: str) -> bool:
    """Return whether an annotation set is an annotated region: it is called so, alone or after the name of a set.

    Case, hyphens and spaces do not matter. Its pixels that are not 0 were annotated.

    Examples
    --------
    >>> [is_region_set(name) for name in ("annotated_region", "nuclei-annotated-region", "regions", "nuclei")]
    [True, True, False, False]
    """
    return _plain(name) == REGION or _plain(name).endswith(f"_{REGION}")


def covers(name: str, masks: str) -> bool:
    """Return whether an annotation set is the annotated region of the masks of a set: its own, or that of all sets.

    Examples
    --------
    >>> covers("annotated region", "nuclei"), covers("nuclei-annotated-region", "nuclei"), covers("nuclei", "nuclei")
    (True, True, False)
    >>> covers("cells-annotated-region", "nuclei")
    False
    """
    return _plain(name) in (REGION, f"{_plain(masks)}_{REGION}")


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
