"""Addresses: what is one, where an ``s3://`` leads, how names are joined to one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from micrographia.errors import ExchangeError, printable

S3_VARIABLE = "MICROGRAPHIA_S3_ENDPOINT"
"""Environment variable with the address of the object store that ``s3://`` means; Amazon's if it is not set."""

_UNSAFE = re.compile(r"[\x00-\x20\x7f-\U0010ffff\"<>\\^`{|}]")


def is_address(text: object) -> bool:
    """Whether a text is the address of something on the web or in an object store."""
    return isinstance(text, str) and re.match(r"(https?|s3)://", text, flags=re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the parts of an ``http`` or ``https`` address."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and port as the ``Host`` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def resolve(address: str) -> Target:
    """Return where a request for an address goes.

    Parameters
    ----------
    address
        ``http://``, ``https://``, or ``s3://BUCKET/KEY``, which is read without an account.

    Raises
    ------
    ExchangeError
        If it is no such address, or holds a name and password.
    """
    remedy = "Give an address that begins with http://, https:// or s3://"
    if not is_address(address):
        raise ExchangeError(shown(address), "is no address that can be read", remedy)
    text = _web(address) if address.lower().startswith("s3://") else address
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ExchangeError(shown(address), f"is no address ({error})", remedy) from error
    if parts.username is not None or parts.password is not None:
        raise ExchangeError(
            shown(address), "holds a name or password", "Remove it: data are read without an account"
        )
    if not host or not re.fullmatch(r"[A-Za-z0-9._:\-]+", host):
        raise ExchangeError(shown(address), "names no host", remedy)
    scheme = parts.scheme.lower()
    path = _UNSAFE.sub(lambda found: quote(found[0]), parts.path or "/")
    query = _UNSAFE.sub(lambda found: quote(found[0]), parts.query)
    port = port or (443 if scheme == "https" else 80)
    return Target(scheme, host, port, f"{path}?{query}" if query else path)


def _web(address: str) -> str:
    bucket, _, key = address[5:].partition("/")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]*", bucket):
        raise ExchangeError(shown(address), "names no bucket", "Write s3://BUCKET/KEY")
    path = quote(key, safe="/~!$&'()*+,;=:@")
    endpoint = os.environ.get(S3_VARIABLE, "").rstrip("/")
    if endpoint:
        if not re.match(r"https?://", endpoint, flags=re.IGNORECASE):
            raise ExchangeError(endpoint, "is no address of an object store", f"Correct {S3_VARIABLE}")
        return f"{endpoint}/{bucket}/{path}"
    if "." in bucket:
        return f"https://s3.amazonaws.com/{bucket}/{path}"
    return f"https://{bucket}.s3.amazonaws.com/{path}"


def redirected(target: Target, location: str) -> Target:
    """Return where an answer sends a request on to.

    Raises
    ------
    ExchangeError
        If that is no web address, or leaves an encrypted connection for an open one.
    """
    goal = urljoin(target.url, location)
    if not re.match(r"https?://", goal, flags=re.IGNORECASE):
        raise ExchangeError(
            target.url, f"sends on to {shown(goal)}, which is not on the web", "Ask who runs the server"
        )
    new = resolve(goal)
    if target.scheme == "https" and new.scheme == "http":
        raise ExchangeError(
            target.url, f"sends on from https to {shown(goal)}, without encryption", "Ask who runs the server"
        )
    return new


def below(base: str, name: str) -> str:
    """Return the address of a path below another address.

    Parameters
    ----------
    base
        An address; what follows ``?`` is kept behind the path.
    name
        Path with ``/``; written as it is, so ``%20`` in it is three characters.

    Raises
    ------
    ExchangeError
        If the path leads out of the address.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\\" in name or "\0" in name:
        raise ExchangeError(
            shown(base), f"is asked for {name!r}, which lies outside of it", "Correct the path"
        )
    path, mark, query = base.partition("?")
    safe = "/".join(parts) if base.lower().startswith("s3://") else "/".join(_quoted(part) for part in parts)
    return f"{path.rstrip('/')}/{safe}{mark}{query}"


def beside(address: str) -> str:
    """Return what the addresses of files beside a file begin with, ending in ``/``."""
    path = re.split(r"[?#]", address, maxsplit=1)[0]
    scheme, _, rest = path.partition("://")
    head, slash, _ = rest.rpartition("/")
    return f"{scheme}://{head if slash else rest}/"


def _quoted(part: str) -> str:
    return quote(part, safe="~!$&'()*+,;=:@", errors="surrogatepass")


def last_name(address: str) -> str:
    """Return the last part of the path of an address, as people write it; the host if there is no path."""
    path, host = (address[5:], "") if address.lower().startswith("s3://") else _split(address)
    names = [part for part in path.split("/") if part]
    return (names[-1] if address.lower().startswith("s3://") else unquote(names[-1])) if names else host


def _split(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return address, ""
    return parts.path, parts.netloc.rpartition("@")[2]


def shown(address: object) -> str:
    """Return an address as an error may print it: on one line, without a password, not too long."""
    text = printable(re.sub(r"(?<=://)[^/@]*@", "", str(address)))
    return text if len(text) <= 300 else text[:297] + "..."
