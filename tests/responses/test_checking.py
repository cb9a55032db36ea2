"""Whatever is given to the functions that show a network images: an answer, or one sentence."""

from __future__ import annotations

import inspect
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import ArgumentError, FiltvizError

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORK = filtviz.load(EXAMPLES / "mission-trained.pkl")
IMAGES = np.random.default_rng(0).random((2, 1, 31, 31))
GIVEN: dict[str, tuple[Any, ...]] = {
    "predict": (NETWORK, IMAGES),
    "activity": (NETWORK, IMAGES),
    "patches": (NETWORK, IMAGES),
    "codes": (NETWORK, IMAGES),
    "occlusion": (NETWORK, IMAGES[0], 0, 7, False),
    "saliency": (NETWORK, IMAGES[0]),
    "maximise": (NETWORK, 0),
}
ODD = (
    None, object(), "", b"x", 3, -1, 2.5, np.nan, [], {}, "conv9", np.int64(2), np.array([1.0]),
    np.array("x"), [None], True, 10**30, np.zeros((1, 2, 3)),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", GIVEN)
def test_odd_arguments_are_one_sentence_or_an_answer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where one of them may be a folder that is made
    function = getattr(filtviz, name)
    names = list(inspect.signature(function).parameters)
    for parameter in names:
        for odd in ODD:
            given = dict(zip(names, GIVEN[name], strict=False)) | {parameter: odd}
            if name == "occlusion":
                given = {"stride": 30} | given
            if name == "maximise":
                given = {"steps": 1} | given
            with suppress(FiltvizError):
                function(**given)


def test_what_is_no_model_or_layer_is_told_in_words() -> None:
    with pytest.raises(ArgumentError, match="None is no model that filtviz knows"):
        filtviz.activity(None, IMAGES)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="is no layer: give one, by number or name, such as 'conv3'"):
        filtviz.activity(NETWORK, IMAGES, None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="top must be a whole number of 1 or more, not 'x'"):
        filtviz.patches(NETWORK, IMAGES, top="x")  # type: ignore[arg-type]


def test_layers_and_numpys_numbers_choose_as_names_do() -> None:
    by_name = filtviz.activity(NETWORK, IMAGES, "conv2", 1)
    for layer in (1, np.int64(1), NETWORK[1], "1"):
        found = filtviz.activity(NETWORK, IMAGES, layer, np.int64(1))  # type: ignore[arg-type]
        assert found.layer == "conv2"
        np.testing.assert_array_equal(found.maps, by_name.maps)
    assert filtviz.activity(EXAMPLES / "mission-trained.pkl", IMAGES.tolist(), "conv2").layer == "conv2"
