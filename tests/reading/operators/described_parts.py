"""Parts of ``--architecture`` and of what tells names and optimisers, asked by themselves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Convolution, Dense
from filtviz.parameter import Parameter
from filtviz.reading.architecture import build
from filtviz.reading.architecture.kinds import Arrays, activation_of
from filtviz.reading.architecture.tables import (
    ALL_DOTS,
    LONGEST,
    MOST_BYTES,
    MOST_DOTS,
    read_tables,
)
from filtviz.reading.architecture.template import _image, _shape, _text, _weighing, _wrapped, template
from filtviz.reading.architecture.template import _names as _names_of
from filtviz.reading.architecture.template import _said as _said_of
from filtviz.reading.arrays import ComputedArray
from filtviz.reading.limits import Limits, effort
from filtviz.reading.optimised import moved_among, moved_by_shape
from filtviz.reading.tensor_names import (
    PYTORCH,
    Tensor,
    first_things_first,
    is_called_transposed,
    named_by_order,
)
from tests.building import put
from tests.reading.operators.architecture import _case, _table
from tests.reading.operators.asking import Told, array
from tests.telling import refused

__all__ = ["described_parts"]

_CONV = 'type = "convolution"\nweights = "{}"\nstride = 1\npad = 0\nflip = false'


def _said(ask: Callable[[], Any]) -> str:
    try:
        return str(ask())
    except FiltvizError as error:
        return refused(error)


def _tables() -> Told:
    grouped, up = _CONV.format("grouped"), _CONV.format("up").replace("conv", "transposed-conv", 1)
    for axes in ("girc", "oirc", "oirg", "oig"):
        for weights in ("grouped", "line"):
            yield _case(f'{_CONV.format(weights)}\naxes = "{axes}"', ((None, 3, 8, 9),))
    for channels in (3, 6, 8, 12):
        yield _case(f'{up}\naxes = "iohw"\ngroups = 2', ((None, channels, 8, 9),))
    for length in (-2, -1, (1 << 31) - 1, 1 << 31):
        yield _case(f'type = "reshape"\nlengths = [{length}]')
    for text in (
        'type = ["convolution"]', "type = 3", 'type = "convolutoin"',
        grouped.replace("stride = 1", "strid = 2"),
        grouped.replace("stride = 1", "stride = 1979-05-27"), grouped.replace("stride = 1", 'stride = "é"'),
        grouped.replace("stride = 1", f"stride = {LONGEST}"), grouped.replace("stride = 1", ""),
        grouped.replace("flip = false", "flop = false"), grouped.replace("pad = 0", ""),
    ):  # fmt: skip
        yield _case(text, ((None, 3, 8, 9),))
        yield _case(text, ((None, 3, 8, 9),), "stride = 1\npad = 1\nflip = true")
    for text in ("activatio = 'relu'", "activation = 'tanh'", "activation = ['tanh']", "x = 1"):
        for above in ("activation = 'relu'", ""):
            table, top = _table(text), _table(above, "")

            def ask(table: Any = table, top: Any = top) -> str:
                found = activation_of(table if "activation" in table.values else top, table)
                table.check_all_used()
                return str(found and getattr(found, "kind", "softmax"))

            yield f"{text} below {above!r}", _said(ask)


def _files() -> Told:
    """What is said of texts that are none, with the file that the error names."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"
        dots = "\n".join(["." * MOST_DOTS] * (ALL_DOTS // MOST_DOTS + 1))
        for words, text in (
            ("a table", "x = 1\ny = 2\n[a]\nz = 3\n"), ("an activation", "[activation]\nkind = 'elu'\n[a]\n"),
            ("a layer of that name", "[activation]\ntype = 'softmax'\n[a]\n"), ("no TOML", "[a\n"),
            ("digits", f"x = 1{'0' * 5000}\n"), ("no table", "x = 1\n"), ("no text", b"\xff"),
            ("much", "#" * (MOST_BYTES + 1)), ("dots", dots), ("dots in a line", "#" + "." * (MOST_DOTS + 1)),
        ):  # fmt: skip
            put(path, text)
            yield words, _read(path)
        yield "no file", _read(Path(folder) / "gone.toml").replace(folder, "")


def _read(path: Path) -> str:
    try:
        top, tables = read_tables(path, Limits())
        return f"{dict(top.values)} {[(one.name, dict(one.values)) for one in tables]}"
    except FiltvizError as error:
        said = refused(error).partition("TOML: ")[0]  # what is no TOML each Python says in its own words
        return f"{said} ({error.path and error.path.name})"


def _arrays() -> Told:
    """Which arrays no table names: not those of which another was computed, nor a count."""
    a, b, twin, count = (array(4, name=name) for name in ("a", "b", "a", "n"))
    named = [Parameter.of(one.name, one.value, one.name) for one in (a, b, twin)]
    batches = [Parameter.of(word, np.ones(shape, kind), word) for word, shape, kind in
               (("seen", (), "i8"), ("labels", (3,), "i8"), ("scale", (), "f4"))]  # fmt: skip
    whole = Parameter.of("c", np.ones((4, 3, 2, 2), "f4"), "c")
    computed = Layer(operations=(Convolution(weights=whole, axes="oirc"),), parameters=(named[1], count))
    network = Network.of(
        [Layer(parameters=(named[0],)), Layer(parameters=(named[2], *batches)), computed], Origin()
    )
    for taken in ((), ("b",), ("c",), ("b", "labels")):
        arrays = Arrays.of(network)
        for name in taken:
            arrays.take(_table(f"weights = '{name}'"), "weights")
        yield f"arrays without {taken}", f"{sorted(arrays.by_name)}, unused {arrays.unused()}"


def _built() -> Told:
    """Texts of two layers: what the activation above all stands behind, and names that are none."""
    k, vectors = array(4, 3, 1, 1, name="k"), [array(n, name="b") for n in (4, 3)]
    words = zip("kbc", (k, *vectors), strict=True)
    held = [Parameter.of(word, one.value, word) for word, one in words]
    network = Network.of([Layer(parameters=tuple(held))], Origin())
    conv = '[{}]\ntype = "convolution"\nweights = "k"\n'.format
    norm = '[norm]\ntype = "normalisation"\nmean = "{0}"\nstd = "{0}"\n'.format
    pool = '[pool]\ntype = "pool"\nsize = 2\n'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"
        for words, text in (
            ("a kernel", conv("a")), ("a norm", norm("c")), ("a norm behind a kernel", conv("a") + norm("b")),
            ("a norm beside", conv("a") + norm("c") + "from = []\n"), ("behind a pool", pool + norm("c")),
            ("behind both", conv("a") + pool + norm("b")), ("a typo", conv("a") + "poll = 2\n"),
            ("another", conv("a") + "fron = 'a'\n"), ("itself", conv("a") + "from = 'a'\n"),
            ("below", pool + "from = 'a'\n" + conv("a")), ("nowhere", pool + "from = 'b'\n" + conv("a")),
        ):  # fmt: skip
            put(path, f"input = [3, 8, 8]\nstride = 1\npad = 0\nflip = false\nactivation = 'relu'\n{text}")
            yield f"built of {words}", _said(lambda: _layers(build(network, path, Limits())))


def _layers(network: Network) -> str:
    layers = [(one.name, *(type(each).__name__ for each in one.operations)) for one in network.layers]
    return f"{layers} {network.origin.inferred}"


def _printed() -> Told:
    """Templates, line by line: names, letters that TOML writes otherwise, and kernels that paint."""
    for one in ('"', "\\", "a", "é", "\n", "\x85", "\uffff", "\U000e0001", "\U0010ffff"):
        yield f"letter {one!r}", ascii(_text(one))
    for shape, source in (((), "s"), ((2, 3), ""), ((4,), "a\nb")):
        held = Parameter.of("name", np.ones(shape, "f4"), source)
        yield f"said of {shape}, {source!r}", f"{_shape(held)}, {_said_of(held)}"
    kernel = Convolution(weights=array(4, 3, 1, 1), axes="oirc")
    called = (None, "a", "conv1", "a", "a_", None, "conv1")
    named = [Layer(operations=(kernel,), name=name) for name in called]
    yield "names", str(_names_of([*named, Layer(), Layer(operations=(Dense(),))]))
    for transposed, axes in product((False, True), ("oirc", "iorc", "rcio")):
        one = Convolution(weights=array(4, 3, 1, 1), axes=axes, transposed=transposed)
        yield f"{axes}, {transposed}", "; ".join(_weighing(one))
    for operations in ((Dense(), kernel), (Dense(weights=array(5, 2), axes="io"), kernel), (Dense(),)):
        yield f"image of {[type(one).__name__ for one in operations]}", _image([Layer(operations=operations)])
    yield "words", _wrapped([f"word-{n}" for n in range(30)]).replace("\n", "/")
    for path, facts in ((Path("there/net.npz"), {}), (None, {}), (Path("net.npz"), {"inferred": ()})):
        origin = Origin(**{"kind": "arrays", "path": path, "inferred": ("x",)} | facts)
        network = Network.of([Layer(operations=(kernel,), parameters=(kernel.weights,))], origin)  # type: ignore[arg-type]
        yield f"a template for {path}, {facts}", _said(lambda n=network: template(n)[:90].splitlines())


def _tensors(**shapes: tuple[int, ...]) -> list[Tensor]:
    return [
        Tensor(
            name=name.replace("_", "."),
            array=ComputedArray(shape=shape, dtype=np.dtype("f4"), read=partial(np.zeros, shape, "f4")),
        )
        for name, shape in shapes.items()
    ]


def _names() -> Told:
    for own in ("g_2", "g_x", "g_0", "h_2"):
        for other in ("g_0", "g_3", "h_0", "g_a", "g_10"):
            held = _tensors(**{f"{other}_weight": (4, 8, 3, 3), f"{own}_weight": (8, 3, 3, 3)})
            told = " ".join(one.name for one in first_things_first(held, PYTORCH))
            yield f"{own} that sees colours behind {other}", told
    for name in ("deconv.up", "deconv.body", "upconv.body", "body.upconv", "up.conv", "body.up", "conv"):
        for shape in ((8, 8, 4, 4), (5, 5, 4, 4), (8, 8, 3, 3), (8, 8, 4, 3)):
            yield f"{name} of {shape} by name", str(is_called_transposed(name, shape, PYTORCH))
    for shapes in (
        ((8, 4, 3, 3), (3,)), ((8, 4, 3, 3), (8,)), ((8, 4, 3, 3), (4,)),
        ((8, 4), (8,), (8,), (8,), (8,), (8,)),
        ((8,),) * 4, ((8,),) * 7, ((8, 4), *((8,),) * 9), ((8,), (8,), (4,)), ((8,),),
    ):  # fmt: skip
        held = _tensors(**{str(place): shape for place, shape in enumerate(shapes)})
        yield f"in order {shapes}", " ".join(one.name for one in named_by_order(held))


def _moved() -> Told:
    for group in (((3,),), ((2, 2), (5,)), ((2, 2), (3,)), (), (None,), ((3,), (3,))):
        found = moved_by_shape([("a", (3,)), ("b", (2, 2)), ("c", (3,))], group)
        yield f"moved by shape {group}", f"{sorted(found.moved)} {sorted(found.resting)}"
    held = [[("a", (3,)), ("b", (2, 2)), ("c", (4,))]]
    for optimisers in (
        ((((3,),),), (((3,),),)), ((((3,),),), (((4,),),)), ((((3,),), ((2, 2),)),), ((((2, 2),), ((5,),)),),
        ((((3,), None),), (((4,),),)), ((((3,), None, (4,)),),),
    ):  # fmt: skip
        found = moved_among(held, optimisers, effort(Limits()))
        yield f"moved among {optimisers}", f"{sorted(found.moved)} {sorted(found.resting)}"


def described_parts() -> Told:
    """All of it."""
    yield from _tables()
    yield from _files()
    yield from _arrays()
    yield from _built()
    yield from _printed()
    yield from _names()
    yield from _moved()
