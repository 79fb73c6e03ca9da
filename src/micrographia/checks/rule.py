"""What a rule is: one small class that judges facts and reads nothing itself."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from micrographia.findings import Finding, Level, Severity
from micrographia.plugins import API_VERSION

if TYPE_CHECKING:
    from micrographia.checks.facts import Facts
    from micrographia.dataset import Dataset

SECTIONS = ("What it does", "Why it matters", "Example", "How to fix", "References")
"""The sections of a rule's docstring, in this order; its documentation page is made from them."""


class Source(StrEnum):
    """Who asks for it, so that nobody takes our own additions for the guidelines' text."""

    MIFA = "mifa"
    REMBI = "rembi"
    BIA = "bia"
    NGFF = "ngff"
    PRACTICE = "practice"

    @property
    def meaning(self) -> str:
        """Who that is, in a few words."""
        return _SOURCES[self]


_SOURCES = {
    Source.MIFA: "the MIFA guidelines",
    Source.REMBI: "the REMBI guidelines",
    Source.BIA: "the BioImage Archive",
    Source.NGFF: "the OME-Zarr specification",
    Source.PRACTICE: "good practice (it is not the text of a guideline)",
}


class Letter(StrEnum):
    """The letter of MIFA that a rule counts towards."""

    METADATA = "M"
    INCENTIVES = "I"
    FORMATS = "F"
    ACCESSIBILITY = "A"

    @property
    def word(self) -> str:
        """The word behind the letter."""
        return self.name.capitalize()


class Needs(StrEnum):
    """What must have been read before a rule can judge; each but the checksums includes those before it."""

    METADATA = "metadata"
    FILES = "files"
    HEADERS = "headers"
    PIXELS = "pixels"
    CHECKSUMS = "checksums"

    @property
    def rank(self) -> int:
        """0 for metadata to 3 for pixels; checksums are apart."""
        return list(Needs).index(self)


class Rule(ABC):
    """One thing that a dataset should do, as a class: subclass it, write its docstring, yield findings.

    The first line of the docstring is the rule's title; the sections named by :data:`SECTIONS` make its
    documentation page. A rule has no options and keeps no state.

    Attributes
    ----------
    api_version
        Version of this protocol that the rule was written for.
    code
        One or two capital letters and three digits, for example ``M003``; never used again for another rule.
    severity
        Severity of its findings unless one says otherwise.
    source
        Who asks for it.
    letter
        Letter of MIFA that it counts towards.
    needs
        What must have been read: metadata, files (names and sizes), headers, pixels, or the files' checksums.
    requires
        Codes of rules that must have passed, because this one would be meaningless or would repeat them.
    fixable
        Whether :meth:`fix` mends some of its findings.
    thresholds
        Names of class attributes, numbers that a profile may set, with what they mean.
    """

    api_version: ClassVar[int] = API_VERSION
    code: ClassVar[str]
    severity: ClassVar[Severity]
    source: ClassVar[Source]
    letter: ClassVar[Letter]
    needs: ClassVar[Needs] = Needs.METADATA
    requires: ClassVar[tuple[str, ...]] = ()
    fixable: ClassVar[bool] = False
    thresholds: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield what is wrong; nothing if all is well."""

    def applies(self, facts: Facts) -> bool:  # noqa: ARG002 - for rules that override it
        """Tell whether the rule has anything to judge; if not, it does not count in the score."""
        return True

    def fix(self, dataset: Dataset, findings: Sequence[Finding]) -> list[str]:  # noqa: ARG002
        """Mend the findings of this rule that are ``fixable`` and say what was done, one sentence each.

        What is not wrong is left as it is; files are written whole or not at all.
        """
        return []

    @classmethod
    def title(cls) -> str:
        """Return the first line of the docstring, without a full stop."""
        return _document(cls)[0]

    @classmethod
    def documentation(cls) -> Mapping[str, str]:
        """Return the sections of the docstring by their name, in the order of :data:`SECTIONS`."""
        return _document(cls)[1]

    def finding(
        self,
        message: str,
        *,
        path: str = "",
        line: int | None = None,
        field: str = "",
        fix: str = "",
        fixable: bool = False,
        level: Level | None = None,
        severity: Severity | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Finding:
        """Return a finding of this rule; see :class:`~micrographia.findings.Finding` for the parameters."""
        return Finding(
            self.code,
            severity or self.severity,
            message,
            path=path,
            line=line,
            field=field,
            fix=fix,
            fixable=fixable,
            level=level,
            evidence=dict(evidence or {}),
        )


@cache
def _document(rule: type[Rule]) -> tuple[str, dict[str, str]]:
    text = inspect.cleandoc(rule.__doc__ or "")
    lines = text.splitlines()
    title = lines[0].rstrip(".") if lines else ""
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    skip = False
    body = lines[1:]
    for line, following in zip(body, [*body[1:], ""][: len(body)], strict=True):
        if skip:
            skip = False
        elif line in SECTIONS and following == "-" * len(line):
            current = sections.setdefault(line, [])
            skip = True
        elif current is not None:
            current.append(line)
    return title, {name: "\n".join(held).strip() for name, held in sections.items()}
