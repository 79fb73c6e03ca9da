"""Plug-ins: found by entry point, loaded when needed, refused when they speak another version.

A plug-in is an object or a class with ``api_version`` (an integer) and whatever its protocol asks for, announced in the
``pyproject.toml`` of its package under one of :data:`GROUPS`. One that fails to load is a warning, never an error.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

API_VERSION = 1
"""The version of the plug-in protocols that this version of the package speaks."""

GROUPS = {
    "readers": "micrographia.readers",
    "checks": "micrographia.checks",
    "exchange": "micrographia.exchange",
    "encoders": "micrographia.encoders",
    "segmenters": "micrographia.segmenters",
}
"""Kind of plug-in to the entry-point group under which packages announce it."""

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class PluginWarning(UserWarning):
    """A plug-in that was found but cannot be used."""


def verify(plugin: Any, protocol: type | None = None) -> None:
    """Raise ``TypeError`` with the reason if ``plugin`` cannot be used; the helper for plug-in authors' tests.

    Parameters
    ----------
    plugin
        The object or class that the entry point names.
    protocol
        What it must satisfy: a ``typing.Protocol``, whose attributes it must have and whose methods must be callable
        as the protocol's are; or a base class, which it must extend and complete. None to test the version alone.

    Raises
    ------
    TypeError
        If it speaks another version, lacks something, or has a method that takes other arguments.
    """
    name = str(getattr(plugin, "name", None) or getattr(plugin, "__name__", repr(plugin)))
    version = getattr(plugin, "api_version", None)
    if version != API_VERSION:
        raise TypeError(f"plug-in {name} speaks api_version {version!r}; this is version {API_VERSION}")
    if protocol is None:
        return
    if not getattr(protocol, "_is_protocol", False):
        _verify_heir(plugin, protocol, name)
        return
    wanted = _attributes(protocol)
    missing = sorted(attribute for attribute in wanted if not hasattr(plugin, attribute))
    if missing:
        raise TypeError(f"plug-in {name} lacks {', '.join(missing)}, which {protocol.__name__} asks for")
    for attribute in sorted(wanted):
        asked = inspect.getattr_static(protocol, attribute, None)
        if inspect.isfunction(asked):
            _verify_method(plugin, attribute, asked, name)


def imported(place: str) -> Any:
    """Return what ``module:name`` names; modules in the working folder are found. Raises whatever importing raises."""
    module, _, name = place.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
    finally:
        sys.path.remove(here)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def load(kind: str, protocol: type | None = None) -> Iterator[Any]:
    """Yield the usable plug-ins of a kind (a key of :data:`GROUPS`), sorted by entry-point name."""
    for entry in sorted(entry_points(group=GROUPS[kind]), key=lambda entry: entry.name):
        plugin = _load(entry, protocol)
        if plugin is not None:
            yield plugin


def _load(entry: EntryPoint, protocol: type | None) -> Any:
    try:
        plugin = entry.load()
        verify(plugin, protocol)
    # Code of other people may raise anything, or ask to leave; it must not stop ours.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        reason = str(error) or type(error).__name__
        warnings.warn(
            f"plug-in {entry.name} ({entry.value}) is left out: {reason}", PluginWarning, stacklevel=3
        )
        return None
    return plugin


def _verify_heir(plugin: Any, base: type, name: str) -> None:
    kind = plugin if inspect.isclass(plugin) else type(plugin)
    if not issubclass(kind, base):
        raise TypeError(f"plug-in {name} does not extend {base.__name__}")
    lacking = getattr(kind, "__abstractmethods__", ())
    if lacking:
        raise TypeError(f"plug-in {name} lacks {', '.join(sorted(lacking))}, which {base.__name__} asks for")


def _verify_method(plugin: Any, attribute: str, asked: Callable[..., Any], name: str) -> None:
    method = getattr(plugin, attribute)
    if not callable(method):
        raise TypeError(f"plug-in {name}: {attribute} is no method")
    wanted = list(inspect.signature(asked).parameters.values())[1:]
    try:
        given = inspect.signature(method)
    except ValueError:  # written in C: says nothing about its parameters
        return
    unbound = inspect.isclass(plugin) and inspect.isfunction(inspect.getattr_static(plugin, attribute))
    places = [parameter for parameter in wanted if parameter.kind in _BY_PLACE]
    names = {parameter.name: None for parameter in wanted if parameter.kind is inspect.Parameter.KEYWORD_ONLY}
    try:
        given.bind(*([None] * (len(places) + unbound)), **names)
    except TypeError as error:
        shown = ", ".join(parameter.name for parameter in wanted)
        raise TypeError(f"plug-in {name}: {attribute} must take ({shown}): {error}") from None


def _attributes(protocol: type) -> set[str]:
    """Return the names of what a protocol asks for, its own and those of the protocols that it extends."""
    if hasattr(protocol, "__protocol_attrs__"):  # Python 3.12 and newer
        return set(protocol.__protocol_attrs__)
    return {
        name
        for base in protocol.__mro__
        if getattr(base, "_is_protocol", False) and base.__module__ != "typing"
        for name in (*vars(base).get("__annotations__", {}), *vars(base))
        if not name.startswith("_") or name == "__call__"
    }
