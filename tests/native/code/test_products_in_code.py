"""Matrix products in native code: every layout, every size around vectors, tiles and strips."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.node import new_input
from chainrule.native.code.builder import Function
from chainrule.native.code.functions import EMITTERS
from chainrule.native.code.ir import Module, vector
from chainrule.native.code.tiles import turned
from chainrule.native.plan.planning import plan
from chainrule.native.plan.products import Pack, Product
from chainrule.native.plan.stages import Stage
from chainrule.native.run.machine import assembly, compile_text
from chainrule.native.run.program import Layout, NativeProgram, write_segment
from chainrule.native.target import LEVELS, host, level, runs_here
from chainrule.primitives.contraction import contract
from chainrule.tracing.captured import capture
from tests.native.calling import address_of_function

FORMS = {
    "AB": (lambda A, B: A @ B, lambda m, n, k: ((m, k), (k, n))),
    "ABᵀ": (lambda A, B: A @ B.T, lambda m, n, k: ((m, k), (n, k))),
    "AᵀB": (lambda A, B: A.T @ B, lambda m, n, k: ((k, m), (k, n))),
    "AᵀBᵀ": (lambda A, B: A.T @ B.T, lambda m, n, k: ((k, m), (n, k))),
    "(AB)ᵀ": (lambda A, B: (A @ B).T * 1.0, lambda m, n, k: ((m, k), (k, n))),
    "−½ AB + 1": (lambda A, B: -0.5 * (A @ B) + 1, lambda m, n, k: ((m, k), (k, n))),
    "batch": (
        lambda A, B: np.einsum("bij,bjk->bik", A, B),
        lambda m, n, k: ((3, m, k), (3, k, n)),
    ),
    "batch of one right side": (
        lambda A, B: np.einsum("bij,kj->bik", A, B),
        lambda m, n, k: ((3, m, k), (n, k)),
    ),
    "rows and columns exchanged": (
        lambda A, B: np.einsum("ij,bjk->bki", A, B),
        lambda m, n, k: ((m, k), (3, k, n)),
    ),
}
SIZES = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 47, 48, 49, 64, 97, 144])


def check(form: str, shape: tuple[int, int, int], dtype: str, seed: int) -> None:
    f, shapes_of = FORMS[form]
    rng = np.random.default_rng(seed)
    A, B = (rng.normal(size=s).astype(dtype) for s in shapes_of(*shape))
    found, exact = cr.compile(f)(A, B), f(A.astype(float), B.astype(float))
    assert found.dtype == dtype
    assert found.shape == exact.shape
    # k terms of products of size |A| |B|, each sum rounded once: k eps sum|a b|, and some eps for
    # the scale and the 1 of the sixth form (Higham, Accuracy and Stability, 2002, section 3.1)
    size = np.abs(f(np.abs(A).astype(float), np.abs(B).astype(float)))
    bound = (shape[2] + 4) * np.finfo(dtype).eps * (size + 2)
    assert (np.abs(found - exact) <= bound).all()


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=12, deadline=None)
@given(shape=st.tuples(SIZES, SIZES, SIZES), dtype=st.sampled_from(["float32", "float64"]))
def test_products(form, shape, dtype):
    check(form, shape, dtype, seed=sum(shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["AB", "ABᵀ", "AᵀB", "AᵀBᵀ"])
@pytest.mark.parametrize(
    "shape",
    [
        (130, 200, 300),
        (70, 129, 1024),
        (257, 97, 200),
        (33, 300, 400),
        (64, 130, 784),
        (1, 97, 900),
    ],
)
def test_large_products(form, shape, dtype):
    check(form, shape, dtype, seed=1)


@pytest.mark.parametrize("columns", [64, 65, 96, 97, 100, 128, 130])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_products_strip_by_strip(columns, threads, monkeypatch):
    """Few rows and a large right operand: every thread keeps to some of its columns."""
    monkeypatch.setattr("chainrule.native.plan.products.FAR", 0)
    monkeypatch.setattr("chainrule.native.plan.products.CACHED", 0)
    monkeypatch.setattr("chainrule.native.plan.stages.SMALL", 0.0)
    monkeypatch.setattr("chainrule.native.run.program.WAKING", 0.0)
    program = capture(lambda A, B: A @ B.T, np.ones((9, 40)), np.ones((columns, 40))).graph
    made = plan(program.inputs, program.outputs, set())
    assert any(isinstance(step, Product) and step.whole for step in made.steps)
    cr.set_threads(threads)
    try:
        for form in FORMS:
            check(form, (9, columns, 40), "float32", seed=columns)
    finally:
        cr.set_threads(None)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_native(form):
    f, shapes_of = FORMS[form]
    program = capture(f, *(np.ones(shape) for shape in shapes_of(40, 50, 60)))._program
    made = plan(program.inputs, program.outputs, {"add"})
    kinds = [type(step).__name__ for step in made.steps]
    assert "Product" in kinds
    assert "External" not in kinds


def test_infinities_and_nan_go_through():
    A = np.array([[np.inf, 1.0], [np.nan, 1.0], [1.0, 2.0]] * 4)
    B = np.array([[1.0, 0.0], [2.0, 3.0]])
    with np.errstate(invalid="ignore"):
        expected = A @ B
    np.testing.assert_array_equal(cr.compile(lambda A, B: A @ B)(A, B), expected)


STRONG = {  # labels of the operands and of the result, over m, n, k and a batch b
    "AB": ("mk", "kn", "mn"), "ABᵀ": ("mk", "nk", "mn"), "AᵀB": ("km", "kn", "mn"),
    "AᵀBᵀ": ("km", "nk", "mn"), "(AB)ᵀ": ("mk", "kn", "nm"), "batch": ("bmk", "bkn", "bmn"),
    "one right side": ("bmk", "nk", "bmn"), "v A": ("k", "kn", "n"), "A v": ("mk", "k", "m"),
}  # fmt: skip


def check_zeros(form: str, shape: tuple[int, int, int], dtype: str, seed: int) -> None:
    """A product in which zeros win, against NumPy's sums over the terms that have no zero."""
    size = dict(zip("mnkb", (*shape, 3), strict=True))
    number = {label: k for k, label in enumerate("mnkb")}
    left, right, out = STRONG[form]
    nodes = [new_input(tuple(size[x] for x in labels), np.dtype(dtype)) for labels in (left, right)]
    for node in nodes:
        node.finite = False
    labels = [tuple(number[x] for x in item) for item in (left, right, out)]
    node = contract(
        nodes, labels[:2], labels[2], tuple(size[x] for x in out), scale=-0.5, strong=True
    )
    assert node.params.strong
    rng = np.random.default_rng(seed)
    # half of all are zeros, and few enough are infinite or undefined that some sums have none
    bad = [0.5, *[0.1 / shape[2]] * 3]
    kinds, chances = [1, 0, np.inf, -np.inf, np.nan], [1 - sum(bad), *bad]
    arrays = [
        (rng.uniform(1, 2, n.shape) * rng.choice(kinds, n.shape, p=chances)).astype(dtype)
        for n in nodes
    ]
    with np.errstate(invalid="ignore"):
        spread = [
            np.moveaxis(
                a.astype(float).reshape(*a.shape, *[1] * (4 - a.ndim)),
                range(a.ndim), [("bmnk").index(x) for x in item],
            )
            for a, item in zip(arrays, (left, right), strict=True)
        ]  # fmt: skip
        a, b = np.broadcast_arrays(*spread)
        sums = np.sum(np.where((a == 0) | (b == 0), 0, a * b), axis=3)
    gone = tuple(k for k, x in enumerate("bmn") if x not in out)
    kept = [x for x in "bmn" if x in out]
    wanted = -0.5 * np.squeeze(sums, gone).transpose([kept.index(x) for x in out])
    (found,) = NativeProgram(plan([*nodes], [node], EMITTERS.keys()))(*arrays)
    # k terms of size 4 at most, half of which are 0, each rounded
    atol = 4 * shape[2] * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)
    if np.size(wanted) > 500:
        assert 0 < np.isnan(wanted).mean() < 1, "both kinds of sums are there"


@pytest.mark.parametrize("form", STRONG)
@settings(max_examples=4, deadline=None)
@given(shape=st.tuples(SIZES, SIZES, SIZES), dtype=st.sampled_from(["float32", "float64"]))
def test_a_zero_wins_in_every_product(form, shape, dtype):
    check_zeros(form, shape, dtype, seed=sum(shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["AB", "ABᵀ", "AᵀB", "AᵀBᵀ"])
@pytest.mark.parametrize("shape", [(130, 200, 300), (257, 97, 200), (1, 97, 900)])
def test_a_zero_wins_in_large_products(form, shape, dtype):
    check_zeros(form, shape, dtype, seed=1)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_zero_wins_strip_by_strip(threads, monkeypatch):
    monkeypatch.setattr("chainrule.native.plan.products.FAR", 0)
    monkeypatch.setattr("chainrule.native.plan.products.CACHED", 0)
    monkeypatch.setattr("chainrule.native.plan.stages.SMALL", 0.0)
    monkeypatch.setattr("chainrule.native.run.program.WAKING", 0.0)
    cr.set_threads(threads)
    try:
        for form in STRONG:
            check_zeros(form, (9, 97, 40), "float32", seed=2)
    finally:
        cr.set_threads(None)


def test_empty_sums_and_empty_results():
    product = cr.compile(lambda A, B: A @ B)
    assert product(np.ones((2, 0)), np.ones((0, 3))).tolist() == [[0, 0, 0]] * 2
    assert product(np.ones((0, 2)), np.ones((2, 3))).shape == (0, 3)


def test_arguments_that_are_views_or_the_same():
    A = np.arange(144.0).reshape(12, 12)
    product = cr.compile(lambda A, B: A @ B)
    for one, other in [(A, A), (A.T, A), (A[::2], A), (A[:, ::-1], A[::-1]), (A[2:7, 3:9], A[:6])]:
        np.testing.assert_allclose(product(one, other), one @ other, rtol=1e-14)


def test_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    A, B = (rng.normal(size=(300, 300)).astype(np.float32) for _ in range(2))
    f = cr.compile(lambda A, B: np.tanh(A @ B).sum(axis=0) @ B)
    try:
        results = []
        for threads in (1, 2, 3, 4, 8):
            cr.set_threads(threads)
            results.append(f(A, B).tobytes())
    finally:
        cr.set_threads(None)
    assert len(set(results)) == 1


def test_wide_right_operands_are_packed_once():
    program = capture(lambda A, B: A @ B.T, np.ones((64, 300)), np.ones((200, 300)))._program
    made = plan(program.inputs, program.outputs, set())
    assert sum(isinstance(step, Pack) for step in made.steps) == 1
    (product,) = (step for step in made.steps if isinstance(step, Product))
    assert product.packed is not None


@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_squares_are_turned(lanes):
    module = Module(host())
    f = Function(module, "turn", [("ptr", "a")])
    pointers = [f.at(f.arguments[0], lanes * row, "float") for row in range(lanes)]
    rows = [f.load(pointer, vector("float", lanes)) for pointer in pointers]
    for pointer, row in zip(pointers, turned(f, rows), strict=True):
        f.store(row, pointer)
    f.ret()
    square = np.arange(lanes * lanes, dtype=np.float32).reshape(lanes, lanes)
    expected = square.T.copy()
    code = compile_text(str(module), ["turn"])
    address_of_function(code, "turn", 1)(square.ctypes.data)
    np.testing.assert_array_equal(square, expected)


def step(A0, A1, X, Y):
    """A network's gradients: products of every kind, sums over rows, a softmax."""

    def cost(A0, A1):
        return -np.sum(Y * cr.log_softmax(np.tanh(X @ A0.T) @ A1.T, axis=1))

    return cr.value_and_grad(cost, wrt=(0, 1))(A0, A1)


ARGUMENTS = [
    np.random.default_rng(k).normal(size=shape).astype(np.float32)
    for k, shape in enumerate([(70, 130), (11, 70), (65, 130), (65, 11)])
]


@pytest.mark.parametrize("name", LEVELS)
def test_every_processor_gets_code(name, monkeypatch):
    """All of it is assembled, without a call of a mathematical library."""
    monkeypatch.setattr("chainrule.native.plan.planning.host", lambda: level(name))
    program = capture(step, *ARGUMENTS)._program
    made = plan(program.inputs, program.outputs, EMITTERS.keys())
    module = Module(level(name))
    stages = [stage for stage in made.stages if isinstance(stage, Stage)]
    write_segment(module, "segment", stages, Layout(made))
    jumps = re.compile(r"^[ \t]*(?:callq?|jmpq?|bl)[ \t]+(\w+)", re.MULTILINE)
    called = set(jumps.findall(assembly(str(module), level(name))))
    outside = {n for n in called if not n.startswith(("segment", "chainrule"))}
    assert outside <= {"memset", "memcpy", "memmove"}


@pytest.mark.parametrize("name", [name for name in LEVELS if runs_here(level(name))])
def test_every_width_of_vectors_gives_the_same(name, monkeypatch):
    """The code for smaller processors runs here too."""
    for module in ("plan.planning", "run.program"):
        monkeypatch.setattr(f"chainrule.native.{module}.host", lambda: level(name))
    found = cr.compile(step)(*ARGUMENTS)
    expected = step(*(a.astype(float) for a in ARGUMENTS))
    # sums of up to 130 products of size one, each rounded to 6e-8, three times over
    assert abs(found[0] - expected[0]) <= 2e-5 * abs(expected[0])
    for one, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * np.abs(other).max())


@pytest.mark.parametrize(
    "f",
    [
        lambda A, B, v: np.diag(v) @ A,
        lambda A, B, v: A @ np.diag(v) @ B,
        lambda A, B, v: np.diag(v) @ np.diag(v * 2),
        lambda A, B, v: np.diag(v) * A,
        lambda A, B, v: np.trace(np.diag(v) @ A),
        lambda A, B, v: np.einsum("ij,jk,kl->il", np.diag(v), A, np.diag(v)),
        lambda A, B, v: np.diag(v) @ v,
        cr.jacobian(lambda A, B, v: np.tanh(A @ v) @ B, wrt=2),
        cr.hessian(lambda A, B, v: np.sum(np.logaddexp(0, A @ v)), wrt=2),
    ],
)
def test_diagonal_and_unit_matrices(f):
    rng = np.random.default_rng(0)
    A, B, v = rng.normal(size=(40, 40)), rng.normal(size=(40, 40)), rng.normal(size=40)
    expected = np.asarray(f(A, B, v))
    # the same sums of up to 40 products of size one, in another order
    np.testing.assert_allclose(cr.compile(f)(A, B, v), expected, rtol=1e-12, atol=1e-12)


def test_unit_matrices_are_no_products():
    X = np.ones((50, 40))
    hessian = cr.hessian(lambda w: np.sum(np.logaddexp(0, X @ w)))
    program = capture(lambda w: hessian(w).toarray(), np.ones(40))
    made = plan(program.graph.inputs, program.graph.outputs, EMITTERS.keys())
    products = [step.shape for step in made.steps if isinstance(step, Product)]
    assert products == [(40, 40, 50)]  # Xᵀ D X alone


def test_zeros_off_a_users_diagonal_meet_infinities():
    A, v = np.array([[1.0, np.inf], [2.0, 3.0]]), np.array([1.0, 2.0])
    with np.errstate(invalid="ignore"):
        expected = np.diag(v) @ A
    np.testing.assert_array_equal(cr.compile(lambda A, v: np.diag(v) @ A)(A, v), expected)


def test_one_copy_of_a_right_operand_serves_all_its_products():
    def f(A, x):
        for _ in range(3):
            x = np.tanh(x @ A.T)
        return x

    A, x = np.random.default_rng(0).normal(size=(2, 150, 150))
    graph = capture(f, A, x).graph
    made = plan(graph.inputs, graph.outputs, EMITTERS.keys())
    assert sum(isinstance(step, Pack) for step in made.steps) == 1
    # three layers of sums of 150 products of numbers of size one to ten
    np.testing.assert_allclose(cr.compile(f)(A, x), f(A, x), rtol=1e-9, atol=1e-9)
