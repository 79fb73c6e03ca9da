"""Rules over the fields that MIFA asks of every set of annotations."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import SetTextRule, named
from micrographia.findings import Finding, Level, Severity

"""Types of annotation that need no coordinates to be understood."""


class AnnotationsDescribed(Rule):
    """At least one set of annotations is described.

    What it does
    ------------
    Asks for an entry under ``annotations`` in ``mifa.yaml``, and for a name of each, by which ``files.tsv`` refers to
    it.

    Why it matters
    --------------
    MIFA is about annotations: who made them, how, by which rules. Without that the masks are coloured pictures.

    Example
    -------
    ``files.tsv`` lists 254 masks, and ``mifa.yaml`` does not say what they are.

    How to fix
    ----------
    Run ``micrographia describe`` again, which writes an entry for each set that it finds, and fill it in.

    References
    ----------
    MIFA, Annotations; schema, ``Annotations``.
    """

    code = "M009"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for sets and their names."""
        if not facts.sets:
            yield self.finding(
                "no set of annotations is described",
                **facts.at("annotations"),
                fix="run micrographia describe again and fill in annotations",
                level=Level.ABSENT,
            )
        seen: set[str] = set()
        for at, held in facts.sets:
            name = held.name or ""
            if not name or name in seen:
                yield self.finding(
                    f"two sets of annotations are called {name!r}"
                    if name
                    else "a set of annotations has no name",
                    **facts.at(f"{at}.name"),
                    fix="give each a name of its own and use it in files.tsv",
                    level=Level.PRESENT,
                )
            seen.add(name)


class AnnotationAuthors(Rule):
    """Every set of annotations says who annotated.

    What it does
    ------------
    Asks for ``authors`` of each set. Where only the study has authors, it notes that these are taken.

    Why it matters
    --------------
    Annotating is work that deserves credit, and experience decides how far an annotation can be trusted.

    Example
    -------
    The study has nine authors; two of them drew the masks, and nothing says which.

    How to fix
    ----------
    Name who annotated in ``annotations[].authors``; if all authors of the study did, name them again.

    References
    ----------
    MIFA, Annotations: authors.
    """

    code = "M010"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M009",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for authors of each set."""
        study = bool(facts.mifa.study.authors)
        for at, held in facts.sets:
            if not any(author.name for author in held.authors):
                yield self.finding(
                    f"nothing says who made the annotations{named(held)}"
                    + ("; the authors of the study are taken" if study else ""),
                    **facts.at(f"{at}.authors"),
                    fix="name who annotated",
                    level=Level.PRESENT if study else Level.ABSENT,
                    severity=Severity.INFO if study else None,
                )


class Overview(SetTextRule):
    """Every set of annotations has an overview.

    What it does
    ------------
    Asks for an ``annotation_overview`` of at least four words.

    Why it matters
    --------------
    It is the sentence by which a reader knows what is annotated at all.

    Example
    -------
    ``Masks of nuclei, predicted by a model and corrected by experts``

    How to fix
    ----------
    Say in a sentence what was annotated and how.

    References
    ----------
    MIFA, Annotations: annotation overview (required by the schema).
    """

    code = "M011"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    attribute = "annotation_overview"
    what = "overview"
    least = 4


class TypeGiven(Rule):
    """Every set of annotations has a type.

    What it does
    ------------
    Asks for at least one ``annotation_type``.

    Why it matters
    --------------
    The type says what can be trained with the annotations; people search by it.

    Example
    -------
    ``segmentation_mask``

    How to fix
    ----------
    Write one or several of: class_labels, bounding_boxes, counts, derived_annotations, geometrical_annotations, graphs,
    point_annotations, segmentation_mask, tracks, weak_annotations, other.

    References
    ----------
    MIFA, Annotations: annotation type (required by the schema).
    """

    code = "M012"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M009",)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for types."""
        for at, held in facts.sets:
            if not held.annotation_type:
                yield self.finding(
                    f"there is no annotation type{named(held)}",
                    **facts.at(f"{at}.annotation_type"),
                    fix="write it, for example segmentation_mask",
                    level=Level.ABSENT,
                )


class Method(SetTextRule):
    """Every set of annotations says how it was made.

    What it does
    ------------
    Asks for an ``annotation_method`` of at least five words.

    Why it matters
    --------------
    Masks drawn by hand, masks of a model, and masks of a model that people corrected err in different ways. A model
    that is scored on the output of another one learns its faults.

    Example
    -------
    ``Drawn by two biologists in QuPath 0.5, disputes settled by a pathologist``

    How to fix
    ----------
    Say who or what made them, with which software and version, and how they were checked.

    References
    ----------
    MIFA, Annotations: annotation method (required by the schema).
    """

    code = "M013"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    attribute = "annotation_method"
    what = "method"
    least = 5


class Confidence(SetTextRule):
    """Every set of annotations says how far it can be trusted.

    What it does
    ------------
    Asks for an ``annotation_confidence_level``.

    Why it matters
    --------------
    No score can be better than the annotation: if two people agree with an IoU of 0.8, a model cannot be asked for 0.9.

    Example
    -------
    ``two annotators agree with an IoU of 0.9 on 25 nuclei``

    How to fix
    ----------
    Write how well annotators agree, or say that it was not measured and why they can be trusted.

    References
    ----------
    MIFA, Annotations: annotation confidence level.
    """

    code = "M014"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    attribute = "annotation_confidence_level"
    what = "confidence level"


class Criteria(SetTextRule):
    """Every set of annotations says by which rules objects were taken or left out.

    What it does
    ------------
    Asks for ``annotation_criteria`` of at least three words.

    Why it matters
    --------------
    What was left out on purpose looks like a miss: a model that finds it is punished for being right.

    Example
    -------
    ``Only intact nuclei in focus are annotated``

    How to fix
    ----------
    Write down the rules that the annotators followed.

    References
    ----------
    MIFA, Annotations: annotation criteria.
    """

    code = "M015"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    attribute = "annotation_criteria"
    what = "criteria"
    plural = True
    least = 3
