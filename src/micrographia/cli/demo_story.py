"""What the demonstration knows: the defects that it plants, the rules that find them, and what a lab would write."""

from __future__ import annotations

from typing import Any

PLANTED: dict[str, tuple[str, ...]] = {
    "mask_0_255": ("P004",),
    "mask_of_other_shape": ("F003",),
    "empty_mask": ("P010",),
    "same_pixels_in_train_and_test": ("S002", "S001", "S008", "L022"),
    "wrong_voxel_size": ("F010",),
    "saturated_image": ("P006",),
}
"""Defect of the simulation to the codes of the rules that must find it."""

WRITTEN = {
    "annotations[0].annotation_type": (
        "Segmentation masks",
        "M003",
        "a type that is no word of the MIFA vocabulary",
    ),
}
"""Defect in the description: field to what is written, the rule that must find it, and what it is."""

DESCRIPTION: dict[str, Any] = {
    "study.title": "Simulated fluorescence images of nuclei with known outlines",
    "study.description": (
        "Fields of simulated nuclei in one fluorescence channel, with the true outline of every nucleus, made to show "
        "what Micrographia does. Please cite the program if you use them."
    ),
    "study.keywords": ["nucleus", "fluorescence", "instance segmentation", "simulation"],
    "study.license": "CC0-1.0",
    "study.funding_statement": "None: the images were computed.",
    "study.authors": [
        {
            "author_first_name": "Micrographia",
            "author_last_name": "developers",
            "role": ["software", "data curation"],
        }
    ],
    "biosamples": [
        {
            "organism": {"scientific_name": "Homo sapiens", "ncbi_taxon": "NCBITaxon:9606"},
            "biological_entity": "simulated nuclei of cultured cells",
        }
    ],
    "specimens": [
        {
            "sample_preparation": "None: the nuclei were computed, nothing was fixed or stained",
            "growth_protocol": "None: the nuclei were computed, nothing grew",
        }
    ],
    "image_acquisitions": [
        {
            "imaging_method": {
                "value": "wide-field fluorescence microscopy",
                "ontology_name": "FBbi",
                "ontology_id": "FBbi:00000246",
            },
            "imaging_instrument": "simulated microscope with a 20x/0.8 objective",
            "image_acquisition_parameters": "0.325 micrometer a pixel, Poisson noise, 16 bit camera",
        }
    ],
}

ANNOTATION: dict[str, Any] = {
    "annotation_overview": "The outline of every nucleus, known because the nuclei were simulated",
    "annotation_method": "Written by the simulation together with the image",
    "annotation_confidence_level": "exact",
    "annotation_criteria": "Every nucleus in the field, also those cut by its edge",
    "source_image_association": "masks/NAME.tif belongs to images/NAME.tif",
    "transformations": "none",
    "spatial_information": "masks have the pixel grid of their images",
    "annotation_completion_time": "2024-03-11",
    "authors": [{"author_first_name": "Micrographia", "author_last_name": "developers"}],
    "target": {
        "object": "nucleus",
        "boundary": "the edge of the simulated nucleus before blur",
        "touching": "touching nuclei have their own labels, without a gap",
        "cut_by_border": "labelled as far as they are in the field",
        "out_of_focus": "labelled",
    },
}

WAIVERS = [
    {"code": "I001", "reason": "the demonstration has no paper"},
    {"code": "I003", "reason": "the authors are a group, which has no ORCID iD"},
]
"""What the demonstration cannot have, said openly as a lab would."""
