"""Rules over the REMBI modules: what was imaged, how it was prepared, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import TextRule
from micrographia.checks.wording import is_placeholder
from micrographia.dataset import Dataset
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import update
from micrographia.metadata.fields import specs
from micrographia.metadata.rembi import Biosample, ImageAcquisition, ImagingMethod, Organism, Specimen
from micrographia.metadata.terms import find_method, find_organism


class OrganismGiven(Rule):
    """Every sample names its organism with its NCBI taxon.

    What it does
    ------------
    Asks for at least one biosample, and for ``scientific_name`` and ``ncbi_taxon`` of its organism. A well-known name
    whose taxon is another one is reported.

    Why it matters
    --------------
    People search by organism. Names change and are misspelt; the taxon number does not.

    Example
    -------
    ``human`` finds less than ``Homo sapiens`` with ``NCBITaxon:9606``.

    How to fix
    ----------
    Look the number up at https://www.ncbi.nlm.nih.gov/taxonomy. ``--fix`` writes it for organisms common in microscopy.

    References
    ----------
    REMBI, Biosample: organism, scientific name and NCBI taxon (required).
    """

    code = "M040"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the organism of each sample."""
        if not facts.mifa.biosamples:
            yield self.finding(
                "nothing says which organism was imaged",
                **facts.at("biosamples"),
                fix="write scientific name and NCBI taxon into biosamples",
                level=Level.ABSENT,
            )
        for number, sample in enumerate(facts.mifa.biosamples):
            field = f"biosamples[{number}].organism"
            organism = sample.organism or Organism()
            name = organism.scientific_name or organism.common_name or ""
            known = find_organism(name) if name else None
            if not name or is_placeholder(name):
                yield self.finding(
                    "a sample has no organism",
                    **facts.at(f"{field}.scientific_name"),
                    fix="write the scientific name, for example Homo sapiens",
                    level=Level.ABSENT,
                )
            elif not organism.ncbi_taxon:
                yield self.finding(
                    f"the organism {name} has no NCBI taxon",
                    **facts.at(f"{field}.ncbi_taxon"),
                    fix=f"write {known.taxon}"
                    if known
                    else "look it up at https://www.ncbi.nlm.nih.gov/taxonomy",
                    fixable=known is not None,
                    level=Level.PRESENT,
                )
            elif not organism.scientific_name:
                yield self.finding(
                    f"the organism {name} has no scientific name",
                    **facts.at(f"{field}.scientific_name"),
                    fix=f"write {known.scientific_name}" if known else "write it",
                    fixable=known is not None,
                    level=Level.PRESENT,
                )
            elif known is not None and known.taxon != organism.ncbi_taxon:
                yield self.finding(
                    f"the organism {name} has the NCBI taxon {known.taxon}, not {organism.ncbi_taxon}",
                    **facts.at(f"{field}.ncbi_taxon"),
                    fix="correct the name or the number",
                    level=Level.SPECIFIC,
                )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Write taxon and scientific name of known organisms."""
        done = []
        for finding in findings:
            index = int(finding.field.split("[")[1].split("]")[0])
            organism = dataset.mifa.biosamples[index].organism or Organism()
            known = find_organism(organism.scientific_name or organism.common_name or "")
            if known is None:
                continue
            value = known.taxon if finding.field.endswith("ncbi_taxon") else known.scientific_name
            update(dataset.path / "mifa.yaml", {finding.field: value})
            done.append(f"mifa.yaml: wrote {value} for {organism.scientific_name or organism.common_name}")
        return done


class EntityGiven(TextRule):
    """Every sample says which tissue, cell type or structure was imaged.

    What it does
    ------------
    Asks for the ``biological_entity`` of every biosample.

    Why it matters
    --------------
    A model for nuclei of cultured cells fails on tissue; the entity tells which one it is.

    Example
    -------
    ``keratinocyte cell line HaCaT``

    How to fix
    ----------
    Write it, with the name of the cell line or tissue.

    References
    ----------
    REMBI, Biosample: biological entity (required).
    """

    code = "M041"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    requires = ("M040",)
    what = "biological entity"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the field of each sample."""
        hint = specs(Biosample)["biological_entity"].example
        for number, sample in enumerate(facts.mifa.biosamples):
            field = f"biosamples[{number}].biological_entity"
            yield from self.judge(sample.biological_entity, field, " of a sample", facts, hint=hint)


class PreparationGiven(TextRule):
    """The description says how the samples were prepared.

    What it does
    ------------
    Asks for at least one specimen with a ``sample_preparation`` of three words.

    Why it matters
    --------------
    Fixing, sectioning and staining decide how an image looks; a model learns them with the biology.

    Example
    -------
    ``Fixed in 4% formaldehyde, nuclei stained with DAPI``

    How to fix
    ----------
    Write fixing, sectioning, staining and mounting into ``specimens``.

    References
    ----------
    REMBI, Specimen: sample preparation (required).
    """

    code = "M042"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    what = "sample preparation"
    least = 3

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the field of each specimen."""
        hint = specs(Specimen)["sample_preparation"].example
        for number, specimen in enumerate(facts.mifa.specimens or [Specimen()]):
            field = f"specimens[{number}].sample_preparation"
            yield from self.judge(specimen.sample_preparation, field, "", facts, hint=hint)


class MethodWithTerm(Rule):
    """Every acquisition names its imaging method with a term of an ontology.

    What it does
    ------------
    Asks for at least one entry under ``image_acquisitions``, for the name of its method, and for its ``ontology_id``.

    Why it matters
    --------------
    People search by modality, each with another word: confocal, CLSM, laser scanning. The term is one for all.

    Example
    -------
    ``confocal microscopy`` with ``FBbi:00000251``

    How to fix
    ----------
    Look the term up at https://www.ebi.ac.uk/ols4/ontologies/fbbi. ``--fix`` writes it for common methods.

    References
    ----------
    REMBI, Image acquisition: imaging method with ontology name and id (required).
    """

    code = "M043"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    fixable = True

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look at the method of each acquisition."""
        for number, acquisition in enumerate(facts.mifa.image_acquisitions or [ImageAcquisition()]):
            method = acquisition.imaging_method or ImagingMethod()
            field = f"image_acquisitions[{number}].imaging_method"
            known = find_method(method.value) if method.value else None
            if not method.ontology_id and (not method.value or is_placeholder(method.value)):
                yield self.finding(
                    "nothing says by which method the images were taken",
                    **facts.at(f"{field}.value"),
                    fix="write it, for example spinning disk confocal microscopy",
                    level=Level.ABSENT,
                )
            elif not method.ontology_id:
                yield self.finding(
                    f"the imaging method {method.value!r} has no ontology term",
                    **facts.at(f"{field}.ontology_id"),
                    fix=f"write {known.fbbi} ({known.name})"
                    if known
                    else "look it up at https://www.ebi.ac.uk/ols4/ontologies/fbbi",
                    fixable=known is not None,
                    level=Level.PRESENT,
                )

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:
        """Write the terms of known methods."""
        done = []
        for finding in findings:
            index = int(finding.field.split("[")[1].split("]")[0])
            method = dataset.mifa.image_acquisitions[index].imaging_method or ImagingMethod()
            known = find_method(method.value or "")
            if known is not None:
                update(dataset.path / "mifa.yaml", {finding.field: known.fbbi})
                done.append(f"mifa.yaml: wrote {known.fbbi} ({known.name}) for {method.value}")
        return done


class InstrumentGiven(TextRule):
    """Every acquisition says with which instrument.

    What it does
    ------------
    Asks for an ``imaging_instrument`` of at least two words.

    Why it matters
    --------------
    Objective and camera decide resolution and noise, and with them whether a model fits.

    Example
    -------
    ``Zeiss Axioplan II with a 63x/1.4 oil objective``

    How to fix
    ----------
    Write microscope, objective with magnification and aperture, and camera.

    References
    ----------
    REMBI, Image acquisition: imaging instrument (required).
    """

    code = "M044"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    what = "imaging instrument"
    least = 2

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the field of each acquisition."""
        hint = specs(ImageAcquisition)["imaging_instrument"].example
        for number, held in enumerate(facts.mifa.image_acquisitions or [ImageAcquisition()]):
            field = f"image_acquisitions[{number}].imaging_instrument"
            yield from self.judge(held.imaging_instrument, field, "", facts, hint=hint)


class ParametersGiven(TextRule):
    """Every acquisition says with which settings.

    What it does
    ------------
    Asks for ``image_acquisition_parameters`` of at least two words.

    Why it matters
    --------------
    Wavelengths, exposure, pixel size and z step are needed to compare images, and are rarely in the files.

    Example
    -------
    ``DAPI at 405 nm, 100 ms, 0.1 micrometer pixels``

    How to fix
    ----------
    Write excitation, emission, exposure, pixel size and step in z.

    References
    ----------
    REMBI, Image acquisition: image acquisition parameters (required).
    """

    code = "M045"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    what = "acquisition parameters"
    plural = True
    least = 2

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the field of each acquisition."""
        hint = specs(ImageAcquisition)["image_acquisition_parameters"].example
        for number, held in enumerate(facts.mifa.image_acquisitions or [ImageAcquisition()]):
            field = f"image_acquisitions[{number}].image_acquisition_parameters"
            yield from self.judge(held.image_acquisition_parameters, field, "", facts, hint=hint)
