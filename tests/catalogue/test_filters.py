from pathlib import Path

import numpy as np
import pytest

from catalogue_entries import listed
from micrographia.catalogue import Catalogue, CatalogueError, Entry
from micrographia.catalogue.columns import HeldColumns, pack_words, unpack_words, worded
from micrographia.catalogue.filters import Range, read_score, read_voxel

ENTRIES = [listed(number)[0] for number in range(60)]


def ALL(_: Entry) -> bool:  # noqa: N802
    return True


def NONE(_: Entry) -> bool:  # noqa: N802
    return False


def ids(catalogue: Path, **wanted: object) -> set[str]:
    with Catalogue(catalogue) as opened:
        return {entry.id for entry in opened.find(limit=100, **wanted)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"type": "Segmentation masks"}, lambda e: "segmentation_mask" in e.types),
        ({"type": ["tracks", "bbox"]}, lambda e: e.types[0] != "segmentation_mask"),
        ({"organism": "mouse"}, lambda e: e.organisms == ("Mus musculus",)),
        ({"organism": "9606"}, lambda e: e.organisms == ("Homo sapiens",)),
        ({"method": "light sheet"}, lambda e: e.methods == ("SPIM",)),
        ({"method": "FBbi:00000251"}, lambda e: e.methods == ("confocal microscopy",)),
        ({"licence": "CC0"}, lambda e: e.licence == "CC0-1.0"),
        ({"licence": "CC BY"}, lambda e: e.licence == "CC-BY-4.0"),
        ({"licence": "CC BY 3.0"}, NONE),
        ({"allows": "commercial"}, lambda e: bool(e.licence) and "NC" not in e.licence),
        ({"allows": ["commercial", "no-share-alike"]}, lambda e: e.licence in ("CC0-1.0", "CC-BY-4.0")),
        ({"trainable_commercially": True}, lambda e: e.trainable_commercially),
        ({"channel_role": "DAPI"}, lambda e: e.roles == ("nucleus",)),
        ({"target": "Axons"}, lambda e: e.targets == ("axons",)),
        ({"entity": "culture"}, ALL),
        ({"entity": "cult"}, NONE),
        ({"author": "hooke"}, ALL),
        ({"year": "2017"}, lambda e: e.year == 2017),
        ({"dims": "2d"}, ALL),
        ({"source": "BioImage Archive"}, ALL),
        ({"has_split": True}, lambda e: len(e.splits) > 1),
        ({"min_images": 3}, lambda e: e.images >= 3),
        ({"min_objects": 11}, lambda e: (e.objects or 0) >= 11),
        ({"min_objects": 1}, lambda e: e.objects is not None),
        ({"voxel_size": "0.1..0.5"}, lambda e: 0.1 <= e.voxel["x"][0] <= 0.5),
        ({"voxel_size": "65nm"}, lambda e: e.voxel["x"][0] == 0.065),
        ({"voxel_size": "z:0.1..5"}, NONE),
        ({"score": "M>=0.8"}, lambda e: e.scores["M"].passed >= 8),
        ({"score": ["M>=0.5", "f<50%"]}, lambda e: e.scores["M"].passed >= 5 and e.scores["F"].passed < 5),
        (
            {"organism": "human", "type": "tracks"},
            lambda e: e.organisms[0][0] == "H" and e.types == ("tracks",),
        ),
    ],
)
def test_filters_select_what_reading_selects(wanted: dict, fits: object, made: Path, published: Path) -> None:
    expected = {entry.id for entry in ENTRIES if fits(entry)}  # type: ignore[operator]
    assert ids(made, **wanted) == expected
    assert ids(published, **wanted) == expected


def test_facets_count_what_was_found(made: Path) -> None:
    with Catalogue(made) as catalogue:
        found = catalogue.find(organism="mouse", facets=True)
        chosen = [entry for entry in ENTRIES if entry.organisms == ("Mus musculus",)]
        assert found.facets["organism"] == [("Mus musculus", len(chosen))]
        assert dict(found.facets["type"]) == {
            kind: number
            for kind in ("segmentation_mask", "bounding_boxes", "tracks")
            if (number := sum(kind in entry.types for entry in chosen))
        }
        counts = [number for _, number in found.facets["type"]]
        assert counts == sorted(counts, reverse=True)
        assert list(catalogue.find(facets=["target", "class"]).facets) == ["target", "class"]


def test_pages_and_orders(made: Path) -> None:
    with Catalogue(made) as catalogue:
        whole = [entry.id for entry in catalogue.find("nuclei", limit=100)]
        pages = [entry.id for page in range(1, 9) for entry in catalogue.find("nuclei", limit=7, page=page)]
        assert pages == whole
        assert len(catalogue.find(page=7)) == 0
        by_images = [entry.images or 0 for entry in catalogue.find(sort="images", limit=100)]
        assert by_images == sorted(by_images, reverse=True)
        objects = [entry.objects for entry in catalogue.find(sort="objects", limit=100)]
        known = [number for number in objects if number is not None]
        assert objects == sorted(known, reverse=True) + [None] * (60 - len(known))


def test_the_page_is_a_table(made: Path) -> None:
    with Catalogue(made) as catalogue:
        found = catalogue.find("nuclei", limit=5)
        frame = found.frame()
    assert frame["dataset"].tolist() == [entry.id for entry in found]
    assert frame["M"].tolist() == [entry.scores["M"].share for entry in found]
    assert frame["voxel x min"].tolist() == [entry.voxel["x"][0] for entry in found]
    assert len(Catalogue(made).find("quokka").frame()) == 0


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "maskk"},
        {"channel_role": "ghost"},
        {"voxel_size": "small"},
        {"voxel_size": "1..0.1"},
        {"voxel_size": "3 s"},
        {"voxel_size": "1..2..3"},
        {"score": "Q>=1"},
        {"score": "M>=2"},
        {"allows": "everything"},
        {"sort": "beauty"},
        {"limit": 0},
        {"page": 0},
        {"facets": ["beauty"]},
    ],
)
def test_what_does_not_exist_is_an_error_with_what_does(wanted: dict, made: Path) -> None:
    with Catalogue(made) as catalogue, pytest.raises(CatalogueError) as caught:
        catalogue.find(**wanted)
    assert caught.value.remedy


def test_a_word_that_no_dataset_has_is_told_with_the_nearest(made: Path) -> None:
    with Catalogue(made) as catalogue:
        found = catalogue.find(organism="Homo sapines")
    assert (found.total, found.notes) == (
        0,
        ("no dataset has organism 'Homo sapines'; there is Homo sapiens",),
    )


@pytest.mark.parametrize(
    ("text", "axis", "span"),
    [
        ("0.1..0.5", "y", Range(0.1, 0.5)),
        ("0.1", "x", Range(0.1, 0.1)),
        ("0.1..", "x", Range(0.1, np.inf)),
        ("..0.5", "x", Range(0.0, 0.5)),
        ("100..500nm", "x", Range(0.1, 0.5)),
        ("zyx:1um..2um", "z", Range(1.0, 2.0)),
        ("z = 1e-1 um .. 0.2", "z", Range(0.1, 0.2)),
    ],
)
def test_voxel_sizes_are_read(text: str, axis: str, span: Range) -> None:
    assert read_voxel(text)[axis] == span


def test_scores_are_read() -> None:
    assert read_score(" m >= 80% ") == ("M", ">=", 0.8)


def test_columns_of_words_come_back_from_bytes() -> None:
    column = worded([("b", "a", "b"), (), ("é\n", "a")])
    again = unpack_words(pack_words(column))
    assert [again.of(at) for at in range(3)] == [("b", "a"), (), ("é\n", "a")]
    assert again.vocabulary == ("a", "b", "é\n")
    assert HeldColumns([]).words("type").count(np.ones(0, np.bool_)) == []


def test_entries_come_back_from_json() -> None:
    for entry in ENTRIES:
        assert Entry.from_json(entry.to_json()) == entry
