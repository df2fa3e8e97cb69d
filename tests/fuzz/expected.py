"""Which of the wrong values are right after all, by what a parameter is."""

from __future__ import annotations

WHOLE = frozenset({"negative", "zero", "seven", "large", "huge", "far negative", "np.int64"})
FLAGS = frozenset({"True", "False", "np.True_"})
NUMBERS = WHOLE | FLAGS | {"array ()", "NaN", "infinity", "fraction"}
REAL = NUMBERS | {
    "array (3,)", "array (2, 2)", "array (0,)", "whole numbers", "booleans", "halves",
    "long doubles", "NaNs", "escaped", "Jacobian",
}  # fmt: skip
"""Arrays of real numbers, and what becomes one."""
SEQUENCES = frozenset({"list", "empty list", "empty tuple", "range"})
"""Which NumPy makes arrays of, too."""
CONTAINERS = SEQUENCES | {"dict", "empty dict", "ragged list", "dict of keys of two types"}
FUNCTIONS = frozenset({"function", "grad", "class"})
LATER = frozenset({"function that fails", "Network"})
"""Which can be called, and fail only then."""
POSITIONS = frozenset({"negative", "zero", "np.int64", "None"})

BY_NAME: dict[str, frozenset[str]] = {
    "f": FUNCTIONS, "gradient": FUNCTIONS | REAL | CONTAINERS | {"digits", "sparse", "matrix"},
    "callback": FUNCTIONS | {"None"},
    "wrt": POSITIONS, "in_axes": POSITIONS, "first": POSITIONS, "second": POSITIONS,
    "axis": POSITIONS | {"empty list", "empty tuple"},
    "keepdims": FLAGS, "expanded": FLAGS, "ascii": FLAGS, "standalone": FLAGS, "progress": FLAGS,
    "nesterov": FLAGS, "compile": FLAGS,
    "order": frozenset({"None", "seven", "np.int64"}), "when": frozenset(),
    "sparsity": frozenset({"None", "sparse", "Jacobian", "array (3,)"}),
    "letters": frozenset({"None", "empty dict"}),
    "args": SEQUENCES, "modes": frozenset(), "primals": frozenset(), "tangents": frozenset(),
    "rtol": NUMBERS - FLAGS, "atol": NUMBERS - FLAGS,
    "seed": WHOLE - {"negative", "far negative"}, "count": frozenset({"None", "seven", "np.int64"}),
    "s": NUMBERS | {"sparse"}, "other": frozenset({"Jacobian"}),
    "key": POSITIONS | SEQUENCES | {"whole numbers", "booleans", "slice", "Ellipsis"},
    "i": POSITIONS | SEQUENCES | {"whole numbers", "booleans", "slice", "Ellipsis"},
    "j": POSITIONS | SEQUENCES | {"whole numbers", "booleans", "slice", "Ellipsis"},
    "x": REAL | CONTAINERS, "y": REAL | CONTAINERS, "scale": REAL | CONTAINERS,
    "v": REAL | SEQUENCES | {"masked"}, "u": REAL | SEQUENCES | {"sparse"},
    "b": REAL | SEQUENCES, "cotangent": REAL | SEQUENCES,
    "output": REAL | SEQUENCES | FUNCTIONS, "target": REAL | SEQUENCES,
    "X": REAL | SEQUENCES, "Y": REAL | SEQUENCES, "validation": frozenset({"None"}),
    "cost": frozenset({"None"}) | FUNCTIONS, "reduction": frozenset(), "optimiser": frozenset(),
    "epochs": WHOLE, "batch_size": WHOLE | {"None"}, "params": frozenset({"None"}),
    "preprocessing": frozenset({"None", "dict", "empty dict"}),
    "sizes": frozenset({"list", "whole numbers"}), "activation": FUNCTIONS | LATER,
    "network": frozenset(),
    "dtype": frozenset({"None", "dtype"}), "result": frozenset(),
    "path": frozenset({"text", "digits"}),
    "rate": NUMBERS - FLAGS, "epsilon": NUMBERS - FLAGS, "beta1": NUMBERS - FLAGS,
    "beta2": NUMBERS - FLAGS, "momentum": NUMBERS - FLAGS, "decay": NUMBERS - FLAGS,
    "weight_decay": NUMBERS - FLAGS, "state": frozenset(),
}  # fmt: skip
"""What a parameter of a name may be."""

WITH_NUMPY = "in a trace"
"""Calls whose values NumPy judges: what it takes is right."""
HERE = frozenset({"escaped"})
"""What is an array only in a trace."""
ALONE = frozenset({"array ()", "array (3,)", "array (2, 2)", "array (0,)", "NaNs", "escaped"})
"""Arrays of float64, which an optimiser takes without a dict around them."""
ANYTHING = frozenset({"stop_gradient", "np.asarray(J)"})
"""Functions that hand on what they do not know, and NumPy's own."""


def accepts(call: str, parameter: str, value: str) -> bool:
    """Whether a result for the value can be right."""
    if parameter in ("params", "state") and value in ALONE | {"empty tuple"}:
        alone = call.endswith(".init") and value in ALONE
        return alone or (call == "GradientDescent.update" and value == "empty tuple")
    if call == "Network" and parameter == "output" and value in LATER:
        return True
    return call in ANYTHING or call.endswith(WITH_NUMPY) or value in BY_NAME[parameter]
