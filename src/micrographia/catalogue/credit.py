"""Who made a dataset, how to cite it, and who used it for what: one document for the page, for BibTeX and for JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.catalogue.usage import Gathered, Identity, Match, match_usage
from micrographia.dataset import Dataset
from micrographia.dataset.identity import content_sha256
from micrographia.exchange.citation.bibtex import bibtex_of
from micrographia.exchange.citation.facts import address_of, citation_text
from micrographia.exchange.citation.tex import escaped, word
from micrographia.metadata import Author, check_doi, credit_role
from micrographia.segmentation.training.citation import accession as accession_of

KIND, FORMAT = "micrographia credit", 1


def identity_of(dataset: Dataset, *, hashing: bool | None = None, workers: int | None = None) -> Identity:
    """Return what usage records can be matched to a dataset by.

    Parameters
    ----------
    dataset
        The dataset.
    hashing
        Whether the content checksum is computed, which reads every pixel; by default only if ``mifa.yaml`` states none
        and the files are there.
    workers
        As for :func:`~micrographia.dataset.identity.content_sha256`.

    Raises
    ------
    MicrographiaError
        If an image cannot be read.
    """
    stated = {
        version.content_sha256: version.version or ""
        for version in dataset.mifa.versions
        if version.content_sha256
    }
    if hashing is None:
        hashing = not stated and bool(dataset.image_ids) and _present(dataset)
    if hashing:
        newest = dataset.mifa.versions[-1].version if dataset.mifa.versions else ""
        stated.setdefault(content_sha256(dataset, workers=workers), newest or "")
    return Identity(dataset.title, accession_of(dataset), stated)


def credit_document(dataset: Dataset, identity: Identity, gathered: Gathered) -> dict[str, Any]:
    """Return who made a dataset, how to cite it, and who used it, as JSON values.

    Parameters
    ----------
    dataset
        The dataset.
    identity
        As :func:`identity_of` returns it.
    gathered
        As :func:`~micrographia.catalogue.usage.gather_usage` returns it.

    Returns
    -------
    dict
        ``dataset``, ``cite``, ``contributors``, ``funding``, ``uses`` (matched records, newest last), ``left_out``,
        ``other`` (records of other datasets), ``copies``.
    """
    mifa, study = dataset.mifa, dataset.mifa.study
    matches = match_usage(gathered.usages, identity)
    doi = check_doi(study.doi or "")
    newest = mifa.versions[-1] if mifa.versions else None
    return {
        "kind": KIND,
        "format": FORMAT,
        "dataset": {
            "title": dataset.title,
            "accession": identity.accession,
            "doi": doi.value,
            "version": (newest.version or "") if newest else "",
            "licence": study.license or "",
            "contents": dict(identity.contents),
        },
        "cite": {
            "text": citation_text(mifa, dataset.title),
            "address": address_of(mifa),
            "bibtex": bibtex_of(mifa, dataset.title),
        },
        "contributors": contributors(dataset),
        "funding": {
            "statement": study.funding_statement or "",
            "grants": [
                {"grant": grant.grant_id or "", "funder": grant.funder or ""}
                for grant in study.grants
                if grant.grant_id or grant.funder
            ],
        },
        "acknowledgements": study.acknowledgements or "",
        "uses": [_use(match) for match in matches],
        "left_out": [{"place": one.place, "why": one.why} for one in gathered.left_out],
        "other": len(gathered.usages) - len(matches),
        "copies": gathered.copies,
    }


def contributors(dataset: Dataset) -> list[dict[str, Any]]:
    """Return everybody who made a dataset once, authors first, with roles, ORCID iDs, places, and what they annotated.

    People are the same if their ORCID iD is, or their name where one of them has none.
    """
    found: list[dict[str, Any]] = []
    for author in dataset.mifa.study.authors:
        _add(found, author, author=True)
    for described in dataset.mifa.annotations:
        for author in described.authors:
            entry = _add(found, author, author=False)
            if entry is not None:
                name = described.name or "annotations"
                entry["annotated"] += [name] if name not in entry["annotated"] else []
    return found


def uses_bibtex(document: Mapping[str, Any]) -> str:
    """Return an entry of BibTeX for every model that was made from the dataset or scored on it."""
    models: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for use in document["uses"]:
        model = use["model"]
        models.setdefault((model["name"], model["version"], model["sha256"]), []).append(use)
    entries, keys = [], set()
    for (name, version, checksum), uses in models.items():
        year = next((use["made"][:4] for use in uses if re.match(r"[0-9]{4}", use["made"])), "")
        key = f"{word(name) or 'model'}{year}{word(checksum)[:6]}"
        while key in keys:
            key += "x"
        keys.add(key)
        told = dict.fromkeys(
            f"{use['task']} ({said})" if (said := score_text(use["score"])) else use["task"] for use in uses
        )
        note = f"Used {document['dataset']['title']}: {'; '.join(told)}"
        fields = {
            "title": f"{{{escaped(name or 'Unnamed model')}}}",
            "year": year,
            "version": escaped(version),
            "howpublished": "Model",
            "note": escaped(note),
            "annote": f"sha256 {checksum}" if re.fullmatch(r"[0-9a-f]{64}", checksum) else "",
        }
        body = "".join(f"  {field} = {{{value}}},\n" for field, value in fields.items() if value)
        entries.append(f"@misc{{{key},\n{body}}}\n")
    return "\n".join(entries)


def score_text(score: Mapping[str, Any]) -> str:
    """Return a score in words: ``f1 0.812 (0.790 to 0.834) on 12 images``; empty if there is none."""
    if score["value"] is None:
        return ""
    text = f"{score['name']} {score['value']:.3f}".strip()
    if score["low"] is not None and score["high"] is not None:
        text += f" ({score['low']:.3f} to {score['high']:.3f})"
    return f"{text} on {score['on']}" if score["on"] else text


def _add(found: list[dict[str, Any]], person: Author, *, author: bool) -> dict[str, Any] | None:
    if not person.name and not person.orcid_id:
        return None
    orcid = person.orcid_id or ""
    entry = next(
        (
            one
            for one in found
            if (orcid and one["orcid"] == orcid)
            or (one["name"].casefold() == person.name.casefold() and not (orcid and one["orcid"]))
        ),
        None,
    )
    if entry is None:
        entry = {
            "name": person.name or orcid,
            "orcid": orcid,
            "author": False,
            "roles": [],
            "places": [],
            "annotated": [],
        }
        found.append(entry)
    entry["author"] = entry["author"] or author
    entry["orcid"] = entry["orcid"] or orcid
    for role in person.role:
        known = credit_role(role).value
        said = {"role": known or role, "credit": known is not None}
        entry["roles"] += [said] if said not in entry["roles"] else []
    for place in person.organisation:
        said_place = {"name": place.organisation_name or "", "ror": place.ror_id or ""}
        if any(said_place.values()) and said_place not in entry["places"]:
            entry["places"].append(said_place)
    return entry


def _use(match: Match) -> dict[str, Any]:
    usage = match.usage
    return {
        "sha256": usage.sha256,
        "verified": usage.verified,
        "matched_by": match.by,
        "version": match.version,
        "trains": usage.trains,
        "model": dict(usage.model),
        "task": usage.task,
        "score": dict(usage.score),
        "made": usage.made,
        "dataset": dict(usage.dataset),
        "found_at": list(usage.places),
    }


def _present(dataset: Dataset) -> bool:
    return all(dataset.locate(row).exists() for row in dataset.rows if row.role == "image")


def counted(uses: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Return how many records, distinct models, and models that were made from the dataset there are."""
    models = {tuple(use["model"].values()) for use in uses}
    made = {tuple(use["model"].values()) for use in uses if use["trains"]}
    return len(uses), len(models), len(made)
