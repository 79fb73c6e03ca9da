from pathlib import Path

import pytest

from planting import Case, both, drop, put, run_case, uncovered


def listed(name):
    return lambda b: [r.update({"study component": name}) for r in b.rows if r["role"] == "image"]


TITLED = both(put("biosamples[0].title", "HeLa"), put("image_acquisitions[0].title", "Wide field"))


def associated(**names):
    return both(TITLED, put("study_components[0].associations", [names]))


CASES = [
    Case("M046", drop("study_components[0].description"), says="no description of the study component"),
    Case("M046", put("study_components[0].description", "Images"), says="too little"),
    Case("M046", lambda b: b.remove("study_components"), fires=0),
    Case("M047", associated(biosample="HeLa", image_acquisition="wide  field"), fires=0),
    Case(
        "M047", associated(biosample="HeLa", image_acquisition="Wide-field"), says="did you mean Wide field?"
    ),
    Case("L019", listed("DAPI fields"), fires=0),
    Case("L019", listed("DAPI"), fires=2, says="not described"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.components", CASES)
