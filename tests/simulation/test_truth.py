import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from micrographia.simulation.truth import _keep_largest, measured


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 14), st.integers(1, 14), st.integers(1, 4))
def test_only_the_largest_piece_of_each_label_stays(
    seed: int, planes: int, rows: int, columns: int, labels: int
) -> None:
    before = np.random.default_rng(seed).integers(0, labels + 1, (planes, rows, columns)).astype(np.int32)
    after = before.copy()
    scattered = np.zeros(labels + 1, bool)
    scattered[labels] = True
    _keep_largest(after, scattered)
    for label in range(1, labels):
        pieces, count = ndimage.label(before == label)
        if count == 0:
            continue
        assert ndimage.label(after == label)[1] == 1
        assert (after == label).sum() == np.bincount(pieces.ravel())[1:].max()
    assert np.array_equal(after == labels, before == labels)
    assert np.isin(after[after != before], 0).all()


def test_measures_are_those_of_the_labels() -> None:
    cells = np.zeros((1, 5, 8), np.int32)
    cells[0, 0:2, 0:3] = 1
    cells[0, 2:4, 1:3] = 2
    cells[0, 2:4, 5:7] = 3
    table = measured(np.zeros_like(cells), cells, np.array([1, 2, 3]), flat=True)
    assert table.cell_area.tolist() == [6, 4, 4]
    assert table.cell_y.tolist() == [0.5, 2.5, 2.5]
    assert table.cell_x.tolist() == [1.0, 1.5, 5.5]
    assert table.cell_touching.tolist() == [True, True, False]
    assert table.cell_at_border.tolist() == [True, False, False]
    assert table.nucleus_y.isna().all()
    assert "cell_z" not in table
