"""Columns of the archive's file list, and which column of ``files.tsv`` each is."""

from __future__ import annotations

PATH, SIZE, PART_OF, TYPE = "file_path", "size_in_bytes", "dataset", "type"
LABEL, SOURCE_IMAGE = "label", "source_image_label"
METHOD, SPECIMEN = "associated_annotation_method", "associated_specimen"

PROPERTIES: dict[str, str] = {
    PATH: "http://bia/filePath",
    SIZE: "http://bia/sizeInBytes",
    PART_OF: "http://schema.org/isPartOf",
    TYPE: "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    LABEL: "http://schema.org/name",
    SOURCE_IMAGE: "http://bia/sourceImageLabel",
    METHOD: "http://bia/associatedAnnotationMethod",
    SPECIMEN: "http://bia/associatedSubject",
}
"""Column of the archive to what its ``propertyUrl`` says it is."""

IMAGE, ANNOTATION = "http://bia/Image", "http://bia/AnnotationData"

OWN = "source:"
"""What a column of ours is called before its name where the archive has a column of that name."""


def written_name(name: str) -> str:
    """Return what a column that the archive does not know is called in the file list.

    Examples
    --------
    >>> written_name("split"), written_name("label")
    ('split', 'source:label')
    """
    return OWN + name if name in PROPERTIES or name.startswith(OWN) else name


def read_name(name: str) -> str:
    """Return the column that :func:`written_name` called so."""
    return name.removeprefix(OWN)
