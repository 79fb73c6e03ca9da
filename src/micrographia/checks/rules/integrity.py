"""Rules over listed files as they are on the disk: there, of the right size, unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.dataset import FileRow
from micrographia.findings import Finding, Severity


class FilesExist(Rule):
    """Every listed file exists.

    What it does
    ------------
    Reports rows whose file is not in the folder.

    Why it matters
    --------------
    A missing mask or image breaks training in the middle of a run, and a deposition is refused.

    Example
    -------
    The list says ``images/A01.TIF`` and the folder holds ``images/A01.tif``: on some machines that works, on most not.

    How to fix
    ----------
    Bring the file back, or run ``micrographia describe`` again, which finds moved files by their checksum.

    References
    ----------
    BioImage Archive, how to write a file list: paths are case-sensitive.
    """

    code = "L002"
    severity = Severity.ERROR
    source = Source.BIA
    letter = Letter.ACCESSIBILITY
    needs = Needs.FILES

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each path among those of the folder."""
        by_case = {path.casefold(): path for path in facts.disk or {}}
        for row in _first_rows(facts.rows):
            if facts.on_disk(row.path):
                continue
            near = by_case.get(row.path.casefold())
            yield self.finding(
                f"the file {row.path} is listed but does not exist",
                **facts.row_at(row),
                fix=f"write {near}" if near else "bring it back, or run micrographia describe again",
                evidence={"file": row.path},
            )


class SizesMatch(Rule):
    """Every listed file has the size that the list gives.

    What it does
    ------------
    Compares the column ``size`` with the files.

    Why it matters
    --------------
    Another size is another file: it was changed, or a copy was cut off.

    Example
    -------
    A download stopped early: the list says 18,768 bytes, the file has 9,216.

    How to fix
    ----------
    Copy the file again; if it was changed on purpose, run ``micrographia describe`` again and add a version.

    References
    ----------
    Practice.
    """

    code = "L003"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY
    needs = Needs.FILES

    def applies(self, facts: Facts) -> bool:
        """Only where the list gives sizes."""
        return any(row.size >= 0 for row in facts.rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare sizes."""
        disk = facts.disk or {}
        for row in _first_rows(facts.rows):
            actual = disk.get(row.path)
            if row.size >= 0 and actual is not None and actual != row.size:
                yield self.finding(
                    f"the file has {actual:,} bytes, the list says {row.size:,}",
                    path=row.path,
                    fix="copy it again, or run micrographia describe again if it was changed on purpose",
                    evidence={"bytes": actual, "listed": row.size, "line": row.line},
                )


class ChecksumsMatch(Rule):
    """Every listed file has the checksum that the list gives.

    What it does
    ------------
    Computes the SHA-256 of every file and compares it with the column ``sha256``. It runs with ``--checksums`` and with
    ``--pixels``.

    Why it matters
    --------------
    A flipped bit or a swapped file of the same size shows nowhere else.

    Example
    -------
    ``images/a1.tif`` was saved again by a viewer, which changed its metadata.

    How to fix
    ----------
    Copy the file again; if it was changed on purpose, run ``micrographia describe`` again and add a version.

    References
    ----------
    Practice.
    """

    code = "L004"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY
    needs = Needs.CHECKSUMS

    def applies(self, facts: Facts) -> bool:
        """Only where the list gives checksums."""
        return any(row.sha256 for row in facts.rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare checksums of files whose size is right; the others are reported already."""
        for row in _first_rows(facts.rows):
            actual = (facts.checksums or {}).get(row.path)
            resized = row.size >= 0 and (facts.disk or {}).get(row.path, row.size) != row.size
            if row.sha256 and actual is not None and actual != row.sha256.lower() and not resized:
                yield self.finding(
                    "the file is not the one that was listed: its checksum differs",
                    path=row.path,
                    fix="copy it again, or run micrographia describe again if it was changed on purpose",
                    evidence={"sha256": actual, "listed": row.sha256, "line": row.line},
                )


def _first_rows(rows: Sequence[FileRow]) -> list[FileRow]:
    """Return the first row of each file."""
    first: dict[str, FileRow] = {}
    for row in rows:
        first.setdefault(row.path, row)
    return list(first.values())
