r"""PageTab as TSV: blocks of lines between blank lines, as the archive's own reader takes them.

A block is the submission, a section (``Type<TAB>Accession<TAB>Parent``), a ``Link``, a ``File``, or a table of them.
Lines below its first are attributes: ``Name<TAB>Value``, ``<Name>`` for a reference, ``[Name]`` and ``(Name)`` for what
is said of the value or name before. A cell with a line break, a tab or doubled quotes stands in quotes; lines that
start with ``#`` are comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from micrographia.errors import ExchangeError
from micrographia.exchange.codes import told
from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.pagetab.tree import Json, attribute, flat, scalar
from micrographia.findings import Finding
from micrographia.metadata.values import quoted

_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?=[\t\r\n]|$)')
_PLAIN = re.compile(r"[^\t\r\n]*")
_TABLE = re.compile(r"(.+)\[(.*)\]")
_WRAPPED = {"<": ">", "[": "]", "(": ")"}
_RESERVED = ("link", "links", "file", "files")

Block = list[list[str]]


def parse(text: str, source: str, notes: Notes) -> Json:
    """Return a PageTab document in TSV as it would be in JSON.

    Raises
    ------
    ExchangeError
        If it does not start with a submission.
    """
    blocks = list(_blocks(text, notes))
    if not blocks or blocks[0][0][0].strip().lower() != "submission":
        raise ExchangeError(
            source, "is no PageTab: it does not start with Submission", "See the archive's template"
        )
    head = blocks[0]
    document: Json = {"type": "submission", "attributes": _attributes(head[1:])}
    if len(head[0]) > 1 and head[0][1]:
        document["accno"] = head[0][1]
    return document | _Sections(notes).build(blocks[1:])


class _Sections:
    """Puts sections below one another by their accession numbers."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.root: Json | None = None
        self.by_accno: dict[str, Json] = {}
        self.waiting: list[tuple[Json | list[Json], str]] = []

    def build(self, blocks: list[Block]) -> Json:
        """Return the root section as part of a document."""
        current: Json | None = None
        for block in blocks:
            kind = block[0][0].strip()
            table = _TABLE.fullmatch(kind)
            if kind.lower() in _RESERVED:
                if current is None:
                    self.notes.keep("submission/blocks", block, f"a {kind} before the first section", "E009")
                else:
                    _attach(current, kind.lower(), block)
            elif table and self.root is not None:
                rows = [_row(table[1], block[0], cells) for cells in block[1:]]
                self.waiting.append((rows, table[2].strip()))
            else:
                current = self.section(block)
        self.place()
        return {"section": self.root} if self.root is not None else {}

    def section(self, block: Block) -> Json:
        cells = [*block[0], "", ""]
        made: Json = {"type": cells[0].strip()}
        accno = cells[1].strip()
        if accno:
            made["accno"] = accno
            self.by_accno.setdefault(accno, made)
        made["attributes"] = _attributes(block[1:])
        if self.root is None:
            self.root = made
        else:
            self.waiting.append((made, cells[2].strip()))
        return made

    def place(self) -> None:
        """Put each section below its parent; what would lie below itself goes below the study."""
        parents: dict[str, str] = {
            one["accno"]: parent
            for one, parent in self.waiting
            if isinstance(one, dict) and one.get("accno") and self.by_accno[one["accno"]] is one
        }
        root = self.root or {}
        for one, parent in self.waiting:
            holder = self.by_accno.get(parent, root) if parent else root
            if parent and parent not in self.by_accno:
                what = (
                    f"a section belongs to {quoted(parent)}, which is not there; it was read below the study"
                )
                self.notes.say("E007", what)
            accno = one.get("accno") if isinstance(one, dict) else None
            if holder is one or (accno and self._circular(str(accno), parents)):
                what = "sections lie inside one another in a circle; they were read below the study"
                self.notes.say("E008", what, str(accno))
                holder = root
            holder.setdefault("subsections", []).append(one)

    @staticmethod
    def _circular(accno: str, parents: dict[str, str]) -> bool:
        step, seen = parents.get(accno, ""), {accno}
        while step:
            if step in seen:
                return step == accno
            seen.add(step)
            step = parents.get(step, "")
        return False


def _blocks(text: str, notes: Notes) -> Iterator[Block]:
    block: Block = []
    for cells in _lines(text.lstrip("\ufeff")):
        if cells[0].startswith("#"):
            notes.keep("submission/comments", "\t".join(cells), "a comment")
        elif any(cell.strip() for cell in cells):
            block.append(cells)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _lines(text: str) -> Iterator[list[str]]:
    at = 0
    cells: list[str] = []
    while at <= len(text):
        found = _QUOTED.match(text, at) if text.startswith('"', at) else None
        if found and (set("\t\n\r") & set(found[1]) or '""' in found[1]):
            cells.append(found[1].replace('""', '"'))
            at = found.end()
        else:
            plain = _PLAIN.match(text, at)
            cells.append(plain[0] if plain else "")
            at = plain.end() if plain else at
        if at < len(text) and text[at] == "\t":
            at += 1
            continue
        yield cells
        cells = []
        at += 2 if text.startswith("\r\n", at) else 1


def _attributes(lines: Block) -> list[Json]:
    made: list[Json] = []
    for cells in lines:
        name, value = cells[0].strip(), cells[1] if len(cells) > 1 else ""
        wrapped = len(name) > 2 and _WRAPPED.get(name[0]) == name[-1]
        if wrapped and name[0] in "[(" and made:
            key = "valqual" if name[0] == "[" else "nmqual"
            made[-1].setdefault(key, []).append({"name": name[1:-1], "value": value})
        elif wrapped and name[0] == "<":
            made.append(attribute(name[1:-1], value, reference=True))
        else:
            made.append({"name": name, "value": value or None})
        made += [attribute(name, more) for more in cells[2:] if more.strip()]
    return made


def _row(kind: str, header: list[str], cells: list[str]) -> Json:
    made: Json = {"type": kind.strip()} | ({"accno": cells[0].strip()} if cells[0].strip() else {})
    pairs = [[name, value] for name, value in zip(header[1:], cells[1:], strict=False) if value.strip()]
    return made | {"attributes": _attributes(pairs)}


def _attach(section: Json, kind: str, block: Block) -> None:
    key = "url" if kind.startswith("link") else "path"
    rows = section.setdefault("links" if key == "url" else "files", [])
    if kind in ("link", "file"):
        cells = [*block[0], ""]
        rows.append(_sized({key: cells[1], "attributes": _attributes(block[1:])}))
        return
    for cells in block[1:]:
        pairs = [[name, value] for name, value in zip(block[0][1:], cells[1:], strict=False) if value.strip()]
        rows.append(_sized({key: cells[0], "attributes": _attributes(pairs)}))


def _sized(row: Json) -> Json:
    """Take size and type of a file out of its attributes, where TSV has them."""
    if "path" in row:
        for one in [one for one in row["attributes"] if one["name"] in ("size", "entry type")]:
            row["attributes"].remove(one)
            row[one["name"].removeprefix("entry ")] = one["value"]
    return row


def write(document: Json, findings: list[Finding]) -> str:
    """Return a PageTab document as TSV.

    Parameters
    ----------
    document
        As JSON has it.
    findings
        Takes what TSV cannot carry.
    """
    return _Writer(findings).write(document)


class _Writer:
    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.blocks: list[str] = []
        self.accnos: set[str] = set()

    def write(self, document: Json) -> str:
        known = {"accno", "attributes", "section", "type"}
        for key in document:
            if key not in known:
                self.lost(f"the key {quoted(key)} of the submission")
        self.block(
            ["Submission", *([document["accno"]] if "accno" in document else [])], document["attributes"]
        )
        self.collect(document["section"])
        self.section(document["section"], "", root=True)
        return "\n\n".join(self.blocks) + "\n"

    def collect(self, section: Any) -> None:
        waiting = [section]
        while waiting:
            one = waiting.pop()
            waiting += [part for part in one if isinstance(part, dict)] if isinstance(one, list) else []
            if isinstance(one, dict):
                self.accnos |= {str(one["accno"])} if one.get("accno") else set()
                waiting += _below(one)

    def section(self, section: Json, parent: str, *, root: bool = False) -> None:
        kind, accno = scalar(section.get("type")) or "", scalar(section.get("accno")) or ""
        if kind.lower() in _RESERVED or not kind.strip() or _TABLE.fullmatch(kind):
            self.lost(f"a section of type {quoted(kind)}")
            return
        below = _below(section)
        if below and not accno and not root:
            number = 1
            while f"{kind}-{number}" in self.accnos:
                number += 1
            accno = f"{kind}-{number}"
            self.accnos.add(accno)
        head = [kind, accno, parent]
        while head and not head[-1]:
            head.pop()
        attributes = section.get("attributes")
        self.block(head, attributes if isinstance(attributes, list) else [])
        for key in section:
            if key not in ("type", "accno", "accNo", "attributes", "subsections", "links", "files"):
                self.lost(f"the key {quoted(key)} of a section")
        for name, key in (("links", "url"), ("files", "path")):
            held = section.get(name)
            for row in held if isinstance(held, list) else []:
                if isinstance(row, dict) and scalar(row.get(key)):
                    extra = [
                        attribute(f"{'entry ' if more == 'type' else ''}{more}", str(row[more]))
                        for more in ("size", "type")
                        if row.get(more) not in (None, "file")
                    ]
                    self.block([name[:-1].capitalize(), row[key]], [*row.get("attributes", []), *extra])
                else:
                    self.lost(f"an entry of {name} without {key}")
        for one in below:
            self.section(one, "" if root else accno)

    def block(self, head: list[str], attributes: list[Any]) -> None:
        lines = ["\t".join(_cell(str(one)) for one in head)]
        for one in attributes:
            name = one.get("name") if isinstance(one, dict) else None
            if not isinstance(name, str) or not _is_name(name):
                field = f"files.{name}" if head[0] == "File" else ""
                self.lost(f"an attribute of the name {quoted(str(name))}", field)
                continue
            reference = str(one.get("reference", "")).lower() == "true"
            lines.append(
                f"{f'<{name}>' if reference else name}\t{_cell(scalar(one.get('value')) or '')}".rstrip("\t")
            )
            for key, form in (("nmqual", "({})"), ("valqual", "[{}]")):
                held = one.get(key)
                for item in held if isinstance(held, list) else []:
                    if isinstance(item, dict) and _is_name(str(item.get("name", ""))):
                        lines.append(f"{form.format(item['name'])}\t{_cell(scalar(item.get('value')) or '')}")
                    else:
                        self.lost(f"what is said of {quoted(name)}")
        self.blocks.append("\n".join(lines))

    def lost(self, what: str, field: str = "") -> None:
        finding = told("E005", f"TSV has no place for {what}", field=field, fix="Write JSON")
        if finding not in self.findings:
            self.findings.append(finding)


def _below(section: Json) -> list[Json]:
    held = section.get("subsections")
    return flat(held)[0] if isinstance(held, list) else []


def _is_name(name: str) -> bool:
    wrapped = len(name) > 2 and _WRAPPED.get(name[0]) == name[-1]
    return (
        bool(name.strip()) and name == name.strip() and not wrapped and not re.search(r'^#|^"|[\t\r\n]', name)
    )


def _cell(text: str) -> str:
    """Return a cell; one that starts with a quote stands in quotes, unless it is a plain text in quotes."""
    simple = _QUOTED.fullmatch(text)
    if set("\t\r\n") & set(text) or (text.startswith('"') and not (simple and '"' not in simple[1])):
        return '"' + text.replace('"', '""') + '"'
    return text
