import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.checks.wording import counted, is_placeholder, listed, suggest, words


@pytest.mark.parametrize(
    "text",
    ["TODO", "tbd.", "N/A", "?", "---", "", "  ", "xxx", "To be added", "<insert the method>", "lorem ipsum dolor",
     "My  Dataset", "None", "unknown", "Description:", "Not applicable."],
)  # fmt: skip
def test_placeholders(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text", ["CC0", "confocal", "5", "none of the nuclei was left out", "data of 2024", "細胞核"]
)
def test_what_says_something(text: str) -> None:
    assert not is_placeholder(text)


def test_words_of_any_script() -> None:
    assert words("Zellkerne: α-Tubulin, 細胞核 (3 Stück)") == [
        "Zellkerne",
        "α-Tubulin",
        "細胞核",
        "3",
        "Stück",
    ]
    assert words("...") == []


def test_suggestions_ignore_case_spaces_and_plurals() -> None:
    known = ["train", "validation", "test"]
    assert suggest("Validations", known) == "validation"
    assert suggest("vali dation", known) == "validation"
    assert suggest("tset", known) == "test"
    assert suggest("everything", known) == ""
    assert suggest("x", []) == ""


@given(st.text(max_size=40), st.lists(st.text(max_size=12), max_size=6))
def test_a_suggestion_is_one_of_the_choices(text: str, choices: list[str]) -> None:
    assert suggest(text, choices) in {"", *choices}


def test_numbers_and_lists() -> None:
    assert counted(0, "image") == "0 images"
    assert counted(12345, "class", "classes") == "12,345 classes"
    assert listed(["a"]) == "a"
    assert listed(map(str, range(9)), 2) == "0, 1 and 7 more"
