"""What is measured and found where a condition nearly holds, or two that mostly go together do not, as lines.

Each row is one that a condition of another width, or of another of two things alike, would tell otherwise.
``python -m tests.telling`` writes ``tests/told/measures/nearly.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tests.accounts import Counted
from tests.building import as_layer, chain, conv

from filtviz.activations import Activation
from filtviz.budget import Account
from filtviz.composition.stacks import Stack, Stage
from filtviz.errors import BudgetError, DrawingError
from filtviz.measures import (
    composed,
    diagnosing,
    initialiser,
    subject,
    training,
)
from filtviz.measures.bias import bias_state
from filtviz.measures.change import changes_from
from filtviz.measures.cnn_filter_db import sparsity, variance_entropy
from filtviz.measures.comparison import compare_layers, pay_for_comparison
from filtviz.measures.components import singular_components
from filtviz.measures.coupling import coupling
from filtviz.measures.energies import heterogeneity
from filtviz.measures.initialiser import fit_catalogue
from filtviz.measures.initialiser_catalogue import (
    CATALOGUE,
    DEFAULT,
    TORCH_DEFAULT,
    Draws,
    Fans,
    Fit,
    default_of,
    fans_of,
    rules_of,
)
from filtviz.measures.kernels import Kernels, nonfinite_filters
from filtviz.measures.laws import is_significant
from filtviz.measures.low_frequency import looks_like_noise
from filtviz.measures.matrices import fit_matrix
from filtviz.measures.residue import Magnitudes, Residue
from filtviz.measures.spike import largest_eigenvalue
from filtviz.measures.subject import Identified, Provenance, gather_subjects
from filtviz.measures.table import MEASURES
from filtviz.measures.trajectory import LayerTrajectory, follow, in_order, number_in
from filtviz.measures.unused import is_at_start_behind, scale_behind
from filtviz.network import Network, Origin
from filtviz.parameter import Parameter

from . import layers_told
from .near_told import fits_of, seen
from .numbers_told import few, noise
from .words_told import THIRD as NORMAL
from .words_told import base

__all__ = ["NEARLY"]


def origins() -> Iterator[str]:
    """Yield whose rules and words are taken, and what the largest layers, biases and marks tell."""
    for name in ("TensorFlow", "TensorFlow Lite", "Keras 3", "Darknet", "Onnx", "torch", "ONNX"):
        told = default_of(name).name_in(name), DEFAULT.name_in(name), len(rules_of(name))
        yield f"of {name}: {told}"
    grey = conv(noise(6, 1, 3, 3), conv_index=0)
    for layer in (grey, replace(grey, conv_index=1)):
        yield f"fans of {layer.conv_index}: {fans_of(layer).ways}"
    made = Magnitudes.of(Kernels.of(noise(4, 3, 3, 3)))
    sizes = [replace(made, size=n, freedom=0.0, fans=Fans(((1000 - n, 9),))) for n in (200, 900, 300, 500)]
    both = fits_of(("uniform", 0.5, (NORMAL, TORCH_DEFAULT)))
    others = [
        fits_of(("uniform", 0.3, own)) for own in ((DEFAULT,), (TORCH_DEFAULT, DEFAULT), (TORCH_DEFAULT,))
    ]
    for some in ([both, *others], [*others, both], [fits_of()] * 4, [*others[:1], fits_of(), *others[:2]]):
        one_rule = subject.identify_rule(sizes, some, "")
        yield f"identified: {one_rule.spoken} {one_rule.known} {one_rule.traced}"
    spread = initialiser._dithered(Kernels(np.arange(2.0**20 + 2).reshape(-1, 1, 1, 1)), 0)
    yield f"spread over the layer: {len(spread)} to {spread[-1]}"
    of_fan_in = CATALOGUE[1]
    yield f"nearest in size: {[of_fan_in.draws(Fans(((100, 1), (1, 100))), rms).std for rms in (0.2, 0.4)]}"
    for over in (5e-7, 5e-6):
        weights = layers_told.glorot(6, 7, 3, 3)
        weights[0, 0, 0, 0] = layers_told.bound_of(weights.shape) * (1 + over)
        names_of = [one.names for one in fit_catalogue(Kernels.of(weights), (DEFAULT,))]
        yield f"beyond the bound by {over}: {names_of}"
    square = [one.names for one in fit_catalogue(Kernels.of(layers_told.glorot(6, 6, 3, 3)), CATALOGUE[:2])]
    unequal = [replace(made, size=n, freedom=0.0) for n in (200, 9000)]
    one_rule = subject.identify_rule(unequal, [fits_of(("normal", 0.5, (NORMAL,))), fits_of()], "")
    yield f"names of {square}, of few normal draws {one_rule.spoken} {one_rule.known}"
    plain = base("plain")
    four = Fit(tuple("abcd"), "uniform", 0.1, 0.5, tuple(CATALOGUE[:4]))
    yield f"called {plain.called(four)}"
    fits = [Fit(("f",), "uniform", 0.1, p, (own,)) for p, own in ((0.6, NORMAL), (0.5, DEFAULT))]
    for known, framework in ((True, ""), (False, ""), (False, "PyTorch")):
        rule = Identified(DEFAULT, known=known, framework=framework)
        origin = Provenance(tuple(fits))
        is_so = subject._is_untouched(conv(noise(9, 9, 3, 3)), origin, rule, False)
        yield f"untouched, {known} {framework}: {is_so}"
    biases = np.linspace(-0.25, 0.3, 12) * 0.9
    layer = conv(layers_told.glorot(12, 1, 3, 3), biases)
    for p, drawn_by in product((0.005, 0.0005), (TORCH_DEFAULT, DEFAULT)):
        for known in (True, False):
            states = subject._bias_states(
                [layer, replace(layer, operations=conv(layer.weights.value, biases * 20).operations)],
                [fits_of(("uniform", p, (DEFAULT,)))] * 2, Identified(drawn_by, known=known),
            )  # fmt: skip
            yield f"biases beside {p} of {drawn_by.name}, {known}: {states}"
    rather = conv(layers_told.glorot(10, 1, 3, 3), np.linspace(0.02, 0.98, 10) / 3)
    moved_too = conv(layers_told.glorot(10, 1, 3, 3), np.arange(10.0))
    unknown = Identified(NORMAL, known=False)
    rather_so = subject._bias_states(
        [rather, moved_too], [fits_of(("uniform", 0.5, (DEFAULT,)))] * 2, unknown
    )
    yield f"rather drawn: {rather_so}"
    uneven, bounds = np.array([0.1, -0.2, 0.3, 0.25, -0.1]), ((0.3, 9.0), (9.0, 0.3), (9.0,))
    yield f"drawn within: {[bias_state(uneven, some, 0.5) for some in bounds]}"
    narrow = np.linspace(-1, 1, 40) / np.sqrt(9 * 40)
    deep = conv(noise(40, 1, 3, 3), narrow, conv_index=1)
    of_torch = Identified(TORCH_DEFAULT, known=True, framework="PyTorch")
    yield f"drawn by outputs: {subject._bias_states([deep], [fits_of()], of_torch)}"
    flax = Identified(TORCH_DEFAULT, known=True, framework="Flax")
    for fans in (None, Fans(((20, 20),))):
        small = Kernels.of(layers_told.glorot(9, 9, 3, 3) / np.sqrt(3))
        added = subject._with_fit_of(flax, Provenance(()), small, fans or Fans.of(small.shape))
        yield f"added with {fans and fans.ways}: {[few(one.std) for one in added.fits]}"
    yield f"nearly one: {bias_state(np.array([0.5, 0.5 + 1e-9]))}"
    first, fc = conv(noise(4, 1, 3, 3), np.zeros(4), name="a"), layers_told.dense(np.ones((2, 2)))
    for conv_mark, dense_mark in product((False, True, None), (False, True, None)):
        network = chain(replace(first, trainable=conv_mark), replace(fc, trainable=dense_mark))
        (one,) = gather_subjects(network, network.conv_layers, None)
        yield f"marked {conv_mark}, {dense_mark}: {one.marked_frozen} {diagnosing._all_marked(network)}"
    moved = layers_told.dense(np.ones((2, 2)), np.array([0.0, 3.0]))
    for framework in ("", "ONNX", "TensorFlow Lite"):
        network = replace(chain(first, moved), origin=Origin(framework=framework))
        (one,) = gather_subjects(network, network.conv_layers, None)
        yield f"biases of a dense layer moved in {framework}: {one.biases_moved}"
    counted = Counted()
    line = chain(replace(first, operations=(first.convolution,)), conv(noise(3, 4, 3, 3), name="b"))
    for less in (0, 1):
        poor = counted if not less else Account({"work": counted.begun["work"] - counted.left["work"] - 1})
        left = [one.stack.is_left_out for one in gather_subjects(line, line.conv_layers, None, poor)]
        yield f"composed on all but {less}: {left}"
    wide = [Stage(np.ones((1, 1, 1, n)), (1, 1)) for n in (16, 18)]
    tall = [Stage(np.full((1, 1, 3, 3), value)) for value in (np.nan, 1.0)]
    for stages in (wide, tall):
        stack = Stack(stages=tuple(stages))
        made_of = replace(plain, stack=stack)
        yield f"not composed: {composed.why_not_composed(stack)} {made_of.composed}"
    try:
        poor = Account({"work": 1, "pixels": 1})
        yield f"composed for nothing: {subject._affordable(Stack(stages=(tall[1],)), first, poor)}"
    except BudgetError as error:
        yield str(error)


def surroundings() -> Iterator[str]:
    """Yield what normalisations behind a layer tell, and what tells of training beside the convolutions."""
    own = conv(noise(4, 2, 3, 3), name="own", nonlinearity="linear")
    norm, scaled = layers_told.norm(4), layers_told.norm(4, gamma=np.array([1.0, np.inf, 1, 2]))
    scale = norm.operations[0]
    rectified = replace(own, operations=(own.convolution, Activation(kind="rectify"), scale))
    ahead = replace(own, operations=(scale, own.convolution, Activation(kind="rectify")))
    behind = replace(own, operations=(Activation(kind="tanh"), own.convolution, scale))
    idle = Network.of([own, replace(norm, inputs=(0,)), as_layer(below=0)])
    two = Network.of([own, replace(norm, inputs=(0,)), replace(norm, inputs=(0,))])
    for name, network in (
        ("of infinity", chain(own, scaled)), ("behind a rectifier", chain(rectified)),
        ("ahead", chain(ahead)),
        ("behind one ahead", chain(behind)), ("read by two", two), ("read by one that is idle", idle),
        ("of one", chain(own, layers_told.norm(1))),
        ("of TensorFlow Lite", replace(chain(own, norm), origin=Origin(framework="TensorFlow Lite"))),
        ("of another", replace(chain(own, norm), origin=Origin(framework="ONNX Runtime"))),
    ):  # fmt: skip
        layer = network.conv_layers[0]
        scales = scale_behind(network, layer)
        starts = is_at_start_behind(network, layer)
        yield f"a normalisation {name}: {scales is not None and few(scales)} {starts}"
    with_biases = chain(conv(noise(4, 2, 3, 3), np.zeros(4), nonlinearity="linear"), norm)
    (one,) = gather_subjects(with_biases, with_biases.conv_layers, None)
    yield f"scale behind biases: {one.scale is not None and few(one.scale)}"
    later = noise(3, 4, 3, 3) * np.array([1, 2e-4, 0.5e-4, 1]).reshape(1, 4, 1, 1)
    network = chain(own, conv(later))
    one = next(gather_subjects(network, network.conv_layers[:1], None))
    yield f"ignored: {MEASURES['unused'].each(one)}"
    muted = seen(None, muted=True) + seen(None, ignored=True) + seen(None, ignored=True)
    told_of = MEASURES["unused"].sum_up(one, muted)
    yield f"without effect: {told_of and told_of.text}"
    for values in ([0, -1], [0, 1], [-1, -2], [0, 0], [1, 1]):
        yield f"{values} partly 0: {training._is_partly_zero(Parameter.of('g', np.array(values, 'f4')))}"
    heavy = np.random.default_rng(10).standard_t(3, (50, 40))
    dense, ramp = layers_told.dense(heavy), np.arange(4.0)
    behind_another = replace(dense, operations=(Activation(kind="rectify"), *dense.operations))
    zeros = layers_told.dense(heavy * (np.abs(heavy) > 0.01))
    twice = replace(norm, operations=(scale, layers_told.norm(4, beta=ramp).operations[0],
                                      layers_told.norm(4, mean=ramp).operations[0]))  # fmt: skip
    spread = layers_told.norm(4, spread=ramp)
    betas = layers_told.norm(4, beta=np.full(4, 0.0), mean=ramp)
    odd = layers_told.dense(np.ones((3, 4)), np.array([0.1, -0.2, 0.3, 0.25]))
    beyond = layers_told.dense(np.ones((2, 18)), np.array([0.3, -0.5]))
    cut = layers_told.norm(4, gamma=np.array([1.0, 0, 1, 1])).operations[0]
    second_cut = replace(norm, operations=(scale, cut))
    first = conv(np.ones((2, 1, 3, 3)), name="c")
    for name, layers, origin in (
        ("behind another", [behind_another], Origin()), ("with zeros", [zeros], Origin()),
        ("two norms", [twice], Origin()), ("spread alone", [spread], Origin()), ("seen", [betas], Origin()),
        ("many shifted", [layers_told.norm(4, beta=ramp)] * 6, Origin()), ("epoch 0", [], Origin(epoch=0)),
        ("last of nine", [*[layers_told.dense(np.ones((40, 40)))] * 8, dense], Origin()),
        ("biases beyond 1/sqrt(18)", [beyond], Origin()), ("second cut", [second_cut], Origin()),
        ("strange, saved after an epoch", [dense], Origin(epoch=3)),
        ("biases, untold", [odd], Origin()), ("biases of ONNX", [odd], Origin(framework="ONNX")),
        ("biases of Keras", [odd], Origin(framework="Keras")),
        ("both", [], Origin(moved=frozenset("c"), resting=frozenset("c"))),
    ):  # fmt: skip
        network = layers_told.network(first, *layers, origin=origin)
        told = training.signs_of_training(network), training.touched_by(network)
        optimised = training.optimised_by(network, network.conv_layers[0])
        yield f"{name}: {told} {training.has_moved_bias(network)} {optimised}"


def states() -> Iterator[str]:
    """Yield what earlier states and names of files tell."""
    start, other = layers_told.glorot(4, 2, 3, 3), noise(4, 2, 3, 3)
    now, bias = start + 1e-3 * other, np.zeros(4)
    before = [(f"{i}.npz", chain(conv(each, bias, name="c"))) for i, each in enumerate((now, start))]
    for some in (before, before[::-1]):
        (told,) = diagnosing.diagnose(chain(conv(now, bias, name="c")), before=some).layers
        left = told.residue and few(told.residue)
        yield f"before {[name for name, _ in some]}: {told.verdict} {left} {told.sentence}"
    for earlier, later in (("f2", "f4"), ("f4", "f2"), ("f2", "f2")):
        now_of = chain(conv((start * 1.0004).astype(later))).conv_layers[0]
        changed = changes_from(chain(conv(start.astype(earlier))), "b", now_of)
        yield f"{earlier} before {later}: {few(changed.relative_change or 0, 3)}"
    flat = start * np.array([1, 1, 0, 0]).reshape(4, 1, 1, 1)
    smoother = chain(conv(flat + np.sign(flat[..., :1, :1]))).conv_layers[0]
    yield f"with filters of zeros: {changes_from(chain(conv(flat)), 'b', smoother).significant}"
    for steps in ((0.5, None), (0.5, 0.001), (0.01,), (None,), ()):
        yield f"at rest of {steps}: {LayerTrajectory(name='c', steps=steps).rests_after}"

    def state(name: str, epoch: int | None = None) -> Network:
        return Network.of([conv(noise(2, 1, 2, 2), name="c")], Origin(path=Path(name), epoch=epoch))

    for names in (
        ("best/a-1.pt", "best/a-2.pt"), ("best/a-1.pt", "best/a.pt"), ("a-9.pt", "a-10.pt", "a-best.pt"),
        ("a1.5-2.pt", "a2-1.pt"), ("a2-1.pt", "a1.5-2.pt"), ("e1_acc9.pt", "e2_acc8.pt"),
        ("e1.pt", "e2.ckpt"), ("e01.pt", "e1.pt"), ("epoch1-step9", "epoch2-step5"), ("epoch9-1", "step1-2"),
        ("best/a-1.pt", "best/a-2.pt", "best/a-last.pt"),
    ):  # fmt: skip
        moved = follow([state(name) for name in names])
        yield f"order of {names}: {moved and (moved.order, moved.ordered_by, moved.apart)}"
    same = [Network.of([conv(start, name="c")], Origin(epoch=i)) for i in range(3)]
    yield f"all the same: {follow(same)}"
    yield f"epochs: {in_order([state('b', 10), state('a', 9), state('c', 0)])}"
    for name in ("net-12.pkl", "net-12.h5", "a1b2c"):
        yield f"number in {name}: {number_in(Path(name))}"
    three = [conv(each, label=name) for each, name in zip((start, -start, 2 * start), "abc", strict=True)]
    yield f"three: {compare_layers(three, 'xyz').sentence}"
    hole = np.where(start == start.max(), 0, start)
    yield f"a zero now: {compare_layers([three[0], conv(hole)], 'xy').sentence}"
    curve = conv(start[..., 0], axes="oir", stride=(1,), pad=((0, 0),), label="curve")
    try:
        compare_layers([three[0], curve], "xy")
    except DrawingError as error:
        yield str(error)
    try:
        pay_for_comparison([three[0], conv(start, name="last")], Account({"work": 1, "pixels": 1}))
    except BudgetError as error:
        yield str(error)


def numbers() -> Iterator[str]:
    """Yield what is measured of weights that are nearly of another kind."""
    plain, drawn = base("plain"), noise(6, 4, 3, 3)
    for value in (0.1, 0.3, 1 / 3):
        yield f"of ±{value:.3f}: {heterogeneity(Kernels.of(value * np.sign(drawn)), 'filters')}"
    import ml_dtypes

    for dtype in ("bfloat16", "float8_e4m3fn", "float16"):
        kernels = Kernels.of(drawn.astype(getattr(ml_dtypes, dtype, dtype)))
        told = MEASURES["quantised"].take(replace(plain, kernels=kernels))
        yield f"{dtype}: {kernels.is_half} {kernels.stored_as} {told and told.text}"
    for name, weights in (
        ("whole numbers", np.arange(8).reshape(2, 1, 2, 2)),
        ("negative", -np.arange(70000.0, 70009).reshape(3, 3, 1, 1)),
        ("least", np.array([-1.0, 2.0**-24, 2.0**-20, 0]).reshape(4, 1, 1, 1).astype("f4")),
    ):  # fmt: skip
        kernels = Kernels.of(weights)
        yield f"{name}: {kernels.mantissa} {kernels.tiny} {kernels.smallest}"
    repeated = np.repeat(drawn[:, :, :1, :1], 9, axis=0)
    told = MEASURES["quantised"].take(replace(plain, kernels=Kernels.of(repeated)))
    yield f"copies of filters of one place: {told and told.text}"
    edge = np.outer([1, 0, -1], [1, 2, 1])
    for name, weights in (
        ("2x2", drawn[..., :2, :2]), ("1x9", drawn[:3].reshape(3, 4, 1, 9)),
        ("one weight", drawn[:, :1, :1, :1]),
        ("four filters", drawn[:4]), ("two of nine", drawn[:2]), ("two of one weight", drawn[:2, :1, :1, :1]),
        ("edges", np.concatenate([drawn[:2], edge * np.array([0.1, 3, 0.1, 0.1]).reshape(1, 4, 1, 1)])),
        ("rough", drawn[:, :1] * 0.1 + np.outer([1, -2, 1], [1, -2, 1])), ("smooth", drawn[:, :1] * 0.1 + 1),
        ("kernels of zeros", drawn * np.array([1, 0, 0, 0]).reshape(1, 4, 1, 1)),
    ):  # fmt: skip
        made = replace(plain, kernels=Kernels.of(weights), layer=conv(weights))
        keys = ("first-component", "duplicates", "spike", "effective-rank")
        taken = {key: MEASURES[key].take(made) for key in keys}
        shown = {
            key: (one.found, few(one.value), one.threshold and few(one.threshold), one.text)
            for key, one in taken.items() if one
        }  # fmt: skip
        yield f"{name}: {shown}"
        columns: dict[str, Any] = {**MEASURES["classical"].each(made), **MEASURES["low-frequency"].each(made)}
        yield f"    {columns.get('classical')} {few(columns['share_p'])} {looks_like_noise(weights)}"
        entropy, spike = variance_entropy(made.kernels), largest_eigenvalue(made.kernels)
        yield f"    entropy {entropy and few(entropy)} {spike and few(spike)}"
    halves = np.full((3, 1, 3, 3), 6e4, "f2") * np.array([1, np.nan, -1], "f2").reshape(3, 1, 1, 1)
    yield f"not finite: {nonfinite_filters(conv(halves)).tolist()}"
    for n in (2, 3):
        matrix = np.zeros((3, 3, n, n))
        matrix[..., n // 2, n // 2] = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]])
        fits = [
            fit_matrix(Kernels.of(each)) for each in (matrix, matrix.swapaxes(0, 1), matrix[:1, :1] * 0.5)
        ]
        yield f"of {n}x{n}, ones that meet: {[fit and fit.names for fit in fits]}"
    own = Kernels.of(noise(12, 2, 3, 3))
    for ps in ((0.02, 0.04, 1.0), (0.02, 0.04)):
        yield f"significant of {ps}: {is_significant(np.array(ps), 0.05).tolist()}"
    told = MEASURES["normalisation"].take(replace(plain, scale=np.array([0.5, 1.0, 4.0])))
    yield f"multiplied: {told and (told.value, told.text)}"
    below = seen("rough", "rough", composed_texture="smooth")
    below_of = replace(plain, stack=Stack(stages=(Stage(noise(2, 1, 1, 1), (1, 1)),)))
    told = MEASURES["composed"].sum_up(below_of, below)
    yield f"composed: {told and told.text}"
    faint = np.ones((2, 3, 3, 3)) * np.array([1, 0.009, 0.011]).reshape(1, 3, 1, 1)
    yield f"faint kernels: {sparsity(Kernels.of(faint)):.4f}"
    yield f"coupled with equals: {coupling(own, np.ones(12))}"
    alike = Kernels.of(
        np.concatenate([drawn[:1, :1, :1, :2], drawn[:1, :1, :1, :2] + 0.05, drawn[1:3, :1, :1, :2]])
    )
    made = replace(plain, kernels=alike)
    told = MEASURES["duplicates"].take(made)
    shown_of = told and (told.found, few(told.threshold or 0), told.text)
    yield f"alike by chance: {shown_of} {MEASURES['duplicates'].each(made)}"
    small = singular_components(np.stack([drawn[0], -drawn[0]])[:1], 3)
    yield f"components: {small.pictures.shape}"
    for known, left in product(
        (True, False), (Residue(0.9, "", 0.85, 0.95), Residue(None, "so", 0.55, 0.9, 20.0, 0.55))
    ):
        rule = Identified(DEFAULT, known=known)
        told = MEASURES["residue"].take(replace(plain, residue=left, rule=rule))
        yield f"residue of {left.share}, {known}: {told and (told.value, told.found, told.text)}"
    for known in (True, False):
        drawn_by = replace(plain, rule=Identified(DEFAULT, known=known), draws=Draws("uniform", 0.01))
        told = MEASURES["bound"].take(drawn_by)
        yield f"beyond, {known}: {told and told.found}"


def nearly_told() -> Iterator[str]:
    """Yield all of it."""
    for table in (origins, surroundings, states, numbers):
        yield from table()


NEARLY: dict[str, Callable[[], Iterator[str]]] = {"nearly": nearly_told}
"""What is told where something nearly is so."""
