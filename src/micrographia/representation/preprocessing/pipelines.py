"""Pipelines: several steps, one after the other, from names as a protocol writes them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing.aggregating import Aggregate
from micrographia.representation.preprocessing.scaling import L2, Clip, RobustZ, Standardise
from micrographia.representation.preprocessing.selecting import CorrelationSelect, DropFeatures, Impute
from micrographia.representation.preprocessing.step import Array, Fitted, Mask, Step
from micrographia.representation.preprocessing.whitening import PCA, TVN, ZCA
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

STEPS: dict[str, type[Any]] = {
    step.name: step
    for step in (
        Standardise,
        RobustZ,
        PCA,
        ZCA,
        TVN,
        L2,
        Clip,
        DropFeatures,
        CorrelationSelect,
        Impute,
        Aggregate,
    )
}
"""Name of a step in a protocol to its class."""

Spec = str | Mapping[str, Any] | Step | Aggregate


@dataclass(frozen=True, eq=False)
class Applied:
    """Profiles after a pipeline.

    Attributes
    ----------
    profiles
        The profiles; ``source["steps"]`` and ``source["reasons"]`` say what was done.
    fitted_on
        Rows that a step was fitted on as controls, ``(n,)``: they must not be scored. After an aggregation, rows of
        which a part was.
    reasons
        What was done otherwise than asked, and why.
    """

    profiles: Profiles
    fitted_on: Mask
    reasons: tuple[str, ...]

    @property
    def meta(self) -> pd.DataFrame:
        """The metadata with a further column ``fitted_on``."""
        return self.profiles.meta.assign(fitted_on=self.fitted_on)


@dataclass(frozen=True, eq=False)
class FittedPipeline:
    """Steps that know their numbers; applied to the rows of a test set as to those of the training set."""

    steps: tuple[Fitted, ...]
    controls: Mask

    @property
    def reasons(self) -> tuple[str, ...]:
        """What was done otherwise than asked, and why."""
        return tuple(reason for step in self.steps for reason in step.reasons)

    def transform(self, values: Array, meta: pd.DataFrame) -> Array:
        """Return the features of rows after all steps."""
        for step in self.steps:
            values = step.transform(values, meta)
        return values

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the features after all steps."""
        held = tuple(names)
        for step in self.steps:
            held = step.names(held)
        return held


@dataclass(frozen=True)
class Pipeline:
    """Steps, one after the other."""

    steps: tuple[Step | Aggregate, ...] = field(default=())

    def described(self) -> list[str]:
        """Return each step with its options."""
        return [step.described() for step in self.steps]

    def fit(
        self, values: Array, meta: pd.DataFrame, *, train: Mask | None = None, controls: Mask | None = None
    ) -> FittedPipeline:
        """Fit every step on what the steps before it return; see :meth:`Step.fit`.

        Raises
        ------
        ProfileError
            If a step cannot be fitted, or is an aggregation, which makes other rows.
        """
        fitted: list[Fitted] = []
        used = np.zeros(len(values), dtype=bool)
        for step in self.steps:
            if isinstance(step, Aggregate):
                raise ProfileError(
                    step.name, "makes other rows and cannot be fitted within a fold", "Aggregate before"
                )
            done = step.fit(values, meta, train=train, controls=controls)
            values = done.transform(values, meta)
            used |= done.controls
            fitted.append(done)
        return FittedPipeline(tuple(fitted), used)

    def apply(
        self, profiles: Profiles, *, train: Mask | None = None, controls: Mask | None = None
    ) -> Applied:
        """Fit and apply every step.

        Parameters
        ----------
        profiles
            The profiles.
        train
            Rows to learn from, ``(n,)``; all if None. What learns from labels belongs into folds instead.
        controls
            Rows of the control group, ``(n,)``; None if there is none.

        Raises
        ------
        ProfileError
            If a step cannot be fitted.
        """
        used = np.zeros(profiles.n, dtype=bool)
        reasons: list[str] = []
        for step in self.steps:
            if isinstance(step, Aggregate):
                before = profiles.meta
                aggregated = step.apply(profiles)
                fresh = aggregated.source.get("reasons", [])[len(profiles.source.get("reasons", [])) :]
                reasons += [f"{step.name}: {reason}" for reason in fresh]
                used = step.mask(before, used)
                train = None if train is None else step.mask(before, train, every=True)
                controls = None if controls is None else step.mask(before, controls, every=True)
                profiles = aggregated
                continue
            done = step.fit(profiles.values, profiles.meta, train=train, controls=controls)
            values = done.transform(profiles.values, profiles.meta)
            reasons += [f"{step.name}: {reason}" for reason in done.notes(profiles.meta)]
            number = int(done.controls.sum())
            told = f"{step.described()} on {number:,} controls" if number else step.described()
            profiles = profiles.with_values(values, done.names(profiles.names), step=told)
            used |= done.controls
        if reasons:
            source = {**profiles.source, "reasons": reasons}
            profiles = Profiles(profiles.values, profiles.meta, profiles.names, profiles.name, source)
        return Applied(profiles, used, tuple(reasons))


def pipeline(spec: Spec | Sequence[Spec] | Pipeline | None) -> Pipeline:
    """Make a pipeline.

    Parameters
    ----------
    spec
        Steps in their order, each a name (``"standardise"``), a name with its options (``{"robust_z": {"by":
        "plate"}}``; a value that is no table is the first option: ``{"clip": 20}``, ``{"pca": 64}``), or a step
        itself.

    Raises
    ------
    ProfileError
        If there is no such step or option.
    """
    if isinstance(spec, Pipeline):
        return spec
    if spec is None:
        return Pipeline()
    if isinstance(spec, str | Mapping | Step | Aggregate):
        return Pipeline(tuple(_steps(spec)))
    return Pipeline(tuple(step for one in spec for step in _steps(one)))


def _steps(spec: Spec) -> list[Step | Aggregate]:
    if isinstance(spec, Step | Aggregate):
        return [spec]
    if isinstance(spec, str):
        return [_made(spec, {})]
    if not isinstance(spec, Mapping):
        raise ProfileError("", f"{spec!r} is no step of preprocessing", "Give a name, or a name with options")
    return [_made(str(name), options) for name, options in spec.items()]


def _made(name: str, options: Any) -> Step | Aggregate:
    if name not in STEPS:
        close = difflib.get_close_matches(name, list(STEPS), 1)
        hint = f"Did you mean {close[0]}?" if close else f"Steps are {', '.join(STEPS)}"
        raise ProfileError("", f"there is no step of preprocessing {name!r}", hint)
    kind = STEPS[name]
    known = [option.name for option in fields(kind)]
    if options is None:
        options = {}
    if not isinstance(options, Mapping):
        if not known:
            raise ProfileError(name, f"has no options and got {options!r}", "Leave it out")
        options = {known[0]: options}
    unknown = next((str(option) for option in options if option not in known), None)
    if unknown is not None:
        raise ProfileError(
            name, f"has no option {unknown!r}", f"Options are {', '.join(known)}" if known else "Leave it out"
        )
    needed = [
        option.name
        for option in fields(kind)
        if option.default is MISSING and option.default_factory is MISSING and option.name not in options
    ]
    if needed:
        raise ProfileError(name, f"needs the option {needed[0]!r}", "Give it")
    try:
        made: Step | Aggregate = kind(**options)
    except TypeError as error:
        raise ProfileError(name, f"cannot use the options {dict(options)!r}", str(error)) from error
    return made
