import numpy as np
import pytest
import tifffile

from micrographia import images
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.dataset.identity import content_sha256
from micrographia.errors import DatasetError, ImageError


@pytest.fixture
def stacks(tmp_path):
    """Two TIFFs of three pages that do not say what they are, with masks of one page."""
    folder = tmp_path / "lab"
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            folder / "images" / f"{name}.tif",
            draw.integers(0, 999, (3, 40, 50), np.uint16),
            metadata=None,
            photometric="minisblack",
        )
        mask = np.zeros((40, 50), np.uint16)
        mask[5:15, 5:15], mask[20:30, 20:35] = 1, 2
        tifffile.imwrite(folder / "masks" / f"{name}.tif", mask, metadata=None)
    return folder


@pytest.mark.parametrize(("pages", "axes"), [("channels", "CYX"), ("times", "TYX"), ("slices", "ZYX")])
def test_what_pages_are_is_decided_once_and_holds_everywhere(stacks, tmp_path, pages, axes):
    describe(stacks, DescribeOptions(pages=pages))
    dataset = open_dataset(stacks)
    for image in dataset.image_ids:
        with dataset.image(image) as opened:
            assert opened.size(axes[0]) == 3
    again = describe(stacks)
    assert {row.axes for row in open_dataset(stacks).rows if row.role == "image"} == {axes}
    assert not again.merged.added
    convert(open_dataset(stacks), tmp_path / "out", ConvertOptions(workers=1))
    with images.open_image(next((tmp_path / "out/images").glob("*.zarr"))) as converted:
        assert converted.size(axes[0]) == 3
    assert content_sha256(open_dataset(tmp_path / "out")) == content_sha256(open_dataset(stacks))


def test_files_that_say_what_their_pages_are_are_left_alone(stacks):
    for place in (stacks / "images").glob("*.tif"):
        tifffile.imwrite(
            place, tifffile.imread(place), ome=True, metadata={"axes": "ZYX"}, photometric="minisblack"
        )
    with pytest.raises(DatasetError, match="no image whose pages are unknown"):
        describe(stacks, DescribeOptions(pages="channels"))


def test_axes_that_do_not_fit_are_refused(stacks):
    with (
        images.open_image(stacks / "images" / "a.tif") as image,
        pytest.raises(ImageError, match="cannot be called"),
    ):
        images.with_axes(image, "TCYX")
