import dataclasses
import re
from pathlib import Path

import pytest

from builder import Builder
from micrographia.checks import Needs, Report, check_facts
from micrographia.findings import Finding, Severity
from micrographia.report.findings_grouping import grouped
from micrographia.report.findings_text import SHOWN, findings_text
from planting import facts_of, report_of
from reports import report_with_defects


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return report_with_defects(tmp_path)


def test_scores_then_findings_then_the_next_step(report: Report) -> None:
    text = findings_text(report)
    lines = text.splitlines()
    assert lines[0] == "  profile mifa-1       passed of applicable"
    assert re.match(r"  Metadata +[#]+-+ +\d+ of \d+ +Incentives \(practice\) +[#]+ +\d of 7$", lines[1])
    error = next(line for line in lines if "M003" in line)
    assert error.startswith(
        '  error    M003  annotation type "Segmentation masks" is not in the MIFA vocabulary'
    )
    assert error.endswith("mifa.yaml:66") or re.search(r"mifa\.yaml:\d+$", error)
    assert lines[lines.index(error) + 1] == f"{'':17}did you mean segmentation_mask?   fixable"
    footer = next(line for line in lines if "micrographia explain" in line)
    assert "1 fixable: --fix." in footer
    assert "1 waived: --all." in footer


def test_files_with_the_same_finding_are_one_entry(report: Report) -> None:
    [entry] = [entry for entry in grouped(report.findings) if entry.code == "L005"]
    assert len(entry.findings) == 12
    assert entry.places(2) == "images/left over 0<i>.tif, images/left over 10<i>.tif and 10 more"


def test_lines_of_one_file_are_listed_once() -> None:
    findings = [Finding("L001", Severity.ERROR, "x", path=path, line=line) for path, line in
                (("files.tsv", 18), ("files.tsv", 240), ("a.tif", None), ("files.tsv", 301))]  # fmt: skip
    [entry] = grouped(findings)
    assert entry.places(9) == "files.tsv:18, 240, 301, a.tif"


def test_the_first_ten_and_all(report: Report) -> None:
    many = [Finding(f"Z{n:03}", Severity.WARNING, f"number {n}", path=f"{n}.tif") for n in range(25)]
    crowded = dataclasses.replace(report, findings=tuple(many))
    text = findings_text(crowded)
    assert text.count("warning") == SHOWN
    assert f"{25 - SHOWN} more: --all." in text
    everything = findings_text(crowded, everything=True)
    assert everything.count("warning") == 25
    assert "more: --all" not in everything
    assert "Waived, with the reason that was written" in everything
    assert "Skipped:" in everything


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_is_longer_than_the_terminal(report: Report, width: int) -> None:
    for everything in (False, True):
        lines = findings_text(report, everything=everything, width=width).splitlines()
        told = [line for line in lines if not line.startswith("  Next") and "explain" not in line]
        assert max(map(len, told)) <= max(width, 66), "scores need 66 columns"


def test_what_the_dataset_says_cannot_command_the_terminal(report: Report) -> None:
    plain = findings_text(report, everything=True)
    assert "\x1b" not in plain
    assert "\\x1b[31m" in plain
    coloured = findings_text(report, everything=True, color=True)
    assert "\x1b[1;31merror" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_clean_dataset_is_told_so_and_what_comes_next(tmp_path: Path) -> None:
    report = report_of(Builder(tmp_path))
    text = findings_text(report)
    assert "No findings." in text
    assert "--pixels" in text
    read = dataclasses.replace(report, depth=Needs.PIXELS)
    assert f"Next: micrographia convert {tmp_path} OUT" in findings_text(read)


def test_only_selected_letters_are_scored(tmp_path: Path) -> None:
    report = check_facts(facts_of(Builder(tmp_path)), select=["F"])
    lines = findings_text(report).splitlines()
    assert lines[1].startswith("  Formats")
    assert "Metadata" not in lines[1]


def test_what_was_fixed_comes_first(report: Report) -> None:
    fixed = dataclasses.replace(report, fixed=("mifa.yaml: wrote segmentation_mask",))
    assert findings_text(fixed).startswith("  Fixed: mifa.yaml: wrote segmentation_mask\n")
