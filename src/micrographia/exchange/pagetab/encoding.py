"""Fields of the model become sections of a record, and what was kept of the source goes back to its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from micrographia.dataset.origin import Kept
from micrographia.exchange.codes import told
from micrographia.exchange.pagetab.decoding import licence_address
from micrographia.exchange.pagetab.places import (
    AUTHOR,
    FILE_LIST,
    MIFA_NAMES,
    ORGANISATION,
    RECORD,
    STUDY,
    Place,
)
from micrographia.exchange.pagetab.tree import Json, attribute
from micrographia.findings import Finding
from micrographia.metadata import from_dict
from micrographia.metadata.fields import Kind, Spec, specs
from micrographia.metadata.values import convert
from micrographia.metadata.vocabulary import annotation_type

V4, MIFA = "BioImages.v4", "BioImages.MIFA.v1"
LICENCES = {"CC0-1.0": "CC0", "CC-BY-4.0": "CC BY 4.0"}
_BARE = {
    Kind.ORCID: "https://orcid.org/",
    Kind.DOI: "https://doi.org/",
    Kind.PUBMED: "PMID:",
}
_NUMBERED = ("Organism", "Imaging Method")
_RESERVED = ("submission", "link", "links", "file", "files")
_SKIPPED = {"study": ("accession", "doi", "release_date", "links"), "author": ("organisation",)}


class Encoder:
    """Writes a plain description as a PageTab record.

    Parameters
    ----------
    plain
        As :meth:`~micrographia.metadata.Record.plain` of the whole description returns it.
    kept
        What was kept of a PageTab record.
    lists
        Path of a study component or annotation set to the name of its file list.
    """

    def __init__(self, plain: Json, kept: Sequence[Kept], lists: Mapping[str, str]) -> None:
        self.plain, self.lists = plain, lists
        self.mifa = bool(plain.get("annotations"))
        self.kept: dict[str, list[Any]] = {}
        for one in kept:
            self.kept.setdefault(one.at, []).append(one.value)
        self.lost: list[str] = []
        self.findings: list[Finding] = []
        known: Any = next(iter(self.kept.pop("submission/accnos", [])), {})
        self.known = {str(at): str(accno) for at, accno in known.items()} if isinstance(known, dict) else {}
        self.used = _accnos(
            value for at, held in self.kept.items() if at.endswith("/sections") for value in held
        )
        self.reserved = set(self.known.values())
        self.organisations: dict[str, Json] = {}

    def document(self) -> Json:
        """Return the record."""
        study = self.plain.get("study", {})
        study = study if isinstance(study, dict) else {}
        root = self.root(study)
        section = self.study(study)
        accession = study.get("accession")
        made: Json = {"accno": accession} if isinstance(accession, str) else {}
        made |= {"type": "submission", "attributes": root, "section": section}
        for keys in self.take("submission/keys"):
            made |= {key: value for key, value in keys.items() if key not in made}
        return made

    def root(self, study: Json) -> list[Json]:
        """Return the attributes of the submission."""
        made = [attribute("Template", MIFA if self.mifa else V4)]
        for field, name in (("title", "Title"), ("release_date", "ReleaseDate"), ("doi", "DOI")):
            value = study.get(field)
            if isinstance(value, str):
                made.append(attribute(name, _bare(specs(STUDY.model)[field], value)))
            elif value is not None and field != "title":
                self.lost.append(f"study.{field}")
        made += self.take("submission/attachto") or [attribute("AttachTo", "BioImages")]
        return made + self.take("submission/attributes")

    def study(self, study: Json) -> Json:
        """Return the section of the study with all below it."""
        made = self.section(study, STUDY, "study", _SKIPPED["study"])
        made["type"] = self.kind("study", "Study")
        if links := self.links(study):
            made["links"] = links
        sections = made.pop("subsections", [])
        organisations: list[Json] = []
        below: list[Json] = []
        for field, spec in specs(RECORD.model).items():
            if field in ("micrographia_format", "study") or (field == "versions" and self.mifa):
                continue
            value = self.plain.get(field)
            for number, record in enumerate(value if isinstance(value, list) else [value]):
                if record is None:
                    continue
                at = f"{field}[{number}]" if spec.many else field
                if isinstance(record, dict):
                    below.append(self.member(record, RECORD.inner(field), at))
                else:
                    self.lost.append(at)
        self.lost += [name for name in self.plain if name not in specs(RECORD.model)]
        organisations = list(self.organisations.values())
        kept = self.take("study/sections")
        authors = [one for one in sections if one["type"] == AUTHOR.type]
        rest = [one for one in sections if one["type"] != AUTHOR.type]
        made["subsections"] = [*authors, *organisations, *rest, *below, *kept]
        return made

    def member(self, record: Json, place: Place, at: str) -> Json:
        """Return a section below the study."""
        made = self.section(record, place, at)
        if at.startswith("annotations[") and isinstance(self.plain.get("versions"), list):
            versions = [
                self.section(one, RECORD.inner("versions"), f"versions[{number}]", numbered=False)
                for number, one in enumerate(self.plain["versions"])
                if isinstance(one, dict)
            ]
            made["subsections"] = [*made.get("subsections", []), *versions]
            if not versions:
                del made["subsections"]
        return made

    def section(
        self, record: Json, place: Place, at: str, skip: Sequence[str] = (), *, numbered: bool = True
    ) -> Json:
        """Return a record of the model as a section."""
        name = MIFA_NAMES.get(place.type, place.type) if self.mifa else place.type
        made: Json = {"accno": self.accno(at, name)} if numbered and self.is_numbered(at, place) else {}
        made["type"] = self.kind(at, name) if place is not STUDY else name
        attributes: list[Json] = self.person(record, at) if place is AUTHOR else []
        sections: list[Json] = []
        if place is AUTHOR:
            skip = ("author_first_name", "author_last_name", "organisation")
        for field, spec in specs(place.model).items():
            if field in skip or record.get(field) is None:
                continue
            value = record[field]
            if field == "annotation_coverage" and (text := _coverage(value)):
                attributes.append(attribute(place.name(field), text))
            elif spec.record is not None:
                sections += self.inner(value, spec, place, f"{at}.{field}")
            else:
                attributes += self.values(value, spec, place, at)
        self.lost += [f"{at}.{key}" for key in record if key not in specs(place.model)]
        if at in self.lists:
            attributes.append(attribute(FILE_LIST, self.lists[at]))
        attributes += [
            one
            for one in self.take(f"{at}/attributes")
            if at not in self.lists or one.get("name") != FILE_LIST
        ]
        made["attributes"] = self.qualified(attributes, at)
        for key, held in (("links", self.take(f"{at}/links")),):
            if held and at != "study":
                made[key] = held
        sections += self.take(f"{at}/sections") if at != "study" else []
        if sections:
            made["subsections"] = sections
        for keys in self.take(f"{at}/keys"):
            made |= {key: value for key, value in keys.items() if key not in made}
        return made

    def inner(self, value: Any, spec: Spec, place: Place, at: str) -> list[Json]:
        """Return the records in a field as sections."""
        made = []
        for number, item in enumerate(value if spec.many and isinstance(value, list) else [value]):
            where = f"{at}[{number}]" if spec.many else at
            if isinstance(item, dict):
                made.append(self.section(item, place.inner(spec.name), where))
            else:
                self.lost.append(where)
        return made

    def values(self, value: Any, spec: Spec, place: Place, at: str) -> list[Json]:
        """Return the value of a field as attributes."""
        name = place.name(spec.name)
        name = MIFA_NAMES.get(name, name) if self.mifa else name
        items = value if isinstance(value, list) and spec.many else [value]
        if not all(isinstance(item, str | int | float) for item in items):
            self.lost.append(f"{at}.{spec.name}")
            return []
        if spec.name == "license":
            more = licence_address(str(value)) or {}
            more = next(iter(self.take(f"{at}/licence")), more)
            return [attribute(name, LICENCES.get(str(value), str(value)), **more)]
        joined = (
            spec.name == "role" and len(items) > 1 and not any(re.search("[,;]", str(one)) for one in items)
        )
        known = spec.kind is Kind.ANNOTATION_TYPE and all(annotation_type(str(one)).value for one in items)
        if joined or (known and len(items) > 1):
            items = [", ".join(str(item) for item in items)]
        return [attribute(name, _bare(spec, _text(item))) for item in items]

    def person(self, record: Json, at: str) -> list[Json]:
        """Return the name of an author, and the organisations, as attributes."""
        parts = {
            name: record[name]
            for name in ("author_first_name", "author_last_name")
            if isinstance(record.get(name), str)
        }
        self.lost += [
            f"{at}.{name}"
            for name in ("author_first_name", "author_last_name")
            if name in record and name not in parts
        ]
        whole = " ".join(parts.values())
        made = [attribute("Name", whole)] if parts else []
        if parts and dict(divided(whole)) != parts:
            made += [attribute(AUTHOR.name(name), text) for name, text in parts.items()]
        held = record.get("organisation", [])
        for number, item in enumerate(held if isinstance(held, list) else [held]):
            where = f"{at}.organisation[{number}]"
            if not isinstance(item, dict):
                self.lost.append(where)
                continue
            key = json.dumps(item, sort_keys=True)
            if key not in self.organisations:
                section = self.section(item, ORGANISATION, where, numbered=False)
                accno = self.accno(where, "o", "o{}")
                self.organisations[key] = {"accno": accno, **section}
            made.append(attribute("affiliation", self.organisations[key]["accno"], reference=True))
        return made

    def links(self, study: Json) -> list[Json]:
        """Return the links of the study."""
        made: list[Json] = []
        held = study.get("links", [])
        for number, link in enumerate(held if isinstance(held, list) else [held]):
            at = f"study.links[{number}]"
            known = {"link_url": None, "link_description": "Description", "link_type": "Type"}
            if not isinstance(link, dict) or not isinstance(link.get("link_url"), str):
                self.lost.append("study.links")  # with one left out, those behind it have other numbers
                continue
            self.lost += [f"{at}.{key}" for key in link if key not in known]
            attributes = [
                attribute(name, _text(link[key]))
                for key, name in known.items()
                if name and isinstance(link.get(key), str)
            ]
            attributes += [one for kept in self.take(f"{at}/attributes") for one in kept]
            row: Json = {"url": link["link_url"]} | ({"attributes": attributes} if attributes else {})
            for keys in self.take(f"{at}/keys"):
                row |= {key: value for key, value in keys.items() if key not in row}
            made.append(row)
        return made + self.take("study/links")

    def qualified(self, attributes: list[Json], at: str) -> list[Json]:
        """Put back what was said of the value of an attribute that still has this value."""
        for kept in self.take(f"{at}/qualifiers"):
            more = {key: value for key, value in kept.items() if key not in ("name", "value")}
            for one in attributes:
                if one["value"] == kept.get("value") and not set(more) & set(one):
                    one |= more
                    break
            else:
                self.kept.setdefault(f"{at}/qualifiers", []).append(kept)
        return attributes

    def kind(self, at: str, usual: str) -> str:
        """Return the type of a section: the one that it had, if the archive can have one of this name."""
        known = self.kept.get(f"{at}/type", [])
        if known and re.fullmatch(r"\w[\w .-]*", str(known[0])) and str(known[0]).lower() not in _RESERVED:
            return str(self.take(f"{at}/type")[0])
        return usual

    def take(self, at: str) -> list[Any]:
        """Take back what was kept at a place."""
        return self.kept.pop(at, [])

    def is_numbered(self, at: str, place: Place) -> bool:
        """Whether a section has an accession number: those below the study do, and what others refer to."""
        return at in self.known or "." not in at or place.type in _NUMBERED

    def accno(self, at: str, kind: str, form: str = "") -> str:
        """Return the accession number of a section: the one that it had, or a new one."""
        wanted = self.known.get(at, "")
        number = 0
        while not wanted or wanted in self.used or (wanted in self.reserved and self.known.get(at) != wanted):
            number += 1
            wanted = (form or f"{kind}-{{}}").format(number)
        self.used.add(wanted)
        return wanted

    def told(self) -> list[Finding]:
        """Return what was lost: fields without a place, kept pieces without their record."""
        patterns: dict[str, list[str]] = {}
        for at in self.lost:
            patterns.setdefault(re.sub(r"\[[0-9]+\]", "[]", at), []).append(at)
        made = [
            told("E001", f"PageTab has no place for {pattern}", fields=fields)
            for pattern, fields in patterns.items()
        ]
        for at, held in self.kept.items():
            if at.endswith("/list") or not held:
                continue
            what = f"what was kept of {at} of the source was not written ({len(held):,} times)"
            if at == "submission/template":
                name = MIFA if self.mifa else V4
                what = f"the record was of the template {held[0].get('value')}; it was written as {name}"
            made.append(told("E005", what))
        return [*self.findings, *made]


def _bare(spec: Spec, text: str) -> str:
    """Return an identifier without its address, as the archive has it, if it is read as the same."""
    prefix = _BARE.get(spec.kind) if spec.kind else None
    bare = text.removeprefix(prefix) if prefix else text
    return bare if bare == text or (spec.kind and convert(spec.kind, bare).value == text) else text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


@lru_cache(maxsize=4096)
def divided(name: str) -> tuple[tuple[str, str], ...]:
    """Return the fields as which a whole name is read."""
    authors = from_dict({"study": {"authors": [{"name": name}]}}).mifa.study.authors
    return tuple(authors[0].plain().items()) if authors else ()


def _coverage(value: Any) -> str:
    """Return a coverage as one text, if it comes back as it is; else an empty text."""
    if not isinstance(value, dict):
        return ""
    parts = [] if "annotated" not in value else ["{annotated} of {total} {unit}".format_map(_Gaps(value))]
    parts += [str(value["description"])] if "description" in value else []
    text = ". ".join(parts)
    read = from_dict({"annotations": [{"annotation_coverage": text}]}).mifa.plain().get("annotations", [{}])
    return text if read and read[0].get("annotation_coverage") == value else ""


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _accnos(values: Any) -> set[str]:
    found: set[str] = set()
    waiting = list(values)
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found |= {str(one[key]) for key in ("accno", "accNo") if one.get(key)}
            inner = one.get("subsections")
            waiting += inner if isinstance(inner, list) else []
        elif isinstance(one, list):
            waiting += one
    return found
