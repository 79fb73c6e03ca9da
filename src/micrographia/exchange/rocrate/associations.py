"""Which sample, preparation and acquisition belong together: lists of the archive, associations of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Kind(NamedTuple):
    """How a module of the study stands in a crate.

    Parameters
    ----------
    type
        Its type.
    property
        What a dataset refers to it by.
    word
        How its ids begin.
    """

    type: str
    property: str
    word: str


KINDS: dict[str, Kind] = {
    "biosamples": Kind("bia:BioSample", "associatedBiologicalEntity", "biosample"),
    "specimens": Kind(
        "bia:SpecimenImagingPreparationProtocol",
        "associatedSpecimenImagingPreparationProtocol",
        "preparation",
    ),
    "image_acquisitions": Kind(
        "bia:ImageAcquisitionProtocol", "associatedImageAcquisitionProtocol", "acquisition"
    ),
    "image_correlations": Kind(
        "bia:ImageCorrelationMethod", "associatedImageCorrelationMethod", "correlation"
    ),
    "image_analyses": Kind("bia:ImageAnalysisMethod", "associatedImageAnalysisMethod", "analysis"),
}
"""Part of the model to how it stands in a crate."""

FIELDS: dict[str, str] = {
    "biosample": "biosamples",
    "specimen": "specimens",
    "image_acquisition": "image_acquisitions",
    "image_correlation": "image_correlations",
    "image_analysis": "image_analyses",
}
"""Field of an association to the part of the model that it names a record of."""


def inferred(names: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Return the associations that lists of names mean.

    Lists of one length go together entry by entry, a single entry goes with all; otherwise nothing says what belongs
    together, and every entry stands alone.

    Parameters
    ----------
    names
        Field of an association to names.

    Examples
    --------
    >>> inferred({"biosample": ["leaf", "root"], "specimen": ["fixed"]})
    [{'biosample': 'leaf', 'specimen': 'fixed'}, {'biosample': 'root', 'specimen': 'fixed'}]
    """
    filled = {field: list(found) for field, found in names.items() if found}
    count = max(map(len, filled.values()), default=0)
    if all(len(found) in (1, count) for found in filled.values()):
        return [
            {field: found[number if len(found) > 1 else 0] for field, found in filled.items()}
            for number in range(count)
        ]
    return [{field: name} for field, found in filled.items() for name in found]
