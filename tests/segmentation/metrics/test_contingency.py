import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import contingency_table

from micrographia.segmentation.metrics import Contingency, SegmentationError, contingency
from segmentation.metrics.oracle import as_pairs, blobs, objects, pairs

WIDE = np.dtype("uint64")
TYPES = [f"{order}{kind}{width}" for order in "<>" for kind in "iu" for width in (1, 2, 4, 8)]


def same(a: Contingency, b: Contingency) -> bool:
    """Whether two tables are equal in everything."""
    arrays_equal = all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in (
            "truth_ids",
            "truth_sizes",
            "predicted_ids",
            "predicted_sizes",
            "truth_index",
            "predicted_index",
            "overlaps",
            "not_judged",
        )
    )
    return arrays_equal and a.n_pixels == b.n_pixels and a.ignored == b.ignored


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_table_is_what_sets_of_pixels_say(pair):
    truth, predicted = pair
    table = contingency(truth, predicted)
    t, p = objects(truth), objects(predicted)
    assert table.truth_ids.tolist() == sorted(t)
    assert table.predicted_ids.tolist() == sorted(p)
    assert table.truth_sizes.tolist() == [len(t[label]) for label in sorted(t)]
    assert table.predicted_sizes.tolist() == [len(p[label]) for label in sorted(p)]
    wanted = {(a, b): len(t[a] & p[b]) for a in t for b in p if t[a] & p[b]}
    assert as_pairs(table) == wanted
    keys = list(zip(table.truth_index.tolist(), table.predicted_index.tolist(), strict=True))
    assert keys == sorted(keys)
    assert table.n_pixels == truth.size
    outside = [len(t[label]) - sum(len(t[label] & each) for each in p.values()) for label in sorted(t)]
    assert table.truth_on_background.tolist() == outside
    assert int(table.predicted_on_background.sum()) == ((predicted > 0) & (truth == 0)).sum()


@pytest.mark.parametrize("shape", [(200, 300), (9, 80, 100)])
def test_table_is_that_of_scikit_image(shape):
    truth, predicted = blobs(3, shape, 60)
    table = contingency(truth, predicted)
    other = contingency_table(truth, predicted).tocoo()
    wanted = {
        (int(a), int(b)): int(n)
        for a, b, n in zip(other.row, other.col, other.data, strict=True)
        if a and b and n
    }
    assert as_pairs(table) == wanted


@pytest.mark.parametrize("truth_type", TYPES)
@pytest.mark.parametrize("predicted_type", ["i1", "u2", ">i4", "u8"])
def test_every_integer_type_gives_the_same(truth_type, predicted_type):
    truth, predicted = blobs(0, (40, 50), 20)
    wanted = contingency(truth, predicted)
    assert same(contingency(truth.astype(truth_type), predicted.astype(predicted_type)), wanted)


def test_booleans_are_one_object():
    mask = np.eye(4, dtype=bool)
    table = contingency(mask, mask.astype(np.uint64))
    assert table.truth_ids.tolist() == [1]
    assert table.overlaps.tolist() == [4]


def test_labels_may_be_as_large_as_the_type_allows():
    largest = np.iinfo(np.uint64).max
    truth = np.array([[largest, largest, 0], [1 << 40, 5, 5]], np.uint64)
    table = contingency(truth, truth)
    assert table.truth_ids.tolist() == [5, 1 << 40, int(largest)]
    assert table.overlaps.tolist() == [2, 1, 2]
    small = contingency(truth % 7, truth % 7)
    assert small.truth_ids.dtype == np.int64


def test_millions_of_pairs_make_the_table_grow():
    """Each pixel a pair of its own, more than the table holds when it begins."""
    truth = np.arange(1, 300_001).reshape(3, 100_000) * 7919
    predicted = truth[:, ::-1] + 1
    table = contingency(truth, predicted, threads=3)
    assert len(table.overlaps) == 300_000
    assert (table.overlaps == 1).all()
    assert (table.truth_ids[table.truth_index] == np.sort(truth.ravel())).all()
    assert same(table, contingency(truth, predicted))


@given(pairs(), st.randoms())
@settings(deadline=None, max_examples=40)
def test_memory_order_steps_and_axes_do_not_matter(pair, random):
    truth, predicted = pair
    wanted = contingency(truth, predicted)
    assert same(contingency(np.asfortranarray(truth), predicted), wanted)
    assert same(contingency(np.asfortranarray(truth), np.asfortranarray(predicted)), wanted)
    assert same(contingency(truth[::-1], predicted[::-1]), wanted)
    order = random.sample(range(truth.ndim), truth.ndim)
    assert same(contingency(truth.transpose(order), predicted.transpose(order)), wanted)
    spaced = np.zeros([2 * size for size in truth.shape], np.int16)
    every = (slice(None, None, 2),) * truth.ndim
    spaced[every] = truth
    assert same(contingency(spaced[every], predicted), wanted)


@given(pairs(), st.permutations(range(1, 20)), st.integers(1, 2**40))
@settings(deadline=None, max_examples=40)
def test_new_numbers_only_rename(pair, numbers, factor):
    truth, predicted = pair
    names = np.array([0, *numbers]) * factor
    table, renamed = contingency(truth, predicted), contingency(truth, names[predicted])
    assert as_pairs(renamed) == {(a, int(names[b])): n for (a, b), n in as_pairs(table).items()}


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_swapping_swaps(pair):
    truth, predicted = pair
    assert same(contingency(truth, predicted).swapped(), contingency(predicted, truth))


@given(pairs(), st.data())
@settings(deadline=None, max_examples=50)
def test_outside_the_region_nothing_is_counted(pair, data):
    """Where no object crosses the rules, a region is the same as cutting the image."""
    truth, predicted = pair
    region = data.draw(arrays(np.bool_, truth.shape))
    table = contingency(truth, predicted, region=region)
    t, p = objects(truth), objects(predicted)
    inside = set(map(tuple, np.argwhere(region).tolist()))
    gone = sorted(label for label in t if 2 * len(t[label] & inside) < len(t[label]))
    assert table.not_judged.tolist() == gone
    counted = inside - set().union(*[t[label] for label in gone])
    assert table.n_pixels == len(counted)
    assert table.truth_ids.tolist() == sorted(set(t) - set(gone))
    wanted = {(a, b): len(t[a] & p[b] & counted) for a in t for b in p if t[a] & p[b] & counted}
    assert as_pairs(table) == wanted
    sizes = {label: len(p[label] & counted) for label in sorted(p) if p[label] & counted}
    assert dict(zip(table.predicted_ids.tolist(), table.predicted_sizes.tolist(), strict=True)) == sizes
    ignored = {label for label, size in sizes.items() if 2 * size < len(p[label])}
    assert {int(table.predicted_ids[index]) for index in table.ignored} == ignored
    assert same(table, contingency(truth, predicted, region=region * np.uint8(255)))


def test_an_ignored_object_is_as_if_it_were_not_annotated():
    """By hand: truth 1 ignored; prediction 5 lies on it, 6 on it by half, 7 beside it."""
    truth = np.array([[1, 1, 1, 1, 0, 0, 0, 2, 2]])
    predicted = np.array([[5, 5, 0, 6, 6, 0, 7, 2, 2]])
    table = contingency(truth, predicted, ignore=[1, 99])
    assert table.not_judged.tolist() == [1]
    assert table.truth_ids.tolist() == [2]
    assert table.n_pixels == 5
    # 5 has no counted pixel left; 6 keeps half of its own, so it is judged.
    assert table.predicted_ids.tolist() == [2, 6, 7]
    assert table.predicted_sizes.tolist() == [2, 1, 1]
    assert table.ignored == frozenset()
    assert (table.n_truth, table.n_predicted) == (1, 3)


def test_a_prediction_mostly_on_what_is_ignored_is_neither_right_nor_wrong():
    truth = np.array([[1, 1, 1, 0, 2, 2]])
    predicted = np.array([[5, 5, 5, 5, 2, 2]])
    table = contingency(truth, predicted, ignore=[1])
    assert table.predicted_ids.tolist() == [2, 5]
    assert table.ignored == {1}
    assert table.n_predicted == 1
    assert not table.empty


def test_region_and_ignore_together_count_a_pixel_once():
    truth = np.array([[1, 1, 2, 2, 0, 0]])
    region = np.array([[1, 0, 1, 1, 1, 0]], bool)
    table = contingency(truth, truth, region=region, ignore=[1])
    assert table.n_pixels == 3
    assert table.truth_ids.tolist() == [2]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_matter(threads):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2000, (700, 1600)).astype(np.int32)
    predicted = rng.integers(0, 3, truth.shape).astype(np.uint8)
    region = rng.random(truth.shape) > 0.3
    table = contingency(truth, predicted, region=region, threads=threads)
    kept = 2 * np.bincount(truth[region], minlength=2000) >= np.bincount(truth.ravel(), minlength=2000)
    counted = region & (kept[truth] | (truth == 0))
    found, counts = np.unique(truth[counted] * 10 + predicted[counted], return_counts=True)
    wanted = {
        divmod(pair, 10): n
        for pair, n in zip(found.tolist(), counts.tolist(), strict=True)
        if pair >= 10 and pair % 10
    }
    assert as_pairs(table) == wanted


@pytest.mark.parametrize(
    ("truth", "predicted", "options", "words"),
    [
        (np.zeros((2, 2)), np.zeros((2, 2), int), {}, "the truth holds float64"),
        (np.zeros((2, 2), int), np.full((2, 2), np.nan), {}, "the prediction holds float64"),
        (np.zeros((2, 2), int), np.zeros((2, 3), int), {}, r"shape \(2, 2\), the prediction \(2, 3\)"),
        (np.zeros((2, 2), int), np.zeros((1, 2, 2), int), {}, "shape"),
        (np.zeros((2, 2), int), np.zeros((2, 2), int), {"region": np.ones((1, 2), bool)}, "the region"),
        (np.zeros((2, 2), int), np.zeros((2, 2), int), {"region": np.ones((2, 2))}, "region holds float64"),
        (np.zeros((0, 2), int), np.zeros((0, 2), int), {}, "no pixels"),
        (5, 5, {}, "no pixels"),
        (np.array([[0, -3]]), np.array([[0, 1]]), {}, "the truth has a negative label, -3"),
        (np.array([[0, 1]], "u8"), np.array([[-1, 1]], "i1"), {}, "the prediction has a negative label, -1"),
        (np.array([["a"]]), np.array([[1]]), {}, "the truth holds"),
    ],
)
def test_bad_input_is_named(truth, predicted, options, words):
    with pytest.raises(SegmentationError, match=words):
        contingency(truth, predicted, **options)
