"""A result of ``micrographia segment evaluate`` as its page reads it: models, datasets and their cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from micrographia.errors import MicrographiaError, printable
from micrographia.report.probe_result import Row, listed, mapping, number, text, texts

KIND, FORMAT = "segmentation matrix", 1

STATUSES = ("clean", "same source", "seen", "unknown")
"""What is known of a model having been trained on a dataset, from the most to the least that a score can be trusted."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model or a baseline."""

    key: str
    name: str
    baseline: bool
    row: Row


@dataclass(frozen=True, slots=True)
class Target:
    """A dataset that models were evaluated on."""

    key: str
    title: str
    domain: str
    row: Row


@dataclass(frozen=True, slots=True)
class Cell:
    """A model on a dataset; ``row`` is empty where it was not evaluated."""

    model: Model
    dataset: Target
    row: Row
    primary: str

    @property
    def score(self) -> Row:
        """Value, interval and reason of the primary metric."""
        return mapping(mapping(self.row, "scores"), self.primary)

    @property
    def value(self) -> float | None:
        """Value of the primary metric."""
        return number(self.score.get("value"))

    @property
    def status(self) -> str:
        """One of :data:`STATUSES`; what is not known is ``unknown``."""
        told = text(self.row.get("status"))
        return told if told in STATUSES else "unknown"

    @property
    def reason(self) -> str:
        """Why there is no score."""
        if not self.row:
            return "not evaluated"
        return text(self.score.get("reason")) or ("no score" if self.value is None else "")

    def against(self, baseline: Model | None) -> Row:
        """Return the comparison with the best tuned baseline.

        That is the one that the result calls best, chosen where baselines were tuned; else the one with ``baseline``,
        the best on the dataset; else the first there is, else nothing.
        """
        rows = listed(self.row, "versus")
        key = baseline.key if baseline else ""
        chosen = [row for row in rows if row.get("best") is True]
        chosen += [row for row in rows if text(row.get("baseline")) == key]
        return next(iter([*chosen, *rows]), {})


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells of a result, models in the order in which they are shown: the best first, baselines last."""

    title: str
    primary: str
    metric: Row
    models: tuple[Model, ...]
    datasets: tuple[Target, ...]
    cells: Mapping[tuple[str, str], Cell]
    result: Row

    @property
    def candidates(self) -> list[Model]:
        """Models that are no baselines."""
        return [model for model in self.models if not model.baseline]

    @property
    def baselines(self) -> list[Model]:
        """The baselines."""
        return [model for model in self.models if model.baseline]

    @property
    def higher(self) -> bool:
        """Whether more of the primary metric is better."""
        return self.metric.get("higher_is_better") is not False

    @property
    def metric_title(self) -> str:
        """What the primary metric is called."""
        return text(self.metric.get("title")) or self.primary or "score"

    def cell(self, model: Model, dataset: Target) -> Cell:
        """Return a cell, an empty one where nothing was evaluated."""
        return self.cells.get((model.key, dataset.key)) or Cell(model, dataset, {}, self.primary)

    def best(self, models: Iterable[Model], dataset: Target, *, clean: bool = False) -> Model | None:
        """Return the model with the best score on a dataset, the first of equals; None if none has one."""
        found = [
            (cell.value if self.higher else -cell.value, model)
            for model in models
            if (cell := self.cell(model, dataset)).value is not None and (not clean or cell.status == "clean")
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def best_baseline(self, dataset: Target) -> Model | None:
        """Return the baseline that a model has to beat on a dataset."""
        return self.best(self.baselines, dataset)

    def name(self, key: str) -> str:
        """Return the name of a model, or its key."""
        return next((model.name for model in self.models if model.key == key), key)

    def dataset_title(self, key: str) -> str:
        """Return the title of a dataset, or its key."""
        return next((dataset.title for dataset in self.datasets if dataset.key == key), key)


def opened(result: Mapping[str, Any]) -> Matrix:
    """Return a result document as a matrix.

    Raises
    ------
    MicrographiaError
        If it is something else, of another format, or holds something other than lists of objects.
    """
    if not isinstance(result, Mapping) or result.get("kind") != KIND:
        raise MicrographiaError(
            "", "this is no result of micrographia segment evaluate", "give the result.json that it wrote"
        )
    if result.get("format") != FORMAT:
        told = printable(str(result.get("format")))[:40]
        raise MicrographiaError(
            "",
            f"the result is of format {told}, this program reads format {FORMAT}",
            "repeat it with micrographia rerun",
        )
    primary = text(result.get("primary"))
    models = _models(result)
    datasets = _datasets(result)
    by_key = {model.key: model for model in models}, {dataset.key: dataset for dataset in datasets}
    cells = {}
    for row in listed(result, "cells"):
        key = text(row.get("model")), text(row.get("dataset"))
        if key[0] in by_key[0] and key[1] in by_key[1]:
            cells[key] = Cell(by_key[0][key[0]], by_key[1][key[1]], row, primary)
    metric = mapping(mapping(result, "metrics"), primary)
    made = Matrix(
        text(result.get("title")) or "Models across datasets",
        primary,
        metric,
        tuple(models),
        _grouped(datasets),
        cells,
        result,
    )
    order = sorted(made.models, key=lambda model: (model.baseline, _standing(made, model)))
    return Matrix(made.title, primary, metric, tuple(order), made.datasets, cells, result)


def rows_of(matrix: Matrix, key: str) -> list[Row]:
    """Return the rows of a list of the result whose model and dataset, where they name them, are in the matrix."""
    models = {model.key for model in matrix.models}
    datasets = {dataset.key for dataset in matrix.datasets}
    return [
        row
        for row in listed(matrix.result, key)
        if text(row.get("model")) in models and text(row.get("dataset")) in datasets
    ]


def _models(result: Row) -> list[Model]:
    rows = listed(result, "models")
    names = [text(row.get("name")) or text(row.get("key")) for row in rows]
    found = []
    for row, name in zip(rows, names, strict=True):
        told = text(row.get("key")) if names.count(name) > 1 else name
        found.append(Model(text(row.get("key")), told or "without a name", row.get("baseline") is True, row))
    return found


def _datasets(result: Row) -> list[Target]:
    return [
        Target(
            text(row.get("key")),
            text(row.get("title")) or text(row.get("key")) or "without a title",
            text(row.get("domain")),
            row,
        )
        for row in listed(result, "datasets")
    ]


def _grouped(datasets: Sequence[Target]) -> tuple[Target, ...]:
    """Return datasets with those of one domain beside each other, domains in the order of their first."""
    domains = list(dict.fromkeys(dataset.domain for dataset in datasets))
    return tuple(sorted(datasets, key=lambda dataset: domains.index(dataset.domain)))


def _standing(matrix: Matrix, model: Model) -> tuple[int, float]:
    """Return what puts the best first: how far a model is above the mean of a dataset, over its clean cells.

    A model without a clean cell comes after all that have one, then one without a score.
    """
    held = [matrix.cell(model, dataset) for dataset in matrix.datasets]
    scored = [cell for cell in held if cell.value is not None]
    clean = [cell for cell in scored if cell.status == "clean"]
    above = []
    for cell in clean or scored:
        others = [
            value for other in matrix.models if (value := matrix.cell(other, cell.dataset).value) is not None
        ]
        above.append((cell.value or 0.0) - sum(others) / len(others))
    if not above:
        return 2, 0.0
    mean = sum(above) / len(above)
    return int(not clean), -mean if matrix.higher else mean


__all__ = [
    "STATUSES",
    "Cell",
    "Matrix",
    "Model",
    "Row",
    "Target",
    "listed",
    "mapping",
    "number",
    "opened",
    "rows_of",
    "text",
    "texts",
]
