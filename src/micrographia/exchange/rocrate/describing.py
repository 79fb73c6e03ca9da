"""Write a description into a crate, and name what an RO-Crate or the archive misses."""

from __future__ import annotations

from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.crate import Crate, refs
from micrographia.exchange.rocrate.terms import ROOT
from micrographia.exchange.rocrate.writing_modules import write_annotations, write_components, write_modules
from micrographia.exchange.rocrate.writing_study import write_study
from micrographia.findings import Finding
from micrographia.metadata import Mifa
from micrographia.metadata.taking import Taker

_REQUIRED = {
    "name": "title",
    "description": "description",
    "license": "license",
    "datePublished": "release_date",
}
_OF_METHOD = {"annotation_method": "description", "annotation_type": "methodType"}
_OF_EACH = {
    "study_components": {"name": "name", "description": "description"},
    "annotations": {"name": "name", "annotation_overview": "description", **dict.fromkeys(_OF_METHOD, "")},
}
_ARCHIVE = {"accessionId": "accession", "author": "authors"}


def describe(mifa: Mifa, crate: Crate) -> tuple[Crate, tuple[dict[str, str], dict[str, str]], list[Finding]]:
    """Write a description into a crate; return it, the ids of components and annotation sets by name, and findings."""
    taker = Taker(mifa.plain())
    write_study(crate, taker)
    write_modules(crate, taker)
    components = write_components(crate, taker)
    sets = write_annotations(crate, taker)
    ids = [
        crate.owner(at) for part in ("study_components", "annotations") for at, _ in taker.records((part,))
    ]
    crate.put(ROOT, hasPart=refs(ids))
    findings = _missing(crate, taker)
    for pattern, fields in taker.left().items():
        shown = "is an additional property, which the archive does not read"
        findings.append(told("E015", f"{pattern} {shown}", fields=fields))
    for path, value in taker.leaves():
        crate.additional(path, value)
    return crate, (components, sets), findings


def _missing(crate: Crate, taker: Taker) -> list[Finding]:
    root = crate.nodes[ROOT]
    found = [
        told("E003", f"an RO-Crate must have a {key}", field=f"study.{field}", fix=f"Write study.{field}")
        for key, field in _REQUIRED.items()
        if not root.get(key)
    ]
    found += [
        told(
            "E014", f"the BioImage Archive asks for {key}", field=f"study.{field}", fix=f"Write study.{field}"
        )
        for key, field in _ARCHIVE.items()
        if not root.get(key)
    ]
    if not root.get("hasPart"):
        message = "the BioImage Archive asks for one study component or annotation set"
        found.append(told("E014", message, field="study_components"))
    for part, asked in _OF_EACH.items():
        for at, _ in taker.records((part,)):
            dataset = crate.nodes[crate.owner(at)]
            method = crate.nodes[crate.owner((*at, "#method"))] if part == "annotations" else {}
            for field, key in asked.items():
                if not dataset.get(key) and not (field in _OF_METHOD and method.get(_OF_METHOD[field])):
                    message = f"the BioImage Archive asks for {field.replace('_', ' ')} of each of {part}"
                    found.append(told("E014", message, field=f"{part}[{at[-1]}].{field}"))
    return found
