import json


def test_card_says_where_the_page_is(command, described):
    told = command("card", described, "--pictures", "2", "--workers", "1")
    assert told.status == 0
    lines = told.out.splitlines()
    assert lines[0].startswith(f"  Wrote {described}/card.html   (")
    assert lines[1] == f"  Wrote {described}/badge.svg"
    assert (described / "card.html").read_text("utf-8").startswith("<!doctype html>")
    assert (described / "badge.svg").read_text("utf-8").startswith("<svg")


def test_a_card_is_no_part_of_the_dataset(command, described):
    assert command("card", described, "--pictures", "0", "--no-pixels").status == 0
    told = command("describe", described)
    assert "new:" not in told.out
    assert "card.html" not in (described / "files.tsv").read_text()


def test_page_and_badge_elsewhere_as_json(command, made, tmp_path):
    page, badge = tmp_path / "a.html", tmp_path / "b.svg"
    told = command(
        "card",
        made / "converted",
        "--out",
        page,
        "--badge",
        badge,
        "--no-pixels",
        "--pictures",
        "1",
        "--json",
    )
    assert (told.status, told.err) == (0, "")
    document = json.loads(told.out)
    assert document == {
        "card": str(page),
        "badge": str(badge),
        "bytes": len(page.read_text("utf-8")),
        "unreadable": [],
    }
    assert badge.is_file()


def test_an_image_that_cannot_be_read_is_left_out_and_told(command, described):
    image = min((described / "images").iterdir())
    image.write_bytes(b"nothing")
    told = command("card", described, "--no-pixels", "--pictures", "1")
    assert told.status == 0
    assert "left out: " in told.out
    assert image.stem in told.out


def test_a_place_that_cannot_be_written_is_one_line(command, made, tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "no" / "card.html", tmp_path / "file" / "card.html"):
        told = command("card", made / "described", "--out", out, "--no-pixels", "--pictures", "0")
        assert (told.status, told.out) == (2, "")
        assert told.err.count("\n") == 1
        assert "cannot be written" in told.err
