"""What weights are computed from: names and arrays of parts, made by chance, and each norm by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.reading.arrays import AnyArray, StoredArray
from filtviz.reading.formats.torch import norms
from filtviz.reading.formats.torch.effective import effective_tensors, without_prefixes
from filtviz.reading.limits import Computing, Limits, effort
from filtviz.reading.tensor_names import Tensor
from tests.reading.operators.asking import Told

__all__ = ["effective"]


def _values(shape: tuple[int, ...], seed: int = 0) -> Any:
    n = int(np.prod(shape))
    return ((np.arange(n) * (7 + 2 * seed) % 11 - 4) / 2).reshape(shape)


def _told(array: Any) -> str:
    """An array to four places, of which none is less than nothing."""
    held = np.round(np.asarray(array, np.float64), 4).ravel() + 0.0
    few = " ".join(f"{value:.4g}" for value in held[:9])
    more = f" sum {held.sum() + 0.0:.3f}" if held.size > 9 else ""
    return f"[{'x'.join(map(str, np.shape(array)))} {np.asarray(array).dtype}: {few}{more}]"


def _array(values: Any, dtype: str = "<f4") -> AnyArray:
    held = np.asarray(np.abs(values) if dtype == "<u1" else values).astype(dtype)
    steps = tuple(int(np.prod(held.shape[axis + 1 :])) for axis in range(held.ndim))
    return StoredArray(shape=held.shape, dtype=held.dtype, strides=steps, bytes=held.tobytes)


def _tensor(name: str, values: Any, dtype: str = "<f4") -> Tensor:
    return Tensor(name=name, array=_array(values, dtype))


def _found(tensors: list[Tensor], *, looks: bool = True, present: int = 0, used: int = 0) -> str:
    computing, spent = Computing(present), effort(Limits(opcodes=100))
    computing.left -= used
    before = computing.left
    found = effective_tensors(tensors, computing, spent if looks else None)
    told = []
    for one in found.tensors:
        parts = f" of {', '.join(part.name for part in one.parts)}" if one.parts else ""
        told.append(f"{one.name}{parts} {_told(one.array.read())}")
    told += [*found.sentences, *([found.guess] if found.guess else [])]
    text = f"{'; '.join(told)} ({spent.used} steps, {before - computing.left} operations)"
    return text.replace("net.parametrizations.weight.", "").replace("\n", "\\n")


# Names


ENDS = {
    "_g": ((4, 1, 1), (1, 3, 1), (4, 3, 1), (1, 1, 1), (), (4,), (5, 1, 1)),
    "_v": ((4, 3, 2), (6,), (3, 2)),
    "_orig": ((4, 3, 2), (4,)),
    "_u": ((4,), (3,), (5,), (4, 1)),
    "_mask": ((4, 3, 2), (4, 3)),
    "": ((4, 3, 2),),
    "_more": ((4, 3, 2),),
}
PARTS = {
    "original": ((4, 3), (3, 3), (4, 3, 2), (6,)),
    "original0": ((4, 1), (4, 1, 1), (4, 3)),
    "original1": ((4, 3), (4, 3, 2)),
    "original2": ((4, 3),),
    "0._u": ((4,), (3,)),
    "0._v": ((3,), (4,), (6,)),
    "1._u": ((4,), (3,)),
    "1._v": ((3,), (4,)),
    "0.base": ((4, 4), (3, 3)),
    "1.base": ((4, 4),),
    "0.mask": ((4, 3),),
    "scale": ((1,),),
    "2._u": ((4,),),
}


def _by_names(n: int) -> tuple[str, str]:
    chance = random.Random(f"effective {n}")
    tensors = []
    for layer in chance.sample(("conv.weight", "conv.bias", "fc.weight", "weight"), chance.choice((1, 1, 2))):
        ends = chance.choice(
            (
                ("_g", "_v"),
                ("_v", "_g"),
                ("_orig", "_u"),
                ("_orig", "_u", "_v"),
                ("_orig", "_mask"),
                ("_g", "_v", ""),
                ("_orig", "_u", "_mask"),
                ("_orig", "_more"),
                ("_g",),
                ("_orig_g", "_orig_v", "_mask"),
                ("_orig_orig", "_orig_mask", "_u"),
            )
        )
        for end in ends:
            shapes = ENDS["_" + end.rpartition("_")[2] if end else ""]
            shape = shapes[0] if chance.random() < 0.7 else chance.choice(shapes)
            dtype = chance.choice(("<f4", "<f4", "<f4", "<f4", "<f8", "<f2", "<i4", ">f4", "<c8"))
            tensors.append(_tensor(layer + end, _values(shape, len(tensors)), dtype))
    asked = ", ".join(
        f"{one.name} {'x'.join(map(str, one.array.shape))} {one.array.dtype}" for one in tensors
    )
    return f"{n}: {asked}", _found([one for one in tensors if one.array.dtype.kind != "c"])


def _by_parts(n: int) -> tuple[str, str]:
    chance = random.Random(f"parametrised {n}")
    names = chance.choice(
        (
            ("original", "0.base"),
            ("original", "0._u", "0._v"),
            ("original0", "original1"),
            ("original0", "original1", "1._u", "1._v"),
            ("original",),
            ("original", "0.base", "1._u", "1._v"),
            ("original", "0._u", "0._v", "1._u", "1._v"),
            ("original0", "original1", "0._u", "0._v"),
            ("original", "scale"),
            ("original0", "original1", "original2"),
            ("original", "0.mask"),
            ("original0", "original1", "1.base"),
            ("0.base",),
            ("original", "1.base"),
            ("original0", "original1", "1._u", "1._v", "2._u"),
        )
    )
    tensors = []
    for name in names:
        shapes = PARTS[name]
        shape = shapes[0] if chance.random() < 0.75 else chance.choice(shapes)
        values = _values(shape, len(tensors))
        if name.endswith("base"):
            values = np.eye(shape[-1])[::-1]
        if name == "original" and chance.random() < 0.5 and len(shape) > 1:
            rows, columns = shape[-2:]
            values = np.tril(_values(shape) * 0.3, -1)
            values[..., range(min(rows, columns)), range(min(rows, columns))] = chance.choice(
                (-1, 1, 0.5, -1)
            )
            values = values if chance.random() < 0.7 else np.where(np.abs(values) == 1, values, 0)
        dtype = chance.choice(("<f4", "<f4", "<f4", "<f8", "<f2", "<i4", "<u1"))
        tensors.append(_tensor(f"net.parametrizations.weight.{name}", values, dtype))
    if chance.random() < 0.1:
        tensors.append(_tensor("net.weight", _values((4, 3))))
    chance.shuffle(tensors) if chance.random() < 0.1 else None
    looks = chance.random() < 0.9
    used = chance.choice((0, 0, 0, 2_000_000_000 - 100))
    asked = ", ".join(
        f"{one.name[25:]} {'x'.join(map(str, one.array.shape))} {one.array.dtype}" for one in tensors
    )
    return f"parts {n}: {asked}{'' if looks else ', unseen'}", _found(tensors, looks=looks, used=used)


def _others() -> Told:
    eye, low = np.eye(4, 3), np.tril(_values((4, 3)) * 0.3, -1) + np.eye(4, 3)
    head = "a.parametrizations.weight."
    for words, held in (
        ("reflections", [("original", low)]),
        ("of no base", [("original", eye)]),
        ("a base", [("original", low), ("0.base", np.eye(4))]),
        ("unmoved", [("original", -eye), ("0.base", np.eye(4))]),
        ("moved", [("original", _values((4, 3))), ("0.base", np.eye(4))]),
        ("a square", [("original", _values((3, 3))), ("0.base", np.eye(3))]),
        ("wide", [("original", low.T), ("0.base", np.eye(4))]),
        ("of many", [("original", np.stack([low, low + 1])), ("0.base", np.stack([np.eye(4)] * 2))]),
        ("a vector", [("original", low[0])]),
        ("nothing", []),
        ("of more steps than there are", [("original", np.tile(low, (40, 40)))]),
        ("1024 rows", [("original", np.zeros((1024, 1)))]),
        ("1025 rows", [("original", np.zeros((1025, 1))), ("0.base", np.eye(1025))]),
        ("six beside", [("original", eye), *((f"x{i}", eye) for i in range(6))]),
        ("a long name", [("original", eye), ("x" * 50, eye)]),
        ("a norm of what it starts from", [("original_g", eye[:, :1] + 1), ("original_v", low)]),
        (
            "a norm of what it starts from, and a base",
            [("original_g", eye[:, :1] + 1), ("original_v", low), ("0.base", np.eye(4))],
        ),
    ):
        yield f"parametrised: {words}", _found([_tensor(head + name, values) for name, values in held])
    small = [(f"original{n}", 6e-45 * _values(shape)) for n, shape in enumerate(((4, 1), (4, 3)))]
    vectors = [("1._u", _values((4,))), ("1._v", _values((3,)))]
    least = [_tensor(head + name, values) for name, values in (*small, *vectors)]
    yield "parametrised: a norm of the least numbers that another makes large", _found(least)
    twice = [("original", _values((4, 3))), *((f"0.{name[2:]}", 3e22 * held) for name, held in vectors)]
    large = [_tensor(head + name, values) for name, values in (*twice, *vectors)]
    yield "parametrised: a norm that makes small what another makes large", _found(large)
    for name in (
        "parametrizations.weight.original",
        "a.b.parametrizations.w.original",
        "parametrizations.weight.original.x",
        "xparametrizations.weight.original",
        "a.parametrizations.original",
        "a\n.parametrizations.weight.original",
    ):
        yield f"named {name!r}", _found([_tensor(name, low)])
    for names in (
        ("module.a", "module.b"),
        ("module.a", "b"),
        ("module.model.a", "module.model.b"),
        ("model.a",),
        ("_orig_mod.a", "_orig_mod.b"),
        ("_fsdp_wrapped_module.a",),
        ("module.", "module.a"),
        ("model.module.model.a",),
        ("module.a", "model.b"),
        (),
    ):
        for counter in (False, True):
            held = [_tensor(name, _values((2,))) for name in names] + [_tensor("n", 1.0)] * counter
            found, words = without_prefixes(held)
            yield f"prefixes {names} {counter}", f"{[one.name for one in found]} {words}"
    held = [
        _tensor(f"l{i}.weight{end}", _values((4, 3, 2) if end == "_v" else (4, 1, 1)))
        for i in range(9)
        for end in ("_g", "_v")
    ]
    yield "nine layers", _found(held)[-300:]
    held = [
        _tensor(f"l{i}.parametrizations.weight.{end}", _values((3, 3), i) if end == "original" else np.eye(3))
        for i in range(6)
        for end in ("original", "0.base")
    ]
    yield "six layers that may be otherwise", _found(held)[-400:]


# Norms


def _norms() -> Iterator[tuple[str, Any]]:
    v = _values((4, 3, 2))
    for shape in ((4, 1, 1), (1, 3, 1), (1, 1, 2), (1, 1, 1), (), (4, 3, 1)):
        yield f"weight norm {shape}", norms.weight_norm(_values(shape, 1), v)
    yield "weight norm of zeros", norms.weight_norm(np.ones((2, 1)), np.array([[0.0, 0.0], [3, 4]]))
    yield (
        "weight norm in single precision",
        norms.weight_norm(np.ones((2, 1)), np.array([[0.0, 0.0], [3, 4]]), dtype=np.dtype("f4")),
    )
    for shape, n, right in (
        ((4, 3), 4, 3),
        ((4, 3), 3, 4),
        ((3, 3), 3, 3),
        ((4, 3), 4, None),
        ((4, 3), 4, 2),
        ((4, 3, 2), 3, 8),
        ((4, 3, 2), 4, 6),
        ((2, 4, 3), 3, None),
        ((4, 3), 5, 3),
    ):
        other = None if right is None else _values((right,), 2)
        yield (
            f"spectral norm {shape} {n} {right}",
            norms.spectral_norm(_values(shape), _values((n,), 1), other),
        )
    yield "spectral norm of zeros", norms.spectral_norm(np.zeros((4, 3)), np.zeros(4), None)
    yield "spectral norm of less than nothing", norms.spectral_norm(-np.ones((2, 2)), np.ones(2), np.ones(2))
    for shape in ((4, 3), (3, 4), (3, 3), (2, 4, 3), (2, 3, 4), (1, 1), (0, 3), (2, 2, 3, 3)):
        for reflects in (True, False):
            stored = np.tril(_values(shape) * 0.3, -1) + np.eye(*shape[-2:])
            base = np.broadcast_to(
                np.eye(max(shape[-2:]))[::-1], (*shape[:-2], max(shape[-2:]), max(shape[-2:]))
            )
            yield f"orthogonal {shape} {reflects}", norms.orthogonal(stored, reflects=reflects)
            yield (
                f"orthogonal {shape} {reflects} from a base",
                norms.orthogonal(stored, base, reflects=reflects, dtype=np.dtype("f4")),
            )
    many = np.tril(_values((300, 24, 20)) * 0.1, -1) + np.eye(24, 20)
    yield (
        "orthogonal at several times",
        norms.orthogonal(many, reflects=True)[[0, 226, 227, 228, 299], :2, :2],
    )


def _questions() -> Told:
    shapes = ((4, 3), (3, 4), (4, 4), (4,), (1, 1), (2, 4, 3), (4, 1), (1, 3), ())
    for one in shapes:
        fits = [
            other for other in (*shapes, (4, 1, 1), (1, 4, 1), (3,), (5,)) if norms.gain_fits((other, one))
        ]
        vectors = [other for other in ((4,), (3,), (2,), (5,), (4, 1)) if norms.vectors_fit((one, other))]
        bases = [
            other for other in ((4, 4), (3, 3), (2, 4, 4), (1, 1), (4, 3)) if norms.base_fits(one, other)
        ]
        more = f"{norms.is_square(one)} {norms.orthogonal_work(one)}" if len(one) > 1 else ""
        yield f"fitting {one}", f"{fits} {vectors} {bases} {more}"
    yield "work of many", str(norms.orthogonal_work((9, 4, 3)))
    eye, low = np.eye(4, 3), np.tril(_values((4, 3)) * 0.3, -1)
    for words, held in (
        ("signs", low + eye),
        ("other signs", low - eye),
        ("mixed signs", low + eye * [1, -1, 1]),
        ("no signs", low),
        ("halves", low + eye * 0.5),
        ("large ones", low + eye * 1.9),
        ("twos", low + eye * 2),
        ("whole below", np.round(low * 3) + eye),
        ("nothing below", eye),
        ("nothing below, unmoved", -eye),
        ("above", -eye + np.triu(np.ones((4, 3)), 1)),
        ("wide", (low + eye).T),
        ("wide, unmoved", -eye.T),
        ("wide, moved", (low - eye).T),
        ("wide, above", (-eye + np.triu(np.ones((4, 3)), 1)).T),
        ("one column", np.array([[1.0], [0.5]])),
        ("one row", np.array([[1.0, 0.5]])),
        ("one", np.array([[-1.0]])),
        ("many", np.stack([low + eye, -eye])),
        ("one of many", (low + eye)[None]),
        ("a square", low[:3] + np.eye(3)),
    ):
        yield (
            f"numbers: {words}",
            f"{norms.may_be_reflections(held)} {norms.is_unmoved(held)} {norms.reflections_alone(held)}",
        )
    for dtype in ("<f2", "<f4", ">f4", "<f8", ">f8", "<i4", "<i8", "<u1"):
        like = norms.computed_like(_array(np.ones(2), dtype), lambda kind: np.full(2, 1 / 3).astype(kind))
        yield (
            f"like {dtype}",
            f"{_told(like.read())} {like.dtype} {_told(norms.floats(_array([1, 2], dtype)))}",
        )


def effective() -> Told:
    """What tensors make by their names, and what each norm gives."""
    yield from map(_by_names, range(100))
    yield from map(_by_parts, range(140))
    yield from _others()
    for words, found in _norms():
        yield words, _told(found)
    yield from _questions()
