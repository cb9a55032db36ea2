"""Of many names the first are shown and the others counted, wherever a sentence names several.

What a sentence says is held against the plainest count: so many names stand in it, in their order, and the
number of the others; where all are shown, nothing is said of more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from filtviz import composition
from filtviz.cli import diagnosis_text, plot
from filtviz.drawing import grid, showing
from filtviz.network import ConvLayer, Network
from filtviz.operations import Convolution
from filtviz.parameter import Parameter
from filtviz.reading import tensor_names, tensors
from filtviz.reading.formats import bare_arrays, onnx, tflite
from filtviz.reading.limits import Hints
from filtviz.summary import MOST_INPUTS, _inputs
from filtviz.text import listed, names_of_file, printable


def convolutions(names: Sequence[str]) -> Network:
    weights = Parameter(
        name="W", shape=(1, 1, 3, 3), dtype=np.dtype("f4"), read=lambda: np.zeros((1, 1, 3, 3))
    )
    operation = Convolution(weights=weights, axes="oirc")
    return Network.of([ConvLayer(name=name, type="c", operations=(operation,)) for name in names])


def of_tensors(names: Sequence[str]) -> str:
    made = tensors._Maker(convention=tensor_names.PYTORCH, hints=Hints(), known={})
    made.embeddings = list(names)
    return made.sentences()[-1]


def of_kernels(names: Sequence[str]) -> str:
    flags = np.zeros((1, 40), bool)
    flags[0, : len(names)] = True
    return grid._named(flags, [int(name[1:]) for name in names] + [0] * 40).replace("filter 0 channel ", "n")


def of_layers(names: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> str:
    told: list[str] = []
    monkeypatch.setattr(plot, "say", told.append)
    plot._name_others(convolutions(["first", *names]))
    return told[0] if told else ""


def numbers(names: Sequence[str]) -> list[int]:
    return [int(name[1:]) for name in names]


def named(text: str) -> str:
    return re.sub(r"(?<![\w.])(\d{3})(?!\d)", r"n\1", text)


SAYS: dict[str, tuple[int, int, Callable[[Sequence[str]], str]]] = {
    "names of a file": (30, 30, names_of_file),
    "names of a file, few": (2, 2, lambda names: names_of_file(names, 2)),
    "listed": (8, 7, listed),
    "listed, few": (3, 2, lambda names: listed(names, 3)),
    "composed layers": (4, 3, composition._listed),
    "quantised weights of ONNX": (5, 5, lambda names: "".join(onnx._notes(_held(quantised=names)))),
    "quantised weights of TFLite": (
        3, 3, lambda names: "".join(tflite._Reader.notes(_held(quantised=names))),
    ),
    "what holds no arrays": (
        5, 5, lambda names: bare_arrays._without_arrays(_held(globals=[_held(path=name) for name in names])),
    ),
    "layers told by their names": (8, 8, of_tensors),
    "duplicates": (4, 4, lambda names: named(diagnosis_text._few(numbers(names)))),
    "inputs of a layer": (
        MOST_INPUTS, MOST_INPUTS, lambda names: named(_inputs(_held(inputs=numbers(names)))),
    ),
    "kernels of a picture": (8, 8, of_kernels),
}  # fmt: skip


class _Held(SimpleNamespace):
    """A reader that has found nothing but what is said."""

    def __getattr__(self, name: str) -> Any:
        return []


def _held(**fields: Any) -> Any:
    return _Held(**{"computed": {}, "running": {}, **fields})


@pytest.mark.cases("all")
@pytest.mark.parametrize("what", SAYS)
def test_of_many_names_the_first_are_shown_and_the_others_counted(what) -> None:
    """The most that are all shown, and how many are shown of more than that."""
    most, shown, says = SAYS[what]
    for n in (1, 2, most - 1, most, most + 1, most + 2, most + 9):
        names = [f"n{i}" for i in range(100, 100 + n)]
        text = says(names)
        kept = n if n <= most else shown
        assert re.findall(r"n\d{3}", text) == names[:kept], (n, text)
        counted = re.findall(r"([\d,]+) (?:more|others?)\b", text)
        assert counted == ([] if n <= most else [str(n - kept)]), (n, text)


def test_nothing_is_said_of_no_names() -> None:
    assert onnx._notes(_held(quantised=[])) == []
    assert tflite._Reader.notes(_held(quantised=[])) == []
    assert "classes and functions" not in bare_arrays._without_arrays(_held(globals=[]))
    assert (listed([]), names_of_file([])) == ("none", "")


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [0, 1, plot.NAMED - 1, plot.NAMED, plot.NAMED + 1, plot.NAMED + 5])
def test_a_plot_of_the_first_layer_names_the_others(n, monkeypatch) -> None:
    names = [f"n{i}" for i in range(100, 100 + n)]
    text = of_layers(names, monkeypatch)
    assert re.findall(r"n\d{3}", text) == names[: plot.NAMED]
    assert re.findall(r"has (\d+) more", text) == ([str(n)] if n else [])
    assert ("lists them all" in text) == (n > plot.NAMED)


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 29, 30, 31, 40])
def test_who_asks_for_a_layer_that_there_is_not_reads_which_there_are(n) -> None:
    from filtviz.errors import SelectionError

    names = [f"n{i}" for i in range(100, 100 + n)]
    with pytest.raises(SelectionError) as caught:
        convolutions(names).select("zzzzzzzz")
    text = str(caught.value)
    assert re.findall(r"n\d{3}", text) == names[:30]
    assert re.findall(r"and (\d+) more", text) == ([str(n - 30)] if n > 30 else [])


class Drawn:
    def __init__(self, place: int) -> None:
        self.channel = place


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, showing.MOST_SHOWN, showing.MOST_SHOWN + 1, showing.MOST_SHOWN + 1500])
def test_of_many_pictures_the_first_are_shown_in_a_notebook(n, monkeypatch) -> None:
    monkeypatch.setattr(showing, "picture_png", lambda picture: b"png")
    html = showing.strip_html([Drawn(place) for place in range(n)])
    assert re.findall(r'alt="channel (\d+)"', html) == [str(i) for i in range(min(n, showing.MOST_SHOWN))]
    left = n - showing.MOST_SHOWN
    assert re.findall(r"and ([\d,]+) more", html) == ([f"{left:,}"] if left > 0 else [])


@pytest.mark.cases("all")
@pytest.mark.parametrize("limit", [1, 8, 40, 60, 80, 200])
def test_text_is_cut_behind_as_many_characters_as_are_allowed_and_says_so(limit) -> None:
    for n in (0, 1, limit - 1, limit):
        assert printable("x" * n, limit) == "x" * n
    for n in (limit + 1, limit + 2, 10 * limit):
        assert printable("x" * n, limit) == f"{'x' * limit}… ({n} characters)"
