import pytest

from micrographia.errors import ProtocolError
from micrographia.protocols import Protocol, included, load_protocol

WHOLE = """\
micrographia_protocol: 1
name: mine
title: Mine
unit: donor
delta: 0.1
primary: near
tasks:
  - {name: near, kind: nearest_neighbour, label: moa, exclude: [donor]}
"""


def written(folder, text):
    path = folder / "protocol.yaml"
    path.write_text(text)
    return path


def test_protocols_that_come_along_can_be_read():
    assert set(included()) >= {"bbbc021", "sq00015054", "diabetes", "nuclei"}
    for name in included():
        protocol = load_protocol(name)
        assert protocol.name == name
        assert protocol.primary_task.name == protocol.primary


def test_checksum_depends_on_what_is_said_and_not_on_how(tmp_path):
    first = load_protocol(written(tmp_path, WHOLE))
    lines = WHOLE.splitlines()
    again = "\n".join(["# a comment", lines[0], *reversed(lines[1:6]), *lines[6:]])
    assert load_protocol(written(tmp_path, again)).sha256 == first.sha256
    assert load_protocol(written(tmp_path, WHOLE.replace("0.1", "0.2"))).sha256 != first.sha256
    assert Protocol.model_validate(first.model_dump(mode="json")) == first


def test_a_task_has_the_metric_of_its_kind_if_it_names_none(tmp_path):
    assert load_protocol(written(tmp_path, WHOLE)).primary_task.metric == "accuracy"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("delta: 0.1", "delta: -1"), r"line 5: delta: .*greater than 0"),
        (("unit: donor\n", ""), r"unit is missing"),
        (("delta", "detla"), r"line 5|delta is missing"),
        (("primary: near", "primary: far"), r"primary task 'far' is none of the tasks near"),
        (("kind: nearest_neighbour", "kind: nearest"), r"line 8: tasks.0.kind"),
        (("label: moa,", "label: moa, metric: auc,"), r"line 8.*metric 'auc' is none of"),
        (("label: moa,", "label: moa, control_for: other,"), r"'other', which is no task"),
        (("micrographia_protocol: 1\n", ""), r"micrographia_protocol: 1 is missing"),
        (("tasks:", "diagnostics: [layer]\ntasks:"), r"no diagnostic 'layer'"),
        (("unit: donor", "unit: [donor"), r"protocol.yaml"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, change, told):
    with pytest.raises(ProtocolError, match=told):
        load_protocol(written(tmp_path, WHOLE.replace(*change)))


def test_names_that_are_close_are_suggested(tmp_path):
    with pytest.raises(ProtocolError, match="Did you mean bbbc021"):
        load_protocol("bbbc21")
    with pytest.raises(ProtocolError, match="Did you mean crossed"):
        load_protocol(written(tmp_path, WHOLE + "crosed: [week]\n"))


def test_a_nuisance_is_a_column_or_a_baseline(tmp_path):
    with pytest.raises(ProtocolError, match="either a column or a baseline"):
        load_protocol(written(tmp_path, WHOLE + "nuisances: [{name: week}]\n"))


GENES = """\
micrographia_protocol: 1
name: mine
title: Mine
unit: gene
delta: 0.1
primary: genes
tasks:
  - {name: genes, kind: known_pairs, label: gene, pairs: complexes.csv}
  - {name: found, kind: recall, label: gene, k: 5, metric: hit}
"""


@pytest.mark.parametrize("text", ["RPL3,RPL4,0.9\n\nRPL3,RPL5\n", "RPL3\tRPL4\t0.9\nRPL3\tRPL5\n"])
def test_known_pairs_stand_in_a_table_beside_the_protocol(tmp_path, text):
    (tmp_path / "complexes.csv").write_text(text)
    task = load_protocol(written(tmp_path, GENES)).primary_task
    assert task.pairs == [("RPL3", "RPL4"), ("RPL3", "RPL5")]
    assert (task.metric, task.tail, task.measured) == ("signed_recall", 0.05, "signed recall")
    listed = GENES.replace("complexes.csv", "[[RPL3, RPL4], [RPL3, RPL5]]")
    assert load_protocol(written(tmp_path, listed)).sha256 == load_protocol(written(tmp_path, GENES)).sha256
    (tmp_path / "complexes.csv").write_text(text + "RPL4,RPL5\n".replace(",", "\t" if "\t" in text else ","))
    assert load_protocol(written(tmp_path, GENES)).sha256 != load_protocol(written(tmp_path, listed)).sha256
    assert load_protocol(written(tmp_path, GENES)).tasks[1].measured == "hit at 5"


@pytest.mark.parametrize(
    ("change", "table", "told"),
    [
        ((), None, "names pairs in complexes.csv, which cannot be read"),
        ((), "RPL3\n", r"complexes.csv: line 1 is no pair of names"),
        ((), "a,b\nRPL3,\n", r"line 2 is no pair of names"),
        (("complexes.csv", "../complexes.csv"), "a,b\n", "outside its folder"),
        (("complexes.csv", "/etc/passwd"), "a,b\n", "outside its folder"),
        ((", pairs: complexes.csv", ""), "a,b\n", "needs known pairs: pairs, or pairs_sameby"),
        (("k: 5", "pairs: complexes.csv"), "a,b\n", "has pairs, which only the kind known_pairs knows"),
        (("pairs: complexes.csv", "pairs: [[a]]"), "a,b\n", "line 8: tasks.0.pairs"),
        (("label: gene, pairs", "label: gene, tail: 0.5, pairs"), "a,b\n", "tail"),
    ],
)
def test_what_is_wrong_with_pairs_is_told(tmp_path, change, table, told):
    if table is not None:
        (tmp_path / "complexes.csv").write_text(table)
    path = written(tmp_path, GENES.replace(*change) if change else GENES)
    with pytest.raises(ProtocolError, match=told):
        load_protocol(path)


def test_the_checksum_of_other_tasks_does_not_know_of_pairs(tmp_path):
    """Results that were written before there were known pairs must still agree with their protocol."""
    assert load_protocol("bbbc021").sha256.startswith("da234e273890")
