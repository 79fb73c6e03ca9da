"""Dataset cards of Hugging Face: the Hub's own reader takes them, nothing in them is taken for markup."""

import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.cork import cork
from metadata.descriptions import PLAIN, TEXTS
from micrographia.dataset.origin import Kept, Origin
from micrographia.exchange import (
    Submission,
    described,
    export,
    file_table,
    read_submission,
    recognise,
    unnamed_differences,
)
from micrographia.exchange.huggingface.markdown import escaped, fenced, unescaped
from micrographia.exchange.source import Source

HOSTILE = "</script><script>alert(1)</script> [x](javascript:x) *a* `b` $c$ | d\n---\n# e\n1. f\n    g"


def parts(path):
    """Return metadata and text of a card, as the Hub divides them."""
    found = re.match(r"---\n(.*?)\n---\n(.*)", path.read_text("utf-8"), re.DOTALL)
    return yaml.safe_load(found[1]), found[2]


def test_a_folder_becomes_a_card(tmp_path):
    dataset = cork(tmp_path, converted=False)
    done = export(dataset, "huggingface", tmp_path)
    assert done.path.name == "README.md"
    assert done.valid
    front, text = parts(done.path)
    assert front["pretty_name"] == "Cells of cork"
    assert front["license"] == "cc-by-4.0"
    assert front["task_categories"] == ["image-segmentation"]
    assert front["task_ids"] == ["instance-segmentation"]
    assert front["size_categories"] == ["n<1K"]
    assert front["annotations_creators"] == ["expert-generated"]
    images, table = front["configs"]
    assert {one["split"]: len(one["path"]) for one in images["data_files"]} == {"train": 3, "test": 1}
    assert table == {
        "config_name": "treatments",
        "data_files": [{"split": "full", "path": "treatments.csv"}],
    }
    for words in (
        "Robert Hooke",
        "Whole cells only",
        "@dataset{hooke2023cells",
        "IoU of 0.9",
        "biologist, 9 years",
    ):
        assert words in text, words
    assert "## Bias, Risks, and Limitations" in text


def test_what_is_no_picture_has_no_configuration(tmp_path):
    front, _ = parts(export(cork(tmp_path, converted=True), "huggingface", tmp_path).path)
    assert [one["config_name"] for one in front["configs"]] == ["objects", "treatments"]


@pytest.mark.parametrize(
    ("written", "terms"),
    [
        ("CC0-1.0", {"license": "cc0-1.0"}),
        ("GPL-3.0-only", {"license": "gpl-3.0"}),
        ("ODbL-1.0", {"license": "odbl"}),
        ("free for all", {"license": "other", "license_name": "free for all"}),
    ],
)
def test_licences_have_the_names_of_the_hub(tmp_path, written, terms):
    before = Submission(described({"study": {"title": "Cork", "license": written}}), file_table([]))
    done = export(before, "huggingface", tmp_path)
    front, _ = parts(done.path)
    assert {name: front[name] for name in terms} == terms
    assert read_submission(done.path).mifa.study.license == written


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(PLAIN, TEXTS, TEXTS)
def test_every_loss_is_named(tmp_path_factory, plain, one, two):
    study = {"title": one, "keywords": [one, two], "description": two}
    before = Submission(
        described({**plain, "study": study}), file_table([{"Files": "a.png", "role": "image"}])
    )
    folder = tmp_path_factory.mktemp("card")
    done = export(before, "huggingface", folder)
    after = read_submission(done.path)
    assert after.mifa.study.title == before.mifa.study.title
    assert after.mifa.study.keywords == before.mifa.study.keywords
    assert unnamed_differences(before, after, done.findings) == []
    assert export(after, "huggingface", folder / "again.md").path.exists()


@settings(deadline=None, max_examples=40)
@given(TEXTS)
def test_the_hub_reads_the_metadata(tmp_path_factory, words):
    hub = pytest.importorskip("huggingface_hub")
    before = Submission(described({"study": {"title": words, "keywords": [words]}}), file_table([]))
    card = hub.DatasetCard.load(export(before, "huggingface", tmp_path_factory.mktemp("card")).path)
    assert card.data.pretty_name.strip() == before.mifa.study.title.strip()
    assert card.data.tags == before.mifa.study.keywords
    assert card.text.lstrip("\n").startswith("# Dataset Card for")


def test_nothing_is_taken_for_markup(tmp_path):
    markdown_it = pytest.importorskip("markdown_it")
    plain = {
        "study": {
            "title": HOSTILE,
            "description": HOSTILE,
            "keywords": [HOSTILE],
            "license": HOSTILE,
            "acknowledgements": HOSTILE,
            "funding_statement": HOSTILE,
            "authors": [{"author_last_name": HOSTILE, "orcid_id": HOSTILE}],
            "publications": [HOSTILE],
            "links": [{"link_url": HOSTILE, "link_description": HOSTILE}],
        },
        "annotations": [
            {
                "name": HOSTILE,
                "annotation_method": HOSTILE,
                "annotators": [HOSTILE],
                "classes": [{"id": 1, "name": HOSTILE}],
            }
        ],
        "versions": [{"version": HOSTILE, "changes": HOSTILE}],
        "waivers": [{"code": "P004", "reason": HOSTILE}],
    }
    rows = [{"Files": "a.png", "role": "image", "image": "a", "split": HOSTILE}]
    done = export(Submission(described(plain), file_table(rows)), "huggingface", tmp_path)
    front, text = parts(done.path)
    assert front["pretty_name"] == HOSTILE
    page = markdown_it.MarkdownIt("commonmark", {"html": True}).render(text)
    assert "<script" not in page
    assert "<a " not in page
    assert "<em>" not in page
    assert page.count("<h1>") == 1
    assert page.count("&lt;script&gt;") >= 12


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40))
def test_escaped_text_comes_back(words):
    assert unescaped(escaped(words)) == " ".join(words.split())


def test_a_fence_holds_any_text():
    assert fenced("a ```` b", "text").startswith("`````text\n")


def test_a_card_of_others_is_kept(tmp_path):
    card = (
        "---\nlicense: apache-2.0\ntags: [cork, 3]\nlanguage:\n- en\ndataset_info:\n  features: []\n---\n"
        "# Cork\n\n### Dataset Description\n\nSlices of cork\n\n## More\n\n<b>bold</b>\n"
    )
    path = tmp_path / "README.md"
    path.write_text(card)
    assert recognise(Source(tmp_path)).name == "huggingface"
    read = read_submission(tmp_path)
    assert (read.mifa.study.license, read.mifa.study.description) == ("Apache-2.0", "Slices of cork")
    assert read.mifa.study.keywords == ["cork", "3"]
    assert {one.at for one in read.origin.kept} == {"language", "dataset_info", "text"}
    again, text = parts(export(read, "huggingface", tmp_path / "again.md").path)
    assert again["dataset_info"] == {"features": []}
    assert "<b>bold</b>" in text
    read.mifa.study.description = "Slices of wood"
    done = export(read, "huggingface", tmp_path / "changed.md")
    assert "<b>bold</b>" not in parts(done.path)[1]
    assert any(finding.code == "E005" for finding in done.findings)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("no metadata", "E010"),
        ("---\n- a\n- b\n---\nx", "E009"),
        ("---\na: [\n---\nx", "E009"),
        ("---\na: &x [*x]\n---\nx", "E009"),
        ("---\nlicense: [1, 2]\ntags: {a: 1}\npretty_name: [x]\n---\nx", "E004"),
        ("---\n---\n", None),
    ],
)
def test_broken_cards_are_read_as_far_as_they_go(tmp_path, card, code):
    path = tmp_path / "README.md"
    path.write_text(card)
    read = read_submission(path, "huggingface")
    assert code is None or code in {finding.code for finding in read.findings}
    export(read, "huggingface", tmp_path / "again.md")


def test_other_markdown_is_not_taken_for_a_card(tmp_path):
    (tmp_path / "README.md").write_text("# Cork\n\n---\n\nlicense: MIT\n")
    assert not any(form_matches(tmp_path, name) for name in (".", "README.md"))


def form_matches(folder, name):
    from micrographia.exchange import find_format

    return find_format("huggingface").matches(Source(folder / name))


def test_what_was_kept_of_another_form_is_named(tmp_path):
    before = Submission(described({}), file_table([]), Origin("pagetab", kept=(Kept("x", 1),)))
    assert any(finding.code == "E005" for finding in export(before, "huggingface", tmp_path).findings)


@pytest.mark.real_data
def test_real_records_lose_nothing_unnamed(data, tmp_path):
    records = [
        *sorted((data / "bia_records").glob("*.json")),
        *sorted((data / "mifa_examples").glob("Study_*")),
    ]
    for number, record in enumerate(records):
        before = read_submission(record)
        done = export(before, "huggingface", tmp_path / f"{number}.md")
        assert done.valid
        assert unnamed_differences(before, read_submission(done.path), done.findings) == [], record.name
