import copy
from html.parser import HTMLParser

import pytest

from micrographia.report.rank_figure import rank_figure, write_rank_figure
from micrographia.report.rank_page import rank_page, write_rank_page
from micrographia.report.rank_text import rank_text
from micrographia.segmentation.ranking.measuring import Plan
from micrographia.segmentation.ranking.perturbations import parse
from micrographia.segmentation.ranking.request import Request, rank
from micrographia.segmentation.ranking.scenes import Choice
from ranking_models import family, written


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    disks = written(folder / "disks", 8)
    request = Request((), (disks,), Choice(by="slide", group="slide"), Plan(parse(["noise"])), out=folder)
    return rank(request, segmenters=family("halfway", "jumpy", "nothing"), command=["segment", "rank"])


class Words(HTMLParser):
    """The text of a page, and what it would fetch."""

    def __init__(self, page):
        super().__init__()
        self.words, self.fetched, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.fetched += [held[name] for name in ("src", "href") if held.get(name)]
        if tag not in ("meta", "br", "col", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if "style" not in self.open:
            self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_page_has_the_answer_the_doubts_and_the_way_back(made):
    page = Words(rank_page(made))
    assert not page.open
    for sentence in made["headline"]:
        assert sentence in page.text
    for ranking in made["rankings"]:
        assert ranking["title"] in page.text
        for sentence in ranking["cannot_tell"]:
            assert sentence in page.text
    for words in (
        "not ranked: finds nothing in 2 of 2 images",
        "Held against labels",
        "micrographia rerun result.json",
    ):
        assert words in page.text
    assert f"Over all 4 datasets: tau {made['pooled']['tau']:.2f}" in page.text


def test_the_page_fetches_nothing_and_is_the_same_each_time(made):
    page = rank_page(made)
    assert all(one.startswith(("#", "data:")) for one in Words(page).fetched)
    assert "<script" not in page
    assert page == rank_page(made)


def test_names_are_escaped(made):
    bad = copy.deepcopy(made)
    bad["rankings"][0]["title"] = bad["rankings"][0]["models"][0]["key"] = "<script>alert(1)</script>"
    assert "<script" not in rank_page(bad)
    assert rank_figure(bad).startswith(b"\x89PNG")


def test_failed_images_are_listed(made):
    bad = copy.deepcopy(made)
    bad["rankings"][0]["models"][0]["failures"] = [
        {"image": f"f{number}", "reason": "out of luck"} for number in range(50)
    ]
    page = Words(rank_page(bad)).text
    assert "Failed images" in page
    assert "10 more in result.json" in page
    assert "Failed images" not in Words(rank_page(made)).text


def test_a_ranking_without_labels_and_without_numbers_is_shown_too(made):
    bare = copy.deepcopy(made)
    bare["pooled"] = None
    for ranking in bare["rankings"]:
        ranking["truth"] = None
        for model in ranking["models"]:
            model.update(
                true=None, score=None, score_low=None, score_high=None, consensus=None, rank=None, low=None
            )
    page = Words(rank_page(bare)).text
    assert "Held against labels" not in page
    assert "True F1" not in page
    assert rank_figure(bare).startswith(b"\x89PNG")
    assert "true F1" not in rank_text(bare)


def test_files_are_written_whole(made, tmp_path):
    assert write_rank_page(made, tmp_path / "index.html").read_text() == rank_page(made)
    assert write_rank_figure(made, tmp_path / "ranking.png").read_bytes() == rank_figure(made)
    assert {one.name for one in tmp_path.iterdir()} == {"index.html", "ranking.png"}


@pytest.mark.parametrize("width", [60, 100, 160])
def test_text_fits_its_terminal(made, width):
    lines = rank_text(made, width=width).splitlines()
    prose = [line for line in lines if not line.lstrip().startswith(("place", "1", "2", "3", "–"))]
    assert max(len(line) for line in prose) <= width
    assert any("halfway" in line and line.endswith("1.000") for line in lines)
