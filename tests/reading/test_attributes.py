"""Attributes of objects of the file: functions, operators and slices as what they are, never looked up."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pytest

from filtviz.errors import LimitError
from filtviz.reading.limits import Limits, effort, pickle_steps
from filtviz.reading.pickle import records
from filtviz.reading.pickle.attributes import LARGEST, NOT_PLAIN, Attributes, Function
from filtviz.reading.pickle.machine import read_pickles
from tests.reading.making import Named, Thing, dumps


def attributes(limits: Limits | None = None, **state: Any) -> Attributes:
    """The attributes of an object with this state, as a file has them."""
    limits = limits or Limits()
    (record,) = read_pickles(dumps(Thing("lasagne.layers.Layer", **state)), pickle_steps(limits)).roots
    return Attributes(record, effort(limits))


def function(value: Any) -> Function | None:
    return attributes(nonlinearity=value).function("nonlinearity")


class Partial:
    """A ``functools.partial`` as it is pickled."""

    def __init__(self, called: Any, *args: Any, **keywords: Any) -> None:
        self.state = (called, args, keywords, None)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Named("functools.partial"), (self.state[0],), self.state)


def elemwise(scalar_op: str) -> Thing:
    """An operator of Theano's."""
    return Thing("theano.tensor.elemwise.Elemwise", scalar_op=Thing(scalar_op, name="x"), openmp=False)


def test_a_function_has_its_module():
    lasagnes = function(Named("lasagne.nonlinearities.elu"))
    own = function(Named("__main__.elu"))
    assert lasagnes == Function(module="lasagne.nonlinearities", name="elu")
    assert own == Function(module="__main__", name="elu")
    assert lasagnes != own


@pytest.mark.parametrize(
    ("cls", "state"),
    [
        ("lasagne.nonlinearities.LeakyRectify", {"leakiness": 0.3}),
        ("lasagne.nonlinearities.ScaledTanH", {"scale_in": 0.5, "scale_out": 1.7159}),
        ("lasagne.nonlinearities.SELU", {"scale": 1.0507, "scale_neg": 1.6733}),
    ],
)
def test_an_object_has_its_numbers(cls, state):
    found = function(Thing(cls, **state))
    assert found == Function(module="lasagne.nonlinearities", name=cls.rpartition(".")[2], parameters=state)


def test_numbers_of_numpy_are_numbers_and_text_about_an_object_is_passed_over():
    found = function(
        Thing("lasagne.nonlinearities.LeakyRectify", leakiness=np.float32(0.25), __doc__="x" * 2000)
    )
    assert found is not None
    assert dict(found.parameters) == {"leakiness": 0.25}
    assert found.told


@pytest.mark.cases("all")
@pytest.mark.parametrize("leakiness", [np.zeros(3), [0.1], Thing("theano.X"), float("nan")])
def test_an_object_with_more_than_numbers_is_not_told(leakiness):
    found = function(Thing("lasagne.nonlinearities.LeakyRectify", leakiness=leakiness))
    assert found is not None
    assert (dict(found.parameters), found.told) == ({}, False)


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["Tanh", "Add", "Mul", "Maximum"])
def test_an_operator_of_theano_has_what_it_does_with_each_number(name):
    assert function(elemwise(f"theano.scalar.basic.{name}")) == Function(
        module="theano.tensor.elemwise", name="Elemwise", scalar_op=name
    )


def test_a_users_own_scalar_operator_is_not_theanos():
    found = function(elemwise("__main__.Tanh"))
    assert found is not None
    assert (found.scalar_op, found.told) == ("Tanh", False)


def test_keywords_that_are_bound_to_a_function_are_kept():
    found = function(Partial(Named("lasagne.nonlinearities.relu"), alpha=0.3))
    assert found == Function(module="lasagne.nonlinearities", name="relu", parameters={"alpha": 0.3})
    clip = function(Partial(elemwise("theano.scalar.basic.Clip"), min=0, max=6.0))
    assert clip is not None
    assert (clip.scalar_op, dict(clip.parameters), clip.told) == ("Clip", {"min": 0, "max": 6.0}, True)


def test_what_pythons_own_partial_writes_is_read():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"f": functools.partial(np.clip, a_min=0.5)}, protocol)
        (root,) = read_pickles(data, pickle_steps(Limits())).roots
        record = read_pickles(dumps(Thing("x.Layer")), pickle_steps(Limits())).roots[0]
        record.build(root)
        found = Attributes(record, effort(Limits())).function("f")
        assert found is not None
        assert (found.name, dict(found.parameters), found.told) == ("clip", {"a_min": 0.5}, True)


def test_of_keywords_that_are_bound_twice_the_outer_ones_count():
    inner = Partial(Named("lasagne.nonlinearities.relu"), alpha=0.3, beta=1)
    found = function(Partial(inner, alpha=0.5))
    assert found is not None
    assert (dict(found.parameters), found.told) == ({"alpha": 0.5, "beta": 1}, True)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "bound",
    [
        Partial(Named("lasagne.nonlinearities.relu"), 0.3),
        Partial(Named("lasagne.nonlinearities.relu"), alpha="x"),
        Partial(Named("lasagne.nonlinearities.relu"), alpha=np.zeros(2)),
        Partial(Thing("lasagne.nonlinearities.LeakyRectify", leakiness=0.1), alpha=0.3),
        Partial(Partial(Named("lasagne.nonlinearities.relu"), 0.3), alpha=0.3),
    ],
)
def test_what_else_is_bound_to_a_function_is_not_told(bound):
    found = function(bound)
    assert found is not None
    assert not found.told


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "value",
    [None, 1, "relu", [], Thing("functools.partial"), functools.reduce(lambda f, _: Partial(f), range(9), 1)],
)
def test_what_is_no_function_is_none(value):
    assert function(value) is None


def test_a_partial_of_someone_elses_is_an_object():
    found = function(Thing("toolz.partial", Named("lasagne.nonlinearities.relu")))
    assert found == Function(module="toolz", name="partial")


def test_an_object_with_many_attributes_that_many_layers_share_takes_of_the_effort():
    many = Thing("mod.Cls", **{f"a{number}": number for number in range(500)})
    facts = attributes(Limits(opcodes=5_000), nonlinearity=many)
    for _ in range(10):
        facts.function("nonlinearity")
    with pytest.raises(LimitError):
        facts.function("nonlinearity")


@pytest.mark.cases("all")
@pytest.mark.parametrize("wanted", [slice(1, None, 2), slice(None), slice(-3, 10)])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_slices(wanted, protocol):
    (root,) = read_pickles(pickle.dumps({"slice": wanted}, protocol), pickle_steps(Limits())).roots
    record = read_pickles(dumps(Thing("x.Layer")), pickle_steps(Limits())).roots[0]
    record.build(root)
    assert Attributes(record, effort(Limits())).as_slice("slice") == wanted


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "value",
    [
        3,
        None,
        Thing("builtins.slice", 1),
        Thing("builtins.slice", 1, 2, 0),
        Thing("builtins.slice", 1, "2", None),
        Thing("builtins.slice", 0, 1 << 70, None),
    ],
)
def test_what_is_no_slice_of_whole_numbers_is_none(value):
    assert attributes(slice=value).as_slice("slice") is None


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_beyond_what_a_layer_can_have_are_not_computed_with_on_either_side_of_zero(sign):
    found = attributes()
    assert found.plain(sign * (LARGEST - 1)) == sign * (LARGEST - 1)
    assert found.plain(sign * LARGEST) is NOT_PLAIN
    assert found.plain(sign * 10**30) is NOT_PLAIN
    assert found.plain(sign * float("inf")) is NOT_PLAIN
    assert found.plain((1, sign * LARGEST)) is NOT_PLAIN


def test_of_a_text_that_is_longer_than_a_name_its_beginning_is_one():
    long = "first " * 400 + "last"
    for text in (long, long.encode()):
        assert records.name_of(text) == long[: records.LONGEST_NAME]
    assert records.name_of("short") == "short"
    assert records.name_of(5) is None
