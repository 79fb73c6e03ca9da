"""Reads and writes dataset cards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import MetadataError
from micrographia.exchange.codes import told
from micrographia.exchange.croissant.listing import Listing
from micrographia.exchange.form import Choice
from micrographia.exchange.huggingface.body import SHOWN, body, read_description
from micrographia.exchange.huggingface.front import front_matter, read_front
from micrographia.exchange.huggingface.markdown import unescaped
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, described, file_table
from micrographia.findings import Finding
from micrographia.metadata.taking import Plain
from micrographia.metadata.trees import dotted, paths
from micrographia.metadata.yaml_nodes import plain as plain_node
from micrographia.metadata.yaml_parsing import parse
from micrographia.metadata.yaml_writing import document as as_yaml

FORM, FILE = "huggingface", "README.md"
_FRONT = re.compile(r"\s*---[ \t]*\r?\n((?:.*?\r?\n)?)---[ \t]*(?:\r?\n|$)(.*)", re.DOTALL)
_KEYS = re.compile(
    r"^(pretty_name|license|tags|task_categories|size_categories|configs|dataset_info|annotations_creators):",
    re.MULTILINE,
)


class HuggingFace:
    """Reads and writes dataset cards of Hugging Face; see :class:`~micrographia.exchange.form.ExchangeFormat`."""

    api_version = 1
    name = FORM
    title = "Hugging Face dataset card (README.md)"
    file = FILE
    reads = True
    writes = True
    choices: tuple[Choice, ...] = ()

    def matches(self, source: Source, /) -> bool:
        """Return whether it is Markdown that begins with the metadata of a card, or a folder with such a README.md."""
        name = FILE if source.is_folder else source.name
        if not name.lower().endswith(".md") or not source.has(name):
            return False
        beginning = source.beginning(name)
        return re.match(r"\s*---[ \t]*\r?\n", beginning) is not None and _KEYS.search(beginning) is not None

    def read(self, source: Source, /) -> Submission:
        """Return title, licence, keywords and description of a card; everything else is kept.

        Raises
        ------
        ExchangeError
            If it cannot be read.
        """
        name = FILE if source.is_folder else source.name
        findings: list[Finding] = []
        kept: list[Kept] = []
        front, text = _parts(source.text(name), name, findings, kept)
        study, whole = read_front(front)
        if words := read_description(text):
            study["description"] = unescaped(words)
        description = described({"study": study}, name)
        files = file_table([])
        again = front_matter(description.mifa.plain(), Listing.of(Submission(description, files)))
        kept += [
            Kept(key, value)
            for key, value in front.items()
            if value is not None and key not in whole and again.get(key) != value
        ]
        if text.strip() and text != body(description.mifa, Listing.of(Submission(description, files))):
            kept.append(Kept("text", text))
        findings += [told("E004", f"{one.at}: {_short(one.value)}", path=name) for one in kept]
        origin = Origin(FORM, source.place if source.remote else name, "", tuple(kept))
        return Submission(description, files, origin, [*description.findings, *findings])

    def write(self, submission: Submission, target: Path, options: Mapping[str, str], /) -> list[Finding]:  # noqa: ARG002
        """Write the card."""
        listing = Listing.of(submission)
        plain = submission.mifa.plain()
        front, text = front_matter(plain, listing), body(submission.mifa, listing)
        findings: list[Finding] = []
        text = _restore(front, text, submission, findings)
        card = f"---\n{as_yaml(front)}---\n\n{text}"
        target.write_bytes(card.encode("utf-8", "replace"))
        findings += _losses(plain, front, text)
        if len(submission.files):
            findings.append(
                told("E001", "a card has no list of files", field="files", fix="upload files.tsv with it")
            )
        if "license" not in front:
            findings.append(
                told("E010", "the Hub asks for a licence", field="study.license", fix="choose one")
            )
        if front.get("annotations_creators") and submission.mifa.annotations:
            message = "annotations_creators was told from the words of annotation_method and annotators"
            findings.append(told("E002", message, fix="look whether it is true"))
        return findings


HUGGING_FACE = HuggingFace()


def _parts(card: str, name: str, findings: list[Finding], kept: list[Kept]) -> tuple[Plain, str]:
    found = _FRONT.match(card)
    if found is None:
        findings.append(told("E010", "the card has no metadata in front", path=name))
        return {}, card
    try:
        held = plain_node(parse(found[1], name).root)
    except MetadataError as error:
        findings.append(told("E009", f"the metadata in front cannot be read: {error.problem}", path=name))
        kept.append(Kept("front", found[1]))
        return {}, found[2]
    if held is not None and not isinstance(held, dict):
        findings.append(told("E009", "the metadata in front are no mapping", path=name))
        kept.append(Kept("front", held))
    return (held if isinstance(held, dict) else {}), found[2].removeprefix("\r\n").removeprefix("\n")


def _restore(front: Plain, text: str, submission: Submission, findings: list[Finding]) -> str:
    kept = submission.origin.kept
    if submission.origin.format != FORM:
        kinds = dict.fromkeys(re.sub(r"\[[^\]]*\]", "[]", one.at) for one in kept)
        source = submission.origin.format or "the source"
        findings += [told("E005", f"what was kept of {source} as {kind!r} has no place") for kind in kinds]
        return text
    for one in kept:
        if one.at == "front":
            findings.append(told("E005", "the metadata that could not be read are not written again"))
        elif one.at != "text":
            front.setdefault(one.at, one.value)
        elif read_description(str(one.value)) in ("", read_description(text)):
            text = str(one.value)
        else:
            message = "the description was changed since the card was read; its text is not written again"
            findings.append(told("E005", message))
    return text


def _losses(plain: Plain, front: Plain, text: str) -> list[Finding]:
    """Return a finding for each kind of field that reading the card again does not give back."""
    study = read_front(front)[0]
    if words := read_description(text):
        study["description"] = unescaped(words)
    back = {dotted(at): value for at, value in paths(described({"study": study}).mifa.plain())}
    lost: dict[str, list[str]] = {}
    for at, value in paths(plain):
        if back.get(dotted(at)) != value:
            pattern = dotted(step if isinstance(step, str) else "[]" for step in at).replace(".[]", "[]")
            lost.setdefault(pattern, []).append(dotted(at))
    lost |= {at: [at] for at in back if at not in {dotted(own) for own, _ in paths(plain)}}
    findings = []
    for pattern, fields in lost.items():
        shown = any(pattern == one or pattern.startswith((f"{one}.", f"{one}[")) for one in SHOWN)
        message = f"{pattern} is in the text alone" if shown else f"a dataset card has no place for {pattern}"
        findings.append(told("E002" if shown else "E001", message, fields=fields))
    return findings


def _short(value: object) -> str:
    words = " ".join(str(value).split())
    return words if len(words) <= 60 else f"{words[:57]}..."
