"""A small language for formulas: parsed without eval, its shapes checked before numbers exist."""

from chainrule.formulas.dimensions import (
    Dimension,
    Dimensions,
    Sizes,
    concrete,
    parse_shape,
    shape_text,
)
from chainrule.formulas.faults import FormulaError, FormulaShapeError
from chainrule.formulas.formula import Formula, Shapes, parse
from chainrule.formulas.tokens import normal_name

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
