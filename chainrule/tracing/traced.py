"""The stand-in for an array while a function is traced.

It answers NumPy's own functions (``np.exp(x)``, ``A @ x``, ``x.sum()``) by building nodes. Values
are computed only where the code asks for them, as in ``if x > 0``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, Self, SupportsIndex

import numpy as np

from chainrule.arguments import one_of, shown, whole
from chainrule.errors import (
    REFUSED,
    ArgumentTypeError,
    ChainruleError,
    DtypeError,
    MissingRuleError,
    Refusal,
    ShapeError,
    TracingError,
    UnsupportedDtype,
)
from chainrule.graph.node import Array, Node
from chainrule.interpret.run import keep_value, missing_inputs
from chainrule.primitives import contraction
from chainrule.primitives.expression import Expression, full_name
from chainrule.primitives.identities import cast
from chainrule.primitives.selections import concatenate
from chainrule.shapes import broadcast_shapes
from chainrule.tracing import indexing
from chainrule.tracing.arguments import capture, native, varies
from chainrule.tracing.asking import agree, as_ours, numpys_error
from chainrule.tracing.attributes import ArrayAttributes, refuse
from chainrule.tracing.checks import require_options
from chainrule.tracing.containers import LEAVES
from chainrule.tracing.dispatch import (
    ARRAYS,
    FUNCTIONS,
    METHODS,
    _refuse_keywords,
    by_name,
    is_default,
    name_of,
)
from chainrule.tracing.exact_types import exact_types_of
from chainrule.tracing.interpreter import from_in_place_operator, has_one_name, references
from chainrule.tracing.lanes import NUMBERS
from chainrule.tracing.layouts import forget_order
from chainrule.tracing.names import assigned_name, numbers_at_hand, where_it_stands
from chainrule.tracing.places import ByFunction, ByKey, Place
from chainrule.tracing.repeated import operation, position
from chainrule.tracing.session import Name, ask, collect_refusals, current
from chainrule.tracing.special import Silent, Special
from chainrule.tracing.views import VIEWS, links

ORDERS = ("C", "F", "A", "K")
"""Of the elements in memory."""


class Traced(ArrayAttributes, Expression, metaclass=Silent):
    """A value of the function being traced; it takes part in NumPy code like an array.

    Nodes never change, but the code may assign to arrays: then this object gets another node. A
    view keeps what it is a view of, reads through it, and writes through it.
    """

    __slots__ = ("__weakref__", "_kind", "_node", "_place", "_session")

    # -- construction -----------------------------------------------------------------------------

    def __init__(self, node: Node, kind: type | None = None) -> None:
        self._node = node
        self._place: Place | None = None  # until there is a view
        self._session = current()
        self._kind = kind
        """What it is without axes: a Python number, an array; None for one of NumPy's numbers."""

    @property
    def node(self) -> Node:  # type: ignore[override]  # a slot there, read through the view here
        if self._session is not current():
            self._crosses()
        return self._node if self._place is None else self._place.current()

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # code asks what it was given
        node = self._node
        if node.shape or self._kind is np.ndarray:
            return np.ndarray
        return self._kind or node.dtype.type

    @property
    def is_array(self) -> bool:
        """Whether it can be written to, as an array; numbers cannot."""
        return bool(self._node.shape) or self._kind is np.ndarray

    def _crosses(self) -> None:
        """It is used by a call or a thread that it does not belong to: nodes are not used again."""
        for session in (self._session, current()):
            if session is not None:
                session.retire()
        if self._session is not None and current() is None:
            collect_refusals(self._session)

    def _shows(self, base: Traced, link: ByKey | ByFunction) -> Self:
        """The same, as a view of another."""
        if base._place is None:
            base._place = Place(base._node)
            base._place.held_by(base)
        self._place = Place(self._node, base._place, link)
        self._place.held_by(self)
        return self

    def _store(self, node: Node) -> None:
        """Another value for this array: in what it is a view of, where it is one."""
        if self._place is None:
            self._node = node
        else:
            self._place.store(node, self)

    def layout(self) -> Array:
        """A plain array that lies in memory as NumPy's would."""
        array = lies_at(self).array()
        if array is None:
            refuse("strides", "in which order the array lies in memory is not known")
        return array

    def _like(self, node: Node) -> Self:
        result = type(self)(node)
        _note(result)
        return result

    def _capture(self, value: Any) -> Node:
        return as_node(value)

    def _apply(self, ufunc: np.ufunc, *operands: Any) -> Any:
        """As for any expression; an operation of an earlier call on the same nodes is found."""
        session = current()
        if session is None or session.lane is None:
            return super()._apply(ufunc, *operands)
        lane = session.lane
        key: list[Any] = [ufunc]
        for place, item in enumerate(operands):
            kind = type(item)
            if kind is Traced:
                plain = item._place is None and item._session is session
                key.append(item._node if plain else item.node)
            elif kind in NUMBERS:
                key.append((kind, item or repr(item)))  # 0.0 and -0.0 are equal, but not the same
            elif kind is np.ndarray and varies(item) and item.dtype.isnative:
                operands = (*operands[:place], Traced(capture(item)), *operands[place + 1 :])
                key.append(operands[place].node)
            else:
                return super()._apply(ufunc, *operands)
        known = tuple(key)
        node = lane.operations.get(known)
        if node is None:
            node = super()._apply(ufunc, *operands).node
            lane.remember(known, node)
        return Traced(node)

    # -- what NumPy calls -------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method != "__call__":
            return _ufunc_method(ufunc, method, inputs, kwargs, out)
        dtype = kwargs.pop("dtype", None)
        _refuse_keywords(full_name(ufunc), kwargs)
        if len(inputs) != ufunc.nin:
            raise TypeError(
                f"{ufunc.__name__}() takes {ufunc.nin} positional arguments but {len(inputs)} given"
            )
        if dtype is not None:
            inputs = _computed_in(ufunc, dtype, inputs)
        special = METHODS.get(ufunc, {}).get("__call__")
        result = special(*inputs) if special else self._apply(ufunc, *inputs)
        return result if out is None else _assign_out(ufunc, out, result)

    def __array_function__(
        self, function: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        session = current()
        lane = None if session is None else session.lane
        key = None if lane is None else operation(function, args, kwargs)
        if lane is None or key is None:
            return _implemented(function, args, kwargs)
        node = lane.operations.get(key)
        if node is None:
            result = _implemented(function, args, kwargs)
            lane.remember(key, result.node)
            return result
        return _finished(function, args, kwargs, Traced(node))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        if self.dtype.kind in "iub" and not missing_inputs([self.node]):
            return np.array(ask(self.node), dtype=dtype)  # nothing to lose: no derivative
        raise TracingError(
            "np.array",
            "NumPy was asked to copy a traced value into a plain array, which would lose its "
            "derivative",
            got=repr(self),
            remedy="write np.stack([a, b]) instead of np.array([a, b]), "
            "np.zeros_like(x, shape=...) instead of np.zeros(...) for an array that is then "
            "filled, A @ x instead of A.dot(x); leave out np.asarray; and for A[k] with a traced "
            "k make A an argument",
        )

    def __float__(self) -> NoReturn:
        if self.size != 1:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        raise TracingError(
            "float",
            "a traced value cannot become a Python float, which would lose its derivative",
            got=repr(self),
            remedy="use NumPy's function (np.sin instead of math.sin); to fill an array, make it "
            "with np.zeros_like(x, shape=...) or collect the parts with np.stack([...])",
        )

    def __complex__(self) -> NoReturn:
        raise UnsupportedDtype("complex", "complex numbers are not differentiated", got=repr(self))

    # -- values asked for by the code -------------------------------------------------------------

    def concrete(self, asked: str = "its value") -> Array:
        """The value at hand; an error where the code is traced for arguments yet to come."""
        unknown = missing_inputs([self.node])
        if unknown:
            raise TracingError(
                "tracing",
                f"the code asks for {asked}{where_it_stands()}, which is not known while it is "
                "traced by vmap, for many examples at once, or for arguments yet to come",
                got=repr(self),
                remedy="write np.where(condition, a, b) instead of if, and np.maximum, np.clip or "
                "cr.relu instead of comparing",
            )
        return ask(self.node)

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. "
                "Use a.any() or a.all()"
            )
        return bool(self.concrete("a truth value"))

    def __int__(self) -> int:
        if self.size != 1:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        return int(self.concrete("a whole number"))

    @Special
    def __index__(self) -> int:
        if self.node.dtype.kind not in "iu":
            raise TypeError(f"only whole numbers are an index; got {self!r}")
        return int(self.concrete("an index"))

    def __repr__(self) -> str:
        if self.size > 8 or missing_inputs([self.node]):
            return f"Traced({self.node.dtype} {self.shape})"
        return f"Traced({np.array2string(keep_value(self.node), separator=', ')})"

    def __str__(self) -> str:
        return repr(self) if missing_inputs([self.node]) else str(keep_value(self.node)[()])

    def __format__(self, spec: str) -> str:
        if missing_inputs([self.node]):
            return repr(self)
        return format(keep_value(self.node)[()], spec)

    def __hash__(self) -> int:  # type: ignore[override]
        if self.is_array:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        raise TracingError(
            "hash",
            "a traced value cannot be a key, by which a result of one call would be found in "
            "another",
            got=repr(self),
            remedy="leave out functools.lru_cache and dictionaries of values",
        )

    # -- as a container ---------------------------------------------------------------------------

    @Special
    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("a traced value without axes cannot be iterated over")
        return (self[k] for k in range(self.shape[0]))

    @Special
    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Self:
        return self.copy()

    # -- indexing and assignment ------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        session, node = current(), self.node
        lane = None if session is None else session.lane
        place = None if lane is None else position(node, key)
        part = None if lane is None or place is None else lane.operations.get(place)
        items = indexing.plain_key(key)
        if part is None:
            part = indexing.get(node, items)
            if lane is not None and place is not None:
                lane.remember(place, part)
        result = self._like(part)
        if indexing.copies(items) or not (part.ndim or any(item is ... for item in items)):
            return result
        result._kind = np.ndarray
        return result._shows(self, ByKey(items))

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.is_array:
            raise TypeError(f"'{self.__class__.__name__}' object does not support item assignment")
        values = cast(as_node(value, (self.dtype,)), self.dtype)
        if isinstance(key, Expression) and key.node.dtype.kind == "b":
            self._store(indexing.assign_where(self.node, key, values))
        else:
            self._store(indexing.assign(self.node, indexing.plain_key(key), values))

    def _assign(self, result: Any) -> Self:
        """What ``y += ...`` leaves: the same object with another value, shape and dtype kept.

        A value without axes is immutable, as NumPy's scalars are: the name gets the result.
        """
        node = as_node(result)
        if not self.is_array:
            return self._like(node)
        if broadcast_shapes("in-place operator", [node.shape, self.shape]) != self.shape:
            raise ShapeError(
                "in-place operator",
                "the result does not fit into the array on the left",
                got=f"a result of shape {node.shape} for an array of shape {self.shape}",
            )
        if self.dtype.kind in "iub" and node.dtype.kind == "f":
            raise DtypeError(
                "in-place operator",
                "floating-point results do not fit into an array of whole numbers",
                got=f"{node.dtype} for {self.dtype}",
                remedy="make the array with dtype=float",
            )
        self._store(contraction.broadcast_to(cast(node, self.dtype), self.shape))
        _note(self)
        return self

    def __iadd__(self, other: Any) -> Self:
        return self._assign(self + other)

    def __isub__(self, other: Any) -> Self:
        return self._assign(self - other)

    def __imul__(self, other: Any) -> Self:
        return self._assign(self * other)

    def __itruediv__(self, other: Any) -> Self:
        return self._assign(self / other)

    def __ifloordiv__(self, other: Any) -> Self:
        return self._assign(self // other)

    def __imod__(self, other: Any) -> Self:
        return self._assign(self % other)

    def __ipow__(self, other: Any) -> Self:
        return self._assign(self**other)

    def __imatmul__(self, other: Any) -> Self:
        return self._assign(self @ other)

    def __iand__(self, other: Any) -> Self:
        return self._assign(self & other)

    def __ior__(self, other: Any) -> Self:
        return self._assign(self | other)

    def __ixor__(self, other: Any) -> Self:
        return self._assign(self ^ other)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    @Special
    def __round__(self, digits: SupportsIndex | None = None) -> Any:
        return np.round(self, 0 if digits is None else whole("round", "the digits", digits))

    # -- copies -----------------------------------------------------------------------------------

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True,
        copy: bool = True,
    ) -> Any:  # fmt: skip
        if isinstance(dtype, np.ndarray):
            raise ArgumentTypeError("astype", "an array is no dtype", got=shown(dtype),
                                    remedy="write x.astype(y.dtype)")  # fmt: skip
        wanted = np.dtype(dtype)
        if not np.can_cast(self.dtype, wanted, casting):
            raise TypeError(f"Cannot cast array data from {self.dtype!r} to {wanted!r} according "
                            f"to the rule '{casting}'")  # fmt: skip
        if not copy and wanted == self.dtype and order == "K":
            return self  # the very argument, as NumPy gives
        return self._ordered(cast(self.node, wanted), order)

    def copy(self, order: str = "C") -> Self:
        return self._ordered(self.node, order)

    def _ordered(self, node: Node, order: str) -> Self:
        """A new array, whose order in memory may have been asked for."""
        if order is not None and one_of("copy", "order", order, ORDERS) == "F" and node.ndim > 1:
            forget_order()
        result = self._like(node)
        result._kind = self._kind if self._kind in (np.ndarray, None) else None
        return result


LEAVES.add(Traced)


# -- helpers --------------------------------------------------------------------------------------


def as_node(value: Any, meets: Sequence[np.dtype[Any]] = ()) -> Node:
    """A node for an operand: a traced value's own, or a constant with a copy of the contents."""
    if isinstance(value, Expression):
        return value.node
    if type(value) in (bool, int, float):
        dtype = np.result_type(*meets, value) if meets else np.asarray(value).dtype
        return capture(np.asarray(value, dtype))
    if isinstance(value, (list, tuple)) and _holds_traced(value):
        parts = [as_node(item, meets) for item in value]
        shape = broadcast_shapes("np.stack", [part.shape for part in parts])
        return concatenate(
            [contraction.insert_axes(contraction.broadcast_to(p, shape), (0,)) for p in parts], 0
        )
    if isinstance(value, (np.matrix, np.ma.MaskedArray)):
        raise UnsupportedDtype(
            "tracing", "matrices and masked arrays follow rules of their own", got=str(type(value)),
            remedy="convert it with np.asarray, and use @ for matrix products",
        )  # fmt: skip
    try:
        array = np.asarray(value)
    except Refusal:
        raise
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        text = " ".join(str(error).split())
        raise DtypeError("tracing", f"an operand is not an array of numbers: {text:.200}") from None
    if array.dtype.kind not in "fiub":
        raise UnsupportedDtype(
            "tracing",
            "only real numbers and booleans can meet a traced value",
            got=f"{type(value).__name__} of dtype {array.dtype}",
            remedy="convert it with np.asarray(value, dtype=float)",
        )
    return capture(native(array))


def _holds_traced(value: Any, depth: int = 0) -> bool:
    if isinstance(value, (list, tuple)):  # an array has 64 axes at most; a list may hold itself
        return depth < 64 and any(_holds_traced(item, depth + 1) for item in value)
    return isinstance(value, Expression)


def node_of(value: Any) -> Node | None:
    """The node of a traced value; None for anything else."""
    return value.node if isinstance(value, Expression) else None


def call(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run the user's function. What was refused in it comes out, whatever it made of that.

    An error of ours that NumPy has replaced by its own comes back.
    """
    session = current()
    refused: list[ChainruleError] = [] if session is None else session.refused
    outer, before = REFUSED.get(), len(refused)
    token = REFUSED.set(refused)
    try:
        with exact_types_of(f):
            result = f(*args, **kwargs)
        if len(refused) > before:
            raise refused[before]
        return result
    except (TypeError, ValueError) as error:
        if isinstance(error.__cause__, ChainruleError):
            raise error.__cause__ from None
        raise
    finally:
        REFUSED.reset(token)
        if outer is not refused:
            if outer is not None:
                outer.extend(refused)
            refused.clear()


def stand_in(node: Node, leaf: Any) -> Traced:
    """A traced value in the place of an argument; without axes, of the argument's own type."""
    if node.shape:
        return Traced(node)
    kind = leaf._kind if type(leaf) is Traced else type(leaf)
    return Traced(node, kind if kind in (float, int, bool, np.ndarray) else None)


def lies_at(value: Traced) -> Place:
    """Where a traced value lies in memory."""
    return Place(value.node) if value._place is None else value._place


def wrap(node: Node) -> Traced:
    """A traced value for a node."""
    return Traced(node)


def named(value: Any, name: str) -> Any:
    """The value itself, remembered under a name if it is traced and names are wanted.

    >>> named(2.5, "Z1")
    2.5
    """
    session = current()
    if session is not None and isinstance(value, Expression):
        session.add_name(value.node, Name(name))
    elif session is not None and issubclass(type(value), float):
        session.add_numbers({name: float(value)})
    return value


def _note(result: Traced) -> None:
    """Remember the name of the variable that the user's code assigns a result to."""
    session = current()
    if session is None or not session.wants_names or session.depth:
        return
    session.add_numbers(numbers_at_hand())
    name = assigned_name()
    if name is not None:
        session.add_name(result.node, name)


def _implemented(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What replaces one of NumPy's functions, called."""
    name = name_of(function)
    entry = FUNCTIONS.get(function)
    if entry is None:
        raise MissingRuleError(
            name,
            "this function has no derivative rule here",
            remedy="write it in terms of others, or pass it values that are not traced",
        )
    implementation, keywords = entry
    args, kwargs = by_name(function, args, kwargs)
    given = {key: value for key, value in kwargs.items() if not is_default(function, key, value)}
    if keywords is not None:
        _refuse_keywords(name, {key: given[key] for key in given if key not in keywords})
    require_options(name, given)
    result = _as_numpy(function, name, implementation, args, given)
    agree(function, name, args, kwargs, result)
    return _finished(function, args, given, result)


def _as_numpy(
    function: Any, name: str, implementation: Callable[..., Any], args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:  # fmt: skip
    """What replaces a function, called; what goes wrong in it is NumPy's error or a refusal."""
    try:
        return _nested(implementation, args, kwargs)
    except Refusal:
        raise
    except Exception as error:
        numpys = numpys_error(function, args, kwargs)
        if numpys is None:
            raise MissingRuleError(
                name, "these arguments are not supported on traced values", got=str(error)
            ) from error
        if isinstance(error, ChainruleError):
            raise
        raise as_ours(name, numpys, args, kwargs) from numpys


def _finished(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Any:
    """A function's result, which may be a view, and may be an array also without axes."""
    if function in VIEWS:
        return _linked(function, args, kwargs, result)
    is_new = type(result) is Traced and all(result is not argument for argument in args)
    if is_new and not result._node.shape and result._place is None:
        result._kind = np.ndarray if function in ARRAYS else None
    return result


def _linked(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Any:
    """The results of a function that may give views, each linked to what it may show."""
    results = result if isinstance(result, tuple) else (result,)
    found = links(function, FUNCTIONS[function][0], args, kwargs, results)
    for item, entry in zip(results, found, strict=True):
        if entry is not None and all(item is not argument for argument in args):
            base, link = entry
            if not item.shape:
                item._kind = _kind_without_axes(base, link)
            if item.is_array:
                item._shows(base, link)
    return result


def _kind_without_axes(base: Traced, link: ByFunction) -> type | None:
    """Whether a result without axes is an array or a number, as NumPy says."""
    given: Any = np.zeros(base.shape, base.dtype) if base.is_array else base.dtype.type(0)
    return np.ndarray if isinstance(link.shown(given), np.ndarray) else None


def _nested(implementation: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call what replaces a function, naming only its result."""
    session = current()
    if session is None or not session.wants_names:
        return implementation(*args, **kwargs)
    session.depth += 1
    try:
        result = implementation(*args, **kwargs)
    finally:
        session.depth -= 1
    if isinstance(result, Traced):
        _note(result)
    return result


def _ufunc_method(ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any, out: Any) -> Any:
    implementation = METHODS.get(ufunc, {}).get(method) or METHODS[np.add].get(f"any {method}")
    if implementation is None or out is not None:
        raise MissingRuleError(
            f"{full_name(ufunc)}.{method}",
            "this method has no derivative rule here",
            remedy="use the function of the same meaning (np.sum for np.add.reduce) without out=",
        )
    function, name = getattr(ufunc, method), f"{full_name(ufunc)}.{method}"
    result = _as_numpy(function, name, partial(implementation, ufunc), inputs, kwargs)
    agree(function, name, inputs, kwargs, result)
    return result


def _computed_in(ufunc: np.ufunc, dtype: Any, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The inputs in the dtypes in which NumPy computes for ``dtype=``."""
    nodes = [as_node(item) for item in inputs]
    wanted = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout)
    given = (*[node.dtype for node in nodes], *[None] * ufunc.nout)
    kinds = ufunc.resolve_dtypes(given, signature=wanted)
    return tuple(Traced(cast(node, kind)) for node, kind in zip(nodes, kinds, strict=False))


def _assign_out(ufunc: np.ufunc, out: tuple[Any, ...], result: Any) -> Any:
    if isinstance(result, tuple):
        parts = zip(out, result, strict=True)
        return tuple(
            part if target is None else _assign_out(ufunc, (target,), part)
            for target, part in parts
        )
    (target,) = out
    if type(target) is Traced:
        return target._assign(result)
    count = references(target)  # counted here, as where it was tried out
    if target.base is None and has_one_name(count) and from_in_place_operator():
        return result
    raise TracingError(
        full_name(ufunc),
        "a traced result cannot be written into a plain array",
        got=f"an array of shape {np.shape(target)} that other names or views may share",
        remedy="use the returned value instead of out=, write y = y + x instead of y += x, or make "
        "the array with np.zeros_like(x, shape=...)",
    )
