import subprocess
import sys

import numpy as np
import pytest

from micrographia.segmentation.models.memory import PeakMemory, resident

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells the present size, and that of programs"
)


def test_what_is_taken_is_told_even_when_it_is_given_back():
    with PeakMemory(0.001) as memory:
        held = np.ones(8 << 20)
        assert held.sum() > 0
        del held
    assert 50 << 20 < memory.peak_bytes < 500 << 20


def test_doing_nothing_takes_nothing():
    with PeakMemory() as memory:
        pass
    assert memory.peak_bytes < 8 << 20
    assert resident() > 1 << 20


def test_programs_count():
    code = "held = bytearray(80 << 20); held[::4096] = b'x' * len(held[::4096]); import time; time.sleep(0.5)"
    with PeakMemory() as memory:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert memory.peak_bytes > 60 << 20
