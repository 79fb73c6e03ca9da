"""The parts of ``docs/annotations.md`` that come from the code: schemas, formats and findings.

``python -m micrographia.annotations.documentation docs/annotations.md`` puts the current ones in.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from micrographia.annotations.codes import CODES
from micrographia.annotations.files import write_text
from micrographia.annotations.formats import FORMATS
from micrographia.annotations.tables import schema_markdown


def formats_markdown() -> str:
    """Return what each format carries: the docstring of its module."""
    parts = []
    for name, known in FORMATS.items():
        text = (sys.modules[type(known).__module__].__doc__ or "").strip()
        endings = ", ".join(f"`{ending}`" for ending in known.extensions)
        parts.append(f"### {known.title}\n\n`{name}`; {endings}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def codes_markdown() -> str:
    """Return the findings that reading and writing annotations can have."""
    rows = [f"| {code} | {severity} | {meaning} |" for code, (severity, meaning) in CODES.items()]
    return "\n".join(["| code | severity | meaning |", "|---|---|---|", *rows]) + "\n"


PARTS = {"schemas": schema_markdown, "formats": formats_markdown, "findings": codes_markdown}


def renewed(page: str) -> str:
    """Return a page with the parts between ``<!-- NAME -->`` and ``<!-- /NAME -->`` as they are now."""
    for name, part in PARTS.items():
        pattern = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
        # A function, for a replacement text would read the backslashes in it.
        page = pattern.sub(lambda match, part=part: f"{match[1]}\n\n{part()}\n{match[2]}", page)  # type: ignore[misc]
    return page


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_text(name, renewed(Path(name).read_text(encoding="utf-8")))
