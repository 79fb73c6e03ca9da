"""The MIFA description of an annotated dataset: annotation sets and what belongs to them; the root of ``mifa.yaml``."""

from __future__ import annotations

from typing import ClassVar

from micrographia.metadata.fields import (
    AnnotationTypeText,
    DateText,
    LengthUnit,
    LicenceText,
    MaskKind,
    OntologyId,
    Record,
    Shown,
    about,
)
from micrographia.metadata.rembi import (
    Biosample,
    ImageAcquisition,
    ImageAnalysis,
    ImageCorrelation,
    Specimen,
    StudyComponent,
)
from micrographia.metadata.study import Author, Study, Version

FORMAT = 1
"""The version of ``mifa.yaml`` that this package writes."""

ASK, HIDE = Shown.ASK, Shown.HIDE


class Coverage(Record):
    """How much of the data is annotated."""

    text_field: ClassVar[str] = "description"

    annotated: float | None = about("How many are annotated.", 40, show=ASK)
    total: float | None = about("How many there are.", 254, show=ASK)
    unit: str | None = about("What is counted.", "images", show=ASK)
    description: str | None = about(
        "Which ones, and why the others are not.", "every tenth slice", also="text,comment"
    )


class Target(Record):
    """What the annotators drew: what one object is, and where its border lies."""

    text_field: ClassVar[str] = "object"

    object: str | None = about("What one object is.", "nucleus", show=ASK)
    boundary: str | None = about(
        "Where its border lies, and what is inside.",
        "outer edge of the DAPI signal; membrane not included",
        show=ASK,
    )
    touching: str | None = about(
        "How touching objects are told apart.", "one pixel of background between them", show=ASK
    )
    cut_by_border: str | None = about(
        "What was done with objects cut by the edge of the image.", "annotated as far as visible", show=ASK
    )
    out_of_focus: str | None = about("What was done with objects out of focus.", "left out", show=ASK)


class AnnotationClass(Record):
    """A class of objects."""

    text_field: ClassVar[str] = "name"
    key_field: ClassVar[str] = "id"

    id: int | None = about("The number that stands for it in masks and tables.", 1, also="class_id,value")
    name: str | None = about("Its name.", "fibroblast", also="label,class,class_name")
    ontology_id: OntologyId | None = about(
        "A term for it in an ontology.", "CL:0000057", also="ontology_term,term"
    )


class FileLevelRecord(Record):
    """What is said about one annotation file."""

    key_field: ClassVar[str] = "annotation_id"

    annotation_id: str | None = about(
        "The annotation file, or its id.", "masks/a1.tif", also="id,file,annotation"
    )
    annotation_type: list[AnnotationTypeText] = about(
        "What kind of annotation it holds.", "segmentation_mask", also="type,annotation_types", many=True
    )
    source_image_id: str | None = about(
        "The image that was annotated.", "images/a1.tif", also="source_image,image"
    )
    transformations: str | None = about(
        "What maps it onto the image.", "rotated by 90 degrees", also="transformation"
    )
    spatial_information: str | None = about(
        "Where in the image it lies, if it is no image.", "y and x in pixels"
    )
    annotation_creation_time: DateText | None = about("When it was made.", "2021-04-11", also="creation_time")


class AnnotationSet(Record):
    """One kind of annotation of the images, made in one way."""

    key_field: ClassVar[str] = "name"

    name: str | None = about(
        "Short name; files.tsv refers to it.", "nuclei", also="id,set,annotation_set", show=ASK
    )
    annotation_overview: str | None = about(
        "What was annotated and how, in a sentence.",
        "Masks of nuclei, predicted by a model and corrected by experts",
        also="overview",
        show=ASK,
    )
    annotation_type: list[AnnotationTypeText] = about(
        "segmentation_mask, bounding_boxes, point_annotations, class_labels, counts, tracks, graphs, "
        "geometrical_annotations, derived_annotations, weak_annotations or other.",
        ["segmentation_mask"],
        also="type,annotation_types,types",
        show=ASK,
        many=True,
    )
    annotation_method: str | None = about(
        "Who or what made them, with which software, and how they were checked.",
        "Drawn by two biologists in QuPath 0.5, disputes settled by a pathologist",
        also="method",
        show=ASK,
    )
    annotation_confidence_level: str | None = about(
        "How far they can be trusted.",
        "two annotators agree with an IoU of 0.9 on 25 nuclei",
        also="confidence_level,confidence,annotation_confidence",
        show=ASK,
    )
    annotation_criteria: str | None = about(
        "The rules that were followed.",
        "Only intact nuclei in focus are annotated",
        also="criteria",
        show=ASK,
    )
    annotation_coverage: Coverage | None = about(
        "How much of the data is annotated.", None, also="coverage", show=ASK
    )
    source_image_association: str | None = about(
        "How an annotation is matched to its image.",
        "same file name in images/ and masks/",
        also="source_image",
        show=ASK,
    )
    transformations: str | None = about(
        "What must be done to lay an annotation over its image.", "none", also="transformation", show=ASK
    )
    spatial_information: str | None = about(
        "For annotations that are no images: in which coordinates they are.",
        "boxes in pixels, origin at the top left",
        show=ASK,
    )
    annotation_completion_time: DateText | None = about(
        "When the annotations were finished.",
        "2023-01-17",
        also="completion_time,annotation_creation_time",
        show=ASK,
    )
    authors: list[Author] = about(
        "Who annotated: names, or entries like those of the authors of the study.",
        ["Robert Hooke"],
        also="author",
        show=ASK,
        many=True,
    )
    annotators: list[str] = about(
        "Experience of each annotator, in the order of their numbers in the tables.",
        "pathologist, 15 years",
        also="annotator",
        many=True,
    )
    license: LicenceText | None = about(
        "Licence, if it differs from the study's.", "CC-BY-4.0", also="licence"
    )
    target: Target | None = about("What exactly was outlined.", None, also="target_semantics", show=ASK)
    mask_kind: MaskKind | None = about(
        "What a pixel value means: a number per object (instance), a class (semantic), or foreground (binary).",
        "instance",
        also="mask_type,kind",
    )
    classes: list[AnnotationClass] = about(
        "The classes, with their numbers.", None, also="class,labels", many=True
    )
    file_metadata: list[FileLevelRecord] = about(
        "What holds for single files only.", None, also="files,file_level_metadata", show=HIDE, many=True
    )


class VoxelSize(Record):
    """The size of a voxel, decided by a person."""

    z: float | None = about("Step between slices.", 0.5)
    y: float | None = about("Height of a pixel.", 0.1)
    x: float | None = about("Width of a pixel.", 0.1)
    unit: LengthUnit | None = about("Unit of length, by its full name.", "micrometer")


class Waiver(Record):
    """A finding of ``micrographia check`` that was looked at and accepted, with the reason; it is shown publicly."""

    text_field: ClassVar[str] = "code"
    key_field: ClassVar[str] = "code"

    code: str | None = about("Code of the rule.", "P004", also="rule")
    reason: str | None = about(
        "Why it does not apply.", "the masks are foreground masks on purpose", also="why"
    )
    path: str | None = about(
        "The file that it is about; every file if it is left out.", "masks/a1.png", also="file"
    )


class Mifa(Record):
    """The description of a dataset: what ``mifa.yaml`` holds."""

    micrographia_format: int = about(
        "Version of this form; leave it as it is.", FORMAT, also="format", default=FORMAT, show=ASK
    )
    study: Study = about("What the dataset is about.", None, show=ASK, factory=Study)
    annotations: list[AnnotationSet] = about(
        "The annotations: one entry for each kind that was made in its own way.",
        None,
        also="annotation,annotation_sets",
        show=ASK,
        many=True,
    )
    biosamples: list[Biosample] = about(
        "What was imaged.", None, also="biosample,samples", show=ASK, many=True
    )
    specimens: list[Specimen] = about(
        "How the samples were prepared.", None, also="specimen", show=ASK, many=True
    )
    image_acquisitions: list[ImageAcquisition] = about(
        "How the images were taken.",
        None,
        also="image_acquisition,acquisition,acquisitions",
        show=ASK,
        many=True,
    )
    image_correlations: list[ImageCorrelation] = about(
        "How images from several microscopes fit together.", None, also="image_correlation", many=True
    )
    image_analyses: list[ImageAnalysis] = about(
        "How the images were analysed.", None, also="image_analysis", many=True
    )
    study_components: list[StudyComponent] = about(
        "Parts of the study whose images belong together.", None, also="study_component,components", many=True
    )
    voxel_size: VoxelSize | None = about(
        "The true voxel size, where the files say nothing or disagree.", None, also="voxel,pixel_size"
    )
    versions: list[Version] = about(
        "Releases of the dataset, the newest last.", None, also="version", show=ASK, many=True
    )
    waivers: list[Waiver] = about(
        "Findings of micrographia check that you looked at and accept; shown publicly.",
        None,
        also="waiver",
        many=True,
    )
