import re
import shutil
import subprocess
from importlib.resources import files

import pytest

from conftest import missing
from micrographia.report.probe_index import probe_index
from micrographia.report.probe_page import probe_page
from probe_samples import few, full, many, minimal


def luminance(code):
    parts = [int(code[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def schemes():
    folder = files("micrographia.report").joinpath("templates")
    found = []
    for light, dark in (re.findall(r":root\{(--text[^}]*)\}", folder.joinpath("page.css").read_text()),):
        own, own_dark = re.findall(r":root\{(--blue[^}]*)\}", folder.joinpath("probe.css").read_text())
        found += [light + ";" + own, light + ";" + own + ";" + dark + ";" + own_dark]
    return [
        {
            name: code if len(code) == 6 else "".join(2 * c for c in code)
            for name, code in re.findall(r"--(\w+):#([0-9a-f]+)", scheme)
        }
        for scheme in found
    ]


def test_marks_and_numbers_have_contrast_in_both_schemes():
    light, dark = schemes()
    for colours in (light, dark):
        for mark in ("accent", "soft", "text"):
            assert contrast(colours[mark], colours["back"]) >= 4.5
        # Neighbouring parts of a stacked bar are told apart without their hue.
        assert contrast(colours["blue"], colours["orange"]) >= 1.4
        assert contrast(colours["orange"], colours["rest"]) >= 1.25
    for dim in (light["blue"], light["red"]):
        assert contrast(dim, light["back"]) >= 3


def test_the_number_in_a_heat_map_can_be_read():
    size = 9
    values = [
        [-1 + 2 * (row * size + column) / (size * size - 1) for column in range(size)] for row in range(size)
    ]
    tau = {"settings": [f"s{n}" for n in range(size)], "tau": values, "orders": []}
    page = probe_page(minimal() | {"rank_stability": tau})
    pairs = re.findall(r'fill="#([0-9a-f]{6})"/><text [^>]*fill="#(\w+)"', page)
    assert len(pairs) == size * size
    for back, ink in pairs:
        assert contrast(back, "".join(2 * c for c in ink)) >= 4.5


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_page_scrolls_sideways_and_no_numbers_overlap(tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        missing("browser: make browser")
    made = {"full": full(), "minimal": minimal(), "many": many(14), "few": few()}
    pages = {name: probe_page(result) for name, result in made.items()}
    pages["index"] = probe_index([("full.html", made["full"]), ("", made["few"])])
    frames = ""
    for name, page in pages.items():
        (tmp_path / f"{name}.html").write_text(page)
        frames += f'<iframe src="{name}.html" style="width:{width}px;height:900px;border:0"></iframe>'
    # A window cannot be narrower than 500 pixels; a frame can. Texts of one row may not lie over each other.
    script = """
    onload = () => {
      const told = [];
      for (const frame of document.querySelectorAll("iframe")) {
        const page = frame.contentDocument, root = page.documentElement;
        let over = 0;
        for (const row of page.querySelectorAll("tr, .told, .ticks")) {
          const cells = [...row.children].filter(c => c.textContent.trim() && !c.matches(".plot"));
          const boxes = cells.map(c => {
            const range = page.createRange(); range.selectNodeContents(c);
            return row.matches(".ticks") ? c.getBoundingClientRect() : range.getBoundingClientRect();
          }).filter(b => b.width > 0);
          boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
            const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (x > 1 && y > 3) over += 1;
          }));
        }
        told.push([page.URL.split("/").pop(), root.scrollWidth, root.clientWidth, over].join(" "));
      }
      document.body.dataset.sizes = told.join(";");
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
    sizes = re.search(r'data-sizes="([^"]+)"', shown).group(1).split(";")
    assert len(sizes) == len(pages)
    for line in sizes:
        name, scroll, client, over = line.split()
        assert int(client) <= width
        assert int(scroll) <= int(client), name
        assert int(over) == 0, name
