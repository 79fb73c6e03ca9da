"""Crates that are wrong: a clear error or findings, what can be read is read, nothing is lost, nothing is fetched."""

from __future__ import annotations

import json
import re
import socket
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.rocrate.crates import CONTEXT, DESCRIPTOR, ORCID, archive, codes, file_list, read, root, write
from micrographia.dataset import open_dataset
from micrographia.errors import ExchangeError, MicrographiaError
from micrographia.exchange import Submission, differing, export, import_submission, read_submission

SCRIPT = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was to be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def kept(submission: Submission) -> str:
    return json.dumps([one.value for one in submission.origin.kept], ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[]", "has no @graph"),
        ('"x"', "has no @graph"),
        ("null", "has no @graph"),
        ('{"@context": []}', "has no @graph"),
        ('{"@graph": 5}', "is no list"),
        ('{"@graph": null}', "is no list"),
        ('{"@graph": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"@graph": [' + '{"a": ' * 300 + "1" + "}" * 300 + "]}", "nested too deep"),
    ],
)
def test_what_is_no_crate_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "ro-crate-metadata.json").write_text(text)
    with pytest.raises(ExchangeError, match=problem):
        read_submission(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ro-crate-metadata.json").write_bytes(b'{"@graph": ["\xff"]}')
    with pytest.raises(ExchangeError, match="UTF-8"):
        read_submission(tmp_path)


@pytest.mark.parametrize(
    ("graph", "code"),
    [
        ({"@id": "./", "@type": "Dataset", "name": "Cells"}, "E009"),
        ([DESCRIPTOR, root(), 5, "x", None, ["y"]], "E009"),
        ([DESCRIPTOR, root(), {"@type": "Person", "name": "nobody"}], "E009"),
        (
            [DESCRIPTOR, root(author={"@id": 7}), {"@id": 7, "@type": "Person", "name": "Robert Hooke"}],
            "E009",
        ),
        ([DESCRIPTOR, root(), root(name="Other")], "E012"),
        ([root()], "E010"),
        ([{"@id": "x", "@type": "Dataset", "name": "Cells"}], "E010"),
        ([DESCRIPTOR | {"about": {"@id": "#none"}}, root()], "E007"),
        ([DESCRIPTOR, root(author={"@id": "#none"})], "E007"),
        (
            [
                DESCRIPTOR,
                root(hasPart=[{"@id": "#a"}]),
                {"@id": "#a", "@type": "Dataset", "hasPart": {"@id": "./"}},
            ],
            "E008",
        ),
    ],
)
def test_the_rest_is_read_and_the_fault_is_told(tmp_path: Path, graph: Any, code: str) -> None:
    found = read(tmp_path, graph)
    assert found.mifa.study.title == "Cells"
    assert code in codes(found)


def test_nothing_that_is_odd_is_lost(tmp_path: Path) -> None:
    graph = [
        DESCRIPTOR,
        root(
            author=[{"@id": "#none"}, 5.5, True, None, ["x"], {"a": {"b": "odd"}}],
            name=["Cells", "Second", 7],
        ),
        root(name="Twice"),
        {"@type": "Person", "name": "nobody"},
        "loose",
        {
            "@id": "#t",
            "@type": ["bia:BioSample", 5],
            "title": {"@id": "#none"},
            "biologicalEntityDescription": False,
        },
    ]
    found = read(tmp_path, graph, sneaky="x")
    assert found.mifa.study.title == "Cells"
    for word in ("Second", "Twice", "nobody", "loose", "odd", "#none", "false", "true", "7"):
        assert word in kept(found) or word in json.dumps(found.mifa.plain()), word


def test_a_crate_without_a_root_is_kept_whole(tmp_path: Path) -> None:
    graph = [{"@id": "#a", "@type": "Thing", "name": "A"}, {"@id": "#b", "@type": "Thing", "name": "B"}]
    found = read(tmp_path, graph)
    assert "E010" in codes(found)
    assert found.mifa.plain() == {"micrographia_format": 1}
    assert [one.value for one in found.origin.kept] == graph


@pytest.mark.parametrize(
    "context",
    [
        "https://example.org/context.jsonld",
        ["https://w3id.org/ro/crate/1.1/context", "http://127.0.0.1:9/context"],
        [{"@import": "https://example.org/context.jsonld"}],
        ["file:///etc/passwd"],
    ],
)
def test_no_context_is_fetched(tmp_path: Path, context: Any) -> None:
    graph, text = archive("title")
    found = read(tmp_path, graph, context, file_list__tsv=text)
    assert codes(found).count("E011") == 1
    assert found.mifa.study.title == "Cork"
    assert found.mifa.specimens[0].sample_preparation == "With a penknife"
    assert "example.org" in kept(found) or "127.0.0.1" in kept(found) or "passwd" in kept(found)


@pytest.mark.parametrize(
    "context",
    [
        {"name": "title", "title": "name"},
        {"a": "b:x", "b": "c:x", "c": "a:x", "name": "a:name"},
        {"name": 5, "@vocab": 7, "x": {"@id": ["y"]}, "y": {"@reverse": "schema:name"}},
        [5, None, [], {"name": None}],
        {"@vocab": "https://example.org/"},
    ],
)
def test_odd_contexts_are_told_or_followed(tmp_path: Path, context: Any) -> None:
    found = read(
        tmp_path, [DESCRIPTOR, root(), {"@id": "#p", "@type": "Person", "name": "x"}], [CONTEXT, context]
    )
    assert found.mifa.study.title == "Cells" or "Cells" in kept(found)


def test_terms_in_a_circle_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, [DESCRIPTOR, root(colour="brown")], [CONTEXT, {"colour": "hue", "hue": "colour"}])
    assert "E008" in codes(found)
    assert "brown" in kept(found)


@pytest.mark.parametrize(
    "path",
    [
        "../x.tif",
        "/etc/passwd",
        "file:///etc/passwd",
        "a/../../x",
        "C:/x",
        "a//b",
        "a\\b",
        "s3://bucket/x",
        "",
    ],
)
def test_paths_that_lead_out_are_not_listed_and_are_kept(tmp_path: Path, path: str) -> None:
    entities, text = file_list(
        ["file_path", "type"], ["a.tif", "http://bia/Image"], [path, "http://bia/Image"]
    )
    parts = [{"@id": path, "@type": "File"}] if path else []
    graph = [DESCRIPTOR, root(hasPart=[{"@id": path}] if path else []), *parts, *entities]
    found = read(tmp_path, graph, file_list__tsv=text)
    assert list(found.files["Files"]) == ["a.tif"]
    assert "E006" in codes(found)
    assert {"file_path": path, "type": "http://bia/Image"} in [one.value for one in found.origin.kept]
    import_submission(tmp_path / "crate", tmp_path / "dataset")
    assert sorted(one.name for one in (tmp_path / "dataset").iterdir()) == [
        "files.tsv",
        "mifa.yaml",
        "origin.json",
    ]


@pytest.mark.parametrize("name", ["../list.tsv", "/etc/passwd", "file:///etc/passwd", "gone.tsv"])
def test_a_file_list_elsewhere_is_not_read(tmp_path: Path, name: str) -> None:
    entities, text = file_list(["file_path"], ["a.tif"], name=name)
    (tmp_path / "list.tsv").write_text(text)
    found = read(tmp_path, [DESCRIPTOR, root(), *entities])
    assert len(found.files) == 0
    assert {"E006", "E010"} & set(codes(found))


def test_file_lists_that_are_no_such_thing(tmp_path: Path) -> None:
    entities, _ = file_list(["file_path", "dataset"])
    for number, (text, code) in enumerate(
        [
            ("path\tother\nx.tif\ty\n", "E009"),
            ("file_path\tdataset\na.tif\nb.tif\t#gone\textra\nc.tif\t#gone\n", "E009"),
            ("file_path\na.tif\n", "E010"),
            ("file_path\tdataset\na.tif\t./\na.tif\t./\n", "E012"),
            ("file_path\tdataset\na.tif\t#gone\n", "E007"),
            ("", ""),
            ('file_path\tdataset\n"open\t', "E009"),
        ]
    ):
        found = read(tmp_path / str(number) if (tmp_path / str(number)).mkdir() is None else tmp_path,
                     [DESCRIPTOR, root(), *entities], file_list__tsv=text)  # fmt: skip
        assert not code or code in codes(found), text
        for line in text.splitlines()[1:]:
            for cell in line.split("\t"):
                assert cell == "./" or cell.strip('"') in kept(found) + found.files.to_string(), (text, cell)


def test_a_script_is_text_everywhere(tmp_path: Path) -> None:
    graph, text = archive("title")

    def spoilt(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoilt(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [spoilt(item, key) for item in value]
        safe = key.startswith("@") or key in ("columnName", "propertyUrl", "license", "datePublished")
        return value if safe or not isinstance(value, str) else f"{value} {SCRIPT}"

    found = read(tmp_path, [graph[0], *spoilt(graph[1:])], file_list__tsv=text.replace("d1", SCRIPT))
    assert found.mifa.study.title == f"Cork {SCRIPT}"
    assert set(found.files["donor"]) == {SCRIPT, "d2"}
    done = export(found, "rocrate", tmp_path / "again")
    assert differing(found, read_submission(done.path)) == []
    folder = tmp_path / "dataset"
    import_submission(tmp_path / "crate", folder)
    assert open_dataset(folder).mifa.study.title == f"Cork {SCRIPT}"


def test_characters_that_no_file_can_hold(tmp_path: Path) -> None:
    folder = write(tmp_path / "crate", [DESCRIPTOR, root(description="half \ud800", size=1)])
    text = (
        (folder / "ro-crate-metadata.json")
        .read_text()
        .replace('"size": 1', '"size": 1e999, "n": NaN, "\\udfff": "k"')
    )
    (folder / "ro-crate-metadata.json").write_text(text)
    import_submission(folder, tmp_path / "dataset")
    assert open_dataset(tmp_path / "dataset").mifa.study.description == "half ?"
    export(open_dataset(tmp_path / "dataset"), "rocrate", tmp_path / "again")


def test_a_large_crate_is_read_in_time(tmp_path: Path) -> None:
    people = [{"@id": f"#p{n}", "@type": "Thing", "name": "x" * 500} for n in range(20_000)]
    long = root(description="x" * 5_000_000, hasPart=[{"@id": one["@id"]} for one in people])
    start = time.monotonic()
    found = read(tmp_path, [DESCRIPTOR, long, *people])
    assert time.monotonic() - start < 30
    assert len(found.mifa.study.description or "") == 5_000_000
    assert sum(one.at == "entity" for one in found.origin.kept) == 20_000
    assert len(found.findings) < 10


def test_a_ring_of_parts_is_followed_once(tmp_path: Path) -> None:
    count = 5_000
    ring = [
        {
            "@id": f"d{n}/",
            "@type": "Dataset",
            "hasPart": [{"@id": f"d{(n + 1) % count}/"}],
            "author": {"@id": "#p"},
        }
        for n in range(count)
    ]
    person = {"@id": "#p", "@type": "Person", "name": "Robert Hooke", "affiliation": {"@id": "#p"}}
    found = read(tmp_path, [DESCRIPTOR, root(author={"@id": "#p"}, hasPart=[{"@id": "d0/"}]), *ring, person])
    assert codes(found).count("E008") == 1
    assert found.mifa.study.authors[0].name == "Robert Hooke"


def test_fields_of_ours_that_fit_nowhere_are_kept(tmp_path: Path) -> None:
    said = [
        ("waivers[5].code", "P004"),
        ("study.title.x", 1),
        ("[[[", 2),
        ('["a", {}]', 3),
        ("[" * 9000, 4),
        ("", 5),
    ]
    values = [
        {"@id": f"#v{n}", "@type": "PropertyValue", "propertyID": f"micrographia:{path}", "value": value}
        for n, (path, value) in enumerate(said)
    ]
    found = read(
        tmp_path, [DESCRIPTOR, root(additionalProperty=[{"@id": one["@id"]} for one in values]), *values]
    )
    assert "P004" in kept(found)
    assert "E009" in codes(found)
    whole = kept(found) + json.dumps(found.mifa.plain())
    for path, _ in said[2:5]:
        assert json.dumps(f"micrographia:{path}")[1:-1] in whole


def test_names_of_ids_are_no_paths(tmp_path: Path) -> None:
    graph = [
        DESCRIPTOR,
        root(author={"@id": "../../x"}),
        {"@id": "../../x", "@type": "Person", "name": "Robert Hooke"},
    ]
    found = read(tmp_path, graph)
    assert found.mifa.study.authors[0].orcid_id is None
    export(found, "rocrate", tmp_path / "again")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["again", "crate"]


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
              st.sampled_from(["./", "#a", "#b", ORCID, "Dataset", "bia:Study", "../x", "http://bia/Image"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["@id", "@type", "@value", "@list", "name", "title", "author", "hasPart", "license",
                             "funding", "seeAlso", "additionalProperty", "propertyID", "value", "tableSchema", "column",
                             "associatedAnnotationMethod", "associatedBiologicalEntity", "organismClassification",
                             "hasVersion", "relatedPublication", "identifier", "mentions", "about"]),
            inner, max_size=5),
    ),
    max_leaves=25,
)  # fmt: skip
TYPES = st.sampled_from(
    ["Dataset", "File", "Person", "bia:Study", "bia:Dataset", "bia:MifaDataset", "bia:BioSample", "bia:FileList",
     "bia:AnnotationMethod", "bia:SpecimenImagingPreparationProtocol", "bia:ImageAcquisitionProtocol", "PropertyValue",
     "bia:Publication", "bia:ExternalReference"]
)  # fmt: skip
ENTITIES = st.builds(
    lambda junk, kind, name: (junk if isinstance(junk, dict) else {"x": junk}) | {"@id": name, "@type": kind},
    JUNK,
    TYPES,
    st.sampled_from(["./", "#a", "#b", "#c", "x/y.tif"]),
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(ENTITIES, JUNK), max_size=8), JUNK)
def test_whatever_stands_in_a_crate_it_is_read_or_refused(graph: list[Any], context: Any) -> None:
    with TemporaryDirectory() as folder:
        try:
            found = read(Path(folder), [DESCRIPTOR, *graph], context)
        except MicrographiaError:
            return
        found.save(Path(folder))
        done = export(found, "rocrate", Path(folder) / "again")
        back = read_submission(done.path)
        named = [field for one in done.findings for field in (one.evidence.get("fields") or [one.field])]
        assert [
            at for at in differing(found, back) if not any(at.startswith(field) for field in named if field)
        ] == []


def marked(value: Any, numbers: count[int], key: str = "") -> Any:
    """Return what stands in a crate with every text in it replaced by one that occurs once."""
    if isinstance(value, dict):
        return {name: marked(item, numbers, name) for name, item in value.items()}
    if isinstance(value, list):
        return [marked(item, numbers, key) for item in value]
    if isinstance(value, str) and key not in ("@id", "@type", "propertyID"):
        return f"mark{next(numbers)}mark"
    return value


def marks(value: Any) -> set[str]:
    return set(re.findall(r"mark\d+mark", json.dumps(value)))


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(ENTITIES, JUNK), max_size=8))
def test_no_text_in_a_crate_is_lost(graph: list[Any]) -> None:
    graph = [DESCRIPTOR, *marked(graph, count())]
    with TemporaryDirectory() as folder:
        found = read(Path(folder), graph)
    assert marks(graph) <= marks([found.mifa.plain(), kept(found), found.files.to_dict("list")])
