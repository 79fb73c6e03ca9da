"""Rules over what annotations say they belong to: set, type, source image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.wording import counted, listed, suggest
from micrographia.dataset import FileRow
from micrographia.findings import Finding, Level, Severity


class AnnotationsNamed(Rule):
    """Every annotation file says to which set it belongs and of what type it is.

    What it does
    ------------
    Reports rows of role ``annotation`` whose ``annotation set`` or ``annotation type`` is empty.

    Why it matters
    --------------
    Without the set nobody knows how the annotation was made, without the type no program knows how to read it.

    Example
    -------
    ``masks/a1.png`` has the set ``nuclei`` and no type.

    How to fix
    ----------
    Write the name of the set as in ``mifa.yaml``, and a type of the MIFA vocabulary such as ``segmentation_mask``.

    References
    ----------
    BioImage Archive, file lists of annotations: the column ``annotation type``.
    """

    code = "L015"
    severity = Severity.ERROR
    source = Source.BIA
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with annotations."""
        return bool(facts.annotation_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for empty cells."""
        for row in facts.annotation_rows:
            missing = [
                name
                for name, cell in (("annotation set", row.set), ("annotation type", row.type))
                if not cell
            ]
            if missing:
                yield self.finding(
                    f"the annotation {row.name} has no {' and no '.join(missing)}",
                    **facts.row_at(row),
                    fix="write " + " and ".join(missing),
                    level=Level.ABSENT,
                    evidence={"file": row.name},
                )


class SourcesExist(Rule):
    """Every annotation names an image that exists.

    What it does
    ------------
    Reports annotations whose ``source image`` is empty or is no id of the column ``image``. A table that covers many
    images has an ``image`` column inside and may leave the cell empty.

    Why it matters
    --------------
    An annotation without its image is lost: this is the link that everything else hangs on.

    Example
    -------
    ``masks/a1.png`` has the source image ``a1.tif``, but the id is ``a1``.

    How to fix
    ----------
    Write the id of the image.

    References
    ----------
    MIFA: source image association; BioImage Archive, file lists of annotations: the column ``source image``.
    """

    code = "L016"
    severity = Severity.ERROR
    source = Source.MIFA
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with annotations."""
        return bool(facts.annotation_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each source among the ids."""
        ids = facts.dataset.image_ids
        known = set(ids)
        for row in facts.annotation_rows:
            if row.source in known or (not row.source and _covers_many(row)):
                continue
            near = suggest(row.source, ids) if row.source and len(ids) < 5000 else ""
            problem = (
                f"names the source image {row.source!r}, which is no image id"
                if row.source
                else "has no source image"
            )
            yield self.finding(
                f"the annotation {row.name} {problem}",
                **facts.row_at(row),
                fix=f"did you mean {near}?" if near else "write the id of its image",
                level=Level.PRESENT if row.source else Level.ABSENT,
                evidence={"file": row.name, "source": row.source},
            )


class ManyToOneSaid(Rule):
    """When an image has several files of one annotation set, the description says why.

    What it does
    ------------
    Looks for images to which one annotation set has several files that are not told apart by a layer, and asks for a
    ``source_image_association`` that explains it: a file an object, an annotator, a class, a plane?

    Why it matters
    --------------
    Read as one instance a file they give other objects than read as opinions of several annotators. Users of several
    public datasets guessed wrong.

    Example
    -------
    Three masks have the source image ``a1``: made by three people, or one for each kind of cell?

    How to fix
    ----------
    Say in ``source_image_association`` what the files of one image are; give different annotators sets of their own.

    References
    ----------
    MIFA: source image association.
    """

    code = "L017"
    severity = Severity.WARNING
    source = Source.MIFA
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with annotations."""
        return bool(facts.annotation_rows)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Count the files of each set and image."""
        files: dict[tuple[str, str], list[FileRow]] = defaultdict(list)
        for row in facts.annotation_rows:
            if row.source and not row.layer and ".zarr/" not in row.path:
                files[row.set, row.source].append(row)
        described = {(held.name or ""): (field, held) for field, held in facts.sets}
        crowded: dict[str, list[list[FileRow]]] = defaultdict(list)
        for (name, _), rows in files.items():
            if len(rows) > 1:
                crowded[name].append(rows)
        for name, groups in crowded.items():
            field, held = described.get(name, ("", None))
            if held is not None and held.source_image_association:
                continue
            first = groups[0]
            yield self.finding(
                f"{counted(len(groups), 'image')} with several files of the set {name!r}, and nothing says why: "
                f"{first[0].source} has {listed((row.name for row in first), 3)}",
                **(facts.at(f"{field}.source_image_association") if field else facts.row_at(first[1])),
                fix="say in source_image_association what the files of one image are",
                level=Level.ABSENT,
                evidence={
                    "set": name,
                    "images": [rows[0].source for rows in groups[:100]],
                    "count": len(groups),
                },
            )


def _covers_many(row: FileRow) -> bool:
    return row.type != "segmentation_mask"
