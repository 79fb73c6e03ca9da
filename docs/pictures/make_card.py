"""Make the picture of a card from simulated data, photographed by a browser: ``python docs/pictures/make_card.py``.

Needs Chromium or Chrome.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from micrographia import metadata
from micrographia.cli import main as micrographia
from micrographia.simulation import (
    CHANNELS,
    Camera,
    Cells,
    Optics,
    Plate,
    Treatment,
    phenotype,
    simulate_dataset,
)

HERE = Path(__file__).parent
SIZE = (1160, 1440)
DESCRIPTION = {
    "study.title": "Nuclei in simulated cells of kidney, with their true outlines",
    "study.description": (
        "Fields of simulated cells in three fluorescence channels, with the true outline of every nucleus. Made to "
        "show what a dataset card looks like. Please cite the program if you use them."
    ),
    "study.keywords": ["nucleus", "fluorescence", "instance segmentation", "simulation"],
    "study.license": "CC0-1.0",
    "study.funding_statement": "None: the images were computed.",
    "study.authors": [
        {"author_last_name": "The Micrographia developers", "role": ["software", "data curation"]}
    ],
    "biosamples": [
        {
            "organism": {"scientific_name": "Homo sapiens", "ncbi_taxon": "NCBITaxon:9606"},
            "biological_entity": "simulated epithelial cells of the kidney",
        }
    ],
    "specimens": [{"sample_preparation": "None: the cells were computed, nothing was fixed or stained"}],
    "image_acquisitions": [
        {
            "imaging_method": {"value": "confocal microscopy", "ontology_id": "FBbi:00000251"},
            "imaging_instrument": "simulated microscope with a 40x/0.95 objective",
            "image_acquisition_parameters": "0.22 micrometer a pixel, Poisson noise, 16 bit camera",
        }
    ],
    "annotations[0].annotation_overview": "The outline of every nucleus, known because it was simulated",
    "annotations[0].annotation_method": "Written by the simulation together with the image",
    "annotations[0].annotation_confidence_level": "exact",
    "annotations[0].annotation_criteria": "Every nucleus in the field, also those cut by its edge",
    "annotations[0].transformations": "none",
    "annotations[0].spatial_information": "masks have the pixel grid of their images",
    "annotations[0].annotation_completion_time": "2024-03-11",
    "annotations[0].authors": [{"author_last_name": "The Micrographia developers"}],
    "annotations[0].target": {
        "object": "nucleus",
        "boundary": "the edge of the simulated nucleus before blur",
        "touching": "touching nuclei have their own labels, without a gap",
        "cut_by_border": "labelled as far as they are in the field",
        "out_of_focus": "labelled",
    },
}


def run(*arguments: str | Path) -> None:
    """Run a command and stop if it fails."""
    if micrographia([str(argument) for argument in arguments]):
        raise SystemExit(f"{arguments[0]} failed")


def dataset(folder: Path) -> Path:
    """Simulate, describe and convert a small dataset; return its card."""
    drug = Treatment("nocodazole", (phenotype("rounded_cells"),), doses=(0.5, 1.0), wells=2)
    lab = folder / "kidney"
    simulate_dataset(
        lab,
        seed=11,
        images=8,
        shape=(330, 440),
        plate=Plate(rows=2, columns=4, treatments=(drug,)),
        channels=CHANNELS,
        cells=Cells(density=0.19, touching=0.25),
        optics=Optics(pixel_size=0.22, background=4),
        camera=Camera(quantum_efficiency=0.9, read_noise=0.5, gain=2.0),
    )
    arguments = ["--group", "well=treatments.csv:well", "--split", "treatments.csv:split"]
    run("describe", lab, *arguments)
    metadata.update(lab / "mifa.yaml", DESCRIPTION)
    out = folder / "kidney.mifa"
    run("convert", lab, out)
    run("card", out, "--pictures", "8")
    return out / "card.html"


def photograph(page: Path, picture: Path) -> None:
    """Write what a browser shows of a page."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={picture}", page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as temporary:
        shot = Path(temporary) / "shot.png"
        photograph(dataset(Path(temporary)), shot)
        with Image.open(shot) as image:
            few = image.convert("RGB").quantize(
                104, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE
            )
        few.save(HERE / "card.png", optimize=True)
    size = (HERE / "card.png").stat().st_size
    print(f"card.png: {few.width} x {few.height}, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
