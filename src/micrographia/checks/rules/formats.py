"""Rules over file formats: open, readable, without loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from micrographia.checks.facts import Facts
from micrographia.checks.headers import FileFacts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity

PROPRIETARY = frozenset(
    ".czi .nd2 .lif .lsm .oib .oif .oir .vsi .ims .svs .scn .ndpi .mrxs .stk .zvi .xdce .flex .c01 .dv .r3d .sld .mat "
    ".mvd2 .lei .ids .ics".split()
)
"""Endings of formats of one vendor or one program."""

LOSSY_FILES = frozenset({"JPEG", "JPG", "WEBP", "GIF"})
LOSSY_CODECS = frozenset(
    {"JPEG", "JPEG_LOSSY", "JPEG7", "WEBP", "APERIO_JP2000_YCBC", "APERIO_JP2000_RGB", "JPEGXR"}
)


class OpenFormats(Rule):
    """Files are in open formats.

    What it does
    ------------
    Reports images and annotations in the format of one vendor or program (CZI, ND2, LIF, SVS, MAT, ...).

    Why it matters
    --------------
    Such a file is read by the program that wrote it and by those who took it apart; in ten years perhaps by none.

    Example
    -------
    ``scan_07.czi``

    How to fix
    ----------
    ``micrographia convert`` writes OME-Zarr and keeps scale, channels and checksum of the original.

    References
    ----------
    Practice, for the F of MIFA: a small set of open, interoperable formats (from summaries of the text).
    """

    code = "F001"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.FORMATS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the endings."""
        found: dict[str, list[str]] = {}
        for row in facts.rows:
            ending = PurePosixPath(row.path).suffix.lower()
            if ending in PROPRIETARY and row.role != "other":
                found.setdefault(ending, []).append(row.path)
        for ending, paths in sorted(found.items()):
            files = list(dict.fromkeys(paths))
            yield self.finding(
                f"{counted(len(files), 'file')} in the closed format {ending}: {listed(files, 2)}",
                path=files[0],
                fix="run micrographia convert, which writes OME-Zarr",
                evidence={"format": ending, "files": files[:100], "count": len(files)},
            )


class HeadersReadable(Rule):
    """Every image and mask can be opened.

    What it does
    ------------
    Opens each listed image and mask and reads its header.

    Why it matters
    --------------
    A file that cannot be opened is lost; better to know before it is deposited.

    Example
    -------
    ``a1.tif`` is empty; ``b7.tif`` was cut off; ``scan.czi`` needs a plug-in that is not installed.

    How to fix
    ----------
    Copy or export the file again; where a format needs a plug-in, the finding names it.

    References
    ----------
    Practice.
    """

    code = "F002"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface the errors; files that do not exist are another rule's."""
        for held in (facts.headers or {}).values():
            if held.problem and facts.on_disk(held.path):
                yield self.finding(
                    f"cannot be opened: {held.problem}",
                    path=held.name,
                    fix=held.remedy[:1].lower() + held.remedy[1:],
                )


class MasksLossless(Rule):
    """Masks are stored without loss.

    What it does
    ------------
    Reports masks in JPEG, WebP or GIF, or compressed by such a codec inside another format.

    Why it matters
    --------------
    Lossy compression changes the values: beside object 7 appear pixels of the objects 6 and 8 that nobody drew.

    Example
    -------
    ``masks/a1.jpg``

    How to fix
    ----------
    Export the masks again from the program that made them, as PNG, TIFF or OME-Zarr. The loss cannot be undone.

    References
    ----------
    Practice.
    """

    code = "F007"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with masks."""
        return bool(facts.mask_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at format and codec of each mask."""
        for row in facts.mask_rows:
            held = facts.header(row)
            if held is not None and is_lossy(held):
                yield self.finding(
                    f"the mask is stored with loss ({_codec(held)}), so its values are not those that were drawn",
                    path=row.name,
                    fix="export it again as PNG, TIFF or OME-Zarr",
                )


class ImagesLossless(Rule):
    """Images are stored without loss.

    What it does
    ------------
    Reports images in JPEG, WebP or GIF, or compressed by such a codec inside another format.

    Why it matters
    --------------
    Lossy compression removes what the eye does not see and programs measure; intensities cannot be trusted.

    Example
    -------
    A slide scanner wrote JPEG tiles into a TIFF.

    How to fix
    ----------
    Share the original if there is one; if the instrument gives nothing else, waive this rule and say so.

    References
    ----------
    Practice.
    """

    code = "F008"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at format and codec of each image."""
        found: dict[str, list[str]] = {}
        for row in facts.rows:
            held = facts.header(row) if row.role == "image" else None
            if held is not None and is_lossy(held):
                found.setdefault(_codec(held), []).append(row.name)
        for codec, names in sorted(found.items()):
            yield self.finding(
                f"{counted(len(names), 'image')} stored with loss ({codec}): {listed(names, 2)}",
                path=names[0],
                fix="share the originals, or waive the rule and say why there are none",
                evidence={"codec": codec, "files": names[:100], "count": len(names)},
            )


class OmeZarr(Rule):
    """Images are OME-Zarr.

    What it does
    ------------
    Notes how many images are in another format.

    Why it matters
    --------------
    OME-Zarr can be viewed and read in parts over the web, holds masks beside their image, and is read by most tools.

    Example
    -------
    254 PNG images.

    How to fix
    ----------
    ``micrographia convert DATASET OUT``

    References
    ----------
    Practice, for the F of MIFA: OME-Zarr first (from summaries of the text); OME-Zarr, https://ngff.openmicroscopy.org.
    """

    code = "F020"
    severity = Severity.INFO
    source = Source.NGFF
    letter = Letter.FORMATS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count by ending."""
        others: dict[str, int] = {}
        for row in facts.rows:
            if row.role == "image" and not _is_zarr(row.path):
                ending = PurePosixPath(row.path).suffix.lower() or "no ending"
                others[ending] = others.get(ending, 0) + 1
        if others:
            total = sum(others.values())
            yield self.finding(
                f"{counted(total, 'image file')} not in OME-Zarr: "
                + listed((f"{number:,} {ending}" for ending, number in sorted(others.items())), 4),
                path="files.tsv",
                fix="run micrographia convert",
                level=Level.PRESENT,
                evidence={"endings": others},
            )


class NamesFitContent(Rule):
    """Files are what their names and headers say.

    What it does
    ------------
    Surfaces what reading a header had to say: a file that is named ``.png`` but is a TIFF, a resolution that is a
    printer's, axes that contradict the metadata.

    Why it matters
    --------------
    This program decided and went on; another one decides otherwise or stops.

    Example
    -------
    ``a1.png`` holds a TIFF.

    How to fix
    ----------
    Rename the file or export it again.

    References
    ----------
    Practice.
    """

    code = "F023"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface the notes, one finding a note."""
        found: dict[str, list[str]] = {}
        for held in (facts.headers or {}).values():
            for note in held.notes:
                found.setdefault(note, []).append(held.name)
        for note, names in found.items():
            yield self.finding(
                note if len(names) == 1 else f"{counted(len(names), 'file')}: {note}",
                path=names[0],
                fix="rename or export the files again, so that every program reads them alike",
                evidence={"files": names[:100], "count": len(names)},
            )


def is_lossy(held: FileFacts) -> bool:
    """Tell whether a header says that pixels were stored with loss."""
    return held.file_format.upper() in LOSSY_FILES or held.compression.upper() in LOSSY_CODECS


def _codec(held: FileFacts) -> str:
    return held.compression or held.file_format


def _is_zarr(path: str) -> bool:
    return ".zarr" in path.lower() or path.lower().endswith(".ozx")
