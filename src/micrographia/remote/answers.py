"""Whether an answer is one to what was asked: its status, its headers, its length, its first bytes."""

from __future__ import annotations

import http.client
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from micrographia.errors import ExchangeError
from micrographia.remote.addresses import Target, redirected, shown
from micrographia.remote.asking import (
    Answer,
    Ask,
    ChangedError,
    Entity,
    MissingError,
    NoRangesError,
    PassingError,
)

PIECE = 1 << 18
"""Bytes that are taken from a connection at a time."""

_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_LIES = "Ask who runs the server, or download the file another way and open it from disk"


def judge(ask: Ask, target: Target, response: http.client.HTTPResponse) -> Answer | Target | None:
    """Read an answer and return it, or where it sends on to; None if the file is still the known version.

    Raises
    ------
    PassingError
        If it is a failure that may pass.
    ExchangeError
        If it refuses, or is not an answer to what was asked.
    """
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
