"""What is written as Croissant, as mlcroissant reads it: no errors, no warnings, and records that load."""

import http.server
import json
import os
import re
import subprocess
import threading
from functools import partial

import pytest

from conftest import missing
from exchange.cork import cork
from micrographia.dataset.origin import Origin
from micrographia.exchange import Submission, described, export, file_table, read_submission

READ = """
import json, sys
import mlcroissant as mlc

def shown(value):
    value = value.decode() if isinstance(value, bytes) else value
    return value if isinstance(value, (int, str, float)) else str(type(value))

told = {}
for path in sys.argv[2:]:
    dataset = mlc.Dataset(path)
    issues = dataset.metadata.issues
    entry = {"errors": sorted(issues.errors), "warnings": sorted(issues.warnings), "records": {}}
    for one in dataset.metadata.record_sets:
        if sys.argv[1] == "all" or one.data:
            records = list(dataset.records(one.uuid))
            first = {key.split("/")[-1]: shown(value) for key, value in records[0].items()}
            entry["records"][one.uuid] = [len(records), first]
    told[path] = entry
print(json.dumps(told))
"""


def judged(which, *paths, cache):
    """Return what mlcroissant says: errors, warnings, and of each record set its length and first record."""
    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    environment = {**os.environ, "CROISSANT_CACHE": str(cache)}
    command = [python, "-c", READ, which, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(done.stdout).values())


@pytest.mark.validators
def test_folders_are_valid_and_load(tmp_path):
    raw, converted = cork(tmp_path, converted=False), None
    (tmp_path / "other").mkdir()
    converted = cork(tmp_path / "other", converted=True)
    paths = [export(one, "croissant", one.path).path for one in (raw, converted)]
    paths.append(export(raw, "croissant", raw.path / "objects.json", {"files": "objects"}).path)
    of_raw, of_converted, of_objects = judged("all", *paths, cache=tmp_path / "cache")
    for one in (of_raw, of_converted, of_objects):
        assert (one["errors"], one["warnings"]) == ([], [])
        assert one["records"]["images"][0] == 4
        assert one["records"]["splits"][1]["url"] == "cr:TrainingSplit"
    pixels = of_raw["records"]["pixels-images-tif-image"]
    assert pixels[0] == 4
    assert pixels[1]["image"] == "plateA_A01_s1"
    assert "Image" in pixels[1]["content"]
    count, first = of_converted["records"]["table-objects"]
    assert count > 3
    assert (first["image"], first["set"], first["label_id"]) == ("plateA_A01_s1", "masks", 1)


@pytest.mark.validators
def test_tables_load_from_a_web_server(tmp_path):
    dataset = cork(tmp_path, converted=True)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=dataset.path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_port}/"
        submission = Submission.of(dataset)
        submission.origin = Origin("mifa", "", base)
        export(submission, "croissant", dataset.path)
        (told,) = judged("all", f"{base}croissant.json", cache=tmp_path / "cache")
        assert read_submission(f"{base}croissant.json").origin.files == base
    finally:
        server.shutdown()
        server.server_close()
    assert (told["errors"], told["warnings"]) == ([], [])
    assert told["records"]["table-objects"][1]["image"] == "plateA_A01_s1"


@pytest.mark.validators
@pytest.mark.real_data
def test_real_records_are_valid(data, tmp_path):
    records = sorted((data / "bia_records").glob("*.json"))
    records += [path for path in (data / "bia_records").iterdir() if path.is_dir()]
    records += sorted((data / "mifa_examples").glob("Study_*.yaml"))
    done = [
        export(read_submission(path), "croissant", tmp_path / f"{n}.json") for n, path in enumerate(records)
    ]
    for one, exported in zip(judged("data", *[one.path for one in done], cache=tmp_path), done, strict=True):
        assert one["errors"] == []
        said = " ".join(finding.message for finding in exported.findings)
        for warning in one["warnings"]:
            named = re.search(r'Property "\S+/(\w+)"|(MAJOR)', warning)[1] or "1.0.0"
            assert named in said, warning


@pytest.mark.validators
def test_hostile_text_stays_valid(tmp_path):
    words = '</script><script>alert(1)</script>"\\ \u2028 {{x}} @id %20 \U0001f52c'
    plain = {
        "study": {
            "title": words,
            "description": words,
            "keywords": [words],
            "license": words,
            "doi": words,
            "accession": words,
            "release_date": words,
            "authors": [{"author_last_name": words, "email": words, "organisation": [words]}],
        },
        "annotations": [
            {"name": words, "annotation_method": words, "annotation_type": [words], "classes": [words]}
        ],
        "versions": [{"version": words, "timestamp": words, "changes": words}],
    }
    rows = [
        {"Files": f"{words}/{n}.tif", "role": "image", "image": words + str(n), "split": words, words: words}
        for n in "ab"
    ]
    submission = Submission(described(plain), file_table(rows))
    done = export(submission, "croissant", tmp_path / "c.json")
    (told,) = judged("data", done.path, cache=tmp_path / "cache")
    assert told["errors"] == []
    assert told["records"]["files"][0] == 2
