"""What the tests with real Theano, Lasagne and nolearn share."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

# What the old libraries do that today's Python and numpy deprecate; nothing else is forgiven.
OLD_HABITS = (
    "ignore:numpy.core is deprecated:DeprecationWarning:theano",
    "ignore:The `image_shape` keyword argument:UserWarning",
    "ignore:unclosed file .*theano:ResourceWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lasagne)
            item.add_marker(pytest.mark.slow)  # Theano alone takes seconds to import
            for habit in OLD_HABITS:
                item.add_marker(pytest.mark.filterwarnings(habit))


@pytest.fixture(scope="session")
def dump() -> Callable[[Any, Path, int], Path]:
    """Give the function that pickles a whole network as users do, with room for deep ones."""

    def pickle_whole(thing: Any, path: Path, protocol: int = pickle.HIGHEST_PROTOCOL) -> Path:
        limit, stack = sys.getrecursionlimit(), threading.stack_size(512 * 2**20)
        sys.setrecursionlimit(100_000)  # pickle follows each layer to the one below it
        try:
            thread = threading.Thread(target=lambda: path.write_bytes(pickle.dumps(thing, protocol)))
            thread.start()
            thread.join()
        finally:
            sys.setrecursionlimit(limit)
            threading.stack_size(stack)
        return path

    return pickle_whole
