"""What differences a number of groups can tell, before any difference was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from micrographia.representation.audit.finding import Weight, figure, joined, plural
from micrographia.statistics import minimum_detectable
from micrographia.statistics.signflip import groups_needed, smallest_p


@dataclass(frozen=True)
class Power:
    """What a comparison of two candidates can tell.

    Attributes
    ----------
    detectable
        Smallest difference that is found over the unit and all factors with which it is crossed; infinite if none is.
    text, weight, numbers
        The finding.
    cannot
        What cannot be concluded; empty if nothing.
    """

    detectable: float
    text: str
    weight: Weight
    numbers: Mapping[str, Any] = field(default_factory=dict)
    cannot: str = ""


def power_of(
    unit: str,
    groups: int,
    crossed: Mapping[str, int],
    *,
    delta: float,
    assumed_sd: float,
    power: float,
    level: float,
) -> Power:
    """Say which difference is found, how small p can be, and how many groups the margin would take.

    Along each factor the difference is that of :func:`micrographia.statistics.minimum_detectable`; over crossed factors
    squared standard errors add up, and so do the squares of these.

    Parameters
    ----------
    unit, groups
        Unit of generalisation, and how many of its groups can be evaluated.
    crossed
        Factors with which it is crossed, and how many of their groups can be.
    delta
        Margin of the protocol.
    assumed_sd
        Standard deviation of the paired difference between groups of any factor.
    power, level
        Probability of finding the difference, and level of its interval.
    """
    each = {unit: groups, **crossed}
    found = {
        name: minimum_detectable(assumed_sd, count, power=power, level=level) if count > 1 else float("inf")
        for name, count in each.items()
    }
    detectable = sqrt(sum(one**2 for one in found.values()))
    fewest = min(each.values())
    least = smallest_p(min(fewest, 1000))
    numbers: dict[str, Any] = {
        "groups": groups,
        "crossed": dict(crossed),
        "assumed_sd": assumed_sd,
        "power": power,
        "delta": delta,
        "minimum_detectable": detectable,
        "minimum_detectable_sd": detectable / assumed_sd,
        "smallest_p": least,
        **{f"minimum_detectable_{name}": one for name, one in found.items() if crossed},
    }
    needed = groups_needed(1 - level)
    few = [plural(count, name) for name, count in each.items() if count < needed]
    if few:
        text = (
            f"{joined(few)} can be evaluated: p of a comparison is at least {figure(least)}, so none can be below "
            f"{figure(1 - level)}; it takes {needed}."
        )
        cannot = f"No comparison of candidates can be decided over {joined(few)}."
        return Power(float("inf"), text, "error", numbers, cannot)
    parts = [f"{figure(one)} over {plural(each[name], name)}" for name, one in found.items()]
    both = f", {figure(detectable)} over all at once" if crossed else ""
    text = (
        f"With probability {power:g} a difference is found of {joined(parts)}{both}, if it varies between groups with "
        f"an SD of {assumed_sd:g} (assumed). p of a comparison is at least {figure(least)}."
    )
    if not detectable > delta:
        return Power(detectable, text, "info", numbers)
    if not crossed:
        numbers["groups_for_delta"] = _groups_for(delta, assumed_sd, power, level)
        text += f" To tell the margin of {delta:g} it would take about {numbers['groups_for_delta']:,}."
    over = joined([plural(count, name) for name, count in each.items()])
    cannot = f"Differences below about {figure(detectable)} over {over} will stay undecided: the margin is {delta:g}."
    return Power(detectable, text, "warning", numbers, cannot)


def _groups_for(delta: float, sd: float, power: float, level: float) -> int:
    """Return the smallest number of groups with which a difference of ``delta`` is found."""
    low, high = 2, 4
    while minimum_detectable(sd, high, power=power, level=level) > delta and high < 1 << 30:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if minimum_detectable(sd, middle, power=power, level=level) > delta:
            low = middle
        else:
            high = middle
    return high
