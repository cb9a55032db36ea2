"""Draw the filters of a Lasagne layer that is in memory, without a file in between.

``filtviz.plot_conv_weights`` takes the place of nolearn's function of that name: it takes the same layer,
draws the same pictures, and returns the figures, not pyplot. On Python 3.11 with the extra ``lasagne``::

    python examples/draw_live_layer.py
"""

import filtviz
import filtviz.theano_shim  # lets the next import work

# isort: split
from lasagne.layers import Conv2DLayer, InputLayer


def main():
    """Draw the 32 filters that Lasagne starts from, one picture for each of 3 channels."""
    image = InputLayer((None, 3, 32, 32))
    layer = Conv2DLayer(image, num_filters=32, filter_size=(5, 5))
    for channel, figure in enumerate(filtviz.plot_conv_weights(layer, figsize=(4, 4))):
        figure.savefig(f"live-{channel}.png")
        print(f"live-{channel}.png")


if __name__ == "__main__":
    main()
