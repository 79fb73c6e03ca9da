import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters.metadata_tables import joined, read_table


def test_tables_beside_profiles(tmp_path):
    path = tmp_path / "map.txt"
    path.write_bytes(b"\xef\xbb\xbfwell_position\tMetadata_gene\tdose\nA01\tNA\t0.5\nA02\tTP53\t\n")
    table = read_table(path, ("well_position",))
    assert table.columns.tolist() == ["well_position", "gene", "dose"]
    assert table["gene"].isna().tolist() == [True, False]
    assert table["dose"].tolist()[0] == 0.5
    with pytest.raises(ProfileError, match="has no column 'plate'. It has well_position".replace(".", r"\.")):
        read_table(path, ("plate",))


def test_rows_get_the_columns_of_a_table(tmp_path):
    rows = pd.DataFrame({"sample": ["s2", None, "s9", "s1"], "gene": ["kept"] * 4})
    table = pd.DataFrame({"sample": ["s1", "s2", "s2"], "gene": ["a", "b", "b"], "moa": ["x", "y", "y"]})
    found = joined(rows, table, "sample", tmp_path)
    assert found["moa"].isna().tolist() == [False, True, True, False]
    assert found["moa"].dropna().tolist() == ["y", "x"]
    assert found["gene"].tolist() == ["kept"] * 4
    table.loc[2, "moa"] = "z"
    with pytest.raises(ProfileError, match="several rows of sample s2"):
        joined(rows, table, "sample", tmp_path)
