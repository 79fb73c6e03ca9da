"""A PageTab record, already parsed, becomes a description, a file list and what had no home in either."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from micrographia.dataset.manifest import unique_ids
from micrographia.dataset.origin import Origin
from micrographia.errors import ExchangeError
from micrographia.exchange.pagetab.decoding import Decoder, study_fields
from micrographia.exchange.pagetab.listing import Listing
from micrographia.exchange.pagetab.lists import Entry, entries_of
from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.pagetab.places import FILE_LIST, MEMBERS, RECORD, STUDY, VERSION
from micrographia.exchange.pagetab.tree import Json, Section, attribute, named, section_of, too_deep
from micrographia.exchange.submission import Submission, described
from micrographia.metadata.fields import specs
from micrographia.metadata.values import quoted
from micrographia.metadata.vocabulary import slug

NAME = "pagetab"
FILES_ADDRESS = "https://www.ebi.ac.uk/biostudies/files/"
"""Where the archive has the files of its records; ``$MICROGRAPHIA_BIOSTUDIES_FILES`` replaces it."""

Lists = Callable[[str], list[Entry] | None]
"""Gives the entries of a file list by the name that a record has for it; None if there is no such list."""


def files_address(accession: str) -> str:
    """Return the address below which the archive has the files of a record; empty if it is none of the archive's."""
    if not re.fullmatch(r"[A-Z]-[A-Z0-9]+", accession):
        return ""
    return f"{os.environ.get('MICROGRAPHIA_BIOSTUDIES_FILES') or FILES_ADDRESS}{accession}/"


def read_record(
    document: Any, file_lists: Mapping[str, Any] | None = None, source: str = "", *, online: bool = True
) -> Submission:
    """Return what a PageTab record says.

    Parameters
    ----------
    document
        The record as the archive's interface gives it, parsed from JSON.
    file_lists
        Name of a file list, as the record has it, to its entries, parsed from JSON; or its text, if it is TSV.
    source
        File name or address that it is from.
    online
        Whether the files are in the archive: then :attr:`Origin.files` is their address.

    Raises
    ------
    ExchangeError
        If it is no record: no mapping, without a section, or nested deeper than 200 levels or in a circle.
    """
    notes = Notes()
    given = dict(file_lists or {})

    def held(name: str) -> list[Entry] | None:
        found = next((key for key in list_names(name) if key in given), None)
        return None if found is None else list(entries_of(given[found], found, notes))

    return assemble(document, held, notes, source, online=online)


def list_names(name: str) -> list[str]:
    """Return the names under which a file list may lie: as it is written, and as the archive turns it into JSON."""
    tail = name.rsplit("/", 1)[-1]
    return list(
        dict.fromkeys(
            re.sub(r"\.(json|tsv|txt|xlsx)$", ending, one) if ending else one
            for one in (name, tail)
            for ending in ("", ".json", ".tsv")
        )
    )


def assemble(document: Any, lists: Lists, notes: Notes, source: str, *, online: bool) -> Submission:
    """Return what a record and its file lists say; see :func:`read_record`."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        what = "a list" if isinstance(document, list) else "a single value"
        raise ExchangeError(
            source, f"is no PageTab record: it is {what}", "A record has a section of type Study"
        )
    if too_deep(document):
        raise ExchangeError(source, "is nested too deep, or holds itself", "Is it really what it is called?")
    if not isinstance(document.get("section"), dict):
        problem = "is no PageTab record: it has no section"
        raise ExchangeError(source, problem, "A record has a section of type Study")
    reader = _Reader(document, lists, notes)
    plain = reader.read()
    accession = str(plain["study"].get("accession") or "")
    listing = reader.listing
    description = described(plain, source)
    origin = Origin(NAME, source, files_address(accession) if online else "", notes.kept)
    findings = [*description.findings, *notes.findings()]
    return Submission(
        description, listing.table(), origin, [replace(one, path=one.path or source) for one in findings]
    )


class _Reader:
    def __init__(self, document: Json, lists: Lists, notes: Notes) -> None:
        self.document, self.lists, self.notes = document, lists, notes
        self.decoder = Decoder(notes)
        self.listing = Listing(notes)
        self.plain: Json = {}

    def read(self) -> Json:
        submission = section_of({key: value for key, value in self.document.items() if key != "section"})
        root = section_of(self.document["section"])
        if slug(root.type) != "study":
            self.notes.keep("study/type", root.type, f"the type {quoted(root.type)} of the first section")
        _template(submission, self.notes)
        self.references(root)
        self.plain["study"] = study_fields(self.decoder, root, submission)
        if submission.accno:
            self.plain["study"]["accession"] = submission.accno
        if samples := self.decoder.biosamples():
            self.plain["biosamples"] = samples
        submission.accno = ""
        self.decoder.rest(submission, "submission")
        self.decoder.rest(root, "study")
        for sub in root.subsections:
            self.top(sub)
        for accno, section in self.decoder.organisations.items():
            if accno not in self.decoder.used:
                self.decoder.keep_section(section, "study")
        self.dangling()
        self.files()
        if self.decoder.accnos:
            self.notes.keep("submission/accnos", self.decoder.accnos, "accession numbers of sections")
        return self.plain

    def references(self, root: Section) -> None:
        """Find the organisations, accession numbers that occur twice, and sections that refer to one another."""
        seen: dict[str, Section] = {}
        edges: dict[str, set[str]] = {}
        waiting = [root]
        while waiting:
            section = waiting.pop(0)
            waiting += section.subsections
            if not section.accno:
                continue
            if section.accno in seen:
                what = f"the accession number {quoted(section.accno)} occurs twice; the first counts"
                self.notes.say("E012", what, section.type)
            else:
                seen[section.accno] = section
                if slug(section.type) in ("organisation", "organization"):
                    self.decoder.organisations[section.accno] = section
            edges.setdefault(section.accno, set()).update(
                one.value for one in section.attributes if one.reference and one.value
            )
        if circle := _circle(edges):
            self.notes.say("E008", f"sections refer to one another in a circle: {quoted(' > '.join(circle))}")

    def top(self, sub: Section) -> None:
        """Take a section below the study."""
        if slug(sub.type) in ("organisation", "organization"):
            if self.decoder.organisations.get(sub.accno) is not sub:
                self.decoder.keep_section(sub, "study")
            return
        if slug(sub.type) != "organisation" and STUDY.section_field(sub.type):
            self.decoder.subsection(sub, STUDY, "study", self.plain["study"])
            return
        field = RECORD.section_field(sub.type)
        if field is None and sub.values(FILE_LIST):
            field = "study_components"
        if field is None:
            self.decoder.keep_section(sub, "study")
        elif field == "study_components":
            self.component(sub)
        elif field == "annotations":
            self.annotations(sub)
        else:
            self.member(sub, field)

    def member(self, sub: Section, field: str) -> Json | None:
        """Take a section into one of the lists of the model; return what it says."""
        spec = specs(RECORD.model)[field]
        at = f"{field}[{len(self.plain.get(field, []))}]" if spec.many else field
        if not spec.many and field in self.plain:
            self.decoder.keep_section(sub, "study", "E012")
            return None
        got = self.decoder.filled(sub, RECORD.inner(field), at, "study")
        if got and spec.many:
            self.plain.setdefault(field, []).append(got)
        elif got:
            self.plain[field] = got
        return got or None

    def annotations(self, sub: Section) -> None:
        versions = [one for one in sub.subsections if slug(one.type) == "version"]
        sub.subsections = [one for one in sub.subsections if slug(one.type) != "version"]
        at = f"annotations[{len(self.plain.get('annotations', []))}]"
        got = self.member(sub, "annotations")
        if got is None:
            got = {}
            self.plain.setdefault("annotations", []).append(got)
        self.versions(versions, at)
        self.unique(got, sub, at, "annotation set", self.plain["annotations"])

    def versions(self, sections: list[Section], at: str) -> None:
        """Take the versions of an annotation set as those of the dataset, if they are all the same."""
        if not sections:
            return
        own = Decoder(Notes())
        read = [own.record(section, VERSION, "versions") for section in sections]
        first = "versions" not in self.plain
        if not own.notes.kept and (first or read == self.plain["versions"]) and all(read):
            for number, section in enumerate(sections):
                if first and section.accno:
                    self.decoder.accnos[f"versions[{number}]"] = section.accno
            self.plain["versions"] = read
            return
        what = "the versions of an annotation set that are not those of the others"
        for section in sections:
            self.notes.keep(f"{at}/sections", section.raw, what)

    def component(self, sub: Section) -> None:
        nested = [one for one in sub.subsections if RECORD.section_field(one.type) in MEMBERS.values()]
        sub.subsections = [one for one in sub.subsections if one not in nested]
        at = f"study_components[{len(self.plain.get('study_components', []))}]"
        got = self.member(sub, "study_components")
        if got is None:
            if at not in self.decoder.lists and not nested:
                return
            got = {}
            self.plain.setdefault("study_components", []).append(got)
        if slug(sub.type) != "study_component":
            self.notes.keep(f"{at}/type", sub.type, f"the type of {named(sub)}, read as a study component")
        self.unique(got, sub, at, "study component", self.plain["study_components"])
        self.nested(got, nested)

    def unique(self, got: Json, sub: Section, at: str, what: str, others: list[Json]) -> None:
        """Give a record a name of its own: files refer to it."""
        if not got.get("name") and at in self.decoder.lists:
            got["name"] = sub.accno or f"{sub.type or what} {len(others)}"
            say = f"the {what} has no name; it got {quoted(got['name'])}, because files refer to it"
            self.notes.say("E002", say, at)
        names = [str(one.get("name") or "") for one in others]
        if at in self.decoder.lists and names.count(str(got.get("name"))) > 1:
            got["name"] = unique_ids([*names[:-1], names[-1]])[-1]
            self.notes.say(
                "E002", f"two of the name {quoted(names[-1])}; the second got {quoted(got['name'])}", at
            )

    def nested(self, component: Json, sections: list[Section]) -> None:
        """Take samples and acquisitions that stand inside a study component, and associate them with it."""
        titles: dict[str, list[str]] = {}
        for section in sections:
            field = RECORD.section_field(section.type) or ""
            got = self.member(section, field)
            if got is None:
                continue
            if not got.get("title"):
                got["title"] = section.accno or f"{section.type} {len(self.plain[field])}"
                what = (
                    f"{named(section)} has no title; it got its accession number as one, for the association"
                )
                self.notes.say("E002", what, got["title"])
            member = next(name for name, of in MEMBERS.items() if of == field)
            titles.setdefault(member, []).append(got["title"])
        if not titles:
            return
        alone = {member: held[0] for member, held in titles.items() if len(held) == 1}
        many = [(member, title) for member, held in titles.items() if len(held) > 1 for title in held]
        made = [alone | {member: title} for member, title in many] or [alone]
        component.setdefault("associations", []).extend(made)

    def dangling(self) -> None:
        """Say which associations name nothing that is there."""
        for number, component in enumerate(self.plain.get("study_components", [])):
            for place, association in enumerate(component.get("associations", [])):
                for member, title in association.items():
                    known = [one.get("title") for one in self.plain.get(MEMBERS.get(member, ""), [])]
                    if title not in known:
                        at = f"study_components[{number}].associations[{place}].{member}"
                        self.notes.say("E007", f"there is no {member.replace('_', ' ')} {quoted(title)}", at)

    def files(self) -> None:
        for _, entry in self.decoder.files:
            self.listing.attached(entry)
        for field, kind in (("study_components", "component"), ("annotations", "set")):
            for number, record in enumerate(self.plain.get(field, [])):
                at = f"{field}[{number}]"
                for name in self.decoder.lists.get(at, []):
                    found = self.lists(name)
                    if found is None:
                        self.notes.keep(
                            f"{at}/attributes",
                            attribute(FILE_LIST, name),
                            f"the file list {quoted(name)} is not at hand; no file of it is listed",
                            "E010",
                        )
                        continue
                    self.notes.keep(f"{at}/list", name, "names of file lists")
                    if kind == "set":
                        self.listing.annotations(found, name, record)
                    else:
                        self.listing.images(found, name, record.get("name", ""))
        self.listing.finish(self.plain.get("annotations", []))


def _template(submission: Section, notes: Notes) -> None:
    for one in submission.attributes:
        if slug(one.name) in ("template", "attachto") and one.value not in (
            "BioImages.v4",
            "BioImages.MIFA.v1",
            "BioImages",
            None,
        ):
            notes.keep(f"submission/{slug(one.name)}", one.raw, f"the {one.name} {quoted(one.value or '')}")


def _circle(edges: Mapping[str, set[str]]) -> list[str]:
    """Return a circle of references, if there is one; each is followed once."""
    done: set[str] = set()
    for start in edges:
        stack = [(start, iter(sorted(edges[start])))] if start not in done else []
        path = dict.fromkeys([start] if stack else [])
        while stack:
            step = next(stack[-1][1], None)
            if step is None:
                done.add(stack[-1][0])
                path.pop(stack.pop()[0])
            elif step in path:
                steps = list(path)
                return [*steps[steps.index(step) :], step]
            elif step in edges and step not in done:
                path[step] = None
                stack.append((step, iter(sorted(edges[step]))))
    return []
