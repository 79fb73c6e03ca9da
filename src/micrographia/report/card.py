"""The dataset card: one self-contained page that shows a dataset to people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files as resources
from typing import Any

from micrographia import __version__, metadata
from micrographia.checks.result import Report, Score
from micrographia.dataset import Dataset
from micrographia.dataset.groups import SPLITS
from micrographia.exchange import Submission
from micrographia.exchange.citation.bibtex import bibtex_of
from micrographia.exchange.citation.facts import citation_text
from micrographia.exchange.citation.schemaorg import schemaorg_document
from micrographia.report.card_facts import CardFacts, mask_sets
from micrographia.report.card_text import author_name, papers, text_of
from micrographia.report.charts import Chart, bars, histogram
from micrographia.report.pictures import SET_COLOURS
from micrographia.report.structured import script_json

LETTERS = {"M": "Metadata", "I": "Incentives", "F": "Formats", "A": "Accessibility"}
FINDINGS = 10
"""Findings that the card lists."""

FIELDS = (
    ("annotation_overview", "Overview"),
    ("annotation_type", "Type"),
    ("annotation_method", "Method"),
    ("annotation_confidence_level", "Confidence"),
    ("annotation_criteria", "Criteria"),
    ("annotation_coverage", "Coverage"),
    ("source_image_association", "Source images"),
    ("transformations", "Transformations"),
    ("spatial_information", "Spatial information"),
    ("annotation_completion_time", "Completed"),
    ("authors", "Annotated by"),
    ("target", "What one object is"),
    ("mask_kind", "A pixel value means"),
    ("classes", "Classes"),
)


def card_html(dataset: Dataset, facts: CardFacts, report: Report) -> str:
    """Return the page.

    Parameters
    ----------
    dataset
        The dataset.
    facts
        What :func:`~micrographia.report.card_facts.gather_card` measured.
    report
        What the rules say of it.

    Returns
    -------
    str
        HTML that runs nothing, without links to other files or calls to the network; every text of the dataset is
        escaped. Its description for search engines stands in it as JSON-LD.

    Raises
    ------
    DatasetError
        If ``origin.json`` cannot be read.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("micrographia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    css = resources("micrographia.report").joinpath("templates/page.css").read_text("utf-8")
    charts = [asdict(chart) | {"svg": Markup(chart.svg)} for chart in _charts(dataset, facts) if chart.svg]  # noqa: S704
    context = {
        "program": f"Micrographia {__version__}",
        "css": Markup(css),  # noqa: S704 - our own file
        "title": dataset.title,
        "json_ld": script_json(schemaorg_document(Submission.of(dataset))[0]),
        "charts": charts,
        **_head(dataset, facts),
        **_gallery(dataset, facts),
        **_checked(report),
        **_described(dataset),
        **_split(dataset, facts),
        **_listed(dataset),
    }
    return environment.get_template("card.html.j2").render(context)


def _head(dataset: Dataset, facts: CardFacts) -> dict[str, Any]:
    study = dataset.mifa.study
    authors = [
        {"name": author_name(author), "orcid": _safe(author.orcid_id)}
        for author in study.authors
        if author_name(author)
    ]
    licence = metadata.normalise_licence(study.license) if study.license else None
    chips: list[dict[str, Any]] = []
    if licence is not None:
        chips.append({"text": licence.spdx or licence.name, "url": _safe(licence.url), "todo": False})
    else:
        chips.append({"text": study.license or "licence not stated", "url": "", "todo": not study.license})
    organisms = [sample.organism.scientific_name for sample in dataset.mifa.biosamples if sample.organism]
    methods = [
        taken.imaging_method.value for taken in dataset.mifa.image_acquisitions if taken.imaging_method
    ]
    chips += [{"text": text, "url": "", "todo": False} for text in (*organisms, *methods) if text]
    if dataset.mifa.versions and dataset.mifa.versions[-1].version:
        chips.append({"text": f"version {dataset.mifa.versions[-1].version}", "url": "", "todo": False})
    chips += [{"text": keyword, "url": "", "todo": False} for keyword in study.keywords]
    return {"authors": authors, "chips": _unique(chips), "lead": lead(dataset, facts)}


def lead(dataset: Dataset, facts: CardFacts) -> str:
    """Return the sentence that answers what this is: images, objects, dimensions, pixel size."""
    total = len(dataset.image_ids)
    parts = [f"{total:,} image{'s' if total != 1 else ''}"]
    counted = [(name, facts.objects(name)) for name in dataset.annotation_sets if facts.objects(name)]
    if counted:
        parts.append(
            "with " + " and ".join(f"{number:,} annotated {_plural(name)}" for name, number in counted)
        )
    elif dataset.annotation_sets:
        parts.append("annotated with " + ", ".join(dataset.annotation_sets))
    else:
        parts.append("without annotations")
    sentence = " ".join(parts) + "."
    dimensions = Counter(
        "3D" if dict(zip(c.axes, c.shape, strict=True)).get("Z", 1) > 1 else "2D" for c in facts.images
    )
    more = [" and ".join(dimensions)] if dimensions else []
    sizes = {(image.scale.get("y"), image.units.get("y")) for image in facts.images}
    known = sorted((size, unit) for size, unit in sizes if size and unit)
    if len(known) == 1 and len(sizes) == 1:
        more.append(f"{known[0][0]:.4g} {known[0][1]} a pixel")
    elif not known and facts.images:
        more.append("pixel size not stated")
    channels = list(
        dict.fromkeys(name for image in facts.images if not image.rgb for name in image.channels if name)
    )
    if channels:
        more.append("channels " + ", ".join(channels))
    first = ", ".join(more)
    description = (dataset.mifa.study.description or "").strip()
    return " ".join(
        part for part in (sentence, f"{first}." if first else "", _first_sentence(description)) if part
    )


def _gallery(dataset: Dataset, facts: CardFacts) -> dict[str, Any]:
    shots = []
    for image in facts.images:
        if image.picture is None:
            continue
        sizes = " x ".join(
            str(size) for axis, size in zip(image.axes, image.shape, strict=True) if axis != "C"
        )
        counts = ", ".join(f"{number:,} {_plural(name)}" for name, number in image.counts.items())
        caption = f"{image.image}: {sizes} {image.dtype}" + (f"; {counts}" if counts else "")
        if image.picture.note != "whole image":
            caption += f"; {image.picture.note}"
        shots.append(
            asdict(image.picture)
            | {"alt": f"Image {image.image} with {counts or 'no objects'}", "caption": caption}
        )
    used = {mask for image in facts.images for mask in (*image.counts, *image.values)}
    legend = [
        {"name": name, "colour": "#" + bytes(SET_COLOURS[index % len(SET_COLOURS)]).hex()}
        for index, name in enumerate(mask_sets(dataset))
        if name in used
    ]
    shapes = Counter((shot["width"], shot["height"]) for shot in shots)
    (width, height), _ = shapes.most_common(1)[0] if shapes else ((1, 1), 0)
    ratio = min(max(width / height, 0.5), 2.0)
    return {
        "shots": shots,
        "ratio": f"{ratio:.3f}",
        "legend": legend if any(shot["contours"] for shot in shots) else [],
    }


def _charts(dataset: Dataset, facts: CardFacts) -> list[Chart]:
    charts = []
    for name in dataset.annotation_sets:
        areas = facts.areas(name)
        noun = _plural(name)
        if areas.size:
            solid = all("Z" in image.axes for image in facts.images if name in image.areas)
            unit = "voxels" if solid else "pixels"
            charts.append(histogram(areas, title="Size", unit=unit, what=noun, name=f"{name}-size"))
        counts = facts.counts(name)
        if len(counts) > 1:
            chart = histogram(
                counts,
                title=f"Number of {noun}",
                unit="",
                what="images",
                name=f"{name}-count",
                joint="in each of",
            )
            charts.append(chart)
        described = dataset.set_described(name)
        names = (
            {item.id: item.name or str(item.id) for item in described.classes if item.id is not None}
            if described
            else {}
        )
        balance = facts.classes(name, names)
        if balance:
            what = "pixels" if any(name in image.values for image in facts.images) else "objects"
            title = f"Classes of {name}"
            charts.append(
                bars(list(balance), list(balance.values()), title=title, what=what, name=f"{name}-classes")
            )
    for channel, values in facts.intensities().items():
        title = "Intensity" if channel == "intensity" else f"Intensity of {channel}"
        charts.append(
            histogram(values, title=title, unit="grey value", what="pixels", name=f"intensity-{channel}")
        )
    shapes = Counter(
        " x ".join(str(size) for axis, size in zip(c.axes, c.shape, strict=True) if axis != "C")
        for c in facts.images
    )
    if len(shapes) > 1:
        charts.append(
            bars(list(shapes), list(shapes.values()), title="Image sizes", what="images", name="sizes")
        )
    return charts


def _checked(report: Report) -> dict[str, Any]:
    return {
        "profile": report.profile,
        "pixels": str(report.depth) == "pixels",
        "scores": [_score(score) for score in report.scores],
        "findings": [finding.to_json() | {"place": finding.place} for finding in report.findings[:FINDINGS]],
        "more_findings": max(0, len(report.findings) - FINDINGS),
        "waived": report.waived,
    }


def _score(score: Score) -> dict[str, Any]:
    percent = round(100 * score.passed / score.applicable) if score.applicable else 0
    return {
        "name": LETTERS[str(score.letter)],
        "passed": score.passed,
        "applicable": score.applicable,
        "sources": ", ".join(score.sources),
        "percent": percent,
    }


def _described(dataset: Dataset) -> dict[str, Any]:
    sets = []
    for entry in dataset.mifa.annotations:
        fields = [(label, text_of(getattr(entry, name))) for name, label in FIELDS]
        sets.append({"name": entry.name or "unnamed", "fields": fields})
    mifa, study = dataset.mifa, dataset.mifa.study
    told = [
        ("Description", text_of(study.description)),
        ("Samples", text_of(mifa.biosamples)),
        ("Preparation", text_of(mifa.specimens)),
        ("Imaging", text_of(mifa.image_acquisitions)),
        ("Funding", study.funding_statement or text_of(study.grants)),
        ("Acknowledgements", text_of(study.acknowledgements)),
        ("Models trained", text_of(study.ai_models_trained)),
        ("Versions", text_of(mifa.versions)),
    ]
    links = [
        {
            "url": link.link_url or "",
            "text": link.link_description or link.link_url or "",
            "safe": bool(_safe(link.link_url)),
        }
        for link in study.links
    ]
    return {
        "sets": sets,
        "study": told,
        "links": links,
        "citation": citation_text(mifa, dataset.title),
        "papers": papers(study.publications),
        "bibtex": bibtex_of(mifa, dataset.title),
    }


def _split(dataset: Dataset, facts: CardFacts) -> dict[str, Any]:
    counts = {image.image: sum(image.counts.values()) for image in facts.images}
    found = dict.fromkeys(dataset.image_split(image) for image in dataset.image_ids)
    names = sorted(found, key=lambda name: SPLITS.index(name) if name in SPLITS else len(SPLITS))
    rows = []
    homes: list[dict[str, set[str]]] = [{} for _ in dataset.groups]
    for name in names:
        held = [image for image in dataset.image_ids if dataset.image_split(image) == name]
        groups = []
        for index, column in enumerate(dataset.groups):
            values = {value for image in held if (value := dataset.image_groups(image).get(column, ""))}
            groups.append(len(values))
            for value in values:
                homes[index].setdefault(value, set()).add(name)
        objects = f"{sum(counts.get(image, 0) for image in held):,}"
        rows.append(
            {"name": name or "no split", "images": f"{len(held):,}", "objects": objects, "groups": groups}
        )
    split = any(names)
    leaks = [
        f"{sum(len(home) > 1 for home in found.values())} groups by {column}"
        for column, found in zip(dataset.groups, homes, strict=True)
        if any(len(home) > 1 for home in found.values())
    ]
    if not split:
        sentence = "No split is stated. "
    elif leaks:
        sentence = f"In more than one split: {', '.join(leaks)}. "
    else:
        sentence = "No group is in more than one split. " if dataset.groups else "The split knows no groups. "
    if not dataset.groups:
        sentence += "No groups are stated, so every image counts as independent of the others."
    shown = rows if split or dataset.groups else []
    return {"splits": shown, "group_names": dataset.groups, "split_sentence": sentence.strip()}


def _listed(dataset: Dataset) -> dict[str, Any]:
    kinds: dict[str, dict[str, int]] = {}
    for row in dataset.rows:
        ending = re.search(r"(\.ome\.zarr|\.[A-Za-z0-9]+)(?:/|$)", row.path)
        inside = ".zarr/" in row.path
        kind = (
            f"{row.role} ({(ending[1] if ending else 'no ending').lstrip('.')}{', labels' if inside else ''})"
        )
        kinds.setdefault(kind, {})[row.path] = max(0, row.size)
    table = [
        {"kind": kind, "files": f"{len(held):,}", "size": _size(sum(held.values()))}
        for kind, held in sorted(kinds.items())
    ]
    last = dataset.mifa.versions[-1] if dataset.mifa.versions else None
    identity = [
        (name, value)
        for name in ("content_sha256", "files_sha256")
        if last is not None and (value := getattr(last, name))
    ]
    return {"files": table, "identity": identity}


def _safe(url: str | None) -> str:
    """Return a link only if it leads to the web: a page must not run what a dataset says."""
    return url if url and re.match(r"https?://", url) else ""


def _plural(name: str) -> str:
    generic = {"masks": "objects", "labels": "objects", "mask": "objects", "label": "objects"}
    return generic.get(name, name.replace("_", " "))


def _first_sentence(text: str) -> str:
    match = re.match(r"(.{20,300}?[.!?])(?:\s|$)", text, re.DOTALL)
    return match[1] if match else text[:300]


def _unique(chips: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({chip["text"]: chip for chip in chips}.values())


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
