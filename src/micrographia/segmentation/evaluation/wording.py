"""What a transfer matrix says, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.segmentation.evaluation.ledger import Status

SHOWN = 6


def headline(result: Mapping[str, Any]) -> list[str]:
    """Return the answer of a matrix in sentences: dataset by dataset, which model, against which baseline, how sure."""
    told = []
    titles = {model["key"]: model for model in result["models"]}
    for dataset in result["datasets"]:
        cells = [cell for cell in result["cells"] if cell["dataset"] == dataset["key"]]
        told.append(_dataset(result["primary"], dataset, cells, titles))
    told += [_human(row) for row in result.get("human", ()) if not titles[row["model"]]["baseline"]]
    told += _clean(result)
    told += _failed(result)
    if any("groups unknown" in note for cell in result["cells"] for note in cell["notes"]):
        told.append(
            "Groups are unknown for some datasets: their intervals count each image as independent, "
            "which is optimistic."
        )
    return told


def _dataset(
    primary: str, dataset: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], models: Mapping[str, Any]
) -> str:
    title = dataset["key"]
    scored = [cell for cell in cells if cell["scores"][primary]["value"] is not None]
    own = [cell for cell in scored if not models[cell["model"]]["baseline"]]
    bare = [cell for cell in scored if models[cell["model"]]["baseline"]]
    if not scored:
        return f"{title}: no model could be scored."
    if not own:
        best = max(bare, key=lambda cell: cell["scores"][primary]["value"])
        return f"{title}: only baselines were evaluated; {best['model']} scores {_score(best, primary)}."
    best = max(own, key=lambda cell: cell["scores"][primary]["value"])
    text = f"{title}: {best['model']} scores {primary} {_score(best, primary)}"
    row = next((row for row in best["versus"] if row["best"]), None)
    if row is None:
        return text + "; there is no baseline to hold it against."
    words = {
        "beats": f"it beats {row['baseline']}",
        "loses": f"it loses to {row['baseline']}",
        "equivalent": f"it is equivalent to {row['baseline']}",
        "undecided": f"undecided against {row['baseline']}",
        "too few groups": f"too few groups to tell it from {row['baseline']}",
    }
    said = words.get(row["verdict"], f"not comparable with {row['baseline']}")
    if row["difference"] is not None:
        said += f" by {_signed(row['difference'])}"
        if row["low"] is not None and row["high"] is not None:
            said += f" ({_signed(row['low'])} to {_signed(row['high'])})"
    said += alike(row)
    flag = "" if best["status"] == Status.CLEAN.value else f"; {_status(best['status'])}"
    return f"{text}; {said}{flag}."


def alike(row: Mapping[str, Any]) -> str:
    """Say what a comparison is where images count alike, if that is another word than where objects do."""
    word, difference = row.get("image_weighted_verdict"), row.get("image_weighted_difference")
    if word in (None, row["verdict"]) or difference is None:
        return ""
    low, high = row.get("image_weighted_low"), row.get("image_weighted_high")
    span = f" ({_signed(low)} to {_signed(high)})" if low is not None and high is not None else ""
    return f"; if images count alike: {word}, {_signed(difference)}{span}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _human(row: Mapping[str, Any]) -> str:
    annotators = f"{len(row['annotators'])} annotators of {row['n_images']} images"
    scores = f"{row['model_score']:.2f} with them, {row['human']:.2f} among themselves"
    return f"{row['dataset']}: {row['model']} is {_WORDS.get(row['word'], row['word'])} ({annotators}: {scores})."


_WORDS = {
    "undecided": "neither shown to be below nor within human agreement",
    "too few groups": "not to be told from human agreement, with so few groups",
    "undefined": "not comparable with human agreement",
}


def _score(cell: Mapping[str, Any], primary: str) -> str:
    score = cell["scores"][primary]
    text = f"{score['value']:.2f}"
    if score["low"] is not None and score["high"] is not None:
        text += f" ({score['low']:.2f} to {score['high']:.2f}, {_groups(cell['n_groups'])})"
    return text


def _groups(number: int) -> str:
    return f"{number} group{'' if number == 1 else 's'}"


def _status(status: str) -> str:
    return {
        Status.SEEN.value: "it was trained on some of these images",
        Status.SAME_SOURCE.value: "it was trained on other images of the same source",
        Status.UNKNOWN.value: "what it was trained on is not known",
    }[status]


def _clean(result: Mapping[str, Any]) -> list[str]:
    """Say which cells count as a test of transfer."""
    own = {model["key"] for model in result["models"] if not model["baseline"]}
    counts: dict[str, int] = {}
    for cell in result["cells"]:
        if cell["model"] in own:
            counts[cell["status"]] = counts.get(cell["status"], 0) + 1
    if not counts:
        return []
    total = sum(counts.values())
    parts = [f"{counts[status.value]} {status.value}" for status in Status if status.value in counts]
    noun = "cell" if total == 1 else "cells"
    return [
        f"Of {total} {noun} of models and datasets: {', '.join(parts)}. Only clean cells tell how a model transfers."
    ]


def _failed(result: Mapping[str, Any]) -> list[str]:
    failed = [cell for cell in result["cells"] if cell["n_failed"]]
    if not failed:
        return []
    shown = ", ".join(
        f"{cell['model']} on {cell['dataset']} ({cell['n_failed']} of {cell['n_images']})"
        for cell in failed[:SHOWN]
    )
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    return [f"Images without a score: {shown}{more}. Their reasons are listed."]
