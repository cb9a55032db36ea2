"""One layer with all that its measures look at, gathered once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from filtviz.budget import Account
from filtviz.composition.stacks import Stack, following_layer, linear_stack
from filtviz.errors import BudgetError
from filtviz.measures.bias import BiasState, bias_state
from filtviz.measures.composed import Composed, composed_structure, why_not_composed, work_of
from filtviz.measures.initialiser import count_ahead, fit_catalogue, fit_free_scale
from filtviz.measures.initialiser_catalogue import (
    CATALOGUE,
    TORCH_DEFAULT,
    UNTOLD,
    Draws,
    Fans,
    Fit,
    Rule,
    default_of,
    fans_of,
    rules_of,
)
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.low_frequency import band_energies
from filtviz.measures.residue import Magnitudes, Residue, estimate_residues, likeliest_rule
from filtviz.measures.training import has_moved_bias, optimised_by
from filtviz.measures.unused import EXPORTED, is_at_start_behind, scale_behind
from filtviz.network import ConvLayer, Network
from filtviz.running.intervals import Interval, preactivation_bounds
from filtviz.scaling import in_double

__all__ = [
    "Identified",
    "Provenance",
    "Subject",
    "gather_subjects",
    "identify_rule",
    "trace_provenance",
    "would_show",
]

_FITS_FROM = 0.01
"""The p-value from which a fit tells where a network's weights come from."""

_MAY_FIT_FROM = 0.001
"""The p-value from which weights may be draws, so that biases may be too."""

_SURELY_DRAWN = 0.05
"""The p-value from which a layer's biases, rather than others, are PyTorch's draws."""

_LARGEST = 3
"""Layers on which the network's initialiser is sought."""


@dataclass(frozen=True)
class Provenance:
    """What a layer's weights could be draws of: the catalogue's ``fits``, or ``free`` ones of another scale.

    Both are sorted by p-value, the best first, whatever the p-value is. ``free`` is None where they have not
    been looked for: few verdicts ask for them.
    """

    fits: tuple[Fit, ...]
    free: tuple[Fit, ...] | None = None

    @property
    def p(self) -> float:
        """The p-value of the best fit of the catalogue; 0 where none can be."""
        return self.fits[0].p if self.fits else 0.0


@dataclass(frozen=True)
class Identified:
    """The rule that drew a network's first weights; ``known`` is False where it is only the default.

    ``traced`` tells that its mark was found in weights that have been trained since. ``framework`` is whose
    words for it are used, empty where the file does not tell.
    """

    rule: Rule
    known: bool
    traced: bool = False
    framework: str = ""

    @property
    def spoken(self) -> str:
        """What to call the rule."""
        return self.rule.name_in(self.framework)


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """One convolution whose weights are finite and not all one number.

    Attributes:
        layer: It.
        kernels: Its weights.
        bias: What its biases tell.
        origin: What its weights could be draws of.
        rule: The initialiser of the network.
        draws: What that rule draws for this layer.
        residue: How much of the weights still is the initial noise.
        scale: By what a batch normalisation directly behind it multiplies each filter, None without one.
        optimised: Whether the optimiser in the file has moved its weights, None where none tells.
        marked_frozen: Whether the file marks it as frozen, and others not.
        biases_moved: Whether other layers' biases have left their start.
        at_start_behind: Whether one is there whose factors and shifts are as they begin, at 1 and 0.
        following: The next convolution, None where there is no single one.
        stack: What lies between the image and the layer.
        bounds: Between what each filter's input to its rectifier must lie, None where that is not known.
        account: What its measures may still take.
    """

    layer: ConvLayer
    kernels: Kernels
    bias: BiasState
    origin: Provenance
    rule: Identified
    draws: Draws
    residue: Residue
    scale: Floats | None = None
    optimised: bool | None = None
    marked_frozen: bool = False
    biases_moved: bool = False
    at_start_behind: bool = False
    following: ConvLayer | None = None
    stack: Stack = field(default_factory=Stack)
    bounds: Interval | None = None
    account: Account = field(default_factory=Account.unlimited)

    @cached_property
    def low_energy(self) -> Floats:
        """The energy of each kernel in the low frequencies, ``(filters, channels)``."""
        return band_energies(self.kernels)

    @cached_property
    def composed(self) -> Composed | None:
        """The filters seen through the layers below; None where they are not (see `why_not_composed`)."""
        return None if why_not_composed(self.stack) else composed_structure(self.stack.stages)

    @cached_property
    def free(self) -> tuple[Fit, ...]:
        """Draws of a scale that no rule of the catalogue has, looked for where none of its rules fits."""
        return fit_free_scale(self.kernels) if self.origin.free is None else self.origin.free

    @property
    def moved(self) -> bool:
        """Whether the biases have left their start, which no initialiser explains."""
        return self.bias == "moved"

    @property
    def initialisers(self) -> tuple[str, ...]:
        """The names of what the first weights are taken to be draws of, at this layer's shape."""
        best = self.origin.fits[0] if self.origin.fits else None
        if best is not None and best.family == "matrix":
            return best.names
        if not self.rule.known:
            return ()
        if best is not None and (not best.rules or self.rule.rule in best.rules):
            return self.names_of(best)
        return (self.rule.spoken,)

    def names_of(self, fit: Fit) -> tuple[str, ...]:
        """Return what the users of the file's framework call draws; one name for each rule that coincides."""
        if not fit.rules:
            return fit.names
        return tuple(rule.name_in(self.rule.framework) for rule in fit.rules)

    def called(self, fit: Fit) -> str:
        """Say draws in one text."""
        return " or ".join(self.names_of(fit)[:_MOST_NAMES])


_MOST_NAMES = 3


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
    rules = rules_of(network.origin.framework)
    origins, magnitudes, counted = [], [], []
    for layer in layers:
        kernels, fans = Kernels.of(layer.filters), fans_of(layer)
        origins.append(trace_provenance(kernels, rules, fans))
        magnitudes.append(Magnitudes.of(kernels, fans))
        count_ahead(kernels, fans, CATALOGUE)
        counted.append(kernels.counted)
    rule = identify_rule(magnitudes, origins, network.origin.framework)
    draws = [rule.rule.draws(each.fans, each.rms) for each in magnitudes]
    residues = estimate_residues(list(zip(magnitudes, draws, strict=True)))
    biases = _bias_states(layers, origins, rule)
    biases_moved = network.origin.framework not in EXPORTED and ("moved" in biases or has_moved_bias(network))
    bounds = preactivation_bounds(network, input_range, account, paid)
    any_trainable = any(each.trainable and each.parameters for each in network.layers)
    for layer, bias, origin, drawn, residue, known in zip(
        layers, biases, origins, draws, residues, counted, strict=True
    ):
        kernels = Kernels.of(layer.filters, known)
        yield Subject(
            layer=layer,
            kernels=kernels,
            bias=bias,
            origin=_with_fit_of(rule, origin, kernels, fans_of(layer)),
            rule=rule,
            draws=drawn,
            residue=residue,
            scale=scale_behind(network, layer),
            optimised=optimised_by(network, layer),
            marked_frozen=any_trainable and layer.trainable is False,
            biases_moved=biases_moved,
            at_start_behind=is_at_start_behind(network, layer),
            following=following_layer(network, layer),
            stack=_affordable(linear_stack(network, layer, account), layer, account),
            bounds=bounds.get(layer.conv_index),
            account=account,
        )


def _with_fit_of(rule: Identified, origin: Provenance, kernels: Kernels, fans: Fans) -> Provenance:
    """Compare a layer with the network's rule, too, where that is none of the file's framework."""
    if (
        not rule.known
        or rule.rule in rules_of(rule.framework)
        or any(not fit.rules or rule.rule in fit.rules for fit in origin.fits)
    ):
        return origin
    fits = (*origin.fits, *fit_catalogue(kernels, [rule.rule], fans))
    return replace(origin, fits=tuple(sorted(fits, key=lambda fit: -fit.p)))


def _affordable(stack: Stack, layer: ConvLayer, account: Account) -> Stack:
    """Return the stack, or one that is not composed for the work that it would take."""
    if why_not_composed(stack):
        return stack
    try:
        account.spend("work", work_of(stack.stages), f"composing {layer.title} with shuffled layers below")
    except BudgetError as error:
        return Stack(reason=str(error), is_left_out=True)
    return stack


def _bias_states(
    layers: Sequence[ConvLayer], origins: Sequence[Provenance], rule: Identified
) -> list[BiasState]:
    """Look at the biases of all layers: PyTorch draws them too, at the same scale as its default weights.

    Where the file does not tell who made it, they may be drawn if its weights are PyTorch's default, or if
    the biases of every layer may; or those of a layer whose weights are all as they were drawn.
    """
    biases = [None if layer.b is None else in_double(layer.b).reshape(-1) for layer in layers]
    bounds = [[1 / math.sqrt(fan_in) for fan_in, _ in fans_of(layer).ways] for layer in layers]
    as_drawn = [bias_state(bias, own) for bias, own in zip(biases, bounds, strict=True)]
    is_torch = [rule.framework == "PyTorch"] * len(layers)
    if rule.framework in UNTOLD:
        may_fit = all(any(fit.p >= _MAY_FIT_FROM for fit in each.fits) for each in origins)
        all_may = (rule.known and rule.rule == TORCH_DEFAULT) or (may_fit and "moved" not in as_drawn)
        surely = [bias_state(*each, _SURELY_DRAWN) == "drawn" for each in zip(biases, bounds, strict=True)]
        is_torch = [
            all_may or _is_untouched(layer, origin, rule, drawn)
            for layer, origin, drawn in zip(layers, origins, surely, strict=True)
        ]
    return [
        drawn if torch else bias_state(bias)
        for drawn, torch, bias in zip(as_drawn, is_torch, biases, strict=True)
    ]


def _is_untouched(layer: ConvLayer, origin: Provenance, rule: Identified, is_drawn: bool) -> bool:
    """Tell whether a layer agrees with its initial draws, and a training would have left a trace.

    It would in the weights, if they are enough; or in biases that are rather as PyTorch draws them.
    """
    fits = [fit for fit in origin.fits if fit.p >= _FITS_FROM]
    return (bool(fits) and is_drawn) or any(would_show(fit, rule, layer.weights.size) for fit in fits)


def would_show(fit: Fit, rule: Identified, n: int) -> bool:
    """Tell whether training would have left a trace in ``n`` weights that agree with draws.

    Args:
        fit: The draws.
        rule: The network's rule, or its framework's default; draws of another are a fit by chance.
        n: The number of weights.
    """
    if fit.family == "matrix":
        return True
    is_own = (rule.known or rule.framework not in UNTOLD) and rule.rule in fit.rules
    return is_own and n >= _ENOUGH[fit.family]


_ENOUGH = {"uniform": 100, "cut normal": 400, "normal": 5000}
"""Weights of a family of draws that a training to cos² .95 leaves with a trace as a rule: weights beyond
the bound, or a mean square that is off. A matrix shows it at once."""


def trace_provenance(kernels: Kernels, rules: Sequence[Rule] = (), fans: Fans | None = None) -> Provenance:
    """Compare a layer's weights with all that could have drawn them.

    Where none of a framework's rules fits, others may have drawn what was converted since.

    Args:
        kernels: The layer.
        rules: Those of the framework; all of the catalogue where there are none.
        fans: The inputs and outputs of a unit; those of an ordinary convolution where there are none.
    """
    fits = fit_catalogue(kernels, rules, fans)
    plausible = bool(fits) and fits[0].p >= _FITS_FROM
    if not plausible and rules and len(rules) < len(rules_of("")):
        others = fit_catalogue(kernels, [rule for rule in rules_of("") if rule not in rules], fans)
        fits = tuple(sorted((*fits, *_from(_FITS_FROM, others)), key=lambda fit: -fit.p))
        plausible = bool(fits) and fits[0].p >= _FITS_FROM
    return Provenance(fits=fits, free=() if plausible else None)


def identify_rule(
    layers: Sequence[Magnitudes], origins: Sequence[Provenance], framework: str = ""
) -> Identified:
    """Identify the initialiser of a network.

    Where its largest layer is indistinguishable from some rules' draws, by the one of them that most layers
    are. Else by the rule whose mark the three largest still bear (see `filtviz.measures.residue`), since a
    small layer fits several rules by chance; then by what one of these is indistinguishable from, if its
    weights are enough to show a training. Else the framework's default is assumed, and said to be.

    Args:
        layers: The layers' magnitudes.
        origins: What each of them could be draws of.
        framework: Which the file tells, or nothing.
    """
    by_size = sorted(range(len(layers)), key=lambda i: -layers[i].size)[:_LARGEST]
    if not by_size:
        return Identified(default_of(framework), known=False, framework=framework)
    largest = {rule for fit in _fitting(origins[by_size[0]]) for rule in fit.rules}
    voted = _most_fitting(origins, largest)
    if voted is not None:
        return Identified(voted, known=True, framework=framework)
    traced = likeliest_rule([layers[i] for i in by_size], rules_of(framework), rules_of(""))
    if traced is not None:
        return Identified(traced, known=True, traced=True, framework=framework)
    voted = _most_fitting([_telling(origins[i], layers[i].size) for i in by_size])
    return Identified(voted or default_of(framework), known=voted is not None, framework=framework)


def _telling(origin: Provenance, n: int) -> Provenance:
    """Return what ``n`` weights could be draws of, where few would not be such draws after a training."""
    return Provenance(fits=tuple(fit for fit in origin.fits if n >= _ENOUGH.get(fit.family, 0)))


def _fitting(origin: Provenance) -> list[Fit]:
    return _from(_FITS_FROM, origin.fits)


def _from(least: float, fits: Sequence[Fit]) -> list[Fit]:
    return [fit for fit in fits if fit.p >= least]


def _most_fitting(origins: Sequence[Provenance], among: Collection[Rule] | None = None) -> Rule | None:
    """Return the rule that could have drawn most of the layers, or None where none could have drawn any.

    Args:
        origins: What each layer could be draws of.
        among: The rules to choose from; all where there are none.
    """
    votes: dict[Rule, tuple[int, float]] = {}
    for fit in (fit for origin in origins for fit in _fitting(origin)):
        for rule in fit.rules:
            if among is None or rule in among:
                count, total = votes.get(rule, (0, 0.0))
                votes[rule] = count + 1, total + fit.p
    return max(votes, key=lambda rule: votes[rule], default=None)
