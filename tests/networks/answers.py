"""What units answer, where a network looks, what it predicts: of networks of all kinds, asked in all ways.

``python -m tests.telling`` writes ``tests/told/networks/answers.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import numpy as np

from filtviz.activations import KINDS, Activation
from filtviz.budget import Budget
from filtviz.network import Layer, Network
from filtviz.operations import (
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    LocalResponse,
    Normalisation,
    Operation,
    Reduction,
    Softmax,
)
from filtviz.parameter import Parameter
from filtviz.responses import activity, codes, occlusion, patches, predict
from filtviz.responses.activities import ends_of, function_of
from filtviz.responses.asking import answering, choose_layer, one_image
from filtviz.responses.examining import Examination, LayerResponse, examine
from filtviz.responses.predicting import answered, classes_of, right_answers, threshold_of
from tests.building import as_layer, conv, image, pool
from tests.interpreters.tables import digits_of, numbers, shaped_network, told
from tests.networks.walks import NETWORKS, images, said, weights
from tests.standing_in import standing_for

__all__ = ["answers"]

RNG = np.random.default_rng(31)


def drawn(*shape: int) -> np.ndarray:
    return np.round(RNG.uniform(-1, 1, shape), 2)


def network(
    *ends: Operation,
    units: int = 3,
    kind: Any = "rectify",
    own: bool = False,
    bias: Any = (0.1, -9.0, 0.2, 2.0),
) -> Network:
    """A network of a convolution, whose nonlinearity may be a layer of its own, and a dense layer."""
    first = conv(FIRST, np.array(bias), below=0, name="one", nonlinearity="linear" if own else kind)
    layers: list[Layer] = [image(1, 6, 6, name="in"), first]
    if own:
        layers.append(as_layer(Identity(), below=1, name="drop"))
        layers.append(as_layer(Activation(kind=kind), below=2, name="function"))
    layers.append(pool(2, below=len(layers) - 1, name="pool"))
    dense = Dense(
        weights=Parameter.of("W", LAST[:, :units]), bias=Parameter.of("b", BIAS[:units]), units=units
    )
    layers.append(as_layer(Flatten(), dense, *ends, below=len(layers) - 1, name="dense"))
    return Network.of(layers)


FIRST, LAST, BIAS = drawn(4, 1, 3, 3), drawn(16, 5), drawn(5)
SHOWN = images(6, 1, 6, 6)
PLAIN = network(Softmax())


def answers() -> Iterator[tuple[str, str]]:
    yield from _activities()
    yield from _patches()
    yield from _codes()
    yield from _occluded()
    yield from _predicted()
    yield from _chosen()
    yield from _examined()


def _activity(*given: Any, **how: Any) -> str:
    found = activity(*given, **how)
    ends = "-" if found.saturated is None else numbers(found.saturated)
    facts = f"{numbers(found.strongest)} [{ends}] {found.function!r} {found.rectifies} {found.dead.tolist()}"
    return f"{found.layer} {told(found.maps)} {found.image}/{found.n_images} {numbers(found.fires)}; {facts}"


def _activities() -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        more: dict[str, Any] = {"slopes": weights(4)} if kind == "parametric_rectify" else {}
        first = replace(
            PLAIN.layers[1], operations=(PLAIN.layers[1].operations[0], Activation(kind=kind, **more))
        )
        one = Network.of([PLAIN.layers[0], first, *PLAIN.layers[2:]])
        yield f"activity of {kind}", said(_activity, one, SHOWN)
    for own in (False, True):
        for layer in (0, "one", "drop", "function", "pool", "dense", -1, 5, "in"):
            yield f"activity of {layer}, {own}", said(_activity, network(Softmax(), own=own), SHOWN, layer)
    for number in (0, 5, -1, -6, 6, -7):
        yield f"activity for image {number}", said(_activity, PLAIN, SHOWN, 0, number)
    for batch in (1, 2, 4):
        for number in (0, 1, 3, 5):
            yield (
                f"activity for {number} in batches of {batch}",
                said(_activity, PLAIN, SHOWN, 0, number, batch=batch),
            )
    for value in (-5.0, 5.0, 0.0):
        for kind in ("sigmoid", "tanh", "clipped_rectify", "rectify", "linear", "hard_sigmoid"):
            still = network(Softmax(), kind=kind, bias=(value,) * 4)
            yield f"activity of {kind} about {value}", said(_activity, still, 0 * SHOWN)
    for work in (1_250_000, 1_650_000):
        how = {"budget": Budget(work=work)}
        yield f"activity on {work}", said(_activity, PLAIN, SHOWN, 0, **how)
        yield f"patches on {work}", said(lambda h=how: patches(PLAIN, SHOWN, 0, 1, **h).images.tolist())
    broken = network(Softmax(), bias=(np.nan, np.inf, -np.inf, 0.0))
    yield "activity of what is not finite", said(_activity, broken, SHOWN)
    for name in ("no images", "images behind", "numbers", "curves", "open size", "branches"):
        one = NETWORKS[name]
        shape = {"numbers": (6,), "curves": (2, 9)}.get(name, (1, 6, 6))
        yield f"activity of {name}", said(_activity, one, images(3, *shape), one.layers[-1].title)
    for axes in ((1, 2, 3), (0, 1, 2, 3)):
        mean = Reduction(kind="mean", axes=axes)
        number = Network.of([*PLAIN.layers[:2], as_layer(mean, below=1, name="number")])
        yield f"activity of a mean over {axes}", said(_activity, number, SHOWN, "number")


def _patches() -> Iterator[tuple[str, str]]:
    def one(*given: Any, **how: Any) -> str:
        found = patches(*given, **how)
        flags = f"{found.rectifies}"
        places = f"{found.images.tolist()} {found.corners.tolist()} {found.size}"
        pieces = told(np.nan_to_num([found.of(unit) for unit in range(len(found.responses))], nan=-3.0))
        return f"{found.layer} {told(np.nan_to_num(found.responses, neginf=-99))} {places} {flags} {pieces}"

    strided = Network.of(
        [
            image(1, 9, 8),
            conv(drawn(2, 1, 3, 3), below=0, stride=(2, 1), pad=((1, 1), (0, 2))),
            pool(2, below=1),
            as_layer(
                Flatten(), Dense(weights=Parameter.of("W", drawn(2 * 2 * 4, 2)), units=2), below=2, name="d"
            ),
        ]
    )
    few = images(4, 1, 9, 8)
    for layer in (0, "d", 2):
        for top in (1, 3, 9, 0):
            for batch in (None, 2):
                yield (
                    f"patches of {layer}, {top} in batches of {batch}",
                    said(one, strided, few, layer, top, batch=batch),
                )
    yield "patches of what sees all", said(one, PLAIN, SHOWN, "dense", 2)
    yield "patches of a pool", said(one, PLAIN, SHOWN, "pool", 2)
    yield "patches of other images", said(one, strided, images(3, 1, 20, 21), 0, 2)
    yield (
        "patches of smaller images",
        said(one, Network.of([image(1, None, None), *strided.layers[1:3]]), images(3, 1, 2, 3), 0, 2),
    )
    yield "patches where it is not known what is seen", said(one, NETWORKS["no entrance"], SHOWN, 0, 2)
    broken = network(Softmax(), bias=(np.nan, np.inf, -np.inf, 0.0))
    yield "patches of what is not finite", said(one, broken, SHOWN, 0, 2)
    up = Network.of(
        [
            *PLAIN.layers[:2],
            as_layer(Identity(), below=1),
            as_layer(GlobalPooling(kind="max"), below=2, name="all"),
        ]
    )
    yield "patches of all", said(one, up, SHOWN, "all", 2)
    most = conv(drawn(2, 1, 3, 3), below=0, stride=(2, 2))  # which leaves the last row alone
    mean = as_layer(GlobalPooling(kind="mean"), below=1, name="mean")
    seen = shaped_network(image(1, 6, 7), most, mean), shaped_network(*strided.layers)
    for own, layer, lengths in ((0, "mean", (6, 7)), (0, "mean", (12, 13)), (1, "d", (9, 8))):
        given = seen[own], images(2, 1, *lengths), layer, 1
        yield f"patches of what sees most of {lengths}, {layer}", said(one, *given)


def _codes() -> Iterator[tuple[str, str]]:
    def short(*given: Any, **how: Any) -> str:
        found = codes(*given, **how)
        shares = found.explained and numbers(np.round(found.explained, 6))
        return (
            f"{found.layer} {told(found.codes)} {numbers(np.round(found.places, 5))} {found.plane} {shares}"
        )

    for layer in (None, 0, "one", "pool", "dense", "in"):
        yield f"codes of {layer}", said(short, PLAIN, SHOWN, layer)
    for n in (1, 2, 3):
        yield f"codes of {n} images", said(short, PLAIN, SHOWN[:n])
        yield f"codes of {n} images by one number", said(short, network(units=1), SHOWN[:n], "dense")
    yield "codes of images alike", said(short, PLAIN, SHOWN[[0, 0, 0]])
    yield "codes in a sphere", said(short, PLAIN, SHOWN, plane="sphere")
    yield "codes of no dense layer", said(short, NETWORKS["normalised"], SHOWN)
    yield "codes of what is not finite", said(short, network(bias=(np.inf,) * 4), SHOWN)
    yield "codes of no axis of images", said(short, NETWORKS["no images"], SHOWN, "all")
    yield "codes of a dense layer that nothing feeds", said(short, NETWORKS["numbers"], images(3, 6))
    for budget in (None, Budget(work=60_000_000)):
        for n, units in ((2, 3), (6, 3), (6, 1)):
            with _neighbours() as asked:
                found = said(
                    short, network(units=units), SHOWN[:n], "dense", plane="tsne", seed=7, budget=budget
                )
            yield (
                f"codes of {n} images by {units} among neighbours on {budget and budget.work}",
                f"{found} {asked}",
            )
    yield "codes on a budget", said(short, PLAIN, SHOWN, budget=Budget(work=1_650_000))


@contextmanager
def _neighbours() -> Iterator[list[Any]]:
    """Stand for scikit-learn's t-SNE, and note how it is asked for."""
    asked: list[Any] = []

    class TSNE:
        def __init__(self, **how: Any) -> None:
            asked.append(how)

        def fit_transform(self, rows: np.ndarray) -> np.ndarray:
            return np.stack([rows[:, 0], -rows[:, -1]], axis=1).astype("f4").round(3)

    with standing_for("sklearn.manifold", TSNE=TSNE):
        yield asked


def _occluded() -> Iterator[tuple[str, str]]:
    for how in (
        {},
        {"square": 1},
        {"square": 2},
        {"square": 3},
        {"square": 4},
        {"square": 13},
        {"stride": 2},
        {"stride": 5},
        {"stride": 6},
        {"fill": 1.0},
        {"target": 0},
        {"target": 2},
        {"target": 3},
        {"target": -1},
        {"nolearn": True},
        {"nolearn": True, "square": 3},
        {"nolearn": True, "square": 4},
        {"nolearn": True, "stride": 2},
        {"nolearn": True, "fill": 0.5},
        {"batch": 5},
        {"square": 0},
        {"stride": 0},
        {"budget": Budget(work=20_000_000)},
        {"budget": Budget(work=1_250_000)},
    ):
        facts = " ".join(f"{key}={getattr(value, 'work', value)}" for key, value in how.items())
        yield f"occlusion {facts}", said(occlusion, PLAIN, SHOWN[0], **how)
    for name in ("maps", "a number", "colours behind", "volumes"):
        one = {"maps": NETWORKS["normalised"], "a number": network(units=1)}.get(name) or NETWORKS[name]
        shape = {"colours behind": (6, 5, 3), "volumes": (1, 3, 3, 3)}.get(name, (1, 6, 6))
        yield f"occlusion of {name}", said(occlusion, one, images(1, *shape)[0], stride=3)
    for shape in ((6, 6), (1, 1, 6, 6), (2, 1, 6, 6), (36,)):
        yield f"occlusion of an image of {shape}", said(occlusion, PLAIN, images(1, *shape)[0], stride=4)


def _predicted() -> Iterator[tuple[str, str]]:
    def one(*given: Any, **how: Any) -> str:
        found = predict(*given, **how)
        tops = [[(label, round(value, 4)) for label, value in row] for row in found.top(2)]
        outputs = told(found.outputs, digits_of(found.outputs))
        facts = f"{outputs} {found.outputs.dtype} {tops} {len(found.top()[0])}"
        return f"{found.layer} {facts} {found.labels}"

    for how in (
        {},
        {"labels": ("a",)},
        {"labels": ("a", "b", "c", "d")},
        {"dtype": "float32"},
        {"batch": 2},
        {"budget": Budget(work=1_650_000)},
        {"engine": "x"},
    ):
        facts = " ".join(f"{key}={getattr(value, 'work', value)}" for key, value in how.items())
        yield f"predicted {facts}", said(one, PLAIN, SHOWN, **how)
    for name, shown in NETWORKS.items():
        if name not in ("4096 at once", "two inputs", "seven inputs"):
            yield f"predicted by {name}", said(one, shown, images(2, 1, 6, 6))
    functions: dict[str, tuple[Operation, ...]] = {
        "nothing": (),
        "softmax": (Softmax(),),
        "sigmoid and more": (Activation(kind="sigmoid"), Identity()),
        "tanh, then sigmoid": (Activation(kind="tanh"), Activation(kind="sigmoid")),
        **{kind: (Activation(kind=kind),) for kind in KINDS},
    }
    for name, ends in functions.items():
        last = as_layer(*ends)
        lone = np.array([[-0.1], [0.0], [0.1], [0.5], [0.6]])
        end = function_of(last)
        kind = end.kind if isinstance(end, Activation) else type(end).__name__
        yield f"ends of {name}", f"{threshold_of(last)} {answered(lone, last).tolist()} {kind} {ends_of(end)}"
    for shape in ((3,), (3, 2), (3, 2, 2), (3, 2, 2, 2), (3, 1)):
        yield f"classes of {shape}", told(classes_of(np.arange(np.prod(shape)).reshape(shape)))
    outputs, plain = np.array([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.3, 0.3, 0.3]]), as_layer()
    for labels in (
        [1, 0, 0],
        [1, 0, 2],
        ["1", "0", "0"],
        [1.0, 0.0, 0.0],
        [1.5, 0, 0],
        ["b", "a", "a"],
        ["b", 0, "a"],
        ["x", "a", "a"],
        [3, 0, 0],
        np.array([1, 0, 0]),
        np.array([1.0, 0.0, 2.0]),
        [True, False, False],
        np.array(["b", "a", "c"]),
    ):
        shown = [one.item() if isinstance(one, np.generic) else one for one in labels]
        for names in ((), ("a", "b", "c"), ("a", "b")):
            found = right_answers(outputs, labels, names, plain)
            yield (
                f"right answers of {type(labels).__name__} {shown} of {names}",
                str(None if found is None else found.tolist()),
            )
            lone = right_answers(outputs[:, :1] - 0.2, labels, names, plain)
            yield (
                f"right answers of {type(labels).__name__} {shown} of {names}, of a lone output",
                str(None if lone is None else lone.tolist()),
            )


def _chosen() -> Iterator[tuple[str, str]]:
    for own in (False, True):
        one = network(Softmax(), own=own)
        for wanted in (
            0,
            -1,
            "one",
            "0",
            "-1",
            "-",
            "--1",
            "²",
            "1.0",
            "pool",
            "dense",
            1,
            9,
            "nine",
            None,
            [0],
            ["one"],
            [0, 1],
            [],
            True,
            0.5,
            one.layers[1],
            one.layers[-1],
            NETWORKS["plain"].layers[1],
            NETWORKS["plain"].layers[-1],
        ):
            shown = wanted.title if isinstance(wanted, Layer) else wanted
            yield f"chosen {shown!r} {own}", said(lambda w=wanted, o=one: choose_layer(o, w).title)
        yield f"answering {own}", str([answering(one, layer).title for layer in one.layers])
    between: dict[str, tuple[Operation, ...]] = {
        "a normalisation": (Normalisation(gamma=weights(4), is_batch=False),),
        "a pool": pool(2).operations,
        "dropout": (Identity(),),
        "local response": (LocalResponse(alpha=1, k=1, beta=1, n=3),),
        "nothing": (),
        "both": (Identity(), Normalisation(gamma=weights(4), is_batch=False)),
    }
    for name, operations in between.items():
        for end in (Activation(kind="tanh"), Softmax()):
            layers = [
                image(1, 6, 6),
                conv(FIRST, below=0, nonlinearity="linear", name="one"),
                as_layer(*operations, below=1, name="between"),
                as_layer(end, below=2, name="end"),
            ]
            one = Network.of(layers)
            yield (
                f"answering behind {name}, {type(end).__name__}",
                str([answering(one, layer).title for layer in one.layers]),
            )
    twice = Network.of(
        [
            image(1, 6, 6),
            conv(FIRST, below=0, nonlinearity="linear"),
            as_layer(Activation(kind="tanh"), below=1),
            as_layer(Activation(kind="tanh"), below=1),
        ]
    )
    yield "answering for two readers", str([answering(twice, layer).title for layer in twice.layers])
    for name in ("plain", "colours behind", "numbers", "curves"):
        for shape in (
            (6, 6),
            (1, 6, 6),
            (6, 6, 1),
            (1, 1, 6, 6),
            (2, 1, 6, 6),
            (6,),
            (6, 5, 3),
            (1, 6, 5, 3),
            (2, 9),
        ):
            yield (
                f"one image of {shape} for {name}",
                said(lambda n=name, s=shape: one_image(NETWORKS[n], np.ones(s))),
            )


def _response(found: LayerResponse) -> str:
    shown = []
    for field in fields(found):
        value = getattr(found, field.name)
        if isinstance(value, tuple) and value and isinstance(value[0], float):
            value = numbers(np.round(value, 6))
        elif isinstance(value, float):
            value = f"{value:.4f}"
        shown.append(f"{field.name} {value}")
    return ", ".join(shown)


def _examination(found: Examination) -> str:
    facts = [
        f"{field.name} {getattr(found, field.name)}" for field in fields(found) if field.name != "layers"
    ]
    return "; ".join([*facts, *map(_response, found.layers)])


def _earlier(one: Network, **facts: Any) -> Network:
    """A network whose kernels are other ones."""
    random = np.random.default_rng(5)
    layers = []
    for layer in one.layers:
        operations = []
        for each in layer.operations:
            if getattr(each, "weights", None) is not None:
                shape = each.weights.shape  # type: ignore[union-attr]
                own = Parameter.of("W", np.round(random.uniform(-1, 1, shape), 2))
                each = replace(each, weights=own, **{k: v for k, v in facts.items() if hasattr(each, k)})  # type: ignore[arg-type]
            operations.append(each)
        layers.append(replace(layer, operations=tuple(operations)))
    return Network.of(layers)


def _examined() -> Iterator[tuple[str, str]]:
    sigmoid = Activation(kind="sigmoid")
    several: dict[str, Network] = {
        "softmax": PLAIN,
        "sigmoids": network(sigmoid, kind="sigmoid", bias=(9.0, -9.0, 0.1, 0.2)),
        "calm sigmoids": network(kind="sigmoid", bias=(0.0,) * 4),
        "one sigmoid": network(sigmoid, units=1),
        "tanh": network(Softmax(), kind="tanh", bias=(9.0, -9.0, 0.1, 0.2)),
        "functions of their own": network(Softmax(), own=True),
        "dead": network(Softmax(), bias=(-99.0,) * 4),
        "one dead": network(Softmax(), bias=(-99.0, 1, 1, 1)),
        "none dead": network(Softmax(), bias=(9.0,) * 4),
        "not finite": network(Softmax(), bias=(np.nan, np.inf, 0.0, 0.0)),
        "nothing": network(),
        "no weights": NETWORKS["nothing left"],
        "untold at its end": Network.of(
            [
                *PLAIN.layers[:3],
                replace(
                    PLAIN.layers[3], operations=(*PLAIN.layers[3].operations[:2], Activation(kind="untold"))
                ),
            ]
        ),
        "untold": NETWORKS["untold"],
        "branches": NETWORKS["branches"],
        "no images": NETWORKS["no images"],
        "no layers": NETWORKS["no layers"],
        "two inputs": NETWORKS["two inputs"],
        "maps": Network.of(PLAIN.layers[:2]),
        "a sum behind": Network.of(
            [*PLAIN.layers[:2], as_layer(Reduction(kind="sum", axes=(0,)), below=1, name="sum")]
        ),
    }
    labels = [0, 1, 2, 0, 0, 1]
    for name, one in several.items():
        yield f"examined {name}", said(lambda o=one: _examination(examine(o, SHOWN)))
        yield (
            f"examined {name}, with labels",
            said(lambda o=one: _examination(examine(o, SHOWN, labels=labels))),
        )
        before = ("early.pkl", _earlier(one))
        yield (
            f"examined {name}, with an earlier file",
            said(lambda o=one, b=before: _examination(examine(o, SHOWN, labels=labels, before=b))),
        )
    for how in (
        {"labels": [0, 1]},
        {"labels": ["a", "b", "c", "a", "a", "b"], "names": ("a", "b", "c")},
        {"labels": ["x"] * 6},
        {"labels": [1] * 6},
        {"batch": 2},
        {"budget": Budget(work=1_500_000)},
        {"budget": Budget(work=1_750_000)},
    ):
        facts = " ".join(f"{key}={getattr(value, 'work', value)}" for key, value in how.items())
        yield f"examined {facts}", said(lambda h=how: _examination(examine(PLAIN, SHOWN, **h)))
    seen = examine(network(Softmax(), own=True), SHOWN)
    yield (
        "examined, of each convolution",
        str([found and found.layer for found in map(seen.of, range(-1, 3))]),
    )
    one_image = said(lambda: _examination(examine(PLAIN, SHOWN[:1], labels=[1])))
    yield "examined with one image", one_image
    earlier: dict[str, Network] = {
        "itself": PLAIN,
        "turned": _earlier(PLAIN, flip_filters=True),
        "correlating": _earlier(PLAIN, flip_filters=False),
        "of other filters": Network.of([image(1, 6, 6), conv(drawn(3, 1, 3, 3), below=0, name="one")]),
        "of other names": Network.of(
            [replace(layer, name=f"x{layer.name}") for layer in _earlier(PLAIN).layers]
        ),
        "of the other axes": Network.of(
            [
                *PLAIN.layers[:3],
                replace(
                    PLAIN.layers[3],
                    operations=(
                        Flatten(),
                        Dense(weights=Parameter.of("W", LAST[:, :3].T + 0.5), axes="oi", units=3),
                    ),
                ),
            ]
        ),
        "of nothing": Network.of([image(1, 6, 6)]),
        "of untold weights": Network.of(
            [*PLAIN.layers[:3], replace(PLAIN.layers[3], operations=(Flatten(), Dense(units=3)))]
        ),
        "not finite": Network.of([image(1, 6, 6), conv(np.full((4, 1, 3, 3), np.nan), below=0, name="one")]),
    }
    for name, before in earlier.items():
        for labelled in (None, labels):
            yield (
                f"examined, before {name}{', with labels' * (labelled is not None)}",
                said(
                    lambda b=before, la=labelled: _examination(
                        examine(PLAIN, SHOWN, labels=la, before=("early.pkl", b))
                    )
                ),
            )
    correlating = Network.of(
        [PLAIN.layers[0], conv(FIRST, below=0, name="one", flip_filters=False), *PLAIN.layers[2:]]
    )
    yield (
        "examined, correlating before turned",
        said(lambda: _examination(examine(correlating, SHOWN, before=("e", earlier["turned"])))),
    )
