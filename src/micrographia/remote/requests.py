"""One request to a server that may fail, stall, cut short or lie: repeated while that helps, then told."""

from __future__ import annotations

import http.client
import random
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from micrographia.errors import ExchangeError
from micrographia.remote.addresses import Target, redirected, resolve, shown
from micrographia.remote.connections import POOL, StalledError, Watch
from micrographia.remote.settings import AGENT, LONGEST_WAIT, Settings, settings

REDIRECTS = 5
"""How often an answer may send on to another address."""

PIECE = 1 << 18
"""Bytes that are taken from a connection at a time."""

_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_LATER = "Try again later; what was read before is kept"
_LIES = "Ask who runs the server, or download the file another way and open it from disk"


class MissingError(ExchangeError):
    """An address where a server says that there is nothing."""


class ChangedError(ExchangeError):
    """A file that was replaced while it was read."""


class NoRangesError(ExchangeError):
    """A server that sends a whole file when it is asked for a part."""


class PassingError(Exception):
    """A failure that may pass; ``wait`` are the seconds that the server asks for."""

    def __init__(self, problem: str, wait: float = 0) -> None:
        super().__init__(problem)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Entity:
    """Which version of a file an answer is of.

    Parameters
    ----------
    size
        Of the whole file in bytes; -1 if the server does not say.
    tag, modified
        The headers ``ETag`` and ``Last-Modified``; empty if it sends none.
    """

    size: int = -1
    tag: str = ""
    modified: str = ""

    def differs(self, other: Entity) -> bool:
        """Whether two answers cannot be of the same version of a file."""
        return any(
            one != two
            for one, two in ((self.size, other.size), (self.tag, other.tag), (self.modified, other.modified))
            if one not in (-1, "") and two not in (-1, "")
        )

    @property
    def is_known(self) -> bool:
        """Whether a later answer can be told from this one."""
        return bool(self.tag or self.modified)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent: bytes from a place of a file on."""

    data: bytes
    start: int
    entity: Entity


@dataclass(slots=True)
class Ask:
    """A request.

    Parameters
    ----------
    address
        What is asked for.
    start, length
        The part of it: ``start`` is negative for the last bytes; a ``length`` of -1 is all from ``start`` on.
    limit
        Bytes above which an answer is refused.
    known
        The version that it must be of.
    unchanged
        Ask for it only if it is no longer that version.
    method
        ``GET``, or ``HEAD`` for the size alone.
    sink
        Takes the bytes of a download as they come; by default they are collected.
    told
        Takes the version before the first bytes come.
    patient
        Whether it may take as long as it keeps sending.
    """

    address: str
    start: int = 0
    length: int = -1
    limit: int = 1 << 62
    known: Entity = field(default_factory=Entity)
    unchanged: bool = False
    method: str = "GET"
    sink: Callable[[bytes], None] | None = None
    told: Callable[[Entity], None] | None = None
    patient: bool = False

    @property
    def ranged(self) -> bool:
        """Whether a part is asked for."""
        return self.start != 0 or self.length >= 0

    def headers(self) -> dict[str, str]:
        """Return the headers of the request."""
        headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        if self.start < 0:
            headers["Range"] = f"bytes={self.start}"
        elif self.ranged:
            last = self.start + self.length - 1 if self.length >= 0 else ""
            headers["Range"] = f"bytes={self.start}-{last}"
        if self.unchanged and self.known.tag:
            headers["If-None-Match"] = self.known.tag
        elif self.unchanged and self.known.modified:
            headers["If-Modified-Since"] = self.known.modified
        elif self.ranged and self.known.tag and not self.known.tag.startswith("W/"):
            headers["If-Range"] = self.known.tag
        return headers


def send(ask: Ask) -> Answer | None:
    """Send a request, again while it fails for reasons that may pass, and return the verified answer.

    Returns
    -------
    Answer or None
        None if the file is still the known version, where that was asked.

    Raises
    ------
    MissingError
        If the server says that there is nothing (404, 410).
    ChangedError
        If it is another version than the known one.
    NoRangesError
        If a part was asked for and the server sends the whole.
    ExchangeError
        If it cannot be reached, refuses, stalls, sends too much or something else than asked for.
    """
    chosen = settings()
    target = resolve(ask.address)
    deadline = time.monotonic() + chosen.total if not ask.patient else float("inf")
    tries = int(chosen.retries) + 1
    for number in range(tries):
        try:
            return follow(ask, target, chosen, deadline)
        except PassingError as error:
            last = number + 1 == tries
            pause(ask.address, error, number, chosen, time.monotonic() if last else deadline)
    raise AssertionError("unreachable")


def pause(address: str, error: PassingError, number: int, chosen: Settings, deadline: float) -> None:
    """Wait before a request is repeated for the ``number + 1``-th time.

    Raises
    ------
    ExchangeError
        If the wait would end after the deadline, or the server asks for a longer one than is bearable.
    """
    seconds = chosen.backoff * 2 ** min(number, 16) * random.uniform(0.5, 1)  # noqa: S311 - no secret
    seconds = max(error.wait, min(seconds, LONGEST_WAIT))
    if error.wait > LONGEST_WAIT:
        said = f"asks to wait {error.wait:,.0f} s ({error})"
        raise ExchangeError(shown(address), said, "Come back then") from error
    if time.monotonic() + seconds >= deadline:
        tried = f"tried {number + 1} times" if number else "tried once"
        raise ExchangeError(shown(address), f"cannot be read: {error} ({tried})", _LATER) from error
    time.sleep(seconds)


def follow(ask: Ask, target: Target, chosen: Settings, deadline: float) -> Answer | None:
    """Send a request once, wherever it is sent on to, and return the verified answer; see :func:`send`.

    Raises
    ------
    PassingError
        If it failed for a reason that may pass.
    ExchangeError
        As :func:`send`.
    """
    for _ in range(REDIRECTS + 1):
        onward = _exchange(ask, target, chosen, deadline)
        if not isinstance(onward, Target):
            return onward
        target = onward
    raise ExchangeError(shown(ask.address), f"sends on more than {REDIRECTS} times", "Correct the address")


def _exchange(ask: Ask, target: Target, chosen: Settings, deadline: float) -> Answer | Target | None:
    for fresh in (False, True):
        connection = POOL.take(target, chosen, fresh=fresh)
        again = connection.used
        try:
            response = connection.ask(ask.method, target, ask.headers(), Watch(chosen, deadline))
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise ExchangeError(
                shown(target.url), f"cannot prove who it is: {error.verify_message}", "Correct the address"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if again and not isinstance(error, StalledError):
                continue
            raise PassingError(_said(error)) from error
        whole = False
        try:
            answer = _judge(ask, target, response)
            whole = response.isclosed() and not response.will_close
        except (OSError, http.client.HTTPException) as error:
            raise PassingError(_said(error)) from error
        finally:
            response.close()
            if whole:
                POOL.give(target, connection)
            else:
                connection.close()
        return answer
    raise AssertionError("unreachable")


def _said(error: BaseException) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "its answer ends before it is whole"
    if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
        return f"its answer is no HTTP ({type(error).__name__})"
    if isinstance(error, TimeoutError) and not isinstance(error, StalledError):
        return "no connection in time"
    return " ".join(str(getattr(error, "strerror", "") or error).split()) or type(error).__name__


def _judge(ask: Ask, target: Target, response: http.client.HTTPResponse) -> Answer | Target | None:
    status, url = response.status, shown(ask.address)
    if status in (301, 302, 303, 307, 308):
        location = response.headers.get("Location", "")
        if not location:
            raise ExchangeError(url, f"sends on ({status}) without saying where", "Correct the address")
        return redirected(target, location)
    if status == 304 and ask.unchanged:
        response.read()
        return None
    if status in (404, 410):
        raise MissingError(url, f"is not there ({status})", "Correct the address")
    if status in (401, 403, 407, 451):
        raise ExchangeError(
            url,
            f"may not be read ({status} {_words(response)})",
            "Only what is public can be read; download it",
        )
    if status in _PASSING:
        raise PassingError(f"the server answers {status} {_words(response)}".rstrip(), _wait(response))
    if status == 412 or (status == 416 and ask.known.is_known):
        raise _changed(ask)
    if status == 416:
        raise ExchangeError(url, "ends before the part that was asked for", "It is cut short; copy it again")
    if status not in (200, 206):
        raise ExchangeError(url, f"answers {status} {_words(response)}".rstrip(), "Correct the address")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ExchangeError(url, f"is sent {encoding}-encoded, though that was not asked for", _LIES)
    return _body(ask, response)


def _words(response: http.client.HTTPResponse) -> str:
    return "".join(character for character in response.reason[:60] if character.isprintable())


def _wait(response: http.client.HTTPResponse) -> float:
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said[:9])
    try:
        when = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return 0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _changed(ask: Ask) -> ChangedError:
    return ChangedError(
        shown(ask.address), "was replaced by another version while it was read", "Open it again"
    )


def _body(ask: Ask, response: http.client.HTTPResponse) -> Answer:
    """Return the body, if it is what was asked for."""
    url, headers = shown(ask.address), response.headers
    length = _length(headers.get("Content-Length"), url)
    tag, modified = headers.get("ETag", "").strip(), headers.get("Last-Modified", "").strip()
    start, size = 0, length
    if ask.ranged and response.status == 200:
        if ask.known.differs(Entity(length, tag, modified)) and not ask.unchanged:
            raise _changed(ask)
        if length < 0:
            raise ExchangeError(
                url, "is sent whole, and without its length, where a part was asked for", _LIES
            )
        raise NoRangesError(
            url, "is sent whole where a part was asked for: its server knows no ranges", "Download it"
        )
    if response.status == 206:
        if not ask.ranged:
            raise ExchangeError(url, "is sent in part where the whole was asked for", _LIES)
        start, size, held = _range(ask, headers.get("Content-Range", ""))
        if length not in (-1, held):
            raise ExchangeError(url, f"says {length:,} and {held:,} bytes of the same answer", _LIES)
        length = held
    entity = Entity(size, tag, modified)
    if ask.known.differs(entity) and not ask.unchanged:
        raise _changed(ask)
    if ask.method == "HEAD":
        response.read()
        return Answer(b"", 0, entity)
    if length > ask.limit:
        raise ExchangeError(url, f"has {length:,} bytes, more than the {ask.limit:,} expected", _LIES)
    if length < 0 and not response.chunked:
        raise ExchangeError(
            url, "is sent without its length, so that nobody can tell whether it is whole", _LIES
        )
    if ask.told is not None:
        ask.told(entity)
    sent = _receive(ask, response, length)
    if _is_page(ask, headers.get("Content-Type", ""), sent[:64]):
        raise ExchangeError(url, "answers with a web page, not with the file", "Correct the address")
    count = len(sent) if ask.sink is None else length
    return Answer(
        sent if ask.sink is None else b"", start, Entity(count, tag, modified) if size < 0 else entity
    )


def _length(said: str | None, url: str) -> int:
    if said is None:
        return -1
    if not re.fullmatch(r"[0-9]{1,18}", said.strip()):
        raise ExchangeError(url, f"says that it has {said!r} bytes", _LIES)
    return int(said)


def _range(ask: Ask, said: str) -> tuple[int, int, int]:
    """Return start of the part, size of the file and length of the part, if they are those asked for."""
    found = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", said.strip())
    url = shown(ask.address)
    if found is None:
        raise ExchangeError(url, f"does not say which part it sends ({said[:60]!r})", _LIES)
    first, last = int(found[1]), int(found[2])
    size = -1 if found[3] == "*" else int(found[3])
    if ask.start < 0:
        right = size >= 0 and last == size - 1 and first == max(0, size + ask.start)
    else:
        end = size - 1 if size >= 0 else last
        if ask.length >= 0:
            end = min(end, ask.start + ask.length - 1) if size >= 0 else ask.start + ask.length - 1
        right = first == ask.start and last == end
    if not right or last < first or (size >= 0 and last >= size):
        raise ExchangeError(url, f"sends another part than was asked for ({said[:60]})", _LIES)
    return first, size, last - first + 1


def _receive(ask: Ask, response: http.client.HTTPResponse, length: int) -> bytes:
    taken = bytearray()
    count = 0
    while True:
        piece = response.read1(PIECE)
        if not piece:
            break
        count += len(piece)
        if count > ask.limit or (0 <= length < count):
            raise ExchangeError(
                shown(ask.address), f"sends more than the {min(ask.limit, length):,} bytes expected", _LIES
            )
        if ask.sink is None or len(taken) < 64:
            taken += piece
        if ask.sink is not None:
            if count == len(piece) and _is_page(ask, response.headers.get("Content-Type", ""), piece[:64]):
                break
            ask.sink(piece)
    if 0 <= length != count:
        raise PassingError(f"its answer ends after {count:,} of {length:,} bytes")
    response.close()
    return bytes(taken)


def _is_page(ask: Ask, kind: str, head: bytes) -> bool:
    """Whether something that is no page by its name is one by its content."""
    if re.search(r"\.x?html?($|[?#])", ask.address, flags=re.IGNORECASE) or ask.start != 0:
        return False
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return begin.startswith((b"<!doctype html", b"<html")) or (
        kind.partition(";")[0].strip().lower() == "text/html" and begin.startswith(b"<")
    )
