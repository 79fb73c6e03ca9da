import json

import jsonschema
import pytest
import yaml

from micrographia import metadata
from micrographia.cli.demo_story import ANNOTATION, DESCRIPTION


@pytest.fixture
def filled(described):
    values = DESCRIPTION | {f"annotations[0].{name}": value for name, value in ANNOTATION.items()}
    metadata.update(described / "mifa.yaml", values)
    return described


def test_schema_is_one_that_a_description_keeps(command, filled, tmp_path):
    told = command("schema")
    assert (told.status, told.err) == (0, "")
    schema = json.loads(told.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((filled / "mifa.yaml").read_text()), schema)
    written = command("schema", "--out", tmp_path / "mifa.schema.json")
    assert written.out == f"  Wrote {tmp_path / 'mifa.schema.json'}\n"
    assert json.loads((tmp_path / "mifa.schema.json").read_text()) == schema


def test_a_form_goes_out_and_comes_back(command, filled, tmp_path):
    form = tmp_path / "form.xlsx"
    told = command("form", filled, form)
    assert told.status == 0
    assert told.out.endswith(f"  Next: fill it in, then  micrographia form {form} {filled}\n")
    before = (filled / "mifa.yaml").read_text()
    assert command("form", form, filled).out == f"  0 fields written into {filled / 'mifa.yaml'}\n"
    assert (filled / "mifa.yaml").read_text() == before
    metadata.update(filled / "mifa.yaml", {"study.title": "Another title of this dataset"})
    back = command("form", form, filled / "mifa.yaml")
    assert back.out.startswith("  1 field written into ")
    assert "    study.title\n" in back.out
    assert (filled / "mifa.yaml").read_text() == before


def test_a_form_that_is_none_is_one_line(command, filled, tmp_path):
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK nothing")
    for arguments, words in (
        ([filled, tmp_path / "form.ods"], "xlsx"),
        ([broken, filled], "broken.xlsx"),
        ([tmp_path / "none.xlsx", filled], "none.xlsx"),
        ([filled, tmp_path / "no" / "form.xlsx"], "form.xlsx"),
    ):
        told = command("form", *arguments)
        assert (told.status, told.out) == (2, ""), arguments
        assert told.err.count("\n") == 1, told.err
        assert words in told.err


def test_the_archives_documents_go_out_and_come_back(command, filled, tmp_path):
    documents, again = tmp_path / "documents", tmp_path / "again.yaml"
    told = command("archive", filled, documents)
    assert told.status == 0
    assert told.out == f"  Wrote the archive's documents into {documents}/\n"
    assert "C041  the archive's schema has no place for" in told.err
    assert {path.name.split("_")[0] for path in documents.iterdir()} == {"Study", "Annotations", "Version"}
    assert command("archive", documents, again).status == 0
    assert metadata.load(again).mifa.study.title == metadata.load(filled / "mifa.yaml").mifa.study.title
    refused = command("archive", documents, again)
    assert refused.status == 2
    assert "exists already" in refused.err


def test_what_the_archive_would_refuse_is_an_error(command, described, tmp_path):
    told = command("archive", described, tmp_path / "documents")
    assert told.status == 1
    assert "error    C043  the archive's schema requires title   study.title" in told.err
    assert "errors are mended." in told.out
