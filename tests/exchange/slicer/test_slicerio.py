"""slicerio, of the makers of 3D Slicer, reads what is written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import missing
from micrographia.dataset import open_dataset
from micrographia.exchange import (
    export,
    import_submission,
)
from slicer_folders import UM, blobs, made

READ = """
import json, sys, slicerio
from pathlib import Path
told = {}
for path in sorted(Path(sys.argv[1]).rglob("*.seg.nrrd")):
    read = slicerio.read_segmentation(str(path))
    said = [[s["id"], s["name"], s["labelValue"], s["layer"], s["extent"], s["color"],
             int(slicerio.segment_mask(read, s).sum()), s.get("terminology", {}).get("type")] for s in read["segments"]]
    name = path.relative_to(sys.argv[1]).as_posix()
    told[name] = [read["ijkToLPS"].tolist(), read["containedRepresentationNames"], said]
print(json.dumps(told))
"""


def validators(*arguments: Any) -> str:

    python = os.environ.get("MICROGRAPHIA_VALIDATORS", "")
    if not python:
        missing("independent validators: make validate")
    done = subprocess.run(
        [python, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.validators
def test_slicerio_reads_what_is_written(tmp_path: Path) -> None:
    classes = [{"id": 1, "name": "vein", "ontology_id": "UBERON:0001638"}, {"id": 3, "name": "rib"}]
    first, second = blobs(4, 30, 24, ids=(1, 3)), np.zeros((4, 30, 24), "u1")
    second[1:3, 3:12, 5:20] = 3
    entries = {"a": (np.zeros((4, 30, 24), "u1"), {"t": [first, second]}), "b": (first, {"t": first})}
    dataset = made(tmp_path, entries, "ZYX", UM, kind="semantic", classes=classes)
    told = json.loads(validators("-c", READ, export(dataset, "slicer", tmp_path / "out").path))
    matrix, names, segments = told["a.seg.nrrd"]
    assert np.allclose(matrix, np.diag([1e-4, 1e-4, 3.5e-4, 1]))
    assert names == ["Binary labelmap"]
    assert [one[1:5] + one[6:] for one in segments] == [
        ["vein", 1, 0, [3, 8, 2, 4, 0, 3], 72, ["UBERON", "0001638", "vein"]],
        ["rib", 3, 0, [3, 8, 7, 9, 0, 3], 72, None],
        ["rib", 3, 1, [5, 19, 3, 11, 1, 2], 270, None],
    ]
    assert len({one[0] for one in segments}) == 3
    assert [len(one[5]) for one in told["b.seg.nrrd"][2]] == [3, 3]


@pytest.mark.validators
def test_files_that_slicer_saved_are_read_and_written_again(tmp_path: Path) -> None:
    place = validators(
        "-c", "import slicerio, pathlib; print(pathlib.Path(slicerio.__file__).parent / 'data')"
    ).strip()
    names = ["Segmentation", "SegmentationOverlapping"]
    for name in names:
        (tmp_path / name).mkdir()
        shutil.copy(Path(place) / "CTChest4.nrrd", tmp_path / name / "CTChest4.nrrd")
        shutil.copy(Path(place) / f"{name}.seg.nrrd", tmp_path / name / "CTChest4.seg.nrrd")
        back = import_submission(tmp_path / name, tmp_path / f"set {name}")
        assert any("takes it for millimetres" in one.message for one in back.findings)
        classes = [one for entry in back.mifa.annotations for one in entry.classes]
        assert {"ribs", "cervical vertebral column", "thoracic vertebral column"} <= {
            one.name for one in classes
        }
        assert "SCT:113197003" in [one.ontology_id for one in classes]
        export(open_dataset(tmp_path / f"set {name}"), "slicer", tmp_path / f"out {name}")
    told = json.loads(validators("-c", READ, tmp_path))
    for name in names:
        matrix, _, before = told[f"{name}/CTChest4.seg.nrrd"]
        after = [value for path, value in told.items() if path.startswith(f"out {name}/")]
        assert np.allclose(matrix, after[0][0], rtol=1e-9)
        held = {(one[1], tuple(one[5]), one[6]) for entry in after for one in entry[2]}
        assert {(one[1], tuple(one[5]), one[6]) for one in before} == held
