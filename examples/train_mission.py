"""Train a small convolutional network with Lasagne and pickle it untrained, half way and trained.

The task is real: scikit-learn's bundled handwritten digits, scaled to 31x31, odd against even. The network
has six convolutions of 3x3, initialised as Lasagne does by default and trained with Adam. Its three pickles
show what training did to the filters. From the checkout, on Python 3.11 with the extra ``lasagne``::

    python examples/train_mission.py --epochs 20 --output examples
"""

import argparse
import pickle
import sys
from pathlib import Path

import numpy as np
from mission_data import batches, load_data

import filtviz.theano_shim  # noqa: F401  (lets the next imports work)

# isort: split
import lasagne
import theano
import theano.tensor as T
from lasagne.layers import Conv2DLayer, DenseLayer, DropoutLayer, InputLayer, MaxPool2DLayer


def build_network():
    """Return the output layer."""
    net = InputLayer((None, 1, 31, 31), name="input")
    for i in (1, 2, 3):
        net = Conv2DLayer(net, num_filters=20, filter_size=(3, 3), name=f"conv{i}")
    net = MaxPool2DLayer(net, pool_size=(2, 2), name="pool1")
    for i in (4, 5, 6):
        net = Conv2DLayer(net, num_filters=40, filter_size=(3, 3), name=f"conv{i}")
    net = MaxPool2DLayer(net, pool_size=(2, 2), name="pool2")
    net = DropoutLayer(net, p=0.5, name="dropout")
    net = DenseLayer(net, num_units=96, name="dense1")
    net = DenseLayer(net, num_units=32, name="dense2")
    return DenseLayer(net, num_units=1, nonlinearity=lasagne.nonlinearities.sigmoid, name="output")


def compile_functions(network):
    """Return ``train(images, targets) -> loss``, a step of Adam, and ``predict(images) -> probabilities``."""
    images, targets = T.tensor4("images"), T.matrix("targets")
    loss = lasagne.objectives.binary_crossentropy(lasagne.layers.get_output(network, images), targets).mean()
    parameters = lasagne.layers.get_all_params(network, trainable=True)
    train = theano.function([images, targets], loss, updates=lasagne.updates.adam(loss, parameters))
    predict = theano.function([images], lasagne.layers.get_output(network, images, deterministic=True))
    return train, predict


def train_epoch(train, images, targets, rng):
    """Show every image once, in random order; return the mean loss."""
    return np.mean([train(images[batch], targets[batch]) for batch in batches(images, rng)])


def accuracy(predict, images, targets):
    """Return the share of images that are told right."""
    return np.mean((predict(images) > 0.5) == targets)


def save(network, path):
    """Pickle the whole network.

    Once compiled it is twice as large: the dropout layer's random stream keeps its states and the symbolic
    graph. That is how such files come, so nothing is taken out.
    """
    sys.setrecursionlimit(10_000)  # pickle follows the graph from layer to layer
    path.write_bytes(pickle.dumps(network, protocol=pickle.HIGHEST_PROTOCOL))
    print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")


def main():
    """Train, and tell how well it goes."""
    parser = argparse.ArgumentParser(description="Train the network of the README and pickle it three times.")
    parser.add_argument("--epochs", type=int, default=20, help="how often to show every image [20]")
    parser.add_argument("--output", type=Path, default=Path(), help="the folder for the pickles [here]")
    parser.add_argument("--seed", type=int, default=0, help="of weights, split and order [0]")
    options = parser.parse_args()

    theano.config.floatX = "float32"
    theano.config.traceback.limit = 0  # or the pickles would name this computer's folders
    rng = np.random.RandomState(options.seed)
    lasagne.random.set_rng(rng)
    train_images, test_images, train_targets, test_targets = load_data(options.seed)
    network = build_network()
    options.output.mkdir(parents=True, exist_ok=True)
    save(network, options.output / "mission-untrained.pkl")
    train, predict = compile_functions(network)
    for epoch in range(1, options.epochs + 1):
        loss = train_epoch(train, train_images, train_targets, rng)
        known = accuracy(predict, train_images, train_targets)
        unseen = accuracy(predict, test_images, test_targets)
        print(
            f"epoch {epoch}: loss {loss:.4f}, accuracy {known:.3f} in training, {unseen:.3f} on unseen images"
        )
        if epoch == max(1, options.epochs // 2):
            save(network, options.output / "mission-halfway.pkl")
    save(network, options.output / "mission-trained.pkl")


if __name__ == "__main__":
    main()
