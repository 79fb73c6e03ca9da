"""Other arrangements of the same facts, rearranged before they are read: keyed papers, parallel lists, whole names."""

from __future__ import annotations

import re
from typing import Any, Protocol

from micrographia.metadata.fields import Record, field_name
from micrographia.metadata.identifiers import check_pmc
from micrographia.metadata.mifa import Coverage
from micrographia.metadata.study import Author, Publication, Study
from micrographia.metadata.values import quoted
from micrographia.metadata.vocabulary import slug
from micrographia.metadata.yaml_nodes import Mapping, Node, Scalar, Sequence, plain


class Notes(Protocol):
    """Takes what there is to say."""

    def note(
        self,
        code: str,
        at: str,
        line: int,
        message: str,
        *,
        was: Any = ...,
        read_as: Any = ...,
        fix: str = ...,
    ) -> None:
        """Keep something to say."""


def reshape(model: type[Record], mapping: Mapping, notes: Notes, at: str) -> Mapping:
    """Return the mapping of a record in the arrangement of this package; the given one is left as it is."""
    if model is Study:
        return _links(mapping, notes, at)
    if model is Author:
        return _whole_name(mapping, notes, at)
    if model is Publication:
        return _pubmed_central(mapping, notes, at)
    if model is Coverage:
        return _counted(mapping, notes, at)
    return mapping


def keyed_records(model: type[Record], mapping: Mapping, notes: Notes, at: str) -> Sequence | None:
    """Return a mapping of names to records as a list of records; None if it is one record."""
    pairs = [(key, value) for key, value in mapping.merged()]
    if not model.key_field or not pairs or any(field_name(model, key.text) for key, _ in pairs):
        return None
    items: list[Node] = []
    for key, value in pairs:
        named: tuple[Scalar, Node] = (Scalar(model.key_field, line=key.line), key)
        if isinstance(value, Mapping):
            known = [
                (inner, item)
                for inner, item in value.merged()
                if field_name(model, inner.text) != model.key_field
            ]
            own = [item for inner, item in value.merged() if field_name(model, inner.text) == model.key_field]
            same = own and isinstance(own[0], Scalar) and own[0].text
            items.append(Mapping([(named[0], own[0]) if same else named, *known], key.line))
        elif isinstance(value, Scalar) and value.is_null:
            items.append(Mapping([named], key.line))
        elif isinstance(value, Scalar) and model.text_field not in ("", model.key_field):
            items.append(Mapping([named, (Scalar(model.text_field, line=value.line), value)], key.line))
        else:
            return None
    message = f"{at.rsplit('.', 1)[-1]} is a mapping by {model.key_field} where a list is expected"
    notes.note(
        "C012", at, mapping.line, message, was=[key.text for key, _ in pairs], fix="Write it as a list"
    )
    return Sequence(items, mapping.line)


def _taken(mapping: Mapping, *names: str) -> tuple[list[tuple[Scalar, Node]], dict[str, tuple[Scalar, Node]]]:
    """Split the pairs of a mapping into those that stay and those with one of ``names``."""
    stay: list[tuple[Scalar, Node]] = []
    taken: dict[str, tuple[Scalar, Node]] = {}
    for key, value in mapping.merged():
        name = slug(key.text)
        if name in names and name not in taken and not (isinstance(value, Scalar) and value.is_null):
            taken[name] = (key, value)
        else:
            stay.append((key, value))
    return stay, taken


def _links(mapping: Mapping, notes: Notes, at: str) -> Mapping:
    stay, taken = _taken(mapping, "link_url", "link_description")
    if not taken or any(field_name(Study, key.text) == "links" for key, _ in stay):
        return mapping
    columns: dict[str, list[Node]] = {}
    for name, (key, value) in taken.items():
        if isinstance(value, Mapping):
            return mapping
        if isinstance(value, Scalar):
            message = f"{name} is one value where a list is expected"
            where = f"{at}.{name}" if at else name
            notes.note("C001", where, key.line, message, was=plain(value), read_as=[plain(value)])
        columns[name] = value.items if isinstance(value, Sequence) else [value]
    items: list[Node] = []
    for number in range(max(len(column) for column in columns.values())):
        present = [(name, column[number]) for name, column in columns.items() if number < len(column)]
        items.append(
            Mapping([(Scalar(name, line=node.line), node) for name, node in present], present[0][1].line)
        )
    first = min((key for key, _ in taken.values()), key=lambda key: key.line)
    if items:
        message = "link_url and link_description are lists side by side; they were read as links"
        notes.note("C012", f"{at}.links" if at else "links", first.line, message, fix="Write them as links")
    return Mapping([*stay, (Scalar("links", line=first.line), Sequence(items, first.line))], mapping.line)


def _whole_name(mapping: Mapping, notes: Notes, at: str) -> Mapping:
    stay, taken = _taken(mapping, "name", "author_name", "full_name")
    parts = {"author_first_name", "author_last_name"}
    named = [(key, value) for key, value in stay if field_name(Author, key.text) in parts]
    blank = [value for _, value in named if isinstance(value, Scalar) and (value.is_open or value.is_null)]
    if len(taken) != 1 or len(blank) < len(named):
        return mapping
    stay = [pair for pair in stay if pair not in named]
    key, value = next(iter(taken.values()))
    if not isinstance(value, Scalar) or value.is_open or not value.text.strip():
        return mapping
    last, comma, first = value.text.partition(",")
    if not comma:
        first, _, last = value.text.strip().rpartition(" ")
    read_as = {"author_first_name": first.strip(), "author_last_name": last.strip()}
    message = f"{quoted(value.text)} was divided into first and last name"
    notes.note("C023", at, key.line, message, was=value.text, read_as=read_as, fix="Write them as two fields")
    pairs: list[tuple[Scalar, Node]] = [
        (Scalar(name, line=key.line), Scalar(text, line=key.line)) for name, text in read_as.items() if text
    ]
    return Mapping([*pairs, *stay], mapping.line)


_COUNTED = re.compile(
    r"([0-9]+(?:\.[0-9]+)?) (?:of|out of) ([0-9]+(?:\.[0-9]+)?) ([^\W\d_][\w -]*)(?:[.,;:] +(.+))?", re.DOTALL
)


def _counted(mapping: Mapping, notes: Notes, at: str) -> Mapping:
    """Take the numbers out of a coverage that is one text: ``40 of 254 images. every tenth slice``."""
    if len(mapping.entries) != 1:
        return mapping
    key, value = mapping.entries[0]
    counted = _COUNTED.fullmatch(value.text.strip()) if isinstance(value, Scalar) else None
    if counted is None or field_name(Coverage, key.text) != "description":
        return mapping
    names = ("annotated", "total", "unit", "description")
    read_as = {name: text for name, text in zip(names, counted.groups(), strict=True) if text}
    message = "annotation_coverage is a text with numbers in it; they were read as annotated, total and unit"
    notes.note("C012", at, key.line, message, was=plain(value), read_as=read_as, fix="Write them as fields")
    return Mapping(
        [
            (Scalar(name, line=key.line), Scalar(text, plain=True, line=key.line))
            for name, text in read_as.items()
        ],
        mapping.line,
    )


def _pubmed_central(mapping: Mapping, notes: Notes, at: str) -> Mapping:
    names = {field_name(Publication, key.text) for key, _ in mapping.merged()}
    if "pmc_id" in names:
        return mapping
    pairs: list[tuple[Scalar, Node]] = []
    for key, value in mapping.merged():
        is_pubmed = field_name(Publication, key.text) == "pubmed_id"
        if is_pubmed and isinstance(value, Scalar) and (found := check_pmc(value.text)).ok:
            message = f"{quoted(value.text)} is a PubMed Central id; it was read as pmc_id"
            where = f"{at}.pmc_id"
            notes.note(
                "C010",
                where,
                key.line,
                message,
                was=value.text,
                read_as=found.value,
                fix="Write it as pmc_id",
            )
            pairs.append((Scalar("pmc_id", line=key.line), Scalar(found.value, line=value.line)))
        else:
            pairs.append((key, value))
    return Mapping(pairs, mapping.line)
