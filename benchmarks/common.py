"""What the benchmarks share: who is installed, on which machine, and how tables are written.

``--markdown`` prints the tables as a page of the documentation has them; ``--page FILE`` puts each
in its place there, between ``<!-- figures: NAME`` and ``<!-- end of figures -->``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.cli.measuring import processor, timed

__all__ = [
    "Table", "available", "installed", "options_of", "processor", "published", "ratio", "timed",
    "versions",
]  # fmt: skip

PEERS = ("jax", "torch", "casadi")
DISTRIBUTIONS = {"sklearn": "scikit-learn"}

LIMITS = ("CHAINRULE_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""Settings that belong to a figure, as the command line does."""


def installed(peers: Sequence[str] = PEERS) -> dict[str, str]:
    """Versions of the peers that can be imported; JAX is set to the CPU and to float64."""
    found = {}
    for name in peers:
        try:
            importlib.import_module(name)
            found[DISTRIBUTIONS.get(name, name)] = version(DISTRIBUTIONS.get(name, name))
        except ImportError:
            print(f"{name} is not installed: its columns stay empty", file=sys.stderr)
    if "jax" in found:
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)
    return found


def available(peers: Sequence[str]) -> dict[str, str]:
    """Versions of the peers that are there, without importing them."""
    return {
        DISTRIBUTIONS.get(name, name): version(DISTRIBUTIONS.get(name, name))
        for name in peers
        if importlib.util.find_spec(name) is not None
    }


def versions(peers: dict[str, str]) -> dict[str, str]:
    """Of chainrule, of what it runs on, and of the peers."""
    return {
        "chainrule": cr.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "llvmlite": version("llvmlite"),
        **peers,
    }


def medians(ways: dict[str, Callable[[], Any]], rounds: int, at_least: float) -> dict[str, float]:
    """Microseconds of each way, taken by turns.

    Parameters
    ----------
    ways : dict of functions
    rounds : int
    at_least : float
        Seconds that the clock sees at a time.
    """
    times: dict[str, list[float]] = {label: [] for label in ways}
    for _ in range(rounds):
        for label, run in ways.items():
            time.sleep(0.02)  # the one before may have threads that still spin
            times[label] += [ms * 1e3 for ms in timed(run, at_least)]
    return {label: statistics.median(found) for label, found in times.items()}


def ratio(theirs: float, ours: float) -> str:
    """How many times longer than ours."""
    times = theirs / ours
    return f"{times:.2f}×" if times < 10 else f"{times:,.0f}×"


# -- tables ---------------------------------------------------------------------------------------


@dataclass
class Table:
    """Rows of text under headings; the first column is aligned to the left."""

    name: str  # what the page calls it
    headings: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def text(self) -> str:
        lines = [list(self.headings), *map(list, self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.headings) - 1)]
        lines = (self.headings, rule, *self.rows)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def options_of(doc: str, rounds: int = 5) -> argparse.ArgumentParser:
    """A parser with what all benchmarks understand."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds, help="how often each has its turn")
    parser.add_argument("--quick", action="store_true", help="shorter turns, and fewer of them")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--page", type=Path, help="put the tables in their places on this page")
    return parser


def published(
    options: argparse.Namespace, tables: Sequence[Table], figures: dict[str, Any],
    peers: dict[str, str],
) -> None:  # fmt: skip
    """Print the tables, and write what was asked for."""
    about = versions(peers)
    machine = f"{processor()}; {', '.join(f'{name} {v}' for name, v in about.items())}"
    for table in tables:
        print(f"\n{table.markdown() if options.markdown else table.text()}")
    print(f"\n{machine}")
    if options.json:
        report = {
            "command": _command(),
            "cpu": processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            "versions": about,
            **figures,
        }
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if options.page:
        text = options.page.read_text("utf-8")
        for table in tables:
            text = placed(text, table, f"{_command()}, {date.today()}", machine)
        options.page.write_text(text, "utf-8")


def placed(text: str, table: Table, command: str, machine: str) -> str:
    """A page with a table's figures renewed; as it was where it has no place for them."""
    place = re.compile(
        rf"<!-- figures: {re.escape(table.name)};.*?-->\n.*?<!-- end of figures -->", re.DOTALL
    )
    new = (
        f"<!-- figures: {table.name}; {command} -->\n{table.markdown()}\n\n"
        f"{machine}.\n<!-- end of figures -->"
    )
    return place.sub(lambda _: new, text)


def _command() -> str:
    """The command line without what only says where the figures go."""
    words, kept = list(sys.argv[1:]), []
    while words:
        word = words.pop(0)
        if word in ("--json", "--page"):
            words.pop(0)
        elif word != "--markdown":
            kept.append(word)
    limits = [f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ]
    return " ".join([*limits, "python", f"benchmarks/{Path(sys.argv[0]).name}", *kept])
