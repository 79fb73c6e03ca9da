"""Colour composites, contours and sheets of simulated images, shared by the scripts that make the pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from micrographia.simulation import Channel

TRUTH = (255, 230, 0)


def composite(
    image: np.ndarray, channels: Sequence[Channel], limits: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Add the channels (C, Y, X) in their colours between display limits; return (Y, X, 3) uint8."""
    total = np.zeros((*image.shape[1:], 3))
    for plane, channel, (low, high) in zip(image.astype(float), channels, limits, strict=True):
        color = np.array([int(channel.color[index : index + 2], 16) for index in (0, 2, 4)])
        total += np.clip((plane - low) / (high - low), 0, 1)[..., None] ** 0.85 * color
    return np.clip(total, 0, 255).astype(np.uint8)


def limits(image: np.ndarray, low: float = 1, high: float = 99.7) -> list[tuple[float, float]]:
    """Return display limits for every channel (C first) by percentiles."""
    flat = image.reshape(len(image), -1)
    return [(float(a), float(b)) for a, b in zip(*np.percentile(flat, [low, high], axis=1), strict=True)]


def outlined(picture: np.ndarray, labels: np.ndarray, color: tuple[int, int, int] = TRUTH) -> np.ndarray:
    """Draw the contours of labels one pixel wide, inside the objects."""
    padded = np.pad(labels, 1, mode="edge")
    here = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    edge = (here > 0) & np.any([here != other for other in neighbours], axis=0)
    drawn = picture.copy()
    drawn[edge] = color
    return drawn


def enlarged(picture: np.ndarray, rows: int, columns: int | None = None) -> np.ndarray:
    """Repeat pixels."""
    return picture.repeat(rows, 0).repeat(columns or rows, 1)


def sheet(rows: Sequence[Sequence[np.ndarray]], gap: int = 3, shade: int = 255) -> np.ndarray:
    """Put pictures of equal size into a table."""
    height, width = rows[0][0].shape[:2]
    wide = max(len(row) for row in rows)
    page = np.full((len(rows) * (height + gap) - gap, wide * (width + gap) - gap, 3), shade, np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            page[r * (height + gap) :, c * (width + gap) :][:height, :width] = picture
    return page


def labelled(picture: np.ndarray, left: Sequence[str], top: Sequence[str], margin: int = 190) -> Image.Image:
    """Put names left of the rows and above the columns of a sheet, on white."""
    from matplotlib import font_manager

    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 15)
    head = 26 if top else 0
    page = Image.new("RGB", (picture.shape[1] + margin, picture.shape[0] + head), "white")
    page.paste(Image.fromarray(picture), (margin, head))
    draw = ImageDraw.Draw(page)
    for index, text in enumerate(left):
        y = head + (index + 0.5) * picture.shape[0] / len(left)
        draw.text((margin - 10, y), text, fill="#1b1f24", font=font, anchor="rm")
    for index, text in enumerate(top):
        draw.text(
            (margin + (index + 0.5) * picture.shape[1] / len(top), 12),
            text,
            fill="#1b1f24",
            font=font,
            anchor="mm",
        )
    return page


def save(picture: np.ndarray | Image.Image, path: Path) -> None:
    """Write a WebP, which keeps contours of one pixel at a fraction of a PNG's size."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(path, quality=78, method=6)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB")
