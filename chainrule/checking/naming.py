"""What nodes are called in a sentence: the user's own names, or the code they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chainrule.graph.node import INPUT, Node, bracketed, is_constant
from chainrule.graph.program import ATOM, constant_text
from chainrule.graph.walk import topological
from chainrule.notation.names import written
from chainrule.primitives.arithmetic import reciprocal
from chainrule.primitives.contraction import CONTRACT
from chainrule.primitives.elementwise import Elementwise
from chainrule.primitives.selections import SLICE, whole
from chainrule.primitives.stated import MULTIPLIED

LONGEST = 48
"""Characters of code that fit into a sentence."""


class Words(NamedTuple):
    """Names for the nodes of a program."""

    names: Mapping[Node, str]

    def has_name(self, node: Node) -> bool:
        """Whether the user named the value."""
        return node in self.names

    def of(self, node: Node) -> str:
        """The user's name for a node, or the code that computes it from what has one."""
        return self.names[node] if node in self.names else _shortened(self._text(node))

    def code(self, node: Node) -> str:
        """The code that computes a node, even if it has a name."""
        return _shortened(self._text(node))

    def derivative(self, result: Node, argument: Node) -> str:
        """The derivative of a function of elements: ``σ′(Z2)``, or ``∂f1/∂Z1``."""
        name = function_name(result)
        if name and argument in result.inputs:
            return f"{written(name).text}′({self.of(argument)})"
        return f"∂{self._bracketed(result)}/∂{self._bracketed(argument)}"

    def function(self, result: Node, argument: Node) -> str:
        """The function itself in words: ``sigmoid``, or ``f1 = 1 / (1 + exp(-Z1))``."""
        name = function_name(result)
        if name and argument in result.inputs:
            return name
        return self._text_from(result, argument)

    def step(self, node: Node) -> str:
        """What a node does, in words: ``softmax``, or the code of a product."""
        return self.code(node) if node.primitive is CONTRACT else node.primitive.name

    def partial(self, output: Node, by: Node) -> str:
        """``∂E/∂Z2``."""
        return f"∂{self._bracketed(output)}/∂{self._bracketed(by)}"

    def _bracketed(self, node: Node) -> str:
        text = self.of(node)
        return text if text.replace("_", "").isalnum() else f"({text})"

    def _text_from(self, result: Node, argument: Node) -> str:
        text = self.code(result)
        return f"{self.names[result]} = {text}" if result in self.names else text

    def _text(self, wanted: Node) -> str:
        texts: dict[Node, tuple[str, int]] = {}
        for node in topological([wanted], stop=lambda n: n in self.names and n is not wanted):
            if node is not wanted and node in self.names:
                texts[node] = (self.names[node], ATOM)
            elif is_constant(node):
                texts[node] = (constant_text(node), ATOM)
            elif node.primitive is INPUT:
                texts[node] = (self.names.get(node, "a constant"), ATOM)
            elif node.primitive is SLICE:
                texts[node] = _slice_text(node, texts[node.inputs[0]][0])
            elif node.primitive is reciprocal:
                texts[node] = f"1 / {bracketed(texts[node.inputs[0]], MULTIPLIED + 1)}", MULTIPLIED
            else:
                texts[node] = node.primitive.text(node, [texts[item] for item in node.inputs])
        return texts[wanted][0]


def _slice_text(node: Node, array: str) -> tuple[str, int]:
    """``x[0]``, ``x[:, 1:3]``."""
    keys = []
    for part, size in zip(node.params, node.inputs[0].shape, strict=True):
        if part == whole(size):
            keys.append(":")
        elif part.length == 1:
            keys.append(str(part.start))
        else:
            step = f":{part.step}" if part.step != 1 else ""
            keys.append(
                f"{part.start}:{part.slice.stop if part.slice.stop is not None else ''}{step}"
            )
    while len(keys) > 1 and keys[-1] == ":":
        keys.pop()
    base = array if array.replace("_", "").isalnum() else f"({array})"
    return f"{base}[{', '.join(keys)}]", ATOM


def function_name(node: Node) -> str:
    """The name of a function of one argument; empty for operators and everything else."""
    row = node.primitive
    is_function = isinstance(row, Elementwise) and row.infix is None
    return row.name if is_function and len(node.inputs) == 1 else ""


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
