"""What small hostile files take: the processor time and the memory of every command with default limits.

No file under 1 MB may take more than 10 seconds of processor time or 1 GB in any command. Each attack is made
here, written to a folder that is removed again, and given to every command, each a process of its own. The
first row is a Python that only imports numpy and matplotlib's Figure. Exit status 1 says that something is
over the bar::

    python benchmarks/attacks.py
    python benchmarks/attacks.py --only streams --command layers
    python benchmarks/attacks.py --jobs 2 --results costs.json --into docs/security.md

The last one goes on where it was stopped: what the results have is not measured again, but with ``--again``.
No process gets more than twice the bar. With ``--quick`` a file that ``layers`` refuses goes to ``compare``
alone beside it: all commands read with one function, and what it refuses no command sees.

The seconds are those of a processor, user's and system's, of a command and of all processes that it starts;
the memory is that of all of them at the same time. Where others use the machine, the same work takes more of
a processor's time: two threads share a core and its caches. So a fixed piece of Python is run before and
after each process, and what it took more than at its fastest is what the process is forgiven (`Pace`); the
rows have the seconds as they were, too.

A new attack is one row in `ATTACKS`: its name, what makes its bytes, and what part of the program it is
aimed at. What makes it may take the functions of ``tests/attacks``, which write pickles opcode by opcode; it
returns the bytes of a model, or files by name, of which the first is the model.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.attacks import (  # noqa: E402  (not installed)
    array_files,
    flatbuffer_files,
    formats,
    given_files,
    graph_files,
    growing,
    image_files,
    shared_parts,
    working,
)

LARGEST_FILE = 1_000_000
BAR_SECONDS, BAR_MEGABYTES = 10.0, 1000.0
PATIENCE = 2.0
"""Times the bar after which a process is ended: of what is over it, how far is of no interest."""

ROOM = 4.0
"""The same of memory, of which numpy reserves much that it never uses."""

TICK = 0.05
"""Seconds between two looks at the processes of a command."""

REFERENCE = ["-c", "import numpy; from matplotlib.figure import Figure"]
MODEL = "model.pkl"
IMAGES = "images"
"""A folder, into which two small pictures are drawn where an attack brings none."""

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
    "predict": ["predict", MODEL, "--images", IMAGES],
    "activity": ["activity", MODEL, "--images", IMAGES, "-o", "pictures"],
    "patches": ["patches", MODEL, "--images", IMAGES, "-o", "pictures"],
    "occlusion": ["occlusion", MODEL, "--images", IMAGES, "-o", "pictures"],
    "saliency": ["saliency", MODEL, "--images", IMAGES, "-o", "pictures"],
    "maximise": ["maximise", MODEL, "-o", "pictures"],
    "codes": ["codes", MODEL, "--images", IMAGES, "-o", "pictures"],
    "loss": ["loss", MODEL, "-o", "pictures"],
    "convert": ["convert", MODEL, "out.safetensors"],
    "pt": ["convert", MODEL, "out.pt"],
    "onnx": ["convert", MODEL, "out.onnx"],
    "graph": ["graph", MODEL],
    "survey": ["survey", MODEL, "-q", "-o", "survey"],
}
"""Name in the table → the command line; to compare, the file is read twice."""

Files = bytes | Mapping[str, bytes]

READERS = ("layers", "compare")
"""The commands that do little more than read: one model, and two."""

ATTACKS: dict[str, tuple[str, Callable[[], Files]]] = {
    **{name: ("reading", make) for name, make in growing.TO_READ.items()},
    **{name: ("formats", make) for name, make in formats.TO_OPEN.items()},
    **{name: ("graphs", make) for name, make in graph_files.TO_FOLLOW.items()},
    **{name: ("formats", make) for name, make in flatbuffer_files.TO_LEAD.items()},
    **{name: ("names", make) for name, make in array_files.TO_NAME.items()},
    **{name: ("working", make) for name, make in working.TO_WORK.items()},
    **{name: ("images", make) for name, make in image_files.TO_SHOW.items()},
    **{name: ("texts", make) for name, make in given_files.TO_GIVE.items()},
    **{name: ("shared", make) for name, make in shared_parts.TO_SHARE.items()},
}
"""Name → the part of the program that it is aimed at, and what makes its bytes."""


@dataclass(frozen=True)
class Cost:
    """What a command took: ``seconds`` of all processors, and ``peak``, the most resident memory, in MB.

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
        self.fastest = min(self._time() for _ in range(100))

    def slowness(self) -> float:
        """Return the mean of some tries over the fastest of all."""
        tries = [self._time() for _ in range(8)]
        self.fastest = min(self.fastest, *tries)
        return sum(tries) / len(tries) / self.fastest

    def _time(self) -> float:
        begun, total = time.thread_time(), 0
        for number in range(60_000):
            total += number & 7
        return time.thread_time() - begun


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
    parser.add_argument("--jobs", type=int, default=1, help="so many attacks at the same time")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="PATH",
        help="keep what was measured, and measure the rest",
    )
    parser.add_argument("--again", action="store_true", help="measure what the results have, too")
    parser.add_argument(
        "--quick", action="store_true", help="give what is refused when it is read only to those that read"
    )
    parser.add_argument(
        "--into", type=Path, metavar="PATH", help="write the summary of the results into a text"
    )
    parser.add_argument(
        "--write", nargs=2, metavar=("NAME", "FOLDER"), help="write one attack and do no more"
    )
    options = parser.parse_args()
    if options.write:
        name, folder = options.write
        write(name, Path(folder))
        return
    chosen = [name for name, (part, _) in ATTACKS.items() if options.only in name or options.only == part]
    commands = options.command or list(COMMANDS)
    kept = Kept(options.results, again=options.again)
    passed = report(chosen, commands, kept, said=options.said, jobs=options.jobs, quick=options.quick)
    if options.into:
        write_summary(kept.known, options.into)
    sys.exit(0 if passed else 1)


class Kept:
    """What was measured: attack → command → its cost; in a file, if there is one."""

    def __init__(self, path: Path | None, *, again: bool = False) -> None:
        self.path = path
        self.known: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            self.known = json.loads(path.read_text(encoding="utf-8"))
        self.known = {name: costs for name, costs in self.known.items() if name in ATTACKS}
        self._old = {} if again else {name: dict(costs) for name, costs in self.known.items()}
        self._lock = threading.Lock()

    def of(self, attack: str, command: str) -> Cost | None:
        """Return what an earlier run has measured."""
        held = self._old.get(attack, {}).get(command)
        return None if held is None else Cost(**held)

    def add(self, attack: str, command: str, cost: Cost) -> None:
        """Take note of what was measured, at once: the next one may take a minute."""
        with self._lock:
            self.known.setdefault(attack, {})[command] = asdict(cost)
            if self.path is not None:
                beside = self.path.with_suffix(".new")
                beside.write_text(json.dumps(self.known, indent=1), encoding="utf-8")
                beside.replace(self.path)


def report(
    attacks: Sequence[str], commands: Sequence[str], kept: Kept, *, said: bool, jobs: int, quick: bool
) -> bool:
    """Print the table, row by row; return whether everything stayed below the bar."""
    pace()
    reference = run(REFERENCE, Path.cwd())
    print_row(["attack", "bytes", *commands, f"{BAR_SECONDS:.0f} s, {BAR_MEGABYTES:,.0f} MB"])
    print_row(["---"] * (len(commands) + 3))
    print_row(["numpy and Figure, nothing else", "", *[str(reference)] * len(commands), ""])
    all_pass = True
    with ThreadPoolExecutor(jobs) as pool:
        rows = pool.map(partial(measure, commands=commands, kept=kept, quick=quick), attacks)
        for attack, (costs, size) in zip(attacks, rows, strict=True):
            passes = all(cost.passes for cost in costs.values()) and (size or 0) <= LARGEST_FILE
            all_pass &= passes
            cells = [str(costs.get(command, "refused")) for command in commands]
            print_row([attack, "" if size is None else f"{size:,}", *cells, "PASS" if passes else "over"])
            for command, cost in costs.items():
                if said and cost.said:
                    print(f"{attack}: {command}: {cost.status}: {cost.said}", file=sys.stderr, flush=True)
    return all_pass


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


def write(attack: str, folder: Path) -> None:
    """Write the files of an attack, and print the name of the model among them."""
    made = ATTACKS[attack][1]()
    files = {MODEL: made} if isinstance(made, bytes) else made
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    if not (folder / IMAGES).exists():
        draw_pictures(folder / IMAGES)
    print(next(iter(files)))


def draw_pictures(folder: Path) -> None:
    """Draw two pictures, of which any network that takes colours or greys can be shown one."""
    from PIL import Image

    folder.mkdir()
    for name, size in (("a.png", (64, 64)), ("b.png", (64, 64))):
        Image.effect_noise(size, 60).save(folder / name)


def measure(
    attack: str, commands: Sequence[str], kept: Kept, *, quick: bool
) -> tuple[dict[str, Cost], int | None]:
    """Give one attack to the commands; it is made in a process of its own, so that this one stays small.

    A child's peak begins with its parent's. What an earlier run has measured is not made again.

    Returns:
        What each command took, and the bytes of the files; None where nothing was measured.
    """
    costs = {command: cost for command in commands if (cost := kept.of(attack, command)) is not None}
    missing = [command for command in commands if command not in costs]
    reader = kept.of(attack, READERS[0])
    if not missing or (quick and refused(reader) and not set(missing) & set(READERS)):
        return costs, None
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [sys.executable, __file__, "--write", attack, folder], check=True, capture_output=True, text=True
        )
        files = [each for each in Path(folder).iterdir() if each.is_file()]
        model, size = made.stdout.strip(), sum(each.stat().st_size for each in files)
        for command in missing:
            if quick and refused(costs.get(READERS[0], reader)) and command not in READERS:
                continue
            line = [model if part == MODEL else part for part in COMMANDS[command]]
            if Path(folder, given_files.TEXT).exists():
                line += ["--architecture", given_files.TEXT]
            costs[command] = run(["-m", "filtviz", *line], Path(folder))
            kept.add(attack, command, costs[command])
        return costs, size


def refused(reading: Cost | None) -> bool:
    """Tell whether the first command, which reads the file and does no more, ended in one sentence."""
    return reading is not None and reading.status == 1 and reading.passes


def run(arguments: Sequence[str], folder: Path) -> Cost:
    """Run Python with these arguments; workers that it waits for are counted with it."""
    before = pace().slowness()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            ["sh", "-c", BOUND, "sh", sys.executable, *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT / "src"))},
            start_new_session=True,
        )
        status, usage, together = wait(process)
        errors.seek(0)
        lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    alone = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return Cost(
        usage.ru_utime + usage.ru_stime,
        (before + pace().slowness()) / 2,
        max(alone, together),
        status,
        lines[-1][:300] if lines else "",
        "Traceback" in "".join(lines),
    )


BOUND = f'ulimit -t {int(PATIENCE * BAR_SECONDS)}; ulimit -v {int(ROOM * BAR_MEGABYTES * 1e3)}; exec "$@"'
"""Lets the system end a process that is far beyond the bar."""


def wait(process: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage, float]:
    """Wait for a command, and end it where it does nothing for too long.

    Returns:
        Its exit status, what it used with all that it waited for, and the most memory that it and all
        processes of its session had together, in MB.
    """
    latest, together = time.monotonic() + 10 * PATIENCE * BAR_SECONDS, 0.0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage, together
        if time.monotonic() > latest:
            os.killpg(process.pid, signal.SIGKILL)
        together = max(together, sum(resident(process.pid)))
        time.sleep(TICK)


def resident(session: int) -> Iterator[float]:
    """Yield the resident memory of each process of a session, in MB; nothing where there is no ``/proc``."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            facts = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(facts[3]) == session:
                yield int(facts[21]) * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
