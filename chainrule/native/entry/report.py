"""What became of a function: which parts are native, how much they do, how they are shared out."""

from __future__ import annotations

from math import prod

from chainrule.graph.program import Graph
from chainrule.native.entry.making import Made
from chainrule.native.plan.gathers import Gather
from chainrule.native.plan.loops import Apply
from chainrule.native.plan.products import Pack, Product
from chainrule.native.plan.stages import External, Native, Planned, Stage
from chainrule.native.run.program import NativeProgram
from chainrule.native.run.threads import get_threads


def described(made: Made) -> str:
    """A program's arguments, its steps, and its work, in lines of text."""
    inputs = made.recorded.inputs
    arguments = ", ".join(f"{node.dtype}{list(node.shape)}" for node in inputs)
    lines = [f"for {arguments or 'no arrays'}, made in {made.seconds * 1e3:.0f} ms"]
    if isinstance(made.run, NativeProgram):
        lines += [f"  {_step_text(step)}" for step in made.run.plan.steps]
        lines.append(f"  {_work(made, made.run)}")
    else:
        lines.append(f"  interpreted with NumPy: {made.interpreted}")
    return "\n".join(lines)


def _work(made: Made, run: NativeProgram) -> str:
    """Operations, bytes and threads."""
    outputs = made.recorded.outputs
    operations = Graph(tuple(made.recorded.inputs), tuple(outputs)).operations
    moved = sum(_bytes(step) for step in run.plan.steps if not isinstance(step, External))
    stages = [stage for stage in run.plan.stages if isinstance(stage, Stage)]
    shared = [stage for stage in stages if stage.blocks > 1] if run.is_shared else []
    threads = f"up to {get_threads()} threads" if shared else "one thread"
    return f"{operations:,} operations, {moved:,} bytes to and from memory, {threads}"


def _bytes(step: Native) -> int:
    """What a step reads and writes, each element once."""
    return sum(
        access.array.dtype.itemsize
        * prod(n for n, move in zip(step.shape, access.steps, strict=False) if move)
        for access in (*step.reads, *step.writes)
    )


def _step_text(step: Planned) -> str:
    if isinstance(step, Product):
        m, n, k = step.shape[-3:]
        return f"native  product of [{m}, {k}] and [{k}, {n}]"
    if isinstance(step, Gather):
        how = "rows added up at" if step.adds else "rows picked from"
        return f"native  {how} {step.size} places: {list(step.shape)}"
    if isinstance(step, Pack):
        return f"native  copy of [{step.shape[1]}, {step.columns}] in strips"
    if isinstance(step, External):
        shapes = " and ".join(str(list(item.shape)) for item in step.node.inputs)
        return f"NumPy   {step.node.primitive.name} of {shapes} -> {list(step.node.shape)}"
    work = sum(isinstance(item, Apply) for item in step.body)
    parts = [f"{work} operations an element"]
    parts += [f"{len(step.stores)} results"] if step.stores else []
    parts += [f"{len(step.reductions)} sums"] if step.reductions else []
    return f"native  loop over {list(step.shape)}: {', '.join(parts)}"
