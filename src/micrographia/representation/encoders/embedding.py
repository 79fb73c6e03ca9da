"""Turn the images of a dataset into profiles: read in threads, encoded in batches, resumed when interrupted."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from micrographia import __version__
from micrographia.dataset import Dataset
from micrographia.errors import ProfileError
from micrographia.representation.encoders.encoding import calibrate, choose_layers, columns, encode_all
from micrographia.representation.encoders.parts import (
    Parts,
    only_run,
    settings_sha256,
    write_parquet,
    written_source,
)
from micrographia.representation.encoders.plan import Plan, make_plan
from micrographia.representation.encoders.protocol import Encoder, details
from micrographia.representation.encoders.sampling import Fit, Per, Sampling
from micrographia.representation.encoders.sources import collect
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import read_profiles
from micrographia.work import cores

BATCH = 32
"""Inputs that an encoder is given at once."""
TOLERANCE = 1e-5
"""By how much features may differ between batch sizes, as a share of the largest of the layer.

They do not depend on the number of workers at all."""
MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """How a dataset is embedded.

    Parameters
    ----------
    per
        What becomes a row: ``image`` (the whole field), ``patch`` (a grid) or ``object`` (from the label images).
    fit, patch, stride, crop, masked, annotation_set, project
        As in :class:`~micrographia.representation.encoders.sampling.Sampling`.
    mapping
        Which channels the encoder is given: ``auto``, ``channelwise``, ``rgb``, ``mean`` or ``channels:A,B,C``.
    scaling
        How intensities become 0..1: ``auto``, ``dtype``, ``percentile:LOW,HIGH`` or ``fixed:LOW,HIGH``.
    layers
        False for the main layer, True for all, or the names of some.
    ablation
        What is taken out of the inputs, as ``blur``.
    seed
        Of random ablations.
    batch
        Inputs that the encoder is given at once.
    workers
        Threads that read images; by default one a processor, at most four.
    overwrite
        Replace an older output, and forget what an interrupted run with other settings left.
    content_hash
        Put the checksum of the decoded pixels into the provenance, which may read every pixel once more.
    quiet
        Show no progress.
    """

    per: Per = "image"
    fit: Fit = "resize"
    patch: int | None = None
    stride: int | None = None
    crop: int | None = None
    masked: bool = False
    annotation_set: str | None = None
    project: Literal["max", "mean", "middle"] = "max"
    mapping: str = "auto"
    scaling: str = "auto"
    layers: bool | Sequence[str] = False
    ablation: str = ""
    seed: int = 0
    batch: int = BATCH
    workers: int | None = None
    overwrite: bool = False
    content_hash: bool = True
    quiet: bool = True

    def sampling(self) -> Sampling:
        """Return what becomes a row."""
        return Sampling(
            self.per,
            self.fit,
            self.patch,
            self.stride,
            self.crop,
            self.masked,
            self.annotation_set,
            self.project,
        )


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an embedding wrote.

    Parameters
    ----------
    path
        The file.
    rows, features
        Its size.
    resumed
        Rows that an earlier run had done.
    seconds
        How long this run took.
    source
        The provenance.
    """

    path: Path
    rows: int
    features: int
    resumed: int
    seconds: float
    source: Mapping[str, Any]


def embed(
    dataset: Dataset | Path | str,
    encoder: Encoder,
    *,
    out: Path | str | None = None,
    options: EmbedOptions | None = None,
    **changes: Any,
) -> Profiles:
    """Return the features of a dataset as profiles, float32, a row an image, patch or object.

    Metadata columns are ``image``, ``split`` and the groups; ``t`` in time series; of patches and objects ``y``, ``x``
    (the centre, in pixels) and ``side`` (of the square, in pixels of the image); of objects ``set``, ``object`` (its
    label) and, where objects overlap, ``layer``. Features are called ``LAYER.NUMBER``, after ``CHANNEL.`` where
    channels are encoded apart; :func:`by_layer` takes the layers apart.

    Parameters
    ----------
    dataset
        A dataset, its folder, or any folder of images, whose subfolders then become the group ``folder``.
    encoder
        What :func:`~micrographia.representation.encoders.encoder` returns, or an untrained twin.
    out
        A Parquet file that is written part by part, whole or not at all. A killed run goes on when it is started again
        with the same settings, and ends with the same bytes. None keeps the result in memory alone.
    options, changes
        How; ``changes`` are fields of :class:`EmbedOptions`, as in ``embed(dataset, encoder, per="object")``.

    Raises
    ------
    MicrographiaError
        If an image cannot be read, the encoder fails, or a choice does not fit the images.
    """
    chosen = replace(options or EmbedOptions(), **changes)
    if out is not None:
        return _opened(embed_file(dataset, encoder, out, options=chosen), kept=True)
    with tempfile.TemporaryDirectory(prefix="micrographia-") as folder:
        return _opened(
            embed_file(dataset, encoder, Path(folder) / "profiles.parquet", options=chosen), kept=False
        )


def embed_file(
    dataset: Dataset | Path | str,
    encoder: Encoder,
    out: Path | str,
    *,
    options: EmbedOptions | None = None,
    **changes: Any,
) -> Embedded:
    """Write the features of a dataset as Parquet without holding them in memory; see :func:`embed`."""
    started = time.perf_counter()
    chosen = replace(options or EmbedOptions(), **changes)
    if chosen.batch < 1 or (chosen.workers is not None and chosen.workers < 1):
        raise ProfileError("", "batch and workers must be at least 1", "Leave them out")
    path = Path(out)
    if path.suffix.lower() != ".parquet":
        raise ProfileError(path, "is no name of a Parquet file", "End it in .parquet")
    layers = choose_layers(encoder, chosen.layers)
    threads = chosen.workers or min(cores(), MOST_THREADS)
    collection = collect(dataset)
    plan = make_plan(
        collection,
        chosen.sampling(),
        size=encoder.size,
        channels=encoder.channels,
        mapping=chosen.mapping,
        scaling=chosen.scaling,
        ablation=chosen.ablation,
        seed=chosen.seed,
        workers=threads,
    )
    settings = _settings(plan, encoder, layers, chosen, threads)
    checksum = settings_sha256(settings)
    folder = path.with_name(f".{path.name}.parts")
    with only_run(folder, path):
        if path.exists() and not chosen.overwrite:
            return _finished(path, plan, checksum, started)
        parts = Parts(folder, settings)
        parts.begin(afresh=chosen.overwrite)
        resumed = parts.rows
        if getattr(encoder, "needs_calibration", False):
            calibrate(plan, encoder)
        spans, names = columns(plan.mapping, encoder, layers)
        encode_all(plan, encoder, layers, parts, batch=chosen.batch, workers=threads, quiet=chosen.quiet)
        source = _source(settings, encoder, spans, collection.name)
        write_parquet(path, encoder.name, plan.meta(), names, source, parts)
        parts.remove()
    return Embedded(path, plan.rows, len(names), resumed, time.perf_counter() - started, source)


def by_layer(profiles: Profiles) -> dict[str, Profiles]:
    """Return the layers of an embedding as profiles of their own, in the order of the network.

    Raises
    ------
    ProfileError
        If the profiles do not say which features belong to which layer.
    """
    written = profiles.source.get("written", {})
    spans = profiles.source.get("layers") or written.get("layers")
    if not spans or max(stop for _, stop in spans.values()) != profiles.d:
        raise ProfileError(profiles.name, "does not say which layers its features are of", "Embed it again")
    found = {}
    # JSON has sorted the names; the network's order is that of the features.
    for layer, (start, stop) in sorted(spans.items(), key=lambda held: int(held[1][0])):
        held = profiles.select(np.arange(start, stop))
        source = {key: value for key, value in profiles.source.items() if key != "layers"}
        found[layer] = replace(held, source={**source, "layer": layer})
    return found


def _settings(
    plan: Plan, encoder: Encoder, layers: Sequence[str], options: EmbedOptions, threads: int
) -> dict[str, Any]:
    """Return all that the bytes of the output depend on."""
    told = details(encoder)
    told.pop("batch_norm", None)
    return {
        "encoder": told,
        "layers": list(layers),
        "device": getattr(encoder, "device", ""),
        "sampling": asdict(plan.sampling) | {"annotation_set": plan.annotation_set},
        "mapping": {"text": plan.mapping.text, "names": list(plan.mapping.names)},
        "scaling": plan.scaling,
        "ablation": options.ablation,
        "seed": options.seed,
        "batch": options.batch,
        "dataset": {
            **plan.collection.identity(content=options.content_hash, workers=threads),
            "listing_sha256": plan.collection.listing_sha256(),
        },
        "versions": _versions(),
    }


def _source(
    settings: Mapping[str, Any], encoder: Encoder, spans: Mapping[str, list[int]], name: str
) -> dict[str, Any]:
    """Return the provenance of the output."""
    random = settings["encoder"].get("weights") == "random"
    kind = "twin" if "twin_of" in settings["encoder"] else "random" if random else "candidate"
    own = {
        "kind": kind,
        "encoder": details(encoder),
        "layers": dict(spans),
        "dataset": {"name": name, **settings["dataset"]},
        "settings_sha256": settings_sha256(settings),
    }
    return {**settings, **own}


def _versions() -> dict[str, str]:
    found = {"micrographia": __version__}
    for name in ("numpy", "scipy", "torch", "transformers", "onnxruntime"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _finished(path: Path, plan: Plan, checksum: str, started: float) -> Embedded:
    """Return what is already there, if it is what would be written.

    Raises
    ------
    ProfileError
        If it is something else.
    """
    source = written_source(path)
    if source.get("settings_sha256") != checksum:
        raise ProfileError(
            path,
            "is there already, from other images or settings",
            "Choose another name, or replace it with --overwrite",
        )
    features = max(stop for _, stop in source["layers"].values())
    return Embedded(path, plan.rows, features, plan.rows, time.perf_counter() - started, source)


def _opened(done: Embedded, *, kept: bool) -> Profiles:
    """Read what was written; a temporary file is no part of the provenance."""
    held = read_profiles(done.path)
    file = {"file": held.source["file"], "sha256": held.source["sha256"]} if kept else {}
    return replace(held, source={**done.source, **file})
