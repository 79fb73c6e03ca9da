"""Read samples, preparations, acquisitions, study components and annotation sets of a crate."""

from __future__ import annotations

import re
from typing import Any

from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.associations import FIELDS, KINDS, inferred
from micrographia.exchange.rocrate.graph import Entity
from micrographia.exchange.rocrate.reader import Plain, Reader, addresses, term, texts_of
from micrographia.exchange.rocrate.reading_study import read_licence, read_people
from micrographia.exchange.rocrate.writing_modules import (
    CHANNEL,
    FILE_LEVEL,
    GROWTH,
    IMPLIED,
    METHOD,
    TEXTS,
    VARIABLES,
    coverage_text,
)
from micrographia.metadata.trees import Tokens

_TAXON = re.compile(r"(?:NCBITaxon|txid|NCBI:txid|taxonomy/|taxonomy\?id=)[_:]?(\d+)$", re.IGNORECASE)
_DATASETS = ("bia:Dataset", "bia:RembiDataset", "bia:MifaDataset")


def read_modules(reader: Reader) -> dict[str, dict[str, str]]:
    """Read samples, preparations, acquisitions, correlations and analyses.

    Returns
    -------
    dict of str to dict of str to str
        Part of the model to id and title of its entities.
    """
    titles: dict[str, dict[str, str]] = {}
    grown: list[tuple[Entity, Plain]] = []
    for part, kind in KINDS.items():
        records: list[Plain] = []
        for entity in reader.graph.of_type(kind.type):
            entity.touch()
            at = (part, len(records))
            reader.note(at, entity)
            record = texts_of(entity, TEXTS[part])
            if part == "biosamples":
                _biosample(reader, entity, record, at)
                grown.append((entity, record))
            elif part == "specimens":
                _specimen(reader, entity, record, at)
            elif part == "image_acquisitions":
                method = {
                    "value": entity.text("bia:imagingMethodName"),
                    "ontology_id": entity.text("bia:fbbiId"),
                }
                record["imaging_method"] = {name: text for name, text in method.items() if text} or None
            reader.fill(record, entity)
            records.append(record)
            titles.setdefault(part, {})[entity.id] = str(record.get("title", ""))
        reader.values[part] = records
    _growth(reader, grown)
    return titles


def _biosample(reader: Reader, entity: Entity, record: Plain, at: Tokens) -> None:
    record |= {field: entity.texts(term(key)) for field, key in VARIABLES.items()}
    for taxon in entity.entities("schema:taxonomicRange", most=1):
        reader.note((*at, "organism"), taxon)
        organism = texts_of(taxon, {"scientific_name": "scientificName", "common_name": "commonName"})
        if not organism and (shown := taxon.text("schema:name")):
            organism["scientific_name"] = shown
        number = _TAXON.search(taxon.id)
        if said := taxon.text("schema:sameAs"):
            organism["ncbi_taxon"] = said
        elif number:
            organism["ncbi_taxon"] = f"NCBITaxon:{number[1]}"
        reader.fill(organism, taxon)
        record["organism"] = organism


def _specimen(reader: Reader, entity: Entity, record: Plain, at: Tokens) -> None:
    for protocol in entity.entities("bia:growthProtocol", most=1):
        reader.note((*at, "#growth"), protocol)
        record["growth_protocol"] = protocol.text("schema:description")
        protocol.drop("schema:name", GROWTH)
    channels: list[Plain] = []
    for channel in entity.entities("bia:signalChannelInformation"):
        reader.note((*at, "channels", len(channels)), channel)
        said = texts_of(channel, CHANNEL)
        reader.fill(said, channel)
        channels.append(said)
    record["channels"] = channels


def _growth(reader: Reader, grown: list[tuple[Entity, Plain]]) -> None:
    """Give the protocol of growth of a sample, as the archive has it, to the only preparation."""
    specimens = reader.values["specimens"]
    for entity, _ in grown:
        if len(specimens) == 1 and not specimens[0].get("growth_protocol"):
            for protocol in entity.entities("bia:growthProtocol", most=1):
                specimens[0]["growth_protocol"] = protocol.text("schema:description")


def read_datasets(reader: Reader, titles: dict[str, dict[str, str]]) -> None:
    """Read study components and annotation sets; a dataset may be both."""
    components: list[Plain] = []
    sets: list[Plain] = []
    for entity in reader.graph.of_type(*_DATASETS):
        if entity is reader.root:
            continue
        entity.touch()
        annotated = entity.has_type("bia:MifaDataset") or entity.has("bia:associatedAnnotationMethod")
        imaged = entity.has_type("bia:RembiDataset") or not annotated
        name = entity.text("schema:name")
        description = entity.text("schema:description")
        reader.parts[entity.id] = ((name or "") if imaged else "", (name or "") if annotated else "")
        if imaged:
            at: Tokens = ("study_components", len(components))
            reader.note(at, entity)
            component: Plain = {"name": name, "description": description}
            component["associations"] = _associations(reader, entity, titles, at)
            own = [] if annotated else reader.additional(entity)
            explicit = [
                one for one in own if one[0][0] == "associations" and one != (["associations"], IMPLIED)
            ]
            if explicit or (["associations"], IMPLIED) in own:
                component["associations"] = []
            for path, value in own:
                if (path, value) != (["associations"], IMPLIED):
                    reader.assign(component, path, value)
            components.append(component)
        if annotated:
            at = ("annotations", len(sets))
            reader.note(at, entity)
            sets.append(_annotations(reader, entity, name, description, at))
    reader.values["study_components"], reader.values["annotations"] = components, sets


def _associations(
    reader: Reader, entity: Entity, titles: dict[str, dict[str, str]], at: Tokens
) -> list[Plain]:
    ids: dict[str, list[str]] = {}
    for part, kind in KINDS.items():
        found = [one.id for one in entity.entities(term(kind.property), types=[kind.type])]
        ids[part] = list(dict.fromkeys(found))
    for specimen in entity.entities("bia:associatedSubject", types=["bia:Specimen"], most=1):
        reader.note((*at, "#specimen"), specimen)
        reader.specimens[entity.id] = specimen.id
        for part, key in (("biosamples", "bia:sampleOf"), ("specimens", "bia:imagingPreparationProtocol")):
            for one in specimen.entities(key, types=[KINDS[part].type]):
                if one.id not in ids[part]:
                    ids[part].append(one.id)
    names = {
        field: [title for name in ids[part] if (title := titles.get(part, {}).get(name))]
        for field, part in FIELDS.items()
    }
    return [dict(one) for one in inferred(names)]


def _annotations(
    reader: Reader, entity: Entity, name: str | None, description: str | None, at: Tokens
) -> Plain:
    found: Plain = {"name": name, "annotation_overview": description}
    found["license"] = read_licence(reader, entity)
    covered = None
    found["annotation_completion_time"] = entity.text("schema:dateCreated")
    for method in entity.entities("bia:associatedAnnotationMethod", types=["bia:AnnotationMethod"], most=1):
        reader.note((*at, "#method"), method)
        reader.methods[method.id] = name or ""
        method.drop("schema:name", name or "")
        found |= texts_of(method, METHOD)
        found["annotation_type"] = method.texts("bia:annotationMethodType")
        covered = method.text("bia:annotationCoverage")
    found["authors"] = read_people(reader, entity, (*at, "authors"))
    found["classes"] = [
        _class(reader, one, (*at, "classes", number))
        for number, one in enumerate(entity.entities("schema:about", types=["schema:DefinedTerm"]))
    ]
    found["file_metadata"] = [
        _file_level(reader, one, (*at, "file_metadata", number))
        for number, one in enumerate(entity.entities("schema:mentions", types=["bia:AnnotationData"]))
    ]
    reader.fill(found, entity)
    _cover(found, covered)
    return {field: value for field, value in found.items() if value not in (None, [])}


def _cover(found: Plain, said: str | None) -> None:
    """Add what a method says of the coverage, unless it only says the numbers in words."""
    coverage = found.get("annotation_coverage", {})
    if (
        said
        and isinstance(coverage, dict)
        and "description" not in coverage
        and said != coverage_text(coverage)[0]
    ):
        found["annotation_coverage"] = coverage | {"description": said}


def _class(reader: Reader, entity: Entity, at: Tokens) -> Plain:
    reader.note(at, entity)
    found: dict[str, Any] = texts_of(entity, {"name": "name", "id": "termCode"})
    if re.fullmatch(r"-?\d{1,18}", str(found.get("id", ""))):
        found["id"] = int(found["id"])
    for key, number, text in addresses(entity, "schema:sameAs"):
        found["ontology_id"] = text
        entity.take(key, number)
        break
    reader.fill(found, entity)
    return found


def _file_level(reader: Reader, entity: Entity, at: Tokens) -> Plain:
    reader.note(at, entity)
    found: Plain = texts_of(entity, FILE_LEVEL)
    found["annotation_type"] = entity.texts("schema:additionalType")
    reader.fill(found, entity)
    return {field: value for field, value in found.items() if value not in (None, [])}


def tell_circles(reader: Reader) -> None:
    """Tell of datasets that are parts of themselves."""
    state: dict[str, bool] = {}
    for start in list(reader.graph.entities.values()):
        if start.id in state or not start.has("schema:hasPart"):
            continue
        stack: list[tuple[Entity, list[Entity]]] = [(start, _inner(reader, start))]
        state[start.id] = True
        while stack:
            entity, rest = stack[-1]
            if not rest:
                state[entity.id] = False
                stack.pop()
                continue
            child = rest.pop()
            if state.get(child.id):
                message = f"{child.id[:200]!r} is a part of itself by hasPart"
                reader.graph.findings.append(told("E008", message))
                return
            if child.id not in state:
                state[child.id] = True
                stack.append((child, _inner(reader, child)))


def _inner(reader: Reader, entity: Entity) -> list[Entity]:
    found = [
        reader.graph.at(value) for _, _, value in entity.values("schema:hasPart") if isinstance(value, dict)
    ]
    return [one for one in found if one is not None and one.id]
