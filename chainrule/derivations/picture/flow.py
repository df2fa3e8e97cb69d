"""What a picture shows: the quantities, and which is computed from which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from chainrule.derivations.steps import Factor, Kind, Passes, Quantity
from chainrule.notation.algebra import (
    Apply,
    Expr,
    Number,
    Ones,
    Product,
    Symbol,
    Transpose,
    replace_parts,
)


@dataclass(frozen=True)
class Link:
    """One quantity enters the computation of another.

    Attributes
    ----------
    source, target : str
    kind : str
        Where its factor leads; nothing where no derivative passes.
    factor : Expr or None
        ∂target/∂source.
    """

    source: str
    target: str
    kind: Kind | None = None
    factor: Expr | None = None


@dataclass(frozen=True)
class Flow:
    """The quantities of both passes and their links.

    Attributes
    ----------
    passes : Passes
    computed : tuple of Quantity
    links : tuple of Link
        In the order of the computed quantities, and for each in the order of its definition.
    """

    passes: Passes
    computed: tuple[Quantity, ...]
    links: tuple[Link, ...]

    def into(self, name: str) -> list[Link]:
        """The links to what a quantity is computed from."""
        return [link for link in self.links if link.target == name]

    def out_of(self, name: str) -> list[Link]:
        """The links to the quantities computed from it."""
        return [link for link in self.links if link.source == name]


@dataclass(frozen=True)
class Layer:
    """One arrow of a chain, from the quantity before it.

    Attributes
    ----------
    name : str
        What it computes.
    definition : Expr or None
        Of what came before and of its parameters, with f = σ(Z) and Z = Ax + b in one; None where
        layers are left out.
    factors : tuple of Expr
        ∂name/∂before, as a product; empty where no derivative passes.
    kind : Kind or None
    inputs : tuple of (str, Kind or None)
        What enters from outside the chain, and where its factor leads.
    omitted : int
        How many layers this arrow stands for, if they are not drawn.
    """

    name: str
    definition: Expr | None
    factors: tuple[Expr, ...]
    kind: Kind | None
    inputs: tuple[tuple[str, Kind | None], ...]
    omitted: int = 0


@dataclass(frozen=True)
class Chain:
    """Quantities each computed from the one before it, and from what nothing else uses."""

    start: str
    layers: tuple[Layer, ...]


def symbols(expr: Expr) -> list[str]:
    """The names in an expression, each once, in the order in which they are written."""
    found: dict[str, None] = {}

    def walk() -> Iterator[Expr]:
        pending = [expr]
        while pending:
            item = pending.pop()
            yield item
            pending.extend(reversed(item.parts))

    for item in walk():
        if isinstance(item, Symbol):
            found.setdefault(item.name)
    return list(found)


def flow_of(passes: Passes) -> Flow:
    """The quantities and links of a derivation."""
    computed = tuple(item for item in passes.quantities if item.definition is not None)
    factors = _factors(passes)
    links = []
    for item in computed:
        assert item.definition is not None
        names = [name for name in symbols(item.definition) if name in passes.by_name]
        for name in names:
            factor = factors.get((item.name, name))
            if factor is None:
                links.append(Link(name, item.name))
            else:
                links.append(Link(name, item.name, factor.kind, factor.expression))
    return Flow(passes, computed, tuple(links))


def _factors(passes: Passes) -> dict[tuple[str, str], Factor]:
    return {
        (part.user, step.bottom): part.factors[-1] for step in passes.steps for part in step.parts
    }


# -- chains ---------------------------------------------------------------------------------------


def chain_of(flow: Flow) -> Chain | None:
    """The passes as one line of layers; None where they are not a plain chain."""
    if not flow.computed:  # the result is an argument
        return Chain(flow.passes.targets[0].bottom, ())
    if not _is_plain(flow):
        return None
    start = _data(flow)
    if start is None:
        return None
    layers: list[Layer] = []
    before = start
    for item, following in zip(flow.computed, [*flow.computed[1:], None], strict=True):
        enters = len(flow.into(item.name)) > 1  # Z = Ax + b, not a function of one value
        if following is not None and enters and _is_activation(following, item.name):
            continue
        layers.append(_layer(flow, item, before))
        before = item.name
    return Chain(start, tuple(layers))


def _is_plain(flow: Flow) -> bool:
    """Whether each computed quantity is used by the next alone, and each argument by one."""
    computed = [item.name for item in flow.computed]
    if computed[-1] != flow.passes.result:
        return False
    following = dict(pairwise(computed))
    for item in flow.passes.quantities:
        users = [link.target for link in flow.out_of(item.name)]
        if item.name in following and users != [following[item.name]]:
            return False
        if len(users) > 1:
            return False
    return True


def _data(flow: Flow) -> str | None:
    """Where the line begins, whatever is differentiated by: at x in σ(A x + b), never at A or b."""
    first = flow.computed[0]
    links = flow.into(first.name)
    assert first.definition is not None
    ends = _ends_of_product(first.definition)
    if ends is None:
        return links[0].source if links else None
    left, right = ends
    if flow.passes.by_name[right].value.ndim < 2:
        return right
    if _is_added(first.definition, in_rows=True):
        return left
    if _is_added(first.definition, in_rows=False):
        return right
    for item, following in pairwise(flow.computed):
        assert following.definition is not None
        later = _ends_of_product(following.definition)
        if later is not None and item.name in later and later[0] != later[1]:
            return left if item.name == later[0] else right
    still = [link.source for link in links if link.kind is None and link.source in ends]
    return still[0] if len(still) == 1 else right


def _ends_of_product(expr: Expr) -> tuple[str, str] | None:
    """The names at both ends of the first product of several names."""
    if isinstance(expr, Product):
        names = [item.name for item in expr.factors if isinstance(item, Symbol) and item.size[0]]
        last = symbols(expr.factors[-1])
        if names and last and last[0] != names[0]:
            return names[0], last[0]
    return next((ends for part in expr.parts if (ends := _ends_of_product(part))), None)


def _is_added(expr: Expr, in_rows: bool) -> bool:
    """Whether it is X W + 1 bᵀ, with an example in each row, or A X + b 1ᵀ."""
    if isinstance(expr, Product):
        first, last = expr.factors[0], expr.factors[-1]
        if in_rows and isinstance(first, Ones) and first.is_column:
            return isinstance(last, Transpose)
        if not in_rows and isinstance(last, Ones) and last.is_row:
            return isinstance(first, Symbol)
    return any(_is_added(part, in_rows) for part in expr.parts)


def _is_activation(item: Quantity, before: str) -> bool:
    """Whether a quantity is a function of the entries of the one before it, and of nothing else."""
    definition = item.definition
    return (
        isinstance(definition, Apply)
        and symbols(definition) == [before]
        and all(_is_simple(part) for part in definition.args)
    )


def _is_simple(expr: Expr) -> bool:
    """A name, or a number that is the same for all entries."""
    if isinstance(expr, Product):
        return all(isinstance(part, (Number, Ones)) for part in expr.factors)
    return isinstance(expr, (Symbol, Number, Ones))


def _layer(flow: Flow, item: Quantity, before: str) -> Layer:
    """A layer, with the pre-activation in it where there is one."""
    assert item.definition is not None
    definition, links = item.definition, flow.into(item.name)
    outer: tuple[Expr, ...] = ()
    kind: Kind | None = None
    inner = flow.passes.by_name[links[0].source] if len(links) == 1 else None
    if inner is not None and inner.name != before and inner.definition is not None:
        definition = _replaced(definition, inner.name, inner.definition)
        outer = (links[0].factor,) if links[0].factor is not None else ()
        kind = links[0].kind
        links = flow.into(inner.name)
    factors: tuple[Expr, ...] = ()
    for link in links:
        if link.source == before and link.factor is not None:
            factors = (*outer, link.factor)
            kind = link.kind if link.kind == "parameter" else kind or link.kind
    inputs = tuple((link.source, link.kind) for link in links if link.source != before)
    return Layer(item.name, definition, factors, kind if factors else None, inputs)


def _replaced(expr: Expr, name: str, by: Expr) -> Expr:
    if isinstance(expr, Symbol):
        return by if expr.name == name else expr
    if not expr.parts:
        return expr
    return replace_parts(expr, tuple(_replaced(item, name, by) for item in expr.parts))
