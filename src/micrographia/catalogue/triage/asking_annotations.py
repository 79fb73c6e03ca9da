"""What a letter asks for over annotations: one sentence for all sets that lack the same."""

# ruff: noqa: ARG001 - every ask is called with the record and the findings

from __future__ import annotations

from collections.abc import Callable, Sequence

from micrographia.catalogue.triage.asking import Ask, told_by_rule
from micrographia.catalogue.triage.record import Record, joined, plural, quoted
from micrographia.checks.rules.coverage import annotated_images
from micrographia.checks.wording import suggest
from micrographia.findings import Finding
from micrographia.metadata import AnnotationSet
from micrographia.metadata.vocabulary import AnnotationType, annotation_type


def described(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a description of the annotations, if there are any."""
    if record.mifa.annotations:
        return "Please give each set of annotations a name of its own; the file lists refer to it."
    if record.annotation_files:
        return (
            f"The file list has {plural(record.annotation_files, 'annotation file')}, and nothing says yet what it is: "
            "please add a section for them with what was annotated, how, by which rules, and how much of the data."
        )
    return (
        "If masks, outlines, points or labels belong to these images, please add a section for them: what was "
        "annotated, how, by which rules, and how much of the data. If there are none, nothing is to be done here."
    )


def of_sets(text: str) -> Ask:
    """Return an ask that says which sets it is about."""

    def ask(record: Record, findings: Sequence[Finding]) -> str:
        return f"{_please(record, findings)} {text}."

    return ask


def worded(text: str, attribute: str) -> Ask:
    """Return an ask for a text of a set: for more where something is written, for something where nothing is."""

    def ask(record: Record, findings: Sequence[Finding]) -> str:
        held = record.sets(findings)
        if len(held) == 1 and getattr(held[0], attribute):
            own = quoted(str(getattr(held[0], attribute)), 60)
            return f"You write {own}{_of(record, held)}; a sentence more would help: {text}."
        return f"{_please(record, findings)} say {text}."

    return ask


def kind(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for the type, with the one that the set's own words suggest."""
    held = record.sets(findings)
    guess = guessed_type(held[0]) if held else ""
    own = f" From your description it is {guess}." if guess and len(held) == 1 else ""
    return f"{_please(record, findings)} choose what kind of annotation it is.{own}"


def guessed_type(held: AnnotationSet) -> str:
    """Return the type that the texts of a set speak of; empty if they speak of several or none."""
    text = " ".join(filter(None, (held.name, held.annotation_overview, held.annotation_method))).lower()
    signs = {
        AnnotationType.SEGMENTATION_MASK: ("segmentation", "mask", "segmented"),
        AnnotationType.BOUNDING_BOXES: ("bounding box",),
        AnnotationType.TRACKS: ("tracks", "tracking"),
        AnnotationType.POINT_ANNOTATIONS: ("point annotation", "landmark", "keypoint"),
        AnnotationType.CLASS_LABELS: ("class label", "classification"),
    }
    found = [str(kind) for kind, marks in signs.items() if any(mark in text for mark in marks)]
    return found[0] if len(found) == 1 else ""


def vocabulary(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for the word of the vocabulary that was meant."""
    was = str(findings[0].evidence.get("was") or "")
    meant = annotation_type(was).value if was else None
    near = str(meant or "") or suggest(was, [str(kind) for kind in AnnotationType])
    words = f"{quoted(was, 40)} as the type of annotation" if was else "The type of annotation"
    own = f"; the word of the vocabulary is {near}" if near else ""
    return f"{words} is not in the vocabulary of MIFA{own}. With it people find the data by what they need."


def coverage(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for coverage in numbers, with those of the file list."""
    held = record.sets(findings)
    covered = annotated_images(record.facts.dataset)
    names = [one.name for one in held if one.name and covered.get(one.name)]
    numbers = (
        f"{len(covered[names[0]]):,} of {record.images:,} images" if len(names) == 1 and record.images else ""
    )
    said = next(
        (c.description for one in held if (c := one.annotation_coverage) is not None and c.description), ""
    )
    if said:
        own = f" By the file list it is {numbers}." if numbers else " For example: 40 of 254 images."
        return f"You write {quoted(said, 70)}. In numbers it can be searched and counted.{own}"
    own = f" By the file list it is {numbers}" if numbers else " For example: 40 of 254 images, every sixth"
    return (
        f"{_please(record, findings)} say how much of the data is annotated, and why the rest is not.{own}."
    )


def counted_coverage(record: Record, findings: Sequence[Finding]) -> str:
    """Ask about a coverage that does not agree with the list."""
    first = findings[0]
    if "annotated" in first.evidence and "total" in first.evidence and first.code == "M022":
        return (
            f"The coverage{_of(record, record.sets(findings))} and the file list differ: by the list "
            f"{first.evidence['annotated']:,} of {first.evidence['total']:,} images are annotated. Which is right?"
        )
    return told_by_rule(record, findings)


def files_of_sets(record: Record, findings: Sequence[Finding]) -> str:
    """Ask about sets without files, and files without sets."""
    empty = [one.name for one in record.sets(findings) if one.name]
    if not record.facts.rows:
        return ""  # there is no list at all, which is another rule's question
    if empty:
        named = joined([quoted(one, 50) for one in empty], 3)
        return (
            f"No file of the file lists belongs to the annotations {named}. Please add their file list, or correct the "
            "name in it."
        )
    names = [str(finding.evidence["set"]) for finding in findings if finding.evidence.get("set")]
    named = joined([quoted(one, 50) for one in names], 3)
    return f"The file lists name the annotations {named}, which no section describes."


def annotators(record: Record, findings: Sequence[Finding]) -> str:
    """Ask who annotated."""
    return f"{_please(record, findings)} say which of the authors annotated; it is work that deserves its own credit."


def target(record: Record, findings: Sequence[Finding]) -> str:
    """Ask what was outlined."""
    return (
        f"{_please(record, findings)} say what exactly was outlined: where the border lies, and what was done with "
        "objects that touch, that are cut by the edge of the image, or that are out of focus."
    )


def _please(record: Record, findings: Sequence[Finding]) -> str:
    """Return ``Please``, with the sets that are meant before it if there are several."""
    held, every = record.sets(findings), record.mifa.annotations
    if len(every) < 2:
        return "Please"
    if len(held) == len(every):
        return f"For each of the {plural(len(held), 'set')} of annotations, please"
    names = [quoted(one.name or "the set without a name", 70) for one in held]
    return f"For {joined(names, 3)}, please"


def _of(record: Record, held: Sequence[AnnotationSet]) -> str:
    """Return whose it is, with a leading space, if there are several sets."""
    if len(record.mifa.annotations) < 2 or not held:
        return ""
    return f" of {quoted(held[0].name or 'the set without a name', 60)}"


def transformation(record: Record, findings: Sequence[Finding]) -> str:
    """Ask what lays annotations over images; ``none`` is an answer."""
    return (
        f"{_please(record, findings)} say what must be done to lay the annotations over the images; “none” is an "
        "answer, too."
    )


def said_by_files(record: Record, findings: Sequence[Finding], field: str, column: str) -> bool:
    """Whether the files say one by one what the sets do not say in words."""
    files = record.submission.files
    rows = record.facts.annotation_rows
    held = record.sets(findings)
    in_list = column in files.columns and any(files[column].astype(str).str.strip() != "")
    if column == "source image":
        in_list = bool(rows) and any(row.source for row in rows)
    return in_list or (
        bool(held) and all(any(getattr(one, field) for one in each.file_metadata) for each in held)
    )


def unless_files(ask: Ask, field: str, column: str) -> Ask:
    """Return an ask that is silent where the files say it."""

    def asked(record: Record, findings: Sequence[Finding]) -> str:
        return "" if said_by_files(record, findings, field, column) else ask(record, findings)

    return asked


def association(record: Record, findings: Sequence[Finding]) -> str:
    """Ask how an annotation is matched to its image."""
    return f"{_please(record, findings)} say in a sentence how an annotation is matched to its image."


ASKS: dict[str, Callable[[Record, Sequence[Finding]], str]] = {
    "M003": vocabulary,
    "M008": files_of_sets,
    "M009": described,
    "M010": annotators,
    "M011": worded("in a sentence what was annotated and how", "annotation_overview"),
    "M012": kind,
    "M013": worded(
        "who or what made the annotations, with which program and version, and how they were checked",
        "annotation_method",
    ),
    "M014": worded(
        "how far the annotations can be trusted: how well two annotators agree, or who checked them; that it was not "
        "measured is an answer, too",
        "annotation_confidence_level",
    ),
    "M015": worded(
        "by which rules objects were annotated or left out, for example those cut by the edge of the image or out of "
        "focus",
        "annotation_criteria",
    ),
    "M016": coverage,
    "M017": unless_files(association, "source_image_id", "source image"),
    "M018": unless_files(transformation, "transformations", "transformation"),
    "M019": worded("in which unit and from which origin the coordinates are", "spatial_information"),
    "M020": unless_files(
        of_sets("add when the annotations were finished; a year is enough"),
        "annotation_creation_time",
        "creation time",
    ),
    "M021": told_by_rule,
    "M022": counted_coverage,
    "M023": target,
    "M024": of_sets(
        "say what a pixel value of the masks means: a number for each object, a class, or foreground"
    ),
    "M025": of_sets("list the classes with the numbers that stand for them"),
}
"""Code of a rule to what a letter asks for."""
