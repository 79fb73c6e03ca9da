"""Group columns from names or spreadsheets, and splits that keep every group together."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from micrographia.dataset.words import tokens
from micrographia.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

NAME_COLUMNS = ("image", "name", "filename", "file", "file_name", "files", "image_id", "id", "path")

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "tr": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "ts": "test",
}
"""Words in the names of folders and in spreadsheets to the split that they name."""

SPLITS = tuple(dict.fromkeys(SPLIT_WORDS.values()))

_GROUPING = frozenset(
    "batch case cohort date day donor embryo experiment fish individual line mouse organ organism patient plate "
    "replicate sample scan section session site slide specimen strain study subject tissue week well".split()
)
"""Words of a header that speak of a group even where its values are numbers."""

_TABLE = re.compile(r"(.+\.(?:csv|tsv|xlsx|parquet)):(.+)", re.IGNORECASE)


def is_table(text: str) -> bool:
    """Tell whether a text is ``TABLE.csv:COLUMN``."""
    return bool(_TABLE.fullmatch(text))


def parse_group(text: str) -> tuple[str, str]:
    """Split ``COLUMN=PATTERN``.

    Raises
    ------
    DatasetError
        If it has no ``=`` or the column has no name.
    """
    column, found, pattern = text.partition("=")
    if not found or not column.strip() or not pattern:
        raise DatasetError(
            "", f"--group {text!r} is not COLUMN=PATTERN", r"For example --group plate='Plate_(\d+)'"
        )
    return column.strip(), pattern


def group_values(root: Path, pattern: str, images: Mapping[str, str]) -> dict[str, str]:
    """Return the group of each image.

    Parameters
    ----------
    root
        The folder, where a spreadsheet is looked for.
    pattern
        Either a regular expression that is searched in the path of the image: its group named ``group``, its first
        group, or all that it matched is the value. Or ``TABLE.csv:COLUMN``: a column of a spreadsheet that has one row
        an image, found by its name.
    images
        Image id to path, relative to the folder.

    Returns
    -------
    dict
        Image id to value; images that the pattern does not match are absent.

    Raises
    ------
    DatasetError
        If the expression is none, or the table or its column does not exist.
    """
    table = _TABLE.fullmatch(pattern)
    if table:
        return _from_table(root / table[1], table[2], images)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DatasetError(
            "", f"{pattern!r} is no regular expression ({error})", "Escape special characters"
        ) from error
    found = {}
    for image, path in images.items():
        match = expression.search(path)
        if match:
            named = match.groupdict().get("group")
            value = named if named is not None else match[1] if match.lastindex else match[0]
            found[image] = value or ""
    return found


def assign_splits(
    groups: Mapping[str, Sequence[str]], fractions: Mapping[str, float], seed: int = 0
) -> dict[str, str]:
    """Divide images into splits so that no group is in two of them.

    Images that share a value in any group column stay together (columns may overlap: all images connected through any
    of them are one unit). Units go, the largest first and in an order drawn by the seed among equals, to the split that
    lacks most of its share.

    Parameters
    ----------
    groups
        Image id to its values, one a group column; an empty value joins nothing.
    fractions
        Split to its share of the images; normalised to a sum of 1.
    seed
        Draws the order of equals.

    Raises
    ------
    DatasetError
        If there are fewer units than splits, or a share is not positive.
    """
    if not fractions or min(fractions.values()) <= 0:
        raise DatasetError("", "a split needs a positive share", "For example --split train=0.7,test=0.3")
    units = _connected(groups)
    if len(units) < len(fractions):
        raise DatasetError(
            "",
            f"{len(fractions)} splits need at least as many groups that share nothing; there "
            f"{'is only 1' if len(units) == 1 else f'are {len(units)}'}",
            "Ask for fewer splits, or group by something finer",
        )
    ordered = sorted(units, key=lambda unit: (-len(unit), _draw(seed, unit[0])))
    total = sum(fractions.values())
    lacking = {name: share / total * len(groups) for name, share in fractions.items()}
    result = {}
    empty = dict.fromkeys(fractions, True)
    for done, unit in enumerate(ordered):
        must = [name for name in fractions if empty[name]]
        # The last units go to splits that would otherwise stay empty.
        choice = must if len(ordered) - done <= len(must) else list(fractions)
        name = max(choice, key=lambda split: (lacking[split], -list(fractions).index(split)))
        lacking[name] -= len(unit)
        empty[name] = False
        result.update(dict.fromkeys(unit, name))
    return result


def folder_splits(images: Mapping[str, str]) -> dict[str, str]:
    """Return the split of each image whose folder is named after one: ``train/images``, ``imagesTs``, ``test_images``.

    Parameters
    ----------
    images
        Image id to path, relative to the folder.

    Returns
    -------
    dict
        Image id to ``train``, ``validation`` or ``test``; images of other folders are absent.
    """
    found = {}
    for image, path in images.items():
        words = [word for part in reversed(PurePosixPath(path).parent.parts) for word in tokens(part)]
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), "")
        if split:
            found[image] = split
    return found


def parse_split(text: str) -> dict[str, float]:
    """Read ``train=0.7,test=0.3``.

    Raises
    ------
    DatasetError
        If it is not of this form.
    """
    shares = {}
    for part in text.split(","):
        name, found, share = part.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            found = ""
        if not found or not name.strip():
            problem = f"--split {text!r} is not NAME=SHARE,NAME=SHARE"
            raise DatasetError("", problem, "For example --split train=0.7,validation=0.15,test=0.15")
    return shares


def _connected(groups: Mapping[str, Sequence[str]]) -> list[list[str]]:
    parent = {image: image for image in groups}

    def root(image: str) -> str:
        while parent[image] != image:
            parent[image] = parent[parent[image]]
            image = parent[image]
        return image

    first: dict[tuple[int, str], str] = {}
    for image, values in groups.items():
        for column, value in enumerate(values):
            if value:
                parent[root(image)] = root(first.setdefault((column, value), image))
    units: dict[str, list[str]] = defaultdict(list)
    for image in sorted(groups):
        units[root(image)].append(image)
    return list(units.values())


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()


def _from_table(path: Path, column: str, images: Mapping[str, str]) -> dict[str, str]:
    from micrographia.dataset.spreadsheets import read_spreadsheet

    frame = read_spreadsheet(path)
    if column not in frame.columns:
        known = ", ".join(map(str, frame.columns[:20]))
        raise DatasetError(path, f"has no column {column!r}", f"Its columns are {known}")
    owners = named_images(frame, images)
    if not any(owners):
        raise DatasetError(
            path, "has no column whose values are names of images", "Add one with the file names"
        )
    return {image: str(value) for image, value in zip(owners, frame[column], strict=True) if image and value}


def named_images(frame: pd.DataFrame, images: Mapping[str, str]) -> list[str]:
    """Return the image that each row of a spreadsheet names, or "", by the column that names most.

    Parameters
    ----------
    frame
        The spreadsheet.
    images
        Image id to path.
    """
    stems = {PurePosixPath(name).name.split(".")[0].casefold(): image for image, name in images.items()}
    stems |= {image.casefold(): image for image in images}
    best = [""] * len(frame)
    for name in frame.columns:
        keys = (
            PurePosixPath(str(value).replace("\\", "/")).name.split(".")[0].casefold()
            for value in frame[name]
        )
        found = [stems.get(key, "") for key in keys]
        if sum(map(bool, found)) > sum(map(bool, best)):
            best = found
    return best


def offered_groups(frame: pd.DataFrame, images: Mapping[str, str]) -> list[str]:
    """Return the columns of a spreadsheet that could group the images.

    Each image has one value, there are at least two values and fewer than images, and they are words, or numbers under
    a header that speaks of groups (``plate``, ``donor``): a height or a count is no group.
    """
    stated = _stated(frame, images)
    offered = []
    for name, values in stated.items():
        known = set(values.values()) - {""}
        if not 2 <= len(known) < len(values) or _are_splits(known):
            continue
        if _GROUPING & {word.removesuffix("s") for word in tokens(name)} or not all(map(_is_number, known)):
            offered.append(name)
    return offered


def offered_split(frame: pd.DataFrame, images: Mapping[str, str]) -> str:
    """Return the column of a spreadsheet that says the split of each image; empty if there is none."""
    stated = _stated(frame, images)
    return next((name for name, values in stated.items() if _are_splits(set(values.values()))), "")


def _stated(frame: pd.DataFrame, images: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the columns in which all rows of one image agree: name to image to value."""
    owners = named_images(frame, images)
    result = {}
    for name in frame.columns:
        values: dict[str, str] = {}
        pairs = zip(owners, map(str, frame[name]), strict=True)
        if all(values.setdefault(owner, value) == value for owner, value in pairs if owner):
            result[str(name)] = values
    return result


def _are_splits(values: set[str]) -> bool:
    known = {value.strip().casefold() for value in values} - {""}
    return len(known) >= 2 and known <= SPLIT_WORDS.keys()


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
