"""The native function that goes through epochs, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.native.code.barrier import barrier
from chainrule.native.code.builder import Function
from chainrule.native.code.ir import Module, Value, constant
from chainrule.native.code.segment import ARGUMENTS
from chainrule.native.code.shuffling import shuffle
from chainrule.native.run.program import write_segment
from chainrule.native.run.training_steps import Batches, Made

POINTERS = ("order", "seeds", "costs", "table", "short")


def write_epochs(module: Module, parts: Sequence[Made], tables: int, batches: Batches) -> None:
    """``epochs(job, meeting, thread, threads, first, last, start)``."""
    for number, part in enumerate(parts):
        write_segment(module, f"step{number}", part.stages, part.layout)
    numbers = [("i64", name) for name in ("first", "last", "start")]
    f = Function(module, "epochs", [("ptr", "job"), *ARGUMENTS[1:], *numbers])
    job, meeting, thread, threads, first, last, start = f.arguments
    order, seeds, costs, table, short = (
        f.load(f.at(job, place, "ptr"), "ptr") for place in range(len(POINTERS))
    )
    own_tables = [table, short]
    sources = [f.load(f.at(job, len(POINTERS) + k, "ptr"), "ptr") for k in range(tables)]
    is_first = f.compare("eq", thread, 0)
    whole = batches.size >= batches.rows
    with f.loop(first, last) as step_number:
        epoch = f.div(step_number, batches.per_epoch)
        batch = f.sub(step_number, f.mul(epoch, batches.per_epoch))
        if not whole:
            with f.if_(f.compare("eq", batch, 0)):
                with f.if_(is_first):
                    shuffle(f, order, batches.rows, f.load(f.at(seeds, epoch, "i64"), "i64"))
                barrier(f, meeting, threads)
        cost = f.at(costs, f.mul(f.sub(step_number, start), _cost_size(parts[0])), "i8")

        def step(which: int, batch: Value = batch, cost: Value = cost) -> None:
            part, place = parts[which], own_tables[which]
            if not whole:
                rows = batches.short if which else batches.size
                begin = f.at(order, f.mul(batch, batches.size), "i64")
                _gather(f, part, place, sources, begin, rows, (thread, threads))
            barrier(f, meeting, threads)
            f.call(f"step{which}", "void", place, meeting, thread, threads)
            with f.if_(is_first):
                _finish(f, part, place, cost)

        if not batches.full or not batches.short or whole:
            step(0)
        else:
            is_full = f.compare("lt", batch, batches.full)
            with f.if_(is_full):
                step(0)
            with f.if_(f.invert(is_full)):
                step(1)
        if any(part.copied for part in parts):
            barrier(f, meeting, threads)
    barrier(f, meeting, threads)
    f.ret()


def _cost_size(part: Made) -> int:
    return int(part.step.outputs[0].dtype.itemsize)


def _gather(
    f: Function, part: Made, table: Value, sources: Sequence[Value], order: Value, rows: int,
    share: tuple[Value, Value],
) -> None:  # fmt: skip
    """Copy the rows of a batch to where the step reads them; each thread does its share."""
    thread, threads = share
    begin = f.div(f.mul(thread, rows), threads)
    end = f.div(f.mul(f.add(thread, 1), rows), threads)
    nodes = part.step.inputs[len(part.step.inputs) - len(sources) :]
    targets = [f.load(f.at(table, part.layout.places[node], "ptr"), "ptr") for node in nodes]
    with f.loop(begin, end) as row:
        index = f.load(f.at(order, row, "i64"), "i64")
        for node, source, target in zip(nodes, sources, targets, strict=True):
            size = node.size // rows * node.dtype.itemsize
            _copy(
                f,
                f.at(target, f.mul(row, size), "i8"),
                f.at(source, f.mul(index, size), "i8"),
                size,
            )


def _copy(f: Function, target: Value, source: Value, size: int) -> None:
    name = "llvm.memcpy.p0.p0.i64"
    f.module.declare(name, "void", ["ptr", "ptr", "i64", "i1"])
    count = constant("i64", size)
    f.line(f"call void @{name}({target}, {source}, {count}, i1 false)")


def _finish(f: Function, part: Made, table: Value, cost: Value) -> None:
    """Keep the cost, and copy what could not be written in its place."""
    places = part.layout.places
    kind = {4: "float", 8: "double"}[_cost_size(part)]
    found = f.load(f.at(table, places[part.plan.outputs[0]], "ptr"), "ptr")
    f.store(f.load(found, kind), cost)
    for new, old in part.copied:
        target, source = (f.load(f.at(table, places[node], "ptr"), "ptr") for node in (old, new))
        _copy(f, target, source, new.size * new.dtype.itemsize)
