import numpy as np
import pytest

from micrographia.simulation import DNA, Cells, Field, Timelapse, simulate_field
from simulation.looks import same

FAST = Timelapse(frames=14, interval=1200, cycle=6, mitosis=0.8, speed=10)


@pytest.fixture(scope="module")
def movie() -> Field:
    return simulate_field((180, 200), seed=6, cells=Cells(count=7), channels=(DNA,), timelapse=FAST, name="m")


def test_a_movie_says_what_it_is(movie: Field) -> None:
    assert movie.axes == "TCYX"
    assert movie.image.shape == (14, 1, 180, 200)
    assert movie.labels["nuclei"].shape == (14, 180, 200)
    assert movie.scale == {"t": 1200, "y": 0.325, "x": 0.325}


def test_every_object_of_every_frame_has_one_row_in_tracks_and_in_objects(movie: Field) -> None:
    assert movie.tracks is not None
    assert list(movie.tracks.columns) == ["image", "t", "label_id", "track_id", "parent"]
    assert set(movie.tracks.image) == {"m"}
    assert (movie.tracks.label_id == movie.tracks.track_id).all()
    for t, rows in movie.tracks.groupby("t"):
        assert set(rows.label_id) == set(np.unique(movie.labels["cells"][t])) - {0}
        assert rows.label_id.is_unique
    assert movie.objects[["t", "label_id"]].equals(movie.tracks[["t", "label_id"]])


def test_lineage_is_consistent(movie: Field) -> None:
    assert movie.tracks is not None
    tracks = movie.tracks.groupby("track_id")
    spans = tracks.agg(first=("t", "min"), last=("t", "max"), rows=("t", "size"), parent=("parent", "max"))
    assert (tracks.parent.nunique() == 1).all()
    assert (spans.rows == spans["last"] - spans["first"] + 1).all()
    daughters = spans[spans.parent > 0]
    assert len(daughters) >= 4
    for daughter in daughters.itertuples():
        assert spans.loc[daughter.parent, "last"] == daughter.first - 1
    assert daughters.parent.value_counts().max() == 2


def test_daughters_begin_where_their_mother_ended(movie: Field) -> None:
    assert movie.tracks is not None
    table = movie.objects.set_index(["label_id", "t"])
    firsts = movie.tracks[movie.tracks.parent > 0].drop_duplicates("track_id")
    for row in firsts.itertuples():
        mother = table.loc[(row.parent, row.t - 1)]
        daughter = table.loc[(row.track_id, row.t)]
        apart = np.hypot(mother.cell_y - daughter.cell_y, mother.cell_x - daughter.cell_x) * 0.325
        assert apart < 3 * mother.nucleus_radius


def test_mothers_condense_before_they_divide(movie: Field) -> None:
    assert movie.tracks is not None
    mothers = set(movie.tracks.parent) - {0}
    last = movie.objects.sort_values("t").groupby("label_id").tail(1).set_index("label_id")
    assert last.loc[sorted(mothers), "dividing"].all()
    dividing = movie.objects[movie.objects.dividing]
    assert dividing.dna.mean() > 1.2 * movie.objects[~movie.objects.dividing].dna.mean()


def test_cells_move_at_their_speed() -> None:
    calm = Timelapse(frames=8, interval=600, cycle=1000, mitosis=0, speed=12, persistence=0.5)
    field = simulate_field(
        (400, 400), seed=2, cells=Cells(count=20, touching=0), channels=(DNA,), timelapse=calm
    )
    table = field.objects[(field.objects.nucleus_area > 0) & ~field.objects.nucleus_at_border].sort_values(
        ["label_id", "t"]
    )
    steps = table.groupby("label_id")[["nucleus_y", "nucleus_x"]].diff().dropna() * 0.325
    speed = np.sqrt((steps**2).sum(axis=1).mean()) * 6
    # cells that push each other make it a little faster
    assert speed == pytest.approx(12, rel=0.25)


def test_light_fades_by_bleaching() -> None:
    still = Timelapse(frames=3, bleaching=0.2, speed=0, cycle=1000)
    image = (
        simulate_field((128, 128), seed=2, cells=Cells(count=5), channels=(DNA,), timelapse=still)
        .image[:, 0]
        .astype(float)
    )
    bright = [np.percentile(frame, 99) - np.percentile(frame, 5) for frame in image]
    assert bright[2] / bright[0] == pytest.approx(0.64, rel=0.06)


def test_a_moving_stack_has_all_axes_and_the_same_bytes_again() -> None:
    options = {
        "seed": 1,
        "cells": Cells(count=2, monolayer=True),
        "channels": (DNA,),
        "timelapse": Timelapse(frames=3),
    }
    one, other = (simulate_field((4, 80, 96), **options) for _ in range(2))  # type: ignore[arg-type]
    assert one.axes == "TCZYX"
    assert one.image.shape == (3, 1, 4, 80, 96)
    assert set(one.scale) == {"t", "z", "y", "x"}
    assert same(one, other)


def test_the_first_frame_of_a_still_movie_is_as_crowded_as_a_picture(movie: Field) -> None:
    picture = simulate_field((180, 200), seed=6, cells=Cells(count=7), channels=(DNA,))
    assert len(movie.objects[movie.objects.t == 0]) == pytest.approx(len(picture.objects), abs=2)
