import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from conftest import missing
from micrographia.catalogue.triage import LetterOptions, Triage, Triaged, triage
from micrographia.checks import load_profile
from micrographia.report.triage_page import triage_page, write_triage_page
from micrographia.report.triage_text import sentence, triage_text

SCRIPT = "</script><script>alert(1)</script>\x1b]0;x"


@pytest.fixture
def found(tmp_path: Path) -> Triage:
    """Three records, one hostile, and one that is cut short; with letters."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, title in enumerate(["Nuclei of cells", SCRIPT, "Others"]):
        attributes = [{"name": "Title", "value": title}, {"name": "License", "value": "CC0"}]
        author = {"type": "author", "attributes": [{"name": "Name", "value": title}]}
        study = {"type": "Study", "attributes": attributes[number:], "subsections": [author]}
        record = {
            "accno": f"S-BIAD{number}",
            "attributes": attributes[:1],
            "section": study,
            "type": "submission",
        }
        (folder / f"{number}.json").write_text(json.dumps(record))
    (folder / "x<img src=x>.json").write_text('{"accno": "S-BIAD9", "section": {"type": ')
    return triage([folder], letters=LetterOptions("Robert Hooke"), out=tmp_path / "out")


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_the_page_shows_every_row_escapes_it_and_leads_to_the_letters(found: Triage, tmp_path: Path) -> None:
    write_triage_page(found, tmp_path / "out/triage.html", load_profile("archive"))
    page = (tmp_path / "out/triage.html").read_text()
    read = Links()
    read.feed(page)
    assert read.tags.count("script") == 1
    assert "img" not in read.tags
    assert "\x1b" not in page
    assert page.count("<tr data-m=") == len(found.rows) == 4
    assert not [link for link in read.links if re.match(r"\w+://", link)]
    letters = [unquote(link) for link in read.links if link.startswith("letters/")]
    assert len(letters) == 6
    assert all((tmp_path / "out" / link).is_file() for link in letters)
    assert "Authors can be found by ORCID" in page
    assert triage_page(found) == triage_page(found)


def test_the_text_says_the_same_on_any_width(found: Triage) -> None:
    for width in (40, 80, 200):
        text = triage_text(found, width=width)
        assert "not read: " in text
        assert "\x1b" not in text
        assert "Missing most often:" in text
        assert "S-BIAD2" in text


def test_the_sentence_counts() -> None:
    rows = [Triaged("a", "a"), Triaged("b", "b", problem="is broken", remedy="Mend it")]
    assert sentence(Triage((rows[0],), "mifa-1")) == "1 submission: 1 lacks nothing that mifa-1 asks for."
    assert sentence(Triage(tuple(rows), "mifa-1")).endswith("asks for, 1 could not be read.")
    many = Triage(tuple(Triaged(str(n), str(n)) for n in range(60)), "mifa-1")
    assert "20 more: --all" in triage_text(many)
    assert "more: --all" not in triage_text(many, everything=True)


@pytest.mark.browser
def test_the_filter_hides_rows_and_nothing_scrolls_sideways(found: Triage, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        missing("browser: make browser")
    (tmp_path / "page.html").write_text(triage_page(found))
    script = """onload=()=>{const out=[];for(const f of document.querySelectorAll("iframe")){const d=f.contentDocument;
    const q=d.getElementById("q");q.value="s-biad2 others";q.dispatchEvent(new Event("input"));
    out.push([...d.querySelectorAll("#rows tr")].filter(e=>e.offsetHeight>0).length+"/"
    +(d.documentElement.scrollWidth<=d.documentElement.clientWidth)+"/"+d.getElementById("count").textContent)}
    document.body.innerHTML="<pre>"+out.join(";")+"</pre>"}"""
    frames = "".join(
        f'<iframe src="page.html" style="width:{width}px;height:600px"></iframe>' for width in (375, 1200)
    )
    (tmp_path / "frames.html").write_text(f"<body>{frames}<script>{script}</script>")
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
            f"--user-data-dir={tmp_path / 'user'}", "--dump-dom", (tmp_path / "frames.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "<pre>1/true/1 of 4;1/true/1 of 4</pre>" in done.stdout
