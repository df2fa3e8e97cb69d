"""What ``cr.derive`` returns: the two passes, and how they are shown."""

from __future__ import annotations

from chainrule.arguments import flag
from chainrule.derivations.html import fragment_of, page_of
from chainrule.derivations.latex import latex_of
from chainrule.derivations.markdown import displays_of, markdown_of
from chainrule.derivations.picture import svg_of
from chainrule.derivations.steps import Passes
from chainrule.derivations.text import text_of


class Derivation(Passes):
    """How a derivative came about: the forward path, the backward path, and a check of each step.

    ``str()`` shows it in a terminal; a notebook shows it as mathematics.

    Attributes
    ----------
    result : str
        The name of the function's result.
    quantities : tuple of Quantity
        The forward path: arguments, then what is computed from them.
    steps : tuple of Step
        The backward path, from the result to the arguments.
    ok : bool
        Whether every step agrees with its independent value.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> d = cr.derive(lambda x: x @ A @ x)(np.array([1.0, -1.0]))
    >>> print(d.text().splitlines()[5])
      ∂f/∂x = xᵀ(A + Aᵀ)   1×2   product rule (5.46)   parameter   ✓ 0
    """

    def __repr__(self) -> str:
        by = ", ".join(step.bottom for step in self.targets)
        wrong = sum(not step.check.ok for step in self.steps)
        checked = f"{wrong} of them wrong" if wrong else "all checked"
        count = f"{len(self.steps)} step{'' if len(self.steps) == 1 else 's'}"
        return f"<Derivation of {self.result} by {by}: {count}, {checked}>"

    def __str__(self) -> str:
        return self.text()

    def text(self, ascii: bool = False) -> str:
        """Plain text, in Unicode or in nothing but ASCII.

        Parameters
        ----------
        ascii : bool
            Whether to write A^T for Aᵀ and so on.
        """
        return text_of(self, flag("Derivation.text", "ascii", ascii))

    def latex(self, standalone: bool = False) -> str:
        """LaTeX displays, which compile with amsmath and amssymb.

        Parameters
        ----------
        standalone : bool
            Whether to write a whole document around them.
        """
        return latex_of(self, flag("Derivation.latex", "standalone", standalone))

    def markdown(self) -> str:
        """Markdown, with displays between dollar signs."""
        return markdown_of(self)

    def html(self) -> str:
        """A page of HTML that needs nothing else: no script, no font, no network.

        Formulas are MathML, which browsers typeset and screen readers read.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> page = cr.derive(lambda x: x @ x)(np.ones(3)).html()
        >>> page[:15], "<script" in page
        ('<!DOCTYPE html>', False)
        """
        return page_of(self)

    def svg(self) -> str:
        """The picture of both passes, as figures 5.8 and 5.9 of Mathematics for Machine Learning.

        A chain of layers goes from left to right; any other computation is a graph.

        Raises
        ------
        MissingPackage
            If the function is no plain chain and pygraphviz, which lays it out, is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> picture = cr.derive(lambda x: x @ x)(np.ones(3)).svg()
        >>> "<title>Forward and backward pass from f to x</title>" in picture
        True
        """
        return svg_of(self)

    def _repr_html_(self) -> str:
        return fragment_of(self)

    def _repr_latex_(self) -> str:
        return displays_of(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()
