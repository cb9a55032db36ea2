"""What the functions below the verdicts give on both sides of each of their switches, as lines of text.

Each row is unlike its neighbours in one fact. ``python -m tests.telling`` writes ``tests/told/measures/``
anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.accounts import Counted
from tests.building import chain, conv
from tests.chains import glorot

from filtviz.composition.stacks import Stack, Stage
from filtviz.errors import DrawingError, MeasureError
from filtviz.measures import change, composed, diagnosing, directions
from filtviz.measures.comparison import compare_layers, pay_for_comparison
from filtviz.measures.initialiser_catalogue import DEFAULT, Draws, fans_of
from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import band_energies, filter_shares, layer_share, textures
from filtviz.measures.measure import Change, FilterDiagnosis
from filtviz.measures.subject import Identified, Subject, gather_subjects
from filtviz.measures.table import MEASURES
from filtviz.measures.trajectory import follow
from filtviz.network import Network, Origin

from . import layers_told
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
        for draws, seed in ((9, 0), (40, 3)) if name != "wide" else ():
            found = composed.composed_structure(stages, draws=draws, seed=seed)
            ps = [found.entropy_p, found.low_p, found.high_p]
            told = f"{few(found.entropy)} | {few(found.centroid)} | {' | '.join(few(each) for each in ps)}"
            yield f"    {found.size} of {draws}: {told}"
    for name in ("smooth", "one weight", "uneven"):
        made, measure = replace(_subject(), stack=Stack(stages=tuple(rows[name]))), MEASURES["composed"]
        rough = [FilterDiagnosis(index=0, norm=1.0, composed_texture="rough", concentrated=True)]
        yield f"{name}: {[(key, list(map(str, each))) for key, each in measure.each(made).items()]}"
        yield f"    {measure.sum_up(made, rough)}"
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
    curves = conv(noise(4, 2, 3), axes="oir", stride=(1,), pad=((0, 0),), label="m")
    for name, layers in (
        ("one", [conv(plain, label="l")]),
        ("more filters", [conv(plain, label="l\x1b" + 50 * "x"), conv(noise(5, 2, 3, 3))]),
        ("more channels", [conv(plain), conv(plain), conv(noise(4, 3, 3, 3))]),
        ("larger", [conv(plain), conv(noise(4, 2, 3, 5))]),
        ("not finite", [conv(plain), conv(broken)]),
        ("curves", [curves, conv(plain)]),
        ("curves, afterwards", [conv(plain, label="l"), curves]),
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
        shown = column.tolist() if isinstance(column, np.ndarray) else column
        yield f"plain {type(column).__name__} {shown}: {diagnosing._plain(column)}"


def around_told() -> Iterator[str]:
    """Yield what is told of a layer by what lies around it, and by its files, one fact at a time."""
    plain = noise(6, 4, 3, 3)
    own = conv(plain, np.zeros(6), name="own")
    later = noise(5, 6, 3, 3, seed=1)
    one_zero = later * np.array([1, 0, 1, 1e-5, 0.9e-4, 1]).reshape(1, 6, 1, 1)
    for name, weights in (
        ("what follows", later), ("huge", later * 1e200), ("tiny", later * 1e-200), ("zeros", later * 0),
        ("an infinity", np.where(later == later.max(), np.inf, later)), ("some hardly", one_zero),
        ("of other channels", noise(5, 3, 3, 3)),
    ):  # fmt: skip
        network = chain(own, conv(weights, name="next"))
        yield from _in_network(f"{name} behind", network)
    for name, norm in (
        ("a normalisation", layers_told.norm(6)),
        ("of one number", layers_told.norm(1)),
        ("of factors", layers_told.norm(6, gamma=np.array([-2.0, 0, 1, 1e-4, 1.1e-4, 1]))),
        ("of NaN", layers_told.norm(6, gamma=np.full(6, np.nan))),
        ("of shifts", layers_told.norm(6, beta=np.arange(6.0))),
        ("no batch's", layers_told.norm(6, is_batch=False)),
    ):
        for behind in (conv(plain, name="own", nonlinearity="linear"), own):
            yield from _in_network(f"{name}, behind {len(behind.operations)}", chain(behind, norm))
    for groups, transposed in ((1, False), (2, False), (6, False), (99, False), (1, True), (2, True)):
        for channels, place in ((4, 0), (1, 0), (1, 1)):
            layer = conv(noise(6, channels, 3, 3), flip_filters=False)
            changed = replace(layer.convolution, groups=groups, transposed=transposed)
            layer = replace(layer, operations=(changed,), conv_index=place)
            ways = fans_of(layer).ways
            yield f"fans of {groups} groups, {transposed}, {channels} channels at {place}: {ways}"
    for shape in ((2, 9), (9, 2), (40, 40), (300, 200)):
        work = directions._work_of_bounds(shape), directions._work_of_shares(shape)
        most = few(directions._most_of_chance(shape, 0)) if shape[0] < 99 else ""
        yield f"directions of {shape}: {work} most {most}"
    shared = noise(1, 2, 3, 3) + 0.02 * noise(8, 2, 3, 3, seed=1)
    for name, weights in (
        ("plain", noise(8, 2, 3, 3)),
        ("shared", shared),
        ("some", shared + 0.9 * noise(8, 2, 3, 3)),
    ):
        for over in (0.0, 0.4):
            account = Counted()
            found = directions.significant_component(Kernels.of(weights), over, account=account)
            yield f"direction of {name} over {over}: {few(found.share)} {found.p} {account}"
    for n_alike, channels, place in ((8, 2, 0), (3, 2, 0), (8, 1, 0), (8, 1, 1), (4, 1, 0)):
        weights = np.repeat(noise(1, channels, 3, 3), n_alike, axis=0) + 0.3 * noise(
            n_alike, channels, 3, 3, seed=1
        )
        made = replace(_subject(), kernels=Kernels.of(weights), layer=replace(own, conv_index=place))
        yield f"{n_alike} of {channels} at {place} repeat: {directions._nearly_repeat(made)}"
    for known in (True, False):
        rule = Identified(DEFAULT, known=known)
        for sizes in (
            (1.0, 0.101, 0.099, 1.0, 1.0, 0.0),
            (1.0, 0.03, 0.02, 0.01, 0.01, 0.04),
            (0.3, 0.3, 0.3, 0.05, 9.0, 9.0),
        ):
            weights = plain / np.linalg.norm(plain.reshape(6, -1), axis=1).reshape(6, 1, 1, 1)
            kernels = Kernels.of(weights * np.array(sizes).reshape(6, 1, 1, 1))
            made = replace(_subject(), kernels=kernels, rule=rule, draws=Draws("uniform", 1 / 6))
            measure = MEASURES["decayed"]
            columns = measure.each(made)["decayed"]
            filters = [FilterDiagnosis(index=i, norm=1.0, decayed=one) for i, one in enumerate(columns)]
            yield f"decayed of {sizes}, {known}: {columns} {measure.sum_up(made, filters).text}"


def _in_network(name: str, network: Network) -> Iterator[str]:
    one = next(gather_subjects(network, network.conv_layers[:1], None))
    columns = {key: MEASURES[key].each(one) for key in ("unused", "coupling")}
    rely = columns["coupling"].get("reliance")
    found = MEASURES["coupling"].take(one)
    told = [
        "-" if one.scale is None else few(one.scale), one.at_start_behind, columns["unused"],
        "-" if rely is None else few(rely), found and (few(found.value), few(found.p), found.text),
        one.following and one.following.label,
    ]  # fmt: skip
    yield f"{name}: {told}"


@cache
def _subject() -> Subject:
    network = chain(conv(noise(6, 4, 3, 3), np.zeros(6)))
    return next(gather_subjects(network, network.conv_layers, None))


def changes_told() -> Iterator[str]:
    """Yield what earlier files tell of layers, and how layers moved through states."""
    plain = noise(3, 2, 3, 3)
    other = noise(3, 2, 3, 3, seed=1)
    broken = np.where(plain == plain.max(), np.nan, plain)
    for name, before, after in (
        ("the same", plain, plain), ("a little", plain, plain + 1e-8 * other),
        ("more", plain, plain + 1e-3 * other),
        ("smooth", plain, plain + np.ones((1, 1, 3, 3)) * other[:, :, :1, :1]),
        ("from zeros", plain * 0, plain),
        ("to zeros", plain, plain * 0), ("both zeros", plain * 0, plain * 0), ("another", other, plain),
        ("turned round", -plain, plain), ("huge", plain * 1e150, plain * 1e150 + other * 1e149),
        ("one filter", plain, np.concatenate([plain[:1], 2 * plain[1:2], plain[2:] + other[2:]])),
        ("one weight", plain[:, :, :1, :1], other[:, :, :1, :1]), ("broken before", broken, plain),
        ("of half precision", plain.astype("f2"), (plain + 0.1 * other).astype("f2")),
        ("larger", noise(3, 2, 5, 5), plain),
    ):  # fmt: skip
        for ways in ((None, None), (True, False), (False, True), (True, None), (None, False)):
            if ways != (None, None) and name not in ("a little", "another"):
                continue
            layers = [
                conv(each, name="c", flip_filters=way)
                for each, way in zip((before, after), ways, strict=True)
            ]
            earlier, now = (chain(each) for each in layers)
            one = change.changes_from(earlier, "before.npz", now.conv_layers[0])
            values = [one.cos2, one.relative_change, one.share, one.share_p, one.significant]
            each = [[_digits(own.cos2), _digits(own.relative_change)] for own in one.filters]
            kind = change.is_of_another(one, plain.size)
            yield f"{name} {ways}: {[_digits(v) for v in values]} {each} {one.reason} another {kind}"
    yield from _since(glorot((12, 6, 3, 3)).astype("f8"), glorot((12, 6, 3, 3), seed=1).astype("f8"))
    for n in (4, 100, 10_000):
        close = [
            change.is_of_another(Change(before="b", cos2=cos2), n)
            for cos2 in (None, 0.0, 1e-4, 0.01, 0.05, 0.3, 1.0)
        ]
        yield f"of another, of {n}: {close}"
    for name, states in (
        ("broken before", (broken, plain, plain)), ("broken after", (plain, plain, broken)),
        ("broken between", (plain, broken, plain)), ("zeros first", (plain * 0, plain, plain)),
        ("huge", (plain * 1e-160, plain * 1e160, plain * 1e160)),
        ("still", (plain, plain + 1e-3 * other, plain)),
    ):  # fmt: skip
        networks = [
            replace(chain(conv(each, name="c")), origin=Origin(path=Path(f"net-{i}.npz")))
            for i, each in enumerate(states)
        ]
        account = Counted()
        found = follow(networks, account)
        steps = None if found is None else [[_digits(step) for step in one.steps] for one in found.layers]
        yield f"through {name}: {steps} {found and [one.rests_after for one in found.layers]} {account}"


def _since(start: NDArray[np.float64], other: NDArray[np.float64]) -> Iterator[str]:
    """Yield what an earlier file makes of a layer that is as it was drawn."""
    for name, earlier in (
        ("the same", start),
        ("hardly another", start + 1e-8 * other),
        ("a little alike", 0.35 * start + 0.94 * other),
        ("another", other),
    ):
        before = [("b.npz", chain(conv(earlier, name="c")))]
        (told,) = diagnosing.diagnose(chain(conv(start, np.zeros(12), name="c")), before=before).layers
        yield f"drawn, before {name}: {told.verdict} {told.sentence} {told.residue and few(told.residue)}"


def _digits(value: float | None) -> float | None:
    return value if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def blocks_told() -> Iterator[str]:
    """Yield what measures find in a layer that is looked at in several parts, filters unlike in each."""
    weights = noise(12, 930, 3, 3) * np.linspace(0.5, 2, 12).reshape(12, 1, 1, 1)
    weights[10:] += np.ones((1, 1, 3, 3)) * noise(2, 930, 1, 1, seed=1)
    weights[11, 5] = -np.outer([1, 2, 1], [1, 0, -1])
    weights[3, 7] = weights[8, 9] = 0
    made = replace(_subject(), kernels=Kernels.of(weights), layer=conv(weights))
    yield f"{len(list(made.kernels.blocks()))} blocks, moments {few(made.kernels.raw_moments)}"
    for key, measure in MEASURES.items():
        found, columns = measure.take(made), measure.each(made)
        if found is not None:
            told = "-" if found.value is None else few(found.value)
            yield f"{key}: {told} {found.p is not None and few(found.p)} {found.found} {found.text}"
        for name, column in columns.items():
            plain = diagnosing._plain(column)
            shown = [few(each) if isinstance(each, float) else each for each in plain]
            yield f"    {name} {shown}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "stacks": stacks_told,
    "shares": shares_told,
    "refusals": refusals_told,
    "firsts": firsts_told,
    "around": around_told,
    "changes": changes_told,
    "blocks": blocks_told,
}
"""What is told of parts."""
