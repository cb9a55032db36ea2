"""Named tensors → layers, for files that hold names and arrays and no graph: a state_dict, safetensors.

What the names tell is in `filtviz.reading.tensor_names`. What shapes alone can tell (groups, a transposed
convolution) is concluded only where a bias or the number of channels leaves no other reading, and is said to
be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from filtviz.activations import Activation
from filtviz.errors import SelectionError
from filtviz.network import ConvLayer, Layer
from filtviz.operations import Convolution, Dense, Embedding, Normalisation, Operation, Recurrent, Untold
from filtviz.reading.limits import Hints
from filtviz.reading.tensor_names import (
    BESIDE,
    CALLED_DEPTHWISE,
    CALLED_TRANSPOSED,
    OF_A_SPLIT,
    OF_TRANSPOSED,
    SHORTCUTS,
    Convention,
    Tensor,
    TensorGroup,
    are_sorted,
    grouped,
    is_called_transposed,
    is_embedding,
    is_shortcut,
    of_attention,
    parts_around,
    sees_colours,
)
from filtviz.text import names_of_file, plural, quoted

__all__ = ["TensorLayers", "layers_of"]


_PLANES = 2
"""Axes of a kernel in the plane."""


MOST_COLOURS = 4
"""Channels of an image."""


@dataclass(frozen=True, kw_only=True)
class TensorLayers:
    """Layers made of named tensors, with a sentence for each thing that was ``inferred``."""

    layers: tuple[Layer, ...]
    inferred: tuple[str, ...]


def layers_of(
    tensors: Iterable[Tensor],
    convention: Convention,
    hints: Hints,
    *,
    known: Mapping[str, Mapping[str, Any]] | None = None,
    as_they_run: bool | None = None,
) -> TensorLayers:
    """Make layers of tensors, in their order.

    Args:
        tensors: The arrays with their names, in the file's order.
        convention: What the framework calls and how it stores them.
        hints: What a person says of the axes of its tensors.
        known: Name of a layer → facts of its `Convolution` that the file tells (``groups``, ``stride``,
            ``pad``, ``dilation``, ``transposed``, ``axes``), and ``type``, the class's name.
        as_they_run: Whether the order of the tensors is about that in which a network has its layers. Where
            it is that of names, ``bn`` comes before ``conv``, and neighbours tell little.

    Raises:
        SelectionError: ``hints`` chooses convolutions, which names and shapes tell here, or says axes that an
            array has not.
    """
    if hints.convs:
        raise SelectionError(
            "the file names its layers; leave out --convs, which is for files that hold nothing but arrays",
            wanted=hints.convs[0],
        )
    tensors = list(tensors)
    if as_they_run is None:
        as_they_run = not are_sorted([one.name for one in tensors], convention.separator)
    groups = grouped(tensors, convention)
    maker = _Maker(convention=convention, hints=hints, known=known or {}, as_they_run=as_they_run)
    layers = maker.make(groups)
    return TensorLayers(layers=tuple(layers), inferred=tuple(maker.sentences()))


def _told_by_branches(
    parts: Mapping[str, Mapping[str, Sequence[str]]], kernels: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, int]]:
    """Yield the first kernel of a branch, of one channel, where another branch takes as many as it gives."""
    for of in parts.values():
        firsts = {part: names[0] for part, names in of.items() if not part.startswith(SHORTCUTS)}
        takes = Counter(kernels[name][0] for name in firsts.values())
        for name in firsts.values():
            channels, filters = kernels[name]
            if channels == 1 < filters and takes[filters]:
                yield name, filters


_GATES = {4: "LSTM", 3: "GRU", 1: "RNN"}
"""How many matrices PyTorch puts one below the other → the recurrent layer that has so many."""


def _recurrent(group: TensorGroup) -> tuple[str, int, int, int] | None:
    """Tell one of PyTorch's recurrent layers: its kind, its units, how many values it takes and gives."""
    found = group.parameters
    suffix = "_l0" if "weight_ih_l0" in found else ""
    inputs, own = found.get(f"weight_ih{suffix}"), found.get(f"weight_hh{suffix}")
    if inputs is None or own is None or len(inputs.shape) != 2 or len(own.shape) != 2:
        return None
    projection = found.get(f"weight_hr{suffix}")
    gives = own.shape[1]
    units = gives if projection is None or len(projection.shape) != 2 else projection.shape[1]
    kind = _GATES.get(own.shape[0] // units) if units and own.shape[0] % units == 0 else None
    if kind is None or inputs.shape[0] != own.shape[0]:
        return None
    is_twofold = f"weight_ih{suffix}_reverse" in found
    return (kind if suffix else f"{kind}Cell"), units, inputs.shape[1], gives * (1 + is_twofold)


@dataclass(kw_only=True, eq=False)
class _Maker:
    """Makes one layer after another, and remembers what had to be concluded."""

    convention: Convention
    hints: Hints
    known: Mapping[str, Mapping[str, Any]]
    as_they_run: bool = True
    sees_colours: bool = False
    branches: Set[str] = frozenset()
    sees: Mapping[str, int] = field(default_factory=dict)
    attention: Set[str] = frozenset()
    depthwise: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    called_depthwise: list[str] = field(default_factory=list)
    transposed: list[str] = field(default_factory=list)
    grouped: list[str] = field(default_factory=list)
    in_groups: dict[str, int] = field(default_factory=dict)
    fewest: int | None = None
    called_transposed: list[str] = field(default_factory=list)
    last_transposed: list[str] = field(default_factory=list)
    embeddings: list[str] = field(default_factory=list)
    recurrent: list[str] = field(default_factory=list)

    def make(self, groups: Sequence[TensorGroup]) -> list[Layer]:
        """Return a layer for each group; each feeds the next where the sizes fit."""
        layers: list[Layer] = []
        before: int | None = None
        last = -1
        self.attention = of_attention({group.name for group in groups}, self.convention.separator)
        self.branches = self._branches(groups)
        self.sees = self._told_beside(groups)
        self.sees_colours = any(sees_colours(group.shape, self.convention) for group in groups)
        for place, group in enumerate(groups):
            following = groups[place + 1] if place + 1 < len(groups) else None
            if following is not None and not self._comes_before(group, following):
                following = None
            operations, kind, takes, gives = self._read(group, before, following)
            fits = takes is None or before is None or takes == before or (before > 0 and takes % before == 0)
            fits = fits and not isinstance(operations[0], Embedding)  # that looks at the numbers of words
            common: dict[str, Any] = {
                "name": group.name or None,
                "type": kind,
                "inputs": (last,) if place and fits else (),
                "parameters": tuple(group.parameters.values()),
                "operations": operations,
            }
            is_conv = isinstance(operations[0], Convolution)
            layers.append(ConvLayer(**common) if is_conv else Layer(**common))
            if not is_shortcut(group.name) or last < 0:
                before = gives if gives is not None else before
                last = place
            if gives and is_conv:
                self.fewest = min(gives, self.fewest or gives)
        return layers

    def _read(
        self, group: TensorGroup, before: int | None, following: TensorGroup | None
    ) -> tuple[tuple[Operation, ...], str, int | None, int | None]:
        """Return what a layer does, its class's name, and how many channels it takes and gives."""
        known = dict(self.known.get(group.name, {}))
        kind = known.pop("type", None)
        weight, n_axes = group.roles.get("weight"), len(group.shape)
        is_dense = n_axes == 3 and (group.name in self.attention or group.has_wide_bias)
        if n_axes in self.convention.kernels and not group.is_norm and not is_dense:
            convolution = self._convolution(group, before, following, known)
            n = len(convolution.kernel_size)
            times = convolution.groups or 1
            takes, gives = convolution.n_channels * times, convolution.n_filters
            if convolution.transposed:
                takes, gives = convolution.n_channels, convolution.n_filters * times
            name = self.convention.conv_type
            if convolution.transposed:
                name = "ConvTranspose{n}d" if self.convention.transposed else f"{name}Transpose"
            return (convolution, Activation(kind="untold")), kind or name.format(n=n), takes, gives
        table = group.roles.get("table") or (weight if is_embedding(group) else None)
        if table is not None and len(table.shape) == 2:
            if "table" not in group.roles and kind is None:
                self.embeddings.append(group.name)
            return (Embedding(weights=table),), kind or "Embedding", None, table.shape[1]
        if weight is not None and n_axes == 2:
            dense = Dense(
                weights=weight,
                axes=self.convention.dense,
                bias=group.roles.get("bias"),
                units=group.shape[self.convention.dense.index("o")],
            )
            takes = group.shape[self.convention.dense.index("i")]
            kind = kind or self.convention.dense_type
            return (dense, Activation(kind="untold")), kind, takes, dense.units
        if group.is_norm:
            norm = self._normalisation(group)
            return (norm,), kind or self.convention.norm_type, group.width, group.width
        recurrent = _recurrent(group)
        if recurrent is not None:
            if kind is None:
                self.recurrent.append(group.name)
            name, units, takes, gives = recurrent
            return (Recurrent(kind=name, units=units),), kind or name, takes, gives
        reason = "the file has arrays under this name and does not tell what is done with them"
        keeps = group.width is not None and n_axes <= 1
        return (Untold(reason=reason, keeps_places=keeps),), kind or "parameters", None, None

    def _convolution(
        self, group: TensorGroup, before: int | None, following: TensorGroup | None, known: dict[str, Any]
    ) -> Convolution:
        weight, bias = group.roles["weight"], group.roles.get("bias")
        usual = self.convention.kernels[len(weight.shape)]
        of_file = known.pop("axes", None)
        axes = self._said_axes(group) or of_file
        if axes is None and "transposed" not in known:
            known["transposed"] = self._is_transposed(group, before, following)
            if (groups := self._groups_by_bias(group)) and "groups" not in known:
                known.update(transposed=True, groups=groups)
                self.grouped.append(group.name)
        if axes is None:
            orders = self.convention.transposed or self.convention.called_transposed
            axes = orders.get(len(weight.shape), usual) if known.get("transposed") else usual
        found = Convolution(weights=weight, axes=axes, flip_filters=False, bias=bias, **known)
        below = (before or 0) if self.as_they_run or self.sees_colours else 0  # or it may see a grey image
        below = 0 if group.name in self.branches else below
        sees = self.sees.get(group.name)
        if found.groups is None and found.n_channels == 1 and sees:
            self.beside.append(group.name)
            return replace(found, groups=sees)
        if found.groups is None and found.n_channels == 1 and below > 1 and found.n_filters == below:
            # One channel for each filter, and as many filters as channels below: there is no other reading.
            self.depthwise.append(group.name)
            return replace(found, groups=below)
        if (
            found.groups is None
            and found.n_channels == 1 < found.n_filters
            and CALLED_DEPTHWISE.search(group.name)
        ):
            self.called_depthwise.append(group.name)
            return replace(found, groups=found.n_filters)
        is_split = OF_A_SPLIT.search(group.name)
        if found.groups is None and not is_split and self._is_in_groups(found, below):
            self.in_groups[group.name] = below // found.n_channels
            return replace(found, groups=below // found.n_channels)
        return found

    def _is_in_groups(self, found: Convolution, below: int) -> bool:
        """Tell groups by the layer below: nothing gives as few channels as the filters take.

        Where others may give so few, what all others in groups have in common still tells it. A kernel
        without a middle may as well be a transposed convolution's.
        """
        n, has_middle = found.n_channels, all(length % 2 for length in found.kernel_size)
        fits = self.as_they_run and 1 < n < below == found.n_filters and below % n == 0
        is_window = has_middle and min(found.kernel_size) > 1 and len(found.kernel_size) == _PLANES
        if not fits or not is_window or found.transposed:
            return False
        is_least = self.fewest is not None and n < self.fewest and (self.sees_colours or n > MOST_COLOURS)
        return is_least or below // n in self.in_groups.values()

    def _branches(self, groups: Sequence[TensorGroup]) -> set[str]:
        """Return kernels of one channel and several sizes that follow each other: they stand side by side.

        Both see what is below the first one, of which they may have several filters for each channel.
        """
        usual = self.convention.kernels[4]
        kernels = [one for one in groups if len(one.shape) == len(usual)]
        found: set[str] = set()
        for one, other in pairwise(kernels):
            of = [dict(zip(usual, each.shape, strict=True)) for each in (one, other)]
            if of[0]["i"] == of[1]["i"] == 1 < of[0]["o"] == of[1]["o"] and one.shape != other.shape:
                found |= {one.name, other.name}
        return found

    def _told_beside(self, groups: Sequence[TensorGroup]) -> dict[str, int]:
        """Return how many channels the first kernel of a block sees, where what stands beside it tells.

        A shortcut of one kernel tells it where it gives as many channels as the other has filters, another
        branch where it takes as many.
        """
        usual, separator = self.convention.kernels[4], self.convention.separator
        shapes = {group.name: group.shape for group in groups if len(group.shape) == len(usual)}
        kernels = {name: (shape[usual.index("i")], shape[usual.index("o")]) for name, shape in shapes.items()}
        parts: dict[str, dict[str, list[str]]] = {}
        for name in kernels:
            if found := BESIDE.search(name):
                block = parts.setdefault(name[: found.start()], {})
                block.setdefault(found["part"].lower(), []).append(name)
        told = dict(_told_by_branches(parts, kernels))
        shortcuts = {
            block: kernels[names[0]]
            for block, of in parts.items()
            for part, names in of.items()
            if part.startswith(SHORTCUTS) and len(names) == 1
        }
        for name, (channels, filters) in kernels.items():
            if BESIDE.search(name):
                continue
            block_of = next((one for one in parts_around(name, separator) if one in shortcuts), None)
            if block_of is not None:
                sees, gives = shortcuts.pop(block_of)  # of a block the first kernel alone sees what it sees
                if channels == 1 < sees and filters == gives and not gives % sees:
                    told[name] = sees
        return told

    def _comes_before(self, group: TensorGroup, other: TensorGroup) -> bool:
        """Tell whether the next layer of the file is the next one of the network, too."""
        if self.as_they_run:
            return True
        part, _, number = group.name.rpartition(self.convention.separator)
        other_part, _, other_number = other.name.rpartition(self.convention.separator)
        return part == other_part and number.isdecimal() and other_number.isdecimal()

    def _groups_by_bias(self, group: TensorGroup) -> int | None:
        """Return the groups of a transposed convolution that has more biases than one group gives channels.

        None where the biases leave another reading, or none.
        """
        turned = self.convention.transposed.get(len(group.shape))
        bias = group.roles.get("bias")
        if turned is None or bias is None or len(bias.shape) != 1:
            return None
        takes, gives, n_biases = group.shape[turned.index("i")], group.shape[turned.index("o")], bias.size
        groups, rest = divmod(n_biases, max(gives, 1))
        fits = groups > 1 and not rest and takes % groups == 0
        return groups if fits and n_biases != takes else None

    def _said_axes(self, group: TensorGroup) -> str | None:
        """Return the order of the axes of a kernel that a person says."""
        weight = group.roles["weight"]
        said = self.hints.axes_for(weight.source, group.name)
        if said is not None and len(said) != len(weight.shape):
            if "" in self.hints.axes and self.hints.axes[""] == said:
                return None  # said of all, and this is a convolution over fewer axes or more
            raise SelectionError(
                f"the array {quoted(weight.source, 60)} has {plural(len(weight.shape), 'axis')}, and an "
                f"order of {len(said)} is said: write one letter for each",
                wanted=said,
            )
        return said

    def _is_transposed(self, group: TensorGroup, before: int | None, following: TensorGroup | None) -> bool:
        """Tell a transposed convolution: by its biases, by both its neighbours, or by what it is called."""
        usual = self.convention.kernels[len(group.shape)]
        filters, channels = group.shape[usual.index("o")], group.shape[usual.index("i")]
        if not self.convention.transposed:
            found = bool(self.convention.called_transposed and OF_TRANSPOSED.search(group.name))
            self.called_transposed += [group.name] if found else []
            return found
        if filters == channels:  # its sizes tell nothing
            found = is_called_transposed(group.name, group.shape, self.convention)
            self.called_transposed += [group.name] if found else []
            return found
        width = self._width_behind(group, following)
        # Branches side by side take as many, and are joined; the kernel of an upscaling is larger than 1x1.
        is_point = all(n == 1 for axis, n in zip(usual, group.shape, strict=True) if axis in "drc")
        if width is not None:
            # A normalisation may be of several layers that are joined; what fits the layer below stays.
            found = width == channels and ("bias" in group.roles or (before != channels and not is_point))
        else:
            # A layer of few channels may as well see the image, as the first of a second branch does.
            fits_below = before == filters and channels > MOST_COLOURS and bool(before % channels)
            fits_below = fits_below and not is_point
            found = fits_below and following is not None and self._takes(following) == channels
        if found:
            self.transposed.append(group.name)
        elif width is None and before == filters and self._ends_a_generator(group, following, channels):
            self.last_transposed.append(group.name)
            found = True
        elif width is None and (OF_TRANSPOSED if is_point else CALLED_TRANSPOSED).search(group.name):
            self.called_transposed.append(group.name)
            found = True
        return found

    def _ends_a_generator(self, group: TensorGroup, following: TensorGroup | None, channels: int) -> bool:
        """Tell the last of several transposed convolutions in one part of a network: it gives an image."""
        part = group.name.rpartition(self.convention.separator)[0]
        others = [one.rpartition(self.convention.separator)[0] for one in self.transposed]
        goes_on = following is not None and following.name.rpartition(self.convention.separator)[0] == part
        return channels < MOST_COLOURS and bool(part) and part in others and not goes_on

    def _width_behind(self, group: TensorGroup, following: TensorGroup | None) -> int | None:
        """Return the number of biases, or of channels that the normalisation behind has."""
        bias = group.roles.get("bias")
        if bias is not None and len(bias.shape) == 1:
            return bias.shape[0]
        return following.width if following is not None and following.is_norm else None

    def _takes(self, group: TensorGroup) -> int | None:
        """Return how many channels a layer takes, if it is no transposed convolution itself."""
        usual = self.convention.kernels.get(len(group.shape)) or self.convention.dense
        return group.shape[usual.index("i")] if len(group.shape) == len(usual) else None

    def _normalisation(self, group: TensorGroup) -> Normalisation:
        roles = group.roles
        return Normalisation(
            mean=roles["mean"],
            spread=roles["variance"],
            spread_is="variance",
            epsilon=self.convention.epsilon,
            gamma=roles.get("gamma") or roles.get("weight"),
            beta=roles.get("beta") or roles.get("bias"),
        )

    @property
    def _usual_word(self) -> str:
        return "oihw" if self.convention.kernels[4].startswith("o") else "hwio"

    def sentences(self) -> list[str]:
        """Say what was concluded."""
        said = ["the file holds names and arrays and no graph: each layer feeds the next one that fits it"]
        for names, what in (
            (
                self.depthwise,
                "depthwise convolutions, since each filter has one channel and there are as many below",
            ),
            (
                self.beside,
                "depthwise convolutions, since what stands beside them in their block takes so many channels",
            ),
            (
                self.called_depthwise,
                "depthwise convolutions by what they are called, with one filter for each channel",
            ),
            (
                list(self.in_groups),
                "convolutions in groups, since nothing before gives as few channels as their filters take",
            ),
            (self.transposed, "transposed convolutions, since only so the sizes fit"),
            (
                self.grouped,
                "transposed convolutions in groups, since only so the numbers of their biases fit",
            ),
            (
                self.last_transposed,
                "transposed convolutions, as those before them are, since they give as many channels as an "
                "image has (--axes NAME=oihw if they are not)",
            ),
            (
                self.called_transposed,
                "transposed convolutions by what they are called "
                f"(--axes NAME={self._usual_word} if they are not)",
            ),
            (self.recurrent, "recurrent layers by what their arrays are called and how their shapes repeat"),
            (self.embeddings, "tables of embeddings by what they are called, and since they have no bias"),
        ):
            if names:
                said.append(f"{what}: {names_of_file(names, 8, 60)}")
        return said
