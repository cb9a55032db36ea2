"""The types of layers of ``--architecture``, each with every shape that can be below it."""

from __future__ import annotations

from filtviz.parameter import Shape
from tests.reading.operators.architecture import TABLES, _case
from tests.reading.operators.asking import Told

__all__ = ["shaped"]

SHAPES: tuple[Shape | None, ...] = (
    None,
    (None,),
    (None, 6),
    (None, 1),
    (None, None),
    (None, 6, 8),
    (None, 4, 8, 9),
    (None, 1, 8, 9),
    (None, None, 8, 9),
    (None, 6, None, None),
    (None, 3, 8, 9),
    (None, 5),
    (None, 6, 5, 8, 9),
    (None, 0, 8, 9),
    (None, 6, 1, 1),
    (None, 6, 0, 9),
)
MORE = (
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false\nbias = "m"',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false\nbias = "up"',
    'type = "convolution"\nweights = "line"\nstride = 1\npad = 0\nflip = false\nbias = "b4"',
    'type = "convolution"\nweights = "m"\nstride = 1\npad = 0\nflip = false',
    'type = "convolution"\nweights = "b4"\nstride = 1\npad = 0\nflip = false',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false\ngroups = 6',
    'type = "convolution"\nweights = "grouped"\nstride = 1\npad = 0\nflip = false\ngroups = 0',
    'type = "convolution"\nweights = "even"\naxes = "iohw"\nstride = 1\npad = "full"\nflip = true',
    'type = "convolution"\nweights = "even"\naxes = "oiwh"\nstride = 1\npad = 0\nflip = true',
    'type = "convolution"\nweights = "even"\naxes = "oihh"\nstride = 1\npad = 0\nflip = true',
    'type = "convolution"\nweights = "even"\naxes = 5\nstride = 1\npad = 0\nflip = true',
    'type = "transposed-convolution"\nweights = "up"\naxes = "iohw"\nstride=2\npad = 1\nflip=1\ngroups = 2',
    'type = "transposed-convolution"\nweights = "up"\nstride = 2\npad = 1\nflip = false\ngroups = 3',
    'type = "prelu"\nweights = "m"',
    'type = "prelu"\nweights = "none"',
    'type = "prelu"',
    'type = "scale"\nweights = "b6"\nbias = "b5"',
    'type = "scale"\nweights = "m"',
    'type = "normalisation"\nmean = "none"\nstd = "none"',
    'type = "normalisation"\nmean = "b6"\ninv_std = "b6"\nepsilon = 0.5\nbeta = "b5"',
    'type = "pool"\nsize = [2]',
    'type = "pool"\nsize = [2, 3, 4]',
    'type = "global-pool"\nkind = "sum"',
    'type = "slice"\naxis = 0',
    'type = "slice"\naxis = -1\nstop = -1',
    'type = "slice"\naxis = 1\nstep = 0',
    'type = "transpose"\norder = [0, 2, 1]',
    'type = "transpose"\norder = [2, 1]',
    'type = "upscale"\nscale = [2]',
    'type = "concatenate"\naxis = 0',
    'type = "concatenate"\naxis = 9',
    'type = "pad"\npad = "same"',
    'type = "pad"\npad = [1]',
    'type = "reshape"\nlengths = [-1, -1]',
    'type = "reshape"\nlengths = ["a"]',
    'type = "local-response"\nalpha = 0.1\nk = 2\nbeta = 0.75\nn = 4',
)


def shaped() -> Told:
    """Every type above every shape, and above none and two of them."""
    for text in (*TABLES, *MORE):
        answers: dict[str, list[str]] = {}
        for shapes in (*((shape,) for shape in SHAPES), (), (SHAPES[8], SHAPES[8])):
            _, answer = _case(text, shapes)
            shown = [str(shape).replace("None", "?").replace(" ", "") for shape in shapes]
            answers.setdefault(answer, []).append("+".join(shown) or "nothing")
        asked = text.replace("\n", "; ")
        yield from ((f"{asked} of {' '.join(given)}", answer) for answer, given in answers.items())
