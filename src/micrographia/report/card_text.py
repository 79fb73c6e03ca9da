"""Parts of the metadata as people read them on a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrographia import metadata


def text_of(value: Any) -> str:
    """Return any part of the metadata as plain text: fields that are stated, one a line."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "\n".join(filter(None, (text_of(item) for item in value)))
    if isinstance(value, metadata.Author):
        return author_name(value)
    if isinstance(value, metadata.Coverage):
        return _coverage(value)
    if isinstance(value, metadata.Target):
        return _target(value)
    if isinstance(value, metadata.Version):
        return _version(value)
    if hasattr(value, "model_dump"):
        stated = [text_of(getattr(value, name)) for name in type(value).model_fields]
        return ", ".join(text.replace("\n", ", ") for text in stated if text)
    return str(value)


def _coverage(value: metadata.Coverage) -> str:
    numbers = ""
    if value.annotated is not None:
        numbers = f"{value.annotated:g}" + (f" of {value.total:g}" if value.total is not None else "")
        numbers += f" {value.unit}" if value.unit else ""
    return "; ".join(part for part in (numbers, value.description or "") if part)


def _target(value: metadata.Target) -> str:
    parts = [
        ("", value.object),
        ("border: ", value.boundary),
        ("touching: ", value.touching),
        ("cut by the edge: ", value.cut_by_border),
        ("out of focus: ", value.out_of_focus),
    ]
    return "\n".join(f"{name}{text}" for name, text in parts if text)


def _version(value: metadata.Version) -> str:
    day = (value.timestamp or "").partition("T")[0]
    before = f"after {value.previous_version}" if value.previous_version else ""
    said = ", ".join(part for part in (day, before) if part)
    return ": ".join(
        part
        for part in (f"{value.version or '?'}{f' ({said})' if said else ''}", value.changes or "")
        if part
    )


def author_name(author: metadata.Author) -> str:
    """Return first and last name."""
    return " ".join(part.strip() for part in (author.author_first_name, author.author_last_name) if part)


def papers(publications: Sequence[metadata.Publication]) -> list[dict[str, str]]:
    """Return the papers of a dataset: ``text`` to show, ``url`` of its DOI where that is one."""
    shown = []
    for paper in publications:
        year = f" ({paper.publication_year})" if paper.publication_year else ""
        said = [f"{paper.publication_authors or ''}{year}".strip(), paper.publication_title or ""]
        text = ". ".join(part.rstrip(".") for part in said if part)
        doi = metadata.check_doi(paper.publication_doi or "")
        if text or doi.ok:
            shown.append({"text": f"{text}." if text else "", "url": doi.url})
    return shown
