"""What costs time: fingerprints of images, and predictions by every model, from the cache or computed anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from micrographia.checks.pixel_facts_image import ImageFacts, measure_image
from micrographia.segmentation.evaluation.cache import Cache
from micrographia.segmentation.evaluation.contenders import Contender
from micrographia.segmentation.evaluation.prediction import Done, Task, identify, predict, task_key
from micrographia.segmentation.evaluation.targets import Column, Item
from micrographia.work import Progress, cores, run, stream


def fingerprints(
    held: Sequence[Column],
    sources: Sequence[Column],
    workers: int | None,
    executor: Executor | None,
    quiet: bool,
) -> dict[tuple[str, str], dict[str, ImageFacts]]:
    """Return what the images of every column are recognised by; those that cannot be read have nothing."""
    wanted = [((column.key, "evaluated"), item) for column in held for item in column.items]
    wanted += [((source.key, "training"), item) for source in sources for item in source.training]
    once = {(item.files.root, item.id): item for _, item in wanted}
    found: dict[tuple[Path, str], ImageFacts] = {}
    with Progress("fingerprints", len(once), quiet=quiet) as progress:
        for outcome in stream(
            _measured,
            once.values(),
            workers=_workers(workers, len(once), executor),
            executor=executor,
            name=_name,
        ):
            if outcome.error is None:
                found[outcome.task.files.root, outcome.task.id] = outcome.result()
            progress.advance()
    told: dict[tuple[str, str], dict[str, ImageFacts]] = {}
    for column in held:
        told.setdefault((column.key, "evaluated"), {})
    for source in sources:
        told.setdefault((source.key, "training"), {})
    for place, item in wanted:
        measured = found.get((item.files.root, item.id))
        if measured is not None:
            told[place][item.id] = measured
    return told


def _measured(item: Item) -> ImageFacts:
    return measure_image(item.files.image(), item.id)[0]


def _name(item: Item) -> str:
    return item.id


def _workers(workers: int | None, tasks: int, executor: Executor | None) -> int | None:
    """Return how many workers to use: starting processes for a few images costs more than the images."""
    if executor is not None or workers is not None:
        return workers
    return 1 if tasks < 16 else None


def predictions(
    contenders: Sequence[Contender],
    held: Sequence[Column],
    cache: Cache,
    boundary: bool,
    workers: int | None,
    executor: Executor | None,
    quiet: bool,
) -> tuple[dict[tuple[str, str], list[Done]], dict[tuple[str, str, str], str], int]:
    """Return what became of every image with every model, keys of the cache, and how many were computed now."""
    content = _contents(held, workers, executor, quiet)
    done: dict[tuple[str, str], dict[str, Done]] = {}
    keys: dict[tuple[str, str, str], str] = {}
    missing: list[tuple[tuple[str, str, str], Task]] = []
    for contender in contenders:
        for column in held:
            cell = done.setdefault((contender.key, column.key), {})
            for item in column.items:
                place = (contender.key, column.key, item.id)
                identity = content[column.key, item.id]
                if isinstance(identity, Done):
                    cell[item.id] = identity
                    continue
                task = Task(contender.model, item, boundary)
                keys[place] = task_key(task, identity)
                entry = cache.get(keys[place])
                if entry is None:
                    missing.append((place, task))
                else:
                    cell[item.id] = _kept(item.id, entry)
    with Progress("predicting", len(missing), quiet=quiet) as progress:
        outcomes = stream(
            predict,
            [task for _, task in missing],
            workers=_predicting(contenders, workers, executor),
            executor=executor,
            name=lambda task: f"{task.model.key} on {task.item.id}",
        )
        for (place, task), outcome in zip(missing, outcomes, strict=True):
            one = outcome.result() if outcome.error is None else Done(task.item.id, None, str(outcome.error))
            if one.record is not None:
                # Failures are tried again: a program may be installed, memory be free by then.
                cache.put(keys[place], _entry(one), base64.b64decode(one.labels) if one.labels else None)
            done[place[:2]][task.item.id] = one
            progress.advance()
    ordered = {
        (contender.key, column.key): [done[contender.key, column.key][item.id] for item in column.items]
        for contender in contenders
        for column in held
    }
    return ordered, keys, len(missing)


def _predicting(
    contenders: Iterable[Contender], workers: int | None, executor: Executor | None
) -> int | None:
    """Return how many processes predict: one where a device is shared by all, or a network uses every core."""
    if executor is not None or workers is not None:
        return workers
    return None if all(contender.baseline for contender in contenders) else min(2, cores())


def _contents(
    held: Sequence[Column], workers: int | None, executor: Executor | None, quiet: bool
) -> dict[tuple[str, str], str | Done]:
    """Return the checksum of each image with its truth, or why it cannot be had."""
    listed = [(column.key, item) for column in held for item in column.items]
    outcomes = run(
        identify,
        [item for _, item in listed],
        workers=_workers(workers, len(listed), executor),
        executor=executor,
        name=_name,
        label="reading",
        quiet=quiet,
    )
    return {
        (key, item.id): outcome.result() if outcome.error is None else Done(item.id, None, str(outcome.error))
        for (key, item), outcome in zip(listed, outcomes, strict=True)
    }


def _entry(one: Done) -> dict[str, Any]:
    return {
        "record": one.record,
        "seconds": one.seconds,
        "peak_bytes": one.peak_bytes,
        "pixels": one.pixels,
        "notes": list(one.notes),
    }


def _kept(image: str, entry: Mapping[str, Any]) -> Done:
    return Done(
        image,
        entry["record"],
        "",
        "",
        float(entry["seconds"]),
        int(entry["peak_bytes"]),
        int(entry["pixels"]),
        tuple(entry["notes"]),
    )
