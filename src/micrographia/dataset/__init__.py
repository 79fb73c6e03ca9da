"""The dataset folder as one object: open, describe, convert, identity."""

from micrographia.dataset.folder import Dataset, open_dataset
from micrographia.dataset.opening import FileRow, ImageFiles, Mask

__all__ = ["Dataset", "FileRow", "ImageFiles", "Mask", "open_dataset"]
