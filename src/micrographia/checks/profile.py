"""Profiles: named, versioned lists of the rules that make up the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from micrographia.checks import profiles as home
from micrographia.checks.registry import builtin_rules
from micrographia.checks.rule import Letter
from micrographia.errors import DatasetError, MetadataError
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse

DEFAULT = "mifa-1"
LARGEST = 1 << 20
"""Bytes above which a file is taken for no profile."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Which rules make up the scores.

    Parameters
    ----------
    name
        Name with version, for example ``mifa-1``.
    description
        What it is for.
    rules
        Letter to the codes of its rules.
    """

    name: str
    description: str
    rules: Mapping[Letter, tuple[str, ...]]


def load_profile(name: str | Path = DEFAULT) -> Profile:
    """Return a built-in profile by its name, or one from a YAML file by its path.

    Raises
    ------
    DatasetError
        If there is no such profile, or the file is no profile.
    """
    if str(name) in profile_names():
        return _built_in(str(name))
    path = Path(name)
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        known = ", ".join(profile_names())
        raise DatasetError(
            "", f"there is no profile {str(name)!r}", f"Use {known} or the path of a YAML file"
        )
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, "is larger than 1 MiB", "Is it really a profile?")
        return _parse(path.read_text("utf-8"), path)
    except UnicodeDecodeError as error:
        raise DatasetError(path, "is not UTF-8", "Save it as UTF-8 text") from error
    except OSError as error:
        raise DatasetError(
            path, f"cannot be read ({error.strerror})", "Check the path of the profile"
        ) from error


@cache
def _built_in(name: str) -> Profile:
    return _parse(files(home).joinpath(f"{name}.yaml").read_text("utf-8"), name)


def profile_names() -> tuple[str, ...]:
    """Return the names of the built-in profiles."""
    return tuple(
        sorted(
            item.name.removesuffix(".yaml") for item in files(home).iterdir() if item.name.endswith(".yaml")
        )
    )


def _parse(text: str, path: str | Path) -> Profile:
    example = "It needs `profile`, `description` and `rules` with lists of codes under M, I, F and A"
    try:
        held = plain(parse(text, path).root)
    except MetadataError as error:
        raise DatasetError(path, f"is no YAML ({error.problem})", example) from error
    if not isinstance(held, dict) or not isinstance(held.get("rules"), dict):
        raise DatasetError(path, "is no profile", example)
    letters = {letter.value: letter for letter in Letter}
    known = {rule.code for rule in builtin_rules()}
    rules: dict[Letter, tuple[str, ...]] = {}
    for key, codes in held["rules"].items():
        if key not in letters or not isinstance(codes, list):
            raise DatasetError(path, f"has {str(key)[:40]!r} among its letters, or no list under it", example)
        rules[letters[key]] = tuple(_code(code, known, path) for code in codes)
    listed = [code for codes in rules.values() for code in codes]
    twice = sorted({code for code in listed if listed.count(code) > 1})
    if twice:
        raise DatasetError(path, f"lists {', '.join(twice)} twice", "A rule counts once")
    return Profile(_text(held, "profile") or Path(path).stem, _text(held, "description"), rules)


def _code(code: Any, known: set[str], path: str | Path) -> str:
    if not isinstance(code, str) or code not in known:
        shown = repr(code) if isinstance(code, str | int) else f"a {type(code).__name__}"
        raise DatasetError(path, f"names {shown}, which is no built-in rule", "See `micrographia rules`")
    return code


def _text(held: dict[Any, Any], key: str) -> str:
    value = held.get(key)
    return value.strip() if isinstance(value, str) else ""
