"""Lenient reading: nodes become records, every coercion becomes a finding, nothing is raised."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import Any, TypeVar

from micrographia.findings import Finding
from micrographia.metadata.coercions import COERCIONS
from micrographia.metadata.fields import Kind, Record, Spec, field_name, specs
from micrographia.metadata.shapes import keyed_records, reshape
from micrographia.metadata.values import convert, quoted, shown
from micrographia.metadata.vocabulary import annotation_type
from micrographia.metadata.yaml_nodes import Mapping, Node, Scalar, Sequence, looks_typed, plain, resolve

R = TypeVar("R", bound=Record)

MENDABLE = frozenset({"C001", "C002", "C003", "C004", "C005", "C006", "C007", "C009", "C011", "C013", "C021"})
"""Codes of coercions that :func:`micrographia.metadata.mend` writes into the file."""


class _Unreadable:
    """Stands for a value that could not be read."""


_UNREADABLE = _Unreadable()


@dataclass(slots=True)
class _Note:
    code: str
    message: str
    fix: str
    line: int
    was: Any
    read_as: Any
    fields: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def join(at: str, name: str) -> str:
    """Return the dotted path of a field of the record at ``at``."""
    return f"{at}.{name}" if at else name


def is_open(node: Node) -> bool:
    """Whether a node says that a person has not filled it in: ``"?"``, or ``?`` without quotes in a list."""
    if isinstance(node, Scalar):
        return node.is_open
    if isinstance(node, Mapping) and len(node.entries) == 1:
        key, value = node.entries[0]
        return key.plain and key.text == "" and isinstance(value, Scalar) and value.is_null
    return False


class Reader:
    """Reads nodes into records and keeps what there is to say about it.

    Parameters
    ----------
    path
        Name of the file, for findings.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        self.open_fields: list[str] = []
        self._notes: dict[tuple[str, str, str, str], _Note] = {}
        self._left: dict[str, list[Any]] = {}

    def note(
        self,
        code: str,
        at: str,
        line: int,
        message: str,
        *,
        was: Any = None,
        read_as: Any = None,
        fix: str = "",
    ) -> None:
        """Keep something to say; the same said of many records is one finding."""
        pattern = re.sub(r"\[[0-9]+\]", "[]", at)
        key = (code, pattern, json.dumps(was, default=str), json.dumps(read_as, default=str))
        kept = self._notes.get(key)
        if kept is None:
            kept = self._notes[key] = _Note(code, message, fix, line, was, read_as)
        kept.fields.append(at)
        kept.lines.append(line)

    def forget(self, code: str, at: str) -> None:
        """Drop what was said of a field, which is known better now."""
        for key in [key for key, note in self._notes.items() if note.code == code and note.fields == [at]]:
            del self._notes[key]

    def findings(self) -> list[Finding]:
        """Return what there is to say, in the order of the lines."""
        return [
            self._finding(note)
            for note in sorted(self._notes.values(), key=lambda note: (note.line, note.code))
        ]

    def _finding(self, note: _Note) -> Finding:
        count = len(note.fields)
        evidence: dict[str, Any] = {"fields": note.fields, "lines": note.lines} if count > 1 else {}
        if note.was is not None:
            evidence["was"] = note.was
        if note.read_as is not None:
            evidence["read_as"] = note.read_as
        more = f" ({count:,} times)" if count > 1 else ""
        return Finding(
            note.code,
            COERCIONS[note.code].severity,
            note.message + more,
            path=self.path,
            line=note.line or None,
            field=note.fields[0],
            fix=note.fix,
            fixable=bool(note.fix) and note.code in MENDABLE,
            evidence=evidence,
        )

    def record(self, model: type[R], mapping: Mapping, at: str = "") -> R:
        """Read a mapping into a record.

        Parameters
        ----------
        model
            The class of the record.
        mapping
            What was written.
        at
            Dotted path of the record.
        """
        values: dict[str, Any] = {}
        unread: dict[str, Any] = {}
        unknown: dict[str, Any] = {}
        seen: set[str] = set()
        for key, node in reshape(model, mapping, self, at).merged():
            name = field_name(model, key.text)
            where = join(at, name or key.text)
            if where in seen:
                message = f"{shown(key.text)} occurs a second time; the first counts"
                self.note("C015", where, key.line, message, was=plain(node), fix="Delete one of the two")
                continue
            seen.add(where)
            self.lines[where] = key.line
            if name is None:
                unknown[key.text] = plain(node)
                self._unknown(model, key, where)
                continue
            if name != key.text:
                message = f"{shown(key.text)} was read as {name}"
                self.note("C005", where, key.line, message, was=key.text, read_as=name, fix=f"Write {name}")
            value = self.field(specs(model)[name], node, where)
            if value is _UNREADABLE:
                unread[name] = plain(node)
            elif value is not None:
                values[name] = value
            if where in self._left:
                unread[name] = self._left.pop(where)
        record = model(**values, **unknown)
        record.unread.update(unread)
        return record

    def _unknown(self, model: type[Record], key: Scalar, where: str) -> None:
        close = difflib.get_close_matches(key.text[:60], specs(model), n=1, cutoff=0.75)
        fix = f"Did you mean {close[0]}?" if close else "Keep it if it is meant; nothing reads it"
        self.note("C014", where, key.line, f"{shown(key.text)} is no field that is known here", fix=fix)

    def field(self, spec: Spec, node: Node, at: str) -> Any:
        """Read the value of a field; None if there is none, a marker if it cannot be read."""
        if is_open(node):
            self.open_fields.append(at)
            return None
        if isinstance(node, Scalar) and (node.is_null or not node.text.strip()):
            return None
        return self._many(spec, node, at) if spec.many else self._one(spec, node, at)

    def _many(self, spec: Spec, node: Node, at: str) -> Any:
        if isinstance(node, Mapping) and spec.record is not None:
            node = keyed_records(spec.record, node, self, at) or node
        if not isinstance(node, Sequence):
            node = self._as_list(spec, node, at)
        items: list[Any] = []
        left: list[Any] = []
        for number, item in enumerate(node.items):
            where = f"{at}[{number}]"
            self.lines[where] = item.line
            value: Any = spec.record() if spec.record else None
            if is_open(item):
                self.open_fields.append(where)
            elif not (isinstance(item, Scalar) and item.is_null):
                value = self._one(spec, item, where)
            if value is _UNREADABLE:
                left.append(plain(item))
            elif value is not None:
                items.append(value)
        while items and isinstance(items[-1], Record) and items[-1].is_empty:
            items.pop()
        if left:
            self._left[at] = left
        return items

    def _as_list(self, spec: Spec, node: Scalar | Mapping, at: str) -> Sequence:
        items: list[Node] = [node]
        if (
            isinstance(node, Scalar)
            and spec.kind is Kind.ANNOTATION_TYPE
            and annotation_type(node.text).value is None
        ):
            parts = [part.strip() for part in re.split(r"[,;]", node.text) if part.strip()]
            items = [Scalar(part, line=node.line) for part in parts] or items
        was = plain(node)
        message = f"{spec.name} is one value where a list is expected"
        read_as = [plain(item) for item in items]
        self.note("C001", at, node.line, message, was=was, read_as=read_as, fix="Write it as a list")
        return Sequence(items, node.line)

    def _one(self, spec: Spec, node: Node, at: str) -> Any:
        if isinstance(node, Sequence):
            node = self._unwrapped(spec, node, at)
            if isinstance(node, Sequence):
                return self._unreadable(spec, node, at)
            if is_open(node) or (isinstance(node, Scalar) and not node.text.strip()):
                return None
        if spec.record is not None:
            return self._record(spec, spec.record, node, at)
        if isinstance(node, Mapping):
            return self._unreadable(spec, node, at)
        if spec.number is not None:
            return self._number(spec, node, at)
        return self._text(spec, node, at)

    def _unwrapped(self, spec: Spec, node: Sequence, at: str) -> Node:
        was = plain(node)
        message = f"{spec.name} is a list where one value is expected"
        fix = "Write the value itself"
        if len(node.items) == 1 and not isinstance(node.items[0], Sequence):
            only = node.items[0]
            self.note("C002", at, node.line, message, was=was, read_as=plain(only), fix=fix)
            return only
        texts = [item for item in node.items if isinstance(item, Scalar)]
        free = spec.record is None and spec.number is None and spec.kind is None
        if free and texts and len(texts) == len(node.items):
            joined = ", ".join(item.text for item in texts)
            self.note("C002", at, node.line, message, was=was, read_as=joined, fix=fix)
            return Scalar(joined, line=node.line)
        return node

    def _record(self, spec: Spec, model: type[Record], node: Scalar | Mapping, at: str) -> Any:
        if isinstance(node, Mapping):
            record = self.record(model, node, at)
            return None if not spec.many and record.is_empty else record
        name = model.text_field
        if not name:
            return self._unreadable(spec, node, at)
        if name in specs(model):
            message = f"{spec.name} is a text where several fields are expected; it was read as its {name}"
            read_as = {name: resolve(node)}
            fix = f"Write {name}: ..."
            self.note("C013", at, node.line, message, was=resolve(node), read_as=read_as, fix=fix)
        return self.record(model, Mapping([(Scalar(name, line=node.line), node)], node.line), at)

    def _number(self, spec: Spec, node: Scalar, at: str) -> Any:
        text = node.text.strip()
        bare = text.replace(",", "") if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+", text) else text
        if not re.fullmatch(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,2})?", bare):
            return self._unreadable(spec, node, at)
        number = float(bare)
        if spec.number is int and not number.is_integer():
            return self._unreadable(spec, node, at)
        if not node.plain or bare != text:
            shown = int(number) if number.is_integer() else number
            message = f"{spec.name} is a text where a number is expected"
            self.note("C004", at, node.line, message, was=node.text, read_as=shown, fix=f"Write {shown}")
        return int(number) if spec.number is int else number

    def _text(self, spec: Spec, node: Scalar, at: str) -> Any:
        if looks_typed(node):
            message = f"{spec.name} is {_what(resolve(node))} where a text is expected"
            fix = f"Write it in quotes: {quoted(node.text)}"
            self.note("C003", at, node.line, message, was=resolve(node), read_as=node.text, fix=fix)
        if spec.kind is None:
            return node.text
        made = convert(spec.kind, node.text)
        if made.code:
            read_as = made.value if made.value != node.text else None
            self.note(made.code, at, node.line, made.message, was=node.text, read_as=read_as, fix=made.fix)
        if spec.choices and made.value not in spec.choices:
            return _UNREADABLE
        return made.value

    def _unreadable(self, spec: Spec, node: Node, at: str) -> _Unreadable:
        expected = "several fields" if spec.record else "a number" if spec.number else "a text"
        if spec.number is int:
            expected = "a whole number"
        found = {Scalar: "a text", Sequence: "a list", Mapping: "a mapping"}[type(node)]
        if isinstance(node, Scalar) and spec.number:
            found = quoted(node.text)
        message = f"{spec.name} is {found} where {expected} is expected"
        self.note("C019", at, node.line, message, was=plain(node), fix=f"Write {expected}")
        return _UNREADABLE


def _what(value: Any) -> str:
    return "true or false" if isinstance(value, bool) else "a number"
