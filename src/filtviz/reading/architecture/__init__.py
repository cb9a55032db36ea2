"""What a person says of a network whose file holds arrays and no graph: ``--architecture net.toml``.

A table is a layer. `template.py` writes what was concluded of a file, for a person to correct, `tables.py`
reads the text and says where a key is wrong, `kinds.py` makes operations of a table, and here they become a
network.
The text is only data: nothing in it is executed, and the arrays that it names are those of the model file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from filtviz.network import Layer, Network
from filtviz.operations import Input, Operation, Pooling, parameters_of
from filtviz.parameter import Shape
from filtviz.reading.architecture.kinds import (
    NORMALISED,
    WEIGHING,
    Arrays,
    Case,
    activation_of,
    operations_of,
)
from filtviz.reading.architecture.kinds import pooling as pooling_of
from filtviz.reading.architecture.tables import Table, read_tables
from filtviz.reading.architecture.template import template
from filtviz.reading.layering import make_layer
from filtviz.reading.limits import Limits, Spending, effort
from filtviz.shapes import output_shape
from filtviz.text import names_of_file, plural, printable, quoted

__all__ = ["build", "template"]


def build(weights: Network, path: Path, limits: Limits) -> Network:
    """Return the network that a text describes, with the weights of a file.

    Args:
        weights: What a file holds that has no graph.
        path: The text, in TOML.
        limits: How many layers there may be.

    Raises:
        FileAccessError: the text is missing or may not be read.
        MalformedFileError: it is no TOML, or what it says does not fit the arrays; the sentence names the
            line or the table.
        LimitError: it has too many tables, or links between them.
    """
    top, tables = read_tables(path, limits)
    arrays = Arrays.of(weights)
    maker = _Maker(top=top, tables=tables, arrays=arrays, effort=effort(limits))
    layers = maker.layers()
    top.used.update(("activation", "flip", "pad", "stride"))
    top.check_all_used()
    unused = arrays.unused()
    name = printable(path.name, 80)
    is_known = None not in (layers[-1].output_shape or (None, None))[1:]
    fits = "and all shapes fit" if is_known else "and shapes fit as far as they are told"
    sentence = f"the layers are those of {name}: {plural(len(tables), 'table')}, {fits}"
    if unused:
        sentence += f"; not used: {names_of_file(unused, 8)}"
    origin = replace(
        weights.origin,
        kind=f"{weights.origin.kind}, with the layers of {name}",
        order="",
        guess="",
        graph=name,
        inferred=(sentence,),
        siblings=(*weights.origin.siblings, path.absolute()),
    )
    return Network.of(layers, origin, weights.history)


STEPS_OF_A_LINK = 8


@dataclass(kw_only=True, eq=False)
class _Maker:
    """Makes one layer after another; ``places`` says by name where what a table gives comes from."""

    top: Table
    tables: Sequence[Table]
    arrays: Arrays
    effort: Spending
    made: list[Layer] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def layers(self) -> list[Layer]:
        """Return the layers of all tables, the image before them."""
        self.made.append(self._image())
        normalised = {each.name: self._is_normalised(place) for place, each in enumerate(self.tables)}
        for place, table in enumerate(self.tables):
            self._add(table, place, is_normalised=normalised[table.name])
        return self.made

    def _image(self) -> Layer:
        lengths = self.top.image()
        last = self.top.flag("channels_last", default=False)
        shape: Shape = (None, *(length or None for length in lengths))
        operation = Input(shape=shape, channels_last=last and len(shape) > 2)
        return Layer(type="Input", name="image", operations=(operation,), output_shape=shape)

    def _is_normalised(self, place: int) -> bool:
        """Tell whether a normalisation follows, which the activation stands behind then."""
        following = self.tables[place + 1] if place + 1 < len(self.tables) else None
        return following is not None and following.kind in NORMALISED and "from" not in following.values

    def _add(self, table: Table, place: int, *, is_normalised: bool) -> None:
        inputs = self._inputs(table)
        shapes = [self.made[one].output_shape for one in inputs]
        case = Case(table=table, top=self.top, arrays=self.arrays, shapes=shapes)
        operations = list(operations_of(case))
        follows = place > 0 and self.tables[place - 1].kind in WEIGHING and table.kind in NORMALISED
        by_default = (table.kind in WEIGHING and not is_normalised) or (
            follows and "from" not in table.values
        )
        operations += self._activation(table, by_default=by_default)
        pooling = pooling_of(table, "pool", shapes_of(operations, shapes)) if "pool" in table.values else None
        table.used.update(("from", "pool", "activation"))
        table.check_all_used()
        self._make(table, tuple(operations), inputs)
        if pooling is not None:
            self._pool(table, pooling)
        self.places[table.name] = len(self.made) - 1

    def _activation(self, table: Table, *, by_default: bool) -> Iterator[Operation]:
        holder = table if "activation" in table.values else self.top
        found = activation_of(holder, table) if holder is table or by_default else None
        if found is not None:
            yield found

    def _inputs(self, table: Table) -> tuple[int, ...]:
        """Return where a table's layer finds what it takes: above it, where it does not say otherwise."""
        names = table.names("from")
        if names is None:
            return (len(self.made) - 1,)
        self.effort.spend(STEPS_OF_A_LINK * len(names))
        if not names:
            return (0,)
        for name in names:
            if name not in self.places:
                below = any(each.name == name for each in self.tables)
                where = "does not stand above it" if below else "is no table"
                raise table.error(f"it takes what {quoted(name, 60)} gives, which {where}")
        return tuple(self.places[name] for name in names)

    def _make(self, table: Table, operations: tuple[Operation, ...], inputs: tuple[int, ...]) -> None:
        used = list(dict.fromkeys(one for each in operations for one in parameters_of(each)))
        shapes = [self.made[place].output_shape for place in inputs]
        layer = make_layer(
            operations,
            type=self.arrays.type_of(used) or table.kind,
            name=table.name,
            inputs=inputs,
            parameters=tuple(used),
            output_shape=shapes_of(operations, shapes),
        )
        self.made.append(layer)

    def _pool(self, table: Table, pooling: Pooling) -> None:
        place = len(self.made) - 1
        shape = output_shape(pooling, [self.made[place].output_shape])
        self.made.append(
            Layer(
                type="pool",
                name=f"{table.name}.pool",
                inputs=(place,),
                operations=(pooling,),
                output_shape=shape,
            )
        )


def shapes_of(operations: Sequence[Operation], shapes: Sequence[Shape | None]) -> Shape | None:
    """Return the shape that operations give, one after another."""
    given = list(shapes)
    for operation in operations:
        given = [output_shape(operation, given)]
    return given[0]
