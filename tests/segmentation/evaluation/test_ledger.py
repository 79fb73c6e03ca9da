import numpy as np
import pytest
from scipy import ndimage

from micrographia.checks.pixel_facts_image import measure_image
from micrographia.images import ArrayImage
from micrographia.segmentation.evaluation.ledger import Source, Status, judge
from micrographia.segmentation.training.fingerprints import read_fingerprints


def field(seed, shape=(300, 420)):
    """A smooth random field with a little noise: what neighbouring tiles have in common."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=shape), 5)
    return (4000 + 800 * smooth / smooth.std() + random.normal(0, 5, shape)).clip(0).astype(np.uint16)


def facts(**images):
    return {name: measure_image(ArrayImage(pixels, "YX"), name)[0] for name, pixels in images.items()}


def source(**images):
    return Source("Nuclei of the mouse", "S-BIAD1", "abc", facts(**images))


CARD = [{"title": "Nuclei of the rat", "accession": "S-BIAD2", "content_sha256": "def"}]


@pytest.fixture(scope="module")
def whole():
    return field(1)


@pytest.mark.parametrize(
    "turned",
    [lambda x: x, np.rot90, np.fliplr, lambda x: np.rot90(x[::-1], 3)],
    ids=["same", "turned", "mirrored", "both"],
)
def test_an_image_that_was_trained_on_is_seen_however_it_is_turned(whole, turned):
    here = source(a=whole[:200, :200], b=field(2)[:200, :200])
    entry = judge(CARD, facts(t=np.ascontiguousarray(turned(whole[:200, :200]))), here)
    assert entry.status is Status.SEEN
    assert entry.images == ("a",)
    assert entry.reason.startswith("1 of 2 images were trained on or lie beside one that was: a (")


def test_a_neighbouring_tile_is_seen(whole):
    entry = judge(CARD, facts(t=whole[:200, :200]), source(a=whole[:200, 200:400], b=field(2)[:200, :200]))
    assert (entry.status, entry.images) == (Status.SEEN, ("a",))
    assert "neighbouring tile of t" in entry.reason


def test_two_neighbours_that_are_both_evaluated_are_not_seen(whole):
    entry = judge(CARD, facts(t=field(3)[:200, :200]), source(a=whole[:200, :200], b=whole[:200, 200:400]))
    assert entry.status is Status.CLEAN


def test_black_images_are_no_copies_of_each_other():
    black = np.zeros((64, 64), np.uint16)
    assert judge(CARD, facts(t=black), source(a=black)).status is Status.CLEAN


@pytest.mark.parametrize(
    ("cited", "by"),
    [
        ({"title": "x", "content_sha256": "abc"}, "content hash"),
        ({"title": "x", "accession": "s-biad1"}, "accession"),
        ({"title": "nuclei of the MOUSE"}, "title"),
    ],
)
def test_other_images_of_one_dataset_are_the_same_source(cited, by):
    here = source(a=field(2)[:128, :128])
    entry = judge([cited], facts(t=field(3)[:128, :128]), here)
    assert entry.status is Status.SAME_SOURCE
    assert f"the same by {by}" in entry.reason
    # Without fingerprints nobody knows which of its images were held back.
    assert judge([cited], None, here).status is Status.SEEN


def test_what_is_not_said_is_unknown_and_what_never_learned_is_clean():
    here = source(a=field(2)[:128, :128])
    assert judge([], None, here).status is Status.UNKNOWN
    assert judge(CARD, None, here).status is Status.UNKNOWN
    assert judge(CARD, facts(t=field(3)[:128, :128]), here).status is Status.CLEAN
    assert judge([], None, here, untrained=True).status is Status.CLEAN


def test_two_empty_titles_are_not_the_same():
    here = Source("", "", "", facts(a=field(2)[:128, :128]))
    assert judge([{"title": "", "accession": ""}], facts(t=field(3)[:128, :128]), here).status is Status.CLEAN


def test_fingerprints_on_disk_find_what_facts_find(whole, tmp_path, monkeypatch):
    from micrographia.segmentation.training import fingerprints

    class Made:
        def image(self, _):
            return ArrayImage(whole[:200, :200], "YX")

    entries = fingerprints.take_fingerprints(Made(), {"t": "train"}, content_sha256="def", workers=1)
    (tmp_path / fingerprints.FILE).write_text(fingerprints.document(entries))
    known = read_fingerprints(tmp_path)
    here = source(copy=np.rot90(whole[:200, :200]), beside=whole[:200, 200:400], other=field(2)[:200, :200])
    assert judge(CARD, known, here).images == ("copy", "beside")
