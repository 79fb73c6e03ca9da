"""What holds for the project as a whole: a quick start, files of one job, nothing that ties it to one machine."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import micrographia

ROOT = Path(__file__).parent.parent
# Written in halves, so that this file does not name what it looks for.
HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(org|com)", "conda" + r"\.io"])
)
MACHINE = re.compile(
    r"(?<![\w.~/:-])/" + r"(work|root|farm|Users/\w+|home/(?!runner\b|user\b|me\b)\w+)" + "/"
)
HEAVY = {
    "click", "h5py", "imagecodecs", "jinja2", "matplotlib", "numba", "numpy", "pandas", "PIL", "pyarrow", "pydantic",
    "rich", "scipy", "skimage", "sklearn", "tifffile", "torch", "transformers", "typer", "yaml", "zarr",
}  # fmt: skip


def tracked() -> list[Path]:
    """Return the text files of the project, without what was made or installed."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no checkout")
    paths = [ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def imported(code: str) -> set[str]:
    """Return the top-level modules that a fresh Python has imported after some code."""
    told = "import sys; print(); print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {told}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], []])
def test_quick_answers_import_nothing_heavy(arguments):
    names = imported(f"from micrographia.cli import main; assert main({arguments!r}) == 0")
    assert "micrographia" in names
    assert not names & HEAVY


@pytest.mark.parametrize("module", ["errors", "findings", "plugins", "work"])
def test_shared_base_imports_nothing_heavy(module):
    names = imported(f"import micrographia.{module}")
    assert "micrographia" in names
    assert not names & HEAVY


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    printed = subprocess.run(
        [sys.executable, "-c", "from micrographia.cli import main; main(['--version'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert citation["version"] == micrographia.__version__
    assert printed == f"micrographia {micrographia.__version__}\n"


def test_citation_agrees_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"].lower() == project["name"]
    assert citation["license"] == project["license"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in project["authors"]
    ]


def test_changelog_has_a_section_for_what_comes():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    section = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, "CHANGELOG.md has no section '## Unreleased'"
    for line in filter(None, map(str.rstrip, section[1].splitlines())):
        assert line.startswith(("- ", "  ", "### ")), f"one line a change, begun with '- ': {line!r}"


def test_no_file_names_a_machine_or_a_package_host():
    for path in tracked():
        text = path.read_text("utf-8", errors="replace")
        for pattern in (HOSTS, MACHINE):
            found = pattern.search(text)
            assert found is None, f"{path.relative_to(ROOT)} names {found[0]}"


def test_source_files_have_one_job():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "src").rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) >= 450
    }
    assert not long, "find the second job"


def test_make_help_lists_every_target():
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = set(re.findall(r"^\.PHONY: (\S+)", text, re.MULTILINE))
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown, re.MULTILINE))
    assert listed.keys() == phony
    assert {"help", "demo", "test", "lint", "docs", "validate", "bench", "clean"} <= phony


def test_old_python_is_refused_in_words(tmp_path):
    """Set-up looks at the interpreter before it makes anything."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\ncase $2 in *version_info*print*|*print*) echo 3.9.2 ;; *) exit 1 ;; esac\n")
    old.chmod(0o755)
    script = ROOT / ".ci" / "venv"
    done = subprocess.run(
        [script, "env", "nothing"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHON": str(old)},
    )  # fmt: skip
    assert done.returncode == 1
    assert f"needs Python 3.11 or newer; found: {old} (3.9.2)" in done.stderr
    assert not (tmp_path / "env").exists()


def test_half_made_environment_is_made_anew(tmp_path):
    script = ROOT / ".ci" / "venv"

    def whole(name="env"):
        return subprocess.run([script, "--check", name], cwd=tmp_path, check=False).returncode == 0

    assert not whole()
    environment = tmp_path / "env"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to("no-such-python")
    assert not whole()
    # An empty list of requirements is all that can be installed without the network.
    (tmp_path / "none.txt").touch()
    subprocess.run(
        [script, "env", "--requirement", "none.txt"], cwd=tmp_path, capture_output=True, check=True,
        env=os.environ | {"PYTHON": sys.executable},
    )  # fmt: skip
    assert whole()
    (environment / ".unfinished").touch()
    assert not whole()
    (environment / ".unfinished").unlink()
    environment.rename(tmp_path / "moved")
    assert not whole("moved")
