"""Datasets for the tests of the catalogue: few, small, each with what a question can tell it by."""

import random
from pathlib import Path

from micrographia.catalogue import Entry, ImageEntry, Passed, SetEntry, Store, add_entries

Listed = tuple[Entry, list[ImageEntry]]

SPECIES = ("Homo sapiens", "Mus musculus", "Danio rerio", "Drosophila melanogaster", "Arabidopsis thaliana")
METHODS = ("fluorescence microscopy", "confocal microscopy", "SPIM", "phase contrast microscopy")
TYPES = ("segmentation_mask", "bounding_boxes", "tracks")
TARGETS = ("nuclei", "nucleus", "mitochondria", "cell membranes", "axons")
LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "")
WORDS = "treated control dose plate imaged stained segmented segmentation annotated of the in mice light sheet".split()


def listed(number: int) -> Listed:
    """Return one dataset with its images."""
    draw = random.Random(number)
    target, species, method = draw.choice(TARGETS), draw.choice(SPECIES), draw.choice(METHODS)
    licence, kind = draw.choice(LICENCES), draw.choice(TYPES)
    size = draw.choice((0.065, 0.1, 0.325, 0.5, 1.0))
    images = [
        ImageEntry(
            f"image_{at:02d}",
            f"images/{at}.tif",
            split=("train", "test")[at % 2] if number % 3 == 0 else "",
            size=1000 + at,
            dtype="uint16",
            shape={"y": 64 * (1 + at), "x": 128},
            voxel={"y": size, "x": size},
            groups={"plate": f"p{at % 2}"},
            channels=("DAPI",),
        )
        for at in range(draw.randrange(1, 6))
    ]
    entry = Entry(
        id=f"S-SYN{number}",
        place=f"https://example.org/S-SYN{number}",
        kind="address",
        source="BioImage Archive",
        title=f"{target.capitalize()} of {species} by {method}",
        description=" ".join(draw.choice(WORDS) for _ in range(draw.randrange(4, 24))),
        keywords=(target, draw.choice(WORDS)),
        authors=("Robert Hooke",),
        organisms=(species,),
        entities=(f"{target} in culture",),
        methods=(method,),
        types=(kind,),
        sets=(SetEntry(target, f"{target} outlined", (kind,), "by hand", target, (target,), licence),),
        licence=licence,
        licences=(licence,) if licence else (),
        commercial=("NC" not in licence) if licence else None,
        derivatives=True if licence else None,
        share_alike=("SA" in licence) if licence else None,
        images=len(images),
        objects=draw.choice((None, 10, 1000)),
        size=sum(image.size for image in images),
        dims=("2D",),
        axes=("YX",),
        dtypes=("uint16",),
        voxel={"y": (size, size), "x": (size, size)},
        sides=(64, 64 * len(images)),
        channels=("DAPI",),
        roles=("nucleus" if target.startswith("nucle") else "actin",),
        splits=tuple(sorted({image.split for image in images if image.split})),
        groups=("plate",),
        accession=f"S-SYN{number}",
        doi=f"https://doi.org/10.5281/zenodo.{number}",
        date=f"{2015 + number % 9}-01-01",
        content_sha256=f"{number:064x}",
        scores={letter: Passed(draw.randrange(11), 10) for letter in "MIFA"},
        lacks=("M007",),
        citation=f"Robert Hooke. {target}",
    )
    return entry, images


def catalogue(path: Path, count: int = 60) -> Path:
    """Make a catalogue of some datasets, and return its file."""
    with Store(path, write=True) as store:
        add_entries(store, (listed(number) for number in range(count)))
    return path
