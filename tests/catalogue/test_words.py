from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalogue_entries import TARGETS, WORDS, listed
from micrographia.catalogue import Catalogue, Store, stems
from micrographia.catalogue.finding import open_shelf
from micrographia.catalogue.texts import texts
from micrographia.catalogue.words import Phrase, Question, read_question, settle, tokens_of

CALM = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

AWKWARD = [
    '"', '""', "'", "*", "-", "--", "(", ")", "AND", "OR", "NOT", "NEAR", "NEAR(a b, 2)", "title:nuclei", "^", "+",
    "{title keywords} : x", "; DROP TABLE datasets; --", "' OR 1=1 --", "\0", "\x1b[31m", "🔬", "é", "ﬁbre",
    "\ud800", "细胞核", "nuclei*", "-mouse", '"light sheet', "a" * 5000, "%", "_", "\\", "\n", "\u202e", "NULL",
]  # fmt: skip
PIECES = st.one_of(st.sampled_from([*AWKWARD, *WORDS, *TARGETS, "mouse", "human"]), st.text(max_size=12))
QUESTIONS = st.lists(PIECES, max_size=6).map(" ".join)


def holds(question: Question, fields: Sequence[str]) -> bool:
    """Whether a dataset answers a question, by reading its texts word by word."""
    cut = [tokens_of(field) for field in fields]

    def occurs(phrase: Phrase) -> bool:
        long = len(phrase.tokens)
        return any(
            field[at : at + long] == phrase.tokens for field in cut for at in range(len(field) - long + 1)
        )

    found = [any(occurs(phrase) for phrase in group.phrases) for group in question.groups]
    return all(hit is not group.excluded for hit, group in zip(found, question.groups, strict=True)) and bool(
        found
    )


@pytest.fixture(scope="module")
def fields() -> dict[str, Sequence[str]]:
    return {entry.id: texts(entry) for entry, _ in map(listed, range(60))}


@CALM
@given(text=QUESTIONS)
@example(text='"')
@example(text="-mouse")
@example(text="segmenta*")
@example(text="' OR 1=1 --")
def test_any_question_selects_what_reading_selects(
    text: str, made: Path, fields: dict[str, Sequence[str]]
) -> None:
    with Catalogue(made) as catalogue:
        found = catalogue.find(text, limit=100)
    question = settle(read_question(text), open_shelf(made).vocabulary)
    expected = {name for name, held in fields.items() if not text.strip() or holds(question, held)}
    assert {entry.id for entry in found} == expected
    assert found.total == len(expected)


@CALM
@given(text=QUESTIONS)
def test_a_catalogue_ranks_alike_before_and_after_it_is_published(
    text: str, made: Path, published: Path
) -> None:
    with Catalogue(made) as before, Catalogue(published) as after:
        one, two = (held.find(text, limit=100, facets=True) for held in (before, after))
    assert [entry.id for entry in one] == [entry.id for entry in two]
    assert one.scores == pytest.approx(two.scores)
    assert (one.facets, one.notes, one.total) == (two.facets, two.notes, two.total)


@CALM
@given(text=QUESTIONS)
def test_ranks_do_not_depend_on_who_computes_them(text: str, made: Path) -> None:
    found = []
    for few in (0, stems.FEW):
        with pytest.MonkeyPatch.context() as patch, Catalogue(made) as catalogue:
            patch.setattr(stems, "FEW", few)
            found += [catalogue.find(text, limit=100) for _ in range(2)]
    assert all([entry.id for entry in one] == [entry.id for entry in found[0]] for one in found)
    assert all(one.scores == pytest.approx(found[0].scores) for one in found)


@pytest.mark.parametrize("page", [1, 2, 7])
def test_pages_are_parts_of_one_order(page: int, made: Path) -> None:
    with Catalogue(made) as catalogue:
        for sort in ("", "images", "date"):
            whole = catalogue.find("nuclei OR cells", limit=1000, sort=sort)
            part = catalogue.find("nuclei OR cells", limit=3, page=page, sort=sort)
            assert part.scores == whole.scores[3 * page - 3 : 3 * page]
            assert [one.id for one in part] == [one.id for one in whole][3 * page - 3 : 3 * page]


def test_lengths_are_those_that_fts5_counted(made: Path) -> None:
    with Store(made) as store, store.snapshot():
        kept = store.vocabulary._lengths
        assert store.vocabulary.has("nuclei")
        told = dict(store._all("SELECT doc, count(*) FROM temp.occurring GROUP BY doc"))
        assert kept.tolist() == [told.get(row, 0) for row in store._state.columns.rows.tolist()]


@pytest.mark.parametrize(
    ("asked", "as_well_as"),
    [
        ("nuclei", "nucleus"),
        ("mouse", "Mus musculus"),
        ("fruit fly", "Drosophila melanogaster"),
        ("zebrafish", "Danio rerio"),
        ("NCBITaxon:10090", "Mus musculus"),
        ("light sheet", "SPIM"),
        ("confocal", "confocal microscopy"),
        ("masks", "segmentation mask"),
        ("segmenting", "segmented"),
        ("mitochondrion", "mitochondria"),
        ("nuclei AND mouse", "mouse nuclei"),
        ("S-SYN7", "S-SYN7"),
    ],
)
def test_names_of_one_thing_find_it(asked: str, as_well_as: str, made: Path) -> None:
    with Catalogue(made) as catalogue:
        one, two = (catalogue.find(text, limit=100) for text in (asked, as_well_as))
    assert one.total
    assert {entry.id for entry in two} <= {entry.id for entry in one}


def test_little_words_beginnings_and_alternatives(made: Path) -> None:
    with Catalogue(made) as catalogue:
        total = {text: catalogue.find(text).total for text in (
            "nuclei", "axons", "the nuclei", "nuclei OR axons", "nuclei NOT axons", "nucl", "nucl*", "nucl* axo*",
            "fluoresc", "fluorescenceX", "-axons", "NOT axons", "axo",
        )}  # fmt: skip
    assert total["the nuclei"] == total["nuclei"] > 0
    assert total["nuclei OR axons"] == total["nuclei"] + total["axons"]
    assert total["nuclei NOT axons"] == total["nuclei"] < 60
    assert total["nucl"] == total["nucl*"] == total["nuclei"]
    assert total["axo"] == total["axons"]
    assert total["-axons"] == total["NOT axons"] == 60 - total["axons"]
    assert total["fluoresc"] > total["fluorescenceX"] == 0


def test_beginnings_are_of_what_is_written_not_of_its_stem(made: Path) -> None:
    with Catalogue(made) as catalogue:
        mice = catalogue.find("mous*", limit=100)
        assert {entry.organisms for entry in mice} == {("Mus musculus",)}
        assert catalogue.find("segmenta*").total == catalogue.find("segmentation").total


def test_a_title_counts_more_than_a_description(tmp_path: Path) -> None:
    from dataclasses import replace

    from micrographia.catalogue import Store, add_entries

    one = listed(0)[0]
    bare = replace(
        one, keywords=(), entities=(), sets=(), methods=(), organisms=(), doi="", content_sha256=""
    )
    made = [
        replace(bare, id=f"d{at}", place=f"p{at}", title=title, keywords=keys, methods=ways, description=d)
        for at, (title, keys, ways, d) in enumerate(
            [
                ("x y z", (), (), "glow glow2 a"),
                ("x glow z", (), (), "a b c"),
                ("x y z", ("glow",), (), "a b"),
                ("x y z", (), ("glow",), "a b"),
                *[(f"n{n}", (), (), "a b c") for n in range(20)],
            ]
        )
    ]  # fmt: skip
    path = tmp_path / "c.sqlite"
    with Store(path, write=True) as store:
        add_entries(store, ((entry, []) for entry in made))
    with Catalogue(path) as catalogue:
        assert [entry.id for entry in catalogue.find("glow")] == ["d1", "d2", "d3", "d0"]


def test_what_cannot_be_looked_for_selects_nothing_and_says_so(made: Path) -> None:
    with Catalogue(made) as catalogue:
        found = catalogue.find("🔬 ***")
        assert (found.total, found.notes) == (0, ("no word of the question can be looked for",))
        found = catalogue.find("nuclei quokka")
        assert (found.total, found.notes) == (0, ("no dataset has the word 'quokka'",))
