"""PyTorch and safetensors: every way of saving, read back and held to the last bit."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import Hints, Network, load
from filtviz.live import network_of
from filtviz.operations import Convolution

from .comparing import array_of, assert_holds, bits

torch = pytest.importorskip("torch", reason="PyTorch is not installed (the extra frameworks)")
nn = torch.nn

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the frameworks warn of each other


class Small(nn.Module):
    """Convolutions of each kind, registered in an order that is not the alphabet's."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, stride=2, padding=3)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, (3, 5), groups=8, padding="same", bias=False)
        self.block = nn.Sequential(nn.Conv2d(8, 6, 1), nn.ReLU(), nn.Conv2d(6, 4, 3, dilation=2))
        self.back = nn.ConvTranspose2d(4, 6, 4, stride=2)
        self.line = nn.Conv1d(2, 3, 5)
        self.a_last = nn.Conv2d(6, 2, 3)
        self.head = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.depthwise(self.norm(self.stem(x)))
        return self.head(self.a_last(self.back(self.block(x))).mean((2, 3)))


CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    return Small().eval()


def kernels(model: Any) -> dict[str, Any]:
    """Return what each convolution of a module holds."""
    return {
        name: bits(array_of(part.weight)) for name, part in model.named_modules() if isinstance(part, CONVS)
    }


# Forms


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict_is_what_the_module_holds(tmp_path, model, zipped, protocol) -> None:
    path = tmp_path / "model.pth"
    torch.save(model.state_dict(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    assert_holds(path, kernels(model))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
def test_a_whole_module_tells_its_geometry(tmp_path, model, zipped) -> None:
    path = tmp_path / "model.pt"
    torch.save(model, path, _use_new_zipfile_serialization=zipped)
    assert_has_geometry(assert_holds(path, kernels(model)), model)


def assert_has_geometry(network: Network, model: Any) -> None:
    for layer in network.conv_layers:
        part, operation = model.get_submodule(layer.name), layer.convolution
        assert isinstance(operation, Convolution)
        assert (operation.stride, operation.groups) == (part.stride, part.groups)
        assert operation.transposed == isinstance(part, nn.ConvTranspose2d)
        assert (operation.dilation or (1,) * len(part.dilation)) == part.dilation
        assert np.array_equal(layer.b, array_of(part.bias)) if part.bias is not None else layer.b is None


@pytest.mark.parametrize("key", ["state_dict", "model", "net", "weights_of_mine"])
def test_a_checkpoint_is_its_weights_and_not_the_moments_of_its_optimiser(tmp_path, model, key) -> None:
    optimizer = torch.optim.Adam(model.parameters())
    sum((parameter**2).sum() for parameter in model.parameters()).backward()
    optimizer.step()
    path = tmp_path / "checkpoint.tar"
    torch.save({"epoch": 3, key: model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    network = assert_holds(path, kernels(model))
    assert any("optimizer" in each for each in network.origin.left_out)


def test_an_average_over_training_is_left_out_and_can_be_chosen(tmp_path, model) -> None:
    average = torch.optim.swa_utils.AveragedModel(model)
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.mul_(0.5)
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": model.state_dict(), "ema": average.module.state_dict()}, path)
    assert_holds(path, kernels(model))
    chosen = load(path, hints=Hints(weights="ema")).conv_layers
    assert {layer.name: bits(layer.W) for layer in chosen} == kernels(average.module)


@pytest.mark.parametrize(
    "wrap",
    [nn.DataParallel, lambda model: torch.compile(model, backend="eager")],
    ids=["DataParallel", "compile"],
)
def test_what_a_wrapper_puts_before_the_names_is_left_out(tmp_path, model, wrap) -> None:
    path = tmp_path / "wrapped.pth"
    state = wrap(model).state_dict()
    assert all(name.startswith(("module.", "_orig_mod.")) for name in state)
    torch.save(state, path)
    assert_holds(path, kernels(model))


TYPES = [
    "float16",
    "bfloat16",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
@pytest.mark.parametrize("name", TYPES)
def test_numbers_of_every_type_are_themselves(tmp_path, model, name, zipped) -> None:
    state = OrderedDict((key, value.to(getattr(torch, name))) for key, value in model.state_dict().items())
    path = tmp_path / "model.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    assert_holds(path, {layer: bits(array_of(state[f"{layer}.weight"])) for layer in kernels(model)})


VIEWS: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda made: made.transpose(0, 1),
    "channels last": lambda made: made.to(memory_format=torch.channels_last),
    "a part of a larger one": lambda made: made[2:5, 1:],
    "every second": lambda made: made[::2],
    "expanded": lambda made: made[:, :1].expand(-1, 4, -1, -1),
    "empty storage before": lambda made: torch.cat([torch.zeros(3), made.ravel()])[3:].view(made.shape),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
@pytest.mark.parametrize("view", VIEWS)
def test_views_are_what_their_strides_say(tmp_path, view, zipped) -> None:
    made = VIEWS[view](torch.arange(8 * 6 * 3 * 3, dtype=torch.float32).reshape(8, 6, 3, 3))
    path = tmp_path / "model.pth"
    torch.save({"conv.weight": made}, path, _use_new_zipfile_serialization=zipped)
    assert_holds(path, {"conv": bits(array_of(made))})


def test_two_views_of_one_storage_are_two_layers(tmp_path) -> None:
    whole = torch.randn(10, 3, 3, 3)
    path = tmp_path / "model.pth"
    torch.save({"a.weight": whole[:4], "b.weight": whole[4:], "c.weight": whole[:4]}, path)
    assert_holds(
        path,
        {
            name: bits(array_of(part))
            for name, part in {"a": whole[:4], "b": whole[4:], "c": whole[:4]}.items()
        },
    )


@pytest.mark.parametrize("layout", ["sparse_coo", "sparse_csr"])
def test_sparse_weights_are_shown_with_their_zeros(tmp_path, layout) -> None:
    dense = torch.randn(4, 27).relu()
    made = dense.to_sparse() if layout == "sparse_coo" else dense.to_sparse_csr()
    path = tmp_path / "model.pth"
    kernel = torch.randn(4, 3, 3, 3)
    torch.save({"conv.weight": kernel, "head.weight": made}, path)
    network = assert_holds(path, {"conv": bits(array_of(kernel))})
    (head,) = [layer for layer in network.layers if layer.name == "head"]
    assert np.array_equal(head.parameters[0].value, array_of(dense))


def test_a_sparse_kernel_is_shown_with_its_zeros(tmp_path) -> None:
    dense = torch.randn(4, 3, 3, 3).relu()
    path = tmp_path / "model.pth"
    torch.save({"conv.weight": dense.to_sparse()}, path)
    assert_holds(path, {"conv": bits(array_of(dense))})


@pytest.mark.parametrize("by", ["tensor", "channel"])
def test_quantised_weights_are_the_numbers_that_they_stand_for(tmp_path, by) -> None:
    made = torch.randn(4, 3, 3, 3)
    if by == "tensor":
        quantised = torch.quantize_per_tensor(made, 0.05, 3, torch.qint8)
    else:
        scales, zeros = torch.tensor([0.02, 0.03, 0.04, 0.05]), torch.tensor([0, 1, 2, 3])
        quantised = torch.quantize_per_channel(made, scales, zeros, 0, torch.qint8)
    path = tmp_path / "model.pth"
    torch.save({"conv.weight": quantised}, path)
    (layer,) = load(path).conv_layers
    assert np.allclose(layer.W, quantised.dequantize().numpy(), rtol=1e-6, atol=0)


# Weights that are computed

PARTS: dict[str, Callable[[Any], Any]] = {
    "weight_norm of old": lambda conv: nn.utils.weight_norm(conv),
    "weight_norm": lambda conv: nn.utils.parametrizations.weight_norm(conv),
    "weight_norm of all": lambda conv: nn.utils.parametrizations.weight_norm(conv, dim=None),
    "spectral_norm of old": lambda conv: nn.utils.spectral_norm(conv),
    "spectral_norm": lambda conv: nn.utils.parametrizations.spectral_norm(conv),
    "orthogonal": lambda conv: nn.utils.parametrizations.orthogonal(conv),
    "orthogonal in a row": lambda conv: nn.utils.parametrizations.spectral_norm(
        nn.utils.parametrizations.orthogonal(conv)
    ),
    "pruned": lambda conv: nn.utils.prune.l1_unstructured(conv, "weight", amount=0.4),
}


@pytest.mark.parametrize("whole", [False, True], ids=["state_dict", "module"])
@pytest.mark.parametrize("part", PARTS)
def test_the_weights_that_a_layer_computes_are_shown(tmp_path, part, whole) -> None:
    import torch.nn.utils.prune  # which PyTorch does not import by itself

    torch.manual_seed(1)
    conv = PARTS[part](nn.Conv2d(3, 5, 3)).eval()
    if "spectral" in part:
        conv.train()(torch.zeros(1, 3, 8, 8))
        conv.eval()
    conv(torch.zeros(1, 3, 8, 8))
    model = nn.Sequential(conv)
    if whole and hasattr(conv, "parametrizations"):
        pytest.skip("PyTorch saves no whole module that has parametrisations")
    path = tmp_path / "model.pth"
    torch.save(model if whole else model.state_dict(), path)
    (layer,) = load(path).conv_layers
    assert np.allclose(layer.W, conv.weight.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("size", "way"), [((5, 2), None), ((2, 5), None), (3, None), (3, "cayley")])
def test_orthogonal_kernels_are_as_pytorch_has_them(tmp_path, size, way) -> None:
    torch.manual_seed(2)
    conv = nn.utils.parametrizations.orthogonal(nn.Conv2d(3, 5, size), orthogonal_map=way)
    with torch.no_grad():
        conv.parametrizations.weight.original += 0.3 * torch.randn(conv.weight.shape).tril(-1)
    path = tmp_path / "model.pth"
    torch.save(nn.Sequential(conv).state_dict(), path)
    truth = conv.weight.detach().numpy()
    assert np.allclose(load(path).conv_layers[0].W, truth, atol=1e-6) is (way is None)
    assert np.allclose(network_of(nn.Sequential(conv)).conv_layers[0].W, truth, atol=1e-6)


# Programs


@pytest.mark.parametrize("make", ["script", "trace"])
def test_torchscript_keeps_names_order_and_weights(tmp_path, model, make) -> None:
    path = tmp_path / "model.pt"
    del model.line  # which is never called, and a trace leaves out
    made = torch.jit.script(model) if make == "script" else torch.jit.trace(model, torch.zeros(1, 3, 32, 32))
    made.save(path)
    assert_holds(path, kernels(model))


def test_an_exported_program_has_weights_and_graph(tmp_path, model) -> None:
    path = tmp_path / "model.pt2"
    del model.line
    torch.export.save(torch.export.export(model, (torch.zeros(2, 3, 32, 32),)), path)
    network = assert_holds(path, kernels(model))
    assert_has_geometry(network, model)
    assert network.layers[0].output_shape == (2, 3, 32, 32)
    assert network.layers[-1].output_shape == (2, 1)


# In memory


def test_a_module_in_memory_is_the_same_as_its_file(model) -> None:
    network = filtviz.layers(model).network
    assert {layer.name: bits(layer.W) for layer in network.conv_layers} == kernels(model)
    assert_has_geometry(network, model)


# safetensors

TENSORS = [*TYPES, "float32"]


@pytest.mark.parametrize("name", TENSORS)
def test_safetensors_of_every_type_are_themselves(tmp_path, model, name) -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    state = {key: value.to(getattr(torch, name)) for key, value in model.state_dict().items()}
    if name in ("float8_e4m3fnuz", "float8_e5m2fnuz"):
        pytest.importorskip("safetensors", minversion="0.6", reason="this safetensors has no such type")
    path = tmp_path / "model.safetensors"
    safetensors.save_file(state, path, metadata={"format": "pt"})
    found = load(path).conv_layers
    assert {layer.name: bits(layer.W) for layer in found} == {
        layer: bits(array_of(state[f"{layer}.weight"])) for layer in kernels(model)
    }


def test_safetensors_in_several_files_are_one_network(tmp_path, model) -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    parts: list[dict[str, Any]] = [{}, {}, {}]
    weight_map = {}
    for place, (name, tensor) in enumerate(model.state_dict().items()):
        parts[place % 3][name] = tensor
        weight_map[name] = f"model-{place % 3 + 1:05}-of-00003.safetensors"
    for number, part in enumerate(parts, start=1):
        safetensors.save_file(part, tmp_path / f"model-{number:05}-of-00003.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    for path in (index, tmp_path):
        assert {layer.name: bits(layer.W) for layer in load(path).conv_layers} == kernels(model)


def test_what_was_frozen_is_told_by_marks_and_by_the_optimisers(tmp_path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(24, 2))
    model[0].requires_grad_(False)
    moving = [each for each in model.parameters() if each.requires_grad]
    groups = [{"params": [p for p in moving if p.ndim > 1]}, {"params": [p for p in moving if p.ndim == 1]}]
    optimiser = torch.optim.AdamW(groups)
    model(torch.rand(3, 1, 6, 6)).square().sum().backward()
    optimiser.step()
    for held in (model, model.state_dict()):
        torch.save({"model": held, "optimizer": optimiser.state_dict()}, tmp_path / "net.pt")
        origin = load(tmp_path / "net.pt").origin
        assert (origin.moved, origin.resting) == ({"2", "4"}, {"0"})
    torch.save(model, tmp_path / "net.pt")
    for network in (load(tmp_path / "net.pt"), network_of(model)):
        told = {each.name: each.trainable for each in network.layers if each.parameters}
        assert told == {"0": False, "2": True, "4": True}
