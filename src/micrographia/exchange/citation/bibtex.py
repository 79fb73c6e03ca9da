"""BibTeX: an entry for the dataset, and one for each of its papers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from micrographia.errors import ExchangeError
from micrographia.exchange.citation.facts import (
    address_of,
    day_of,
    paper_names,
    publisher_of,
    version_of,
    year_of,
)
from micrographia.exchange.citation.tex import escaped, one_line, verbatim, word
from micrographia.exchange.citation.writing import STUDY, Person, Writing, bare_doi, put_back
from micrographia.exchange.form import Choice
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata import Mifa
from micrographia.metadata.taking import Plain

TITLE = "BibTeX"
DIALECTS = ("biblatex", "bibtex")
SMALL_WORDS = frozenset("a an the of on in for and to with from by at de la der die das".split())


class BibTeX:
    """Writes BibTeX; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "bibtex"
    title = "BibTeX, an entry for the dataset and one for each paper"
    file = "dataset.bib"
    reads = False
    writes = True
    choices = (Choice("dialect", DIALECTS, "biblatex knows @dataset; bibtex has @misc"),)

    def matches(self, _source: Source, /) -> bool:
        """Return that it is not: BibTeX is not read."""
        return False

    def read(self, source: Source, /) -> Submission:
        """Refuse: an entry says too little to make a dataset of.

        Raises
        ------
        ExchangeError
            Always.
        """
        raise ExchangeError(
            source.place, "is BibTeX, which is not read", "Import DataCite JSON or CITATION.cff"
        )

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write the entries."""
        text, findings = bibtex_entries(submission, options.get("dialect", DIALECTS[0]))
        target.write_bytes(text.encode("utf-8", "replace"))
        return findings


def bibtex_entries(
    submission: Submission, dialect: str = DIALECTS[0], title: str = ""
) -> tuple[str, list[Finding]]:
    """Return the entries of a dataset and its papers, and what they cannot carry.

    Parameters
    ----------
    submission
        The dataset.
    dialect
        ``biblatex`` or ``bibtex``.
    title
        What to call the dataset if it has no title.
    """
    writer = Writing(submission, TITLE)
    people = writer.people((*STUDY, "authors"))
    writer.whole((*STUDY, "authors"), len(people), "it has no name")
    fields = _dataset(writer, submission.mifa, people, title)
    for name, field in (("author", "authors"), ("title", "title"), ("year", "release_date")):
        writer.required(fields, name, (*STUDY, field))
    kind = "dataset" if dialect == "biblatex" else "misc"
    if dialect != "biblatex":
        fields["howpublished"] = "Dataset"
    keys: set[str] = set()
    first = people[0].last or people[0].first if people else ""
    entries = [
        _entry(kind, _key(first, fields.get("year", ""), submission.mifa.study.title or title, keys), fields)
    ]
    entries += _papers(writer, keys)
    writer.no_files(submission)
    return "\n".join(entries), [*writer.findings(), *put_back({}, submission, BibTeX.name, TITLE)]


def bibtex_of(mifa: Mifa, title: str = "") -> str:
    """Return the entries of a described dataset and its papers, without what they cannot carry."""
    from micrographia.exchange.submission import described, file_table

    return bibtex_entries(Submission(described(mifa.plain()), file_table([])), title=title)[0]


def author_field(people: list[Person]) -> str:
    """Return names as BibTeX separates them: ``Hooke, Robert and {The Royal Society}``."""
    names = []
    for person in people:
        last, first = escaped(person.last), escaped(person.first)
        if not first:
            names.append(f"{{{last}}}")
        else:
            parts = [_guarded(part) for part in (last, first) if part]
            names.append(", ".join(parts) if last else f"{{{first}}}")
    return " and ".join(names)


def _guarded(name: str) -> str:
    return f"{{{name}}}" if "," in name or re.search(r"\band\b", name, re.IGNORECASE) else name


def _dataset(writer: Writing, mifa: Mifa, people: list[Person], title: str) -> Plain:
    study = mifa.study
    fields: Plain = {}
    if people:
        fields["author"] = author_field(people)
    if said := writer.text((*STUDY, "title")) or title:
        fields["title"] = f"{{{escaped(said)}}}"
    if year := year_of(mifa):
        fields["year"] = year
        if study.release_date and day_of(study.release_date, 1) == study.release_date:
            writer.take((*STUDY, "release_date"))
    if version := version_of(mifa):
        fields["version"] = escaped(version)
        writer.take(("versions", len(mifa.versions) - 1, "version"))
    if publisher := publisher_of(study.accession, study.doi):
        fields["publisher"] = escaped(publisher)
    if doi := bare_doi(study.doi):
        fields["doi"] = verbatim(doi)
        writer.take((*STUDY, "doi"))
    if address := address_of(mifa):
        fields["url"] = verbatim(address)
    if accession := writer.text((*STUDY, "accession")):
        fields["number"] = escaped(accession)
    if words := writer.texts((*STUDY, "keywords")):
        fields["keywords"] = ", ".join(escaped(one) for one in words)
    if text := writer.text((*STUDY, "description")):
        fields["abstract"] = escaped(text)
    return fields


def _papers(writer: Writing, keys: set[str]) -> list[str]:
    entries = []
    for at, _ in writer.records((*STUDY, "publications")):
        paper = writer.copy(
            at,
            "publication_title",
            "publication_authors",
            "publication_doi",
            "publication_year",
            "pubmed_id",
            "pmc_id",
        )
        authors = paper.get("publication_authors", "")
        fields: Plain = {}
        if authors:
            fields["author"] = paper_authors(authors)
        if title := paper.get("publication_title", ""):
            fields["title"] = f"{{{escaped(title)}}}"
        if year := paper.get("publication_year"):
            fields["year"] = escaped(year)
        if doi := bare_doi(paper.get("publication_doi")):
            fields["doi"] = verbatim(doi)
        notes = [paper[name] for name in ("pubmed_id", "pmc_id") if name in paper]
        notes += [paper["publication_doi"]] if "publication_doi" in paper and not doi else []
        if notes:
            fields["note"] = escaped(", ".join(notes))
        if fields:
            first = re.split(r"[,;]|\bet al\b|\band\b", authors)[0].split()
            entries.append(
                _entry(
                    "article", _key(_surname(first), paper.get("publication_year", ""), title, keys), fields
                )
            )
    return entries


def paper_authors(text: str) -> str:
    """Return the authors of a paper, as they are cited, for BibTeX; ``et al.`` becomes ``and others``.

    Where :func:`~micrographia.exchange.citation.facts.paper_names` cannot tell the names apart they stay one.
    """
    whole = one_line(text)
    bare = re.sub(r"[,;]?\s*\bet al\b\.?\s*$", "", whole, flags=re.IGNORECASE)
    told_apart = paper_names(bare)
    names = []
    for name in told_apart or [bare]:
        parts = [part.strip() for part in name.split(",")]
        turned = (
            len(parts) == 2 and all(parts) and (bool(told_apart) or not any(" " in part for part in parts))
        )
        single = len(parts) == 1 and (bool(told_apart) or bare != whole)
        joined = re.search(r"\band\b", name, re.IGNORECASE)
        names.append(escaped(name) if (turned or single) and not joined else f"{{{escaped(name)}}}")
    return " and ".join([*names, *(["others"] if bare != whole else [])])


def _surname(words: list[str]) -> str:
    long = [word_ for word_ in words if len(word_.strip(".")) > 2]
    return (
        long[0]
        if long and len(words) > 1 and len(words[-1].strip(".")) <= 3
        else (words[-1] if words else "")
    )


def _key(name: str, year: str, title: str | None, used: set[str]) -> str:
    """Return a key that depends on what is cited alone: surname, year, first word of the title that says something."""
    words = [word(part) for part in re.split(r"[\s\-/]+", title or "")]
    telling = next((part for part in words if part and part not in SMALL_WORDS), "")
    key = "".join((word(name)[:30], word(year)[:8], telling[:30])) or "dataset"
    made, number = key, 2
    while made in used:
        made, number = f"{key}-{number}", number + 1
    used.add(made)
    return made


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    order = (
        "author",
        "title",
        "year",
        "version",
        "publisher",
        "howpublished",
        "number",
        "doi",
        "url",
        "note",
    )
    named = [*(name for name in order if name in fields), *(name for name in fields if name not in order)]
    body = "".join(f"  {name} = {{{fields[name]}}},\n" for name in named)
    return f"@{kind}{{{key},\n{body}}}\n"


BIBTEX = BibTeX()
