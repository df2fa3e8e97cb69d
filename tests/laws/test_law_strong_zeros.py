"""A zero stays zero: every row of the tables and every way to a derivative keeps one promise.

What ``np.where`` drops contributes nothing, whatever stands there: NaN, infinities, or points at
which the function or its derivative is infinite or undefined.
"""

import numpy as np
import pytest

import chainrule as cr
from chainrule.primitives.elementwise import ROWS, apply
from chainrule.tracing import as_node, wrap

BAD = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e3)
"""What stands where ``np.where`` drops it, after one entry or row that it keeps."""
COUNT = 1 + len(BAD)
KEPT = np.arange(COUNT) == 0

ELEMENTWISE = sorted(name for name, row in ROWS.items() if any(row.derivatives) and name != "where")

BY_ROW = {
    "sum of squares": lambda X: np.sum(X**2, axis=1),
    "square of the sum": lambda X: np.sum(X, axis=1) ** 2,
    "mean": lambda X: np.mean(X, axis=1) ** 2,
    "average": lambda X: np.average(X, axis=1, weights=np.array([1, 3], X.dtype)) ** 2,
    "var": lambda X: np.var(X, axis=1),
    "std": lambda X: np.std(X, axis=1),
    "norm": lambda X: np.linalg.norm(X, axis=1),
    "normalised": lambda X: (X / np.linalg.norm(X, axis=1, keepdims=True))[:, 0],
    "prod": lambda X: np.prod(X, axis=1),
    "max": lambda X: np.max(X, axis=1) ** 2,
    "min": lambda X: np.min(X, axis=1) ** 2,
    "ptp": lambda X: np.ptp(X, axis=1) ** 2,
    "sort": lambda X: np.sort(X, axis=1)[:, 0] ** 2,
    "take": lambda X: X[:, np.array([1, 0])][:, 0] * X[:, 1],
    "cumsum": lambda X: np.cumsum(X, axis=1)[:, 1] ** 2,
    "diff": lambda X: np.diff(X, axis=1)[:, 0] ** 2,
    "softmax": lambda X: cr.softmax(X, axis=1)[:, 0],
    "log_softmax": lambda X: cr.log_softmax(X, axis=1)[:, 0],
    "logsumexp": lambda X: cr.logsumexp(X, axis=1),
    "cross-entropy": lambda X: -(cr.log_softmax(X, axis=1) * np.array([0, 1], X.dtype)).sum(axis=1),
    "sum of exp": lambda X: np.exp(X).sum(axis=1),
    "sum of log": lambda X: np.log(X).sum(axis=1),
    "sum of sqrt": lambda X: np.sqrt(X).sum(axis=1),
    "entropy": lambda X: (X * np.log(X)).sum(axis=1),
    "mean of tanh": lambda X: np.tanh(X).mean(axis=1),
    "quotient": lambda X: X[:, 0] / X[:, 1],
    "matrix by vector": lambda X: (X @ np.array([1, 2], X.dtype)) ** 2,
    "quadratic form": lambda X: np.einsum(
        "ij,jk,ik->i", X, np.array([[1, 2], [0, 1]], X.dtype), X
    ),
    "matrix product": lambda X: (X @ np.array([[1, 2], [0, 1]], X.dtype))[:, 1] ** 2,
    "diagonal of a matrix product": lambda X: np.diagonal(X @ X.T),
    "joined": lambda X: np.concatenate([X, X**2], axis=1).sum(axis=1),
    "where": lambda X: np.where(X[:, 0] > 0, X[:, 1], X[:, 0]) ** 2,
    "assigned": lambda X: _with_first_column(X),
}  # fmt: skip


def _with_first_column(X):
    Y = np.zeros_like(X)
    Y[:, 0] = X[:, 1] ** 2
    return (Y * X).sum(axis=1)


def _dropped(f, by_rows):
    """What ``np.where`` keeps of it."""

    def kept(X):
        values = f(X) if by_rows else f(*X)
        return np.where(KEPT, values, values.dtype.type(0))

    return kept


def _units(X):
    return np.eye(X.size, dtype=X.dtype).reshape(X.size, *X.shape)


def _pushed(J, X):
    return np.stack([np.sum(J @ v) for v in _units(X)]).reshape(X.shape)


def _computed(J):
    J.toarray()
    return J


def gradients(f):
    """The gradient of f's sum, by every way that there is to a first derivative."""
    J = cr.jacobian(f)
    gradient = cr.grad(lambda X: np.sum(f(X)))
    ones = lambda X: np.ones(COUNT, X.dtype)  # noqa: E731
    tangents = lambda X: [np.sum(cr.jvp(f, (X,), (v,))[1]) for v in _units(X)]  # noqa: E731
    yield "grad", gradient
    yield "vjp", lambda X: cr.vjp(f, X)[1](ones(X))[0]
    yield "jvp", lambda X: np.reshape(tangents(X), X.shape)
    yield "J.toarray()", lambda X: J(X).toarray().sum(axis=0)
    yield "J.tosparse()", lambda X: J(X).tosparse().toarray().sum(axis=0).reshape(X.shape)
    yield "J @ v", lambda X: _pushed(J(X), X)
    yield "u @ J", lambda X: ones(X) @ J(X)
    yield "J @ v, computed", lambda X: _pushed(_computed(J(X)), X)
    yield "u @ J, computed", lambda X: ones(X) @ _computed(J(X))
    yield "J.T", lambda X: J(X).T.toarray().sum(axis=-1)
    yield "J[:1]", lambda X: J(X)[:1].toarray().sum(axis=0)
    yield "forward", lambda X: cr.jacobian(f, order="forward")(X).toarray().sum(axis=0)
    yield "mixed", lambda X: cr.jacobian(f, order="mixed")(X).toarray().sum(axis=0)
    yield "vmap", lambda X: cr.vmap(gradient)(np.stack([X, np.ones_like(X)]))[0]


def second(f):
    """A Hessian times a vector, by every way that there is to a second derivative."""
    total = lambda X: np.sum(f(X))  # noqa: E731
    v = lambda X: np.arange(1, 1 + X.size, dtype=X.dtype).reshape(X.shape)  # noqa: E731
    H = cr.hessian(total)
    yield "hvp", lambda X: cr.hvp(total, X, v(X))
    yield "H @ v", lambda X: H(X) @ v(X)
    yield "H.toarray()", lambda X: np.tensordot(H(X).toarray(), v(X))
    yield "H.tosparse()", lambda X: (H(X).tosparse() @ v(X).ravel()).reshape(X.shape)
    yield "grad of grad", lambda X: cr.grad(lambda X: np.sum(cr.grad(total)(X) * v(X)))(X)


def _agree(name, found, expected, dtype):
    # Each way multiplies in an order of its own: a few roundings of factors of size 1 to 100.
    tolerance = 1e-10 if dtype == np.float64 else 1e-3
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == dtype, name
    np.testing.assert_allclose(found, expected, tolerance, tolerance, err_msg=name)


def _elementwise(name, dtype):
    """A row of the table at a good point and bad ones, beside good points alone."""
    f = lambda *arrays: wrap(apply(ROWS[name], *(as_node(array) for array in arrays)))  # noqa: E731
    middle = [0.4 * low + 0.6 * high for low, high in ROWS[name].domain]
    good = np.repeat(np.array(middle, dtype)[:, None], COUNT, axis=1)
    bad = good.copy()
    bad[:, 1:] = np.array(BAD, dtype)
    return _dropped(f, by_rows=False), bad, good


def _by_row(name, dtype):
    good = np.tile(np.array([3.0, 4.0], dtype), (COUNT, 1))
    bad = good.copy()
    bad[1:, 0] = BAD
    return _dropped(BY_ROW[name], by_rows=True), bad, good


CASES = [(_elementwise, name) for name in ELEMENTWISE] + [(_by_row, name) for name in BY_ROW]
NAMES = [*ELEMENTWISE, *BY_ROW]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_every_first_derivative_of_what_is_dropped_is_zero(case, dtype):
    made, name = case
    f, bad, good = made(name, dtype)
    if not _is_of(f, good):
        pytest.skip("NumPy has no such function of these dtypes")
    with np.errstate(all="ignore"):
        expected = cr.grad(lambda X: np.sum(f(X)))(good)
        for way, derivative in gradients(f):
            _agree(way, derivative(bad), expected, dtype)
        plan = cr.jacobian(f).plan(good)
        _agree("a plan", plan(bad).toarray().sum(axis=0), expected, dtype)
        _agree("u @ a plan", np.ones(COUNT, dtype) @ plan(bad), expected, dtype)
        compiled = cr.compile(cr.grad(lambda X: np.sum(f(X))))
        _agree("compiled", compiled(bad), expected, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_every_second_derivative_of_what_is_dropped_is_zero(case, dtype):
    made, name = case
    f, bad, good = made(name, dtype)
    if not _is_of(f, good):
        pytest.skip("NumPy has no such function of these dtypes")
    with np.errstate(all="ignore"):
        for way, derivative in second(f):
            _agree(way, derivative(bad), derivative(good), dtype)
        H = cr.hessian(lambda X: np.sum(f(X)))
        _agree("H.diagonal()", H(bad).diagonal(), H(good).diagonal(), dtype)


def _is_of(f, X):
    """Whether the row is a function of such arrays that is not a whole number or a boolean."""
    try:
        return cr.trace(f, X).outputs[0].dtype == X.dtype
    except TypeError:
        return False


def test_a_zero_wins_in_sums_beside_other_infinite_terms():
    """Terms without a zero still come out: the sum is infinite, undefined or finite as they are."""
    A = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 2.0], [1.0, 0.0, 0.0], [0.0, 1.0, np.inf]])
    x = np.array([np.nan, np.inf, -np.inf])
    with np.errstate(all="ignore"):
        pulled = cr.vjp(lambda W: W @ x, A)[1](np.array([0.0, 0.0, 2.0, 0.0]))[0]
        pushed = cr.jvp(lambda y: A @ y, (np.ones(3),), (x,))[1]
    np.testing.assert_array_equal(pulled, [[0, 0, 0], [0, 0, 0], 2 * x, [0, 0, 0]])
    np.testing.assert_array_equal(pushed, [np.nan, -np.inf, np.nan, np.nan])


def test_what_is_kept_stays_undefined():
    X = np.array([[np.nan, 1.0], [2.0, 1.0]])
    with np.errstate(all="ignore"):
        J = cr.jacobian(lambda X: np.where(np.array([True, False]), np.sum(X**2, axis=1), 0.0))(X)
    np.testing.assert_array_equal(J.toarray()[0], [[np.nan, 2], [0, 0]])
    np.testing.assert_array_equal(J.tosparse().toarray()[0], [np.nan, 2, 0, 0])
