"""What reading a description may have to say: one table of codes, so that no coercion is silent."""

from __future__ import annotations

from dataclasses import dataclass

from micrographia.findings import Severity


@dataclass(frozen=True, slots=True)
class Coercion:
    """A kind of finding of reading or writing a description.

    Parameters
    ----------
    code
        Stable code.
    severity
        Information where the value is certain, warning where somebody should look, error where output is not valid.
    title
        What it is, in a few words.
    meaning
        What was done, and with what the finding can be avoided.
    """

    code: str
    severity: Severity
    title: str
    meaning: str


_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR

_TABLE = (
    ("C001", _INFO, "one value where a list is expected", "It was read as a list of one."),
    (
        "C002",
        _INFO,
        "a list where one value is expected",
        "One item was taken as it is; several texts were joined.",
    ),
    ("C003", _INFO, "a number where a text is expected", "Its characters were read as text; quotes say so."),
    ("C004", _INFO, "a text where a number is expected", "The number in it was read."),
    (
        "C005",
        _INFO,
        "another name for a field",
        "The field has one name in this package; it was read under that name.",
    ),
    (
        "C006",
        _INFO,
        "another word for a term",
        "A synonym or spelling was read as the term of the vocabulary.",
    ),
    ("C007", _INFO, "another wording of a licence", "It was read as its SPDX identifier."),
    (
        "C008",
        _WARNING,
        "a licence without version",
        "Its terms depend on the version; state it, as in CC-BY-4.0.",
    ),
    ("C009", _INFO, "another form of an identifier", "It was read in the one form that this package writes."),
    ("C010", _INFO, "a PubMed Central id in pubmed_id", "It was read into pmc_id."),
    ("C011", _INFO, "another form of a date", "It was read as ISO 8601, as precise as it was written."),
    ("C012", _INFO, "another structure", "The same facts in another arrangement were rearranged."),
    (
        "C013",
        _INFO,
        "a text where several fields are expected",
        "It was read into the field that it stands for.",
    ),
    ("C014", _WARNING, "an unknown field", "It is kept as it is; nothing in this package reads it."),
    ("C015", _WARNING, "a field that occurs twice", "The first counts; the second is not read."),
    ("C016", _WARNING, "an identifier that is not valid", "It is kept as it is written."),
    ("C017", _WARNING, "a licence that is not known", "It is kept as it is written and taken for no other."),
    ("C018", _WARNING, "a word outside the vocabulary", "It is kept as it is written."),
    (
        "C019",
        _WARNING,
        "a value that cannot be read",
        "It is kept as it is written, outside the description.",
    ),
    ("C020", _WARNING, "a date that is not understood", "It is kept as it is written."),
    ("C021", _INFO, "a question mark without quotes", 'In YAML it must stand in quotes: "?".'),
    ("C022", _INFO, "no micrographia_format", "Format 1 was assumed."),
    ("C023", _INFO, "a whole name", "It was divided into first and last name; look whether it is right."),
    ("C031", _WARNING, "a formula in a form", "It was not computed; write the value itself."),
    (
        "C032",
        _WARNING,
        "a sheet or column that is not known",
        "It was not read; the form has one sheet for each concept.",
    ),
    ("C033", _WARNING, "a value that does not fit into a cell", "It was left out of the form."),
    (
        "C034",
        _WARNING,
        "a row that belongs to nothing",
        "It refers to an annotation set that is not in the form.",
    ),
    (
        "C041",
        _WARNING,
        "a field that the archive's schema cannot carry",
        "It was left out of what was written.",
    ),
    (
        "C042",
        _WARNING,
        "a licence that the archive's schema cannot carry",
        "It takes CC0 and CC BY 4.0 only.",
    ),
    (
        "C043",
        _ERROR,
        "a field that the archive's schema requires",
        "Without it what was written is not valid.",
    ),
    (
        "C044",
        _INFO,
        "a field that moved for the archive's schema",
        "The schema has it at another place or in one form.",
    ),
)

COERCIONS: dict[str, Coercion] = {
    code: Coercion(code, severity, title, meaning) for code, severity, title, meaning in _TABLE
}
"""Code to what it means: everything that reading and writing descriptions may have to say."""


def coercion_table() -> str:
    """Return the table of codes as Markdown, for the documentation."""
    rows = [
        f"| {item.code} | {item.severity} | {item.title} | {item.meaning} |" for item in COERCIONS.values()
    ]
    return "\n".join(["| code | severity | what was found | what was done |", "|---|---|---|---|", *rows])
