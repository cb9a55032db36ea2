"""Which files of a folder are its model, which files beside it are opened, and zips with a field too many."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from filtviz.errors import FiltvizError
from filtviz.reading import folders, grafting
from filtviz.reading.containers import LONGEST_FILE_NAME, Siblings, open_file, unwrap
from filtviz.reading.limits import Inflation, Limits
from filtviz.reading.sharded import index_of
from filtviz.reading.stretch import in_memory
from filtviz.reading.zips import read_members
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import opened
from tests.reading.operators.zips import _zip
from tests.telling import refused

__all__ = ["reading_files"]

_NAMES = (
    "a.npz b.npz", "a.npz notes.txt", "notes.txt", "weights", "weights checkpoint", "a.pt optimizer.pt",
    "optimizer.pt", "a.onnx a.bin a.data weights", "a.onnx b.onnx", "a.bin", "a.ONNX a.bin", "a.NPZ",
    "m.safetensors.index.json m-1.safetensors m-2.safetensors", "m.safetensors.index.json other.safetensors",
    "pytorch_model.bin.index.json pytorch_model-1.bin training_args.bin", "m.bin.index.json m.safetensors",
    "c-1.index c-1.data-00000-of-00001", "c-1.index", "c-1.index c-2.data-0", "c-1.data-0",
    "c-1.index c-1.data-0 c-2.index c-2.data-0", "c-1.index c-1.data-0 c-2.index c-2.data-0 checkpoint",
    "m.weights.json m.weights.1", "scheduler.bin scaler.pt rng_state.pth model.bin",
    "mp_0_optim_states.pt m.pt", "my_optimizer.pt", "optimizers.pt", "optimiser-1.pt",
    "a.pkl scheduler.pkl weights.xyz", "a.xyz b.xyz", "",
)  # fmt: skip


def _said(ask: Callable[[], Any], folder: str = "") -> str:
    try:
        return str(ask()).replace(f"{folder}/", "")
    except FiltvizError as error:
        return refused(error).replace(f"{folder}/", "")


def _models() -> Told:
    with tempfile.TemporaryDirectory() as folder:
        for text in (
            "",
            'model_checkpoint_path: "c-2"\n',
            'model_checkpoint_path: "/there/c-1"\n',
            'x: "c-2"',
        ):
            Path(folder, "checkpoint").write_text(text, encoding="utf-8")
            for names in _NAMES if not text else [one for one in _NAMES if "checkpoint" in one]:
                yield f"{text!r}, {names}", str(folders._may_be_the_model(Path(folder), names.split()))
    for name in ("a.onnx", "m.safetensors.index.json", "c.index", "m.weights.json"):
        yield f"the stem of {name}", folders._index_stem(name)


def _trees() -> Told:
    """Files in natural order, indexes first, and a model as a whole; nothing hidden, and no links."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        for one in (
            "b10.pt", "b9.pt", "z.json", ".hidden", "in/c.pt", "in/.git/d.pt", "out/e.pt", "in/deep/f.pt",
            "saved/saved_model.pb", "saved/variables/v.index", "a/y.index", "a/x.pt", "b/g.pt",
        ):  # fmt: skip
            (top / one).parent.mkdir(parents=True, exist_ok=True)
            (top / one).write_bytes(b"")
        (top / "link.pt").symlink_to(top / "b9.pt")
        (top / "linked").symlink_to(top / "b")
        for leave_out in (None, top / "out", top / "in", top / "none"):
            told = " ".join(str(one.relative_to(top)) for one in folders.files_in(top, leave_out))
            yield f"without {leave_out and leave_out.name}", told
        for given in (["b9.pt"], ["saved"], ["b"], ["none"], ["b", "b9.pt"]):
            found = folders.candidates([top / one for one in given])
            yield f"given {given}", str([(str(one.path.relative_to(top)), one.is_found) for one in found])
        yield "a folder that is none", _said(lambda: folders.files_in(top / "none"), name)
        yield "a folder with several", _said(lambda: folders.model_in(top), name)
        yield "a folder with one", _said(lambda: folders.model_in(top / "b"), name)
        yield "a folder with a link", _said(lambda: folders.model_in(top / "out"), name)


def _beside() -> Told:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "array").write_bytes(b"x")
        (top / "folder").mkdir()
        (top / "link").symlink_to(top / "array")
        (top / "own").write_bytes(b"y")
        os.link(top / "own", top / "twin")
        for one in (
            "array", "n" * LONGEST_FILE_NAME, "n" * (LONGEST_FILE_NAME + 1), "", ".", "..", "./array", "a\\b",
            "c:array", "a\0", "a\n", "none", "folder", "link", "twin",
        ):  # fmt: skip
            for path in (top / "model", None):
                siblings = Siblings(path, Inflation(Limits()))
                told = _said(lambda s=siblings, n=one: bytes(in_memory(memoryview(s.open(n)))), name)
                yield (
                    f"beside {path and 'a model'}: {one[:9]!r} of {len(one)}",
                    f"{told.replace('n' * 200, '~')} {len(siblings.opened)}",
                )
        siblings = Siblings(top / "model", Inflation(Limits(members=1)))
        for one in ("array", "array", "own"):
            yield f"{one} of one file", _said(lambda n=one: bytes(siblings.open(n)), name)


def _wrapped() -> Told:
    """Bytes that begin as a compression does and are none, and a file with another name."""
    with tempfile.TemporaryDirectory() as name:
        own = Path(name) / "own"
        own.write_bytes(b"y")
        os.link(own, Path(name) / "twin")
        yield "a file with two names", repr(open_file(Path(name) / "twin"))
        yield "a folder", _said(lambda: open_file(Path(name)), name)
    length = b"\0\0\0\0{" + b'"a":{}' * 3
    for start in (b"x", b"\x78\x9c", b"\x78\x9c ", b"\x1f\x8b", b"\x1f\x8b\0\0" + length, b"BZh0" + length):
        budget = Inflation(Limits())
        yield f"wrapped {start!r}", _said(lambda d=start, b=budget: bytes(unwrap(d, b)[0]))


def _indexes() -> Told:
    """JSON that says in which file each tensor lies, with one fact changed."""
    held = {"a": "m-1.safetensors", "b": "m-2.safetensors"}
    for words, data in (
        ("as usual", {"weight_map": held}), ("other files", {"weight_map": {"a": "m.bin"}}),
        ("one other", {"weight_map": {**held, "c": "m.bin"}}),
        ("none", {"weight_map": {}, "x": ".safetensors"}), ("a list", {"weight_map": [".safetensors"]}),
        ("numbers", {"weight_map": {"a": 1, "b": ".safetensors"}}),
        ("another word", {"map": held}), ("no map", {"weight_map": None, "x": ".safetensors"}),
    ):  # fmt: skip
        text = json.dumps(data).encode()
        yield f"an index, {words}", _said(lambda d=text: index_of(opened(d), ".safetensors"))
    usual = json.dumps({"weight_map": held}).encode()
    for words, text in (
        ("blanks before", b" \n" + usual), ("blanks behind", usual + b" \n" * 9),
        ("a bracket", b"[" + usual + b"]"), ("a letter before", b"x" + usual),
        ("a letter behind", usual + b"x"), ("many blanks", usual + b" " * 64),
        ("twice", usual[:-1] + b', "weight_map": {}}'), ("cut short", usual[:-9] + b"}"),
    ):  # fmt: skip
        yield f"an index with {words}", _said(lambda d=text: index_of(opened(d), ".safetensors"))
    for n in (1, 2):
        file = opened(usual, limits=Limits(layers=n))
        yield f"an index of 2 for {n}", _said(lambda f=file: index_of(f, ".safetensors"))


def _prefixes() -> Told:
    for names in (
        ("a.b.c.w", "a.b.d.w"), ("a.b.c.w", "a.d.w"), ("a.b.c.w", "a.w"), ("a.b.c.w",), ("a.b.w", "a.b.v"),
        ("w", "a.w"), (), ("a.b.c.w", "b.b.c.w"),
    ):  # fmt: skip
        found = grafting._without_prefix([SimpleNamespace(keys=["other", name]) for name in names])  # type: ignore[misc]
        yield f"without what {names} share", str([found(name) for name in names])


def _zips() -> Told:
    """Fields of a zip that come twice, or where they do not count."""
    whole = _zip(names=(b"a",), methods=(0,), big=True)
    entry = whole.rindex(b"PK\1\2")
    n_own, n_more = struct.unpack_from("<H", whole, 28)[0], struct.unpack_from("<H", whole, entry + 30)[0]
    as_note, as_data = bytearray(whole), bytearray(whole)
    struct.pack_into("<HH", as_note, entry + 30, 0, n_more)
    struct.pack_into("<H", as_data, 28, n_own - 20)
    again = struct.pack("<HHQQQ", 1, 24, 5, 5, 0)
    for words, data in (
        ("whole", whole), ("its field in its note", bytes(as_note)),
        ("its field in its data", bytes(as_data)),
        ("its field twice", _zip(names=(b"a",), methods=(0,), big=True, extra=again)),
        ("another field first", _zip(names=(b"a",), methods=(0,), big=True, extra=b"\7\0\2\0xy")),
        ("deflated", _zip(names=(b"a",), methods=(8,))),
    ):  # fmt: skip
        for allowed in (5, 13):
            limits = Limits(allocation=allowed)

            def read(data: bytes = data, limits: Limits = limits) -> list[Any]:
                budget = Inflation(limits)
                budget.present = len(data)
                return [
                    (one.name, one.size, one.most_bytes, one.copy(limits))
                    for one in read_members(data, budget)
                ]

            yield f"a zip, {words}, {allowed}", _said(read)


def reading_files() -> Told:
    """All of it."""
    yield from _models()
    yield from _trees()
    yield from _beside()
    yield from _wrapped()
    yield from _indexes()
    yield from _prefixes()
    yield from _zips()
