"""Whatever people write into mifa.yaml and files.tsv: findings or one error that names the file, never a traceback."""

import copy
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder import Builder
from micrographia.checks import Needs, Report, check_facts, gather
from micrographia.checks.checking import mend_findings
from micrographia.checks.runner import INTERNAL_ERROR
from micrographia.errors import MicrographiaError
from micrographia.report.findings_html import findings_html
from micrographia.report.findings_json import findings_json
from micrographia.report.findings_markdown import findings_markdown
from micrographia.report.findings_sarif import findings_sarif
from micrographia.report.findings_text import findings_text

QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

ODD = (None, "", "?", "? later", "TODO", [], {}, [[]], [None], -1, 0, 1e308, float("inf"), True, "9" * 400, "\u2028",
       "a: b", "\x00", "'", {"?": None}, ["a", 1, {}], "2023-13-45", "<b>", "http://")  # fmt: skip

TOKENS = ("\t", "\n", "\r\n", '"', "../", "./", "/", "\\", "images/field_01.tif", "masks", "", "\x00", "\x1b[31m",
          "1e9", "-1", "nuclei", "segmentation_mask", "Files", "group:", "é", "\ufeff", "0" * 300, "*")  # fmt: skip


def judged(folder: Path) -> Report | None:
    """Return the report of a dataset; None if it was refused with one error that says where and what."""
    try:
        facts = gather(folder, needs=Needs.HEADERS, checksums=True, workers=1)
    except MicrographiaError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.path
        assert refused.problem
        return None
    report = check_facts(facts)
    assert not [finding.message for finding in report.findings if finding.code == INTERNAL_ERROR]
    for render in (findings_text, findings_html, findings_json, findings_sarif, findings_markdown):
        assert render(report).encode("utf-8", "surrogatepass")
    if report.fixable:
        with suppress(MicrographiaError):
            mend_findings(facts, report)
    return report


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside dictionaries and lists."""
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in items:
        found += places(held, (*at, key))
    return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    builder = Builder(tmp_path_factory.mktemp("fuzzed"), images=2)
    builder.write()
    return builder


@QUICK
@given(seed=st.integers(0, 2**32), times=st.integers(1, 6))
def test_odd_values_in_the_description(template: Builder, seed: int, times: int) -> None:
    random_ = random.Random(seed)
    fresh = Builder(template.root, images=2)
    for _ in range(times):
        paths = places(fresh.mifa)
        if not paths:
            break
        *parents, last = random_.choice(paths)
        held: Any = fresh.mifa
        for key in parents:
            held = held[key]
        held[last] = copy.deepcopy(random_.choice(ODD))
    fresh.write()
    judged(template.root)


@QUICK
@given(seed=st.integers(0, 2**32), times=st.integers(1, 5))
def test_broken_text_of_the_description(template: Builder, seed: int, times: int) -> None:
    fresh = Builder(template.root, images=2)
    text = (fresh.write() / "mifa.yaml").read_text("utf-8")
    (template.root / "mifa.yaml").write_bytes(mutated(text, random.Random(seed), times))
    judged(template.root)


@QUICK
@given(seed=st.integers(0, 2**32), times=st.integers(1, 8))
def test_broken_text_of_the_list(template: Builder, seed: int, times: int) -> None:
    fresh = Builder(template.root, images=2)
    text = (fresh.write() / "files.tsv").read_text("utf-8")
    (template.root / "files.tsv").write_bytes(mutated(text, random.Random(seed), times))
    judged(template.root)


@QUICK
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_broken_files(template: Builder, seed: int, times: int) -> None:
    random_ = random.Random(seed)
    fresh = Builder(template.root, images=2)
    for _ in range(times):
        path = template.root / random_.choice(fresh.rows)["Files"]
        content = bytearray(path.read_bytes())
        if random_.random() < 0.5:
            content = content[: random_.randrange(len(content) + 1)]
        for _ in range(random_.randrange(8)):
            if content:
                content[random_.randrange(len(content))] = random_.randrange(256)
        path.write_bytes(bytes(content))
    fresh.write()
    judged(template.root)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"- a list",
        b"just text",
        b"a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\ne: [*d,*d,*d,*d]\n"
        * 3,
        b"!!python/object/apply:os.system ['true']",
        b"study: " + b"{a: " * 3000,
        b"micrographia_format: 99",
        b"\x00" * 100,
    ],
)
def test_descriptions_that_are_none(content: bytes, tmp_path: Path) -> None:
    folder = Builder(tmp_path, images=1).write()
    (folder / "mifa.yaml").write_bytes(content)
    judged(folder)


def mutated(text: str, random_: random.Random, times: int) -> bytes:
    """Return a text with pieces cut out, doubled, swapped and put in."""
    for _ in range(times):
        at, end = sorted(random_.randrange(len(text) + 1) for _ in range(2))
        end = min(end, at + 60)
        match random_.randrange(4):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:end] + text[at:end] + text[end:]
            case 2:
                text = text[:at] + random_.choice(TOKENS) + text[at:]
            case _:
                lines = text.splitlines(keepends=True)
                lines.insert(random_.randrange(len(lines) + 1), random_.choice(lines or [""]))
                text = "".join(lines)
    return text.encode("utf-8", "replace")
