"""How a model cites the datasets that it learned from, and what their licences ask of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.dataset import Dataset
from micrographia.dataset.identity import content_sha256, dataset_files_sha256
from micrographia.metadata.licences import normalise_licence

ACCESSION = re.compile(r"\b(?:S-[A-Z]{2,}\d+|EMPIAR-\d+|idr\d{4})\b")
"""Accessions of the BioImage Archive and its neighbours."""
TARGET = ("object", "boundary", "touching", "cut_by_border", "out_of_focus")


def cite(dataset: Dataset, masks: str, *, workers: int | None = None, quiet: bool = True) -> dict[str, Any]:
    """Return what identifies a dataset and says what may be done with it.

    Parameters
    ----------
    dataset
        The dataset; every pixel is read once for its content hash.
    masks
        The annotation set that was learned from; its own licence, where it states one, stands beside the dataset's.
    workers, quiet
        As for :func:`~micrographia.dataset.identity.content_sha256`.

    Returns
    -------
    dict
        ``title``, ``accession``, ``version``, ``content_sha256``, ``files_sha256``, ``annotation_set``, ``licence`` (as
        it is written, empty if it is not), ``spdx`` (what of it is understood), ``authors``, ``doi`` of its paper.

    Raises
    ------
    MicrographiaError
        If an image cannot be read.
    """
    mifa = dataset.mifa
    described = dataset.set_described(masks)
    written = [mifa.study.license, described.license if described is not None else None]
    licences = list(dict.fromkeys(str(text).strip() for text in written if text))
    known = [normalise_licence(text) for text in licences]
    papers = [paper.publication_doi for paper in mifa.study.publications if paper.publication_doi]
    return {
        "title": dataset.title,
        "accession": accession(dataset),
        "version": str(mifa.versions[-1].version or "") if mifa.versions else "",
        "content_sha256": content_sha256(dataset, workers=workers, quiet=quiet),
        "files_sha256": dataset_files_sha256(dataset),
        "annotation_set": masks,
        "licence": "; ".join(licences),
        "spdx": [licence.label for licence in known if licence is not None],
        "authors": [author.name for author in mifa.study.authors if author.name],
        "doi": str(papers[0]) if papers else "",
    }


def accession(dataset: Dataset) -> str:
    """Return the accession of a dataset in an archive, such as S-BIAD1492.

    It is what ``mifa.yaml`` states, else one in its links, else one in the name of its folder; empty if there is none.
    """
    if dataset.mifa.study.accession:
        return dataset.mifa.study.accession
    told = [str(link.link_url or "") for link in dataset.mifa.study.links]
    for text in (*told, dataset.path.resolve().name):
        found = ACCESSION.search(text)
        if found:
            return found[0]
    return ""


def licence_terms(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the licences of training data ask of a model, said plainly.

    Whether a model is an adaptation of its training data is not settled by law everywhere; this states what the data
    ask for, so that nobody has to look it up.

    Parameters
    ----------
    entries
        As :func:`cite` returns them.

    Returns
    -------
    dict
        ``licence``: the one licence that all share, else empty. ``non_commercial``, ``share_alike``,
        ``no_derivatives``, ``attribution``, ``unknown``: titles of the datasets that ask for it. ``sentences``: the
        same for people.
    """
    found: dict[str, Any] = {
        name: [] for name in ("non_commercial", "share_alike", "no_derivatives", "attribution", "unknown")
    }
    labels: set[str] = set()
    for entry in entries:
        title = str(entry.get("title") or "a dataset without a title")
        texts = [text for text in str(entry.get("licence") or "").split("; ") if text]
        licences = [normalise_licence(text) for text in texts]
        if not texts or None in licences:
            found["unknown"].append(title)
            labels.add("")
        for licence in licences:
            if licence is None:
                continue
            labels.add(licence.spdx or "")
            for name, asked in (
                ("non_commercial", not licence.commercial),
                ("share_alike", licence.share_alike),
                ("no_derivatives", not licence.derivatives),
                ("attribution", licence.attribution),
            ):
                if asked and title not in found[name]:
                    found[name].append(title)
    found["licence"] = next(iter(labels)) if len(labels) == 1 else ""
    found["sentences"] = _sentences(found)
    return found


_WORDS = {
    "non_commercial": "NON-COMMERCIAL: {} may not be used commercially; treat the model alike.",
    "share_alike": "SHARE-ALIKE: what is adapted from {} must carry its licence; treat the model alike.",
    "no_derivatives": "NO DERIVATIVES: adaptations of {} may not be shared; ask before you share the model.",
    "unknown": "UNKNOWN: the licence of {} is not stated, or not understood; ask before you share the model.",
    "attribution": "Credit {} when you use the model.",
}


def _sentences(found: Mapping[str, Any]) -> list[str]:
    told = [words.format(_listed(found[name])) for name, words in _WORDS.items() if found[name]]
    return told or ["The training data ask for nothing."]


def _listed(titles: Sequence[str]) -> str:
    quoted = [f'"{title}"' for title in titles]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def shared_target(datasets: Sequence[tuple[Dataset, str]]) -> tuple[dict[str, str], list[str]]:
    """Return what the objects of training data are, as far as the datasets agree, and where they differ.

    Parameters
    ----------
    datasets
        Datasets with the annotation set that was learned from.

    Returns
    -------
    dict
        Of :data:`TARGET` what at least one dataset says and none says otherwise.
    list
        A sentence for each rule on which they differ.
    """
    said: dict[str, dict[str, list[str]]] = {}
    for dataset, masks in datasets:
        described = dataset.set_described(masks)
        target = described.target if described is not None else None
        for name in TARGET:
            value = getattr(target, name, None)
            if value:
                said.setdefault(name, {}).setdefault(str(value), []).append(dataset.title)
    agreed = {name: next(iter(values)) for name, values in said.items() if len(values) == 1}
    differing = [
        f"The training data differ in {name.replace('_', ' ')}: "
        + "; ".join(f"{value} ({_listed(titles)})" for value, titles in values.items())
        for name, values in said.items()
        if len(values) > 1
    ]
    return agreed, differing
