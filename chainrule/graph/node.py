"""The program as data: immutable nodes; equal nodes are one object."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from math import prod
from os import urandom
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from chainrule.errors import TracingError
from chainrule.graph.examples import Example
from chainrule.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]


class Signature(NamedTuple):
    """What is known of a node's value before it is computed."""

    shape: Shape
    dtype: np.dtype[Any]
    finite: bool = True
    """False where finite inputs may give an infinite or undefined value."""


class Primitive(ABC):
    """An operation that the graph knows: its value, its shape rule, its local Jacobian."""

    name: str

    source: str = ""
    """Where the formula of the derivative is from, if that is not common knowledge."""

    @abstractmethod
    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        """The result's shape and dtype, or an error that names the shapes."""

    @abstractmethod
    def bind(self, node: Node) -> Callable[..., Array]:
        """A function of the inputs' arrays that computes this node's value with NumPy."""

    def jacobian(self, node: Node, position: int) -> Sequence[Any]:
        """The terms of the local Jacobian with respect to one input; none means zero."""
        return ()

    @abstractmethod
    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        """The same operation where some inputs have one more axis in front."""

    def examples(self) -> Sequence[Example]:
        """Its domain: inputs and parameters at which it is smooth; the tests draw from it."""
        return ()

    def square(self, node: Node) -> Node | None:
        """The node times itself by a smoother way, where there is one: |x|² is x² at 0, too."""
        return None

    def written(self, node: Node) -> Node | None:
        """The node as a person would write it in plain arithmetic, where that is not itself."""
        return None

    def operations(self, node: Node) -> int:
        """Floating-point operations, counted as one an output element unless overridden."""
        return prod(node.shape)

    def continued(self, node: Node) -> Callable[..., Array] | None:
        """The node's function on complex arrays, which knows no derivative; None for no such."""
        return None

    convention: str = ""
    """What is used for the derivative at points that have none, in words."""

    def entries_at_kinks(self, node: Node, inputs: Sequence[Array], output: Array) -> int:
        """How many entries are at a point without a derivative."""
        return 0

    def text(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """The node as a person would write it, and how tightly that binds (9 never needs brackets).

        ``operands`` are the inputs' texts with theirs.
        """
        return f"{self.name}({', '.join(text for text, _ in operands)})", 9

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        """A row of the table as its name."""
        if PRIMITIVES.get(self.name) is self:
            return _registered, (self.name,)
        return super().__reduce__()


PRIMITIVES: dict[str, Primitive] = {}
"""Every primitive by name: the tests walk this table, so that none is without a test."""


def _registered(name: str) -> Primitive:
    return PRIMITIVES[name]


Kind = TypeVar("Kind", bound=Primitive)


def register(primitive: Kind) -> Kind:
    """Enter a primitive in the table of all of them."""
    assert primitive.name not in PRIMITIVES, f"two primitives are called {primitive.name}"
    PRIMITIVES[primitive.name] = primitive
    return primitive


def bracketed(operand: tuple[str, int], binding: int) -> str:
    """An operand's text, in brackets if it binds more loosely than its surroundings."""
    text, own = operand
    return text if own >= binding else f"({text})"


class Node:
    """One value in a graph: ``primitive(*inputs, params)``, with its shape and dtype.

    Nodes are made by :func:`make`, which returns the existing node where there is an equal one, so
    that common subexpressions are found while the graph is built.
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "finite",
        "inputs",
        "lasting",
        "params",
        "primitive",
        "serial",
        "shape",
        "value",
        "witness",
    )

    def __init__(
        self, primitive: Primitive, inputs: tuple[Node, ...], params: Any, signature: Signature
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.shape, self.dtype, finite = signature
        self.finite = finite
        self.value: Array | None = None
        """The value at hand, where there is one; never part of the node's identity."""
        self.serial = next(_serial)
        """Nodes are numbered as they are made: one depends on older ones only."""
        lasting, witness = True, None
        for item in inputs:
            lasting = lasting and item.lasting
            oldest = item if item.primitive is INPUT else item.witness
            if oldest is not None and (witness is None or oldest.serial < witness.serial):
                witness = oldest
        self.lasting: bool = lasting
        """Whether a later trace may build this very node again."""
        self.witness: Node | None = witness
        """The oldest argument that it depends on; None for leaves."""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def differentiable(self) -> bool:
        """Whether the dtype is a floating-point one: others have no derivative."""
        return self.dtype.kind == "f"

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return self  # nodes never change

    def __repr__(self) -> str:
        return f"<{self.primitive.name} {self.dtype}{list(self.shape)}>"


_serial = itertools.count()
_nodes: WeakValueDictionary[Hashable, Node] = WeakValueDictionary()


def make(primitive: Primitive, inputs: tuple[Node, ...], params: Hashable = None) -> Node:
    """The node ``primitive(*inputs, params)``: the existing one if there is an equal one."""
    key = (primitive, inputs, params)
    node = _nodes.get(key)
    if node is None:
        node = Node(primitive, inputs, params, primitive.infer(inputs, params))
        _nodes[key] = node
    return node


class Leaf(Primitive):
    """A node without inputs: an argument of the function, or a constant in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def infer(self, inputs: tuple[Node, ...], params: Any) -> Signature:
        return Signature(params.shape, params.dtype)

    def bind(self, node: Node) -> Callable[..., Array]:
        raise TracingError(
            "tracing", "a traced value was used after the call that made it had ended",
            got=f"a value of shape {node.shape}",
            remedy="return what is needed from the function instead of storing it elsewhere",
        )  # fmt: skip

    def batch(self, node: Node, inputs: Sequence[Node], mapped: Sequence[bool]) -> Node:
        return node

    def operations(self, node: Node) -> int:
        return 0


class Mark:
    """What tells a node from all others; out of a pickle the same one comes again."""

    __slots__ = ("__weakref__", "name")

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __reduce__(self) -> Any:
        if not self.name:
            self.name = urandom(16).hex()
            _marks[self.name] = self
        return _marked, (self.name,)


_marks: WeakValueDictionary[str, Mark] = WeakValueDictionary()
"""Those that have been in a pickle."""


def _marked(name: str) -> Mark:
    mark = _marks.get(name)
    if mark is None:
        mark = _marks[name] = Mark(name)
    return mark


class Identity(NamedTuple):
    """What tells one leaf from another."""

    key: Hashable
    shape: Shape
    dtype: np.dtype[Any]


INPUT = register(Leaf("input"))
CONSTANT = register(Leaf("constant"))
_SMALL = 1024  # bytes: constants up to here are equal when their contents are
_LARGE = 1 << 16  # bytes: from here on another pass over an array costs more than a call


def new_input(shape: Shape, dtype: np.dtype[Any], value: Array | None = None) -> Node:
    """A new argument of the program, equal to no other."""
    node = make(INPUT, (), Identity(Mark(), shape, dtype))
    node.value = value
    node.finite = value is None or all_finite(value)
    node.lasting = False
    return node


def all_finite(value: Array) -> bool:
    """Whether there is neither an infinity nor a NaN."""
    if value.dtype.kind not in "fc":
        return True
    if value.nbytes <= _LARGE:
        return b"\0" not in np.isfinite(value).tobytes()  # takes less than .all()
    flat = value.ravel("K")
    with np.errstate(all="ignore"):
        squares = flat.dot(flat)  # one pass that makes no array; it may overflow
    return bool(np.isfinite(squares) or np.isfinite(value).all())


def holding(value: Array) -> Node:
    """A node for a result at hand, whose contents are not looked at."""
    node = make(INPUT, (), Identity(Mark(), value.shape, value.dtype))
    node.value, node.finite, node.lasting = value, False, False
    return node


def constant(value: Array) -> Node:
    """A constant. The array must not be changed afterwards: pass a copy of what may change."""
    key: Hashable = value.tobytes() if value.nbytes <= _SMALL else Mark()
    node = make(CONSTANT, (), Identity(key, value.shape, value.dtype))
    if node.value is None:
        node.value = value
        node.finite = all_finite(value)
        node.lasting = value.nbytes <= _SMALL
    return node


def restored(
    primitive: Primitive, inputs: tuple[Node, ...], params: Any, value: Array | None, finite: bool
) -> Node:
    """The node that was in a pickle: the existing one if there is an equal one."""
    node = _nodes.get((primitive, inputs, params))
    if node is None:
        node = make(primitive, inputs, params)
        node.value, node.finite = value, finite
        key = params.key if isinstance(params, Identity) else params
        node.lasting = node.lasting and not isinstance(key, Mark)
    return node


def is_constant(node: Node) -> bool:
    """Whether the node is a constant of the program."""
    return node.primitive is CONSTANT


def scalar_value(node: Node) -> float | None:
    """The number that a constant node holds everywhere, or None."""
    if node.primitive is CONSTANT and node.value is not None and node.value.size == 1:
        return float(node.value.item())
    return None
