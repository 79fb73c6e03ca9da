"""What the page of the transfer matrix says in words: its headline, what cannot be told, and what licences ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from micrographia.metadata import normalise_licence
from micrographia.report import probe_words as words
from micrographia.report.matrix_result import (
    STATUSES,
    Cell,
    Matrix,
    Model,
    Row,
    listed,
    mapping,
    number,
    text,
    texts,
)

MARKS = {"clean": "●", "same source": "◐", "seen": "■", "unknown": "?"}
"""The shape beside each status word."""

MEANINGS = {
    "clean": "nothing of the dataset is known to have been trained on",
    "same source": "trained on other images of the same source",
    "seen": "trained on images of this dataset",
    "unknown": "what was trained on is not fully known",
}

NAMED, FEW = 4, 2
"""Datasets that a sentence names, of few and of many datasets; of more it gives the number."""

SENTENCES = 3
"""Models that get a sentence of their own."""

TARGET = {
    "object": "",
    "boundary": "boundary",
    "touching": "touching",
    "border": "cut by the border",
    "cut_by_border": "cut by the border",
    "out_of_focus": "out of focus",
    "membrane_included": "membrane included",
}


def headline(matrix: Matrix) -> list[str]:
    """Return where clean models win, then the sentences of the result; without these what its verdicts allow."""
    told = texts(matrix.result, "headline")
    if told:
        first = _winners(matrix) if any(listed(cell.row, "versus") for cell in matrix.cells.values()) else ""
        return [first, *told] if first else told
    if not any(cell.value is not None for cell in matrix.cells.values()):
        return ["Nothing was scored."]
    return [line for line in (_winners(matrix), *_verdicts(matrix)) if line]


def cannot(matrix: Matrix) -> list[str]:
    """Return the datasets where no model could be told from the best tuned baseline, and why."""
    told = []
    for dataset in matrix.datasets:
        best = matrix.best_baseline(dataset)
        rows = {
            model.name: row
            for model in matrix.candidates
            if (row := matrix.cell(model, dataset).against(best))
        }
        if not rows or any(words.verdict(row) in ("beats", "loses", "equivalent") for row in rows.values()):
            continue
        who = "no model" if len(rows) > 1 else next(iter(rows))
        verb = "can be" if len(rows) > 1 else "cannot be"
        told.append(
            f"On {dataset.title} {who} {verb} told from the best tuned baseline{_why(list(rows.values()))}."
        )
    return told


def trust(matrix: Matrix) -> str:
    """Return how many scores of models are clean, and what the others are."""
    counts = Counter(
        cell.status
        for model in matrix.candidates
        for dataset in matrix.datasets
        if (cell := matrix.cell(model, dataset)).value is not None
    )
    total = sum(counts.values())
    if not total:
        return ""
    others = [f"{counts[word]:,} {_phrase(word, counts[word])}" for word in STATUSES[1:] if counts[word]]
    if not counts["clean"]:
        return f"None of {counted(total, 'score')} of models is clean: {words.joined(others)}."
    if not others:
        return f"All {counted(total, 'score')} of models are clean: nothing of the datasets was trained on."
    verb = "is" if counts["clean"] == 1 else "are"
    return (
        f"{counts['clean']:,} of {total:,} scores of models {verb} clean: nothing of the dataset was trained on. "
        f"Of the others, {words.joined(others)}."
    )


def facts(matrix: Matrix) -> list[str]:
    """Return what was studied as short facts."""
    images = sum(int(number(dataset.row.get("n_images")) or 0) for dataset in matrix.datasets)
    objects = sum(int(number(dataset.row.get("n_objects")) or 0) for dataset in matrix.datasets)
    told = [
        *([counted(len(matrix.candidates), "model")] if matrix.candidates else []),
        counted(len(matrix.baselines), "baseline"),
        counted(len(matrix.datasets), "dataset"),
        counted(images, "image"),
        counted(objects, "annotated object"),
    ]
    return told + ([created] if (created := text(matrix.result.get("created"))[:10]) else [])


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural if need be."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def target_line(held: Row) -> str:
    """Return what an object is as one line: ``nucleus; touching: separate objects``."""
    told = []
    for key, value in mapping(held, "target").items():
        if value is None or value == "":
            continue
        name = TARGET.get(str(key), text(key).replace("_", " "))
        if isinstance(value, bool):
            told.append(name if value else f"not {name}")
        else:
            told.append(f"{name}: {text(value)}" if name else text(value))
    return "; ".join(told)


def licence_words(told: str) -> tuple[str, list[str]]:
    """Return a licence as it is shown, and what it asks for that people must not miss.

    Parameters
    ----------
    told
        As a card states it; empty if it states none.
    """
    if not told:
        return "", ["unknown licence"]
    licence = normalise_licence(told)
    if licence is None:
        return told, ["unknown licence"]
    asks = [] if licence.commercial else ["non-commercial"]
    asks += [] if licence.derivatives else ["no derivatives"]
    return licence.label, asks + (["share-alike"] if licence.share_alike else [])


def cell_sentence(cell: Cell, value: str, span: str, verdict: Row, against: Model | None) -> str:
    """Return a cell for those who cannot see it."""
    told = f"{cell.model.name} on {cell.dataset.title}: {value}"
    told += f", interval {span}" if span != words.NONE else ""
    told += f"; {cell.status}" if cell.row else ""
    failed = int(number(cell.row.get("n_failed")) or 0)
    told += f"; {counted(failed, 'image')} failed" if failed else ""
    if verdict and against is not None:
        told += f"; {words.verdict(verdict)} against {against.name}"
    return told + (f"; {cell.reason}" if cell.reason else "")


def _why(rows: Sequence[Row]) -> str:
    """Return why rows without a verdict have none: too few groups, or too small a difference."""
    if all(words.verdict(row) == "too few groups" for row in rows):
        counts = [found for row in rows if (found := number(row.get("n_groups"))) is not None]
        return (
            f": {counted(int(min(counts)), 'group')} {'is' if min(counts) == 1 else 'are'} too few"
            if counts
            else ""
        )
    needed = [found for row in rows if (found := number(row.get("minimum_detectable"))) is not None]
    if len(needed) < len(rows):
        return ""
    return f": it would need a difference of {words.fixed(min(needed), 2)}"


def _phrase(word: str, count: int) -> str:
    verb = "is" if count == 1 else "are"
    if word == "seen":
        return f"{verb} seen (trained on images of the dataset)"
    if word == "same source":
        return f"{verb} of the same source (trained on its other images)"
    return f"{verb} unknown (training data not fully known)"


def _winners(matrix: Matrix) -> str:
    """Return where a model beats the best baseline, the best model of each dataset; only clean scores count."""
    found: dict[str, list[str]] = {}
    clean = 0
    for dataset in matrix.datasets:
        against = matrix.best_baseline(dataset)
        cells = [matrix.cell(model, dataset) for model in matrix.candidates]
        judged = [cell for cell in cells if cell.status == "clean" and cell.against(against)]
        clean += bool(judged)
        able = [cell.model for cell in judged if words.verdict(cell.against(against)) == "beats"]
        best = matrix.best(able, dataset)
        if best is not None:
            found.setdefault(best.name, []).append(dataset.title)
    total = len(matrix.datasets)
    if not clean:
        return "No clean score of a model was held against a baseline."
    if not found:
        where = f"any of the {total} datasets" if total > 1 else matrix.datasets[0].title
        return f"No clean model beats the best tuned baseline on {where}."
    count = sum(map(len, found.values()))
    order = sorted(found.items(), key=lambda pair: -len(pair[1]))
    parts = [f"{name} on {_named(held, total)}" for name, held in order[:SENTENCES]]
    more = len(order) - SENTENCES
    parts += [f"{counted(more, 'other model')} elsewhere"] if more > 0 else []
    told = words.joined(parts)
    if total == 1:
        return f"{next(iter(found))} beats the best tuned baseline on {matrix.datasets[0].title}."
    return f"A clean model beats the best tuned baseline on {count} of {total} datasets: {told}."


def _verdicts(matrix: Matrix) -> list[str]:
    by_word: dict[str, dict[str, list[str]]] = {}
    for model in matrix.candidates:
        for dataset in matrix.datasets:
            cell = matrix.cell(model, dataset)
            row = cell.against(matrix.best_baseline(dataset))
            if row and cell.status == "clean":
                by_word.setdefault(model.name, {}).setdefault(words.verdict(row), []).append(dataset.title)
    order = sorted(by_word, key=lambda name: -len(by_word[name].get("beats", [])))
    total = len(matrix.datasets)
    told = [_sentence(name, by_word[name], total) for name in order[:SENTENCES]]
    return [*told, f"{len(order) - SENTENCES} more models are below."] if len(order) > SENTENCES else told


def _sentence(name: str, held: Mapping[str, Sequence[str]], total: int) -> str:
    forms = {
        "beats": "beats the best tuned baseline on {}",
        "loses": "loses to it on {}",
        "equivalent": "is equivalent on {}",
    }
    parts = [form.format(_named(held[word], total)) for word, form in forms.items() if held.get(word)]
    if parts and not held.get("beats"):
        parts[0] = (
            parts[0]
            .replace("to it", "to the best tuned baseline")
            .replace("equivalent on", "equivalent to the best tuned baseline on")
        )
    open_ = [title for word, titles in held.items() if word not in forms for title in titles]
    if not parts:
        return (
            f"Whether {name} is better than the best tuned baseline cannot be told on {_named(open_, total)}."
        )
    told = f"{name} {words.joined(parts)}"
    return f"{told}; on {_named(open_, total)} this cannot be told." if open_ else f"{told}."


def _named(titles: Sequence[str], total: int) -> str:
    """Return datasets by title, or their number where that would be long."""
    most = NAMED if total <= 2 * NAMED else FEW
    return words.joined(list(titles)) if len(titles) <= most else f"{len(titles)} datasets"
