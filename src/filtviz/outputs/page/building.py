"""`filtviz.report`: paths or networks in, the page out."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TypeAlias

from filtviz.composition import assume_stacked
from filtviz.measures.diagnosing import diagnose
from filtviz.measures.findings import Diagnosis
from filtviz.network import Network
from filtviz.outputs.page.content import PageContent
from filtviz.outputs.page.gathering import gather_content, label_files
from filtviz.outputs.page.options import ReportOptions
from filtviz.outputs.page.rendering import render_page
from filtviz.reading import load

__all__ = ["Model", "gather", "report"]

Model: TypeAlias = str | PathLike[str] | Network


def report(models: Model | Sequence[Model], options: ReportOptions | None = None) -> str:
    """Return a page on the filters of a model, or of several states of one, as one HTML document.

    Args:
        models: A path or a network, or several of them in the order of training.
        options: Which layers, and how large the page may be.

    Raises:
        ReadError: a file does not give a network.
        SelectionError: a layer was asked for that a network does not have.
        MeasureError: the input range is none.
        ValueError: there is no model.
    """
    return render_page(gather(models, options))


def gather(models: Model | Sequence[Model], options: ReportOptions | None = None) -> PageContent:
    """Return what the page of `report` says, as facts; arguments and errors are the same."""
    options = options or ReportOptions()
    networks = [_as_network(model) for model in _listed(models)]
    if not networks:
        raise ValueError("a report needs at least one model")
    for network in networks:
        for wanted in options.layers:
            network.select(wanted)  # before minutes are spent on measures
    if options.stacked:
        networks = [assume_stacked(network) for network in networks]
    return gather_content(networks, _diagnose_all(networks, options), options)


def _listed(models: Model | Sequence[Model]) -> Sequence[Model]:
    return [models] if isinstance(models, str | PathLike | Network) else models


def _as_network(model: Model) -> Network:
    return model if isinstance(model, Network) else load(model)


def _diagnose_all(networks: Sequence[Network], options: ReportOptions) -> list[Diagnosis]:
    """Judge each network, those after the first against it as well."""
    first = [(label_files(networks)[0], networks[0])]
    return [
        diagnose(network, before=first if place else (), input_range=options.input_range)
        for place, network in enumerate(networks)
    ]
