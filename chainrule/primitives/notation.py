"""How a contraction is written: ``A @ x``, ``x * y``, ``sum(x)``, ``A.T``, or with its labels."""

from __future__ import annotations

from collections.abc import Sequence

import opt_einsum

from chainrule.graph.node import bracketed
from chainrule.primitives.products import Spec
from chainrule.shapes import Labels

Text = tuple[str, int]
SUM, PRODUCT, UNARY, ATOM = 3, 5, 7, 9


def contraction_text(spec: Spec, operands: Sequence[Text]) -> Text:
    """The product as a person would write it, and how tightly that binds."""
    return _with_scale(spec.scale, _unscaled(spec, operands))


def _with_scale(scale: float, text: Text) -> Text:
    if scale == 1.0:
        return text
    if scale == -1.0:
        return "-" + bracketed(text, UNARY), PRODUCT
    return f"{scale:.6g} * {bracketed(text, PRODUCT)}", PRODUCT


def _unscaled(spec: Spec, operands: Sequence[Text]) -> Text:
    if len(operands) == 1:
        return _single(spec, spec.operands[0], operands[0])
    squeezed = [tuple(n for n in labels if spec.sizes[n] != 1) for labels in spec.operands]
    out = tuple(n for n in spec.out if spec.sizes[n] != 1)
    summed = {n for labels in squeezed for n in labels} - set(out)
    if not summed and all(_in_order(labels, out) for labels in squeezed):
        aligned = [_aligned(*pair, out) for pair in zip(operands, squeezed, strict=True)]
        return " * ".join(bracketed(item, PRODUCT) for item in aligned), PRODUCT
    if len(operands) == 2:
        product = _matrix_product(squeezed, out, operands)
        if product is not None:
            return product
    return _with_labels(spec, operands), ATOM


def _in_order(labels: Labels, out: Labels) -> bool:
    positions = [out.index(label) for label in labels if label in out]
    return len(positions) == len(labels) and positions == sorted(set(positions))


def _aligned(operand: Text, labels: Labels, out: Labels) -> Text:
    """An operand with the axes that broadcasting would not give it: ``v[:, None]``."""
    if not labels or labels == out[len(out) - len(labels) :]:
        return operand
    first = out.index(labels[0])
    index = ", ".join(":" if label in labels else "None" for label in out[first:])
    return f"{bracketed(operand, ATOM)}[{index}]", ATOM


def _single(spec: Spec, labels: Labels, operand: Text) -> Text:
    """Sums, transposes, traces; a broadcast is not written."""
    out = tuple(n for n in spec.out if n in labels)
    distinct = len(set(labels)) == len(labels) and len(set(spec.out)) == len(spec.out)
    if not distinct:
        return _with_labels(spec, [operand]), ATOM
    axes = [k for k, n in enumerate(labels) if n not in spec.out and spec.sizes[n] != 1]
    kept = tuple(n for n in labels if n in spec.out)
    if axes and kept == out:
        inside = operand[0] if not kept else f"{operand[0]}, axis={_axes_text(axes)}"
        return f"sum({inside})", ATOM
    if not axes and kept == out:
        return operand
    if not axes and kept == out[::-1]:
        return f"{bracketed(operand, ATOM)}.T", ATOM
    return _with_labels(spec, [operand]), ATOM


def _axes_text(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(tuple(axes))


def _matrix_product(labels: Sequence[Labels], out: Labels, operands: Sequence[Text]) -> Text | None:
    """``A @ B`` with transposes where they are needed, for vectors and matrices."""
    a, b = labels
    shared = [n for n in a if n in b]
    if len(shared) != 1 or shared[0] in out or len(a) > 2 or len(b) > 2:
        return None
    if len({*a, *b}) != len(a) + len(b) - 1:
        return None
    free_a, free_b = [n for n in a if n not in shared], [n for n in b if n not in shared]
    first, second = operands
    if tuple(free_b + free_a) == out and free_a and free_b:
        a, b, first, second = b, a, second, first
    elif tuple(free_a + free_b) != out:
        return None
    left = first if a[-1] == shared[0] else (f"{bracketed(first, ATOM)}.T", ATOM)
    right = second if b[0] == shared[0] else (f"{bracketed(second, ATOM)}.T", ATOM)
    return f"{bracketed(left, PRODUCT)} @ {bracketed(right, UNARY)}", PRODUCT


def _with_labels(spec: Spec, operands: Sequence[Text]) -> str:
    def letters(labels: Labels) -> str:
        return "".join(opt_einsum.get_symbol(8 + n if n < 18 else n) for n in labels)

    subscripts = ",".join(letters(labels) for labels in spec.operands) + "->" + letters(spec.out)
    return f"einsum('{subscripts}', {', '.join(text for text, _ in operands)})"
