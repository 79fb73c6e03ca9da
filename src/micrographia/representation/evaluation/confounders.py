"""What a score owes to nuisances: read from the representation, shared with a baseline, left without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.protocols import Nuisance, Protocol
from micrographia.representation.confounding.decodability import decodability
from micrographia.representation.confounding.matching import count_matched
from micrographia.representation.confounding.shares import shares
from micrographia.representation.evaluation.contenders import Contender, Field
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.scored import factors
from micrographia.representation.evaluation.table import Board
from micrographia.representation.evaluation.tasks import folds_of, score
from micrographia.representation.probes.features import Block, Blocks, Features, Residual
from micrographia.representation.probes.folds import group_folds
from micrographia.statistics import Scores, compare, interval

Array = npt.NDArray[Any]
PARTS = 5
"""Parts of the groups over which nuisances are read and regressed out."""


class Confounding:
    """The nuisances of a protocol against its candidates, on the primary task after the primary transform.

    Parameters
    ----------
    rows, field, board, protocol
        What was scored.
    workers
        Threads; the result does not depend on it.
    """

    def __init__(
        self, rows: Rows, field: Field, board: Board, protocol: Protocol, workers: int | None = None
    ) -> None:
        self.rows, self.field, self.board, self.protocol = rows, field, board, protocol
        self.workers = workers
        self.task = protocol.primary_task
        self._both: dict[tuple[str, str], Scores] = {}

    def confounders(self) -> list[dict[str, Any]]:
        """Return how well each nuisance can be read from each candidate, over hold-outs of whole units."""
        unit = self.rows.column(self.protocol.unit)
        folds = group_folds(unit, PARTS, seed=self.protocol.seed)
        found = []
        for one in self._shown():
            for nuisance in self.protocol.nuisances:
                held = self._quantity(nuisance)
                if held is None:
                    continue
                read = decodability(
                    self._values(one),
                    held,
                    folds,
                    unit,
                    name=nuisance.name,
                    role=nuisance.role,
                    seed=self.protocol.seed,
                    workers=self.workers,
                )
                spread = self._interval(read.items.scores(factors(self.rows, self.protocol)))
                found.append(
                    {
                        "candidate": one.name,
                        "nuisance": nuisance.name,
                        "role": nuisance.role,
                        "metric": read.metric,
                        "score": read.score,
                        **spread,
                        "chance": read.chance,
                        "reason": read.reason,
                    }
                )
        return found

    def incremental(self) -> list[dict[str, Any]]:
        """Return what each candidate adds to each baseline nuisance, and what it scores without or beside it."""
        found = []
        for one, nuisance, other in self._pairs():
            base = self.board.one(*self._key(other)).scores
            own = self.board.one(*self._key(one)).scores
            both = self._together(other, one)
            left, reason = self._residual(other, one)
            adds = compare(
                both,
                base,
                self.protocol.unit,
                self.protocol.crossed,
                delta=self.protocol.delta,
                level=self.protocol.level,
                seed=self.protocol.seed,
            )
            row: dict[str, Any] = {
                "task": self.task.name,
                "candidate": one.name,
                "baseline": other.name,
                "role": nuisance.role,
                "marginal": own.score,
                **self._limits("marginal", own),
                "incremental": adds.difference,
                "incremental_low": adds.low,
                "incremental_high": adds.high,
                "verdict": str(adds.verdict),
                "residualised": None if left is None else left.score,
                **({} if left is None else self._limits("residualised", left)),
                "reason": reason,
            }
            found.append(row | self._matched(one, nuisance))
        return found

    def shares(self) -> list[dict[str, Any]]:
        """Return which part of the way from chance to a perfect score is the candidate's, the baseline's, or both's."""
        found = []
        for one, _, other in self._pairs():
            own, base = self.board.one(*self._key(one)), self.board.one(*self._key(other))
            chance = own.chance_pipeline if np.isfinite(own.chance_pipeline) else own.chance
            parts = shares(
                base.scores,
                own.scores,
                self._together(other, one),
                chance,
                self.protocol.unit,
                self.protocol.crossed,
                level=self.protocol.level,
                seed=self.protocol.seed,
            )
            told = {"task": self.task.name, "candidate": one.name, "baseline": other.name}
            found.append(told | parts.to_json())
        return found

    def _shown(self) -> list[Contender]:
        twins = [one for one in self.field.others if one.kind == "twin"]
        return [*self.field.candidates, *twins]

    def _pairs(self) -> list[tuple[Contender, Nuisance, Contender]]:
        found = []
        for one in self.field.candidates:
            for nuisance in self.protocol.nuisances:
                other = self.field.named(nuisance.baseline) if nuisance.baseline else None
                if other is not None:
                    found.append((one, nuisance, other))
        return found

    def _key(self, one: Contender) -> tuple[str, str, str]:
        return self.task.name, self.protocol.primary_transform, one.name

    def _values(self, one: Contender) -> Array:
        return self.board.prepared[self.protocol.primary_transform, one.name][0].values

    def _quantity(self, nuisance: Nuisance) -> Sequence[Any] | None:
        """Return a nuisance of each row: its column, or the first principal component of its baseline."""
        if nuisance.column:
            return list(self.rows.column(nuisance.column))
        other = self.field.named(nuisance.baseline)
        return None if other is None else list(first_component(self._values(other)))

    def _together(self, base: Contender, one: Contender) -> Scores:
        """Return the scores of a baseline and a candidate side by side; made once, needed twice."""
        key = base.name, one.name
        if key not in self._both:
            self._both[key] = self._scored(self._joined(base, one))
        return self._both[key]

    def _joined(self, base: Contender, one: Contender) -> Array | Features:
        values, known = self._values(one), self._values(base)
        if self._predicts:
            return Blocks([Block(known), Block(values)])
        # The same total variance, so that neither drowns the other in the distance.
        blocks = [(part, float(np.sqrt(part.var(axis=0).sum()))) for part in (known, values)]
        return np.hstack([part / (spread or 1.0) for part, spread in blocks])

    def _residual(self, base: Contender, one: Contender) -> tuple[Scores | None, str]:
        """Return the scores of a candidate after a baseline was regressed out, fitted on other groups."""
        known, values = self._values(base), self._values(one)
        unit = self.rows.column(self.protocol.unit)
        folds = folds_of(self.task, self.rows, self.protocol) if self._predicts else group_folds(unit, PARTS)
        least = min((len(train) for train, _ in folds), default=0)
        if known.shape[1] + 1 >= least // 2:
            told = f"the baseline has {known.shape[1]:,} features for {least:,} training rows"
            return None, f"{told}: regressed out, nothing would be left"
        if self._predicts:
            return self._scored(Residual(Block(values), Block(known), 1)), ""
        made = np.full(values.shape, np.nan)
        for train, test in folds:
            made[test] = left_over(values, known, train, test)
        return self._scored(made), ""

    def _matched(self, one: Contender, nuisance: Nuisance) -> dict[str, Any]:
        held = self._quantity(nuisance)
        if self.task.kind in ("regression", "known_pairs") or held is None:
            return {"matched": None}
        unit = self.rows.column(self.protocol.unit)
        kept = count_matched(
            held, list(self.rows.column(self.task.label)), unit, bins=PARTS, seed=self.protocol.seed
        )
        if kept.reason and not kept.n:
            return {"matched": None, "matched_reason": kept.reason}
        part = self.rows.subset(kept.rows)
        scored = score(
            self._values(one)[kept.rows], self.task, part, self.protocol, workers=self.workers
        ).scores
        return {
            "matched": scored.score,
            **self._limits("matched", scored),
            "matched_rows": kept.n,
            "matched_reason": kept.reason,
        }

    @property
    def _predicts(self) -> bool:
        return self.task.kind in ("classification", "regression")

    def _scored(self, values: Array | Features) -> Scores:
        return score(values, self.task, self.rows, self.protocol, workers=self.workers).scores

    def _interval(self, scores: Scores) -> dict[str, float]:
        spread = interval(
            scores,
            self.protocol.unit,
            self.protocol.crossed,
            level=self.protocol.level,
            seed=self.protocol.seed,
        )
        return {"low": spread.low, "high": spread.high}

    def _limits(self, name: str, scores: Scores) -> dict[str, float]:
        return {f"{name}_{key}": value for key, value in self._interval(scores).items()}


def first_component(values: Array) -> Array:
    """Return the first principal component of standardised features ``(n, d)``, as ``(n,)``; its sign is fixed.

    Its largest loading is positive. A baseline of one feature is that feature.
    """
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    kept = spread > 0
    if not kept.any():
        return np.zeros(len(values))
    scaled = centred[:, kept] / spread[kept]
    _, _, axes = np.linalg.svd(scaled, full_matrices=False)
    axis = axes[0] * np.sign(axes[0][np.argmax(np.abs(axes[0]))])
    component: Array = scaled @ axis
    return component


def left_over(values: Array, known: Array, train: Array, test: Array) -> Array:
    """Return what a linear regression on other features, fitted on training rows, leaves of the features of test rows.

    Both are standardised on the training rows; a feature that is constant there is 0.
    """
    z, b = (_standardised(part.astype(np.float64), train) for part in (values, known))
    design = np.hstack([np.ones((len(b), 1)), b])
    beta = np.linalg.lstsq(design[train], z[train], rcond=1e-10)[0]
    return np.asarray(z[test] - design[test] @ beta)


def _standardised(values: Array, train: Array) -> Array:
    spread = values[train].std(axis=0)
    usable = spread > 1e-10 * np.maximum(np.abs(values[train]).max(axis=0), 1e-200)
    return np.asarray((values - values[train].mean(axis=0)) * usable / np.where(usable, spread, 1.0))
