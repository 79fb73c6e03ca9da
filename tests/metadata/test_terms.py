"""Organisms and imaging methods: usual names lead to terms with well-formed ids."""

import pytest

from micrographia.metadata import (
    check_fbbi,
    check_taxon,
    find_method,
    find_organism,
    imaging_methods,
    organisms,
)
from micrographia.metadata.vocabulary import slug


@pytest.mark.parametrize(
    ("text", "taxon"),
    [
        ("Homo sapiens", "9606"),
        ("homo sapiens (human)", "9606"),
        ("Mus musculus (mouse)", "10090"),
        ("zebrafish", "7955"),
        ("NCBI:txid4932", "4932"),
        ("Drosophila melanogaster (fruit fly)", "7227"),
        ("Bos Taurus (cow)", "9913"),
        ("Arabidopsis", "3702"),
        ("S. pombe", "4896"),
    ],
)
def test_organisms_are_found(text: str, taxon: str) -> None:
    term = find_organism(text)
    assert term is not None
    assert term.taxon == f"NCBITaxon:{taxon}"


@pytest.mark.parametrize("text", ["Beads", "", "an unknown species", "NCBITaxon:999999999"])
def test_what_is_no_common_organism(text: str) -> None:
    assert find_organism(text) is None


@pytest.mark.parametrize(
    ("text", "fbbi"),
    [
        ("confocal microscopy", "00000251"),
        ("Spinning disk", "00000253"),
        ("Light Sheet Imaging", "00000369"),
        ("SPIM", "00000369"),
        ("transmission electron microscopy (TEM)", "00000258"),
        ("TIRF", "00000617"),
        ("FBbi_00000246", "00000246"),
        ("FIB-SEM", "00050000"),
        ("two-photon microscopy", "00000254"),
    ],
)
def test_methods_are_found(text: str, fbbi: str) -> None:
    term = find_method(text)
    assert term is not None
    assert term.fbbi == f"FBbi:{fbbi}"


def test_what_is_no_method() -> None:
    assert find_method("single cell") is None


def test_ids_are_well_formed_and_names_have_one_meaning() -> None:
    assert all(check_taxon(term.taxon).value == term.taxon for term in organisms())
    assert all(check_fbbi(term.fbbi).value == term.fbbi for term in imaging_methods())
    assert len({term.taxon for term in organisms()}) == len(organisms())
    assert len({term.fbbi for term in imaging_methods()}) == len(imaging_methods())
    for names in (
        [
            (slug(name), term.taxon)
            for term in organisms()
            for name in (term.scientific_name, *term.common_names)
        ],
        [(slug(name), term.fbbi) for term in imaging_methods() for name in (term.name, *term.synonyms)],
    ):
        assert len(dict(names)) == len({(name, owner) for name, owner in names})
