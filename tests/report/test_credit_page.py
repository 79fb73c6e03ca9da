"""The page of credit: long words, no scores, many records; it never scrolls sideways."""

import re
import shutil
import subprocess

import pytest

from conftest import missing
from micrographia.report.credit_page import credit_page, doubts, headline

NO_SCORE = {"name": "", "value": None, "low": None, "high": None, "on": "", "seen": "", "note": ""}
DATASET = {"title": "t", "accession": "", "version": "", "content_sha256": "", "files_sha256": ""}


def use(number=0, *, task="evaluation", by="content", verified=True, **score):
    return {
        "sha256": f"{number:064x}",
        "verified": verified,
        "matched_by": by,
        "version": "1.0",
        "trains": "train" in task,
        "model": {"name": f"model-{number}" * 5, "version": "1", "sha256": f"{number:064x}", "url": ""},
        "task": task,
        "score": {**NO_SCORE, **score},
        "made": "2026-01-03T10:00:00",
        "dataset": DATASET,
        "found_at": ["a/" * 40],
    }


def document(*uses, **more):
    person = {"name": "Robert Hooke", "orcid": "", "author": True, "roles": [], "places": [], "annotated": []}
    return {
        "kind": "micrographia credit",
        "format": 1,
        "dataset": {
            "title": "Nuclei" + "-of-kidney" * 12,
            "accession": "S-BIAD1492",
            "doi": "https://doi.org/10.6019/S-BIAD1492",
            "version": "1.0",
            "licence": "CC0-1.0",
            "contents": {"c" * 64: "1.0"},
        },
        "cite": {"text": "Hooke, Robert (1665)", "address": "", "bibtex": "@dataset{" + "x" * 200},
        "contributors": [person],
        "funding": {"statement": "", "grants": []},
        "acknowledgements": "",
        "uses": list(uses),
        "left_out": [],
        "other": 0,
        "copies": 0,
        **more,
    }


MANY = [
    use(n, name="f1", value=n / 60, low=n / 90, high=n / 50, on="image " * 9, seen="clean") for n in range(40)
]
GONE = [{"place": f"runs/{'x' * 70}/{n}.json", "why": "its checksum is not its name"} for n in range(60)]


def test_it_says_first_what_the_records_say():
    assert headline(document()) == [
        "No usage record of this dataset was found. That says nothing about whether it was used."
    ]
    said = headline(
        document(use(1, task="training"), use(2, name="f1", value=0.5, seen="clean", on="2 images"))
    )
    assert said[0] == "2 models in 2 usage records: 1 made from this dataset, 1 only scored on it."
    assert said[1].endswith(f"{'model-2' * 5}, f1 0.500 on 2 images.")
    mixed = [use(1, name="f1", value=0.5, seen="clean"), use(2, name="dice", value=0.9, seen="clean")]
    assert len(headline(document(*mixed))) == 1


def test_it_says_how_sure_it_is():
    told = " ".join(
        doubts(
            document(
                use(1, by="title"), use(2, by="accession", verified=False), left_out=GONE, other=3, copies=1
            )
        )
    )
    for text in (
        "1 record is matched by title alone",
        "1 record is matched by accession",
        "1 record came without a checksum",
        "60 records were left out",
        "3 records of other datasets were passed over",
        "1 copy of records counted once",
        "not that it is true",
    ):
        assert text in told


def test_scores_beyond_the_axis_are_shown_as_numbers_only():
    page = credit_page(document(use(1, name="pixels", value=123.4), use(2)))
    assert "123.400" in page
    assert 'class="strip"' not in page


def test_a_formula_is_no_formula_in_the_download():
    import base64

    page = credit_page(document({**use(1), "task": '=HYPERLINK("x")'}))
    data = re.search(r"data:text/csv;base64,([^\"]+)", page)[1]
    assert "'=HYPERLINK" in base64.b64decode(data).decode()


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 768, 1440])
def test_the_page_never_scrolls_sideways(tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        missing("browser: make browser")
    (tmp_path / "page.html").write_text(credit_page(document(*MANY, left_out=GONE)))
    (tmp_path / "frame.html").write_text(
        f'<iframe id="f" src="page.html" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>f.onload=()=>{const d=f.contentDocument.documentElement;"
        'document.body.dataset.size=d.scrollWidth+" "+d.clientWidth}</script>'
    )
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    )
    flags += (
        "--disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=5000"
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
