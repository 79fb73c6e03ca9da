"""Real profiles as the tests take them: no reader of the project between file and figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def bbbc021_treatments(data: Path) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the median profile of each compound, concentration and mechanism, DMSO left out, clipped to +-20."""
    wells = pd.read_csv(data / "bbbc021_profiles" / "BBBC021_feature_selected_mad_robustize.csv")
    wells = wells[wells["Metadata_Compound"] != "DMSO"]
    names = [name for name in wells.columns if not name.startswith("Metadata_")]
    keys = [f"Metadata_{name}" for name in ("Compound", "Concentration", "moa")]
    grouped = pd.concat([wells[keys], wells[names].clip(-20, 20)], axis=1).groupby(keys)
    profiles = grouped[names].median()
    meta = profiles.index.to_frame(index=False).rename(columns=lambda name: name.removeprefix("Metadata_"))
    plates = wells.groupby(keys)["Metadata_Plate"].agg(frozenset)
    meta["plates"] = plates.to_numpy()
    meta["weeks"] = [frozenset(plate.split("_")[0] for plate in held) for held in plates]
    return profiles.to_numpy(), meta


def sq00015054(data: Path) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the 384 wells of the plate and their metadata."""
    wells = pd.read_csv(data / "lincs_SQ00015054_profiles" / "SQ00015054_normalized_feature_select.csv.gz")
    meta = wells[[name for name in wells.columns if name.startswith("Metadata_")]]
    features = wells[[name for name in wells.columns if not name.startswith("Metadata_")]]
    return features.to_numpy(), meta.rename(columns=lambda name: name.removeprefix("Metadata_"))
