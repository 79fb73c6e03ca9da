"""The JSON Schema of ``mifa.yaml``, for editors that complete and check while somebody types."""

from __future__ import annotations

from typing import Any

from micrographia.metadata.fields import Kind, Record, Spec, specs
from micrographia.metadata.licences import known_licences
from micrographia.metadata.mifa import FORMAT, Mifa
from micrographia.metadata.terms import imaging_methods, organisms
from micrographia.metadata.vocabulary import AnnotationType

OPEN_PATTERN = r"^\?( .*)?$"
"""What a field that is not filled in yet may hold."""


def json_schema(record: type[Record] = Mifa) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of a description.

    Parameters
    ----------
    record
        What it describes: the whole of ``mifa.yaml``, or one record of it.

    Returns
    -------
    dict
        With a description and an example for every field. It is strict, as this package writes, except that every
        field may be ``"?"`` and unknown fields are allowed.
    """
    definitions: dict[str, Any] = {}
    schema: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "mifa.yaml" if record is Mifa else record.__name__,
        **_object(record, definitions),
    }
    if record is Mifa:
        schema["required"] = ["micrographia_format"]
    schema["definitions"] = dict(sorted(definitions.items()))
    return schema


def _object(record: type[Record], definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _property(spec, definitions) for name, spec in specs(record).items()}
    return {"description": _summary(record), "type": "object", "properties": properties}


def _summary(record: type[Record]) -> str:
    return " ".join((record.__doc__ or "").split("\n\n")[0].replace("``", "").split())


def _property(spec: Spec, definitions: dict[str, Any]) -> dict[str, Any]:
    if spec.name == "micrographia_format":
        return {"description": spec.meaning, "const": FORMAT}
    value: dict[str, Any] = {
        "anyOf": [*_values(spec, definitions), {"type": "string", "pattern": OPEN_PATTERN}]
    }
    if spec.many:
        value = {"anyOf": [{"type": "array", "items": value}, {"type": "string", "pattern": OPEN_PATTERN}]}
    told = {"description": spec.meaning, **value}
    if spec.example is not None:
        told["examples"] = [
            [spec.example] if spec.many and not isinstance(spec.example, list) else spec.example
        ]
    return told


def _values(spec: Spec, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if spec.record is not None:
        name = spec.record.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(spec.record, definitions)
        return [{"$ref": f"#/definitions/{name}"}]
    if spec.number is not None:
        return [{"type": "integer" if spec.number is int else "number"}]
    if spec.choices:
        return [{"enum": list(spec.choices)}]
    if spec.kind is Kind.ANNOTATION_TYPE:
        return [{"const": str(kind), "description": kind.meaning} for kind in AnnotationType]
    known = suggested(spec)
    return [{"enum": known}, {"type": "string"}] if known else [{"type": "string"}]


def suggested(spec: Spec) -> list[str]:
    """Return the values that an editor proposes for a free text; others are as good."""
    if spec.kind is Kind.LICENCE:
        return [licence.spdx for licence in known_licences() if licence.spdx]
    if spec.kind is Kind.TAXON:
        return [term.taxon for term in organisms()]
    if spec.kind is Kind.ONTOLOGY and "FBbi" in str(spec.example):
        return [term.fbbi for term in imaging_methods()]
    if spec.name == "scientific_name":
        return [term.scientific_name for term in organisms()]
    if spec.kind is Kind.UNIT:
        return ["nanometer", "micrometer", "millimeter"]
    return []
