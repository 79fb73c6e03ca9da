"""Compare two submissions field by field."""

from __future__ import annotations

from collections.abc import Iterable

from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata.trees import dotted, paths


def differing(before: Submission, after: Submission) -> list[str]:
    """Return where two submissions differ: dotted paths of the model, ``files`` and ``files.COLUMN``.

    The order of files says nothing; a column that is empty everywhere is as good as none.
    """
    left = {dotted(at): value for at, value in paths(before.mifa.plain())}
    right = {dotted(at): value for at, value in paths(after.mifa.plain())}
    found = [at for at in [*left, *right] if left.get(at) != right.get(at)]
    return [*dict.fromkeys(found), *_files(before, after)]


def unnamed_differences(before: Submission, after: Submission, findings: Iterable[Finding]) -> list[str]:
    """Return the fields that differ between two submissions without a finding that names them.

    Parameters
    ----------
    before, after
        What was exported, and what came back.
    findings
        Those of the export and of the import; each names a field (``study.grants``, with all below it), or several as
        ``evidence["fields"]``; columns of the file list are ``files.COLUMN``, all of it ``files``.

    Returns
    -------
    list of str
        Dotted paths of the model and ``files.COLUMN``; empty if the round trip was honest.
    """
    named = [
        field
        for finding in findings
        for field in (finding.evidence.get("fields") or [finding.field])
        if field
    ]
    return [
        at
        for at in differing(before, after)
        if not any(at == name or at.startswith((f"{name}.", f"{name}[")) for name in named)
    ]


def _files(before: Submission, after: Submission) -> list[str]:
    one, two = _rows(before), _rows(after)
    if sorted(one) != sorted(two):
        return ["files"]
    columns = dict.fromkeys(name for rows in (one, two) for cells in rows.values() for name in cells)
    return [
        f"files.{name}"
        for name in columns
        if any(one[key].get(name, "") != two[key].get(name, "") for key in one)
    ]


def _rows(submission: Submission) -> dict[tuple[str, str, str], dict[str, str]]:
    frame = submission.files
    names = [str(name) for name in frame.columns if name != "line"]
    cells = zip(*(frame[name].astype(str) for name in names), strict=True) if len(frame) else ()
    rows = [
        {name: text for name, text in zip(names, row, strict=True) if text not in ("", "-1")} for row in cells
    ]
    return {
        (row.get("Files", ""), row.get("member", ""), row.get("annotation set", "")): {
            name: text for name, text in row.items() if name not in ("Files", "member", "annotation set")
        }
        for row in rows
    }
