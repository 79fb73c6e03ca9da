"""Make the picture of the README from simulated data alone: ``python docs/pictures/make_hero.py``.

Left what a laboratory has, with the true contours; right the four commands. The card is white with rounded corners on
nothing, so it stands on a light page and on a dark one.
"""

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from composing import composite, enlarged, limits, outlined
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle
from PIL import Image, ImageDraw

from micrographia.simulation import CHANNELS, DNA, Camera, Cells, Optics, simulate_field, simulate_histology
from micrographia.simulation.histology import TISSUE

mpl.use("Agg")
HERE = Path(__file__).parent
WIDTH, HEIGHT, RADIUS, MARGIN, GAP = 1600, 640, 22, 36, 8
INK, GREY, LINE, ACCENT, PALE = "#1b1f24", "#59636e", "#d5dbe1", "#0b6e75", "#e6f1f1"
STEPS = (
    ("describe", "kidney/", "pairs images with masks, writes what is known"),
    ("check", "kidney/ --pixels", "names every defect, its file and its remedy"),
    ("convert", "kidney/ kidney.mifa/", "OME-Zarr with labels, every pixel read back equal"),
    ("card", "kidney.mifa/", "one page that shows the dataset to anyone"),
)
STILL = Camera(quantum_efficiency=0.9, read_noise=0.5, gain=2.0)
"""A camera with little noise of its own: a picture of a page is small."""
LEFT = 896
"""Where the commands begin, in pixels."""


def pictures() -> list[tuple[int, int, np.ndarray]]:
    """Return pictures with their left and upper corner; one pixel of an image is one of the page."""
    tall, wide, side = HEIGHT - 2 * MARGIN, 508, 300
    main = simulate_field(
        (tall, wide),
        seed=47,
        cells=Cells(density=0.19, touching=0.25),
        optics=Optics(pixel_size=0.165, background=4),
        camera=STILL,
    )
    colour = outlined(composite(main.image, CHANNELS, limits(main.image, 12, 99.8)), main.labels["nuclei"])

    third = (tall - 2 * GAP) // 3
    crowd = simulate_field(
        (third, side),
        seed=5,
        cells=Cells(density=0.22, touching=0.6),
        channels=(DNA,),
        optics=Optics(pixel_size=0.21, background=4),
        camera=STILL,
    )
    bright = np.clip((crowd.image[0] - 112.0) / limits(crowd.image, 1, 99.9)[0][1], 0, 1) ** 0.8 * 255
    grey = outlined(np.repeat(bright.astype(np.uint8)[..., None], 3, 2), crowd.labels["nuclei"])

    thin = Optics(pixel_size=0.25, background=0, out_of_focus=0.05, vignetting=0.04, unevenness=0.02)
    section = simulate_histology(
        (third, side), seed=4, cells=replace(TISSUE, nucleus_radius=4.3), optics=thin
    )
    stained = outlined(section.image.transpose(1, 2, 0), section.labels["nuclei"])

    lens = Optics(
        numerical_aperture=1.2, refractive_index=1.33, pixel_size=0.125, z_step=0.25, out_of_focus=0.15
    )
    packed = Cells(density=0.22, flatness=0.8, touching=0.3)
    stack = simulate_field((96, 120, side), seed=2, cells=packed, optics=lens, camera=STILL)
    cut = composite(stack.image[:, :, 60], CHANNELS, limits(stack.image[:, :, 60], 6, 99.7))
    deep = outlined(enlarged(cut, 2, 1)[:third], enlarged(stack.labels["nuclei"][:, 60], 2, 1)[:third])

    right = MARGIN + wide + GAP
    step = third + GAP
    small = [(right, MARGIN + index * step, picture) for index, picture in enumerate((grey, stained, deep))]
    return [(MARGIN, MARGIN, colour), *small]


def icon(axes: Axes, name: str, x: float, y: float) -> None:
    """Draw what a step makes, in a disc around (x, y)."""
    line = {"edgecolor": ACCENT, "facecolor": "none", "linewidth": 2.2, "joinstyle": "round"}
    axes.add_patch(Circle((x, y), 36, facecolor=PALE, edgecolor="none"))
    if name == "describe":
        outline = [(-17, 13), (-17, -12), (-6, -12), (-2, -7), (17, -7), (17, 13)]
        axes.add_patch(Polygon([(x + a, y + b) for a, b in outline], **line))
        for row in (0, 6):
            axes.plot([x - 10, x + 10], [y + row, y + row], color=ACCENT, linewidth=2)
    elif name == "check":
        for row, mended in ((-11, True), (0, True), (11, False)):
            mark = ([-16, -13, -8], [0, 3, -4]) if mended else ([-15, -9], [0, 0])
            axes.plot(x + np.array(mark[0]), y + row + np.array(mark[1]), color=ACCENT, linewidth=2.2)
            axes.plot([x - 2, x + 16], [y + row, y + row], color=ACCENT, linewidth=2)
    elif name == "convert":
        axes.add_patch(Rectangle((x - 15, y - 15), 30, 30, **line))
        for part in (-5, 5):
            axes.plot([x + part, x + part], [y - 15, y + 15], color=ACCENT, linewidth=1.6)
            axes.plot([x - 15, x + 15], [y + part, y + part], color=ACCENT, linewidth=1.6)
        axes.add_patch(Rectangle((x - 5, y - 5), 10, 10, facecolor=ACCENT, edgecolor="none"))
    else:
        axes.add_patch(
            FancyBboxPatch((x - 12, y - 17), 24, 34, boxstyle="round,pad=0,rounding_size=3", **line)
        )
        axes.add_patch(Rectangle((x - 7, y - 11), 14, 10, facecolor=ACCENT, edgecolor="none"))
        for row in (5, 10):
            axes.plot([x - 7, x + 7], [y + row, y + row], color=ACCENT, linewidth=2)


def words() -> np.ndarray:
    """Draw everything that is not a picture; return (Y, X, 4) uint8 on nothing."""
    figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    first, step = 112, 138
    x = LEFT + 36
    axes.plot([x, x], [first, first + 3 * step], color=LINE, linewidth=2.4, solid_capstyle="round", zorder=0)
    for index, (command, arguments, meaning) in enumerate(STEPS):
        y = first + index * step
        icon(axes, command, x, y)
        start = x + 66
        axes.text(
            start,
            y - 6,
            command,
            fontsize=25,
            color=INK,
            weight="bold",
            va="baseline",
            family="DejaVu Sans Mono",
        )
        offset = start + (len(command) + 1) * 20.95
        axes.text(
            offset, y - 6, arguments, fontsize=18, color=ACCENT, va="baseline", family="DejaVu Sans Mono"
        )
        axes.text(start, y + 28, meaning, fontsize=15.5, color=GREY, va="baseline", family="DejaVu Sans")
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba()).copy()  # type: ignore[attr-defined]
    plt.close(figure)
    return drawn


def rounded(size: tuple[int, int], radius: int) -> Image.Image:
    """Return a mask of a rectangle with smooth round corners."""
    scale = 4
    mask = Image.new("L", (size[0] * scale, size[1] * scale), 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, size[0] * scale - 1, size[1] * scale - 1), radius * scale, fill=255
    )
    return mask.resize(size, Image.Resampling.LANCZOS)


def save(page: Image.Image, shape: Image.Image, path: Path) -> None:
    """Write a PNG with a palette in which the corners are transparent by eighths."""
    levels, colors = 8, 200
    small = page.quantize(colors, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    palette = small.getpalette("RGB") or []
    palette = palette[: 3 * colors] + [213, 219, 225] * levels
    alpha = np.asarray(shape)
    pixels = np.asarray(small).copy()
    corner = alpha < 255
    pixels[corner] = colors + alpha[corner] // (256 // levels)
    image = Image.frombytes("P", page.size, pixels.tobytes())
    image.putpalette(palette)
    opacity = bytes([255] * colors + [round(255 * index / (levels - 1)) for index in range(levels)])
    image.save(path, optimize=True, transparency=opacity)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Compose the card."""
    shape = rounded((WIDTH, HEIGHT), RADIUS)
    page = Image.new("RGB", (WIDTH, HEIGHT), LINE)
    inner = rounded((WIDTH - 4, HEIGHT - 4), RADIUS - 2)
    page.paste(Image.new("RGB", inner.size, "white"), (2, 2), inner)
    for x, y, picture in pictures():
        image = Image.fromarray(picture)
        page.paste(image, (x, y), rounded(image.size, 10))
    drawn = Image.fromarray(words())
    page.paste(drawn, (0, 0), drawn)
    save(page, shape, HERE / "hero.png")


if __name__ == "__main__":
    main()
