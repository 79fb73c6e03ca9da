"""HEST benchmark: patches of stained tissue with the expression of genes at the same place, one row a patch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.adapters.metadata_tables import read_table
from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import align_to, concatenate, read_profiles

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

GENES = "var_50genes.json"
BLOCK = 256

ABOUT = About(
    name="hest",
    title="Expression of genes from patches of stained tissue (HEST benchmark, Jaume et al. 2024)",
    source="huggingface.co/datasets/MahmoodLab/hest-bench; paper arXiv 2406.16192",
    licence="CC BY-NC-SA 4.0, as its dataset card states",
    files={
        "patches/SAMPLE.h5": "img (n, Y, X, 3), coords (n, 2), barcode (n, 1)",
        "adata/SAMPLE.h5ad": "expression, one observation a barcode",
        GENES: 'optional, {"genes": [...]}: which genes are asked for',
        "embeddings/ENCODER/SAMPLE.h5": "optional, embeddings (n, d), barcodes (n, 1): candidates",
        "sample_metadata.csv": "optional, columns id and patient: which samples are of one patient",
    },
)


def load(folder: Path, genes: int | list[str] | None = None, log: bool = True) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        One task of the benchmark; holds the files of :data:`ABOUT`.
    genes
        Names of genes, or how many of the listed ones to take; None takes all that ``var_50genes.json`` lists.
    log
        Take the logarithm of 1 + count, as the benchmark does.

    Returns
    -------
    Study
        One row a patch with expression: ``sample``, ``patient`` (the sample where it is unknown), ``barcode``, ``x``,
        ``y``, and one column a gene, ``expression:NAME``. Candidates: one an encoder whose embeddings are there.
        Baselines: ``colour`` (mean and deviation of red, green and blue) and ``place`` (position in the section).

    Raises
    ------
    ProfileError
        If a file is not there, lacks a gene or a barcode, or embeddings are of other patches.
    """
    patches = sorted((folder / "patches").glob("*.h5")) if (folder / "patches").is_dir() else []
    if not patches:
        raise ABOUT.lacking(folder, "patches/SAMPLE.h5")
    asked = _asked(folder, genes)
    read: list[Path] = [*patches]
    targets: list[Profiles] = []
    colours: list[Array] = []
    lost = 0
    for path in patches:
        table, colour = _patches(path)
        expression = ABOUT.file(folder, f"adata/{path.stem}.h5ad")
        read.append(expression)
        held = read_profiles(expression, features=asked)
        told = replace(held, meta=held.meta.rename(columns={"obs_name": "barcode"})[["barcode"]])
        here = table["barcode"].isin(set(told.meta["barcode"])).to_numpy(dtype=bool)
        lost += int((~here).sum())
        kept = table[here].reset_index(drop=True)
        if not len(kept):
            raise ProfileError(path, f"has no barcode of {expression.name}", "Take files of one version")
        targets.append(replace(align_to(told, kept, ["barcode"]), meta=kept))
        colours.append(colour[here])
    every = concatenate(targets, name="expression")
    values = np.log1p(every.values) if log else every.values
    rows = _rows(every, values, folder, read)
    notes = [
        f"{len(patches)} samples, {rows['patient'].nunique()} patients"
        + (
            "."
            if rows["patient"].nunique() < len(patches)
            else "; where no patient is named each sample counts as one."
        ),
        f"{len(every.names)} genes{', log(1 + count)' if log else ''}: columns expression:NAME.",
    ]
    if lost:
        notes.append(f"{lost:,} patches without expression were left out.")
    candidates, more = _candidates(folder, rows, [path.stem for path in patches])
    if not candidates:
        notes.append(
            "No embeddings are there: give embeddings/ENCODER/SAMPLE.h5, or a table with --profiles."
        )
    names = ("red_mean", "green_mean", "blue_mean", "red_sd", "green_sd", "blue_sd")
    place = rows[["x", "y"]].to_numpy(dtype=np.float64)
    return Study(
        name=f"HEST {folder.resolve().name}",
        rows=rows,
        candidates=candidates,
        baselines={
            "colour": Profiles(np.concatenate(colours), rows, names, "colour", {"kind": "baseline"}),
            "place": Profiles(place, rows, ("x", "y"), "place", {"kind": "layout"}),
        },
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum([*read, *more], folder),
    )


def _asked(folder: Path, genes: int | list[str] | None) -> list[str] | None:
    if isinstance(genes, list):
        return genes
    path = ABOUT.optional(folder, GENES)
    if path is None:
        if genes is not None:
            raise ABOUT.lacking(folder, GENES)
        return None
    try:
        listed = [str(name) for name in json.loads(path.read_text("utf-8"))["genes"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProfileError(path, "lists no genes", 'Write {"genes": ["NAME", ...]}') from error
    return listed if genes is None else listed[:genes]


def _patches(path: Path) -> tuple[pd.DataFrame, Array]:
    """Return barcode, place and mean colour of each patch; pixels are read by blocks."""
    import h5py
    import pandas as pd

    try:
        with h5py.File(path, "r") as file:
            image = next((file[name] for name in ("img", "imgs", "images") if name in file), None)
            if image is None or "coords" not in file or image.ndim != 4 or image.shape[3] != 3:
                raise ProfileError(
                    path, "has no img (n, Y, X, 3) and coords", "Take the patches of the benchmark"
                )
            colour = np.empty((len(image), 6))
            for start in range(0, len(image), BLOCK):
                block = image[start : start + BLOCK].astype(np.float32)
                colour[start : start + len(block), :3] = block.mean(axis=(1, 2))
                colour[start : start + len(block), 3:] = block.std(axis=(1, 2))
            coords = np.asarray(file["coords"][:], dtype=np.float64)
            barcodes = _barcodes(file)
    except OSError as error:
        raise ProfileError(path, "cannot be read as HDF5", str(error).splitlines()[0][:120]) from error
    if not len(colour) == len(coords) == len(barcodes):
        raise ProfileError(path, "has images, places and barcodes of different numbers", "Download it again")
    table = pd.DataFrame({"sample": path.stem, "barcode": barcodes, "x": coords[:, 0], "y": coords[:, 1]})
    return table, colour


def _barcodes(file: Any) -> list[str]:
    held = next((file[name] for name in ("barcode", "barcodes") if name in file), None)
    if held is None:
        raise ProfileError(file.filename, "has no barcodes", "Take the patches of the benchmark")
    return [cell.decode() if isinstance(cell, bytes) else str(cell) for cell in np.asarray(held[:]).ravel()]


def _rows(every: Profiles, values: Array, folder: Path, read: list[Path]) -> pd.DataFrame:
    import pandas as pd

    rows = every.meta
    path = ABOUT.optional(
        folder, "sample_metadata.csv", *(one.name for one in sorted(folder.glob("HEST_v*.csv")))
    )
    patient = rows["sample"]
    if path is not None:
        table = read_table(path, ("id", "patient"))
        read.append(path)
        known: Mapping[str, Any] = dict(zip(table["id"].astype(str), table["patient"], strict=True))
        told = rows["sample"].map(known)
        patient = told.where(told.notna(), rows["sample"]).astype(str)
    rows = rows.assign(patient=patient)[["sample", "patient", "barcode", "x", "y"]]
    genes = pd.DataFrame(values, columns=[f"expression:{name}" for name in every.names])
    return pd.concat([rows, genes], axis=1)


def _candidates(
    folder: Path, rows: pd.DataFrame, samples: list[str]
) -> tuple[dict[str, Profiles], list[Path]]:
    found: dict[str, Profiles] = {}
    read: list[Path] = []
    places = sorted((folder / "embeddings").iterdir()) if (folder / "embeddings").is_dir() else []
    for place in (one for one in places if one.is_dir()):
        held: list[Profiles] = []
        for sample in samples:
            path = place / f"{sample}.h5"
            if not path.is_file():
                raise ProfileError(path, "is not there", f"Embed every sample with {place.name}, or none")
            held.append(_embeddings(path, rows[rows["sample"] == sample]))
            read.append(path)
        found[place.name] = replace(concatenate(held, name=place.name), meta=rows)
    return found, read


def _embeddings(path: Path, rows: pd.DataFrame) -> Profiles:
    import h5py
    import pandas as pd

    try:
        with h5py.File(path, "r") as file:
            if "embeddings" not in file:
                raise ProfileError(path, "has no embeddings", "Write (n, d) embeddings and their barcodes")
            values = np.asarray(file["embeddings"][:])
            barcodes = _barcodes(file)
    except OSError as error:
        raise ProfileError(path, "cannot be read as HDF5", str(error).splitlines()[0][:120]) from error
    names = tuple(f"f{at}" for at in range(values.shape[1] if values.ndim == 2 else 0))
    made = Profiles(values, pd.DataFrame({"barcode": barcodes}), names, path.stem, {"kind": "candidate"})
    return align_to(made, rows[["barcode"]], ["barcode"])
