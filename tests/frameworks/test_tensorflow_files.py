"""TensorFlow: SavedModels, checkpoints of both generations and frozen graphs, to the last bit.

TensorFlow is not in the extra ``frameworks``, since it is large: ``pip install tensorflow-cpu`` lets these
tests run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filtviz import load
from filtviz.operations import Activation, Convolution, Normalisation, Pooling

from .comparing import bits

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install tensorflow-cpu)")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SPEC = tf.TensorSpec((None, 16, 16, 3), tf.float32)


class Net(tf.Module):
    """A network whose variables are attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = tf.Variable(tf.random.normal((5, 3, 3, 8)), name="stem/kernel")
        self.bias = tf.Variable(tf.random.normal((8,)), name="stem/bias")
        self.depth = tf.Variable(tf.random.normal((3, 3, 8, 2)), name="depth/depthwise_kernel")
        self.up = tf.Variable(tf.random.normal((3, 3, 4, 16)), name="up/kernel")
        self.facts = [
            tf.Variable(tf.random.uniform((4,)), name=f"norm/{one}") for one in ("a", "b", "c", "d")
        ]

    @tf.function(input_signature=[SPEC])
    def __call__(self, x: Any) -> Any:
        x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, self.stem, 2, "SAME"), self.bias))
        x = tf.nn.depthwise_conv2d(x, self.depth, (1, 1, 1, 1), "VALID", dilations=(2, 2))
        size = tf.stack([tf.shape(x)[0], 2 * tf.shape(x)[1], 2 * tf.shape(x)[2], 4])
        x = tf.nn.conv2d_transpose(x, self.up, size, 2)
        x, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=self.facts[0], offset=self.facts[1], mean=self.facts[2], variance=self.facts[3],
            is_training=False,
        )  # fmt: skip
        return tf.nn.max_pool2d(x, 2, 2, "VALID")


def kernels(net: Net) -> list[Any]:
    return [bits(one.numpy()) for one in (net.stem, net.depth, net.up)]


def assert_is_the_graph(path: Path, net: Net) -> None:
    network = load(path)
    assert [bits(layer.W) for layer in network.conv_layers] == kernels(net)
    stem, depth, up = (layer.convolution for layer in network.conv_layers)
    assert bits(stem.bias.value) == bits(net.bias.numpy())
    assert (stem.stride, stem.pad) == ((2, 2), ((1, 2), (0, 1)))
    assert isinstance(depth, Convolution)
    assert (depth.groups, depth.dilation) == (8, (2, 2))
    assert up.transposed
    kinds = [type(each) for layer in network.layers for each in layer.operations]
    assert {Activation, Normalisation, Pooling} <= set(kinds)
    given = net(tf.zeros((1, 16, 16, 3))).shape
    assert network.layers[-1].output_shape[1:] == (given[3], *given[1:3])


def test_a_saved_model_is_its_graph_and_its_variables(tmp_path):
    net = Net()
    tf.saved_model.save(net, str(tmp_path / "m"))
    assert_is_the_graph(tmp_path / "m", net)


def test_a_saved_model_without_a_signature_is_so_too(tmp_path):
    net = Net()
    tf.saved_model.save(net, str(tmp_path / "m"), signatures={})
    assert_is_the_graph(tmp_path / "m", net)


def test_a_module_without_a_function_has_its_weights_and_that_is_said(tmp_path):
    class Bare(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(tf.random.normal((3, 3, 3, 4)), name="kernel")

    net = Bare()
    tf.saved_model.save(net, str(tmp_path / "m"))
    network = load(tmp_path / "m")
    assert [bits(layer.W) for layer in network.conv_layers] == [bits(net.kernel.numpy())]
    assert "its graph is not followed" in network.origin.inferred[0]


def test_a_frozen_function_is_the_same_graph(tmp_path):
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    net = Net()
    frozen = convert_variables_to_constants_v2(net.__call__.get_concrete_function())
    path = tmp_path / "m.pb"
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
    assert_is_the_graph(path, net)


def test_a_checkpoint_of_objects_holds_the_variables(tmp_path):
    net = Net()
    prefix = tf.train.Checkpoint(model=net).save(str(tmp_path / "ckpt"))
    found = {bits(layer.W) for layer in load(f"{prefix}.index").conv_layers}
    assert found == set(kernels(net))


@pytest.mark.parametrize("resource", [False, True])
def test_a_session_of_the_first_generation_leaves_a_graph_and_checkpoints(tmp_path, resource):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.variable_scope("", use_resource=resource), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 28, 28, 1), "x")
        kernel, bias = v1.get_variable("conv1/kernel", (5, 5, 1, 6)), v1.get_variable("conv1/bias", (6,))
        y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
        v1.train.AdamOptimizer().minimize(tf.reduce_mean(y**2))
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(tmp_path / "m"), {"x": x}, {"y": y})
        v1.train.Saver().save(session, str(tmp_path / "c" / "model.ckpt"))
        wanted = bits(session.run(kernel))
    network = load(tmp_path / "m")
    assert [layer.type for layer in network.layers] == ["Placeholder", "Conv2D", "Relu"]
    assert network.layers[-1].output_shape == (None, 6, 28, 28)
    for found in (network, load(tmp_path / "c" / "model.ckpt.index")):
        assert [(layer.name, bits(layer.W)) for layer in found.conv_layers] == [("conv1", wanted)]
        assert any("optimiser" in one for one in found.origin.left_out)
