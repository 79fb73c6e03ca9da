"""What identifies the people behind a dataset, found in text and replaced."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from micrographia.exchange.citation.facts import paper_names
from micrographia.metadata import Author, Mifa

SHORTEST = 3
"""Letters below which a family name is not looked for by itself: ``Li`` and ``He`` are in too many words."""
PATTERNS = (
    (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}", "[e-mail]"),
    (r"(?:https?://)?(?:www\.)?orcid\.org/\S+|(?<!\d)\d{4}-\d{4}-\d{4}-\d{3}[\dXx](?!\d)", "[ORCID]"),
    (r"\bS-[A-Z]{2,}[0-9]+\b|\bEMPIAR-[0-9]+\b|\bidr[0-9]{4}[a-z]?\b", "[accession]"),
    (r"(?:https?://(?:dx\.)?doi\.org/|\b(?:doi|DOI):\s*)?\b10\.[0-9]{4,9}/[^\s\"'<>\])},;]+", "[DOI]"),
    (r"\bPMID:?\s*[0-9]{4,8}\b|\bPMC[0-9]{5,9}\b", "[PubMed]"),
)
"""What identifies somebody by its form."""
KEPT_HOSTS = (
    "purl.obolibrary.org",
    "creativecommons.org",
    "spdx.org",
    "www.w3.org",
    "www.openmicroscopy.org",
    "ngff.openmicroscopy.org",
    "schema.org",
)
"""Addresses of vocabularies and formats, which say nothing about people."""
ADDRESS = re.compile(r"(?:https?|ftp|s3|git|ssh)://[^\s\"'<>\]\)}]+|\bwww\.[^\s\"'<>\]\)}]+", re.IGNORECASE)


@dataclass(slots=True)
class Names:
    """The strings that identify people behind a dataset, and what stands in their place.

    Parameters
    ----------
    mifa
        What is written about the dataset.
    protected
        Strings that stay as they are, because files are found by them.
    """

    exact: dict[str, str] = field(default_factory=dict)
    """Family names and abbreviations: looked for as they are written, because many are words."""
    loose: dict[str, str] = field(default_factory=dict)
    """All others: looked for in any case."""
    short: list[str] = field(default_factory=list)
    """Names that are too short to be looked for."""
    replaced: dict[str, str] = field(default_factory=dict)
    """What was found, to what stands in its place."""
    _pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, mifa: Mifa) -> Names:
        """Return what identifies the people behind a described dataset."""
        names = cls()
        people: list[Author] = [
            *mifa.study.authors,
            *(who for one in mifa.annotations for who in one.authors),
        ]
        for number, author in enumerate(people, 1):
            names.person(author.author_first_name or "", author.author_last_name or "", f"[author {number}]")
            names.add(author.email, "[e-mail]")
            for place in author.organisation:
                names.organisation(place.organisation_name or "")
                names.add(place.address, "[address]")
                names.add(place.ror_id, "[ROR]", bare="https://ror.org/")
            names.add(author.orcid_id, "[ORCID]", bare="https://orcid.org/")
        for grant in mifa.study.grants:
            names.organisation(grant.funder or "", "[funder]")
            if len(grant.grant_id or "") > SHORTEST and re.search(r"\d", grant.grant_id or ""):
                names.add(grant.grant_id, "[grant]")
        for paper in mifa.study.publications:
            for name in _cited(paper.publication_authors or ""):
                names.person(*name, "[author]")
            if len((paper.publication_title or "").split()) > 2:
                names.add(paper.publication_title, "[title of a paper]")
            names.add(paper.publication_doi, "[DOI]", bare="https://doi.org/")
        names.add(mifa.study.accession, "[accession]")
        names.add(mifa.study.doi, "[DOI]", bare="https://doi.org/")
        for link in mifa.study.links:
            names.add(link.link_url, "[address]")
        for model in mifa.study.ai_models_trained:
            names.add(model, "[model]", bare="https://doi.org/")
        for version in mifa.versions:
            for checksum in (version.content_sha256, version.files_sha256):
                names.add(checksum, "[checksum]")
        return names

    def add(self, text: str | None, instead: str, *, bare: str = "") -> None:
        """Look for a text in any case, and for what is left of it without a beginning."""
        for one in {(text or "").strip(), (text or "").strip().removeprefix(bare) if bare else ""}:
            if len(one) > SHORTEST:
                self.loose.setdefault(one, instead)

    def person(self, first: str, last: str, instead: str) -> None:
        """Look for a person in the usual orders, with initials, and by the family name alone."""
        first, last = " ".join(first.split()), " ".join(last.split())
        if not last:
            self.add(first, instead)
            return
        initials = [part[0] for part in re.split(r"[\s-]+", first) if part]
        givens = {first, *(initials[:1]), " ".join(initials), "".join(initials), ". ".join(initials) + "."}
        givens |= {".".join(initials) + ".", first.split(" ")[0] if first else ""}
        for given in givens - {"", "."}:
            for whole in (
                f"{given} {last}",
                f"{last}, {given}",
                f"{last} {given}",
                f"{given}_{last}",
                f"{given}{last}",
            ):
                self.loose.setdefault(whole, instead)
        if " " in last or len(last) > SHORTEST + 7:
            self.loose.setdefault(last, instead)
        elif len(last) >= SHORTEST:
            self.exact.setdefault(last, instead)
            self.exact.setdefault(last.upper(), instead) if len(last) > SHORTEST else None
            self.exact.setdefault(last.lower(), instead) if len(last) > SHORTEST + 2 else None
        else:
            self.short.append(last)

    def organisation(self, text: str, instead: str = "[organisation]") -> None:
        """Look for an organisation, its abbreviation in parentheses, and its parts between commas."""
        whole = " ".join(text.split())
        outside = re.sub(r"\s*\([^)]*\)", "", whole).strip()
        inside = [part.strip() for part in re.findall(r"\(([^)]*)\)", whole)]
        parts = [part.strip() for part in re.split(r"[,;]", outside)]
        for part in (whole, outside, *inside, *(part for part in parts if " " in part)):
            if " " in part:
                self.loose.setdefault(part, instead)
            elif len(part) >= SHORTEST:
                self.exact.setdefault(part, instead)

    @property
    def strings(self) -> list[str]:
        """All strings that are looked for."""
        return [*self.loose, *self.exact]

    def replace(self, text: str, protected: Iterable[str] = ()) -> str:
        """Return a text with everything that identifies somebody replaced.

        Parameters
        ----------
        text
            The text.
        protected
            Strings that stay as they are, because files are found by them.
        """
        kept = [one for one in protected if one in text]
        if not kept:
            return self._replaced(text)
        parts = re.split(
            "(" + "|".join(re.escape(one) for one in sorted(kept, key=len, reverse=True)) + ")", text
        )
        return "".join(part if number % 2 else self._replaced(part) for number, part in enumerate(parts))

    def found_in(self, text: str) -> list[str]:
        """Return the strings of a text that identify somebody, without replacing them."""
        return list(dict.fromkeys(found[0] for found in self.pattern.finditer(text)))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What is looked for, the longest first; an underscore ends a name."""
        if self._pattern is None:
            loose = "|".join(_spaced(one) for one in sorted(self.loose, key=len, reverse=True))
            exact = "|".join(re.escape(one) for one in sorted(self.exact, key=len, reverse=True))
            parts = [f"(?i:{loose})"] if loose else []
            parts += [exact] if exact else []
            self._pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})(?![^\W_])" if parts else r"(?!)")
        return self._pattern

    def _replaced(self, text: str) -> str:
        for pattern, instead in PATTERNS[:2]:
            text = self._by_form(pattern, instead, text)
        text = ADDRESS.sub(self._address, text)
        for pattern, instead in PATTERNS[2:]:
            text = self._by_form(pattern, instead, text)
        return self.pattern.sub(lambda found: self._noted(found[0], self._instead(found[0])), text)

    def _by_form(self, pattern: str, instead: str, text: str) -> str:
        return re.sub(pattern, lambda found: self._noted(found[0], instead), text)

    def _address(self, found: re.Match[str]) -> str:
        bare = re.sub(r"^\w+://", "", found[0])
        return found[0] if bare.startswith(KEPT_HOSTS) else self._noted(found[0], "[address]")

    def _instead(self, text: str) -> str:
        if text in self.exact:
            return self.exact[text]
        plain = " ".join(text.casefold().split())
        return next(
            (new for one, new in self.loose.items() if " ".join(one.casefold().split()) == plain), "[removed]"
        )

    def _noted(self, text: str, instead: str) -> str:
        self.replaced[text] = instead
        return instead


def _spaced(text: str) -> str:
    return r"\s+".join(re.escape(part) for part in text.split())


def _cited(text: str) -> list[tuple[str, str]]:
    bare = re.sub(r"[,;]?\s*\bet al\b\.?\s*$", "", " ".join(text.split()), flags=re.IGNORECASE)
    found = []
    for name in paper_names(bare) or re.split(r"[;,]|\s+and\s+|\s+&\s+", bare):
        last, comma, first = name.partition(",")
        if comma:
            found.append((first.strip(), last.strip()))
        else:
            words = name.split()
            turned = len(words) > 1 and re.fullmatch(r"[A-Z]{1,3}\.?", words[-1])
            if turned:
                found.append((words[-1], " ".join(words[:-1])))
            elif words:
                found.append((" ".join(words[:-1]), words[-1]))
    return found
