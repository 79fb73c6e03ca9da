"""``micrographia demo``: the whole story on simulated data with planted defects, or on a folder of one's own."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from micrographia.cli.console import count, say

if TYPE_CHECKING:
    from micrographia.checks import Report

IMAGES = 16
SHAPE = (224, 288)
MARK = ".micrographia-demo"
"""File by which a demonstration knows a folder that it made itself."""


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to work; it must be new or empty")] = Path(
        "micrographia-demo"
    ),
    data: Annotated[
        Path | None, typer.Option(help="Show it with this folder instead; it is only read")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the simulated images")] = 0,
) -> None:
    """See all of it work in a minute or two, offline: describe, check, fix, convert, check, card, probe.

    Simulates a small annotated dataset with planted defects, finds exactly those, mends them, and shows the result.
    """
    from micrographia.errors import DatasetError

    if data is not None:
        _usable(data, folder)
    if (folder / MARK).is_file():
        shutil.rmtree(folder)  # an earlier demonstration, and nothing else, carries the mark
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(folder, "is not empty", "Choose another folder, or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(
        "Made by `micrographia demo`, which replaces this folder when it runs again.\n"
    )
    if data is None:
        _simulated(folder, seed)
    else:
        _own(folder, data)


def _usable(data: Path, folder: Path) -> None:
    from micrographia.dataset.scan import walk
    from micrographia.errors import DatasetError

    if next(walk(data, []), None) is None:
        raise DatasetError(data, "holds no file", "Give a folder with images")
    if data.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(data.resolve()):
        raise DatasetError(folder, f"cannot be used together with {data}", "Choose a folder elsewhere")


def _simulated(folder: Path, seed: int) -> None:
    from micrographia import checks
    from micrographia.cli.demo_story import PLANTED, WRITTEN
    from micrographia.simulation import plant_defects, simulate_dataset

    lab = folder / "lab"
    simulate_dataset(lab, seed=seed, images=IMAGES, shape=SHAPE)
    whole = folder / ".whole"
    shutil.copytree(lab, whole)
    planted = plant_defects(lab, list(PLANTED), seed=seed)
    _step(
        f"Simulated a lab's folder: {IMAGES} images of nuclei with masks, and {len(planted) + len(WRITTEN)} defects."
    )
    for defect in planted:
        say(f"  {defect.files[0]}: {defect.defect.replace('_', ' ')} ({defect.detail})")
    _run("describe", lab, "--group", "well=treatments.csv:well", "--split", "treatments.csv:split")
    _fill_in(lab)
    _step('Filled in mifa.yaml as its authors would (search it for "?" to see how), with one more defect:')
    for field, (value, _, what) in WRITTEN.items():
        say(f"  {field} says {value!r}: {what}")
    _run("check", lab, "--pixels", status=1)
    expected = Counter(code for defect in planted for code in PLANTED[defect.defect])
    expected.update(code for _, code, _ in WRITTEN.values())
    _compare(checks.check(lab, pixels=True), expected)
    _step(f"Found exactly the {len(planted) + len(WRITTEN)} planted defects, and nothing else.")
    _restore(lab, whole)
    shutil.rmtree(whole)
    _step("Mended the files by hand, as their authors would: from the originals.")
    _run("describe", lab, "--prune")
    _run("check", lab, "--fix")
    _show(folder, lab)
    _probed(folder, seed)
    _look(folder, lab, folder / f"{lab.name}.mifa", probed=True)


def _probed(folder: Path, seed: int) -> None:
    from micrographia.cli.demo_probe import TOLD, simulate_screen

    screen = folder / "screen"
    simulate_screen(screen, seed)
    _step("Simulated a plate of three compounds, to see what features of nuclei tell about them:")
    for text in TOLD:
        say(f"  {text}")
    groups = [f"--group={name}=treatments.csv:{name}" for name in ("well", "treatment")]
    _run("describe", screen, *groups)
    _run("probe", "demo", "--data", screen, "--out", folder / "probe")


def _own(folder: Path, data: Path) -> None:
    from micrographia.dataset.scan import walk

    lab = folder / data.resolve().name
    paths = sorted(walk(data, []))
    for path in paths:
        target = lab / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (data / path).is_dir():
            shutil.copytree(data / path, target)
        else:
            _link(data / path, target)
    for name in ("mifa.yaml", "files.tsv"):
        if (data / name).is_file():
            shutil.copyfile(data / name, lab / name)
    _step(f"Linked {count(len(paths), 'file')} of {data} into {lab}; the originals are only read.")
    _run("describe", lab)
    _run("check", lab, "--pixels", status=None)
    _run("check", lab, "--fix", status=None)
    _show(folder, lab, clean=False)
    _look(folder, lab, folder / f"{lab.name}.mifa")


def _show(folder: Path, lab: Path, *, clean: bool = True) -> None:
    out = folder / f"{lab.name}.mifa"
    _run("convert", lab, out)
    _run("check", out, "--pixels", status=0 if clean else None)
    _run("card", out)


def _look(folder: Path, lab: Path, out: Path, *, probed: bool = False) -> None:
    _step("Look at")
    say(f"  {out / 'card.html'}   the page that shows the dataset")
    if probed:
        say(f"  {folder / 'probe' / 'report.html'}   the page that says what was learned")
    say(f"  {lab / 'mifa.yaml'}   what people write")
    say(f"  {out}/   the dataset: OME-Zarr, tables, description")
    say("  and try it on yours:  micrographia demo elsewhere --data FOLDER")


def _step(text: str) -> None:
    typer.secho(f"\n{text}", bold=True)


def _run(command: str, *arguments: str | Path, status: int | None = 0) -> None:
    """Show a command as a person would type it, run it, and stop if it does not end as the story has it."""
    from micrographia.cli import main

    words = [command, *map(str, arguments)]
    typer.secho(f"\n$ micrographia {' '.join(words)}", bold=True)
    ended = main(words)
    if ended == 2 or (status is not None and ended != status):
        typer.echo(f"  The demonstration expected status {status}, not {ended}, and stops here.", err=True)
        raise typer.Exit(max(ended, 1))


def _fill_in(lab: Path) -> None:
    from micrographia import metadata
    from micrographia.cli.demo_story import ANNOTATION, DESCRIPTION, WAIVERS, WRITTEN

    values = dict(DESCRIPTION)
    values |= {f"annotations[0].{name}": value for name, value in ANNOTATION.items()}
    values |= {field: value for field, (value, _, _) in WRITTEN.items()}
    values |= {"waivers": WAIVERS}
    metadata.update(lab / "mifa.yaml", values)


def _compare(report: Report, expected: Counter[str]) -> None:
    """Say whether the rules found exactly what was planted."""
    from micrographia.findings import Severity

    found = Counter(finding.code for finding in report.findings if finding.severity is not Severity.INFO)
    missed, more = expected.keys() - found.keys(), found.keys() - expected.keys()
    if missed or more:
        for code in sorted(missed):
            typer.echo(f"  planted but not found: {code}", err=True)
        for code in sorted(more):
            typer.echo(f"  found but not planted: {code}", err=True)
        raise typer.Exit(1)


def _restore(lab: Path, whole: Path) -> None:
    """Bring the originals back, and remove what had been added."""
    for path in [
        path for path in lab.rglob("*") if path.is_file() and path.name not in ("mifa.yaml", "files.tsv")
    ]:
        if not (whole / path.relative_to(lab)).is_file():
            path.unlink()
    shutil.copytree(whole, lab, dirs_exist_ok=True)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; copy it where the disk cannot do that."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
