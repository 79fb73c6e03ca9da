"""A protocol: data, tasks, primary metric, margin, unit, nuisances and candidates, fixed before anything is scored."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

TaskKind = Literal[
    "nearest_neighbour",
    "retrieval",
    "recall",
    "known_pairs",
    "reproducibility",
    "classification",
    "regression",
]
Role = Literal["confounder", "mediator"]
DIAGNOSTICS = (
    "incremental",
    "matched",
    "decodability",
    "shares",
    "batch",
    "similarity",
    "geometry",
    "rank_stability",
    "self_test",
    "layers",
    "ablations",
    "examples",
)


KNOWN_PAIRS = "known_pairs"
OF_PAIRS = ("pairs", "pairs_sameby", "tail")
"""Keys that only tasks of known pairs have: they count in no other checksum."""


class Strict(BaseModel):
    """What refuses a key that it does not know: a misspelt key must not be ignored in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StudyOf(Strict):
    """Where the data come from: a layout of folders that is known, or tables of profiles."""

    adapter: str = "profiles"
    options: dict[str, Any] = Field(default_factory=dict)


class Aggregation(Strict):
    """Rows become one by these columns, after the steps of preprocessing."""

    by: list[str] = Field(min_length=1)
    statistic: Literal["mean", "median"] = "median"


class Folds(Strict):
    """What is held out: whole groups, ``repeats`` times drawn where there are more ways."""

    kind: Literal["leave_group_out", "balanced", "group_k_fold"] = "leave_group_out"
    k: int = Field(5, ge=2)
    limit: int = Field(200, ge=1)


class Task(Strict):
    """One question to a representation.

    ``label`` is the column to find again; ``exclude`` the columns in which a neighbour may not equal its query
    (nearest neighbours); ``pos_sameby`` and its like the columns of pairs (retrieval, recall); ``assigned_to`` the unit
    at which the label was assigned, whose labels are permuted as a whole. Known pairs are pairs of names, which stand
    in the column ``label``: listed in ``pairs``, or of names that share a value in a column of ``pairs_sameby``.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    title: str = ""
    kind: TaskKind
    label: str
    metric: str = ""
    k: int = Field(1, ge=1)
    distance: Literal["cosine", "correlation", "euclidean"] = "cosine"
    exclude: list[str] = Field(default_factory=list)
    control_for: str = ""
    pos_sameby: list[str] = Field(default_factory=list)
    pos_diffby: list[str] = Field(default_factory=list)
    neg_sameby: list[str] = Field(default_factory=list)
    neg_diffby: list[str] = Field(default_factory=list)
    assigned_to: str = ""
    probe: Literal["linear", "ridge", "knn"] = "linear"
    folds: Folds = Folds()
    missing: Literal["drop", "nothing", "group"] = "drop"
    pairs: list[tuple[str, str]] = Field(default_factory=list)
    pairs_sameby: list[str] = Field(default_factory=list)
    tail: float = Field(0.05, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _metric(self) -> Self:
        known = METRICS[self.kind]
        if self.metric and self.metric not in known:
            raise ValueError(f"metric {self.metric!r} is none of {self.kind}: {', '.join(known)}")
        if not self.metric:
            object.__setattr__(self, "metric", known[0])
        paired = bool(self.pairs or self.pairs_sameby)
        if self.kind == KNOWN_PAIRS and not paired:
            raise ValueError(f"task {self.name!r} needs known pairs: pairs, or pairs_sameby")
        if self.kind != KNOWN_PAIRS and paired:
            raise ValueError(f"task {self.name!r} has pairs, which only the kind {KNOWN_PAIRS} knows")
        return self

    @property
    def shown(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name

    @property
    def measured(self) -> str:
        """What its score is, in words: ``balanced accuracy``, ``recall at 5``."""
        plain = self.metric.replace("_", " ")
        return f"{plain} at {self.k}" if self.kind == "recall" else plain


METRICS: dict[str, tuple[str, ...]] = {
    "nearest_neighbour": ("accuracy", "balanced_accuracy"),
    "retrieval": ("mean_average_precision",),
    "recall": ("recall", "hit"),
    "known_pairs": ("signed_recall", "unsigned_recall"),
    "reproducibility": ("share_above_95th_percentile",),
    "classification": ("balanced_accuracy", "accuracy", "auc"),
    "regression": ("r2",),
}
"""Kinds of tasks to the metrics that they may name as theirs; the first is what they have if they name none."""


class Nuisance(Strict):
    """What a score may owe to something else: a column of the rows, or a baseline, and what it is to the question.

    A ``confounder`` comes from outside; a ``mediator`` (fewer cells, because the compound kills them) may be the
    effect itself: then what it explains is told, not held against the candidate.
    """

    name: str
    column: str = ""
    baseline: str = ""
    role: Role = "confounder"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.column) == bool(self.baseline):
            raise ValueError(f"nuisance {self.name!r} needs either a column or a baseline")
        return self


class Protocol(Strict):
    """A protocol as its file has it; see ``docs/probe.md`` for what each key means."""

    micrographia_protocol: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    title: str
    question: str = ""
    study: StudyOf = StudyOf()
    leave_out: dict[str, list[str]] = Field(default_factory=dict)
    controls: dict[str, list[str]] = Field(default_factory=dict)
    aggregate: Aggregation | None = None
    unit: str
    crossed: list[str] = Field(default_factory=list)
    delta: float = Field(gt=0)
    level: float = Field(0.95, gt=0.5, lt=1)
    transforms: dict[str, list[Any]] = Field(default_factory=lambda: {"as it is": []}, min_length=1)
    primary: str
    tasks: list[Task] = Field(min_length=1)
    nuisances: list[Nuisance] = Field(default_factory=list)
    candidates: list[str] = Field(default_factory=list)
    baselines: list[str] = Field(default_factory=list)
    twins: int = Field(5, ge=0, le=50)
    diagnostics: list[str] = Field(default_factory=lambda: list(DIAGNOSTICS))
    permutations: int = Field(1000, ge=0, le=1_000_000)
    seed: int = 0

    @field_validator("diagnostics")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = [name for name in names if name not in DIAGNOSTICS]
        if unknown:
            raise ValueError(f"there is no diagnostic {unknown[0]!r}; there are {', '.join(DIAGNOSTICS)}")
        return names

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [task.name for task in self.tasks]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two tasks are called {twice!r}")
        if self.primary not in names:
            raise ValueError(f"the primary task {self.primary!r} is none of the tasks {', '.join(names)}")
        for task in self.tasks:
            if task.control_for and task.control_for not in names:
                raise ValueError(
                    f"task {task.name!r} is a control for {task.control_for!r}, which is no task"
                )
        return self

    @property
    def primary_task(self) -> Task:
        """The task whose metric decides; all others explore."""
        return next(task for task in self.tasks if task.name == self.primary)

    @property
    def primary_transform(self) -> str:
        """The name of the transform that decides: the first."""
        return next(iter(self.transforms))

    @property
    def sha256(self) -> str:
        """Checksum of everything that the protocol fixes, whatever the order of its keys and its layout."""
        document = self.model_dump(mode="json")
        for task in document["tasks"]:
            if task["kind"] != KNOWN_PAIRS:
                for key in OF_PAIRS:
                    del task[key]
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
