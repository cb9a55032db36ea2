"""What functions give and say at the ends of each of their conditions, one fact varied at a time, as lines.

``python -m tests.telling`` writes ``tests/told/measures/`` anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from tests.accounts import Counted
from tests.building import as_layer, chain, conv
from tests.chains import glorot

from filtviz.measures import (
    answering,
    conclusions,
    judging,
    residue,
    verdicts,
)
from filtviz.measures.initialiser_catalogue import CATALOGUE, DEFAULT, TORCH_DEFAULT, Draws, Fans, Fit
from filtviz.measures.kernels import Kernels
from filtviz.measures.measure import Change, FilterDiagnosis, LayerDiagnosis
from filtviz.measures.mixture import SCALES
from filtviz.measures.residue import Magnitudes, Residue
from filtviz.measures.subject import Identified, Provenance, gather_subjects
from filtviz.measures.table import MEASURES
from filtviz.measures.training import has_moved_bias, signs_of_training, touched_by
from filtviz.operations import Dense, Standardisation
from filtviz.parameter import Parameter

from . import layers_told
from .numbers_told import few, noise
from .words_told import THIRD as NORMAL
from .words_told import base

__all__ = ["ENDS"]

LAYER = LayerDiagnosis(
    conv_index=0, name="c", type="Conv", shape=(4, 3, 3, 3), dtype="float32", verdict="initial",
    sentence="so", initialiser="unknown",
)  # fmt: skip


def words_at_their_ends() -> Iterator[str]:
    """Yield sentences of verdicts."""
    both = (False, True)
    for frozen, marked, *others in product(both, both, both, both):
        still = replace(LAYER, is_frozen=frozen, marked_frozen=marked)
        moved = replace(LAYER, name="m", verdict="updated", is_frozen=others[0], marked_frozen=others[1])
        told = [(why, [each.name for each in members]) for why, members in verdicts.still_so([still, moved])]
        yield f"still so, {frozen} {marked} beside {others}: {told}"
    for cos2 in (None, 0.0, 0.2):
        yield f"changed by {cos2}: {verdicts.why_changed_from(Change(before='b', cos2=cos2), 'so')}"
    for ps in ((), (0.5,), (0.01,), (0.0099,), (0.5, 0.001), (0.5, 0.01), (0.01, 0.7)):
        yield f"found of {ps}: {verdicts._nothing_found(ps, 0.01)}"


def subjects_at_their_ends() -> Iterator[str]:
    """Yield what is gathered of layers."""
    account = Counted()
    network = chain(conv(noise(4, 2, 3, 3), name="a"), conv(noise(3, 4, 3, 3, seed=1), name="b"))
    told = [
        one.composed and one.composed.size
        for one in gather_subjects(network, network.conv_layers, None, account)
    ]
    yield f"gathered: {told} {account}"
    fits = {
        "none": (), "matrix": (Fit(("m",), "matrix", 0.1, 1.0),), "free": (Fit(("f",), "uniform", 0.1, 0.5),),
        "own": (Fit(("o",), "uniform", 0.1, 0.5, (DEFAULT,)),),
        "another": (Fit(("a",), "uniform", 0.1, 0.5, (TORCH_DEFAULT,)),),
    }  # fmt: skip
    for known, framework, (name, some) in product((True, False), ("", "PyTorch"), fits.items()):
        rule = Identified(DEFAULT, known=known, framework=framework)
        made = replace(base("plain"), rule=rule, origin=Provenance(some))
        yield f"drawn by {known} {framework} {name}: {made.initialisers} {[made.called(fit) for fit in some]}"


def answers_at_their_ends() -> Iterator[str]:
    """Yield sentences of answers, and how many layers are composed in search of the first to look at."""
    uneven = MEASURES["filter-energy"].finding(value=1, text="t", found=True)
    smooth = FilterDiagnosis(index=0, norm=1.0, texture="smooth")
    plain = replace(LAYER, verdict="updated", filters=(FilterDiagnosis(index=0, norm=1.0),) * 5)
    for name, own in (
        ("plain", plain), ("uneven", replace(plain, findings=(uneven,))),
        ("seen", replace(plain, filters=(smooth, *plain.filters))),
        ("both", replace(plain, filters=(smooth, *plain.filters), findings=(uneven,))),
        ("striking", replace(plain, filters=(smooth, *plain.filters[:3]))),
    ):  # fmt: skip
        layers = [own, replace(own, conv_index=1, name="d")]
        for n in (1, 2):
            yield f"{n} {name}: {answering._unknown(layers[:n], ('so',), alone=True)}"
    many = [replace(LAYER, conv_index=place) for place in range(3)]
    for n in (26, 27, 28, 29):
        some = [replace(many[place], name="n" * (n + place // 2)) for place in (0, 2)]
        yield f"names of {n} and {n + 1}: {answering._who(some, many)}"
    low, high = (conv(noise(2, n, 3, 3), nonlinearity="linear") for n in (1, 2))
    network = chain(low, high, as_layer(Standardisation()), high, high, high)
    for n in (4, 5):
        layers = [replace(LAYER, conv_index=i, name=f"c{i}", verdict="structured") for i in range(n)]
        look = answering.look_at(network, layers, Counted())
        yield f"tried of {n}: {look and (look.layer.name, look.through, look.size)}"
    for rows, cols in ((3, 3), (2, 5), (3, 5), (5, 2), (1, 1)):
        low, high = (conv(noise(2, n, rows, cols), nonlinearity="linear") for n in (1, 2))
        layers = [replace(LAYER, conv_index=i, name=f"c{i}", verdict="structured") for i in range(2)]
        look = answering.look_at(chain(low, high), layers, Counted())
        yield f"of {rows}x{cols} twice: {look and (look.layer.name, look.through, look.size)}"


def residues_at_their_ends() -> Iterator[str]:
    """Yield what is said of how much noise is left, and whether it can be told."""
    plain, plains = base("plain"), np.ones((1, 1, 3, 3))
    smooth = replace(plain, kernels=Kernels.of(plain.kernels.weights * 0.1 + noise(20, 20, 1, 1) * plains))
    single = replace(plain, kernels=Kernels.of(plain.kernels.weights[:, :, :1, :1]))
    for name, subject in (("plain", plain), ("smooth", smooth), ("single", single)):
        most = residue._most_noise(subject)
        yield f"most noise of {name}: {most:.4f}"
        ends = (most, np.nextafter(most, 1.0)) if name == "smooth" else ()
        for known, left in product(
            (True, False),
            (
                Residue(None, "so"), Residue(None, "unsure", 0.4, 0.9, 20.0),
                Residue(None, "unsure", 0.55, 0.9, 20.0, 0.55), Residue(0.9, "", 0.85, 0.95),
                *(Residue(0.9, "", low, 1.0) for low in ends),
            ) if name != "single" else (),
        ):  # fmt: skip
            rule = Identified(DEFAULT, known=known)
            found = MEASURES["residue"].take(replace(subject, residue=left, rule=rule))
            told = f"{found.value} {found.interval and few(found.interval)} {found.found} {found.text}"
            yield f"    {known} {left.share} {left.low:.3f}: {told}; {found.reason}"
    kernels = Kernels.of(noise(300, 1, 2, 2) * (np.arange(300) % 3 > 0).reshape(300, 1, 1, 1))
    yield f"freedom: {residue._freedom(kernels)} {residue._freedom(single.kernels):.4f}"
    own = Magnitudes.of(plain.kernels)
    yield f"fans: {own.fans.ways} {Magnitudes.of(plain.kernels, Fans(((7, 9),))).fans.ways}"
    for freedom, times in ((1 / 3, 0.7), (0.333, 0.7), (1 / 3, 0.6999)):
        layer = replace(own, freedom=freedom, rms=times * 2.0)
        why = residue._why_not_tried(layer, Draws("uniform", 2.0))
        yield f"tried with {freedom:.4f} and {times}: {why!r}"
    few_moved = Kernels.of(glorot((10, 9, 3, 3)) + 0.005 * noise(10, 9, 3, 3, seed=1))
    layers = [replace(Magnitudes.of(few_moved), freedom=1 / 3)]
    for some, rules, others in (
        (layers, [DEFAULT], CATALOGUE[:2]), (layers, [TORCH_DEFAULT], [DEFAULT]),
        (layers, [NORMAL], CATALOGUE[:2]),
        ([], [DEFAULT], []),
    ):  # fmt: skip
        rule = residue.likeliest_rule(some, rules, others)
        yield f"likeliest of {len(some)}, {len(rules)} and {len(others)}: {rule and rule.name}"
    one, other = CATALOGUE[:2]
    for found in (
        {one: [20.0], other: [12.0]}, {one: [20.0], other: [12.01]}, {one: [20.0], other: [20.0]},
        {one: [7.5]}, {one: [7.51]}, {one: [20.0, 0.0]}, {one: [20.0, 0.0, 0.0]}, {},
    ):  # fmt: skip
        some = [layers[0]] * len(next(iter(found.values()), ()))
        rule = residue._clearly_likeliest(some, {key: np.array(each) for key, each in found.items()})
        yield f"clear in {list(found.values())}: {rule and rule.name}"
    near = np.abs(np.log(SCALES)) < 0.075
    for best, off in ((7.5, 0.0), (7.51, 0.0), (20.0, 2.0), (20.0, 2.01)):
        left = residue._weigh(900, 1.0, np.where(near, best, best + off), np.full(len(SCALES), 0.1), off)
        told = f"{left.share and round(left.share, 4)} {left.evidence:.3f} {left.reason}"
        yield f"weighed {best} and {off}: {told}"


def conclusions_at_their_ends() -> Iterator[str]:
    """Yield what layers say together."""
    shares: Sequence[tuple[float | None, float | None]] = (
        (0.5, None), (0.9, None), (0.904, None), (1.0, None), (None, 0.6), (None, None), (0.499, None),
    )  # fmt: skip
    trained = [
        replace(LAYER, conv_index=i, verdict="updated", residue=share, residue_at_least=least)
        for i, (share, least) in enumerate(shares)
    ]
    since = (Change(before="b", cos2=0.9),)
    for places in ((0,), (1, 2), (0, 1), (1, 3), (4,), (0, 4), (4, 0)):
        some = [trained[place] for place in places]
        told = [conclusions.shares_of(own) for own in (some, [replace(each, changes=since) for each in some])]
        yield f"noise of {places}: {told} {conclusions.noise_of([*some, trained[5]])}"
    yield f"noise of none: {conclusions.noise_of([])!r} {conclusions.noise_of([trained[5]])!r}"
    uneven = MEASURES["filter-energy"].finding(value=1, text="t", found=True)
    seen = FilterDiagnosis(index=0, norm=1.0, texture="smooth")
    kinds = {
        "initial": LAYER, "structured": replace(LAYER, verdict="structured"),
        "collapsed": replace(LAYER, verdict="collapsed"), "undecided": replace(LAYER, verdict="undecided"),
        **{f"updated, {each.residue}, {each.residue_at_least}": each for each in (trained[0], *trained[4:])},
    }  # fmt: skip
    kinds |= {f"{name}, uneven": replace(each, findings=(uneven,)) for name, each in kinds.items()}
    kinds["striking"] = replace(trained[5], filters=(seen,))
    for name, first in kinds.items():
        folded = [conclusions.may_be_folded([first, other], ()) for other in kinds.values()]
        never = any(conclusions.may_be_folded([first, other], ("so",)) for other in kinds.values())
        said = [conclusions.summarise([first, other], (), False) for other in kinds.values()]
        ends = [f"{conclusions.CAVEAT in each:d}{'(--before)' in each:d}" for each in said]
        yield f"{name} beside others: {''.join(f'{each:d}' for each in folded)} {never} {' '.join(ends)}"
    for change in (
        Change(before="b", share=None, share_p=0.001), Change(before="b", share=0.9, share_p=None),
        *(Change(before="b", share=share, share_p=p) for share in (0.9, 1 / 3, 0.1) for p in (0.0099, 0.01)),
    ):  # fmt: skip
        yield f"smooth by {change.share} at {change.share_p}: {conclusions._is_smooth(LAYER, change)}"


def training_at_its_ends() -> Iterator[str]:
    """Yield what tells of training where little can, and what zeros tell of weights."""
    heavy = np.random.default_rng(10).standard_t(3, (50, 40))
    first, seen = conv(np.ones((2, 1, 3, 3)), name="c"), layers_told.norm(4, mean=np.arange(4.0))
    large = Parameter.of("W", np.broadcast_to(np.float32(1), (4000, 4000)))
    for name, layers in (
        ("plain", [layers_told.dense(heavy)]), ("tiny", [layers_told.dense(heavy * 1e-200)]),
        ("not told", [as_layer(Dense()), layers_told.dense(heavy)]),
        ("of no channel", [layers_told.norm(0), layers_told.dense(heavy)]),
        ("behind a matrix", [as_layer(parameters=(large,)), seen, layers_told.dense(heavy, np.arange(40.0))]),
        ("without weights", [as_layer(Dense(bias=Parameter.of("b", np.arange(9.0))))]),
        ("of fewer weights than biases", [layers_told.dense(np.ones((1, 2)), np.arange(5.0))]),
        ("without means", [layers_told.norm(4, mean=None, spread=np.arange(4.0))]),
        ("without factors", [layers_told.norm(4, gamma=None, mean=np.arange(4.0))]),
        ("last", [layers_told.dense(heavy), *[layers_told.dense(heavy * 0)] * 7]),
        ("last but eight", [layers_told.dense(heavy), *[layers_told.dense(heavy * 0)] * 8]),
    ):  # fmt: skip
        network = layers_told.network(first, *layers)
        yield f"dense {name}: {signs_of_training(network)} {touched_by(network)!r} {has_moved_bias(network)}"
    smooth = MEASURES["low-frequency"].finding(value=0.9, p=1e-9, z=9.0, text="smooth", found=True)
    others = {key: MEASURES[key].finding(value=None, text=key) for key in ("bias", "residue")}
    weights = glorot((10, 10, 4, 5))
    for n, zeros in ((500, 1), (500, 2), (1000, 1), (1000, 2), (2000, 2), (2000, 3)):
        some = weights.reshape(-1)[:n].reshape(10, -1, 2, 5) * (np.arange(n) >= zeros).reshape(10, -1, 2, 5)
        made = replace(base("plain"), kernels=Kernels.of(some))
        set_to = judging.set_afterwards(made, others)
        told = judging.judge(made, others | {"low-frequency": smooth}, 0)
        yield f"{zeros} of {n} are 0: {set_to and set_to[1].why}; {told.verdict} {told.sentence}"
    fit = Fit(("f",), "uniform", 0.1, 0.5, (DEFAULT,))
    for traced, p, share in product((False, True), (0.0099, 0.01), (0.2499, 0.25)):
        rule = Identified(TORCH_DEFAULT, known=True, traced=traced)
        made = replace(base("plain"), rule=rule, origin=Provenance((replace(fit, p=p),)))
        found = {"bound": MEASURES["bound"].finding(value=share, text="beyond", found=True)}
        yield f"beyond {share}, {traced} {p}: {judging._evidence_of_change(made, found, 0.01)!r}"


def ends_told() -> Iterator[str]:
    """Yield all of it."""
    for table in (
        words_at_their_ends, subjects_at_their_ends, answers_at_their_ends, residues_at_their_ends,
        conclusions_at_their_ends, training_at_its_ends,
    ):  # fmt: skip
        yield from table()


ENDS: dict[str, Callable[[], Iterator[str]]] = {"ends": ends_told}
"""What is told at ends."""
