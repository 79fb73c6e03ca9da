from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, drop, put, run_case, uncovered

CASES = [
    Case("M040", drop("biosamples"), level=Level.ABSENT),
    Case("M040", drop("biosamples[0].organism"), level=Level.ABSENT),
    Case(
        "M040",
        drop("biosamples[0].organism.ncbi_taxon"),
        says="write NCBITaxon:9606",
        level=Level.PRESENT,
    ),
    Case(
        "M040",
        drop("biosamples[0].organism.scientific_name"),
        says="write Homo sapiens",
        level=Level.PRESENT,
    ),
    Case(
        "M040",
        put("biosamples[0].organism.ncbi_taxon", "NCBITaxon:10090"),
        says="not NCBITaxon:10090",
        level=Level.SPECIFIC,
    ),
    Case(
        "M040",
        put("biosamples[0].organism", {"scientific_name": "Volvox carteri", "ncbi_taxon": "NCBITaxon:3067"}),
        fires=0,
    ),
    Case("M041", drop("biosamples[0].biological_entity"), level=Level.ABSENT),
    Case("M041", put("biosamples[0].biological_entity", "sample"), level=Level.PRESENT),
    Case("M041", put("biosamples[0].biological_entity", "kidney"), fires=0),
    Case("M042", drop("specimens"), level=Level.ABSENT),
    Case("M042", put("specimens[0].sample_preparation", "DAPI"), level=Level.PRESENT),
    Case("M042", put("specimens[0].sample_preparation", "fixed in methanol"), fires=0),
    Case("M043", drop("image_acquisitions"), level=Level.ABSENT, also={"M044", "M045"}),
    Case("M043", drop("image_acquisitions[0].imaging_method"), level=Level.ABSENT),
    Case(
        "M043",
        put("image_acquisitions[0].imaging_method", {"value": "CLSM"}),
        says="FBbi:00000251",
        level=Level.PRESENT,
    ),
    Case(
        "M043",
        put("image_acquisitions[0].imaging_method", {"value": "a new one"}),
        says="ols4",
        level=Level.PRESENT,
    ),
    Case(
        "M043",
        put("image_acquisitions[0].imaging_method", {"value": "x", "ontology_id": "FBbi:00000251"}),
        fires=0,
    ),
    Case("M044", drop("image_acquisitions[0].imaging_instrument"), level=Level.ABSENT),
    Case("M044", put("image_acquisitions[0].imaging_instrument", "microscope"), level=Level.PRESENT),
    Case("M044", put("image_acquisitions[0].imaging_instrument", "Leica SP8"), fires=0),
    Case("M045", drop("image_acquisitions[0].image_acquisition_parameters"), level=Level.ABSENT),
    Case(
        "M045",
        put("image_acquisitions[0].image_acquisition_parameters", "?"),
        level=Level.ABSENT,
        also={"M033"},
    ),
    Case("M045", put("image_acquisitions[0].image_acquisition_parameters", "405 nm"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.rembi", CASES)
