"""Licences: every usual wording, and never another licence than the one that was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.metadata import Licence, known_licences, licence_by_spdx, normalise_licence

WORDINGS = {
    "CC0-1.0": [
        "CC0", "cc0 1.0", "CC-0", "CC Zero", "CC0 1.0 Universal", "Creative Commons Zero v1.0 Universal",
        "https://creativecommons.org/publicdomain/zero/1.0/", "creativecommons.org/publicdomain/zero/1.0/legalcode",
    ],
    "CC-BY-4.0": [
        "CC BY 4.0", "CC-BY 4.0", "cc_by_4.0", "CCBY4", "cc by v4", "CC BY 4.0 International", "CC-BY-4.0",
        "Creative Commons Attribution 4.0 International (CC BY 4.0)", "Attribution 4.0 International",
        "This work is licensed under a Creative Commons Attribution 4.0 International License.",
        "https://creativecommons.org/licenses/by/4.0/", "http://creativecommons.org/licenses/by/4.0/deed.en",
        "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)", "<https://creativecommons.org/licenses/by/4.0>",
        "CC-BY (https://creativecommons.org/licenses/by/4.0/)", "https://spdx.org/licenses/CC-BY-4.0.html",
    ],
    "CC-BY-3.0": ["CC BY 3.0", "Creative Commons Attribution 3.0 Unported"],
    "CC-BY-3.0-US": ["CC-BY-3.0-US", "https://creativecommons.org/licenses/by/3.0/us/"],
    "CC-BY-NC-SA-4.0": [
        "CC BY-NC-SA 4.0", "CC BY NC SA 4.0",
        "Attribution-NonCommercial-ShareAlike 4.0 International (CC BY-NC-SA 4.0)",
        "Creative Commons Attribution Non-Commercial Share Alike 4.0",
    ],
    "CC-BY-NC-ND-4.0": ["CC-BY-NC-ND-4.0", "http://creativecommons.org/licenses/by-nc-nd/4.0/legalcode"],
    "CC-BY-NC-ND-1.0": ["https://creativecommons.org/licenses/by-nd-nc/1.0/"],
    "CC-BY-SA-4.0": ["cc by-sa v4", "CC-BY-SA 4.0 International"],
    "MIT": ["mit", "MIT License", "The MIT License (MIT)", "https://opensource.org/licenses/MIT", "Expat"],
    "BSD-3-Clause": ["BSD 3-Clause", "BSD-3", "3-clause BSD License", "New BSD License", "Modified BSD"],
    "BSD-2-Clause": ["Simplified BSD", "BSD 2-clause"],
    "Apache-2.0": ["Apache 2.0", "Apache License, Version 2.0", "https://www.apache.org/licenses/LICENSE-2.0.txt"],
    "GPL-3.0-only": ["GPLv3", "GPL-3.0", "GPL 3", "https://www.gnu.org/licenses/gpl-3.0.en.html", "GPL-3.0-only"],
    "GPL-2.0-or-later": ["GPL (>= 2)", "GPL >= 2", "GPLv2+", "GPL-2.0+", "GPL v2 or later", "GPL-2.0-or-later"],
    "LGPL-2.1-only": ["LGPL 2.1", "LGPLv2.1"],
    "AGPL-3.0-only": ["AGPLv3"],
    "ODbL-1.0": ["ODbL", "Open Database License", "https://opendatacommons.org/licenses/odbl/1-0/"],
    "PDDL-1.0": ["PDDL", "https://opendatacommons.org/licenses/pddl/"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "spdx"), [(text, spdx) for spdx, texts in WORDINGS.items() for text in texts]
)
def test_wordings_are_recognised(text: str, spdx: str) -> None:
    licence = normalise_licence(text)
    assert licence is not None
    assert licence.spdx == spdx
    assert licence.url.startswith("http")


@pytest.mark.parametrize(
    ("text", "name"),
    [("CC_BY", "CC BY"), ("CC BY", "CC BY"), ("Creative Commons Attribution", "CC BY"), ("CC BY-NC", "CC BY-NC"),
     ("GPL", "GPL"), ("BSD", "BSD"), ("Apache", "Apache")],
)  # fmt: skip
def test_an_open_version_stays_open(text: str, name: str) -> None:
    licence = normalise_licence(text)
    assert licence is not None
    assert (licence.spdx, licence.version, licence.url, licence.name) == (None, None, "", name)
    assert licence.label == name


@pytest.mark.parametrize(
    "text",
    [
        "", "all rights reserved", "free for academic use", "public domain", "CC", "CC 4.0", "CC BY 5.0",
        "CC BY-ND-SA 4.0",
        "not CC BY 4.0", "CC BY 4.0 for the images, CC BY-NC 4.0 for the masks", "CC-BY-4.0 OR MIT", "MIT以外", "!MIT",
        "GPL < 3", "GPL > 2", "CC BY (https://creativecommons.org/licenses/by-nc/4.0/)", "CC BY-BY 4.0", "by 4.0",
        "https://creativecommons.org/licenses/by/3.0/kr/", "https://example.org/licence", "MIT" * 200, "Attribution",
    ],
)  # fmt: skip
def test_what_is_not_known_is_no_licence(text: str) -> None:
    assert normalise_licence(text) is None


@pytest.mark.parametrize("licence", known_licences(), ids=lambda licence: licence.label)
def test_every_known_licence_reads_back(licence: Licence) -> None:
    assert normalise_licence(licence.label) == licence
    assert normalise_licence(licence.name) == licence
    assert licence_by_spdx(licence.label.upper()) == licence
    by_url = normalise_licence(licence.url)
    assert by_url is not None
    assert by_url == licence or licence.label == f"{by_url.label.removesuffix('-only')}-or-later"


def test_what_a_licence_lets_people_do() -> None:
    def terms(spdx: str) -> tuple[bool, bool, bool, bool]:
        licence = licence_by_spdx(spdx)
        assert licence is not None
        return licence.commercial, licence.derivatives, licence.share_alike, licence.attribution

    assert terms("CC0-1.0") == (True, True, False, False)
    assert terms("CC-BY-4.0") == (True, True, False, True)
    assert terms("CC-BY-NC-SA-4.0") == (False, True, True, True)
    assert terms("CC-BY-ND-4.0") == (True, False, False, True)
    assert terms("GPL-3.0-only") == (True, True, True, True)
    assert terms("ODbL-1.0") == (True, True, True, True)
    assert terms("PDDL-1.0") == (True, True, False, False)
    assert licence_by_spdx("CC-BY-9.0") is None


@CALM
@given(
    st.sampled_from(known_licences()), st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
)
def test_a_word_more_is_never_another_licence(licence: Licence, word: str) -> None:
    found = normalise_licence(f"{licence.label} {word}")
    same = (licence.label, licence.name, licence.commercial, licence.derivatives)
    assert (
        found is None
        or (found.commercial, found.derivatives) == same[2:]
        or word.lower() in ("nc", "nd", "sa")
    )


@CALM
@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    licence = normalise_licence(text)
    if licence is not None and licence.spdx:
        assert normalise_licence(licence.spdx) == licence
