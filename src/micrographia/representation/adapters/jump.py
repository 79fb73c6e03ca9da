"""JUMP Cell Painting and its pilot CPJUMP1: profiles in a folder a batch and a plate, one row a well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.errors import ProfileError
from micrographia.representation.adapters.jump_metadata import annotate
from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.adapters.wells import layouts, of_rows, parts, trivial, with_places
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import concatenate, read_profiles

if TYPE_CHECKING:
    import pandas as pd

KINDS = (
    "normalized_feature_select_negcon_batch",
    "normalized_feature_select_negcon",
    "normalized_feature_select_batch",
    "normalized_feature_select",
    "normalized_negcon",
    "normalized",
    "augmented",
    "",
)
"""What may stand after the name of the plate, in the order in which it is preferred; nothing for plain profiles."""

ABOUT = About(
    name="jump",
    title="JUMP Cell Painting, and its pilot CPJUMP1 (Chandrasekaran et al. 2024)",
    source=(
        "Cell Painting Gallery, cpg0000-jump-pilot and cpg0016-jump; metadata: "
        "github.com/jump-cellpainting/2024_Chandrasekaran_NatureMethods and github.com/jump-cellpainting/datasets"
    ),
    licence="CC0 (Cell Painting Gallery), BSD-3-Clause (metadata)",
    files={
        "profiles/BATCH/PLATE/PLATE_KIND.csv.gz": "profiles of a plate; also .parquet, also PLATE.parquet, also below "
        "SOURCE/workspace",
        "metadata/platemaps/BATCH/barcode_platemap.csv": "plate to platemap; platemap/NAME.txt: well to sample",
        "metadata/external_metadata/*.tsv": "optional, sample to compound, gene, control",
        "metadata/well.csv.gz": "or, in the production data, with plate, compound, crispr, orf: well to number",
    },
)


def load(
    folder: Path,
    batch: str = "",
    kind: str | None = None,
    plates: list[str] | None = None,
) -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds the files of :data:`ABOUT`.
    batch
        Take this batch only.
    kind
        Which file of a plate, one of :data:`KINDS`; None takes the first that every plate has.
    plates
        Take these plates only.

    Returns
    -------
    Study
        One row a well: ``batch``, ``plate``, ``well``, ``row``, ``column``, ``perturbation`` (sample or JCP2022
        number), ``compound``, ``gene``, ``control_type``, and what the metadata have besides (cell line, time).
        Candidates: ``profiles``, ``without intensity``, ``without intensity and density``. Baselines: ``intensity``,
        ``density``, ``cell size``, where the profiles hold such features, ``well position``, ``plate``, ``plate
        layout``.

    Raises
    ------
    ProfileError
        If no plate is there, plates lack the file, or they share no feature.
    """
    found = _plates(folder, batch, plates)
    if not found:
        raise ABOUT.lacking(folder, f"plates of batch {batch!r}" if batch else "profiles/BATCH/PLATE/")
    chosen = _kind(found, kind)
    files = [_file(place, chosen) for place in found]
    held = concatenate(
        [_plate(place, path) for place, path in zip(found, files, strict=True)], name="profiles"
    )
    notes = [
        f"Profiles are those of the files PLATE{'_' if chosen else ''}{chosen} of {len(found):,} plates."
    ]
    left = held.source.get("left_out", [])
    if left:
        notes.append(f"{len(left):,} features that not every plate has were left out.")
    rows, read, told = annotate(held.meta, folder)
    rows = with_places(rows)
    controls = (rows["control_type"] == "negcon").to_numpy(dtype=bool, na_value=False)
    notes += told
    if not controls.any():
        notes.append("No well is a negative control: transforms are fitted on training rows.")
    return Study(
        name="JUMP Cell Painting",
        rows=rows,
        candidates=of_rows(parts(held), rows),
        baselines={**of_rows(trivial(held), rows), **layouts(rows)},
        controls=controls,
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum([path for path in [*files, *read] if path is not None], folder),
    )


def _plates(folder: Path, batch: str, plates: list[str] | None) -> list[Path]:
    places = [*folder.glob("profiles/*/*"), *folder.glob("*/workspace/profiles/*/*")]
    return sorted(
        place
        for place in places
        if place.is_dir()
        and (not batch or place.parent.name == batch)
        and (plates is None or place.name in plates)
    )


def _kind(found: list[Path], kind: str | None) -> str:
    if kind is not None:
        lacking = next((place for place in found if _held(place, kind) is None), None)
        if lacking is not None:
            raise ProfileError(
                lacking, f"has no file of kind {kind!r}", f"Kinds are {', '.join(filter(None, KINDS))}"
            )
        return kind
    for one in KINDS:
        if all(_held(place, one) is not None for place in found):
            return one
    raise ProfileError(
        found[0].parent.parent,
        "has no kind of file that every plate has",
        "Name plates that have the same files",
    )


def _held(place: Path, kind: str) -> Path | None:
    stem = f"{place.name}_{kind}" if kind else place.name
    paths = (place / f"{stem}{ending}" for ending in (".parquet", ".csv.gz", ".csv"))
    return next((path for path in paths if path.is_file()), None)


def _file(place: Path, kind: str) -> Path:
    path = _held(place, kind)
    if path is None:
        raise ProfileError(place, f"has no file of kind {kind!r}", "Name another kind")
    return path


def _plate(place: Path, path: Path) -> Profiles:
    held = read_profiles(path)
    held.column("Well")
    meta: pd.DataFrame = held.meta.drop(columns=["Plate", "Batch"], errors="ignore")
    plain = meta.rename(columns={"Well": "well"}).assign(plate=place.name, batch=place.parent.name)
    return replace(held, meta=plain)
