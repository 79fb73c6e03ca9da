"""Rules over the size of a voxel: known, with a unit, possible, and one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import isclose

from micrographia.checks.facts import Facts
from micrographia.checks.headers import FileFacts
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.wording import counted, listed
from micrographia.findings import Finding, Level, Severity

TOLERANCE = 0.005
"""Relative difference up to which two sizes are one: headers round."""

MICROMETERS = {
    "picometer": 1e-6,
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "decimeter": 1e5,
    "meter": 1e6,
    "inch": 25_400.0,
}

SMALLEST, LARGEST = 1e-5, 1e3
"""Micrometers: a tenth of an angstrom, and a millimetre."""

SCREEN = tuple(25_400 / dots for dots in (72, 96, 150, 300, 600))
"""Micrometers of a pixel at resolutions of screens and printers."""


class VoxelSizeKnown(Rule):
    """The size of a voxel is known along every axis of space.

    What it does
    ------------
    Asks for a size along Y and X, and Z of stacks, in the header of every image or as ``voxel_size`` in ``mifa.yaml``.

    Why it matters
    --------------
    Without it nothing can be measured, and a model trained at one magnification is used at another.

    Example
    -------
    PNG images, and ``mifa.yaml`` says nothing.

    How to fix
    ----------
    Write ``voxel_size: {y: 0.1, x: 0.1, unit: micrometer}`` into ``mifa.yaml``.

    References
    ----------
    REMBI, Image acquisition parameters; OME-Zarr 0.5, coordinateTransformations.
    """

    code = "F009"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each axis of each image."""
        decided = decided_scale(facts)
        missing: dict[str, list[str]] = defaultdict(list)
        for image, held in facts.image_headers.items():
            axes = "".join(axis for axis in _space(held) if axis not in held.scale and axis not in decided)
            if axes:
                missing[axes].append(image)
        for axes, names in sorted(missing.items()):
            yield self.finding(
                f"the voxel size along {', '.join(axes)} of {counted(len(names), 'image')} is not known: "
                + listed(names, 3),
                **facts.at("voxel_size"),
                fix="write voxel_size into mifa.yaml",
                level=Level.ABSENT if len(names) == len(facts.image_headers) else Level.PRESENT,
                evidence={"axes": axes, "images": names[:100], "count": len(names)},
            )


class VoxelSizeAgrees(Rule):
    """Image, channels and mask agree on the size of a voxel.

    What it does
    ------------
    Compares the voxel size of each mask, and of each channel file, with that of its image, unless a person decided by
    ``voxel_size`` in ``mifa.yaml``. Files that state none agree with everything; so do sets that state a
    transformation.

    Why it matters
    --------------
    One of the two is wrong, and whoever measures believes one of them. Micrographia believes neither until a person
    decides.

    Example
    -------
    The image says 0.325 micrometer, its mask 1 micrometer.

    How to fix
    ----------
    Look at the microscope's own file, and write the true size as ``voxel_size`` into ``mifa.yaml``.

    References
    ----------
    OME-Zarr 0.5, labels. Reported by users of public datasets: wrong voxel size or unit.
    """

    code = "F010"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare pairs."""
        from micrographia.checks.rules.mask_headers import is_transformed

        decided = decided_scale(facts)
        pairs = [
            (row.name, name, mask, image)
            for row, mask, name, image in facts.masked()
            if not is_transformed(row, facts)
        ]
        for image in facts.image_headers:
            first, *others = facts.dataset.image_rows(image)
            of_first = facts.header(first)
            for row in others:
                held = facts.header(row)
                if held is not None and of_first is not None:
                    pairs.append((row.name, image, held, of_first))
        for name, image, one, other in pairs:
            apart = [axis for axis in _different(micrometers(one), micrometers(other)) if axis not in decided]
            if apart:
                yield self.finding(
                    f"the voxel size along {', '.join(apart)} is {_shown(one, apart[0])}, "
                    f"in the image {image} it is {_shown(other, apart[0])}",
                    path=name,
                    fix="write the true voxel_size into mifa.yaml",
                    level=Level.SPECIFIC,
                    evidence={"file": dict(one.scale), "image": dict(other.scale), "axes": apart},
                )


class VoxelSizeDecided(Rule):
    """Files say the voxel size that the description says.

    What it does
    ------------
    Compares ``voxel_size`` of ``mifa.yaml`` with the headers of the images. What people wrote holds; files that say
    something else are reported.

    Why it matters
    --------------
    Who opens the file without ``mifa.yaml`` measures with the wrong size.

    Example
    -------
    ``mifa.yaml`` says 0.325 micrometer, the TIFF says 1 micrometer.

    How to fix
    ----------
    ``micrographia convert`` writes the decided size into every file.

    References
    ----------
    Practice.
    """

    code = "F011"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def applies(self, facts: Facts) -> bool:
        """Only where people decided."""
        return bool(decided_scale(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the headers with the decision."""
        decided = decided_scale(facts)
        found: dict[tuple[str, ...], list[tuple[str, FileFacts]]] = defaultdict(list)
        for image, held in facts.image_headers.items():
            apart = _different(micrometers(held), decided)
            if apart:
                found[tuple(apart)].append((image, held))
        for axes, images in sorted(found.items()):
            shown = _shown(images[0][1], axes[0])
            yield self.finding(
                f"the files of {counted(len(images), 'image')} say another voxel size along {', '.join(axes)} than "
                f"mifa.yaml: {images[0][0]} says {shown}",
                **facts.at("voxel_size"),
                fix="correct mifa.yaml, or run micrographia convert, which writes the size into the files",
                level=Level.SPECIFIC,
                evidence={
                    "images": [name for name, _ in images[:100]],
                    "count": len(images),
                    "axes": list(axes),
                },
            )


class VoxelSizeUnit(Rule):
    """A voxel size has a unit of length.

    What it does
    ------------
    Reports headers, and a ``voxel_size`` in ``mifa.yaml``, that give numbers along Z, Y or X without a unit.

    Why it matters
    --------------
    0.5 is half a micrometer, half a millimeter, or half of something else.

    Example
    -------
    An NRRD file with spacings and no ``space units``.

    How to fix
    ----------
    Write ``voxel_size`` with its ``unit`` into ``mifa.yaml``.

    References
    ----------
    OME-Zarr 0.5, axes: unit, by its UDUNITS name.
    """

    code = "F012"
    severity = Severity.WARNING
    source = Source.NGFF
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for units."""
        decided = facts.mifa.voxel_size
        if decided is not None and any((decided.z, decided.y, decided.x)) and not decided.unit:
            yield self.finding(
                "the voxel size has no unit",
                **facts.at("voxel_size.unit"),
                fix="write micrometer",
                level=Level.PRESENT,
            )
        known = decided_scale(facts)
        bare = [
            image
            for image, held in facts.image_headers.items()
            if any(
                axis in held.scale and axis not in held.units and axis not in known for axis in _space(held)
            )
        ]
        if bare:
            yield self.finding(
                f"the voxel size of {counted(len(bare), 'image')} has no unit: {listed(bare, 3)}",
                **facts.at("voxel_size"),
                fix="write voxel_size with its unit into mifa.yaml",
                level=Level.PRESENT,
                evidence={"images": bare[:100], "count": len(bare)},
            )


class VoxelSizePossible(Rule):
    """The size of a voxel is one that a microscope can have.

    What it does
    ------------
    Reports voxels below a tenth of an angstrom or above a millimeter, pixels as large as those of a screen or printer
    (72, 96, 300 dots per inch), and a Y and X that differ by more than a tenth.

    Why it matters
    --------------
    Programs fill in 72 dots per inch where nothing is known; the number looks like a measurement.

    Example
    -------
    352.8 micrometer is 72 dots per inch.

    How to fix
    ----------
    Write the true size as ``voxel_size`` into ``mifa.yaml``.

    References
    ----------
    Practice. Reported by users of public datasets: wrong voxel size or unit.
    """

    code = "F013"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.FORMATS
    needs = Needs.HEADERS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the sizes that hold."""
        decided = decided_scale(facts)
        found: dict[str, list[str]] = defaultdict(list)
        for image, held in facts.image_headers.items():
            reason = _impossible(micrometers(held) | decided)
            if reason:
                found[reason].append(image)
        for reason, names in sorted(found.items()):
            yield self.finding(
                f"the voxel size of {counted(len(names), 'image')} {reason}: {listed(names, 3)}",
                **facts.at("voxel_size"),
                fix="write the true voxel_size into mifa.yaml",
                level=Level.PRESENT,
                evidence={"images": names[:100], "count": len(names)},
            )


def decided_scale(facts: Facts) -> dict[str, float]:
    """Return the voxel size that people decided, in micrometers along z, y, x; empty without a unit."""
    decided = facts.mifa.voxel_size
    factor = MICROMETERS.get(decided.unit or "") if decided is not None else None
    if decided is None or factor is None:
        return {}
    return {axis: value * factor for axis in "zyx" if (value := getattr(decided, axis))}


def micrometers(held: FileFacts) -> dict[str, float]:
    """Return the voxel size of a header in micrometers along z, y, x, where it has a known unit."""
    return {
        axis: step * MICROMETERS[held.units[axis]]
        for axis, step in held.scale.items()
        if axis in _space(held) and held.units.get(axis) in MICROMETERS
    }


def _space(held: FileFacts) -> str:
    return "".join(axis for axis in "zyx" if axis != "z" or held.size("Z") > 1)


def _different(one: Mapping[str, float], other: Mapping[str, float]) -> list[str]:
    shared = [axis for axis in "zyx" if axis in one and axis in other]
    return [axis for axis in shared if not isclose(one[axis], other[axis], rel_tol=TOLERANCE)]


def _impossible(scale: Mapping[str, float]) -> str:
    plane = [scale[axis] for axis in "yx" if axis in scale]
    if any(not SMALLEST <= step <= LARGEST for step in scale.values()):
        return f"is {listed(f'{step:.4g} micrometer along {axis}' for axis, step in scale.items())}"
    if plane and any(all(isclose(step, dot, rel_tol=1e-3) for step in plane) for dot in SCREEN):
        return f"is that of a screen or printer ({25_400 / plane[0]:.0f} dots per inch)"
    if len(plane) == 2 and max(plane) > 1.1 * min(plane):
        return f"differs along y and x ({plane[0]:.4g} and {plane[1]:.4g} micrometer)"
    return ""


def _shown(held: FileFacts, axis: str) -> str:
    return f"{held.scale[axis]:.6g} {held.units.get(axis, '')}".rstrip()
