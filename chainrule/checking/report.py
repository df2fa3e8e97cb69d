"""What the check of a gradient found: right or wrong, where, by how much, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import indent, shorten, wrap
from typing import Any

WIDTH = 80


@dataclass(frozen=True)
class Counterexample:
    """One entry that is wrong, at a point that is as simple as could be found.

    Attributes
    ----------
    entry : str
        Which entry: ``"∂E/∂A1[0, 2]"``.
    index : tuple of int
        Its index in the gradient or Jacobian.
    yours, true : float
        The two values.
    point : dict
        The arguments that were varied, by name.
    where : str
        What the point is: ``"the given point"``, ``"a point with small whole numbers"``.
    """

    entry: str
    index: tuple[int, ...]
    yours: float
    true: float
    point: dict[str, Any] = field(repr=False, compare=False)
    where: str = "the given point"

    def __str__(self) -> str:
        return f"{self.entry} = {self.yours:.6g}, and {self.true:.6g} is right"


@dataclass(frozen=True, repr=False)
class CheckReport:
    """What :func:`chainrule.check` found; true where the gradient is right.

    Attributes
    ----------
    ok : bool
        Whether the gradient is right.
    kind : str
        A short word: ``"right"``, ``"missing factor"``, ``"transposed"``, …
    diagnosis : str
        One sentence, in the names of the function that was checked.
    evidence : tuple of str
        What the diagnosis rests on, and what else would explain it.
    worst : Counterexample or None
        A wrong entry at a simple point.
    error : float
        The largest difference relative to the largest entry; NaN where shapes differ.
    parts : tuple of CheckReport
        One for each array, where there are several.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def E(x):
    ...     return np.sum(x ** 2)
    >>> report = cr.check(E, lambda x: x, np.array([1.0, 2.0, 3.0]))
    >>> report.ok, report.kind
    (False, 'constant factor')
    >>> print(report)
    WRONG  ∂E/∂x is half the right one: a factor 2 is missing
      - your entries are 0.5 times the right ones at all 6 points
      - that gives your numbers at the given point and at 5 random points
      At a point with small whole numbers: ∂E/∂x[2] = 1, and 2 is right
        x = [0. 0. 1.]
    """

    ok: bool
    kind: str
    diagnosis: str
    evidence: tuple[str, ...] = ()
    worst: Counterexample | None = None
    error: float = 0.0
    parts: tuple[CheckReport, ...] = ()

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"<CheckReport {'right' if self.ok else 'wrong'}: {shorten(self.diagnosis, 400)}>"

    def __str__(self) -> str:
        lines = _wrapped(f"{'RIGHT' if self.ok else 'WRONG'}  {self.diagnosis}", "       ")
        for sentence in self.evidence:
            lines += _wrapped(f"  - {sentence}", "    ")
        if self.worst is not None and not self.parts:
            lines += _wrapped(f"  At {self.worst.where}: {self.worst}", "    ")
            lines += [
                indent(f"{name} = {_shown(value)}", "    ")
                for name, value in self.worst.point.items()
            ]
        for part in self.parts:
            lines += ["", str(part)]
        return "\n".join(lines)


def _wrapped(text: str, hanging: str) -> list[str]:
    return wrap(text, WIDTH, subsequent_indent=hanging, break_long_words=False)


def _shown(value: Any) -> str:
    size = getattr(value, "size", 1)
    if size > 20:
        return f"{value.dtype}{list(value.shape)}"
    text = " ".join(str(value).split())
    return text if len(text) < WIDTH - 8 else f"{value.dtype}{list(value.shape)}"
