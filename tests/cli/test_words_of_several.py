"""What is said of none, one and several: models, states, layers, names, frames, channels of facts."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from filtviz.cli import console, models_text
from filtviz.cli.diagnosis_text import describe_trajectory
from filtviz.drawing.kernel_sheets import _arrange
from filtviz.drawing.saving import write_animation
from filtviz.measures.comparison import LayerComparison
from filtviz.measures.measure import Diagnosis, Unjudged
from filtviz.measures.trajectory import LayerTrajectory, Trajectory
from filtviz.naming import telling_names
from filtviz.reading.formats.paddle import _said_facts


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a.pkl"], ["a"]),
        (["a.pkl", "b.pkl"], ["a", "b"]),
        (["a.pkl", "b.npz"], ["a.pkl", "b.npz"]),
        (["a", "b"], ["a", "b"]),
        (["a.pkl", "b"], ["a.pkl", "b"]),
        (["run/a.x.pkl"], ["run/a.x"]),
    ],
)
def test_a_suffix_is_left_out_where_all_have_it(names, shown) -> None:
    assert list(models_text._without_suffix(names)) == shown


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("others", "too_much", "said"),
    [
        (0, 0, "no filters to judge"),
        (1, 0, "1 layer not judged"),
        (2, 0, "2 layers not judged"),
        (0, 1, "1 layer not measured (--max-work)"),
        (0, 2, "2 layers not measured (--max-work)"),
        (1, 2, "1 layer not judged; 2 layers not measured (--max-work)"),
    ],
)
def test_layers_that_were_not_judged_and_those_that_are_too_much_are_counted_apart(
    others, too_much, said
) -> None:
    unjudged = [
        Unjudged(conv_index=i, name=f"c{i}", reason="why", left_out=i >= others, **_rest())
        for i in range(others + too_much)
    ]
    assert models_text._said(Diagnosis(file="a", layers=(), unjudged=tuple(unjudged))) == said


def _rest() -> dict[str, Any]:
    known = Unjudged.__dataclass_fields__
    return {name: value for name, value in {"type": "Conv2d", "shape": (1, 1, 3, 3)}.items() if name in known}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("models", "stem", "said"),
    [
        (["a.pkl"], "a", ""),
        (["a.pkl"], "", ""),
        (["a.pkl"], "a-2", "what is called a here shows another model: these are called a-2"),
        (["a.pkl", "b.pkl"], "x", "what is called a-b here shows other models: these are called x"),
    ],
)
def test_results_of_other_models_are_named(monkeypatch, models, stem, said) -> None:
    told: list[str] = []
    monkeypatch.setattr(console, "say", told.append)
    console.name_beside(stem, models, "these are")
    assert told == ([said] if said else [])


def said_of(*steps: tuple[float | None, ...]) -> str:
    layers = tuple(LayerTrajectory(name=f"conv{i}", steps=each) for i, each in enumerate(steps))
    states = [Diagnosis(file=f"run/s{i}.pkl", layers=()) for i in range(len(steps[0]) + 1)]
    found = Trajectory(order=tuple(range(len(states))), ordered_by="the epoch", layers=layers)
    text = " ".join(describe_trajectory(found, states).split())
    return text.removeprefix("Ordered by the epoch. ").partition(" A layer is taken")[0]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([(0.5, 0.5, 0.2)], "conv0 still moves: the last step changed it by 20%."),
        ([(0.5, 0.5, 0.001)], "conv0 stopped moving after s2.pkl."),
        ([(0.5, 0.001, 0.001)], "conv0 stopped moving after s1.pkl."),
        ([(0.001, 0.001, 0.001)], "conv0 hardly moved at all."),
        ([(0.0, 0.0, 0.0), (0.0, 0.001, 0.0)], "conv0 did not move at all. conv1 hardly moved at all."),
        (
            [(0.5, 0.5, 0.2), (0.5, 0.5, 0.4)],
            "conv0 and conv1 still move: the last step changed them by 20% to 40%.",
        ),
        ([(0.5, 0.5, None)], "conv0 still moves."),
        (
            [(0.5, 0.5, 0.2), (0.5, 0.5, None)],
            "conv0 and conv1 still move: the last step changed them by 20%.",
        ),
        (
            [(0.001,) * 3, (0.5, 0.001, 0.001)],
            "conv0 hardly moved at all. conv1 stopped moving after s1.pkl.",
        ),
    ],
)
def test_when_a_layer_came_to_rest_is_said_with_the_state_after_which(steps, said) -> None:
    assert said_of(*steps) == said


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/n.pkl", "b/n.pkl"], ["a/n.pkl", "b/n.pkl"]),
        (["x/a/1/n.pkl", "x/b/1/n.pkl"], ["a/1/n.pkl", "b/1/n.pkl"]),
        (["x/a/1/n.pkl", "x/a/2/n.pkl", "x/b/1/n.pkl"], ["a/1/n.pkl", "a/2/n.pkl", "b/1/n.pkl"]),
        (["a/n.pkl", "a/n.npz"], ["n.pkl", "n.npz"]),
        (["a/n.pkl", "a/m.pkl"], ["n.pkl", "m.pkl"]),
        (["a/n.pkl", "b/n.npz", "c/m.pkl"], ["a/n.pkl", "b/n.npz", "m.pkl"]),
    ],
)
def test_as_few_folders_as_tell_models_apart_stand_before_their_names(paths, names) -> None:
    assert telling_names([Path(path) for path in paths]) == names


def test_frames_have_the_size_of_the_largest_and_keep_their_place() -> None:
    frames = [
        Image.new("RGB", size, colour)
        for size, colour in (((4, 9), "red"), ((7, 3), "blue"), ((2, 2), "red"))
    ]
    stream = io.BytesIO()
    write_animation(frames, stream, "made")
    with Image.open(stream) as found:
        assert (found.n_frames, found.size, found.info["comment"]) == (3, (7, 9), b"made")
        for place, frame in enumerate(frames):
            found.seek(place)
            pixels = found.convert("RGB")
            assert pixels.getpixel((0, 0)) == frame.getpixel((0, 0))
            assert pixels.getpixel((6, 8)) == (255, 255, 255)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("top", "order", "drawn"),
    [
        (None, "index", [0, 1, 2, 3]),
        (None, "change", [2, 0, 3, 1]),
        (2, "index", [0, 2]),
        (2, "change", [2, 0]),
        (9, "change", [2, 0, 3, 1]),
    ],
)
def test_filters_that_changed_most_are_drawn_in_the_order_that_is_asked_for(top, order, drawn) -> None:
    comparison = LayerComparison(
        label="c",
        states=("a", "b"),
        filters=np.zeros((2, 4, 1, 3, 3)),
        cosine=np.ones(4),
        relative_change=np.array([0.5, 0.1, np.inf, 0.5]),
        total_change=0.5,
        total_cosine=1.0,
    )
    assert _arrange(comparison, top, order).tolist() == drawn


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"groups": 1}, {"groups": 1}),
        ({"groups": 0}, {}),
        ({"groups": 4}, {"groups": 4}),
        ({"strides": [2, 1]}, {"stride": (2, 1)}),
        ({"strides": [0, 1]}, {}),
        ({"strides": [1]}, {}),
        ({"dilations": [1, 1]}, {}),
        ({"dilations": [1, 2]}, {"dilation": (1, 2)}),
        ({"dilations": [0, 2]}, {}),
        ({"paddings": [1, 2]}, {"pad": ((1, 1), (2, 2))}),
        ({"paddings": [1, 2, 3, 4]}, {"pad": ((1, 2), (3, 4))}),
        ({"paddings": [-1, 2]}, {}),
        ({"paddings": [1, 2], "how": "SAME"}, {}),
        ({"paddings": [1, 2], "how": "VALID"}, {"pad": ((0, 0), (0, 0))}),
    ],
)
def test_facts_of_paddles_convolutions_are_taken_where_they_are_sane(given, told) -> None:
    usual: dict[str, Any] = {"strides": [], "dilations": [], "paddings": [], "groups": 0, "how": "EXPLICIT"}
    assert _said_facts(**{**usual, **given}) == told


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, ""),
        (1, "best.pkl has no place in that order, and is last below."),
        (2, "best.pkl and best.pkl have no place in that order, and are last below."),
    ],
)
def test_states_without_a_place_in_the_order_are_said_to_be_last(n: int, said: str) -> None:
    layers = (LayerTrajectory(name="conv0", steps=(0.5, 0.2)),)
    states = [Diagnosis(file=f"run/s{i}.pkl", layers=()) for i in range(3)]
    states += [Diagnosis(file="run/best.pkl", layers=())] * n
    found = Trajectory(order=(0, 1, 2), ordered_by="the epoch", layers=layers, apart=tuple(range(3, 3 + n)))
    text = " ".join(describe_trajectory(found, states).split())
    assert text.partition("by 20%. ")[2].partition("A layer is taken")[0].strip() == said
