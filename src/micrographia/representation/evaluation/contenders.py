"""Who competes: candidates, their untrained twins, and the baselines that are to be beaten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from micrographia.errors import ProtocolError
from micrographia.protocols import Protocol
from micrographia.representation.adapters.study import Study
from micrographia.representation.baselines.random_projection import projections
from micrographia.representation.profiles import Profiles

Kind = Literal["candidate", "twin", "random", "baseline", "layout"]

RANDOM_PROJECTION = "random projection"
PROJECTION_SEEDS = 5


@dataclass(frozen=True, eq=False)
class Contender:
    """A representation in the competition.

    Attributes
    ----------
    name
        What tables call it.
    kind
        What it is to the question.
    versions
        Its features, one for each seed; one if nothing about it is random.
    twin_of
        The candidate whose architecture it has, without its training.
    """

    name: str
    kind: Kind
    versions: tuple[Profiles, ...]
    twin_of: str = ""

    @property
    def first(self) -> Profiles:
        """The features of its first seed."""
        return self.versions[0]


@dataclass(frozen=True, eq=False)
class Field:
    """All contenders of an evaluation."""

    candidates: tuple[Contender, ...]
    others: tuple[Contender, ...]
    problems: tuple[str, ...] = field(default=())

    def __iter__(self) -> Iterator[Contender]:
        """Iterate over the candidates and then the others."""
        return iter((*self.candidates, *self.others))

    def opponents(self, candidate: Contender) -> list[Contender]:
        """Return whom a candidate is compared with: its own twins, and everything that is no candidate or twin."""
        return [one for one in self.others if one.twin_of in ("", candidate.name)]

    def named(self, name: str) -> Contender | None:
        """Return the contender of a name, or None."""
        return next((one for one in self if one.name == name), None)


def gather(
    study: Study,
    protocol: Protocol,
    extra: Sequence[Contender] = (),
    made: Mapping[str, Profiles] | None = None,
) -> Field:
    """Return who competes.

    Parameters
    ----------
    study
        The data, with the candidates and baselines that come with them.
    protocol
        Names the candidates and baselines.
    extra
        Candidates of the caller's own, with their twins.
    made
        Baselines that were made from the images, by name.

    Raises
    ------
    ProtocolError
        If nothing is left to evaluate.
    """
    problems: list[str] = []
    candidates = [one for one in extra if one.kind == "candidate"]
    own = {**study.candidates, **(made or {})}
    for name in protocol.candidates:
        if name in own:
            candidates.append(Contender(name, "candidate", (own[name],)))
        else:
            problems.append(f"The protocol names a candidate {name!r}, which the study does not have.")
    if not candidates:
        raise ProtocolError(
            protocol.name,
            "has no candidate to evaluate",
            "Name one with --encoder or --profiles",
        )
    others = [one for one in extra if one.kind != "candidate"]
    held = {**study.baselines, **(made or {})}
    for name in protocol.baselines:
        if name in held:
            kind: Kind = "layout" if held[name].source.get("kind") == "layout" else "baseline"
            others.append(Contender(name, kind, (held[name],)))
        elif name != RANDOM_PROJECTION:
            problems.append(f"The protocol names a baseline {name!r}, which the study does not have.")
    if RANDOM_PROJECTION in protocol.baselines:
        others += _projected(candidates, others, protocol.seed)
    return Field(tuple(candidates), tuple(others), tuple(problems))


def _projected(candidates: Sequence[Contender], others: Sequence[Contender], seed: int) -> list[Contender]:
    """Return a baseline blown up to the width of the widest candidate, so that width alone is no advantage."""
    simple = [one for one in others if one.kind == "baseline"]
    if not simple:
        return []
    base = max(simple, key=lambda one: one.first.d)
    width = max(one.first.d for one in candidates)
    seeds = range(seed, seed + PROJECTION_SEEDS)
    name = f"{base.name}, projected to {width:,} features"
    return [Contender(name, "random", tuple(projections(base.first, width, seed=one) for one in seeds))]
