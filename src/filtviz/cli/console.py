"""What the commands say: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["complain", "print_json", "say"]


def say(message: str) -> None:
    """Tell the person something that is not the result."""
    click.echo(message, err=True)


def complain(message: str) -> None:
    """Say what went wrong."""
    click.echo(f"filtviz: {message}", err=True)


def print_json(value: Any) -> None:
    """Print a result for scripts: strict JSON, ASCII only, so that no terminal obeys what a file says."""
    click.echo(json.dumps(value, indent=2, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    """Turn a path, a numpy scalar or an array into what JSON has."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
