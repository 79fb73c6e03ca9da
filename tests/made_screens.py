"""Made screens whose truth is known: what the features hold decides what the evaluation must say."""

from pathlib import Path

import numpy as np
import pandas as pd

from micrographia.protocols import Protocol
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import write_profiles

MECHANISMS = ("actin", "tubulin", "kinase", "none")


def meta(compounds: int = 24, wells: int = 4) -> pd.DataFrame:
    """Wells of compounds, each with one mechanism, spread over two plates of each of three weeks."""
    number = np.repeat(np.arange(compounds), wells)
    return pd.DataFrame(
        {
            "compound": [f"c{at:02d}" for at in number],
            "moa": [MECHANISMS[at % len(MECHANISMS)] for at in number],
            "week": [f"w{at // len(MECHANISMS) % 3}" for at in number],
            "plate": np.tile([f"p{at}" for at in range(wells)], compounds),
            "well": [f"{'ABCDEFGH'[at % 8]}{at // 8 + 1:02d}" for at in range(compounds * wells)],
        }
    )


def features(table: pd.DataFrame, signal: float, d: int = 16, seed: int = 0) -> np.ndarray:
    """Noise, with a centre of its own for every mechanism."""
    draw = np.random.default_rng(seed)
    centres = {name: draw.normal(size=d) for name in MECHANISMS}
    return signal * np.stack([centres[one] for one in table["moa"]]) + draw.normal(size=(len(table), d))


def written(folder: Path, signal: float, name: str = "mine", **options) -> Path:
    """Write a table of features and return its path."""
    table = meta(**options)
    values = features(table, signal)
    path = folder / f"{name}.parquet"
    write_profiles(Profiles(values, table, tuple(f"f{at}" for at in range(values.shape[1]))), path)
    return path


def protocol(**changes) -> Protocol:
    """Return a protocol for tables of features."""
    told = {
        "name": "made",
        "title": "A made screen",
        "unit": "compound",
        "delta": 0.1,
        "primary": "near",
        "tasks": [
            {
                "name": "near",
                "kind": "nearest_neighbour",
                "label": "moa",
                "exclude": ["compound"],
                "assigned_to": "compound",
            },
            {
                "name": "probe",
                "kind": "classification",
                "label": "moa",
                "folds": {"kind": "group_k_fold", "k": 3},
            },
        ],
        "baselines": ["well position", "plate layout"],
        "nuisances": [{"name": "week", "column": "week"}],
        "diagnostics": [],
        "permutations": 99,
    }
    return Protocol.model_validate(told | changes)
