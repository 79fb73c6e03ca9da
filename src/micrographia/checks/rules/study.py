"""Rules over the study: title, description, keywords, authors, licence, funding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import TextRule
from micrographia.checks.wording import counted, is_placeholder
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata import normalise_licence
from micrographia.metadata.fields import specs
from micrographia.metadata.study import Study


class Title(TextRule):
    """The study has a title that says what is in the dataset.

    What it does
    ------------
    Asks for a title of at least four words that is no placeholder.

    Why it matters
    --------------
    The title is what people search, read in lists, and cite.

    Example
    -------
    ``my dataset`` says nothing; ``Annotated fluorescence images of nuclei from three tissues`` does.

    How to fix
    ----------
    Write into ``study.title`` what was imaged, how, and what is annotated.

    References
    ----------
    MIFA schema, ``Study.title`` (required); REMBI, Study.
    """

    code = "M001"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    what = "title"
    least = 4

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the title."""
        yield from self.judge(
            facts.mifa.study.title, "study.title", "", facts, hint=specs(Study)["title"].example
        )


class Description(TextRule):
    """The study has a description that says what the images show and what they are for.

    What it does
    ------------
    Asks for a description of at least fifteen words that is no placeholder and does not repeat the title.

    Why it matters
    --------------
    From it people decide whether the dataset answers their question. It is also what search engines index.

    Example
    -------
    ``Images and masks`` says nothing; a sentence on sample, staining, microscope and purpose does.

    How to fix
    ----------
    Write into ``study.description`` what the images show, why they were taken, and what the dataset can be used for.

    References
    ----------
    MIFA schema, ``Study.description`` (required); REMBI, Study.
    """

    code = "M002"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    what = "description"
    least = 15

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the description."""
        study = facts.mifa.study
        text = None if study.description and study.description == study.title else study.description
        yield from self.judge(text, "study.description", "", facts, hint=specs(Study)["description"].example)


class Keywords(Rule):
    """The study has keywords.

    What it does
    ------------
    Asks for at least three different keywords that are no placeholders.

    Why it matters
    --------------
    Keywords find the dataset for people who use other words than the title does.

    Example
    -------
    ``nucleus``, ``fluorescence``, ``instance segmentation``.

    How to fix
    ----------
    Write into ``study.keywords`` the organism, the structure, the modality, and the task.

    References
    ----------
    MIFA schema, ``Study.keywords`` (required); REMBI, Study.
    """

    code = "M004"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    least: ClassVar[int] = 3
    thresholds: ClassVar[Mapping[str, str]] = {"least": "fewest keywords"}

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the keywords."""
        held = {word.strip().lower() for word in facts.mifa.study.keywords if not is_placeholder(word)}
        if len(held) < self.least:
            yield self.finding(
                f"there {'is' if len(held) == 1 else 'are'} {counted(len(held), 'keyword')}; people search by more"
                if held
                else "there are no keywords",
                **facts.at("study.keywords"),
                fix="write organism, structure, modality and task, one keyword each",
                level=Level.PRESENT if held else Level.ABSENT,
                severity=Severity.WARNING if held else None,
            )


class Authors(Rule):
    """The study names its authors.

    What it does
    ------------
    Asks for at least one author, and for a last name of each (the name of a group counts).

    Why it matters
    --------------
    A dataset without authors cannot be cited, and there is nobody to ask.

    Example
    -------
    An author with an e-mail address and no name.

    How to fix
    ----------
    Write ``author_first_name`` and ``author_last_name`` into ``study.authors``, in the order of citation.

    References
    ----------
    MIFA schema, ``Study.authors``, ``Author.author_last_name`` (required); REMBI, Study.
    """

    code = "M005"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for authors and their names."""
        authors = facts.mifa.study.authors
        if not authors:
            yield self.finding(
                "no author is named",
                **facts.at("study.authors"),
                fix="name the authors in the order of citation",
                level=Level.ABSENT,
            )
        for number, author in enumerate(authors):
            if not author.author_last_name or is_placeholder(author.author_last_name):
                yield self.finding(
                    f"author {number + 1} has no last name",
                    **facts.at(f"study.authors[{number}].author_last_name"),
                    fix="write first and last name, or the name of the group",
                    level=Level.PRESENT,
                )


class LicenceGiven(Rule):
    """The study says what others may do with the data, by a known licence.

    What it does
    ------------
    Asks for ``study.license`` and reads it: SPDX identifiers, usual names and addresses are known. A wording without a
    version (``CC BY``) is reported, because each version has other terms.

    Why it matters
    --------------
    Without a licence nobody may use the data, whatever the authors meant. Private wordings (``free for academic use``)
    keep careful people and every company away.

    Example
    -------
    ``CC BY`` does not say which version; ``CC-BY-4.0`` does.

    How to fix
    ----------
    Write ``CC0-1.0`` or ``CC-BY-4.0``, which the BioImage Archive takes.

    References
    ----------
    MIFA schema, ``Study.license`` (required); SPDX licence list, https://spdx.org/licenses.
    """

    code = "M006"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Read the licence."""
        text = facts.mifa.study.license
        licence = normalise_licence(text) if text else None
        if not text:
            yield self.finding(
                "there is no licence, so nobody may use the data",
                **facts.at("study.license"),
                fix="write CC0-1.0 or CC-BY-4.0",
                level=Level.ABSENT,
            )
        elif licence is None:
            yield self.finding(
                f"the licence {text!r} is not known",
                **facts.at("study.license"),
                fix="write an SPDX identifier, for example CC-BY-4.0",
                level=Level.PRESENT,
                severity=Severity.WARNING,
            )
        elif licence.spdx is None:
            yield self.finding(
                f"the licence {text!r} does not say which version",
                **facts.at("study.license"),
                fix=f"write the version, for example {licence.name.replace(' ', '-')}-4.0",
                level=Level.PRESENT,
                severity=Severity.WARNING,
            )


class Funding(TextRule):
    """The study says who paid for the work.

    What it does
    ------------
    Asks for a funding statement of at least three words.

    Why it matters
    --------------
    Funders ask for it and look for it; it also tells readers of interests.

    Example
    -------
    ``Supported by the Austrian Research Promotion Agency, grant 844198.``

    How to fix
    ----------
    Write a sentence into ``study.funding_statement``; ``This work received no external funding.`` is one.

    References
    ----------
    MIFA schema, ``Study.funding_statement`` (required).
    """

    code = "M007"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA
    what = "funding statement"
    least = 3

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge the statement."""
        text = facts.mifa.study.funding_statement
        hint = specs(Study)["funding_statement"].example
        yield from self.judge(text, "study.funding_statement", "", facts, hint=hint)
