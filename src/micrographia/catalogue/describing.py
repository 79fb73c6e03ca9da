"""What a catalogue takes from a dataset folder or an imported record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from micrographia.catalogue.entry import SPACE, Entry, ImageEntry, Passed, SetEntry
from micrographia.checks import FileFacts, Needs, State, check_facts, gather
from micrographia.checks.headers import gather_headers
from micrographia.dataset import Dataset, FileRow
from micrographia.dataset.identity import dataset_files_sha256
from micrographia.dataset.origin import Origin
from micrographia.loading.roles import WHOLE, role_of, stated_roles
from micrographia.loading.roles_vocabulary import COLOUR, plain
from micrographia.metadata import (
    AnnotationSet,
    Licence,
    Mifa,
    find_method,
    find_organism,
    normalise_licence,
    parse_moment,
)
from micrographia.metadata.units import micrometers

_ARCHIVES = {
    r"S-(BIAD|BSST)[0-9]+": "BioImage Archive",
    r"S-[A-Z]+[0-9]*": "BioStudies",
    r"EMPIAR-[0-9]+": "EMPIAR",
    r"idr[0-9]+": "Image Data Resource",
}
_HOSTS = {
    "zenodo": "Zenodo",
    "huggingface.co": "Hugging Face",
    "figshare": "figshare",
    "osf.io": "OSF",
    "ebi.ac.uk": "BioImage Archive",
}
_TABLES = "annotations"


def entry_of(
    dataset: Dataset,
    *,
    origin: Origin | None = None,
    place: str = "",
    kind: str = "folder",
    headers: bool = True,
    workers: int | None = 1,
) -> tuple[Entry, list[ImageEntry]]:
    """Return what a catalogue knows of a dataset and of its images.

    Parameters
    ----------
    dataset
        A dataset folder, or what was imported, as :meth:`~micrographia.exchange.Submission.dataset` returns it.
    origin
        Where it was imported from.
    place
        Path or address that it was read from.
    kind
        ``folder``, ``record`` or ``address``.
    headers
        Read the headers of the images: sizes, types, voxel sizes, channels. Only of files that are there.
    workers
        How many headers are read at a time; None for one a processor.

    Raises
    ------
    MicrographiaError
        If the rows of its file list cannot be read.
    """
    mifa, origin = dataset.mifa, origin or Origin()
    found = gather_headers(dataset, workers=workers) if headers and kind == "folder" else {}
    images = _images(dataset, found)
    sets = tuple(_set(one) for one in mifa.annotations)
    licence, known = _licences(mifa)
    scores, lacks = _judged(dataset)
    stated = stated_roles(mifa)
    channels = _channels(dataset, found, stated)
    sizes = [row.size for row in dataset.rows if row.size >= 0]
    version = mifa.versions[-1] if mifa.versions else None
    accession = mifa.study.accession or ""
    splits = {split for image in images if (split := image.split)}
    entry = Entry(
        id=accession or dataset.path.resolve().name,
        place=place,
        kind=kind,
        source=_source(accession, mifa, place, kind),
        form=origin.format,
        title=mifa.study.title or "",
        description=mifa.study.description or "",
        keywords=tuple(dict.fromkeys(mifa.study.keywords)),
        authors=tuple(dict.fromkeys(author.name for author in mifa.study.authors if author.name)),
        organisms=_organisms(mifa),
        entities=_unique(sample.biological_entity for sample in mifa.biosamples),
        methods=_methods(mifa),
        types=_types(dataset, sets),
        sets=sets,
        licence=licence,
        licences=_unique(one.label if one else text for text, one in known),
        commercial=_all(known, "commercial"),
        derivatives=_all(known, "derivatives"),
        share_alike=_any(known, "share_alike"),
        images=len(images) or None,
        objects=_objects(dataset) if kind == "folder" else None,
        size=sum(sizes) if sizes else None,
        dims=tuple(sorted({_dims(image) for image in images if image.shape})),
        axes=tuple(sorted({"".join(image.shape).upper() for image in images if image.shape})),
        dtypes=tuple(sorted({image.dtype for image in images if image.dtype})),
        voxel=_voxels(mifa, images),
        sides=_sides(images),
        channels=tuple(channels),
        roles=tuple(sorted({*channels.values(), *stated.values()} - {""})),
        splits=tuple(sorted(splits)),
        groups=dataset.groups,
        accession=accession,
        doi=mifa.study.doi or "",
        version=(version.version or "") if version else "",
        date=_date(mifa),
        content_sha256=(version.content_sha256 or "") if version else "",
        files_sha256=dataset_files_sha256(dataset) if any(row.sha256 for row in dataset.rows) else "",
        files_at=origin.files,
        links=_unique(link.link_url for link in mifa.study.links),
        models=tuple(dict.fromkeys(mifa.study.ai_models_trained)),
        publications=_unique(
            paper.publication_doi or paper.publication_title for paper in mifa.study.publications
        ),
        citation=_citation(mifa, accession),
        scores=scores,
        lacks=lacks,
        problems=_problems(found.values()),
    )
    return entry, images


def _unique(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _organisms(mifa: Mifa) -> tuple[str, ...]:
    found = []
    for sample in mifa.biosamples:
        said = sample.organism
        names = (said.scientific_name, said.ncbi_taxon, said.common_name) if said is not None else ()
        term = next((term for name in names if name and (term := find_organism(name))), None)
        found.append(term.scientific_name if term else next((name for name in names if name), None))
    return _unique(found)


def _methods(mifa: Mifa) -> tuple[str, ...]:
    found = []
    for acquisition in mifa.image_acquisitions:
        said = acquisition.imaging_method
        names = (said.ontology_id, said.value) if said is not None else ()
        term = next((term for name in names if name and (term := find_method(name))), None)
        found.append(term.name if term else next((name for name in reversed(names) if name), None))
    return _unique(found)


def _types(dataset: Dataset, sets: tuple[SetEntry, ...]) -> tuple[str, ...]:
    listed = (row.type for row in dataset.rows if row.role == "annotation")
    return _unique([*(kind for one in sets for kind in one.types), *listed])


def _set(said: AnnotationSet) -> SetEntry:
    known = normalise_licence(said.license) if said.license else None
    coverage = said.annotation_coverage
    counted = (
        f"{coverage.annotated:g} of {coverage.total:g} {coverage.unit or ''}".strip()
        if coverage is not None and coverage.annotated is not None and coverage.total is not None
        else ""
    )
    return SetEntry(
        name=said.name or "",
        overview=said.annotation_overview or "",
        types=_unique(said.annotation_type),
        method=said.annotation_method or "",
        target=(said.target.object or "") if said.target is not None else "",
        classes=_unique(one.name for one in said.classes),
        licence=known.label if known else said.license or "",
        coverage=counted or ((coverage.description or "") if coverage is not None else ""),
    )


def _licences(mifa: Mifa) -> tuple[str, list[tuple[str, Licence | None]]]:
    """Return the study's licence as it is shown, and text and licence of study and sets."""
    text = mifa.study.license or ""
    known = normalise_licence(text) if text else None
    held = [(text, known)]
    held += [(one.license, normalise_licence(one.license)) for one in mifa.annotations if one.license]
    return known.label if known else text, held


def _all(known: list[tuple[str, Licence | None]], permission: str) -> bool | None:
    if any(one is None for _, one in known):
        return None
    return all(getattr(one, permission) for _, one in known)


def _any(known: list[tuple[str, Licence | None]], duty: str) -> bool | None:
    if any(one is None for _, one in known):
        return None
    return any(getattr(one, duty) for _, one in known)


def _judged(dataset: Dataset) -> tuple[dict[str, Passed], tuple[str, ...]]:
    report = check_facts(gather(dataset, needs=Needs.METADATA))
    scores = {
        str(score.letter): Passed(score.passed, score.applicable - len(score.skipped), len(score.skipped))
        for score in report.scores
    }
    lacks = tuple(outcome.code for outcome in report.outcomes if outcome.state is State.FAILED)
    return scores, lacks


def _images(dataset: Dataset, headers: Mapping[tuple[str, str], FileFacts]) -> list[ImageEntry]:
    decided = _decided(dataset.mifa)
    found = []
    for name in dataset.image_ids:
        rows = dataset.image_rows(name)
        facts = headers.get((rows[0].path, rows[0].member))
        read = facts is not None and not facts.problem
        shape = _shape(rows, facts) if facts is not None and read else {}
        own = _scale(facts) if facts is not None and read else {}
        sizes = [row.size for row in rows]
        found.append(
            ImageEntry(
                image=name,
                path=rows[0].path,
                split=rows[0].split,
                size=sum(sizes) if min(sizes) >= 0 else -1,
                dtype=facts.dtype if facts is not None and read else "",
                shape=shape,
                voxel={axis: size for axis, size in (own | decided).items() if not shape or axis in shape},
                groups={key: value for key, value in rows[0].groups.items() if value},
                channels=tuple(row.channel for row in rows if row.channel)
                or (facts.channels if facts is not None and read else ()),
            )
        )
    return found


def _shape(rows: list[FileRow], facts: FileFacts) -> dict[str, int]:
    shape = {axis.lower(): size for axis, size in zip(facts.axes, facts.shape, strict=True)}
    if len(rows) > 1:
        shape["c"] = len(rows)
    return {axis: shape[axis] for axis in "tczyx" if axis in shape}


def _scale(facts: FileFacts) -> dict[str, float]:
    sizes = {axis: micrometers(facts.scale.get(axis), facts.units.get(axis)) for axis in SPACE}
    return {axis: size for axis, size in sizes.items() if size}


def _decided(mifa: Mifa) -> dict[str, float]:
    said = mifa.voxel_size
    if said is None:
        return {}
    sizes = {axis: micrometers(getattr(said, axis), said.unit) for axis in SPACE}
    return {axis: size for axis, size in sizes.items() if size}


def _voxels(mifa: Mifa, images: list[ImageEntry]) -> dict[str, tuple[float, float]]:
    found = {}
    for axis in SPACE:
        sizes = [image.voxel[axis] for image in images if axis in image.voxel]
        if not images and (said := _decided(mifa).get(axis)):
            sizes = [said]
        if sizes:
            found[axis] = (min(sizes), max(sizes))
    return found


def _sides(images: list[ImageEntry]) -> tuple[int, ...]:
    sides = [image.shape[axis] for image in images for axis in "yx" if axis in image.shape]
    return (min(sides), max(sides)) if sides else ()


def _dims(image: ImageEntry) -> str:
    space = "3D" if image.shape.get("z", 1) > 1 else "2D"
    return f"{space} in time" if image.shape.get("t", 1) > 1 else space


def _channels(
    dataset: Dataset, headers: Mapping[tuple[str, str], FileFacts], said: Mapping[str, str]
) -> dict[str, str]:
    """Return the channels by name (empty for an unnamed one), each with its role or an empty text."""
    found: dict[str, str] = {}
    for row in dataset.rows:
        if row.role != "image":
            continue
        facts = headers.get((row.path, row.member))
        if row.channel:
            names: tuple[str, ...] = (row.channel,)
        elif facts is None or facts.problem:
            continue
        elif facts.rgb:
            found[COLOUR] = said.get(WHOLE) or said.get(COLOUR) or COLOUR
            continue
        else:
            names = facts.channels or ("",) * facts.size("C")
        for name in names:
            alone = said.get(WHOLE, "") if len(names) == 1 and not name else ""
            found[name] = said.get(plain(name)) or alone or role_of(name) or ""
    return {name: role for name, role in found.items() if name or role}


def _objects(dataset: Dataset) -> int | None:
    """Return the objects that tables of a converted dataset list; the largest table, as kinds share objects."""
    import pyarrow as pa
    from pyarrow import parquet

    counts = []
    for path in sorted((dataset.path / _TABLES).glob("*.parquet")):
        try:
            counts.append(parquet.read_metadata(path).num_rows)
        except (OSError, pa.ArrowException):
            continue  # a damaged table is a finding of check; here the number stays unknown
    return max(counts, default=None)


def _date(mifa: Mifa) -> str:
    said = [mifa.study.release_date, *(version.timestamp for version in reversed(mifa.versions))]
    return next((moment.value for text in said if text and (moment := parse_moment(text)).ok), "")


def _source(accession: str, mifa: Mifa, place: str, kind: str) -> str:
    for pattern, name in _ARCHIVES.items():
        if re.fullmatch(pattern, accession):
            return name
    for text in (place if kind == "address" else "", mifa.study.doi or ""):
        for host, name in _HOSTS.items():
            if host in text.lower():
                return name
    return kind


def _citation(mifa: Mifa, accession: str) -> str:
    """Return the dataset as it is cited: authors, year, title, where it is kept."""
    study = mifa.study
    names = [author.name for author in study.authors if author.name]
    who = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    year = f" ({_date(mifa)[:4]})" if _date(mifa) else ""
    version = mifa.versions[-1].version if mifa.versions else None
    title = (study.title or "").rstrip(".") + (f", version {version}" if version and study.title else "")
    parts = [f"{who}{year}".strip(), title, accession, study.doi or ""]
    return ". ".join(part for part in parts if part)


def _problems(headers: Iterable[FileFacts]) -> tuple[str, ...]:
    broken = [facts for facts in headers if facts.problem]
    if not broken:
        return ()
    more = f", and {len(broken) - 1:,} more like it" if len(broken) > 1 else ""
    return (f"{broken[0].name} {broken[0].problem}{more}",)
