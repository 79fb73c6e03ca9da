"""Instances for networks that know classes only: the core of each object and its border, and objects from both."""

from __future__ import annotations

import numpy as np

from micrographia.loading.exports.sample import Array

CORE, BORDER = 1, 2


def border_core(labels: Array, thickness: int = 1) -> tuple[Array, int]:
    """Return where the cores of objects are (1), where their borders (2), and background (0).

    The border of an object is its pixels within ``thickness`` steps (corners count) of what is not the object. Each
    connected part of an object keeps one connected core: of several the largest, and of one that is all border the
    pixel farthest from its edge.

    Parameters
    ----------
    labels
        Instances ([Z,] Y, X), 0 is background.
    thickness
        Of the border in pixels.

    Returns
    -------
    classes : ndarray
        uint8, shape of ``labels``.
    confused : int
        How many objects will not come back as one object of their own from :func:`objects_from_core`: they have several
        parts, or a core that touches another's.
    """
    from scipy import ndimage
    from skimage.segmentation import find_boundaries

    from micrographia.annotations import semantic_to_instance

    classes = np.where(labels != 0, BORDER, 0).astype(np.uint8)
    if not labels.any():
        return classes, 0
    parts, table = semantic_to_instance(labels)
    label_of = np.concatenate([[0], table.sort_values("label_id")["class_id"].to_numpy(np.int64)])
    inner = parts.astype(np.int64)
    for _ in range(thickness):
        inner[find_boundaries(inner, connectivity=labels.ndim, mode="inner")] = 0
    core = _largest(inner) | _deepest(parts, np.setdiff1d(np.arange(1, len(label_of)), inner))
    classes[core] = CORE
    pieces, _ = ndimage.label(core, np.ones((3,) * labels.ndim, bool))
    pairs = np.unique(np.stack([pieces[core], parts[core]]), axis=1)
    touching = pairs[1][np.bincount(pairs[0])[pairs[0]] > 1]
    ids, counts = np.unique(label_of[1:], return_counts=True)
    return classes, len(set(ids[counts > 1].tolist()) | set(label_of[touching].tolist()))


def _largest(inner: Array) -> Array:
    """Return where the largest connected piece of each part is; parts do not touch."""
    from scipy import ndimage

    pieces, count = ndimage.label(inner != 0, np.ones((3,) * inner.ndim, bool))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    owner = np.zeros(count + 1, np.int64)
    owner[pieces.ravel()] = inner.ravel()
    best: dict[int, int] = {}
    for piece in range(1, count + 1):
        part = int(owner[piece])
        if part not in best or sizes[piece] > sizes[best[part]]:
            best[part] = piece
    kept = np.zeros(count + 1, bool)
    kept[list(best.values())] = True
    found: Array = kept[pieces]
    return found


def _deepest(parts: Array, wanted: Array) -> Array:
    """Return the pixel of each wanted part that is farthest from its edge."""
    from scipy import ndimage

    found = np.zeros(parts.shape, bool)
    boxes = ndimage.find_objects(parts) if len(wanted) else []
    for part in wanted.tolist():
        box = boxes[part - 1]
        depth = ndimage.distance_transform_edt(np.pad(parts[box] == part, 1))[(slice(1, -1),) * parts.ndim]
        at = np.unravel_index(int(np.argmax(depth)), depth.shape)
        found[tuple(side.start + step for side, step in zip(box, at, strict=True))] = True
    return found


def objects_from_core(classes: Array) -> Array:
    """Return objects from cores and borders: each connected core (corners count) grows into the border around it.

    An object that touches no other comes back as it was. Where objects touch, a border pixel goes to the core that is
    fewer steps away.

    Parameters
    ----------
    classes
        ([Z,] Y, X) of 0, 1 (core) and 2 (border), as a network predicts them; other values count as background.

    Returns
    -------
    ndarray
        int32 labels 1, 2, 3 ...; border without a core is background.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    cores, _ = ndimage.label(classes == CORE, np.ones((3,) * classes.ndim, bool))
    inside = (classes == CORE) | (classes == BORDER)
    flat = np.zeros(classes.shape, np.uint8)
    grown: Array = watershed(flat, cores, connectivity=classes.ndim, mask=inside)
    return grown.astype(np.int32)
