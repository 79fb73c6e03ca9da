"""Text of others in Markdown: shown as it is, never taken for markup."""

from __future__ import annotations

import re

OPEN = "[More Information Needed]"
"""What the Hub's template writes where nobody has answered."""

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&$]")
_LINE_START = re.compile(r"^([-+=:]|[0-9]+(?=[.)]))")


def escaped(words: str) -> str:
    r"""Return a text as Markdown that shows it, line by line; no HTML, link, heading or formula comes of it.

    Examples
    --------
    >>> print(escaped("<script> *a*"))
    \<script\> \*a\*
    """
    lines = []
    for line in words.replace("\r", "\n").split("\n"):
        plain = _MARKUP.sub(lambda found: "\\" + found[0], " ".join(line.split()))
        lines.append(_LINE_START.sub(lambda found: _start(found[0]), plain))
    return "\n".join(lines).strip("\n")


def _start(found: str) -> str:
    return f"{found[:-1]}&#{ord(found[-1])};" if found[-1].isdigit() else f"\\{found}"


def one_line(words: str) -> str:
    """Return a text as Markdown on one line."""
    return " ".join(escaped(words).split())


def unescaped(markdown: str) -> str:
    """Return the text that :func:`escaped` shows, as far as its white space was kept."""
    found = re.sub(
        r"&#([0-9]{1,6});", lambda number: chr(int(number[1])) if int(number[1]) < 0x110000 else "", markdown
    )
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", found)


def fenced(words: str, language: str) -> str:
    """Return a text as a block of code, whatever it holds."""
    longest = max((len(run) for run in re.findall(r"`+", words)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{words.strip()}\n{fence}"
