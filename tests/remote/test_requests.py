"""A server that fails, stalls, cuts short or lies: an error that names the address, never wrong bytes."""

import os
import time

import pytest

from micrographia.errors import ExchangeError
from micrographia.remote import MissingError, fetch_bytes, read_range, size
from micrographia.remote.addresses import below, beside, last_name, redirected, resolve, shown
from micrographia.remote.asking import Ask, ChangedError, Entity
from micrographia.remote.requests import send
from micrographia.remote.settings import settings
from remote_server import Served

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def url(served: Served) -> str:
    """The address of a file."""
    (served.folder / "a.bin").write_bytes(CONTENT)
    return f"{served.url}/a.bin"


def test_whole_size_and_ranges(served: Served, url: str) -> None:
    assert fetch_bytes(url, limit=1 << 20) == CONTENT
    assert size(url) == len(CONTENT)
    assert read_range(url, 1000, 50) == CONTENT[1000:1050]
    assert read_range(url, 7, 0) == b""
    assert [asked[2] for asked in served.asked] == ["", "", "bytes=1000-1049"]


def test_one_connection_serves_many_requests(served: Served, url: str) -> None:
    started = time.perf_counter()
    for start in range(0, 2000, 10):
        read_range(url, start, 10)
    assert time.perf_counter() - started < 5
    assert len(served.asked) == 200


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("status", "403", "may not be read"),
        ("status", "500", "the server answers 500 Internal Server Error (tried 3 times)"),
        ("status", "503", "503"),
        ("status", "429 3600", "asks to wait 3,600 s"),
        ("status", "418", "answers 418"),
        ("drop", "", "(tried 3 times)"),
        ("stall", "", "sent nothing for 0.3 s"),
        ("silence", "", "sent nothing for 0.3 s"),
        ("drip", "", "bytes in"),
        ("drip_headers", "", "bytes in"),
        ("endless", "", "sends more than"),
        ("short", "", "ends after"),
        ("unframed", "", "without its length"),
        ("page", "text/html", "a web page"),
        ("page", "application/octet-stream", "a web page"),
        ("gzip", "", "gzip-encoded"),
        ("garbage", "", "no HTTP"),
        ("unsaid_range", "", "in part where the whole"),
        ("redirect", "/a.bin", "sends on more than 5 times"),
        ("redirect", "file:///etc/passwd", "not on the web"),
        ("redirect", "ftp://127.0.0.1/a", "not on the web"),
    ],
)
def test_of_a_whole_file(served: Served, url: str, kind: str, value: str, said: str) -> None:
    served.fault(kind, value=value)
    started = time.perf_counter()
    with pytest.raises(ExchangeError) as told:
        fetch_bytes(url, limit=1 << 20)
    assert said in str(told.value)
    assert told.value.path == url
    assert told.value.remedy
    assert time.perf_counter() - started < 4


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("wrong_range", "another part than was asked for"),
        ("unsaid_range", "does not say which part"),
        ("whole", "knows no ranges"),
        ("short", "ends after"),
        ("gzip", "gzip-encoded"),
    ],
)
def test_of_a_range(served: Served, url: str, kind: str, said: str) -> None:
    served.fault(kind)
    with pytest.raises(ExchangeError, match=said):
        read_range(url, 100, 100)


@pytest.mark.parametrize("kind", ["drop", "short", "stall", "status"])
def test_what_passes_is_tried_again(served: Served, url: str, kind: str) -> None:
    served.fault(kind, times=2, value="503")
    assert fetch_bytes(url, limit=1 << 20) == CONTENT
    assert len(served.asked) == 3


def test_a_wait_that_the_server_asks_for_is_kept(served: Served, url: str) -> None:
    served.fault("status", times=1, value="429 1")
    started = time.perf_counter()
    assert fetch_bytes(url, limit=1 << 20) == CONTENT
    assert 1 <= time.perf_counter() - started < 3


def test_a_refusal_is_not_repeated(served: Served, url: str) -> None:
    served.fault("status", value="403")
    with pytest.raises(ExchangeError):
        fetch_bytes(url, limit=1 << 20)
    assert len(served.asked) == 1


def test_missing_is_told_from_refused(served: Served) -> None:
    with pytest.raises(MissingError):
        fetch_bytes(f"{served.url}/none", limit=10)
    served.fault("status", value="410")
    with pytest.raises(MissingError):
        fetch_bytes(f"{served.url}/none", limit=10)


def test_a_range_beyond_the_end(url: str) -> None:
    with pytest.raises(ExchangeError, match="ends after"):
        read_range(url, len(CONTENT) - 10, 20)
    with pytest.raises(ExchangeError, match="ends before the part"):
        read_range(url, len(CONTENT), 20)


def test_a_body_above_the_limit_is_not_read(url: str) -> None:
    with pytest.raises(ExchangeError, match="more than the 100 expected"):
        fetch_bytes(url, limit=100)


def test_another_version_is_an_error(served: Served, url: str) -> None:
    known = Entity(len(CONTENT), '"old"')
    with pytest.raises(ChangedError):
        send(Ask(url, 0, 10, limit=10, known=known))
    (served.folder / "a.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(ChangedError):
        send(Ask(url, 0, 10, limit=10, known=Entity(len(CONTENT))))


def test_redirects_are_followed_on_the_web(served: Served, url: str) -> None:
    served.fault("redirect", times=2, value="/a.bin")
    assert fetch_bytes(url, limit=1 << 20) == CONTENT
    https = resolve("https://example.org/a")
    with pytest.raises(ExchangeError, match="without encryption"):
        redirected(https, "http://example.org/a")
    assert redirected(https, "/b?c=1").url == "https://example.org/b?c=1"


def test_all_time_together_is_bounded(served: Served, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_TOTAL", "0.5")
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_RETRIES", "1000")
    served.fault("status", value="503")
    started = time.perf_counter()
    with pytest.raises(ExchangeError):
        fetch_bytes(url, limit=1 << 20)
    assert time.perf_counter() - started < 2


def test_nobody_listens() -> None:
    with pytest.raises(ExchangeError, match="tried 3 times"):
        fetch_bytes("http://127.0.0.1:9/a", limit=10)


def test_after_a_fork(served: Served, url: str) -> None:
    assert read_range(url, 0, 10) == CONTENT[:10]
    child = os.fork()
    if child == 0:
        os._exit(0 if read_range(url, 5, 10) == CONTENT[5:15] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert read_range(url, 5, 10) == CONTENT[5:15]


@pytest.mark.parametrize(
    ("address", "goal"),
    [
        ("s3://bucket/a b/c.zarr", "https://bucket.s3.amazonaws.com/a%20b/c.zarr"),
        ("s3://dotted.bucket/k", "https://s3.amazonaws.com/dotted.bucket/k"),
        ("HTTP://Example.org", "http://example.org/"),
        ("http://example.org:8080/a?b=c#d", "http://example.org:8080/a?b=c"),
        ("http://example.org/ä b", "http://example.org/%C3%A4%20b"),
    ],
)
def test_where_an_address_leads(address: str, goal: str) -> None:
    assert resolve(address).url == goal


def test_an_object_store_of_ones_own(served: Served, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (served.folder / "bucket").mkdir()
    (served.folder / "bucket" / "a+b c.txt").write_bytes(b"held")
    monkeypatch.setenv("MICROGRAPHIA_S3_ENDPOINT", served.url + "/")
    assert fetch_bytes("s3://bucket/a+b c.txt", limit=10) == b"held"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "",
        "http://",
        "http://a b/",
        "http://u:p@a/",
        "s3:///k",
        "http://[::1",
        "http://a:99999/",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ExchangeError):
        resolve(address)


def test_names_below_and_beside() -> None:
    assert below("http://a/b/", "c d/e#f?.tif") == "http://a/b/c%20d/e%23f%3F.tif"
    assert below("http://a/b?key=1", "c") == "http://a/b/c?key=1"
    assert below("s3://a/b", "c d") == "s3://a/b/c d"
    assert beside("http://a/b/c.json?x=1") == "http://a/b/"
    assert beside("s3://a/b/c") == "s3://a/b/"
    assert last_name("http://a/b%20c.zarr/") == "b c.zarr"
    for name in ("../c", "a/../../c", "a\\c"):
        with pytest.raises(ExchangeError, match="outside"):
            below("http://a/b", name)


def test_errors_tell_no_password() -> None:
    assert shown("https://who:secret@a/b\n") == "https://a/b\\n"


def test_settings_that_are_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_REMOTE_STALL", "soon")
    with pytest.raises(ExchangeError, match="MICROGRAPHIA_REMOTE_STALL: is 'soon'"):
        settings()
