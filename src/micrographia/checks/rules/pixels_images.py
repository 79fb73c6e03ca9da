"""Rules over the pixels of images: readable, varied, finite, neither clipped nor blurred."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Source
from micrographia.checks.rules.pixels_common import PixelRule, image_path, pixels
from micrographia.findings import Finding, Severity

NOISE = 0.9
"""Share of the variance that white noise has in an image that shows nothing else. Of about 290 images
of five real datasets it is at most 0.46; in one that was published as raw data, and is noise, 0.999."""
FEWEST = 12
"""Images of one kind from which a usual sharpness is known."""
DEVIATIONS, FACTOR = 4.0, 6.0
"""An image is blurred if its sharpness is this many (robust) standard deviations, and this factor, below the median."""


class PixelsReadable(PixelRule):
    """Every pixel of every image and mask can be read.

    What it does
    ------------
    Decodes every block of every file and reports those that cannot be decoded: truncated files, damaged chunks, blocks
    that are missing where the header promises them.

    Why it matters
    --------------
    A header is read in a moment and may be whole where the pixels are not. Training stops at such a file hours later,
    or worse, goes on with zeros.

    Example
    -------
    A copy was interrupted: ``images/a7.tif`` has its header and half of its strips.

    How to fix
    ----------
    Bring the file back from the source; compare checksums after copying.

    References
    ----------
    Practice.
    """

    code = "P001"
    severity = Severity.ERROR
    source = Source.PRACTICE
    letter = Letter.FORMATS

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Tell each error of the pass, but for files whose header cannot be read: F002 tells those."""
        root = f"{facts.dataset.path}/"
        known = {path for (path, _), header in (facts.headers or {}).items() if header.problem}
        for error in pixels(facts).errors:
            path = error.path.removeprefix(root)
            if path in known:
                continue
            yield self.finding(
                f"the pixels cannot be read: {error.problem}",
                path=path,
                fix=error.remedy or "bring the file back from its source",
            )


class ImagesVary(PixelRule):
    """No image has one value everywhere.

    What it does
    ------------
    Reports images whose pixels all have the same value in every channel.

    Why it matters
    --------------
    The shutter was closed, the export failed, or the file is a placeholder. Normalising such an image divides by zero.

    Example
    -------
    ``images/b3.tif`` is 0 everywhere.

    How to fix
    ----------
    Bring the image back, or take it off the list.

    References
    ----------
    Practice.
    """

    code = "P002"
    severity = Severity.ERROR

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare minimum and maximum."""
        found = {
            image_path(facts, name): {"value": _shown(image.channels[0].minimum)}
            for name, image in pixels(facts).images.items()
            if all(channel.constant or math.isnan(channel.minimum) for channel in image.channels)
        }
        yield from self.together(
            found,
            "image",
            "has one value everywhere",
            "bring it back from the source, or take it off the list",
            plural="have one value everywhere",
        )


class ChannelsVary(PixelRule):
    """No channel of an image is empty.

    What it does
    ------------
    Reports images of several channels in which some, but not all, have one value everywhere.

    Why it matters
    --------------
    A channel that was not acquired, or was lost in conversion, looks like a marker that nothing expresses.

    Example
    -------
    Channel 2 (ER) of ``images/c1.tif`` is 0 everywhere.

    How to fix
    ----------
    Bring the channel back, or leave it out of the image and say so.

    References
    ----------
    Practice.
    """

    code = "P003"

    def applies(self, facts: Facts) -> bool:
        """Only with images of several channels."""
        return any(len(image.channels) > 1 for image in pixels(facts).images.values())

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for constant channels beside others."""
        found: dict[str, dict[str, Any]] = {}
        for name, image in pixels(facts).images.items():
            empty = [channel for channel in image.channels if channel.constant]
            if empty and len(empty) < len(image.channels):
                labels = [f"{one.index} {one.name}".strip() for one in empty]
                found[image_path(facts, name)] = {
                    "channels": labels,
                    "value": _shown(empty[0].minimum),
                }
        yield from self.together(
            found,
            "image",
            "has a channel with one value everywhere",
            "bring the channel back, or leave it out",
            plural="have a channel with one value everywhere",
        )


class PixelsFinite(PixelRule):
    """No pixel is NaN or infinite.

    What it does
    ------------
    Counts pixels of images that are no numbers.

    Why it matters
    --------------
    One NaN turns a mean, a normalised image and every gradient after it into NaN.

    Example
    -------
    ``images/d2.tif`` holds 40 NaN where a flat field of 0 was divided by.

    How to fix
    ----------
    Replace them by a number that says what is meant, or give a mask of the valid region.

    References
    ----------
    Practice.
    """

    code = "P005"
    severity = Severity.ERROR

    def applies(self, facts: Facts) -> bool:
        """Only with images of floating-point numbers."""
        return any(image.dtype.startswith("float") for image in pixels(facts).images.values())

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Add up what was counted."""
        found = {}
        for name, image in pixels(facts).images.items():
            nans = sum(channel.nans for channel in image.channels)
            infinite = sum(channel.infinities for channel in image.channels)
            if nans or infinite:
                found[image_path(facts, name)] = {"nan": nans, "infinite": infinite}
        yield from self.together(
            found,
            "image",
            "holds pixels that are NaN or infinite",
            "replace them by numbers, or mask the valid region",
            plural="hold pixels that are NaN or infinite",
        )


class NotClipped(PixelRule):
    """Images are not clipped at the largest value.

    What it does
    ------------
    Reports grey images with a channel in which more than 1% of the pixels have the largest value that their type, or
    the number of bits that the file states, allows. Colour pictures are left out: the white of a slide is often 255.

    Why it matters
    --------------
    What is above the limit is lost: intensities cannot be compared, and texture in bright objects is gone.

    Example
    -------
    8% of ``images/e5.tif`` are 255.

    How to fix
    ----------
    Export again from the raw data with more bits or without stretching; if the camera was saturated, say so.

    References
    ----------
    Practice.
    """

    code = "P006"
    most: ClassVar[float] = 0.01
    thresholds: ClassVar[Mapping[str, str]] = {"most": "largest share of pixels at the largest value"}

    def applies(self, facts: Facts) -> bool:
        """Only with images that are no colour pictures."""
        return any(not image.rgb for image in pixels(facts).images.values())

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the share of pixels at the limit."""
        found = {}
        for name, image in pixels(facts).images.items():
            shares = [channel.at_limit for channel in image.channels if not channel.constant]
            if not image.rgb and shares and max(shares) > self.most:
                found[image_path(facts, name)] = {
                    "share": round(max(shares), 4),
                    "value": _shown(max(channel.maximum for channel in image.channels)),
                }
        yield from self.together(
            found,
            "image",
            f"is clipped: more than {100 * self.most:g}% of a channel has the largest value",
            "export again with more bits or without stretching",
            plural=f"are clipped: more than {100 * self.most:g}% of a channel has the largest value",
        )


class MoreThanNoise(PixelRule):
    """Images show more than noise.

    What it does
    ------------
    Estimates the variance of white noise in each channel from its finest two scales, and reports images in which it is
    more than 90% of the variance in every channel: neighbouring pixels are as different as pixels far apart.

    Why it matters
    --------------
    Such an image opens, has a plausible mean, and its masks may be those of another. Every model scores 0 on it, and a
    mean over images hides why.

    Example
    -------
    Noise is 99.9% of the variance of ``images/leaf_2.h5``; of two others it is 42 and 46%.

    How to fix
    ----------
    Look at it. Bring the image back from its source, or take it off the list; if it is an empty field, say so in the
    criteria.

    References
    ----------
    Immerkaer, Computer Vision and Image Understanding 64 (1996) estimates noise from such filters.
    """

    code = "P021"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the variance of noise with that of the channel."""
        found: dict[str, dict[str, Any]] = {}
        for name, image in pixels(facts).images.items():
            shares = [
                one.noise**2 / one.variance
                for one in image.channels
                if one.noise is not None and not one.constant and one.variance > 0.0
            ]
            if shares and min(shares) > NOISE:
                found[image_path(facts, name)] = {"noise_share": round(min(min(shares), 1.0), 4)}
        yield from self.together(
            found,
            "image",
            "shows nothing but noise",
            "look at it; bring it back from its source, or take it off the list",
            plural="show nothing but noise",
        )


class NotBlurred(PixelRule):
    """No image is far more blurred than the others of its kind.

    What it does
    ------------
    Compares the sharpness of each image with the others of the same size, type and number of channels, if there are at
    least 12: the energy of the Laplacian at twice the pixel spacing over the variance, both without what white noise
    contributes. An image is reported if, in every channel, it is more than 4 robust standard deviations and more than a
    factor of 6 below the median, or if there is nothing in it but noise.

    Why it matters
    --------------
    Out of focus, objects cannot be outlined; a benchmark that mixes such images in measures focus.

    Example
    -------
    ``images/f8.tif`` is 30 times less sharp than the median of 96 images.

    How to fix
    ----------
    Leave it out, or keep it and say in the criteria what was done with images out of focus.

    References
    ----------
    Pertuz, Puig & Garcia, Pattern Recognition 46 (2013) compare measures of focus, the variance of the Laplacian among
    them; Immerkaer, Computer Vision and Image Understanding 64 (1996) estimates noise from such filters.
    """

    code = "P007"
    severity = Severity.INFO
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only where there are enough images of one kind."""
        return any(len(names) >= FEWEST for names in _kinds(facts).values())

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare sharpness within each kind, channel by channel."""
        images = pixels(facts).images
        found: dict[str, dict[str, Any]] = {}
        for names in _kinds(facts).values():
            if len(names) < FEWEST:
                continue
            values = np.array(
                [[one.sharpness or 0.0 for one in images[name].channels] for name in names], np.float64
            )
            with np.errstate(divide="ignore"):
                logarithms = np.log(values)
            known = np.isfinite(logarithms)
            if known.mean() < 0.8:
                continue
            middle = np.array(
                [np.median(column[ok]) for column, ok in zip(logarithms.T, known.T, strict=True)]
            )
            spread = [
                1.4826 * np.median(np.abs(column[ok] - centre))
                for column, ok, centre in zip(logarithms.T, known.T, middle, strict=True)
            ]
            limit = middle - np.maximum(DEVIATIONS * np.array(spread), math.log(FACTOR))
            for name, row, sharp in zip(names, logarithms, values, strict=True):
                if (row < limit).all() and not all(one.constant for one in images[name].channels):
                    times = float(np.exp(np.min(middle - row))) if np.isfinite(row).any() else None
                    found[image_path(facts, name)] = {
                        "sharpness": round(float(sharp.max()), 5),
                        "median": round(float(np.exp(middle.max())), 5),
                        "times_below": None if times is None else round(times, 1),
                    }
        yield from self.together(
            found,
            "image",
            "is far less sharp than the others of its kind",
            "leave it out, or say in the criteria what was done with images out of focus",
            plural="are far less sharp than the others of their kind",
        )


def _kinds(facts: Facts) -> dict[tuple[Any, ...], list[str]]:
    """Return images that may be compared in sharpness."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for name, image in pixels(facts).images.items():
        key = (image.rgb, len(image.channels), image.dtype, image.size("Y"), image.size("X"))
        found.setdefault(key, []).append(name)
    return found


def _shown(value: float) -> float | int | None:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value
