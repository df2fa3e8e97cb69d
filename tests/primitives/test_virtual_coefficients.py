"""A virtual coefficient is one class: a cosine transform, defined here, is first-class everywhere.

It is a matrix whose product SciPy has in n log n operations. The row states it as a term, and no
file of the package knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.fft import dct

import chainrule as cr
from chainrule.graph.node import Array, Node, Primitive, Signature, constant, make
from chainrule.interpret.run import evaluate
from chainrule.jacobian.apply import pull_back, push_forward
from chainrule.primitives.terms import Coefficient, Term, Virtual
from chainrule.tracing import wrap

CLOSE = 1e-13
"""Sums of at most 40 products of numbers of size 1, in another order."""

N = 6
MATRIX = dct(np.eye(N), axis=0)
rng = np.random.default_rng(4)


# -- the row, and its one class -------------------------------------------------------------------


@dataclass(frozen=True)
class CosineMatrix(Virtual):
    """``C[row, column] = 2 cos(π row (column + ½) / n)``: the cosine transform of type II."""

    size: int

    words = ("cosine transform", "parts of a cosine transform")
    symbol = "C"

    @property
    def shape(self) -> tuple[int, int]:
        return self.size, self.size

    def formed(self) -> Array:
        return dct(np.eye(self.size), axis=0)

    def times(self, node: Node, axis: int, transposed: bool) -> Node:
        return make(COSINE, (node,), (axis, transposed))


class Cosine(Primitive):
    """The transform along an axis; the params are that axis, and whether it is the transpose."""

    name = "cosine"
    products = 0

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(inputs[0].shape, inputs[0].dtype, inputs[0].finite)

    def bind(self, node: Node) -> Callable[..., Array]:
        axis, transposed = node.params

        def run(a: Array) -> Array:
            Cosine.products += 1
            if not transposed:
                return dct(a, axis=axis)
            first = np.take(a, [0], axis=axis)  # Cᵀ is half of type III, whose first row is halved
            return dct(a, type=3, axis=axis) + first

        return run

    def jacobian(self, node: Node, position: int) -> Sequence[Term]:
        axis, transposed = node.params
        out = tuple(range(node.ndim))
        into = tuple(node.ndim if k == axis else k for k in out)
        ends = (node.ndim, axis) if transposed else (axis, node.ndim)
        return (Term((), out, into, 1.0, (CosineMatrix(*ends, node.dtype, node.shape[axis]),)),)

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        axis, transposed = node.params
        return make(self, tuple(inputs), (axis + 1, transposed))


COSINE = Cosine()


def cosine(x: Any, axis: int = 0) -> Any:
    """As any function of the package: of plain arrays, and of traced ones."""
    node = getattr(x, "node", None)
    return dct(x, axis=axis) if node is None else wrap(make(COSINE, (node,), (axis, False)))


# -- what follows ---------------------------------------------------------------------------------

d = rng.normal(size=N)
FUNCTIONS = {
    "alone": (cosine, MATRIX),
    "scaled": (lambda x: 3.0 * cosine(x), 3 * MATRIX),
    "behind a diagonal": (lambda x: d * cosine(x), d[:, None] * MATRIX),
    "before a diagonal": (lambda x: cosine(d * x), MATRIX * d),
    "twice": (lambda x: cosine(cosine(x)), MATRIX @ MATRIX),
    "around a diagonal": (lambda x: cosine(d * cosine(x)), MATRIX @ np.diag(d) @ MATRIX),
    "a part": (lambda x: cosine(x)[1:5:2], MATRIX[1:5:2]),
    "of a part": (lambda x: cosine(x[::-1]), MATRIX[:, ::-1]),
    "both turned": (lambda x: cosine(x[::-1])[::-1], MATRIX[::-1, ::-1]),
    "looked up": (lambda x: cosine(x)[np.array([4, 0, 4])], MATRIX[[4, 0, 4]]),
    "plus a diagonal": (lambda x: cosine(x) + d * x, MATRIX + np.diag(d)),
    "twice the same": (lambda x: cosine(x) + cosine(x) * 2.0, 3 * MATRIX),
    "in a sum": (lambda x: d @ cosine(x), d @ MATRIX),
    "reshaped": (lambda x: cosine(x).reshape(2, 3).T, MATRIX.reshape(2, 3, N).transpose(1, 0, 2)),
    "summed up": (lambda x: np.cumsum(cosine(np.cumsum(x))), np.tri(N) @ MATRIX @ np.tri(N)),
}


@pytest.mark.parametrize("order", ["auto", "forward", "reverse", "mixed"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_new_matrix_is_first_class(name: str, order: Any) -> None:
    """Written out dense and sparse, multiplied with from both sides, transposed and indexed."""
    function, expected = FUNCTIONS[name]
    x, v = rng.normal(size=N), rng.normal(size=N)
    u = rng.normal(size=expected.shape[:-1])
    J = cr.jacobian(function, order=order)(x)
    flat = expected.reshape(-1, N)
    pulled = np.tensordot(u, expected, u.ndim)
    np.testing.assert_allclose(J.toarray(), expected, rtol=0, atol=100 * CLOSE)
    np.testing.assert_allclose(J.tosparse().toarray(), flat, rtol=0, atol=100 * CLOSE)
    np.testing.assert_allclose(J @ v, expected @ v, rtol=0, atol=300 * CLOSE)
    np.testing.assert_allclose(u @ J, pulled, rtol=0, atol=300 * CLOSE)
    axes = (J.ndim - 1, *range(J.ndim - 1))
    np.testing.assert_allclose(J.T.toarray(), expected.transpose(axes), rtol=0, atol=100 * CLOSE)
    np.testing.assert_allclose(J[..., 2].toarray(), expected[..., 2], rtol=0, atol=100 * CLOSE)
    np.testing.assert_allclose(
        (J.T @ J).toarray(), flat.T @ flat, rtol=0, atol=1e4 * CLOSE
    )  # entries of several hundred


@pytest.mark.parametrize("name", ["alone", "behind a diagonal", "before a diagonal"])
def test_its_words_describe_it(name: str) -> None:
    J = cr.jacobian(FUNCTIONS[name][0])(np.ones(N))
    assert J.structure == J.T.structure == "cosine transform"


def test_along_an_axis_of_a_matrix() -> None:
    x, u = rng.normal(size=(3, N)), rng.normal(size=(3, N))
    J = cr.jacobian(lambda x: cosine(x, 1))(x)
    assert J.structure == "cosine transform along an axis"
    assert J.nbytes == 0
    np.testing.assert_allclose(J.toarray(), np.einsum("ab,ij->aibj", np.eye(3), MATRIX), atol=CLOSE)
    np.testing.assert_allclose(u @ J, u @ MATRIX, atol=100 * CLOSE)


def test_nothing_is_formed_where_it_is_multiplied_with() -> None:
    """A million columns: only the transform itself is computed."""
    x = rng.normal(size=10**6)
    Cosine.products = 0
    J = cr.jacobian(lambda x: np.sin(cosine(x * x)))(x)
    assert (J @ x).shape == x.shape
    assert Cosine.products <= 4
    assert J.nbytes <= 3 * x.nbytes


def test_gradients_hessians_and_batches() -> None:
    x, v = rng.normal(size=N), rng.normal(size=N)

    def cost(x: Any) -> Any:
        return np.sum(np.sin(cosine(x)))

    slope, curvature = np.cos(MATRIX @ x), -np.sin(MATRIX @ x)
    np.testing.assert_allclose(cr.grad(cost)(x), slope @ MATRIX, atol=100 * CLOSE)
    hessian = MATRIX.T @ np.diag(curvature) @ MATRIX
    np.testing.assert_allclose(cr.hessian(cost)(x).toarray(), hessian, atol=1e3 * CLOSE)
    np.testing.assert_allclose(cr.jvp(cosine, (x,), (v,))[1], MATRIX @ v, atol=100 * CLOSE)
    rows = rng.normal(size=(4, N))
    np.testing.assert_allclose(cr.vmap(cosine)(rows), rows @ MATRIX.T, atol=100 * CLOSE)
    cr.check_grads(cost, (x,))


def test_a_derivation_shows_it_as_a_symbol_and_holds() -> None:
    """Without any notation of its own: its letter stands for its entries."""
    text = str(cr.derive(lambda x: np.sum(cosine(x) ** 2))(rng.normal(size=N)))
    assert "✓" in text
    assert "✗" not in text


# -- beside other coefficients --------------------------------------------------------------------

a, i, j, k = rng.normal(size=N), 0, 1, 2
whole = rng.normal(size=(N, N))
C = CosineMatrix(i, j, np.dtype(float), N)
TERMS = {
    "scaled rows": (Term((Coefficient(constant(a), (i,)),), (i,), (j,), 1.0, (C,)), "i,ij->ij"),
    "scaled columns": (Term((Coefficient(constant(a), (j,)),), (i,), (j,), 1.0, (C,)), "j,ij->ij"),
    "rows of it in the input": (Term((), (i,), (i, j), 1.0, (C,)), None),
}


@pytest.mark.parametrize("name", ["scaled rows", "scaled columns"])
def test_other_coefficients_are_multiplied_with_in_time(name: str) -> None:
    """A coefficient with a label of the matrix belongs on that side of the product."""
    term, spec = TERMS[name]
    expected = np.einsum(spec, a, MATRIX)
    u = constant(rng.normal(size=N))
    for apply, matrix in ((pull_back, expected.T), (push_forward, expected)):
        product = apply([term], u, u)
        assert product is not None
        np.testing.assert_allclose(value(product), matrix @ u.value, atol=100 * CLOSE)


def test_entry_by_entry_it_is_written_out() -> None:
    """Times an array with both of its labels, and with a row that the input keeps."""
    u = constant(rng.normal(size=N))
    both = Term((Coefficient(constant(whole), (i, j)),), (i,), (j,), 1.0, (C,))
    product = pull_back([both], u, u)
    assert product is not None
    np.testing.assert_allclose(value(product), u.value @ (whole * MATRIX), atol=100 * CLOSE)
    kept = pull_back([TERMS["rows of it in the input"][0]], u, constant(whole))
    assert kept is not None
    np.testing.assert_allclose(value(kept), u.value[:, None] * MATRIX, atol=100 * CLOSE)


def value(node: Node) -> Array:
    return evaluate([node])[0]
