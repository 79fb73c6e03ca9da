"""Identifiers: the worked examples of their registers, every form, and every single mistyped digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.metadata import (
    Scheme,
    check_doi,
    check_fbbi,
    check_orcid,
    check_pmc,
    check_pubmed,
    check_ror,
    check_taxon,
    identify,
)
from micrographia.metadata.identifiers import orcid_check_character, ror_checksum

ORCID = "https://orcid.org/0000-0002-1825-0097"


@pytest.mark.parametrize(
    "text",
    [
        ORCID,
        "0000-0002-1825-0097",
        "ORCID:0000-0002-1825-0097",
        "orcid.org/0000-0002-1825-0097",
        "http://www.orcid.org/0000-0002-1825-0097/",
        "ORCID iD: 0000 0002 1825 0097",
        "0000‑0002–1825-0097",
        " 0000000218250097 ",
    ],
)
def test_orcid_is_read_in_every_form(text: str) -> None:
    found = check_orcid(text)
    assert found.ok
    assert found.value == found.url == ORCID


def test_orcid_check_character_may_be_x() -> None:
    assert orcid_check_character("000000017613090") == "X"
    assert check_orcid("0000-0001-7613-090x").value == "https://orcid.org/0000-0001-7613-090X"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0000-0002-1825-0096", "its check digit is 6, not 7"),
        ("0000-0002-1825-009", "16 digits"),
        ("R. Hooke", "16 digits"),
        ("", "16 digits"),
        ("X000-0002-1825-0097", "16 digits"),
    ],
)
def test_a_wrong_orcid_says_why(text: str, told: str) -> None:
    found = check_orcid(text)
    assert not found.ok
    assert told in found.problem
    assert found.value == found.url == ""


@CALM
@given(st.text("0123456789", min_size=15, max_size=15), st.integers(0, 14), st.integers(1, 9))
def test_every_single_wrong_digit_of_an_orcid_is_noticed(digits: str, place: int, shift: int) -> None:
    whole = digits + orcid_check_character(digits)
    assert check_orcid(whole).ok
    wrong = whole[:place] + str((int(whole[place]) + shift) % 10) + whole[place + 1 :]
    assert not check_orcid(wrong).ok


@pytest.mark.parametrize(
    "text", ["https://ror.org/02catss52", "ROR:02catss52", "02CATSS52", "ror.org/02catss52/"]
)
def test_ror_is_read_in_every_form(text: str) -> None:
    assert check_ror(text).value == "https://ror.org/02catss52"


@pytest.mark.parametrize("ror", ["03dbr7087", "02mhbdp94", "05a28rw58"])
def test_ror_checksum_of_known_institutions(ror: str) -> None:
    assert ror_checksum(ror[1:7]) == ror[7:]
    assert check_ror(ror).ok


@pytest.mark.parametrize(
    ("text", "told"),
    [("02catss53", "not 52"), ("2catss52", "nine characters"), ("0ilou0152", "nine characters")],
)
def test_a_wrong_ror_says_why(text: str, told: str) -> None:
    assert told in check_ror(text).problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10.1242/jcs.033340", "https://doi.org/10.1242/jcs.033340"),
        ("doi: 10.1242/jcs.033340", "https://doi.org/10.1242/jcs.033340"),
        ("DOI:10.1242/jcs.033340.", "https://doi.org/10.1242/jcs.033340"),
        ("http://dx.doi.org/10.1038%2Fs41597-020-00608-w", "https://doi.org/10.1038/s41597-020-00608-w"),
        ("https://doi.org/10.1002/(SICI)1096-8644(1996)30:1<1::AID>3.0.CO;2-4", None),
    ],
)
def test_doi_is_read_in_every_form(text: str, value: str | None) -> None:
    assert check_doi(text).value == (value or text)


@pytest.mark.parametrize(
    "text", ["10.12/x", "jcs.033340", "10.1242/", "10.1242/a b", "https://example.org/10.1242/x"]
)
def test_what_is_no_doi(text: str) -> None:
    assert "a DOI looks like" in check_doi(text).problem


def test_pubmed_central_pubmed_and_doi_are_told_apart() -> None:
    assert check_pubmed("PMID: 18492790").value == "PMID:18492790"
    assert check_pubmed("https://pubmed.ncbi.nlm.nih.gov/18492790/").value == "PMID:18492790"
    assert "belongs in pmc_id" in check_pubmed("PMC7274788").problem
    assert "belongs in publication_doi" in check_pubmed("10.7554/eLife.55913").problem
    assert "number" in check_pubmed("none").problem
    assert not check_pubmed("184927901234").ok
    assert check_pmc("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC7274788/").value == "PMC7274788"
    assert check_pmc("PMCID: PMC7274788").value == "PMC7274788"
    assert check_pmc("pmc7274788").value == "PMC7274788"
    assert not check_pmc("7274788").ok


@pytest.mark.parametrize(
    "text",
    [
        "9606",
        "NCBITaxon:9606",
        "NCBITaxon_9606",
        "NCBI:txid9606",
        "obo:NCBITaxon_9606",
        "taxid: 9606",
        "http://purl.obolibrary.org/obo/NCBITaxon_9606",
        "https://www.ncbi.nlm.nih.gov/Taxonomy/Browser/wwwtax.cgi?id=9606",
    ],
)
def test_taxon_is_read_in_every_form(text: str) -> None:
    found = check_taxon(text)
    assert found.value == "NCBITaxon:9606"
    assert found.url == "http://purl.obolibrary.org/obo/NCBITaxon_9606"


@pytest.mark.parametrize("text", ["human", "0", "9606a", "FBbi:00000251"])
def test_what_is_no_taxon(text: str) -> None:
    assert "NCBI taxon is a number" in check_taxon(text).problem


@pytest.mark.parametrize("text", ["FBbi:00000251", "FBbi_00000251", "obo:FBbi_00000251", "fbbi: 00000251"])
def test_fbbi_is_read_in_every_form(text: str) -> None:
    assert check_fbbi(text).value == "FBbi:00000251"
    assert check_fbbi(f"  {text} ").url.endswith("/FBbi_00000251")


@pytest.mark.parametrize("text", ["FBbi:251", "00000251", "confocal"])
def test_what_is_no_fbbi(text: str) -> None:
    assert "eight digits" in check_fbbi(text).problem


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("0000-0002-1825-0097", Scheme.ORCID),
        ("10.1242/jcs.033340", Scheme.DOI),
        ("PMC7274788", Scheme.PMC),
        ("PMID:18492790", Scheme.PUBMED),
        ("FBbi_00000251", Scheme.FBBI),
        ("https://ror.org/02catss52", Scheme.ROR),
        ("NCBITaxon:9606", Scheme.TAXON),
    ],
)
def test_identify_tells_the_register(text: str, scheme: Scheme) -> None:
    found = identify(text)
    assert found is not None
    assert found.scheme is scheme


@pytest.mark.parametrize("text", ["18492790", "", "nucleus", "0000-0002-1825-0096"])
def test_identify_does_not_guess(text: str) -> None:
    assert identify(text) is None


@CALM
@given(st.text(max_size=40))
def test_no_text_breaks_a_check(text: str) -> None:
    for check in (check_orcid, check_ror, check_doi, check_pubmed, check_pmc, check_taxon, check_fbbi):
        found = check(text)
        assert found.ok == bool(found.value)
        if found.ok:
            assert check(found.value).value == found.value
            assert check(found.url).value == found.value
