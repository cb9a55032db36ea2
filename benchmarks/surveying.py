"""How fast `filtviz survey` is: layers and filters a second, the share lost to reading, and memory.

    python benchmarks/surveying.py [FILES]

makes FILES small models (1,000 by default) with two layers of 64x64x3x3 in a temporary folder, surveys them
with one process and with one for each core, and prints a table. Memory is the largest resident set of this
process and of any of its workers. The named peer, in the same run, is `filtviz.diagnose` in a loop.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import filtviz

LAYERS = ((64, 64, 3, 3),) * 2


def make(folder: Path, n: int) -> None:
    """Save models with random weights, each with its own."""
    for number in range(n):
        rng = np.random.default_rng(number)
        arrays = {
            f"conv{place}.weight": rng.normal(0, 0.05, shape).astype(np.float32)
            for place, shape in enumerate(LAYERS)
        }
        np.savez(folder / f"model{number}.npz", **arrays)


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds by the clock, and of processors with all children."""
    before, started = os.times(), time.perf_counter()
    work()
    after = os.times()
    spent = sum(after[:4]) - sum(before[:4])
    return time.perf_counter() - started, spent


def megabytes(who: int) -> float:
    """Return the largest resident set."""
    return resource.getrusage(who).ru_maxrss / (1 << 10)


def main(n: int) -> None:
    """Measure and print."""
    import pyarrow.parquet

    print("| run | files/s | layers/s | filters/s | layers/s and core | reading | largest process, MB |")
    print("|-----|---------|----------|-----------|-------------------|---------|---------------------|")
    with tempfile.TemporaryDirectory() as scratch:
        zoo = Path(scratch, "zoo")
        zoo.mkdir()
        make(zoo, n)
        few = sorted(zoo.iterdir())[: max(1, n // 20)]
        wall, spent = cost(lambda: [filtviz.diagnose(path) for path in few])
        row("diagnose in a loop", len(few), wall, spent, "", megabytes(resource.RUSAGE_SELF))
        for jobs in (1, os.cpu_count() or 1):
            out = Path(scratch, f"survey{jobs}")
            wall, spent = cost(lambda out=out, jobs=jobs: filtviz.survey(zoo, out, jobs=jobs))
            table = pyarrow.parquet.read_table(
                out / "files.parquet", columns=["seconds_reading", "seconds_measuring"]
            )
            reading, measuring = (sum(column.to_pylist()) for column in table.columns)
            most = max(megabytes(resource.RUSAGE_SELF), megabytes(resource.RUSAGE_CHILDREN))
            row(f"survey, {jobs} at a time", n, wall, spent, f"{reading / (reading + measuring):.0%}", most)


def row(what: str, n: int, wall: float, spent: float, reading: str, most: float) -> None:
    """Print a row."""
    layers, filters = n * len(LAYERS), n * sum(shape[0] for shape in LAYERS)
    print(
        f"| {what} | {n / wall:.1f} | {layers / wall:.1f} | {filters / wall:,.0f} | {layers / spent:.1f} "
        f"| {reading} | {most:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
