"""HDF5 exports of ilastik: the dataset `exported_data` with its `axistags`.

| ilastik | here |
|---|---|
| Simple Segmentation (uint8, no 0 in it) | a label image of kind `semantic`; 1 is the first label class |
| Object Identities, Object Predictions (0 is background) | a label image: `instance`, or `semantic` |
| `axistags` | axes; a channel axis of size 1 is dropped |
| Probabilities (several channels, or floats) | refused: threshold them first |

In a Simple Segmentation every pixel has a class, and one of them, often the last or the first, is the
background: the file does not say which, so nothing is taken for background. Tables, class names, sets and
layers have no place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.codes import finding
from micrographia.annotations.files import replaced
from micrographia.annotations.formats.base import ReadOptions, file_name, split_images, uncarried
from micrographia.annotations.masks.objects import label_facts
from micrographia.annotations.model import Annotations, Mask, MaskKey
from micrographia.errors import AnnotationError
from micrographia.findings import Finding
from micrographia.images import Image, Region

KEY = "exported_data"
MAX_CLASSES = 256
FLAGS = {"t": 8, "c": 1, "z": 2, "y": 2, "x": 2}
"""What `typeFlags` says of an axis: 1 channel, 2 space, 8 time."""


@dataclass(frozen=True)
class Ilastik:
    """HDF5 exports of ilastik."""

    api_version: int = 1
    name: str = "ilastik"
    title: str = "ilastik HDF5"
    extensions: tuple[str, ...] = (".h5", ".hdf5")

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file is HDF5 with a dataset `exported_data`."""
        if not head.startswith(b"\x89HDF\r\n\x1a\n"):
            return False
        import h5py

        try:
            with h5py.File(path, "r") as file:
                return isinstance(file.get(KEY), h5py.Dataset)
        except (OSError, RuntimeError, ValueError, KeyError):
            return False

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file lazily; see the table above."""
        labels = _open(path)
        facts = label_facts(labels)
        filled = facts.foreground == facts.pixels and facts.maximum <= MAX_CLASSES
        few = facts.maximum <= MAX_CLASSES and "prediction" in path.name.lower()
        image = options.image_of(
            path, "_simple segmentation.h5", "_object predictions.h5", "_object identities.h5", ".h5", ".hdf5"
        )
        result = Annotations()
        kind = "semantic" if filled or few else "instance"
        result.masks[MaskKey(image, options.set_name)] = Mask(labels, kind)
        result.sizes[image] = (labels.size("Y"), labels.size("X"))
        if filled:
            message = (
                f"every pixel has one of {facts.labels} classes; the file does not say which is background"
            )
            result.findings.append(finding("N011", message, path, fix="Set the background class to 0"))
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a file, or a folder of one an image; see the table above."""
        if not path.suffix:
            return [
                note
                for image, part in split_images(annotations)
                for note in self.write(part, path / f"{file_name(image)}.h5")
            ]
        findings = uncarried(annotations, self.title, {}, path, masks=True)
        if len(annotations.masks) != 1:
            problem = f"an ilastik file holds one label image, not {len(annotations.masks)}"
            raise AnnotationError(path, problem, "Give a path without an ending")
        ((key, mask),) = annotations.masks.items()
        if key.set:
            findings.append(
                finding("N006", f"{self.title} has no place for the set {key.set!r}", path, field="set")
            )
        _write(mask.labels, path)
        return findings


class _Pixels:
    """Reads regions of the dataset; opens the file for each, so that nothing is open when it is pickled."""

    def __init__(
        self, path: Path, order: tuple[int, ...], dropped: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self.path = path
        self.order = order
        self.dropped = dropped
        self.dtype = dtype

    def read(self, region: Region) -> npt.NDArray[Any]:
        import h5py

        at = dict(zip(self.order, region, strict=True)) | {axis: slice(0, 1) for axis in self.dropped}
        try:
            with h5py.File(self.path, "r") as file:
                block = file[KEY][tuple(at[axis] for axis in sorted(at))]
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise AnnotationError(self.path, f"cannot be read: {error}") from error
        block = np.transpose(block, (*self.order, *self.dropped))
        return np.ascontiguousarray(block.reshape(block.shape[: len(self.order)]), self.dtype)

    def close(self) -> None:
        """Nothing stays open."""


def _open(path: Path) -> Image:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            data = file.get(KEY)
            if not isinstance(data, h5py.Dataset):
                raise AnnotationError(path, f"has no dataset {KEY!r}", "Export it from ilastik again")
            if data.external or data.is_virtual:
                raise AnnotationError(path, "keeps its pixels in other files, which are not followed")
            shape, dtype = tuple(int(size) for size in data.shape), data.dtype
            axes = _axes(data, path)
            chunks = data.chunks
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(path, f"is no HDF5 file that can be read: {error}") from error
    if dtype.kind not in "ui" or dict(zip(axes, shape, strict=True)).get("c", 1) > 1:
        problem = f"holds {dtype} with axes {axes} {shape}, which are no labels"
        raise AnnotationError(path, problem, "Export a Simple Segmentation or Object Identities")
    if 0 in shape:
        raise AnnotationError(path, f"is empty: its shape is {shape}")
    kept = [axes.index(axis) for axis in "tzyx" if axis in axes]
    dropped = tuple(axes.index(axis) for axis in axes if axis == "c")
    native = dtype.newbyteorder("=")
    return Image(
        _Pixels(path, tuple(kept), dropped, native),
        path=path,
        member=KEY,
        axes="".join(axes[index] for index in kept).upper(),
        shape=[shape[index] for index in kept],
        dtype=native,
        block_shape=[min(chunks[index], shape[index]) for index in kept] if chunks else None,
        file_format="HDF5",
    )


def _axes(data: Any, path: Path) -> str:
    said = data.attrs.get("axistags")
    keys: list[Any] = []
    try:
        text = said.decode() if isinstance(said, bytes) else said
        keys = [axis["key"] for axis in json.loads(text)["axes"]] if isinstance(text, str) else []
    except (ValueError, KeyError, TypeError, RecursionError, UnicodeDecodeError):
        keys = []
    usual = {2: "yx", 3: "zyx", 4: "zyxc", 5: "tzyxc"}
    axes = "".join(keys) if all(isinstance(key, str) for key in keys) else ""
    if len(axes) != data.ndim:
        axes = usual.get(data.ndim, "")
    if len(set(axes)) != len(axes) or len(axes) != data.ndim or not set("yx") <= set(axes) <= set("tzyxc"):
        raise AnnotationError(
            path, f"has axes {axes!r} for a shape of {data.shape}", "Export it from ilastik again"
        )
    return axes


def _write(labels: Image, path: Path) -> None:
    import h5py

    axes = labels.axes.replace("C", "").lower() + "c"
    shape = [labels.size(axis.upper()) for axis in axes[:-1]] + [1]
    tags = {
        "axes": [{"key": axis, "typeFlags": FLAGS[axis], "resolution": 0, "description": ""} for axis in axes]
    }
    with replaced(path) as target:
        try:
            with h5py.File(target, "w", track_order=True) as file:
                chunks = tuple(
                    min(size, 1 if axis in "tc" else 64 if axis == "z" else 256)
                    for axis, size in zip(axes, shape, strict=True)
                )
                data = file.create_dataset(
                    KEY, shape, labels.dtype, chunks=chunks, compression="gzip", compression_opts=2
                )
                data.attrs["axistags"] = json.dumps(tags)
                for region in labels.blocks():
                    block = labels.read(region)
                    at = [part for axis, part in zip(labels.axes, region, strict=True) if axis != "C"]
                    sizes = [part.stop - part.start for part in at]
                    data[(*at, slice(0, 1))] = block.reshape([*sizes, 1])
        except (RuntimeError, ValueError) as error:
            raise AnnotationError(path, f"cannot be written: {error}") from error
