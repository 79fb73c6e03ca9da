"""Where exported data are from: dataset, version, content hash, licence, target, options, findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from micrographia import __version__
from micrographia.dataset import Dataset
from micrographia.dataset.describe import start_time
from micrographia.dataset.identity import content_sha256, dataset_files_sha256
from micrographia.findings import Finding
from micrographia.loading.exports.sample import ExportOptions, Part, Plan, TrainingFormat


def about_dataset(dataset: Dataset, named: str, *, workers: int | None, quiet: bool) -> dict[str, Any]:
    """Return what identifies a dataset, and what others may do with it; every pixel is read for its content hash."""
    study = dataset.mifa.study
    described = dataset.set_described(named)
    versions = [version.version for version in dataset.mifa.versions if version.version]
    target = described.target.plain() if described is not None and described.target is not None else {}
    people = [" ".join(filter(None, (one.author_first_name, one.author_last_name))) for one in study.authors]
    return {
        "title": dataset.title,
        "version": versions[-1] if versions else None,
        "content_sha256": content_sha256(dataset, workers=1 if workers == 1 else None, quiet=quiet),
        "files_sha256": dataset_files_sha256(dataset),
        "licence": study.license,
        "annotation_set": named,
        "annotation_licence": (described.license if described is not None else None) or study.license,
        "target": target,
        "authors": people,
        "links": [link.link_url for link in study.links if link.link_url],
        "publications": [paper.publication_doi for paper in study.publications if paper.publication_doi],
    }


def provenance(
    form: TrainingFormat,
    plan: Plan,
    options: ExportOptions,
    parts: Sequence[Part],
    findings: Sequence[Finding],
) -> dict[str, Any]:
    """Return the content of ``provenance.json``: JSON values only."""
    chosen = asdict(options)
    kept = {
        name: chosen[name] for name in ("splits", "groups", "images", "channels") if chosen[name] is not None
    }
    return {
        "kind": "training export",
        "format": 1,
        "layout": form.name,
        "layout_options": {
            name: value
            for name, value in vars(form).items()
            if name not in ("name", "title", "volumes", "uniform", "carries", "scaling", "api_version")
        },
        "program": f"micrographia {__version__}",
        "created": datetime.fromtimestamp(int(start_time()), UTC).isoformat(),
        "dataset": dict(plan.about),
        "options": kept | {"scaling": plan.scaling},
        "splits": dict(Counter(part.row["split"] for part in parts)),
        "pictures": len(parts),
        "objects": sum(part.counts["objects"] for part in parts),
        "categories": [{"number": one.number, "id": one.id, "name": one.name} for one in plan.categories],
        "findings": [finding.to_json() for finding in findings],
    }
