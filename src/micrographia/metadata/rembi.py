"""The REMBI modules: which samples were imaged, how they were prepared, and with what."""

from __future__ import annotations

from typing import ClassVar

from micrographia.metadata.fields import OntologyId, Record, Shown, Taxon, about

ASK, HIDE = Shown.ASK, Shown.HIDE


class Association(Record):
    """Which sample, preparation and acquisition belong together, by their names."""

    text_field: ClassVar[str] = "biosample"

    biosample: str | None = about("Name of the biosample.", "HaCaT cells")
    specimen: str | None = about("Name of the specimen.", "Fixed cells on slides")
    image_acquisition: str | None = about(
        "Name of the acquisition.", "Widefield fluorescence", also="acquisition"
    )
    image_correlation: str | None = about("Name of the correlation.", "Light and electron microscopy")
    image_analysis: str | None = about("Name of the analysis.", "Counting nuclei")


class StudyComponent(Record):
    """A part of the study whose images belong together."""

    text_field: ClassVar[str] = "name"
    key_field: ClassVar[str] = "name"

    name: str | None = about("What this part of the study is called.", "Cultured cells", also="title")
    description: str | None = about(
        "What its images show and why they belong together.", "HaCaT cells on slides, stained with DAPI"
    )
    associations: list[Association] = about(
        "Which samples, specimens and acquisitions its images are of; left out where there is one of each.",
        None,
        also="association",
        show=HIDE,
        many=True,
    )


class Organism(Record):
    """The species of a sample."""

    text_field: ClassVar[str] = "scientific_name"

    scientific_name: str | None = about(
        "Name of the species.", "Homo sapiens", also="species,name,latin_name", show=ASK
    )
    ncbi_taxon: Taxon | None = about(
        "Its number in the NCBI taxonomy.",
        "NCBITaxon:9606",
        also="taxon,taxon_id,ncbi_taxon_id,ncbi_taxonomy_id",
        show=ASK,
    )
    common_name: str | None = about("What it is called every day.", "human")


class Biosample(Record):
    """What was imaged."""

    text_field: ClassVar[str] = "description"

    title: str | None = about("What it is called where the study has several.", "HaCaT cells", show=HIDE)
    organism: Organism | None = about("The species.", None, show=ASK)
    biological_entity: str | None = about(
        "The tissue, cell type or structure that was imaged.", "keratinocyte cell line HaCaT", show=ASK
    )
    description: str | None = about("The sample in a sentence.", "Confluent layer of wild-type cells")
    intrinsic_variables: list[str] = about(
        "What the sample is by itself and differs by.", "genotype", also="intrinsic_variable", many=True
    )
    extrinsic_variables: list[str] = about(
        "What was done to the sample.", "treated with 1 uM nocodazole", also="extrinsic_variable", many=True
    )
    experimental_variables: list[str] = about(
        "What was varied on purpose.", "dose", also="experimental_variable", many=True
    )


class ChannelContent(Record):
    """What one channel of the images shows."""

    text_field: ClassVar[str] = "content"
    key_field: ClassVar[str] = "name"

    name: str | None = about(
        "The channel as the files call it; left out where images have one channel without a name.",
        "C1",
        also="channel,id",
    )
    content: str | None = about("The stain or label.", "DAPI", also="stain,label,marker,channel_content")
    biological_entity: str | None = about(
        "What the stain or label marks.", "nucleus", also="entity,target,channel_biological_entity"
    )
    role: str | None = about(
        "What the channel is to a model, in one word of the vocabulary of channel roles.",
        "nucleus",
        also="channel_role",
    )


class Specimen(Record):
    """How the sample was prepared for the microscope."""

    text_field: ClassVar[str] = "sample_preparation"

    title: str | None = about(
        "What it is called where the study has several.", "Fixed cells on slides", show=HIDE
    )
    sample_preparation: str | None = about(
        "Fixing, sectioning, staining, mounting.",
        "Fixed in 4% formaldehyde, nuclei stained with DAPI",
        also="sample_preparation_protocol,preparation",
        show=ASK,
    )
    growth_protocol: str | None = about(
        "How the sample was grown.", "DMEM with 10% serum, 37 degrees, 5% CO2"
    )
    channels: list[ChannelContent] = about(
        "What each channel shows, where its name does not say so.",
        None,
        also="channel,channel_content",
        show=HIDE,
        many=True,
    )


class ImagingMethod(Record):
    """An imaging method with its term in an ontology."""

    text_field: ClassVar[str] = "value"

    value: str | None = about(
        "Name of the method.", "spinning disk confocal microscopy", also="name,label", show=ASK
    )
    ontology_name: str | None = about(
        "The ontology that has a term for it.", "FBbi", also="ontology", show=HIDE
    )
    ontology_id: OntologyId | None = about(
        "Its term; look it up at https://www.ebi.ac.uk/ols4/ontologies/fbbi",
        "FBbi:00000253",
        also="ontology_term,fbbi_id,fbbi,term",
        show=ASK,
    )


class ImageAcquisition(Record):
    """How the images were taken."""

    text_field: ClassVar[str] = "imaging_instrument"

    title: str | None = about(
        "What it is called where the study has several.", "Widefield fluorescence", show=HIDE
    )
    imaging_method: ImagingMethod | None = about("The method.", None, show=ASK)
    imaging_instrument: str | None = about(
        "Microscope, objective, camera.",
        "Zeiss Axioplan II with a 63x/1.4 oil objective",
        also="instrument,microscope,imaging_instrument_description",
        show=ASK,
    )
    image_acquisition_parameters: str | None = about(
        "Excitation, emission, exposure, pixel size, step in z.",
        "DAPI at 405 nm, 100 ms, 0.1 micrometer pixels",
        also="parameters,acquisition_parameters,image_acquisition_parameter",
        show=ASK,
    )


class ImageCorrelation(Record):
    """How images of one sample from several microscopes fit onto each other."""

    text_field: ClassVar[str] = "spatial_and_temporal_alignment"

    title: str | None = about(
        "What it is called where the study has several.", "Light and electron microscopy", show=HIDE
    )
    spatial_and_temporal_alignment: str | None = about(
        "How the images were aligned.", "Manually, by three landmarks", also="alignment"
    )
    fiducials_used: str | None = about("The marks used for it.", "gold beads of 100 nm", also="fiducials")
    transformation_matrix: str | None = about(
        "The matrix that maps one image onto the other.", "see alignment.txt", also="matrix"
    )


class ImageAnalysis(Record):
    """How the images were analysed."""

    text_field: ClassVar[str] = "analysis_overview"

    title: str | None = about("What it is called where the study has several.", "Counting nuclei", show=HIDE)
    analysis_overview: str | None = about(
        "What was computed from the images, and with what.",
        "Nuclei were counted with the masks of this dataset",
        also="overview,description",
    )
