"""The fresh ``mifa.yaml``: every field explained, only what is known filled in, the rest a question mark."""

import re
from typing import Any

from hypothesis import given

from metadata.descriptions import CALM, PLAIN
from micrographia.metadata import AnnotationSet, Description, Mifa, template
from micrographia.metadata.document import as_mapping, describe
from micrographia.metadata.fields import Shown, specs
from micrographia.metadata.reading import Reader
from micrographia.metadata.template import FROM_FILES, FROM_LAB
from micrographia.metadata.yaml_parsing import parse


def read(text: str) -> Description:
    from pathlib import Path

    return describe(as_mapping(parse(text).root, ""), Reader("mifa.yaml"), Path("mifa.yaml"))


def test_a_template_has_no_facts_and_no_findings() -> None:
    description = read(template())
    assert description.mifa == Mifa()
    assert description.findings == []
    assert {
        "study.title",
        "study.license",
        "annotations[0].annotation_method",
        "biosamples[0].organism.ncbi_taxon",
    } <= set(description.open_fields)
    eleven = {
        f"annotations[0].{name}" for name, spec in specs(AnnotationSet).items() if spec.show is Shown.ASK
    }
    asked = {at.removesuffix(".annotated") for at in description.open_fields}
    assert eleven - asked == {"annotations[0].target"}, "target is asked for by its parts"


def test_every_line_is_short_and_every_field_explained() -> None:
    lines = template({"annotations": [{"name": "a", "mask_kind": "instance"}]}).splitlines()
    assert max(len(line) for line in lines) <= 110
    for number, line in enumerate(lines):
        field = re.match(r"^ *(?:- )?([a-z_]+):", line)
        if field and field[1] != "authors":
            above = lines[number - 1].strip()
            nested_first = above.endswith(":") or re.match(r"^(- )?[a-z_]+:$", above)
            assert above.startswith("#") or nested_first, line


def test_offers_become_fields_when_the_sign_is_removed() -> None:
    text = template({})
    plain = re.sub(
        r"^( *)# ((?:  )*(?:- )?(?:[a-z_]+:( .*)?|[A-Za-z].*))$", r"\1\2", text, flags=re.MULTILINE
    )
    offers = [line for line in text.splitlines() if re.match(r"^ *# ( *(- )?)[a-z_]+:( |$)", line)]
    assert len(offers) > 20
    for line in offers:
        name = re.search(r"([a-z_]+):", line)
        assert name is not None
    assert "grants:" in plain


def test_what_is_known_says_where_it_is_from() -> None:
    text = template(
        {"annotations[0].name": "nuclei", "study": {"keywords": ["a", "b"]}, "extra": 1,
         "versions": [{"version": "1.0"}], "annotations[0].annotation_coverage": {"annotated": 4}},
        {"study": {"license": "CC0-1.0", "keywords": ["lab"], "authors": [{"author_last_name": "Hooke"}]},
         "image_acquisitions": [{"imaging_instrument": "Z"}, {"imaging_instrument": "Y"}]},
    )  # fmt: skip
    assert f"- name: nuclei  # {FROM_FILES}" in text
    assert f"    - a  # {FROM_FILES}\n    - b  # {FROM_FILES}\n" in text
    assert f"license: CC0-1.0  # {FROM_LAB}" in text
    assert f"author_last_name: Hooke  # {FROM_LAB}" in text
    assert 'version: "1.0"\n' in text, "a version is of the program, not from the files"
    mifa = read(text).mifa
    assert mifa.study.keywords == ["a", "b"]
    assert [one.imaging_instrument for one in mifa.image_acquisitions] == ["Z", "Y"]
    assert mifa.unknown == {"extra": 1}
    assert "annotations[0].annotation_coverage.total" in read(text).open_fields


def test_the_schema_line_comes_first() -> None:
    assert template(schema="mifa.schema.json").startswith(
        "# yaml-language-server: $schema=mifa.schema.json\n"
    )
    assert template().startswith("# What this dataset is")


@CALM
@given(PLAIN)
def test_whatever_is_known_reads_back(values: dict[str, Any]) -> None:
    from micrographia.metadata import from_dict

    description = read(template(values))
    assert description.mifa == from_dict(values).mifa
    assert description.findings == []
