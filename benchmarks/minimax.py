"""Derives the polynomials of the native functions: chainrule/native/code/functions/coefficients.py.

Each is the minimax approximation of a power series' tail, found by Remez's exchange in 60 digits:
the error, weighted by its effect on the function, alternates at one point more than there are
coefficients. The degree is the lowest that keeps the error below the bound.

    python benchmarks/minimax.py > chainrule/native/code/functions/coefficients.py
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from mpmath import mp, mpf

mp.dps = 60
GRID = 60  # points to look for an extremum between two nodes

Real = Callable[[Any], Any]


class Tail(NamedTuple):
    """What is left of a function, as a function of t, and how its error weighs."""

    function: Real
    weight: Real
    low: Any
    high: Any
    bounds: dict[str, int]  # precision -> bits of the weighted error


def series(term: Callable[[int], Any], count: int = 60) -> Real:
    """A power series by its coefficients."""
    coefficients = [term(k) for k in range(count)]
    return lambda t: mp.polyval(coefficients[::-1], t)


def odd_tail(function: Real) -> Real:
    """(f(r) − r) / r³ as a function of t = r²; in the digits that cancellation leaves."""

    def tail(t: Any) -> Any:
        with mp.workdps(120):
            r = mp.sqrt(t)
            return (function(r) - r) / r**3 if t else None

    return tail


HALF_LN2 = mp.log(2) / 2 * mpf("1.0001")  # the reduction may be off by a rounding
LOG_END = (2 * (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * mpf("1.0001")) ** 2
QUARTER = (mp.pi / 4 * mpf("1.0001")) ** 2
TINY = mpf(2) ** -40  # the ends at 0, where the tails are limits

USUAL = {"float": 27, "wide": 33, "double": 58}
TAILS = {
    # e^r = 1 + r + r² q(r); as a share of r, since expm1 has no 1, the error is a third of q's
    "exp": Tail(
        series(lambda k: 1 / mp.factorial(k + 2)),
        lambda r: mpf("0.347"),
        -HALF_LN2,
        HALF_LN2,
        USUAL,
    ),
    # The same for e^r itself, where r² q(r) is added to 1; not quite so at 0, which has no error
    "exp_value": Tail(
        series(lambda k: 1 / mp.factorial(k + 2)),
        lambda r: (r * r + mpf("0.01")) / mp.exp(r),
        -HALF_LN2,
        HALF_LN2,
        {"float": 27, "double": 57},
    ),
    # log(m) = z + z³ q(z²) with z = 2(m − 1)/(m + 1)
    "log": Tail(
        series(lambda k: 2 / mpf(2 * k + 3) / mpf(2) ** (2 * k + 3)), abs, TINY, LOG_END, USUAL
    ),
    # log(m) = z + z³/12 + z⁵ q(z²)
    "log_exact": Tail(
        series(lambda k: 2 / mpf(2 * k + 5) / mpf(2) ** (2 * k + 5)),
        lambda t: t * t,
        TINY,
        LOG_END,
        {"wide": 36, "double": 68},
    ),
    "tanh": Tail(odd_tail(mp.tanh), abs, TINY, mpf("0.3026"), {"float": 28, "double": 58}),
    "sin": Tail(
        series(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 3)),
        abs,
        TINY,
        QUARTER,
        {"float": 27, "wide": 33, "double": 58},
    ),
    # cos r = 1 − r²/2 + r⁴ q(r²)
    "cos": Tail(
        series(lambda k: (-1) ** k / mp.factorial(2 * k + 4)),
        lambda t: t * t,
        TINY,
        QUARTER,
        {"float": 27, "wide": 33, "double": 58},
    ),
    "arctan": Tail(
        series(lambda k: (-1) ** (k + 1) / mpf(2 * k + 3), 200),
        abs,
        TINY,
        (mp.sqrt(2) - 1) ** 2 * mpf("1.0001"),
        {"wide": 33, "double": 58},
    ),
    "arcsin": Tail(odd_tail(mp.asin), abs, TINY, mpf("0.2501"), {"wide": 33, "double": 58}),
}


def minimax(tail: Tail, degree: int) -> tuple[list[Any], Any]:
    """Coefficients, lowest first, and the largest weighted error."""
    middle, half = (tail.low + tail.high) / 2, (tail.high - tail.low) / 2
    count = degree + 2
    nodes = [middle - half * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    for _ in range(30):
        coefficients, level = _levelled(tail, nodes, degree)

        def error(t: Any, c: list[Any] = coefficients) -> Any:
            return (tail.function(t) - mp.polyval(c[::-1], t)) * tail.weight(t)

        nodes, worst = _extrema(error, nodes, tail)
        if worst < abs(level) * mpf("1.01"):
            break
    return coefficients, worst


def _levelled(tail: Tail, nodes: list[Any], degree: int) -> tuple[list[Any], Any]:
    """The polynomial whose weighted errors at the nodes are equal, with alternating signs."""
    rows = [
        [t**k for k in range(degree + 1)] + [(-1) ** i / tail.weight(t)]
        for i, t in enumerate(nodes)
    ]
    solution = mp.lu_solve(mp.matrix(rows), mp.matrix([tail.function(t) for t in nodes]))
    return list(solution[: degree + 1]), solution[degree + 1]


def _extrema(error: Real, nodes: list[Any], tail: Tail) -> tuple[list[Any], Any]:
    """One extremum of the error for each stretch on which it keeps its sign."""
    grid = []
    edges = [tail.low, *nodes, tail.high]
    for a, b in pairwise(edges):
        grid += [a + (b - a) * k / GRID for k in range(GRID)]
    values = [(t, error(t)) for t in [*grid, tail.high]]
    best: list[tuple[Any, Any]] = []
    for t, value in values:
        if best and (value > 0) == (best[-1][1] > 0):
            if abs(value) > abs(best[-1][1]):
                best[-1] = (t, value)
        elif value:
            best.append((t, value))
    worst = max(abs(value) for _, value in values)
    while len(best) > len(nodes):
        best.pop(0 if abs(best[0][1]) < abs(best[-1][1]) else -1)
    return ([t for t, _ in best] if len(best) == len(nodes) else nodes), worst


def smallest(tail: Tail, bits: int) -> tuple[list[Any], Any]:
    """The minimax polynomial of the lowest degree whose error is below 2^-bits."""
    for degree in range(1, 20):
        coefficients, worst = minimax(tail, degree)
        if worst < mpf(2) ** -bits:
            return coefficients, worst
    raise AssertionError("no polynomial is good enough")


def main() -> None:
    print(
        '"""Minimax polynomials, lowest coefficient first: written by benchmarks/minimax.py."""\n'
    )
    print("from __future__ import annotations\n")
    print("# fmt: off\nPOLYNOMIALS: dict[tuple[str, str], tuple[float, ...]] = {")
    for name, tail in TAILS.items():
        for precision, bits in tail.bounds.items():
            coefficients, worst = smallest(tail, bits)
            reached = f"weighted error 2^{float(mp.log(worst, 2)):.1f}"
            print(f'    ("{name}", "{precision}"): (  # {reached}')
            print("".join(f"        {float(c)!r},\n" for c in coefficients) + "    ),")
    print("}\n# fmt: on")


if __name__ == "__main__":
    main()
