"""What an import kept stays with the dataset."""

from folders import lab
from micrographia.checks import check
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import describe
from micrographia.dataset.origin import Kept, Origin, read_origin, write_origin

ORIGIN = Origin("pagetab", "S-1.json", "https://example.org/files/", (Kept("section", {"type": "Well"}),))


def test_conversion_keeps_what_was_kept(tmp_path):
    dataset = describe(lab(tmp_path, images=2)).dataset
    write_origin(dataset.path, ORIGIN)
    convert(dataset, tmp_path / "converted", ConvertOptions(verify=False, workers=1))
    kept = read_origin(tmp_path / "converted")
    assert (kept.format, kept.kept, kept.files) == ("pagetab", ORIGIN.kept, "")


def test_an_origin_need_not_be_listed(tmp_path):
    dataset = describe(lab(tmp_path, images=2)).dataset
    write_origin(dataset.path, Origin("pagetab", "S-1.json"))
    assert not [one for one in check(dataset.path).findings if one.path == "origin.json"]
