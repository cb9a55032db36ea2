"""Write VGG-16's parameters as a kind of model file, with the library that such files come from.

`reading.py` runs it, in a process of its own: ``python benchmarks/making_models.py pth vgg16.pth large 1``.
It exits with a status of its own where the library is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from reading import CONVOLUTIONS, DENSE, NOT_INSTALLED, SMALL

Arrays = dict[str, np.ndarray]


def parameters(size: str, less: int) -> Arrays:
    """Return weights and biases by their names in torchvision, ``(filters, channels, rows, cols)``."""
    numbers = np.random.default_rng(0).normal(size=1 << 18).astype(np.float32)
    large = size == "large"
    shapes = [(*layer, 3, 3) for layer in (CONVOLUTIONS if large else SMALL)]
    named = {f"features.{place}": shape for place, shape in enumerate(shapes)}
    if large:
        named |= {f"classifier.{place}": (n_out, n_in // less) for place, (n_in, n_out) in enumerate(DENSE)}
    found = {}
    for name, shape in named.items():
        found[f"{name}.weight"] = np.resize(numbers, shape)
        found[f"{name}.bias"] = np.resize(numbers, shape[:1])
    return found


def pth(path: Path, arrays: Arrays) -> None:
    """PyTorch's state_dict."""
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)


def safetensors(path: Path, arrays: Arrays) -> None:
    """The tensors of a state_dict, behind a header of JSON."""
    from safetensors.numpy import save_file

    save_file(arrays, path)


def onnx(path: Path, arrays: Arrays, beside: bool = False) -> None:
    """A chain of convolutions and dense layers, its weights in the file."""
    from onnx import TensorProto, helper, numpy_helper, save

    nodes, last = [], "x"
    for name in dict.fromkeys(key.rpartition(".")[0] for key in arrays):
        ends = [last, f"{name}.weight", f"{name}.bias"]
        if name == "classifier.0":
            nodes.append(helper.make_node("Flatten", [last], ["flat"]))
            ends[0] = "flat"
        dense = name.startswith("classifier")
        how = {"transB": 1} if dense else {"pads": [1, 1, 1, 1]}
        nodes.append(helper.make_node("Gemm" if dense else "Conv", ends, [f"{name}.y"], **how))
        last = f"{name}.y"
    graph = helper.make_graph(
        nodes,
        "vgg16",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3, None, None])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    save(model, path, save_as_external_data=beside, location=f"{path.name}.data" if beside else None)


def onnx_beside(path: Path, arrays: Arrays) -> None:
    """The same, its weights in a file beside it."""
    onnx(path, arrays, beside=True)


def h5(path: Path, arrays: Arrays) -> None:
    """Keras's weights in HDF5, as Keras 2 and `save_weights` lay them out."""
    import h5py

    with h5py.File(path, "w") as file:
        names = list(dict.fromkeys(key.rpartition(".")[0].replace(".", "_") for key in arrays))
        file.attrs["layer_names"] = [name.encode() for name in names]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.15.0"
        for name in names:
            group, key = file.create_group(name), name.replace("_", ".")
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            kernel = arrays[f"{key}.weight"]
            order = (2, 3, 1, 0) if kernel.ndim == 4 else (1, 0)
            group.create_dataset(f"{name}/kernel:0", data=np.ascontiguousarray(kernel.transpose(order)))
            group.create_dataset(f"{name}/bias:0", data=arrays[f"{key}.bias"])


FORMS: dict[str, Callable[[Path, Arrays], None]] = {
    "pth": pth, "safetensors": safetensors, "onnx": onnx, "onnx-beside": onnx_beside, "h5": h5,
}  # fmt: skip


def main() -> None:
    """Write one file."""
    form, path, size, less = sys.argv[1:]
    try:
        FORMS[form](Path(path), parameters(size, int(less)))
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_INSTALLED)


if __name__ == "__main__":
    main()
