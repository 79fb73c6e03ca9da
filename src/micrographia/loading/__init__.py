"""Patches, splits and samplers for training: ``loading.patches(dataset)``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from micrographia.loading.batching import collate
    from micrographia.loading.epochs import Patches
    from micrographia.loading.errors import LoadingError
    from micrographia.loading.geometry import inclusion
    from micrographia.loading.opening import patches
    from micrographia.loading.roles import ROLES, Role, channel_roles, match_roles

_HOME = {
    "ROLES": "roles",
    "LoadingError": "errors",
    "Patches": "epochs",
    "Role": "roles",
    "channel_roles": "roles",
    "collate": "batching",
    "inclusion": "geometry",
    "match_roles": "roles",
    "patches": "opening",
}

__all__ = [
    "ROLES",
    "LoadingError",
    "Patches",
    "Role",
    "channel_roles",
    "collate",
    "inclusion",
    "match_roles",
    "patches",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value
