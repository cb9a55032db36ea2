"""Flax: trees of parameters in memory and in each form in which people save them, to the last bit.

Flax is not in the extra ``frameworks``, since JAX is large: ``pip install flax`` lets these tests run.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import load
from filtviz.operations import Embedding, Normalisation

from .comparing import assert_holds, bits

jax = pytest.importorskip("jax", reason="JAX is not installed (pip install flax)")
pytest.importorskip("flax", reason="Flax is not installed (pip install flax)")

from flax import linen, nnx, serialization, traverse_util  # noqa: E402  (only where it is installed)

jnp = jax.numpy
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Small(linen.Module):
    """A network of every kind of layer that has a kernel."""

    dtype: Any = jnp.float32

    @linen.compact
    def __call__(self, image: Any, words: Any) -> Any:
        x = linen.Conv(8, (5, 3), strides=2, name="stem", param_dtype=self.dtype)(image)
        x = linen.BatchNorm(use_running_average=True, name="norm")(x)
        x = linen.Conv(16, (3, 3), feature_group_count=8, name="depthwise", param_dtype=self.dtype)(x)
        x = linen.ConvTranspose(4, (3, 3), strides=(2, 2), name="up", param_dtype=self.dtype)(x)
        x = x.mean((1, 2)) + linen.Dense(4, name="head", param_dtype=self.dtype)(x.mean((1, 2)))
        return x + linen.Embed(20, 4, name="table")(words)


def tree(dtype: Any = jnp.float32) -> Any:
    """Return the parameters and statistics of the network."""
    facts = jnp.ones((1, 16, 16, 3)), jnp.zeros((1,), jnp.int32)
    return Small(dtype=dtype).init(jax.random.PRNGKey(0), *facts)


def kernels(held: Any, *, in_order: tuple[str, ...] = ("stem", "depthwise", "up")) -> dict[str, Any]:
    return {name: bits(np.asarray(held["params"][name]["kernel"])) for name in in_order}


def assert_same(network: filtviz.Network, held: Any) -> None:
    found = {layer.name: bits(layer.W) for layer in network.conv_layers}
    assert found == kernels(held)
    assert all(layer.flip_filters is False for layer in network.conv_layers)
    by_name = {layer.name: layer for layer in network.layers}
    assert isinstance(by_name["norm"].operations[0], Normalisation)
    assert isinstance(by_name["table"].operations[0], Embedding)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_tree_in_memory_is_the_network(dtype):
    held = tree(getattr(jnp, dtype))
    assert_same(filtviz.layers(held).network, held)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_messagepack_is_the_tree(tmp_path, dtype):
    held = tree(getattr(jnp, dtype))
    path = tmp_path / "m.msgpack"
    path.write_bytes(serialization.to_bytes(held))
    assert_same(load(path), held)


def test_a_pickle_of_the_tree_and_one_of_its_arrays_are_it(tmp_path):
    held = tree()
    plain = jax.tree_util.tree_map(np.asarray, serialization.to_state_dict(held))
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(plain))
    assert_same(load(path), held)


@pytest.mark.parametrize("separator", ["/", "."])
def test_an_npz_of_the_flat_tree_is_it(tmp_path, separator):
    held = tree()
    path = tmp_path / "m.npz"
    np.savez(
        path, **{key: np.asarray(one) for key, one in traverse_util.flatten_dict(held, sep=separator).items()}
    )
    assert_same(load(path), held)


def test_a_tree_of_arrays_alone_is_no_network_of_convolutions():
    assert not filtviz.layers({"params": {"head": {"kernel": jnp.ones((4, 2))}}}).network.conv_layers


def test_the_state_of_nnx_is_a_tree_as_well(tmp_path: Path):
    class Net(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.stem = nnx.Conv(3, 8, (5, 3), rngs=rngs)
            self.head = nnx.Linear(8, 2, rngs=rngs)

    state = nnx.to_pure_dict(nnx.state(Net(nnx.Rngs(0)), nnx.Param))
    path = tmp_path / "m.msgpack"
    path.write_bytes(serialization.msgpack_serialize(jax.tree_util.tree_map(np.asarray, state)))
    assert_holds(path, {"stem": bits(np.asarray(state["stem"]["kernel"]))})
    found = filtviz.layers(state).network.conv_layers
    assert [bits(layer.W) for layer in found] == [bits(np.asarray(state["stem"]["kernel"]))]


def test_what_an_optimiser_never_moved_is_told_by_its_moments(tmp_path) -> None:
    optax = pytest.importorskip("optax", reason="Optax is not installed (pip install flax)")
    shapes = {"a": (3, 3, 1, 4), "b": (3, 3, 4, 4), "fc": (9, 2)}
    random = np.random.default_rng(0)
    params = {name: {"kernel": jnp.asarray(random.random(shape))} for name, shape in shapes.items()}
    labels = {name: {"kernel": "train" if name != "a" else "still"} for name in shapes}
    masked = optax.multi_transform({"train": optax.adam(0.1), "still": optax.set_to_zero()}, labels)
    gradients = {name: {"kernel": one["kernel"] * (name != "a")} for name, one in params.items()}
    for optimiser in (masked, optax.adamw(0.1), optax.sgd(0.1, momentum=0.9)):
        _, state = optimiser.update(gradients, optimiser.init(params), params)
        held = serialization.to_bytes({"params": params, "opt_state": state, "step": 1})
        (tmp_path / "state.msgpack").write_bytes(held)
        origin = load(tmp_path / "state.msgpack").origin
        assert (origin.moved, origin.resting) == ({"b", "fc"}, {"a"})
