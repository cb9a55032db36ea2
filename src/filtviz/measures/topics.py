"""What `filtviz explain` tells beside the measures: the verdicts, and the questions that people come with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from filtviz.errors import MeasureError
from filtviz.measures.measure import Measure
from filtviz.measures.table import LEVEL, MEASURES
from filtviz.measures.verdicts import VERDICTS
from filtviz.text import listed, quoted

__all__ = ["TOPICS", "Topic", "explained"]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A question, its answer in plain words, and where to go on.

    ``words`` are what people call it; ``exactly`` is a verdict in the terms of the tests; ``measures`` are
    the keys of those that look for it; ``commands`` show it, with a placeholder for the file.
    """

    key: str
    words: tuple[str, ...]
    title: str
    meaning: str
    exactly: str = ""
    measures: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def as_text(self) -> dict[str, object]:
        """Return all that is said of it, by heading."""
        return {
            "topic": self.key,
            "title": self.title,
            "meaning": self.meaning,
            **({"exactly": self.exactly} if self.exactly else {}),
            "measures": list(self.measures),
            "commands": list(self.commands),
        }


_FILE = "YOUR-FILE"
_BEFORE = f"filtviz diagnose {_FILE} --before YOUR-FILE-FROM-BEFORE"
_DIAGNOSE = f"filtviz diagnose {_FILE}"

_ALL = (
    Topic(
        key="random",
        words=("noise", "noisy", "structure", "looks random"),
        title="Why do filters look random?",
        meaning=(
            "Mostly because they still hold the random numbers that they began with: training often moves "
            "weights by a small part of their size, and works all the same. The usual picture adds to it, "
            "since each kernel gets its own contrast and 3x3 pixels show little. Deeper layers show more "
            "when they are composed down to the image."
        ),
        measures=("residue", "initialiser", "low-frequency", "sphericity", "spike", "composed"),
        commands=(_DIAGNOSE, f"filtviz plot {_FILE} --layer YOUR-LAYER --through", _BEFORE),
    ),
    Topic(
        key="before",
        words=("after", "changed", "checkpoint", "epoch", "epochs", "start"),
        title="What does a file from before training add?",
        meaning=(
            "It measures what is estimated otherwise: how much of each layer was there already, and "
            "whether what was added is smoother than noise. Three and more files of one training are put "
            "in order, and it is told when each layer stopped moving."
        ),
        measures=("change", "residue"),
        commands=(
            _BEFORE,
            f"filtviz compare YOUR-FILE-FROM-BEFORE {_FILE} --layer 0",
            "filtviz diagnose YOUR-RUN/epoch*.pth",
        ),
    ),
    Topic(
        key="unneeded",
        words=("prune", "pruning", "alive", "useless", "idle", "nearly zero", "never fire"),
        title="Which filters do nothing?",
        meaning=(
            "Those that can never answer, those that have shrunk to nothing, those that no later layer "
            "reads, and near-copies of others. Weights prove only some of it: a filter that is not named "
            "may be idle on your images all the same."
        ),
        measures=("dead", "decayed", "unused", "duplicates", "normalisation"),
        commands=(
            f"filtviz diagnose {_FILE} --filters",
            f"filtviz diagnose {_FILE} --check dead --check unused",
        ),
    ),
    Topic(
        key="saturation",
        words=(
            "saturated",
            "clipping",
            "range",
            "rounded",
            "rounding",
            "quantisation",
            "quantization",
            "quantized",
        ),
        title="Are weights saturated, a heap of 0s and 1s?",
        meaning=(
            "Look whether values pile up at the largest, and whether there are fewer different values "
            "than the number format allows. Weights tell of weights only: whether a unit's answers "
            "saturate depends on the images."
        ),
        measures=("clipped", "quantised", "kurtosis", "sparsity"),
        commands=(f"filtviz diagnose {_FILE} --check clipped --check quantised",),
    ),
    Topic(
        key="variety",
        words=("collapse", "redundant", "redundancy", "diversity", "similar", "copies", "near-copies"),
        title="Do many filters do the same?",
        meaning=(
            "A layer may spread its filters over many directions or few. Few are a waste, and often the "
            "mark of a learning rate that was too high; near-copies can be cut out."
        ),
        measures=(
            "first-component",
            "duplicates",
            "effective-rank",
            "filter-orthogonality",
            "variance-entropy",
        ),
        commands=(f"filtviz diagnose {_FILE} --check collapsed --check duplicates",),
    ),
    Topic(
        key="edges",
        words=(
            "edge",
            "smooth",
            "smoothness",
            "fine-grained",
            "rough",
            "sobel",
            "gabor",
            "oriented",
            "lines",
            "blobs",
            "bars",
        ),
        title="Do filters look for edges, blobs or lines?",
        meaning=(
            "Smooth filters with a direction are edges or bars, smooth ones without are blobs. In 3x3 "
            "pixels that is hard to see, and chance makes some filters look like a textbook's; composed "
            "filters show more."
        ),
        measures=("low-frequency", "orientation", "classical", "composed"),
        commands=(f"filtviz plot {_FILE} --layer YOUR-LAYER --through", f"filtviz plot {_FILE} --badges"),
    ),
    Topic(
        key="strength",
        words=("unequal strength", "unequal", "strong", "weak", "energy", "contrast"),
        title="Are some filters much stronger than others?",
        meaning=(
            "At the start all filters of a layer are about equally strong. Training makes those stronger "
            "that count, so that unequal strength is a trace of it; a batch normalisation that was folded "
            "into the weights leaves the same. The usual picture hides it, since each kernel gets its own "
            "contrast; on one scale strong and weak filters can be told apart."
        ),
        measures=("filter-energy", "channel-energy", "decayed"),
        commands=(f"filtviz plot {_FILE} --layer YOUR-LAYER --view sheet --scale layer",),
    ),
    Topic(
        key="verdict",
        words=("verdicts", "p", "p-value", "level", "significance", "significant"),
        title="What do the verdicts of layers mean?",
        meaning=(
            f"Each layer gets one of them: {listed([each.word for each in VERDICTS.values()])}. They say "
            "what can be told from noise, and never whether the network is good. A test counts where chance "
            f"alone would do as much in fewer than {LEVEL * 1000:.1f} of 1,000 layers (p < {LEVEL:.4f})."
        ),
        measures=tuple(key for key, measure in MEASURES.items() if measure.judges),
        commands=(f"{_DIAGNOSE} --details", *(f"filtviz explain {key}" for key in VERDICTS)),
    ),
)


def _of_verdicts() -> Iterable[Topic]:
    for key, verdict in VERDICTS.items():
        yield Topic(
            key=key,
            words=tuple(sorted({verdict.word, verdict.rule, *verdict.called} - {key, ""})),
            title=f'The verdict "{verdict.word}"',
            meaning=f"{verdict.plain} {verdict.next_step}",
            exactly=f"{verdict.says}; given where: {verdict.when}",
            measures=tuple(key for key, measure in MEASURES.items() if measure.judges),
            commands=(f"filtviz diagnose {_FILE} --details", _BEFORE),
        )


TOPICS: Mapping[str, Topic] = {topic.key: topic for topic in (*_ALL, *_of_verdicts())}
"""Key → topic."""


def explained(word: str) -> Measure | Topic:
    """Return the measure or the topic that a person means.

    Args:
        word: A key, a title, or one of the words that people use.

    Raises:
        MeasureError: there is none; the text names the nearest.
    """
    asked = " ".join(word.lower().split())
    if asked in MEASURES:
        return MEASURES[asked]
    for topic in TOPICS.values():
        if asked in (topic.key, topic.title.lower(), *topic.words):
            return topic
    titles = {measure.title.lower(): measure for measure in MEASURES.values()}
    found = titles.get(asked) or next((titles[each] for each in titles if asked and asked in each), None)
    if found is not None:
        return found
    words = [*MEASURES, *TOPICS, *(each for topic in TOPICS.values() for each in topic.words)]
    near = difflib.get_close_matches(asked, words, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise MeasureError(
        f"nothing is called {quoted(word, 40)} here{hint} (`filtviz explain` lists topics and measures)"
    )
