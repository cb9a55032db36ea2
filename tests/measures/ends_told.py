"""What functions give and say at the ends of each of their conditions, one fact varied at a time, as lines.

``python -m tests.telling`` writes ``tests/told/measures/`` anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

from tests.accounts import Counted
from tests.building import chain, conv

from filtviz.composition.stacks import Stage
from filtviz.measures import composed, verdicts
from filtviz.measures.initialiser_catalogue import DEFAULT, TORCH_DEFAULT, Fit
from filtviz.measures.measure import Change, LayerDiagnosis
from filtviz.measures.subject import Identified, Provenance, gather_subjects

from .numbers_told import few, noise
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


def stacks_at_their_ends() -> Iterator[str]:
    """Yield what is made of stacks."""
    large = composed.composed_structure([Stage(noise(2, 130, 1, 17))], draws=2)
    yield f"more than is held at once: {few(large.entropy)} {few(large.entropy_p)} {few(large.low_p)}"


def ends_told() -> Iterator[str]:
    """Yield all of it."""
    for table in (words_at_their_ends, subjects_at_their_ends, stacks_at_their_ends):
        yield from table()


ENDS: dict[str, Callable[[], Iterator[str]]] = {"ends": ends_told}
"""What is told at ends."""
