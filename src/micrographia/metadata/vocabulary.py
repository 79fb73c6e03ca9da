"""Words with a fixed meaning: annotation types, roles, kinds of mask; with synonyms and suggestions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from micrographia.metadata.remembering import remembered


class AnnotationType(StrEnum):
    """The kinds of annotation that MIFA knows."""

    CLASS_LABELS = "class_labels"
    BOUNDING_BOXES = "bounding_boxes"
    COUNTS = "counts"
    DERIVED_ANNOTATIONS = "derived_annotations"
    GEOMETRICAL_ANNOTATIONS = "geometrical_annotations"
    GRAPHS = "graphs"
    POINT_ANNOTATIONS = "point_annotations"
    SEGMENTATION_MASK = "segmentation_mask"
    TRACKS = "tracks"
    WEAK_ANNOTATIONS = "weak_annotations"
    OTHER = "other"

    @property
    def meaning(self) -> str:
        """What the type is, in a few words."""
        return _TYPES[self][0]


_TYPES: dict[AnnotationType, tuple[str, str]] = {
    AnnotationType.CLASS_LABELS: (
        "names of what is in an image, a region or an object",
        (
            "class label, classification, classifications, class annotation, class annotations, image classification,"
            "image level labels, category labels, categories, tags, phenotype labels"
        ),
    ),
    AnnotationType.BOUNDING_BOXES: (
        "upright rectangles around objects",
        "bounding box, bbox, bboxes, box, boxes, box annotations, detection boxes, object detection",
    ),
    AnnotationType.COUNTS: (
        "how many objects an image holds",
        "count, counting, cell count, cell counts, object count, object counts, number of objects",
    ),
    AnnotationType.DERIVED_ANNOTATIONS: (
        "values computed from the images, such as a point spread function or a focus score",
        "derived annotation, derived, derived data, image derived annotations, measurements, features",
    ),
    AnnotationType.GEOMETRICAL_ANNOTATIONS: (
        "outlines as geometry: polygons, ellipses, meshes",
        (
            "geometrical annotation, geometric annotation, geometric annotations, geometry, geometries, polygon,"
            "polygons,"
            "polygon annotations, shape, shapes, roi, rois, regions of interest, contour, contours, mesh, meshes"
        ),
    ),
    AnnotationType.GRAPHS: (
        "nodes and edges: skeletons, networks, neighbourhoods",
        "graph, graph annotation, graph annotations, skeleton, skeletons, network, networks",
    ),
    AnnotationType.POINT_ANNOTATIONS: (
        "coordinates of single places: centres, landmarks",
        (
            "point annotation, point, points, keypoint, keypoints, key points, landmark, landmarks, centroid,"
            "centroids,"
            "dot annotations, spots, seeds"
        ),
    ),
    AnnotationType.SEGMENTATION_MASK: (
        "an image of the same size in which each pixel says what it belongs to",
        (
            "segmentation masks, segmentation, segmentations, mask, masks, label mask, label masks, label image,"
            "label images, labelmap, labelmaps, label map, instance segmentation, instance masks, instance mask,"
            "semantic segmentation, semantic mask, semantic masks, binary mask, binary masks, pixel labels,"
            "segmentation mask annotations, ground truth masks, ground truth segmentation"
        ),
    ),
    AnnotationType.TRACKS: (
        "the way of objects through time",
        "track, tracking, cell tracking, cell tracks, trajectory, trajectories, track annotations",
    ),
    AnnotationType.WEAK_ANNOTATIONS: (
        "quick and rough marks that do not give the exact outline",
        "weak annotation, weak label, weak labels, scribble, scribbles, scribble annotations, rough annotations",
    ),
    AnnotationType.OTHER: ("anything else; say what in the overview", "others, other annotations"),
}

CREDIT_ROLES: dict[str, str] = {
    "conceptualization": "conceptualisation",
    "data curation": "data curator, data steward, curation",
    "formal analysis": "data analysis, data analyst, analysis",
    "funding acquisition": "",
    "investigation": "investigator, data acquisition, data aquisition, experiment performer",
    "methodology": "method development",
    "project administration": "",
    "resources": "",
    "software": "software development, programming",
    "supervision": "principal investigator",
    "validation": "",
    "visualization": "visualisation",
    "writing - original draft": "writing, original draft",
    "writing - review & editing": "writing - review and editing, review and editing",
}
"""The fourteen roles of CRediT to other words for them."""

MASK_KINDS: dict[str, str] = {
    "instance": "instances, instance segmentation, instance mask, instance masks, labels per object",
    "semantic": "semantic segmentation, semantic mask, semantic masks, classes, class mask",
    "binary": "foreground, binary mask, binary masks, foreground mask",
}
"""What the pixel values of a mask mean, to other words for it."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a word was recognised as.

    Parameters
    ----------
    value
        The canonical word, or None.
    exact
        Whether the word was written in canonical form.
    suggestions
        Canonical words that look like it, best first; empty where ``value`` is given.
    """

    value: str | None
    exact: bool = False
    suggestions: tuple[str, ...] = ()


@remembered
def slug(text: str) -> str:
    """Return ``text`` in lower case with one underscore for everything between its words."""
    return re.sub(r"[\W_]+", "_", text.strip().lower()).strip("_")


def match_word(text: str, words: Mapping[str, str | Iterable[str]]) -> Match:
    """Look a word up in a vocabulary.

    Parameters
    ----------
    text
        What somebody wrote; case, spaces, hyphens and underscores do not matter.
    words
        Canonical word to its synonyms, as a list or separated by commas.

    Examples
    --------
    >>> match_word("Cat", {"felis": "cat, cats"})
    Match(value='felis', exact=False, suggestions=())
    """
    spellings: dict[str, str] = {}
    for canonical, synonyms in words.items():
        listed = synonyms.split(",") if isinstance(synonyms, str) else synonyms
        for word in (canonical, *listed):
            if slug(word):
                spellings.setdefault(slug(word), canonical)
    return _lookup(text, spellings, words)


def _lookup(text: str, spellings: Mapping[str, str], words: Iterable[str]) -> Match:
    found = spellings.get(slug(text))
    if found is not None:
        return Match(found, exact=text in set(words))
    close = difflib.get_close_matches(slug(text)[:80], spellings, n=6, cutoff=0.72)
    return Match(None, suggestions=tuple(dict.fromkeys(spellings[word] for word in close))[:3])


@cache
def _type_spellings() -> dict[str, str]:
    spellings = {slug(kind): str(kind) for kind in AnnotationType}
    for kind, (_, synonyms) in _TYPES.items():
        for word in synonyms.split(","):
            spellings.setdefault(slug(word), str(kind))
    return spellings


def annotation_type(text: str) -> Match:
    """Look an annotation type up.

    Examples
    --------
    >>> annotation_type("Segmentation masks").value
    'segmentation_mask'
    >>> annotation_type("segmentaton mask").suggestions
    ('segmentation_mask',)
    """
    return _lookup(text, _type_spellings(), [str(kind) for kind in AnnotationType])


def credit_role(text: str) -> Match:
    """Look a contributor's role up among the fourteen of CRediT.

    Examples
    --------
    >>> credit_role("Writing – review and editing").value
    'writing - review & editing'
    """
    return match_word(
        text.replace("&", " and "),
        {role: f"{words}, {role.replace('&', 'and')}" for role, words in CREDIT_ROLES.items()},
    )


def mask_kind(text: str) -> Match:
    """Look up what the pixel values of a mask mean: ``instance``, ``semantic`` or ``binary``."""
    return match_word(text, MASK_KINDS)
