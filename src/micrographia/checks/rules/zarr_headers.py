"""Rules over the metadata of OME-Zarr images: valid, in step with the files, consistent from level to level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from micrographia.checks.facts import Facts
from micrographia.checks.headers import FileFacts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.zarr_issues import Part
from micrographia.findings import Finding, Level, Severity


class ZarrRule(Rule):
    """A rule over one part of the metadata of every OME-Zarr image.

    Attributes
    ----------
    part
        The part.
    hint
        What to do.
    """

    part: ClassVar[Part]
    hint: ClassVar[str]
    source = Source.NGFF
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with OME-Zarr images."""
        return any(True for _ in _zarrs(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Surface the issues of this part."""
        for held in _zarrs(facts):
            for issue in held.zarr.issues if held.zarr is not None else ():
                if issue.part is self.part:
                    yield self.finding(issue.problem, path=held.name, fix=self.hint, level=Level.PRESENT)


class ZarrMetadata(ZarrRule):
    """OME-Zarr metadata follow the specification.

    What it does
    ------------
    Looks at the version, the axes (names, types, order, units), the transformations of each level, the names of the
    dimensions, and the channels of every OME-Zarr image, against OME-Zarr 0.4 or 0.5.

    Why it matters
    --------------
    One program guesses, another refuses. What is valid is read alike by all.

    Example
    -------
    The unit is ``um``, which is no UDUNITS name; axes are in the order channel, time, y, x.

    How to fix
    ----------
    Export the image again with a current program; ``micrographia convert`` writes valid metadata.

    References
    ----------
    OME-Zarr 0.4 and 0.5, multiscales metadata: https://ngff.openmicroscopy.org/0.5
    """

    code = "F014"
    severity = Severity.ERROR
    part = Part.METADATA
    hint = "export it again, or run micrographia convert, which writes valid metadata"


class ZarrChunks(ZarrRule):
    """The chunks of an OME-Zarr image are those that its shape asks for.

    What it does
    ------------
    Compares the names of the chunk files of every level with the grid that shape and chunk size make: chunks outside of
    it, levels of an image without any chunk, and files that are no chunks.

    Why it matters
    --------------
    Every reader believes the shape. If it is too small, a part of the image is there and is never shown; if all chunks
    are missing, the image is black and no program complains.

    Example
    -------
    The shape is 512 x 512 with chunks of 256; there is a chunk ``2/0``.

    How to fix
    ----------
    Copy the image again; if chunks lie outside, correct the shape in the metadata of the array.

    References
    ----------
    Zarr 2 and 3, chunk grid. Reported by users of public datasets: pyramids whose chunk grid and shape disagree.
    """

    code = "F015"
    severity = Severity.ERROR
    part = Part.CHUNKS
    hint = "copy the image again, or correct the shape in the metadata of the array"


class ZarrPyramid(ZarrRule):
    """The levels of an OME-Zarr image are the same image, smaller.

    What it does
    ------------
    Compares shape, scale and type of each level with those of the first: the number of pixels times the step must be
    the same, levels must not grow, and all must be there.

    Why it matters
    --------------
    Viewers switch between levels: with a wrong scale the image jumps, and masks drawn on one level do not fit another.

    Example
    -------
    Level 1 has half the pixels, and the same scale as level 0.

    How to fix
    ----------
    Make the pyramid again; ``micrographia convert`` does.

    References
    ----------
    OME-Zarr 0.4 and 0.5, multiscales metadata: datasets and coordinateTransformations.
    """

    code = "F016"
    severity = Severity.ERROR
    part = Part.PYRAMID
    hint = "make the pyramid again, for example with micrographia convert"


class ZarrLabels(ZarrRule):
    """Label images of an OME-Zarr image are listed and say what they are.

    What it does
    ------------
    Compares the list of labels with the label images that are there, and looks for ``image-label`` with its source, and
    for colours and properties that name one label value each.

    Why it matters
    --------------
    A label image that is not listed is not found; one without ``image-label`` is shown as grey values.

    Example
    -------
    ``labels/nuclei`` is there, and ``labels`` lists ``cells``.

    How to fix
    ----------
    Write the list, and ``image-label`` with ``source: {image: ../../}``.

    References
    ----------
    OME-Zarr 0.4 and 0.5, labels metadata; ome/ngff issue 163, labels that do not say what they represent.
    """

    code = "F017"
    severity = Severity.WARNING
    part = Part.LABELS
    hint = "write the list of labels and image-label, for example with micrographia convert"


class LabelsListed(Rule):
    """Every label image inside an OME-Zarr image is a row of the file list.

    What it does
    ------------
    Compares the label images that an OME-Zarr image lists with the rows of ``files.tsv``.

    Why it matters
    --------------
    A label image without a row belongs to no annotation set: nobody says how it was made.

    Example
    -------
    ``images/a1.ome.zarr`` lists ``nuclei`` and ``cells``; only ``nuclei`` has a row.

    How to fix
    ----------
    Run ``micrographia describe`` again, which adds the row, and describe the set.

    References
    ----------
    BioImage Archive, file lists of annotations.
    """

    code = "L009"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.ACCESSIBILITY
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with label images inside images."""
        return any(held.zarr is not None and held.zarr.labels for held in _zarrs(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a row of each label image."""
        rows = {(row.path, row.member) for row in facts.rows}
        for held in _zarrs(facts):
            for name in held.zarr.labels if held.zarr is not None else ():
                below = f"{held.member}/labels/{name}".strip("/")
                places = {(held.path, below), (f"{held.path}/{below}", "")}
                if not places & rows:
                    yield self.finding(
                        f"its label image {name} is not listed in files.tsv",
                        path=held.name,
                        fix="run micrographia describe again and describe the set",
                        evidence={"label": name},
                    )


def _zarrs(facts: Facts) -> Iterator[FileFacts]:
    return (held for held in (facts.headers or {}).values() if held.zarr is not None)
