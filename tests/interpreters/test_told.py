"""What every interpreter makes of every operation is as before, and both engines give the same."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.activations import KINDS
from filtviz.errors import RunningError
from filtviz.network import Network
from filtviz.operations import Input, Resize, Softmax, Standardisation, Transpose, Upscale
from filtviz.receptive_field import receptive_fields
from filtviz.running.inference import run as run_network
from tests import telling
from tests.interpreters import TABLES
from tests.interpreters.cases import CASES, JOINS
from tests.interpreters.tables import STRIDED, layer_of, run, shaped_network, start
from tests.running.test_torch_engine import torch_engine


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", telling.tables(TABLES, ("chained", "rows")))
def test_each_interpreter_makes_of_each_operation_what_it_made(name):
    wanted = (telling.GOLDEN / "interpreters" / f"{name}.txt").read_text(encoding="utf-8")
    assert telling.lines_of(TABLES[name]()) == wanted.splitlines()


def test_every_text_is_held():
    assert {path.stem for path in (telling.GOLDEN / "interpreters").iterdir()} == set(TABLES)


def test_both_engines_give_the_same_and_refuse_in_the_same_words():
    wanted = (telling.GOLDEN / "interpreters" / "units.txt").read_text(encoding="utf-8")
    assert telling.lines_of(run(torch_engine())) == wanted.splitlines()


def test_every_operation_and_every_kind_of_activation_is_among_the_cases():
    from filtviz.operations import Operation

    assert {type(one) for one in (CASES | JOINS).values()} == set(Operation.__args__)
    kinds = {getattr(one, "kind", "") for name, one in CASES.items() if name.startswith("Activation")}
    assert kinds == set(KINDS)


def _spans(network: Network, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """For each place of an axis of the image, which places of the units change when it changes."""
    image = np.random.default_rng(0).uniform(-1, 1, shape)
    changed = np.repeat(image[None], shape[axis] + 1, axis=0).reshape(-1, *shape[1:])
    for place in range(shape[axis]):
        np.moveaxis(changed[place + 1], axis - 1, 0)[place] += 7.0
    units = run_network(network, changed, engine="numpy")
    moved = ~np.isclose(units[1:], units[:1], rtol=1e-12, atol=1e-12, equal_nan=True)
    others = tuple(one for one in range(1, moved.ndim) if one != axis)
    return moved.any(axis=others)


OF_ALL = (Input, Transpose, Standardisation, Softmax)
"""What weighs units by others of the layer, or puts them elsewhere: that is not told of their fields."""


@pytest.mark.slow
def test_what_a_unit_answers_to_lies_in_its_field():
    far, tried = [], set()
    for name, operation in CASES.items():
        layers = start(None, 4, 14, 13), layer_of(STRIDED, below=(0,)), layer_of(operation, below=(1,))
        network = shaped_network(*layers)
        field, shape = receptive_fields(network)[2], network.layers[2].output_shape
        if field is None or shape is None or len(shape) != 4 or isinstance(operation, OF_ALL):
            continue
        if (key := (type(operation), field, shape)) in tried:
            continue
        tried.add(key)
        # Between two units of the layer below, which lie two pixels apart, it is where it is on the mean.
        spread = isinstance(operation, Resize | Upscale) or getattr(operation, "transposed", False)
        for axis in (2, 3):
            try:
                moved = _spans(network, (1, 4, 14, 13), axis)
            except RunningError:
                continue
            for unit in range(moved.shape[1]):
                seen = np.flatnonzero(moved[:, unit])
                first = field.start[axis - 2] + unit * field.jump[axis - 2] - 2 * spread
                end = first + field.size[axis - 2] + 4 * spread
                if seen.size and not first <= seen[0] <= seen[-1] < end:
                    far.append((name, axis, unit, seen))
    assert not far
    assert len(tried) > 120
