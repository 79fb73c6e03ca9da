"""Several results of ``micrographia probe`` on one page: what each asked, what it answered, where its report is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from micrographia import __version__
from micrographia.dataset.manifest import write_whole
from micrographia.report import probe_words as words
from micrographia.report.probe_appendix import audit
from micrographia.report.probe_result import headline_task, opened, text
from micrographia.report.probe_scores import forest
from micrographia.report.templating import environment
from micrographia.representation.evaluation.result import read_result

SENTENCES = 3
"""Sentences of each result that are shown."""

CANDIDATES = 6
"""Candidates of each result that are shown."""

PAGE = "report.html"
"""The report beside a result."""


def probe_index(results: Sequence[tuple[str, Mapping[str, Any]]], title: str = "Results") -> str:
    """Return the page that lists results.

    Parameters
    ----------
    results
        Where the report of each is, relative to the page and empty if there is none, and the result document.
    title
        The heading.

    Returns
    -------
    str
        HTML as that of :func:`~micrographia.report.probe_page.probe_page`.

    Raises
    ------
    MicrographiaError
        If one of them is no result, or of another version.
    """
    number = len(results)
    context = {
        "program": f"Micrographia {__version__}",
        "title": text(title),
        "lead": f"{number:,} result{'s' * (number != 1)}.",
        "entries": [_entry(link, opened(result)) for link, result in results],
    }
    return environment("probe.css").get_template("probe_index.html.j2").render(context)


def write_probe_index(results: Sequence[Path], path: Path, title: str = "Results") -> Path:
    """Write the page that lists results, whole or not at all, and return where.

    Parameters
    ----------
    results
        Files ``result.json`` or their folders; a report beside one is linked to.
    path
        The page.
    title
        The heading.

    Raises
    ------
    MicrographiaError
        If one of them is no result, or the page cannot be written.
    """
    entries = []
    for place in results:
        folder = place if place.is_dir() else place.parent
        page = folder / PAGE
        link = quote(Path(os.path.relpath(page, path.parent)).as_posix()) if page.is_file() else ""
        entries.append((link, read_result(place)))
    write_whole(path, probe_index(entries, title))
    return path


def _entry(link: str, result: Mapping[str, Any]) -> dict[str, Any]:
    task = headline_task(result)
    part = forest(task, brief=True) if task is not None and task.rows else None
    return {
        "link": link,
        "title": text(result.get("title")) or "What the representation encodes",
        "question": text(result.get("question")),
        "headline": words.headline(result)[:SENTENCES],
        "audit": audit(result)["verdict"],
        "facts": words.study_line(result),
        "task": task.title if task else "",
        "level": part["level"] if part else "",
        "axis": part["axis"] if part else "",
        "rows": [row for row in part["shown"] if row["style"] == "candidate"][:CANDIDATES] if part else [],
    }
