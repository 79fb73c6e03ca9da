"""What reading a record has to say: what was kept, and what was found, once for each kind."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, replace
from typing import Any

from micrographia.dataset.origin import Kept
from micrographia.exchange.codes import told
from micrographia.exchange.pagetab.tree import too_deep, well_formed
from micrographia.findings import Finding

SHOWN = 20
"""Places that a finding names as evidence; the count stands in its message."""


@dataclass(slots=True)
class _Said:
    code: str
    what: str
    path: str = ""
    field: str = ""
    fix: str = ""
    places: list[str] = dataclasses.field(default_factory=list)
    count: int = 0


class Notes:
    """Collects what reading has to say."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Kept, str]] = []
        self._said: dict[tuple[str, str, str, str], _Said] = {}

    @property
    def kept(self) -> tuple[Kept, ...]:
        """What had no home in the model, in the order in which it was read."""
        return tuple(one for _, one, _ in self._kept)

    def keep(self, at: str, value: Any, what: str, code: str = "E004") -> None:
        """Keep a piece of the source word for word.

        Parameters
        ----------
        at
            Where it belongs: dotted path in the model, a slash, and what it is (``attributes``, ``sections``, ...).
        value
            What stood there.
        what
            What to call it; pieces of one name are one finding.
        code
            Code of the finding.
        """
        if too_deep(value):
            self.say("E009", f"{what} is nested too deep, or holds itself; it was not kept", at)
            return
        self._kept.append((code, Kept(at, well_formed(value)), what))

    def mark(self) -> int:
        """Return a place to go back to with :meth:`back_to`."""
        return len(self._kept)

    def back_to(self, mark: int) -> None:
        """Forget what was kept since a mark."""
        del self._kept[mark:]

    def say(
        self,
        code: str,
        what: str,
        place: str = "",
        *,
        path: str = "",
        field: str = "",
        fix: str = "",
        count: int = 1,
    ) -> None:
        """Say something; the same said of many places is one finding."""
        said = self._said.setdefault((code, what, path, field), _Said(code, what, path, field, fix))
        said.count += count
        if place and len(said.places) < SHOWN:
            said.places.append(place)

    def findings(self) -> list[Finding]:
        """Return one finding for each kind of thing that was said or kept."""
        found = dict(self._said)
        for code, one, what in self._kept:
            pattern = re.sub(r"\[[0-9]+\]", "[]", one.at)
            key = (code, what, pattern, "")
            said = found.get(key) or found.setdefault(key, _Said(code, what))
            said.count += 1
            if len(said.places) < SHOWN:
                said.places.append(one.at)
        return [_finding(said) for said in found.values()]


def _finding(said: _Said) -> Finding:
    more = f" ({said.count:,} times)" if said.count > 1 else ""
    made = told(said.code, said.what + more, path=said.path, field=said.field, fix=said.fix)
    return replace(made, evidence={"at": said.places}) if said.places else made
