import re

import pytest
from rich.cells import cell_len

from micrographia.errors import MicrographiaError
from micrographia.report.probe_page import probe_text
from probe_samples import few, full, many, minimal


def test_the_table_is_that_of_the_primary_task():
    result = full()
    text = probe_text(result, width=150)
    lines = text.splitlines()
    at = next(index for index, line in enumerate(lines) if line.lstrip().startswith("candidate "))
    assert lines[at - 1].startswith("  Mechanism of action, 1-NN, not same compound and not same week")
    assert lines[at - 1].endswith("primary metric; unit: compound (38), crossed with week")
    assert re.split(r"\s{2,}", lines[at].strip()) == [
        "candidate", "score", "95% interval", "chance", "majority",
        "vs untrained twins", "vs intensity", "vs cell density", "vs well position",
    ]  # fmt: skip
    rows = {row["candidate"]: row for row in result["table"] if row["task"] == "nscb"}
    for line in lines[at + 1 : at + 3]:
        name, score, interval, *_, last = re.split(r"\s{2,}", line.strip())
        row = rows[name]
        assert score == f"{row['score']:.2f}"
        assert interval == f"{row['low']:.2f} to {row['high']:.2f}"
        compared = [c for c in result["comparisons"] if c["task"] == "nscb" and c["candidate"] == name]
        assert last == f"{compared[-1]['verdict']} {compared[-1]['difference']:+.2f}"
    starts = {line.index(re.search(r"\d\.\d\d", line).group()) for line in lines[at + 1 : at + 3]}
    assert len(starts) == 1


@pytest.mark.parametrize("width", [40, 80, 100, 150])
@pytest.mark.parametrize("made", [full, minimal, many, few])
def test_no_line_is_wider_than_the_terminal(made, width):
    text = probe_text(made(), width=width)
    assert text.endswith("\n")
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert text == probe_text(made(), width=width)


def test_what_stands_in_the_narrow_form_is_what_stands_in_the_wide_one():
    result = full()
    narrow = " ".join(probe_text(result, width=60).split())
    for row in result["comparisons"]:
        if row["task"] == "nscb":
            assert (
                f"{row['verdict']} {row['difference']:+.2f} vs {row['against']}".replace("-", "−") in narrow
            )


def test_the_sentences_and_what_cannot_be_concluded_follow():
    result = full() | {"headline": ["First sentence.", "Second."]}
    text = probe_text(result, width=150)
    assert (
        text.index("beats") < text.index("First sentence.") < text.index("Second.") < text.index("Cannot be")
    )
    assert all(line in " ".join(text.split()) for line in result["audit"]["cannot"])


def test_too_few_groups_are_said():
    text = probe_text(few(), width=200)
    assert text.count("too few groups") >= 8
    assert "4 groups are too few to tell cellprofiler from" in text


def test_many_candidates_are_cut_and_told():
    crowd = many()
    assert "More candidates in the report: 28." in probe_text(crowd)
    assert "More candidates" not in probe_text(crowd, everything=True)


def test_nothing_scored():
    assert probe_text(minimal()) == "  Nothing was scored.\n"


def test_a_terminal_is_not_given_orders():
    result = full() | {"headline": ["a\x1b[31mb\nc"], "audit": {"verdict": "\x07", "cannot": ["\r"]}}
    for row in result["table"]:
        row["candidate"] = f"{row['candidate']}\x1b]0;title\x07"
    text = probe_text(result)
    assert not set(text) & set("\x1b\x07\r")
    assert "\x1b[" in probe_text(full(), color=True)


def test_what_is_no_result_is_refused():
    with pytest.raises(MicrographiaError, match="no result"):
        probe_text({"a": 1})
