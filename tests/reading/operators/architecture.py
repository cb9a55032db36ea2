"""The types of layers that a text of ``--architecture`` knows, with keys, defaults and errors."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from filtviz.errors import MalformedFileError
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Convolution, Dense, Normalisation, Operation, Untold, parameters_of
from filtviz.parameter import Parameter, Shape
from filtviz.reading.architecture.kinds import Arrays, Case, activation_of, operations_of, pooling
from filtviz.reading.architecture.tables import Table
from filtviz.reading.architecture.template import _table as _template
from filtviz.reading.architecture.template import template
from tests.reading.operators.asking import Told, array
from tests.telling import told

__all__ = ["architecture"]

ARRAYS = {
    "w": array(4, 3, 3, 2),
    "even": array(4, 6, 2, 2),
    "grouped": array(4, 3, 3, 3),
    "up": array(6, 4, 3, 3),
    "line": array(4, 6, 5),
    "m": array(6, 5),
    "b4": array(4),
    "b5": array(5),
    "b6": array(6),
    "one": array(1),
    "back": array(3, 3, 6, 4),
    "none": array(),
}
IMAGE: Shape = (None, 6, 8, 9)

TABLES = (
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false\ngroups = 2\nbias = "b4"',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false\ngroups = 3',
    'type = "convolution"\nweights = "even"\nstride = [2, 1]\npad = [[1, 0], 2]\nflip = true',
    'type = "convolution"\nweights = "even"\nstride = 1\npad = "same"\nflip = true',
    'type = "convolution"\nweights = "w"\nstride = 1\npad = "same"\nflip = true',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = "same"\nflip = true\ndilation = 2',
    'type = "convolution"\nweights = "grouped"\nstride = 2\npad = "same"\nflip = true',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = "full"\nflip = true\ndilation = [1, 2]',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = "valid"\nflip = true\nbias = "b5"',
    'type = "convolution"\nweights = "back"\naxes = "hwio"\nstride = 1\npad = 1\nflip = false',
    'type = "convolution"\nweights = "back"\naxes = "whio"\nstride = 1\npad = 1\nflip = false',
    'type = "convolution"\nweights = "back"\naxes = "hwi"\nstride = 1\npad = 1\nflip = false',
    'type = "convolution"\nweights = "back"\nstride = 1\npad = 1\nflip = false',
    'type = "convolution"\nweights = "line"\nstride = 1\npad = 1\nflip = false',
    'type = "convolution"\nweights = "nowhere"\nstride = 1\npad = 1\nflip = false',
    'type = "convolution"\nweights = "grouped"\nstride = 0\npad = 1\nflip = false',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = -1\nflip = false',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 1\nflip = 1',
    'type = "convolution"\nweights = "grouped"\nstride = [1, 1, 1]\npad = 1\nflip = true',
    'type = "convolution"',
    'type = "transposed-convolution"\nweights = "up"\naxes = "iohw"\nstride = 2\npad = 1\nflip = false',
    'type = "transposed-convolution"\nweights = "grouped"\naxes = "iohw"\nstride = 2\npad = 1\nflip = false',
    'type = "dense"\nweights = "m"\nbias = "b5"',
    'type = "dense"\nweights = "m"\naxes = "oi"',
    'type = "dense"\nweights = "w"',
    'type = "dense"\nweights = "m"\nbias = "b6"',
    'type = "normalisation"\nmean = "b6"\ninv_std = "b6"',
    'type = "normalisation"\nmean = "b6"\nstd = "b6"\ngamma = "b6"',
    'type = "normalisation"\nmean = "b6"\nvariance = "b6"\nepsilon = 0.01\nbeta = "b6"',
    'type = "normalisation"\nmean = "b6"\nvariance = "b6"',
    'type = "normalisation"\nmean = "b6"',
    'type = "normalisation"\nmean = "b6"\nvariance = "b6"\nstd = "b6"',
    'type = "normalisation"\nmean = "b5"\nstd = "b6"',
    'type = "scale"\nweights = "b6"',
    'type = "scale"\nbias = "b6"',
    'type = "scale"',
    'type = "scale"\nbias = "none"',
    'type = "prelu"\nweights = "b6"',
    'type = "prelu"\nweights = "one"',
    'type = "pool"\nsize = 2',
    'type = "pool"\nsize = [3, 2]\nstride = [2, 1]\npad = 1\nkind = "mean"\nwhole_windows = false',
    'type = "pool"\nsize = 3\ncounts_pad = true\npad = "same"\nstride = 1\nkind = "sum"',
    'type = "pool"',
    'type = "pool"\nsize = 3\nkind = "least"',
    'type = "global-pool"',
    'type = "global-pool"\nkind = "max"',
    'type = "activation"',
    'type = "softmax"',
    'type = "flatten"',
    'type = "dropout"',
    'type = "dropout"\nrate = 0.1',
    'type = "dropout"\nrate = true',
    'type = "add"',
    'type = "multiply"',
    'type = "maximum"',
    'type = "mean"',
    'type = "concatenate"',
    'type = "concatenate"\naxis = 2',
    'type = "pad"\npad = 1',
    'type = "pad"\npad = [[1, 2], 3]\nvalue = 0.5',
    'type = "pad"\npad = 1\nfirst_axis = 3',
    'type = "pad"',
    'type = "slice"\naxis = 1',
    'type = "slice"\naxis = 2\nstart = 1\nstop = 5\nstep = 2',
    'type = "slice"',
    'type = "transpose"\norder = [2, 3, 1]',
    'type = "transpose"\norder = [2, 3, 3]',
    'type = "upscale"\nscale = 2',
    'type = "upscale"\nscale = [2, 3]',
    'type = "upscale"\nscale = 0',
    'type = "reshape"\nlengths = [2, -1]',
    'type = "reshape"\nlengths = []',
    'type = "reshape"\nlengths = [true]',
    'type = "reshape"\nlengths = [-2]',
    'type = "local-response"\nalpha = 0.1\nk = 2\nbeta = 0.75\nn = 5',
    'type = "local-response"\nalpha = 0.1',
    'type = "odd"',
    'type = "convolutions"',
    'weights = "w"',
    'type = "?"',
)

ACTIVATIONS = (
    '"relu"',
    '"tanh"',
    '"linear"',
    '"none"',
    '"softmax"',
    '{ kind = "softmax" }',
    '{ kind = "softmax", alpha = 1.0 }',
    '"silu"',
    '"leaky_relu"',
    '{ kind = "leaky_relu", alpha = 0.2 }',
    '{ kind = "elu" }',
    '{ kind = "relu6", alpha = 6 }',
    '"relu6"',
    '"selu"',
    '{ kind = "tanh", scale = 1.7 }',
    '"?"',
    '"odd"',
    '"Relu"',
    "3",
    "{ alpha = 1 }",
    '{ kind = "relu", alpha = "x" }',
)

POOLS = (
    "2",
    "[2, 3]",
    '"none"',
    "0",
    "false",
    '{ size = 2, kind = "mean" }',
    "{ size = 3, stride = 2, odd = 1 }",
    '"max"',
)


def _table(text: str, name: str = "it") -> Table:
    return Table(file="net.toml", name=name, values=tomllib.loads(text))


def _arrays() -> Arrays:
    named = {name: Parameter.of(name, one.value, name) for name, one in ARRAYS.items()}
    return Arrays(by_name=named, owners={})


def _case(text: str, shapes: Sequence[Shape | None] = (IMAGE,), above: str = "") -> tuple[str, str]:
    where = "" if shapes == (IMAGE,) else f" of {shapes}"
    asked = f"{text}{where}{' above ' + above if above else ''}".replace("\n", "; ")
    case = Case(table=_table(text), top=_table(above, ""), arrays=_arrays(), shapes=shapes)
    try:
        found = told(*operations_of(case))
        case.table.check_all_used()
    except MalformedFileError as error:
        found = str(error)
    unused = [key for key in case.top.values if key not in case.top.used]
    return asked, found + (f"; above it {' and '.join(unused)} means nothing" if unused else "")


def architecture() -> Told:
    for text in TABLES:
        yield _case(text)
    for kind in ("add", "concatenate", "softmax"):
        for shapes in (
            (IMAGE, IMAGE),
            (IMAGE, (None, 6, 1, 1)),
            (IMAGE, (None, 5, 8, 9)),
            (IMAGE, (None, 6)),
            (),
        ):
            yield _case(f'type = "{kind}"', shapes)
    for kind in ("flatten", 'dense"\nweights = "m'):
        for shape in (IMAGE, (None, 6), (None, 6, 1, 1), None, (None,), (None, 0)):
            yield _case(f'type = "{kind}"', (shape,), "channels_last = true")
    conv = 'type = "convolution"\nweights = "grouped"\ngroups = 2'
    yield _case(conv, above="stride = 2\npad = 1\nflip = true")
    yield _case(f"{conv}\nstride = 1\nflip = false", above="stride = 2\npad = 1\nflip = true")
    for shape in ((None, 6), (None, None, 8, 9), (None, 3, None, None), None):
        yield _case(conv, (shape,), "stride = 1\npad = 0\nflip = true")
    for text in ACTIVATIONS:
        try:
            found = told(*filter(None, [activation_of(_table(f"activation = {text}"), _table(""))]))
        except MalformedFileError as error:
            found = str(error)
        yield f"activation = {text}", found
    for text in POOLS:
        for below in (IMAGE, (None, 6, 8)):
            try:
                made = pooling(_table(f"pool = {text}"), "pool", below)
                found = "" if made is None else told(made)
            except MalformedFileError as error:
                found = str(error)
            yield f"pool = {text} of {below}", found
    yield from _templates()


def _templates() -> Told:
    """What is printed for a person to fill in, of layers that tell much, little and nothing."""
    kernel, matrix = array(4, 3, 3, 2), array(5, 6)
    vectors = {"mean": array(6), "spread": array(6), "gamma": array(6), "beta": array(6)}
    whole = Convolution(
        weights=kernel, bias=array(4), stride=(2, 1), pad=((1, 0), (0, 2)), dilation=(1, 2), groups=2
    )
    operations: tuple[Operation, ...] = (
        whole,
        Convolution(weights=kernel, groups=1),
        Convolution(weights=kernel, axes="iorc", transposed=True, stride=(1, 1)),
        Convolution(weights=array(3, 2, 4, 5), axes="rcio"),
        Dense(weights=matrix, bias=array(5), axes="oi"),
        Dense(weights=matrix, units=6),
        Dense(units=6),
        *(Normalisation(**vectors, spread_is=how) for how in ("inv_std", "std", "variance")),
        Normalisation(gamma=array(6), spread_is="variance", epsilon=0.25),
        Untold(reason="nobody knows"),
    )
    for operation, is_last in product(operations, (False, True)):
        layer = Layer(operations=(operation,), parameters=tuple(parameters_of(operation)))
        yield (
            f"a table for {told(operation)}, last {is_last}",
            "; ".join(_template(layer, "a b", is_last=is_last)),
        )
    layer = Layer(parameters=(array(3, name="odd"), array(name="one")))
    yield "a table for arrays", "; ".join(_template(layer, "x", is_last=False))
    grouped = replace(whole, weights=array(4, 3, 2, 2), flip_filters=True)
    flat = Convolution(weights=array(3, 2, 4, 5), axes="rcio", flip_filters=False)
    line = Convolution(weights=array(3, 2, 5), axes="cio", flip_filters=False)
    dense = Dense(weights=matrix, bias=array(6))
    norm = Normalisation(**vectors, spread_is="variance")
    for name, given in {
        "a grouped image": (grouped, norm, dense, dense),
        "channels behind": (flat, grouped, norm),
        "channels behind, one flip": (flat, replace(flat, weights=array(1, 1, 5, 2))),
        "a line": (line,),
        "units": (dense, norm),
        "nothing known": (Untold(reason="nobody knows"),),
    }.items():
        layers = [Layer(operations=(one,), parameters=tuple(parameters_of(one))) for one in given]
        yield name, _text(layers)
    odd = ("x", "x", "a b", "é", "a-1_b", "")
    yield "names", _text([Layer(name=one, operations=(dense,)) for one in odd])
    yield "an input of its own", _text([Layer(name="in"), Layer(operations=(dense,), parameters=(matrix,))])


def _text(layers: Sequence[Layer]) -> str:
    origin = Origin(inferred=("something",), path=Path("m.npz"))
    return " / ".join(line for line in template(Network.of(layers, origin)).splitlines() if line[:1] != "#")
