"""Connections to web servers: kept open and used again, watched while they are silent, each process its own."""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import threading
import time
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from micrographia.remote.addresses import Target
from micrographia.remote.settings import SLOWEST, Settings

Key = tuple[str, str, int, str]

KEPT = 32
"""Idle connections that a process keeps open at most."""

_IDLE = 20.0
"""Seconds after which an idle connection is not used again: many servers close theirs about then."""


class StalledError(OSError):
    """A server that sends nothing, or too little, or for too long."""


class Watch:
    """Sees that a server keeps sending; it knows every byte of an answer, headers included."""

    def __init__(self, settings: Settings, deadline: float) -> None:
        self.stall = settings.stall
        self.deadline = deadline
        self.since = time.monotonic()
        self.received = 0

    def patience(self) -> float:
        """Return for how many seconds the next bytes may be waited for."""
        now = time.monotonic()
        if now > self.deadline:
            raise StalledError("it took longer than allowed in all")
        if now - self.since > self.stall:
            if self.received < SLOWEST * self.stall:
                raise StalledError(f"it sent {self.received:,} bytes in {now - self.since:.0f} s")
            self.since, self.received = now, 0
        return max(0.01, min(self.stall, self.deadline - now))


class _WatchedRaw(io.RawIOBase):
    def __init__(self, raw: Any, sock: socket.socket, watch: Watch) -> None:
        self.raw, self.sock, self.watch = raw, sock, watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            self.sock.settimeout(self.watch.patience())
            number = self.sock.recv_into(buffer)
        except TimeoutError as error:
            if isinstance(error, StalledError):
                raise
            raise StalledError(f"it sent nothing for {self.watch.stall:g} s") from error
        self.watch.received += number
        return number

    def close(self) -> None:
        if not self.closed:
            self.raw.close()
        super().close()


class Connection:
    """One connection to a server, directly or through the proxy that the environment names.

    Parameters
    ----------
    target
        Any address of the server.
    settings
        How patiently.
    """

    def __init__(self, target: Target, settings: Settings) -> None:
        self.used = False
        self.idle_since = 0.0
        self.watch = Watch(settings, float("inf"))
        proxy = _proxy(target)
        self.absolute = bool(proxy) and target.scheme == "http"
        host, port = target.host, target.port
        if proxy:
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            host, port = parts.hostname or host, parts.port or 3128
        self.http: http.client.HTTPConnection
        if target.scheme == "https":
            self.http = http.client.HTTPSConnection(host, port, timeout=settings.connect, context=_context())
            if proxy:
                self.http.set_tunnel(target.host, target.port)
        else:
            self.http = http.client.HTTPConnection(host, port, timeout=settings.connect)
        self.http.response_class = self._response  # type: ignore[assignment]

    def _response(self, sock: socket.socket, *args: Any, **named: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(sock, *args, **named)
        raw: Any = response.fp
        response.fp = io.BufferedReader(_WatchedRaw(raw.detach(), sock, self.watch), 1 << 16)
        return response

    def ask(
        self, method: str, target: Target, headers: dict[str, str], watch: Watch
    ) -> http.client.HTTPResponse:
        """Send a request and return the answer, of which only the headers have been read.

        Raises
        ------
        OSError, HTTPException
            If there is no connection, or it breaks or stalls.
        """
        self.watch = watch
        path = target.url if self.absolute else target.path
        if self.http.sock is None:
            self.http.connect()
        sock: socket.socket = self.http.sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(watch.patience())
        self.http.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        self.http.putheader("Host", target.netloc)
        for name, value in headers.items():
            self.http.putheader(name, value)
        self.http.endheaders()
        return self.http.getresponse()

    def close(self) -> None:
        """Close it."""
        self.http.close()


def _proxy(target: Target) -> str:
    proxies = getproxies()
    found = proxies.get(target.scheme) or proxies.get("all", "")
    return "" if not found or proxy_bypass(target.host) else found


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Pool:
    """Idle connections by server."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()
        self.idle: dict[Key, list[Connection]] = {}

    def take(self, target: Target, settings: Settings, *, fresh: bool = False) -> Connection:
        key = (target.scheme, target.host, target.port, _proxy(target))
        with self.lock:
            held = self.idle.get(key, [])
            while held and not fresh:
                connection = held.pop()
                if time.monotonic() - connection.idle_since < _IDLE:
                    return connection
                connection.close()
        return Connection(target, settings)

    def give(self, target: Target, connection: Connection) -> None:
        connection.used, connection.idle_since = True, time.monotonic()
        key = (target.scheme, target.host, target.port, _proxy(target))
        with self.lock:
            if sum(map(len, self.idle.values())) < KEPT:
                self.idle.setdefault(key, []).append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self.lock:
            idle, self.idle = self.idle, {}
        for connection in (one for held in idle.values() for one in held):
            connection.close()


POOL = _Pool()
os.register_at_fork(after_in_child=POOL.renew)


def close_connections() -> None:
    """Close the connections that are idle; reading opens new ones."""
    POOL.close()
