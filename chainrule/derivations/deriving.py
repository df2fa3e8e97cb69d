"""``cr.derive``: from a function to its derivation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.arguments import flag, shown
from chainrule.derivations.building import Builder
from chainrule.derivations.derivation import Derivation
from chainrule.derivations.recording import OPERATION, record
from chainrule.differentiate.problem import Wrt, check_wrt
from chainrule.errors import ArgumentTypeError, DtypeError
from chainrule.transformed import Transformed


def derive(
    f: Callable[..., Any], wrt: Wrt = 0, *, expanded: bool = False,
    letters: Mapping[int, str] | None = None,
) -> Callable[..., Derivation]:  # fmt: skip
    """How the derivative of a function comes about, step by step.

    Parameters
    ----------
    f : callable
        A function in plain NumPy that returns one array or number.
    wrt : int, str, or a tuple of them
        The arguments to differentiate by, as in :func:`chainrule.grad`.
    expanded : bool
        Whether the derivative of an activation is written out, f(1 − f), rather than σ′(Z).
    letters : mapping from int to str, optional
        Letters to print for sizes, such as ``{5: "m"}``.

    Returns
    -------
    callable
        A function of f's own arguments that returns a :class:`Derivation`: the forward path in
        matrix notation with the user's own names, and the backward path with the rule, the shape,
        the value and an independent check of every step.

    Raises
    ------
    TracingError
        If the function can't be traced.
    ArgumentError
        If it returns several results, or ``wrt`` names no argument.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def loss(theta, Phi, y):
    ...     e = y - Phi @ theta
    ...     return np.sum(e**2)
    >>> d = cr.derive(loss)(np.ones(2), np.eye(3, 2), np.zeros(3))
    >>> [step.bottom for step in d.steps], d.ok
    (['e', 'theta'], True)
    """
    return DerivationFunction(f, wrt=wrt, expanded=expanded, letters=letters)


class DerivationFunction(Transformed):
    """What :func:`derive` returns: a function of f's own arguments."""

    operation = "derive"

    def __init__(
        self, f: Callable[..., Any], wrt: Wrt, expanded: bool, letters: Mapping[int, str] | None
    ) -> None:
        check_wrt(OPERATION, wrt)
        flag(OPERATION, "expanded", expanded)
        super().__init__(f, wrt=wrt, expanded=expanded, letters=letters)
        self._wrt, self._expanded, self._letters = wrt, expanded, _checked_letters(letters)

    def __call__(self, *args: Any, **kwargs: Any) -> Derivation:
        """The derivation at the arguments."""
        recorded = record(self._f, self._wrt, args, kwargs)
        if not recorded.output.differentiable:
            raise DtypeError(
                OPERATION, "the function returns whole numbers or booleans, which do not vary",
                got=f"dtype {recorded.output.dtype}",
            )  # fmt: skip
        return Builder(recorded, self._expanded, dict(self._letters)).derivation()


def _checked_letters(letters: Any) -> Mapping[int, str]:
    if letters is None:
        return {}
    is_mapping = isinstance(letters, Mapping)
    if not is_mapping or not all(
        isinstance(letter, str) and isinstance(size, (int, np.integer)) and type(size) is not bool
        for size, letter in letters.items()
    ):
        raise ArgumentTypeError(
            OPERATION, "letters must map sizes to letters", got=shown(letters),
            remedy='write letters={5: "m"}',
        )  # fmt: skip
    return dict(letters)
