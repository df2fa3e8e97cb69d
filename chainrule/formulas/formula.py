"""Formulas: what they are made of, the shapes of their parts, and the functions they stand for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ArgumentError, ChainruleError, DtypeError, SingularError
from chainrule.formulas.definitions import argument_names
from chainrule.formulas.dimensions import Dimension, Dimensions, checked_shape
from chainrule.formulas.faults import (
    FormulaError,
    FormulaShapeError,
    did_you_mean,
    quoted,
)
from chainrule.formulas.operations import operation
from chainrule.formulas.parser import statements_of
from chainrule.formulas.shape_rules import Misfit, Operand
from chainrule.formulas.steps import Statement, Subexpression
from chainrule.primitives.expression import Expression
from chainrule.tracing import named

LARGEST = 10**6
"""Entries that a part of a formula may have, where nothing that is given is nearly as large."""


class Shapes(NamedTuple):
    """The shapes of a formula's parts, with sizes that are numbers or letters."""

    result: Dimensions
    """Of the last statement, which is the formula's value."""
    names: dict[str, Dimensions]
    """Of every name, given or defined."""
    parts: tuple[tuple[str, Dimensions], ...]
    """Every part as it is written, in the order in which they are computed, with its shape."""


@dataclass(frozen=True)
class Formula:
    """A formula that has been read; equal formulas may be written differently.

    ``str(formula)`` writes it in the language's own notation, which reads as an equal formula.

    Attributes
    ----------
    text : str
        As it was written.
    names : tuple of str
        The names that must be given: those in the brackets of ``f(A, x) = …``, else all that the
        formula does not define, in the order in which they appear.
    statements : tuple of Statement
        All but the last define a name; the last is the formula's value.

    Examples
    --------
    >>> formula = parse("Z = A @ x + b; E = sum(Z**2)")
    >>> formula.names, formula.name
    (('A', 'x', 'b'), 'E')
    >>> formula.shapes({"A": ("m", "n"), "x": ("n",), "b": "m"}).names["Z"]
    ('m',)
    >>> import numpy as np
    >>> formula.function()(np.eye(2), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    np.float64(8.0)
    """

    text: str = field(compare=False)
    names: tuple[str, ...]
    statements: tuple[Statement, ...]

    @property
    def name(self) -> str:
        """What the formula calls its value; where it gives no name, a letter that is free."""
        taken = {*self.names, *(statement.name for statement in self.statements)}
        free = (letter for letter in ("f", "g", "h", "value") if letter not in taken)
        return self.statements[-1].name or next(free, "formula")

    def __str__(self) -> str:
        return "; ".join(str(statement) for statement in self.statements)

    def shapes(self, given: Mapping[str, Sequence[Dimension] | str]) -> Shapes:
        """The shape of every part, before there are any numbers.

        Parameters
        ----------
        given : mapping of str to sequence of int or str, or to a text such as m×n
            A shape for each of the formula's names. Different letters are different sizes, and
            differ from every number.

        Returns
        -------
        Shapes
            Of the value, of every name, and of every part.

        Raises
        ------
        FormulaError
            If a name has no shape.
        FormulaShapeError
            If parts do not fit together; carets stand under the very part.
        ArgumentError
            If a shape is given for a name that is not free, or is not a shape.

        Examples
        --------
        >>> parse("A @ x").shapes({"A": (3, 4), "x": (5,)})
        Traceback (most recent call last):
            ...
        chainrule.formulas.faults.FormulaShapeError: A @ x: A is 3×4 but x has 5 entries
            A @ x
            ^^^^^
        """
        for name in given:
            if name not in self.names:
                raise ArgumentError(
                    "shapes", f"the formula has no {name} to give a shape to",
                    got=f"names {', '.join(self.names) or '(none)'}",
                    remedy=did_you_mean(name, self.names),
                )  # fmt: skip
        return self._shapes({name: checked_shape(name, shape) for name, shape in given.items()})

    def _shapes(self, known: dict[str, Dimensions], most: float = inf) -> Shapes:
        parts: list[tuple[str, Dimensions]] = []
        result: Dimensions = ()
        for statement in self.statements:
            steps = statement.steps
            shapes: list[Dimensions] = []
            for step in steps:
                operands = [self._operand(steps, k, shapes[k]) for k in step.operands]
                shapes.append(self._shape(step, operands, known))
                self._refuse_huge(step, shapes[-1], most)
                parts.append((self._written(step), shapes[-1]))
            result = shapes[-1]
            if statement.name:
                known[statement.name] = result
        return Shapes(result, known, tuple(parts))

    def _refuse_huge(self, step: Subexpression, shape: Dimensions, most: float) -> None:
        entries = prod(size for size in shape if isinstance(size, int))
        if entries > most:
            raise FormulaShapeError(
                self.text, step.span,
                f"it has {entries:,} entries, and no more than {most:,} are computed in a formula",
                "give smaller shapes, or write a Python function of NumPy arrays",
            )  # fmt: skip

    def _written(self, step: Subexpression) -> str:
        return self.text[step.span.start : step.span.end]

    def _operand(self, steps: Sequence[Subexpression], position: int, shape: Dimensions) -> Operand:
        step = steps[position]
        inner = steps[step.operands[0]] if step.word == "transpose" else None
        plain = quoted(self._written(inner)) if inner and step.kind == "operation" else ""
        return Operand(quoted(self._written(step)), shape, plain)

    def _shape(
        self, step: Subexpression, operands: Sequence[Operand], known: Mapping[str, Dimensions]
    ) -> Dimensions:
        if step.kind == "number":
            return ()
        if step.kind == "operation":
            try:
                return operation(step.word).shape(operands, step.axis)
            except Misfit as misfit:
                raise FormulaShapeError(
                    self.text, step.span, misfit.problem, misfit.remedy
                ) from None
        if step.word not in known:
            close = did_you_mean(step.word, known)
            remedy = f"give it one, such as {step.word}=m×n" + (f", or {close}" if close else "")
            raise FormulaError(self.text, step.span, "this name has no shape", remedy)
        return known[step.word]

    def function(self, order: Sequence[str] | None = None) -> Callable[..., Any]:
        """The formula as a Python function of NumPy arrays or traced values.

        Parameters
        ----------
        order : sequence of str, optional
            All of the formula's names, in the order of the function's arguments.

        Returns
        -------
        callable
            With the formula's names as its parameters. What the formula calls its values stands in
            derivations too.

        Raises
        ------
        ArgumentError
            If the order is not one of the formula's names.
        FormulaShapeError
            From the function, if the arrays do not fit together.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> f = parse("f(x, a) = a * sum(x**2)").function()
        >>> f.__name__, cr.grad(f)(np.array([1.0, 2.0]), 3.0)
        ('f', array([ 6., 12.]))
        """
        names = self.names if order is None else tuple(order)
        if sorted(names) != sorted(self.names):
            raise ArgumentError(
                "function", "the order must name each of the formula's names once",
                got=", ".join(map(str, names)) or "nothing", remedy=f"name {', '.join(self.names)}",
            )  # fmt: skip
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        signature = inspect.Signature([inspect.Parameter(name, kind) for name in names])

        def formula(*args: Any, **kwargs: Any) -> Any:
            return self._value(signature.bind(*args, **kwargs).arguments)

        formula.__name__ = formula.__qualname__ = self.name
        formula.__doc__ = str(self)
        formula.__signature__ = signature  # type: ignore[attr-defined]
        return formula

    def _value(self, arguments: Mapping[str, Any]) -> Any:
        known = {name: _number_or_array(name, value) for name, value in arguments.items()}
        shapes = {name: np.shape(value) for name, value in known.items()}
        self._shapes({**shapes}, most=max(LARGEST, *(10 * prod(s) for s in shapes.values()), 0))
        result: Any = None
        for statement in self.statements:
            values: list[Any] = []
            plain: list[bool] = []  # made of the formula's own numbers alone
            for step in statement.steps:
                values.append(self._step_value(step, [values[k] for k in step.operands], known))
                plain.append(step.kind != "name" and all(plain[k] for k in step.operands))
                if plain[-1] and not isfinite(values[-1]):
                    raise FormulaError(
                        self.text, step.span, "this number is too large or not defined",
                        "write one that is finite",
                    )  # fmt: skip
            result = values[-1]
            if statement.name:
                result = known[statement.name] = named(result, statement.name)
        return result

    def _step_value(
        self, step: Subexpression, operands: Sequence[Any], known: Mapping[str, Any]
    ) -> Any:
        if step.kind == "number":
            return float(step.word)
        if step.kind == "name":
            return known[step.word]
        keywords = {} if step.axis is None else {"axis": step.axis}
        value = operation(step.word).value
        try:
            if all(type(operand) is float for operand in operands):
                with np.errstate(all="ignore"):  # a number takes the dtype of what it meets
                    return _weak(value(*operands, **keywords))
            return value(*operands, **keywords)
        except np.linalg.LinAlgError as error:
            if isinstance(error, ChainruleError):
                raise
            raise SingularError(
                quoted(self._written(step)), "the matrix is singular, so that it has no inverse"
            ) from None


def _weak(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else value


def _number_or_array(name: str, value: Any) -> Any:
    """An argument as a traced value, a Python float, or an array of floating-point numbers."""
    if type(value) in (bool, int, float):
        return float(value)
    array: Any = value if isinstance(value, Expression) else np.asarray(value)
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise DtypeError(
            "formula", f"{name} must hold real numbers", got=f"dtype {array.dtype}",
            remedy="convert it with np.asarray(value, dtype=float)",
        )  # fmt: skip
    return array


def parse(text: str) -> Formula:
    """Read a formula; nothing of it is ever run as Python code.

    Parameters
    ----------
    text : str
        An expression of numbers, names, ``+ - * / @ **`` with Python's order of precedence,
        transposes ``A'``, ``A.T`` or ``Aᵀ``, brackets and functions with or without ``np.`` before
        them. ``*`` multiplies entry by entry (⊙ is the same), ``@`` matrices, ``·`` either a number
        with anything or matrices. As on paper: ``x^T``, ``‖x‖``, ``x²`` of a number or of a
        vector's entries, ``A⁻¹`` and ``|A|`` of a matrix, its determinant, and ``|x|`` of anything
        else. Semicolons or line breaks separate definitions such as
        ``Z = A @ x``; the last statement is the value, and may be written ``f(A, x) = …``.

    Returns
    -------
    Formula

    Notes
    -----
    Entry by entry: exp, expm1, log (ln), log1p, sqrt, square, sin, cos, tan, arctan, sinh, cosh,
    tanh, abs, sigmoid (σ), relu; of two arrays: maximum, minimum; and by NumPy's name whatever
    else has a derivative here, such as arcsin, cbrt or hypot. With an optional ``axis=``: sum,
    mean, max, min, norm (of vectors the 2-norm, of matrices Frobenius'), logsumexp, softmax,
    log_softmax. Of vectors and matrices: dot, outer, kron, transpose, diag, trace (tr), det, logdet
    (log |det A|), inv, solve. ``x ** 2`` is NumPy's: every entry's square.

    Raises
    ------
    FormulaError
        If the text is not a formula; the message has carets under what is wrong.

    Examples
    --------
    >>> parse("2 x")
    Traceback (most recent call last):
        ...
    chainrule.formulas.faults.FormulaError: 2 x: nothing stands between these two; ...
    >>> print(parse("½ * np.linalg.norm(σ(A·x) − y)^2"))
    0.5 * norm(sigmoid(dot(A, x)) - y) ** 2
    """
    statements = statements_of(text)
    return Formula(text, argument_names(text, statements), tuple(statements))
