"""Fuzz the reader: ``python -m tests.fuzz.fuzz_reading`` runs for five minutes.

With the extra ``fuzz`` (Atheris) the mutations are led by what they reach in the code; without it, or with
``--plain``, they are random, also within the members of zips and in files that need others beside them. A
network that is small then goes through what the commands do with it (`looking.py`). What is not answered as
it should be, or takes too long or too much memory, is kept in a folder, and named; once that is mended, it
belongs into ``corpus/``.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.looking import LONG_LOOKS, LOOKS, Look
from tests.fuzz.mutations import Seed, mutate, mutate_seed, seeds
from tests.fuzz.reading import read_path, read_whole

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = [
    TESTS / "fixtures",
    *(TESTS.parents[1] / "shared" / name for name in ("models", "pickles", "modern")),
]
SLOW = 20.0
"""Seconds of a processor that no file of a fuzzer's may take."""

LARGE = 1e9
"""Bytes that this process may come to take."""


def run_plain(
    corpus: list[Seed], seconds: float, start: int, folder: Path, keep_going: bool = False, looked_at: int = 1
) -> None:
    """Read random mutations until the time is over; each is known by its number.

    Every ``looked_at``-th goes through the commands.
    """
    end = time.monotonic() + seconds
    number, networks, failures = start, 0, 0
    while time.monotonic() < end:
        chance = random.Random(number)
        seed = mutate_seed(chance.choice(corpus), chance)
        path = seed.write(folder)
        try:
            networks += read_within(path, LONG_LOOKS if number % looked_at == 0 else ())
        except BaseException as error:
            kept = Path(f"fuzz-{number}")
            seed.write(kept)
            sys.stderr.write(f"mutation {number}, of {seed.label}, fails; it is kept in {kept}\n")
            if not keep_going or isinstance(error, KeyboardInterrupt):
                raise
            failures += 1
            traceback.print_exc(limit=-3)
        for name in seed.files:
            (folder / name).unlink()
        number += 1
    sys.stdout.write(
        f"{number - start:,} files read, {networks:,} of them networks, {failures or 'no'} failures; "
        f"{memory() / 1e6:.0f} MB at most\n"
    )


def read_within(path: Path, looks: Sequence[Look]) -> bool:
    """Read a file within the time and the memory that one may take."""
    began, before = time.process_time(), memory()
    is_network = read_path(path, looks)
    took = time.process_time() - began
    assert took < SLOW, f"{took:.0f} s"
    assert memory() < LARGE or memory() == before, f"{memory() / 1e6:.0f} MB"
    return is_network


def memory() -> float:
    """Return the most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)


def run_led(corpus: list[Seed], seconds: float, folder: Path) -> None:
    """Let Atheris choose mutations by the code that they reach."""
    import atheris

    inputs = folder / "corpus"
    inputs.mkdir()
    for number, seed in enumerate(corpus):
        (inputs / str(number)).write_bytes(seed.files[seed.entry])
    path = folder / "model.pkl"

    def mutate_more(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        changed = mutate(data, chance) if chance.random() < 0.7 else atheris.Mutate(data, most)
        return changed[:most]

    atheris.instrument_all()
    options = [
        f"-max_total_time={seconds:.0f}",
        f"-timeout={SLOW:.0f}",
        "-max_len=2097152",
        "-rss_limit_mb=4096",
    ]
    atheris.Setup(
        [sys.argv[0], *options, str(inputs)],
        lambda data: read_whole(data, path, LOOKS),
        custom_mutator=mutate_more,
    )
    atheris.Fuzz()


def main() -> None:
    """Choose the fuzzer and run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--start", type=int, default=0, help="the number of the first random mutation")
    parser.add_argument("--plain", action="store_true", help="random mutations, without Atheris")
    parser.add_argument("--keep-going", action="store_true", help="random mutations: go on after a failure")
    parser.add_argument("--only", action="append", help="a word that a seed's path has; may be repeated")
    parser.add_argument("--looked-at", type=int, default=1, help="send every N-th through the commands")
    arguments = parser.parse_args()
    warnings.simplefilter("error", RuntimeWarning)  # numpy's, which would reach a person's terminal
    corpus = seeds((folder for folder in FOLDERS if folder.is_dir()), arguments.only or ("",))
    sys.stdout.write(f"{len(corpus)} seeds\n")
    with tempfile.TemporaryDirectory() as folder:
        try:
            import atheris  # noqa: F401

            led = not arguments.plain
        except ImportError:
            led = False
        if led:
            run_led(corpus, arguments.seconds, Path(folder))
        else:
            run_plain(
                corpus,
                arguments.seconds,
                arguments.start,
                Path(folder),
                arguments.keep_going,
                arguments.looked_at,
            )


if __name__ == "__main__":
    main()
