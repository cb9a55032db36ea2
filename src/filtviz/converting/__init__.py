"""``filtviz convert``: the weights, or all of the network, in another format.

::

    network ─┬─ collected ─► named arrays ─ archives ─► .npz, .safetensors, .pt
             └─ shaped ────► steps ─┬─ onnx_graph ────► .onnx ─┬─► verifying
                                    └─ module_source ─► .py ───┘

What is written is data that we make ourselves; no format's own program is asked to write it.
"""

from __future__ import annotations

from filtviz.converting.verifying import Verification
from filtviz.converting.writing import ConversionResult, convert

__all__ = ["ConversionResult", "Verification", "convert"]
