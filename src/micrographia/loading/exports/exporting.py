"""Write a dataset in the layout of another program: pictures side by side, whole or not at all, with provenance."""

from __future__ import annotations

import csv
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from micrographia.annotations.codes import finding, listed
from micrographia.dataset import Dataset
from micrographia.findings import Finding
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports.files import file_problem, parse_scaling, write_json
from micrographia.loading.exports.provenance import about_dataset, provenance
from micrographia.loading.exports.reading import Sources, find_sources, read_samples
from micrographia.loading.exports.sample import TRAIN, ExportOptions, Part, Plan, Sample, TrainingFormat
from micrographia.loading.exports.truth import Source
from micrographia.work import Progress, TaskError, stream

IMAGES_TABLE = "images.csv"
PROVENANCE = "provenance.json"


@dataclass(slots=True)
class Exported:
    """What an export wrote.

    Parameters
    ----------
    path
        The folder.
    format
        Name of the format.
    splits
        Split to number of pictures.
    objects
        Number of objects.
    findings
        What could not be carried, was changed, or is missing.
    failed
        Images that could not be read, with the reason.
    """

    path: Path
    format: str
    splits: dict[str, int]
    objects: int
    findings: list[Finding] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return sum(self.splits.values())


def export_training(
    dataset: Dataset, form: TrainingFormat, out: Path, options: ExportOptions | None = None
) -> Exported:
    """Write a dataset in the layout that another program trains from.

    Beside the layout lie ``images.csv`` (a row a picture: its files, the image it is from, split, groups, pixel size,
    objects, scaling) and ``provenance.json`` (dataset, version, content hash, licence, options, findings).

    Parameters
    ----------
    dataset
        The source; it is only read.
    form
        A format, such as ``FORMATS["stardist"]``.
    out
        The new folder; it appears when it is whole.
    options
        What and how.

    Returns
    -------
    Exported
        With a finding for whatever the format cannot carry.

    Raises
    ------
    LoadingError
        If the output exists, a filter names what there is not, nothing is left, or the format cannot hold the pictures.
    """
    options = options or ExportOptions()
    _precheck(dataset, out, options)
    scaling = options.scaling or form.scaling
    parse_scaling(scaling)
    sources = find_sources(dataset, options)
    about = about_dataset(dataset, sources.set, workers=options.workers, quiet=options.quiet)
    plan = Plan(dataset.title, about, sources.categories, sources.unnamed, scaling, sources.kind, out.name)
    part = out.with_name(f".{out.name}.{uuid4().hex[:8]}.partial")
    try:
        part.mkdir()
        parts, failed = _write_all(sources, form, part, plan, options)
        if not parts:
            name, why = next(iter(failed.items()))
            raise LoadingError(name, f"none of {len(failed)} images can be exported: {why}", "Correct them")
        findings = [
            *_lost(sources, form, parts, out),
            *_failures(failed, out),
            *form.finish(part, plan, parts),
        ]
        _write_table(part / IMAGES_TABLE, [one.row for one in parts])
        document = provenance(form, plan, options, parts, findings)
        write_json(part / PROVENANCE, document)
        _publish(part, out)
    except OSError as error:
        raise file_problem(error, out) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    splits = Counter(one.row["split"] for one in parts)
    total = sum(one.counts["objects"] for one in parts)
    return Exported(out, form.name, dict(splits), total, findings, failed)


def _precheck(dataset: Dataset, out: Path, options: ExportOptions) -> None:
    source, target = dataset.path.resolve(), out.resolve()
    if target == source or source.is_relative_to(target):
        raise LoadingError(out, "holds the dataset that it would be made from", "Choose a folder beside it")
    if target.is_relative_to(source):
        raise LoadingError(out, "lies inside the dataset that it is made from", "Choose a folder beside it")
    if out.exists() and not options.overwrite:
        raise LoadingError(out, "exists already", "Choose another folder, or replace it with --overwrite")
    if out.exists() and not (out / PROVENANCE).is_file():
        raise LoadingError(out, "was not written by an export, and is not replaced", "Choose another folder")
    if not out.parent.is_dir():
        raise LoadingError(out.parent, "is no folder", "Make it first")


def _write_all(
    sources: Sources, form: TrainingFormat, root: Path, plan: Plan, options: ExportOptions
) -> tuple[list[Part], dict[str, str]]:
    """Write all pictures; return what became of them in the order of the dataset, and the images that failed."""
    parts: list[Part] = []
    failed: dict[str, str] = {}

    def work(source: Source) -> list[Part]:
        return _write_image(source, form, root, plan)

    with Progress("exporting", len(sources.images), quiet=options.quiet) as progress:
        for outcome in stream(
            work, sources.images, workers=options.workers, kind="threads", name=lambda source: source.files.id
        ):
            progress.advance()
            if outcome.error is not None:
                _refused(outcome.error)
                failed[outcome.task.files.id] = str(outcome.error)
            else:
                for part in outcome.result():
                    parts.append(part)
                    if form.uniform:
                        _verify_alike(parts[0], part, form)
    return parts, failed


def _verify_alike(first: Part, other: Part, form: TrainingFormat) -> None:
    """Raise ``LoadingError`` for a picture that cannot be trained together with the first one."""
    name = other.row["image"]
    sizes = [part.row["shape"].split("x") for part in (first, other)]
    kinds = ["volume" if len(size) == 4 else "plane" for size in sizes]
    if kinds[0] != kinds[1]:
        told = f"{first.row['image']} is a {kinds[0]}, {name} a {kinds[1]}"
        problem = f"{form.title} trains on planes or on volumes: {told}"
        raise LoadingError(name, problem, "Choose images with --group")
    if sizes[0][0] != sizes[1][0]:
        told = f"{first.row['image']} has {sizes[0][0]}, {name} {sizes[1][0]}"
        problem = f"{form.title} wants the same channels in all pictures: {told}"
        raise LoadingError(name, problem, "Choose channels with --channels, or images with --group")


def _refused(error: TaskError) -> None:
    """Raise what concerns the export as a whole: that it cannot be written, not that one image cannot be read."""
    if error.problem.startswith("OSError"):
        raise error


def _write_image(source: Source, form: TrainingFormat, root: Path, plan: Plan) -> list[Part]:
    """Write the pictures of one image, all or none of them."""
    scratch = root / f".{uuid4().hex}"
    parts = []
    try:
        for sample, counts in read_samples(source, volumes=form.volumes):
            written = form.write(sample, scratch, plan)
            counts.update(written.counts)
            row = _row(sample, written.image, written.mask, counts, source)
            parts.append(Part(row, written.data, counts))
        for path in sorted(scratch.rglob("*")):
            if path.is_file():
                goal = root / path.relative_to(scratch)
                goal.parent.mkdir(parents=True, exist_ok=True)
                if goal.exists():
                    problem = f"another image is called {goal.name}, too"
                    raise LoadingError(source.files.id, problem, "Give it another id in files.tsv")
                path.rename(goal)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return parts


def _row(sample: Sample, image: str, mask: str, counts: Counter[str], source: Source) -> dict[str, Any]:
    spacing = ["" if math.isnan(step) else f"{step:.9g}" for step in sample.spacing]
    share = 1.0 if sample.region is None else float(sample.region.mean())
    return {
        "file": image,
        "mask": mask,
        "image": sample.image,
        "time": "" if sample.time is None else sample.time,
        "plane": "" if sample.plane is None else sample.plane,
        "split": sample.split,
        **{f"group:{name}": value for name, value in sample.groups.items()},
        **({"class": source.label} if source.label else {}),
        "shape": "x".join(str(size) for size in sample.pixels.shape),
        "channels": ";".join(sample.channels),
        "dtype": str(sample.pixels.dtype),
        "z_um": spacing[0] if sample.volume else "",
        "y_um": spacing[1],
        "x_um": spacing[2],
        "objects": counts["objects"],
        "ignored": counts["ignored objects"],
        "annotated": f"{share:.6g}",
    }


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _publish(part: Path, out: Path) -> None:
    """Give a whole folder its name; an older one is kept until that is done."""
    old = out.with_name(f".{out.name}.{uuid4().hex[:8]}.old")
    if out.exists():
        out.replace(old)
    try:
        part.replace(out)
    except OSError:
        if old.exists():
            old.replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


_CARRIED = (
    ("ignored", "ignored objects", "objects that training leaves out are ordinary objects in it"),
    ("region", "pictures annotated in part", "pictures are annotated in part; the rest is background in it"),
    ("overlaps", "overlapping pixels", "pixels lie in several objects and belong to one of them in it"),
    ("classes", "objects with a class", "objects lose their class"),
)  # fmt: skip
"""What a format may lack, what counts it, and what is said of it."""


def _lost(sources: Sources, form: TrainingFormat, parts: Iterable[Part], out: Path) -> list[Finding]:
    """Return a finding for what the format cannot carry, and for what reading decided."""
    total: Counter[str] = Counter()
    deep = False
    for part in parts:
        total.update(part.counts)
        deep |= part.row["plane"] != ""
    found: list[Finding] = []
    real = len(sources.categories) > 1 or sources.categories[0].id is not None
    for name, counted, said in _CARRIED:
        count = total[counted]
        if count and name not in form.carries and (name != "classes" or real):
            found.append(
                finding(
                    "N006", f"{form.title}: {count} {said}", out.name, field=name, evidence={"count": count}
                )
            )
    told = {
        "pictures without instances": "pictures have masks of classes; each connected part of a class became an object",
        "pictures numbered anew": "pictures have ids beyond 31 bits; their objects were numbered anew",
    }
    found += [
        finding("N001", f"{total[key]} {said}", out.name, evidence={"count": total[key]})
        for key, said in told.items()
        if total[key]
    ]
    if deep:
        message = (
            f"{form.title} holds planes: each plane of a volume became a picture, `plane` in {IMAGES_TABLE}"
        )
        found.append(finding("N001", message, out.name))
    if sources.without:
        names = listed([*sources.without])
        message = f"{len(sources.without)} images have no mask in {sources.set!r} and were left out: {names}"
        found.append(finding("N005", message, out.name, evidence={"images": list(sources.without[:100])}))
    if sources.unsplit:
        message = f"{sources.unsplit} images are in no split; they are written as {TRAIN}"
        fix = "make splits with: micrographia describe --split"
        found.append(finding("N011", message, out.name, fix=fix, evidence={"count": sources.unsplit}))
    return found


def _failures(failed: Mapping[str, str], out: Path) -> list[Finding]:
    return [
        finding("N003", f"image {name} was left out: {why}", out.name, evidence={"image": name})
        for name, why in failed.items()
    ]
