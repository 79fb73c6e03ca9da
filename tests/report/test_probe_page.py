import base64
import copy
import csv
import io
import json
import math
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from micrographia.errors import MicrographiaError
from micrographia.report.probe_index import probe_index, write_probe_index
from micrographia.report.probe_page import probe_page, write_probe_page
from probe_samples import few, full, many, minimal
from probe_simulation import AGAINST

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
SECTIONS = (
    ("verdicts", "comparisons"),
    ("tasks", "table"),
    ("confounders", "shares"),
    ("untrusted", "untrusted"),
    ("ranks", "rank_stability"),
    ("ablations", "ablations"),
    ("layers", "layers"),
    ("examples", "examples"),
    ("design", "audit"),
    ("similarity", "similarity"),
    ("problems", "problems"),
)


class Tags(HTMLParser):
    VOID = frozenset({"meta", "img", "input", "br", "link", "col"})

    def __init__(self):
        super().__init__()
        self.names, self.links, self.open, self.ids, self.figures, self.text = [], [], [], [], [], []

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

    def handle_data(self, data):
        self.text.append(data)


def parsed(page):
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    return tags


@pytest.fixture(scope="module")
def result():
    return full()


@pytest.fixture(scope="module")
def page(result):
    return probe_page(result)


def body(page):
    return page.partition("</style>")[2]


def told(page):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body(page) or page)).split())


@pytest.mark.parametrize("made", [full, minimal, many, few])
def test_every_page_is_well_formed_and_needs_no_network(made):
    page = probe_page(made())
    tags = parsed(page)
    assert not {"script", "link", "iframe", "object"} & set(tags.names)
    assert len(tags.ids) == len(set(tags.ids))
    assert {link for link in tags.links if not link.startswith(("#", "data:"))} <= {
        "https://example.org/bbbc021"
    }
    assert {link[1:] for link in tags.links if link.startswith("#")} <= set(tags.ids)
    assert "@import" not in page
    assert "url(" not in page
    assert all(tags.figures)
    assert probe_page(made()) == page


def test_the_first_screen_answers(result, page):
    first = told(page.partition("<h2 id=")[0])
    assert result["title"] in first
    assert result["question"] in first
    assert result["audit"]["verdict"] in first
    assert all(line in first for line in result["audit"]["cannot"])
    for row in result["comparisons"]:
        if row["task"] == "nscb":
            line = (
                f"{row['verdict']} {row['against']} {row['difference']:+.2f} {row['minimum_detectable']:.2f}"
            )
            assert line.replace("-", "−") in first
    for row in result["table"]:
        if row["task"] == "nscb":
            assert f"{row['candidate']} {row['score']:.2f} {row['low']:.2f} to {row['high']:.2f}" in first
    assert "chance 0.09" in first
    assert "majority class 0.14" in first


def test_the_sentences_of_the_result_stand_first_and_the_rest_is_folded(result):
    sentences = [f"Sentence number {n}." for n in range(9)]
    page = probe_page(result | {"headline": sentences})
    at = [page.index(f"<li>{sentence}</li>") for sentence in sentences]
    assert at == sorted(at)
    assert "5 more sentences" in page


def test_marks_stand_where_the_numbers_say(result, page):
    table = page[page.index('<table class="plots forest') :]
    table = table[: table.index("</table>")]
    ticks = re.findall(r'<text x="([\d.]+)%" y="14"[^>]*>([−\d.]+)<', table)
    (a, low), (b, high) = ticks[0], ticks[-1]
    a, b, low, high = float(a), float(b), float(low), float(high)
    rows = {row["candidate"]: row for row in result["table"] if row["task"] == "nscb"}
    strips = re.findall(r'aria-label="([^"]+?), [^",:]+: [^"]+">(.*?)</g></svg>', table)
    assert len(strips) == len(rows)
    for name, strip in strips:
        x = float(re.findall(r'<svg x="([\d.]+)%"', strip)[-1])
        assert low + (x - a) / (b - a) * (high - low) == pytest.approx(rows[name]["score"], abs=2e-4), name
        start, stop = re.search(r'class="whisker" x1="([\d.]+)%" x2="([\d.]+)%"', strip).groups()
        for place, key in ((start, "low"), (stop, "high")):
            assert low + (float(place) - a) / (b - a) * (high - low) == pytest.approx(
                rows[name][key], abs=2e-4
            )


def test_an_empty_section_is_left_out(result, page):
    assert [name for name, _ in SECTIONS if f'id="{name}"' not in page] == []
    for name, key in SECTIONS:
        without = {other: value for other, value in result.items() if other != key}
        if name == "confounders":
            without |= {"incremental": [], "confounders": None}
        if name == "similarity":
            without["geometry"] = []
        if name == "tasks":
            without["comparisons"] = []
        assert f'id="{name}"' not in probe_page(without)
    left = re.findall(r'<h2 id="(\w+)"', probe_page(minimal()))
    assert left == ["repeat"]


def test_a_number_that_is_not_there_gives_its_reason(result, page):
    assert "well position is the same in every row" in page
    assert "suppressed: the interval of what both explain includes 0" in page
    assert "no masks of nuclei" in page
    words = told(probe_page(few()))
    assert "4 groups; an interval needs 6" in words
    assert words.count("too few groups") >= 2 * len(AGAINST)
    assert "nan" not in words.lower().split()
    assert "None" not in words.split()


def test_undefined_numbers_of_any_kind_are_a_dash():
    for odd in (None, math.nan, math.inf, "0.5", True, [1]):
        result = few()
        for row in result["table"]:
            row["score"] = odd
        page = told(probe_page(result))
        assert "– –" in page
        assert "inf" not in page.split()


def test_no_text_of_a_result_can_act(result):
    def soiled(value):
        if isinstance(value, dict):
            return {
                (f"{key}{EVIL}" if key.startswith("unknown") else key): soiled(held)
                for key, held in value.items()
            }
        if isinstance(value, list):
            return [soiled(held) for held in value]
        return EVIL if isinstance(value, str) else value

    evil = soiled({**copy.deepcopy(result), "headline": ["x"]})
    for key in ("shares", "ablations"):
        evil[key][0]["unknown"] = EVIL
    evil["provenance"]["unknown"] = {"a": EVIL}
    evil["study"]["source"] = "javascript:alert(1)"
    evil["examples"][0]["query"]["thumbnail"] = "https://example.org/a.png"
    evil["examples"][0]["neighbours"][0]["thumbnail"] = "data:image/svg+xml;base64,PHN2Zz4="
    for page in (probe_page(evil), probe_index([("a b.html", evil)])):
        tags = parsed(page)
        assert "script" not in tags.names
        assert "img" not in tags.names
        assert EVIL not in page
        assert not [link for link in tags.links if not link.startswith(("#", "data:text/csv", "a b.html"))]


def test_control_characters_and_broken_text_are_shown_as_codes(result, tmp_path):
    odd = result | {"title": "a\x1b[31m\ud800\nb", "question": "\u202eevil"}
    path = write_probe_page(odd, tmp_path / "report.html")
    text = path.read_text("utf-8")
    assert "a\\x1b[31m\\ud800\\nb" in text
    assert "\u202e" not in text


def test_thumbnails_lie_in_the_page_and_right_and_wrong_are_words(result, page):
    given = [row["query"]["thumbnail"] for row in result["examples"]]
    given += [
        near["thumbnail"] for row in result["examples"] for near in row["neighbours"] if near["thumbnail"]
    ]
    assert page.count("<img ") == len(given)
    assert all(f'src="{picture}"' in page for picture in given)
    right = sum(near["correct"] for row in result["examples"] for near in row["neighbours"])
    assert page.count("✓ right") == right
    assert page.count("✗ wrong") == sum(len(row["neighbours"]) for row in result["examples"]) - right


def test_the_tables_can_be_downloaded_whole(result, page):
    for name, key in (("scores", "table"), ("comparisons", "comparisons"), ("layers", "layers")):
        uri = re.search(rf'href="data:text/csv;base64,([^"]+)" download="{name}.csv"', page).group(1)
        rows = list(csv.DictReader(io.StringIO(base64.b64decode(uri).decode())))
        assert len(rows) == len(result[key])
        for got, row in zip(rows, result[key], strict=True):
            assert got["candidate"] == row["candidate"]
            value = row["difference" if key == "comparisons" else "score"]
            written = got["difference" if key == "comparisons" else "score"]
            assert written == "" if value is None else float(written) == value


def test_the_order_of_settings_is_told(result, page):
    orders = result["rank_stability"]["orders"]
    winners = {order[0] for order in orders}
    assert f"{len(winners)} of {len(orders[0])} are first in one setting or another" in page
    same = result | {
        "rank_stability": {"settings": ["a", "b"], "orders": [orders[0]] * 2, "tau": [[1, 1], [1, 1]]}
    }
    assert (
        f"{orders[0][0]} is first in every setting. Kendall&#39;s tau between two settings: median 1.00"
        in probe_page(same)
    )


def test_many_candidates_are_folded_but_all_there(result):
    crowd = many()
    page = probe_page(crowd)
    assert page.count("28 more candidates") == 4
    names = {row["candidate"] for row in crowd["table"]}
    assert all(name in page for name in names)


def test_the_protocol_and_its_hash_stand_in_the_page(result, page):
    assert result["protocol_sha256"] in page
    assert "exclude:" in page
    assert "micrographia rerun result.json" in page
    assert "https://example.org/bbbc021" in page


def test_several_metrics_and_transforms_of_a_task_are_told_apart(result):
    table = [row for row in result["table"] if row["task"] == "nscb"]
    matched = [row | {"metric": "accuracy, matched control", "role": "exploratory"} for row in table]
    raw = [row | {"transform": "raw", "role": "exploratory"} for row in table]
    page = probe_page(result | {"table": table + matched + raw, "comparisons": []})
    titles = re.findall(r"<h3>([^<]+)<", page.partition('id="tasks"')[2].partition("</section>")[0])
    assert len(titles) == len(set(titles)) == 3
    assert titles[1].endswith("robust z, accuracy, matched control")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "no result of micrographia probe"),
        ([], "no result of micrographia probe"),
        ({"micrographia_result": 2}, "version 2"),
        ({"micrographia_result": 1, "table": 3}, "'table' of the result is not a list"),
        ({"micrographia_result": 1, "table": [3]}, "'table' of the result holds something other"),
        ({"micrographia_result": 1, "examples": "x"}, "'examples' of the result is not a list"),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(document, told, tmp_path):
    with pytest.raises(MicrographiaError, match=told):
        write_probe_page(document, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["rank_stability", "similarity", "audit", "provenance", "study", "protocol"])
@pytest.mark.parametrize("odd", [None, [], "text", 3, {}])
def test_an_odd_part_is_left_out(result, key, odd):
    assert "<main>" in probe_page(result | {key: odd})


def test_a_page_appears_whole_or_not_at_all(result, tmp_path):
    path = write_probe_page(result, tmp_path / "report.html")
    before = path.read_bytes()
    assert before.decode() == probe_page(result)
    with pytest.raises(MicrographiaError, match="cannot be written"):
        write_probe_page(result, tmp_path / "absent" / "report.html")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_the_index_lists_results_and_links_their_reports(result, tmp_path):
    for name, held in (("one", result), ("two & three", few())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps(held))
    write_probe_page(result, tmp_path / "two & three" / "report.html")
    path = write_probe_index(
        [tmp_path / "one", tmp_path / "two & three" / "result.json"], tmp_path / "index.html"
    )
    tags = parsed(path.read_text())
    assert tags.links == ["two%20%26%20three/report.html"]
    text = " ".join(" ".join(tags.text).split())
    assert result["title"] in text
    assert "Stage of disease in four donors" in text
    assert "too few groups 4" in text
