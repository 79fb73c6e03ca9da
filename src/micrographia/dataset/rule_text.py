"""Put into words how an annotation was matched to its image: ``images/NAME.tif <-> masks/NAME.tif``."""

from __future__ import annotations

from pathlib import PurePosixPath

from micrographia.dataset.scan import Item
from micrographia.dataset.words import tokens


def stem_of(path: PurePosixPath) -> str:
    """Return the name of a file without its ending; ``.ome.tif`` and ``.nii.gz`` are one ending."""
    name = path.name
    for ending in (".ome.tiff", ".ome.tif", ".ome.zarr", ".nii.gz", ".ome.btf"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return path.stem


def pair_rule(items: list[Item], mark: Item) -> str:
    """Return the rule by which a mark belongs to an image, told by the file of the image that is most like it."""
    image = max(items, key=lambda item: len({*tokens(item.path)} & {*tokens(mark.path)}))
    here, there = PurePosixPath(image.path), PurePosixPath(mark.path)
    if image.path == mark.path:
        return f"same file, members {image.member or '(image)'} and {mark.member}"
    if here.parent != there.parent and stem_of(here) == stem_of(there):
        left, right = _different(here.parent.parts, there.parent.parts)
        return f"parallel folders, same stem: {left}NAME{here.suffix} <-> {right}NAME{there.suffix}"
    left, right = _different_words(stem_of(here), stem_of(there))
    if here.parent == there.parent:
        return f"same folder: {left}{here.suffix} <-> {right}{there.suffix}"
    folders = _different(here.parent.parts, there.parent.parts)
    return f"parallel folders: {folders[0]}{left}{here.suffix} <-> {folders[1]}{right}{there.suffix}"


def _different(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, str]:
    """Show two folders from where they part, each with a slash behind it; empty for the folder of both."""
    shared = 0
    while shared < min(len(left), len(right)) and left[shared] == right[shared]:
        shared += 1
    return "".join(f"{part}/" for part in left[shared:]), "".join(f"{part}/" for part in right[shared:])


def _different_words(left: str, right: str) -> tuple[str, str]:
    """Show two stems with what they share written NAME."""
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1

    # Separators belong to what differs: NAME_img <-> NAME_mask.
    while start and not left[start - 1].isalnum():
        start -= 1
    while end and not left[-end].isalnum():
        end -= 1

    def shown(text: str) -> str:
        middle = text[start : len(text) - end]
        return ("NAME" if start else "") + middle + ("NAME" if end else "") or "NAME"

    return shown(left), shown(right)
