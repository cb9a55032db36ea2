"""What the commands give back: what was drawn, written and kept, what to know, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filtviz.errors import BudgetError, FiltvizError
from filtviz.network import ConvLayer, Network
from filtviz.summary import LayerRow, Summary
from filtviz.text import listed, plural

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions, Picture
    from filtviz.drawing.graphs import Graph
    from filtviz.measures.comparison import LayerComparison
    from filtviz.measures.measure import Diagnosis
    from filtviz.measures.trajectory import Trajectory

__all__ = [
    "ComparisonResult",
    "Diagnoses",
    "FileFailure",
    "GraphResult",
    "LayerFailure",
    "LayersResult",
    "PlotResult",
    "PlottedLayer",
    "WrittenFile",
]


@dataclass(frozen=True)
class LayerFailure:
    """A layer that gave nothing: its number or name as it was asked for, and why, in one sentence.

    ``code`` is that of the error, `filtviz.FiltvizError.code`.
    """

    layer: int | str
    reason: str
    code: str = FiltvizError.code


@dataclass(frozen=True)
class FileFailure:
    """A file that gave no network: its path as given, and why, in one sentence.

    ``code`` is that of the error, `filtviz.FiltvizError.code`.
    """

    file: str
    reason: str
    code: str = FiltvizError.code


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagnoses:
    """What `filtviz.diagnose` found in several models.

    Attributes:
        outcomes: Of each model its diagnosis, or why it has none, in the order in which they were given.
        follow: Follows some files through their training.
    """

    outcomes: tuple[Diagnosis | FileFailure, ...]
    follow: Callable[[Sequence[str]], Trajectory | None] = field(repr=False)

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Those of the models that have one."""
        return tuple(each for each in self.outcomes if not isinstance(each, FileFailure))

    @property
    def failures(self) -> tuple[FileFailure, ...]:
        """The models that have none, and why."""
        return tuple(each for each in self.outcomes if isinstance(each, FileFailure))

    @cached_property
    def trajectory(self) -> Trajectory | None:
        """When each layer stopped moving, where the models are three states or more of one training.

        Its places are those in ``diagnoses``; a model without a file has none in its order.
        """
        files = {place: each.file for place, each in enumerate(self.diagnoses) if each.file}
        if len(files) < FEWEST_STATES:
            return None
        try:
            found = self.follow(list(files.values()))
        except BudgetError:
            return None
        if found is None:
            return None
        places = list(files)
        order = tuple(places[i] for i in found.order)
        apart = tuple(place for place in range(len(self.diagnoses)) if place not in order)
        return replace(found, order=order, apart=apart)


FEWEST_STATES = 3
"""States of a training from which layers are followed."""


@dataclass(frozen=True)
class WrittenFile:
    """A file of the result; ``kept`` tells that it was there already and was left as it is."""

    path: Path
    kept: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class LayersResult:
    """A network and its table: what `filtviz.layers` returns."""

    network: Network
    summary: Summary

    def __repr__(self) -> str:
        return f"<LayersResult of {self.network!r}>"

    def to_frame(self) -> Any:
        """Return the table as a ``pandas.DataFrame``, see `filtviz.Network.to_frame`."""
        return self.network.to_frame()

    @property
    def rows(self) -> tuple[LayerRow, ...]:
        """One row for each layer, in network order."""
        return self.summary.rows


@dataclass(frozen=True, kw_only=True, eq=False)
class PlottedLayer:
    """A layer, its pictures, and a sentence for each thing in which these would mislead."""

    layer: ConvLayer
    pictures: tuple[Picture, ...]
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class PlotResult:
    """What `filtviz.plot` drew and wrote.

    Attributes:
        network: The network in the file.
        layers: The layers that could be drawn, each once, in the order in which they were asked for.
        options: How they were drawn.
        files: The files that were written or kept; none where no output was asked for.
        failures: The layers that could not be drawn.
        left_out: A sentence for each thing beside them that would have been too much work.
        stem: What the names of the files begin with where it is filtviz that names them; empty elsewhere.
    """

    network: Network
    layers: tuple[PlottedLayer, ...]
    options: DrawingOptions
    files: tuple[WrittenFile, ...] = ()
    failures: tuple[LayerFailure, ...] = ()
    left_out: tuple[str, ...] = ()
    stem: str = ""

    def __repr__(self) -> str:
        drawn = f"{plural(len(self.layers), 'layer')}, {plural(len(self.pictures), 'picture')}"
        return f"<PlotResult of {self.network!r}: {drawn}>"

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures of all layers; nothing of them is drawn before it is asked for."""
        return tuple(picture for each in self.layers for picture in each.pictures)

    @property
    def cautions(self) -> tuple[str, ...]:
        """A sentence for each thing in which the pictures would mislead."""
        return tuple(sentence for each in self.layers for sentence in each.cautions)


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparisonResult:
    """What `filtviz.compare` found in several models, and the pictures that it wrote.

    Attributes:
        comparisons: One for each layer that could be compared.
        files: The files that were written; none where no output was asked for.
        failures: The layers that could not be compared.
        cautions: A sentence for each thing in which the comparisons would mislead.
        stem: What the names of the files begin with where it is filtviz that names them; empty elsewhere.
    """

    comparisons: tuple[LayerComparison, ...]
    files: tuple[WrittenFile, ...] = ()
    failures: tuple[LayerFailure, ...] = ()
    cautions: tuple[str, ...] = ()
    stem: str = ""

    def __repr__(self) -> str:
        names = listed([each.label for each in self.comparisons])
        return f"<ComparisonResult of {names}: {plural(len(self.failures), 'failure')}>"


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphResult:
    """The network as boxes and links: what `filtviz.graph` returns.

    Attributes:
        network: The network in the file.
        graph: Its ``boxes``, and ``links`` between their places.
        picture: The graph drawn: ``picture.figure()`` is matplotlib's, ``picture.image()`` has pixels.
        dot: The graph in the language of Graphviz.
        mermaid: The graph as a flow chart of Mermaid.
        files: The files that were written; none where no output was asked for.
    """

    network: Network
    graph: Graph
    picture: Picture
    dot: str
    mermaid: str
    files: tuple[WrittenFile, ...] = ()

    def __repr__(self) -> str:
        held = f"boxes for {plural(len(self.graph.boxes), 'layer')}, {plural(len(self.graph.links), 'link')}"
        return f"<GraphResult of {self.network!r}: {held}>"

    def _repr_png_(self) -> bytes:
        """Return the picture, for a notebook."""
        from io import BytesIO

        stream = BytesIO()
        self.picture.image().save(stream, "PNG")
        return stream.getvalue()
