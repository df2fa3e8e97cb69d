"""cr.compile: a function of arrays as native code, made anew for each kind of arguments."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from time import perf_counter
from typing import Any, Literal

from chainrule import forks
from chainrule.arguments import one_of
from chainrule.graph.node import Array
from chainrule.interpret.run import owned
from chainrule.native.entry.direct import direct, taking_apart
from chainrule.native.entry.entry import Entry
from chainrule.native.entry.kinds import as_arrays, kind_of, plain_kind
from chainrule.native.entry.making import Made, interpreted, make, record
from chainrule.native.entry.report import described
from chainrule.native.run.program import NativeProgram
from chainrule.primitives.expression import Expression
from chainrule.tracing.containers import flatten, unflatten
from chainrule.transformed import Transformed, text_of

MOST_PROGRAMS = 64
"""Kinds of arguments whose programs one compiled function keeps; the least used go first."""
MOST_ENTRIES = 4
"""Ways in that are tried, the latest one first, before anything is looked up."""

When = Literal["first call", "auto"]


def compile(f: Callable[..., Any], *, when: When = "first call") -> Compiled:
    """A function of arrays that runs as native code.

    Elementwise work, broadcasts and sums are fused into loops of vector instructions, matrix
    products are made of register tiles, and large work is shared among threads; what the code
    generator does not know runs in NumPy as before.

    Parameters
    ----------
    f : callable
        A function in plain NumPy, or what :func:`grad`, :func:`value_and_grad`, :func:`vmap` make
        of one; of what :func:`jacobian` and :func:`hessian` make, whose results are then whole
        arrays. Arrays, containers of arrays and floats are arguments; whole numbers, booleans and
        keyword arguments are static: other ones compile anew. Arrays that f refers to without
        being given them are read, and copied, when it is compiled.
    when : {"first call", "auto"}
        When code is made for a new combination of shapes and dtypes. With ``"auto"`` nothing ever
        waits for it: the first call of a kind is interpreted with NumPy, the second starts to make
        the code on a thread in the background, and calls are interpreted until it is there.

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
    ArgumentError
        If ``when`` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> gradient = cr.compile(cr.grad(lambda x: np.sum(np.exp(x) * x)))
    >>> gradient(np.array([0.0, 1.0])).round(6)
    array([1.      , 5.436564])
    """
    return Compiled(f, when=when)


class Compiled(Transformed):
    """What :func:`compile` returns: a function of f's own arguments.

    Several threads may call it at once. In a class it becomes a method; the object is then an
    argument like others, static unless it is a dataclass, and its attributes are read when the
    method is compiled. A copy, and what comes out of a pickle, makes its programs anew.

    Parameters
    ----------
    f : callable
        A function in plain NumPy.
    when : {"first call", "auto"}
        When code is made: see :func:`compile`.

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

    operation = "compile"

    def __init__(self, f: Callable[..., Any], *, when: When = "first call") -> None:
        self._when = one_of("compile", "when", when, ("first call", "auto"))
        super().__init__(f, when=when)
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._entries: tuple[Entry, ...] = ()
        self._latest: Entry = _nothing
        self._lock = threading.RLock()
        forks.follow(self)

    def begin_anew(self) -> None:
        """In the child of a fork: what other threads were making is made by the next call."""
        self._lock = threading.RLock()
        for key, made in self._made.items():
            if made.interpreted == UNDER_WAY:
                self._made[key] = made._replace(interpreted=LATER)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            result = self._latest(*args)
            if result is not NotImplemented:
                return result
        return self._call(args, kwargs)

    def _call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The call, for arguments of another kind than last time."""
        for entry in () if kwargs else self._entries:
            result = entry(*args)
            if result is not NotImplemented:
                self._latest = entry
                return result
        leaves, structure = flatten(list(args))
        if any(isinstance(leaf, Expression) for leaf in (*leaves, *kwargs.values())):
            return self._f(*args, **kwargs)  # inside another trace: it is compiled as a whole
        arrays = as_arrays(leaves)
        made, is_known = self._program(leaves, arrays, structure, kwargs)
        if is_known and not kwargs and made.interpreted not in (LATER, UNDER_WAY):
            self._remember(made, leaves, structure)
        return _results(made, [array for array in arrays if array is not None])

    def _program(
        self, leaves: Sequence[Any], arrays: Sequence[Array | None], structure: Any, kwargs: Any
    ) -> tuple[Made, bool]:
        """The program for such arguments, and whether it was there already."""
        key = kind_of(leaves, arrays, structure, kwargs)
        with self._lock:
            made = self._made.get(key)
            is_known = made is not None
            if made is None:
                started = perf_counter()
                recorded = record(self._f, leaves, arrays, structure, kwargs)
                is_first = self._when == "first call"
                made = (
                    make(recorded, started) if is_first else interpreted(recorded, started, LATER)
                )
                self._made[key] = made
                if len(self._made) > MOST_PROGRAMS:
                    self._made.popitem(last=False)
            else:
                self._made.move_to_end(key)
                if made.interpreted == LATER:
                    made = self._made[key] = made._replace(interpreted=UNDER_WAY)
                    threading.Thread(target=self._make_later, args=(key, made), name=THREAD).start()
        return made, is_known

    def _make_later(self, key: Hashable, made: Made) -> None:
        """Make native code while calls are interpreted, and let it take over."""
        started = perf_counter() - made.seconds
        try:
            native = make(made.recorded, started)
        except Exception as error:  # there is no caller to tell: the report says it
            native = made._replace(interpreted=f"{type(error).__name__}: {error}")
        with self._lock:
            if self._made.get(key) is made:
                self._made[key] = native

    def _remember(self, made: Made, leaves: Sequence[Any], structure: Any) -> None:
        """Try the way in for such arguments first from now on."""
        types = tuple(map(type, leaves))
        with self._lock:
            if types not in made.entries:
                made.entries[types] = _entry(made, leaves, structure)
            entry = made.entries[types]
            if entry is not None:
                others = [item for item in self._entries if item is not entry]
                self._entries = (entry, *others[: MOST_ENTRIES - 1])
                self._latest = entry

    def __repr__(self) -> str:
        kinds = len(self._made)
        for_kinds = f"code for {kinds} kind{'s' if kinds > 1 else ''} of arguments"
        return f"<{text_of(self)}: {for_kinds if kinds else 'not compiled yet'}>"

    def report(self) -> str:
        """What became of f, for each kind of arguments so far."""
        if not self._made:
            return "nothing compiled yet: it is compiled when it is called"
        return "\n\n".join(described(made) for made in list(self._made.values()))


def _nothing(*_: Any) -> Any:
    """The way in before there is one."""
    return NotImplemented


LATER = "native code is made when it is called again"
UNDER_WAY = "native code is being made"
THREAD = "chainrule: native code"


def _entry(made: Made, leaves: Sequence[Any], structure: Any) -> Entry | None:
    """The shortest way to a program for such arguments; None where they have to be looked at."""
    if isinstance(made.run, NativeProgram):
        found = direct(made.run, leaves, structure, made.recorded.result_structure)
        if found is not None:
            return found
    kept = _by_kind(made, leaves)
    is_flat = structure.num_leaves == structure.num_children
    return kept if kept is None or is_flat else taking_apart(kept, structure)


def _by_kind(made: Made, leaves: Sequence[Any]) -> Entry | None:
    """A way in for plain arrays of one kind."""
    kind = plain_kind(leaves)
    if kind is None:
        return None

    def run(*args: Any) -> Any:
        return _results(made, args) if plain_kind(args) == kind else NotImplemented

    return run


def _results(made: Made, arrays: Sequence[Array]) -> Any:
    """What f returns for arrays of the kind that the program is made for."""
    results = owned(made.run.outputs, made.run(*arrays))
    return unflatten(made.recorded.result_structure, results)
