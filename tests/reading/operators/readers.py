"""What the tables of the readers of containers, pickles and objects give."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.reading.operators.allowed import allowed
from tests.reading.operators.asking import Told
from tests.reading.operators.collected import collected
from tests.reading.operators.described_parts import described_parts
from tests.reading.operators.effective import effective
from tests.reading.operators.grammars import grammars
from tests.reading.operators.hdf5 import hdf5
from tests.reading.operators.lasagne import lasagne
from tests.reading.operators.lasagne_layers import lasagne_layers
from tests.reading.operators.layered import layered, quantised
from tests.reading.operators.loading import loading
from tests.reading.operators.named_kernels import named_kernels
from tests.reading.operators.names import names
from tests.reading.operators.near_files import near_files
from tests.reading.operators.near_formats import near_formats
from tests.reading.operators.near_graphs import near_graphs
from tests.reading.operators.near_names import near_names
from tests.reading.operators.near_pickles import near_pickles
from tests.reading.operators.near_torch import near_torch
from tests.reading.operators.older import older
from tests.reading.operators.older_tars import tars
from tests.reading.operators.on_disk import on_disk
from tests.reading.operators.optimisers import optimisers
from tests.reading.operators.plain import plain
from tests.reading.operators.reading_files import reading_files
from tests.reading.operators.reading_parts import reading_parts
from tests.reading.operators.shaped import shaped
from tests.reading.operators.texts import texts
from tests.reading.operators.torch_ends import torch_ends
from tests.reading.operators.torch_facts import facts
from tests.reading.operators.torch_indexes import indexes
from tests.reading.operators.torch_modules import modules_of_torch
from tests.reading.operators.torch_objects import objects
from tests.reading.operators.torch_tensors import tensors
from tests.reading.operators.wrapped import wrapped
from tests.reading.operators.zips import zips

__all__ = ["READERS"]

READERS: Mapping[str, Callable[[], Told]] = {
    "hdf5": hdf5,
    "torch_ends": torch_ends,
    "torch_facts": facts,
    "torch_objects": objects,
    "torch_tensors": tensors,
    "texts": texts,
    "optimisers": optimisers,
    "plain": plain,
    "on_disk": on_disk,
    "older": older,
    "older_tars": tars,
    "grammars": grammars,
    "names": names,
    "named_kernels": named_kernels,
    "near_files": near_files,
    "near_formats": near_formats,
    "near_graphs": near_graphs,
    "near_names": near_names,
    "near_pickles": near_pickles,
    "near_torch": near_torch,
    "allowed": allowed,
    "described_parts": described_parts,
    "effective": effective,
    "torch_indexes": indexes,
    "torch_modules": modules_of_torch,
    "lasagne": lasagne,
    "lasagne_layers": lasagne_layers,
    "reading_files": reading_files,
    "reading_parts": reading_parts,
    "shaped": shaped,
    "zips": zips,
    "wrapped": wrapped,
    "collected": collected,
    "layered": layered,
    "loading": loading,
    "quantised": quantised,
}
