"""Synthetic datasets for the benchmark of the catalogue: drawn from the vocabularies, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from micrographia.catalogue import Entry, ImageEntry, Passed, SetEntry
from micrographia.loading.roles_vocabulary import ROLES
from micrographia.metadata import AnnotationType, imaging_methods, organisms

_SAMPLES = """liver kidney lung retina embryo brain slice|organoid|root tip|biofilm|HeLa cells|U2OS cells|HaCaT cells|
wing disc|oocyte|spheroid|tissue microarray|bone marrow smear|neurons in culture|intestine|zebrafish larva|pollen|
muscle fibres|skin biopsy|macrophages|colony|sporangium""".replace("\n", "").split("|")
_TARGETS = """nuclei|cells|mitochondria|cell membranes|axons|vesicles|bacteria|chromosomes|spindles|lipid droplets|
glands|plaques|filaments|synapses|cilia|vacuoles|nucleoli|tumour regions""".replace("\n", "").split("|")
_STAINS = "DAPI Hoechst phalloidin tubulin WGA GFP lamin MitoTracker calcein haematoxylin".split()
_VERBS = "segmentation detection tracking counting classification morphology dynamics response".split()
_WAYS = (
    "Outlined by hand by two annotators",
    "Predicted by a model and corrected by experts",
    "Thresholded, then split by a watershed",
    "Drawn by one annotator in napari",
)
_LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "CC-BY-NC-ND-4.0", "")
_FILLER = """treated untreated control wild type mutant dose time point replicate plate well field of view objective
exposure stack slice fixed living cultured imaged stained acquired laser camera background contrast resolution high low
large small annotated validated released deposited analysis pipeline screening drug compound gene knockout expression
protein marker antibody signal intensity texture shape size density growth division migration development""".split()


def plain_record(number: int, seed: int = 0) -> dict[str, Any]:
    """Return one description as ``mifa.yaml`` holds it."""
    draw = random.Random(f"{seed}/{number}")  # noqa: S311
    species = draw.choices(organisms(), [1 / (at + 1) for at in range(len(organisms()))])[0]
    method = draw.choices(imaging_methods(), [1 / (at % 17 + 1) for at in range(len(imaging_methods()))])[0]
    target, sample, verb = draw.choice(_TARGETS), draw.choice(_SAMPLES), draw.choice(_VERBS)
    kind = draw.choices([str(one) for one in AnnotationType], [2, 4, 1, 1, 2, 1, 3, 20, 3, 1, 1])[0]
    stain = draw.choice(_STAINS)
    words = " ".join(draw.choice(_FILLER) for _ in range(draw.randrange(25, 90)))
    called = species.common_names[0] if species.common_names else species.scientific_name
    title = f"{verb.capitalize()} of {target} in {sample} of {called}"
    licence = draw.choice(_LICENCES)
    return {
        "study": {
            "title": f"{title}, {method.name}",
            "description": f"{method.name} of {sample}, {stain} marks {target}. {words}.",
            "keywords": draw.sample([target, sample, verb, stain, method.name, species.scientific_name], 4),
            "accession": f"S-SYN{number}",
            "release_date": f"{draw.randrange(2012, 2027)}-{draw.randrange(1, 13):02d}-01",
            "authors": [
                {"author_last_name": f"Author {draw.randrange(9000)}"} for _ in range(draw.randrange(1, 7))
            ],
            **({"license": licence} if licence else {}),
        },
        "biosamples": [
            {"organism": {"scientific_name": species.scientific_name}, "biological_entity": sample}
        ],
        "specimens": [{"sample_preparation": f"stained with {stain}"}],
        "image_acquisitions": [{"imaging_method": {"value": method.name, "ontology_id": method.fbbi}}],
        "annotations": [
            {
                "name": target,
                "annotation_overview": f"{target} as {kind.replace('_', ' ')}",
                "annotation_type": [kind],
                "annotation_method": draw.choice(_WAYS),
                "classes": [{"id": 1, "name": target}],
            }
        ],
        "voxel_size": {
            "y": (size := round(draw.lognormvariate(-1.5, 0.8), 3)),
            "x": size,
            "unit": "micrometer",
        },
    }


def entries(count: int, seed: int = 0) -> Iterator[tuple[Entry, list[ImageEntry]]]:
    """Yield datasets as an archive's list or another catalogue tells them, already in the form of the catalogue."""
    roles = list(ROLES)
    for number in range(count):
        plain = plain_record(number, seed)
        draw = random.Random(f"{seed}/{number}/more")  # noqa: S311
        study, (kind,) = plain["study"], plain["annotations"]
        licence, side = study.get("license", ""), plain["voxel_size"]["x"]
        judged = {letter: (draw.randrange(5, 41), 40) for letter in "MIFA"}
        entry = Entry(
            id=study["accession"],
            place=f"https://example.org/{study['accession']}",
            kind="address",
            source="BioImage Archive",
            title=study["title"],
            description=study["description"],
            keywords=tuple(study["keywords"]),
            authors=tuple(author["author_last_name"] for author in study["authors"]),
            organisms=(plain["biosamples"][0]["organism"]["scientific_name"],),
            entities=(plain["biosamples"][0]["biological_entity"],),
            methods=(plain["image_acquisitions"][0]["imaging_method"]["value"],),
            types=tuple(kind["annotation_type"]),
            sets=(
                SetEntry(
                    kind["name"],
                    kind["annotation_overview"],
                    tuple(kind["annotation_type"]),
                    kind["annotation_method"],
                ),
            ),
            licence=licence,
            licences=(licence,) if licence else (),
            commercial=None if not licence else "NC" not in licence,
            derivatives=None if not licence else "ND" not in licence,
            share_alike=None if not licence else "SA" in licence,
            images=draw.randrange(1, 5000),
            objects=draw.randrange(10, 10**6),
            size=draw.randrange(10**6, 10**11),
            dims=(draw.choice(("2D", "2D", "3D", "2D in time")),),
            axes=(draw.choice(("YX", "CYX", "ZYX", "TCYX")),),
            dtypes=(draw.choice(("uint8", "uint16", "float32")),),
            voxel={"y": (side, side), "x": (side, side)},
            roles=tuple(draw.sample(roles, draw.randrange(1, 4))),
            splits=("test", "train") if draw.random() < 0.4 else (),
            accession=study["accession"],
            date=study["release_date"],
            scores={letter: Passed(passed, of) for letter, (passed, of) in judged.items()},
        )
        yield entry, []
