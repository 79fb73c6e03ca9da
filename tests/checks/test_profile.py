from pathlib import Path

import pytest

from builder import Builder
from micrographia.checks import Letter, State, builtin_rules, check_facts, load_profile
from micrographia.checks.profile import profile_names
from micrographia.errors import DatasetError
from micrographia.findings import Severity
from planting import facts_of


def test_the_default_profile_holds_every_built_in_rule_under_its_letter() -> None:
    profile = load_profile()
    assert profile.name == "mifa-1"
    for letter in Letter:
        assert sorted(profile.rules[letter]) == [
            rule.code for rule in builtin_rules() if rule.letter is letter
        ]


def test_a_profile_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine-2\ndescription: two rules\nrules:\n  F: [M001]\n  A: [F020]\n")
    profile = load_profile(path)
    assert (profile.name, profile.description) == ("mine-2", "two rules")
    assert profile.rules == {Letter.FORMATS: ("M001",), Letter.ACCESSIBILITY: ("F020",)}
    assert profile_names() == ("archive-1", "challenge-1", "journal-1", "mifa-1")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: {M: [M001, M001]}", "M001 twice"),
        ("rules: {M: [M999]}", "no built-in rule"),
        ("rules: {Q: [M001]}", "'Q' among its letters"),
        ("rules: {M: M001}", "no list"),
        ("rules: {M: [[M001]]}", "no built-in rule"),
        ("rules: {M: [1]}", "no built-in rule"),
        ("- M001", "is no profile"),
        ("", "is no profile"),
        ("rules: [", "is no YAML"),
        ("rules: !!python/object:os.system {}", "YAML|no profile"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nrules: {M: *b}", "'a', which no profile can say"),
    ],
)
def test_what_is_no_profile(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=problem):
        load_profile(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no profile 'mifa-9'"):
        load_profile("mifa-9")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_profile(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"profile: \xff")
    with pytest.raises(DatasetError, match="not UTF-8"):
        load_profile(tmp_path / "latin.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(DatasetError, match="larger than 1 MiB"):
        load_profile(tmp_path / "big.yaml")


def written(folder: Path, text: str, name: str = "ours.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_names_without_a_version_are_the_newest() -> None:
    assert load_profile("journal").name == "journal-1"
    assert load_profile("mifa") is load_profile()
    with pytest.raises(DatasetError, match="there is no profile 'jour'"):
        load_profile("jour")


@pytest.mark.parametrize("name", ["journal", "archive", "challenge"])
def test_built_in_profiles_say_what_each_letter_means(name: str) -> None:
    profile = load_profile(name)
    assert set(profile.letters) == set(Letter)
    assert profile.description
    assert not set(profile.severities) - profile.codes


def test_a_profile_extends_changes_and_waives(tmp_path: Path) -> None:
    written(
        tmp_path,
        "profile: base-1\nextends: archive\nrequired: [I003]\nthresholds: {M002: {least: 40}}\n"
        "letters: {M: All of it.}\nletter: {opening: Thank you.}\n",
        "base.yaml",
    )
    path = written(
        tmp_path,
        "profile: ours-2\nextends: base.yaml\ndrop: [I004]\nadd: {A: [I001]}\nrecommended: [M007]\noptional: [M002]\n"
        "waive:\n  - {code: I005, reason: we ask for no institutions}\nletter: {closing: Yours}\n",
    )
    profile = load_profile(path)
    assert profile.name == "ours-2"
    assert "I004" not in profile.codes
    assert profile.rules[Letter.ACCESSIBILITY][-1] == "I001"
    assert profile.severities["I003"] is Severity.ERROR
    assert profile.severities["M007"] is Severity.WARNING
    assert profile.severities["M002"] is Severity.INFO
    assert profile.thresholds == {"M002": {"least": 40}}
    assert profile.waivers == {"I005": "we ask for no institutions"}
    assert profile.letters[Letter.METADATA] == "All of it."
    assert profile.texts == {"opening": "Thank you.", "closing": "Yours"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("extends: nothing", "there is no profile 'nothing'"),
        ("extends: [a]", "no text under extends"),
        ("extends: ours.yaml", "extends itself"),
        ("rules: {M: [M001]}\nrequire: [M001]", "Did you mean required"),
        ("rules: {M: [M001]}\nrequired: M001", "no list of codes under required"),
        ("rules: {M: [M001]}\nrequired: [M002]", "M002 under required, but not among its rules"),
        ("rules: {M: [M001]}\nrequired: [M001]\noptional: [M001]", "two severities"),
        ("rules: {M: [M001]}\ndrop: [M002]", "drops M002, which it does not have"),
        ("extends: mifa\nadd: {M: [M001]}", "M001 twice"),
        ("rules: {M: [M001]}\nthresholds: {M001: {most: 3}}", "no such threshold. It has least"),
        ("rules: {M: [M001]}\nthresholds: {M001: {least: many}}", "a whole number"),
        ("rules: {M: [M001]}\nthresholds: {M001: {least: 1.5}}", "a whole number"),
        ("rules: {M: [M001]}\nthresholds: {M001: {check: 1}}", "no such threshold"),
        ("rules: {M: [M006]}\nthresholds: {M006: {least: 1}}", "It has none"),
        ("rules: {M: [M001]}\nthresholds: {M001: 3}", "no names under thresholds.M001"),
        ("rules: {M: [M001]}\nwaive: [M001]", "no code and reason"),
        ("rules: {M: [M001]}\nwaive: [{code: M001}]", "without a reason"),
        ("rules: {M: [M001]}\nwaive: [{code: M001, reason: n/a}]", "without a reason"),
        ("rules: {M: [M001]}\nletters: {Q: x}", "'Q' among its letters"),
        ("rules: {M: [M001]}\nletters: {M: [x]}", "no texts under letters"),
        ("rules: {M: [M001]}\nletter: {end: x}", "'end' under letter"),
        ("rules: [M001]", "no letters under rules"),
    ],
)
def test_mistakes_in_a_profile_are_named(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=problem):
        load_profile(written(tmp_path, text))


def test_profiles_in_a_circle(tmp_path: Path) -> None:
    written(tmp_path, "extends: b.yaml", "a.yaml")
    written(tmp_path, "extends: a.yaml", "b.yaml")
    with pytest.raises(DatasetError, match="extends itself by way of"):
        load_profile(tmp_path / "a.yaml")


def test_severities_and_thresholds_decide_the_exit_status(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "data")
    builder.remove("annotations[0].annotation_criteria")
    builder.set("study.keywords", ["nucleus"])
    facts = facts_of(builder)
    assert check_facts(facts).exit_code() == 0
    strict = load_profile(written(tmp_path, "extends: mifa\nrequired: [M015]"))
    assert check_facts(facts, profile=strict).exit_code() == 1
    # One keyword is less serious than none, and stays so.
    keywords = {
        name: next(f.severity for f in check_facts(facts, profile=profile).findings if f.code == "M004")
        for name, profile in (
            ("usual", load_profile()),
            ("recommended", load_profile(written(tmp_path, "extends: mifa\nrecommended: [M004]"))),
        )
    }
    assert keywords == {"usual": Severity.WARNING, "recommended": Severity.INFO}
    long = load_profile(written(tmp_path, "extends: mifa\nthresholds: {M002: {least: 400}}"))
    assert check_facts(facts, profile=long).outcome("M002").state is State.FAILED
    assert check_facts(facts).outcome("M002").state is State.PASSED


def test_what_a_profile_does_not_ask_for_is_not_judged(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "data")
    builder.remove("annotations")
    facts = facts_of(builder)
    only = load_profile(written(tmp_path, "rules: {M: [M001, M011]}"))
    report = check_facts(facts, profile=only)
    assert [(o.code, o.state) for o in report.outcomes] == [
        ("M001", State.PASSED),
        ("M011", State.NOT_APPLICABLE),  # without annotations, and none are asked for
    ]
    assert check_facts(facts, profile=only, select=["M009"]).exit_code() == 1
    waived = load_profile(
        written(tmp_path, "extends: mifa\nwaive: [{code: M009, reason: images alone will do}]")
    )
    report = check_facts(facts, profile=waived)
    assert report.outcome("M009").state is State.WAIVED
    assert report.outcome("M009").reason == "ours: images alone will do"
    assert report.outcome("M011").state is State.NOT_APPLICABLE
