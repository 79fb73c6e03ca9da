"""What the design says about one task: its labels, unit, partners, permutations, chance and power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrographia.protocols import Protocol, Task
from micrographia.protocols.protocol import KNOWN_PAIRS
from micrographia.representation.audit.counting import assignments, labels_of_groups
from micrographia.representation.audit.finding import AuditFinding, Weight, figure, joined, plural, span
from micrographia.representation.audit.pairs import pairs_of
from micrographia.representation.audit.partners import Partners, partners
from micrographia.representation.audit.power import power_of
from micrographia.representation.audit.rows import Items
from micrographia.representation.probes.chance import majority_accuracy
from micrographia.representation.probes.folds import Folds, groups_per_class
from micrographia.representation.probes.holdouts import holdouts
from micrographia.representation.probes.labels import Array, Coded, IntArray, as_labels, listed
from micrographia.representation.probes.predict import numbers as as_numbers

_PAIRWISE = ("nearest_neighbour", "retrieval", "recall", "reproducibility")
_BY_COLUMNS = ("retrieval", "recall")


@dataclass(eq=False)
class TaskAudit:
    """One task of a protocol against the items of a design.

    Attributes
    ----------
    items
        The items that are scored.
    protocol
        For unit, crossed factors, margin and level.
    task
        The task.
    assumed_sd
        Standard deviation of the paired difference between groups that power rests on.
    power
        Probability with which a difference is to be found.
    findings, cannot
        What was found so far.
    evaluable
        Items that can be evaluated ``(n,)``.
    impossible
        Why nothing can be; empty if something can.
    detectable
        Smallest difference that the unit's groups can tell; NaN until known.
    undecidable
        Which differences stay undecided, as a sentence.
    """

    items: Items
    protocol: Protocol
    task: Task
    assumed_sd: float
    power: float
    findings: list[AuditFinding] = field(default_factory=list)
    cannot: list[str] = field(default_factory=list)
    evaluable: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))
    impossible: str = ""
    detectable: float = float("nan")
    undecidable: str = ""

    def run(self) -> TaskAudit:
        """Collect the findings in the order in which a reader asks.

        Raises
        ------
        ProfileError
            If a column is not there, or the label of a regression holds texts.
        """
        if self.task.kind == KNOWN_PAIRS:
            return self._pairs()
        numeric = self.task.kind == "regression"
        classes = self._numeric_labels() if numeric else self._labels()
        units = self._units(classes, numeric)
        if self.task.kind in _PAIRWISE:
            self._partners(classes)
        else:
            self._holdouts(classes, units, numeric)
        if not numeric:
            self._assigned(classes)
        self._power(units)
        if self.impossible:
            self.cannot.insert(0, f"Nothing can be concluded about {self.task.label}: {self.impossible}.")
        return self

    def say(self, kind: str, text: str, weight: Weight = "info", **numbers: Any) -> None:
        """Add a finding."""
        self.findings.append(AuditFinding(kind, text, numbers, self.task.name, weight))

    def _labels(self) -> Coded:
        label, classes = self.task.label, self.items.column(self.task.label)
        if classes.missing and self.task.missing == "group":
            pairs = classes.missing * (classes.missing - 1) // 2
            text = (
                f"{classes.missing:,} of {self.items.n:,} items have no {label} and count as one class: {pairs:,} "
                f"pairs pass for the same although nothing says so."
            )
            self.say("missing", text, "warning", missing=classes.missing, pairs=pairs)
            codes = np.where(classes.codes < 0, classes.n, classes.codes)
            classes = Coded(codes, (*classes.names, "missing"))
        elif classes.missing:
            done = "left out" if self.task.missing == "drop" else "never a match"
            text = f"{classes.missing:,} of {self.items.n:,} items have no {label}: {done}."
            self.say("missing", text, "warning", missing=classes.missing)
        counts = classes.counts
        if classes.n < 2:
            self.impossible = (
                f"all {plural(int(counts.sum()), 'item')} have one {label} ({classes.names[0]})"
                if classes.n
                else f"no item has a {label}"
            )
            self.say(
                "labels", f"{self.impossible[0].upper()}{self.impossible[1:]}.", "error", classes=classes.n
            )
            return classes
        share = float(counts.max() / counts.sum())
        text = (
            f"{plural(classes.n, 'class')} of {label} over {plural(int(counts.sum()), 'item')}, "
            f"{span(int(counts.min()), int(counts.max()))} each; the largest holds {figure(share)}."
        )
        self.say(
            "labels",
            text,
            classes=classes.n,
            items=int(counts.sum()),
            smallest=int(counts.min()),
            largest=int(counts.max()),
            majority=share,
        )
        lone = [str(classes.names[at]) for at in np.flatnonzero(counts == 1)]
        if lone:
            text = f"{plural(len(lone), 'class')} of {label} with one item: {listed(lone, 3)}. Nothing can be compared."
            self.say("labels", text, "warning", single=lone)
        return classes

    def _numeric_labels(self) -> Coded:
        """Say how a number is spread; return items with a value as one class."""
        values = self.items.numbers(self.task.label)
        if values is None:
            column = self.items.column(self.task.label)
            values = np.append(as_numbers(list(column.names)), np.nan)[column.codes]
        known = np.isfinite(values)
        lost = int((~known).sum())
        if lost:
            text = f"{lost:,} of {self.items.n:,} items have no finite {self.task.label}: left out."
            self.say("missing", text, "warning", missing=lost)
        spread = float(values[known].std()) if known.any() else float("nan")
        if not spread > 0:
            self.impossible = f"{self.task.label} does not vary"
        text = f"{self.task.label} of {plural(int(known.sum()), 'item')}: SD {figure(spread)}."
        self.say("labels", text, "info" if spread > 0 else "error", items=int(known.sum()), sd=spread)
        return Coded(np.where(known, 0, -1), (self.task.label,))

    def _units(self, classes: Coded, numeric: bool) -> Coded:
        unit, label = self.protocol.unit, self.task.label
        units = self.items.column(unit)
        if units.missing:
            text = f"{units.missing:,} items have no {unit}: they count as groups of their own, which is optimistic."
            self.say("unit", text, "warning", missing=units.missing)
        if units.n < 2:
            self.impossible = (
                self.impossible or f"there is one {unit} only, and groups are what is independent"
            )
            self.say("unit", f"There is {plural(units.n, unit)} only.", "error", groups=units.n)
            return units
        text = f"Conclusions are about {unit}: {units.n:,} groups"
        numbers: dict[str, Any] = {"groups": units.n}
        if classes.n and not numeric:
            each = groups_per_class(units, classes)
            text += f", {span(int(each.min()), int(each.max()))} for each {label}"
            numbers |= {"fewest": int(each.min()), "most": int(each.max())}
            lone = [str(classes.names[at]) for at in np.flatnonzero(each == 1)]
            # What is named by its unit, such as compound and dose, has one of course.
            if lone and self.task.kind != "reproducibility":
                numbers["in_one"] = lone
                self.cannot.append(
                    f"Whether {listed(lone, 3)} would be recognised in another {unit} cannot be concluded: it has one."
                )
        crossed = [f"{name} ({self.items.column(name).n:,})" for name in self.protocol.crossed]
        text += f"; crossed with {joined(crossed)}." if crossed else "."
        self.say("unit", text, "warning" if numbers.get("in_one") else "info", **numbers)
        return units

    def _partners(self, classes: Coded) -> None:
        task, items = self.task, self.items
        if task.kind in _BY_COLUMNS:
            same, exclude = task.pos_sameby or [task.label], task.pos_diffby
        else:
            same, exclude = [task.label], task.exclude
        equal = [classes.codes if name == task.label else items.column(name).codes for name in same]
        negatives = None
        if task.kind in _BY_COLUMNS:
            negatives = (
                [items.column(name).codes for name in task.neg_sameby],
                [
                    classes.codes if name == task.label else items.column(name).codes
                    for name in task.neg_diffby or same
                ],
            )
        found = partners(equal, [], negatives)
        for number in range(len(exclude) + 1):
            names = exclude[:number]
            if exclude and not number:
                continue
            found = partners(equal, [items.column(name).codes for name in names], negatives)
            self._reach(found, classes, names)
        self.evaluable = found.evaluable
        if not self.evaluable.any() and not self.impossible:
            differs = " and ".join(f"another {name}" for name in exclude)
            self.impossible = f"no item has a partner of the same {task.label}" + (
                f" of {differs}" if differs else ""
            )
        if self.evaluable.any():
            self._chance_of_partners(found, classes)

    def _pairs(self) -> TaskAudit:
        """Say how many known pairs there are, and how many groups of them share nothing."""
        found = pairs_of(self.items, self.task, self.protocol.unit)
        self.evaluable = found.evaluable
        self.impossible = "" if found.count else f"no known pair of {self.task.label} is among the items"
        for kind, text, weight, numbers in found.told:
            self.say(kind, text, weight, **numbers)
        self._power(found.units)
        if self.impossible:
            self.cannot.insert(0, f"Nothing can be concluded about {self.task.label}: {self.impossible}.")
        return self

    def _reach(self, found: Partners, classes: Coded, names: list[str]) -> None:
        reached, total = int(found.evaluable.sum()), int(found.labelled.sum())
        present = np.bincount(classes.codes[found.labelled], minlength=classes.n) > 0
        usable = np.bincount(classes.codes[found.evaluable], minlength=classes.n) > 0
        lost = [str(classes.names[at]) for at in np.flatnonzero(present & ~usable)]
        others = joined([f"another {name}" for name in names])
        where = f" of {others}" if names else ""
        text = f"{reached:,} of {total:,} items have a partner{where}"
        if lost:
            text += f"; no item of {listed(lost, 3)} has"
            if names:
                self.cannot.append(
                    f"{listed(lost, 3)} cannot be evaluated: no two items of such a {self.task.label} differ in "
                    f"{joined(names)}."
                )
        weight: Weight = "warning" if lost or reached < total else "info"
        self.say(
            "evaluable", f"{text}.", weight, exclude=list(names), evaluable=reached, items=total, classes=lost
        )

    def _chance_of_partners(self, found: Partners, classes: Coded) -> None:
        kept = classes.codes[found.evaluable]
        majority = float(np.bincount(kept).max() / len(kept))
        if self.task.kind == "nearest_neighbour":
            chance, told = found.nearest_chance, "a neighbour drawn at random"
        elif self.task.kind == "retrieval":
            chance, told = found.precision_chance, "a random order (expected average precision)"
        elif self.task.kind == "recall":
            chance, told = found.recall_chance(self.task.k, hit=self.task.metric == "hit"), "a random order"
        else:
            chance, told = 0.05, "replicates that are like any other pair"
        text = f"Chance is {figure(chance)} for {told}; the most frequent {self.task.label} holds {figure(majority)}."
        self.say("chance", text, chance=chance, majority=majority)

    def _holdouts(self, classes: Coded, units: Coded, numeric: bool) -> None:
        asked = self.task.folds
        groups = units.labels
        labels = None if numeric else classes.labels
        kind = "leave_group_out" if numeric and asked.kind == "balanced" else asked.kind
        folds = holdouts(kind, groups, labels, k=asked.k, most=asked.limit, seed=self.protocol.seed)
        self.evaluable = (folds.times_tested > 0) & (classes.codes >= 0)
        reached, total = int(self.evaluable.sum()), int((classes.codes >= 0).sum())
        if not reached:
            self.impossible = self.impossible or self._told(folds) or "nothing can be held out"
            return
        text = (
            f"{reached:,} of {total:,} items can be tested in {plural(len(folds), 'hold-out')} ({folds.kind})"
        )
        why = self._told(folds)
        weight: Weight = "warning" if reached < total else "info"
        text += f": {why}." if why else "."
        self.say("evaluable", text, weight, evaluable=reached, items=total, holdouts=len(folds), reason=why)
        if numeric:
            self.say("chance", "Chance is an R2 of 0, the mean of the training rows.", chance=0.0)
            return
        self._chance_of_folds(classes, folds)

    def _told(self, folds: Folds) -> str:
        return folds.reason.replace("in one group only", f"in one {self.protocol.unit} only")

    def _chance_of_folds(self, classes: Coded, folds: Folds) -> None:
        accuracy, recall = majority_accuracy(as_labels(classes.codes), folds)
        counts = np.bincount(classes.codes[self.evaluable], minlength=classes.n)
        n, majority = int((counts > 0).sum()), float(counts.max() / counts.sum())
        plain = majority if self.task.metric == "accuracy" else 1 / n
        through = accuracy if self.task.metric == "accuracy" else recall
        if self.task.metric == "auc":
            plain, through = 0.5, 0.5
        text = (
            f"Chance of {self.task.metric.replace('_', ' ')} by formula is {figure(plain)} ({plural(n, 'class')}, "
            f"the largest {figure(majority)}); the most frequent training class scores {figure(through)} here."
        )
        biased = through < 0.8 * plain
        if biased:
            text += " Holding out makes a class rarer in training than in the test: hold out one group of each class."
        self.say(
            "chance",
            text,
            "warning" if biased else "info",
            chance=plain,
            chance_pipeline=through,
            majority=majority,
            majority_pipeline=accuracy,
            balanced_pipeline=recall,
        )

    def _assigned(self, classes: Coded) -> None:
        """Say at which level labels can be permuted, and how often."""
        if classes.n < 2:
            return
        column = self.task.assigned_to or self.protocol.unit
        groups = self.items.column(column)
        own, mixed = labels_of_groups(groups, classes)
        if len(mixed):
            text = (
                f"{self.task.label} varies within {column} ({len(mixed):,} of {groups.n:,} hold several): it was not "
                f"assigned to {column} as a whole, and permuting it there is not possible."
            )
            self.say("permutations", text, "warning", assigned_to=column, mixed=len(mixed))
            return
        found = assignments(own)
        numbers: dict[str, Any] = {
            "assigned_to": column,
            "groups": found.groups,
            "distinct": found.distinct,
            "log10_distinct": found.log10,
            "smallest_p": found.smallest_p,
        }
        text = (
            f"{self.task.label} was assigned to {column} ({found.groups:,}): {found.shown} distinct permutations, "
            f"{f'so p is at least {figure(found.smallest_p)}' if found.smallest_p > 1e-6 else 'enough for any p'}."
        )
        sizes = np.sort(np.bincount(own[own >= 0], minlength=classes.n))[::-1]
        if classes.n > 2:
            pair = assignments(np.repeat([0, 1], sizes[:2]))
            numbers |= {"pair_distinct": pair.distinct, "pair_smallest_p": pair.smallest_p}
            text += f" For the two largest classes alone there are {pair.shown}."
        few = found.smallest_p > 1 - self.protocol.level
        if few:
            self.cannot.append(
                f"No permutation of {self.task.label} can give p below {figure(1 - self.protocol.level)}: there are "
                f"{found.shown} ways to assign it."
            )
        self.say("permutations", text, "error" if few else "info", **numbers)

    def _power(self, units: Coded) -> None:
        groups = self.groups(units)
        if groups < 2:
            return
        found = power_of(
            self.protocol.unit,
            groups,
            {name: self.groups(self.items.column(name)) for name in self.protocol.crossed},
            delta=self.protocol.delta,
            assumed_sd=self.assumed_sd,
            power=self.power,
            level=self.protocol.level,
        )
        self.detectable = found.detectable
        if found.cannot:
            self.cannot.append(found.cannot)
        self.undecidable = found.cannot
        self.say("power", found.text, found.weight, **found.numbers)

    def groups(self, of: Coded) -> int:
        """Return how many labels of a column the items that can be evaluated have."""
        codes: IntArray = of.codes[self.evaluable] if len(self.evaluable) else of.codes
        return len(np.unique(codes[codes >= 0]))


def audited(items: Items, protocol: Protocol, *, assumed_sd: float, power: float) -> Iterator[TaskAudit]:
    """Audit every task of a protocol, the primary one first.

    Raises
    ------
    ProfileError
        If a column is not there.
    """
    for task in sorted(protocol.tasks, key=lambda task: task.name != protocol.primary):
        yield TaskAudit(items, protocol, task, assumed_sd, power).run()
