"""Every rule there is: the built-in ones, found in :mod:`micrographia.checks.rules`, and those of plug-ins."""

from __future__ import annotations

import inspect
import pkgutil
import re
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from micrographia import plugins
from micrographia.checks import rules as home
from micrographia.checks.rule import SECTIONS, Letter, Needs, Rule, Source
from micrographia.errors import DatasetError
from micrographia.findings import Severity

_CODE = re.compile(r"[A-Z]{1,3}\d{3}")


@cache
def builtin_rules() -> tuple[type[Rule], ...]:
    """Return the rules of this package, sorted by code."""
    found: dict[str, type[Rule]] = {}
    for module in pkgutil.iter_modules(home.__path__, f"{home.__name__}."):
        for rule in vars(import_module(module.name)).values():
            if not _is_rule(rule) or rule.__module__ != module.name or not hasattr(rule, "code"):
                continue  # imported, or what several rules share
            if rule.code in found:
                raise TypeError(f"{rule.code} is both {found[rule.code].__name__} and {rule.__name__}")
            found[rule.code] = rule
    return tuple(found[code] for code in sorted(found))


@cache
def plugin_rules() -> tuple[type[Rule], ...]:
    """Return the usable rules of plug-ins, sorted by code; a broken one is a warning."""
    taken = {rule.code for rule in builtin_rules()}
    found: dict[str, type[Rule]] = {}
    for rule in plugins.load("checks", Rule):
        try:
            verify_rule(rule)
            if rule.code in taken:
                raise TypeError(f"another rule has the code {rule.code}")
        except TypeError as error:
            name = getattr(rule, "__name__", repr(rule))
            warnings.warn(f"rule {name} is left out: {error}", plugins.PluginWarning, stacklevel=2)
            continue
        taken.add(rule.code)
        found[rule.code] = rule
    return tuple(found[code] for code in sorted(found))


def all_rules() -> tuple[type[Rule], ...]:
    """Return all rules, built-in ones first, each part sorted by code."""
    return builtin_rules() + plugin_rules()


def find_rule(code: str) -> type[Rule]:
    """Return the rule with a code, in any case.

    Raises
    ------
    DatasetError
        If there is none; the message names the nearest.
    """
    known = {rule.code: rule for rule in all_rules()}
    wanted = code.strip().upper()
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise DatasetError("", f"there is no rule {code!r}", f"{hint}See `micrographia rules`")


def matches(code: str, prefixes: Iterable[str]) -> bool:
    """Tell whether a code begins with any of the prefixes (``M``, ``F0``, ``P004``), in any case."""
    return any(code.startswith(prefix.strip().upper()) for prefix in prefixes if prefix.strip())


def verify_rule(rule: type[Rule]) -> None:
    """Raise ``TypeError`` with the reason if a class is no usable rule; the helper for plug-in authors' tests.

    It must subclass :class:`~micrographia.checks.Rule`, speak this version of the protocol, and have a code, the
    attributes of the protocol, and a docstring with a title and all sections.
    """
    plugins.verify(rule, Rule)
    if not _is_rule(rule):
        raise TypeError("it is no class")
    if not _CODE.fullmatch(getattr(rule, "code", "")):
        raise TypeError(f"its code {getattr(rule, 'code', None)!r} is not capital letters and three digits")
    for name, kind in (("severity", Severity), ("source", Source), ("letter", Letter), ("needs", Needs)):
        if not isinstance(getattr(rule, name, None), kind):
            raise TypeError(
                f"its {name} is not one of {', '.join(f'{kind.__name__}.{k.name}' for k in kind)}"
            )
    if not isinstance(rule.requires, tuple) or not all(_CODE.fullmatch(code) for code in rule.requires):
        raise TypeError("its requires is not a tuple of codes")
    if not rule.title():
        raise TypeError("its docstring has no title")
    missing = [name for name in SECTIONS if not rule.documentation().get(name)]
    if missing:
        raise TypeError(f"its docstring lacks {', '.join(missing)}")


def _is_rule(candidate: object) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, Rule) and not inspect.isabstract(candidate)
