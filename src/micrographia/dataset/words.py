"""The words that labs put into names: which say image, which say annotation, which name a channel."""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal["image", "annotation", ""]

IMAGE_WORDS = frozenset(
    "image images img imgs raw rawimage rawimages rawdata input inputs source sources original originals "
    "photo photos picture pictures frame frames volume volumes intensity".split()
)
ANNOTATION_WORDS = frozenset(
    "mask masks msk msks label labels lbl lbls labelled labeled seg segs segm segmentation segmentations segmented "
    "gt gts groundtruth groundtruths truth annotation annotations annot annots annotated target targets instance "
    "instances semantic labelmap labelmaps roi rois outline outlines".split()
)
_BESIDE = frozenset({"ground", "cp", "man", "manual", "binary", "png", "tif", "tiff"})
"""Words without a meaning of their own that belong to an annotation word beside them (``cp_masks``)."""

CHANNEL_WORDS: dict[str, str] = {
    "dapi": "nucleus",
    "hoechst": "nucleus",
    "draq5": "nucleus",
    "h2b": "nucleus",
    "dna": "nucleus",
    "er": "endoplasmic reticulum",
    "rna": "nucleoli and RNA",
    "agp": "actin, Golgi, plasma membrane",
    "mito": "mitochondria",
    "actin": "actin",
    "phalloidin": "actin",
    "tubulin": "microtubules",
    "membrane": "membrane",
    "fitc": "",
    "tritc": "",
    "gfp": "",
    "egfp": "",
    "rfp": "",
    "bfp": "",
    "cfp": "",
    "yfp": "",
    "mcherry": "",
    "mscarlet": "",
    "tdtomato": "",
    "texasred": "",
    "cy3": "",
    "cy5": "",
    "cy7": "",
    "alexa488": "",
    "alexa555": "",
    "alexa568": "",
    "alexa647": "",
    "af488": "",
    "af555": "",
    "af568": "",
    "af647": "",
    "brightfield": "brightfield",
    "bf": "brightfield",
    "dic": "brightfield",
    "phase": "brightfield",
    "trans": "brightfield",
}
"""Word in a file name to what the channel usually shows; empty where the word names only a dye or protein."""

_NUMBERED_CHANNEL = re.compile(r"(?:(?:ch|channel|w|wv)\d{1,2}|c\d)", re.IGNORECASE)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[A-Za-z]*")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")


def tokens(text: str) -> tuple[str, ...]:
    """Split a name into lower-case words: at separators, at capitals, and between letters and a number.

    Examples
    --------
    >>> tokens("B7_DAPI_001_MaskNuclei")
    ('b', '7', 'dapi', '001', 'mask', 'nuclei')
    >>> tokens("img2d")
    ('img', '2d')
    """
    return tuple(part.lower() for part in _PARTS.findall(text))


def fields(text: str) -> tuple[str, ...]:
    """Split a name at its separators only (``_``, ``-``, ``.``, space), keeping case.

    Examples
    --------
    >>> fields("B7_01_1_3_DAPI")
    ('B7', '01', '1', '3', 'DAPI')
    """
    return tuple(part for part in _SEPARATORS.split(text) if part)


def is_channel(field: str) -> bool:
    """Tell whether a field of a file name is a usual name of a channel (``DAPI``, ``w2``, ``ch01``)."""
    return field.lower() in CHANNEL_WORDS or bool(_NUMBERED_CHANNEL.fullmatch(field))


def meaning(words: tuple[str, ...]) -> Meaning:
    """Say what the words of one name claim; annotation wins over image (``raw_mask``), label-free means nothing."""
    found: Meaning = ""
    for at, word in enumerate(words):
        if word in ANNOTATION_WORDS and words[at + 1 : at + 2] != ("free",):
            return "annotation"
        if word in IMAGE_WORDS:
            found = "image"
    return found


def without_meaning(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that are neither image nor annotation words: what two names must share to be a pair."""
    kept = []
    for at, word in enumerate(words):
        if word in IMAGE_WORDS or word in ANNOTATION_WORDS:
            continue
        neighbours = words[max(0, at - 1) : at + 2]
        if word in _BESIDE and any(near in ANNOTATION_WORDS for near in neighbours):
            continue
        if words[at - 1 : at + 1] == ("man", "track") or words[at : at + 2] == ("man", "track"):
            continue  # of the Cell Tracking Challenge
        kept.append(word)
    return tuple(kept)
