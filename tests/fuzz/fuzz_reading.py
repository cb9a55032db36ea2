"""Fuzz the reader: ``python -m tests.fuzz.fuzz_reading`` runs for five minutes.

With the extra ``fuzz`` (Atheris) the mutations are led by what they reach in the code; without it, or with
``--plain``, they are random. A network that is small then goes through what the commands do with it
(`looking.py`). A file that is not answered as it should be is kept, and named; once that is mended, it
belongs into ``corpus/``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from tests.fuzz.looking import LOOKS
from tests.fuzz.mutations import mutate, seeds
from tests.fuzz.reading import read_whole

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = [TESTS / "fixtures", *(TESTS.parents[1] / "shared" / name for name in ("models", "pickles"))]
SLOW = 20.0
"""Seconds of a processor that no file of a fuzzer's may take."""


def run_plain(
    corpus: list[bytes], seconds: float, start: int, folder: Path, keep_going: bool = False
) -> None:
    """Read random mutations until the time is over; each is known by its number."""
    path = folder / "model.pkl"
    end = time.monotonic() + seconds
    number, networks, failures = start, 0, 0
    while time.monotonic() < end:
        chance = random.Random(number)
        data = mutate(chance.choice(corpus), chance)
        began = time.process_time()
        try:
            networks += read_whole(data, path, LOOKS)
            took = time.process_time() - began
            assert took < SLOW, f"{took:.0f} s"
        except BaseException as error:
            kept = Path(f"fuzz-{number}.bin")
            kept.write_bytes(data)
            sys.stderr.write(f"mutation {number} fails; it is kept as {kept}\n")
            if not keep_going or isinstance(error, KeyboardInterrupt):
                raise
            failures += 1
            traceback.print_exc(limit=-3)
        number += 1
    sys.stdout.write(
        f"{number - start:,} files read, {networks:,} of them networks, {failures or 'no'} failures\n"
    )


def run_led(corpus: list[bytes], seconds: float, folder: Path) -> None:
    """Let Atheris choose mutations by the code that they reach."""
    import atheris

    inputs = folder / "corpus"
    inputs.mkdir()
    for number, data in enumerate(corpus):
        (inputs / str(number)).write_bytes(data)
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
    arguments = parser.parse_args()
    warnings.simplefilter("error", RuntimeWarning)  # numpy's, which would reach a person's terminal
    corpus = seeds(folder for folder in FOLDERS if folder.is_dir())
    with tempfile.TemporaryDirectory() as folder:
        try:
            import atheris  # noqa: F401

            led = not arguments.plain
        except ImportError:
            led = False
        if led:
            run_led(corpus, arguments.seconds, Path(folder))
        else:
            run_plain(corpus, arguments.seconds, arguments.start, Path(folder), arguments.keep_going)


if __name__ == "__main__":
    main()
