"""What a file needs of each limit is enough, and one less is refused."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import fields

import pytest

import filtviz
from filtviz.errors import LimitError
from filtviz.reading import limits
from filtviz.reading.limits import Budget, Limits
from tests.telling import FIXTURES

FILES = (
    "py27/branches-list.pkl", "py27/layer.pkl.gz", "py27/values-p0.pkl", "py311-lasagne0.2/kinds-layer.pkl",
    "py311-lasagne0.2/kinds-values.npz", "modern/list.pt", "modern/sd_legacy.pth",
    "modern/sd_reparametrised.pth", "modern/sd.safetensors", "modern/sharded/model.safetensors.index.json",
    "modern/keras/seq.keras", "modern/keras/nested.keras", "modern/keras/seq.weights.h5",
    "modern/onnx/constants.onnx", "modern/onnx/sparse_init.onnx", "modern/onnx/f16_int32_data.onnx",
    "modern/tensorflow/tf_frozen.pb", "modern/tensorflow/tf_ckpt/ckpt.index", "modern/tflite/tf_f32.tflite",
    "modern/torch/exported.pt2", "modern/torch/traced.pt", "modern/trees/flax_model.msgpack",
    "modern/trees/jax_params.pkl", "modern/trees/jax_tree.npy",
    "modern/others/gluon.params", "modern/others/pd_infer/model.pdiparams",
    "modern/others/darknet_new/net.weights",
)  # fmt: skip


def read(name: str, allowed: Limits) -> int:
    """Read a file and all its weights; return how many there are."""
    network = filtviz.load(FIXTURES / name, limits=allowed)
    return sum(one.value.size for layer in network.layers for one in layer.parameters)


def needed(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How much a file needs of each limit that is looked at."""
    found: defaultdict[str, int] = defaultdict(int)
    check, spend = Limits.check, Budget.spend

    def checked(self: Limits, limit: str, wanted: int, what: str) -> None:
        found[limit] = max(found[limit], wanted)
        check(self, limit, wanted, what)

    def spent(self: Budget, amount: int) -> None:
        spend(self, amount)
        found[self.limit] = max(found[self.limit], self.used)

    with monkeypatch.context() as patched:
        patched.setattr(Limits, "check", checked)
        patched.setattr(Budget, "spend", spent)
        read(name, Limits())
    return {limit: n for limit, n in found.items() if n > 1}


@pytest.mark.parametrize("name", FILES)
def test_what_is_needed_is_enough_and_one_less_is_not(name, monkeypatch):
    whole = read(name, Limits())
    for limit, n in needed(name, monkeypatch).items():
        assert read(name, Limits(**{limit: n})) == whole
        with pytest.raises(LimitError) as raised:
            read(name, Limits(**{limit: n - 1}))
        assert (raised.value.limit, raised.value.allowed) == (limit, n - 1)
        assert str(raised.value).endswith(
            f", more than the {n - 1:,} that are allowed; if you trust the file, raise --max-{limit}"
        )


def test_every_limit_is_needed_by_one_of_the_files(monkeypatch):
    found: set[str] = set()
    for name in FILES:
        with contextlib.suppress(LimitError):
            found |= needed(name, monkeypatch).keys()
    assert {one.name for one in fields(limits.Limits)} - found <= {"ratio", "memo", "nesting", "members"}
