"""The command line. Nothing heavy is imported until a command needs it: ``--version`` and ``--help`` answer at once."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple


class Command(NamedTuple):
    """Where a command lives: module below ``micrographia.cli``, function in it, and one line for the help."""

    module: str
    function: str
    summary: str


COMMANDS: dict[str, dict[str, Command]] = {
    "Make a dataset": {
        "describe": Command(
            "describe", "describe", "Pair images and annotations; write mifa.yaml and files.tsv"
        ),
        "check": Command("check", "check", "Hold a dataset against the MIFA guidelines and good practice"),
        "plan": Command("convert", "plan", "Say what convert would write: bytes, files, time, disk"),
        "convert": Command(
            "convert", "convert", "Write a dataset as OME-Zarr, verified, whole or not at all"
        ),
        "card": Command("card", "card", "Make one page that shows the dataset to people"),
        "demo": Command("demo", "demo", "See all of it work in a minute, offline"),
    },
    "Find and share": {
        "index": Command("catalogue", "index", "Read datasets into a catalogue, or publish it for the web"),
        "find": Command("catalogue", "find", "Find datasets by words and by what they have"),
        "show": Command("catalogue", "show", "Say everything that is known of one dataset"),
        "fetch": Command("fetch", "fetch", "Bring a dataset of an archive or an address to this machine"),
        "import": Command("exchange", "import_", "Make a dataset folder of another community's description"),
        "export": Command("exchange", "export", "Write a dataset as archives and other programs read it"),
        "triage": Command("triage", "triage", "Say what many submissions lack, and write to their authors"),
        "credit": Command("credit", "credit", "Say who made a dataset, how to cite it, who used it for what"),
        "anonymous": Command(
            "anonymous", "anonymous", "Copy a dataset for reviewers who must not know who made it"
        ),
    },
    "See what was learned": {
        "embed": Command("embed", "embed", "Turn images into features with an encoder and its twins"),
        "probe": Command(
            "probe", "probe", "Hold representations against chance, baselines and untrained twins"
        ),
        "overview": Command("probe_index", "overview", "List several results of probe on one page"),
        "rerun": Command("rerun", "rerun", "Repeat a result and say whether it agrees"),
    },
    "Train and compare models": {
        "segment train": Command(
            "segment_train", "train", "Train the reference model, a compact U-Net, on datasets"
        ),
        "segment evaluate": Command(
            "segment_evaluate", "evaluate", "Score models on datasets, beside tuned baselines"
        ),
        "segment rank": Command("segment_rank", "rank", "Choose between models without labels"),
        "export-training": Command(
            "export_training",
            "export_training",
            "Write a dataset as Cellpose, StarDist, nnU-Net, YOLO and others read it",
        ),
    },
    "Look closer": {
        "rules": Command("check", "rules", "List the rules that check knows"),
        "explain": Command("check", "explain", "Say what a rule asks for, why, and how to mend it"),
        "diff": Command("check", "diff", "Say what was mended and what broke between two versions"),
        "hash": Command("describe", "hash_", "Print the content and the files checksum of a dataset"),
    },
    "Write metadata": {
        "schema": Command("metadata", "schema", "Print the JSON Schema of mifa.yaml, for editors"),
        "form": Command("metadata", "form", "Write mifa.yaml as a spreadsheet to fill in, or read one back"),
    },
}
"""Commands by the heading under which the help shows them."""

GROUPS = frozenset(name.split()[0] for held in COMMANDS.values() for name in held if " " in name)
"""First words of commands of two words."""


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 findings are errors, 2 could not run.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process by default.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    first = arguments[0] if arguments else "--help"
    if first in ("--version", "-V"):
        from micrographia import __version__

        return _print(f"micrographia {__version__}")
    if first in ("--help", "-h", "help") and len(arguments) < 2:
        return _print(help_text())
    if first == "help":
        arguments = [*arguments[1:], "--help"]
        first = arguments[0]
    if first in GROUPS:
        second = arguments[1] if len(arguments) > 1 else "--help"
        if second in ("--help", "-h"):
            return _print(help_text(first))
        first, arguments = f"{first} {second}", arguments[1:]
    command = next((held[first] for held in COMMANDS.values() if first in held), None)
    if command is None:
        print(_unknown(first), file=sys.stderr)
        return 2
    from micrographia.cli.run import run

    return run(first, command, arguments[1:])


def help_text(group: str = "") -> str:
    """Return what ``micrographia --help`` prints, or what it prints of the commands of one group."""
    lines = [
        "Micrographia makes annotated microscopy datasets fit for AI.",
        "",
        f"Usage: micrographia {f'{group} ' if group else ''}COMMAND [ARGUMENTS]",
    ]
    width = max(len(name) for held in COMMANDS.values() for name in held)
    for heading, every in COMMANDS.items():
        held = {
            name: command for name, command in every.items() if name.split()[0] == (group or name.split()[0])
        }
        if not held:
            continue
        lines += ["", f"{heading}:"]
        lines += [f"  {name:<{width}}  {command.summary}" for name, command in held.items()]
    lines += [
        "",
        "Options:",
        f"  {'--version':<{width + 1}} Print the version",
        f"  {'--help':<{width + 1}} This text; `micrographia COMMAND --help` says more",
        "",
        "Begin with:  micrographia describe FOLDER      or, to look around:  micrographia demo",
    ]
    return "\n".join(lines)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    names = [known for held in COMMANDS.values() for known in held]
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else "see micrographia --help"
    return f"micrographia: there is no command {name!r}; {hint}"


def _print(text: str) -> int:
    try:
        print(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
