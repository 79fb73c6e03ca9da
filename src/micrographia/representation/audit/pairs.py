"""What the design says about a task of known pairs: which are there, and how many groups of them share nothing."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrographia.protocols import Task
from micrographia.representation.audit.finding import Weight, figure, plural
from micrographia.representation.audit.rows import Items
from micrographia.representation.probes.labels import Array, Coded
from micrographia.representation.retrieval.pair_lists import connected, pair_list

SEVERAL = " + "
"""Between the values of a column that differ among the rows that became one item."""


@dataclass(frozen=True, eq=False)
class AuditedPairs:
    """Known pairs among the items.

    Attributes
    ----------
    count
        Number of known pairs.
    evaluable
        Items whose name occurs in one ``(n,)``.
    units
        For each item the group of pairs that hang together to which its name belongs; -1 for none.
    told
        Findings: kind, text, weight, numbers.
    """

    count: int
    evaluable: Array
    units: Coded
    told: tuple[tuple[str, str, Weight, dict[str, Any]], ...]


def pairs_of(items: Items, task: Task, unit: str) -> AuditedPairs:
    """Return the known pairs of a task among the items of a design.

    Raises
    ------
    ProfileError
        If a column is not there, or too many names share a value.
    """
    label = items.column(task.label)
    codes = label.codes
    names = [str(name) for name in label.names]
    shared = [_values(items.column(column), codes, len(names)) for column in task.pairs_sameby]
    listed = pair_list(names, task.pairs, shared)
    first = np.zeros(len(names), np.int64)
    rows = np.flatnonzero(codes >= 0)[::-1]
    first[codes[rows]] = rows
    of = items.column(unit).labels
    groups = connected(listed.pairs, [of[row] for row in first.tolist()])
    of_name = np.full(len(names) + 1, -1, np.int64)
    for (one, other), group in zip(listed.pairs, groups.tolist(), strict=True):
        of_name[one] = of_name[other] = group
    units = Coded(of_name[codes], tuple(range(int(groups.max(initial=-1)) + 1)))
    evaluable = units.codes >= 0
    told: list[tuple[str, str, Weight, dict[str, Any]]] = []
    count = len(listed.pairs)
    text = f"{plural(count, 'known pair')} among {plural(len(names), task.label)}"
    text += f"; {listed.left_out}." if listed.left_out else "."
    lost = listed.n_unknown + listed.n_repeated + listed.n_self
    numbers = {"pairs": count, "names": len(names), "unknown": listed.n_unknown}
    told.append(("labels", text, "error" if not count else "warning" if lost else "info", numbers))
    if count:
        text = (
            f"Pairs share names: {units.n:,} groups of pairs share no {unit} with one another, and they are what is "
            f"independent."
        )
        told.append(("unit", text, "info", {"groups": units.n}))
        chance = task.tail * (1 if task.metric == "signed_recall" else 2)
        tails = "the tail" if task.metric == "signed_recall" else "either tail"
        text = f"Of all pairs {figure(chance)} lie in {tails}; chance is that of the names in known pairs."
        told.append(("chance", text, "info", {"chance": chance}))
    return AuditedPairs(count, evaluable, units, tuple(told))


def _values(column: Coded, codes: Array, count: int) -> list[set[Hashable]]:
    """Return all values of a column that the items of each name have."""
    found: list[set[Hashable]] = [set() for _ in range(count)]
    for code, value in zip(codes.tolist(), column.labels, strict=True):
        if code >= 0 and value is not None:
            found[code] |= set(value.split(SEVERAL)) if isinstance(value, str) else {value}
    return found
