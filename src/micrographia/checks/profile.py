"""Profiles: named, versioned rule sets: which rules are asked for, how much each matters, which are waived."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from micrographia.checks import profiles as home
from micrographia.checks.profile_reading import Parent, Profile, read_profile
from micrographia.checks.rule import Rule
from micrographia.errors import DatasetError
from micrographia.findings import Finding, Severity

__all__ = ["DEFAULT", "Profile", "Tuned", "load_profile", "newest", "profile_names"]

DEFAULT = "mifa-1"
LARGEST = 1 << 20
"""Bytes above which a file is taken for no profile."""
DEEPEST = 8
"""Profiles that may extend each other in a row."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A profile at work: gives rules its thresholds and findings its severities.

    Parameters
    ----------
    profile
        The profile.
    """

    profile: Profile
    _made: dict[str, type[Rule]] = field(default_factory=dict, compare=False)

    def rule(self, rule: type[Rule]) -> type[Rule]:
        """Return a rule with the thresholds of the profile."""
        values = self.profile.thresholds.get(rule.code)
        if not values:
            return rule
        if rule.code not in self._made:
            body = {**values, "__doc__": rule.__doc__, "__module__": rule.__module__}
            self._made[rule.code] = type(rule.__name__, (rule,), body)
        return self._made[rule.code]

    def finding(self, finding: Finding, rule: type[Rule]) -> Finding:
        """Return a finding with the severity that the profile gives it.

        What a rule takes less seriously than its usual findings (two keywords rather than none) stays as many steps
        below.
        """
        given = self.profile.severities.get(rule.code)
        if given is None or finding.code != rule.code:
            return finding
        steps = max(0, finding.severity.rank - rule.severity.rank)
        severity = list(Severity)[min(given.rank + steps, Severity.INFO.rank)]
        return replace(finding, severity=severity)


def load_profile(name: str | Path = DEFAULT) -> Profile:
    """Return a built-in profile by its name, or one from a YAML file by its path.

    Parameters
    ----------
    name
        ``journal-1``; ``journal`` for the newest version of it; or the path of a YAML file.

    Raises
    ------
    DatasetError
        If there is no such profile, the file is no profile, or profiles extend each other in a circle.
    """
    return _load(str(name), Path(), ())


@cache
def profile_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles."""
    return tuple(
        sorted(
            item.name.removesuffix(".yaml") for item in files(home).iterdir() if item.name.endswith(".yaml")
        )
    )


def newest(name: str) -> str:
    """Return the full name of a built-in profile: ``journal`` is the newest ``journal-N``; empty if there is none."""
    names = profile_names()
    if name in names:
        return name
    versions = [int(found[1]) for each in names if (found := re.fullmatch(rf"{re.escape(name)}-(\d+)", each))]
    return f"{name}-{max(versions)}" if versions else ""


def _load(name: str, folder: Path, below: tuple[str, ...]) -> Profile:
    known = newest(name)
    path = folder / name
    if not known and path.suffix not in (".yaml", ".yml") and not path.is_file():
        raise DatasetError(
            below[-1] if below else "",
            f"there is no profile {name!r}",
            f"Use {', '.join(profile_names())} or the path of a YAML file",
        )
    mark = known or str(path.resolve())
    if mark in below or len(below) >= DEEPEST:
        raise DatasetError(below[0], f"extends itself by way of {name}", "Let it extend another profile")

    def parent(other: str) -> Profile:
        return _load(other, Path() if known else path.parent, (*below, mark))

    return _built_in(known) if known else read_profile(_text(path), path, parent)


@cache
def _built_in(name: str) -> Profile:
    parent: Parent = load_profile
    return read_profile(files(home).joinpath(f"{name}.yaml").read_text("utf-8"), name, parent)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, "is larger than 1 MiB", "Is it really a profile?")
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(path, "is not UTF-8", "Save it as UTF-8 text") from error
    except OSError as error:
        raise DatasetError(
            path, f"cannot be read ({error.strerror})", "Check the path of the profile"
        ) from error
