"""Judge the records of the study of submissions; write its table and its figure.

Run ``python docs/pictures/make_submissions.py DATA``; DATA holds ``bia_records/`` and ``mifa_examples/``. It rewrites
the part of docs/submissions.md between its two marks, and draws docs/pictures/submissions-lacks.svg.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from datetime import date
from pathlib import Path

from micrographia.catalogue.triage import Triaged, ranked, told_minutes, triage
from micrographia.catalogue.triage.result import LEVELS
from micrographia.exchange import read_submission
from micrographia.findings import Severity
from micrographia.metadata.terms import find_method, find_organism

HERE = Path(__file__).parent
PAGE = HERE.parent / "submissions.md"
BEGIN, END = "<!-- begin of what make_submissions.py writes -->", "<!-- end of it -->"
TODAY = date(2026, 1, 1)
"""Dates of records are compared with this day, so that the table does not change with the calendar."""
MADE_UP = {"S-BIADTEST"}
COLOURS = {"required": "#d55e00", "recommended": "#0b6e75", "optional": "#aab3ba"}
OF_SETS = (
    "M003",
    "M008",
    "M010",
    "M011",
    "M012",
    "M013",
    "M014",
    "M015",
    "M016",
    "M017",
    "M018",
    "M020",
    "M023",
    "M024",
)


def judged(data: Path) -> tuple[list[Triaged], dict[str, Triaged]]:
    """Return the rows by mifa-1, by effort, and those by archive-1 by name."""
    places = [data / "bia_records", data / "mifa_examples"]
    by_mifa = triage(places, profile="mifa-1", today=TODAY, workers=1)
    by_archive = triage(places, profile="archive-1", today=TODAY, workers=1)
    return ranked(by_mifa.rows), {row.name: row for row in by_archive.rows}


def template(row: Triaged) -> str:
    """Return the template that a record names; a dash if it names none."""
    if row.format != "pagetab":
        return "MIFA YAML"
    held = json.loads(Path(row.place).read_text("utf-8")).get("attributes", [])
    found = next((one.get("value") for one in held if one.get("name") == "Template"), None)
    return str(found or "–")


def section(data: Path) -> str:
    """Return the part of the page that is written from the data."""
    rows, archive = judged(data)
    real = [row for row in rows if row.name not in MADE_UP]
    return "\n\n".join([_numbers(real, archive), _lacks(rows), _table(rows, archive)])


def write(data: Path) -> None:
    """Rewrite the part of the page, and draw the figure."""
    page = PAGE.read_text("utf-8")
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}\n{section(data)}\n{END}{tail}", "utf-8")
    rows, _ = judged(data)
    draw([row for row in rows if row.name not in MADE_UP], HERE / "submissions-lacks.svg")


def _table(rows: list[Triaged], archive: dict[str, Triaged]) -> str:
    lines = ["| record | template | imported | kept | M, I, F, A | archive |", "|---|---|---|---:|---|---:|"]
    for row in rows:
        scores = {str(score.letter): score for score in row.scores}
        cells = [
            f"{scores[letter].passed}/{scores[letter].applicable}" if scores[letter].applicable else "–"
            for letter in "MIFA"
        ]
        lines.append(
            f"| {row.name} | {template(row).removeprefix('BioImages.')} | {_imported(row)} | {row.kept} "
            f"| {', '.join(cells)} | {archive[row.name].count('required') or '–'} |"
        )
    return "\n".join(lines)


def _lacks(rows: list[Triaged]) -> str:
    lines = ["| record | lacks first | minutes |", "|---|---|---:|"]
    for row in rows:
        first = [lack.what for lack in row.lacks if lack.level != "optional" and not lack.conditional][:3]
        lines.append(
            f"| {row.name} | {', '.join(first) or '–'} | {row.minutes('required', 'recommended'):.0f} |"
        )
    return "\n".join(lines)


def _known(real: list[Triaged]) -> str:
    """Return how many of the organisms and methods without a number or term have one that follows from the name."""
    organisms: list[str] = []
    methods: list[str] = []
    for row in real:
        mifa = read_submission(row.place).mifa
        species = [held.organism for held in mifa.biosamples if held.organism is not None]
        named = [one.scientific_name for one in species if not one.ncbi_taxon]
        ways = [held.imaging_method for held in mifa.image_acquisitions if held.imaging_method is not None]
        called = [one.value for one in ways if not one.ontology_id]
        organisms += dict.fromkeys(filter(None, named))
        methods += dict.fromkeys(filter(None, called))
    known = sum(find_organism(name) is not None for name in organisms)
    found = sum(find_method(name) is not None for name in methods)
    two = sum(find_method(name) is None and "," in name for name in methods)
    return (
        f"of {len(organisms)} organisms named without their number, {known} have one that follows from the name; of "
        f"{len(methods)} imaging methods without a term {found}, and {two} of the others are two methods in one field"
    )


def _imported(row: Triaged) -> str:
    parts = [f"{row.authors} author{'s' * (row.authors != 1)}"]
    if row.annotations:
        parts.append(f"{row.annotations} set{'s' * (row.annotations != 1)}")
    if row.files:
        parts.append(f"{row.files} file{'s' * (row.files != 1)}")
    return ", ".join(parts)


def _numbers(real: list[Triaged], archive: dict[str, Triaged]) -> str:
    total = len(real)
    missing = Counter(lack.code for row in real for lack in row.lacks)
    words = {lack.code: lack.what for row in real for lack in row.lacks}
    minutes = [row.minutes("required", "recommended") for row in real]
    annotated = [row for row in real if row.annotations]
    of_sets = Counter(lack.code for row in annotated for lack in row.lacks if lack.code in OF_SETS)
    half, long = told_minutes(statistics.median(minutes)), sum(each > 60 for each in minutes)
    ready = sum(not archive[row.name].count("required") for row in real)
    broken = sum(any(lack.code == "M030" for lack in row.lacks) for row in real)
    common = [f"{words[code]} ({number})" for code, number in missing.most_common() if code not in OF_SETS]
    within = [f"{words[code]} ({number})" for code, number in of_sets.most_common()]
    return "\n".join(
        [
            f"Of the {total} real submissions:",
            "",
            f"- missing most often: {', '.join(common[:10])};",
            f"- {len(annotated)} describe annotations; of these lack: {', '.join(within)};",
            f"- {_known(real)};",
            f"- {broken} hold an identifier that leads nowhere: a DOI with a digit lost, “pending” for a number;",
            f"- {ready} have all that `archive-1` requires, as far as the record alone shows;",
            f"- half of them are mended in {half} or less, all but {long} within an hour.",
        ]
    )


def draw(rows: list[Triaged], target: Path) -> None:
    """Draw in how many submissions what is missing: of all, and of those that describe annotations."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "submissions", "font.size": 9, "svg.fonttype": "path"})
    import matplotlib.pyplot as plt

    annotated = [row for row in rows if row.annotations]
    parts = [
        (f"of {len(rows)} real submissions", rows, lambda code: code not in OF_SETS and code != "M009"),
        (f"of {len(annotated)} with annotations", annotated, lambda code: code in OF_SETS),
    ]
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 5.2), layout="constrained", width_ratios=[1.5, 1])
    for axis, (title, held, wanted) in zip(axes, parts, strict=True):
        counts = Counter(lack.code for row in held for lack in row.lacks if wanted(lack.code))
        words = {lack.code: lack.what for row in held for lack in row.lacks}
        worst: dict[str, Severity] = {}
        for row in held:
            for lack in row.lacks:
                worst[lack.code] = min(
                    worst.get(lack.code, lack.severity), lack.severity, key=lambda s: s.rank
                )
        shown = counts.most_common(18)[::-1]
        axis.barh(
            [words[code] for code, _ in shown],
            [number for _, number in shown],
            color=[COLOURS[LEVELS[worst[code]]] for code, _ in shown],
            height=0.68,
        )
        for at, (_, number) in enumerate(shown):
            axis.text(number + 0.012 * len(held), at, str(number), va="center", color="#57606a", fontsize=8)
        axis.set_xlim(0, len(held) * 1.06)
        axis.set_title(f"Missing, {title}", loc="left", fontsize=10, color="#1b1f24", pad=8)
        axis.xaxis.set_visible(False)
        axis.tick_params(length=0, colors="#1b1f24")
        for side in axis.spines.values():
            side.set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    axes[0].legend(
        handles, [f"{level} by mifa-1" for level in COLOURS], loc="lower right", frameon=False, fontsize=8
    )
    figure.get_layout_engine().set(h_pad=0.1, w_pad=0.1)
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
