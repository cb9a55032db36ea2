"""What people give to the functions of the package: what is understood, and that the rest is one sentence."""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import (
    ArgumentError,
    ConvLayer,
    DrawingError,
    FiltvizError,
    Layer,
    Network,
    SelectionError,
)
from filtviz.given import as_layer, choose, chosen_layers, load, several
from filtviz.operations import Dense
from filtviz.parameter import Parameter

from .building import as_layer as layer_that
from .building import chain, conv

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
UNTRAINED, TRAINED = EXAMPLES / "mission-untrained.pkl", EXAMPLES / "mission-trained.pkl"
W = np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype("float32")


class Lasagne:
    """A live layer of Lasagne's, as far as its weights go."""

    name = "first"
    flip_filters = True

    class W:
        @staticmethod
        def get_value():
            return W


class Tensor:
    """A tensor of another framework's."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def numpy(self) -> np.ndarray:
        return self.values


@pytest.fixture(scope="module")
def trained() -> Network:
    return filtviz.load(TRAINED)


@pytest.fixture
def small() -> Network:
    """A network with a single convolution."""
    return chain(conv(W, name="first"))


# Models


@pytest.mark.parametrize("given", [str(TRAINED), TRAINED])
def test_a_path_is_read(given):
    assert load(given).origin.path == TRAINED


def test_a_network_is_itself(trained):
    assert load(trained) is trained


def test_a_model_in_memory_becomes_a_network():
    assert load(OrderedDict({"conv1.weight": W})).conv_layers[0].label == "conv1"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "label"),
    [(conv(W, label="conv7"), "conv7"), (Lasagne(), "first"), (W, "array"), (Tensor(W), "array")],
    ids=["layer", "Lasagne", "array", "tensor"],
)
def test_a_layer_by_itself_is_a_network_of_one(given, label):
    network = load(given)
    (layer,) = network.conv_layers
    assert (layer.label, layer.index, layer.conv_index, layer.inputs) == (label, 0, 0, ())
    assert np.array_equal(layer.filters, W)
    assert len(filtviz.diagnose(given).layers) == 1
    assert len(filtviz.plot(given).pictures) == 2


def test_one_model_is_a_list_of_one(small):
    assert several(small) == [small] == several([small]) == several(iter((small,)))
    assert several("a", "b") == ["a", "b"] == several(["a"], "b")
    assert several(Path("a")) == [Path("a")]
    assert several(W)[0] is W
    state = {"conv1.weight": W}
    assert several(state) == [state]


@pytest.mark.cases("all")
@pytest.mark.parametrize("given", [None, 3, 2.5, True, b"a.pkl", object()])
def test_what_is_no_model_is_refused_alone_and_as_several(given):
    for refused in (load, several):
        with pytest.raises(ArgumentError, match="is no model that filtviz knows: give a path"):
            refused(given)


# Layers


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        (None, ("default",)),
        (0, (0,)),
        ("conv1", ("conv1",)),
        (np.int64(-1), (-1,)),
        ([np.uint8(1), "conv2"], (1, "conv2")),
        (np.arange(2), (0, 1)),
        (range(2), (0, 1)),
        ((), ()),
    ],
)
def test_a_choice_of_layers_is_one_or_several(given, chosen):
    found = chosen_layers(given, ("default",))
    assert found == chosen
    assert all(type(each) in (int, str) for each in found)


@pytest.mark.cases("all")
@pytest.mark.parametrize("given", [2.5, True, b"conv1", object(), np.float64(1)])
def test_what_chooses_no_layers_is_refused(given):
    with pytest.raises(ArgumentError, match="chooses no layers: give numbers or names"):
        chosen_layers(given)


def test_a_layer_chooses_itself_and_that_of_another_network_its_namesake(trained):
    third, again = trained.conv_layers[2], filtviz.load(UNTRAINED).conv_layers[2]
    assert choose(trained, third) is third
    assert choose(trained, again) is third
    assert trained.select(third) is third
    with pytest.raises(
        SelectionError, match=r"^conv3 is a layer of another network: give its name or number$"
    ):
        trained.select(again)
    other = conv(W, label="conv3")
    with pytest.raises(
        SelectionError, match=r"^conv3 is no layer of this network: .* another shape, 20x20x3x3$"
    ):
        choose(trained, other)
    with pytest.raises(SelectionError, match=r"is no convolution$"):
        choose(trained, trained.layers[-1])


def test_layers_are_chosen_in_every_command(trained, tmp_path):
    second = trained.conv_layers[1]
    for given in (second, "conv2", 1, np.int64(1), -5, [second], (1,)):
        assert [each.layer for each in filtviz.plot(trained, layers=given).layers] == [second]
    compared = filtviz.compare(UNTRAINED, trained, layers=second)
    assert [each.label for each in compared.comparisons] == ["conv2"]
    result = filtviz.export(trained, tmp_path, filtviz.ExportOptions(layers=second, channels=[(0, 0)]))
    assert [picture["layer"] for picture in result.pictures] == ["conv2"]
    assert filtviz.ReportOptions(layers=np.int64(1)).layers == (1,)


@pytest.mark.slow
def test_a_layer_is_drawn_of_all_that_has_one(small):
    for given in (
        small.conv_layers[0],
        small,
        W,
        Tensor(W),
        Lasagne(),
        Parameter.of("W", W),
        {"c.weight": W},
    ):
        assert np.array_equal(as_layer(given).filters, W)
        assert len(filtviz.plot_conv_weights(given)) == 2
        assert len(filtviz.plot_sheet(given)) == 1


def test_a_live_layer_keeps_what_it_tells():
    layer = as_layer(Lasagne())
    assert (layer.label, layer.type, layer.flip_filters) == ("first", "Lasagne", True)
    assert as_layer(W).flip_filters is None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("kind", "facts", "order", "flips"),
    [
        ("Conv2DLayer", {}, (0, 1, 2, 3), True),
        ("Conv2DLayer", {"flip_filters": False}, (0, 1, 2, 3), False),
        ("Conv2DDNNLayer", {}, (0, 1, 2, 3), False),
        ("Conv2DCCLayer", {"dimshuffle": False}, (3, 0, 1, 2), False),
        ("TransposedConv2DLayer", {}, (1, 0, 2, 3), True),  # it runs a gradient, which turns them
        ("TransposedConv2DLayer", {"flip_filters": True}, (1, 0, 2, 3), False),
        ("DilatedConv2DLayer", {}, (1, 0, 2, 3), False),
        ("Mine", {}, (0, 1, 2, 3), None),
        ("Mine", {"flip_filters": "yes"}, (0, 1, 2, 3), None),
    ],
)
def test_a_layer_in_memory_is_understood_as_one_in_a_file(kind, facts, order, flips):
    layer = as_layer(type(kind, (), {"W": Lasagne.W, **facts})())
    assert np.array_equal(layer.filters, W.transpose(order))
    assert layer.flip_filters is flips


def test_of_several_convolutions_one_has_to_be_chosen(trained):
    for given in (trained, TRAINED):
        with pytest.raises(
            SelectionError, match=r"has 6 convolutions: give one of them, such as network\['conv1'\]"
        ):
            filtviz.plot_conv_weights(given)
    with pytest.raises(DrawingError, match="there is no filter to draw"):
        filtviz.plot_sheet(Network.of([layer_that()]))
    with pytest.raises(DrawingError, match="is no convolution: it has no filters"):
        filtviz.plot_sheet(trained.layers[-1])


@pytest.mark.slow
def test_what_a_layer_sees_is_drawn_by_path_name_number_and_layer(trained):
    for network, layer in (
        (str(TRAINED), "conv2"),
        (TRAINED, np.int64(1)),
        (trained, trained.conv_layers[1]),
    ):
        assert len(filtviz.plot_through(network, layer)) == 1
    with pytest.raises(SelectionError, match="a layer of another network"):
        filtviz.plot_through(TRAINED, trained.conv_layers[1])


# Whole commands


@pytest.mark.slow
def test_an_earlier_state_is_one_model_or_a_pair_with_its_name(trained):
    for given, name in (
        (str(UNTRAINED), str(UNTRAINED)),
        ([UNTRAINED], str(UNTRAINED)),
        ([("start", UNTRAINED)], "start"),
        (filtviz.load(UNTRAINED), str(UNTRAINED)),
    ):
        found = filtviz.diagnose(trained, before=given, layers=0)
        assert [change.before for change in found.layers[0].changes] == [name]
    assert filtviz.diagnose(trained, before=None, layers=0).layers[0].changes == ()


@pytest.mark.slow
def test_models_are_compared_side_by_side_and_in_a_list(trained):
    sentences = {
        filtviz.compare(*given, **named).comparisons[0].sentence
        for given, named in (
            ((str(UNTRAINED), TRAINED), {}),
            (([UNTRAINED, trained],), {}),
            (((UNTRAINED, trained), None), {}),
            (([UNTRAINED], trained), {}),
        )
    }
    assert len(sentences) == 1
    called = {
        filtviz.compare(*given, **named).comparisons[0].states
        for given, named in (
            ((UNTRAINED, trained), {"states": ["first", "last"]}),
            (([UNTRAINED, trained], ["first", "last"]), {}),
            (([UNTRAINED, trained],), {"states": ("first", "last")}),
        )
    }
    assert called == {("first", "last")}
    assert filtviz.compare(W, 2 * W).total_change == pytest.approx(1)


@pytest.mark.cases("all")
@pytest.mark.parametrize("states", ["ab", ["a"], ["a", "b", "c"], [1, 2], 5])
def test_states_are_as_many_texts_as_models(trained, states):
    with pytest.raises(ArgumentError, match="states must be 2 texts, one for each model"):
        filtviz.compare(UNTRAINED, trained, states=states)


@pytest.mark.slow
def test_states_of_a_training_are_followed_side_by_side():
    stages = [EXAMPLES / f"mission-{stage}.pkl" for stage in ("untrained", "halfway", "trained")]
    assert filtviz.follow(*stages) == filtviz.follow(stages)


@pytest.mark.slow
def test_a_report_is_made_of_one_model_of_any_kind(trained):
    options = filtviz.ReportOptions(layers=0)
    pages = [filtviz.report(given, options) for given in (trained, [str(TRAINED)])]
    assert "network 1" in filtviz.report({"conv1.weight": W})
    assert pages[0] == pages[1]


def test_an_export_reads_files_and_a_loaded_network_stands_for_its_own(trained, tmp_path):
    options = filtviz.ExportOptions(layers=0)
    assert filtviz.export(trained, tmp_path / "a", options).drawn == 1
    for given in (chain(conv(W)), {"conv1.weight": W}, [W], None, 3):
        with pytest.raises(ArgumentError):
            filtviz.export(given, tmp_path / "b", options)
    assert not (tmp_path / "b").exists()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("channels", "drawn"),
    [(1, [1]), (np.int64(0), [0]), (np.arange(2), [0, 1]), ([(0, np.int64(1))], [0, 1])],
)
def test_channels_are_one_or_several_numpys_too(small, channels, drawn):
    assert [picture.channel for picture in filtviz.plot(small, channels=channels).pictures] == drawn
    assert len(filtviz.plot_sheet(small, channels=channels)) == 1


# Whatever is given, what goes wrong is ours

FUNCTIONS = [
    name
    for name in filtviz.__all__
    if inspect.isfunction(getattr(filtviz, name))
    and not getattr(filtviz, name).__module__.startswith("filtviz.responses")
]

EMPTY = Network.of([])
NO_FILTERS = Network.of([Layer(type="DenseLayer", operations=(Dense(weights=Parameter.of("W", W[0, 0])),))])
WRONG: dict[str, Any] = {
    "none": None,
    "list": [],
    "list of none": [None],
    "list of numbers": [1, 2],
    "number": 3,
    "text": "no-such-file.pkl",
    "empty text": "",
    "nul": "a\0b.pkl",
    "bytes": b"a.pkl",
    "directory": str(EXAMPLES),
    "no model": str(EXAMPLES / "draw_filters.py"),
    "empty network": EMPTY,
    "no filters": NO_FILTERS,
    "dense layer": NO_FILTERS.layers[0],
    "empty dict": {},
    "dict": {"a": 1},
    "flat array": W[0, 0],
    "words": np.array(["a", "b"]),
    "class": ConvLayer,
    "object": object(),
    "lambda": lambda: 0,
    "nan": float("nan"),
}
OPTIONS: dict[str, Any] = {
    "none": None,
    "list": [],
    "number": -3,
    "text": "con1",
    "object": object(),
    "dict": {"a": 1},
}


def tried(call: Any) -> None:
    """Call something, whose error, if there is one, has to be one sentence of ours."""
    said = "nothing went wrong"
    try:
        call()
    except FiltvizError as error:
        said = str(error)
    assert said
    assert "\n" not in said


IMAGES = np.ones((2, 2, 5, 5))
SHOWN = ("predict", "activity", "patches", "codes", "occlusion", "saliency")
"""The functions that take images."""


def arguments_of(name: str, first: Any, folder: Path) -> list[Any]:
    """What a function needs besides, all of it right."""
    return [
        first,
        *{
            "export": [folder],
            "survey": [folder / "out"],
            "convert": [folder / "to.npz"],
            "plot_through": [0],
            **{key: [IMAGES] for key in SHOWN},
        }.get(name, []),
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_model_is_one_sentence(name, kind, tmp_path):
    tried(lambda: getattr(filtviz, name)(*arguments_of(name, WRONG[kind], tmp_path)))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", OPTIONS)
def test_a_wrong_option_is_one_sentence(name, kind, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = getattr(filtviz, name)
    files = name in ("export", "survey")
    right = filtviz.compare(W, 2 * W) if name == "plot_comparison" else TRAINED if files else small
    given = arguments_of(name, [right, right] if name in ("compare", "follow") else right, tmp_path)
    for option in list(inspect.signature(function).parameters)[1:]:
        if option not in (
            "others",
            "output" if files else "path" if name == "convert" else "",
            "layer" if name == "plot_through" else "",
            "images" if name in SHOWN else "",
        ):
            tried(lambda chosen=option: function(*given, **{chosen: OPTIONS[kind]}))


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["plot_through", "export"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_a_wrong_second_argument_is_one_sentence(name, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried(lambda: getattr(filtviz, name)(TRAINED if name == "plot_through" else [], OPTIONS[kind]))


@pytest.mark.cases("all")
@pytest.mark.parametrize("kind", ["none", "list", "number", "text", "object"])
@pytest.mark.parametrize(
    "chosen",
    ["DrawingOptions", "SheetOptions", "ReportOptions", "ExportOptions", "Budget", "Limits", "Hints"],
)
def test_a_wrong_field_of_options_is_one_sentence(chosen, kind):
    made = getattr(filtviz, chosen)
    for field in inspect.signature(made).parameters:
        tried(lambda named=field: made(**{named: OPTIONS[kind]}))


def test_a_missing_name_comes_with_the_nearest(trained):
    for call in (
        lambda: filtviz.diagnose(trained, layers="con3"),
        lambda: filtviz.plot_through(trained, "con3"),
        lambda: trained.select("con3"),
    ):
        with pytest.raises(
            SelectionError, match=re.escape("there is no convolution 'con3'; did you mean conv3?")
        ):
            call()
    (failure,) = filtviz.plot(trained, layers="con3").failures
    assert "did you mean conv3?" in failure.reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Parameter.of("W", W[0]), "the parameter W has 3 axes, not 4"),
        (W[0], "the array has 3 axes, not 4"),
        (Tensor(W[0]), "the array has 3 axes, not 4"),
    ],
)
def test_what_is_no_picture_is_named_as_it_was_given(given, said):
    with pytest.raises(DrawingError, match=re.escape(said)):
        load(given)


def test_a_live_layer_is_one_whose_parameter_w_has_a_value():
    class Flat(Lasagne):
        class W:
            @staticmethod
            def get_value():
                return W[0]

    with pytest.raises(DrawingError, match="the W of Flat has 3 axes"):
        load(Flat())

    class Other:
        W = "no shared variable"

    with pytest.raises(ArgumentError, match="Other"):
        load(Other())
