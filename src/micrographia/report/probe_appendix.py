"""The end of a result's page: examples, similarity, geometry, problems, provenance, protocol."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from micrographia.errors import printable
from micrographia.report import probe_words as words
from micrographia.report.probe_charts import NUMBERED, colour_bar, heat_map
from micrographia.report.probe_result import Row, listed, mapping, matrix, number, text, texts

Parts = dict[str, Any]

EXAMPLES = 24
"""Queries that are shown."""

FACTS = 5
"""Columns of metadata that are told of one image."""

LONGEST = 48
"""Characters of one of them."""

_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")

SIMILARITIES = (
    ("cka", "Linear CKA, debiased", "1 is the same up to rotation and scale, 0 unrelated"),
    ("rsa", "RSA: rank correlation of the distances", "1 is the same order of distances, 0 unrelated"),
    ("procrustes", "Procrustes distance", "0 is the same up to rotation, 1 unrelated"),
)

GEOMETRY = (
    ("participation_ratio", "Participation ratio"),
    ("rank_me", "RankMe"),
    ("mean_cosine", "Mean cosine"),
    ("hubness", "Hubness"),
    ("duplicates", "Duplicated rows"),
    ("constant", "Constant features"),
)


BATCH = (
    ("ilisi", "iLISI"),
    ("ilisi_chance", "its chance"),
    ("clisi", "cLISI"),
    ("clisi_chance", "its chance"),
    ("silhouette_label", "Silhouette, label"),
    ("silhouette_batch", "Silhouette, batch"),
    ("robustness_index", "Robustness index"),
    ("robustness_chance", "its chance"),
    ("share_ss", "SS"),
    ("share_so", "SO"),
    ("share_os", "OS"),
    ("share_oo", "OO"),
)


def examples(result: Mapping[str, Any]) -> Parts:
    """Return the queries and their neighbours; a picture is shown only if it is one and lies in the document."""
    rows = listed(result, "examples")
    told: list[Parts] = []
    for row in rows[:EXAMPLES]:
        neighbours = [_tile(near) for near in listed(row, "neighbours")]
        told.append(
            {
                "name": text(row.get("candidate")),
                "query": _tile(mapping(row, "query")),
                "neighbours": neighbours,
                "right": sum(tile["correct"] is True for tile in neighbours),
                "judged": sum(tile["correct"] is not None for tile in neighbours),
            }
        )
    tiles = [tile for row in told for tile in (row["query"], *row["neighbours"])]
    return {
        "rows": told,
        "more": max(0, len(rows) - EXAMPLES),
        "pictures": any(tile["thumbnail"] for tile in tiles),
    }


def similarity(result: Mapping[str, Any]) -> Parts:
    """Return the heat maps of how alike the candidates are."""
    held = mapping(result, "similarity")
    names = texts(held, "names")
    maps = []
    for key, title, note in SIMILARITIES:
        values = matrix(held, key, len(names))
        if names and values:
            maps.append(
                {
                    "title": title,
                    "note": note,
                    "svg": heat_map(values, _sentence(title, names, values), distance=key == "procrustes"),
                }
            )
    return {"names": names, "maps": maps, "colours": colour_bar(), "numbered": len(names) <= NUMBERED}


def geometry(result: Mapping[str, Any]) -> Parts:
    """Return the table of the geometry of each candidate."""
    decimals = {"participation_ratio": 1, "rank_me": 1, "duplicates": 0, "constant": 0}
    return _measures(listed(result, "geometry"), GEOMETRY, decimals)


def batch(result: Mapping[str, Any]) -> Parts:
    """Return the table of what tells label and batch apart in each candidate."""
    rows = listed(result, "batch")
    told = {key: text(rows[0].get(key)) if rows else "" for key in ("label", "batch")}
    return {**_measures(rows, BATCH, {}), **told}


def _measures(rows: Sequence[Row], columns: Sequence[tuple[str, str]], decimals: Mapping[str, int]) -> Parts:
    shown = [(key, label) for key, label in columns if any(row.get(key) is not None for row in rows)]
    return {
        "labels": [label for _, label in shown],
        "rows": [
            {
                "name": text(row.get("candidate")),
                "cells": [words.fixed(row.get(key), decimals.get(key, 2)) for key, _ in shown],
                "reason": text(row.get("reason")),
            }
            for row in rows
        ],
    }


def audit(result: Mapping[str, Any]) -> Parts:
    """Return the verdict on the design, what cannot be concluded, and the findings with their numbers."""
    held = mapping(result, "audit")
    return {
        "verdict": text(held.get("verdict")),
        "cannot": texts(held, "cannot"),
        "findings": [
            {
                "kind": text(found.get("kind")).replace("_", " "),
                "text": text(found.get("text")),
                "weight": text(found.get("weight")),
                "numbers": _pairs(mapping(found, "numbers")),
            }
            for found in listed(held, "findings")
        ],
    }


def provenance(result: Mapping[str, Any]) -> Parts:
    """Return where the numbers come from: study, program, machine, candidates, and the protocol as it was hashed."""
    made, study = mapping(result, "provenance"), mapping(result, "study")
    facts = [("Study", study.get("name")), ("Source", study.get("source")), ("Licence", study.get("licence"))]
    facts += [("Rows", words.count(study.get("rows")))] if number(study.get("rows")) is not None else []
    facts += [("Content, SHA-256", study.get("sha256"))]
    facts += [
        ("Versions", _line(made.get("versions"))),
        ("Seed", made.get("seed")),
        ("Command", _command(made.get("command"))),
    ]
    seconds = number(made.get("seconds"))
    facts += [("Started", made.get("started")), ("Took", None if seconds is None else f"{seconds:,.0f} s")]
    facts += [("Machine", _line(made.get("cpu")))]
    known = {"versions", "seed", "command", "started", "seconds", "cpu", "candidates"}
    facts += [(text(key), _line(value)) for key, value in made.items() if key not in known]
    url = text(study.get("source"))
    return {
        "facts": [(label, told) for label, value in facts if (told := text(value)) and told != words.NONE],
        "url": url if re.fullmatch(r"https?://\S+", url) else "",
        "notes": texts(study, "notes"),
        "candidates": [(text(name), _line(value)) for name, value in mapping(made, "candidates").items()],
        "protocol": _document(result.get("protocol")),
        "sha256": text(result.get("protocol_sha256")),
        "problems": texts(result, "problems"),
    }


def _tile(held: Row) -> Parts:
    facts = [
        (text(key), f"{value:.3g}" if isinstance(value, float) else _short(text(value)))
        for key, value in held.items()
        if key not in ("thumbnail", "correct") and value is not None and not isinstance(value, Mapping | list)
    ]
    thumbnail = held.get("thumbnail")
    shown = isinstance(thumbnail, str) and _PICTURE.fullmatch(thumbnail) is not None
    correct = held.get("correct")
    return {
        "thumbnail": thumbnail if shown else "",
        "facts": facts[:FACTS],
        "alt": ", ".join(f"{key} {value}" for key, value in facts[:FACTS]) or "image",
        "correct": correct if isinstance(correct, bool) else None,
    }


def _short(told: str) -> str:
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def _sentence(title: str, names: Sequence[str], values: Sequence[Sequence[float | None]]) -> str:
    pairs = [
        (value, names[i], names[j])
        for i, line in enumerate(values)
        for j, value in enumerate(line)
        if i < j and value is not None
    ]
    if not pairs:
        return title
    low, high = min(pairs), max(pairs)
    told = [f"{words.fixed(value, 2)} ({one} and {other})" for value, one, other in (low, high)]
    return f"{title}: from {told[0]} to {told[1]}." if low != high else f"{title}: {told[0]}."


def _pairs(held: Row) -> list[tuple[str, str]]:
    return [(text(key).replace("_", " "), told) for key, value in held.items() if (told := _line(value))]


def _line(value: object) -> str:
    """Return any value of the document as one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{text(key)} {told}" for key, held in value.items() if (told := _line(held)))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(told for held in value if (told := _line(held)))
    return text(value)


def _command(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"micrographia {shlex.join(map(str, value))}" if value else ""
    return text(value)


def _document(value: object) -> str:
    if not value:
        return ""
    plain = json.loads(json.dumps(value, default=str))
    told = (
        plain
        if isinstance(plain, str)
        else yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=88)
    )
    return "\n".join(printable(line) for line in told.rstrip().split("\n"))
