from hypothesis import given
from hypothesis import strategies as st

from micrographia.dataset.pairing import pair
from micrographia.dataset.scan import Item
from micrographia.dataset.words import meaning, tokens, without_meaning


def item(path, member="", axes="YX", shape=(8, 8), dtype="uint8"):
    return Item(path, "image", 1, member, axes, shape, dtype)


def found(*paths, **options):
    result = pair([item(path) if isinstance(path, str) else path for path in paths], **options)
    pairs = {
        (result.images[entry.source].name, entry.set): sorted(part.name for part in entry.items)
        for entry in result.annotations
    }
    return result, pairs


def test_parallel_folders_same_stem():
    result, pairs = found("images/a.png", "images/b.png", "labels/a.png", "labels/b.png")
    assert pairs == {("a", "labels"): ["labels/a.png"], ("b", "labels"): ["labels/b.png"]}
    assert dict(result.rules) == {"parallel folders, same stem: images/NAME.png <-> labels/NAME.png": 2}
    assert not result.unpaired


def test_suffixes_in_one_folder():
    for suffix in (
        "_mask",
        "_masks",
        "_label",
        "_labels",
        "_seg",
        "_gt",
        "_cp_masks",
        "-segmentation",
        "_groundtruth",
    ):
        result, pairs = found("x1.tif", f"x1{suffix}.png", "x2.tif")
        assert [name for name, _ in pairs] == ["x1"], suffix
        assert [entry.name for entry in result.without_annotation()] == ["x2"]


def test_word_in_place_of_another():
    _, pairs = found("img2d.tif", "mask2d.tif", "img3d.tif", "mask3d.tif", "histo.jpg")
    assert pairs == {("img2d", "masks"): ["mask2d.tif"], ("img3d", "masks"): ["mask3d.tif"]}


def test_several_sets_named_by_a_word_of_the_mask():
    _, pairs = found("im/s1.tif", "masks/s1_MaskNuclei.tif", "masks/s1_MaskCells.tif")
    assert pairs == {
        ("s1", "nuclei"): ["masks/s1_MaskNuclei.tif"],
        ("s1", "cells"): ["masks/s1_MaskCells.tif"],
    }


def test_sets_named_by_folders():
    _, pairs = found(
        "images/1.tif", "images/2.tif", "masks_nuclei/1.tif", "masks_cells/1.tif", "masks_nuclei/2.tif"
    )
    assert set(pairs) == {("1", "nuclei"), ("1", "cells"), ("2", "nuclei")}


def test_numbers_tell_images_apart():
    result, pairs = found("images/a1.tif", "images/a2.tif", "masks/a12.tif")
    assert not pairs
    assert [(mark.path, why) for mark, why in result.unpaired] == [
        ("masks/a12.tif", "no image has this name")
    ]


def test_two_candidates_are_never_guessed():
    result, pairs = found("p/a.tif", "q/a.tif", "masks/a.tif")
    assert not pairs
    assert result.unpaired[0][1] == "2 images have this name"


def test_same_name_in_two_folders_pairs_within_each():
    result, pairs = found("p/images/a.tif", "q/images/a.tif", "p/masks/a.tif", "q/masks/a.tif")
    assert pairs == {("p-a", "masks"): ["p/masks/a.tif"], ("q-a", "masks"): ["q/masks/a.tif"]}
    assert len({image.name for image in result.images}) == 2


def test_a_word_that_all_images_have_tells_nothing():
    _, pairs = found("E34_imc.tiff", "E34_mask.tiff", "G01_imc.tiff", "G01_mask.tiff")
    assert set(pairs) == {("E34_imc", "masks"), ("G01_imc", "masks")}


def test_one_file_an_object():
    result, pairs = found(
        "s/images/s.png", "s/masks/o1.png", "s/masks/o2.png", "t/images/t.png", "t/masks/o3.png"
    )
    assert pairs == {("s", "masks"): ["s/masks/o1.png", "s/masks/o2.png"], ("t", "masks"): ["t/masks/o3.png"]}
    assert all(entry.per_object for entry in result.annotations)


def test_sets_of_a_single_image_are_no_objects():
    _, pairs = found("images/a.tif", "masks/a_MaskNuclei.tif", "masks/a_MaskCells.tif")
    assert set(pairs) == {("a", "nuclei"), ("a", "cells")}


def test_members_of_one_file():
    raw, label = item("x.h5", "raw", "ZYX", (4, 8, 8)), item("x.h5", "label", "ZYX", (4, 8, 8))
    result, pairs = found(raw, label)
    assert pairs == {("x", "labels"): ["x.h5:label"]}
    assert dict(result.rules) == {"same file, members raw and label": 1}


def test_channels_over_files_with_a_number_that_goes_with_them():
    paths = [
        f"im/{w}_01_{n}_{s}_{c}.tif" for w, s in (("B7", 3), ("D6", 2)) for n, c in ((1, "DAPI"), (2, "GFP"))
    ]
    result, pairs = found(*paths, "masks/B7_01_1_3_DAPI_MaskNuclei.tif", "masks/B7_01_2_3_GFP_MaskCells.tif")
    assert [(image.name, image.channels) for image in result.images] == [
        ("B7_01_3", ["DAPI", "GFP"]),
        ("D6_01_2", ["DAPI", "GFP"]),
    ]
    assert set(pairs) == {("B7_01_3", "nuclei"), ("B7_01_3", "cells")}


def test_a_mask_of_a_composed_image_by_its_shared_name():
    result, pairs = found("im/A_DAPI.tif", "im/A_GFP.tif", "masks/A.tif")
    assert set(pairs) == {("A", "masks")}
    assert result.images[0].channels == ["DAPI", "GFP"]


def test_channels_apart_when_asked():
    result, _ = found("A_DAPI.tif", "A_GFP.tif", channels=())
    assert len(result.images) == 2


def test_channels_by_unusual_names_when_told():
    assert len(pair([item("A_left.tif"), item("A_right.tif")]).images) == 2
    result = pair([item("A_left.tif"), item("A_right.tif")], channels=("right", "left"))
    assert [image.channels for image in result.images] == [["right", "left"]]


def test_columns_of_a_plate_are_no_channels():
    result, _ = found("C1_a.tif", "C2_b.tif", "C3_c.tif")
    assert len(result.images) == 3


def test_an_image_that_lacks_a_channel_is_told():
    paths = [f"{n}_{c}.tif" for n in "abc" for c in ("DAPI", "GFP")]
    result, _ = found(*paths[:-1])
    assert result.notes == ["image c lacks GFP"]


def test_a_mask_may_have_its_images_whole_name():
    """``masks/img1.tif`` is a mask: the folder says so, and nothing else in it does."""
    _, pairs = found(
        "train/images/img1.tif", "train/masks/img1.tif", "test/images/img1.tif", "test/masks/img1.tif"
    )
    assert pairs == {
        ("train-img1", "masks"): ["train/masks/img1.tif"],
        ("test-img1", "masks"): ["test/masks/img1.tif"],
    }


def test_names_count_before_a_folder_that_holds_both():
    _, pairs = found("gt/img_1.tif", "gt/mask_1.tif", "gt/img_2.tif", "gt/mask_2.tif", "notes/scheme.png")
    assert pairs == {("img_1", "masks"): ["gt/mask_1.tif"], ("img_2", "masks"): ["gt/mask_2.tif"]}


def test_cell_tracking_challenge():
    frames = [f"{sequence}/t{t:03}.tif" for sequence in ("01", "02") for t in range(3)]
    marks = ["01_GT/SEG/man_seg001.tif", "01_GT/TRA/man_track001.tif", "01_ST/SEG/man_seg001.tif"]
    result, pairs = found(*frames, *marks, "02_GT/SEG/man_seg002.tif")
    assert pairs == {
        ("01-t001", "masks"): ["01_GT/SEG/man_seg001.tif"],
        ("01-t001", "tra"): ["01_GT/TRA/man_track001.tif"],
        ("01-t001", "st"): ["01_ST/SEG/man_seg001.tif"],
        ("02-t002", "masks"): ["02_GT/SEG/man_seg002.tif"],
    }
    assert not result.unpaired


def test_nnunet():
    images = [f"imagesTr/case_{n:03}_0000.nii.gz" for n in range(3)] + ["imagesTs/case_007_0000.nii.gz"]
    result, pairs = found(*images, *(f"labelsTr/case_{n:03}.nii.gz" for n in range(3)))
    assert pairs == {(f"case_{n:03}_0000", "labels"): [f"labelsTr/case_{n:03}.nii.gz"] for n in range(3)}
    assert [image.name for image in result.without_annotation()] == ["case_007_0000"]


def test_two_ways_to_annotate_one_image_are_two_sets():
    result, pairs = found("1_img.png", "1_masks.png", "2.png", "2_cp_masks.png", "2_seg.npy")
    assert pairs == {
        ("1_img", "masks"): ["1_masks.png"],
        ("2", "masks"): ["2_cp_masks.png"],
        ("2", "seg"): ["2_seg.npy"],
    }
    assert result.notes == [
        "2_seg.npy and 2_cp_masks.png annotate the same image; they are two annotation sets, seg and masks"
    ]


def test_rules_show_whole_words():
    result, _ = found("A_img.png", "A_masks.png")
    assert list(result.rules) == ["same folder: NAME_img.png <-> NAME_masks.png"]


def test_channels_as_microscopes_name_them():
    guid = "AF9DB8E4-2C0E-4C0C-9B7C-1D6D7F6A{:04}"
    names = [
        f"e_{well}_s1_w{c}{guid.format(c * n)}.TIF"
        for n, well in enumerate(("A01", "A02"), 3)
        for c in (1, 2)
    ]
    result, _ = found(*names)
    assert [(image.name, image.channels) for image in result.images] == [
        ("e_A01_s1", ["w1", "w2"]),
        ("e_A02_s1", ["w1", "w2"]),
    ]
    result, _ = found(*(f"r01c0{c}f01p01-ch{ch}sk1fk1fl1.tiff" for c in (1, 2) for ch in (1, 2, 3)))
    assert [image.channels for image in result.images] == [["ch1", "ch2", "ch3"]] * 2


def test_names_that_only_speak_of_annotation_are_images():
    result, _ = found("annotated/a.tif", "annotated/b.tif")
    assert len(result.images) == 2
    assert result.notes


def test_label_free_is_no_label():
    assert meaning(tokens("label-free_01")) == ""
    assert without_meaning(tokens("a_cp_masks")) == ("a",)


@given(
    st.lists(st.integers(0, 99999), min_size=1, max_size=30, unique=True),
    st.sampled_from(["_mask", "-labels", "_seg"]),
)
def test_any_numbered_folder_pairs_whole_and_in_any_order(numbers, suffix):
    paths = [f"images/cell{n}.tif" for n in numbers] + [f"masks/cell{n}{suffix}.png" for n in numbers]
    forward, pairs = found(*paths)
    backward, again = found(*reversed(paths))
    assert len(pairs) == len(numbers)
    assert pairs == again
    assert not forward.unpaired
    assert not backward.unpaired
