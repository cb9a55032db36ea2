"""Train the network of ``train_mission.py`` with PyTorch, and save it for PyTorch and as ONNX.

The same digits, the same layers with the same names, Adam with the same settings; the first weights are those
that PyTorch gives by default. From the checkout,
with PyTorch, onnx, scikit-learn and SciPy::

    python examples/train_mission_torch.py --epochs 20 --output examples
"""

import argparse
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mission_data import batches, load_data
from torch import nn


def build_network():
    """Return the network; its layers are named, so that the file names them."""
    layers = OrderedDict()
    for i, (channels, filters) in enumerate([(1, 20), (20, 20), (20, 20), (20, 40), (40, 40), (40, 40)], 1):
        layers[f"conv{i}"] = nn.Conv2d(channels, filters, 3)
        layers[f"relu{i}"] = nn.ReLU()
        if i % 3 == 0:
            layers[f"pool{i // 3}"] = nn.MaxPool2d(2)
    layers |= {"flatten": nn.Flatten(), "dropout": nn.Dropout(0.5)}
    layers |= {"dense1": nn.Linear(360, 96), "relu7": nn.ReLU()}
    layers |= {"dense2": nn.Linear(96, 32), "relu8": nn.ReLU()}
    layers |= {"output": nn.Linear(32, 1), "sigmoid": nn.Sigmoid()}
    return nn.Sequential(layers)


def train_epoch(network, optimizer, images, targets, rng):
    """Show every image once, in random order; return the mean loss."""
    network.train()
    losses = []
    for batch in batches(images, rng):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy(network(images[batch]), targets[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.mean(losses)


@torch.no_grad()
def accuracy(network, images, targets):
    """Return the share of images that are told right."""
    network.eval()
    return ((network(images) > 0.5) == targets).float().mean().item()


def save(network, path):
    """Save the parameters, as most ``.pth`` files have them."""
    torch.save(network.state_dict(), path)
    print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")


def export(network, path):
    """Write the whole network as ONNX."""
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter that needs no other package
        torch.onnx.export(
            network,
            torch.zeros(1, 1, 31, 31),
            path,
            input_names=["image"],
            output_names=["odd"],
            dynamic_axes={"image": {0: "n"}, "odd": {0: "n"}},
            dynamo=False,
        )
    print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")


def main():
    """Train, and tell how well it goes."""
    parser = argparse.ArgumentParser(description="Train the network of the README with PyTorch.")
    parser.add_argument("--epochs", type=int, default=20, help="how often to show every image [20]")
    parser.add_argument("--output", type=Path, default=Path(), help="the folder for the files [here]")
    parser.add_argument("--seed", type=int, default=0, help="of weights, dropout, split and order [0]")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # sums come in one order
    rng = np.random.RandomState(options.seed)
    parts = [torch.from_numpy(part) for part in load_data(options.seed)]
    train_images, test_images, train_targets, test_targets = parts
    network = build_network()
    optimizer = torch.optim.Adam(network.parameters())
    options.output.mkdir(parents=True, exist_ok=True)
    save(network, options.output / "mission-torch-start.pth")
    for epoch in range(1, options.epochs + 1):
        loss = train_epoch(network, optimizer, train_images, train_targets, rng)
        known = accuracy(network, train_images, train_targets)
        unseen = accuracy(network, test_images, test_targets)
        print(
            f"epoch {epoch}: loss {loss:.4f}, accuracy {known:.3f} in training, {unseen:.3f} on unseen images"
        )
    save(network, options.output / "mission-torch.pth")
    export(network, options.output / "mission-torch.onnx")


if __name__ == "__main__":
    main()
