"""Values of nodes at the point of a derivation, each computed once."""

from __future__ import annotations

import numpy as np

from chainrule.graph.node import Array, Node
from chainrule.graph.walk import topological


class NodeValues(dict[Node, Array]):
    """The value of every node of a forward path; of others it is computed from theirs when asked.

    Comparisons are taken from here rather than made again: what is computed in another order is
    rounded differently, and no entry of an array is then equal to its smallest.
    """

    def __missing__(self, node: Node) -> Array:
        order = topological([node], stop=lambda item: item in self)
        with np.errstate(all="ignore"):
            for item in order:
                if item in self:
                    continue
                value = item.value
                if value is None:
                    inputs = [self[part] for part in item.inputs]
                    value = np.asarray(item.primitive.bind(item)(*inputs))
                self[item] = value
        return self[node]
