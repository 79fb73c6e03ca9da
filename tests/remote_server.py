"""A web server on this machine that serves a folder with ranges, counts what is asked, and misbehaves on request."""

import gzip
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

PAGE = b"<!DOCTYPE html><html><body>Sorry, we are down for maintenance.</body></html>"


@dataclass
class Fault:
    """How to misbehave: ``kind`` for paths that match, ``times`` times (-1: always), after ``after`` good answers."""

    kind: str
    path: str = ".*"
    times: int = -1
    after: int = 0
    value: str = ""


@dataclass
class Served:
    """A running server: where it is, what it was asked, and what it does wrong."""

    folder: Path
    url: str = ""
    latency: float = 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    answers: dict[str, Callable[[dict[str, str]], object]] = field(default_factory=dict)
    ranges: bool = True
    most: int = 0
    active: int = 0
    held: dict[str, tuple[int, bytes, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def fault(self, kind: str, path: str = ".*", *, times: int = -1, after: int = 0, value: str = "") -> None:
        """Misbehave from now on."""
        self.faults.append(Fault(kind, path, times, after, value))

    def paths(self, method: str = "GET") -> list[str]:
        """Return what was asked for by a method."""
        return [path for asked, path, _ in self.asked if asked == method]

    def read(self, place: Path) -> tuple[bytes, str]:
        """Return a file and its tag, kept in memory while it does not change."""
        changed = place.stat().st_mtime_ns
        known = self.held.get(str(place))
        if known is None or known[0] != changed:
            data = place.read_bytes()
            known = self.held[str(place)] = (changed, data, tag_of(data))
        return known[1], known[2]

    def due(self, path: str) -> Fault | None:
        """Return the fault that is due for a path."""
        with self.lock:
            for fault in self.faults:
                if fault.times == 0 or re.search(fault.path, path) is None:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None


def tag_of(data: bytes) -> str:
    """Return an entity tag."""
    return f'"{hashlib.md5(data).hexdigest()}"'  # noqa: S324


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """Answer with headers alone."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer, or misbehave."""
        served = self.server.served
        path = unquote(urlsplit(self.path).path)
        with served.lock:
            served.asked.append((self.command, path.lstrip("/"), self.headers.get("Range", "")))
            served.active += 1
            served.most = max(served.most, served.active)
        try:
            if served.latency:
                time.sleep(served.latency)
            fault = served.due(path)
            if fault is not None:
                getattr(self, f"_do_{fault.kind}")(path, fault)
            else:
                self._answer(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with served.lock:
                served.active -= 1

    # What is right.

    def _find(self, path: str) -> tuple[bytes, str, str] | None:
        served = self.server.served
        made = served.answers.get(path)
        if made is not None:
            found = made(dict(parse_qsl(urlsplit(self.path).query)))
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            return data, "made", tag_of(data)
        place = served.folder / path.lstrip("/")
        if ".." in path or not place.is_file():
            return None
        data, tag = served.read(place)
        return data, formatdate(place.stat().st_mtime, usegmt=True), tag

    def _answer(self, path: str, *, tag: str = "", shift: int = 0, data: bytes | None = None) -> None:
        found = self._find(path)
        if found is None:
            self._say(404, b"no such file")
            return
        content, modified, own = found
        if data is not None:
            content, own = data, tag_of(data)
        headers = {"Accept-Ranges": "bytes", "ETag": tag or own}
        if modified != "made":
            headers["Last-Modified"] = modified
        if self.headers.get("If-None-Match") == headers["ETag"]:
            self._say(304, b"", headers)
            return
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        wanted = self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
        if asked is None or not self.server.served.ranges or not wanted:
            self._say(200, content, headers)
            return
        total = len(content)
        if asked[1]:
            start, stop = int(asked[1]), min(total, int(asked[2]) + 1 if asked[2] else total)
        else:
            start, stop = max(0, total - int(asked[2])), total
        if start >= total:
            self._say(416, b"", {"Content-Range": f"bytes */{total}"})
            return
        headers["Content-Range"] = f"bytes {start + shift}-{stop - 1 + shift}/{total}"
        self._say(206, content[start:stop], headers)

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # What is wrong.

    def _do_status(self, _: str, fault: Fault) -> None:
        status, _, wait = fault.value.partition(" ")
        self._say(int(status), b"no", {"Retry-After": wait} if wait else {})

    def _do_drop(self, _: str, __: Fault) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _do_stall(self, _: str, __: Fault) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 10)
        self.server.served.stopping.wait(30)
        self.close_connection = True

    def _do_silence(self, _: str, __: Fault) -> None:
        self.server.served.stopping.wait(30)
        self.close_connection = True

    def _do_drip(self, _: str, __: Fault) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.server.served.stopping.wait(0.05):
            self.wfile.write(b"x")

    def _do_drip_headers(self, _: str, __: Fault) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.server.served.stopping.wait(0.05):
            self.wfile.write(b"x")

    def _do_endless(self, _: str, __: Fault) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.served.stopping.is_set():
            self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    def _do_short(self, path: str, __: Fault) -> None:
        self.wfile = _Half(self.wfile)  # type: ignore[assignment]
        self._answer(path)
        self.close_connection = True

    def _do_unframed(self, path: str, __: Fault) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        found = self._find(path)
        self.wfile.write(found[0][: len(found[0]) // 2] if found else b"")
        self.close_connection = True

    def _do_whole(self, path: str, __: Fault) -> None:
        del self.headers["Range"]
        self._answer(path)

    def _do_wrong_range(self, path: str, __: Fault) -> None:
        self._answer(path, shift=1)

    def _do_unsaid_range(self, path: str, __: Fault) -> None:
        found = self._find(path)
        self._say(206, found[0][:10] if found else b"")

    def _do_page(self, _: str, fault: Fault) -> None:
        self._say(200, PAGE, {"Content-Type": fault.value or "text/html"})

    def _do_gzip(self, path: str, __: Fault) -> None:
        found = self._find(path)
        self._say(200, gzip.compress(found[0] if found else b""), {"Content-Encoding": "gzip"})

    def _do_changed(self, path: str, __: Fault) -> None:
        found = self._find(path)
        data = bytes(255 - byte for byte in found[0]) if found else b""
        self._answer(path, data=data)

    def _do_redirect(self, path: str, fault: Fault) -> None:
        self._say(302, b"", {"Location": fault.value or path})

    def _do_garbage(self, _: str, __: Fault) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.close_connection = True


class _Half:
    """Lets headers pass, and half of a body."""

    def __init__(self, file: object) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        headers = data.startswith(b"HTTP/")
        return self.file.write(data if headers else data[: len(data) // 2])  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, served: Served) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients go away when they have seen enough."""


@contextmanager
def serving(folder: Path, *, latency: float = 0.0) -> Iterator[Served]:
    """Serve a folder on 127.0.0.1."""
    served = Served(folder, latency=latency)
    server = _Server(served)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.stopping.set()
        server.shutdown()
        server.server_close()
