"""``filtviz loss``: the losses that a file tells of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating

if TYPE_CHECKING:
    from filtviz.demonstrations import Losses

__all__ = ["loss"]


@click.command(cls=Command, short_help="Draw the losses of the training.")
@demonstrating(images="none")
def loss(**asked: Any) -> Losses:
    """Draw the losses that MODEL tells of its training, by epoch.

    nolearn's NeuralNet keeps them in train_history_; checkpoints of PyTorch where a person put lists of them
    under names such as train_loss and val_losses. Keras files keep none.

    \b
    Example:
      filtviz loss net.pkl
    """
    from filtviz.demonstrations import loss as ask

    return ask(**asked)
