"""The steps of a derivation as data: what every renderer walks over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from chainrule.errors import ArgumentError
from chainrule.graph.node import Array
from chainrule.notation.algebra import Expr
from chainrule.notation.text import TextNotation
from chainrule.properties import cached_property

Kind = Literal["cost", "layer", "parameter"]
"""From the result to a value it is made of; from a value to one before it; to an argument."""

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Quantity:
    """A value that the derivation speaks of, one line of the forward path.

    Attributes
    ----------
    name : str
        The user's name for it.
    shape : tuple of int
    definition : Expr or None
        What it is made of; None for an argument.
    value : ndarray
    is_active : bool
        Whether it lies between an argument to differentiate by and the result.
    is_number : bool
        Whether it is a number that stands in the code under this name, such as ε.
    """

    name: str
    shape: Sizes
    definition: Expr | None
    value: Array
    is_active: bool
    is_number: bool = False


@dataclass(frozen=True)
class Rule:
    """Why a step is so: a rule's name, and where the lecture states it."""

    name: str
    equation: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.equation})" if self.equation else self.name


@dataclass(frozen=True)
class Factor:
    """One factor of a chain of Jacobians, ∂top/∂bottom.

    Attributes
    ----------
    top, bottom : str
        Names of quantities.
    expression : Expr
        The Jacobian in matrix notation; arrays with two axes or more are laid out row by row.
    shape : tuple of int
        Rows and columns.
    kind : {'cost', 'layer', 'parameter'}
        Where it leads: (5.118)'s factors ∂L/∂f, ∂f_{i+1}/∂f_i and ∂f_{i+1}/∂θ_i.
    rule : Rule
    reused : bool
        Whether the step of an earlier parameter had it already.
    """

    top: str
    bottom: str
    expression: Expr
    shape: Sizes
    kind: Kind
    rule: Rule
    reused: bool = False

    def __str__(self) -> str:
        return TextNotation()(self.expression)


@dataclass(frozen=True)
class Contribution:
    """What one user of a quantity contributes: ∂E/∂user · ∂user/∂quantity.

    Attributes
    ----------
    user : str
    expression : Expr
        With ∂E/∂user as a symbol.
    factors : tuple of Factor
        The chain from the result; it starts at ∂E/∂user where several paths lead there.
    """

    user: str
    expression: Expr
    factors: tuple[Factor, ...]


class Disagreement(NamedTuple):
    """An entry of a derivative that an independent value contradicts.

    Attributes
    ----------
    place : tuple of int
        The result's axes, then the argument's.
    value, independent : float
    """

    place: tuple[int, ...]
    value: float
    independent: float


@dataclass(frozen=True)
class Check:
    """A step's value beside one found without any rule.

    Attributes
    ----------
    error : float
        The relative error.
    tolerance : float
    method : str
        'complex step', 'differences' or 'one-sided differences'.
    ok : bool
    note : str
        What there is to say about it: a point without a derivative, and the convention used.
    entry : Disagreement or None
        Where the two differ, if they do.
    """

    error: float
    tolerance: float
    method: str
    ok: bool
    note: str = ""
    entry: Disagreement | None = None


@dataclass(frozen=True)
class Entry:
    """The derivative by one entry of a matrix, as on the slides 'Backward Path (3)' and '(4)'.

    Attributes
    ----------
    name : str
        A Greek letter for the entry.
    matrix : str
        The parameter that it is an entry of.
    position : tuple of int
        Which entry the value is given for.
    user : str
        The quantity that the matrix enters.
    inner : Expr
        ∂user/∂α, with ∂matrix/∂α as a symbol.
    factors : tuple of Factor
        The chain ∂E/∂user before it.
    value : float
        ∂E/∂α of this entry.
    """

    name: str
    matrix: str
    position: Sizes
    user: str
    inner: Expr
    factors: tuple[Factor, ...]
    value: float


@dataclass(frozen=True)
class Step:
    """One derivative of the backward path, ∂top/∂bottom.

    Attributes
    ----------
    top, bottom : str
        The result, and the quantity to differentiate by.
    parts : tuple of Contribution
        One for each quantity that is computed from ``bottom``; their sum is the derivative.
    local : Expr
        The derivative in terms of those of later steps.
    expression : Expr
        In terms of the quantities alone, simplified.
    shape : tuple of int
        Rows and columns, (1, n) for a row.
    rule : Rule
    value : ndarray
        At the point; of the shape that ``cr.grad`` or ``cr.jacobian`` gives.
    check : Check
    is_target : bool
        Whether it is one of those asked for.
    short : str
        A name such as δ2 under which later steps use it, or nothing.
    entry : Entry or None
        The derivative by one entry, for a matrix.
    """

    top: str
    bottom: str
    parts: tuple[Contribution, ...]
    local: Expr
    expression: Expr
    shape: Sizes
    rule: Rule
    value: Array
    check: Check
    is_target: bool
    short: str = ""
    entry: Entry | None = None

    @property
    def kind(self) -> Kind | Literal[""]:
        """Where its last factor leads; nothing where there is none."""
        return self.parts[0].factors[-1].kind if self.parts else ""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The chain of Jacobians, where there is only one; else nothing."""
        return self.parts[0].factors if len(self.parts) == 1 else ()


@dataclass(frozen=True)
class Notice:
    """A point without a derivative.

    Attributes
    ----------
    quantity : str
        In whose computation it was met.
    function : str
    entries : int
        How many entries are at such a point.
    convention : str
        What is used for the derivative there.
    """

    quantity: str
    function: str
    entries: int
    convention: str


@dataclass(frozen=True)
class Shares:
    """The sum over examples, E = Σ_r E^r.

    Attributes
    ----------
    values : ndarray of shape (R,)
        Each example's cost E^r.
    gradients : mapping from str to ndarray
        For each argument ∂E^r/∂θ, one example after the other along the first axis; not of
        arguments that are too large.
    """

    values: Array
    gradients: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Passes:
    """The forward and the backward pass of a derivation.

    Attributes
    ----------
    result : str
        The name of the function's result.
    quantities : tuple of Quantity
        The forward path: arguments, then what is computed from them.
    steps : tuple of Step
        The backward path, from the result to the arguments.
    notices : tuple of Notice
        Where the function has no derivative at this point.
    letters : mapping from int to str
        Letters to print for sizes.
    derivatives : mapping from str to ndarray
        The values of the symbols ``∂E/∂x`` that expressions contain.
    shares : Shares or None
        What each example contributes, where the result is a sum over examples.
    """

    result: str
    quantities: tuple[Quantity, ...]
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]
    letters: Mapping[int, str]
    derivatives: Mapping[str, Array]
    shares: Shares | None = None

    @cached_property
    def by_name(self) -> dict[str, Quantity]:
        """The quantities by their names."""
        return {item.name: item for item in self.quantities}

    @cached_property
    def values(self) -> dict[str, Array]:
        """What every symbol of the expressions stands for at the point."""
        return {item.name: item.value for item in self.quantities} | dict(self.derivatives)

    @property
    def sizes(self) -> dict[int, str]:
        """What to print for a size: its letter or itself, so that a mean has 1/5, not 0.2."""
        found = {size for item in self.quantities for size in item.shape}
        return {size: str(size) for size in sorted(found) if size > 2} | dict(self.letters)

    @property
    def targets(self) -> tuple[Step, ...]:
        """The steps of the derivatives that were asked for."""
        return tuple(step for step in self.steps if step.is_target)

    def is_through_matrices(self, step: Step) -> bool:
        """Whether a chain leads through matrices, whose Jacobians are too large to look at."""
        inner = [self.by_name[item.bottom] for item in step.factors[:-1]]
        return any(len(item.shape) > 1 for item in inner)

    @property
    def ok(self) -> bool:
        """Whether every step agrees with its independent value."""
        return all(step.check.ok for step in self.steps)

    def step(self, name: str) -> Step:
        """The step of the derivative by the quantity with this name."""
        for item in self.steps:
            if item.bottom == name:
                return item
        raise ArgumentError(
            "derive", f"there is no step for {name!r}",
            got=", ".join(item.bottom for item in self.steps),
        )  # fmt: skip
