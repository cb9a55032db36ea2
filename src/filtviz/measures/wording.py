"""How numbers are said: the one place for percentages, p-values and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.text import printable

__all__ = ["about", "listed", "p_value", "percent", "plural", "shown"]


def shown(name: str, limit: int = 40) -> str:
    """Say a name that comes out of a file."""
    return printable(name, limit)


def percent(share: float) -> str:
    """Say a share as a percentage: never 0% or 100% for what is not exactly so."""
    if 0 < share < 0.01:
        return "under 1%"
    if 0.99 < share < 1:
        return "over 99%"
    return f"{100 * share:.0f}%"


def about(share: float) -> str:
    """Say an estimated share: "about 92%", "over 99%"."""
    said = percent(share)
    return said if said[0] in "uo" else f"about {said}"


def p_value(p: float) -> str:
    """Say a p-value with its sign: "p = .032" or "p < 1e-50"."""
    if p < 1e-50:
        return "p < 1e-50"
    if p < 0.001:
        return f"p = {p:.0e}".replace("e-0", "e-")
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.3f}"


def plural(n: int, thing: str) -> str:
    """Say a number of things: "1 filter", "3 filters"."""
    return f"{n:,} {thing}{'s'[: n != 1]}"


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Join names: "a", "a and b", "a, b and c", "a, b and 5 more"."""
    if len(names) > limit:
        names = (*names[: limit - 1], f"{len(names) - limit + 1} more")
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
