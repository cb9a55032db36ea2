"""Manifests that just fit, and who runs the jobs of an export, as lines of text.

``python -m tests.telling`` writes ``tests/told/export_ends.txt`` anew.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest.mock import patch

from tests.batch.parts_told import NONE, said, somewhere

from filtviz.batch import jobs, manifest
from filtviz.batch.jobs import Outcome, Reason

__all__ = ["PARTS", "all_lines"]


def fitting() -> Iterator[str]:
    """Yield manifests that just fit, and those that just do not."""
    with somewhere() as folder:
        manifest.write_manifest(folder, manifest.Contents(), NONE, complete=True)
        size = (folder / "manifest.json").stat().st_size
        for most in (size - 1, size, size + 1):
            with patch.object(manifest, "LARGEST", most):
                written = said(
                    lambda: manifest.write_manifest(folder, manifest.Contents(), NONE, complete=True)
                )
                read = said(lambda: manifest.read_manifest(folder))
            yield f"{most - size} more than it is: {written} | {read}"


class Engine:
    """An engine of joblib's that gives all outcomes at once, or one after another."""

    asked: ClassVar[list[Any]] = []
    made: ClassVar[list[Any]] = []
    gives_one_by_one = True

    def __init__(self, **how: Any) -> None:
        self.asked.append(how)
        if "return_as" in how and not self.gives_one_by_one:
            raise ValueError("it cannot")

    def __call__(self, calls: Any) -> Any:
        outcomes = (function(*args, **given) for function, args, given in calls)
        self.made.append(outcomes)
        return outcomes if self.gives_one_by_one else list(outcomes)


def engines() -> Iterator[str]:
    """Yield who runs jobs, and how many processes are asked for."""
    backend = type("DaskBackend", (), {})()
    with (
        patch("joblib.Parallel", Engine),
        patch("joblib.parallel.get_active_backend", lambda: (backend, None)),
    ):
        for gives, n_jobs, n in itertools.product((True, False), (None, 1, 3), (1, 4, 5)):
            Engine.gives_one_by_one = gives
            for run in (jobs.run_jobs, jobs.run_apart):
                Engine.asked.clear()
                found = [each.model for each in run(iter(map(Nothing, range(n))), n_jobs)]
                yield f"{run.__name__} {gives} {n_jobs}: {found} {Engine.asked}"
                Engine.made.clear()
                left = run(iter(map(Nothing, range(n))), n_jobs)
                next(left)
                left.close()
                yield f"  left after the first: {[inspect.getgeneratorstate(each) for each in Engine.made]}"


@dataclass(frozen=True)
class Nothing:
    """A job of nothing."""

    model: int

    def run(self) -> Outcome:
        return Outcome(model=self.model)

    def lost(self, reason: str) -> Outcome:
        return Outcome(model=self.model, failure=Reason("lost", reason))


PARTS: dict[str, Callable[[], Iterator[str]]] = {"fitting": fitting, "engines": engines}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/export_ends.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
