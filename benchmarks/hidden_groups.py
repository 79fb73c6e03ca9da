"""Hidden groups in dsb2018: the seams found against the null, and what they do to a score.

Run with ``python benchmarks/hidden_groups.py [--data FOLDER] [--seeds 20]``; the folder of real data is also taken from
``$MICROGRAPHIA_DATA``. Two simple models that can remember a field are scored out of fold, once with images divided at
random, once with the proposed fields kept together:

- *count*: the number of nuclei of the image whose intensities, sharpness and noise are most alike (nearest neighbour);
  score: absolute error of the logarithm.
- *pixels*: foreground or not, by the five nearest training pixels in brightness at five scales; score: share of pixels
  that are wrong, foreground and background weighing the same.

The inflation is the error with fields kept together minus the error with a random split, paired by image, averaged
over seeds. Its interval is a t interval over groups (fields and single images), which are what is independent; a
permutation of the groups' signs gives p. Images without a neighbour are a control: nothing should change for them.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from scipy import ndimage, stats
from scipy.spatial import KDTree

from _peers import machine
from micrographia.checks.fields import FieldGroups, propose_groups
from micrographia.checks.pixel_facts_image import ImageFacts, measure_image
from micrographia.checks.seams import find_seams
from micrographia.images import ArrayImage
from micrographia.simulation import DNA, Cells, simulate_field, simulate_tiles

FOLDS = 5
SAMPLED = 300
"""Pixels of an image that the pixel model is trained and scored on."""
SCALES = (0.0, 1.0, 2.0, 4.0, 8.0)
NEIGHBOURS = 5
FLIPS = 20_000

Split = Callable[[np.random.Generator], np.ndarray]


@dataclass
class Data:
    """Images, masks and facts of dsb2018, in the order of their names."""

    names: list[str]
    planes: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]
    facts: dict[str, ImageFacts]
    domains: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("MICROGRAPHIA_DATA"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--fields", type=int, default=300, help="simulated fields, of which no two touch")
    options = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    print_simulated(options.fields)
    if options.data is None:
        print("\nno real data: give --data, or set MICROGRAPHIA_DATA")
        return
    data = load(Path(options.data) / "dsb2018")
    groups = propose_groups(data.facts, lambda name: grey(data.planes[name])[None])
    print_seams(groups)
    print_inflation(data, groups, options.seeds)


def load(folder: Path) -> Data:
    with (folder / "index.csv").open() as stream:
        domains = {row["name"]: row["domain"] for row in csv.DictReader(stream)}
    names = sorted(domains)
    planes, masks, facts = {}, {}, {}
    for name in names:
        planes[name] = read(folder / f"images/{name}.png")
        masks[name] = read(folder / f"labels/{name}.png")
        rgb = planes[name].ndim == 3
        array = planes[name].transpose(2, 0, 1) if rgb else planes[name]
        image = ArrayImage(np.ascontiguousarray(array), "CYX" if rgb else "YX", rgb=rgb)
        facts[name] = measure_image(image, name)[0]
    return Data(names, planes, masks, facts, domains)


def read(path: Path) -> np.ndarray:
    with Picture.open(path) as picture:
        return np.array(picture)


def grey(plane: np.ndarray) -> np.ndarray:
    floats = plane.astype(np.float32)
    return floats if floats.ndim == 2 else floats.mean(axis=2)


def print_seams(groups: FieldGroups) -> None:
    print(
        "Seams: images of which an edge continues in another's; the null compares edges that cannot touch\n"
    )
    print(
        "frame            images  joined  seams  null  expected false   r > 0.95 alone: joined  seams  flipped"
    )
    for count in groups.seams:
        print(
            f"{count.frame:<17}{count.images:>6}{count.joined:>8}{count.seams:>7}{count.null:>6}"
            f"{count.expected_false:>8.1f} (< {count.expected_false_bound:.1f}){count.plain_joined:>21}{count.plain:>7}"
            f"{count.plain_flipped:>9}"
        )
    sizes = [len(names) for names in groups.groups().values()]
    compared = sum(count.null_compared for count in groups.seams)
    print(
        f"\n{sum(sizes)} images in {len(sizes)} fields of 2 to {max(sizes)}; null of {compared:,} pairs of edges"
    )
    kinds = {str(link.kind) for link in groups.links}
    print(
        "links: "
        + ", ".join(
            f"{sum(str(link.kind) == kind for link in groups.links)} {kind}" for kind in sorted(kinds)
        )
    )
    if groups.slides is not None and groups.slides.known:
        share = 100 * groups.slides.by_chance
        print(
            f"same slide: {share:.0f}% of unrelated pairs are as alike in stain as pairs of one field: weak evidence"
        )


def print_simulated(number: int) -> None:
    """Say how often seams are found among simulated fields that do not touch, and in fields cut into tiles."""
    print(
        f"\nSimulated: {number} fields of which no two touch, and {number // 30} fields cut into 3 x 3 tiles each\n"
    )
    print(
        "cells   fields   pairs of edges   seams found   null   flipped r > 0.95    tiles   seams   found   wrong"
    )
    for density, cells in (("few", Cells(density=0.08)), ("many", Cells(density=0.18))):
        apart = {}
        for seed in range(number):
            field = simulate_field((128, 160), seed=seed, cells=cells, channels=(DNA,))
            apart[str(seed)] = measured(field.image, str(seed))
        (count,) = find_seams(apart).counts
        tiles = found = wrong = 0
        for seed in range(number // 30):
            cut = simulate_tiles((128, 160), (3, 3), seed=10_000 + seed, cells=cells, channels=(DNA,))
            links = find_seams({tile.name: measured(tile.image, tile.name) for tile in cut}).links
            right = [link for link in links if beside(link.first, link.second)]
            tiles, found, wrong = tiles + len(cut), found + len(right), wrong + len(links) - len(right)
        print(
            f"{density:<8}{number:>6}{count.compared:>17,}{count.seams:>14}{count.null:>7}{count.plain_flipped:>19}"
            f"{tiles:>9}{tiles // 9 * 12:>8}{found:>8}{wrong:>8}"
        )


def measured(array: np.ndarray, name: str) -> ImageFacts:
    plane = array if array.ndim == 2 else array.reshape(-1, *array.shape[-2:])[0]
    return measure_image(ArrayImage(np.ascontiguousarray(plane), "YX"), name)[0]


def beside(first: str, second: str) -> bool:
    """Tell whether two tiles, named ``..._rRcC``, are neighbours."""
    (a, b), (c, d) = ((int(name[-3]), int(name[-1])) for name in (first, second))
    return abs(a - c) + abs(b - d) == 1


def print_inflation(data: Data, groups: FieldGroups, seeds: int) -> None:
    unit = np.array([groups.column.get(name, name) for name in data.names])
    linked = np.array([name in groups.column for name in data.names])
    stained = np.array([data.domains[name].startswith("he") for name in data.names])
    print(
        f"\nInflation: error with fields kept together minus error with a random split ({seeds} seeds, {FOLDS} folds)\n"
    )
    print(
        "model   images                groups   random  grouped  inflation   95% interval by group        p"
    )
    for title, errors in (("count", count_errors(data)), ("pixels", pixel_errors(data))):
        both = np.zeros((2, seeds, len(unit)))
        for seed in range(seeds):
            random = np.random.default_rng(seed)
            for way, folds in enumerate((random_folds(len(unit), random), grouped_folds(unit, random))):
                for fold in range(FOLDS):
                    test = folds == fold
                    both[way, seed, test] = errors(np.flatnonzero(~test), np.flatnonzero(test))
        means = both.mean(axis=1)
        for part, chosen in (
            ("in a field", linked),
            ("  fluorescence", linked & ~stained),
            ("  H&E", linked & stained),
            ("alone (control)", ~linked),
        ):
            print_row(title, part, means[:, chosen], unit[chosen])


def print_row(title: str, part: str, means: np.ndarray, unit: np.ndarray) -> None:
    names = np.unique(unit)
    each = np.array([(means[1] - means[0])[unit == name].mean() for name in names])
    middle, error = float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))
    reach = float(stats.t.ppf(0.975, len(each) - 1)) * error
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (FLIPS, len(each)))
    p = (1 + int((np.abs(signs @ each) >= abs(each.sum()) - 1e-12).sum())) / (1 + FLIPS)
    print(
        f"{title:<8}{part:<16}{len(unit):>6}{len(names):>9}{means[0].mean():>9.3f}{means[1].mean():>9.3f}"
        f"{middle:>+11.3f}   {middle - reach:>+7.3f} to {middle + reach:+.3f}{p:>13.4f}"
    )


def random_folds(number: int, random: np.random.Generator) -> np.ndarray:
    return random.permutation(np.arange(number) % FOLDS)


def grouped_folds(unit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Give each group to the fold with fewest images, the largest first, equals in random order."""
    names, counts = np.unique(unit, return_counts=True)
    order = np.lexsort((random.random(len(names)), -counts))
    filled = np.zeros(FOLDS)
    folds = np.empty(len(unit), int)
    for at in order:
        least = np.flatnonzero(filled == filled.min())
        fold = int(random.choice(least))
        folds[unit == names[at]] = fold
        filled[fold] += counts[at]
    return folds


def count_errors(data: Data) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what scores the nearest neighbour in image statistics: train and test indices to error by image."""
    rows = []
    for name in data.names:
        channels = data.facts[name].channels
        own = [
            [*one.percentiles, one.mean, one.variance**0.5, one.noise or 0, one.sharpness or 0]
            for one in channels
        ]
        rows.append([*np.log1p(np.mean(own, axis=0)), float(len(channels))])
    table = np.array(rows)
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9)
    truth = np.log([len(np.unique(data.masks[name])) - 1 + 1e-9 for name in data.names])

    def errors(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        nearest = KDTree(table[train]).query(table[test])[1]
        return np.abs(truth[train][nearest] - truth[test])

    return errors


def pixel_errors(data: Data) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what scores nearest pixels: train and test indices to balanced error by image."""
    random = np.random.default_rng(0)
    features, marks = [], []
    for name in data.names:
        plane, mask = grey(data.planes[name]), data.masks[name] > 0
        at = random.choice(plane.size, SAMPLED, replace=False)
        scales = [ndimage.gaussian_filter(plane, scale) if scale else plane for scale in SCALES]
        features.append(np.log1p(np.stack([one.ravel()[at] for one in scales], axis=1)))
        marks.append(mask.ravel()[at])

    def errors(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        tree = KDTree(np.concatenate([features[at] for at in train]))
        known = np.concatenate([marks[at] for at in train])
        result = np.empty(len(test))
        for index, at in enumerate(test):
            nearest = tree.query(features[at], NEIGHBOURS)[1]
            wrong = (known[nearest].mean(axis=1) > 0.5) != marks[at]
            sides = [wrong[marks[at] == side].mean() for side in (True, False) if (marks[at] == side).any()]
            result[index] = np.mean(sides)
        return result

    return errors


if __name__ == "__main__":
    main()
