"""A network examined with images: which units never fire, which saturate, what rests on learned weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import RECTIFIERS
from filtviz.budget import Budget
from filtviz.errors import BudgetError, RunningError
from filtviz.network import ConvLayer, EngineName, Layer, Network
from filtviz.operations import Convolution, Dense, LocallyConnected, Operation, Softmax
from filtviz.parameter import Parameter
from filtviz.responses.activities import Counted, ends_of, function_of
from filtviz.responses.asking import answering
from filtviz.responses.predicting import classes_of, right_answers
from filtviz.running.inference import PASSES, Runner, ancestors, widened
from filtviz.text import listed, plural, printable

__all__ = ["NEARLY_ALL", "Examination", "LayerResponse", "examine"]

NEARLY_ALL = 0.95
"""The share of places and images at an end of its function from which a unit counts as saturated."""


@dataclass(frozen=True, kw_only=True)
class LayerResponse:
    """What the units of a layer with weights answer to all images.

    ``index`` is its place in network order, ``conv_index`` its number among the convolutions. ``function`` is
    the nonlinearity behind which its units were looked at. ``fires`` is for each unit the share of places and
    images at which it answers more than zero; ``silent`` are the units that never do, None where the function
    does not end at zero. ``nonfinite`` are those that answer NaN or infinity. ``saturated`` are those that
    lie at an end of their function nearly always; ``shares_at_end`` and ``at_end`` are the shares of answers
    that do, of each unit and of all. They are None where the function has no such end, and for what the
    network answers, which lies at an end where it is sure.

    With an earlier file, ``from_start`` is the share of the variance of the layer's answers that its first
    weights explain, given what the learned layers below give; ``by_chance`` is the same with the first
    weights of other units. ``right_with_start`` is the share of images that are answered right (where there
    are no labels: as before) with this layer's first weights in the place of the learned ones. None where
    that could not be measured.
    """

    layer: str
    index: int
    conv_index: int | None
    units: int
    function: str
    fires: tuple[float, ...] = field(repr=False)
    silent: tuple[int, ...] | None = None
    nonfinite: tuple[int, ...] = ()
    saturated: tuple[int, ...] | None = None
    shares_at_end: tuple[float, ...] | None = field(default=None, repr=False)
    at_end: float | None = None
    from_start: float | None = None
    by_chance: float | None = None
    right_with_start: float | None = None


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What images tell of a network, and of these images only.

    ``right`` of ``labelled`` images are answered as their labels say, and ``most_frequent`` is the share of
    the most frequent label: what one answer to all would get. Both are None without labels, or where the
    outputs are no classes. ``layers`` are those with weights, as far as the network can be run; ``reason``
    says why not further. ``before`` names the file whose weights are put in, ``not_compared`` says why
    nothing is. ``sentences`` tell how the images were prepared, ``answer`` what came out, in plain words.
    """

    n_images: int
    layers: tuple[LayerResponse, ...]
    right: int | None = None
    labelled: int | None = None
    most_frequent: float | None = None
    before: str = ""
    reason: str = ""
    not_compared: str = ""
    sentences: tuple[str, ...] = ()
    answer: str = ""

    def of(self, conv_index: int) -> LayerResponse | None:
        """Return what a convolution answers, None where it could not be run.

        Args:
            conv_index: Its number among the convolutions.
        """
        return next((each for each in self.layers if each.conv_index == conv_index), None)


def examine(
    network: Network,
    images: NDArray[Any],
    *,
    labels: Sequence[Any] | None = None,
    names: Sequence[str] = (),
    before: tuple[str, Network] | None = None,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> Examination:
    """Show a network images, and count what its units answer.

    Args:
        network: The network.
        images: ``(images, …)`` in the network's own axes.
        labels: The class of each image, by number or name; None where that is not known.
        names: The names of the classes.
        before: An earlier state of it, and what to call that.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes.
        budget: How much work an image may be.

    Raises:
        RunningError: the images do not fit, labels are not as many as images, or nothing can be run.
        BudgetError: it would be too much work.
    """
    if labels is not None and len(labels) != len(images):
        raise RunningError(f"{plural(len(images), 'image')} came with {plural(len(labels), 'label')}")
    how = {"engine": engine, "batch": batch, "device": device, "budget": budget}
    examined, reason = _runnable(network, images, how)
    found = _Examined(network, examined, is_whole=not reason)
    found.look(images, labels, names, how)
    layers, not_compared = found.responses(), ""
    if before is not None:
        try:
            compared = found.compare(before[1], images, labels, names, how)
            layers = [_with_start(each, compared.get(each.index)) for each in layers]
            not_compared = "" if compared else "no layer has the same shape there"
        except (RunningError, BudgetError) as error:
            not_compared = str(error)
    done = Examination(
        n_images=len(images),
        layers=tuple(layers),
        right=found.n_right,
        labelled=len(images) if found.n_right is not None else None,
        most_frequent=_most_frequent(labels) if found.n_right is not None else None,
        before="" if before is None else before[0],
        reason=reason,
        not_compared=not_compared,
    )
    return replace(done, answer=_answer(done))


_FromStart: TypeAlias = tuple[float | None, float | None, float | None]
"""What a layer's first weights explain, what those of other units do, and what is right with them."""


def _with_start(found: LayerResponse, told: _FromStart | None) -> LayerResponse:
    if told is None:
        return found
    return replace(found, from_start=told[0], by_chance=told[1], right_with_start=told[2])


def _runnable(network: Network, images: NDArray[Any], how: Mapping[str, Any]) -> tuple[list[Layer], str]:
    """Return the layers with weights that can be run, and why not all can."""
    left = [layer for layer in network.layers if _kernels_of(layer) is not None]
    ends = network.layers[-1:]
    reason, first = "", None
    account = widened((how["budget"] or Budget()).account(network), PASSES * TRIES)
    while left:
        try:
            wanted = [*left, answering(network, left[-1]), *ends]
            runner = Runner(network, wanted, engine=how["engine"], device=how["device"], by_image=True)
            next(iter(runner.outputs(runner.take(images)[:1], account)))
        except RunningError as error:
            if error.layer is None:
                raise
            reason, first = reason or str(error), error.layer if first is None else first
            account.spend("work", A_TRY * len(network.layers), "finding the layers that can be run")
            behind = _behind(network, error.layer)
            kept = [layer for layer in left if layer.index not in behind]
            left, ends = kept if ends or len(kept) < len(left) else [], ()
        else:
            return left, reason
    raise RunningError(reason or "the network has no layer with weights that could be looked at", layer=first)


TRIES, A_TRY = 4, 100_000
"""Images that are run until it is known how far a network can be run, and the work of a layer each time."""


def _behind(network: Network, place: int) -> set[int]:
    """Return a layer and all that it feeds, by their places."""
    behind = {place}
    for layer in network.layers:
        if not behind.isdisjoint(layer.inputs):
            behind.add(layer.index)
    return behind


def _kernels_of(layer: Layer) -> Convolution | LocallyConnected | Dense | None:
    """Return the operation of a layer that has weights."""
    kinds = (Convolution, LocallyConnected, Dense)
    return next((each for each in layer.operations if isinstance(each, kinds)), None)


class _Examined:
    """Counts over batches what the layers of a network answer."""

    def __init__(self, network: Network, layers: Sequence[Layer], *, is_whole: bool) -> None:
        self.network, self.layers = network, layers
        self.units = {layer.index: answering(network, layer) for layer in layers}
        self.last = network.layers[-1] if is_whole else self.units[layers[-1].index]
        self.is_whole = is_whole
        self.counted: dict[int, Counted] = {}
        self.outputs: NDArray[Any] | None = None
        self.right: NDArray[np.bool_] | None = None

    @property
    def n_right(self) -> int | None:
        """How many images are answered right; None where that is not known."""
        return None if self.right is None else int(self.right.sum())

    def look(
        self, images: NDArray[Any], labels: Sequence[Any] | None, names: Sequence[str], how: Mapping[str, Any]
    ) -> None:
        """Count what each layer's units answer."""
        for layer in self.layers:
            self.counted[layer.index] = Counted(*ends_of(function_of(self.units[layer.index])))
        outputs = []
        for part in _parts(self.network, [*self.units.values(), self.last], images, how):
            for layer in self.layers:
                self.counted[layer.index].add(part[self.units[layer.index].index], -1)
            outputs.append(part[self.last.index])
        if self.is_whole:
            self.outputs = classes_of(np.concatenate(outputs))
        if labels is not None and self.outputs is not None:
            self.right = right_answers(self.outputs, labels, names, self.last)

    def responses(self) -> list[LayerResponse]:
        """Return what was counted."""
        return [self._response(layer) for layer in self.layers]

    def _response(self, layer: Layer) -> LayerResponse:
        counted, units = self.counted[layer.index], self.units[layer.index]
        function = function_of(units)
        kind = "softmax" if isinstance(function, Softmax) else function.kind if function else ""
        fires, finite = counted.positive / counted.n, np.isfinite(counted.strongest)
        at_end = None if counted.high is None else counted.at_end / counted.n
        # What a network answers lies at an end where it is sure.
        is_answer = units is self.last and self.is_whole
        return LayerResponse(
            layer=layer.title,
            index=layer.index,
            conv_index=layer.conv_index if isinstance(layer, ConvLayer) else None,
            units=len(fires),
            function=kind,
            fires=tuple(fires.tolist()),
            silent=_places((fires == 0) & finite) if kind in RECTIFIERS else None,
            nonfinite=_places(~finite),
            saturated=None if at_end is None or is_answer else _places(at_end > NEARLY_ALL),
            shares_at_end=None if at_end is None or is_answer else tuple(at_end.tolist()),
            at_end=None if at_end is None or is_answer else float(at_end.mean()),
        )

    def compare(
        self,
        before: Network,
        images: NDArray[Any],
        labels: Sequence[Any] | None,
        names: Sequence[str],
        how: Mapping[str, Any],
    ) -> dict[int, _FromStart]:
        """Put each layer's first weights in the place of its learned ones, one layer at a time."""
        twins = _Twins(self.network, self.last)
        for layer in self.layers:
            started = _started(layer, before, self.layers)
            if started is not None:
                twins.add(layer, self.units[layer.index], started)
        if not twins.of:
            return {}
        whole = Network.of(twins.layers, self.network.origin)
        shared = {place: _Shared() for place in twins.of}
        outputs: dict[int, list[NDArray[Any]]] = {place: [] for place in twins.of}
        wanted = {i for place, ends in twins.of.items() for i in (self.units[place].index, *ends)}
        times = min(len(twins.of), MOST_TWINS)
        for part in _parts(whole, [whole.layers[i] for i in sorted(wanted)], images, how, times):
            for place, (units, last) in twins.of.items():
                shared[place].add(part[self.units[place].index], part[units])
                outputs[place].append(part[last])
        found: dict[int, _FromStart] = {}
        for place, parts in outputs.items():
            own, others = shared[place].explained()
            right = None
            if self.outputs is not None:
                answers = classes_of(np.concatenate(parts))
                told = labels if labels is not None else _said(self.outputs, self.last)
                which = right_answers(answers, told, names if labels is not None else (), self.last)
                right = None if which is None else float(which.mean())
            found[place] = own, others, right
        return found


MOST_TWINS = 16
"""Networks of which each may cost what one may cost: as many as layers are put back to their start."""


def _parts(
    network: Network, wanted: Sequence[Layer], images: NDArray[Any], how: Mapping[str, Any], times: int = 1
) -> Iterator[Mapping[int, NDArray[Any]]]:
    """Run as many networks as ``times`` says, which are one here, and yield what layers give by batches."""
    runner = Runner(network, wanted, engine=how["engine"], device=how["device"], by_image=True)
    account = widened((how["budget"] or Budget()).account(network), PASSES * times)
    return runner.outputs(runner.take(images), account, how["batch"])


def _places(which: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(which).tolist())


def _said(outputs: NDArray[Any], last: Layer) -> list[Any]:
    """Return the class that is answered to each image."""
    from filtviz.responses.predicting import answered

    return list(answered(outputs, last).tolist())


def _most_frequent(labels: Sequence[Any] | None) -> float | None:
    if labels is None or not len(labels):
        return None
    _, counts = np.unique(np.asarray([str(each) for each in labels]), return_counts=True)
    return float(counts.max() / counts.sum())


class _Twins:
    """A network in which each layer has a twin with its first weights, and all that comes behind it, too."""

    def __init__(self, network: Network, last: Layer) -> None:
        self.network, self.last = network, last
        self.needed = ancestors(network, [last])
        self.layers: list[Layer] = list(network.layers)
        self.of: dict[int, tuple[int, int]] = {}

    def add(self, layer: Layer, units: Layer, operations: tuple[Operation, ...]) -> None:
        """Add the twin of a layer, up to the network's answer."""
        clones: dict[int, int] = {}
        behind = {each.index: each for each in (*self.needed, *ancestors(self.network, [units]))}
        for index in sorted(behind):
            each = behind[index]
            if index == layer.index:
                copy = replace(each, operations=operations)
            elif any(i in clones for i in each.inputs):
                copy = replace(each, inputs=tuple(clones.get(i, i) for i in each.inputs))
            else:
                continue
            clones[index] = len(self.layers)
            self.layers.append(copy)
        self.of[layer.index] = clones[units.index], clones.get(self.last.index, clones[units.index])


def _started(layer: Layer, before: Network, layers: Sequence[Layer]) -> tuple[Operation, ...] | None:
    """Return a layer's operations with the weights and biases of an earlier file; None where it has none."""
    own = _kernels_of(layer)
    earlier = _counterpart(layer, before, layers)
    theirs = None if earlier is None else _kernels_of(earlier)
    if own is None or theirs is None or own.weights is None or theirs.weights is None:
        return None
    weights = _turned(theirs, own)
    if not np.isfinite(weights).all():
        return None
    bias = own.bias
    if own.bias is not None and theirs.bias is not None and own.bias.shape == theirs.bias.shape:
        bias = theirs.bias
    changed = replace(own, weights=Parameter.of(own.weights.name, weights), bias=bias)
    return tuple(changed if each is own else each for each in layer.operations)


def _turned(theirs: Convolution | LocallyConnected | Dense, own: Any) -> NDArray[Any]:
    """Return earlier weights in the later file's axes, and turned as these are."""
    assert theirs.weights is not None
    weights = theirs.weights.value
    if isinstance(theirs, Dense):
        return np.asarray(weights if theirs.axes == own.axes else weights.T)
    if {theirs.flip_filters, own.flip_filters} == {True, False}:
        return np.flip(weights, tuple(place for place, axis in enumerate(own.axes) if axis in "rcd"))
    return np.asarray(weights)


def _counterpart(layer: Layer, before: Network, layers: Sequence[Layer]) -> Layer | None:
    """Return the earlier layer of the same kind and shape: by name, else by its number among its kind."""
    if isinstance(layer, ConvLayer):
        return before.counterpart(layer)
    own = _kernels_of(layer)
    theirs = [each for each in before.layers if isinstance(_kernels_of(each), Dense)]
    number = [each.index for each in layers if isinstance(_kernels_of(each), Dense)].index(layer.index)
    candidates = [each for each in theirs if layer.name and each.name == layer.name]
    candidates += theirs[number : number + 1]
    return next((each for each in candidates if _fits(_kernels_of(each), own)), None)


def _fits(theirs: Any, own: Any) -> bool:
    if theirs.weights is None:
        return False
    shape = theirs.weights.shape
    return bool((shape if theirs.axes == own.axes else shape[::-1]) == own.weights.shape)


class _Shared:
    """How much of the variance of units others explain, over batches: the same unit's twin, or a neighbour's.

    Sums are taken about the first image's means, so that nothing is lost where answers lie far from zero.
    """

    def __init__(self) -> None:
        self.about: tuple[NDArray[Any], NDArray[Any]] | None = None
        self.sums: Any = 0.0
        self.n = 0

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite explains nothing
    def add(self, units: NDArray[Any], twins: NDArray[Any]) -> None:
        """Take a batch of both, ``(images, units, …)``."""
        a, b = (_flat(each) for each in (units, twins))
        if self.about is None:
            self.about = a.mean(axis=1, keepdims=True), b.mean(axis=1, keepdims=True)
        a, b = a - self.about[0], b - self.about[1]
        c = np.roll(b, 1, axis=0)
        self.n += a.shape[1]
        products = (a, b, c, a * a, b * b, c * c, a * b, a * c)
        self.sums = self.sums + np.array([each.sum(axis=1) for each in products])

    @np.errstate(over="ignore", invalid="ignore")
    def explained(self) -> tuple[float | None, float | None]:
        """Return the share that the same unit's twin explains, and that of a neighbour's twin."""
        a, b, c, aa, bb, cc, ab, ac = self.sums / self.n
        total = np.maximum(aa - a * a, 0)
        if not np.isfinite(total).all() or total.sum() <= 0:
            return None, None
        shares = []
        for mean, square, cross in ((b, bb, ab), (c, cc, ac)):
            spread = np.maximum(square - mean * mean, 0)
            most = np.sqrt(total) * np.sqrt(spread)
            known = (most > 0) & np.isfinite(most)
            r = np.divide(cross - a * mean, most, out=np.zeros_like(total), where=known)
            shares.append(float((np.minimum(r**2, 1) * total).sum() / total.sum()))
        return shares[0], shares[1] if len(total) > 1 else None


def _flat(units: NDArray[Any]) -> NDArray[np.float64]:
    flat = units.reshape(*units.shape[:2], -1)
    return np.moveaxis(flat, 1, 0).reshape(flat.shape[1], -1).astype(np.float64)


# In words


def _answer(found: Examination) -> str:
    """Say in a few plain sentences what the images tell."""
    parts = [*_accuracy(found), *_nonfinite(found), *_silent(found), *_saturated(found), *_rests(found)]
    if found.reason:
        parts.append(f"Of layers from there on nothing can be said: {found.reason}.")
    if found.not_compared:
        parts.append(f"What rests on learned weights cannot be told: {printable(found.not_compared, 300)}.")
    return " ".join(parts)


def _accuracy(found: Examination) -> list[str]:
    if found.right is None or not found.labelled:
        return []
    chance = "" if found.most_frequent is None else f" (one answer to all: {_share(found.most_frequent)})"
    share = _share(found.right / found.labelled)
    return [f"Of {plural(found.labelled, 'image')} it answers {share} right{chance}."]


def _nonfinite(found: Examination) -> list[str]:
    broken = [each for each in found.layers if each.nonfinite]
    if not broken:
        return []
    n, name = len(broken[0].nonfinite), printable(broken[0].layer, 40)
    answer = "answers" if n == 1 else "answer"
    return [f"From {name} on numbers are lost: {n} of its {broken[0].units} units {answer} NaN or infinity."]


def _silent(found: Examination) -> list[str]:
    known = [each for each in found.layers if each.silent is not None]
    if not known:
        return []
    n, n_units = sum(len(each.silent or ()) for each in known), sum(each.units for each in known)
    shown = "them" if found.right is not None else plural(found.n_images, "image")
    if not n:
        return [f"Each of its {n_units:,} units behind rectifiers fires on some of {shown}."]
    worst = max(known, key=lambda each: len(each.silent or ()) / each.units)
    most = f", most in {printable(worst.layer, 40)} ({len(worst.silent or ())} of {worst.units})"
    never = "never fires" if n == 1 else "never fire"
    return [f"{n:,} of {n_units:,} units {never} on {shown}{most if n > 1 else ''}."]


def _saturated(found: Examination) -> list[str]:
    known = [each for each in found.layers if each.saturated is not None]
    if not known:
        return []
    full = [each for each in known if each.saturated]
    if full:
        told = [
            f"{len(each.saturated or ())} of {each.units} in {printable(each.layer, 40)}" for each in full
        ]
        return [f"Some are saturated nearly always, {_ends_in_words(full)}: {listed(told, 4)}."]
    largest = max(known, key=lambda each: each.at_end or 0.0)
    share = _share(largest.at_end or 0.0)
    return [
        f"None is saturated nearly always ({share} of the answers of {printable(largest.layer, 40)} are)."
    ]


def _ends_in_words(layers: Sequence[LayerResponse]) -> str:
    kinds = {each.function for each in layers}
    ones = kinds <= {"sigmoid", "hard_sigmoid", "softmax"}
    return "a bunch of 1's and 0's" if ones else "at an end of what their function can give"


def _rests(found: Examination) -> list[str]:
    """Say of which layers the first weights would do."""
    known = [each for each in found.layers if each.right_with_start is not None]
    if not known:
        return []
    was = 1.0 if found.right is None or not found.labelled else found.right / found.labelled
    how = "right" if found.right is not None else "as now"
    first = known[0]
    name = printable(first.layer, 40)
    still = "still " if was - (first.right_with_start or 0.0) < ABOUT_AS_WELL else ""
    sentence = (
        f"With {name} put back to its first weights it {still}answers "
        f"{_share(first.right_with_start or 0.0)} {how}"
    )
    others = known[1:]
    if others:
        worst = min(others, key=lambda each: each.right_with_start or 0.0)
        share = _share(worst.right_with_start or 0.0)
        sentence += f", with {printable(worst.layer, 40)} put back {share}"
    return [f"{sentence}."]


ABOUT_AS_WELL = 0.05
"""The share of answers that may be lost where it is said that a network still answers."""


def _share(share: float) -> str:
    percent = 100 * share
    if 0 < percent < 1:
        return "<1%"
    return f"{percent:.0f}%" if percent in (0, 100) or percent < 99 else f"{min(percent, 99.9):.1f}%"
