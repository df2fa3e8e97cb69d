"""Nothing dense that need not be: peaks measured by tracemalloc, and what is refused."""

from __future__ import annotations

import gc
import re
import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import MemoryRefused

N = 1_000_000
x = np.linspace(-1.0, 1.0, N)


def stencil(x):
    return x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3


def peak_of(work) -> tuple[int, object]:
    """Bytes allocated at most at one time while the work is done, and its result."""
    gc.collect()
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True, scope="module")
def _warm():
    """What is imported or cached on the first call is not what is measured."""
    cr.jacobian(stencil)(x[:9]).tosparse()
    cr.jacobian(np.tanh)(x[:9]).diagonal()


def test_a_diagonal_of_a_million():
    def work():
        J = cr.jacobian(cr.sigmoid)(x)
        return J, J.diagonal(), J @ x, J.tosparse()

    peak, (J, diagonal, product, sparse) = peak_of(work)
    s = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(diagonal, s * (1 - s), rtol=1e-13)  # some units in the last place
    np.testing.assert_allclose(product, s * (1 - s) * x, rtol=1e-13)
    assert J.nbytes == 8 * N
    assert J.dense_nbytes == 8 * N * N
    assert sparse.nnz == N
    # the results take 4 arrays of n, positions of CSR 1 more; a few more for the steps between
    assert peak <= 16 * x.nbytes


def test_the_diagonal_solves_itself():
    J = cr.jacobian(np.sinh)(x)
    peak, found = peak_of(lambda: J.solve(x))
    np.testing.assert_allclose(found * np.cosh(x), x, rtol=1e-13)
    assert peak <= 8 * x.nbytes


def test_a_stencil_in_csr_within_ten_times_its_bytes():
    peak, sparse = peak_of(lambda: cr.jacobian(stencil)(x).tosparse())
    own = sparse.data.nbytes + sparse.indices.nbytes + sparse.indptr.nbytes
    assert sparse.shape == (N - 2, N)
    assert sparse.nnz == 3 * (N - 2)
    assert own <= 40 * N + 100
    assert peak <= 10 * own
    middle = x[1:-1]
    expected = x[2:] - 2 * middle + x[:-2] + 3 * middle**3
    np.testing.assert_allclose(sparse @ x, expected, atol=1e-12)  # sums of four numbers below 4


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (np.cumsum, "triangular"),
        (cr.softmax, "diagonal + outer product"),
        (lambda x: x.reshape(1000, 1000), "sparse, at most 1 of 1,000,000 per row"),
        (lambda x: np.pad(x[::-2], 3), "sparse, at most 1 of 1,000,000 per row"),
        (lambda x: x - x.mean(), "identity + constant -1e-06"),
    ],
)
def test_products_at_a_million(f, words):
    J = cr.jacobian(f)(x)
    peak, (product, row) = peak_of(lambda: (J @ x, np.ones(J.output_shape) @ J))
    assert J.structure == words
    assert product.shape == J.output_shape
    assert row.shape == (N,)
    assert peak <= 16 * x.nbytes


@pytest.mark.parametrize("write", [np.asarray, lambda J: J.toarray()], ids=["asarray", "toarray"])
def test_a_dense_array_beyond_memory_is_refused(write):
    """In one sentence with both sizes, and what to use instead."""
    J = cr.jacobian(np.tanh)(x)
    with pytest.raises(MemoryRefused, match=r"^toarray: ") as error:
        write(J)
    text = str(error.value)
    sizes = re.findall(r"([\d,]+) bytes needed and ([\d,]+) free", text)[0]
    needed, free = (int(size.replace(",", "")) for size in sizes)
    assert needed == J.dense_nbytes == 8 * N * N
    assert 0 < free < needed
    assert "1000000 by 1000000" in text
    assert "J @ v" in text
    assert "tosparse" in text
    assert isinstance(error.value, MemoryError)


def test_a_sparse_array_beyond_memory_is_refused():
    J = cr.jacobian(cr.softmax)(x)
    with pytest.raises(MemoryRefused, match=r"^tosparse: .*bytes needed and .* free"):
        J.tosparse()
    assert (J @ x).shape == (N,)


def test_the_forecast_comes_before_anything_is_formed():
    peak, plan = peak_of(lambda: cr.jacobian(cr.softmax).plan(x))
    assert plan.nbytes == 8 * N
    assert plan.dense_nbytes == 8 * N * N
    assert peak <= 8 * x.nbytes
