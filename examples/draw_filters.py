"""Draw the filters of a model file from Python: one picture for each input channel.

From the checkout::

    python examples/draw_filters.py examples/mission-trained.pkl conv1
"""

import sys

import filtviz


def main(path, layer_name):
    """Save ``<layer>-<channel>.png`` for each channel that the layer looks at."""
    network = filtviz.load(path)
    layer = network.select(layer_name)
    print(f"{layer.label}: {layer.n_filters} filters of {layer.kernel_size}, {layer.n_channels} channel(s)")
    for channel, figure in enumerate(filtviz.plot_conv_weights(layer)):
        figure.savefig(f"{layer.label}-{channel}.png")
        print(f"{layer.label}-{channel}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
