"""Plug-ins: found by entry point, loaded when needed, refused when they speak another version.

A plug-in is any object with ``api_version`` (an integer) and ``name``, announced in the ``pyproject.toml`` of its
package under one of :data:`GROUPS`. A plug-in that fails to load is a warning, never an error.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

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


class Plugin(Protocol):
    """What every plug-in has, whatever its kind."""

    api_version: int
    name: str


class PluginWarning(UserWarning):
    """A plug-in that was found but cannot be used."""


def verify(plugin: Any, protocol: type | None = None) -> None:
    """Raise ``TypeError`` with the reason if ``plugin`` cannot be used; the helper for plug-in authors' tests.

    Parameters
    ----------
    plugin
        The object or class that the entry point names.
    protocol
        A ``runtime_checkable`` protocol that it must satisfy, or None to test only what all plug-ins share.
    """
    version = getattr(plugin, "api_version", None)
    name = getattr(plugin, "name", None) or getattr(plugin, "__name__", repr(plugin))
    if version != API_VERSION:
        raise TypeError(f"plug-in {name} speaks api_version {version!r}; this is version {API_VERSION}")
    if protocol is None:
        return
    missing = [
        attribute
        for attribute in sorted(getattr(protocol, "__protocol_attrs__", _attributes(protocol)))
        if not hasattr(plugin, attribute)
    ]
    if missing:
        raise TypeError(f"plug-in {name} lacks {', '.join(missing)}, which {protocol.__name__} asks for")


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
    except Exception as error:  # noqa: BLE001 - code of other people may raise anything; it must not stop ours
        warnings.warn(f"plug-in {entry.name} ({entry.value}) is left out: {error}", PluginWarning, stacklevel=3)
        return None
    return plugin


def _attributes(protocol: type) -> set[str]:
    names = set(getattr(protocol, "__annotations__", {})) | set(vars(protocol))
    return {name for name in names if not name.startswith("_")}
