"""What a letter asks for over samples, imaging and files."""

# ruff: noqa: ARG001 - every ask is called with the record and the findings

from __future__ import annotations

import re
from collections.abc import Sequence

from micrographia.catalogue.triage.asking import Ask, told_by_rule
from micrographia.catalogue.triage.record import Record, index, joined, one_line, plural, quoted
from micrographia.checks.wording import is_placeholder
from micrographia.dataset import FileRow
from micrographia.findings import Finding, Level
from micrographia.metadata.terms import find_method, find_organism

_MADE = re.compile(
    r"\b(simulat|synthetic|artificial|in silico|phantom|beads?\b|not applicable|no organism)", re.IGNORECASE
)


def organism(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for organisms with taxa, known ones at once; simulated data have none."""
    if not record.mifa.biosamples:
        return "Please name the organism with its NCBI taxon, for example Homo sapiens, NCBITaxon:9606."
    asked = []
    names: dict[str, str] = {}
    nameless = 0
    for finding in findings:
        at = index(finding.field, "biosamples")
        sample = record.mifa.biosamples[at] if at is not None and at < len(record.mifa.biosamples) else None
        held = sample.organism if sample else None
        name = (held.scientific_name or held.common_name or "") if held else ""
        if sample and _MADE.search(f"{name} {sample.title or ''} {sample.biological_entity or ''}"):
            continue
        if name and not is_placeholder(name):
            species = find_organism(name)
            names[one_line(name)] = species.taxon if species else ""
        else:
            nameless += 1
    known = [f"{quoted(name, 50)} is {taxon}" for name, taxon in names.items() if taxon]
    others = [quoted(name, 50) for name, taxon in names.items() if not taxon]
    why = "By it people find the organism under all its names."
    if known:
        asked.append(f"Please add the number of the NCBI taxonomy: {joined(known, 3)}. {why}")
    if others:
        look = f"for {joined(others, 3)} at https://www.ncbi.nlm.nih.gov/taxonomy."
        asked.append(
            f"It can be looked up {look}" if known else f"Please look up the NCBI taxon {look} {why}"
        )
    if nameless:
        asked.append(
            f"{plural(nameless, 'sample').capitalize()} {'has' if nameless == 1 else 'have'} no organism yet."
        )
    return " ".join(asked)


def method(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for imaging methods with their terms."""
    names: dict[str, str] = {}
    nameless = 0
    for finding in findings:
        at = index(finding.field, "image_acquisitions")
        held = record.mifa.image_acquisitions
        value = held[at].imaging_method if at is not None and at < len(held) else None
        name = value.value if value is not None else None
        if name and not is_placeholder(name):
            if not _MADE.search(name):
                found = find_method(name)
                same = found is not None and found.name.lower() == one_line(name).lower()
                names[one_line(name)] = f"{found.fbbi}{'' if same else f' ({found.name})'}" if found else ""
        else:
            nameless += 1
    parts = []
    known = [f"{quoted(name, 50)} is {term}" for name, term in names.items() if term]
    others = [quoted(name, 50) for name, term in names.items() if not term]
    why = "By it people find the images whatever they call the method."
    if known:
        parts.append(f"Please add the term of the FBbi ontology: {joined(known, 3)}. {why}")
    if others:
        look = f"for {joined(others, 3)} at https://www.ebi.ac.uk/ols4/ontologies/fbbi."
        parts.append(f"It can be looked up {look}" if known else f"Please look up the term {look} {why}")
    if nameless:
        parts.append("Please name the imaging method, for example confocal microscopy.")
    return " ".join(parts)


def thin(what: str, attribute: str, of: str) -> Ask:
    """Return an ask for a text of samples, specimens or acquisitions."""

    def ask(record: Record, findings: Sequence[Finding]) -> str:
        held = getattr(record.mifa, of)
        said = []
        for finding in findings:
            at = index(finding.field, of)
            if at is not None and at < len(held):
                said.append((held[at], getattr(held[at], attribute)))
        made = [one for one, _ in said if _MADE.search(f"{getattr(one, 'title', '') or ''}")]
        if said and len(made) == len(said):
            return ""
        if findings[0].level is Level.PRESENT and said and said[0][1]:
            return f"{quoted(said[0][1], 60)} says little; please {what}."
        several = f", for {plural(len(findings), 'entry', 'entries')}" if len(findings) > 1 else ""
        return f"Please {what}{several}."

    return ask


def associations(record: Record, findings: Sequence[Finding]) -> str:
    """Ask about names that lead nowhere."""
    first = findings[0]
    name, kind = str(first.evidence.get("name", "")), str(first.evidence.get("kind", "")).replace("_", " ")
    near = re.fullmatch(r"did you mean (.*)\?", first.fix)
    own = f" Is it {quoted(near[1], 60)}?" if near else ""
    more = (
        f" {plural(len(findings) - 1, 'more name').capitalize()} of this kind." if len(findings) > 1 else ""
    )
    return f"A study component refers to the {kind} {quoted(name, 60)}, and no section has that title.{own}{more}"


def components(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for descriptions of study components."""
    numbers = [at for finding in findings if (at := index(finding.field, "study_components")) is not None]
    held = record.mifa.study_components
    names = [
        quoted(held[at].name or "", 50) for at in dict.fromkeys(numbers) if at < len(held) and held[at].name
    ]
    return f"Please say in a sentence what the images of {joined(names, 3) or 'each component'} show."


def component_files(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for files of components."""
    names = [str(finding.evidence["component"]) for finding in findings if finding.evidence.get("component")]
    if names:
        named = joined([quoted(one, 50) for one in names], 3)
        return f"No file belongs to the study component {named}. Please add its file list."
    return told_by_rule(record, findings)


def images_listed(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for a list of images."""
    if findings[0].level is Level.ABSENT and not record.images:
        if len(record.facts.rows):
            number = len(record.facts.rows)
            none = "it is no image" if number == 1 else "none of them is an image"
            return (
                f"The record lists {plural(number, 'file')}, and {none}. If images belong to it, please add them to a "
                "file list."
            )
        return "No file list came with the record. Please add one for each study component: one line a file."
    return told_by_rule(record, findings)


def names_of_files(record: Record, findings: Sequence[Finding]) -> str:
    """Ask to rename files, with the first as an example."""
    rows = _rows(record, findings)
    if not rows:
        return told_by_rule(record, findings)
    first = rows[0]
    better = re.sub(r"[^A-Za-z0-9!\-_.*'()/]+", "_", first.path)
    return (
        f"{plural(len(findings), 'path').capitalize()} in the file list {'has' if len(findings) == 1 else 'have'} "
        f"characters that break addresses and programs. The first: {quoted(first.path, 80)} could be "
        f"{quoted(better, 80)}. The file and its line must change together."
    )


def sources(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for the images of annotations."""
    rows = _rows(record, findings)
    number = len(findings)
    files = plural(number, "annotation file")
    if rows and not rows[0].source:
        return (
            f"{files.capitalize()} {'says' if number == 1 else 'say'} of no image, the first of them "
            f"{quoted(rows[0].path, 70)}. The column source image leads from a mask to its image."
        )
    own = f" {quoted(rows[0].path, 60)} names {quoted(rows[0].source, 60)}." if rows else ""
    return f"{files.capitalize()} {'names' if number == 1 else 'name'} an image that is not in the file lists.{own}"


def cells_of_annotations(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for set and type of annotation files."""
    rows = _rows(record, findings)
    lacks = sorted(
        {
            name
            for row in rows
            for name, cell in (("set of annotations", row.set), ("annotation type", row.type))
            if not cell
        }
    )
    if lacks == ["annotation type"] and any(not held.annotation_type for held in record.mifa.annotations):
        return ""  # with the type of the set it is said
    number = plural(len(findings), "annotation file").capitalize()
    lacking = joined(lacks) or "type"
    return f"{number} {'has' if len(findings) == 1 else 'have'} no {lacking} in the list."


def same_file(record: Record, findings: Sequence[Finding]) -> str:
    """Ask about files that are listed twice."""
    own = str(findings[0].evidence.get("file", ""))
    which = f", for example {quoted(own, 80)}" if own else ""
    number = plural(len(findings), "line").capitalize()
    verb = "names" if len(findings) == 1 else "name"
    return f"{number} of the file lists {verb} a file that stands there already{which}."


def lines(record: Record, findings: Sequence[Finding]) -> str:
    """Ask to mend lines of the file list."""
    own = one_line(findings[0].message)
    number = plural(len(findings), "line").capitalize()
    return f"{number} of the file list cannot be read as it should; the first: {own}."


def many_to_one(record: Record, findings: Sequence[Finding]) -> str:
    """Ask why an image has several annotation files."""
    count = sum(int(finding.evidence.get("count", 1)) for finding in findings)
    image = next(iter(findings[0].evidence.get("images", [])), "")
    return (
        f"{plural(count, 'image').capitalize()} {'has' if count == 1 else 'have'} several annotation files, for "
        f"example {quoted(str(image), 60)}. Please say what they are: a file for each object, person, class or plane?"
    )


def splits(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for splits."""
    return "A column that says which images are for training and which for test makes scores on the data comparable."


def groups(record: Record, findings: Sequence[Finding]) -> str:
    """Ask which images belong together."""
    return (
        "A column that says which images are of one donor, slide or plate lets others split the data fairly."
    )


def deposited(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for the address of the deposition."""
    return "Please add the address under which the data lie in a public archive, as soon as there is one."


def formats(record: Record, findings: Sequence[Finding]) -> str:
    """Ask for open formats."""
    names = sorted({row.path.rsplit(".", 1)[-1].lower() for row in record.facts.rows if "." in row.path})
    return (
        f"Some files are in a format of one maker's program (the list has {joined([f'.{one}' for one in names[:4]])}). "
        "If you can export them as OME-TIFF or OME-Zarr, everybody can open them."
    )


def _rows(record: Record, findings: Sequence[Finding]) -> list[FileRow]:
    wanted = {finding.line for finding in findings[:50]}
    return [row for row in record.facts.rows if row.line in wanted][:50]


ASKS: dict[str, Ask] = {
    "M040": organism,
    "M041": thin("say which tissue, cell type or structure was imaged", "biological_entity", "biosamples"),
    "M042": thin(
        "say how the samples were fixed, cut, stained and mounted", "sample_preparation", "specimens"
    ),
    "M043": method,
    "M044": thin(
        "name the microscope, objective (magnification and aperture) and camera",
        "imaging_instrument",
        "image_acquisitions",
    ),
    "M045": thin(
        "give wavelengths, exposure, pixel size and step in z",
        "image_acquisition_parameters",
        "image_acquisitions",
    ),
    "M046": components,
    "M047": associations,
    "A003": deposited,
    "A004": splits,
    "A005": groups,
    "F001": formats,
    "L001": lines,
    "L007": same_file,
    "L010": images_listed,
    "L013": names_of_files,
    "L015": cells_of_annotations,
    "L016": sources,
    "L017": many_to_one,
    "L019": component_files,
}
"""Code of a rule to what a letter asks for."""
