"""A result of ``micrographia probe`` as one page: answers in its first screen, opens from a disk, without a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia import __version__
from micrographia.dataset.manifest import write_whole
from micrographia.report import probe_appendix as appendix
from micrographia.report import probe_diagnostics as diagnostics
from micrographia.report import probe_scores as scores
from micrographia.report import probe_words as words
from micrographia.report.probe_result import Task, headline_task, opened, tasks, text
from micrographia.report.probe_text import probe_text
from micrographia.report.templating import environment

__all__ = ["probe_page", "probe_text", "write_probe_page"]


def probe_page(result: Mapping[str, Any]) -> str:
    """Return the page of a result.

    Parameters
    ----------
    result
        The document that ``micrographia probe`` writes as ``result.json``. Any number may be null; lists may be empty
        or absent, and their sections are left out then.

    Returns
    -------
    str
        HTML without scripts, links to other files or calls to the network; every text of the result is escaped. The
        same result gives the same bytes.

    Raises
    ------
    MicrographiaError
        If it is no result, or of another version.
    """
    opened(result)
    first = headline_task(result)
    order = [text(row.get("candidate")) for row in first.rows] if first else []
    found = tasks(result)
    transforms = {
        task.name: {other.transform for other in found if other.name == task.name} for task in found
    }
    metrics = {task.name: {other.metric for other in found if other.name == task.name} for task in found}
    context: dict[str, Any] = {
        "program": f"Micrographia {__version__}",
        "title": text(result.get("title")) or "What the representation encodes",
        "question": text(result.get("question")),
        "headline": words.headline(result),
        "study": words.study_line(result),
        "sha256": text(result.get("protocol_sha256")),
        "audit": appendix.audit(result),
        "first": _task(first, result, transforms, metrics) if first else None,
        "tasks": [_task(task, result, transforms, metrics) for task in found],
        "shares": diagnostics.shares(result, order),
        "incremental": diagnostics.incremental(result, order),
        "decodability": diagnostics.decodability(result, order),
        "untrusted": diagnostics.untrusted(result),
        "ranks": diagnostics.rank_stability(result),
        "ablations": diagnostics.ablations(result, order),
        "layers": diagnostics.layers(result, order),
        "examples": appendix.examples(result),
        "similarity": appendix.similarity(result),
        "geometry": appendix.geometry(result),
        "batch": appendix.batch(result),
        "provenance": appendix.provenance(result),
        "downloads": scores.downloads(result),
    }
    context["contents"] = _contents(context)
    return environment("probe.css").get_template("probe.html.j2").render(context)


def write_probe_page(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a result, whole or not at all, and return where.

    Parameters
    ----------
    result
        As for :func:`probe_page`.
    path
        The file; an older one is replaced.

    Raises
    ------
    MicrographiaError
        If it is no result, or the file cannot be written.
    """
    target = Path(path)
    write_whole(target, probe_page(result))
    return target


def _task(
    task: Task,
    result: Mapping[str, Any],
    transforms: Mapping[str, set[str]],
    metrics: Mapping[str, set[str]],
) -> dict[str, Any]:
    title = task.title[:1].upper() + task.title[1:] if task.title[1:2].islower() else task.title
    unit = words.unit_line(task, result)
    title += f", {task.transform or 'as it is'}" if len(transforms[task.name]) > 1 else ""
    title += f", {task.metric}" if len(metrics[task.name]) > 1 and not task.primary else ""
    return {
        "name": task.name,
        "title": title,
        "metric": task.metric,
        "primary": task.primary,
        "unit": unit,
        "forest": scores.forest(task) if task.rows else None,
        "comparisons": scores.comparisons(task) if task.comparisons else None,
        "table": scores.task_table(task, unit) if task.rows else None,
    }


def _contents(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the sections that are there: anchor and title."""
    confounders = (
        any(context[key]["rows"] for key in ("shares", "incremental")) or context["decodability"]["groups"]
    )
    compared = any(task["comparisons"] for task in context["tasks"])
    there = (
        ("verdicts", "Verdicts", compared),
        ("tasks", "All tasks and baselines", context["tasks"]),
        ("confounders", "What the score owes to confounders", confounders),
        ("batch", "How much of it is batch", context["batch"]["rows"]),
        ("untrusted", "Metrics that cannot be trusted here", context["untrusted"]["rows"]),
        ("ranks", "Rank stability", context["ranks"]["names"] or context["ranks"]["tau"]),
        ("ablations", "Input ablations", context["ablations"]["groups"]),
        ("layers", "Layers", context["layers"]["groups"]),
        ("examples", "Retrieval examples", context["examples"]["rows"]),
        ("design", "The design", context["audit"]["findings"]),
        (
            "similarity",
            "Similarity and geometry",
            context["similarity"]["maps"] or context["geometry"]["rows"],
        ),
        ("problems", "Problems found in the data", context["provenance"]["problems"]),
        ("repeat", "Provenance, and how to repeat it", True),
    )
    return [(anchor, title) for anchor, title, shown in there if shown]
