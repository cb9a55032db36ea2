"""Run a network on images, as at test time: any engine, layer after layer, batch after batch.

What a layer gives is forgotten as soon as all that read it are done. One image goes first, alone: by what it
takes the others are put together into batches, and by what that would take all images are charged to the
budget before they are run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from filtviz.activations import UnknownActivationError
from filtviz.budget import Account, Budget
from filtviz.errors import CompositionError, RunningError
from filtviz.network import ConvLayer, EngineName, Layer, Network
from filtviz.operations import Activation, Input, Operation, Reshape, Softmax, Untold
from filtviz.running.choosing import Engine, choose_engine
from filtviz.running.costs import Cost, cost_of
from filtviz.running.fitting import MisfitError
from filtviz.text import listed, printable

if TYPE_CHECKING:
    from filtviz.parameter import Shape

__all__ = [
    "PASSES",
    "SMALL",
    "Runner",
    "Walk",
    "ancestors",
    "as_units",
    "fixed_batch",
    "forward",
    "input_of",
    "joined",
    "run",
    "widened",
]

SMALL = 2_000_000_000
"""The work of an image below which several threads hinder each other more than they help."""

A_KEPT_NUMBER = 64
"""Bytes of an answer that is kept, with what is printed and drawn of it."""

PASSES = 8
"""Images that a budget is for; more have more, in proportion."""


@overload
def run(
    network: Network,
    images: NDArray[Any],
    layers: None = None,
    engine: EngineName | None = None,
    *,
    dtype: DTypeLike = "float64",
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> NDArray[Any]: ...


@overload
def run(
    network: Network,
    images: NDArray[Any],
    layers: Sequence[int | str],
    engine: EngineName | None = None,
    *,
    dtype: DTypeLike = "float64",
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> dict[int | str, NDArray[Any]]: ...


def run(
    network: Network,
    images: NDArray[Any],
    layers: Sequence[int | str] | None = None,
    engine: EngineName | None = None,
    *,
    dtype: DTypeLike = "float64",
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> NDArray[Any] | dict[int | str, NDArray[Any]]:
    """Run a network on images, as at test time: dropout passes on, normalisation takes its stored statistics.

    Args:
        network: The network.
        images: ``(images, …)`` in the network's own axes: ``(images, channels, rows, columns)``, and
            ``(images, rows, columns, channels)`` for most Keras and TensorFlow files. Numbers are used as
            they are.
        layers: Places in network order, negative ones from its end, or names; None for the last layer.
        engine: ``numpy`` or ``torch``; None takes PyTorch where it is in use already, or is installed and
            there is much to do.
        dtype: ``float64`` or ``float32``, in which it is computed.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``; None for the processor.
        budget: How much work an image may be, see `filtviz.Budget`.

    Returns:
        What the last layer gives, or, by what was asked for, what each layer gives. All have the channels in
        front, ``(images, channels, rows, columns)``, as `filtviz.Layer.output_shape` does.

    Raises:
        RunningError: the images do not fit the network, or a layer cannot be run; all below it can.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
        MissingExtraError: PyTorch is asked for and not installed.
    """
    if not network.layers:
        raise RunningError("the network has no layers: there is nothing to run")
    asked: Sequence[int | str] = [-1] if layers is None else list(layers)
    wanted = {name: network.layer(name) for name in asked}
    runner = Runner(network, list(wanted.values()), engine=engine, dtype=dtype, device=device)
    shown = runner.take(images)
    account = (budget or Budget()).account(network)
    parts = list(runner.outputs(shown, account, batch, are_kept=True))
    found = {
        name: joined([part[layer.index] for part in parts], len(shown), layer)
        for name, layer in wanted.items()
    }
    return found[-1] if layers is None else found


def input_of(network: Network) -> Input | None:
    """Return what the network is given, where the file tells that it is one thing."""
    inputs = [each for layer in network.layers for each in layer.operations if isinstance(each, Input)]
    return inputs[0] if len(inputs) == 1 else None


def as_units(network: Network, images: NDArray[Any]) -> NDArray[Any]:
    """Check images, and put their channels in front where the network has them behind.

    Args:
        network: The network.
        images: ``(images, …)`` in the network's own axes.

    Raises:
        RunningError: they are no images, or none that the network takes.
    """
    array = np.asarray(images)
    if array.dtype.kind not in "fiub":
        raise RunningError(f"images must be numbers, these are of type {printable(array.dtype, 40)}")
    entrance = input_of(network)
    shape = None if entrance is None else entrance.shape
    _check_axes(array, shape, channels_last=entrance is not None and entrance.channels_last)
    if not array.size:
        raise RunningError(f"there is no image in an array of shape {array.shape}")
    _check_finite(array)
    return np.moveaxis(array, -1, 1) if entrance is not None and entrance.channels_last else array


def _check_axes(array: NDArray[Any], shape: Shape | None, *, channels_last: bool) -> None:
    """Pass silently where images have the network's axes and channels."""
    n_axes = 4 if shape is None else len(shape)
    names = {2: "(images, numbers)", 3: "(images, channels, columns)", 4: "(images, channels, rows, columns)"}
    if channels_last:
        names |= {3: "(images, columns, channels)", 4: "(images, rows, columns, channels)"}
    if array.ndim != n_axes if shape is not None else array.ndim < 2:
        hint = "; one image is images[None]" if array.ndim == n_axes - 1 else ""
        said = names.get(n_axes, f"{n_axes} axes")
        raise RunningError(f"images must be {said}, these have the shape {array.shape}{hint}")
    if shape is None:
        return
    channels, given = shape[1], array.shape[-1 if channels_last else 1]
    if channels is not None and channels != given:
        what = "numbers" if n_axes == 2 else "channels"
        raise RunningError(
            f"the images have {given} {what}, the network takes {channels}: images must be "
            f"{names.get(n_axes, f'{n_axes} axes')}, these have the shape {array.shape}"
        )


def _check_finite(array: NDArray[Any]) -> None:
    if array.dtype.kind != "f":
        return
    for number, image in enumerate(array):
        if not np.isfinite(image).all():
            what = "NaN" if np.isnan(image).any() else "infinity"
            raise RunningError(f"image {number} holds {what}: nothing can be computed of it")


def joined(parts: Sequence[NDArray[Any]], n_images: int, layer: Layer) -> NDArray[Any]:
    """Return what a layer gives for all images, out of what it gives for batches of them.

    Raises:
        RunningError: an axis of what it gives is not known to be that of the images.
    """
    if len(parts) == 1:
        return parts[0]
    for axis in (0, -1):  # the last one in cuda-convnet's order
        if all(part.ndim for part in parts) and sum(part.shape[axis] for part in parts) == n_images:
            return np.concatenate(parts, axis=axis)
    raise _without_images(layer, parts[0], "run them one by one")


def _without_images(layer: Layer, units: NDArray[Any], instead: str) -> RunningError:
    shape = tuple(units.shape)
    return RunningError(
        f"what {layer.title} gives has no axis of images (it is {shape}): {instead}", layer=layer.index
    )


@dataclass(eq=False)
class Runner:
    """Takes images through a network, as far as some of its layers.

    Attributes:
        network: The network.
        wanted: The layers whose units are asked for.
        engine: The engine's name; None chooses one.
        dtype: In which it is computed.
        device: Where PyTorch computes.
        stops: A layer before whose own nonlinearity to stop; None for none.
        by_image: Whether what each wanted layer gives must have the images along its first axis.
    """

    network: Network
    wanted: Sequence[Layer]
    engine: EngineName | None = None
    dtype: DTypeLike = "float64"
    device: str | None = None
    stops: Layer | None = None
    by_image: bool = False
    needed: Sequence[Layer] = field(init=False)
    has_entrance: bool = field(init=False)
    remark: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.needed = ancestors(self.network, self.wanted)
        entrances = [layer for layer in self.needed if _takes_images(layer)]
        if len(entrances) > 1:
            raise RunningError(
                f"the network has {len(entrances)} inputs ({listed([each.title for each in entrances], 5)}), "
                "and images are given for one: ask for layers that only one of them feeds"
            )

        self.has_entrance = bool(entrances)

    def take(self, images: NDArray[Any]) -> NDArray[Any]:
        """Check images, and return them with the channels in front."""
        shown = as_units(self.network, images)
        entrance = input_of(self.network)
        wanted, given = () if entrance is None else (entrance.shape or ())[2:], shown.shape[2:]
        if any(said not in (None, n) for said, n in zip(wanted, given, strict=False)):
            made_for = "x".join("?" if said is None else str(said) for said in wanted)
            self.remark = f"; the images are {'x'.join(map(str, given))}, the network takes {made_for}"
        return shown

    def outputs(
        self,
        shown: NDArray[Any],
        account: Account,
        batch: int | None = None,
        *,
        passes: int | None = None,
        most: int | None = None,
        are_kept: bool = False,
    ) -> Iterator[Mapping[int, NDArray[Any]]]:
        """Yield what the wanted layers give, by their places, for one batch of images after another.

        Args:
            shown: Images with the channels in front.
            account: What it may take.
            batch: Images at once at the most; None for as many as pay.
            passes: Images that are to be shown in all; None for these.
            most: See `widened`.
            are_kept: Whether who asks keeps what all images are answered with.
        """
        if batch is not None and batch < 1:
            raise RunningError(f"a batch must be of 1 image or more, not {batch}")
        n_passes = len(shown) if passes is None else passes
        rough = self.rough_work(shown)
        engine = choose_engine(self.engine, rough * n_passes, self.dtype, self.device)
        engine.is_small = rough < SMALL  # of one image: batches are not much larger than what pays
        fixed = fixed_batch(self.network, self.needed)
        first = fixed or 1
        allowed = widened(account, n_passes, most)
        walk = Walk(self, engine, allowed, times=-(-n_passes // first), runs=None if fixed else 1)
        found = self._some(walk, shown[:first], fixed)
        if are_kept:
            n_numbers = sum(units.size for units in found.values()) * len(shown) // first
            allowed.keep(A_KEPT_NUMBER * n_numbers, f"keeping {n_numbers:,} answers to {len(shown):,} images")
        yield found
        walk.times = 0
        n = fixed or max(1, min(batch or len(shown), min(engine.memory, account.room) // max(walk.peak, 1)))
        if not fixed:
            walk.pay_for_runs(-(-(n_passes - first) // max(1, min(n, len(shown) - first))))
        engine.keeps = len(shown) > first + n
        for start in range(first, len(shown), n):
            yield self._some(walk, shown[start : start + n], fixed)

    def _some(self, walk: Walk, images: NDArray[Any], fixed: int | None) -> Mapping[int, NDArray[Any]]:
        """Run a batch; one that the file wants to be of a certain size is filled up, and cut again."""
        n = len(images)
        if fixed and n < fixed:
            images = np.concatenate([images, np.repeat(images[-1:], fixed - n, axis=0)])
        with walk.engine.calm():
            found = walk.through(walk.engine.take(images))
            given = {place: walk.engine.give(units) for place, units in found.items()}
        if self.by_image:
            self._check_by_image(given, len(images))
        return {place: units[:n] for place, units in given.items()} if fixed and n < fixed else given

    def _check_by_image(self, given: Mapping[int, NDArray[Any]], n: int) -> None:
        for layer in self.wanted:
            units = given[layer.index]
            if units.shape[:1] != (n,):
                raise _without_images(layer, units, "what belongs to which image cannot be told")

    def rough_work(self, shown: NDArray[Any]) -> int:
        """Return roughly the work of an image, by the shapes that the file tells."""
        total = 0
        for layer in self.needed:
            below = [self.network.layers[i].output_shape or () for i in layer.inputs]
            shapes = [tuple(1 if n is None else n for n in (1, *shape[1:])) for shape in below]
            shapes = shapes or [(1, *shown.shape[1:])]
            for operation in layer.operations[:1]:
                if all(len(shape) > 1 for shape in shapes):
                    cost = cost_of(operation, shapes)
                    total += cost.once + cost.each
        return total


MOST_FIXED = 4096
"""Images that a file may want at once; one that wants more is run as if it did not."""


def fixed_batch(network: Network, layers: Sequence[Layer]) -> int | None:
    """Return how many images a network takes at once that has their number in its operations, else None.

    Args:
        network: The network.
        layers: Those of it that are run.
    """
    entrance = input_of(network)
    said = entrance.shape[0] if entrance is not None and entrance.shape else None
    reshapes = (each for layer in layers for each in layer.operations if isinstance(each, Reshape))
    fixed = any(each.lengths and each.lengths[0] == said for each in reshapes)
    return said if fixed and said is not None and 0 < said <= MOST_FIXED else None


@dataclass(eq=False)
class Walk:
    """A way through a network: which layers' units are still needed, and what they fill.

    Attributes:
        runner: What is run.
        engine: What runs it.
        account: What it may take.
        times: How often the work is charged, 0 where it is paid for.
        runs: How often the network is run for that, however many images go through it together; None for as
            often as the work is charged.
        once: What a run takes, however many images go through it.
        peak: The bytes that one image took at the most.
        costs: What an operation takes with inputs of some shapes, by its identity and these.
        holds_all: Whether what each operation gives stays in memory, as it does for gradients.
    """

    runner: Runner
    engine: Engine
    account: Account
    times: int = 1
    runs: int | None = None
    holds_all: bool = False
    once: int = 0
    peak: int = 0
    costs: dict[tuple[int, tuple[tuple[int, ...], ...]], Cost] = field(default_factory=dict)

    def through(self, images: Any) -> dict[int, Any]:
        """Return the units of the wanted layers, by their places.

        Raises:
            RunningError: a layer cannot be run.
        """
        runner, given, live = self.runner, dict[int, Any](), 0
        kept = {layer.index for layer in runner.wanted}
        readers = Counter(i for layer in runner.needed for i in set(layer.inputs))
        for layer in runner.needed:
            if not layer.inputs and runner.has_entrance and not _takes_images(layer):
                raise self._stopped(layer, _reason_of(layer))
            below = [given[i] for i in layer.inputs] or [images]
            given[layer.index], inner = self._layer(layer, below, live)
            live += n_bytes(given[layer.index]) + inner
            for i in set(layer.inputs):
                readers[i] -= 1
                if not readers[i] and i not in kept:
                    freed = n_bytes(given.pop(i))
                    live -= 0 if self.holds_all else freed
        return {place: given[place] for place in kept}

    def _layer(self, layer: Layer, below: Sequence[Any], live: int) -> tuple[Any, int]:
        """Run the operations of a layer, one after another.

        Returns:
            What the last one gives, and the bytes of what is kept of those before it.
        """
        inner = 0
        for place, operation in enumerate(layer.operations):
            if layer is self.runner.stops and isinstance(operation, Activation | Softmax):
                break
            inner += n_bytes(below[0]) if place and self.holds_all else 0
            self._pay(operation, below, live + inner, f"running {layer.title}")
            try:
                below = [self.engine.apply(operation, below)]
            except (MisfitError, UnknownActivationError) as error:
                raise self._stopped(layer, str(error)) from None
            except (ValueError, IndexError, TypeError, OverflowError, RuntimeError):
                shapes = listed(["x".join(map(str, units.shape)) or "one number" for units in below[:4]])
                raise self._stopped(layer, f"it is given units of {shapes}, which do not fit it") from None
            if 0 in below[0].shape:
                raise self._stopped(layer, "nothing is left of what it is given")
        return below[0], inner

    def _pay(self, operation: Operation, below: Sequence[Any], live: int, what: str) -> None:
        shapes = [tuple(units.shape) for units in below]
        if any(not shape for shape in shapes):
            return
        key = id(operation), tuple(shapes)  # operations are the network's, and live as long as it does
        if key not in self.costs:
            self.costs[key] = cost_of(operation, shapes)
        once, each, held = self.costs[key]
        filled = live + held * self.engine.dtype.itemsize
        self.peak = max(self.peak, filled)
        self.account.hold(filled, what)
        if self.times:
            runs = self.times if self.runs is None else self.runs
            self.account.spend("work", once * runs + each * self.times, what)
            self.once += once

    @property
    def fitting(self) -> int:
        """How many images fit into the memory that may be filled, by what one has taken."""
        return max(1, self.account.room // max(self.peak, 1))

    def pay_for_runs(self, runs: int) -> None:
        """Take note of runs whose images are paid for, and what each run takes is not.

        Raises:
            BudgetError: there are too many.
        """
        self.account.spend("work", self.once * runs, "running the network on all images")

    def _stopped(self, layer: Layer, reason: str) -> RunningError:
        reason += self.runner.remark
        if self.runner.network.has_no_graph:
            reason += "; --like takes the graph of another file of this network, --architecture a description"
        return RunningError(f"{layer.title} cannot be run on these images: {reason}", layer=layer.index)


def _takes_images(layer: Layer) -> bool:
    return not layer.inputs and any(isinstance(each, Input) for each in layer.operations)


def _reason_of(layer: Layer) -> str:
    """Say why a layer that nothing feeds cannot be run."""
    untold = next((each.reason for each in layer.operations if isinstance(each, Untold)), None)
    return untold or "the file does not tell what feeds it"


def n_bytes(units: Any) -> int:
    """Return the bytes of an array or a tensor."""
    return int(units.nbytes)


def widened(account: Account, n_passes: int, most: int | None = None) -> Account:
    """Let an account that is for a few images do for many: a person's own images are no attack.

    Args:
        account: What is allowed for a few.
        n_passes: How often the network is run.
        most: How often a small file's budget is added at the most, where no person said how often the network
            is run: it may be the file, by the size of its images. None for as often as it is run.
    """
    account.widen(max(0, n_passes - PASSES) / PASSES, most)
    return account


def ancestors(network: Network, layers: Sequence[Layer]) -> list[Layer]:
    """Return layers and all that feed them, in network order."""
    wanted = {layer.index for layer in layers}
    for candidate in reversed(network.layers):
        if candidate.index in wanted:
            wanted.update(candidate.inputs)
    return [network.layers[i] for i in sorted(wanted)]


def forward(
    network: Network, layer: ConvLayer, images: NDArray[np.floating], account: Account | None = None
) -> NDArray[np.float64]:
    """Return what ``layer`` gives for images before its own nonlinearity, as at test time, in float64.

    Args:
        network: The network that the layer is part of.
        layer: The convolution; what it feeds does not matter.
        images: ``(images, channels, rows, cols)``, for a network with one input.
        account: What it may take; None for as much as it takes.

    Raises:
        BudgetError: it would take more.
        CompositionError: a layer below does something that is not followed here, or the images do not fit.
    """
    try:
        runner = Runner(network, [layer], engine="numpy", stops=layer)
        walk = Walk(runner, choose_engine("numpy", 0, "float64", None), account or Account.unlimited())
        found = walk.through(np.asarray(images, np.float64))
    except RunningError as error:
        raise CompositionError(str(error)) from None
    return np.asarray(found[layer.index])
