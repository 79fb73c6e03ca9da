from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import Builder
from micrographia.checks import Facts, Letter, Needs, Report, Rule, Source, State, check, check_facts, gather
from micrographia.checks.profile import Profile
from micrographia.checks.registry import builtin_rules
from micrographia.checks.runner import INTERNAL_ERROR
from micrographia.errors import DatasetError, MicrographiaError
from micrographia.findings import Finding, Severity
from planting import facts_of, report_of


class Base(Rule):
    """A rule of a plug-in.

    What it does
    ------------
    Nothing.
    """

    code = "Z001"
    severity = Severity.WARNING
    source = Source.PRACTICE
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        if facts.rows is None:
            yield self.finding("there are no rows")


class Breaks(Base):
    """A rule that breaks."""

    code = "Z002"

    def check(self, facts: Facts) -> Iterator[Finding]:
        yield self.finding("found before it broke", **facts.at("study.title"))
        raise KeyError("nothing there")


class Depends(Base):
    """A rule that requires one that breaks."""

    code = "Z003"
    requires = ("Z002",)


class DependsOnNothing(Base):
    """A rule that requires one that there is not."""

    code = "Z004"
    requires = ("Z999",)


def test_a_valid_dataset_passes_every_rule(tmp_path: Path) -> None:
    report = report_of(Builder(tmp_path))
    assert report.findings == ()
    assert [waived.finding.code for waived in report.waived] == ["F020"]
    assert {outcome.state for outcome in report.outcomes} <= {
        State.PASSED,
        State.WAIVED,
        State.NOT_APPLICABLE,
        State.SKIPPED,
    }
    skipped = {outcome.code for outcome in report.outcomes if outcome.state is State.SKIPPED}
    assert skipped == {rule.code for rule in builtin_rules() if rule.needs is Needs.PIXELS}
    assert report.exit_code(strict=True) == 0


def test_skipped_and_waived_rules_count_as_not_passed(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    builder.remove("study.title")
    report = report_of(builder)
    metadata, _, formats, _ = report.scores
    assert metadata.failed == ("M001",)
    assert "F020" in formats.waived
    for score in report.scores:
        states = [o.state for o in report.outcomes if o.letter is score.letter]
        assert score.applicable == sum(state is not State.NOT_APPLICABLE for state in states)
        assert score.passed == states.count(State.PASSED)
        assert score.applicable == score.passed + len(score.failed + score.waived + score.skipped)


def test_a_dependent_rule_is_skipped_not_failed(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    builder.set("annotations", [])
    report = report_of(builder)
    assert report.outcome("M009").state is State.FAILED
    outcome = report.outcome("M013")
    assert (outcome.state, outcome.reason) == (State.SKIPPED, "it requires M009, which was failed")


def test_what_was_not_read_is_skipped(tmp_path: Path) -> None:
    report = check_facts(gather(Builder(tmp_path).write(), needs=Needs.METADATA))
    assert report.outcome("F002").reason == "it needs the headers, which were not read"
    assert report.outcome("L002").state is State.SKIPPED
    assert report.depth is Needs.METADATA


def test_a_rule_that_raises_is_a_finding_and_stops_no_other(tmp_path: Path) -> None:
    facts = facts_of(Builder(tmp_path))
    rules = [Base, Breaks, Depends, DependsOnNothing, *builtin_rules()]
    report = check_facts(facts, rules=rules)
    [finding] = report.findings
    assert finding.code == INTERNAL_ERROR
    assert "Z002" in finding.message
    assert "KeyError" in finding.message
    assert report.exit_code() == 1
    states = {outcome.code: outcome.state for outcome in report.outcomes}
    assert (states["Z001"], states["Z002"], states["Z003"]) == (State.PASSED, State.SKIPPED, State.SKIPPED)
    assert report.outcome("Z004").reason == "it requires Z999, which there is not"
    assert report.outcome("M001").state is State.PASSED


def test_rules_of_plugins_are_left_out_of_the_scores(tmp_path: Path) -> None:
    facts = facts_of(Builder(tmp_path))
    assert check_facts(facts, rules=[Base, *builtin_rules()]).scores == check_facts(facts).scores


def test_select_and_ignore(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    builder.set("annotations[0].annotation_type", ["Segmentation masks"])
    builder.remove("study.title")
    builder.remove("study.links")
    facts = facts_of(builder)

    def codes(report: Report) -> set[str]:
        return {finding.code for finding in report.findings}

    assert codes(check_facts(facts)) == {"A003", "M001", "M003"}
    assert codes(check_facts(facts, select=["m"])) == {"M001", "M003"}
    assert codes(check_facts(facts, select=["M00"], ignore=["M003"])) == {"M001"}
    assert codes(check_facts(facts, ignore=["M"])) == {"A003"}
    only = check_facts(facts, select=["M013"])
    assert [outcome.code for outcome in only.outcomes] == ["M013"]
    left_out = next(score for score in only.scores if score.letter is Letter.METADATA)
    assert left_out.passed == 1
    assert len(left_out.skipped) == left_out.applicable - 1
    with pytest.raises(DatasetError, match="no rule has a code that begins with 'Q'"):
        check_facts(facts, select=["Q"])


def test_waivers_set_findings_aside_and_show_the_reason(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    for name in ("a", "b"):
        builder.put(f"images/{name}.tif", builder.read("images/field_01.tif"))
    builder.mifa["waivers"].append({"code": "l005", "reason": "left over on purpose", "path": "images/a*"})
    report = report_of(builder)
    assert [finding.path for finding in report.findings] == ["images/b.tif"]
    assert report.outcome("L005").state is State.FAILED
    assert ("images/a.tif", "left over on purpose") in [(w.finding.path, w.reason) for w in report.waived]
    builder.mifa["waivers"][-1].pop("path")
    report = report_of(builder)
    assert report.findings == ()
    assert report.outcome("L005").state is State.WAIVED


def test_exit_codes(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    builder.remove("annotations[0].annotation_criteria")
    warned = report_of(builder)
    assert (warned.exit_code(), warned.exit_code(strict=True)) == (0, 1)
    builder.remove("study.title")
    assert report_of(builder).exit_code() == 1
    with pytest.raises(MicrographiaError, match="does not exist"):
        check(tmp_path / "nowhere")


def test_a_profile_chooses_what_counts(tmp_path: Path) -> None:
    facts = facts_of(Builder(tmp_path))
    profile = Profile("two", "", {Letter.FORMATS: ("M001", "F020")})
    report = check_facts(facts, profile=profile)
    formats = next(score for score in report.scores if score.letter is Letter.FORMATS)
    assert (formats.passed, formats.applicable, formats.waived) == (1, 2, ("F020",))
    assert report.profile == "two"


def test_the_report_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    builder.remove("study.title")
    (builder.root / "masks/field_01.png").write_bytes(b"")
    builder.write()
    assert check(tmp_path, workers=1) == check(tmp_path, workers=2)
