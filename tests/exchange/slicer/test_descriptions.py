"""Whatever a description says, what 3D Slicer cannot carry of it is named."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM, PLAIN, records
from micrographia.errors import ExchangeError
from micrographia.exchange import (
    Submission,
    described,
    export,
    import_submission,
    read_submission,
    unnamed_differences,
)
from micrographia.metadata import AnnotationSet
from slicer_folders import UM, blobs, made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    """Two sets of label images; their names are those of the first two sets of a description."""
    marks = {"one": blobs(9, 9, ids=(1,)), "two": blobs(9, 9, ids=(2,))}
    return Submission.of(
        made(tmp_path_factory.mktemp("made"), {"a": (np.zeros((9, 9), "u1"), marks)}, "YX", UM)
    )


@given(
    plain=PLAIN,
    sets=st.lists(records(AnnotationSet), max_size=3),
    names=st.permutations(["one", "two", "three"]),
)
@CALM
def test_every_loss_is_named(
    small: Submission, tmp_path_factory: pytest.TempPathFactory, plain: Any, sets: Any, names: list[str]
) -> None:
    tmp_path = tmp_path_factory.mktemp("slicer")
    values = plain | ({"annotations": sets} if sets else {})
    for entry, name in zip(sets, names, strict=False):
        entry["name"] = name
    given = Submission(described(values), small.files, folder=small.folder)
    done = export(given, "slicer", tmp_path / "out")
    back = import_submission(done.path, tmp_path / "back")
    assert unnamed_differences(given, back, [*done.findings, *back.findings]) == []
    shutil.rmtree(tmp_path)


@pytest.mark.real_data
def test_records_without_pixels_are_refused(data: Path, tmp_path: Path) -> None:
    documents = sorted((data / "bia_records").glob("*.json"))
    assert documents
    for path in documents[:3]:
        with pytest.raises(ExchangeError, match="shows pixels"):
            export(read_submission(path, "pagetab"), "slicer", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
