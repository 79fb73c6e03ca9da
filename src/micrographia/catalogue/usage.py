"""Usage records, gathered from folders and addresses, verified, and matched to a dataset.

A record says that a model was made from, or scored on, a version of a dataset. Its file is named by the SHA-256 of its
bytes, so records of many people can be put together, and one that was changed is found. Nothing is sent anywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from micrographia.errors import ExchangeError
from micrographia.remote import is_address
from micrographia.segmentation.training.usage import FOLDER, FORMAT, KIND, record_text

LARGEST = 1 << 20
"""Bytes above which a file is not read as a record."""
LARGEST_LIST = 64 << 20
"""Bytes above which what an address answers is not read."""
NAMED = re.compile(r"([0-9a-f]{64})\.json")


@dataclass(frozen=True, slots=True)
class Usage:
    """One use of one dataset.

    Parameters
    ----------
    sha256
        Checksum of the record.
    verified
        Whether it was held against the name of the file, or against a checksum beside it.
    dataset
        ``title``, ``accession``, ``version``, ``content_sha256``, ``files_sha256`` as the record has them.
    model
        ``name``, ``version``, ``sha256``; ``url`` where somebody wrote one.
    task
        What the dataset was used for.
    score
        ``name``, ``value``, ``low``, ``high``, ``on``, ``seen``, ``note`` as far as they are there.
    made
        Date, ISO 8601.
    places
        Where it was found.
    """

    sha256: str
    verified: bool
    dataset: Mapping[str, str]
    model: Mapping[str, str]
    task: str
    score: Mapping[str, Any]
    made: str
    places: tuple[str, ...]

    @property
    def trains(self) -> bool:
        """Whether a model was made from the dataset, not only scored on it."""
        return "train" in self.task.lower()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that looked like a record and was not counted.

    Parameters
    ----------
    place
        Path or address.
    why
        What is wrong, as a clause.
    """

    place: str
    why: str


@dataclass(slots=True)
class Gathered:
    """What was found in folders and at addresses.

    Parameters
    ----------
    usages
        Each record once, sorted by date and checksum.
    left_out
        What was not counted.
    copies
        Records that were found again.
    """

    usages: list[Usage] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a record can be matched to a dataset by.

    Parameters
    ----------
    title, accession
        As the dataset has them; may be empty.
    contents
        Content checksum to the version that has it (empty if it has no number).
    """

    title: str
    accession: str
    contents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Match:
    """A record that is about the dataset, and why that is believed.

    Parameters
    ----------
    usage
        The record.
    by
        ``content``, ``accession`` or ``title``.
    version
        The version of the dataset, where it is known.
    """

    usage: Usage
    by: str
    version: str


def gather_usage(places: Sequence[str | Path]) -> Gathered:
    """Return the usage records of folders (with all below them), files and addresses.

    Parameters
    ----------
    places
        A folder, a record, or an address that answers with a record or with a JSON list of records. An entry of a list
        is a record, or ``{"sha256": ..., "record": ...}``.

    Raises
    ------
    ExchangeError
        If a place does not exist or an address does not answer.
    """
    found = Gathered()
    held: dict[str, Usage] = {}
    for place in places:
        for one in _read(str(place)):
            if isinstance(one, LeftOut):
                found.left_out.append(one)
            elif one.sha256 in held:
                before = held[one.sha256]
                found.copies += one.places[0] not in before.places
                held[one.sha256] = _joined(before, one)
            else:
                held[one.sha256] = one
    found.usages = sorted(held.values(), key=lambda usage: (usage.made, usage.sha256))
    return found


def match_usage(usages: Sequence[Usage], identity: Identity) -> list[Match]:
    """Return the records that are about a dataset: by content, else by accession, else by title.

    A record whose content differs may still be about another version; it is matched by accession or title then, and the
    match says so.
    """
    found = []
    for usage in usages:
        content, accession = usage.dataset["content_sha256"], usage.dataset["accession"]
        if content and content in identity.contents:
            found.append(Match(usage, "content", identity.contents[content] or usage.dataset["version"]))
        elif accession and accession.casefold() == identity.accession.casefold():
            found.append(Match(usage, "accession", usage.dataset["version"]))
        elif _plain(usage.dataset["title"]) and _plain(usage.dataset["title"]) == _plain(identity.title):
            found.append(Match(usage, "title", usage.dataset["version"]))
    return found


def models_trained(matches: Sequence[Match]) -> list[str]:
    """Return addresses of the models that were made from the dataset, for ``ai_models_trained``.

    Only records that were verified and are matched by content or accession count. A model without an address is named
    by its checksum, as RFC 6920 writes it: ``nih:sha-256;...``.
    """
    found = []
    for match in matches:
        usage = match.usage
        if not usage.trains or not usage.verified or match.by == "title":
            continue
        checksum = usage.model["sha256"]
        address = usage.model.get("url", "")
        if not re.fullmatch(r"https?://\S+", address):
            address = f"nih:sha-256;{checksum}" if re.fullmatch(r"[0-9a-f]{64}", checksum) else ""
        if address:
            found.append(address)
    return list(dict.fromkeys(found))


def _joined(one: Usage, other: Usage) -> Usage:
    places = tuple(dict.fromkeys((*one.places, *other.places)))
    return Usage(
        one.sha256,
        one.verified or other.verified,
        one.dataset,
        one.model,
        one.task,
        one.score,
        one.made,
        places,
    )


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())


def _read(place: str) -> Iterator[Usage | LeftOut]:
    if is_address(place):
        yield from _address(place)
        return
    path = Path(place)
    if path.is_file():
        yield from _file(path, told=True)
    elif path.is_dir():
        for folder, below, names in os.walk(path):
            below.sort()
            for name in sorted(name for name in names if name.endswith(".json")):
                # Caches have files that are named by checksums, too.
                claims = Path(folder).name == FOLDER and NAMED.fullmatch(name)
                yield from _file(Path(folder) / name, told=bool(claims))
    else:
        raise ExchangeError(place, "does not exist", "Give a folder, a usage record, or an address")


def _file(path: Path, *, told: bool) -> Iterator[Usage | LeftOut]:
    """Read one file; what neither claims by its place and name nor says inside that it is a record is passed over."""
    place = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        if told:
            yield LeftOut(place, f"it cannot be read ({error.strerror or error})")
        return
    if KIND.encode() not in data and not told:
        return
    if len(data) > LARGEST:
        if told:
            yield LeftOut(place, "it is larger than 1 MiB")
        return
    named = NAMED.fullmatch(path.name)
    if named is None:
        if _is_record(data):
            yield LeftOut(place, "it is not named by its checksum, so nobody can tell whether it was changed")
        elif told:
            yield LeftOut(place, "it is no usage record")
        return
    yield _verified(data, named[1], place)


def _is_record(data: bytes) -> bool:
    held = _json(data)
    return isinstance(held, dict) and held.get("kind") == KIND


def _verified(data: bytes, name: str, place: str) -> Usage | LeftOut:
    if hashlib.sha256(data).hexdigest() != name:
        return LeftOut(place, "its checksum is not its name: it was changed")
    return _usage(_json(data), name, verified=True, place=place)


def _address(place: str) -> Iterator[Usage | LeftOut]:
    from micrographia.remote import fetch_bytes

    data = fetch_bytes(place, limit=LARGEST_LIST)
    named = NAMED.fullmatch(unquote(urlsplit(place).path).rpartition("/")[2])
    if named is not None:
        yield _verified(data, named[1], place)
        return
    held = _json(data)
    if held is None:
        raise ExchangeError(
            place, "answers with something that is no JSON", "Give a record, or a list of records"
        )
    if isinstance(held, dict) and isinstance(held.get("uses"), list):
        held = held["uses"]
    for number, entry in enumerate(held if isinstance(held, list) else [held], 1):
        where = f"{place} ({number})" if isinstance(held, list) else place
        inner = entry.get("record") if isinstance(entry, dict) else None
        record = inner if isinstance(inner, dict) else entry
        if not isinstance(record, dict):
            yield LeftOut(where, "it is no usage record")
            continue
        checksum = hashlib.sha256(record_text(record).encode("utf-8", "replace")).hexdigest()
        said = entry.get("sha256") if isinstance(inner, dict) else None
        if said is not None and said != checksum:
            yield LeftOut(where, "its checksum is not the one beside it: it was changed")
        else:
            yield _usage(record, checksum, verified=said is not None, place=where)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _usage(held: Any, checksum: str, *, verified: bool, place: str) -> Usage | LeftOut:
    if not isinstance(held, dict) or held.get("kind") != KIND:
        return LeftOut(place, "it is no usage record")
    if held.get("format") != FORMAT:
        return LeftOut(place, f"it is of format {str(held.get('format'))[:20]}, not {FORMAT}")
    parts = [held.get(name) for name in ("dataset", "model", "score")]
    dataset, model, score = (part if isinstance(part, dict) else {} for part in parts)
    return Usage(
        checksum,
        verified,
        {
            name: _text(dataset.get(name))
            for name in ("title", "accession", "version", "content_sha256", "files_sha256")
        },
        {name: _text(model.get(name)) for name in ("name", "version", "sha256", "url")},
        _text(held.get("task")),
        {
            **{name: _number(score.get(name)) for name in ("value", "low", "high")},
            **_measured(score),
        },
        _text(held.get("made")),
        (place,),
    )


def _measured(score: Mapping[str, Any]) -> dict[str, str]:
    """Return what was measured, on what, and with which reservation; records of training have names of their own."""
    images, on = _number(score.get("images")), _text(score.get("on"))
    if not on and images is not None:
        on = f"{images:.0f} validation image{'' if images == 1 else 's'}"
    return {
        "name": _text(score.get("name")) or _text(score.get("metric")),
        "on": on,
        "seen": _text(score.get("seen")),
        "note": _text(score.get("note")),
    }


def _text(value: Any) -> str:
    plain = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return plain[:2000].encode("utf-8", "replace").decode()


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < 1e300 else None
