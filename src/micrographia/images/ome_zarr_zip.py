"""One file for one OME-Zarr: ``.ozx``, a zip as RFC-9 describes it.

Nothing in it is compressed again, so a chunk can be read where it lies. The root's ``zarr.json`` comes first, the
other ``zarr.json`` follow breadth first, then the chunks; the comment of the archive says so. Dates are fixed, so the
same image gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path

from micrographia.images.zarr_files import WrittenFile, remove

BLOCK = 4 << 20


def pack(folder: Path, name: str, *, checksum: bool = True) -> WrittenFile:
    """Turn a finished OME-Zarr folder into a zip of the same path.

    Parameters
    ----------
    folder
        What to pack; it is gone afterwards and the zip stands in its place.
    name
        Under which the file is listed.
    checksum
        Whether the file is hashed.

    Returns
    -------
    WrittenFile
        The zip.
    """
    packed = folder.with_name(folder.name + ".zip")
    try:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for member in _ordered(folder):
                entry = zipfile.ZipInfo(member)
                entry.external_attr = 0o644 << 16
                with (folder / member).open("rb") as source:
                    entry.file_size = os.fstat(source.fileno()).st_size
                    with archive.open(entry, "w", force_zip64=True) as out:
                        while block := source.read(BLOCK):
                            out.write(block)
            comment = {"ome": {"version": "0.5", "zipFile": {"centralDirectory": {"jsonFirst": True}}}}
            archive.comment = json.dumps(comment).encode()
        remove(folder)
        packed.replace(folder)
    finally:
        packed.unlink(missing_ok=True)
    if not checksum:
        return WrittenFile(name, folder.stat().st_size, "")
    digest = hashlib.sha256()
    with folder.open("rb") as written:
        while block := written.read(BLOCK):
            digest.update(block)
        return WrittenFile(name, written.tell(), digest.hexdigest())


def _ordered(folder: Path) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(names, key=lambda name: (not name.endswith("zarr.json"), name.count("/"), name))
