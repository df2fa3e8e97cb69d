"""Results are the caller's own; captured arrays count as they were; traced values print."""

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from tests.laws.problems import close, numbers

X = np.array([0.5, -1.0, 2.0])
W = np.array([3.0, 4.0, 5.0])


def identity(x):
    return x


# One result of every function that could hand out an array it was given or has stored.
RESULTS = {
    "grad of a linear function": lambda x, w: cr.grad(lambda x: (x * w).sum())(x),
    "grad of the sum": lambda x, w: cr.grad(np.sum)(x),
    "grad of a constant": lambda x, w: cr.grad(lambda x: 1.0)(x),
    "grad by entry": lambda x, w: cr.grad(lambda x: x[0])(x),
    "value of vjp": lambda x, w: cr.vjp(identity, x)[0],
    "pull-back": lambda x, w: cr.vjp(identity, x)[1](w)[0],
    "value of jvp": lambda x, w: cr.jvp(identity, (x,), (w,))[0],
    "tangent": lambda x, w: cr.jvp(identity, (x,), (w,))[1],
    "vmap of the identity": lambda x, w: cr.vmap(identity)(x),
    "vmap of a slice": lambda x, w: cr.vmap(lambda row: row[1:])(np.outer(x, w)),
    "vmap of a captured array": lambda x, w: cr.vmap(lambda _: w)(x),
    "vmap of a constant": lambda x, w: cr.vmap(lambda _: 1.0)(x),
    "jacobian": lambda x, w: cr.jacobian(lambda x: x * w)(x).toarray(),
    "jacobian of the identity": lambda x, w: cr.jacobian(identity)(x).toarray(),
    "jacobian of a matrix": lambda x, w: cr.jacobian(lambda x: np.outer(w, w) @ x)(x).toarray(),
    "hessian": lambda x, w: cr.hessian(lambda x: (w * x**2).sum())(x).toarray(),
    "product with a jacobian": lambda x, w: cr.jacobian(identity)(x) @ w,
    "hvp": lambda x, w: cr.hvp(lambda x: 0.5 * (x**2).sum(), x, w),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_plain_writable_arrays_that_share_nothing(name):
    x, w = X.copy(), W.copy()
    result = RESULTS[name](x, w)
    assert type(result) is np.ndarray
    assert result.flags.writeable
    assert not np.shares_memory(result, x)
    assert not np.shares_memory(result, w)
    result[...] = -99.0
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(w, W)
    np.testing.assert_array_equal(RESULTS[name](x, w), RESULTS[name](X, W))


def test_each_call_gives_an_array_of_its_own():
    gradient = cr.grad(lambda x: (x * W).sum())
    first, second = gradient(X), gradient(X)
    assert not np.shares_memory(first, second)
    by_x, by_y = cr.grad(lambda x, y: (x + y).sum(), wrt=(0, 1))(X, W)
    assert not np.shares_memory(by_x, by_y)
    _, pullback = cr.vjp(lambda x: x + W, X)
    one, other = pullback(X)[0], pullback(X)[0]
    one[:] = 0
    np.testing.assert_array_equal(other, X)


def test_values_of_scalars_are_numpy_scalars_or_arrays_of_no_axes():
    value, gradient = cr.value_and_grad(lambda x: x**2)(1.5)
    assert (value, gradient) == (2.25, 3.0)
    assert isinstance(value, np.floating | np.ndarray)
    assert isinstance(gradient, np.floating | np.ndarray)
    assert f"{gradient:.2f}" == "3.00"


@given(numbers((3,)))
def test_a_captured_array_refilled_in_a_loop_counts_as_it_was(x):
    def f(x):
        buffer, total = np.empty(3), 0.0
        for i in range(4):
            buffer[:] = i
            total = total + (x * buffer).sum() + (np.sin(x) @ buffer)
        return total

    close(cr.grad(f)(x), 6 + 6 * np.cos(x))
    close(cr.vmap(f)(np.stack([x, 2 * x])), [f(x), f(2 * x)])


def test_a_captured_array_changed_between_calls_is_read_anew():
    w = W.copy()
    gradient = cr.grad(lambda x: (x * w).sum())
    np.testing.assert_array_equal(gradient(X), W)
    w[:] = 7.0
    np.testing.assert_array_equal(gradient(X), [7.0, 7.0, 7.0])


def test_a_python_number_that_changes_is_read_anew():
    rates = [2.0, 3.0, 2.0]
    gradients = [cr.grad(lambda x, rate=rate: (rate / 2 * x**2).sum())(X) for rate in rates]
    for rate, gradient in zip(rates, gradients, strict=True):
        close(gradient, rate * X)


def test_a_pull_back_and_a_jacobian_belong_to_the_point_they_were_taken_at():
    x, w = X.copy(), W.copy()
    value, pullback = cr.vjp(lambda x: w * np.sin(x), x)
    J = cr.jacobian(lambda x: w * np.sin(x))(x)
    H = cr.hessian(lambda x: (w * x**3).sum())(x)
    x[:], w[:] = 0.0, 0.0
    close(value, W * np.sin(X))
    close(pullback(np.ones(3))[0], W * np.cos(X))
    close(J.toarray(), np.diag(W * np.cos(X)))
    close(J @ np.ones(3), W * np.cos(X))
    close(H.toarray(), np.diag(6 * W * X))


def test_arrays_stay_writable_for_their_owners():
    x, w = X.copy(), W.copy()
    J = cr.jacobian(lambda x: x * w)(x)
    x[0], w[0] = 1.0, 1.0
    assert x.flags.writeable
    assert w.flags.writeable
    assert J.shape == (3, 3)


@pytest.mark.parametrize("layout", ["reversed", "strided", "transposed", "read-only", "Fortran"])
def test_arrays_of_any_layout(layout):
    base = np.arange(12.0).reshape(3, 4) / 7
    x = {
        "reversed": base[::-1, ::-1],
        "strided": np.repeat(base, 2, axis=1)[:, ::2],
        "transposed": base.T.copy().T,
        "read-only": base.copy(),
        "Fortran": np.asfortranarray(base),
    }[layout]
    x.flags.writeable = layout != "read-only"
    close(
        cr.grad(lambda x: (np.sin(x) @ x.T).sum())(x),
        cr.grad(lambda x: (np.sin(x) @ x.T).sum())(np.array(x)),
    )


def test_a_cost_that_does_not_depend_on_an_argument_has_a_gradient_of_zeros():
    def f(x, theta):
        return (x**2).sum()

    by_theta = cr.grad(f, wrt="theta")(X, {"A": np.ones((2, 3)), "b": 1.5})
    np.testing.assert_array_equal(by_theta["A"], np.zeros((2, 3)))
    assert by_theta["b"] == 0
    np.testing.assert_array_equal(cr.grad(lambda x: 3.0)(X), np.zeros(3))
    np.testing.assert_array_equal(cr.grad(lambda x: np.floor(x).sum())(X), np.zeros(3))
    np.testing.assert_array_equal(cr.jacobian(lambda x: W)(X).toarray(), np.zeros((3, 3)))
    np.testing.assert_array_equal(cr.hessian(lambda x: x.sum())(X).toarray(), np.zeros((3, 3)))
    np.testing.assert_array_equal(cr.vjp(lambda x: W, X)[1](W)[0], np.zeros(3))
    np.testing.assert_array_equal(cr.jvp(lambda x: W, (X,), (W,))[1], np.zeros(3))
    assert cr.grad(lambda x: (x > 0).sum() * 1.0)(0.5) == 0


def test_values_print():
    seen = []

    def f(x):
        y = x**2
        seen.extend([repr(y), str(y), f"{y}", f"{y[0]:.3f}", f"{y[0]}"])
        return y.sum()

    cr.grad(f)(X)
    plain = X**2
    assert str(plain[0]) in seen[0]
    assert "4." in seen[0]
    assert all("0.25" in text for text in seen)
    assert seen[3] == "0.250"


def test_a_trace_prints_the_users_names_and_shapes():
    def cost(A, x):
        Z = A @ x
        f = np.tanh(Z)
        return f.sum()

    text = str(cr.trace(cost, np.ones((2, 3)), X))
    for word in ("A", "x", "Z", "f", "tanh", "float64[2, 3]"):
        assert word in text


def test_a_jacobian_prints():
    J = cr.jacobian(np.sin)(X)
    assert "3" in repr(J)
    assert len(repr(J)) < 2000


def test_empty_arrays():
    x = np.zeros((0, 3))
    assert cr.grad(lambda x: (x**2).sum())(x).shape == (0, 3)
    assert cr.jacobian(np.sin)(x).shape == (0, 3, 0, 3)
    assert cr.jacobian(np.sin)(x).toarray().shape == (0, 3, 0, 3)
    assert cr.grad(lambda x: (np.ones((2, 0)) @ x).sum())(x).shape == (0, 3)
    value, gradient = cr.value_and_grad(lambda x: x[3:].sum() + x.sum())(X)
    close(value, X.sum())
    close(gradient, np.ones(3))


METHODS = {
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(axis=1).sum(),
    "max": lambda x: x.max(),
    "min": lambda x: x.min(axis=0).sum(),
    "prod": lambda x: x.prod(),
    "std": lambda x: x.std(),
    "var": lambda x: x.var(ddof=1),
    "T": lambda x: (x.T * x.T).sum(),
    "transpose": lambda x: x.transpose(1, 0)[0, 1] ** 2,
    "flatten": lambda x: x.flatten()[1] ** 2,
    "ravel": lambda x: x.ravel()[1] ** 2,
    "reshape": lambda x: (x.reshape(3, 2) @ x).sum(),
    "reshape by a tuple": lambda x: (x.reshape((3, -1)) @ x).sum(),
    "squeeze": lambda x: (x[:1].squeeze() ** 2).sum(),
    "swapaxes": lambda x: x.swapaxes(0, 1)[2, 1],
    "dot": lambda x: x.dot(np.arange(3.0)).sum(),
    "diagonal": lambda x: (x.diagonal() ** 2).sum(),
    "trace": lambda x: x.trace() ** 2,
    "copy": lambda x: (x.copy() ** 2).sum(),
    "astype": lambda x: (x.astype(float) ** 2).sum(),
    "clip": lambda x: (x.clip(1.2, 4.1) ** 2).sum(),
    "take": lambda x: x.take([0, 5]).prod(),
    "repeat": lambda x: (x.repeat(2) ** 2).sum(),
    "conj": lambda x: (x.conj() ** 2).sum(),
    "round": lambda x: (x.round() * x).sum(),
    "argmax": lambda x: x.ravel()[x.argmax()] * x.ravel()[x.argmin()],
    "fill": lambda x: (np.full_like(x, 2.0) * x).sum(),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_an_array(name):
    f, A = METHODS[name], np.array([[0.6, 1.7, 2.3], [4.4, 3.3, 5.2]])
    value, gradient = cr.value_and_grad(f)(A)
    close(value, f(A))
    steps = [(f(A + 1e-6 * e) - f(A - 1e-6 * e)) / 2e-6 for e in np.eye(6).reshape(6, 2, 3)]
    # A central difference of values up to 300 errs by rounding, 300 * 2e-16 / 1e-6 = 6e-8.
    np.testing.assert_allclose(gradient, np.reshape(steps, (2, 3)), rtol=0, atol=1e-6)
