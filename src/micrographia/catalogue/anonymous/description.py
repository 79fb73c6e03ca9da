"""``mifa.yaml`` of an anonymous copy: without those who made the dataset, and with their names replaced in texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrographia.catalogue.anonymous.names import Names
from micrographia.metadata import Mifa, from_dict
from micrographia.metadata.fields import Record, specs
from micrographia.metadata.trees import dotted, paths

REMOVED = (
    "study.authors",
    "study.grants",
    "study.publications",
    "study.links",
    "study.funding_statement",
    "study.acknowledgements",
    "study.ai_models_trained",
    "study.accession",
    "study.doi",
    "study.release_date",
)
"""Fields that an anonymous copy does not have; those of annotation sets and versions come on top."""
SETS, VERSIONS = ("authors",), ("content_sha256", "files_sha256", "previous_version")
REASON = "left out of the anonymous copy for reviewers"


def anonymous_description(
    mifa: Mifa, names: Names, protected: Sequence[str]
) -> tuple[Mifa, list[str], list[str]]:
    """Return a description without those who made the dataset.

    Parameters
    ----------
    mifa
        What is written.
    names
        What is looked for in texts.
    protected
        Strings that stay as they are, because files are found by them.

    Returns
    -------
    Mifa
        The description.
    list of str
        Dotted paths of what was left out; fields that this package does not know are among them.
    list of str
        Dotted paths of the texts in which something was replaced.
    """
    whole = mifa.plain()
    plain = _known(Mifa, whole)
    study = plain.get("study", {})
    for name in REMOVED:
        study.pop(name.removeprefix("study."), None)
    for entries, fields in ((plain.get("annotations", []), SETS), (plain.get("versions", []), VERSIONS)):
        for entry in entries:
            for name in fields:
                entry.pop(name, None)
    title = study.get("title")
    if isinstance(title, str) and names.loose.get(title.strip()):
        words = [names.replace(word, protected) for word in study.get("keywords", [])[:4]]
        study["title"] = ": ".join(part for part in ("Anonymous submission", ", ".join(words)) if part)
    changed: list[str] = []
    made = _replaced(plain, names, protected, (), changed)
    kept = {dotted(at) for at, _ in paths(made)}
    left = [at for at in (dotted(path) for path, _ in paths(whole)) if at not in kept]
    return from_dict(made).mifa, left, changed


def _known(model: type[Record], plain: Any) -> dict[str, Any]:
    """Return what of a plain record this package knows and could read."""
    found: dict[str, Any] = {}
    for name, spec in specs(model).items():
        value = plain.get(name) if isinstance(plain, dict) else None
        if value is None:
            continue
        if spec.record is None:
            found[name] = value
        elif spec.many:
            items = value if isinstance(value, list) else []
            found[name] = [_known(spec.record, item) for item in items if isinstance(item, dict)]
        elif isinstance(value, dict):
            found[name] = _known(spec.record, value)
    return found


def _replaced(
    value: Any, names: Names, protected: Sequence[str], at: tuple[str | int, ...], changed: list[str]
) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, names, protected, (*at, key), changed) for key, item in value.items()}
    if isinstance(value, list):
        return [
            _replaced(item, names, protected, (*at, number), changed) for number, item in enumerate(value)
        ]
    if not isinstance(value, str):
        return value
    made = names.replace(value, protected)
    if made != value:
        changed.append(dotted(at))
    return made
