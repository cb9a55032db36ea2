"""Layers out of named tensors: what names and shapes tell, and what is left open."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.errors import LimitError, MalformedFileError, SelectionError
from filtviz.network import ConvLayer
from filtviz.operations import Convolution, Dense, Embedding, Normalisation, Recurrent, Untold
from filtviz.reading.arrays import count, narrow_dtype, stored, strided
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.tensor_names import FLAX, PYTORCH, Tensor
from filtviz.reading.tensors import layers_of

F4 = np.dtype("<f4")


def tensors(**shapes: tuple[int, ...]) -> list[Tensor]:
    """Return tensors of zeros by name, with ``__`` for the separator."""
    made = []
    for name, shape in shapes.items():
        data = bytes(4 * count(shape))
        made.append(
            Tensor(
                name=name.replace("__", "."),
                array=stored(shape, F4, False, len(data), lambda data=data: data),
            )
        )
    return made


def test_layers_stand_in_the_order_of_the_file_and_have_the_frameworks_names():
    found = layers_of(
        tensors(
            b__weight=(8, 3, 5, 5),
            b__bias=(8,),
            a__weight=(8,),
            a__bias=(8,),
            a__running_mean=(8,),
            a__running_var=(8,),
            a__num_batches_tracked=(),
            fc__weight=(10, 72),
            fc__bias=(10,),
        ),
        PYTORCH,
        Hints(),
    ).layers
    assert [(layer.name, layer.type) for layer in found] == [
        ("b", "Conv2d"), ("a", "BatchNorm"), ("fc", "Linear"),
    ]  # fmt: skip
    convolution, norm, dense = (layer.operations[0] for layer in found)
    assert isinstance(convolution, Convolution)
    assert (convolution.axes, convolution.flip_filters, convolution.stride) == ("oirc", False, None)
    assert isinstance(norm, Normalisation)
    assert (norm.spread_is, norm.epsilon) == ("variance", 1e-5)
    assert isinstance(dense, Dense)
    assert (dense.axes, dense.units) == ("oi", 10)
    assert [layer.inputs for layer in found] == [(), (0,), (1,)]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("transformer.wte", (50257, 768)),
        ("transformer.wpe", (1024, 768)),
        ("bert.embeddings.word_embeddings", (30522, 768)),
        ("bert.embeddings.position_embeddings", (512, 768)),
        ("model.embed_tokens", (100, 16)),
        ("embedding", (100, 16)),
        ("emb1", (100, 16)),
    ],
)
def test_a_table_of_embeddings_is_told_by_its_name_and_that_is_said(name, shape):
    found = layers_of(tensors(**{f"{name}.weight": shape, "fc.weight": (4, shape[1])}), PYTORCH, Hints())
    table, dense = found.layers
    assert isinstance(table.operations[0], Embedding)
    assert table.type == "Embedding"
    assert (table.inputs, dense.inputs) == ((), (0,))
    assert any("tables of embeddings by what they are called" in one for one in found.inferred)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "shape", "more"),
    [
        ("embedding", (100, 16), {"embedding.bias": (100,)}),
        ("embedding", (16, 100), {}),
        ("patch_embedding", (768, 48), {}),
        ("time_embed.0", (768, 48), {}),
        ("embedding.proj", (768, 48), {}),
        ("embedder", (768, 48), {}),
        ("fc", (50257, 768), {}),
        ("lm_head", (50257, 768), {}),
    ],
)
def test_a_dense_layer_is_none_whatever_it_is_called(name, shape, more):
    found = layers_of(tensors(**{f"{name}.weight": shape}, **more), PYTORCH, Hints())
    assert isinstance(found.layers[0].operations[0], Dense)
    assert not any("embeddings" in one for one in found.inferred)


def test_flax_calls_its_tables_by_name():
    held = tensors(**{"emb/embedding": (50, 8), "fc/kernel": (8, 4)})
    found = layers_of(held, FLAX, Hints())
    assert isinstance(found.layers[0].operations[0], Embedding)
    assert not any("embeddings" in one for one in found.inferred)


def test_a_filter_of_one_channel_is_depthwise_only_above_as_many_channels():
    found = layers_of(
        tensors(a__weight=(8, 1, 3, 3), b__weight=(8, 1, 3, 3), c__weight=(20, 1, 3, 3)), PYTORCH, Hints()
    )
    assert [layer.operations[0].groups for layer in found.layers] == [None, 8, None]
    assert (
        "depthwise convolutions, since each filter has one channel and there are as many below: b"
        in found.inferred
    )


def groups_of(as_they_run: bool, **shapes: tuple[int, ...]) -> list[int | None]:
    found = layers_of(tensors(**shapes), PYTORCH, Hints(), as_they_run=as_they_run).layers
    return [one.operations[0].groups for one in found if isinstance(one.operations[0], Convolution)]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("name", "shapes", "groups"),
    [
        (
            "b.conv_dw",
            {"b__shortcut__expand": (128, 64, 1, 1), "b__conv_dw": (128, 1, 7, 7), "b__fc": (256, 128, 1, 1)},
            64,
        ),
        ("b.rep.0", {"b__skip": (12, 6, 1, 1), "b__skipbn": (12,), "b__rep__0": (6, 1, 3, 3)}, 6),
        ("b.1", {"b__shortcut__0": (128, 64, 1, 1), "b__0": (64, 64, 1, 1), "b__1": (128, 1, 3, 3)}, None),
        (
            "c.branch1.0",
            {
                "c__branch1__0": (16, 1, 3, 3),
                "c__branch1__2": (16, 16, 1, 1),
                "c__branch2__0": (16, 16, 1, 1),
            },
            16,
        ),
        ("c.branch1.0", {"c__branch1__0": (16, 1, 3, 3), "c__branch2__0": (8, 3, 3, 3)}, None),
        ("c.conv_dw", {"c__conv_dw": (24, 1, 3, 3), "c__conv_pw": (8, 24, 1, 1)}, 24),
        ("c.depth_conv.conv", {"c__depth_conv__conv": (24, 1, 3, 3)}, 24),
        ("c.window", {"c__window": (24, 1, 3, 3), "c__conv_pw": (8, 24, 1, 1)}, None),
    ],
)
def test_depthwise_layers_are_told_by_what_stands_beside_them_and_by_their_names(name, shapes, groups):
    weights = {"a__weight": (6, 3, 3, 3), **{f"{one}__weight": shape for one, shape in shapes.items()}}
    found = {layer.name: layer for layer in layers_of(tensors(**weights), PYTORCH, Hints()).layers}
    convolution = found[name].operations[0]
    assert isinstance(convolution, Convolution)
    assert convolution.groups == groups


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shapes", "transposed"),
    [
        ({"b__lora_down": (4, 6, 3, 3), "b__lora_up": (32, 4, 1, 1)}, []),
        ({"b__up": (32, 4, 2, 2)}, ["b.up"]),
        ({"b__deconv": (32, 4, 1, 1)}, ["b.deconv"]),
        ({"b__path_2__conv": (84, 168, 1, 1), "b__norm": (168,)}, []),
    ],
)
def test_kernels_of_one_place_are_transposed_only_where_their_names_say_it(shapes, transposed):
    weights = {f"{name}__weight": shape for name, shape in shapes.items()}
    weights |= {f"b__norm__running_{one}": (168,) for one in ("mean", "var") if "b__norm" in shapes}
    layers = layers_of(tensors(a__weight=(6, 3, 3, 3), **weights), PYTORCH, Hints()).layers
    assert [
        one.name for one in layers if isinstance(one, ConvLayer) and one.convolution.transposed
    ] == transposed


def test_halves_of_the_channels_below_are_no_groups():
    weights = {f"b__{part}__0__weight": (64, 32, 3, 3) for part in ("paths", "plain")}
    named = tensors(a__weight=(64, 64, 3, 3), **weights)
    layers = (
        [tensors(a__weight=(64, 3, 3, 3))[0], *named[1:2]],
        [tensors(a__weight=(64, 3, 3, 3))[0], *named[2:]],
    )
    found = [layers_of(one, PYTORCH, Hints()).layers[1].operations[0] for one in layers]
    assert [one.groups for one in found if isinstance(one, Convolution)] == [None, 2]


def test_what_follows_a_shortcut_sees_what_the_shortcut_sees():
    weights = {"a": (64, 3, 3, 3), "b__shortcut": (128, 64, 1, 1), "b__c": (32, 64, 1, 1)}
    named = tensors(**{f"{name}__weight": shape for name, shape in weights.items()})
    assert [layer.inputs for layer in layers_of(named, PYTORCH, Hints()).layers] == [(), (0,), (0,)]


def test_depthwise_branches_of_several_sizes_do_not_stand_one_behind_the_other():
    """As FastViT has them: both may have two filters for each channel below."""
    norm = {"large__running_mean": (8,), "large__running_var": (8,)}
    below = {"a__weight": (4, 3, 3, 3)}
    large, small = {"large__0__weight": (8, 1, 7, 7)}, {"small__0__weight": (8, 1, 3, 3)}
    for as_they_run in (True, False):
        assert groups_of(as_they_run, **below, **large, **norm, **small) == [None, None, None]
    assert groups_of(True, **{"a__weight": (8, 3, 3, 3)}, **small, **norm) == [None, 8]
    same = {"other__0__weight": (8, 1, 3, 3)}
    assert groups_of(True, **{"a__weight": (8, 3, 3, 3)}, **small, **same) == [None, 8, 8]


def test_a_kernel_is_turned_around_only_where_a_bias_or_a_norm_leaves_no_other_reading():
    def axes(**shapes: tuple[int, ...]) -> str:
        return layers_of(tensors(**shapes), PYTORCH, Hints()).layers[0].operations[0].axes

    assert axes(a__weight=(8, 4, 3, 3), a__bias=(4,)) == "iorc"
    assert axes(a__weight=(8, 4, 3, 3), b__weight=(4,), b__running_mean=(4,), b__running_var=(4,)) == "iorc"
    assert axes(a__weight=(8, 4, 3, 3), a__bias=(8,)) == "oirc"
    assert axes(a__weight=(4, 4, 3, 3), a__bias=(4,)) == "oirc"
    joined = {"n__weight": (12,), "n__running_mean": (12,), "n__running_var": (12,)}
    below = {f"m{name[1:]}": shape for name, shape in joined.items()}
    dense = layers_of(tensors(**below, a__weight=(4, 12, 3, 3), **joined), PYTORCH, Hints()).layers
    assert dense[1].operations[0].axes == "oirc", "what follows is of several layers that are joined"
    assert axes(a__weight=(8, 4, 3, 3), b__weight=(6, 4, 3, 3)) == "oirc"
    assert axes(up__weight=(8, 4, 2, 2)) == "iorc"
    assert axes(up__weight=(8, 4, 2, 2), up__bias=(8,)) == "oirc"
    assert axes(sup__weight=(8, 4, 2, 2)) == axes(upper__weight=(8, 4, 2, 2)) == "oirc"


def test_a_kernel_that_only_fits_both_its_neighbours_when_turned_around_is_transposed():
    def axes(*shapes: tuple[int, ...]) -> list[str]:
        named = {f"{letter}__weight": shape for letter, shape in zip("abc", shapes, strict=True)}
        found = layers_of(tensors(**named), PYTORCH, Hints()).layers
        return [layer.operations[0].axes for layer in found]

    assert axes((16, 3, 3, 3), (16, 6, 4, 4), (12, 6, 3, 3)) == ["oirc", "iorc", "oirc"]
    assert axes((16, 3, 3, 3), (16, 6, 4, 4), (12, 5, 3, 3)) == ["oirc", "oirc", "oirc"]
    assert axes((16, 3, 3, 3), (16, 4, 4, 4), (12, 4, 3, 3)) == ["oirc", "oirc", "oirc"]
    assert axes((16, 3, 3, 3), (16, 6, 1, 1), (12, 6, 3, 3)) == ["oirc", "oirc", "oirc"], "branches"


def test_neighbours_in_an_order_of_names_turn_no_kernel_around():
    """``bn`` comes before ``conv`` there, and behind it what another layer has."""
    norm = ("bias", "running_mean", "running_var", "weight")
    first = {f"down__bn__{one}": (16,) for one in norm} | {"down__conv__weight": (16, 8, 3, 3)}
    then = {f"inc__bn__{one}": (8,) for one in norm} | {"inc__conv__weight": (8, 1, 3, 3)}
    found = layers_of(tensors(**first, **then), PYTORCH, Hints()).layers
    convolutions = [layer.operations[0] for layer in found if isinstance(layer, ConvLayer)]
    assert [one.axes for one in convolutions] == ["oirc", "oirc"]
    assert [one.groups for one in convolutions] == [None, None], "the one of one channel may see a grey image"
    registered = dict(reversed(first.items()))
    turned = layers_of(tensors(**registered, **dict(reversed(then.items()))), PYTORCH, Hints()).layers
    assert [one.operations[0].axes for one in turned if isinstance(one, ConvLayer)] == ["oirc", "oirc"]


def test_numbers_in_a_sequence_are_neighbours_in_an_order_of_names_too():
    norm = ("bias", "running_mean", "running_var", "weight")
    one = {"main__0__weight": (9, 8, 4, 4), **{f"main__1__{name}": (8,) for name in norm}}
    found = layers_of(tensors(**one), PYTORCH, Hints(), as_they_run=False).layers
    assert found[0].operations[0].axes == "iorc"
    other = {name.replace("1", "b"): shape for name, shape in one.items()}
    assert (
        layers_of(tensors(**other), PYTORCH, Hints(), as_they_run=False).layers[0].operations[0].axes
        == "oirc"
    )


def test_one_filter_a_channel_is_depthwise_where_another_kernel_sees_the_colours():
    norm = {f"b__bn__{name}": (8,) for name in ("bias", "running_mean", "running_var", "weight")}
    shapes = {**norm, "b__conv__weight": (8, 1, 3, 3), "stem__weight": (8, 3, 3, 3)}
    assert layers_of(tensors(**shapes), PYTORCH, Hints()).layers[1].operations[0].groups == 8


def test_biases_tell_the_groups_of_a_transposed_convolution():
    def read(*shape: int, biases: int) -> Convolution:
        held = tensors(a__weight=shape, a__bias=(biases,))
        return layers_of(held, PYTORCH, Hints()).layers[0].operations[0]

    assert (read(48, 2, 4, 4, biases=12).axes, read(48, 2, 4, 4, biases=12).groups) == ("iorc", 6)
    assert (read(48, 2, 4, 4, biases=48).axes, read(48, 2, 4, 4, biases=48).groups) == ("oirc", None)
    assert read(48, 2, 4, 4, biases=7).axes == "oirc"
    assert read(48, 2, 4, 4, biases=14).groups is None, "48 are not 7 groups"


def test_a_square_kernel_is_transposed_by_its_name_alone():
    def axes(name: str, size: int) -> str:
        held = tensors(**{f"{name}__weight": (8, 8, size, size), f"{name}__bias": (8,)})
        return layers_of(held, PYTORCH, Hints()).layers[0].operations[0].axes

    assert axes("deconv_layers__0", 4) == axes("upsample", 2) == axes("deconv", 3) == "iorc"
    assert axes("upsample__conv", 3) == axes("deconv__block", 3) == axes("up_blocks__0", 4) == "oirc"
    assert axes("mask_predictor__conv5_mask", 2) == "iorc", "of Mask R-CNN, in torchvision and in Detectron"
    assert axes("mask_predictor__conv4_mask", 2) == axes("conv5_mask__0", 3) == "oirc"


def test_a_person_says_axes_of_one_array_or_of_all():
    shapes = {"a__weight": (3, 3, 3, 8), "b__weight": (3, 8, 8)}
    found = layers_of(tensors(**shapes), PYTORCH, Hints(axes={"": "hwio"})).layers
    assert [layer.operations[0].axes for layer in found] == ["rcio", "oic"]
    found = layers_of(tensors(**shapes), PYTORCH, Hints(axes={"b": "cio"})).layers
    assert [layer.operations[0].axes for layer in found] == ["oirc", "cio"]
    with pytest.raises(SelectionError, match="has 3 axes"):
        layers_of(tensors(**shapes), PYTORCH, Hints(axes={"b.weight": "hwio"}))
    with pytest.raises(SelectionError, match="leave out --convs"):
        layers_of(tensors(**shapes), PYTORCH, Hints(convs=("a",)))


def test_what_the_file_tells_stands_above_what_shapes_suggest():
    known = {"a": {"transposed": True, "groups": 2, "stride": (2, 2), "type": "Up"}}
    layer = layers_of(tensors(a__weight=(8, 4, 3, 3)), PYTORCH, Hints(), known=known).layers[0]
    found = layer.operations[0]
    assert (layer.type, found.axes, found.groups, found.stride) == ("Up", "iorc", 2, (2, 2))


@pytest.mark.parametrize(
    ("shapes", "keeps"),
    [
        ({"a__weight": (8,), "a__bias": (8,)}, True),
        ({"a__weight": (8,), "a__bias": (4,)}, False),
        ({"a__weight": (8, 2, 2, 2, 2, 2), "a__bias": (8,)}, False),
    ],
)
def test_vectors_of_one_length_keep_places_and_arrays_of_more_axes_do_not(shapes, keeps):
    (operation,) = layers_of(tensors(**shapes), PYTORCH, Hints()).layers[0].operations
    assert isinstance(operation, Untold)
    assert operation.keeps_places is keeps


def test_flax_stores_filters_last():
    kernel = Tensor(name="params/Conv_0/kernel", array=tensors(x=(3, 5, 2, 7))[0].array)
    found = layers_of([kernel], FLAX, Hints()).layers[0].operations[0]
    assert (found.axes, found.n_filters, found.n_channels, found.kernel_size) == ("rcio", 7, 2, (3, 5))


def test_arrays_of_an_unknown_layer_are_told_and_not_guessed():
    layer = layers_of(tensors(attention__in_proj=(4, 4, 4)), PYTORCH, Hints()).layers[0]
    assert isinstance(layer.operations[0], Untold)
    assert layer.n_parameters == 64


def test_an_array_lies_as_its_strides_say():
    whole = np.arange(24, dtype="<f4")
    data = whole.tobytes()
    array = strided((2, 3), F4, (1, 4), 5, len(data), lambda: data, Limits())
    assert np.array_equal(array.read(), [[5, 9, 13], [6, 10, 14]])
    assert array.stop == 15 * 4


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((2, 3), (1, 4), 15),
        ((25,), (1,), 0),
        ((2,), (-1,), 3),
        ((2,), (1,), -1),
        ((2, 2), (1,), 0),
        ((1 << 50,), (0,), 0),
    ],
)
def test_an_array_beyond_its_bytes_is_refused(shape, strides, offset):
    data = bytes(24 * 4)
    with pytest.raises(MalformedFileError, match="does not lie in the 96 bytes"):
        strided(shape, F4, strides, offset, len(data), lambda: data, Limits())


def test_elements_may_be_repeated_within_the_limit():
    data = bytes(4)
    assert strided((1000,), F4, (0,), 0, 4, lambda: data, Limits()).read().shape == (1000,)
    with pytest.raises(LimitError, match="repeats its elements"):
        strided((1000,), F4, (0,), 0, 4, lambda: data, Limits(allocation=3999))


def test_numbers_of_few_bits_are_numpys_own_and_drawn_in_single_precision():
    bfloat16 = narrow_dtype("bfloat16")
    data = np.array([1.0, -2.5, 0.15625, 3.0], bfloat16).tobytes()
    array = stored((1, 1, 2, 2), bfloat16, False, len(data), lambda: data)
    layer = layers_of([Tensor(name="a.weight", array=array)], PYTORCH, Hints()).layers[0]
    assert layer.W.dtype == bfloat16
    assert layer.filters.dtype == np.float32
    assert layer.filters.ravel().tolist() == [1.0, -2.5, 0.15625, 3.0]
    assert layer.why_not_drawn is None
    assert narrow_dtype("float64") is None


def test_axes_may_be_said_in_the_words_of_frameworks():
    assert Hints(axes={"": "hwio", "2": "OIHW"}).axes == {"": "rcio", "2": "oirc"}


def test_attention_in_flax_is_no_convolution_in_a_line():
    shapes = {"query": (8, 2, 4), "key": (8, 2, 4), "value": (8, 2, 4), "out": (2, 4, 8), "conv": (3, 8, 8)}
    held = [
        Tensor(name=one.name.replace(".", "/"), array=one.array)
        for one in tensors(**{f"a__{name}__kernel": shape for name, shape in shapes.items()})
    ]
    found = {layer.name: layer for layer in layers_of(held, FLAX, Hints()).layers}
    assert [name for name, layer in found.items() if isinstance(layer, ConvLayer)] == ["a/conv"]
    alone = layers_of(held[1:], FLAX, Hints()).layers
    assert all(isinstance(layer, ConvLayer) for layer in alone), "without its query it is none"
    wide = tensors(a__weight=(8, 2, 4), a__bias=(2, 4))
    assert not isinstance(layers_of(wide, PYTORCH, Hints()).layers[0], ConvLayer)


def recurrent(**shapes):
    found = layers_of(tensors(**{f"rnn.{name}": shape for name, shape in shapes.items()}), PYTORCH, Hints())
    return found.layers[0]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shapes", "kind", "units"),
    [
        ({"weight_ih_l0": (128, 16), "weight_hh_l0": (128, 32), "bias_ih_l0": (128,)}, "LSTM", 32),
        ({"weight_ih_l0": (96, 16), "weight_hh_l0": (96, 32)}, "GRU", 32),
        ({"weight_ih_l0": (32, 16), "weight_hh_l0": (32, 32)}, "RNN", 32),
        ({"weight_ih_l0": (128, 16), "weight_hh_l0": (128, 8), "weight_hr_l0": (8, 32)}, "LSTM", 32),
        ({"weight_ih": (128, 16), "weight_hh": (128, 32)}, "LSTMCell", 32),
    ],
)
def test_a_recurrent_layer_is_told_by_what_its_arrays_are_called(shapes, kind, units):
    layer = recurrent(**shapes)
    assert layer.type == kind
    (told,) = layer.operations
    assert isinstance(told, Recurrent)
    assert (told.kind, told.units) == (kind, units)
    assert len(layer.parameters) == len(shapes)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "shapes",
    [
        {"weight_ih_l0": (100, 16), "weight_hh_l0": (100, 32)},
        {"weight_ih_l0": (128, 16), "weight_hh_l0": (64, 32)},
        {"weight_ih_l0": (128, 16)},
        {"weight_ih_l0": (128,), "weight_hh_l0": (128,)},
        {"weight_ih_l0": (0, 16), "weight_hh_l0": (0, 0)},
    ],
)
def test_other_arrays_of_such_names_are_not(shapes):
    assert isinstance(recurrent(**shapes).operations[0], Untold)


def test_a_layer_behind_one_of_two_directions_fits_twice_its_units():
    shapes = {"weight_ih_l0": (128, 16), "weight_hh_l0": (128, 32)}
    twofold = {f"{name}{end}": shape for name, shape in shapes.items() for end in ("", "_reverse")}
    both = {**{f"rnn.{name}": shape for name, shape in twofold.items()}, "out.weight": (10, 64)}
    assert layers_of(tensors(**both), PYTORCH, Hints()).layers[1].inputs == (0,)


def grouped_by_name(**shapes: tuple[int, ...]) -> dict[str | None, int | None]:
    made = layers_of(tensors(**shapes), PYTORCH, Hints())
    return {layer.name: layer.convolution.groups for layer in made.layers if isinstance(layer, ConvLayer)}


def test_groups_are_told_by_the_layer_below_where_nothing_gives_so_few_channels():
    """As in ResNeXt-101 32x8d: the last of these kernels takes as many channels as the first layer gives."""
    found = grouped_by_name(
        stem__weight=(64, 3, 7, 7),
        stem__bias=(64,),
        a__weight=(256, 64, 1, 1),
        a__bias=(256,),
        b__weight=(256, 8, 3, 3),
        b__bias=(256,),
        c__weight=(2048, 256, 1, 1),
        c__bias=(2048,),
        d__weight=(2048, 64, 3, 3),
        d__bias=(2048,),
    )
    assert found == {"stem": None, "a": None, "b": 32, "c": None, "d": 32}


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("last", "other"),
    [
        ((256, 8, 1, 1), {}),
        ((128, 8, 3, 3), {}),
        ((256, 7, 3, 3), {}),
        ((256, 8, 3, 3), {"side__weight": (8, 64, 3, 3)}),
        ((256, 64, 3, 3), {}),
    ],
    ids=[
        "of one pixel",
        "another number of filters",
        "no divisor",
        "another gives as many",
        "the first does",
    ],
)
def test_groups_are_not_told_where_another_reading_is_left(last, other):
    below: dict[str, tuple[int, ...]] = {}
    for name, shape in {"stem__weight": (64, 3, 7, 7), **other, "a__weight": (256, 64, 1, 1)}.items():
        below |= {name: shape, name.replace("weight", "bias"): shape[:1]}
    found = grouped_by_name(**below, last__weight=last, last__bias=last[:1])
    assert found["last"] is None


def test_groups_are_not_told_where_the_order_is_that_of_names():
    """Sorted, SqueezeNet has both its expansions before what feeds them."""
    found = grouped_by_name(
        conv__bias=(96,), conv__weight=(96, 3, 7, 7),
        expand1x1__bias=(64,), expand1x1__weight=(64, 16, 1, 1),
        expand3x3__bias=(64,), expand3x3__weight=(64, 16, 3, 3),
        squeeze__bias=(16,), squeeze__weight=(16, 96, 1, 1),
    )  # fmt: skip
    assert found["expand3x3"] is None


@pytest.mark.parametrize(("channels", "type_"), [(0, "Conv2d"), (6, "ConvTranspose2d")])
def test_a_kernel_without_channels_is_read_too(channels, type_):
    shapes = {"a__weight": (8, 3, 3, 3), "b__weight": (8, channels, 3, 3), "c__weight": (4, channels, 3, 3)}
    _, found, _ = layers_of(tensors(**shapes), PYTORCH, Hints()).layers
    assert found.type == type_
