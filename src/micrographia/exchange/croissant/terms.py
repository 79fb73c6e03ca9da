"""The vocabulary of Croissant 1.1, its responsible-AI extension, and our own terms; nothing of it is ever fetched.

Sources: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html and .../croissant-rai-spec.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

Node = dict[str, Any]

CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
"""What a document that we write conforms to."""
OWN = "urn:micrographia:"
"""Namespace of what Croissant has no term for."""
DESCRIPTION, FILES_AT, TABLE = "micrographia:description", "micrographia:filesAt", "micrographia:table"
"""Our terms: fields of mifa.yaml that no other term says exactly; where the files lie; which record set is which."""

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "excludes": "cr:excludes",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "micrographia": OWN,
    DESCRIPTION: {"@id": DESCRIPTION, "@type": "@json"},
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that Croissant recommends, with our prefix and ``excludes``."""

_NAMESPACES = {
    "https://schema.org/": "",
    "http://schema.org/": "",
    "http://mlcommons.org/croissant/RAI/": "rai:",
    "https://mlcommons.org/croissant/RAI/": "rai:",
    "http://mlcommons.org/croissant/": "",
    "https://mlcommons.org/croissant/": "",
    "http://mlcommons.org/schema/": "",
    "http://purl.org/dc/terms/": "",
    OWN: "micrographia:",
}
_PREFIXES = {
    "sc": "https://schema.org/",
    "schema": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "ml": "http://mlcommons.org/schema/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "micrographia": OWN,
}


class Names:
    """What the keys of a document mean, by its own context as far as that stands in the document itself.

    Parameters
    ----------
    context
        The ``@context``; only a mapping says anything, an address is not fetched.
    """

    def __init__(self, context: Any) -> None:
        parts = context if isinstance(context, list) else [context]
        self.terms: dict[str, str] = {}
        for part in parts:
            for key, value in part.items() if isinstance(part, dict) else ():
                found = value.get("@id") if isinstance(value, dict) else value
                if isinstance(found, str):
                    self.terms[str(key)] = found
        self._known: dict[str, str] = {}

    def meant(self, key: str) -> str:
        """Return a key as :data:`CONTEXT` writes it: ``sc:name`` and ``https://schema.org/name`` are ``name``."""
        if key not in self._known:
            self._known[key] = self._short(key)
        return self._known[key]

    def _short(self, key: str) -> str:
        if key.startswith("@"):
            return key
        written = self.terms.get(key, key)
        prefix, colon, local = written.partition(":")
        if colon and not local.startswith("//"):
            written = (self.terms.get(prefix) or _PREFIXES.get(prefix) or f"{prefix}:") + local
        for namespace, short in _NAMESPACES.items():
            if written.startswith(namespace):
                return short + written[len(namespace) :]
        return key

    def get(self, node: Mapping[str, Any], name: str) -> Any:
        """Return what a node says under a term, however it is written; None if nothing."""
        key = self.key(node, name)
        return None if key is None else node[key]

    def key(self, node: Mapping[str, Any], name: str) -> str | None:
        """Return the key of a node that stands for a term: the term itself, or the first that means it."""
        if node.get(name) is not None:
            return name
        alike = (key for key, value in node.items() if value is not None and self.meant(str(key)) == name)
        return next(alike, None)

    def kind(self, node: Mapping[str, Any]) -> str:
        """Return the type of a node, without prefix: ``FileObject``."""
        written = node.get("@type")
        first = written[0] if isinstance(written, list) and written else written
        return self.meant(first) if isinstance(first, str) else ""


def texts(value: Any) -> list[str]:
    """Return the texts in a value: a text, a number, a value with a language, or a list of these."""
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if isinstance(value, dict):
        if "@value" in value:
            return texts(value["@value"])
        tagged = {key: item for key, item in value.items() if isinstance(item, str)}
        if tagged and all(re.fullmatch(r"[a-z]{2,3}([-_]\w+)?", key) for key in value):
            return [tagged.get("en") or next(iter(tagged.values()))]
        return []
    if isinstance(value, bool) or value is None:
        return []
    return [str(value)] if isinstance(value, str | int | float) else []


def text(value: Any) -> str | None:
    """Return the first text in a value, or None."""
    return next(iter(texts(value)), None)


def single(value: Any) -> bool:
    """Whether a value is one text or number, so that :func:`text` returns all of it."""
    if isinstance(value, dict):
        return set(value) == {"@value"} and single(value["@value"])
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def nodes(value: Any) -> list[Any]:
    """Return a value as a list: nothing, one, or several."""
    return value if isinstance(value, list) else [] if value is None else [value]


class Ids:
    """Gives out identifiers of one document: without white space, each once.

    Parameters
    ----------
    taken
        Those that are given already.
    """

    def __init__(self, taken: set[str]) -> None:
        self._taken = {name.casefold() for name in taken}

    def new(self, wanted: str) -> str:
        """Return an identifier close to what is wanted."""
        parts = re.sub(r"[^A-Za-z0-9._/-]+", "_", wanted).split("/")
        base = "/".join(part.strip(".") or "_" for part in parts if part) or "item"
        found, number = base, 1
        while found.casefold() in self._taken:
            number += 1
            found = f"{base}-{number}"
        self._taken.add(found.casefold())
        return found


ZARR = ("application/vnd+zarr", "https://ngff.openmicroscopy.org/0.5/")
"""Formats of OME-Zarr, which has no registered media type."""
_FORMATS = {
    "csv": ("text/csv",),
    "geojson": ("application/geo+json",),
    "h5": ("application/x-hdf5",),
    "hdf5": ("application/x-hdf5",),
    "jpeg": ("image/jpeg",),
    "jpg": ("image/jpeg",),
    "json": ("application/json",),
    "nii": ("https://nifti.nimh.nih.gov/",),
    "nrrd": ("https://teem.sourceforge.net/nrrd/format.html",),
    "ozx": ("application/zip", "https://ngff.openmicroscopy.org/rfc/9/"),
    "parquet": ("application/x-parquet",),
    "png": ("image/png",),
    "tif": ("image/tiff",),
    "tiff": ("image/tiff",),
    "tsv": ("text/tab-separated-values",),
    "txt": ("text/plain",),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
    "xml": ("application/xml",),
    "yaml": ("application/yaml",),
    "yml": ("application/yaml",),
    "zip": ("application/zip",),
}
PIXELS = frozenset({"image/png", "image/jpeg", "image/tiff"})
"""Formats of which Croissant's own loader decodes pixels."""
COLUMNS_OF = {"parquet", "csv", "tsv"}
"""Suffixes of tables whose columns can be fields."""


def suffix(path: str) -> str:
    """Return the suffix of a path in lower case, without the dot; empty if it has none."""
    name, dot, ending = path.rpartition("/")[2].rpartition(".")
    return ending.lower() if dot and name else ""


def is_zarr(path: str) -> bool:
    """Whether a path leads to a Zarr group, or into one."""
    return any(part.lower().endswith(".zarr") for part in path.split("/"))


def formats_of(path: str) -> tuple[str, ...]:
    """Return the media types of a file, or the addresses of its format where it has none that is registered."""
    if is_zarr(path):
        return ZARR
    return _FORMATS.get(suffix(path), ("application/octet-stream",))


def one_or_many(values: list[Any]) -> Any:
    """Return the only one of several values, or all."""
    return values[0] if len(values) == 1 else values


def finite(value: Any) -> Any:
    """Return a value without numbers that JSON cannot write; null takes their place."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
