"""Small parts of reading, asked for what is nearly something else: modules, names, lists, arrays, files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.errors import FiltvizError, MalformedFileError
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Convolution, Dense, Flatten, Normalisation, Operation, parameters_of
from filtviz.parameter import Parameter
from filtviz.reading import _with_named_errors, folders
from filtviz.reading.arrays import stored
from filtviz.reading.formats import lasagne
from filtviz.reading.grafting import graft
from filtviz.reading.layering import _with_bias, make_layer
from filtviz.reading.limits import Hints
from filtviz.reading.opened import _versions, origin_of
from filtviz.reading.optimised import is_one_number
from filtviz.reading.pickle.records import Global
from filtviz.reading.tensor_names import FLAX, HAIKU, MLX, MXNET, PADDLE, PYTORCH
from filtviz.reading.tensors import layers_of
from tests.reading.making import Named, conv, dumps, image
from tests.reading.operators.asking import Told, array
from tests.reading.operators.named_kernels import _answer, _tensor
from tests.reading.operators.wholes import opened
from tests.telling import refused

__all__ = ["near_parts"]


def _said(make: Callable[[], Any], folder: str = "none") -> str:
    try:
        return str(make()).replace(folder, "")
    except FiltvizError as error:
        return refused(error).replace(folder, "")


# Who wrote a file

_MODULES = (
    "numpy", "numpy.cor", "numpy.core", "numpy.core.multiarray", "numpy.core_x", "numpy.corex.y",
    "numpy._core", "numpy._core.x", "numpy._corex", "xnumpy.core", "theano.gpuarray", "theano.gpuarrays",
    "theano.sandbox", "theano.sandbox.cuda.var", "theano.sandbox.cudas", "theano.tensor.signal.downsample",
    "theano.tensor.signal.downsampled", "nolearn", "nolearn.lasagne", "nolearn.lasagnes",
    "nolearn.lasagne.base", "nolearn.lasagne.bases", "lasagne.layers.local", "lasagne.layers.locals",
    "joblib.numpy_pickle", "joblib.numpy_pickle_compat", "joblib.numpy_pickle_compat2",
)  # fmt: skip


def _writers() -> Told:
    for module in _MODULES:
        yield f"written with {module}", str(_versions([Global(module, "x")]))
    for one, other in (("numpy._core", "numpy.core"), ("nolearn.lasagne", "nolearn.lasagne.base")):
        for several in ((one, other), (other, one)):
            found = _versions([Global(module, "x") for module in several])
            yield f"written with {' and '.join(several)}", str(found)
    file = opened(dumps([Named("numpy.core.x"), Named("mine.y")]))
    for versions in (None, {}, {"numpy": "1.5"}, {"ours": "2"}):
        found = origin_of(file, "it", versions=versions, notes=["a note"])
        yield f"of versions {versions}", f"{found.versions} {found.classes} {found.notes} {found.protocol}"
    file = opened(dumps([1]) + b"more")
    for notes in ([], ["a note"]):
        yield f"notes beside {notes}", str(origin_of(file, "it", notes=notes).notes)


# Layers


def _layers() -> Told:
    kernels = Convolution(weights=array(4, 3, 2, 2))
    for words, operations in (
        ("nothing", ()), ("a convolution", (kernels,)), ("flattened", (Flatten(), kernels)),
        ("before it", (kernels, Flatten())), ("nothing else", (Flatten(),)),
    ):  # fmt: skip
        yield f"a layer of {words}", type(make_layer(operations)).__name__
    kernel = np.ones((2, 3, 3, 3, 3), "f4")
    local = dumps(conv(image(3, 8, 8), kernel, cls="LocallyConnected2DLayer", channelwise=True))
    yield "locally connected", str([type(one).__name__ for one in _layers_of(local)])
    names = ("gamma", "beta", "weight", "bias", "moving_mean", "moving_var")
    for gone in ("", "beta", "bias", "gamma", "weight"):
        held = [_tensor(f"n.{name}", (6,)) for name in names if name != gone]
        (norm,) = layers_of(held, MXNET, Hints()).layers[0].operations
        said = [one.source for one in parameters_of(norm)]
        yield f"a norm without {gone or 'nothing'}", str(said)
    for number in (0, 0.1, np.nan):
        for last in (number, 7):
            numbers = np.full(5, number, "f4")
            numbers[-1] = last
            one = stored((5,), numbers.dtype, False, 20, numbers.tobytes)
            yield f"one number {number} and {last}", f"{is_one_number(one)} {is_one_number(one, 4)}"
    weighing = Layer(operations=(Convolution(weights=array(4, 3, 2, 2)),), parameters=(array(4, 3, 2, 2),))
    for shape in ((4,), (1, 4), (4, 1), (1,), (3,), ()):
        bias = array(*shape)
        found = _with_bias(weighing, bias, Layer(parameters=(bias,)))
        yield f"a bias of {shape}", "none" if found is None else " ".join(p.name for p in found.parameters)
    for word in ("deconv", "up.deconv", "deconv.conv", "transpose", "Deconv", "ConvTranspose_0", "DECONV1"):
        for convention, shape in (
            (PYTORCH, (6, 6, 4, 4)),
            (FLAX, (4, 4, 6, 6)),
            (HAIKU, (4, 4, 6, 6)),
            (MLX, (6, 4, 4, 6)),
        ):
            name = f"{word}{convention.separator}{next(iter(convention.roles))}"
            yield f"{name} of {shape}", _answer({name: shape}, convention)
    known = {"k": {"axes": "orci"}}
    for axes in (
        {},
        {"": "iorc"},
        {"k": "iorc"},
        {"k.weight": "oirc", "": "iorc"},
        {"k": "oic"},
        {"": "oic"},
    ):
        for facts in ({}, known):
            said = _answer({"k.weight": (6, 5, 4, 3)}, PYTORCH, Hints(axes=axes), known=facts)
            yield f"axes {axes}, of the file {facts}", said
    for n in (1, 8, 9):
        held = [_tensor(f"deconv{i}/kernel", (4, 4, 6, 6)) for i in range(n)]
        yield f"{n} called transposed", str(layers_of(held, FLAX, Hints()).inferred[1:])
    for convention in (PYTORCH, PADDLE, MXNET, MLX):
        held = {"a.weight": (4, 5), "b.weight": (5, 6), "n._mean": (6,), "n._variance": (6,)}
        yield f"dense, {convention.dense} {convention.dense_type}", _answer(held, convention)
    yield "called so", str(layers_of([_tensor("deconv.weight", (6, 6, 4, 4))], PYTORCH, Hints()).inferred[1:])
    gone = replace(array(4), read=_not_there)
    for words, operations in (
        ("first", (Normalisation(gamma=gone),)),
        ("second", (Flatten(), Normalisation(gamma=gone))),
    ):
        network = Network.of([Layer(operations=operations)], Origin(kind="it"))
        (layer,) = _with_named_errors(network, Path("a.npz")).layers
        (parameter,) = (one for each in layer.operations for one in parameters_of(each))
        yield f"a weight of the {words} that is not there", _said(parameter.read)


def _layers_of(data: bytes) -> Sequence[Layer]:
    network = lasagne.open(opened(data))
    return () if network is None else network.layers


def _not_there() -> Any:
    raise MalformedFileError("it is not there")


# Files in a folder

_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "three": ("a.pt", "b.pt", "c.pt"),
    "four": ("a.pt", "b.pt", "c.pt", "d.pt"),
    "six": tuple(f"{i}.pt" for i in range(6)),
    "of training": ("optimizer.pt", "scheduler.pt"),
    "of training and others": ("optimizer.pt", "readme.md", "data.xyz"),
    "one of training": ("optimizer.pt",),
    "a model and training": ("model.pt", "optimizer.pt", "my_optimizer.pt", "rng_state_0.pth", "scaler"),
    "capitals": ("MODEL.PT", "README.MD"),
    "ONNX": ("net.ONNX", "net.bin", "weights.data", "raw"),
    "ONNX in small letters": ("net.onnx", "net.bin", "weights.DATA", "raw"),
    "no ONNX": ("net.pt", "net.bin"),
    "an index": ("m.safetensors.index.json", "m-1.safetensors", "m-2.safetensors"),
    "an index and another": ("m.safetensors.index.json", "m-1.safetensors", "other.safetensors"),
    "an index without data": ("model.index", "model.pt"),
    "an index with data": ("model.index", "model.data-00000-of-00001"),
    "two indexes with data": ("a.index", "a.data-0", "b.index", "b.data-0"),
    "nothing": (),
    "texts": ("a.txt", "b.json"),
    "unknown": ("a.xyz",),
    "a checkpoint": ("checkpoint",),
    "hidden": (".a.pt", "b.pt"),
}


def _in_folders() -> Told:
    for words, names in _FOLDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            for name in names:
                (top / name).write_bytes(b"x")
            yield f"in a folder: {words}", _said(lambda top=top: folders.model_in(top), folder)
    for latest in ("a", "b", "c", "/x/a", "a.index"):
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            for name in ("a.index", "a.data-0", "b.index", "b.data-0"):
                (top / name).write_bytes(b"x")
            (top / "checkpoint").write_text(f'model_checkpoint_path: "{latest}"\n')
            yield f"the latest is {latest}", _said(lambda top=top: folders.model_in(top), folder)


# The weights of one file in the graph of another


def _parameter(name: str, shape: tuple[int, ...], kind: str = "f4", source: str | None = None) -> Parameter:
    return Parameter.of(name, np.ones(shape, kind), name if source is None else source)


def _network(name: str, framework: str, *layers: Layer, graph: bool, **facts: Any) -> Network:
    inferred = () if graph else ("something",)
    return Network.of(
        layers, Origin(kind="it", path=Path(name), framework=framework, inferred=inferred, **facts)
    )


def _of(name: str | None, *operations: Operation, more: tuple[Parameter, ...] = ()) -> Layer:
    held = tuple(one for each in operations for one in parameters_of(each))
    return Layer(
        name=name, type="T", operations=(*operations, Activation(kind="untold")), parameters=(*held, *more)
    )


def _grafts() -> Iterator[tuple[str, Network, Network]]:
    def dense(shape: tuple[int, int] = (4, 5), axes: str = "io", source: str = "") -> Dense:
        return Dense(weights=_parameter("W", shape, source=source), axes=axes, units=shape[axes.index("o")])

    def conv(flips: bool | None, shape: tuple[int, ...] = (4, 3, 2, 2), source: str = "") -> Convolution:
        return Convolution(weights=_parameter("W", shape, source=source), flip_filters=flips)

    def to(*layers: Layer, framework: str = "Theirs") -> Network:
        return _network("theirs.onnx", framework, *layers, graph=True)

    def of(*layers: Layer, framework: str = "Ours", **facts: Any) -> Network:
        return _network("ours.npz", framework, *layers, graph=False, **facts)

    one = _of(None, dense())
    yield "the same", of(one), to(_of("a", dense()))
    yield "without frameworks", of(one, framework=""), to(_of("a", dense()), framework="")
    yield "without our framework", of(one, framework=""), to(_of("a", dense((4, 5), "oi")))
    yield "turned", of(_of(None, dense((5, 4)))), to(_of("a", dense()))
    yield "square the other way", of(_of(None, dense((4, 4)))), to(_of("a", dense((4, 4), "oi")))
    yield "square the same way", of(_of(None, dense((4, 4)))), to(_of("a", dense((4, 4))))
    for ours in (True, False, None):
        for theirs in (True, False, None):
            yield f"kernels turned {ours} {theirs}", of(_of(None, conv(ours))), to(_of("a", conv(theirs)))
    for shape, kind in (((), "i8"), ((1,), "i8"), ((), "f4"), ((), "u1"), ((2,), "i4")):
        more = (_parameter("n", shape, kind, "n"),)
        yield f"beside it {kind} of {shape}", of(_of(None, dense(), more=more)), to(_of("a", dense()))
        named = of(_of("a", dense(source="a.W"), more=more))
        yield f"by name, beside it {kind} of {shape}", named, to(_of("a", dense(source="a.W")))
    several = [_of(None, dense((4, 5 + i))) for i in range(5)]
    theirs = [_of(f"l{i}", dense((4, 5 + i))) for i in range(5)]
    yield "in order", of(*several), to(*theirs)
    yield "from the end", of(*several[::-1]), to(*theirs)
    yield "one is missing", of(*several[:-1]), to(*theirs)
    yield "one is missing, from the end", of(*several[:0:-1]), to(*theirs)
    yield "one more", of(*several), to(*theirs[:-1])
    yield "another first", of(*several[1:]), to(*theirs)
    named = [_of(f"l{i}", dense((4, 5 + i), source=f"l{i}.W")) for i in range(5)]
    for n in (3, 4, 5):
        extra = [_of(f"m{i}", dense((4, 5), source=f"m{i}.W")) for i in range(n)]
        yield f"{n} more by name", of(*named, *extra), to(*theirs)
        yield f"{n} fewer by name", of(*named[: 5 - n]), to(*theirs)
    for prefix in ("module.", "a.b.", "/", ":x:", "L"):
        other = [_of(None, dense((4, 5 + i), source=f"{prefix}l{i}.W")) for i in range(3)]
        yield f"behind {prefix}", of(*other), to(*theirs[:3])
    for names in (("x.W1", "x.W2"), ("1", "2"), ("arr_0", "arr_1"), ("x/0", "x/1"), ("W1", "W2")):
        ours, others = ([_of(None, dense(source=one)) for one in order] for order in (names, names[::-1]))
        yield f"two of {names}", of(*ours), to(*others)
    flat = [_of(None, dense((4, 5))), _of(None, dense((5, 4)))]
    yield "as many numbers, from the end", of(*flat), to(_of("a", dense((5, 4))), _of("b", dense((4, 5))))
    stats = (_parameter("running_mean", (4,), source="l0.running_mean"),)
    yield "with statistics", of(_of("l0", dense(source="l0.W"), more=stats)), to(_of("l0", dense()))
    yield "without statistics", of(_of("l0", dense(source="l0.W"))), to(_of("l0", dense(), more=stats))
    for source in ("12", "arr_0", "0/1", "arr_0x", "x0", "arr_"):
        yield f"called {source}", of(_of(None, dense((4, 5), source=source))), to(_of("a", dense((4, 6))))
    yield "nothing left over", of(one, siblings=(Path("beside.npy"),)), to(_of("a", dense()))


def _grafted(weights: Network, graph: Network) -> str:
    found = graft(weights, graph)
    origin = found.origin
    held = [f"{one.name} {one.source} {one.shape}" for layer in found.layers for one in layer.parameters]
    said = [origin.framework, origin.kind, *origin.inferred, *(each.name for each in origin.siblings)]
    return f"{'; '.join(map(str, said))}: {', '.join(held)}"


def near_parts() -> Told:
    yield from _writers()
    yield from _layers()
    yield from _in_folders()
    for words, weights, graph in _grafts():
        yield f"graft: {words}", _said(lambda one=weights, other=graph: _grafted(one, other))
