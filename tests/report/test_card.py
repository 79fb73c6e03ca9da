import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from conftest import missing
from micrographia import checks
from micrographia.dataset import open_dataset
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.metadata import update
from micrographia.report.badge import badge
from micrographia.report.card import card_html, lead
from micrographia.report.card_facts import choose, gather_card
from micrographia.simulation import simulate_dataset

EVIL = "</script><!-- <script>alert('x')</script>\"><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("card") / "lab"
    simulate_dataset(path, images=6, shape=(96, 128))
    describe(path, DescribeOptions(groups=["well=treatments.csv:well"], split="train=0.5,test=0.5"))
    update(path / "mifa.yaml", {"study.title": "Simulated nuclei", "study.license": "CC0-1.0"})
    return path


def made(path):
    dataset = open_dataset(path)
    facts = gather_card(dataset)
    return dataset, facts, card_html(dataset, facts, checks.check(dataset))


class Tags(HTMLParser):
    VOID = frozenset({"meta", "img", "input", "br", "rect", "line", "link"})

    def __init__(self):
        super().__init__()
        self.names, self.links, self.open, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.ids += [value for name, value in attrs if name == "id"]
        assert not [name for name, _ in attrs if name.startswith("on")]
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


def test_the_page_answers_in_its_first_sentence(folder):
    dataset, facts, page = made(folder)
    sentence = lead(dataset, facts)
    assert sentence.startswith(f"6 images with {facts.objects():,} annotated objects.")
    assert "0.325 micrometer a pixel" in sentence
    for text in (
        "Simulated nuclei",
        "CC0-1.0",
        "No group is in more than one split",
        "Held against the guidelines",
    ):
        assert text in page
    assert page.count('<div class="shot">') == 6


def test_the_page_is_well_formed_and_needs_no_network(folder):
    _, _, page = made(folder)
    tags = parsed(page)
    assert tags.names.count("script") == page.count("<script") == 1
    assert "link" not in tags.names
    assert len(tags.ids) == len(set(tags.ids))
    assert {link.partition(":")[0] for link in tags.links if not link.startswith("https://")} <= {"data"}
    assert "@import" not in page
    assert "url(" not in page


def test_no_text_of_a_dataset_can_act(folder, tmp_path):
    path = tmp_path / "lab"
    shutil.copytree(folder, path)
    update(
        path / "mifa.yaml",
        {
            "study.title": EVIL,
            "study.description": EVIL,
            "study.keywords": [EVIL],
            "study.license": EVIL,
            "study.authors[0].author_first_name": EVIL,
            "study.authors[0].author_last_name": EVIL,
            "study.authors[0].orcid_id": "javascript:alert(1)",
            "study.links": [{"link_url": "javascript:alert(1)", "link_description": EVIL}],
            "annotations[0].annotation_overview": EVIL,
            "annotations[0].classes": [{"id": 1, "name": EVIL}],
            "versions[0].changes": EVIL,
        },
    )
    rows = (path / "files.tsv").read_text()
    (path / "files.tsv").write_text(
        rows.replace("\ttrain\t", "\t<svg onload=alert(1)>\t").replace("group:well", "group:<b>")
    )
    _, _, page = made(path)
    tags = parsed(page)
    assert tags.names.count("script") == page.count("<script") == page.count("</script") == 1
    assert "<!--" not in page
    assert structured(page)["name"] == EVIL
    assert tags.names.count("img") == page.count('<img src="data:image/png')
    assert not [link for link in tags.links if link.startswith("javascript")]
    assert EVIL not in page


def structured(page):
    """Return the JSON-LD of a page."""
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[1])


def test_search_engines_find_a_dataset_in_it(folder):
    _, _, page = made(folder)
    found = structured(page)
    assert (found["@context"], found["@type"]) == ("https://schema.org/", "Dataset")
    assert (found["name"], found["license"]) == (
        "Simulated nuclei",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    )
    assert "How to cite" in page
    assert "@dataset{" in page


def test_the_gallery_shows_every_group_before_it_repeats_one(folder):
    dataset = open_dataset(folder)
    shown = choose(dataset, 4, 0)
    wells = [dataset.image_groups(image)["well"] for image in shown]
    assert len(set(wells)) == 4
    assert choose(dataset, 4, 0) == shown


def test_the_badge_is_the_scores(folder):
    report = checks.check(open_dataset(folder))
    text = badge(report.scores)
    for score in report.scores:
        assert f"{score.letter} {score.passed}/{score.applicable}" in text


def luminance(code):
    parts = [int(code[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_have_contrast_in_both_schemes():
    css = files("micrographia.report").joinpath("templates/page.css").read_text()
    schemes = re.findall(r":root\{([^}]*)\}", css)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+):#([0-9a-f]+)", scheme))
        colours = {
            name: code if len(code) == 6 else "".join(2 * c for c in code) for name, code in colours.items()
        }
        for name in ("text", "soft", "accent", "bad", "warn", "good"):
            for back in ("back", "panel"):
                assert contrast(colours[name], colours[back]) >= 4.5, (name, back)


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1440])
def test_the_page_never_scrolls_sideways(folder, tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        missing("browser: make browser")
    _, _, page = made(folder)
    (tmp_path / "card.html").write_text(page)
    # A window cannot be narrower than 500 pixels; a frame can.
    (tmp_path / "frame.html").write_text(
        f'<iframe id="f" src="card.html" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>f.onload=()=>{const d=f.contentDocument.documentElement;"
        'document.body.dataset.size=d.scrollWidth+" "+d.clientWidth}</script>'
    )
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    )
    flags += (
        " --disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=5000"
    )
    shown = subprocess.run(
        [
            browser,
            *flags.split(),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    scroll, client = map(int, re.search(r'data-size="(\d+) (\d+)"', shown).groups())
    assert client <= width
    assert scroll <= client
