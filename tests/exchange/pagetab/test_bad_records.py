"""Records that nobody should write: a clear error, or findings with everything kept; never a traceback."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.pagetab.records import IMAGES, MASKS, listed, real, record, section
from micrographia.errors import ExchangeError, MicrographiaError
from micrographia.exchange import export, import_submission, read_submission, unnamed_differences
from micrographia.exchange.pagetab import PAGETAB, read_record
from micrographia.exchange.source import Source

ODD: list[Any] = [
    None, 1, 1.5, True, [], {}, [1], "", "x", "<script>alert(1)</script>", [[[]]], {"a": {"b": [1]}}, "a\tb\nc",
    "\ud800", "x" * 5000, -1e308, [None], {"name": "n"}, "../x", "o1",
]  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [None, 3, "text", [], [1, 2], {}, {"section": None}, {"section": []}, {"accno": "S-1"}, {"section": "x"}],
)
def test_what_is_no_record(document: Any) -> None:
    with pytest.raises(ExchangeError, match="is no PageTab record"):
        read_record(document)


def test_a_record_that_holds_itself() -> None:
    document = record()
    document["section"]["subsections"].append(document["section"])
    with pytest.raises(ExchangeError, match="too deep, or holds itself"):
        read_record(document)


@pytest.mark.parametrize("depth", [300, 1000, 100_000])
def test_a_record_a_thousand_deep(depth: int, tmp_path: Path) -> None:
    text = '{"section":' + '{"type":"Study","subsections":[' * depth + "]}" * depth + "}"
    (tmp_path / "S-BIAD1.json").write_text(text)
    with pytest.raises(ExchangeError, match="too deep"):
        read_submission(tmp_path, "pagetab")


def test_organisations_that_refer_to_one_another() -> None:
    def place(accno: str, other: str) -> dict[str, Any]:
        made = section("organisation", accno, Name=f"College {accno}")
        made["attributes"].append({"name": "affiliation", "value": other, "reference": True})
        return made

    author = section("author", "", Name="Robert Hooke")
    author["attributes"].append({"name": "affiliation", "value": "o1", "reference": True})
    found = read_record(record(author, place("o1", "o2"), place("o2", "o1"), place("o3", "o3")))
    assert [one.organisation_name for one in found.mifa.study.authors[0].organisation] == ["College o1"]
    assert [one.message for one in found.findings if one.code == "E008"] == [
        'sections refer to one another in a circle: "o1 > o2 > o1"'
    ]
    assert len(found.origin.kept) == 4  # o2, o3, the reference of o1, accession numbers


def test_accession_numbers_that_occur_twice() -> None:
    author = section("author", "", Name="Robert Hooke")
    author["attributes"].append({"name": "affiliation", "value": "o1", "reference": True})
    places = [section("organisation", "o1", Name=name) for name in ("first", "second")]
    found = read_record(record(author, *places))
    assert [one.organisation_name for one in found.mifa.study.authors[0].organisation] == ["first"]
    assert [one.value for one in found.origin.kept if one.at == "study/sections"] == [places[1]]
    assert "E012" in {one.code for one in found.findings}


@pytest.mark.parametrize("odd", [3, [3], None, {"value": "x"}, {"name": 3}, {"name": "", "value": "x"}])
def test_attributes_of_another_shape_are_kept(odd: Any) -> None:
    document = record(section("Biosample", "", Title="B"))
    document["section"]["subsections"][0]["attributes"].append(odd)
    found = read_record(document)
    assert found.mifa.biosamples[0].title == "B"
    assert [one.code for one in found.findings] == ["E009"]
    assert [one.value for one in found.origin.kept] == [odd]


@pytest.mark.parametrize("subsections", [3, {"a": 1}, [3], [None], ["x"], [[3]]])
def test_sections_of_another_shape_are_kept(subsections: Any) -> None:
    document = record()
    document["section"]["subsections"] = subsections
    found = read_record(document)
    assert [one.at for one in found.origin.kept] == ["study/odd subsections"]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


@pytest.mark.real_data
def test_broken_real_records_are_read_or_refused(data: Path, tmp_path: Path) -> None:
    """Some hundred records with odd things planted: what is read comes back, or every difference is named."""
    rng = random.Random(5)
    documents = [json.loads(path.read_text("utf-8")) for path in real(data) if path.stat().st_size < 20_000]
    lists = {"images.json": [listed("a.tif")], "masks.json": [listed("m.tif", Source_image="a.tif")]}
    read = 0
    for number in range(40):
        broken = copy.deepcopy([rng.choice([*documents, record(IMAGES, MASKS)]), lists])
        for _ in range(rng.choice([1, 2, 6])):
            at = rng.choice(list(places(broken[rng.choice([0, 0, 1])])))
            target = broken[0] if rng.random() < 0.7 else broken[1]
            for step in at[:-1]:
                target = target[step] if isinstance(target, dict) and step in target else None
            if isinstance(target, dict) and at[-1] in target:
                target[at[-1]] = copy.deepcopy(rng.choice(ODD))
            else:
                target = broken[0]
                for step in (at := rng.choice(list(places(broken[0]))))[:-1]:
                    target = target[step]
                target[at[-1]] = copy.deepcopy(rng.choice(ODD))
        try:
            before = read_record(*broken)
        except MicrographiaError:
            continue
        read += 1
        done = export(before, "pagetab", tmp_path / str(number), {"format": rng.choice(["json", "tsv"])})
        after = read_submission(done.path, "pagetab")
        assert unnamed_differences(before, after, done.findings) == []
    assert read > 20


def test_scripts_are_texts() -> None:
    script = "</script><script>alert(1)</script>"
    found = read_record(record(section("author", "", Name=script), Description=script, **{script: script}))
    assert found.mifa.study.description == script
    assert found.origin.kept[0].value == {"name": script, "value": script}


def test_a_folder_with_several_records(tmp_path: Path) -> None:
    for name in ("S-BIAD1", "S-BIAD2"):
        (tmp_path / f"{name}.json").write_text(json.dumps(record(accno=name)))
    assert PAGETAB.matches(Source(tmp_path))
    with pytest.raises(ExchangeError, match="holds 2 records"):
        read_submission(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExchangeError, match="holds no PageTab record"):
        read_submission(tmp_path / "empty", "pagetab")


def test_nothing_is_left_of_an_import_that_failed(tmp_path: Path) -> None:
    (tmp_path / "S-BIAD1.json").write_text('{"section": 3}')
    with pytest.raises(ExchangeError):
        import_submission(tmp_path / "S-BIAD1.json", tmp_path / "out", "pagetab")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "text", "is_one"),
    [
        ("a.json", '{"accno": "S-1", "section": {}}', True),
        ("a.json", '{"@context": "x", "section": 1}', False),
        ("a.json", "[1]", False),
        ("a.tsv", "Submission\tS-1\n", True),
        ("a.tsv", "Files\timage\n", False),
        ("a.bin", "\ufeffSubmission\tS-1\n", True),
    ],
)
def test_recognised_by_its_beginning(name: str, text: str, is_one: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert PAGETAB.matches(Source(tmp_path / name)) is is_one


@pytest.mark.parametrize(
    "address",
    [
        "https://www.ebi.ac.uk/biostudies/api/v1/studies/S-BIAD1492",
        "https://www.ebi.ac.uk/biostudies/files/S-BIAD1492/S-BIAD1492.json",
    ],
)
def test_recognised_by_its_address(address: str) -> None:
    assert PAGETAB.matches(Source(address))
