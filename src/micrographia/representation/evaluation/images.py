"""What is made from the images of a study: embeddings, those of untrained twins, ablated ones, and simple baselines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from micrographia.errors import ProtocolError
from micrographia.protocols import Protocol
from micrographia.representation.adapters.study import Study
from micrographia.representation.evaluation.contenders import RANDOM_PROJECTION, Contender
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_rows import align_to

IMAGE = "image"
"""Column of a study's rows that names the image of each."""
RANDOM_NETWORKS = ("random-cnn", "random-vit")
ABLATED = ("pixel-shuffle", "patch-shuffle", "blur", "background-only", "nuclei-only")


@dataclass(frozen=True, eq=False)
class Embedded:
    """What encoders made of the images.

    Attributes
    ----------
    contenders
        The candidates, their twins, and the random networks.
    layers
        Candidate to its layers, in the order of the network.
    ablated
        Candidate to the ablations of its inputs.
    """

    contenders: tuple[Contender, ...] = ()
    layers: Mapping[str, Mapping[str, Profiles]] = field(default_factory=dict)
    ablated: Mapping[str, Mapping[str, Profiles]] = field(default_factory=dict)


def embedded(
    study: Study,
    names: tuple[str, ...],
    folder: Path,
    protocol: Protocol,
    *,
    workers: int | None = None,
    quiet: bool = True,
) -> Embedded:
    """Embed the images of a study; what lies in ``folder`` from an earlier run with the same settings is taken.

    Raises
    ------
    ProtocolError
        If the study has no images.
    EncoderError
        If an encoder is unknown or fails.
    """
    if not names:
        return Embedded()
    if study.images is None or IMAGE not in study.rows.columns:
        raise ProtocolError(
            protocol.name, "has no images, so no encoder can run", "Give ready-made features with --profiles"
        )
    from micrographia.dataset import open_dataset
    from micrographia.representation.encoders import ABLATIONS, by_layer, embed, encoder, twins

    images = study.images
    annotated = bool(open_dataset(images).annotation_sets)
    sweep, ablate = "layers" in protocol.diagnostics, "ablations" in protocol.diagnostics

    def made(one: object, name: str, *, layers: bool = False, ablation: str = "") -> Profiles:
        label = "-".join(part for part in (name, ablation) if part)
        path = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', label)}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        found = embed(
            images,
            one,  # type: ignore[arg-type]
            out=path,
            layers=layers,
            ablation=ablation,
            seed=protocol.seed,
            workers=workers,
            overwrite=False,
            quiet=quiet,
        )
        return of_rows(found, study)

    contenders: list[Contender] = []
    by_name: dict[str, dict[str, Profiles]] = {}
    ablated: dict[str, dict[str, Profiles]] = {}
    for name in names:
        one = encoder(name)
        whole = made(one, name, layers=sweep)
        if sweep:
            by_name[name] = by_layer(whole)
            whole = next(reversed(by_name[name].values()))
        contenders.append(Contender(name, "candidate", (replace(whole, name=name),)))
        if protocol.twins:
            seeds = range(protocol.seed, protocol.seed + protocol.twins)
            copies = tuple(
                made(twin, f"{name}-twin-{seed}") for seed, twin in zip(seeds, twins(one, seeds), strict=True)
            )
            contenders.append(Contender(f"untrained {name}", "twin", copies, twin_of=name))
        if ablate:
            ablated[name] = {
                ablation: made(one, name, ablation=ablation)
                for ablation in ABLATED
                if not ABLATIONS[ablation].needs_masks or annotated
            }
    if protocol.twins:
        contenders += [
            Contender(name, "random", (made(encoder(name, seed=protocol.seed), name),))
            for name in RANDOM_NETWORKS
        ]
    return Embedded(tuple(contenders), by_name, ablated)


def of_rows(found: Profiles, study: Study) -> Profiles:
    """Return embeddings in the order of a study's rows."""
    return align_to(found, study.rows, [IMAGE])


def simple_baselines(
    study: Study, protocol: Protocol, *, workers: int | None = None, quiet: bool = True
) -> dict[str, Profiles]:
    """Return the features that a protocol names and that are made from images and label images: name to features."""
    wanted = [
        name
        for name in dict.fromkeys((*protocol.candidates, *protocol.baselines))
        if name not in study.baselines and name not in study.candidates and name != RANDOM_PROJECTION
    ]
    if study.images is None or not wanted:
        return {}
    from micrographia.dataset import open_dataset
    from micrographia.representation.baselines.images import image_baselines
    from micrographia.representation.baselines.names import NAMES

    which = [name for name in wanted if name in NAMES]
    order = [str(image) for image in study.rows[IMAGE]]
    dataset = open_dataset(study.images)
    return image_baselines(
        dataset, which, images=order, seed=protocol.seed, workers=workers, progress=not quiet
    )
