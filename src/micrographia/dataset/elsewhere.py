"""Files of a dataset that are not in its folder: at the address that ``origin.json`` names, opened when needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePosixPath

from micrographia.dataset.manifest import NAME as MANIFEST
from micrographia.dataset.manifest import inside
from micrographia.dataset.origin import NAME as ORIGIN
from micrographia.dataset.origin import Origin, read_origin, write_origin
from micrographia.errors import DatasetError, ExchangeError, command_line
from micrographia.remote import (
    MissingError,
    below,
    cached_file,
    fetch_bytes,
    is_address,
    last_name,
    shown,
    size,
)
from micrographia.remote.cache import remote_folder

DESCRIPTION = "mifa.yaml"
LARGEST = {DESCRIPTION: 64 << 20, MANIFEST: 2 << 30, ORIGIN: 256 << 20}
"""Bytes above which one of these is not read from an address."""


@lru_cache(maxsize=256)
def _origin(folder: str, _stamp: tuple[int, int]) -> Origin:
    return read_origin(Path(folder))


def origin_of(root: Path) -> Origin:
    """Return where a dataset is from; read once while ``origin.json`` does not change.

    Raises
    ------
    DatasetError
        If ``origin.json`` cannot be read.
    """
    try:
        state = (root / ORIGIN).stat()
    except OSError:
        return Origin()
    return _origin(str(root), (state.st_mtime_ns, state.st_size))


def address_in(root: Path, path: str) -> str:
    """Return the address of a listed file that is not in the folder; empty if it is, or nobody says where it is.

    Raises
    ------
    DatasetError
        If the path leaves the dataset, or ``origin.json`` cannot be read or names no address.
    """
    place = inside(root, path)
    if place.exists():
        return ""
    base = origin_of(root).files
    if not base or _group(root, path):
        return ""
    if not is_address(base):
        raise DatasetError(
            root / ORIGIN, f"says that the files are at {shown(base)!r}, which is no address", "Correct it"
        )
    return below(base, path)


def _group(root: Path, path: str) -> bool:
    """Tell whether the Zarr group that a path leads into is in the folder."""
    parts = PurePosixPath(path).parts
    ends = (at + 1 for at, part in enumerate(parts[:-1]) if part.lower().endswith(".zarr"))
    return any(root.joinpath(*parts[:end]).exists() for end in ends)


def local_file(root: Path, path: str, size: int = -1, sha256: str = "") -> Path:
    """Return the path of a listed file on this machine: in the folder, or of a verified copy from its address.

    Parameters
    ----------
    root
        The dataset.
    path, size, sha256
        As ``files.tsv`` lists them.

    Raises
    ------
    DatasetError, ExchangeError
        If the path leaves the dataset, or the file cannot be read from its address or is another one than is listed.
    """
    address = address_in(root, path)
    return cached_file(address, size=size, sha256=sha256) if address else inside(root, path)


def why_absent(root: Path, paths: Iterable[str]) -> str:
    """Return why no listed file is in the folder, as a clause; empty if one is, or the folder was not imported.

    Raises
    ------
    DatasetError
        If ``origin.json`` cannot be read.
    """
    origin = origin_of(root)
    if not (origin.files or origin.format):
        return ""
    listed = list(dict.fromkeys(paths))
    if not listed or any((root / path).exists() for path in listed):
        return ""
    if origin.files:
        return f"the files of the dataset are at {shown(origin.files)}, not in its folder"
    return "the files of the dataset are not in its folder, and nobody says where they are"


def folder_of(address: str) -> Path:
    """Return a folder of this machine with the description of a dataset at an address; its files stay where they are.

    Parameters
    ----------
    address
        Of a folder with ``mifa.yaml`` and ``files.tsv``, or of one of the two.

    Raises
    ------
    DatasetError
        If there is none.
    ExchangeError
        If it cannot be read.
    """
    base = address.rstrip("/")
    for name in (DESCRIPTION, MANIFEST):
        base = base.removesuffix(f"/{name}")
    held: dict[str, bytes] = {}
    for name, largest in LARGEST.items():
        try:
            held[name] = fetch_bytes(below(base, name), limit=largest)
        except MissingError as error:
            if name != ORIGIN:
                raise DatasetError(
                    shown(base), f"has no {name}", f"Try: {command_line('import', shown(base), 'FOLDER')}"
                ) from error
    folder = description_folder(base, last_name(base))
    try:
        for name, data in held.items():
            _replace(folder / name, data)
    except OSError as error:
        raise DatasetError(
            folder, f"cannot be written ({error.strerror})", "Choose another MICROGRAPHIA_CACHE_DIR"
        ) from error
    origin = read_origin(folder) if ORIGIN in held else Origin()
    if not origin.files or _is_there(base, folder / MANIFEST):
        write_origin(folder, Origin(origin.format, origin.source or base, f"{base}/", origin.kept))
    return folder


def description_folder(source: str, name: str) -> Path:
    """Return the folder of the cache for what is written about a dataset that is elsewhere; it is made.

    Raises
    ------
    DatasetError
        If it cannot be made.
    """
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    safe = "".join(one if one.isalnum() or one in "-_." else "_" for one in name).lstrip(".")
    folder = remote_folder() / "datasets" / digest / (safe or "dataset")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            folder, f"cannot be made ({error.strerror})", "Choose another MICROGRAPHIA_CACHE_DIR"
        ) from error
    return folder


def _replace(path: Path, data: bytes) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    partial = path.with_name(f".{path.name}.{hashlib.sha256(data).hexdigest()[:16]}.partial")
    partial.write_bytes(data)
    partial.replace(path)


def _is_there(base: str, manifest: Path) -> bool:
    """Tell whether the first listed file lies beside a description, which names another place for its files."""
    from micrographia.dataset.manifest import read_manifest

    paths = read_manifest(manifest)[0]["Files"].tolist()
    if not paths:
        return True
    for name in (paths[0], f"{paths[0]}/zarr.json", f"{paths[0]}/.zattrs"):
        try:
            size(below(base, name))
        except MissingError:
            continue
        except ExchangeError:
            return False
        return True
    return False
