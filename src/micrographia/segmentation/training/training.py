"""From datasets to a model: plan, train, tune, and write the model with everything that tells where it is from."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import write_whole
from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.representation.encoders.networks import pick_device, torch_module
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_files import CARD, write_weights
from micrographia.segmentation.training import checkpoints, fingerprints, usage
from micrographia.segmentation.training.card import card, write_card
from micrographia.segmentation.training.citation import cite, shared_target
from micrographia.segmentation.training.curves import write_curves
from micrographia.segmentation.training.judging import AT_END, Judgement, Sample, Samples, judge, tuned
from micrographia.segmentation.training.options import TrainOptions
from micrographia.segmentation.training.plan import Plan, folder_name, make_plan
from micrographia.segmentation.training.trainer import (
    PROBED,
    Listener,
    Schedule,
    Trained,
    Trainer,
    steps_for,
)

TASK = "instance segmentation: training"
PACKAGES = ("micrographia", "torch", "numpy", "scipy")


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model that was trained, and where it lies.

    Parameters
    ----------
    path
        Its folder.
    model
        Ready to segment.
    card
        What ``model.yaml`` says.
    plan
        What the run consisted of.
    records
        The usage records.
    """

    path: Path
    model: UNetSegmenter
    card: Mapping[str, Any]
    plan: Plan
    records: tuple[Path, ...]


def train(
    options: TrainOptions,
    *,
    quiet: bool = True,
    listener: Listener | None = None,
    planned: Callable[[Plan], None] | None = None,
) -> TrainedModel:
    """Train the reference model.

    The folder gets ``model.yaml``, the weights, ``curves.json`` and ``curves.png``, ``fingerprints.json``, ``usage/``
    with a record for each dataset, and on request ``bioimageio/``. The card is written last: a folder without it holds
    no model. While training there is a checkpoint; it goes when the model is written.

    Parameters
    ----------
    options
        What to do.
    quiet
        Show no progress.
    listener
        Told of each evaluation: step, losses, score.
    planned
        Told of the plan before training begins.

    Raises
    ------
    MicrographiaError
        If a dataset cannot be used, the options contradict each other, memory runs out, or the folder holds a model
        already.
    """
    out = Path(options.out)
    _free(out, options)
    plan = make_plan(options)
    if planned is not None:
        planned(plan)
    try:
        device = pick_device(options.device)
    except EncoderError as error:
        raise SegmentationError(error.path, error.problem, error.remedy) from error
    mixed = options.precision == "mixed" or (options.precision == "auto" and device.startswith("cuda"))
    cited = [
        cite(dataset, name, workers=options.workers, quiet=quiet)
        for dataset, name in zip(plan.datasets, plan.sets, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    depends = _depends(options, plan, cited, mixed)
    state = checkpoints.load(out, depends) if options.resume else None
    samples = Samples(plan.validation, options.seed, plan.spacing)
    trainer = Trainer(
        plan.shape,
        samples,
        out,
        seed=options.seed,
        device=device,
        mixed=mixed,
        spacing=plan.spacing,
        quiet=quiet,
        listener=listener,
    )
    schedule = _schedule(options, plan, trainer, state)
    trained = trainer.run(plan.train_of(schedule.every * plan.batch), schedule, depends, state)
    return _written(
        out, options, plan, cited, samples, trained, schedule, device=device, mixed=mixed, quiet=quiet
    )


def _free(out: Path, options: TrainOptions) -> None:
    if (out / CARD).exists():
        remedy = "Choose another folder, or remove it"
        raise SegmentationError(out, "holds a trained model already", remedy)
    if out.exists() and not out.is_dir():
        raise SegmentationError(out, "is no folder", "Choose another name for the model")
    if (out / checkpoints.FILE).exists() and not options.resume:
        raise SegmentationError(
            out,
            "holds the checkpoint of a run that has not ended",
            "Go on with --resume, or remove the folder",
        )


def _depends(
    options: TrainOptions, plan: Plan, cited: Sequence[Mapping[str, Any]], mixed: bool
) -> dict[str, Any]:
    """Return what the weights depend on: a run resumes only if all of it is the same."""
    return {
        "options": options.determining()
        | ({"steps": None, "minutes": options.minutes} if options.minutes else {}),
        "data": [entry["content_sha256"] for entry in cited],
        "images": [[list(division.train), list(division.validation)] for division in plan.divisions],
        "network": plan.shape.to_json(),
        "patch": list(plan.patch),
        "batch": plan.batch,
        "mixed": mixed,
    }


def _schedule(
    options: TrainOptions, plan: Plan, trainer: Trainer, state: checkpoints.State | None
) -> Schedule:
    total = options.steps if state is None else state.total
    schedule = Schedule(total, plan.batch, total, options.rate, options.patience)
    if options.minutes is not None and state is None:
        total = steps_for(
            options.minutes, trainer.seconds_a_step(plan.train_of(PROBED * plan.batch), schedule)
        )
    return replace(schedule, total=total, every=max(1, -(-total // options.evaluations)))


def _written(
    out: Path,
    options: TrainOptions,
    plan: Plan,
    cited: Sequence[dict[str, Any]],
    samples: Samples,
    trained: Trained,
    schedule: Schedule,
    *,
    device: str,
    mixed: bool,
    quiet: bool,
) -> TrainedModel:
    """Tune, and write everything; the card last."""
    target, differing = shared_target(list(zip(plan.datasets, plan.sets, strict=True)))
    held = samples.first(AT_END)
    trained_on = [
        dict(entry)
        | {
            "n_images": len(division.train),
            "n_groups": division.units(division.train),
            "n_validation_images": len(division.validation),
        }
        for entry, division in zip(cited, plan.divisions, strict=True)
    ]
    info = ModelInfo(
        name=options.name or folder_name(out),
        version=options.version,
        channel_roles=plan.roles,
        pixel_size=plan.pixel_size,
        target=target,
        trained_on=tuple(trained_on),
    )
    kept = max(
        (_tuned(network, at, plan, info, held, device) for network, at in trained.candidates),
        key=lambda one: (one.after.f1, -one.after.loss),
    )
    model = kept.model
    scores = _scores(plan, kept, len({sample.image_id for sample in held}))
    made = (
        datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC) if _epoch() else datetime.now(UTC)
    )
    date = made.replace(microsecond=0).isoformat()
    weights = write_weights(out, model.network.state_dict())
    entries = [
        entry
        for dataset, division, source in zip(plan.datasets, plan.divisions, cited, strict=True)
        for entry in fingerprints.take_fingerprints(
            dataset,
            dict.fromkeys(division.train, "train") | dict.fromkeys(division.validation, "validation"),
            content_sha256=source["content_sha256"],
            groups=division.groups,
            workers=options.workers,
            quiet=quiet,
        )
    ]
    write_whole(out / fingerprints.FILE, fingerprints.document(entries))
    early = trained.early
    write_curves(out, trained.history, best_at=kept.at, title=f"{info.name}: training", early=early)
    content = card(
        model,
        weights={"file": weights.name, "sha256": file_sha256(weights)},
        trained_on=trained_on,
        differing=differing,
        training=_training(options, plan, trained, schedule, kept_at=kept.at, device=device, mixed=mixed),
        scores=scores,
        notes=[*plan.notes, *(_said(plan))],
        made=date,
        packages=_packages(),
    )
    identity = {"name": info.name, "version": info.version, "sha256": model.info.sha256}
    records = [
        usage.write_record(
            out / usage.FOLDER, usage.usage_record(source, identity, TASK, scores["validation"], date)
        )
        for source in cited
    ]
    if options.bioimageio:
        from micrographia.segmentation.training.bioimageio import export

        export(out / "bioimageio", model, content, held[0].image)
    write_card(out, content)
    (out / checkpoints.FILE).unlink(missing_ok=True)
    return TrainedModel(out, model, content, plan, tuple(records))


def _epoch() -> bool:
    return os.environ.get("SOURCE_DATE_EPOCH", "").isdigit()


@dataclass(frozen=True, eq=False)
class _Kept:
    """A candidate with its settings tuned."""

    model: UNetSegmenter
    at: int
    before: Judgement
    after: Judgement
    tried: int


def _tuned(network: Any, at: int, plan: Plan, info: ModelInfo, held: Sequence[Sample], device: str) -> _Kept:
    model = UNetSegmenter(network, plan.shape, info, device=device)
    better, tried = tuned(model, held, plan.spacing)
    return _Kept(better, at, judge(model, held, plan.spacing), judge(better, held, plan.spacing), len(tried))


def _scores(plan: Plan, kept: _Kept, images: int) -> dict[str, Any]:
    groups = sum(division.units(division.validation) for division in plan.divisions)
    optimistic = any(division.optimistic for division in plan.divisions)
    said = "Training stopped, and settings were chosen, by these images: the score is optimistic. " + (
        "Nobody says which images belong together (groups unknown, optimistic). " if optimistic else ""
    )
    return {
        "validation": {
            "metric": "f1@0.5",
            "value": round(kept.after.f1, 6),
            "before_tuning": round(kept.before.f1, 6),
            "tp": kept.after.tp,
            "fp": kept.after.fp,
            "fn": kept.after.fn,
            "images": images,
            "groups": groups,
            "groups_unknown": optimistic,
            "settings_tried": kept.tried,
            "note": said + "Score it on images that it has not seen with: micrographia segment evaluate",
        }
    }


def _said(plan: Plan) -> list[str]:
    return [
        f"{dataset.title}: validation by {division.how}."
        for dataset, division in zip(plan.datasets, plan.divisions, strict=True)
    ]


def _training(
    options: TrainOptions,
    plan: Plan,
    trained: Trained,
    schedule: Schedule,
    *,
    kept_at: int,
    device: str,
    mixed: bool,
) -> dict[str, Any]:
    torch = torch_module()
    return {
        **options.determining(),
        "steps": schedule.total,
        "steps_taken": trained.steps,
        "stopped_early": trained.early,
        "kept_step": trained.history[kept_at]["step"],
        "evaluated_every": schedule.every,
        "patch": list(plan.patch),
        "batch": plan.batch,
        "augmentation": None if plan.augmentation is None else plan.augmentation.to_json(),
        "widths": list(plan.shape.widths),
        "division": [division.to_json() for division in plan.divisions],
        "images": [list(division.train) for division in plan.divisions],
        "device": device,
        "mixed_precision": mixed,
        "threads": torch.get_num_threads(),
        "seconds": round(trained.seconds, 1),
        "machine": platform.machine(),
    }


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
