"""Small files whose names, or the names in them, are nearly others; what comes tenth, twice or elsewhere."""

from __future__ import annotations

import gzip
import json
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from filtviz.reading.formats import chainer, exported, mxnet, named, paddle_program, safetensors, trees
from tests.reading.making import Thing, dumps
from tests.reading.operators.asking import Told
from tests.reading.operators.small_parts import together
from tests.reading.operators.whole_parts import Case, array_of, told_of, zipped
from tests.reading.operators.whole_trees import _npz

__all__ = ["near_files"]

_W, _B = array_of(2, 3, 3, 3), array_of(2)


# safetensors


def _held(names: Mapping[str, tuple[int, ...]], metadata: Any = None) -> bytes:
    """A file of tensors one behind another."""
    header, start = {} if metadata is None else {"__metadata__": metadata}, 0
    for name, shape in names.items():
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + array_of(start // 4).tobytes()


def _safetensors() -> Iterator[Case]:
    kernel = (4, 4, 3, 3)
    parts = {
        f"model-{n}.safetensors": _held({f"conv{n}.weight": kernel}, {"format": said})
        for n, said in ((10, "pt"), (9, "mlx"), (2, "flax"))
    }
    for n in (10, 9, 2):
        index = {f"conv{n}.weight": f"model-{n}.safetensors" for n in (10, 9, 2) if n != 12 - n}
        index = {name: file for name, file in index.items() if n == 2 or file != f"model-{n}.safetensors"}
        text = json.dumps({"weight_map": index}).encode()
        yield f"an index of {list(index)}", safetensors.open, {"m.index.json": text, **parts}
    for kind in ("F12", "X" * 20, "X" * 21, "bf16"):
        header = json.dumps({"a": {"dtype": kind, "shape": [2], "data_offsets": [4, 8]}, "b": {"dtype": "F32",
            "shape": [1], "data_offsets": [0, 4]}}).encode()  # fmt: skip
        data = struct.pack("<Q", len(header)) + header + bytes(8)
        yield f"a type {kind} in turned places", safetensors.open, {"m.safetensors": data}
    turned = {"conv2.weight": "model-9.safetensors", "conv9.weight": "model-9.safetensors"}
    text = json.dumps({"weight_map": turned}).encode()
    yield "an index that errs", safetensors.open, {"m.index.json": text, **parts}
    text = json.dumps({"weight_map": {"a": "n.safetensors"}}).encode()
    for size in (4, 9, 20):
        files = {"m.index.json": text, "n.safetensors": parts["model-9.safetensors"][:size]}
        yield f"an index of one cut to {size} bytes", safetensors.open, files
    for names in (
        {"conv.kernel": kernel, "fc.weight": (4, 4)}, {"conv.kernel": kernel, "c2.weight": kernel},
        {"conv/kernel": kernel}, {"conv/kernel:0": kernel, "conv/bias:0": (4,)},
        {"conv/kernel:0": kernel, "conv/bias": (4,)}, {"a.kernel": (4, 4), "b.weight": kernel},
        {"model.conv.weight": kernel, "model.b10.weight": kernel, "model.b9.weight": kernel}, {},
        {"kernel": kernel}, {"conv.kernels": kernel}, {"conv.weight": (*kernel, 1), "a.kernel": (3, 3, 1, 2)},
    ):  # fmt: skip
        for metadata in (None, {"format": "flax"}, {"format": ["pt"]}):
            words = f"{' '.join(names)} of {metadata}"
            yield words, safetensors.open, {"m.safetensors": _held(names, metadata)}


# Chainer, trees


def _chainer() -> Iterator[Case]:
    for keys in (
        ["a/b/W"], ["W"], ["/W"], ["a/W/"], ["a/Wx"], ["a/W", "a/w/x"], ["a/W", "b/x/w"], ["a/xw", "a/W"],
        ["a/b", "a/x"], ["a.b/W", "a.b/b"], ["a/avg_mean", "a/beta"], ["optimizer/W", "a/W"],
        ["a/optimizers/W", "a/W", "a/b"], ["a/optimize/W", "a/b"], ["model/conv10/W", "model/conv9/W"],
    ):  # fmt: skip
        held = {key: _W if key.lower().endswith("w") else _B for key in keys}
        yield f"Chainer's {keys}", chainer.open, {"n.npz": _npz(held)}


def _trees() -> Iterator[Case]:
    k = array_of(3, 3, 2, 2)
    for names in (
        ["params/params/c/kernel", "params/batch_stats/c/mean"], ["params/kernel", "params/bias"],
        ["params/params/params/c/kernel"], ["c/params/kernel"], ["batch_stats/c/kernel"], ["params",
        "c/kernel"],
        ["c/kernel", "ema/c/kernel"], ["c/kernel", "gema/c/kernel"], ["c/kernel", "EMA/c/kernel"],
        ["c/kernel", "c/ema"], ["ema/c/kernel", "nu/c/kernel"], ["opt/kernel", "opt_state/x"],
        ["b10/kernel", "b9/kernel", "b9/bias"], ["b9/kernel", "b9/bias", "b10/kernel"], ["kernel"],
        ["c/Kernel"], ["c/kernel:0", "c/bias:0"], ["c/kernel", "d/weight"], ["c/weight", "d/kernel"],
        ["c/w", "c/b"], ["conv2_d/w"], ["conv2_d_10/w", "conv2_d_9/w"], ["net/conv2_d_transpose_1/w"],
        ["net/conv4_d/w"], ["a/linear/w", "x/w"], ["net/~/w"], ["c.weight", "c.bias"], ["model/c.weight"],
        ["model/c.d.weight"], ["models/c.weight"], ["c.running_mean", "c.weight"], ["model/c._mean",
        "a/weight"],
        ["['params']['c']['kernel']"], ["['params']['c'][0]['kernel']"], ["params.c['kernel']", "x"],
    ):  # fmt: skip
        held = {
            name: k if name.rstrip("']:0").endswith(("kernel", "weight", "Kernel", "w")) else _B
            for name in names
        }
        yield f"an npz of {names}", trees.open, {"n.npz": _npz(held)}
        yield f"a pickle of {names}", trees.open, {"n.pkl": dumps(held)}
    state = {"c10.weight": k, "c9.weight": k, "c9.bias": _B}
    for words, value in {
        "model": {"model": state}, "Model": {"Model": state}, "state_dict": {"state_dict": state, "epoch": 3},
        "two wrappers": {"model": state, "params": {"c.weight": k}}, "a dot beside": {"model": state,
        "x.y": 1},
        "a slash": {"a/c.weight": k, "b.weight": k}, "a list of one": [state], "a list of two": [state,
        state],
        "weights within": {"weights": {"model": state}}, "an array beside": {"model": state, "mean": k},
        "no dots": {"model": {"weight": k, "c": {"weight": k}}},
    }.items():  # fmt: skip
        yield f"a dictionary of {words}", trees.open, {"n.pkl": dumps(value)}
    for words, held in {
        "mu": {"0": {"mu": {"c": {"kernel": k}}}},
        "trace": {"x": {"trace": {"params": {"c": {"kernel": k}}}}},
        "still": {"0": {"mu": {"c": {"kernel": 0 * k}}}}, "of another": {"0": {"mu": {"d": {"kernel": k}}}},
        "of another shape": {"0": {"nu": {"c": {"kernel": _B}}}},
        "mean": {"0": {"mean": {"c": {"kernel": k}}}},
    }.items():  # fmt: skip
        for state_ in ("opt_state", "optimizer", "opt", "states", "mu"):
            tree = {"params": {"c": {"kernel": k}, "e": {"kernel": k}}, state_: held}
            yield f"moments {words} in {state_}", trees.open, {"n.pkl": dumps(tree)}
    for cls in ("flax.nnx.State", "flax.nnxs.State", "flax.core.State", "mine.State"):
        for inner in ({"_mapping": {"c": {"kernel": {"value": k}}}}, {"my_mapping": {"c": {"kernel": k}}}):
            yield f"a {cls} of {[*inner]}", trees.open, {"n.pkl": dumps(Thing(cls, **inner))}


def _texts_of_trees() -> Told:
    """Paths, and names without collections."""
    for keys in (
        ["a", "kernel:0"], ["kernel:0", "a"], ["a.b"], ["a.b", "c"], ["model", "c.weight"], ["model",
        "c.d.bias"],
        ["model", "c.gamma"], ["params", "bn._variance"], ["Model", "c.weight"], ["['a']['b.c']"],
        ["['a'][0].value"], ["['']['b']"], ["x['a']"], ["a" * 1030, "b"], [], ["weights", "c/d.weight"],
    ):  # fmt: skip
        yield f"the path of {str(keys)[:40]}", f"{trees._path(keys)[-40:]} {len(trees._path(keys))}"
    rows = []
    for name in (
        "params/params/a", "params/params/params/a", "params/batch_stats/a", "batch_stats/params/a", "params",
        "params/", "paramsx/a", "a/params/b", "params.a", "params/params",
    ):  # fmt: skip
        found = [trees._without_collection(name, separator) for separator in "/."]
        rows.append((name, " or ".join(found)))
    yield from together(rows, "without collections")
    rows = []
    for path in (
        "opt_state/0/mu/a/b", "mu/opt_state/a", "opt_state/mu", "opt_state/a/mus/b", "optimizer/nu/params/a",
        "x/opt/trace/batch_stats/a", "opt_state/mu/nu/a", "params/mu/a", "opt_state/sum_of_squares/a",
    ):  # fmt: skip
        rows.append((path, repr(trees._of_moment(path))))
    yield from together(rows, "a moment of")


# Programs of torch.export, what is only named, symbols of MXNet's


def _exported() -> Iterator[Case]:
    meta = {"dtype": 7, "sizes": [2, 3], "strides": [3, 1], "storage_offset": 0}
    spec = {"parameter": {"arg": {"name": "p"}, "parameter_name": "fc.weight"}}
    node = {
        "target": "torch.ops.aten.linear.default",
        "inputs": [{"name": "weight", "arg": {"as_tensor": {"name": "p"}}}],
        "outputs": [],
    }
    weights = json.dumps({"config": {"fc.weight": {"path_name": "w", "tensor_meta": meta}}}).encode()
    for words, target, roots in (
        ("two programs", "linear", ("a/", "b/")), ("two programs turned", "linear", ("b/", "a/")),
        ("no root", "linear", ("",)), ("a deep one", "linear", ("a/b/c/",)), ("an operator of its own",
        "mine", ("",)),
    ):  # fmt: skip
        held = {}
        for n, root in enumerate(roots):
            one = {**node, "target": f"torch.ops.aten.{target}.{'default' * (n + 1)}", "name": f"n{root}"}
            graph = {
                "graph": {"tensor_values": {}, "nodes": [one] * (n + 1)},
                "signature": {"input_specs": [spec]},
            }
            held[f"{root}models/model.json"] = json.dumps({"graph_module": graph}).encode()
            held[f"{root}data/weights/model_weights_config.json"] = weights
            held[f"{root}data/weights/w"] = array_of(7 + n)[n:].tobytes()
        yield f"a zip of {words}", exported.open, {"n.pt2": zipped(held)}
    for target in (
        "torch.ops.aten.linear", "torch.ops.aten.linear_.default", "aten.linear.default", "linear.default",
        "torch.ops.mine.linear.default", "torch.ops.aten.t.default", "torch.ops.aten.rrelu.default",
    ):  # fmt: skip
        for inner in ("models/model.json", "mymodels/model.json", "models/model.json.old"):
            graph = {"graph": {"tensor_values": {}, "nodes": [{**node, "target": target}]}}
            graph["signature"] = {"input_specs": [spec]}  # type: ignore[assignment,dict-item]
            held = {inner: json.dumps({"graph_module": graph}).encode()}
            held |= {
                "data/weights/model_weights_config.json": weights,
                "data/weights/w": array_of(6).tobytes(),
            }
            if inner == "models/model.json" or target.endswith("linear"):
                yield f"{inner} of {target}", exported.open, {"n.pt2": zipped(held)}


def _named() -> Iterator[Case]:
    for name in (
        "a.bin", "a.bin.old", "abin", "x.a.BIN", "g-shard10of12.bin", "g-shard1of2.bin.gz", "shard1of2",
        "-shard1of2",
    ):  # fmt: skip
        for beside, data in (
            ("a.xml", b'<?xml version="1.0" ?>\n<net name="a">'), ("a.param", b"7767517\n"),
            ("model.json", b'{"modelTopology":{}}'), ("a.bin.xml", b"<net "),
        ):  # fmt: skip
            yield f"{name} beside {beside}", named.open, {name: b"\x01numbers", beside: data}
    both = {"a.bin": b"\x01", "a.xml": b'<?xml version="1.0"?>\n<net ', "a.param": b"7767517"}
    yield "beside both", named.open, both
    packed = gzip.compress(both["a.xml"], mtime=0)
    yield "beside one that is compressed", named.open, {"a.bin": b"\x01", "a.xml": packed}
    for data in (b" " * 280 + b'<?xml version="1.0"?>\n<net ', b'<?xml version="1.0"?>\n<nets ', b"\xff"):
        yield f"beside {data.strip()[:30]!r}", named.open, {**both, "a.xml": data, "a.param": b""}
    for members in (
        ["m10.onnx", "m9.onnx", "m2.h5"], ["b/m.onnx", "a/m.onnx"], ["m.onnxx", "m.onnx.txt"], ["a.PT",
        "b.Pth"],
        ["saved_model.pb", "coefficients.bin"], ["saved_models.pb"], ["x/y/coefficients.bin", "m.onnx"],
        [f"{'long' * 20}.onnx", "m.pt", "n.pt", "o.pt"], [f"m{n}.pt" for n in range(5)], ["onnx", ".onnx"],
        [],
    ):  # fmt: skip
        yield f"a zip of {str(members)[:60]}", named.open, {"n.zip": zipped(dict.fromkeys(members, b"x"))}
    for start in (
        b"x" * 256 + b"xustar", b"x" * 257 + b"xustar", b"\0" * 257 + b"ustar", bytes(299) + b"x", b"PDF-",
        b" %PDF-1",
        b"\xef\xbb\xbf{\n", b"<HEAD", b"<body", b'{ "format":"graph-model"', b'{\n"IRVERSION"', b"404: Not",
        b"node{",
        b"[NETWORK]", b"[nets]", b"\t[net]", b"from x", b"import", b"#!", b"model_checkpoint_path",
        b"7767517x",
    ):  # fmt: skip
        yield f"what begins with {start.strip(bytes(1)).strip(b'x')[:20]!r}", named.open, {"n": start}
    for name in (
        "n.MNN",
        "n.mnn.meta",
        "n.meta",
        "n.Meta",
        "n.prototxt.x",
        "n.om",
        "om",
        "n.blob.data-00000-of-00001",
    ):
        for data in (b"\xfe\xfd" + bytes(8), b"\n\x03abc\x01\x02", b"hello", b"<html>"):
            yield f"{name} of {data[:6]!r}", named.open, {name: data}


def _folders() -> Told:
    """What is said of folders in a folder, of which the first tells."""
    marks = [names[0] for names, _ in named.FOLDERS]
    for words, inner in {
        "2 and 10": {"10": marks[0], "2": marks[1]}, "one behind others": {"a": "x", "b": "y", "c": marks[2]},
        "none": {"a": "x"}, "nothing": {}, "a file": {"": marks[1]}, "b and a": {"b": marks[3],
        "a": marks[2]},
    }.items():  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            for name, mark in inner.items():
                place = Path(folder) / name
                place.mkdir(exist_ok=True)
                if mark in marks:
                    (place / mark).parent.mkdir(exist_ok=True)
                    (place / mark).write_bytes(b"x")
            yield f"folders, {words}", str(named.sentence_of_inner(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        for n in range(100):
            (Path(folder) / str(n)).mkdir()
        (Path(folder) / "99" / marks[0]).write_bytes(b"x")
        yield "the hundredth folder", str(named.sentence_of_inner(Path(folder)))
        (Path(folder) / "100").mkdir()
        (Path(folder) / "99" / marks[0]).rename(Path(folder) / "100" / marks[0])
        yield "the one behind it", str(named.sentence_of_inner(Path(folder)))
    for several in named.FOLDERS:
        for mark in several[0]:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / mark).mkdir(parents=True)
                yield f"a folder of {mark}", str(named.folder_sentence(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        for mark in (marks[3], marks[1]):
            (Path(folder) / mark).write_bytes(b"x")
        yield "a folder of two marks", str(named.folder_sentence(Path(folder)))
        (Path(folder) / "inner").symlink_to(folder)
        yield "a link to such a folder", str(named.sentence_of_inner(Path(folder)))
    yield "no folder", str(named.sentence_of_inner(Path(folder)))


def _symbols() -> Iterator[Case]:
    def file(*names: str) -> bytes:
        one = struct.pack("<IiI4q", 0xF993FAC9, 0, 4, 2, 2, 3, 3) + struct.pack("<iii", 1, 0, 0) + bytes(144)
        said = b"".join(struct.pack("<Q", len(name)) + name.encode() for name in names)
        return (
            struct.pack("<QQQ", 0x112, 0, len(names))
            + one * len(names)
            + struct.pack("<Q", len(names))
            + said
        )

    def conv(place: int, **attributes: str) -> dict[str, Any]:
        said = {"kernel": "(3, 3)", **attributes}
        return {"op": "Convolution", "name": f"c{place}", "inputs": [[place, 0, 0]], "attrs": said}

    null = [{"op": "null", "name": f"{name}_weight", "inputs": []} for name in ("b10", "b9", "b2")]
    names = ("arg:b2_weight", "arg:b10_weight", "aux:b9_weight")
    for words, nodes in {
        "as they run": [*null, conv(2), conv(0), conv(1)], "one twice": [*null, conv(0, stride="(2, 2)"),
        conv(0)],
        "one first without": [*null, {**conv(0), "op": "x"}, conv(0, stride="(2, 2)"), conv(1, pad="(1, 0)")],
        "fed by another": [*null, conv(0), {**conv(3), "name": "b9_weight"}], "of one": [*null, conv(1)],
        "channels last": [*null, conv(0, layout="NHWC"), {**conv(1, layout="NHWC"), "op": "Deconvolution"}],
        "an attribute each": [*null, conv(0, dilate="(1, 2)"), conv(1, num_group="0"), conv(2,
        num_group="2")],
        "another kernel": [*null, conv(0, kernel="(3, 2)"), conv(1, kernel="(3,)"), conv(2, pad="(1, 1, 1)")],
        "no inputs": [{"op": "null", "name": "b9_weight"}], "names that are numbers": [{**null[0],
        "name": 3}, conv(0)],
    }.items():  # fmt: skip
        symbol = json.dumps({"nodes": nodes}).encode()
        yield f"MXNet {words}", mxnet.open, {"n.params": file(*names), "n-symbol.json": symbol}
    symbol = json.dumps({"nodes": [*null, conv(2), conv(0), conv(1)]}).encode()
    for name in ("n-0001.params", "n-00001.params", "n-0001-0002.params", "n-symbol.params", "n.param"):
        files = {name: file(*names), "n-symbol.json": symbol, "n-0001-symbol.json": b"{}"}
        yield f"MXNet's {name}", mxnet.open, files


def _programs() -> Told:
    """Operations of Paddle's whose kinds are nearly those that are known."""
    known = (
        *paddle_program._ACTIVATIONS, *paddle_program._PASSED_ON, *paddle_program._MERGES, "leaky_relu",
        "gelu", "elu",
        "relu6", "softmax", "flatten", "pool2d", "concat",
    )  # fmt: skip
    reader = paddle_program._Reader(held={}, opened=SimpleNamespace(), facts=lambda _: {})  # type: ignore[arg-type]
    said = {"alpha": 0.5, "negative_slope": 0.25, "axis": 1, "start_axis": 1, "approximate": True}
    rows = []
    for kind in sorted(
        {one + end for one in known for end in ("", "_", "6", "s")} | {f"x{one}" for one in known}
    ):
        for facts in (said, {}):
            found = reader._plain(kind, {}, [], facts)
            rows.append((f"{kind}{'' if facts else ' bare'}", " ".join(map(_brief, found))))
    yield from together(rows, "Paddle's")


def _brief(one: Any) -> str:
    facts = " ".join(
        f"{name}={vars(one)[name]}" for name in ("kind", "alpha", "name", "axis", "keep") if name in vars(one)
    )
    return f"{type(one).__name__} {facts}"


_CASES: tuple[Callable[[], Iterator[Case]], ...] = (
    _safetensors, _chainer, _trees, _exported, _named, _symbols,
)  # fmt: skip


def near_files() -> Told:
    """All of it."""
    yield from told_of([case for make in _CASES for case in make()])
    for table in (_texts_of_trees, _folders, _programs):
        yield from table()
