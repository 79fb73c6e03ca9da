"""Words of DataCite's schema 4.5, and what they are to ours."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from micrographia.exchange.citation.writing import bare_doi
from micrographia.exchange.submission import Submission
from micrographia.metadata import credit_role
from micrographia.metadata.taking import Plain

SCHEMA_VERSION = "http://datacite.org/schema/kernel-4"
UNKNOWN = ":unav"
"""What DataCite has written where something required is not known."""
UNKNOWNS = frozenset({":unav", ":unkn", ":none", ":null", ":tba", ":unal", ":unap", ":unas"})

KEYS = (
    "doi", "url", "types", "creators", "titles", "publisher", "publicationYear", "subjects", "contributors", "dates",
    "language", "alternateIdentifiers", "relatedIdentifiers", "relatedItems", "sizes", "formats", "version",
    "rightsList", "descriptions", "geoLocations", "fundingReferences", "schemaVersion", "container",
)  # fmt: skip
"""Properties in the order in which they are written."""

CONTRIBUTOR_TYPES = {
    "data curation": "DataCurator",
    "formal analysis": "Researcher",
    "investigation": "DataCollector",
    "methodology": "Researcher",
    "project administration": "ProjectManager",
    "supervision": "Supervisor",
    "validation": "Researcher",
}
"""Roles of CRediT to DataCite's types of contributors; all others are ``Other``. DataCite has no table of its own."""

ROLES = {
    "DataCurator": "data curation",
    "DataCollector": "investigation",
    "ProjectManager": "project administration",
    "Supervisor": "supervision",
}
"""Types of contributors to the role that they are read as."""


def related_type(address: Any) -> str:
    """Return what kind of identifier an address is to DataCite: ``DOI``, ``URL``, or empty."""
    if not isinstance(address, str):
        return ""
    if bare_doi(address):
        return "DOI"
    return "URL" if re.fullmatch(r"(https?|ftp)://\S+", address) else ""


def contributor_type(role: str) -> str:
    """Return DataCite's type of contributor for a role: by CRediT, or for those who annotated.

    Examples
    --------
    >>> contributor_type("data curation")
    'DataCurator'
    """
    known = credit_role(role).value
    if known is None:
        return "DataCurator" if "annotat" in role.lower() else "Other"
    return CONTRIBUTOR_TYPES.get(known, "Other")


def relation(address: Any, kind_of_relation: str) -> Plain:
    """Return an address as a related identifier."""
    kind = related_type(address)
    return {
        "relatedIdentifier": bare_doi(address) if kind == "DOI" else address,
        "relatedIdentifierType": kind,
        "relationType": kind_of_relation,
    }


def file_facts(submission: Submission) -> dict[str, list[Any]]:
    """Return ``sizes`` and ``formats`` of a file list: number of files, bytes, endings of names."""
    if not len(submission.files):
        return {}
    sizes = dict(zip(submission.files["Files"].astype(str), submission.files["size"], strict=True))
    known = [int(size) for size in sizes.values() if size >= 0]
    listed = [f"{len(sizes)} file{'s' if len(sizes) != 1 else ''}"]
    if known:
        listed.append(f"{sum(known)} bytes")
    endings = Counter(_ending(path) for path in sizes)
    return {"sizes": listed, "formats": [ending for ending in sorted(endings) if ending]}


def _ending(path: str) -> str:
    whole = next(
        (part for part in PurePosixPath(path).parts if part.lower().endswith((".zarr", ".ozx"))), path
    )
    name = (
        whole.lower()
        .replace(".ome.tif", ".ome-tif")
        .replace(".ome.zarr", ".ome-zarr")
        .replace(".nii.gz", ".nii-gz")
    )
    return PurePosixPath(name).suffix.removeprefix(".").replace("ome-tif", "ome.tif").replace(
        "ome-zarr", "ome.zarr"
    ).replace("nii-gz", "nii.gz")  # fmt: skip
