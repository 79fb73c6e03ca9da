"""Evaluation protocols: what is asked, fixed and hashed before anything is scored."""

from micrographia.protocols.protocol import (
    DIAGNOSTICS,
    METRICS,
    Aggregation,
    Folds,
    Nuisance,
    Protocol,
    StudyOf,
    Task,
)
from micrographia.protocols.reading import included, load_protocol

__all__ = [
    "DIAGNOSTICS",
    "METRICS",
    "Aggregation",
    "Folds",
    "Nuisance",
    "Protocol",
    "StudyOf",
    "Task",
    "included",
    "load_protocol",
]
