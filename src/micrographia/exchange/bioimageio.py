"""BioImage.IO: a dataset as a resource description (``rdf.yaml``, type dataset, format 0.3).

Source: https://bioimage-io.github.io/spec-bioimage-io (dataset 0.3). What its fields do not say travels under
``config.micrographia``, which the format leaves to programs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unicodedata import combining, normalize

from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import ExchangeError
from micrographia.exchange.citation.facts import address_of, citation_text
from micrographia.exchange.citation.writing import bare_doi
from micrographia.exchange.codes import told
from micrographia.exchange.form import Choice
from micrographia.exchange.remainder import beyond, over
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, described, file_table
from micrographia.findings import Finding
from micrographia.metadata import Mifa, check_orcid, normalise_licence
from micrographia.metadata.taking import Plain
from micrographia.metadata.yaml_nodes import plain as plain_node
from micrographia.metadata.yaml_parsing import parse
from micrographia.metadata.yaml_writing import document as as_yaml

FORM, FILE, VERSION, OWN = "bioimageio", "rdf.yaml", "0.3.0", "micrographia"
FILES = (FILE, "bioimageio.yaml", "rdf.yml")
LONGEST_NAME, SHORTEST_NAME, LONGEST_TEXT = 128, 5, 1024
BEGINNING = 1 << 16

_CODE = re.compile(r"https?://(www\.)?(github\.com|gitlab\.[a-z.]+|codeberg\.org|bitbucket\.org)/\S+")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[^\s\"<>\\^`{|}]*)?")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_RELEASE = re.compile(r"v?[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?")
_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>]+")


class BioImageIO:
    """Reads and writes BioImage.IO descriptions; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = FORM
    title = "BioImage.IO resource description of a dataset (rdf.yaml, format 0.3)"
    file = FILE
    reads = True
    writes = True
    choices: tuple[Choice, ...] = ()

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a description of a dataset, or a folder with one."""
        name = _file_of(source)
        if not name:
            return False
        if source.remote:
            return True
        try:
            with (Path(source.place) / name if source.is_folder else Path(source.place)).open("rb") as file:
                beginning = file.read(BEGINNING)
        except OSError:
            return False
        return (
            b"format_version" in beginning
            and re.search(rb"^type:\s*[\"']?dataset", beginning, re.MULTILINE) is not None
        )

    def read(self, source: Source, /) -> Submission:
        """Return what a description says; files are not part of it.

        Raises
        ------
        ExchangeError, MetadataError
            If it cannot be read, is no YAML mapping, or describes no dataset.
        """
        name = _file_of(source) or source.name
        held = plain_node(parse(source.text(name), name).root)
        if not isinstance(held, dict) or held.get("type", "dataset") != "dataset":
            raise ExchangeError(source.place, "describes no dataset", "Give the rdf.yaml of a dataset")
        values = read_terms(held)
        description = described(values, name)
        rest = held.get("config")
        own = rest.get(OWN) if isinstance(rest, dict) else None
        if isinstance(own, dict):
            description = described(over(description.mifa.plain(), own), name)
        findings: list[Finding] = []
        if own is not None and not isinstance(own, dict):
            findings.append(told("E009", f"config.{OWN} is no mapping", path=name))
        kept = _left(held, compose(description.mifa))
        findings += [told("E004", f"{one.at}: {_short(one.value)}", path=name) for one in kept]
        origin = Origin(FORM, source.place if source.remote else name, "", tuple(kept))
        return Submission(description, file_table([]), origin, [*description.findings, *findings])

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:  # noqa: ARG002
        """Write the description."""
        document = compose(submission.mifa)
        findings = _restore(document, submission)
        if "name" not in document:
            message = (
                f"BioImage.IO requires a name of {SHORTEST_NAME} to {LONGEST_NAME} Latin letters and digits"
            )
            findings.append(told("E003", message, field="study.title", fix="write a title"))
        missing = [name for name in ("authors", "license", "description", "cite") if not document.get(name)]
        if missing:
            findings.append(told("E010", f"BioImage.IO recommends {', '.join(missing)}", fix="fill them in"))
        if len(submission.files):
            findings.append(told("E001", "BioImage.IO has no list of files", field="files", fix="see source"))
        target.write_bytes(as_yaml(document).encode("utf-8", "replace"))
        return findings


BIOIMAGEIO = BioImageIO()


def compose(mifa: Mifa) -> Plain:
    """Return the description of a dataset, in the order in which it is written."""
    study = mifa.study
    licence = normalise_licence(study.license) if isinstance(study.license, str) else None
    version = mifa.versions[-1].version if mifa.versions else None
    terms: Plain = {
        "format_version": VERSION,
        "type": "dataset",
        "name": _name(study.title or ""),
        "description": _cut(" ".join((study.description or "").split())),
        "authors": [made for one in study.authors if (made := _author(one.plain()))],
        "cite": _citations(mifa),
        "license": licence.spdx if licence else None,
        "tags": [word for word in study.keywords if word.strip()],
        "version": version if version and _RELEASE.fullmatch(version) else None,
        "source": next((one for one in [address_of(mifa)] if _ADDRESS.fullmatch(one)), None),
        "git_repo": next(
            (one.link_url for one in study.links if one.link_url and _CODE.fullmatch(one.link_url)), None
        ),
    }
    document = {name: value for name, value in terms.items() if value not in (None, "", [])}
    rest = beyond(mifa.plain(), described(read_terms(document)).mifa.plain())
    return document | ({"config": {OWN: rest}} if rest else {})


def _name(title: str) -> str:
    letters = "".join(letter for letter in normalize("NFKD", title) if not combining(letter))
    found = " ".join(re.sub(r"[^A-Za-z0-9_+\- ()]+", " ", letters).split())[:LONGEST_NAME].strip()
    return found if len(found) >= SHORTEST_NAME else ""


def _cut(words: str) -> str:
    if len(words) <= LONGEST_TEXT:
        return words
    start = words[: LONGEST_TEXT - 4]
    return (start.rpartition(" ")[0] or start) + " ..."


def _text(record: Plain, name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _author(one: Plain) -> Plain:
    name = f"{_text(one, 'author_first_name')} {_text(one, 'author_last_name')}".strip()
    places = one.get("organisation")
    named = (
        [_text(place, "organisation_name") for place in places if isinstance(place, dict)]
        if isinstance(places, list)
        else []
    )
    orcid = _text(one, "orcid_id")
    email = _text(one, "email")
    if not name:
        return {}
    made = {
        "name": re.sub(r"[/\\]+", " ", name),
        "affiliation": "; ".join(filter(None, named)),
        "email": email if _EMAIL.fullmatch(email) else "",
        "orcid": orcid.rpartition("/")[2] if check_orcid(orcid).ok else "",
    }
    return {key: value for key, value in made.items() if value}


def _citations(mifa: Mifa) -> list[Plain]:
    found = []
    if _DOI.fullmatch(doi := bare_doi(mifa.study.doi)):
        found.append({"text": citation_text(mifa), "doi": doi})
    for paper in mifa.study.publications:
        words = paper.publication_title or paper.publication_authors
        doi = bare_doi(paper.publication_doi)
        number = re.sub(r"\D", "", paper.pubmed_id or "")
        if words and _DOI.fullmatch(doi):
            found.append({"text": words, "doi": doi})
        elif words and number:
            found.append({"text": words, "url": f"https://pubmed.ncbi.nlm.nih.gov/{number}/"})
    return found


def read_terms(document: Plain) -> Plain:
    """Return a description as far as the format's own fields give one."""
    study: Plain = {}
    for name, field in (("name", "title"), ("description", "description"), ("license", "license")):
        if isinstance(document.get(name), str):
            study[field] = document[name]
    tags = document.get("tags")
    if isinstance(tags, list):
        study["keywords"] = [word for word in tags if isinstance(word, str)]
    for name, field, read in (("authors", "authors", _read_author), ("cite", "publications", _read_citation)):
        items = document.get(name)
        made = [read(one) for one in items] if isinstance(items, list) else []
        study[field] = [one for one in made if one]
    if isinstance(document.get("git_repo"), str):
        study["links"] = [{"link_url": document["git_repo"], "link_description": "code"}]
    source = document.get("source")
    if isinstance(source, str) and _DOI.search(source) and "doi.org/" in source:
        study["doi"] = source
    values: Plain = {"study": {name: value for name, value in study.items() if value not in ("", [])}}
    version = document.get("version")
    if isinstance(version, str | int | float) and not isinstance(version, bool):
        values["versions"] = [{"version": str(version)}]
    return values


def _read_author(one: Any) -> Plain:
    if not isinstance(one, dict):
        return {"name": one} if isinstance(one, str) else {}
    made: Plain = {"name": _text(one, "name"), "email": _text(one, "email"), "orcid_id": _text(one, "orcid")}
    if place := _text(one, "affiliation"):
        made["organisation"] = [{"organisation_name": place}]
    return {key: value for key, value in made.items() if value}


def _read_citation(one: Any) -> Plain:
    if not isinstance(one, dict):
        return {"publication_title": one} if isinstance(one, str) else {}
    number = re.fullmatch(r"https://pubmed\.ncbi\.nlm\.nih\.gov/([0-9]+)/?", _text(one, "url"))
    made = {
        "publication_title": _text(one, "text"),
        "publication_doi": _text(one, "doi"),
        "pubmed_id": number[1] if number else "",
    }
    return {key: value for key, value in made.items() if value}


_SIMPLE: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "description": lambda value: isinstance(value, str),
    "license": lambda value: isinstance(value, str),
    "tags": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "authors": lambda value: _only(value, {"name", "affiliation", "email", "orcid"}),
    "version": lambda value: isinstance(value, str | int | float) and not isinstance(value, bool),
    "git_repo": lambda value: isinstance(value, str),
    "cite": lambda value: _only(value, {"text", "doi"}),
}
"""Fields to whether all that stands there was read."""


def _only(value: Any, known: set[str]) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and set(one) <= known and all(isinstance(held, str) for held in one.values())
        for one in value
    )


def _left(held: Plain, again: Plain) -> list[Kept]:
    """Return the fields that neither were read whole nor would be written again as they are."""
    config = held.get("config")
    ours = isinstance(config, dict) and OWN in config
    kept = []
    for name, value in held.items():
        if name in ("format_version", "type") or value is None or again.get(name) == value:
            continue
        if name == "config" and isinstance(value, dict):
            kept += [
                Kept(f"config.{key}", one)
                for key, one in value.items()
                if key != OWN or not isinstance(one, dict)
            ]
        elif ours or name not in _SIMPLE or not _SIMPLE[name](value):
            kept.append(Kept(name, value))
    return kept


def _restore(document: Plain, submission: Submission) -> list[Finding]:
    kept = submission.origin.kept
    if submission.origin.format != FORM:
        kinds = dict.fromkeys(re.sub(r"\[[^\]]*\]", "[]", one.at) for one in kept)
        source = submission.origin.format or "the source"
        return [told("E005", f"what was kept of {source} as {kind!r} has no place") for kind in kinds]
    findings = []
    for one in kept:
        if one.at.startswith("config."):
            document.setdefault("config", {}).setdefault(one.at.removeprefix("config."), one.value)
        elif one.at not in _SIMPLE or _still(submission.mifa, {one.at: one.value}):
            document[one.at] = one.value
        else:
            message = f"{one.at} was changed since it was read; what it said then is not written"
            findings.append(told("E005", message))
    return findings


def _still(mifa: Mifa, document: Plain) -> bool:
    """Whether a description still says what was read of a field."""
    said = described(read_terms(document)).mifa.plain()
    held, now = said.get("study", {}), mifa.plain().get("study", {})
    return all(now.get(name) == value for name, value in held.items())


def _file_of(source: Source) -> str:
    if source.is_folder:
        return next((name for name in FILES if source.has(name)), "")
    lowered = source.name.lower()
    return source.name if lowered in FILES or lowered.endswith((".rdf.yaml", ".bioimageio.yaml")) else ""


def _short(value: Any) -> str:
    words = str(value)
    return words if len(words) <= 60 else f"{words[:57]}..."
