"""What MIFA answers of the responsible-AI questions of Croissant: texts for people, made from the fields of mifa.yaml.

Terms: https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html (RAI 1.0). They are a view: the fields
themselves travel beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from micrographia.exchange.croissant.terms import texts
from micrographia.metadata.taking import Plain

_ROLES = {
    "train": "Training",
    "training": "Training",
    "val": "Validation",
    "valid": "Validation",
    "validation": "Validation",
    "test": "Testing",
    "testing": "Testing",
}


def answers(plain: Plain, splits: Iterable[str] = ()) -> dict[str, Any]:
    """Return the responsible-AI properties that a description answers.

    Parameters
    ----------
    plain
        The description; values of a wrong type are passed over.
    splits
        Names of the splits.
    """
    sets = records(plain, "annotations")
    found: dict[str, Any] = {
        "rai:dataCollection": "\n".join(_collection(plain)),
        "rai:dataCollectionRawData": "\n".join(filter(None, map(_sample, records(plain, "biosamples")))),
        "rai:dataCollectionMissingData": "\n".join(_each(sets, _coverage)),
        "rai:dataPreprocessingProtocol": _preprocessing(plain, sets),
        "rai:dataAnnotationProtocol": _each(sets, _protocol),
        "rai:dataAnnotationAnalysis": _each(sets, lambda one: said(one, "annotation_confidence_level")),
        "rai:annotationsPerItem": "\n".join(_each(sets, _annotators_count)),
        "rai:annotatorDemographics": _each(sets, lambda one: "; ".join(texts(one.get("annotators")))),
        "rai:dataUseCases": _uses(plain, splits),
        "rai:dataLimitations": [
            reason for one in records(plain, "waivers") if (reason := said(one, "reason"))
        ],
        "rai:dataReleaseMaintenancePlan": "\n".join(filter(None, map(_release, records(plain, "versions")))),
    }
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in found.items()
        if value
    }


def records(plain: Plain, name: str) -> list[Plain]:
    """Return the records of a list of the description, without anything else that stands there."""
    held = plain.get(name)
    return [item for item in held if isinstance(item, dict)] if isinstance(held, list) else []


def said(record: Mapping[str, Any], *names: str) -> str:
    """Return a text of a record, or an empty one."""
    value: Any = record
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value.strip() if isinstance(value, str) else ""


def _each(sets: list[Plain], tell: Any) -> list[str]:
    told = [(said(one, "name"), tell(one)) for one in sets]
    return [f"{name}: {words}" if name and len(sets) > 1 else words for name, words in told if words]


def _labelled(pairs: Iterable[tuple[str, str]]) -> str:
    filled = [(label, words) for label, words in pairs if words]
    if len(filled) == 1 and filled[0][0] == "Method":
        return filled[0][1]
    return "\n".join(f"{label}: {words}" for label, words in filled)


def _protocol(one: Plain) -> str:
    return _labelled(
        [
            ("Overview", said(one, "annotation_overview")),
            ("Method", said(one, "annotation_method")),
            ("Criteria", said(one, "annotation_criteria")),
            ("Object", said(one, "target", "object")),
            ("Border", said(one, "target", "boundary")),
            ("Touching objects", said(one, "target", "touching")),
            ("Objects cut by the border", said(one, "target", "cut_by_border")),
            ("Objects out of focus", said(one, "target", "out_of_focus")),
        ]
    )


def _coverage(one: Plain) -> str:
    coverage = one.get("annotation_coverage")
    if not isinstance(coverage, dict):
        return ""
    annotated, total = coverage.get("annotated"), coverage.get("total")
    parts = (
        [f"{annotated} of {total} {said(coverage, 'unit')}".strip()]
        if annotated is not None and total
        else []
    )
    return "; ".join(filter(None, [*(f"annotated: {part}" for part in parts), said(coverage, "description")]))


def _annotators_count(one: Plain) -> str:
    count = len(texts(one.get("annotators")))
    return f"made by {count} annotator{'s' if count > 1 else ''}" if count else ""


def _collection(plain: Plain) -> list[str]:
    acquired = [
        "; ".join(
            filter(
                None,
                [
                    said(one, "title"),
                    said(one, "imaging_method", "value"),
                    said(one, "imaging_instrument"),
                    said(one, "image_acquisition_parameters"),
                ],
            )
        )
        for one in records(plain, "image_acquisitions")
    ]
    prepared = [
        "; ".join(
            filter(None, [said(one, "title"), said(one, "sample_preparation"), said(one, "growth_protocol")])
        )
        for one in records(plain, "specimens")
    ]
    aligned = [said(one, "spatial_and_temporal_alignment") for one in records(plain, "image_correlations")]
    labels = [("Imaging", acquired), ("Preparation", prepared), ("Alignment", aligned)]
    return [f"{label}: {words}" for label, several in labels for words in several if words]


def _sample(one: Plain) -> str:
    species = said(one, "organism", "scientific_name")
    parts = [said(one, "title"), species, said(one, "biological_entity"), said(one, "description")]
    return "; ".join(filter(None, parts))


def _preprocessing(plain: Plain, sets: list[Plain]) -> list[str]:
    analysed = [said(one, "analysis_overview") for one in records(plain, "image_analyses")]
    laid = _each(sets, lambda one: said(one, "transformations"))
    return [*filter(None, analysed), *(f"To lay annotations over their images: {words}" for words in laid)]


def _uses(plain: Plain, splits: Iterable[str]) -> list[str]:
    study = plain.get("study")
    models = texts(study.get("ai_models_trained")) if isinstance(study, dict) else []
    roles = dict.fromkeys(role for name in splits if (role := _ROLES.get(name.lower())))
    return [*roles, *(f"Trained with it: {model}" for model in models)]


def _release(one: Plain) -> str:
    parts = [f"Version {said(one, 'version')}" if said(one, "version") else ""]
    parts += [f"({said(one, 'timestamp')[:10]})" if said(one, "timestamp") else ""]
    parts += [f"replaces {said(one, 'previous_version')}" if said(one, "previous_version") else ""]
    head = " ".join(filter(None, parts))
    return ": ".join(filter(None, [head, said(one, "changes")]))
