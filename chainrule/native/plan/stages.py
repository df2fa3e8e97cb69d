"""Steps gathered into stages: what runs block by block over one range of rows.

Steps belong to one stage where each needs, of what the others compute, only the rows at hand. A
block of rows then passes through all of them while it is in the cache, and the blocks of a stage
can be shared out among threads. Sizes and numbers of blocks follow from the program alone, never
from the number of threads, and sums over rows are added up block by block in the same order: the
results are the same to the bit for any number of threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil, prod
from typing import NamedTuple

from chainrule.graph.node import Node, new_input
from chainrule.native.plan.gathers import Gather
from chainrule.native.plan.loops import Access, Apply, Load, Loop, Reduction, collapsed
from chainrule.native.plan.products import Pack, Product
from chainrule.native.plan.views import view_of
from chainrule.primitives.elementwise import ROWS
from chainrule.primitives.stated import ONE_INSTRUCTION

ALIGNED = 16
"""Blocks begin at multiples of it: no vector register has more lanes."""
SMALL = 4_000.0
"""Nanoseconds below which a stage is not worth sharing."""
BLOCK_BYTES = 128 << 10
"""What a block of elementwise work may touch: half of a usual second-level cache."""
MOST_BLOCKS = 256
CACHE = 1 << 20
"""Bytes that a thread can expect to keep near."""
PRODUCT_ROWS = (16, 64)
"""Rows of a block with matrix products: fewer cost speed, more leave nothing to share."""
MOST_PARTIAL = 1 << 22
"""Elements that the partial sums of all blocks may take."""

ADDITIONS = 20.0
"""Of eight bytes, as many as a thread makes in a nanosecond."""


class External(NamedTuple):
    """A node that runs as its primitive says, on whole arrays."""

    node: Node


Native = Loop | Product | Pack | Gather
Planned = Native | External


class Share(NamedTuple):
    """A step of a stage.

    Attributes
    ----------
    step : Loop, Product, Pack or Gather
    axis : int
        The axis of the step's shape that runs over the stage's rows.
    per_row : int
        Elements along that axis for each row.
    """

    step: Native
    axis: int = 0
    per_row: int = 1


class Stage(NamedTuple):
    """Steps that run block by block over the same rows, or whole, one after the other.

    Attributes
    ----------
    parts : tuple of Share
    rows : int
        The range that is shared out.
    block : int
        Rows of a block, of which the last may have fewer.
    local : frozenset of Node
        Arrays of which only the block at hand exists.
    partial : dict
        Arrays that collect sums over rows, with a place for each block's contribution.
    nanoseconds : float
        About how long one thread takes.
    """

    parts: tuple[Share, ...]
    rows: int
    block: int
    local: frozenset[Node]
    partial: dict[Node, Node]
    nanoseconds: float

    @property
    def blocks(self) -> int:
        return ceil(self.rows / self.block)

    @property
    def reads(self) -> set[Node]:
        """Arrays that are read."""
        return {a.array for part in self.parts for a in part.step.reads}

    @property
    def writes(self) -> set[Node]:
        """Arrays that are written."""
        return {self.partial.get(a.array, a.array) for p in self.parts for a in p.step.writes}


def staged(steps: Sequence[Planned], outputs: Sequence[Node]) -> list[Stage | External]:
    """Stages for steps that are given in an order in which they can run."""
    remaining = list(steps)
    made: list[Stage | External] = []
    later = Counter(array for step in steps for array in _used_by(step))
    lasting = {view_of(node).base for node in outputs}  # and whatever is written by several stages
    while remaining:
        first = remaining[0]
        if isinstance(first, External):
            made.append(first)
            remaining.pop(0)
            later.subtract(_used_by(first))
            continue
        taken = _together(remaining)
        ids = set(map(id, taken))
        remaining = [step for step in remaining if id(step) not in ids]
        later.subtract(array for step in taken for array in _used_by(step))
        own = {array for step in taken for array in _made_by(step)}
        needed = {array for array in own if later[array] or array in lasting}
        lasting |= own
        stage, finishing = _stage(taken, needed)
        remaining[:0] = finishing
        later.update(array for step in finishing for array in _used_by(step))
        if made and _both_whole(made[-1], stage):
            made[-1] = _merged(made[-1], stage)
        else:
            made.append(stage)
    return made


def nanoseconds(step: Native) -> float:
    """About how long a step takes, in one thread."""
    if isinstance(step, Product):
        return 20 + step.multiplications * step.dtype.itemsize / 4 * 0.01
    if isinstance(step, Pack):
        return 20 + prod(step.shape) * 0.1
    if isinstance(step, Gather):
        return 20 + prod(step.shape) * 0.5
    each = sum(
        _additions(item.name) / ADDITIONS * item.dtype.itemsize / 8
        for item in step.body
        if isinstance(item, Apply)
    )
    return 10 + step.size * (each + 0.03 * len(step.accesses))


def _additions(name: str) -> int:
    """What an element of a function costs; a loop's own products and casts have no row."""
    return ROWS[name].cost if name in ROWS else ONE_INSTRUCTION


# -- which steps share a stage --------------------------------------------------------------------


def _together(steps: Sequence[Planned]) -> list[Native]:
    """The first step, and all that can go through its rows with it."""
    first = steps[0]
    assert not isinstance(first, External)
    rows, taken = _rows(first), [first]
    if isinstance(first, Pack):
        strips = first.out.array
        own = [
            step
            for step in steps[1:]
            if isinstance(step, Product) and _is_by_strips(step) and step.reads[1].array is strips
        ]
        awaited = Counter(array for step in steps[1:] for array in _made_by(step))
        return taken + [step for step in own if not awaited[step.left.array]]
    if rows < 2 * ALIGNED:
        return taken
    awaited = Counter(array for step in steps[1:] for array in _made_by(step))
    cleared: set[Node] = set()  # later, by steps that are not taken
    for step in steps[1:]:
        if (
            not isinstance(step, External)
            and _rows(step) == rows
            and not isinstance(step, Pack)
            and not _is_by_strips(step)
            and not any(awaited[access.array] for access in step.reads)
            and not any(access.array in cleared for access in step.writes)
            and _stays_in_rows(step, taken, rows)
        ):
            taken.append(step)
            awaited -= Counter(_made_by(step))
        elif isinstance(step, Loop) and not step.reads:
            cleared |= _made_by(step)
    return taken


def _is_by_strips(step: Planned) -> bool:
    return isinstance(step, Product) and step.whole is not None


def _rows(step: Native) -> int:
    return step.shape[0] if step.shape else 1


def _made_by(step: Planned) -> set[Node]:
    return {step.node} if isinstance(step, External) else {a.array for a in step.writes}


def _used_by(step: Planned) -> set[Node]:
    """Arrays that are read or written."""
    if isinstance(step, External):
        return {step.node, *(view_of(item).base for item in step.node.inputs)}
    return {access.array for access in (*step.reads, *step.writes)}


def _stays_in_rows(step: Native, taken: Sequence[Native], rows: int) -> bool:
    """Whether a step has to do only with the rows at hand of what the others write."""
    written = [(access, item.shape) for item in taken for access in item.writes]
    return all(
        in_row(source, shape, rows) and in_row(access, step.shape, rows)
        for access in (*step.reads, *step.writes)
        for source, shape in written
        if source.array is access.array
    )


def in_row(access: Access, shape: tuple[int, ...], rows: int) -> bool:
    """Whether index i along the first axis reaches the i-th share of the array and no other."""
    size = access.array.size
    if size % rows or not access.steps or access.steps[0] != size // rows:
        return False
    reach = [step * (n - 1) for step, n in zip(access.steps[1:], shape[1:], strict=True)]
    low = access.offset + sum(r for r in reach if r < 0)
    high = access.offset + sum(r for r in reach if r > 0)
    return low >= 0 and high < size // rows


# -- one stage ------------------------------------------------------------------------------------


def _stage(steps: Sequence[Native], needed: set[Node]) -> tuple[Stage, list[Native]]:
    """A stage of some steps, and what has to run after it to finish its sums.

    ``needed`` are those of the arrays that they write which other stages have to do with.
    """
    time = sum(nanoseconds(step) for step in steps)
    rows = _rows(steps[0])
    over_rows = [access for step in steps for access in _sums_over_rows(step)]
    parts = [_part(step, rows) for step in steps]
    flat = {part.per_row for part in parts if isinstance(part.step, Loop)}
    if len(parts) == 1 and flat and parts[0].per_row > 1 and len(parts[0].step.shape) == 1:
        rows, parts = rows * parts[0].per_row, [Share(parts[0].step)]
    block = _block(parts, rows, time)
    partial_size = sum(access.array.size for access in over_rows) * ceil(rows / block)
    if time < SMALL or block >= rows or partial_size > MOST_PARTIAL:
        whole = tuple(
            Share(collapsed(step)) if isinstance(step, Loop) else Share(step) for step in steps
        )
        return Stage(whole, 1, 1, frozenset(), {}, time), []
    blocks = ceil(rows / block)
    partial = {
        access.array: new_input((blocks, *access.array.shape), access.array.dtype)
        for access in over_rows
    }
    written = [(access, step.shape) for step in steps for access in step.writes]
    outside = {a.array for a, shape in written if not in_row(a, shape, _rows(steps[0]))}
    local = {a.array for a, _ in written} - needed - partial.keys() - outside
    finishing: list[Native] = []
    stage_parts = []
    for part in parts:
        step, loops = _collecting(part.step, partial)
        finishing += loops
        stage_parts.append(part._replace(step=step))
    return Stage(tuple(stage_parts), rows, block, frozenset(local), partial, time), finishing


def _part(step: Native, rows: int) -> Share:
    """A step with as few axes as its rows allow."""
    if not isinstance(step, Loop):
        return Share(step)
    short = collapsed(step)
    if short.shape and short.shape[0] % rows == 0:
        return Share(short, 0, short.shape[0] // rows)
    return Share(step)


def _sums_over_rows(step: Native) -> list[Access]:
    if not isinstance(step, Loop):
        return []
    accesses = [item.access for item in step.reductions]
    return [access for access in accesses if access.steps and not access.steps[0]]


def _block(parts: Sequence[Share], rows: int, time: float) -> int:
    """Rows of a block."""
    if any(isinstance(p.step, Pack) or _is_by_strips(p.step) for p in parts):
        return ceil(rows / 8)
    products = [part.step for part in parts if isinstance(part.step, Product)]
    if products:
        low, high = PRODUCT_ROWS
        if any(step.shape[-2] * step.shape[-1] * step.dtype.itemsize > CACHE for step in products):
            low *= 2  # every block reads all of it from further away
        wanted = min(max(ceil(rows / 8), low), high)
    else:
        row_bytes = sum(
            access.array.dtype.itemsize * prod(part.step.shape) / rows
            for part in parts
            for access in (*part.step.reads, *part.step.writes)
        )
        wanted = max(ceil(BLOCK_BYTES / row_bytes), ceil(rows / MOST_BLOCKS))
        wanted = min(wanted, max(ceil(rows / 8), int(rows * SMALL / time / 4)))
    return ceil(wanted / ALIGNED) * ALIGNED


def _collecting(step: Native, partial: dict[Node, Node]) -> tuple[Native, list[Loop]]:
    """A step that adds up each block for itself, and the loops that add up the blocks."""
    if not isinstance(step, Loop) or not any(r.access.array in partial for r in step.reductions):
        return step, []
    own = [r._replace(scale=1.0) if r.access.array in partial else r for r in step.reductions]
    finishing = [
        _over_blocks(r, partial[r.access.array])
        for r in step.reductions
        if r.access.array in partial
    ]
    return step._replace(reductions=tuple(own)), finishing


def _over_blocks(entry: Reduction, source: Node) -> Loop:
    target = entry.access.array
    count, size = source.shape[0], prod(target.shape)
    access = Access(target, (0, 1))
    return Loop(
        (count, size),
        (Load(Access(source, (size, 1)), target.dtype),),
        (),
        (Reduction(0, access, entry.kind, entry.scale),),
    )


# -- stages that are not shared -------------------------------------------------------------------


def _both_whole(first: Stage | External, second: Stage) -> bool:
    return isinstance(first, Stage) and first.blocks == 1 and second.blocks == 1


def _merged(first: Stage | External, second: Stage) -> Stage:
    assert isinstance(first, Stage)
    return first._replace(
        parts=first.parts + second.parts, nanoseconds=first.nanoseconds + second.nanoseconds
    )
