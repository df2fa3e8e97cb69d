"""`chainrule derive`: from a formula on the command line to its derivation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from typer.core import TyperCommand

from chainrule.cli.paths import checked_output
from chainrule.cli.points import Point, point_for
from chainrule.derivations.derivation import Derivation
from chainrule.derivations.deriving import derive as derivation_of
from chainrule.errors import ArgumentError
from chainrule.formulas import Formula, normal_name, parse, shape_text
from chainrule.spelling import closest
from chainrule.train import write_whole


class FormulaCommand(TyperCommand):
    """A command whose formula may begin with a minus: every option has two of them, but -h."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spaced = [f" {text}" if _begins_with_minus(text) else text for text in args]
        return super().parse_args(ctx, spaced)


def _begins_with_minus(text: str) -> bool:
    return text.startswith("-") and not text.startswith("--") and text not in ("-", "-h")


class Format(Enum):
    """How a derivation is written."""

    text = "text"
    latex = "latex"
    markdown = "markdown"
    html = "html"
    svg = "svg"


SUFFIXES = {
    ".txt": Format.text, ".tex": Format.latex, ".md": Format.markdown, ".html": Format.html,
    ".svg": Format.svg,
}  # fmt: skip
"""The format of a file by its name, where none is asked for."""


def derive(
    formula: Annotated[
        str,
        typer.Argument(
            metavar="FORMULA",
            help="Such as '0.5 * norm(sigmoid(A @ x + b) - y)**2', or definitions with "
            "semicolons between them.",
        ),
    ],
    wrt: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="What to differentiate by; may be repeated."),
    ],
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=m×n",
            help="The shape of a name: numbers or letters, with x between them; scalar for a "
            "single number. Once for each name.",
        ),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE.npz|NAME=VALUE",
            help="Values of the names, as in x=[1,2] or from a file of numpy.savez.",
        ),
    ] = None,
    written: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How to write the derivation: text, or what the name of FILE says; svg is the "
            "picture of both passes.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to a file instead of stdout.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object to stdout.")
    ] = False,
) -> None:
    """Show step by step how a formula's derivative comes about.

    \b
    chainrule derive "norm(A @ x - b)**2" --wrt x --shape A=m×n --shape x=n --shape b=m
    chainrule derive "x' @ A @ x" --wrt x --at x=[1,2] --at A=[[1,2],[3,4]]
    chainrule derive "tanh(A @ x)" --wrt x --shape A=m×n --shape x=n --out passes.svg

    Without --at the numbers that the steps are checked with are made for the shapes.
    """
    read = parse(formula)
    names = checked_wrt(read, wrt)
    if out is not None:
        checked_output("derive", out, *(value for value in at or () if "=" not in value))
    point = point_for(read, shape or (), at or ())
    derivation = derived(read, names, point)
    if as_json:
        text = json.dumps(as_object(read, names, point, derivation), allow_nan=False)
    else:
        by_name = SUFFIXES.get(out.suffix.lower(), Format.text) if out else Format.text
        text = in_format(derivation, written or by_name)
    if out is None:
        typer.echo(text)
    else:
        write_whole(out, f"{text.rstrip()}\n".encode())


def checked_wrt(formula: Formula, wrt: Sequence[str]) -> tuple[str, ...]:
    """The names to differentiate by, each once.

    Raises
    ------
    ArgumentError
        If the formula has no such name, or defines it itself.
    """
    defined = [statement.name for statement in formula.statements]
    names = [normal_name(name) for name in wrt]
    for name in names:
        if name in formula.names:
            continue
        close = closest(name, list(formula.names))
        problem = f"the formula has no {name} to differentiate by"
        if name in defined:
            problem = f"{name} is defined by the formula, and only what it is given can vary"
        raise ArgumentError(
            "derive", problem, got=f"names {', '.join(formula.names) or '(none)'}",
            remedy=f"did you mean {close}?" if close else "",
        )  # fmt: skip
    return tuple(dict.fromkeys(names))


def derived(formula: Formula, wrt: Sequence[str], point: Point) -> Derivation:
    """The derivation of a formula at a point."""
    by: Any = wrt[0] if len(wrt) == 1 else tuple(wrt)
    return derivation_of(formula.function(), by, letters=point.letters)(*point.arrays.values())


def in_format(derivation: Derivation, written: Format) -> str:
    """The derivation as text, LaTeX, Markdown, a page of HTML or a picture."""
    return str(derivation) if written is Format.text else str(getattr(derivation, written.value)())


def as_object(
    formula: Formula, wrt: Sequence[str], point: Point, derivation: Derivation
) -> dict[str, Any]:
    """The derivation as one JSON object; values only where the user gave the point."""
    return {
        "formula": str(formula),
        "wrt": list(wrt),
        "shapes": {name: shape_text(shape) for name, shape in point.shapes.items()},
        "letters": {letter: size for size, letter in point.letters.items()},
        "ok": bool(derivation.ok),
        "steps": [_step(step, point.is_given) for step in derivation.steps],
        "text": str(derivation),
        "latex": derivation.latex(),
        "markdown": derivation.markdown(),
    }


def _step(step: Any, with_value: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "of": step.top,
        "by": step.bottom,
        "shape": list(step.shape),
        "rule": str(step.rule),
        "ok": bool(step.check.ok),
        "error": _number(step.check.error),
    }
    return {**found, "value": _lists(step.value)} if with_value else found


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _lists(value: Any) -> Any:
    """Nested lists, in which what JSON has no number for is null."""
    numbers = np.asarray(value, dtype=float)
    found = numbers.astype(object)
    found[~np.isfinite(numbers)] = None
    return found.tolist()
