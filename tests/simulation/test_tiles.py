import numpy as np
import pytest

from micrographia.simulation import (
    DNA,
    Cells,
    Timelapse,
    cut_tiles,
    simulate_field,
    simulate_histology,
    simulate_tiles,
)


def test_tiles_put_together_are_the_field() -> None:
    field = simulate_field((200, 310), seed=4, cells=Cells(count=12), name="f")
    tiles = cut_tiles(field, (100, 150))
    assert [tile.name for tile in tiles] == ["f_r0c0", "f_r0c1", "f_r1c0", "f_r1c1"]
    rows = [np.concatenate([tile.image for tile in tiles[2 * r : 2 * r + 2]], axis=2) for r in (0, 1)]
    assert np.array_equal(np.concatenate(rows, axis=1), field.image[:, :, :300])


def test_objects_of_tiles_are_those_of_the_field() -> None:
    field = simulate_field((200, 200), seed=4, cells=Cells(count=12))
    whole = field.objects.set_index("label_id")
    for index, tile in enumerate(cut_tiles(field, (100, 100))):
        part = field.labels["cells"][100 * (index // 2) :, 100 * (index % 2) :][:100, :100]
        for row in tile.objects.itertuples():
            mask = tile.labels["cells"] == row.label_id
            assert mask.sum() == row.cell_area
            assert np.array_equal(mask, part == row.field_label_id)
            assert row.nucleus_radius == whole.loc[row.field_label_id, "nucleus_radius"]


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


def test_seams_correlate_and_strangers_do_not() -> None:
    tiles = simulate_tiles((128, 128), (3, 3), seed=2, cells=Cells(count=34), channels=(DNA,))
    pairs = [
        (tiles[3 * row + column], tiles[3 * row + column + 1]) for row in range(3) for column in range(2)
    ]
    # a seam in empty background has nothing to correlate
    pairs = [pair for pair in pairs if (pair[0].labels["nuclei"][:, -1] > 0).sum() > 10]
    assert len(pairs) >= 4
    seams = [correlation(one.image[:, :, -1], other.image[:, :, 0]) for one, other in pairs]
    flipped = [correlation(one.image[:, :, -1], other.image[:, ::-1, 0]) for one, other in pairs]
    assert min(seams) > 0.85
    assert np.median(seams) > 0.95
    assert np.mean(flipped) < 0.5
    section = cut_tiles(simulate_histology((128, 256), seed=1), (128, 128))
    assert correlation(section[0].image[:, :, -1], section[1].image[:, :, 0]) > 0.9


def test_stacks_are_cut_across_and_movies_are_not() -> None:
    stack = simulate_field((4, 96, 96), seed=1, cells=Cells(count=2, monolayer=True), channels=(DNA,))
    assert cut_tiles(stack, (32, 32))[0].image.shape == (1, 4, 32, 32)
    movie = simulate_field(
        (64, 64), seed=1, cells=Cells(count=1), channels=(DNA,), timelapse=Timelapse(frames=2)
    )
    with pytest.raises(ValueError, match="not from a time series"):
        cut_tiles(movie, (32, 32))
    with pytest.raises(ValueError, match="does not fit"):
        cut_tiles(stack, (97, 32))
