"""Changes of a ``mifa.yaml`` in place: single fields, newly harvested values, mended coercions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.errors import MetadataError
from micrographia.findings import Finding
from micrographia.metadata.document import Description, as_mapping, describe, from_dict, load, value_at
from micrographia.metadata.editing import edit, rename
from micrographia.metadata.fields import Record, Shown, as_plain, field_name, fields_of, specs
from micrographia.metadata.files import write_whole
from micrographia.metadata.mifa import Mifa
from micrographia.metadata.reading import Reader
from micrographia.metadata.splicing import Style
from micrographia.metadata.study import Version
from micrographia.metadata.template import (
    FROM_FILES,
    field_lines,
    item_of,
    record_lines,
    unknown_lines,
)
from micrographia.metadata.trees import empty, nested
from micrographia.metadata.yaml_parsing import parse, read_text
from micrographia.metadata.yaml_writing import document, entry, item_lines


@dataclass(slots=True)
class Merged:
    """What merging did.

    Parameters
    ----------
    filled
        Dotted paths of the fields that were filled in.
    kept
        Dotted path to what the file says and what was harvested, where they differ; the file was left as it is.
    """

    filled: list[str] = field(default_factory=list)
    kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)


class _Explained(Style):
    """Writes new fields as a fresh ``mifa.yaml`` does: with their meaning.

    Parameters
    ----------
    harvested
        Whether values say that they are from the files, and new records hold what is still to be filled in.
    """

    airy = True

    def __init__(self, harvested: bool) -> None:
        self.asks = harvested

    def field(self, model: type[Record] | None, name: str, value: Any, indent: int) -> list[str]:
        """Return the lines of a new field with its meaning."""
        if model is None or name not in specs(model):
            return entry(name, value, indent)
        said = self.asks and model is not Version
        return field_lines(specs(model)[name], value, None, indent, ask=False, said=said)

    def item(self, model: type[Record] | None, value: Any, indent: int) -> list[str]:
        """Return the lines of a new item of a list."""
        if model is None or not isinstance(value, Mapping):
            return item_lines(value, indent)
        said = self.asks and model is not Version
        return item_of(record_lines(model, value, {}, indent + 2, ask=self.asks, said=said), indent)

    def offer(self, model: type[Record] | None, name: str, indent: int) -> list[str]:
        """Return the lines by which a fresh ``mifa.yaml`` offered the field."""
        spec = specs(model).get(name) if model else None
        return unknown_lines(spec, indent) if spec and spec.show is Shown.OFFER else []


def update(path: Path | str, values: Mapping[str, Any]) -> None:
    """Change fields of a ``mifa.yaml`` in place; every comment and the order survive.

    Parameters
    ----------
    path
        The file; it is replaced whole or not at all.
    values
        Dotted path (``study.title``, ``annotations[0].annotation_type``) to the new value: text, number, list,
        dictionary or record. What is missing on the way is made; the index after the last adds to a list.

    Raises
    ------
    MetadataError
        If the file cannot be read or written, or the change would touch other fields.
    ValueError
        If a path is not well-formed or leaves a gap in a list.
    """
    path = Path(path)
    load(path)
    _edit(path, values, style=_Explained(harvested=False))


def merge(path: Path | str, values: Mapping[str, Any]) -> Merged:
    """Fill newly harvested values into a ``mifa.yaml``: only where it says nothing or ``"?"``.

    Parameters
    ----------
    path
        The file; it is replaced whole or not at all.
    values
        What is known, in the shape of ``mifa.yaml``. Annotation sets, classes and papers are matched by their name,
        number or DOI, other records by their order.

    Raises
    ------
    MetadataError
        If the file cannot be read or written.
    """
    path = Path(path)
    description = load(path)
    merged = Merged()
    plan: dict[str, Any] = {}
    _merge_record(Mifa, description.mifa, from_dict(nested(values)).mifa.plain(), "", plan, merged)
    plan.pop("micrographia_format", None)
    merged.kept.pop("micrographia_format", None)
    if plan:
        _edit(path, plan, note=FROM_FILES, style=_Explained(harvested=True))
    merged.filled = list(plan)
    return merged


def apply(path: Path | str, mifa: Mifa) -> list[str]:
    """Write into a ``mifa.yaml`` what another description says; what the other one leaves out stays.

    Parameters
    ----------
    path
        The file; it is replaced whole or not at all.
    mifa
        For instance what was read from a form.

    Returns
    -------
    list of str
        Dotted paths of the fields that were filled in or changed.

    Raises
    ------
    MetadataError
        If the file cannot be read or written.
    """
    path = Path(path)
    plan: dict[str, Any] = {}
    _differences(load(path).mifa.plain(), mifa.plain(), "", plan)
    plan.pop("micrographia_format", None)
    if plan:
        _edit(path, plan, style=_Explained(harvested=False))
    return list(plan)


def dump(mifa: Mifa) -> str:
    """Return a description as the text of a ``mifa.yaml`` without comments; only what is filled in."""
    return document(mifa.plain())


def _differences(old: Any, new: Any, at: str, plan: dict[str, Any]) -> None:
    """Note the places at which ``new`` says something else than ``old``, as deep as their shapes agree."""
    if old is None and isinstance(new, dict | list):
        old = type(new)()
    if isinstance(new, dict) and isinstance(old, dict) and new:
        for name, value in new.items():
            _differences(old.get(name), value, f"{at}.{name}" if at else str(name), plan)
    elif (
        isinstance(new, list)
        and isinstance(old, list)
        and all(isinstance(item, dict) for item in (*old, *new))
    ):
        for number, value in enumerate(new):
            _differences(old[number] if number < len(old) else None, value, f"{at}[{number}]", plan)
    elif new != old or type(new) is not type(old):
        plan[at] = new


def mend(path: Path | str) -> list[Finding]:
    """Write into a ``mifa.yaml`` what lenient reading made of it: strict names, lists, terms, identifiers, dates.

    Parameters
    ----------
    path
        The file; it is replaced whole or not at all.

    Returns
    -------
    list of Finding
        The findings that no longer hold.
    """
    path = Path(path)
    before = load(path)
    fixable = [finding for finding in before.findings if finding.fixable]
    if not fixable:
        return []
    text, bom = read_text(path)
    renamed: dict[int, tuple[str, str]] = {}
    for finding in fixable:
        if finding.code == "C005":
            names = (str(finding.evidence["was"]), str(finding.evidence["read_as"]))
            renamed |= dict.fromkeys(finding.evidence.get("lines", [finding.line]), names)
    text = rename(text, renamed)
    values = {place: as_plain(value_at(before.mifa, place)) for place in _mendable(before, fixable)}
    values = {place: value for place, value in values.items() if not empty(value)}
    text = edit(text, Mifa, values, path=os.fspath(path))
    after = describe(as_mapping(parse(text).root, path), Reader(path.name), path)
    if after.mifa != before.mifa:
        remedy = "Write what the findings ask for by hand; nothing was changed"
        raise MetadataError(path, "it cannot be mended without changing what it says", remedy)
    write_whole(path, _encoded(text, bom))
    left = {(finding.code, finding.field) for finding in after.findings}
    return [finding for finding in fixable if (finding.code, finding.field) not in left]


def _mendable(description: Description, fixable: list[Finding]) -> list[str]:
    """Return the outermost places of fixable findings whose path leads to the same value in file and description."""
    places: set[str] = set()
    rearranged: set[str] = set()
    for finding in description.findings:
        fields = set(finding.evidence.get("fields", [finding.field]))
        if finding.code in ("C010", "C012", "C023"):
            rearranged |= fields
        elif finding in fixable and finding.code not in ("C005", "C021"):
            places |= fields
    rearranged -= places
    found = []
    for place in description.lines:
        if place not in places or _inside(place, places | rearranged):
            continue
        listed = place.rpartition("[")[0] if place.endswith("]") else ""
        items = value_at(description.mifa, listed) if listed else None
        if not isinstance(items, list) or f"{listed}[{len(items)}]" not in description.lines:
            found.append(place)
    return found


def _inside(place: str, places: set[str]) -> bool:
    cuts = [number for number, character in enumerate(place) if character in ".["]
    return any(place[:cut] in places for cut in cuts)


def _edit(path: Path, values: Mapping[str, Any], *, note: str = "", style: Style | None = None) -> None:
    text, bom = read_text(path)
    plain = {at: as_plain(value) for at, value in values.items()}
    try:
        json.dumps(plain, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise MetadataError(
            path, "a text holds half a character (a lone surrogate)", "Write it anew"
        ) from error
    made = edit(text, Mifa, plain, path=os.fspath(path), note=note, style=style)
    if made != text:
        write_whole(path, _encoded(made, bom))


def _encoded(text: str, bom: bool) -> bytes:
    return (("\ufeff" if bom else "") + text).encode("utf-8")


def _merge_record(
    model: type[Record],
    record: Record,
    values: Mapping[str, Any],
    at: str,
    plan: dict[str, Any],
    merged: Merged,
) -> None:
    for key, value in values.items():
        name = field_name(model, key)
        place = f"{at}.{name or key}" if at else name or key
        if empty(value):
            continue
        if name is None:
            if key not in record.unknown:
                plan[place] = value
            continue
        spec, current = specs(model)[name], getattr(record, name)
        if name in record.unread:
            merged.kept[place] = (record.unread[name], value)
        elif spec.record is None:
            if empty(current):
                plan[place] = value
            elif as_plain(current) != as_plain(value):
                merged.kept[place] = (as_plain(current), value)
        elif not spec.many:
            known = fields_of(spec.record, value)
            _merge_record(spec.record, current or spec.record(), known, place, plan, merged)
        else:
            _merge_list(spec.record, current, value, place, plan, merged)


def _merge_list(
    model: type[Record], records: list[Any], values: Any, at: str, plan: dict[str, Any], merged: Merged
) -> None:
    next_new = len(records)
    for number, plain in enumerate(values if isinstance(values, list) else [values]):
        value = fields_of(model, plain)
        key = as_plain(value.get(model.key_field)) if model.key_field else None
        same = [
            place for place, record in enumerate(records) if key and getattr(record, model.key_field) == key
        ]
        unnamed = [
            place for place, record in enumerate(records) if key and empty(getattr(record, model.key_field))
        ]
        if same:
            place = same[0]
        elif unnamed and len(values) == len(records) == 1:
            place = unnamed[0]
        elif key is None and number < len(records):
            place = number
        else:
            place, next_new = next_new, next_new + 1
        record = records[place] if place < len(records) else model()
        if place < len(records):
            _merge_record(model, record, value, f"{at}[{place}]", plan, merged)
        else:
            for name, item in value.items():
                if not empty(item):
                    plan[f"{at}[{place}].{name}"] = item
