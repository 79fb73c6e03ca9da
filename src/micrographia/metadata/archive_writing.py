"""The three YAML documents of the BioImage Archive's MIFA schema, written: strict, and honest about what they lack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.errors import MetadataError
from micrographia.findings import Finding
from micrographia.metadata.archive import PATTERN
from micrographia.metadata.coercions import COERCIONS
from micrographia.metadata.dates import parse_moment
from micrographia.metadata.files import write_whole
from micrographia.metadata.licences import normalise_licence
from micrographia.metadata.mifa import Mifa
from micrographia.metadata.taking import Plain, Taker
from micrographia.metadata.trees import Tokens, dotted
from micrographia.metadata.values import quoted
from micrographia.metadata.vocabulary import AnnotationType
from micrographia.metadata.yaml_writing import document

EMAIL = re.compile(r"^\S+@[\S+\.]+\S+")
"""The pattern by which the schema knows an e-mail address."""


def write_archive(mifa: Mifa, folder: Path | str, accession: str = "dataset") -> list[Finding]:
    """Write a description as the archive's documents.

    Parameters
    ----------
    mifa
        The description.
    folder
        Where ``Study_*.yaml``, ``Annotations_*.yaml`` (one for each annotation set) and ``Version_*.yaml`` go; it is
        made if it does not exist.
    accession
        What stands behind the underscore in the file names.

    Returns
    -------
    list of Finding
        One for every field that the schema cannot carry, and one for every required field that is missing. Without a
        finding of severity error, each document is valid against its definition in the schema.

    Raises
    ------
    MetadataError
        If the folder holds other documents of this accession, or cannot be written.
    """
    folder = Path(folder)
    if not fits_file_names(accession):
        raise MetadataError(folder, f"{accession!r} is no accession", "Use letters, digits and hyphens")
    documents, findings = archive_documents(mifa, accession)
    stale = sorted(path.name for path in folder.glob("*.y*ml") if _is_stale(path.name, accession, documents))
    if stale:
        raise MetadataError(
            folder, f"it holds other documents of {accession}: {', '.join(stale)}", "Choose another folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MetadataError(
            folder, f"it cannot be made: {error.strerror}", "Choose another folder"
        ) from error
    for name, content in documents.items():
        write_whole(folder / name, document(content).encode("utf-8"))
    return findings


def fits_file_names(accession: str) -> bool:
    """Tell whether the documents can be named after an accession; a DOI, for one, has a slash."""
    return re.fullmatch(r"[A-Za-z0-9!\-.*'()]+", accession) is not None


def _is_stale(name: str, accession: str, documents: Mapping[str, Plain]) -> bool:
    match = PATTERN.fullmatch(name)
    rest = match.group(2) or "" if match else ""
    return bool(match) and name not in documents and (rest == accession or rest.startswith(f"{accession}_"))


def archive_documents(mifa: Mifa, accession: str = "dataset") -> tuple[dict[str, Plain], list[Finding]]:
    """Return the archive's documents by file name, and what they cannot carry; see :func:`write_archive`."""
    writer = _Writer(mifa.plain())
    documents: dict[str, Plain] = {f"Study_{accession}.yaml": writer.study()}
    names = writer.set_names()
    for number, name in enumerate(names):
        file = f"Annotations_{accession}{'_' + name if name else ''}.yaml"
        documents[file] = writer.annotations(number)
    versions = writer.records(("versions",))
    for number, (at, version) in enumerate(versions):
        newest = number == len(versions) - 1
        documents[f"Version_{accession}{'' if newest else f'_{number + 1}'}.yaml"] = writer.version(
            at, version
        )
    return documents, writer.findings()


class _Writer(Taker):
    """Takes fields out of a plain description; what nobody took is named in a finding."""

    def __init__(self, plain: Plain) -> None:
        super().__init__(plain)
        self.told: list[Finding] = []

    def tell(self, code: str, at: Tokens, message: str, fix: str = "") -> None:
        self.told.append(Finding(code, COERCIONS[code].severity, message, field=dotted(at), fix=fix))

    def findings(self) -> list[Finding]:
        """Return what was told, and a finding for every kind of field that nobody took."""
        for pattern, fields in self.left().items():
            more = f" ({len(fields):,} times)" if len(fields) > 1 else ""
            message = f"the archive's schema has no place for {pattern}{more}"
            evidence = {"fields": fields} if len(fields) > 1 else {}
            severity = COERCIONS["C041"].severity
            self.told.append(Finding("C041", severity, message, field=fields[0], evidence=evidence))
        return self.told

    def required(self, made: Plain, at: Tokens, *names: str) -> None:
        for name in names:
            if name not in made:
                self.tell(
                    "C043",
                    (*at, name),
                    f"the archive's schema requires {name}",
                    f"Fill in {dotted((*at, name))}",
                )

    def blank(self, made: Plain, at: Tokens, *names: str) -> None:
        """Write an empty text where a record inside a list lacks what the schema requires."""
        for name in names:
            if name not in made:
                made[name] = ""
                message = f"the archive's schema requires {name}; it was written as an empty text"
                self.tell("C044", (*at, name), message, f"Fill in {dotted((*at, name))}")

    def study(self) -> Plain:
        at: Tokens = ("study",)
        made = self.copy(at, "title", "description")
        made["keywords"] = self.texts((*at, "keywords"))
        self.licence(made, (*at, "license"))
        made |= self.copy(at, "funding_statement", "acknowledgements")
        self.required(made, at, "title", "description", "license", "funding_statement")
        if models := self.texts((*at, "ai_models_trained")):
            made["ai_models_trained"] = models
        self.publications(made)
        if authors := self.authors((*at, "authors")):
            made["authors"] = authors
        grants = []
        for where, _ in self.records((*at, "grants")):
            grant = self.copy(where, "grant_id", "funder")
            self.blank(grant, where, "grant_id", "funder")
            grants.append(grant)
        if grants:
            made["grants"] = grants
        self.links(made)
        return made

    def licence(self, made: Plain, path: Tokens) -> None:
        text = self.at(path)
        if not isinstance(text, str):
            return
        self.taken.add(path)
        licence = normalise_licence(text)
        if licence is not None and licence.spdx == "CC0-1.0":
            made["license"] = "CC0"
        elif licence is not None and licence.label in ("CC-BY-4.0", "CC BY"):
            made["license"] = "CC_BY"  # by which the schema means version 4.0
        else:
            named = licence.label if licence else quoted(text)
            message = f"the archive's schema takes CC0 and CC BY 4.0; {named} was not written as either"
            self.tell(
                "C042",
                path,
                message,
                "Deposit it where this licence is accepted, or ask all authors for another",
            )

    def publications(self, made: Plain) -> None:
        keyed: Plain = {}
        for at, _ in self.records(("study", "publications")):
            doi = self.at((*at, "publication_doi"))
            complete = all(
                isinstance(self.at((*at, name)), str) for name in ("publication_title", "publication_authors")
            )
            if not isinstance(doi, str) or not complete or doi in keyed:
                why = "its DOI occurs twice" if doi in keyed else "it lacks a DOI, a title or authors"
                self.tell(
                    "C041",
                    at,
                    f"{dotted(at)} was left out: {why}",
                    "The schema keys publications by their DOI",
                )
                self.taken.add(at)
                continue
            fields = (
                "publication_title",
                "publication_authors",
                "publication_doi",
                "publication_year",
                "pubmed_id",
            )
            keyed[doi] = self.copy(at, *fields)
        if keyed:
            made["publications"] = keyed

    def authors(self, path: Tokens) -> list[Plain]:
        authors = []
        for at, _ in self.records(path):
            author = self.copy(at, "author_first_name", "author_last_name")
            self.blank(author, at, "author_first_name", "author_last_name")
            email = self.at((*at, "email"))
            if isinstance(email, str) and EMAIL.match(email):
                author |= self.copy(at, "email")
            author |= self.copy(at, "orcid_id")
            if roles := self.texts((*at, "role")):
                author["role"] = roles
            places = []
            for where, _ in self.records((*at, "organisation")):
                place = self.copy(where, "organisation_name", "address", "ror_id")
                self.blank(place, where, "organisation_name")
                places.append(place)
            if places:
                author["organisation"] = places
            authors.append(author)
        return authors

    def links(self, made: Plain) -> None:
        links = [self.copy(at, "link_url", "link_description") for at, _ in self.records(("study", "links"))]
        addressed = [link for link in links if "link_url" in link]
        made["link_url"] = [link["link_url"] for link in addressed]
        if any("link_description" in link for link in addressed):
            made["link_description"] = [link.get("link_description", "") for link in addressed]
        for number, link in enumerate(links):
            if "link_url" not in link and link:
                at: Tokens = ("study", "links", number)
                self.tell("C041", at, f"{dotted(at)} was left out: it has no address", "Give its link_url")

    def set_names(self) -> list[str]:
        """Return the names of the annotation sets as far as a file name can carry them."""
        names: list[str] = []
        sets = self.at(("annotations",))
        for number, one in enumerate(sets if isinstance(sets, list) else []):
            name = one.get("name") if isinstance(one, dict) else None
            fits = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9!\-.*'()_]{1,100}", name)
            if isinstance(name, str) and fits and name.lower() not in [other.lower() for other in names]:
                self.taken.add(("annotations", number, "name"))
                names.append(name)
            else:
                names.append("" if number == 0 else f"set{number + 1}")
        return names

    def annotations(self, number: int) -> Plain:
        at: Tokens = ("annotations", number)
        fields = ("overview", "method", "criteria", "confidence_level")
        made = self.copy(at, *(f"annotation_{name}" for name in fields))
        self.required(made, at, "annotation_overview", "annotation_method")
        if coverage := self.coverage((*at, "annotation_coverage")):
            made["annotation_coverage"] = coverage
        if authors := self.authors((*at, "authors")):
            made["authors"] = authors
        files = [self.file(where) for where, _ in self.records((*at, "file_metadata"))]
        self.spread(at, files)
        for file, (where, _) in zip(files, self.records((*at, "file_metadata")), strict=True):
            self.required(file, where, "annotation_id", "annotation_type", "source_image_id")
        if files:
            made["file_metadata"] = files
        return made

    def coverage(self, at: Tokens) -> str:
        found = self.at(at)
        if not isinstance(found, dict):
            return ""
        annotated, total, unit = (found.get(name) for name in ("annotated", "total", "unit"))
        parts = []
        if (
            annotated is not None
            and total is not None
            and isinstance(unit, str)
            and re.fullmatch(r"[\w -]+", unit)
        ):
            parts = [f"{annotated} of {total} {unit}"]
        else:
            parts = [f"{name}: {found[name]}" for name in ("annotated", "total", "unit") if name in found]
        self.taken |= {(*at, name) for name in ("annotated", "total", "unit")}
        if parts:
            self.tell(
                "C044", at, "annotation_coverage is one text in the archive's schema; its numbers stand in it"
            )
        described = self.text((*at, "description"))
        return ". ".join([*parts, *([described] if described else [])])

    def file(self, at: Tokens) -> Plain:
        made = self.copy(at, "annotation_id")
        types = self.at((*at, "annotation_type"))
        if isinstance(types, list) and types and all(kind in set(AnnotationType) for kind in types):
            made["annotation_type"] = self.texts((*at, "annotation_type"))
        made |= self.copy(at, "source_image_id", "transformations", "spatial_information")
        moment = _date_time(self.at((*at, "annotation_creation_time")))
        if moment:
            made["annotation_creation_time"] = moment
            self.moved((*at, "annotation_creation_time"), moment)
        return made

    def moved(self, at: Tokens, moment: str) -> None:
        self.taken.add(at)
        if self.at(at) != moment:
            self.tell(
                "C044", at, f"{self.at(at)} was written as {moment}: the schema asks for a time of the day"
            )

    def spread(self, at: Tokens, files: list[Plain]) -> None:
        """Write what holds for a whole set at each of its files, where the schema has its place."""
        types = self.at((*at, "annotation_type"))
        known = [kind for kind in types if kind in set(AnnotationType)] if isinstance(types, list) else []
        if known and known == types and files:
            for file, (_, record) in zip(files, self.records((*at, "file_metadata")), strict=True):
                if "annotation_type" not in record:
                    file["annotation_type"] = list(known)
            if set(known) == {kind for file in files for kind in file.get("annotation_type", [])}:
                self.taken.add((*at, "annotation_type"))
        moment = _date_time(self.at((*at, "annotation_completion_time")))
        for name, value, source in (
            ("transformations", self.at((*at, "transformations")), "transformations"),
            ("spatial_information", self.at((*at, "spatial_information")), "spatial_information"),
            ("annotation_creation_time", moment, "annotation_completion_time"),
        ):
            bare = [file for file in files if name not in file]
            if isinstance(value, str) and value and files and len(bare) == len(files):
                for file in bare:
                    file[name] = value
                self.taken.add((*at, source))
                self.tell("C044", (*at, source), f"{source} was written as {name} of each file of the set")

    def version(self, at: Tokens, version: Plain) -> Plain:
        made = self.copy(at, "version")
        moment = _date_time(version.get("timestamp"))
        if moment:
            made["timestamp"] = moment
            self.moved((*at, "timestamp"), moment)
        made |= self.copy(at, "changes", "previous_version")
        self.required(made, at, "version", "timestamp")
        return made


def _date_time(text: Any) -> str:
    """Return a date or time as the date-time of RFC 3339; empty if it names no day.

    A day gets midnight, and an unknown offset is ``-00:00``, as that standard has it.
    """
    moment = parse_moment(text) if isinstance(text, str) else None
    if moment is None or not moment.ok or len(moment.value) < len("2023-01-17"):
        return ""
    value = moment.value if moment.is_time else f"{moment.value}T00:00:00"
    return value if moment.has_offset else f"{value}-00:00"
