import sys

import numpy as np
import pytest
import tifffile
from skimage.measure import label

from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.programs import PRESETS, ProgramSegmenter, program
from micrographia.segmentation.models.registry import segmenter
from micrographia.segmentation.models.running import segment
from models_at_hand import same_partition

SCRIPT = """
import sys
import tifffile
import numpy as np
from pathlib import Path

image = tifffile.imread(sys.argv[1])
if "--fail" in sys.argv:
    print("no such thing", file=sys.stderr)
    sys.exit(3)
if "--float" in sys.argv:
    tifffile.imwrite(sys.argv[2], image.astype("float32"))
elif "--nothing" in sys.argv:
    pass
elif "--noise" in sys.argv:
    Path(sys.argv[2]).write_bytes(b"II*no")
else:
    labels = np.zeros(image.shape, "int32")
    labels[image > 100] = 1 + np.arange(image.size).reshape(image.shape)[image > 100] // (16 * image.shape[-1])
    tifffile.imwrite(sys.argv[2], labels)
print(image.dtype, image.shape)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.py").write_text(SCRIPT)
    return f"program:{sys.executable} rows.py {{image}} {{labels}}"


def bars():
    pixels = np.zeros((64, 30), np.uint8)
    for row in range(0, 64, 16):
        pixels[row + 3 : row + 12, 4:26] = 200
    return pixels


def test_a_real_program_gives_labels(script, monkeypatch, tmp_path):
    model = segmenter(script)
    assert model.info.name == "rows.py"
    found = segment(model, ArrayImage(bars(), "YX"))
    assert same_partition(found.labels, label(bars() > 0))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert segment(model, ArrayImage(np.stack([bars()] * 2), "ZYX")).labels.shape == (2, 64, 30)


def test_its_checksum_is_that_of_what_it_runs(script, tmp_path):
    first = segmenter(script).info.sha256
    assert segmenter(script).info.sha256 == first
    assert segmenter(script + " --fail").info.sha256 != first
    (tmp_path / "rows.py").write_text(SCRIPT + "\n")
    assert segmenter(script).info.sha256 != first


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--fail", "code 3: no such thing"),
        ("--float", "float32"),
        ("--nothing", "wrote no labels"),
        ("--noise", "cannot be read"),
    ],
)
def test_what_goes_wrong_is_told(script, option, said):
    with pytest.raises(SegmentationError, match=said):
        segment(segmenter(f"{script} {option}"), ArrayImage(bars(), "YX"))


def test_a_program_that_hangs_is_stopped():
    model = ProgramSegmenter([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.3)
    with pytest.raises(SegmentationError, match=r"longer than 0.3 s"):
        model.predict(np.zeros((1, 4, 4), np.float32))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no program"),
        ("python x.py {image}", "no place {labels}"),
        ("'open", "cannot be read"),
        ("no-such-program-here {image} {labels}", "no program 'no-such"),
    ],
)
def test_what_is_no_command_is_refused(text, said):
    with pytest.raises(SegmentationError, match=said):
        program(text)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_that_are_not_installed_say_how_to_get_them(name):
    import importlib.util

    if importlib.util.find_spec(PRESETS[name].module) is not None:
        assert program(name).info.name == name
        return
    with pytest.raises(SegmentationError, match=f"pip install {name}"):
        program(name)


@pytest.mark.parametrize(
    ("pixels", "dtype", "shape"),
    [
        (np.full((1, 5, 6), 200.0), np.uint8, (5, 6)),
        (np.full((2, 5, 6), 300.0), np.uint16, (2, 5, 6)),
        (np.full((1, 3, 5, 6), 0.5), np.float32, (3, 5, 6)),
    ],
)
def test_images_are_written_as_they_are(tmp_path, pixels, dtype, shape):
    copy = (
        "import sys, shutil, tifffile, numpy; shutil.copy(sys.argv[1], sys.argv[3]); "
        f"tifffile.imwrite(sys.argv[2], numpy.zeros({pixels.shape[1:]}, 'uint8'))"
    )
    kept = tmp_path / "kept.tif"
    model = ProgramSegmenter([sys.executable, "-c", copy, "{image}", "{labels}", str(kept)])
    model.predict(pixels.astype(np.float32))
    held = tifffile.imread(kept)
    assert (held.dtype, held.shape) == (np.dtype(dtype), shape)
    np.testing.assert_array_equal(held.ravel(), pixels.ravel())
