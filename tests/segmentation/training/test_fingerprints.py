import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from micrographia.checks.pixel_facts_image import measure_image
from micrographia.checks.seams import find_seams
from micrographia.images import ArrayImage
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.training.fingerprints import (
    document,
    fingerprint,
    pack,
    read_fingerprints,
    take_fingerprints,
    unpack,
)
from micrographia.simulation import DNA, Cells, simulate_tiles


@pytest.fixture(scope="module")
def entries(cells):
    from micrographia.dataset import open_dataset

    dataset = open_dataset(cells)
    uses = dict.fromkeys(dataset.image_ids[:3], "train")
    return take_fingerprints(
        dataset, uses, content_sha256="ab" * 32, groups={dataset.image_ids[0]: "w"}, workers=1
    )


@settings(deadline=None)
@given(
    st.sampled_from([np.uint8, np.uint16, np.float32]).flatmap(
        lambda kind: arrays(kind, array_shapes(max_dims=3, max_side=6))
    )
)
def test_arrays_survive(array):
    found = unpack(json.loads(json.dumps(pack(array))))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_prints_survive_and_nothing_else_is_kept(entries, tmp_path, dataset):
    path = tmp_path / "fingerprints.json"
    path.write_text(document(entries))
    found = read_fingerprints(path)
    image = dataset.image_ids[0]
    with dataset.image(image) as opened:
        facts, _ = measure_image(opened, image)
        size = opened.nbytes
    again = found["ab" * 6 + f":{image}"]
    assert (again.digest, again.axes, again.shape, again.dtype, again.rgb) == (
        facts.digest,
        facts.axes,
        facts.shape,
        facts.dtype,
        facts.rgb,
    )
    assert again.prints.fingerprint == facts.prints.fingerprint
    np.testing.assert_array_equal(again.prints.thumbnail, facts.prints.thumbnail)
    for side, lines in facts.prints.edges.items():
        np.testing.assert_array_equal(again.prints.edges[side], lines)
    assert again.channels[0].constant is facts.channels[0].constant is False
    assert len(json.dumps(entries[0])) < size
    assert entries[0]["group"] == "w"
    assert entries[1]["group"] is None


def test_neighbouring_tiles_are_found_without_their_pixels(tmp_path):
    tiles = simulate_tiles((128, 160), (3, 3), seed=10_000, cells=Cells(density=0.18), channels=(DNA,))
    facts, rows = {}, []
    for tile in tiles:
        plane = np.ascontiguousarray(tile.image.reshape(-1, *tile.image.shape[-2:])[0])
        image = ArrayImage(plane, "YX")
        facts[tile.name], _ = measure_image(image, tile.name)
        rows.append(fingerprint(image, tile.name) | {"dataset": "d" * 64, "use": "train", "group": None})
    path = tmp_path / "fingerprints.json"
    path.write_text(document(rows))
    read = {name.partition(":")[2]: one for name, one in read_fingerprints(path).items()}
    wanted = {link.pair for link in find_seams(facts).links}
    assert len(wanted) >= 6
    assert {link.pair for link in find_seams(read).links} == wanted


def test_the_ledger_tells_what_was_seen(entries, tmp_path, dataset):
    from micrographia.segmentation.evaluation.ledger import Source, Status, judge

    path = tmp_path / "fingerprints.json"
    path.write_text(document(entries))
    facts = {}
    for image in dataset.image_ids:
        with dataset.image(image) as opened:
            facts[image] = measure_image(opened, image)[0]
    cited = [{"title": "Cells", "content_sha256": "ab" * 32}]
    seen = judge(cited, read_fingerprints(path), Source("Other", "", "", facts))
    assert seen.status is Status.SEEN
    assert set(seen.images) == set(dataset.image_ids[:3])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "JSON"),
        ("[]", "no fingerprints"),
        ('{"kind": "micrographia fingerprints", "format": 9, "images": []}', "format 9"),
        ('{"kind": "micrographia fingerprints", "format": 1, "images": [{}]}', "damaged"),
    ],
)
def test_files_that_are_no_fingerprints(tmp_path, text, told):
    path = tmp_path / "fingerprints.json"
    path.write_text(text)
    with pytest.raises(SegmentationError, match=told):
        read_fingerprints(path)
    with pytest.raises(SegmentationError, match="cannot be read"):
        read_fingerprints(tmp_path / "none.json")


@pytest.mark.parametrize(
    "changes",
    [{"dtype": "O"}, {"shape": [1 << 40]}, {"shape": [3]}, {"shape": [-1]}, {"data": "!"}],
)
def test_arrays_that_lie(changes):
    with pytest.raises(ValueError, match=r"array|decode|Only|base64"):
        unpack(pack(np.zeros(4, np.uint8)) | changes)
