"""PyTorch's files: zips, streams, tars, plain pickles; what is taken for weights, and what is left out."""

from __future__ import annotations

import io
import json
import tarfile
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from filtviz import Hints, load
from filtviz.composition import assume_stacked, compose
from filtviz.errors import LimitError, MalformedFileError, ReadError, SelectionError, UnsupportedFileError
from filtviz.network import Network
from filtviz.operations import (
    Activation,
    Convolution,
    Dense,
    Flatten,
    Input,
    Normalisation,
    Pooling,
    Untold,
)
from filtviz.reading.arrays import stored
from filtviz.reading.formats.torch import norms as torch_norms
from filtviz.reading.formats.torch import zipped
from filtviz.reading.formats.torch.rebuilding import Rebuilder
from filtviz.reading.formats.torch.weight_sets import module_state
from filtviz.reading.limits import Limits
from filtviz.reading.pickle.records import Global, Items, Record
from filtviz.reading.tensor_names import Tensor, named_by_order
from filtviz.receptive_field import receptive_fields
from tests.reading import torch_making
from tests.reading.making import Named, Thing, weights
from tests.reading.torch_making import (
    Stored,
    conv,
    dumps,
    module,
    quantised,
    stream_of,
    tar_of,
    tensor,
    zip_of,
)

W1, B1, W2 = weights(4, 3, 5, 5), weights(4, seed=1), weights(6, 4, 3, 3, seed=2)
STATE = {"conv1.weight": W1, "conv1.bias": B1, "conv2.weight": W2}


def state(arrays: dict[str, np.ndarray] | None = None) -> OrderedDict[str, Any]:
    return OrderedDict((name, tensor(array)) for name, array in (arrays or STATE).items())


def opened(tmp_path: Path, data: bytes, **hints: Any) -> Network:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    return load(path, hints=Hints(**hints))


def refused(tmp_path: Path, data: bytes, error: type[Exception] = MalformedFileError, **hints: Any) -> str:
    with pytest.raises(error) as caught:
        opened(tmp_path, data, **hints)
    return str(caught.value).partition("model.bin: ")[2] or str(caught.value)


def names(network: Network) -> list[str]:
    return [layer.label for layer in network.conv_layers]


def same(network: Network, *arrays: np.ndarray) -> bool:
    found = [layer.W for layer in network.conv_layers]
    return len(found) == len(arrays) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, arrays, strict=True)
    )


# Forms


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("written", [zip_of, stream_of, dumps])
def test_a_state_dict_of_every_form_and_protocol_gives_its_weights(tmp_path, written, protocol):
    network = opened(tmp_path, written(state(), protocol=protocol))
    assert same(network, W1, W2)
    assert names(network) == ["conv1", "conv2"]
    layer = network.conv_layers[0]
    assert (layer.type, layer.axes, layer.flip_filters) == ("Conv2d", "oirc", False)
    assert np.array_equal(layer.b, B1)
    assert network.origin.framework == "PyTorch"
    assert network.origin.kind == "a PyTorch state_dict"
    assert network.origin.order == "the order of registration in the state_dict"


def test_the_tar_of_old_gives_its_weights(tmp_path):
    arrays = {"conv1.weight": W1, "conv1.bias": B1}
    network = opened(tmp_path, tar_of(arrays, {"conv2.weight": ("conv1.weight", (15, 4, 5, 1))}))
    assert same(network, W1, W1.reshape(15, 4, 5, 1))
    assert network.origin.container == "tar of torch.save"
    assert "cut short" in refused(tmp_path, tar_of(arrays)[:4000])


def test_a_tar_that_was_packed_anew_from_its_folder_is_read(tmp_path):
    anew = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tar_of({"conv1.weight": W1}))) as archive,
        tarfile.open(fileobj=anew, mode="w") as packed,
    ):
        for member in archive:
            data = archive.extractfile(member)
            member.name = f"./{member.name}"
            packed.addfile(member, data)
    assert same(opened(tmp_path, anew.getvalue()), W1)


@pytest.mark.parametrize("fields", [slice(2), slice(None, None, -1), slice(0)])
@pytest.mark.cases("all")
def test_a_tar_whose_lists_have_other_fields_is_damaged(tmp_path, monkeypatch, fields):
    named = torch_making._named
    monkeypatch.setattr(torch_making, "_named", lambda held: named(held[fields]))
    told = refused(tmp_path, tar_of({"conv1.weight": W1}))
    assert "its tensors or storages is damaged" in told or "of a class that is not known" in told


def test_another_tar_is_none_of_torchs(tmp_path):
    path = tmp_path / "model.bin"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "pickle")
    with pytest.raises(UnsupportedFileError, match="it is a tar archive"):
        load(path)


def test_a_zip_that_was_packed_anew_or_without_its_folder_is_read(tmp_path):
    assert same(opened(tmp_path, zip_of(state(), method=zipfile.ZIP_DEFLATED)), W1, W2)
    assert same(opened(tmp_path, zip_of(state(), root="")), W1, W2)
    assert same(opened(tmp_path, zip_of(state(), byteorder=None)), W1, W2)


def test_big_endian_numbers_are_what_they_are(tmp_path):
    turned = {name: array.astype(">f4") for name, array in STATE.items()}
    held = {name: tensor(Stored(a, "torch.FloatStorage"), a.shape) for name, a in turned.items()}
    network = opened(tmp_path, zip_of(held, byteorder="big"))
    assert network.conv_layers[0].W.dtype == np.dtype(">f4")
    assert np.array_equal(network.conv_layers[0].W, W1)
    assert network.conv_layers[0].filters.dtype.isnative


@pytest.mark.cases("all")
@pytest.mark.parametrize("written", [zip_of, stream_of])
@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_a_file_that_was_cut_short_is_told(tmp_path, written, keep):
    data = written(state())
    assert "copy or download it again" in refused(tmp_path, data[: int(len(data) * keep)])


@pytest.mark.parametrize("written", [zip_of, stream_of, dumps])
def test_what_holds_no_tensors_is_told(tmp_path, written):
    if written is dumps:
        assert "it holds no layers" in refused(tmp_path, written({"a": 1}), UnsupportedFileError)
        return
    assert "holds no tensors" in refused(tmp_path, written({"epoch": 3}), UnsupportedFileError)


def test_where_only_training_needs_what_is_there_that_is_told(tmp_path):
    told = refused(tmp_path, zip_of({"optimizer": {"state": {0: tensor(W1)}}}), UnsupportedFileError)
    assert "that holds no weights: what only training needs, under optimizer; save the weights" in told


def test_the_files_of_others_are_left_to_them(tmp_path):
    scripted = zip_of(
        state(), more={"archive/constants.pkl": b"\x80\x02).", "archive/code/a.py": b"import os"}
    )
    assert "torch.save" not in refused(tmp_path, scripted, UnsupportedFileError)


@pytest.mark.parametrize("data", [zip_of, stream_of])
def test_only_what_is_asked_for_is_read(tmp_path, data):
    network = opened(tmp_path, data(state()))
    first = network.conv_layers[0]
    assert first.W.base is not None, "it is a view of the file"
    assert not first.W.flags.writeable


# Tensors


def test_views_lie_in_their_storage_as_their_strides_say(tmp_path):
    whole = weights(10, 4, 3, 3)
    held = Stored(whole)
    found = opened(
        tmp_path,
        zip_of(
            {
                "a.weight": tensor(held, (4, 4, 3, 3), None, 2 * 36),
                "b.weight": tensor(held, (3, 3, 4, 10), (1, 3, 9, 36)),
                "c.weight": tensor(held, (5, 4, 3, 3), (0, 9, 3, 1)),
            }
        ),
    )
    a, b, c = (layer.W for layer in found.conv_layers)
    assert np.array_equal(a, whole[2:6])
    assert np.array_equal(b, whole.transpose(3, 2, 1, 0))
    assert np.array_equal(c, np.broadcast_to(whole[0], (5, 4, 3, 3)))


def test_a_part_of_a_storage_in_a_stream_is_that_part(tmp_path):
    whole = weights(60)
    held = Stored(whole, view=("7", 12, 36))
    assert same(
        opened(tmp_path, stream_of({"a.weight": tensor(held, (4, 1, 3, 3))})),
        whole[12:48].reshape(4, 1, 3, 3),
    )
    beyond = Stored(whole, view=("7", 40, 36))
    assert "a part of another one" in refused(tmp_path, stream_of({"a.weight": tensor(beyond, (4, 1, 3, 3))}))


def test_types_of_few_bits_are_counted_in_bytes_where_the_storage_is(tmp_path):
    raw = np.arange(72, dtype=np.uint8)
    held = Stored(raw, "torch.storage.UntypedStorage")
    made = tensor(
        held, (4, 1, 3, 3), None, 36, Named("torch.float8_e4m3fn"), maker="torch._utils._rebuild_tensor_v3"
    )
    layer = opened(tmp_path, zip_of({"a.weight": made})).conv_layers[0]
    assert layer.W.dtype.name == "float8_e4m3fn"
    assert np.array_equal(layer.W.view(np.uint8).ravel(), raw[36:])
    bfloat16 = tensor(
        Stored(np.arange(9, dtype=np.uint8).repeat(2).view("u1"), "torch.BFloat16Storage", 9), (1, 1, 3, 3)
    )
    assert opened(tmp_path, zip_of({"a.weight": bfloat16})).conv_layers[0].W.dtype.name == "bfloat16"


def test_quantised_weights_are_the_numbers_that_they_stand_for_and_it_is_said(tmp_path):
    numbers = np.arange(-18, 18, dtype=np.int8).reshape(4, 1, 3, 3)
    whole = quantised(numbers, Named("torch.per_tensor_affine"), 0.5, 2)
    scales, zeros = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 1, 2, 3])
    rows = quantised(numbers, Named("torch.per_channel_affine"), tensor(scales), tensor(zeros), 0)
    network = opened(tmp_path, zip_of({"a.weight": whole, "b.weight": rows}))
    a, b = (layer.W for layer in network.conv_layers)
    assert a.dtype == b.dtype == np.float32
    assert np.array_equal(a, (numbers - 2.0) * 0.5)
    assert np.array_equal(b, (numbers - zeros.reshape(4, 1, 1, 1)) * scales.reshape(4, 1, 1, 1))
    assert any("quantised weights are shown as the numbers" in each for each in network.origin.inferred)
    assert not any("quantised" in each for each in opened(tmp_path, zip_of(state())).origin.inferred)


def test_a_quantised_layers_packed_pair_is_its_weights_and_biases(tmp_path):
    numbers = np.arange(12, dtype=np.int8).reshape(3, 4)
    packed = (quantised(numbers, Named("torch.per_tensor_affine"), 0.5, 0), tensor(weights(3)))
    network = opened(
        tmp_path, zip_of({"conv.weight": tensor(W1), "fc._packed_params._packed_params": packed})
    )
    assert [layer.name for layer in network.layers] == ["conv", "fc"]
    assert [p.name for p in network.layers[1].parameters] == ["weight", "bias"]


def sparse(layout: str, *parts: Any) -> Thing:
    kind = Thing("torch.serialization._get_layout", f"torch.{layout}")
    return Thing("torch._utils._rebuild_sparse_tensor", kind, parts)


def test_sparse_weights_are_shown_with_their_zeros(tmp_path):
    size = Thing("torch.Size", (2, 1, 3, 3))
    places = np.array([[0, 1, 1], [0, 0, 0], [1, 2, 2], [1, 2, 2]])
    made = sparse("sparse_coo", tensor(places), tensor(np.array([5.0, 2.0, 3.0], "f4")), size, False)
    dense = np.zeros((2, 1, 3, 3), "f4")
    dense[0, 0, 1, 1], dense[1, 0, 2, 2] = 5, 5
    rows = sparse(
        "sparse_csr",
        tensor(np.array([0, 1, 3])),
        tensor(np.array([2, 0, 1])),
        tensor(np.array([1.0, 2.0, 3.0])),
        Thing("torch.Size", (2, 3)),
    )  # fmt: skip
    network = opened(tmp_path, zip_of({"a.weight": made, "fc.weight": rows}))
    assert same(network, dense)
    assert network.layers[1].parameters[0].value.tolist() == [[0, 0, 1], [2, 3, 0]]
    assert "sparse weights are shown with their zeros" in network.origin.inferred


@pytest.mark.parametrize(
    ("places", "size"), [([[0, 9]], (4, 3)), ([[0, -1]], (4, 3)), ([[0, 1], [0, 1], [0, 1]], (4, 3))]
)
def test_sparse_weights_outside_their_size_are_refused(tmp_path, places, size):
    values = tensor(weights(2, 3) if len(places) == 1 else weights(2))
    made = sparse("sparse_coo", tensor(np.array(places)), values, Thing("torch.Size", size), False)
    with pytest.raises(MalformedFileError, match="do not fit its shape"):
        _ = opened(tmp_path, zip_of({"a.weight": made})).layers[0].parameters[0].value


def test_a_sparse_tensor_may_not_become_larger_than_is_allowed(tmp_path):
    huge = sparse(
        "sparse_coo",
        tensor(np.zeros((2, 1), "i8")),
        tensor(np.ones(1, "f4")),
        Thing("torch.Size", (1 << 20, 1 << 20)),
        False,
    )
    assert "whose zeros are written" in refused(tmp_path, zip_of({"a.weight": huge}), LimitError)


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: Thing("torch._utils._rebuild_parameter", one, True, OrderedDict()),
        lambda one: Thing("torch._utils._rebuild_parameter_with_state", one, True, OrderedDict(), {"a": 1}),
        lambda one: Thing("torch.nn.parameter.Parameter", one, state=(True, False, OrderedDict())),
        lambda one: Thing(
            "torch._tensor._rebuild_from_type_v2", Named("torch._utils._rebuild_tensor_v2"),
            Named("mine.Tensor"), one.args, None,
        ),
        lambda one: Thing(
            "torch._tensor._rebuild_from_type_v2", Named("torch._utils._rebuild_wrapper_subclass"),
            Named("torch.distributed.DTensor"), (), {"_local_tensor": one},
        ),
        lambda _: Thing(
            "torch._utils._rebuild_device_tensor_from_numpy", W1, Named("torch.float32"), "xla:0", False
        ),
    ],
)  # fmt: skip
def test_what_is_around_a_tensor_is_seen_through(tmp_path, wrap):
    assert same(opened(tmp_path, zip_of({"a.weight": wrap(tensor(W1))})), W1)


def test_arrays_of_numpys_count_as_tensors(tmp_path):
    assert same(opened(tmp_path, zip_of({"a.weight": W1, "b.weight": tensor(W2)})), W1, W2)


def test_tensors_without_values_are_told_and_the_others_read(tmp_path):
    meta = Thing(
        "torch._utils._rebuild_meta_tensor_no_storage",
        Named("torch.float32"),
        (2, 1, 3, 3),
        (9, 9, 3, 1),
        False,
    )
    alone = refused(tmp_path, zip_of({"a.weight": meta}), UnsupportedFileError)
    assert "without weights that can be read: a.weight lies on the meta device" in alone
    whole = module("torch.nn.modules.conv.Conv2d")
    whole.state["_parameters"] = {"weight": meta}
    assert "a.weight" not in refused(tmp_path, zip_of(whole), UnsupportedFileError)
    assert "lies on the meta device" in refused(tmp_path, zip_of(whole), UnsupportedFileError)
    network = opened(tmp_path, zip_of({"a.weight": meta, "b.weight": tensor(W1)}))
    assert same(network, W1)
    assert network.origin.left_out == (
        "tensors without values: a.weight lies on the meta device: the file has its shape, not its values",
    )


def test_numbers_that_are_not_real_are_not_drawn(tmp_path):
    layer = opened(tmp_path, zip_of({"a.weight": tensor(W1.astype("c8"))})).conv_layers[0]
    assert layer.why_not_drawn == "its weights are of type complex64, not real numbers"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (tensor(Stored(W1, n=10**9), W1.shape), "says that it has 4,000,000,000 bytes"),
        (tensor(Stored(W1, key="../data.pkl"), W1.shape), "which is not in the zip"),
        (tensor(Stored(W1), (4, 3, 5, 6)), "does not lie in the 1,200 bytes"),
        (tensor(Stored(W1), W1.shape, None, 1), "does not lie in the 1,200 bytes"),
        (tensor(Stored(W1), W1.shape, (-75, 25, 5, 1)), "has no storage, no size or no strides"),
        (tensor(Stored(W1), W1.shape, (75, 25, 5)), "does not lie in the 1,200 bytes"),
    ],
)
def test_a_tensor_that_says_what_cannot_be_is_refused(tmp_path, made, sentence):
    assert sentence in refused(tmp_path, zip_of({"a.weight": made}))


def test_a_storage_of_a_stream_that_says_two_lengths_is_refused(tmp_path):
    assert "two different lengths" in refused(
        tmp_path, stream_of({"a.weight": tensor(Stored(W1, n=100), (1, 1, 2, 2))})
    )


def test_two_members_of_one_name_are_refused(tmp_path):
    path = tmp_path / "model.bin"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name in ("a/data.pkl", "a/version", "a/data.pkl"):
            archive.writestr(name, b"3")
    assert "two members of one name" in refused(tmp_path, path.read_bytes())


def test_one_memory_under_two_names_is_said_to_be_tied(tmp_path):
    held = Stored(W1)
    network = opened(
        tmp_path, zip_of({"a.weight": tensor(held, W1.shape), "b.weight": tensor(held, W1.shape)})
    )
    assert "b.weight and a.weight are one tensor: they are tied" in network.origin.notes
    assert not any("tied" in note for note in opened(tmp_path, zip_of(state())).origin.notes)


# Which weights


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize("key", ["state_dict", "model", "net", "ema", "params_ema", "anything"])
def test_weights_are_found_under_any_key(tmp_path, key):
    network = opened(tmp_path, zip_of({"epoch": 3, key: state(), "loss": tensor(weights(7))}))
    assert same(network, W1, W2)
    assert names(network) == ["conv1", "conv2"]
    assert network.origin.left_out == ("arrays that are no layer's: loss",)


@pytest.mark.parametrize("epoch", [0, 3])
def test_the_epoch_is_read_the_first_one_too(tmp_path, epoch):
    assert opened(tmp_path, zip_of({"epoch": epoch, "model": state()})).origin.epoch == epoch
    assert opened(tmp_path, zip_of({"epoch": -1, "model": state()})).origin.epoch is None


def test_an_optimisers_moments_are_no_filters(tmp_path):
    def adam() -> dict[str, Any]:
        return {"state": {0: {"exp_avg": tensor(W1), "step": 3}}, "param_groups": [{"lr": 0.1}]}

    network = opened(tmp_path, zip_of({"model": state(), "optimizer": adam(), "a": {"b": adam()}}))
    assert same(network, W1, W2)
    assert network.origin.left_out == ("what only training needs, under optimizer and a.b",)
    assert network.origin.training == ("it holds the state of an optimiser",)


def test_an_optimiser_that_has_taken_no_step_is_no_sign_of_training(tmp_path):
    fresh = {"state": {}, "param_groups": [{"lr": 0.1}]}
    network = opened(tmp_path, zip_of({"model": state(), "optimizer": fresh}))
    assert network.origin.left_out == ("what only training needs, under optimizer",)
    assert network.origin.training == ()


def test_averages_are_left_out_said_to_be_and_chosen(tmp_path):
    averages = {name: 2 * array for name, array in STATE.items()}
    data = zip_of({"model": state(), "ema": {"module": state(averages), "decay": 0.9}})
    network = opened(tmp_path, data)
    assert same(network, W1, W2)
    assert network.origin.left_out == ("the weights under ema (--weights ema shows them)",)
    chosen = opened(tmp_path, data, weights="ema")
    assert same(chosen, 2 * W1, 2 * W2)
    assert chosen.origin.left_out == ("the weights under model (--weights model shows them)",)


def test_averages_within_one_dictionary_are_left_out_only_if_they_are_copies(tmp_path):
    copies = {f"model_ema.{name.replace('.', '')}": 2 * array for name, array in STATE.items()}
    network = opened(tmp_path, zip_of(state(STATE | copies)))
    assert same(network, W1, W2)
    assert network.origin.left_out == ("the weights under model_ema (--weights model_ema shows them)",)
    assert names(opened(tmp_path, zip_of(state(STATE | copies)), weights="model_ema")) == ["conv1", "conv2"]
    attention = {"ema.conv.weight": weights(2, 2, 1, 1)}  # a layer that happens to be called so
    assert names(opened(tmp_path, zip_of(state(STATE | attention)))) == ["conv1", "conv2", "ema.conv"]


def test_weights_that_are_not_there_are_not_chosen(tmp_path):
    data = zip_of({"model": state(), "ema": state()})
    said = refused(tmp_path, data, SelectionError, weights="swa")
    assert said == "there are no weights under 'swa' (there are: model and ema)"
    assert "leave out --weights" in refused(tmp_path, zip_of(state()), SelectionError, weights="ema")


def test_several_networks_stand_one_behind_the_other_with_their_keys(tmp_path):
    network = opened(tmp_path, zip_of({"netG": state(), "netD": state()}))
    assert names(network) == ["netG.conv1", "netG.conv2", "netD.conv1", "netD.conv2"]
    assert network.layers[2].inputs == ()
    assert same(opened(tmp_path, zip_of({"netG": state(), "netD": state()}), weights="netD"), W1, W2)


def test_a_dictionary_for_each_layer_is_one_network(tmp_path):
    nested = {"conv1": {"weight": tensor(W1), "bias": tensor(B1)}, "conv2": {"weight": tensor(W2)}}
    network = opened(tmp_path, zip_of(nested))
    assert names(network) == ["conv1", "conv2"]
    assert network.layers[1].inputs == (0,)


def test_objects_of_any_class_are_looked_into(tmp_path):
    trainer = Thing("mine.Trainer", args=Thing("argparse.Namespace", lr=0.1), best={"weights": state()})
    network = opened(tmp_path, zip_of([trainer]))
    assert same(network, W1, W2)
    settings = Thing(
        "omegaconf.dictconfig.DictConfig", _content={"a": Thing("omegaconf.nodes.AnyNode", _val=1)}
    )
    assert same(opened(tmp_path, zip_of({"cfg": settings, "state_dict": state()})), W1, W2)


@pytest.mark.cases("all")
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "model.module."])
def test_what_wrappers_put_before_every_name_is_left_out_and_said_to_be(tmp_path, prefix):
    arrays = {prefix + name: array for name, array in STATE.items()}
    network = opened(tmp_path, zip_of(state(arrays)))
    assert names(network) == ["conv1", "conv2"]
    assert any("which was left out" in note for note in network.origin.notes)
    some = opened(tmp_path, zip_of(state({**arrays, "other.weight": W1})))
    assert names(some) == [f"{prefix}conv1", f"{prefix}conv2", "other"]


def test_a_checkpoints_versions_are_told(tmp_path):
    made = zip_of({"pytorch-lightning_version": "1.9.4", "state_dict": state(), "version": 3})
    assert opened(tmp_path, made).origin.versions == {"pytorch-lightning": "1.9.4"}


def test_a_list_is_read_by_its_order(tmp_path):
    norm = [weights(4, seed=seed) for seed in range(4)]
    arrays = [W1, B1, weights(4, 1, 3, 3), *norm, np.array(7), W2, weights(2, 6)]
    network = opened(tmp_path, zip_of([tensor(np.asarray(array)) for array in arrays]))
    kinds = [type(layer.operations[0]) for layer in network.layers]
    assert kinds == [Convolution, Convolution, Normalisation, Untold, Convolution, Dense]
    first, second = network.conv_layers[:2]
    assert np.array_equal(first.b, B1)
    assert (second.b, second.convolution.groups) == (None, 4)
    assert network.layers[2].operations[0].gamma.value.tolist() == norm[0].tolist()
    assert network.origin.order == "the order of the list"
    pictures = [tensor(np.zeros((9, 28, 28), "u1")), tensor(np.zeros(9, "i8"))]
    assert opened(tmp_path, zip_of(pictures)).conv_layers == ()
    assert any("is taken for their bias" in each for each in network.origin.inferred)


def test_a_tensor_alone_is_drawn(tmp_path):
    network = opened(tmp_path, zip_of(tensor(W1)))
    assert same(network, W1)
    assert network.origin.kind == "a tensor of PyTorch's"


def test_axes_are_taken_from_a_person_and_convolutions_are_not(tmp_path):
    data = zip_of(state())
    assert opened(tmp_path, data, axes={"conv2": "iohw"}).conv_layers[1].axes == "iorc"
    assert "leave out --convs" in refused(tmp_path, data, SelectionError, convs=("0",))


# Weights that are computed


def test_weight_normalisation_is_carried_out(tmp_path):
    g, v = weights(4, 1, 1, 1, seed=3), W1
    whole = g * v / np.sqrt((v.astype("f8") ** 2).sum(axis=(1, 2, 3), keepdims=True))
    for g_name, v_name in (
        ("a.weight_g", "a.weight_v"),
        ("a.parametrizations.weight.original0", "a.parametrizations.weight.original1"),
    ):
        network = opened(tmp_path, zip_of({"a.bias": tensor(B1), g_name: tensor(g), v_name: tensor(v)}))
        (layer,) = network.conv_layers
        assert np.allclose(layer.W, whole, rtol=1e-6)
        assert layer.W.dtype == np.float32
        assert layer.n_parameters == 4 + g.size + v.size
        assert [p.name for p in layer.parameters][1:] == [g_name[2:], v_name[2:]]
        assert np.array_equal(layer.parameters[2].value, v)
        assert any("of a are computed from what is stored: weight norm" in s for s in network.origin.inferred)


def test_spectral_normalisation_is_carried_out(tmp_path):
    matrix = W1.reshape(4, -1).astype("f8")
    left, sigmas, right = np.linalg.svd(matrix, full_matrices=False)
    u, v = left[:, 0].astype("f4"), right[0].astype("f4")
    for made in (
        {"a.weight_orig": W1, "a.weight_u": u, "a.weight_v": v},
        {"a.weight_orig": W1, "a.weight_u": u},
        {"a.parametrizations.weight.original": W1, "a.parametrizations.weight.0._u": u,
         "a.parametrizations.weight.0._v": v},
    ):  # fmt: skip
        network = opened(tmp_path, zip_of(state(made)))
        assert np.allclose(network.conv_layers[0].W, W1 / sigmas[0], rtol=1e-5)


def test_a_transposed_convolutions_spectral_norm_is_that_of_its_filters(tmp_path):
    matrix = W1.transpose(1, 0, 2, 3).reshape(3, -1).astype("f8")
    left, sigmas, right = np.linalg.svd(matrix, full_matrices=False)
    made = {
        "up.weight_orig": W1,
        "up.weight_u": left[:, 0].astype("f4"),
        "up.weight_v": right[0].astype("f4"),
    }
    assert np.allclose(opened(tmp_path, zip_of(state(made))).conv_layers[0].W, W1 / sigmas[0], rtol=1e-5)


def test_pruned_weights_are_zero(tmp_path):
    mask = (W1 > 0).astype("f4")
    network = opened(tmp_path, zip_of(state({"a.weight_orig": W1, "a.weight_mask": mask})))
    assert same(network, W1 * mask)


def test_what_a_parametrisation_does_is_not_guessed(tmp_path):
    made = {"a.parametrizations.weight.original": W1, "a.parametrizations.weight.0.base": weights(4, 4)}
    network = opened(tmp_path, zip_of(state(made)))
    assert np.array_equal(network.conv_layers[0].W, W1)
    assert any("a parametrisation that the file does not tell" in each for each in network.origin.inferred)


def test_parts_that_do_not_fit_are_what_their_names_say_and_no_more(tmp_path):
    made = {"a.weight_g": weights(5, 1, 1, 1), "a.weight_v": W1}
    network = opened(tmp_path, zip_of(state(made)))
    assert network.conv_layers == ()
    assert [p.name for p in network.layers[0].parameters] == ["weight_g", "weight_v"]


# Whole modules


def relu() -> Thing:
    return module("torch.nn.modules.activation.ReLU", inplace=True)


def sequential(*parts: Thing, cls: str = "torch.nn.modules.container.Sequential") -> Thing:
    return module(cls, parts={str(place): part for place, part in enumerate(parts)})


def pool(**facts: Any) -> Thing:
    told = {"kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1, "ceil_mode": False} | facts
    return module("torch.nn.modules.pooling.MaxPool2d", **told)


def norm(n: int) -> Thing:
    vectors = [weights(n, seed=seed) ** 2 for seed in range(4)]
    return module(
        "torch.nn.modules.batchnorm.BatchNorm2d",
        {"weight": vectors[0], "bias": vectors[1]},
        buffers={"running_mean": vectors[2], "running_var": vectors[3], "num_batches_tracked": np.array(3)},
        eps=0.001,
    )


@pytest.mark.parametrize("written", [zip_of, stream_of])
def test_the_order_of_a_sequential_is_the_graph(tmp_path, written):
    net = sequential(
        conv(W1, B1, stride=(2, 2), padding=(2, 1)),
        relu(),
        pool(),
        sequential(conv(W2, groups=1, dilation=(2, 2)), norm(6)),
        module("torch.nn.modules.flatten.Flatten", start_dim=1, end_dim=-1),
        module("torch.nn.modules.linear.Linear", {"weight": weights(10, 54), "bias": weights(10)}),
    )  # fmt: skip
    network = opened(tmp_path, written(net))
    kinds = [type(layer.operations[0]) for layer in network.layers]
    assert kinds == [Input, Convolution, Activation, Pooling, Convolution, Normalisation, Flatten, Dense]
    assert [layer.inputs for layer in network.layers] == [(), (0,), (1,), (2,), (3,), (4,), (5,), (6,)]
    first, second = network.conv_layers
    assert (first.convolution.stride, first.convolution.pad) == ((2, 2), ((2, 2), (1, 1)))
    assert (second.label, second.convolution.dilation) == ("3.0", (2, 2))
    assert network.layers[0].output_shape == (None, 3, None, None)
    assert network.layers[5].operations[0].epsilon == 0.001
    assert [field and field.size for field in receptive_fields(network)][:5] == [
        (1, 1), (5, 5), (5, 5), (7, 7), (23, 23)
    ]  # fmt: skip
    assert network.origin.order == "the order of the nn.Sequential"
    assert network.origin.inferred == ()


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("facts", "kind", "dilation"),
    [
        ({"dilation": 1}, Pooling, ()),
        ({"dilation": 3}, Pooling, (3, 3)),
        ({"dilation": (1, 2)}, Pooling, (1, 2)),
        ({"dilation": 0}, Untold, None),
        ({"divisor_override": 3}, Untold, None),
    ],
)
def test_a_pooling_over_windows_with_gaps(tmp_path, facts, kind, dilation):
    found = opened(tmp_path, zip_of(sequential(conv(W1), pool(**facts)))).layers[2].operations[0]
    assert type(found) is kind
    assert getattr(found, "dilation", None) == dilation


def test_what_feeds_the_parts_of_another_module_is_not_known(tmp_path):
    net = module(
        "mine.Net",
        parts={"conv1": conv(W1), "body": sequential(conv(W2, padding="same"), relu()), "act": relu()},
    )
    network = opened(tmp_path, zip_of(net))
    assert [layer.name for layer in network.layers] == [None, "conv1", "body.0", "body.1", "act"]
    assert [layer.inputs for layer in network.layers] == [(), (0,), (), (2,), ()]
    second = network.conv_layers[1]
    assert second.operations[0].of_input
    assert second.convolution.pad == ((1, 1), (1, 1))
    assert [field and field.size for field in receptive_fields(network)] == [(1, 1), (5, 5), None, None, None]
    assert network.origin.kind == "a PyTorch Net"
    assert any("only the parts of an nn.Sequential" in each for each in network.origin.inferred)
    assert "leave out --convs and --axes" in refused(tmp_path, zip_of(net), SelectionError, axes={"": "oihw"})


def test_what_a_module_has_beside_its_parts_does_not_stand_before_them(tmp_path):
    net = module("mine.Net", {"cls": weights(1, 1, 8)}, {"conv1": conv(W1), "conv2": conv(W2)})
    network = opened(tmp_path, zip_of(net))
    assert [layer.type for layer in network.layers] == ["Net", "input", "Conv2d", "Conv2d"]
    assert [layer.inputs for layer in network.layers] == [(), (), (1,), ()]


def test_a_modules_layers_may_be_assumed_to_be_stacked(tmp_path):
    net = opened(tmp_path, zip_of(module("mine.Net", parts={"a": conv(W1), "b": conv(W2)})))
    found = compose(assume_stacked(net), assume_stacked(net).conv_layers[1])
    assert found.templates.shape == (6, 3, 7, 7)


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("facts", "weight", "axes", "groups", "pad"),
    [
        ({"transposed": True, "groups": 1}, (4, 6, 3, 3), "iorc", 1, ((0, 0), (0, 0))),
        (
            {"transposed": True, "padding": (1, 1), "output_padding": (1, 0)},
            (4, 6, 3, 3),
            "iorc",
            1,
            ((1, 0), (1, 1)),
        ),
        ({"transposed": True, "output_padding": (1, 1)}, (4, 6, 3, 3), "iorc", 1, None),
        ({"transposed": True, "groups": 4}, (4, 1, 3, 3), "oirc", 4, ((0, 0), (0, 0))),
        ({"transposed": True}, (4, 1, 3, 3), "iorc", 1, ((0, 0), (0, 0))),
        ({"groups": 4}, (8, 1, 3, 3), "oirc", 4, ((0, 0), (0, 0))),
        ({"padding": "valid"}, (8, 1, 3, 3), "oirc", 1, ((0, 0), (0, 0))),
        ({"padding": "same", "dilation": (1, 2)}, (8, 1, 4, 3), "oirc", 1, ((1, 2), (2, 2))),
    ],
)
def test_a_convolution_is_as_its_attributes_say(tmp_path, facts, weight, axes, groups, pad):
    found = opened(tmp_path, zip_of(conv(weights(*weight), **facts))).conv_layers[0].convolution
    assert (found.axes, found.groups, found.pad) == (axes, groups, pad)
    assert found.transposed == facts.get("transposed", False)


def test_a_convolution_of_a_users_class_may_pad_in_a_way_of_its_own(tmp_path):
    theirs = module(
        "timm.layers.Conv2dSame",
        {"weight": W1},
        stride=(2, 2),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
        transposed=False,
    )
    found = opened(tmp_path, zip_of(theirs)).conv_layers[0]
    assert (found.type, found.convolution.stride, found.convolution.pad) == ("Conv2dSame", (2, 2), None)


def test_a_users_convolution_may_tell_less_and_is_one_by_its_name(tmp_path):
    theirs = module("stylegan.EqualConv2d", {"weight": W1}, stride=1, padding=2)
    (found,) = opened(tmp_path, zip_of(theirs)).conv_layers
    assert (found.convolution.stride, found.convolution.pad, found.convolution.groups) == ((1, 1), None, None)
    volume = module("stylegan.ModulatedConv2d", {"weight": W1[None]}, padding=2)
    assert opened(tmp_path, zip_of(volume)).conv_layers == ()


def test_padding_by_a_rule_keeps_the_shapes_and_is_told(tmp_path):
    network = opened(tmp_path, zip_of(sequential(conv(W1, padding=(2, 2), padding_mode="reflect"), relu())))
    layer = network.conv_layers[0]
    assert isinstance(layer.operations[0], Untold)
    assert layer.operations[0].keeps_places
    assert layer.convolution.pad == ((2, 2), (2, 2))


def test_a_class_that_nobody_knows_is_walked_and_named(tmp_path):
    net = module(
        "models.yolo.Model", parts={"model": sequential(conv(W1), module("models.common.Concat", d=1))}
    )
    network = opened(tmp_path, zip_of({"model": net, "ema": None, "optimizer": None}))
    assert [layer.type for layer in network.layers] == ["input", "Conv2d", "Concat"]
    assert network.layers[2].operations[-1].reason == "nothing is known of its class Concat"


def test_parts_that_say_where_they_take_their_input_from_are_no_chain(tmp_path):
    parts = sequential(conv(W1), relu())
    for part in parts.state["_modules"].values():
        part.state["f"] = -1
    assert opened(tmp_path, zip_of(parts)).layers[2].inputs == ()


def test_a_quantised_convolution_keeps_its_attributes_as_a_tuple(tmp_path):
    numbers = np.arange(36, dtype=np.int8).reshape(4, 1, 3, 3)
    weight = quantised(numbers, Named("torch.per_tensor_affine"), 0.5, 0)
    facts = (1, 4, (3, 3), (2, 2), (1, 1), (1, 1), False, (0, 0), 1, "zeros")
    layer = Thing("torch.ao.nn.quantized.modules.conv.Conv2d")
    layer.state = (*facts, weight, tensor(B1), 0.1, 3, False)  # type: ignore[assignment]
    (found,) = opened(tmp_path, zip_of(sequential(layer))).conv_layers
    assert np.array_equal(found.W, numbers * 0.5)
    assert (found.convolution.stride, found.convolution.pad) == ((2, 2), ((1, 1), (1, 1)))


def test_a_part_that_is_no_module_is_named(tmp_path):
    net = module("mine.Net", parts={"a": conv(W1), "b": Thing("mine.Packed", weight=3)})
    network = opened(tmp_path, zip_of(net))
    assert network.origin.notes == ("what could not be read: b, a mine.Packed",)


def test_wrappers_around_a_module_are_seen_through(tmp_path):
    inner = sequential(conv(W1), relu())
    for cls in (
        "torch.nn.parallel.data_parallel.DataParallel", "torch._dynamo.eval_frame.OptimizedModule"
    ):  # fmt: skip
        network = opened(tmp_path, zip_of(module(cls, parts={"module": inner})))
        assert names(network) == ["layer0"]
        assert network.layers[2].inputs == (1,)
        assert network.origin.kind == "a PyTorch Sequential"
    compiled = Thing("torch._dynamo.eval_frame.OptimizedModule", inner)
    assert names(opened(tmp_path, zip_of(compiled))) == ["layer0"]


def test_one_part_in_two_places_is_tied(tmp_path):
    shared = conv(weights(3, 3, 3, 3))
    network = opened(tmp_path, zip_of(sequential(shared, relu(), shared)))
    assert names(network) == ["layer0", "layer2"]
    assert any("they are tied" in note for note in network.origin.notes)
    block = sequential(conv(W1))
    twice = opened(tmp_path, zip_of(module("mine.Net", parts={"a": block, "b": block})))
    assert "b is a once more" in twice.origin.notes


def test_modules_within_themselves_come_to_an_end(tmp_path):
    net = sequential(conv(W1))
    net.state["_modules"]["1"] = net
    found = opened(tmp_path, zip_of(net))
    assert names(found) == ["layer0"]
    assert [one for one in found.origin.notes if "once more" in one] == [
        "1 is the module itself once more"
    ] or [one for one in found.origin.inferred if "1 is the module itself once more" in one]
    deep = relu()
    for _ in range(60):
        deep = sequential(deep)
    assert "deep in one another" in refused(tmp_path, zip_of(deep))


def test_a_layer_with_weight_normalisation_in_a_module_has_its_effective_weights(tmp_path):
    g = weights(4, 1, 1, 1, seed=3)
    layer = conv(W1)
    own = layer.state["_parameters"]
    own["weight_g"], own["weight_v"] = tensor(g), own.pop("weight")
    found = opened(tmp_path, zip_of(sequential(layer))).conv_layers[0]
    assert np.allclose(np.linalg.norm(found.W.reshape(4, -1), axis=1), np.abs(g.ravel()))


def test_a_class_whose_source_lies_beside_it_is_that_class(tmp_path):
    network = load(Path(__file__).parents[1] / "fixtures" / "modern" / "whole_legacy.pt")
    assert network.origin.kind == "a PyTorch SmallNet"
    assert "import" not in " ".join(network.origin.classes)


# Several files


def index(tmp_path: Path, weight_map: dict[str, str]) -> Path:
    (tmp_path / "a.bin").write_bytes(zip_of(state()))
    (tmp_path / "b.bin").write_bytes(stream_of(state({"conv3.weight": weights(2, 6, 3, 3)})))
    path = tmp_path / "pytorch_model.bin.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return path


@pytest.mark.parametrize("which", ["a", "b"])
def test_what_is_said_of_tensors_is_said_of_those_in_every_file_of_an_index(tmp_path, which):
    path = index(tmp_path, {"conv1.weight": "a.bin", "q.weight": f"{which}.bin", "conv3.weight": "b.bin"})
    whole = quantised(np.ones((2, 1, 3, 3), np.int8), Named("torch.per_tensor_affine"), 0.5, 2)
    more = {
        "q.weight": whole,
        "conv1.weight": tensor(weights(2, 1, 3, 3)),
        "conv3.weight": tensor(weights(2, 6, 3, 3)),
    }
    (tmp_path / f"{which}.bin").write_bytes(zip_of(more))
    assert "quantised weights are shown as the numbers" in " ".join(load(path).origin.inferred)


def test_the_files_of_an_index_are_one_network(tmp_path):
    whole = {"conv1.weight": "a.bin", "conv1.bias": "a.bin", "conv2.weight": "a.bin", "conv3.weight": "b.bin"}
    path = index(tmp_path, whole)
    network = load(path)
    assert names(network) == ["conv1", "conv2", "conv3"]
    assert network.origin.order == "the order of the index"
    assert names(load(tmp_path)) == names(network)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("weight_map", "sentence"),
    [
        ({"conv9.weight": "a.bin"}, "which has no such tensor"),
        ({"conv1.weight": "../a.bin"}, "no plain file name"),
        ({"conv1.weight": "missing.bin"}, "there is no such file"),
        ({"conv1.weight": "pytorch_model.index.bin"}, "there is no such file"),
    ],
)
def test_an_index_that_names_what_is_not_there_is_refused(tmp_path, weight_map, sentence):
    with pytest.raises(ReadError, match=sentence):
        load(index(tmp_path, weight_map))


# Files that PyTorch wrote


TRUTHS = {
    "sd_zip.pth": "sd_zip.pth", "sd_legacy.pth": "sd_zip.pth", "plain_pickle_sd.pkl": "sd_zip.pth",
    "whole_legacy.pt": "sd_zip.pth", "whole_sequential.pt": "whole_sequential.pt", "list.pt": "list.pt",
    "sharded_bin/pytorch_model.bin.index.json": "sd_zip.pth",
}  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", TRUTHS)
def test_files_of_pytorch_give_their_truth(fixtures, name):
    with np.load(fixtures / "modern" / f"{TRUTHS[name]}.truth.npz") as truth:
        assert same(load(fixtures / "modern" / name), *(truth[key] for key in truth.files))


def test_float8_of_pytorchs_own_is_float8(fixtures):
    network = load(fixtures / "modern" / "sd_fp8e4m3.pth")
    with np.load(fixtures / "modern" / "sd_fp8e4m3.pth.truth.npz") as truth:
        for layer, key in zip(network.conv_layers, truth.files, strict=True):
            assert layer.W.dtype.name == "float8_e4m3fn"
            assert np.array_equal(layer.W.view(np.uint8), truth[key])


def test_reparametrised_layers_of_pytorchs_own_keep_what_is_stored(fixtures):
    network = load(fixtures / "modern" / "sd_reparametrised.pth")
    assert names(network) == ["wn", "pwn", "sn"]
    with np.load(fixtures / "modern" / "sd_reparametrised.pth.truth.npz") as truth:
        for layer, key in zip(network.conv_layers, truth.files, strict=True):
            kept = next(p for p in layer.parameters if key.endswith(p.name))
            assert np.array_equal(kept.value, truth[key])
            assert not np.array_equal(layer.W, truth[key])


def test_a_checkpoint_of_pytorchs_own_has_two_sets(fixtures):
    path = fixtures / "modern" / "ckpt_model_ema.pt"
    with np.load(f"{path}.truth.npz") as truth:
        arrays = [truth[key] for key in truth.files]
    assert same(load(path), *arrays[:6])
    assert same(load(path, hints=Hints(weights="ema")), *arrays[6:])


def test_limits_hold_for_arrays(tmp_path):
    path = tmp_path / "m.pth"
    path.write_bytes(zip_of({f"l{n}.weight": tensor(np.ones(1, "f4")) for n in range(40)}))
    with pytest.raises(LimitError, match="it holds 40 arrays"):
        load(path, limits=Limits(layers=30))


def test_losses_that_a_checkpoint_keeps_are_its_history(tmp_path):
    kept = {"model": state(), "history": {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6]}, "losses": 3.0}
    network = opened(tmp_path, zip_of(kept))
    assert network.history == (
        {"train_loss": 0.9, "valid_loss": 0.8},
        {"train_loss": 0.5, "valid_loss": 0.6},
    )
    assert opened(tmp_path, zip_of({"model": state(), "accuracy": [0.1, 0.2]})).history == ()


@pytest.mark.parametrize("gain", [np.array(2.0), np.array([[[2.0]]] * 3).reshape(3, 1, 1, 1)])
def test_one_gain_is_for_all_weights_and_several_for_a_filter_each(gain):
    direction = np.arange(1, 13, dtype=float).reshape(3, 1, 2, 2)
    found = torch_norms.weight_norm(gain, direction)
    norms = np.sqrt((found**2).sum()) if not gain.ndim else np.sqrt((found**2).sum(axis=(1, 2, 3)))
    assert np.allclose(norms, 2)
    assert np.allclose(found / direction, (found / direction)[..., :1, :1])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("gain", "direction", "fits"),
    [
        ((), (3, 1, 2, 2), True), ((3, 1, 1, 1), (3, 1, 2, 2), True), ((1, 1, 2, 1), (3, 1, 2, 2), True),
        ((3,), (3, 1, 2, 2), False), ((2, 1, 1, 1), (3, 1, 2, 2), False), ((3, 1, 1, 3), (3, 1, 2, 2), False),
    ],
)  # fmt: skip
def test_gains_fit_axis_by_axis(gain, direction, fits):
    assert torch_norms.gain_fits([gain, direction]) is fits


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("told", "epoch"),
    [
        ({"epoch": 3}, 3),
        ({"epoch": 0}, 0),
        ({"epoch": -1}, None),
        ({"epoch": 10**9}, None),
        ({"epoch": 10**9 - 1}, 10**9 - 1),
        ({"epoch": True}, None),
        ({"epoch": 0, "n_epochs": 7}, 0),
        ({"epoch": 3, "last_epoch": 4}, 3),
        ({"epochal": 3}, None),
        ({"trainer": {"epoch": 5}}, 5),
        ({"a": {"b": {"epoch": 5}}}, None),
    ],
)
def test_an_epoch_is_a_number_from_zero_on_under_a_name_of_its_own(tmp_path, told, epoch):
    assert opened(tmp_path, zip_of({**told, "state_dict": state()})).origin.epoch == epoch


def test_columns_of_a_sparse_matrix_are_read_as_its_rows_are(tmp_path):
    columns = sparse(
        "sparse_csc",
        tensor(np.array([0, 1, 1, 3])),
        tensor(np.array([1, 0, 1])),
        tensor(np.array([1.0, 2.0, 3.0])),
        Thing("torch.Size", (2, 3)),
    )
    network = opened(tmp_path, zip_of({"a.weight": tensor(W1), "fc.weight": columns}))
    assert network.layers[1].parameters[0].value.tolist() == [[0, 0, 2], [1, 0, 3]]


@pytest.mark.slow
@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (sparse("strided", tensor(W1)), "is sparse in the layout strided"),
        (sparse("sparse_coo", 1, tensor(W1), Thing("torch.Size", (1,))), "has no indices or no values"),
        (sparse("sparse_coo", tensor(np.zeros((2, 1), int)), tensor(weights(1)), None), "has no size"),
        (sparse("sparse_csr", *map(tensor, (np.zeros(2, int), np.zeros(1, int), weights(1))),
                Thing("torch.Size", (2, 3))), "indices that do not fit its shape"),
        (sparse("sparse_csr", *map(tensor, (np.zeros(3, int), np.zeros(1, int), weights(1))),
                Thing("torch.Size", (2, 3, 1))), "is sparse, and has other than two axes"),
        (Thing("torch._utils._rebuild_tensor_v2"), "has no storage, no size or no strides"),
        (Thing("torch._utils._rebuild_tensor_v3", 1), "has no type"),
        (Thing("torch._utils._rebuild_qtensor", 1), "does not tell its scale"),
        (quantised(np.zeros((2, 2), np.int8), Named("torch.per_tensor_affine"), "x", 0),
         "does not tell its scale"),
        (quantised(np.zeros((2, 2), np.int8), Named("torch.per_row"), 1.0, 0), "is quantised by per_row"),
        (quantised(np.zeros((2, 2), np.int8), Named("torch.per_channel_affine"), [1.0], [0], 0),
         "has scales that do not fit its shape"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_tensor_is_one_sentence(tmp_path, made, sentence):
    told = []
    try:
        told += opened(tmp_path, zip_of({"a.weight": tensor(W1), "b.weight": made})).origin.left_out
    except MalformedFileError as error:
        told.append(str(error))
    assert sentence in " ".join(told)


def test_vectors_that_are_one_tensor_are_tied_too(tmp_path):
    held = Stored(weights(4))
    state = {"a.weight": tensor(W1), "a.bias": tensor(held, (4,)), "b.bias": tensor(held, (4,))}
    notes = opened(tmp_path, zip_of(state)).origin.notes
    assert any("b.bias and a.bias are one tensor" in note for note in notes)


def test_the_empty_tensors_of_zero_3_are_named(tmp_path):
    held = {"module": {"conv.weight": tensor(np.zeros((0,), "f4"))}, "ds_version": "0.14.0"}
    (tmp_path / "zero_pp_rank_0_mp_rank_00_model_states.pt").write_bytes(zip_of(held))
    (tmp_path / "zero_pp_rank_0_mp_rank_00_optim_states.pt").write_bytes(b"moments")
    with pytest.raises(UnsupportedFileError, match=r"all empty, as each process of DeepSpeed's ZeRO-3"):
        load(tmp_path)


def test_of_a_tar_a_part_of_a_storage_is_counted_in_its_numbers(tmp_path, monkeypatch):
    """A storage may be a part of another: where it begins and how many numbers it has."""
    plain, whole = torch_making.pickle.dumps, W1.size
    views = [(1001, 1000, whole - B1.size, B1.size)]

    def dumps_(value: Any, protocol: int) -> bytes:
        return plain(views if value == [] else value, protocol)

    monkeypatch.setattr(torch_making.pickle, "dumps", dumps_)
    arrays = {"conv1.weight": W1, "conv1.bias": B1}
    network = opened(tmp_path, tar_of(arrays))
    assert np.array_equal(network.conv_layers[0].b, W1.ravel()[-B1.size :])


def test_weights_of_few_bits_in_a_list_are_weights(tmp_path):
    few = tensor(Stored(W1.view("u2")[..., ::2].copy(), "torch.BFloat16Storage"), W1.shape)
    network = opened(tmp_path, zip_of([few, tensor(B1)]))
    assert [[p.name for p in layer.parameters] for layer in network.layers] == [["weight", "bias"]]
    pictures = opened(tmp_path, zip_of([tensor(np.zeros((5, 1, 4, 4), np.uint8)), tensor(W1)]))
    assert [layer.parameters[0].name for layer in pictures.layers] == ["value", "weight"]


def test_vectors_behind_weights_are_theirs_while_they_have_one_length(tmp_path):
    kernel, bias, other = weights(4, 3, 3, 3), weights(4), weights(3)
    network = opened(tmp_path, zip_of([tensor(one) for one in (kernel, bias, other)]))
    (layer,) = network.conv_layers
    assert np.array_equal(layer.b, bias)
    assert len(network.layers) > 1


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("flags", "sign"), [({}, 1), ({"neg": False}, 1), ({"neg": True}, -1), ({"conj": True}, 1), (None, 1)]
)
def test_a_tensor_is_negated_only_where_its_flag_says_so(flags, sign):
    values = np.arange(3, dtype="f4")
    array = stored((3,), np.dtype("f4"), False, 12, values.tobytes)
    held = flags if flags is None else Items([part for pair in flags.items() for part in pair])
    found = Rebuilder._flagged(None, array, held)  # type: ignore[arg-type]
    assert found.read().tolist() == (sign * values).tolist()


@pytest.mark.parametrize("n", [1, 2])
def test_how_a_list_was_read_is_said_where_there_is_more_than_one(tmp_path, n):
    held = [tensor(weights(4, 3, 3, 3)), tensor(weights(4))][:n]
    said = opened(tmp_path, zip_of(held)).origin.inferred
    assert any("a vector behind weights is taken for their bias" in one for one in said) == (n > 1)


def test_an_empty_tensor_needs_no_storage_in_the_zip(tmp_path):
    data = zip_of({"a.weight": tensor(weights(4, 3, 3, 3)), "a.none": tensor(np.zeros((0, 3), np.float32))})
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as new:
        for name, held in members.items():
            if held:
                new.writestr(name, held)
    network = opened(tmp_path, made.getvalue())
    assert [one.shape for layer in network.layers for one in layer.parameters] == [(4, 3, 3, 3), (0, 3)]


@pytest.mark.parametrize("axis", range(4))
def test_scales_of_a_quantised_tensor_lie_along_the_axis_that_is_told(tmp_path, axis):
    whole = np.arange(-8, 8, dtype=np.int8).reshape(2, 2, 2, 2)
    scales, zeros = np.array([0.5, 2.0]), np.array([0, 3])
    held = quantised(whole, Named("torch.per_channel_affine"), tensor(scales), tensor(zeros), axis)
    (layer,) = opened(tmp_path, zip_of({"a.weight": held})).conv_layers
    along = [-1 if place == axis else 1 for place in range(4)]
    assert np.array_equal(layer.W, (whole - zeros.reshape(along)) * scales.reshape(along))


@pytest.mark.parametrize("word", ["big", "big\n", " big "])
def test_the_order_of_bytes_is_a_word_with_any_blanks_around_it(tmp_path, word):
    held = {"a.weight": tensor(Stored(W1.astype(">f4"), "torch.FloatStorage"), W1.shape)}
    assert np.array_equal(opened(tmp_path, zip_of(held, byteorder=word)).conv_layers[0].W, W1)


def test_a_storage_that_was_deflated_is_inflated_once_however_often_it_is_read():
    opens: list[int] = []
    for deflated, times in ((True, 1), (False, 3)):
        del opens[:]
        member = SimpleNamespace(most_bytes=8, deflated=deflated, open=lambda: opens.append(1) or bytes(8))
        memory = zipped._ZipMemory({"data/0": member}, "data/", big_endian=False)  # type: ignore[dict-item]
        storage = memory._find(SimpleNamespace(nbytes=8, key="0", kind="FloatStorage"))  # type: ignore[arg-type]
        for _ in range(3):
            assert bytes(storage.read()) == bytes(8)
        assert len(opens) == times


class Watched(list):
    """A list that takes note of how long the pieces are that are cut out of it."""

    longest = 0

    def __getitem__(self, place):
        found = super().__getitem__(place)
        if isinstance(place, slice):
            Watched.longest = max(Watched.longest, len(found))
        return found


def test_the_order_of_very_many_tensors_is_told_by_the_few_behind_each():
    one = stored((2, 1, 3, 3), np.dtype("f4"), False, 72, bytes)
    many = Watched(Tensor(name=f"{i}", array=one) for i in range(100))
    assert [each.name for each in named_by_order(many)] == [f"{i}.weight" for i in range(100)]
    assert Watched.longest < 10


def test_an_order_is_concluded_of_names_that_say_nothing_where_there_are_kernels(tmp_path) -> None:
    path = tmp_path / "a.pth"
    matrix, kernels = tensor(np.ones((4, 3), "f4")), tensor(np.ones((4, 3, 2, 2), "f4"))
    path.write_bytes(zip_of({"a": matrix, "k": kernels}))
    assert load(path).origin.order == "the order of the dictionary"
    path.write_bytes(zip_of({"a": matrix, "b": tensor(np.ones(4, "f4"))}))
    assert load(path).origin.order == "the order of registration in the state_dict"


def test_what_a_module_keeps_counts_before_what_it_was_made_of() -> None:
    made_of, kept = (
        Items(["_modules", Items([]), "_parameters", Items([name, 1])]) for name in ("made of", "kept")
    )
    module = Record(Global("torch.fx.graph_module", "GraphModule"), (made_of,))
    assert module_state(module)["_parameters"].by_name() == {"made of": 1}
    module.build(kept)
    assert module_state(module)["_parameters"].by_name() == {"kept": 1}
