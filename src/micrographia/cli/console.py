"""How commands speak: short lines on standard output, numbers with units, the next step always named."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from micrographia.errors import printable

_COMMANDS = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def say(text: str = "") -> None:
    """Print one line, indented as in all commands; what is not printable in it is made visible."""
    typer.echo(f"  {printable(text)}".rstrip())


def warn(text: str) -> None:
    """Print one line to standard error, in the same way."""
    typer.echo(f"  {printable(text)}", err=True)


def say_json(document: Any) -> None:
    """Print a document of JSON values for machines; what a terminal would obey, or cannot encode, is escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write(_COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def hush() -> None:
    """Send what is still to be printed nowhere: its reader (`| head`) has gone, or nobody waits for it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def readable() -> Iterator[None]:
    """Print inside; a reader that has gone ends the output, not the command, whose exit status still counts."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        hush()


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 image``, ``2,540 images``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: float) -> str:
    """Return bytes with a decimal unit: ``1.9 GB``."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if abs(number) < 1000 or unit == "TB":
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``31 ms``, ``4.2 s``, ``3 min 20 s``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
