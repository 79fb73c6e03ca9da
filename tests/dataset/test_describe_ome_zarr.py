import json
import shutil

import pytest

from folders import lab
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.dataset.identity import content_sha256


@pytest.fixture(scope="module", params=[False, True], ids=["folders", "zips"])
def converted(request, tmp_path_factory):
    """A converted dataset whose images are folders, or zips."""
    folder = tmp_path_factory.mktemp("made")
    source = lab(folder, images=2)
    describe(source)
    options = ConvertOptions(zipped=request.param, verify=False, workers=1)
    convert(open_dataset(source), folder / "out", options)
    return folder / "out"


def test_describing_what_was_converted_changes_nothing(converted, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(converted, folder)
    before = [(folder / name).read_text() for name in ("files.tsv", "mifa.yaml")]
    result = describe(folder, DescribeOptions(prune=True))
    assert [(folder / name).read_text() for name in ("files.tsv", "mifa.yaml")] == before
    assert (result.merged.gone, result.merged.added) == ((), ())
    assert len(result.annotated()) == 2


def test_labels_inside_of_ome_zarr_are_found(converted, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(converted, folder, ignore=shutil.ignore_patterns("mifa.yaml", "files.tsv"))
    result = describe(folder)
    assert dict(result.pairing.rules) == {"labels inside the OME-Zarr of the image": 2}
    assert not result.found.problems
    fresh = open_dataset(folder)
    assert fresh.annotation_sets == ("masks",)
    for image in fresh.image_ids:
        assert [mask.name for mask in fresh.masks(image)] == ["masks"]
    assert content_sha256(fresh) == content_sha256(open_dataset(converted))


def test_labels_that_cannot_be_listed_are_told_and_the_image_stays(converted, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(converted, folder, ignore=shutil.ignore_patterns("mifa.yaml", "files.tsv"))
    groups = sorted(folder.glob("images/*/labels/zarr.json"))
    if not groups:
        pytest.skip("what is inside a zip cannot be spoilt from outside")
    document = json.loads(groups[0].read_text())
    document["attributes"]["ome"]["labels"] = {"masks": 1}
    groups[0].write_text(json.dumps(document))
    result = describe(folder)
    assert len(result.pairing.images) == 2
    assert len(result.pairing.annotations) == 1
    assert len(result.found.problems) == 1
    assert "labels" in str(result.found.problems[0])
