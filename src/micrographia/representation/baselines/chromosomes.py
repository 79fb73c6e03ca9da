"""Chromosome arms: genes that a nuclease cuts lose the rest of their arm, and so look like their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.baselines.measured import Reasons
from micrographia.representation.profiles import Array, Profiles

if TYPE_CHECKING:
    import pandas as pd


def chromosome_arms(
    genes: Sequence[str | None],
    table: pd.DataFrame,
    *,
    gene: str = "gene",
    chromosome: str = "chromosome",
    arm: str = "arm",
    position: str = "position",
) -> Profiles:
    """Embed each gene by where it lies: an embedding that knows no phenotype (see Lazar et al. 2024, Nat Genet).

    An arm is a plane: a gene at share ``f`` of the arm's known genes is ``(cos(pi f / 2), sin(pi f / 2))`` there and 0
    elsewhere. So the cosine of two genes is ``cos(pi (f - g) / 2)`` on one arm, larger the nearer they lie, and 0 on
    different arms. Without positions every gene of an arm is the same unit vector.

    Parameters
    ----------
    genes
        Names, one a row; None for a row without one.
    table
        One row a gene, with the columns named here. ``arm`` is ``p`` or ``q``, or the whole name (``7q``).
        ``position`` (in bases, say) may be missing.

    Returns
    -------
    Profiles
        ``(n, arms)`` or ``(n, 2 arms)``; kind ``layout``. A gene that the table lacks is NaN.

    Raises
    ------
    ProfileError
        If a column is missing, a gene stands twice with different places, or no gene is known.
    """
    import pandas as pd

    for column in (gene, chromosome, arm):
        if column not in table.columns:
            known = ", ".join(str(name) for name in table.columns[:20])
            raise ProfileError("", f"the table of genes has no column {column!r}", f"Columns are {known}")
    placed = _placed(table, gene, chromosome, arm, position)
    arms = sorted({where for where, _ in placed.values()})
    wide = all(share is not None for _, share in placed.values()) and bool(placed)
    each = 2 if wide else 1
    at = {where: number for number, where in enumerate(arms)}
    values = np.zeros((len(genes), each * len(arms)))
    reasons = Reasons()
    known_rows = 0
    for row, name in enumerate(genes):
        if name is None or name not in placed:
            values[row] = np.nan
            reasons.add(
                str(row), ["no gene is named" if name is None else "the gene is not in the table of arms"]
            )
            continue
        known_rows += 1
        where, share = placed[name]
        first = each * at[where]
        if share is None or not wide:
            values[row, first] = 1.0
        else:
            values[row, first : first + 2] = np.cos(np.pi / 2 * share), np.sin(np.pi / 2 * share)
    if len(genes) and not known_rows:
        raise ProfileError("", "the table of arms knows none of the genes", "Name genes alike in both")
    ends = ("start", "end") if wide else ("",)
    names = tuple(f"arm {where}{f' {end}' if end else ''}" for where in arms for end in ends)
    source = {"kind": "layout", "undefined": reasons.told(), "genes_known": known_rows}
    meta = pd.DataFrame({gene: list(genes)})
    return Profiles(values, meta, names, "chromosome arm", source)


def _placed(
    table: pd.DataFrame, gene: str, chromosome: str, arm: str, position: str
) -> dict[str, tuple[str, float | None]]:
    """Return the arm of each gene and, if positions are given, its share of the span of the arm's genes."""
    kept = table[table[gene].notna() & table[chromosome].notna() & table[arm].notna()]
    names = kept[gene].astype(str).tolist()
    arms = [
        _arm(where, part)
        for where, part in zip(kept[chromosome].tolist(), kept[arm].astype(str).tolist(), strict=True)
    ]
    places: list[float | None] = [None] * len(names)
    if position in kept.columns:
        held = kept[position].to_numpy(dtype=np.float64, na_value=np.nan)
        places = [None if np.isnan(value) else float(value) for value in held]
    spans: dict[str, tuple[float, float]] = {}
    for where, place in zip(arms, places, strict=True):
        if place is not None:
            low, high = spans.get(where, (place, place))
            spans[where] = (min(low, place), max(high, place))
    found: dict[str, tuple[str, float | None]] = {}
    for name, where, place in zip(names, arms, places, strict=True):
        share = None
        if place is not None:
            low, high = spans[where]
            share = (place - low) / (high - low) if high > low else 0.0
        if found.setdefault(name, (where, share)) != (where, share):
            raise ProfileError(
                "", f"gene {name!r} has two places in the table of arms", "Keep one row a gene"
            )
    return found


def _arm(chromosome: object, arm: str) -> str:
    number = str(chromosome).strip().removeprefix("chr").removesuffix(".0")
    part = arm.strip()
    return part if part.startswith(number) else f"{number}{part}"


def same_arm(profiles: Profiles, pairs: Array) -> Array:
    """Return for each pair of rows whether both genes lie on one arm; (pairs,) float64, NaN where one is unknown.

    Parameters
    ----------
    profiles
        As :func:`chromosome_arms` returns them.
    pairs
        Row numbers (pairs, 2).
    """
    wide = any(name.endswith(" start") for name in profiles.names)
    groups = profiles.values.reshape(profiles.n, -1, 2 if wide else 1)
    which = np.where(np.isnan(groups).any(axis=(1, 2)), -1, (groups != 0).any(axis=2).argmax(axis=1))
    a, b = which[np.asarray(pairs)[:, 0]], which[np.asarray(pairs)[:, 1]]
    return np.where((a < 0) | (b < 0), np.nan, (a == b).astype(np.float64))
