"""Labels and batches: what is nested in what, what is aliased, and which classes a batch holds alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from micrographia.representation.audit.association import (
    cramers_v,
    determines,
    epsilon_squared,
    only_in_one,
    several,
)
from micrographia.representation.audit.counting import labels_of_groups
from micrographia.representation.audit.finding import AuditFinding, figure, plural
from micrographia.representation.audit.rows import Items
from micrographia.representation.probes.labels import Array, Coded, coded, cross, listed, pair_counts

STRONG = 0.3
"""Cramer's V, or share of variance, from which two columns are said to go together."""
Said = tuple[AuditFinding, str]


def batch(items: Items, label: str, unit: str, name: str, role: str = "confounder") -> Iterator[Said]:
    """Say how a column such as plate, week or slide lies to a label and its unit.

    Yields
    ------
    A finding, and what cannot be concluded for it (empty if nothing).

    Raises
    ------
    ProfileError
        If a column is not there.
    """
    of, classes, units = items.column(name), items.column(label), items.column(unit)
    if of.n == 0:
        yield (
            AuditFinding("batch", f"No item has a {name}.", {"column": name, "levels": 0}, weight="warning"),
            "",
        )
        return
    if of.n == 1:
        text = f"All items share one {name} ({of.names[0]})."
        cannot = f"Whether anything holds for another {name} cannot be concluded: there is one only."
        yield AuditFinding("batch", text, {"column": name, "levels": 1}, weight="warning"), cannot
        return
    numbers: dict[str, Any] = {"label": label, "column": name, "levels": of.n, "missing": of.missing}
    # What was assigned to units counts once for each unit and batch, however many rows there are.
    strength = cramers_v(*_cells(units, classes, of)) if classes.n > 1 else float("nan")
    numbers["cramers_v"] = strength
    if classes.n > 1 and determines(of, classes) and not determines(of, units):
        text = (
            f"Each {name} holds one {label} only ({of.n} to {classes.n}): they are aliased, and what looks like "
            f"{label} may be {name}."
        )
        cannot = f"An effect of {label} cannot be told from one of {name}: no {name} holds two of them."
        yield AuditFinding("batch", text, {**numbers, "aliased": True}, weight="error"), cannot
    elif determines(of, units):
        text = (
            f"Each {name} belongs to one {unit} ({of.n} in {units.n}): holding out a {unit} holds out its {name}, and "
            f"the two cannot be told apart."
        )
        yield AuditFinding("batch", text, {**numbers, "nested_in_unit": True}), ""
    else:
        yield _crossing(items, label, unit, name, numbers, role)
    # A class with one item is told elsewhere.
    lone = only_in_one(classes, of)
    lone = lone[classes.counts[lone] > 1]
    if 0 < len(lone) < classes.n or (len(lone) and not determines(of, classes)):
        names = [str(classes.names[at]) for at in lone]
        text = f"{_those(len(names), label)} in one {name} only: {listed(names, 3)}."
        cannot = f"Whether {listed(names, 3)} would be recognised in another {name} cannot be concluded."
        found = {"label": label, "column": name, "classes": names}
        yield AuditFinding("lone classes", text, found, weight="warning"), cannot


def _crossing(items: Items, label: str, unit: str, name: str, numbers: dict[str, Any], role: str) -> Said:
    of, units = items.column(name), items.column(unit)
    crossed = len(several(units, of))
    numbers |= {"units_in_several": crossed, "units": units.n}
    if crossed:
        text = f"{unit} ({units.n:,}) is crossed with {name} ({of.n:,}): {crossed:,} occur in more than one."
    else:
        text = (
            f"{unit} ({units.n:,}) is nested in {name} ({of.n:,}): each occurs in one, so that items of one {unit} "
            f"always share it."
        )
    strength = numbers["cramers_v"]
    go = np.isfinite(strength) and strength >= STRONG
    if np.isfinite(strength):
        text += f" {label} and {name}: Cramer's V {figure(strength)}{', they go together' if go else ''}."
    cannot = ""
    if go and role == "confounder":
        cannot = (
            f"A score for {label} alone does not show that more than {name} was learned: the two go together."
        )
    return AuditFinding("batch", text, {**numbers, "role": role}, weight="warning" if go else "info"), cannot


def _those(count: int, label: str) -> str:
    return f"{count} {'class' if count == 1 else 'classes'} of {label} {'occurs' if count == 1 else 'occur'}"


def _cells(units: Coded, classes: Coded, of: Coded) -> tuple[Coded, Coded]:
    """Return class and batch of every combination of unit, class and batch that occurs, each once."""
    inside = coded(np.where(cross(units.codes, classes.codes) < 0, np.nan, cross(units.codes, classes.codes)))
    pairs = pair_counts(inside, of)
    key = np.asarray(inside.names, dtype=np.float64).astype(np.int64)
    kind = key[pairs["first"].to_numpy()] % max(1, classes.n)
    return Coded(kind, classes.names), Coded(pairs["second"].to_numpy(), of.names)


def nuisance(items: Items, label: str, unit: str, name: str, column: str, role: str) -> Iterator[Said]:
    """Say how much a nuisance goes with the label, over units: a phenotype that is confounded before any feature.

    Numbers: the share of the variance of unit means that classes explain (epsilon squared). Names: Cramer's V over
    units and names.

    Yields
    ------
    A finding, and what cannot be concluded for it (empty if nothing).
    """
    classes, units = items.column(label), items.column(unit)
    numbers = items.numbers(column)
    strength: float
    if numbers is not None:
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        own, mixed = labels_of_groups(units, classes)
        if len(mixed):
            strength = epsilon_squared(numbers, classes)
        else:
            strength = epsilon_squared(_means(numbers, units), Coded(own, classes.names))
        measure, told = "epsilon_squared", f"{label} explains {figure(max(0.0, strength))} of its variance"
    else:
        strength = cramers_v(*_cells(units, classes, items.column(column)))
        measure, told = "cramers_v", f"Cramer's V with {label} is {figure(strength)}"
    found = {"label": label, "nuisance": name, "column": column, "role": role, measure: strength}
    # With hardly more units than classes, a few pairs of units decide.
    if not np.isfinite(strength) or units.n < 2 * classes.n:
        text = f"{name} ({role}): too few {unit} groups to say whether it goes with {label}."
        yield AuditFinding("nuisance", text, found), ""
        return
    strong = strength >= STRONG
    text = f"{name} ({role}): over {plural(units.n, unit)} {told}."
    cannot = ""
    if strong and role == "confounder":
        text += f" {label} is confounded with {name}: read scores only beside those of {name} alone."
        cannot = (
            f"A score for {label} alone does not show that more than {name} was learned: the two go together."
        )
    elif strong:
        text += f" It may be how {label} acts: what it explains is told, and not held against a candidate."
    yield AuditFinding("nuisance", text, found, weight="warning" if strong else "info"), cannot


def _means(values: Array, units: Coded) -> Array:
    known = np.isfinite(values) & (units.codes >= 0)
    count = np.bincount(units.codes[known], minlength=units.n)
    total = np.bincount(units.codes[known], values[known], minlength=units.n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
