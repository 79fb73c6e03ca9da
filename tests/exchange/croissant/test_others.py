"""Croissant documents of others, and broken ones: everything that they say is read or kept."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrographia.errors import ExchangeError, MicrographiaError
from micrographia.exchange import differing, export, read_submission, recognise
from micrographia.exchange.source import Source

HUGGING_FACE = {
    "@context": {
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "recordSet": "cr:recordSet",
    },
    "@type": "sc:Dataset",
    "conformsTo": "http://mlcommons.org/croissant/1.1",
    "name": "cork",
    "description": "Slices of cork",
    "alternateName": ["hooke/cork"],
    "creator": {"@type": "Person", "name": "Robert Hooke", "url": "https://huggingface.co/hooke"},
    "keywords": ["image-segmentation", "n<1K"],
    "license": "https://choosealicense.com/licenses/mit/",
    "url": "https://huggingface.co/datasets/hooke/cork",
    "distribution": [
        {
            "@type": "cr:FileObject",
            "@id": "repo",
            "name": "repo",
            "contentUrl": "https://huggingface.co/datasets/hooke/cork/tree/refs%2Fconvert%2Fparquet",
            "encodingFormat": "git+https",
            "sha256": "https://github.com/mlcommons/croissant/issues/80",
        },
        {
            "@type": "cr:FileSet",
            "@id": "parquet-files",
            "containedIn": {"@id": "repo"},
            "encodingFormat": "application/x-parquet",
            "includes": "default/*/*.parquet",
        },
    ],
    "recordSet": [
        {
            "@type": "cr:RecordSet",
            "@id": "files",
            "name": "files",
            "field": [
                {
                    "@type": "cr:Field",
                    "@id": "files/image",
                    "name": "image",
                    "dataType": "sc:ImageObject",
                    "source": {"fileSet": {"@id": "parquet-files"}, "extract": {"column": "image"}},
                }
            ],
        }
    ],
}
KAGGLE = {
    "@context": {
        "sc": "http://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "kg": "https://kaggle.com/ns#",
    },
    "@type": "sc:Dataset",
    "sc:name": "Cork",
    "sc:description": "Slices of cork",
    "sc:creator": {
        "@type": "sc:Person",
        "sc:name": "Robert Hooke",
        "sc:image": "https://example.org/hooke.png",
    },
    "sc:license": {
        "@type": "sc:CreativeWork",
        "sc:name": "CC BY 4.0",
        "sc:url": "https://creativecommons.org/licenses/by/4.0/",
    },
    "sc:keywords": ["subject > biology"],
    "sc:version": 2,
    "sc:dateModified": "2023-01-17T10:00:00",
    "kg:votes": 12,
}
OPENML = {
    "@context": "http://mlcommons.org/croissant/1.0",
    "@type": "Dataset",
    "name": "cork",
    "creator": ["Robert Hooke"],
    "license": "Public",
    "citeAs": "Hooke, R. Micrographia. 1665",
    "isLiveDataset": False,
    "distribution": [
        {
            "@type": "cr:FileObject",
            "@id": "data-file",
            "name": "data-file",
            "contentUrl": "https://example.org/datasets/61/dataset%2061.pq",
            "contentSize": "12 B",
            "encodingFormat": "application/x-parquet",
            "md5": "ad484452702105cbf3d30f8deaba39a9",
        }
    ],
}


def written(tmp_path, document, name="croissant.json"):
    path = tmp_path / name
    path.write_text(json.dumps(document))
    return path


def kept(submission):
    return {one.at: one.value for one in submission.origin.kept}


def test_hugging_face_is_read_and_written_again(tmp_path):
    read = read_submission(written(tmp_path, HUGGING_FACE))
    study = read.mifa.study
    assert (study.title, study.license, study.keywords) == ("cork", "MIT", ["image-segmentation", "n<1K"])
    assert study.authors[0].author_last_name == "Hooke"
    assert {"alternateName", "creator", "url", "distribution[repo]", "recordSet[files]"} <= set(kept(read))
    assert {finding.code for finding in read.findings} >= {"E004"}
    made = json.loads(export(read, "croissant", tmp_path / "out.json").path.read_text())
    for name in ("alternateName", "creator", "url", "distribution", "recordSet"):
        assert made[name] == HUGGING_FACE[name], name
    back = read_submission(tmp_path / "out.json")
    assert differing(read, back) == []


def test_kaggle_keeps_what_has_no_home(tmp_path):
    read = read_submission(written(tmp_path, KAGGLE))
    study = read.mifa.study
    assert (study.title, study.license) == ("Cork", "CC-BY-4.0")
    assert (read.mifa.versions[0].version, read.mifa.versions[0].timestamp) == ("2", "2023-01-17T10:00:00")
    assert kept(read)["kg:votes"] == 12
    assert kept(read)["@context.kg"] == "https://kaggle.com/ns#"
    made = json.loads(export(read, "croissant", tmp_path / "out.json").path.read_text())
    assert made["kg:votes"] == 12
    assert made["@context"]["kg"] == "https://kaggle.com/ns#"


def test_openml_lists_its_files_and_its_context_is_not_fetched(tmp_path):
    read = read_submission(written(tmp_path, OPENML))
    assert read.files["Files"].tolist() == ["dataset 61.pq"]
    assert read.files["size"].tolist() == [12]
    assert read.origin.files == "https://example.org/datasets/61/"
    assert any(finding.code == "E011" and "mlcommons.org" in finding.message for finding in read.findings)
    made = json.loads(export(read, "croissant", tmp_path / "out.json").path.read_text())
    assert made["citeAs"] == OPENML["citeAs"]
    assert made["isLiveDataset"] is False
    assert OPENML["distribution"][0] in made["distribution"]


def test_what_was_changed_since_is_not_overwritten(tmp_path):
    read = read_submission(written(tmp_path, HUGGING_FACE))
    read.mifa.study.authors[0].author_last_name = "Newton"
    done = export(read, "croissant", tmp_path / "out.json")
    assert json.loads(done.path.read_text())["creator"][0]["name"] == "Robert Newton"
    assert any(finding.code == "E005" and finding.message.startswith("creator") for finding in done.findings)


def test_a_changed_document_of_ours_keeps_the_change(tmp_path):
    one = export(read_submission(written(tmp_path, KAGGLE)), "croissant", tmp_path / "one.json")
    made = json.loads(one.path.read_text())
    made["name"] = "Cork and wood"
    read = read_submission(written(tmp_path, made, "two.json"))
    assert read.mifa.study.title == "Cork and wood"


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        (
            {"distribution": [{"@type": "cr:FileSet", "@id": "a", "containedIn": {"@id": "gone"}}]},
            "E007",
            "'gone'",
        ),
        (
            {
                "distribution": [
                    {"@type": "cr:FileSet", "@id": "a", "containedIn": {"@id": "b"}},
                    {"@type": "cr:FileSet", "@id": "b", "containedIn": {"@id": "a"}},
                ]
            },
            "E008",
            "circle",
        ),
        (
            {
                "recordSet": [
                    {
                        "@id": "r",
                        "field": [
                            {"@id": "r/x", "source": {"field": {"@id": "r/y"}}},
                            {"@id": "r/y", "source": {"field": {"@id": "r/x"}}},
                        ],
                    }
                ]
            },
            "E008",
            "circle",
        ),
        ({"recordSet": [{"@id": "r", "name": "a"}, {"@id": "r", "name": "b"}]}, "E012", "two things"),
        (
            {"distribution": [{"@type": "cr:FileObject", "@id": "a", "contentUrl": "../x.csv"}]},
            "E006",
            "leaves",
        ),
        (
            {"distribution": [{"@type": "cr:FileObject", "@id": "a", "contentUrl": "/etc/passwd"}]},
            "E006",
            "absolute",
        ),
        ({}, "E010", "no distribution"),
        ({"sc:name": "a", "name": "b"}, "E012", "twice"),
        ({"micrographia:description": [1]}, "E009", "no object"),
        ({"@context": ["https://schema.org/", {"@import": "https://example.org/x"}]}, "E011", "not fetched"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, parts, code, words):
    read = read_submission(written(tmp_path, {"@type": "sc:Dataset", **parts}), "croissant")
    assert any(finding.code == code and words in finding.message for finding in read.findings), read.findings
    export(read, "croissant", tmp_path / "out.json")


def test_a_graph_is_searched_for_its_dataset(tmp_path):
    graph = {
        "@context": KAGGLE["@context"],
        "@graph": [{"@type": "sc:Person"}, {"@type": "sc:Dataset", "sc:name": "Cork"}],
    }
    read = read_submission(written(tmp_path, graph), "croissant")
    assert read.mifa.study.title == "Cork"
    assert kept(read)["@graph[0]"] == {"@type": "sc:Person"}


@pytest.mark.parametrize(
    "text", ["[]", "1", '"x"', "[[1]]", '{"@graph": []}', "{", '{"a":' * 300 + "1" + "}" * 300]
)
def test_no_dataset_is_a_clear_error(tmp_path, text):
    path = tmp_path / "croissant.json"
    path.write_text(text)
    with pytest.raises(ExchangeError):
        read_submission(path, "croissant")


def test_it_is_recognised(tmp_path):
    assert recognise(Source(written(tmp_path, HUGGING_FACE, "any.json"))).name == "croissant"
    assert recognise(Source(tmp_path / "any.json")).name == "croissant"


TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        "files cr:FileObject cr:FileSet ../x a.tif https://a.org/b/c.png https://a.org/b/d.png?x=1 image/png 10.1234/x "
        f"https://doi.org/10.1234/ab 2020-01-01 </script> sc:Person {'a' * 64}".split()
    ),
)
KEYS = (
    "name description license creator keywords version datePublished dateModified identifier url citation funding "
    "@type distribution recordSet rai:dataAnnotationProtocol rai:annotatorDemographics micrographia:description "
    "sc:name micrographia:filesAt cr:recordSet @context alternateName conformsTo"
).split()
INNER = (
    "@type @id name contentUrl sha256 contentSize encodingFormat containedIn field data source references key study "
    "annotations title authors micrographia:table url affiliation identifier email @value"
).split()
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(INNER), TEXTS), inner, max_size=5),
    ),
    max_leaves=18,
)


def leaves(value):
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value.strip()


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(KEYS), ANY, max_size=8))
def test_nothing_breaks_and_nothing_is_lost(tmp_path_factory, document):
    folder = tmp_path_factory.mktemp("any")
    path = written(folder, document)
    try:
        read = read_submission(path, "croissant")
    except MicrographiaError:
        return
    held = json.dumps(
        [read.mifa.plain(), read.files.astype(str).to_dict("records"), kept(read), read.origin.files],
        ensure_ascii=False,
        default=str,
    )
    for key, value in document.items():
        for word in () if key in ("@context", "@type", "conformsTo") else leaves(value):
            shown = json.dumps(word.removeprefix("https://a.org/b/"), ensure_ascii=False)[1:-1]
            assert shown in held or word in ("sc:Person", "files"), (key, word, held)
    done = export(read, "croissant", folder / "out.json")
    assert differing(read, read_submission(done.path, "croissant")) == []
