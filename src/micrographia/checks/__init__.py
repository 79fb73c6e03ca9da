"""Rules over a dataset: facts are read once, small rules judge them, a report says what is wrong and how to mend it."""

from micrographia.checks.checking import check
from micrographia.checks.diff import Difference, diff
from micrographia.checks.facts import Facts, gather
from micrographia.checks.headers import FileFacts
from micrographia.checks.profile import Profile, load_profile
from micrographia.checks.registry import all_rules, builtin_rules, find_rule, verify_rule
from micrographia.checks.result import Outcome, Report, Score, State, Waived
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.runner import check_facts
from micrographia.checks.testing import compute_check

__all__ = [
    "Difference",
    "Facts",
    "FileFacts",
    "Letter",
    "Needs",
    "Outcome",
    "Profile",
    "Report",
    "Rule",
    "Score",
    "Source",
    "State",
    "Waived",
    "all_rules",
    "builtin_rules",
    "check",
    "check_facts",
    "compute_check",
    "diff",
    "find_rule",
    "gather",
    "load_profile",
    "verify_rule",
]
