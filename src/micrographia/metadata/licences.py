"""Licences: any usual wording or address, read to an SPDX identifier; what is not known is never taken for another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from micrographia.metadata.licence_list import CC_PORTS, CC_VERSIONS, FAMILIES, LICENCES, Entry
from micrographia.metadata.remembering import remembered


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence, and what it lets people do.

    Parameters
    ----------
    spdx
        SPDX identifier; None if the wording leaves open which version it is.
    name
        Full name.
    version
        Version; None if the wording states none where there are several.
    url
        Address of its text; empty without a version.
    commercial, derivatives
        Whether commercial use, and sharing of adapted material, are allowed.
    share_alike
        Whether adapted material must carry the same licence.
    attribution
        Whether credit must be given.
    """

    spdx: str | None
    name: str
    version: str | None
    url: str
    commercial: bool = True
    derivatives: bool = True
    share_alike: bool = False
    attribution: bool = True

    @property
    def label(self) -> str:
        """The SPDX identifier, or the name where the version is open."""
        return self.spdx or self.name


@remembered
def normalise_licence(text: str) -> Licence | None:
    """Return the licence that a wording or an address names, or None if it names none that is known.

    A text with more in it than the name of one licence ("CC BY for the images, CC BY-NC for the masks") is not
    understood, on purpose.

    Parameters
    ----------
    text
        SPDX identifier, usual name in any spelling, address of the licence, or several of these that agree.

    Examples
    --------
    >>> normalise_licence("Creative Commons Attribution 4.0 International (CC BY 4.0)").spdx
    'CC-BY-4.0'
    >>> normalise_licence("CC_BY").version is None
    True
    >>> normalise_licence("free for academic use") is None
    True
    """
    if len(text) > 500:
        return None
    addresses = re.findall(
        r"(?:https?://|www\.|(?<!\S)(?:creativecommons|opensource)\.org/)[^\s<>()\[\]\"']+", text
    )
    rest = text
    for address in addresses:
        rest = rest.replace(address, " ")
    parts = [part for part in re.split(r"[()\[\]|]", re.sub(r"<\s*>", " ", rest)) if _squash(part)]
    if len(parts) > 1:
        whole = _by_words(" ".join(parts))
        found = [whole] if whole else [_by_words(part) for part in parts]
    else:
        found = [_by_words(part) for part in parts]
    found += [_by_address(address) for address in addresses]
    return _agreed(found)


def licence_by_spdx(spdx: str) -> Licence | None:
    """Return the licence with this SPDX identifier in any case, or None if this package does not know it."""
    return _by_spdx().get(spdx.strip().lower())


def known_licences() -> list[Licence]:
    """Return every licence that this package knows, sorted by SPDX identifier."""
    return sorted(_by_spdx().values(), key=lambda licence: licence.label)


def _agreed(found: list[Licence | None]) -> Licence | None:
    if not found or None in found:
        return None
    known = [licence for licence in found if licence is not None]
    exact = {licence.spdx for licence in known if licence.spdx}
    if len(exact) > 1:
        return None
    chosen = next((licence for licence in known if licence.spdx), known[0])
    family = _family(chosen)
    return chosen if all(_family(licence) == family for licence in known) else None


def _family(licence: Licence) -> str:
    return re.sub(r"[\s-]+v?[0-9.]+.*$", "", licence.label).replace(" ", "-").lower()


@cache
def _by_spdx() -> dict[str, Licence]:
    known = [_from_entry(entry) for entry in LICENCES]
    for terms, versions in CC_VERSIONS.items():
        known += [_creative_commons(terms, version) for version in versions]
    for terms, version, port in CC_PORTS:
        known.append(_creative_commons(terms, version, port))
    return {licence.spdx.lower(): licence for licence in known if licence.spdx}


def _from_entry(entry: Entry) -> Licence:
    version = re.search(r"-([0-9]+(?:\.[0-9]+)+)", entry.spdx)
    return Licence(
        entry.spdx,
        entry.name,
        version.group(1) if version else None,
        entry.url,
        share_alike="s" in entry.terms,
        attribution="f" not in entry.terms,
    )


_CC_WORDS = {"by": "Attribution", "nc": "NonCommercial", "nd": "NoDerivatives", "sa": "ShareAlike"}


def _creative_commons(terms: str, version: str | None, port: str = "") -> Licence:
    words = terms.split("-")
    name = "Creative Commons " + "-".join(_CC_WORDS[word] for word in words)
    label = f"CC-{terms.upper()}"
    folder = "by-nd-nc" if (terms, version) == ("by-nc-nd", "1.0") else terms
    return Licence(
        f"{label}-{version}{'-' + port.upper() if port else ''}" if version else None,
        f"{name} {version}{' ' + port.upper() if port else ''}" if version else label.replace("CC-", "CC "),
        version,
        f"https://creativecommons.org/licenses/{folder}/{version}/{port + '/' if port else ''}"
        if version
        else "",
        commercial="nc" not in words,
        derivatives="nd" not in words,
        share_alike="sa" in words,
    )


def _squash(text: str) -> str:
    at_least = re.sub(r"(>=|≥)\s*(v?[0-9.]+)", r"\2+", text.lower())
    return re.sub(r"[\s_,;:()\[\]/\"'`´’“”‐‑‒–—-]+", "", at_least).strip(".")


_FILLERS = re.compile(
    r"\b(the|a|an|this|work|data|dataset|is|are|was|licen[sc]ed?|licen[sc]es|under|terms|of|and|version|ver|v|public"
    r"|international|unported|generic|deed|legal|code|legalcode|universal|dedication|available|released|see|only)\b",
    re.IGNORECASE,
)
_CC_PHRASES = (
    (r"creative\s*commons?", "cc"),
    (r"attribution", "by"),
    (r"non\s*commercial(\s*use)?", "nc"),
    (r"no\s*deriv(ative)?(s|\s+works)?", "nd"),
    (r"share\s*alike", "sa"),
    (r"\bzero\b", "0"),
)


def _by_words(text: str) -> Licence | None:
    squashed = _squash(text)
    for key in (text.strip().lower(), re.sub(r"[\s_]+", "-", text.strip().lower())):
        if key in _by_spdx():
            return _by_spdx()[key]
    named = _names().get(squashed) or _names().get(_squash(_FILLERS.sub(" ", text)))
    if named:
        return named
    words = re.sub(r"[\s_,;:/‐‑‒–—-]+", " ", text)
    for pattern, short in _CC_PHRASES:
        words = re.sub(pattern, f" {short} ", words, flags=re.IGNORECASE)
    words = re.sub(r"\bv(?=[0-9])", " ", words, flags=re.IGNORECASE)
    compact = re.sub(r"\s+", "", _FILLERS.sub(" ", words)).lower().strip(".")
    titled = re.match(r"attribution", text.strip(), flags=re.IGNORECASE) and re.search(r"[0-9]", compact)
    return _cc_words(f"cc{compact}" if titled else compact)


def _cc_words(compact: str) -> Licence | None:
    if re.fullmatch(r"(cc)+0+(v?1(\.0)?)?(cc0)?(1(\.0)?)?", compact):
        return _by_spdx()["cc0-1.0"]
    match = re.fullmatch(r"cc((?:by|nc|nd|sa)+)v?([0-9](?:\.[0-9])?)?([a-z]{2,3})?", compact)
    if match is None:
        return None
    terms = re.findall("..", match.group(1))
    version = match.group(2)
    version = f"{version}.0" if version and "." not in version else version
    return _ported(terms, version, match.group(3)) if match.group(3) else _cc_terms(terms, version)


def _ported(terms: list[str], version: str | None, port: str) -> Licence | None:
    canonical = "-".join(term for term in ("by", "nc", "nd", "sa") if term in terms)
    return licence_by_spdx(f"cc-{canonical}-{version}-{port}")


def _cc_terms(terms: list[str], version: str | None) -> Licence | None:
    canonical = "-".join(term for term in ("by", "nc", "nd", "sa") if term in terms)
    if len(set(terms)) != len(terms) or canonical not in CC_VERSIONS:
        return None
    if version is not None and version not in CC_VERSIONS[canonical]:
        return None
    return _creative_commons(canonical, version)


@cache
def _names() -> dict[str, Licence]:
    names: dict[str, Licence] = {}
    for entry in LICENCES:
        licence = _from_entry(entry)
        for name in (entry.spdx, entry.name, *entry.names):
            names[_squash(name)] = licence
            names[_squash(_FILLERS.sub(" ", name))] = licence
    for family, name, terms in FAMILIES:
        licence = Licence(None, name, None, "", share_alike="s" in terms, attribution="f" not in terms)
        names[family] = licence
        names[_squash(_FILLERS.sub(" ", name))] = licence
    return {squashed: licence for squashed, licence in names.items() if squashed}


def _by_address(address: str) -> Licence | None:
    bare = re.sub(r"^(https?://)?(www\.)?", "", address.strip(), flags=re.IGNORECASE).rstrip("/.,;").lower()
    for tail in ("/legalcode", "/deed", ".html", ".txt", ".json", "/summary", ".php", ".md"):
        bare = re.sub(rf"{re.escape(tail)}(\.[a-z_-]{{2,5}})?$", "", bare).rstrip("/")
    commons = re.fullmatch(
        r"creativecommons\.org/licenses/([a-z]{2}(?:-[a-z]{2})*)(?:/([0-9]\.[0-9])(?:/([a-z]{2,4}))?)?", bare
    )
    if commons:
        terms, version, port = commons.groups()
        if port:
            return _ported(terms.split("-"), version, port)
        return _cc_terms(terms.split("-"), version)
    if re.fullmatch(r"creativecommons\.org/publicdomain/zero(/1\.0)?", bare):
        return _by_spdx()["cc0-1.0"]
    if re.fullmatch(r"creativecommons\.org/publicdomain/mark(/1\.0)?", bare):
        return _by_spdx()["cc-pdm-1.0"]
    listed = re.fullmatch(
        r"(?:spdx\.org|opensource\.org|choosealicense\.com)/licen[sc]es?/([a-z0-9.+-]+)", bare
    )
    named = listed and (_by_spdx().get(listed.group(1)) or _names().get(_squash(listed.group(1))))
    if named:
        return named
    gnu = re.fullmatch(
        r"gnu\.org/(?:old-)?licenses/(?:old-licenses/)?([al]?gpl|fdl)-([0-9]\.[0-9])(?:\.[a-z]{2})?", bare
    )
    if gnu:
        return licence_by_spdx(f"{gnu.group(1).replace('fdl', 'gfdl')}-{gnu.group(2)}-only")
    for entry in LICENCES:
        known = (
            re.sub(r"^https?://(www\.)?", "", url).rstrip("/").lower() for url in (entry.url, *entry.urls)
        )
        if bare in {re.sub(r"\.(html|txt|php|md)$", "", url) for url in known}:
            return _from_entry(entry)
    return None
