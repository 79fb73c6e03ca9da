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
