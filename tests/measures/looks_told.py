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
from filtviz.measures import answering
from filtviz.measures.diagnosing import diagnose
from filtviz.measures.measure import FilterDiagnosis, LayerDiagnosis
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
