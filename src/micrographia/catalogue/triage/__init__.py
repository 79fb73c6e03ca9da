"""Triage: what many submissions lack, how long it takes to mend, and a letter to the authors of each."""

from micrographia.catalogue.triage.effort import Effort, Efforts, load_efforts, told_minutes
from micrographia.catalogue.triage.judging import judge, judge_submission
from micrographia.catalogue.triage.letters import Letter, LetterOptions
from micrographia.catalogue.triage.many import triage
from micrographia.catalogue.triage.result import Lack, Triage, Triaged, ranked, table, triage_document

__all__ = [
    "Effort",
    "Efforts",
    "Lack",
    "Letter",
    "LetterOptions",
    "Triage",
    "Triaged",
    "judge",
    "judge_submission",
    "load_efforts",
    "ranked",
    "table",
    "told_minutes",
    "triage",
    "triage_document",
]
