"""Judge one submission: read it, let the rules look at it, say what it lacks, write the letter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from micrographia.catalogue.triage.effort import Efforts, load_efforts
from micrographia.catalogue.triage.lacks import lacks
from micrographia.catalogue.triage.letters import LetterOptions, compose
from micrographia.catalogue.triage.record import Record, one_line
from micrographia.catalogue.triage.result import Triaged
from micrographia.checks.facts import gather
from micrographia.checks.profile import Profile, load_profile
from micrographia.checks.registry import builtin_rules
from micrographia.checks.rule import Needs
from micrographia.checks.runner import check_facts
from micrographia.dataset import open_dataset
from micrographia.dataset.folder import DESCRIPTION
from micrographia.errors import MicrographiaError
from micrographia.exchange import Source, Submission, read_submission, recognise

OF_FILES = frozenset({"M008", "M022", "A004", "A005", "A006", "F001", "F020", "F021"})
"""Rules beside those whose codes begin with L or S that judge rows of the file list."""
IN_LISTS = {"pagetab": frozenset({"M017", "M018", "M020"})}
"""Format to the rules over what it says file by file, which nobody knows who has not seen the list."""
NO_PLACE = {"mifa": frozenset({"M040", "M041", "M042", "M043", "M044", "M045", "M046", "M047", "A003"})}
"""Format to the rules over fields that it has no place for: what cannot be written is not missed."""
UNREAD_LISTS = frozenset({"E010"})
"""Codes of reading that say that something named by the record was not at hand."""


@dataclass(frozen=True)
class How:
    """How submissions are judged; picklable.

    Parameters
    ----------
    profile
        Rule set.
    efforts
        Minutes.
    letters
        What a curator adds to letters; None for no letters.
    form
        Format of the records; recognised by default.
    today
        Date that dates are compared with; that of the machine by default.
    """

    profile: Profile
    efforts: Efforts
    letters: LetterOptions | None = None
    form: str | None = None
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A place to judge; one that was found in a folder may be no record, and is passed over then."""

    place: str
    found: bool = False


def judge(
    place: str | Path,
    *,
    profile: Profile | str | Path | None = None,
    efforts: Efforts | None = None,
    letters: LetterOptions | None = None,
    form: str | None = None,
) -> Triaged:
    """Judge one submission.

    Parameters
    ----------
    place
        File, folder or address; or a dataset folder.
    profile, efforts, letters, form
        As for :func:`~micrographia.catalogue.triage.triage`; letters are written where options for them are given.

    Raises
    ------
    MicrographiaError
        If it cannot be read, or the profile is none.
    """
    chosen = profile if isinstance(profile, Profile) else load_profile(profile or "mifa")
    submission = _read(str(place), form)
    return judge_submission(submission, How(chosen, efforts or load_efforts(), letters, form), str(place))


def judge_task(how: How, task: Task) -> Triaged | None:
    """Judge a place in a worker; None if it was found in a folder and is no record.

    Raises
    ------
    MicrographiaError
        If it cannot be read.
    """
    if task.found and not _is_record(task.place):
        return None
    return judge_submission(_read(task.place, how.form), how, task.place)


def judge_submission(submission: Submission, how: How, place: str = "") -> Triaged:
    """Judge what was read already."""
    if submission.origin.format == "mifa":
        _name_sets(submission)
    listed = _listed(submission)
    profile = judged(how.profile, submission.origin.format, listed=listed)
    facts = gather(submission.dataset(), needs=Needs.METADATA, today=how.today)
    report = check_facts(facts, profile=profile)
    record = Record(submission, facts, report, how.profile, listed)
    found = lacks(record, how.efforts)
    letter = compose(record, found, how.letters) if how.letters is not None else None
    return Triaged(
        place=place or record.name,
        name=record.name,
        title=one_line(record.study.title or ""),
        format=record.format or "dataset",
        authors=len(record.study.authors),
        images=record.images,
        annotations=len(record.mifa.annotations),
        files=len(submission.files),
        kept=len(submission.origin.kept),
        listed=listed,
        scores=report.scores,
        lacks=found,
        read=tuple(sorted(Counter(finding.code for finding in submission.findings).items())),
        letter=letter.text() if letter else "",
        letter_markdown=letter.markdown() if letter else "",
    )


def _read(place: str, form: str | None) -> Submission:
    if form is None and (Path(place) / DESCRIPTION).is_file():
        return Submission.of(open_dataset(Path(place)))
    return read_submission(place, form)


def _is_record(place: str) -> bool:
    """Whether a file of a folder is a record: of a known form, and not one that goes with another document."""
    source = Source(place)
    try:
        form = recognise(source)
    except MicrographiaError:
        return False
    return form.name != "mifa" or source.name.lower().startswith("study")


def _listed(submission: Submission) -> bool:
    """Whether the list of files was at hand: there are rows, or nothing says that there should be."""
    if len(submission.files):
        return True
    if submission.origin.format in ("mifa", ""):
        return submission.origin.format == ""
    return not any(finding.code in UNREAD_LISTS for finding in submission.findings)


def judged(profile: Profile, form: str, *, listed: bool) -> Profile:
    """Return what of a profile can be judged without files: the scores of a triage are of these rules.

    Rules that read files or pixels are left out, those over the file list where it was not at hand, and those over
    fields that the form has no place for.
    """
    needs = {rule.code: rule.needs for rule in builtin_rules()}

    def kept(code: str) -> bool:
        of_files = code in OF_FILES or code.startswith(("L", "S"))
        unseen = not listed and (of_files or code in IN_LISTS.get(form, ()))
        return needs[code] is Needs.METADATA and not unseen and code not in NO_PLACE.get(form, ())

    return replace(
        profile, rules={letter: tuple(filter(kept, codes)) for letter, codes in profile.rules.items()}
    )


def _name_sets(submission: Submission) -> None:
    """Name the annotation sets of a form that has no names for them, so that the rules look at what it says of them."""
    for number, held in enumerate(submission.mifa.annotations, 1):
        held.name = held.name or f"set {number}"
