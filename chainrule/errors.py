"""Exceptions that say what was wrong, what came, and what to write instead."""

from __future__ import annotations

import pickle
from contextvars import ContextVar
from typing import Any

import numpy as np


class ChainruleError(Exception):
    """The base of every error that chainrule raises on purpose.

    Parameters
    ----------
    operation : str
        What was being done, in the user's words: ``"grad"``, ``"matmul"``, ``"train"``.
    problem : str
        What was wrong, as a clause without a full stop.
    got : str, optional
        The shapes, names or values that came.
    remedy : str, optional
        What to write instead.

    Examples
    --------
    >>> print(ShapeError("matmul", "inner sizes differ", got="(3, 4) and (5,)"))
    matmul: inner sizes differ; got (3, 4) and (5,)
    """

    def __init__(self, operation: str, problem: str, got: str = "", remedy: str = "") -> None:
        self.operation, self.problem, self.got, self.remedy = operation, problem, got, remedy
        parts = [problem, f"got {got}" if got else "", remedy]
        text = f"{operation}: " + "; ".join(part for part in parts if part)
        super().__init__(text)
        self.args = (text,)

    def __str__(self) -> str:
        return str(self.args[0])  # other bases would write it in their own way

    def __reduce__(self) -> Any:
        """So that it comes back from another process as what it was."""
        return type(self), (self.operation, self.problem, self.got, self.remedy), vars(self)


REFUSED: ContextVar[list[ChainruleError] | None] = ContextVar("chainrule_refused", default=None)
"""What has been refused to the user's function that is running; None where there is none."""


class Refusal(ChainruleError):
    """What NumPy would have answered on plain arrays, and is not answered here.

    Code that catches it and goes on would take a branch that it does not take in NumPy. So it is
    noted, and the call in which it was raised ends with it. Errors that NumPy raises too are none.
    """

    def __init__(self, operation: str, problem: str, got: str = "", remedy: str = "") -> None:
        super().__init__(operation, problem, got, remedy)
        refused = REFUSED.get()
        if refused is not None:
            refused.append(self)


class ShapeError(ChainruleError, ValueError):
    """Shapes that do not fit together."""


class AxisError(ShapeError, np.exceptions.AxisError):
    """An axis that an array does not have."""


class PositionError(ChainruleError, IndexError):
    """A position that there is none of, or a key that selects nothing."""


class DtypeError(ChainruleError, TypeError):
    """A dtype that cannot be differentiated or combined."""


class ArgumentError(ChainruleError, ValueError):
    """An argument outside what the function accepts."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument of a type that the function does not accept."""


class UnpicklableError(ChainruleError, pickle.PicklingError):
    """An object that pickle cannot write, because of something of the user's in it."""


class UnsupportedDtype(Refusal, DtypeError):
    """A dtype that NumPy computes with, but that is not differentiated here."""


class TracingError(Refusal, TypeError):
    """NumPy code that cannot be recorded as it is written."""


class MissingRuleError(Refusal, NotImplementedError):
    """An operation that has no rule here (yet)."""


class DataError(ChainruleError, ValueError):
    """A table or an array whose contents cannot be used."""


class FileFormatError(ChainruleError, ValueError):
    """A file that is truncated, altered, or not of the expected kind."""


class SingularError(ChainruleError, np.linalg.LinAlgError, ArithmeticError):
    """A linear system without a solution."""


class MemoryRefused(ChainruleError, MemoryError):
    """A result that would not fit into the memory that is free."""
