"""Rules over study components: the parts that an archive keeps, each with its own file list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from micrographia.checks.facts import Facts
from micrographia.checks.rule import Letter, Rule, Source
from micrographia.checks.texts import TextRule
from micrographia.checks.wording import counted, listed, suggest
from micrographia.findings import Finding, Level, Severity
from micrographia.metadata.fields import specs
from micrographia.metadata.rembi import StudyComponent

COLUMN = "study component"
"""Column of the file list: name of the study component that an image belongs to."""


class ComponentsDescribed(TextRule):
    """Every study component has a name and says what its images show.

    What it does
    ------------
    Asks for ``name`` of every entry under ``study_components``, and for a ``description`` of at least four words.

    Why it matters
    --------------
    Components tell the parts of a study apart: raw and processed, screen and follow-up. Without a description people
    have to open the images to learn which part they need.

    Example
    -------
    ``Part 1`` without a description.

    How to fix
    ----------
    Say in a sentence what the images of the component show and why they belong together.

    References
    ----------
    REMBI, Study component: name and description (required).
    """

    code = "M046"
    severity = Severity.WARNING
    source = Source.REMBI
    letter = Letter.METADATA
    what = "description"
    least = 4

    def applies(self, facts: Facts) -> bool:
        """Only with components."""
        return bool(facts.mifa.study_components)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Judge name and description of each component."""
        hint = specs(StudyComponent)["description"].example
        for number, held in enumerate(facts.mifa.study_components):
            if not held.name:
                yield self.finding(
                    f"study component {number + 1} has no name",
                    **facts.at(f"study_components[{number}].name"),
                    fix="write one; the file list refers to it",
                    level=Level.ABSENT,
                )
            of = f" of the study component {held.name or number + 1!r}"
            field = f"study_components[{number}].description"
            yield from self.judge(held.description, field, of, facts, hint=hint)


class AssociationsKnown(Rule):
    """Study components refer to samples, specimens and acquisitions that are described.

    What it does
    ------------
    Reports associations of study components with a name that no biosample, specimen, acquisition, correlation or
    analysis has.

    Why it matters
    --------------
    The association is what says which microscope and which sample an image is of. One that leads nowhere loses both.

    Example
    -------
    ``image_acquisition: Confocal`` where the acquisition is called ``Confocal microscopy``.

    How to fix
    ----------
    Write the name exactly as the entry has it.

    References
    ----------
    REMBI; BioImage Archive, study components: associations.
    """

    code = "M047"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.METADATA

    def applies(self, facts: Facts) -> bool:
        """Only with associations."""
        return any(held.associations for held in facts.mifa.study_components)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for each name among the entries of its kind."""
        mifa = facts.mifa
        known = {
            "biosample": [held.title or "" for held in mifa.biosamples],
            "specimen": [held.title or "" for held in mifa.specimens],
            "image_acquisition": [held.title or "" for held in mifa.image_acquisitions],
            "image_correlation": [held.title or "" for held in mifa.image_correlations],
            "image_analysis": [held.title or "" for held in mifa.image_analyses],
        }
        for number, component in enumerate(mifa.study_components):
            for at, association in enumerate(component.associations):
                for kind, titles in known.items():
                    name = getattr(association, kind)
                    if name and _plain(name) not in {_plain(title) for title in titles if title}:
                        near = suggest(name, [title for title in titles if title])
                        yield self.finding(
                            f"the study component {component.name or number + 1!r} refers to the "
                            f"{_called(kind)} {name!r}, which is not described",
                            **facts.at(f"study_components[{number}].associations[{at}].{kind}"),
                            fix=f"did you mean {near}?" if near else "write the name as its entry has it",
                            level=Level.PRESENT,
                            evidence={"component": component.name or "", "kind": kind, "name": name},
                        )


class ComponentsHaveFiles(Rule):
    """Every study component has files.

    What it does
    ------------
    Where the file list has a column ``study component``, reports components that no file belongs to, and files of a
    component that is not described.

    Why it matters
    --------------
    A component without files is a promise; files of a component that nobody describes have neither sample nor
    microscope.

    Example
    -------
    The list says ``Screen 1``, the component is called ``Screen``.

    How to fix
    ----------
    Use one name in both places, and give each component its file list.

    References
    ----------
    BioImage Archive, how to write a file list: one list for each study component.
    """

    code = "L019"
    severity = Severity.WARNING
    source = Source.BIA
    letter = Letter.ACCESSIBILITY

    def applies(self, facts: Facts) -> bool:
        """Only with components in the file list."""
        return bool(facts.mifa.study_components) and bool(files_by_component(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the names of both."""
        counts = files_by_component(facts)
        described = [held.name or "" for held in facts.mifa.study_components]
        for number, name in enumerate(described):
            if name and name not in counts:
                yield self.finding(
                    f"no file belongs to the study component {name!r}",
                    **facts.at(f"study_components[{number}]"),
                    fix="add its file list, or remove the component",
                    level=Level.SPECIFIC,
                    evidence={"component": name},
                )
        unknown = {name: count for name, count in counts.items() if name not in described}
        if unknown:
            near = suggest(next(iter(unknown)), described)
            yield self.finding(
                f"{counted(sum(unknown.values()), 'file')} of study components that are not described: "
                + listed((repr(name) for name in unknown), 3),
                **facts.at("study_components"),
                fix=f"did you mean {near}?" if near else "describe them, or correct the file list",
                level=Level.PRESENT,
                evidence={"components": list(unknown)[:100]},
            )


def files_by_component(facts: Facts) -> Counter[str]:
    """Return the number of files of each study component that the file list names."""
    files = facts.dataset.files
    if COLUMN not in files.columns:
        return Counter()
    return Counter(name for name in files[COLUMN].astype(str) if name)


def _called(kind: str) -> str:
    return kind.replace("_", " ")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
