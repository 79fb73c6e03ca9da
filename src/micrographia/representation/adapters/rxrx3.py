"""RxRx3-core: gene knock-outs and compounds on HUVEC cells, ready-made embeddings, one row a well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.adapters.metadata_tables import read_table
from micrographia.representation.adapters.study import About, Study, checksum
from micrographia.representation.adapters.wells import layouts, with_places
from micrographia.representation.preprocessing import Aggregate
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import read_profiles

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata_rxrx3_core.csv"
EMBEDDINGS = "*embeddings*.parquet"
CONTROL = "EMPTY_control"

ABOUT = About(
    name="rxrx3",
    title="RxRx3-core: 736 gene knock-outs and 1,674 compounds on HUVEC cells (Kraus et al. 2025)",
    source="huggingface.co/datasets/recursionpharma/rxrx3-core; paper arXiv 2503.20158",
    licence="as its dataset card states; read it before use",
    files={
        METADATA: "one row a well: well_id, experiment_name, plate, address, gene, treatment, perturbation_type",
        "NAME_embeddings.parquet": "well_id and one column a feature; several files are several candidates",
    },
)

_COLUMNS = ("well_id", "experiment_name", "plate", "address", "gene", "treatment", "perturbation_type")


def load(folder: Path, perturbation: str = "") -> Study:
    """Read the study.

    Parameters
    ----------
    folder
        Holds the files of :data:`ABOUT`.
    perturbation
        ``CRISPR`` or ``COMPOUND``: take these wells only. Empty takes both.

    Returns
    -------
    Study
        One row a well that every embedding has: ``well_id``, ``experiment`` (the batch), ``plate`` (experiment and
        number, because numbers repeat), ``well``, ``row``, ``column``, ``perturbation_type``, ``gene`` (None for
        compounds), ``guide``, ``compound``, ``concentration``. Controls are the empty wells. Candidates: one a file
        of embeddings, named after it. Baselines: ``well position``, ``plate``, ``plate layout``.

    Raises
    ------
    ProfileError
        If a file is not there or lacks a column, a well is listed twice, or no well is in all files.
    """
    path = ABOUT.file(folder, METADATA, f"{METADATA}.gz")
    table = read_table(path, _COLUMNS)
    if table["well_id"].duplicated().any():
        twice = table.loc[table["well_id"].duplicated(), "well_id"].iloc[0]
        raise ProfileError(path, f"lists well {twice} twice", "Leave one row a well")
    if perturbation:
        table = table[table["perturbation_type"] == perturbation]
        if not len(table):
            raise ProfileError(path, f"has no well of type {perturbation!r}", "Say CRISPR or COMPOUND")
    files = sorted(place for place in folder.glob("*.parquet") if "embedding" in place.name.lower())
    if not files:
        raise ABOUT.lacking(folder, EMBEDDINGS)
    held = {_name(place): _embeddings(place) for place in files}
    notes: list[str] = []
    kept = table[
        np.logical_and.reduce([table["well_id"].isin(part.meta["well_id"]) for part in held.values()])
    ]
    if not len(kept):
        raise ProfileError(path, "has no well in common with the embeddings", "Take files of one version")
    if len(kept) < len(table):
        notes.append(
            f"{len(table) - len(kept):,} of {len(table):,} wells have no embedding in one of the files: left out."
        )
    rows = with_places(_rows(kept.reset_index(drop=True)))
    candidates = {}
    for name, part in held.items():
        place = {well: at for at, well in enumerate(part.meta["well_id"])}
        taken = part.take(np.array([place[well] for well in rows["well_id"]]))
        candidates[name] = replace(taken, meta=rows, name=name, source={**part.source, "kind": "candidate"})
    notes.append("Empty wells are controls: they may fit a transform and are not scored.")
    return Study(
        name="RxRx3-core",
        rows=rows,
        candidates=candidates,
        baselines=layouts(rows),
        controls=(rows["control"] == CONTROL).to_numpy(dtype=bool, na_value=False),
        source=ABOUT.source,
        licence=ABOUT.licence,
        notes=notes,
        sha256=checksum([path, *files], folder),
    )


def _name(path: Path) -> str:
    name = path.name.removesuffix(".parquet")
    for ending in ("_rxrx3_core_embeddings", "_embeddings"):
        name = name.removesuffix(ending)
    return name


def _embeddings(path: Path) -> Profiles:
    held = read_profiles(path, metadata=["well_id"])
    if held.meta["well_id"].duplicated().any():  # one row a site
        return Aggregate("well_id", "mean").apply(held)
    return held


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    treatment = table["treatment"].astype("str")
    control = treatment.where(treatment.str.endswith("_control"))
    of_gene = (table["perturbation_type"] == "CRISPR") & control.isna()
    of_compound = (table["perturbation_type"] == "COMPOUND") & control.isna()
    rows = {
        "well_id": table["well_id"],
        "experiment": table["experiment_name"],
        "plate": table["experiment_name"].astype(str) + "/" + table["plate"].astype(str),
        "well": table["address"],
        "perturbation_type": table["perturbation_type"],
        "gene": table["gene"].where(of_gene),
        "guide": treatment.where(of_gene),
        "compound": treatment.where(of_compound),
        "control": control,
    }
    for name in ("concentration", "SMILES", "cell_type"):
        if name in table.columns:
            rows[name] = table[name]
    return pd.DataFrame(rows)
