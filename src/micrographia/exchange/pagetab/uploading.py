"""What is uploaded for each row of a dataset: under which path, made from what."""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import image_id, inside, path_problem
from micrographia.errors import DatasetError, ExchangeError
from micrographia.exchange.pagetab.lists import ALLOWED
from micrographia.images.ome_zarr_zip import pack

ZIP, FOLDER, NONE, AUTO = "zip", "folder", "none", "auto"
BLOCK = 4 << 20
_LABELS = re.compile(r"(.+\.zarr)/labels/([^/]+)")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file or folder of a submission.

    Parameters
    ----------
    source
        Path in the dataset.
    target
        Path in the submission.
    kind
        ``link`` (a file as it is), ``tree`` (a folder as it is), ``image`` (an OME-Zarr image without its labels,
        zipped), ``labels`` (a label image of an OME-Zarr, zipped), ``member`` (a label image out of a zipped OME-Zarr,
        zipped), or ``none`` (nothing is copied).
    member
        Path inside a zipped OME-Zarr.
    image
        For a label image: the path from it to its image in the submission; empty if that is not known.
    """

    source: str
    target: str
    kind: str
    member: str = ""
    image: str = ""


def mode_of(asked: str, folder: Path | None, paths: Sequence[str]) -> str:
    """Return what is done with files: by default they are zipped where they are on this machine."""
    if asked in (ZIP, FOLDER) and folder is None:
        raise ExchangeError("", "the files of the dataset are not on this machine", "Choose files=none")
    if asked != AUTO:
        return asked
    here = folder is not None and any(
        not path_problem(path) and (folder / path).exists() for path in paths[:1000]
    )
    return ZIP if here else NONE


def plan(
    rows: Sequence[dict[str, Any]], folder: Path | None, mode: str, *, rename: bool
) -> list[Upload | None]:
    """Return the upload of each row; None where its file is not there.

    Parameters
    ----------
    rows
        Rows of a file list.
    folder
        The dataset.
    mode
        ``zip``, ``folder`` or ``none``.
    rename
        Whether paths that the archive does not allow get another name.
    """
    names = _Names(rename=rename)
    made: dict[tuple[str, str], Upload | None] = {}
    found: list[Upload | None] = []
    for row in rows:
        path, member = row["Files"], row.get("member", "")
        in_zip = mode == ZIP and path.endswith(".ozx") and member.startswith("labels/")
        key = (path, member if in_zip else "")
        if key not in made:
            made[key] = _upload(row, folder, mode, names)
        found.append(made[key])
    images = {
        row.get("image"): upload.target
        for row, upload in zip(rows, found, strict=True)
        if row.get("role") == "image" and upload is not None
    }
    for number, (row, upload) in enumerate(zip(rows, found, strict=True)):
        if upload is not None and upload.kind in ("labels", "member") and row.get("source image") in images:
            path = posixpath.relpath(images[row["source image"]], upload.target)
            found[number] = replace(upload, image=path)
    return found


def _upload(row: dict[str, Any], folder: Path | None, mode: str, names: _Names) -> Upload | None:
    path, member = row["Files"], row.get("member", "")
    if mode == NONE or folder is None:
        return Upload(path, names(path), "none")
    try:
        place = inside(folder, path)
    except DatasetError:
        return None
    if not place.exists():
        return None
    if place.is_file():
        if mode == ZIP and path.endswith(".ozx") and member.startswith("labels/"):
            image = image_id(str(row.get("source image") or Path(path).stem))
            return Upload(path, names(f"{member}/{image}.ozx"), "member", member)
        return Upload(path, names(path), "link")
    if mode == ZIP and (place / "zarr.json").is_file():
        labels = _LABELS.fullmatch(path)
        if labels:
            image = image_id(str(row.get("source image") or Path(labels[1]).name.split(".")[0]))
            return Upload(path, names(f"labels/{labels[2]}/{image}.ozx"), "labels")
        return Upload(path, names(re.sub(r"(\.ome)?\.zarr$", "", path) + ".ozx"), "image")
    return Upload(path, names(path), "tree")


class _Names:
    """Gives paths that the archive allows, each once, whatever its case."""

    def __init__(self, *, rename: bool) -> None:
        self.rename = rename
        self.given: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        clean = allowed(path) if self.rename else path
        key, number = clean.casefold(), 1
        stem, dot, ending = clean.partition(".") if "/" not in clean else _split(clean)
        while key in self.given and self.rename and self.given[key] != path:
            number += 1
            clean = f"{stem}-{number}{dot}{ending}"
            key = clean.casefold()
        self.given[key] = path
        return clean


def _split(path: str) -> tuple[str, str, str]:
    folder, _, name = path.rpartition("/")
    stem, dot, ending = name.partition(".")
    return f"{folder}/{stem}", dot, ending


def allowed(path: str) -> str:
    """Return a path with the characters that the archive allows; one that has no others stays as it is.

    Examples
    --------
    >>> allowed("Größe 1/a b.tif"), allowed("x./a(1).tif")
    ('Grosse_1/a_b.tif', 'x/a(1).tif')
    """
    parts = path.split("/")
    made = [part if ALLOWED.fullmatch(part) else image_id(part) for part in parts]
    # The archive takes a dot or a star before a slash for a path that climbs.
    return "/".join([*(part.rstrip(".*") or "_" for part in made[:-1]), made[-1]])


def carry(upload: Upload, folder: Path, target: Path) -> tuple[int, str]:
    """Write one file or folder of a submission; return its size and SHA-256, or -1 and nothing if they are as listed.

    Files get a second name for the same bytes where the disk can do that.

    Raises
    ------
    ExchangeError
        If an OME-Zarr cannot be read, or a folder holds links.
    """
    if upload.kind == "none":
        return -1, ""
    source, goal = inside(folder, upload.source), target / upload.target
    goal.parent.mkdir(parents=True, exist_ok=True)
    if goal.exists():
        return -1, ""
    if upload.kind == "link":
        _link(str(source.resolve()), str(goal))
        return -1, ""
    if source.is_dir() and any(path.is_symlink() for path in source.rglob("*")):
        raise ExchangeError(upload.source, "holds links to other places", "Replace them by what they lead to")
    if upload.kind == "tree":
        shutil.copytree(source, goal, copy_function=_link)
        return -1, ""
    if upload.kind == "member":
        _extract(source, upload.member, goal)
    else:
        ignored = (source / "labels",) if upload.kind == "image" else ()
        shutil.copytree(
            source,
            goal,
            copy_function=_link,
            ignore=lambda where, names: [name for name in names if Path(where) / name in ignored],
        )
    if upload.kind != "image":
        _alone(goal / "zarr.json", upload.image)
    written = pack(goal, upload.target)
    return written.size, written.sha256


def _link(source: str, goal: str) -> None:
    try:
        os.link(source, goal)
    except OSError:
        shutil.copyfile(source, goal)


def _extract(source: Path, member: str, goal: Path) -> None:
    prefix = f"{member}/"
    try:
        with zipfile.ZipFile(source) as archive:
            names = [
                name for name in archive.namelist() if name.startswith(prefix) and not name.endswith("/")
            ]
            for name in names:
                if path_problem(name):
                    raise ExchangeError(source, f"holds a path that {path_problem(name)}", "Convert it again")
                part = goal / name[len(prefix) :]
                part.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as held, part.open("wb") as out:
                    shutil.copyfileobj(held, out, BLOCK)
    except zipfile.BadZipFile as error:
        raise ExchangeError(source, "is no zipped OME-Zarr", "Convert the dataset again") from error
    if not names:
        raise ExchangeError(source, f"holds no {member}", "Describe the dataset again")


def _alone(path: Path, image: str) -> None:
    """Say in a label image where its image lies, now that it is a file of its own."""
    try:
        document = json.loads(path.read_text("utf-8"))
        label = document.get("attributes", {}).get("ome", {}).get("image-label", {})
        label.pop("source", None)
        if image:
            label["source"] = {"image": image}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        problem = f"is no OME-Zarr label image ({error})"
        raise ExchangeError(path.parent.name, problem, "Convert the dataset again") from error
    path.unlink()  # it may be a second name of the dataset's own file
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
