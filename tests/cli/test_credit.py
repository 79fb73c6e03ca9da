"""``micrographia credit``: who made it, how to cite it, who used it."""

import json
import re
import socket
from html.parser import HTMLParser

import pytest

from micrographia import metadata
from micrographia.dataset import open_dataset
from micrographia.segmentation.training.citation import cite
from micrographia.segmentation.training.usage import usage_record, write_record

EVIL = "</script><!-- <script>alert('x')</script> <b>"
HOOKE = {
    "author_first_name": "Robert",
    "author_last_name": "Hooke",
    "orcid_id": "https://orcid.org/0000-0002-1825-0097",
    "role": ["data curation", "data annotation"],
    "organisation": [{"organisation_name": "Brown University", "ror_id": "https://ror.org/05gq02987"}],
}


@pytest.fixture
def written(described):
    metadata.update(
        described / "mifa.yaml",
        {
            "study.title": "Nuclei of kidney",
            "study.authors": [HOOKE],
            "study.grants": [{"grant_id": "PC-1929", "funder": "Royal Society"}],
            "study.accession": "S-BIAD1492",
            "versions[0].timestamp": "1665-01-01",
            "annotations[0].authors": [
                {"author_last_name": "Hooke", "author_first_name": "Robert"},
                {"author_first_name": "Robert", "author_last_name": "Boyle"},
            ],
        },
    )
    return described


@pytest.fixture
def runs(written, tmp_path):
    dataset = open_dataset(written)
    cited = cite(dataset, dataset.annotation_sets[0])
    model = {"name": "unet", "version": "1", "sha256": "a" * 64}
    score = {"name": "f1", "value": 0.871, "low": 0.832, "high": 0.904, "on": "4 images", "seen": "seen"}
    folder = tmp_path / "runs"
    for number, (who, task, values) in enumerate(
        (
            (model, "instance segmentation: training", {"name": "f1", "value": 0.9, "on": "2 images"}),
            (model, "evaluation of instance segmentation", score),
            ({"name": EVIL, "version": "", "sha256": ""}, EVIL, {**score, "value": None, "on": EVIL}),
        )
    ):
        write_record(folder / f"{number}/usage", usage_record(cited, who, task, values, "2026-01-03"))
    old = write_record(folder, usage_record(cited, model, "changed", {}, "2026-01-04"))
    old.write_text(old.read_text() + " ")
    return folder


def test_it_says_who_made_it_and_how_to_cite(command, written):
    told = command("credit", written)
    assert (told.status, told.err) == (0, "")
    assert "Cite:  Hooke, Robert (1665): Nuclei of kidney" in told.out
    assert (
        "Made by  Robert Hooke (https://orcid.org/0000-0002-1825-0097)  data curation, data annotation, annotated"
        in told.out
    )
    assert "Made by  Robert Boyle  annotated" in told.out
    assert "Paid by  Royal Society PC-1929" in told.out
    assert "Next: micrographia credit" in told.out


def test_it_gathers_verifies_and_writes(command, written, runs, tmp_path):
    told = command("credit", written, "--usage", runs, "--out", tmp_path / "credit.html")
    assert told.status == 0
    assert "2 models in 3 usage records: 1 made from this dataset, 1 only scored on it." in told.out
    assert "left out: " in told.err
    document = json.loads((tmp_path / "credit.json").read_text("utf-8"))
    assert [use["matched_by"] for use in document["uses"]] == ["content"] * 3
    assert [use["verified"] for use in document["uses"]] == [True] * 3
    assert document["contributors"][0]["annotated"]
    assert [one["name"] for one in document["contributors"]] == ["Robert Hooke", "Robert Boyle"]
    entries = (tmp_path / "credit.bib").read_text("utf-8")
    assert "@dataset{hooke1665nuclei," in entries
    assert "@misc{unet2026aaaaaa," in entries
    page = (tmp_path / "credit.html").read_text("utf-8")
    for text in (
        "0.871",
        "0.832 to 0.904",
        "it was trained on these images",
        "How to cite",
        "Royal Society",
        "ORCID",
    ):
        assert text in page
    again = command("credit", written, "--usage", runs, "--out", tmp_path / "again.html")
    assert again.status == 0
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "credit.html").read_bytes()


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_no_text_can_act(command, written, runs, tmp_path):
    metadata.update(written / "mifa.yaml", {"study.title": EVIL, "study.funding_statement": EVIL})
    metadata.update(written / "mifa.yaml", {"study.authors[0].orcid_id": "javascript:alert(1)"})
    command("credit", written, "--usage", runs, "--out", tmp_path / "credit.html")
    page = (tmp_path / "credit.html").read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert not {"script", "link", "b", "img"} & set(tags.names)
    assert EVIL not in page
    assert {link.partition(":")[0] for link in tags.links} <= {"https", "data"}


def test_the_best_score_is_one_of_a_model_that_had_not_seen_it(command, written, runs):
    told = command("credit", written, "--usage", runs)
    assert "Best score" not in told.out
    dataset = open_dataset(written)
    cited = cite(dataset, dataset.annotation_sets[0])
    for name, value, seen in (("fair", 0.5, "clean"), ("unet", 0.99, "clean"), ("near", 0.9, "same source")):
        model = {"name": name, "version": "1", "sha256": ("a" if name == "unet" else name[0]) * 64}
        score = {"name": "f1", "value": value, "on": "4 images", "seen": seen}
        write_record(runs / "more", usage_record(cited, model, "evaluation", score, "2026-01-05"))
    told = command("credit", written, "--usage", runs)
    assert "Best score among models that had not seen these images: fair, f1 0.500 on 4 images." in told.out


def test_models_are_filled_in_once_and_comments_stay(command, written, runs):
    path = written / "mifa.yaml"
    text = path.read_text("utf-8") + "# my own words\n"
    path.write_text(text, "utf-8")
    metadata.update(path, {"study.ai_models_trained": ["https://example.org/mine"]})
    first = json.loads(command("credit", written, "--usage", runs, "--fill", "--json").out)
    assert first["filled"] == [f"nih:sha-256;{'a' * 64}"]
    assert open_dataset(written).mifa.study.ai_models_trained == [
        "https://example.org/mine",
        f"nih:sha-256;{'a' * 64}",
    ]
    assert "# my own words" in path.read_text("utf-8")
    before = path.read_bytes()
    again = json.loads(command("credit", written, "--usage", runs, "--fill", "--json").out)
    assert again["filled"] == []
    assert path.read_bytes() == before


def test_the_stated_checksum_is_believed_unless_told_otherwise(command, written, runs):
    metadata.update(written / "mifa.yaml", {"versions[0].content_sha256": "0" * 64})
    by = [
        use["matched_by"]
        for use in json.loads(command("credit", written, "--usage", runs, "--json").out)["uses"]
    ]
    assert by == ["accession"] * 3
    document = json.loads(command("credit", written, "--usage", runs, "--hash", "--json").out)
    assert [use["matched_by"] for use in document["uses"]] == ["content"] * 3


def test_nothing_is_sent(command, written, runs, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert command("credit", written, "--usage", runs).status == 0


def test_a_place_that_is_not_there_is_one_line(command, written, tmp_path):
    told = command("credit", written, "--usage", tmp_path / "none")
    assert (told.status, told.out, told.err.count("\n")) == (2, "", 1)


def test_without_uses_it_says_that_this_says_nothing(command, written, tmp_path):
    (tmp_path / "empty").mkdir()
    told = command(
        "credit", written, "--usage", tmp_path / "empty", "--no-hash", "--out", tmp_path / "credit"
    )
    assert "That says nothing about whether it was used" in told.out
    assert "matched by accession or title" in told.err
    assert re.search(r"Wrote .*credit\.html", told.out)
