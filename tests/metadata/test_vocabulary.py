"""Vocabulary: synonyms, near misses, and no word with two meanings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.metadata import AnnotationType, annotation_type, credit_role, mask_kind
from micrographia.metadata.vocabulary import _TYPES, CREDIT_ROLES, MASK_KINDS, match_word, slug


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("segmentation_mask", "segmentation_mask"),
        ("Segmentation masks", "segmentation_mask"),
        ("label image", "segmentation_mask"),
        ("Bounding Box", "bounding_boxes"),
        ("bbox", "bounding_boxes"),
        ("polygons", "geometrical_annotations"),
        ("points", "point_annotations"),
        ("class labels", "class_labels"),
        ("classification", "class_labels"),
        ("Cell counts", "counts"),
        ("scribbles", "weak_annotations"),
        ("trajectories", "tracks"),
        ("skeleton", "graphs"),
    ],
)
def test_synonyms_of_annotation_types(text: str, kind: str) -> None:
    match = annotation_type(text)
    assert match.value == kind
    assert match.exact == (text == kind)


@pytest.mark.parametrize("text", ["segmentaton mask", "segmentation-maks", "Segmentation_mas"])
def test_near_misses_are_suggested_not_taken(text: str) -> None:
    match = annotation_type(text)
    assert match.value is None
    assert match.suggestions[0] == "segmentation_mask"


def test_what_looks_like_nothing_gets_no_suggestion() -> None:
    assert annotation_type("zebrafish").suggestions == ()
    assert annotation_type("").value is None


def test_every_type_has_a_meaning_and_no_synonym_has_two() -> None:
    owners: dict[str, AnnotationType] = {}
    for kind in AnnotationType:
        assert kind.meaning
        for word in _TYPES[kind][1].split(","):
            assert owners.setdefault(slug(word), kind) is kind, word
        assert annotation_type(str(kind)).exact


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Writing – review & editing", "writing - review & editing"),
        ("writing - review and editing", "writing - review & editing"),
        ("Data curation", "data curation"),
        ("visualisation", "visualization"),
        ("software development", "software"),
    ],
)
def test_credit_roles(text: str, role: str) -> None:
    assert credit_role(text).value == role


def test_there_are_fourteen_credit_roles() -> None:
    assert len(CREDIT_ROLES) == 14
    assert all(credit_role(role).value == role for role in CREDIT_ROLES)


def test_mask_kinds() -> None:
    assert mask_kind("Instance segmentation").value == "instance"
    assert mask_kind("foreground").value == "binary"
    assert {mask_kind(kind).value for kind in MASK_KINDS} == {"instance", "semantic", "binary"}


@CALM
@given(st.text(max_size=100))
def test_no_text_breaks_a_lookup(text: str) -> None:
    match = match_word(text, {"felis": "cat, cats"})
    assert (match.value is None) or slug(text) in ("felis", "cat", "cats")
