"""The progress bar of training: epoch, cost, validation cost, time left; on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, int, float, float | None], None]
"""Takes the epoch, the steps done, the cost, and the validation cost if there is one."""


def silent(epoch: int, done: int, cost: float, validation: float | None) -> None:
    """Show nothing."""


@contextmanager
def progress_bar(shown: bool, epochs: int, steps: int) -> Iterator[Show]:
    """Show a bar while the block runs, if it was asked for and stderr is a terminal.

    Parameters
    ----------
    shown : bool
        Whether it was asked for.
    epochs, steps : int
        How many epochs and how many steps there will be.
    """
    if not shown:
        yield silent
        return
    # Imported here: rich takes 30 ms and more, and only a bar needs it.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    fields = TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}")
    costs = TextColumn("{task.fields[costs]}")
    columns = (fields, BarColumn(), costs, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("train", total=steps, epoch=0, epochs=epochs, costs="")

        def show(epoch: int, done: int, cost: float, validation: float | None) -> None:
            bar.update(task, completed=done, epoch=epoch, costs=spelled(cost, validation))

        yield show


def spelled(cost: float, validation: float | None) -> str:
    """The costs as the bar shows them."""
    text = f"cost {cost:.4g}"
    return text if validation is None else f"{text}, validation {validation:.4g}"
