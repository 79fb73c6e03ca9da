"""Worst and best images of a transfer matrix: pictures with what was found, missed, invented, merged and split."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from micrographia.errors import MicrographiaError
from micrographia.report import probe_words as words
from micrographia.report.matrix_result import Matrix, Row, number, opened, rows_of, text
from micrographia.report.segmentation_pictures import COLOURS

Parts = dict[str, Any]
Pictures = Mapping[tuple[str, str, str], Path | bytes]

SHOWN, MOST = 12, 60
"""Pictures that are shown, and how many there are at all with the folded ones."""

HEADS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}

LEGEND = (
    ("truth", "annotated object", ""),
    ("predicted", "predicted object", ""),
    ("miss", "missed: no prediction covers it", ""),
    ("false", "false: covers no annotated object", "dashed"),
    ("merge", "merged: one prediction over several objects", "dashed"),
    ("split", "split: one object in several predictions", "dashed"),
)


def examples(matrix: Matrix, pictures: Pictures) -> Parts:
    """Return the pictures by dataset, the worst before the best; what has none is told in words.

    Raises
    ------
    MicrographiaError
        If a picture cannot be read, or is neither PNG nor JPEG.
    """
    rows = rows_of(matrix, "examples")
    drawn = [row for row in rows if _key(row) in pictures]
    shots = [_shot(matrix, row, pictures) for row in _chosen(matrix, drawn or rows, MOST)]
    return {
        "groups": _groups(shots[:SHOWN]),
        "folded": _groups(shots[SHOWN:]),
        "folded_count": len(shots[SHOWN:]),
        "more": len(rows) - len(shots),
        "pictured": any(shot["uri"] for shot in shots),
        "legend": [
            {"colour": "#" + bytes(COLOURS[name]).hex(), "text": label, "style": style}
            for name, label, style in LEGEND
        ],
    }


def wanted(result: Mapping[str, Any], most: int = MOST) -> list[tuple[str, str, str]]:
    """Return which examples of a result are worth drawing: keys of model and dataset, and image, at most so many.

    The worst and the best image of the best model of each dataset come before those of other models, and these before
    further images.

    Raises
    ------
    MicrographiaError
        If it is no result of a transfer matrix.
    """
    matrix = opened(result)
    return [_key(row) for row in _chosen(matrix, rows_of(matrix, "examples"), most)]


def _key(row: Row) -> tuple[str, str, str]:
    return text(row.get("model")), text(row.get("dataset")), text(row.get("image"))


def _chosen(matrix: Matrix, rows: list[Row], most: int) -> list[Row]:
    """Return the rows that are shown, by dataset and model, the worst first.

    Of too many, the worst and the best image of the best model of each dataset come before those of other models.
    """
    datasets = {dataset.key: place for place, dataset in enumerate(matrix.datasets)}
    models = {model.key: place for place, model in enumerate(matrix.models)}

    def order(row: Row) -> tuple[int, int, bool, float]:
        place = datasets[text(row.get("dataset"))], models[text(row.get("model"))]
        return *place, text(row.get("kind")) != "worst", number(row.get("score")) or 0.0

    ordered = sorted(rows, key=order)
    seen: Counter[tuple[str, str, str]] = Counter()
    ranked = []
    for place, row in enumerate(ordered):
        key = text(row.get("dataset")), text(row.get("model")), text(row.get("kind"))
        ranked.append((seen[key], models[key[1]], place))
        seen[key] += 1
    return [ordered[place] for *_, place in sorted(sorted(ranked)[:most], key=lambda one: one[2])]


def _shot(matrix: Matrix, row: Row, pictures: Pictures) -> Parts:
    key = _key(row)
    counts = [
        (label, found)
        for name, label in (
            ("hits", "found"),
            ("misses", "missed"),
            ("false", "false"),
            ("merges", "merged"),
            ("splits", "split"),
        )
        if (found := number(row.get(name))) is not None
    ]
    told = ", ".join(
        f"{found:,.0f} {label}" for label, found in counts if found or label in ("found", "missed")
    )
    uri, ratio = _embedded(pictures[key], key[2]) if key in pictures else ("", 1.0)
    kind = text(row.get("kind"))
    score = words.fixed(row.get("score"), 2)
    model = matrix.name(key[0])
    return {
        "dataset": matrix.dataset_title(key[1]),
        "model": model,
        "image": key[2],
        "kind": kind,
        "score": score,
        "counts": told,
        "note": text(row.get("note")),
        "uri": uri,
        "ratio": f"{min(max(ratio, 0.6), 2.0):.3f}",
        "alt": f"{kind.capitalize()} image of {model} on {matrix.dataset_title(key[1])}, score {score}: {told}",
    }


def _groups(shots: list[Parts]) -> list[Parts]:
    found: dict[str, list[Parts]] = {}
    for shot in shots:
        found.setdefault(shot["dataset"], []).append(shot)
    return [{"title": title, "shots": held} for title, held in found.items()]


def _embedded(picture: Path | bytes, image: str) -> tuple[str, float]:
    """Return a picture as a data URI, and its width over its height."""
    from PIL import Image as Pillow

    if isinstance(picture, Path):
        try:
            data = picture.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise MicrographiaError(
                picture, f"cannot be read ({reason})", "draw the pictures again"
            ) from error
    else:
        data = picture
    kind = next((name for head, name in HEADS.items() if data.startswith(head)), "")
    if not kind:
        place = picture if isinstance(picture, Path) else ""
        raise MicrographiaError(
            place, f"the picture of image {image} is neither PNG nor JPEG", "draw the pictures again"
        )
    with Pillow.open(io.BytesIO(data)) as opened:
        width, height = opened.size
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}", width / height
