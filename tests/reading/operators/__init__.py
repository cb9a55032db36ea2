"""Each operator and class that the formats know, asked with its attributes; `FORMATS` gives what is told.

What was told stands in ``tests/told/operators/``; ``python -m tests.telling`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.reading.operators.architecture import architecture
from tests.reading.operators.architecture_keys import architecture_keys
from tests.reading.operators.arrays import bare, grafted, named_arrays
from tests.reading.operators.asking import Told
from tests.reading.operators.bare_parts import bare_parts
from tests.reading.operators.caffe import caffe
from tests.reading.operators.corners_constants import corners_of_constants
from tests.reading.operators.corners_folding import corners_of_folding
from tests.reading.operators.corners_graphdef import corners_of_graphdef
from tests.reading.operators.corners_graphs import corners_of_graphs
from tests.reading.operators.corners_nodes import corners_of_nodes
from tests.reading.operators.corners_onnx import corners_of_onnx
from tests.reading.operators.corners_saved import corners_of_saved
from tests.reading.operators.corners_sizes import corners_of_sizes
from tests.reading.operators.corners_tensorflow import corners_of_tensorflow
from tests.reading.operators.corners_tflite import corners_of_tflite
from tests.reading.operators.edges import edges
from tests.reading.operators.ends_tflite import ends_of_tflite
from tests.reading.operators.exact import exact
from tests.reading.operators.exported_parts import exported_parts
from tests.reading.operators.folding import folded
from tests.reading.operators.graphs import graphs
from tests.reading.operators.held_formats import held_formats
from tests.reading.operators.held_pickles import held_pickles
from tests.reading.operators.keras import keras
from tests.reading.operators.keras_ends import keras_ends
from tests.reading.operators.keras_held import keras_held
from tests.reading.operators.keras_keys import keras_keys
from tests.reading.operators.keras_parts import keras_parts
from tests.reading.operators.lasagne_links import lasagne_links
from tests.reading.operators.lengths import lengths
from tests.reading.operators.memory import in_memory, values
from tests.reading.operators.modules import modules
from tests.reading.operators.named import named
from tests.reading.operators.near_architectures import near_architectures
from tests.reading.operators.near_lists import near_lists
from tests.reading.operators.near_parts import near_parts
from tests.reading.operators.near_small import near_small
from tests.reading.operators.nodes_onnx import nodes_of_onnx
from tests.reading.operators.nodes_others import nodes_of_others
from tests.reading.operators.odd_architecture import odd_architectures
from tests.reading.operators.odd_onnx import odd_graphs_of_onnx
from tests.reading.operators.odd_saved import odd_saved_models
from tests.reading.operators.odd_tensorflow import odd_graphs_of_tensorflow
from tests.reading.operators.odd_tensors import odd_calls, odd_tensors
from tests.reading.operators.onnx import onnx
from tests.reading.operators.paddle_parts import paddle_parts
from tests.reading.operators.pickled import pickled
from tests.reading.operators.pickled_parts import pickled_parts
from tests.reading.operators.products import products
from tests.reading.operators.programs import pickle_programs
from tests.reading.operators.readers import READERS
from tests.reading.operators.small_parts import small_parts
from tests.reading.operators.starts import starts
from tests.reading.operators.tensorflow import tensorflow
from tests.reading.operators.tflite import sparse, tflite
from tests.reading.operators.tflite_parts import tflite_parts
from tests.reading.operators.torch import exported, torch
from tests.reading.operators.whole_binaries import files_of_others
from tests.reading.operators.whole_keras import models_of_keras
from tests.reading.operators.whole_more import whole_more
from tests.reading.operators.whole_onnx import graphs_of_onnx
from tests.reading.operators.whole_parts import whole_parts
from tests.reading.operators.whole_pickles import networks_in_pickles
from tests.reading.operators.whole_saved import saved_by_tensorflow
from tests.reading.operators.whole_tensorflow import graphs_of_tensorflow
from tests.reading.operators.whole_tflite import models_of_tflite
from tests.reading.operators.whole_torch import programs_of_torch
from tests.reading.operators.whole_trees import trees_of_arrays

__all__ = ["FORMATS"]

FORMATS: Mapping[str, Callable[[], Told]] = {
    "architecture": architecture,
    "architecture_keys": architecture_keys,
    "bare": bare,
    "bare_parts": bare_parts,
    "caffe": caffe,
    "corners_of_constants": corners_of_constants,
    "corners_of_folding": corners_of_folding,
    "corners_of_graphdef": corners_of_graphdef,
    "corners_of_graphs": corners_of_graphs,
    "corners_of_nodes": corners_of_nodes,
    "corners_of_onnx": corners_of_onnx,
    "corners_of_saved": corners_of_saved,
    "corners_of_sizes": corners_of_sizes,
    "corners_of_tensorflow": corners_of_tensorflow,
    "corners_of_tflite": corners_of_tflite,
    "edges": edges,
    "ends_of_tflite": ends_of_tflite,
    "exact": exact,
    "exported": exported,
    "exported_parts": exported_parts,
    "files_of_others": files_of_others,
    "folded": folded,
    "given": values,
    "grafted": grafted,
    "graphs": graphs,
    "graphs_of_onnx": graphs_of_onnx,
    "graphs_of_tensorflow": graphs_of_tensorflow,
    "held_formats": held_formats,
    "held_pickles": held_pickles,
    "in_memory": in_memory,
    "keras": keras,
    "keras_ends": keras_ends,
    "keras_held": keras_held,
    "keras_keys": keras_keys,
    "keras_parts": keras_parts,
    "lasagne_links": lasagne_links,
    "lengths": lengths,
    "models_of_keras": models_of_keras,
    "models_of_tflite": models_of_tflite,
    "modules": modules,
    "named": named,
    "networks_in_pickles": networks_in_pickles,
    "near_architectures": near_architectures,
    "near_lists": near_lists,
    "near_parts": near_parts,
    "near_small": near_small,
    "nodes_of_onnx": nodes_of_onnx,
    "nodes_of_others": nodes_of_others,
    "named_arrays": named_arrays,
    "odd_architectures": odd_architectures,
    "odd_calls": odd_calls,
    "odd_graphs_of_onnx": odd_graphs_of_onnx,
    "odd_graphs_of_tensorflow": odd_graphs_of_tensorflow,
    "odd_saved_models": odd_saved_models,
    "odd_tensors": odd_tensors,
    "onnx": onnx,
    "paddle_parts": paddle_parts,
    "pickled": pickled,
    "pickled_parts": pickled_parts,
    "pickle_programs": pickle_programs,
    "products": products,
    "programs_of_torch": programs_of_torch,
    "saved_by_tensorflow": saved_by_tensorflow,
    "small_parts": small_parts,
    "sparse": sparse,
    "starts": starts,
    "tensorflow": tensorflow,
    "tflite": tflite,
    "tflite_parts": tflite_parts,
    "torch": torch,
    "trees_of_arrays": trees_of_arrays,
    "whole_more": whole_more,
    "whole_parts": whole_parts,
    **READERS,
}
