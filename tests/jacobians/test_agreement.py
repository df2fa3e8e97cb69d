"""A structured Jacobian, however it is asked, is the matrix of directional derivatives."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from tests.jacobians.functions import FUNCTIONS, VECTOR, A, Function, S, columns, point

# Both sides are sums of at most a few dozen products of numbers of size about one in float64, in
# different orders: they differ by some hundred roundings of 1e-16 at most.
assert_close = functools.partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-12)
ORDERS = ("auto", "forward", "reverse", "mixed")


@pytest.fixture(name="case", params=FUNCTIONS, ids=lambda case: case.name.replace(" ", "-"))
def _case(request: pytest.FixtureRequest) -> Function:
    return request.param


@functools.cache
def dense_of(name: str) -> np.ndarray:
    case = next(item for item in FUNCTIONS if item.name == name)
    return columns(case.call, point(case.shape))


def test_there_are_enough_functions_and_no_name_twice():
    names = [case.name for case in FUNCTIONS]
    assert len(names) >= 70
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("order", ORDERS)
def test_written_out(case: Function, order: Any):
    x = point(case.shape)
    dense = dense_of(case.name)
    jacobian = cr.jacobian(case.call, order=order)(x)
    assert jacobian.shape == dense.shape
    assert jacobian.dense_nbytes == dense.nbytes
    assert_close(jacobian.toarray(), dense)
    assert_close(np.asarray(jacobian), dense)


def flattened(jacobian: cr.Jacobian, dense: np.ndarray) -> np.ndarray:
    return dense.reshape(np.zeros(jacobian.output_shape).size, np.zeros(jacobian.input_shape).size)


def test_sparse(case: Function):
    jacobian = cr.jacobian(case.call)(point(case.shape))
    sparse = jacobian.tosparse()
    assert_close(sparse.toarray(), flattened(jacobian, dense_of(case.name)))
    assert sparse.dtype == np.float64
    # canonical: sorted columns, no place twice
    ends = np.repeat(np.arange(sparse.shape[0]), np.diff(sparse.indptr))
    places = ends.astype(np.int64) * max(sparse.shape[1], 1) + sparse.indices
    assert np.all(np.diff(places) > 0)


@pytest.mark.parametrize("written_before", [False, True])
def test_products_with_arrays(case: Function, written_before: bool):
    dense = dense_of(case.name)
    jacobian = cr.jacobian(case.call)(point(case.shape))
    if written_before:
        jacobian.toarray()
    into, out = jacobian.input_shape, jacobian.output_shape
    v, u = point(into, 3), point(out, 4)
    assert_close(jacobian @ v, np.tensordot(dense, v, len(into)))
    assert_close(u @ jacobian, np.tensordot(u, dense, len(out)))
    many_v, many_u = point((*into, 2), 5), point((3, *out), 6)
    assert_close(jacobian @ many_v, np.tensordot(dense, many_v, len(into)))
    assert_close(many_u @ jacobian, np.tensordot(many_u, dense, len(out)))


def test_transpose_and_operator(case: Function):
    dense = dense_of(case.name)
    jacobian = cr.jacobian(case.call)(point(case.shape))
    flat = flattened(jacobian, dense)
    turned = jacobian.T
    assert turned.shape == jacobian.input_shape + jacobian.output_shape
    assert_close(flattened(turned, turned.toarray()), flat.T)
    assert_close(turned.T.toarray(), dense)
    operator = jacobian.aslinearoperator()
    assert operator.shape == flat.shape
    v, u = point((flat.shape[1],), 7), point((flat.shape[0],), 8)
    assert_close(operator.matvec(v), flat @ v)
    assert_close(operator.rmatvec(u), u @ flat)


def test_diagonal(case: Function):
    dense = dense_of(case.name)
    jacobian = cr.jacobian(case.call)(point(case.shape))
    if jacobian.output_shape != jacobian.input_shape:
        with pytest.raises(cr.errors.ShapeError, match="diagonal: the output and the input"):
            jacobian.diagonal()
        return
    expected = flattened(jacobian, dense).diagonal().reshape(jacobian.output_shape)
    assert_close(jacobian.diagonal(), expected)


def test_arithmetic(case: Function):
    dense = dense_of(case.name)
    jacobian = cr.jacobian(case.call)(point(case.shape))
    again = cr.jacobian(lambda x: case.call(np.sin(x)))(point(case.shape))
    other = again.toarray()
    assert_close((2.0 * jacobian).toarray(), 2 * dense)
    assert_close((jacobian * 3).toarray(), 3 * dense)
    assert_close((-jacobian).toarray(), -dense)
    assert_close((jacobian + again).toarray(), dense + other)
    assert_close((jacobian - 2.0 * again).toarray(), dense - 2 * other)
    assert_close((jacobian - jacobian).toarray(), 0 * dense)


def test_chain_rule(case: Function):
    x = point(case.shape)
    dense = dense_of(case.name)
    inner = cr.jacobian(lambda x: np.sin(x) * np.sum(x))(x)
    outer = cr.jacobian(case.call)(x)
    assert_close((outer @ inner).toarray(), np.tensordot(dense, inner.toarray(), x.ndim))
    back = outer.T @ outer
    rank = len(outer.output_shape)
    moved = np.moveaxis(dense, range(rank), range(-rank, 0)) if rank else dense
    assert_close(back.toarray(), np.tensordot(moved, dense, rank))


@pytest.mark.parametrize("seed", range(4))
def test_indexing(case: Function, seed: int):
    dense = dense_of(case.name)
    jacobian = cr.jacobian(case.call)(point(case.shape))
    rng = np.random.default_rng(seed)
    key: list[Any] = []
    for size in dense.shape:
        choices: list[Any] = [
            slice(None), slice(None, None, -1), slice(1, None, 2), slice(0, 0), slice(-2, None),
        ]  # fmt: skip
        if size:
            choices += [int(rng.integers(-size, size))] * 2
        key.append(choices[int(rng.integers(len(choices)))])
    found = jacobian[tuple(key)]
    expected = dense[tuple(key)]
    assert found.shape == expected.shape
    assert_close(found.toarray(), expected)
    assert_close(jacobian[...].toarray(), dense)
    if dense.ndim:
        assert_close(jacobian[::-1].toarray(), dense[::-1])
        assert_close(jacobian[..., 1:].toarray(), dense[..., 1:])


@pytest.mark.parametrize("order", ORDERS)
def test_hessian_of_the_sum_of_squares(case: Function, order: Any):
    if order != "auto" and len(case.shape) == 2:
        pytest.skip("vectors and numbers suffice for the orders one by one")

    def cost(x: Any) -> Any:
        return np.sum(case.call(x) ** 2)

    x = point(case.shape)
    hessian = cr.hessian(cost, order=order)(x)
    expected = columns(cr.grad(cost), x)
    assert_close(hessian.toarray(), expected, atol=1e-10)
    assert_close(hessian.tosparse().toarray(), flattened(hessian, expected), atol=1e-10)
    v = point(case.shape, 9)
    assert_close(hessian @ v, np.tensordot(expected, v, x.ndim), atol=1e-10)


def test_float32_stays_float32(case: Function):
    x = point(case.shape).astype(np.float32)
    small = {"A": A.astype(np.float32), "S": S.astype(np.float32)}
    jacobian = cr.jacobian(lambda x: case.call(x).astype(np.float32))(x)
    assert small["A"].dtype == jacobian.dtype == np.float32
    dense = jacobian.toarray()
    assert dense.dtype == jacobian.tosparse().dtype == jacobian.T.toarray().dtype == np.float32
    assert (jacobian @ x).dtype == np.float32
    # 24 bits: 6e-8 for each of a few dozen roundings
    assert_close(dense, dense_of(case.name), rtol=2e-5, atol=2e-5)


# -- compositions --------------------------------------------------------------------------------

# Steps from a vector of any length: what the table's vector functions do, without fixed sizes.
STEPS: dict[str, Any] = {
    "tanh": np.tanh,
    "squares": lambda x: x**2 / 2,
    "double": lambda x: 2 * x,
    "reversed": lambda x: x[::-1],
    "second": lambda x: x[::2],
    "backwards": lambda x: x[-2::-3],
    "tail": lambda x: x[1:],
    "padded": lambda x: np.concatenate([np.zeros(1), x, np.zeros(2)]),
    "joined": lambda x: np.concatenate([np.sin(x), x[:3]]),
    "gather": lambda x: x[np.arange(7) * 5 % max(x.shape[0], 1)] if x.shape[0] else x,
    "scatter": lambda x: cr.grad(lambda y: np.sum(y[np.arange(4) % 3] ** 2))(x)
    if len(x) >= 3 else x,
    "cumsum": np.cumsum,
    "cumsum back": lambda x: np.cumsum(x[::-1])[::-1],
    "centred": lambda x: x - np.sum(x) / 8,
    "softmax": lambda x: cr.softmax(x) if x.shape[0] else x,
    "times sum": lambda x: np.sum(x) * x / 4,
    "matrix": lambda x: np.cos(np.add.outer(np.arange(4), np.arange(x.shape[0]))) @ x,
    "outer": lambda x: np.reshape(np.outer(x[:3], x[-2:]), (-1,)),
    "turned": lambda x: np.reshape(np.reshape(np.concatenate([x, x])[:6], (-1, 2)).T, (-1,))
    if x.shape[0] >= 3 else x,
    "folded sums": lambda x: np.sum(np.reshape(np.concatenate([x, x]), (2, -1)) ** 2, axis=0) / 4,
    "where": lambda x: np.where(x > 0, x, x / 3),
    "diag": lambda x: np.reshape(np.diag(x[:3]), (-1,)),
}  # fmt: skip


@given(
    st.lists(st.sampled_from(sorted(STEPS)), min_size=2, max_size=5),
    st.sampled_from(ORDERS),
    st.sampled_from([1, 2, 5, 6]),
)
def test_compositions(names: list[str], order: Any, size: int):
    def composed(x: Any) -> Any:
        for name in names:
            x = STEPS[name](x)
        return x

    x = point((size,), size)
    dense = columns(composed, x)
    jacobian = cr.jacobian(composed, order=order)(x)
    scale = max(1.0, np.abs(dense).max(initial=0.0))
    assert_close(jacobian.toarray(), dense, atol=1e-12 * scale)
    assert_close(jacobian.tosparse().toarray(), dense, atol=1e-12 * scale)
    assert_close(jacobian.T.toarray(), dense.T, atol=1e-12 * scale)
    v = point((size,), 3)
    assert_close(jacobian @ v, dense @ v, atol=1e-11 * scale)
    assert_close(jacobian[::2, ::-1].toarray(), dense[::2, ::-1], atol=1e-12 * scale)


@given(st.lists(st.sampled_from([name for name, _ in VECTOR]), min_size=1, max_size=3))
def test_products_of_jacobians_are_jacobians_of_compositions(names: list[str]):
    table = dict(VECTOR)
    x = point((6,))
    value, product = x, None
    for name in names:
        f = table[name]
        if np.shape(value) != (6,):
            break
        step = cr.jacobian(f)(value)
        product = step if product is None else step @ product
        value = np.asarray(f(value))
    done = list(names)

    def composed(x: Any) -> Any:
        for name in done:
            if np.shape(x) != (6,):
                break
            x = table[name](x)
        return x

    assert product is not None
    expected = columns(composed, x)
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    assert_close(product.toarray(), expected, atol=1e-12 * scale)
