"""Read an RO-Crate: what has a home in the model, the files, and everything else word for word."""

from __future__ import annotations

from pathlib import Path

from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import ExchangeError
from micrographia.exchange.rocrate.context import Context
from micrographia.exchange.rocrate.crate import IDS, OWN_CONTEXT, Crate
from micrographia.exchange.rocrate.describing import describe
from micrographia.exchange.rocrate.graph import ENTITY, PROPERTY, TOP, Graph
from micrographia.exchange.rocrate.reader import Reader
from micrographia.exchange.rocrate.reading_files import Files
from micrographia.exchange.rocrate.reading_modules import read_datasets, read_modules, tell_circles
from micrographia.exchange.rocrate.reading_study import read_study
from micrographia.exchange.rocrate.terms import DIALECTS, DOCUMENT, PREFIXES
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, described, file_table
from micrographia.metadata import Description, Mifa


def document_name(source: Source) -> str:
    """Return the name of the crate's document in a source; empty if there is none."""
    names = [*source.names(DOCUMENT), *source.names(DOCUMENT + "ld"), *source.names(f"*-{DOCUMENT}")]
    return names[0] if names else ""


def read(source: Source) -> Submission:
    """Read a crate.

    Raises
    ------
    ExchangeError
        If there is no document, or it is no crate.
    """
    name = document_name(source) or source.name
    if not name:
        raise ExchangeError(source.place, f"has no {DOCUMENT}", "Give the folder of an RO-Crate")
    graph = Graph(source.json(name), source.place)
    reader = read_graph(graph)
    files = Files(reader, source)
    rows = files.read()
    description = described(reader.values, name)
    kept, findings = graph.finish()
    kept = [*kept, *_ids(description.mifa, reader, kept), *_terms(graph, kept)]
    origin = Origin(
        "rocrate", source.place if source.remote else Path(source.place).name, files.base, tuple(kept)
    )
    here = source.folder
    is_here = here is not None and any((here / row["Files"]).exists() for row in rows[:100])
    return Submission(
        description,
        file_table(rows),
        origin,
        [*findings, *description.findings],
        here if is_here else None,
        brings_files=is_here,
    )


def read_graph(graph: Graph) -> Reader:
    """Read the description of a crate from its entities."""
    reader = Reader(graph)
    if reader.root is not None:
        read_study(reader, reader.root)
    titles = read_modules(reader)
    read_datasets(reader, titles)
    if reader.root is not None:
        own = reader.additional(reader.root)
        for path, value in own:
            reader.assign(reader.values, path, value)
        _date_of_version(reader, explicit=any(path == ["study", "release_date"] for path, _ in own))
    tell_circles(reader)
    return reader


def _date_of_version(reader: Reader, *, explicit: bool) -> None:
    """Drop a date of release that only stands for that of the newest version."""
    study, versions = reader.values["study"], reader.values["versions"]
    newest = versions[-1] if versions else None
    said = study.get("release_date") if isinstance(study, dict) else None
    if said and not explicit and isinstance(newest, dict) and newest.get("timestamp") == said:
        del study["release_date"]


def read_back(document: object) -> Description:
    """Return the description that a crate in memory holds."""
    return described(read_graph(Graph(document, DOCUMENT)).values)


def _ids(mifa: Mifa, reader: Reader, kept: list[Kept]) -> list[Kept]:
    """Keep the ids of the source that this package would choose otherwise, for what refers to them."""
    if not any(one.at in (ENTITY, PROPERTY) for one in kept):
        return []
    chosen = describe(mifa, Crate(DIALECTS[0]))[0].owners
    other = {
        name: reader.ids[path]
        for path, name in chosen.items()
        if path in reader.ids and reader.ids[path] != name
    }
    return [Kept(IDS, other)] if other else []


def _terms(graph: Graph, kept: list[Kept]) -> list[Kept]:
    """Keep the terms that the source defines otherwise than RO-Crate and the archive."""
    if not any(one.at in (ENTITY, PROPERTY) for one in kept):
        return []
    usual = Context(None)
    own = {
        name: meaning
        for name, meaning in graph.context.own.items()
        if meaning is not None
        and usual.meaning(name) != graph.context.meaning(name)
        and PREFIXES.get(name) != meaning
    }
    return [Kept(TOP, {OWN_CONTEXT: own})] if own else []
