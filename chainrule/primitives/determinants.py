"""Determinants, their logarithms, and their derivatives, which singular matrices have too.

Equations are those of Petersen and Pedersen, The Matrix Cookbook (2012).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.errors import MissingRuleError
from chainrule.graph.node import Array, Node, make, register
from chainrule.primitives.arrangement import reshape
from chainrule.primitives.linear_algebra import INV, OfSquare, labels_of_two
from chainrule.primitives.selections import Range, take_slice, whole
from chainrule.primitives.terms import Coefficient, Term

_WELL_CONDITIONED = 1e3
"""Condition number up to which det(A) A⁻ᵀ is computed as it stands; the 1-norm adds a factor n."""


def _singular_factors(a: Array) -> tuple[Array, Array, Array, Array]:
    """U, s and V with A = U diag(s) Vᵀ, and det U det V = ±1; s is NaN where A is not finite."""
    good = np.asarray(np.isfinite(a).all(axis=(-2, -1), keepdims=True))
    u, s, vt = np.linalg.svd(np.where(good, a, a.dtype.type(0)))
    sign = np.linalg.det(u) * np.linalg.det(vt)
    s = np.where(good[..., 0], s, a.dtype.type(np.nan))
    return u, s, np.swapaxes(vt, -1, -2), np.asarray(np.round(sign))


def _products_of_others(values: Array) -> Array:
    """For each entry along the last axis the product of all others, without a division."""
    one = np.ones_like(values[..., :1])
    before = np.concatenate([one, values[..., :-1]], axis=-1).cumprod(axis=-1)
    after = np.concatenate([one, values[..., :0:-1]], axis=-1).cumprod(axis=-1)[..., ::-1]
    return np.asarray(before * after)


def _cofactors(a: Array) -> Array:
    """det(A) A⁻ᵀ, by that formula where it loses three digits at most, else by the singular values.

    An inverse costs a tenth or less of the singular values, which serve all other matrices.
    """
    if not a.size:
        return np.zeros_like(a)
    stack = a.reshape(-1, *a.shape[-2:])
    result = np.empty_like(stack)
    by_inverse = np.linalg.det(stack)
    regular = np.flatnonzero(np.isfinite(by_inverse) & (by_inverse != 0))
    inverses = np.linalg.inv(stack[regular])
    sizes = [np.abs(m).sum(axis=-2).max(axis=-1, initial=0) for m in (stack[regular], inverses)]
    easy = sizes[0] * sizes[1] < _WELL_CONDITIONED * a.shape[-1]
    chosen = regular[easy]
    result[chosen] = by_inverse[chosen, None, None] * np.swapaxes(inverses[easy], -1, -2)
    others = np.setdiff1d(np.arange(len(stack)), chosen)
    if len(others):
        result[others] = _cofactors_by_singular_values(stack[others])
    return result.reshape(a.shape)


def _cofactors_by_singular_values(a: Array) -> Array:
    """det U det V · U diag(Π_{j≠i} s_j) Vᵀ, which no singular matrix disturbs."""
    u, s, v, sign = _singular_factors(a)
    scaled = u * (sign[..., None] * _products_of_others(s))[..., None, :]
    return np.asarray(scaled @ np.swapaxes(v, -1, -2))


def _pair_factors(a: Array) -> Array:
    """U, V and det U det V · Π_{k≠i,j} s_k, zero for i = j, one after the other."""
    u, s, v, sign = _singular_factors(a)
    size = a.shape[-1]
    diagonal = np.eye(size, dtype=bool)
    others = np.where(diagonal, a.dtype.type(1), s[..., None, :])
    pairs = np.where(diagonal, a.dtype.type(0), _products_of_others(others))
    return np.stack([u, v, sign[..., None, None] * pairs], axis=-3)


def _determinant_terms(node: Node) -> Sequence[Term]:
    """∂det A/∂A_kl is the cofactor of A_kl: The Matrix Cookbook, equation (49)."""
    (matrix,) = node.inputs
    stack, k, l, _, _ = labels_of_two(matrix)  # noqa: E741
    labels = (*stack, k, l)
    return (Term((Coefficient(make(COFACTOR, (matrix,)), labels),), stack, labels),)


def _cofactor_terms(node: Node) -> Sequence[Term]:
    """∂²det A/∂A_kl∂A_mn from the singular values, which holds for singular matrices too.

    With g_ij = det U det V Π_{r≠i,j} s_r the entry is
    Σ_ij g_ij (U_ki V_li U_mj V_nj − U_ki V_lj U_mj V_ni): for a diagonal A the only minors of
    size two that count are those on the rows and columns i and j, and turning A by U and V turns
    its cofactors likewise.
    """
    if node.shape[-1] < 2:
        return ()
    stack, k, l, m, n = labels_of_two(node)  # noqa: E741
    i, j = n + 1, n + 2
    u, v, pairs = _parts(make(PAIR_FACTORS, (node.inputs[0],)))

    def term(first: int, second: int, scale: float) -> Term:
        coefficients = (
            Coefficient(pairs, (*stack, i, j)),
            Coefficient(u, (*stack, k, i)),
            Coefficient(v, (*stack, l, first)),
            Coefficient(u, (*stack, m, j)),
            Coefficient(v, (*stack, n, second)),
        )
        return Term(coefficients, (*stack, k, l), (*stack, m, n), scale)

    return term(i, j, 1.0), term(j, i, -1.0)


def _parts(packed: Node) -> list[Node]:
    """The arrays that are stacked on the axis before the last two."""
    axis = packed.ndim - 3
    shape = (*packed.shape[:axis], *packed.shape[axis + 1 :])
    ranges = [whole(size) for size in packed.shape]
    return [
        reshape(take_slice(packed, [*ranges[:axis], Range(k, 1, 1), *ranges[axis + 1 :]]), shape)
        for k in range(packed.shape[axis])
    ]


def _no_third_derivative(node: Node) -> Sequence[Term]:
    raise MissingRuleError(
        "np.linalg.det", "its third derivative has no rule here",
        remedy="write sign * np.exp(logabsdet) with sign, logabsdet = np.linalg.slogdet(A), whose "
        "derivatives of every order exist for a regular matrix",
    )  # fmt: skip


def _logarithm_terms(node: Node) -> Sequence[Term]:
    """∂log|det A|/∂A_kl = (A⁻¹)_lk: The Matrix Cookbook, equation (57)."""
    (matrix,) = node.inputs
    stack, k, l, _, _ = labels_of_two(matrix)  # noqa: E741
    inverse = make(INV, (matrix,), "derivative of np.linalg.slogdet")
    return (Term((Coefficient(inverse, (*stack, l, k)),), stack, (*stack, k, l)),)


def _logabsdet_of_complex(a: Array) -> Array:
    """log det or log(−det), whichever is real on real matrices."""
    determinant = np.linalg.det(a)
    return np.asarray(np.log(np.where(np.real(determinant) < 0, -determinant, determinant)))


DET = register(
    OfSquare(
        "det", np.linalg.det, _determinant_terms, gives="number", on_complex=np.linalg.det,
        source="The Matrix Cookbook, (49)",
    )
)  # fmt: skip
COFACTOR = register(
    OfSquare(
        "cofactor", _cofactors, _cofactor_terms, gives="matrix",
        source="by singular values: the cofactors of U diag(s) V^T",
    )
)  # fmt: skip
PAIR_FACTORS = register(
    OfSquare(
        "pair_factors", _pair_factors, _no_third_derivative, gives="factors",
        source="none: the third derivative of a determinant",
    )
)  # fmt: skip
LOGABSDET = register(
    OfSquare(
        "logabsdet", lambda a: np.linalg.slogdet(a)[1], _logarithm_terms,
        gives="number", finite=False, on_complex=_logabsdet_of_complex,
        source="The Matrix Cookbook, (57)",
    )
)  # fmt: skip
DETSIGN = register(
    OfSquare(
        "detsign", lambda a: np.linalg.slogdet(a)[0], lambda node: (), gives="number",
        source="constant where the determinant is not 0",
    )
)  # fmt: skip
