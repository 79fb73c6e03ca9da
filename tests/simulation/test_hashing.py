import numpy as np
import pytest
from scipy import stats

from micrographia.simulation.hashing import bell, unit

# the first numbers of SplitMix64 from seed 1234567, as published with reference implementations
REFERENCE = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431)


@pytest.mark.parametrize(("index", "state"), list(enumerate(REFERENCE)))
def test_numbers_are_those_of_splitmix64(index: int, state: int) -> None:
    assert unit(np.uint64(1234567), np.uint64(index)) == (state >> 11) * 2.0**-53


def test_numbers_are_uniform_and_normal() -> None:
    seed = np.uint64(7)
    uniform = [unit(seed, np.uint64(index)) for index in range(4000)]
    normal = [bell(seed, np.uint64(index)) for index in range(4000)]
    assert stats.kstest(uniform, "uniform").pvalue > 0.01
    assert stats.kstest(normal, "norm").pvalue > 0.01
