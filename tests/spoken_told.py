"""How texts, numbers and names are said, and what small questions are answered, at the ends of each rule.

``python -m tests.telling`` writes ``tests/told/spoken.txt`` anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from filtviz import naming, text
from filtviz.network import ConvLayer
from filtviz.operations import Convolution, LocallyConnected, Pooling
from filtviz.parameter import Parameter, spread_out
from filtviz.scaling import in_double, scale_of
from filtviz.windows import Window, known_lengths, positions

__all__ = ["PARTS", "all_lines"]


def said(function: Callable[..., Any], *given: Any, **how: Any) -> str:
    """What a function gives, or the error that it ends with."""
    try:
        return ascii(function(*given, **how))
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


def texts() -> Iterator[str]:
    """Yield texts out of files."""
    raws = (
        "", "abc", "a b", "é", "\x1b[2J", "a\nb", "\u202e", "\ud800", "\U000e0001", "\t", "\x7f", "\u3000",
        "٣", "=1", " =1", "a;=1", "\uff1d1", "-", "+x;y;@", "\t1", "a;\tb", ";", "'=1", "con", "COM1.txt",
        "lpt0",         "nul.a.b", "..a", "-a", "a/b", "a..", ".", "___", "a" * 60, "a" * 61, "é" * 61,
        "漢" * 40, "漢" * 41, "a" * 240, "a" * 241, "1/½", "\ufb01", "a b  c", "x\0y",
        "conv", "com", "auxiliary", "aux", "=1;" * 12, "=\u0338", "\u2a751", "a\udc80b", "/" * 300 + "abc",
        "a" + "/" * 239, "a" + "/" * 240,
    )  # fmt: skip
    for raw in raws:
        shown = ascii(raw) if len(raw) < 20 else f"{len(raw)} of {raw[0]!a}"
        cell, stem = text.spreadsheet_text(raw)[:48], text.file_stem(raw)
        yield f"{shown}: {text.printable(raw)!a} | {cell!a} | {stem!a}"
    for raw in ("", "conv1", "it's", 'a "b"', "'\"", "\x1b\n", "a\\b", "x" * 81, f"{'x' * 50}'{'x' * 50}"):
        yield f"quoted: {text.quoted(raw)} {text.quoted(raw, 3)}"
    for limit, n in product((0, 1, 5), (0, 1, 2, 4, 5, 6, 7)):
        yield f"{n} within {limit}: {text.printable('x' * n, limit)!a} {text.printable(chr(27) * n, limit)!a}"
    for n in (5, 6):
        yield f"{n} surrogates in 5: {text.printable(chr(0xD800) * n, 5)!a}"
    for limit, n in product((1, 2, 30), (0, 1, 2, 3, 30, 31, 1234)):
        found = text.names_of_file(["", *map(str, range(n))][:n], limit)
        yield f"{n} names within {limit}: {found if len(found) < 60 else found[-30:]}"
    yield f"long names: {text.names_of_file(['x' * 50, 'y' * 5], 2, 5)}"
    for given in (
        None,
        True,
        1,
        1.5,
        "a",
        "a" * 60,
        b"a",
        object,
        [1],
        np.int64(3),
        np.float64(1.5),
        10**5000,
    ):
        yield f"described: {text.described(given)}"
    for ending, raw in product(("", "0123456789"), ("net", "x" * 49, "x" * 50, "x" * 61, "...", "a.")):
        stems = text.file_stem(raw, ending=ending), text.file_stem(raw, 20)
        yield f"stem of {len(raw)} with {ending!r}: {stems}"
    for encoding in ("ascii", "latin-1", "utf-8"):
        with patch("sys.getfilesystemencoding", return_value=encoding):
            yield f"stems for {encoding}: {text.file_stem('aé漢b')!a}"
    yield f"digests: {[text.digest(each) for each in ('', 'a', 'é', chr(0xD800))]}"
    names = ["a10", "a9", "a09", "a1b2", "", "10", "9", "a", "a" + "1.2." * 12, "b٣", "0", "00", "01"]
    yield f"in order: {sorted(names, key=text.natural_key)}"
    yield f"keys: {[text.natural_key(each) for each in ('a01b', '1' * 3, 'a', '0')]}"
    yield f"of many numbers: {len(text.natural_key('1.' * 40))}"


def numbers() -> Iterator[str]:
    """Yield numbers in words."""
    shares = (
        0.0,
        1e-9,
        0.004,
        0.0099,
        0.01,
        0.0149,
        0.015,
        0.5,
        0.748,
        0.989,
        0.99,
        0.9901,
        0.999999,
        1.0,
        1.2,
    )
    for function in (text.percent, text.about, text.over):
        yield f"{function.__name__}: {[function(each) for each in shares]}"
    for pair in ((0.1,), (0.1, 0.104), (0.5, 0.1, 0.3), (0.0, 1.0), (0.001, 0.009)):
        yield f"percents of {pair}: {text.percents(pair)}"
    ps = (0.0, 9.9e-51, 1e-50, 4.4e-9, 9.4e-4, 9.6e-4, 0.001, 0.0314, 0.0996, 0.1, 0.555, 1.0)
    yield f"p: {[text.p_value(each) for each in ps]}"
    yield f"plurals: {[text.plural(n, 'filter') for n in (0, 1, 2, 1000)]}"
    yield f"of axes: {[text.plural(n, 'axis') for n in (0, 1, 2)]}"
    yield f"every: {[text.every(n, 'layer') for n in (2, 3, 1234)]}"
    for limit, n in product((2, 8), (0, 1, 2, 3, 8, 9, 10)):
        yield f"{n} listed of {limit}: {text.listed([str(i) for i in range(n)], limit)}"
    yield f"listed: {text.listed(['', 'a'])!r} {text.listed([''])!r}"
    for places in ((), (0,), (0, 1), (0, 1, 2), (0, 2, 3, 4), (3, 2, 1), (0, 1, 2, 4, 5, 7), range(9, 40, 2)):
        yield f"runs of {tuple(places)}: {text.name_runs([(i, f'c{i}') for i in places])}"


def names() -> Iterator[str]:
    """Yield the names of files after models."""
    groups: tuple[tuple[str, ...], ...] = (
        ("a.pkl",), ("a.pkl", "b.pkl"), ("a.pkl", "a.pth"), ("x/a.pkl", "y/a.pkl"), ("x/a.pkl", "y/A.pkl"),
        ("p/x/a.pkl", "q/x/a.pkl"), ("a.pkl", "b.pkl", "c.pkl"), ("a.tar.gz", "a.pkl.bz2"),
        ("x/y.pkl", "x/y.pth", "z"),
        ("x/a.pkl", "x/b.pkl", "y/a.pkl", "z/a.pkl"), ("model.safetensors.index.json",), (".pkl", "..pkl"),
        ("x/../a.pkl", "a.pkl"), ("é/a", "漢/a"), ("a", "a"),
        ("deep/er/x/a.pkl", "deep/er/y/a.pkl", "b/a.pkl"), ("x/a.pkl", "x/a.npz", "y/a.pkl"),
        ("a.pkl", "x/c/b/a.pkl", "y/c/b/a.pkl"), ("a.v2.pkl", "a.v3.pkl"), ("a.pkl.GZ", "b.Xz"),
        ("z/a.pkl", "q/y/z/a.pkl", "p/q/y/z/a.pkl"),
    )  # fmt: skip
    for group in groups:
        paths = [Path("/m") / each for each in group]
        stems = naming.models_stem(paths), *naming.models_stems(paths)
        yield f"{group}: {naming.telling_names(paths)} {stems}"
    beside = (None, Counter[str](), naming.names_taken(["net.pkl", "net.pth", "NET.txt", "net.TXT", "net"]))
    for place in (
        "../net.pkl", "../run/net.pkl", "net.pkl", "run/net.pkl", "../../a/b/net.tar.gz", "/abs/net.pkl",
        "../" + "d/" * 8 + "net.pkl", "../" + "d/" * 9 + "net.pkl", "../a b/con.pkl", "../x/../net.pkl",
        "../.hidden/.net.pkl", "C:/x/net.pkl", "../NET.pkl", "/net.pkl",
    ):  # fmt: skip
        yield f"folders of {place}: {[naming.model_folders(place, taken)[:3] for taken in beside]}"
    yield f"taken: {sorted(naming.names_taken(['a.pkl', 'a.PNG', 'b.tar.gz', 'c', 'A']).items())}"
    lists = ["a", "A", "a"], ["a", "a-2", "a"], ["a-2", "a", "a"], ["x"] * 4, [], ["a", "b", "A", "B-2", "b"]
    for own, taken in product(lists, ((), ("a",), ("A-2", "x"))):
        yield f"unique {own} beside {taken}: {naming.unique_stems(own, taken)}"
    yield f"picture: {naming.picture_name('m', 'c', '', 'png')} {naming.picture_name('', 'c', 'p', 'pdf')}"
    yield f"starts: {naming.picture_starts('m', ['a', 'b', 'a'])}"


def shapes() -> Iterator[str]:
    """Yield windows, numbers along axes, and what layers are called."""
    for lengths in ((), (0,), (3,), (None, 3), (3, 4), (3, 0)):
        yield f"known of {lengths}: {known_lengths(lengths)}"
    for size, stride, pad, dilation, transposed in product(
        (1, 3), (1, 2), (None, ((0, 1),), ((2, 2),)), ((), (2,)), (False, True)
    ):
        window = Window(size=(size,), stride=(stride,), pad=pad, dilation=dilation, transposed=transposed)
        places = [positions((length,), window) for length in (0, 1, 2, 3, 4, 5, 8, None)]
        facts = f"{window.spans} {window.has_whole_ones_only}"
        yield f"{size} by {stride}, {pad}, {dilation}, {transposed}: {places} {facts}"
    for shape, rank, along in (
        ((), 3, ()), ((1,), 3, (7,)), ((4,), 3, (1,)), ((4,), 3, (-2,)), ((4,), 3, (3,)), ((4,), 3, (-3,)),
        ((4,), 3, (-4,)), ((4, 5), 3, (0, 2)), ((4, 5), 3, (2, 0)), ((4, 5), 3, (0,)), ((4, 5, 6), 3, ()),
        ((4,), 1, ()), ((1, 1), 3, (0, 2)), ((1, 1), 3, (7, 8)), ((2, 3, 4, 5), 3, (0, 1, 2, 3)),
    ):  # fmt: skip
        found = said(lambda s=shape, r=rank, a=along: spread_out(np.zeros(s), r, a).shape)
        yield f"{shape} along {along} of {rank}: {found}"
    for value in (0.0, 1.0, -3.0, 1e300, 5e-324, np.inf, np.nan):
        for dtype in ("f8", "f4", "f2") if abs(value) < 6e4 else ("f8",):
            array = np.array([value, value / 2, 0.0]).astype(dtype)
            yield f"scale of {value:g} in {dtype}: {said(scale_of, array)} {in_double(array).dtype}"
    for axes, shape in (
        ("oirc", (2, 1, 3, 3)), ("oir", (2, 1, 3)), ("oidrc", (2, 1, 3, 3, 3)), ("oi", (2, 1)),
        ("oirc", (0, 1, 3, 3)),
    ):  # fmt: skip
        for dtype in ("f4", "c8", "U1", "i2", "?"):
            layer = ConvLayer.of(np.zeros(shape, dtype), axes=axes)
            facts = (layer.is_curve, layer.is_volume, layer.kernel_size, layer.n_filters, layer.n_channels)
            yield f"{axes} {shape} {dtype}: {layer.why_not_drawn} {facts} {layer!r}"
    local = LocallyConnected(weights=Parameter.of("W", np.zeros((2, 1, 3, 3, 4, 4))), axes="oircyx")
    layer = ConvLayer(
        operations=(Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0))), local),
        label="local",
    )
    facts = (layer.is_curve, layer.is_volume, layer.kernel_size, layer.flip_filters, layer.axes)
    yield f"local: {layer.why_not_drawn} {facts} {isinstance(layer.convolution, Convolution)} {layer.b}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "texts": texts,
    "numbers": numbers,
    "names": names,
    "shapes": shapes,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/spoken.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
