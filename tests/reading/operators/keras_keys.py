"""Every class of Keras's with every key of a configuration at other values, one at a time, and other inputs.

Then where two facts collide: groups of weights that are called otherwise than their arrays,
calls within calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from filtviz.parameter import Parameter, Shape
from filtviz.reading.formats.keras import classes, config, stores
from filtviz.reading.hdf5 import open_hdf5
from filtviz.reading.limits import Limits, effort
from tests.reading.hdf5_making import Folder, Held, hdf5
from tests.reading.operators.architecture_keys import _once
from tests.reading.operators.asking import Told, array
from tests.telling import told

__all__ = ["keras_keys"]

IMAGES: Mapping[int, Shape] = {1: (None, 6, 8), 2: (None, 6, 8, 9), 3: (None, 6, 4, 5, 6), 0: (None, 6)}
VALUES = (None, 0, 1, 2, 3, 4, -1, -2, 1.5, True, False, "x", [], [1], [2], [1, 2], [0, 1], [2, 3, 4], [[1,
2], [0, 3]],
          [[1, 0]], {}, [1, 2, 3, 4, 5, 6], [True, 1])  # fmt: skip
KEYS: Mapping[str, tuple[Any, ...]] = {
    "strides": VALUES, "pool_size": VALUES, "dilation_rate": VALUES, "groups": VALUES, "size": VALUES,
    "padding": (*VALUES, "valid", "same", "causal", "full"), "cropping": VALUES, "axis": (*VALUES, [3],
    [-1], [1, 2]),
    "data_format": (None, "channels_last", "channels_first", 3), "keepdims": (True, False, 1, None),
    "activation": (None, "linear", "relu", "softmax", "mine", 3, {}, {"config": "tanh"},
    {"class_name": "tanh"},
                   {"config": {}, "class_name": "relu6"}, {"config": "selu", "class_name": "elu"},
                   "hard_sigmoid"),
    "interpolation": (None, "nearest", "bilinear", "bicubic", 3), "target_shape": (*VALUES, [-1, 9], [7, 9,
    -1], [2, 0]),
    "alpha": (None, 0, 0.5, True, "x"), "negative_slope": (None, 0, 0.5, True), "max_value": (None, 0, 6,
    2.5, "x"),
    "threshold": (None, 0, 0.5, True), "epsilon": (None, 0, 0.5, -1, "x"), "rate": (None, 0, 0.5, True, "x"),
    "units": (None, 0, 5, 2.5, "x"), "invert": (None, True, False), "rms_scaling": (None, True, False),
    "scale": (None, 2, 0.5, [1, 2], [], True, "x", [1, 2, 3, 4, 5, 6], [1, True], 10**400),
    "offset": (None, 2, [1, 2], [1, 2, 3], [1, 2, 3, 4, 5, 6], {}),
    "stddev": (None, 0.5),
}  # fmt: skip
OF_NORMS = ("gamma", "beta", "moving_mean", "moving_variance", "mean", "variance")
_SUM = re.compile(r"\[([0-9x]*) float32 [0-9a-f]{8}\]")


def _axes(name: str) -> int:
    return next((int(one) for one in name if one.isdigit()), 0 if name in ("Dense", "Embedding") else 2)


def _weights(name: str) -> dict[str, Parameter]:
    """The arrays that a layer of a class has."""
    sizes = (3, 2, 4)[: _axes(name)]
    if "separable" in name:
        return {
            "depthwise_kernel": array(3, 2, 6, 1),
            "pointwise_kernel": array(1, 1, 6, 4),
            "bias": array(4),
        }
    if ("Conv" in name and "LSTM" not in name) or "Deconv" in name:
        turned = "Transpose" in name or "Deconv" in name
        ends = (6, 1) if "Depthwise" in name else (4, 6) if turned else (6, 4)
        return {"kernel": array(*sizes, *ends), "bias": array(4)}
    if name == "Dense":
        return {"kernel": array(6, 4), "bias": array(4)}
    if name == "Embedding":
        return {"embeddings": array(5, 7)}
    if "ormalization" in name:
        return {one: array(6, name=one) for one in OF_NORMS}
    return {}


def _asked(name: str, said: Mapping[str, Any], *inputs: Shape | None, **more: Any) -> str:
    held = more.pop("held", None)
    case = classes.Case(
        class_name=name, config=said, parameters=_weights(name) if held is None else held,
        inputs=list(inputs), **more,
    )  # fmt: skip
    return _SUM.sub(r"[\1]", " ".join(told(*classes.operations_of(case)).split())) or "nothing"


OF_WINDOWS = ("strides", "padding", "dilation_rate", "data_format")
WHOLE: Mapping[str, tuple[str, ...]] = {
    "Conv2D": (*OF_WINDOWS, "groups", "activation"), "Conv1D": (*OF_WINDOWS, "activation"),
    "Conv3D": OF_WINDOWS,
    "Conv2DTranspose": (*OF_WINDOWS, "groups"), "Conv3DTranspose": OF_WINDOWS, "DepthwiseConv2D": OF_WINDOWS,
    "DepthwiseConv1D": OF_WINDOWS, "separable: depthwise": OF_WINDOWS,
    "separable: pointwise": ("activation",),
    "Convolution2D": OF_WINDOWS, "Deconvolution2D": OF_WINDOWS, "Dense": ("activation", "units"),
    "BatchNormalization": ("epsilon", "axis"), "LSTM": ("units",), "Bidirectional": ("units",),
    "MaxPooling1D": ("pool_size", *OF_WINDOWS), "MaxPooling2D": ("pool_size", *OF_WINDOWS),
    "AveragePooling3D": ("pool_size", *OF_WINDOWS), "GlobalMaxPooling2D": ("keepdims", "data_format"),
    "GlobalAveragePooling1D": ("keepdims", "data_format"), "Flatten": ("data_format",),
    "Reshape": ("target_shape", "data_format"), "ZeroPadding1D": ("padding",), "ZeroPadding2D": ("padding",),
    "ZeroPadding3D": ("padding",), "Cropping1D": ("cropping",), "Cropping2D": ("cropping", "data_format"),
    "UpSampling1D": ("size", "interpolation"), "UpSampling2D": ("size", "interpolation", "data_format"),
    "UpSampling3D": ("size", "interpolation"), "Add": ("axis",), "Concatenate": ("axis", "data_format"),
    "Dropout": ("rate",), "GaussianNoise": ("rate", "stddev"), "PReLU": ("alpha",), "Rescaling": ("scale",
    "offset"),
    "Normalization": ("axis", "invert"), "LayerNormalization": ("axis", "epsilon", "rms_scaling"),
    "GroupNormalization": ("axis", "epsilon", "groups"), "Activation": ("activation",),
    "ReLU": ("max_value", "negative_slope", "threshold"), "LeakyReLU": ("alpha", "negative_slope"),
    "ELU": ("alpha", "negative_slope"), "Softmax": ("axis",),
}  # fmt: skip
"""The keys that a class has, and some that it has not."""


def _keys(name: str) -> Iterator[tuple[str, str]]:
    shape, base = IMAGES[_axes(name)], {"trainable": True}
    as_it_is = _asked(name, base, shape)
    yield "as it is", as_it_is
    yield "of no configuration", _asked(name, {}, shape)
    for key in WHOLE[name]:
        for value in KEYS[key]:
            found = _asked(name, base | {key: value}, shape)
            if found != as_it_is:
                yield f"{key}={str(value)[:40]}", found
    for below in (None, (None,), (None, 6), (None, None), (None, 1, 1, 6), (None, 6, 8), (None, 6, None, 9),
                  (None, None, 8, 9), (None, 8, 9, 6), (None, 4, 8, 9), (None, 6, 4, 5, 6), (None, 6, 1,
                  1)):  # fmt: skip
        for how in ({}, {"data_format": "channels_first"}, {"padding": "same", "strides": 2, "axis": 1}):
            yield f"of {below} {how or ''}", _asked(name, base | how, below)
    yield "of none", _asked(name, base)
    yield "of two", _asked(name, base, shape, (*shape[:-1], 1))
    for how in ({"is_keras_3": False}, {"filters_first": True}, {"flips": None}, {"flips": True}):
        yield f"{how}", _asked(name, base | {"activation": "hard_sigmoid"}, shape, **how)
    held = _weights(name)
    for gone in held:
        less = {key: one for key, one in held.items() if key != gone}
        yield f"without {gone}", _asked(name, base, shape, held=less)
        odd = held | {gone: array(2, 3, name=gone)}
        yield f"{gone} of two axes", _asked(name, base, shape, held=odd)
    yield "without weights", _asked(name, base, shape, held={})


def _boundaries() -> Told:
    for n in (classes.MOST_CHANNELS - 1, classes.MOST_CHANNELS, classes.MOST_CHANNELS + 1):
        found = _asked("Rescaling", {"scale": [1] * n}, IMAGES[2])
        yield f"{n} numbers of a rescaling", found
    for cls, n in product(("BatchNormalization", "LayerNormalization", "GroupNormalization"), range(6)):
        for said in (
            {},
            {"scale": False},
            {"center": False},
            {"scale": False, "center": False},
            {"scale": 0},
        ):
            yield f"{n} of {cls} {said}", " ".join(classes.roles_of(cls, said, n))
    for name in (
        "convolution2d_1_W", "dense_b", "batchnormalization_1_running_std", "x_gamma", "W", "_W",
        "a_running_mean_b",
        "kernel", "a/kernel:0", "running_mean", "beta", "x_beta_1", "",
    ):  # fmt: skip
        yield f"today {name!r}", classes.name_of_today(name)


# Two facts that collide


def _tensor(*history: Any) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": list(history)}}


A, B, C, D = (["abcd"[n], n, 0] for n in range(4))
CALLS: tuple[Any, ...] = (
    [{"args": [A]}, B], [{"args": [A, B], "kwargs": {"x": C}}, D], [A, {"args": [B]}, C],
    [{"args": [{"args": [A]}, B]}, C],
    {"args": [A], "kwargs": {"x": B, "y": {"args": [C]}}}, [{"x": A, "args": [B]}], [[{"kwargs": {"x": A}},
    B], C],
    [*A, {"k": B}], [[*A, {"k": B}], [*C, {"k": D}]], [[*A, {"k": [*B, {"l": C}]}], D], [[*A, [B]], C],
    {"x": A, "y": [B, {"z": C}], "w": D}, [_tensor(*A), {"args": [_tensor(*B)]}, C], {"args": _tensor(*A),
    "kwargs": B},
    [A, [[B], [C, D]]], [[[A], B], [[C]], D], {"config": {"keras_history": A}, "x": B},
)  # fmt: skip


def _collisions() -> Told:
    for call in CALLS:
        said = re.sub(r"[^a-z{}\[\]]", "", str(call))[:70]
        yield f"called with {said}", str(list(config._references(call)))
    for group, own in product(("conv2d", "conv2d_1", "mine", "batch_normalization", "dense_3"),
                              ("", "conv2d_4", "my_layer", "Mine", "separable_conv2d", "dense",
                              "p_re_lu_2")):  # fmt: skip
        said = {"name": own} if own else {}
        arrays = {"0": np.zeros((2,), "f4")}
        root = Folder({"layers": Folder(), "net": Folder({group: Folder({"vars": Folder(arrays, said)})})})
        store: Any = stores.store_of([open_hdf5(memoryview(hdf5(root)), effort(Limits()))])
        found = [] if store is None else [(name, cls, len(held.arrays)) for name, cls, held in store.parts()]
        yield f"parts of {group} called {own}", str(found)
    for name in (
        "conv2d_transpose_1", "conv3d2d", "my_3d_2d_layer", "p_re_lu_10", "lstm", "a", "", "_", "conv2d__1",
        "x1d_y2d",
        "time_distributed", "global_max_pooling2d", "Conv2D", "re_lu_1_2",
    ):  # fmt: skip
        yield f"class in the path {name!r}", stores.class_in_path(name)
    for names in (
        ["c/kernel:0", "d/kernel:0"],
        ["kernel:0", "x/kernel:0", "kernel:0"],
        ["a/c", "a/d", "e"],
        ["a/c", "b/c", "c"],
        ["c", "a/c:0", "b/c:0"],
        ["gone"],
        [],
    ):
        inner: dict[str, Any] = {}
        for n, name in enumerate(dict.fromkeys(names)):
            place, _, last = name.rpartition("/")
            one = Held(np.zeros((n + 1,), "f4"), {})
            if name != "gone":
                inner.setdefault(place.partition("/")[0], {})[last] = one
        own = inner.pop("", {})
        arrays = {place: Folder(held) for place, held in inner.items()} | own
        root = Folder({"l": Folder(arrays, {"weight_names": names})}, {"layer_names": ["l"]})
        spending = effort(Limits())
        store = stores.store_of([open_hdf5(memoryview(hdf5(root)), spending)])
        held = store.weights("", "l", "Dense", "")
        told_ = {key: one.shape for key, one in held.arrays.items()}
        layers = [(name, cls, list(one.arrays)) for name, cls, one in store.layers()]
        yield f"weights called {names}", f"{told_} {layers} {spending.used}"


def keras_keys() -> Told:
    for name in WHOLE:
        yield from _once(name, _keys(name))
    for name in sorted(classes._BY_CLASS.keys() - WHOLE.keys()):
        yield name, _asked(name, {"trainable": True}, IMAGES[_axes(name)])
    yield from _boundaries()
    yield from _collisions()
