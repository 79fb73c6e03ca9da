"""3D Slicer: volumes as NRRD, masks as segmentations with named, coloured segments; written, and read again.

A folder holds ``IMAGE_CHANNEL_tTIME.nrrd`` and ``IMAGE_SET_tTIME.seg.nrrd``; what is alone of its kind is not named.
Source of the layout: the developer guide of 3D Slicer (Segmentations, NRRD file format of segmentations).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from micrographia.exchange.form import Choice
from micrographia.exchange.slicer.reading import ENDINGS, read_folder
from micrographia.exchange.slicer.writing import write_folder
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding


class Slicer:
    """Reads and writes folders of 3D Slicer; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = "slicer"
    title = "3D Slicer: NRRD volumes and segmentations"
    file = ""
    reads = True
    writes = True
    choices = (
        Choice(
            "objects",
            ("auto", "segments", "classes"),
            "whether an object of an instance mask is a segment of its own; auto: up to 1000 an image",
        ),
    )

    def matches(self, source: Source, /) -> bool:
        """Return whether it is a volume or segmentation, or a folder that holds one."""
        return any(source.names(f"*{ending}") for ending in ENDINGS)

    def read(self, source: Source, /) -> Submission:
        """Return what the volumes and segmentations of a folder say; of one segmentation, with its image.

        Raises
        ------
        ExchangeError
            If it is an address, or holds no volume that can be read.
        """
        return read_folder(source)

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:
        """Write every image and label image into a folder.

        Raises
        ------
        MicrographiaError
            If the pixels are not on this machine, or cannot be read.
        """
        return write_folder(submission, target, options["objects"])


SLICER = Slicer()
