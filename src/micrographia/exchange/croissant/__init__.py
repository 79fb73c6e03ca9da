"""Croissant: what machine-learning programs read about a dataset, as JSON-LD (MLCommons, version 1.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from micrographia.exchange.croissant.reading import read as _read
from micrographia.exchange.croissant.terms import Node, finite
from micrographia.exchange.croissant.writing import write as _write
from micrographia.exchange.form import Choice
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding

FILE = "croissant.json"
BEGINNING = 1 << 16
"""Bytes of a document by which it is recognised."""


class Croissant:
    """Reads and writes Croissant documents; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "croissant"
    title = "Croissant 1.1 of MLCommons, with the responsible-AI vocabulary (JSON-LD)"
    file = FILE
    reads = True
    writes = True
    choices: tuple[Choice, ...] = (
        Choice(
            "files",
            ("sets", "objects"),
            "whether images and masks are listed as sets of a folder, or each file with a checksum by itself",
        ),
    )

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a Croissant document, or a folder with a ``croissant.json``."""
        if source.is_folder:
            return source.has(FILE)
        if not source.name.lower().endswith((".json", ".jsonld")):
            return False
        if source.remote:
            return "croissant" in source.name.lower()
        try:
            with Path(source.place).open("rb") as file:
                return b"mlcommons.org/croissant" in file.read(BEGINNING)
        except OSError:
            return False

    def read(self, source: Source, /) -> Submission:
        """Return what a document says.

        Raises
        ------
        ExchangeError
            If it cannot be read, or holds no dataset.
        """
        return _read(source, FILE if source.is_folder else source.name)

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write the document; it belongs into the folder of the dataset."""
        document, findings = _write(submission, options.get("files") == "objects")
        target.write_text(as_json(document), "utf-8")
        return findings


def as_json(document: Node) -> str:
    """Return a document as JSON that any program reads: no NaN, and half a surrogate pair as an escape."""
    made = json.dumps(finite(document), ensure_ascii=False, indent=1)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", made) + "\n"


CROISSANT = Croissant()
