"""The dataset folder as one object: open, describe, convert, identity."""

from micrographia.dataset.folder import Dataset, FileRow, Mask, open_dataset

__all__ = ["Dataset", "FileRow", "Mask", "open_dataset"]
