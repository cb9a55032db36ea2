"""The shim where it cannot help; what it does where it can is tested in tests/lasagne."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec

import pytest

from filtviz.errors import MissingExtraError


@pytest.mark.skipif(find_spec("theano") is not None, reason="Theano is installed")
def test_without_the_extra_it_says_what_to_do() -> None:
    sentence = (
        "Theano is not installed: install it with" if sys.version_info < (3, 12) else "run this under Python"
    )
    with pytest.raises(MissingExtraError, match=sentence):
        importlib.import_module("filtviz.theano_shim")
