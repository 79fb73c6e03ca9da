"""Fields: each says what it means, with an example, and has one name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM, PLAIN, described
from micrographia.metadata import AnnotationSet, AnnotationType, Author, Coverage, Mifa, Record, Study, Waiver
from micrographia.metadata.document import from_dict
from micrographia.metadata.fields import as_plain, field_name, specs, spellings
from micrographia.metadata.lab import Lab
from micrographia.metadata.values import convert, valid


def models(model: type[Record]) -> set[type[Record]]:
    found = {model}
    for spec in specs(model).values():
        if spec.record:
            found |= models(spec.record)
    return found


NAMES = sorted({name for model in models(Mifa) for name in specs(model)} | {"odd"})
MODELS = sorted(models(Mifa) | {Lab}, key=lambda model: model.__name__)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_meaning_and_every_scalar_an_example(model: type[Record]) -> None:
    assert model.__doc__
    for name, spec in specs(model).items():
        assert spec.meaning.endswith((".", "fbbi", "ror.org", "orcid.org")), name
        assert spec.record or spec.example is not None, name
        if spec.kind:
            for example in spec.example if isinstance(spec.example, list) else [spec.example]:
                made = convert(spec.kind, str(example))
                assert (made.value, made.code) == (str(example), ""), name
                assert valid(spec.kind, str(example))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_spelling_stands_for_two_fields(model: type[Record]) -> None:
    names = [word for spec in specs(model).values() for word in {spec.name, *spec.also}]
    assert len(names) == len(set(names))
    assert set(spellings(model)) >= set(specs(model))
    assert model.text_field in ("", "name", *specs(model))
    assert model.key_field in ("", *specs(model))


def test_names_are_found_in_any_spelling() -> None:
    assert field_name(Study, "Funding-statement") == "funding_statement"
    assert field_name(Study, "LICENCE") == "license"
    assert field_name(AnnotationSet, "Annotation Type") == "annotation_type"
    assert field_name(Study, "colour") is None
    assert field_name(None, "title") is None


def test_the_eleven_fields_of_the_paper_are_there() -> None:
    eleven = {
        "authors", "annotation_overview", "annotation_type", "annotation_method", "annotation_confidence_level",
        "annotation_criteria", "annotation_coverage", "source_image_association", "transformations",
        "spatial_information", "annotation_completion_time",
    }  # fmt: skip
    assert eleven <= set(specs(AnnotationSet))


def test_plain_keeps_what_is_unknown_or_unreadable() -> None:
    author = Author(author_last_name="Hooke", shoe_size=9)  # type: ignore[call-arg]
    author.unread["email"] = {"at": "home"}
    assert author.plain() == {"author_last_name": "Hooke", "email": {"at": "home"}, "shoe_size": 9}
    assert author.name == "Hooke"
    assert not author.is_empty
    assert Waiver().is_empty
    assert Coverage(annotated=3.0, total=4.5).plain() == {"annotated": 3, "total": 4.5}


def test_foreign_numbers_and_texts_become_plain() -> None:
    values = {
        "a": np.int64(3),
        "b": np.float32(0.5),
        "c": (AnnotationType.COUNTS, Path("x")),
        "d": 2.0,
        "e": 1e20,
        7: None,
    }
    assert as_plain(values) == {"a": 3, "b": 0.5, "c": ["counts", "x"], "d": 2, "e": 1e20, "7": None}
    assert [type(item) for item in as_plain(values)["c"]] == [str, str]
    assert type(as_plain(values)["a"]) is int


def test_an_empty_description_is_only_its_format() -> None:
    assert Mifa().plain() == {"micrographia_format": 1}
    assert Mifa().study.is_empty


@CALM
@given(PLAIN)
def test_a_strict_description_reads_as_itself(values: dict[str, Any]) -> None:
    mifa = described(values)
    assert mifa.plain() == {"micrographia_format": 1, **values}
    assert mifa == Mifa.model_validate(mifa.model_dump())


@CALM
@given(written=st.recursive(
    st.sampled_from([None, "", "?", "x", 3, True, [], {}]),
    lambda held: st.lists(held, max_size=2) | st.dictionaries(st.sampled_from(NAMES), held, max_size=3),
    max_leaves=12,
))  # fmt: skip
def test_empty_is_what_has_nothing_to_write(written: Any) -> None:
    mifa = from_dict({"study": written, "biosamples": written, "voxel_size": written, "odd": written}).mifa
    records = [mifa.study, mifa.voxel_size, *mifa.biosamples, *mifa.study.authors, *mifa.study.publications]
    for record in records:
        if isinstance(record, Record):
            assert record.is_empty is (not record.plain())
