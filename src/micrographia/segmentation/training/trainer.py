"""The loop: batches, one-cycle learning rate, moving average of the weights, early stopping, checkpoints."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from micrographia.loading import Patches
from micrographia.representation.encoders.networks import torch_module
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.models.unet_network import NetworkShape, build_network
from micrographia.segmentation.training import checkpoints
from micrographia.segmentation.training.batches import Batch, batches
from micrographia.segmentation.training.judging import AT_EACH, Sample, Samples, judge
from micrographia.segmentation.training.losses import PARTS, combined, losses
from micrographia.work import Progress

WARMING = 0.15
"""Share of the steps in which the learning rate rises."""
FIRST_RATE, LAST_RATE = 1 / 25, 1 / 1000
"""Learning rate at the beginning and at the end, as shares of the largest."""
AVERAGING = 0.995
"""Most that the moving average keeps of itself at each step."""
DECAY = 1e-4
"""Weight decay (Loshchilov & Hutter 2019) of kernels; scales and biases have none."""
LARGEST_GRADIENT = 1.0
"""Norm that gradients are shortened to."""
PROBED = 6
"""Steps whose speed says how many fit into the time."""
SHARE_FOR_STEPS = 0.85
"""Share of the time that steps may take; the rest is for evaluations."""

Listener = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Schedule:
    """How many steps, of how many patches, how often evaluated; and the largest learning rate."""

    total: int
    batch: int
    every: int
    rate: float
    patience: int


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of a run that may be kept, each with the number of its evaluation, and the history.

    They are the one with the best score and the one with the lowest loss: while a network learns, the settings of the
    watershed that suit it change, so that a better one can score lower until they are tuned.
    """

    candidates: list[tuple[Any, int]]
    history: list[dict[str, Any]]
    steps: int
    seconds: float
    early: bool


class Trainer:
    """Trains one network.

    Parameters
    ----------
    shape
        Of the network.
    samples
        To evaluate on; None for a run that is to the end and is not evaluated.
    folder
        Where checkpoints go.
    file
        What they are called there.
    seed
        Of the weights.
    device
        ``cpu``, ``cuda``, ...
    mixed
        Compute convolutions in 16 bits.
    spacing
        Of voxels; None in 2D.
    quiet
        Show no progress.
    listener
        Told of each evaluation.
    """

    def __init__(
        self,
        shape: NetworkShape,
        samples: Samples | None,
        folder: Path,
        *,
        file: str = checkpoints.FILE,
        seed: int,
        device: str,
        mixed: bool,
        spacing: tuple[float, ...] | None = None,
        quiet: bool = True,
        listener: Listener | None = None,
    ) -> None:
        self.torch = torch_module()
        self.shape, self.samples, self.folder, self.file = shape, samples, folder, file
        self.device, self.mixed, self.spacing = device, mixed, spacing
        self.quiet, self.listener = quiet, listener
        self.network = self._placed(build_network(shape, seed=seed))
        self.shadow = copy.deepcopy(self.network).eval()
        self.optimizer: Any = None
        self.kind = self._kind()
        self.scaler = self.torch.amp.GradScaler(
            device.split(":")[0], enabled=mixed and self.kind is self.torch.float16
        )

    def _placed(self, network: Any) -> Any:
        if self.shape.axes == "YX" and self.device != "mps":
            network = network.to(memory_format=self.torch.channels_last)
        return network.to(self.device)

    def _kind(self) -> Any:
        """Return the 16-bit type: bfloat16 needs no scaling of gradients, but not every card knows it."""
        if self.device.startswith("cuda") and not self.torch.cuda.is_bf16_supported():
            return self.torch.float16
        return self.torch.bfloat16

    def run(
        self,
        patches: Patches,
        schedule: Schedule,
        plan: dict[str, Any],
        state: checkpoints.State | None = None,
    ) -> Trained:
        """Train to the end, or until it gets no better.

        Parameters
        ----------
        patches
            To learn from; an epoch of it is what lies between two evaluations.
        schedule
            How long and how fast.
        plan
            What goes into checkpoints to tell runs apart.
        state
            Where to go on; None to begin.

        Raises
        ------
        SegmentationError
            If the loss is no number any more, memory runs out, or a checkpoint cannot be written.
        """
        self._begin(schedule)
        at = checkpoints.State(plan, schedule.total) if state is None else self._restore(state)
        started = time.perf_counter() - at.seconds
        label = "learning anew" if self.samples is None else "training"
        with Progress(label, schedule.total, quiet=self.quiet) as progress:
            progress.advance(at.step)
            while not at.finished:
                learned = self._epoch(patches, schedule, at, progress)
                at.epoch += 1
                at.seconds = time.perf_counter() - started
                self._look(schedule, at, learned)
                at.network, at.shadow = self.network.state_dict(), self.shadow.state_dict()
                at.optimizer, at.scaler = self.optimizer.state_dict(), self.scaler.state_dict()
                checkpoints.save(self.folder, at, self.file)
        kept = {at.best_at: at.best, at.lowest_at: at.lowest}
        candidates = []
        for number, weights in kept.items():
            network = build_network(self.shape)
            network.load_state_dict(weights)
            candidates.append((network, number))
        return Trained(candidates, at.history, at.step, at.seconds, at.step < schedule.total)

    def _begin(self, schedule: Schedule) -> None:
        kernels = [part for part in self.network.parameters() if part.ndim > 1]
        others = [part for part in self.network.parameters() if part.ndim <= 1]
        self.optimizer = self.torch.optim.AdamW(
            [{"params": kernels, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
            lr=schedule.rate,
            fused=self.device.split(":")[0] in ("cpu", "cuda"),
        )

    def _restore(self, state: checkpoints.State) -> checkpoints.State:
        try:
            self.network.load_state_dict(state.network)
            self.shadow.load_state_dict(state.shadow)
            self.optimizer.load_state_dict(state.optimizer)
            self.scaler.load_state_dict(state.scaler)
        except (RuntimeError, ValueError, KeyError) as error:
            raise SegmentationError(
                self.folder / self.file, "does not fit this network", "Train anew in another folder"
            ) from error
        return state

    def _epoch(
        self, patches: Patches, schedule: Schedule, at: checkpoints.State, progress: Progress
    ) -> dict[str, float]:
        """Take the steps of one epoch; return the mean of each part of the loss."""
        sums = self.torch.zeros(len(PARTS) + 1, device=self.device)
        taken = 0
        self.network.train()
        with closing(batches(patches, at.epoch, schedule.batch, self.spacing)) as stream:
            for batch in stream:
                sums += self._step(batch, rate_at(at.step, schedule))
                at.step += 1
                self._average(at.step)
                taken += 1
                progress.advance()
                if at.step >= schedule.total:
                    break
        means = (sums / max(1, taken)).tolist()
        if not all(math.isfinite(value) for value in means):
            raise SegmentationError(
                self.folder,
                f"the loss is no number any more after step {at.step:,}",
                "Give a smaller --rate, or --precision float32",
            )
        return dict(zip((*PARTS, "loss"), means, strict=True))

    def _step(self, batch: Batch, rate: float) -> Any:
        """Learn from a batch; return the parts of the loss and their weighted sum, not yet fetched."""
        torch = self.torch
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        try:
            image = torch.from_numpy(batch.image).to(self.device, non_blocking=True)
            if image.ndim == 4 and self.device != "mps":
                image = image.contiguous(memory_format=torch.channels_last)
            wanted = torch.from_numpy(batch.wanted).to(self.device, non_blocking=True)
            region = torch.from_numpy(batch.region).to(self.device, non_blocking=True)
            with torch.autocast(self.device.split(":")[0], self.kind, enabled=self.mixed):
                output = self.network(image)
            parts = losses(output, wanted, region)
            loss = combined(parts)
            self.optimizer.zero_grad(set_to_none=True)
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        except torch.OutOfMemoryError as error:
            raise SegmentationError(
                "",
                f"memory runs out with {len(batch.image)} patches at once",
                "Give a smaller --batch or --patch",
            ) from error
        return torch.stack([*(parts[name].detach() for name in PARTS), loss.detach()])

    def _average(self, step: int) -> None:
        """Move the shadow towards the network, the slower the longer it has followed."""
        keep = min(AVERAGING, (1.0 + step) / (10.0 + step))
        with self.torch.no_grad():
            for mine, other in zip(
                self.shadow.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mine.is_floating_point():
                    mine.lerp_(other, 1.0 - keep)
                else:
                    mine.copy_(other)

    def _look(self, schedule: Schedule, at: checkpoints.State, learned: dict[str, float]) -> None:
        """Note how far a run has come, and whether it has ended."""
        row: dict[str, Any] = {"step": at.step, "rate": rate_at(at.step - 1, schedule), "train": learned}
        if self.samples is not None:
            self._evaluate(self.samples.first(AT_EACH), schedule, at, row)
            return
        at.history.append(row)
        at.best_at = at.lowest_at = len(at.history) - 1
        at.best = at.lowest = self.shadow.state_dict()
        at.finished = at.step >= schedule.total

    def _evaluate(
        self, held: list[Sample], schedule: Schedule, at: checkpoints.State, row: dict[str, Any]
    ) -> None:
        found = judge(self._segmenter(), held, self.spacing)
        row |= {
            "validation_loss": found.loss,
            "validation_f1": found.f1,
            "tp": found.tp,
            "fp": found.fp,
            "fn": found.fn,
            "seconds": round(at.seconds, 1),
        }
        weights = {name: tensor.clone() for name, tensor in self.shadow.state_dict().items()}
        number = len(at.history)
        at.history.append(row)
        if at.best_at < 0 or _rank(row) > _rank(at.history[at.best_at]):
            at.best_at, at.best = number, weights
        if at.lowest_at < 0 or found.loss < at.history[at.lowest_at]["validation_loss"]:
            at.lowest_at, at.lowest = number, weights
        waited = number - max(at.best_at, at.lowest_at)
        stopping = bool(schedule.patience) and waited >= schedule.patience
        at.finished = at.step >= schedule.total or stopping
        if self.listener is not None:
            self.listener(row | {"total": schedule.total, "best": at.history[at.best_at]["validation_f1"]})

    def _segmenter(self) -> UNetSegmenter:
        return UNetSegmenter(self.shadow, self.shape, ModelInfo("in training"), device=self.device)

    def seconds_a_step(self, patches: Patches, schedule: Schedule) -> float:
        """Return how long a step takes, by a few steps of a copy that is thrown away."""
        network, shadow = copy.deepcopy(self.network), copy.deepcopy(self.shadow)
        self._begin(schedule)
        times: list[float] = []
        self.network.train()
        with closing(batches(patches, 0, schedule.batch, self.spacing)) as stream:
            before = time.perf_counter()
            for batch in stream:
                float(self._step(batch, 0.0)[-1])
                now = time.perf_counter()
                times.append(now - before)
                before = now
                if len(times) >= PROBED:
                    break
        self.network, self.shadow = network, shadow
        return sorted(times)[len(times) // 2]


def steps_for(minutes: float, seconds: float) -> int:
    """Return how many steps of so many seconds fit into some minutes, evaluations beside them."""
    return max(1, int(60.0 * minutes * SHARE_FOR_STEPS / seconds))


def rate_at(step: int, schedule: Schedule) -> float:
    """Return the learning rate of a step: cosines from a 25th up to the largest, and down to a thousandth of it.

    One cycle, as in Smith & Topin (2019), "Super-convergence".
    """
    rising = max(1.0, WARMING * schedule.total)
    if step < rising:
        low, high, share = FIRST_RATE, 1.0, step / rising
    else:
        low, high, share = 1.0, LAST_RATE, (step - rising) / max(1.0, schedule.total - rising)
    return schedule.rate * (high + (low - high) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share))))


def _rank(row: dict[str, Any]) -> tuple[float, float]:
    return row["validation_f1"], -row["validation_loss"]
