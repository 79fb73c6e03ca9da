"""Who made a dataset, what it is about, and its releases: study, authors, grants, papers, versions."""

from __future__ import annotations

from typing import ClassVar

from micrographia.metadata.fields import (
    DateText,
    Doi,
    Email,
    LicenceText,
    Orcid,
    PmcId,
    PubmedId,
    Record,
    Ror,
    Shown,
    Url,
    about,
)

ASK = Shown.ASK


class Organisation(Record):
    """Where an author works."""

    text_field: ClassVar[str] = "organisation_name"

    organisation_name: str | None = about(
        "Name of the institution.",
        "University of Toronto",
        also="organization_name,name,institution",
        show=ASK,
    )
    address: str | None = about("Its address.", "27 King's College Circle, Toronto, Canada")
    ror_id: Ror | None = about("Its id at https://ror.org", "https://ror.org/03dbr7087", also="ror", show=ASK)


class Author(Record):
    """A person, or a group, who made the dataset."""

    text_field: ClassVar[str] = "name"

    author_first_name: str | None = about(
        "First name.", "Robert", also="first_name,given_name,given_names", show=ASK
    )
    author_last_name: str | None = about(
        "Last name, or the name of a group.", "Hooke", also="last_name,family_name,surname", show=ASK
    )
    email: Email | None = about(
        "E-mail address; it will be public.", "robert.hooke@example.org", also="e_mail,mail"
    )
    orcid_id: Orcid | None = about(
        "ORCID iD, so that the credit arrives: https://orcid.org",
        "https://orcid.org/0000-0002-1825-0097",
        also="orcid",
        show=ASK,
    )
    role: list[str] = about(
        "What this person did, in words of CRediT where they fit (https://credit.niso.org).",
        "data curation",
        also="roles,contribution,contributions",
        show=ASK,
        many=True,
    )
    organisation: list[Organisation] = about(
        "Where this person works.",
        None,
        also="organisations,organization,organizations,affiliation,affiliations",
        show=ASK,
        many=True,
    )

    @property
    def name(self) -> str:
        """First and last name, as far as they are known."""
        return " ".join(part for part in (self.author_first_name, self.author_last_name) if part)


class Grant(Record):
    """Money that paid for the work."""

    text_field: ClassVar[str] = "grant_id"
    key_field: ClassVar[str] = "grant_id"

    grant_id: str | None = about("Number of the grant.", "ALTF 1234-567", also="id,number")
    funder: str | None = about(
        "Who gave it.", "European Molecular Biology Organization", also="funding_body,agency"
    )


class Publication(Record):
    """A paper that goes with the dataset."""

    text_field: ClassVar[str] = "publication_title"
    key_field: ClassVar[str] = "publication_doi"

    publication_title: str | None = about(
        "Title.",
        "An annotated fluorescence image dataset for training nuclear segmentation methods",
        also="title",
    )
    publication_authors: str | None = about("Authors, as they are cited.", "Kromp et al.", also="authors")
    publication_doi: Doi | None = about("DOI.", "https://doi.org/10.1038/s41597-020-00608-w", also="doi")
    publication_year: str | None = about("Year.", "2020", also="year")
    pubmed_id: PubmedId | None = about("Number in PubMed.", "PMID:18492790", also="pmid,pubmed")
    pmc_id: PmcId | None = about("Number in PubMed Central.", "PMC7274788", also="pmcid,pmc")


class Link(Record):
    """Something on the web that belongs to the dataset."""

    text_field: ClassVar[str] = "link_url"
    key_field: ClassVar[str] = "link_url"

    link_url: Url | None = about("Address.", "https://github.com/BioImage-Archive", also="url,href,address")
    link_description: str | None = about("What is there.", "analysis code", also="description,title")
    link_type: str | None = about(
        "The archive or database that it is an entry of.", "EMPIAR", also="type", show=Shown.HIDE
    )


class Study(Record):
    """What the dataset is about, who made it, and what others may do with it."""

    title: str | None = about(
        "A title that says what is in the dataset; it is what people search.",
        "Annotated fluorescence images of nuclei from three tissues",
        also="name",
        show=ASK,
    )
    description: str | None = about(
        "What the images show, why they were taken, and what the dataset can be used for.",
        "79 images of stained nuclei with hand-drawn masks, to train segmentation of tumour tissue.",
        also="abstract,summary",
        show=ASK,
    )
    keywords: list[str] = about(
        "Words by which people will find it.",
        ["nucleus", "segmentation"],
        also="keyword,tags",
        show=ASK,
        many=True,
    )
    license: LicenceText | None = about(
        "What others may do with the data. The BioImage Archive takes CC0-1.0 and CC-BY-4.0.",
        "CC0-1.0",
        also="licence",
        show=ASK,
    )
    funding_statement: str | None = about(
        "Who paid for the work, in a sentence.",
        "Supported by the Austrian Research Promotion Agency, grant 844198.",
        also="funding",
        show=ASK,
    )
    acknowledgements: str | None = about(
        "Who else helped.", "We thank the microscopy facility.", also="acknowledgments,acknowledgement,thanks"
    )
    authors: list[Author] = about(
        "Who made the dataset, in the order of citation.", None, also="author,creators", show=ASK, many=True
    )
    grants: list[Grant] = about(
        "Grants, with number and funder.", None, also="grant,grant_references", many=True
    )
    publications: list[Publication] = about(
        "Papers about the data.", None, also="publication,papers", many=True
    )
    links: list[Link] = about(
        "Addresses of code, raw data, earlier releases.", None, also="link,urls", many=True
    )
    accession: str | None = about(
        "Its number in the archive that holds it.", "S-BIAD1492", also="accno,accession_id", show=Shown.HIDE
    )
    doi: Doi | None = about(
        "DOI of the dataset itself; those of papers stand under publications.",
        "https://doi.org/10.6019/S-BIAD1492",
        show=Shown.HIDE,
    )
    release_date: DateText | None = about(
        "When it becomes or became public.",
        "2024-11-26",
        also="private_until_date,date_published,release",
        show=Shown.HIDE,
    )
    ai_models_trained: list[Url] = about(
        "Addresses of models that were trained with the dataset.",
        "https://bioimage.io/#/?id=10.5281%2Fzenodo.6028097",
        also="ai_models,models_trained,models",
        many=True,
    )


class Version(Record):
    """A release of the dataset."""

    text_field: ClassVar[str] = "version"
    key_field: ClassVar[str] = "version"

    version: str | None = about("Number of the release.", "1.0", also="number,version_number", show=ASK)
    timestamp: DateText | None = about(
        "When it was made.", "2023-03-07T14:37:00+00:00", also="date,time,created", show=ASK
    )
    changes: str | None = about("What is new since the release before.", "Masks of image 10 corrected")
    previous_version: str | None = about("The release before, or its address.", "0.9", also="previous")
    content_sha256: str | None = about(
        "Checksum of pixels, annotations and classes, the same in every format; written by micrographia.",
        "9f86d081...",
    )
    files_sha256: str | None = about("Checksum of the files; written by micrographia.", "2c26b46b...")
