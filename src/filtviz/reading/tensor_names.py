"""What the names of tensors tell: what frameworks call parameters, which belong together, in which order.

A `Convention` says what a framework calls the arrays of a layer, and in which order it stores their axes. The
tensors of a list, which have no names, get them by their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from filtviz.parameter import Parameter
from filtviz.reading.arrays import AnyArray, parameter_of
from filtviz.text import natural_key

__all__ = [
    "BESIDE",
    "CALLED_DEPTHWISE",
    "CALLED_TRANSPOSED",
    "FLAX",
    "HAIKU",
    "MLX",
    "MXNET",
    "OF_A_SPLIT",
    "OF_TRANSPOSED",
    "PADDLE",
    "PYTORCH",
    "SHORTCUTS",
    "Convention",
    "Tensor",
    "TensorGroup",
    "are_sorted",
    "first_things_first",
    "grouped",
    "is_called_transposed",
    "is_embedding",
    "is_shortcut",
    "named_by_order",
    "of_attention",
    "parts_around",
    "sees_colours",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tensor:
    """An array with the ``name`` that the file gives it: ``layer1.0.conv1.weight``.

    One that is computed of others has these as its ``parts``, with their own names: they are what the file
    stores.
    """

    name: str
    array: AnyArray
    parts: tuple[Tensor, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What a framework calls the parameters of a layer, and how it stores their axes.

    Attributes:
        separator: What stands between a layer's name and its parameter's.
        roles: The framework's word → ``weight``, ``bias``, ``mean``, ``variance``, ``gamma``, ``beta``,
            ``table`` (of an embedding).
        kernels: Number of axes of weights → their order in a convolution, in the letters of
            `filtviz.operations.Convolution`.
        transposed: The same in a transposed convolution, as far as shapes can tell it; else empty.
        called_transposed: The same in one whose name says that it is one, where shapes cannot tell it.
        dense: The axes of a dense layer's weights, ``oi`` or ``io``.
        conv_type: The name of a convolution's class, with ``{n}`` for the number of spatial axes.
        dense_type: The name of a dense layer's class.
        norm_type: The name of a batch normalisation's class.
        epsilon: What is added to the variance of a batch normalisation by default.
    """

    separator: str
    roles: Mapping[str, str]
    kernels: Mapping[int, str]
    transposed: Mapping[int, str] = field(default_factory=dict)
    called_transposed: Mapping[int, str] = field(default_factory=dict)
    dense: str = "oi"
    conv_type: str = "Conv{n}d"
    dense_type: str = "Linear"
    norm_type: str = "BatchNorm"
    epsilon: float = 1e-5


PYTORCH = Convention(
    separator=".",
    roles={"weight": "weight", "bias": "bias", "running_mean": "mean", "running_var": "variance"},
    kernels={3: "oic", 4: "oirc", 5: "oidrc"},
    transposed={3: "ioc", 4: "iorc", 5: "iodrc"},
)


FLAX = Convention(
    separator="/",
    roles={
        "kernel": "weight", "w": "weight", "bias": "bias", "b": "bias", "scale": "gamma", "mean": "mean",
        "var": "variance", "embedding": "table",
    },
    kernels={3: "cio", 4: "rcio", 5: "drcio"},
    called_transposed={3: "cio", 4: "rcio", 5: "drcio"},
    dense="io",
    conv_type="Conv",
    dense_type="Dense",
)  # fmt: skip


HAIKU = replace(
    FLAX,
    roles={**FLAX.roles, "offset": "beta"},
    called_transposed={3: "coi", 4: "rcoi", 5: "drcoi"},
    conv_type="Conv{n}D",
    dense_type="Linear",
)


PADDLE = replace(PYTORCH, roles={**PYTORCH.roles, "_mean": "mean", "_variance": "variance"}, dense="io")


MXNET = replace(
    PYTORCH,
    roles={
        "weight": "weight", "bias": "bias", "gamma": "gamma", "beta": "beta", "moving_mean": "mean",
        "moving_var": "variance", "running_mean": "mean", "running_var": "variance",
    },
    conv_type="Convolution",
    dense_type="FullyConnected",
)  # fmt: skip


MLX = replace(PYTORCH, kernels={3: "oci", 4: "orci", 5: "odrci"}, transposed={})


@dataclass(kw_only=True, eq=False)
class TensorGroup:
    """The parameters of one layer, by the framework's own word and by what they are."""

    name: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    roles: dict[str, Parameter] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weights, ``()`` where there are none."""
        weight = self.roles.get("weight")
        return () if weight is None else weight.shape

    @property
    def is_norm(self) -> bool:
        """Whether it holds the statistics of a batch normalisation."""
        return "mean" in self.roles and "variance" in self.roles

    @property
    def has_wide_bias(self) -> bool:
        """Whether its bias has more axes than one, which no convolution has: a dense layer to several."""
        bias = self.roles.get("bias")
        return bias is not None and len(bias.shape) > 1

    @property
    def width(self) -> int | None:
        """The length of its vectors where they have one: the number of channels that it has."""
        lengths = {one.shape[0] for one in self.roles.values() if len(one.shape) == 1}
        return lengths.pop() if len(lengths) == 1 else None


def grouped(tensors: Iterable[Tensor], convention: Convention) -> list[TensorGroup]:
    """Return the parameters of each layer, in the order in which the layers begin.

    Args:
        tensors: The arrays with their names.
        convention: What their framework calls them.
    """
    groups: dict[str, TensorGroup] = {}
    for tensor in tensors:
        name, _, last = tensor.name.rpartition(convention.separator)
        group = groups.setdefault(name, TensorGroup(name=name))
        parameter = parameter_of(last, tensor.array, tensor.name)
        for part in tensor.parts:
            inner = part.name.removeprefix(name + convention.separator)
            group.parameters[inner] = parameter_of(inner, part.array, part.name)
        if not tensor.parts:
            group.parameters[last] = parameter
        if role := convention.roles.get(last):
            group.roles[role] = parameter
    return list(groups.values())


def are_sorted(names: Sequence[str], separator: str) -> bool:
    """Tell names in an order of their own, as JAX and safetensors have them, from those of layers.

    Where each layer has one tensor there is no difference.

    Args:
        names: The names of tensors.
        separator: What stands between a layer's name and its parameter's.
    """
    layers = {name.rpartition(separator)[0] for name in names}
    if len(layers) == len(names):
        return False
    orders: tuple[Callable[[str], Any], ...] = (str, natural_key, lambda name: name.split(separator))
    return any(list(names) == sorted(names, key=order) for order in orders)


_OF_ATTENTION = ("query", "key", "value")


_PART_OF_ATTENTION = re.compile(
    r"(?P<start>_?)(?P<kind>query|key|value|attention_output|output|out)(?P<end>(_dense)?)\Z"
)


def of_attention(names: Set[str], separator: str) -> set[str]:
    """Return the layers of attention: query, key and value stand side by side, and with them the output.

    Kernels of three axes are no convolutions there, since none of the axes is a place.

    Args:
        names: The names of layers.
        separator: What stands between a layer's name and the name of the layer that it is in.
    """
    found: set[str] = set()
    for name in names:
        place, between, last = name.rpartition(separator)
        match = _PART_OF_ATTENTION.match(last)
        others = (
            [f"{place}{between}{match['start']}{one}{match['end']}" for one in _OF_ATTENTION] if match else []
        )
        if others and all(one in names for one in others):
            found.add(name)
    return found


def first_things_first(tensors: Sequence[Tensor], convention: Convention) -> list[Tensor]:
    """Put the layer that sees the image first, where the order of names has it elsewhere.

    It is the one convolution in the plane that takes 3 channels and is larger than 1x1, if there is just one.

    Args:
        tensors: The arrays in the order of their names.
        convention: How their framework stores kernels.
    """
    weights = (one for one in tensors if convention.roles.get(_last(one, convention)) == "weight")
    seeing = [one for one in weights if sees_colours(one.array.shape, convention)]
    if len(seeing) != 1:
        return list(tensors)
    layer = seeing[0].name.rpartition(convention.separator)[0]
    if _follows_others(layer, tensors, convention):
        return list(tensors)
    return sorted(tensors, key=lambda one: one.name.rpartition(convention.separator)[0] != layer)


def _follows_others(layer: str, tensors: Sequence[Tensor], convention: Convention) -> bool:
    """Tell a layer with a number behind kernels of lower ones in its part: the end of a generator."""
    part, _, number = layer.rpartition(convention.separator)
    others = (one.name.rpartition(convention.separator)[0] for one in tensors if len(one.array.shape) == 4)
    pairs = (name.rpartition(convention.separator) for name in others)
    numbers = [other for there, _, other in pairs if there == part and other.isdecimal()]
    return number.isdecimal() and any(natural_key(one) < natural_key(number) for one in numbers)


def _last(tensor: Tensor, convention: Convention) -> str:
    return tensor.name.rpartition(convention.separator)[2]


def sees_colours(shape: Sequence[int], convention: Convention) -> bool:
    """Tell the kernels of a convolution in the plane that takes 3 channels and is larger than 1x1.

    Args:
        shape: Of weights.
        convention: How their framework stores kernels.
    """
    kernels = convention.kernels[4]
    of = dict(zip(kernels, shape, strict=False))
    return len(shape) == len(kernels) and of["i"] == 3 and max(of["r"], of["c"]) > 1


BESIDE = re.compile(r"(?i)(\A|[._/])(?P<part>(shortcut|skip)\w{0,8}|branch\w{1,8})(?=[._/]|\Z)")
"""In the name of what stands beside other layers of a block, and sees what they see."""


SHORTCUTS = ("shortcut", "skip")


def is_shortcut(name: str) -> bool:
    """Tell what stands beside a whole block by its name.

    Args:
        name: Of a layer.
    """
    found = BESIDE.search(name)
    return found is not None and found["part"].lower().startswith(SHORTCUTS)


_MOST_AROUND = 4


def parts_around(name: str, separator: str) -> Iterator[str]:
    """Yield the names of the parts of a network that a layer is in, the smallest first, and a few of them.

    Args:
        name: Of a layer.
        separator: What stands between the names of parts.
    """
    for _ in range(_MOST_AROUND):
        name = name.rpartition(separator)[0]
        yield name


CALLED_TRANSPOSED = re.compile(r"(?i)deconv|transpos|(\A|[._/])up(conv|samp|scale)?s?(\d|[._/]|\Z)")


_SURELY_TRANSPOSED = re.compile(r"(?i)deconv|transpos|up(conv|samp)|(\A|[._/])conv5_mask\Z")


OF_TRANSPOSED = re.compile(r"(?i)deconv|transpose")


def is_called_transposed(name: str, shape: Sequence[int], convention: Convention) -> bool:
    """Tell a transposed convolution that gives as many channels as it takes by its name.

    A part of a network that is called so has ordinary convolutions, too, but these have a middle.

    Args:
        name: Of a layer.
        shape: Of its weights.
        convention: How its framework stores kernels.
    """
    kernels = convention.kernels[len(shape)]
    lengths = [length for axis, length in zip(kernels, shape, strict=True) if axis in "drc"]
    has_no_middle = all(length % 2 == 0 for length in lengths)
    own = name.rpartition(convention.separator)[2]
    return bool(_SURELY_TRANSPOSED.search(name if has_no_middle else own)) and (
        has_no_middle or bool(CALLED_TRANSPOSED.search(own))
    )


OF_A_SPLIT = re.compile(r"(?i)(\A|[._/])(paths|splits?)[._/]\d")
"""In the name of what sees a part of the channels below, as its fellows see the others."""


CALLED_DEPTHWISE = re.compile(
    r"(?i)(\A|[._/])((conv_?)?(dw|depth_?wise)(_?conv(2d)?)?|depth_?conv)_?\d*([._/](conv|\d+))?\Z"
)


_CALLED_EMBEDDING = re.compile(
    r"(?i)(\A|[._/])(?P<name>wte|wpe|emb|embed_(tokens|positions)|(\w+_)?embed(ding)?s?)(_?\d+)?\Z"
)


_OF_NUMBERS = re.compile(r"(?i)patch|image|img|pixel|vis|time|frame|feature|input|audio|proj|fourier")
"""In the name of what embeds no words: a dense layer of that name has no bias at times."""


_MAY_BE_DENSE = re.compile(r"(?i)(emb|embed(ding)?s?)\Z")
"""Names by which a dense layer without a bias goes, too: only a table with more rows than columns is one."""


def is_embedding(group: TensorGroup) -> bool:
    """Tell a table of words by what it is called; one with a bias is a dense layer, whatever it is called.

    Args:
        group: The parameters of a layer.
    """
    named = _CALLED_EMBEDDING.search(group.name)
    alone = len(group.shape) == 2 and set(group.roles) == {"weight"} and len(group.parameters) == 1
    if not alone or named is None or _OF_NUMBERS.search(named["name"]):
        return False
    return not _MAY_BE_DENSE.match(named["name"]) or group.shape[0] > group.shape[1]


_NORM = ("weight", "bias", "running_mean", "running_var")


def named_by_order(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the tensors as a state_dict would name them, each layer called by the place of its first one.

    PyTorch lists a layer's weights, then its bias; of a normalisation scale, shift, mean, variance, and a
    counter, or only the first two where only parameters are listed.

    Args:
        tensors: The tensors of a list, named by their places.
    """
    place = 0
    while place < len(tensors):
        vectors = _vectors_behind(tensors, place)
        first, shape = tensors[place], tensors[place].array.shape
        if len(shape) > 1 and _is_real(first):
            names = ("weight", "bias")[: 1 + len(vectors) % 2]
        elif len(vectors) + 1 in (2, 4) and len(shape) == 1:
            names = _NORM[: len(vectors) + 1]
        else:
            names = ("value",)
        for name, each in zip(names, tensors[place : place + len(names)], strict=True):
            yield replace(each, name=f"{first.name}.{name}" if first.name else name)
        place += len(names)


def _is_real(tensor: Tensor) -> bool:
    """Tell what may be weights from whole numbers, such as the pictures and labels of a data set."""
    return tensor.array.dtype.kind in "fcV"


def _vectors_behind(tensors: Sequence[Tensor], place: int) -> list[Tensor]:
    """Return the vectors of one length that follow a tensor, one that fits it."""
    shape = tensors[place].array.shape
    found: list[Tensor] = []
    for each in tensors[place + 1 : place + len(_NORM) + 3]:
        own = each.array.shape
        if len(own) != 1 or own[0] not in shape[:2] or (found and own != found[0].array.shape):
            break
        found.append(each)
    return found
