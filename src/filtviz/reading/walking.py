"""Going through everything that a file holds, each object once and none by recursion."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from filtviz.reading.records import Items, Record

__all__ = ["walk"]


def walk(roots: Iterable[Any], is_leaf: Callable[[Any], bool] = lambda _: False) -> Iterator[Any]:
    """Yield every object that the roots hold, breadth first, the roots too, each once.

    What ``is_leaf`` says of an object keeps the walk from going on into it.
    """
    queue = deque(roots)
    seen: set[int] = set()
    while queue:
        value = queue.popleft()
        if type(value) not in _COMPOUND or id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if not is_leaf(value):
            queue.extend(_parts(value))


def _parts(value: Any) -> Iterable[Any]:
    if type(value) is Items:
        return value.flat
    if type(value) is Record:
        return value.maker, value.args, value.keywords, value.state, value.items, value.entries
    parts: Iterable[Any] = value
    return parts


_COMPOUND = frozenset({list, tuple, Items, Record})
