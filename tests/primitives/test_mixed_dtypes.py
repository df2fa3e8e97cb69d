"""Values of any dtype in the places that are not differentiated by: the same as in float64."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DtypeError
from chainrule.primitives.elementwise import ROWS
from tests.primitives.test_elementwise_table import SMOOTH, function

INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
DTYPES = ["bool", *INTEGERS, "float32", "float64"]
SCALARS = {
    "True": True, "2": 2, "2.0": 2.0,
    **{f"{dtype} scalar": np.dtype(dtype).type(2) for dtype in DTYPES},
    **{f"{dtype} of no dimensions": np.array(2, dtype) for dtype in DTYPES},
}  # fmt: skip
FLOATS = ["float64", "float32"]
TOLERANCE = {"float64": 1e-12, "float32": 3e-5}
"""Some thousand roundings, of which second derivatives of a few operations take about ten."""

PLACES = [
    (name, position)
    for name in SMOOTH
    for position, derivative in enumerate(ROWS[name].derivatives)
    if len(ROWS[name].derivatives) > 1 and derivative is not None
]


def whole(dtype, size=5):
    """Small whole numbers, which every dtype has (booleans are all true)."""
    return (np.arange(size) % 3 + 1).astype(dtype)


def ways(f, x):
    """Each way to a derivative of the sum of f, first and second."""

    def total(x):
        return np.sum(f(x) * 1.0)

    yield "grad", cr.grad(total)(x)
    yield "jvp", cr.jvp(total, (x,), (np.ones_like(x),))[1]
    yield "jacobian", cr.jacobian(f)(x).toarray()
    yield "hessian", cr.hessian(total)(x).toarray()
    yield "vmap", cr.vmap(cr.grad(total))(np.stack([x, x]))
    yield "compiled", cr.compile(cr.grad(total))(x)


def assert_same(f, g, x):
    """Two functions that differ in the dtype of a value have the same derivatives."""
    for (way, found), (_, wanted) in zip(ways(f, x), ways(g, x), strict=True):
        tolerance = TOLERANCE[str(x.dtype)]
        message = f"{way} of {x.dtype}"
        np.testing.assert_allclose(found, wanted, tolerance, tolerance, err_msg=message)
        assert np.asarray(found).dtype == x.dtype or way in ("jvp", "jacobian"), message


@pytest.mark.parametrize(("name", "position"), PLACES)
@pytest.mark.parametrize("floats", FLOATS)
def test_rows_of_several_inputs(name, position, floats):
    row = ROWS[name]
    x = np.random.default_rng(0).uniform(*row.domain[position], 5).astype(floats)

    def with_others(others):
        given = [others] * len(row.domain)
        return lambda x: function(name)(*given[:position], x, *given[position + 1 :])

    for dtype in DTYPES:
        others = whole(dtype)
        loop = [np.dtype(floats if k == position else dtype) for k in range(len(row.domain))]
        try:
            row.loop(tuple(loop))
        except DtypeError:
            continue  # NumPy has no such loop either
        exact = others.astype("int64" if name == "ldexp" else "float64")
        assert_same(with_others(others), with_others(exact), x)


OPERATORS = {
    "x + o": lambda x, o: x + o,
    "x - o": lambda x, o: x - o,
    "o - x": lambda x, o: o - x,
    "x * o": lambda x, o: x * o,
    "x / o": lambda x, o: x / o,
    "o / x": lambda x, o: o / x,
    "x ** o": lambda x, o: x**o,
    "o ** x": lambda x, o: o**x,
    "x % o": lambda x, o: (x + 0.3) % o,
    "o % x": lambda x, o: o % (x + 0.3),
    "x // o": lambda x, o: x * ((x + 0.3) // o),
    "maximum": lambda x, o: np.maximum(x**2, o),
    "arctan2": lambda x, o: np.arctan2(x, o),
    "arctan2 below": lambda x, o: np.arctan2(o, x),
    "hypot": lambda x, o: np.hypot(x, o),
    "logaddexp": lambda x, o: np.logaddexp(x, o),
    "where": lambda x, o: np.where(o, x**2, o),
    "clip": lambda x, o: np.clip(x**2, o - 1 if np.asarray(o).dtype != bool else 0, o),
    "x * o * o": lambda x, o: x * o * o,
    "count": lambda x, o: np.sum(x**2) / np.sum(x > 0) * o,
    "mean": lambda x, o: np.mean(x**2 * o),
    "in place": lambda x, o: _filled(x, o),
}

STRUCTURAL = {
    "matmul": lambda x, A, v: A @ x,
    "matmul from the left": lambda x, A, v: x @ A,
    "dot": lambda x, A, v: np.dot(x**2, v),
    "outer": lambda x, A, v: np.outer(v, x**2),
    "kron": lambda x, A, v: np.kron(x**2, v),
    "einsum": lambda x, A, v: np.einsum("i,ij,j->j", x, A, x),
    "three factors": lambda x, A, v: np.einsum("i,i,i->i", v, x**2, v),
    "tensordot": lambda x, A, v: np.tensordot(A, x**2, 1),
    "quadratic form": lambda x, A, v: x @ A @ x,
    "concatenate": lambda x, A, v: np.concatenate([v, x**2]),
    "stack": lambda x, A, v: np.stack([x**2, v]),
    "weighted average": lambda x, A, v: np.average(x**2, weights=v),
    "cross": lambda x, A, v: np.cross(x**2, v),
    "interpolated steps": lambda x, A, v: np.trapezoid(x**2, dx=int(v[0])),
    "solve": lambda x, A, v: np.linalg.solve(np.outer(x, x) + 5 * np.eye(3), v),
    "solve for": lambda x, A, v: np.linalg.solve(A + 5 * np.eye(3), x**2),
    "take": lambda x, A, v: (x**2)[v.astype(int) - 1],
    "multi_dot": lambda x, A, v: np.linalg.multi_dot([x, A, x]),
    "vdot": lambda x, A, v: np.vdot(v, x**2),
    "norm": lambda x, A, v: np.linalg.norm(x - v - 0.1),
    "softmax": lambda x, A, v: cr.softmax(x * v),
    "logsumexp": lambda x, A, v: cr.logsumexp(A @ x),
    "prod": lambda x, A, v: np.prod(x * v),
    "var": lambda x, A, v: np.var(x * v, ddof=1),
    "cumsum": lambda x, A, v: np.cumsum(v * x**2),
}


def _filled(x, o):
    y = x * x
    y[1] = o if np.ndim(o) == 0 else o[1]
    y[2:] *= o if np.ndim(o) == 0 else o[2:]
    return y


X = np.array([0.7, 1.3, 2.4])


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("floats", FLOATS)
def test_operators_with_arrays(name, floats):
    f, x = OPERATORS[name], X.astype(floats)
    for dtype in DTYPES:
        o = whole(dtype, 3)
        if (dtype == "bool" and name in ("o - x", "x - o")) or (name == "clip" and dtype == "bool"):
            continue  # NumPy subtracts no booleans from one another
        assert_same(lambda x, o=o: f(x, o), lambda x, o=o: f(x, o.astype(float)), x)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("scalar", SCALARS)
def test_operators_with_numbers(name, scalar):
    f, o = OPERATORS[name], SCALARS[scalar]
    if np.asarray(o).dtype == bool and name == "clip":
        o = 1.0
    assert_same(lambda x: f(x, o), lambda x: f(x, float(o)), X)


@pytest.mark.parametrize("name", STRUCTURAL)
@pytest.mark.parametrize("floats", FLOATS)
def test_structural_functions(name, floats):
    f, x = STRUCTURAL[name], X.astype(floats)
    A = np.array([[3, 1, 2], [0, 4, 1], [1, 2, 5]])
    for dtype in DTYPES:
        B, v = A.astype(dtype), whole(dtype, 3)
        assert_same(
            lambda x, B=B, v=v: f(x, B, v),
            lambda x, B=B, v=v: f(x, B.astype(float), v.astype(float)),
            x,
        )


def test_products_of_narrow_integers_do_not_overflow_in_derivatives():
    i = np.full(3, 100, np.int8)
    J = cr.jacobian(lambda x: x * i * i)(X)
    np.testing.assert_array_equal(J.toarray(), np.diag([1e4] * 3))
    np.testing.assert_array_equal(J.diagonal(), [1e4] * 3)


def test_division_by_a_count():
    gradient = cr.grad(lambda x: np.sum(x**2) / np.sum(x > 0))(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(gradient, [2 / 3, 4 / 3, 2], rtol=1e-15)


def test_training_with_a_cost_that_divides_by_a_count():
    def cost(output, target):
        return np.sum((output - target) ** 2) / np.int64(2)

    network = cr.Network([1, 1], output="linear")
    X = np.linspace(-1, 1, 8)[:, None]
    settings = {"epochs": 3, "seed": 0, "progress": False, "optimiser": cr.GradientDescent(0.1)}
    whole_number = cr.fit(network, X, 2 * X, cost=cost, **settings)
    number = cr.fit(network, X, 2 * X, cost=lambda o, t: np.sum((o - t) ** 2) / 2.0, **settings)
    before = network.init(0)
    assert not np.array_equal(whole_number.params["A0"], before["A0"])
    np.testing.assert_array_equal(whole_number.params["A0"], number.params["A0"])
