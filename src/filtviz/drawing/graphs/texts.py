"""Boxes and links as text: for Graphviz (DOT), for Mermaid, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from filtviz.drawing.graphs.boxes import Graph
from filtviz.drawing.graphs.picture import COLOURS
from filtviz.errors import ArgumentError
from filtviz.files import is_folder, make_folder, write_whole
from filtviz.naming import models_stem
from filtviz.network import Network
from filtviz.sources import Sources
from filtviz.text import printable

__all__ = ["TEXTS", "as_dot", "as_lines", "as_mermaid", "wants_text", "write_text"]


def as_dot(graph: Graph) -> str:
    """Return a graph in the language of Graphviz.

    Args:
        graph: The boxes and links.
    """
    dashed = "" if graph.is_told else ", style=dashed"
    lines = [
        f"digraph {_quoted(graph.name)} {{",
        '    node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10];',
        f'    edge [fontname="Helvetica", fontsize=8, color="#555555"{dashed}];',
    ]
    for number, box in enumerate(graph.boxes):
        fill, edge = COLOURS[box.kind]
        label = _quoted("\n".join([box.title, *box.lines]))
        lines.append(f'    n{number} [label={label}, fillcolor="{fill}", color="{edge}"];')
    for a, b in graph.links:
        lines.append(f"    n{a} -> n{b} [label={_quoted(graph.boxes[a].shape_text)}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def as_mermaid(graph: Graph) -> str:
    """Return a graph as a flow chart of Mermaid, which GitHub and many editors draw.

    Args:
        graph: The boxes and links.
    """
    lines = ["flowchart TD"]
    for number, box in enumerate(graph.boxes):
        label = "<br/>".join([f"<b>{_entities(box.title)}</b>", *map(_entities, box.lines)])
        lines.append(f'    n{number}["{label}"]:::{box.kind}')
    arrow = "-->" if graph.is_told else "-.->"
    for a, b in graph.links:
        shape = _entities(graph.boxes[a].shape_text)
        lines.append(f'    n{a} {arrow}|"{shape}"| n{b}' if shape else f"    n{a} {arrow} n{b}")
    for kind in dict.fromkeys(box.kind for box in graph.boxes):
        fill, edge = COLOURS[kind]
        lines.append(f"    classDef {kind} fill:{fill},stroke:{edge},color:#222222")
    return "\n".join([*lines, ""])


def _entities(text: str) -> str:
    """Return a text in which nothing means anything to Mermaid."""
    return "".join(one if one.isalnum() or one in " .,-_/×·" else f"#{ord(one)};" for one in text)


def as_lines(graph: Graph) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each box: its name, what it does, what it gives, what feeds it.

    What feeds it is named where that is not simply the row above.

    Args:
        graph: The boxes and links.
    """
    below: dict[int, list[int]] = {}
    for a, b in graph.links:
        below.setdefault(b, []).append(a)
    for number, box in enumerate(graph.boxes):
        fed = below.get(number, [])
        names = ", ".join(graph.boxes[a].title for a in fed)
        if fed == [number - 1] or (not fed and box.kind == "input"):
            names = ""
        elif not fed and number:
            names = "nothing"
        what = " · ".join(box.lines)
        yield box.title, what, box.shape_text, names and f"← {names}"


TEXTS: Mapping[str, tuple[Callable[[Graph], str], str]] = {"dot": (as_dot, "//"), "mmd": (as_mermaid, "%%")}
"""Suffix → what writes a graph so, and how a comment begins."""

_ALSO = {"gv": "dot", "mermaid": "mmd"}


def _format_of(path: Path) -> str:
    suffix = path.suffix[1:].lower()
    return _ALSO.get(suffix, suffix)


def wants_text(output: Path, suffix: str | None) -> bool:
    """Tell whether a graph is to be written as text and not as a picture.

    Args:
        output: A file or a folder.
        suffix: The format, None for what the file's name says.
    """
    if isinstance(suffix, str) and suffix in TEXTS:
        return True
    return _format_of(output) in TEXTS and not is_folder(output)


def write_text(graph: Graph, network: Network, output: Path, suffix: str | None) -> Path:
    """Write a graph as text, and return where: into a file, or under a name of ours into a folder.

    Args:
        graph: The boxes and links.
        network: What they show, over whose files nothing is written.
        output: A file or a folder.
        suffix: The format, None for what the file's name says.

    Raises:
        ArgumentError: the format is not that of the name.
        OutputError: the file cannot be written.
    """
    named, kind = _format_of(output), suffix or _format_of(output)
    is_file = bool(output.suffix) and not is_folder(output)
    if is_file and kind != named:
        raise ArgumentError(f"--format {kind} contradicts the name {printable(output.name, 80)}")
    stem = models_stem([network.origin.path or Path("network")])
    path = output if is_file else output / f"{stem}-graph.{kind}"
    sources = Sources.of([network])
    if not is_file:
        sources.refuse_others(path)
    make_folder(path.parent)
    write, comment = TEXTS[kind]
    text = write(graph) + (f"{comment} {sources.mark}\n" if sources.mark else "")
    write_whole(path, lambda stream: stream.write(text.encode()), sources)
    return path
