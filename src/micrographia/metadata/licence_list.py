"""The licences that are known, as data: identifiers, names, other names and addresses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A licence outside the six of Creative Commons.

    Parameters
    ----------
    spdx, name, url
        SPDX identifier, full name and address of the text.
    terms
        ``s`` if adapted material must carry the same licence, ``f`` if no credit is asked for.
    names, urls
        Other names, in any case and punctuation, and other addresses.
    """

    spdx: str
    name: str
    url: str
    terms: str = ""
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


CC_VERSIONS: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"), ("1.0", "2.0", "2.5", "3.0", "4.0")
)
"""Terms of the Creative Commons licences to the versions that exist."""

CC_PORTS: tuple[tuple[str, str, str], ...] = tuple(
    (terms, version, port)
    for terms, version, ports in (
        ("by", "2.5", "au"),
        ("by", "3.0", "at au de igo nl us"),
        ("by-nc", "3.0", "de"),
        ("by-nc-nd", "3.0", "de igo"),
        ("by-nc-sa", "2.0", "de fr uk"),
        ("by-nc-sa", "3.0", "de igo"),
        ("by-nd", "3.0", "de"),
        ("by-sa", "2.0", "uk"),
        ("by-sa", "2.1", "jp"),
        ("by-sa", "3.0", "at de igo"),
    )
    for port in ports.split()
)
"""Versions of the Creative Commons licences made for one jurisdiction that have an SPDX identifier."""


def _gnu(spdx: str, name: str, address: str, short: str, version: str) -> tuple[Entry, Entry]:
    url = f"https://www.gnu.org/licenses/{address}"
    bare = version.removesuffix(".0")
    only = tuple(
        f"{short} {form}{tail}"
        for form in {version, bare, f"v{version}", f"v{bare}", f"version {bare}"}
        for tail in ("", " only")
    )
    later = tuple(
        form
        for number in {version, bare, f"v{version}", f"v{bare}"}
        for form in (
            f"{short} {number}+",
            f"{short} {number} or later",
            f"{short} {number} or newer",
            f"{short} >= {number}",
            f"{short} {number} or any later version",
        )
    )
    return (
        Entry(
            f"{spdx}-only",
            f"{name} v{version} only",
            url,
            "s",
            (*only, f"{name} v{version}", f"{name} {bare}"),
        ),
        Entry(f"{spdx}-or-later", f"{name} v{version} or later", url, "s", later),
    )


LICENCES: tuple[Entry, ...] = (
    Entry(
        "CC0-1.0", "Creative Commons Zero 1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/", "f",
        ("CC0", "CC 0", "CC Zero", "CCZero", "CC0 1.0 Universal", "CC0 1.0 Public Domain Dedication", "CC0 1"),
    ),
    Entry(
        "CC-PDM-1.0", "Creative Commons Public Domain Mark 1.0 Universal",
        "https://creativecommons.org/publicdomain/mark/1.0/", "f",
        ("Public Domain Mark", "Public Domain Mark 1.0", "PDM"),
    ),
    Entry(
        "MIT", "MIT License", "https://opensource.org/license/mit", "",
        ("The MIT License", "Expat", "X11 MIT", "MIT/Expat"), ("https://mit-license.org/",),
    ),
    Entry("MIT-0", "MIT No Attribution", "https://opensource.org/license/mit-0", "f"),
    Entry(
        "BSD-3-Clause", 'BSD 3-Clause "New" or "Revised" License', "https://opensource.org/license/bsd-3-clause", "",
        ("BSD 3", "BSD3", "3-clause BSD", "BSD 3 clause", "new BSD", "modified BSD", "revised BSD", "three-clause BSD"),
    ),
    Entry(
        "BSD-2-Clause", 'BSD 2-Clause "Simplified" License', "https://opensource.org/license/bsd-2-clause", "",
        ("BSD 2", "BSD2", "2-clause BSD", "BSD 2 clause", "simplified BSD", "FreeBSD", "two-clause BSD"),
    ),
    Entry("BSD-4-Clause", 'BSD 4-Clause "Original" License', "https://spdx.org/licenses/BSD-4-Clause.html", "",
          ("4-clause BSD", "original BSD", "old BSD")),
    Entry("0BSD", "BSD Zero Clause License", "https://opensource.org/license/0bsd", "f", ("zero-clause BSD",)),
    Entry(
        "Apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0", "",
        ("Apache 2", "Apache 2.0", "Apache v2", "Apache v2.0", "ASL 2.0", "Apache Software License 2.0", "Apache2"),
        ("https://opensource.org/license/apache-2-0",),
    ),
    Entry("Apache-1.1", "Apache License 1.1", "https://www.apache.org/licenses/LICENSE-1.1"),
    Entry("ISC", "ISC License", "https://opensource.org/license/isc-license-txt"),
    Entry("Zlib", "zlib License", "https://opensource.org/license/zlib"),
    Entry("Unlicense", "The Unlicense", "https://unlicense.org/", "f"),
    Entry("WTFPL", "Do What The F*ck You Want To Public License", "http://www.wtfpl.net/about/", "f"),
    Entry("BSL-1.0", "Boost Software License 1.0", "https://www.boost.org/LICENSE_1_0.txt", "", ("Boost 1.0",)),
    Entry("Artistic-2.0", "Artistic License 2.0", "https://opensource.org/license/artistic-2-0"),
    Entry("MPL-2.0", "Mozilla Public License 2.0", "https://www.mozilla.org/en-US/MPL/2.0/", "s", ("MPL 2", "MPL v2")),
    Entry("EPL-2.0", "Eclipse Public License 2.0", "https://www.eclipse.org/legal/epl-2.0/", "s", ("EPL 2",)),
    Entry("EUPL-1.2", "European Union Public Licence 1.2", "https://eupl.eu/1.2/en/", "s"),
    *_gnu("GPL-2.0", "GNU General Public License", "old-licenses/gpl-2.0.html", "GPL", "2.0"),
    *_gnu("GPL-3.0", "GNU General Public License", "gpl-3.0.html", "GPL", "3.0"),
    *_gnu("LGPL-2.1", "GNU Lesser General Public License", "old-licenses/lgpl-2.1.html", "LGPL", "2.1"),
    *_gnu("LGPL-3.0", "GNU Lesser General Public License", "lgpl-3.0.html", "LGPL", "3.0"),
    *_gnu("AGPL-3.0", "GNU Affero General Public License", "agpl-3.0.html", "AGPL", "3.0"),
    *_gnu("GFDL-1.3", "GNU Free Documentation License", "fdl-1.3.html", "GFDL", "1.3"),
    Entry(
        "PDDL-1.0", "Open Data Commons Public Domain Dedication and License 1.0",
        "https://opendatacommons.org/licenses/pddl/1-0/", "f",
        ("PDDL", "ODC PDDL", "Open Data Commons PDDL"), ("https://opendatacommons.org/licenses/pddl/",),
    ),
    Entry(
        "ODbL-1.0", "Open Data Commons Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/",
        "s",
        ("ODbL", "ODC ODbL", "Open Data Commons Open Database License", "Open Database License",
         "Open Database License 1.0"),
        ("https://opendatacommons.org/licenses/odbl/",),
    ),
    Entry(
        "ODC-By-1.0", "Open Data Commons Attribution License 1.0", "https://opendatacommons.org/licenses/by/1-0/", "",
        ("ODC-By", "Open Data Commons Attribution"), ("https://opendatacommons.org/licenses/by/",),
    ),
    Entry("CDLA-Permissive-1.0", "Community Data License Agreement Permissive 1.0", "https://cdla.dev/permissive-1-0/"),
    Entry("CDLA-Permissive-2.0", "Community Data License Agreement Permissive 2.0", "https://cdla.dev/permissive-2-0/"),
    Entry("CDLA-Sharing-1.0", "Community Data License Agreement Sharing 1.0", "https://cdla.dev/sharing-1-0/", "s"),
    Entry("O-UDA-1.0", "Open Use of Data Agreement 1.0", "https://github.com/microsoft/Open-Use-of-Data-Agreement"),
    Entry("etalab-2.0", "Etalab Open License 2.0", "https://spdx.org/licenses/etalab-2.0.html", "",
          ("Licence Ouverte 2.0",)),
    Entry("OGL-UK-3.0", "Open Government Licence 3.0",
          "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"),
    Entry("DL-DE-BY-2.0", "Data licence Germany, attribution, version 2.0", "https://www.govdata.de/dl-de/by-2-0"),
    Entry("DL-DE-ZERO-2.0", "Data licence Germany, zero, version 2.0", "https://www.govdata.de/dl-de/zero-2-0", "f"),
)  # fmt: skip
"""Licences outside the six of Creative Commons."""

FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("bsd", "BSD", ""),
    ("gpl", "GPL", "s"),
    ("gnugpl", "GPL", "s"),
    ("gnugeneralpubliclicense", "GPL", "s"),
    ("lgpl", "LGPL", "s"),
    ("agpl", "AGPL", "s"),
    ("gfdl", "GFDL", "s"),
    ("apache", "Apache", ""),
    ("mpl", "MPL", "s"),
    ("epl", "EPL", "s"),
    ("eupl", "EUPL", "s"),
)
"""Squashed wording, name and terms where the wording leaves the version open."""
