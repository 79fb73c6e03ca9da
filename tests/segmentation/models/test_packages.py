import stat
import zipfile

import numpy as np
import pytest
import yaml
from scipy.ndimage import uniform_filter

from bioimageio_packages import ZERO_MEAN, old_package, package, zipped
from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.package_steps import applied, output_applied, steps
from micrographia.segmentation.models.package_tensors import Tensor
from micrographia.segmentation.models.protocol import context_of
from micrographia.segmentation.models.registry import segmenter
from micrographia.segmentation.models.running import segment

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")


def squares():
    pixels = np.full((64, 64), 20.0, np.float32)
    pixels[8:24, 8:24] = 120
    pixels[36:52, 30:46] = 110
    return pixels


def texture(channels=1, shape=(48, 32), seed=0):
    return (np.random.default_rng(seed).random((channels, *shape)) * 90 + 10).astype(np.float32)


@pytest.mark.parametrize("kind", ["torchscript", "onnx"])
@pytest.mark.parametrize("packed", [False, True])
def test_packages_run(tmp_path, kind, packed):
    folder = package(tmp_path / "averages", kinds=(kind,))
    model = segmenter(zipped(folder) if packed else folder, device="cpu")
    told = model.info
    assert (told.name, told.version, told.licence, told.axes) == ("averages", "1.2", "CC0-1.0", "YX")
    assert told.pixel_size == 0.5
    found = segment(model, ArrayImage(squares(), "YX"))
    assert found.labels.max() == 2
    assert found.labels[16, 16] == 1


def test_a_folder_its_description_and_its_zip_are_one_model(tmp_path):
    folder = package(tmp_path / "averages")
    hashes = {segmenter(folder).info.sha256, segmenter(folder / "rdf.yaml").info.sha256}
    hashes.add(segmenter(zipped(folder)).info.sha256)
    assert len(hashes) == 1


STEPS = {
    "zero mean by channel": [ZERO_MEAN],
    "zero mean of all": [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["channel", "y", "x"]}}],
    "percentiles": [
        {
            "id": "scale_range",
            "kwargs": {"axes": ["y", "x"], "min_percentile": 5.0, "max_percentile": 90.0, "eps": 1e-5},
        },
        {"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}},
    ],
    "linear": [{"id": "scale_linear", "kwargs": {"gain": 0.5, "offset": -3.0}}],
    "linear by channel": [
        {"id": "scale_linear", "kwargs": {"axis": "channel", "gain": [0.5, 2.0], "offset": [1.0, 0.0]}}
    ],
    "fixed": [{"id": "fixed_zero_mean_unit_variance", "kwargs": {"mean": 40.0, "std": 7.0}}],
    "binary": [{"id": "binarize", "kwargs": {"threshold": 50.0}}],
    "typed": [{"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}, {"id": "sigmoid"}],
}


def by_core(listed, image):
    """What bioimageio.core makes of an image ``(C, Y, X)`` by these steps."""
    from bioimageio.core import proc_ops
    from bioimageio.core.sample import Sample
    from bioimageio.core.stat_calculators import compute_measures
    from bioimageio.core.tensor import Tensor
    from bioimageio.spec.model import v0_5

    name = v0_5.TensorId("raw")
    sample = Sample(
        members={name: Tensor.from_numpy(image[None], dims=("batch", "channel", "y", "x"))}, stat={}, id=None
    )
    for step in listed:
        kind = "".join(word.capitalize() for word in step["id"].split("_"))
        described = getattr(v0_5, f"{kind}Descr").model_validate(step)
        operator = getattr(proc_ops, kind).from_proc_descr(described, name)
        sample.stat.update(compute_measures(operator.required_measures, [sample]))
        operator(sample)
    return sample.members[name].data.values[0]


SOFTMAX = {"id": "softmax", "kwargs": {"axis": "channel"}}


@pytest.mark.parametrize("name", list(STEPS))
def test_steps_are_those_of_bioimageio_core(name):
    pytest.importorskip("bioimageio.core")
    image = texture(2)
    ours = applied(steps(STEPS[name], ""), image, context_of(image), key="a")
    np.testing.assert_allclose(ours, by_core(STEPS[name], image), atol=2e-5)


@pytest.mark.parametrize(
    "listed", [[SOFTMAX], [{"id": "sigmoid"}, {"id": "binarize", "kwargs": {"threshold": 0.7}}]]
)
def test_steps_after_the_network_are_those_of_bioimageio_core(listed):
    pytest.importorskip("bioimageio.core")
    maps = texture(3) / 30
    np.testing.assert_allclose(output_applied(steps(listed, ""), maps), by_core(listed, maps), atol=1e-6)


@pytest.mark.parametrize("name", list(STEPS))
def test_a_package_is_its_steps_and_its_network(tmp_path, name):
    folder = package(
        tmp_path / "averages",
        before=STEPS[name],
        after=[SOFTMAX],
        channels=("raw", "other"),
        names=("foreground", "boundary"),
    )
    image = texture(2)
    model = segmenter(folder, device="cpu")
    before = applied(steps(STEPS[name], ""), image, context_of(image), key="a")
    inner = (slice(None), slice(3, -3), slice(3, -3))
    blurred = uniform_filter(before.mean(0), 5)[inner[1:]]
    wanted = np.exp(blurred) / (2 * np.exp(blurred))
    np.testing.assert_allclose(model.maps(image, context_of(image))[inner], np.stack([wanted] * 2), atol=1e-5)


@pytest.mark.parametrize("mode", ["per_sample", "fixed"])
def test_format_0_4_is_read(tmp_path, mode):
    def stated(held):
        held["config"] = {"micrographia": {"outputs": ["foreground"]}}

    folder = old_package(tmp_path / "averages", mode=mode, changes=stated)
    image = texture()
    model = segmenter(folder, device="cpu")
    assert model.overlap == 3
    maps = model.maps(image, context_of(image))
    scaled = (image - image.mean()) / (image.std() + 1e-6) if mode == "per_sample" else (image - 3) / 2
    blurred = uniform_filter(2 * scaled[0] + 1, 5, mode="reflect")  # the halo is mirrored
    np.testing.assert_allclose(maps[0], 1 / (1 + np.exp(-blurred)), atol=1e-5)


@pytest.mark.parametrize("axes", ["bcyx", "yxc", "byx", "xycb"])
def test_axes_come_and_go_in_any_order(axes):
    image = texture(1, (6, 4))
    held = Tensor(axes, (), (), None, (0, 0), None, "float32", ())
    given = held.given(image)
    sizes = {"b": 1, "c": 1, "y": 6, "x": 4}
    assert given.shape == tuple(sizes[axis] for axis in axes)
    np.testing.assert_array_equal(held.taken(given), image)


def test_tiles_are_normalised_as_the_whole(tmp_path):
    model = segmenter(package(tmp_path / "averages"), device="cpu")
    image = ArrayImage(squares() + 50 * np.linspace(0, 1, 64, dtype=np.float32), "YX")
    whole = segment(model, image)
    model.tile = (32, 32)
    np.testing.assert_array_equal(segment(model, image).labels, whole.labels)


def test_sizes_are_filled_up_and_fixed_ones_tiled(tmp_path):
    free = segmenter(package(tmp_path / "free"), device="cpu")
    fixed = segmenter(package(tmp_path / "fixed", size=32), device="cpu")
    odd = segmenter(package(tmp_path / "odd", size={"min": 17, "step": 16}), device="cpu")
    assert fixed.tile == (32, 32)
    image = texture(shape=(40, 21))
    context = context_of(image)
    inner = (0, slice(3, 36), slice(3, 18))
    assert odd.maps(image, context).shape == (1, 40, 21)
    np.testing.assert_allclose(odd.maps(image, context)[inner], free.maps(image, context)[inner], atol=1e-5)
    held = ArrayImage(squares(), "YX")
    assert segment(fixed, held).labels.max() == 2


def test_channels_meet_by_the_roles_that_their_names_tell(tmp_path):
    named = package(tmp_path / "named", channels=("DAPI", "phalloidin"))
    assert segmenter(named).info.channel_roles == ("nucleus", "actin")
    assert segmenter(package(tmp_path / "raw")).info.channel_roles == ("any",)


@pytest.mark.parametrize(
    ("names", "meaning"),
    [
        (("foreground", "boundaries"), ("foreground", "boundary")),
        (("background", "nuclei", "border of nuclei"), ("foreground", "boundary")),
        (("mask", "distance transform"), ("foreground", "distance")),
        (("something",), ("foreground",)),
    ],
)
def test_names_of_outputs_tell_what_they_mean(tmp_path, names, meaning):
    assert segmenter(package(tmp_path / "averages", names=names)).outputs == meaning


def test_what_names_do_not_tell_is_stated_beside_the_package(tmp_path):
    folder = package(tmp_path / "averages", names=("first", "second"))
    with pytest.raises(SegmentationError, match=r"does not tell.*averages\.yaml"):
        segmenter(folder)
    (tmp_path / "averages.yaml").write_text(
        "outputs: [foreground, '-']\npostprocessing: {min_size: 3}\nchannels: [nucleus]\n"
    )
    model = segmenter(folder)
    assert model.outputs == ("foreground",)
    assert model.info.settings["min_size"] == 3
    assert model.info.channel_roles == ("nucleus",)
    (tmp_path / "averages.yaml").write_text("colour: red\n")
    with pytest.raises(SegmentationError, match="'colour'"):
        segmenter(folder)


def test_what_the_package_states_for_this_program_is_taken(tmp_path):
    own = {
        "channel_roles": ["nucleus"],
        "outputs": ["foreground"],
        "postprocessing": {"depth": 0.4},
        "target": {"object": "nucleus"},
        "trained_on": [{"title": "nuclei of onion"}],
    }
    model = segmenter(package(tmp_path / "a", changes=lambda held: held.update(config={"micrographia": own})))
    assert model.info.channel_roles == ("nucleus",)
    assert model.info.settings["depth"] == 0.4
    assert model.info.target == {"object": "nucleus"}
    assert model.info.trained_on[0]["title"] == "nuclei of onion"


def test_code_of_a_package_runs_only_if_it_is_trusted_by_name(tmp_path):
    folder = package(tmp_path / "averages", kinds=("pytorch_state_dict",))
    with pytest.raises(SegmentationError, match="trust 'averages' by name"):
        segmenter(folder)
    with pytest.raises(SegmentationError, match="trust"):
        segmenter(folder, trust=["another"])
    assert not (folder / "ran").exists()
    model = segmenter(folder, device="cpu", trust=["averages"])
    assert (folder / "ran").exists()
    assert segment(model, ArrayImage(squares(), "YX")).labels.max() == 2
    both = segmenter(package(tmp_path / "both", kinds=("torchscript", "pytorch_state_dict")), device="cpu")
    assert not (tmp_path / "both" / "ran").exists()
    image = texture()
    np.testing.assert_allclose(
        model.maps(image, context_of(image)), both.maps(image, context_of(image)), atol=1e-5
    )


def set_weights(**values):
    return lambda held: held["weights"]["torchscript"].update(values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (set_weights(source="../weights.pt"), "outside of the package"),
        (set_weights(source="/etc/hostname"), "outside of the package"),
        (set_weights(source="C:\\weights.pt"), "outside of the package"),
        (set_weights(source="sub/../../weights.pt"), "outside of the package"),
        (set_weights(source="https://example.org/weights.pt"), "not in the package"),
        (set_weights(source="gone.pt"), "lacks gone.pt"),
        (set_weights(sha256="0" * 64), "another weights.pt"),
        (lambda held: held.update(weights={}), "no weights"),
        (lambda held: held.update(weights={"keras_hdf5": {"source": "in.npy"}}), "kind keras_hdf5"),
        (lambda held: held.update(format_version="0.3.2"), "format 0.3.2"),
        (lambda held: held.update(type="dataset"), "no model"),
        (lambda held: held.update(inputs=held["inputs"] * 2), "more or less than one image"),
        (lambda held: held["inputs"][0].update(axes="bcyxt"), "axes bcyxt|cannot be understood"),
        (lambda held: held["inputs"][0].update(preprocessing=[{"id": "magic"}]), "step 'magic'"),
        (lambda held: held["inputs"][0].update(axes=[{"type": "space"}]), "with axes"),
        (lambda held: held["outputs"][0].update(axes=7), "cannot be understood"),
        (lambda held: held["inputs"][0]["axes"][2].update(size=10**8), "100000000 pixels"),
        (lambda held: held["outputs"][0]["axes"][2].update(halo=-3), "halo of"),
        (
            lambda held: held["inputs"][0]["axes"][2].update(size={"min": 4, "step": -1}),
            "cannot be understood",
        ),
    ],
)
def test_packages_that_cannot_be_used_are_refused(tmp_path, changes, said):
    folder = package(tmp_path / "averages", changes=changes)
    with pytest.raises(SegmentationError, match=said):
        segmenter(folder)
    with pytest.raises(SegmentationError, match=said):
        segmenter(zipped(folder))


def test_links_out_of_a_folder_are_refused(tmp_path):
    folder = package(tmp_path / "averages")
    (folder / "weights.pt").replace(tmp_path / "weights.pt")
    (folder / "weights.pt").symlink_to(tmp_path / "weights.pt")
    with pytest.raises(SegmentationError, match="link that leads out"):
        segmenter(folder)


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
def test_zips_with_members_outside_are_refused(tmp_path, name):
    path = zipped(package(tmp_path / "averages"), also=[(name, "x")])
    with pytest.raises(SegmentationError, match="outside of the package"):
        segmenter(path)


def test_zips_with_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(package(tmp_path / "averages"), also=[(link, "/etc/hostname")])
    with pytest.raises(SegmentationError, match="holds a link"):
        segmenter(path)


def test_pickled_weights_called_torchscript_are_not_opened(tmp_path, capsys):
    import pickle

    class Evil:
        def __reduce__(self):
            return print, ("this must not run",)

    folder = package(tmp_path / "averages")
    (folder / "weights.pt").write_bytes(pickle.dumps(Evil()))
    held = yaml.safe_load((folder / "rdf.yaml").read_text())
    del held["weights"]["torchscript"]["sha256"]
    (folder / "rdf.yaml").write_text(yaml.safe_dump(held))
    with pytest.raises(SegmentationError, match="no TorchScript file"):
        segmenter(folder)
    assert "must not run" not in capsys.readouterr().out


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize("text", ["- a", "a: [", "", "\0", "a: !!python/name:os.system", BOMB])
def test_descriptions_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "rdf.yaml").write_text(text)
    with pytest.raises(SegmentationError):
        segmenter(tmp_path)


def test_damaged_zips_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\3\4 and nothing more")
    with pytest.raises(SegmentationError, match="no zip file"):
        segmenter(path)
