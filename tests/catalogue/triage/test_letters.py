"""The letters: right to the record, never asking for what is there, a page at most, safe to show."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from builder import MIFA
from micrographia.catalogue.triage import LetterOptions, judge_submission, load_efforts
from micrographia.catalogue.triage.judging import How
from micrographia.catalogue.triage.letters import LINES, WIDTH
from micrographia.checks import load_profile
from micrographia.dataset.origin import Origin
from micrographia.exchange import Submission, described, file_table

ROWS = [
    {"Files": "images/a.tif", "image": "a", "role": "image", "split": "train", "group:slide": "1"},
    {"Files": "images/b.tif", "image": "b", "role": "image", "split": "test", "group:slide": "2"},
    *(
        {
            "Files": f"masks/{name}.tif",
            "role": "annotation",
            "annotation set": "nuclei",
            "annotation type": "segmentation_mask",
            "source image": name,
        }
        for name in "ab"
    ),
]
WHOLE = copy.deepcopy(MIFA) | {"waivers": []}
WHOLE["study"]["accession"] = "S-BIAD000"
WHOLE["annotations"][0]["annotation_coverage"] = {
    "annotated": 2, "total": 2, "unit": "images", "description": "all"
}  # fmt: skip


def changed(values: dict[str, Any] | None = None, *removed: str) -> dict[str, Any]:
    """Return the whole description with fields of the study, of the set (``set.``) or at the top changed."""
    made = copy.deepcopy(WHOLE)
    for name, value in (values or {}).items():
        holder, key = place(made, name)
        holder[key] = value
    for name in removed:
        holder, key = place(made, name)
        holder.pop(key, None)
    return made


def place(made: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    first, _, rest = name.partition(".")
    if first == "set":
        return made["annotations"][0], rest
    return (made["study"], rest) if first == "study" else (made, name)


def letter(
    values: dict[str, Any], rows: list[dict[str, Any]] | None = None, profile: str = "mifa", **options: Any
) -> str:
    return triaged(values, rows, profile, **options).letter


def triaged(
    values: dict[str, Any],
    rows: list[dict[str, Any]] | None = None,
    profile: str = "mifa",
    form: str = "pagetab",
    **options: Any,
) -> Any:
    submission = Submission(
        described(values, "record.json"),
        file_table(ROWS if rows is None else rows),
        Origin(form, "record.json"),
    )
    how = How(load_profile(profile), load_efforts(), LetterOptions(**options))
    return judge_submission(submission, how)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_record_that_lacks_nothing_gets_thanks_and_no_list() -> None:
    text = letter(WHOLE)
    assert text.startswith("Subject: Your submission S-BIAD000: nothing is missing\n")
    assert "Dear Robert Hooke," in text
    assert "have nothing to ask for" in text
    assert "1." not in text
    assert triaged(WHOLE).minutes("required", "recommended") == 0


@pytest.mark.parametrize(
    ("values", "removed", "where", "says"),
    [
        ({}, ["study.license"], "Study, License (1 minute)", "No licence is chosen yet"),
        ({"study.license": "CC BY"}, [], "Study, License", "“CC BY” does not say which version"),
        ({"study.license": "CC BY 3.0"}, [], "Study, License (30 minutes)", "the present version, CC BY 4.0"),
        ({"study.license": "MIT"}, [], "Study, License", "The archive takes CC0 and CC BY 4.0"),
        ({"study.keywords": ["a; b; c"]}, [], "Study, Keywords", "stand in one field"),
        ({"study.keywords": []}, [], "Study, Keywords", "From your record these would do: Homo sapiens"),
        ({"study.keywords": ["nucleus"]}, [], "Study, Keywords", "There is one keyword (“nucleus”)"),
        ({}, ["study.funding_statement"], "Study, Funding", "“Supported by Brown University, grant PC-1929.”"),
        ({"study.title": "Nuclei"}, [], "Study, Title", "The title “Nuclei” is short"),
        ({"study.description": "Images and masks."}, [], "Study, Description", "has three words"),
        ({}, ["set.annotation_type"], "Annotations, Annotation type (1 minute)", "it is segmentation_mask"),
        ({}, ["set.annotation_method"], "Annotations, Annotation method", "who or what made the annotations"),
        ({"set.annotation_method": "by hand"}, [], "Annotations, Annotation method", "You write “by hand”"),
        ({}, ["set.annotation_criteria"], "Annotations, Annotation criteria", "objects were annotated or left out"),
        ({"set.annotation_coverage": {"description": "All"}}, [], "Annotation coverage", "You write “All”"),
        ({"set.annotation_coverage": {"description": "All"}}, [], "Annotation coverage", "it is 2 of 2 images"),
        ({}, ["versions"], "Annotations, Version", "please number this release"),
        ({}, ["specimens"], "Specimen, Sample preparation protocol", "fixed, cut, stained and mounted"),
        ({}, ["biosamples"], "Biosample, Organism", "name the organism"),
        (
            {"biosamples": [{"organism": {"scientific_name": "Mus musculus"}, "biological_entity": "liver"}]},
            [],
            "Organism, NCBI taxon ID (2 minutes)",
            "“Mus musculus” is NCBITaxon:10090",
        ),
        (
            {"image_acquisitions": [{"imaging_method": {"value": "confocal microscopy"}}]},
            [],
            "Imaging method, Ontology Term ID",
            "FBbi:00000251",
        ),
        (
            {"study.publications": [{"publication_doi": "0.1101/2025.03.24.645013"}]},
            [],
            "Publication, DOI",
            "10.1101/2025.03.24.645013 is probably meant",
        ),
        ({"study.publications": [{"pubmed_id": "pending"}]}, [], "Pubmed ID", "may stay empty until then"),
        ({"study.publications": [{"pmc_id": "37671026"}]}, [], "PMC ID", "looks like a PubMed number"),
    ],
)  # fmt: skip
def test_each_lack_is_asked_for_in_the_words_of_the_form(
    values: dict[str, Any], removed: list[str], where: str, says: str
) -> None:
    text = flat(letter(changed(values, *removed)))
    assert where in text
    assert says in text


def test_authors_are_named_and_asked_for_by_name() -> None:
    people = [
        {"author_first_name": "Robert", "author_last_name": "Hooke", "orcid_id": "0000-0002-1825-0097"},
        {"author_first_name": "Christopher", "author_last_name": "Wren", "role": ["submitter"]},
        {"author_first_name": "The", "author_last_name": "Microscopy Facility"},
    ]
    text = letter(changed({"study.authors": people}))
    assert "Dear Robert Hooke, Christopher Wren and The Microscopy Facility," in text
    assert "Christopher Wren has no ORCID iD yet; the others have one." in flat(text)
    more = letter(
        changed({"study.authors": [*people, {"author_last_name": "Boyle", "author_first_name": "R"}]})
    )
    assert "Dear Christopher Wren and colleagues," in more
    assert "Christopher Wren and R Boyle have no ORCID iD yet" in flat(more)
    nobody = letter(changed({"study.authors": [{"email": "a@example.org"}]}))
    assert "Dear authors," in nobody
    assert "The author has no name yet" in flat(nobody)


def test_what_the_files_say_is_not_asked_for() -> None:
    gone = changed(
        {}, "set.source_image_association", "set.transformations", "set.annotation_completion_time"
    )
    text = flat(letter(gone))
    assert "matched to its image" not in text  # the list has the source images
    assert "lay the annotations" in text
    assert "were finished" in text
    rows = [row | {"transformation": "none", "creation time": "2021"} for row in ROWS]
    text = flat(letter(gone, rows))
    assert "lay the annotations" not in text
    assert "were finished" not in text


def test_without_the_list_nothing_is_said_of_it() -> None:
    submission = Submission(
        described(changed({}, "set.transformations"), "record.json"),
        file_table([]),
        Origin("pagetab", "record.json"),
    )
    how = How(load_profile("mifa"), load_efforts(), LetterOptions())
    seen = judge_submission(submission, how)
    assert "No file list came with the record" in flat(seen.letter)
    from micrographia.exchange import told

    submission.findings.append(told("E010", 'the file list "a.json" is not there'))
    unseen = judge_submission(submission, how)
    assert "the file lists were not at hand" in flat(unseen.letter)
    assert "lay the annotations" not in unseen.letter
    assert not any(lack.code.startswith("L") for lack in unseen.lacks)
    assert all(score.skipped == () for score in unseen.scores)


def test_images_without_annotations_are_not_pressed_for_any() -> None:
    found = triaged(changed({}, "annotations", "versions"), ROWS[:2])
    text = flat(found.letter)
    assert "If there are none, nothing is to be done here." in text
    assert "1." not in text
    assert found.minutes() == found.minutes("optional")
    assert [lack.code for lack in found.lacks if lack.conditional] == ["M009"]
    assert "masks" not in flat(letter(changed({}, "annotations", "versions"), ROWS[:2], "archive"))


def test_simulated_data_have_no_organism() -> None:
    sample = {
        "organism": {"scientific_name": "simulated data"},
        "biological_entity": "simulated HL-60 nuclei",
    }
    assert "M040" not in [lack.code for lack in triaged(changed({"biosamples": [sample]})).lacks]


def test_curator_and_deadline_stand_only_where_they_are_given() -> None:
    bare = letter(changed({}, "study.license"))
    assert bare.endswith("Kind regards\n")
    assert " by 30 June" not in bare
    full = letter(changed({}, "study.license"), curator="Robert Hooke", deadline="30 June 2026")
    assert full.endswith("Kind regards,\nRobert Hooke\n")
    assert "We would be glad to have it by 30 June 2026." in flat(full)
    assert "One thing is still missing" in flat(full)
    assert ": one thing to add" in full


def test_a_profile_has_sentences_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        "extends: archive\nletter: {opening: We are the journal., closing: See our guidelines.}\n"
    )
    text = letter(changed({}, "study.license"), None, str(path))
    assert "We are the journal." in text
    assert "See our guidelines." in text


def test_fields_are_named_as_the_form_of_the_record_has_them() -> None:
    values = changed({}, "study.license", "set.annotation_criteria")
    yaml = triaged(values, form="")
    assert [lack.where for lack in yaml.lacks[:2]] == [
        "mifa.yaml, study.license",
        "mifa.yaml, annotations[0].annotation_criteria",
    ]
    documents = triaged(values, [], form="mifa")
    assert [lack.where for lack in documents.lacks[:2]] == [
        "Study_S-BIAD000.yaml, license",
        "Annotations_S-BIAD000.yaml, annotation_criteria",
    ]


def test_a_record_that_lacks_everything_still_gets_one_page() -> None:
    text = letter({"annotations": [{"name": name} for name in ("one", "two", "three")]}, [])
    lines = text.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    assert "For each of the three sets of annotations, please" in flat(text)
    assert not re.search(r"\bNone\b|\{|\}|\[\]", text)


SCRIPT = "</script><script>alert(1)</script>\x1b[31m\n| ![x](http://x) `a` *b* <b>&amp;"


def test_script_in_every_field_is_only_text() -> None:
    def poison(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: poison(held) for key, held in value.items()}
        if isinstance(value, list):
            return [poison(held) for held in value]
        return SCRIPT if isinstance(value, str) else value

    rows = [{key: value if key == "role" else SCRIPT for key, value in row.items()} for row in ROWS]
    for form in ("pagetab", "mifa", ""):
        found = triaged(poison(WHOLE), rows, form=form, curator=SCRIPT, deadline=SCRIPT)
        assert "\x1b" not in found.letter + found.letter_markdown
        assert "<script" not in found.letter_markdown.replace("\\<script", "")
        assert not re.search(r"(?<!\\)[<>`*!](?!\*)", re.sub(r"\*\*", "", found.letter_markdown))
        assert len(found.letter.splitlines()) <= LINES + 8  # words that cannot be broken may need more room
