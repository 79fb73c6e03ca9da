"""Exports for training elsewhere: a dataset in the layout of another program, with splits, classes and provenance."""

from micrographia.loading.exports.border_core import border_core, objects_from_core
from micrographia.loading.exports.cellpose import Cellpose
from micrographia.loading.exports.coco import Coco
from micrographia.loading.exports.exporting import Exported, export_training
from micrographia.loading.exports.imagefolder import ImageFolder
from micrographia.loading.exports.nnunet import NnUNet
from micrographia.loading.exports.sample import ExportOptions, Sample, TrainingFormat
from micrographia.loading.exports.stardist import StarDist
from micrographia.loading.exports.yolo import Yolo

__all__ = [
    "FORMATS",
    "Cellpose",
    "Coco",
    "ExportOptions",
    "Exported",
    "ImageFolder",
    "NnUNet",
    "Sample",
    "StarDist",
    "TrainingFormat",
    "Yolo",
    "border_core",
    "export_training",
    "objects_from_core",
]

FORMATS: dict[str, TrainingFormat] = {
    known.name: known for known in (Cellpose(), StarDist(), NnUNet(), Yolo(), Coco(), ImageFolder())
}
"""The formats, by name."""
