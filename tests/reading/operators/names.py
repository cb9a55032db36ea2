"""What names of tensors tell: each question with each name, and lists of tensors made by chance."""

from __future__ import annotations

import random

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading import tensor_names
from filtviz.reading.arrays import StoredArray
from filtviz.reading.tensor_names import FLAX, HAIKU, MLX, MXNET, PADDLE, PYTORCH, Tensor, TensorGroup
from tests.reading.operators.asking import Told, array

__all__ = ["names"]

CONVENTIONS = {"PyTorch": PYTORCH, "Flax": FLAX, "Haiku": HAIKU, "Paddle": PADDLE, "MXNet": MXNET, "MLX": MLX}

NAMES = (
    "",
    "conv",
    "shortcut",
    "block.shortcut",
    "block.skip_2",
    "Skip",
    "skipped_it_all",
    "branch2a.conv",
    "branch",
    "my_shortcut",
    "a/skip/b",
    "shortcuts_too_long",
    "deconv1",
    "up1",
    "up",
    "ups",
    "upsample",
    "net.upconv2",
    "upscale_3",
    "group",
    "a.upper",
    "conv5_mask",
    "net.conv5_mask",
    "conv5_mask.x",
    "transposed",
    "transpose",
    "up_conv",
    "upsampling.conv",
    "dw",
    "conv_dw",
    "dwconv2d_1",
    "depthwise.conv",
    "net.depth_wise3",
    "depthconv",
    "depth",
    "dw.bn",
    "paths.0",
    "split.1.a",
    "splits/3",
    "split",
    "wte",
    "wpe",
    "emb",
    "net.embed_tokens",
    "embed_positions",
    "word_embedding",
    "word_embeddings_2",
    "patch_embed",
    "pos_embed",
    "time_embedding",
    "embedding",
    "embeddings",
    "embed",
    "image_embeddings",
    "embed_patches",
    "my.emb_1",
    "member",
)


def _of_names() -> Told:
    yield from (
        (f"shortcut: {name}", str(tensor_names.is_shortcut(name)))
        for name in NAMES
        if "s" in name or "b" in name
    )
    for name in NAMES:
        patterns = ("BESIDE", "CALLED_TRANSPOSED", "OF_TRANSPOSED", "OF_A_SPLIT", "CALLED_DEPTHWISE")
        found = [one for one in patterns if getattr(tensor_names, one).search(name)]
        told = [
            f"{'x'.join(map(str, shape))} {tensor_names.is_called_transposed(name, shape, PYTORCH)}"
            for shape in ((4, 4, 2, 2), (4, 4, 3, 3), (4, 4, 2, 3), (4, 4, 4))
        ]
        tables = [
            _is_embedding(name, *how)
            for how in (((9, 4),), ((4, 9),), ((4, 4),), ((9, 4), "bias"), ((9, 4, 1),))
        ]
        yield f"name {name}", f"{' '.join(found)} {' '.join(told)} {tables}"
    for shape in ((), (4,), (1, 4), (2, 2, 4)):
        group = TensorGroup(name="a", roles={"weight": array(4, 2, 4), "bias": array(*shape)})
        yield f"bias of {shape}", f"{group.has_wide_bias} {group.width}"
    for name in ("a.b.c.d.e.f.g", "a.b", "", "a/b/c"):
        yield f"around {name}", str(list(tensor_names.parts_around(name, ".")))
    for n in (1, 2, 3):
        yield (
            f"embedding of {n} parameters",
            str(_is_embedding("wte", (9, 4), *("extra", "more")[: n - 1], role=False)),
        )


def _is_embedding(name: str, shape: tuple[int, ...], *more: str, role: bool = True) -> bool:
    weight = array(*shape)
    roles = {"weight": weight} | ({one: array(9) for one in more} if role else {})
    parameters: dict[str, Parameter] = {"weight": weight} | {one: array(9) for one in more}
    return tensor_names.is_embedding(TensorGroup(name=name, parameters=parameters, roles=roles))


def _attention() -> Told:
    for words, held in (
        ("all", ("a.query", "a.key", "a.value", "a.out")),
        ("no key", ("a.query", "a.value", "a.out")),
        ("dense", ("a._query_dense", "a._key_dense", "a._value_dense", "a._output_dense")),
        ("in two", ("a.query", "b.key", "a.value")),
        ("outermost", ("query", "key", "value", "attention_output", "other")),
        ("others", ("a.query_1", "a.key_1", "a.value_1")),
        ("mixed", ("a.query", "a.key", "a.value", "a._out", "a.output_dense")),
        ("none", ()),
    ):
        yield f"attention: {words}", str(sorted(tensor_names.of_attention(set(held), ".")))
    for words, listed in (
        ("sorted", ["a.b", "a.w", "c.w"]),
        ("one each", ["a.w", "b.w"]),
        ("by number", ["l2.b", "l2.w", "l10.w"]),
        ("by letters", ["l10.b", "l10.w", "l2.w"]),
        ("not", ["b.w", "a.w", "a.b"]),
        ("by parts", ["a.b.w", "a.b.x", "a-b.w"]),
        ("none", []),
        ("twice", ["a.w", "a.w"]),
    ):
        yield f"sorted: {words}", str(tensor_names.are_sorted(listed, "."))


def _tensor(name: str, *shape: int, dtype: str = "f4", parts: tuple[Tensor, ...] = ()) -> Tensor:
    kind = np.dtype(dtype)
    held = StoredArray(shape=shape, dtype=kind, strides=(0,) * len(shape), bytes=lambda: bytes(16))
    return Tensor(name=name, array=held, parts=parts)


def _lists() -> Told:
    for words, convention in CONVENTIONS.items():
        for shape in (
            (4, 3, 3, 3),
            (3, 3, 3, 4),
            (3, 4, 3, 3),
            (3, 3, 3, 3),
            (4, 3, 1, 1),
            (4, 3, 1, 2),
            (4, 4, 3, 3),
            (4, 3, 3),
            (4, 3, 3, 3, 3),
            (1, 3, 3, 4),
        ):
            yield f"{words} sees colours in {shape}", str(tensor_names.sees_colours(shape, convention))
    for n in range(150):
        chance = random.Random(f"list {n}")
        held = [
            _tensor(str(i), *chance.choice(((4, 3, 3, 3), (5, 4), (4,), (4,), (4,), (5,), ())))
            for i in range(chance.choice((1, 2, 3, 5, 8)))
        ]
        if chance.random() < 0.2:
            held[0] = _tensor("", 4, 3, dtype=chance.choice(("i4", "f2", "c8", "u1")))
        told = [one.name for one in tensor_names.named_by_order(held)]
        yield f"order {n}: {' '.join(_lengths(one) for one in held)}", " ".join(told)
    for n in range(1, 9):
        for first in ((4, 3), (3, 4), (7, 4), (4,)):
            held = [_tensor(str(i), *(first if i == 0 else (4,))) for i in range(n)]
            yield (
                f"{first} and {n - 1} vectors",
                " ".join(one.name for one in tensor_names.named_by_order(held)),
            )
    for n in range(120):
        yield from _grouped(n)


def _lengths(one: Tensor) -> str:
    return "x".join(map(str, one.array.shape)) + one.array.dtype.kind


def _grouped(n: int) -> Told:
    chance = random.Random(f"groups {n}")
    words = chance.choice(list(CONVENTIONS))
    convention = CONVENTIONS[words]
    between = convention.separator
    held = []
    for _ in range(chance.choice((1, 2, 3, 5))):
        layer = chance.choice(
            ("conv1", f"net{between}1", f"net{between}2", f"net{between}10", "", f"last{between}conv")
        )
        word = chance.choice([*convention.roles, "own"])
        shape = chance.choice(
            ((4,), (4,), (5,), (4, 5), (4, 3, 3, 3), (3, 3, 3, 4), (3, 4, 3, 3), (4, 4, 3, 3))
        )
        name = f"{layer}{between}{word}" if layer else word
        parts = (_tensor(f"{name}_g", 4), _tensor("alone", 5)) if chance.random() < 0.15 else ()
        held.append(_tensor(name, *shape, parts=parts))
    told = []
    for one in tensor_names.grouped(held, convention):
        facts = f"{one.shape} {one.width}{' norm' * one.is_norm}{' wide' * one.has_wide_bias}"
        roles = " ".join(f"{role}={each.name}" for role, each in one.roles.items())
        told.append(f"[{one.name}] {roles} of {' '.join(one.parameters)} {facts}")
    first = [one.name for one in tensor_names.first_things_first(held, convention)]
    yield (
        f"{words} {n}: {', '.join(f'{one.name} {_lengths(one)}' for one in held)}",
        f"{'; '.join(told)} | {' '.join(first)}",
    )


def names() -> Told:
    """What is told of names, and of lists of tensors."""
    yield from _of_names()
    yield from _attention()
    yield from _lists()
