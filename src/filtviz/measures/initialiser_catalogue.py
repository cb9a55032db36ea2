"""The initialisers of today's frameworks: the catalogue of what may have drawn a network's first weights.

Three families of independent draws about 0: uniform, normal, and normal cut at two of its standard
deviations, which Keras, Flax and TensorFlow draw. What the scale of a draw follows is its scheme (with
``fan_in`` and ``fan_out`` the inputs and outputs of a unit, Glorot & Bengio 2010; He et al. 2015):

- ``glorot``: std = gain·√(2/(fan_in + fan_out));
- ``fan_in`` and ``fan_out``: std = gain/√fan_in, or gain/√fan_out;
- ``fixed``: std = gain.

Lasagne's formulas are those of ``lasagne/init.py`` (0.1), PyTorch's those of ``torch/nn/init.py`` and of
``nn.Conv2d.reset_parameters``, Keras's those of ``keras/initializers``, Flax's those of
``jax/nn/initializers.py``. Keras and Flax widen a cut draw so that its std is the scheme's; TensorFlow 1's
``truncated_normal`` does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from filtviz.network import ConvLayer

__all__ = [
    "CATALOGUE",
    "CUT_STD",
    "DEFAULT",
    "TORCH_DEFAULT",
    "UNTOLD",
    "Draws",
    "Family",
    "Fans",
    "Fit",
    "Rule",
    "Scheme",
    "default_of",
    "fans_of",
    "possible_draws",
    "rules_of",
]

Family = Literal["uniform", "normal", "cut normal"]

Scheme = Literal["glorot", "fan_in", "fan_out", "fixed"]

CUT_STD = 0.8796256610342398
"""The standard deviation of a standard normal draw that is cut at ±2."""

_BOUNDS: dict[Family, float] = {"uniform": math.sqrt(3), "normal": math.inf, "cut normal": 2 / CUT_STD}


@dataclass(frozen=True)
class Fans:
    """The inputs and outputs of a unit as initialisers count them, more than one way where they differ.

    ``ways`` are pairs ``(fan_in, fan_out)``. Frameworks count them along the axes that they store, and so do
    not agree on depthwise, grouped and transposed convolutions.
    """

    ways: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, shape: Sequence[int]) -> Fans:
        """Count those of an ordinary convolution of shape ``(filters, channels, rows, cols)``."""
        filters, channels, *kernel = shape
        area = math.prod(kernel)
        return cls(((channels * area, filters * area),))


def fans_of(layer: ConvLayer) -> Fans:
    """Count the inputs and outputs of a unit of a layer, in each way that a framework may."""
    filters, channels = layer.n_filters, layer.n_channels
    area = math.prod(layer.kernel_size)
    may_be_depthwise = channels == 1 and layer.conv_index != 0  # the first one of a network sees a grey image
    groups = getattr(layer.convolution, "groups", None) or (filters if may_be_depthwise else 1)
    ways = [(channels * area, filters * area)]
    if groups > 1:  # outputs of a group alone (timm); depthwise kernels as Keras stores them
        of_one = max(filters // groups, 1)  # a damaged file may say more groups than filters
        ways += [(channels * area, of_one * area), (channels * groups * area, of_one * area)]
    if getattr(layer.convolution, "transposed", False):  # PyTorch and Keras count along what is stored first
        ways += [(out, into) for into, out in ways]
    return Fans(tuple(dict.fromkeys(ways)))


@dataclass(frozen=True)
class Rule:
    """One way to draw first weights.

    Attributes:
        family: The shape of the draws.
        scheme: What their scale follows.
        gain: By what it is multiplied.
        names: What the users of each framework call it, the first being how it is called in general.
    """

    family: Family
    scheme: Scheme
    gain: float
    names: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """What to call it where no framework is known."""
        return self.names[0][1]

    def name_in(self, framework: str) -> str:
        """Return what the users of a framework call it, or what it is called in general."""
        return dict(self.names).get(framework, self.name)

    def std(self, fans: Fans | Sequence[int], way: int = 0) -> float:
        """Return the standard deviation of what is drawn.

        Args:
            fans: The inputs and outputs of a unit, or the shape of an ordinary convolution.
            way: Which of the ways to count them.
        """
        counted = fans if isinstance(fans, Fans) else Fans.of(fans)
        fan_in, fan_out = counted.ways[way]
        match self.scheme:
            case "glorot":
                return self.gain * math.sqrt(2 / (fan_in + fan_out))
            case "fan_in":
                return self.gain / math.sqrt(fan_in)
            case "fan_out":
                return self.gain / math.sqrt(fan_out)
            case "fixed":
                return self.gain

    def bound(self, fans: Fans | Sequence[int]) -> float:
        """Return the largest magnitude that it can draw, infinite for a normal one."""
        return _BOUNDS[self.family] * self.std(fans)

    def draws(self, fans: Fans | Sequence[int], rms: float) -> Draws:
        """Return what it draws for a layer: of the ways to count, the one that is nearest to its ``rms``."""
        return min(possible_draws(fans, (self,)), key=lambda each: abs(math.log(rms / each.std)))


@dataclass(frozen=True)
class Fit:
    """How well draws of some kind agree with a layer.

    ``names`` are what one calls them, several where rules of the catalogue coincide at the layer's shape;
    ``std`` is theirs there. ``rules`` are those rules, none for a matrix that is no independent draws
    (orthogonal, Dirac), and for draws of a scale that no rule has.
    """

    names: tuple[str, ...]
    family: Literal["uniform", "normal", "cut normal", "matrix"]
    std: float
    p: float
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """All names in one text."""
        return " or ".join(self.names)


_RELU = math.sqrt(2)


def _rule(family: Family, scheme: Scheme, gain: float, /, **names: str) -> Rule:
    return Rule(family, scheme, gain, tuple(names.items()))


def _fixed(family: Family, std: float, /, **names: str) -> Rule:
    return _rule(family, "fixed", std, **names)


CATALOGUE: tuple[Rule, ...] = (
    _rule(
        "uniform",
        "glorot",
        1.0,
        Lasagne="GlorotUniform()",
        PyTorch="xavier_uniform_",
        Keras="glorot_uniform (Keras's default)",
        Flax="glorot_uniform",
    ),
    _rule(
        "uniform",
        "fan_in",
        1.0,
        Lasagne="HeUniform(gain=1)",
        PyTorch="kaiming_uniform_(nonlinearity='linear')",
        Keras="lecun_uniform",
        Flax="lecun_uniform",
    ),
    _rule("normal", "glorot", 1.0, Lasagne="GlorotNormal()", PyTorch="xavier_normal_"),
    _rule(
        "normal", "fan_in", 1.0, Lasagne="HeNormal(gain=1)", PyTorch="kaiming_normal_(nonlinearity='linear')"
    ),
    _rule(
        "uniform", "glorot", _RELU, Lasagne="GlorotUniform(gain='relu')", PyTorch="xavier_uniform_(gain=√2)"
    ),
    _rule(
        "uniform",
        "fan_in",
        _RELU,
        Lasagne="HeUniform(gain='relu')",
        PyTorch="kaiming_uniform_",
        Keras="he_uniform",
        Flax="he_uniform",
    ),
    _rule("normal", "glorot", _RELU, Lasagne="GlorotNormal(gain='relu')", PyTorch="xavier_normal_(gain=√2)"),
    _rule("normal", "fan_in", _RELU, Lasagne="HeNormal(gain='relu')", PyTorch="kaiming_normal_"),
    _fixed("uniform", 0.01 / math.sqrt(3), Lasagne="Uniform(0.01)"),
    _fixed(
        "normal",
        0.01,
        Lasagne="Normal(0.01)",
        PyTorch="normal_(std=0.01)",
        Keras="RandomNormal(0.01)",
        Flax="normal(0.01)",
    ),
    _rule("uniform", "fan_in", 1 / math.sqrt(3), PyTorch="PyTorch's default"),
    _rule("uniform", "fan_out", _RELU, PyTorch="kaiming_uniform_(mode='fan_out')"),
    _rule(
        "normal",
        "fan_out",
        _RELU,
        PyTorch="kaiming_normal_(mode='fan_out')",
        Keras="VarianceScaling(2, 'fan_out', 'untruncated_normal')",
        Flax="variance_scaling(2, 'fan_out', 'normal')",
    ),
    _rule("cut normal", "glorot", 1.0, Keras="Keras's glorot_normal", Flax="glorot_normal"),
    _rule("cut normal", "fan_in", _RELU, Keras="Keras's he_normal", Flax="he_normal"),
    _rule(
        "cut normal",
        "fan_in",
        1.0,
        Flax="lecun_normal (Flax's default)",
        Keras="lecun_normal",
        PyTorch="timm's lecun_normal_",
    ),
    _rule(
        "cut normal",
        "fan_out",
        _RELU,
        Keras="VarianceScaling(2, 'fan_out')",
        Flax="variance_scaling(2, 'fan_out', 'truncated_normal')",
    ),
    _fixed("uniform", 0.05 / math.sqrt(3), Keras="RandomUniform(0.05)"),
    _rule("uniform", "fan_in", math.sqrt(2 / 3), Darknet="Darknet's default"),
    *(
        _fixed(
            "normal",
            std,
            PyTorch=f"normal_(std={std:g})",
            Keras=f"RandomNormal({std:g})",
            Flax=f"normal({std:g})",
        )
        for std in (0.001, 0.02, 0.05, 0.1, 1.0)
    ),
    *(
        _fixed("cut normal", sigma * CUT_STD, Keras=f"TruncatedNormal({sigma:g})")
        for sigma in (0.01, 0.02, 0.03, 0.05, 0.09, 0.1)
    ),
)
"""The rules whose weights are independent draws."""

DEFAULT = CATALOGUE[0]
"""What is assumed where nothing is known: GlorotUniform(), the default of Lasagne's and Keras's layers."""

TORCH_DEFAULT = next(rule for rule in CATALOGUE if rule.name == "PyTorch's default")
"""How PyTorch draws weights and biases of a convolution unless it is told otherwise."""

UNTOLD = ("", "ONNX")
"""Frameworks from which a file may come that was trained in any other."""

_DRAWN_AS = {"TensorFlow": "Keras", "TensorFlow Lite": "Keras"}
"""Frameworks whose models are drawn by another's rules."""


def rules_of(framework: str) -> tuple[Rule, ...]:
    """Return the rules of a framework, or all but Darknet's where it is not known or has none of its own.

    Args:
        framework: As `filtviz.network.Origin` names it; empty where the file does not tell.
    """
    wanted = _DRAWN_AS.get(framework, framework)
    if wanted == "Darknet":
        return CATALOGUE
    own = tuple(rule for rule in CATALOGUE if wanted in dict(rule.names))
    return own or tuple(rule for rule in CATALOGUE if rule.names[0][0] != "Darknet")


def default_of(framework: str) -> Rule:
    """Return what a framework draws a convolution's weights by unless it is told otherwise."""
    return next((rule for rule in CATALOGUE if "default" in dict(rule.names).get(framework, "")), DEFAULT)


@dataclass(frozen=True)
class Draws:
    """Draws of one family and scale: what ``rules`` of the catalogue give at a layer's shape."""

    family: Family
    std: float
    rules: tuple[Rule, ...] = ()

    @property
    def bound(self) -> float:
        """The largest magnitude that can be drawn, infinite for normal draws."""
        return _BOUNDS[self.family] * self.std


def possible_draws(fans: Fans | Sequence[int], rules: Sequence[Rule] = ()) -> tuple[Draws, ...]:
    """Return what rules draw at a shape, those together that draw alike.

    Args:
        fans: The inputs and outputs of a unit, or the shape of an ordinary convolution.
        rules: Those to try; those of `rules_of` an unknown framework where there are none.
    """
    counted = fans if isinstance(fans, Fans) else Fans.of(fans)
    alike: dict[tuple[Family, str], dict[Rule, float]] = {}
    for rule in rules or rules_of(""):
        for way in range(len(counted.ways)):
            std = rule.std(counted, way)
            alike.setdefault((rule.family, f"{std:.9e}"), {}).setdefault(rule, std)
    return tuple(
        Draws(family, next(iter(group.values())), tuple(group)) for (family, _), group in alike.items()
    )
