"""The exchange formats that are known: ours, then those of plug-ins."""

from __future__ import annotations

from functools import cache

from micrographia import plugins
from micrographia.errors import ExchangeError
from micrographia.exchange.form import ExchangeFormat
from micrographia.exchange.source import Source

BUILT_IN: dict[str, str] = {
    "pagetab": "micrographia.exchange.pagetab:PAGETAB",
    "mifa": "micrographia.exchange.mifa_documents:MIFA_DOCUMENTS",
    "rocrate": "micrographia.exchange.rocrate:ROCRATE",
    "croissant": "micrographia.exchange.croissant:CROISSANT",
    "bioimageio": "micrographia.exchange.bioimageio:BIOIMAGEIO",
    "huggingface": "micrographia.exchange.huggingface:HUGGING_FACE",
    "datacite": "micrographia.exchange.citation.datacite:DATACITE",
    "cff": "micrographia.exchange.citation.cff:CITATION_CFF",
    "bibtex": "micrographia.exchange.citation.bibtex:BIBTEX",
    "schemaorg": "micrographia.exchange.citation.schemaorg:SCHEMA_ORG",
    "slicer": "micrographia.exchange.slicer:SLICER",
}
"""Name of a format to the module and the object that it is."""


@cache
def formats() -> dict[str, ExchangeFormat]:
    """Return all formats by name, in the order in which sources are held against them."""
    found: dict[str, ExchangeFormat] = {name: plugins.imported(place) for name, place in BUILT_IN.items()}
    for plugin in plugins.load("exchange", ExchangeFormat):
        found.setdefault(plugin.name, plugin)
    return found


def find_format(name: str) -> ExchangeFormat:
    """Return a format by its name.

    Raises
    ------
    ExchangeError
        If there is none.
    """
    known = formats()
    if name not in known:
        raise ExchangeError("", f"there is no format {name!r}", f"Choose one of {', '.join(known)}")
    return known[name]


def recognise(source: Source) -> ExchangeFormat:
    """Return the format of a source.

    Raises
    ------
    ExchangeError
        If it is of none that is known.
    """
    for form in formats().values():
        if form.reads and form.matches(source):
            return form
    readable = ", ".join(name for name, form in formats().items() if form.reads)
    raise ExchangeError(source.place, "is of no known format", f"Say which one it is: --format {readable}")
