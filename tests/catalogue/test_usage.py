"""Usage records: gathered, verified, matched, counted once."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from micrographia.catalogue.usage import Identity, gather_usage, match_usage, models_trained
from micrographia.errors import ExchangeError
from micrographia.segmentation.training.usage import record_text, usage_record, write_record

DATASET = {
    "title": "Nuclei of kidney",
    "accession": "S-BIAD1492",
    "version": "1.0",
    "content_sha256": "c" * 64,
    "files_sha256": "f" * 64,
}
SCORE = {"name": "f1", "value": 0.871, "low": 0.832, "high": 0.904, "on": "4 images"}
MODEL = {"name": "unet", "version": "1", "sha256": "a" * 64}
TRAINING = "instance segmentation: training"
HERE = Identity("Nuclei of  Kidney", "s-biad1492", {"c" * 64: "1.0"})


def record(task: str = TRAINING, model: dict[str, str] = MODEL, **dataset: str) -> dict[str, Any]:
    return usage_record({**DATASET, **dataset}, model, task, SCORE, "2026-02-03T10:00:00+00:00")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    held = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=held.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{held.server_port}"
    held.shutdown()
    held.server_close()


def test_records_are_found_below_folders_and_counted_once(tmp_path: Path) -> None:
    one = write_record(tmp_path / "a/deep/usage", record())
    write_record(tmp_path / "b/usage", record())
    write_record(tmp_path / "b/usage", record("evaluation of instance segmentation"))
    (tmp_path / "b/result.json").write_text('{"kind": "segmentation matrix"}')
    (tmp_path / "b/package.json").write_text("[1, 2")
    found = gather_usage([tmp_path, one, tmp_path / "a"])
    assert (len(found.usages), found.copies, found.left_out) == (2, 1, [])
    training = next(usage for usage in found.usages if usage.trains)
    assert [Path(place).parent.parent.name for place in training.places] == ["deep", "b"]
    assert training.verified
    assert training.score["value"] == 0.871


def test_a_record_that_was_changed_is_told_and_left_out(tmp_path: Path) -> None:
    path = write_record(tmp_path, record())
    path.write_text(path.read_text().replace("0.871", "0.999"))
    found = gather_usage([tmp_path])
    assert found.usages == []
    (gone,) = found.left_out
    assert gone.place == str(path)
    assert "was changed" in gone.why


def test_a_record_under_another_name_is_told_and_left_out(tmp_path: Path) -> None:
    write_record(tmp_path, record()).rename(tmp_path / "mine.json")
    (gone,) = gather_usage([tmp_path]).left_out
    assert "not named by its checksum" in gone.why


@pytest.mark.parametrize(
    "held",
    [
        [],
        "text",
        {"kind": "else"},
        {**record(), "format": 2},
        {**record(), "format": [1]},
    ],
)
def test_what_is_no_record_of_this_format_is_left_out(held: Any, tmp_path: Path) -> None:
    data = json.dumps(held).encode()
    (tmp_path / "usage").mkdir()
    (tmp_path / "usage" / f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    found = gather_usage([tmp_path])
    assert (len(found.usages), len(found.left_out)) == (0, 1)


def test_files_of_caches_that_are_named_by_checksums_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{'0' * 64}.json").write_text('{"predicted": 3}')
    found = gather_usage([tmp_path])
    assert (found.usages, found.left_out) == ([], [])


def test_wrong_types_everywhere_are_read_as_nothing(tmp_path: Path) -> None:
    for odd in (None, 7, "x", [1], {"value": "high", "low": True, "on": {}}, {"value": 10**400}):
        held = {"kind": "micrographia usage record", "format": 1, "dataset": odd, "model": odd, "score": odd}
        data = json.dumps({**held, "task": odd, "made": odd}).encode()
        (tmp_path / f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    found = gather_usage([tmp_path])
    assert len(found.usages) == 6
    assert all(usage.score["value"] is None for usage in found.usages)
    assert match_usage(found.usages, Identity("", "", {})) == []


def test_deep_and_large_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "usage").mkdir()
    for data in (b"[" * 100_000 + b"]" * 100_000, b" " * (1 << 20) + b"1"):
        (tmp_path / "usage" / f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    assert len(gather_usage([tmp_path]).left_out) == 2


def test_addresses_answer_with_a_record_or_a_list(server: tuple[Path, str]) -> None:
    folder, address = server
    path = write_record(folder, record())
    other = record("evaluation of instance segmentation")
    text = record_text(other)
    listed = [
        {"sha256": hashlib.sha256(text.encode()).hexdigest(), "record": other},
        {"sha256": "0" * 64, "record": record("changed")},
        record("evaluation without a checksum"),
        "text",
    ]
    (folder / "all.json").write_text(json.dumps(listed))
    found = gather_usage([f"{address}/{path.name}", f"{address}/all.json"])
    assert sorted((usage.task, usage.verified) for usage in found.usages) == [
        ("evaluation of instance segmentation", True),
        ("evaluation without a checksum", False),
        (TRAINING, True),
    ]
    assert [gone.why.split(":")[0] for gone in found.left_out] == [
        "its checksum is not the one beside it",
        "it is no usage record",
    ]


def test_an_address_that_lies_is_told(server: tuple[Path, str]) -> None:
    folder, address = server
    (folder / f"{'0' * 64}.json").write_text(record_text(record()))
    assert "was changed" in gather_usage([f"{address}/{'0' * 64}.json"]).left_out[0].why
    (folder / "page").write_text("no record")
    with pytest.raises(ExchangeError, match="no JSON"):
        gather_usage([f"{address}/page"])
    with pytest.raises(ExchangeError):
        gather_usage([f"{address}/none.json"])


def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="does not exist"):
        gather_usage([tmp_path / "none"])


@pytest.mark.parametrize(
    ("dataset", "by"),
    [
        ({}, "content"),
        ({"accession": "", "title": ""}, "content"),
        ({"content_sha256": "d" * 64}, "accession"),
        ({"content_sha256": "", "accession": ""}, "title"),
        ({"content_sha256": "d" * 64, "accession": "S-BIAD1", "title": "Nuclei of liver"}, None),
        ({"content_sha256": "", "accession": "", "title": ""}, None),
    ],
)
def test_records_are_matched_by_the_surest_means(
    dataset: dict[str, str], by: str | None, tmp_path: Path
) -> None:
    write_record(tmp_path, record(**dataset))
    matches = match_usage(gather_usage([tmp_path]).usages, HERE)
    assert [match.by for match in matches] == ([by] if by else [])
    assert models_trained(matches) == ([f"nih:sha-256;{'a' * 64}"] if by in ("content", "accession") else [])


def test_nothing_matches_by_being_empty(tmp_path: Path) -> None:
    write_record(tmp_path, record(content_sha256="", accession="", title=""))
    assert match_usage(gather_usage([tmp_path]).usages, Identity("", "", {"": "1"})) == []


def test_a_model_with_an_address_is_named_by_it(tmp_path: Path) -> None:
    write_record(tmp_path, record(model={**MODEL, "url": "https://example.org/unet"}))
    write_record(tmp_path, record(model={**MODEL, "url": "javascript:alert(1)", "name": "other"}))
    write_record(tmp_path, record(model={"name": "no checksum", "version": "", "sha256": ""}))
    matches = match_usage(gather_usage([tmp_path]).usages, HERE)
    assert sorted(models_trained(matches)) == ["https://example.org/unet", f"nih:sha-256;{'a' * 64}"]


def test_scores_of_training_are_read_under_their_own_names(tmp_path: Path) -> None:
    score = {"metric": "f1@0.5", "value": 0.9, "images": 3, "note": "optimistic", "tp": 9}
    write_record(tmp_path, usage_record(DATASET, MODEL, TRAINING, score, "2026-02-03"))
    (usage,) = gather_usage([tmp_path]).usages
    assert (usage.score["name"], usage.score["on"], usage.score["value"]) == (
        "f1@0.5",
        "3 validation images",
        0.9,
    )
