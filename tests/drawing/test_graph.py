"""The network drawn: boxes, where they stand, and what is written of them."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from importlib import import_module
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.building import as_layer, conv, image
from tests.telling import FIXTURES

import filtviz
from filtviz import ArgumentError, DrawingError
from filtviz.activations import Activation
from filtviz.cli import main
from filtviz.drawing.graphs import Box, Graph, GraphPicture, as_dot, as_lines, as_mermaid, graph_of, placing
from filtviz.drawing.graphs import picture as pictures
from filtviz.drawing.graphs.boxes import _word
from filtviz.drawing.graphs.placing import BOX_WIDTH, place
from filtviz.network import Layer, Network
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    Identity,
    Input,
    Merge,
    Normalisation,
    Reduction,
    Softmax,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSION, BRANCHES = EXAMPLES / "mission-trained.pkl", FIXTURES / "py27" / "branches-layer.pkl"


def norm() -> Normalisation:
    return Normalisation(gamma=Parameter.of("gamma", np.ones(2)))


def residual() -> Network:
    """A convolution with what follows it, a sum, and a convolution that two layers read."""
    kernel = np.zeros((2, 2, 3, 3))
    return Network.of(
        [
            image(2, 8, 8, name="x"),
            conv(kernel, below=0, name="a", nonlinearity="linear"),
            Layer(name="bn", inputs=(1,), operations=(norm(),), output_shape=(None, 2, 6, 6)),
            Layer(
                name="relu",
                inputs=(2,),
                operations=(Activation(kind="rectify"),),
                output_shape=(None, 2, 6, 6),
            ),
            conv(kernel, below=3, name="b", nonlinearity="linear"),
            Layer(name="alone", inputs=(3,), operations=(Activation(kind="tanh"),)),
            Layer(name="sum", inputs=(4, 5), operations=(Merge(kind="add"),)),
            Layer(name="drop", inputs=(6,), operations=(Identity(what="Dropout"),)),
            Layer(name="odd", type="Odd", inputs=(7,), operations=(Untold(reason="nobody knows"),)),
            Layer(name="behind", inputs=(8,), operations=(Activation(kind="rectify"),)),
        ]
    )


def test_what_follows_a_layer_alone_stands_in_its_box() -> None:
    """Not so where two layers read it, behind the image, or behind what is not told."""
    graph = graph_of(residual())
    assert [(box.title, box.kind, box.lines) for box in graph.boxes] == [
        ("x", "input", ("input",)),
        ("a", "convolution", ("conv 3×3, 2 filters", "norm · relu")),
        ("b", "convolution", ("conv 3×3, 2 filters",)),
        ("alone", "activation", ("tanh",)),
        ("sum", "join", ("add", "dropout")),
        ("odd", "unknown", ("Odd",)),
        ("behind", "activation", ("relu",)),
    ]
    assert graph.links == ((0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 6))
    assert [box.shape_text for box in graph.boxes[:2]] == ["2×8×8", "2×6×6"]
    assert graph.boxes[1].layers == (1, 2, 3)
    assert graph.is_told


def test_every_layer_has_a_box_where_that_is_asked_for() -> None:
    network = residual()
    graph = graph_of(network, whole=True)
    assert [box.layers for box in graph.boxes] == [(place,) for place in range(len(network.layers))]
    assert graph.links == tuple((below, layer.index) for layer in network.layers for below in layer.inputs)


def test_the_mission_says_what_each_layer_does() -> None:
    graph = graph_of(filtviz.load(MISSION))
    assert [(box.title, *box.lines, box.shape_text) for box in graph.boxes][3:5] == [
        ("conv3", "conv 3×3, 20 filters", "relu", "20×25×25"),
        ("pool1", "max pool 2×2, stride 2", "20×12×12"),
    ]
    assert graph.summary == "a Lasagne network with 6 convolutions and 3 dense layers, 81,353 parameters"
    assert sum(box.parameters for box in graph.boxes) == 81_353


def test_links_that_were_concluded_are_told_to_be() -> None:
    graph = graph_of(filtviz.load(EXAMPLES / "mission-torch.pth"))
    assert not graph.is_told
    assert "style=dashed" in as_dot(graph)
    assert "-.->" in as_mermaid(graph)
    assert graph.boxes[0].lines == ("conv 3×3, 20 filters, stride ?", "activation ?")
    told = graph_of(filtviz.load(EXAMPLES / "mission-torch.pth", like=EXAMPLES / "mission-torch.onnx"))
    assert told.is_told
    assert "dashed" not in as_dot(told)


def drawn(n: int, links: list[tuple[int, int]], lines: int = 1) -> Graph:
    box = Box(kind="convolution", title="box", lines=("does",) * lines, shape=(1, 2), layers=(), parameters=0)
    return Graph(name="made", summary="", boxes=(box,) * n, links=tuple(links), is_told=True)


def check_placing(graph: Graph) -> None:
    """No box is over another, links lead downward, and each begins and ends at a box."""
    found = place(graph)
    assert sorted(found.boxes) == list(range(len(graph.boxes)))
    for one, other in combinations(found.boxes.values(), 2):
        apart_x = abs(one.x - other.x) >= BOX_WIDTH - 1e-6
        apart_y = abs(one.y - other.y) >= (one.height + other.height) / 2 - 1e-6
        assert apart_x or apart_y
    bottoms = {(round(b.x, 6), round(b.y + b.height / 2, 6)) for b in found.boxes.values()}
    tops = {(round(b.x, 6), round(b.y - b.height / 2, 6)) for b in found.boxes.values()}
    starts = bottoms | {tuple(round(x, 6) for x in turn[-1]) for turn in found.turns}
    for curve in found.curves:
        assert tuple(round(x, 6) for x in curve[0]) in starts
        assert tuple(round(x, 6) for x in curve[-1]) in tops
        assert all(a[1] <= b[1] + 1e-9 for a, b in pairwise(curve))
    assert all(0 <= box.x - BOX_WIDTH / 2 + 1e-6 <= found.width for box in found.boxes.values())
    assert all(box.y + box.height / 2 <= found.height + 1e-6 for box in found.boxes.values())


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_network_is_placed_without_boxes_over_each_other(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 30))
    links = [
        (a, b)
        for b in range(1, n)
        for a in data.draw(st.lists(st.integers(max(0, b - data.draw(st.integers(1, 9))), b - 1), max_size=3))
    ]
    check_placing(drawn(n, list(dict.fromkeys(links)), data.draw(st.integers(1, 3))))


@pytest.mark.slow
def test_a_long_chain_goes_on_in_columns_and_a_short_one_does_not() -> None:
    short = drawn(16, [(i, i + 1) for i in range(15)])
    assert len({round(box.x, 3) for box in place(short).boxes.values()}) == 1
    long = drawn(70, [(i, i + 1) for i in range(69)])
    found = place(long)
    check_placing(long)
    assert 3 <= len({round(box.x, 3) for box in found.boxes.values()}) == len(found.turns) + 1
    assert 0.5 < found.width / found.height < 2
    # a link over all of them leaves no place where only one box flows on
    crossed = drawn(70, [*((i, i + 1) for i in range(69)), (0, 69)])
    assert place(crossed).turns == []


@pytest.mark.parametrize(("a", "b", "n_turns"), [(0, 30, 4), (20, 50, 4), (5, 60, 3)])
def test_no_column_ends_beside_a_long_link_wherever_it_is_listed(a: int, b: int, n_turns: int) -> None:
    chain = [(i, i + 1) for i in range(69)]
    first, last = place(drawn(70, [(a, b), *chain])), place(drawn(70, [*chain, (a, b)]))
    assert len(first.turns) == len(last.turns) == n_turns
    for found in (first, last):
        assert len({round(found.boxes[i].x, 3) for i in range(a + 2, b - 1)}) == 1


def test_a_chain_beside_a_skipping_link_stays_straight() -> None:
    links = [(i, i + 1) for i in range(12)] + [(i, i + 3) for i in range(0, 10, 3)]
    xs = [box.x for box in place(drawn(13, links)).boxes.values()]
    assert np.ptp(xs) < 0.2


def test_branches_stand_side_by_side_and_what_joins_them_in_the_middle() -> None:
    links = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)]
    boxes = place(drawn(5, links)).boxes
    assert boxes[1].y == boxes[2].y == boxes[3].y
    assert boxes[0].x == pytest.approx(boxes[2].x) == pytest.approx(boxes[4].x)


@pytest.mark.slow
def test_too_many_boxes_are_no_picture_and_still_text() -> None:
    n = placing.MOST_BOXES
    assert len(place(drawn(n, [(i, i + 1) for i in range(n - 1)])).boxes) == n
    many = drawn(n + 1, [])
    with pytest.raises(
        DrawingError, match=r"made has 501 boxes, too many for a picture .*: write \.dot or \.mmd"
    ):
        place(many)
    assert as_dot(many).count("label=") == n + 1
    with pytest.raises(DrawingError, match=r"made would be .* pixels: write \.svg, "):
        GraphPicture(drawn(400, [(0, i) for i in range(1, 400)])).image()
    far = drawn(500, [(i, i + 1) for i in range(499)] + [(0, i) for i in range(2, 500)])
    with pytest.raises(DrawingError, match="links too long for a picture"):
        place(far)


def test_nothing_in_a_name_means_anything_to_the_programs_that_read_it() -> None:
    evil = Box(
        kind="dense", title='a"];x\\', lines=("<script>`b`|#</script>",), shape=(3,), layers=(), parameters=0
    )
    graph = Graph(name='g"{', summary="", boxes=(evil, evil), links=((0, 1),), is_told=True)
    dot = as_dot(graph)
    assert dot.startswith('digraph "g\\"{" {')
    assert 'n0 [label="a\\"];x\\\\\\n<script>`b`|#</script>"' in dot
    mermaid = as_mermaid(graph)
    assert "a#34;#93;#59;x#92;" in mermaid
    assert "script>" not in mermaid
    assert "`" not in mermaid


def test_lines_name_what_feeds_a_layer_where_it_is_not_the_one_above() -> None:
    rows = {row[0]: row for row in as_lines(graph_of(residual()))}
    assert rows["a"] == ("a", "conv 3×3, 2 filters · norm · relu", "2×6×6", "")
    assert rows["alone"][3] == "← a"
    assert rows["sum"][3] == "← b, alone"
    apart = Network.of([image(1, name="x"), Layer(name="y")])
    assert [row[3] for row in as_lines(graph_of(apart))] == ["", "← nothing"]
    alone = Network.of([Layer(name="x"), Layer(name="y")])
    assert [row[3] for row in as_lines(graph_of(alone))] == ["", "← nothing"]  # above the first is nothing


@pytest.mark.slow
def test_a_picture_holds_every_box_in_the_colour_of_its_kind() -> None:
    from matplotlib.colors import to_rgb

    from filtviz.drawing.graphs.picture import COLOURS

    graph = graph_of(filtviz.load(BRANCHES))
    pixels = np.asarray(GraphPicture(graph).image().convert("RGB")).reshape(-1, 3)
    for kind, (fill, _) in COLOURS.items():
        if kind == "unknown":
            continue
        colour = np.round(np.array(to_rgb(fill)) * 255)
        n = (pixels == colour).all(axis=1).sum()
        assert (n > 5000) == any(box.kind == kind for box in graph.boxes), kind


def test_a_figure_holds_titles_and_shapes_as_text() -> None:
    texts = [
        text.get_text() for text in GraphPicture(graph_of(filtviz.load(BRANCHES))).figure().axes[0].texts
    ]
    for text in (
        "branches-layer.pkl",
        "strided",
        "conv 5×3, 4 filters, stride 2×1",
        "4×10×18",
        "concatenate",
    ):
        assert text in texts


def run(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == status, result.output
    return result


@pytest.mark.slow
def test_the_command_writes_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("graph", BRANCHES).stdout == "branches-layer-graph.png\n"
    with Image.open("branches-layer-graph.png") as picture:
        assert picture.width > 400
    for name, start in (
        ("a.svg", b"<?xml"),
        ("b.dot", b"digraph"),
        ("c.mmd", b"flowchart TD"),
        ("d.gv", b"digraph"),
    ):
        assert run("graph", BRANCHES, "-o", f"out/{name}").stdout == f"out/{name}\n"
        assert Path("out", name).read_bytes().startswith(start)
    assert run("graph", BRANCHES, "--format", "mmd", "-o", "out").stdout == "out/branches-layer-graph.mmd\n"
    contradicting = run("graph", BRANCHES, "-o", "a.svg", "--format", "dot", status=2)
    assert "--format dot contradicts the name a.svg" in contradicting.stderr
    assert "no format of pictures" in run("graph", BRANCHES, "-o", "a.jpg", status=2).stderr
    for suffix in ("dot", "svg"):
        model = tmp_path / f"model.{suffix}"
        model.write_bytes(BRANCHES.read_bytes())
        assert "one of the files given" in run("graph", model, "-o", model, status=1).stderr


def test_a_graph_is_text_by_each_name_that_such_files_have(tmp_path: Path) -> None:
    for name, start in (("a.gv", b"digraph"), ("b.mermaid", b"flowchart TD")):
        (written,) = filtviz.graph(BRANCHES, output=tmp_path / name).files
        assert written.path.read_bytes().startswith(start)
    with pytest.raises(ArgumentError, match="format must be one of png, pdf, svg, dot, mmd, not 'gv'"):
        filtviz.graph(BRANCHES, output=tmp_path / "c.gv", format="gv")


def test_a_result_of_another_model_is_kept(tmp_path: Path) -> None:
    other = tmp_path / "branches-layer.pkl"
    other.write_bytes(MISSION.read_bytes())
    run("graph", BRANCHES, "--format", "dot", "-o", tmp_path)
    run("graph", BRANCHES, "--format", "dot", "-o", tmp_path)
    refused = run("graph", other, "--format", "dot", "-o", tmp_path, status=1)
    assert "it shows another model whose name is the same" in refused.stderr


def test_the_command_prints_lines_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = run("graph", BRANCHES, "--terminal").stdout.splitlines()
    assert lines[:2] == [
        "branches-layer.pkl: a Lasagne network with 5 convolutions and 1 dense layer,",
        "1,264 parameters",
    ]
    assert lines[2].split() == ["layer", "what", "it", "does", "gives", "takes"]
    data = json.loads(run("graph", BRANCHES, "--json", "--whole").stdout)
    assert [box["layers"] for box in data["boxes"]] == [[place] for place in range(12)]
    assert data["boxes"][1]["shape"] == [5, 16, 16]
    assert [0, 1] in data["links"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_function_returns_it_all() -> None:
    result = filtviz.graph(MISSION)
    assert result.dot.startswith("digraph")
    assert result.mermaid.startswith("flowchart")
    assert result.files == ()
    assert repr(result).endswith("boxes for 12 layers, 11 links>")
    assert result._repr_png_()[:4] == b"\x89PNG"
    with pytest.raises(DrawingError, match="has no layers to draw"):
        filtviz.graph(Network(layers=()))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "links", "ranks"),
    [
        (1, [], [0]),
        (3, [(0, 1), (1, 2)], [0, 1, 2]),
        (4, [(0, 1), (1, 2), (0, 2), (2, 3)], [0, 1, 2, 3]),
        (
            5,
            [(0, 1), (1, 2), (2, 4), (3, 4)],
            [0, 1, 2, 2, 3],
        ),  # what nothing feeds stands near what it feeds
        (5, [(0, 2), (2, 3), (1, 3), (1, 4), (3, 4)], [0, 1, 1, 2, 3]),
        (3, [(0, 1)], [0, 1, 0]),  # and what is linked to nothing, at the top
    ],
)
def test_a_box_stands_below_all_that_feed_it(n: int, links: list[tuple[int, int]], ranks: list[int]) -> None:
    assert placing._ranks(n, links) == ranks


def test_what_flows_from_a_column_to_the_next_comes_from_the_one_box_that_is_read_below() -> None:
    graph = drawn(5, [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4)])
    assert [placing._crossing(graph, [0, 1, 2, 3, 4], last) for last in (0, 2, 3, 4)] == [0, 2, 3, None]


@pytest.mark.cases("all")
@pytest.mark.parametrize(("n", "columns"), [(1, 1), (16, 1), (17, 3), (40, 4), (70, 5)])
def test_a_chain_has_one_column_up_to_sixteen_rows(n: int, columns: int) -> None:
    graph = drawn(n, [(i, i + 1) for i in range(n - 1)])
    found = placing._columns(graph, list(range(n)))
    assert len(found) == columns
    assert [first for first, _ in found[1:]] == [last + 1 for _, last in found[:-1]]
    assert (found[0][0], found[-1][1]) == (0, n - 1)


def test_a_column_ends_only_where_one_box_alone_flows_on() -> None:
    links = [(i, i + 1) for i in range(29)] + [(i, i + 2) for i in range(0, 28) if i not in (12, 13)]
    found = placing._columns(drawn(30, links), list(range(30)))
    assert found == [(0, 13), (14, 29)] or len(found) == 1
    assert len(placing._columns(drawn(30, [*links, (12, 14), (13, 15)]), list(range(30)))) == 1


def test_numbers_in_order_are_the_nearest_by_least_squares() -> None:
    assert placing._in_order([1.0, 2.0, 3.0], [1, 1, 1]) == [1, 2, 3]
    assert placing._in_order([3.0, 1.0], [1, 1]) == [2, 2]
    assert placing._in_order([4.0, 1.0], [2, 1]) == [3, 3]
    assert placing._in_order([1.0, 5.0, 3.0, 2.0], [1, 1, 1, 1]) == pytest.approx([1, 10 / 3, 10 / 3, 10 / 3])
    assert placing._in_order([], []) == []


def test_boxes_are_as_high_as_their_lines_and_columns_are_as_wide_as_their_rows() -> None:
    one, three = place(drawn(1, [])), place(drawn(1, [], lines=3))
    assert one.boxes[0].height == pytest.approx(placing.HEAD + placing.LINE)
    assert three.boxes[0].height == pytest.approx(placing.HEAD + 3 * placing.LINE)
    assert (one.width, one.height) == (pytest.approx(BOX_WIDTH), pytest.approx(one.boxes[0].height))
    beside = place(drawn(3, [(0, 1), (0, 2)]))
    assert beside.width == pytest.approx(2 * BOX_WIDTH + placing.GAP / 2)
    assert beside.height == pytest.approx(2 * one.height + placing.ROW_GAP)
    assert beside.boxes[0].x == pytest.approx((beside.boxes[1].x + beside.boxes[2].x) / 2)
    assert len(beside.curves) == 2


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("stride", "spacing", "groups", "words"),
    [
        ((1, 1), (), 1, ""), ((2, 2), (), None, ", stride 2"), ((2, 1), (), 1, ", stride 2×1"),
        ((1, 2), (), 2, ", stride 1×2, 2 groups"), ((1, 1), (2, 2), 1, ", dilation 2"),
        ((1, 1), (1, 3), 1, ", dilation 1×3"), (None, (), 4, ", stride ?, 4 groups"),
    ],
)  # fmt: skip
def test_a_convolution_says_what_is_unusual_of_it(stride, spacing, groups, words) -> None:
    operation = Convolution(
        weights=Parameter.of("W", np.zeros((4, 1, 3, 2))),
        axes="oirc",
        stride=stride,
        dilation=spacing,
        groups=groups,
    )
    assert _word(operation) == f"conv 3×2, 4 filters{words}"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "word"),
    [
        (Dense(units=None), "dense"), (Dense(units=1), "dense, 1 unit"), (Dense(units=2), "dense, 2 units"),
        (Normalisation(gamma=Parameter.of("g", np.ones(1)), is_batch=False), "scale"),
        (Normalisation(beta=Parameter.of("g", np.ones(1)), is_batch=False), "shift"),
        (Normalisation(gamma=Parameter.of("g", np.ones(1))), "norm"),
        (Activation(kind="untold", name=""), "activation ?"),
        (Activation(kind="untold", name="mish"), "mish"), (Activation(kind="rectify", name="x"), "relu"),
        (Activation(kind="linear", name="x"), ""),
        (Activation(kind="hard_sigmoid", name="x"), "hard sigmoid"),
        (Identity(what="Dropout"), "dropout"), (Untold(reason="x"), ""),
    ],
)  # fmt: skip
def test_each_operation_has_its_word(operation, word) -> None:
    assert _word(operation) == word


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Reduction(kind="mean", axes=(2, 3)), "pooling"),
        (Upscale(scale=(2, 2)), "pooling"),
        (Concatenate(axis=1), "join"),
        (Flatten(), "shape"),
        (Softmax(), "activation"),
        (Untold(reason="it is not told"), "unknown"),
        (Input(shape=(None, 1, 3, 3)), "input"),
    ],
)
def test_each_operation_has_its_kind(operation, kind) -> None:
    (box,) = graph_of(Network.of([as_layer(operation)])).boxes
    assert box.kind == kind


def test_a_picture_is_as_high_as_its_highest_column() -> None:
    """Columns of a long network are not of one length: whatever the last one is, none is cut off."""
    for n in (40, 41, 47, 50, 60):
        graph = drawn(n, [(i, i + 1) for i in range(n - 1)])
        tall = [replace(box, lines=("x",) * (4 if i < n // 3 else 1)) for i, box in enumerate(graph.boxes)]
        placing = place(replace(graph, boxes=tuple(tall)))
        lowest = max(placed.y + placed.height / 2 for placed in placing.boxes.values())
        assert placing.height >= lowest - 1e-9


@pytest.mark.parametrize("is_told", [True, False])
def test_links_that_are_concluded_are_called_so_below_the_name(is_told) -> None:
    graph = replace(
        graph_of(Network.of([image(1, name="x"), conv(np.ones((2, 1, 3, 3)), below=0)])), is_told=is_told
    )
    figure = GraphPicture(graph).figure()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any("the file does not tell it" in text for text in texts) == (not is_told)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [
        (300.0, 20.0, True),
        (300.1, 20.0, False),
        (20.0, 300.1, False),
        (90.0, 89.0, False),
        (80.0, 100.0, True),
    ],
)
def test_a_picture_is_neither_too_long_nor_too_large(
    monkeypatch, width: float, height: float, fits: bool
) -> None:
    monkeypatch.setattr(pictures, "render", lambda _: "drawn")
    monkeypatch.setattr(pictures, "place", lambda _: placing.Placing(width=width, height=height))
    monkeypatch.setattr(GraphPicture, "figure", lambda _: None)
    if fits:
        assert GraphPicture(drawn(1, [])).image() == "drawn"
    else:
        with pytest.raises(
            DrawingError, match=f"made would be {width * 100:,.0f} x {height * 100:,.0f} pixels"
        ):
            GraphPicture(drawn(1, [])).image()


@pytest.mark.parametrize("package", ["filtviz.drawing", "filtviz.drawing.graphs"])
def test_all_that_a_package_gives_is_named(package: str) -> None:
    given = vars(import_module(package))
    names = [name for name in given if name[0] != "_" and name != "annotations"]
    assert sorted(name for name in names if not inspect.ismodule(given[name])) == sorted(given["__all__"])
