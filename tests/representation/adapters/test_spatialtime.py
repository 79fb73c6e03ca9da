import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load
from micrographia.representation.adapters.spatialtime import CLINICAL, SUMMARY


def test_cores_of_a_microarray(tmp_path, data):
    study = load("spatialtime", data / "spatialtime_tma_mif")
    assert len(study.rows) == 229
    assert study.rows["patient"].nunique() == 229
    assert study.candidates["marker percentages"].d == 12
    assert study.cells["region"].nunique() == 5
    assert len(study.cells) == 12_782
    for name in (SUMMARY, CLINICAL):
        (tmp_path / name).write_bytes((data / "spatialtime_tma_mif" / name).read_bytes())
    short = pd.read_csv(tmp_path / CLINICAL).iloc[1:]
    short.to_csv(tmp_path / CLINICAL, index=False)
    with pytest.raises(ProfileError, match="lacks 1 cores, the first"):
        load("spatialtime", tmp_path)
