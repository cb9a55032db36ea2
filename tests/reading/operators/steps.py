"""Small graphs as lines of text, and each of them with one fact changed: an input, an output, an attribute.

A line is ``operator inputs > outputs | name=value …``; ``-`` is an input that is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Step", "changed", "steps_of"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A node: its operator, its inputs and outputs by their names, its attributes."""

    operator: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.operator} {' '.join(self.outputs)}"


def steps_of(text: str) -> tuple[Step, ...]:
    """The nodes that lines tell."""
    return tuple(map(_step_of, filter(None, map(str.strip, text.splitlines()))))


def _step_of(line: str) -> Step:
    head, _, said = line.partition(" | ")
    given, _, gives = head.partition(" > ")
    operator, *inputs = given.split()
    pairs = (one.partition("=")[::2] for one in said.split())
    return Step(
        operator=operator,
        inputs=tuple("" if one == "-" else one for one in inputs),
        outputs=tuple("" if one == "-" else one for one in gives.split()),
        facts=tuple((name, _value(value)) for name, value in pairs),
    )


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def changed(steps: Sequence[Step], pool: Sequence[str]) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Yield a graph as it is, and with three of five changes of one fact; inputs become names of the pool."""
    whole = tuple(steps)
    yield "as it is", whole
    n = 0
    for place, step in enumerate(whole):
        before, after = whole[:place], whole[place + 1 :]
        for words, other in _others(step, pool, [one for each in before for one in each.outputs]):
            n += 1
            if n % 5 < 3:
                yield f"{step}: {words}", (*before, other, *after)


def _others(step: Step, pool: Sequence[str], earlier: Sequence[str]) -> Iterator[tuple[str, Step]]:
    for at, given in enumerate(step.inputs):
        name = (*pool, "")[(at + len(earlier)) % (len(pool) + 1)]
        if name != given:
            other = (*step.inputs[:at], name, *step.inputs[at + 1 :])
            yield f"{name or 'nothing'} for {given or 'nothing'}", replace(step, inputs=other)
    if len(earlier) % 2 == 0:
        yield "an input more", replace(step, inputs=(*step.inputs, pool[0]))
    elif step.inputs:
        yield "without its last input", replace(step, inputs=step.inputs[:-1])
    if len(step.inputs) > 1:
        yield "inputs turned", replace(step, inputs=step.inputs[::-1])
    for at, name in enumerate(step.outputs):
        other = "" if at else (earlier or step.inputs or ("",))[-1]
        gives = (*step.outputs[:at], other, *step.outputs[at + 1 :])
        yield f"gives {other or 'nothing'} for {name}", replace(step, outputs=gives)
    if len(step.outputs) > 1:
        yield "gives nothing", replace(step, outputs=())
    for at, (name, value) in enumerate(step.facts):
        head_, rest_ = step.facts[:at], step.facts[at + 1 :]
        yield f"without {name}", replace(step, facts=(*head_, *rest_))
        for other in _values(value):
            yield f"{name}={other}".replace(" ", ""), replace(step, facts=(*head_, (name, other), *rest_))


def _values(value: Any) -> Iterator[Any]:
    """What may stand in the place of a number, some numbers or a word."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from dict.fromkeys((value + 1, -value - 1, type(value)(0)))
    elif isinstance(value, list):
        yield from (value[1:], [*value, value[-1]], value[::-1]) if value else ()
        yield [-one for one in value]
    elif isinstance(value, str):
        yield f"{value}_"
