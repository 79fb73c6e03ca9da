"""Make the picture of a credit page from simulated data: ``python docs/pictures/make_credit.py``.

The models and their scores are made up. Needs Chromium or Chrome.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from micrographia import metadata
from micrographia.cli import main as micrographia
from micrographia.cli.demo_story import ANNOTATION, DESCRIPTION
from micrographia.dataset import open_dataset
from micrographia.segmentation.training.citation import cite
from micrographia.segmentation.training.usage import usage_record, write_record
from micrographia.simulation import simulate_dataset

HERE = Path(__file__).parent
SIZE = (1160, 1000)
HOOKE = {
    "author_first_name": "Robert",
    "author_last_name": "Hooke",
    "orcid_id": "https://orcid.org/0000-0002-1825-0097",
    "role": ["data curation", "investigation", "data annotation"],
}
EVALUATION = "evaluation of instance segmentation"
USES = (
    (
        "unet-small",
        "instance segmentation: training",
        "2026-01-03",
        (0.912, None, None),
        "2 validation images",
        "",
    ),
    ("unet-small", EVALUATION, "2026-02-03", (0.871, 0.832, 0.904), "4 images of kidney", "seen"),
    ("unet-large", EVALUATION, "2026-02-03", (0.843, 0.801, 0.880), "4 images of kidney", "clean"),
    ("watershed", EVALUATION, "2026-02-04", (0.602, 0.550, 0.660), "2 images of kidney", "clean"),
)


def page(folder: Path) -> Path:
    """Simulate and describe a small dataset, leave usage records, and return the page."""
    lab = folder / "kidney"
    simulate_dataset(lab, images=4, shape=(128, 160), seed=3)
    micrographia(["describe", str(lab)])
    values = DESCRIPTION | {f"annotations[0].{name}": value for name, value in ANNOTATION.items()}
    values |= {"study.release_date": "2024-11-26", "study.authors": [HOOKE]}
    metadata.update(lab / "mifa.yaml", values)
    cited = cite(open_dataset(lab), "masks")
    for name, task, day, (value, low, high), on, seen in USES:
        score = {"name": "f1", "value": value, "low": low, "high": high, "on": on, "seen": seen}
        part = {**cited, "content_sha256": "0" * 64} if name == "watershed" else cited
        model = {"name": name, "version": "1", "sha256": hashlib.sha256(name.encode()).hexdigest()}
        write_record(folder / "usage", usage_record(part, model, task, score, day))
    out = folder / "credit.html"
    micrographia(["credit", str(lab), "--usage", str(folder / "usage"), "--out", str(out)])
    return out


def main() -> None:
    """Make the picture."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as temporary:
        shot = Path(temporary) / "shot.png"
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={shot}", page(Path(temporary)).as_uri(),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        with Image.open(shot) as image:
            few = image.convert("RGB").quantize(48, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(HERE / "credit.png", optimize=True)


if __name__ == "__main__":
    main()
