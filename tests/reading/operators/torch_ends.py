"""PyTorch's objects where what is second, third or last counts, and weights whose parts nearly fit.

Sets of weights beside one another, files of an index, tensors that another one names, layers of two norms.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.reading.formats import torch
from filtviz.reading.formats.torch.effective import effective_tensors
from filtviz.reading.formats.torch.modules import PASSES_ON, RecordReader, inner_module
from filtviz.reading.formats.torch.norms import is_unmoved, may_be_reflections, reflections_alone
from filtviz.reading.formats.torch.weight_sets import class_path
from filtviz.reading.limits import Computing, Hints
from filtviz.reading.pickle.records import Blob
from tests.reading.making import Named, Thing
from tests.reading.operators.asking import Told
from tests.reading.operators.effective import _found, _tensor, _values
from tests.reading.operators.older import FLOAT, _parts, _stream, _string_told
from tests.reading.operators.older_tars import _member, _named, _Tar
from tests.reading.operators.torch_facts import _asked
from tests.reading.operators.torch_indexes import _read
from tests.reading.operators.torch_modules import NN, _conv, _told
from tests.reading.operators.torch_objects import _object, _optimiser
from tests.reading.operators.torch_tensors import KERNEL, ONES, called, shown, unpickled
from tests.reading.operators.wholes import opened, outcome, read_of
from tests.reading.torch_making import Stored, module, stream_of, tensor, zip_of
from tests.reading.torch_making import parameter as trained

__all__ = ["torch_ends"]

KERNELS, VECTOR = tensor(KERNEL), tensor(ONES[0])


def torch_ends() -> Iterator[tuple[str, str]]:
    """All of it."""
    for words, value in _objects():
        yield words, _object(value, ())
    yield from _files()
    yield from _modules()
    yield from _pooled()
    yield from _made()
    yield from _older()


def _objects() -> Iterator[tuple[str, Any]]:
    moments = _optimiser(KERNEL + 1, KERNEL + 2)
    yield "a list and a mapping of loose kernels, and moments", {
        "k": [KERNELS], "l": {"x": KERNELS}, "optimizer": moments,
    }  # fmt: skip
    again = {"x": VECTOR}
    yield "what stands behind an object met twice", {"a": again, "b": again, "net": {"c.weight": KERNELS}}
    cube = tensor(np.arange(24, dtype="f4").reshape(2, 3, 4))
    yield "loose arrays of three axes", {"x": cube, "y": VECTOR}
    yield "loose arrays of three axes and of four", {"x": cube, "y": VECTOR, "z": KERNELS}
    whole = module("mine.Net", {"weight": KERNEL}, stride=(1, 1))
    yield from {
        "a list of a module": [whole],
        "a mapping of a module": {"0": whole},
        "a module under another number": {"1": whole},
        "a list of two modules": [whole, module("mine.Other", {"weight": KERNEL})],
    }.items()
    for n in (4, 5, 7):
        yield f"{n} sets", {f"net{i}": {"a.weight": KERNELS} for i in range(n)}
    usual = {"c.weight": KERNELS}
    for epoch in (0, 3):
        for key in ("epoch", "epochs"):
            yield f"epoch {epoch} above {key}", {"epoch": epoch, "args": {key: 100}, "net": usual}
    yield "losses of 0", {"net": usual, "loss": [1.0, 0, 0.0], "val_loss": [0, 2]}
    for key in ("sum", "sums", "a_sum", "Sum", "momentum_buffer"):
        held = _optimiser(KERNEL * 0 + 1, key=key)
        yield f"an optimiser's {key} of one number", {"net": usual, "optimizer": held}
    as_bytes = {key.encode(): one for key, one in _optimiser(KERNEL).items()}
    yield "an optimiser whose keys are bytes", {"net": usual, "other": as_bytes}
    for n in (20, 21, 40, 41):
        yield f"a class of {n} letters", module(f"mine.{'N' * n}", {"weight": KERNEL})
    beyond = _optimiser(KERNEL + 1)
    beyond["state"][7] = {"step": 3}
    yield "an optimiser that keeps steps beyond its groups", {"net": usual, "optimizer": beyond}
    for other in ("a_b.weight", "ab.weight", "a.b.weight"):
        yield f"an average of a_b.weight beside {other}", {other: KERNELS, "ema.a_b.weight": KERNELS}
    layers = {"a": {"weight": KERNELS, "own": VECTOR}, "b": {"weight": KERNELS, "bias": VECTOR}}
    yield "dictionaries of layers, of which one has more", {**layers, "c": {"weight": KERNELS}}
    square = Stored(np.arange(9, dtype="f4"))
    views = {"a.weight": (3, 1), "b.weight": (1, 3), "c.weight": (3, 1)}
    yield "one square and its turn", {name: tensor(square, (3, 3), steps) for name, steps in views.items()}
    yield "names behind two words", {"module.model.a.weight": KERNELS, "module.model.b.weight": KERNELS}
    yield "a list of one tensor", [KERNELS]
    turned = tensor(np.arange(9, dtype="f4").reshape(3, 3))
    made = {f"p.parametrizations.weight.{name}": turned for name in ("original", "0.base")}
    yield "a guess in the second of two sets", {"one": usual, "two": made}
    yield "a guess in the first of two sets", {"one": made, "two": usual}
    lost = {f"{name}.weight": called("_rebuild_nested_tensor") for name in "abc"}
    yield "three lost ones", {**lost, "d.weight": KERNELS}


def _files() -> Told:
    """Files of an index: many of them, and such as hold two sets."""
    names = {f"l{n}.weight": f"{n}.bin" for n in range(31)}
    files = {file: zip_of({name: VECTOR}) for name, file in names.items()}
    files["0.bin"] = zip_of({"one": {"l0.weight": KERNELS}, "two": {"l1.weight": KERNELS, "x": VECTOR}})
    yield "an index of 31 files", _read(files, names).partition(" 0 l0 ")[0][-60:]
    for name in ("1bin", "1.bin.gz", "1.BIN", "1.xbin"):
        yield f"an index of {name}", _read({name: files["1.bin"]}, {"l1.weight": name})
    several = {"l0.weight": "0.bin", "l1.weight": "0.bin", "x": "0.bin"}
    yield "an index of a file of two sets", _read(files, several)


def _modules() -> Told:
    root, rebuilder = unpickled(_conv())
    for hints in (
        Hints(),
        Hints(weights="a"),
        Hints(convs=("a",)),
        Hints(axes={"a": "oihw"}),
        Hints(axes={"": "hwio"}),
    ):
        file = replace(opened(b""), hints=hints)
        found = outcome(
            lambda f=file: torch._of_module(f, root, rebuilder, "net"), lambda part: str(len(part.layers))
        )
        yield f"a module and {hints}", found
    for path in (*sorted(PASSES_ON), "mine.DataParallel", "torch.nn.DataParallel"):
        root, rebuilder = unpickled(module(path, {}, {"m": module("mine.Net")}))
        yield f"what a {path} is about", class_path(inner_module(root, rebuilder.effort))
    frozen = called("_rebuild_parameter", KERNELS, False)
    for name in ("bias", "bias_hh", "biases", "xbias", "weight"):
        held = Thing("mine.L", _modules={}, _buffers={}, _parameters={"w": frozen, name: trained(ONES[0])})
        root, rebuilder = unpickled(held)
        yield f"frozen but for its {name}", str(RecordReader(rebuilder).trainable(root))
    both = {"weight_g": np.ones((2, 1, 1, 1), "f4"), "weight_v": KERNEL}
    both |= {"other_orig": KERNEL, "other_mask": KERNEL * 0}
    two = {"a": module("mine.Net", both), "b": _conv()}
    normed = module(f"{NN}conv.Conv2d", {"weight_g": both["weight_g"], "weight_v": KERNEL}, stride=(1, 1))
    yield "a layer of no name that computes its weights", _told(normed)
    for told in (None, 0, [-1]):
        parts = {"0": _conv(), "1": module("mine.C", f=told), "2": _conv(4)}
        yield f"a part whose input is {told}", _told(module(f"{NN}container.Sequential", {}, parts))
    yield "a layer that computes two weights", _told(module(f"{NN}container.Sequential", {}, two))


def _pooled() -> Told:
    """Windows in which one of two numbers is not as usual."""
    usual = {"kernel_size": (2, 3), "stride": (1, 1), "padding": (0, 0)}
    for kind in ("Max", "Avg"):
        for facts in (
            {"dilation": (1, 2)},
            {"dilation": (2, 1)},
            {"dilation": (1, 1)},
            {"kernel_size": [2, 3]},
            {"ceil_mode": True},
            {"ceil_mode": 1},
            {"divisor_override": 0},
            {"divisor_override": None},
            {"padding": (0, 1)},
            {"padding": (0, -1)},
        ):
            yield f"{kind} of {facts}", _asked(f"torch.nn.{kind}Pool2d", {**usual, **facts}, {})
    affine = Named("torch.per_tensor_affine")
    for kind in ("BoolStorage", "ComplexFloatStorage", "ByteStorage"):
        stored = Stored(np.zeros(6, "u1" if kind[0] == "B" else "c8"), f"torch.{kind}")
        root, rebuilder = unpickled(called("_rebuild_qtensor", stored, 0, (2,), (1,), (affine, 0.5, 3)))
        yield f"quantised in a {kind}", f"{shown(rebuilder.tensor(root))} {len(rebuilder.quantised)}"


def _made() -> Told:
    """Weights made of parts of which one is nearly what its name says."""
    head = "a.parametrizations.weight."
    eye, low = np.eye(4, 3), np.tril(_values((4, 3)) * 0.3, -1) + np.eye(4, 3)
    for words, held in {
        "an original and a second": [("original", np.ones((4, 1))), ("original1", _values((4, 3)))],
        "a first and a third": [("original0", np.ones((4, 1))), ("original2", _values((4, 3)))],
        "a first and a second": [("original0", np.ones((4, 1))), ("original1", _values((4, 3)))],
        "an original and its scale": [("original", low), ("original_scale", np.ones(3))],
        "an original of no name": [("originals", low), ("0.base", np.eye(4))],
        "an original of five digits": [("original", low), ("original12345", low)],
        "a norm and then a base": [
            ("original", -eye), ("0._u", np.ones(4)), ("0._v", np.ones(3)), ("1.base", np.eye(4)),
        ],
        "vectors the wrong way round": [("original", low), ("0._u", np.ones(3)), ("0._v", np.ones(4))],
        "vectors that fit neither": [("original", low), ("0._u", np.ones(5)), ("0._v", np.ones(4))],
        "vectors in another order": [("original", low), ("0._v", np.ones(3)), ("0._u", np.ones(4))],
    }.items():  # fmt: skip
        yield f"{words} parametrised", _found([_tensor(head + name, one) for name, one in held])
    square = {"original": _values((3, 3)), "0.base": np.eye(3)}
    yield "a square below other names", _found([_tensor(f"x.y.{head}{one}", square[one]) for one in square])
    ends = {
        "weight_orig_g_orig": (4, 1),
        "weight_orig_g_mask": (4, 1),
        "weight_orig_v": (4, 3),
        "weight_u": (4,),
    }
    nested = [_tensor(f"a.{name}", np.ones(one)) for name, one in ends.items()]
    yield "three in one another", _found(nested)
    for shape in ((4, 3), (3, 4), (4, 1), (4,)):
        pruned = [_tensor("a.weight_orig", _values((4, 3))), _tensor("a.weight_mask", np.ones(shape))]
        yield f"a mask of {shape}", _found(pruned)
    bases = [("original", low), ("0.base", np.eye(4)), ("1.base", np.eye(4))]
    for left in (8128, 8127, 5000, 4000):
        held_ = [_tensor(head + name, one) for name, one in bases]
        yield f"two bases with {left} operations left", _found(held_, used=2_000_000_000 - left)
    complex_ = lambda shape: _values(shape) + 1j  # noqa: E731
    for words, parts in {
        "a complex gain": {"_g": (complex_((4, 1)), "<c8"), "_v": (_values((4, 3)), "<f4")},
        "a complex direction": {"_g": (np.ones((4, 1)), "<f4"), "_v": (complex_((4, 3)), "<c8")},
        "a complex vector": {
            "_orig": (_values((4, 3)), "<f4"), "_u": (np.ones(4), "<f4"), "_v": (complex_((3,)), "<c8"),
        },
        "real vectors": {
            "_orig": (_values((4, 3)), "<f4"), "_u": (np.ones(4), "<f4"), "_v": (np.ones(3), "<f4"),
        },
    }.items():  # fmt: skip
        held_ = [_tensor(f"a.weight{name}", *one) for name, one in parts.items()]
        shown = "; ".join(
            f"{one.name}{' of ' * bool(one.parts)}{', '.join(part.name for part in one.parts)}"
            for one in effective_tensors(held_, Computing(0)).tensors
        )
        yield f"{words} of a norm", shown


def _older() -> Told:
    for names in (("sys_info", "storages", "tensors"), ("storages", "tensors"), ("pickle", "tensors")):
        data = b"".join(_member(name, b"x") for name in names) + bytes(1024)
        yield f"a tar of {', '.join(names)}", read_of(torch.open, opened(data))
    for diagonal in ((-1, -1), (-2, -1), (-1.5, -1.5), (-1, 1), (-1, 0)):
        matrix = np.diag(np.array(diagonal, float))
        facts = [tell(matrix) for tell in (is_unmoved, may_be_reflections, reflections_alone)]
        yield f"a diagonal of {diagonal}", str(facts)
    for n in (3900, 4000, 7900, 8100):
        data = stream_of(Stored(ONES, f"torch.{'x' * n}Storage")).decode("latin-1").encode()
        yield f"a text of a class of {n} characters", _string_told(Blob(memoryview(data), "utf-8"))
    parts = _parts(Stored(ONES))
    for n in (0, 4, 20, 24, 30):
        yield f"{n} bytes of a storage in a string", _string_told(_stream(parts, (6, ONES.tobytes()[:n])))
    long = _parts(Stored(ONES, n=1 << 40))
    yield "a storage of 2^40 numbers in a string", _string_told(_stream(long, (1 << 40, ONES.tobytes())))
    for views in ([(1000, 1000, 2, 4)], [(2000, 1000, 0, 6), (2000, 1000, 2, 4)]):
        tar = _Tar()
        tar.storages[4] = _named(views)
        tar.tensors[1:] = [_named((5000, views[0][0], FLOAT)), struct.pack("<i4x3q", 1, 2, 1, 1)]
        yield f"views {views} of a storage of that key", tar.told()
