"""Are some filters, or some input channels, stronger than others?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from filtviz.measures.kernels import Kernels
from filtviz.measures.laws import chi_squared_tail
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.verdicts import WAS_UPDATED

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["ChannelEnergy", "FilterEnergy", "Heterogeneity", "heterogeneity"]

Side = Literal["filters", "channels"]


class _Energy(Measure):
    """What both sides of a layer have in common."""

    side: ClassVar[Side]
    one: ClassVar[str]
    """What a group is called."""

    short_null = "χ²"
    counts_if = "p < {level}"
    cannot_say = (
        "Strength is no structure. It rises with random labels too, and where batch normalisation was folded "
        "into the weights, trained or not."
    )
    decides = "strength"

    def take(self, subject: Subject) -> Finding | None:
        """Test the energies of the groups."""
        test = heterogeneity(subject.kernels, self.side)
        if test is None:
            return None
        return self.tested(
            test.p,
            value=test.statistic,
            found=f"its {self.one}s are of unequal strength",
            nothing=f"its {self.one}s differ in strength by no more than chance",
        )


class FilterEnergy(_Energy):
    """How unequal the energies of the filters are."""

    key = "filter-energy"
    title = "Uneven energies of the filters"
    meaning = "Are some filters much stronger than others? New ones are of equal strength but for chance."
    formula = "Σ(s_g − s̄)²/(n_g Var w²), s_g the sum of squares of filter g, n_g its weights"
    null = "χ² with O − 1 degrees of freedom"
    supports = f'"{WAS_UPDATED}: its filters are of unequal strength"'
    source = "the variance of sums of independent draws; Du, Hu & Lee 2018 for why energies grow apart"
    side = "filters"
    one = "filter"


class ChannelEnergy(_Energy):
    """How unequal the energies of what looks at each input channel are."""

    key = "channel-energy"
    title = "Uneven energies of the input channels"
    meaning = (
        "Are some input channels used much more than others? In a new layer all are used alike but for "
        "chance."
    )
    formula = "Σ(s_g − s̄)²/(n_g Var w²), s_g the sum of squares that looks at input channel g"
    null = "χ² with C − 1 degrees of freedom"
    supports = f'"{WAS_UPDATED}: its input channels are of unequal strength"'
    source = "the variance of sums of independent draws; Du, Hu & Lee 2018"
    side = "channels"
    one = "input channel"


class Heterogeneity(NamedTuple):
    """The statistic, its degrees of freedom, and the p-value."""

    statistic: float
    degrees: int
    p: float


def heterogeneity(kernels: Kernels, along: Side) -> Heterogeneity | None:
    """Test whether the energies of the filters (or of the input channels) differ by more than chance.

    Σ(s_g - s̄)²/(n_g Var w²) is about chi-squared with G-1 degrees of freedom, s_g being the sum of
    squares of the n_g weights of group g and Var w² the variance of a single squared weight, estimated
    from the layer.

    Returns:
        None where there is one group only, or where no squared weight differs from another.
    """
    energies = kernels.energy.sum(axis=1 if along == "filters" else 0)
    _, square, _, fourth = kernels.raw_moments
    variance = fourth - square**2
    if len(energies) < 2 or variance <= 1e-12 * square**2:
        return None
    in_group = kernels.size // len(energies)
    statistic = float(((energies - energies.mean()) ** 2).sum() / (in_group * variance))
    degrees = len(energies) - 1
    return Heterogeneity(statistic, degrees, chi_squared_tail(statistic, degrees))
