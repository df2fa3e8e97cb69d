"""Building a derivation: reverse mode over the named values of a recorded function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chainrule.derivations.cancelling import shortest
from chainrule.derivations.derivation import Derivation
from chainrule.derivations.independent import forward_values
from chainrule.derivations.kinks import kinks
from chainrule.derivations.local import LocalJacobians, reshaped, row_shape
from chainrule.derivations.quantities import Chosen, choose, without_compact_form
from chainrule.derivations.recording import Recorded
from chainrule.derivations.rules import (
    CHAIN,
    INDEPENDENT,
    ITSELF,
    OPAQUE,
    SEVERAL,
    rule_of,
)
from chainrule.derivations.shares import shares_of
from chainrule.derivations.steps import (
    Contribution,
    Entry,
    Factor,
    Kind,
    Notice,
    Quantity,
    Rule,
    Step,
)
from chainrule.derivations.verifying import Verifier
from chainrule.differentiate.entries import dense_jacobian
from chainrule.graph.node import Array, Node, new_input
from chainrule.interpret.run import evaluate as run
from chainrule.jacobian.accumulate import Summands
from chainrule.jacobian.composing import compositions
from chainrule.jacobian.summands import Unstructured, dense
from chainrule.notation.algebra import (
    Expr,
    Identity,
    Partial,
    Symbol,
    Transpose,
    Vec,
    Zero,
    dense_shape,
    replace_parts,
    shape_of_array,
    weight,
)
from chainrule.notation.evaluation import evaluate, partial_key
from chainrule.notation.pieces import ONE
from chainrule.notation.reading import Reader
from chainrule.notation.rewriting import product, simplified, total, transpose
from chainrule.notation.values import NodeValues

LONGEST = 80
"""An expression of more symbols than this stays in terms of earlier steps."""
GREEK = "αβγεζηθικλμνξπρτυφχψω"


class Builder:
    """Builds one derivation."""

    def __init__(self, recorded: Recorded, expanded: bool, letters: dict[int, str]) -> None:
        self.recorded, self.letters = recorded, letters
        first = choose(recorded)
        more = without_compact_form(first)
        self.chosen: Chosen = choose(recorded, more) if more else first
        self.names = self.chosen.names
        self.output = recorded.output
        self.is_scalar = self.output.ndim == 0
        self.node_values = NodeValues(forward_values(self.chosen.order))
        for node in recorded.wrt:
            if node.value is not None:
                self.node_values[node] = node.value
        self.reader = Reader(self.names, recorded.constant_name, self.node_values)
        self.local = LocalJacobians(self.reader, expanded, self.chosen.order)
        self.values: dict[str, Array] = {
            name: self.node_values[node] for node, name in self.names.items()
        }
        self.found_kinks = kinks(
            [node for node in self.chosen.order if node in self.chosen.active], self.node_values
        )
        self.verifier = Verifier(
            self.chosen.order,
            self.output,
            self.node_values,
            [item.node for item in self.found_kinks],
        )
        self.definitions: dict[Node, Expr] = {}
        self.partials: dict[Node, Partial] = {}
        self.steps: dict[Node, Step] = {}
        self.chains: dict[Node, tuple[Factor, ...]] = {}
        self.shorts: dict[Node, str] = {}
        self.derivatives: dict[str, Array] = {}

    @property
    def top(self) -> str:
        return self.names.get(self.output) or self.recorded.names[self.output]

    def derivation(self) -> Derivation:
        users = self._users()
        self._shorts(users)
        for node in self._backward_order(users):
            self._add_step(node, users[node])
        for node in self.recorded.wrt:
            if node not in self.steps:
                self._add_constant_step(node)
        steps = _with_reused(list(self.steps.values()))
        wrt = {node: self.names[node] for node in self.recorded.wrt}
        quantities = tuple(self._quantities())  # last: names of constants are all known then
        return Derivation(
            self.top,
            quantities,
            tuple(steps),
            self._notices(),
            self.letters,
            self.derivatives,
            shares_of(self.output, wrt),
        )

    def _notices(self) -> tuple[Notice, ...]:
        """Points without a derivative, each with the named value that it leads to."""
        leads: dict[Node, str] = {}
        for node in reversed(self.chosen.order):
            mine = self.names.get(node, leads.get(node, self.top))
            for item in node.inputs:
                leads.setdefault(item, mine)
        return tuple(
            Notice(self.names.get(k.node, leads.get(k.node, self.top)), k.function, k.entries,
                   k.convention)
            for k in self.found_kinks
        )  # fmt: skip

    def _shorts(self, users: Mapping[Node, list[tuple[Node, Summands | None]]]) -> None:
        """δ2 for ∂E/∂Z2 where a matrix enters Z2."""
        for leaf in self.recorded.wrt:
            for user, _ in users.get(leaf, []):
                if leaf.ndim == 2 and user is not self.output and self.is_scalar:
                    name = self.names[user]
                    digits = name[len(name.rstrip("0123456789")) :]
                    short = "δ" + (digits or f"_{name}")
                    taken = [text for node, text in self.shorts.items() if node is not user]
                    self.shorts[user] = f"δ_{name}" if short in taken else short

    # -- the forward path -------------------------------------------------------------------------

    def _quantities(self) -> list[Quantity]:
        inputs = [node for node in self.recorded.inputs if node in self.names]
        rest = [node for node in self.names if node not in set(inputs)]
        computed = [self._quantity(node) for node in rest]
        captured = [
            Quantity(name, array.shape, None, array, False, is_number=array.ndim == 0)
            for name, array in self.reader.values.items()
        ]
        return [*(self._quantity(node) for node in inputs), *captured, *computed]

    def _quantity(self, node: Node) -> Quantity:
        definition = self._definition(node) if node.inputs else None
        active = node in self.chosen.active
        return Quantity(self.names[node], node.shape, definition, self.node_values[node], active)

    def _definition(self, node: Node) -> Expr:
        if node not in self.definitions:
            self.definitions[node] = self.reader.definition(node)
        return self.definitions[node]

    # -- the backward path ------------------------------------------------------------------------

    def _users(self) -> dict[Node, list[tuple[Node, Summands | None]]]:
        """For each quantity, those computed from it, each with its local Jacobian."""
        result: dict[Node, list[tuple[Node, Summands | None]]] = {}
        for top in reversed(self.chosen.quantities):
            if not top.inputs or (top is not self.output and top not in result):
                continue  # an argument, or a value whose every entry is dropped on the way
            for bottom, summands in self._local_jacobians(top).items():
                result.setdefault(bottom, []).append((top, summands))
        return result

    def _local_jacobians(self, top: Node) -> Mapping[Node, Summands | None]:
        try:
            return self.local.of(top, self.names, self.chosen.active)
        except Unstructured:
            return dict.fromkeys(self._named_below(top))

    def _named_below(self, top: Node) -> list[Node]:
        found: list[Node] = []
        pending, seen = list(top.inputs), set(top.inputs)
        while pending:
            node = pending.pop()
            if node in self.names and node in self.chosen.active:
                found.append(node)
                continue
            new = [item for item in node.inputs if item not in seen]
            seen.update(new)
            pending += new
        return found

    def _add_step(self, node: Node, users: list[tuple[Node, Summands | None]]) -> None:
        users = sorted(users, key=lambda pair: -pair[0].serial)
        parts = []
        for user, summands in users:
            definition = self._definition(user)
            with self.reader.seen_from(user):
                parts.append(self._part(node, user, summands, definition))
        local = total([part.expression for part in parts])
        rule = parts[0].factors[-1].rule if len(parts) == 1 else SEVERAL
        step = self._step(node, tuple(parts), local, rule)
        if len(users) == 1:
            self.chains[node] = parts[0].factors
            with self.reader.seen_from(users[0][0]):
                step = self._with_entry(step, node, *users[0])
        self.steps[node] = step

    def _step(self, node: Node, parts: tuple[Contribution, ...], local: Expr, rule: Rule) -> Step:
        values = {**self.values, **self.reader.values, **self.derivatives}
        array = evaluate(local, values)
        value = array.reshape(node.shape if self.is_scalar else self.output.shape + node.shape)
        name = self.names[node]
        self.partials[node] = Partial(self._shape_by(node), self.top, name)
        self.derivatives[partial_key(self.partials[node])] = array
        return Step(
            self.top, name, parts, local, self._expanded(local), dense_shape(local.shape)[:2],
            rule, value.astype(node.dtype), self.verifier.check(node, value),
            node in self.recorded.wrt, self.shorts.get(node, ""),
        )  # fmt: skip

    def _shape_by(self, node: Node) -> tuple[int | None, ...]:
        """The shape in notation of ∂output/∂node."""
        if not self.is_scalar:
            return (self.output.size, node.size)
        return row_shape(node.shape)

    def _expanded(self, local: Expr) -> Expr:
        """Earlier steps put in place of their symbols, unless that gets too long."""
        known = {
            (p.top, p.bottom): self.steps[node].expression
            for node, p in self.partials.items()
            if node in self.steps
        }
        whole = simplified(_substitute(local, known))
        whole = shortest(whole, self.local.written_out)
        if weight(whole) > LONGEST:
            return local
        back = simplified(_written_back(whole, self._definitions_of_numbers()))
        return back if weight(back) <= LONGEST else whole

    def _definitions_of_numbers(self) -> dict[str, Expr]:
        """What names stand for where all are numbers, as in (5.110); nothing elsewhere."""
        computed = [node for node in self.names if node.inputs]
        if any(node.ndim for node in self.names):
            return {}
        return {self.names[node]: self._definition(node) for node in computed}

    def _add_constant_step(self, node: Node) -> None:
        is_result = node is self.output
        shape = self._shape_by(node)
        if is_result:
            local: Expr = ONE if self.is_scalar else Identity(self.output.size)
        else:
            local = Zero(shape)
        self.steps[node] = self._step(node, (), local, ITSELF if is_result else INDEPENDENT)

    def _backward_order(
        self, users: Mapping[Node, list[tuple[Node, Summands | None]]]
    ) -> list[Node]:
        """From the result back; an argument comes as soon as all that it enters has come.

        Of several that come together, the one that was asked for first is first.
        """
        leaves = set(self.recorded.wrt)
        inner = [n for n in reversed(self.chosen.quantities) if n in users and n not in leaves]
        waiting = [node for node in reversed(self.chosen.quantities) if node in leaves & set(users)]
        done, result = {self.output}, []
        for node in [None, *inner]:
            if node is not None:
                result.append(node)
                done.add(node)
            ready = [leaf for leaf in waiting if all(user in done for user, _ in users[leaf])]
            waiting = [leaf for leaf in waiting if leaf not in ready]
            result += sorted(ready, key=self.recorded.place.__getitem__)
        return [node for node in result if node is not self.output]

    # -- one user of a quantity -------------------------------------------------------------------

    def _part(
        self, node: Node, user: Node, summands: Summands | None, definition: Expr
    ) -> Contribution:
        if summands is None:
            jacobian, rule = self._opaque(user, node), OPAQUE
        else:
            jacobian = self.local.expression(summands, user.shape, node.shape, True)
            bottom = Symbol(shape_of_array(node.shape), self.names[node])
            rule = rule_of(definition, jacobian, self.names[user], bottom)
        kind: Kind = "layer"
        if node in self.recorded.wrt:
            kind = "parameter"
        elif user is self.output:
            kind = "cost"
        factor = Factor(
            self.names[user], self.names[node], jacobian, dense_shape(jacobian.shape)[:2], kind,
            rule,
        )  # fmt: skip
        expression = self._pulled(node, user, summands, jacobian)
        return Contribution(self.names[user], expression, (*self._chain(user), factor))

    def _chain(self, user: Node) -> tuple[Factor, ...]:
        """The factors from the result to a quantity; its own derivative where paths meet."""
        if user is self.output:
            return ()
        known = self.chains.get(user)
        if known is not None:
            return known
        partial = self.partials[user]
        shape = dense_shape(partial.shape)[:2]
        kind: Kind = "cost"
        return (Factor(self.top, self.names[user], partial, shape, kind, CHAIN),)

    def _pulled(self, node: Node, user: Node, summands: Summands | None, jacobian: Expr) -> Expr:
        """∂E/∂user · ∂user/∂node."""
        if self.is_scalar and user.ndim == 0 and node.ndim > 1:  # in the shape of the array
            jacobian = (
                reshaped(jacobian, node.shape)
                if summands is None
                else self.local.expression(summands, (), node.shape, False)
            )
        if user is self.output:
            return jacobian
        outer = self.partials[user]
        plain = user.ndim < 2 and node.ndim < 2
        if not self.is_scalar or plain or user.ndim == 0:
            return product([outer, jacobian])
        try:
            return self._through(summands, user, node, outer)
        except Unstructured:
            flat = outer if user.ndim < 2 else transpose(Vec(outer))
            return reshaped(product([flat, jacobian]), node.shape)

    def _through(self, summands: Summands | None, user: Node, node: Node, outer: Expr) -> Expr:
        """The cotangent of an array pulled back through a local Jacobian, as notation."""
        if summands is None:
            raise Unstructured
        stand_in = new_input(user.shape, user.dtype)
        self.reader.known[stand_in] = Transpose(outer) if user.ndim == 1 else outer
        pulled = compositions([dense(stand_in, 0)], summands)
        return self.local.expression(pulled, (), node.shape, False)

    def _opaque(self, user: Node, node: Node) -> Expr:
        """A Jacobian that has no notation: a symbol with the numbers as its value."""
        symbol = Partial((user.size, node.size), self.names[user], self.names[node])
        (dense,) = run([dense_jacobian(user, node)])
        self.derivatives[partial_key(symbol)] = dense
        return symbol

    # -- one entry of a matrix --------------------------------------------------------------------

    def _with_entry(self, step: Step, node: Node, user: Node, summands: Summands | None) -> Step:
        """The derivative by one entry of a matrix that enters a column linearly."""
        if not (self.is_scalar and step.is_target and node.ndim == 2 and user.ndim == 1):
            return step
        if summands is None or not node.size:
            return step
        count = sum(other.entry is not None for other in self.steps.values())
        name = GREEK[count % len(GREEK)]
        tangent = new_input(node.shape, node.dtype)
        self.reader.known[tangent] = Partial(node.shape, self.names[node], name)
        try:
            pushed = compositions(summands, [dense(tangent, 2)])
        except Unstructured:
            return step
        inner = self.local.expression(pushed, user.shape, (), False)
        entry = Entry(
            name, self.names[node], (0, 0), self.names[user], inner, self._chain(user),
            float(step.value[0, 0]),
        )  # fmt: skip
        return replace(step, entry=entry)


def _substitute(expr: Expr, known: Mapping[tuple[str, str], Expr]) -> Expr:
    if isinstance(expr, Partial):
        return known.get((expr.top, expr.bottom), expr)
    if not expr.parts:
        return expr
    return replace_parts(expr, tuple(_substitute(item, known) for item in expr.parts))


def _written_back(expr: Expr, known: Mapping[str, Expr]) -> Expr:
    """Names replaced by what they stand for, down to the arguments."""
    if isinstance(expr, Symbol):
        inner = known.get(expr.name)
        return expr if inner is None else _written_back(inner, known)
    if not expr.parts:
        return expr
    return replace_parts(expr, tuple(_written_back(item, known) for item in expr.parts))


def _with_reused(steps: list[Step]) -> list[Step]:
    """Factors that the step of an earlier argument had already are marked."""
    seen: set[tuple[str, str]] = set()
    result = []
    for step in steps:
        parts = tuple(
            replace(part, factors=tuple(
                replace(item, reused=(item.top, item.bottom) in seen) for item in part.factors
            ))
            for part in step.parts
        )  # fmt: skip
        result.append(replace(step, parts=parts))
        if step.is_target:
            seen.update((f.top, f.bottom) for part in parts for f in part.factors)
    return result
