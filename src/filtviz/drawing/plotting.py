"""From what a person asks of a layer or a network to pictures: channels, view, what to write on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from filtviz.drawing.estimates import pay_for_pages, pay_for_view
from filtviz.drawing.grid import cautions
from filtviz.drawing.options import PRIMARIES, DrawingOptions, SheetOptions
from filtviz.drawing.planar import view_for
from filtviz.drawing.selection import Channels, as_ranges, choose_channels
from filtviz.drawing.sheet import SheetTexts, with_badges, with_composition
from filtviz.drawing.views import VIEWS, draw
from filtviz.errors import ArgumentError
from filtviz.given import (
    LayerChoice,
    LiveModel,
    Model,
    as_images,
    as_layer,
    expect,
    filters_of,
    load,
    several,
)
from filtviz.text import described

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from filtviz.budget import Account
    from filtviz.drawing.selection import ChannelRanges
    from filtviz.drawing.showing import Figures
    from filtviz.drawing.views import Picture
    from filtviz.measures.comparison import LayerComparison
    from filtviz.measures.measure import LayerDiagnosis
    from filtviz.network import ConvLayer, Network

__all__ = [
    "Channels",
    "LayerPictures",
    "compare",
    "plot_comparison",
    "plot_conv_weights",
    "plot_sheet",
    "plot_through",
    "settle",
]


def plot_conv_weights(layer: Any, figsize: tuple[float, float] = (6, 6)) -> Figures:
    """Draw the filters of a convolution: one figure for each input channel, an axes for each kernel.

    Weights are drawn as stored, each kernel scaled by its own least and greatest. The figures are
    `matplotlib.figure.Figure`s, unknown to pyplot: ``figures[0].savefig("conv1.png")``. The list of them
    shows itself as a strip in a notebook, by ``figures.show()`` as in nolearn, and
    ``figures.save("conv1.pdf")`` writes it as a whole. For files, `filtviz.export` draws the same pages
    several hundred times faster.

    Args:
        layer: A `filtviz.ConvLayer`, a live Lasagne layer (anything with ``layer.W.get_value()``), an array
            ``(filters, channels, rows, cols)``, or a model with one convolution. A live
            ``TransposedConv2DLayer`` stores ``(channels, filters, rows, cols)`` and a ``Conv2DCCLayer``
            without dimshuffle ``(channels, rows, cols, filters)``; both are turned.
        figsize: Width and height of each figure in inches.

    Raises:
        DrawingError: the weights are no pictures of filters.
        ArgumentError: ``figsize`` is not two positive numbers.
    """
    options = DrawingOptions(figsize=figsize)
    filters = filters_of(layer)
    from filtviz.drawing.figures import blank_figure, draw_kernels
    from filtviz.drawing.showing import Figures

    return Figures(
        draw_kernels(blank_figure(options.figsize, options.dpi), filters[:, channel], options.cmap)
        for channel in range(filters.shape[1])
    )


def plot_sheet(
    layer: Any,
    options: SheetOptions | None = None,
    *,
    view: str = "sheet",
    channels: Channels = None,
    dpi: float = 100.0,
) -> Figures:
    """Draw all filters of a convolution on one sheet, with indices, one scale, and words.

    Args:
        layer: A `filtviz.ConvLayer`, a live Lasagne layer (anything with ``layer.W.get_value()``), an array
            ``(filters, channels, rows, cols)``, or a model with one convolution.
        options: Scale, order, colours and the rest; None for the defaults.
        view: ``sheet`` (every kernel), ``rms`` (root mean square over the channels), ``components`` or
            ``nmf`` (the patterns that the channels share).
        channels: The input channels to draw, as for `filtviz.plot`; None draws all.
        dpi: Pixels per inch; at 100 every weight is a square of whole pixels.

    Returns:
        One figure, or as many pages as a large layer needs.

    Raises:
        DrawingError: the weights are no pictures of filters, or not what the view needs.
        ArgumentError: there is no such view, or it is not drawn in the channels' colours.
    """
    drawn, sheet = as_layer(layer), expect(options, SheetOptions, "options")
    drawing = DrawingOptions(view=view, dpi=dpi, sheet=sheet or SheetOptions())
    drawing, ranges = settle(channels, view, drawing, needs_sheet=False)
    return _figures_of(draw(drawn, choose_channels(drawn, ranges), drawing))


def plot_through(
    network: Model | LiveModel,
    layer: LayerChoice,
    options: SheetOptions | None = None,
    *,
    assume_stacked: bool = False,
    images: NDArray[Any] | None = None,
    view: str = "sheet",
    dpi: float = 100.0,
) -> Figures:
    """Draw a deeper layer's filters as they are on the image, through all layers below it.

    What was left out to make them, and how well they predict the units' answers, is written on the sheet;
    `filtviz.composition.compose` and `measure_fidelity` give the same as arrays.

    Args:
        network: A path, a network, or a model in memory.
        layer: One of its convolutions: its number (0 is the first, -1 the last), its name, or the layer.
        options: Scale, order, colours and the rest; None for the defaults.
        assume_stacked: Where the file does not tell, assume stride 1 and no pooling.
        images: ``(images, channels, rows, cols)`` to check the filters on; None for white noise.
        view: As for `plot_sheet`.
        dpi: Pixels per inch.

    Raises:
        CompositionError: something below the layer is no filter on the image, or the file does not tell it.
        SelectionError: the network has no such layer.
        ReadError: the file does not give a network.
    """
    from filtviz.composition import compose_layer

    sheet = expect(options, SheetOptions, "options")
    drawing = DrawingOptions(view=view, dpi=dpi, sheet=sheet or SheetOptions())
    whole = load(network)
    composed = compose_layer(whole, whole.select(layer), stacked=assume_stacked, images=as_images(images))
    channels, texts = range(composed.layer.n_channels), with_composition(composed, SheetTexts())
    return _figures_of(draw(composed.layer, channels, drawing, texts))


def compare(layers: Iterable[Any], states: Sequence[str] | None = None) -> LayerComparison:
    """Compare the same layer at several states, such as before and after training.

    Args:
        layers: Two or more of what `plot_sheet` takes, in order.
        states: What each is called; None calls them ``1``, ``2``, ….

    Returns:
        The relative change and the cosine of each filter and of the layer.

    Raises:
        DrawingError: there are fewer than two, or they have different shapes.
    """
    from filtviz.measures.comparison import compare_layers

    given = several(layers)
    names = [str(i) for i in range(1, len(given) + 1)] if states is None else list(states)
    if len(names) != len(given):
        raise ArgumentError(f"there are {len(given)} layers and {len(names)} names for them")
    return compare_layers([as_layer(layer) for layer in given], names)


def plot_comparison(
    comparison: LayerComparison, options: SheetOptions | None = None, *, dpi: float = 100.0
) -> Figures:
    """Draw each filter at every state, and last minus first, on one scale.

    Args:
        comparison: What `filtviz.compare` found for a layer.
        options: Scale, colours and the rest; None for the defaults.
        dpi: Resolution in pixels per inch.
    """
    from filtviz.drawing.kernel_sheets import comparison_pages
    from filtviz.measures.comparison import LayerComparison

    if not isinstance(comparison, LayerComparison):
        raise ArgumentError(
            f"{described(comparison)} is no comparison: give one of filtviz.compare(…).comparisons"
        )
    sheet = expect(options, SheetOptions, "options")
    drawing = DrawingOptions(view="sheet", dpi=dpi, sheet=sheet or SheetOptions())
    return _figures_of(comparison_pages(comparison, drawing))


def _figures_of(pictures: Iterable[Picture]) -> Figures:
    from filtviz.drawing.showing import Figures

    return Figures(picture.figure() for picture in pictures)


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
        ArgumentError: there is no such view, it has no colours of its own for channels that are asked for in
            these, or the channels are none.
    """
    options = expect(drawing, DrawingOptions, "drawing") or DrawingOptions()
    if isinstance(channels, str) and channels in PRIMARIES:
        sheet = replace(options.sheet, primaries=channels)
        options, channels = replace(options, sheet=sheet), None
    colours = options.sheet.primaries
    if view is None and (needs_sheet or colours is not None) and not VIEWS[options.view].is_sheet:
        view = "sheet"
    options = options if view is None else replace(options, view=view)
    if colours is not None and not VIEWS[options.view].has_primaries:
        raise ArgumentError(
            f"the view {options.view!r} is not drawn in the channels' colours: leave out {colours!r}, "
            "or take the view 'sheet'"
        )
    return options, as_ranges(channels)


@dataclass(frozen=True, kw_only=True)
class LayerPictures:
    """Makes the pictures of a network's layers, one layer after another.

    Attributes:
        network: The network; where badges need it, it is diagnosed once for all layers.
        source: The file's name, for the header of sheets.
        options: How layers are drawn.
        ranges: The channels to draw.
        through: Whether filters are composed down to the image.
        stacked: Whether that may assume what the file does not tell, see `compose_layer`.
        images: What to check composed filters on, ``(images, channels, rows, cols)``; None for noise.
        badges: Whether what `filtviz.diagnose` finds at a filter is marked.
        suffix: The format of the files.
        account: What it may take.
    """

    network: Network
    source: str
    options: DrawingOptions
    ranges: ChannelRanges
    through: bool
    stacked: bool
    images: NDArray[Any] | None
    badges: bool
    suffix: str
    account: Account

    def pictures(self, layer: ConvLayer) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
        """Return a layer's pictures, not drawn yet, and a sentence for each thing in which they mislead."""
        drawn, texts = self._prepare(layer)
        channels = choose_channels(drawn, self.ranges)
        pay_for_view(drawn, channels, self.options, self.suffix, self.account)
        pictures = tuple(draw(drawn, channels, self.options, texts))
        pay_for_pages(pictures, self.suffix, self.account, f"drawing {layer.title}")
        is_sheet = VIEWS[view_for(drawn, len(channels), self.options.view)].is_sheet
        misleading = () if is_sheet else cautions(drawn, channels, self.options)
        return pictures, tuple(misleading)

    def _prepare(self, layer: ConvLayer) -> tuple[ConvLayer, SheetTexts]:
        """Return what to draw of a layer, and what a sheet says of it."""
        drawn, texts = layer, SheetTexts(source=self.source)
        if self.through:
            from filtviz.composition import compose_layer

            composed = compose_layer(
                self.network, layer, stacked=self.stacked, images=self.images, account=self.account
            )
            drawn, texts = composed.layer, with_composition(composed, texts)
        found = self._found.get(layer.conv_index) if self.badges else None
        return drawn, texts if found is None else with_badges(found, layer.n_filters, texts)

    @cached_property
    def _found(self) -> dict[int, LayerDiagnosis]:
        from filtviz.measures.diagnosing import diagnose

        found = diagnose(self.network, account=self.account)
        self.account.left_out.extend(found.left_out)
        return {each.conv_index: each for each in found.layers}
