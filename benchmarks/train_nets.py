"""Trains small networks with PyTorch, and keeps the weights from before and after, to calibrate against.

Each network is a seeded draw of an architecture, an initialiser, a task, an optimiser and a length, and
one .npz: ``i_W1, i_b1, …`` before, ``f_W1, f_b1, …`` after training (no ``b`` where a layer has none), the
batch normalisation behind a layer after training (``f_gamma1, f_beta1, f_mean1, f_variance1``), and
``meta``, JSON with the settings, the accuracy, and for each layer cos² with its start and whether it was
frozen. ``--other`` draws from other tasks (bars, corners, waves), rates up to ten times larger, few images
and four activations. Needs torch:

    python benchmarks/train_nets.py FOLDER --nets 270
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

SIDE = 16
CLASSES = 10
BATCH = 32


def main() -> None:
    """Train the networks that are not in the folder yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nets", type=int, default=270, help="the seed to stop before")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--other", action="store_true", help="other tasks, larger rates, other activations")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed in range(options.first, options.nets):
        settings = draw_others(seed) if options.other else draw_settings(seed)
        path = options.folder / f"{seed:03d}_{settings['architecture']}_{settings['weights']}.npz"
        if not path.exists():
            arrays = train(settings)
            np.savez_compressed(path, **arrays)
            print(path.name, arrays["meta"])


def draw_settings(seed: int) -> dict[str, Any]:
    """Draw the settings of a network."""
    random = np.random.default_rng(seed)
    pick: Callable[[Sequence[Any]], Any] = lambda among: among[random.integers(len(among))]  # noqa: E731
    optimiser, rates = pick(
        [
            ("adam", (3e-4, 1e-3, 3e-3)), ("adam", (1e-3,)), ("adamw", (1e-3, 3e-3)), ("sgd", (0.02, 0.1)),
            ("sgdm", (0.01, 0.05)), ("rmsprop", (3e-4, 1e-3)),
        ]
    )  # fmt: skip
    architecture = pick(["plain", "plain", "normalised", "normalised", "depthwise", "wide", "five"])
    return {
        "seed": seed,
        "architecture": architecture,
        "weights": pick([*LAWS]) if random.random() < 0.6 else "torch",
        "biases": pick(["torch", "zero"]),
        "task": pick(["patches", "patches", "shapes", "random", "autoencoder"]),
        "optimiser": optimiser,
        "rate": pick(rates),
        "decay": pick([0.0, 0.0, 0.0, 5e-4, 0.05]) if optimiser in ("adamw", "sgdm") else 0.0,
        "steps": pick([10, 30, 100, 200, 200, 400, 600]),
        "frozen": pick([0, 0, 0, 1, 2]),
    }


def draw_others(seed: int) -> dict[str, Any]:
    """Draw the settings of a network unlike those: other tasks, rates, activations, widths, few images."""
    random = np.random.default_rng(10_000 + seed)
    pick: Callable[[Sequence[Any]], Any] = lambda among: among[random.integers(len(among))]  # noqa: E731
    optimiser, rate, decay = pick(
        [
            ("adam", 1.5e-3, 0.0), ("adam", 1e-3, 0.0), ("adamw", 3e-3, 0.01), ("rmsprop", 7e-4, 0.0),
            ("sgdm", 0.05, 0.0), ("sgd", 0.2, 5e-4),
        ]
    )  # fmt: skip
    return {
        "seed": 10_000 + seed,
        "architecture": pick(["plain", "normalised", "depthwise", "five"]),
        "width": pick([0.5, 1.0, 2.0]),
        "activation": pick(["relu", "relu", "leaky", "silu", "tanh"]),
        "weights": pick(["torch", "torch", "torch", "glorot_uniform", "he_uniform", "he_normal_cut"]),
        "biases": pick(["torch", "zero"]),
        "task": pick(["bars", "corners", "waves"]),
        "images": 384,
        "optimiser": optimiser,
        "rate": rate * 10 ** random.uniform(-0.5, 0.5),
        "decay": decay,
        "steps": pick([10, 30, 80, 150, 300]),
        "frozen": 0,
    }


def _uniform(weights: Tensor, std: float) -> None:
    nn.init.uniform_(weights, -math.sqrt(3) * std, math.sqrt(3) * std)


def _truncated(weights: Tensor, std: float, widened: bool = True) -> None:
    sigma = std / 0.87962566 if widened else std
    nn.init.trunc_normal_(weights, 0.0, sigma, -2 * sigma, 2 * sigma)


LAWS: dict[str, Callable[[Tensor, float, float], object]] = {
    "torch": lambda w, i, _: _uniform(w, math.sqrt(1 / (3 * i))),
    "glorot_uniform": lambda w, i, o: _uniform(w, math.sqrt(2 / (i + o))),
    "he_uniform": lambda w, i, _: _uniform(w, math.sqrt(2 / i)),
    "he_normal": lambda w, i, _: nn.init.normal_(w, 0.0, math.sqrt(2 / i)),
    "fan_out_normal": lambda w, _, o: nn.init.normal_(w, 0.0, math.sqrt(2 / o)),
    "glorot_normal_cut": lambda w, i, o: _truncated(w, math.sqrt(2 / (i + o))),
    "he_normal_cut": lambda w, i, _: _truncated(w, math.sqrt(2 / i)),
    "lecun_normal_cut": lambda w, i, _: _truncated(w, math.sqrt(1 / i)),
    "truncated_0.1": lambda w, *_: _truncated(w, 0.1, widened=False),
    "normal_0.02": lambda w, *_: nn.init.normal_(w, 0.0, 0.02),
    "orthogonal": lambda w, *_: nn.init.orthogonal_(w),
}
"""What fills weights, of the number of inputs and outputs of a unit."""


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU, "leaky": lambda: nn.LeakyReLU(0.1), "silu": nn.SiLU, "tanh": nn.Tanh,
}  # fmt: skip


def build(settings: dict[str, Any]) -> tuple[nn.Sequential, list[nn.Conv2d]]:
    """Make the network, and fill it as the settings say."""
    torch.manual_seed(settings["seed"])
    channels = 1 if settings["task"] in ("shapes", "bars", "waves") else 3
    kind = settings["architecture"]
    shapes = {
        "plain": [(16, channels, 3, 1), (16, 16, 3, 1), (32, 16, 3, 1), (32, 32, 3, 1)],
        "normalised": [(16, channels, 3, 1), (16, 16, 3, 1), (32, 16, 3, 1), (32, 32, 3, 1)],
        "depthwise": [(16, channels, 3, 1), (16, 16, 3, 16), (32, 16, 1, 1), (32, 32, 3, 32), (48, 32, 1, 1)],
        "wide": [(32, channels, 7, 1), (48, 32, 3, 1), (64, 48, 3, 1)],
        "five": [(24, channels, 5, 1), (32, 24, 5, 1)],
    }[kind]
    if "width" in settings:
        shapes = [_widened(shape, settings["width"], channels) for shape in shapes]
    has_norm = kind in ("normalised", "depthwise") or (kind == "wide" and settings["seed"] % 2 == 0)
    layers: list[nn.Module] = []
    convs: list[nn.Conv2d] = []
    for place, (filters, inputs, size, groups) in enumerate(shapes):
        conv = nn.Conv2d(inputs, filters, size, padding=size // 2, groups=groups, bias=not has_norm)
        fan_in = conv.weight[0].numel()
        fan_out = filters * size**2
        with torch.no_grad():
            LAWS[settings["weights"]](conv.weight, fan_in, fan_out)
            if conv.bias is not None and settings["biases"] == "zero":
                conv.bias.zero_()
        convs.append(conv)
        active = ACTIVATIONS[settings.get("activation", "relu")]()
        layers += [conv, nn.BatchNorm2d(filters), active] if has_norm else [conv, active]
        if place in (1, 3):
            layers.append(nn.MaxPool2d(2))
    outputs = channels * SIDE**2 if settings["task"] == "autoencoder" else CLASSES
    layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * shapes[-1][0], outputs)]
    return nn.Sequential(*layers), convs


def _widened(shape: tuple[int, int, int, int], width: float, channels: int) -> tuple[int, int, int, int]:
    filters, inputs, size, groups = shape
    wide = inputs if inputs == channels else int(inputs * width)
    return int(filters * width), wide, size, int(groups * width) if groups > 1 else 1


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train a network; return its weights before and after, and what is known of them."""
    network, convs = build(settings)
    for conv in convs[: settings["frozen"]]:
        conv.requires_grad_(False)
    before = [{k: v.detach().clone() for k, v in conv.named_parameters()} for conv in convs]
    x, y = data(settings)
    moving = [p for p in network.parameters() if p.requires_grad]
    optimiser = make_optimiser(settings, moving)
    loss = nn.MSELoss() if settings["task"] == "autoencoder" else nn.CrossEntropyLoss()
    learned = settings.get("images", len(x) - 500)
    held_out = slice(len(x) - 500, None)
    random = torch.Generator().manual_seed(settings["seed"])
    network.train()
    for _ in range(settings["steps"]):
        rows = torch.randint(learned, (BATCH,), generator=random)
        optimiser.zero_grad()
        loss(network(x[rows]), y[rows]).backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        answer = network(x[held_out])
        lost = float(loss(answer, y[held_out]))
        right = None if y.ndim > 1 else float((answer.argmax(1) == y[held_out]).float().mean())
    arrays: dict[str, Any] = {}
    norms = [layer for layer in network if isinstance(layer, nn.BatchNorm2d)]
    for place, norm in enumerate(norms, start=1):
        for name, value in (
            ("gamma", norm.weight), ("beta", norm.bias), ("mean", norm.running_mean),
            ("variance", norm.running_var),
        ):  # fmt: skip
            arrays[f"f_{name}{place}"] = value.detach().numpy()
    cosines = []
    for place, (conv, start) in enumerate(zip(convs, before, strict=True), start=1):
        for state, values in (("i", start), ("f", dict(conv.named_parameters()))):
            for name, short in (("weight", "W"), ("bias", "b")):
                if name in values:
                    arrays[f"{state}_{short}{place}"] = values[name].detach().numpy()
        u, w = (arrays[f"{state}_W{place}"].ravel().astype(float) for state in "if")
        cosines.append(float(u @ w) ** 2 / float(u @ u) / float(w @ w))
    frozen = [place < settings["frozen"] for place in range(len(convs))]
    facts = {**settings, "loss": lost, "accuracy": right, "cos2": cosines, "frozen": frozen}
    return {**arrays, "meta": json.dumps(facts)}


def make_optimiser(settings: dict[str, Any], moving: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimiser of the settings."""
    rate, decay = settings["rate"], settings["decay"]
    match settings["optimiser"]:
        case "adam":
            return torch.optim.Adam(moving, rate)
        case "adamw":
            return torch.optim.AdamW(moving, rate, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(moving, rate)
        case name:
            return torch.optim.SGD(moving, rate, momentum=0.9 if name == "sgdm" else 0.0, weight_decay=decay)


def data(settings: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return images ``(images, channels, 16, 16)`` of mean 0, and what to answer."""
    random = np.random.default_rng(settings["seed"] + 1000)
    make = TASKS.get(settings["task"], cut_patches)
    images, labels = make(random, 3000)
    images = (images - images.mean()) / images.std()
    if settings["task"] == "random":
        labels = random.integers(0, CLASSES, len(labels))
    x = torch.from_numpy(images.astype(np.float32))
    if settings["task"] == "autoencoder":
        return x, x.flatten(1)
    return x, torch.from_numpy(labels)


def cut_patches(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut patches out of the photograph that comes with matplotlib; the class is the strip they lie in."""
    path = Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    with Image.open(path) as picture:
        photo = np.asarray(picture.convert("RGB"), dtype=float).transpose(2, 0, 1)
    labels = random.integers(0, CLASSES, n)
    height = (photo.shape[1] - SIDE) // CLASSES
    rows = labels * height + random.integers(0, height, n)
    cols = random.integers(0, photo.shape[2] - SIDE, n)
    return np.stack([photo[:, r : r + SIDE, c : c + SIDE] for r, c in zip(rows, cols, strict=True)]), labels


def draw_shapes(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw bars, discs, rings, crosses and gratings in noise, each small or large."""
    labels = random.integers(0, CLASSES, n)
    down, across = np.mgrid[:SIDE, :SIDE]
    images = []
    for label in labels:
        r, c = random.uniform(5, 11, 2)
        size = 2.0 if label % 2 else 3.5
        y, x = down - r, across - c
        angle = random.uniform(-0.3, 0.3)
        y, x = y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)
        radius = np.hypot(y, x)
        shape = [
            (np.abs(y) < 1) & (np.abs(x) < 2 * size),
            radius < size,
            np.abs(radius - size) < 0.8,
            ((np.abs(y) < 1) | (np.abs(x) < 1)) & (radius < 2 * size),
            np.sin(x * 6 / size) > 0,
        ][label // 2]
        images.append(shape + 0.3 * random.standard_normal((SIDE, SIDE)))
    return np.stack(images)[:, np.newaxis], labels


def draw_bars(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a bar across noise, or down; the class is its direction and which half it lies in."""
    labels = random.integers(0, 4, n)
    images = 0.5 * random.random((n, 1, SIDE, SIDE))
    for image, label in zip(images[:, 0], labels, strict=True):
        place = random.integers(1, SIDE // 2 - 1) + SIDE // 2 * (label // 2)
        bar = slice(place, place + 2)
        image[(slice(None), bar) if label % 2 else bar] += 0.7
    return images, labels


def draw_corners(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a square, an angle, a diagonal or two lines in one of three colours; the class is which."""
    labels = random.integers(0, 4, n)
    images = 0.3 * random.random((n, 3, SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        r, c = random.integers(1, SIDE - 6, 2)
        patch = image[random.integers(3), r : r + 5, c : c + 5]
        parts = (
            [np.s_[:, :]],
            [np.s_[:, 0], np.s_[4, 1:]],
            [(range(5), range(5))],
            [np.s_[:, 0], np.s_[:, 4]],
        )
        for part in parts[label]:
            patch[part] += 0.6
    return images, labels


def draw_waves(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw gratings of any phase and of several frequencies in noise; the class is one of six directions."""
    labels = random.integers(0, 6, n)
    angle = (labels * np.pi / 6)[:, np.newaxis, np.newaxis]
    frequency, phase = random.uniform(0.5, 1.3, (n, 1, 1)), random.uniform(0, 2 * np.pi, (n, 1, 1))
    down, across = np.mgrid[:SIDE, :SIDE]
    waves = np.sin(frequency * (np.cos(angle) * down + np.sin(angle) * across) + phase)
    return (waves + 0.5 * random.standard_normal(waves.shape))[:, np.newaxis], labels


TASKS = {"shapes": draw_shapes, "bars": draw_bars, "corners": draw_corners, "waves": draw_waves}
"""What draws images; those of other tasks are cut out of a photograph."""


if __name__ == "__main__":
    main()
