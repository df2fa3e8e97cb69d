"""What every array has: attributes and methods, said in NumPy's functions, or refused.

Code asks for an attribute to find out what it was given, so none that arrays have is missing: what
cannot be answered as for the array is refused with a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex

import numpy as np

from chainrule.arguments import shown
from chainrule.errors import ArgumentError, TracingError

if TYPE_CHECKING:
    from chainrule.graph.node import Array, Node


def refuse(name: str, why: str, remedy: str = "") -> NoReturn:
    """An attribute or a method of arrays that a traced value has no answer for."""
    raise TracingError(f"array.{name}", why, got="a traced value", remedy=remedy)


class Flat:
    """``x.flat``: the elements in the order of rows, to read, to assign to, to iterate over."""

    def __init__(self, array: Any) -> None:
        self.base = array

    def __len__(self) -> int:
        return int(self.base.size)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __getitem__(self, key: Any) -> Any:
        part = self.copy()[key]
        return part.copy() if np.ndim(part) else part

    def __setitem__(self, key: Any, value: Any) -> None:
        places = np.arange(self.base.size)[key]
        given = np.ravel(value)
        repeated = given[np.arange(np.size(places)) % np.size(given)]
        if np.ndim(places) == 0:
            repeated = repeated[0]
        self.base[np.unravel_index(places, self.base.shape)] = repeated

    def copy(self) -> Any:
        """The elements as an array of one axis."""
        return np.reshape(self.base, -1).copy()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return np.asarray(self.base).reshape(-1)


class ArrayAttributes:
    """Attributes and methods that arrays have, for a class that has a node."""

    __slots__ = ()

    if TYPE_CHECKING:
        node: Node

        @property
        def is_array(self) -> bool: ...
        def concrete(self, asked: str = ...) -> Array: ...
        def layout(self) -> Array: ...

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        refuse("shape", "the shape cannot be assigned to", "write x = x.reshape(shape)")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.node.dtype

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        refuse("dtype", "the dtype cannot be assigned to", "write x = x.astype(dtype)")

    @property
    def ndim(self) -> int:
        return self.node.ndim

    @property
    def size(self) -> int:
        return self.node.size

    @property
    def itemsize(self) -> int:
        return self.node.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.node.size * self.node.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        memory = self.layout()
        return tuple(step * self.itemsize // memory.itemsize for step in memory.strides)

    @strides.setter
    def strides(self, strides: Any) -> None:
        refuse("strides", "the steps cannot be assigned to", "write slices, as in x[::2]")

    @property
    def flags(self) -> Any:
        return self.layout().flags

    @property
    def device(self) -> str:
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        np.empty(0).to_device(device, stream=stream)  # raises where there is no such device
        return self

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.linalg.matrix_transpose(self)

    @property
    def real(self) -> Any:
        return self

    @real.setter
    def real(self, value: Any) -> None:
        self[...] = value

    @property
    def imag(self) -> Any:
        zeros = np.broadcast_to(np.zeros_like(self, shape=()), self.shape)
        return zeros if self.is_array else zeros[()]

    @imag.setter
    def imag(self, value: Any) -> None:
        raise TypeError("array does not have imaginary part to set")

    @property
    def flat(self) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    @property
    def base(self) -> NoReturn:
        refuse("base", "whose memory an array shows is not told of a traced value")

    @property
    def data(self) -> Any:
        return self.__array__().data

    @property
    def ctypes(self) -> Any:
        return self.__array__().ctypes

    @property
    def __array_interface__(self) -> Any:
        return self.__array__().__array_interface__

    @property
    def __array_struct__(self) -> Any:
        return self.__array__().__array_struct__

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise NotImplementedError

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        return np.empty(0).__array_namespace__(api_version=api_version)

    def __getattr__(self, name: str) -> Any:
        if name == "is_integer" and not self.ndim and hasattr(self.__class__, name):
            return self._is_integer
        if hasattr(self.__class__, name):  # an array, or one of its numbers, has it
            refuse(name, "this attribute is not supported on traced values")
        raise AttributeError(f"'{self.__class__.__module__}.{self.__class__.__name__}' object has "
                             f"no attribute '{name}'")  # fmt: skip

    # -- methods: NumPy's functions of the same name ----------------------------------------------

    def view(self, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            refuse("view", "a traced value is not seen as another type", "write x.astype(dtype)")
        same: Any = self
        return same[...]

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        if not shape:
            raise TypeError("reshape() takes exactly 1 argument (0 given)")
        wanted = shape[0] if len(shape) == 1 else shape
        keywords = {} if copy is None else {"copy": copy}
        return np.reshape(self, wanted, order=order, **keywords)

    def transpose(self, *axes: Any) -> Any:
        if len(axes) == 1 and (axes[0] is None or np.iterable(axes[0])):
            given: Any = axes[0]
            return np.transpose(self, given)
        return np.transpose(self, axes or None)

    def flatten(self, order: Any = "C") -> Any:
        return np.ravel(self, order=order).copy()

    def fill(self, value: Any) -> None:
        if isinstance(axes := np.ndim(value), int) and axes:  # a module has one of its own
            raise ArgumentError("fill", "all elements get one number", got=shown(value))
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> None:
        self[...] = np.sort(self, axis, kind, order, **kwargs)

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
        return np.clip(self, min, max, out, **kwargs)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        if mode != "raise":
            refuse("put", f"the mode {mode!r} is not supported", "write x.flat[indices] = values")
        places = np.asarray(indices)
        if not np.can_cast(places.dtype, np.intp, "same_kind"):
            refuse("put", "the indices must be whole numbers", "convert them with astype(int)")
        if np.size(values):
            Flat(self)[places.astype(np.intp).ravel()] = values

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        return np.compress(condition, self, axis, out)

    def conj(self, out: Any = None, /) -> Any:
        return self if out is None else np.positive(self, out=out)

    conjugate = conj

    def item(self, *index: Any) -> Any:
        return self._plain("item", "write x[0] for an element").item(*index)

    def tolist(self) -> Any:
        return self._plain("tolist", "write list(x) for the elements").tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        return self._plain("tobytes").tobytes(order)

    def _plain(self, name: str, remedy: str = "") -> Array:
        """The value of whole numbers and booleans, which have no derivative to lose."""
        if self.dtype.kind not in "iub":
            refuse(name, "a traced value cannot become Python's, which would lose its derivative",
                   remedy)  # fmt: skip
        return self.concrete("its elements")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        refuse("__reduce_ex__", "a traced value cannot be stored or sent to another process",
               "return what is needed from the function")  # fmt: skip

    def __floor__(self) -> int:
        return math.floor(self._number("math.floor"))

    def __ceil__(self) -> int:
        return math.ceil(self._number("math.ceil"))

    def __trunc__(self) -> int:
        return math.trunc(self._number("math.trunc"))

    def _is_integer(self) -> bool:
        return float(self._number("is_integer")).is_integer()

    def _number(self, asked: str) -> float:
        if self.ndim:
            raise TypeError(f"{asked} takes a number; got an array of shape {self.shape}")
        return float(self.concrete("a whole number"))


def _forwarding(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: ArrayAttributes, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As ``np.{name}``."
    return method


def _refused(name: str) -> Callable[..., Any]:
    def method(self: ArrayAttributes, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(name, "this method is not supported on traced values")

    method.__name__ = name
    method.__doc__ = "Refused: there is no answer for a traced value."
    return method


FORWARDED: Sequence[str] = (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "cumprod",
    "cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat",
    "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
)  # fmt: skip
REFUSED: Sequence[str] = (
    "byteswap", "dump", "dumps", "getfield", "partition", "resize", "setfield", "setflags",
    "tofile", "__array_wrap__", "__dlpack__", "__dlpack_device__", "__setstate__",
)  # fmt: skip
for _name in FORWARDED:
    setattr(ArrayAttributes, _name, _forwarding(_name))
for _name in REFUSED:
    setattr(ArrayAttributes, _name, _refused(_name))
