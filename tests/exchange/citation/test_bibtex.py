"""BibTeX that a parser of others reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from conftest import missing
from exchange.citation.cases import DESCRIPTIONS, EVIL, WHOLE, submission
from metadata.descriptions import CALM
from micrographia.errors import ExchangeError
from micrographia.exchange import read_submission
from micrographia.exchange.citation.bibtex import bibtex_entries, paper_authors
from micrographia.exchange.citation.tex import escaped

PARSE = r"""
import codecs, json, sys
import latexcodec
from pybtex.database import parse_string
data = parse_string(sys.stdin.read(), "bibtex")
print(json.dumps({
    key: {
        "kind": entry.type,
        "authors": [[" ".join(p.first_names + p.middle_names), " ".join(p.prelast_names + p.last_names)]
                    for p in entry.persons.get("author", [])],
        "fields": dict(entry.fields),
        "title": codecs.decode(entry.fields.get("title", ""), "ulatex"),
    }
    for key, entry in data.entries.items()
}))
"""


def parsed(text: str) -> dict[str, Any]:
    """Return the entries as pybtex reads them."""
    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    done = subprocess.run(
        [python, "-c", PARSE], input=text, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.mark.validators
def test_another_parser_reads_the_entries() -> None:
    text, findings = bibtex_entries(submission(WHOLE))
    found = parsed(text)
    assert list(found) == ["hooke2024nuclei", "hooke2025observations"]
    dataset, paper = found.values()
    assert dataset["kind"] == "dataset"
    assert dataset["authors"] == [["Robert", "Hooke"], ["", "{The Royal Society}"]]
    assert dataset["fields"]["doi"] == "10.6019/S-BIAD1492"
    assert re.sub("[{}]", "", paper["title"]) == "Observations of Müller & Ångström: 100% of cork"
    assert paper["authors"] == [["R", "Hooke"], ["R", "Boyle"]]
    assert any(finding.field.startswith("annotations") for finding in findings)


@pytest.mark.validators
def test_evil_text_stays_text() -> None:
    plain = {
        "study": {"title": f"{EVIL} }}}} {{", "description": EVIL, "authors": [{"author_last_name": EVIL}]}
    }
    found = parsed(bibtex_entries(submission(plain), "bibtex")[0])
    (entry,) = found.values()
    assert entry["kind"] == "misc"
    assert "\\input" not in entry["fields"]["title"]
    assert entry["fields"]["howpublished"] == "Dataset"


@CALM
@given(DESCRIPTIONS)
def test_braces_are_balanced_and_keys_are_plain(plain: dict[str, Any]) -> None:
    text, _ = bibtex_entries(submission(plain))
    assert text == bibtex_entries(submission(plain))[0]
    keys = re.findall(r"^@(?:dataset|article)\{([a-z0-9-]+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) >= 1
    depth = 0
    for line in text.splitlines():
        assert re.fullmatch(r"@\w+\{[a-z0-9-]+,|  \w+ = \{.*\},|\}|", line)
        for character in line:
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert depth >= 0
        assert line == "" or depth == (0 if line == "}" else 1)


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        (
            "é è ê ë ñ ç ř ő ū å ø ß",
            r"{\'e} {\`e} {\^e} {\"e} {\~n} {\c{c}} {\v{r}} {\H{o}} {\=u} {\aa} {\o} {\ss}",
        ),
        ("ï í ẹ ą", r"{\"{\i}} {\'{\i}} {\d{e}} {\k{a}}"),
        (
            "50% & $5 #1 a_b {x} \\ ~",
            r"50\% \& \$5 \#1 a\_b {\textbraceleft}x{\textbraceright} {\textbackslash} {\textasciitilde}",
        ),
        ("細胞 β", "細胞 β"),
        ("two\nlines\x00", "two lines"),
    ],
)
def test_text_is_escaped(text: str, tex: str) -> None:
    assert escaped(text) == tex


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Takeuchi Y, Narumi R, Fujita Y.", "Takeuchi, Y and Narumi, R and Fujita, Y"),
        ("Jonas Hartmann, Mie Wong, Elisa Gallo", "Jonas Hartmann and Mie Wong and Elisa Gallo"),
        ("Kromp et al.", "Kromp and others"),
        ("Hooke, Robert", "Hooke, Robert"),
        ("Robert Hooke, Robert Boyle", "{Robert Hooke, Robert Boyle}"),
        ("Hooke, Robert; Boyle, Robert", "Hooke, Robert and Boyle, Robert"),
        ("Science and Art", "{Science and Art}"),
    ],
)
def test_authors_of_papers_are_told_apart_where_it_is_certain(text: str, names: str) -> None:
    assert paper_authors(text) == names


def test_bibtex_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@misc{a}")
    with pytest.raises(ExchangeError, match="no known format"):
        read_submission(tmp_path / "a.bib")
    with pytest.raises(ExchangeError, match="not read"):
        read_submission(tmp_path / "a.bib", "bibtex")
