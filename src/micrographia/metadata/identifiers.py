"""Identifiers of people, institutions, papers, species and methods: told apart, checked and written in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote


class Scheme(StrEnum):
    """Which register an identifier belongs to."""

    ORCID = "ORCID"
    ROR = "ROR"
    DOI = "DOI"
    PUBMED = "PubMed"
    PMC = "PMC"
    TAXON = "NCBI taxon"
    FBBI = "FBbi"


@dataclass(frozen=True, slots=True)
class Identifier:
    """What became of an identifier that somebody wrote.

    Parameters
    ----------
    scheme
        The register that was asked about.
    text
        What was written.
    value
        The identifier in the one form that this package writes; empty if it is not valid.
    url
        Where it leads; empty if it is not valid.
    problem
        What is wrong, as a clause without a full stop; empty if it is valid.
    """

    scheme: Scheme
    text: str
    value: str = ""
    url: str = ""
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the identifier is valid."""
        return not self.problem


_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def orcid_check_character(digits: str) -> str:
    """Return the last character of an ORCID iD from its first fifteen digits (ISO 7064 mod 11-2)."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    result = (12 - total % 11) % 11
    return "X" if result == 10 else str(result)


def check_orcid(text: str) -> Identifier:
    """Check an ORCID iD, bare, as a URL or with a prefix; the value is ``https://orcid.org/0000-...``."""
    scheme = Scheme.ORCID
    bare = re.sub(
        r"^(https?://)?(www\.)?orcid\.org/|^orcid(\s*id)?\s*[:=]?\s*", "", text.strip(), flags=re.IGNORECASE
    )
    digits = re.sub(r"[\s-]", "", bare.translate(_DASHES).rstrip("/")).upper()
    if not re.fullmatch(r"[0-9]{15}[0-9X]", digits):
        length = f", this has {len(digits)}" if re.fullmatch(r"[0-9X]*", digits) else ""
        return Identifier(scheme, text, problem=f"an ORCID iD has 16 digits, 0000-0000-0000-0000{length}")
    expected = orcid_check_character(digits[:15])
    if digits[15] != expected:
        return Identifier(
            scheme, text, problem=f"its check digit is {digits[15]}, not {expected}: a digit was mistyped"
        )
    value = "https://orcid.org/" + "-".join(digits[start : start + 4] for start in range(0, 16, 4))
    return Identifier(scheme, text, value, value)


def ror_checksum(body: str) -> str:
    """Return the two check digits of a ROR id from the six characters after its leading zero."""
    number = 0
    for character in body:
        number = number * 32 + _CROCKFORD.index(character)
    return f"{98 - number * 100 % 97:02d}"


def check_ror(text: str) -> Identifier:
    """Check a ROR id, bare, as a URL or with a prefix; the value is ``https://ror.org/0...``."""
    scheme = Scheme.ROR
    bare = re.sub(
        r"^(https?://)?(www\.)?ror\.org/|^ror(\s*id)?\s*[:=]?\s*", "", text.strip(), flags=re.IGNORECASE
    )
    bare = bare.rstrip("/").lower()
    if not re.fullmatch(rf"0[{_CROCKFORD}]{{6}}[0-9]{{2}}", bare):
        return Identifier(
            scheme, text, problem="a ROR id has nine characters and starts with 0, as 02catss52"
        )
    expected = ror_checksum(bare[1:7])
    if bare[7:] != expected:
        return Identifier(
            scheme, text, problem=f"its check digits are {bare[7:]}, not {expected}: a character was mistyped"
        )
    return Identifier(scheme, text, f"https://ror.org/{bare}", f"https://ror.org/{bare}")


def check_doi(text: str) -> Identifier:
    """Check the form of a DOI, bare, as a URL or with a prefix; the value is ``https://doi.org/10...``."""
    bare = text.strip()
    from_url = re.match(r"^(https?://)?((dx|www)\.)?doi\.org/", bare, flags=re.IGNORECASE)
    bare = (
        unquote(bare[from_url.end() :])
        if from_url
        else re.sub(r"^doi\s*[:=]?\s*", "", bare, flags=re.IGNORECASE)
    )
    bare = bare.rstrip(".,;")
    if not re.fullmatch(r"10\.[0-9]{4,9}(\.[0-9]+)*/\S+", bare):
        return Identifier(Scheme.DOI, text, problem="a DOI looks like 10.1038/s41592-025-02835-8")
    return Identifier(Scheme.DOI, text, f"https://doi.org/{bare}", f"https://doi.org/{bare}")


def check_pubmed(text: str) -> Identifier:
    """Check a PubMed id; the value is ``PMID:`` and digits. A PMC id or a DOI is named as such."""
    scheme = Scheme.PUBMED
    bare = re.sub(
        r"^(https?://)?((www\.)?ncbi\.nlm\.nih\.gov/pubmed/|pubmed\.ncbi\.nlm\.nih\.gov/)|^(pmid|pubmed)(\s*id)?\s*[:=]?\s*",
        "",
        text.strip(),
        flags=re.IGNORECASE,
    ).rstrip("/")
    if re.fullmatch(r"[1-9][0-9]{0,7}", bare):
        return Identifier(scheme, text, f"PMID:{bare}", f"https://pubmed.ncbi.nlm.nih.gov/{bare}/")
    if check_pmc(text).ok:
        return Identifier(scheme, text, problem="this is a PubMed Central id; it belongs in pmc_id")
    if check_doi(text).ok:
        return Identifier(scheme, text, problem="this is a DOI; it belongs in publication_doi")
    return Identifier(scheme, text, problem="a PubMed id is a number of up to eight digits, as PMID:18492790")


def check_pmc(text: str) -> Identifier:
    """Check a PubMed Central id; the value is ``PMC`` and digits."""
    bare = re.sub(
        r"^(https?://)?((www|pmc)\.)?ncbi\.nlm\.nih\.gov/(pmc/)?articles/|^(pmcid|pmc\s+id)\s*[:=]?\s*|^pmc\s*:\s*",
        "",
        text.strip(),
        flags=re.IGNORECASE,
    ).rstrip("/")
    match = re.fullmatch(r"PMC\s*([1-9][0-9]{0,8})(\.[0-9]+)?", bare, flags=re.IGNORECASE)
    if match is None:
        return Identifier(Scheme.PMC, text, problem="a PubMed Central id looks like PMC7274788")
    value = f"PMC{match.group(1)}"
    return Identifier(Scheme.PMC, text, value, f"https://pmc.ncbi.nlm.nih.gov/articles/{value}/")


def check_taxon(text: str) -> Identifier:
    """Check the form of an NCBI taxon; the value is ``NCBITaxon:`` and digits."""
    match = re.fullmatch(
        r"(?:https?://purl\.obolibrary\.org/obo/)?(?:obo:)?(?:ncbi\s*)?:?\s*(?:taxon(?:omy)?|txid|taxid)?"
        r"(?:\s*id)?\s*[:_=]?\s*([1-9][0-9]{0,8})",
        text.strip(),
        flags=re.IGNORECASE,
    ) or re.fullmatch(
        r"https?://www\.ncbi\.nlm\.nih\.gov/(?:datasets/)?taxonomy/\S*?([1-9][0-9]{0,8})/?",
        text.strip(),
        flags=re.IGNORECASE,
    )
    if match is None:
        return Identifier(
            Scheme.TAXON, text, problem="an NCBI taxon is a number, as NCBITaxon:9606 for Homo sapiens"
        )
    number = match.group(1)
    return Identifier(
        Scheme.TAXON, text, f"NCBITaxon:{number}", f"http://purl.obolibrary.org/obo/NCBITaxon_{number}"
    )


def check_fbbi(text: str) -> Identifier:
    """Check the form of an id of the ontology of imaging methods; the value is ``FBbi:`` and eight digits."""
    match = re.fullmatch(
        r"(?:https?://purl\.obolibrary\.org/obo/)?(?:obo:)?fbbi\s*[:_]\s*([0-9]{8})",
        text.strip(),
        flags=re.IGNORECASE,
    )
    if match is None:
        return Identifier(
            Scheme.FBBI, text, problem="an FBbi id has eight digits, as FBbi:00000251 for confocal microscopy"
        )
    number = match.group(1)
    return Identifier(Scheme.FBBI, text, f"FBbi:{number}", f"http://purl.obolibrary.org/obo/FBbi_{number}")


def identify(text: str) -> Identifier | None:
    """Return the valid identifier that ``text`` is, or None; a bare number says too little and is none.

    Examples
    --------
    >>> identify("PMC7274788").scheme
    <Scheme.PMC: 'PMC'>
    >>> identify("0000-0002-1825-0097").value
    'https://orcid.org/0000-0002-1825-0097'
    """
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
        return None
    for check in (check_orcid, check_doi, check_pmc, check_pubmed, check_fbbi, check_ror, check_taxon):
        found = check(text)
        if found.ok:
            return found
    return None
