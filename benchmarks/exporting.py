"""What an export costs that draws nothing new, as a ratio to the one that drew it.

    python benchmarks/exporting.py [FILES]

makes FILES small models (100 by default) in a temporary folder, and exports them twice with one process.
Seconds
are those of processors, start included, so that other work on the machine counts little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LAYERS = ((16, 3, 5, 5), (32, 16, 3, 3))


def make(folder: Path, n: int) -> None:
    """Save models with random weights, each with its own."""
    for number in range(n):
        rng = np.random.default_rng(number)
        arrays = {
            f"conv{place}.weight": rng.normal(0, 0.05, shape).astype(np.float32)
            for place, shape in enumerate(LAYERS)
        }
        np.savez(folder / f"model{number}.npz", **arrays)


def cost(*words: str) -> float:
    """Return the processor seconds of a command."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "filtviz", *words], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main(n: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        zoo = Path(scratch, "zoo")
        zoo.mkdir()
        make(zoo, n)
        export = "export", str(zoo), "-o", str(Path(scratch, "out")), "-j", "1", "-q"
        first, second = cost(*export), cost(*export)
        start = cost("export", "--help")
    print(f"| {n} models | processor seconds | ratio |")
    print("|------------|-------------------|-------|")
    for what, seconds in (("drawn", first), ("nothing new", second), ("the program's start alone", start)):
        print(f"| {what} | {seconds:.2f} | {seconds / first:.3f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
