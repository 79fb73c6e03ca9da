"""How answers of a catalogue read on a terminal; all text from outside is made fit for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from micrographia.catalogue.filters import ALLOWANCES
from micrographia.cli.console import count, size
from micrographia.errors import command_line, printable

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.catalogue import Entry, Found

LETTERS = "MIFA"
FACET_WORDS = 6
"""Words of a facet that are shown."""
LISTED = 200
"""Images that are listed; all of them come with ``--json``."""


def found_text(found: Found, width: int = 98, index: str | None = None) -> Iterator[str]:
    """Yield the lines of a page of results: a table, facets, what comes next.

    Parameters
    ----------
    found
        The results.
    width
        Columns of the terminal.
    index
        The catalogue that was named, which the next command has to name, too.
    """
    if found.entries:
        header = ("dataset", "images", "objects", "organism", "method", "licence", *LETTERS)
        rows = [_cells(entry) for entry in found.entries]
        yield from table([header, *rows], right={1, 2, 6, 7, 8, 9}, width=width, shrink=(4, 3, 5, 0))
        yield ""
    first = (found.page - 1) * found.limit + 1
    if found.entries and found.total > len(found.entries):
        yield f"{first:,} to {first + len(found.entries) - 1:,} of {count(found.total, 'dataset')}"
    elif found.entries or not found.total:
        yield f"{count(found.total, 'dataset')}"
    else:
        yield f"{count(found.total, 'dataset')}; there is no page {found.page:,}"
    for note in found.notes:
        yield printable(note)
    if found.facets:
        yield ""
        known = {name: counts for name, counts in found.facets.items() if counts}
        wide = max(map(len, known), default=0)
        for name, counts in known.items():
            words = [f"{printable(word)} {number:,}" for word, number in counts[:FACET_WORDS]]
            more = f"   and {len(counts) - FACET_WORDS:,} more" if len(counts) > FACET_WORDS else ""
            yield f"{name:<{wide}}  {'   '.join(words)}{more}"
    if found.entries:
        yield ""
        rest = found.total > first + len(found.entries) - 1
        further = f"   More: --page {found.page + 1}" if rest else ""
        named = ("--index", index) if index else ()
        yield f"Next: {command_line('show', found.entries[0].id, *named)}{further}"


def _cells(entry: Entry) -> tuple[str, ...]:
    def of(words: Sequence[str]) -> str:
        return printable(words[0] + (f" +{len(words) - 1}" if len(words) > 1 else "")) if words else "?"

    letters = [entry.scores.get(letter) for letter in LETTERS]
    return (
        printable(entry.id),
        "?" if entry.images is None else f"{entry.images:,}",
        "?" if entry.objects is None else f"{entry.objects:,}",
        of(entry.organisms),
        of(entry.methods),
        printable(entry.licence) or "?",
        *(f"{passed.passed}/{passed.judged}" if passed else "" for passed in letters),
    )


def table(
    rows: Sequence[Sequence[str]], *, right: set[int], width: int, shrink: Sequence[int] = ()
) -> Iterator[str]:
    """Yield rows as lines with aligned columns.

    Parameters
    ----------
    rows
        Texts, the header first.
    right
        Columns that are aligned at the right.
    width
        Columns of the terminal.
    shrink
        Columns that may be cut, the first one first, so that a line fits.
    """
    widths = [max(cell_len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for least in (12, 5):
        for at in shrink:
            over = sum(widths) + 2 * (len(widths) - 1) - width
            widths[at] = max(min(widths[at], least), widths[at] - max(0, over))
    for row in rows:
        cells = [
            _sized(text, wide, right=at in right)
            for at, (text, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _sized(text: str, width: int, *, right: bool) -> str:
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def shown_text(entry: Entry, width: int = 98) -> Iterator[str]:
    """Yield the lines of everything that is known of a dataset."""
    yield printable(entry.id) + (f"   {printable(entry.title)}" if entry.title else "   (no title)")
    if entry.description:
        yield ""
        yield from wrap(printable(entry.description), width)
    yield ""
    facts = [(name, text) for name, text in _facts(entry) if text]
    wide = max(len(name) for name, _ in facts)
    for name, text in facts:
        lines = wrap(printable(text), max(20, width - wide - 2)) or [""]
        yield f"{name:<{wide}}  {lines[0]}"
        yield from (f"{'':<{wide}}  {line}" for line in lines[1:])
    for one in entry.sets:
        yield ""
        told = [one.overview, one.method, f"Drawn: {one.target}" if one.target else ""]
        told += [f"Classes: {', '.join(one.classes)}" if one.classes else ""]
        told += [
            f"Covers {one.coverage}" if one.coverage else "",
            f"Licence: {one.licence}" if one.licence else "",
        ]
        text = ". ".join(part.rstrip(".") for part in told if part)
        yield printable(
            f"annotations  {one.name or 'without a name'} ({', '.join(one.types) or 'of no type'})"
        )
        yield from (f"  {line}" for line in wrap(printable(text), width - 2))
    yield ""
    yield from _judged(entry, width)
    for problem in entry.problems:
        yield printable(f"could not be read: {problem}")
    if entry.citation:
        yield ""
        yield from wrap(printable(f"Cite: {entry.citation}"), width)
    yield ""
    yield from (printable(line) for line in _next(entry))


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "authors", ", ".join(entry.authors)
    yield "organism", ", ".join(entry.organisms)
    yield "sample", "; ".join(entry.entities)
    yield "method", ", ".join(entry.methods)
    yield "annotations", ", ".join(entry.types)
    yield "licence", _licence(entry)
    yield "images", _images(entry)
    yield "objects", "" if entry.objects is None else f"{entry.objects:,}"
    yield "voxel", _voxel(entry)
    yield "channels", ", ".join(entry.channels) + (f" ({', '.join(entry.roles)})" if entry.roles else "")
    yield "splits", ", ".join(entry.splits)
    yield "groups", ", ".join(entry.groups)
    yield "keywords", ", ".join(entry.keywords)
    yield "version", ", ".join(part for part in (entry.version, entry.date) if part)
    yield "kept", ", ".join(part for part in (entry.source, entry.accession, entry.doi) if part)
    yield "place", entry.place or "not told"
    yield "papers", ", ".join(entry.publications)
    yield "models", ", ".join(entry.models)
    yield "links", ", ".join(entry.links)
    yield "content", entry.content_sha256
    yield "files", entry.files_sha256


def _licence(entry: Entry) -> str:
    if not entry.licences:
        return "none is written: it may not be used before its authors say how"
    known = entry.commercial is not None
    names = {name: getattr(entry, column) == value for name, (column, value) in ALLOWANCES.items()}
    allowed = [name for name, fits in names.items() if fits]
    told = (
        f"allows {', '.join(allowed) or 'neither commercial use nor derivatives'}"
        if known
        else "terms not known"
    )
    return f"{', '.join(entry.licences)} ({told})"


def _images(entry: Entry) -> str:
    number = "unknown number" if entry.images is None else f"{entry.images:,}"
    sides = f"{entry.sides[0]:,} to {entry.sides[1]:,} pixels" if entry.sides else ""
    stored = size(entry.size) if entry.size is not None else ""
    parts = [number, ", ".join(entry.dims), ", ".join(entry.axes), ", ".join(entry.dtypes), sides, stored]
    return "; ".join(part for part in parts if part)


def _voxel(entry: Entry) -> str:
    if not entry.voxel:
        return "unknown"
    spans = [
        f"{axis} {low:.4g}" + (f" to {high:.4g}" if high != low else "")
        for axis, (low, high) in entry.voxel.items()
    ]
    return ", ".join(spans) + " micrometers"


def _judged(entry: Entry, width: int) -> Iterator[str]:
    letters = [
        f"{letter} {passed.passed} of {passed.judged}"
        for letter, passed in entry.scores.items()
        if passed.judged
    ]
    yield f"passed       {'   '.join(letters)}   (what is written; files are judged by check)"
    lacks = lacking(entry)
    if lacks:
        yield f"lacks        {count(len(lacks), 'rule')} failed"
        for one in lacks:
            text = printable(f"{one['code']}  {one['title']}")
            yield from wrap(text, width - 13, initial_indent=" " * 13, subsequent_indent=" " * 19)


def lacking(entry: Entry) -> list[dict[str, str]]:
    """Return code and title of each rule that failed."""
    from micrographia.checks import all_rules

    known = {rule.code: rule.title() for rule in all_rules()}
    return [{"code": code, "title": known.get(code, "a rule that is not known here")} for code in entry.lacks]


def _next(entry: Entry) -> Iterator[str]:
    if entry.kind == "folder" and entry.place:
        yield "Next: " + command_line("check", entry.place)
    elif entry.accession or entry.files_at:
        yield "Next: " + command_line("fetch", entry.accession or entry.place or entry.id, "FOLDER")
    elif entry.place:
        yield "Next: " + command_line("import", entry.place, "FOLDER")
    else:
        yield "It lies with those who published this catalogue; ask its authors."


def image_lines(frame: pd.DataFrame, width: int = 98) -> Iterator[str]:
    """Yield a table of images as lines."""
    rows: list[tuple[str, ...]] = [("image", "size", "pixels", "voxel, um", "split", "groups", "path")]
    for row in frame.head(LISTED).to_dict("records"):
        sizes = _of_axes(row, "size_", "tczyx", "{axis}{value:.0f}")
        voxel = _of_axes(row, "voxel_", "zyx", "{axis} {value:.4g}")
        stored = "?" if _missing(row["size"]) else size(row["size"])
        rows.append(
            (
                printable(str(row["image"])),
                stored,
                sizes or "?",
                voxel or "?",
                printable(str(row["split"])),
                printable(str(row["groups"])),
                printable(str(row["path"])),
            )
        )
    yield from table(rows, right={1}, width=width, shrink=(6, 5, 0))
    if len(frame) > LISTED:
        yield f"and {len(frame) - LISTED:,} more; all of them with --json"


def _of_axes(row: dict[Any, Any], prefix: str, axes: str, form: str) -> str:
    held = [(axis, row[prefix + axis]) for axis in axes if not _missing(row[prefix + axis])]
    return " ".join(form.format(axis=axis, value=float(value)) for axis, value in held)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
