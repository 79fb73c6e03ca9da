"""Who made a dataset, how to cite it, and who used it for what: one page that opens from a disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from micrographia import __version__
from micrographia.catalogue.credit import counted, score_text, uses_bibtex
from micrographia.metadata.files import write_whole
from micrographia.report.charts import csv_uri
from micrographia.report.probe_strips import Scale, legend_mark, strip, ticks
from micrographia.report.templating import environment

AXIS = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), 2)
LISTED = 40
"""Records that were left out that are listed."""
BY = {
    "content": "content",
    "accession": "accession; the content differs, or is not stated: another version or a part of it",
    "title": "title alone; nothing else says that it is this dataset",
}


def credit_page(document: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    document
        As :func:`~micrographia.catalogue.credit.credit_document` returns it.

    Returns
    -------
    str
        HTML without scripts, links to other files or calls to the network; every text is escaped. The same document
        gives the same bytes.
    """
    from markupsafe import Markup

    sheet = resources("micrographia.report").joinpath("templates/credit.css").read_text("utf-8")
    uses = document["uses"]
    drawn = [use for use in uses if _drawable(use["score"])]
    people = document["contributors"]
    context = {
        "program": f"Micrographia {__version__}",
        "credit_css": Markup(sheet),  # noqa: S704 - our own file
        "title": document["dataset"]["title"],
        "headline": headline(document),
        "facts": _facts(document["dataset"]),
        "cite": document["cite"],
        "authors": [_person(one) for one in people if one["author"]],
        "annotators": [_person(one) for one in people if not one["author"]],
        "funding": document["funding"],
        "acknowledgements": document["acknowledgements"],
        "uses": [_use(use, bool(drawn)) for use in reversed(uses)],
        "drawn": bool(drawn),
        "axis": ticks(AXIS),
        "marks": (legend_mark("candidate"), legend_mark("twin")),
        "doubts": doubts(document),
        "left_out": document["left_out"][:LISTED],
        "more_left_out": max(0, len(document["left_out"]) - LISTED),
        "uses_bibtex": uses_bibtex(document),
        "download": csv_uri(HEADER, [_row(use) for use in uses]) if uses else "",
    }
    return environment("probe.css").get_template("credit.html.j2").render(context)


def write_credit_page(document: Mapping[str, Any], target: Path) -> Path:
    """Write the page, whole or not at all, and return where.

    Raises
    ------
    MicrographiaError
        If the file cannot be written.
    """
    write_whole(target, credit_page(document).encode())
    return target


def headline(document: Mapping[str, Any]) -> list[str]:
    """Return what the records say in sentences, the answer first."""
    uses = document["uses"]
    if not uses:
        return ["No usage record of this dataset was found. That says nothing about whether it was used."]
    records, models, made = counted(uses)
    sentence = f"{_count(models, 'model')} in {_count(records, 'usage record')}: "
    rest = f", {models - made} only scored on it" if models > made else ""
    sentence += f"{made} made from this dataset{rest}."
    told = [sentence]
    taught = {use["model"]["sha256"] for use in uses if use["trains"]}
    clean = [
        use
        for use in uses
        if use["matched_by"] == "content"
        and use["score"]["seen"] == "clean"
        and use["model"]["sha256"] not in taught
        and _drawable(use["score"])
    ]
    if clean and len({use["score"]["name"] for use in clean}) == 1:
        best = max(clean, key=lambda use: use["score"]["value"])
        said = f"{best['model']['name']}, {score_text(best['score'])}"
        told.append(f"Best score among models that had not seen these images: {said}.")
    return told


def doubts(document: Mapping[str, Any]) -> list[str]:
    """Return what a reader must know before believing the numbers."""
    uses = document["uses"]
    told = []
    for by, words in (
        ("accession", "by accession: their content differs or is not stated"),
        ("title", "by title alone"),
    ):
        number = sum(use["matched_by"] == by for use in uses)
        if number:
            told.append(f"{_count(number, 'record')} {'is' if number == 1 else 'are'} matched {words}.")
    unverified = sum(not use["verified"] for use in uses)
    if unverified:
        told.append(f"{_count(unverified, 'record')} came without a checksum, so nobody can tell a change.")
    left = len(document["left_out"])
    if left:
        told.append(f"{_count(left, 'record')} {'was' if left == 1 else 'were'} left out; see below.")
    if document["other"]:
        were = "was" if document["other"] == 1 else "were"
        told.append(f"{_count(document['other'], 'record')} of other datasets {were} passed over.")
    if document["copies"]:
        told.append(f"{_count(document['copies'], 'copy', 'copies')} of records counted once.")
    if uses:
        told.append(
            "Whoever made a record wrote its score; checksums show that it was not changed, not that it is true."
        )
    return told


HEADER = (
    "model", "version", "model_sha256", "task", "score", "value", "low", "high", "on", "seen", "matched_by", "verified",
    "dataset_version", "content_sha256", "made", "record_sha256",
)  # fmt: skip


def _row(use: Mapping[str, Any]) -> list[object]:
    model, score = use["model"], use["score"]
    numbers = ["" if score[name] is None else score[name] for name in ("value", "low", "high")]
    cells = [
        model["name"], model["version"], model["sha256"], use["task"], score["name"], *numbers, score["on"],
        score["seen"], use["matched_by"], use["verified"], use["version"], use["dataset"]["content_sha256"],
        use["made"], use["sha256"],
    ]  # fmt: skip
    # A spreadsheet runs a cell that begins like a formula.
    return [
        f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell for cell in cells
    ]


def _use(use: Mapping[str, Any], drawn: bool) -> dict[str, Any]:
    model, score = use["model"], use["score"]
    label = f"{model['name']}: {score_text(score) or 'no score'}"
    interval = (
        "" if score["low"] is None or score["high"] is None else f"{score['low']:.3f} to {score['high']:.3f}"
    )
    notes = [] if use["matched_by"] == "content" else [f"matched by {BY[use['matched_by']]}"]
    notes += [] if use["verified"] else ["no checksum to hold it against"]
    seen = {
        "seen": "it was trained on these images",
        "same source": "it was trained on data of the same source",
    }
    notes += [seen[score["seen"]]] if score["seen"] in seen else []
    notes += (
        ["its own validation images chose it: the score is optimistic"]
        if use["trains"] and score["name"]
        else []
    )
    return {
        "model": model["name"] or "unnamed model",
        "version": model["version"],
        "url": model["url"] if model["url"].startswith(("http://", "https://")) else "",
        "sha256": model["sha256"][:12],
        "task": use["task"] or "not stated",
        "metric": score["name"],
        "value": "" if score["value"] is None else f"{score['value']:.3f}",
        "interval": interval,
        "on": score["on"],
        "dataset": f"version {use['version']}" if use["version"] else "",
        "made": use["made"][:10],
        "notes": notes,
        "trains": use["trains"],
        "strip": strip(
            AXIS, label, score["value"], score["low"], score["high"],
            mark="candidate" if not use["trains"] else "twin",
        )
        if drawn and _drawable(score)
        else "",
    }  # fmt: skip


def _drawable(score: Mapping[str, Any]) -> bool:
    value = score["value"]
    return value is not None and 0 <= value <= 1


def _person(one: Mapping[str, Any]) -> dict[str, Any]:
    safe = one["orcid"].startswith("https://orcid.org/")
    return {
        "name": one["name"],
        "orcid": one["orcid"] if safe else "",
        "roles": [{"text": role["role"], "credit": role["credit"]} for role in one["roles"]],
        "annotated": ", ".join(one["annotated"]),
        "places": [
            {
                "name": place["name"] or place["ror"],
                "url": place["ror"] if place["ror"].startswith("https://ror.org/") else "",
            }
            for place in one["places"]
        ],
    }


def _facts(dataset: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    told = [
        ("Version", dataset["version"]),
        ("Accession", dataset["accession"]),
        ("DOI", dataset["doi"]),
        ("Licence", dataset["licence"]),
    ]
    told += [
        (f"Content{f' of {version}' if version else ''}", content[:16])
        for content, version in dataset["contents"].items()
    ]
    return [(name, value) for name, value in told if value]


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
