"""The metadata in front of a dataset card, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from micrographia.dataset.opening import MASK_TYPE
from micrographia.exchange.croissant.listing import Listing, is_table
from micrographia.exchange.croissant.rai import records, said
from micrographia.exchange.croissant.terms import formats_of, texts
from micrographia.metadata import normalise_licence
from micrographia.metadata.taking import Plain

_LICENCES = frozenset(
    "apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc0-1.0 cc-by-2.0 "
    "cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 "
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 isc lppl-1.3c "
    "ms-pl mpl-2.0 osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib".split()
)
"""Identifiers of the Hub that are SPDX identifiers in lower case."""
_RENAMED = {
    "AGPL-3.0-only": "agpl-3.0",
    "GPL-2.0-only": "gpl-2.0",
    "GPL-3.0-only": "gpl-3.0",
    "LGPL-2.1-only": "lgpl-2.1",
    "LGPL-3.0-only": "lgpl-3.0",
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
}
_TASKS = {
    MASK_TYPE: "image-segmentation",
    "bounding_boxes": "object-detection",
    "geometrical_annotations": "object-detection",
    "point_annotations": "keypoint-detection",
    "class_labels": "image-classification",
}
_MASKS = {"instance": "instance-segmentation", "semantic": "semantic-segmentation"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MAKERS = (
    ("expert-generated", r"\b(expert|biologist|pathologist|radiologist|microscopist|scientist)s?\b"),
    ("crowdsourced", r"\b(crowd(-| )?sourc\w+|citizen scien\w+|volunteers?)\b"),
    (
        "machine-generated",
        r"\b(predict\w*|model|neural network|machine(-| )learning|automatic\w*|simulat\w+)\b",
    ),
)
LISTED = 2000
"""Pictures above which a configuration does not list them one by one."""


def front_matter(plain: Plain, listing: Listing) -> Plain:
    """Return the metadata of a card.

    Parameters
    ----------
    plain
        The description; values of a wrong type are passed over.
    listing
        The files.
    """
    held = plain.get("study")
    study: Plain = held if isinstance(held, dict) else {}
    sets = records(plain, "annotations")
    kinds = [kind for one in sets for kind in texts(one.get("annotation_type"))]
    masks = [said(one, "mask_kind") for one in sets]
    front = {
        "pretty_name": study.get("title") if isinstance(study.get("title"), str) else "",
        **licence_terms(said(study, "license")),
        "tags": [word for word in texts(study.get("keywords")) if word.strip()],
        "task_categories": _known(kinds, _TASKS),
        "task_ids": _known(masks, _MASKS),
        "annotations_creators": makers(sets) if sets else ["no-annotation"],
        "size_categories": _sizes(listing),
        "configs": [] if listing.base else _configs(listing),
    }
    return {name: value for name, value in front.items() if value}


def _known(words: Iterable[str], names: dict[str, str]) -> list[str]:
    return list(dict.fromkeys(names[word] for word in words if word in names))


def makers(sets: list[Plain]) -> list[str]:
    """Return how annotations were made, in the words of the Hub, as far as the words of their method say so."""
    told = " ".join(" ".join([said(one, "annotation_method"), *texts(one.get("annotators"))]) for one in sets)
    return [name for name, pattern in _MAKERS if re.search(pattern, told, re.IGNORECASE)]


def licence_terms(written: str) -> Plain:
    """Return the licence as the Hub names it; one that it does not list is ``other``, with name and address."""
    if not written:
        return {}
    licence = normalise_licence(written)
    spdx = licence.spdx if licence else None
    if spdx and (spdx.lower() in _LICENCES or spdx in _RENAMED):
        return {"license": _RENAMED.get(spdx, spdx.lower())}
    named = {"license": "other", "license_name": spdx or written}
    return named | ({"license_link": licence.url} if licence and licence.url else {})


def read_licence(front: Plain) -> str:
    """Return the licence of a card; empty if it names none."""
    written = front.get("license")
    first = written[0] if isinstance(written, list) and len(written) == 1 else written
    if not isinstance(first, str):
        return ""
    if first == "other":
        return said(front, "license_name")
    back = {name: spdx for spdx, name in _RENAMED.items()}
    return back.get(first, first)


def _sizes(listing: Listing) -> list[str]:
    count = len({row["image"] for row in listing.rows if row.get("role") == "image" and row.get("image")})
    if not count:
        return []
    return [next((name for limit, name in _SIZES if count < limit), "1M<n<10M")]


def _configs(listing: Listing) -> list[Plain]:
    configs = []
    pictures = _pictures(listing)
    if pictures:
        files = [{"split": name, "path": paths} for name, paths in pictures.items()]
        configs.append({"config_name": "images", "data_files": files, "drop_labels": True})
    names = {"images"} if pictures else set()
    for path, row in listing.firsts.items():
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(path).stem).strip("-")
        if is_table(row) and name and name not in names:
            names.add(name)
            configs.append({"config_name": name, "data_files": [{"split": "full", "path": _literal(path)}]})
    return configs


def _pictures(listing: Listing) -> dict[str, list[str]]:
    """Return the pictures that the library ``datasets`` decodes, by split; nothing if some images are no such files."""
    found: dict[str, list[str]] = {}
    for row in listing.rows:
        if row.get("role") != "image":
            continue
        path = str(row.get("Files", ""))
        if row.get("member") or formats_of(path)[0] not in ("image/png", "image/jpeg", "image/tiff"):
            return {}
        split = re.sub(r"\W+", "_", str(row.get("split", ""))).strip("_") or "full"
        found.setdefault("full_" if split == "all" else split, []).append(_literal(path))
    return found if sum(map(len, found.values())) <= LISTED else {}


def _literal(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)


def read_front(front: Plain) -> tuple[Plain, set[str]]:
    """Return the fields of a study that the metadata of a card give, and the entries that were read whole."""
    study: Plain = {}
    whole: set[str] = set()
    if isinstance(front.get("pretty_name"), str):
        study["title"] = front["pretty_name"]
        whole.add("pretty_name")
    if licence := read_licence(front):
        study["license"] = licence
        whole |= {"license", "license_name"} if front.get("license") == "other" else {"license"}
    tags: Any = front.get("tags")
    tags = [tags] if isinstance(tags, str) else tags
    if isinstance(tags, list):
        study["keywords"] = [str(word) for word in tags if isinstance(word, str | int | float)]
        whole |= {"tags"} if len(study["keywords"]) == len(tags) else set()
    return study, whole
