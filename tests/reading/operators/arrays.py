"""Arrays by themselves: what is concluded of their names, their order and their shapes.

Each case is a number: a network made by chance, in which names and sizes mostly fit. `NAMED`, `BARE`
and `GRAFTED` are the cases that tell the most: each notices a change of the reader that the others do not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.errors import FiltvizError
from filtviz.network import Network, Origin
from filtviz.operations import Convolution, Dense, Embedding, Normalisation, parameters_of
from filtviz.parameter import Parameter
from filtviz.reading import tensor_names, tensors
from filtviz.reading.arrays import ComputedArray
from filtviz.reading.formats.bare_arrays import Dialect, infer
from filtviz.reading.formats.bare_arrays.collecting import Found, NamedArray
from filtviz.reading.grafting import graft
from filtviz.reading.limits import Hints
from filtviz.reading.tensors import TensorLayers
from tests.building import as_layer, conv, image
from tests.reading.operators.asking import Told
from tests.telling import refused

__all__ = ["bare", "grafted", "named_arrays"]

Shapes = list[tuple[str, tuple[int, ...]]]
CONVENTIONS = ("PYTORCH", "PYTORCH", "PYTORCH", "FLAX", "HAIKU", "MLX", "MXNET", "PADDLE")
CHANNELS = (1, 2, 3, 4, 6, 8, 8, 12, 16)
KERNELS = (1, 2, 3, 3, 4, 5)


def _array(shape: Sequence[int], dtype: str = "f4") -> ComputedArray:
    return ComputedArray(shape=tuple(shape), dtype=np.dtype(dtype), read=partial(np.zeros, shape, dtype))


# Names and shapes

NAMES = (
    "conv{i}", "layer1.{i}.conv1", "layer1.{i}.conv2", "layer1.{i}.shortcut.0", "layer1.{i}.skip",
    "block.branch1.0", "block.branch2.0", "block.branch2.1", "features.{i}", "up{i}", "deconv{i}", "main.{i}",
    "main.transpose{i}", "dw{i}", "paths.{i}", "net.dwconv{i}", "conv5_mask", "upsample.{i}.conv", "body.{i}",
)  # fmt: skip
OTHERS = {
    "dense": (
        "fc{i}",
        "head",
        "embed",
        "embed_tokens",
        "pos_embed",
        "wte",
        "patch_embed",
        "net.query",
        "net.key",
    ),
    "norm": ("bn{i}", "layer1.{i}.bn1", "features.{i}", "main.{i}"),
    "attention": ("a.query", "a.key", "a.value", "a.out", "a.query", "a._query_dense"),
    "table": ("embedding", "tok.emb{i}"),
    "recurrent": ("lstm", "rnn{i}"),
    "other": ("scale{i}", "cls_token", ""),
}
KINDS = ("conv",) * 11 + ("norm",) * 4 + ("dense",) * 2 + ("attention", "table", "recurrent", "other")


_ELSE = {"gamma": "weight", "beta": "bias", "table": "weight"}


def _a_network(chance: random.Random, convention: tensor_names.Convention) -> Shapes:
    """Names and shapes of a few layers, each once, or of one of the parts that people often build."""
    words = {role: word for word, role in reversed(convention.roles.items())}

    def word_of(role: str) -> str:
        return words.get(role) or words.get(_ELSE.get(role, ""), role)

    part = chance.choice((_single_layers, _single_layers, _a_block, _a_generator, _separable, _an_attention))
    found = {
        f"{name}{convention.separator if name else ''}{word_of(role)}": shape
        for name, role, shape in part(chance, convention)
        if chance.random() < 0.97
    }
    shapes = list(found.items())
    return sorted(shapes) if chance.random() < 0.15 else shapes


Named = Iterator[tuple[str, str, tuple[int, ...]]]
"""A layer, what its array is, and the array's shape."""


def _single_layers(chance: random.Random, convention: tensor_names.Convention) -> Named:
    width = chance.choice((1, 3, 3, 3, 8))
    for i in range(chance.choice((1, 2, 3, 3, 4, 5, 6))):
        kind = chance.choice(KINDS)
        name = chance.choice(NAMES if kind == "conv" else OTHERS[kind]).format(i=i)
        name = name.replace(".", convention.separator)
        gives = chance.choice(CHANNELS)
        if kind in ("conv", "attention"):
            n_axes = 3 if kind == "attention" else 0
            shape, gives, n_biases = _a_kernel(chance, convention, width, gives, n_axes)
            yield name, "weight", shape
            if chance.random() < 0.6:
                yield name, "bias", ((n_biases,) if chance.random() < 0.95 else (2, n_biases))
        elif kind == "dense":
            takes = width * chance.choice((1, 1, 1, 4))
            yield name, "weight", ((gives, takes) if convention.dense == "oi" else (takes, gives))
            if chance.random() < 0.5:
                yield name, "bias", (gives,)
        elif kind == "norm":
            gives = width if chance.random() < 0.85 else gives
            yield from _a_norm(chance, name, gives)
        elif kind == "table":
            yield name, "table", (chance.choice((10, 4)), gives)
        elif kind == "recurrent":
            for role, shape in _a_recurrence(chance, width, gives):
                yield name, role, shape
        else:
            yield name, "gamma_1" if name else "token", (gives,)
        width = gives


def _an_attention(chance: random.Random, convention: tensor_names.Convention) -> Named:
    """Query, key, value and what is made of them, whose kernels have three axes at times."""
    place = f"block{convention.separator}attention{convention.separator}"
    start, end = chance.choice((("", ""), ("", ""), ("_", ""), ("", "_dense")))
    for part in ("query", "key", "value", chance.choice(("out", "output", "attention_output", "extra"))):
        shape = chance.choice(((8, 2, 4), (8, 2, 4), (2, 4, 8), (8, 8)))
        yield f"{place}{start}{part}{end}", "weight", shape
        if chance.random() < 0.5:
            yield f"{place}{start}{part}{end}", "bias", chance.choice(((2, 4), (8,), (4,)))
    yield "conv", "weight", _kernel(convention, 8, 8, 3)


def _a_norm(chance: random.Random, name: str, width: int) -> Named:
    for role in ("gamma", "beta", "mean", "variance"):
        if chance.random() < 0.95:
            yield name, role, (width,)


def _kernel(
    convention: tensor_names.Convention, filters: int, takes: int, size: int, *, turned: bool = False
):  # type: ignore[no-untyped-def]
    order = (convention.transposed if turned else None) or convention.kernels
    lengths = {"o": filters, "i": takes, "r": size, "c": size}
    return tuple(lengths[axis] for axis in order[4])


def _a_block(chance: random.Random, convention: tensor_names.Convention) -> Named:
    """A stem, and blocks with a shortcut or branches beside their layers."""
    yield "stem", "weight", _kernel(convention, 8, chance.choice((3, 1)), 3)
    width, between = 8, convention.separator
    for i in range(chance.choice((1, 2))):
        gives, middle = chance.choice((8, 16)), chance.choice((1, 4, 8, 8))
        name = f"{chance.choice(('layer', 'Block', 'stage.x.y.z'))}{i}".replace(".", between)
        beside = chance.choice(("shortcut", "Shortcut.0", "skip", "short", "skip_1", "branch2.0", "branch_b"))
        own = chance.choice(("conv", "conv", "branch1.", "branch_a", "res.deep.er.path."))
        sizes = (3, 3) if chance.random() < 0.7 else (3, 5)
        first = chance.choice((1, 1, width, middle))
        one = chance.choice((gives, gives, middle))
        parts = [
            (f"{own}0", _kernel(convention, one, first, sizes[0])),
            (f"{own}1", _kernel(convention, gives, chance.choice((one, 1)), sizes[1])),
            (beside, _kernel(convention, gives, width, 1)),
        ]
        parts += [(f"{beside}_more", _kernel(convention, gives, width, 1))] * (chance.random() < 0.15)
        for part, shape in parts if chance.random() < 0.7 else [parts[-1], *parts[:-1]]:
            place = f"{name}.{part}".replace(".", between)
            yield place, "weight", shape
            if chance.random() < 0.2:
                yield place, "bias", (gives,)
            if chance.random() < 0.3:
                yield from _a_norm(chance, f"{place}{between}bn", gives)
        width = gives


def _a_generator(chance: random.Random, convention: tensor_names.Convention) -> Named:
    """Transposed convolutions that end with an image, of names that tell or do not."""
    width, between = chance.choice((16, 12, 8)), convention.separator
    word = chance.choice(("main", "main", "net.main", "deconv", "up", "upconv", "decoder.transpose", ""))
    step, ends = chance.choice((1, 3)), chance.choice((1, 3, 3, 4, 5))
    if chance.random() < 0.5:
        yield f"encoder{between}0", "weight", _kernel(convention, width, chance.choice((3, 4)), 4)
    n = chance.choice((2, 3, 3, 10))
    for i in range(n):
        gives = ends if i + 1 == n else max(5, width - chance.choice((0, 0, 2, 4)))
        name = f"{word}{between if word[-1:] not in 'v' else ''}{i * step}".replace(".", between).lstrip(
            between
        )
        size = chance.choice((4, 4, 4, 3, 2, 1))
        is_turned = chance.random() < 0.85
        yield name, "weight", _kernel(convention, gives, width, size, turned=is_turned)
        if chance.random() < 0.3:
            yield name, "bias", (gives,)
        if chance.random() < 0.5 and i + 1 < n:
            norm = f"{word}{between}{i * step + 1}".lstrip(between) if chance.random() < 0.7 else f"bn{i}"
            yield from _a_norm(
                chance, norm.replace(".", between), gives if chance.random() < 0.9 else 2 * gives
            )
        width = gives
    if chance.random() < 0.4:
        yield f"{word or 'tail'}{between}{n * step}", "weight", _kernel(convention, 8, width, 3)


def _separable(chance: random.Random, convention: tensor_names.Convention) -> Named:
    """Depthwise convolutions and such in groups, each before a pointwise one."""
    width, between = chance.choice((8, 12, 16)), convention.separator
    yield f"features{between}0", "weight", _kernel(convention, width, chance.choice((3, 3, 1)), 3)
    many = chance.choice((1, 2, 3, 10))
    word = chance.choice(
        (
            "conv",
            "dw",
            "dw_conv",
            "depthwise",
            "a_name_that_goes_on_and_on_and_on_for_more_than_sixty_letters",
        )
    )
    place = chance.choice(("features", "features", "split", "paths"))
    for i in range(1, many + 1):
        takes = chance.choice((1, 1, 1, width // 2, width // 4, width))
        filters = width * chance.choice((1, 1, 1, 2))
        name = f"{place}.{i}.{word}".replace(".", between)
        yield name, "weight", _kernel(convention, filters, takes, chance.choice((3, 3, 5, 1, 4)))
        if chance.random() < 0.3:
            yield name, "bias", (filters,)
        if chance.random() < 0.4:
            yield from _a_norm(chance, f"{place}.{i}.bn".replace(".", between), filters)
        gives = chance.choice((width, width, 12))
        yield f"{place}.{i}.point".replace(".", between), "weight", _kernel(convention, gives, filters, 1)
        width = gives


def _a_kernel(
    chance: random.Random, convention: tensor_names.Convention, width: int, gives: int, n_axes: int
) -> tuple[tuple[int, ...], int, int]:
    """The shape of a kernel, how many channels it gives, and how many biases it has."""
    n_axes = n_axes or chance.choice((4, 4, 4, 4, 4, 3, 5))
    order = convention.kernels[n_axes]
    takes, filters, n_biases = width, gives, gives
    way = chance.random()
    if way < 0.15:  # depthwise
        takes, filters = 1, width * chance.choice((1, 1, 2))
        gives = n_biases = filters
    elif way < 0.3:  # in groups
        takes = max(1, width // chance.choice((2, 2, 3, 4)))
        filters = gives = n_biases = chance.choice((width, width, gives))
    elif way < 0.5 and convention.transposed:
        order = convention.transposed[n_axes]
        if chance.random() < 0.3:
            filters, n_biases = max(1, gives // 2), gives
    elif way < 0.6:
        takes = chance.choice(CHANNELS)
    size = chance.choice(KERNELS)
    lengths = {"o": filters, "i": takes, "r": size, "c": size if chance.random() < 0.9 else 1, "d": size}
    return tuple(lengths[axis] for axis in order), gives, n_biases


def _a_recurrence(chance: random.Random, width: int, units: int) -> Shapes:
    gates, suffix = chance.choice((4, 3, 1, 2)), chance.choice(("_l0", "_l0", ""))
    projected = units if chance.random() < 0.8 else max(1, units // 2)
    found: Shapes = [
        (f"weight_ih{suffix}", (gates * units, width)),
        (f"weight_hh{suffix}", (gates * units + (chance.random() < 0.1), projected)),
        (f"bias_ih{suffix}", (gates * units,)),
    ]
    if projected != units:
        found.append((f"weight_hr{suffix}", (projected, units) if chance.random() < 0.8 else (units,)))
    if chance.random() < 0.2:
        place = chance.randrange(len(found))
        found[place] = (found[place][0], chance.choice(((*found[place][1], 1), found[place][1][:1], (0, 0))))
    if chance.random() < 0.3:
        found += [(f"{one}_reverse", shape) for one, shape in found[:2]]
    return found


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "()"


def _layers(found: Any) -> str:
    return "; ".join(
        f"{layer.name}:{layer.type}<{','.join(map(str, layer.inputs))} "
        + " ".join(filter(None, map(_operation, layer.operations)))
        + (
            ""
            if isinstance(found, TensorLayers)
            else " " + " ".join(_array_of(one) for one in layer.parameters)
        )
        for layer in found.layers
    )


def _array_of(one: Parameter) -> str:
    return f"{one.name}={one.source}"


_TURNED = {True: " turned", False: " straight", None: ""}


def _operation(one: Any) -> str:
    if isinstance(one, Convolution):
        bias = "" if one.bias is None else f" {_by(one.bias.shape)}"
        known = "".join(f" {name}{getattr(one, name)}" for name in ("stride", "pad") if getattr(one, name))
        return f"{one.axes}/{one.groups}{bias}{known}{_TURNED[one.flip_filters]}"
    if isinstance(one, Dense):
        return f"{one.axes} {one.units} {_by(one.weights.shape)}{'' if one.bias is None else ' biased'}"
    if isinstance(one, Normalisation):
        roles = (("mean", one.mean), ("spread", one.spread), ("gamma", one.gamma), ("beta", one.beta))
        held = (f"{role}={value.name}" for role, value in roles if isinstance(value, Parameter))
        return f"{one.spread_is} {one.epsilon:g} {' '.join(held)}"
    if isinstance(one, Activation):
        return "?" if one.kind == "untold" else one.kind
    if isinstance(one, Embedding):
        return f"table {one.weights.name}"
    return f"{type(one).__name__} {getattr(one, 'units', '')}{getattr(one, 'keeps_places', '')}"


def _said(sentences: Sequence[str]) -> str:
    """Which sentences, by their first words, and what they name at their end."""
    return " | ".join(one if len(one) < 50 else f"{one[:24]}~{one[-26:]}" for one in sentences)


def a_named(n: int) -> tuple[str, str]:
    """Names and shapes made by chance, and the layers that they are."""
    chance = random.Random(f"named {n}")
    word = chance.choice(CONVENTIONS)
    convention = getattr(tensor_names, word)
    shapes = _a_network(chance, convention)
    given = [tensor_names.Tensor(name=name, array=_array(shape)) for name, shape in shapes]
    hints, known, as_they_run = Hints(), {}, chance.choice((None, None, None, True, False))
    kernels = [(name, shape) for name, shape in shapes if len(shape) == 4]
    if kernels and chance.random() < 0.12:
        name = chance.choice(kernels)[0]
        layer = name.rpartition(convention.separator)[0]
        axes = {chance.choice((name, layer, "")): chance.choice(("oihw", "iohw", "hwio", "oiw", "oidhw"))}
        hints = Hints(axes=axes)
    elif kernels and chance.random() < 0.12:
        layer = chance.choice(kernels)[0].rpartition(convention.separator)[0]
        facts = (
            {"groups": 2},
            {"stride": (2, 2)},
            {"transposed": True},
            {"transposed": False},
            {"axes": "iorc"},
        )
        known = {layer: chance.choice(facts)}
    elif shapes and chance.random() < 0.15:
        known = {name.rpartition(convention.separator)[0]: {"type": "Own"} for name, _ in shapes}
    elif chance.random() < 0.02:
        hints = Hints(convs=("0",))
    if chance.random() < 0.1:
        given = tensor_names.first_things_first(given, convention)
    told = [word, *(f"{name} {_by(shape)}" for name, shape in shapes)]
    told += [f"runs {as_they_run}"] * (as_they_run is not None)
    told += [str(dict(one)) for one in (hints.axes, known) if one]
    try:
        found = tensors.layers_of(given, convention, hints, known=known, as_they_run=as_they_run)
    except FiltvizError as error:
        return f"{n} {', '.join(told)}", refused(error)
    return f"{n} {', '.join(told)}", f"{_layers(found)} | {_said(found.inferred[1:])}"


# Shapes alone

FIELDS = ("W", "b", "beta", "gamma", "mean", "inv_std", "avg_mean", "avg_var", "std", "weight")


def _some_arrays(chance: random.Random) -> Shapes:
    """Arrays of a few layers in their order, those of one layer with a name before a colon at times."""
    found: Shapes = []
    width = chance.choice((1, 3, 3, 3, 8))
    is_named, is_last = chance.random() < 0.3, chance.random() < 0.25
    for i in range(chance.choice((1, 2, 3, 3, 4, 5))):
        kind = chance.choice(("conv",) * 7 + ("dense", "dense", "norm", "recurrent"))
        gives = chance.choice(CHANNELS)
        here: Shapes = []
        if kind == "conv":
            here, gives = _bare_kernel(chance, width, gives, is_last=is_last)
        elif kind == "dense":
            takes = width * chance.choice((1, 1, 4))
            here = [("W", (takes, gives) if chance.random() < 0.9 else (gives, takes))]
            here += [("b", (gives,))] * (chance.random() < 0.7)
        elif kind == "norm":
            third = chance.choice((("mean", "inv_std"), ("avg_mean", "avg_var"), ("mean", "std")))
            here = [(name, (width,)) for name in ("beta", "gamma", *third)]
            here = here[: chance.choice((4, 4, 3, 2))]
            gives = width
        else:
            here = _bare_recurrence(chance, width, gives)
        layer = "" if not is_named else f"l{i}" if chance.random() < 0.9 else f"{'layer_' * 8}{i}"
        found += [(f"{layer}:{name}", shape) for name, shape in here]
        width = gives
    return found[::-1] if chance.random() < 0.15 else found


def _bare_kernel(chance: random.Random, width: int, gives: int, *, is_last: bool) -> tuple[Shapes, int]:
    size, n = chance.choice((*KERNELS, *KERNELS, 15, 16)), chance.choice((2, 2, 2, 2, 1, 3))
    places = (size,) * n if chance.random() < 0.9 else (size, *(1,) * (n - 1))
    pair, way = (gives, width), chance.random()
    if way < 0.2:
        pair = (width, gives)
    elif way < 0.3:
        pair, gives = (chance.choice((1, 2)), width), width
    elif way < 0.4:
        pair = (gives, chance.choice(CHANNELS))
    here: Shapes = [
        (chance.choice(("W", "W", "kernel", "b")), (*places, *pair[::-1]) if is_last else (*pair, *places))
    ]
    if chance.random() < 0.65:
        n_biases = gives if chance.random() < 0.85 else pair[0] * pair[1]
        untied = ((1, n_biases, 1, 1), (n_biases, 5, 5), (1, 1, 1, n_biases), (n_biases, 1, 1, 1))
        here.append(("b", (n_biases,) if chance.random() < 0.7 else chance.choice(untied)))
    elif chance.random() < 0.4:
        here += [(name, (gives,)) for name in ("beta", "gamma", "mean", "inv_std")]
    return here, gives


def _bare_recurrence(chance: random.Random, width: int, gives: int) -> Shapes:
    here: Shapes = []
    n_gates = chance.choice((3, 3, 4, 4, 2))
    for _ in range(n_gates):
        here += [("W_in", (width, gives)), ("W_hid", (gives, gives)), ("b_in", (gives,))]
    here += [("W_cell", (gives,))] * (3 * (chance.random() < 0.5))
    here += [("init", (1, gives))] * chance.choice((0, 1, 2))
    if chance.random() < 0.4:
        here = [("init", (1, gives)), ("W_in", (width, gives)), ("b_in", (gives,)), ("W_hid", (gives, gives))]
        here += [("b_hid", (gives,))] * (chance.random() < 0.3)
        if chance.random() < 0.4:
            del here[chance.randrange(len(here))]
    return here


def a_bare(n: int) -> tuple[str, str]:
    """Arrays made by chance, and the layers that they are taken for."""
    chance = random.Random(f"bare {n}")
    shapes = _some_arrays(chance)
    has_fields = chance.random() < 0.7
    arrays = []
    for number, (name, shape) in enumerate(shapes):
        layer, _, field = name.partition(":")
        path = (layer, field) if layer else (f"arr_{number}",)
        field_name = field if layer and has_fields and chance.random() < 0.95 else None
        arrays.append(
            NamedArray(number=number, path=path, array=_array(shape), layer=layer or None, field=field_name)  # type: ignore[arg-type]
        )
    hints = Hints()
    weights = [one for one in arrays if len(one.array.shape) > 1]
    if weights and chance.random() < 0.2:
        chosen = chance.sample(weights, chance.choice((1, min(2, len(weights)))))
        words = [
            chance.choice((str(one.number), one.source, one.path[-1], one.layer or "0")) for one in chosen
        ]
        hints = Hints(convs=(*words, *(["nothing"] if chance.random() < 0.1 else [])))
    if weights and chance.random() < 0.2:
        one = chance.choice(weights)
        key = chance.choice((str(one.number), one.source, one.layer or "", ""))
        hints = replace(hints, axes={key: chance.choice(("oihw", "iohw", "hwio", "oiw", "oidhw", "ihwo"))})
    empty = ((chance.randrange(len(arrays)), "pool"),) if chance.random() < 0.15 else ()
    left_out = ("mean_image",) if chance.random() < 0.1 else ()
    dialect = chance.choice(
        (None, None, None, Dialect(depthwise_type="Depthwise{n}D", dense_axes="oi", flip_filters=False))
    )
    told = [f"{name.lstrip(':')} {_by(shape)}" for name, shape in shapes]
    told += [str(one) for one in (hints.convs, dict(hints.axes), empty, left_out) if one]
    told += ["unnamed"] * (not has_fields) + ["another dialect"] * (dialect is not None)
    try:
        found = infer(Found(root=None, arrays=tuple(arrays), empty=empty, left_out=left_out), hints, dialect)
    except FiltvizError as error:
        return f"{n} {', '.join(told)}", refused(error)
    more = [_said(found.inferred[1:-1]), *([found.guess] if found.guess else []), *found.notes]
    return f"{n} {', '.join(told)}", f"{_layers(found)} | {' | '.join(more)} | {' '.join(found.thin)}"


# The graph of another file

_CHANGES = (
    "prefix", "renamed", "left out", "one more", "another shape", "turned", "one moved", "reversed",
    "unnamed", "louder", "slashes",
)  # fmt: skip
_MORE = (("count", (), "i8"), ("ids", (5,), "i4"), ("extra.running_mean", (4,), "f4"), ("x.W", (2, 2), "f4"),
         ("extra.moving_var", (3,), "f4"), ("one", (), "f4"))  # fmt: skip


def _a_graph(chance: random.Random, *, turned: bool) -> Network:
    layers: list[Any] = [image(3)]
    width, is_named = 3, chance.random() < 0.9
    for i in range(chance.choice((1, 2, 2, 3))):
        gives, kind = chance.choice((2, 3, 4)), chance.choice(("conv", "conv", "dense", "norm"))
        below = len(layers) - 1
        name = f"{'net' if chance.random() < 0.9 else 'head.in'}.{kind}{i}" if is_named else None
        if kind == "conv":
            w = np.full((gives, width, 3, 3), i, "f4")
            bias = np.full(gives, i, "f4") if chance.random() < 0.6 else None
            layers.append(conv(w, bias, below=below, flip_filters=turned, name=name))
        elif kind == "dense":
            shape = (width, gives) if turned else (gives, width)
            weight = Parameter.of("W", np.full(shape, i, "f4"), f"{name}.weight")
            dense = Dense(weights=weight, axes="io" if turned else "oi", units=gives)
            held = (weight,) if chance.random() < 0.95 else ()
            layers.append(as_layer(dense, below=below, name=name, parameters=held))
        else:
            mean, spread = (
                Parameter.of(word, np.full(width, i, "f4"), f"{name}.{word}")
                for word in ("running_mean", "var")
            )
            norm = Normalisation(mean=mean, spread=spread, spread_is="variance")
            layers.append(as_layer(norm, below=below, name=name, parameters=(mean, spread)))
            gives = width
        width = gives
    origin = Origin(kind="a graph", framework=chance.choice((None, "Lasagne")), **_a_place(chance, "graph"))
    if chance.random() < 0.04:
        origin = replace(origin, inferred=("concluded",))
    return Network.of(layers if chance.random() < 0.97 else [], origin)


def _a_place(chance: random.Random, name: str) -> dict[str, Any]:
    if chance.random() < 0.4:
        return {}
    path = Path("/there") / f"{name * chance.choice((1, 1, 17))}.bin"
    return {"path": path, "siblings": (path.with_suffix(".data"),) if chance.random() < 0.5 else ()}


def a_grafted(n: int) -> tuple[str, str]:
    """A graph made by chance, its arrays with something changed, and what comes of both."""
    chance = random.Random(f"grafted {n}")
    graph = _a_graph(chance, turned=chance.random() < 0.3)
    given = [
        (f"{layer.name or f'l{layer.index}'}.{one.name}", one.shape, "f4")
        for layer in graph.layers
        for one in layer.parameters
    ]
    changes = chance.sample(_CHANGES, chance.choice((0, 1, 1, 1, 2, 2)))
    for change in changes:
        given = _changed(chance, change, given)
    convention = chance.choice((tensor_names.PYTORCH, tensor_names.FLAX, tensor_names.PYTORCH))
    given = [(_framed(name, convention), shape, dtype) for name, shape, dtype in given]
    arrays = [tensor_names.Tensor(name=name, array=_array(shape, dtype)) for name, shape, dtype in given]
    if arrays and chance.random() < 0.15:
        place = chance.randrange(len(arrays))
        name, shape, _ = given[place]
        parts = tuple(tensor_names.Tensor(name=f"{name}_{of}", array=_array(shape)) for of in "gv")
        arrays[place] = replace(arrays[place], parts=parts)
        changes.append(f"{name} computed")
    made = tensors.layers_of(arrays, convention, Hints())
    framework = chance.choice((None, "PyTorch", "PyTorch"))
    more = {"order": "by names", "guess": "guessed"} if chance.random() < 0.2 else {}
    kind = Origin(
        kind="weights", inferred=made.inferred, framework=framework, **more, **_a_place(chance, "weights")
    )
    history = ({"loss": 1.0},) if chance.random() < 0.2 else ()
    weights = Network.of(made.layers, kind, history)
    asked = f"{n} {' '.join(changes)}: {', '.join(f'{name} {_by(shape)}' for name, shape, _ in given)}"
    asked += f" ({kind.framework}, {graph.origin.framework})"
    try:
        found = graft(weights, graph)
    except FiltvizError as error:
        return asked, refused(error)
    origin = found.origin
    told = [origin.kind, origin.framework, origin.order, origin.guess, origin.graph, *origin.inferred]
    told += [path.name[-12:] for path in origin.siblings] + [len(found.history)] * bool(found.history)
    used = sum(
        float(np.sum(each.value))
        for layer in found.layers
        for one in layer.operations
        for each in parameters_of(one)
    )
    return asked, f"{_layers(found)} | {used:g} {' '.join(str(one) for one in told if one)}"


Given = list[tuple[str, tuple[int, ...], str]]


def _changed(chance: random.Random, change: str, given: Given) -> Given:
    """Return the arrays with something changed in one of them, or in all names."""
    if not given:
        return given
    place = chance.randrange(len(given))
    name, shape, dtype = given[place]
    before, after = given[:place], given[place + 1 :]
    if change == "prefix":
        return [(f"module.{one}", *rest) for one, *rest in given]  # type: ignore[misc]
    if change == "renamed":
        return [*before, (f"other.{name.rpartition('.')[2]}", shape, dtype), *after]
    if change == "left out":
        return [*before, *after]
    if change == "one more":
        return [*before, chance.choice(_MORE), *given[place:]]
    if change == "another shape":
        return [*before, (name, (*shape[:-1], shape[-1] + 1) if shape else (1,), dtype), *after]
    if change == "turned":
        return [*before, (name, shape[::-1], dtype), *after]
    if change == "one moved":
        return [*before, *after, given[place]]
    if change == "reversed":
        return given[::-1]
    if change == "louder":
        return [(one.upper(), *rest) for one, *rest in given]  # type: ignore[misc]
    if change == "slashes":
        return [(f"/{one.replace('.', '/')}", *rest) for one, *rest in given]  # type: ignore[misc]
    return [(f"arr_{i}", shape, dtype) for i, (_, shape, dtype) in enumerate(given)]


def _framed(name: str, convention: tensor_names.Convention) -> str:
    layer, _, last = name.rpartition(".")
    words = {"W": "kernel" if convention is tensor_names.FLAX else "weight", "b": "bias"}
    return convention.separator.join([*layer.split("."), words.get(last, last)]) if layer else name


NAMED: tuple[int, ...] = (
    45, 164, 215, 220, 258, 259, 348, 404, 438, 445, 584, 587, 590, 622, 662, 707, 769, 780, 816, 824,
    933, 989, 1033, 1074, 1076, 1086, 1186, 1195, 1212, 1241, 1312, 1334, 1365, 1413, 1431, 1433, 1470,
    1516, 1521, 1578, 1580, 1637, 1640, 1697, 1855, 1909, 1939, 1970, 2253, 2257, 2283, 2308, 2333, 2388,
    2402, 2488, 2543, 2567, 2573, 2605, 2633, 2669, 2673, 2687, 2698, 2720, 2725, 2735, 2792, 2837, 2857,
    2875, 2919, 3024, 3050, 3223, 3257, 3305, 3403, 3442, 3469, 3546, 3767, 3860, 3865, 3893, 3945, 3980,
    6520,
)  # fmt: skip
BARE: tuple[int, ...] = (
    151, 180, 205, 214, 215, 240, 285, 321, 358, 387, 396, 409, 428, 432, 535, 581, 633, 745, 752, 839,
    873, 999, 1009, 1074, 1130, 1156, 1287, 1290, 1327, 1373, 1398, 1413, 1422, 1469, 1486, 1519, 1531,
    1593, 1618, 1770, 1927, 1937, 1942, 1956, 1961, 2020, 2025, 2026, 2132, 2141, 2177, 2230, 2236, 2269,
    2417, 2450, 2479, 2488, 2510, 2544, 2616, 2715, 2782, 2798, 2823, 2890, 2927, 2964, 3037, 3071, 3085,
    3209, 3212, 3350, 3428, 3450, 3632, 3704, 3742, 3760, 3795, 3796, 3976, 3993,
)  # fmt: skip
GRAFTED: tuple[int, ...] = (
    1, 16, 60, 185, 231, 251, 273, 346, 446, 527, 533, 634, 749, 1173, 1209, 1294, 1627, 1646, 1659, 1685,
    1741, 1748, 1751, 1911, 2034, 2237, 2575, 2618, 2627, 2720, 2844, 2961,
)  # fmt: skip


def named_arrays() -> Told:
    yield from map(a_named, (*NAMED, *range(4000, 4120)))


def bare() -> Told:
    yield from map(a_bare, (*BARE, *range(4000, 4160)))


def grafted() -> Told:
    yield from map(a_grafted, (*GRAFTED, *range(4000, 4160)))
