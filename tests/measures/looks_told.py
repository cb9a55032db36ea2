"""Which pictures are named first, and with which commands, as lines of text.

``python -m tests.telling`` writes ``tests/told/measures/looks.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.accounts import Counted
from tests.building import as_layer, chain, conv
from tests.networks.composed import CHAINS

from filtviz.budget import Account
from filtviz.errors import SelectionError
from filtviz.measures import answering
from filtviz.measures.diagnosing import diagnose
from filtviz.measures.measure import (
    Diagnosis,
    FilterDiagnosis,
    Finding,
    LayerDiagnosis,
    Measure,
    Unjudged,
    qualified,
)
from filtviz.measures.table import MEASURES
from filtviz.network import Network, Origin
from filtviz.operations import Untold

from .numbers_told import noise

__all__ = ["looks_told"]


def looks_told() -> Iterator[str]:
    """Yield which pictures are named, and the commands for them, of networks and layers one fact apart."""
    curve = conv(noise(2, 3, 3), axes="oir", stride=(1,), pad=((0, 0),))
    volume = conv(noise(2, 3, 3, 3, 3), axes="oidrc", stride=(1, 1, 1), pad=((0, 0),) * 3)
    plain = conv(noise(2, 3, 3, 3))
    for name, layers in (
        ("none", []), ("plain", [plain]), ("curve", [curve]), ("volume", [volume]),
        ("plain, curve", [plain, curve]),

        ("plain, volume, curve", [plain, volume, curve]),
        ("curve, volume", [replace(curve, name="a b"), volume]),
    ):  # fmt: skip
        for file in (None, "m.npz", "a 'b'.npz"):
            yield f"unjudged {name} of {file}: {answering.look_unjudged(Network.of(layers), file)}"
    judged = diagnose(chain(conv(noise(6, 3, 3, 3), np.arange(6.0), name="c"))).layers[0]
    looks = [
        answering.Look(layer=replace(judged, name=name, conv_index=place, shape=shape))
        for name, place, shape in (
            ("c", 0, (6, 3, 3, 3)), ("c", 1, (6, 3, 3, 3)), ("c", 0, (6, 1, 3, 3)), ("a b", 2, (6, 4, 3, 3)),
            ("é", 2, (6, 4, 3, 3)), ("n" * 40, 2, (6, 4, 3, 3)), ("n" * 41, 2, (6, 4, 3, 3)),
            ("x\n", 2, (6, 4, 3, 3)),
        )
    ]  # fmt: skip
    for look in looks:
        for one in (look, replace(look, through=True, size=(7, 9)), replace(look, size=(7, 9), r=0.605)):
            told = [answering.commands_for(file, one) for file in (None, "it's.npz")]
            yield f"{look.layer.name!r:.12} {one.through}: {told[0]} {told[1]} {one.sentence}"
    for file in (None, "a.npz", "b", "c.pk-l", "d.é", "e.tar.gz", "f."):
        undecided = replace(judged, verdict="undecided", findings=())
        for layers in ([], [judged], [replace(judged, verdict="initial")], [undecided]):
            yield f"more of {file}: {answering.more_evidence(file, layers, False)}"
    origin = Origin(path=Path("m.npz"))
    untold = as_layer(Untold(reason="x"))
    for name, network in (
        ("told", Network.of([plain], origin)), ("untold", Network.of([untold], origin)),
        ("nowhere", Network.of([plain])),
    ):  # fmt: skip
        for verdict in ("initial", "updated", "structured"):
            layers = [replace(judged, verdict=verdict)]  # type: ignore[arg-type]
            for look in (
                None,
                answering.Look(layer=layers[0]),
                answering.Look(layer=layers[0], through=True),
            ):
                for compared in (False, True):
                    told = answering.other_evidence(network, layers, look, compared)
                    yield f"other of {name}, {verdict}, {look and look.through}, {compared}: {told}"
    yield from _chosen(judged)
    yield from _objects(judged)


def _chosen(judged: LayerDiagnosis) -> Iterator[str]:
    """Yield at which layer one looks first, by how far those below can be composed."""
    seen = FilterDiagnosis(index=0, norm=1.0, texture="smooth")
    for name in (
        "one", "two", "three", "pooled twice", "linear", "silent", "silent altogether", "untold",
        "not finite",
        "its own deviation", "in steps", "branches",
    ):  # fmt: skip
        network = CHAINS[name]
        n = len(network.conv_layers)
        for verdicts in (
            ["structured"] * n,
            ["updated"] * n,
            ["structured", *["updated"] * (n - 1)],
            ["initial"] * n,
        ):
            layers = [
                replace(judged, conv_index=i, name=f"c{i}", verdict=verdict, filters=(seen,) * (i == 1))  # type: ignore[arg-type]
                for i, verdict in enumerate(verdicts)
            ]
            for size in (None, (4, 9), (5, 5)):
                layers[-1] = replace(
                    layers[-1], composed_size=size, filters=(replace(seen, composed_texture="rough"),)
                )
                account = Counted()
                look = answering.look_at(network, layers, account)
                told = look and [look.through, look.size, look.r and round(look.r, 4), look.untold]
                yield f"first of {name}, {verdicts}, {size}: {look and look.layer.name} {told}; {account}"
    for work in (0, 500_000, 3_000_000):
        layers = [replace(judged, conv_index=i, name=f"c{i}", verdict="structured") for i in range(3)]
        account = Account({"work": work, "pixels": 1})
        look = answering.look_at(CHAINS["three"], layers, account)
        yield f"first on {work}: {look and look.layer.name} {look and look.through} {account.left['work']}"


def _objects(judged: LayerDiagnosis) -> Iterator[str]:
    """Yield how diagnoses are shown, counted and chosen from."""
    for n in (40, 41):
        where = "/there/" + "n" * (2 * n)
        yield f"{replace(judged, name='n' * n)!r} {Diagnosis(file=where, layers=())!r}"
    for residue, least in ((None, None), (0.5, None), (None, 0.6), (0.5, 0.6), (0.0, 0.6)):
        one = replace(judged, residue=residue, residue_at_least=least)
        yield f"noise of {residue} and {least}: {one.noise}"
    names = {1: "a", 2: "2", 4: "b" * 41}
    layers = tuple(replace(judged, conv_index=i, name=name) for i, name in names.items())
    left = Unjudged(conv_index=5, name="c", type="Conv1D", reason="it is so")
    several = Diagnosis(file=None, layers=layers, unjudged=(left,))
    names_of = [each.name[:9] for each in several]
    yield f"{several!r} {len(several)} {bool(Diagnosis(file=None, layers=()))} {names_of} {left!r}"
    for wanted in (0, 1, 2, 4, 5, -1, -2, -5, -6, -7, "a", "2", "c", "b" * 41, "\x1b" + "x" * 50):
        try:
            found = several[wanted].name[:9]
        except SelectionError as error:
            found = f"{error} {error.wanted!r:.50}"
        yield f"layer {wanted!r:.12}: {found}"
    for finding in (judged.finding("bias"), judged.finding("nothing")):
        yield f"finding {finding!r}"
    for p in (0.0499, 0.05):
        yield f"nothing at {p}: {qualified('nothing', p)}"
    for key, measure in MEASURES.items():
        level = [_tested(measure, p).text for p in (0.9, 1.01)]
        some = measure.finding(value=1, text="t", found=True), measure.finding(value=1, text="t")
        met = [measure.is_met(replace(judged, findings=(one,))) for one in some]
        met.append(measure.is_met(replace(judged, findings=())))
        yield f"{key}: {measure.judges} {measure.of} {measure.threshold} {level} {met} {measure.level:.4g}"


def _tested(measure: Measure, share: float) -> Finding:
    return measure.tested(
        share * measure.level, value=1.0, found="it is", nothing="it is not", detail=" (so)"
    )
