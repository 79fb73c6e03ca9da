"""Replicate reproducibility: whether replicates are more alike than almost all other pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.keys import combine, encode, labels
from micrographia.representation.retrieval.similarity import Distance, checked, space
from micrographia.representation.retrieval.tails import Tails, tails

Array = npt.NDArray[Any]
Missing = Literal["drop", "nothing", "group"]


@dataclass(frozen=True, eq=False)
class Reproducibility:
    """Share of replicate pairs that are more alike than a percentile of the other pairs.

    Attributes
    ----------
    score
        That share, over all replicate pairs; NaN without replicates or without other pairs.
    chance
        What pairs that are no replicates score, exactly: 1 - percentile / 100.
    threshold
        The percentile of the similarity of the other pairs.
    n_pairs, n_other_pairs
        Numbers of replicate pairs and of other pairs.
    groups
        For each label with replicates: ``label``, ``n_rows``, ``n_pairs``, ``share``; the score is the mean of
        ``share`` weighted by ``n_pairs``.
    n_missing
        Rows whose label is missing.
    n_unusable
        Rows that were left out because features are missing.
    reason
        Why the score is NaN; otherwise what a reader must know about missing labels, or empty.
    """

    score: float
    chance: float
    threshold: float
    n_pairs: int
    n_other_pairs: int
    groups: pd.DataFrame
    n_missing: int
    n_unusable: int
    reason: str


def replicate_reproducibility(
    values: npt.ArrayLike,
    keys: Any,
    percentile: float = 95,
    missing: Missing = "drop",
    *,
    distance: Distance = "correlation",
    workers: int | None = None,
) -> Reproducibility:
    """Return the share of replicate pairs whose similarity is above a percentile of that of all other pairs.

    Also known as percent replicating (Way et al., "Morphology and gene expression profiling provide complementary
    information for mapping cell state", Cell Systems 13(11), 2022). Every pair of rows counts once. Pairs at the
    threshold count by the part that makes the other pairs score exactly chance, so that an embedding that cannot tell
    rows apart scores chance.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    keys
        What replicates share: ``n`` labels, or a table of ``n`` rows whose combinations are the labels.
    percentile
        Between 0 and 100.
    missing
        What a missing label does. ``drop``: the row is left out. ``nothing``: it equals no label, and its pairs are
        other pairs. ``group``: missing is a label of its own, which makes replicates of rows that have nothing in
        common; only to repeat what programs do that group tables without looking.
    distance
        ``correlation`` (Pearson), ``cosine`` or ``euclidean``.

    Returns
    -------
    Reproducibility

    Raises
    ------
    ProfileError
        If there is not one label a row, the percentile is not between 0 and 100, or an option is unknown.
    """
    if not 0 < percentile < 100:
        raise ProfileError("", f"percentile is {percentile}", "Give a number between 0 and 100, such as 95")
    if missing not in ("drop", "nothing", "group"):
        raise ProfileError("", f"missing labels are to be {missing!r}", 'Take "drop", "nothing" or "group"')
    features = checked(values)
    codes, names, n_missing = _codes(keys, len(features), missing)
    if missing == "drop" and n_missing:
        features, codes = features[codes >= 0], codes[codes >= 0]
    compared = space(features, distance)
    held = tails(compared, codes, [percentile / 100], workers=workers)
    return _result(held, compared.usable, codes, names, percentile, n_missing, missing)


def _codes(keys: Any, n: int, missing: Missing) -> tuple[Array, list[str], int]:
    columns = [keys[name] for name in keys.columns] if isinstance(keys, pd.DataFrame) else [keys]
    held = [labels(column, n) for column in columns]
    if not held:
        raise ProfileError("", "keys has no column", "Name what replicates share")
    parts = [encode(column)[0] for column in held]
    n_missing = int(np.any([part < 0 for part in parts], axis=0).sum())
    if missing == "group":
        parts = [np.where(part < 0, part.max(initial=-1) + 1, part) for part in parts]
    codes = combine(parts)
    _, first = np.unique(codes[codes >= 0], return_index=True)
    rows = np.flatnonzero(codes >= 0)[first]
    names = [
        ", ".join("missing" if column[row] is None else str(column[row]) for column in held)
        for row in rows.tolist()
    ]
    return codes, names, n_missing


def _result(
    held: Tails,
    usable: npt.NDArray[np.bool_],
    codes: Array,
    names: list[str],
    percentile: float,
    n_missing: int,
    missing: Missing,
) -> Reproducibility:
    chance = 1 - percentile / 100
    weight = held.weight_at(0, chance, upper=True)
    counts = held.replicates[:, 0]
    pairs, others = counts.sum(axis=1), int(held.others[0].sum())
    total = int(pairs.sum())
    inside = counts[:, 0] + weight * counts[:, 1]
    score, reason = float("nan"), ""
    if not total:
        reason = "no label has two rows"
    elif not others:
        reason = "all rows have one label"
    else:
        score = float(inside.sum() / total)
        if n_missing and missing == "group":
            lacking = sum(int(pairs[at]) for at, name in enumerate(names) if "missing" in name.split(", "))
            reason = f"{lacking:,} of {total:,} replicate pairs share only that their label is missing"
        elif n_missing:
            done = "left out" if missing == "drop" else "replicates of nothing"
            reason = f"{n_missing:,} rows have no label and are {done}"
    kept = np.flatnonzero(pairs > 0)
    sizes = np.bincount(codes[(codes >= 0) & usable], minlength=len(names))
    groups = pd.DataFrame(
        {
            "label": [names[at] for at in kept.tolist()],
            "n_rows": sizes[kept],
            "n_pairs": pairs[kept],
            "share": inside[kept] / pairs[kept] if others else np.full(len(kept), np.nan),
        }
    )
    return Reproducibility(
        score=score,
        chance=chance,
        threshold=float(held.thresholds[0]),
        n_pairs=total,
        n_other_pairs=others,
        groups=groups,
        n_missing=n_missing,
        n_unusable=int((~usable).sum()),
        reason=reason,
    )
