"""``micrographia schema`` and ``form``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from micrographia.cli.console import count, say, say_json, warn
from micrographia.errors import command_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micrographia.findings import Finding


def schema(
    out: Annotated[Path | None, typer.Option(help="File to write it to; standard output by default")] = None,
) -> None:
    """Print the JSON Schema of mifa.yaml, so that an editor completes and checks while you type.

    With the YAML extension of most editors, put this on the first line of mifa.yaml:
    # yaml-language-server: $schema=PATH
    """
    import json

    from micrographia import metadata
    from micrographia.dataset.manifest import write_whole

    document = metadata.json_schema()
    if out is None:
        say_json(document)
        return
    write_whole(out, json.dumps(document, indent=2) + "\n")
    say(f"Wrote {out}")


def form(
    source: Annotated[
        Path,
        typer.Argument(help="mifa.yaml (or its dataset folder) to write as a form, or a filled-in .xlsx"),
    ],
    target: Annotated[
        Path, typer.Argument(help="The .xlsx to write, or the mifa.yaml (or dataset folder) to fill from one")
    ],
) -> None:
    """Write mifa.yaml as a spreadsheet for people to fill in, or read one back.

    Reading back fills what was open and changes what people changed; comments in mifa.yaml stay.
    """
    from micrographia import metadata
    from micrographia.errors import MetadataError

    if target.suffix.lower() == ".xlsx":
        description = metadata.load(_yaml(source))
        metadata.write_form(target, description.mifa)
        say(f"Wrote {target}")
        say(f"Next: fill it in, then  {command_line('form', target, source)}")
        return
    if source.suffix.lower() != ".xlsx":
        raise MetadataError(
            source, "neither this nor the target is an .xlsx", "Give mifa.yaml and a form, in either order"
        )
    description = metadata.read_form(source)
    _tell(description.findings)
    changed = metadata.apply(_yaml(target), description.mifa)
    say(f"{count(len(changed), 'field')} written into {_yaml(target)}")
    for name in changed[:20]:
        say(f"  {name}")


def _yaml(path: Path) -> Path:
    return path / "mifa.yaml" if path.is_dir() else path


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings[:40]:
        where = ":".join(part for part in (finding.place, finding.field) if part)
        warn(f"{finding.severity:<8} {finding.code}  {finding.message}   {where}")
    if len(findings) > 40:
        warn(f"and {len(findings) - 40} more")
