import warnings
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from builder import Builder
from micrographia import plugins
from micrographia.checks import (
    Facts,
    Letter,
    Rule,
    Source,
    builtin_rules,
    compute_check,
    find_rule,
    verify_rule,
)
from micrographia.checks.registry import matches, plugin_rules
from micrographia.checks.rule import SECTIONS
from micrographia.errors import DatasetError
from micrographia.findings import Finding, Severity


class Plugin(Rule):
    """Titles are short.

    What it does
    ------------
    Counts the characters of the title.

    Why it matters
    --------------
    Long titles are cut off.

    Example
    -------
    A title of a thousand characters.

    How to fix
    ----------
    Shorten it.

    References
    ----------
    None.
    """

    code = "ZZ001"
    severity = Severity.INFO
    source = Source.PRACTICE
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        if len(facts.mifa.study.title or "") > 50:
            yield self.finding("the title is long", **facts.at("study.title"))


class Taken(Plugin):
    __doc__ = Plugin.__doc__
    code = "M001"


class Undocumented(Plugin):
    """A rule without sections."""


class Abstract(Rule):
    __doc__ = Plugin.__doc__
    code = "ZZ002"


@pytest.mark.parametrize("rule", builtin_rules(), ids=lambda rule: rule.code)
def test_built_in_rules_are_complete(rule: type[Rule]) -> None:
    verify_rule(rule)
    codes = {other.code for other in builtin_rules()}
    assert set(rule.requires) <= codes - {rule.code}
    assert list(rule.documentation()) == list(SECTIONS)
    assert rule.fixable == (rule.fix is not Rule.fix), "fixable and fix go together"
    if rule.source is Source.MIFA and rule.letter is not Letter.METADATA:
        assert "schema" in rule.documentation()["References"], "I, F and A of the MIFA text are not known"


def test_there_are_enough_rules() -> None:
    assert len(builtin_rules()) >= 45


def test_the_helper_for_plugins(tmp_path: Path) -> None:
    verify_rule(Plugin)
    folder = Builder(tmp_path).write()
    [finding] = compute_check(Plugin, folder)
    assert (finding.code, finding.path, finding.line) == ("ZZ001", "mifa.yaml", 3)
    assert compute_check("M001", folder) == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [(Undocumented, "lacks What it does"), (Abstract, "lacks check"), (Facts, "api_version None")],
)
def test_what_is_no_usable_rule(rule: type[Rule], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        verify_rule(rule)


def test_broken_plugins_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        EntryPoint(name, f"{Plugin.__module__}:{name}", plugins.GROUPS["checks"])
        for name in ("Plugin", "Taken", "Undocumented", "Absent")
    ]
    held = {"Plugin": Plugin, "Taken": Taken, "Undocumented": Undocumented}
    monkeypatch.setattr(EntryPoint, "load", lambda entry: held[entry.name])
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: entries if group == plugins.GROUPS["checks"] else []
    )
    plugin_rules.cache_clear()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = plugin_rules()
    plugin_rules.cache_clear()
    assert found == (Plugin,)
    said = " ".join(str(warning.message) for warning in told)
    assert "another rule has the code M001" in said
    assert "Undocumented is left out" in said
    assert "Absent" in said


def test_find_rule() -> None:
    assert find_rule("m003").code == "M003"
    with pytest.raises(DatasetError, match="Did you mean M0"):
        find_rule("M0003")


def test_matches() -> None:
    assert matches("M003", ["f", " m0 "])
    assert not matches("M003", ["", "M1"])
