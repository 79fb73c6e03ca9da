"""Rules over channels: named, and fitting together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.wording import counted, is_placeholder, listed
from micrographia.findings import Finding, Level, Severity


class ChannelNames(Rule):
    """Images of several channels name them.

    What it does
    ------------
    Asks for the names of channels, in the header or in the column ``channel``, of images that have more than one and
    are no colour pictures. Names such as ``0`` or ``Channel 1`` are none.

    Why it matters
    --------------
    A model for nuclei that is given the wrong channel finds something all the same.

    Example
    -------
    Three channels, called ``0``, ``1`` and ``2``.

    How to fix
    ----------
    Write the names when exporting, or run ``micrographia describe --channels DAPI,GFP,RFP`` where channels are files.

    References
    ----------
    REMBI, Image acquisition parameters; OME-Zarr, omero metadata.
    """

    code = "F021"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with images of several channels."""
        return any(True for _ in _several(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the names."""
        without = [image for image, names in _several(facts) if not all(map(_is_name, names)) or not names]
        if without:
            yield self.finding(
                f"{counted(len(without), 'image')} with channels that have no name: {listed(without, 3)}",
                path=facts.dataset.image_rows(without[0])[0].path,
                fix="write the names of the channels when exporting",
                level=Level.ABSENT,
                evidence={"images": without[:100], "count": len(without)},
            )


class ChannelsFit(Rule):
    """The files of one image fit together.

    What it does
    ------------
    Compares shape and pixel type of the channel files of each image.

    Why it matters
    --------------
    Channels of different sizes cannot be one image: one of them is of another field, or was resized.

    Example
    -------
    The DAPI file has 904 x 1224 pixels, the GFP file 452 x 612.

    How to fix
    ----------
    Export all channels alike, or give the files ids of their own.

    References
    ----------
    Practice.
    """

    code = "F022"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with images of several files."""
        return any(len(facts.dataset.image_rows(image)) > 1 for image in facts.dataset.image_ids)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare each file with the first."""
        for image in facts.dataset.image_ids:
            rows = facts.dataset.image_rows(image)
            kinds = defaultdict(list)
            for row in rows:
                held = facts.header(row)
                if held is not None:
                    spatial = " ".join(f"{axis}{held.size(axis)}" for axis in "TZYX" if held.size(axis) > 1)
                    kinds[f"{spatial} {held.dtype}"].append(row.channel or row.name)
            if len(kinds) > 1:
                yield self.finding(
                    f"the channels of image {image} differ: "
                    + "; ".join(f"{listed(names, 3)}: {kind}" for kind, names in kinds.items()),
                    path=rows[0].path,
                    fix="export all channels alike, or give the files ids of their own",
                    evidence={"image": image, "kinds": dict(kinds)},
                )


def _several(facts: Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the images of several channels, with the names of these."""
    for image, held in facts.image_headers.items():
        rows = facts.dataset.image_rows(image)
        if len(rows) > 1:
            names = tuple(row.channel for row in rows)
            if all(names):  # else another rule says so
                yield image, names
        elif held.size("C") > 1 and not held.rgb:
            yield image, held.channels


def _is_name(name: str) -> bool:
    plain = name.strip().lower()
    bare = plain.removeprefix("channel").removeprefix("ch").removeprefix("c").strip(" _-:#")
    return bool(plain) and bool(bare) and not bare.isdigit() and not is_placeholder(name)
