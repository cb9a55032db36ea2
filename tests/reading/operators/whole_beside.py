"""Files of Darknet and Paddle, made by chance, with the configuration or program that lies beside them."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import numpy as np

from tests.reading.operators.asking import part
from tests.reading.operators.wholes import Files, drawn, some

__all__ = ["a_darknet", "a_paddle"]


# Darknet


_SECTIONS = (
    "convolutional",
    "convolutional",
    "convolutional",
    "deconvolutional",
    "maxpool",
    "avgpool",
    "route",
    "shortcut",
    "upsample",
    "dropout",
    "softmax",
    "connected",
    "yolo",
)


def a_darknet(chance: random.Random) -> tuple[str, Files]:
    """Weights of Darknet's and their configuration."""
    whole = lambda *values: str(chance.choice(values))  # noqa: E731
    lines = [chance.choice(("[net]", "[net]", "[network]", "[ Net ]", "[NET]"))]
    lines += [
        f"{key} = {value}"
        for key, value in some(chance, 0.8, width=whole(8, 0), height=8, channels=whole(3, 4)).items()
    ]
    words = []
    for place in range(chance.choice((1, 2, 3, 4))):
        kind = chance.choice(_SECTIONS)
        facts = some(
            chance,
            0.4,
            activation=chance.choice(("relu", "leaky", "linear", "selu", "relu6", "dream")),
            stride=whole(1, 2, 0),
        )
        if kind.endswith("convolutional"):
            facts |= some(
                chance,
                0.5,
                size=whole(3, 2, 1),
                filters=whole(4, 2),
                pad=whole(0, 1),
                padding=whole(1, 2, -1),
            )
            facts |= some(
                chance,
                0.25,
                batch_normalize=1,
                groups=whole(1, 2, 3),
                dilation=whole(1, 2),
                stride_x=2,
                stride_y=whole(1, 3),
            )
        elif kind == "route":
            facts |= {"layers": whole("-1", f"-1, {max(place - 2, 0)}", "0", "-2,-1", "9", "")} | some(
                chance, 0.3, groups=2, group_id=whole(0, 1)
            )
        elif kind == "shortcut":
            facts |= {"from": whole("-1", "-2", "0", "7")}
        else:
            facts |= some(
                chance, 0.5, size=whole(2, 3, 0), padding=whole(0, 1, -1), output=whole(5, 2), filters="x"
            )
        facts |= {"size": whole("1000000", "1000001", "x")} if chance.random() < 0.03 else {}
        words.append(kind)
        lines += [
            "",
            f"[{kind}]",
            *(f"{key}={value} {chance.choice(('', '# more', '; more'))}" for key, value in facts.items()),
        ]
    version = chance.choice(((0, 2), (0, 1), (0, 1), (0, 2), (0, 5)))
    head = struct.pack("<iii", *version, 5) + bytes(8 if version != (0, 1) else 4)
    text = ("odd = 1\n" if chance.random() < 0.1 else "") + "\n".join(
        lines if chance.random() < 0.97 else lines[1:]
    )
    body = np.arange(chance.choice((4000, 4000, 200)), dtype="<f4").tobytes()
    stem = chance.choice(("net", "net", "net_final", "net_best", "net_last", "net_old"))
    ending = chance.choice(("weights", "weights", "backup", "conv", "odd"))
    beside = {"net.cfg": text.encode()} | (
        {f"{stem}.cfg": text.replace("channels", "canals").encode()} if chance.random() < 0.3 else {}
    )
    return f"{stem}.{ending} {version} {' '.join(words)} {' | '.join(lines)}", {
        f"{stem}.{ending}": head + body,
        **beside,
    }


# Paddle


def a_paddle(chance: random.Random) -> tuple[str, Files]:
    """Parameters of Paddle's, and a program of Paddle 3 that uses them, or one that is odd."""
    shapes = {
        "conv2d_0.w_0": (4, 3, 3, 2),
        "conv2d_0.b_0": (4,),
        "linear_0.w_0": (4, 5),
        "batch_norm_0.w_0": (4,),
        "batch_norm_0.b_0": (4,),
        "batch_norm_0.w_1": (4,),
        "batch_norm_0.w_2": (4,),
    }
    names = [name for name in shapes if chance.random() < 0.85]
    data = b"".join(_array_of_paddle(chance, shapes[name], place) for place, name in enumerate(sorted(names)))
    data = data[: len(data) - chance.choice((0,) * 24 + (1, 30))]
    number = {name: place + 1 for place, name in enumerate(names)}
    ops: list[Any] = [{"#": "p", "A": [0, 0, 0, name], "O": {"%": number[name]}} for name in names]
    kind = {
        "TT": {"#": "0.t_dtensor", "D": [0, chance.choice(([-1, 4, 6, 7], [1, 4, 6, 7], "odd", [1] * 6))]}
    }
    last, n, words = 50, 60, []
    ops.append({"#": "1.data", "I": [], "A": [], "O": [{"%": last, **kind}]})
    for word in ["conv2d", *chance.choices(_OPERATIONS, k=chance.choice((1, 2, 3)))]:
        n += 3
        inputs, attributes = [last], {}
        if "conv2d" in word:
            inputs += [number.get("conv2d_0.w_0", 0)]
            attributes = _windows_of_paddle(chance)
        elif word == "batch_norm_":
            inputs += [number.get(f"batch_norm_0.{end}", 0) for end in ("w_1", "w_2", "w_0", "b_0")]
            attributes = {"epsilon": chance.choice((0.25, 1, float("inf")))}
        elif word == "matmul":
            inputs += [number.get("linear_0.w_0", 0)]
            attributes = {"transpose_y": chance.choice((True, False))}
        elif word == "add":
            inputs += [chance.choice((number.get("conv2d_0.b_0", 0), 50))]
            if chance.random() < 0.3:
                ops.append({"#": "1.reshape", "I": [{"%": inputs[1]}], "A": [], "O": [{"%": n + 2, **kind}]})
                inputs[1] = n + 2
        elif word in ("concat", "pool2d"):
            values = (
                [chance.choice((1, -1, 5))]
                if word == "concat"
                else chance.choice(([2, 2], [1, 1], [2], [0, 2]))
            )
            listed = (
                [{"D": one} for one in values] if chance.random() < 0.9 or word == "pool2d" else values[0]
            )
            ops.append(
                {
                    "#": "1.full_int_array",
                    "I": [],
                    "A": [_named("value", listed)],
                    "O": [{"%": n + 1, **kind}],
                }
            )
            inputs += [n + 1]
            if word == "concat":
                ops.append(
                    {"#": "0.combine", "I": [{"%": 50}, {"%": last}], "A": [], "O": [{"%": n + 2, **kind}]}
                )
                inputs[0] = n + 2
            attributes = _windows_of_paddle(chance) | some(
                chance, 0.3, global_pooling=True, adaptive=True, ceil_mode=True, exclusive=False
            )
            attributes |= {"pooling_type": chance.choice(("max", "avg"))}
        else:
            attributes = some(
                chance,
                0.8,
                axis=chance.choice((1, -1, 5, 4)),
                start_axis=chance.choice((1, 2)),
                negative_slope=chance.choice((0.25, 1)),
            )
        words.append(word)
        outputs = [{"%": n, **kind}] if chance.random() < 0.97 else []
        ops.append(
            {
                "#": f"1.{word}",
                "I": [{"%": one} for one in inputs],
                "A": [_named(k, v) for k, v in attributes.items()],
                "O": outputs,
            }
        )
        last = n
    if chance.random() < 0.06:
        ops.insert(chance.randrange(len(ops)), chance.choice(({}, {"#": "p", "A": []}, {"#": 3}, "odd")))
    program = json.dumps({"program": {"regions": [{"blocks": [{"ops": ops}]}]}}).encode()
    beside = {chance.choice(("net.json",) * 7 + ("net.pdmodel", "other.json")): program}
    return f"{' '.join(names)} {' '.join(words)}", {"net.pdiparams": data, **beside}


_OPERATIONS = (
    "conv2d",
    "batch_norm_",
    "matmul",
    "add",
    "add",
    "concat",
    "pool2d",
    "pool2d",
    "pool2d",
    "flatten",
    "softmax",
    "leaky_relu",
    "leaky_relu_",
    "relu6",
    "relu",
    "dropout",
    "multiply",
    "dream",
    "conv2d_transpose",
    "fetch",
)


def _named(name: str, value: Any) -> dict[str, Any]:
    return {"N": name, "AT": {"D": value}}


def _windows_of_paddle(chance: random.Random) -> dict[str, Any]:
    listed = lambda *values: [{"D": one} for one in chance.choice(values)]  # noqa: E731
    return some(
        chance,
        0.85,
        strides=listed([1, 1], [2, 1], [0, 1], [1]),
        paddings=listed([1, 0], [0, 1, 2, 3], [-1, 0], [1 << 31, 0]),
        dilations=listed([1, 1], [2, 1], [1, 1 << 31]),
        groups=chance.choice((1, 2, 0, 1 << 31, "x")),
        padding_algorithm=chance.choice(("EXPLICIT", "EXPLICIT", "SAME", "VALID", 3)),
    )


def _array_of_paddle(chance: random.Random, shape: tuple[int, ...], place: int) -> bytes:
    kind, code = chance.choice((("f4", 5),) * 16 + (("f8", 6), ("f2", 4), ("u2", 22), ("f4", 99)))
    values = np.abs(drawn(chance, *shape)).astype(kind)
    told = part(1, code) + b"".join(part(2, n) for n in shape)
    levels = chance.choice(((),) * 9 + ((3,), (2, 5))) if place else ()
    head = struct.pack("<IQ", 0, len(levels)) + b"".join(struct.pack("<Q", n) + bytes(n) for n in levels)
    return head + struct.pack("<Ii", 0, len(told)) + told + values.tobytes()
