"""The three documents of the BioImage Archive's MIFA schema: Study_*, Annotations_* and Version_*.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from micrographia import metadata
from micrographia.dataset.origin import Origin
from micrographia.errors import ExchangeError
from micrographia.exchange.codes import told
from micrographia.exchange.form import Choice
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, file_table
from micrographia.findings import Finding
from micrographia.metadata.archive import PATTERN
from micrographia.metadata.archive_writing import fits_file_names


class MifaDocuments:
    """Reads and writes the archive's MIFA documents; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "mifa"
    title = "the three YAML documents of the BioImage Archive's MIFA schema"
    file = ""
    reads = True
    writes = True
    choices: tuple[Choice, ...] = ()

    def matches(self, source: Source, /) -> bool:
        """Return whether it is one of the documents, or a folder with some."""
        return any(PATTERN.fullmatch(name) for name in source.names())

    def read(self, source: Source, /) -> Submission:
        """Return what the documents say; a single one stands for all of its accession.

        Raises
        ------
        ExchangeError, MetadataError
            If it is an address, or a document cannot be read.
        """
        if source.folder is None:
            raise ExchangeError(source.place, "is an address", "Download the documents and give their folder")
        accession = None
        if not source.is_folder:
            found = PATTERN.fullmatch(source.name)
            if found is None or found[1].lower() != "study":
                raise ExchangeError(source.place, "is no Study document", "Give Study_*.yaml, or the folder")
            accession = found[2] or ""
        description = metadata.read_archive(source.folder, accession)
        return Submission(
            description,
            file_table([]),
            Origin(self.name, Path(source.place).name),
            list(description.findings),
        )

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:  # noqa: ARG002
        """Write the documents into a folder, named after the accession if it is fit for it."""
        accession = submission.mifa.study.accession or ""
        name = accession if fits_file_names(accession) else "dataset"
        findings = metadata.write_archive(submission.mifa, target, name)
        if len(submission.files):
            findings.append(told("E001", "the archive's schema has no list of files", field="files"))
        return findings


MIFA_DOCUMENTS = MifaDocuments()
