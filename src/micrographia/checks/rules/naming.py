"""Rules over names: ids of images, paths, channels, and what annotations say they belong to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted
from micrographia.dataset import FileRow
from micrographia.dataset.manifest import NAME, image_id
from micrographia.findings import Finding, Level, Severity

_FORBIDDEN = re.compile(r"[^A-Za-z0-9!\-_.*'()/]")


class ImagesHaveIds(Rule):
    """The list names at least one image, and every image has an id.

    What it does
    ------------
    Reports a list without images, and rows of role ``image`` without an id in the column ``image``.

    Why it matters
    --------------
    Annotations, splits and results refer to images by their id; an image without one cannot be used.

    Example
    -------
    The cell ``image`` of ``images/a1.tif`` is empty.

    How to fix
    ----------
    Run ``micrographia describe`` again, or write an id: usually the file name without its ending.

    References
    ----------
    ``docs/dataset.md`` for the columns of ``files.tsv``.
    """

    code = "L010"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for image rows and their ids."""
        images = [row for row in facts.rows if row.role == "image"]
        if not images:
            yield self.finding(
                "the list names no image",
                path=NAME,
                fix="run micrographia describe again, or set the role of images to image",
                level=Level.ABSENT,
            )
        for row in images:
            if not row.image:
                yield self.finding(
                    f"the image {row.name} has no id",
                    **facts.row_at(row),
                    fix=f"write one, for example {image_id(row.path.rsplit('/')[-1].split('.')[0])}",
                    level=Level.ABSENT,
                )


class IdCharacters(Rule):
    """Image ids are made of characters that every archive and file system takes.

    What it does
    ------------
    Reports ids with anything but letters, digits and ``!-_.*'()``.

    Why it matters
    --------------
    The id becomes the name of the converted image. Spaces, slashes and accents break file names, addresses and shell
    commands.

    Example
    -------
    ``kidney slice #3`` should be ``kidney_slice_3``.

    How to fix
    ----------
    Replace what is not allowed in the columns ``image`` and ``source image``.

    References
    ----------
    BioImage Archive, how to write a file list: special characters.
    """

    code = "L011"
    severity = Severity.ERROR
    source = Source.BIA
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare each id with what it should be."""
        for image in facts.dataset.image_ids:
            wanted = image_id(image)
            if wanted != image:
                yield self.finding(
                    f"the image id {image!r} holds characters that are not allowed",
                    **facts.row_at(facts.dataset.image_rows(image)[0]),
                    fix=f"write {wanted} in the columns image and source image",
                    evidence={"image": image},
                )


class IdsUnique(Rule):
    """Image ids differ in more than case.

    What it does
    ------------
    Reports two image ids that are the same when case is ignored.

    Why it matters
    --------------
    On many machines ``A1.ome.zarr`` and ``a1.ome.zarr`` are one file: one of the two images would be lost.

    Example
    -------
    ``images/A1.tif`` has the id ``A1`` and ``other/a1.tif`` the id ``a1``.

    How to fix
    ----------
    Give one of them another id.

    References
    ----------
    Practice.
    """

    code = "L012"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare ids without case."""
        first: dict[str, str] = {}
        for image in facts.dataset.image_ids:
            other = first.setdefault(image.casefold(), image)
            if other != image:
                yield self.finding(
                    f"the image ids {other!r} and {image!r} differ in case only",
                    **facts.row_at(facts.dataset.image_rows(image)[0]),
                    fix="give one of them another id",
                    evidence={"images": [other, image]},
                )


class PathCharacters(Rule):
    """Paths are made of characters that the archive takes.

    What it does
    ------------
    Reports paths with anything but letters, digits, ``!-_.*'()`` and ``/`` between folders.

    Why it matters
    --------------
    The archive refuses such files, and spaces or accents in paths break scripts and addresses.

    Example
    -------
    ``images/kidney slice #3.tif`` should be ``images/kidney_slice_3.tif``.

    How to fix
    ----------
    Rename the files and run ``micrographia describe`` again: it follows them by their checksum. ``micrographia
    convert`` also gives every file an allowed name.

    References
    ----------
    BioImage Archive, how to write a file list: special characters.
    """

    code = "L013"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for other characters, one finding a set of characters."""
        found: dict[str, list[FileRow]] = defaultdict(list)
        for row in {row.path: row for row in reversed(facts.rows)}.values():
            odd = "".join(sorted(set(_FORBIDDEN.findall(row.path))))
            if odd:
                found[odd].append(row)
        for odd, rows in sorted(found.items()):
            rows.sort(key=lambda row: row.line)
            yield self.finding(
                f"{counted(len(rows), 'path')} with {' '.join(map(_shown, odd))}, such as {rows[0].path!r}",
                **facts.row_at(rows[0]),
                fix="rename the files and run micrographia describe again",
                evidence={"characters": odd, "files": len(rows), "lines": [row.line for row in rows[:100]]},
            )


class PathsUnique(Rule):
    """Paths differ in more than case.

    What it does
    ------------
    Reports two listed files whose paths are the same when case is ignored.

    Why it matters
    --------------
    On machines that do not tell case apart, one of the two files overwrites the other when the dataset is copied.

    Example
    -------
    ``images/A1.tif`` and ``Images/a1.tif``.

    How to fix
    ----------
    Rename one of them and run ``micrographia describe`` again.

    References
    ----------
    BioImage Archive, how to write a file list: paths are case-sensitive.
    """

    code = "L014"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare paths without case."""
        first: dict[str, str] = {}
        for row in {row.path: row for row in reversed(facts.rows)}.values():
            other = first.setdefault(row.path.casefold(), row.path)
            if other != row.path:
                yield self.finding(
                    f"the paths {row.path} and {other} differ in case only",
                    **facts.row_at(row),
                    fix="rename one of the files and run micrographia describe again",
                    evidence={"files": [row.path, other]},
                )


class ChannelsNamed(Rule):
    """The files of one image are told apart by channel.

    What it does
    ------------
    Reports images that have several files of which two have the same ``channel`` or none.

    Why it matters
    --------------
    The files of an image become its channels. Without names nobody knows which is which, and two different images that
    share an id are glued together.

    Example
    -------
    ``plate1/a1.tif`` and ``plate2/a1.tif`` both have the id ``a1``.

    How to fix
    ----------
    Write the channel, or give the images different ids.

    References
    ----------
    ``docs/dataset.md`` for the columns of ``files.tsv``.
    """

    code = "L018"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.ACCESSIBILITY

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the channels of each image."""
        for image in facts.dataset.image_ids:
            rows = facts.dataset.image_rows(image)
            seen: dict[str, FileRow] = {}
            for row in rows:
                other = seen.setdefault(row.channel, row)
                if other is not row and (row.path, row.member) != (other.path, other.member):
                    yield self.finding(
                        f"the image {image} has two files "
                        + (f"of the channel {row.channel!r}" if row.channel else "without a channel")
                        + f": {other.name} and {row.name}",
                        **facts.row_at(row),
                        fix="write the channel of each, or give different images different ids",
                        evidence={"image": image, "files": [other.name, row.name]},
                    )


def _shown(character: str) -> str:
    return {" ": "a space", "\t": "a tab"}.get(character, repr(character))
