"""Groups of HDF5: names lead to groups in any way, over one another and in circles, and each is met once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from filtviz.reading.hdf5 import Group, open_hdf5
from filtviz.reading.limits import Limits, effort
from filtviz.reading.stretch import view_of
from tests.attacks.graph_files import Hdf5


def opened(graph: Sequence[Mapping[str, int]]) -> tuple[Group, list[int]]:
    """Write groups whose names lead to groups by their numbers, and open the first; where each lies."""
    places = [0] * len(graph)
    for _ in range(2):  # what is written is as long wherever a name leads
        file = Hdf5()
        places = [file.group({name: places[number] for name, number in one.items()}) for one in graph]
    return open_hdf5(view_of(file.whole(places[0])), effort(Limits())), places


def reached(graph: Sequence[Mapping[str, int]]) -> list[int]:
    """What lies below the first group, the nearest first, each once."""
    found = [0]
    for number in found:
        found += [one for one in dict.fromkeys(graph[number].values()) if one not in found]
    return found


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "graph",
    [
        [{}],
        [{"a": 0}],
        [{"a": 1}, {}],
        [{"a": 1, "b": 1}, {}],
        [{"a": 1}, {"b": 0}],
        [{"a": 1}, {"b": 1}],
        [{"a": 1, "b": 2}, {"c": 3}, {"d": 3}, {"e": 0}],
        [{"a": 1, "b": 2}, {"c": 2}, {"d": 1}],
    ],
    ids=str,
)
def test_each_group_is_met_once_and_the_outer_ones_first(graph) -> None:
    root, places = opened(graph)
    assert [one.address for one in root.walk()] == [places[number] for number in reached(graph)]


def test_groups_that_lead_to_each_other_at_random_are_met_once() -> None:
    draw = random.Random(3)
    for n in range(2, 12):
        graph = [{f"n{i}": draw.randrange(n) for i in range(draw.randrange(4))} for _ in range(n)]
        root, places = opened(graph)
        assert [one.address for one in root.walk()] == [places[number] for number in reached(graph)]


def test_a_path_leads_where_its_names_lead_and_nowhere_else() -> None:
    root, places = opened([{"a": 1}, {"b": 2}, {"a": 0}])
    at = {path: found and found.address for path in ("a", "a/b", "a/b/a", "/a//b/", "b", "a/a", "a/b/b")
          for found in [root.group(path)]}  # fmt: skip
    assert at == {
        "a": places[1], "a/b": places[2], "a/b/a": places[0], "/a//b/": places[2],
        "b": None, "a/a": None, "a/b/b": None,
    }  # fmt: skip
    assert root.get("") is root
    assert list(root) == ["a"]
    assert ("a" in root, "b" in root) == (True, False)
