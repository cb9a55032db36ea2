"""Run commands again and again and kill each: ``python killing.py FOLDER TURNS``.

A turn is a process that is forked from this one, in which everything is imported already, so that the moment
of its end is somewhere in its work and not in its beginning. What it leaves is looked at after each turn. A
line of JSON tells of each command how often it was done before its end, and what was found to be wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from filtviz.batch.locking import LOCK, RUN_SUFFIX
from filtviz.cli import main
from filtviz.files import PART_SUFFIX

Files = dict[str, bytes]


COMMANDS = {
    "export": ["export", "--jobs", "1", "--quiet", "-o", "."],
    "export as PDF": ["export", "--jobs", "1", "--quiet", "--format", "pdf", "-o", "."],
    "report": ["report", "-o", "report.html"],
    "plot": ["plot", "--view", "sheet", "-o", "sheet.png"],
}
"""What is run in a folder, with the model's path behind it."""


def run(name: str, folder: Path) -> None:
    """Carry out a command in this process, silently."""
    os.chdir(folder)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        main.main([*COMMANDS[name], "../model.npz"], standalone_mode=False)


def seen(folder: Path) -> Files:
    """Return the files of a folder that have their names.

    A model whose pictures a killed run had drawn is noted as kept and not as drawn, which is true of both.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK]
    found = {str(path.relative_to(folder)): path.read_bytes() for path in paths if not is_part(path)}
    if (manifest := found.get("manifest.json")) is not None:
        found["manifest.json"] = manifest.replace(b'"status": "kept"', b'"status": "drawn"')
    return found


def is_part(path: Path) -> bool:
    return path.name.endswith((PART_SUFFIX, RUN_SUFFIX))


def wrong_in(found: Files, whole: Files) -> list[str]:
    """Name the files that are none of those of a whole run; a manifest may be one of an unfinished run."""
    return [name for name, data in found.items() if whole.get(name) != data and not is_manifest(name, data)]


def is_manifest(name: str, data: bytes) -> bool:
    with contextlib.suppress(ValueError, KeyError):
        return name == "manifest.json" and json.loads(data)["complete"] is False
    return False


def kill_once(name: str, folder: Path, seconds: float) -> bool:
    """Start a command and kill it after some seconds; tell whether it was done before."""
    process = os.fork()
    if not process:
        try:
            run(name, folder)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return not os.WIFSIGNALED(status)


def emptied(folder: Path) -> Path:
    """Return a folder that is there and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def whole_run(name: str, folder: Path) -> tuple[Files, float]:
    """Return what a command writes, and the seconds that it takes when everything is imported."""
    run(name, emptied(folder))
    start = time.monotonic()
    run(name, emptied(folder))
    return seen(folder), time.monotonic() - start


def kill(name: str, turns: int, root: Path, chance: random.Random) -> tuple[int, list[str]]:
    """Kill a command so many times; return how often it was done before, and what was wrong."""
    whole, took = whole_run(name, root / "whole")
    folder, done, problems = emptied(root / "killed"), 0, []
    for _ in range(turns):
        ended = kill_once(name, folder, chance.uniform(0, took))
        found = seen(folder)
        problems += wrong_in(found, whole)
        took *= 0.8 if ended else 1.1  # the machine may have more or less to do than before
        if ended:
            done += 1
            problems += [f"missing: {one}" for one in set(whole) - set(found)]
            emptied(folder)
    run(name, folder)
    if seen(folder) != whole:
        problems.append("a run after them writes something else")
    if name.startswith("export"):  # which begins by removing what killed ones left
        problems += [f"left over: {path.name}" for path in folder.rglob("*") if is_part(path)]
    return done, problems


def kill_all(root: Path, turns: int) -> None:
    chance = random.Random(0)
    for number, name in enumerate(COMMANDS):
        own = turns // len(COMMANDS) + (number < turns % len(COMMANDS))
        done, problems = kill(name, own, root, chance)
        sys.stdout.write(
            json.dumps({"command": name, "turns": own, "done": done, "problems": problems}) + "\n"
        )


if __name__ == "__main__":
    kill_all(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
