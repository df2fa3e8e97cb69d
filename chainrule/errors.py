"""Exceptions that say what was wrong, what came, and what to write instead."""

from __future__ import annotations

from contextvars import ContextVar

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
        super().__init__(f"{operation}: " + "; ".join(part for part in parts if part))


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
    """An axis that does not exist."""


class DtypeError(ChainruleError, TypeError):
    """A dtype that cannot be differentiated or combined."""


class ArgumentError(ChainruleError, ValueError):
    """An argument outside what the function accepts."""


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


class SingularError(ChainruleError, ArithmeticError):
    """A linear system without a solution."""


class MemoryRefused(ChainruleError, MemoryError):
    """A result that would not fit into the memory that is free."""
