"""The record sets of a document: splits, annotation sets, classes, images, masks, files, tables, pixels."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from micrographia.annotations.tables import TABLES
from micrographia.dataset.opening import MASK_TYPE
from micrographia.exchange.croissant.columns import columns_of, field_kind
from micrographia.exchange.croissant.listing import Listing, described, is_mask, is_table
from micrographia.exchange.croissant.people import filled
from micrographia.exchange.croissant.rai import records, said
from micrographia.exchange.croissant.resources import Resources
from micrographia.exchange.croissant.terms import PIXELS, TABLE, Ids, Node, formats_of, nodes, suffix, texts
from micrographia.metadata.taking import Plain

_SPLITS = {
    "cr:TrainingSplit": ("train", "training"),
    "cr:ValidationSplit": ("val", "valid", "validation", "dev"),
    "cr:TestSplit": ("test", "testing"),
}
_OPENED = ("image axes", "shape", "data type", "pixel size", "pixel unit", "channels")
"""What only the files themselves say of an image."""


class RecordSets:
    """Makes the record sets.

    Parameters
    ----------
    plain
        The description.
    listing
        The file list.
    resources
        The distribution.
    ids
        What gives out identifiers.
    """

    def __init__(self, plain: Plain, listing: Listing, resources: Resources, ids: Ids) -> None:
        self.plain = plain
        self.listing = listing
        self.resources = resources
        self.ids = ids
        self.items: list[Node] = []
        self._fields: dict[tuple[str, str], str] = {}

    def make(self, opened: dict[str, dict[str, Any]]) -> list[Node]:
        """Return all record sets.

        Parameters
        ----------
        opened
            Image id to what its files say: axes, shape, data type, pixel size.
        """
        self._splits()
        self._sets()
        self._classes()
        self._images(opened)
        self._masks()
        self._files()
        for path in self.listing.paths:
            self._table(path)
        for number, _ in enumerate(self.resources.sets):
            self._pixels(number)
        return self.items

    def inline(
        self,
        name: str,
        about: str,
        columns: dict[str, Node],
        rows: list[dict[str, Any]],
        key: str = "",
        kind: str = "",
    ) -> None:
        """Add a record set whose records stand in the document itself.

        Parameters
        ----------
        name
            What it is; also our own mark on it.
        about
            Its description.
        columns
            Name of a column to further properties of its field.
        rows
            Column to value; what is missing is null.
        key
            The column that tells records apart.
        kind
            Data type of the records.
        """
        if not rows:
            return
        own = self.ids.new(name)
        for column in columns:
            self._fields[name, column] = self.ids.new(f"{own}/{column}")
        at = {column: self._fields[name, column] for column in columns}
        self.items.append(
            filled(
                {
                    "@type": "cr:RecordSet",
                    "@id": own,
                    "name": name,
                    "description": about,
                    "dataType": kind,
                    TABLE: name,
                    "key": {"@id": at[key]} if key else None,
                    "field": [
                        {
                            "@type": "cr:Field",
                            "@id": at[column],
                            "name": column,
                            "dataType": "sc:Text",
                            **more,
                        }
                        for column, more in columns.items()
                    ],
                    "data": [{at[column]: row.get(column) for column in columns} for row in rows],
                }
            )
        )

    def to(self, name: str, column: str) -> Node:
        """Return a reference to a column of a record set; nothing if there is no such column."""
        found = self._fields.get((name, column))
        return {"references": {"field": {"@id": found}}} if found else {}

    def _splits(self) -> None:
        rows = [
            {
                "name": one,
                "url": next((kind for kind, words in _SPLITS.items() if one.lower() in words), None),
            }
            for one in self.listing.splits
        ]
        columns: dict[str, Node] = {"name": {}, "url": {"dataType": "sc:URL"}}
        self.inline("splits", "Parts of the dataset", columns, rows, "name", "cr:Split")

    def _sets(self) -> None:
        rows = [
            {
                "name": said(one, "name"),
                "annotation type": ", ".join(texts(one.get("annotation_type"))) or None,
                "mask kind": said(one, "mask_kind") or None,
                "object": said(one, "target", "object") or None,
                "license": said(one, "license") or None,
            }
            for one in records(self.plain, "annotations")
            if said(one, "name")
        ]
        columns: dict[str, Node] = {name: {} for name in (rows[0] if rows else ())}
        self.inline("annotation-sets", "Kinds of annotation, each made in one way", columns, rows, "name")

    def _classes(self) -> None:
        rows = [
            {
                "set": said(one, "name") or None,
                "id": held.get("id") if isinstance(held.get("id"), int) else None,
                "name": said(held, "name") or None,
                "term": said(held, "ontology_id") or None,
            }
            for one in records(self.plain, "annotations")
            for held in records(one, "classes")
        ]
        columns: dict[str, Node] = {
            "set": self.to("annotation-sets", "name"),
            "id": {
                "dataType": "sc:Integer",
                "description": "The value that stands for it in masks and tables",
            },
            "name": {},
            "term": {"description": "A term for it in an ontology"},
        }
        self.inline("classes", "Classes of objects", columns, rows, "", "sc:Enumeration")

    def _images(self, opened: dict[str, dict[str, Any]]) -> None:
        firsts: dict[str, dict[str, Any]] = {}
        for row in self.listing.rows:
            if row.get("role") == "image" and row.get("image"):
                firsts.setdefault(str(row["image"]), row)
        # The loader of Croissant cannot join what itself refers further: `files` carries the references.
        copied = [name for name in ("split", *self.listing.groups) if name in self.listing.columns]
        facts = [name for name in _OPENED if any(held.get(name) is not None for held in opened.values())]
        columns: dict[str, Node] = {"id": {}, "file": {}} | {name: described(name) for name in copied}
        columns |= {name: _opened_field(name) for name in facts}
        rows = [
            {"id": name, "file": row.get("Files")}
            | {column: row.get(column) for column in copied}
            | {fact: opened.get(name, {}).get(fact) for fact in facts}
            for name, row in firsts.items()
        ]
        self.inline("images", "The images", columns, rows, "id")

    def _masks(self) -> None:
        rows = [
            {
                "image": row.get("source image"),
                "set": row.get("annotation set"),
                "file": row.get("Files"),
                "member": row.get("member"),
            }
            for row in self.listing.rows
            if is_mask(row)
        ]
        columns = {
            "image": self.to("images", "id"),
            "set": self.to("annotation-sets", "name"),
            "file": {},
            "member": described("member"),
        }
        self.inline("masks", "Label images: which file is the mask of which image", columns, rows)

    def _files(self) -> None:
        references = {
            "image": self.to("images", "id"),
            "source image": self.to("images", "id"),
            "annotation set": self.to("annotation-sets", "name"),
            "split": self.to("splits", "name"),
        }
        columns = {
            name: described(name)
            | references.get(name, {})
            | ({"dataType": "sc:Integer"} if name == "size" else {})
            for name in self.listing.columns
        }
        self.inline(
            "files", "The file list: what each file is, and to what it belongs", columns, self.listing.rows
        )

    def _table(self, path: str) -> None:
        row = self.listing.firsts[path]
        place = self.listing.here(path)
        if path not in self.resources.objects or not is_table(row) or place is None:
            return
        columns = columns_of(place)
        if not columns:
            return
        stem = PurePosixPath(path).stem
        own = self.ids.new(f"table-{stem}")
        source = {"@id": self.resources.objects[path]}
        made = []
        for column, kind in columns.items():
            # The loader joins by the first reference of a record set alone, so there is but one.
            linked = self.to("images", "id") if column == "image" and stem in TABLES else {}
            made.append(
                {
                    "@type": "cr:Field",
                    "@id": self.ids.new(f"{own}/{column}"),
                    "name": column,
                    **field_kind(stem, column, kind),
                    "source": {"fileObject": source, "extract": {"column": column}},
                    **linked,
                }
            )
        self.items.append(
            {
                "@type": "cr:RecordSet",
                "@id": own,
                "name": stem,
                "description": f"The table {path}",
                "field": made,
            }
        )

    def _pixels(self, number: int) -> None:
        made, role, rows = self.resources.sets[number]
        path = str(rows[0]["Files"])
        whole = role == "image" or all(row.get("annotation type") == MASK_TYPE for row in rows)
        if role not in ("image", "annotation") or not whole or formats_of(path)[0] not in PIXELS:
            return
        own = self.ids.new(f"pixels-{made}")
        source = {"fileSet": {"@id": made}}
        named: Node = {
            "@type": "cr:Field",
            "@id": self.ids.new(f"{own}/path"),
            "name": "path",
            "dataType": "sc:Text",
            "source": {**source, "extract": {"fileProperty": "fullpath"}},
        }
        fields = [named, self._image_of(own, source, rows)]
        fields.append(
            {
                "@type": "cr:Field",
                "@id": self.ids.new(f"{own}/content"),
                "name": "content",
                "dataType": "sc:ImageObject",
                "source": {**source, "extract": {"fileProperty": "content"}},
            }
        )
        self.items.append(
            {
                "@type": "cr:RecordSet",
                "@id": own,
                "name": f"pixels of {made}",
                "description": "The files as pictures; the loader of Croissant makes 8-bit RGB of them",
                "field": [one for one in fields if one],
            }
        )

    def _image_of(self, own: str, source: Node, rows: list[dict[str, Any]]) -> Node:
        """Return the field of the image id, where the name of each file is that id."""
        column = "image" if rows[0].get("role") == "image" else "source image"
        if any(PurePosixPath(str(row["Files"])).stem != row.get(column) for row in rows):
            return {}
        # The loader applies it again to its own result.
        pattern = f"^(.*?)(?:\\.{re.escape(suffix(str(rows[0]['Files'])))})?$"
        return {
            "@type": "cr:Field",
            "@id": self.ids.new(f"{own}/image"),
            "name": "image",
            "dataType": "sc:Text",
            "source": {
                **source,
                "extract": {"fileProperty": "filename"},
                "transform": {"regex": pattern},
            },
            **self.to("images", "id"),
        }


def _opened_field(name: str) -> Node:
    listed = {"isArray": True, "arrayShape": "-1"}
    known: dict[str, Node] = {
        "image axes": {"description": "Names of the axes, in the order of the shape"},
        "shape": {"dataType": "sc:Integer", "description": "Length along each axis", **listed},
        "data type": {"description": "Type of a pixel value"},
        "pixel size": {
            "dataType": "sc:Float",
            "description": "Along each axis; 1 where it is not known",
            **listed,
        },
        "pixel unit": {"description": "Unit of each axis", **listed},
        "channels": {"description": "Names of the channels", **listed},
    }
    return known[name]


def without_opened(record_set: Node) -> Node:
    """Return a record set without the columns that only opened files give."""
    fields, records_ = nodes(record_set.get("field")), nodes(record_set.get("data"))
    dropped = [
        one["@id"] for one in fields if isinstance(one, dict) and "@id" in one and one.get("name") in _OPENED
    ]
    if not dropped or record_set.get(TABLE) != "images":
        return record_set
    return {
        **record_set,
        "field": [one for one in fields if not (isinstance(one, dict) and one.get("@id") in dropped)],
        "data": [
            {key: value for key, value in row.items() if key not in dropped} if isinstance(row, dict) else row
            for row in records_
        ],
    }
