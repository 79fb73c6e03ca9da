"""A report of a check for tests: defects of every severity, a waiver, and texts that want to break out."""

from pathlib import Path

from builder import Builder
from micrographia.checks import Report
from planting import report_of

NASTY = "Nuclei <script>alert(1)</script> | **bold** [link](http://x) \u001b[31m & 'quoted' \"text\""


def report_with_defects(folder: Path) -> Report:
    """Return the report of a dataset with 1 fixable error, 12 unlisted files, and more."""
    builder = Builder(folder, images=4)
    builder.set("study.title", NASTY)
    builder.set("annotations[0].annotation_type", ["Segmentation masks"])
    builder.remove("annotations[0].annotation_criteria")
    builder.remove("study.links")
    builder.set("waivers[0].reason", NASTY)
    builder.row("masks/field_02.png")["source image"] = "<b>field</b>"
    for number in range(12):
        builder.put(f"images/left over {number}<i>.tif", builder.read("images/field_01.tif"))
    return report_of(builder)
