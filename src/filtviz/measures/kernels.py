"""The weights of one layer, made ready once for all measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.pairs import DUPLICATE_COSINE, Pairs, compare_pairs
from filtviz.parameter import has_few_bits
from filtviz.scaling import in_double

if TYPE_CHECKING:
    from filtviz.network import ConvLayer

__all__ = ["Floats", "Kernels", "largest_of_gram", "nonfinite_filters"]

Floats = NDArray[np.float64]

_HALF = 10
"""Bits of the mantissa of half precision."""

_LEAST = 2.0**-24
"""The smallest step of half precision."""

_SINGLE = 23
"""Bits of the mantissa of single precision."""

_FIRST = 100
"""Values that nearly always tell that others need more bits as well."""

_SMALL_SIDE = 200
"""Up to so many rows all eigenvalues are found at once; of more only the largest (Lanczos)."""

_SOME = 8
"""Filters that nearly always tell that the others have no one mean and spread either."""

_STANDARD = 1e-4
"""Of a standard deviation: how near to one mean and spread the filters of standardised weights are."""

_ROUNDS = 5
"""How often filters and channels are brought to one energy in turn (Sinkhorn & Knopp 1967)."""

_CHUNK_ELEMENTS = 100_000
"""How many weights a transform looks at in one go, so that its memory stays small beside the layer's own."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """Finite weights as ``(filters, channels, rows, cols)`` in double precision.

    ``mantissa`` is the number of bits that their type keeps behind the first, and ``tiny`` its smallest step:
    half precision and bfloat16 are also recognised when the array has a wider type, since rounding is all
    that the measures need to know of it. ``counted`` is what was counted of them in order, so that weights
    that are looked at again are not sorted again.
    """

    weights: Floats
    mantissa: int = 52
    tiny: float = 0.0
    counted: dict[str | float, float] = field(default_factory=dict)

    @classmethod
    def of(cls, filters: NDArray[Any], counted: dict[str | float, float] | None = None) -> Kernels:
        """Take the weights of a layer as they are.

        Args:
            filters: They, finite and 4-D.
            counted: What was counted of the same weights before.
        """
        weights = np.ascontiguousarray(filters, dtype=np.float64)
        return cls(weights, *_precision(filters), {} if counted is None else counted)

    @property
    def is_half(self) -> bool:
        """Whether the numbers are of 16 bits or fewer, so that their rounding shows."""
        return self.mantissa <= _HALF

    @property
    def stored_as(self) -> str:
        """What the type of so few bits is called."""
        return {10: "half precision", 7: "bfloat16"}.get(self.mantissa, f"{self.mantissa + 1} binary digits")

    @property
    def rounding(self) -> float:
        """By what share of itself a number may be off for the type that it is stored in."""
        return float(2.0**-self.mantissa)

    def steps(self, values: Floats) -> Floats:
        """Return the distance from each value to the next that its stored type has."""
        exponents = np.frexp(values)[1] - 1 - self.mantissa
        return np.asarray(np.maximum(np.ldexp(np.where(values == 0, 0.0, 1.0), exponents), self.tiny))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(filters, channels, rows, cols)``."""
        filters, channels, rows, cols = self.weights.shape
        return filters, channels, rows, cols

    @property
    def n_filters(self) -> int:
        """O, the number of filters."""
        return self.shape[0]

    @property
    def n_channels(self) -> int:
        """C, the number of input channels."""
        return self.shape[1]

    @property
    def n_positions(self) -> int:
        """p, the number of weights of one kernel."""
        return self.shape[2] * self.shape[3]

    @property
    def n_kernels(self) -> int:
        """N = O x C."""
        return self.n_filters * self.n_channels

    @property
    def size(self) -> int:
        """The number of weights."""
        return self.weights.size

    @property
    def flat(self) -> Floats:
        """All weights, ``(weights,)``."""
        return self.weights.reshape(-1)

    @property
    def rows(self) -> Floats:
        """One row for each filter, ``(filters, channels * positions)``."""
        return self.weights.reshape(self.n_filters, -1)

    @cached_property
    def ordered(self) -> NDArray[Any]:
        """All weights in order, ``(weights,)``, in single precision where it has them."""
        return np.sort(self.flat.astype(np.float32) if self.mantissa <= _SINGLE else self.flat)

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return self._once("largest", lambda: max(-self.ordered[0], self.ordered[-1]))

    @property
    def smallest(self) -> float:
        """The smallest magnitude but 0; infinity where there is none."""
        return self._once("smallest", self._find_smallest)

    def _find_smallest(self) -> Any:
        ordered = self.ordered
        first, behind = np.searchsorted(ordered, 0.0), np.searchsorted(ordered, 0.0, side="right")
        below = -ordered[first - 1] if first > 0 else np.inf
        return min(below, ordered[behind] if behind < len(ordered) else np.inf)

    @property
    def n_distinct(self) -> int:
        """How many different numbers there are."""
        return int(
            self._once("distinct", lambda: 1 + np.count_nonzero(self.ordered[1:] != self.ordered[:-1]))
        )

    def _once(self, what: str, count: Callable[[], Any]) -> float:
        if what not in self.counted:
            self.counted[what] = float(count())
        return self.counted[what]

    @cached_property
    def n_zeros(self) -> int:
        """How many weights are exactly 0."""
        return self.size - int(np.count_nonzero(self.weights))

    def count_below(self, limits: Floats) -> Floats:
        """Count the magnitudes under each limit, ``(limits,)``.

        Args:
            limits: Any numbers.
        """
        new = np.array([limit for limit in limits.tolist() if limit not in self.counted])
        if len(new):
            self.counted.update(zip(new.tolist(), self._count_below(new).tolist(), strict=True))
        return np.array([self.counted[limit] for limit in limits.tolist()])

    def _count_below(self, limits: Floats) -> Floats:
        ordered = self.ordered
        with np.errstate(over="ignore"):
            rounded = limits.astype(ordered.dtype)
            up = np.where(rounded < limits, np.nextafter(rounded, ordered.dtype.type(np.inf)), rounded)
        up = up.astype(ordered.dtype)
        counts = np.searchsorted(ordered, up) - np.searchsorted(ordered, -up, side="right")
        return np.asarray(np.maximum(counts, 0), np.float64)

    @cached_property
    def energy(self) -> Floats:
        """The sum of squares of each kernel, ``(filters, channels)``."""
        return np.asarray(np.einsum("ocij,ocij->oc", self.weights, self.weights))

    @cached_property
    def rms(self) -> float:
        """The root of the mean square of all weights."""
        return float(np.sqrt(self.energy.sum() / self.size))

    @cached_property
    def norms(self) -> Floats:
        """The Euclidean norm of each filter over all its channels, ``(filters,)``."""
        return np.asarray(np.sqrt(self.energy.sum(axis=1)))

    @cached_property
    def raw_moments(self) -> tuple[float, float, float, float]:
        """The means of w, w², w³ and w⁴."""
        first = third = fourth = 0.0
        for block in self.blocks():
            values = self.weights[block]
            squares = values**2
            first += float(values.sum())
            third += float(np.vdot(values, squares))
            fourth += float(np.vdot(squares, squares))
        n = self.size
        return first / n, float(self.energy.sum()) / n, third / n, fourth / n

    @cached_property
    def gram(self) -> Floats:
        """Inner products along the smaller side of the ``filters x rest`` matrix, ``(smaller, smaller)``."""
        rows = self.rows
        return np.asarray(rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows)

    @cached_property
    def balanced_eigenvalue(self) -> float:
        """The largest of the matrix whose filters and input channels have each been brought to one energy.

        In units of the mean square of its entries; filters and channels of zeros stay so.
        """
        shares = self.energy
        filters, channels = np.ones(self.n_filters), np.ones(self.n_channels)
        for _ in range(_ROUNDS):
            filters = _inverse(shares @ channels)
            channels = _inverse(filters @ shares)
        mean_square = float(filters @ shares @ channels) / self.size
        if not mean_square > 0:
            return 0.0
        scales = np.sqrt(np.outer(filters, channels))[:, :, np.newaxis, np.newaxis]
        units = self.weights * scales
        return largest_of_gram(units.reshape(self.n_filters, -1)) / mean_square

    @cached_property
    def units(self) -> Floats:
        """The filters brought to norm 1, ``(filters, channels * positions)``; those of zeros stay so."""
        return self.rows * self._per_norm[:, np.newaxis]

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs of filters, those kept that are near-duplicates; there must be two filters."""
        return compare_pairs(self.units, DUPLICATE_COSINE, self._single_cosines)

    @cached_property
    def cosines(self) -> Floats:
        """The cosine of each pair of filters, ``(filters, filters)``; 0 where one of them is zero."""
        products = self.gram if len(self.gram) == self.n_filters else self.rows @ self.rows.T
        cosines = np.outer(self._per_norm, self._per_norm)
        cosines *= products  # so that both halves are the same to the last bit
        return np.asarray(np.clip(cosines, -1.0, 1.0, out=cosines))

    @cached_property
    def largest_shared(self) -> float:
        """The largest eigenvalue of `cosines`, found on the smaller side of the filters brought to norm 1."""
        return largest_of_gram(self.units, self._single_cosines)

    @cached_property
    def _single_cosines(self) -> NDArray[np.float32] | None:
        """What `gram` tells of the cosines, ``(filters, filters)``; None where it lies on the other side."""
        if self.rows.shape[0] > self.rows.shape[1]:
            return None
        return (self.gram * np.outer(self._per_norm, self._per_norm)).astype(np.float32)

    @property
    def _per_norm(self) -> Floats:
        return 1 / np.where(self.norms > 0, self.norms, 1.0)

    @cached_property
    def eigenvalues(self) -> Floats:
        """Squared singular values of the ``filters x rest`` matrix, largest first."""
        return np.asarray(np.maximum(np.linalg.eigvalsh(self.gram)[::-1], 0.0))

    @property
    def is_standardised(self) -> bool:
        """Whether each filter has the mean 0 and the same standard deviation, as draws hardly ever have."""
        if self.n_filters < 2 or self.rows.shape[1] < 3:
            return False
        near = _STANDARD + 4 * self.rounding / self.rows.shape[1] ** 0.5  # a mean of many is rounded less
        return all(_is_standard(rows, near) for rows in (self.rows[:_SOME], self.rows))

    def blocks(self) -> Iterator[slice]:
        """Slices over the filters, each of a size that a transform may copy."""
        step = max(1, _CHUNK_ELEMENTS // max(1, self.size // self.n_filters))
        for start in range(0, self.n_filters, step):
            yield slice(start, start + step)


def _is_standard(rows: Floats, near: float) -> bool:
    means, spreads = rows.mean(axis=1), rows.std(axis=1)
    usual = float(spreads.mean())
    return usual > 0 and bool((np.abs(means) < near * usual).all() and np.ptp(spreads) < near * usual)


def largest_of_gram(rows: Floats, gram: NDArray[np.float32] | None = None) -> float:
    """Return the largest eigenvalue of the inner products of rows, found on their smaller side.

    Of a large matrix its vector is found in single precision, and the value, which is off by the square of
    what the vector is off by, in double (Rayleigh's quotient).

    Args:
        rows: Any matrix, whose squares single precision can hold.
        gram: The inner products on that side, where they are known.
    """
    turned = rows if rows.shape[0] <= rows.shape[1] else rows.T
    if len(turned) <= _SMALL_SIDE:
        return float(max(np.linalg.eigvalsh(turned @ turned.T)[-1], 0.0))
    from scipy.sparse.linalg import eigsh

    if gram is None:
        single = turned.astype(np.float32)
        gram = single @ single.T
    if not gram.any():
        return 0.0
    start = np.linspace(1.0, 1.1, len(gram), dtype=np.float32)
    _, vectors = eigsh(gram, k=1, which="LA", v0=start, tol=1e-5)
    vector = vectors[:, 0].astype(np.float64)
    image = vector @ turned
    return float(np.vdot(image, image) / np.vdot(vector, vector))


def _inverse(energies: Floats) -> Floats:
    return np.where(energies > 0, 1 / np.where(energies > 0, energies, 1.0), 0.0)


def _precision(filters: NDArray[Any]) -> tuple[int, float]:
    """Return the bits of the mantissa that the numbers need, and the smallest step of their type."""
    if has_few_bits(filters.dtype):
        import ml_dtypes

        facts: Any = ml_dtypes.finfo(filters.dtype)  # type: ignore[no-untyped-call]
        return int(facts.nmant), float(facts.smallest_subnormal)
    if filters.dtype.kind != "f":
        return 52, 0.0
    kinds = ((_keeps_least, _HALF, _LEAST), (_keeps_bfloat16, 7, 0.0), (_keeps_half, _HALF, _LEAST))
    for keeps, bits, tiny in kinds:
        if keeps(filters.reshape(-1)[:_FIRST]) and keeps(filters):
            return bits, tiny
    return int(np.finfo(filters.dtype).nmant), 0.0


def _keeps_bfloat16(values: NDArray[Any]) -> bool:
    """Tell whether bfloat16, which is the upper half of a single, has all of the values."""
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    return np.array_equal(single, values) and not (single.view(np.uint32) & 0xFFFF).any()


def _keeps_least(values: NDArray[Any]) -> bool:
    """Tell whether all are of the least of half precision, whose eight bits or fewer bfloat16 has, too."""
    return bool(np.abs(values).max() <= 256 * _LEAST) and _keeps_half(values)


def _keeps_half(values: NDArray[Any]) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(values.astype(np.float16), values)


def _finite(filters: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each filter whether all of its numbers are finite; the ends tell it of all at once."""
    if np.isfinite(filters.min()) and np.isfinite(filters.max()):
        return np.ones(len(filters), dtype=bool)
    return np.asarray(np.isfinite(filters).all(axis=(1, 2, 3)))


def nonfinite_filters(layer: ConvLayer) -> NDArray[np.intp]:
    """Return the indices of the filters that hold a NaN or an infinity, in their weights or biases."""
    finite = _finite(layer.filters)
    bias = layer.b
    if bias is not None and bias.size % layer.n_filters == 0:
        finite &= np.isfinite(in_double(bias).reshape(layer.n_filters, -1)).all(axis=1)
    return np.flatnonzero(~finite)
