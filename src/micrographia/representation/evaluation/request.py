"""An evaluation from end to end: the study is opened, contenders are gathered, everything is scored and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ProtocolError
from micrographia.images import Image
from micrographia.protocols import Protocol
from micrographia.representation.adapters.registry import load
from micrographia.representation.adapters.study import Study
from micrographia.representation.adapters.tables import study_of
from micrographia.representation.audit.auditing import audit
from micrographia.representation.evaluation.batches import batch_measures
from micrographia.representation.evaluation.confounders import Confounding
from micrographia.representation.evaluation.contenders import Contender, Field, gather
from micrographia.representation.evaluation.diagnostics import (
    examples,
    geometry,
    illustrate,
    similarity,
    stability,
    untrusted,
)
from micrographia.representation.evaluation.headline import headline
from micrographia.representation.evaluation.images import Embedded, embedded, simple_baselines
from micrographia.representation.evaluation.result import FORMAT, plain, provenance
from micrographia.representation.evaluation.rows import Rows, choose
from micrographia.representation.evaluation.sweeps import ablations, layers
from micrographia.representation.evaluation.table import (
    Board,
    comparisons,
    null_of,
    score_all,
    shuffles_of,
    table,
)
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import align, read_profiles
from micrographia.work import Progress

PROFILES = "profiles"
EMBEDDINGS = "embeddings"
"""Folder of the result in which embeddings are kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a protocol is to be carried out on.

    Attributes
    ----------
    data
        Folder of the study.
    encoders
        Encoders that compete, if the study has images.
    profiles
        Tables of ready-made features that compete.
    out
        Folder of the result; embeddings are kept in it.
    """

    data: Path | None = None
    encoders: tuple[str, ...] = ()
    profiles: tuple[Path, ...] = ()
    out: Path = Path("probe")

    def inputs(self) -> dict[str, Any]:
        """Return the inputs as a result remembers them."""
        return {
            "data": None if self.data is None else str(self.data.absolute()),
            "encoders": list(self.encoders),
            "profiles": [str(path.absolute()) for path in self.profiles],
        }


def audit_only(protocol: Protocol, request: Request) -> dict[str, Any]:
    """Say what the design can tell, from metadata alone.

    Raises
    ------
    ProtocolError, ProfileError
        If the data do not fit the protocol.
    """
    study = _study(protocol, request)
    document: dict[str, Any] = plain(audit(study.rows, protocol).to_json())
    return document


def evaluate(
    protocol: Protocol,
    request: Request,
    *,
    command: Sequence[str] = (),
    thumbnail: Callable[[Image], str] | None = None,
    workers: int | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Carry out a protocol.

    Parameters
    ----------
    protocol
        What is asked.
    request
        On what.
    command
        The command line, for the provenance.
    thumbnail
        Makes a small picture of an image, as a data URI, for the examples; None for none.
    workers
        Threads; the result does not depend on it.
    quiet
        Show no progress.

    Returns
    -------
    dict
        The result document; see ``docs/probe.md``.

    Raises
    ------
    ProtocolError, ProfileError
        If the data do not fit the protocol, or there is nothing to evaluate.
    """
    started = time.time()
    study = _study(protocol, request)
    rows = choose(study.rows, protocol)
    design = audit(study.rows, protocol).to_json()
    made = embedded(study, request.encoders, request.out / EMBEDDINGS, protocol, workers=workers, quiet=quiet)
    extra = [*(_read(path, study) for path in request.profiles), *made.contenders]
    field = gather(study, protocol, extra, simple_baselines(study, protocol, workers=workers, quiet=quiet))
    steps = len(protocol.tasks) * len(protocol.transforms) * len(list(field))
    with Progress("scoring", steps, quiet=quiet) as progress:
        board = score_all(rows, field, protocol, progress, workers=workers)
    shuffles = shuffles_of(board, rows, field, protocol, workers=workers)
    null = null_of(board, rows, field, protocol, shuffles)
    scores = table(board, field, protocol, null, shuffles)
    compared = comparisons(board, field, protocol, null)
    result: dict[str, Any] = {
        "micrographia_result": FORMAT,
        "title": protocol.title,
        "question": protocol.question,
        "protocol": protocol.model_dump(mode="json"),
        "protocol_sha256": protocol.sha256,
        "study": _told(study, rows),
        "headline": [],
        "audit": design,
        "table": scores,
        "comparisons": compared,
    }
    result |= _diagnosed(rows, field, board, made, scores, protocol, workers)
    if thumbnail is not None and study.images is not None:
        illustrate(result.get("examples", []), study.images, thumbnail)
    result["problems"] = [*study.notes, *field.problems, *board.problems]
    result = plain(result)
    result["headline"] = headline(protocol, result["table"], result["comparisons"])
    sources = {one.name: dict(one.first.source) for one in field}
    result["provenance"] = plain(
        {
            **provenance(protocol.seed, command, time.time() - started),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "inputs": request.inputs(),
            "candidates": sources,
        }
    )
    return result


def repeat(
    before: Mapping[str, Any],
    *,
    data: Path | None,
    out: Path | None,
    command: Sequence[str],
    workers: int | None,
    quiet: bool,
) -> dict[str, Any]:
    """Carry out the protocol of a result again, on the same inputs.

    Raises
    ------
    ProtocolError, ProfileError
        If they are not there any more, or the protocol cannot be read.
    """
    inputs = before["provenance"]["inputs"]
    place = data or (Path(inputs["data"]) if inputs["data"] else None)
    if place is not None and not place.exists():
        raise ProtocolError(place, "is not there any more", "Name where the data are with --data")
    request = Request(
        place,
        tuple(inputs["encoders"]),
        tuple(Path(path) for path in inputs["profiles"]),
        out or Path("probe-again"),
    )
    protocol = Protocol.model_validate(before["protocol"])
    return evaluate(protocol, request, command=command, workers=workers, quiet=quiet)


def _study(protocol: Protocol, request: Request) -> Study:
    if protocol.study.adapter == PROFILES:
        if not request.profiles:
            raise ProtocolError(
                protocol.name, "evaluates tables of features", "Name one with --profiles FILE"
            )
        return study_of(read_profiles(request.profiles[0]), request.profiles[0])
    if request.data is None:
        raise ProtocolError(
            protocol.name,
            f"needs the data of {protocol.study.adapter}",
            "Name their folder with --data FOLDER; docs/studies.md says where they come from",
        )
    return load(protocol.study.adapter, request.data, protocol.study.options)


def _read(path: Path, study: Study) -> Contender:
    found = read_profiles(path)
    name = path.name.split(".")[0]
    on = [
        column
        for column in study.rows.columns
        if column in found.meta.columns
        and not study.rows[column].isna().any()
        and not found.meta[column].isna().any()
    ]
    if not on:
        raise ProtocolError(
            path,
            "has no column in common with the study",
            f"It has {', '.join(map(str, study.rows.columns))}",
        )
    if len(found) == len(study.rows) and found.meta[on].equals(study.rows[on]):
        return Contender(name, "candidate", (found,))
    rows = Profiles(np.empty((len(study.rows), 0)), study.rows[on], (), study.name)
    return Contender(name, "candidate", (align(rows, found, on=on)[1],))


def _diagnosed(
    rows: Rows,
    field: Field,
    board: Board,
    made: Embedded,
    scores: list[dict[str, Any]],
    protocol: Protocol,
    workers: int | None,
) -> dict[str, Any]:
    """Return what stands behind the scores, as far as the protocol asks for it."""
    whole = {
        one.name: board.one(protocol.primary, protocol.primary_transform, one.name)
        for one in field.candidates
    }
    confounding = Confounding(rows, field, board, protocol, workers)
    parts: dict[str, tuple[str, Callable[[], Any]]] = {
        "confounders": ("decodability", confounding.confounders),
        "incremental": ("incremental", confounding.incremental),
        "shares": ("shares", confounding.shares),
        "batch": ("batch", lambda: batch_measures(rows, field, board, protocol, workers)),
        "layers": ("layers", lambda: layers(made.layers, rows, protocol, workers=workers)),
        "ablations": ("ablations", lambda: ablations(made.ablated, whole, rows, protocol, workers=workers)),
        "similarity": ("similarity", lambda: similarity(field, board, protocol)),
        "geometry": ("geometry", lambda: geometry(field, board, protocol)),
        "rank_stability": (
            "rank_stability",
            lambda: stability(scores, rows, field, board, protocol, workers),
        ),
        "untrusted": ("self_test", lambda: untrusted(rows, field, board, protocol)),
        "examples": ("examples", lambda: examples(rows, field, board, protocol)),
    }
    return {key: make() for key, (asked, make) in parts.items() if asked in protocol.diagnostics}


def _told(study: Study, rows: Rows) -> dict[str, Any]:
    return {
        "name": study.name,
        "source": study.source,
        "licence": study.licence,
        "rows": len(study.rows),
        "scored_rows": rows.n,
        "sha256": study.sha256,
    }
