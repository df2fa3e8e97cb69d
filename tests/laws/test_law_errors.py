"""What cannot be done is refused in one sentence: what was wrong, what came, what to write."""

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError

X = np.array([0.5, -1.0, 2.0])


def refused(kind, *words):
    """The error is the library's own, of Python's ``kind``, and says all the words in order."""
    return pytest.raises(kind, match="(?s)" + ".*".join(words))


def own(caught):
    assert isinstance(caught.value, ChainruleError)
    text = str(caught.value)
    assert text.split(":")[0]  # <operation>: ...
    assert "\n\n" not in text


def test_float_of_a_traced_value():
    with refused(
        TypeError, "float: a traced value cannot", r"got Traced\(0\.5\)", r"np\."
    ) as caught:
        cr.grad(lambda x: float(x[0]) * x[1])(X)
    own(caught)


def test_the_math_module_names_numpy():
    with refused(TypeError, r"np\.sin instead of math\.sin") as caught:
        cr.grad(lambda x: math.sin(x))(0.5)
    own(caught)


def test_an_array_of_traced_entries_shows_the_line_to_write():
    with refused(
        TypeError, r"write np\.stack\(\[a, b\]\) instead of np\.array\(\[a, b\]\)"
    ) as caught:
        cr.grad(lambda x: np.array([x[0], x[1]]).sum())(X)
    own(caught)
    with refused(TypeError, r"np\.stack\(\["):
        cr.grad(lambda x: np.array([x[0], 1.0]) @ np.ones(2))(X)
    with refused(TypeError, r"np\.(stack|concatenate)"):
        cr.grad(lambda x: np.array([x, x]).sum())(X)
    with refused(TypeError, "array"):
        cr.grad(lambda x: np.asarray(x).sum())(X)


def test_the_line_it_shows_works():
    gradient = cr.grad(lambda x: np.stack([x[0], x[1]]).sum())(X)
    np.testing.assert_array_equal(gradient, [1.0, 1.0, 0.0])


@pytest.mark.parametrize(
    "x",
    [
        3,
        True,
        np.int64(3),
        np.arange(3),
        np.array([True, False, True]),
        [1, 2],
        {"a": np.arange(2)},
    ],
    ids=repr,
)
def test_integers_are_refused(x):
    with refused(
        TypeError, "grad: argument 0", "(integers|booleans), which have no", "float"
    ) as caught:
        cr.grad(lambda x: 1.0)(x)
    own(caught)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: cr.value_and_grad(np.sum)(x),
        lambda x: cr.jacobian(np.sum)(x),
        lambda x: cr.hessian(np.sum)(x),
        lambda x: cr.vjp(np.sum, x),
        lambda x: cr.jvp(np.sum, (x,), (np.ones(3),)),
        lambda x: cr.hvp(np.sum, x, np.ones(3)),
    ],
    ids=["value_and_grad", "jacobian", "hessian", "vjp", "jvp", "hvp"],
)
def test_integers_are_refused_everywhere(call):
    with refused(TypeError, "int64", "float") as caught:
        call(np.arange(3))
    own(caught)


def test_integers_that_are_not_differentiated_are_welcome():
    counts = np.arange(3)
    np.testing.assert_array_equal(cr.grad(lambda x, n: (x * n).sum())(X, counts), [0.0, 1.0, 2.0])


def test_text_is_not_an_array():
    with refused(TypeError, "str"):
        cr.grad(lambda x: 1.0)("0.5")


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 2), (0,)], ids=str)
def test_grad_of_what_is_not_a_scalar(shape):
    with refused(
        ValueError, "scalar", repr(shape).replace("(", r"\(").replace(")", r"\)"), "jacobian"
    ) as caught:
        cr.grad(lambda x: np.ones(shape) * x[0])(X)
    own(caught)
    with refused(ValueError, "scalar"):
        cr.value_and_grad(lambda x: np.ones(shape) * x[0])(X)
    with refused(ValueError, "scalar"):
        cr.hessian(lambda x: np.ones(shape) * x[0])(X)


def test_grad_of_what_is_no_number():
    with refused((TypeError, ValueError), "None"):
        cr.grad(lambda x: None)(X)
    with refused((TypeError, ValueError), "tuple|scalar"):
        cr.grad(lambda x: (x[0], x[1]))(X)


MISFITS = {
    "matmul": (lambda x: np.ones((2, 4)) @ x, "matmul", r"\(2, 4\)", r"\(3,\)"),
    "matmul of two": (
        lambda x: np.outer(x, x) @ np.ones((2, 3)),
        "matmul",
        r"\(3, 3\)",
        r"\(2, 3\)",
    ),
    "add": (lambda x: x + np.ones(4), "add", r"\(3,\)", r"\(4,\)"),
    "multiply": (lambda x: np.ones((2, 2)) * x, "multiply", r"\(2, 2\)", r"\(3,\)"),
    "dot": (lambda x: np.dot(x, np.ones(4)), "dot", r"\(3,\)", r"\(4,\)"),
    "einsum": (lambda x: np.einsum("i,i->", x, np.ones(4)), "einsum", r"\(3,\)", r"\(4,\)"),
    "concatenate": (
        lambda x: np.concatenate([np.outer(x, x), np.ones((2, 2))]),
        "concatenate",
        r"\(3, 3\)",
        r"\(2, 2\)",
    ),
    "stack": (lambda x: np.stack([x, np.ones(2)]), "stack", r"\(3,\)", r"\(2,\)"),
    "reshape": (lambda x: x.reshape(2, 2), "reshape", r"\(3,\)", r"\(2, 2\)"),
    "broadcast_to": (lambda x: np.broadcast_to(x, (3, 2)), "broadcast_to", r"\(3,\)", r"\(3, 2\)"),
    "where": (lambda x: np.where(np.ones(2, bool), x, 0.0), "where", r"\(2,\)", r"\(3,\)"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_shapes_that_do_not_fit_are_named_with_the_operation(name):
    f, operation, one, other = MISFITS[name]
    with pytest.raises(ValueError, match=operation) as caught:
        cr.grad(lambda x: f(x).sum())(X)
    own(caught)
    caught.match(one)
    caught.match(other)


def test_an_index_out_of_range_is_an_index_error():
    with pytest.raises(IndexError, match="3"):
        cr.grad(lambda x: x[3])(X)
    with pytest.raises(IndexError):
        cr.grad(lambda x: x[0, 0])(X)
    with pytest.raises((ValueError, IndexError), match="axis"):
        cr.grad(lambda x: x.sum(axis=1).sum())(X)


def test_a_truth_value_inside_vmap():
    def f(x):
        return x**2 if x > 0 else -x

    with refused(TypeError, "truth value", "vmap", r"np\.where\(condition, a, b\)") as caught:
        cr.vmap(f)(X)
    own(caught)
    with refused(TypeError, "vmap"):
        cr.grad(lambda X: cr.vmap(f)(X).sum())(X)
    with refused(TypeError, "vmap"):
        cr.vmap(cr.grad(f))(X)
    with refused(TypeError, "vmap"):
        cr.vmap(lambda x: x[int(x[0])])(np.ones((2, 2)))


def test_a_truth_value_of_an_array_is_ambiguous_as_in_numpy():
    with pytest.raises(ValueError, match=r"ambiguous|truth"):
        cr.grad(lambda x: x.sum() if x > 0 else 0.0)(X)


def test_axes_of_vmap_that_do_not_fit():
    with refused(ValueError, "vmap", "3", "2|2.*3"):
        cr.vmap(lambda x, y: x + y)(np.ones((3, 2)), np.ones((2, 2)))
    with refused(ValueError, "vmap", "axis|in_axes"):
        cr.vmap(lambda x: x, in_axes=2)(np.ones((3, 2)))
    with refused(ValueError, "vmap", "in_axes"):
        cr.vmap(lambda x, y: x + y, in_axes=(0,))(X, X)
    with refused(ValueError, "vmap"):
        cr.vmap(lambda x: x)(1.0)
    with refused(ValueError, "vmap"):
        cr.vmap(lambda x: x, in_axes=None)(X)


def test_wrt_that_names_nothing():
    def f(x, y):
        return (x * y).sum()

    with refused(ValueError, "'z'", "x") as caught:
        cr.grad(f, wrt="z")(X, X)
    own(caught)
    with refused(ValueError, "2") as caught:
        cr.grad(f, wrt=2)(X, X)
    own(caught)


def test_tangents_and_cotangents_that_do_not_fit():
    with refused(ValueError, "jvp", r"\(3,\)", r"\(2,\)|\(2,\).*\(3,\)") as caught:
        cr.jvp(np.sin, (X,), (np.ones(2),))
    own(caught)
    with refused(ValueError, "jvp"):
        cr.jvp(np.sin, (X,), (X, X))
    _, pullback = cr.vjp(np.sin, X)
    with refused(ValueError, "pullback|vjp|cotangent") as caught:
        pullback(np.ones(2))
    own(caught)
    with refused(ValueError, r"\(3,\)"):
        cr.hvp(lambda x: (x**2).sum(), X, np.ones(2))


def test_check_grads_finds_a_wrong_derivative():
    cr.check_grads(np.sin, (X,))
    cr.check_grads(lambda x, y: x * y, (X, X))
    with pytest.raises(Exception, match=r"(?i)differ|disagree|numeric|expected"):
        cr.check_grads(lambda x: cr.stop_gradient(x) * x, (X,))


def test_a_function_that_has_no_rule_is_named():
    with pytest.raises(Exception, match="unwrap") as caught:
        cr.grad(lambda x: np.unwrap(x).sum())(X)
    own(caught)


def test_a_value_that_outlived_its_trace_does_no_harm():
    kept = []

    def f(x):
        kept.append(x)
        return (x**2).sum()

    cr.grad(f)(X)
    np.testing.assert_array_equal(cr.grad(f)(2 * X), 4 * X)
    # The value that leaked is a constant of any later derivative.
    np.testing.assert_array_equal(cr.grad(lambda x: (x * kept[0]).sum())(X), X)


class Converting:
    """No array, but what it converts to has a mask."""

    def __array__(self, dtype=None, copy=None):
        return np.ma.masked_equal([1.0, 2.0, 3.0], 2.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: cr.grad(np.sum)(a), lambda a: cr.value_and_grad(np.sum)(a),
        lambda a: cr.jacobian(np.sin)(a), lambda a: cr.hessian(np.sum)(a),
        lambda a: cr.jvp(np.sin, (a,), (np.ones(3),)), lambda a: cr.vjp(np.sin, a),
        lambda a: cr.hvp(np.sum, a, np.ones(3)),
        lambda a: cr.vmap(np.sin)(a), lambda a: cr.trace(np.sin, a),
        lambda a: cr.jacobian(np.sin)(np.ones(3)) @ a,
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [Converting, lambda: np.ma.masked_equal([1.0, 2.0, 3.0], 2.0)])
def test_a_mask_is_never_lost(call, make):
    with pytest.raises(ChainruleError):
        call(make())
