"""Every field filled with what does not belong there: each format writes it, reads it again, and names what is lost."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from micrographia.exchange import (
    Submission,
    described,
    export,
    file_table,
    formats,
    read_submission,
    unnamed_differences,
)
from micrographia.metadata import json_schema

WRITTEN_AND_READ = [
    name for name, form in formats().items() if form.reads and form.writes and name != "slicer"
]
ODD = {
    "script": "</script><script>alert({0})</script><img src=x onerror=alert({0})>",
    "commands": "\x1b]0;{0}\x07\x9b31m\u202e\u2028{0}",
    "javascript": "javascript:alert({0})",
    "template": "{{{{7*7}}}} ${{{0}}} `{0}` <!-- --> ]]> | \\input{{{0}}}",
    "identifier": "https://orcid.org/0000-0000-0000-{0:04}",
    "number": "{0}",
}


def filled_with(value: Callable[[], str]) -> dict[str, Any]:
    """Return a description in which every text of the model is what ``value`` returns."""
    schema = json_schema()

    def made(node: dict[str, Any]) -> Any:
        if "$ref" in node:
            return made(schema["definitions"][node["$ref"].rsplit("/", 1)[-1]])
        if "anyOf" in node:
            return made(min(node["anyOf"], key=lambda one: "$ref" not in one and one.get("type") != "array"))
        if "properties" in node:
            return {name: made(one) for name, one in node["properties"].items()}
        if node.get("type") == "array":
            return [made(node["items"])]
        return 1 if "const" in node or node.get("type") in ("integer", "number") else value()

    whole: dict[str, Any] = made(schema)
    return whole


@pytest.mark.parametrize("name", WRITTEN_AND_READ)
@pytest.mark.parametrize("kind", ODD)
def test_what_does_not_belong_there_comes_back_or_is_named(name: str, kind: str, tmp_path: Path) -> None:
    numbers = count(1)
    plain = filled_with(lambda: ODD[kind].format(next(numbers)))
    before = Submission(
        described(plain), file_table([{"Files": "images/a.tif", "role": "image", "image": "a"}])
    )
    target = tmp_path / (formats()[name].file or "out")
    done = export(before, name, target)
    after = read_submission(done.path, name)
    assert next(numbers) > 60
    assert unnamed_differences(before, after, [*done.findings, *after.findings]) == []
