"""Read the files of a crate: its file lists, then its File entities."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from micrographia.dataset.manifest import image_id, path_problem, unique_ids
from micrographia.dataset.origin import Kept
from micrographia.errors import MicrographiaError
from micrographia.exchange.codes import told
from micrographia.exchange.rocrate import columns as col
from micrographia.exchange.rocrate.crate import COLUMN
from micrographia.exchange.rocrate.graph import Entity
from micrographia.exchange.rocrate.reader import Reader
from micrographia.exchange.rocrate.terms import DOCUMENT, MEMBER_LIST, ROOT, compact
from micrographia.exchange.rocrate.writing_files import LIST_SAYS, MEMBERS_SAY
from micrographia.exchange.source import Source
from micrographia.exchange.submission import COMPONENT

Row = dict[str, str]

LINE = "file list"
"""What a kept line of a file list is called."""
_MEANT = {compact(address): name for name, address in col.PROPERTIES.items()}
_ALSO = {"associated_source_image": col.SOURCE_IMAGE, "source_image_path": col.SOURCE_IMAGE}
_PICTURES = re.compile(
    r"\.(tiff?|png|jpe?g|czi|nd2|lif|zarr|mrc|nii|nrrd|h5|hdf5|ims|vsi|svs|dcm)(\.gz|\.zip)?$", re.IGNORECASE
)


class Files:
    """The files of a crate in the reading.

    Parameters
    ----------
    reader
        The crate, whose datasets have been read.
    source
        The crate's document, with what lies beside it.
    """

    def __init__(self, reader: Reader, source: Source) -> None:
        self.reader, self.source = reader, source
        self.rows: list[Row] = []
        self.base = source.base
        self._bad: list[str] = []
        self._labelled = True

    def read(self) -> list[Row]:
        """Return the rows of all file lists and of the files that stand in none, in the columns of ``files.tsv``."""
        members: list[Row] = []
        for entity in self.reader.graph.of_type("bia:FileList", "csvw:Table"):
            is_list = entity.has_type("bia:FileList")
            if is_list or entity.id.rsplit("/", 1)[-1] == MEMBER_LIST:
                (self.rows if is_list else members).extend(self._list(entity, is_list))
        several = {row["Files"] for row in members}
        self.rows = [row for row in self.rows if row["Files"] not in several] + members
        if not members:
            self._once()
        self._images()
        self._entities()
        self._part_of_root()
        if self._bad:
            more = f", and {len(self._bad) - 1} more" if len(self._bad) > 1 else ""
            self._told("E006", f"{self._bad[0][:200]!r} cannot be followed{more}")
        return self.rows

    def _told(self, code: str, message: str, path: str = "") -> None:
        self.reader.graph.findings.append(told(code, message, path=path))

    def _keep(self, value: Any) -> None:
        self.reader.graph.kept.append(Kept(LINE, value))

    # The list

    def _list(self, entity: Entity, is_list: bool) -> list[Row]:
        entity.touch()
        path = ("#files",) if is_list else ("#members",)
        self.reader.note(path, entity)
        name = unquote(entity.id).removeprefix("./")
        known = self._schema(entity)
        entity.drop("schema:encodingFormat", "text/tab-separated-values")
        entity.drop("schema:name", name)
        entity.drop("schema:description", LIST_SAYS, MEMBERS_SAY)
        table = self._table(name)
        if not table:
            return []
        header, *lines = table
        meant = {
            title: known.get(title) or _ALSO.get(title, title if title in col.PROPERTIES else "")
            for title in header
        }
        missing = [title for title in known if title not in header]
        if missing:
            self._told("E010", f"the file list has no column {missing[0]!r}, which its schema names", name)
        if col.PATH not in meant.values():
            self._told(
                "E009", "the file list has no column with the paths of files; its lines are kept", name
            )
            self._keep({"list": name, "header": header, "lines": lines})
            return []
        self._labelled = self._labelled and col.LABEL in meant.values()
        owner = self._owner(entity)
        rows, odd = [], 0
        for line in lines:
            if len(line) != len(header):
                odd += 1
                self._keep({"list": name, "line": line})
                continue
            row = self._row(line, header, meant, owner)
            if row is not None:
                rows.append(row)
        if odd:
            self._told(
                "E009", f"{odd} lines of the file list have another number of cells than its header", name
            )
        return rows

    def _schema(self, entity: Entity) -> dict[str, str]:
        known: dict[str, str] = {}
        for schema in entity.entities("csvw:tableSchema", most=1):
            self.reader.note(("#schema",), schema)
            for column in schema.entities("csvw:column"):
                title = column.text("csvw:name") or ""
                address = column.text("csvw:propertyUrl")
                known[title] = _MEANT.get(compact(address), "") if address else ""
                if address and not known[title]:
                    self.reader.graph.kept.append(Kept(COLUMN, {title: address}))
                    self._told(
                        "E004",
                        f"what the column {title[:100]!r} means ({address[:200]}) has no home in the model",
                    )
                self.reader.note(("#column", title), column)
            for key, number, value in schema.values("csvw:aboutUrl"):
                found = re.fullmatch(r"(https?://.*/)\{\+?" + col.PATH + r"\}", str(value))
                if found:
                    schema.take(key, number)
                    self.base = self.base or found[1]
        return known

    def _table(self, name: str) -> list[list[str]]:
        problem = path_problem(name)
        if problem:
            self._told("E006", f"the file list {name[:200]!r} {problem}", name)
            return []
        if not self.source.remote and not self.source.has(name):
            self._told("E010", f"the file list {name[:200]!r} is not there", name)
            return []
        try:
            text = self.source.text(name)
        except MicrographiaError as error:
            self._told("E010", f"the file list cannot be read: {error}", name)
            return []
        first = text.split("\n", 1)[0]
        csv.field_size_limit(1 << 30)
        try:
            separator = "\t" if "\t" in first or "," not in first else ","
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            return [row for row in rows if row]
        except csv.Error as error:
            self._told("E009", f"the file list is no table ({error})", name)
            return []

    def _owner(self, entity: Entity) -> str:
        for name in self.reader.parts:
            dataset = self.reader.graph.by_id(name)
            if dataset is None:
                continue
            for key, number, value in dataset.values("schema:hasPart", "bia:associationFileMetadata"):
                if isinstance(value, dict) and self.reader.graph.at(value) is entity:
                    dataset.take(key, number)
                    return name
        return ""

    def _row(self, line: list[str], header: Sequence[str], meant: dict[str, str], owner: str) -> Row | None:
        said: dict[str, str] = {}
        own: Row = {}
        for title, cell in zip(header, line, strict=True):
            if meant[title] and meant[title] not in said:
                said[meant[title]] = cell
            else:
                own[col.read_name(title)] = cell
        path = self._path(said.get(col.PATH, ""))
        if path is None:
            self._keep(dict(zip(header, line, strict=True)))
            return None
        row: Row = {"Files": path, "size": said.get(col.SIZE, "")}
        kind = {col.IMAGE: "image", col.ANNOTATION: "annotation"}.get(_long(said.get(col.TYPE, "")), "")
        if said.get(col.TYPE) and not kind:
            row[col.TYPE] = said[col.TYPE]
        part = said.get(col.PART_OF, "") or owner
        self._place(row, part, kind)
        self._method(row, said.get(col.METHOD, ""))
        specimen = said.get(col.SPECIMEN, "")
        if specimen and specimen != self.reader.specimens.get(self._id(part), ""):
            row[col.SPECIMEN] = specimen
        label = said.get(col.LABEL, "")
        if kind == "image" and label:
            row["image"] = image_id(label)
            if row["image"] != label:
                row[col.LABEL] = label
        elif label:
            row[col.LABEL] = label
        row["source image"] = _single(said.get(col.SOURCE_IMAGE, ""))
        row["role"] = kind or ("" if "role" in own or col.TYPE in meant.values() else "other")
        own = {name: text for name, text in own.items() if text}
        if "image" in own and row.get(col.LABEL) == own["image"]:
            del row[col.LABEL]
        return row | own

    def _id(self, part: str) -> str:
        entity = self.reader.graph.by_id(part)
        return entity.id if entity is not None else part

    def _place(self, row: Row, part: str, kind: str) -> None:
        component, annotations = self.reader.parts.get(self._id(part), ("", ""))
        if annotations and (kind == "annotation" or not component):
            row["annotation set"] = annotations
        elif component:
            row[COMPONENT] = component
        elif part and self._id(part) != (self.reader.root.id if self.reader.root else ROOT):
            row[col.PART_OF] = part
            entity = self.reader.graph.by_id(part)
            if entity is None:
                self.reader.graph.dangling_cell("dataset", part)

    def _method(self, row: Row, method: str) -> None:
        name = self.reader.methods.get(self._id(_single(method)))
        if not method:
            return
        if name and "annotation set" not in row:
            row["annotation set"] = name
        elif name is None or name != row.get("annotation set", ""):
            row[col.METHOD] = method

    def _path(self, text: str) -> str | None:
        if self.base and text.startswith(self.base):
            text = unquote(text.removeprefix(self.base))
        path = text.removeprefix("./")
        if path_problem(path.rstrip("/")) or re.match(r"[a-z][a-z0-9+.-]*://", path, flags=re.IGNORECASE):
            self._bad.append(text)
            return None
        return path.rstrip("/")

    # After the lists

    def _once(self) -> None:
        seen: set[str] = set()
        rows, twice = [], 0
        for row in self.rows:
            if row["Files"] in seen:
                twice += 1
                self._keep(row)
            else:
                rows.append(row)
            seen.add(row["Files"])
        if twice:
            self._told("E012", f"{twice} lines of the file list name a file that another names")
        self.rows = rows

    def _images(self) -> None:
        """Give images without a label an id, and let annotations refer to images by id, not by label or path."""
        if not self._labelled:
            bare = [row for row in self.rows if row["role"] == "image" and not row.get("image")]
            wanted = [
                image_id(re.sub(r"(\.ome)?\.\w+$", "", row["Files"].rsplit("/", 1)[-1])) for row in bare
            ]
            for row, name in zip(bare, unique_ids(wanted), strict=True):
                row["image"] = name
        ids = {row["image"] for row in self.rows if row.get("image")}
        known = {row["Files"]: row["image"] for row in self.rows if row.get("image")}
        known |= {
            row[col.LABEL]: row["image"] for row in self.rows if row.get("image") and row.get(col.LABEL)
        }
        for row in self.rows:
            source = row.get("source image", "")
            if source and source not in ids:
                row["source image"] = known.get(source, source)

    def _entities(self) -> None:
        listed = {row["Files"] for row in self.rows}
        owners = {
            str(value.get("@id")): name
            for name, (component, _) in self.reader.parts.items()
            if component and (dataset := self.reader.graph.by_id(name)) is not None
            for _, _, value in dataset.values("schema:hasPart")
            if isinstance(value, dict)
        }
        found = [
            one
            for one in self.reader.graph.of_type("schema:File", "schema:MediaObject")
            if not one.touched
            and one.id
            and not one.id.startswith(("#", "_:"))
            and not one.id.endswith(DOCUMENT)
        ]
        self._common_base([one.id for one in found])
        for entity in found:
            path = self._path(entity.id if "://" in entity.id else unquote(entity.id))
            if path is None or path in listed:
                continue
            row: Row = {
                "Files": path,
                "role": "image" if _PICTURES.search(path) or _is_picture(entity) else "other",
            }
            row |= {"size": _peek(entity, "schema:contentSize"), "sha256": _peek(entity, "schema:sha256")}
            if entity.id in owners:
                row[COMPONENT] = self.reader.parts[owners[entity.id]][0]
            if _says_nothing_else(entity, path):
                entity.touch()
                entity.take_all("schema:name", "schema:contentSize", "schema:sha256")
            self.rows.append(row)
            listed.add(path)
        self._labelled = False
        self._images()
        folders = {path.rsplit("/", count)[0] for path in listed for count in range(1, path.count("/") + 1)}
        for entity in self.reader.graph.of_type("schema:Dataset"):
            name = unquote(entity.id.removeprefix("./").rstrip("/"))
            bare = {key: value for key, value in entity.raw.items() if key not in ("@id", "@type")}
            is_folder = entity.id.endswith("/") and name in folders
            if not entity.touched and is_folder and bare in ({}, {"name": name}):
                entity.touch()
                entity.take_all("schema:name")

    def _common_base(self, names: list[str]) -> None:
        web = [name for name in names if re.match(r"https?://", name)]
        if self.base or self.rows or not web or len(web) < len(names):
            return
        first, last = min(web), max(web)
        same = next(
            (n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
        )
        base = first[: first.rfind("/", 0, same) + 1]
        if base.count("/") > 2:
            self.base = base

    def _part_of_root(self) -> None:
        root = self.reader.root
        if root is None:
            return
        for key, number, value in root.values("schema:hasPart"):
            if isinstance(value, dict):
                other = self.reader.graph.at(value)
                if other is None:
                    self.reader.graph.dangling(root, key, value)
                elif other.touched and other is not root:
                    root.take(key, number)


def _long(text: str) -> str:
    return (
        text.replace("bia:", "http://bia/", 1)
        if text.startswith("bia:")
        else text.replace("https://bia/", "http://bia/")
    )


def _single(text: str) -> str:
    """Return the only entry of a list that is written as text, or the text."""
    if text.startswith("[") and text.endswith("]") and len(text) < 10_000:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], str):
            return found[0]
    return text


def _peek(entity: Entity, name: str) -> str:
    for _, _, value in entity.values(name):
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return ""


def _says_nothing_else(entity: Entity, path: str) -> bool:
    names = {value for _, _, value in entity.values("schema:name") if isinstance(value, str)}
    meanings = {entity.graph.context.meaning(key) for key in entity.raw if not key.startswith("@")}
    return (
        entity.types <= {"schema:File", "schema:MediaObject"}
        and meanings <= {"schema:name", "schema:contentSize", "schema:sha256"}
        and names <= {path, path.rsplit("/", 1)[-1]}
    )


def _is_picture(entity: Entity) -> bool:
    return _peek(entity, "schema:encodingFormat").startswith("image/")
