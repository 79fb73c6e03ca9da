"""``micrographia probe``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import say, say_json
from micrographia.errors import command_line

if TYPE_CHECKING:
    from micrographia.images import Image

PAGE = "report.html"
THUMBNAIL = 112
"""Side of the pictures of examples, in pixels."""


def probe(
    protocol: Annotated[
        str, typer.Argument(help="Protocol file, or the name of one that comes along; see --list")
    ] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of the study's data")] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="Encoder to evaluate on the study's images; may be given several times"),
    ] = None,
    profiles: Annotated[
        list[Path] | None,
        typer.Option(help="Table of ready-made features to evaluate; may be given several times"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.html, result.json and the tables")] = Path(
        "probe"
    ),
    audit: Annotated[
        bool, typer.Option("--audit", help="Only say what the design can tell; score nothing")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the protocols that come along")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Hold representations against chance, trivial baselines and their own untrained twins.

    The answer is printed, and lies in report.html with everything that stands behind it.
    """
    from micrographia.protocols import included, load_protocol

    if listing:
        _list(included(), as_json=as_json)
        return
    if not protocol:
        raise typer.BadParameter("name a protocol: a file, or one of --list")
    plan = load_protocol(protocol)
    from micrographia.representation.evaluation.request import Request, audit_only, evaluate

    request = Request(data, tuple(encoder or ()), tuple(profiles or ()), out)
    if audit:
        found = audit_only(plan, request)
        if as_json:
            say_json(found)
        else:
            _say_audit(found)
        return
    result = evaluate(
        plan, request, command=sys.argv[1:], thumbnail=_thumbnail, workers=workers, quiet=as_json
    )
    written(result, out, as_json=as_json)


def _thumbnail(image: Image) -> str:
    from micrographia.report.pictures import picture

    return picture(image, side=THUMBNAIL).picture


def _list(titles: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        say_json(titles)
        return
    width = max(map(len, titles))
    for name, title in titles.items():
        say(f"{name:<{width}}  {title}")
    say("Next: micrographia probe NAME --data FOLDER --out report/")


def _say_audit(found: dict[str, Any]) -> None:
    say(found["verdict"])
    for one in found["findings"]:
        say(f"- {one['text']}")
    if found["cannot"]:
        say()
        say("What cannot be concluded:")
        for text in found["cannot"]:
            say(f"- {text}")


def written(result: dict[str, Any], out: Path, *, as_json: bool, silent: bool = False) -> None:
    """Write a result and its page, and say what they say."""
    from micrographia.report.probe_page import write_probe_page
    from micrographia.report.probe_text import probe_text
    from micrographia.representation.evaluation.result import plain, write_result

    document = plain(result)
    path = write_result(document, out)
    page = out / PAGE
    write_probe_page(document, page)
    if silent:
        return
    if as_json:
        say_json(document)
        return
    typer.echo(probe_text(document, width=max(80, shutil.get_terminal_size((100, 24)).columns)))
    say(f"Wrote {page} and {path.name}.   Next: open {page}, or repeat it: {command_line('rerun', path)}")
