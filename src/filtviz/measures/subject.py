"""One layer with all that its measures look at, gathered once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from filtviz.budget import Account
from filtviz.composition.stacks import Stack, following_layer, linear_stack
from filtviz.errors import BudgetError
from filtviz.measures.bias import BiasState, bias_state, normalisation_moved
from filtviz.measures.catalogue import DEFAULT, Fit, Rule
from filtviz.measures.composed import Composed, composed_structure, why_not_composed, work_of
from filtviz.measures.initialiser import fit_catalogue, fit_free_scale
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.low_frequency import band_energies
from filtviz.measures.residue import Magnitudes, Residue, estimate_residues, likeliest_uniform_rule
from filtviz.network import ConvLayer, Network
from filtviz.running.intervals import Interval, preactivation_bounds
from filtviz.scaling import in_double

__all__ = ["Identified", "Provenance", "Subject", "gather_subjects", "identify_rule", "trace_provenance"]

_FITS_FROM = 0.01
"""The p-value from which a fit tells where a network's weights come from."""

_LARGEST = 3
"""Layers on which the network's initialiser is sought."""


@dataclass(frozen=True)
class Provenance:
    """What a layer's weights could be draws of: the catalogue's ``fits``, or ``free`` ones of another scale.

    Both are sorted by p-value, the best first, whatever the p-value is.
    """

    fits: tuple[Fit, ...]
    free: tuple[Fit, ...]

    @property
    def p(self) -> float:
        """The p-value of the best fit of the catalogue; 0 where none can be."""
        return self.fits[0].p if self.fits else 0.0


@dataclass(frozen=True)
class Identified:
    """The rule that drew a network's first weights; ``known`` is False where it is only the default.

    ``traced`` tells that its trace was found in weights that have been trained since.
    """

    rule: Rule
    known: bool
    traced: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """One convolution whose weights are finite and not all one number.

    ``rule`` is the initialiser of the network, ``bounds`` between what each filter's input to its rectifier
    must lie, None where that is not known. ``account`` is what its measures may still take.
    """

    layer: ConvLayer
    kernels: Kernels
    bias: BiasState
    origin: Provenance
    rule: Identified
    residue: Residue
    following: ConvLayer | None = None
    stack: Stack = field(default_factory=Stack)
    bounds: Interval | None = None
    normalisation_moved: bool = False
    account: Account = field(default_factory=Account.unlimited)

    @cached_property
    def low_energy(self) -> Floats:
        """The energy of each kernel in the low frequencies, ``(filters, channels)``."""
        return band_energies(self.kernels)

    @cached_property
    def composed(self) -> Composed | None:
        """The filters seen through the layers below; None where they are not (see `why_not_composed`)."""
        return None if why_not_composed(self.stack) else composed_structure(self.stack.stages)

    @property
    def moved(self) -> bool:
        """Whether something beside the weights has left its start, which no initialiser explains."""
        return self.bias == "moved" or self.normalisation_moved

    @property
    def initialisers(self) -> tuple[str, ...]:
        """The names of what the first weights are taken to be draws of, at this layer's shape."""
        if not self.rule.known:
            return ()
        best = self.origin.fits[0] if self.origin.fits else None
        if best is not None and (not best.rules or self.rule.rule in best.rules):
            return best.names
        return (self.rule.rule.name,)


def gather_subjects(
    network: Network,
    layers: Sequence[ConvLayer],
    input_range: tuple[float, float] | None,
    account: Account | None = None,
    paid: Collection[int] | None = None,
) -> Iterator[Subject]:
    """Yield the subjects of ``layers`` one by one, so that one layer's weights are in memory at a time.

    The initialiser is identified first, on the largest of them.

    Args:
        network: The network.
        layers: Convolutions of it whose weights can be judged.
        input_range: The lowest and the highest value of a pixel; see `preactivation_bounds`.
        account: What it may take to look around the layers; None for as much as it takes.
        paid: The numbers of the convolutions whose work is paid for, see `preactivation_bounds`.
    """
    account = account or Account.unlimited()
    origins, magnitudes = [], []
    for layer in layers:
        kernels = Kernels.of(layer.filters)
        origins.append(trace_provenance(kernels))
        magnitudes.append(Magnitudes.of(kernels))
    by_size = sorted(range(len(layers)), key=lambda i: -layers[i].weights.size)[:_LARGEST]
    rule = identify_rule([magnitudes[i] for i in by_size], [origins[i] for i in by_size])
    residues = estimate_residues([(each, rule.rule) for each in magnitudes])
    bounds = preactivation_bounds(network, input_range, account, paid)
    for layer, origin, residue in zip(layers, origins, residues, strict=True):
        yield Subject(
            layer=layer,
            kernels=Kernels.of(layer.filters),
            bias=bias_state(_bias(layer)),
            origin=origin,
            rule=rule,
            residue=residue,
            following=following_layer(network, layer),
            stack=_affordable(linear_stack(network, layer, account), layer, account),
            bounds=bounds.get(layer.conv_index),
            normalisation_moved=normalisation_moved(network, layer),
            account=account,
        )


def _affordable(stack: Stack, layer: ConvLayer, account: Account) -> Stack:
    """Return the stack, or one that is not composed for the work that it would take."""
    if why_not_composed(stack):
        return stack
    try:
        account.spend("work", work_of(stack.stages), f"composing {layer.title} with shuffled layers below")
    except BudgetError as error:
        return Stack(reason=str(error), is_left_out=True)
    return stack


def _bias(layer: ConvLayer) -> Floats | None:
    return None if layer.b is None else in_double(layer.b).reshape(-1)


def trace_provenance(kernels: Kernels) -> Provenance:
    """Compare a layer's weights with all that could have drawn them."""
    fits = fit_catalogue(kernels)
    plausible = bool(fits) and fits[0].p >= _FITS_FROM
    return Provenance(fits=fits, free=() if plausible else fit_free_scale(kernels))


def identify_rule(layers: Sequence[Magnitudes], origins: Sequence[Provenance]) -> Identified:
    """Identify the network's initialiser on ``layers``, which should be its largest, the largest first.

    By what they are indistinguishable from; where the largest was trained, first by the uniform rule whose
    trace they still bear (see `filtviz.measures.residue`), since a small layer fits several rules by chance.
    Else Lasagne's default is assumed, and said to be.
    """
    voted = _most_fitting(origins)
    if voted is not None and origins[0].p >= _FITS_FROM:
        return Identified(voted, known=True)
    traced = likeliest_uniform_rule(layers)
    if traced is not None:
        return Identified(traced, known=True, traced=True)
    return Identified(voted or DEFAULT, known=voted is not None)


def _most_fitting(origins: Sequence[Provenance]) -> Rule | None:
    """Return the rule that could have drawn most of the layers, or None where none could have drawn any."""
    votes: dict[Rule, tuple[int, float]] = {}
    for fit in (fit for origin in origins for fit in origin.fits if fit.p >= _FITS_FROM):
        for rule in fit.rules:
            count, total = votes.get(rule, (0, 0.0))
            votes[rule] = count + 1, total + fit.p
    return max(votes, key=lambda rule: votes[rule], default=None)
