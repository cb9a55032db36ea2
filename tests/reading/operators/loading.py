"""What `load` gives and says: of files with what a person says of them, of folders, of what is tied."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import filtviz
from filtviz import reading
from filtviz.errors import FileAccessError, FiltvizError, LimitError, MalformedFileError
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Convolution, Dense, Identity, LocallyConnected, Normalisation
from filtviz.parameter import Parameter
from filtviz.reading import grafting
from filtviz.reading.limits import Hints
from tests.building import as_layer
from tests.reading.making import dumps, image, layer, shared
from tests.reading.operators.asking import Told, array
from tests.reading.operators.small_parts import together
from tests.reading.operators.wrapped import _gzip, _zip
from tests.telling import FIXTURES, refused

__all__ = ["loading"]

FILES = {
    "arrays": FIXTURES / "py311" / "values.npz",
    "names": FIXTURES / "modern" / "sd.safetensors",
    "a graph": FIXTURES / "py311" / "layer.pkl.gz",
    "sets": FIXTURES / "modern" / "ckpt_model_ema.pt",
    "external": FIXTURES / "modern" / "onnx" / "external_one",
    "sharded": FIXTURES / "modern" / "sharded",
    "nothing": FIXTURES / "modern" / "missing",
    "a text": Path("layers.toml"),
}


class _Said(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.levelname} {record.getMessage()}")


@contextmanager
def _listening() -> Iterator[list[str]]:
    log, kept = logging.getLogger("filtviz"), _Said()
    level, passes = log.level, log.propagate
    log.addHandler(kept)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield kept.said
    finally:
        log.removeHandler(kept)
        log.setLevel(level)
        log.propagate = passes


def _loaded(path: Path, folder: Path, **words: Any) -> str:
    """What is told of a file, and what is logged, without the folders."""
    with _listening() as said:
        try:
            one = filtviz.load(path, hints=Hints(**words)).origin
        except FiltvizError as error:
            told = refused(error)
        else:
            beside, read = (
                [each.name if each.is_absolute() else f"<{each}>" for each in held]
                for held in (one.siblings, one.also_read)
            )
            by = None if one.described_by is None else one.described_by.name
            facts = (one.path and one.path.name, one.kind, one.size, beside, read, by, one.graph)
            told = "; ".join([*map(str, facts), *(each[:48] for each in (*one.inferred, *one.notes))])
    told = " | ".join([told, *said])
    for place in (folder, *(each.parent for each in FILES.values())):
        told = told.replace(f"{place}/", "")
    return told


def _with_words(folder: Path) -> Told:
    (folder / FILES["a text"]).write_text("layers = []\n")
    shutil.copy(FILES["a graph"], folder / "other.pkl.gz")
    words: tuple[dict[str, Any], ...] = (
        {}, {"weights": "ema"}, {"convs": ("0",)}, {"axes": {"": "oihw"}}, {"like": FILES["a graph"]},
        {"like": Path("a.onnx")},
        {"like": FILES["arrays"]}, {"like": FILES["nothing"]}, {"like": folder / "other.pkl.gz"},
        {"architecture": folder / FILES["a text"]}, {"architecture": FILES["nothing"]},
    )  # fmt: skip
    for kind, path in FILES.items():
        for how in words if kind in ("arrays", "a graph") else words[:2]:
            shown = {key: value.name if isinstance(value, Path) else value for key, value in how.items()}
            yield f"{kind} with {shown}", _loaded(path, folder, **how)


def _folders(folder: Path) -> Told:
    """Folders, in which files, or files of folders in them, tell what they are."""
    for words, names in {
        "nothing": (),
        "a text": ("a.txt",),
        "a model": ("a.npz",),
        "a model and a text": ("a.npz", "a.txt"),
        "two models": ("a.npz", "b.npz"),
        "a SavedModel": ("saved_model.pb", "a.npz"),
        "Keras's": ("keras_metadata.pb",),
        "a folder with a model": ("inner/a.npz",),
        "a checkpoint of JAX's": ("_METADATA",),
        "a checkpoint of JAX's in a folder": ("inner/_METADATA",),
        "a model, and a checkpoint of JAX's in a folder": ("inner/_METADATA", "a.npz"),
        "two models, and a checkpoint of JAX's": ("_METADATA", "a.npz", "b.npz"),
    }.items():
        place = folder / words.replace("'", "")
        place.mkdir()
        for name in names:
            (place / name).parent.mkdir(exist_ok=True)
            if name.endswith(".npz"):
                shutil.copy(FILES["arrays"], place / name)
            else:
                (place / name).write_bytes(b"")
        yield f"a folder of {words}", _loaded(place, folder).replace(f"{folder}/", "")


def _noted(folder: Path) -> Told:
    """Files of which several things are noted, and that are smaller or larger than what is in them."""
    held = shared(np.ones((4, 4), "f4"), "W")
    both = layer("DenseLayer", layer("DenseLayer", image(4), num_units=4, W=held), num_units=4, W=held)
    one, several = (dumps(made).replace(b"numpy._core.", b"numpy.core.") for made in (both, [both]))
    for words, data in {  # whose sizes are told: all numpys shall write the same
        "tied": one,
        "tied, and more": one + b"more",
        "tied, and more, in gzip": _gzip(one + b"more"),
        "tied twice, in a zip": _zip(p=several * 2),
    }.items():
        (folder / "noted").write_bytes(data)
        yield f"noted: {words}", _loaded(folder / "noted", folder)
    with chdir(folder):
        yield "noted: from its folder", _loaded(Path("noted"), folder)


# Arrays by the names that two files have for them

NAMES = (None, "a", "b", "module.a", "module.b", "x.y.a", "A", "1")
SOURCES = ("", "a.W", "b.W", "a/W:0", "module.a.W", "module/b/W", "arr_0", "0/1", "x.y.a.W", "a..W")


def _names() -> Told:
    for n in range(60):
        chance = random.Random(f"names {n}")
        sides = []
        for _ in range(2):
            held = [
                Parameter.of(chance.choice(("W", "W", "W", "b")), np.zeros(2), chance.choice(SOURCES))
                for _ in range(chance.choice((1, 2, 3)))
            ]
            layers = [as_layer(Identity(), name=chance.choice(NAMES), parameters=(one,)) for one in held]
            sides.append(grafting._arrays(Network.of(layers)))
        found = grafting._by_name(*sides)
        words = [
            [f"{one.layer.name}.{one.parameter.name}={one.parameter.source}" for one in side]
            for side in sides
        ]
        pairs = [sides[0].index(found[id(one)]) if id(one) in found else "-" for one in sides[1]]
        yield f"names {n}: {' '.join(words[0])} in {' '.join(words[1])}", " ".join(map(str, pairs))


# Kernels, kernels of each position and dense weights, as two frameworks store them


def _weighing(kind: str, name: str, lengths: tuple[int, ...] = (2, 2)) -> Layer:
    weights = Parameter.of("W", np.zeros(lengths), name)
    kernels: dict[str, Any] = {"weights": weights, "stride": (1,), "pad": ((0, 0),)}
    operation: Any = {
        "conv": lambda: Convolution(axes="oic", **kernels),
        "conv of axes turned": lambda: Convolution(axes="ioc", **kernels),
        "conv turned": lambda: Convolution(axes="oic", flip_filters=True, **kernels),
        "local": lambda: LocallyConnected(axes="oicx", flip_filters=False, **kernels),
        "local turned": lambda: LocallyConnected(axes="oicx", flip_filters=True, **kernels),
        "dense": lambda: Dense(weights=weights),
        "dense turned": lambda: Dense(weights=weights, axes="oi"),
        "scale": lambda: Normalisation(gamma=weights),
    }[kind]()
    return as_layer(Identity(), operation, name="a", parameters=(weights,))


def _conventions() -> Told:
    kinds = ("conv", "conv of axes turned", "conv turned", "local", "local turned", "dense", "dense turned",
             "scale")  # fmt: skip
    weights = Origin(kind="arrays", framework="Lasagne", inferred=("all",))
    for kind in kinds:
        rows = [(each, _grafts(_weighing(kind, "m"), _weighing(each, "x"), weights)) for each in kinds]
        yield from together(rows, f"{kind} to")
    unsaid = replace(weights, framework=None)
    yield "conv to conv turned, unsaid", _grafts(_weighing("conv", ""), _weighing("conv turned", ""), unsaid)
    for name in ("", "m" * 60, "m" * 61):
        for lengths in ((3, 2), (2, 3), (2, 2, 2), ()):
            shown = f"{len(name)} letters and {lengths}"
            yield shown, _grafts(_weighing("conv", name, lengths), _weighing("conv", "x", (2, 3)), weights)


def _grafts(one: Layer, other: Layer, origin: Origin) -> str:
    try:
        return str(grafting.graft(Network.of([one], origin), Network.of([other])).origin.inferred)
    except FiltvizError as error:
        return refused(error)


# Networks that were understood


def _tied(n: int) -> Network:
    """A layer whose parameters n others have."""
    one, own = array(2, 2, name="W\x1b"), array(2, name="b" * 60)
    held = [(one, array(1), own)[: 2 + (i < 3)] for i in range(n)]
    return Network.of([as_layer(Identity(), name=f"n{i}", parameters=each) for i, each in enumerate(held)])


def _of_networks() -> Told:
    for n in (1, 2, 3, 99, 100, 101):
        ties = list(reading._ties(_tied(n)))
        yield f"{n} that are tied", f"{len(ties)}: {'; '.join(ties[:3])} ... {ties[-1:]}"
    for error in (
        FileAccessError("it is gone"),
        MalformedFileError("it is damaged"),
        LimitError("it is large", limit="layers", allowed=7, option="--max-layers"),
        ValueError("no error of ours"),
    ):

        def read(error: Exception = error) -> np.ndarray:
            raise error

        weights = Parameter(name="W", shape=(2, 2), dtype=np.dtype("f4"), read=read, source="there")
        kept = array(2, name="b")
        layers = [
            as_layer(Dense(weights=weights, bias=kept), Identity(), parameters=(weights, kept)),
            as_layer(Normalisation(gamma=weights, beta=array(2))),
        ]
        for path in (Path("a.pkl"), Path("f" * 210), Path("\x1b")):
            found = reading._with_named_errors(Network.of(layers, Origin()), path)
            dense, norm = found.layers[0].operations[0], found.layers[1].operations[0]
            assert isinstance(dense, Dense)
            assert isinstance(norm, Normalisation)
            held = [found.layers[0].parameters[0], dense.weights, dense.bias, norm.gamma, norm.beta]
            told = [str(held[0] is held[1]), str(held[1] is held[3]), *(_asked(one) for one in held if one)]
            yield f"{type(error).__name__} of {str(path)[:9]!r}", " | ".join(dict.fromkeys(told))


def _asked(parameter: Parameter) -> str:
    try:
        return str(parameter.value.tolist())
    except FiltvizError as error:
        return f"{refused(error)} {len(str(error))} {str(error.path)[:9]!r} {error.sentence}"  # type: ignore[attr-defined]
    except ValueError as error:
        return str(error)


def loading() -> Told:
    """What `load` gives, and what it says."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held).resolve()
        yield from _with_words(folder)
        yield from _folders(folder)
        yield from _noted(folder)
    yield from _names()
    yield from _conventions()
    yield from _of_networks()
