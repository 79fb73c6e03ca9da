"""A transfer matrix as one page: answers in its first screen, opens from a disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from micrographia import __version__
from micrographia.dataset.manifest import write_whole
from micrographia.report import matrix_appendix as appendix
from micrographia.report import matrix_charts as charts
from micrographia.report import matrix_versus as versus
from micrographia.report import matrix_words as words
from micrographia.report.matrix_cost import cost
from micrographia.report.matrix_downloads import downloads
from micrographia.report.matrix_examples import Pictures, examples
from micrographia.report.matrix_map import heat_map
from micrographia.report.matrix_result import opened, text, texts
from micrographia.report.probe_appendix import provenance
from micrographia.report.templating import environment

__all__ = ["matrix_page", "write_matrix_page"]


def matrix_page(result: Mapping[str, Any], pictures: Pictures | None = None) -> str:
    """Return the page of a transfer matrix.

    Parameters
    ----------
    result
        The document that ``micrographia segment evaluate`` writes as ``result.json``. Any number may be null; lists
        may be empty or absent, and their sections are left out then.
    pictures
        Pictures of example images, PNG or JPEG, by (key of the model, key of the dataset, image).

    Returns
    -------
    str
        HTML without scripts, links to other files or calls to the network; every text of the result is escaped. The
        same result gives the same bytes.

    Raises
    ------
    MicrographiaError
        If it is no such result, or of another format, or a picture cannot be read.
    """
    from markupsafe import Markup

    matrix = opened(result)
    sheet = resources("micrographia.report").joinpath("templates/matrix.css").read_text("utf-8")
    context: dict[str, Any] = {
        "program": f"Micrographia {__version__}",
        "matrix_css": Markup(sheet),  # noqa: S704 - our own file
        "title": matrix.title,
        "metric": matrix.metric_title,
        "formula": text(matrix.metric.get("formula")),
        "headline": words.headline(matrix),
        "trust": words.trust(matrix),
        "cannot": words.cannot(matrix),
        "facts": words.facts(matrix),
        "map": heat_map(matrix),
        "versus": versus.comparisons(matrix),
        "ranks": versus.ranks(matrix),
        "curves": charts.curves(matrix),
        "lines_key": charts.key_of(matrix),
        "failures": charts.failures(matrix),
        "examples": examples(matrix, pictures or {}),
        "scores": appendix.scores(matrix),
        "cost": cost(matrix),
        "training": appendix.training(matrix),
        "datasets": appendix.datasets(matrix),
        "ledger": appendix.ledger(matrix),
        "failed": appendix.failed(matrix),
        "notes": texts(result, "notes"),
        "provenance": provenance(result),
        "downloads": downloads(matrix),
    }
    context["contents"] = _contents(context)
    return environment("probe.css").get_template("matrix.html.j2").render(context)


def write_matrix_page(result: Mapping[str, Any], target: Path, pictures: Pictures | None = None) -> Path:
    """Write the page of a transfer matrix, whole or not at all, and return where.

    Parameters
    ----------
    result, pictures
        As for :func:`matrix_page`.
    target
        The file; an older one is replaced.

    Raises
    ------
    MicrographiaError
        If it is no such result, a picture cannot be read, or the file cannot be written.
    """
    write_whole(target, matrix_page(result, pictures))
    return target


def _contents(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the sections that are there: anchor and title."""
    there = (
        ("baselines", "Against the best tuned baseline", context["versus"]["shown"]),
        ("curves", "Over IoU", context["curves"]["shown"]),
        ("ranks", "Rank intervals", context["ranks"]["shown"]),
        ("images", "Worst and best images", context["examples"]["groups"]),
        ("failure", "Where objects are missed", context["failures"]),
        ("scores", "All scores", context["scores"]["tables"]),
        ("cost", "Time and memory", context["cost"]["rows"]),
        ("training", "What models were trained on", context["training"]),
        ("ledger", "Contamination ledger", context["ledger"]["tainted"] or context["ledger"]["clean"]),
        ("datasets", "Datasets", context["datasets"]),
        ("failed", "Failed images", context["failed"]["rows"]),
        ("repeat", "Provenance, and how to repeat it", True),
    )
    return [(anchor, title) for anchor, title, shown in there if shown]
