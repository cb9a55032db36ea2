"""What the pieces of answers and of composed filters give, each asked by itself.

``python -m tests.telling`` writes ``tests/told/networks/pieces.txt`` anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz import composition, responses
from filtviz.budget import Budget
from filtviz.composition import ComposedFilters
from filtviz.errors import FiltvizError
from filtviz.network import Layer, Network
from filtviz.operations import Dense, Flatten, Input, Softmax
from filtviz.parameter import Parameter
from filtviz.responses import activities, asking, coding, examining, looking, patching
from filtviz.responses.examining import Examination, LayerResponse
from filtviz.results import WrittenFile
from tests.building import as_layer, conv, image
from tests.interpreters.tables import numbers, told

__all__ = ["pieces"]

ODD: dict[str, Any] = {
    "None": None, "True": True, "0": 0, "1": 1, "-1": -1, "2.0": 2.0, "2.5": 2.5, "101": 101, "NaN": np.nan,
    "10**30": 10**30, "10**400": 10**400, "2**31": 1 << 31, "numpy's 2": np.int64(2),
    "numpy's 2.5": np.float32(2.5), "an array of one": np.array([1.0]), "an array of two": np.array([1, 3]),
    "an array of a number": np.array(3), "no text": "", "a text": "a", "a digit": "2", "bytes": b"x",
    "nothing": [], "a pair": (2, 3), "three": [1, 2, 3], "a pair of texts": ("a", "b"),
    "a pair with None": (1, None), "a range": range(2), "a set": {1}, "an object": object(),
    "a budget": Budget(work=5), "nested": [[1.0, 2.0]],
}  # fmt: skip
"""What could be given for an argument."""


def pieces() -> Iterator[tuple[str, str]]:
    yield from _checked()
    yield from _passed_on()
    yield from _examinations()
    yield from _counted()
    yield from _looked()
    yield from _correlated()


def _said(function: Callable[..., Any], *given: Any, **how: Any) -> str:
    try:
        return _short(function(*given, **how))
    except FiltvizError as error:
        return f"{type(error).__name__}: {error}"


def _short(found: Any) -> str:
    if isinstance(found, np.ndarray):
        return f"{told(np.nan_to_num(np.round(found, 6), nan=-9.0))} {found.dtype}"
    if isinstance(found, Budget):
        return f"a budget of {found.work}"
    return f"{found!r}"


def _checked() -> Iterator[tuple[str, str]]:
    checks = {**asking._CHECKS, "image": activities.activity.__wrapped__ and asking.images}
    for name, check in checks.items():
        for what, odd in ODD.items():
            yield f"{name} of {what}", _said(check, odd, name)
    for least in (0, 1, -5, -asking.LARGEST):
        for number in (least - 1, least, asking.LARGEST - 1, asking.LARGEST):
            yield f"whole of {number} from {least}", _said(asking.whole, number, "n", least)
    for most in (1e30, 100.0):
        for number in (-most, most, float(np.nextafter(most, np.inf)), -np.inf):
            yield f"real of {number!r:.30} up to {most}", _said(asking.real, number, "x", most)


def _passed_on() -> Iterator[tuple[str, str]]:
    """Which arguments are checked, in what order, and what is checked elsewhere."""
    network = Network.of([image(1, 4, 4), conv(np.ones((2, 1, 3, 3)), below=0, name="one")])
    shown = np.ones((2, 1, 4, 4))
    functions = {
        "predict": (responses.predict, ("labels", "engine", "batch", "device", "budget", "images")),
        "activity": (responses.activity, ("image", "engine", "batch", "images")),
        "patches": (responses.patches, ("top", "batch", "budget")),
        "codes": (responses.codes, ("plane", "seed", "batch")),
        "occlusion": (responses.occlusion, ("square", "nolearn", "stride", "fill", "target", "image")),
        "saliency": (responses.saliency, ("method", "of", "target", "signed", "seed", "image")),
        "maximise": (
            responses.maximise,
            ("units", "size", "steps", "rate", "jitter", "decay", "blur", "bounds", "seed", "image"),
        ),
    }
    for name, (function, parameters) in functions.items():
        first = "units" if name == "maximise" else "image" if name in ("occlusion", "saliency") else "images"
        for parameter in parameters:
            for what in ("None", "an object", "no text"):
                given = {first: 0 if first == "units" else shown, parameter: ODD[what]}
                if (name, parameter, what) in _FINE:
                    continue
                yield f"{name} with {parameter} of {what}", _said(function, network, **given)
        both = {first: "x", parameters[0]: object()} if first != parameters[0] else {first: None}
        yield f"{name} with two that are none", _said(function, network, **both)
    yield (
        "by their names",
        str([getattr(responses, name) is responses.__getattr__(name) for name in functions]),
    )
    yield "all names", str(sorted(responses.__all__))
    for answer in (asking.Answer(), asking.Answer(tell=lambda: "told")):  # type: ignore[arg-type, return-value]
        yield f"{answer!r} by itself", _said(lambda one=answer: one.demonstration)
    kept = asking.Answer(files=(WrittenFile(path=None),))  # type: ignore[arg-type]
    yield "an answer of files", f"{kept.files}"


_FINE = {
    (name, parameter, "None")
    for name, parameter in (
        *(("predict", each) for each in ("engine", "batch", "device", "budget")),
        *(("activity", each) for each in ("engine", "batch")), ("patches", "batch"), ("patches", "budget"),
        ("codes", "batch"), ("occlusion", "target"), ("saliency", "target"),
        *(("maximise", each) for each in ("size", "jitter", "blur", "image")),
    )
}  # fmt: skip
"""What goes on to be run."""


def _examinations() -> Iterator[tuple[str, str]]:
    for seed in range(90):
        draw = random.Random(seed)
        layers = tuple(_response(draw, i) for i in range(draw.choice((0, 1, 1, 2, 3, 6))))
        right = draw.choice((None, 0, 1, 99, 100, 995, 1000))
        found = Examination(
            n_images=draw.choice((1, 2, 1000)),
            layers=layers,
            right=right,
            labelled=None if right is None else draw.choice((1000, 1000, 0)),
            most_frequent=draw.choice((None, 0.1, 0.004, 1.0)),
            reason=draw.choice(("", "", "it is not known")),
            not_compared=draw.choice(("", "", "it differs", "it differs", "too much \x1b" + 320 * "x")),
        )
        yield (
            f"examination {seed}",
            f"{examining._answer(found)} {[found.of(i) is not None for i in (0, 2, 9)]}",
        )
    for share in (0.0, 1e-9, 0.0099, 0.01, 0.5, 0.985, 0.98999, 0.99, 0.99949, 0.9999, 1.0):
        yield f"share {share}", examining._share(share)
    for labels in (None, [], [1], [1, "1", 2], ["a", "b"], np.array([0, 0, 1, 1, 1])):
        yield f"most frequent of {labels}", f"{examining._most_frequent(labels)}"


def _response(draw: random.Random, place: int) -> LayerResponse:
    units = draw.choice((1, 4, 12))
    some = tuple(range(draw.choice((0, 0, 1, 2)) % (units + 1)))
    function = draw.choice(("rectify", "sigmoid", "hard_sigmoid", "softmax", "tanh", ""))
    return LayerResponse(
        layer=draw.choice(("conv", "l\x1b", "n" * 60)) + str(place),
        index=place + 1,
        conv_index=draw.choice((place, None)),
        units=units,
        function=function,
        fires=(0.5,) * units,
        silent=some if function == "rectify" else None,
        nonfinite=draw.choice(((), (), (), some)),
        saturated=draw.choice((some, ())) if function not in ("rectify", "") else None,
        at_end=draw.choice((None, 0.0, 0.004, 0.3, 0.7)),
        right_with_start=draw.choice((None, 0.0, 0.05, 0.0501, 0.5, 0.949, 0.951, 1.0)),
    )


def _counted() -> Iterator[tuple[str, str]]:
    """Counts and places over batches that are cut in several ways."""
    shown = np.round(np.random.default_rng(2).normal(0, 1, (5, 2, 2, 3)), 2)
    shown[3, 1, 1, 1] = np.nan
    for cuts in ((), (1,), (2, 4)):
        for low, high in ((None, None), (0.0, 1.0), (None, 1.5), (-1.0, 1.0)):
            for chosen in (-1, 0, 2, 4):
                counted = activities.Counted(low, high)
                for part in np.split(shown, cuts):
                    counted.add(part, chosen)
                maps = None if counted.maps is None else numbers(np.nan_to_num(counted.maps[:, 0, 0]))
                sums = numbers(counted.positive), numbers(np.ravel(counted.at_end))
                facts = f"{counted.n} {counted.seen} {' | '.join(sums)}"
                yield f"counted in {cuts} between {low} and {high} for {chosen}", f"{maps} {facts}"
        shared = examining._Shared()
        for part in np.split(np.nan_to_num(shown) + 50, cuts):
            shared.add(part, np.roll(part, 1, axis=3) + part)
        yield f"shared in {cuts}", f"{np.round(shared.explained(), 6).tolist()} of {shared.n}"
        best = patching._Best(3, SimpleNamespace(start=(-1.5, 0.5), jump=(2, 0.5)))  # type: ignore[arg-type]
        for part in np.split(shown, cuts):
            best.add(part, "one")
        yield f"best in {cuts}", f"{numbers(best.responses)} {best.images.tolist()} {best.corners.tolist()}"
    for own, twins in (
        (1e-170, 1),
        (1e170, 1),
        (np.inf, 1),
        (1, 1e100),
        (1, 1e160),
        (1, np.inf),
        (1e100, 1e100),
    ):
        shared = examining._Shared()
        shared.add((np.nan_to_num(shown) + 9) * own, (np.nan_to_num(shown) ** 2 + 1) * twins)
        found = [one and float(f"{one:.6g}") for one in shared.explained()]
        yield f"shared of {own} by {twins}", f"{found} of {shared.n}"
    yield "best of volumes", _said(patching._Best(1, SimpleNamespace()).add, shown[..., None], "\x1bone")  # type: ignore[arg-type]
    for rows in (shown[:, 0, 0], shown[:1, 0, 0], shown[:, 0, 0, :1], np.ones((3, 4)), -shown[:3, 0, 0]):
        places, shares = coding._pca(np.asarray(rows, float))
        yield f"in a plane {rows.shape}", f"{numbers(np.round(places, 3))} {np.round(shares, 6).tolist()}"
    for units in (np.arange(4.0), shown[:2], np.full((1, 2, 2), 3e38, "f4")):
        yield f"a row of {units.shape}", _short(np.nan_to_num(coding._row(units), posinf=-1.0))
    for given in ([0, 1, 2], np.array([1.5])):
        heat = looking.Heat(values=np.array(given, float), target=1, whole=0.5)
        taken = np.asarray(heat), np.array(heat, "f4"), np.array(heat, copy=True), heat.__array__("f4", True)
        yield f"heat of {given}", str([(one.tolist(), one.dtype.name, one is heat.values) for one in taken])


def _looked() -> Iterator[tuple[str, str]]:
    shown = np.arange(1.0, 21).reshape(1, 1, 4, 5)
    for square in (1, 2, 3, 9):
        for shift in (0, 1):
            parts = list(looking._covered(shown, range(0, 4, 3), range(0, 5, 2), square, shift, -1.0))
            yield (
                f"covered by {square} and {shift}",
                f"{[len(one) for one in parts]} {_short(np.concatenate(parts))}",
            )
    parts = list(looking._covered(np.ones((1, 1, 16, 16)), range(16), range(16), 1, 0, 0.0))
    sums = [int(one.sum()) for one in parts]
    yield "covered one by one", f"{[len(one) for one in parts]} {sums}, its own {np.sum(shown)}"
    for target in (None, 0, 2, 3, -1):
        yield f"class {target}", _said(looking._class_of, np.array([0.1, 0.7, 0.7]), target)
    yield "class of signed answers", _said(looking._class_of, np.array([-0.9, 0.1, 0.2]), None)
    plain = Dense(weights=Parameter.of("W", np.ones((20, 2))), units=2)
    for shape in ((None, 1, 4, 5), (None, 1, None, 5), (None, None, 4, 5), (None, 4, 5), (None, 20), None):
        entrance = Layer(output_shape=shape, operations=(Input(shape=shape),))
        network = Network.of([entrance, as_layer(Flatten(), plain, Softmax(), below=0)])
        for size in (None, (2, 3)):
            yield f"the shape of {shape} in {size}", _said(looking._shape, network, size)
    for bounds in ((0.0, 1.0), (-3.0, 5.0)):
        made = looking._noise((1, 2, 3), bounds, seed=4)
        yield f"noise in {bounds}", numbers(np.round(made, 6))
    for stride, pads in (((1, 1), ((0, 0), (0, 0))), ((3, 1), ((1, 1), (0, 0)))):
        layers = [image(1, 20, 20), conv(np.ones((1, 1, 3, 5)), below=0, stride=stride, pad=pads)]
        layers.append(conv(np.ones((1, 1, 2, 2)), below=1))
        network = Network.of(layers)
        yield f"seen by {stride}", str([looking._sees(network, layer) for layer in network.layers])
    unknown = Network.of([image(1, 9, 9), conv(np.ones((1, 1, 3, 3)), below=0, stride=None)])
    yield "seen by what is not told", str(looking._sees(unknown, unknown.layers[1]))
    one = Network.of([image(1, 4, 4), conv(np.ones((2, 1, 3, 3)), below=0, name="one")])
    for shape in ((2, 1, 4, 4), (2, 3, 4, 4), (2, 1, 2, 2), (2, 16), (0, 1, 4, 4)):
        found = _said(lambda s=shape: [each.units for each in examining.examine(one, np.ones(s)).layers])
        yield f"examined with images of {shape}", found
    for labels in ([0], [0, 1, 0]):
        yield f"examined with {labels}", _said(examining.examine, one, np.ones((2, 1, 4, 4)), labels=labels)


def _correlated() -> Iterator[tuple[str, str]]:
    plain = np.round(np.random.default_rng(3).normal(0, 1, (2, 3, 2, 4)), 2)
    other = plain + np.round(np.random.default_rng(4).normal(0, 1, plain.shape), 2)
    broken, still = other.copy(), other.copy()
    broken[0, 1, 0, 0], broken[1, 2, 0, 0] = np.nan, np.inf
    still[:, 0] = 7.0
    for name, a, b in (
        ("others", plain, other), ("themselves", plain, plain), ("turned", plain, -2 * plain + 9),
        ("huge", plain * 1e300, other * 1e-300), ("huge both", plain * 1e200, other * 1e200),
        ("broken", plain, broken),
        ("still", still, plain), ("hardly moving", still + 1e-10 * plain, plain),
        ("moving", still + 1e-7 * plain, plain),
        ("zeros", 0 * plain, plain), ("one place", plain[:1, :, :1, :1], other[:1, :, :1, :1]),
    ):  # fmt: skip
        yield f"correlated {name}", _short(composition._correlations(a, b))
    for size, jump in (((3, 3), (1, 1)), ((5, 2), (2, 1)), ((9, 9), (4, 4))):
        made = ComposedFilters(templates=np.ones((2, 1, *size)), jump=jump, start=(0, 0))
        for shape in (
            None,
            (None, 1, 9, 9),
            (None, 1, 3, 12),
            (None, 1, None, 40),
            (None, 1, 9),
            (None, 1, 90, 90),
        ):
            yield f"noise for {size} by {jump} in {shape}", str(composition._size_of_noise(made, shape))
        for start in ((0, 0), (-1, -3), (2, 1), (-9, 0)):
            at = replace(made, start=start)
            for units in ((3, 3), (1, 9)):
                yield (
                    f"predicted {size} by {jump} from {start} for {units}",
                    _said(lambda a=at, u=units: _predicted(composition._predict(a, GRADED, u))),
                )
    for n in range(1, 7):
        yield f"{n} names", composition._listed(tuple("abcdef")[:n])
    for own, jump in (((3, 3), (1, 1)), ((3, 5), (2, 2)), ((1, 1), (1, 2))):
        layer = conv(np.ones((1, 1, *own)))
        made = ComposedFilters(templates=np.ones((1, 1, 7, 9)), jump=jump, start=(0, 0))
        yield f"sum of {own} by {jump}", composition._summary(made, layer)


GRADED = np.arange(2 * 11 * 12.0).reshape(2, 1, 11, 12) % 17


def _predicted(found: tuple[Any, tuple[slice, slice]]) -> str:
    return f"{_short(found[0])} {[(one.start, one.stop) for one in found[1]]}"
