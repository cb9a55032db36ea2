"""Small networks for the tests of the report, and names that attack a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.building import conv, image

from filtviz.network import Layer, Network, Origin

ATTACKS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "\"><img src=x onerror='alert(3)'>",
    "' onmouseover='alert(4)' x='",
    "javascript:alert(5)",
    "\u202egnp.exe",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>",
    "]]></style><style>*{display:none}</style>",
    "a\x00b\x1b[31mc\r\nd\u2028e",
    "&lt;b&gt;&quot;",
    "long" * 2500,
)


def network(
    *shapes: tuple[int, int, int, int],
    names: tuple[str, ...] = (),
    path: str = "model.pkl",
    seed: int = 0,
    origin: Origin | None = None,
) -> Network:
    """Return a stack of convolutions with uniform weights and drawn biases, so that they count as updated."""
    random = np.random.default_rng(seed)
    layers: list[Layer] = [image(shapes[0][1], 64, 64)]
    for place, shape in enumerate(shapes):
        weights = random.uniform(-0.2, 0.2, shape).astype(np.float32)
        name = names[place] if names else None
        bias = random.normal(0, 0.1, shape[0]).astype(np.float32)
        layers.append(conv(weights, bias, below=place, name=name, flip_filters=True))
    return Network.of(layers, origin or Origin(path=Path(path), kind="a Lasagne network"))
