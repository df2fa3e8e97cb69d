"""Gradients by another argument than the one that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.checking.findings import Comparison, Finding
from chainrule.checking.naming import Words
from chainrule.checking.trials import Trial
from chainrule.differentiate.entries import dense_jacobian
from chainrule.graph.node import INPUT, Node
from chainrule.graph.walk import topological


def other_arguments(
    trials: list[Trial], comparisons: list[Comparison], which: int, words: Words
) -> Iterator[Finding]:
    """The gradient by each other argument, where that is what was given, at all points."""
    recorded = trials[0].recorded
    output, leaf = recorded.output, recorded.wrt[which]
    outer = comparisons[0].given.shape
    for place, node in enumerate(_inputs(output)):
        is_other = node is not leaf and node.differentiable and words.has_name(node)
        if not is_other or outer not in (node.shape, output.shape + node.shape):
            continue
        if all(_is_by(t, c, place) for t, c in zip(trials, comparisons, strict=True)):
            says = f"is {words.partial(output, node)}: the gradient by another argument"
            yield Finding("another argument", says, 1.6)


def _inputs(output: Node) -> list[Node]:
    """The arguments in the order in which they were made, the same for every program."""
    found = [node for node in topological([output]) if node.primitive is INPUT]
    return sorted(found, key=lambda node: node.serial)


def _is_by(trial: Trial, comparison: Comparison, place: int) -> bool:
    output = trial.recorded.output
    inputs = _inputs(output)
    if place >= len(inputs):
        return False
    value = trial.values(dense_jacobian(output, inputs[place]))
    if value.size != comparison.given.size:
        return False
    return comparison.is_near(value.reshape(comparison.given.shape))
