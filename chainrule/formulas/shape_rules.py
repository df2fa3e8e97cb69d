"""The shapes of results, on sizes that are numbers or letters: NumPy's rules, with reasons.

Where a formula says something else than its writer can have meant, these rules are stricter than
NumPy: the trace of what is not square, ``y @ x'`` with a vector x, whose transpose NumPy leaves as
it is, and an axis of a number. The diagonal of a matrix whose sizes are two different letters has a
length that nobody can tell, and is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from chainrule.formulas.dimensions import Dimensions, broadcast, product, shape_text
from chainrule.formulas.tokens import LOWER


class Operand(NamedTuple):
    """What is known of an operand before there are numbers."""

    text: str
    shape: Dimensions
    transposed: str = ""
    """Where the operand is a transpose: of what."""


class Misfit(Exception):
    """Shapes that do not fit; whoever knows the formula makes a FormulaShapeError of it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


Rule = Callable[[Sequence[Operand], "int | None"], Dimensions]


def described(operand: Operand) -> str:
    """``A is 3×4``, ``x has 5 entries``, ``E is a number``."""
    shape = operand.shape
    if len(shape) == 1:
        return f"{operand.text} has {shape[0]} {'entry' if shape[0] == 1 else 'entries'}"
    return f"{operand.text} is {shape_text(shape) if shape else 'a number'}"


def _misfit(operands: Sequence[Operand], remedy: str = "") -> Misfit:
    return Misfit(" but ".join(described(item) for item in operands), remedy)


def elementwise(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """All operands broadcast to one shape."""
    shape = broadcast([item.shape for item in operands])
    if shape is None:
        raise _misfit(operands, "sizes are compared from the last one, and must be equal or 1")
    return shape


def _refuse_row(operands: Sequence[Operand]) -> None:
    """A vector has no rows and columns: x' is x, and y x' would silently be the inner product."""
    left, right = operands
    vector = right.transposed
    if vector and len(right.shape) == 1:
        raise Misfit(
            f"{vector} is a vector, which transposing leaves as it is",
            f"write outer({left.text}, {vector}) for the matrix of all products, or leave the "
            "transpose out",
        )


def matmul(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """Rows by columns, over leading axes that broadcast."""
    a, b = (item.shape for item in operands)
    if not a or not b:
        raise _misfit(operands, "write * for a product with a number")
    _refuse_row(operands)
    if a[-1] != b[max(len(b) - 2, 0)]:
        raise _misfit(operands, _transposing(operands))
    stack = broadcast([a[:-2], b[:-2]])
    if stack is None:
        raise _misfit(operands, "the axes before the last two must be equal or 1")
    return (*stack, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def _transposing(operands: Sequence[Operand]) -> str:
    """Which transpose would make the inner sizes equal, if one would."""
    left, right = operands
    a, b = left.shape, right.shape
    if len(a) == 2 and a[0] == b[max(len(b) - 2, 0)]:
        return f"write {_as_factor(left)}.T to transpose it"
    if len(b) == 2 and a[-1] == b[-1]:
        return f"write {_as_factor(right)}.T to transpose it"
    return ""


def _as_factor(operand: Operand) -> str:
    text = operand.text
    return text if text.isidentifier() else f"({text})"


def dot(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """A number times anything, else the last axis of a with the last but one of b."""
    a, b = (item.shape for item in operands)
    if not a or not b:
        return a or b
    _refuse_row(operands)
    place = max(len(b) - 2, 0)
    if a[-1] != b[place]:
        raise _misfit(operands, _transposing(operands))
    return (*a[:-1], *b[:place], *b[place + 1 :])


def outer(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """All products of an entry of one with an entry of the other."""
    return tuple(product(item.shape) for item in operands)


def kron(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """Axis by axis the product of the sizes."""
    rank = max(len(item.shape) for item in operands)
    padded = [(1,) * (rank - len(item.shape)) + item.shape for item in operands]
    return tuple(product(sizes) for sizes in zip(*padded, strict=True))


def transpose(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """All axes in reverse."""
    return operands[0].shape[::-1]


def diag(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """A vector's diagonal matrix, or a matrix's diagonal."""
    (operand,) = operands
    shape = operand.shape
    if len(shape) == 1:
        return (*shape, *shape)
    if len(shape) != 2:
        raise Misfit(described(operand), "diag takes a vector or a matrix")
    if shape[0] == shape[1] or 1 in shape:
        return (1,) if 1 in shape else shape[:1]
    numbers = [size for size in shape if isinstance(size, int)]
    if len(numbers) < 2:
        raise Misfit(
            f"{described(operand)}, so that the length of its diagonal is not known",
            "use one letter for both sizes if it is square",
        )
    return (min(numbers),)


def trace(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """The sum of a square matrix's diagonal."""
    (operand,) = operands
    if len(operand.shape) != 2 or operand.shape[0] != operand.shape[1]:
        raise Misfit(f"{described(operand)}, and only a square matrix has a trace")
    return ()


def _square(operand: Operand, what: str) -> Dimensions:
    shape = operand.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise Misfit(f"{described(operand)}, and only a square matrix has {what}")
    return shape


def determinant(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """A number for each matrix."""
    return _square(operands[0], "a determinant")[:-2]


def size(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """|x|: a matrix's determinant, else the size of every entry."""
    (operand,) = operands
    if len(operand.shape) < 2:
        return operand.shape
    if len(operand.shape) > 2 or operand.shape[0] != operand.shape[1]:
        raise Misfit(
            f"{described(operand)}, and only a square matrix has a determinant",
            f"write abs({operand.text}) for the size of every entry",
        )
    return ()


def raised(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """x² of a number or of every entry of a vector; A⁻¹ of a square matrix."""
    base, exponent = operands
    if len(base.shape) < 2:
        return base.shape
    if exponent.text == "⁻¹":
        return _square(base, "an inverse")
    text = base.text if base.text.startswith("(") else _as_factor(base)
    number = exponent.text.translate(LOWER)
    raise Misfit(
        f"{described(base)}, and a matrix with {exponent.text} may mean two things",
        f"write {text} @ {text} for a product of matrices, {text} ** {number} for every entry",
    )


def inverse(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """A matrix of the same size."""
    return _square(operands[0], "an inverse")


def solve(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """The shape of the right-hand side: a vector, or a stack of matrices."""
    matrix, right = operands
    shape = _square(matrix, "a system to solve")
    if len(right.shape) == 1 and right.shape[0] == shape[-1]:
        return shape[:-1]
    if len(right.shape) < 2 or right.shape[-2] != shape[-1]:
        raise _misfit(operands, "the right-hand side needs as many rows as the matrix has")
    stack = broadcast([shape[:-2], right.shape[:-2]])
    if stack is None:
        raise _misfit(operands, "the axes before the last two must be equal or 1")
    return (*stack, *right.shape[-2:])


def _place(operand: Operand, axis: int) -> int:
    rank = len(operand.shape)
    if -rank <= axis < rank:
        return axis % rank
    allowed = f"give an axis from {-rank} to {rank - 1}" if rank else "leave axis out"
    raise Misfit(f"{described(operand)} and has no axis {axis}", allowed)


def reduction(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """All axes removed, or one."""
    (operand,) = operands
    if axis is None:
        return ()
    place = _place(operand, axis)
    return (*operand.shape[:place], *operand.shape[place + 1 :])


def along(operands: Sequence[Operand], axis: int | None) -> Dimensions:
    """The same shape; there must be an axis to work along, the last one by default."""
    (operand,) = operands
    if not operand.shape:
        raise Misfit(f"{described(operand)}, and a number has no axis to work along")
    _place(operand, -1 if axis is None else axis)
    return operand.shape
