"""SciPy's solvers with derivatives from here: the known solution, with less work than without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, minimize, root, rosen, rosen_hess
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator, cg

import chainrule as cr


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.function(*args)


FORMS: dict[str, Callable[[cr.Jacobian], Any]] = {
    "dense": lambda J: J.toarray(),
    "sparse": lambda J: J.tosparse(),
    "operator": lambda J: J.aslinearoperator(),
}


def test_the_forms_are_what_scipy_calls_them() -> None:
    J = cr.jacobian(np.tanh)(np.ones(4))
    assert issparse(J.tosparse())
    assert J.tosparse().format == "csr"
    assert isinstance(J.aslinearoperator(), LinearOperator)


# -- minimize -------------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


START = np.tile([1.3, 0.7], 30)


def test_the_hessian_of_rosenbrocks_function_is_scipys_own_and_tridiagonal() -> None:
    H = cr.hessian(rosenbrock)(START)
    assert rosenbrock(START) == pytest.approx(rosen(START))
    np.testing.assert_allclose(H.toarray(), rosen_hess(START), rtol=1e-12, atol=1e-9)
    assert H.tosparse().nnz == 3 * START.size - 2
    assert "banded" in H.structure


@pytest.mark.parametrize("method", ["trust-constr", "Newton-CG"])
@pytest.mark.parametrize("form", FORMS)
def test_minimize_takes_each_form_of_the_hessian(method: str, form: str) -> None:
    hessian = cr.hessian(rosenbrock).plan(START)
    tolerance = {"xtol": 1e-9}
    found = minimize(
        rosenbrock, START, method=method, jac=cr.grad(rosenbrock),
        hess=lambda x: FORMS[form](hessian(x)), options=tolerance,
    )  # fmt: skip
    np.testing.assert_allclose(found.x, 1, atol=1e-6)


@pytest.mark.parametrize(("method", "given"), [("Newton-CG", {"xtol": 1e-9}), ("trust-krylov", {})])
def test_minimize_takes_products_with_the_hessian(method: str, given: dict[str, float]) -> None:
    found = minimize(
        rosenbrock, START, method=method, jac=cr.grad(rosenbrock),
        hessp=lambda x, v: cr.hvp(rosenbrock, x, v), options=given,
    )  # fmt: skip
    np.testing.assert_allclose(found.x, 1, atol=1e-5)  # trust-krylov stops at a gradient of 1e-4


def test_a_method_that_factorises_takes_the_dense_hessian() -> None:
    found = minimize(
        rosenbrock, np.full(10, 0.9), method="trust-exact", jac=cr.grad(rosenbrock),
        hess=lambda x: cr.hessian(rosenbrock)(x).toarray(),
    )  # fmt: skip
    np.testing.assert_allclose(found.x, 1, atol=1e-4)  # it stops at a gradient of 1e-4


def test_minimize_evaluates_less_with_a_gradient_and_iterates_less_with_a_hessian() -> None:
    alone, with_gradient, with_both = (Counted(rosenbrock) for _ in range(3))
    given = {"method": "trust-constr", "options": {"maxiter": 200}}
    minimize(alone, START, method="BFGS")
    first = minimize(with_gradient, START, jac=cr.grad(rosenbrock), **given)
    second = minimize(
        with_both, START, jac=cr.grad(rosenbrock),
        hess=lambda x: cr.hessian(rosenbrock)(x).tosparse(), **given,
    )  # fmt: skip
    assert with_gradient.calls < alone.calls / 10
    assert second.nit < first.nit


# -- least_squares --------------------------------------------------------------------------------


def distances() -> tuple[Callable[[Any], Any], np.ndarray]:
    """Orthogonal distance regression of a decay: 3 parameters, and an error of each of 60 times."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 6, 60)
    measured_t = t + 0.01 * rng.standard_normal(60)
    measured_y = 2.0 * np.exp(-0.7 * t) + 0.3 + 0.01 * rng.standard_normal(60)

    def residuals(unknowns: Any) -> Any:
        p, error = unknowns[:3], unknowns[3:]
        y = p[0] * np.exp(-p[1] * (measured_t + error)) + p[2]
        return np.concatenate([measured_y - y, error]) / 0.01

    return residuals, np.concatenate([[1.0, 1.0, 0.0], np.zeros(60)])


@pytest.mark.parametrize("form", FORMS)
def test_least_squares_takes_each_form_and_finds_the_curve(form: str) -> None:
    residuals, guess = distances()
    fit = least_squares(residuals, guess, jac=lambda p: FORMS[form](cr.jacobian(residuals)(p)))
    assert fit.success
    np.testing.assert_allclose(fit.x[:3], [2.0, 0.7, 0.3], atol=0.02)
    by_differences = least_squares(residuals, guess)
    np.testing.assert_allclose(fit.cost, by_differences.cost, rtol=1e-6)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_each_method_of_least_squares_finds_an_oscillation(method: str) -> None:
    t = np.linspace(0, 10, 200)
    truth = np.array([2.0, 0.3, 3.0, 0.5])

    def oscillation(p: Any) -> Any:
        return p[0] * np.exp(-p[1] * t) * np.cos(p[2] * t + p[3])

    def residuals(p: Any) -> Any:
        return oscillation(p) - oscillation(truth)

    fit = least_squares(
        residuals, np.array([1.0, 0.1, 2.8, 0.0]), method=method,
        jac=lambda p: cr.jacobian(residuals)(p).toarray(),
    )  # fmt: skip
    np.testing.assert_allclose(fit.x, truth, rtol=1e-6)


def test_least_squares_evaluates_less_than_with_differences() -> None:
    residuals, guess = distances()
    with_jacobian, without = Counted(residuals), Counted(residuals)
    least_squares(with_jacobian, guess, jac=lambda p: cr.jacobian(residuals)(p).toarray())
    least_squares(without, guess)
    assert with_jacobian.calls * 20 < without.calls


def test_the_pattern_of_the_residuals_is_exact() -> None:
    residuals, guess = distances()
    sparse = cr.jacobian(residuals)(guess).tosparse()
    assert sparse.nnz == 60 * 4 + 60
    np.testing.assert_array_equal(sparse.toarray(), cr.jacobian(residuals)(guess).toarray())


# -- root and solve -------------------------------------------------------------------------------


def bratu(u: Any) -> Any:
    h = 1 / (u.shape[0] + 1)
    padded = np.pad(u, 1)
    return (padded[2:] - 2 * u + padded[:-2]) / h**2 + np.exp(u)


def bratu_solution(n: int) -> np.ndarray:
    x = np.arange(1, n + 1) / (n + 1)
    theta = 1.5171645990507543  # θ = √2 cosh(θ/4)
    return -2 * np.log(np.cosh((x - 0.5) * theta / 2) / np.cosh(theta / 4))


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root_finds_the_solution_with_fewer_evaluations(method: str) -> None:
    with_jacobian, without = Counted(bratu), Counted(bratu)
    found = root(
        with_jacobian, np.zeros(50), method=method,
        jac=lambda u: cr.jacobian(bratu)(u).toarray(),
    )  # fmt: skip
    root(without, np.zeros(50), method=method)
    assert found.success
    np.testing.assert_allclose(found.x, bratu_solution(50), atol=1e-5)  # O(h²)
    assert with_jacobian.calls + 50 <= without.calls


@pytest.mark.parametrize("n", [50, 20_000])
def test_newtons_steps_with_solve_are_quadratic(n: int) -> None:
    u, lengths = np.zeros(n), []
    for _ in range(3):
        step = cr.jacobian(bratu)(u).solve(-bratu(u))
        u = u + step
        lengths.append(np.abs(step).max())
    np.testing.assert_allclose(u, bratu_solution(n), atol=1e-5)
    assert lengths[1] < lengths[0] ** 2
    assert lengths[2] < lengths[1] ** 2


def test_newtons_steps_by_conjugate_gradients() -> None:
    u = np.zeros(50)
    for _ in range(6):
        positive = -cr.jacobian(bratu)(u)
        step, failed = cg(positive.aslinearoperator(), bratu(u), rtol=1e-12)
        assert not failed
        u = u + step
    np.testing.assert_allclose(u, bratu_solution(50), atol=1e-5)


# -- solve_ivp ------------------------------------------------------------------------------------

X = np.linspace(-20, 40, 200)


def wave(t: float) -> np.ndarray:
    """Fisher's equation has this solution on the whole line."""
    return (1 + np.exp((X - 5 / np.sqrt(6) * t) / np.sqrt(6))) ** -2


def fisher(t: float, u: Any) -> Any:
    padded = np.concatenate([u[:1], u, u[-1:]])
    return (padded[2:] - 2 * u + padded[:-2]) / (X[1] - X[0]) ** 2 + u * (1 - u)


@pytest.mark.parametrize("method", ["BDF", "Radau"])
@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_solve_ivp_follows_the_wave_with_fewer_evaluations(method: str, form: str) -> None:
    jacobian = cr.jacobian(fisher, wrt="u")
    with_jacobian, without = Counted(fisher), Counted(fisher)
    given = {"method": method, "rtol": 1e-6, "atol": 1e-8}
    found = solve_ivp(
        with_jacobian, (0, 5), wave(0), jac=lambda t, u: FORMS[form](jacobian(t, u)), **given
    )
    solve_ivp(without, (0, 5), wave(0), **given)
    assert found.success
    np.testing.assert_allclose(found.y[:, -1], wave(5), atol=2e-3)  # O(h²)
    assert with_jacobian.calls + X.size <= without.calls


def test_the_jacobian_of_diffusion_is_tridiagonal() -> None:
    J = cr.jacobian(fisher, wrt="u")(0.0, wave(0))
    assert J.tosparse().nnz == 3 * X.size - 2


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_a_sine_decays_at_its_eigenvalue(method: str) -> None:
    """It is an eigenvector of the second difference, so the amplitude is known exactly."""
    n = 60
    step = 1 / (n + 1)
    sine = np.sin(np.pi * np.arange(1, n + 1) * step)

    def diffusion(t: float, u: Any) -> Any:
        padded = np.pad(u, 1)
        return (padded[2:] - 2 * u + padded[:-2]) / step**2

    plan = cr.jacobian(diffusion, wrt="u").plan(0.0, sine)
    run = solve_ivp(
        diffusion, (0, 0.1), sine, method=method, rtol=1e-8, atol=1e-11,
        jac=lambda t, u: plan(u).tosparse(),
    )  # fmt: skip
    rate = 4 / step**2 * np.sin(np.pi * step / 2) ** 2
    np.testing.assert_allclose(run.y[:, -1], np.exp(-0.1 * rate) * sine, rtol=1e-5)
