"""A statement of compliance as one printed page, as Markdown, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.checks.statement import Verdict
from micrographia.dataset.manifest import write_whole
from micrographia.errors import DatasetError, printable
from micrographia.report.findings_markdown import escape
from micrographia.report.templating import environment

LISTED = 7
"""Failed rules that are listed on the page: with more of them nobody prints it."""
WAIVERS = 4
"""Waivers that are listed on the page."""
REASONS = 4
"""Reasons for which rules were not judged that are listed on the page."""

READ = {
    "metadata": "the description and the list of files",
    "files": "the description, the list, and names and sizes of files",
    "headers": "the description, the list, and the headers of the files, not the pixels",
    "pixels": "the description, the list, and every pixel",
}
"""How far was read, in words."""

FORMATS = (".html", ".md", ".json")
"""Endings of the files that a statement can be written to."""


def write_statement(document: Mapping[str, Any], path: Path) -> None:
    """Write a statement, whole or not at all, in the form that the ending of the file says.

    Raises
    ------
    DatasetError
        If the ending is another one, or it cannot be written.
    """
    verify_ending(path)
    made = {".html": statement_html, ".md": statement_markdown, ".json": statement_json}
    write_whole(path, made[path.suffix.lower()](document))


def verify_ending(path: Path) -> None:
    """Raise ``DatasetError`` if a statement cannot be written to a file of that ending."""
    if path.suffix.lower() not in FORMATS:
        raise DatasetError(path, "has no ending that says the form", f"End it in {', '.join(FORMATS)}")


def statement_json(document: Mapping[str, Any]) -> str:
    """Return a statement as JSON text."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def statement_html(document: Mapping[str, Any]) -> str:
    """Return a statement as one page of HTML that prints on one sheet of A4; every text of the dataset is escaped."""
    return (
        environment()
        .get_template("statement.html.j2")
        .render(
            mark={Verdict.COMPLIES: "good", Verdict.FAILS: "bad"}.get(Verdict(document["verdict"]), "open"),
            facts=_facts(document),
            said=_clean(document),
            more_failed=max(0, len(document["failed"]) - LISTED),
            more_waived=max(0, len(document["waived"]) - WAIVERS),
            open=_open(document),
            listed=LISTED,
            waivers=WAIVERS,
        )
    )


def statement_markdown(document: Mapping[str, Any]) -> str:
    """Return a statement as Markdown; what people wrote is escaped."""
    parts = [
        f"# Statement of compliance: {escape(document['title'])}",
        f"**{escape(document['sentence'])}**",
        "\n".join(f"- {name}: {escape(value)}" for name, value in _facts(document)),
    ]
    rows = [
        f"| {one['word']} | {one['passed']} of {one['applicable']} | {escape(one['meaning'])} |"
        for one in document["scores"].values()
    ]
    parts.append("\n".join(["| letter | rules passed of applicable | |", "|---|---|---|", *rows]))
    if document["failed"]:
        lines = [
            f"- {one['code']} {escape(one['title'])}: {escape(one['message'])}" for one in document["failed"]
        ]
        parts.append("## Required and failed\n\n" + "\n".join(lines))
    if document["waived"]:
        lines = [
            f"- {one['code']} {escape(one['title'])}{' (required)' * one['required']}: {escape(one['reason'])}"
            for one in document["waived"]
        ]
        parts.append("## Waived\n\n" + "\n".join(lines))
    if document["not_judged"]:
        lines = [
            f"- {number}: {escape(_several(reason, number))}"
            for reason, number in document["not_judged"].items()
        ]
        parts.append("## Required and not judged\n\n" + "\n".join(lines))
    if document["also_failed"]:
        parts.append(f"Not met, and not required: {', '.join(document['also_failed'])}.")
    return "\n\n".join(parts) + "\n"


def _open(document: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return why rules were not judged, with how many, the commonest first; the rest in one line."""
    held = sorted(document["not_judged"].items(), key=lambda item: -item[1])
    shown = [(_several(printable(reason), number), number) for reason, number in held[:REASONS]]
    rest = sum(number for _, number in held[REASONS:])
    return [*shown, ("for other reasons", rest)] if rest else shown


def _several(reason: str, number: int) -> str:
    return re.sub(r"^it (needs|requires)\b", lambda m: f"they {m[1][:-1]}", reason) if number > 1 else reason


def _facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    content = document["content_sha256"]
    known = (
        "computed for this statement" if document["content_computed"] else "as recorded, not computed again"
    )
    held = [
        ("Dataset", printable(document["title"])),
        ("Version", printable(document["version"]) or "none given"),
        ("Accession", printable(document["accession"])),
        ("DOI", printable(document["doi"])),
        ("Licence", printable(document["licence"]) or "none given"),
        ("Content (SHA-256)", f"{printable(content)} ({known})" if content else "not recorded"),
        ("Files (SHA-256)", document["files_sha256"]),
        ("Profile", f"{printable(document['profile'])}: {printable(document['profile_description'])}"),
        ("Read", READ[document["read"]]),
        ("Date", document["date"]),
        ("Program", document["program"]),
    ]
    return [(name, value) for name, value in held if value]


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(name)): _clean(held) for name, held in value.items()}
    return [_clean(held) for held in value] if isinstance(value, list) else value
