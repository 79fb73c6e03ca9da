"""``micrographia credit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micrographia.cli.console import count, readable, say, say_json, warn
from micrographia.errors import command_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from micrographia.catalogue.usage import Identity

SHOWN = 8
"""Uses, people and findings that are printed; all of them come with ``--json``."""


def credit(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder: one with mifa.yaml and files.tsv")],
    usage: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder, usage record or address to gather from; may be given several times", metavar="PLACE"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The page; BibTeX and JSON are written beside it, with other endings"),
    ] = None,
    fill: Annotated[
        bool, typer.Option("--fill", help="Write the models made from the dataset into mifa.yaml")
    ] = False,
    hashing: Annotated[
        bool | None,
        typer.Option(
            "--hash/--no-hash",
            help="Compute the content checksum, which reads every pixel; by default where mifa.yaml has none",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a processor by default")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Say who made a dataset, how to cite it, and who used it for what.

    Uses come from usage records, which every training and evaluation leaves in its folder. They are held against their
    checksums and matched by content, else by accession, else by title, and it says by which. Nothing is sent anywhere.
    """
    from micrographia.catalogue.credit import credit_document, identity_of, uses_bibtex
    from micrographia.catalogue.usage import Gathered, gather_usage, match_usage, models_trained
    from micrographia.dataset import open_dataset
    from micrographia.dataset.manifest import write_whole

    opened = open_dataset(dataset)
    gathered = gather_usage(usage) if usage else Gathered()
    identity = identity_of(opened, hashing=hashing if usage or hashing else False, workers=workers)
    document = credit_document(opened, identity, gathered)
    filled = _fill(dataset, models_trained(match_usage(gathered.usages, identity))) if fill else []
    written = []
    if out is not None:
        from micrographia.report.credit_page import write_credit_page

        page = out if out.suffix else out.with_suffix(".html")
        written = [page, page.with_suffix(".bib"), page.with_suffix(".json")]
        entries = [document["cite"]["bibtex"], uses_bibtex(document)]
        write_whole(written[1], "\n".join(text for text in entries if text))
        write_whole(written[2], json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        write_credit_page(document, page)
    if as_json:
        say_json({**document, "filled": filled, "written": [str(path) for path in written]})
        return
    with readable():
        _tell(document, identity, bool(usage))
        for path in written:
            say(f"Wrote {path}")
        if fill:
            say(f"Wrote {count(len(filled), 'model')} into ai_models_trained of {dataset / 'mifa.yaml'}")
        if not usage:
            next_step = command_line("credit", dataset, "--usage", "FOLDER", "--out", "credit.html")
            say(f"Next: {next_step}")


def _fill(dataset: Path, models: list[str]) -> list[str]:
    """Write models that ``mifa.yaml`` does not name yet, and return them."""
    from micrographia import metadata

    path = dataset / "mifa.yaml"
    known = metadata.load(path).mifa.study.ai_models_trained
    new = [model for model in models if model not in known]
    if new:
        values = {
            f"study.ai_models_trained[{len(known) + number}]": model for number, model in enumerate(new)
        }
        metadata.update(path, values if known else {"study.ai_models_trained": new})
    return new


def _tell(document: Mapping[str, Any], identity: Identity, asked: bool) -> None:
    from micrographia.catalogue.credit import score_text
    from micrographia.report.credit_page import doubts, headline

    say(f"Cite:  {document['cite']['text']}")
    for one in document["contributors"][:SHOWN]:
        roles = [role["role"] for role in one["roles"]]
        roles += [f"annotated {', '.join(one['annotated'])}"] if one["annotated"] else []
        who = f"{one['name']} ({one['orcid']})" if one["orcid"] else one["name"]
        say(f"Made by  {who}  {', '.join(roles)}")
    more = len(document["contributors"]) - SHOWN
    if more > 0:
        say(f"and {more} more")
    for grant in document["funding"]["grants"][:SHOWN]:
        say(f"Paid by  {' '.join(part for part in (grant['funder'], grant['grant']) if part)}")
    if not asked:
        return
    for sentence in headline(document):
        say(sentence)
    for use in document["uses"][-SHOWN:]:
        model = " ".join(part for part in (use["model"]["name"], use["model"]["version"]) if part)
        what = ", ".join(part for part in (use["task"], score_text(use["score"])) if part)
        say(f"  {use['made'][:10]}  {model}: {what}   by {use['matched_by']}")
    for line in doubts(document):
        warn(line)
    for gone in document["left_out"][:SHOWN]:
        warn(f"left out: {gone['place']}: {gone['why']}")
    if not identity.contents:
        warn(
            "The dataset has no content checksum, so records are matched by accession or title: --hash computes it"
        )
