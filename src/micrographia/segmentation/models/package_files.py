"""The files of a BioImage.IO package, in a folder or a zip, read without leaving it."""

from __future__ import annotations

import hashlib
import re
import stat
import tempfile
import weakref
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.yaml_files import read_yaml

NAMES = ("rdf.yaml", "bioimageio.yaml")
MOST_BYTES = 8 << 30
"""A member that unpacks to more is refused."""

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")


class PackageFiles:
    """A package: its description and the files that it names.

    Parameters
    ----------
    path
        Its folder, its description, or a zip file.

    Raises
    ------
    SegmentationError
        If there is no description, or a path leads out of the package.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._unpacked: Path | None = None
        if path.is_dir():
            self.folder = path
            name = _description([one.name for one in path.iterdir() if one.is_file()], path)
        elif path.suffix.lower() in (".yaml", ".yml"):
            self.folder = path.parent
            name = path.name
        else:
            self.folder = path
            name = self._opened(path)
        self.description = self._yaml(name)

    def file(self, named: Any, sha256: Any = None) -> Path:
        """Return the path of a file of the package on disk; members of a zip are unpacked to a temporary folder.

        Parameters
        ----------
        named
            As the description writes it, relative to the package.
        sha256
            What the description says of its contents; None if nothing.

        Raises
        ------
        SegmentationError
            If it lies outside, is not there, is an address in the net, or has other contents.
        """
        inside = self._inside(named)
        found = self._unpack(inside) if self._archive is not None else self._on_disk(inside)
        if sha256 is not None:
            with found.open("rb") as held:
                digest = hashlib.file_digest(held, "sha256").hexdigest()
            if digest != str(sha256):
                raise SegmentationError(
                    self.path, f"holds another {inside} than its description says", "Fetch the package again"
                )
        return found

    def _inside(self, named: Any) -> PurePosixPath:
        text = str(named)
        if _URL.match(text):
            raise SegmentationError(
                self.path,
                f"names {text}, which is not in the package",
                "Fetch the whole package, with its weights",
            )
        inside = PurePosixPath(text.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or re.match(r"^[A-Za-z]:", text) or not inside.parts:
            raise SegmentationError(
                self.path, f"names {text!r}, a path outside of the package", "Do not use this package"
            )
        return inside

    def _on_disk(self, inside: PurePosixPath) -> Path:
        found = self.folder / inside
        real = found.resolve()
        if not real.is_relative_to(self.folder.resolve()):
            raise SegmentationError(
                self.path, f"holds {inside}, a link that leads out of the package", "Do not use this package"
            )
        if not real.is_file():
            raise SegmentationError(self.path, f"lacks {inside}, which it names", "Fetch the package again")
        return found

    def _opened(self, path: Path) -> str:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise SegmentationError(
                path, "is no zip file, or is damaged", "Fetch the package again"
            ) from error
        self._archive = archive
        weakref.finalize(self, archive.close)
        for info in archive.infolist():
            self._inside(info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise SegmentationError(path, f"holds a link, {info.filename}", "Do not use this package")
            if info.file_size > MOST_BYTES:
                raise SegmentationError(
                    path, f"holds {info.filename} of {info.file_size} bytes", "Unpack it by hand"
                )
        return _description([name for name in archive.namelist() if "/" not in name], path)

    def _unpack(self, inside: PurePosixPath) -> Path:
        assert self._archive is not None  # noqa: S101  the caller looked
        if self._unpacked is None:
            held = tempfile.TemporaryDirectory(prefix="micrographia-")
            self._unpacked = Path(held.name)
            weakref.finalize(self, held.cleanup)
        target = self._unpacked / inside
        if not target.exists():
            try:
                self._archive.extract(str(inside), self._unpacked)
            except KeyError as error:
                raise SegmentationError(
                    self.path, f"lacks {inside}, which it names", "Fetch the package again"
                ) from error
            except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
                raise SegmentationError(
                    self.path, f"holds {inside}, which cannot be unpacked", "Fetch the package again"
                ) from error
        return target

    def _yaml(self, name: str) -> dict[str, Any]:
        try:
            held = read_yaml(self.file(name))
        except SegmentationError as error:
            raise SegmentationError(self.path, f"{name}: {error.problem}", error.remedy) from error
        if held.get("type", "model") != "model" or "inputs" not in held:
            raise SegmentationError(self.path, f"{name} describes no model", "Give a package of a model")
        return held


def _description(names: list[str], path: Path) -> str:
    for name in (*NAMES, *sorted(names)):
        if name in names and (name in NAMES or name.endswith(".bioimageio.yaml")):
            return name
    raise SegmentationError(
        path, "holds no rdf.yaml", "Give a BioImage.IO package, or a model of segment train"
    )
