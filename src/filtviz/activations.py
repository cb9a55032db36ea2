"""The functions of each unit by itself: their kinds, their numbers, and which are monotone.

To add one: its kind here, twice (in `ActivationKind`, and whether it is monotone), and its arithmetic in
`filtviz.running.numpy_engine.activate`, the one interpreter that looks at kinds; the type checker names both.
Composition takes any kind as if it were linear, and bounds go by whether it is monotone. Where files name it,
a row in the table of their format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from filtviz.parameter import Parameter

__all__ = ["MONOTONE", "UNTOLD_ACTIVATION", "Activation", "ActivationKind"]

ActivationKind = Literal[
    "linear",
    "rectify",
    "leaky_rectify",
    "parametric_rectify",
    "clipped_rectify",
    "elu",
    "selu",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "exp",
    "swish",
    "hard_swish",
    "gelu",
    "untold",
]

MONOTONE: Mapping[ActivationKind, bool] = {
    "linear": True,
    "rectify": True,
    "leaky_rectify": True,
    "parametric_rectify": False,  # its slopes are weights, of either sign
    "clipped_rectify": True,
    "elu": True,
    "selu": True,
    "sigmoid": True,
    "hard_sigmoid": True,
    "tanh": True,
    "softplus": True,
    "softsign": True,
    "exp": True,
    "swish": False,
    "hard_swish": False,
    "gelu": False,
    "untold": False,
}
"""Whether a larger input never gives a smaller output, as long as its numbers are not negative."""

UNTOLD_ACTIVATION = "a nonlinearity that the file does not tell"


@dataclass(frozen=True, kw_only=True, eq=False)
class Activation:
    """A function of each unit by itself: a ``kind`` and its numbers, never a callable.

    ``name`` is the file's own word for it. ``alpha`` is the slope below zero (``leaky_rectify``), the depth
    of an exponential (``elu``, ``selu``), the upper end (``clipped_rectify``); ``scale`` multiplies the
    output (``selu``, ``tanh``), ``scale_in`` the input (``tanh``). ``slopes`` are those of a parametric
    rectifier, along the axes ``along`` of the input.
    """

    kind: ActivationKind
    name: str = ""
    alpha: float = 1.0
    scale: float = 1.0
    scale_in: float = 1.0
    slopes: Parameter | None = None
    along: tuple[int, ...] = (1,)

    @classmethod
    def with_numbers(cls, kind: ActivationKind, name: str, numbers: Mapping[str, float]) -> Activation:
        """Make one whose ``numbers`` are called as its fields are."""
        return replace(cls(kind=kind, name=name), **numbers)  # type: ignore[arg-type]

    @property
    def is_monotone(self) -> bool:
        """Whether a larger input never gives a smaller output: what a proof by intervals rests on."""
        return MONOTONE[self.kind] and min(self.alpha, self.scale, self.scale_in) >= 0

    @property
    def word(self) -> str:
        """What to call it in a sentence."""
        return self.name or (UNTOLD_ACTIVATION if self.kind == "untold" else self.kind)
