"""The cost of the gradient over that of the function: measured, and counted over their graphs.

    python benchmarks/cost_ratio.py [--rounds 5] [--json FILE] [--page docs/speed.md]

Measured: five functions, compiled, in float64, by turns; microseconds of the function, of its
gradient, and of both at once, and the ratios to the function. The project's bound is 3, its aim 2.

Counted: the lecture's network (2 sigmoid layers, half the squared distance), for one example and
for a batch through ``vmap``: operations and bytes of the graph of the value, and of the graph of
the value with all four gradients, and their ratios. The project's bound is 4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from common import Table, medians, options_of, published

import chainrule as cr
from chainrule.cli.measuring import example_function, microseconds

BOUND = 3
SIZES = [(3, 4, 2, 1), (64, 32, 10, 1), (64, 32, 10, 32), (784, 128, 10, 64)]


# -- the functions that are measured --------------------------------------------------------------


def logistic_cost(w: Any, X: Any, y: Any) -> Any:
    """Σ log(1 + exp(−y xᵀw)) over the rows x of X, y = ±1."""
    return np.sum(np.logaddexp(0, -y * (X @ w)))


def mixture_likelihood(alphas: Any, means: Any, factors: Any, X: Any) -> Any:
    """log Π_n Σ_k π_k N(x_n | μ_k, Σ_k), but for constants.

    π is the softmax of the alphas. Σ_k⁻¹ = Q_kᵀQ_k, where Q_k is lower triangular with positive
    diagonal: factors hold it, the diagonal as logarithms.
    """
    size = means.shape[1]
    logs = np.diagonal(factors, axis1=1, axis2=2)
    below = factors * np.tril(np.ones((size, size)), -1)
    Q = below + np.exp(logs)[:, :, None] * np.eye(size)
    z = np.einsum("kij,nkj->nki", Q, X[:, None, :] - means)
    exponents = alphas + np.sum(logs, axis=1) - 0.5 * np.sum(z * z, axis=2)
    return np.sum(cr.logsumexp(exponents, axis=1)) - len(X) * cr.logsumexp(alphas)


def reprojection(camera: Any, point: Any, seen: Any) -> Any:
    """Where a camera sees a point, minus where it was seen.

    The camera: a rotation vector (by Rodrigues' formula), a centre, a focal length, a principal
    point, and two coefficients of radial distortion.
    """
    turn, centre, focal = camera[:3], camera[3:6], camera[6]
    principal, distortion = camera[7:9], camera[9:11]
    p = point - centre
    angle = np.sqrt(turn @ turn)
    axis = turn / angle
    p = (
        p * np.cos(angle)
        + np.cross(axis, p) * np.sin(angle)
        + axis * (axis @ p) * (1 - np.cos(angle))
    )
    image = p[:2] / p[2]
    square = image @ image
    image = image * (1 + distortion[0] * square + distortion[1] * square * square)
    return focal * image + principal - seen


def bundle_adjustment(cameras: Any, points: Any, by: Any, of: Any, seen: Any) -> Any:
    """½ Σ ‖reprojection‖² over observations, each by a camera and of a point."""
    residuals = cr.vmap(reprojection)(cameras[by], points[of], seen)
    return 0.5 * np.sum(residuals**2)


def lstm_cell(W: Any, b: Any, x: Any, h: Any, c: Any) -> Any:
    """The sum of a cell's outputs: input, forget and output gates, and the candidate."""
    n = h.shape[1]
    z = np.concatenate([x, h], axis=1) @ W + b
    i, f, o = (cr.sigmoid(z[:, k * n : (k + 1) * n]) for k in range(3))
    c = f * c + i * np.tanh(z[:, 3 * n :])
    return np.sum(o * np.tanh(c))


class Case(NamedTuple):
    name: str
    function: Callable[..., Any]
    wrt: tuple[int, ...]
    arguments: list[Any]


def cases() -> list[Case]:
    rng = np.random.default_rng(0)
    normal = rng.standard_normal
    k, size, rows = 10, 10, 1000
    camera = np.array([0.1, 0.2, 0.3, 0.0, 0.0, -5.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    cameras, points, observations = 20, 500, 2000
    return [
        Case("(5.109), 1,000 elements", example_function(), (0,), [np.linspace(0.1, 1.0, 1000)]),
        Case("(5.109), 1,000,000 elements", example_function(), (0,), [np.linspace(0.1, 1, 10**6)]),
        Case("logistic cost, 2048×256", logistic_cost, (0,),
             [normal(256) / 16, normal((2048, 256)), np.sign(normal(2048))]),
        Case("Gaussian mixture, 1,000 rows, d = k = 10", mixture_likelihood, (0, 1, 2),
             [normal(k), normal((k, size)), normal((k, size, size)) / 10, normal((rows, size))]),
        Case("bundle adjustment, 2,000 observations", bundle_adjustment, (0, 1),
             [camera + normal((cameras, 11)) / 10, normal((points, 3)),
              rng.integers(0, cameras, observations), rng.integers(0, points, observations),
              normal((observations, 2))]),
        Case("LSTM cell, 64 + 64, batch 32", lstm_cell, (0, 1),
             [normal((128, 256)) / 10, normal(256), normal((32, 64)), normal((32, 64)),
              normal((32, 64))]),
    ]  # fmt: skip


def measured(case: Case, rounds: int, at_least: float) -> dict[str, float]:
    """Microseconds of the function, of the gradient, and of both."""
    ways = {
        "function": cr.compile(case.function),
        "gradient": cr.compile(cr.grad(case.function, wrt=case.wrt)),
        "both": cr.compile(cr.value_and_grad(case.function, wrt=case.wrt)),
    }
    expected = cr.grad(case.function, wrt=case.wrt)(*case.arguments)
    for found, wanted in zip(ways["gradient"](*case.arguments), expected, strict=True):
        # sums in another order, of terms that cancel to a part of their size
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())
    bound = {label: partial(run, *case.arguments) for label, run in ways.items()}
    return medians(bound, rounds, at_least)


# -- the networks that are counted ----------------------------------------------------------------


def cost(A0: Any, b0: Any, A1: Any, b1: Any, X: Any, Y: Any) -> Any:
    Z1 = A0 @ X + b0
    f1 = cr.sigmoid(Z1)
    Z2 = A1 @ f1 + b1
    f2 = cr.sigmoid(Z2)
    return 0.5 * (f2 - Y).T @ (f2 - Y)


def total(*arguments: Any) -> Any:
    return cr.vmap(cost, in_axes=(None, None, None, None, 0, 0))(*arguments).sum()


def problem(n0: int, n1: int, n2: int, batch: int) -> tuple[Callable[..., Any], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    rows = () if batch == 1 else (batch,)
    shapes = [(n1, n0), (n1,), (n2, n1), (n2,), (*rows, n0), (*rows, n2)]
    return (total if rows else cost), [rng.normal(size=shape) for shape in shapes]


def ratios(*sizes: int) -> tuple[Any, Any]:
    """The graph of the function, and that with all its gradients."""
    function, arguments = problem(*sizes)
    forward = cr.trace(function, *arguments)
    both = cr.trace(cr.value_and_grad(function, wrt=(0, 1, 2, 3)), *arguments)
    return forward, both


def counted() -> Table:
    table = Table("counted", ["network, batch", "operations", "with gradient", "ratio", "bytes",
                              "with gradient", "ratio"])  # fmt: skip
    for n0, n1, n2, batch in SIZES:
        f, g = ratios(n0, n1, n2, batch)
        table.rows.append([
            f"{n0}-{n1}-{n2}, {batch}",
            f"{f.operations:,}", f"{g.operations:,}", f"{g.operations / f.operations:.2f}",
            f"{f.bytes:,}", f"{g.bytes:,}", f"{g.bytes / f.bytes:.2f}",
        ])  # fmt: skip
    return table


def main() -> None:
    options = options_of(__doc__).parse_args()
    rounds, at_least = (2, 2e-3) if options.quick else (options.rounds, 2e-2)
    table = Table("cost ratio", ["compiled, µs", "function", "gradient", "ratio", "both", "ratio"])
    rows, exceed = {}, []
    for case in cases():
        rows[case.name] = found = measured(case, rounds, at_least)
        f, g, both = found.values()
        table.rows.append([
            case.name, microseconds(f), microseconds(g), f"{g / f:.2f}",
            microseconds(both), f"{both / f:.2f}",
        ])  # fmt: skip
        exceed += [f"{case.name}: {g / f:.2f}"] if g / f > BOUND else []
    published(options, [table, counted()], {"microseconds": rows}, {})
    print(f"\nabove {BOUND}: {'; '.join(exceed) or 'none'}")


if __name__ == "__main__":
    main()
