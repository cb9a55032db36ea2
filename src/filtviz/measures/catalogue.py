"""Lasagne's initialisers: the catalogue of what may have drawn a network's first weights.

Formulas as in ``lasagne/init.py`` (0.1): Glorot, std = gain·√(2/((n_out + n_in)k²)) (Glorot & Bengio
2010); He, std = gain/√(n_in k²) (He et al. 2015); Uniform(.01) and Normal(.01); Orthogonal (Saxe et al.
2013). A gain of 'relu' is √2. A uniform draw of a given std has the bound √3·std.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["CATALOGUE", "DEFAULT", "Fit", "Rule", "coinciding_rules", "rule_named"]


@dataclass(frozen=True)
class Rule:
    """One way to draw first weights: ``name`` as one writes it, the family of draws, and how they scale."""

    name: str
    family: Literal["uniform", "normal"]
    scheme: Literal["glorot", "he", "fixed"]
    gain: float

    def std(self, shape: Sequence[int]) -> float:
        """Return the standard deviation for weights of shape ``(filters, channels, rows, cols)``."""
        filters, channels, *kernel = shape
        area = math.prod(kernel)
        if self.scheme == "glorot":
            return self.gain * math.sqrt(2 / ((filters + channels) * area))
        if self.scheme == "he":
            return self.gain / math.sqrt(channels * area)
        return self.gain

    def bound(self, shape: Sequence[int]) -> float:
        """Return the largest magnitude that it can draw, infinite for a normal one."""
        return math.sqrt(3) * self.std(shape) if self.family == "uniform" else math.inf


@dataclass(frozen=True)
class Fit:
    """How well draws of some kind agree with a layer.

    ``names`` are what one calls them, several where rules of the catalogue coincide at the layer's shape;
    ``std`` is theirs there. ``rules`` are those rules, none for an orthogonal matrix, which is no independent
    draws, and for draws of a scale that no rule has.
    """

    names: tuple[str, ...]
    family: Literal["uniform", "normal", "orthogonal"]
    std: float
    p: float
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """All names in one text."""
        return " or ".join(self.names)


def _catalogue() -> tuple[Rule, ...]:
    rules = []
    for label, gain in (("", 1.0), ("gain='relu'", math.sqrt(2))):
        rules += [
            Rule(f"GlorotUniform({label})", "uniform", "glorot", gain),
            Rule(f"HeUniform({label or 'gain=1'})", "uniform", "he", gain),
            Rule(f"GlorotNormal({label})", "normal", "glorot", gain),
            Rule(f"HeNormal({label or 'gain=1'})", "normal", "he", gain),
        ]
    fixed_uniform = Rule("Uniform(0.01)", "uniform", "fixed", 0.01 / math.sqrt(3))
    return (*rules, fixed_uniform, Rule("Normal(0.01)", "normal", "fixed", 0.01))


CATALOGUE = _catalogue()
"""The rules whose weights are independent draws; the first, GlorotUniform(), is a conv layer's default."""

DEFAULT = CATALOGUE[0]


def rule_named(name: str) -> Rule | None:
    """Return the rule of that name, or None where the catalogue has none."""
    return next((rule for rule in CATALOGUE if rule.name == name), None)


def coinciding_rules(shape: Sequence[int]) -> tuple[tuple[Rule, ...], ...]:
    """Return the rules of the catalogue, those together that draw alike at this shape."""
    groups: list[list[Rule]] = []
    for rule in CATALOGUE:
        alike = (group for group in groups if _draw_alike(group[0], rule, shape))
        group = next(alike, None)
        if group is None:
            groups.append([rule])
        else:
            group.append(rule)
    return tuple(map(tuple, groups))


def _draw_alike(first: Rule, second: Rule, shape: Sequence[int]) -> bool:
    return first.family == second.family and abs(second.std(shape) / first.std(shape) - 1) < 1e-9
