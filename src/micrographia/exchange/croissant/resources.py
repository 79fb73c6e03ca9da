"""The files of a dataset as Croissant's FileObjects and FileSets."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from pathlib import PurePosixPath
from typing import Any

from micrographia.exchange.croissant.listing import Listing, checksum, is_mask, is_table
from micrographia.exchange.croissant.people import filled
from micrographia.exchange.croissant.terms import Ids, Node, formats_of, is_zarr, one_or_many, suffix


class Resources:
    """The distribution of a document, and which file is where in it.

    Parameters
    ----------
    listing
        The file list.
    ids
        What gives out identifiers.
    one_by_one
        Whether each file with a checksum is a FileObject of its own.
    known
        Addresses that have a FileObject already, with its identifier.
    """

    def __init__(self, listing: Listing, ids: Ids, one_by_one: bool, known: dict[str, str]) -> None:
        self.listing = listing
        self.ids = ids
        self.items: list[Node] = []
        self.objects: dict[str, str] = {}
        self.sets: list[tuple[str, str, list[dict[str, Any]]]] = []
        gathered: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for path, row in listing.firsts.items():
            address = listing.address(path)
            if address in known or path in known:
                self.objects[path] = known.get(address) or known[path]
            elif (one_by_one or is_table(row)) and (digest := self._digest(row)):
                self._object(row, digest)
            else:
                gathered.setdefault(_kind(row), []).append(row)
        for (role, folder, ending), rows in gathered.items():
            self._set(role, folder, ending, rows)

    def _digest(self, row: dict[str, Any]) -> str:
        if found := checksum(row):
            return found
        place = self.listing.here(str(row["Files"])) if is_table(row) else None
        return hashlib.sha256(place.read_bytes()).hexdigest() if place else ""

    def _object(self, row: dict[str, Any], digest: str) -> None:
        path = str(row["Files"])
        self.objects[path] = self.ids.new(path)
        self.items.append(
            filled(
                {
                    "@type": "cr:FileObject",
                    "@id": self.objects[path],
                    "name": path,
                    "contentUrl": self.listing.address(path),
                    "contentSize": f"{row['size']} B" if "size" in row else "",
                    "encodingFormat": one_or_many(list(formats_of(path))),
                    "sha256": digest,
                }
            )
        )

    def _set(self, role: str, folder: str, ending: str, rows: list[dict[str, Any]]) -> None:
        paths = [str(row["Files"]) for row in rows]
        words = {"image": "Images", "annotation": "Annotations", "table": "Tables", "other": "Files"}
        made = self.ids.new(f"{folder or 'dataset'}-{ending or 'files'}-{role or 'other'}")
        includes, excludes = self._patterns(folder, ending, paths)
        self.sets.append((made, role, rows))
        self.items.append(
            filled(
                {
                    "@type": "cr:FileSet",
                    "@id": made,
                    "name": made,
                    "description": f"{words.get(role, 'Files')} in {folder or 'the folder of the dataset'}",
                    "encodingFormat": one_or_many(list(formats_of(paths[0]))),
                    "includes": one_or_many(includes),
                    "excludes": excludes,
                }
            )
        )

    def _patterns(self, folder: str, ending: str, paths: list[str]) -> tuple[list[str], str]:
        """Return patterns that match these files and no other of the list; for Zarr what lies inside."""
        start = f"{_literal(folder)}/" if folder else ""
        if is_zarr(paths[0]):
            inside = paths[0].lower().split(".zarr", 1)[1].strip("/")
            if inside:
                pattern = f"{_literal(folder.split('/labels', 1)[0])}/*.zarr/{_literal(inside)}"
                inner = (
                    [f"{pattern}/*"]
                    if self._only(pattern, paths)
                    else [f"{_literal(one)}/*" for one in paths]
                )
                return inner, ""
            excluded = f"{start}*.zarr/labels/*" if any(is_mask(row) for row in self.listing.rows) else ""
            pattern = f"{start}*.{ending}"
            return (
                [f"{pattern}/*"] if self._only(pattern, paths) else [f"{_literal(one)}/*" for one in paths]
            ), excluded
        pattern = f"{start}*.{ending}" if ending else f"{start}*"
        return (
            [pattern] if len(paths) > 1 and self._only(pattern, paths) else [_literal(one) for one in paths]
        ), ""

    def _only(self, pattern: str, paths: list[str]) -> bool:
        fits = re.compile(fnmatch.translate(pattern))
        return {path for path in self.listing.paths if fits.match(path)} == set(paths)


def _kind(row: dict[str, Any]) -> tuple[str, str, str]:
    path = str(row["Files"])
    ending = "ome.zarr" if path.lower().endswith(".ome.zarr") else suffix(path)
    folder = str(PurePosixPath(path).parent)
    if is_zarr(path) and not path.lower().endswith(".zarr"):
        ending, folder = "zarr", re.split(r"/[^/]*\.zarr/", path, flags=re.IGNORECASE)[0] + "/labels"
        folder = f"{folder}/{row.get('annotation set', '')}".rstrip("/")
    return str(row.get("role", "")), "" if folder == "." else folder, ending


def _literal(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)
