"""The form: written, filled in, read back equal; formulas and wrong cells told with their cell."""

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from openpyxl import Workbook, load_workbook

from metadata.descriptions import CALM, PLAIN, described
from micrographia.errors import MetadataError
from micrographia.metadata import AnnotationSet, Mifa, Study, form_reading, load, read_form, write_form
from micrographia.metadata.form_layout import LISTS, SHEETS, STUDY, columns, list_items, list_text
from micrographia.metadata.form_reading import MAX_COLUMNS

SAMPLE = Path(__file__).parent / "samples" / "format1.yaml"


@pytest.fixture
def filled(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a form, lets somebody fill it in, and saves it."""

    def fill(mifa: Mifa, *changes: tuple[str, str, Any]) -> Path:
        file = tmp_path / "form.xlsx"
        assert write_form(file, mifa) == []
        book = load_workbook(file)
        for sheet, cell, value in changes:
            book[sheet][cell] = value
        book.save(file)
        book.close()
        return file

    return fill


@settings(CALM, max_examples=15)
@given(PLAIN)
def test_a_form_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    file = tmp_path_factory.mktemp("form") / "form.xlsx"
    mifa = described(values)
    assert write_form(file, mifa) == []
    description = read_form(file)
    assert description.mifa == mifa
    assert description.findings == []


def test_the_sample_reads_back_with_what_nobody_knows(tmp_path: Path) -> None:
    mifa = load(SAMPLE).mifa
    mifa.study.unread["title"] = {"en": ["a", {"b": 1}]}
    mifa.study.title = None
    mifa.annotations.append(AnnotationSet(name="7", **{"odd.name": [1, {"x": None}], "gone\x07": "\r"}))
    file = tmp_path / "form.xlsx"
    assert write_form(file, mifa) == []
    again = read_form(file)
    assert again.mifa.plain() == mifa.plain()
    assert {finding.code for finding in again.findings} == {"C014", "C019"}
    assert all(
        finding.evidence["cell"].startswith("Other!") for finding in again.findings if finding.code == "C019"
    )


def test_the_same_description_makes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mifa = load(SAMPLE).mifa
    write_form(tmp_path / "one.xlsx", mifa)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    write_form(tmp_path / "two.xlsx", mifa)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_a_blank_form_explains_every_column_and_offers_words(tmp_path: Path) -> None:
    file = tmp_path / "form.xlsx"
    write_form(file, Mifa())
    assert read_form(file).mifa == Mifa()
    book = load_workbook(file)
    assert book.sheetnames == [STUDY.title, *(sheet.title for sheet in SHEETS), "Other", LISTS]
    assert book[LISTS].sheet_state == "hidden"
    for sheet in SHEETS:
        page = book[sheet.title]
        told = {cell.value: page.cell(2, cell.column).value for cell in page[1]}
        for column in columns(sheet.model, 2):
            assert told[column.path] == column.told
        assert page.cell(2, 1).font.color.rgb.endswith("6B6B6B")
    offered = {
        str(rule.sqref): rule.formula1 for rule in book["Annotations"].data_validations.dataValidation
    }  # fmt: skip
    column = next(cell.column_letter for cell in book["Annotations"][1] if cell.value == "annotation_type")
    reference = next(formula for place, formula in offered.items() if place.startswith(f"{column}3:"))
    letter = reference.split("$")[1]
    assert [cell.value for cell in book[LISTS][letter] if cell.value][:2] == [
        "class_labels",
        "bounding_boxes",
    ]
    book.close()


def test_what_people_type_is_read_leniently(filled: Callable[..., Path]) -> None:
    file = filled(
        Mifa(),
        ("Study", "B2", "A title"),
        ("Study", "B4", "nucleus\nyeast\n"),
        ("Study", "B5", "CC BY 4.0"),
        ("Authors", "B3", "Hooke"),
        ("Authors", "D3", "0000-0002-1825-0097"),
        ("Annotations", "A3", "nuclei"),
        ("Annotations", "C3", "Segmentation masks"),
        ("Classes", "B3", 1),
        ("Classes", "C3", "nucleus"),
        ("Versions", "A3", 1.0),
        ("Versions", "B3", datetime(2023, 1, 17)),
        ("Publications", "D3", 2021),
        ("Acquisition", "B3", "confocal microscopy"),
    )
    description = read_form(file)
    assert description.mifa.plain() == {
        "micrographia_format": 1,
        "study": {
            "title": "A title",
            "keywords": ["nucleus", "yeast"],
            "license": "CC-BY-4.0",
            "authors": [{"author_last_name": "Hooke", "orcid_id": "https://orcid.org/0000-0002-1825-0097"}],
            "publications": [{"publication_year": "2021"}],
        },
        "annotations": [
            {
                "name": "nuclei",
                "annotation_type": ["segmentation_mask"],
                "classes": [{"id": 1, "name": "nucleus"}],
            }
        ],
        "image_acquisitions": [{"imaging_method": {"value": "confocal microscopy"}}],
        "versions": [{"version": "1", "timestamp": "2023-01-17"}],
    }
    cells = {finding.code: finding.evidence["cell"] for finding in description.findings}
    assert cells["C007"] == "Study!B5"
    assert cells["C009"] == "Authors!D3"
    assert cells["C006"] == "Annotations!C3"
    assert all(finding.message.startswith(finding.evidence["cell"]) for finding in description.findings)
    assert description.lines["study.license"] == 5


def test_formulas_and_errors_are_not_values(filled: Callable[..., Path]) -> None:
    file = filled(Mifa(), ("Study", "B2", "=1+1"), ("Study", "B3", "#N/A"), ("Annotations", "A3", "=A1"))
    description = read_form(file)
    told = [(finding.code, finding.evidence["cell"], finding.field) for finding in description.findings]
    assert told == [
        ("C031", "Study!B2", "study.title"),
        ("C031", "Study!B3", "study.description"),
        ("C031", "Annotations!A3", "annotations[0].name"),
    ]
    assert description.mifa == Mifa()


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "form.xlsx"
    write_form(file, Mifa(study=Study(title="=1+1", description="#N/A", funding_statement="@x")))
    description = read_form(file)
    assert description.findings == []
    assert (description.mifa.study.title, description.mifa.study.description) == ("=1+1", "#N/A")


def test_wrong_places_are_told(filled: Callable[..., Path]) -> None:
    mifa = Mifa(annotations=[AnnotationSet(name="nuclei"), AnnotationSet(name="cells")])
    file = filled(
        mifa,
        ("Classes", "A3", "nucleus"),
        ("Classes", "B3", 1),
        ("Classes", "B4", 2),
        ("Classes", "A5", 2),
        ("Classes", "B5", 3),
        ("Grants", "Z3", "lost"),
        ("Links", "C1", "rating"),
        ("Links", "C3", "good"),
        ("Study", "A40", "colour"),
        ("Study", "B40", "red"),
        ("Other", "A2", "no [path"),
        ("Other", "B2", "1"),
        ("Other", "A3", "study.shape"),
        ("Other", "B3", '{"round": true}'),
        ("Other", "A4", "study.authors[5].email"),
        ("Other", "B4", '"x@y.org"'),
    )
    book = load_workbook(file)
    book.create_sheet("Notes")["A1"] = "ours"
    book.save(file)
    book.close()
    description = read_form(file)
    told = [(finding.code, finding.evidence["cell"]) for finding in description.findings]
    assert sorted(told) == [
        ("C014", "Links!C3"), ("C014", "Other!B3"), ("C014", "Study!B40"), ("C032", "Grants!Z3"), ("C032", "Notes!A1"),
        ("C032", "Other!B2"), ("C032", "Other!B4"), ("C034", "Classes!A3"), ("C034", "Classes!A4"),
    ]  # fmt: skip
    assert description.mifa.annotations[1].classes[0].id == 3
    assert description.mifa.study.unknown == {"colour": "red", "shape": {"round": True}}
    assert description.mifa.study.links[0].unknown == {"rating": "good"}


def test_rows_belong_to_the_only_set_without_a_name(filled: Callable[..., Path]) -> None:
    file = filled(Mifa(), ("Annotations", "B3", "masks"), ("Files", "B3", "a.tif"), ("Files", "B4", "b.tif"))
    (one,) = read_form(file).mifa.annotations
    assert [record.annotation_id for record in one.file_metadata] == ["a.tif", "b.tif"]


def test_the_explanations_may_be_deleted_and_columns_moved(filled: Callable[..., Path]) -> None:
    file = filled(Mifa())
    book = load_workbook(file)
    page = book["Grants"]
    page.delete_rows(2)
    page["A1"], page["B1"] = "Funder", "GRANT ID"
    page["A2"], page["B2"] = "EMBO", 17
    book.save(file)
    book.close()
    assert [grant.plain() for grant in read_form(file).mifa.study.grants] == [
        {"grant_id": "17", "funder": "EMBO"}
    ]


def test_organisations_in_later_columns_without_the_first(filled: Callable[..., Path]) -> None:
    file = filled(Mifa(), ("Authors", "B3", "Hooke"))
    book = load_workbook(file)
    column = next(
        cell.column for cell in book["Authors"][1] if cell.value == "organisation[1].organisation_name"
    )
    book["Authors"].cell(3, column).value = "Gresham College"
    book.save(file)
    book.close()
    (author,) = read_form(file).mifa.study.authors
    assert [place.organisation_name for place in author.organisation] == ["Gresham College"]


def test_what_is_too_long_is_told(tmp_path: Path) -> None:
    (finding,) = write_form(tmp_path / "form.xlsx", Mifa(study=Study(title="x" * 40_000)))
    assert (finding.code, finding.field) == ("C033", "study.title")
    assert read_form(tmp_path / "form.xlsx").mifa.study.title is None


def test_lists_in_a_cell() -> None:
    assert list_items("a\n b \n\nc") == ["a", "b", "c"]
    assert list_items('["a\\nb"]') == ["a\nb"]
    assert list_items("[not json") == ["[not json"]
    assert list_text(["a", "b"]) == "a\nb"
    assert list_text(["a\nb", " c"]) == '["a\\nb", " c"]'


@pytest.mark.parametrize(
    "data", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 50, b"\xd0\xcf\x11\xe0" + b"\0" * 600]
)
def test_what_is_no_spreadsheet(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "form.xlsx"
    file.write_bytes(data)
    with pytest.raises(MetadataError, match="no spreadsheet"):
        read_form(file)


def test_missing_forms_and_foreign_archives(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="cannot be read"):
        read_form(tmp_path / "none.xlsx")
    other = tmp_path / "other.xlsx"
    with zipfile.ZipFile(other, "w") as packed:
        packed.writestr("a.txt", "hello")
    with pytest.raises(MetadataError, match="no spreadsheet"):
        read_form(other)


def test_bombs_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/a.xml", "w") as member:
        for _ in range(310):
            member.write(b"\0" * 1_000_000)
    with pytest.raises(MetadataError, match="unpacks to more"):
        read_form(file)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    write_form(tmp_path / "form.xlsx", Mifa())
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    held = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "form.xlsx") as source, zipfile.ZipFile(held, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = f"{entities}]><worksheet>&j;</worksheet>".encode()
            target.writestr(name, content)
    (tmp_path / "bomb.xlsx").write_bytes(held.getvalue())
    with pytest.raises(MetadataError, match="no spreadsheet"):
        read_form(tmp_path / "bomb.xlsx")


def test_a_sheet_with_too_many_rows_or_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_reading, "MAX_ROWS", 1_000)
    file = tmp_path / "form.xlsx"
    book = Workbook()
    book.active.title = "Grants"
    book["Grants"]["A1"], book["Grants"]["A2"] = "grant_id", "17"
    book["Grants"].cell(1, MAX_COLUMNS + 50).value = "far away"
    book.save(file)
    assert [grant.grant_id for grant in read_form(file).mifa.study.grants] == ["17"]
    book["Grants"].cell(1_001, 1).value = "deep down"
    book.save(file)
    with pytest.raises(MetadataError, match="more than 1,000 rows"):
        read_form(file)


def test_damaged_forms_give_one_error_or_a_description(tmp_path: Path) -> None:
    file = tmp_path / "form.xlsx"
    write_form(file, load(SAMPLE).mifa)
    whole = file.read_bytes()
    damage = random.Random(7)
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(damage.randint(1, 30)):
            data[damage.randrange(len(data))] = damage.randrange(256)
        file.write_bytes(bytes(data[: damage.randint(len(data) // 2, len(data))]))
        try:
            read_form(file)
        except MetadataError as error:
            refused += 1
            told = error
    assert refused > 30
    assert told.path == str(file)


def test_members_that_are_damaged_inside(tmp_path: Path) -> None:
    write_form(tmp_path / "form.xlsx", load(SAMPLE).mifa)
    damage = random.Random(3)
    outcomes = set()
    for number in range(40):
        held = io.BytesIO()
        with zipfile.ZipFile(tmp_path / "form.xlsx") as source, zipfile.ZipFile(held, "w") as target:
            chosen = damage.choice([name for name in source.namelist() if name.endswith(".xml")])
            for name in source.namelist():
                content = bytearray(source.read(name))
                if name == chosen:
                    for _ in range(5):
                        content[damage.randrange(len(content))] = damage.choice(b"<>&\"'x0A")
                target.writestr(name, bytes(content))
        file = tmp_path / f"damaged{number}.xlsx"
        file.write_bytes(held.getvalue())
        try:
            read_form(file)
        except MetadataError:
            outcomes.add("refused")
        else:
            outcomes.add("read")
    assert outcomes == {"refused", "read"}


def test_dates_in_cells_are_dates(filled: Callable[..., Path]) -> None:
    file = filled(
        Mifa(), ("Versions", "A3", "1"), ("Versions", "B3", date(2023, 1, 17)), ("Versions", "C3", True)
    )
    (version,) = read_form(file).mifa.versions
    assert version.plain() == {"version": "1", "timestamp": "2023-01-17", "changes": "true"}


def test_an_organisation_without_a_cell_keeps_its_place(tmp_path: Path) -> None:
    organisations = [{"organisation_name": "_x0041_"}, {"organisation_name": "Royal Society"}]
    mifa = described({"study": {"authors": [{"author_last_name": "Hooke", "organisation": organisations}]}})
    file = tmp_path / "form.xlsx"
    assert write_form(file, mifa) == []
    assert read_form(file).mifa == mifa
