"""Text for BibTeX: what TeX takes for commands is escaped, accents are written as TeX has them."""

from __future__ import annotations

import re
import unicodedata

SPECIALS = {
    "\\": r"{\textbackslash}",
    "{": r"{\textbraceleft}",
    "}": r"{\textbraceright}",
    "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}",
    "<": r"{\textless}",
    ">": r"{\textgreater}",
    "|": r"{\textbar}",
    '"': r"{\textquotedbl}",
    **{character: f"\\{character}" for character in "%&#_$"},
}
"""Characters that mean something to TeX. Braces are names: BibTeX counts even those behind a backslash."""

ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0328": "k",
    "\u0331": "b",
}  # fmt: skip
"""Combining marks to TeX's accents."""

LETTERS = {
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "å": "aa", "Å": "AA", "ł": "l",
    "Ł": "L", "đ": "dj", "Đ": "DJ", "ı": "i", "ð": "dh", "Ð": "DH", "þ": "th", "Þ": "TH",
    "†": "dag", "§": "S", "¶": "P", "©": "copyright", "£": "pounds", "…": "ldots",
}  # fmt: skip
"""Letters and signs to TeX's commands."""

SIGNS = {"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "\u00a0": "~", "µ": r"{\textmu}"}
"""Signs to what is typed for them."""


def escaped(text: str) -> str:
    r"""Return a text as TeX reads it; scripts other than Latin stay as they are.

    Examples
    --------
    >>> print(escaped("100% of Müller & Ångström's_data"))
    100\% of M{\"u}ller \& {\AA}ngstr{\"o}m's\_data
    """
    return "".join(_character(character) for character in unicodedata.normalize("NFC", one_line(text)))


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", text).split())


def verbatim(text: str) -> str:
    """Return an address for a field that is printed as it is: what would break the entry is percent-encoded."""
    return re.sub(
        r'[\s{}\\<>"^`|]', lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), one_line(text)
    )


def word(text: str) -> str:
    """Return a text as lower-case letters and digits of ASCII, for keys."""
    plain = "".join({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}.get(
        character, character
    ) for character in text.lower())  # fmt: skip
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode())


def _character(character: str) -> str:
    if character in SPECIALS:
        return SPECIALS[character]
    if character in LETTERS:
        return f"{{\\{LETTERS[character]}}}"
    if character in SIGNS:
        return SIGNS[character]
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[1] in ACCENTS and parts[0].isascii():
        accent = ACCENTS[parts[1]]
        base = {"i": r"\i", "j": r"\j"}.get(parts[0], parts[0]) if accent not in "cdkb" else parts[0]
        return f"{{\\{accent}{{{base}}}}}" if accent.isalpha() or len(base) > 1 else f"{{\\{accent}{base}}}"
    return character
