"""How much files need of each limit, and what is said where they get one less."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

import filtviz
from filtviz.errors import LimitError
from filtviz.reading.limits import Limits, Spending
from tests.telling import FIXTURES

__all__ = ["FILES", "answers", "needed", "refusals"]

FILES = (
    "py27/branches-list.pkl", "py27/layer.pkl.gz", "py27/values-p0.pkl", "py311-lasagne0.2/kinds-layer.pkl",
    "py311-lasagne0.2/kinds-values.npz", "modern/list.pt", "modern/sd_legacy.pth",
    "modern/whole_sequential.pt", "modern/sd_reparametrised.pth", "modern/sd.safetensors",
    "modern/sharded/model.safetensors.index.json",
    "modern/sharded_bin/pytorch_model.bin.index.json",
    "modern/keras/seq.keras", "modern/keras/nested.keras", "modern/keras/seq.weights.h5",
    "modern/keras/tf_nested_legacy.h5",
    "modern/onnx/constants.onnx", "modern/onnx/sparse_init.onnx", "modern/onnx/f16_int32_data.onnx",
    "modern/onnx/function.onnx", "modern/onnx/qdq.onnx",
    "modern/tensorflow/tf_frozen.pb", "modern/tensorflow/tf_ckpt/ckpt.index", "modern/tflite/tf_f32.tflite",
    "modern/torch/exported.pt2", "modern/torch/traced.pt", "modern/trees/flax_model.msgpack",
    "modern/trees/jax_params.pkl", "modern/trees/jax_tree.npy", "modern/trees/net.pdparams",
    "modern/others/gluon.params", "modern/others/nd_list.params", "modern/others/pd_infer/model.pdiparams",
    "modern/others/darknet_new/net.weights",
)  # fmt: skip


def answers(name: str, allowed: Limits) -> int:
    """Read a file and all its weights; return how many there are."""
    network = filtviz.load(FIXTURES / name, limits=allowed)
    return sum(one.value.size for layer in network.layers for one in layer.parameters)


@cache
def needed(name: str) -> dict[str, int]:
    """How much a file needs of each limit that is looked at."""
    found: defaultdict[str, int] = defaultdict(int)
    check, spend = Limits.check, Spending.spend

    def checked(self: Limits, limit: str, wanted: int, what: str) -> None:
        found[limit] = max(found[limit], wanted)
        check(self, limit, wanted, what)

    def spent(self: Spending, amount: int) -> None:
        spend(self, amount)
        found[self.limit] = max(found[self.limit], self.used)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Limits, "check", checked)
        patched.setattr(Spending, "spend", spent)
        answers(name, Limits())
    return {limit: n for limit, n in sorted(found.items()) if n > 1}


def refusals(name: str) -> Iterator[str]:
    """What is said where a file gets one less than it needs, a line for each limit."""
    for limit, n in needed(name).items():
        try:
            answers(name, Limits(**{limit: n - 1}))
        except LimitError as error:
            told = (error.limit, error.allowed) == (limit, n - 1)
            said = str(error).removeprefix(f"{FIXTURES / name}: ")
            if limit == "opcodes":  # how many they are exactly is the reader's affair
                said = re.sub(r"\d[\d,]+", _two_digits, said)
            yield f"{name} {limit} => {said if told else f'{error.limit} {error.allowed}'}"
        else:
            yield f"{name} {limit} => is read with {n - 1:,}, though it needs {n:,}"


def _two_digits(number: re.Match[str]) -> str:
    n = int(number[0].replace(",", ""))
    return f"{float(f'{n:.2g}'):,.0f}"
