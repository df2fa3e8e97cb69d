"""Frames, bytecode and counted references may be missing or mean something else: names may differ.

Each is switched off, and each falsified; what is computed stays what it is, or is refused.
"""

from __future__ import annotations

import itertools
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.tracing import interpreter, places
from tests.laws import test_law_mutation as mutation
from tests.laws import test_law_views as views
from tests.laws.problems import close

LAWS = [
    *mutation.MUTATING,
    *views.VIEWS,
    *views.REARRANGED,
    views.a_temporary_reshaped,
    views.a_temporary_transposed,
    views.a_temporary_raveled,
]
POINT = mutation.POINT


def broken(*_):
    raise RuntimeError("there is no such thing here")


def shifted(code):
    """Instructions at the places of others, so that wrong names are found."""
    given = list(interpreter.dis.get_instructions(code))
    return [
        item._replace(opname=other.opname, argval=other.argval, argrepr=other.argrepr)
        for item, other in zip(given, given[1:] + given[:1], strict=True)
    ]


def operators(code):
    """Every instruction an in-place operator, as if nothing else could be told apart."""
    given = interpreter.dis.get_instructions(code)
    return [item._replace(opname="BINARY_OP", argrepr="+=") for item in given]


def no_operators(code):
    return [
        item
        for item in interpreter.dis.get_instructions(code)
        if not item.opname.startswith("BINARY_OP")
    ]


_numbers = itertools.cycle([7, 3, 12, 1, 9, 10, 2])
OTHERWISE = {
    "no frames": {"frame_of": None},
    "broken frames": {"frame_of": broken},
    "frames of others": {"frame_of": lambda depth: sys._getframe(depth + 2)},
    "broken bytecode": {"instructions_of": broken},
    "no bytecode": {"instructions_of": lambda code: []},
    "bytecode of another kind": {"instructions_of": shifted},
    "operators everywhere": {"instructions_of": operators},
    "operators nowhere": {"instructions_of": no_operators},
    "no counts": {"count_of": None},
    "broken counts": {"count_of": broken},
    "counts that are always one": {"count_of": lambda array: 1},
    "counts that leave out a borrowed reference": {
        "count_of": lambda array: min(sys.getrefcount(array), 9)
    },
    "counts of any size": {"count_of": lambda array: next(_numbers)},
}
LASTING = SimpleNamespace(ref=lambda value: lambda: value)
"""Weak references in a Python that frees nothing in time."""


@pytest.fixture(params=[*OTHERWISE, "values that are freed late"])
def another_python(request):
    stays = LASTING if request.param not in OTHERWISE else places.weakref
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(places, "weakref", stays)
        for name, other in OTHERWISE.get(request.param, {}).items():
            changed.setattr(interpreter, name, other)
        interpreter.try_out()
        yield request.param
    interpreter.try_out()


def outcome(f):
    try:
        return cr.vjp(f, POINT)[0], cr.jacobian(f)(POINT).toarray()
    except ChainruleError:
        return None


@pytest.fixture(scope="module")
def expected():
    return {f.__name__: outcome(f) for f in LAWS}


def test_in_this_python_all_is_found():
    assert interpreter.finds_names
    assert interpreter.finds_operators
    assert interpreter.alone is not None


@pytest.mark.usefixtures("another_python")
def test_values_are_the_same_or_refused(expected):
    refused = []
    for f in LAWS:
        found = outcome(f)
        if found is None:
            refused.append(f.__name__)
        else:
            close(found[0], f(POINT))
            close(found[1], expected[f.__name__][1])
    assert len(refused) <= 4, refused


@pytest.mark.usefixtures("another_python")
def test_nothing_is_lost_that_other_names_share():
    def function(x):
        y = np.zeros(4)
        np.add(y, x, out=y)
        return y.sum()

    def shared(x):
        y = z = np.zeros(4)
        y += x
        return z.sum()

    def given(x):
        def add(y):
            y += x

        z = np.zeros(4)
        add(z)
        return z.sum()

    for f in (function, shared, given):
        with pytest.raises(TypeError, match="cannot be written into a plain array"):
            cr.grad(f)(POINT)


@pytest.mark.usefixtures("another_python")
def test_names_are_those_given_or_none():
    def f(x):
        square = x * x
        return np.sum(square)

    names = set(cr.trace(f, POINT).names.values())
    assert names <= {"x", "square"}
