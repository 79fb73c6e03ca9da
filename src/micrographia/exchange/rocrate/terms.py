"""The terms of RO-Crate 1.1 and of the BioImage Archive's two dialects: names and addresses.

Facts from the archive's published models and context (``http://bia/``), the RO-Crate 1.1 specification, and CSV on the
Web.
"""

from __future__ import annotations

DOCUMENT = "ro-crate-metadata.json"
FILE_LIST = "file_list.tsv"
MEMBER_LIST = "file_list_members.tsv"
ROOT = "./"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
CONTEXT = f"{SPECIFICATION}/context"

PREFIXES: dict[str, str] = {
    "schema": "http://schema.org/",
    "bia": "http://bia/",
    "csvw": "http://www.w3.org/ns/csvw#",
    "dct": "http://purl.org/dc/terms/",
    "dwc": "http://rs.tdwg.org/dwc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
}
"""Short names of vocabularies, as they are used below."""

_BIA = (
    "acknowledgement annotationCoverage annotationCriteria annotationMethod annotationSourceIndicator "
    "associatedAnnotationMethod associatedBiologicalEntity associatedCreationProcess "
    "associatedImageAcquisitionProtocol associatedProtocol authorNames biologicalEntityDescription "
    "channelBiologicalEntity channelContentDescription experimentalVariableDescription "
    "extrinsicVariableDescription fbbiId featuresAnalysed fiducialsUsed growthProtocol imageAcquisitionProtocol "
    "imagingInstrumentDescription imagingMethodName imagingPreparationProtocol inputImage "
    "intrinsicVariableDescription protocol publicationYear pubmedId relatedPublication resultOf role "
    "signalChannelInformation signalContrastMechanismDescription spatialInformation subject "
    "transformationDescription transformationMatrix website yearPublished associationFileMetadata"
).split()

TERMS: dict[str, str] = {
    **{name: f"bia:{name}" for name in _BIA},
    "associatedImageAnalysisMethod": "bia:associatedAnalysisMethod",
    "associatedImageCorrelationMethod": "bia:associatedCorrelationMethod",
    "associatedSourceImage": "bia:associatedSourceImage",
    "associatedSpecimen": "bia:associatedSubject",
    "associatedSpecimenImagingPreparationProtocol": "bia:associatedImagingPreparationProtocol",
    "biologicalEntity": "bia:sampleOf",
    "methodType": "bia:annotationMethodType",
    "channelLabel": "dct:identifier",
    "commonName": "dwc:vernacularName",
    "scientificName": "dwc:scientificName",
    "organismClassification": "schema:taxonomicRange",
    "accessionId": "schema:identifier",
    "doi": "schema:identifier",
    "keyword": "schema:keywords",
    "licence": "schema:license",
    "link": "schema:url",
    "linkDescription": "schema:description",
    "protocolDescription": "schema:description",
    "title": "schema:name",
    "label": "schema:name",
    "displayName": "schema:name",
    "contributor": "schema:author",
    "contactEmail": "schema:email",
    "seeAlso": "rdfs:seeAlso",
    "funding": "schema:funding",
    "conformsTo": "dct:conformsTo",
    "hasVersion": "dct:hasVersion",
    "sha256": "schema:sha256",
    "tableSchema": "csvw:tableSchema",
    "column": "csvw:column",
    "columnName": "csvw:name",
    "propertyUrl": "csvw:propertyUrl",
    "aboutUrl": "csvw:aboutUrl",
    "affiliation": "schema:memberOf",
}
"""Name in a crate to what it means, where that is not the word of schema.org of the same name."""

SAME: dict[str, str] = {
    "schema:affiliation": "schema:memberOf",
    "schema:creator": "schema:author",
    "schema:contributor": "schema:author",
    "schema:citation": "bia:relatedPublication",
    "bia:commonName": "dwc:vernacularName",
    "bia:scientificName": "dwc:scientificName",
    "bia:organismClassification": "schema:taxonomicRange",
    "bia:yearPublished": "bia:publicationYear",
    "bia:sourceImageLabel": "bia:associatedSourceImage",
    "bia:sourceImagePath": "bia:associatedSourceImage",
    "bia:methodType": "bia:annotationMethodType",
    "bia:title": "schema:name",
    "dct:title": "schema:name",
    "dct:description": "schema:description",
    "dct:license": "schema:license",
}
"""Terms that say the same as another."""

KNOWN_CONTEXTS = tuple(
    f"{scheme}://{place}"
    for scheme in ("https", "http")
    for place in (
        *(f"w3id.org/ro/crate/{version}/context" for version in ("1.0", "1.1", "1.2", "1.3")),
        *(f"w3id.org/ro/crate/{version}-DRAFT/context" for version in ("1.1", "1.2", "1.3")),
        "schema.org",
        "schema.org/",
    )
)
"""Addresses of contexts whose terms are built in."""

DIALECTS = ("title", "name")
"""The archive's two dialects, by what they call a protocol; the first is written by default."""

_PROTOCOL = {"name": "title", "description": "protocolDescription"}
_AGENT = {"name": "displayName", "memberOf": "affiliation", "email": "contactEmail"}
RENAMED: dict[str, dict[str, str]] = {
    "bia:Study": {"author": "contributor", "keywords": "keyword"},
    "bia:MifaDataset": {"author": "contributor"},
    "bia:Contributor": _AGENT,
    "bia:Affiliation": _AGENT,
    "bia:FundingBody": _AGENT,
    "bia:Publication": {"name": "title"},
    "bia:BioSample": {"name": "title"},
    "bia:Protocol": _PROTOCOL,
    "bia:SpecimenImagingPreparationProtocol": _PROTOCOL,
    "bia:ImageAcquisitionProtocol": _PROTOCOL,
    "bia:AnnotationMethod": _PROTOCOL,
    "bia:ImageAnalysisMethod": _PROTOCOL,
    "bia:ImageCorrelationMethod": _PROTOCOL,
    "bia:AnnotationData": {"name": "label"},
}
"""Type to what the first dialect calls its properties; the second has the names of schema.org."""

_FIRST_ALONE = {"contributor", "keyword", "displayName", "affiliation", "contactEmail", "title", "label",
                "protocolDescription"}  # fmt: skip
_READ_ALONE = {"licence", "link", "linkDescription", "yearPublished", "conformsTo", "associationFileMetadata"}


def compact(address: str) -> str:
    """Return the address of a term in short (``bia:role``), one of those that mean the same."""
    if address.startswith("https://schema.org/"):
        address = "http" + address.removeprefix("https")
    for prefix, base in PREFIXES.items():
        if address.startswith(base):
            address = f"{prefix}:{address.removeprefix(base)}"
            break
    return SAME.get(address, address)


def full(term: str) -> str:
    """Return the address of a term that is written in short."""
    prefix, _, rest = term.partition(":")
    return PREFIXES[prefix] + rest if prefix in PREFIXES else term


def written_context(dialect: str) -> dict[str, str]:
    """Return the terms that a crate in a dialect defines for itself, sorted: prefixes, then names."""
    left_out = _READ_ALONE if dialect == DIALECTS[0] else _READ_ALONE | _FIRST_ALONE
    prefixes = {name: PREFIXES[name] for name in ("bia", "csvw", "dct", "dwc", "rdfs", "schema")}
    terms = {name: TERMS[name] for name in sorted(TERMS) if name not in left_out}
    return prefixes | terms
