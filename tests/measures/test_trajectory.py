"""Several states of one training: their order, and when each layer stopped moving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz.cli import main
from filtviz.errors import BudgetError
from filtviz.measures.trajectory import LayerTrajectory, follow, in_order, number_in
from filtviz.network import Network, Origin

SHAPES = [(4, 1, 3, 3), (6, 4, 3, 3)]


def state(glorot, sizes, name: str = "", epoch: int | None = None) -> Network:
    """A network whose layers are this far from their start, in units of their norm."""
    from tests.building import chain, conv

    layers = []
    for shape, size in zip(SHAPES, sizes, strict=True):
        start, other = glorot(shape, seed=1), glorot(shape, seed=2)
        layers.append(conv(start + size * other, np.zeros(shape[0])))
    return replace(chain(*layers), origin=Origin(path=Path(name) if name else None, epoch=epoch))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ((0.5, 0.2, 0.005), 2),
        ((0.5, 0.005, 0.005), 1),
        ((0.5, 0.005, 0.01), None),
        ((0.001, 0.001), 0),
        ((0.5, 0.4), None),
        ((0.001, None), None),
        ((None, 0.001), 1),
    ],
)
def test_a_layer_rests_from_where_every_later_step_is_small(steps, place) -> None:
    assert LayerTrajectory(name="a", steps=steps).rests_after == place


def test_epochs_tell_the_order_and_names_only_without(glorot) -> None:
    told = [state(glorot, (0, 0), f"run{i}.npz", epoch) for i, epoch in ((1, 30), (2, 10), (3, 20))]
    assert in_order(told) == ((1, 2, 0), "the epoch in the files")
    untold = [state(glorot, (0, 0), f"e{i}.npz") for i in (10, 9, 100)]
    assert in_order(untold) == ((1, 0, 2), "the number in their names")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("model-step900-loss0.31", "model-step1000-loss0.27", "model-step0-loss3.00"), (2, 0, 1)),
        (("epoch=9-step=90", "epoch=10-step=100", "epoch=2-step=20"), (2, 0, 1)),
        (("e9-val_acc=87", "e10-val_acc=85", "e11-val_acc=86"), (0, 1, 2)),
        (("net_10_of_20", "net_9_of_20", "net_11_of_20"), (1, 0, 2)),
        (("v2.epoch_3", "v2.epoch_1", "v2.epoch_2"), (1, 2, 0)),
        (("seed1-epoch3", "seed2-epoch1", "seed1-epoch2"), None),  # of two trainings
        (("epoch3-0.5", "epoch3-0.7", "epoch3-0.9"), None),
        (("a1", "b2", "a3"), None),
    ],
)
def test_the_names_of_states_are_those_that_people_give(glorot, names, order) -> None:
    found = in_order([state(glorot, (0, 0), f"{name}.pth") for name in names])
    assert (None if found is None else found[0]) == order


def test_the_best_and_the_last_stand_apart(glorot) -> None:
    names = ("best", "epoch10", "epoch9", "last", "epoch11")
    sizes = (0, 0.001, 0, 0, 0.002)
    found = follow([state(glorot, (s, s), f"{name}.pth") for name, s in zip(names, sizes, strict=True)])
    assert found is not None
    assert (found.order, found.apart) == ((2, 1, 4), (0, 3))
    assert follow([state(glorot, (0, 0), f"{name}.pth") for name in ("epoch1", "breast", "epoch2")]) is None
    told = [state(glorot, (0, 0), f"{name}.pth", i) for i, name in enumerate(("best", "last"))]
    every = follow(told)
    assert every is not None
    assert every.apart == ()


def test_an_epoch_that_two_states_share_tells_no_order(glorot) -> None:
    same = [state(glorot, (0, 0), f"e{i}.npz", epoch=5) for i in (10, 9)]
    assert in_order(same) == ((1, 0), "the number in their names")
    assert in_order([state(glorot, (0, 0), f"{name}.npz", epoch=5) for name in "ab"]) is None
    one_told = [state(glorot, (0, 0), "e2.npz", epoch=1), state(glorot, (0, 0), "e1.npz")]
    assert in_order(one_told) == ((1, 0), "the number in their names")


def test_what_is_no_series_has_no_order(glorot, make_chain, make_conv) -> None:
    plain = [state(glorot, (0, 0), name) for name in ("a1.npz", "b2.npz")]
    assert in_order(plain) is None
    assert in_order([state(glorot, (0, 0), "a.npz"), state(glorot, (0, 0), "b.npz")]) is None
    assert in_order([state(glorot, (0, 0), "a1.npz"), state(glorot, (0, 0), "a1.npz")]) is None
    other = replace(make_chain(make_conv(glorot((4, 1, 3, 3)))), origin=Origin(path=Path("a2.npz")))
    assert in_order([state(glorot, (0, 0), "a1.npz"), other]) is None
    assert follow(plain) is None


def test_layers_are_followed_in_the_order_of_the_epochs(glorot) -> None:
    sizes = {1: (0, 0), 2: (0.5, 0.3), 3: (0.5001, 0.6)}
    found = follow([state(glorot, sizes[e], epoch=e) for e in (3, 1, 2)])
    assert found is not None
    assert found.order == (1, 2, 0)
    first, second = found.layers
    assert (first.rests_after, second.rests_after) == (1, None)
    a, b = glorot(SHAPES[1], seed=1).astype(float), glorot(SHAPES[1], seed=2).astype(float)
    assert second.steps[0] == pytest.approx(0.3 * np.linalg.norm(b) / np.linalg.norm(a), rel=1e-5)


def test_a_state_that_is_not_finite_ends_no_run(glorot) -> None:
    states = [
        state(glorot, sizes, epoch=i + 1) for i, sizes in enumerate([(0, 0), (np.nan, 0.1), (0.2, 0.1)])
    ]
    found = follow(states)
    assert found is not None
    assert found.layers[0].steps == (None, None)
    assert found.layers[1].rests_after == 1


def test_a_bias_that_is_not_finite_leaves_no_step_before_it_and_behind_it(glorot) -> None:
    from tests.building import chain, conv

    states = [
        replace(
            chain(conv(glorot(SHAPES[0]) * (1 + 0.1 * i), np.full(SHAPES[0][0], bias))),
            origin=Origin(epoch=i),
        )
        for i, bias in enumerate([0.0, np.nan, 0.0, 0.0])
    ]
    found = follow(states)
    assert found is not None
    assert found.layers[0].steps[:2] == (None, None)
    assert found.layers[0].steps[2] == pytest.approx(0.1 / 1.2, rel=1e-5)


def test_following_keeps_to_the_budget(glorot) -> None:
    states = [state(glorot, (0, 0), epoch=i) for i in (1, 2)]
    with pytest.raises(BudgetError, match="following conv1"):
        filtviz.follow(states, budget=filtviz.Budget(work=10))
    assert filtviz.follow(states[:1]) is None


def saved(folder: Path, glorot, number: int, sizes) -> str:
    network = state(glorot, sizes)
    path = folder / f"epoch{number}.npz"
    arrays = [array for each in network.conv_layers for array in (each.W, each.b)]
    np.savez(path, *arrays)
    return str(path)


@pytest.mark.slow
def test_a_model_without_a_file_has_no_place_in_the_order_but_keeps_its_number(tmp_path: Path) -> None:
    weights = [np.random.default_rng(seed).standard_normal((4, 1, 3, 3)) for seed in (1, 2)]
    files = [tmp_path / f"net-{epoch}.npz" for epoch in (3, 1, 2)]
    for path, size in zip(files, (0.5, 0.0, 0.499), strict=True):
        np.savez(path, W=weights[0] + size * weights[1])
    live = {"W": weights[0]}
    for models, order, apart in (
        ([live, *files], (2, 3, 1), (0,)),
        ([files[0], live, "gone.npz", *files[1:], live], (2, 3, 0), (1, 4)),
        (files, (1, 2, 0), ()),
    ):
        found = filtviz.diagnose(models)
        assert found.trajectory is not None
        assert (found.trajectory.order, found.trajectory.apart) == (order, apart)
        assert [found.diagnoses[place].file for place in order] == [str(files[i]) for i in (1, 2, 0)]
        assert [layer.rests_after for layer in found.trajectory.layers] == [1]
    assert filtviz.diagnose([live, *files[:2]]).trajectory is None
    assert filtviz.diagnose([live, {"W": "none"}]).failures[0].file == "network 2"


def test_the_command_puts_states_in_order_and_says_what_rests(tmp_path: Path, glorot) -> None:
    sizes = {1: (0, 0), 5: (0.5, 0.3), 10: (0.5001, 0.6)}
    paths = [saved(tmp_path, glorot, number, sizes[number]) for number in (10, 1, 5)]
    result = CliRunner().invoke(main, ["diagnose", *paths], env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    heading = next(line for line in result.stdout.splitlines() if line.startswith("layer "))
    assert heading.split()[2:] == ["epoch1", "epoch5", "epoch10"]
    text = " ".join(result.stdout.split())
    assert (
        "Ordered by the number in their names. conv1 stopped moving after epoch5.npz. conv2 still moves: the"
        in text
    )
    two = CliRunner().invoke(main, ["diagnose", *paths[:2]], env={"COLUMNS": "100"})
    assert "Ordered by" not in two.stdout


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("net10-epoch3.pkl", ("net10-epoch#.pkl", 3)),
        ("3.pkl", ("#.pkl", 3)),
        ("a/b7/net.pkl", None),
        ("net-007", ("net-#", 7)),
        ("v2.h5", ("v#.h5", 2)),
        ("v2.hdf5.gz", ("v#.hdf5.gz", 2)),
        ("net.h5", None),
        ("net.hdf5", None),
        ("net.h15", ("net.h#", 15)),
        ("net.pkl", None),
    ],
)
def test_the_number_of_a_state_is_the_last_in_its_name(name, found) -> None:
    assert number_in(Path(name)) == found


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("names", "epochs", "order"),
    [
        (("b", "a"), (2, 1), ((1, 0), "the epoch in the files")),
        (("e2", "e1"), (1, 2), ((0, 1), "the epoch in the files")),
        (("e2", "e1"), (1, 1), ((1, 0), "the number in their names")),
        (("e2", "e1"), (1, None), ((1, 0), "the number in their names")),
        (("e2", "f1"), (None, None), None),
        (("e2", "x/e2"), (None, None), None),
        (("e10", "e9"), (None, None), ((1, 0), "the number in their names")),
        (("a", "b"), (None, None), None),
    ],
)
def test_the_order_of_states_is_told_by_epochs_or_else_by_names_or_not_at_all(
    names, epochs, order, glorot
) -> None:
    states = [state(glorot, (0, 0), name, epoch) for name, epoch in zip(names, epochs, strict=True)]
    assert in_order(states) == order
