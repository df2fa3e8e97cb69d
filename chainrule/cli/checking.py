"""`chainrule check`: from two functions in files to a report on the gradient."""

from __future__ import annotations

import importlib.util
import inspect
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import numpy as np
import typer

from chainrule.checking.judging import check as judge
from chainrule.checking.report import CheckReport
from chainrule.errors import ArgumentError, ChainruleError

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
SCALAR = "scalar"
"""How the shape of a single number is written."""


def check(
    cost: Annotated[
        str, typer.Argument(metavar="FILE.py:NAME", help="The function, in plain NumPy.")
    ],
    gradient: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME",
            help="Its gradient or Jacobian, worked out by hand: a function of the same arguments.",
        ),
    ],
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="The argument that it is the derivative by; repeated, the gradient returns a "
            "tuple. [default: the first]",
        ),
    ] = None,
    point: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Arguments by name, as numpy.savez writes them."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=3x4",
            help=f"The shape of an argument to fill with random numbers, or {SCALAR}; once for "
            "each argument.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Decides the random numbers.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object to stdout.")
    ] = False,
) -> None:
    """Judge a gradient that was worked out by hand, and name the slip if it is wrong.

    \b
    chainrule check model.py:cost model.py:gradient --shape theta=3 --shape X=10x3 --shape y=10

    Exit status: 0 the gradient is right, 1 it is wrong or could not be judged, 2 wrong usage.
    """
    shapes = dict(_named_shape(text) for text in shape or ())
    report = _judged(cost, gradient, wrt or [], point, shapes, seed)
    if as_json:
        typer.echo(json.dumps(as_object(report), allow_nan=False))
    else:
        typer.echo(str(report))
    if not report.ok:
        raise typer.Exit(1)


def as_object(report: CheckReport) -> dict[str, Any]:
    """The report as one JSON object; numbers that are not finite are null."""
    worst = report.worst
    return {
        "ok": report.ok,
        "kind": report.kind,
        "diagnosis": report.diagnosis,
        "evidence": list(report.evidence),
        "error": _finite(report.error),
        "worst": None
        if worst is None
        else {
            "entry": worst.entry,
            "index": list(worst.index),
            "yours": _finite(worst.yours),
            "true": _finite(worst.true),
            "where": worst.where,
            "point": {name: np.asarray(value).tolist() for name, value in worst.point.items()},
        },
        "parts": [as_object(part) for part in report.parts],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _judged(
    cost: str,
    gradient: str,
    wrt: Sequence[str],
    point: Path | None,
    shapes: Mapping[str, tuple[int, ...]],
    seed: int,
) -> CheckReport:
    """The report; what the files print while they run goes to stderr."""
    with redirect_stdout(sys.stderr):
        modules: dict[Path, ModuleType] = {}
        f, by_hand = _function(cost, modules), _function(gradient, modules)
        args, kwargs = _arguments(f, point, shapes, seed)
        by: Any = 0 if not wrt else wrt[0] if len(wrt) == 1 else tuple(wrt)
        with _failures("check", "the function could not be run"):
            return judge(f, by_hand, *args, wrt=by, **kwargs)


@contextmanager
def _failures(operation: str, problem: str) -> Iterator[None]:
    """An exception of the user's code as one sentence."""
    try:
        yield
    except ChainruleError:
        raise
    except (Exception, SystemExit) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        told = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ArgumentError(operation, problem, f"{type(error).__name__}: {told}{line}") from error


# -- functions from files -------------------------------------------------------------------------


def _function(place: str, modules: dict[Path, ModuleType]) -> Callable[..., Any]:
    file, _, name = place.rpartition(":")
    if not file or not name:
        raise typer.BadParameter(f"{place!r} names no function in a file; write FILE.py:NAME")
    path = Path(file)
    if path not in modules:
        modules[path] = _module(path)
    found = getattr(modules[path], name, None)
    if not callable(found):
        functions = [n for n, v in vars(modules[path]).items() if inspect.isfunction(v)]
        raise ArgumentError(
            "check", f"{file} has no function {name}",
            got=f"the functions {', '.join(functions)}" if functions else "no function",
        )  # fmt: skip
    return found  # type: ignore[no-any-return]


def _module(path: Path) -> ModuleType:
    """The module in a file, with its folder to import from while it is loaded."""
    if not path.is_file():
        raise ArgumentError("check", "there is no such file", str(path))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ArgumentError("check", "the file is not a Python module", str(path), "name it .py")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        with _failures("check", f"{path} could not be loaded"):
            spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


# -- arguments ------------------------------------------------------------------------------------


def _named_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Read ``X=10x3``, ``y=10`` or ``rate=scalar``."""
    name, _, sizes = text.partition("=")
    try:
        numbers = [] if sizes == SCALAR else [int(n) for n in sizes.replace("×", "x").split("x")]
    except ValueError:
        numbers = [0]
    if not name.isidentifier() or any(n < 1 for n in numbers):
        raise typer.BadParameter(
            f"{text!r} is no name with a shape; write X=10x3, y=10 or rate={SCALAR}",
            param_hint="'--shape'",
        )
    return name, tuple(numbers)


def _arguments(
    f: Callable[..., Any], point: Path | None, shapes: Mapping[str, tuple[int, ...]], seed: int
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments by position and by name: from the file, and random ones of the shapes given."""
    known: dict[str, Any] = _read(point) if point is not None else {}
    rng = np.random.default_rng(seed)
    for name, shape in shapes.items():
        drawn = rng.standard_normal(shape)
        known.setdefault(name, drawn if shape else float(drawn))
    parameters = _parameters(f)
    unknown = [name for name in known if name not in parameters]
    if unknown:
        raise typer.BadParameter(
            f"the function has no argument {', '.join(unknown)}; it takes {', '.join(parameters)}",
            param_hint="'--shape'" if unknown[0] in shapes else "'--point'",
        )
    missing = [n for n, p in parameters.items() if n not in known and p.default is p.empty]
    if missing:
        raise typer.BadParameter(
            f"nothing is known of {', '.join(missing)}; write --shape {missing[0]}=3x4",
            param_hint="'--shape'",
        )
    return _bound(known, parameters)


def _parameters(f: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(f).parameters
    except (TypeError, ValueError):
        raise ArgumentError(
            "check", "the names of the function's parameters are not known",
            got=type(f).__name__, remedy="write a function around it that names them",
        ) from None  # fmt: skip


def _bound(
    known: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]
) -> tuple[list[Any], dict[str, Any]]:
    """By position as far as there is no gap, by name from there on."""
    first = list(takewhile(lambda n: n in known and parameters[n].kind != KEYWORD_ONLY, parameters))
    return [known[n] for n in first], {n: v for n, v in known.items() if n not in first}


def _read(point: Path) -> dict[str, Any]:
    try:
        with np.load(point, allow_pickle=False) as archive:
            return {
                name: archive[name] if archive[name].ndim else archive[name][()]
                for name in archive.files
            }
    except FileNotFoundError:
        raise ArgumentError("check", "there is no such file", str(point)) from None
    except (ValueError, OSError, AttributeError) as error:
        raise ArgumentError(
            "check", f"{point} does not hold arrays by name: {error}",
            remedy="write it with numpy.savez(file, theta=theta, X=X)",
        ) from None  # fmt: skip
