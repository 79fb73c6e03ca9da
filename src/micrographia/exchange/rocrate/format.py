"""RO-Crate as an exchange format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from micrographia.exchange.form import Choice
from micrographia.exchange.rocrate.reading import document_name, read
from micrographia.exchange.rocrate.terms import DIALECTS
from micrographia.exchange.rocrate.writing import write
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding


class ROCrate:
    """Reads and writes RO-Crates; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "rocrate"
    title = "RO-Crate 1.1 in the dialects of the BioImage Archive"
    file = ""
    reads = True
    writes = True
    choices = (
        Choice(
            "dialect",
            DIALECTS,
            "Whether protocols have a title and a protocolDescription, or a name and a description",
        ),
        Choice("files", ("none", "link", "copy"), "Whether the files of the dataset go along, and how"),
    )

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a crate's document, or a folder with one."""
        return bool(document_name(source))

    def read(self, source: Source, /) -> Submission:
        """Return what a crate says.

        Raises
        ------
        ExchangeError
            If it cannot be read, or is no crate.
        """
        return read(source)

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write a crate into an empty folder; with its files it is a dataset folder, too."""
        return write(submission, target, options)


ROCRATE = ROCrate()
