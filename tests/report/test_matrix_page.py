import base64
import copy
import csv
import io
import json
import math
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from micrographia.errors import MicrographiaError
from micrographia.report.matrix_examples import wanted
from micrographia.report.matrix_page import matrix_page, write_matrix_page
from micrographia.report.pictures import png_uri
from report.matrix_results import few, full, large, minimal

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
SECTIONS = (
    "baselines",
    "curves",
    "ranks",
    "images",
    "failure",
    "scores",
    "cost",
    "training",
    "ledger",
    "datasets",
    "failed",
    "repeat",
)


class Tags(HTMLParser):
    VOID = frozenset({"meta", "img", "input", "br", "link", "col"})

    def __init__(self):
        super().__init__()
        self.names, self.links, self.open, self.ids, self.figures = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.ids += [value for name, value in attrs if name == "id"]
        assert not [name for name, _ in attrs if name.startswith("on")]
        held = dict(attrs)
        if tag in ("svg", "img") and "svg" not in self.open:
            self.figures.append(held.get("aria-label") or held.get("alt") or held.get("aria-hidden"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, _):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(page):
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    return tags


def told(page):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("</style>")[2] or page)).split())


def png():
    uri = png_uri(np.full((8, 8, 3), 90, np.uint8))
    return base64.b64decode(uri.partition(",")[2])


@pytest.fixture(scope="module")
def result():
    return full()


@pytest.fixture(scope="module")
def page(result):
    return matrix_page(result)


@pytest.mark.parametrize("made", [full, few, minimal, lambda: large(8, 14)])
def test_every_page_is_well_formed_and_needs_no_network(made):
    page = matrix_page(made())
    tags = parsed(page)
    assert not {"script", "link", "iframe", "object"} & set(tags.names)
    assert len(tags.ids) == len(set(tags.ids))
    assert all(link.startswith(("#", "data:")) for link in tags.links)
    assert {link[1:] for link in tags.links if link.startswith("#")} <= set(tags.ids)
    assert "@import" not in page
    assert "url(" not in page
    assert all(tags.figures)
    assert matrix_page(made()) == page


def test_every_section_is_there_and_an_empty_one_is_left_out(page):
    assert re.findall(r'<h2 id="(\w+)"', page) == list(SECTIONS)
    assert re.findall(r'<h2 id="(\w+)"', matrix_page(minimal())) == ["repeat"]
    assert "Nothing was scored" in matrix_page(minimal())


def test_the_first_screen_says_who_wins_and_holds_every_score(result, page):
    first = told(page.partition('<h2 id="baselines"')[0])
    assert result["title"] in first
    assert (
        "A clean model beats the best tuned baseline on 1 of 5 datasets: unet-256 on Nuclei, 520 x 696."
        in first
    )
    assert "9 of 20 scores of models are clean" in first
    assert "On H&E tiles no model can be told from the best tuned baseline" in first
    for cell in result["cells"]:
        score = cell["scores"]["f1@0.5"]
        line = f"{score['value']:.2f}"
        line += f", interval {score['low']:.2f} to {score['high']:.2f}" if score["low"] is not None else ""
        assert f": {line}; {cell['status']}" in first


def test_sentences_of_the_result_follow_and_the_rest_is_folded(result):
    sentences = [f"Sentence number {n}." for n in range(9)]
    page = matrix_page(result | {"headline": sentences})
    at = [page.index(f"<li>{sentence}</li>") for sentence in sentences]
    assert at == sorted(at)
    assert page.index("A clean model beats") < at[0]
    assert "6 more sentences" in page


def test_what_a_model_was_trained_on_is_told_with_what_its_licence_asks_for(page):
    section = told(page.partition('id="training"')[2].partition("</section>")[0])
    assert "unet-mixed" in section
    assert "CC-BY-NC-4.0" in section
    assert section.count("non-commercial") == 4
    assert "not stated: what it has seen is unknown" in section
    assert re.search("outside model .* not stated: what it has seen is unknown .* unknown licence", section)


def test_the_ledger_gives_every_status_with_its_reason(result, page):
    section = told(page.partition('id="ledger"')[2].partition("</section>")[0])
    models = {model["key"]: model for model in result["models"]}
    datasets = {dataset["key"]: dataset["title"] for dataset in result["datasets"]}
    for cell in result["cells"]:
        if not models[cell["model"]]["baseline"]:
            name = models[cell["model"]]["name"], datasets[cell["dataset"]]
            assert re.search(
                rf"{name[0]} {re.escape(name[1])} \S {cell['status']} {re.escape(cell['status_reason'])}",
                section,
            )
    assert (
        section.index("trained on this dataset") < section.index("3 of 16 images") < section.index("9 clean")
    )


def test_failed_images_are_listed_with_their_reasons(page):
    section = told(page.partition('id="failed"')[2].partition("</section>")[0])
    assert "the model raised ValueError: negative dimensions plate_b_017" in section
    assert "the image holds NaN plate_b_021" in section
    section = told(matrix_page(few()).partition('id="failed"')[2].partition("</section>")[0])
    assert "12 the model is 2D, the images are 3D ovule_000, ovule_001, ovule_002 and 9 more" in section


def test_what_cannot_be_scored_is_a_dash_with_a_reason():
    page = told(matrix_page(few()))
    assert "unet-256 on Ovule membranes, 3D: –; clean; 12 images failed; the model is 2D" in page
    assert "4 groups; an interval needs 6" in page
    assert "too few groups" in page
    assert "nan" not in page.lower().split()
    assert "None" not in page.split()


def test_undefined_numbers_of_any_kind_are_a_dash(result):
    for odd in (None, math.nan, math.inf, "0.5", True, [1]):
        spoilt = copy.deepcopy(result)
        for cell in spoilt["cells"]:
            for score in cell["scores"].values():
                score |= {"value": odd, "low": odd, "high": odd}
            cell |= {"curve": {"f1": [odd] * 10}, "seconds_per_megapixel": odd, "peak_mb": odd}
            for row in cell["versus"]:
                row |= {"difference": odd, "low": odd, "high": odd, "p": odd, "minimum_detectable": odd}
        page = told(matrix_page(spoilt))
        assert "unet-256 on Nuclei, 256 x 256: –" in page
        assert not {"inf", "nan"} & set(page.split())


def test_no_text_of_a_result_can_act(result):
    kept = {"kind", "key", "model", "dataset", "status", "baseline", "verdict", "factor", "primary"}

    def soiled(value, name=""):
        if isinstance(value, dict):
            return {key: soiled(held, key) for key, held in value.items()}
        if isinstance(value, list):
            return [soiled(held, name) for held in value]
        return EVIL if isinstance(value, str) and name not in kept else value

    evil = soiled(copy.deepcopy(result))
    evil["models"][0]["target"] = {EVIL: EVIL}
    evil["provenance"][EVIL] = {EVIL: EVIL}
    evil["cells"][0]["status"] = evil["cells"][1]["versus"][0]["verdict"] = EVIL
    evil["failure"][0]["factor"] = EVIL
    evil["failure"][0]["bins"][0][EVIL] = EVIL
    tags = parsed(matrix_page(evil))
    assert not {"script", "img"} & set(tags.names)
    assert not [
        link for link in tags.links if not link.startswith(("#", "data:text/csv", "data:application/json"))
    ]


def test_control_characters_and_broken_text_are_shown_as_codes(result, tmp_path):
    odd = result | {"title": "a\x1b[31m\ud800\nb\u202e"}
    text = write_matrix_page(odd, tmp_path / "matrix.html").read_text("utf-8")
    assert "a\\x1b[31m\\ud800\\nb" in text
    assert "\u202e" not in text


def test_pictures_lie_in_the_page_with_what_they_show(result):
    shown = {(row["model"], row["dataset"], row["image"]): png() for row in result["examples"]}
    page = matrix_page(result, shown)
    assert page.count("<img ") == len(shown)
    first = result["examples"][0]
    assert f"{first['hits']} found, {first['misses']} missed, {first['false']} false" in page
    assert "merged: one prediction over several objects" in told(page)
    without = matrix_page(result, {})
    assert "<img " not in without
    assert f"{first['hits']} found" in without


def test_of_too_many_pictures_the_worst_of_the_best_models_are_kept():
    crowd = large(6, 14)
    crowd["examples"] = [
        {
            "model": model,
            "dataset": dataset["key"],
            "image": f"{kind}-{n}",
            "kind": kind,
            "score": 0.1 * n,
            "hits": 1,
        }
        for dataset in crowd["datasets"]
        for model in ("model0", "model1")
        for kind, n in (("worst", 1), ("worst", 2), ("best", 9))
    ]
    page = told(matrix_page(crowd))
    assert page.count("worst-1") == page.count("best-9") == 28
    assert page.count("worst-2") == 4
    assert "24 more are in the result" in page


def test_where_some_pictures_were_drawn_only_these_are_shown(result):
    keys = wanted(result, 6)
    assert len(keys) == len(set(keys)) == 6
    assert {dataset for _, dataset, _ in keys} == {"fluo256", "fluo360", "fluo520"}
    page = matrix_page(result, dict.fromkeys(keys, png()))
    assert page.count("<img ") == page.count("<b>Worst</b>") + page.count("<b>Best</b>") == 6
    assert f"{len(result['examples']) - 6} more are in the result" in told(page)


@pytest.mark.parametrize("held", [b"GIF89a", b""])
def test_what_is_no_picture_is_refused(result, tmp_path, held):
    first = result["examples"][0]
    key = first["model"], first["dataset"], first["image"]
    with pytest.raises(MicrographiaError, match="neither PNG nor JPEG"):
        matrix_page(result, {key: held})
    with pytest.raises(MicrographiaError, match="cannot be read"):
        matrix_page(result, {key: tmp_path / "absent.png"})


def test_the_numbers_can_be_downloaded_whole(result, page):
    rows = downloaded(page, "scores")
    assert len(rows) == len(result["cells"]) * len(result["metrics"])
    by_place = {(row["model"], row["dataset"], row["metric"]): row for row in rows}
    for cell in result["cells"]:
        for metric, score in cell["scores"].items():
            row = by_place[cell["model"], cell["dataset"], metric]
            assert float(row["value"]) == score["value"]
            assert row["low"] == ("" if score["low"] is None else repr(score["low"]))
            assert row["status"] == cell["status"]
    assert len(downloaded(page, "curves")) == 10 * len(result["cells"])
    assert len(downloaded(page, "failure")) == sum(len(row["bins"]) for row in result["failure"])
    assert len(downloaded(page, "failed-images")) == 2
    uri = re.search(r'href="data:application/json;base64,([^"]+)" download="result.json"', page).group(1)
    assert json.loads(base64.b64decode(uri)) == result


def downloaded(page, name):
    uri = re.search(rf'href="data:text/csv;base64,([^"]+)" download="{name}.csv"', page).group(1)
    return list(csv.DictReader(io.StringIO(base64.b64decode(uri).decode())))


def test_many_models_and_datasets_are_folded_but_all_there():
    crowd = large(20, 30)
    page = matrix_page(crowd)
    assert page.count('class="cell') == len(crowd["cells"]) == 25 * 30
    assert "28 more datasets" in page.partition('id="curves"')[0]
    words = told(page)
    assert all(row["name"] in words for row in crowd["models"])
    assert all(row["title"] in words for row in crowd["datasets"])


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "no result of micrographia segment evaluate"),
        ([], "no result of micrographia segment evaluate"),
        ({"kind": "segmentation matrix", "format": 2}, "format 2, this program reads format 1"),
        (minimal() | {"models": 3}, "'models' of the result is not a list"),
        (minimal() | {"cells": ["x"]}, "'cells' of the result holds something other"),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(document, told, tmp_path):
    with pytest.raises(MicrographiaError, match=told):
        write_matrix_page(document, tmp_path / "matrix.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["metrics", "provenance", "thresholds", "headline", "created", "primary"])
@pytest.mark.parametrize("odd", [None, [], {}])
def test_an_odd_part_is_left_out(result, key, odd):
    assert "<main>" in matrix_page(result | {key: odd})


def test_a_page_appears_whole_or_not_at_all(result, page, tmp_path):
    path = write_matrix_page(result, tmp_path / "matrix.html")
    assert path.read_text("utf-8") == page
    with pytest.raises(MicrographiaError, match="cannot be written"):
        write_matrix_page(result, tmp_path / "absent" / "matrix.html")
    assert [file.name for file in tmp_path.iterdir()] == ["matrix.html"]
