"""What a configuration of Keras's is made of, each part by itself: words, entries, calls, models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from filtviz.network import Layer
from filtviz.reading.formats.keras import classes, config, stores
from filtviz.reading.limits import Limits
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import opened, outcome
from tests.telling import told

__all__ = ["keras_parts", "layer_told"]

# Words


def _words() -> Told:
    """Classes in paths and paths of classes, names of parameters, what a policy says."""
    for name in (
        "conv2d", "conv2d_1", "conv2d_12", "conv2d_transpose_1", "conv2d_x1", "p_re_lu", "p_re_lu_2", "dense",
        "my_block", "my_block_3", "block1d_2d", "re_lu", "batch_normalization_10", "", "_1", "a__b", "lstm",
        "time_distributed", "elu", "up_sampling2d", "global_average_pooling2d", "Conv2D", "3d",
    ):  # fmt: skip
        yield f"class in {name!r}", stores.class_in_path(name)
    for name in (
        "Conv2D", "Conv2DTranspose", "PReLU", "ReLU", "BatchNormalization", "MyOwnBlock", "my>Conv2D",
        "a.B c",
        "HTTPBlock", "Block2D3D", "LSTM", "x", "", "Ünit",
    ):  # fmt: skip
        yield f"path of {name!r}", stores._snake_case(name)
    for name in (
        "W",
        "b",
        "a_W",
        "aW",
        "x_b",
        "gamma",
        "x_gamma",
        "x_beta",
        "running_std",
        "a_running_mean",
        "V",
    ):
        yield f"today's {name}", classes.name_of_today(name)
    for dtype in (None, "float16", {"config": {"name": "bfloat16"}}, {"config": "x"}, {"config": {}}, {}, 3):
        yield f"a policy of {dtype}", repr(config._policy({"dtype": dtype}))
    yield "no policy", repr(config._policy({}))
    for value in (
        ["a", 0, 0],
        [["a", 0, 0], ["b", 1, 0]],
        [["a", 0], "b"],
        ["a", 0],
        "a",
        None,
        [],
        [["a", "0", 0]],
    ):
        yield f"the names in {value}", str(config._names(value))
    for value in (3, "x" * 15, "x" * 16, [1, [2]], {"a": [1]}, {"k" * 16: "v" * 33, "k" * 31: None}, {}):
        yield f"the weight of {value}", str(config._weight(value))


SHAPES = (
    [None, 8, 9, 3], [None, 9, 3], [None, 3], [3], [], [[None, 8, 9, 3], [None, 3]], [[None, 3]], [None,
    "8", 3],
    [None, True, 3], "odd", None, [None, 8, 9, 7, 3],
)  # fmt: skip


def _sides() -> Told:
    values = (
        3, 0, -1, True, [3], [2, 3], [2, 3, 4], [[1, 2]], [[1, 2], [3, 4]], [[1, 2], 3], [3, [1, 2]], [[1,
        True], 2],
        [[1, -1], 2], [[1, 2, 3], 4], [True, 2], [True, False], [], None, "same", [1.0, 2], [[1.0, 2]],
        [None, 2],
        [[0, 0]] * 3, [-1, 2],
    )  # fmt: skip
    for value in values:
        yield f"sides of {value}", " | ".join(str(classes._sides(value, n)) for n in (1, 2, 3))


def _functions() -> Told:
    """What functions are called, and in which of Keras's versions."""
    for name in (
        *classes._KINDS, "softmax", "relu6", "selu", "leaky_relu", "ReLU", "Tanh", "SELU", "Softmax",
        "mine>swish", "",
        "keras.activations.relu", "relu ", "hard sigmoid", "log_softmax", "mish",
    ):  # fmt: skip
        cases = [
            classes.Case(
                class_name="Dense", config={"activation": name}, parameters={}, inputs=(), is_keras_3=is_3
            )
            for is_3 in (False, True)
        ]
        yield f"function {name!r}", " | ".join(told(*classes._named(name, case)) for case in cases)
    for value in (
        None, "linear", {"class_name": "ReLU"}, {"class_name": "function", "config": "tanh"},
        {"config": {}}, {}, 3,
        {"class_name": "Softmax", "config": {"axis": 1}}, {"config": "softmax"}, ["relu"],
        {"class_name": "linear"},
    ):  # fmt: skip
        case = classes.Case(class_name="Dense", config={"activation": value}, parameters={}, inputs=())
        yield (
            f"function of {value}",
            outcome(lambda case=case: classes._function(case), lambda made: told(*made)),
        )


def _inputs() -> Told:
    for shape in SHAPES:
        for last in (True, False):
            made = config._input("in", shape, channels_last=last)
            yield (
                f"an input of {shape} {'last' if last else 'first'}",
                f"{made.type} {told(*made.operations)}",
            )


# Entries


def _tensor(*history: Any, **more: Any) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": list(history)}, **more}


CALLS: tuple[Any, ...] = (
    ["a", 0, 0, {}], ["a", 1, 0], ["a", 0], ["a", "0", 0], ["a", True, 0], [["a", 0, 0], ["b", 2, 1, {}]],
    ["a", 0, 0, {"y": ["b", 1, 0]}], ["a", 0, 0, {"y": [["b", 1, 0], 3]}, {"z": ["c", 0, 0]}],
    [["a", 0, 0, {"y": ["c", 0, 0]}], ["b", 0, 0, {"y": ["c", 0, 0]}]], ["a", 0, 0, ["b", 0, 0]],
    {"args": [_tensor("a", 0, 0)], "kwargs": {}}, _tensor("a", 1, 0), _tensor("a"),
    {"args": [[_tensor("a", 0, 0), _tensor("b", 0, 0)]], "kwargs": {"mask": _tensor("c", 1, 0), "n": 3}},
    {"args": [{"x": _tensor("a", 0, 0), "deep": {"y": [_tensor("b", 0, 0)]}}]}, {"kwargs": {"x": ["a", 0,
    0]}},
    {"class_name": "Other", "config": {"keras_history": ["a", 0, 0]}}, {"config": {"keras_history": ["a", 0,
    0]}},
    {"class_name": "Other", "config": {}, "x": ["a", 0, 0]}, {"class_name": "Other", "args": [["a", 0, 0]]},
    {"class_name": "__keras_tensor__", "config": "x"}, {"class_name": "__keras_tensor__", "args": ["a", 0,
    0]},
    {"x": {"y": {"z": ["a", 0, 0]}}, "t": ["b", 0, 0]}, "a", None, 3, [], [[], [["a", 0, 0]]],
)  # fmt: skip
ENTRIES: tuple[Any, ...] = (
    {"class_name": "Conv2D", "config": {"name": "c"}, "name": "other"},
    {"class_name": "Conv2D", "config": {"name": ""}, "name": "other"},
    {"class_name": "Conv2D", "config": {}}, {"class_name": "Conv2D", "config": {"name": 3}},
    {"class_name": "Conv2D", "name": "only"}, {"class_name": "Sequential",
    "config": [{"class_name": "Dense"}]},
    {"class_name": "Sequential", "config": None}, {"class_name": "C" * 201, "config": {}},
    {"class_name": "M", "config": {"layers": []}}, {"class_name": "M", "config": {"layers": {}}},
    {"class_name": 3, "config": {}}, {"config": {}}, "Conv2D", None, ["Conv2D"],
    {"class_name": "D", "inbound_nodes": [[["a", 0, 0, {}]], [["b", 1, 0], ["c", 0, 0]]]},
    {"class_name": "D", "inbound_nodes": {"a": ["a", 0, 0]}}, {"class_name": "D", "inbound_nodes": [[]]},
    {"class_name": "C", "config": {"nb_filter": 3, "subsample": [2, 1], "border_mode": "same", "p": 0.5}},
    {"class_name": "C", "config": {"nb_filter": 3, "filters": 4, "subsample_length": 2, "atrous_rate": 2}},
    {"class_name": "C", "config": {"output_dim": 5, "dim_ordering": "th"}},
    {"class_name": "C", "config": {"dim_ordering": "tf", "data_format": "own"}}, {"class_name": "C",
    "config": {"dim_ordering": 3}},
)  # fmt: skip


def _entries() -> Told:
    for value in CALLS:
        yield f"called with {_brief(value)}", str(list(config._references(value)))
    for value in ENTRIES:
        found = config._Entry.of(value)
        answer = "none" if found is None else f"{found.name[:9]} {found.class_name} {dict(found.config)}"
        more = "" if found is None else f" {found.calls} {found.is_model} {found.weight}"
        yield f"an entry {_brief(value)}", f"{answer.replace('C' * 200, 'C200')}{more}"
        front = config._has_channels_in_front(
            [{"class_name": "M", "config": {"layers": [value]}}, value, "odd"]
        )
        yield f"in front {_brief(value)}", str(front)
    for facts in (
        {"data_format": "channels_first"},
        {"data_format": "channels_last"},
        {"dim_ordering": "th"},
    ):
        inner = {"class_name": "C", "config": facts}
        model = {"class_name": "M", "config": {"layers": [{"class_name": "D"}, inner]}}
        for place, layers in enumerate(([inner], ["odd", inner], [{"class_name": "D"}, model], model, None)):
            yield f"in front {facts} {place}", str(config._has_channels_in_front(layers))


def _brief(value: Any) -> str:
    return json.dumps(value).replace('"', "").replace("C" * 200, "C200").replace("__keras_tensor__", "T")


# Configurations without weights


def _layer(name: str, *given: Any, cls: str = "Activation", **facts: Any) -> dict[str, Any]:
    nodes = [[[one, n, 0, {}] for one, n in call] for call in given]
    return {"class_name": cls, "config": {"name": name, **facts}, "name": name, "inbound_nodes": nodes}


def _model(name: str, layers: list[Any], start: Any, end: Any, *given: Any, **facts: Any) -> dict[str, Any]:
    ends = {"input_layers": start, "output_layers": end, "layers": layers}
    return _layer(name, *given, cls="Functional", **ends, **facts)


def _configurations() -> Iterator[tuple[str, Any]]:
    start = _layer("in", cls="InputLayer", batch_input_shape=[None, 8, 8, 3])
    one = _layer("r", [("in", 0)], activation="relu")
    inner = [_layer("x", cls="InputLayer", batch_shape=[None, 4]), _layer("y", [("x", 0)], activation="tanh")]
    for words, called in (
        ("once", [[("r", 0)]]), ("twice", [[("r", 0)], [("in", 0)]]), ("thrice", [[("in", 0)]] * 3),
        ("in a circle", [[("m", 0)]]), ("with nothing", []),
    ):  # fmt: skip
        for first in (0, 1):
            model = _model("m", inner, [["x", 0, 0]], [["y", 0, 0]], *called, trainable=False)
            end = _layer(
                "end", [("m", first)], [("m", first + 1), ("r", 0)], activation="relu", trainable=True
            )
            layers = [start, one, model, end]
            yield f"a model {words} from {first}", _model("all", layers, [["in", 0, 0]], [["end", 1, 0]])
    twice = _layer("in", cls="InputLayer", batch_shape=[None, 4], batch_input_shape=[None, 5])
    yield "an input of both words", _model("all", [twice, _layer("r", [("in", 0)])], None, [["r", 0, 0]])
    ended = _model("m", inner, [["x", 1, 0]], [["x", 1, 0]], [("in", 0)])
    yield (
        "a model that ends with its input",
        _model("all", [start, ended, _layer("e", [("m", 1)])], None, None),
    )
    forked = [*inner, _layer("z", [("x", 0)], activation="relu")]
    for ends in ("yz", "zy"):
        model = _model("m", forked, [["x", 0, 0]], [[end, 0, 0] for end in ends], [("in", 0)])
        for first in (0, 1):
            layers = [start, model, _layer("e", [("m", first)])]
            yield f"a model with the ends {ends} from {first}", _model("all", layers, None, None)
    yield "a layer twice", _model(
        "all", [start, _layer("r", [("in", 0)], [("r", 0)], activation="a" * 40), _layer("s", [("r", 1)])],
        ["in", 0, 0], ["s", 0, 0],
    )  # fmt: skip
    yield "given what is not there", _model("all", [start, _layer("r", [("gone", 0), ("in", 0)])], None, None)
    yield "turned round", _model("all", [_layer("s", [("r", 0)]), one, start], ["in", 0, 0], ["s", 0, 0])
    yield "two circles", _model(
        "all", [start, _layer("b", [("a", 0)]), _layer("a", [("b", 0)], [("in", 0)]), _layer("z", [("a",
        1)])],
        ["in", 0, 0], ["z", 0, 0],
    )  # fmt: skip
    first = _layer("f", activation="relu", batch_input_shape=[None, 8, 8, 3])
    for words, layers in (
        ("alone", [first]), ("behind an input", [start, first]), ("with an input late", [first, start]),
        ("with none", [one, one]), ("of another word", [_layer("f", batch_shape=[None, 4])]),
        ("of both words", [_layer("f", batch_shape=[None, 4], batch_input_shape=[None, 5])]),
        ("within", [first, {"class_name": "Sequential", "config": {"name": "q", "layers": [start, one]}}]),
        ("frozen within", [first, {"class_name": "Sequential", "config": {"trainable": False,
        "layers": [one]}}, one]),
        ("odd", ["odd", None, first]),
    ):  # fmt: skip
        yield f"a row {words}", {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
        yield f"a model without calls {words}", {"class_name": "Model", "config": {"layers": layers}}
    each = {"class_name": "Dense", "config": {"name": "d", "units": 4}}
    for words, facts in (
        ("it", {"layer": each}),
        ("nothing", {"layer": 3}),
        ("it, frozen", {"layer": each, "trainable": False}),
    ):
        wrapper = {"class_name": "TimeDistributed", "config": {"name": "t", **facts}}
        yield (
            f"each moment {words}",
            {"class_name": "Sequential", "config": {"layers": [first, wrapper, one]}},
        )
    both = {"class_name": "Bidirectional", "config": {"name": "b", "layer": each, "layers": [each]}}
    yield "both ways", {"class_name": "Sequential", "config": {"layers": [first, both]}}
    for odd in ({"class_name": "Own", "config": {}}, {"class_name": "Own", "config": {"layers": {}}}):
        yield f"odd {odd}", odd
    deep: Any = one
    for _ in range(13):
        deep = {"class_name": "Sequential", "config": {"name": "s", "layers": [deep]}}
    yield "twelve in one another", deep
    yield "thirteen in one another", {"class_name": "Sequential", "config": {"layers": [deep]}}


def _built(made: Any, **facts: Any) -> tuple[str, int]:
    file = opened(b"")

    def build() -> config.Builder:
        builder = config.Builder(opened=file, store=None, is_keras_3=True, **facts)
        builder.build(made)
        return builder

    def tell(builder: config.Builder) -> str:
        return " ".join((*map(layer_told, builder.layers), *builder.notes, str(builder.channels_last)))

    return outcome(build, tell), file.effort.used


def layer_told(layer: Layer) -> str:
    below = f"<{','.join(map(str, layer.inputs))}" if layer.inputs else ""
    frozen = {True: " moves", False: " rests", None: ""}[layer.trainable]
    held = "".join(f" [{one.name} {one.source}]" for one in layer.parameters)
    return f"{layer.name}:{layer.type}{below}{frozen} {' '.join(told(*layer.operations).split())}{held};"


def _builders() -> Told:
    for words, made in _configurations():
        yield words, " ".join(map(str, _built(made)))
    many = [_layer(f"l{place}") for place in range(20)]
    circles = [_layer(f"c{place}", [(f"c{place}", 0)]) for place in range(10)]
    for words, layers in (("twenty", many), ("ten circles", circles)):
        yield words, " ".join(map(str, _built(_model("m", layers, None, [["l19", 0, 0]]))))
    for text in (b"{}", b"[]", b'{"class_name": 3}', b'{"class_name": "M"}', b"{", b"\xff", b"[" * 100_000):
        yield f"text {text[:30]!r}", outcome(lambda text=text: config.parse(text, opened(b"")), str)
    text = b'{"class_name": "M"}'.ljust(63)
    for allowed in (64 * 63 - 1, 64 * 63):
        file = opened(b"", limits=Limits(allocation=allowed))
        yield f"text of 63 where {allowed} are allowed", outcome(lambda f=file: config.parse(text, f), str)


def keras_parts() -> Told:
    """All of it."""
    yield from _words()
    yield from _sides()
    yield from _functions()
    yield from _inputs()
    yield from _entries()
    yield from _builders()
