import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.report.probe_charts import bump, heat_map
from micrographia.report.probe_strips import PAD, bar, scale, strip, ticks

numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)
some = st.lists(st.none() | numbers, max_size=12)


def places(svg):
    ET.fromstring(svg)
    return [float(place) for place in re.findall(r'(?:x|x1|x2)="(-?[\d.]+)%"', svg)]


@given(some, some)
def test_an_axis_holds_what_must_be_seen_in_its_order(core, more):
    axis = scale(core, more)
    assert axis.low < axis.high
    held = sorted(value for value in core if value is not None)
    at = [axis.at(value) for value in held]
    assert at == sorted(at)
    assert not any(axis.beyond(value) for value in held)
    assert all(PAD - 1e-9 <= place <= 100 - PAD + 1e-9 for place in at)
    assert 0 < len(axis.ticks) <= 7
    assert all(
        axis.low - 1e-6 * abs(axis.low) <= tick <= axis.high + 1e-6 * abs(axis.high) for tick in axis.ticks
    )
    labels = re.findall(r">([−\d.,]+)<", ticks(axis))
    assert len(set(labels)) == len(labels) == len(axis.ticks)


def test_an_outlier_is_cut_and_becomes_an_arrow():
    axis = scale([0.2, 0.6, 0.1], [-30.0, 0.7])
    assert axis.low == pytest.approx(-0.4)
    svg = strip(axis, "x", -30.0, -40.0, 0.7, mark="baseline")
    assert svg.count('class="arrow"') == 1
    assert 'd="M3-6-5 0 3 6Z"' in svg
    assert min(places(svg)) >= PAD


@given(some, st.none() | numbers, st.none() | numbers, st.none() | numbers)
def test_nothing_is_drawn_outside_of_its_strip(core, value, low, high):
    axis = scale(core)
    svg = strip(axis, "<&\"'", value, low, high, lines=[(value, "chance")], band=(-0.1, 0.1))
    assert all(0 <= place <= 100 for place in places(svg))
    assert (value is None) == (
        'overflow="visible"' not in svg.replace('<path class="arrow"', "")
    ) or low is not None
    assert ET.fromstring(svg).get("aria-label") == "<&\"'"


def test_parts_of_a_bar_stack_from_zero_to_both_sides():
    axis = scale([-1.0, 1.0])
    svg = bar(axis, "x", [(0.25, "a"), (-0.5, "b"), (None, "c"), (0.5, "d")])
    found = {
        style: (float(x), float(width))
        for x, width, style in re.findall(r'<svg x="([\d.]+)%" y="50%" width="([\d.]+)%".*?class="(\w)"', svg)
    }
    assert set(found) == {"a", "b", "d"}
    half = 50 - PAD
    assert found["a"] == pytest.approx((50, half * 0.25))
    assert found["d"] == pytest.approx((50 + half * 0.25, half * 0.5))
    assert found["b"] == pytest.approx((50 - half * 0.5, half * 0.5))


def test_colours_of_a_heat_map_run_from_end_to_end():
    ends = re.findall(r'fill="(#[0-9a-f]{6})"', heat_map([[0, 1], [-3, None]], "x"))
    assert ends == ["#440154", "#fde725", "#440154"]
    assert re.findall(r'fill="(#[0-9a-f]{6})"', heat_map([[0.0]], "x", distance=True)) == ["#fde725"]
    assert re.findall(r'fill="(#[0-9a-f]{6})"', heat_map([[0.0]], "x", diverging=True)) == ["#f7f7f7"]
    assert ">.50<" in heat_map([[0.5]], "x")
    assert ">−.50<" in heat_map([[-0.5]], "x", diverging=True)


def test_lines_of_a_bump_chart_join_the_settings_that_a_candidate_is_in():
    svg = bump([[0, 1, None], [1, 0, 0]], "x")
    ET.fromstring(svg)
    first, second = re.findall(r'<g class="s(?:1|2)">(.*?)</g>', svg)[::-1]
    assert first.count("<line") == 1
    assert first.count("<circle") == 2
    assert second.count("<line") == 2
    assert second.count("<circle") == 3
