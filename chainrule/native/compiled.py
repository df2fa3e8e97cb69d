"""cr.compile: a function of arrays as native code, made anew for each kind of arguments."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import update_wrapper
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ArgumentError, DtypeError
from chainrule.graph.node import Array, new_input
from chainrule.interpret.run import Program, owned
from chainrule.jacobian.matrix import Jacobian
from chainrule.native.functions import EMITTERS
from chainrule.native.gathers import Gather
from chainrule.native.loops import Apply
from chainrule.native.machine import CompilationError
from chainrule.native.plan import Plan, plan
from chainrule.native.products import Pack, Product
from chainrule.native.program import NativeProgram
from chainrule.native.stages import External, Step
from chainrule.primitives.expression import Expression
from chainrule.tracing.containers import flatten, unflatten
from chainrule.tracing.session import open_arguments, recording
from chainrule.tracing.traced import Traced, as_node, call

MOST_PROGRAMS = 64
"""Kinds of arguments whose programs one compiled function keeps; the least used go first."""


def compile(f: Callable[..., Any]) -> Compiled:
    """A function of arrays that runs as native code.

    Elementwise work, broadcasts and sums are fused into loops of vector instructions; matrix
    products and whatever else the code generator does not know run in NumPy as before.

    Parameters
    ----------
    f : callable
        A function in plain NumPy, or what :func:`grad`, :func:`value_and_grad`, :func:`vmap` make
        of one; of what :func:`jacobian` and :func:`hessian` make, whose results are then whole
        arrays. Arrays, containers of arrays and floats are arguments; whole numbers, booleans and
        keyword arguments are static: other ones compile anew. Arrays that f refers to without
        being given them are read, and copied, when it is compiled.

    Returns
    -------
    Compiled
        A function of f's own arguments. It compiles when it meets a new combination of shapes and
        dtypes, which takes some hundredths of a second, and keeps the code; ``report()`` says what
        became of f.

    Raises
    ------
    TracingError
        If the way through the code depends on values, as in ``if x > 0``.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> gradient = cr.compile(cr.grad(lambda x: np.sum(np.exp(x) * x)))
    >>> gradient(np.array([0.0, 1.0])).round(6)
    array([1.      , 5.436564])
    """
    return Compiled(f)


class Made(NamedTuple):
    """A program for one kind of arguments, and what there is to say about it."""

    run: NativeProgram | Program
    plan: Plan
    result_structure: Any
    seconds: float
    fallen_back: str
    """Why it is interpreted; empty where it is native."""


class Compiled:
    """What :func:`compile` returns: a function of f's own arguments.

    Several threads may call it at once.

    Parameters
    ----------
    f : callable
        A function in plain NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> f = cr.compile(lambda x: np.tanh(x).sum())
    >>> f(np.zeros(3))
    np.float64(0.0)
    >>> print(f.report().splitlines()[1])
      native  loop over [3]: 1 operations an element, 1 sums
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        update_wrapper(self, f)
        self._f = f
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._latest: tuple[Hashable, Made] | None = None
        """Plain arrays of the same kind as last time are looked up by this alone."""
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kind = _plain_kind(args) if not kwargs else None
        latest = self._latest
        if kind is not None and latest is not None and latest[0] == kind:
            return _results(latest[1], args)
        leaves, structure = flatten(list(args))
        if any(isinstance(leaf, Expression) for leaf in leaves):
            return self._f(*args, **kwargs)  # inside another trace: it is compiled as a whole
        arrays = _arrays(leaves)
        made = self._program(leaves, arrays, structure, kwargs)
        if kind is not None:
            self._latest = kind, made
        return _results(made, [array for array in arrays if array is not None])

    def _program(
        self, leaves: Sequence[Any], arrays: Sequence[Array | None], structure: Any, kwargs: Any
    ) -> Made:
        key = _key(leaves, arrays, structure, kwargs)
        with self._lock:
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = make(self._f, leaves, arrays, structure, kwargs)
                if len(self._made) > MOST_PROGRAMS:
                    self._made.popitem(last=False)
            else:
                self._made.move_to_end(key)
        return made

    def report(self) -> str:
        """What became of f, for each kind of arguments so far."""
        if not self._made:
            return "nothing compiled yet: it is compiled when it is called"
        return "\n\n".join(_described(made) for made in self._made.values())


def _plain_kind(args: Sequence[Any]) -> Hashable | None:
    """Shapes and dtypes where all arguments are arrays in native byte order; else None."""
    if all(type(item) is np.ndarray and item.dtype.isnative for item in args):
        return tuple([(item.shape, item.dtype) for item in args])
    return None


def _results(made: Made, arrays: Sequence[Array]) -> Any:
    """What f returns for arrays of the kind that the program is made for."""
    return unflatten(made.result_structure, owned(made.plan.outputs, made.run(*arrays)))


def _arrays(leaves: Sequence[Any]) -> list[Array | None]:
    """The leaves that are data as arrays in native byte order; None for those that are static."""
    given = [np.asarray(x) for x in leaves if isinstance(x, (np.ndarray, np.generic))]
    floats = [array.dtype for array in given if array.dtype.kind == "f"]
    weak = np.dtype(np.float32) if set(floats) == {np.dtype(np.float32)} else np.dtype(float)
    found: list[Array | None] = []
    for leaf in leaves:
        if isinstance(leaf, (np.ndarray, np.generic)):
            array = np.asarray(leaf)
            found.append(array.astype(array.dtype.newbyteorder("="), copy=False))
        elif type(leaf) is float:  # takes the precision of the arrays, as in NumPy's own arithmetic
            found.append(np.asarray(leaf, weak))
        else:
            found.append(None)
    return found


def _key(
    leaves: Sequence[Any], arrays: Sequence[Array | None], structure: Any, kwargs: dict[str, Any]
) -> Hashable:
    kinds = tuple(
        (array.shape, array.dtype) if array is not None else leaf
        for leaf, array in zip(leaves, arrays, strict=True)
    )
    key = (kinds, structure, tuple(sorted(kwargs.items())))
    try:
        hash(key)
    except TypeError:
        raise ArgumentError(
            "compile", "a static argument must be hashable, to know programs by it",
            got=", ".join(f"{name}={value!r}" for name, value in kwargs.items()) or "a container",
            remedy="pass arrays by position, and tuples instead of lists by keyword",
        ) from None  # fmt: skip
    return key


# -- making a program -----------------------------------------------------------------------------


def make(
    f: Callable[..., Any], leaves: Sequence[Any], arrays: Sequence[Array | None], structure: Any,
    kwargs: dict[str, Any],
) -> Made:  # fmt: skip
    """Trace, plan and compile a function for arguments like these."""
    started = perf_counter()
    inputs = [None if array is None else new_input(array.shape, array.dtype) for array in arrays]
    stand_ins = [
        leaf if node is None else Traced(node) for leaf, node in zip(leaves, inputs, strict=True)
    ]
    given = [node for node in inputs if node is not None]
    with recording(), open_arguments(given):
        results, result_structure = flatten(call(f, *unflatten(structure, stand_ins), **kwargs))
        results = [x.toarray() if isinstance(x, Jacobian) else x for x in results]
    outputs = [as_node(item) for item in results]
    if any(node.dtype.kind not in "fiub" for node in outputs):
        raise DtypeError(
            "compile", "the function must return numbers",
            got=", ".join(str(node.dtype) for node in outputs),
        )  # fmt: skip
    made = plan(given, outputs, EMITTERS.keys())
    try:
        run: NativeProgram | Program = NativeProgram(made)
        problem = ""
    except (CompilationError, ImportError) as error:
        run, problem = Program(given, outputs), str(error)
    return Made(run, made, result_structure, perf_counter() - started, problem)


# -- saying what became of it ---------------------------------------------------------------------


def _described(made: Made) -> str:
    arguments = ", ".join(f"{node.dtype}{list(node.shape)}" for node in made.plan.inputs)
    lines = [f"for {arguments or 'no arrays'}, made in {made.seconds * 1e3:.0f} ms"]
    if made.fallen_back:
        return "\n".join([*lines, f"  interpreted with NumPy: {made.fallen_back}"])
    for step in made.plan.steps:
        lines.append(f"  {_step_text(step)}")
    return "\n".join(lines)


def _step_text(step: Step) -> str:
    if isinstance(step, Product):
        m, n, k = step.shape[-3:]
        return f"native  product of [{m}, {k}] and [{k}, {n}]"
    if isinstance(step, Gather):
        how = "rows added up at" if step.adds else "rows picked from"
        return f"native  {how} {step.size} places: {list(step.shape)}"
    if isinstance(step, Pack):
        return f"native  copy of [{step.shape[1]}, {step.columns}] in strips"
    if isinstance(step, External):
        shapes = " and ".join(str(list(item.shape)) for item in step.node.inputs)
        return f"NumPy   {step.node.primitive.name} of {shapes} -> {list(step.node.shape)}"
    work = sum(isinstance(item, Apply) for item in step.body)
    parts = [f"{work} operations an element"]
    parts += [f"{len(step.stores)} results"] if step.stores else []
    parts += [f"{len(step.reductions)} sums"] if step.reductions else []
    return f"native  loop over {list(step.shape)}: {', '.join(parts)}"
