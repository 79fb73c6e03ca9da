import warnings
import zipfile

import numpy as np
import pytest
import yaml

from micrographia.segmentation.models.protocol import context_of
from micrographia.segmentation.models.registry import segmenter
from micrographia.segmentation.training.training import train


@pytest.fixture(scope="module")
def found(cells, tmp_path_factory):
    from micrographia.segmentation.training.options import TrainOptions

    out = tmp_path_factory.mktemp("packages") / "nuclei"
    return train(
        TrainOptions(
            [cells],
            out,
            steps=4,
            evaluations=1,
            patch=(32, 32),
            batch=2,
            widths=(4, 8),
            device="cpu",
            workers=1,
            bioimageio=True,
        )
    )


def test_the_package_is_whole(found):
    folder = found.path / "bioimageio"
    told = yaml.safe_load((folder / "rdf.yaml").read_text("utf-8"))
    assert told["format_version"].startswith("0.5")
    assert "license" not in told  # nobody stated one, and it says so
    assert any(
        "UNKNOWN" in text for text in told["config"]["micrographia"]["licences_of_training_data"]["says"]
    )
    with zipfile.ZipFile(folder / "package.zip") as archive:
        assert set(archive.namelist()) == {path.name for path in folder.iterdir()} - {"package.zip"}
        assert archive.testzip() is None


# It leaves the zip file open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_is_valid_and_runs_in_bioimageio_core(found):
    core = pytest.importorskip("bioimageio.core")
    spec = pytest.importorskip("bioimageio.spec")
    import pydantic

    if tuple(map(int, pydantic.VERSION.split(".")[:2])) >= (2, 14) and spec.__version__ == "0.5.12.0":
        pytest.skip("bioimageio.spec 0.5.12.0 describes no file under pydantic 2.14")
    folder = found.path / "bioimageio"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        described = spec.load_description(folder / "package.zip", perform_io_checks=True)
        assert not isinstance(described, spec.InvalidDescr), described.validation_summary.format()
        given = core.predict(model=described, inputs={"raw": np.load(folder / "test_input.npy")})
    maps = next(iter(given.members.values())).data.values
    np.testing.assert_allclose(maps, np.load(folder / "test_output.npy"), atol=1e-5)


def test_it_gives_the_labels_of_the_model(found):
    package = segmenter(str(found.path / "bioimageio/package.zip"), device="cpu")
    image = np.random.default_rng(0).random((1, 90, 70), np.float32) * 50
    context = context_of(image)
    np.testing.assert_allclose(package.maps(image, context), found.model.maps(image, context), atol=1e-5)
    np.testing.assert_array_equal(package.predict(image), found.model.predict(image))
    assert package.info.trained_on[0]["content_sha256"] == found.card["trained_on"][0]["content_sha256"]
