"""Runs the code of a Markdown page and compares what it prints with what the page says."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```[ \t]*$", re.M | re.S)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?", re.I)
COMMAND = "import sys; from chainrule.cli import main; sys.argv[0] = 'chainrule'; main()"


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, text, first line in the page, and the output it announces."""

    language: str
    text: str
    line: int
    expected: str | None = None


def blocks(page: str) -> list[Block]:
    """Every fenced block; a ``text`` block right below a ``python`` block is its output."""
    fences = list(FENCE.finditer(page))
    found = []
    for fence, after in itertools.zip_longest(fences, fences[1:]):
        announces = (
            after is not None
            and after["language"] in ("text", "output")
            and not page[fence.end() : after.start()].strip()
        )
        line = page.count("\n", 0, fence.start("text")) + 1
        expected = after["text"] if announces else None
        found.append(Block(fence["language"], fence["text"], line, expected))
    return found


def run_page(path: Path) -> int:
    """Execute a page's ``python`` and ``console`` blocks in order; return how many there were."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    executed = 0
    for block in blocks(path.read_text("utf-8")):
        if block.language == "python":
            printed = run_python(block, namespace, path)
            if block.expected is not None:
                problem = difference(block.expected, printed)
                assert not problem, f"{path.name}:{block.line}: {problem}"
        elif block.language == "console":
            run_console(block, path)
        else:
            continue
        executed += 1
    return executed


def run_python(block: Block, namespace: dict[str, Any], path: Path) -> str:
    """What the block prints; line numbers in a traceback are those of the page."""
    code = compile("\n" * (block.line - 1) + block.text, str(path), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    return printed.getvalue()


def run_console(block: Block, path: Path) -> None:
    """Run the ``$ chainrule …`` lines; lines below them are what the page says is printed."""
    for command, expected in commands(block.text):
        words = shlex.split(command, comments=True)
        assert words[0] == "chainrule", f"{path.name}:{block.line}: cannot run {command!r}"
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *words[1:]],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        said = f"{path.name}:{block.line}: $ {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, said
        assert "Traceback" not in done.stderr, said
        problem = difference(expected, done.stdout) if expected.strip() else ""
        assert not problem, f"{said}\n{problem}"


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of a command, without its ``$``, and the lines below it."""
    for piece in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = piece.partition("\n")
        yield command, expected


def difference(expected: str, printed: str) -> str:
    """Say how what was printed differs from the page; empty when it agrees.

    Runs of white space are one space and ``...`` stands for anything. A number with four decimals
    or more may differ by one unit of its last place, any other only by rounding errors.
    """
    words = re.split(r"(\.\.\.|\s+)", expected.strip())
    match = re.fullmatch("".join(map(_pattern, words)), printed.strip(), re.S)
    shown = f"the page says\n{expected}\nand the code prints\n{printed}"
    if match is None:
        return shown
    wanted = [number for word in words for number in NUMBER.findall(word)]
    wrong = [
        f"{number} became {got}"
        for number, got in zip(wanted, match.groups(), strict=True)
        if not _agrees(number, got)
    ]
    return f"{', '.join(wrong)}: {shown}" if wrong else ""


def _pattern(word: str) -> str:
    if word == "...":
        return ".*?"
    if word.isspace():
        return r"\s+"
    return rf"({NUMBER.pattern})".join(map(re.escape, NUMBER.split(word)))


def _agrees(wanted: str, got: str) -> bool:
    mantissa, _, exponent = wanted.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - decimals)
    allowed = 1.000001 * unit if decimals >= 4 else 1e-9 * max(1.0, abs(float(wanted)))
    return abs(float(got) - float(wanted)) <= allowed
