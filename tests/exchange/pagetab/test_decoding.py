"""Sections become fields; what has none is kept word for word, and named."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.pagetab.records import IMAGES, MASKS, listed, record, section, values
from micrographia.dataset.origin import Kept
from micrographia.exchange import Submission
from micrographia.exchange.pagetab import read_record


def codes(found: Submission) -> list[str]:
    return sorted(one.code for one in found.findings if one.code.startswith("E"))


def reference(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "reference": True}


def test_names_of_attributes_may_be_written_in_any_way() -> None:
    found = read_record(
        record(
            section(
                "AUTHOR",
                "",
                Name="Robert Hooke",
                Email="robert.hooke@example.org",
                role="data curation, submitter",
            ),
            section(
                "Image Acquisition",
                "",
                Title="A",
                Imaging_Instrument="Microscope",
                **{"IMAGING METHOD": "TIRF"},
            ),
            section("specimen", "", TITLE="S", Sample_Preparation_Protocol="fixed"),
            Keyword=["a", "b"],
            FUNDING_STATEMENT="None",
        )
    )
    study = found.mifa.study
    assert (study.keywords, study.funding_statement, study.accession) == (["a", "b"], "None", "S-BIAD1")
    assert study.authors[0].email == "robert.hooke@example.org"
    assert study.authors[0].role == ["data curation", "submitter"]
    assert found.mifa.image_acquisitions[0].imaging_method.value == "TIRF"
    assert found.mifa.specimens[0].sample_preparation == "fixed"
    assert found.origin.kept == ()


def test_what_stands_at_the_submission() -> None:
    root = values(
        Template="BioImages.v4",
        ReleaseDate="2024-11-26",
        DOI="10.6019/S-BIAD1",
        AttachTo="BioImages",
        Odd="x",
    )
    found = read_record(record(root=root))
    study = found.mifa.study
    assert (study.doi, study.release_date) == ("https://doi.org/10.6019/S-BIAD1", "2024-11-26")
    assert found.origin.kept == (Kept("submission/attributes", {"name": "Odd", "value": "x"}),)


def test_unknown_attributes_and_sections_are_kept_where_they_were() -> None:
    odd = section("Telescope", "T1", Lens="Big")
    sample = section("Biosample", "B1", Title="B", Colour="red")
    found = read_record(record(sample, odd, Mood="good"))
    kept = {one.at: one.value for one in found.origin.kept}
    assert kept["study/attributes"] == {"name": "Mood", "value": "good"}
    assert kept["biosamples[0]/attributes"] == {"name": "Colour", "value": "red"}
    assert kept["study/sections"] == odd
    assert codes(found) == ["E004"] * 4  # the accession numbers of the sections are kept too


def test_several_unknown_attributes_of_one_name_are_one_finding() -> None:
    found = read_record(record(Mood=["good", "bad"]))
    assert [one.message for one in found.findings] == [
        'the attribute "Mood" of the section "Study" (2 times)'
    ]


def test_a_second_value_where_the_model_has_one() -> None:
    found = read_record(record(section("Biosample", "", Title=["one", "two", "one"])))
    assert found.mifa.biosamples[0].title == "one"
    assert [(one.at, one.value["value"]) for one in found.origin.kept] == [
        ("biosamples[0]/attributes", "two")
    ]
    assert codes(found) == ["E012"]


@pytest.mark.parametrize("value", ["o2, o3", "o2;o3"])
def test_affiliations(value: str) -> None:
    author = section("author", "", Name="Robert Hooke")
    author["attributes"] += [reference("affiliation", "o1"), reference("affiliation", value)]
    places = [
        section("organisation", f"o{n}", Name=f"College {n}", RORID="https://ror.org/03dbr7087")
        for n in (1, 2, 3)
    ]
    found = read_record(record(author, *places))
    held = found.mifa.study.authors[0].organisation
    assert [one.organisation_name for one in held] == ["College 1", "College 2", "College 3"]
    assert held[0].ror_id == "https://ror.org/03dbr7087"


def test_affiliations_without_a_mark_and_without_an_organisation() -> None:
    author = section("Author", "", Name="Robert Hooke", Affiliation=["o1", "Royal Society"])
    author["attributes"].append(reference("affiliation", "o9"))
    found = read_record(
        record(author, section("Organization", "o1", Name="College"), section("Organization", "", Name="X"))
    )
    held = found.mifa.study.authors[0].organisation
    assert [one.organisation_name for one in held] == ["College", "Royal Society"]
    kept = {one.at: one.value for one in found.origin.kept}
    assert kept["study.authors[0]/attributes"] == reference("affiliation", "o9")
    assert kept["study/sections"]["attributes"] == values(Name="X")
    assert "E007" in codes(found)


def test_an_organism_with_its_common_name() -> None:
    found = read_record(record(section("Biosample", "", Title="B", Organism="Homo sapiens (human)")))
    organism = found.mifa.biosamples[0].organism
    assert (organism.scientific_name, organism.common_name) == ("Homo sapiens", "human")


def test_organisms_of_a_study_become_biosamples() -> None:
    found = read_record(record(Organism=["Mus musculus (mouse)", "Glycine max (soybean)"]))
    assert [one.organism.common_name for one in found.mifa.biosamples] == ["mouse", "soybean"]
    single = read_record(record(Organism="Mus musculus", NCBI_Taxonomy_ID="10090"))
    assert single.mifa.biosamples[0].organism.ncbi_taxon == "NCBITaxon:10090"


def test_the_address_of_a_licence_is_kept_if_it_is_another() -> None:
    usual = {"name": "URL", "value": "https://creativecommons.org/publicdomain/zero/1.0/legalcode"}
    document = record(License="CC0")
    document["section"]["attributes"][-1]["valqual"] = [usual]
    assert read_record(document).origin.kept == ()
    document["section"]["attributes"][-1]["valqual"] = [usual | {"value": "https://example.org/"}]
    assert [one.at for one in read_record(document).origin.kept] == ["study/licence"]


def test_what_is_said_of_a_value_is_kept() -> None:
    document = record(section("Biosample", "", Title="B"))
    one = document["section"]["subsections"][0]["attributes"][0]
    one["valqual"] = [{"name": "Ontology", "value": "EFO"}]
    kept = read_record(document).origin.kept
    assert kept == (Kept("biosamples[0]/qualifiers", one),)


def test_links_with_what_is_said_of_them() -> None:
    document = record()
    document["section"]["links"] = [
        {"url": "ERP116793", "attributes": values(Description="Reads", Type="ENA", Size="big")},
        [{"url": "https://example.org/code"}],
        {"attributes": values(Description="nothing")},
    ]
    found = read_record(document)
    first, second = found.mifa.study.links
    assert (first.link_url, first.link_description, first.link_type) == ("ERP116793", "Reads", "ENA")
    assert second.link_url == "https://example.org/code"
    assert {one.at for one in found.origin.kept} == {"study.links[0]/attributes", "study/links"}


def test_rows_of_tables_are_sections() -> None:
    document = record()
    document["section"]["subsections"] = [
        [section("Funding", "", Agency="A", grant_id="1"), section("Funding", "", Agency="B")]
    ]
    assert [one.funder for one in read_record(document).mifa.study.grants] == ["A", "B"]


def test_versions_that_differ_between_sets_are_kept() -> None:
    def with_version(number: str, text: str) -> dict[str, Any]:
        version = section("Version", "", Annotation_version=text, Version_timestamp="2024-03-06")
        return section("Annotations", number, version, Title=f"Set {number}")

    same = read_record(record(with_version("1", "1.0"), with_version("2", "1.0")))
    assert [one.version for one in same.mifa.versions] == ["1.0"]
    other = read_record(record(with_version("1", "1.0"), with_version("2", "2.0")))
    assert [one.version for one in other.mifa.versions] == ["1.0"]
    assert "annotations[1]/sections" in {one.at for one in other.origin.kept}


def test_dangling_associations_are_named() -> None:
    component = section(
        "Study Component", "", section("Associations", "", Biosample="None", Specimen="S"), Name="Cells"
    )
    found = read_record(record(section("Specimen", "", Title="S"), component))
    assert codes(found) == ["E007"]
    assert found.mifa.study_components[0].associations[0].biosample == "None"


def test_unnamed_and_twice_named_components_get_names_of_their_own() -> None:
    parts = [
        section("Study Component", f"C{n}", Name=name, File_List=f"{n}.json") for n, name in enumerate("aa")
    ]
    parts.append(section("Study Component", "C9", Description="x", File_List="9.json"))
    lists = {f"{n}.json": [listed(f"{n}.tif")] for n in (0, 1, 9)}
    found = read_record(record(*parts), lists)
    assert [one.name for one in found.mifa.study_components] == ["a", "a-2", "C9"]
    assert list(found.files["study component"]) == ["a", "a-2", "C9"]
    assert codes(found).count("E002") == 2


def test_a_section_with_a_file_list_is_a_component() -> None:
    found = read_record(
        record(section("Zoo", "", Title="Animals", File_List="a.json")), {"a.json": [listed("a.tif")]}
    )
    assert [one.name for one in found.mifa.study_components] == ["Animals"]
    assert list(found.files["Files"]) == ["a.tif"]
    assert ("study_components[0]/type", "Zoo") in {(one.at, str(one.value)) for one in found.origin.kept}


def test_the_address_of_the_files_may_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_BIOSTUDIES_FILES", "http://127.0.0.1:9/files/")
    assert read_record(record()).origin.files == "http://127.0.0.1:9/files/S-BIAD1/"
    assert read_record(record(), online=False).origin.files == ""
    assert read_record(record(accno="../x")).origin.files == ""


def test_file_lists_are_found_under_the_name_that_the_archive_gives_them() -> None:
    lists = {"images.json": [listed("a.tif")], "masks.tsv": "Files\tsource image\nm/a.tif\ta.tif\n"}
    tsv = {**IMAGES, "attributes": values(Name="Cells", File_List="sub/images.tsv")}
    found = read_record(record(tsv, MASKS), lists)
    assert list(found.files["role"]) == ["image", "annotation"]
    assert list(found.files["source image"]) == ["", "a"]
