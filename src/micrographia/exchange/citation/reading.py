"""What the readers of citation forms share: taking values of any shape out of a document that others wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrographia.dataset.origin import Origin
from micrographia.errors import ExchangeError
from micrographia.exchange.citation.writing import kept_findings, leftovers
from micrographia.exchange.source import Source
from micrographia.exchange.submission import Submission, described, file_table
from micrographia.findings import Finding
from micrographia.metadata.taking import Plain, Taker
from micrographia.metadata.trees import Tokens


class Reading(Taker):
    """A document of others, whose parts a reader takes; what it leaves is kept."""

    def said(self, at: Tokens) -> str:
        """Take a text or a number as a text; the first of a list of one. Empty if there is none."""
        value = self.at(at)
        if isinstance(value, list) and len(value) == 1:
            at, value = (*at, 0), value[0]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return ""
        text = str(value)
        if text.strip():
            self.take(at)
            return text
        return ""

    def first(self, at: Tokens, *names: str) -> str:
        """Take the first of several names under which something may stand."""
        return next((text for name in names if (text := self.said((*at, name)))), "")

    def entries(self, at: Tokens) -> list[tuple[Tokens, Any]]:
        """Return the entries of a list with their places; something that is no list is its only entry."""
        value = self.at(at)
        if isinstance(value, list):
            return [((*at, number), item) for number, item in enumerate(value)]
        return [] if value is None else [(at, value)]

    def words(self, at: Tokens) -> list[str]:
        """Take the texts and numbers of a list, or a single one."""
        return [text for path, _ in self.entries(at) if (text := self.said(path))]

    def ignore(self, at: Tokens, **expected: Any) -> None:
        """Take values that say what the writer says by itself, and nothing else."""
        for name, value in expected.items():
            if self.at((*at, name)) == value:
                self.take((*at, name))


def document_of(source: Source, name: str, what: str) -> Plain:
    """Return the JSON object of a source, or of the file of that name in a folder.

    Raises
    ------
    ExchangeError
        If it cannot be read or is no JSON object.
    """
    held = source.json(name if source.is_folder else "")
    if not isinstance(held, dict):
        raise ExchangeError(source.place, f"is no {what}: it is not a JSON object", "Save it again")
    return held


def submission_of(
    source: Source,
    form: str,
    title: str,
    document: Plain,
    taken: Taker,
    values: Plain,
    findings: Sequence[Finding] = (),
) -> Submission:
    """Return what was read, with everything that nobody took kept and named.

    Parameters
    ----------
    source
        Where it was read.
    form, title
        Name and title of the form.
    document, taken
        The document, and the taker of it.
    values
        What it says, under the names of the model.
    findings
        What the reader had to say.
    """
    kept = leftovers(document, taken)
    description = described(values, source.name or source.place)
    told = [*findings, *description.findings, *kept_findings(kept, title)]
    place = source.place if source.remote else source.name
    return Submission(description, file_table([]), Origin(form, place, "", tuple(kept)), told)


def filled(values: Plain) -> Plain:
    """Return what of a dictionary is filled in."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
