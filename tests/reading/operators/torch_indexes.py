"""Indexes of files of ``torch.save``, each with one fact that another has not; objects without weights."""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import filtviz
from filtviz.errors import FiltvizError
from tests.reading.making import Named, Thing, dumps
from tests.reading.operators.asking import Told
from tests.reading.operators.torch_objects import _object
from tests.reading.operators.torch_tensors import KERNEL, ONES, SMALL, called
from tests.reading.torch_making import Stored, module, quantised, stream_of, tensor, zip_of
from tests.telling import layers_of, origin_of, refused

__all__ = ["indexes"]


def indexes() -> Told:
    """What is read of an index and the files beside it, and what is said of objects that hold nothing."""
    for words, files, names in _indexed():
        yield words, _read(files, names)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        whole = io.BytesIO(zip_of(_saved(a=tensor(KERNEL)), method=method))
        with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/more", b"x" * 99)
        yield (
            f"a zip of method {method}, and a deflated member",
            _read({"a.pt": whole.getvalue()}, {}, "a.pt"),
        )
    dream = _saved(a=tensor(Stored(ONES, "torch.DreamStorage"), (2, 3)), b=tensor(KERNEL))
    for without in ([], ["archive/data/0"], ["archive/data/1"]):
        whole_zip = zip_of(dream, without=without)
        yield f"a storage of a class of one's own without {without}", _read({"a.pt": whole_zip}, {}, "a.pt")
    for words, value in _without():
        yield words, _object(value, ())


def _read(files: Mapping[str, bytes], names: Mapping[str, str], name_of: str = "") -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        path = folder / "pytorch_model.bin.index.json"
        path.write_text(json.dumps({"metadata": {}, "weight_map": names}))
        try:
            network = filtviz.load(folder / name_of if name_of else path)
            told = re.sub(r"size: \d+", "", f"{origin_of(network)}{layers_of(network)}")
        except FiltvizError as error:
            told = refused(error)
    return " ".join(told.replace(f"{folder}/", "").split())


def _saved(**tensors: Any) -> OrderedDict[str, Any]:
    return OrderedDict((f"{name}.weight", one) for name, one in tensors.items())


def _indexed() -> Iterator[tuple[str, Mapping[str, bytes], Mapping[str, str]]]:
    first, second = tensor(KERNEL), tensor(np.arange(36.0, dtype="float32").reshape(2, 2, 3, 3))
    names = {"a.weight": "1.bin", "b.weight": "2.bin"}
    layout = Thing("torch.serialization._get_layout", "torch.sparse_coo")
    places, values = tensor(np.array([[0, 1], [1, 0]])), tensor(np.array([1.0, 2.0], "float32"))
    sparse = called("_rebuild_sparse_tensor", layout, (places, values, (2, 2)))
    bytes_ = quantised(SMALL, Named("torch.per_tensor_affine"), 0.5, 0)
    kinds = {"plain": second, "sparse": sparse, "quantised": bytes_, "lost": called("_rebuild_nested_tensor")}
    for kind, one in kinds.items():
        both = {"1.bin": zip_of(_saved(a=first)), "2.bin": zip_of(_saved(b=one))}
        yield f"an index, the second file of a {kind} tensor", both, names
        turned = {"1.bin": zip_of(_saved(a=one)), "2.bin": zip_of(_saved(b=second))}
        yield f"an index, the first file of a {kind} tensor", turned, names
    both = {"1.bin": zip_of(_saved(a=first)), "2.bin": zip_of(_saved(b=second))}
    yield "an index that turns their order", both, dict(reversed(names.items()))
    yield "an index of names in neither", both, names | {"c.weight": "1.bin"}
    yield "an index of a name in the other", both, {"a.weight": "2.bin", "b.weight": "2.bin"}
    yield "an index of one file alone", both, {"a.weight": "1.bin"}
    yield "an index of a file that is a stream", both | {"2.bin": stream_of(_saved(b=second))}, names
    cases = {"1.bin": zip_of(_saved(a=first), more={"archive/DATA.PKL": b"x"})}
    yield "an index of a zip of names in two cases", cases, {"a.weight": "1.bin"}
    yield "an index of a file that is none", both | {"2.bin": b"nothing"}, names
    yield "an index of a file that is another's zip", both | {"2.bin": _zip_of_others()}, names
    yield "an index of a file that is a pickle", both | {"2.bin": dumps({"b.weight": ONES}, 2)}, names
    yield (
        "an index of files of modules",
        {"1.bin": zip_of(module("mine.Net", {"weight": KERNEL}))},
        {"weight": "1.bin"},
    )
    tied = {"1.bin": zip_of(_saved(a=first, c=first)), "2.bin": zip_of(_saved(b=second))}
    yield "an index of tied names", tied, {"a.weight": "1.bin", "c.weight": "1.bin", "b.weight": "2.bin"}
    prefixed = {"1.bin": zip_of({"module.a.weight": first}), "2.bin": zip_of({"module.b.weight": second})}
    yield (
        "an index of names that begin alike",
        prefixed,
        {f"module.{key}": file for key, file in names.items()},
    )
    norm = {"a.weight_g": tensor(np.ones((2, 1, 1, 1), "float32")), "a.weight_v": first}
    parts = {"1.bin": zip_of({"a.weight_g": norm["a.weight_g"]}), "2.bin": zip_of({"a.weight_v": first})}
    yield "an index of the parts of weights", parts, {"a.weight_g": "1.bin", "a.weight_v": "2.bin"}


def _zip_of_others() -> bytes:
    return zip_of({"b.weight": ONES}, root="", without=("version", "byteorder", "data.pkl"))


def _without() -> Iterator[tuple[str, Any]]:
    odd = module("mine.Net", parts={"a": Thing("mine.Odd", 1)})
    empty = tensor(np.zeros((0, 3), "float32"))
    yield "no weights, and a part that is none", {"net": odd}
    yield "no weights, a part that is none, and an optimiser", {"net": odd, "optimizer": {"state": {}}}
    yield "no weights, but an optimiser", {"net": module("mine.Net"), "optimizer": {"state": {}}}
    yield "empty tensors that are one", {"a.weight": tensor(KERNEL), "e.weight": empty, "f.weight": empty}
    yield (
        "vectors that are one",
        (lambda one: {"a.weight": tensor(KERNEL), "e": one, "f": one})(tensor(ONES[0])),
    )
    yield "only empty tensors", {"e.weight": empty, "f.weight": tensor(np.zeros(0, "float32"))}
