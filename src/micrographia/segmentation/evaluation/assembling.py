"""The document of a transfer matrix, put together from what was computed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.segmentation.evaluation import cells as scoring
from micrographia.segmentation.evaluation.contenders import Contender, rivals
from micrographia.segmentation.evaluation.ledger import Source, judge
from micrographia.segmentation.evaluation.pictures import choose_examples
from micrographia.segmentation.evaluation.prediction import Done
from micrographia.segmentation.evaluation.result import FORMAT, KIND
from micrographia.segmentation.evaluation.targets import Column
from micrographia.segmentation.scoring.catalogue import METRICS
from micrographia.segmentation.scoring.failure import failure_by
from micrographia.segmentation.scoring.metrics import THRESHOLDS

FACTORS = ("size", "density", "pixel size")


def assemble(
    settings: scoring.Settings,
    contenders: Sequence[Contender],
    held: Sequence[Column],
    facts: Mapping[tuple[str, str], Mapping[str, ImageFacts]],
    done: Mapping[tuple[str, str], Sequence[Done]],
) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    settings
        How cells are judged.
    contenders, held
        Rows and columns.
    facts
        Key of a column, and ``evaluated`` or ``training``, to what its images are recognised by.
    done
        What became of each image, by keys of row and column.
    """
    told = {contender.key: contender.describe() for contender in contenders}
    records = {place: scoring.records_of(found) for place, found in done.items()}
    cells: list[dict[str, Any]] = []
    ranks: list[dict[str, Any]] = []
    for column in held:
        source = Source(column.title, column.accession, column.content_sha256, facts[column.key, "evaluated"])
        for contender in contenders:
            entry = judge(
                contender.info.get("trained_on", ()),
                contender.fingerprints,
                source,
                untrained=contender.untrained,
            )
            cell = scoring.cell(told[contender.key], column, done[contender.key, column.key], entry, settings)
            if not contender.baseline:
                cell["versus"] = _versus(contender, contenders, column, records, settings)
            cells.append(cell)
        named = {
            contender.key: records[contender.key, column.key]
            for contender in contenders
            if records[contender.key, column.key]
        }
        ranks += scoring.places(named, column, settings)
    return {
        "kind": KIND,
        "format": FORMAT,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "title": _title(held),
        "primary": settings.primary,
        "delta": settings.delta,
        "metrics": {
            name: {
                "title": metric.title,
                "higher_is_better": metric.higher_is_better,
                "formula": metric.formula,
                "source": metric.source,
            }
            for name, metric in METRICS.items()
        },
        "thresholds": list(THRESHOLDS),
        "models": list(told.values()),
        "datasets": [_described(column, done, contenders) for column in held],
        "cells": cells,
        "rank_intervals": ranks,
        "failure": _failure(contenders, held, records),
        "examples": choose_examples(contenders, held, records, settings.primary),
    }


def _versus(
    contender: Contender,
    contenders: Sequence[Contender],
    column: Column,
    records: Mapping[tuple[str, str], Mapping[str, Any]],
    settings: scoring.Settings,
) -> list[dict[str, Any]]:
    """Hold a model against its rivals. The best of them is the one that it surpasses least, or falls behind most.

    That choice is made on the evaluated images and favours the baseline: who beats the best has beaten them all.
    """
    found = []
    for other in rivals(contender, contenders):
        first, second = records[contender.key, column.key], records[other.key, column.key]
        if first and second:
            row = scoring.versus(first, second, column, settings)
            found.append({"baseline": other.key, "best": False, **row})
    known = [row for row in found if row["difference"] is not None]
    if known:
        sign = 1.0 if METRICS[settings.primary].higher_is_better else -1.0
        min(known, key=lambda row: sign * row["difference"])["best"] = True
    return found


def _described(
    column: Column, done: Mapping[tuple[str, str], Sequence[Done]], contenders: Sequence[Contender]
) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for contender in contenders:
        for image, record in scoring.records_of(done[contender.key, column.key]).items():
            known.setdefault(image, record)
    sizes = [record.pixel_size[-1] for record in known.values() if record.pixel_size]
    return column.describe() | {
        "n_objects": sum(record.counts["n_truth"] for record in known.values()),
        "pixel_size": sorted(sizes)[len(sizes) // 2] if sizes else None,
    }


def _failure(
    contenders: Sequence[Contender],
    held: Sequence[Column],
    records: Mapping[tuple[str, str], Mapping[str, Any]],
) -> list[dict[str, Any]]:
    found = []
    for contender in contenders:
        for column in held:
            here = records[contender.key, column.key]
            for factor in FACTORS if here else ():
                bins = failure_by(here, factor, groups=column.groups)
                if bins:
                    found.append(
                        {"model": contender.key, "dataset": column.key, "factor": factor, "bins": bins}
                    )
    return found


def _title(held: Sequence[Column]) -> str:
    names = [column.title for column in held]
    return names[0] if len(names) == 1 else f"Transfer across {len(names)} datasets"
