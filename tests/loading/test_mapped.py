"""The memory-mapped copy holds the same pixels, appears whole, and is never stale."""

import numpy as np
import pytest

from loading import made
from micrographia.loading import LoadingError, patches


def scene(folder, start=0):
    pixels, labels = made.numbered((6, 40, 50), start=start), made.squares((6, 40, 50), 3, 6)
    region = np.ones((6, 40, 50), np.uint8)
    region[:, :9] = 0
    made.raw(folder, {"a": pixels, "b": pixels[::-1]}, {"a": labels, "b": labels}, regions={"a": region})
    return folder


@pytest.mark.parametrize("options", [{}, {"object_size": 5}, {"normalise": "zscore"}])
def test_the_same_patches_as_without(tmp_path, options):
    folder = scene(tmp_path / "set")
    plain = patches(folder, (4, 16, 16), per_epoch=12, **options)
    mapped = patches(folder, (4, 16, 16), per_epoch=12, mapped=tmp_path / "cache", **options)
    wanted = {(patch["image_id"], *patch["start"].tolist()): patch for patch in plain}
    found = {(patch["image_id"], *patch["start"].tolist()): patch for patch in mapped}
    assert wanted.keys() == found.keys()
    for place, patch in wanted.items():
        for name in ("image", "mask", "region"):
            np.testing.assert_array_equal(found[place][name], patch[name])
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert not list((tmp_path / "cache").glob(".*"))


def test_it_is_used_again_and_made_anew_for_other_files(tmp_path):
    folder = scene(tmp_path / "set")
    first = patches(folder, (4, 16, 16), per_epoch=4, mapped=tmp_path / "cache", normalise="none")
    first.prepare(quiet=True)
    made_at = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")}
    assert len(made_at) == 5
    again = patches(folder, (4, 16, 16), per_epoch=4, mapped=tmp_path / "cache", normalise="none")
    assert [patch["image"].sum() for patch in again] == [patch["image"].sum() for patch in first]
    assert {path: path.stat().st_mtime_ns for path in made_at} == made_at
    np.save(folder / "a.npy", made.numbered((6, 40, 50), start=7))
    text = (folder / "files.tsv").read_text().splitlines()
    text[1] = text[1].replace(text[1].split("\t")[11], "f" * 64)
    (folder / "files.tsv").write_text("\n".join(text) + "\n")
    other = patches(
        folder, (4, 16, 16), per_epoch=4, mapped=tmp_path / "cache", normalise="none", images=["a"]
    )
    for patch in other:
        z, y, x = patch["start"]
        assert patch["image"][0, 0, 0, 0] == np.ravel_multi_index((z, y, x), (6, 40, 50)) + 7
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_a_folder_that_cannot_hold_it_is_an_error(tmp_path):
    folder = scene(tmp_path / "set")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(LoadingError, match="memory-mapped copy"):
        patches(folder, (4, 16, 16), mapped=tmp_path / "cache")[0]


def test_a_damaged_copy_is_an_error(tmp_path):
    folder = scene(tmp_path / "set")
    patches(folder, (4, 16, 16), mapped=tmp_path / "cache").prepare(quiet=True)
    for path in (tmp_path / "cache").rglob("image.npy"):
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(LoadingError, match="memory-mapped copy"):
        patches(folder, (4, 16, 16), mapped=tmp_path / "cache")[0]
