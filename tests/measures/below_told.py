"""What lies below layers, what could have drawn them and how they follow one another, at each end, as lines.

``python -m tests.telling`` writes ``tests/told/measures/`` anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tests.accounts import Counted
from tests.building import as_layer, chain, conv, pool
from tests.chains import glorot

from filtviz.activations import Activation
from filtviz.composition import linear_map
from filtviz.composition.stacks import Stage, following_layer, linear_stack
from filtviz.measures import comparison, composed, diagnosing, directions, trajectory
from filtviz.measures.energies import heterogeneity
from filtviz.measures.initialiser import fit_catalogue, fit_free_scale
from filtviz.measures.initialiser_catalogue import DEFAULT, Draws, Fans, Fit
from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import looks_like_noise
from filtviz.measures.matrices import fit_matrix
from filtviz.measures.stored import quantisation
from filtviz.measures.subject import Identified, Provenance
from filtviz.measures.table import MEASURES
from filtviz.measures.unused import is_at_start_behind, scale_behind
from filtviz.network import ConvLayer, Origin
from filtviz.operations import Dense, Flatten, Merge, Operation, Pad
from filtviz.parameter import Parameter

from . import layers_told
from .numbers_told import few, noise
from .words_told import base

__all__ = ["BELOW"]


def stacks_at_their_ends() -> Iterator[str]:
    """Yield what is made of stacks."""
    large = composed.composed_structure([Stage(noise(2, 130, 1, 17))], draws=2)
    yield f"more than is held at once: {few(large.entropy)} {few(large.entropy_p)} {few(large.low_p)}"


def networks_at_their_ends() -> Iterator[str]:
    """Yield which stacks networks have, and which convolution follows another."""

    def own(filters: int, channels: int, size: int = 3, **facts: Any) -> ConvLayer:
        return conv(noise(filters, channels, size, size), flip_filters=False, **facts)

    first, second = own(4, 1), own(3, 4)
    for name, network in (
        ("of other channels at the top", chain(first, second, own(2, 2))),
        ("of other channels below", chain(first, own(3, 2), own(2, 3))),
        ("flat at its end", chain(first, replace(second, operations=(second.convolution, Flatten())))),
        ("as many weights as may be", chain(own(512, 256, 1), own(256, 512, 1))),
        ("one more", chain(own(512, 256, 1), own(256, 512, 1), own(1, 1, 1))),
        ("not told", chain(first, own(3, 4, stride=None))),
        ("mixed behind a function", chain(first, as_layer(Activation(kind="tanh"), Flatten()), second)),
        ("a function behind", chain(first, as_layer(Activation(kind="tanh")), second)),
    ):  # fmt: skip
        stack = linear_stack(network, network.conv_layers[-1])
        after = following_layer(network, network.conv_layers[0])
        shapes = [one.templates.shape for one in stack.stages]
        yield f"{name}: {shapes} {stack.reason} {after and after.title}"


def maps_at_their_ends() -> Iterator[str]:
    """Yield what is refused of maps for its size, and the work of what holds nothing."""
    far = linear_map.LinearMap(templates=np.ones((2, 3, 1, 1)), jump=(1 << 40, 1 << 39), start=(0, 0))
    layer = conv(noise(4, 2, 3, 3), name="c", flip_filters=False)
    most = 1 << 60
    for operations, maps in (
        ((layer.convolution,), [far]),
        (pool(3).operations, [far]),
        *(
            ((Pad(pad=(of, (0, 0), (0, 0)), first_axis=1),), [far])
            for of in ((most, 0), (-1, 0), (0, -1), (2, -1))
        ),
        ((Merge(kind="add"),), [far, replace(far, start=far.jump)]),
    ):
        said = _refused(lambda o=operations, m=maps: linear_map.push(o[0], m, layer))
        yield f"{type(operations[0]).__name__} far away: {said}"
    for shape in ((1 << 14, 1 << 14), ((1 << 14) + 1, 1 << 14), (1 << 40, 1 << 40)):
        yield f"of {shape}: {_refused(lambda s=shape: linear_map._check_size(*s))}"
    yield f"work of a kernel: {linear_map.work_of_push(layer.convolution, [replace(far, jump=(2, 3))])}"
    for weights in (None, Parameter.of("W", np.ones(())), Parameter.of("W", np.ones((3, 2)))):
        dense = Dense(weights=weights, per_position=True)
        yield f"work of {weights and weights.shape}: {linear_map.work_of_push(dense, [far])}"


def _refused(what: Callable[[], Any]) -> str:
    try:
        return str(what())
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


def origins_at_their_ends() -> Iterator[str]:
    """Yield what could have drawn weights, and what a normalisation behind a layer tells."""
    plain = base("plain")
    bound, initialiser = MEASURES["bound"], MEASURES["initialiser"]
    most = plain.kernels.largest
    for known, family, std in product(
        (True, False), ("uniform", "normal"), (most / np.sqrt(3), 0.9 * most / np.sqrt(3))
    ):
        rule = Identified(DEFAULT, known=known)
        drawn = replace(plain, rule=rule, draws=Draws(family, std))
        found = bound.take(drawn)
        yield f"bound of {family} {std:.3f}, {known}: {found and (few(found.value), found.found, found.text)}"
    for p in (None, initialiser.level, np.nextafter(initialiser.level, 0.0)):
        fits = () if p is None else (Fit(("f",), "uniform", 0.1, p, (DEFAULT,)),)
        found = initialiser.take(replace(plain, origin=Provenance(fits)))
        yield f"fit of {p}: {few(found.p)} {bool(found.found)} {found.text}"
    small = Kernels.of(glorot((6, 7, 3, 3)))
    for fans in (None, Fans(((20, 20),))):
        fits = fit_catalogue(small, (), fans)
        yield f"drawn with {fans and fans.ways}: {[one.names for one in fits]}"
    half = fit_catalogue(Kernels.of(small.weights.astype("f2")), (DEFAULT,))
    yield f"drawn in half precision: {[few(one.p) for one in half]}"
    for name, weights in (
        ("19", noise(19, 1, 1, 1)), ("20", noise(20, 1, 1, 1)),
        ("one", noise(1, 1, 1, 1)), ("two", noise(2, 1, 1, 1)),
    ):  # fmt: skip
        free = fit_free_scale(Kernels.of(weights))
        yield f"free draws of {name}: {[(one.names, few([one.std, one.p])) for one in free]}"
    own, norm = conv(noise(6, 4, 3, 3), name="own"), layers_told.norm(6)
    scale, nothing = norm.operations[0], dict.fromkeys(("gamma", "beta", "mean", "spread"))

    def within(*operations: Operation) -> ConvLayer:
        return replace(own, operations=(own.convolution, *operations))

    linear = within()
    for name, layers in (
        ("within", [within(scale)]),
        ("behind an unknown function", [within(Activation(kind="untold"), scale)]),
        ("behind an unknown pooling", [within(*pool(2, kind="untold").operations, scale)]),
        ("behind", [linear, norm]), ("of nothing told", [linear, layers_told.norm(6, **nothing)]),
        ("without factors", [linear, layers_told.norm(6, gamma=None)]),
        ("without shifts", [linear, layers_told.norm(6, beta=None)]),
        ("of one shift", [linear, layers_told.norm(6, beta=np.zeros(1))]),
    ):  # fmt: skip
        for framework in ("", "ONNX"):
            network = layers_told.network(*layers, origin=Origin(framework=framework))
            behind = scale_behind(network, network.conv_layers[0])
            starts = is_at_start_behind(network, network.conv_layers[0])
            yield f"a normalisation {name}, {framework}: {behind is not None and few(behind)} {starts}"


def orders_at_their_ends() -> Iterator[str]:
    """Yield which numbers of names tell their order, and what counts of energies and labels."""
    for names in (
        ["a1.5-3", "a2-4"], ["a1.5-3", "a2.5-4"], ["loss9-epoch1", "loss5-epoch2"], ["loss9_1", "loss5_2"],
        ["step5-epoch2", "step9-epoch1"], ["9-1", "5-2"], ["epoch2-step7", "epoch2-step9"], ["a1", "b2"],
        ["a1", "a1"], ["a", "a"], ["iter9-3", "iter5-4"], ["seed1-2", "seed2-1"], ["x1", "x02"],
        ["acc90-step1", "acc80-step3", "acc95-step2"], ["1-step3", "2-step2"], ["epoch1-9", "epoch2-5"],
    ):  # fmt: skip
        yield f"order of {names}: {trajectory._numbers_in(names)}"
    plain = noise(3, 2, 3, 3)
    half = (plain.astype("f2"), (plain + 0.1 * noise(3, 2, 3, 3, seed=1)).astype("f2"))
    curves = [conv(each[..., 0], axes="oir", stride=(1,), pad=((0, 0),)) for each in half]
    for name, layers in (
        ("half precision", [conv(each) for each in half]), ("curves", curves),
        ("complex numbers", [conv(half[0]), conv(half[1].astype("c8")), conv(half[0])]),
    ):  # fmt: skip
        states = [
            replace(chain(each, channels=2), origin=Origin(path=Path(f"net-{i}.npz")))
            for i, each in enumerate(layers)
        ]
        moved = trajectory.follow(states)
        steps = moved and [[step and round(step, 5) for step in one.steps] for one in moved.layers]
        yield f"moved in {name}: {steps}"
    for largest in (1e-70, np.nextafter(1e-70, 1.0), np.nextafter(1e70, 0.0), 1e70):
        for sign in (1, -1):
            refused = diagnosing._refuse(conv(sign * largest * np.array([1.0, 0.5]).reshape(2, 1, 1, 1)))
            yield f"of {sign * largest:.17g}: {refused and refused.sentence}"
    for shape in ((1, 1, 3, 3), (2, 1, 3, 3), (3, 1, 1, 3), (3, 1, 1, 2), (20, 1, 3, 3)):
        weights = noise(*shape).reshape(shape[0], -1)
        weights -= weights.mean(axis=1, keepdims=True)
        weights /= weights.std(axis=1, keepdims=True)
        sizes = np.linspace(1, 2, len(weights))[:, np.newaxis]
        alike = [Kernels.of((weights * by).reshape(shape)) for by in (1.0, sizes)]
        yield f"standardised of {shape}: {[one.is_standardised for one in alike]}"
    zeros, signs = Kernels.of(np.zeros((2, 2, 1, 1))), Kernels.of(np.sign(noise(2, 2, 3, 3)))
    yield f"uneven: {[heterogeneity(each, 'filters') for each in (zeros, signs)]}"


def pictures_at_their_ends() -> Iterator[str]:
    """Yield what is said of weights as they are stored, of what repeats, and of what changed."""
    plain, drawn = base("plain"), noise(6, 4, 3, 3)
    for name, weights in (
        ("plain", drawn), ("clipped", np.clip(drawn, -0.5, 0.5)), ("one weight", drawn[:1, :1, :1, :1]),
        ("half precision", drawn.astype("f2")), ("rounded", np.round(drawn, 1)),
    ):  # fmt: skip
        made = replace(plain, kernels=Kernels.of(weights))
        for key in ("clipped", "quantised")[: 1 + (weights.size > 1)]:
            found = MEASURES[key].take(made)
            yield f"{name}, {key}: {found and (found.found, found.text)}"
    broken = np.where(drawn == drawn.max(), np.nan, drawn)
    for name, weights in (
        ("noise", drawn), ("NaN", broken), ("zeros", drawn * 0), ("ones", drawn * 0 + 1), ("none", drawn[:0]),
        ("one weight", drawn[:, :, :1, :1]), ("huge", drawn * 1e300),
    ):  # fmt: skip
        yield f"{name} looks like noise: {looks_like_noise(weights)}"
    for filters, channels in ((1, 1), (1, 4), (4, 1), (2, 2), (2, 4)):
        matrix = layers_told.middle(noise(filters, channels))
        fit = fit_matrix(Kernels.of(matrix))
        yield f"{filters}x{channels} in the middle: {fit and fit.names}"
    first, other = noise(1, 1, 3, 3), np.array([[1, -1, 0], [0] * 3, [0] * 3]).reshape(1, 1, 3, 3)
    for n in (2, 3, 4, 5):
        pairs = np.concatenate([first] * n + [other] * (5 - n))
        made = replace(plain, kernels=Kernels.of(pairs), layer=conv(pairs, conv_index=0))
        yield f"{n} of 5 repeat: {directions._nearly_repeat(made)}"
    for change in (0.5, 100.0, 100.1):
        yield f"changed by {change}: {comparison._times(change)}, {comparison._times(change, '')}"
    some = drawn * np.array([0, 1, 0, 0, 0, 0]).reshape(6, 1, 1, 1)
    for name, states in (
        ("zeros to one filter", (drawn * 0, some)), ("one filter to all", (some, drawn)),
        ("one filter to zeros", (some, drawn * 0)), ("one filter turned", (some, -some)),
        ("there and back", (drawn, -drawn, drawn + some)),
    ):  # fmt: skip
        found = comparison.compare_layers([conv(each) for each in states], ["a", "b", "c"][: len(states)])
        told = [few(each) for each in (found.relative_change, found.cosine, found.total_change)]
        yield f"{name}: {told} {found.total_cosine:.4f} {found.sentence}"
    account = Counted()
    for n in (5, 6, 6):
        kernels = Kernels.of(first + 0.9 * noise(n, 1, 3, 3))
        share, p = directions.significant_component(kernels, 0.1, account=account)
        yield f"one direction of {n}: {share:.5f} {p} {account}"
    for without in (False, True):
        yield f"values of zeros: {quantisation(Kernels.of(drawn * 0), without_zeros=without)}"


def below_told() -> Iterator[str]:
    """Yield all of it."""
    for table in (
        stacks_at_their_ends, networks_at_their_ends, maps_at_their_ends, origins_at_their_ends,
        orders_at_their_ends, pictures_at_their_ends,
    ):  # fmt: skip
        yield from table()


BELOW: dict[str, Callable[[], Iterator[str]]] = {"below": below_told}
"""What is told of it."""
