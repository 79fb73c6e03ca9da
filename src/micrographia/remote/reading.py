"""Reading a file of a server: whole, its size, or a part."""

from __future__ import annotations

from micrographia.errors import ExchangeError
from micrographia.remote.addresses import shown
from micrographia.remote.asking import Answer, Ask, Entity, NoRangesError
from micrographia.remote.requests import send


def fetch_bytes(url: str, *, limit: int) -> bytes:
    """Return a whole file.

    Parameters
    ----------
    url
        ``http://``, ``https://`` or ``s3://``.
    limit
        Bytes above which it is refused.

    Raises
    ------
    ExchangeError
        If it cannot be read, is larger, or does not arrive whole.
    """
    return answered(Ask(url, limit=limit)).data


def entity(url: str) -> Entity:
    """Return size and version of a file, as far as the server tells them.

    Raises
    ------
    ExchangeError
        If there is none, or the server does not answer.
    """
    try:
        found = answered(Ask(url, method="HEAD")).entity
    except ExchangeError as error:
        if not any(said in error.problem for said in ("answers 405", "answers 501", "answers 400")):
            raise
        found = Entity()
    if found.size >= 0:
        return found
    try:
        return answered(Ask(url, length=1)).entity
    except NoRangesError:
        return found


def size(url: str) -> int:
    """Return the size of a file in bytes.

    Raises
    ------
    ExchangeError
        If there is none, or the server does not say.
    """
    number = entity(url).size
    if number < 0:
        raise ExchangeError(shown(url), "does not tell its size", "Download it")
    return number


def read_range(url: str, start: int, length: int) -> bytes:
    """Return a part of a file.

    Parameters
    ----------
    url
        Address of the file.
    start, length
        First byte, and how many; all of them must be there.

    Raises
    ------
    ExchangeError
        If the file is shorter, the server knows no ranges, or it cannot be read.
    """
    if length == 0:
        return b""
    data = answered(Ask(url, start, length, limit=length)).data
    if len(data) != length:
        raise ExchangeError(
            shown(url), f"ends after {start + len(data):,} bytes", "It is cut short; copy it again"
        )
    return data


def answered(ask: Ask) -> Answer:
    """Return the answer to a request that is not a question for changes."""
    answer = send(ask)
    if answer is None:
        raise ExchangeError(shown(ask.address), "says that it has not changed, unasked", "Try again")
    return answer
