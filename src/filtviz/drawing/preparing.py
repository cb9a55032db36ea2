"""From what a person asks of a network to pictures of its layers: channels, view, what to write on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from filtviz.drawing.grid import cautions
from filtviz.drawing.options import PRIMARIES, DrawingOptions
from filtviz.drawing.selection import choose_channels, parse_channels
from filtviz.drawing.sheet import SheetTexts, with_badges, with_composition
from filtviz.drawing.views import VIEWS, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from filtviz.drawing.selection import ChannelRanges
    from filtviz.drawing.views import Picture
    from filtviz.measures.findings import LayerDiagnosis
    from filtviz.network import ConvLayer, Network

__all__ = ["Channels", "Preparation", "settle"]

Channels: TypeAlias = str | Iterable[int | tuple[int, int]] | None
"""As in a shell (``"0,2-5"``, ``"rgb"``), or numbers and pairs of a first and a last one; None for all."""


def settle(
    channels: Channels, view: str | None, drawing: DrawingOptions | None, *, needs_sheet: bool
) -> tuple[DrawingOptions, ChannelRanges]:
    """Return how to draw, and which channels.

    Args:
        channels: A person's choice, see `filtviz.plot`.
        view: The view that was asked for; None leaves it to the others.
        drawing: The other options; None for the defaults.
        needs_sheet: Whether there is something to write that nolearn's layout has no place for.

    Raises:
        ValueError: there is no such view, or the channels are none.
    """
    options = drawing or DrawingOptions()
    if isinstance(channels, str) and channels in PRIMARIES:
        sheet = replace(options.sheet, primaries=channels)
        options, channels = replace(options, sheet=sheet), None
    needs_sheet = needs_sheet or options.sheet.primaries is not None
    if view is None and needs_sheet and not VIEWS[options.view].is_sheet:
        view = "sheet"
    options = options if view is None else replace(options, view=view)
    if channels is None or isinstance(channels, str):
        return options, None if channels is None else parse_channels(channels)
    return options, [(each, each) if isinstance(each, int) else each for each in channels]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What is done to each layer of a network before it is drawn.

    Attributes:
        network: The network; where badges need it, it is diagnosed once for all layers.
        source: The file's name, for the header of sheets.
        options: How layers are drawn.
        ranges: The channels to draw.
        through: Whether filters are composed down to the image.
        stacked: Whether that may assume what the file does not tell, see `compose_layer`.
        images: What to check composed filters on, ``(images, channels, rows, cols)``; None for noise.
        badges: Whether what `filtviz.diagnose` finds at a filter is marked.
    """

    network: Network
    source: str
    options: DrawingOptions
    ranges: ChannelRanges
    through: bool
    stacked: bool
    images: NDArray[Any] | None
    badges: bool

    def pictures(self, layer: ConvLayer) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
        """Return a layer's pictures, not drawn yet, and a sentence for each thing in which they mislead."""
        drawn, texts = self._prepare(layer)
        channels = choose_channels(drawn, self.ranges)
        pictures = tuple(draw(drawn, channels, self.options, texts))
        is_sheet = VIEWS[self.options.view].is_sheet
        misleading = () if is_sheet else cautions(layer, channels, self.options)
        return pictures, tuple(misleading)

    def _prepare(self, layer: ConvLayer) -> tuple[ConvLayer, SheetTexts]:
        """Return what to draw of a layer, and what a sheet says of it."""
        drawn, texts = layer, SheetTexts(source=self.source)
        if self.through:
            from filtviz.composition.through import compose_layer

            composed = compose_layer(self.network, layer, stacked=self.stacked, images=self.images)
            drawn, texts = composed.layer, with_composition(composed, texts)
        found = self._found.get(layer.conv_index) if self.badges else None
        return drawn, texts if found is None else with_badges(found, layer.n_filters, texts)

    @cached_property
    def _found(self) -> dict[int, LayerDiagnosis]:
        from filtviz.measures.diagnosing import diagnose

        return {each.conv_index: each for each in diagnose(self.network).layers}
