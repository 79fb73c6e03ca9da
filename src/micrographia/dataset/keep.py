"""Describe and hash a dataset without rewriting its pixels."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from micrographia import __version__
from micrographia.dataset.build import checksums
from micrographia.dataset.convert import ConvertOptions, add_version, precheck, put_in_place, told_when_full
from micrographia.dataset.describe import start_time
from micrographia.dataset.folder import DESCRIPTION, Dataset, open_dataset
from micrographia.dataset.identity import content_sha256, dataset_files_sha256
from micrographia.dataset.manifest import NAME, write_manifest
from micrographia.dataset.outputs import link_all


def keep_originals(
    dataset: Dataset, out: Path, *, overwrite: bool = False, workers: int | None = None, quiet: bool = True
) -> tuple[str, str]:
    """Make a dataset of the original files, linked where the disk allows it, with both checksums in a new version.

    Returns
    -------
    tuple of str
        ``content_sha256`` and ``files_sha256``.

    Raises
    ------
    DatasetError
        As :func:`~micrographia.dataset.convert.convert`.
    """
    precheck(dataset, out, ConvertOptions(overwrite=overwrite))
    partial = out.with_name(out.name + ".partial")
    with told_when_full(out):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        link_all(dataset, partial)
        known = checksums(partial, [row.path for row in dataset.rows], quiet=quiet)
        frame = dataset.files.copy()
        frame["size"] = [known[path][0] for path in frame["Files"]]
        frame["sha256"] = [known[path][1] for path in frame["Files"]]
        write_manifest(partial / NAME, frame)
        shutil.copyfile(dataset.path / DESCRIPTION, partial / DESCRIPTION)
        draft = open_dataset(partial)
        hashes = content_sha256(draft, workers=workers, quiet=quiet), dataset_files_sha256(draft)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start_time()))
        add_version(draft, stamp, f"original files hashed by micrographia {__version__}", *hashes)
    put_in_place(partial, out)
    return hashes
