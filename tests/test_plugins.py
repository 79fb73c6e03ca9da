"""Plug-ins come from real entry points of installed distributions; the broken ones are left out with a reason."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import pytest

from micrographia import plugins
from micrographia.plugins import API_VERSION, PluginWarning, load, verify


class Named(Protocol):
    api_version: int
    name: str


class Opens(Named, Protocol):
    """Extends another protocol, as the rooms' own may."""

    def open(self, path: str, member: str = "") -> object: ...

    def close(self, *, quietly: bool) -> None: ...


class Judge(ABC):
    @abstractmethod
    def check(self) -> str: ...


class Good:
    api_version = API_VERSION
    name = "good"

    def open(self, path, member=""):
        return path, member

    def close(self, *, quietly):
        return quietly


class Heir(Judge):
    api_version = API_VERSION

    def check(self):
        return ""


def heir(**changes):
    return type("Changed", (Good,), changes)()


@pytest.mark.parametrize("plugin", [Good(), Good], ids=["object", "class"])
@pytest.mark.parametrize("protocol", [None, Named, Opens])
def test_verify_accepts(plugin, protocol):
    verify(plugin, protocol)
    assert plugin.api_version == API_VERSION


@pytest.mark.parametrize("plugin", [Heir(), Heir], ids=["object", "class"])
def test_verify_accepts_an_heir_of_a_base_class(plugin):
    verify(plugin, Judge)
    assert not hasattr(plugin, "name")


class Incomplete(Judge):
    api_version = API_VERSION


class Nameless:
    api_version: ClassVar[int] = API_VERSION


def open_without_member(_self, path):
    return path


@pytest.mark.parametrize(
    ("plugin", "protocol", "reason"),
    [
        (object(), None, "speaks api_version None"),
        (heir(api_version=API_VERSION + 1), Opens, f"good speaks api_version {API_VERSION + 1}"),
        (heir(api_version=str(API_VERSION)), None, "speaks api_version '1'"),
        (Nameless(), Opens, "lacks close, name, open, which Opens asks for"),
        (Nameless, Named, "plug-in Nameless lacks name"),
        (heir(open="a.tif"), Opens, "open is no method"),
        (heir(open=open_without_member), Opens, r"open must take \(path, member\)"),
        (type("Changed", (Good,), {"open": open_without_member}), Opens, r"open must take \(path, member\)"),
        (heir(close=Incomplete), Opens, r"close must take \(quietly\)"),
        (Good(), Judge, "good does not extend Judge"),
        (Incomplete, Judge, "Incomplete lacks check"),
    ],
)
def test_verify_says_what_is_wrong(plugin, protocol, reason):
    with pytest.raises(TypeError, match=reason):
        verify(plugin, protocol)


class Generous(Good):
    def open(self, path, member="", cache=None):
        return path, member, cache

    def close(self, **options):
        return options


class Static(Good):
    @staticmethod
    def open(*parts):
        return parts


@pytest.mark.parametrize("plugin", [Generous(), Generous, Static(), Static])
def test_verify_accepts_methods_that_take_more(plugin):
    assert verify(plugin, Opens) is None


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution with one good plug-in among broken ones, installed in a folder on the path."""
    (tmp_path / "stranger.py").write_text(
        "class Reader:\n    api_version = 1\n    name = 'b'\nclass Old(Reader):\n    api_version = 0\n"
    )
    (tmp_path / "stranger_raises.py").write_text("raise RuntimeError('no such device')\n")
    (tmp_path / "stranger_leaves.py").write_text("raise SystemExit\n")
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{plugins.GROUPS['encoders']}]\n"
        "z-raises = stranger_raises:Reader\n"
        "y-leaves = stranger_leaves:Reader\n"
        "x-missing = stranger:Nothing\n"
        "w-old = stranger:Old\n"
        "b = stranger:Reader\n"
        "a = stranger:Reader\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_load_leaves_out_what_is_broken_and_says_why(installed):
    with pytest.warns(PluginWarning) as warned:
        loaded = list(load("encoders", Named))
    assert [plugin.name for plugin in loaded] == ["b", "b"]
    told = [str(warning.message) for warning in warned]
    assert len(told) == 4
    for start, reason in zip(
        told, ["speaks api_version 0", "Nothing", "SystemExit", "no such device"], strict=True
    ):
        assert "is left out" in start
        assert reason in start


def test_load_without_plugins_is_empty():
    assert list(load("segmenters")) == []


def test_load_refuses_an_unknown_kind():
    with pytest.raises(KeyError, match="widgets"):
        next(load("widgets"))
