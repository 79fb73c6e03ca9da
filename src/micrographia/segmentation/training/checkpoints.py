"""Checkpoints: all that a run needs to go on as if it had not been interrupted, as tensors without code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.representation.encoders.networks import torch_module
from micrographia.segmentation.metrics.errors import SegmentationError

FILE, REFIT = "checkpoint.pt", "refit.pt"
"""Of the run that is validated, and of the one that learns anew from all images."""
FORMAT = 1


@dataclass
class State:
    """Where a run stands, after whole epochs.

    Parameters
    ----------
    plan
        What the run depends on, as JSON values; a run resumes only under the same.
    total
        Steps that it will take.
    step, epoch
        Steps and epochs that were taken.
    network, shadow, optimizer, scaler
        State dictionaries: of the network, of the moving average of its weights, of the optimiser, of the scaling of
        16-bit gradients.
    best, lowest
        The moving average at the evaluation with the best score so far, and at that with the lowest loss.
    best_at, lowest_at
        Their numbers, from 0; -1 for none.
    history
        A row an evaluation.
    seconds
        Spent so far.
    finished
        Whether it ended, early or not.
    """

    plan: dict[str, Any]
    total: int
    step: int = 0
    epoch: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    shadow: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    best_at: int = -1
    lowest: dict[str, Any] = field(default_factory=dict)
    lowest_at: int = -1
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    finished: bool = False


def save(folder: Path, state: State, file: str = FILE) -> Path:
    """Write a checkpoint whole or not at all.

    Raises
    ------
    SegmentationError
        If it cannot be written.
    """
    torch = torch_module()
    path = folder / file
    temporary = path.with_name(f".{file}.{os.getpid()}")
    held = vars(state) | {"format": FORMAT, "plan": json.dumps(state.plan, sort_keys=True)}
    try:
        torch.save(held, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise SegmentationError(path, "cannot be written", "Free space or choose another folder") from error
    return path


def load(folder: Path, plan: Mapping[str, Any], file: str = FILE) -> State:
    """Read a checkpoint; nothing of the file is run.

    Parameters
    ----------
    folder
        Of the model.
    plan
        What the run that is to go on depends on.
    file
        Its name in the folder.

    Raises
    ------
    SegmentationError
        If there is none, it is damaged or newer, or belongs to another run; the error names what differs.
    """
    import pickle

    torch = torch_module()
    path = folder / file
    if not path.is_file():
        raise SegmentationError(
            path, "does not exist, so there is nothing to resume", "Train without --resume"
        )
    damaged = SegmentationError(path, "is no checkpoint, or is damaged", "Train without --resume")
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        version = held.pop("format")
        state = State(**(held | {"plan": json.loads(held["plan"])}))
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise damaged from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged from error
    if version != FORMAT:
        raise SegmentationError(path, f"has format {version}, this version writes {FORMAT}", "Train anew")
    asked = json.loads(json.dumps(dict(plan), sort_keys=True))
    differing = _differing(state.plan, asked)
    if differing:
        raise SegmentationError(
            path,
            f"belongs to a run with other {', '.join(differing[:4])}",
            "Give the same options and data, or train anew in another folder",
        )
    return state


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    found = []
    for name in sorted({*one, *other}):
        first, second = one.get(name), other.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            found += [f"{name}.{inner}" for inner in _differing(first, second)]
        elif first != second:
            found.append(name)
    return found
