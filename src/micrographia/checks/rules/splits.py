"""Rules over splits and groups: what a benchmark needs to be fair."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from micrographia.checks.facts import Facts
from micrographia.checks.mending import Cells, edit_lines
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted, listed, suggest
from micrographia.dataset import Dataset, FileRow
from micrographia.dataset.manifest import NAME
from micrographia.findings import Finding, Level, Severity

USUAL = ("train", "validation", "test")
SYNONYMS = {
    "training": "train",
    "trn": "train",
    "tr": "train",
    "learn": "train",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "development": "validation",
    "validate": "validation",
    "tst": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
    "hold-out": "test",
    "held-out": "test",
}


class SplitNames(Rule):
    """Splits have their usual names.

    What it does
    ------------
    Reports a split that is a usual one in another spelling: ``training``, ``val``, ``Test``. Splits with names of their
    own, such as ``fold-1``, are left alone.

    Why it matters
    --------------
    Loaders and benchmarks ask for ``train``, ``validation`` and ``test``; a split called ``val`` beside one called
    ``validation`` is half the data.

    Example
    -------
    ``Training`` should be ``train``.

    How to fix
    ----------
    Rename it; ``--fix`` does.

    References
    ----------
    Practice.
    """

    code = "L020"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY
    fixable = True

    def applies(self, facts: Facts) -> bool:
        """Only with splits."""
        return _has_splits(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare each name with the usual ones."""
        found: dict[str, list[FileRow]] = defaultdict(list)
        for row in facts.rows:
            if row.split:
                found[row.split].append(row)
        for split, rows in found.items():
            wanted = _usual(split)
            if wanted and wanted != split:
                yield self.finding(
                    f"the split {split!r} of {counted(len(rows), 'row')} is usually written {wanted!r}",
                    **facts.row_at(rows[0]),
                    fix=f"write {wanted}",
                    fixable=True,
                    evidence={"split": split, "lines": [row.line for row in rows]},
                )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Rename the splits."""
        lines = {line for finding in findings for line in finding.evidence.get("lines", ())}
        done = edit_lines(dataset.path / NAME, dict.fromkeys(lines, _rename))
        return [f"{NAME}: renamed the split of {counted(done.edited, 'row')}"] * bool(done.edited)


class SplitsDisjoint(Rule):
    """No group of images is in two splits.

    What it does
    ------------
    Reports values of a group column (slide, donor, plate) whose images are in more than one split.

    Why it matters
    --------------
    Images of one slide or donor resemble each other. A model that has seen some of them in training scores better on
    the others than on anything new: the benchmark measures memory.

    Example
    -------
    Slide 3 has four images in ``train`` and one in ``test``.

    How to fix
    ----------
    Move all images of a group into one split; ``micrographia describe --split`` makes splits that keep groups together.

    References
    ----------
    Practice; ``docs/splits.md``.
    """

    code = "L021"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with splits and groups."""
        return _has_splits(facts) and bool(facts.dataset.groups)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Collect the splits of each value of each group column."""
        for column in facts.dataset.groups:
            splits: dict[str, Counter[str]] = defaultdict(Counter)
            rows: dict[str, FileRow] = {}
            for image in facts.dataset.image_ids:
                row = facts.dataset.image_rows(image)[0]
                value = row.groups.get(column, "")
                if value and row.split:
                    splits[value][_usual(row.split) or row.split] += 1
                    if len(splits[value]) > 1:
                        rows.setdefault(value, row)
            for value, row in rows.items():
                counts = splits[value]
                yield self.finding(
                    f"{column} {value} is in {len(counts)} splits: "
                    + listed(f"{number} in {split}" for split, number in counts.items()),
                    **facts.row_at(row),
                    fix="move all its images into one split",
                    evidence={"group": column, "value": value, "splits": dict(counts)},
                )


class SplitsComplete(Rule):
    """If there are splits, every image is in one.

    What it does
    ------------
    Reports images without a split in a dataset where others have one.

    Why it matters
    --------------
    One user leaves them out, the next trains on them: two scores that cannot be compared.

    Example
    -------
    10 of 254 images have no split.

    How to fix
    ----------
    Write the split, or a split of its own (``unused``) that says that they are left out.

    References
    ----------
    Practice.
    """

    code = "L023"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with splits."""
        return _has_splits(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for empty cells."""
        first = [facts.dataset.image_rows(image)[0] for image in facts.dataset.image_ids]
        empty = [row for row in first if not row.split]
        if empty:
            yield self.finding(
                f"{counted(len(empty), 'image')} of {len(first):,} without a split: "
                + listed((row.image for row in empty), 3),
                **facts.row_at(empty[0]),
                fix="write the split of every image",
                level=Level.PRESENT,
                evidence={"images": [row.image for row in empty[:100]]},
            )


class RowsAgree(Rule):
    """The rows of an image and its annotations agree on split and groups.

    What it does
    ------------
    Reports images whose channel files, or whose annotations, have another split or another group than their first row.
    An empty cell agrees with everything.

    Why it matters
    --------------
    A program that reads the split from the mask trains on other images than one that reads it from the image.

    Example
    -------
    ``images/a1.tif`` is in ``train``, ``masks/a1.png`` in ``test``.

    How to fix
    ----------
    Correct the cell that is wrong.

    References
    ----------
    Practice.
    """

    code = "L024"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare each row with the first row of its image."""
        for image in facts.dataset.image_ids:
            first, *others = facts.dataset.image_rows(image)
            for row in [*others, *facts.dataset.annotation_rows(image)]:
                pairs = [("split", first.split, row.split)]
                pairs += [
                    (f"group:{name}", first.groups.get(name, ""), value) for name, value in row.groups.items()
                ]
                for column, wanted, value in pairs:
                    if value and value != wanted:
                        yield self.finding(
                            f"{row.name} has the {column} {value!r}, its image {image} has {wanted!r}",
                            **facts.row_at(row),
                            fix="correct the cell that is wrong",
                            evidence={"column": column, "image": image, "image_line": first.line},
                        )


def _has_splits(facts: Facts) -> bool:
    return any(row.split for row in facts.rows)


def _usual(split: str) -> str:
    plain = split.strip().lower()
    if plain in USUAL:
        return plain
    return SYNONYMS.get(plain, suggest(plain, USUAL) if len(plain) > 4 else "")


def _rename(cells: Cells) -> Cells:
    return cells | {"split": _usual(cells.get("split", "")) or cells.get("split", "")}
