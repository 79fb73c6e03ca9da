"""BioImage.IO packages as models: TorchScript and ONNX weights run, Python code only of packages that are trusted."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from micrographia.errors import MicrographiaError
from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.cards import LABELS, card, card_path, read_card
from micrographia.segmentation.models.maps import OUTPUTS
from micrographia.segmentation.models.networks import LabelNetwork, Network, NetworkSegmenter
from micrographia.segmentation.models.package_files import PackageFiles
from micrographia.segmentation.models.package_steps import applied, output_applied
from micrographia.segmentation.models.package_tensors import Tensor, tensor
from micrographia.segmentation.models.postprocessing import Postprocessing
from micrographia.segmentation.models.protocol import ANY, Context, Image, ModelInfo, Segmenter
from micrographia.segmentation.models.runtimes import Run, onnx, torch_run, torchscript

WORDS = {
    "foreground": ("foreground", "mask", "nucle", "cell", "inside", "interior", "object", "probab"),
    "boundary": ("boundar", "border", "membrane", "edge", "contour", "outline", "touching"),
    "distance": ("distance", "dist", "edt"),
    "-": ("background",),
}
"""Words in the names of channels that tell what they mean."""

_ENTRIES = ("channels", "outputs", "postprocessing", "target", "licence", "trained_on", "pixel_size")


def package_segmenter(path: Path, *, device: str = "auto", trust: Collection[str] = ()) -> Segmenter:
    """Return a BioImage.IO package as a model.

    Weights are taken in this order: TorchScript, ONNX, a PyTorch state dict (only of a package that is trusted, as its
    architecture is Python code). How its maps become instances is in ``config: micrographia`` of the description
    (``outputs``, ``postprocessing``, ``channel_roles``), in ``PACKAGE.yaml`` beside it
    (:class:`~micrographia.segmentation.models.cards.Card`), or told by the names of its channels.

    Parameters
    ----------
    path
        Its folder, its ``rdf.yaml``, or a zip file. Format 0.4 or 0.5.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    trust
        Names or ids of packages whose code may run.

    Raises
    ------
    SegmentationError
        If the package cannot be used, or must not be: it names a path outside, or its code is not trusted.
    """
    files = PackageFiles(path)
    told = files.description
    where = str(path)
    version = str(told.get("format_version", ""))
    if not version.startswith(("0.4", "0.5")):
        raise SegmentationError(path, f"has format {version or 'none'}", "Formats 0.4 and 0.5 are read")
    inputs, outputs = told.get("inputs"), told.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != 1 or not outputs:
        raise SegmentationError(path, "takes more or less than one image", "Run it as a program")
    first, second = tensor(inputs[0], where), tensor(outputs[0], where)
    if first.spatial != second.spatial:
        raise SegmentationError(
            path, f"turns {first.spatial} into {second.spatial}", "Models must keep the axes of the image"
        )
    run, weights = _weights(files, told, device, trust)
    stated = _stated(path, told)
    meaning = tuple(stated.get("outputs") or _meaning(second, path))
    held = card({**stated, "outputs": meaning, "axes": first.spatial}, card_path(path))
    text = json.dumps([told.get("inputs"), told.get("outputs"), meaning], sort_keys=True, default=str)
    origin = hashlib.sha256(f"{weights}\n{text}".encode()).hexdigest()
    info = ModelInfo(
        str(told.get("name") or path.stem),
        str(told.get("version") or ""),
        origin,
        channel_roles=held.channels if "channels" in stated else _roles(first),
        axes=first.spatial,
        pixel_size=held.pixel_size or first.pixel_size,
        target=held.target,
        licence=held.licence or str(told.get("license") or ""),
        trained_on=held.trained_on or _trained_on(told),
    )
    network, tile, overlap = _network(run, first, second, meaning, origin)
    if meaning == (LABELS,):
        return LabelNetwork(info, network, tile, overlap)
    return NetworkSegmenter(
        info,
        network,
        origin=origin,
        postprocessing=held.postprocessing if "postprocessing" in stated else Postprocessing(),
        tile=tile,
        overlap=overlap,
    )


def _network(
    run: Run, first: Tensor, second: Tensor, meaning: tuple[str, ...], key: str
) -> tuple[Network, tuple[int, ...] | None, int]:
    def forward(image: Image) -> Image:
        return second.taken(run(first.given(image))[0])

    def before(image: Image, context: Context) -> Image:
        return applied(first.steps, image, context, key=f"package {key}")

    def after(maps: Image, _: Context) -> Image:
        return output_applied(second.steps, maps)

    spatial = len(first.spatial)
    sizes = first.sizes or ((1, 1),) * spatial
    fixed = all(step == 0 for _, step in sizes)
    multiple = tuple(step or least for least, step in sizes)
    least = tuple(low for low, _ in sizes)
    network = Network(
        forward,
        before,
        after,
        meaning,
        multiple,
        least,
        first.channels,
        tuple(low % step for low, step in zip(least, multiple, strict=True)),
        None if fixed else second.halo,
    )
    tile = least if fixed else None
    most = max((*second.halo, 0))
    sides = tile or ((1024, 1024) if spatial == 2 else (48, 192, 192))
    overlap = most or max(1, min(32, min(sides) // 4))
    if fixed and 2 * overlap >= min(sides):
        overlap = max(1, min(sides) // 4)
    return network, tile, overlap


def _weights(
    files: PackageFiles, told: Mapping[str, Any], device: str, trust: Collection[str]
) -> tuple[Run, str]:
    held = told.get("weights")
    if not isinstance(held, Mapping) or not held:
        raise SegmentationError(files.path, "has no weights", "Fetch the package again")
    readers: tuple[tuple[str, Any], ...] = (("torchscript", torchscript), ("onnx", onnx))
    missing: MicrographiaError | None = None
    for kind, read in readers:
        entry = held.get(kind)
        if not isinstance(entry, Mapping):
            continue
        file = files.file(entry.get("source"), entry.get("sha256"))
        if entry.get("external_data"):
            extra = entry["external_data"]
            files.file(extra.get("source") if isinstance(extra, Mapping) else extra)
        try:
            return read(file, device), file_sha256(file)
        except SegmentationError as error:
            # Another kind of weights may run where the library for this one is not installed.
            missing = missing or SegmentationError(files.path, f"{file.name} {error.problem}", error.remedy)
            if importlib.util.find_spec("torch" if kind == "torchscript" else "onnxruntime") is not None:
                raise missing from error
    if missing is not None:
        raise missing
    entry = held.get("pytorch_state_dict")
    if isinstance(entry, Mapping):
        names = {str(told[key]) for key in ("name", "id", "nickname") if told.get(key)}
        if not names & set(trust):
            called = str(told.get("name") or files.path.name)
            raise SegmentationError(
                files.path,
                "has only weights that need its own Python code, which can do anything on this machine",
                f"Read the code; if you trust it, trust {called!r} by name, or ask for TorchScript or ONNX weights",
            )
        return _state_dict(files, entry, device)
    raise SegmentationError(
        files.path, f"has only weights of kind {', '.join(map(str, held))}", "TorchScript and ONNX run here"
    )


def _state_dict(files: PackageFiles, entry: Mapping[str, Any], device: str) -> tuple[Run, str]:
    from micrographia.representation.encoders.networks import pick_device, torch_module

    torch = torch_module()
    file = files.file(entry.get("source"), entry.get("sha256"))
    stated = entry.get("architecture")
    if isinstance(stated, str):  # 0.4: file.py:Name or package.module.Name
        source, _, name = stated.rpartition(":") if ":" in stated else stated.rpartition(".")
        stated = {"callable": name, "kwargs": entry.get("kwargs"), "sha256": entry.get("architecture_sha256")}
        stated |= {"source": source} if source.endswith(".py") else {"import_from": source}
    if not isinstance(stated, Mapping) or not stated.get("callable"):
        raise SegmentationError(
            files.path, "names no architecture for its weights", "Fetch the package again"
        )
    try:
        if stated.get("source"):
            code = files.file(stated["source"], stated.get("sha256"))
            spec = importlib.util.spec_from_file_location(f"package_{file_sha256(code)[:12]}", code)
            assert spec is not None and spec.loader is not None  # noqa: S101, PT018  it is a file of Python
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(str(stated.get("import_from")))
        network = getattr(module, str(stated["callable"]))(**(stated.get("kwargs") or {}))
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        place = pick_device(device)
        return torch_run(torch, network.eval().to(place), place, file), file_sha256(file)
    except MicrographiaError as error:
        raise SegmentationError(error.path, error.problem, error.remedy) from error
    # The code of the package may raise anything.
    except Exception as error:
        raise SegmentationError(
            files.path,
            f"its code or weights fail: {type(error).__name__}: {error}",
            "Fetch the package again",
        ) from error


def _stated(path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the description and the file beside the package say for this program."""
    config = told.get("config")
    own = config.get("micrographia") if isinstance(config, Mapping) else None
    found = {key: own[key] for key in _ENTRIES if key in own} if isinstance(own, Mapping) else {}
    if isinstance(own, Mapping) and "channel_roles" in own:
        found["channels"] = own["channel_roles"]
    beside = read_card(path)
    wrong = sorted(set(beside) - set(_ENTRIES))
    if wrong:
        raise SegmentationError(
            card_path(path), f"has an entry {wrong[0]!r}", f"For packages, entries are {', '.join(_ENTRIES)}"
        )
    return {**found, **beside}


def _meaning(output: Tensor, path: Path) -> tuple[str, ...]:
    if output.dtype.startswith(("int", "uint")) and (output.channels or 1) == 1:
        return (LABELS,)
    names = output.names or ("foreground",) * (output.channels == 1 or "c" not in output.axes)
    found = []
    for name in names:
        low = name.lower()
        fitting = [meaning for meaning, words in WORDS.items() if any(word in low for word in words)]
        # `boundary of nuclei` speaks of both: the more special word counts.
        found.append(
            next((one for one in ("-", "distance", "boundary", "foreground") if one in fitting), "?")
        )
    if len(found) == 1 and found[0] == "?":
        return ("foreground",)
    used = [one for one in found if one != "-"]
    if "foreground" in used and "?" not in used and len(set(used)) == len(used):
        return tuple(found)
    raise SegmentationError(
        path,
        f"does not tell what its {output.channels or 'unnamed'} output channels mean"
        + (f" ({', '.join(output.names)})" if output.names else ""),
        f"Write {card_path(path).name} beside it: outputs: [foreground, boundary], of {', '.join(OUTPUTS)} and -",
    )


def _roles(first: Tensor) -> tuple[str, ...]:
    """Return the roles that the channels' names tell; any if one tells none."""
    from micrographia.loading.roles import role_of

    roles = [role_of(name) for name in first.names]
    known = tuple(role for role in roles if role is not None)
    return known if known and len(known) == len(roles) else (ANY,)


def _trained_on(told: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    held = told.get("training_data")
    if not isinstance(held, Mapping):
        return ()
    title = str(held.get("name") or held.get("id") or "")
    entry = {
        "title": title,
        "accession": str(held.get("id") or ""),
        "version": str(held.get("version") or ""),
        "content_sha256": "",
        "files_sha256": "",
        "licence": str(held.get("license") or ""),
        "n_images": None,
        "fingerprints": None,
    }
    return (entry,) if title else ()
