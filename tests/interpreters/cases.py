"""Operations that differ from a plain one of their class in one fact each, and what they are given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from filtviz.activations import KINDS
from filtviz.operations import (
    Activation,
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter

__all__ = ["CASES", "JOINS", "units"]


def drawn(*shape: int, seed: int = 0, low: float = -1.0, dtype: Any = "float32") -> Parameter:
    """Some numbers, none of them near 0."""
    values = np.random.default_rng([seed, *shape]).uniform(low, 1, shape)
    return Parameter.of("p", np.round(values, 3).astype(dtype))


def units(*shape: int, seed: int = 1) -> np.ndarray:
    """What an operation is given."""
    return np.round(np.random.default_rng([seed, *shape]).uniform(-1, 1, shape), 3)


def _both(*numbers: int) -> tuple[tuple[int, int], ...]:
    return tuple((n, n) for n in numbers)


def _varied(plain: Any, facts: str = "", /, **alternatives: list[Any]) -> Iterator[tuple[str, Operation]]:
    """Yield an operation, and it with each field at each of its other values."""
    name = " ".join([type(plain).__name__, *([facts] if facts else [])])
    yield name, plain
    for field, values in alternatives.items():
        for value in values:
            yield f"{name} {field}={_shown(value)}", replace(plain, **{field: value})


def _shown(value: Any) -> str:
    if isinstance(value, Parameter):
        kind = (
            "" if value.dtype == np.float32 else f" {value.dtype}{'' if value.dtype.isnative else ' swapped'}"
        )
        return f"<{'x'.join(map(str, value.shape))}{kind}>"
    return f"{value}"


def _kernels() -> Iterator[tuple[str, Operation]]:
    conv = Convolution(weights=drawn(6, 4, 3, 2), stride=(1, 1), pad=_both(0, 0))
    yield from _varied(
        conv,
        flip_filters=[True, False],
        bias=[drawn(6), drawn(6, 5, 5), drawn(6, 1, 1)],
        stride=[None, (2, 3), (5, 1), (4, 5)],
        pad=[None, ((1, 0), (0, 2)), _both(3, 2), _both(-1, 0)],
        dilation=[(2, 1), (1, 3), (3, 5), (4, 5), (3, 6)],
        groups=[1, 2],
        weights=[
            drawn(6, 2, 3, 2), drawn(5, 2, 3, 2), drawn(6, 3, 3, 2), drawn(6, 1, 3, 2), drawn(6, 8, 3, 2),
            drawn(6, 0, 3, 2), drawn(6, 4, 1, 1), drawn(1, 4, 7, 6), drawn(1, 4, 8, 6), drawn(1, 4, 7, 7),
            drawn(6, 4, 3, 2, dtype=ml_dtypes.bfloat16), drawn(6, 4, 3, 2, dtype=">f4"),
            drawn(6, 4, 3, 2, dtype="f2"), drawn(6, 4, 3, 2, dtype="f8"),
        ],
    )  # fmt: skip
    for axes, shape in (
        ("rcio", (3, 2, 4, 6)),
        ("rcgo", (3, 2, 4, 2)),
        ("orc", (4, 3, 2)),
        ("giorc", (2, 2, 3, 3, 2)),
    ):
        for flips in (None, False):
            one = replace(
                conv,
                weights=drawn(*shape),
                axes=axes,
                flip_filters=flips,
                bias=drawn(8 if axes == "rcgo" else shape[-1]),
            )
            yield f"Convolution of {axes} {shape} flips {flips}", one
    for axes, size in (("oic", (3,)), ("oidrc", (3, 2, 2))):
        n = len(size)
        plain = Convolution(weights=drawn(6, 4, *size), axes=axes, stride=(1,) * n, pad=_both(*[1] * n))
        yield from _varied(
            plain, axes, bias=[drawn(6)], stride=[(2,) * n, None], dilation=[(2,) * n], flip_filters=[False]
        )
    back = Convolution(
        weights=drawn(4, 5, 3, 2), axes="iorc", stride=(1, 1), pad=_both(0, 0), transposed=True
    )
    yield from _varied(
        back,
        "backwards",
        flip_filters=[True, False],
        bias=[drawn(5), drawn(5, 9, 7)],
        stride=[None, (2, 3), (4, 1)],
        pad=[None, ((1, 0), (0, 2)), _both(4, 3), ((4, 5), (0, 0)), ((9, 0), (0, 0))],
        dilation=[(2, 1), (1, 3)],
        groups=[1, 2, 3, 4, 0],
        output_size=[(9, 7), (12, 7), (8, 4), (1, 1), (0, 1)],
        weights=[drawn(2, 6, 3, 2), drawn(2, 5, 3, 2), drawn(3, 6, 3, 2), drawn(8, 6, 3, 2)],
    )  # fmt: skip
    moved = replace(back, stride=(2, 3), pad=((1, 0), (0, 1)), bias=drawn(5))
    yield "Bias of each place of a Convolution backwards, cut", replace(moved, bias=drawn(5, 14, 16))
    yield from _varied(
        moved, "backwards in steps", output_size=[(14, 16), (13, 16), (20, 20)], dilation=[(2, 2)], groups=[2]
    )
    for axes, size in (("ioc", (3,)), ("iodrc", (3, 2, 2))):
        n = len(size)
        yield (
            f"Convolution backwards {axes}",
            replace(back, weights=drawn(4, 5, *size), axes=axes, stride=(2,) * n, pad=_both(*[1] * n)),
        )
    local = LocallyConnected(weights=drawn(3, 4, 2, 3, 6, 4), axes="oircyx", stride=(1, 1), pad=_both(0, 0))
    yield from _varied(
        local,
        flip_filters=[True, False],
        bias=[drawn(3), drawn(3, 6, 4)],
        stride=[None, (2, 1)],
        pad=[None, ((1, 0), (0, 0))],
        weights=[
            drawn(4, 2, 2, 3, 6, 4), drawn(3, 2, 2, 3, 6, 4), drawn(3, 3, 2, 3, 6, 4),
            drawn(3, 4, 2, 3, 5, 4),
            drawn(3, 4, 2, 3, 6, 3), drawn(3, 4, 1, 1, 7, 6),
        ],
    )  # fmt: skip
    wide = replace(local, weights=drawn(3, 4, 2, 3, 4, 6), stride=(2, 1), pad=((1, 0), (1, 1)))
    yield "LocallyConnected in steps", wide
    yield "LocallyConnected orcyx", replace(local, weights=drawn(4, 2, 3, 6, 4), axes="orcyx")
    yield "LocallyConnected oirc", replace(local, weights=drawn(3, 4, 2, 3), axes="oirc")
    yield (
        "LocallyConnected oicx",
        LocallyConnected(weights=drawn(3, 4, 3, 5), axes="oicx", stride=(1,), pad=_both(0)),
    )


def _dense() -> Iterator[tuple[str, Operation]]:
    yield from _varied(
        Dense(weights=drawn(168, 3), units=3),
        bias=[drawn(3), drawn(1, 3)],
        units=[None, 5],
        leading_axes=[2, 0, -1, -3, 4, 5],
        weights=[None, drawn(42, 3), drawn(6, 3), drawn(3, 168), drawn(28, 3), drawn(180, 3), drawn(1, 3)],
        per_position=[True],
        axes=["oi"],
    )
    yield "Dense oi", Dense(weights=drawn(3, 168), axes="oi", units=3, bias=drawn(3))
    yield "Dense oi of one", Dense(weights=drawn(1, 168), axes="oi", units=1)
    for leading, n in ((2, 42), (-1, 6), (3, 6), (-2, 42), (0, 336), (1, 6)):
        yield f"Dense of {n} behind {leading}", Dense(weights=drawn(n, 3), units=3, leading_axes=leading)
    each = Dense(weights=drawn(4, 3), units=3, per_position=True)
    yield from _varied(
        each,
        "by position",
        bias=[drawn(3), drawn(3, 7, 6), drawn(3, 1, 1)],
        weights=[None, drawn(5, 3), drawn(6, 3), drawn(4, 3, 1)],
        units=[None],
        axes=["oi"],
    )
    yield (
        "Dense by position oi",
        Dense(weights=drawn(3, 4), axes="oi", units=3, per_position=True, bias=drawn(3)),
    )
    yield "Embedding", Embedding()
    yield "Embedding of words", Embedding(weights=drawn(5, 2))
    yield from _varied(Recurrent(kind="LSTM"), units=[3])


def _normalisations() -> Iterator[tuple[str, Operation]]:
    whole = Normalisation(
        mean=drawn(4, seed=2), spread=drawn(4, low=0.1), gamma=drawn(4, seed=3), beta=drawn(4, seed=4),
        epsilon=0.25,
    )  # fmt: skip
    with_zero = Parameter.of("p", np.array([0.5, 0.0, -0.5, 2.0], "f4"))
    yield from _varied(
        whole,
        mean=[None],
        spread=[None, with_zero, drawn(3, low=0.1), drawn(1, low=0.1), Parameter.of("p", np.array(0.3))],
        spread_is=["std", "variance"],
        epsilon=[0.0],
        gamma=[None, drawn(1)],
        beta=[None],
        along=[(2,), (-1,)],
        is_batch=[False],
    )
    for spread_is in ("inv_std", "std", "variance"):
        yield (
            f"Normalisation {spread_is} of 0 and below",
            replace(whole, spread=with_zero, spread_is=spread_is),
        )
        high = Parameter.of("p", np.full(4, 1000.0))
        yield f"Normalisation {spread_is} of 1000", replace(whole, spread=high, spread_is=spread_is)
        alone = replace(whole, gamma=None, beta=None, spread_is=spread_is)
        yield f"Normalisation {spread_is} alone", alone
        yield f"Normalisation {spread_is} alone, ε 0", replace(alone, epsilon=0.0)
    place = replace(whole, mean=drawn(7, 6), spread=drawn(7, 6, low=0.1), gamma=None, beta=None)
    yield from _varied(place, "by position", along=[(2, 3), (-2, -1), (3, 2)])
    none = Normalisation(is_batch=False)
    yield from _varied(
        none,
        "that scales",
        gamma=[
            drawn(4),
            drawn(1),
            drawn(6),
            drawn(1, 4, 1, 1),
            drawn(4, 7, 6),
            Parameter.of("p", np.array(0.3)),
        ],
        beta=[drawn(4), drawn(1)],
        mean=[drawn(4)],
        is_batch=[True],
    )
    yield "Normalisation that scales columns", replace(none, gamma=drawn(6), along=(3,))
    yield "Normalisation that scales by 1", replace(none, gamma=Parameter.of("p", np.ones(4, "f4")))
    yield "Normalisation that shifts by 0", replace(none, beta=Parameter.of("p", np.zeros(4, "f4")))
    yield from _varied(
        Standardisation(),
        groups=[1, 2, 3, 4, -1],
        axes=[(1,), (-1,), (-3, -2, -1), (2, -1, 3), (4,), (-5,), (-4,), (0,)],
        epsilon=[0.5],
        gamma=[drawn(4)],
        beta=[drawn(4)],
    )
    both = Standardisation(gamma=drawn(6), beta=drawn(6, seed=1), along=(3,))
    yield "Standardisation with columns of its own", both
    yield "Standardisation with columns from the end", replace(both, along=(-1,), axes=(-1,))
    yield "Standardisation in groups, of axes", Standardisation(groups=2, axes=(1,))
    yield from _varied(
        LocalResponse(alpha=0.4, k=2.0, beta=0.75, n=5), n=[1, 2, 3, 4, 8, 9, 10, 99, 0], beta=[1.0], k=[1.0]
    )


def _activations() -> Iterator[tuple[str, Operation]]:
    for kind in KINDS:
        yield from _varied(Activation(kind=kind), kind)
    for kind, facts in (
        ("leaky_rectify", {"alpha": [0.3, -0.5, 0.0]}),
        ("clipped_rectify", {"alpha": [0.4, 0.0, -0.4]}),
        ("elu", {"alpha": [1.3], "scale": [1.05, -1.0]}),
        ("selu", {"alpha": [1.67], "scale": [1.05]}),
        ("tanh", {"scale": [1.7159, -1.0], "scale_in": [2 / 3, -1.0]}),
        ("hard_sigmoid", {"scale_in": [5 / 6, -2.0]}),
        ("clip", {"low": [-0.3, math.nan], "high": [0.4, -math.inf]}),
        ("power", {"alpha": [2.0, 0.5, -0.5, -1.0, 3.0, 0.0]}),
        ("untold", {"name": ["wild"]}),
        ("rectify", {"name": ["relu6"]}),
    ):
        plain: Any = Activation(kind=kind)
        yield from list(_varied(plain, kind, **facts))[1:]
    yield "Activation clip, both ends", Activation(kind="clip", low=-0.3, high=0.4)
    yield "Activation clip, ends alike", Activation(kind="clip", low=0.4, high=0.4)
    yield "Activation clip, the wrong way", Activation(kind="clip", low=0.4, high=0.3)
    yield "Activation selu, as it is", Activation(kind="selu", alpha=1.67326, scale=1.0507)
    slopes = Activation(kind="parametric_rectify", slopes=drawn(4))
    yield from _varied(slopes, "of channels", slopes=[drawn(1), drawn(4, 1, 1), drawn(4, 7, 6), drawn(6)])
    yield "Activation of columns", replace(slopes, slopes=drawn(6), along=(3,))
    yield "Activation of columns from the end", replace(slopes, slopes=drawn(6), along=(-1,))


def _poolings() -> Iterator[tuple[str, Operation]]:
    for kind in ("max", "mean", "sum", "untold"):
        plain: Any = Pooling(kind=kind, size=(2, 3), stride=(2, 3), pad=_both(0, 0))
        yield from _varied(
            plain,
            kind,
            size=[(3, 3), (7, 6), (8, 6), (7, 7), (1, 1)],
            stride=[(1, 1), (5, 4), (6, 1)],
            pad=[_both(1, 1), ((0, 1), (2, 0)), _both(2, 3), _both(1, 2), _both(-1, 0)],
            dilation=[(2, 2), (6, 1), (7, 1)],
            whole_windows=[False],
            name=["median"],
        )
        for counts in (False, True):
            for whole in (False, True):
                for size, stride, pad in (
                    (2, 2, 0), (3, 2, 1), (3, 1, 2), (2, 3, 1), (5, 4, 0), (3, 3, 1), (2, 4, 0), (2, 7, 1),
                    (9, 2, 1)
                ):  # fmt: skip
                    name = f"Pooling {kind} {size}/{stride}+{pad}{' whole' * whole}{' counting' * counts}"
                    yield (
                        name,
                        replace(
                            plain,
                            size=(size, size),
                            stride=(stride, stride),
                            pad=_both(pad, pad),
                            whole_windows=whole,
                            counts_pad=counts,
                        ),
                    )
        uneven = replace(plain, pad=((0, 1), (2, 0)), whole_windows=False, counts_pad=True)
        yield from _varied(uneven, f"{kind} uneven", dilation=[(2, 1), (1, 2)], stride=[(1, 1), (3, 2)])
        for n in (1, 3):
            many = Pooling(
                kind=kind, size=(3,) * n, stride=(2,) * n, pad=_both(*[1] * n), whole_windows=False
            )
            yield from _varied(many, f"{kind} over {n}", whole_windows=[True], counts_pad=[True])
        yield from _varied(GlobalPooling(kind=kind), kind, name=["median"])
        yield from _varied(
            ChannelPooling(kind=kind, size=2),
            kind,
            size=[1, 4, 3, 0],
            axis=[-1, 2, -4, 0, 3, 4, -5],
            name=["median"],
        )
    yield "ChannelPooling of rows", ChannelPooling(kind="max", size=7, axis=2)
    yield "ChannelPooling of columns", ChannelPooling(kind="sum", size=3, axis=-1)


def _shapes() -> Iterator[tuple[str, Operation]]:
    for shape in (
        None,
        (2, 4, 7, 6),
        (None, 5, 7, 6),
        (None, None, None, None),
        (2, 6),
        (4,),
        (),
        (None, 4, 9, 6),
    ):
        yield f"Input {shape}", Input(shape=shape)
    odd = ((None, 4, -1, 6), (2, 4, 1 << 31, (1 << 31) - 1), (2,) * 32, (2,) * 33)
    for n, shape in enumerate(odd):
        yield f"Input odd {n}", Input(shape=shape)
    for mode in ("constant", "reflect", "edge"):
        plain: Any = Pad(pad=_both(0, 0), mode=mode)
        yield from _varied(
            plain,
            mode,
            pad=[((1, 2), (0, 3)), ((6, 6), (5, 5)), ((7, 0), (0, 0)), ((0, 0), (6, 6)), ((0, 7), (0, 0)),
                 _both(-1, 0), _both(1), _both(1, 1, 1)],
            value=[0.7],
        )  # fmt: skip
        for first, pad in (
            (1, ((1, 0), (0, 0), (2, 1))), (1, ((0, 0), (2, 1), (0, 0))), (1, ((-1, 0), (0, 0), (0, 0))),
            (0, _both(1, 0, 0, 2)), (3, ((1, 2),)), (3, _both(1, 1)), (2, ((2, 1), (0, 3))), (1, _both(1)),
            (1, _both(2, 0)),
        ):  # fmt: skip
            yield f"Pad {mode} {pad} from {first}", replace(plain, pad=pad, first_axis=first, value=0.5)
    yield from _varied(
        Crop(crop=_both(0, 0)),
        crop=[((1, 2), (0, 3)), ((1, 0), (0, 2)), ((3, 3), (0, 5)), ((3, 4), (0, 0)), ((0, 7), (0, 0)),
              ((9, 0), (0, 0)), _both(1), _both(1, 1, 1)],
    )  # fmt: skip
    yield from _varied(
        Slice(axis=2),
        start=[1, -3, 7, 6, 0],
        stop=[1, -1, 0, 7, 99],
        step=[2, -1, -2, 7, 0],
        index=[0, -1, 6, 7, -8],
        axis=[0, 1, -1, 3, 4, -4, -5],
        is_told=[False],
    )
    for axis, start, stop, step in (
        (3, 5, 1, -2),
        (3, 1, -1, 2),
        (-1, 4, None, -1),
        (1, 1, 3, None),
        (1, 3, 1, -1),
        (2, 2, 2, 1),
    ):
        yield f"Slice {axis} {start}:{stop}:{step}", Slice(axis=axis, start=start, stop=stop, step=step)
    for axis in (0, 1, 3, -1, -3):
        yield f"Slice {axis} at 1", Slice(axis=axis, index=1)
    yield from (
        (f"Reshape {lengths}", Reshape(lengths=lengths))
        for lengths in (
            ((0,), -1), ((0,), -1, 6), ((0,), (3,), 4, -1), ((0,), (1,), 6, 7), ((0,), (1,), -1, (2,)),
            (-1,), (2, -1), (2, 168),
            ((0,), 4, 42), ((0,), 5, -1), (-1, -1), ((0,), 168, 1), ((9,), -1), ((0,), (0,), -1), (0, -1),
            ((0,), -1, 0),
            (-2, 4), ((0, 1), -1), ((0,), (1,), -1), (-1, 168), ((0,), 167),
        )
    )  # fmt: skip
    yield from _varied(Flatten(), keep=[0, 2, 3, 4, 5, -1])
    yield from (
        (f"Transpose {order}{' layout' * layout}", Transpose(order=order, is_layout=layout))
        for layout in (False, True)
        for order in (
            (0, 1, 2, 3), (0, 3, 1, 2), (1, 2, 3, 0), (0, None, 2, 1, None, 3), (0, 1), (1, 0),
            (0, 1, 2, 4), (0, 1, 2),
            (0, 1, 2, 2), (0, 1, -1, 2), (None, 0, 1, 2, 3),
        )
    )  # fmt: skip
    for dilates in (False, True):
        yield from _varied(
            Upscale(scale=(2, 3), dilates=dilates),
            f"{dilates}",
            scale=[(1, 1), (1, 4), (2,), (2, 2, 2), (3, 1)],
        )
    for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        plain = Resize(size=(11, 9), coordinates=how)  # type: ignore[arg-type]
        yield from _varied(
            plain,
            how,
            size=[(3, 6), (1, 1), (7, 6), (14, 12), (1, 6), (7, 9), (3,), (0, 6), (4, 4, 4), (8, 6), (7, 5)],
        )
        for scale in (
            (2.0, 1.5),
            (0.5, 0.34),
            (1.0, 1.0),
            (0.1, 1.0),
            (0.0, 1.0),
            (1 / 7, 1.0),
            (2.0,),
            (1.2, 2.0),
            (0.99, 1.01),
        ):
            yield (
                f"Resize {how} by {'x'.join(f'{n:.3g}' for n in scale)}",
                Resize(scale=scale, coordinates=how),
            )
    yield "Resize as it is", Resize()
    for kind in ("max", "min", "mean", "sum", "euclidean"):
        plain = Reduction(kind=kind, axes=(1,))
        yield from _varied(
            plain,
            kind,
            axes=[(1, -1), (2, 3), (-3,), (4,), (-5,), (3,), (0,)] if kind == "max" else [(2, 3)],
            keeps=[True],
        )
        yield f"Reduction {kind} of all", replace(plain, axes=(-3, 2, 3), keeps=True)
    yield "Reduction of none", Reduction(kind="sum", axes=())
    yield "Reduction of none, of squares", Reduction(kind="euclidean", axes=())
    yield "Reduction over an axis twice", Reduction(kind="sum", axes=(1, -3))
    yield from _varied(Softmax(), axis=[-1, 2, 0, 4])
    yield from _varied(Identity(), what=["Dropout"], rate=[0.5])
    yield from _varied(Untold(reason="it is beyond me"), keeps_places=[True], of_input=[True])


def _joins() -> Iterator[tuple[str, Operation]]:
    for kind in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "mean", "untold"):
        plain: Any = Merge(kind=kind)
        yield from _varied(
            plain,
            kind,
            coefficients=[(0.5, -2.0), (1.0, 1.0), (1.0,), (2.0, 1.0)],
            cropping=[(None, None, "center", "upper"), (None, None, "None"), (None, "lower", None, "lower")],
            name=["wild"],
        )
    yield "Merge of nothing of the first", Merge(kind="add", coefficients=(0.0, 2.0))
    yield "Merge cropped along fewer axes", Merge(kind="add", cropping=(None, None, "lower"))
    yield "Merge cropped along more axes", Merge(kind="add", cropping=(None, None, "lower", "lower", "x"))
    yield "Merge cropped by no word", Merge(kind="add", cropping=(None, "none"))
    yield "Merge cropped otherwise", Merge(kind="add", cropping=(None, None, "other", "lower"))
    yield from _varied(
        Concatenate(),
        axis=[0, 2, 3, -1, -3, 4, -4, -5],
        cropping=[(None, None, "lower", "center"), (None, None, "upper", "None"), (None, None, "x", None)],
    )
    for turned in ((False, False), (True, False), (False, True), (True, True)):
        yield f"MatrixProduct {turned}", MatrixProduct(turned=turned)


def _named(found: Iterator[tuple[str, Operation]], into: dict[str, Operation]) -> None:
    for name, operation in found:
        assert name not in into, name
        into[name] = operation


CASES: dict[str, Operation] = {}
for _cases in (_kernels, _dense, _normalisations, _activations, _poolings, _shapes):
    _named(_cases(), CASES)

JOINS: dict[str, Operation] = {}
_named(_joins(), JOINS)
