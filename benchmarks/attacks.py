"""What small hostile files take: the processor time and the memory of every command with default limits.

No file under 1 MB may take more than 10 seconds of processor time or 1 GB in any command. Each attack is made
here, written to a folder that is removed again, and given to every command, each a process of its own. The
first row is a Python that only imports numpy and matplotlib's Figure. Exit status 1 says that something is
over the bar::

    python benchmarks/attacks.py
    python benchmarks/attacks.py --only streams --command layers
    python benchmarks/attacks.py --results costs.json --into docs/security.md

Where others use the machine, the same work takes more of a processor's time: two threads share a core and its
caches. So a fixed piece of Python is run before and after each process, and what it took more than at its
fastest is what the process is forgiven (`Pace`); the table has the seconds as they were, too.

A new attack is one row in `ATTACKS`: its name, what makes its bytes, and what part of the program it is
aimed at. What makes it may take the functions of ``tests/attacks``, which write pickles opcode by opcode.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.attacks import formats, growing, working  # noqa: E402  (the folder above is no installed package)

LARGEST_FILE = 1_000_000
BAR_SECONDS, BAR_MEGABYTES = 10.0, 1000.0
PATIENCE = 4.0
"""Times the bar after which a process is ended: of what is over it, how far is of no interest."""

REFERENCE = ["-c", "import numpy; from matplotlib.figure import Figure"]
MODEL = "model.pkl"
COMMANDS = {
    "layers": ["layers", MODEL],
    "plot": ["plot", MODEL, "-o", "pictures"],
    "sheet": ["plot", MODEL, "--view", "sheet", "-o", "pictures"],
    "through": ["plot", MODEL, "--through", "--layer", "-1", "-o", "pictures"],
    "terminal": ["plot", MODEL, "--terminal", "--layer", "-1"],
    "diagnose": ["diagnose", MODEL],
    "export": ["export", MODEL, "-q", "-o", "pictures"],
    "report": ["report", MODEL, "-o", "page.html"],
    "compare": ["compare", MODEL, MODEL, "-o", "pictures", "--animate", "states.gif"],
}
"""Name in the table → the command line; to compare, the file is read twice."""

ATTACKS: dict[str, tuple[str, Callable[[], bytes]]] = {
    **{name: ("reading", make) for name, make in growing.TO_READ.items()},
    **{name: ("formats", make) for name, make in formats.TO_OPEN.items()},
    **{name: ("working", make) for name, make in working.TO_WORK.items()},
}
"""Name → the part of the program that it is aimed at, and what makes its bytes."""


@dataclass(frozen=True)
class Cost:
    """What a process took: ``seconds`` of all processors, and ``peak``, the most resident memory, in MB.

    ``slowness`` is how many times as long a fixed piece of work took beside it as on the idle machine.
    """

    seconds: float
    slowness: float
    peak: float
    status: int
    said: str
    raised: bool

    @property
    def passes(self) -> bool:
        """Whether it stayed below the bar, and ended by itself with a result or one sentence."""
        return (
            self.idle_seconds <= BAR_SECONDS
            and self.peak <= BAR_MEGABYTES
            and self.status in (0, 1)
            and not self.raised
        )

    @property
    def idle_seconds(self) -> float:
        """The seconds that it takes where nobody else uses the machine, about."""
        return self.seconds / self.slowness

    def __str__(self) -> str:
        mark = "" if self.passes else " !"
        beside = "" if self.slowness < 1.1 else f" ({self.seconds:.1f})"
        return f"{self.idle_seconds:.1f}{beside} s {self.peak:.0f} MB{mark}"


class Pace:
    """How fast the machine is at the moment, against its fastest of this run."""

    def __init__(self) -> None:
        self.fastest = min(self._time() for _ in range(200))

    def slowness(self) -> float:
        """Return the mean of some tries over the fastest of all."""
        tries = [self._time() for _ in range(20)]
        self.fastest = min(self.fastest, *tries)
        return sum(tries) / len(tries) / self.fastest

    def _time(self) -> float:
        begun, total = time.process_time(), 0
        for number in range(60_000):
            total += number & 7
        return time.process_time() - begun


@cache
def pace() -> Pace:
    """Return that of this run."""
    return Pace()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="attacks whose name, or whose part, holds this text")
    parser.add_argument("--command", choices=COMMANDS, action="append", help="may be repeated")
    parser.add_argument("--said", action="store_true", help="print the last line of each process")
    parser.add_argument(
        "--results", type=Path, metavar="PATH", help="keep what was measured here, and add to it"
    )
    parser.add_argument(
        "--into", type=Path, metavar="PATH", help="write the summary of the results into a text"
    )
    parser.add_argument("--write", nargs=2, metavar=("NAME", "PATH"), help="write one attack and do no more")
    options = parser.parse_args()
    if options.write:
        name, path = options.write
        Path(path).write_bytes(ATTACKS[name][1]())
        return
    chosen = [name for name, (part, _) in ATTACKS.items() if options.only in name or options.only == part]
    commands = options.command or list(COMMANDS)
    passed = report(chosen, commands, said=options.said, results=options.results)
    if options.into and options.results:
        write_summary(json.loads(options.results.read_text()), options.into)
    sys.exit(0 if passed else 1)


def report(attacks: Sequence[str], commands: Sequence[str], *, said: bool, results: Path | None) -> bool:
    """Print the table, row by row; return whether everything stayed below the bar."""
    reference = run(REFERENCE, Path.cwd())
    print_row(["attack", "bytes", *commands, f"{BAR_SECONDS:.0f} s, {BAR_MEGABYTES:,.0f} MB"])
    print_row(["---"] * (len(commands) + 3))
    print_row(["numpy and Figure, nothing else", "", *[str(reference)] * len(commands), ""])
    all_pass = True
    for attack in attacks:
        costs, size = measure(attack, commands)
        if results is not None:
            keep(results, attack, dict(zip(commands, costs, strict=True)))
        passes = all(cost.passes for cost in costs) and size <= LARGEST_FILE
        all_pass &= passes
        print_row([attack, f"{size:,}", *map(str, costs), "PASS" if passes else "over"])
        for command, cost in zip(commands, costs, strict=True):
            if said and cost.said:
                print(f"{attack}: {command}: {cost.status}: {cost.said}", file=sys.stderr, flush=True)
    return all_pass


def keep(path: Path, attack: str, costs: Mapping[str, Cost]) -> None:
    """Add what an attack took to what is known."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known.setdefault(attack, {}).update({command: asdict(cost) for command, cost in costs.items()})
    path.write_text(json.dumps(known, indent=1))


BEGIN, END = "<!-- benchmarks/attacks.py -->\n", "<!-- /benchmarks/attacks.py -->\n"


def write_summary(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Write for each command what took most between the marks of a text."""
    lines = ["| command | attacks | most seconds | most memory | over the bar |", "|---|---|---|---|---|"]
    for command, line in COMMANDS.items():
        costs = {name: Cost(**each[command]) for name, each in results.items() if command in each}
        if not costs:
            continue
        slowest = max(costs, key=lambda name: costs[name].idle_seconds)
        largest = max(costs, key=lambda name: costs[name].peak)
        over = [name for name, cost in costs.items() if not cost.passes]
        lines.append(
            f"| `filtviz {' '.join(part for part in line if part != MODEL)}` | {len(costs)} "
            f"| {costs[slowest].idle_seconds:.1f} ({slowest}) | {costs[largest].peak:.0f} MB ({largest}) "
            f"| {'; '.join(over) or 'none'} |"
        )
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    path.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1], encoding="utf-8")


def print_row(cells: Sequence[str]) -> None:
    """Print a row of a table in Markdown, at once: the next one may take a minute."""
    print(f"| {' | '.join(cells)} |", flush=True)


def measure(attack: str, commands: Sequence[str]) -> tuple[list[Cost], int]:
    """Give one attack to the commands; it is made in a process of its own, so that this one stays small.

    A child's peak begins with its parent's.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / MODEL
        subprocess.run([sys.executable, __file__, "--write", attack, model], check=True)
        costs = []
        for command in commands:
            costs.append(run(["-m", "filtviz", *COMMANDS[command]], Path(folder)))
        return costs, model.stat().st_size


def run(arguments: Sequence[str], folder: Path) -> Cost:
    """Run Python with these arguments; workers that it waits for are counted with it."""
    before = pace().slowness()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT / "src"))},
            preexec_fn=bound,
        )
        status, usage = wait(process)
        errors.seek(0)
        lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return Cost(
        usage.ru_utime + usage.ru_stime,
        (before + pace().slowness()) / 2,
        peak,
        status,
        lines[-1][:300] if lines else "",
        "Traceback" in "".join(lines),
    )


def bound() -> None:
    """Let the system end a process that is far beyond the bar."""
    seconds, room = int(PATIENCE * BAR_SECONDS), int(PATIENCE * BAR_MEGABYTES * 1e6)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (room, room))


def wait(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage]:
    """Wait for a process, and end it where it does nothing for too long."""
    latest = time.monotonic() + 10 * PATIENCE * BAR_SECONDS
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        if time.monotonic() > latest:
            process.kill()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
