"""A derivation as Markdown with displays between dollar signs."""

from __future__ import annotations

from chainrule.derivations.latex import LatexWriter, display
from chainrule.derivations.layout import (
    check_sentences,
    error_text,
    layout_sentence,
    legend_sentence,
    notice_text,
    value_lines,
)
from chainrule.derivations.steps import Passes, Step


def markdown_of(passes: Passes) -> str:
    """The forward path, the backward path as a table, and each derivative that was asked for."""
    writer = LatexWriter(passes)
    names = ", ".join(f"`{step.bottom}`" for step in passes.targets)
    blocks = [
        "### Forward path", _math(writer.forward()),
        f"### Backward path, to {names}", _table(writer),
        *(_target(writer, step) for step in passes.targets),
        *(notice_text(item) for item in passes.notices),
        legend_sentence(passes), layout_sentence(passes), *check_sentences(passes),
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n"


def displays_of(passes: Passes) -> str:
    """The displays alone, as a notebook's mathematics."""
    writer = LatexWriter(passes)
    rows = [*writer.forward(), *(row.split(" && ")[0] for row in writer.backward())]
    return _math([*rows, *(row for step in passes.targets for row in writer.target(step))])


def _math(rows: list[str]) -> str:
    return f"$$\n{display(rows, 'aligned')}\n$$" if rows else ""


def _table(writer: LatexWriter) -> str:
    lines = ["| derivative | shape | rule | check |", "|---|---|---|---|"]
    for row, step in zip(writer.backward(), writer.passes.steps, strict=True):
        formula = row.split(" && ")[0].replace("&= ", "= ")
        size = writer.size(step.shape)
        lines.append(f"| ${formula}$ | ${size}$ | {step.rule} | {error_text(step)} |")
    return "\n".join(lines)


def _target(writer: LatexWriter, step: Step) -> str:
    values = value_lines(step.value)
    numbers = "```text\n" + "\n".join(values) + "\n```" if values else ""
    return _math(writer.target(step)) + (f"\n\n{numbers}" if numbers else "")
