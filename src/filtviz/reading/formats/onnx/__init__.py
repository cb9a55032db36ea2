"""ONNX models: a protocol buffer with the whole graph, and the weights in it or in files beside it."""

from __future__ import annotations

import re
from dataclasses import replace

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.formats.onnx.graph import GraphReader
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.protobuf import Message
from filtviz.reading.quantised import said_of_meant
from filtviz.reading.stretch import view_of
from filtviz.text import names_of_file

__all__ = ["open"]

_IR_VERSION, _PRODUCER, _PRODUCER_VERSION, _GRAPH, _OPSETS, _FUNCTIONS = 1, 2, 3, 7, 8, 25
_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})
_GRAPH_FIELDS = frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16})
_MOST_FIELDS = 4096
"""Fields of the outermost message: a few, and one for each function and each property."""

_STARTS = re.compile(rb"\x08[\x01-\x20](\x12[\x00-\x40]|[:B\x1a\xa2\xca]|\x72|\x2a)|[:B]", re.DOTALL)
"""The version of the format and the producer; or the graph, or the operators' versions, first."""

_TEXT = re.compile(rb"\s*<\s*\n?\s*ir_version\s*:|\s*ir_version\s*:")
_ORT = b"ORTM"


def open(opened: Opened) -> Network | None:
    """Read the graph.

    Raises:
        UnsupportedFileError: it is a form of ONNX that filtviz does not read.
        MalformedFileError: it is damaged or cut short, or says what cannot be.
        LimitError: it has too many nodes.
    """
    _refuse_other_forms(opened)
    if not _STARTS.match(opened.start):
        return None
    model = Message(view_of(opened.data), opened.effort)
    graph = _graph_of(model, certain=opened.start[:1] == b"\x08" and opened.start[2:3] == b"\x12")
    if graph is None:
        return None
    opsets = {one.text(1): one.integer(2) for one in model.messages(_OPSETS)}
    opset = opsets.get("", opsets.get("ai.onnx", 1))
    functions = {(one.text(10), one.text(1)): one for one in model.messages(_FUNCTIONS)}
    reader = GraphReader(opened=opened, functions=functions, opset=opset)
    reader.read(graph)
    if not reader.layers:
        raise UnsupportedFileError("it is an ONNX model without a single node")
    origin = origin_of(
        opened,
        "an ONNX model",
        objects=Objects(form="ONNX"),
        framework="ONNX",
        producer=" ".join(filter(None, (model.text(_PRODUCER), model.text(_PRODUCER_VERSION)))),
        order="the graph of the file, which is sorted as it runs",
        notes=_notes(reader),
    )
    versions = {"IR": str(model.integer(_IR_VERSION)), "opset": str(opset)}
    return Network.of(reader.layers, replace(origin, versions=versions))


def _refuse_other_forms(opened: Opened) -> None:
    if opened.start[4:8] == _ORT:
        raise UnsupportedFileError(
            "it is a model in ONNX Runtime's own format (.ort), which filtviz does not read; name the .onnx "
            "file from which it was made"
        )
    if _TEXT.match(opened.start):
        raise UnsupportedFileError(
            "it is an ONNX model written as text; save it as binary with onnx.save, and name that file"
        )


def _graph_of(model: Message, *, certain: bool) -> Message | None:
    """Return the graph, None where the bytes are no model of ONNX's."""
    try:
        if not model.fields.keys() <= _FIELDS or sum(map(len, model.fields.values())) > _MOST_FIELDS:
            return None
        graph = model.message(_GRAPH)
        if graph is None or not graph.fields.keys() <= _GRAPH_FIELDS:
            return None
        node = next(iter(graph.messages(1)), None)
        is_one = model.has(_OPSETS) or model.has(_IR_VERSION)
        return graph if is_one and (node is None or node.text(4).isprintable()) else None
    except MalformedFileError:
        if certain and b"ai.onnx" in bytes(model.view[-4096:]):
            raise
        return None


_MOST_NAMED = 5


def _notes(reader: GraphReader) -> list[str]:
    notes = []
    quantised = [name for name in reader.quantised if name not in set(reader.meant)]
    if quantised:
        notes.append(
            "weights are stored as whole numbers that are scaled before they are used: "
            f"{names_of_file(quantised, _MOST_NAMED)}; how strong filters are against each other does "
            "not show in them"
        )
    if reader.meant:
        notes.append(said_of_meant(reader.meant))
    if reader.computed:
        words = dict.fromkeys(word for words in reader.computed.values() for word in words)
        notes.append(
            f"the kernels of {names_of_file(list(reader.computed), _MOST_NAMED)} are computed from what is "
            f"stored, as the graph says ({names_of_file(list(words), 8)})"
        )
    if reader.costly:
        notes.append(
            f"the kernels of {names_of_file(reader.costly, _MOST_NAMED)} are not shown: to compute them as "
            "the graph says takes more work than a model of its size may ask for"
        )
    if reader.unfollowed:
        kinds = names_of_file(list(dict.fromkeys(reader.unfollowed.values())), 8)
        notes.append(
            f"{names_of_file(list(reader.unfollowed), _MOST_NAMED)} may have kernels, which are not shown: "
            f"filtviz does not follow {kinds}"
        )
    if reader.running:
        words = dict.fromkeys(reader.running.values())
        notes.append(
            f"the kernels of {names_of_file(list(reader.running), _MOST_NAMED)} are no constants but what "
            f"{names_of_file(list(words), _MOST_NAMED)} gives when the network runs, and are not shown"
        )
    return notes
