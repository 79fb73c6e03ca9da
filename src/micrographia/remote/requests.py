"""One request to a server that may fail, stall, cut short or lie: repeated while that helps, then told."""

from __future__ import annotations

import http.client
import random
import ssl
import time

from micrographia.errors import ExchangeError
from micrographia.remote.addresses import Target, resolve, shown
from micrographia.remote.answers import judge
from micrographia.remote.asking import Answer, Ask, PassingError
from micrographia.remote.connections import POOL, StalledError, Watch
from micrographia.remote.settings import LONGEST_WAIT, Settings, settings

REDIRECTS = 5
"""How often an answer may send on to another address."""

_LATER = "Try again later; what was read before is kept"


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
            answer = judge(ask, target, response)
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
