"""Texts of a known kind, brought into one form: what was written, what it is read as, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from micrographia.metadata.dates import parse_moment
from micrographia.metadata.fields import Kind
from micrographia.metadata.identifiers import (
    Identifier,
    check_doi,
    check_fbbi,
    check_orcid,
    check_pmc,
    check_pubmed,
    check_ror,
    check_taxon,
)
from micrographia.metadata.licences import normalise_licence
from micrographia.metadata.units import is_length, normalise_unit
from micrographia.metadata.vocabulary import Match, annotation_type, mask_kind


@dataclass(frozen=True, slots=True)
class Converted:
    """What a text was read as.

    Parameters
    ----------
    value
        The text in the form that this package writes, or as it was written if it is not valid.
    code
        Code of the coercion; empty if there is nothing to say.
    message
        What to say, in one sentence without a full stop.
    fix
        What to do, in one clause.
    """

    value: str
    code: str = ""
    message: str = ""
    fix: str = ""


@lru_cache(maxsize=4096)
def convert(kind: Kind, text: str) -> Converted:
    """Bring a text of a known kind into one form; nothing is raised, what is not valid stays as it is."""
    return _CONVERTERS[kind](text)


def valid(kind: Kind, text: str) -> bool:
    """Whether a text is valid for its kind, in whatever form it is written."""
    return convert(kind, text).code not in {"C016", "C017", "C018", "C020"}


def _identifier(check: Callable[[str], Identifier], text: str) -> Converted:
    found = check(text)
    if not found.ok:
        return Converted(
            text, "C016", f"{quoted(text)} is no valid {found.scheme}: {found.problem}", "Correct it"
        )
    if found.value == text:
        return Converted(text)
    return Converted(found.value, "C009", f"{quoted(text)} was read as {found.value}", f"Write {found.value}")


def _checked_by(check: Callable[[str], Identifier]) -> Callable[[str], Converted]:
    return lambda text: _identifier(check, text)


def _word(look_up: Callable[[str], Match], what: str, text: str) -> Converted:
    match = look_up(text)
    if match.value is None:
        hint = f"did you mean {' or '.join(match.suggestions)}?" if match.suggestions else ""
        return Converted(text, "C018", f"{quoted(text)} is no {what} of the vocabulary", hint)
    if match.exact:
        return Converted(text)
    return Converted(match.value, "C006", f"{quoted(text)} was read as {match.value}", f"Write {match.value}")


def _licence(text: str) -> Converted:
    licence = normalise_licence(text)
    if licence is None:
        fix = "Write an SPDX identifier, as CC0-1.0 or CC-BY-4.0"
        return Converted(text, "C017", f"{quoted(text)} is no licence that is known", fix)
    if licence.spdx is None:
        fix = (
            "State the version, as in CC-BY-4.0" if licence.name.startswith("CC") else "State which one it is"
        )
        return Converted(
            text, "C008", f"{quoted(text)} does not say which version of {licence.name} it is", fix
        )
    if licence.spdx == text:
        return Converted(text)
    fix = f"Write {licence.spdx}"
    return Converted(licence.spdx, "C007", f"{quoted(text)} was read as {licence.spdx}", fix)


def _date(text: str) -> Converted:
    moment = parse_moment(text)
    if not moment.ok:
        return Converted(text, "C020", moment.problem[:200], "Write it as 2023-01-17")
    if moment.value == text:
        return Converted(text)
    return Converted(
        moment.value, "C011", f"{quoted(text)} was read as {moment.value}", f"Write {moment.value}"
    )


def _unit(text: str) -> Converted:
    unit = normalise_unit(text)
    if unit is None or not is_length(unit):
        return Converted(
            text, "C018", f"{quoted(text)} is no unit of length", "Write it in full, as micrometer"
        )
    if unit == text:
        return Converted(text)
    return Converted(unit, "C006", f"{quoted(text)} was read as {unit}", f"Write {unit}")


def _ontology(text: str) -> Converted:
    bare = text.strip()
    if re.search(r"fbbi", bare, flags=re.IGNORECASE):
        return _identifier(check_fbbi, text)
    term = re.fullmatch(
        r"(?:https?://purl\.obolibrary\.org/obo/|obo:)?([A-Za-z][A-Za-z0-9]*)[:_]([A-Za-z0-9]+)", bare
    )
    if term:
        value = f"{term.group(1)}:{term.group(2)}"
        if value == text:
            return Converted(text)
        return Converted(value, "C009", f"{quoted(text)} was read as {value}", f"Write {value}")
    if re.fullmatch(r"https?://\S+", bare):
        return Converted(bare)
    problem = f"{quoted(text)} is no ontology term: it has a prefix and a number, as FBbi:00000251"
    return Converted(text, "C016", problem, "Look it up at https://www.ebi.ac.uk/ols4")


def _email(text: str) -> Converted:
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text.strip()):
        return Converted(text.strip())
    return Converted(text, "C016", f"{quoted(text)} is no e-mail address", "Correct it, or leave it out")


def _url(text: str) -> Converted:
    bare = text.strip()
    if re.fullmatch(r"(https?|ftp|s3|git|ssh)://[^\s/]+\S*|[A-Za-z][A-Za-z0-9.+-]*:[^\s/]\S*", bare):
        return Converted(bare)
    if re.fullmatch(
        r"(www\.|[a-z0-9-]+\.(org|com|edu|io|net|eu|uk|de|fr|ch|jp)/)\S*", bare, flags=re.IGNORECASE
    ):
        value = f"https://{bare}"
        return Converted(value, "C009", f"{quoted(text)} was read as {value}", f"Write {value}")
    return Converted(
        text, "C016", f"{quoted(text)} is no address", "Write it in full, starting with https://"
    )


def shown(text: str) -> str:
    """Return a text as a message can show it: short, on one line."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text[:80]).split())
    return line if len(line) <= 60 else line[:57] + "..."


def quoted(text: str) -> str:
    """Return a text in quotes as a message can show it."""
    return f'"{shown(text)}"'


_CONVERTERS: dict[Kind, Callable[[str], Converted]] = {
    Kind.ANNOTATION_TYPE: lambda text: _word(annotation_type, "annotation type", text),
    Kind.DATE: _date,
    Kind.DOI: _checked_by(check_doi),
    Kind.EMAIL: _email,
    Kind.LICENCE: _licence,
    Kind.MASK_KIND: lambda text: _word(mask_kind, "kind of mask", text),
    Kind.ONTOLOGY: _ontology,
    Kind.ORCID: _checked_by(check_orcid),
    Kind.PMC: _checked_by(check_pmc),
    Kind.PUBMED: _checked_by(check_pubmed),
    Kind.ROR: _checked_by(check_ror),
    Kind.TAXON: _checked_by(check_taxon),
    Kind.UNIT: _unit,
    Kind.URL: _url,
}
