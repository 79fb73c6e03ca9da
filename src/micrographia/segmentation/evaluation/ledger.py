"""The contamination ledger: what is known of whether a model has seen what it is evaluated on.

A cell of the transfer matrix is

- *seen*: an image of it, a turned or mirrored copy, or a neighbouring tile of the same field was trained on;
- *same source*: it comes from a dataset that was trained on, by content hash, accession or title, other images of it;
- *clean*: all that the model was trained on is known by its fingerprints, and nothing of it is here;
- *unknown*: the model does not say what it was trained on, or says it without fingerprints.

Fingerprints tell copies and neighbours without the training data: checksums of pixels, thumbnails, and the outermost
lines of pixels of every image, as :mod:`micrographia.checks` compares them within a dataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from micrographia.checks.duplicates import vectors
from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.checks.pixel_facts_prints import dihedral
from micrographia.checks.seams import find_seams

ALIKE = 0.995
"""Correlation of two thumbnails from which images count as copies of each other."""
SHOWN = 3


class Status(StrEnum):
    """What a model knew of what it is evaluated on."""

    CLEAN = "clean"
    SEEN = "seen"
    SAME_SOURCE = "same source"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Entry:
    """What the ledger says of one model and one dataset.

    Parameters
    ----------
    status
        The word.
    reason
        Why, in a sentence.
    images
        Ids of the evaluated images that were seen.
    """

    status: Status
    reason: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """What is known of a dataset that is evaluated.

    Parameters
    ----------
    title, accession, content_sha256
        As a model card would cite it; empty where there is none.
    facts
        Image id to what its pixels are, of the images that are evaluated.
    """

    title: str
    accession: str
    content_sha256: str
    facts: Mapping[str, ImageFacts]


def judge(
    trained_on: Sequence[Mapping[str, Any]],
    fingerprints: Mapping[str, ImageFacts] | None,
    source: Source,
    *,
    untrained: bool = False,
) -> Entry:
    """Say what a model has seen of a dataset.

    Parameters
    ----------
    trained_on
        The datasets that its card names, with ``title``, ``accession`` and ``content_sha256``.
    fingerprints
        What its training images are recognised by; None if it does not say.
    source
        What it is evaluated on.
    untrained
        Whether it learned nothing from images: a rule without tuned settings.

    Returns
    -------
    Entry
    """
    if untrained:
        return Entry(Status.CLEAN, "It was not trained or tuned on any image.")
    seen = _seen(fingerprints, source.facts) if fingerprints else {}
    if seen:
        how = ", ".join(f"{image} ({why})" for image, why in list(seen.items())[:SHOWN])
        more = f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
        return Entry(
            Status.SEEN,
            f"{len(seen)} of {len(source.facts)} images were trained on or lie beside one that was: {how}{more}.",
            tuple(seen),
        )
    for entry in trained_on:
        by = _cited(entry, source)
        if by and fingerprints is None:
            return Entry(
                Status.SEEN,
                f"It was trained on {_title(entry)}, the same by {by}; which images of it is not said.",
            )
        if by:
            return Entry(
                Status.SAME_SOURCE,
                f"It was trained on other images of {_title(entry)} (the same by {by}); none of these, "
                "no copy and no neighbouring tile.",
            )
    if not trained_on:
        return Entry(Status.UNKNOWN, "It does not say what it was trained on.")
    if fingerprints is None:
        return Entry(
            Status.UNKNOWN,
            "It names its training data without fingerprints: copies under another name cannot be told.",
        )
    names = ", ".join(_title(entry) for entry in trained_on)
    return Entry(
        Status.CLEAN, f"Trained on {names}: no image, copy or neighbouring tile of it is evaluated here."
    )


def _cited(entry: Mapping[str, Any], source: Source) -> str:
    """Return by what a dataset on a model card is the one that is evaluated; empty if it is another."""
    for key, name in (("content_sha256", "content hash"), ("accession", "accession"), ("title", "title")):
        said, here = str(entry.get(key) or "").strip(), str(getattr(source, key)).strip()
        if said and said.casefold() == here.casefold():
            return name
    return ""


def _title(entry: Mapping[str, Any]) -> str:
    return str(entry.get("title") or entry.get("accession") or "a dataset without a name")


def _seen(trained: Mapping[str, ImageFacts], here: Mapping[str, ImageFacts]) -> dict[str, str]:
    """Return the evaluated images that were trained on, are copies, or lie beside one, with the reason."""
    found: dict[str, str] = {}
    digests = {facts.digest for facts in trained.values()}
    for image, facts in here.items():
        if facts.digest in digests and not all(channel.constant for channel in facts.channels):
            found[image] = "the same pixels"
    _copies(trained, here, found)
    _neighbours(trained, here, found)
    return {image: found[image] for image in here if image in found}


def _copies(trained: Mapping[str, ImageFacts], here: Mapping[str, ImageFacts], found: dict[str, str]) -> None:
    for kind in {_kind(facts) for facts in here.values()} - {None}:
        ours = [name for name, facts in here.items() if _kind(facts) == kind and name not in found]
        theirs = [facts for facts in trained.values() if _kind(facts) == kind]
        if not ours or not theirs:
            continue
        known = vectors([facts.prints.thumbnail for facts in theirs if facts.prints])
        for name in ours:
            prints = here[name].prints
            if prints is None:
                continue
            turned = vectors(dihedral(prints.thumbnail))
            best = float((turned @ known.T).max())
            if best >= ALIKE:
                found[name] = f"a copy by its thumbnail, r = {best:.4f}"


def _kind(facts: ImageFacts) -> tuple[bool, int] | None:
    return None if facts.prints is None else (facts.rgb, len(facts.prints.thumbnail))


def _neighbours(
    trained: Mapping[str, ImageFacts], here: Mapping[str, ImageFacts], found: dict[str, str]
) -> None:
    """Find tiles whose edge continues in a training image: one search over both, links between them kept."""
    both = {f"t:{name}": facts for name, facts in trained.items()}
    both |= {f"e:{name}": facts for name, facts in here.items() if name not in found}
    if len(both) < 2:
        return
    renamed = {name: replace(facts, image=name) for name, facts in both.items()}
    for link in find_seams(renamed).links:
        sides = sorted((link.first, link.second))
        if sides[0].startswith("e:") and sides[1].startswith("t:"):
            found.setdefault(sides[0][2:], f"a neighbouring tile of {sides[1][2:]}")
