"""What a report says, before it is a page or JSON: frozen facts about files and their layers."""

from __future__ import annotations

from dataclasses import dataclass

from filtviz.measures.findings import Diagnosis, LayerDiagnosis
from filtviz.network import ConvLayer, Network
from filtviz.outputs.page.histogram import Histogram
from filtviz.outputs.page.movement import Movement
from filtviz.outputs.page.pictures import PictureSet

__all__ = ["ModelFile", "PageContent", "Section", "State"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFile:
    """One model file: ``label`` is the name by which the page speaks of it, none twice."""

    label: str
    network: Network
    diagnosis: Diagnosis


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """A layer as one of the files has it."""

    file: ModelFile
    layer: ConvLayer
    diagnosis: LayerDiagnosis
    histogram: Histogram | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A layer in all files that have it in that place and of that shape.

    ``anchor`` names the section in the page; it is made of numbers only, never of what a file says.
    ``notes`` say what is not shown, and why.
    """

    anchor: str
    states: tuple[State, ...]
    pictures: tuple[PictureSet, ...]
    movement: Movement | None = None
    notes: tuple[str, ...] = ()

    @property
    def layer(self) -> ConvLayer:
        """The layer in the first of the files."""
        return self.states[0].layer

    def state_of(self, file: ModelFile) -> State | None:
        """Return the layer as ``file`` has it, or None where that has none such."""
        return next((state for state in self.states if state.file is file), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class PageContent:
    """All that a page shows. ``notes`` say what was left out, and which option shows it."""

    title: str
    files: tuple[ModelFile, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    def section_of(self, file: ModelFile, conv_index: int) -> Section | None:
        """Return the section that shows a convolution of a file, or None where it has none."""
        for section in self.sections:
            if section.layer.conv_index == conv_index and section.state_of(file) is not None:
                return section
        return None
