from pathlib import Path

import pytest

from micrographia.checks import Letter, builtin_rules, load_profile
from micrographia.checks.profile import profile_names
from micrographia.errors import DatasetError


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
    assert profile_names() == ("mifa-1",)


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
        ("a: &a [x, x]\nb: &b [*a, *a]\nrules: {M: *b}", "no built-in rule"),
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
