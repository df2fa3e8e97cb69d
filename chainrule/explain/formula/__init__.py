"""A small language for formulas: parsed without eval, its shapes checked before numbers exist."""

from chainrule.explain.formula.dimensions import (
    Dimension,
    Dimensions,
    Sizes,
    concrete,
    parse_shape,
    shape_text,
)
from chainrule.explain.formula.faults import FormulaError, FormulaShapeError
from chainrule.explain.formula.formula import Formula, Shapes, parse
from chainrule.explain.formula.tokens import normal_name

__all__ = [
    "Dimension",
    "Dimensions",
    "Formula",
    "FormulaError",
    "FormulaShapeError",
    "Shapes",
    "Sizes",
    "concrete",
    "normal_name",
    "parse",
    "parse_shape",
    "shape_text",
]
