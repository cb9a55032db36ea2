"""Names that are nearly PyTorch's: of packages, modules, functions and classes, in whatever makes an object.

What is answered alike stands in one line.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading.formats import torch
from filtviz.reading.formats.torch import torch_classes
from filtviz.reading.formats.torch.modules import RecordReader, layers_of_module
from filtviz.reading.formats.torch.weight_sets import find_sets, module_state
from filtviz.reading.limits import Computing
from filtviz.reading.pickle.records import Items
from tests.reading.making import Named, Thing
from tests.reading.operators.asking import Told, array
from tests.reading.operators.small_parts import together
from tests.reading.operators.torch_facts import _asked
from tests.reading.operators.torch_modules import SEQUENTIAL, _conv, _quantised
from tests.reading.operators.torch_tensors import KERNEL, ONES, SMALL, shown, unpickled
from tests.reading.torch_making import Stored, module, quantised, stream_of, tensor
from tests.telling import refused

__all__ = ["near_torch"]


def _words(text: str) -> list[str]:
    return text.split()


HOMES = _words("""
    torch torch._utils torchvision torch_xla.core torchx torch2._utils mine.torch Torch
""")
"""Packages and modules in front of a name; the first two are PyTorch's."""


def _tensor(value: Any) -> str:
    root, rebuilder = unpickled(value)
    try:
        found = rebuilder.tensor(root)
        grad = rebuilder.requires_grad(root)
    except FiltvizError as error:
        return refused(error)
    return f"{shown(found)}{'' if grad is None else f', gradient {grad}'}"


def _makers() -> Told:
    """Functions that make tensors, in other packages too, and those whose names are longer or shorter."""
    plain: tuple[Any, ...] = (Stored(ONES), 0, (2, 3), (3, 1), False, OrderedDict())
    whole = tensor(ONES)
    for name, args in {"_rebuild_tensor_v2": plain, "_rebuild_parameter": (whole, True)}.items():
        rows = [(home, _tensor(Thing(f"{home}.{name}", *args))) for home in HOMES]
        near = (f"{name}2", name[:-1], f"x{name}", name.upper())
        rows += [(one, _tensor(Thing(f"torch._utils.{one}", *args))) for one in near]
        yield from together(rows, f"{name} of")
    maker, own = "torch._tensor._rebuild_from_type_v2", Named("mine.Own")
    inner = [f"{home}._rebuild_tensor_v2" for home in HOMES]
    rows = [(one, _tensor(Thing(maker, Named(one), own, plain[:4]))) for one in inner]
    yield from together(rows, "_rebuild_from_type_v2 of")
    marked = Thing("torch._utils._rebuild_parameter", whole, False)
    rows = [(one, _tensor(Thing(f"torch.nn.{one}", marked))) for one in ("Parameter", "Buffer", "Parameters")]
    yield from together(rows, "a parameter in a")
    stream = stream_of(Stored(ONES))
    names = (*(f"{home}._load_from_bytes" for home in HOMES), "torch._load_from_byte")
    rows = [(name, _tensor(_lying_in(Thing(name, stream)))) for name in names]
    rows.append(("two arguments", _tensor(_lying_in(Thing("torch.storage._load_from_bytes", stream, b"x")))))
    yield from together(rows, "a storage of")
    affine = ("per_tensor_affine", "per_tensor_affine_", "per_tensor", "per_tensor_symmetric")
    rows = [(one, _tensor(quantised(SMALL, Named(f"torch.{one}"), 0.5, 1))) for one in affine]
    affine = (
        "per_channel_affine",
        "per_channel_affine_float_qparams",
        "per_channel",
        "per_channel_symmetric",
    )
    rows += [(one, _tensor(quantised(SMALL, Named(f"torch.{one}"), [0.5, 2], [1, 0], 0))) for one in affine]
    yield from together(rows, "quantised by")
    edges = tuple(map(tensor, (SMALL[0] * 0, SMALL[0, :0], ONES[0, :0])))
    rows = []
    for one in ("sparse_csr", "torch.sparse_csr", "sparse_csc", "sparse_cs", "xsparse_csr", "sparse_csrx"):
        layout = Thing("torch.serialization._get_layout", one)
        rows.append((one, _tensor(Thing("torch._utils._rebuild_sparse_tensor", layout, (*edges, (2, 2))))))
    for more in ((), (True,)):
        layout = Thing("torch.serialization._get_layout", "sparse_csr")
        parts = (*edges, (2, 2), *more)
        rows.append(
            (f"{4 + len(more)} parts", _tensor(Thing("torch._utils._rebuild_sparse_tensor", layout, parts)))
        )
    yield from together(rows, "sparse in")


def _lying_in(storage: Thing) -> Thing:
    """A tensor that lies in what a call makes."""
    return Thing("torch._utils._rebuild_tensor_v2", storage, 0, (2, 3), (3, 1), False, OrderedDict())


CLASSES = _words("""
    torch.nn torch.nn.modules.x torch.nnx torch torchvision.ops torchvision.ops.misc torchvision.opsx
    torchvision.models torch.ao.nn.x torch.ao torch.ao.nnx torch.nn.quantized.x torch.quantized
    mine.torch.nn torch_geometric.nn
""")


def _classes() -> Told:
    """Classes of those names in the modules of PyTorch's, and in others."""
    told, kernel = {"stride": (1, 1), "padding": (1, 1), "groups": 1}, {"weight": array(4, 2, 3, 3)}
    for name, facts, held in (
        ("ReLU", {}, {}),
        ("Relu", {}, {}),
        ("Conv2d", told, kernel),
        ("Strided", {}, kernel),
        ("Thing3d", told, kernel),
    ):
        yield from together(((one, _asked(f"{one}.{name}", facts, held)) for one in CLASSES), f"{name} of")
    losses = _words("""
        torch.nn.modules.loss.MSELoss torch.nn.modules.loss.X torch.nn.modules.losses.MSELoss
        mine.MSELoss torch.nn.modules.loss torch.nn.MSELoss mine.torch.nn.modules.loss.MSELoss
    """)
    yield from together(((one, str(torch_classes.is_loss(one))) for one in losses), "a loss is")


def _walked(value: Any) -> str:
    root, rebuilder = unpickled(value)
    found = layers_of_module(root, RecordReader(rebuilder), rebuilder.effort, Computing(0))
    layers = [f"{one.name}:{one.type}<{','.join(map(str, one.inputs))}" for one in found.layers]
    return f"{' '.join(layers)}{' a chain' * found.is_chain} {' / '.join(found.notes)}".strip()


def _parts() -> Told:
    """What is in a module of a class that is nearly a chain, a wrapper or a container."""
    two = {"0": _conv(), "1": _conv(4)}
    paths = _words("""
        torchvision.ops.misc.MLP
        mine.Sequential torch.nn.Sequential torch.nn.modules.container.SequentialX
        torch.nn.modules.containers.Sequential torch.nn.modules.container.ModuleList
        torchvision.ops.misc.Conv2dNormActivations torchvision.ops.MLP timm.ops.misc.ConvNormActivation
    """)
    yield from together(((path, _walked(module(path, {}, two))) for path in paths), "parts of")
    inner = {"module": _conv(), "n": Thing("mine.Odd", 1)}
    wrappers = _words("""
        torch.nn.parallel.data_parallel.DataParallel
        torch.nn.parallel.distributed.DistributedDataParallel torch._dynamo.eval_frame.OptimizedModule
        torch.optim.swa_utils.AveragedModel mine.DataParallel torch.nn.DataParallel
        torch.optim.swa_utils.AveragedModels torch._dynamo.OptimizedModule
    """)
    for words, parts in {"one": {"module": _conv()}, "one and another thing": inner}.items():
        rows = ((path, _walked(module(path, {}, parts))) for path in wrappers)
        yield from together(rows, f"a wrapper of {words} of")
    empty = _words("""
        torch.nn.modules.container.ModuleList torch.nn.modules.container.X
        torch.nn.modules.containers.ModuleList torch.nn.ModuleList mine.container.ModuleList
        torch.nn.modules.container
    """)
    rows = ((path, _walked(module(SEQUENTIAL, {}, {"a": module(path), "b": _conv()}))) for path in empty)
    yield from together(rows, "with an empty")
    paths = _words("""
        torch.nn.quantized.Conv2d torch.ao.nn.quantized.modules.conv.Conv2d torch.quantized
        quantized.Conv2d torch.nn.quantized_x.Conv2d torch.nn.xquantized.Conv2d
        torch.nn.modules.conv.Conv2d
    """)
    rows = ((path, str(sorted(module_state(unpickled(_quantised(path))[0])))) for path in paths)
    yield from together(rows, "a tuple is the state of")


def _objects() -> Told:
    """Objects whose class tells that they hold no weights, or only a training's state."""
    held = {"w.weight": tensor(KERNEL), "w.bias": tensor(ONES[0])}
    paths = _words("""
        torch.optim.sgd.SGD torch.optim.X torch.optimx.X torch.optimizers.X torch_optimizer.X
        mine.optim.X torch.utils.data.X torch.utilsx.X torch.cuda.X torch.cudax.X torch.amp.X
        torch.ample.X torch.X torch.nn.X numpy.X numpy.a.X numpyro.X pandas.X pandasx.X datetime.X
        datetimes.X torchvision.X mine.numpy.X mine.X
    """)
    rows = []
    for path in paths:
        root, rebuilder = unpickled({"net": Thing(path, inner=held)})
        found = find_sets(root, rebuilder)
        rows.append((path, f"{[one.name for one in found.sets]} {found.left_out}"))
    yield from together(rows, "weights in an object of")


def _versions() -> Told:
    """Under which keys a version is told, and how long it may be."""
    keys = _words("""
        pytorch-lightning_version PyTorch-Lightning_Version torch_version torchversion version VERSION
        _version torch_version2 torch_versions torch.version 2torch_version x_-version
    """)
    rows = []
    for words, value in {
        **{key: {key: "2.1"} for key in keys},
        **{f"{n} letters": {"x_version": "1" * n} for n in (39, 40)},
        **{key: {key: {"x_version": "1"}} for key in ("meta", "metadata", "Meta", "my_meta")},
        "a number": {"x_version": 2},
        "nothing": {"x_version": ""},
        "a list": {"meta": [1]},
        "both": {"x_version": "1", "meta": {"x_version": "2", "y_version": "3"}},
        "bytes": {b"x_version": b"2"},
    }.items():
        root, rebuilder = unpickled(value)
        rows.append((words, str(dict(torch._versions(root, rebuilder)))))
    rows.append(("items", str(dict(torch._versions(Items([]), rebuilder)))))
    yield from together(rows, "versions of")


def near_torch() -> Iterator[tuple[str, str]]:
    """All of it."""
    yield from _makers()
    yield from _classes()
    yield from _parts()
    yield from _objects()
    yield from _versions()
