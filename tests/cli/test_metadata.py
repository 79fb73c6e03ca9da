import json

import jsonschema
import yaml

from micrographia import metadata


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
