from dataclasses import replace

import numpy as np
import pytest

from micrographia.simulation import (
    ALL_CHANNELS,
    DNA,
    Effects,
    Nuisance,
    Plate,
    Treatment,
    phenotype,
    plate_sites,
    simulate_plate,
    simulate_site,
)
from micrographia.simulation.plates import well_name
from simulation.looks import light, same

DRUG = Treatment("drug", (phenotype("larger_nuclei"),), doses=(0.5, 1.0), wells=3)


def test_every_well_has_its_sites_and_treatments_their_wells() -> None:
    sites = plate_sites(Plate(rows=4, columns=6, sites=2, treatments=(DRUG,)), seed=1)
    assert len(sites) == 48
    assert [site.well for site in sites[:4]] == ["A01", "A01", "A02", "A02"]
    assert len({site.name for site in sites}) == 48
    given = [(site.treatment, site.dose) for site in sites]
    assert given.count(("drug", 0.5)) == given.count(("drug", 1.0)) == 6
    assert given.count(("DMSO", 0.0)) == 36
    half = next(site for site in sites if site.dose == 0.5)
    assert half.phenotypes == (phenotype("larger_nuclei", 0.5),)


def test_layouts_are_random_by_plate_or_fixed() -> None:
    def layout(name: str, kind: str) -> list[str]:
        plate = Plate(name=name, rows=4, columns=6, treatments=(DRUG,), layout=kind)  # type: ignore[arg-type]
        return [site.treatment for site in plate_sites(plate, seed=1)]

    assert layout("a", "random") != layout("b", "random")
    assert layout("a", "fixed") == layout("b", "fixed") == ["drug"] * 6 + ["DMSO"] * 18


def test_fields_come_lazily_and_in_any_order_the_same() -> None:
    plate = Plate(rows=2, columns=2, treatments=(replace(DRUG, wells=1),))
    options = {"seed": 5, "shape": (64, 64), "channels": (DNA,)}
    fields = simulate_plate(plate, **options)  # type: ignore[arg-type]
    first = next(fields)
    rest = list(fields)
    sites = plate_sites(plate, seed=5, channels=1)
    backwards = [simulate_site(site, **options) for site in reversed(sites)][::-1]  # type: ignore[arg-type]
    assert all(same(one, other) for one, other in zip([first, *rest], backwards, strict=True))
    assert first.site == sites[0]
    assert first.name == "plate-1_A01_s1"


def test_wells_do_not_depend_on_the_other_wells() -> None:
    plain = plate_sites(Plate(rows=4, columns=6), seed=2)
    busy = plate_sites(Plate(rows=4, columns=6, treatments=(DRUG,), sites=3), seed=2)
    assert [site.nuisance for site in plain] == [site.nuisance for site in busy if site.site == 1]


def test_without_effects_wells_are_equal() -> None:
    sites = plate_sites(Plate(rows=3, columns=4, effects=Effects.none()), seed=2)
    assert {site.nuisance for site in sites} == {Nuisance(intensity=(1.0,) * 4)}


def test_plates_of_a_batch_are_more_alike_than_those_of_two() -> None:
    def shift(name: str, batch: str, seed: int) -> np.ndarray:
        sites = plate_sites(Plate(name=name, batch=batch, rows=4, columns=6), seed=seed)
        return np.log([site.nuisance.intensity for site in sites]).mean(axis=0)

    within, between = [], []
    for seed in range(30):
        within.append(np.abs(shift("a", "one", seed) - shift("b", "one", seed)).mean())
        between.append(np.abs(shift("a", "one", seed) - shift("b", "two", seed)).mean())
    assert np.mean(between) > 1.5 * np.mean(within)


def test_edges_and_gradients_are_as_stated() -> None:
    effects = replace(Effects.none(), edge_intensity=-0.2, edge_density=-0.4, gradient=0.3)
    sites = {site.well: site.nuisance for site in plate_sites(Plate(effects=effects), seed=2)}
    middle = sites["D06"].factors(4)[0] / (1 + 0.3 * (5 / 11 - 0.5))
    assert middle == pytest.approx(1)
    assert sites["A01"].factors(4)[0] == pytest.approx(0.8 * 0.85)
    assert sites["D12"].factors(4)[0] == pytest.approx(0.8 * 1.15)
    assert (sites["D06"].density, sites["B06"].density, sites["A06"].density) == pytest.approx((1, 0.8, 0.6))


def test_a_treatment_may_confound_density_with_its_phenotype() -> None:
    odd = Treatment("odd", (phenotype("textured_chromatin"),), wells=2, density=0.5, intensity=1.5)
    plate = Plate(rows=2, columns=2, treatments=(odd,), effects=Effects.none())
    fields = list(simulate_plate(plate, seed=3, shape=(160, 160), channels=(DNA,)))
    treated = [field for field in fields if field.site is not None and field.site.treatment == "odd"]
    control = [field for field in fields if field not in treated]
    assert sum(len(field.objects) for field in treated) < 0.7 * sum(len(field.objects) for field in control)
    in_nuclei = [
        np.mean([light(f, "DNA")[f.labels["nuclei"] > 0].mean() for f in group])
        for group in (treated, control)
    ]
    assert in_nuclei[0] / in_nuclei[1] == pytest.approx(1.5, rel=0.15)


def test_a_null_treatment_differs_by_its_name_only() -> None:
    nothing = Treatment("nothing", wells=4)
    with_it = plate_sites(Plate(rows=2, columns=4, treatments=(nothing,)), seed=1)
    without = plate_sites(Plate(rows=2, columns=4), seed=1)
    treated = [index for index, site in enumerate(with_it) if site.treatment == "nothing"]
    assert len(treated) == 4
    options = {"seed": 1, "shape": (64, 64), "channels": ALL_CHANNELS}
    for index in treated[:2]:
        assert same(simulate_site(with_it[index], **options), simulate_site(without[index], **options))  # type: ignore[arg-type]


def test_wells_are_named_as_on_plates() -> None:
    assert [well_name(1, 1), well_name(8, 12), well_name(26, 1), well_name(32, 48)] == [
        "A01",
        "H12",
        "Z01",
        "AF48",
    ]


def test_a_few_wells_may_be_used() -> None:
    sites = plate_sites(Plate(max_wells=5, treatments=(replace(DRUG, wells=1),)), seed=1)
    assert len(sites) == 5
    assert [site.treatment for site in sites].count("drug") == 2
    assert [site.well for site in plate_sites(Plate(max_wells=2, layout="fixed"))] == ["A01", "A02"]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Plate(rows=1, columns=2, treatments=(DRUG,)), "need 6 wells, there are 2"),
        (lambda: Plate(rows=40), "1 to 32 rows"),
        (lambda: Treatment("t", doses=(2.0,)), "doses must lie in 0 to 1"),
        (lambda: Effects(edge_density=-1.0), "edge_density must be above -1"),
    ],
)
def test_impossible_plates_are_refused(make: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make()  # type: ignore[operator]
