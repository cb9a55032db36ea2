"""An independent reference: nolearn's `plot_conv_weights` for one channel, on a Figure instead of pyplot."""

from __future__ import annotations

from itertools import product

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def nolearn_page(kernels, figsize=(6, 6), dpi=100, cmap="gray"):
    """Return nolearn's pixels ``(height, width, 3)`` for ``kernels`` ``(filters, rows, cols)``."""
    nrows = np.ceil(np.sqrt(len(kernels))).astype(int)
    ncols = nrows
    figure = Figure(figsize=figsize, dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(nrows, ncols, squeeze=False)
    for ax in axes.flatten():
        ax.set_xticks([])
        ax.set_yticks([])
        ax.axis("off")
    for i, (r, c) in enumerate(product(range(nrows), range(ncols))):
        if i >= len(kernels):
            break
        axes[r, c].imshow(kernels[i], cmap=cmap, interpolation="none")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
