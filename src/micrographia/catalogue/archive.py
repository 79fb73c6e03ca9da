"""The public interfaces of BioStudies and the BioImage Archive: records, file lists, search, OME-Zarr images.

Nothing is sent but the question. The shapes of the answers are those of the services' published code; what has
another shape is an error that says so.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from micrographia.errors import ExchangeError
from micrographia.exchange import Submission
from micrographia.exchange.pagetab import FILES_ADDRESS, read_record
from micrographia.remote import MissingError, below, fetch_bytes, is_address

VARIABLE = "MICROGRAPHIA_ARCHIVE"
"""Environment variable with the path of a YAML file of addresses."""

LARGEST = 512 << 20
"""Bytes above which an answer is refused."""
PAGE_LIMIT = 100
"""Results that the search gives at a time, at most."""
_ACCESSION = re.compile(r"[A-Z]-[A-Z]+[0-9]+")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are; each may be replaced by an environment variable, or a YAML file with these names.

    Parameters
    ----------
    studies
        Records of BioStudies (``$MICROGRAPHIA_BIOSTUDIES_API``).
    files
        Files of its records (``$MICROGRAPHIA_BIOSTUDIES_FILES``).
    search
        Search of the BioImage Archive (``$MICROGRAPHIA_BIA_SEARCH``).
    images
        OME-Zarr images of the BioImage Archive (``$MICROGRAPHIA_BIA_IMAGES``).
    """

    studies: str = "https://www.ebi.ac.uk/biostudies/api/v1/"
    files: str = FILES_ADDRESS
    search: str = "https://alpha.bioimagearchive.org/search/v1/"
    images: str = "https://uk1s3.embassy.ebi.ac.uk/bia-integrator-data/"


_VARIABLES = {
    "studies": "MICROGRAPHIA_BIOSTUDIES_API",
    "files": "MICROGRAPHIA_BIOSTUDIES_FILES",
    "search": "MICROGRAPHIA_BIA_SEARCH",
    "images": "MICROGRAPHIA_BIA_IMAGES",
}


def addresses(path: str | Path | None = None) -> Addresses:
    """Return where the services are: by the environment, else by a YAML file, else as they are known.

    Parameters
    ----------
    path
        The YAML file; that of ``$MICROGRAPHIA_ARCHIVE`` by default.

    Raises
    ------
    ExchangeError
        If the file cannot be read, names something else, or an entry is no address.
    """
    file = str(path or os.environ.get(VARIABLE, ""))
    said: dict[str, str] = {}
    if file:
        try:
            document = yaml.safe_load(Path(file).read_text("utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ExchangeError(
                file, f"cannot be read ({' '.join(str(error).split())})", "Correct it"
            ) from error
        known = [one.name for one in fields(Addresses)]
        if not isinstance(document, dict) or not set(document) <= set(known):
            raise ExchangeError(file, "is no list of addresses", f"It may have {', '.join(known)}")
        said = {str(name): str(value) for name, value in document.items()}
    said |= {name: value for name, variable in _VARIABLES.items() if (value := os.environ.get(variable))}
    wrong = next((value for value in said.values() if not is_address(value)), None)
    if wrong is not None:
        raise ExchangeError(wrong, "is no address", "Begin it with https://")
    return Addresses(**{name: value.rstrip("/") + "/" for name, value in said.items()})


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """An image of the archive that can be opened by its address.

    Parameters
    ----------
    accession, uuid
        Of the record and of the image.
    address
        Of the OME-Zarr image, for :func:`micrographia.images.open_image`; empty if there is none.
    original
        Path of the file that was submitted, where the archive says which.
    shape
        Axis (``t c z y x``) to pixels, as far as known.
    voxel
        Axis (``z y x``) to metres a pixel, as far as known.
    size
        Bytes of the OME-Zarr image; -1 if unknown.
    """

    accession: str
    uuid: str
    address: str
    original: str = ""
    shape: Mapping[str, int] = field(default_factory=dict, hash=False)
    voxel: Mapping[str, float] = field(default_factory=dict, hash=False)
    size: int = -1


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of what a search found.

    Parameters
    ----------
    total
        Number of all that fits.
    page, page_size
        Which page this is, from 1, and how many results a page has.
    results
        What the archive knows of each.
    facets
        Name to value to count.
    """

    total: int
    page: int
    page_size: int
    results: tuple[Mapping[str, Any], ...]
    facets: Mapping[str, Mapping[str, int]]

    @property
    def accessions(self) -> tuple[str, ...]:
        """Accession numbers of the results."""
        return tuple(str(one["accession_id"]) for one in self.results if one.get("accession_id"))


class Archive:
    """BioStudies and the BioImage Archive.

    Parameters
    ----------
    where
        Addresses of the services; as :func:`addresses` has them by default.
    """

    def __init__(self, where: Addresses | None = None) -> None:
        self.where = where or addresses()

    # Records.

    def record(self, accession: str) -> dict[str, Any]:
        """Return a record as PageTab JSON.

        Raises
        ------
        ExchangeError
            If there is none, or the service does not answer.
        """
        return self._get(self._study(accession), accession)

    def info(self, accession: str) -> dict[str, Any]:
        """Return what the service says about a record besides it: where its files are, how many.

        Raises
        ------
        ExchangeError
            As :meth:`record`.
        """
        return self._get(self._study(accession) + "/info", accession)

    def file_lists(self, accession: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the file lists that a record names: name to what it holds; those that are missing are left out.

        Raises
        ------
        ExchangeError
            If the service does not answer.
        """
        found: dict[str, Any] = {}
        for name in dict.fromkeys(_list_names(record)):
            stem = re.sub(r"\.(tsv|xlsx|json)$", "", name, flags=re.IGNORECASE)
            for candidate in dict.fromkeys((f"{stem}.json", name, f"{stem}.tsv")):
                try:
                    text = fetch_bytes(self.file(accession, candidate), limit=LARGEST).decode("utf-8-sig")
                except MissingError:
                    continue
                except UnicodeDecodeError:
                    break
                found[candidate] = text
                break
        return found

    def submission(self, accession: str) -> Submission:
        """Return a record with its file lists as what can be imported.

        Raises
        ------
        ExchangeError
            As :meth:`record`, or if it is no record.
        """
        record = self.record(accession)
        made = read_record(record, self.file_lists(accession, record), self._study(accession))
        if made.origin.files:
            return made
        from dataclasses import replace

        made.origin = replace(made.origin, files=self.file(accession, ""))
        return made

    def file(self, accession: str, path: str) -> str:
        """Return the address of a file of a record, or with an empty path what these begin with."""
        base = f"{self.where.files}{_accession(accession)}/"
        return below(base, path) if path else base

    def files(self, accession: str, page_size: int = 1000) -> Iterator[Mapping[str, Any]]:
        """Yield all files of a record as the service lists them, page by page.

        Raises
        ------
        ExchangeError
            As :meth:`record`, or if the pages do not come to an end.
        """
        address = f"{self.where.studies}files/{_accession(accession)}"
        seen, total = 0, 1
        while seen < total:
            page = self._get(f"{address}?{urlencode({'start': seen, 'length': page_size})}", accession)
            rows, number = page.get("data"), page.get("recordsTotal")
            if not isinstance(rows, list) or not isinstance(number, int) or (not rows and seen < number):
                raise ExchangeError(address, "does not answer with a list of files", "Try again later")
            total = number
            yield from (row for row in rows if isinstance(row, dict))
            seen += len(rows)

    # Search.

    def search(
        self,
        text: str = "",
        *,
        facets: Mapping[str, str | Sequence[str]] | None = None,
        numbers: Mapping[str, float] | None = None,
        page: int = 1,
        page_size: int = 20,
        images: bool = False,
    ) -> Hits:
        """Search the BioImage Archive.

        Parameters
        ----------
        text
            What to look for in everything that is written.
        facets
            ``organism``, ``imaging_method``, ``year``, ``licence``, ``annotation_method`` and others, to the value that
            must hold, or to several of which one must.
        numbers
            ``size_x.gt`` and the like: limits of numbers of images.
        page, page_size
            Which page, from 1, and results a page, at most :data:`PAGE_LIMIT`.
        images
            Find images in place of studies.

        Raises
        ------
        ExchangeError
            If the service does not answer, or with something else than results.
        """
        size = max(1, min(page_size, PAGE_LIMIT))
        asked: list[tuple[str, str]] = [("query", text)]
        for name, value in (facets or {}).items():
            values = [value] if isinstance(value, str) else list(value)
            asked += [(f"facet.{name}" + (".or" if len(values) > 1 else ""), one) for one in values]
        asked += [(name, f"{number:g}") for name, number in (numbers or {}).items()]
        asked += [("pagination.page", str(page)), ("pagination.page_size", str(size))]
        advanced = bool(facets or numbers)
        kind = ("advanced" if advanced else "fts") + ("/image" if images else "")
        address = f"{self.where.search}search/{kind}?{urlencode(asked, quote_via=quote)}"
        return _hits(self._get(address), address, page, size)

    def search_all(self, text: str = "", *, most: int = 1000, **how: Any) -> Iterator[Mapping[str, Any]]:
        """Yield results page by page, as many as ``most``; see :meth:`search`."""
        page, given = 1, 0
        while given < most:
            found = self.search(text, page=page, page_size=PAGE_LIMIT, **how)
            for result in found.results[: most - given]:
                given += 1
                yield result
            if not found.results or page * found.page_size >= found.total:
                return
            page += 1

    # Images.

    def images(self, accession: str, most: int = 100_000) -> Iterator[RemoteImage]:
        """Yield the images of a record that the archive has looked into.

        Raises
        ------
        ExchangeError
            As :meth:`search`.
        """
        for result in self.search_all(f'"{_accession(accession)}"', images=True, most=most):
            if result.get("accession_id") == accession:
                yield _image(result)

    def ome_zarr(self, accession: str, uuid: str) -> str:
        """Return the address at which the archive has an image as OME-Zarr."""
        if not re.fullmatch(r"[0-9A-Za-z\-]+", uuid):
            raise ExchangeError(uuid, "is no id of an image", "See Archive.images")
        return f"{self.where.images}{_accession(accession)}/{uuid}/{uuid}.zarr/0"

    def _study(self, accession: str) -> str:
        return f"{self.where.studies}studies/{_accession(accession)}"

    @staticmethod
    def _get(address: str, accession: str = "") -> dict[str, Any]:
        try:
            document = json.loads(fetch_bytes(address, limit=LARGEST))
        except MissingError as error:
            if not accession:
                raise
            raise MissingError(
                error.path, f"has no record {accession}", "Correct the accession; it may not be public yet"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ExchangeError(address, "does not answer with JSON", "Try again later") from error
        if not isinstance(document, dict):
            raise ExchangeError(address, "answers with something else than was asked for", "Try again later")
        return document


def is_accession(text: str) -> bool:
    """Tell whether a text is the accession number of a record: ``S-BIAD1492``."""
    return _ACCESSION.fullmatch(text) is not None


def _accession(text: str) -> str:
    if not is_accession(text):
        raise ExchangeError(text, "is no accession number", "Write it as in S-BIAD1492")
    return text


def _list_names(record: Any, deep: int = 0) -> Iterator[str]:
    """Yield the names of all file lists that a record names."""
    if deep > 200:
        return
    if isinstance(record, list):
        for one in record:
            yield from _list_names(one, deep + 1)
    elif isinstance(record, dict):
        name, value = record.get("name"), record.get("value")
        if isinstance(name, str) and name.strip().lower() == "file list" and isinstance(value, str) and value:
            yield value
        for one in record.values():
            if isinstance(one, dict | list):
                yield from _list_names(one, deep + 1)


def _hits(document: Mapping[str, Any], address: str, page: int, size: int) -> Hits:
    held = document.get("hits")
    rows = held.get("hits") if isinstance(held, dict) else None
    if not isinstance(held, dict) or not isinstance(rows, list):
        raise ExchangeError(address, "answers with something else than results", "Try again later")
    sources = [
        row["_source"] for row in rows if isinstance(row, dict) and isinstance(row.get("_source"), dict)
    ]
    total = held.get("total")
    number = total.get("value") if isinstance(total, dict) else total
    facets = {}
    said = document.get("facets")
    for name, facet in said.items() if isinstance(said, dict) else ():
        buckets = facet.get("buckets") if isinstance(facet, dict) else None
        if isinstance(buckets, list):
            facets[str(name)] = {
                str(one.get("key_as_string", one.get("key"))): int(one["doc_count"])
                for one in buckets
                if isinstance(one, dict) and isinstance(one.get("doc_count"), int)
            }
    return Hits(number if isinstance(number, int) else len(sources), page, size, tuple(sources), facets)


def _image(result: Mapping[str, Any]) -> RemoteImage:
    zarr, original, size = "", "", -1
    held = result.get("representation")
    for one in held if isinstance(held, list) else []:
        places = one.get("file_uri") if isinstance(one, dict) else None
        places = [places] if isinstance(places, str) else places
        place = str(places[0]) if isinstance(places, list) and places else ""
        if str(one.get("image_format", "") if isinstance(one, dict) else "").endswith(".zarr"):
            zarr = zarr or (place if is_address(place) else "")
            number = one.get("total_size_in_bytes")
            size = number if isinstance(number, int) else size
        else:
            original = original or place
    shape = {axis: int(n) for axis in "tczyx" if isinstance(n := result.get(f"size_{axis}"), int)}
    voxel = {
        axis: float(n)
        for axis in "zyx"
        if isinstance(n := result.get(f"voxel_physical_size_{axis}"), int | float)
    }
    accession, uuid = str(result.get("accession_id", "")), str(result.get("uuid", ""))
    return RemoteImage(accession, uuid, zarr, original, shape, voxel, size)
