"""What a citation needs beyond single fields: the archive of an accession, the year, the newest version."""

from __future__ import annotations

import re
from typing import Any

from micrographia.exchange.citation.writing import bare_doi
from micrographia.metadata import Mifa, parse_moment

ARCHIVES: tuple[tuple[str, str, str], ...] = (
    (r"S-BIAD[0-9]+", "BioImage Archive", "https://www.ebi.ac.uk/biostudies/bioimages/studies/{}"),
    (r"S-[A-Z]+[0-9]+", "BioStudies", "https://www.ebi.ac.uk/biostudies/studies/{}"),
    (r"EMPIAR-[0-9]+", "EMPIAR", "https://www.ebi.ac.uk/empiar/{}/"),
    (r"idr[0-9]{4}[a-z]?", "Image Data Resource", "https://idr.openmicroscopy.org/search/?query=Name:{}"),
)
"""Pattern of an accession, who publishes it, and where it is shown."""

PREFIXES: tuple[tuple[str, str], ...] = (
    (r"10\.5281/zenodo\.", "Zenodo"),
    (r"10\.6084/m9\.figshare\.", "figshare"),
    (r"10\.5061/dryad\.", "Dryad"),
    (r"10\.6019/S-BIAD", "BioImage Archive"),
    (r"10\.6019/EMPIAR", "EMPIAR"),
)
"""Beginning of a DOI to who publishes what it names."""


def publisher_of(accession: Any, doi: Any) -> str:
    """Return who publishes a dataset, by its accession or its DOI; empty if neither says so."""
    for pattern, name, _ in ARCHIVES:
        if isinstance(accession, str) and re.fullmatch(pattern, accession.strip()):
            return name
    bare = bare_doi(doi)
    return next((name for pattern, name in PREFIXES if re.match(pattern, bare, re.IGNORECASE)), "")


def page_of(accession: Any) -> str:
    """Return the address at which an archive shows an accession; empty if the archive is not known."""
    if isinstance(accession, str):
        for pattern, _, address in ARCHIVES:
            if re.fullmatch(pattern, accession.strip()):
                return address.format(accession.strip())
    return ""


def day_of(text: Any, parts: int = 3) -> str:
    """Return a date as ``2023-01-17``, with fewer parts as it is known; empty if it has fewer than asked for.

    Parameters
    ----------
    text
        What was written.
    parts
        1 for the year, 2 for the month, 3 for the day.
    """
    moment = parse_moment(text) if isinstance(text, str) else None
    if moment is None or not moment.ok:
        return ""
    found = moment.value.partition("T")[0].split("-")
    return "-".join(found[:parts]) if len(found) >= parts else ""


def year_of(mifa: Mifa) -> str:
    """Return the year of publication: of the release, else of the newest version; empty if nothing says so."""
    newest = mifa.versions[-1].timestamp if mifa.versions else None
    return day_of(mifa.study.release_date, 1) or day_of(newest, 1)


def version_of(mifa: Mifa) -> str:
    """Return the number of the newest version; empty if there is none."""
    return (mifa.versions[-1].version or "") if mifa.versions else ""


def address_of(mifa: Mifa) -> str:
    """Return where a dataset is found: its DOI, else the page of its accession; empty if neither is known."""
    doi = bare_doi(mifa.study.doi)
    return f"https://doi.org/{doi}" if doi else page_of(mifa.study.accession)


def citation_text(mifa: Mifa, title: str = "") -> str:
    """Return a citation in one line, in the order that DataCite recommends.

    Parameters
    ----------
    mifa
        The description.
    title
        What to call the dataset if it has no title.

    Examples
    --------
    >>> from micrographia.metadata import from_dict
    >>> hooke = {"author_first_name": "Robert", "author_last_name": "Hooke"}
    >>> citation_text(from_dict({"study": {"title": "Cork", "release_date": "1665", "authors": [hooke]}}).mifa)
    'Hooke, Robert (1665): Cork.'
    """
    study = mifa.study
    names = [
        ", ".join(part for part in (author.author_last_name, author.author_first_name) if part)
        for author in study.authors
    ]
    who = "; ".join(name for name in names if name) or "Authors not stated"
    version, publisher = version_of(mifa), publisher_of(study.accession, study.doi)
    parts = [
        f"{who} ({year_of(mifa) or 'n.d.'}): {(study.title or title or 'Untitled dataset').rstrip('.')}",
        f"Version {version}" if version else "",
        publisher,
        "Dataset" if publisher else "",
    ]
    text = ". ".join(part for part in parts if part) + "."
    address = address_of(mifa)
    return f"{text} {address}" if address else text


def paper_names(text: str) -> list[str]:
    """Return the authors of a paper one by one where the text leaves no doubt who they are; empty if it does not.

    Commas separate names as well as parts of names. They are taken for separators where every part ends in initials
    (``Takeuchi Y, Narumi R``), or where there are three or more parts of several words each. Names with initials are
    turned round to ``Takeuchi, Y``.

    Examples
    --------
    >>> paper_names("Takeuchi Y, Narumi R.")
    ['Takeuchi, Y', 'Narumi, R']
    >>> paper_names("Hooke, Robert")
    []
    """
    whole = " ".join(text.split()).rstrip(".")
    if re.search(r"\bet al\b", whole, re.IGNORECASE):
        return []
    if ";" in whole:
        return [part.strip() for part in whole.split(";") if part.strip()]
    parts = [
        part.strip() for part in re.split(r",\s*(?:and\s|&\s)?|\s+and\s+|\s+&\s+", whole) if part.strip()
    ]
    initials = [re.fullmatch(r"(\D+?) ([A-Z](?:[.\s-]*[A-Z]){0,3}\.?)", part) for part in parts]
    if parts and all(initials):
        return [f"{found[1]}, {found[2]}" for found in initials if found is not None]
    return parts if len(parts) > 2 and all(" " in part for part in parts) else []
