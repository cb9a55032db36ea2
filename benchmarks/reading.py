"""What reading takes: ``filtviz plot`` on a first layer against ``pickle.load`` and frameworks, as ratios.

Run it on an idle machine with 600 MB of free disk, in an environment that has the extra ``frameworks``::

    python benchmarks/reading.py

It writes VGG-16's parameters as Python 2 would have (protocol 2) and as today's frameworks have them (those
that are installed; the others are named), each beside a file of 2 MB with the same first layer, and a nolearn
network with 330,000 opcodes, measures whole processes, and prints Markdown tables. ``--write`` puts them into
the README between their marks; ``--quick`` makes VGG-16's dense layers a tenth as large.
"""

from __future__ import annotations

import argparse
import math
import os
import pickletools
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tabulate import tabulate

CONVOLUTIONS = [
    (64, 3), (64, 64), (128, 64), (128, 128), (256, 128), (256, 256), (256, 256),
    (512, 256), (512, 512), (512, 512), (512, 512), (512, 512), (512, 512),
]  # fmt: skip
"""Filters and channels of the thirteen 3x3 convolutions of VGG-16 (Simonyan and Zisserman, 2015)."""

DENSE = [(25088, 4096), (4096, 4096), (4096, 1000)]
SMALL = [(64, 3), (64, 64), (128, 64), (128, 128), (128, 128)]
PIECE = 1 << 20
RUNS = 5
OPCODES = 330_000

NOT_INSTALLED = 3
"""The exit status of a process whose library is not there."""

PLOT = "import sys; from filtviz.cli import main; main(sys.argv[1:])"
LOAD = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'), encoding='latin1')"
IMPORTS = "import numpy"
READ = """
import sys, time
from filtviz import load
load(sys.argv[1])
start = time.perf_counter()
network = load(sys.argv[1])
print(time.perf_counter() - start, len(network.conv_layers))
"""
UNPICKLE = """
import pickle, sys, time
class Thing:
    pass
class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return super().find_class(module, name) if module.startswith("numpy") else Thing
for _ in range(2):
    start = time.perf_counter()
    Unpickler(open(sys.argv[1], "rb"), encoding="latin1").load()
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Peer:
    """How a kind of model files is made, and how its own library loads the first layer of one.

    ``form`` is that of `making_models.py`, ``ending`` the file's, ``name`` what the peer is called.
    ``imports`` is its import, and ``load`` what comes then, with ``path`` for the file.
    """

    form: str
    ending: str
    name: str
    imports: str
    load: str


_ONNX = "onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0]).copy()"
PEERS = (
    Peer(
        "pth", "pth", "torch.load(weights_only=True, mmap=True)", "import torch",
        "torch.load(path, weights_only=True, mmap=True)['features.0.weight'].clone()",
    ),
    Peer(
        "safetensors", "safetensors", "safetensors.safe_open", "from safetensors import safe_open",
        "safe_open(path, 'numpy').get_tensor('features.0.weight')",
    ),
    Peer("onnx", "onnx", "onnx.load", "import onnx, onnx.numpy_helper", _ONNX),
    Peer("onnx-beside", "onnx", "onnx.load", "import onnx, onnx.numpy_helper", _ONNX),
    Peer("h5", "h5", "h5py.File", "import h5py", "h5py.File(path)['features_0/features_0/kernel:0'][()]"),
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a process took: ``seconds``, those of a ``processor``, and ``peak``, its resident memory, in MB.

    The least of some runs, and the most memory.
    """

    seconds: float
    processor: float
    peak: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="make the dense layers a tenth as large")
    parser.add_argument("--only", choices=TABLES, help="print one table")
    parser.add_argument("--write", action="store_true", help="write the tables into the README")
    arguments = parser.parse_args()
    if arguments.write and arguments.quick:
        parser.error("the README has the figures of whole runs: leave out --quick")
    less = 10 if arguments.quick else 1
    with tempfile.TemporaryDirectory() as folder:
        for name in [arguments.only] if arguments.only else TABLES:
            headers, make_rows = TABLES[name]
            rows = make_rows(Path(folder), less)
            table = tabulate(rows, headers, tablefmt="github", stralign="right", disable_numparse=True)
            print(table, "\n", flush=True)
            if arguments.write:
                write_table(name, table)


def marks(name: str) -> tuple[str, str]:
    """Return between what the README has a table."""
    begins, ends = (f"<!-- benchmarks/reading.py --only {name} {what} -->" for what in ("begins", "ends"))
    return begins, ends


def write_table(name: str, table: str) -> None:
    """Put a table into the README in the place of the one that is there."""
    readme = Path(__file__).resolve().parents[1] / "README.md"
    begins, ends = marks(name)
    before, begin, rest = readme.read_text(encoding="utf-8").partition(begins)
    _, end, after = rest.partition(ends)
    if not begin or not end:
        raise SystemExit(f"{readme} has no place between {begins} and {ends}")
    readme.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


SIZE_HEADERS = ["what", "file, MB", "seconds", "peak, MB", "seconds, ratio", "peak, ratio"]
PEER_HEADERS = [
    "file", "MB", "filtviz plot, s", "over that of 2 MB", "peak, MB",
    "its own library", "s", "import alone", "peak, MB", "filtviz / library",
]  # fmt: skip
OPCODE_HEADERS = ["what", "opcodes", "seconds", "ratio"]


def size_rows(folder: Path, less: int) -> list[list[str]]:
    """Compare plotting the first layer of a large and a small file, and loading the large one."""
    large, small = folder / "vgg16.pkl", folder / "small.pkl"
    dense = [(n_inputs // less, n_units) for n_inputs, n_units in DENSE]
    write_parameters(large, [(*layer, 3, 3) for layer in CONVOLUTIONS], dense)
    write_parameters(small, [(*layer, 3, 3) for layer in SMALL], [])
    measured = [
        ("filtviz plot, first layer", small, measure(plot(small, folder))),
        ("filtviz plot, first layer", large, measure(plot(large, folder))),
        ("pickle.load, all of it", large, measure([sys.executable, "-c", LOAD, str(large)])),
        ("import numpy, and nothing else", None, measure([sys.executable, "-c", IMPORTS])),
    ]
    first = measured[0][2]
    return [
        [
            what,
            "" if path is None else f"{path.stat().st_size / 1e6:.0f}",
            f"{cost.seconds:.2f}",
            f"{cost.peak:.0f}",
            f"{cost.seconds / first.seconds:.2f}",
            f"{cost.peak / first.peak:.2f}",
        ]
        for what, path, cost in measured
    ]


def peer_rows(folder: Path, less: int) -> list[list[str]]:
    """Compare plotting the first layer with what each framework takes to load it.

    Seconds are those of a processor: the frameworks' imports read hundreds of files, which the disk may
    have or not.
    """
    return [peer_row(peer, folder / peer.form, less) for peer in PEERS]


def peer_row(peer: Peer, folder: Path, less: int) -> list[str]:
    """Write a large and a small file, measure, and remove them."""
    kind = f".{peer.ending}{', data beside it' if peer.form.endswith('beside') else ''}"
    folder.mkdir()
    large, small = folder / f"vgg16.{peer.ending}", folder / f"small.{peer.ending}"
    if not all([make(peer, large, "large", less), make(peer, small, "small", less)]):
        return [kind, *["not measured"] * 4, f"{peer.name} is not installed", *["" for _ in range(4)]]
    size = sum(path.stat().st_size for path in folder.glob("vgg16*"))
    ours, less_to_read = measure(plot(large, folder)), measure(plot(small, folder))
    alone = measure([sys.executable, "-c", peer.imports])
    theirs = measure([sys.executable, "-c", f"{peer.imports}; path = {str(large)!r}; {peer.load}"])
    shutil.rmtree(folder)
    return [
        kind, f"{size / 1e6:.0f}", f"{ours.processor:.2f}", f"{ours.processor / less_to_read.processor:.2f}",
        f"{ours.peak:.0f}", peer.name, f"{theirs.processor:.2f}", f"{alone.processor:.2f}",
        f"{theirs.peak:.0f}", f"{ours.processor / theirs.processor:.2f}",
    ]  # fmt: skip


def make(peer: Peer, path: Path, size: str, less: int) -> bool:
    """Write a file in a process of its own; tell whether the library for it is there."""
    script = Path(__file__).with_name("making_models.py")
    made = subprocess.run(
        [sys.executable, script, peer.form, path, size, str(less)], stderr=subprocess.DEVNULL
    )
    assert made.returncode in (0, NOT_INSTALLED), f"{peer.form} cannot be made"
    return made.returncode == 0


def plot(model: Path, folder: Path) -> list[str]:
    """Return the command that plots the first layer."""
    return [sys.executable, "-c", PLOT, "plot", str(model), "--layer", "0", "-o", str(folder / "pictures")]


def measure(command: Sequence[str]) -> Cost:
    """Run a command some times; this process stays small, since a child's peak begins with its parent's."""
    costs = [run(command) for _ in range(RUNS)]
    return Cost(
        min(cost.seconds for cost in costs),
        min(cost.processor for cost in costs),
        max(cost.peak for cost in costs),
    )


def run(command: Sequence[str]) -> Cost:
    """Run a command once."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3)


def opcode_rows(folder: Path, less: int) -> list[list[str]]:  # noqa: ARG001
    """Compare reading a network among many other objects with what Python's own unpickler takes."""
    path = folder / "nolearn.pkl"
    n_opcodes = write_neural_net(path)
    ours, n_convs = (float(word) for word in output(READ, path).split())
    assert n_convs == 1
    theirs = float(output(UNPICKLE, path))
    return [
        ["filtviz.load", f"{n_opcodes:,}", f"{ours:.2f}", f"{ours / theirs:.1f}"],
        ["pickle.Unpickler, classes replaced by an empty one", f"{n_opcodes:,}", f"{theirs:.2f}", "1.0"],
    ]


def output(program: str, path: Path) -> str:
    """Run a program on a file and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
    ).stdout


def write_parameters(path: Path, convolutions: Sequence[tuple], dense: Sequence[tuple]) -> None:
    """Write a list of weights and biases as Python 2's ``cPickle.dump(values, file, 2)`` does."""
    with path.open("wb") as file:
        file.write(b"\x80\x02](")
        for shape in (*convolutions, *dense):
            write_array(file, shape)
            write_array(file, (shape[0] if len(shape) == 4 else shape[1],))
        file.write(b"e.")


@cache
def drawn_numbers() -> bytes:
    """Draw as many normal numbers as fill a piece."""
    source = random.Random(0)
    return array("f", (source.gauss() for _ in range(PIECE // 4))).tobytes()


def write_array(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write an array of numbers, a piece at a time, so that this process stays small."""
    n_bytes = 4 * math.prod(shape)
    lengths = b"".join(b"J" + struct.pack("<i", length) for length in shape)
    file.write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR")
    file.write(b"(K\x01(" + lengths + b"t" + FLOAT32 + b"\x89T" + struct.pack("<i", n_bytes))
    numbers = drawn_numbers()
    for start in range(0, n_bytes, PIECE):
        file.write(numbers[: n_bytes - start])
    file.write(b"tb")


FLOAT32 = b"cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def write_neural_net(path: Path) -> int:
    """Write a nolearn network beside what compiled functions leave in a file; return the number of steps."""
    node = b"ctheano.gof.graph\nApply\n)\x81}(U\x04nameU\x01xU\x05indexK\x07U\x05ownerNub"
    n_nodes = OPCODES // 13
    with path.open("wb") as file:
        file.write(b"\x80\x02cnolearn.lasagne.base\nNeuralNet\n)\x81}(U\x07layers_]")
        file.write(b"clasagne.layers.conv\nConv2DLayer\n)\x81}(U\x0binput_layerNU\x0bnum_filtersK\x40")
        file.write(b"U\x0bfilter_size(K\x03K\x03tU\x06strideK\x01U\x03padK\x00U\x01W")
        write_array(file, (64, 3, 3, 3))
        file.write(b"ubaU\x0atrain_iter](" + node * n_nodes + b"eub.")
    with path.open("rb") as file:
        return sum(1 for _ in pickletools.genops(file))


TABLES = {
    "pickles": (SIZE_HEADERS, size_rows),
    "frameworks": (PEER_HEADERS, peer_rows),
    "opcodes": (OPCODE_HEADERS, opcode_rows),
}

if __name__ == "__main__":
    main()
