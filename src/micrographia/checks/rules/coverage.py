"""Rules over coverage, targets and classes: how much is annotated, what was outlined, and what the values mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import named
from micrographia.checks.wording import counted, listed
from micrographia.dataset import Dataset
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import AnnotationSet, update

IMAGE_UNITS = frozenset(("image", "images", "field", "fields", "fields of view"))
"""Units of coverage that can be compared with the images of ``files.tsv``."""


class CoverageGiven(Rule):
    """Every set of annotations says how much of the data it covers, in numbers.

    What it does
    ------------
    Asks for ``annotated``, ``total`` and ``unit`` of ``annotation_coverage``. Words alone are present, not specific.

    Why it matters
    --------------
    Without it nobody knows whether an object without annotation is a miss or background.

    Example
    -------
    ``{annotated: 40, total: 254, unit: images, description: every sixth image}``

    How to fix
    ----------
    Write both numbers and what they count. ``--fix`` counts images where the numbers are missing.

    References
    ----------
    MIFA, Annotations: annotation coverage.
    """

    code = "M016"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M009",)
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for numbers and unit."""
        covered = annotated_images(facts.dataset)
        for at, held in facts.sets:
            coverage = held.annotation_coverage
            if coverage is not None and None not in (coverage.annotated, coverage.total) and coverage.unit:
                continue
            says = coverage is not None and not coverage.is_empty
            counted_by = (coverage.unit or "images").strip().lower() if coverage is not None else "images"
            yield self.finding(
                f"the coverage{named(held)} is not given in numbers"
                if says
                else f"there is no coverage{named(held)}",
                **facts.at(f"{at}.annotation_coverage"),
                fix="write annotated, total and unit",
                fixable=held.name in covered and counted_by in IMAGE_UNITS and _without_numbers(held),
                level=Level.PRESENT if says else Level.ABSENT,
            )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Count the images of the list and those that are annotated."""
        return _count(dataset, findings)


class CoverageAddsUp(Rule):
    """The numbers of a coverage can be true.

    What it does
    ------------
    Reports coverages with negative numbers, a total of 0, or more annotated than there are.

    Why it matters
    --------------
    A coverage of 300 of 254 images says that one of the numbers counts something else.

    Example
    -------
    ``{annotated: 300, total: 254, unit: images}``

    How to fix
    ----------
    Count again; write in ``unit`` what both numbers count.

    References
    ----------
    MIFA, Annotations: annotation coverage.
    """

    code = "M021"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with numbers."""
        return any(
            held.annotation_coverage and held.annotation_coverage.total is not None for _, held in facts.sets
        )

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the numbers with each other."""
        for at, held in facts.sets:
            coverage = held.annotation_coverage
            if coverage is None or coverage.total is None or coverage.annotated is None:
                continue
            annotated, total = coverage.annotated, coverage.total
            if 0 <= annotated <= total and total > 0:
                continue
            yield self.finding(
                f"the coverage{named(held)} is {annotated:g} of {total:g} {coverage.unit or ''}".rstrip(),
                **facts.at(f"{at}.annotation_coverage"),
                fix="count again",
                level=Level.PRESENT,
                evidence={"annotated": annotated, "total": total},
            )


class CoverageIsTrue(Rule):
    """A coverage counted in images agrees with the file list.

    What it does
    ------------
    Where the unit is images, compares ``annotated`` and ``total`` with the images of ``files.tsv`` and with those that
    have a file of the set. Where a set leaves images out and the coverage is not counted in images, it asks for that.

    Why it matters
    --------------
    Images without annotation that pass for annotated teach a model that there is nothing. Users of several public
    datasets found masks missing.

    Example
    -------
    The coverage is 254 of 254 images; 12 images have no mask.

    How to fix
    ----------
    Correct the numbers, or add what is missing. ``--fix`` writes the numbers that follow from the list.

    References
    ----------
    MIFA, Annotations: annotation coverage.
    """

    code = "M022"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    requires = ("M016", "M021")
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the numbers with the list."""
        total = len(facts.dataset.image_ids)
        covered = annotated_images(facts.dataset)
        for at, held in facts.sets:
            coverage, images = held.annotation_coverage, covered.get(held.name or "")
            if coverage is None or images is None or not total:
                continue
            if (coverage.unit or "").strip().lower() not in IMAGE_UNITS:
                if len(images) < total and not (coverage.description or "").strip():
                    without = [image for image in facts.dataset.image_ids if image not in images]
                    yield self.finding(
                        f"{counted(len(without), 'image')} of {total:,} without annotations{named(held)}, and nothing "
                        f"says why: {listed(without, 3)}",
                        **facts.at(f"{at}.annotation_coverage"),
                        fix="say in the description of the coverage which images are left out and why",
                        level=Level.SPECIFIC,
                        severity=Severity.WARNING,
                        evidence={"images": without[:100], "count": len(without)},
                    )
                continue
            if (coverage.annotated, coverage.total) != (len(images), total):
                yield self.finding(
                    f"the coverage{named(held)} is {coverage.annotated:g} of {coverage.total:g} images, "
                    f"the list has {len(images):,} of {total:,}",
                    **facts.at(f"{at}.annotation_coverage"),
                    fix=f"write {len(images)} of {total}, or add what is missing",
                    fixable=True,
                    level=Level.SPECIFIC,
                    evidence={"annotated": len(images), "total": total},
                )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Write the numbers of the list."""
        return _count(dataset, findings)


def annotated_images(dataset: Dataset) -> dict[str, set[str]]:
    """Return the ids of the images that have a file of each set; sets with a table of many images are left out."""
    known = set(dataset.image_ids)
    found: dict[str, set[str]] = {}
    unknown: set[str] = set()
    for row in dataset.rows:
        if row.role != "annotation" or not row.set:
            continue
        if row.source in known:
            found.setdefault(row.set, set()).add(row.source)
        else:
            unknown.add(row.set)
    return {name: images for name, images in found.items() if name not in unknown}


def _count(dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
    covered, done = annotated_images(dataset), []
    for finding in findings:
        index = int(finding.field[finding.field.index("[") + 1 : finding.field.index("]")])
        held = dataset.mifa.annotations[index]
        numbers = {
            "annotated": len(covered[held.name or ""]),
            "total": len(dataset.image_ids),
            "unit": "images",
        }
        field = f"annotations[{index}].annotation_coverage"
        update(dataset.path / "mifa.yaml", {f"{field}.{name}": value for name, value in numbers.items()})
        done.append(
            f"mifa.yaml: wrote the coverage{named(held)}: {numbers['annotated']} of {numbers['total']} images"
        )
    return done


def _without_numbers(held: AnnotationSet) -> bool:
    coverage = held.annotation_coverage
    return coverage is None or (coverage.annotated is None and coverage.total is None)
