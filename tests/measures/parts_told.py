"""What the functions below the verdicts give on both sides of each of their switches, as lines of text.

Each row is unlike its neighbours in one fact. ``python -m tests.telling`` writes ``tests/told/measures/``
anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from tests.accounts import Counted
from tests.building import conv

from filtviz.composition.stacks import Stack, Stage
from filtviz.errors import DrawingError, MeasureError
from filtviz.measures import composed, diagnosing
from filtviz.measures.comparison import compare_layers, pay_for_comparison
from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import band_energies, filter_shares, layer_share, textures
from filtviz.measures.measure import FilterDiagnosis

from .numbers_told import few, noise

__all__ = ["PARTS"]


def stacks_told() -> Iterator[str]:
    """Yield the spectra of stacks of kernels, and what is charged for them."""
    rows = {
        "one": [Stage(noise(3, 1, 3, 3), (1, 1))],
        "two": [Stage(noise(4, 2, 3, 3), (1, 1)), Stage(noise(3, 4, 3, 3, seed=1), (1, 1))],
        "in steps": [Stage(noise(4, 1, 3, 3), (1, 1)), Stage(noise(2, 4, 3, 2, seed=1), (2, 3))],
        "of 17": [Stage(noise(2, 1, 9, 9), (1, 1)), Stage(noise(2, 2, 9, 1, seed=1), (1, 1))],
        "smooth": [Stage(np.ones((2, 1, 5, 5)), (1, 1)), Stage(np.ones((2, 2, 3, 3)), (1, 1))],
        "rough": [Stage(np.array([[[[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]]]]), (1, 1))],
        "one weight": [Stage(noise(3, 2, 1, 1), (1, 1))],
        "a filter of zeros": [Stage(noise(3, 2, 3, 3) * np.array([1, 0, 1]).reshape(3, 1, 1, 1), (1, 1))],
        "wide": [Stage(noise(40, 30, 1, 33), (1, 1))],
    }
    low, high = Stage(noise(2, 1, 3, 3) * 1e-200, (1, 1)), Stage(noise(2, 2, 3, 3, seed=1) * 1e180, (1, 1))
    uneven = noise(3, 2, 3, 3, seed=1) * np.array([1e-170, 1, 1e170]).reshape(3, 1, 1, 1)
    rows |= {
        "tiny and huge": [low, high],
        "uneven": [Stage(noise(2, 1, 3, 3), (1, 1)), Stage(uneven, (1, 1))],
    }
    for name, stages in rows.items():
        why = composed.why_not_composed(Stack(stages=tuple(stages)))
        yield f"{name}: work {composed.work_of(stages)} {composed.work_of(stages, draws=0)} {why!r}"
        if name == "wide":
            continue
        for draws, seed in ((9, 0), (40, 3)):
            found = composed.composed_structure(stages, draws=draws, seed=seed)
            ps = [found.entropy_p, found.low_p, found.high_p]
            told = f"{few(found.entropy)} | {few(found.centroid)} | {' | '.join(few(each) for each in ps)}"
            yield f"    {found.size} of {draws}: {told}"
    for size in (31, 32, 33):
        stage = Stage(np.ones((1, 1, 1, size)), (1, 1))
        yield f"{size} wide: {composed.why_not_composed(Stack(stages=(stage,)))!r}"
    broken = Stage(np.full((1, 1, 1, 1), np.nan), (1, 1))
    for stack in (Stack(reason="it is so"), Stack(stages=(low, broken)), Stack(stages=(broken,))):
        yield f"not composed: {composed.why_not_composed(stack)!r}"
    drawn = [np.stack([noise(2, 1, 2, 3), noise(2, 1, 2, 3, seed=4)]), np.stack([noise(1, 2, 2, 2)] * 2)]
    for spacings in ([(1, 1), (1, 1)], [(5, 5), (2, 3)]):
        whole = composed.compose_templates(drawn, spacings)
        yield f"composed by {spacings}: {whole.shape} {few(whole.sum(axis=(2, 3)))} {few(whole[0, 0, 0, 0])}"
    for shape in ((1, 2, 3, 3), (1, 1, 16, 16), (1, 1, 2, 17), (2, 1, 1, 1)):
        entropy, centroid = composed.spectral_shape(noise(*shape))
        yield f"spectrum of {shape}: {few(entropy)} at {few(centroid)}"


def shares_told() -> Iterator[str]:
    """Yield how smooth filters are, and which of them count."""
    for ps in (
        (0.04, 0.9, 0.9), (0.01, 0.9, 0.9), (0.0166, 0.0333, 0.05), (0.0167, 0.9, 0.9), (np.nan, 0.01, 0.9),
        (0.05,), (0.0501,), (0.03, 0.03, 0.9),
    ):  # fmt: skip
        smoother = np.arange(len(ps)) % 2 == 0
        yield f"textures of {ps}: {textures(np.array(ps), smoother)}"
    plain = noise(3, 2, 3, 3)
    line = np.array([1.0, 2, 3, 4, 5]).reshape(1, 1, 1, 5)
    for name, weights in (
        ("noise", plain),
        ("filters and kernels of zeros", plain * np.array([[0, 0], [1, 0], [1, 1]]).reshape(3, 2, 1, 1)),
        ("ones", np.ones((2, 1, 3, 3))), ("one weight", plain[:, :, :1, :1]), ("zeros", plain * 0),
        ("two columns", plain[..., :2]), ("one row", line), ("a ramp", line * line.reshape(1, 1, 5, 1)),
        ("a ramp turned", (line * np.ones((1, 1, 3, 1))).swapaxes(2, 3)), ("large", noise(2, 1, 20, 20)),
        ("larger", noise(2, 1, 21, 20)),
    ):  # fmt: skip
        kernels = Kernels.of(weights)
        low = band_energies(kernels)
        whole, each = layer_share(kernels, low), filter_shares(kernels, low)
        told = None if whole is None else few([whole.mean, whole.z, whole.p])
        yield f"{name}: low {few(low.ravel()[:4])}, layer {told}, filters {few(each.share)} p {few(each.p)}"


def refusals_told() -> Iterator[str]:
    """Yield which layers cannot be compared, what can be said of those that hold no numbers, and ranges."""
    plain = noise(4, 2, 3, 3)
    broken = plain.copy()
    broken[1, 0, 0, 0] = np.nan
    curves = conv(noise(4, 2, 3), axes="oir", stride=(1,), pad=((0, 0),))
    for name, layers in (
        ("one", [conv(plain, label="l")]),
        ("more filters", [conv(plain, label="l\x1b" + 50 * "x"), conv(noise(5, 2, 3, 3))]),
        ("more channels", [conv(plain), conv(plain), conv(noise(4, 3, 3, 3))]),
        ("larger", [conv(plain), conv(noise(4, 2, 3, 5))]),
        ("not finite", [conv(plain), conv(broken)]),
        ("curves", [curves, conv(plain)]),
        ("almost the same", [conv(plain), conv(plain * (1 + 1e-9))]),
        ("one weight moved", [conv(plain), conv(plain + 1e-12 * (np.arange(72).reshape(plain.shape) == 7))]),
        ("back again", [conv(plain), conv(-plain), conv(plain)]),
        ("far away", [conv(plain), conv(plain * 102)]),
        ("farther away", [conv(plain), conv(plain * 99.5)]),
        ("from nothing", [conv(plain * 0), conv(plain)]),
        ("in half precision", [conv(plain.astype("f2")), conv((plain * 1.5).astype("f2"))]),
        ("huge half precision", [conv((plain * 9e3).astype("f2")), conv((plain * -1e4).astype("f2"))]),
    ):  # fmt: skip
        account = Counted()
        pay_for_comparison(layers, account)
        try:
            said = compare_layers(layers, [f"s{i}" for i in range(len(layers))]).sentence
        except DrawingError as error:
            said = str(error)
        yield f"{name}: {said}; {account}"
    nan = np.array([0, np.nan, 0, 0])
    for dtype in ("f2", "f4", "f8"):
        for name, weights, bias in (
            ("a NaN", broken, None), ("a bias", plain, nan),
            ("untied biases", plain, np.outer(nan, [0, 1, 0])),
            ("half as many biases", plain, nan[:2]), ("huge", plain * (1e4 if dtype == "f2" else 1e30), nan),
            ("ones", plain * 0 + 1, None), ("tiny", plain * 0 + (6e-8 if dtype == "f2" else 1e-40), None),
        ):  # fmt: skip
            layer = conv(weights.astype(dtype), bias, name="c")
            told = diagnosing._refuse(layer)
            filters = [] if told is None else [
                f"{one.norm and float(f'{one.norm:.5g}')}{' broken' * one.nonfinite}{' faded' * one.decayed}"
                for one in told.filters
            ]  # fmt: skip
            yield f"{name} of {dtype}: {told and (told.sentence, told.why, told.dtype)} {filters}"
    spans: Sequence[Any] = (
        *(
            None,
            (0, 1),
            (1, 1),
            (1, 0.5),
            (0, np.inf),
            (-np.inf, 0),
            (np.nan, 1),
            [0, "1"],
            ("a", 1),
            (0, 1, 2),
        ),
        *((1,), 5, "01", (None, 1), (10**400, 1), np.array([0, 1])),
    )
    for given in spans:
        try:
            said = str(diagnosing._as_range(given))
        except MeasureError as error:
            said = str(error)
        yield f"range {given!r:.30}: {said:.120}"


def firsts_told() -> Iterator[str]:
    """Yield which filters are looked at first."""

    def filters(*facts: dict[str, Any]) -> list[FilterDiagnosis]:
        return [FilterDiagnosis(**{"index": i, "norm": 1.0} | each) for i, each in enumerate(facts)]

    seen: dict[str, Any] = {"texture": "smooth"}
    below: dict[str, Any] = {"composed_texture": "rough"}
    for name, some in (
        ("none seen", filters({"norm": 1.0}, {"norm": 3.0}, {"norm": None}, {"norm": 2.0})),
        ("of one norm", filters({}, {}, {}, {}, {}, {}, {})),
        (
            "by p",
            filters(seen | {"share_p": 0.02}, {}, seen | {"share_p": 0.01}, below | {"composed_p": 0.015}),
        ),
        (
            "by the surer",
            filters(
                seen | {"share_p": 0.02, "composed_p": 0.5}, below | {"composed_p": 0.03, "share_p": 0.01}
            ),
        ),
        ("by norm", filters(*(seen | {"share_p": 0.01, "norm": norm} for norm in (1.0, None, 3.0, 2.0)))),
        ("without p", filters(seen, below | {"composed_p": 0.99}, below)),
        ("six", filters(*(seen | {"share_p": p} for p in (0.6, 0.5, 0.4, 0.3, 0.2, 0.1)))),
    ):
        yield f"{name}: {diagnosing.first_to_look_at(some)}"
    columns: Sequence[Any] = (
        np.array([1.0, np.nan, np.inf]), np.array([1, 2]), [1.5, math.nan, None], ["a", None],
        np.array([True, False]), (1, -math.inf),
    )  # fmt: skip
    for column in columns:
        yield f"plain {list(column)!r:.60}: {diagnosing._plain(column)}".replace("np.float64", "").replace(
            "np.", ""
        )


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "stacks": stacks_told,
    "shares": shares_told,
    "refusals": refusals_told,
    "firsts": firsts_told,
}
"""What is told of parts."""
