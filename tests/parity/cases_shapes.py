"""Moving entries about: slices, fancy and boolean indices, reshaping, joining, padding."""

import numpy

from tests.parity.cases import at, case

MASK = numpy.array([True, False, True, True])
ROWS, COLUMNS = numpy.array([1, 0, 1]), numpy.array([2, 0, 2])

SLICES = [
    case("one entry", lambda np, x: x[1] * x[-1], at(4)),
    case("slice", lambda np, x: x[1:3] ** 2, at(4)),
    case("slice with a step", lambda np, x: x[::2] * x[1::2], at(6)),
    case("slice backwards", lambda np, x: x[::-1] * x, at(4)),
    case("slice backwards by two", lambda np, x: x[4:0:-2] ** 2, at(6)),
    case("row and column", lambda np, A: A[1] * A[:, 2].sum(), at(2, 3)),
    case("None and slices", lambda np, x: x[None, 1:] * x[:-1, None], at(4)),
    case("ellipsis", lambda np, A: A[..., 1] * A[0, ..., 2], at(2, 2, 3)),
    case("ellipsis and None", lambda np, A: A[..., None, ::-1] ** 2, at(2, 3)),
    case("finite differences", lambda np, x: (x[1:] - x[:-1]) ** 2, at(5)),
    case("empty slice", lambda np, x: x[2:2].sum() + x**2, at(3)),
]

INDICES = [
    case("fancy", lambda np, x: x[np.array([2, 0, 2])] ** 2, at(4)),
    case("list of indices", lambda np, x: x[numpy.array([-1, 1])] ** 2, at(4)),
    case("rows", lambda np, A: A[np.array([1, 1, 0])] ** 2, at(2, 3)),
    case("columns", lambda np, A: A[:, np.array([2, 0])] ** 2, at(2, 3)),
    case("pairs", lambda np, A: A[ROWS, COLUMNS] ** 2, at(2, 3)),
    case("grid", lambda np, A: A[ROWS[:, None], COLUMNS[None, :2]] ** 2, at(2, 3)),
    case("fancy apart, axes first", lambda np, A: A[ROWS, :, COLUMNS] ** 2, at(2, 2, 3)),
    case("fancy with an integer", lambda np, A: A[1, :, COLUMNS] ** 2, at(2, 2, 3)),
    case("fancy with None", lambda np, A: A[None, ROWS] ** 2, at(2, 3)),
    case("matrix of indices", lambda np, x: x[np.array([[0, 1], [2, 1]])] ** 2, at(3)),
    case("boolean", lambda np, x: x[MASK] ** 2, at(4)),
    case("boolean rows", lambda np, A: A[MASK[:2]] ** 2, at(2, 3)),
    case("boolean of the whole", lambda np, A: A[numpy.eye(2, 3, dtype=bool)] ** 2, at(2, 3)),
    case("take", lambda np, A: np.take(A, ROWS, axis=1) ** 2, at(2, 3)),
    case("take of the flattened", lambda np, A: np.take(A, np.array([5, 0, 5])) ** 2, at(2, 3)),
    case(
        "take_along_axis",
        lambda np, A: np.take_along_axis(A, np.array([[2, 0], [1, 1]]), axis=1) ** 2,
        at(2, 3),
    ),
    case("one-hot pick", lambda np, A: A[np.arange(2), np.array([2, 0])] * A[:, 1], at(2, 3)),
]

SHAPES = [
    case("reshape", lambda np, A: A.reshape(3, 2) @ A, at(2, 3)),
    case("reshape with -1", lambda np, A: np.reshape(A, (-1, 4)) ** 2, at(2, 2, 3)),
    case("reshape across boundaries", lambda np, A: A.reshape(4, 3)[:, ::2] ** 2, at(2, 6)),
    case("reshape of a transpose", lambda np, A: A.T.reshape(2, 3) * A, at(2, 3)),
    case("reshape to a scalar", lambda np, x: x.reshape(()) ** 3, at(1)),
    case("ravel", lambda np, A: np.ravel(A) * A.ravel()[::-1], at(2, 3)),
    case("flatten", lambda np, A: A.flatten() ** 2, at(2, 3)),
    case("squeeze", lambda np, A: np.squeeze(A, axis=1) ** 2, at(2, 1, 3)),
    case("expand_dims", lambda np, x: np.expand_dims(x, 0) * np.expand_dims(x, 1), at(3)),
    case("transpose", lambda np, A: np.transpose(A, (2, 0, 1)) ** 2, at(2, 2, 3)),
    case("T of a stack", lambda np, A: A.T**2, at(2, 2, 3)),
    case("swapaxes", lambda np, A: np.swapaxes(A, 0, 2) * 2 + A.swapaxes(0, 2) ** 2, at(2, 2, 3)),
    case("moveaxis", lambda np, A: np.moveaxis(A, 0, -1) ** 2, at(2, 2, 3)),
    case("atleast_2d", lambda np, x: np.atleast_2d(x) @ np.atleast_2d(x).T, at(3)),
]

JOINING = [
    case("concatenate", lambda np, x, y: np.concatenate([x, y**2, x]), at(2), at(3)),
    case(
        "concatenate columns",
        lambda np, A, B: np.concatenate([A, B], axis=1) ** 2,
        at(2, 3),
        at(2, 1),
    ),
    case("concatenate with a constant", lambda np, x: np.concatenate([np.ones(2), x**2]), at(3)),
    case("stack", lambda np, x, y: np.stack([x, y, x * y]), at(3), at(3, seed=5)),
    case("stack last", lambda np, x, y: np.stack([x, y], axis=-1) ** 2, at(3), at(3, seed=5)),
    case("stack of scalars", lambda np, x: np.stack([x[0] * x[1], x[2] ** 2]), at(3)),
    case("hstack", lambda np, x, y: np.hstack([x, y]) ** 2, at(3), at(2)),
    case("hstack of matrices", lambda np, A, B: np.hstack([A, B]) ** 2, at(2, 3), at(2, 1)),
    case("vstack", lambda np, x, A: np.vstack([x, A]) ** 2, at(3), at(2, 3)),
    case("column_stack", lambda np, x, y: np.column_stack([x, y]) ** 2, at(3), at(3, seed=5)),
    case("append", lambda np, x, y: np.append(x, y) ** 2, at(3), at(2)),
    case("split", lambda np, x: np.split(x, 3)[0] * np.split(x, 3)[2], at(6)),
    case("split at places", lambda np, x: np.split(x, [1, 4])[1] ** 2, at(6)),
    case("array_split", lambda np, x: np.array_split(x, 2)[0] ** 2, at(5)),
    case("hsplit", lambda np, A: np.hsplit(A, 2)[0] @ np.vsplit(A, 2)[1].reshape(2, 2), at(2, 4)),
]

REPEATING = [
    case("pad", lambda np, x: np.pad(x, 2) ** 2, at(3)),
    case("pad each side", lambda np, A: np.pad(A, ((1, 0), (0, 2))) ** 2, at(2, 3)),
    case("pad with a value", lambda np, x: np.pad(x, (1, 2), constant_values=0.7) ** 2, at(3)),
    case("pad by the edge", lambda np, x: np.pad(x, (2, 1), mode="edge") ** 2, at(3)),
    case("pad by wrapping", lambda np, x: np.pad(x, (2, 1), mode="wrap") ** 2, at(3)),
    case("pad by reflecting", lambda np, x: np.pad(x, (2, 1), mode="reflect") ** 2, at(4)),
    case("tile", lambda np, A: np.tile(A, (2, 3)) ** 2, at(2, 2)),
    case("tile of a vector", lambda np, x: np.tile(x, 3) ** 2, at(2)),
    case("repeat", lambda np, x: np.repeat(x, 3) ** 2, at(2)),
    case("repeat along an axis", lambda np, A: np.repeat(A, 2, axis=1) ** 2, at(2, 2)),
    case("repeat unevenly", lambda np, x: np.repeat(x, numpy.array([2, 0, 1])) ** 2, at(3)),
    case("roll", lambda np, x: np.roll(x, 1) * x, at(4)),
    case("roll of the flattened", lambda np, A: np.roll(A, -2) * A, at(2, 3)),
    case("roll along an axis", lambda np, A: np.roll(A, 2, axis=1) * A, at(2, 3)),
    case("flip", lambda np, A: np.flip(A) * A, at(2, 3)),
    case("fliplr and flipud", lambda np, A: np.fliplr(A) * np.flipud(A), at(2, 3)),
    case("rot90", lambda np, A: np.rot90(A) @ A, at(3, 3)),
    case("meshgrid", lambda np, x, y: np.meshgrid(x, y)[0] * np.meshgrid(x, y)[1], at(3), at(2)),
    case("diff", lambda np, x: np.diff(x) ** 2, at(4)),
    case(
        "zeros_like and ones_like",
        lambda np, x: x * (np.ones_like(x) + np.zeros_like(x)) ** 2,
        at(3),
    ),
    case("full_like", lambda np, x: x**2 * np.full_like(x, 1.5), at(3)),
]

CASES = [*SLICES, *INDICES, *SHAPES, *JOINING, *REPEATING]
