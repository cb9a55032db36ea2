"""Weights without a graph in the graph of another file: `load(…, like=…)` and ``--like``."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import filtviz
from filtviz import Hints, SelectionError
from filtviz.cli import main
from filtviz.network import Layer, Network
from filtviz.operations import Dense
from filtviz.parameter import Parameter
from filtviz.reading import grafting
from tests.telling import FIXTURES

EXAMPLES = Path(__file__).parents[2] / "examples"
MISSION, TORCH, GRAPH = (EXAMPLES / f"mission-{name}" for name in ("trained.pkl", "torch.pth", "torch.onnx"))
PY27, MODERN = FIXTURES / "py27", FIXTURES / "modern"
WITH_GRAPHS = [
    MISSION,
    GRAPH,
    PY27 / "branches-layer.pkl",
    MODERN / "torch" / "exported.pt2",
    MODERN / "whole_sequential.pt",
    MODERN / "keras" / "seq.keras",
    MODERN / "keras" / "tf_nested_legacy.h5",
    MODERN / "onnx" / "raw.onnx",
]
"""Branches, normalisations, kernels with the filters first and last, dense weights either way round."""


def values_of(network: Network) -> list[Any]:
    """Each array once, in network order."""
    held = {id(one): one for layer in network.layers for one in layer.parameters}
    return [one.value for one in held.values()]


def bare(path: Path, values: list[Any]) -> Path:
    np.savez(path, *values)
    return path


def digits() -> Any:
    with np.load(EXAMPLES / "digits.npz") as held:
        return held["images"][:3] / 255


@pytest.mark.cases("all")
@pytest.mark.parametrize("whole", WITH_GRAPHS, ids=lambda path: path.name)
def test_bare_arrays_become_the_whole_network(whole: Path, tmp_path: Path) -> None:
    """Other numbers than the graph's file has, so that none of these can be among them."""
    graph = filtviz.load(whole)
    values = [np.full(one.shape, place, np.float32) for place, one in enumerate(values_of(graph))]
    network = filtviz.load(bare(tmp_path / "bare.npz", values), like=whole)
    assert [layer.operations[0].__class__ for layer in network.layers] == [
        layer.operations[0].__class__ for layer in graph.layers
    ]
    assert [layer.inputs for layer in network.layers] == [layer.inputs for layer in graph.layers]
    assert [layer.output_shape for layer in network.layers] == [layer.output_shape for layer in graph.layers]
    assert [one.flip_filters for one in network] == [one.flip_filters for one in graph]
    for got, value in zip(values_of(network), values, strict=True):
        np.testing.assert_array_equal(got, value)
    assert [layer.W.max() for layer in network] == [
        layer.convolution.weights.value.max() for layer in network
    ]
    n = len(values)
    assert network.origin.inferred == (
        f"the graph is that of {whole.name}: {n} arrays matched in order, and all shapes fit",
    )
    assert network.origin.kind == f"an npz of parameter values, with the graph of {whole.name}"
    assert network.origin.siblings[0] == whole  # over which nothing is written


@pytest.mark.slow
def test_the_weights_of_a_lasagne_file_answer_as_the_file_does(tmp_path: Path) -> None:
    whole = filtviz.load(MISSION)
    network = filtviz.load(bare(tmp_path / "bare.npz", values_of(whole)), hints=Hints(like=MISSION))
    np.testing.assert_array_equal(network.run(digits()), whole.run(digits()))
    backwards = filtviz.load(bare(tmp_path / "backwards.npz", values_of(whole)[::-1]), like=MISSION)
    np.testing.assert_array_equal(backwards.run(digits()), whole.run(digits()))


def test_names_go_before_order(tmp_path: Path) -> None:
    """Arrays in any order, with what a wrapper puts before every name, and a count that no graph has."""
    held = {one.source: one.value for layer in filtviz.load(TORCH).layers for one in layer.parameters}
    mixed = {f"module.{name}": held[name] for name in sorted(held, key=lambda name: name[::-1])}
    mixed["module.conv1.num_batches_tracked"] = np.array(7)
    network = filtviz.load(mixed, like=GRAPH)
    assert network.origin.inferred == (
        f"the graph is that of {GRAPH.name}: 18 arrays matched by name, and all shapes fit",
    )
    np.testing.assert_array_equal(network.run(digits()), filtviz.load(GRAPH).run(digits()))


def test_what_has_no_name_in_common_goes_by_order() -> None:
    held = {one.source: one.value for layer in filtviz.load(TORCH).layers for one in layer.parameters}
    renamed = {name.replace("conv2", "second"): value for name, value in held.items()}
    network = filtviz.load(renamed, like=filtviz.load(GRAPH))
    assert "18 arrays matched 16 by name and the others in order" in network.origin.inferred[0]
    np.testing.assert_array_equal(network.run(digits()), filtviz.load(GRAPH).run(digits()))


@pytest.mark.slow
def test_a_dictionary_of_nolearns_is_matched_by_the_names_of_layers() -> None:
    network = filtviz.load(PY27 / "nolearn-params.pkl", like=PY27 / "nolearn-net.pkl.gz")
    assert "8 arrays matched by name" in network.origin.inferred[0]


def test_weights_that_are_computed_of_parts_go_as_what_is_applied() -> None:
    """Weight norm keeps a length and a direction; the graph of the folded network has one kernel."""
    reparametrised = filtviz.load(MODERN / "sd_reparametrised.pth")
    layer = reparametrised["wn"]
    kernel, bias = Parameter.of("weight", np.zeros(layer.W.shape)), Parameter.of("bias", np.zeros(4))
    graph = Network.of([filtviz.ConvLayer.of(kernel, bias, name="wn")])
    alone = Network.of([layer], reparametrised.origin)
    np.testing.assert_array_equal(filtviz.load(alone, like=graph)[0].W, layer.W)


def refusal(weights: Any, like: Any) -> str:
    with pytest.raises(SelectionError) as caught:
        filtviz.load(weights, like=like)
    return str(caught.value)


def test_another_shape_names_the_layer_and_both_shapes(tmp_path: Path) -> None:
    values = values_of(filtviz.load(MISSION))
    wrong = [*values[:6], values[6][:, :7], *values[7:]]
    assert refusal(bare(tmp_path / "wrong.npz", wrong), MISSION) == (
        "conv4 in mission-trained.pkl has W of 40x20x3x3, and wrong.npz gives it arr_6 of 40x7x3x3: give a "
        "file of the same network"
    )


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    values = values_of(filtviz.load(MISSION))
    assert refusal(bare(tmp_path / "short.npz", values[:-1]), MISSION) == (
        "short.npz has 17 arrays and mission-trained.pkl 18, and their names do not match: "
        "mission-trained.pkl goes on with output, b (1); give a file of the same network"
    )
    assert "short.npz has 17" in refusal(bare(tmp_path / "short.npz", values[1:]), MISSION)


def test_arrays_that_only_one_file_has_are_named() -> None:
    held = {one.source: one.value for layer in filtviz.load(TORCH).layers for one in layer.parameters}
    extra = {**held, "bn1.running_mean": np.zeros(20), "bn1.running_var": np.ones(20)}
    assert refusal(extra, GRAPH) == (
        "the model in memory has bn1, running_mean (20) and bn1, running_var (20), which mission-torch.onnx "
        "has not: give a file of the same network (it may have been saved with its normalisations folded "
        "into the convolutions)"
    )
    del held["conv3.bias"]
    assert refusal(held, GRAPH) == (
        "mission-torch.onnx has conv3, B (20), which the model in memory has not: give a file of the same "
        "network"
    )
    assert refusal({**held, "more.weight": np.zeros(3), "most.weight": np.zeros(4)}, GRAPH) == (
        "the model in memory has more, weight (3) and most, weight (4), which mission-torch.onnx has not and "
        "mission-torch.onnx has conv3, B (20), which the model in memory has not: give a file of the same "
        "network"
    )


KERNEL = (4, 1, 3, 3)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ([KERNEL], [KERNEL, (4,)], "G goes on with conv, b (4)"),
        ([KERNEL, (4,), (5, 36)], [KERNEL, (4,)], "N goes on with l2, x (5x36)"),
        (
            [(4, 1, 5, 5), (4,), (7,)], [KERNEL, (4,)],
            "the first that differ are l0, x (4x1x5x5) and conv, W (4x1x3x3)",
        ),
        ([KERNEL, (5,), (7,)], [KERNEL, (4,)], "the first that differ are l1, x (5) and conv, b (4)"),
        ([(7,), (4,), KERNEL], [KERNEL, (4,)], "N goes on with l0, x (7)"),
        ([(7,), (4,), (1, 1)], [KERNEL, (4,)], "the first that differ are l0, x (7) and conv, W (4x1x3x3)"),
    ],
)  # fmt: skip
def test_where_arrays_begin_to_differ_is_said_from_whichever_end_they_fit(ours, theirs, said) -> None:
    mine = [_array(f"l{i}", "x", shape) for i, shape in enumerate(ours)]
    other = [_array("conv", name, shape) for name, shape in zip("Wb", theirs, strict=False)]
    assert grafting._first_difference(mine, other, "N", "G") == said
    assert grafting._unequal(mine, other, 0, "N", "G") == (
        f"N has {len(ours)} array{'s'[: len(ours) > 1]} and G {len(theirs)}, and their names do not match: "
        f"{said}; give a file of the same network"
    )


def _array(layer: str, name: str, shape: tuple[int, ...]) -> grafting._Array:
    parameter = Parameter.of(name, np.zeros(shape))
    return grafting._Array(layer=Layer(name=layer, parameters=(parameter,)), parameter=parameter, keys=())


@pytest.mark.cases("all")
@pytest.mark.parametrize("named", [1, 3])
@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (["a"], [], "N has l, a (2), which G has not"),
        (["a", "b", "c", "d"], [], "N has l, a (2), l, b (2) and 2 more, which G has not"),
        ([], ["a"], "G has l, a (2), which N has not"),
        (
            ["a"],
            ["b", "c"],
            "N has l, a (2), which G has not and G has l, b (2) and l, c (2), which N has not",
        ),
        (["a", "running_mean"], [], "N has l, a (2) and l, running_mean (2), which G has not"),
        (["moving_variance"], [], "N has l, moving_variance (2), which G has not"),
        ([], ["running_mean"], "G has l, running_mean (2), which N has not"),
    ],
)
def test_what_only_one_of_two_files_has_is_named_with_the_likely_reason(ours, theirs, said, named) -> None:
    mine, other = ([_array("l", name, (2,)) for name in names] for names in (ours, theirs))
    folded = " (it may have been saved with its normalisations folded into the convolutions)"
    hint = folded if ours and ours[-1].startswith(("running", "moving")) else ""
    wanted = f"{said}: give a file of the same network{hint}"
    assert grafting._unequal(mine, other, named, "N", "G") == wanted


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "named", "said"),
    [
        (1, 1, "1 array matched by name"),
        (3, 3, "3 arrays matched by name"),
        (3, 0, "3 arrays matched in order"),
        (1, 0, "1 array matched in order"),
        (3, 2, "3 arrays matched 2 by name and the others in order"),
    ],
)
def test_how_arrays_were_matched_is_said(n, named, said) -> None:
    assert grafting._sentence("G", n, named) == f"the graph is that of G: {said}, and all shapes fit"


def test_another_frameworks_weights_are_refused() -> None:
    assert refusal(TORCH, MISSION) == (
        "the framework of mission-trained.pkl turns its kernels by 180 degrees, that of mission-torch.pth "
        "does not (conv1): give a graph of the framework that saved the weights"
    )


def test_square_dense_weights_of_another_framework_are_refused() -> None:
    kernel = Parameter.of("kernel", np.zeros((5, 5)))
    graph = Network.of([Layer(name="fc", parameters=(kernel,), operations=(Dense(weights=kernel, units=5),))])
    assert "stores dense weights the other way round" in refusal({"fc.weight": np.ones((5, 5))}, graph)


def test_what_has_no_graph_gives_none(tmp_path: Path) -> None:
    assert refusal(bare(tmp_path / "bare.npz", values_of(filtviz.load(MISSION))), TORCH) == (
        "mission-torch.pth holds a PyTorch state_dict, which has no graph to take over: give a file that has "
        "one, such as an .onnx, .keras or .pt2 file or a pickled network"
    )


@pytest.mark.slow
def test_a_file_with_a_graph_keeps_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "filtviz"):
        network = filtviz.load(MISSION, hints=Hints(like=GRAPH))
    assert network.layers[-1].name == "output"
    assert "it tells its own structure" in caplog.text
    assert filtviz.load(MISSION, like=GRAPH).layers[-1].name == "output"


def run(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == status, result.output
    return result


@pytest.mark.slow
def test_the_command_line_takes_it_everywhere(tmp_path: Path) -> None:
    weights = bare(tmp_path / "bare.npz", values_of(filtviz.load(MISSION)))
    images = tmp_path / "few.npz"
    np.savez(images, images=(digits() * 255).astype(np.uint8))
    whole = run("predict", MISSION, "--images", images)
    found = run("predict", weights, "--like", MISSION, "--images", images)
    assert found.stdout == whole.stdout
    assert "the graph is that of mission-trained.pkl: 18 arrays matched in order" in found.stderr
    assert run("predict", weights, "--images", images, status=1).stdout == ""
    assert "7x7" in run("layers", weights, "--like", MISSION).stdout
    out = tmp_path / "conv3.png"
    run("plot", weights, "--layer", "2", "--through", "--like", MISSION, "-o", out)
    assert out.stat().st_size > 1000
    refused = run("layers", weights, "--like", TORCH, status=1)
    assert "which has no graph" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert "there is no such file" in run("layers", weights, "--like", "nowhere.onnx", status=1).stderr


def test_nothing_is_written_over_the_file_of_the_graph(tmp_path: Path) -> None:
    weights = bare(tmp_path / "bare.npz", values_of(filtviz.load(MISSION)))
    graph = tmp_path / "graph.png"
    graph.write_bytes(MISSION.read_bytes())
    result = run("plot", weights, "--like", graph, "-o", graph, status=1)
    assert "it is one of the files given" in result.stderr


def test_the_data_beside_the_graphs_file_are_never_written_over(tmp_path: Path) -> None:
    for file in (MODERN / "onnx" / "external_one").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    graph = filtviz.load(tmp_path / "model.onnx")
    weights = bare(tmp_path / "bare.npz", values_of(graph))
    data = tmp_path / "model.onnx.data"
    (tmp_path / "picture-ch0.png").symlink_to(data)
    with pytest.raises(filtviz.OutputError, match="one of the files given"):
        filtviz.plot(weights, output=tmp_path / "picture.png", hints=Hints(like=tmp_path / "model.onnx"))
    assert data.read_bytes() == (MODERN / "onnx" / "external_one" / "model.onnx.data").read_bytes()
    assert filtviz.plot(
        weights, output=tmp_path / "other.png", hints=Hints(like=tmp_path / "model.onnx")
    ).files


def _keyed(*keys: str, shape: tuple[int, ...] = (2,)) -> grafting._Array:
    return replace(_array("l", "W", shape), keys=keys)


def test_a_name_that_several_arrays_have_matches_nothing() -> None:
    one, two, three = _keyed("a.w"), _keyed("a.w"), _keyed("b.w", "b.w")
    assert grafting._unique([one, two, three], str) == {"b.w": three}
    assert grafting._by_name([one, two, three], [_keyed("a.w"), other := _keyed("b.w")]) == {id(other): three}


def test_an_array_with_two_names_goes_to_one_place_of_the_graph() -> None:
    one, more = _keyed("a.w", "b.w"), _keyed("c.w")
    first, second, third = _keyed("a.w"), _keyed("b.w"), _keyed("c.w")
    assert grafting._by_name([one, more], [first, second, third]) == {id(first): one, id(third): more}


def test_what_stands_before_all_names_is_left_out_and_no_more() -> None:
    """A layer and its parameter stay, however few layers there are."""
    for keys, prefix in (
        (("m.a.w",), "m."), (("m.a.w", "m.b.w"), "m."), (("m.n.a.w", "m.n.b.w"), "m.n."), (("a.w",), ""),
        (("a.w", "b.w"), ""), (("m.a.w", "n.a.w"), ""),
    ):  # fmt: skip
        way = grafting._without_prefix([_keyed(key) for key in keys])
        assert [way(key) for key in keys] == [key.removeprefix(prefix) for key in keys]
    given, wanted = [_keyed("module.a.w"), _keyed("module.b.w")], [_keyed("b.w"), _keyed("a.w")]
    found = grafting._by_name(given, wanted)
    assert [found[id(each)] for each in wanted] == given[::-1]
    assert grafting._plain("Net/Conv1/W:0") == "net.conv1.w.0"


def test_arrays_stand_in_the_order_in_which_more_of_them_fit() -> None:
    first, second = _keyed(shape=(3, 2)), _keyed(shape=(2,))
    assert grafting._in_order([second, first], [_keyed(shape=(3, 2)), _keyed(shape=(2,))]) == [first, second]
    assert grafting._in_order([first, second], [_keyed(shape=(9,)), _keyed(shape=(8,))]) == [first, second]


def test_axes_in_another_order_are_told_from_another_network() -> None:
    for shape, wanted, advice in (
        ((3, 3, 1, 4), (4, 1, 3, 3), "axes in another order: give a graph of the framework"),
        ((5, 1, 3, 3), (4, 1, 3, 3), ": give a file of the same network"),
        ((4,), (5,), ": give a file of the same network"),
    ):
        with pytest.raises(SelectionError, match=advice):
            grafting._check(_keyed(shape=shape), _keyed(shape=wanted), "N", "G")


def test_a_network_without_layers_gives_no_graph() -> None:
    weights = filtviz.load(MODERN / "sd.safetensors")
    with pytest.raises(SelectionError, match="has no graph to take over"):
        grafting.graft(weights, Network.of([]))


def test_the_names_of_parameters_and_the_framework_are_told_of_both_files(tmp_path: Path) -> None:
    graph = filtviz.load(WITH_GRAPHS[0])
    network = filtviz.load(bare(tmp_path / "bare.npz", values_of(graph)), like=WITH_GRAPHS[0])
    names = [[one.name for one in layer.parameters] for layer in network.layers]
    assert names == [[one.name for one in layer.parameters] for layer in graph.layers]
    assert network.origin.framework == graph.origin.framework


def test_a_graph_is_said_once_and_by_one_file() -> None:
    with pytest.raises(filtviz.ArgumentError, match="not both"):
        Hints(like="a.onnx", architecture="b.toml")


@pytest.mark.parametrize(("hint", "option"), [("like", "--like"), ("architecture", "--architecture")])
def test_which_option_is_of_no_use_is_said_of_a_file_with_a_graph(hint, option, caplog) -> None:
    caplog.set_level(logging.INFO, "filtviz")
    found = filtviz.load(MISSION, hints=Hints(**{hint: TORCH}))
    assert f"keeps it: {option} is for files without one" in caplog.text
    assert found.origin.also_read == (TORCH,)
    assert (found.origin.described_by is not None) == (hint == "architecture")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "wanted", "pairs"),
    [
        (["W", "b", "places"], ["W", "b"], 2),
        (["W", "places"], ["W", "places"], 2),
        (["x", "places"], ["W"], None),
        (["x", "places"], ["W", "b"], 0),
        (["x", "y"], ["W", "b"], 0),
    ],
)
def test_whole_numbers_are_left_out_where_names_tell_the_weights(given, wanted, pairs) -> None:
    """Positions and the like, which a graph need not have as weights."""
    layer = Layer(name="l")

    def of(names: list[str]) -> list[grafting._Array]:
        made = [Parameter.of(name, np.zeros(2, "i8" if name == "places" else "f4")) for name in names]
        return [
            grafting._Array(layer=layer, parameter=one, keys=tuple(grafting._keys(layer, one)))
            for one in made
        ]

    if pairs is None:
        with pytest.raises(filtviz.SelectionError):
            grafting._matched(of(given), of(wanted), "N", "G")
    else:
        found, n_named = grafting._matched(of(given), of(wanted), "N", "G")
        assert (len(found), n_named) == (len(wanted), pairs)
        assert [mine.parameter.name for mine, _ in found] == given[: len(wanted)]


def test_the_first_arrays_that_differ_are_named_or_the_one_that_goes_on() -> None:
    def of(*shapes: tuple[int, ...]) -> list[grafting._Array]:
        return [_array("l", f"p{i}", shape) for i, shape in enumerate(shapes)]

    one = grafting._first_difference(of((2,), (3,)), of((2,), (4,)), "N", "G")
    assert one == "the first that differ are l, p1 (3) and l, p1 (4)"
    assert grafting._first_difference(of((2,), (3,)), of((2,)), "N", "G") == "N goes on with l, p1 (3)"
    assert grafting._first_difference(of((2,)), of((2,), (3,)), "N", "G") == "G goes on with l, p1 (3)"


def test_weights_keep_their_framework_and_are_called_as_the_graph_calls_them(tmp_path: Path) -> None:
    found = filtviz.load(TORCH, like=GRAPH)
    assert (filtviz.load(GRAPH).origin.framework, found.origin.framework) == ("ONNX", "PyTorch")
    for path, framework in ((MISSION, "Lasagne"), (MODERN / "keras" / "seq.keras", "Keras")):
        graph = filtviz.load(path)
        made = filtviz.load(bare(tmp_path / "bare.npz", values_of(graph)), like=path)
        assert made.origin.framework == graph.origin.framework == framework
        for one, other in zip(made.layers, graph.layers, strict=True):
            assert [each.name for each in one.parameters] == [each.name for each in other.parameters]


@pytest.mark.parametrize(("value", "counts"), [(np.int64(3), True), (np.float32(3), False), ([3], False)])
def test_a_whole_number_alone_counts_and_is_no_weight(value, counts) -> None:
    assert grafting._counts(Parameter.of("n", np.asarray(value))) is counts
