"""`filtviz layers`: exact output and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.building import as_layer, conv, image, margin, pool

from filtviz import api
from filtviz.cli import main
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Convolution, Merge
from filtviz.parameter import Parameter
from filtviz.summary import TERMINAL, Table, summarize

FULL = Path("/dev/full")


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_under_stdout_is_one_sentence(fixtures):
    command = [sys.executable, "-m", "filtviz", "layers", str(fixtures / "py311" / "layer-p2.pkl")]
    with FULL.open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "filtviz: cannot write to stdout: no space left on device\n"


def test_what_is_left_out_is_said_without_being_asked(fixtures):
    said = CliRunner().invoke(main, ["layers", str(fixtures / "modern" / "ckpt_model_ema.pt")])
    assert "left out: the weights under ema (--weights ema shows them)\n" in said.stdout
    whole = CliRunner().invoke(main, ["layers", str(fixtures / "modern" / "sd_zip.pth")])
    assert "left out" not in whole.stdout


def weights(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def network() -> Network:
    added = {"type": "ElemwiseSumLayer", "output_shape": (None, 4, 6, 6)}
    return Network.of(
        [
            image(1, 12, 12, name="in\x1b[31m"),
            conv(
                weights(4, 1, 3, 3),
                np.zeros(4),
                below=0,
                name="conv1",
                output_shape=(None, 4, 12, 12),
                pad=margin(1),
                flip_filters=True,
            ),
            pool(2, below=1, output_shape=(None, 4, 6, 6)),
            as_layer(Merge(kind="add"), below=(2, 2), **added),
            conv(weights(2, 4, 5, 5), below=3, stride=None),
        ],
        Origin(kind="a bare output layer", container="pickle", inferred=("the order of the layers",)),
    )


TABLE = """\
#  conv  name        type                     output     filters  stride  pad  params  field  covers
-  ----  ----------  -----------------------  ---------  -------  ------  ---  ------  -----  ------
0        in\\x1b[31m  InputLayer               ?x1x12x12                             0  1x1    8%
1     0  conv1       Conv2DLayer              ?x4x12x12  4x1x3x3  1       1        40  3x3    25%
2                    MaxPool2DLayer           ?x4x6x6             2       0         0  4x4    33%
3                    ElemwiseSumLayer ← 2, 2  ?x4x6x6                               0  4x4    33%
4     1  conv2       Conv2DLayer              ?          2x4x5x5  ?       ?       200  ?      ?

5 layers, 2 of them convolutions; 240 parameters, 240 of them in convolutions
inferred: the order of the layers
"""

NARROW = """\
#  conv  name        type                     output     filters  params  field
-  ----  ----------  -----------------------  ---------  -------  ------  -----
0        in\\x1b[31m  InputLayer               ?x1x12x12                0  1x1
1     0  conv1       Conv2DLayer              ?x4x12x12  4x1x3x3      40  3x3
2                    MaxPool2DLayer           ?x4x6x6                  0  4x4
3                    ElemwiseSumLayer ← 2, 2  ?x4x6x6                  0  4x4
4     1  conv2       Conv2DLayer              ?          2x4x5x5     200  ?
… no room for the columns stride, pad and covers, see
  filtviz layers model.pkl --all

5 layers, 2 of them convolutions; 240 parameters, 240 of them in convolutions
inferred: the order of the layers
"""


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Network:
    made = network()
    monkeypatch.setattr(api, "load", lambda *_, **__: made)
    return made


@pytest.mark.usefixtures("loaded")
def test_the_table() -> None:
    ran = CliRunner().invoke(main, ["layers", "model.pkl", "--all"])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == TABLE.splitlines()
    assert ran.stderr == ""


@pytest.mark.cases("all")
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("columns", "expected"), [(None, NARROW), ("x", NARROW), ("80", NARROW), ("-5", NARROW), ("200", TABLE)]
)
def test_the_table_fits_80_columns_or_as_many_as_are_asked_for(columns: str | None, expected: str) -> None:
    ran = CliRunner().invoke(main, ["layers", "model.pkl"], env={"COLUMNS": columns})
    assert ran.stdout == expected


@pytest.mark.cases("all")
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("columns", range(50, 120, 7))
def test_no_line_of_the_table_is_wider_than_it_may_be(columns: int) -> None:
    ran = CliRunner().invoke(main, ["layers", "model.pkl"], env={"COLUMNS": str(columns)})
    lines = ran.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert {"conv", "name", "type", "filters"} <= set(lines[0].split())


def test_long_names_are_cut_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Network.of([conv(weights(4, 1, 3, 3), name="a-very-long-name-of-a-layer-" * 2)])
    monkeypatch.setattr(api, "load", lambda *_, **__: named)
    lines = CliRunner().invoke(main, ["layers", "model.pkl"]).stdout.splitlines()
    assert lines[2].split()[2] == "a-very-long-name-of-a-l…"
    assert lines[0].split()[-1] == "field"


@pytest.mark.cases("all")
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(("height", "shown"), [(40, 5), (13, 5), (12, 4), (1, 4)])
def test_a_window_shows_the_first_layers_that_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, height: int, shown: int
) -> None:
    from filtviz.cli import layers

    monkeypatch.setattr(layers, "window", lambda: (110, height))
    lines = CliRunner().invoke(main, ["layers", "model.pkl"]).stdout.splitlines()
    assert [line[0] for line in lines[2 : 2 + shown]] == list("01234")[:shown]
    told = lines[2 + shown :]
    assert told[:2] == (
        ["", told[1]] if shown == 5 else ["… no room for 1 layer, see", "  filtviz layers model.pkl --all"]
    )
    assert len(lines) <= max(height, 11)


def printed(monkeypatch: pytest.MonkeyPatch, network: Network, *options: str) -> list[str]:
    """Both streams of the command, results first, without blanks at the ends of lines."""
    monkeypatch.setattr(api, "load", lambda *_, **__: network)
    ran = CliRunner().invoke(main, ["layers", "model.pkl", *options])
    assert ran.exit_code == 0, ran.output
    return [line.rstrip() for line in (ran.stdout + ran.stderr).splitlines()]


def test_padding_that_differs_on_both_sides_is_written_out_and_what_is_not_known_is_questioned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [
        image(3, None, 20),
        conv(
            weights(4, 3, 3, 5),
            below=0,
            stride=(2, 1),
            pad=((0, 1), (2, 2)),
            output_shape=(None, 4, None, 20),
        ),
    ]
    cells = [line.split() for line in printed(monkeypatch, Network.of(rows), "--all")]
    assert cells[0] == [
        "#", "conv", "name", "type", "output", "filters", "stride", "pad", "params", "field", "covers",
    ]  # fmt: skip
    assert cells[2][-3:] == ["0", "1x1", "?x5%"]
    assert cells[3] == [
        "1", "0", "conv1", "Conv2DLayer", "?x4x?x20", "4x3x3x5", "2x1", "0+1x2", "180", "3x5", "?x25%",
    ]  # fmt: skip


def test_one_of_a_kind_is_no_plural_and_thousands_are_set_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lone = Network.of([conv(weights(1, 1, 1, 1))])
    assert printed(monkeypatch, lone)[-1] == (
        "1 layer, 1 of them convolutions; 1 parameter, 1 of them in convolutions"
    )
    dense = Layer(type="DenseLayer", parameters=(Parameter.of("W", np.zeros((40, 50))),))
    assert printed(monkeypatch, Network.of([conv(weights(20, 30, 3, 3)), dense]), "--all")[-1] == (
        "2 layers, 1 of them convolutions; 7,400 parameters, 5,400 of them in convolutions"
    )


def test_what_a_bare_list_does_not_tell_of_its_first_layer_is_questioned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dense = Layer(type="DenseLayer")
    _, _, first, second, *_ = printed(
        monkeypatch, Network.of([conv(weights(4, 1, 3, 3), stride=None), dense])
    )
    assert first.split() == ["0", "0", "conv1", "Conv2DLayer", "?", "4x1x3x3", "?", "?", "36", "?", "?"]
    assert second.split() == ["1", "DenseLayer", "?", "0", "?", "?"]


def test_a_network_without_filters_is_told_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network.of([Layer(type="DenseLayer")], Origin(kind="a bare output layer"))
    lines = printed(monkeypatch, network)
    assert lines[-1] == f"model.pkl holds {network.describe()}: there is no filter to draw"
    assert lines[-2].startswith("1 layer, 0 of them convolutions")


def test_what_the_file_is_stands_above_the_table_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin = Origin(
        path=Path("model.pkl"),
        kind="a list of layers",
        container="gzip",
        protocol=2,
        python="2.7",
        versions={"nolearn": "0.5", "lasagne": "0.1"},
        classes=("lasagne.layers.Conv2DLayer", "evil\x1b[31m"),
        notes=("a note\n",),
    )
    network = Network.of([conv(weights(1, 1, 1, 1))], origin, history=[{}] * 1200)
    lines = printed(monkeypatch, network, "-v")
    assert lines[:12] == [
        "file:            model.pkl",
        "holds:           a list of layers",
        "container:       gzip",
        "pickle protocol: 2",
        "written by:      Python 2.7",
        "versions:        nolearn 0.5, lasagne 0.1",
        "training:        1,200 epochs recorded",
        "note:            a note\\n",
        "classes named in the file, none of which was imported (2):",
        "  lasagne.layers.Conv2DLayer",
        "  evil\\x1b[31m",
        "",
    ]
    assert lines[12:] == printed(monkeypatch, network)
    bare = printed(monkeypatch, Network.of(network.layers, Origin(kind="arrays")), "--verbose")
    assert bare[:3] == ["file:            None", "holds:           arrays", ""]
    oldest = printed(monkeypatch, Network.of(network.layers, Origin(kind="arrays", protocol=0)), "-v")
    assert oldest[2] == "pickle protocol: 0"


@pytest.mark.usefixtures("loaded")
def test_json() -> None:
    ran = CliRunner().invoke(main, ["layers", "model.pkl", "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert "\x1b" not in ran.stdout
    assert told["kind"] == "a bare output layer"
    assert told["totals"] == {"layers": 5, "convolutions": 2, "parameters": 240, "conv_parameters": 240}
    assert told["layers"][1] == {
        "index": 1,
        "conv_index": 0,
        "name": "conv1",
        "type": "Conv2DLayer",
        "inputs": [0],
        "output_shape": [None, 4, 12, 12],
        "filter_shape": [4, 1, 3, 3],
        "kernel": [3, 3],
        "stride": [1, 1],
        "pad": [[1, 1], [1, 1]],
        "dilation": [1, 1],
        "flip_filters": True,
        "axes": "oirc",
        "groups": None,
        "parameters": 40,
        "receptive_field": [3, 3],
        "coverage": [0.25, 0.25],
    }
    assert (told["layers"][4]["receptive_field"], told["layers"][4]["coverage"]) == (None, None)
    assert told["layers"][4]["stride"] is None
    assert [layer["conv_index"] for layer in told["layers"]] == [None, 0, None, None, 1]
    assert [layer["inputs"] for layer in told["layers"]] == [[], [0], [1], [2, 2], [3]]
    assert (told["container"], told["inferred"], told["epochs"]) == (
        "pickle",
        ["the order of the layers"],
        0,
    )


def test_a_missing_file_is_one_sentence() -> None:
    ran = CliRunner().invoke(main, ["layers", "nowhere/model.pkl"])
    assert ran.exit_code == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("filtviz: ")
    assert "nowhere/model.pkl" in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "arguments", [["layers"], ["layers", "a", "b"], ["layers", "a", "--no-such"], ["lyers"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_every_command_has_an_example_in_its_help() -> None:
    from filtviz.cli import COMMANDS

    for name in COMMANDS:
        ran = CliRunner().invoke(main, [name, "--help"])
        assert ran.exit_code == 0
        assert f"filtviz {name} " in ran.stdout.split("Example")[1]


def test_groups_stand_with_the_type():
    layers = [
        ConvLayer(
            type="Conv2d",
            operations=(Convolution(weights=Parameter.of("W", weights(8, 8 // n, 3, 3)), groups=n),),
        )
        for n in (8, 1)
    ]
    summary = summarize(Network.of(layers))
    assert [row.groups for row in summary.rows] == [8, 1]
    assert [row[3] for row in Table.of(summary, TERMINAL).rows] == ["Conv2d (8 groups)", "Conv2d"]
