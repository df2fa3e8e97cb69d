"""NumPy's own functions on complex numbers: what a complex step runs through.

Nothing here knows a derivative. A function that is analytic between its kinks is continued to
complex numbers by looking at the real part where it decides.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.products import Spec, multiplications
from chainrule.primitives.reductions import LOG_SOFTMAX, LOGSUMEXP, MAX, MIN, SOFTMAX

COMPLEX = np.dtype(np.complex128)

_BY_UFUNC = frozenset(
    "add subtract divide reciprocal sqrt power exp expm1 log log10 log2 log1p sin cos tan sinh cosh"
    " tanh arcsin arccos arctan arcsinh arctanh exp2".split()
)
_STEPS = frozenset("floor ceil trunc rint sign floor_divide heaviside".split())
LARGE = 10**5  # multiplications, from which on einsum should look for matrix products
_STRUCTURAL = frozenset("slice place replace concatenate reshape cumsum alias".split())


def _sigmoid(z: Array) -> Array:
    """1 / (1 + exp(−z)), with exp taken of what has no positive real part."""
    negative = z.real < 0
    e = np.exp(np.where(negative, z, -z))
    return np.asarray(np.where(negative, e, 1) / (1 + e))


def _larger(a: Array, b: Array) -> Array:
    return np.where(np.real(a) >= np.real(b), a, b)


_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "sigmoid": _sigmoid,
    "relu": lambda z: np.where(np.real(z) > 0, z, 0),
    "absolute": lambda z: np.where(np.real(z) < 0, -z, z),
    "fabs": lambda z: np.where(np.real(z) < 0, -z, z),
    "maximum": _larger,
    "fmax": _larger,
    "minimum": lambda a, b: -_larger(-a, -b),
    "fmin": lambda a, b: -_larger(-a, -b),
    "where": lambda c, a, b: np.where(np.real(c) != 0, a, b),
    "remainder": lambda z, m: z - m * np.floor(np.real(z) / np.real(m)),
    "fmod": lambda z, m: z - m * np.trunc(np.real(z) / np.real(m)),
    "cbrt": lambda z: np.where(np.real(z) < 0, -((-z) ** (1 / 3)), z ** (1 / 3)),
    "hypot": lambda a, b: np.sqrt(a * a + b * b),
}


def _logabsdet(a: Array) -> Array:
    """log det or log(−det), whichever is real on real matrices."""
    determinant = np.linalg.det(a)
    return np.asarray(np.log(np.where(np.real(determinant) < 0, -determinant, determinant)))


_MATRICES: dict[str, Callable[..., Any]] = {
    "inv": np.linalg.inv, "inverse": np.linalg.inv, "solve": np.linalg.solve,
    "det": np.linalg.det, "logabsdet": _logabsdet,
}  # fmt: skip


def continued(node: Node) -> Callable[..., Array] | None:
    """The node's function on complex arrays; None where there is none here."""
    primitive = node.primitive
    if primitive is CONTRACT:
        return _contraction(node.params)
    if isinstance(primitive, Elementwise):
        if primitive.name in _ELEMENTWISE:
            return _ELEMENTWISE[primitive.name]
        if primitive.name in _BY_UFUNC:
            return primitive.value
        return _step(node) if primitive.name in _STEPS or not node.differentiable else None
    if primitive in (SOFTMAX, LOG_SOFTMAX, LOGSUMEXP):
        return _normalisation(node)
    if primitive in (MAX, MIN):
        return _extremum(node)
    if primitive.name in _MATRICES:
        return _MATRICES[primitive.name]
    if primitive.name == "take":
        return _take(node)
    if primitive.name == "cast" and node.differentiable:
        return lambda z: z
    return primitive.bind(node) if primitive.name in _STRUCTURAL else None


def _contraction(spec: Spec) -> Callable[..., Array]:
    """The labelled product by einsum; the planned one conjugates what is complex in places."""
    distinct = tuple(dict.fromkeys(spec.out))
    used = {label for labels in spec.operands for label in labels}
    kept = [label for label in distinct if label in used]
    index = tuple(slice(None) if label in used else None for label in distinct)
    shape = tuple(spec.sizes[label] for label in distinct)
    optimize = multiplications(spec) > LARGE

    def run(*arrays: Array) -> Array:
        pairs: list[Any] = []
        for array, labels in zip(arrays, spec.operands, strict=True):
            pairs += [array, list(labels)]
        core: Any = np.einsum(*pairs, kept, optimize=optimize) * spec.scale
        core = np.broadcast_to(np.asarray(core)[index], shape)
        if len(distinct) == len(spec.out):
            return np.asarray(core)
        result = np.zeros(tuple(spec.sizes[label] for label in spec.out), core.dtype)
        grids = dict(zip(distinct, np.ogrid[tuple(slice(0, n) for n in shape)], strict=True))
        result[tuple(grids[label] for label in spec.out)] = core
        return result

    return run


def _step(node: Node) -> Callable[..., Array]:
    """A comparison or another choice, which looks at the real parts."""
    value = node.primitive.bind(node)
    dtypes = [item.dtype for item in node.inputs]
    return lambda *z: np.asarray(
        value(*(np.real(a).astype(d) for a, d in zip(z, dtypes, strict=True)))
    )


def _take(node: Node) -> Callable[..., Array]:
    axis = node.params
    return lambda z, index: np.take(z, np.real(index).astype(np.intp), axis=axis)


def _normalisation(node: Node) -> Callable[..., Array]:
    axis, name = node.params, node.primitive.name

    def run(z: Array) -> Array:
        top = np.real(z).max(axis=axis, keepdims=True)
        e = np.exp(z - top)
        whole = e.sum(axis=axis, keepdims=True)
        if name == "softmax":
            return np.asarray(e / whole)
        if name == "log_softmax":
            return np.asarray(z - top - np.log(whole))
        return np.asarray((np.log(whole) + top).squeeze(axis))

    return run


def _extremum(node: Node) -> Callable[..., Array]:
    axes, sign = node.params, 1 if node.primitive is MAX else -1

    def run(z: Array) -> Array:
        rest = [k for k in range(z.ndim) if k not in axes]
        count = prod(z.shape[k] for k in axes)
        flat = z.transpose(*rest, *axes).reshape(*(z.shape[k] for k in rest), count)
        place = (sign * flat.real).argmax(axis=-1)
        return np.take_along_axis(flat, place[..., None], axis=-1)[..., 0]

    return run
