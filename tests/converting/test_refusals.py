"""Arrays that a format has no type for, and arrays that are not what their file said, are refused by name."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import filtviz
from filtviz.converting import archives
from filtviz.converting.archives import write_npz
from filtviz.errors import ConversionError
from filtviz.parameter import Parameter
from filtviz.reading.limits import Hints, Limits
from tests.converting.test_arrays import EXAMPLE
from tests.reading.operators.graphs import written_down

DTYPES = (
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "bool", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "complex64", "complex128",
)  # fmt: skip
WRITERS = {
    ".npz": (write_npz, "take .safetensors or .pt"),
    ".safetensors": (archives.write_safetensors, "take another format"),
    ".pt": (archives.write_pt, "take .safetensors"),
}


def dtype_of(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


def array(name: str) -> Parameter:
    return Parameter.of("a.weight", np.zeros((2, 3)).astype(dtype_of(name)))


@pytest.mark.parametrize("suffix", WRITERS)
def test_what_a_format_has_no_type_for_is_refused_with_one_that_has(suffix) -> None:
    write, instead = WRITERS[suffix]
    refused = {}
    for name in DTYPES:
        stream = io.BytesIO()
        try:
            write(stream, [array(name)], {})
        except ConversionError as error:
            refused[name] = str(error)
        assert bool(stream.getvalue()) == (name not in refused)
    assert refused == {
        name: f"a.weight is of type {dtype_of(name)}, which {suffix} does not have: {instead}"
        for name in refused
    }
    if suffix == ".npz":
        assert set(refused) == {name for name in DTYPES if hasattr(ml_dtypes, name)}
    assert not set(refused) & {
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "bool",
    }


@pytest.mark.parametrize("found", [np.zeros((2, 2), "f4"), np.zeros((2, 3), "f8"), np.zeros(6, "f4")])
def test_an_array_that_is_not_what_was_said_is_refused(found) -> None:
    told = Parameter(name="w", shape=(2, 3), dtype=np.dtype("f4"), read=lambda: found)
    with pytest.raises(ConversionError) as caught:
        archives._plain(told)
    assert str(caught.value) == f"w is {found.dtype} {found.shape}, and was said to be (2, 3)"


@pytest.mark.parametrize("order", ["<", ">"])
def test_bytes_are_in_one_order_whatever_the_file_has(order) -> None:
    values = np.arange(6, dtype=f"{order}f4").reshape(2, 3)
    for made in (values, np.asfortranarray(values), values[:, ::-1]):
        told = Parameter(name="w", shape=(2, 3), dtype=made.dtype, read=lambda made=made: made)
        assert archives._bytes(told) == made.astype("<f4").tobytes()


def test_what_a_person_says_of_a_file_reaches_its_reader(tmp_path) -> None:
    np.save(tmp_path / "w.npy", np.ones((4, 3, 5, 5)))
    with pytest.raises(filtviz.LimitError):
        filtviz.convert(EXAMPLE, tmp_path / "o.npz", limits=Limits(opcodes=10))
    with pytest.raises(filtviz.FiltvizError, match="nowhere"):
        filtviz.convert(tmp_path / "w.npy", tmp_path / "o.npz", hints=Hints(like=tmp_path / "nowhere"))
    assert not (tmp_path / "o.npz").exists()
    made = filtviz.convert(tmp_path / "w.npy", tmp_path / "o.npz")
    assert repr(made) == f"<ConversionResult {made.files[0]}: 1 array>"
    assert repr(replace(made, arrays=())) == f"<ConversionResult {made.files[0]}: the whole network>"


def test_a_graph_says_in_texts_what_was_converted(tmp_path) -> None:
    with written_down():
        filtviz.convert(EXAMPLE, tmp_path / "o.onnx", verify=False)
    digest = hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    said = (tmp_path / "o.onnx").read_text().partition("; converter: ")[2]
    kind = filtviz.load(EXAMPLE).origin.kind
    files = f'{{"mission-trained.pkl": "sha256:{digest}"}}'
    assert said == f"filtviz {filtviz.__version__}; kind: {kind}; layout: onnx; files: {files}"
