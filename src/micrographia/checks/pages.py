"""Documentation pages of the rules, made from their docstrings: ``python -m micrographia.checks.pages docs/rules``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from micrographia.checks.profile import DEFAULT, load_profile
from micrographia.checks.registry import builtin_rules, find_rule
from micrographia.checks.rule import Letter, Needs, Rule, Source
from micrographia.checks.runner import INTERNAL_ERROR

INTERNAL_ERROR_TEXT = f"""\
  {INTERNAL_ERROR}  A rule failed with an internal error
  error; no fault of the dataset

  What it does
    Says which rule raised an exception, and which. The other rules were judged all the same; rules that require it were
    skipped.

  How to fix
    Report it with the message. Until it is mended, leave the rule out: --ignore CODE.
"""

NEEDS = {
    Needs.METADATA: "`mifa.yaml` and `files.tsv`",
    Needs.FILES: "names and sizes of the files",
    Needs.HEADERS: "headers of the files",
    Needs.PIXELS: "the pixels (`--pixels`)",
    Needs.CHECKSUMS: "checksums of the files (`--checksums` or `--pixels`)",
}


def rule_page(rule: type[Rule]) -> str:
    """Return the page of a rule as Markdown."""
    required = ", ".join(f"[{code}]({code}.md)" for code in rule.requires)
    facts = [
        f"{rule.severity.capitalize()}",
        f"counts towards {rule.letter.word}",
        f"asked for by {rule.source.meaning}",
        f"looks at {NEEDS[rule.needs]}",
    ]
    facts += [f"runs when {required} passed"] * bool(required) + ["`--fix` mends it"] * rule.fixable
    facts += [
        f"a profile may set `{name}` ({meaning}, {getattr(rule, name)})"
        for name, meaning in rule.thresholds.items()
    ]
    parts = [f"# {rule.code}: {rule.title()}", "; ".join(facts) + "."]
    parts += [f"## {name}\n\n{_markdown(text)}" for name, text in rule.documentation().items()]
    return "\n\n".join(parts) + "\n"


def index_page() -> str:
    """Return the list of all rules as Markdown."""
    sources = ", ".join(f"`{source}` ({source.meaning})" for source in Source)
    introduction = f"{len(builtin_rules())} rules. Profile `{DEFAULT}`: {load_profile().description}"
    sets = "Journals, archives and challenges ask for others: [rule sets](../check.md#rule-sets)."
    parts = ["# Rules", f"{introduction} {sets}\nEach rule says who asks for it: {sources}."]
    for letter in Letter:
        held = [rule for rule in builtin_rules() if rule.letter is letter]
        lines = ["| rule | | severity | source | reads | fixable |", "|---|---|---|---|---|---|"]
        lines += [
            f"| [{rule.code}]({rule.code}.md) | {rule.title()} | {rule.severity} | {rule.source} | {rule.needs} "
            f"| {'yes' if rule.fixable else ''} |"
            for rule in held
        ]
        parts.append(f"## {letter.word}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Return all pages: file name to Markdown."""
    return {"index.md": index_page()} | {f"{rule.code}.md": rule_page(rule) for rule in builtin_rules()}


def write_pages(folder: Path) -> list[str]:
    """Write the pages that have changed, remove those of rules that are gone, and return the names of both."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    changed = []
    for path in sorted(folder.glob("*.md")):
        if path.name not in wanted:
            path.unlink()
            changed.append(path.name)
    for name, text in wanted.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(name)
    return changed


def explanation(rule: type[Rule]) -> str:
    """Return what ``micrographia explain`` prints: the page as plain text."""
    lines = [
        f"  {rule.code}  {rule.title()}",
        f"  {rule.severity}; {rule.letter.word}; {rule.source.meaning}",
        "",
    ]
    for name, text in rule.documentation().items():
        lines += [f"  {name}", *(f"    {line}".rstrip() for line in text.replace("``", "").splitlines()), ""]
    return "\n".join(lines).rstrip() + "\n"


def explain(code: str) -> str:
    """Return the explanation of a rule, or of the finding that says that a rule failed.

    Raises
    ------
    DatasetError
        If there is no such rule.
    """
    if code.strip().upper() == INTERNAL_ERROR:
        return INTERNAL_ERROR_TEXT
    return explanation(find_rule(code))


def _markdown(text: str) -> str:
    linked = re.sub(r"(?<![<(`\w])(https?://[^\s,;)`]*[^\s,;.)`])", r"<\1>", text)
    return linked.replace("``", "`")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules")
    print("\n".join(write_pages(target)) or "all pages are current")
