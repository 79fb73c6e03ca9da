"""Run one command: its options by typer, its errors in one line, never a traceback for what a user can mend."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import typer

from micrographia.cli import Command
from micrographia.cli.console import hush
from micrographia.errors import MicrographiaError, printable

# Some versions of typer bring a click of their own, so its errors are found through typer.
_USAGE: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

PLACES = {
    "ablation": "NAME",
    "allows": "PERMISSION",
    "annotators": "SETS",
    "at_most": "NUMBER",
    "author": "NAME",
    "badge": "FILE",
    "baselines": "NAMES",
    "batch": "NUMBER",
    "budget": "NUMBER",
    "by": "COLUMN",
    "cache": "FOLDER",
    "catalogue": "FILE",
    "channel_role": "ROLE",
    "channels": "NAMES",
    "cluster": "ADDRESS",
    "connections": "NUMBER",
    "crop": "PIXELS",
    "data": "FOLDER",
    "datasets": "FOLDERS",
    "deadline": "DATE",
    "delta": "NUMBER",
    "device": "NAME",
    "dims": "DIMENSIONS",
    "encoder": "NAME",
    "entity": "TEXT",
    "evaluations": "NUMBER",
    "facet": "COLUMN",
    "form": "FORMAT",
    "group": "COLUMN=...",
    "ignore": "CODES",
    "images": "FOLDERS",
    "key": "FILE",
    "keyword": "WORD",
    "kind": "TYPE",
    "licence": "LICENCE",
    "limit": "NUMBER",
    "mapping": "HOW",
    "masks": "SET",
    "measure": "NAME",
    "method": "METHOD",
    "metric": "METRIC",
    "min_images": "NUMBER",
    "min_objects": "NUMBER",
    "minutes": "NUMBER",
    "models": "MODELS",
    "most": "NUMBER",
    "name": "NAME",
    "normalise": "HOW",
    "object_cap": "NUMBER",
    "object_size": "PIXELS",
    "objects": "SET",
    "only": "COLUMN=...",
    "option": "NAME=VALUE",
    "organism": "SPECIES",
    "out": "FILE",
    "page": "NUMBER",
    "pairs": "TABLE",
    "patch": "PIXELS",
    "patience": "NUMBER",
    "perturb": "KIND",
    "pictures": "NUMBER",
    "pixel_size": "MICROMETRES",
    "place": "FOLDER=ADDRESS",
    "pooling": "HOW",
    "profile": "NAME",
    "profiles": "TABLE",
    "publish": "FOLDER",
    "rate": "NUMBER",
    "restore": "KEY",
    "scaling": "HOW",
    "score": "LETTER>=SHARE",
    "seed": "NUMBER",
    "select": "CODES",
    "share": "NUMBER",
    "size": "PIXELS",
    "sort": "COLUMN",
    "source": "ARCHIVE",
    "split": "SPLIT",
    "steps": "NUMBER",
    "strength": "NUMBER",
    "stride": "PIXELS",
    "target": "TEXT",
    "temperature": "NUMBER",
    "title": "TEXT",
    "trust": "NAMES",
    "tune_on": "FOLDERS",
    "twins": "NUMBER",
    "unit": "COLUMN",
    "usage": "PLACE",
    "validation": "GROUPS",
    "version": "TEXT",
    "voxel_size": "FROM..TO",
    "weights": "NUMBERS",
    "widths": "NUMBERS",
    "workers": "NUMBER",
    "year": "YEAR",
}
"""What stands for the value of an option in the help."""

FAILED = 2
INTERRUPTED = 130


def run(name: str, command: Command, arguments: list[str]) -> int:
    """Run a command with its arguments and return the exit status."""
    module = importlib.import_module(f"micrographia.cli.{command.module}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, help=getattr(module, command.function).__doc__)(getattr(module, command.function))
    program: Any = typer.main.get_command(app)
    arguments = spread(program, arguments)
    for parameter in program.params:
        if parameter.param_type_name == "argument":
            parameter.metavar = parameter.name.upper()
            # Its name and its help say what it is; types are the words of a programmer.
            parameter.display_type_rich = lambda ctx: None  # noqa: ARG005
        elif not parameter.is_flag:
            parameter.metavar = PLACES.get(parameter.name, parameter.metavar)
    try:
        status = _ended(program, name, arguments)
        # A reader that has gone is noticed here, not when the interpreter ends.
        sys.stdout.flush()
    except _USAGE as error:
        problem = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
        return _failed(f"micrographia {name}: {problem}. See  micrographia {name} --help")
    except MicrographiaError as error:
        return _failed(f"micrographia: {error}")
    except (KeyboardInterrupt, typer.Abort):
        hush()
        print("micrographia: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        hush()
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(f"micrographia: {printable(f'{place}{error.strerror or error}')}")
    return status


def spread(program: Any, arguments: list[str]) -> list[str]:
    """Let options that may be given several times take several values: ``--models a b`` is ``--models a --models b``.

    Only of commands without other arguments, which could not be told from values.
    """
    if any(parameter.param_type_name == "argument" for parameter in program.params):
        return arguments
    many = {name for parameter in program.params if parameter.multiple for name in parameter.opts}
    found: list[str] = []
    option = ""
    for word in arguments:
        if word.startswith("-"):
            option = word if word in many else ""
            found.append(word)
        elif option and found[-1] != option:
            found += [option, word]
        else:
            found.append(word)
    return found


def _ended(program: Any, name: str, arguments: list[str]) -> int:
    try:
        status = program.main(args=arguments, prog_name=f"micrographia {name}", standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:
        # typer answers a broken pipe by leaving with 1, which would say that there are errors.
        if isinstance(stop.__context__, BrokenPipeError):
            raise stop.__context__ from None
        raise
    if status == INTERRUPTED:
        raise KeyboardInterrupt  # which some versions of typer answer with this status, in silence
    return status if isinstance(status, int) else 0


def _failed(message: str) -> int:
    """Say why a command could not run, in one line; with $MICROGRAPHIA_DEBUG also from where."""
    print(message, file=sys.stderr)
    if os.environ.get("MICROGRAPHIA_DEBUG"):
        traceback.print_exc()
    return FAILED
