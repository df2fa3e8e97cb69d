"""SciPy's solvers with chainrule's derivatives arrive at solutions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, minimize, root, rosen, rosen_der, rosen_hess
from scipy.sparse.linalg import LinearOperator, cg

import chainrule as cr


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.fixture
def start() -> np.ndarray:
    return np.full(200, 0.5)


class TestMinimize:
    def test_the_derivatives_are_scipys_own(self):
        x = np.random.default_rng(0).normal(size=40)
        np.testing.assert_allclose(rosenbrock(x), rosen(x), rtol=1e-12)
        np.testing.assert_allclose(cr.grad(rosenbrock)(x), rosen_der(x), rtol=1e-9, atol=1e-9)
        hessian = cr.hessian(rosenbrock)(x).tosparse()
        np.testing.assert_allclose(hessian.toarray(), rosen_hess(x), rtol=1e-9, atol=1e-9)
        assert hessian.nnz == 3 * 40 - 2

    @pytest.mark.parametrize("form", ["tosparse", "aslinearoperator"])
    @pytest.mark.parametrize("planned", [False, True])
    def test_trust_constr(self, start, form, planned):
        hessian = cr.hessian(rosenbrock)
        at = hessian.plan(start) if planned else hessian
        found = minimize(
            rosenbrock, start, method="trust-constr", jac=cr.grad(rosenbrock),
            hess=lambda x: getattr(at(x), form)(), options={"gtol": 1e-7},
        )  # fmt: skip
        assert found.success
        np.testing.assert_allclose(found.x, 1.0, atol=1e-6)

    @pytest.mark.parametrize("method", ["trust-exact", "Newton-CG"])
    def test_dense_methods(self, method):
        found = minimize(
            rosenbrock, np.full(10, 0.9), method=method, jac=cr.grad(rosenbrock),
            hess=lambda x: cr.hessian(rosenbrock)(x).toarray(),
        )  # fmt: skip
        np.testing.assert_allclose(found.x, 1.0, atol=1e-4)

    def test_products_alone(self, start):
        found = minimize(
            rosenbrock, start, method="trust-krylov", jac=cr.grad(rosenbrock),
            hessp=lambda x, v: cr.hvp(rosenbrock, x, v),
        )  # fmt: skip
        np.testing.assert_allclose(found.x, 1.0, atol=1e-5)


T = np.linspace(0, 10, 200)
TRUTH = np.array([2.0, 0.3, 3.0, 0.5])


def oscillation(p):
    return p[0] * np.exp(-p[1] * T) * np.cos(p[2] * T + p[3])


def blocks(x):
    """Residuals in which each unknown meets its neighbour only; zero where all are 1."""
    return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


class TestLeastSquares:
    @pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
    def test_a_dense_jacobian(self, method):
        data = oscillation(TRUTH)

        def residuals(p):
            return oscillation(p) - data

        fit = least_squares(
            residuals, np.array([1.0, 0.1, 2.8, 0.0]), method=method,
            jac=lambda p: cr.jacobian(residuals)(p).toarray(),
        )  # fmt: skip
        assert fit.success
        np.testing.assert_allclose(fit.x, TRUTH, rtol=1e-6)

    @pytest.mark.parametrize("form", ["tosparse", "aslinearoperator"])
    def test_a_structured_jacobian(self, form):
        fit = least_squares(
            blocks, np.full(100, 0.8), jac=lambda x: getattr(cr.jacobian(blocks)(x), form)(),
            tr_solver="lsmr", xtol=1e-12, ftol=1e-12, gtol=1e-10,
        )  # fmt: skip
        assert fit.success
        np.testing.assert_allclose(fit.x, 1.0, atol=1e-5)


N = 60
STEP = 1 / (N + 1)


def bratu(u):
    padded = np.concatenate([np.zeros(1), u, np.zeros(1)])
    return (padded[2:] - 2 * u + padded[:-2]) / STEP**2 + np.exp(u)


def bratu_in_closed_form():
    theta = root(lambda a: a - np.sqrt(2) * np.cosh(a / 4), 1.5).x[0]
    s = np.arange(1, N + 1) * STEP
    return -2 * np.log(np.cosh((s - 0.5) * theta / 2) / np.cosh(theta / 4))


class TestRoot:
    @pytest.mark.parametrize("method", ["hybr", "lm"])
    def test_root(self, method):
        found = root(
            bratu, np.zeros(N), method=method, jac=lambda u: cr.jacobian(bratu)(u).toarray()
        )
        assert found.success
        np.testing.assert_allclose(found.x, bratu_in_closed_form(), atol=1e-4)

    def test_newton_by_solve(self):
        u = np.zeros(N)
        for _ in range(6):
            u = u - cr.jacobian(bratu)(u).solve(bratu(u))
        np.testing.assert_allclose(u, bratu_in_closed_form(), atol=1e-4)

    def test_newton_by_an_iterative_solver(self):
        u = np.zeros(N)
        for _ in range(8):
            negative = -cr.jacobian(bratu)(u)
            assert isinstance(negative.aslinearoperator(), LinearOperator)
            step, failed = cg(negative.aslinearoperator(), bratu(u), rtol=1e-12)
            assert not failed
            u = u + step
        np.testing.assert_allclose(u, bratu_in_closed_form(), atol=1e-4)


class TestSolveIvp:
    @pytest.mark.parametrize("method", ["BDF", "Radau"])
    def test_diffusion_decays_as_it_should(self, method):
        """A sine is an eigenvector of the second difference: its amplitude decays exactly."""
        s = np.arange(1, N + 1) * STEP

        def diffusion(t, u):
            padded = np.concatenate([np.zeros(1), u, np.zeros(1)])
            return (padded[2:] - 2 * u + padded[:-2]) / STEP**2

        by_u = cr.jacobian(lambda u: diffusion(0.0, u))
        run = solve_ivp(
            diffusion, (0, 0.1), np.sin(np.pi * s), method=method, rtol=1e-8, atol=1e-11,
            jac=lambda t, u: by_u(u).tosparse(),
        )  # fmt: skip
        assert run.success
        rate = 4 / STEP**2 * np.sin(np.pi * STEP / 2) ** 2
        np.testing.assert_allclose(run.y[:, -1], np.exp(-0.1 * rate) * np.sin(np.pi * s), rtol=1e-5)

    def test_diffusion_and_reaction(self):
        """u = (1 + exp(z / √6))⁻² with z = x − 5t/√6 solves Fisher's equation."""
        x = np.linspace(-20, 40, 601)
        dx = x[1] - x[0]

        def exact(t):
            return (1 + np.exp((x - 5 / np.sqrt(6) * t) / np.sqrt(6))) ** -2.0

        def fisher(t, u):
            slope = np.concatenate([np.zeros(1), (u[1:] - u[:-1]) / dx, np.zeros(1)])
            return (slope[1:] - slope[:-1]) / dx + u * (1 - u)

        plan = cr.jacobian(lambda u: fisher(0.0, u)).plan(exact(0.0))
        run = solve_ivp(
            fisher, (0, 5), exact(0.0), method="BDF", rtol=1e-7, atol=1e-9,
            jac=lambda t, u: plan(u).tosparse(),
        )  # fmt: skip
        assert run.success
        assert run.njev < 50
        np.testing.assert_allclose(run.y[:, -1], exact(5.0), atol=2e-3)
