"""What a letter asks for, rule by rule, over the study and its credit: kind, exact, with the author's own words."""

# ruff: noqa: ARG001 - every ask is called with the record and the findings

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from micrographia.catalogue.triage.record import Record, index, joined, last, one_line, plural, quoted
from micrographia.checks.wording import is_placeholder, words
from micrographia.findings import Finding, Level
from micrographia.metadata import Licence, check_doi, normalise_licence
from micrographia.metadata.study import Author
from micrographia.metadata.vocabulary import slug

Ask = Callable[[Record, Sequence[Finding]], str]
"""Returns what to ask for; empty if there is nothing to ask of this record."""


def subjects(record: Record) -> list[str]:
    """Return words of the record that could be keywords: organisms, entities, methods, kinds of annotation."""
    found = [sample.organism.scientific_name for sample in record.mifa.biosamples if sample.organism]
    found += [sample.biological_entity for sample in record.mifa.biosamples]
    found += [
        method.value for held in record.mifa.image_acquisitions if (method := held.imaging_method) is not None
    ]
    found += [kind.replace("_", " ") for held in record.mifa.annotations for kind in held.annotation_type]
    short = [one_line(text) for text in found if text and len(words(text)) <= 4 and not is_placeholder(text)]
    return list(dict.fromkeys(short))


def title(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a title that says what is there."""
    named = joined(subjects(record)[:3])
    hint = f" From your record: {named}." if named else ""
    if findings[0].level is Level.ABSENT:
        return f"Please give the study a title that says what was imaged and what is annotated.{hint}"
    return (
        f"The title {quoted(record.study.title or '')} is short. With what was imaged, how, and what is annotated in "
        f"it, people find the data.{hint}"
    )


def description(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a description."""
    wanted = "what the images show, why they were taken, and what others can use them for"
    if findings[0].level is Level.ABSENT:
        same = bool(record.study.description) and record.study.description == record.study.title
        said = "The description repeats the title. " if same else ""
        return f"{said}Please say in a few sentences {wanted}."
    number = len(words(record.study.description or ""))
    return (
        f"The description has {plural(number, 'word')}. Two or three sentences more on {wanted} would help."
    )


def keywords(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for keywords, with words of the record."""
    held = [one_line(word) for word in record.study.keywords if not is_placeholder(word)]
    parts = [part.strip() for word in held for part in re.split(r"[;,]", word) if part.strip()]
    if len(parts) >= 3:
        shown = ", ".join(quoted(part, 40) for part in parts[:3]) + " and so on" * (len(parts) > 3)
        return f"The keywords stand in one field; with a field each ({shown}) people can search by them."
    known = {word.lower() for word in held}
    more = [word for word in subjects(record) if word.lower() not in known][:4]
    fit = "this would do" if len(more) == 1 else "these would do"
    own = f" From your record {fit}: {joined(more)}." if more else ""
    if findings[0].level is Level.ABSENT:
        return f"Please add three or more words by which people will search.{own}"
    count = f"{'is' if len(held) == 1 else 'are'} {plural(len(held), 'keyword')}"
    shown = joined([quoted(word, 40) for word in held])
    return f"There {count} ({shown}); people search by more words than that.{own}"


def authors(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for authors and their names."""
    if findings[0].level is Level.ABSENT:
        return "Please name the authors in the order in which they are to be cited."
    numbers = [at + 1 for finding in findings if (at := index(finding.field, "authors")) is not None]
    if len(record.study.authors) == 1 and not record.study.authors[0].name:
        return "The author has no name yet: nobody can cite the data, and we cannot greet you by name."
    which = joined([str(number) for number in numbers])
    several = len(numbers) > 1
    return f"Author{'s' * several} {which} of the list {'have' if several else 'has'} no last name."


def licence(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a licence, or for its version."""
    offer = "CC0 lets everybody use the data without conditions, CC BY 4.0 asks for credit"
    text = record.study.license
    if text and record.format == "mifa" and slug(text) == "cc_by":
        return ""  # the word of that form, which has none for the version
    if not text:
        return f"No licence is chosen yet, and without one nobody may use the data. {offer}; the archive takes both."
    known = normalise_licence(text)
    if known is None:
        return f"{quoted(text)} is not a licence that people and programs know. {offer}; one may say what you mean."
    return f"{quoted(text)} does not say which version. If you mean the current one, please write CC BY 4.0."


def licence_of_archive(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a licence that the archive takes."""
    if findings[0].field.startswith("study"):
        known = normalise_licence(record.study.license or "")
        named, whole = one_line(record.study.license or ""), "the data are"
        if (
            known is not None
            and (known.spdx or "").startswith("CC-BY-")
            and known.attribution
            and _plain(known)
        ):
            return (
                f"The data are under {named}, and the archive takes the present version, CC BY 4.0, or CC0. If all "
                "authors agree, please choose one of the two."
            )
    else:
        held = record.sets(findings)
        named, whole = joined([quoted(one.license or "", 40) for one in held]), "some annotations are"
    return (
        f"The archive takes CC0 and CC BY 4.0; {whole} under {named}. If all authors agree, please choose one of the "
        "two; if they cannot, tell us, and we look for another place."
    )


def open_licence(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a licence without conditions on use."""
    message = findings[0].message
    terms = message.split(" forbids ", 1)
    said = (
        f"forbids {terms[1]}"
        if len(terms) > 1
        else "asks for the same licence on all that is made from the data"
    )
    return (
        f"The licence {quoted(record.study.license or '', 40)} {said}, which keeps many from training models with the "
        "data. If all authors agree, CC0 or CC BY 4.0 would open them."
    )


def funding(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a sentence on who paid."""
    grants = [grant for grant in record.study.grants if grant.funder or grant.grant_id]
    if grants:
        named = [
            f"{one_line(grant.funder or '')}{', grant ' * bool(grant.funder and grant.grant_id)}"
            f"{one_line(grant.grant_id or '')}"
            for grant in grants[:2]
        ]
        return f"Please add a sentence on who paid for the work. From your grants: “Supported by {joined(named)}.”"
    thanks = re.search(
        r"[^.]*\b(support|fund|grant|financ)\w*[^.]*\.", record.study.acknowledgements or "", re.IGNORECASE
    )
    if thanks:
        return (
            f"The acknowledgements say who paid ({quoted(thanks[0], 80)}), and the field for it is empty. Please copy "
            "the sentence there."
        )
    return "Please add a sentence on who paid for the work; “This work received no external funding” is an answer, too."


def version(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a version and its date."""
    if findings[0].level is Level.ABSENT:
        date = record.study.release_date
        own = f", for example 1.0 and {one_line(date)[:10]}" if date else ", for example 1.0 and the date"
        return (
            f"Masks get corrected, and then it matters which ones were used: please number this release{own}."
        )
    return "Please give each version a number and a date."


def identifiers(record: Record, findings: Sequence[Finding]) -> str:
    """Ask to correct identifiers, with what was probably meant."""
    said = [_identifier(finding) for finding in findings[:2]]
    unsure = sum(not sure for _, sure in said) + max(0, len(findings) - 2)
    more = (
        f" {plural(len(findings) - 2, 'more').removesuffix('s').capitalize()} like this."
        if len(findings) > 2
        else ""
    )
    check = f" Please compare {'it' if len(findings) == 1 else 'them'} with the source." if unsure else ""
    return " ".join(text for text, _ in said) + more + check


def _identifier(finding: Finding) -> tuple[str, bool]:
    """Return what is the matter with an identifier, and whether that says what to do."""
    found = re.match(r"[\"'](.*)[\"'] is (?:no valid )?(?:no )?(.*?)(?:: (.*))?$", finding.message, re.DOTALL)
    if found is None:
        return _sentence(finding.message), False
    text, kind, why = found[1].strip(), found[2], found[3] or ""
    meant = _meant(text)
    if meant:
        return f"{quoted(text, 70)} cannot be followed; {meant} is probably meant.", True
    if kind.startswith("PMC") and text.isdigit():
        return f"{quoted(text)} looks like a PubMed number; that of PubMed Central begins with PMC.", True
    if is_placeholder(text) or re.match(
        r"(pending|in press|submitted|in preparation|under review)", text, re.IGNORECASE
    ):
        return (
            f"{quoted(text)} stands where the number of the paper belongs; the field may stay empty until then.",
            True,
        )
    because = f" ({one_line(why)})" if why and len(why) < 90 else ""
    named = {"PubMed": "PubMed number", "PMC": "PubMed Central number", "ORCID": "ORCID iD"}.get(kind, kind)
    return f"{quoted(text, 70)} is no {named} that can be followed{because}.", False


def _meant(text: str) -> str:
    """Return the identifier that a text probably means; empty if nothing is clear."""
    inside = re.search(r"10\.\d{4,9}/[^\s\"<>]+", text)
    preprint = re.fullmatch(r"(?:arxiv:)?([0-9]{4}\.[0-9]{4,5})(?:v[0-9]+)?", text, re.IGNORECASE)
    biology = re.fullmatch(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}\.[0-9]{6}", text)
    candidates = (
        inside[0] if inside else "",
        f"1{text}" if text.startswith("0.") else "",
        f"10.48550/arXiv.{preprint[1]}" if preprint else "",
        f"10.1101/{text}" if biology else "",
    )
    for candidate in candidates:
        found = check_doi(candidate) if candidate else None
        if found is not None and found.ok and found.value:
            return one_line(found.value)
    return ""


def told_by_rule(record: Record, findings: Sequence[Finding]) -> str:
    """Say what the rule says: for rules without words of their own."""
    first = findings[0]
    more = f" ({len(findings) - 1:,} more like this)" if len(findings) > 1 else ""
    fix = f" To mend it: {first.fix.rstrip('.')}." if first.fix and "micrographia" not in first.fix else ""
    return f"{_sentence(first.message)[:-1]}{more}.{fix}"


def citable(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a DOI."""
    papers = [paper for paper in record.study.publications if paper.publication_title]
    if papers:
        return (
            f"Your paper {quoted(papers[0].publication_title or '')} is listed without a DOI or PubMed number; with "
            "one the data and the paper lead to each other."
        )
    return "If a paper or preprint goes with the data, please add its DOI, so that both lead to each other."


def how_to_cite(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a sentence on citing."""
    name = record.study.accession or record.study.doi
    own = (
        f"“If you use these data, please cite {one_line(name)}{_paper(record)}.”"
        if name
        else "what you want to be cited"
    )
    return f"A sentence at the end of the description brings you the credit: {own}"


def orcid(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for ORCID iDs of those who have none, by name."""
    without = _named(record, findings)
    people = record.people
    if len(without) == len(people):
        who = "the author" if len(people) == 1 else f"the {plural(len(people), 'author')}"
        return f"Please add the ORCID iD of {who}, so that the credit arrives with the right person: https://orcid.org."
    rest = "the other author has one" if len(people) - len(without) == 1 else "the others have one"
    return (
        f"{_has(joined([one.name for one in without], 5), len(without))} no ORCID iD yet; {rest}. An ORCID iD takes "
        "the credit to the right person: https://orcid.org."
    )


def roles(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for the role of each author."""
    without = _named(record, findings)
    if len(without) == len(record.study.authors):
        return "Please say what each author did (for example data curation, annotation, imaging)."
    names = joined([one_line(one.name or "one author") for one in without], 4)
    return f"Please say what {names} did, as you do for the others."


def organisations(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for institutions and their ROR ids."""
    without = [
        one for finding in findings if "authors" in finding.evidence for one in _named(record, [finding])
    ]
    bare = [str(name) for finding in findings for name in finding.evidence.get("organisations", ())]
    parts = []
    if without:
        parts.append(f"{_has(joined([one.name for one in without], 4), len(without))} no institution yet.")
    if bare:
        named = joined([quoted(one, 60) for one in bare], 2)
        whom = "it" if len(bare) == 1 else "them"
        parts.append(
            f"Please add the ROR id (https://ror.org) of {named}, so that the work counts for {whom}."
        )
    return " ".join(parts)


def grants(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for grants with number and funder."""
    missing = [finding for finding in findings if index(finding.field, "grants") is not None]
    if missing:
        lacking = joined(sorted({last(finding.field).replace("grant_id", "number") for finding in missing}))
        number = len({index(finding.field, "grants") for finding in missing})
        return f"{plural(number, 'grant').capitalize()} {'has' if number == 1 else 'have'} no {lacking}."
    found = re.findall(r"\b[A-Z0-9][\w/.-]*\d{3,}[\w/-]*", record.study.funding_statement or "")
    own = f", for example {one_line(found[0])}" if found else ""
    return f"The grants of the funding statement{own} can be found by funders if they are listed one by one as well."


def models(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for models that were trained."""
    return "If models were trained with these data, their addresses would lead people to them, and to you."


def waivers(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for reasons of waivers."""
    return told_by_rule(record, findings)


def _plain(known: Licence) -> bool:
    return known.commercial and known.derivatives and not known.share_alike


def _sentence(text: str) -> str:
    flat = one_line(text).replace('"', "'")
    flat = flat if len(flat) < 200 else flat[:200].rsplit(" ", 1)[0] + " …"
    return f"{flat[:1].upper()}{flat[1:].rstrip('.')}."


def _named(record: Record, findings: Sequence[Finding]) -> list[Author]:
    numbers = [int(at) for finding in findings for at in finding.evidence.get("authors", ())]
    held = record.study.authors
    return [held[at] for at in numbers if at < len(held)]


def _has(names: str, number: int) -> str:
    return f"{one_line(names) or 'One author'} {'has' if number == 1 else 'have'}"


def _paper(record: Record) -> str:
    doi = next((p.publication_doi for p in record.study.publications if p.publication_doi), "")
    return f" and {one_line(doi)}" if doi else ""


ASKS: dict[str, Ask] = {
    "M001": title,
    "M002": description,
    "M004": keywords,
    "M005": authors,
    "M006": licence,
    "M007": funding,
    "M030": identifiers,
    "M050": version,
    "A001": open_licence,
    "A002": licence_of_archive,
    "I001": citable,
    "I002": how_to_cite,
    "I003": orcid,
    "I004": roles,
    "I005": organisations,
    "I006": grants,
    "I007": models,
}
"""Code of a rule to what a letter asks for."""
