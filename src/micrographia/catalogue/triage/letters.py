"""The letter to the authors of a submission: what is good, what to mend in order of importance, how long it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from micrographia.catalogue.triage.effort import told_minutes
from micrographia.catalogue.triage.praise import MOST, praises
from micrographia.catalogue.triage.record import Record, joined, one_line, plural, quoted
from micrographia.catalogue.triage.result import Lack
from micrographia.metadata.study import Author

WIDTH = 76
"""Characters of a line of plain text."""
LINES = 58
"""Lines of a page of plain text; a letter has no more."""
SPELLED = 7
"""Things that are asked for one by one; what is left is named in one sentence."""
GREETED = 3
"""Authors who are greeted by name; more of them are colleagues."""


@dataclass(frozen=True, slots=True)
class LetterOptions:
    """What a curator may add.

    Parameters
    ----------
    curator
        Who signs; nobody by default.
    deadline
        Until when an answer is wanted, in the words of the letter (``30 June 2026``); not spoken of by default.
    """

    curator: str = ""
    deadline: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked for: the field of the form, the time it takes, and what to write."""

    where: str
    minutes: float
    text: str

    @property
    def head(self) -> str:
        """Field and time."""
        return f"{self.where} ({told_minutes(self.minutes)})" if self.minutes else self.where


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, part by part.

    Parameters
    ----------
    subject, greeting
        Subject line, and whom it is to.
    opening
        Paragraphs before the list.
    items
        What is asked for, the most important first.
    closing
        Paragraphs after the list.
    signature
        Last lines.
    """

    subject: str
    greeting: str
    opening: tuple[str, ...]
    items: tuple[Item, ...]
    closing: tuple[str, ...]
    signature: tuple[str, ...]

    def text(self) -> str:
        """Return the letter as plain text of one page."""
        return "\n".join(self._lines()).rstrip() + "\n"

    def markdown(self) -> str:
        """Return the letter as Markdown; what is from the record is escaped."""
        parts = [f"**{_escape(self.subject)}**", _escape(self.greeting), *map(_escape, self.opening)]
        if self.items:
            parts.append(
                "\n".join(
                    f"{number}. **{_escape(item.head)}.** {_escape(item.text)}"
                    for number, item in enumerate(self.items, 1)
                )
            )
        parts += map(_escape, self.closing)
        parts.append("  \n".join(_escape(line) for line in self.signature))
        return "\n\n".join(parts) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"Subject: {self.subject}"
        yield ""
        yield self.greeting
        for paragraph in self.opening:
            yield ""
            yield from _wrapped(paragraph)
        for number, item in enumerate(self.items, 1):
            yield ""
            head = f"{number}. "
            yield from _wrapped(item.head, head, " " * len(head))
            yield from _wrapped(item.text, " " * len(head), " " * len(head))
        for paragraph in self.closing:
            yield ""
            yield from _wrapped(paragraph)
        yield ""
        yield from self.signature


def compose(record: Record, lacks: Sequence[Lack], options: LetterOptions | None = None) -> Letter:
    """Return the letter to the authors of a record.

    Nothing that the record has is asked for; a letter that would not fit on a page names the last things in one
    sentence.

    Parameters
    ----------
    record
        The submission.
    lacks
        What it lacks, in the order of importance.
    options
        What the curator adds.
    """
    options = options or LetterOptions()
    asked = [lack for lack in lacks if lack.level != "optional" and not lack.conditional]
    optional = [lack for lack in lacks if lack.level == "optional" and not lack.conditional]
    perhaps = [lack.text for lack in lacks if lack.conditional]
    for number in range(min(SPELLED, len(asked)), 0, -1):
        letter = _composed(record, asked, number, optional, perhaps, options)
        if len(letter.text().splitlines()) <= LINES:
            return letter
    return _composed(record, asked, min(1, len(asked)), [], perhaps, options)


def _composed(
    record: Record,
    asked: Sequence[Lack],
    number: int,
    optional: Sequence[Lack],
    perhaps: Sequence[str],
    options: LetterOptions,
) -> Letter:
    if len(asked) == number + 1:
        number = len(asked)  # the last one takes as little room as the sentence that would name it
    spelled, rest = asked[:number], asked[number:]
    minutes = sum(lack.minutes for lack in asked)
    texts = record.profile.texts
    opening = [
        *([one_line(texts["opening"])] if "opening" in texts else []),
        _thanks(record),
        *_bridge(asked, minutes),
    ]
    closing = [*_rest(rest), *perhaps, *_optional(optional), *_unread(record), *_end(asked, options)]
    if "closing" in texts:
        closing.append(one_line(texts["closing"]))
    curator = one_line(options.curator)
    return Letter(
        _subject(record, asked),
        f"Dear {greeted(record)},",
        tuple(opening),
        tuple(Item(lack.where, lack.minutes, lack.text) for lack in spelled),
        tuple(closing),
        ("Kind regards,", curator) if curator else ("Kind regards",),
    )


def greeted(record: Record) -> str:
    """Return whom the letter is to: the authors by name, those first who submitted or answer letters."""
    people = record.people or tuple(one for one in record.study.authors if one.name)
    if not people:
        return "authors"
    if len(people) <= GREETED:
        return joined([one_line(one.name) for one in people])
    first = [one for one in people if _answers(one)][:GREETED]
    chosen = first or list(people[:1])
    return f"{', '.join(one_line(one.name) for one in chosen)} and colleagues"


def _answers(author: Author) -> bool:
    return bool(re.search(r"submit|correspond|contact", " ".join(author.role), re.IGNORECASE))


def _subject(record: Record, asked: Sequence[Lack]) -> str:
    if not asked:
        return f"Your submission {record.name}: nothing is missing"
    what = f"{plural(len(asked), 'thing')} to add" if len(asked) <= SPELLED else "what is still missing"
    return f"Your submission {record.name}: {what}"


def _thanks(record: Record) -> str:
    title = one_line(record.study.title or "")
    what = f"{quoted(title, 160)} ({record.name})" if title else record.name
    first = f"Thank you for sharing {what}{_shown(record)}{_held(record)}."
    good = praises(record)
    if not good:
        return first
    listed = "; ".join(good[:-1]) + (f"; and {good[-1]}" if len(good) > 1 else good[-1])
    lead = "Much is there already:" if len(good) == MOST else "It helps that"
    return f"{first} {lead} {listed if len(good) == MOST else ' and that '.join(good)}."


def _shown(record: Record) -> str:
    """Return what the images show, in words of the record: ``, confocal microscopy of Homo sapiens``."""
    methods = [held.imaging_method.value for held in record.mifa.image_acquisitions if held.imaging_method]
    organisms = [held.organism.scientific_name for held in record.mifa.biosamples if held.organism]
    how = list(dict.fromkeys(one_line(one) for one in methods if one and len(one) <= 60))
    species = [one_line(one) for one in organisms if one and len(one) <= 60]
    of = list(dict.fromkeys(f"{one[:1].upper()}{one[1:]}" for one in species))
    if not how or not of or len(how) > 3 or len(of) > 3:
        return ""
    return f", {joined(how)} of {joined(of)}"


def _held(record: Record) -> str:
    if not record.listed or not record.facts.rows:
        return ""
    parts = []
    if record.images:
        parts.append(plural(record.images, "image"))
    if record.annotation_files:
        parts.append(plural(record.annotation_files, "annotation file"))
    if not parts:
        parts.append(plural(len(record.facts.rows), "file"))
    return f", with its {joined(parts)}"


def _bridge(asked: Sequence[Lack], minutes: float) -> list[str]:
    if not asked:
        return ["We have looked at what you wrote, and have nothing to ask for."]
    thing = "One thing is" if len(asked) == 1 else f"{plural(len(asked), 'thing').capitalize()} are"
    order = "" if len(asked) == 1 else ", the most important first"
    takes = "It takes" if len(asked) == 1 else "Together they take"
    missing = f"{thing} still missing for others to find, understand and reuse the data{order}."
    return [f"{missing} {takes} about {told_minutes(minutes)}, we think."]


def _rest(rest: Sequence[Lack]) -> list[str]:
    if not rest:
        return []
    named = joined([f"{lack.what} ({lack.where})" for lack in rest], 6)
    return [f"{plural(len(rest), 'more thing').capitalize()}: {named}."]


def _optional(optional: Sequence[Lack]) -> list[str]:
    if not optional:
        return []
    named = joined([f"{lack.what} ({lack.where})" for lack in optional[:4]], 4)
    return [f"Optional, and welcome: {named}."]


def _unread(record: Record) -> list[str]:
    if record.listed:
        return []
    return ["We have seen the description only; the file lists were not at hand."]


def _end(asked: Sequence[Lack], options: LetterOptions) -> list[str]:
    if not asked:
        return ["If you change the record later, we are glad to look again."]
    until = f" We would be glad to have it by {one_line(options.deadline)}." if options.deadline else ""
    what = "it does" if len(asked) == 1 else "something here does"
    way = f"If {what} not fit your data, or the form has no place for it, just answer this letter, and we find a way"
    return [f"{way} together.{until}"]


def _wrapped(text: str, first: str = "", other: str = "") -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _escape(text: str) -> str:
    marked = re.sub(r"([\\`*_{}\[\]<>#|~$!])", r"\\\1", one_line(text))
    return marked.replace("&", "&amp;")
