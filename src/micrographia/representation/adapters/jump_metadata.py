"""What wells of JUMP Cell Painting hold: from platemaps and lists of samples, or tables of the production data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.errors import ProfileError
from micrographia.representation.adapters.metadata_tables import joined, read_table

if TYPE_CHECKING:
    import pandas as pd

DMSO = "JCP2022_033924"
"""Number of DMSO in the production data."""
NEGATIVE_SYMBOLS = frozenset(("non-targeting", "no-guide", "LacZ", "BFP", "HcRed", "Luciferase"))
"""Symbols of guides and reading frames that are negative controls in the production data."""
EXPERIMENTS = (
    "experiment-metadata.tsv",
    "metadata/experiment-metadata.tsv",
    "benchmark/output/experiment-metadata.tsv",
)


def annotate(meta: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[Path], list[str]]:
    """Return what is known of wells, the files that told it, and notes.

    Parameters
    ----------
    meta
        ``batch``, ``plate`` and ``well`` of each row, and what the profiles themselves say.
    folder
        The study.

    Raises
    ------
    ProfileError
        If a table lacks a column, or tells of a well or sample twice.
    """
    rows, read = _platemaps(meta, folder)
    notes: list[str] = []
    for table in sorted((folder / "metadata").glob("*/*metadata*.tsv")):
        held = read_table(table)
        if "broad_sample" not in held.columns or "broad_sample" not in rows.columns:
            continue
        read.append(table)
        if held.dropna(subset=["broad_sample"]).drop_duplicates()["broad_sample"].duplicated().any():
            notes.append(f"{table.name} tells of a sample in several rows and was not used.")
            continue
        rows = _filled(rows, held, "broad_sample", table)
    rows, production = _production(rows, folder)
    read += production
    rows, experiments = _experiments(rows, folder)
    read += experiments
    shown = _named(rows)
    unknown = int(shown["perturbation"].isna().sum())
    if unknown:
        notes.append(f"{unknown:,} of {len(shown):,} wells hold nothing that is named, and no control.")
    return shown, read, notes


def _platemaps(meta: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    import pandas as pd

    read: list[Path] = []
    maps: list[pd.DataFrame] = []
    for batch in dict.fromkeys(meta["batch"]):
        path = folder / "metadata" / "platemaps" / str(batch) / "barcode_platemap.csv"
        if not path.is_file():
            continue
        barcodes = read_table(path, ("Assay_Plate_Barcode", "Plate_Map_Name"))
        read.append(path)
        wanted = set(meta.loc[meta["batch"] == batch, "plate"])
        for plate, name in zip(
            barcodes["Assay_Plate_Barcode"].astype(str), barcodes["Plate_Map_Name"], strict=True
        ):
            if plate not in wanted:
                continue
            source = path.parent / "platemap" / f"{name}.txt"
            if not source.is_file():
                raise ProfileError(
                    source, "is not there, and the barcodes name it", "Download the platemaps too"
                )
            held = read_table(source, ("well_position",))
            read += [source] if source not in read else []
            known = held.rename(columns={"well_position": "well"}).drop(
                columns="plate_map_name", errors="ignore"
            )
            maps.append(known.assign(plate=plate, batch=batch))
    if not maps:
        return meta.reset_index(drop=True), read
    table = pd.concat(maps, ignore_index=True)
    keys = ["batch", "plate", "well"]
    if table.duplicated(keys).any():
        raise ProfileError(folder / "metadata" / "platemaps", "tell of a well twice", "Leave one row a well")
    fresh = [name for name in table.columns if name in keys or name not in meta.columns]
    return meta.merge(table[fresh], on=keys, how="left", validate="many_to_one"), read


def _filled(rows: pd.DataFrame, table: pd.DataFrame, on: str, path: Path) -> pd.DataFrame:
    """Add columns of a table, and fill gaps of columns that are there: each list tells of other samples."""
    found = joined(rows[[on]], table, on, path)
    for name in found.columns:
        if name == on:
            continue
        if name in rows.columns:
            rows = rows.assign(
                **{str(name): rows[name].astype(object).where(rows[name].notna(), found[name])}
            )
        else:
            rows = rows.assign(**{str(name): found[name].astype(object)})
    return rows


def _production(rows: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    wells = _table(folder, "well")
    read: list[Path] = []
    if wells is not None:
        table = read_table(wells, ("Source", "Plate", "Well", "JCP2022"))
        table = table.rename(columns={"Plate": "plate", "Well": "well"}).assign(
            plate=lambda held: held["plate"].astype(str)
        )
        table = table[table["plate"].isin(set(rows["plate"]))]
        if table.duplicated(["plate", "well"]).any():
            raise ProfileError(wells, "tells of a well twice", "Leave one row a well")
        fresh = [name for name in table.columns if name in ("plate", "well") or name not in rows.columns]
        rows = rows.merge(table[fresh], on=["plate", "well"], how="left", validate="many_to_one")
        read.append(wells)
    plates = _table(folder, "plate")
    if plates is not None:
        table = read_table(plates, ("Plate",)).rename(columns={"Plate": "plate"})
        table = table.assign(plate=table["plate"].astype(str)).drop(
            columns=["Batch", "Source"], errors="ignore"
        )
        rows = joined(rows, table[table["plate"].isin(set(rows["plate"]))], "plate", plates)
        read.append(plates)
    if "JCP2022" in rows.columns:
        for name in ("compound", "crispr", "orf", "perturbation_control"):
            path = _table(folder, name)
            if path is not None:
                held = read_table(path, ("JCP2022",))
                if name == "perturbation_control" and "pert_type" in held.columns:
                    held = held[["JCP2022", "pert_type"]].rename(columns={"pert_type": "control_type"})
                rows = _filled(rows, held, "JCP2022", path)
                read.append(path)
    return rows, read


def _table(folder: Path, name: str) -> Path | None:
    places = (folder / "metadata" / f"{name}{ending}" for ending in (".csv.gz", ".csv"))
    return next((place for place in places if place.is_file()), None)


def _experiments(rows: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    path = next((folder / name for name in EXPERIMENTS if (folder / name).is_file()), None)
    if path is None:
        return rows, []
    table = read_table(path, ("Batch", "Assay_Plate_Barcode"))
    table = table.rename(
        columns={"Batch": "batch", "Assay_Plate_Barcode": "plate", "Cell_type": "cell_line", "Time": "time"}
    ).assign(plate=lambda held: held["plate"].astype(str))
    if table.duplicated(["batch", "plate"]).any():
        raise ProfileError(path, "tells of a plate twice", "Leave one row a plate")
    fresh = [name for name in table.columns if name in ("batch", "plate") or name not in rows.columns]
    return rows.merge(table[fresh], on=["batch", "plate"], how="left", validate="many_to_one"), [path]


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with ``perturbation``, ``compound``, ``gene`` and ``control_type``, whatever the tables call them."""
    import pandas as pd

    none = pd.Series([None] * len(rows), dtype=object)

    def first(*names: str) -> pd.Series:
        found = none
        for name in names:
            if name in rows.columns:
                found = found.where(found.notna(), rows[name].astype(object))
        return found

    perturbation = first("broad_sample", "JCP2022")
    if "solvent" in rows.columns:  # wells of compound plates without a sample hold the solvent alone
        perturbation = perturbation.where(perturbation.notna(), rows["solvent"].astype(object))
    control = first("control_type")
    symbol = first("gene", "Symbol")
    negative = (perturbation == DMSO) | (perturbation == "DMSO") | symbol.isin(NEGATIVE_SYMBOLS)
    control = control.where(control.notna() | ~negative, "negcon")
    targets = first("target", "target_list")
    of_gene = symbol.notna()
    compound = first("pert_iname").where(~of_gene, None)
    numbers = perturbation.where(~of_gene, None)
    return rows.assign(
        perturbation=perturbation,
        compound=compound.where(compound.notna(), numbers),
        gene=symbol.where(of_gene, targets),
        control_type=control,
    )
