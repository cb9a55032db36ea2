"""How long `filtviz.diagnose` takes, and how much memory: an example, two well-known networks, a huge layer.

First, from shell to prompt: `filtviz diagnose` on the example, and `filtviz explain`, as ratios to a Python
that only imports numpy and matplotlib's Figure. They take turns, so that a busy machine slows all of them.

Run alone on one core for figures to quote:

    OMP_NUM_THREADS=1 python benchmarks/diagnose.py
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

import filtviz
from filtviz.activations import Activation
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Input, Pooling

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
VGG_16 = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
"""Channels through each block of convolutions; a pooling follows each block."""

RESNET_50 = ((3, 64), (4, 128), (6, 256), (3, 512))
"""Blocks of each stage, and the filters of their first two convolutions."""

YARDSTICK = ["-c", "import numpy; from matplotlib.figure import Figure"]
COMMANDS = {
    "numpy and Figure, nothing else": YARDSTICK,
    "filtviz diagnose mission-trained.pkl": [
        "-m",
        "filtviz",
        "diagnose",
        str(EXAMPLES / "mission-trained.pkl"),
    ],
    "filtviz explain spike": ["-m", "filtviz", "explain", "spike"],
}


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the layer of 2 million kernels")
    parser.add_argument("--repeat", type=int, default=11, help="turns of each command")
    options = parser.parse_args()
    report_commands(options.repeat)
    cases = [
        ("the example network", example),
        ("ResNet-50 (untrained)", resnet50),
        ("VGG-16 (untrained)", vgg16),
    ]
    if not options.quick:
        cases.append(("1024 filters x 2048 channels", million_kernels))
    print(f"{'network':<30}{'kernels':>12}{'seconds':>10}{'MB':>8}{'largest layer, MB':>20}")
    filtviz.diagnose(example())  # the imports are not what is measured
    for name, make in cases:
        network = make()
        before = peak_memory()
        start = time.perf_counter()
        filtviz.diagnose(network)
        taken = time.perf_counter() - start
        kernels = sum(layer.n_filters * layer.n_channels for layer in network.conv_layers)
        largest = max(layer.weights.size * layer.weights.dtype.itemsize for layer in network.conv_layers)
        print(f"{name:<30}{kernels:>12,}{taken:>10.2f}{peak_memory() - before:>8.0f}{largest / 1e6:>20.1f}")


def report_commands(repeat: int) -> None:
    """Print the median time of each command from shell to prompt, and its ratio to the yardstick's."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(repeat + 1):
        for name, arguments in COMMANDS.items():
            seconds = time_command(arguments)
            if turn > 0:  # the first compiles what is not compiled yet
                taken[name].append(seconds)
    yardstick = median(next(iter(taken.values())))
    print(f"{'command':<40}{'seconds':>10}{'ratio':>8}")
    for name, times in taken.items():
        print(f"{name:<40}{median(times):>10.3f}{median(times) / yardstick:>8.2f}")
    print()


def time_command(arguments: Sequence[str]) -> float:
    """Run Python with these arguments as a user's shell does, and return how long that takes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def example() -> Network:
    """Read the example network."""
    return filtviz.load(EXAMPLES / "mission-trained.pkl")


def vgg16() -> Network:
    """Make a network of VGG-16's shapes."""
    return network_of(layers_of_vgg16())


def resnet50() -> Network:
    """Make a network of ResNet-50's 53 convolutions, as a state_dict of PyTorch's has them."""
    weights = {"conv1": (64, 3, 7, 7)}
    below = 64
    for stage, (n_blocks, width) in enumerate(RESNET_50, start=1):
        for block in range(n_blocks):
            name = f"layer{stage}.{block}"
            weights[f"{name}.conv1"] = (width, below, 1, 1)
            weights[f"{name}.conv2"] = (width, width, 3, 3)
            weights[f"{name}.conv3"] = (4 * width, width, 1, 1)
            if block == 0:
                weights[f"{name}.downsample.0"] = (4 * width, below, 1, 1)
            below = 4 * width
    random, drawn = np.random.default_rng(0), {}
    for name, (filters, channels, rows, cols) in weights.items():
        std = np.sqrt(2 / (filters * rows * cols))
        drawn[f"{name}.weight"] = random.normal(0, std, (filters, channels, rows, cols)).astype("f4")
    return filtviz.layers(drawn).network


def million_kernels() -> Network:
    """Make a network of one very large layer."""
    return network_of([conv(2048, 1024, 0)])


def layers_of_vgg16() -> Iterator[Layer]:
    """Yield 13 convolutions and 5 poolings."""
    for block in VGG_16:
        for below, filters in pairwise(block):
            yield conv(below, filters, seed=below + filters)
        halving = Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0)))
        yield Layer(type="MaxPool2DLayer", operations=(halving,))


def conv(channels: int, filters: int, seed: int) -> ConvLayer:
    """Draw a layer of 3x3 kernels as GlorotUniform() does."""
    bound = np.sqrt(6 / ((channels + filters) * 9))
    weights = np.random.default_rng(seed).uniform(-bound, bound, (filters, channels, 3, 3)).astype(np.float32)
    return ConvLayer.of(
        weights,
        np.zeros(filters, np.float32),
        type="Conv2DLayer",
        stride=(1, 1),
        pad=((1, 1), (1, 1)),
        followed_by=(Activation(kind="rectify"),),
    )


def network_of(layers: Iterator[Layer] | Sequence[Layer]) -> Network:
    """Put an input below the layers and chain them."""
    chained: list[Layer] = []
    for layer in layers:
        if not chained:
            assert isinstance(layer, ConvLayer)
            shape = (None, layer.n_channels, 224, 224)
            chained.append(Layer(type="InputLayer", output_shape=shape, operations=(Input(shape=shape),)))
        chained.append(replace(layer, inputs=(len(chained) - 1,)))
    return Network.of(chained)


def peak_memory() -> float:
    """Return the most memory that the process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
