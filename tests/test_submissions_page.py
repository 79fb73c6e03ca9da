"""The study of submissions says what the data say."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "docs/pictures/make_submissions.py"


@pytest.mark.real_data
def test_the_page_is_current(data: Path, tmp_path: Path) -> None:
    spec = spec_from_file_location("make_submissions", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.PAGE.read_text("utf-8")
    written = page.split(script.BEGIN)[1].split(script.END)[0].strip("\n")
    assert written == script.section(data), f"run: python {SCRIPT} {data}"
    rows, _ = script.judged(data)
    script.draw(rows, tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")
