"""Decide what is image and what annotation, and which belongs to which: from names, never by a silent guess.

Two names are a pair when they share every word but those that say image or annotation; a word that only the
annotation's name has names its set (``NAME_MaskNuclei`` is set ``nuclei``). What answers to no image, or to several, is
reported as unpaired.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from micrographia.dataset.channels import Stack, stack_channels_by_name
from micrographia.dataset.rule_text import pair_rule, stem_of
from micrographia.dataset.scan import Item
from micrographia.dataset.words import Meaning, meaning, tokens, without_meaning

Key = tuple[str, ...]
Known = dict[Key, list[int]]

HELD = "labels inside the OME-Zarr of the image"


@dataclass(slots=True)
class ImageEntry:
    """An image to be: its files in channel order (one file without a channel name, or one a channel)."""

    name: str
    items: list[Item]
    channels: list[str]
    keys: set[Key]
    stems: set[Key]


@dataclass(slots=True)
class AnnotationEntry:
    """An annotation to be: its files (several when every object has a file of its own) and what it belongs to.

    ``source`` is the index of the image among :attr:`Pairing.images`.
    """

    items: list[Item]
    set: str
    source: int
    rule: str
    per_object: bool = False


@dataclass(slots=True)
class Pairing:
    """What was found, how, and what is left over."""

    images: list[ImageEntry] = field(default_factory=list)
    annotations: list[AnnotationEntry] = field(default_factory=list)
    unpaired: list[tuple[Item, str]] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    channels: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def without_annotation(self) -> list[ImageEntry]:
        """Return the images that no annotation belongs to."""
        annotated = {entry.source for entry in self.annotations}
        return [image for index, image in enumerate(self.images) if index not in annotated]


def pair(
    items: list[Item],
    *,
    channels: tuple[str, ...] | None = None,
    labels: frozenset[str] = frozenset(),
) -> Pairing:
    """Pair items with pixels.

    Parameters
    ----------
    items
        What :func:`~micrographia.dataset.scan.scan` found.
    channels
        Channel words that file names hold; ``()`` to leave channels apart, None to recognise usual ones.
    labels
        Names (:attr:`Item.name`) of items that were seen, by their pixels, to be label images though their names do
        not say so.
    """
    result = Pairing()
    objects, rest = _object_folders([item for item in items if not item.holder])
    roles = _roles(rest, labels)
    pictures = [item for item in rest if roles[item.name] != "annotation"]
    marks = [item for item in rest if roles[item.name] == "annotation"]
    if marks and not pictures and not objects:
        # A folder named `annotated_cells/` full of photographs: names alone would leave no image.
        pictures, marks = marks, []
        result.notes.append("every name speaks of annotations; all were taken as images")
    _collect_images(result, [*pictures, *(image for image, _ in objects)], channels)
    found = {item.name: index for index, image in enumerate(result.images) for item in image.items}
    for image, parts in objects:
        rule = "one file an object, in a folder beside the image's"
        result.annotations.append(
            AnnotationEntry(parts, _set_of_folder(parts[0]), found[image.name], rule, True)
        )
        result.rules[rule] += 1
    _match(result, marks)
    add_held_labels(result, items)
    _tell_sets_apart(result)
    result.annotations.sort(key=lambda entry: (entry.source, entry.set, entry.items[0].name))
    return result


def add_held_labels(result: Pairing, items: list[Item]) -> None:
    """Add the label images that lie inside the OME-Zarr of an image."""
    owners = {item.name: index for index, image in enumerate(result.images) for item in image.items}
    for item in items:
        if item.holder in owners:
            name = PurePosixPath(item.member or item.path).name
            result.annotations.append(AnnotationEntry([item], name, owners[item.holder], HELD))
            result.rules[HELD] += 1
        elif item.holder:
            result.unpaired.append((item, f"{item.holder} is no image"))


def role_of(item: Item) -> Meaning:
    """Say what the names of an item claim it to be: the member first, then the file, then folders from the nearest."""
    path = PurePosixPath(item.path)
    if item.member:
        said = meaning(tokens(item.member))
        if said:
            return said
    for part in (stem_of(path), *reversed(path.parent.parts)):
        said = meaning(tokens(part))
        if said:
            return said
    return ""


def _roles(items: list[Item], labels: frozenset[str]) -> dict[str, Meaning]:
    """Say what each item is; ``masks/img1.tif`` is an annotation, unless names in that folder tell masks apart."""
    roles: dict[str, Meaning] = {
        item.name: "annotation" if item.name in labels else role_of(item) for item in items
    }
    folders: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        folders[str(PurePosixPath(item.path).parent)].append(item)
    parents = [PurePosixPath(folder).parts for folder in folders]
    shared = len(_common(parents)) if len(parents) > 1 else 0
    for folder, held in folders.items():
        said = (meaning(tokens(part)) for part in reversed(PurePosixPath(folder).parts[shared:]))
        if next((word for word in said if word), "") != "annotation":
            continue
        if not any(roles[item.name] == "annotation" for item in held):
            roles.update((item.name, "annotation") for item in held if not meaning(tokens(item.member)))
    return roles


def _common(parts: list[tuple[str, ...]]) -> tuple[str, ...]:
    first, last = min(parts), max(parts)
    same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first[: min(len(first), len(last)) if same is None else same]


def key_of(item: Item) -> Key:
    """Return the words of folders, stem and member that are not about image or annotation."""
    path = PurePosixPath(item.path)
    words: list[str] = []
    for part in path.parent.parts:
        words.extend(without_meaning(tokens(part)))
    return (*words, *stem_key(item))


def stem_key(item: Item) -> Key:
    """Return the words of stem and member that are not about image or annotation."""
    words = without_meaning(tokens(stem_of(PurePosixPath(item.path))))
    return (*words, *without_meaning(tokens(item.member)))


def _collect_images(result: Pairing, pictures: list[Item], channels: tuple[str, ...] | None) -> None:
    entries: list[ImageEntry] = []
    single, stacks = tuple(pictures), tuple[Stack, ...]()
    if channels != ():
        grouped = stack_channels_by_name(pictures, channels)
        single, stacks = grouped.single, grouped.stacks
        result.channels = grouped.channels
        if stacks:
            names = ", ".join(grouped.channels)
            result.rules[f"channels over files: {grouped.pattern}, CHANNEL one of {names}"] += len(stacks)
        result.notes.extend(f"image {text}" for text in grouped.incomplete)
    entries.extend(_single(item) for item in single)
    entries.extend(_stacked(stack) for stack in stacks)
    entries.sort(key=lambda entry: entry.items[0].name)
    _name(entries)
    result.images = entries


def _single(item: Item) -> ImageEntry:
    name = stem_of(PurePosixPath(item.path)) + (f"_{item.member}" if item.member else "")
    return ImageEntry(name, [item], [""], {key_of(item)}, {stem_key(item)})


def _stacked(stack: Stack) -> ImageEntry:
    entry = ImageEntry(stack.name, list(stack.items), list(stack.channels), set(), set())
    folder = tuple(
        word for part in PurePosixPath(stack.folder).parts for word in without_meaning(tokens(part))
    )
    for item in stack.items:
        entry.keys.add(key_of(item))
        entry.stems.add(stem_key(item))
    shared = without_meaning(tokens(stack.name))
    entry.keys.add((*folder, *shared))
    entry.stems.add(shared)
    return entry


def _name(entries: list[ImageEntry]) -> None:
    """Give images of the same name the folders that tell them apart; drop member names that only say image."""
    for entry in entries:
        item = entry.items[0]
        alone = sum(other.items[0].path == item.path for other in entries) == 1 if item.member else False
        if alone:
            entry.name = stem_of(PurePosixPath(item.path))
    counts = Counter(entry.name.casefold() for entry in entries)
    for entry in entries:
        if counts[entry.name.casefold()] > 1:
            parents = list(PurePosixPath(entry.items[0].path).parent.parts)
            telling = [part for part in parents if meaning(tokens(part)) != "image"] or parents
            entry.name = "-".join([*telling, entry.name])


def _object_folders(items: list[Item]) -> tuple[list[tuple[Item, list[Item]]], list[Item]]:
    """Find samples in which one folder holds one image and a folder beside it one mask file for each object."""
    folders: dict[PurePosixPath, list[Item]] = defaultdict(list)
    for item in items:
        folders[PurePosixPath(item.path).parent].append(item)
    found: list[tuple[Item, list[Item]]] = []
    used: set[str] = set()
    for folder, parts in sorted(folders.items()):
        if meaning(tokens(folder.name)) != "annotation" or not folder.name:
            continue
        beside = [
            here
            for place, here in folders.items()
            if place == folder.parent
            or (place.parent == folder.parent and meaning(tokens(place.name)) == "image")
        ]
        pictures = [item for here in beside for item in here]
        if len(pictures) != 1 or any(item.member for item in parts):
            continue
        image = pictures[0]
        # masks/a_nuclei.tif is named after its image: a set, not an object
        named = any(stem_key(image) in dict(_shorter(stem_key(item))) for item in parts)
        if named or any(item.plane() != image.plane() for item in parts) or image.name in used:
            continue
        found.append((image, sorted(parts, key=lambda item: item.name)))
        used.add(image.name)
        used.update(item.name for item in parts)
    return found, [item for item in items if item.name not in used]


def _set_of_folder(item: Item) -> str:
    words = without_meaning(tokens(PurePosixPath(item.path).parent.name))
    return "_".join(words) or "masks"


def _match(result: Pairing, marks: list[Item]) -> None:
    by_key: dict[Key, list[int]] = defaultdict(list)
    by_stem: dict[Key, list[int]] = defaultdict(list)
    for index, image in enumerate(result.images):
        for key in image.keys:
            by_key[key].append(index)
        for key in image.stems:
            by_stem[key].append(index)
    shared = _shared_words(result.images)
    telling_keys = _without(by_key, shared)
    telling_stems = _without(by_stem, shared)
    for mark in marks:
        key, stem = key_of(mark), stem_key(mark)
        tries = [(key, by_key), (_less(key, shared), telling_keys)]
        tries += [(stem, by_stem), (_less(stem, shared), telling_stems)]
        source, extra, why = _source(tries)
        if source is None:
            result.unpaired.append((mark, why))
            continue
        rule = pair_rule(result.images[source].items, mark)
        name = "_".join(extra) or _default_set(mark)
        result.annotations.append(AnnotationEntry([mark], name, source, rule))
        result.rules[rule] += 1


def _shared_words(images: list[ImageEntry]) -> frozenset[str]:
    """Return the words that the names of all images have (``imc`` in ``A_imc``), which tell nothing apart."""
    if len(images) < 2:
        return frozenset()
    return frozenset.intersection(
        *(frozenset(word for key in image.stems for word in key) for image in images)
    )


def _less(key: Key, words: frozenset[str]) -> Key:
    return tuple(word for word in key if word not in words)


def _without(known: Known, words: frozenset[str]) -> Known:
    """Return an index in which the names lack some words; empty if there are none to leave out."""
    result: Known = defaultdict(list)
    for key, found in known.items():
        result[_less(key, words)].extend(found)
    return result if words else {}


def _source(tries: list[tuple[Key, Known]]) -> tuple[int | None, Key, str]:
    """Return the image that a mark belongs to, the words that only the mark has, and why not if there is none."""
    why = "no image has this name"
    for whole, known in tries:
        for key, extra in _shorter(whole):
            found = sorted(set(known.get(key, ())))
            if len(found) == 1:
                return found[0], extra, ""
            if len(found) > 1:
                why = f"{len(found)} images have this name"
                break
    return None, (), why


def _tell_sets_apart(result: Pairing) -> None:
    """Give annotations of one image that came in different ways (``x_masks.png``, ``x_seg.npy``) sets of their own."""
    held: dict[tuple[int, str], list[AnnotationEntry]] = defaultdict(list)
    for entry in result.annotations:
        held[entry.source, entry.set].append(entry)
    kept: dict[str, str] = {}
    for (_, name), entries in held.items():
        rules = sorted({entry.rule for entry in entries}, key=lambda rule: (-result.rules[rule], rule))
        if len(entries) > 1:
            kept.setdefault(name, rules[0])
    others = {
        entry.rule: entry
        for (_, name), entries in held.items()
        for entry in entries
        if len(entries) > 1 and entry.rule != kept[name]
    }
    for rule, example in others.items():
        beside = held[example.source, example.set]
        first = next((entry for entry in beside if entry.rule == kept[example.set]), beside[0])
        known = {*_words_of(first)}
        told = [word for word in _words_of(example) if word not in known and not word.isdigit()]
        name = "_".join(dict.fromkeys(told)) or f"{example.set}-{example.items[0].path.rsplit('.', 1)[-1]}"
        result.notes.append(
            f"{example.items[0].name} and {first.items[0].name} annotate the same image; "
            f"they are two annotation sets, {name} and {first.set}"
        )
        for entry in result.annotations:
            if entry.rule == rule and entry.set == example.set and entry is not first:
                entry.set = name


def _words_of(entry: AnnotationEntry) -> tuple[str, ...]:
    path = PurePosixPath(entry.items[0].path)
    return tokens(" ".join([*path.parent.parts, stem_of(path), entry.items[0].member]))


def _shorter(key: Key) -> list[tuple[Key, Key]]:
    """Return a key and what is left of it without the words that may name a set, with those words.

    Only words of letters can be left out, at one place, the fewest first: a number is what tells images apart.
    """
    result: list[tuple[Key, Key]] = [(key, ())]
    for length in range(1, min(4, len(key) + 1)):
        for start in range(len(key) - length, -1, -1):
            out = key[start : start + length]
            if all(word.isalpha() and len(word) > 1 for word in out):
                result.append(((*key[:start], *key[start + length :]), out))
    return result


def _default_set(mark: Item) -> str:
    words = tokens(mark.member or stem_of(PurePosixPath(mark.path)))
    if any(word.startswith(("label", "lbl")) for word in words):
        return "labels"
    for part in (PurePosixPath(mark.path).parent.name,):
        if any(word.startswith(("label", "lbl")) for word in tokens(part)):
            return "labels"
    return "masks"
