"""Read a profile from YAML: every mistake is an error that says where and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from micrographia.checks.registry import builtin_rules
from micrographia.checks.rule import Letter, Rule
from micrographia.checks.wording import is_placeholder, suggest
from micrographia.errors import DatasetError, MetadataError
from micrographia.findings import Severity
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse

KEYS = (
    "profile", "description", "extends", "rules", "add", "drop", "required", "recommended", "optional", "thresholds",
    "waive", "letters", "letter",
)  # fmt: skip
"""What a profile may say, in the order in which the documentation has it."""

WEIGHTS = {
    "required": Severity.ERROR,
    "recommended": Severity.WARNING,
    "optional": Severity.INFO,
}
"""Lists of codes to the severity that they give."""

TEXTS = ("opening", "closing")
"""Sentences of one's own in letters to authors."""

EXAMPLE = (
    "It needs `profile`, `description` and `rules` with lists of codes under M, I, F and A, or `extends`"
)


@dataclass(frozen=True)
class Profile:
    """Which rules are asked for, and how much each matters.

    Parameters
    ----------
    name
        Name with version, for example ``mifa-1``.
    description
        What it is for.
    rules
        Letter to the codes of its rules. They make up the scores, and no other built-in rule is judged.
    severities
        Code to the severity that replaces the rule's own.
    thresholds
        Code to names and values of :attr:`Rule.thresholds <micrographia.checks.Rule>`.
    waivers
        Code to the reason for which its findings are set aside.
    letters
        What a letter of MIFA means here, in a sentence or two.
    texts
        ``opening`` and ``closing``: sentences of its own in letters to authors.
    """

    name: str
    description: str
    rules: Mapping[Letter, tuple[str, ...]]
    severities: Mapping[str, Severity] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[Letter, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes of its rules."""
        return frozenset(code for codes in self.rules.values() for code in codes)

    def asks(self, code: str) -> bool:
        """Whether a rule is asked for and not waived."""
        return code in self.codes and code not in self.waivers

    def severity(self, rule: type[Rule]) -> Severity:
        """Return how much a rule matters here."""
        return self.severities.get(rule.code, rule.severity)


Parent = Callable[[str], Profile]
"""Returns the profile that another one names under ``extends``."""


def read_profile(text: str, path: str | Path, parent: Parent) -> Profile:
    """Return what a profile says.

    Parameters
    ----------
    text
        YAML.
    path
        Where it is from, for errors and for a profile without a name.
    parent
        Called with what stands under ``extends``.

    Raises
    ------
    DatasetError
        If it is no YAML, says something that no profile can say, or names rules that do not exist.
    """
    try:
        held = plain(parse(text, path).root)
    except MetadataError as error:
        raise DatasetError(path, f"is no YAML ({error.problem})", EXAMPLE) from error
    if not isinstance(held, dict) or not ({"rules", "extends"} & held.keys()):
        raise DatasetError(path, "is no profile", EXAMPLE)
    reading = _Reading(path, held)
    reading.known_keys()
    base = parent(reading.text("extends")) if "extends" in held else Profile("", "", {})
    rules = reading.rules(base.rules)
    codes = [code for listed in rules.values() for code in listed]
    reading.once(codes)
    here = frozenset(codes)
    return Profile(
        reading.text("profile") or Path(path).stem,
        reading.text("description"),
        rules,
        _only(base.severities, here) | reading.severities(here),
        _only(base.thresholds, here) | reading.thresholds(here),
        _only(base.waivers, here) | reading.waivers(here),
        {**base.letters, **reading.letters()},
        {**base.texts, **reading.texts()},
    )


def _only(held: Mapping[str, Any], codes: frozenset[str]) -> dict[str, Any]:
    return {code: value for code, value in held.items() if code in codes}


class _Reading:
    def __init__(self, path: str | Path, held: dict[Any, Any]) -> None:
        self.path = path
        self.held = held
        self.known: dict[str, type[Rule]] = {rule.code: rule for rule in builtin_rules()}

    def fail(self, problem: str, remedy: str) -> DatasetError:
        return DatasetError(self.path, problem, remedy)

    def known_keys(self) -> None:
        for key in self.held:
            if key not in KEYS:
                near = suggest(str(key), KEYS)
                hint = f"Did you mean {near}?" if near else f"It may hold {', '.join(KEYS)}"
                raise self.fail(f"says {str(key)[:40]!r}, which no profile can say", hint)

    def text(self, key: str) -> str:
        value = self.held.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.fail(f"has no text under {key}", f"Write {key}: ...")
        return value.strip()

    def rules(self, base: Mapping[Letter, tuple[str, ...]]) -> dict[Letter, tuple[str, ...]]:
        found = dict(base) | self.by_letter("rules")
        dropped = self.codes("drop", self.held.get("drop"))
        asked = {code for codes in found.values() for code in codes}
        for code in dropped:
            if code not in asked:
                raise self.fail(f"drops {code}, which it does not have", "Remove the code")
        found = {letter: tuple(c for c in codes if c not in dropped) for letter, codes in found.items()}
        for letter, codes in self.by_letter("add").items():
            found[letter] = (*found.get(letter, ()), *codes)
        return found

    def by_letter(self, key: str) -> dict[Letter, tuple[str, ...]]:
        value = self.held.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(f"has no letters under {key}", EXAMPLE)
        found = {}
        for name, codes in value.items():
            if not isinstance(codes, list):
                raise self.fail(f"has {str(name)[:40]!r} among its letters, or no list under it", EXAMPLE)
            found[self.letter(name)] = self.codes(f"{key}.{name}", codes)
        return found

    def letter(self, name: Any) -> Letter:
        letters = {letter.value: letter for letter in Letter}
        if name not in letters:
            raise self.fail(f"has {str(name)[:40]!r} among its letters, or no list under it", EXAMPLE)
        return letters[name]

    def codes(self, key: str, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.fail(f"has no list of codes under {key}", f"Write {key}: [M001, M002]")
        return tuple(self.code(code) for code in value)

    def code(self, code: Any) -> str:
        if not isinstance(code, str) or code not in self.known:
            shown = repr(code) if isinstance(code, str | int) else f"a {type(code).__name__}"
            raise self.fail(f"names {shown}, which is no built-in rule", "See `micrographia rules`")
        return code

    def once(self, codes: list[str]) -> None:
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise self.fail(f"lists {', '.join(twice)} twice", "A rule counts once")

    def own(self, codes: Iterable[str], key: str, here: frozenset[str]) -> None:
        for code in codes:
            if code not in here:
                raise self.fail(f"has {code} under {key}, but not among its rules", "Add it to rules")

    def severities(self, here: frozenset[str]) -> dict[str, Severity]:
        found: dict[str, Severity] = {}
        for key, severity in WEIGHTS.items():
            codes = self.codes(key, self.held.get(key))
            self.own(codes, key, here)
            for code in codes:
                if code in found:
                    raise self.fail(f"gives {code} two severities", "Name it once, under one of them")
                found[code] = severity
        return found

    def thresholds(self, here: frozenset[str]) -> dict[str, dict[str, float]]:
        value = self.held.get("thresholds", {})
        if not isinstance(value, dict):
            raise self.fail("has no codes under thresholds", "Write thresholds: {M002: {least: 40}}")
        found = {}
        for code, values in value.items():
            rule = self.known[self.code(code)]
            self.own([code], "thresholds", here)
            if not isinstance(values, dict):
                raise self.fail(
                    f"has no names under thresholds.{code}", f"Write {code}: {{{_offered(rule)}: 40}}"
                )
            found[code] = {str(name): self.number(rule, name, number) for name, number in values.items()}
        return found

    def number(self, rule: type[Rule], name: Any, value: Any) -> float:
        if name not in rule.thresholds:
            offered = _offered(rule)
            hint = f"It has {offered}" if offered else "It has none"
            raise self.fail(f"sets {str(name)[:40]!r} of {rule.code}, which has no such threshold", hint)
        own = getattr(rule, name)
        whole = isinstance(own, int)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 <= value < 1e9
            or (whole and not float(value).is_integer())
        ):
            kind = "a whole number" if whole else "a number"
            raise self.fail(
                f"sets {name} of {rule.code} to no number from 0", f"Write {kind}, for example {own}"
            )
        return int(value) if whole else float(value)

    def waivers(self, here: frozenset[str]) -> dict[str, str]:
        value = self.held.get("waive", [])
        if not isinstance(value, list):
            raise self.fail("has no list under waive", "Write waive: [{code: F020, reason: ...}]")
        found: dict[str, str] = {}
        for one in value:
            if not isinstance(one, dict) or not {"code", "reason"} >= one.keys():
                raise self.fail("has no code and reason under waive", "Write - {code: F020, reason: ...}")
            code, reason = self.code(one.get("code")), one.get("reason")
            self.own([code], "waive", here)
            if not isinstance(reason, str) or is_placeholder(reason):
                raise self.fail(f"waives {code} without a reason", "Say why; it is shown publicly")
            found[code] = reason.strip()
        return found

    def letters(self) -> dict[Letter, str]:
        found = {}
        for name, text in self.mapping("letters").items():
            found[self.letter(name)] = text
        return found

    def texts(self) -> dict[str, str]:
        found = self.mapping("letter")
        for name in found:
            if name not in TEXTS:
                raise self.fail(f"says {name[:40]!r} under letter", f"It may hold {' and '.join(TEXTS)}")
        return found

    def mapping(self, key: str) -> dict[str, str]:
        value = self.held.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self.fail(f"has no texts under {key}", f"Write {key}: {{NAME: a sentence}}")
        return {str(name): " ".join(text.split()) for name, text in value.items()}


def _offered(rule: type[Rule]) -> str:
    return ", ".join(rule.thresholds)
