"""Keras's classes, each with its configuration and in the cases where it is another."""

from __future__ import annotations

from typing import Any

from filtviz.reading.formats.keras import classes
from tests.reading.operators.asking import IMAGE, Told, array, asked
from tests.telling import told

__all__ = ["keras"]


def _keras(name: str, *, shape: Any = IMAGE, keras_3: bool = True, weights: Any = None, **config: Any):
    """A class behind an image, with a configuration that is never empty unless it is asked for so."""
    case = classes.Case(
        class_name=name,
        config={} if config == {"none": True} else {"trainable": True, **config},
        parameters=weights or {},
        inputs=[shape],
        is_keras_3=keras_3,
    )
    more = {} if shape == IMAGE else {"shape": shape}
    more |= {} if keras_3 else {"keras": 2}
    more |= {"weights": weights} if weights else {}
    return asked(name, config | more), told(*classes.operations_of(case))


def keras() -> Told:
    """Every class, and each of its options."""
    kernel = {"kernel": array(3, 2, 6, 4), "bias": array(4, name="b")}
    yield _keras("Conv2D", weights=kernel, strides=[2, 1], dilation_rate=[1, 2], groups=2, activation="relu")
    yield _keras("Conv2D", weights=kernel, none=True)
    for padding in ("valid", "same", "causal", "mirror"):
        yield _keras("Conv2D", weights=kernel, padding=padding, strides=2)
        yield _keras("Conv1D", weights={"kernel": array(3, 6, 4)}, padding=padding, shape=(1, 6, 9))
    yield _keras("Conv2D", weights=kernel, padding="same", strides=2, shape=None)
    yield _keras("Conv2D", weights=kernel, strides=[0, 1], dilation_rate=[2, 2, 2], groups=True)
    yield _keras("Conv2D")
    yield _keras("Conv2D", weights={"kernel": array(3, 2)})
    yield _keras("Conv3D", weights={"kernel": array(2, 3, 4, 6, 5)})
    yield _keras("DepthwiseConv2D", weights={"depthwise_kernel": array(3, 2, 6, 2)}, strides=2)
    turned = {"kernel": array(3, 2, 4, 6)}
    yield _keras("Conv2DTranspose", weights=turned, strides=2, padding="valid")
    yield _keras("Conv2DTranspose", weights=turned, strides=[1, 2], padding="same")
    yield _keras("Conv2DTranspose", weights=turned, strides=[4, 3], padding="same")
    yield _keras("Conv2DTranspose", weights=turned, strides=4, shape=(1, 6, None, 9))
    yield _keras("Conv2DTranspose", weights=turned, none=True)
    parts = {"depthwise_kernel": array(3, 3, 6, 1), "pointwise_kernel": array(1, 1, 6, 4), "bias": array(4)}
    for half in ("depthwise", "pointwise"):
        yield _keras(f"separable: {half}", weights=parts, strides=2, activation="relu")
        yield _keras(f"separable: {half}", weights=parts, none=True)
        yield _keras(f"separable: {half}")
    yield _keras("Dense", weights={"kernel": array(6, 5), "bias": array(5)}, shape=(1, 6), activation="tanh")
    yield _keras("Dense", weights={"kernel": array(6, 5)})
    yield _keras("Dense", weights={"kernel": array(6)})
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    yield _keras("BatchNormalization", weights={name: array(6) for name in names}, epsilon=0.25)
    yield _keras("BatchNormalization", weights={name: array(6) for name in names[2:]})
    yield _keras("BatchNormalization", weights={name: array(6) for name in names[:3]})
    yield _keras("Embedding", weights={"embeddings": array(6, 5)})
    yield _keras("LSTM", units=7)
    for n in (1, 2, 3):
        shape = (1, 6, 8, 9, 7)[: n + 2]
        for kind in ("Max", "Average"):
            yield _keras(f"{kind}Pooling{n}D", pool_size=3, strides=[2] * n, padding="same", shape=shape)
            yield _keras(f"{kind}Pooling{n}D", strides=None, shape=shape)
            yield _keras(f"Global{kind}Pooling{n}D", keepdims=True, shape=shape)
        yield _keras(f"ZeroPadding{n}D", padding=2, shape=shape)
        yield _keras(f"Cropping{n}D", cropping=[[1, 2]] * n, shape=shape)
        yield _keras(f"Cropping{n}D", cropping=[1] * n, shape=shape)
        yield _keras(f"UpSampling{n}D", size=3, shape=shape)
    yield _keras("MaxPooling2D", padding="same", shape=None)
    yield _keras("ZeroPadding1D", padding=[1, 2])
    for padding in ([1, 2, 3], [[1, -2], 1], [], "much", [[1, 2, 3], 1]):
        yield _keras("ZeroPadding2D", padding=padding)
    yield _keras("UpSampling2D", interpolation="bilinear")
    for order in ("channels_last", "channels_first"):
        yield _keras("Flatten", data_format=order)
        yield _keras("Reshape", target_shape=[7, 9, -1], data_format=order)
        yield _keras("Concatenate", axis=-1, data_format=order)
        yield _keras("Concatenate", axis=1, data_format=order)
    yield _keras("Flatten", shape=(1, 6))
    yield _keras("Reshape", target_shape=[7, 9], shape=(1, 63))
    yield _keras("Reshape", target_shape=[7, -2])
    yield _keras("Reshape", target_shape=7)
    yield _keras("Concatenate", axis=0)
    yield _keras("Concatenate", axis=1, shape=(1, 6))
    yield _keras("Dropout", rate=0.25)
    yield _keras("Dropout", rate=True)
    for name in (*classes._KINDS, "softmax", "relu6", "selu", "leaky_relu", "mine", None):
        yield _keras("Activation", activation=name)
    yield _keras("Activation", activation="hard_sigmoid", keras_3=False)
    yield _keras("Activation", activation={"class_name": "function", "config": "tanh"})
    yield _keras("Activation", activation={"class_name": "mine", "config": {}})
    yield _keras("Activation", none=True)
    for facts in ({"max_value": 6.0}, {"negative_slope": 0.25}, {"threshold": 1.0}):
        yield _keras("ReLU", **facts)
    yield _keras("ReLU", max_value=6.0, negative_slope=0.25)
    yield _keras("LeakyReLU", negative_slope=0.25)
    yield _keras("LeakyReLU", alpha=0.5)
    yield _keras("LeakyReLU", alpha=0.5, negative_slope=0.25)
    yield _keras("ELU", alpha=0.5)
    yield _keras("Mine")
    yield from _of_units()
    for name in classes._BY_CLASS:
        yield _keras(name, weights=kernel)
    for name in (*classes._ROLES, "Conv2D", "BatchNormalization"):
        for n in (2, 3, 4):
            yield f"the {n} parameters of {name}", ", ".join(classes.roles_of(name, {}, n))
    yield (
        "those of a normalisation without scale",
        ", ".join(classes.roles_of("BatchNormalization", {"scale": False}, 3)),
    )


def _of_units() -> Told:
    """What standardises and rescales, along each axis and with numbers that are none."""
    for scale in (0.5, 2, [0.5, 0.25, 2.0], [], True, "half", [0.5, None], [1.0] * 4097):
        yield _shortened(_keras("Rescaling", scale=scale, offset=-1.0))
    yield _keras("Rescaling", scale=0.5, offset=[1.0, 2.0])
    yield _keras("Rescaling", offset=[1.0, True])
    yield _keras("Rescaling", none=True)
    moments = {"mean": array(6), "variance": array(6, name="v")}
    for axis in (-1, [-1], 3, [3], 1, [1, 2], None):
        yield _keras("Normalization", weights=moments, axis=axis)
    yield _keras("Normalization", weights=moments)
    yield _keras("Normalization", weights=moments, invert=True)
    for odd in ({"mean": array(6, 1)}, {"variance": array(6, 1)}):
        yield _keras("Normalization", weights={**moments, **odd})
    for one in moments:
        yield _keras("Normalization", weights={one: moments[one]})
    scales = {"gamma": array(6), "beta": array(6, name="b")}
    for config in ({}, {"axis": 1}, {"axis": [-1]}, {"axis": 3}, {"axis": [1, 2]}, {"rms_scaling": True}):
        yield _keras("LayerNormalization", weights=scales, epsilon=0.25, **config)
    for groups in (3, 0, -1, -2, 32):
        yield _keras("GroupNormalization", weights=scales, groups=groups)
    yield _keras("GroupNormalization", weights=scales, axis=1)
    for shape in ((), None, (1, 6, 8)):
        yield _keras("Concatenate", axis=-1, shape=shape)


def _shortened(row: tuple[str, str]) -> tuple[str, str]:
    asked_for, answer = row
    return asked_for[:200], answer
