"""Generated parts of the documentation of ``mifa.yaml``: ``python -m micrographia.metadata.pages docs/metadata.md``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from micrographia.metadata.coercions import coercion_table
from micrographia.metadata.fields import Kind, Record, Shown, Spec, specs
from micrographia.metadata.mifa import Mifa

_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of what was generated -->)", re.DOTALL)


def field_tables() -> str:
    """Return a table of the fields of each part of ``mifa.yaml`` as Markdown."""
    seen: dict[type[Record], str] = {}
    parts = []
    for spec in specs(Mifa).values():
        if spec.record is None:
            continue
        head = f"### {spec.name}\n\n{spec.meaning}" + (" A list." if spec.many else "")
        rows = ["| field | says | example |", "|---|---|---|"]
        rows += _rows(spec.record, "", f"{spec.name}.", seen)
        parts.append(head + "\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _rows(record: type[Record], before: str, whole: str, seen: dict[type[Record], str]) -> Iterator[str]:
    for spec in specs(record).values():
        name = f"{before}{spec.name}{'[]' if spec.many else ''}"
        known = seen.get(spec.record) if spec.record is not None else None
        says = f"{spec.meaning} As `{known}`." if known else f"{spec.meaning}{_checked(spec)}"
        shown = f"**`{name}`**" if spec.show is Shown.ASK else f"`{name}`"
        yield f"| {shown} | {_cell(says)} | {_example(spec)} |"
        if spec.record is not None and not known:
            seen[spec.record] = whole + name
            yield from _rows(spec.record, f"{name}.", whole, seen)


def _checked(spec: Spec) -> str:
    """Say what the text of a field must be, where the meaning does not."""
    if spec.kind in (None, Kind.ANNOTATION_TYPE, Kind.MASK_KIND, Kind.LICENCE):
        return ""
    return "" if str(spec.kind).lower() in spec.meaning.lower() else f" ({spec.kind})"


def _example(spec: Spec) -> str:
    if spec.example is None:
        return ""
    example = spec.example if isinstance(spec.example, list) else [spec.example]
    text = ", ".join(str(item) for item in example)
    return f"`{f'[{text}]' if spec.many else text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return re.sub(r"(?<![<`])(https?://[^\s,;)]*[^\s,;.)])", r"<\1>", text).replace("|", "\\|")


PARTS = {"fields": field_tables, "coercions": coercion_table}
"""Name of a part in the page to what makes it."""


def with_parts(text: str) -> str:
    """Return a page with its generated parts made anew.

    Raises
    ------
    KeyError
        If the page asks for a part that there is not.
    """
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


if __name__ == "__main__":
    page = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/metadata.md")
    page.write_text(with_parts(page.read_text("utf-8")), "utf-8")
