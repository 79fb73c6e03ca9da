import doctest

import pytest

from micrographia.catalogue.triage import effort, record
from micrographia.catalogue.triage.lacks import ASKS, WHAT
from micrographia.catalogue.triage.places import _FORM
from micrographia.checks import builtin_rules
from micrographia.metadata import Mifa
from micrographia.metadata.trees import tokens


@pytest.mark.parametrize("module", [effort, record])
def test_examples(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_words_and_minutes_are_of_rules_that_exist() -> None:
    known = {rule.code for rule in builtin_rules()}
    assert set(ASKS) <= known
    assert set(WHAT) <= known
    assert set(effort.load_efforts().rules) <= known
    assert set(ASKS) <= set(WHAT)


@pytest.mark.parametrize("field", _FORM)
def test_places_are_of_fields_that_exist(field: str) -> None:
    model: type = Mifa
    for name in [part for part in tokens(field.replace("[]", "[0]")) if isinstance(part, str)]:
        inner = model.model_fields[name]  # type: ignore[attr-defined]
        held = [kind for kind in _kinds(inner.annotation) if hasattr(kind, "model_fields")]
        model = held[0] if held else object


def _kinds(annotation: object) -> list[object]:
    inside = getattr(annotation, "__args__", ())
    return [annotation, *(kind for each in inside for kind in _kinds(each))]
