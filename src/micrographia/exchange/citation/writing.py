"""What the writers of citation forms share: taking fields, naming losses, putting back what was kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from micrographia.dataset.origin import Kept
from micrographia.exchange.codes import told
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata import check_doi, check_orcid
from micrographia.metadata.taking import Plain, Taker
from micrographia.metadata.trees import Tokens, dotted

STUDY = ("study",)
ITEM, REST = "[]", "+"
"""Ends of the places of what is kept: an entry of a list that nobody read; something that was read in part."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who made something.

    Parameters
    ----------
    first, last
        Names as they are written; a group has only a last name.
    orcid
        ``https://orcid.org/...``.
    email
        Address.
    roles
        What they did.
    at
        Where it stands in the description.
    """

    first: str
    last: str
    orcid: str
    email: str
    roles: tuple[str, ...]
    at: Tokens

    @property
    def is_group(self) -> bool:
        """Whether nothing says that it is a single person."""
        return not self.first and not self.orcid

    @property
    def sorted_name(self) -> str:
        """``Hooke, Robert``."""
        return ", ".join(part for part in (self.last, self.first) if part)

    @property
    def name(self) -> str:
        """``Robert Hooke``."""
        return " ".join(part for part in (self.first, self.last) if part)


class Writing(Taker):
    """A description whose fields a writer takes; what it leaves is told, grouped by what it belongs to.

    Parameters
    ----------
    submission
        What is written.
    title
        Name of the form, for findings.
    """

    def __init__(self, submission: Submission, title: str) -> None:
        super().__init__(submission.mifa.plain())
        self.title = title
        self.told: list[Finding] = []

    def tell(self, code: str, message: str, *at: Tokens, fix: str = "") -> None:
        """Tell something of one or several fields."""
        self.told.append(told(code, message, fields=[dotted(path) for path in at], fix=fix))

    def people(self, at: Tokens) -> list[Person]:
        """Return the people of a list that have a name, with names and ORCID iDs taken."""
        found = []
        for path, entry in self.records(at):
            names = self.copy(path, "author_first_name", "author_last_name")
            if not names:
                continue
            orcid = str(entry.get("orcid_id") or "")
            valid = check_orcid(orcid).ok
            if valid:
                self.take((*path, "orcid_id"))
            roles, email = entry.get("role"), entry.get("email")
            found.append(
                Person(
                    names.get("author_first_name", ""),
                    names.get("author_last_name", ""),
                    orcid if valid else "",
                    email if isinstance(email, str) else "",
                    tuple(str(role) for role in roles) if isinstance(roles, list) else (),
                    path,
                )
            )
        return found

    def whole(self, at: Tokens, written: int, why: str) -> None:
        """Tell that entries of a list were left out, which changes the places of the others."""
        held = self.at(at)
        if isinstance(held, list) and written < len(held):
            number = len(held) - written
            entries = "one entry" if number == 1 else f"{number} entries"
            self.tell("E001", f"{self.title} has no place for {entries} of {dotted(at)}: {why}", at)

    def required(self, made: Plain, name: str, at: Tokens, fix: str = "") -> None:
        """Tell that something is missing that the form requires."""
        if name not in made:
            self.tell("E003", f"{self.title} requires {name}", at, fix=fix or f"Fill in {dotted(at)}")

    def findings(self) -> list[Finding]:
        """Return what was told, and a finding for each part of the description of which something was left."""
        heads: dict[str, list[str]] = {}
        for pattern, fields in self.left().items():
            parts = pattern.split(".")
            head = ".".join(parts[: 2 if parts[0] == "study" else 1])
            heads.setdefault(head, []).extend(fields)
        for head, fields in heads.items():
            more = f" ({len(fields):,} fields)" if len(fields) > 1 else ""
            self.told.append(
                told("E001", f"{self.title} has no place for {shown(head, fields)}{more}", fields=fields)
            )
        return self.told

    def no_files(self, submission: Submission) -> None:
        """Tell that the file list is not carried."""
        if len(submission.files):
            self.told.append(told("E001", f"{self.title} has no place for the list of files", field="files"))


def shown(head: str, fields: Sequence[str]) -> str:
    """Return how a finding names fields: the one field, or what several belong to."""
    return fields[0] if len(fields) == 1 else head.removesuffix("[]")


def bare_doi(text: Any) -> str:
    """Return a DOI without the address of its resolver; empty if it is none."""
    found = check_doi(text) if isinstance(text, str) else None
    return found.value.removeprefix("https://doi.org/") if found is not None and found.ok else ""


def unique(values: Sequence[Any]) -> list[Any]:
    """Return values without those that occur twice, in their order."""
    return list({_identity(value): value for value in values}.values())


def _identity(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def write_json(target: Path, document: Any) -> None:
    """Write a document as JSON in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    target.write_bytes(text.encode("utf-8", "replace"))


def leftovers(source: Plain, taken: Taker) -> list[Kept]:
    """Return what of a document nobody took, by its outermost name.

    Parameters
    ----------
    source
        The document.
    taken
        A taker of the same document.

    Returns
    -------
    list of Kept
        ``at`` is ``NAME`` for a value that nobody took, ``NAME[]`` for such an entry of a list, and ends in ``+`` where
        a part was taken; the value is whole then, so that what was left finds its place again.
    """
    kept = []
    for name, value in source.items():
        state = _state(taken, (name,), value)
        if state == "none":
            kept.append(Kept(name, value))
        elif state == "part" and isinstance(value, list):
            for number, item in enumerate(value):
                inner = _state(taken, (name, number), item)
                if inner != "all":
                    kept.append(Kept(f"{name}{ITEM}{REST if inner == 'part' else ''}", item))
        elif state == "part":
            kept.append(Kept(f"{name}{REST}", value))
    return kept


def _state(taken: Taker, at: Tokens, value: Any) -> str:
    if any(at[: len(at) - cut] in taken.taken for cut in range(len(at))):
        return "all"
    if isinstance(value, dict):
        states = {_state(taken, (*at, str(key)), item) for key, item in value.items()}
    elif isinstance(value, list):
        states = {_state(taken, (*at, number), item) for number, item in enumerate(value)}
    else:
        return "none"
    if not states:
        return "none"
    return states.pop() if len(states) == 1 else "part"


def kept_findings(kept: Sequence[Kept], title: str) -> list[Finding]:
    """Return one finding for each kind of what is kept."""
    counts: dict[str, int] = {}
    for one in kept:
        counts[one.at] = counts.get(one.at, 0) + 1
    return [
        told(
            "E004",
            f"{'a part of ' if at.endswith(REST) else ''}what {title} says under "
            f"{at.removesuffix(REST).removesuffix(ITEM)} has no home here"
            + (f" ({number} entries)" if number > 1 else ""),
        )
        for at, number in counts.items()
    ]


def put_back(made: Plain, submission: Submission, form: str, title: str) -> list[Finding]:
    """Put what was kept of a document of the same form back into one that is written; tell what finds no place.

    Parameters
    ----------
    made
        The document; changed in place.
    submission
        With the origin that keeps.
    form, title
        Name and title of the form.
    """
    lost: dict[str, int] = {}
    back = _PuttingBack(made)
    for one in submission.origin.kept:
        if submission.origin.format != form or not back.place(one):
            lost[one.at] = lost.get(one.at, 0) + 1
    return [
        told(
            "E005",
            f"{title} has no place for what is kept as {at}" + (f" ({number} times)" if number > 1 else ""),
        )
        for at, number in lost.items()
    ]


@dataclass(slots=True)
class _PuttingBack:
    """A document into which kept pieces are put, in the order in which they were read."""

    made: Plain
    known: dict[str, set[str]] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)

    def place(self, one: Kept) -> bool:
        """Put a piece back and return whether there was a place for it."""
        name = one.at.removesuffix(REST).removesuffix(ITEM)
        here = self.made.get(name)
        if one.at.endswith(REST):
            return self._joins(name, here, one.value)
        entry = one.at.endswith(ITEM)
        if not entry and not (isinstance(here, list) and isinstance(one.value, list)):
            return bool(self.made.setdefault(name, one.value) == one.value)
        if here is not None and not isinstance(here, list):
            return False
        held = self.made.setdefault(name, [])
        seen = self.known.setdefault(name, {_identity(item) for item in held})
        for value in [one.value] if entry else one.value:
            if _identity(value) not in seen:
                seen.add(_identity(value))
                held.append(value)
        return True

    def _joins(self, name: str, here: Any, value: Any) -> bool:
        """Give what is missing to the entry that says the same as far as both say something."""
        items = here if isinstance(here, list) else [here]
        start = self.cursors.get(name, 0)
        for number in chain(range(start, len(items)), range(min(start, len(items)))):
            item = items[number]
            same = [key for key in item if key in value] if _both(item, value) else []
            if same and all(_agree(item[key], value[key]) for key in same):
                self.cursors[name] = number + 1
                if isinstance(here, list):
                    here[number] = _joined(item, value)
                else:
                    self.made[name] = _joined(item, value)
                return True
        return False


def _both(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _agree(one: Any, other: Any) -> bool:
    if _both(one, other):
        return all(_agree(one[key], other[key]) for key in one if key in other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) <= len(other) and all(map(_agree, one, other))
    return bool(one == other)


def _joined(one: Any, other: Any) -> Any:
    if _both(one, other):
        shared = {key: _joined(one[key], other.get(key, one[key])) for key in one}
        return shared | {key: value for key, value in other.items() if key not in one}
    if isinstance(one, list) and isinstance(other, list):
        return [*map(_joined, one, other), *other[len(one) :]]
    return one
