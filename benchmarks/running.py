"""How fast networks are run, as ratios in one run: each pair is measured in turn, again and again.

What is compared are processor seconds, the best of several rounds, on one thread: a machine that does other
things, too, gives much the same. Run it where PyTorch is installed, and again with the extra ``lasagne`` for
nolearn's rows::

    python benchmarks/running.py

It prints Markdown tables.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core is one core
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from tabulate import tabulate

import filtviz
from filtviz.errors import FiltvizError
from filtviz.network import Network

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
MODEL, DIGITS = EXAMPLES / "mission-trained.pkl", EXAMPLES / "digits.npz"

Job = Callable[[], object]


def best_of(rounds: int, *jobs: Job) -> list[float]:
    """Return the least processor seconds that each job takes; in each round all of them are done."""
    best = [float("inf")] * len(jobs)
    for _ in range(rounds):
        for place, job in enumerate(jobs):
            start = time.process_time()
            job()
            best[place] = min(best[place], time.process_time() - start)
    return best


def best_of_commands(rounds: int, *commands: list[str]) -> list[float]:
    """Return the least processor seconds of programs, their children's as the system counts them."""
    best = [float("inf")] * len(commands)
    for _ in range(rounds):
        for place, words in enumerate(commands):
            with Popen(words, stdout=DEVNULL, stderr=DEVNULL) as process:
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, words
            best[place] = min(best[place], used.ru_utime + used.ru_stime)
    return best


def by_hand(network: Network, dtype: str) -> Any:
    """Return the mission's network as a person writes it in PyTorch, with the weights of the file."""
    import torch
    from torch import nn

    filters, units = iter((20, 20, 20, 40, 40, 40)), iter((96, 32, 1))
    layers: list[Any] = []
    channels, features = 1, 360
    for layer in network.layers:
        kind = layer.type
        if kind == "Conv2DLayer":
            layers += [nn.Conv2d(channels, channels := next(filters), 3), nn.ReLU()]
        elif kind == "MaxPool2DLayer":
            layers.append(nn.MaxPool2d(2))
        elif kind == "DropoutLayer":
            layers += [nn.Dropout(0.5), nn.Flatten()]
        elif kind == "DenseLayer":
            layers += [
                nn.Linear(features, features := next(units)),
                nn.ReLU() if features > 1 else nn.Sigmoid(),
            ]
    module = nn.Sequential(*layers).eval()
    weighted = [each for each in module if hasattr(each, "weight")]
    held = [layer for layer in network.layers if layer.parameter("W") is not None]
    for each, layer in zip(weighted, held, strict=True):
        weights, bias = layer.parameter("W").value, layer.parameter("b").value  # type: ignore[union-attr]
        turned = weights[..., ::-1, ::-1] if weights.ndim == 4 else weights.T
        each.weight.data = torch.from_numpy(np.array(turned))
        each.bias.data = torch.from_numpy(np.array(bias))
    return module.to(getattr(torch, dtype))


def engines(network: Network, digits: np.ndarray, rounds: int) -> list[list[str]]:
    """Compare PyTorch's engine with a module, and numpy's engine with PyTorch's."""
    import torch

    torch.set_num_threads(1)
    rows = []
    for dtype in ("float32", "float64"):
        module, images = by_hand(network, dtype), digits.astype(dtype)

        def forward(module: Any = module, images: np.ndarray = images) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(module(torch.from_numpy(images)).numpy())

        ours = partial(network.run, images, engine="torch", dtype=dtype)
        plain = partial(network.run, images, engine="numpy", dtype=dtype)
        np.testing.assert_allclose(ours(), forward(), rtol=1e-3, atol=1e-5)
        theirs, torchs, numpys = best_of(rounds, forward, ours, plain)
        rows.append([dtype, *(f"{x:.3f}" for x in (theirs, torchs, numpys)), f"{torchs / theirs:.2f}",
                     f"{numpys / torchs:.2f}"])  # fmt: skip
    return rows


def one_at_a_time(network: Network, image: np.ndarray, engine: str, square: int = 7) -> np.ndarray:
    """Return a map as it is made where each covered image is run by itself, Captum's default."""
    rows, cols = image.shape[-2:]
    found = np.zeros((rows, cols))
    for i in range(rows):
        for j in range(cols):
            covered = image.copy()
            covered[
                :,
                max(i - square // 2, 0) : i + square // 2 + 1,
                max(j - square // 2, 0) : j + square // 2 + 1,
            ] = 0
            found[i, j] = network.run(covered[None], engine=engine)[0, 0]  # type: ignore[call-overload]
    return found


def nolearns_net() -> Any:
    """Return the mission's network for nolearn's function; None without the extra ``lasagne``."""
    try:
        import_module("filtviz.theano_shim")  # before Theano, which nolearn imports
    except FiltvizError:
        return None
    import pickle

    import lasagne
    import theano
    import theano.tensor as T

    np.sctype2char = lambda kind: np.dtype(kind).char  # type: ignore[attr-defined]
    with MODEL.open("rb") as stream:
        last = pickle.load(stream)  # our own file
    variable = T.tensor4()
    run = theano.function([variable], lasagne.layers.get_output(last, variable, deterministic=True))

    class Net:
        layers_ = lasagne.layers.get_all_layers(last)
        predict_proba = staticmethod(lambda images: run(images.astype(theano.config.floatX)))

    return Net


def occlusions(network: Network, image: np.ndarray, rounds: int) -> list[list[str]]:
    """Compare a map of 961 places in batches with one image at a time, and with nolearn's function."""
    engine = "torch" if find_spec("torch") else "numpy"
    jobs: dict[str, Job] = {
        f"filtviz, batches ({engine})": partial(filtviz.occlusion, network, image, 0, engine=engine),
        f"an image at a time ({engine})": partial(one_at_a_time, network, image, engine),
    }
    net = nolearns_net()
    if net is not None:
        from nolearn.lasagne.visualize import occlusion_heatmap

        jobs["nolearn's occlusion_heatmap (Theano)"] = partial(occlusion_heatmap, net, image[None], 0)
    ours, *others = best_of(rounds, *jobs.values())
    return [[name, f"{x:.2f}", f"{x / ours:.1f}"] for name, x in zip(jobs, (ours, *others), strict=True)]


def starts(rounds: int) -> list[list[str]]:
    """Compare whole commands with the imports that a plotting script needs."""
    imports = [sys.executable, "-c", "import numpy; from matplotlib.figure import Figure"]
    program = [sys.executable, "-c", "from filtviz.cli import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.npz"
        with np.load(DIGITS) as held:
            np.savez(one, images=held["images"][:1])
        words = [*program, "activity", str(MODEL), "-o", folder, "--images"]
        least, alone, all_of_them = best_of_commands(
            rounds, imports, [*words, str(one)], [*words, str(DIGITS)]
        )
    return [
        ["import numpy; from matplotlib.figure import Figure", f"{least:.2f}", "1.00"],
        ["filtviz activity, one image", f"{alone:.2f}", f"{alone / least:.2f}"],
        ["filtviz activity, over 200 images", f"{all_of_them:.2f}", f"{all_of_them / least:.2f}"],
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each job is done")
    rounds = parser.parse_args().rounds
    network = filtviz.load(MODEL)
    with np.load(DIGITS) as held:
        digits = held["images"] / 255
    if find_spec("torch"):
        print("The mission's network on 200 images of 31x31, processor seconds\n")
        head = ["type", "module by hand", "torch engine", "numpy engine", "torch / module", "numpy / torch"]
        print(tabulate(engines(network, digits, rounds), head, tablefmt="pipe", disable_numparse=True))
    print("\nOcclusion of a 31x31 image, 961 places\n")
    head = ["", "processor s", "filtviz = 1"]
    print(tabulate(occlusions(network, digits[0], max(1, rounds // 2)), head, tablefmt="pipe"))
    print("\nWhole commands\n")
    print(tabulate(starts(rounds), ["", "processor s", "imports = 1"], tablefmt="pipe"))


if __name__ == "__main__":
    main()
