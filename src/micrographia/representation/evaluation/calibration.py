"""How often verdicts are wrong, and what they find: meaningless labels, and planted signals, on real features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.contenders import Contender
from micrographia.representation.evaluation.permuting import permuted
from micrographia.representation.evaluation.rows import choose
from micrographia.representation.evaluation.table import compared, held_against
from micrographia.representation.evaluation.tasks import score
from micrographia.representation.profiles import Profiles
from micrographia.statistics import Verdict

LABEL = "drawn"
"""Column of the labels."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What verdicts said over draws of labels.

    Attributes
    ----------
    strength
        Of the planted signal, in standard deviations of a feature; 0 for none.
    verdicts
        Verdict to how often it was given.
    mean_difference
        Mean over the draws of the candidate's score less the baseline's.
    draws
        Number of draws.
    """

    strength: float
    verdicts: dict[str, int]
    mean_difference: float
    draws: int

    def share(self, verdict: Verdict) -> float:
        """Return how often a verdict was given, 0 to 1."""
        return self.verdicts.get(str(verdict), 0) / self.draws


def draw_labels(groups: Sequence[str], classes: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Give whole groups a class at random, as many groups to each class as there can be.

    Parameters
    ----------
    groups
        Group of each row ``(n,)``.
    classes
        Number of classes.

    Returns
    -------
    ndarray
        Class of each row ``(n,)``.
    """
    names, place = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    drawn = random.permutation(np.arange(len(names)) % classes)
    return drawn[place].astype(np.int64)


def plant(
    values: Array, labels: npt.NDArray[np.int64], strength: float, random: np.random.Generator
) -> Array:
    """Add a direction of its own to every class.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    labels
        Class of each row ``(n,)``.
    strength
        Length of the direction, in standard deviations of the mean feature times the square root of ``d``.
    """
    directions = random.standard_normal((int(labels.max()) + 1, values.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    spread = float(np.sqrt(values.var(axis=0).sum()))
    return np.asarray(values + strength * spread * directions[labels])


def calibrate(
    candidate: Profiles,
    baseline: Profiles,
    unit: str,
    *,
    strength: float = 0.0,
    classes: int = 4,
    draws: int = 100,
    delta: float = 0.05,
    level: float = 0.95,
    permutations: int = 199,
    seed: int = 0,
) -> Calibration:
    """Count the verdicts of a candidate against a baseline on labels that were drawn at random.

    The verdicts are those that an evaluation gives, by the same code. Whole groups of the unit get a class; the task
    is 1-NN, not the same group. Without a planted signal neither knows the labels: *beats* and *loses* are errors.
    With one, planted into the candidate alone, *beats* is right, and its share is the power.

    Parameters
    ----------
    candidate, baseline
        Features of the same rows.
    unit
        Column of the metadata with the groups.
    strength
        Of the planted signal; see :func:`plant`.
    classes, draws
        Classes, and how often they are drawn.
    delta, level
        Of the comparison.
    permutations
        How often labels are permuted in each draw; 0 leaves that out.
    seed
        Of everything random; a draw is the same whatever the number of draws.
    """
    protocol = Protocol(
        name="calibration",
        title="Labels drawn at random",
        unit=unit,
        delta=delta,
        level=level,
        primary=LABEL,
        tasks=[Task(name=LABEL, kind="nearest_neighbour", label=LABEL, exclude=[unit], assigned_to=unit)],
        permutations=permutations,
    )
    task = protocol.primary_task
    groups = [str(group) for group in candidate.column(unit)]
    own = Contender("candidate", "candidate", (candidate,))
    other = Contender("baseline", "baseline", (baseline,))
    verdicts: Counter[str] = Counter()
    differences = []
    for draw in range(draws):
        random = np.random.default_rng([seed, draw])
        labels = draw_labels(groups, classes, random)
        rows = choose(candidate.meta.assign(**{LABEL: [f"class {label}" for label in labels]}), protocol)
        values = {
            own.name: plant(candidate.values.astype(np.float64), labels, strength, random),
            other.name: baseline.values,
        }
        known, unknown = (score(one, task, rows, protocol).scores for one in values.values())
        found = compared(task, protocol.primary_transform, own, known, other, [unknown], protocol)
        null = permuted({name: [one] for name, one in values.items()}, task, rows, protocol)
        if null is not None:
            held_against(found, null.p_of_difference(own.name, other.name), protocol)
        verdicts[found["verdict"]] += 1
        differences.append(found["difference"])
    return Calibration(strength, dict(verdicts), float(np.mean(differences)), draws)
