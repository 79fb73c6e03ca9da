import pytest

from micrographia.dataset import open_dataset
from micrographia.segmentation.training.citation import accession, licence_terms, shared_target


def described(folder, **lines):
    folder.mkdir()
    (folder / "files.tsv").write_text("Files\timage\trole\na.tif\ta\timage\n")
    target = "".join(f"      {name}: {value}\n" for name, value in lines.get("target", {}).items())
    links = f"  links: [{lines['link']}]\n" if "link" in lines else ""
    (folder / "mifa.yaml").write_text(
        f"micrographia_format: 1\nstudy:\n  title: {lines.get('title', folder.name)}\n{links}"
        f"annotations:\n  - name: nuclei\n" + (f"    target:\n{target}" if target else "")
    )
    return open_dataset(folder)


def entry(title, licence):
    return {"title": title, "licence": licence}


def test_licences_are_said_plainly():
    found = licence_terms(
        [
            entry("A", "CC BY-NC-SA 4.0"),
            entry("B", "CC0"),
            entry("C", ""),
            entry("D", "free for academic use"),
            entry("E", "CC BY-ND 4.0"),
        ]
    )
    assert found["non_commercial"] == ["A"]
    assert found["share_alike"] == ["A"]
    assert found["no_derivatives"] == ["E"]
    assert found["unknown"] == ["C", "D"]
    assert found["attribution"] == ["A", "E"]
    assert found["licence"] == ""
    words = [text.split(":")[0] for text in found["sentences"]]
    assert words[:4] == ["NON-COMMERCIAL", "SHARE-ALIKE", "NO DERIVATIVES", "UNKNOWN"]
    assert found["sentences"][3].startswith('UNKNOWN: the licence of "C" and "D"')


def test_one_licence_for_all_is_that_of_the_model():
    assert licence_terms([entry("A", "CC0 1.0"), entry("B", "CC0-1.0")])["licence"] == "CC0-1.0"
    assert licence_terms([entry("A", "CC0"), entry("B", "CC-BY-4.0")])["licence"] == ""
    assert licence_terms([entry("A", "CC0"), entry("B", "")])["licence"] == ""
    assert licence_terms([entry("A", "CC0")])["sentences"] == ["The training data ask for nothing."]


def test_a_set_with_a_licence_of_its_own_counts_too():
    found = licence_terms([entry("A", "CC0-1.0; CC-BY-NC-4.0")])
    assert found["non_commercial"] == ["A"]
    assert found["licence"] == ""


def test_targets_are_taken_where_datasets_agree(tmp_path):
    one = described(tmp_path / "one", target={"object": "nucleus", "touching": "one pixel apart"})
    two = described(tmp_path / "two", target={"object": "nucleus", "touching": "no gap"})
    three = described(tmp_path / "three")
    agreed, differing = shared_target([(one, "nuclei"), (two, "nuclei"), (three, "nuclei")])
    assert agreed == {"object": "nucleus"}
    (text,) = differing
    assert 'one pixel apart ("one")' in text
    assert 'no gap ("two")' in text


@pytest.mark.parametrize(
    ("name", "link", "wanted"),
    [
        ("a", "https://www.ebi.ac.uk/biostudies/studies/S-BIAD1492", "S-BIAD1492"),
        ("S-BSST265", "https://example.org", "S-BSST265"),
        ("a", "https://example.org", ""),
    ],
)
def test_accessions(tmp_path, name, link, wanted):
    assert accession(described(tmp_path / name, link=link)) == wanted
