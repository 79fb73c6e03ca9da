from collections.abc import Callable
from pathlib import Path

import pytest

from builder import Builder
from planting import Case, row, run_case, uncovered


def lines(edit: Callable[[list[str]], object]) -> Callable[[Builder], None]:
    # files.tsv as text is edited after it was written: a row cannot say what is wrong with its line
    def plant(builder: Builder) -> None:
        builder.edit = edit

    return plant


CASES = [
    Case("L001", lines(lambda held: held.insert(3, "")), says="blank"),
    Case(
        "L001", lines(lambda held: held.append("images/a.tif")), fires=2, says="cells", also={"L002", "A006"}
    ),
    Case(
        "L001",
        row("images/field_01.tif", Files="./images//field_01.tif", size="", sha256=""),
        says="write images/field_01.tif",
        also={"A006"},
    ),
    Case("L001", row("images/field_01.tif", role="picture"), says="picture", also={"L016"}),
    Case("L001", lambda b: b.add_row("../secret.tif", "other"), says="leaves the dataset"),
    Case("L001", row("images/field_01.tif", size="big"), says="whole number", also={"A006"}),
    Case("L001", lambda b: b.add_row("notes/a.txt", "other"), fires=0, also={"L002", "A006"}),
    Case("L005", lambda b: b.put("images/extra.tif", b.read("images/field_01.tif")), says="not listed"),
    Case("L005", lambda b: (b.root / "README.md").write_text("read me"), fires=0),
    Case("L005", lambda b: (b.root / ".hidden").write_text("hidden"), fires=0),
    Case("L006", lambda b: (b.root / "more").symlink_to(b.root / "images"), says="link to a folder"),
    Case("L006", lambda b: (b.root / "more").mkdir(), fires=0),
    Case("L007", lambda b: b.rows.append(dict(b.rows[0])), says="a second time"),
    Case(
        "L007",
        lambda b: b.rows.append(dict(b.rows[0], image="copy")),
        says="image field_01 (line 2) and as image copy",
        also={"M022"},
    ),
    Case(
        "L007",
        lambda b: b.rows.append(dict(b.rows[1], **{"source image": "field_02"})),
        says="of field_02",
        also=set(),
    ),
    Case("L007", lambda b: b.rows.append(dict(b.rows[0], member="1")), fires=0, also={"L018", "F002"}),
    Case(
        "L008", row("masks/field_01.png", Files="images/field_01.tif"), says="image field_01", also={"L005"}
    ),
    Case("L008", row("masks/field_01.png", Files="masks/field_02.png"), fires=0, also={"L005", "L007"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.listing", CASES)
