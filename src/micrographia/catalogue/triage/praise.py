"""What is good about a record: only what is there, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.catalogue.triage.record import Record, joined, one_line, plural
from micrographia.checks.wording import words
from micrographia.metadata import normalise_licence

MOST = 3
"""Good things that a letter names."""


def praises(record: Record) -> list[str]:
    """Return up to three clauses about what the record does well."""
    found = sorted(_found(record), key=lambda pair: -pair[0])
    return [text for _, text in found[:MOST]]


def _found(record: Record) -> Iterator[tuple[int, str]]:
    yield from _annotations(record)
    yield from _study(record)
    yield from _credit(record)
    preparation = sum(len(words(held.sample_preparation or "")) for held in record.mifa.specimens)
    if record.passed("M042") and preparation >= 40:
        yield 7, "the preparation of the samples is described so that others could repeat it"
    parameters = sum(
        len(words(held.image_acquisition_parameters or "")) for held in record.mifa.image_acquisitions
    )
    if record.passed("M044") and record.passed("M045") and parameters >= 15:
        yield 6, f"{_instrument(record)} and its settings are given in detail"
    elif record.passed("M044"):
        yield 3, f"{_instrument(record)} is named"
    if record.passed("M040") and record.mifa.biosamples:
        yield 4, "the organism is given with its taxon"
    components = len(record.mifa.study_components)
    if components > 1 and record.passed("M046"):
        yield 4, f"the {plural(components, 'study component')} are described each for itself"


def _instrument(record: Record) -> str:
    named = one_line(record.mifa.image_acquisitions[0].imaging_instrument or "")
    several = len(record.mifa.image_acquisitions) > 1
    return (
        "the microscope"
        if several or not named or len(named) > 50
        else f"the microscope (“{named.rstrip('.')}”)"
    )


def _annotations(record: Record) -> Iterator[tuple[int, str]]:
    held = record.mifa.annotations
    if not held:
        return
    there = [
        word
        for word, code in (
            ("method", "M013"),
            ("criteria", "M015"),
            ("confidence", "M014"),
            ("coverage", "M016"),
        )
        if record.passed(code)
    ]
    if len(there) >= 2:
        yield 10, f"{joined(there)} of the annotations are described"
    elif there:
        yield 8, f"the {there[0]} of the annotations {'are' if there[0] == 'criteria' else 'is'} described"
    if record.listed and record.annotation_files and record.passed("L016"):
        yield 9, "every annotation file names its image"


def _study(record: Record) -> Iterator[tuple[int, str]]:
    study = record.study
    number = len(words(study.description or ""))
    if record.passed("M002") and number >= 60:
        yield 8, f"{plural(number, 'word')} of description say what was imaged and why"
    licence = normalise_licence(study.license or "")
    if licence is not None and licence.spdx == "CC0-1.0":
        yield 7, "with CC0 everybody may use the data"
    elif licence is not None and licence.spdx == "CC-BY-4.0":
        yield 7, "with CC BY 4.0 everybody may use the data, with credit to you"
    if record.passed("M004") and len(study.keywords) >= 5:
        yield 2, f"{plural(len(study.keywords), 'keyword')} help people to find it"


def _credit(record: Record) -> Iterator[tuple[int, str]]:
    people = len(record.people)
    if record.passed("I003") and people > 1:
        yield 6, f"all {plural(people, 'author')} have an ORCID iD"
    elif record.passed("I003") and people == 1:
        yield 5, "your ORCID iD is there"
    if record.passed("I001") and any(paper.publication_doi for paper in record.study.publications):
        yield 5, "the paper is linked by its DOI"
    if record.study.grants and record.passed("I006"):
        named = one_line(record.study.grants[0].funder or "")
        if named and len(named) < 60:
            yield 3, "the grants are listed with their funders"
