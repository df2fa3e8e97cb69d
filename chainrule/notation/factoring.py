"""Factors that all terms of a sum share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.notation.algebra import Expr, Identity, Product
from chainrule.notation.pieces import assembled, scalars_and_matrices


class Shared(NamedTuple):
    """A sum as ``scalars · front · (sum of rests) · back``."""

    scalars: list[Expr]
    front: list[Expr]
    rests: list[Expr]
    back: list[Expr]


def shared_factors(terms: Sequence[Expr]) -> Shared | None:
    """What all terms begin or end with, taken out of the sum; None if that is nothing."""
    split = [scalars_and_matrices(item) for item in terms]
    shared = [item for item in split[0][1] if all(item in scalars for _, scalars, _ in split[1:])]
    if any(len(set(scalars)) < len(scalars) for _, scalars, _ in split):
        shared = []
    chains = [list(matrices) for _, _, matrices in split]
    front = _shared_end(chains, from_left=True)
    chains = [chain[len(front) :] for chain in chains]
    back = _shared_end(chains, from_left=False)
    chains = [chain[: len(chain) - len(back)] for chain in chains]
    if not (shared or front or back):
        return None
    size = front[-1].shape[1] if front else back[0].shape[0] if back else None
    rests = []
    for (scale, scalars, _), chain in zip(split, chains, strict=True):
        own = [item for item in scalars if item not in shared]
        filled = [Identity(size)] if size is not None and not chain and any(chains) else chain
        rests.append(assembled(scale, own, filled))
    return Shared(shared, front, rests, back)


def _shared_end(chains: Sequence[Sequence[Expr]], from_left: bool) -> list[Expr]:
    """The factors that all chains begin (or end) with, as many as leave a sum that fits."""
    count = 0
    for k in range(min(len(chain) for chain in chains)):
        place = k if from_left else -1 - k
        if any(chain[place] != chains[0][place] for chain in chains[1:]):
            break
        count += 1
    while count and not _may_leave(chains, count, from_left):
        count -= 1
    first = chains[0]
    return list(first[:count] if from_left else first[len(first) - count :])


def _may_leave(chains: Sequence[Sequence[Expr]], count: int, from_left: bool) -> bool:
    """Whether what is left over adds up: matrices of one shape, an identity for what is empty."""
    rests = [chain[count:] if from_left else chain[: len(chain) - count] for chain in chains]
    full = [Product(tuple(chain)).shape for chain in rests if chain]
    inner = chains[0][count - 1].shape[1] if from_left else chains[0][-count].shape[0]
    if not full:
        return True
    return inner is not None and (len(full) == len(rests) or set(full) == {(inner, inner)})
