"""Which names a formula defines, and which must be given."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.formulas.faults import FormulaError, Span
from chainrule.formulas.steps import Statement


def argument_names(text: str, statements: Sequence[Statement]) -> tuple[str, ...]:
    """The names that must be given: those declared, else all that are not defined.

    Raises
    ------
    FormulaError
        For a name that is defined twice, after its use, or not at all where all are declared.
    """
    used: dict[str, Span] = {}
    defined: set[str] = set()
    for statement in statements:
        for step in statement.steps:
            if step.kind == "name" and step.word not in defined:
                used.setdefault(step.word, step.span)
        _check_left_side(text, statement, used, defined, is_last=statement is statements[-1])
        defined.add(statement.name)
    declared = statements[-1].parameters
    if declared is None:
        return tuple(used)
    for name, span in used.items():
        if name not in declared:
            problem = f"{name} is not among the arguments of {statements[-1].name}(…)"
            raise FormulaError(text, span, problem, "name it in the brackets, or define it before")
    for name in declared:
        if name in defined:
            raise FormulaError(
                text, _left_side(statements[-1]), f"{name} is an argument and defined as well"
            )
    return declared


def _left_side(statement: Statement) -> Span:
    return Span(statement.span.start, statement.steps[0].span.start)


def _check_left_side(
    text: str, statement: Statement, used: dict[str, Span], defined: set[str], is_last: bool
) -> None:
    name = statement.name
    if not is_last and not name:
        raise FormulaError(
            text, statement.span, "only the last statement can do without a name",
            "write Z = … before it, or brackets around what takes several lines",
        )  # fmt: skip
    if not is_last and statement.parameters is not None:
        raise FormulaError(
            text, statement.span, "only the last statement can name arguments",
            f"write {name} = …",
        )  # fmt: skip
    if name in used:
        raise FormulaError(
            text, used[name], "it is used here before it is defined",
            "define it in an earlier statement, or give one of the two another name",
        )  # fmt: skip
    if name and name in defined:
        raise FormulaError(text, statement.span, f"{name} is defined twice", "use two names")
