"""``micrographia describe`` and ``micrographia hash``."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, say, say_json
from micrographia.errors import command_line

if TYPE_CHECKING:
    from micrographia.dataset.describe import Described
    from micrographia.errors import MicrographiaError
    from micrographia.metadata import Description

SHOWN = 8
"""How many unpaired or unreadable files are listed without ``--all``."""


class Pages(StrEnum):
    """What the pages of a file may be."""

    SLICES = "slices"
    CHANNELS = "channels"
    TIMES = "times"


def describe(
    folder: Annotated[Path, typer.Argument(help="Folder with images and annotations, as the lab has them")],
    pairs: Annotated[
        str | None,
        typer.Option(
            help="Table with columns image and mask (CSV, TSV, XLSX) that says what belongs together"
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(help="Channel words in the file names, as DAPI,GFP,RFP; `none` leaves files apart"),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            help=r"Group by a part of the path, as plate='Plate_(\d+)', or by a spreadsheet, as donor=TABLE.csv:COLUMN"
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Split by whole groups, as train=0.7,test=0.3; or take it from TABLE.csv:COLUMN, or from `folders`"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the split")] = 0,
    prune: Annotated[bool, typer.Option("--prune", help="Take files that are gone off the list")] = False,
    pages: Annotated[
        Pages | None,
        typer.Option(help="What the pages of files are that do not say; slices if it is left out"),
    ] = None,
    pixels: Annotated[bool, typer.Option(help="Read the masks to count objects and tell their kind")] = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor by default")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List everything, not only the first few")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON")] = False,
) -> None:
    """Pair images and annotations, and write mifa.yaml and files.tsv.

    Nothing else is written, and no pixel is changed. Run it again after files moved or came: what people wrote stays.
    """
    from micrographia.dataset.describe import DescribeOptions
    from micrographia.dataset.describe import describe as describe_folder

    named = None if channels is None else () if channels == "none" else tuple(channels.split(","))
    options = DescribeOptions(
        named, pairs, group or (), split, seed, prune, pages and pages.value, pixels, workers, quiet=as_json
    )
    result = describe_folder(folder, options)
    if as_json:
        say_json(document(result))
    else:
        tell(folder, result, everything=everything)


def hash_(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
) -> None:
    """Print content_sha256 (pixels, marks, classes: the same raw and converted) and files_sha256 (the files)."""
    from micrographia.dataset import open_dataset
    from micrographia.dataset.identity import content_sha256, dataset_files_sha256

    opened = open_dataset(dataset)
    content = content_sha256(opened, workers=workers, quiet=as_json)
    files = dataset_files_sha256(opened)
    if as_json:
        say_json({"content_sha256": content, "files_sha256": files})
    else:
        say(f"content_sha256  {content}")
        say(f"files_sha256    {files}")


def tell(folder: Path, result: Described, *, everything: bool = False) -> None:
    """Print what was found, how it was paired, and what is left over."""
    from micrographia.dataset.groups import SPLITS

    pairing, facts = result.pairing, result.harvest.summary()
    masks = sum(len(entry.items) for entry in pairing.annotations)
    marks = f" and {count(masks, 'mask file')}" if masks or not result.tables else ""
    say(f"Found {count(len(pairing.images), 'image')}{marks} in {folder}/  ({_formats(facts)})")
    images = len(result.dataset.image_ids)
    lines = [*((number, rule) for rule, number in pairing.rules.most_common()), *_table_lines(result)]
    say(f"Annotated {len(result.annotated()):,} of {images:,}" + (":" if lines else ""))
    width = max((len(f"{number:,}") for number, _ in lines), default=1)
    for number, text in lines:
        say(f"  {number:>{width},}  {text}")
    if not result.annotated() and not result.unpaired():
        say("Masks are known by their folder (masks/) or ending (_mask); other pairs:  --pairs TABLE.csv")
    for note in [*pairing.notes, *_assumptions(result)][: None if everything else SHOWN]:
        say(f"Note: {note}")
    _leftover(result, everything)
    say(_harvested(result))
    for conflict in result.harvest.voxel_conflicts()[: None if everything else SHOWN]:
        say(f"Disagree: {conflict}. Nobody is believed until you write voxel_size into mifa.yaml")
    _offers(result)
    for column, values in result.grouped.items():
        say(f"Grouped by {column}: {count(values, 'value')}")
    if result.splits:
        ordered = sorted(result.splits, key=lambda name: (SPLITS.index(name) if name in SPLITS else 9, name))
        say("Split: " + ", ".join(f"{name} {result.splits[name]:,}" for name in ordered))
    _changes(result, everything)
    description = result.dataset.description
    filled = _filled(description)
    if result.lab is not None:
        say(f"Lab-wide facts from {result.lab}")
    for finding in result.findings[:SHOWN]:
        say(f"{finding.severity} {finding.code} {finding.place}: {finding.message}")
    verb = "Updated" if result.again else "Wrote"
    todo = (
        f'{len(description.open_fields)} for you: search for "?"'
        if description.open_fields
        else "none left for you"
    )
    say(f"{verb} {folder}/mifa.yaml   ({count(filled, 'field')} filled, {todo})")
    say(f"{verb} {folder}/files.tsv   ({count(len(result.dataset.rows), 'row')})")
    fill = "fill in mifa.yaml, then  " if description.open_fields else ""
    say(f"Next: {fill}{command_line('check', f'{folder}/')}")


def document(result: Described) -> dict[str, Any]:
    """Return what was found as JSON values."""
    pairing = result.pairing
    return {
        "images": len(pairing.images),
        "annotated": len(result.annotated()),
        "annotation_files": sum(len(entry.items) for entry in pairing.annotations),
        "rules": dict(pairing.rules),
        "notes": pairing.notes,
        "assumptions": _assumptions(result),
        "unpaired": [{"file": item.name, "why": why} for item, why in result.unpaired()],
        "images_without_annotation": result.bare(),
        "tables": [{"file": t.item.path, "type": t.type, "format": t.format} for t in result.tables],
        "unreadable": [{"file": error.path, "problem": error.problem} for error in _problems(result)],
        "harvest": result.harvest.summary(),
        "voxel_size_conflicts": result.harvest.voxel_conflicts(),
        "moved": [{"from": before, "to": after} for before, after in result.merged.moved],
        "gone": list(result.merged.gone),
        "groups": result.grouped,
        "split": result.splits,
        "open_fields": list(result.dataset.description.open_fields),
        "rows": len(result.dataset.rows),
    }


def _formats(facts: dict[str, Any]) -> str:
    parts = [*facts["formats"], *facts["dimensions"], "/".join(facts["dtypes"])]
    text = ", ".join(parts)
    return f"{text}; masks {'/'.join(facts['mask dtypes'])}" if facts["mask dtypes"] else text


def _leftover(result: Described, everything: bool) -> None:
    limit = None if everything else SHOWN
    bare = result.bare()
    if bare and result.annotated():
        _list(f"{count(len(bare), 'image')} without annotation", bare, limit)
    unpaired = result.unpaired()
    if unpaired:
        names = [f"{item.name} ({why})" for item, why in unpaired]
        _list(f"{count(len(names), 'annotation')} without image", names, limit)
    problems = _problems(result)
    if problems:
        _list(f"{count(len(problems), 'file')} passed over", [str(error) for error in problems], limit)


def _table_lines(result: Described) -> list[tuple[int, str]]:
    """Return the tables of annotations; files of one kind in one folder are one line."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for table in result.tables:
        place = PurePosixPath(table.item.path)
        key = (str(place.parent), place.suffix, table.type, table.format)
        alike.setdefault(key, []).append(table.item.path)
    named = result.named()
    lines = []
    for (folder, suffix, kind, form), paths in alike.items():
        images = len(set().union(*(named[path] for path in paths)))
        spoken = f" of {count(images, 'image')}" if images else ""
        shown = paths[0] if len(paths) == 1 else f"{folder}/NAME{suffix}".removeprefix("./")
        lines.append((len(paths), f"{shown}: {kind}{spoken} ({form})"))
    return lines


def _assumptions(result: Described) -> list[str]:
    """Return what was assumed on reading the images, once each."""
    from micrographia.images import UNSAID

    told: dict[str, list[str]] = {}
    for image in result.harvest.images:
        for note in image.notes:
            hint = " (if that is wrong: --pages)" if note.startswith(UNSAID) else ""
            told.setdefault(note + hint, []).append(image.image)
    return [
        f"{images[0]}{f' and {len(images) - 1:,} more' if len(images) > 1 else ''}: {note}"
        for note, images in told.items()
    ]


def _problems(result: Described) -> list[MicrographiaError]:
    """Return what could not be read: when looking through the folder, or when opening images with their masks."""
    from micrographia.errors import MicrographiaError

    gone = set(result.merged.gone)
    root = f"{result.dataset.path}/"
    return [
        MicrographiaError(error.path.removeprefix(root), error.problem, error.remedy)
        for error in (*result.found.problems, *result.harvest.errors)
        if error.path.removeprefix(root) not in gone
    ]


def _offers(result: Described) -> None:
    """Name the spreadsheets and folders that could group or split the images, where nobody has yet."""
    from micrographia.dataset.groups import SPLITS, folder_splits

    if not result.grouped and not result.dataset.groups:
        for table, columns in result.harvest.offered.items():
            more = f" (or {', '.join(columns[1:5])})" if len(columns) > 1 else ""
            say(f"{table} could group the images:  --group {columns[0]}={table}:{columns[0]}{more}")
    if result.splits or any(result.dataset.image_split(image) for image in result.dataset.image_ids):
        return
    for table, column in result.harvest.offered_splits.items():
        say(f"{table} says the split of each image:  --split {table}:{column}")
    folders = Counter(folder_splits(result.paths()).values())
    if len(folders) > 1 and not result.harvest.offered_splits:
        said = ", ".join(f"{name} {folders[name]:,}" for name in SPLITS if name in folders)
        say(f"Folders say the split of each image ({said}):  --split folders")


def _filled(description: Description) -> int:
    """Return the number of fields that hold a value: leaves of the text without those that are still open."""
    inner = {re.sub(r"(\.[^.\[]+|\[\d+\])$", "", field) for field in description.lines}
    return len(set(description.lines) - inner - set(description.open_fields) - {"micrographia_format"})


def _list(heading: str, names: list[str], limit: int | None) -> None:
    say(f"{heading}:")
    for name in names[:limit]:
        say(f"  {name}")
    if limit is not None and len(names) > limit:
        say(f"  and {len(names) - limit:,} more: --all")


def _harvested(result: Described) -> str:
    facts = result.harvest.summary()
    dimensions: dict[str, int] = facts["dimensions"]  # type: ignore[assignment]
    parts = (
        [*dimensions]
        if len(dimensions) == 1
        else [f"{number:,} in {name}" for name, number in dimensions.items()]
    )
    if facts["rgb"]:
        parts.append(f"{facts['grey']:,} grey and {facts['rgb']:,} RGB")
    parts.append(count(int(facts["sizes"]), "size"))  # type: ignore[call-overload]
    if facts["objects"]:
        parts.append(count(int(facts["objects"]), "object"))  # type: ignore[call-overload]
    kinds = {name: result.harvest.mask_kind(name) for name in result.dataset.annotation_sets}
    told = {kind for kind in kinds.values() if kind}
    if len(told) == 1:
        parts.append(f"{told.pop()} masks")
    else:
        parts += [f"{kind} masks in {name}" for name, kind in kinds.items() if kind]
    absent = [
        name
        for name, known in (
            ("voxel size", facts["voxel size"]),
            ("channels", facts["channels"] or facts["rgb"]),
        )
        if not known
    ]
    text = f"Harvested: {', '.join(parts)}."
    return f"{text}  Not in the files: {', '.join(absent)}." if absent else text


def _changes(result: Described, everything: bool) -> None:
    if not result.again:
        return
    merged, limit = result.merged, None if everything else SHOWN
    if merged.moved:
        _list(f"{count(len(merged.moved), 'file')} moved", [f"{a} -> {b}" for a, b in merged.moved], limit)
    if merged.added:
        _list(f"{count(len(merged.added), 'row')} new", list(merged.added), limit)
    if merged.gone:
        stay = merged.gone[0] in set(merged.frame["Files"])
        fate = "; their rows stay, --prune takes them off" if stay else " and off the list"
        _list(f"{count(len(merged.gone), 'file')} gone{fate}", list(merged.gone), limit)
