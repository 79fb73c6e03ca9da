"""A folder of pictures with a subfolder for each class: natural images as a positive control, or one's own."""

from __future__ import annotations

import re
from pathlib import Path

from micrographia.errors import ProfileError
from micrographia.representation.adapters.folders import Picture, ids_of, opened, pictures
from micrographia.representation.adapters.study import About, Study, checksum

SPLITS = frozenset(("train", "val", "valid", "validation", "test"))

ABOUT = About(
    name="imagefolder",
    title="Pictures in a subfolder for each class",
    source="your own folder (a benchmark of natural images in this layout is a positive control)",
    licence="that of the pictures",
    files={"CLASS/NAME.jpg": "pictures of a class; also SPLIT/CLASS/NAME.jpg"},
)


def load(folder: Path, group: str = "", limit: int | None = None) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds a subfolder for each class; or subfolders ``train``, ``val`` and ``test`` that do.
    group
        A regular expression that is searched in the name of the file; its first group, or what it matched, is the
        group that the picture belongs to (a donor, a video). Empty: each picture is its own group, which is
        optimistic.
    limit
        Pictures of each class that are taken at most, the first by name.

    Returns
    -------
    Study
        One row a picture: ``image``, ``label``, ``group``, ``split`` (where there is one), ``file``.

    Raises
    ------
    ProfileError
        If there are no classes, or fewer than two.
    """
    import pandas as pd

    try:
        searched = re.compile(group) if group else None
    except re.error as error:
        raise ProfileError("group", f"{group!r} is no regular expression ({error})", "Correct it") from error
    found: list[tuple[str, str, Path]] = []
    for split, label, place in _classes(folder):
        paths = pictures(place)
        found += [(split, label, path) for path in (paths if limit is None else paths[:limit])]
    labels = sorted({label for _, label, _ in found})
    if len(labels) < 2:
        raise ProfileError(
            folder,
            f"has pictures in {len(labels)} subfolder{'' if len(labels) == 1 else 's'}, and classes are two or more",
            "Put the pictures of each class into a subfolder of their own",
        )
    ids = ids_of([path for _, _, path in found], folder)
    groups = [_group(searched, path) or one for one, (_, _, path) in zip(ids, found, strict=True)]
    rows = pd.DataFrame(
        {
            "image": ids,
            "label": [label for _, label, _ in found],
            "group": groups,
            "file": [path.relative_to(folder).as_posix() for _, _, path in found],
        }
    )
    if any(split for split, _, _ in found):
        rows["split"] = [split or None for split, _, _ in found]
    held = opened(
        [Picture(one, path) for one, (_, _, path) in zip(ids, found, strict=True)], folder.resolve().name
    )
    notes = [f"{len(rows):,} pictures of {len(labels)} classes."]
    if not group:
        notes.append(
            "Groups are unknown: each picture counts as its own, so that every interval is optimistic."
        )
    return Study(
        name=folder.resolve().name,
        rows=rows,
        images=held.folder,
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum([path for _, _, path in found], folder),
        kept=held,
    )


def _classes(folder: Path) -> list[tuple[str, str, Path]]:
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    split = [path for path in below if path.name.lower() in SPLITS]
    if not split:
        return [("", path.name, path) for path in below]
    return [
        (part.name, path.name, path)
        for part in split
        for path in sorted(part.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    ]


def _group(searched: re.Pattern[str] | None, path: Path) -> str:
    if searched is None:
        return ""
    match = searched.search(path.name)
    if match is None:
        raise ProfileError(
            path, f"does not match {searched.pattern!r}, so its group is unknown", "Correct it"
        )
    return str(match[1] if match.lastindex else match[0])
