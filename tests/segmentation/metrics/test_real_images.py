"""Real nuclei against a plain segmentation of them, and cells in 3D against a cruder version of themselves."""

import h5py
import numpy as np
import pytest
from scipy.ndimage import label
from skimage.filters import threshold_otsu
from skimage.io import imread
from skimage.metrics import contingency_table, variation_of_information

from micrographia.segmentation import metrics as m
from segmentation.metrics import oracle
from segmentation.metrics.oracle import as_pairs, objects

pytestmark = pytest.mark.real_data


def check(truth, predicted):
    """Hold everything that another library or a plain version computes against ours."""
    table = m.contingency(truth, predicted)
    other = contingency_table(truth.astype(np.int64), predicted.astype(np.int64)).tocoo()
    wanted = {
        (int(a), int(b)): int(n)
        for a, b, n in zip(other.row, other.col, other.data, strict=True)
        if a and b and n
    }
    assert as_pairs(table) == wanted
    t, p = objects(truth), objects(predicted)
    assert m.match(table, 0.5).tp == oracle.most_matches(t, p, m.exact(0.5))
    assert m.aji(table) == pytest.approx(float(oracle.kumar(t, p)))
    assert m.aji_plus(table) == pytest.approx(oracle.aji_plus(t, p))
    assert m.seg(table) == pytest.approx(oracle.seg(t, p))
    assert m.object_dice(table) == pytest.approx(oracle.object_dice(t, p))
    split, merge = variation_of_information(truth, predicted, ignore_labels=(0,))
    assert m.variation_of_information(table) == pytest.approx((split + merge, split, merge), abs=1e-9)
    return table


def test_nuclei(data):
    names = sorted(path.name for path in (data / "dsb2018" / "labels").iterdir())
    scores = []
    for name in names[::60]:
        truth = imread(data / "dsb2018" / "labels" / name)
        image = imread(data / "dsb2018" / "images" / name)
        grey = image[..., :3].mean(-1) if image.ndim > 2 else image
        scores.append(m.f1(check(truth, label(grey > threshold_otsu(grey))[0])))
    assert max(scores) > 0.5


def test_cells_of_a_plant_in_3d(data):
    path = next((data / "plantseg_3d").glob("*membrane*.h5"), None) or next(
        (data / "plantseg_3d").glob("*.h5")
    )
    with h5py.File(path) as file:
        name = next(key for key in ("label", "labels", "segmentation") if key in file)
        truth = file[name][:16, ::2, ::2]
    crude = np.repeat(np.repeat(truth[:, ::4, ::4], 4, 1), 4, 2)[:, : truth.shape[1], : truth.shape[2]]
    table = check(truth, crude)
    assert table.n_truth > 10
    assert 0.3 < m.panoptic_quality(table).pq < 1
    assert m.contingency(crude, truth).overlaps.sum() == table.overlaps.sum()
