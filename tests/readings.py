"""All that is read of each file that a test reads: held in the fast tests, whatever they look at themselves.

``python -m tests.readings`` writes ``tests/told/readings/`` anew: a file for each module of tests, a line for
each outcome. A new test is not held before that.
"""

from __future__ import annotations

import importlib
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest

from filtviz.errors import FiltvizError
from filtviz.network import Network
from tests import telling

__all__ = ["Readings"]

FOLDER = telling.GOLDEN / "readings"
READ_HERE = ("reading", "attacks", "test_live.py", "test_given.py", "test_old_files.py", "test_network.py")
"""The tests that are about reading."""
TOLD_OTHERWISE = ("reading/test_told.py", "reading/test_varied.py", "reading/test_shared_files.py")

OF_NUMPYS_OWN = (
    "test_joblib_keeps_arrays_behind_the_objects",
    "test_a_stored_member_is_a_view_and_a_pickled_one_is_read_by_the_machine",
    "test_what_a_node_makes_of_constants_is_the_kernel",
    "test_a_file_cut_short_while_its_structure_is_read_is_never_taken_for_another",
    "test_pytorchs_names_keep_their_dots_in_pickles_and_in_numpys_own",
    "test_an_export_whose_model_is_cut_short_fails_it_alone",
)
"""Tests of what each version of numpy writes or computes otherwise."""

READERS = {
    "filtviz.reading": ("_read", "_with_graph"),
    "filtviz.live": ("network_of",),
    "filtviz.given": ("_with_graph",),
}
"""The functions that give networks."""

_SHOWN = 100
_CHECKOUT = Path(__file__).resolve().parents[1]
_FOLDERS = re.compile(
    r"(/[^\s/']+)*/(tests/fixtures|pytest-of-[^/\s]+/pytest-\d+/(popen-\w+/)?\w+|tmp\w{8})(/|\b)"
)
_STEPS = re.compile(r"[\d,]+(?= steps or more)")
_NUMBERS = re.compile(r"\d[\d,]*")
_SIZE = re.compile(r"^size: \d+\n", re.MULTILINE)
"""How large compressed parts are depends on the library that compresses."""
_NUMPY = re.compile(r"'numpy': '[^']*'")
"""Which numpy wrote the arrays of a pickle is the one that runs the tests."""


class Readings:
    """What each test reads, beside what is told of it."""

    def __init__(self, *, writes: bool = False) -> None:
        self.writes = writes
        self._outcomes: list[Network | FiltvizError] = []
        self._written: dict[Path, dict[str, list[str]]] = {}

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice what every reader gives or raises."""
        with pytest.MonkeyPatch.context() as patch:
            for module, names in READERS.items():
                place = importlib.import_module(module)
                for name in names:
                    patch.setattr(place, name, self._noticing(getattr(place, name)))
            yield
        for path, tests in self._written.items():
            lines = (f"{name} => {text}\n" for name, texts in sorted(tests.items()) for text in texts)
            path.write_text("".join(lines), encoding="utf-8")

    def _noticing(self, real: Callable[..., Network]) -> Callable[..., Network]:
        @wraps(real)
        def read(*args: Any, **named: Any) -> Network:
            try:
                network = real(*args, **named)
            except FiltvizError as error:
                self._outcomes.append(error)
                raise
            self._outcomes.append(network)
            return network

        return read

    def begin(self) -> None:
        """Forget what was read before a test."""
        self._outcomes.clear()

    def compare(self, test: str) -> None:
        """Hold what a test has read against what is told."""
        path, name = _place(test)
        if path is None or not self._outcomes:
            return
        texts = dict.fromkeys(map(_text, self._outcomes))
        if self.writes:
            self._written.setdefault(path, {})[name] = list(texts)
        told = _told(path).get(name)
        odd = [] if told is None or self.writes else [one for one in texts if one not in told]
        assert not odd, f"read otherwise than before (python -m tests.readings): {odd[0]}, not {told}"


def _place(test: str) -> tuple[Path | None, str]:
    """Where a test is told, and by which name."""
    module, _, name = test.removeprefix("tests/").partition("::")
    if not module.startswith(READ_HERE) or module in TOLD_OTHERWISE or name.startswith(OF_NUMPYS_OWN):
        return None, ""
    name = name.replace(f"{_CHECKOUT}/", "").encode("unicode_escape").decode()
    short = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}~{zlib.crc32(name.encode()):08x}"
    return FOLDER / f"{module.removesuffix('.py').replace('/', '.')}.txt", short


@cache
def _told(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        name, _, text = line.partition(" => ")
        found.setdefault(name, set()).add(text)
    return found


def _text(outcome: Network | FiltvizError) -> str:
    """An error's sentence, or a network's layers and the sum of all that is told of it."""
    if isinstance(outcome, FiltvizError):
        pattern = _NUMBERS if "inflate" in str(outcome) else _STEPS
        return pattern.sub("many", _plain(telling.refused(outcome)))
    origin = _SIZE.sub("", telling.origin_of(outcome))
    whole = _STEPS.sub("many", _plain(origin + telling.layers_of(outcome)))
    layers = " ".join(f"{layer.name}:{layer.type}" for layer in outcome.layers)
    shown = _plain(f"{outcome.origin.kind[:_SHOWN]}; {layers[:_SHOWN]}")
    return f"{shown} ({zlib.crc32(whole.encode()):08x})"


def _plain(text: str) -> str:
    """A text in one line of ASCII, without the folders of this machine."""
    text = _NUMPY.sub("a version of numpy", text.replace("numpy._core", "numpy.core"))
    return _FOLDERS.sub("", text).encode("unicode_escape").decode()


def write() -> None:
    """Write all texts anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ["TELL_READINGS"] = "1"
    places = [str(Path(__file__).parent / place) for place in READ_HERE]
    raise SystemExit(pytest.main(["-n0", "-q", "-m", "not slow", *places]))


if __name__ == "__main__":
    write()
