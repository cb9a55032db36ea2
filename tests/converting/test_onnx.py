"""ONNX: every operation gives in ONNX Runtime what it gives here, whole files too; the rest is refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import filtviz
from filtviz import converting
from filtviz.activations import Activation
from filtviz.budget import Account, Budget
from filtviz.cli import main
from filtviz.converting import verifying
from filtviz.network import Layer, Network
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from tests.converting.test_arrays import EXAMPLE, HOSTILE, READABLE, called, hostile
from tests.converting.test_verifying import with_three_inputs

WRITTEN = Path(__file__).parents[1] / "running" / "lasagne0.2-layers.npz"
with np.load(WRITTEN) as held:
    SINGLE = sorted(name.removesuffix("/truth") for name in held.files if name.endswith("/truth"))

needs_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnx") is None or importlib.util.find_spec("onnxruntime") is None,
    reason="needs the extra onnx (onnx and onnxruntime)",
)


def numbers(*shape: int, seed: int = 0, low: float = -1.0) -> Parameter:
    return Parameter.of("p", np.random.default_rng(seed).uniform(low, 1, shape).astype("float32"))


def network_of(*operations: Operation, shape: tuple[int | None, ...] = (None, 4, 7, 6)) -> Network:
    start = Layer(name="in", type="Input", output_shape=shape, operations=(Input(shape=shape),))
    return Network.of([start, Layer(name="it", inputs=(0,), operations=operations)])


def model_of(network: Network) -> bytes:
    from filtviz.converting.onnx_graph import onnx_model

    return onnx_model(network, {}, Account.unlimited())


def apart(network: Network) -> float:
    """The largest difference over the largest number, both sides in single precision."""
    noise, ours = verifying.expected(network, Budget(work=10**12), "float32")
    theirs = verifying.onnx_outputs(model_of(network), noise)
    worst = 0.0
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        worst = max(worst, float(np.abs(one - other).max()) / max(float(np.abs(one).max()), 1e-30))
    return worst


def pads(*numbers: int) -> tuple[tuple[int, int], ...]:
    return tuple((n, n) for n in numbers)


def windows() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for kind in ("max", "mean", "sum"):
        for whole in (True, False):
            for counts in (True, False):
                for size, stride, pad in ((2, 2, 0), (3, 2, 1), (3, 1, 2), (2, 3, 1), (5, 4, 0)):
                    found[f"{kind} {size}/{stride}+{pad} {'whole' * whole} {'counting' * counts}"] = Pooling(
                        kind=kind,
                        size=(size, size),
                        stride=(stride, stride),
                        pad=pads(pad, pad),
                        whole_windows=whole,
                        counts_pad=counts,
                    )
    return found


ACTIVATIONS = {
    "linear": {}, "rectify": {}, "leaky_rectify": {"alpha": 0.3}, "clipped_rectify": {"alpha": 0.4},
    "elu": {"alpha": 1.3}, "selu": {"alpha": 1.67, "scale": 1.05}, "sigmoid": {}, "hard_sigmoid": {},
    "tanh": {"scale": 1.7159, "scale_in": 2 / 3}, "softplus": {}, "softsign": {}, "exp": {}, "swish": {},
    "hard_swish": {}, "gelu": {}, "gelu_tanh": {},
}  # fmt: skip

CASES: dict[str, Operation | tuple[Operation, ...]] = {
    **windows(),
    **{
        kind: (
            Pad(pad=pads(0, 0), value=0),
            Crop(crop=pads(0, 0)),
            Merge(kind="add", coefficients=(4.0,)),
            Normalisation(beta=numbers(4), is_batch=False),
            Activation(kind=kind, **facts),
        )
        for kind, facts in ACTIVATIONS.items()
    },
    "convolution": Convolution(weights=numbers(5, 4, 3, 2), stride=(2, 1), pad=((1, 0), (0, 1))),
    "turned": Convolution(weights=numbers(5, 4, 3, 2), stride=(1, 1), pad=pads(0, 0), flip_filters=True),
    "correlated": Convolution(weights=numbers(5, 4, 3, 2), stride=(1, 1), pad=pads(0, 0), flip_filters=False),
    "keras": Convolution(weights=numbers(3, 2, 4, 5), axes="rcio", stride=(1, 1), pad=pads(1, 1)),
    "depthwise": Convolution(weights=numbers(3, 2, 4, 2), axes="rcgo", stride=(1, 1), pad=pads(1, 0)),
    "groups": Convolution(weights=numbers(6, 2, 3, 3), stride=(1, 1), pad=pads(1, 1), dilation=(2, 1)),
    "untied": Convolution(weights=numbers(5, 4, 3, 2), stride=(1, 1), pad=pads(0, 0), bias=numbers(5, 5, 5)),
    "large pad": Convolution(weights=numbers(5, 4, 3, 3), stride=(1, 1), pad=pads(4, 5)),
    "transposed": Convolution(
        weights=numbers(4, 5, 3, 2), axes="iorc", stride=(2, 3), pad=((1, 0), (0, 1)), transposed=True
    ),
    "transposed, of one tap": Convolution(
        weights=numbers(4, 5, 1, 1), axes="iorc", stride=(2, 3), pad=pads(0, 0), transposed=True
    ),
    "transposed, turned": Convolution(
        weights=numbers(4, 5, 3, 2), axes="iorc", pad=pads(0, 0), stride=(2, 1), transposed=True,
        flip_filters=False
    ),
    "transposed, in groups": Convolution(
        weights=numbers(4, 3, 3, 2), axes="iorc", stride=(2, 1), pad=pads(0, 0), transposed=True, groups=2
    ),
    "transposed, to a size": Convolution(
        weights=numbers(4, 5, 3, 2), axes="iorc", stride=(3, 2), pad=pads(1, 0), transposed=True,
        output_size=(21, 11), bias=numbers(5),
    ),
    "transposed, dilated": Convolution(
        weights=numbers(4, 5, 3, 2), axes="iorc", stride=(1, 2), pad=pads(1, 1), transposed=True,
        dilation=(2, 1)
    ),
    "local": LocallyConnected(
        weights=numbers(3, 4, 2, 3, 4, 6), axes="oircyx", stride=(2, 1), pad=((1, 0), (1, 1)),
        flip_filters=True,
        bias=numbers(3, 4, 6),
    ),
    "local, by channel": LocallyConnected(
        weights=numbers(4, 2, 2, 6, 5), axes="orcyx", stride=(1, 1), pad=pads(0, 0), flip_filters=False
    ),
    "local, and not told to be turned": LocallyConnected(
        weights=numbers(3, 4, 2, 2, 6, 5), axes="oircyx", stride=(1, 1), pad=pads(0, 0)
    ),
    "dense": Dense(weights=numbers(168, 3), bias=numbers(3), units=3),
    "dense, outputs first": Dense(weights=numbers(3, 168), axes="oi", units=3),
    "dense, last axis": Dense(weights=numbers(6, 3), bias=numbers(3), units=3, leading_axes=-1),
    "dense, two axes alone": Dense(weights=numbers(42, 3), units=3, leading_axes=2),
    "dense, by position": Dense(weights=numbers(4, 3), bias=numbers(3), units=3, per_position=True),
    "inv_std": Normalisation(mean=numbers(4), spread=numbers(4, low=0.1), gamma=numbers(4), beta=numbers(4)),
    "inv_std of 1000": Normalisation(mean=numbers(4), spread=Parameter.of("p", np.full(4, 1000.0))),
    "inv_std below 0": Normalisation(mean=numbers(4), spread=numbers(4, seed=3)),
    "variance": Normalisation(
        mean=numbers(4), spread=numbers(4, low=0.1), spread_is="variance", epsilon=1e-3,
        gamma=numbers(4, seed=1)
    ),
    "std": Normalisation(mean=numbers(4), spread=numbers(4, low=0.1), spread_is="std", beta=numbers(4)),
    "normalised by position": Normalisation(mean=numbers(7, 6), spread=numbers(7, 6, low=0.1), along=(2, 3)),
    "scale": Normalisation(gamma=numbers(6), along=(3,), is_batch=False),
    "prelu": Activation(kind="parametric_rectify", slopes=numbers(4)),
    "prelu by column": Activation(kind="parametric_rectify", slopes=numbers(6), along=(3,)),
    "dilated max": Pooling(kind="max", size=(2, 2), stride=(1, 2), pad=pads(0, 1), dilation=(2, 3)),
    "dilated mean": Pooling(kind="mean", size=(2, 2), stride=(1, 2), pad=pads(1, 1), dilation=(2, 3)),
    "mean in a wide frame": Pooling(kind="mean", size=(2, 2), stride=(1, 1), pad=((2, 0), (1, 3))),
    "uneven pool": Pooling(kind="mean", size=(3, 2), stride=(2, 2), pad=((0, 1), (1, 0))),
    **{f"global {kind}": GlobalPooling(kind=kind) for kind in ("max", "mean", "sum")},
    **{f"maxout {kind}": ChannelPooling(kind=kind, size=2) for kind in ("max", "mean", "sum")},
    "maxout of rows": ChannelPooling(kind="max", size=3, axis=-1),
    "instance norm": Standardisation(gamma=numbers(4), beta=numbers(4, seed=1)),
    "group norm": Standardisation(groups=2, epsilon=0.1, beta=numbers(4)),
    "layer norm": Standardisation(axes=(-3, -2, -1), gamma=numbers(4, 7, 6), along=(-3, -2, -1)),
    "norm of channels": Standardisation(axes=(1,), epsilon=0.5),
    "mish": Activation(kind="mish"),
    "hard sigmoid, flat": Activation(kind="hard_sigmoid", scale_in=5 / 6),
    "slope for all": Activation(kind="parametric_rectify", slopes=numbers(1)),
    "lrn": LocalResponse(alpha=0.4, k=2.0, beta=0.75, n=5),
    "lrn, even": LocalResponse(alpha=0.4, k=2.0, beta=0.75, n=4),
    "lrn, wide": LocalResponse(alpha=0.4, k=1.0, beta=0.5, n=99),
    "pad": Pad(pad=((1, 2), (0, 3)), value=0.7),
    "pad, mirrored": Pad(pad=((1, 2), (0, 3)), mode="reflect"),
    "pad, repeated": Pad(pad=((1, 2), (9, 3)), mode="edge"),
    "clip": Activation(kind="clip", low=-0.3, high=0.4),
    "clip, open": Activation(kind="clip", high=0.4),
    "square": Activation(kind="power", alpha=2.0),
    "scale for all": Normalisation(gamma=numbers(1), beta=numbers(1, seed=2), is_batch=False),
    **{
        f"positive {kind} {exponent}": (
            Activation(kind="exp"), Activation(kind=kind, alpha=exponent)
        )
        for kind, exponent in (("power", 0.5), ("power", -0.5), ("power", -1.0), ("power", 1.7), ("log", 1.0))
    },
    **{kind: Activation(kind=kind) for kind in ("absolute", "erf", "sin", "cos")},
    "pad channels": Pad(pad=((1, 0), (0, 0), (2, 1)), first_axis=1),
    "crop": Crop(crop=((1, 2), (0, 3))),
    "crop, one side each": Crop(crop=((1, 0), (0, 2))),
    "slice": Slice(axis=2, start=1, stop=-1, step=2),
    "slice backwards": Slice(axis=3, step=-2),
    "slice backwards to": Slice(axis=-1, start=4, stop=1, step=-1),
    "index": Slice(axis=1, index=-1),
    "reshape": Reshape(lengths=((0,), -1, 6)),
    "reshape, other axes": Reshape(lengths=((0,), (3,), 4, -1)),
    "reshape, no rest": Reshape(lengths=((0,), (1,), 6, 7)),
    "flatten": Flatten(),
    "flatten rows": Flatten(keep=2),
    "transpose": Transpose(order=(0, 3, 1, 2)),
    "new axes": Transpose(order=(0, None, 2, 1, None, 3)),
    "upscale": Upscale(scale=(2, 3)),
    "upscale with zeros": Upscale(scale=(2, 3), dilates=True),
    **{
        f"resize {how} {size}{scale}": Resize(size=size, scale=scale, coordinates=how)
        for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        for size, scale in (((11, 9), ()), ((3, 6), ()), ((), (2.0, 1.5)))
    },
    "resize to one": Resize(size=(1, 1), coordinates="pytorch_half_pixel"),
    **{
        f"reduce {kind} {axes} {keeps}": Reduction(kind=kind, axes=axes, keeps=keeps)
        for kind in ("max", "min", "mean", "sum", "euclidean")
        for axes, keeps in (((1,), True), ((1, -1), False))
    },
    "softmax": Softmax(),
    "softmax of columns": Softmax(axis=-1),
    "nothing": Identity(what="dropout"),
    "nothing at all": (),
    "dropout between": (Identity(), Activation(kind="rectify"), Identity()),
}  # fmt: skip


@needs_onnx
@pytest.mark.parametrize("name", CASES)
def test_an_operation_gives_there_what_it_gives_here(name: str) -> None:
    case = CASES[name]
    assert apart(network_of(*(case if isinstance(case, tuple) else (case,)))) <= 1e-6


@needs_onnx
@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("kind", ["max", "mean", "sum"])
def test_windows_over_one_and_three_axes_are_the_same_too(axes: int, kind: str) -> None:
    lengths = (7, 6, 5)[:axes]
    pool = Pooling(
        kind=kind, size=(3,) * axes, stride=(2,) * axes, pad=pads(*[1] * axes), whole_windows=False
    )
    weights = numbers(4, 4, *(3, 2, 2)[:axes])
    own = Convolution(
        weights=weights, axes="oidrc"[:2] + "drc"[3 - axes :], stride=(1,) * axes, pad=pads(*[1] * axes)
    )
    assert apart(network_of(own, pool, shape=(None, 4, *lengths))) <= 1e-6


MERGES = {
    **{kind: Merge(kind=kind) for kind in ("add", "subtract", "multiply", "maximum", "minimum", "mean")},
    "divide": Merge(kind="divide"),
    "divide, weighed": Merge(kind="divide", coefficients=(0.5, -2.0)),
    "product of matrices": MatrixProduct(turned=(False, True)),
    "weighed": Merge(kind="add", coefficients=(0.5, -2.0)),
    "cropped": Merge(kind="add", cropping=(None, None, "center", "upper")),
    "joined": Concatenate(),
    "joined, cropped": Concatenate(cropping=(None, None, "lower", "center")),
}


@needs_onnx
@pytest.mark.parametrize("name", MERGES)
def test_two_inputs_are_merged_alike(name: str) -> None:
    crops = "cropped" in name
    own = Convolution(weights=numbers(4, 4, 3, 3), stride=(1, 1), pad=pads(*([0, 0] if crops else [1, 1])))
    start = network_of(own)
    merged = Layer(name="both", inputs=(0, 1), operations=(MERGES[name],))
    last = Layer(name="again", inputs=(2, 2), operations=(Merge(kind="add"),))
    # What is divided by numbers near 0 has its rounding divided, too.
    assert apart(Network.of([*start.layers, merged, last])) <= (1e-5 if name.startswith("divide") else 1e-6)


REFUSED = {
    "it is recurrent": Recurrent(kind="LSTM"),
    "it looks words up": Embedding(weights=numbers(3, 2)),
    "beyond me": Untold(reason="it is beyond me"),
    "stride and padding": Convolution(weights=numbers(5, 4, 3, 2)),
    "does not tell its weights": Dense(units=3),
    "'median'": Pooling(kind="untold", name="median", size=(2, 2), stride=(2, 2), pad=pads(0, 0)),
    "applies a nonlinearity": Activation(kind="untold"),
    "its slopes": Activation(kind="parametric_rectify"),
    "which part it keeps": Slice(axis=1, is_told=False),
    "merges by wild": Merge(kind="untold", name="wild"),
    "the deviation": Normalisation(mean=numbers(4)),
    "groups of 3": ChannelPooling(kind="max", size=3),
    "it looks at 5 channels": Convolution(weights=numbers(5, 5, 3, 2), stride=(1, 1), pad=pads(0, 0)),
    "looks along 1 axis": Convolution(weights=numbers(5, 4, 3), axes="oic", stride=(1,), pad=pads(0)),
    "wrong way round": Activation(kind="clip", low=1.0, high=-1.0),
    "takes away": Convolution(weights=numbers(5, 4, 3, 2), stride=(1, 1), pad=pads(-1, 0)),
}


@needs_onnx
@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_said_is_refused_with_the_layer(reason: str) -> None:
    with pytest.raises(filtviz.ConversionError, match=reason) as caught:
        model_of(network_of(Identity(), REFUSED[reason]))
    assert str(caught.value).startswith("it cannot be converted: ")
    assert caught.value.layer == 1


@needs_onnx
def test_clipped_windows_need_the_size_of_the_images_and_whole_ones_do_not() -> None:
    facts = {"kind": "max", "size": (2, 2), "stride": (2, 2), "pad": pads(0, 0)}
    open_size = (None, 4, None, None)
    assert apart(network_of(Pooling(**facts), shape=open_size)) <= 1e-6
    with pytest.raises(filtviz.ConversionError, match="size of its images"):
        model_of(network_of(Pooling(**facts, whole_windows=False), shape=open_size))


@needs_onnx
def test_a_file_without_a_graph_is_refused_until_another_gives_it(tmp_path: Path) -> None:
    filtviz.convert(EXAMPLE, tmp_path / "net.npz")
    with pytest.raises(filtviz.ConversionError, match="--like"):
        filtviz.convert(tmp_path / "net.npz", tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]
    filtviz.convert(tmp_path / "net.npz", tmp_path / "net.onnx", hints=filtviz.Hints(like=EXAMPLE))
    assert filtviz.load(tmp_path / "net.onnx")["conv1"].n_filters == 20


# Whole files


@needs_onnx
@pytest.mark.parametrize("path", READABLE, ids=called)
def test_a_whole_file_answers_alike_and_is_read_back_with_the_same_kernels(
    path: Path, tmp_path: Path
) -> None:
    try:
        result = filtviz.convert(path, tmp_path / "out.onnx", verify=True)
    except (filtviz.ConversionError, filtviz.RunningError):
        assert list(tmp_path.iterdir()) == []
        before = filtviz.load(path)
        assert before.origin.inferred or not _runs(before)
        return
    assert result.verification is not None
    assert result.verification.relative <= 1e-6
    before, after = result.network, filtviz.load(tmp_path / "out.onnx")
    names = {one.name: one for one in after.layers}
    for one in before.conv_layers:
        kernels = [each for each in one.operations if isinstance(each, Convolution)]
        alone = [each.name for each in before.layers].count(one.name) == 1 or not one.name
        if len(kernels) != 1 or kernels[0].transposed or not alone:
            continue
        other = names[one.name] if one.name in names else names[f"{one.type}_{one.index}"]
        wanted = one.filters.astype("float32")
        if one.convolution.flip_filters is not False:
            wanted = np.flip(wanted, tuple(range(2, wanted.ndim)))
        assert np.array_equal(other.filters, wanted)


def _runs(network: Network) -> bool:
    try:
        verifying.expected(network, Budget(work=10**12))
    except filtviz.FiltvizError:
        return False
    return True


@needs_onnx
@pytest.mark.parametrize("name", SINGLE)
def test_onnx_runtime_gives_what_theano_gave(name: str, tmp_path: Path) -> None:
    with np.load(WRITTEN) as held:
        (tmp_path / "layer.pkl").write_bytes(held[f"{name}/pickle"].tobytes())
        truth = held[f"{name}/truth"]
    network = filtviz.load(tmp_path / "layer.pkl")
    shape = network.layers[0].operations[0].shape
    image = np.random.RandomState(0).randn(1, *shape[1:]).astype("float32")
    (found,) = verifying.onnx_outputs(model_of(network), [image])
    assert found.shape == truth.shape
    assert np.abs(found - truth).max() <= 1e-6 * np.abs(truth).max()


@needs_onnx
def test_a_network_with_several_inputs_is_verified_like_any_other() -> None:
    assert apart(with_three_inputs()) <= 1e-6


@needs_onnx
@pytest.mark.shared
@pytest.mark.slow
def test_every_real_file_that_runs_here_answers_alike(shared: Path) -> None:
    n = 0
    for path in sorted([*(shared / "models").rglob("*"), *(shared / "modern").rglob("*")]):
        try:
            network = filtviz.load(path) if path.is_file() and "truth" not in path.name else None
        except filtviz.FiltvizError:
            continue
        if network is None or network.origin.inferred or not _runs(network):
            continue
        allowed = 1e-5 if "real" in path.parts else 2e-6  # of 47 layers, by ONNX Runtime's own order of sums
        assert apart(network) <= allowed or path.name.startswith(CANNOT_TELL), path
        n += 1
    assert n > 30


CANNOT_TELL = (
    "hiendang",  # sigmoids of 1e-9, which ONNX Runtime takes for 0
    "rapidocr_onnxruntime__ch_PP-OCRv4_det",  # the same
    "onnx__light_squeezenet",  # its weights are constants, and what is left of their sums is rounding
)


# Names, verification, and the command


@needs_onnx
def test_hostile_names_stand_in_the_graph_as_harmless_texts() -> None:
    import onnx

    model = onnx.load_from_string(model_of(hostile_that_fit()))
    names = [node.name for node in model.graph.node] + [one.name for one in model.graph.initializer]
    values = [name for node in model.graph.node for name in node.output]
    assert all(name.isprintable() and 0 < len(name) < 300 for name in [*names, *values])
    assert len(set(values)) == len(values)


def hostile_that_fit() -> Network:
    before = hostile()
    layers = [before.layers[0]]
    for layer in before.layers[1:]:
        own = layer.operations[0]
        layers.append(Layer(name=layer.name, inputs=layer.inputs, operations=(
            Convolution(weights=own.weights, stride=(1, 1), pad=((1, 0), (1, 0)), flip_filters=False),
        )))  # fmt: skip
    assert len(layers) == len(HOSTILE) + 1
    return Network.of(layers)


@needs_onnx
def test_what_answers_otherwise_is_an_error_and_nothing_is_left(tmp_path: Path, monkeypatch) -> None:

    right = verifying.onnx_outputs

    def wrong(model: bytes, noise: np.ndarray) -> list[np.ndarray]:
        return [one * 1.01 for one in right(model, noise)]

    monkeypatch.setattr(converting, "onnx_outputs", wrong)
    with pytest.raises(filtviz.ConversionError, match="answers otherwise"):
        filtviz.convert(EXAMPLE, tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []
    assert filtviz.convert(EXAMPLE, tmp_path / "out.onnx", verify=False).verification is None


def test_differences_are_judged_by_what_single_precision_can_tell() -> None:
    ones = [np.ones((2, 3))]
    assert verifying.compared(ones, [ones[0] + 1e-6], 2, "it").relative == pytest.approx(1e-6)
    with pytest.raises(filtviz.ConversionError, match="otherwise"):
        verifying.compared(ones, [ones[0] + 1e-3], 2, "it")
    with pytest.raises(filtviz.ConversionError, match="otherwise"):
        verifying.compared(ones, [ones[0] + 1e-3], 2, "it", lambda: [ones[0] + 1e-6])
    assert verifying.compared(ones, [ones[0] + 1e-3], 2, "it", lambda: [ones[0] + 5e-4]).images == 2
    with pytest.raises(filtviz.ConversionError, match="numbers where here are none"):
        verifying.compared(ones, [ones[0] * np.nan], 2, "it")
    with pytest.raises(filtviz.ConversionError, match="answers"):
        verifying.compared(ones, [np.ones((3, 2))], 2, "it")


def test_a_file_that_says_its_images_are_huge_is_shown_no_noise() -> None:
    with pytest.raises(filtviz.BudgetError, match="noise"):
        verifying.expected(network_of(shape=(None, 3, 1 << 20, 1 << 20)), None)


@needs_onnx
def test_windows_of_huge_images_are_counted_axis_by_axis() -> None:
    pool = Pooling(kind="mean", size=(3, 3), stride=(2, 2), pad=pads(3, 3))
    assert len(model_of(network_of(pool, shape=(None, 1, 200_000, 200_000)))) < 1 << 22


@needs_onnx
def test_the_command_says_in_one_line_how_far_both_are_apart(tmp_path: Path) -> None:
    target = str(tmp_path / "out.onnx")
    result = CliRunner().invoke(main, ["convert", str(EXAMPLE), target])
    assert (result.exit_code, result.stdout) == (0, f"{target}\n")
    assert result.stderr.startswith("Verified with ONNX Runtime on 2 images of noise: the largest difference")
    assert result.stderr.count("\n") == 1
    result = CliRunner().invoke(main, ["convert", str(EXAMPLE), target, "--json", "--no-verify"])
    assert json.loads(result.stdout)["verification"] is None
    import onnx

    model = onnx.load(target)
    facts = {each.key: each.value for each in model.metadata_props}
    assert json.loads(facts["files"])["mission-trained.pkl"].startswith("sha256:")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert [each.name for each in model.graph.output] == ["output"]
    assert [each.version for each in model.opset_import] == [18]


@pytest.mark.skipif(importlib.util.find_spec("onnx") is not None, reason="the package onnx is here")
def test_without_the_package_it_is_one_sentence_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(filtviz.MissingExtraError, match="pip install onnx"):
        filtviz.convert(EXAMPLE, tmp_path / "out.onnx")


def test_arrays_cannot_be_verified_by_running_them(tmp_path: Path) -> None:
    with pytest.raises(filtviz.ArgumentError, match="verify"):
        filtviz.convert(EXAMPLE, tmp_path / "out.npz", verify=True)
    with pytest.raises(filtviz.ArgumentError, match="layout"):
        filtviz.convert(EXAMPLE, tmp_path / "out.onnx", layout="torch")
