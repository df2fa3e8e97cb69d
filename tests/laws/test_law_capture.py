"""A captured program is its function, on any arrays of the same shapes."""

import numpy as np
import pytest
from hypothesis import given

import chainrule as cr
from chainrule.errors import TracingError
from chainrule.tracing import capture, named, node_of
from tests.laws.problems import NAMES, SMOOTH, close, numbers, problems, scalar

X = np.array([[0.4, -1.1, 0.7], [1.3, 0.2, -0.6]])


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_function_and_its_gradient_on_other_numbers(name):
    f = SMOOTH[name]
    captured, gradient = capture(f, X), capture(cr.value_and_grad(scalar(f)), X)
    for other in (X, -X, X**2, 3 * X[::-1]):
        close(captured(other), f(other))
        value, slope = gradient(other)
        close(value, scalar(f)(other))
        close(slope, cr.grad(scalar(f))(other))


@given(problems())
def test_a_captured_hessian_product(problem):
    f, x, v, _ = problem
    g = scalar(f)
    captured = capture(lambda x, v: cr.hvp(g, x, v), x, v)
    close(captured(v, x), cr.hvp(g, v, x))


@given(numbers((4, 3)), numbers((4, 3)))
def test_a_step_of_gradient_descent_in_one_program(A, B):
    def E_r(theta, x):
        return 0.5 * ((cr.sigmoid(theta["A"] @ x) - theta["b"]) ** 2).sum()

    def step(theta, X):
        E = lambda theta: cr.vmap(E_r, in_axes=(None, 0))(theta, X).sum()  # noqa: E731
        cost, gradient = cr.value_and_grad(E)(theta)
        return {name: theta[name] - 0.1 * gradient[name] for name in theta}, cost

    theta, data = {"A": np.ones((2, 3)), "b": np.zeros(2)}, np.zeros((4, 3))
    program = capture(step, theta, data)
    for new in (A, B):
        start = {"A": new[:2], "b": new[2, :2]}
        (after, cost), (expected, expected_cost) = program(start, B), step(start, B)
        close(cost, expected_cost)
        close(after["A"], expected["A"])
        close(after["b"], expected["b"])


def test_outputs_are_fresh_arrays_in_the_structure_of_the_function():
    captured = capture(lambda x: {"same": x, "pair": (x[0], 2.0)}, X)
    first, second = captured(X), captured(X)
    close(first["same"], X)
    close(first["pair"][0], X[0])
    assert first["pair"][1] == 2.0
    assert not np.shares_memory(first["same"], X)
    assert not np.shares_memory(first["same"], second["same"])
    first["same"][:] = 0.0
    close(captured(X)["same"], X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x[0, 0] > 0 else -x,
        lambda x: x[int(x[0, 0])],
        lambda x: x.sum() if (x > 0).all() else x,
        lambda x: float(x[0, 0]),
    ],
    ids=["if", "int", "all", "float"],
)
def test_a_question_for_a_value_is_refused(f):
    with pytest.raises(TracingError):
        capture(f, X)


def test_a_captured_array_is_a_constant_of_the_program():
    w = np.ones(3)
    captured = capture(lambda x: x * w, X)
    w[:] = 5.0
    close(captured(X), X)


def test_the_first_value_that_is_not_finite_is_found_and_named():
    def cost(A, x):
        Z1 = named(A @ x, "Z1")
        f1 = named(np.exp(Z1), "f1")
        return np.log(f1).sum()

    A, x = np.eye(3), np.ones(3)
    captured = capture(cost, A, x)
    assert captured.first_nonfinite(A, x) is None
    with np.errstate(all="ignore"):
        overflow = captured.first_nonfinite(1e4 * A, x)
        wrong_input = captured.first_nonfinite(A, np.array([1.0, np.nan, 1.0]))
    assert overflow.operation == "exp"
    assert overflow.name == "f1"
    assert wrong_input.operation == "input"


def test_named_and_node_of_leave_plain_arrays_alone():
    assert named(X, "X") is X
    assert node_of(X) is None
    primitives = []

    def f(x):
        primitives.append(node_of(cr.softmax(x)).primitive.name)
        primitives.append(node_of(cr.sigmoid(x)).primitive.name)
        return x.sum()

    cr.grad(f)(X)
    assert primitives == ["softmax", "sigmoid"]
