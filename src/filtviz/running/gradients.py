"""Gradients of what a network answers, with PyTorch: where it looks (saliency), what it wants to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.budget import Account
from filtviz.errors import MissingExtraError, RunningError
from filtviz.network import Layer, Network
from filtviz.operations import Softmax
from filtviz.running.choosing import torch_engine
from filtviz.running.inference import SMALL, Runner, Walk, widened
from filtviz.running.torch_engine import few_threads
from filtviz.text import plural

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    raise MissingExtraError("gradients need PyTorch, which is not installed: pip install torch") from None

__all__ = ["METHODS", "Method", "Of", "Saliency", "climb", "saliency_of"]

Method = Literal["gradient", "guided", "deconvnet", "integrated", "smoothgrad", "gradcam"]
METHODS: tuple[Method, ...] = ("gradient", "guided", "deconvnet", "integrated", "smoothgrad", "gradcam")

Of = Literal["log-probability", "output"]

STEPS, SAMPLES, NOISE = 64, 32, 0.15
"""Points from black to the image (integrated); noisy images, and their noise by the range (smoothgrad)."""

AT_ONCE = 16
BACKWARD = 3
"""The work of a gradient, by that of running the network."""

MOST_TIMES = 10
"""How often a small file's budget is added where images are made: PyTorch takes them all at once."""


_MOVED = 150
"""The work of a number of an image that is shifted, smoothed and kept within its bounds."""


class _Guided(torch.autograd.Function):  # type: ignore[misc,unused-ignore]
    """A rectifier through which only what is positive comes back, where it was positive on the way up."""

    @staticmethod
    def forward(ctx: Any, units: Any) -> Any:
        ctx.save_for_backward(units)
        return units.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:
        (units,) = ctx.saved_tensors
        return slopes[0].clamp(min=0) * (units > 0)


class _Deconvolved(torch.autograd.Function):  # type: ignore[misc,unused-ignore]
    """A rectifier through which only what is positive comes back, wherever it was."""

    @staticmethod
    def forward(ctx: Any, units: Any) -> Any:  # noqa: ARG004
        return units.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:  # noqa: ARG004
        return slopes[0].clamp(min=0)


_RULES: Mapping[str, Callable[[Any], Any]] = {"guided": _Guided.apply, "deconvnet": _Deconvolved.apply}


@dataclass(frozen=True, kw_only=True)
class Saliency:
    """What is asked of a network.

    Attributes:
        method: How it is computed.
        target: The class; None for the one that the network answers.
        of: Of the logarithm of its probability, or of the network's output.
        layer: With ``gradcam``: the layer whose maps are weighed.
        seed: Of the noise of ``smoothgrad``.
    """

    method: Method = "gradient"
    target: int | None = None
    of: Of = "log-probability"
    layer: Layer | None = None
    seed: int = 0


class _Slopes:
    """A network ready to be differentiated, and what is asked of its last layer."""

    def __init__(
        self, network: Network, asked: Saliency, account: Account, passes: int, device: str | None
    ) -> None:
        self.last, self.asked = network.layers[-1], asked
        self.ends = _ending(self.last) if asked.of == "log-probability" else None
        wanted = [self.last] if asked.layer is None else [asked.layer, self.last]
        runner = Runner(network, wanted, stops=self.last if self.ends is not None else None)
        engine = torch_engine("float64", device, keeps=True, rectify=_RULES.get(asked.method))
        times = passes * BACKWARD
        self.walk = Walk(runner, engine, widened(account, times), times=times, holds_all=True)
        self.target = asked.target

    def score(self, images: NDArray[Any]) -> tuple[Any, Any, Mapping[int, Any]]:
        """Return the images as a tensor, what is asked of each, and the units of the wanted layers."""
        shown = self.walk.engine.take(images).requires_grad_(True)
        found = self.walk.through(shown)
        self.walk.times = 0
        rows = found[self.last.index]
        if rows.ndim < 2 or rows.shape[0] != len(images):
            raise RunningError(f"what {self.last.title} gives has no classes to choose from")
        rows = rows.reshape(*rows.shape[:2], -1).mean(2)
        n_classes = rows.shape[1]
        if self.target is None:
            self.target = int(rows.detach()[0].argmax())
        if not 0 <= self.target < n_classes:
            raise RunningError(f"there is no class {self.target}: the network has {n_classes}, from 0")
        return shown, self._asked(rows)[:, self.target], found

    def _asked(self, rows: Any) -> Any:
        if self.asked.of == "output":
            return rows
        if self.ends == "sigmoid":
            return F.logsigmoid(rows)
        if (
            self.ends == "softmax" or rows.shape[1] > 1
        ):  # without a softmax its outputs are what goes into one
            return F.log_softmax(rows, dim=1)
        raise RunningError("the network has one output, which is no probability: ask for its output instead")

    def gradient(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Return the gradient of what is asked, of each image for itself."""
        shown, scores, _ = self.score(images)
        (slopes,) = torch.autograd.grad(scores.sum(), shown)
        return np.asarray(self.walk.engine.give(slopes), np.float64)


def _ending(last: Layer) -> str | None:
    """Return what makes probabilities of a network's outputs at its end, None where nothing does."""
    if sum(isinstance(each, Activation | Softmax) for each in last.operations) != 1:
        return None
    end = last.operations[-1]
    if isinstance(end, Softmax):
        return "softmax" if end.axis in (1, -1) else None
    return "sigmoid" if isinstance(end, Activation) and end.kind == "sigmoid" else None


def saliency_of(
    network: Network, image: NDArray[Any], asked: Saliency, account: Account, device: str | None = None
) -> NDArray[np.float64]:
    """Return how much each number of an image counts, with its sign.

    Args:
        network: The network.
        image: ``(1, channels, rows, cols)``.
        asked: What is asked of it.
        account: What it may take.
        device: Where PyTorch computes.

    Raises:
        RunningError: the network cannot be run on it, or has no such class.
        BudgetError: it would be too much work.
    """
    passes = {"integrated": STEPS, "smoothgrad": SAMPLES}.get(asked.method, 1)
    slopes = _Slopes(network, asked, account, passes, device)
    exact = np.asarray(image, np.float64)
    with few_threads(slopes.walk.runner.rough_work(exact) < SMALL):
        return _saliency(slopes, exact)


def _saliency(slopes: _Slopes, exact: NDArray[np.float64]) -> NDArray[np.float64]:
    asked = slopes.asked
    match asked.method:
        case "gradient" | "guided" | "deconvnet":
            return slopes.gradient(exact)
        case "integrated":
            slopes.score(exact)  # settles the class by the image itself
            shares = (np.arange(STEPS) + 0.5) / STEPS
            return exact * _mean_gradient(slopes, [share * exact for share in shares])
        case "smoothgrad":
            slopes.score(exact)
            rng, spread = np.random.default_rng(asked.seed), NOISE * float(np.ptp(exact))
            noisy = [exact + spread * rng.standard_normal(exact.shape) for _ in range(SAMPLES)]
            return _mean_gradient(slopes, noisy)
        case "gradcam":
            return _grad_cam(slopes, exact)
    assert_never(asked.method)


def _mean_gradient(slopes: _Slopes, images: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    total, at_once = np.zeros(images[0].shape), min(AT_ONCE, slopes.walk.fitting)
    for start in range(0, len(images), at_once):
        batch = np.concatenate(images[start : start + at_once])
        total += slopes.gradient(batch).sum(axis=0, keepdims=True)
    return total / len(images)


def _grad_cam(slopes: _Slopes, image: NDArray[Any]) -> NDArray[np.float64]:
    """Return the maps of a layer, each times the mean slope of what is asked, as large as the image."""
    shown, scores, found = slopes.score(image)
    layer = slopes.asked.layer
    assert layer is not None
    maps = found[layer.index]
    if maps.ndim != 4:
        raise RunningError(f"{layer.title} has no maps over the image: choose a convolution")
    (weights,) = torch.autograd.grad(scores.sum(), maps)
    weighed = (maps * weights.mean(dim=(2, 3), keepdim=True)).sum(dim=1, keepdim=True).clamp(min=0)
    large = F.interpolate(weighed, size=tuple(shown.shape[2:]), mode="bilinear", align_corners=False)
    return np.broadcast_to(slopes.walk.engine.give(large), image.shape).astype(np.float64)


# What a unit wants to see


def climb(
    network: Network,
    layer: Layer,
    units: Sequence[int],
    starts: NDArray[Any],
    account: Account,
    *,
    steps: int,
    rate: float,
    jitter: int,
    decay: float,
    blur: float,
    bounds: tuple[float, float],
    seed: int,
    batch: int | None = None,
    device: str | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change images step by step so that a unit answers each more strongly.

    Args:
        network: The network.
        layer: The layer of the units; it is asked before its own nonlinearity, where slopes do not vanish.
        units: For each image the channel, at the middle of its map, or the unit of a dense layer.
        starts: ``(images, channels, rows, cols)``.
        account: What it may take.
        steps: How many steps.
        rate: The length of a step, by the range of the image.
        jitter: By how many pixels the images are shifted before a step, at most.
        decay: The share by which they go back to the middle of the range with each step.
        blur: The width of a Gaussian, in pixels, that smooths each step.
        bounds: The lowest and the highest value of a pixel.
        seed: Of the shifts.
        batch: Images at once at the most; None for as many as fit.
        device: Where PyTorch computes.

    Returns:
        The images, and what the units answered, ``(steps + 1, images)``.

    Raises:
        RunningError: the network cannot be run so far, or there is no such unit.
        BudgetError: it would be too much work.
    """
    runner = Runner(network, [layer], stops=layer)
    engine = torch_engine("float32", device, keeps=True)
    passes = (steps + 1) * BACKWARD * len(units)
    allowed = widened(account, passes, MOST_TIMES)
    allowed.spend("work", _MOVED * steps * starts.size, f"making {plural(len(units), 'image')}")
    runs = (steps + 1) * BACKWARD
    walk = Walk(runner, engine, allowed, times=passes + 1, runs=runs + 1, holds_all=True)
    with few_threads(runner.rough_work(starts) < SMALL):
        with torch.no_grad():  # one image first, to see how many fit
            found = walk.through(engine.take(starts[:1]))[layer.index]
        _check_images(found, 1, layer)
        _check_units(found, units, layer)
        walk.times, parts = 0, []
        places = range(0, len(units), at_once := min(walk.fitting, batch or len(units)))
        walk.pay_for_runs((len(places) - 1) * runs)
        for place in places:
            some = slice(place, place + at_once)
            how = (steps, rate, jitter, decay, blur, bounds, seed)
            parts.append(_climb(walk, layer, units[some], starts[some], *how))
    images, answers = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(answers, axis=1)


def _climb(
    walk: Walk,
    layer: Layer,
    units: Sequence[int],
    starts: NDArray[Any],
    steps: int,
    rate: float,
    jitter: int,
    decay: float,
    blur: float,
    bounds: tuple[float, float],
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.ndimage import gaussian_filter

    engine, rng, (low, high) = walk.engine, np.random.default_rng(seed), bounds
    images, answers = np.asarray(starts, np.float64).copy(), []
    for step in range(steps + 1):
        shift = tuple(int(n) for n in rng.integers(-jitter, jitter + 1, 2)) if step < steps else (0, 0)
        shown = engine.take(np.roll(images, shift, axis=(2, 3))).requires_grad_(True)
        found = walk.through(shown)[layer.index]
        _check_images(found, len(units), layer)
        scores = _middles(found, units)
        answers.append(engine.give(scores).astype(np.float64))
        if step == steps:
            break
        (slopes,) = torch.autograd.grad(scores.sum(), shown)
        slope = np.roll(engine.give(slopes).astype(np.float64), tuple(-n for n in shift), axis=(2, 3))
        if blur:
            slope = gaussian_filter(slope, (0, 0, blur, blur))
        size = np.sqrt(np.mean(slope**2, axis=(1, 2, 3), keepdims=True))
        # Where there is nothing to climb, the unit answers the same to everything near.
        images += rate * (high - low) * np.divide(slope, size, out=np.zeros_like(slope), where=size > 0)
        images = np.clip(images + decay * ((low + high) / 2 - images), low, high)
    return images, np.stack(answers)


def _check_images(found: Any, n: int, layer: Layer) -> None:
    if len(found.shape) < 2 or found.shape[0] != n:
        shape = "x".join(map(str, found.shape)) or "one number"
        raise RunningError(
            f"what {layer.title} gives has no units of each image to choose from: it is {shape}",
            layer=layer.index,
        )


def _check_units(found: Any, units: Sequence[int], layer: Layer) -> None:
    for unit in units:
        if unit >= found.shape[1]:  # none is below 0: whoever asks has looked
            raise RunningError(
                f"{layer.title} has {found.shape[1]} units, counted from 0: there is no {unit}"
            )


def _middles(found: Any, units: Sequence[int]) -> Any:
    """Return what each image's unit answers to it."""
    middle = tuple(n // 2 for n in found.shape[2:])
    return torch.stack([found[(place, unit, *middle)] for place, unit in enumerate(units)])
