"""What a run leaves: weights, the card, curves, fingerprints and usage records."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from micrographia.dataset.manifest import write_whole
from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.representation.encoders.networks import torch_module
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_files import write_weights
from micrographia.segmentation.training import checkpoints, fingerprints, usage
from micrographia.segmentation.training.card import card, write_card
from micrographia.segmentation.training.citation import shared_target
from micrographia.segmentation.training.curves import write_curves
from micrographia.segmentation.training.judging import Judgement, Sample
from micrographia.segmentation.training.options import TrainOptions
from micrographia.segmentation.training.plan import Plan
from micrographia.segmentation.training.trainer import Schedule, Trained

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


@dataclass(frozen=True, eq=False)
class Run:
    """What is asked for, what it consists of, and where it computes."""

    options: TrainOptions
    plan: Plan
    cited: Sequence[Mapping[str, Any]]
    device: str
    mixed: bool
    quiet: bool

    def learned_from(self) -> list[tuple[str, ...]]:
        """Return the ids of the images of each dataset that the network has learned from."""
        return [division.learned(refit=self.options.refit) for division in self.plan.divisions]

    def trained_on(self) -> list[dict[str, Any]]:
        """Return how each dataset is cited, with how many of its images and groups were used."""
        return [
            dict(entry)
            | {
                "n_images": len(learned),
                "n_groups": division.units(learned),
                "n_validation_images": len(division.validation),
            }
            for entry, division, learned in zip(
                self.cited, self.plan.divisions, self.learned_from(), strict=True
            )
        ]


@dataclass(frozen=True, eq=False)
class Kept:
    """The network that was kept, with its settings tuned: which evaluation it is from, and its scores."""

    model: UNetSegmenter
    at: int
    before: Judgement
    after: Judgement
    tried: int


def write(
    run: Run,
    trained: Trained,
    schedule: Schedule,
    kept: Kept,
    held: Sequence[Sample],
    again: tuple[Trained, UNetSegmenter] | None,
) -> TrainedModel:
    """Write everything; the card last.

    Parameters
    ----------
    run
        What was asked for.
    trained, schedule
        How training went.
    kept
        The network that scored best.
    held
        What it was scored on.
    again
        How the network learned that learned from all images, and that network; None if the one that was scored is it.

    Raises
    ------
    DatasetError, SegmentationError
        If something cannot be written.
    """
    options, plan, out = run.options, run.plan, Path(run.options.out)
    model = kept.model if again is None else again[1]
    made = (
        datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC) if _epoch() else datetime.now(UTC)
    )
    date = made.replace(microsecond=0).isoformat()
    weights = write_weights(out, model.network.state_dict())
    write_whole(out / fingerprints.FILE, fingerprints.document(_fingerprints(run)))
    write_curves(
        out, trained.history, best_at=kept.at, title=f"{model.info.name}: training", early=trained.early
    )
    scores = _scores(run, kept, len({sample.image_id for sample in held}))
    _, differing = shared_target(list(zip(plan.datasets, plan.sets, strict=True)))
    content = card(
        model,
        weights={"file": weights.name, "sha256": file_sha256(weights)},
        trained_on=run.trained_on(),
        differing=differing,
        training=_training(run, trained, schedule, kept, None if again is None else again[0]),
        scores=scores,
        notes=[*plan.notes, *(_said(plan))],
        made=date,
        packages=_packages(),
    )
    identity = {"name": model.info.name, "version": model.info.version, "sha256": model.info.sha256}
    records = [
        usage.write_record(
            out / usage.FOLDER, usage.usage_record(source, identity, TASK, scores["validation"], date)
        )
        for source in run.cited
    ]
    if options.bioimageio:
        from micrographia.segmentation.training.bioimageio import export

        export(out / "bioimageio", model, content, held[0].image)
    write_card(out, content)
    for file in (checkpoints.FILE, checkpoints.REFIT):
        (out / file).unlink(missing_ok=True)
    return TrainedModel(out, model, content, plan, tuple(records))


def _epoch() -> bool:
    return os.environ.get("SOURCE_DATE_EPOCH", "").isdigit()


def _fingerprints(run: Run) -> list[Any]:
    uses = [
        dict.fromkeys(learned, "train")
        | {image: "validation" for image in division.validation if image not in learned}
        for division, learned in zip(run.plan.divisions, run.learned_from(), strict=True)
    ]
    return [
        entry
        for dataset, division, source, use in zip(
            run.plan.datasets, run.plan.divisions, run.cited, uses, strict=True
        )
        for entry in fingerprints.take_fingerprints(
            dataset,
            use,
            content_sha256=source["content_sha256"],
            groups=division.groups,
            workers=run.options.workers,
            quiet=run.quiet,
        )
    ]


def _scores(run: Run, kept: Kept, images: int) -> dict[str, Any]:
    divisions = run.plan.divisions
    optimistic = any(division.optimistic for division in divisions)
    said = "Training stopped, and settings were chosen, by these images: the score is optimistic. "
    if run.options.refit:
        said += "It is that of the network that had not learned from them; this one has, and was not scored since. "
    if optimistic:
        said += "Nobody says which images belong together (groups unknown, optimistic). "
    return {
        "validation": {
            "metric": "f1@0.5",
            "value": round(kept.after.f1, 6),
            "before_tuning": round(kept.before.f1, 6),
            "tp": kept.after.tp,
            "fp": kept.after.fp,
            "fn": kept.after.fn,
            "images": images,
            "groups": sum(division.units(division.validation) for division in divisions),
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
    run: Run, trained: Trained, schedule: Schedule, kept: Kept, again: Trained | None
) -> dict[str, Any]:
    torch, plan = torch_module(), run.plan
    return {
        **run.options.determining(),
        "steps": schedule.total,
        "steps_taken": trained.steps,
        "stopped_early": trained.early,
        "kept_step": trained.history[kept.at]["step"],
        "evaluated_every": schedule.every,
        "refit": None if again is None else {"steps": again.steps, "seconds": round(again.seconds, 1)},
        "patch": list(plan.patch),
        "batch": plan.batch,
        "augmentation": None if plan.augmentation is None else plan.augmentation.to_json(),
        "widths": list(plan.shape.widths),
        "division": [division.to_json() for division in plan.divisions],
        "images": [list(learned) for learned in run.learned_from()],
        "device": run.device,
        "mixed_precision": run.mixed,
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
