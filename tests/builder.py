"""A small valid dataset for tests, and the means to plant a defect in it.

The dataset passes every rule. A test changes one thing and looks at what the rules say::

    builder = Builder(tmp_path)
    builder.remove("study.title")
    compute_check("M001", builder.write())
"""

import copy
import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image as Picture

from micrographia.dataset.identity import file_checksum

Array = npt.NDArray[Any]

SIZE = 96
VOXEL = 0.325
SPLITS = ("train", "train", "test", "test", "train", "train", "validation", "validation")
COLUMNS = (
    "Files", "member", "image", "role", "channel", "annotation set", "annotation type", "source image", "split",
    "group:slide", "size", "sha256",
)  # fmt: skip

AUTHOR = {  # the author of the first Micrographia, with the example of an ORCID iD
    "author_first_name": "Robert",
    "author_last_name": "Hooke",
    "orcid_id": "https://orcid.org/0000-0002-1825-0097",
    "role": ["data acquisition", "data annotation"],
    "organisation": [{"organisation_name": "Brown University", "ror_id": "https://ror.org/05gq02987"}],
}

MIFA: dict[str, Any] = {
    "micrographia_format": 1,
    "study": {
        "title": "Nuclei of cultured human cells stained with DAPI, every nucleus outlined by hand",
        "description": "Fluorescence images of DAPI-stained HeLa nuclei from four slides, taken at 20x on a wide-field "
        "microscope. Every nucleus in every field was outlined by hand by one annotator and corrected by a second, to "
        "train and benchmark instance segmentation. If you use these data, please cite the publication below.",
        "keywords": ["nucleus", "fluorescence", "instance segmentation"],
        "license": "CC0-1.0",
        "funding_statement": "The work was paid for by the chair of psychoceramics, grant PC-1929.",
        "ai_models_trained": ["https://doi.org/10.5281/zenodo.1234567"],
        "acknowledgements": "We thank the microscopy room for its patience.",
        "publications": [
            {
                "publication_title": "Outlining every nucleus",
                "publication_authors": "Hooke J",
                "publication_doi": "https://doi.org/10.1038/s41592-025-02835-8",
                "publication_year": "2025",
            }
        ],
        "authors": [copy.deepcopy(AUTHOR)],
        "grants": [{"grant_id": "PC-1929", "funder": "Brown University"}],
        "links": [
            {
                "link_url": "https://www.ebi.ac.uk/biostudies/studies/S-BIAD000",
                "link_description": "The archive's copy",
            }
        ],
    },
    "versions": [{"version": "1.0", "timestamp": "2024-03-01", "changes": "First release"}],
    "study_components": [
        {"name": "DAPI fields", "description": "One field of view an image, DAPI channel only"}
    ],
    "biosamples": [
        {
            "organism": {
                "scientific_name": "Homo sapiens",
                "ncbi_taxon": "NCBITaxon:9606",
                "common_name": "human",
            },
            "biological_entity": "HeLa cell line, nuclei",
        }
    ],
    "specimens": [
        {
            "sample_preparation": "Fixed with 4% PFA for 10 min, stained with 1 ug/ml DAPI",
            "growth_protocol": "DMEM with 10% serum at 37 degrees, on glass",
        }
    ],
    "image_acquisitions": [
        {
            "imaging_method": {
                "value": "wide-field fluorescence microscopy",
                "ontology_name": "FBbi",
                "ontology_id": "FBbi:00000246",
            },
            "imaging_instrument": "Upright wide-field microscope, 20x/0.8 air objective, sCMOS camera",
            "image_acquisition_parameters": "Excitation 385 nm, emission 420 to 470 nm, 50 ms exposure",
        }
    ],
    "annotations": [
        {
            "name": "nuclei",
            "annotation_overview": "Outlines of all nuclei in all fields, as one instance mask an image",
            "annotation_type": ["segmentation_mask"],
            "annotation_method": "Outlined by hand in napari at full resolution by one annotator; a second corrected "
            "the outlines without seeing who had drawn them",
            "annotation_confidence_level": "Two annotators agree with a median IoU of 0.91 on ten images",
            "annotation_criteria": "Every DAPI-positive nucleus larger than 20 square micrometers; debris is left out",
            "annotation_coverage": {
                "annotated": 8,
                "total": 8,
                "unit": "images",
                "description": "all fields",
            },
            "source_image_association": "masks/NAME.png is the mask of images/NAME.tif",
            "transformations": "none: masks have the pixel grid of their images",
            "spatial_information": "the whole field of view of each image was annotated",
            "annotation_completion_time": "2024-02-15",
            "authors": [copy.deepcopy(AUTHOR)],
            "license": "CC0-1.0",
            "target": {
                "object": "nucleus, nuclear membrane included",
                "boundary": "the outermost DAPI-positive pixel",
                "touching": "touching nuclei are separate objects without a gap",
                "cut_by_border": "annotated, up to the border",
                "out_of_focus": "annotated where the outline can be seen",
            },
            "mask_kind": "instance",
            "classes": [{"id": 1, "name": "nucleus", "ontology_id": "GO:0005634"}],
        }
    ],
    "voxel_size": {"y": VOXEL, "x": VOXEL, "unit": "micrometer"},
    "waivers": [
        {"code": "F020", "reason": "The files are as the microscope wrote them; they are converted later"}
    ],
}


class Builder:
    """A dataset of eight 2D fields with instance masks, two fields a slide, split by slide.

    Parameters
    ----------
    root
        An empty folder, or one that does not exist.
    images
        Number of images: 1 to 8.

    Attributes
    ----------
    mifa
        What ``mifa.yaml`` will hold; change it at will.
    rows
        The rows of ``files.tsv``: column to cell. What is not there is empty, ``size`` and ``sha256`` are measured.
    columns
        The columns of ``files.tsv``; those that only rows name are added.
    edit
        Called with the lines of ``files.tsv`` before they are written, for defects that no row can have.
    """

    def __init__(self, root: Path, images: int = 8) -> None:
        self.root = root
        self.mifa = copy.deepcopy(MIFA)
        self.rows: list[dict[str, Any]] = []
        self.columns = list(COLUMNS)
        self.edit: Callable[[list[str]], object] | None = None
        self.ids = [f"field_{number:02d}" for number in range(1, images + 1)]
        for number, name in enumerate(self.ids):
            image, mask = field(number)
            self.put(f"images/{name}.tif", image)
            self.put(f"masks/{name}.png", mask)
            slide = f"slide-{number // 2}"
            self.add_row(
                f"images/{name}.tif", "image", image=name, split=SPLITS[number], **{"group:slide": slide}
            )
            self.add_row(
                f"masks/{name}.png",
                "annotation",
                **{"annotation set": "nuclei", "annotation type": "segmentation_mask", "source image": name},
            )
        self.set("annotations[0].annotation_coverage.annotated", images)
        self.set("annotations[0].annotation_coverage.total", images)

    def set(self, dotted: str, value: Any) -> None:
        """Set a field of ``mifa.yaml``: ``set("annotations[0].annotation_type", ["mask"])``."""
        held, key = self._holder(dotted)
        held[key] = copy.deepcopy(value)

    def remove(self, dotted: str) -> None:
        """Remove a field of ``mifa.yaml``."""
        held, key = self._holder(dotted)
        del held[key]

    def get(self, dotted: str) -> Any:
        """Return a field of ``mifa.yaml``."""
        held, key = self._holder(dotted)
        return held[key]

    def add_row(self, path: str, role: str, **cells: Any) -> dict[str, Any]:
        """Add a row to ``files.tsv``."""
        self.rows.append({"Files": path, "role": role, **cells})
        return self.rows[-1]

    def row(self, path: str) -> dict[str, Any]:
        """Return the row of a file, to be changed."""
        return next(row for row in self.rows if row["Files"] == path)

    def drop_row(self, path: str) -> None:
        """Take a file off the list."""
        self.rows.remove(self.row(path))

    def put(self, path: str, array: Array, **options: Any) -> Path:
        """Write an array as TIFF (with the voxel size, unless ``resolution`` says otherwise) or PNG."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix in (".png", ".jpg"):
            Picture.fromarray(array).save(target)
        else:
            step = 1 / VOXEL
            imagej = {"imagej": True, "resolution": (step, step), "metadata": {"unit": "um"}}
            tifffile.imwrite(target, array, **(options or imagej))
        return target

    def put_zarr(self, image: str, **options: Any) -> Path:
        """Make an image and its mask one OME-Zarr, as ``convert`` does, and list them so."""
        from micrographia.images import ArrayImage
        from micrographia.images.ome_zarr_writer import LabelSource, write_image

        raw, mask, path = f"images/{image}.tif", f"masks/{image}.png", f"images/{image}.ome.zarr"
        size = {"scale": {"y": VOXEL, "x": VOXEL}, "units": {"y": "micrometer", "x": "micrometer"}}
        pixels, labels = (ArrayImage(self.read(name), "YX", **size) for name in (raw, mask))
        write_image(self.root / path, pixels, labels=[LabelSource("nuclei", labels)], **options)
        self.row(raw).update({"Files": path, "channel": ""})
        self.row(mask)["Files"] = f"{path}/labels/nuclei"
        (self.root / raw).unlink()
        (self.root / mask).unlink()
        return self.root / path

    def read(self, path: str) -> Array:
        """Return the pixels of a file as they are now."""
        target = self.root / path
        if target.suffix == ".png":
            with Picture.open(target) as picture:
                return np.array(picture)
        return np.asarray(tifffile.imread(target))

    def write(self) -> Path:
        """Write ``mifa.yaml`` and ``files.tsv``; sizes and checksums are of the files as they are now, unless set."""
        (self.root / "mifa.yaml").write_text("\n".join(block(self.mifa)) + "\n", "utf-8")
        extra = [name for row in self.rows for name in row if name not in COLUMNS]
        header = [*self.columns, *dict.fromkeys(extra)]
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        for row in self.rows:
            full = self._measured(row["Files"]) | row
            writer.writerow([full.get(name, "") for name in header])
        lines = buffer.getvalue().splitlines()
        if self.edit is not None:
            self.edit(lines)
        (self.root / "files.tsv").write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="")
        return self.root

    def ungroup(self) -> None:
        """Take the group column out of ``files.tsv``."""
        self.columns.remove("group:slide")
        for row in self.rows:
            row.pop("group:slide", None)

    def _measured(self, path: str) -> dict[str, Any]:
        target = self.root / path
        if not target.exists():
            return {}
        size, checksum = file_checksum(target)
        return {"size": size, "sha256": checksum}

    def _holder(self, dotted: str) -> tuple[Any, Any]:
        parts = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", dotted)]
        held: Any = self.mifa
        for part in parts[:-1]:
            held = held[part]
        return held, parts[-1]


def block(value: Any) -> list[str]:
    """Return YAML in block style, a line a scalar; texts as people write them, in quotes where YAML needs them."""
    if isinstance(value, dict):
        lines = []
        for key, held in value.items():
            inner = block(held)
            nested = isinstance(held, dict | list) and held
            lines += [f"{key}:", *(f"  {line}" for line in inner)] if nested else [f"{key}: {inner[0]}"]
        return lines or ["{}"]
    if isinstance(value, list):
        return [
            f"{'- ' if n == 0 else '  '}{line}" for item in value for n, line in enumerate(block(item))
        ] or ["[]"]
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z](?:[\w ,;./()'+-]*[\w.)])?(?<!\bnull)", value)
    return [value if plain else json.dumps(value, ensure_ascii=False)]


@cache
def field(number: int, size: int = SIZE) -> tuple[Array, Array]:
    """Return a simulated field: textured nuclei on a noisy background, and its instance mask (YX, uint16)."""
    random = np.random.default_rng(1000 + number)
    y, x = np.mgrid[:size, :size]
    mask = np.zeros((size, size), np.uint16)
    glow = np.full((size, size), 220.0 + 15 * number)
    step = size // 4
    cells = random.permutation(16)[: 7 + number % 3]
    for label, cell in enumerate(sorted(cells), start=1):
        centre = (np.array(divmod(cell, 4)) + 0.5) * step + random.uniform(-3, 3, 2)
        radii, turn = random.uniform(5, 8, 2), random.uniform(0, np.pi)
        v, u = y - centre[0], x - centre[1]
        a = (u * np.cos(turn) + v * np.sin(turn)) / radii[0]
        b = (v * np.cos(turn) - u * np.sin(turn)) / radii[1]
        inside = (a * a + b * b <= 1) & (mask == 0)
        mask[inside] = label
        glow[inside] += random.uniform(900, 1600) * random.uniform(0.6, 1.2, int(inside.sum()))
    return random.poisson(glow).astype(np.uint16), mask
