import copy
import re

import pytest

from micrographia.report import matrix_appendix as appendix
from micrographia.report import matrix_charts as charts
from micrographia.report import matrix_versus as versus
from micrographia.report import matrix_words as words
from micrographia.report.matrix_cost import cost
from micrographia.report.matrix_map import heat_map
from micrographia.report.matrix_result import opened
from report.matrix_results import few, full, large


@pytest.fixture
def result():
    return copy.deepcopy(full())


def cell_of(result, model, dataset):
    return next(cell for cell in result["cells"] if (cell["model"], cell["dataset"]) == (model, dataset))


def scored(result, model, dataset, value):
    cell_of(result, model, dataset)["scores"]["f1@0.5"]["value"] = value


def test_models_stand_in_order_of_their_clean_scores_and_baselines_last(result):
    matrix = opened(result)
    names = [model.key for model in matrix.models]
    assert names[:4] == ["unet-mixed", "unet-256", "unet-he", "outside"]
    assert [model.baseline for model in matrix.models] == [False] * 4 + [True] * 5
    # What a model has seen does not lift it: only its score where it is clean.
    scored(result, "unet-he", "he", 0.999)
    assert [model.key for model in opened(result).models] == names
    for dataset in ("fluo256", "fluo360", "fluo520", "ovule"):
        scored(result, "unet-he", dataset, 0.999)
    assert opened(result).models[0].key == "unet-he"


def test_where_less_is_better_the_least_is_the_best(result):
    result["primary"] = "are"
    matrix = opened(result)
    assert not matrix.higher
    assert matrix.models[0].key == "unet-mixed"
    best = matrix.best_baseline(matrix.datasets[0])
    values = {model.key: matrix.cell(model, matrix.datasets[0]).value for model in matrix.baselines}
    assert values[best.key] == min(values.values())


def test_datasets_of_a_domain_stand_side_by_side(result):
    result["datasets"] = [result["datasets"][place] for place in (3, 0, 4, 1, 2)]
    part = heat_map(opened(result))
    assert [domain["name"] for domain in part["domains"]] == ["histology", "fluorescence", "plant"]
    assert [domain["span"] for domain in part["domains"]] == [1, 3, 1]
    for dataset in result["datasets"]:
        dataset["domain"] = None
    assert heat_map(opened(result))["domains"] == []


def test_baselines_of_one_name_are_told_apart_by_their_keys(result):
    first, second = (row for row in result["models"] if row["key"] in ("otsu", "local"))
    keys = "otsu, tuned on A", "otsu, tuned on B"
    for row, key, source in ((first, keys[0], "A"), (second, keys[1], "B")):
        for cell in result["cells"]:
            cell["model"] = key if cell["model"] == row["key"] else cell["model"]
        row |= {"key": key, "name": "otsu", "tuned_on": source}
    matrix = opened(result)
    assert {model.name for model in matrix.baselines} >= set(keys)
    rows = heat_map(matrix)["groups"][1]["rows"]
    assert [(row["name"], row["sub"]) for row in rows[:2]] == [("otsu", "tuned on A"), ("otsu", "tuned on B")]


def test_a_model_is_held_against_the_baseline_that_tuning_chose(result):
    row = cell_of(result, "unet-256", "fluo520")["versus"][0]
    other = row | {"baseline": "local", "difference": 0.11, "best": True, "verdict": "undecided"}
    cell_of(result, "unet-256", "fluo520")["versus"] = [row | {"best": False}, other]
    matrix = opened(result)
    group = next(
        group for group in versus.comparisons(matrix)["shown"] if group["title"] == "Nuclei, 520 x 696"
    )
    held = {row["name"]: row for row in group["rows"]}
    assert (held["unet-256"]["against"], held["unet-256"]["difference"]) == ("Local threshold", "+0.11")
    assert held["unet-mixed"]["against"] == "Otsu + watershed"
    assert words.headline(matrix)[0] == (
        "A clean model beats the best tuned baseline on 1 of 5 datasets: unet-mixed on Nuclei, 520 x 696."
    )


def test_only_clean_scores_can_win(result):
    for cell in result["cells"]:
        if cell["model"].startswith("unet"):
            cell["status"] = "seen"
    assert words.headline(opened(result)) == ["No clean score of a model was held against a baseline."]
    assert words.trust(opened(result)).startswith("None of 20 scores of models is clean: 15 are seen")


def test_the_headline_names_what_no_model_beats():
    matrix = opened(few())
    assert words.headline(matrix) == [
        "No clean model beats the best tuned baseline on any of the 2 datasets.",
        "Whether unet-256 is better than the best tuned baseline cannot be told on H&E tiles.",
    ]
    assert words.cannot(matrix) == [
        "On H&E tiles unet-256 cannot be told from the best tuned baseline: 4 groups are too few."
    ]


def test_what_cannot_be_told_says_what_it_would_need(result):
    for cell in result["cells"]:
        for row in cell["versus"]:
            if cell["dataset"] == "ovule":
                row |= {"verdict": "undecided", "minimum_detectable": 0.2}
    assert words.cannot(opened(result))[1] == (
        "On Ovule membranes, 3D no model can be told from the best tuned baseline: "
        "it would need a difference of 0.20."
    )


def test_every_sentence_of_many_models_stays_short():
    told = words.headline(opened(large(20, 30)))
    assert len(told) == 5
    assert max(map(len, told)) < 240
    assert told[-1] == "13 more models are below."


@pytest.mark.parametrize(
    ("told", "label", "asks"),
    [
        ("CC0-1.0", "CC0-1.0", []),
        ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0", ["non-commercial", "share-alike"]),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0", ["no derivatives"]),
        ("GPL-3.0-or-later", "GPL-3.0-or-later", ["share-alike"]),
        ("as agreed by e-mail", "as agreed by e-mail", ["unknown licence"]),
        ("", "", ["unknown licence"]),
    ],
)
def test_a_licence_says_what_must_not_be_missed(told, label, asks):
    assert words.licence_words(told) == (label, asks)


def test_target_semantics_are_one_line():
    held = {
        "target": {
            "object": "cell",
            "membrane_included": False,
            "touching": "separate",
            "border": None,
            "x_y": 3,
        }
    }
    assert words.target_line(held) == "cell; not membrane included; touching: separate; x y: 3"
    assert words.target_line({}) == ""


def test_a_note_that_all_scores_of_a_dataset_share_stands_in_its_head(result):
    for cell in result["cells"]:
        cell["notes"] = ["all"] + (["one"] if cell["model"] == "unet-256" else [])
    cell_of(result, "unet-256", "fluo256")["notes"] *= 2
    part = heat_map(opened(result))
    by_text = {note["text"]: note["number"] for note in part["notes"]}
    assert all(by_text["all"] in column["notes"] for column in part["columns"])
    rows = {row["name"]: row for group in part["groups"] for row in group["rows"]}
    assert all(cell["notes"] == [by_text["one"]] for cell in rows["unet-256"]["cells"])
    assert not any(cell["notes"] for cell in rows["unet-mixed"]["cells"])


def test_a_curve_runs_through_its_numbers(result):
    part = charts.curves(opened(result))
    svg = str(next(panel["svg"] for panel in part["shown"] if panel["title"] == "H&E tiles"))
    drawn = svg.partition("<title>unet-256</title>")[2].partition("<title>")[0]
    lines = re.findall(r'x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', drawn)
    values = cell_of(result, "unet-256", "he")["curve"]["f1"]
    top, bottom = charts.TOP, charts.HEIGHT - charts.BOTTOM
    read = [(bottom - float(y)) / (bottom - top) for _, y, _, _ in lines]
    read.append((bottom - float(lines[-1][3])) / (bottom - top))
    assert read == pytest.approx(values, abs=1e-3)
    across = [float(x) for x, *_ in lines]
    assert across == sorted(across)


def test_a_gap_in_a_curve_stays_a_gap(result):
    cell_of(result, "unet-256", "he")["curve"]["f1"][4] = None
    svg = str(
        next(
            panel["svg"] for panel in charts.curves(opened(result))["shown"] if panel["title"] == "H&E tiles"
        )
    )
    drawn = svg.partition("<title>unet-256</title>")[2].partition("<title>")[0]
    assert drawn.count("<line") == 7


def test_only_the_best_baseline_of_a_dataset_is_drawn(result):
    part = charts.curves(opened(result))
    for panel in part["shown"]:
        assert str(panel["svg"]).count('<g class="base">') == 1
    assert (
        next(panel["note"] for panel in part["shown"] if panel["title"] == "H&E tiles")
        == "dashed: Local threshold"
    )


def test_bins_without_an_end_are_told_so(result):
    for row in result["failure"]:
        row["bins"][0]["low"] = None
        row["bins"][-1]["high"] = None
    svg = str(charts.failures(opened(result))[0]["shown"][0]["svg"])
    assert ">≤ 60<" in svg
    assert ">≥ 480<" in svg
    assert ">60–140<" in svg


def test_more_models_than_colours_are_grey_and_named_in_the_legend():
    matrix = opened(large(9, 3))
    keys = [str(key["text"]) for key in charts.key_of(matrix)]
    assert keys[-2:] == ["3 more models", "best baseline of the dataset"]
    assert len(keys) == charts.SERIES + 2


def test_ranks_are_sorted_and_shared_places_have_a_half(result):
    for row in result["rank_intervals"]:
        if row["dataset"] == "fluo256" and row["model"] in ("unet-256", "outside"):
            row["rank"] = 1.5
    panel = versus.ranks(opened(result))["shown"][0]
    assert [row["rank"] for row in panel["rows"]] == ["1.5", "1.5", "3", "4", "5", "6", "7", "8", "9"]
    assert panel["rows"][0]["interval"] == "1 to 2"


@pytest.mark.parametrize(
    ("last", "ticks"),
    [(2, [1, 2]), (6, [1, 2, 3, 4, 5, 6]), (9, [1, 3, 5, 7, 9]), (25, [1, 5, 10, 15, 20, 25])],
)
def test_an_axis_of_ranks_has_whole_numbers(last, ticks):
    assert list(versus._whole(last).ticks) == ticks


def test_time_is_on_powers_of_ten_that_hold_all_of_it(result):
    part = cost(opened(result))
    assert re.findall(r">([\d.]+)</text>", str(part["axis"])) == ["0.001", "0.01", "0.1", "1", "10"]
    row = next(row for row in part["rows"] if row["name"] == "outside model")
    seconds = sorted(cell["seconds_per_megapixel"] for cell in result["cells"] if cell["model"] == "outside")
    assert float(row["seconds"]) == pytest.approx(seconds[2], rel=0.06)
    places = [float(x) for x in re.findall(r'cx="([\d.]+)%"', str(row["strip"]))]
    read = sorted(10 ** (-3 + 4 * (place - 4) / 92) for place in places)
    assert read == pytest.approx(seconds, rel=1e-2)


def test_many_metrics_are_told_in_tables_that_fit_side_by_side(result):
    names = [f"metric {n}" for n in range(19)]
    result["metrics"] |= {name: {"title": name} for name in names}
    for cell in result["cells"]:
        cell["scores"] |= {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in names}
    table = appendix.scores(opened(result))["tables"][0]
    assert [len(part["metrics"]) for part in table["parts"]] == [8, 8, 7, 0]
    assert [bool(part["counts"]) for part in table["parts"]] == [False, False, False, True]
    titles = [metric["title"] for part in table["parts"] for metric in part["metrics"]]
    assert titles[0] == "F1 at IoU 0.5"
    assert sorted(titles[4:]) == sorted(f"Metric {n}" for n in range(19))


def test_a_number_that_is_not_there_has_its_reason_below_the_table(result):
    cell = cell_of(result, "nothing", "fluo256")
    cell["scores"]["pq"] = {"value": None, "low": None, "high": None, "reason": "nothing was predicted"}
    table = appendix.scores(opened(result))["tables"][0]
    assert table["notes"] == ["Panoptic quality of Nothing: nothing was predicted"]
    row = next(row for row in table["parts"][0]["rows"] if row["name"] == "Nothing")
    assert [value["value"] for value in row["numbers"]][2] == "–"


def test_a_model_without_a_score_has_no_counts():
    table = next(
        table for table in appendix.scores(opened(few()))["tables"] if table["title"] == "Ovule membranes, 3D"
    )
    row = next(row for row in table["parts"][-1]["rows"] if row["name"] == "unet-256")
    assert row["counts"] == ["–"] * 6
    assert row["reason"] == "the model is 2D, the images are 3D"


def test_where_only_baselines_were_evaluated_they_have_the_lines(result):
    keep = {row["key"] for row in result["models"] if row["baseline"]}
    for name, key in (
        ("models", "key"),
        ("cells", "model"),
        ("rank_intervals", "model"),
        ("failure", "model"),
    ):
        result[name] = [row for row in result[name] if row[key] in keep]
    matrix = opened(result)
    assert [str(key["text"]) for key in charts.key_of(matrix)] == [model.name for model in matrix.baselines]
    assert str(charts.curves(matrix)["shown"][0]["svg"]).count("<title>") == 5
    assert "Nothing was scored" not in words.headline(matrix)[0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.5, "0.5"),
        (86, "86"),
        (323, "323"),
        (999, "999"),
        (1400, "1.4k"),
        (12345, "12k"),
        (2_500_000, "2.5M"),
    ],
)
def test_ends_of_bins_are_brief(value, told):
    assert charts._brief(value) == told
