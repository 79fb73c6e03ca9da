"""What the training images of a model are recognised by later, without having them.

``fingerprints.json`` holds for each image checksums of its pixels, a thumbnail of 16 x 16 pixels, and the outermost
four lines of pixels along each side: what :mod:`micrographia.checks` finds copies and neighbouring tiles with. Nothing
else of an image can be restored from it.

Schema (``format`` 1)::

    {"kind": "micrographia fingerprints", "format": 1,
     "images": [{"image": id,                  in its dataset
                 "dataset": content_sha256,    of that dataset
                 "use": "train" | "validation",
                 "group": text | null,         of the column that was kept together
                 "content_sha256": text,       of pixels and axes, as in the dataset's own content hash
                 "digest": text,               of all pixels, as ImageFacts.digest
                 "fingerprint": text | null,   64 bits: the same for turned and mirrored copies
                 "axes", "shape", "dtype", "rgb",
                 "constant": [bool],           one a channel
                 "prints": null | {"shape": [rows, columns], "factor": int,
                                   "thumbnail": ARRAY, "edges": {"top"|"bottom"|"left"|"right": ARRAY}}}]}

ARRAY is ``{"dtype", "shape", "data"}``: little-endian bytes in C order, compressed by zlib, in base64. Thumbnails are
(channel, 16, 16); edges (channel, line, pixel) as in :class:`~micrographia.checks.pixel_facts_prints.Prints`.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks.pixel_facts_image import ChannelFacts, ImageFacts, measure_image
from micrographia.checks.pixel_facts_prints import SIDES, THUMBNAIL, Prints
from micrographia.dataset import Dataset
from micrographia.images import Image, content_digest
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.work import Progress, stream

Array = npt.NDArray[Any]

FILE = "fingerprints.json"
KIND, FORMAT = "micrographia fingerprints", 1
LARGEST_ARRAY = 1 << 24
"""Bytes of an array beyond which a file is taken for damaged: strips and thumbnails are far smaller."""
_TYPES = ("|u1", "<u2", "<f4")


def take_fingerprints(
    dataset: Dataset,
    uses: Mapping[str, str],
    *,
    content_sha256: str,
    groups: Mapping[str, str] | None = None,
    workers: int | None = None,
    quiet: bool = True,
) -> list[dict[str, Any]]:
    """Return the fingerprints of images of a dataset, each read once.

    Parameters
    ----------
    dataset
        The dataset.
    uses
        Image id to ``train`` or ``validation``.
    content_sha256
        Of the dataset.
    groups
        Image id to group; None where no column says.
    workers
        Threads; None for one a processor. The result does not depend on it.
    quiet
        Show no progress.

    Raises
    ------
    MicrographiaError
        If an image cannot be read.
    """
    found = []
    with Progress("fingerprints", len(uses), quiet=quiet) as progress:
        for outcome in stream(partial(_taken, dataset), list(uses), workers=workers, kind="threads"):
            entry = outcome.result()
            image = outcome.task
            entry |= {"dataset": content_sha256, "use": uses[image], "group": (groups or {}).get(image)}
            found.append(entry)
            progress.advance()
    return found


def _taken(dataset: Dataset, image: str) -> dict[str, Any]:
    with dataset.image(image) as opened:
        return fingerprint(opened, image)


def fingerprint(opened: Image, image: str) -> dict[str, Any]:
    """Return what an image is recognised by, as an entry of ``fingerprints.json`` without dataset, use and group.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    facts, _ = measure_image(opened, image)
    prints = facts.prints
    return {
        "image": image,
        "content_sha256": content_digest(opened, threads=1),
        "digest": facts.digest,
        "fingerprint": prints.fingerprint if prints else None,
        "axes": facts.axes,
        "shape": list(facts.shape),
        "dtype": facts.dtype,
        "rgb": facts.rgb,
        "constant": [bool(channel.constant) for channel in facts.channels],
        "prints": None if prints is None else _packed_prints(prints),
    }


def _packed_prints(prints: Prints) -> dict[str, Any]:
    return {
        "shape": list(prints.shape),
        "factor": prints.factor,
        "thumbnail": pack(prints.thumbnail),
        "edges": {side: pack(lines) for side, lines in prints.edges.items()},
    }


def document(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of ``fingerprints.json``."""
    head = json.dumps({"kind": KIND, "format": FORMAT})[:-1]
    lines = ",\n".join(json.dumps(dict(entry)) for entry in entries)
    return f'{head}, "images": [\n{lines}\n]}}\n'


def read_fingerprints(path: Path | str) -> dict[str, ImageFacts]:
    """Return what training images are recognised by, as :mod:`micrographia.checks` compares it.

    Parameters
    ----------
    path
        A ``fingerprints.json``, or the folder of a model.

    Returns
    -------
    dict
        ``dataset:image`` (the first 12 digits of the dataset's content hash) to facts. Statistics of channels are
        NaN but for whether a channel is constant; bands and anchors of prints are empty.

    Raises
    ------
    SegmentationError
        If it cannot be read, or was written by a newer version.
    """
    found: dict[str, ImageFacts] = {}
    place = _file(path)
    for entry in read_entries(place):
        try:
            name = f"{str(entry['dataset'])[:12]}:{entry['image']}"
            found[name] = _facts(name, entry)
        except (KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
            raise SegmentationError(place, "holds a damaged fingerprint", "Fetch the model again") from error
    return found


def read_entries(path: Path | str) -> list[dict[str, Any]]:
    """Return the entries of a ``fingerprints.json`` as they stand there; raises as :func:`read_fingerprints`."""
    place = _file(path)
    try:
        held = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SegmentationError(place, "cannot be read as JSON", "Fetch the model again") from error
    if not isinstance(held, dict) or held.get("kind") != KIND or not isinstance(held.get("images"), list):
        raise SegmentationError(place, "holds no fingerprints", "Give the fingerprints.json of a model")
    if not isinstance(held.get("format"), int) or held["format"] > FORMAT:
        raise SegmentationError(
            place,
            f"has format {held.get('format')}; this version reads up to {FORMAT}",
            "Install a newer micrographia",
        )
    return held["images"]


def _file(path: Path | str) -> Path:
    place = Path(path)
    return place / FILE if place.is_dir() else place


def _facts(name: str, entry: Mapping[str, Any]) -> ImageFacts:
    nan = math.nan
    channels = tuple(
        ChannelFacts(at, "", 0, 0, 0, 0.0, 0.0 if same else 1.0, nan, nan, nan, nan, nan, (), None, None)
        for at, same in enumerate(entry["constant"])
    )
    held = entry["prints"]
    prints = None
    if held is not None:
        edges = {side: unpack(held["edges"][side]) for side in SIDES}
        thumbnail = unpack(held["thumbnail"]).astype(np.float32)
        if thumbnail.ndim != 3 or thumbnail.shape[1:] != (THUMBNAIL, THUMBNAIL):
            raise ValueError("a thumbnail of another size")
        nothing = np.zeros((0, 2), np.int32)
        rows, columns = (int(side) for side in held["shape"])
        prints = Prints(
            (rows, columns), int(held["factor"]), edges, thumbnail, {}, nothing, np.zeros((0, 0), np.float32)
        )
    shape = tuple(int(side) for side in entry["shape"])
    return ImageFacts(
        name,
        str(entry["axes"]),
        shape,
        str(entry["dtype"]),
        bool(entry["rgb"]),
        str(entry["digest"]),
        channels,
        prints,
    )


def pack(array: Array) -> dict[str, Any]:
    """Return an array as JSON values: type, shape, and its compressed bytes as text."""
    held = np.ascontiguousarray(array)
    held = held.astype(held.dtype.newbyteorder("<"))
    data = base64.b64encode(zlib.compress(held.tobytes(), 6)).decode()
    return {"dtype": held.dtype.str, "shape": list(held.shape), "data": data}


def unpack(held: Mapping[str, Any]) -> Array:
    """Return the array that :func:`pack` wrote.

    Raises
    ------
    ValueError
        If type, shape and bytes do not belong together.
    """
    kind, shape = str(held["dtype"]), tuple(int(side) for side in held["shape"])
    if kind not in _TYPES or any(side < 0 for side in shape):
        raise ValueError(f"an array of type {kind} and shape {shape}")
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size > LARGEST_ARRAY:
        raise ValueError(f"an array of {size} bytes")
    machine = zlib.decompressobj()
    data = machine.decompress(base64.b64decode(held["data"], validate=True), size + 1)
    if len(data) != size:
        raise ValueError("an array whose bytes do not fit its shape")
    return np.frombuffer(data, kind).reshape(shape).astype(np.dtype(kind).newbyteorder("="))
