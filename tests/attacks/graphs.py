"""Networks that are wired in circles or beyond all measure, with attributes that no layer has."""

from __future__ import annotations

import numpy as np

from tests.attacks.assembling import (
    BUILD,
    EMPTY_DICT,
    EMPTY_TUPLE,
    MARK,
    NEWOBJ,
    NONE,
    POP,
    REDUCE,
    SETITEMS,
    TUPLE,
    beside_weights,
    called,
    convolution,
    dtype,
    get,
    group,
    image,
    layer,
    listed,
    mapped,
    named,
    pickled,
    put,
    raw,
    real,
    shape,
    text,
    thing,
    weights,
    whole,
)  # fmt: skip
from tests.attacks.attack import Attack

__all__ = ["ATTACKS", "ATTRIBUTES", "LAYERS", "VALUES", "hostile_convolution", "hostile_layer"]

NAN, INFINITE = real(float("nan")), real(float("inf"))
HUGE = whole(10**9)

VALUES = {
    "nothing": NONE,
    "zero": whole(0),
    "below zero": whole(-3),
    "a billion": HUGE,
    "two to the hundredth": whole(1 << 100),
    "no number": NAN,
    "infinite": INFINITE,
    "text": text("__import__('os')"),
    "long text": text("same" * 5000),
    "a shape of one": shape(1),
    "zeros": shape(0, 0),
    "below zeros": shape(-1, -1),
    "billions": shape(10**9, 10**9),
    "numbers of a thousand bits": group(whole(1 << 1000), whole(1 << 1000)),
    "pairs": group(shape(1 << 40, -5), shape(0, 0)),
    "a thousand ones": shape(*[1] * 1000),
    "fractions": group(real(0.5), NAN),
    "a call": called("os", "system", text("touch PWNED")),
    "an array": weights(),
    "a dictionary": mapped(a=whole(1)),
}
ATTRIBUTES = (
    "filter_size", "stride", "pad", "num_filters", "dilation", "crop", "border_mode", "flip_filters", "name",
    "input_shape", "untie_biases", "nonlinearity", "params", "b", "output_size", "n", "num_groups",
)  # fmt: skip
LAYERS = {
    "DenseLayer": ("num_units", "num_leading_axes", "W"),
    "MaxPool2DLayer": ("pool_size", "stride", "pad", "ignore_border"),
    "GlobalPoolLayer": ("pool_function",),
    "Upscale2DLayer": ("scale_factor",),
    "PadLayer": ("width", "batch_ndim", "val"),
    "FlattenLayer": ("outdim",),
    "ReshapeLayer": ("shape",),
    "DimshuffleLayer": ("pattern",),
    "SliceLayer": ("slice", "axis"),
    "FeaturePoolLayer": ("pool_size", "axis"),
    "BatchNormLayer": ("epsilon", "axes", "mean", "gamma"),
    "ConcatLayer": ("axis",),
    "InputLayer": ("shape",),
}
"""Lasagne's layers and the attributes that their geometry is made of."""


def hostile_convolution(attribute: str, value: bytes) -> bytes:
    return pickled(convolution(image(1, 8, 8), **{attribute: value}))


def hostile_layer(cls: str, attribute: str, value: bytes) -> bytes:
    """A layer with one attribute replaced, between two convolutions."""
    usual = {name: shape(2, 2) for name in LAYERS[cls]}
    odd = layer(cls, convolution(image(1, 8, 8)), **{**usual, attribute: value})
    return pickled(convolution(odd))


def linked(n: int, cls: str, link: bytes) -> bytes:
    """Objects that refer to the one before, which the memo keeps at 0; ``link`` are keys and values."""
    one = (
        named("lasagne.layers.some", cls) + EMPTY_TUPLE + NEWOBJ + EMPTY_DICT + MARK + link + SETITEMS + BUILD
    )
    return (one + put(0) + POP) * n


def chain(n: int, stride: int = 1, **state: bytes) -> bytes:
    """Convolutions one upon the other that share their weights."""
    facts = {
        "filter_size": whole(3),
        "pad": whole(0),
        "stride": whole(stride),
        "num_filters": whole(2),
        **state,
    }
    link = b"".join(text(key) + value for key, value in facts.items())
    link += text("input_layer") + get(0) + text("W") + get(9)
    first = weights() + put(9) + POP + image(1, 64, 64) + put(0) + POP
    return pickled(first, linked(n, "Conv2DLayer", link), get(0))


def diamonds(n: int) -> bytes:
    """Merges of a layer with itself: two to the n ways from the output to the input."""
    square = weights(np.zeros((2, 2, 3, 3), "<f4"))
    first = square + put(9) + POP + convolution(image(2, 9, 9), W=get(9)) + put(0) + POP
    link = text("input_layers") + listed(get(0), get(0)) + text("coeffs") + shape(1, 1)
    return pickled(first, linked(n, "ElemwiseSumLayer", link), convolution(get(0), W=get(9)))


def circle(n: int) -> bytes:
    """Layers that feed each other in a circle."""
    holders = b"".join(
        named("lasagne.layers.some", "Conv2DLayer") + EMPTY_TUPLE + NEWOBJ + put(i) + POP for i in range(n)
    )
    links = b"".join(
        get(i)
        + EMPTY_DICT
        + MARK
        + text("input_layer")
        + get((i + 1) % n)
        + text("W")
        + weights()
        + text("num_filters")
        + whole(2)
        + SETITEMS
        + BUILD
        + POP
        for i in range(n)
    )
    return pickled(holders + links + get(0))


def fan_in(n: int) -> bytes:
    """A merge with one input, again and again."""
    many = convolution(image(1, 8, 8)) + put(0) + POP + listed(get(0) * n) + put(1) + POP
    return pickled(many + thing("lasagne.layers.merge", "ConcatLayer", input_layers=get(1), axis=whole(1)))


def shared_inputs(n_layers: int, n_inputs: int, value: bytes) -> bytes:
    """Many layers that share one long list of what feeds them."""
    shared = listed(value * n_inputs) + put(0) + POP
    state = mapped(input_layers=get(0), W=weights(), num_filters=whole(2)) + put(1) + POP
    one = named("lasagne.layers.some", "Conv2DLayer") + EMPTY_TUPLE + NEWOBJ + get(1) + BUILD
    return pickled(shared + state + listed(one * n_layers))


def shared_state(n_layers: int, **state: bytes) -> bytes:
    """Many layers with one and the same state."""
    facts = mapped(input_layer=NONE, W=weights(), num_filters=whole(2), **state) + put(1) + POP
    one = named("lasagne.layers.some", "Conv2DLayer") + put(2) + POP
    return pickled(facts + one + listed((get(2) + EMPTY_TUPLE + NEWOBJ + get(1) + BUILD) * n_layers))


def shared_arguments(n: int) -> bytes:
    """Many objects that share one long tuple of arguments."""
    shared = group(NONE * 100_000) + put(0) + POP + named("a", "B") + put(1) + POP
    return beside_weights(shared, listed((get(1) + get(0) + REDUCE) * n))


def shared_pairs(n: int) -> bytes:
    """Many objects that share one long list of what are pairs but for the last."""
    pair = group(NONE, NONE) + put(3) + POP
    shared = pair + listed(get(3) * 80_000 + NONE) + put(0) + POP + named("a", "B") + put(1) + POP
    return beside_weights(shared, listed((get(1) + MARK + get(0) + TUPLE + REDUCE) * n))


def shared_keys(key: str, n: int) -> bytes:
    """A dictionary with one long key, again and again."""
    entries = EMPTY_DICT + MARK + (get(0) + get(1)) * n + SETITEMS
    return pickled(text(key) + put(0) + POP + weights() + put(1) + POP, b"U\x01x0", entries)


def neural_nets(n: int) -> bytes:
    """NeuralNets that share layers which are none."""
    held = listed(NONE * 100_000) + put(0) + POP
    state = mapped(layers_=get(0), _output_layers=get(0), _output_layer=get(0)) + put(1) + POP
    one = named("nolearn.lasagne.base", "NeuralNet") + EMPTY_TUPLE + NEWOBJ + get(1) + BUILD
    return pickled(held + state + listed(one * n))


def long_history(n: int) -> bytes:
    """A history whose epochs share one value with many parts."""
    number = called("numpy.core.multiarray", "scalar", dtype("f8"), raw(bytes(8))) + put(0) + POP
    epoch = mapped(loss=group(get(0) * 64)) + put(1) + POP
    net = thing(
        "nolearn.lasagne.base",
        "NeuralNet",
        layers_=listed(convolution(image(1, 8, 8))),
        train_history_=listed(get(1) * n),
    )
    return pickled(number + epoch + net)


def many_classes() -> bytes:
    """All pairs of long names of modules and of classes."""
    names = b"".join(text(f"{n:04}" * 250) + put(n) + POP for n in range(150))
    pairs = b"".join(get(a) + get(b) + b"\x93" + POP for a in range(150) for b in range(150))
    return beside_weights(names + pairs)


def many_layers_of(module: str, name: str, **state: bytes) -> bytes:
    """A network of another library's with one layer, again and again."""
    one = thing("madmom.ml.nn.layers", "FeedForwardLayer", weights=weights()) + put(0) + POP
    return pickled(one + thing(module, name, layers=listed(get(0) * 100_000), **state))


SIZES = (
    ("a circle of one layer", lambda: circle(1), "network"),
    ("a circle of three layers", lambda: circle(3), "network"),
    ("a chain of fifteen hundred layers", lambda: chain(1_500), "network"),
    ("a chain of more layers than are allowed", lambda: chain(3_000), "LimitError"),
    ("strides that multiply without end", lambda: chain(2_000, stride=2_000_000_000), "network"),
    (
        "enlargements that multiply without end",
        lambda: chain(2_000, stride=1_999_999_973, crop=whole(0)),
        "network",
    ),
    (
        "dilations that add up without end",
        lambda: chain(2_000, stride=3, dilation=whole(2_000_000_000)),
        "network",
    ),
    ("diamonds", lambda: diamonds(500), "network"),
    ("a fan of twenty thousand inputs", lambda: fan_in(20_000), "network"),
    ("a fan of a hundred thousand inputs", lambda: fan_in(100_000), "LimitError"),
    ("layers that share inputs which are none", lambda: shared_inputs(2_000, 100_000, NONE), "LimitError"),
    ("layers that share one state", lambda: shared_state(2_000), "network"),
    (
        "layers that share long texts",
        lambda: shared_state(
            2_000,
            **{
                name: group(*[text("x" * 16_000)] * 64)
                for name in ("filter_size", "num_groups", "flip_filters", "name")
            },
        ),
        "network",
    ),
    ("layers that share a long name", lambda: shared_state(2_000, name=text("n" * 16_000)), "network"),
    ("objects that share arguments", lambda: shared_arguments(20_000), "kernels"),
    ("objects that share pairs", lambda: shared_pairs(20_000), "LimitError"),
    ("a key of separators", lambda: shared_keys("." * 16_000, 9_000), "network"),
    ("a short key of separators", lambda: shared_keys("_" * 1_000, 60_000), "network"),
    ("a key of numbers and letters", lambda: shared_keys("1a" * 8_000, 60_000), "network"),
    ("NeuralNets without layers", lambda: neural_nets(100), "LimitError"),
    ("a history without end", lambda: long_history(100_000), "LimitError"),
    ("classes without end", many_classes, "LimitError"),
    (
        "a network of madmom's without end",
        lambda: many_layers_of("madmom.ml.nn", "NeuralNetwork"),
        "LimitError",
    ),
    (
        "a network of sknn's without end",
        lambda: many_layers_of(
            "sknn.mlp", "Classifier", weights=listed(group(weights(), NONE) + put(5) + POP + get(5) * 100_000)
        ),
        "LimitError",
    ),
    (
        "layers without parameters by the hundred thousand",
        lambda: pickled(
            mapped(conv1=listed(weights()))
            + MARK
            + b"".join(text(f"layer{n}") + b"]" for n in range(50_000))
            + SETITEMS
        ),
        "LimitError",
    ),
    (
        "a network of sknn's with biases alone",
        lambda: pickled(
            thing(
                "sknn.mlp",
                "Classifier",
                layers=listed(thing("sknn.mlp", "Convolution", name=text("c"))),
                weights=listed(group(NONE, weights())),
            )
        ),
        "network",
    ),
)
"""Networks that are wrong in their wiring or their size."""

ATTACKS = tuple(Attack(name=name, data=make, ends=ends) for name, make, ends in SIZES)
