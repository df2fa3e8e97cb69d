"""Some fifty matrix identities: what is printed, and that what is printed is right."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.notation.evaluation import evaluate
from chainrule.notation.latex import LatexNotation
from chainrule.notation.text import TextNotation
from tests.notation.identities import IDENTITIES, Identity, point

# The closed form multiplies in another order, entries of size 1: a few units in the last place.
CLOSE = 1e-9
STEP = 1e-30  # of the complex step: its square vanishes beside 1


@pytest.fixture(params=IDENTITIES, ids=lambda item: item.name, name="identity")
def _identity(request) -> Identity:
    return request.param


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_printed_has_the_value_of_the_closed_form(identity: Identity, seed: int):
    """The expression that is printed, evaluated, against NumPy and against the engine."""
    args = point(identity.function, seed)
    d = cr.derive(identity.function, wrt=identity.wrt)(*args)
    step = d.step(identity.wrt)
    expected = np.asarray(identity.closed_form(*args))
    assert d.ok
    assert step.value.shape == expected.shape
    np.testing.assert_allclose(step.value, expected, rtol=CLOSE, atol=CLOSE)
    printed = evaluate(step.expression, d.values).reshape(expected.shape)
    np.testing.assert_allclose(printed, expected, rtol=CLOSE, atol=CLOSE)
    engine = cr.jacobian(identity.function, wrt=identity.wrt)(*args).toarray()
    np.testing.assert_allclose(printed, engine, rtol=CLOSE, atol=CLOSE)


def moved(identity: Identity, seed: int) -> tuple[list, np.ndarray]:
    """Arguments with a complex step in a random direction, and the direction."""
    args = point(identity.function, seed)
    place = identity.function.__code__.co_varnames.index(identity.wrt)
    direction = np.random.default_rng(seed).normal(size=np.shape(args[place]))
    args[place] = args[place] + 1j * STEP * direction
    return args, direction


def takes_complex_numbers(identity: Identity) -> bool:
    """Norms take absolute values and softmax a maximum: those have closed forms alone."""
    try:
        return bool(np.iscomplexobj(identity.function(*moved(identity, 1)[0])))
    except (TypeError, cr.errors.ChainruleError):
        return False


ANALYTIC = [item for item in IDENTITIES if takes_complex_numbers(item)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("identity", ANALYTIC, ids=lambda item: item.name)
def test_the_closed_form_is_the_complex_step(identity: Identity, seed: int):
    """The numbers that the others are held against, by NumPy alone."""
    args, direction = moved(identity, seed)
    slope = np.imag(identity.function(*args)) / STEP
    expected = np.asarray(identity.closed_form(*point(identity.function, seed)))
    product = np.tensordot(expected, direction, direction.ndim)
    np.testing.assert_allclose(slope, product, rtol=CLOSE, atol=CLOSE)


def test_it_reads_as_a_person_would_write_it(identity: Identity):
    step = _step(identity)
    assert TextNotation()(step.expression) == identity.text


def test_its_latex(identity: Identity):
    assert LatexNotation()(_step(identity).expression) == identity.latex


def _step(identity: Identity):
    args = point(identity.function, 1)
    return cr.derive(identity.function, wrt=identity.wrt)(*args).step(identity.wrt)


def test_there_are_forty():
    assert len({item.name for item in IDENTITIES}) >= 40
    assert len(ANALYTIC) >= 35
