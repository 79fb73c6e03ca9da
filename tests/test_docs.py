"""The documentation is true: its code runs, its commands work, its links lead somewhere, and it needs no network.

Every ``python`` and ``console`` block of README.md and docs/ runs, page by page, in an empty folder of the page's own.
Options stand in an HTML comment on the line above a block, because a word after the language breaks the page:
``<!-- no-run -->`` (only for what installs or measures), ``<!-- exit=1 -->`` (its last command ends with that status),
``<!-- exact -->`` (the output is compared; ``...`` in a line stands for any text, alone for any lines). A whole block
inside a comment runs and is not shown.
"""

import doctest
import importlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from micrographia.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
INSTALLS = re.compile(
    r"(pip|pipx|uv|git|make|cd|apt-get|brew|python3? (-m (pip|venv)|benchmarks/)|(source|\.) \S+/activate"
    # What needs data that do not come along, a window or the network; the tests of the commands run the like.
    r"|napari|micrographia (probe|rerun|embed|segment|fetch)|micrographia \w+ https://example\.org)\b"
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    options: frozenset[str]
    rest: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def status(self) -> int:
        """The exit status that its last command must have; those before it must have 0."""
        return next((int(option[5:]) for option in self.options if option.startswith("exit=")), 0)

    def commands(self) -> list[tuple[str, list[str]]]:
        """Return its commands, each with the output that the page shows for it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line.rstrip())
        for _, shown in found:
            while shown and not shown[-1]:
                shown.pop()
        return found


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, indented ones and those inside comments too."""
    found = []
    lines = page.read_text("utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = re.fullmatch(r"( *)(```+) *(\w*)(.*)", lines[number])
        number += 1
        if opened is None:
            continue
        indent, fence, language, rest = opened.groups()
        start = number
        while number < len(lines) and lines[number].strip() != fence:
            number += 1
        text = "\n".join(line.removeprefix(indent) for line in lines[start:number])
        above = re.fullmatch(r"\s*<!-- *(.+?) *-->", lines[start - 2]) if start > 1 else None
        options = frozenset(above[1].split()) if above else frozenset()
        found.append(Block(page, start, language, options, rest.strip(), text))
        number += 1
    return found


BLOCKS = {page: blocks(page) for page in PAGES}


def runnable(block: Block) -> bool:
    return block.language in {"python", "console"} and "no-run" not in block.options


def run_python(block: Block, module: ModuleType) -> None:
    # Blank lines in front make a traceback name the line of the page.
    code = compile("\n" * block.line + block.text, block.place.split(":")[0], "exec")
    exec(code, vars(module))  # noqa: S102 - running what the page shows is the test


def pattern(shown: list[str]) -> str:
    """Return a regular expression for what a page shows."""
    parts = []
    for line in shown:
        text = ".*".join(re.escape(part) for part in line.split("..."))
        parts.append(r"(?:.*\n)*?" if line.strip() == "..." else rf"{text}\n")
    return "".join(parts)


def run_console(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    commands = block.commands()
    assert commands, f"{block.place}: no line begins with '$ '"
    for number, (command, shown) in enumerate(commands, 1):
        words = shlex.split(command, comments=True)
        target = words[-1] if words[-2:-1] == [">"] else None
        assert words[0] == "micrographia", (
            f"{block.place}: only micrographia's own commands can run, not {words[0]}"
        )
        status = main(words[1 : -2 if target else None])
        output = capsys.readouterr()
        wanted = block.status if number == len(commands) else 0
        assert status == wanted, f"{block.place}: {command}: status {status}\n{output.out}{output.err}"
        if target:
            Path(target).write_text(output.out, "utf-8")
        if "exact" in block.options:
            said = "".join(f"{line.rstrip()}\n" for line in output.out.splitlines())
            differs = f"{block.place}: {command}: the page shows other than\n\n{said}"
            assert re.fullmatch(pattern(shown), said.rstrip("\n") + "\n"), differs


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(map(runnable, BLOCKS[page]))], ids=lambda page: page.stem
)
def test_code_of_the_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".settings"))  # no lab file of one's own
    monkeypatch.delenv("MICROGRAPHIA_LAB", raising=False)
    # A module of its own, known by name as a script's is, so that dataclasses and pickling work.
    module = ModuleType(f"page_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in filter(runnable, BLOCKS[page]):
        if block.language == "python":
            run_python(block, module)
            capsys.readouterr()
        else:
            run_console(block, capsys)


def test_only_installing_and_measuring_is_not_run():
    idle = [block for page in PAGES for block in BLOCKS[page] if "no-run" in block.options]
    assert idle, "README.md says how to set up, which no test runs"
    for block in idle:
        assert block.language == "console", block.place
        for command, _ in block.commands():
            assert INSTALLS.match(command), (
                f"{block.place}: {command!r} neither installs nor measures, so it must run"
            )


def test_options_are_known_and_stand_above():
    for page in PAGES:
        for block in BLOCKS[page]:
            assert not block.rest, f"{block.place}: write {block.rest!r} in a comment above the block"
            unknown = {
                option for option in block.options if not re.fullmatch(r"no-run|exact|exit=\d+", option)
            }
            assert not unknown, f"{block.place}: {unknown}"


def test_shell_blocks_are_consoles():
    """A block in another shell language would look like one that runs, and would not."""
    for page in PAGES:
        for block in BLOCKS[page]:
            assert block.language not in {"bash", "sh", "shell", "py", "python3", "pycon"}, block.place


def prose(page: Path) -> str:
    """Return a page without its blocks and comments; what is set as code is one word."""
    text = re.sub(r"^( *)(```+).*?^\1\2 *$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`", "code", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files_and_pictures_have_words(page):
    for mark, words, target in re.findall(r"(!?)\[([^]]*)\]\(([^)\s]+)[^)]*\)", prose(page)):
        assert words.strip(), f"{page.name}: the link to {target} has no text"
        if not re.match(r"https?:|mailto:|#", target):
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name}: {target} is not there"
        assert not (mark and target.startswith("http")), f"{page.name}: picture {target} is on the network"


def navigation(entries: list[object]) -> set[str]:
    """Return the files named by a navigation tree."""
    if isinstance(entries, str):
        return {entries}
    children = entries.values() if isinstance(entries, dict) else entries
    return set().union(*map(navigation, children))


def test_every_page_is_in_the_navigation():
    project = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    listed = navigation(project["nav"])
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    # The index of the rules leads to the page of each.
    assert {page for page in pages if not page.startswith("rules/")} <= listed


def test_the_navigation_leads_to_pages():
    project = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    assert not {page for page in navigation(project["nav"]) if not (DOCS / page).is_file()}


def test_what_is_shown_may_leave_out_lines_and_words():
    said = "  8 images   12 ms each\n  one\n  two\n  Next: card\n"
    assert re.fullmatch(pattern(["  8 images   ... each", "  ...", "  Next: card"]), said)
    assert not re.fullmatch(pattern(["  8 images   ... each", "  Next: card"]), said)
    assert not re.fullmatch(pattern(["  9 images   ... each", "  ..."]), said)


def test_site_builds_and_asks_for_nothing_from_the_network(tmp_path):
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    shutil.copytree(DOCS, tmp_path / "docs")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
    made = sorted((tmp_path / "site").rglob("*.html"))
    assert len(made) > len(list(DOCS.rglob("*.md")))  # one each, and the page for what is not found
    for page in made:
        text = page.read_text("utf-8")
        loaded = re.findall(
            r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=[\"']?(\w+://[^\"' >]+)", text
        )
        assert not loaded, f"{page.name} loads {loaded}"


def modules_with_examples() -> list[str]:
    """Return the modules whose docstrings show code."""
    source = ROOT / "src"
    return [
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(source.rglob("*.py"))
        if any(">>> " in line and "+SKIP" not in line for line in path.read_text("utf-8").splitlines())
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.attempted > 0
    assert result.failed == 0
