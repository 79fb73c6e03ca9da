"""Rules over what annotations mean: what was outlined, what a pixel value is, which classes there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import named
from micrographia.checks.wording import is_placeholder, listed
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import AnnotationSet
from micrographia.metadata.fields import specs
from micrographia.metadata.mifa import Target


class TargetGiven(Rule):
    """Every set of outlines says what exactly was outlined.

    What it does
    ------------
    Asks for the five parts of ``target``: the object, its boundary, and the rules for touching objects, for objects cut
    by the border and for objects out of focus. Sets of masks, outlines and boxes are judged.

    Why it matters
    --------------
    Whether the membrane belongs to the cell moves every border by some pixels; at a strict IoU that decides the score.

    Example
    -------
    ``boundary: outer edge of the DAPI signal; membrane not included``

    How to fix
    ----------
    Fill in ``target``; one clause each is enough.

    References
    ----------
    Practice. Users of public datasets ask for it: ome/ngff issue 163, labels that do not say what they represent.
    """

    code = "M023"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.METADATA
    requires = ("M009",)

    def applies(self, facts: Facts) -> bool:
        """Only with outlines."""
        return any(_outlines(held) for _, held in facts.sets)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each part."""
        for at, held in facts.sets:
            if not _outlines(held):
                continue
            target = held.target or Target()
            missing = [name for name in specs(Target) if not _said(getattr(target, name))]
            if missing:
                shown = listed((name.replace("_", " ") for name in missing), 5)
                yield self.finding(
                    f"the target{named(held)} does not say: {shown}"
                    if len(missing) < len(specs(Target))
                    else f"nothing says what was outlined{named(held).replace(' of ', ' in ', 1)}",
                    **facts.at(f"{at}.target"),
                    fix=f"write it, for example {missing[0]}: {specs(Target)[missing[0]].example}",
                    level=Level.PRESENT if len(missing) < len(specs(Target)) else Level.ABSENT,
                    evidence={"missing": missing},
                )


class MaskKindGiven(Rule):
    """Every set of masks says what a pixel value means.

    What it does
    ------------
    Asks for the ``mask_kind`` of sets of segmentation masks: instance, semantic or binary.

    Why it matters
    --------------
    The value 2 is the second object, the second class, or an error. Programs that guess count two cells where there are
    two hundred.

    Example
    -------
    ``mask_kind: instance``

    How to fix
    ----------
    Write it; ``micrographia describe`` proposes one from the values.

    References
    ----------
    Practice; ome/ngff issue 163, labels that do not say what they represent.
    """

    code = "M024"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.METADATA
    requires = ("M009",)

    def applies(self, facts: Facts) -> bool:
        """Only with masks."""
        return any("segmentation_mask" in held.annotation_type for _, held in facts.sets)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the kind."""
        for at, held in facts.sets:
            if "segmentation_mask" in held.annotation_type and held.mask_kind is None:
                yield self.finding(
                    f"nothing says what a pixel value means in the masks{named(held)}",
                    **facts.at(f"{at}.mask_kind"),
                    fix="write instance, semantic or binary",
                    level=Level.ABSENT,
                )


class ClassesDefined(Rule):
    """Classes have an id and a name each, and semantic masks and class labels have classes.

    What it does
    ------------
    Reports sets of semantic masks or class labels without ``classes``, classes without id or name, ids below 0, ids of
    masks that are 0 (background), and ids or names that occur twice.

    Why it matters
    --------------
    In a semantic mask the value is the id of the class. Without the list the values are numbers.

    Example
    -------
    ``classes: [{id: 1, name: fibroblast}, {id: 1, name: macrophage}]``

    How to fix
    ----------
    List every class with its own number and name.

    References
    ----------
    Practice; ``docs/annotations.md``.
    """

    code = "M025"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.METADATA
    requires = ("M009",)

    def applies(self, facts: Facts) -> bool:
        """Only with classes, or where there should be some."""
        return any(held.classes or _needs_classes(held) for _, held in facts.sets)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the classes of each set."""
        for at, held in facts.sets:
            if not held.classes:
                if _needs_classes(held):
                    yield self.finding(
                        f"nothing says which classes there are{named(held)}",
                        **facts.at(f"{at}.classes"),
                        fix="list every class with id and name",
                        level=Level.ABSENT,
                    )
                continue
            ids = Counter(entry.id for entry in held.classes)
            names = Counter((entry.name or "").strip().lower() for entry in held.classes)
            for number, entry in enumerate(held.classes):
                wrong = []
                if entry.id is None:
                    wrong.append("has no id")
                elif entry.id < 0 or (entry.id == 0 and held.mask_kind == "semantic"):
                    wrong.append(
                        f"has the id {entry.id}" + (", which is background" if entry.id == 0 else "")
                    )
                elif ids[entry.id] > 1:
                    wrong.append(f"shares the id {entry.id}")
                if not (entry.name or "").strip():
                    wrong.append("has no name")
                elif names[(entry.name or "").strip().lower()] > 1:
                    wrong.append("shares its name")
                if wrong:
                    yield self.finding(
                        f"class {entry.name or number + 1!r}{named(held)} {' and '.join(wrong)}",
                        **facts.at(f"{at}.classes[{number}]"),
                        fix="give each class an id and a name of its own",
                        level=Level.PRESENT,
                    )


def _outlines(held: AnnotationSet) -> bool:
    return bool(
        {"segmentation_mask", "geometrical_annotations", "bounding_boxes"} & set(held.annotation_type)
    )


def _needs_classes(held: AnnotationSet) -> bool:
    return held.mask_kind == "semantic" or "class_labels" in held.annotation_type


def _said(text: str | None) -> bool:
    return bool(text) and not is_placeholder(text or "")
