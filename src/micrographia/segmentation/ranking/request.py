"""A ranking from end to end: models are opened, images measured, models put in order, and all of it told in words."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from micrographia.representation.evaluation.result import plain, provenance
from micrographia.segmentation.evaluation.cache import folder_for
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.ranking import scenes as of_scenes
from micrographia.segmentation.ranking.agreement import MEASURES
from micrographia.segmentation.ranking.checking import check, check_all
from micrographia.segmentation.ranking.controls import CONTROLS
from micrographia.segmentation.ranking.measuring import Contender, Measured, Plan, Task, measure
from micrographia.segmentation.ranking.ordering import Ruling, order
from micrographia.segmentation.ranking.perturbations import KINDS, Perturbation
from micrographia.segmentation.ranking.result import FORMAT, KIND
from micrographia.segmentation.ranking.scenes import Choice, Scenes
from micrographia.segmentation.ranking.words import headline
from micrographia.work import cores, run

SOURCES = ("input", "dropout", "consensus")


@dataclass(frozen=True)
class Request:
    """What is ranked, on what and how.

    Parameters
    ----------
    models
        As :func:`~micrographia.segmentation.models.registry.segmenter` takes them.
    images
        Datasets, folders of images, or images.
    choice
        Which of their images.
    plan
        What is done with each.
    ruling
        How that becomes an order.
    out
        Folder of the result.
    cache
        Where measurements are kept; None for ``$MICROGRAPHIA_CACHE``, else beside the result.
    device, trust
        For the models.
    """

    models: tuple[str, ...]
    images: tuple[Path, ...]
    choice: Choice = field(default_factory=Choice)
    plan: Plan = field(default_factory=Plan)
    ruling: Ruling = field(default_factory=Ruling)
    out: Path = Path("ranking")
    cache: Path | None = None
    device: str = "auto"
    trust: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a result remembers it."""
        return {
            "models": [str(Path(one).absolute()) if Path(one).exists() else one for one in self.models],
            "images": [str(path.absolute()) for path in self.images],
            "choice": asdict(self.choice),
            "plan": asdict(self.plan),
            "ruling": asdict(self.ruling),
            "device": self.device,
            "trust": list(self.trust),
        }

    @staticmethod
    def from_json(said: Mapping[str, Any], *, out: Path, cache: Path | None = None) -> Request:
        """Return the request that a result remembers."""
        planned: dict[str, Any] = dict(said["plan"]) | {
            "perturbations": tuple(Perturbation(**one) for one in said["plan"]["perturbations"]),
            "dropout": tuple(said["plan"]["dropout"]),
        }
        chosen = dict(said["choice"]) | {"roles": tuple(said["choice"]["roles"])}
        return Request(
            tuple(said["models"]),
            tuple(Path(path) for path in said["images"]),
            Choice(**chosen),
            Plan(**planned),
            Ruling(**said["ruling"]),
            out,
            cache,
            said["device"],
            tuple(said["trust"]),
        )


def rank(
    request: Request,
    *,
    segmenters: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    workers: int | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Rank models without labels.

    Parameters
    ----------
    request
        What, on what and how.
    segmenters
        Further models that are at hand as objects, by what tables shall call them.
    command
        The command line, for the provenance.
    workers
        Processes; the result does not depend on it. None: one a processor for baselines, one where there are networks,
        which use all processors themselves.
    quiet
        Show no progress.

    Returns
    -------
    dict
        The result document; see ``docs/ranking.md``.

    Raises
    ------
    MicrographiaError
        If a model or a source of images cannot be opened, or the request contradicts itself.
    """
    started = time.time()
    _verify(request, segmenters)
    contenders, infos = _contenders(request, segmenters or {})
    found = of_scenes.unique_keys(
        [one for path in request.images for one in of_scenes.scenes(path, request.choice)]
    )
    records = _measure(request, contenders, infos, found, workers, quiet)
    rankings = []
    for one in found:
        held = {contender.key: records[one.key, contender.key] for contender in contenders}
        ordered = order(
            one, held, request.ruling, folder_for(request.out, request.cache), workers=workers or 1
        )
        truth = check(ordered["models"], seed=request.ruling.seed)
        rankings.append({**_described(one, held), **ordered, "truth": truth})
    result: dict[str, Any] = {
        "kind": KIND,
        "format": FORMAT,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "title": "Models ranked without labels",
        "headline": [],
        "measure": request.ruling.measure,
        "source": request.ruling.source,
        "level": request.ruling.level,
        "measures": {name: asdict(one) for name, one in MEASURES.items()},
        "perturbations": [
            {"name": one.name, "unit": KINDS[one.kind].unit, "formula": KINDS[one.kind].formula}
            for one in request.plan.perturbations
        ],
        "controls": dict(CONTROLS),
        "models": [{"key": one.key, **infos[one.key].to_json()} for one in contenders],
        "rankings": rankings,
        "pooled": check_all([one["models"] for one in rankings], seed=request.ruling.seed),
    }
    # Words and pages see the numbers as a result that is read again has them: null where there are none.
    result = plain(result)
    result["headline"] = headline(result)
    result["provenance"] = plain(
        {
            **provenance(request.plan.seed, command, time.time() - started),
            "request": request.to_json(),
            "held": sorted(segmenters or {}),
        }
    )
    return result


def repeat(
    before: Mapping[str, Any],
    *,
    images: Sequence[Path] = (),
    command: Sequence[str] = (),
    workers: int | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Rank again as a result says that it was done, measuring everything anew.

    Parameters
    ----------
    before
        The result.
    images
        Where the images are, if they have moved.
    command, workers, quiet
        As for :func:`rank`.

    Raises
    ------
    MicrographiaError
        If models or images are not there any more, or the models were objects of a program.
    """
    if before["provenance"]["held"]:
        raise SegmentationError(
            "",
            f"ranked {', '.join(before['provenance']['held'])}, which were objects of a program",
            "Rank them again from there",
        )
    with TemporaryDirectory(prefix="micrographia-") as folder:
        request = Request.from_json(before["provenance"]["request"], out=Path(folder), cache=Path(folder))
        if images:
            request = replace(request, images=tuple(images))
        return rank(request, command=command, workers=workers, quiet=quiet)


def _verify(request: Request, segmenters: Mapping[str, Any] | None) -> None:
    if not request.models and not segmenters:
        raise SegmentationError("", "there is no model to rank", "Name models with --models")
    if not request.images:
        raise SegmentationError(
            "", "there are no images to rank on", "Name a dataset or a folder with --images"
        )
    ruling = request.ruling
    for said, known in ((ruling.measure, tuple(MEASURES)), (ruling.source, SOURCES)):
        if said not in known:
            raise SegmentationError("", f"there is no {said!r}", f"Choose of {', '.join(known)}")
    if ruling.source == "dropout" and not request.plan.dropout:
        raise SegmentationError(
            "", "features are to be dropped, but no share is given", "Give one: --dropout 0.1"
        )
    if ruling.source != "dropout" and not request.plan.perturbations:
        raise SegmentationError("", "there is no perturbation", "Name one, or rank by dropout")


def _contenders(request: Request, segmenters: Mapping[str, Any]) -> tuple[list[Contender], dict[str, Any]]:
    from micrographia.segmentation.models.registry import segmenter

    found: list[Contender] = []
    infos: dict[str, Any] = {}
    for spec in dict.fromkeys(request.models):
        info = segmenter(spec, device=request.device, trust=request.trust).info
        key, number = info.name or spec, 2
        while key in infos:
            key, number = f"{info.name or spec} ({number})", number + 1
        infos[key] = info
        found.append(Contender(key, spec, info.sha256 or _unnamed(key), request.device, request.trust))
    for key, held in segmenters.items():
        if key in infos:
            raise SegmentationError(key, "is the name of two models", "Give each its own")
        infos[key] = held.info
        found.append(Contender(key, "", held.info.sha256 or _unnamed(key), held=held))
    return found, infos


def _unnamed(key: str) -> str:
    """Return a checksum that is never met again: nobody knows what determines the model's output."""
    return hashlib.sha256(f"{key} {time.time_ns()}".encode()).hexdigest()


def _measure(
    request: Request,
    contenders: Sequence[Contender],
    infos: Mapping[str, Any],
    found: Sequence[Scenes],
    workers: int | None,
    quiet: bool,
) -> dict[tuple[str, str], list[Measured]]:
    folder = folder_for(request.out, request.cache)
    tasks, owners = [], []
    for one in found:
        n = len(one.items)
        for contender in contenders:
            for place, item in enumerate(one.items):
                other = one.items[(place + 1) % n] if n > 1 else None
                tasks.append(Task(contender, item, other, request.plan, folder))
                owners.append((one.key, contender.key))
    held = any(contender.held is not None for contender in contenders)
    usual = cores() if all(info.baseline for info in infos.values()) else 1
    outcomes = run(
        measure,
        tasks,
        workers=min(usual if workers is None else workers, max(1, len(tasks))),
        kind="threads" if held else "processes",
        name=lambda task: f"{task.contender.key} on {task.item.id}",
        label="ranking",
        quiet=quiet,
    )
    records: dict[tuple[str, str], list[Measured]] = {}
    for owner, outcome in zip(owners, outcomes, strict=True):
        lost = outcome.error
        record = (
            Measured(outcome.task.item.id, str(lost)) if lost is not None else cast("Measured", outcome.value)
        )
        records.setdefault(owner, []).append(record)
    return records


def _described(one: Scenes, held: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    pixels = {record.image: record.sha256 for records in held.values() for record in records if record.sha256}
    text = "\n".join(f"{image} {pixels.get(image, '')}" for image in sorted(one.groups))
    notes = dict.fromkeys(
        f"{key}: {note}" if note.startswith("no control") else note
        for key, records in held.items()
        for record in records
        for note in record.notes
    )
    return {
        "key": one.key,
        "title": one.title,
        "path": str(one.path),
        "domain": one.domain or None,
        "content_sha256": one.content_sha256 or None,
        "pixels_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "n_images": len(one.items),
        "n_labelled": len(one.labelled),
        "group_column": one.group_column or None,
        "n_all_groups": one.n_groups,
        "notes": [*one.notes, *notes],
    }
