"""Recognise images whose channels are split over files, and put the files of one image together."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from micrographia.dataset.scan import Item
from micrographia.dataset.words import CHANNEL_WORDS, fields, is_channel

_GUID = re.compile(r"(?<=\d)[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$", re.IGNORECASE)
"""What MetaXpress appends to the channel of every file."""
_HARMONY = re.compile(r"(ch\d+)(sk\d+)", re.IGNORECASE)
"""Channel and time of Harmony (Opera, Operetta): ``r01c01f01p01-ch2sk1fk1fl1``."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One image made of the files of its channels: ``name`` is what the files share."""

    name: str
    folder: str
    items: tuple[Item, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stacks:
    """All images found to be split over files, the items that are none, and how they were told."""

    stacks: tuple[Stack, ...]
    single: tuple[Item, ...]
    channels: tuple[str, ...] = ()
    pattern: str = ""
    incomplete: tuple[str, ...] = ()


def stack_channels_by_name(items: list[Item], wanted: tuple[str, ...] | None = None) -> Stacks:
    """Group single-channel items whose names differ in a channel word only.

    A field of the name (between separators) is the channel when its values are all usual channel names, or among
    ``wanted``; other fields that go with it one to one (a channel number) are channel too. At least two channels must
    make up at least two thirds of the images fully; else nothing is grouped.

    Parameters
    ----------
    items
        Items that are images, of one or many folders.
    wanted
        Channel fields to look for, as the names hold them, in the order in which they are to be stored.
    """
    by_folder: dict[tuple[str, int], list[Item]] = defaultdict(list)
    for item in items:
        split = _stem_fields(item)
        by_folder[str(PurePosixPath(item.path).parent), len(split)].append(item)
    stacks: list[Stack] = []
    single: list[Item] = []
    order: list[str] = []
    pattern, incomplete = "", []
    for (folder, count), members in sorted(by_folder.items()):
        at = _channel_field(members, count, wanted)
        if at is None:
            single.extend(members)
            continue
        drop = _with(members, at)
        groups: dict[tuple[tuple[str, ...], str], list[Item]] = defaultdict(list)
        for item in members:
            parts = _stem_fields(item)
            key = tuple(part for index, part in enumerate(parts) if index not in drop)
            groups[key, item.member].append(item)
        names = _order({_stem_fields(item)[at] for item in members}, wanted)
        order.extend(name for name in names if name not in order)
        pattern = pattern or _pattern(members[0], drop, at)
        for (key, member), group in sorted(groups.items(), key=lambda pair: str(pair[0])):
            ranked = sorted(group, key=lambda item: names.index(_stem_fields(item)[at]))
            name = "_".join(key) + (f"_{member}" if member else "") or PurePosixPath(folder).name
            held = tuple(_stem_fields(item)[at] for item in ranked)
            stacks.append(Stack(name, folder, tuple(ranked), held))
            if len(held) < len(names):
                incomplete.append(f"{name} lacks {', '.join(n for n in names if n not in held)}")
    return Stacks(tuple(stacks), tuple(single), tuple(order), pattern, tuple(incomplete))


def _stem_fields(item: Item) -> tuple[str, ...]:
    name = PurePosixPath(item.path).name
    stem = name.split(".ome.")[0] if ".ome." in name else PurePosixPath(name).stem
    return fields(_HARMONY.sub(r"\1_\2", _GUID.sub("", stem)))


def _channel_field(items: list[Item], count: int, wanted: tuple[str, ...] | None) -> int | None:
    """Return the position of the channel in the fields of the names, or None."""
    known = {name.lower() for name in wanted} if wanted is not None else None
    for at in reversed(range(count)):
        values = {_stem_fields(item)[at] for item in items}
        if len(values) < 2:
            continue
        if not all(value.lower() in known if known is not None else is_channel(value) for value in values):
            continue
        if any("C" in item.axes for item in items):
            continue
        drop = _with(items, at)
        seen: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for item in items:
            parts = _stem_fields(item)
            rest = tuple(part for index, part in enumerate(parts) if index not in drop)
            seen[rest, item.member, item.plane()].append(parts[at])
        named = known is not None or all(value.lower() in CHANNEL_WORDS for value in values)
        if len(drop) == count and not named:
            continue  # C1_a, C2_b, C3_c: nothing is left that would be one image
        once = all(len(held) == len(set(held)) for held in seen.values())
        full = sum(len(held) == len(values) for held in seen.values())
        if once and full * 3 >= 2 * len(seen):
            return at
    return None


def _with(items: list[Item], at: int) -> frozenset[int]:
    """Return the positions of the fields that go one to one with the channel."""
    together = {at}
    for index in range(len(_stem_fields(items[0]))):
        pairs = {(_stem_fields(item)[at], _stem_fields(item)[index]) for item in items}
        left, right = {a for a, _ in pairs}, {b for _, b in pairs}
        if len(pairs) == len(left) == len(right):
            together.add(index)
    return frozenset(together)


def _order(values: set[str], wanted: tuple[str, ...] | None) -> list[str]:
    ranks = {name.lower(): rank for rank, name in enumerate(wanted or ())}
    return sorted(values, key=lambda value: (ranks.get(value.lower(), len(ranks)), value))


def _pattern(item: Item, drop: frozenset[int], at: int) -> str:
    parts = [
        "CHANNEL" if index == at else "#" if index in drop else "NAME"
        for index, _ in enumerate(_stem_fields(item))
    ]
    shown: list[str] = []
    for part in parts:
        if part != "NAME" or not shown or shown[-1] != "NAME":
            shown.append(part)
    return "_".join(shown) + PurePosixPath(item.path).suffix
