"""Rules over the headers of masks: do they fit their images, and can their values be ids."""

from __future__ import annotations

from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.headers import FileFacts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.dataset import FileRow
from micrographia.findings import Finding, Severity

UNCHANGED = ("none", "no ", "no.", "not applicable", "n/a", "identity", "nothing", "unchanged")


class MaskShape(Rule):
    """Masks have the shape of their images.

    What it does
    ------------
    Compares the sizes of every mask with those of its image along the axes that both have. A set whose
    ``transformations`` says how masks are laid over images is passed over.

    Why it matters
    --------------
    A mask of another size lies beside its objects; many programs cut or stretch it without a word.

    Example
    -------
    The image has 1024 x 1024 pixels, the mask 512 x 512: it was drawn on a reduced copy.

    How to fix
    ----------
    Export the mask at full size, or say in ``transformations`` what maps it onto the image.

    References
    ----------
    MIFA, Annotations: transformations. Reported by users of public datasets: mask and image of different shape.
    """

    code = "F003"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with masks."""
        return bool(facts.mask_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the sizes along shared axes."""
        for row, mask, name, image in facts.masked():
            shared = [axis for axis in "TZYX" if axis in mask.axes and axis in image.axes]
            if all(mask.size(axis) == image.size(axis) for axis in shared) or is_transformed(row, facts):
                continue
            yield self.finding(
                f"the mask is {_sizes(mask)}, its image {name} is {_sizes(image)}",
                path=row.name,
                fix="export it at full size, or state the transformation in mifa.yaml",
                evidence={"mask": mask.sizes, "image": image.sizes, "line": row.line},
            )


class MaskAxes(Rule):
    """Masks have the axes of their images.

    What it does
    ------------
    Reports masks that lack the Z or T of their image, have one that the image lacks, or have channels. Colour masks
    have a rule of their own.

    Why it matters
    --------------
    A flat mask for a stack may belong to one plane or to a projection; a mask with channels may be one class a channel.

    Example
    -------
    The image is Z31 Y512 X512, the mask Y512 X512.

    How to fix
    ----------
    Export the mask with the axes of the image; say in ``transformations`` to which plane it belongs; make one
    annotation set a channel.

    References
    ----------
    OME-Zarr 0.5, labels: a label image has the axes of its image, without channels.
    """

    code = "F004"
    severity = Severity.ERROR
    source = Source.NGFF
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with masks."""
        return bool(facts.mask_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the axes."""
        for row, mask, name, image in facts.masked():
            if mask.rgb or is_transformed(row, facts):
                continue
            differing = [axis for axis in "TZ" if (mask.size(axis) > 1) != (image.size(axis) > 1)]
            if mask.size("C") > 1:
                problem = f"has {mask.size('C')} channels"
            elif differing:
                problem = f"is {_sizes(mask)}, its image {name} is {_sizes(image)}"
            else:
                continue
            yield self.finding(
                f"the mask {problem}",
                path=row.name,
                fix="export it with the axes of its image, or state in mifa.yaml how it belongs to it",
                evidence={"mask": mask.sizes, "image": image.sizes, "line": row.line},
            )


class MaskIntegers(Rule):
    """Masks hold integers.

    What it does
    ------------
    Reports masks whose pixels are floating-point numbers.

    Why it matters
    --------------
    An id is a whole number. Floats come from a resized mask, whose border pixels are between two objects, or from a
    probability map, which is no mask.

    Example
    -------
    ``masks/a1.tif`` is float32 with values from 0.0 to 1.0.

    How to fix
    ----------
    Export the mask as an integer image; resize masks by the nearest neighbour only.

    References
    ----------
    OME-Zarr 0.5, labels: pixels are integers.
    """

    code = "F005"
    severity = Severity.ERROR
    source = Source.NGFF
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with masks."""
        return bool(facts.mask_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the type of each mask."""
        for row in facts.mask_rows:
            held = facts.header(row)
            if held is not None and held.dtype.startswith("float"):
                yield self.finding(
                    f"the mask holds {held.dtype}, not integers",
                    path=row.name,
                    fix="export it as an integer image",
                    evidence={"dtype": held.dtype, "line": row.line},
                )


class MaskNotColour(Rule):
    """Masks are no colour pictures.

    What it does
    ------------
    Reports masks with red, green and blue.

    Why it matters
    --------------
    Colours are for eyes: which one is which object or class is written nowhere, and neighbours may share one.

    Example
    -------
    A screenshot of an overlay was saved as the mask.

    How to fix
    ----------
    Export the label image, not its picture.

    References
    ----------
    OME-Zarr 0.5, labels. Reported by users of public datasets: RGB masks.
    """

    code = "F006"
    severity = Severity.ERROR
    source = Source.NGFF
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only with masks."""
        return bool(facts.mask_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for colour."""
        for row in facts.mask_rows:
            held = facts.header(row)
            if held is not None and held.rgb:
                yield self.finding(
                    "the mask is a colour picture, not a label image",
                    path=row.name,
                    fix="export the label image, not its picture",
                    evidence={"line": row.line},
                )


def is_transformed(row: FileRow, facts: Facts) -> bool:
    """Tell whether the set of a mask states a transformation other than none."""
    held = facts.dataset.set_described(row.set)
    text = ((held.transformations if held is not None else "") or "").strip().lower()
    return bool(text) and not (text + " ").startswith(UNCHANGED)


def _sizes(held: FileFacts) -> str:
    return " ".join(f"{axis}{held.size(axis)}" for axis in held.axes if axis != "C")
