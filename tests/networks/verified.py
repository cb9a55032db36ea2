"""What is made of the answers of a printed module: a stand-in for the process in which PyTorch would run it.

``python -m tests.telling`` writes ``tests/told/networks/verified.txt`` anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

import filtviz
from filtviz.activations import Activation
from filtviz.budget import LAYER, Account, Budget
from filtviz.converting import onnx_graph
from filtviz.converting.module_source import printed_module
from filtviz.converting.onnx_graph import onnx_model
from filtviz.converting.verifying import expected, has_onnxruntime, module_outputs, run_beside
from filtviz.network import Layer, Network
from filtviz.operations import Input, Normalisation, Untold, Upscale
from filtviz.running.choosing import has_torch
from tests.building import as_layer, conv, image
from tests.interpreters.cases import drawn
from tests.interpreters.tables import told
from tests.networks.walks import NETWORKS, said
from tests.reading.operators.graphs import written_down

__all__ = ["verified"]

Answers = list[NDArray[Any]]


def verified() -> Iterator[tuple[str, str]]:
    yield from _processes()
    yield from _converted()
    yield from _installed()
    yield from _graphs()
    yield from _modules()


@contextmanager
def _process(
    answer: Callable[[Answers], Answers] = list, *, fails: bytes | None = None, late: bool = False
) -> Iterator[list[str]]:
    """Let no process start: tell how it was asked for, and answer in its place."""
    seen: list[str] = []
    ends: list[int] = []
    pipe = os.pipe

    def both() -> tuple[int, int]:
        ends.extend(pipe())
        return ends[-2], ends[-1]

    def run(command: list[str], *, cwd: Path, stdin: int, **how: Any) -> subprocess.CompletedProcess[bytes]:
        program = zlib.crc32(command[-1].encode())
        os.fstat(stdin)  # what it reads is open
        seen.append(f"{command[0] == sys.executable} {command[1:-1]} {program:08x} {how}")
        if late:
            raise subprocess.TimeoutExpired(command, how["timeout"])
        if cwd.name.startswith("filtviz-"):
            seen.append(f"of {sorted(one.name for one in cwd.iterdir())}")
            with np.load(cwd / "noise.npz") as noise:
                given = [noise[name] for name in noise.files]
            with zipfile.ZipFile(cwd / "net.pt") as held:
                seen.append(f"with {len(held.namelist())} members")
            seen.append(f"the module {zlib.crc32((cwd / 'net.py').read_bytes()):08x}")
            seen.append(f"shown {'; '.join(map(told, given))} {given[0].dtype}")
            np.savez(cwd / "found.npz", *answer(given))
        return subprocess.CompletedProcess(command, int(fails is not None), b"", fails or b"")

    before = sys.modules.get("torch")
    sys.modules["torch"] = ModuleType("torch")
    try:
        with patch("subprocess.run", run), patch("os.pipe", both):
            yield seen
    finally:
        del sys.modules["torch"]
        if before is not None:
            sys.modules["torch"] = before
        for one in ends:
            try:
                os.fstat(one)
                seen.append("left open")
            except OSError:
                seen.append("closed")


def _processes() -> Iterator[tuple[str, str]]:
    """How a process is asked for, and what is made of how it ends."""
    two = [np.arange(6.0, dtype="f4").reshape(2, 3), np.ones((2, 1), "f4")]
    source = "class Net: ..."

    def write(stream: Any) -> None:
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("a", b"")

    for name, how in {
        "both": {"answer": lambda given: given[::-1]},
        "neither": {"answer": lambda _: []},
        "eleven": {"answer": lambda _: [np.array([n]) for n in range(11)]},
        "an error": {"fails": b"Traceback\n  line\nError: it is broken\n\n"},
        "a long one": {"fails": b"E" * 300},
        "no words": {"fails": b""},
        "odd letters": {"fails": b"\xff\x1b[31m\xe2\x80\xaeE"},
        "one line": {"fails": b"killed"},
        "nothing in time": {"late": True},
    }.items():
        with _process(**how) as seen:  # type: ignore[arg-type]
            found = said(lambda: "; ".join(map(told, module_outputs(source, write, two))))
        yield f"a process that answers {name}", f"{found} | {' | '.join(seen)}"
    with tempfile.TemporaryDirectory() as folder, _process() as seen:
        left = str(run_beside("pass", Path(folder)).returncode)
    yield "a process beside", f"{left} | {' | '.join(seen)}"


def _answers(network: Network, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:
    """What a network answers to noise in single precision, somewhat changed."""

    def answer(_: Answers) -> Answers:
        return [change(one).astype("f4") for one in expected(network, None)[1]]

    return answer


def _networks() -> dict[str, Network]:
    unsure = Network.of([image(1, 6, 6), conv(drawn(2, 1, 3, 3).value, below=0)])
    ends = Network.of(
        [
            Layer(name="a", operations=(Input(shape=(None, 3)),)),
            Layer(name="b", operations=(Input(shape=(None, 2)),)),
            as_layer(Activation(kind="tanh"), below=0, name="c"),
            as_layer(Activation(kind="sigmoid"), below=1, name="d"),
        ]
    )
    return {"plain": NETWORKS["plain"], "not sure": unsure, "two ends": ends}


def _converted() -> Iterator[tuple[str, str]]:
    """What is written of a module that answers alike, and that nothing is of one that does not."""
    changes: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
        "alike": lambda one: one,
        "nearly": lambda one: one * (1 + 1e-6),
        "otherwise": lambda one: one + 0.5,
        "no number": lambda one: one * np.nan,
        "in another shape": lambda one: one[:1],
    }
    writing = LAYER * len(NETWORKS["plain"].layers) + 6_240  # and no more: it cannot be run
    little, least = Budget(work=writing), Budget(work=writing - 1)
    for name, network in _networks().items():
        asked: list[tuple[str, dict[str, Any]]] = [("alike", {})]
        if name == "plain":
            asked += [(what, {"verify": True}) for what in changes]
            asked += [
                ("alike", {"turned": False}),
                ("alike", {"verify": False}),
                ("alike", {"budget": least}),
            ]
            asked += [("alike", {"budget": little, "verify": verify}) for verify in (None, True)]
        for what, how in asked:
            shown = {key: getattr(value, "work", value) for key, value in how.items()}
            with _process(_answers(network, changes[what])) as seen:
                told_of = _written(network, how)
            yield f"{name} answered {what}, {shown}", f"{told_of} | {len(seen)} {seen[-3:-2]}"


def _written(network: Network, how: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "o.pt"), Path(folder, "m.py")

        def write() -> str:
            found = filtviz.convert(network, paths[0], module=paths[1], **how)
            return f"{found.arrays} {found.remarks} {found.verification} {[one.name for one in found.files]}"

        shown = said(write).replace(folder, "there")
        return f"{shown} | {sorted(one.name for one in Path(folder).iterdir())}"


def _installed() -> Iterator[tuple[str, str]]:
    """What is said where that which would run it is not installed."""
    network = NETWORKS["plain"]
    with patch.dict(sys.modules), patch("importlib.util.find_spec", lambda *_: None):
        sys.modules.pop("torch", None)
        sys.modules["onnxruntime"] = None  # type: ignore[assignment]  # also where it is installed
        with (
            patch("filtviz.running.choosing.find_spec", lambda *_: None),
            patch("filtviz.converting.verifying.find_spec", lambda *_: None),
        ):
            yield "what is installed", f"{has_torch()} {has_onnxruntime()}"
            yield "no PyTorch", said(lambda: str(module_outputs("", lambda _: None, [])))
            for verify in (None, True, False):
                yield f"no PyTorch, verify {verify}", _written(network, {"verify": verify})
                with written_down(), tempfile.TemporaryDirectory() as folder:
                    path = Path(folder, "o.onnx")
                    told_of = said(
                        lambda v=verify, p=path: str(filtviz.convert(network, p, verify=v).remarks)
                    )
                    yield f"no ONNX Runtime, verify {verify}", f"{told_of} {path.exists()}"
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder, "m.py")
        taken.write_bytes(b"model")
        given = replace(network, origin=replace(network.origin, path=taken))
        shown = said(lambda: str(filtviz.convert(given, Path(folder, "o.pt"), module=taken, verify=False)))
        yield "a module over what is given", f"{shown} {taken.read_bytes()!r}".replace(folder, "there")
        untold = Network.of([as_layer(Untold(reason="it is odd"))], given.origin)
        for module in (taken, Path(folder, "other.py")):
            shown = said(lambda to=module: str(filtviz.convert(untold, Path(folder, "o.pt"), module=to)))
            yield f"a module that cannot be, as {module.name}", shown.replace(folder, "there")


def _graphs() -> Iterator[tuple[str, str]]:
    """What a graph of ONNX takes, and where it is too large."""
    wide = Network.of([image(3, 2, 2), as_layer(Upscale(scale=(2, 2), dilates=True), below=0, name="up")])
    plain = NETWORKS["plain"]
    with written_down():
        for name, network in (("plain", plain), ("wide", wide)):
            own = Account({"work": 10**9, "pixels": 0})
            told_of = said(lambda n=network, o=own: str(len(onnx_model(n, {}, o))))
            yield f"the work of a graph, {name}", f"{10**9 - own.left['work']} {told_of.partition(':')[0]}"
        odd = Network.of(
            [
                image(1, 2, 2, name="a b"),
                *(
                    as_layer(Activation(kind="tanh"), below=i, name=name)
                    for i, name in enumerate(("\x1b[2J", "\ud800", "A b", "", "x" * 300, "\u202e", "\x1b[2J"))
                ),
            ]
        )
        shown = said(lambda: onnx_model(odd, {}, Account.unlimited()).decode("utf-8", "surrogatepass"))
        yield "the names of a graph", ascii(re.sub("x{9,}", "x…x", shown))
        for words in ("it is\x1b odd", "E" * 300):
            with patch.object(sys.modules["onnx"].checker, "check_model", side_effect=ValueError(words)):
                shown = said(lambda: onnx_model(plain, {}, Account.unlimited()).decode()[:7])
            yield f"a graph that is refused, {len(words)}", shown
        short = Account({"work": 50_000, "pixels": 0})
        yield "a graph of too much work", said(lambda: str(onnx_model(plain, {}, short)))
        for most in (-1, 0):
            with patch.object(onnx_graph, "LARGEST", most):
                shown = said(lambda: onnx_model(plain, {}, Account.unlimited()).decode()[:7])
            yield f"a graph of 0 bytes of {most}", shown
        for most in (2, 3):
            with patch.object(onnx_graph, "MOST_ONES", most):
                shown = said(lambda: onnx_model(wide, {}, Account.unlimited()).decode()[:7])
            yield f"3 channels of {most}", shown


def _modules() -> Iterator[tuple[str, str]]:
    """Normalisations of units with any number of axes, as lines of a module."""
    held = {name: drawn(3, low=0.1) for name in ("mean", "spread", "gamma", "beta")}
    for rank in range(2, 7):
        shape = (None, 3, *[2] * (rank - 2))
        for name, operation in (
            ("whole", Normalisation(**held)),
            ("plain", Normalisation(mean=held["mean"], spread=held["spread"])),
            ("scaled", Normalisation(**{**held, "beta": None})),
            ("along the last", Normalisation(**held, along=(rank - 1,))),
        ):  # fmt: skip
            first = Layer(name="in", operations=(Input(shape=shape),), output_shape=shape)
            network = Network.of([first, as_layer(operation, below=0, name="it")])
            text = said(lambda n=network: _lines(*printed_module(n, "w.pt")))
            yield f"{name} normalisation of {rank} axes", text


def _lines(source: str, collected: Any) -> str:
    lines = [line.strip() for line in source.partition("super().__init__()")[2].splitlines() if line.strip()]
    return f"{'; '.join(lines)} | {[(one.name, one.shape) for one in collected.arrays]}"
