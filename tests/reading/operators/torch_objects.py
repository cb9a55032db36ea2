"""Objects of ``torch.save``: where in them weights can lie, and what can lie beside them.

Each case has one fact that the one before it has not. Told is all that is found, and what is chosen of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Network
from filtviz.reading.formats import torch
from filtviz.reading.formats.torch.rebuilding import Rebuilder
from filtviz.reading.formats.torch.storages import Saved
from filtviz.reading.formats.torch.weight_sets import Choice, choose, class_path, find_sets
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.pickle.machine import Pickles
from tests.reading.making import Named, Thing, dumps
from tests.reading.operators.asking import Told
from tests.reading.operators.torch_tensors import KERNEL, ONES, SMALL, called, shown, unpickled
from tests.reading.operators.wholes import opened, outcome
from tests.reading.torch_making import Stored, module, parameter, quantised, stream_of, tensor
from tests.telling import layers_of, origin_of, refused

__all__ = ["NO_PICKLES", "objects"]


NO_PICKLES = Pickles(roots=(), protocol=2, python2=False, globals=())


def _set_told(choice: Choice) -> Iterator[str]:
    for one in choice.sets:
        held = [f"{each.name} {shown(each.array)}" for each in one.tensors]
        held += [f"{name}: {lost.reason}" for name, lost in one.lost]
        held += [f"a {class_path(one.module)}"] if one.module is not None else []
        held += ["as a list"] * one.is_list
        signs = ", ".join(["loose"] * one.is_loose + ["with filters"] * one.has_filters)
        yield f"[{one.name}] {'; '.join(held)} ({signs})"
    yield from choice.left_out
    yield from choice.training
    if choice.epoch is not None:
        yield f"epoch {choice.epoch}"
    yield from map(str, choice.history)
    yield from (f"moments {one}" for one in choice.optimisers)


def _object(value: Any, weights: tuple[str, ...], limits: Limits | None = None) -> str:
    root, rebuilder = unpickled(value, limits)
    told = []
    try:
        found = find_sets(root, rebuilder)
        told.append(" | ".join(_set_told(found)))
        told += [_chosen(found, one) for one in ("", *weights)]
        told.append(_read(root, found, rebuilder))
    except FiltvizError as error:
        told.append(refused(error))
    return f"{' || '.join(told)} ({rebuilder.effort.used} steps)"


def _read(root: Any, found: Choice, rebuilder: Rebuilder) -> str:
    """What kind of file it is said to be, and a sum of all that is read of it."""
    saved = Saved(root=root, pickles=NO_PICKLES, memory=rebuilder.memory, form="a test's")

    def tell(network: Network) -> str:
        return origin_of(network) + layers_of(network)

    return outcome(lambda: torch._network(opened(b""), saved, choose(found, Hints()), rebuilder), tell)


def _opened(data: bytes) -> str:
    try:
        found = torch.open(opened(data))
    except FiltvizError as error:
        return refused(error)
    return "another's" if found is None else found.origin.kind


def _chosen(found: Choice, weights: str) -> str:
    try:
        chosen = choose(found, Hints(weights=weights))
    except FiltvizError as error:
        return refused(error)
    return f"{weights or 'chosen'}: {', '.join(one.name for one in chosen.sets)} without {chosen.left_out}"


def objects() -> Told:
    """Where weights can lie, what can lie beside them, and what is left of them by names."""
    for words, value, *weights in _holders():
        yield words, _object(value, tuple(weights))
    for home in ("torch.nn.Own", "torch", "torchx.Own", "mine.torch.Own", "mine.Own"):
        for words, held in (("an array", ONES), ("a number", 5)):
            data = dumps({"net": Thing(home if "." in home else f"{home}.Own", w=held)})
            yield f"a pickle of {words} in a {home}", _opened(data)
    lost = {"a.weight": called("_rebuild_nested_tensor"), "b.weight": tensor(KERNEL)}
    yield "lost tensors, at most one layer", _object(lost, (), Limits(layers=1))


def _dict(*names: str, **more: Any) -> OrderedDict[str, Any]:
    held = {name: tensor(KERNEL if name.endswith("weight") else ONES[0]) for name in names}
    return OrderedDict(held | more)


def _optimiser(*moments: Any, groups: Any = None, key: str = "exp_avg") -> dict[str, Any]:
    state = {place: {"step": 3, key: tensor(one)} for place, one in enumerate(moments) if one is not None}
    places = list(range(len(moments)))
    return {"state": state, "param_groups": [{"lr": 0.1, "params": places}] if groups is None else groups}


def _holders() -> Iterator[tuple[Any, ...]]:
    usual = _dict("conv.weight", "conv.bias")
    yield "weights", usual, "conv", "model"
    yield "a tensor", tensor(KERNEL)
    yield "a list", [tensor(KERNEL), tensor(ONES[0])], "0"
    yield "a tuple with other things", (3, tensor(KERNEL), "text", None, {"w": tensor(ONES)})
    for name in (
        "model",
        "ema",
        "ema_model",
        "model_ema",
        "EMA",
        "teacher.ema2",
        "emanuel",
        "swa",
        "averaged",
        "average",
        "averaged_models",
        "polyak-1",
        "shadow",
        "e_ma",
        "em_a",
    ):
        yield (
            f"weights and {name}",
            {"net": usual, name: _dict("conv.weight", "conv.bias")},
            name,
            "net",
            "ne",
        )
        yield (
            f"weights and {name} below",
            {"net": usual, "more": {name: _dict("conv.weight")}},
            f"more.{name}",
            "more",
        )
    yield (
        "two averages",
        {"ema": {"a": usual, "b": _dict("x.weight")}, "net": _dict("c.weight")},
        "ema",
        "ema.b",
    )
    yield "averages only", {"ema": usual, "ema2": _dict("x.weight")}
    yield (
        "two below one key",
        {"nets": {"a": usual, "b": _dict("x.weight")}, "other": _dict("c.weight")},
        "nets",
        "nets.a",
    )
    for prefix in ("ema.", "model_ema_", "ema_model.", "averaged_model.", "shadow_", "emas.", "my_ema."):
        own = _dict("conv.weight", "conv.bias", f"{prefix}conv.weight", f"{prefix}conv.bias", f"{prefix}n")
        yield f"averages that begin with {prefix}", own
        yield f"averages below a key that begin with {prefix}", {"net": own, "n": 1}, "net"
        flat = _dict("net.conv_1.weight", "net.conv_1.bias", f"{prefix}conv_1weight", f"{prefix}other")
        yield f"averages without dots that begin with {prefix}", flat
        yield f"averages of others that begin with {prefix}", _dict("conv.bias", f"{prefix}conv.weight")
        yield f"vectors that begin with {prefix}", _dict("conv.weight", f"{prefix}bias")
        more = _dict("conv.weight", f"{prefix}a.weight", f"{prefix}b.weight")
        yield f"more averages than weights that begin with {prefix}", more
    for depth in (1, 2, 3, 15, 16, 17):
        value: Any = usual
        for place in range(depth):
            value = {f"k{place}": value, "epoch": place + 1} if place % 2 else [value]
        yield f"weights {depth} deep", value
    for key in (
        "epoch",
        "epochs",
        "n_epochs",
        "Last_Epoch",
        "cur_epoch",
        "current_epoch",
        "epoch1",
        "my_epoch",
    ):
        yield f"a number under {key}", {key: 7, "net": usual, "then": {"epoch": 9}}
    for number in (-1, 0, 1, 10**9 - 1, 10**9, True, 2.0, "3"):
        yield f"epoch {number!r}", {"epoch": number, "net": usual}
    yield "an epoch one deep", {"net": usual, "meta": {"epoch": 5}}
    yield "an epoch two deep", {"net": usual, "meta": {"more": {"epoch": 5}}}
    yield from _of_training(usual)
    yield from _of_other_kinds(usual)


def _of_training(usual: Any) -> Iterator[tuple[Any, ...]]:
    for key in (
        "optimizer",
        "Optimiser_G",
        "lr_scheduler",
        "optim",
        "opts",
        "net_opt",
        "option",
        "adopt",
        "sched",
        "schedule",
        "scaler",
        "scalers",
        "grad_scaler",
        "amp",
        "ramp",
        "amp1",
        "rng",
        "callback",
        "loops",
        "loop_",
    ):
        yield f"something under {key}", {"net": usual, key: {"x.weight": tensor(KERNEL), "state": {}}}
        yield f"something below {key}", {"net": usual, key: [{"state": {0: 1}}]}
    moment = KERNEL + 1
    for words, state in (
        ("no steps", _optimiser()),
        ("both", _optimiser(moment, ONES[0])),
        ("the first", _optimiser(moment, None)),
        ("sums of one number", _optimiser(KERNEL * 0 + 1, ONES[0], key="sum")),
        ("averages of one number", _optimiser(KERNEL * 0 + 1, ONES[0])),
        ("a moment that is a number", _optimiser(np.float32(1).reshape(()), ONES[0])),
        ("no groups", _optimiser(moment, groups=[])),
        ("groups that are none", _optimiser(moment, groups=5)),
        ("a group that is none", _optimiser(moment, groups=[5])),
        ("places that are none", _optimiser(moment, ONES[0], groups=[{"params": ["a", 1, 0]}])),
        ("a place twice", _optimiser(moment, ONES[0], groups=[{"params": [0, 1]}, {"params": [1]}])),
        ("two groups", _optimiser(moment, ONES[0], groups=[{"lr": 1, "params": [1]}, {"params": (0,)}])),
        ("more places than moments", _optimiser(moment, groups=[{"params": [0, 1, 2]}])),
        ("names", {"state": {"conv.weight": {"exp_avg": tensor(moment)}}, "param_groups": []}),
        ("a state that is none", {"state": 5, "param_groups": [{"params": [0]}]}),
        (
            "lost moments",
            {"state": {0: {"exp_avg": called("_rebuild_nested_tensor")}}, "param_groups": [{"params": [0]}]},
        ),
    ):
        yield f"an optimiser with {words}", {"net": usual, "optimizer": state}
        yield f"something like an optimiser with {words}", {"net": usual, "other": state}
    yield "two optimisers", {"net": usual, "optims": [_optimiser(moment), _optimiser(None, ONES[0]), 5]}
    for n in (8, 9):
        yield f"{n} optimisers", {"net": usual, "optims": [_optimiser(moment)] * n}
    whole = Thing("torch.optim.adam.Adam", **_optimiser(moment))
    yield "an optimiser itself", {"net": usual, "x": whole}
    fresh = _optimiser(None)
    yield "one that took steps before one that took none", {"net": usual, "optims": whole, "opts": fresh}
    yield "optimisers in a list of a list", {"net": usual, "optims": [[_optimiser(moment)]]}
    yield (
        "an optimiser under other keys too",
        {"net": usual, "optims": {5: fresh, "x": 1, **_optimiser(moment)}},
    )
    yield "a state that is a number", {"net": usual, "optims": {"state": 5, "param_groups": []}}
    yield "an optimiser with keys that are no texts", {"net": usual, "x": {5: 1, **_optimiser(moment)}}
    yield "an optimiser without a state", {"net": usual, "x": Thing("torch.optim.adam.Adam", 1)}
    yield "an optimiser alone", whole
    yield "an optimiser's state alone", _optimiser(moment)
    yield "a long name of what training needs", {"net": usual, "optimizer" + "x" * 60: {"a": 1}}
    for path in (
        "loss",
        "losses",
        "train_loss",
        "loss_val",
        "val_losses_history",
        "test_loss",
        "loss_per_epoch",
        "Dev-Loss",
        "lossy",
        "valid_loss2",
        "tr_loss",
        "va_loss",
        "eval_loss",
    ):
        yield f"numbers under {path}", {"net": usual, path: [1, 0.5, 0.25]}
        yield f"numbers below val, under {path}", {"net": usual, "val": {path: (2.0, 1.5)}}
    yield (
        "losses of two lengths",
        {"loss": [3.0, 2.0, 1.0], "val_loss": [3, 1], "net": usual, "train_loss": [9, 9]},
    )
    for values in ([1.0], [1.0, 2.0], [1.0, True], [1.0, "a"], "ab", [], {"a": 1}, [1.0, None]):
        yield f"losses {values}", {"net": usual, "loss": values}
    for n in (1, 2):
        yield (
            f"losses {n + 1} deep",
            {"net": usual, **({"a": {"loss": [1, 2]}} if n == 1 else {"a": {"b": {"loss": [1, 2]}}})},
        )
    for n in (60, 61):
        yield (
            f"losses under {n} characters",
            {"net": usual, "x" * n: {"loss": [1, 2]}, "loss" + " " * (n - 4): [3, 4]},
        )


def _of_other_kinds(usual: Any) -> Iterator[tuple[Any, ...]]:
    whole = module("mine.Net", {"weight": KERNEL}, stride=(1, 1))
    yield "a module", whole
    yield "modules", {"a": whole, "b": module("mine.Other", {"weight": KERNEL}), "ema": whole}, "b", "ema"
    yield "one module twice", {"a": whole, "b": whole}
    for lacking in ("_modules", "_parameters"):
        facts = {"_modules": {}, "_parameters": {}, "_buffers": {}, "weight": tensor(KERNEL)}
        yield (
            f"no module without {lacking}",
            Thing("mine.Net", **{k: v for k, v in facts.items() if k != lacking}),
        )
    yield (
        "a module by arguments",
        Thing("torch.fx.graph_module.reduce", {"_modules": {}, "_parameters": {}}, 1),
    )
    yield "an object's attributes", Thing("mine.Run", net=usual, n=3)
    both = Thing("mine.Run", usual, 3)
    both.state = {"net": _dict("x.weight")}
    yield "an object's attributes beside its arguments", both
    storage = Thing("torch.storage._load_from_bytes", stream_of(Stored(KERNEL)))
    yield (
        "tensors of one text",
        {
            name: called("_rebuild_tensor_v2", storage, 0, (2, 1, 3, 3), (9, 9, 3, 1))
            for name in ("a.w", "b.w")
        },
    )
    yield "an object's arguments", Thing("mine.Run", usual, 3, tensor(KERNEL))
    for path in (
        "torch.utils.X",
        "torch.cuda.X",
        "torch.amp.X",
        "numpy.X",
        "pandas.X",
        "datetime.X",
        "torch.nn.X",
    ):
        yield f"weights in a {path}", {"x": Thing(path, net=usual)}
        yield f"weights among a {path}'s arguments", Thing(path, usual)
    layers = {"conv1": _dict("weight", "bias"), "conv2": _dict("weight")}
    yield "a dictionary for each layer", layers
    yield "a dictionary for one layer", {"conv1": _dict("weight", "bias")}
    yield (
        "a dictionary for each layer, below",
        {"net": layers, "other": usual, "then": {"conv1": _dict("weight")}},
    )
    yield (
        "layers with others between",
        {"a": _dict("weight"), "x": _dict("own"), "b": _dict("weight"), "c": _dict("bias")},
    )
    yield (
        "layers with lost ones",
        {"a": _dict("weight", bias=called("_rebuild_nested_tensor")), "b": _dict("weight")},
    )
    yield "layers and a module", {"a": whole, "b": _dict("weight"), "c": _dict("weight")}
    yield "layers behind others", {"own": tensor(ONES), "b": _dict("weight"), "c": _dict("weight")}
    for role in (
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "weight_g",
        "weight_v",
        "weight_orig",
        "own",
    ):
        yield f"two of {role}", {"a": {role: tensor(ONES)}, "b": {role: tensor(ONES)}}
        yield f"{role} alone", {role: tensor(KERNEL), "noise": tensor(ONES)}
    yield (
        "loose arrays beside weights",
        {"net": usual, "noise": {"z": tensor(ONES), "n": tensor(ONES[0, 0])}, "k": [tensor(ONES)]},
    )
    yield "a list of kernels beside weights", {"net": usual, "k": [tensor(KERNEL), tensor(ONES[0])]}, "k"
    yield "two lists of kernels", {"k": [tensor(KERNEL), tensor(ONES[0])], "l": {"x": tensor(KERNEL)}}, "l"
    yield "numbered kernels beside weights", {"net": usual, "k": {0: tensor(KERNEL), 1: tensor(ONES[0])}}
    yield "vectors beside weights", {"net": usual, "more": _dict("x.bias")}
    yield "vectors only", {"a": _dict("x.bias"), "b": {"y": tensor(ONES[0])}}
    yield (
        "keys that are no text",
        {1: tensor(KERNEL), -(1 << 63) + 1: tensor(ONES), 1 << 63: tensor(ONES), None: tensor(ONES)},
    )
    yield "bytes for a key", {b"a.weight": tensor(KERNEL), (1, 2): tensor(ONES), "": tensor(ONES)}
    yield (
        "a long key",
        {"n" * 40 + ".weight": tensor(KERNEL), "k" * 200: {"more.weight": tensor(KERNEL)}},
        "k" * 200,
    )
    for key in (
        "_packed_params",
        "fc._packed_params",
        "fc._packed_params._packed_params",
        "_packed_params._packed_params",
        "fc_packed_params",
    ):
        pair = (quantised(SMALL, Named("torch.per_tensor_affine"), 0.5, 0), parameter(ONES[0]), tensor(ONES))
        yield f"a pair under {key}", {key: pair, "then": 5}
        yield f"half a pair under {key}", {key: (None, parameter(ONES[0]))}
        yield f"no pair under {key}", {key: 5}
    yield "lost tensors", {"a.weight": called("_rebuild_nested_tensor"), "b.weight": tensor(KERNEL)}
    yield "a lost tensor alone", called("_rebuild_nested_tensor")
    yield "lost tensors only", {"a.weight": called("_rebuild_nested_tensor")}
    yield "nothing", {}
    yield "a number", 5
    yield "an object in itself", _circle()


def _circle() -> Any:
    held: dict[str, Any] = {"w.weight": tensor(KERNEL)}
    held["again"] = held
    return held
