import base64
import csv
import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.report.charts import bars, histogram


def numbers(chart):
    text = base64.b64decode(chart.csv.partition(",")[2]).decode()
    return list(csv.reader(io.StringIO(text)))


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=60))
def test_every_finite_value_is_counted_once(values):
    chart = histogram(values, title="Size", unit="px", what="objects", name="size")
    finite = np.isfinite(np.array(values, float)).sum()
    assert sum(int(row[2]) for row in numbers(chart)[1:]) == finite
    if finite:
        ET.fromstring(chart.svg)


def test_the_sentence_says_what_the_picture_shows():
    chart = histogram([1, 2, 3, 4, 100], title="Size", unit="pixels", what="objects", name="size")
    assert chart.sentence == "Size of 5 objects: median 3 pixels, 90% between 1.2 and 80.8."
    assert ET.fromstring(chart.svg).get("aria-label") == chart.sentence


def test_text_is_escaped():
    chart = bars(["<script>alert(1)</script>", '"x"'], [3, 1], title="<b>", what="things", name="x")
    assert "<script" not in chart.svg
    ET.fromstring(chart.svg)


def test_many_bars_are_summed_up_but_kept_in_the_numbers():
    chart = bars(
        [f"k{n}" for n in range(30)], list(range(30, 0, -1)), title="Kinds", what="objects", name="kinds"
    )
    assert "19 more" in chart.svg
    assert len(numbers(chart)) == 31


@pytest.mark.parametrize("values", [[], [5], [5, 5, 5], [0.0, 0.0], [1, 1000000]])
def test_odd_samples(values):
    chart = histogram(values, title="Size", unit="", what="objects", name="size")
    assert sum(int(row[2]) for row in numbers(chart)[1:]) == len(values)
