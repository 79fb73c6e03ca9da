"""What holds for every command: help, errors in one line, exit status, Ctrl-C, a reader that goes away."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from micrographia.cli import COMMANDS

NAMES = [name for held in COMMANDS.values() for name in held]
PROGRAM = [sys.executable, "-c", "import sys; from micrographia.cli import main; sys.exit(main())"]

ON_A_FOLDER = [
    ["describe", "{0}"],
    ["check", "{0}"],
    ["plan", "{0}"],
    ["convert", "{0}", "out"],
    ["card", "{0}"],
    ["hash", "{0}"],
    ["diff", "{0}", "{0}"],
    ["form", "{0}", "form.xlsx"],
    ["export", "{0}", "mifa", "documents"],
    ["import", "{0}", "out"],
    ["demo", "demo", "--data", "{0}"],
]


def one_line(text):
    return text.count("\n") == 1 and text.endswith("\n") and text.startswith("micrographia")


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_a_command_takes(name, command):
    told = command(*name.split(), "--help")
    assert told.status == 0
    assert told.out.startswith(f"Usage: micrographia {name}")
    assert "--help" in told.out
    assert not told.err
    for word in ("list[str]", "int range", "None", "<str>", "<path>", "<float>", "<int>"):
        assert word not in told.out, "the words of a programmer"
    assert command("help", *name.split()) == told


def test_help_without_a_command(command):
    told = command()
    assert told == command("--help") == command("help") == command("-h")
    assert told.status == 0
    assert all(f"\n  {name} " in told.out for name in NAMES)
    assert all(len(line) <= 100 for line in told.out.splitlines())


def test_version(command):
    assert command("--version").out.startswith("micrographia ")
    assert command("-V").out == command("--version").out


@pytest.mark.parametrize(
    ("typed", "meant"), [("chekc", "check"), ("Describe", "describe"), ("xyzzy", "--help")]
)
def test_a_command_that_does_not_exist(typed, meant, command):
    told = command(typed)
    assert told.status == 2
    assert one_line(told.err)
    assert meant in told.err
    assert command("help", typed).status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["convert", "only-one"],
        ["describe", "a", "b"],
        ["check", "x", "--no-such-option"],
        ["check", "x", "--format", "pdf"],
        ["convert", "x", "y", "--ome-zarr", "0.3"],
        ["describe", "x", "--workers", "0"],
        ["card", "x", "--pictures", "many"],
        ["describe", "x", "--seed"],
    ],
)
def test_wrong_use_is_one_line_that_names_the_help(arguments, command):
    told = command(*arguments)
    assert told.status == 2
    assert not told.out
    assert one_line(told.err)
    assert f"micrographia {arguments[0]} --help" in told.err


@pytest.mark.parametrize("arguments", ON_A_FOLDER, ids=lambda words: words[0])
@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_no_folder_there_is_one_line(arguments, kind, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / kind
    if kind == "file":
        place.write_text("no dataset")
    elif kind == "empty":
        place.mkdir()
    told = command(*(word.format(place) for word in arguments))
    assert told.status == 2, told
    assert not told.out
    assert one_line(told.err), told.err
    assert str(place) in told.err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "form.xlsx").exists()


def test_a_file_in_the_place_of_the_list_is_one_line(command, lab):
    (lab / "files.tsv").mkdir()
    told = command("describe", lab)
    assert told.status == 2
    assert one_line(told.err)
    assert "files.tsv" in told.err


@pytest.mark.parametrize("debug", ["", "1"])
def test_where_an_error_comes_from_is_told_when_asked_for(debug, command, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROGRAPHIA_DEBUG", debug)
    told = command("check", tmp_path / "nowhere")
    assert told.status == 2
    assert ("Traceback" in told.err) == bool(debug)


def test_hash_is_the_same_raw_and_converted(command, made):
    raw = json.loads(command("hash", made / "described", "--json").out)
    new = json.loads(command("hash", made / "converted", "--json").out)
    assert raw.keys() == {"content_sha256", "files_sha256"}
    assert raw["content_sha256"] == new["content_sha256"]
    assert raw["files_sha256"] != new["files_sha256"]
    told = command("hash", made / "described")
    assert told.status == 0
    assert f"content_sha256  {raw['content_sha256']}\n" in told.out


@pytest.mark.parametrize("arguments", ["schema", "--help", "explain M001"])
def test_a_reader_that_goes_away_is_no_error(arguments):
    program = subprocess.Popen([*PROGRAM, *arguments.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.close()
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait(60) == 0


def test_findings_count_though_nobody_reads_them(made):
    program = subprocess.Popen(
        [*PROGRAM, "check", str(made / "described"), "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    program.stdout.close()
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait(120) == 1


def test_ctrl_c_stops_with_one_line():
    """The command hangs, deterministically, because nobody empties a small pipe."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    program = subprocess.Popen([*PROGRAM, "schema"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    held, seen = 0, -1
    while held < 1024 or held != seen:  # until it is full and stays so
        assert program.poll() is None
        time.sleep(0.3)
        held, seen = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, bytes(4)))[0], held
    program.send_signal(signal.SIGINT)
    try:
        assert program.stderr.read() == b"micrographia: stopped\n"
        assert program.wait(60) == 130
    finally:
        program.kill()
        program.wait()
        program.stderr.close()
        os.close(reader)
