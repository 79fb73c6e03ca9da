"""What is written is valid by the schemas of DataCite and of CFF."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings

from conftest import missing
from exchange.citation.cases import DESCRIPTIONS, EVIL, HOOKE, WHOLE, submission
from metadata.descriptions import CALM
from micrographia import metadata
from micrographia.exchange import Exported, Submission, export, file_table, read_submission

CHECK = r"""
import json, pathlib, sys
import check_jsonschema, datacite, yaml
from jsonschema import Draft201909Validator, Draft7Validator, FormatChecker
here = pathlib.Path(datacite.__file__).parent / "schemas/datacite-v4.5.json"
vendor = pathlib.Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor/citation-file-format.json"
held = {
    "datacite": Draft201909Validator(json.loads(here.read_text())),
    "cff": Draft7Validator(json.loads(vendor.read_text()), format_checker=FormatChecker()),
}
class Loader(yaml.SafeLoader):
    pass
# The schema asks to read dates as text.
Loader.yaml_implicit_resolvers = {
    key: [one for one in held if one[0] != "tag:yaml.org,2002:timestamp"]
    for key, held in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
told = {}
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    kind = "datacite" if path.suffix == ".json" else "cff"
    document = json.loads(path.read_text("utf-8")) if kind == "datacite" else yaml.load(path.read_text("utf-8"), Loader)
    told[name] = [f"{list(e.absolute_path)}: {e.message[:300]}" for e in held[kind].iter_errors(document)]
print(json.dumps(told))
"""


def errors(*exports: Exported) -> dict[str, list[str]]:
    """Return what the schemas find wrong in documents that lack nothing that is required."""
    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    paths = [str(done.path) for done in exports]
    done = subprocess.run(
        [python, "-c", CHECK, *paths], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: found for name, found in json.loads(done.stdout).items() if found}


SAMPLES = [
    WHOLE,
    {
        "study": {
            **WHOLE["study"],
            "license": "free for academic use",
            "doi": "no doi",
            "accession": "S-BSST1",
        }
    },
    {
        "study": {
            **WHOLE["study"],
            "title": EVIL,
            "description": EVIL,
            "keywords": [EVIL, EVIL],
            "authors": [HOOKE, HOOKE],
        }
    },
    {"study": {**WHOLE["study"], "doi": "https://doi.org/10.1000.10/123 4", "license": "CC-BY-3.0-DE"}},
]


@pytest.mark.validators
def test_made_descriptions_are_valid(tmp_path: Path) -> None:
    done = []
    for number, sample in enumerate(SAMPLES):
        one = submission(sample, files=True)
        done.append(export(one, "datacite", tmp_path / f"{number}.json"))
        done.append(export(one, "cff", tmp_path / f"{number}.cff"))
    assert all(one.valid for one in done)
    assert errors(*done) == {}


@pytest.mark.validators
def test_any_description_that_lacks_nothing_is_valid(tmp_path: Path) -> None:
    done: list[Exported] = []

    @settings(CALM, database=None)
    @given(DESCRIPTIONS)
    def write(plain: dict[str, object]) -> None:
        study = plain.get("study")
        base = {"title": "Cork", "release_date": "2024-11-26", "accession": "S-BIAD1", "authors": [HOOKE]}
        one = submission({**plain, "study": {**base, **(study if isinstance(study, dict) else {})}})
        number = len(done)
        done.append(export(one, "datacite", tmp_path / f"{number}.json", {"publisher": "Zenodo"}))
        done.append(export(one, "cff", tmp_path / f"{number}.cff"))

    write()
    valid = [one for one in done if one.valid]
    assert len(valid) > 40
    assert errors(*valid) == {}


@pytest.mark.validators
@pytest.mark.real_data
def test_real_datasets_are_valid(data: Path, tmp_path: Path) -> None:
    given_ = [
        Submission(metadata.read_archive(data / "mifa_examples", name), file_table([]))
        for name in ("S-BIAD599", "S-BIAD634")
    ]
    found = sorted((data / "bia_records").rglob("S-*.json"))
    given_ += [
        read_submission(path, "pagetab") for path in found if "section" in json.loads(path.read_bytes())
    ]
    done = []
    for number, one in enumerate(given_):
        done.append(export(one, "datacite", tmp_path / f"{number}.json", {"publisher": "BioImage Archive"}))
        done.append(export(one, "cff", tmp_path / f"{number}.cff"))
    valid = [one for one in done if one.valid]
    assert len(valid) > 30
    assert errors(*valid) == {}
