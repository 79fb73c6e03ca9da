"""The kinds of defects, one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from micrographia.simulation.defects import Defect, Picture, Planted, Plot

_Plant = Callable[[Plot], Planted]
_KINDS: dict[str, Defect] = {}


def _defect(description: str, images: int = 1) -> Callable[[_Plant], _Plant]:
    """Register a kind of defect under its function's name."""

    def register(function: _Plant) -> _Plant:
        name = function.__name__.removeprefix("_")
        _KINDS[name] = Defect(name, description, images, function)
        return function

    return register


def _planted(name: str, detail: str, *files: str) -> Planted:
    return Planted(name, files, detail)


@_defect("A mask holds 0 and 255 although instances are claimed: touching objects cannot be told apart.")
def _mask_0_255(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    count = len(np.unique(mask.pixels)) - 1
    plot.write(plot.mask(), replace_pixels(mask, np.where(mask.pixels > 0, 255, 0).astype(np.uint8)))
    return _planted("mask_0_255", f"{count} objects became one value, 255", plot.mask())


@_defect("A mask has half the size of its image in y and x.")
def _mask_of_other_shape(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    small = np.ascontiguousarray(mask.pixels[..., ::2, ::2])
    plot.write(plot.mask(), replace_pixels(mask, small))
    return _planted("mask_of_other_shape", f"{mask.pixels.shape} became {small.shape}", plot.mask())


@_defect("A mask without a single object, although the image has some.")
def _empty_mask(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    plot.write(plot.mask(), replace_pixels(mask, np.zeros_like(mask.pixels)))
    return _planted("empty_mask", f"{len(np.unique(mask.pixels)) - 1} objects removed", plot.mask())


@_defect("A mask is stored as float32: ids above 16,777,216 would collide, and many tools refuse it.")
def _float_mask(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    plot.write(plot.mask(), replace_pixels(mask, mask.pixels.astype(np.float32)))
    return _planted("float_mask", f"{mask.pixels.dtype} became float32, values unchanged", plot.mask())


@_defect("A mask has y and x exchanged.")
def _swapped_axes(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    swapped = np.ascontiguousarray(np.swapaxes(mask.pixels, -1, -2))
    plot.write(plot.mask(), replace_pixels(mask, swapped))
    return _planted("swapped_axes", f"{mask.pixels.shape} became {swapped.shape}", plot.mask())


@_defect("Two objects that do not touch have one id.")
def _disconnected_instances(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    ids, counts = np.unique(mask.pixels[mask.pixels > 0], return_counts=True)
    large = ids[np.argsort(counts, kind="stable")[::-1]]
    for keep in large:
        for other in large[large != keep]:
            if not _touch(mask.pixels, int(keep), int(other)):
                plot.write(
                    plot.mask(), replace_pixels(mask, np.where(mask.pixels == other, keep, mask.pixels))
                )
                return _planted("disconnected_instances", f"object {other} became {keep}", plot.mask())
    raise ValueError(f"{plot.mask()}: no two objects that do not touch; simulate more cells")


@_defect("Specks of one to four pixels with ids of their own, as a slip of the brush leaves them.")
def _tiny_fragments(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    pixels = mask.pixels.copy()
    plane = pixels.reshape(-1, *pixels.shape[-2:])[pixels[..., 0, 0].size // 2]
    first = int(pixels.max()) + 1
    done = 0
    for _ in range(10_000):
        y, x = (int(plot.rng.integers(2, side - 3)) for side in plane.shape)
        if plane[y - 2 : y + 4, x - 2 : x + 4].any():
            continue
        # 1, 2, 4 pixels
        plane[y : y + 1 + done // 2, x : x + 1 + (done > 0)] = first + done
        done += 1
        if done == 3:
            plot.write(plot.mask(), replace_pixels(mask, pixels))
            return _planted(
                "tiny_fragments", f"ids {first} to {first + 2} have 1, 2 and 4 pixels", plot.mask()
            )
    raise ValueError(f"{plot.mask()}: no room for specks; simulate fewer cells")


@_defect("An image without a mask.")
def _missing_mask(plot: Plot) -> Planted:
    mask = plot.mask()
    plot.remove(mask)
    return _planted("missing_mask", f"{mask} removed", plot.image(), mask)


@_defect("A mask without an image.")
def _orphan_mask(plot: Plot) -> Planted:
    mask = plot.read(plot.mask())
    source = Path(plot.mask())
    name = f"masks/{source.stem}_old{source.suffix}"
    # mirrored, so that it is not also a copy of the other mask
    plot.write(name, replace_pixels(mask, np.ascontiguousarray(mask.pixels[..., ::-1])))
    return _planted("orphan_mask", "a mask without an image", name)


@_defect("The same pixels twice under two names, with the same mask, on the same side of the split.")
def _duplicate_image(plot: Plot) -> Planted:
    image, mask = plot.image(), plot.mask()
    copy, copy_mask = plot.add(plot.rows[0], f"{Path(image).stem}_copy")
    plot.write(copy, plot.read(image))
    plot.write(copy_mask, plot.read(mask))
    return _planted("duplicate_image", f"{copy} has the pixels of {image}", image, copy)


@_defect("The same pixels in train and in test, under two names.")
def _same_pixels_in_train_and_test(plot: Plot) -> Planted:
    image, mask = plot.image(), plot.mask()
    row = plot.rows[0]
    other = "test" if row["split"] == "train" else "train"
    copy, copy_mask = plot.add(row, f"{Path(image).stem}b", split=other, well="", site="")
    plot.write(copy, plot.read(image))
    plot.write(copy_mask, plot.read(mask))
    return _planted(
        "same_pixels_in_train_and_test", f"{image} is {row['split']}, {copy} {other}", image, copy
    )


@_defect("The same field once more, brighter and with other noise: other bytes, the same picture.")
def _near_duplicate(plot: Plot) -> Planted:
    image, mask = plot.image(), plot.mask()
    copy, copy_mask = plot.add(plot.rows[0], f"{Path(image).stem}_again")
    picture = plot.read(image)
    floor, white = float(picture.pixels.min()), np.iinfo(picture.pixels.dtype).max
    bright = floor + 1.2 * (picture.pixels - floor)
    noise = plot.rng.standard_normal(picture.pixels.shape) * np.sqrt(np.maximum(bright - floor, 1.0))
    pixels = np.clip(np.rint(bright + noise), 0, white).astype(picture.pixels.dtype)
    plot.write(copy, replace_pixels(picture, pixels))
    plot.write(copy_mask, plot.read(mask))
    return _planted("near_duplicate", f"{copy} is {image} at 1.2 times the light", image, copy)


@_defect("An image that is a part of another, with the mask that belongs to it.")
def _crop_of_another(plot: Plot) -> Planted:
    image, mask = plot.image(), plot.mask()
    crop, crop_mask = plot.add(plot.rows[0], f"{Path(image).stem}_zoom")
    picture, labels = plot.read(image), plot.read(mask)
    rows, columns = picture.pixels.shape[-2:]
    y, x = rows // 8, columns // 5
    window = np.s_[..., y : y + rows * 5 // 8, x : x + columns * 5 // 8]
    plot.write(crop, replace_pixels(picture, picture.pixels[window].copy()))
    plot.write(crop_mask, replace_pixels(labels, _without_slivers(labels.pixels, labels.pixels[window])))
    return _planted("crop_of_another", f"{crop} is cut from {image} at y={y}, x={x}", image, crop)


@_defect("Four tiles of one field in place of it, named as if they were four fields, in train and in test.")
def _tiles_of_one_field(plot: Plot) -> Planted:
    row, image, mask = plot.rows[0], plot.image(), plot.mask()
    picture, labels = plot.read(image), plot.read(mask)
    height, width = (side // 2 for side in picture.pixels.shape[-2:])
    names = []
    for index in range(4):
        corner = (index // 2) * height, (index % 2) * width
        window = np.s_[..., corner[0] : corner[0] + height, corner[1] : corner[1] + width]
        stem = f"{Path(image).stem}_{index + 1}"
        split = "test" if index == 3 else "train"
        tile, tile_mask = plot.add(row, stem, split=split, well="", site="")
        plot.write(tile, replace_pixels(picture, picture.pixels[window].copy()))
        plot.write(tile_mask, replace_pixels(labels, _without_slivers(labels.pixels, labels.pixels[window])))
        names.append(tile)
    plot.remove(image)
    plot.remove(mask)
    plot.table.remove(row)
    return _planted(
        "tiles_of_one_field", f"{image} cut into 2 x 2 tiles of {height} x {width} pixels", *names
    )


@_defect("An image with a tenth of its pixels at the largest value of its type: what was there is lost.")
def _saturated_image(plot: Plot) -> Planted:
    picture = plot.read(plot.image())
    white = np.iinfo(picture.pixels.dtype).max
    level = float(np.quantile(picture.pixels, 0.90))
    factor = white / max(1.0, level)
    bright = np.minimum(picture.pixels * factor, white).astype(picture.pixels.dtype)
    plot.write(plot.image(), replace_pixels(picture, bright))
    share = float((bright == white).mean())
    return _planted("saturated_image", f"{share:.1%} of the pixels are {white}", plot.image())


@_defect("An image in which all pixels have one value: the shutter was closed.")
def _constant_image(plot: Plot) -> Planted:
    picture = plot.read(plot.image())
    value = int(np.median(picture.pixels))
    plot.write(plot.image(), replace_pixels(picture, np.full_like(picture.pixels, value)))
    return _planted("constant_image", f"all pixels are {value}", plot.image())


@_defect("An image far out of focus, while its mask is sharp.")
def _blurred_image(plot: Plot) -> Planted:
    from scipy.ndimage import gaussian_filter

    picture = plot.read(plot.image())
    sigma = min(picture.pixels.shape[-2:]) / 32
    sigmas = (0.0,) * (picture.pixels.ndim - 2) + (sigma, sigma)
    soft = gaussian_filter(picture.pixels.astype(np.float32), sigmas, mode="nearest")
    noise = plot.rng.standard_normal(soft.shape) * np.sqrt(np.maximum(soft - soft.min(), 1.0))
    pixels = np.clip(np.rint(soft + noise), 0, np.iinfo(picture.pixels.dtype).max).astype(
        picture.pixels.dtype
    )
    plot.write(plot.image(), replace_pixels(picture, pixels))
    return _planted("blurred_image", f"blurred by a Gaussian of {sigma:.1f} pixels", plot.image())


@_defect("A float image with NaN in it, as a division by an empty flat field leaves them.")
def _nan_image(plot: Plot) -> Planted:
    picture = plot.read(plot.image())
    pixels = picture.pixels.astype(np.float32)
    rows, columns = pixels.shape[-2:]
    pixels[..., rows // 3 : rows // 3 + 6, columns // 4 : columns // 4 + 10] = np.nan
    plot.write(plot.image(), replace_pixels(picture, pixels))
    return _planted("nan_image", f"{int(np.isnan(pixels).sum())} pixels are NaN", plot.image())


@_defect("A TIFF says ten times the pixel size that its mask and the spreadsheet say.")
def _wrong_voxel_size(plot: Plot) -> Planted:
    picture = plot.read(plot.image())
    if not {"y", "x"} <= set(picture.scale):
        raise ValueError(f"{plot.image()} says no pixel size: write TIFF, not PNG")
    wrong = {axis: size * 10 if axis in "yx" else size for axis, size in picture.scale.items()}
    plot.write(plot.image(), Picture(picture.pixels, picture.axes, wrong, picture.channels))
    return _planted(
        "wrong_voxel_size", f"{picture.scale['x']:.4g} became {wrong['x']:.4g} micrometer", plot.image()
    )


@_defect("A file that ends in the middle, as a copy leaves it that was interrupted.")
def _truncated_file(plot: Plot) -> Planted:
    path = plot.folder / plot.image()
    content = path.read_bytes()
    part = path.with_name(".part")
    part.write_bytes(content[: len(content) // 2])
    part.replace(path)
    return _planted("truncated_file", f"{len(content) // 2} of {len(content)} bytes", plot.image())


def replace_pixels(picture: Picture, pixels: np.ndarray) -> Picture:
    """Return the same picture with other pixels."""
    return replace(picture, pixels=pixels)


def _touch(labels: np.ndarray, one: int, other: int) -> bool:
    """Tell whether two objects are neighbours, corners included."""
    from scipy.ndimage import binary_dilation

    grown = binary_dilation(labels == one, np.ones((3,) * labels.ndim, bool))
    return bool((grown & (labels == other)).any())


def _without_slivers(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return labels from which objects are removed that a cut left less than a sixth of, or in pieces."""
    from scipy.ndimage import label

    sizes = np.bincount(whole.ravel())
    kept = np.bincount(part.ravel(), minlength=len(sizes))
    result = np.where((kept < sizes / 6)[part], 0, part).astype(part.dtype)
    for number in np.unique(result[result > 0]):
        pieces, count = label(result == number)
        if count > 1:
            largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
            result[(pieces > 0) & (pieces != largest)] = 0
    return result


DEFECTS: Mapping[str, Defect] = dict(_KINDS)
"""All kinds of defects by name."""
