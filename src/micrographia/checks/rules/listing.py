"""Rules over ``files.tsv`` and the files that it lists: what is there, what is not, what is there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from micrographia.checks.facts import Facts, zarr_root
from micrographia.checks.mending import edit_lines, mended_path
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.wording import counted
from micrographia.dataset import Dataset, FileRow
from micrographia.dataset.manifest import NAME
from micrographia.findings import Finding, Severity

DOCUMENTS = (
    "readme",
    "license",
    "licence",
    "copying",
    "citation",
    "changelog",
    "card",
    "badge",
    "code_of_conduct",
)
"""Beginnings of the names of files that need not be listed."""


class FileListLines(Rule):
    r"""Every line of files.tsv can be read as it stands.

    What it does
    ------------
    Reports blank lines, lines with too few or too many cells, paths that are absolute, climb out of the dataset or are
    written with backslashes or ``./``, unknown roles, and sizes that are no numbers.

    Why it matters
    --------------
    The archive refuses a file list with such lines, and every program that reads it has to guess. A path that leaves
    the dataset is never followed, so its file is missing for everybody else.

    Example
    -------
    ``images\cell 1.tif`` and ``./images/a.tif`` are reported; ``images/a.tif`` is not.

    How to fix
    ----------
    Mend the line. ``--fix`` rewrites backslashes, ``./`` and ``//`` in paths and removes blank lines.

    References
    ----------
    BioImage Archive, how to write a file list; ``docs/dataset.md`` for the columns of ``files.tsv``.
    """

    code = "L001"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.ACCESSIBILITY
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface what reading ``files.tsv`` had to say."""
        for told in facts.dataset.findings:
            if told.code.startswith("T"):
                yield self.finding(
                    told.message,
                    path=told.path,
                    line=told.line,
                    fix=told.fix,
                    fixable=told.code in ("T001", "T003"),
                    severity=told.severity,
                    evidence={"reading": told.code},
                )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Rewrite paths with ``/`` only, and remove blank lines."""
        blank = {f.line for f in findings if f.line and f.evidence.get("reading") == "T001"}
        crooked = {f.line for f in findings if f.line and f.evidence.get("reading") == "T003"}
        edits = {
            line: (lambda cells: cells | {"Files": mended_path(cells["Files"].strip())}) for line in crooked
        }
        done = edit_lines(dataset.path / NAME, edits, remove=blank)
        return [f"{NAME}: wrote {counted(done.edited, 'path')} with / only"] * bool(done.edited) + [
            f"{NAME}: removed {counted(done.removed, 'blank line')}"
        ] * bool(done.removed)


class NothingUnlisted(Rule):
    """Every file of the folder is listed.

    What it does
    ------------
    Reports files that are in the folder but not in ``files.tsv``. Hidden files and documents about the dataset (README,
    LICENSE, CITATION, ...) need not be listed.

    Why it matters
    --------------
    Nobody knows what an unlisted file is, whether it belongs to the dataset, or which image it annotates.

    Example
    -------
    ``masks/a17_old.png`` lies beside ``masks/a17.png``.

    How to fix
    ----------
    Run ``micrographia describe`` again, which adds the file, or remove it from the folder.

    References
    ----------
    BioImage Archive, how to write a file list: one line a file.
    """

    code = "L005"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.ACCESSIBILITY
    needs = Needs.FILES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each file of the folder in the list."""
        listed = {zarr_root(row.path) for row in facts.rows} | {row.path for row in facts.rows}
        for path in facts.disk or {}:
            if path in listed or PurePosixPath(path).name.lower().startswith(DOCUMENTS):
                continue
            yield self.finding(
                "the file is not listed in files.tsv",
                path=path,
                fix="run micrographia describe again, or remove the file",
            )


class NothingOutOfReach(Rule):
    """Nothing in the folder is out of reach.

    What it does
    ------------
    Reports links to folders, which are never followed, folders that cannot be listed, and names that are not UTF-8.

    Why it matters
    --------------
    Links do not survive a deposition, and may lead out of the dataset or round in a circle. Names in another encoding
    cannot be written into the file list.

    Example
    -------
    ``images/raw`` is a link to ``/data/2021/raw``.

    How to fix
    ----------
    Copy what the link leads to; rename the file.

    References
    ----------
    Practice.
    """

    code = "L006"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY
    needs = Needs.FILES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface what walking through the folder had to say."""
        for problem in facts.walk_problems:
            yield self.finding(problem.problem, path=problem.path, fix=problem.remedy.lower())


class ListedOnce(Rule):
    """No file is listed twice.

    What it does
    ------------
    Reports a file (or a member of one) that has two rows: twice the same, or as two images, or as the annotation of two
    images.

    Why it matters
    --------------
    What is listed twice is counted and trained on twice; a file that is two images puts the same pixels into two
    splits.

    Example
    -------
    ``images/a1.tif`` is the image ``a1`` on line 7 and the image ``a1-copy`` on line 31.

    How to fix
    ----------
    Remove one of the rows. ``--fix`` removes rows that repeat an earlier one in every cell.

    References
    ----------
    BioImage Archive, how to write a file list: one line a file.
    """

    code = "L007"
    severity = Severity.ERROR
    source = Source.BIA
    letter = Letter.ACCESSIBILITY
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Group the rows by file and member; a member that is image and annotation is another rule's."""
        groups: dict[tuple[str, str, bool], list[FileRow]] = defaultdict(list)
        for row in facts.rows:
            groups[row.path, row.member, row.role == "image"].append(row)
        for rows in groups.values():
            first = rows[0]
            for row in rows[1:]:
                same = _cells(row) == _cells(first)
                yield self.finding(
                    f"the file {row.name} is listed a second time; first on line {first.line}"
                    if same
                    else f"the file {row.name} is listed as {_what(first)} (line {first.line}) and as {_what(row)}",
                    **facts.row_at(row),
                    fix="remove one of the rows",
                    fixable=same,
                    evidence={"file": row.name, "first": first.line, "identical": same},
                )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Remove the rows that repeat an earlier one in every cell."""
        lines = {f.line for f in findings if f.line and f.evidence.get("identical")}
        done = edit_lines(dataset.path / NAME, {}, remove=lines)
        return [f"{NAME}: removed {counted(done.removed, 'repeated row')}"] * bool(done.removed)


class ImageOrAnnotation(Rule):
    """No file is image and annotation at once.

    What it does
    ------------
    Reports a file (or a member of one) that is listed as an image and as an annotation.

    Why it matters
    --------------
    An annotation that is its own image says nothing, and a model that sees it learns to copy.

    Example
    -------
    ``images/a1.tif`` is the image ``a1`` and, on a later line, the segmentation mask of ``a1``.

    How to fix
    ----------
    Correct the path of one of the rows.

    References
    ----------
    Practice.
    """

    code = "L008"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each annotation among the images."""
        images = {(row.path, row.member): row for row in facts.rows if row.role == "image"}
        for row in facts.annotation_rows:
            image = images.get((row.path, row.member))
            if image is not None:
                yield self.finding(
                    f"the file {row.name} is listed as annotation and as the image {image.image} (line {image.line})",
                    **facts.row_at(row),
                    fix="correct the path of one of the rows",
                    evidence={"file": row.name, "image_line": image.line},
                )


def _cells(row: FileRow) -> tuple[object, ...]:
    return (
        row.image,
        row.role,
        row.channel,
        row.set,
        row.type,
        row.source,
        row.split,
        row.layer,
        *row.groups.values(),
    )


def _what(row: FileRow) -> str:
    if row.role == "image":
        return f"image {row.image}" + (f", channel {row.channel}" if row.channel else "")
    if row.role == "annotation":
        return f"annotation {row.set or row.type} of {row.source}"
    return row.role
