"""Editing in place: what is asked for changes, and not one other character."""

import difflib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metadata.descriptions import AWKWARD, CALM, PLAIN, TEXTS
from micrographia.errors import MetadataError
from micrographia.metadata import Mifa, template
from micrographia.metadata.editing import assign_by_name, edit, rename
from micrographia.metadata.trees import dotted, paths, tokens
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse
from micrographia.metadata.yaml_writing import document

TEXT = """\
# The dataset of the lab. Do not lose this line.
micrographia_format: 1   # the format

study:
  # what title means
  title: "?"   # to be done
  keywords:
  - nucleus   # the first
  - yeast

  # before the licence
  licence: CC0   # British
  description: >-
    Long text
    in two lines.

  # about people
  authors: [{author_first_name: Robert}, {author_first_name: R.}]  # flow
annotations:
  - name: nuclei  # set one
    annotation_type: segmentation_mask
    # note at the end of set one

  # before set two
  - name: cells
# the end
"""


def changed(values: dict[str, Any], text: str = TEXT) -> list[str]:
    """Return the lines that go and come when values are written."""
    made = edit(text, Mifa, values)
    lines = [*difflib.ndiff(text.splitlines(), made.splitlines())]
    return [line for sign in "-+" for line in lines if line[0] == sign]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"study.title": "New: title"}, ['-   title: "?"   # to be done', '+   title: "New: title"   # to be done']),
        ({"study.license": "CC-BY-4.0"}, ["-   licence: CC0   # British", "+   licence: CC-BY-4.0   # British"]),
        ({"study.keywords[1]": "mouse"}, ["-   - yeast", "+   - mouse"]),
        ({"study.keywords": ["nucleus", "yeast", "new"]}, ["+   - new"]),
        ({"study.keywords": ["nucleus"]}, ["-   - yeast"]),
        ({"study.keywords": ["nucleus", "yeast"]}, []),
        ({"study.funding_statement": "us"}, ["+   funding_statement: us"]),
        (
            {"study.title": "word " * 30 + "end"},
            ['-   title: "?"   # to be done', "+   title: >-   # to be done",
             "+     " + " ".join(["word"] * 19), "+     " + " ".join(["word"] * 11 + ["end"])],
        ),
        (
            {"study.title": "one\ntwo"},
            ['-   title: "?"   # to be done', "+   title: |-   # to be done", "+     one", "+     two"],
        ),
        ({"study.description": "short"}, ["-   description: >-", "-     Long text", "-     in two lines.",
                                          "+   description: short"]),
        (
            {"study.authors[0].orcid_id": "x: y"},
            ["-   authors: [{author_first_name: Robert}, {author_first_name: R.}]  # flow",
             '+   authors: [{author_first_name: Robert, orcid_id: "x: y"}, {author_first_name: R.}]  # flow'],
        ),
        (
            {"study.authors[2].author_last_name": "X"},
            ["-   authors: [{author_first_name: Robert}, {author_first_name: R.}]  # flow",
             '+   authors: [{author_first_name: Robert}, {author_first_name: R.}, {"author_last_name": "X"}]  # flow'],
        ),
        (
            {"annotations[0].annotation_type[1]": "counts"},
            ["-     annotation_type: segmentation_mask", "+     annotation_type:",
             "+       - segmentation_mask", "+       - counts"],
        ),
        ({"annotations[0].annotation_type": ["segmentation_mask"]},
         ["-     annotation_type: segmentation_mask", "+     annotation_type:", "+       - segmentation_mask"]),
        (
            {"annotations[0].target.object": "nucleus", "annotations[0].target.boundary": "sharp"},
            ["+     target:", "+       object: nucleus", "+       boundary: sharp"],
        ),
        ({"annotations[2].name": "third", "annotations[2].mask_kind": "binary"},
         ["+   - name: third", "+     mask_kind: binary"]),
        ({"voxel_size": {"z": 0.5}}, ["+ voxel_size:", "+   z: 0.5"]),
        ({"study.licence": "MIT"}, ["-   licence: CC0   # British", "+   licence: MIT   # British"]),
        ({"study.title": None}, ['-   title: "?"   # to be done', "+   title: null   # to be done"]),
    ],
)  # fmt: skip
def test_only_what_was_asked_for_changes(values: dict[str, Any], lines: list[str]) -> None:
    assert [line.rstrip() for line in changed(values)] == lines


def test_new_fields_stand_behind_the_notes_of_their_record() -> None:
    made = edit(TEXT, Mifa, {"annotations[0].mask_kind": "instance"}).splitlines()
    place = made.index("    mask_kind: instance")
    assert made[place - 1] == "    # note at the end of set one"
    assert made[place + 1 : place + 3] == ["", "  # before set two"]


def test_a_field_that_stands_for_a_record_is_not_lost() -> None:
    text = "micrographia_format: 1\nannotations:\n- name: a\n  annotation_coverage: all of them  # sure\n"
    made = edit(text, Mifa, {"annotations[0].annotation_coverage.annotated": 3})
    assert made.splitlines()[3:] == [
        "  annotation_coverage:  # sure",
        "    description: all of them",
        "    annotated: 3",
    ]


def test_line_ends_and_missing_last_newline() -> None:
    made = edit(
        "micrographia_format: 1\r\nstudy:\r\n  title: a\r\n",
        Mifa,
        {"study.keywords": ["x"], "study.title": "b"},
    )
    assert made == "micrographia_format: 1\r\nstudy:\r\n  title: b\r\n  keywords:\r\n    - x\r\n"
    assert (
        edit("study:\n  title: a", Mifa, {"study.license": "MIT"}) == "study:\n  title: a\n  license: MIT\n"
    )
    assert edit("study:", Mifa, {"study.title": "a"}) == "study:\n  title: a"


def test_question_marks_without_quotes_get_them() -> None:
    assert edit("study:\n  title: ?\n  license: ?\n", Mifa, {"study.title": "T"}) == (
        'study:\n  title: T\n  license: "?"\n'
    )


def test_shared_values_are_not_changed_elsewhere() -> None:
    text = "study:\n  authors: &us\n  - author_last_name: Hooke\nannotations:\n- authors: *us\n"
    with pytest.raises(MetadataError, match="cannot be changed without touching other fields"):
        edit(text, Mifa, {"study.authors[0].author_last_name": "Boyle"})
    made = edit(text, Mifa, {"annotations[0].authors": [{"author_last_name": "Boyle"}]})
    assert plain(parse(made).root)["study"] == {"authors": [{"author_last_name": "Hooke"}]}


def test_merged_values_are_overridden_where_they_are_used() -> None:
    text = "base: &base {title: a}\nstudy:\n  <<: *base\n  license: MIT\n"
    assert edit(text, Mifa, {"study.title": "b"}).endswith("  license: MIT\n  title: b\n")


@pytest.mark.parametrize("path", ["", "study.", "annotations[x]"])
def test_bad_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        edit(TEXT, Mifa, {path: 1})


def test_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="leaves a gap"):
        edit(TEXT, Mifa, {"annotations[7].name": "x"})


def test_names_are_changed_on_their_lines() -> None:
    text = 'study:\n  Licence: Licence\n  - "Licence" : x\n'
    assert rename(text, {2: ("Licence", "license")}) == 'study:\n  license: Licence\n  - "Licence" : x\n'
    assert rename(text, {3: ("Licence", "license")}) == "study:\n  Licence: Licence\n  - license : x\n"


NEW = st.one_of(
    TEXTS, AWKWARD, st.integers(-9, 9), st.booleans(), st.lists(TEXTS, max_size=3), st.just({"a": ["b"]})
)


@CALM
@given(PLAIN, st.data())
def test_any_value_of_any_description_can_be_changed(values: dict[str, Any], data: st.DataObject) -> None:
    text = "# head\n" + document(values) + "# tail\n"
    at, _ = data.draw(st.sampled_from(paths(values)))
    new = data.draw(NEW)
    made = edit(text, Mifa, {dotted(at): new})
    assert plain(parse(made).root) == assign_by_name(plain(parse(text).root), Mifa, list(at), new)
    assert made.startswith("# head\n")
    assert made.endswith("# tail\n")


@CALM
@given(
    st.lists(
        st.tuples(
            st.sampled_from([
                "study.title", "study.keywords", "study.keywords[0]", "study.authors[0].role", "study.grants[0].funder",
                "annotations[0].name", "annotations[0].target.object", "annotations[1].name", "annotations[0].classes",
                "versions[0].version", "voxel_size", "waivers[0].code", "unknown.thing", "biosamples[0].organism",
            ]),
            NEW,
        ),
        max_size=5,
        unique_by=lambda pair: tuple(tokens(pair[0])[:2]),
    )
)  # fmt: skip
def test_templates_keep_their_notes_whatever_is_filled_in(pairs: list[tuple[str, Any]]) -> None:
    text = template({"annotations": [{"name": "a"}]})
    assume(not any(at == "study.keywords[0]" and isinstance(new, list | dict) for at, new in pairs))
    made = edit(text, Mifa, dict(pairs))
    wanted = plain(parse(text).root)
    for at, new in pairs:
        assign_by_name(wanted, Mifa, tokens(at), new)
    assert plain(parse(made).root) == wanted
    kept = made.splitlines()
    replaced = [at for at, new in pairs if tokens(at)[-1] in ("voxel_size", "classes", "organism", "role")]
    if not replaced:
        assert [
            line for line in text.splitlines() if line.lstrip().startswith("#") and line not in kept
        ] == []
