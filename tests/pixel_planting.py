"""Plant a defect in pixels, and see that the rule for it fires, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from builder import Array, Builder
from micrographia.checks import Needs, Report, check_facts, gather
from micrographia.findings import Finding, Level
from planting import Case


def mask(change: Callable[[Array], Array], name: str = "field_01") -> Callable[[Builder], None]:
    """Return what changes the mask of a field."""
    return lambda builder: (
        builder.put(f"masks/{name}.png", change(builder.read(f"masks/{name}.png"))) and None
    )


def picture(change: Callable[[Array], Array], name: str = "field_01") -> Callable[[Builder], None]:
    """Return what changes the image of a field."""
    return lambda builder: (
        builder.put(f"images/{name}.tif", change(builder.read(f"images/{name}.tif"))) and None
    )


def full_report(builder: Builder) -> Report:
    """Write a dataset and let every rule judge."""
    return check_facts(gather(builder.write(), needs=Needs.PIXELS, checksums=True, workers=1))


def run_pixel_case(case: Case, folder: Path, images: int = 4) -> list[Finding]:
    """Plant a defect, and compare what is found with what is to be found; return the findings of the rule."""
    builder = Builder(folder, images=images)
    case.plant(builder)
    report = full_report(builder)
    found = [finding for finding in report.findings if finding.code == case.code]
    told = [f"{finding.code} {finding.message} ({finding.place})" for finding in report.findings]
    assert {finding.code for finding in report.findings} == {
        *case.also,
        *([case.code] if case.fires else []),
    }, told
    assert len(found) == case.fires, told
    for finding in found:
        assert finding.path, "a finding says where"
        assert finding.fix, "a finding says what to do"
        assert finding.level in (Level.CONFIRMED, None)
        assert finding.to_json()
    if found:
        assert case.says in f"{found[0].message} {found[0].fix} {found[0].path}", told
    return found
