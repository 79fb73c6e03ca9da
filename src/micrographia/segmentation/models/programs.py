"""A command-line program as a model: images are written to a temporary folder, labels are read back."""

from __future__ import annotations

import hashlib
import importlib.util
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from micrographia.errors import ImageError
from micrographia.images import open_image
from micrographia.plugins import API_VERSION
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ANY, Image, Labels, ModelInfo, checked_labels

TIMEOUT = 3600.0
"""Seconds after which a program is stopped."""

_INSTANSEG = (
    "import sys, tifffile; from instanseg import InstanSeg; "
    "pixels = float(sys.argv[3]); "
    "found = InstanSeg(sys.argv[4], verbosity=0).eval_small_image("
    "tifffile.imread(sys.argv[1]), pixels or None)[0]; "
    "tifffile.imwrite(sys.argv[2], found.squeeze().cpu().numpy().astype('int32'))"
)


@dataclass(frozen=True)
class Preset:
    """How a program of other people is called.

    Parameters
    ----------
    command
        Arguments with the places of :func:`program`.
    labels
        Where it writes labels, within the folder.
    default
        Arguments where the user gives none.
    module
        What must be installed.
    axes
        ``YX`` or ``any``.
    """

    command: tuple[str, ...]
    labels: str
    default: tuple[str, ...]
    module: str
    axes: str = "YX"


PRESETS: Mapping[str, Preset] = {
    "cellpose": Preset(
        (
            sys.executable,
            *("-m", "cellpose", "--image_path", "{image}", "--savedir", "{folder}"),
            *("--save_tif", "--no_npy", "{arguments}"),
        ),
        "image_cp_masks.tif",
        (),
        "cellpose",
    ),
    "stardist": Preset(
        tuple("stardist-predict2d -i {image} -o {folder} --outname labels.tif {arguments}".split()),
        "labels.tif",
        ("-m", "2D_versatile_fluo"),
        "stardist",
    ),
    "instanseg": Preset(
        (sys.executable, "-c", _INSTANSEG, "{image}", "{labels}", "{pixel_size}", "{arguments}"),
        "labels.tif",
        ("fluorescence_nuclei_and_cells",),
        "instanseg",
    ),
}
"""Programs by name. Written by their documentation and not tested, as they cannot be had everywhere."""


class ProgramSegmenter:
    """A program as a model.

    Parameters
    ----------
    command
        The program and its arguments; ``{image}``, ``{labels}``, ``{folder}`` and ``{pixel_size}`` (0 if unknown) are
        filled in.
    labels
        Name of the file of labels in the folder: anything that :func:`micrographia.images.open_image` reads.
    name
        What reports call it.
    version
        Of the program.
    axes, channel_roles
        As in :class:`~micrographia.segmentation.models.protocol.ModelInfo`.
    timeout
        Seconds after which it is stopped.
    """

    api_version = API_VERSION

    def __init__(
        self,
        command: Sequence[str],
        *,
        labels: str = "labels.tif",
        name: str = "",
        version: str = "",
        axes: str = ANY,
        channel_roles: tuple[str, ...] = (ANY,),
        timeout: float = TIMEOUT,
    ) -> None:
        self.command = tuple(command)
        self.labels = labels
        self.timeout = timeout
        self.info = ModelInfo(
            name or Path(self.command[0]).name,
            version,
            _sha256(self.command, version),
            channel_roles=channel_roles,
            axes=axes,
        )

    def predict(self, image: Image, *, pixel_size: float | None = None) -> Labels:
        """Return labels ``([Z,] Y, X)`` that the program wrote.

        The image is written as TIFF, float32 or the smallest unsigned integers that hold it, axes (C, [Z,] Y, X), or
        without C for a single channel.

        Raises
        ------
        SegmentationError
            If the program is not there, fails, takes too long, or writes no labels of the image's size.
        """
        with tempfile.TemporaryDirectory(prefix="micrographia-") as held:
            folder = Path(held)
            given, wanted = folder / "image.tif", folder / self.labels
            _write(given, np.asarray(image, np.float32))
            places = {
                "image": str(given),
                "labels": str(wanted),
                "folder": str(folder),
                "pixel_size": f"{pixel_size or 0:g}",
            }
            self._call([_filled(part, places) for part in self.command], folder)
            if not wanted.is_file():
                raise SegmentationError(
                    self.info.name,
                    f"wrote no labels to {self.labels}",
                    "Name {labels} in the command where the program writes them",
                )
            try:
                with open_image(wanted) as found:
                    labels = found.read()
            except ImageError as error:
                raise SegmentationError(
                    self.info.name, f"wrote labels that cannot be read: {error.problem}", "Write TIFF"
                ) from error
        shape = image.shape[1:]
        if labels.size == np.prod(shape, dtype=np.int64) and labels.shape != shape:
            squeezed = labels.reshape([size for size in labels.shape if size > 1])
            labels = labels.reshape(shape) if squeezed.shape == tuple(s for s in shape if s > 1) else labels
        return checked_labels(labels, shape, self.info.name)

    def _call(self, command: list[str], folder: Path) -> None:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                timeout=self.timeout,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise SegmentationError(
                self.info.name, f"there is no program {command[0]!r}", "Install it, or give its path"
            ) from error
        except OSError as error:
            raise SegmentationError(
                self.info.name, f"cannot be started: {error.strerror}", "Look at its permissions"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise SegmentationError(
                self.info.name, f"took longer than {self.timeout:g} s", "Give smaller tiles"
            ) from error
        if done.returncode:
            text = (done.stderr or done.stdout).decode(errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            reason = lines[-1][:300] if lines else "it said nothing"
            raise SegmentationError(
                self.info.name, f"ended with code {done.returncode}: {reason}", "Run it by hand to see more"
            )


def program(text: str) -> ProgramSegmenter:
    """Return the program that a line of text names.

    Parameters
    ----------
    text
        A key of :data:`PRESETS` and arguments for it, such as ``stardist -m 2D_versatile_he``; or a command that names
        ``{image}`` and ``{labels}``, such as ``python segment.py {image} {labels}``.

    Raises
    ------
    SegmentationError
        If it names no place for the image or the labels, or the program of a preset is not installed.
    """
    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise SegmentationError(
            "", f"the command {text!r} cannot be read: {error}", "Close quotes"
        ) from error
    if not parts:
        raise SegmentationError("", "no program is named", "Give program:NAME or program:COMMAND")
    preset = PRESETS.get(parts[0])
    if preset is not None:
        return _preset(parts[0], preset, parts[1:])
    for place in ("{image}", "{labels}"):
        if not any(place in part for part in parts):
            raise SegmentationError(
                "",
                f"the command {text!r} has no place {place}",
                f"Name {{image}} and {{labels}}, or a preset: {', '.join(PRESETS)}",
            )
    if shutil.which(parts[0]) is None:
        raise SegmentationError("", f"there is no program {parts[0]!r}", "Install it, or give its path")
    return ProgramSegmenter(_absolute(parts), name=_called(parts))


def _preset(name: str, preset: Preset, arguments: list[str]) -> ProgramSegmenter:
    first = preset.command[0]
    if importlib.util.find_spec(preset.module) is None and (
        first == sys.executable or shutil.which(first) is None
    ):
        raise SegmentationError(
            name, "is not installed here", f"Install it with: pip install {preset.module}"
        )
    given = tuple(arguments) or preset.default
    command = [part for piece in preset.command for part in (given if piece == "{arguments}" else (piece,))]
    try:
        from importlib.metadata import PackageNotFoundError, version

        told = version(preset.module)
    except PackageNotFoundError:
        told = ""
    return ProgramSegmenter(
        command, labels=preset.labels, name=" ".join((name, *arguments)), version=told, axes=preset.axes
    )


def _absolute(parts: list[str]) -> list[str]:
    """Return a command that works from any folder: arguments that are files here get their full path."""
    return [
        parts[0] if shutil.which(parts[0]) and "/" not in parts[0] else str(Path(parts[0]).absolute())
    ] + [str(Path(part).absolute()) if Path(part).is_file() else part for part in parts[1:]]


def _called(parts: Sequence[str]) -> str:
    scripts = [Path(part).name for part in parts[1:] if Path(part).is_file()]
    return scripts[0] if scripts else Path(parts[0]).name


def _filled(part: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        part = part.replace("{" + name + "}", value)
    return part


def _sha256(command: Sequence[str], version: str) -> str:
    """Return a checksum of a command, the version, and the contents of the files that it names."""
    digest = hashlib.sha256(version.encode())
    for number, part in enumerate(command):
        path = Path(shutil.which(part) or part) if number == 0 else Path(part)
        file = path.is_file()
        # The place of a file does not matter, what is in it does.
        digest.update(b"\0" + (path.name if file else part).encode())
        if file:
            with path.open("rb") as held:
                digest.update(hashlib.file_digest(held, "sha256").digest())
    return digest.hexdigest()


def _write(path: Path, image: Image) -> None:
    import tifffile

    held = image
    if np.array_equal(image, np.round(image)) and image.min() >= 0 and image.max() <= 65535:
        held = image.astype(np.uint8 if image.max() <= 255 else np.uint16)
    axes = "CZYX" if held.ndim == 4 else "CYX"
    if len(held) == 1:
        held, axes = held[0], axes[1:]
    tifffile.imwrite(path, held, photometric="minisblack", metadata={"axes": axes})
