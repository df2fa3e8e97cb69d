"""Labelled products of complex arrays, through which a complex step runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.graph.node import Array
from chainrule.primitives.products import Spec, multiplications

LARGE = 10**5  # multiplications, from which on einsum should look for matrix products


@lru_cache(maxsize=2048)
def product_of_complex(spec: Spec) -> Callable[..., Array]:
    """The labelled product by einsum; the planned one conjugates what is complex in places."""
    distinct = tuple(dict.fromkeys(spec.out))
    used = {label for labels in spec.operands for label in labels}
    kept = [label for label in distinct if label in used]
    labels = [list(item) for item in spec.operands]
    index = tuple(slice(None) if label in used else None for label in distinct)
    shape = tuple(spec.sizes[label] for label in distinct)
    optimize = multiplications(spec) > LARGE

    def run(*arrays: Array) -> Array:
        pairs: list[Any] = []
        for array, own in zip(arrays, labels, strict=True):
            pairs += [array, own]
        core: Any = np.einsum(*pairs, kept, optimize=optimize) * spec.scale
        core = np.asarray(core)[index]
        if core.shape != shape:
            core = np.broadcast_to(core, shape)
        if len(distinct) == len(spec.out):
            return np.asarray(core)
        result = np.zeros(tuple(spec.sizes[label] for label in spec.out), core.dtype)
        grids = dict(zip(distinct, np.ogrid[tuple(slice(0, n) for n in shape)], strict=True))
        result[tuple(grids[label] for label in spec.out)] = core
        return result

    return run
