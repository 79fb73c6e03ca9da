import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import ADAPTERS, Study, about, load
from micrographia.representation.adapters.study import Lazy
from micrographia.representation.profiles import Profiles


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_empty_folder_is_told_where_the_data_come_from(tmp_path, adapter):
    told = about(adapter)
    assert told.name == adapter
    assert told.title
    assert told.licence
    assert told.files
    with pytest.raises(ProfileError) as caught:
        load(adapter, tmp_path)
    if adapter not in ("imagefolder", "dataset"):  # no one source
        assert told.source in str(caught.value)
        assert all(name in str(caught.value) for name in told.files)
    with pytest.raises(ProfileError, match="is no folder"):
        load(adapter, tmp_path / "nowhere")
    with pytest.raises(ProfileError, match=r"has no option 'colour'\. (Options are|It has no)"):
        load(adapter, tmp_path, {"colour": 1})


def test_an_unknown_adapter_is_told():
    with pytest.raises(ProfileError, match=r"no adapter 'bbc021'\. Did you mean bbbc021"):
        load("bbc021", ".")


def test_rows_must_agree():
    rows = pd.DataFrame({"a": [1, 2]})
    one = Profiles([[1.0]], rows[:1], ("f",))
    with pytest.raises(ProfileError, match="has 2 rows, and 'c' 1"):
        Study("s", rows, candidates={"c": one})
    with pytest.raises(ProfileError, match="2 rows and 1 controls"):
        Study("s", rows, controls=[True])
    assert Study("s", rows).controls.tolist() == [False, False]


def test_lazy_profiles_are_made_once():
    made = []

    def make():
        made.append(1)
        return {name: Profiles([[1.0]], pd.DataFrame({"a": [1]}), ("f",), name) for name in ("x", "y", "z")}

    held = Lazy(("x", "y"), make, {})
    assert "x" in held
    assert "z" not in held
    assert list(held) == ["x", "y"]
    assert len(held) == 2
    assert not made
    assert held["x"].name == "x"
    assert held["y"].name == "y"
    assert len(made) == 1
    with pytest.raises(KeyError):
        held["z"]


def test_every_adapter_is_documented():
    page = (Path(__file__).parents[3] / "docs" / "studies.md").read_text("utf-8")
    assert [name for name in ADAPTERS if f"| `{name}` |" not in page] == []


def test_only_what_is_needed_is_imported():
    code = (
        "import sys; from micrographia.representation.adapters import ADAPTERS, about\n"
        "[about(name) for name in ADAPTERS]\n"
        "print([name for name in ('torch', 'sklearn', 'anndata', 'skimage', 'pyarrow.parquet') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
