"""Read hostile files in a process that is watched: ``python watching.py FOLDER``.

Each line of stdin names a file, and behind a tab ``load`` where no command is tried on it. What is printed
for it is one line of JSON: how reading ended, what the interpreter's audit hook heard meanwhile, and the
seconds it took. The process has little memory and each file little time.
"""

from __future__ import annotations

import codecs
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

import filtviz
from filtviz import reading
from filtviz.cli import main
from filtviz.errors import FiltvizError
from filtviz.reading.limits import Limits, option_of

SPARE = 1 << 30
"""Bytes of address space that a file may take beyond what the process has when it starts."""

SECONDS = 30
LIMITS = Limits(inflated=1 << 24, allocation=1 << 24, opcodes=500_000, memo=200_000, layers=2_500)
"""Less than by default, so that what passes a limit is made soon."""

LOUD = (
    "import",
    "exec",
    "compile",
    "marshal.",
    "pickle.",
    "os.",
    "subprocess.",
    "socket.",
    "shutil.",
    "ctypes.",
)
QUIET = ("os.listdir", "os.scandir")
"""Events that would show that a file is obeyed; ``open`` is heard too, with its path."""

CODECS = ("cp437", "unicode_escape", "raw_unicode_escape", "latin-1")
"""Python imports the module of a codec when it is first used."""

heard: list[str] = []
listening = False


def listen(event: str, args: tuple[Any, ...]) -> None:
    """Note an event of the interpreter."""
    if not listening:
        return
    if event == "open" and not isinstance(args[0], int):  # a number is a file that is open already
        heard.append(f"open {args[0]}")
    elif event.startswith(LOUD) and event not in QUIET:
        heard.append(f"{event} {args[:1]!r:.100}")


def give_up(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def load(path: Path) -> dict[str, Any]:
    """Read a file and every weight in it."""
    try:
        network = filtviz.load(path, limits=LIMITS)
        arrays = [layer.W for layer in network.conv_layers]
        shapes = [list(array.shape) for array in arrays]
        last = np.asarray(arrays[-1], float).ravel()[:18].tolist() if arrays else []
        return {"ends": "network", "shapes": shapes, "weights": [repr(number) for number in last]}
    except FiltvizError as error:
        return {"ends": type(error).__name__, "sentence": str(error)}
    except BaseException as error:  # whatever else it is, the test shall say it
        return {"ends": f"{type(error).__name__} (not ours)", "sentence": str(error)}


def run(path: Path) -> dict[str, Any]:
    """Call ``filtviz layers`` on a file."""
    options = [f"{option_of(one.name)}={getattr(LIMITS, one.name)}" for one in fields(LIMITS)]
    result = CliRunner().invoke(main, ["layers", "--verbose", str(path), *options])
    clean = result.exception is None or isinstance(result.exception, SystemExit)
    return {
        "status": result.exit_code,
        "stderr": result.stderr,
        "stdout": result.stdout[:2000],
        "raised": None if clean else repr(result.exception),
    }


def watch(path: Path, *, command: bool = True) -> dict[str, Any]:
    """Read a file, watched, and try a command on it."""
    global listening
    heard.clear()
    modules = set(sys.modules)
    start = time.perf_counter()
    signal.alarm(SECONDS)
    listening = True
    try:
        found = load(path)
        listening = False
        found["seconds"] = time.perf_counter() - start
        if command:
            found["command"] = run(path)
    finally:
        listening = False
        signal.alarm(0)
    found["heard"] = list(heard)
    found["imported"] = sorted(set(sys.modules) - modules)
    return found


def limit_memory() -> None:
    """Leave the process little more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + SPARE,) * 2)


def watch_all() -> None:
    """Watch the reading of each file that stdin names, after all lazy imports, some by a harmless one."""
    for codec in CODECS:
        codecs.lookup(codec)
    for module in pkgutil.walk_packages(reading.__path__, f"{reading.__name__}."):
        importlib.import_module(module.name)
    signal.signal(signal.SIGALRM, give_up)
    os.chdir(sys.argv[1])
    sys.addaudithook(listen)
    watch(Path(sys.stdin.readline().rstrip("\n")))
    limit_memory()
    for line in sys.stdin:
        name, _, only = line.rstrip("\n").partition("\t")
        sys.stdout.write(json.dumps(watch(Path(name), command=not only)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    watch_all()
