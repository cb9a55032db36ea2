"""What the functions of the package make of small networks: what is drawn, what fails, and how it is called.

``python -m tests.telling`` writes ``tests/told/networks/functions.txt`` anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import filtviz
from filtviz.budget import Budget
from filtviz.errors import FiltvizError, SelectionError
from filtviz.measures.measure import Diagnosis
from filtviz.network import Network, Origin
from filtviz.operations import Dense
from filtviz.results import FileFailure
from tests import telling
from tests.building import as_layer, conv, image, kernels, with_curves

__all__ = ["functions"]


def functions() -> Iterator[tuple[str, str]]:
    yield from _plotted()
    yield from _diagnosed()
    yield from _followed()
    yield from _others()


def _said(act: Any) -> str:
    try:
        return str(act())
    except SelectionError as error:
        return f"{telling.refused(error)} {error.available}"
    except FiltvizError as error:
        return telling.refused(error)


def _states(n: int) -> list[Network]:
    """States of one training, each moved a little from the one before."""
    first = kernels(6, 3, 3, 3)
    return [
        Network.of(
            [image(3, 8, 8), conv(first + k * kernels(6, 3, 3, 4)[..., :3] / 9, name="one", below=0)],
            Origin(path=Path(f"/there/net-{k}.npz"), epoch=k, kind="a network"),
        )
        for k in range(n)
    ]


def _plotted() -> Iterator[tuple[str, str]]:
    network = with_curves()
    other = Network.of([image(3, 8, 8), conv(kernels(2, 3, 3, 3), name="first", below=0)])
    layers: dict[str, Any] = {
        "none": None,
        "the first": 0,
        "one twice": (0, "first", 0),
        "one that is none": (9, "thirt", True, 1.5),
        "one that is not drawn": ("curves", "third"),
        "of this network": network.conv_layers[2],
        "that has no filters": [network.layers[0]],
        "of another network": (other.conv_layers[0], other.layers[0]),
        "without a name": [conv(kernels(2, 3, 3, 3))],
        "no list": 1.5,
        "an empty list": [],
    }
    for name, chosen in layers.items():

        def plot(chosen: Any = chosen) -> str:
            found = filtviz.plot(network, layers=chosen)
            failed = [(repr(each.layer), each.reason, each.code) for each in found.failures]
            drawn = [each.layer.label for each in found.layers]
            return f"{found!r} {drawn} {failed} {found.files} {found.left_out} {found.stem!r}"

        yield f"plotted, {name}", _said(plot)
    nothing = Network.of([image(3, 8, 8), as_layer(Dense(), below=0, name="d")], Origin(kind="a net"))
    placed = Network.of(nothing.layers, Origin(kind="a net", path=Path("/there/\x1b.npz")))
    for name, how in {
        "stacked alone": {"assume_stacked": True},
        "images alone": {"images": np.ones((1, 3, 8, 8))},
        "images that are none": {"images": "", "through": True},
        "through": {"through": True},
        "a budget": {"budget": Budget(pixels=1)},
        "a wrong budget": {"budget": 3},
        "a view": {"view": "rms"},
        "badges": {"badges": True},
        "a drawing": {"drawing": filtviz.DrawingOptions(view="rms", dpi=50), "layers": "third"},
        "a wrong drawing": {"drawing": 3},
        "a format": {"format": "gif"},
        "a format of no folder": {"format": "svg"},
    }.items():
        yield f"plotted with {name}", _said(lambda how=how: _drawn(filtviz.plot(network, **how)))
    for name, empty in {"nothing": nothing, "nothing in a file": placed}.items():
        yield f"plotted of {name}", _said(lambda empty=empty: filtviz.plot(empty))
    with tempfile.TemporaryDirectory() as folder:
        seen: list[str] = []
        for clobber in (True, False):
            for to in (Path(folder), Path(folder, "o.png")):
                found = filtviz.plot(
                    network, layers=("third", "curves"), output=to, view="rms", clobber=clobber,
                    progress=lambda file: seen.append(f"{file.path.name} {file.kept}"),
                )  # fmt: skip
                files = [f"{each.path.name} {each.kept}" for each in found.files]
                yield f"plotted to {to.suffix or 'a folder'}, {clobber}", f"{files} {found.stem!r} {seen}"
        yield "plotted, all files", str(sorted(each.name for each in Path(folder).iterdir()))


def _drawn(found: Any) -> str:
    usual = vars(filtviz.DrawingOptions())
    shown = {name: value for name, value in vars(found.options).items() if value != usual[name]}
    return f"{found!r} {shown} {[each.reason for each in found.failures]} {found.cautions} {found.left_out}"


def _judged(found: Diagnosis) -> str:
    changes = [[change.before for change in each.changes] for each in found.layers]
    left = [each.name for each in found.unjudged]
    return f"{[each.name for each in found.layers]} {changes} {left} {list(found.left_out)}"


def _diagnosed() -> Iterator[tuple[str, str]]:
    network, (start, later, _) = with_curves(), _states(3)
    for name, how in {
        "layers": {"layers": ("third", 0)},
        "a layer that is not judged": {"layers": "curves"},
        "a layer that is none": {"layers": "thirt"},
        "no range": {"input_range": (1.0, 0.0)},
        "a wrong budget": {"budget": "1"},
        "little work": {"budget": Budget(work=1)},
        "wrong limits": {"limits": 1},
        "wrong labels": {"labels": ""},
        "before that is none": {"before": 3},
    }.items():
        yield f"diagnosed with {name}", _said(lambda how=how: _judged(filtviz.diagnose(network, **how)))
    for name, before in {
        "none": None,
        "two": [start, network],
        "one with a name": ("start", start),
        "two with names": [("start", start), ("again", later)],
        "in memory": {"one.weight": kernels(6, 3, 3, 3)},
        "two in memory": [{"one.weight": kernels(6, 3, 3, 3)}, start],
    }.items():
        yield f"diagnosed after {name}", _said(lambda b=before: _judged(filtviz.diagnose(later, before=b)))
    for name, models in {
        "two": [start, later],
        "none": [],
        "one": [start],
        "some that fail": [start, "no-such.npz", 3, {"a": 1}, Path("no-such.pkl"), later],
    }.items():
        seen: list[str] = []

        def several(models: Any = models, seen: list[str] = seen) -> str:
            found = filtviz.diagnose(models, progress=lambda each: seen.append(type(each).__name__))
            told = [_outcome(each) for each in found.outcomes]
            moved = found.trajectory
            return f"{told} {seen} {moved and [each.name for each in moved.layers]}"

        yield f"several diagnosed, {name}", _said(several)


def _outcome(found: Diagnosis | FileFailure) -> str:
    if isinstance(found, FileFailure):
        return f"{found.file!r}: {found.reason} ({found.code})"
    return _judged(found)


def _followed() -> Iterator[tuple[str, str]]:
    states = _states(3)
    unnamed = [Network.of(each.layers, Origin(kind="a network")) for each in states]
    for name, given in {
        "three": (states,),
        "three in another order": (states[::-1],),
        "one after another": tuple(states),
        "one": (states[0],),
        "none": ([],),
        "without an order": (unnamed,),
        "of two networks": ([states[0], with_curves()],),
        "one that is none": ([states[0], 3],),
    }.items():
        for how in ({}, {"budget": Budget(work=1)}):

            def follow(given: Any = given, how: Any = how) -> str:
                found = filtviz.follow(*given, **how)
                moved = found and [layer.name for layer in found.layers]
                return str(found and [found.order, found.ordered_by, moved, found.apart])

            yield f"followed, {name}{' for little work' * bool(how)}", _said(follow)


def _others() -> Iterator[tuple[str, str]]:
    network = with_curves()
    nothing = Network.of([], Origin(kind="nothing"))
    placed = Network.of([], Origin(kind="nothing", path=Path("/there/\x1b.npz")))
    for name, model in {"a network": network, "an empty one": nothing, "one in a file": placed}.items():
        yield f"the layers of {name}", _said(lambda m=model: filtviz.layers(m))
        yield f"the graph of {name}", _said(lambda m=model: [filtviz.graph(m), len(filtviz.graph(m).dot)])
        yield f"the whole graph of {name}", _said(lambda m=model: filtviz.graph(m, whole=True))
        yield f"the text of {name}", _said(lambda m=model: filtviz.architecture_template(m)[:40])
    with tempfile.TemporaryDirectory() as folder:
        for to, form in (
            ("", "dot"), ("", "mmd"), ("o.dot", None), ("o.mmd", None), ("o.png", "svg"), ("o.txt", None),
            ("o.dot", "dot"), ("o.dot", "png"), ("", "gif"), ("", ["dot"]), ("o.dot", ""),
        ):  # fmt: skip

            def draw(to: str = to, form: Any = form) -> list[str]:
                found = filtviz.graph(network, output=Path(folder, to), format=form)
                return [f"{each.path.name} {each.kept}" for each in found.files]

            yield f"the graph to {to!r} as {form}", _said(draw).replace(folder, "there")
        yield "the graphs, all files", str(sorted(each.name for each in Path(folder).iterdir()))
