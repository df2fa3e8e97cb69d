"""The cost E^r of one example, the total cost E = sum of E^r, and gradient descent on it."""

import numpy as np

import chainrule as cr

# Sums of 40 numbers of size 1 in another order, float64.
CLOSE = 1e-13


def output(theta, x):
    f1 = cr.sigmoid(theta["A0"] @ x + theta["b0"])
    return cr.sigmoid(theta["A1"] @ f1 + theta["b1"])


def E_r(theta, x, y):
    """E = 1/2 (Yhat - Y)^T (Yhat - Y) of one example."""
    error = output(theta, x) - y
    return 0.5 * error.T @ error


def E(theta, X, Y):
    """E(theta) = sum over r of E^r(theta)."""
    return cr.vmap(E_r, in_axes=(None, 0, 0))(theta, X, Y).sum()


def E_in_a_loop(theta, X, Y):
    total = 0.0
    for x, y in zip(X, Y, strict=True):
        total = total + E_r(theta, x, y)
    return total


def problem(R=40):
    rng = np.random.default_rng(473)
    theta = {
        "A0": rng.normal(size=(4, 3)),
        "b0": rng.normal(size=4),
        "A1": rng.normal(size=(2, 4)),
        "b1": rng.normal(size=2),
    }
    X = rng.normal(size=(R, 3))
    Y = np.stack([X[:, 0] > 0, X[:, 1] * X[:, 2] > 0], axis=1).astype(float)
    return theta, X, Y


def assert_same(left, right, tolerance=CLOSE):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=tolerance, atol=tolerance)


def test_the_cost_of_one_example_has_the_gradient_error_times_the_jacobian_of_the_output():
    theta, X, Y = problem()
    x, y = X[0], Y[0]
    error = output(theta, x) - y
    J = cr.jacobian(output)(theta, x)
    expected = {name: np.tensordot(error, J[name].toarray(), axes=1) for name in theta}
    assert_same(cr.grad(E_r)(theta, x, y), expected)


def test_the_total_cost_is_the_sum_over_the_examples():
    theta, X, Y = problem()
    alone = [E_r(theta, x, y) for x, y in zip(X, Y, strict=True)]
    np.testing.assert_allclose(E(theta, X, Y), sum(alone), rtol=CLOSE)
    np.testing.assert_allclose(E_in_a_loop(theta, X, Y), sum(alone), rtol=CLOSE)


def test_its_gradient_is_the_sum_of_the_examples_gradients():
    theta, X, Y = problem()
    alone = [cr.grad(E_r)(theta, x, y) for x, y in zip(X, Y, strict=True)]
    summed = {name: sum(one[name] for one in alone) for name in theta}
    assert_same(cr.grad(E)(theta, X, Y), summed)
    assert_same(cr.grad(E_in_a_loop)(theta, X, Y), summed)


def test_the_gradient_of_every_example_at_once():
    theta, X, Y = problem()
    each = cr.vmap(cr.grad(E_r), in_axes=(None, 0, 0))(theta, X, Y)
    for r in range(len(X)):
        assert_same({name: each[name][r] for name in each}, cr.grad(E_r)(theta, X[r], Y[r]))


def test_gradient_descent_is_theta_minus_eta_times_the_gradient():
    theta, X, Y = problem()
    eta, start = 0.05, E(theta, X, Y)
    costs = []
    for _ in range(60):
        cost, gradient = cr.value_and_grad(E)(theta, X, Y)
        theta = {name: theta[name] - eta * gradient[name] for name in theta}
        costs.append(cost)
    np.testing.assert_allclose(costs[0], start, rtol=CLOSE)
    assert np.all(np.diff(costs) < 0)  # a small step along the gradient always goes down
    assert costs[-1] < 0.6 * start


def test_one_step_against_the_backward_paths_written_out():
    theta, X, Y = problem()
    eta = 0.05
    A0, b0, A1, b1 = (theta[name] for name in ("A0", "b0", "A1", "b1"))
    f1 = 1 / (1 + np.exp(-(X @ A0.T + b0)))
    f2 = 1 / (1 + np.exp(-(f1 @ A1.T + b1)))
    delta2 = (f2 - Y) * f2 * (1 - f2)  # row r: dE^r / dZ2
    delta1 = (delta2 @ A1) * f1 * (1 - f1)  # row r: dE^r / dZ1
    by_hand = {
        "A0": A0 - eta * delta1.T @ X,
        "b0": b0 - eta * delta1.sum(axis=0),
        "A1": A1 - eta * delta2.T @ f1,
        "b1": b1 - eta * delta2.sum(axis=0),
    }
    gradient = cr.grad(E)(theta, X, Y)
    assert_same({name: theta[name] - eta * gradient[name] for name in theta}, by_hand)


def test_the_librarys_network_cost_and_update_are_the_lectures():
    theta, X, Y = problem()
    network = cr.Network([3, 4, 2], activation="sigmoid", output="sigmoid")
    for x, y in zip(X, Y, strict=True):
        np.testing.assert_allclose(network(theta, x), output(theta, x), rtol=CLOSE)
        np.testing.assert_allclose(
            cr.squared_cost(network(theta, x), y), E_r(theta, x, y), rtol=CLOSE
        )
    gradient = cr.grad(E)(theta, X, Y)
    descent = cr.GradientDescent(0.05)
    updated, _ = descent.update(theta, gradient, descent.init(theta))
    assert_same(updated, {name: theta[name] - 0.05 * gradient[name] for name in theta})
    fitted = cr.fit(
        network,
        X,
        Y,
        cost=cr.squared_cost,
        optimiser=descent,
        epochs=1,
        batch_size=None,
        seed=0,
        reduction="total",
        params=theta,
        progress=False,
    )
    assert_same(fitted.params, updated)
    np.testing.assert_allclose(fitted.history.cost[0], E(theta, X, Y), rtol=CLOSE)
