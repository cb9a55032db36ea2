"""Arrays → groups, each the parameters of one layer, by the file's names or by order and shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from filtviz.reading.parameters.collecting import NamedArray

__all__ = ["BATCH_NORM", "Group", "group"]

BATCH_NORM = ("beta", "gamma", "mean", "inv_std")
"""The parameters of a BatchNormLayer in the order in which Lasagne lists them."""


@dataclass(kw_only=True, eq=False)
class Group:
    """The parameters of one layer by name, in order; ``name`` is the layer's, where the file gives one."""

    name: str | None = None
    fields: dict[str, NamedArray] = field(default_factory=dict)

    @property
    def weight(self) -> NamedArray | None:
        """The array called ``W``."""
        return self.fields.get("W")

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of ``W``, ``()`` where there is none."""
        return self.weight.array.shape if self.weight is not None else ()

    @property
    def first(self) -> int:
        """The place of its first array in the file."""
        return min(named.number for named in self.fields.values())

    @property
    def is_batch_norm(self) -> bool:
        """Whether the parameters are those of a batch normalisation."""
        return {"beta", "gamma"} <= set(self.fields)

    @property
    def bias_length(self) -> int | None:
        """The length of the bias, which is the number of filters or units."""
        bias = self.fields.get("b")
        return bias.array.shape[0] if bias is not None and bias.array.shape else None

    def add(self, name: str | None, array: NamedArray) -> None:
        """Add an array; one without a name, or with one that is taken, is called by its place."""
        if name is None or name in self.fields:
            name = f"param_{len(self.fields)}"
        self.fields[name] = array


def group(arrays: Sequence[NamedArray], convs: frozenset[int] = frozenset()) -> list[Group]:
    """Group arrays into layers; ``convs`` are the numbers of those that a person says are convolutions."""
    groups: list[Group] = []
    by_layer: dict[str, list[NamedArray]] = {}
    for named in arrays:
        if named.layer is not None:
            by_layer.setdefault(named.layer, []).append(named)
    by_name = {name: members for name, members in by_layer.items() if _is_one_layer(members)}
    unnamed: list[NamedArray] = []
    for named in arrays:
        if named.layer not in by_name:
            unnamed.append(named)
        elif named is by_name[named.layer][0]:
            groups += _by_order(unnamed, convs)
            unnamed = []
            groups.append(_by_name(named.layer, by_name[named.layer], convs))
    return groups + _by_order(unnamed, convs)


def _is_one_layer(members: Sequence[NamedArray]) -> bool:
    """Tell whether arrays under one name are one layer's: a whole network's list has several weights."""
    if any(member.field is not None for member in members):
        return True
    weights = [member.array.shape for member in members if len(member.array.shape) > 1]
    return len(weights) < 2 or (len(members) == 2 and _is_untied_bias(*weights))


def _is_untied_bias(weight: tuple[int, ...], bias: tuple[int, ...]) -> bool:
    """Tell a bias for each position, ``(filters, rows, cols)``, behind the weights of a convolution."""
    return len(weight) == 4 and len(bias) == 3 and weight[0] == bias[0]


def _by_name(name: str, members: Sequence[NamedArray], convs: frozenset[int]) -> Group:
    """Group the arrays of one named layer: by their own names, or as ``[W, b]`` or batch norm's four."""
    if any(member.field is not None for member in members):
        found = Group(name=name)
        for member, field_name in zip(members, _fields(members, convs), strict=True):
            found.add(field_name, member)
        return found
    parts = _by_order(members, convs)
    found = parts[0]
    for extra in parts[1:]:
        for field_name, member in extra.fields.items():
            found.add(field_name, member)
    found.name = name
    return found


def _fields(members: Sequence[NamedArray], convs: frozenset[int]) -> list[str | None]:
    """Return the arrays' own names, ``W`` for the one that must be the weights, whatever it is called."""
    names = [member.field for member in members]
    weights = [place for place, member in enumerate(members) if member.number in convs]
    if not weights and "W" not in names:
        weights = [place for place, member in enumerate(members) if len(member.array.shape) > 1]
    if len(weights) == 1:
        names[weights[0]] = "W"
    return names


def _by_order(arrays: Sequence[NamedArray], convs: frozenset[int]) -> list[Group]:
    """Group arrays that have no names: a weight begins a layer, and the vectors that fit it follow."""
    groups: list[Group] = []
    place = 0
    while place < len(arrays):
        named = arrays[place]
        shape = named.array.shape
        if len(shape) == 1 and named.number not in convs:
            run = list(_run(arrays, place))
            groups += _vectors(run, groups[-1] if groups else None)
            place += len(run)
            continue
        previous = groups[-1] if groups else None
        untied = (
            previous is not None
            and len(previous.fields) == 1
            and _is_untied_bias(previous.weight_shape, shape)
        )
        if untied and named.number not in convs:
            assert previous is not None, "there is one that it is the bias of"
            previous.add("b", named)
        else:
            groups.append(Group())
            groups[-1].add("W" if len(shape) > 1 or named.number in convs else None, named)
        place += 1
    return groups


def _run(arrays: Sequence[NamedArray], place: int) -> Iterator[NamedArray]:
    """Yield the vectors of one length from ``place`` on."""
    length = arrays[place].array.shape
    while place < len(arrays) and arrays[place].array.shape == length:
        yield arrays[place]
        place += 1


def _vectors(run: list[NamedArray], previous: Group | None) -> list[Group]:
    """Divide vectors of one length into the bias of the weights before them and batch normalisations.

    Lasagne lists ``W`` and ``b``, then ``beta, gamma, mean, inv_std``; a batch-normalised layer has no bias.
    """
    length = run[0].array.shape[0]
    fits = previous is not None and len(previous.fields) == 1 and length in previous.weight_shape[:2]
    if previous is not None and fits and len(run) % 4:
        previous.add("b", run[0])
        run = run[1:]
    groups = []
    for start in range(0, len(run), 4):
        four = run[start : start + 4]
        groups.append(Group())
        for i, named in enumerate(four):
            groups[-1].add(BATCH_NORM[i] if len(four) == 4 else None, named)
    return groups
