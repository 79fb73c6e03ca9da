"""Sections of a record become fields of the model; what has no field is kept word for word."""

from __future__ import annotations

import re
from typing import Any

from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.pagetab.places import (
    AUTHOR,
    FILE_LIST,
    LICENCE_ADDRESSES,
    ORGANISATION,
    STUDY,
    Place,
)
from micrographia.exchange.pagetab.tree import Attribute, Json, Section, attribute, named, scalar
from micrographia.metadata.fields import Kind, specs
from micrographia.metadata.licences import normalise_licence
from micrographia.metadata.values import quoted
from micrographia.metadata.vocabulary import annotation_type, slug

_ORGANISM = re.compile(r"([^\W\d_][\w.-]*(?: [\w.×'-]+)+) \(([^()]+)\)")


class Decoder:
    """Reads sections into plain records.

    Parameters
    ----------
    notes
        Takes what there is to say.

    Attributes
    ----------
    files
        Files that stand in sections, not in lists: the path of the section in the model, and the entry.
    lists
        Path of a record in the model to the names of its file lists.
    accnos
        Path of a record in the model to the accession number of its section.
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.files: list[tuple[str, Any]] = []
        self.lists: dict[str, list[str]] = {}
        self.accnos: dict[str, str] = {}
        self.organisations: dict[str, Section] = {}
        self.used: set[str] = set()
        self.species: list[Attribute] = []
        self._read: dict[str, Json] = {}

    def record(self, section: Section, place: Place, at: str) -> Json:
        """Return the fields of a section.

        Parameters
        ----------
        section
            The section.
        place
            What is expected in it.
        at
            Dotted path of the record in the model; what has no field is kept under it.
        """
        plain: Json = {}
        self.attributes(section, place, at, plain)
        self.rest(section, at)
        for sub in section.subsections:
            self.subsection(sub, place, at, plain)
        return plain

    def rest(self, section: Section, at: str) -> None:
        """Take what is neither attribute nor section: accession number, files, links, and odd things."""
        if section.accno:
            self.accnos[at] = section.accno
        self.files += [(at, one) for one in section.files]
        for link in section.links if at != "study" else ():
            self.notes.keep(f"{at}/links", link, f"a link of {named(section)}")
        for where, value in section.odd:
            code, what = "E009", f"an entry of another shape among the {where} of {named(section)}"
            if where not in ("attributes", "subsections", "links", "files", "section"):
                code, what, value = "E004", f"{quoted(where)} of {named(section)}", {where: value}
                where = "keys"
            else:
                where = f"odd {where}"
            self.notes.keep(f"{at}/{where}", value, what, code)

    def attributes(self, section: Section, place: Place, at: str, plain: Json) -> None:
        """Take the attributes of a section."""
        for one in section.attributes:
            if slug(one.name) == slug(FILE_LIST) and place.type in ("Annotations", "Study Component"):
                if one.value:
                    self.lists.setdefault(at, []).append(one.value)
                continue
            field = place.field(one.name)
            if place is STUDY and slug(one.name) in ("organism", "ncbi_taxonomy_id"):
                self.species.append(one)
                continue
            if place is AUTHOR and slug(one.name) == "affiliation":
                self.affiliation(one, at, plain)
            elif place is AUTHOR and slug(one.name) == "name":
                self.one(plain, "name", one, at)
            elif field is None or field not in specs(place.model):
                self.unknown(one, section, at)
            elif one.value is not None and one.value.strip():
                self.value(plain, place, field, one, at)
        if place is AUTHOR and {"author_first_name", "author_last_name"} & set(plain):
            plain.pop("name", None)

    def unknown(self, one: Attribute, section: Section, at: str, code: str = "E004") -> None:
        """Keep an attribute that has no field."""
        self.notes.keep(
            f"{at}/attributes", one.raw, f"the attribute {quoted(one.name)} of {named(section)}", code
        )

    def value(self, plain: Json, place: Place, field: str, one: Attribute, at: str) -> None:
        """Take the value of an attribute into its field."""
        spec = specs(place.model)[field]
        text = one.value or ""
        if spec.record is not None and spec.many:
            self.notes.keep(f"{at}/attributes", one.raw, f"the attribute {quoted(one.name)}")
            return
        if field == "organism":
            self.one(plain, field, one, at, self.organism(text, one))
        elif field == "imaging_method":
            self.method(plain, text)
        elif spec.many:
            plain.setdefault(field, []).extend(self.several(spec.kind, field, text))
        else:
            self.one(plain, field, one, at)
        if one.qualifiers and field not in ("organism", "license"):
            value = {key: one.raw.get(key) for key in ("name", "value")} | one.qualifiers
            self.notes.keep(
                f"{at}/qualifiers", value, f"what is said of the value of the attribute {quoted(one.name)}"
            )
        elif field == "license" and one.qualifiers and one.qualifiers != licence_address(text):
            self.notes.keep(
                f"{at}/licence", one.qualifiers, "the address of the licence, which is another one"
            )

    def one(self, plain: Json, field: str, one: Attribute, at: str, value: Any = None) -> None:
        """Take a value of which there is one; the same twice is no second one."""
        value = one.value if value is None else value
        if field not in plain:
            plain[field] = value
        elif plain[field] != value:
            self.notes.keep(
                f"{at}/attributes",
                one.raw,
                f"a second {quoted(one.name)} where the model has one",
                "E012",
            )

    @staticmethod
    def several(kind: Kind | None, field: str, text: str) -> list[str]:
        """Return the values of an attribute that may hold several, divided by commas."""
        parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
        if kind is Kind.ANNOTATION_TYPE:
            known = len(parts) > 1 and all(annotation_type(part).value for part in parts)
            return parts if known and annotation_type(text).value is None else [text]
        return parts if field == "role" else [text]

    def organism(self, text: str, one: Attribute) -> Json:
        """Return an organism; the archive writes ``Homo sapiens (human)``."""
        found = _ORGANISM.fullmatch(text.strip())
        made = {"scientific_name": found[1], "common_name": found[2]} if found else {"scientific_name": text}
        told = one.qualifiers.get("valqual")
        held = [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []
        said = {slug(str(item.get("name"))): scalar(item.get("value")) or "" for item in held}
        if "ncbi" in said.get("ontology", "ncbi").lower() and said.get("termid"):
            made["ncbi_taxon"] = said.pop("termid")
            said.pop("ontology", None)
        if said or set(one.qualifiers) - {"valqual"}:
            what = f"what is said of the value of the attribute {quoted(one.name)}"
            self.notes.keep("study/organism", one.raw, what)
        return made

    def biosamples(self) -> list[Json]:
        """Return the organisms that stand among the attributes of the study, each as a biosample."""
        named = [one for one in self.species if slug(one.name) == "organism" and one.value]
        made: list[Json] = [{"organism": self.organism(one.value or "", one)} for one in named]
        for one in self.species:
            if slug(one.name) == "ncbi_taxonomy_id" and one.value:
                if len(made) == 1 and "ncbi_taxon" not in made[0]["organism"]:
                    made[0]["organism"]["ncbi_taxon"] = one.value
                else:
                    self.notes.keep(
                        "study/attributes", one.raw, f"the attribute {quoted(one.name)} of the study"
                    )
        if made:
            self.notes.say("E002", "an organism of the study was read as a biosample", count=len(made))
        return made

    @staticmethod
    def method(plain: Json, text: str) -> None:
        """Take an imaging method; further ones stand beside the first."""
        known = plain.setdefault("imaging_method", {})
        if "value" not in known:
            known["value"] = text
        elif isinstance(known["value"], list):
            known["value"].append(text)
        else:
            known["value"] = [known["value"], text]

    def subsection(self, sub: Section, place: Place, at: str, plain: Json) -> None:
        """Take a subsection into the field that it stands for."""
        field = place.section_field(sub.type)
        if field is None:
            self.keep_section(sub, at)
            return
        spec = specs(place.model)[field]
        inner = place.inner(field)
        if spec.many:
            held = plain.setdefault(field, [])
            got = self.filled(sub, inner, f"{at}.{field}[{len(held)}]", at)
            if got:
                held.append(got)
            elif not held:
                del plain[field]
        elif field in plain:
            self.keep_section(sub, at, "E012")
        elif got := self.filled(sub, inner, f"{at}.{field}", at):
            plain[field] = got

    def filled(self, sub: Section, place: Place, at: str, owner: str) -> Json:
        """Return the fields of a section; if it has none it is kept whole, under its owner."""
        mark, files = self.notes.mark(), len(self.files)
        got = self.record(sub, place, at)
        if not got and at not in self.lists:
            self.notes.back_to(mark)
            del self.files[files:]
            self.accnos.pop(at, None)
            self.keep_section(sub, owner)
        return got

    def keep_section(self, sub: Section, owner: str, code: str = "E004") -> None:
        """Keep a section that has no place; files in it are listed all the same."""
        raw, files = _without_files(sub.raw)
        self.files += [(owner, one) for one in files]
        what = f"a second {quoted(sub.type)} where the model has one" if code == "E012" else named(sub)
        if isinstance(sub.raw, dict) and not sub.attributes and not sub.subsections and not files:
            what = f"{named(sub)}, which is empty"
        self.notes.keep(f"{owner}/sections", raw, what, code)

    def affiliation(self, one: Attribute, at: str, plain: Json) -> None:
        """Follow the references of an author to organisations."""
        text = (one.value or "").strip()
        if not text:
            return
        parts = [text]
        if text not in self.organisations:
            divided = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
            if one.reference or any(part in self.organisations for part in divided):
                parts = divided
        for part in parts:
            held = plain.setdefault("organisation", [])
            if part in self.organisations:
                found = self.organisation(part, f"{at}.organisation[{len(held)}]")
                if found:
                    held.append(dict(found))
            elif one.reference:
                raw = attribute(one.name, part, reference=True)
                self.notes.keep(
                    f"{at}/attributes",
                    raw,
                    "an affiliation refers to an organisation that is not there",
                    "E007",
                )
            else:
                held.append({"organisation_name": part})
            if not held:
                del plain["organisation"]

    def organisation(self, accno: str, at: str) -> Json:
        """Return an organisation by its accession number; what it has beside its fields is kept once."""
        self.used.add(accno)
        if accno not in self._read:
            self._read[accno] = self.record(self.organisations[accno], ORGANISATION, at)
        return self._read[accno]

    def links(self, study: Section) -> list[Json]:
        """Return the links of the study."""
        made: list[Json] = []
        for raw in study.links:
            link: Json = {"link_url": scalar(raw["url"])} if isinstance(raw.get("url"), str) else {}
            left: list[Any] = []
            held = raw.get("attributes")
            for item in held if isinstance(held, list) else []:
                name = slug(str(item.get("name"))) if isinstance(item, dict) else ""
                field = {"description": "link_description", "type": "link_type"}.get(name)
                value = item.get("value") if isinstance(item, dict) else None
                if field and field not in link and scalar(value) is not None:
                    link[field] = scalar(value)
                elif value is not None or not field:
                    left.append(item)
            more = {key: value for key, value in raw.items() if key not in ("url", "attributes")}
            if "link_url" not in link:
                self.notes.keep("study/links", raw, "a link without an address", "E009")
                continue
            at = f"study.links[{len(made)}]"
            if left:
                self.notes.keep(f"{at}/attributes", left, "attributes of a link")
            if more:
                self.notes.keep(f"{at}/keys", more, "what else is said of a link")
            made.append(link)
        return made


def licence_address(text: str) -> Json:
    """Return what the archive writes beside the name of a licence."""
    licence = normalise_licence(text)
    address = LICENCE_ADDRESSES.get(licence.spdx or "") if licence else None
    return {"valqual": [{"name": "URL", "value": address}]} if address else {}


def study_fields(decoder: Decoder, root: Section, submission: Section) -> Json:
    """Return what the attributes of the submission and of its study say."""
    plain: Json = {}
    known = {"title", "release_date", "doi"}
    for one in submission.attributes:
        field = STUDY.field(one.name)
        if slug(one.name) in ("attachto", "template"):
            continue
        if field in known and one.value:
            decoder.one(plain, str(field), one, "submission")
        elif field not in known:
            decoder.unknown(one, submission, "submission")
    decoder.attributes(root, STUDY, "study", plain)
    links = decoder.links(root)
    return plain | ({"links": links} if links else {})


def _without_files(raw: Any) -> tuple[Any, list[Any]]:
    """Return a section without the files in it, and the files."""
    if not isinstance(raw, dict):
        return raw, []
    found: list[Any] = []
    for one in raw["files"] if isinstance(raw.get("files"), list) else []:
        found += [row for row in (one if isinstance(one, list) else [one]) if isinstance(row, dict)]
    kept = {key: value for key, value in raw.items() if key != "files" or not found}
    inner = raw.get("subsections")
    if isinstance(inner, list):
        kept["subsections"] = []
        for one in inner:
            part, files = _without_files(one)
            kept["subsections"].append(part)
            found += files
    return kept, found
