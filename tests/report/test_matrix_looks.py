import base64
import re
import shutil
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from conftest import missing
from micrographia.report.matrix_colours import code, colour, ink, luminance
from micrographia.report.matrix_page import matrix_page
from micrographia.report.pictures import png_uri
from report.matrix_results import few, full, large, minimal


def contrast(one, other):
    parts = [
        tuple(bytes.fromhex("".join(2 * c for c in held) if len(held) == 3 else held))
        for held in (one, other)
    ]
    high, low = sorted(map(luminance, parts), reverse=True)
    return (high + 0.05) / (low + 0.05)


def schemes():
    folder = files("micrographia.report").joinpath("templates")
    light, dark = re.findall(r":root\{(--text[^}]*)\}", folder.joinpath("page.css").read_text())
    own, own_dark = re.findall(r":root\{(--blue[^}]*)\}", folder.joinpath("probe.css").read_text())
    return [
        dict(re.findall(r"--(\w+):#([0-9a-f]+)", scheme))
        for scheme in (light + ";" + own, light + ";" + own + ";" + dark + ";" + own_dark)
    ]


def test_luminance_and_contrast_are_those_of_wcag():
    assert luminance((255, 255, 255)) == pytest.approx(1.0)
    assert luminance((0, 0, 0)) == 0.0
    assert contrast("777777", "fff") == pytest.approx(4.48, abs=0.005)


def test_a_number_can_be_read_on_every_colour_of_the_map():
    for step in range(101):
        back = colour(step / 100)
        assert contrast(code(back)[1:], ink(back)[1:]) >= 4.5


def test_the_map_grows_brighter_and_ends_where_it_ends():
    levels = [luminance(colour(step / 100)) for step in range(101)]
    assert levels == sorted(levels)
    assert colour(-3) == colour(0)
    assert colour(7) == colour(1)


def test_words_have_contrast_in_both_schemes():
    for colours in schemes():
        for name in ("text", "soft", "good", "bad", "warn", "accent"):
            assert contrast(colours[name], colours["back"]) >= 4.5
        for name in ("text", "soft"):
            assert contrast(colours[name], colours["panel"]) >= 4.5
            assert contrast(colours[name], colours["faint"]) >= 4.5


def test_a_status_is_told_by_shape_and_by_word():
    page = matrix_page(full())
    css = page.partition("</style>")[0]
    for slug, border in (("same-source", "dashed"), ("unknown", "dotted")):
        assert re.search(rf"\.cell\.{slug} div\{{border-style:{border}\}}", css)
    for word, mark in (("clean", "●"), ("seen", "■"), ("same source", "◐"), ("unknown", "?")):
        assert f'<i>{mark}</i><span class="full">{word}</span>' in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_page_scrolls_sideways_and_no_numbers_overlap(tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        missing("browser: make browser")
    made = {"full": full(), "minimal": minimal(), "many": large(6, 10), "crowd": large(5, 16), "few": few()}
    frames = ""
    for name, result in made.items():
        picture = base64.b64decode(png_uri(np.zeros((40, 60, 3), np.uint8)).partition(",")[2])
        held = {(row["model"], row["dataset"], row["image"]): picture for row in result.get("examples", [])}
        (tmp_path / f"{name}.html").write_text(matrix_page(result, held))
        frames += f'<iframe src="{name}.html" style="width:{width}px;height:900px;border:0"></iframe>'
    # A window cannot be narrower than 500 pixels; a frame can. Texts of one row or cell may not lie over each other.
    script = """
    onload = () => {
      const told = [];
      for (const frame of document.querySelectorAll("iframe")) {
        const page = frame.contentDocument, root = page.documentElement;
        const over = [];
        for (const row of page.querySelectorAll("tr, .ticks, .cell div")) {
          const parts = [...row.children].filter(
            c => c.textContent.trim() && !c.matches(".plot, .sr") && getComputedStyle(c).display !== "none");
          const boxes = parts.map(c => {
            const range = page.createRange(); range.selectNodeContents(c);
            if (row.matches(".ticks") || c.matches(".cell, [scope]")) return c.getBoundingClientRect();
            return range.getBoundingClientRect();
          }).filter(b => b.width > 0);
          boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
            const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (x > 1 && y > 3) over.push(row.textContent.trim().replace(/\\s+/g, " ").slice(0, 60));
          }));
        }
        told.push([page.URL.split("/").pop(), root.scrollWidth, root.clientWidth, over.join(" / ")].join("|"));
      }
      document.body.dataset.sizes = told.join(";;");
    }"""
    (tmp_path / "frames.html").write_text(f"<body>{frames}<script>{script}</script>")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=9000"
    )
    shown = subprocess.run(
        [
            browser,
            *flags.split(),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            (tmp_path / "frames.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    sizes = re.search(r'data-sizes="([^"]+)"', shown).group(1).split(";;")
    assert len(sizes) == len(made)
    for line in sizes:
        name, scroll, client, over = line.split("|")
        assert int(client) <= width
        assert int(scroll) <= int(client), name
        assert not over, name
