"""Filters that filtviz reads out of a file, held against those that the framework has in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from filtviz import Network, load

__all__ = ["assert_holds", "bits"]

Bits = tuple[tuple[int, ...], str, bytes]


def bits(array: NDArray[Any]) -> Bits:
    """Return all there is to know of an array: its shape, its type's name and its bytes."""
    return array.shape, array.dtype.name, array.tobytes()


def assert_holds(path: Path, kernels: Mapping[str, Bits]) -> Network:
    """Assert that a file holds these convolutions, by name and in their order, to the last bit."""
    network = load(path)
    found = {layer.name or layer.label: bits(layer.W) for layer in network.conv_layers}
    assert list(found) == list(kernels), "names and order"
    for name, wanted in kernels.items():
        assert found[name][:2] == wanted[:2], name
        assert found[name][2] == wanted[2], f"the bytes of {name}"
    assert all(layer.flip_filters is False for layer in network.conv_layers)
    return network


def array_of(tensor: Any) -> NDArray[Any]:
    """Return a tensor of PyTorch's as an array of numpy's with the same bits."""
    import ml_dtypes
    import torch

    held = tensor.detach().contiguous()
    if held.dtype.is_floating_point and held.dtype not in (torch.float16, torch.float32, torch.float64):
        name = str(held.dtype).removeprefix("torch.")
        return (
            held.view(torch.uint8 if held.itemsize == 1 else torch.int16)
            .numpy()
            .view(getattr(ml_dtypes, name))
        )
    return held.numpy()
