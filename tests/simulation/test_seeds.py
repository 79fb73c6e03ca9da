import numpy as np

from micrographia.simulation.seeds import Stream, child, generator


def test_streams_do_not_depend_on_what_was_drawn_before() -> None:
    generator(5, Stream.PLACE).random(1000)
    again = generator(5, Stream.CELLS, "well").random(3)
    assert np.array_equal(again, generator(5, Stream.CELLS, "well").random(3))
    assert not np.array_equal(again, generator(5, Stream.CELLS, "other").random(3))
    assert not np.array_equal(again, generator(6, Stream.CELLS, "well").random(3))


def test_a_child_of_a_child_is_the_longer_key() -> None:
    one = child(child(5, Stream.WELL), 3)
    assert np.array_equal(one.generate_state(4), child(5, Stream.WELL, 3).generate_state(4))


def test_spawning_elsewhere_changes_nothing() -> None:
    parent = np.random.SeedSequence(5)
    before = child(parent, 1).generate_state(2)
    parent.spawn(3)
    assert np.array_equal(before, child(parent, 1).generate_state(2))
