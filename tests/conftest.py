"""What all tests share: where real data are, and that in CI nothing that needs them is skipped."""

import os
from pathlib import Path

import pytest

CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data named by ``$MICROGRAPHIA_DATA``; the test skips where there is none."""
    named = os.environ.get("MICROGRAPHIA_DATA", "")
    if not named or not Path(named).is_dir():
        missing("real data: set MICROGRAPHIA_DATA to their folder")
    return Path(named).resolve()


def missing(what: str) -> None:
    """Skip a test for want of something outside the project; in CI that is a failure."""
    if CI:
        pytest.fail(f"CI must have {what}", pytrace=False)
    pytest.skip(f"no {what}")
