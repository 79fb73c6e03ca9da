"""From datasets to a model: plan, train, tune, on request learn anew from all images, and write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from micrographia.representation.encoders.networks import pick_device
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_files import CARD
from micrographia.segmentation.training import checkpoints
from micrographia.segmentation.training.citation import cite, shared_target
from micrographia.segmentation.training.judging import AT_END, Sample, Samples, judge, tuned
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
from micrographia.segmentation.training.writing import Kept, Run, TrainedModel, write


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
    run = Run(options, plan, cited, device, mixed, quiet)
    depends = _depends(run)
    state = checkpoints.load(out, depends) if options.resume else None
    samples = Samples(plan.validation, options.seed, plan.spacing)
    trainer = _trainer(run, samples, checkpoints.FILE, listener)
    schedule = _schedule(run, trainer, state)
    trained = trainer.run(plan.train_of(schedule.every * plan.batch, False), schedule, depends, state)
    held = samples.first(AT_END)
    info = _info(run)
    candidates = [_tuned(network, number, run, info, held) for network, number in trained.candidates]
    kept = max(candidates, key=lambda one: (one.after.f1, -one.after.loss))
    again = _learned_anew(run, info, trained, kept, schedule, depends) if options.refit else None
    return write(run, trained, schedule, kept, held, again)


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


def _depends(run: Run) -> dict[str, Any]:
    """Return what the weights depend on: a run resumes only if all of it is the same."""
    options, plan = run.options, run.plan
    return {
        "options": options.determining()
        | ({"steps": None, "minutes": options.minutes} if options.minutes else {}),
        "data": [entry["content_sha256"] for entry in run.cited],
        "images": [[list(division.train), list(division.validation)] for division in plan.divisions],
        "network": plan.shape.to_json(),
        "patch": list(plan.patch),
        "batch": plan.batch,
        "mixed": run.mixed,
    }


def _trainer(run: Run, samples: Samples | None, file: str, listener: Listener | None = None) -> Trainer:
    return Trainer(
        run.plan.shape,
        samples,
        Path(run.options.out),
        file=file,
        seed=run.options.seed,
        device=run.device,
        mixed=run.mixed,
        spacing=run.plan.spacing,
        quiet=run.quiet,
        listener=listener,
    )


def _schedule(run: Run, trainer: Trainer, state: checkpoints.State | None) -> Schedule:
    options, plan = run.options, run.plan
    total = options.steps if state is None else state.total
    schedule = Schedule(total, plan.batch, total, options.rate, options.patience)
    if options.minutes is not None and state is None:
        a_step = trainer.seconds_a_step(plan.train_of(PROBED * plan.batch, False), schedule)
        total = steps_for(options.minutes / (2 if options.refit else 1), a_step)
    return replace(schedule, total=total, every=max(1, -(-total // options.evaluations)))


def _tuned(network: Any, number: int, run: Run, info: ModelInfo, held: Sequence[Sample]) -> Kept:
    model = UNetSegmenter(network, run.plan.shape, info, device=run.device)
    better, tried = tuned(model, held, run.plan.spacing)
    before, after = (judge(one, held, run.plan.spacing) for one in (model, better))
    return Kept(better, number, before, after, len(tried))


def _info(run: Run) -> ModelInfo:
    options = run.options
    target, _ = shared_target(list(zip(run.plan.datasets, run.plan.sets, strict=True)))
    return ModelInfo(
        name=options.name or folder_name(Path(options.out)),
        version=options.version,
        channel_roles=run.plan.roles,
        pixel_size=run.plan.pixel_size,
        target=target,
        trained_on=tuple(run.trained_on()),
    )


def _learned_anew(
    run: Run, info: ModelInfo, trained: Trained, kept: Kept, schedule: Schedule, depends: Mapping[str, Any]
) -> tuple[Trained, UNetSegmenter]:
    """Return what was learned from all images in as many steps as the best network took, with its settings."""
    steps = int(trained.history[kept.at]["step"])
    plan = {**depends, "steps": steps}
    file = checkpoints.REFIT
    there = run.options.resume and (Path(run.options.out) / file).exists()
    state = checkpoints.load(Path(run.options.out), plan, file) if there else None
    trainer = _trainer(run, None, file)
    patches = run.plan.train_of(schedule.every * run.plan.batch, True)
    found = trainer.run(patches, replace(schedule, total=steps), plan, state)
    model = UNetSegmenter(
        found.candidates[0][0],
        run.plan.shape,
        info,
        postprocessing=kept.model.postprocessing,
        device=run.device,
    )
    return found, model
