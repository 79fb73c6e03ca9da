"""The JSON Schema: valid itself, takes what this package writes, refuses what it would have to coerce."""

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator

from metadata.descriptions import CALM, PLAIN
from micrographia.metadata import AnnotationSet, json_schema, template
from micrographia.metadata.lab import Lab
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse

VALIDATOR = Draft7Validator(json_schema())


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(json_schema())
    Draft7Validator.check_schema(json_schema(Lab))
    assert json_schema() == json.loads(json.dumps(json_schema()))


def test_every_field_is_described() -> None:
    schema = json_schema()
    for properties in [
        schema["properties"],
        *(record["properties"] for record in schema["definitions"].values()),
    ]:
        for name, told in properties.items():
            assert told["description"], name
    assert schema["definitions"]["AnnotationSet"]["properties"]["annotation_type"]["examples"] == [
        ["segmentation_mask"]
    ]


@CALM
@given(PLAIN)
def test_strict_descriptions_are_valid(values: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors({"micrographia_format": 1, **values})) == []


def test_a_fresh_template_is_valid() -> None:
    text = template({"annotations": [{"name": "a", "annotation_type": ["counts"], "classes": [{"id": 1}]}]})
    assert list(VALIDATOR.iter_errors(plain(parse(text).root))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"micrographia_format": 2},
        {},
        {"micrographia_format": 1, "study": {"keywords": "nucleus"}},
        {"micrographia_format": 1, "annotations": [{"annotation_type": ["mask"]}]},
        {"micrographia_format": 1, "annotations": [{"mask_kind": "fuzzy"}]},
        {"micrographia_format": 1, "annotations": [{"annotation_coverage": "all"}]},
        {"micrographia_format": 1, "voxel_size": {"z": "1"}},
        {"micrographia_format": 1, "versions": [{"version": 1.0}]},
    ],
)
def test_what_would_be_coerced_is_not_valid(wrong: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(wrong))


def test_a_part_has_a_schema_too() -> None:
    schema = json_schema(AnnotationSet)
    assert schema["title"] == "AnnotationSet"
    assert "required" not in schema
