"""Small files that are given beside a model: the text of ``--architecture``, which says what its layers are.

`TO_GIVE` are under 1 MB: ``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np

__all__ = ["TEXT", "TO_GIVE"]

TEXT = "net.toml"

HEAD = 'input = [1, 28, 28]\nflip = true\nactivation = "relu"\n'
FIRST = '[c]\ntype = "convolution"\nweights = "arr_0"\nstride = 1\npad = 0\n'


def arrays() -> bytes:
    held, rng = io.BytesIO(), np.random.default_rng(0)
    np.savez(held, rng.normal(size=(4, 1, 3, 3)).astype("f4"), rng.normal(size=(4, 4, 3, 3)).astype("f4"))
    return held.getvalue()


def beside_arrays(*parts: str) -> dict[str, bytes]:
    return {"model.npz": arrays(), TEXT: "".join((HEAD, *parts)).encode()}


def table(name: str, kind: str, feeding: Sequence[str] = ()) -> str:
    return f'[{name}]\ntype = "{kind}"\n' + (f"from = [{','.join(map(repr, feeding))}]\n" if feeding else "")


def dense(n: int, kind: str) -> str:
    """Tables each of which takes what all above it give."""
    return "".join(table(f"t{i}", kind, ["c", *(f"t{j}" for j in range(i))]) for i in range(n))


def stacked(n: int) -> str:
    more = 'type = "convolution"\nweights = "arr_1"\nstride = 1\npad = "same"\n'
    return "".join(f"[t{i}]\n{more}" for i in range(n))


TO_GIVE: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    "a text of convolutions by the thousand": lambda: beside_arrays(FIRST, stacked(9_900)),
    "a text of layers by the thousand": lambda: beside_arrays(
        FIRST, *(table(f"t{i}", "flatten") for i in range(9_900))
    ),
    "a text of sums of all above": lambda: beside_arrays(FIRST, dense(400, "add")),
    "a text of all above together": lambda: beside_arrays(FIRST, dense(400, "concatenate")),
    "a text of one table again and again": lambda: beside_arrays(FIRST, table("t", "add", ["c"] * 120_000)),
    "a text of keys of many parts": lambda: beside_arrays(FIRST, ("a." * 50 + "a = 1\n") * 1_900),
    "a text of a number of digits": lambda: beside_arrays(FIRST, "pool = 0x", "f" * 900_000),
    "a text of tables by the ten thousand": lambda: beside_arrays(*(f"[t{i}]\n" for i in range(80_000))),
}
"""Attacks on what is given beside a model: name → what makes the files, the model first."""
