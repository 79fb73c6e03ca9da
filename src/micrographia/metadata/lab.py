"""What holds for everything that a lab makes, from one file, so that each fact is typed once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from micrographia.errors import MetadataError
from micrographia.findings import Finding
from micrographia.metadata.document import as_mapping
from micrographia.metadata.fields import LicenceText, Record, about, specs
from micrographia.metadata.reading import Reader
from micrographia.metadata.rembi import ImageAcquisition
from micrographia.metadata.study import Author, Grant, Organisation
from micrographia.metadata.template import example_of
from micrographia.metadata.yaml_parsing import read_document
from micrographia.metadata.yaml_writing import entry

VARIABLE = "MICROGRAPHIA_LAB"
"""Environment variable that names the file."""


class Lab(Record):
    """What ``lab.yaml`` holds."""

    authors: list[Author] = about(
        "The people who usually are authors.", None, also="people,members", many=True
    )
    organisations: list[Organisation] = about(
        "Your institutions; authors refer to them by name.",
        None,
        also="organisation,organizations",
        many=True,
    )
    microscopes: list[ImageAcquisition] = about(
        "Your microscopes, as image acquisitions.",
        None,
        also="microscope,image_acquisitions,image_acquisition",
        many=True,
    )
    grants: list[Grant] = about("Your grants.", None, also="grant", many=True)
    funding_statement: str | None = about(
        "Who pays for your work, in a sentence.",
        "Supported by the Austrian Research Promotion Agency.",
        also="funding",
    )
    acknowledgements: str | None = about("Who always helps.", "We thank the microscopy facility.")
    license: LicenceText | None = about("The licence of your data.", "CC0-1.0", also="licence")


@dataclass(slots=True)
class Defaults:
    """The defaults of a lab.

    Parameters
    ----------
    lab
        What the file says.
    findings
        What reading it had to say.
    path
        The file; None if there is none.
    """

    lab: Lab
    findings: list[Finding] = field(default_factory=list)
    path: Path | None = None

    def values(self) -> dict[str, Any]:
        """Return them in the shape of ``mifa.yaml``; authors carry what is known of their organisations."""
        known = {place.organisation_name: place.plain() for place in self.lab.organisations}
        authors = []
        for author in self.lab.authors:
            told = author.plain()
            places = told.get("organisation") or ([*known.values()] if len(known) == 1 else [])
            if places:
                told["organisation"] = [
                    known.get(place.get("organisation_name"), {}) | place for place in places
                ]
            authors.append(told)
        study = {
            "license": self.lab.license,
            "funding_statement": self.lab.funding_statement,
            "acknowledgements": self.lab.acknowledgements,
            "authors": authors,
            "grants": [grant.plain() for grant in self.lab.grants],
        }
        microscopes = [microscope.plain() for microscope in self.lab.microscopes]
        filled = {name: value for name, value in study.items() if value}
        return ({"study": filled} if filled else {}) | (
            {"image_acquisitions": microscopes} if microscopes else {}
        )


def lab_file() -> Path:
    """Return where the defaults of the lab are: ``$MICROGRAPHIA_LAB``, or ``micrographia/lab.yaml`` in the settings."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    settings = os.environ.get("XDG_CONFIG_HOME")
    folder = Path(settings) if settings else Path.home() / ".config"
    return folder / "micrographia" / "lab.yaml"


def defaults(path: Path | str | None = None) -> Defaults:
    """Read the defaults of the lab.

    Parameters
    ----------
    path
        The file; None for :func:`lab_file`, which need not exist.

    Raises
    ------
    MetadataError
        If a file that was named does not exist, or it is no safe YAML mapping.
    """
    named = path is not None or bool(os.environ.get(VARIABLE))
    file = Path(path) if path is not None else lab_file()
    if not file.exists():
        if named:
            remedy = "Make one, or correct the name" if path else f"Make one, or unset {VARIABLE}"
            raise MetadataError(file, "there is no such file", remedy)
        return Defaults(Lab())
    document = read_document(file)
    if document.root is None:
        return Defaults(Lab(), path=file)
    reader = Reader(file.name)
    lab = reader.record(Lab, as_mapping(document.root, file))
    return Defaults(lab, reader.findings(), file)


def lab_template() -> str:
    """Return the text of a ``lab.yaml`` to fill in; every line is a note until its ``#`` is removed."""
    lines = [
        "# What holds for every dataset of this lab. micrographia describe writes it into each new mifa.yaml.",
        "# Remove the # in front of what you need, and write your own facts.",
    ]
    for spec in specs(Lab).values():
        lines += ["", f"# {spec.meaning}", *(f"# {line}" for line in entry(spec.name, example_of(spec), 0))]
    return "\n".join(lines) + "\n"
