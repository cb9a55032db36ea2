"""What the state of an optimiser tells of each layer: whether it was ever moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import filtviz
from tests.reading.making import Thing
from tests.reading.torch_making import conv, module, tensor, zip_of

SHAPES = {"a": (4, 1, 3, 3), "b": (4, 4, 3, 3), "c": (4, 4, 3, 3), "d": (8, 4, 3, 3)}


def state() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        f"{name}.weight": tensor(random.normal(size=shape).astype("f4")) for name, shape in SHAPES.items()
    }


def moments(shape: tuple[int, ...], key: str = "exp_avg", value: float | None = None) -> dict[str, Any]:
    drawn = np.random.default_rng(1).normal(size=shape) if value is None else np.full(shape, value)
    return {"step": tensor(np.array(3.0, "f4")), key: tensor(drawn.astype("f4"))}


def optimiser(kept: dict[int, dict[str, Any]], n: int) -> dict[str, Any]:
    groups = [{"lr": 0.1, "params": list(range(n // 2))}, {"lr": 0.2, "params": list(range(n // 2, n))}]
    return {"state": kept, "param_groups": groups}


def told(tmp_path, optimisers: Any, key: str = "optimizer") -> tuple[str, str]:
    path = tmp_path / "net.pth"
    path.write_bytes(zip_of({"model": state(), key: optimisers}))
    origin = filtviz.load(path).origin
    return "".join(sorted(origin.moved)), "".join(sorted(origin.resting))


def test_of_all_parameters_those_without_moments_never_moved(tmp_path) -> None:
    kept = {i: moments(shape) for i, shape in enumerate(SHAPES.values()) if i in (1, 3)}
    assert told(tmp_path, optimiser(kept, 4)) == ("bd", "ac")
    assert told(tmp_path, [optimiser(kept, 4)], "optimizer_states") == ("bd", "ac")


def test_of_some_parameters_their_shapes_tell_which_they_are(tmp_path) -> None:
    """One of two layers of a shape moved, and nothing tells which; the first did not, and the last did."""
    kept = {i: moments(SHAPES[name]) for i, name in enumerate("bd")}
    assert told(tmp_path, optimiser(kept, 2)) == ("d", "a")
    both = {i: moments(SHAPES[name]) for i, name in enumerate("bcd")}
    assert told(tmp_path, optimiser(both, 3)) == ("bcd", "a")


def test_the_sums_of_adagrad_are_there_before_the_first_step(tmp_path) -> None:
    kept = {i: moments(shape, "sum", 0.1 if i == 0 else None) for i, shape in enumerate(SHAPES.values())}
    assert told(tmp_path, optimiser(kept, 4)) == ("bcd", "a")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "optimisers",
    [
        optimiser({}, 4),
        optimiser({0: moments((5, 5))}, 4),  # of another network
        optimiser({i: {"momentum_buffer": None} for i in range(4)}, 4),
        optimiser({i: moments(SHAPES["d"]) for i in range(5)}, 5),
        {"state": {0: moments(SHAPES["a"])}, "param_groups": [{"params": [0, 0, 1, 2]}]},
        {"state": [1, 2], "param_groups": 7},
    ],
    ids=["no step", "another network", "no moments", "more", "twice", "damaged"],
)
def test_what_does_not_fit_tells_nothing(tmp_path, optimisers) -> None:
    assert told(tmp_path, optimisers) == ("", "")


def test_two_optimisers_of_the_same_weights_tell_nothing(tmp_path) -> None:
    kept = {i: moments(shape) for i, shape in enumerate(SHAPES.values())}
    assert told(tmp_path, [optimiser(kept, 4)] * 2) == ("", "")


def test_very_many_optimisers_are_not_compared(tmp_path) -> None:
    def both(n: int) -> tuple[str, str]:
        other = {0: moments((5, 5))}  # of another network
        return told(
            tmp_path,
            {
                "optimizer": [optimiser({i: moments(SHAPES["d"]) for i in (3,)}, 4)],
                **{f"optimizer_{i}": optimiser(other, 1) for i in range(n)},
            },
            "state",
        )

    assert both(7) == ("d", "abc")
    assert both(8) == ("", "")


def in_groups(*groups: str, still: str = "") -> dict[str, Any]:
    """The state of an optimiser whose groups hold the layers of these names; some never moved."""
    names = "".join(groups)
    kept = {i: moments(SHAPES[name]) for i, name in enumerate(names) if name not in still}
    starts = [len("".join(groups[:place])) for place in range(len(groups))]
    held = [list(range(start, start + len(group))) for start, group in zip(starts, groups, strict=True)]
    return {"state": kept, "param_groups": [{"lr": 0.1, "params": each} for each in held]}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("optimisers", "expected"),
    [
        (in_groups("d", "a"), ("ad", "bc")),  # the last layers first
        (in_groups("d", "bc", still="b"), ("d", "a")),  # b or c moved
        ([in_groups("d"), in_groups("ab")], ("ad", "")),
        ([in_groups("a"), in_groups("a", "b", "c", "d")], ("", "")),  # more than there are
        (in_groups("cd", "d", "b"), ("", "")),  # of another network
    ],
    ids=["head first", "one of two", "two optimisers", "too many", "another network"],
)
def test_groups_and_optimisers_may_each_have_some_of_the_weights(tmp_path, optimisers, expected) -> None:
    assert told(tmp_path, optimisers) == expected


def test_of_two_networks_each_has_the_optimiser_that_fits_it_alone(tmp_path) -> None:
    def both(**more: Any) -> tuple[str, str]:
        path = tmp_path / "gan.pth"
        other = {"x.weight": tensor(np.ones((2, 3, 3, 3), "f4")), "y.weight": tensor(np.ones((7, 3), "f4"))}
        path.write_bytes(zip_of({"G": state(), "D": other, **more}))
        origin = filtviz.load(path).origin
        return " ".join(sorted(origin.moved)), " ".join(sorted(origin.resting))

    kept = {i: moments(shape) for i, shape in enumerate(SHAPES.values()) if i}
    second = optimiser({1: moments((7, 3))}, 2)
    assert both(opt_G=optimiser(kept, 4), opt_D=second) == ("D.y G.b G.c G.d", "D.x G.a")
    assert both(optimizers=[optimiser(kept, 4)] * 2) == ("", "")
    assert both(optimizer=optimiser(kept, 4), E=state()) == ("", "")  # which of two it has moved is not told


def test_whole_modules_beside_an_optimiser_are_told_too(tmp_path) -> None:
    layers = {name: conv(np.ones(shape, "f4")) for name, shape in SHAPES.items()}
    path = tmp_path / "net.pth"
    kept = {i: moments(shape) for i, shape in enumerate(SHAPES.values()) if i in (1, 3)}
    whole = module("net.Net", parts=layers)
    path.write_bytes(zip_of({"model": whole, "optimizer": optimiser(kept, 4)}))
    origin = filtviz.load(path).origin
    assert (origin.moved, origin.resting) == (frozenset("bd"), frozenset("ac"))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("weight", "bias", "expected"),
    [
        (None, None, None),  # tensors, and no parameters
        (True, False, True),
        (False, True, False),
        (False, None, False),
        ("no", True, None),
    ],
)
def test_a_module_tells_by_its_weights_whether_it_was_to_be_trained(tmp_path, weight, bias, expected) -> None:
    def held(values: np.ndarray, flag: Any) -> Thing:
        given = (tensor(values), flag, {})
        return tensor(values) if flag is None else Thing("torch._utils._rebuild_parameter", *given)

    layer = conv(np.ones((4, 1, 3, 3), "f4"))
    parts = {"weight": held(np.ones((4, 1, 3, 3), "f4"), weight), "bias": held(np.ones(4, "f4"), bias)}
    layer.state["_parameters"] = parts
    path = tmp_path / "net.pth"
    path.write_bytes(zip_of(module("net.Net", parts={"a": layer})))
    assert filtviz.load(path)[0].trainable is expected


def test_a_frozen_layer_of_few_weights_is_as_drawn_and_a_moved_one_is_not(tmp_path) -> None:
    random = np.random.default_rng(0)
    shapes = {"a": (6, 1, 3, 3), "b": (6, 1, 3, 3), "fc": (10, 6)}
    weights = {
        f"{n}.weight": random.uniform(-1 / 3, 1 / 3, shape).astype("f4") for n, shape in shapes.items()
    }
    kept = {i: moments(shape) for i, shape in enumerate(shapes.values()) if i != 0}
    path = tmp_path / "net.pth"
    model = {name: tensor(values) for name, values in weights.items()}
    path.write_bytes(zip_of({"model": model, "optimizer": optimiser(kept, 3)}))
    diagnosis = filtviz.diagnose(path)
    assert [each.verdict for each in diagnosis.layers] == ["initial", "updated"]
    assert diagnosis.answer.endswith("a is still as it was drawn: the optimiser in the file never moved it.")
    assert "(the optimiser in the file has moved it)" in diagnosis.layers[1].sentence
