"""A derivation as LaTeX: the two passes and each chain, its shapes under the factors."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.derivations.layout import lettered_size, notice_text
from chainrule.derivations.steps import Entry, Factor, Passes, Step
from chainrule.notation.algebra import number
from chainrule.notation.latex import LatexNotation, escaped, symbol_latex
from chainrule.notation.writing import PRODUCT

PREAMBLE = r"""\documentclass{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\begin{document}
"""


def latex_of(passes: Passes, standalone: bool = False) -> str:
    """Displays that compile with amsmath and amssymb, or a whole document."""
    writer = LatexWriter(passes)
    blocks = [
        display(writer.forward()),
        display([row + tag for row, tag in zip(writer.backward(), writer.tags(), strict=True)]),
        *(display(writer.target(step)) for step in passes.targets),
    ]
    body = "\n".join(block for block in blocks if block)
    notes = "\n\n".join(text_latex(notice_text(item)) for item in passes.notices)
    whole = body + (f"\n\n{notes}\n" if notes else "\n")
    return f"{PREAMBLE}{whole}\\end{{document}}\n" if standalone else whole


def display(rows: Sequence[str], environment: str = "align*") -> str:
    """Rows aligned at their ``&``."""
    if not rows:
        return ""
    inside = " \\\\\n".join(f"  {row}" for row in rows)
    return f"\\begin{{{environment}}}\n{inside}\n\\end{{{environment}}}"


def text_latex(text: str) -> str:
    """A sentence with the few signs of mathematics that occur in it."""
    signs = {
        "½": r"$\tfrac12$",
        "′": "$'$",
        "√": r"$\sqrt{}$",
        "∛": r"$\sqrt[3]{}$",
        "×": r"$\times$",
    }
    return "".join(signs.get(sign, sign) for sign in escaped(text).replace("|x|", "$|x|$"))


class LatexWriter:
    """Writes the rows of each display; the Markdown renderer uses them too."""

    def __init__(self, passes: Passes) -> None:
        self.passes = passes
        self.notation = self._notation({})
        self.short = self._notation(
            {step.bottom: _short(step.short) for step in passes.steps if step.short}
        )

    def _notation(self, shorts: dict[str, str]) -> LatexNotation:
        notation = LatexNotation(self.passes.sizes, shorts)
        notation.scalars = frozenset(q.name for q in self.passes.quantities if not q.shape)
        return notation

    def size(self, shape: Sequence[int]) -> str:
        """m × n."""
        letters = self.passes.letters
        sizes = [lettered_size(n, letters).replace("·", " ") for n in shape]
        return r" \times ".join(sizes) or "1"

    def forward(self) -> list[str]:
        """The forward path, with numbers that have names."""
        rows = []
        for item in self.passes.quantities:
            made = number(float(item.value)) if item.is_number else item.definition
            if made is not None:
                name = symbol_latex(item.name, bool(item.shape))
                rows.append(rf"{name} &= {self.notation(made)}")
        return rows

    def by(self, bottom: str) -> str:
        """∂E/∂bottom."""
        return self.notation.derivative(self.passes.result, bottom)

    def backward(self) -> list[str]:
        """The backward path, a row a step with its shape and its rule's name."""
        return [
            rf"{self.by(step.bottom)} &= {self.notation(step.local)} && {self.size(step.shape)}"
            rf" && \text{{{escaped(step.rule.name)}}}"
            for step in self.passes.steps
        ]

    def tags(self) -> list[str]:
        """The lecture's equation number of each step."""
        return [
            rf" \tag{{{step.rule.equation}}}" if step.rule.equation else ""
            for step in self.passes.steps
        ]

    def target(self, step: Step) -> list[str]:
        """One derivative that was asked for: the chain, then simplified."""
        left = self.by(step.bottom)
        rows: list[str] = []
        if step.entry is not None:
            rows.append(self._entry(step.entry))
            rows.append(rf"{left} &= {self._with_short(step)}")
        elif len(step.factors) > 1 and self.passes.is_through_matrices(step):
            rows.append(rf"{left} &= {self.notation(step.local)}")
            rows.append(rf"& \quad \text{{through }} {self._path(step.factors)}")
        elif len(step.factors) > 1:
            rows.append(rf"{left} &= {self.chain(step.factors)}")
        else:
            rows.append(rf"{left} &= {self.notation(step.local)}")
        whole = self.notation(step.expression)
        if not any(row.endswith(f"&= {whole}") for row in rows):
            rows.append(rf"&= {whole}")
        return rows

    def _path(self, factors: Sequence[Factor]) -> str:
        """Where each factor leads."""
        named = [
            symbol_latex(item.bottom, bold=bool(self.passes.by_name[item.bottom].shape))
            + rf"\ \text{{({item.kind}{', reused' if item.reused else ''})}}"
            for item in factors
        ]
        return r",\ ".join(named)

    def chain(self, factors: Sequence[Factor]) -> str:
        """Factors with their shape, where they lead, and whether they are reused, below each."""
        return r" \; ".join(self._braced(item) for item in factors)

    def _braced(self, item: Factor) -> str:
        kind = item.kind + (", reused" if item.reused else "")
        below = rf"\substack{{{self.size(item.shape)} \\ \text{{{kind}}}}}"
        return rf"\underbrace{{{self.notation.bracketed(item.expression, PRODUCT)}}}_{{{below}}}"

    def _entry(self, entry: Entry) -> str:
        letter = symbol_latex(entry.name, bold=False)
        matrix = symbol_latex(entry.matrix, bold=True)
        inside = rf"\left[\frac{{\partial {matrix}}}{{\partial {letter}}}\right]"
        inner = self._notation({entry.name: inside}).bracketed(entry.inner, PRODUCT)
        factors = [self.notation.bracketed(item.expression, PRODUCT) for item in entry.factors]
        result = symbol_latex(self.passes.result, bold=False)
        left = rf"\frac{{\partial {result}}}{{\partial {letter}}}"
        whole = r" \, ".join([*factors, inner])
        return rf"{left} &= {whole}, \qquad {letter} \in {matrix}"

    def _with_short(self, step: Step) -> str:
        local = self.short(step.local)
        if step.entry is None or local == self.notation(step.local):
            return local
        user = self.passes.step(step.entry.user)
        return rf"{local}, \qquad {_short(user.short)} = {self.by(user.bottom)}"


def _short(text: str) -> str:
    """δ2 as a bold δ with a subscript."""
    below = text.lstrip("δ_")
    inner = below if below.isdigit() else rf"\mathrm{{{escaped(below)}}}"
    return rf"\boldsymbol{{\delta}}_{{{inner}}}"
