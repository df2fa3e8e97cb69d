"""The search for a slip that gives the numbers given, at every point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice

import numpy as np

from chainrule.checking.backward import BackwardPass, Effort, Step, Values
from chainrule.checking.composites import composite_slips
from chainrule.checking.factors import named
from chainrule.checking.findings import Case, Comparison, Finding
from chainrule.checking.formulas import extra_slopes, formula_slips
from chainrule.checking.held import held_constant
from chainrule.checking.misapplied import misapplied_rules
from chainrule.checking.orders import order_slips
from chainrule.checking.probe import Pass, Probe
from chainrule.checking.relations import common_factor
from chainrule.checking.repeated import repeated, repeated_factors
from chainrule.checking.segments import derivative_slips
from chainrule.checking.slips import Maker, Slip, Workshop
from chainrule.checking.steps import (
    coefficient_slips,
    cotangent_slips,
    jacobian_slips,
)
from chainrule.checking.variants import variant_slips
from chainrule.checking.weights import assumed_sums
from chainrule.graph.node import Array, Node, constant
from chainrule.graph.walk import topological

MOST = 60_000
"""Operations of graphs, built or computed, after which no further candidates are tried: about half
a second's worth."""

OF_A_KIND, IN_PAIRS = 1500, 150
"""Candidates of one kind that are made, and that are tried in pairs: a long program has as many as
the square of its length."""

MARGIN = 0.6
"""How much less likely a slip may be than one already found, to be looked at still."""

SINGLE: tuple[Maker, ...] = (
    derivative_slips, jacobian_slips, coefficient_slips, cotangent_slips, order_slips,
)  # fmt: skip
"""One step changed."""

WIDER: tuple[Maker, ...] = (
    held_constant, extra_slopes, variant_slips, repeated_factors, assumed_sums, composite_slips,
)  # fmt: skip
"""Several steps changed at once, or a value wherever it is used."""

RARER: tuple[Maker, ...] = (formula_slips, misapplied_rules)
"""Many candidates, that are looked at where nothing else was found."""


class Search:
    """Backward passes with a step changed, held against the numbers given.

    A Jacobian is compared in one random combination of its rows: two that agree there agree, but
    for a chance of measure zero, and a row of a Jacobian is what a backward pass computes.

    Parameters
    ----------
    case : Case
        The derivative by one array, at all points.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        seed = _seed(case)
        self.effort = Effort(MOST)
        self.backward = BackwardPass(case.output, case.leaf, constant(seed), self.effort)
        self.shop = Workshop(self.backward, case.words)
        self.points: list[Values] = []
        self.comparisons: list[Comparison] = []
        self._take_points(seed)
        self.probe = Probe(self.backward, self.points[0], self.comparisons[0], self.effort)
        self.slips = self._made(SINGLE)

    def _take_points(self, seed: Array) -> None:
        """The points at which the program is the same as at the given one."""
        axes = seed.ndim
        leaves = self.case.trials[0].recorded.wrt
        for trial, whole in zip(self.case.trials, self.case.comparisons, strict=True):
            row = Comparison(
                whole.where,
                np.asarray(np.tensordot(seed, whole.given, axes)),
                np.asarray(np.tensordot(seed, whole.true, axes)),
                whole.tolerance * max(1.0, float(np.abs(seed).sum())),
            )
            values = Values(dict(zip(leaves, trial.arrays, strict=True)), self.effort)
            is_same = replace(row, given=values.keep(self.backward.gradient)).agrees
            if is_same or not self.points:
                self.points.append(values)
                self.comparisons.append(row)

    @property
    def is_over(self) -> bool:
        """Whether the effort allowed for is used up."""
        return self.effort.is_over

    def values(self, node: Node) -> list[Array]:
        """The value of a node at all points."""
        return [values(node) for values in self.points]

    # -- single slips -----------------------------------------------------------------------------

    def single(self) -> Iterator[Finding]:
        """Each slip that explains the numbers, alone or with a constant factor.

        Slips that come to the same pass are one: the likeliest words are kept.
        """
        yield from self._explaining(self.slips)
        yield from self._explaining([*self._made(WIDER), *repeated(self.slips)])

    def rarer(self) -> Iterator[Finding]:
        """Slips of kinds with many candidates."""
        slips = self._made(RARER)
        yield from self._explaining([*slips, *repeated(slips)])

    def _made(self, makers: Sequence[Maker]) -> list[Slip]:
        """Candidates of some kinds, at most so many of each."""
        return [slip for maker in makers for slip in islice(maker(self.shop), OF_A_KIND)]

    def _explaining(self, slips: list[Slip]) -> Iterator[Finding]:
        found: dict[Node, Finding | None] = {self.backward.gradient: None}
        enough = np.inf
        for slip in sorted(slips, key=lambda slip: slip.cost):
            if self.is_over or slip.cost > enough:
                break
            if not self.probe.fits(self.probe.changed(self.probe.right, slip)):
                continue
            node = slip.result(self.backward)
            if node not in found:
                match = found[node] = self._matched(slip, node)
                if match is not None:
                    enough = min(enough, match.cost + MARGIN)
        yield from (item for item in found.values() if item is not None)

    def _matched(self, slip: Slip, node: Node) -> Finding | None:
        if not self.fits_first(node):
            return None
        factor = common_factor(self.comparisons, self.values(node))
        if factor is None:
            return None
        if abs(factor - 1.0) < 1e-6:
            return self._for_symmetric(slip) or Finding(slip.kind, slip.says, slip.cost)
        also = named(factor, self.case.around)
        if also is None or self.case.is_one_number:
            return None
        return Finding(
            slip.kind, f"{slip.says}, and besides it {also.says}", slip.cost + 1.0 + also.cost
        )

    def fits_first(self, node: Node) -> bool:
        """Whether a node is a multiple of what was given at the first point: most are not."""
        return common_factor(self.comparisons[:1], [self.points[0](node)]) is not None

    def _for_symmetric(self, slip: Slip) -> Finding | None:
        """The slip as X + X for X + Xᵀ, if the changed contribution is a copy of the other one."""
        if slip.symmetry is None:
            return None
        twice = [2.0 * value for value in self.values(self.backward.changed(slip.symmetry.rest))]
        if not all(c.is_near(t) for c, t in zip(self.comparisons, twice, strict=True)):
            return None
        name = slip.symmetry.matrix
        says = f"is right only if {name} is symmetric: it takes {name} for its own transpose"
        return Finding("symmetric only", says, 0.5)

    # -- contributions with a factor --------------------------------------------------------------

    def scaled(self) -> Iterator[Finding]:
        """One contribution left out, with the wrong sign, or with a wrong factor.

        The pass is linear in each contribution: without it the rest is known, and with it so is
        the factor that would give the numbers given.
        """
        right = self.values(self.backward.gradient)
        gaps = [replace(c, given=c.given - t) for c, t in zip(self.comparisons, right, strict=True)]
        gap = self.probe.given - self.probe.right.along
        for words, cost, changes, share in self._contributions():
            if self.is_over:
                return
            if not self.probe.fits(share, gap):
                continue
            rest = self.values(self.backward.changed(changes))
            parts = [t - r for t, r in zip(right, rest, strict=True)]
            if not any(map(np.any, parts)) or not any(map(np.any, rest)):
                continue
            excess = common_factor(gaps, parts)
            if excess is not None:
                yield from self._scaled_by(1.0 + excess, words, cost)

    def _scaled_by(self, factor: float, words: str, cost: float) -> Iterator[Finding]:
        if abs(factor) < 1e-6:
            yield Finding("dropped term", f"lacks the term that leads through {words}", cost)
            return
        found = named(factor, self.case.around)
        if found is not None and not self.case.is_one_number:
            yield Finding(
                found.kind,
                f"is wrong in the term that leads through {words}, which {found.says}",
                # half a term is thought of as a missing factor 2, not as one of two equal terms
                cost + (-0.05 if found.cost < 0.3 else 0.05) + 0.2 * found.cost,
            )

    def _contributions(self) -> Iterator[tuple[str, float, Mapping[Node, Step], Array]]:
        """What may be left out: a value that the result depends on, or one of its uses.

        With its words, its cost, the pass without it, and its share along the probe's directions.
        """
        backward, words = self.backward, self.case.words
        for rank, node in enumerate(backward.order):
            cost = self.shop.named_first([node], 2.1, 0.02) - 0.001 * rank
            if node is not backward.output and node is not backward.leaf:
                share = self.probe.through(node)
                yield words.of(node), cost, {node: lambda _: []}, share
        for edge in self.shop.edges:
            many = len(backward.edges(edge.node)) > 1 or len(backward.users[edge.item]) > 1
            if many and edge.node in backward.cotangents:
                place = f"{words.of(edge.item)} in {words.code(edge.node)}"
                parts = backward.step(edge.node, backward.cotangents[edge.node])
                share = self.probe.handed(p for p in parts if p.position == edge.position)
                yield place, 2.15, self.shop.without(edge), share

    # -- the whole --------------------------------------------------------------------------------

    def multiplied(self) -> Iterator[Finding]:
        """Right but for a factor that varies: a value of the program, or one over it."""
        right = self.values(self.backward.gradient)
        names = self.case.words
        for node in topological([self.case.output]):
            is_number = node.ndim == 0
            if self.is_over:
                return
            if not node.inputs and not names.has_name(node):
                continue
            if node.shape not in ((), self.case.leaf.shape) or not node.differentiable:
                continue
            if is_number and len(self.points) == 1:
                continue  # at one point, some number explains any factor
            factors = self.values(node)
            cost = self.shop.named_first([node], 1.8 if is_number else 2.7, 0.2)
            with np.errstate(all="ignore"):
                products = [r * f for r, f in zip(right, factors, strict=True)]
            if self._are_given(products):
                says = f"is {names.of(node)} times the right one: that factor is too many, or a "
                yield Finding("extra factor", f"{says}division by it is missing", cost)
            with np.errstate(all="ignore"):
                quotients = [r / f for r, f in zip(right, factors, strict=True)]
            if self._are_given(quotients):
                yield Finding("missing factor", f"lacks the factor {names.of(node)}", cost)

    def added(self) -> Iterator[Finding]:
        """Right but for a multiple of a value with a name."""
        right = self.values(self.backward.gradient)
        gaps = [replace(c, given=c.given - t) for c, t in zip(self.comparisons, right, strict=True)]
        for node, name in self.case.words.names.items():
            known = node is self.case.leaf or node in self.backward.order or not node.inputs
            if node.shape == self.case.leaf.shape and node.differentiable and known:
                factor = common_factor(gaps, self.values(node))
                if factor is not None and (len(gaps) > 1 or node.size > 2):
                    says = f"has a term too many: it is off by {factor:.6g} times {name}"
                    yield Finding("extra term", says, 2.9)

    def _are_given(self, values: list[Array]) -> bool:
        pairs = zip(self.comparisons, values, strict=True)
        return all(bool(np.isfinite(v).all()) and c.is_near(v) for c, v in pairs)

    # -- several slips ----------------------------------------------------------------------------

    def pairs(self) -> Iterator[Finding]:
        """Two slips at different steps, the likelier ones first, in bounded time."""
        likely = sorted((s for s in self.slips if s.cost < 2.5), key=lambda s: s.cost)[:IN_PAIRS]
        ranked = sorted(combinations(likely, 2), key=lambda p: _cost_together(*p))
        passes: dict[int, Pass | None] = {}
        for one, two in ranked:
            if self.is_over:
                return
            if one.changes.keys() & two.changes.keys():
                continue
            first, second = sorted((one, two), key=self._rank)  # nearest the output first
            if id(first) not in passes:
                passes[id(first)] = self._pass(first)
            base = passes[id(first)]
            if base is not None and not self.probe.fits(self.probe.changed(base, second)):
                continue
            node = self.backward.changed({**one.changes, **two.changes})
            if self.fits_first(node) and all(
                c.is_near(v) for c, v in zip(self.comparisons, self.values(node), strict=True)
            ):
                kind = one.kind if one.kind == two.kind else "two slips"
                yield Finding(kind, f"{one.says}, and it {two.says}", _cost_together(one, two))
                return

    def _rank(self, slip: Slip) -> int:
        return -max(map(self.backward.order.index, slip.changes))

    def _pass(self, slip: Slip) -> Pass | None:
        """The whole pass with a slip in it, for another slip further on."""
        along = self.probe.changed(self.probe.right, slip)
        return None if along is None else Pass(self.backward.run(slip.changes), along)


def _cost_together(one: Slip, two: Slip) -> float:
    """The same slip made twice is likelier than two different ones."""
    return one.cost + two.cost + (0.0 if one.kind == two.kind else 1.0)


def _seed(case: Case) -> Array:
    """1 for a number; a random row for a Jacobian."""
    output = case.output
    if output.size == 1:
        return np.ones(output.shape, output.dtype)
    rng = np.random.default_rng(0)
    return rng.standard_normal(output.shape).astype(output.dtype)
