"""Whole modules of PyTorch's, made by chance of parts in one another, and each odd part by itself.

Told are all layers, what feeds them, what was concluded and what is odd.
"""

from __future__ import annotations

import random
import zlib
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.reading.formats.torch.modules import (
    DEEPEST,
    PASSES_ON,
    RecordReader,
    any_trainable,
    inner_module,
    layers_of_module,
)
from filtviz.reading.formats.torch.weight_sets import class_path, is_module, module_state
from filtviz.reading.limits import Computing, Limits, effort
from filtviz.reading.pickle.opcodes import PERSISTENT
from filtviz.reading.pickle.records import Global, Items, Record
from tests.reading.making import Thing
from tests.reading.operators.asking import Told
from tests.reading.operators.torch_tensors import called, unpickled
from tests.reading.torch_making import module, tensor
from tests.telling import layers_of, refused

__all__ = ["modules_of_torch"]

NN = "torch.nn.modules."
SEQUENTIAL, LIST = f"{NN}container.Sequential", f"{NN}container.ModuleList"
PARALLEL = "torch.nn.parallel.data_parallel.DataParallel"


def _values(*shape: int) -> Any:
    return np.arange(int(np.prod(shape)), dtype="float32").reshape(shape)


def _conv(channels: int = 2, filters: int = 4, **facts: Any) -> Thing:
    told = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "transposed": False}
    return module(f"{NN}conv.Conv2d", {"weight": _values(filters, channels, 3, 3)}, **told | facts)


def _leaf(chance: random.Random) -> Any:
    way = chance.randrange(12)
    if way < 4:
        return _conv(chance.choice((2, 4)), 4, padding=chance.choice(((0, 0), (1, 1))))
    if way == 4:
        return module(f"{NN}linear.Linear", {"weight": _values(3, 4), "bias": _values(3)})
    if way == 5:
        held = {"running_mean": _values(4), "running_var": _values(4), "num_batches_tracked": _values()}
        return module(
            f"{NN}batchnorm.BatchNorm2d", {"weight": _values(4), "bias": _values(4)}, buffers=held, eps=0.25
        )
    if way == 6:
        return module(
            chance.choice((f"{NN}activation.ReLU", f"{NN}dropout.Dropout", f"{NN}linear.Identity")), p=0.5
        )
    if way == 7:
        return module(
            f"{NN}pooling.MaxPool2d", kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False
        )
    if way == 8:
        return module(f"{NN}loss.MSELoss", {"weight": _values(2)})
    if way == 9:
        return Thing("mine.Thing", 1)
    if way == 10:
        return module("mine.Own", {"scale": _values(2)}, f=chance.choice((-1, [1, 2])), i=3)
    return module(
        f"{NN}conv.Conv2d",
        {"weight_g": _values(4, 1, 1, 1), "weight_v": _values(4, 2, 3, 3)},
        stride=(1, 1),
        padding=(0, 0),
    )


def _tree(chance: random.Random, depth: int = 0, known: list[Any] | None = None) -> Any:
    made = [] if known is None else known
    if depth and (depth > 3 or chance.random() < 0.5):
        return _leaf(chance)
    if made and chance.random() < 0.15:
        return chance.choice(made)
    n = chance.choice((0, 1, 1, 2, 3, 4))
    parts = {str(i) if chance.random() < 0.7 else f"p{i}": _tree(chance, depth + 1, made) for i in range(n)}
    path = chance.choice((SEQUENTIAL, SEQUENTIAL, LIST, "mine.Net", PARALLEL, f"{NN}container.ModuleDict"))
    own = {"scale": _values(2)} if chance.random() < 0.15 else {}
    made.append(module(path, own, parts))
    return made[-1]


def _told(value: Any, limits: int = 100, subject: str = "") -> str:
    root, rebuilder = unpickled(value)
    spent = effort(Limits(layers=limits))
    rebuilder.effort = spent
    more = (subject,) if subject else ()
    try:
        found = layers_of_module(root, RecordReader(rebuilder), spent, Computing(0), *more)
    except FiltvizError as error:
        return refused(error)
    lines = layers_of(Network.of(found.layers)).replace("\n", "; ") if found.layers else ""
    lines = lines if len(lines) < 400 else f"{lines[:300]}~{len(lines)}~{zlib.crc32(lines.encode()):08x} "
    chain = "a chain" if found.is_chain else "no chain"
    return f"{chain} | {lines}| {' / '.join(found.inferred)} | {' / '.join(found.notes)} ({spent.used} steps)"


def _odd() -> Told:
    whole = _conv()
    frozen = Thing(
        f"{NN}linear.Linear",
        _modules={},
        _buffers={},
        _parameters={
            "weight": called("_rebuild_parameter", tensor(_values(3, 4)), False),
            "bias": called("_rebuild_parameter", tensor(_values(3)), True),
        },
    )
    lost = Thing(
        "mine.Own",
        _modules={},
        _buffers={},
        _parameters={
            "weight": called("_rebuild_nested_tensor"),
            5: tensor(_values(2)),
            "none": None,
            "w": tensor(_values(2)),
        },
    )
    for words, value in (
        ("a convolution", whole),
        ("a chain", module(SEQUENTIAL, {}, {"0": whole, "1": _conv(4)})),
        (
            "others in a chain",
            module(
                SEQUENTIAL,
                {},
                {"0": whole, "x": Thing("mine.X", 1), "y": 5, "z": module("mine.Y"), "1": _conv(4)},
            ),
        ),
        ("frozen", frozen),
        ("lost ones", lost),
        (
            "lost ones in parts",
            module("mine.Net", {}, {"a": lost, "b": lost, "c": Thing("mine." + "x" * 90, 1)}),
        ),
        ("parts under no text", module("mine.Net", {}, {5: whole, None: whole, b"b": whole})),
        ("the same twice", module(SEQUENTIAL, {}, {"0": whole, "1": whole})),
        (
            "a part twice",
            (lambda one: module("mine.Net", {}, {"a": one, "b": one, "n" * 61: one}))(
                module("mine.P", {}, {"c": whole})
            ),
        ),
        ("itself in itself", _circle()),
        ("nothing", module("mine.Net")),
        ("an empty chain", module(SEQUENTIAL)),
        ("empty chains", module(SEQUENTIAL, {}, {"0": module(SEQUENTIAL), "1": whole})),
        (
            "a transposed one first",
            module(SEQUENTIAL, {}, {"0": _conv(transposed=True, output_padding=(0, 0))}),
        ),
        ("groups first", module(SEQUENTIAL, {}, {"0": _conv(2, 4, groups=3)})),
        (
            "a dense one first",
            module(
                SEQUENTIAL, {}, {"0": module(f"{NN}linear.Linear", {"weight": _values(3, 4)}), "1": whole}
            ),
        ),
        ("own weights beside parts", module(SEQUENTIAL, {"scale": _values(2)}, {"0": whole, "1": _conv(4)})),
        (
            "a chain in no chain",
            module(
                "mine.Net",
                {},
                {
                    "a": module(SEQUENTIAL, {}, {"0": whole, "1": _conv(4)}),
                    "b": module(SEQUENTIAL, {}, {"0": _conv(4), "1": _conv(4)}),
                },
            ),
        ),
        ("YOLO's chain", module(SEQUENTIAL, {}, {"0": whole, "1": module("mine.Concat", f=[-1, 0])})),
        ("f that is no plain value", module(SEQUENTIAL, {}, {"0": whole, "1": module("mine.X", f=_conv())})),
        ("private facts", module(f"{NN}activation.ELU", _alpha=3.0, alpha=0.5, more=Thing("mine.X"))),
        ("a loss", module(f"{NN}loss.MSELoss")),
        (
            "a loss in a chain",
            module(SEQUENTIAL, {}, {"0": whole, "1": module(f"{NN}loss.MSELoss"), "2": _conv(4)}),
        ),
    ):
        yield words, _told(value)
    yield "in a program", _told(module("mine.Net", {}, {"a": whole, "b": whole}), subject="the model")
    for n in (3, 4):
        yield f"{n} layers of 3", _told(module("mine.Net", {}, {str(i): _conv() for i in range(n - 1)}), 3)
    for path in (*sorted(PASSES_ON), "mine.Wrapper"):
        for n in (1, 2):
            yield f"{path} of {n}", _told(module(path, {}, {f"m{i}": whole for i in range(n)}))
        yield f"{path} of no module", _told(module(path, {}, {"m": Thing("mine.X", 1)}))
    for depth in (DEEPEST - 1, DEEPEST, DEEPEST + 1):
        value: Any = whole
        for _ in range(depth):
            value = module("mine.Net", {}, {"a": value})
        yield f"{depth} deep", _told(value)
    for told in ([], [None], [True], [False], [None, False], [False, True], [True, None]):
        yield f"trainable {told}", str(any_trainable(told))


def _circle() -> Any:
    one = module("mine.Net", {}, {"c": _conv()})
    one.state["_modules"]["again"] = one
    return one


def _inner() -> Told:
    whole = _conv()
    for words, value in (
        ("a module", whole),
        ("a wrapper", module(PARALLEL, {}, {"m": whole})),
        ("a wrapper of two", module(PARALLEL, {}, {"m": whole, "n": whole})),
        ("a wrapper of none", module(PARALLEL)),
        ("a wrapper of a thing", module(PARALLEL, {}, {"m": Thing("mine.X", 1)})),
        ("wrappers", module(PARALLEL, {}, {"m": module(PARALLEL, {}, {"m": module("mine.Net")})})),
        ("no wrapper", module("mine.Net", {}, {"m": whole})),
        ("a persistent one", _persistent("mine.Net")),
        ("a persistent one without a name", _persistent(None)),
        ("a persistent one of nothing", Thing("torch_utils.persistence._reconstruct_persistent_obj")),
        ("a quantised one", _quantised("torch.nn.quantized.modules.conv.Conv2d")),
        ("a quantised one of others", _quantised("mine.Conv2d")),
        ("no module", Thing("mine.X", 1)),
        ("no parameters", Thing("mine.X", _modules={}, _buffers={})),
        ("no parts", Thing("mine.X", _parameters={})),
    ):
        root, rebuilder = unpickled(value)
        inner = inner_module(root, rebuilder.effort)
        facts = f"{is_module(root)} {sorted(module_state(root))} {class_path(root)}"
        yield f"inner of {words}", f"{class_path(inner)} {facts} ({rebuilder.effort.used} steps)"


def _persistent(name: Any) -> Thing:
    held = {"type": "class", "class_name": name, "state": {"_modules": {}, "_parameters": {}, "f": 1}}
    return Thing("torch_utils.persistence._reconstruct_persistent_obj", held)


def _quantised(path: str) -> Any:
    held = (
        2,
        4,
        (3, 3),
        (1, 1),
        (0, 0),
        (1, 1),
        False,
        (0, 0),
        1,
        "zeros",
        tensor(_values(4, 2, 3, 3)),
        None,
        0.5,
        1,
        False,
    )
    return _State(path, held)


class _State(Thing):
    """An object whose state is no dictionary."""

    def __init__(self, cls: str, state: Any) -> None:
        super().__init__(cls)
        self.own = state

    def __reduce__(self) -> tuple[Any, ...]:
        return self.cls, (), self.own


def _of_streams() -> Told:
    """Objects of classes whose source a stream keeps beside the class."""
    for told in (
        ("module", Global("mine", "Net"), "net.py", "source"),
        ("module", Global("mine", "Net")),
        ("module",),
        ("storage", Global("mine", "Net")),
        (b"module", Global("mine", "Net")),
        ("module", "mine.Net"),
        "text",
    ):
        one = Record(Record(PERSISTENT, (told,)), ())
        one.build(Items(["_modules", Items([]), "_parameters", Items([])]))
        yield f"class of {told}", f"{class_path(one)!r} {is_module(one)}"
    for one in (Record(Record(PERSISTENT, ()), ()), Record("text", ()), Record(Record("text", (5,)), ())):
        yield f"class of {type(one.maker).__name__} {getattr(one.maker, 'args', None)}", repr(class_path(one))


def modules_of_torch() -> Told:
    """Modules made by chance, and odd ones."""
    for n in range(100):
        yield f"by chance {n}", _told(_tree(random.Random(f"modules {n}")))
    yield from _odd()
    yield from _inner()
    yield from _of_streams()
