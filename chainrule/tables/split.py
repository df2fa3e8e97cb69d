"""Which rows are learnt from, which watch the training, and which test it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError

Rows = npt.NDArray[np.intp]

TEST = 0.2
VALIDATION = 0.05
ENOUGH_TO_VALIDATE = 100
FEWEST = 5


@dataclass(frozen=True)
class Split:
    """Positions of rows, each row in exactly one part; `validation` may be empty."""

    train: Rows
    validation: Rows
    test: Rows


def split_rows(source: str, rows: int, codes: Rows | None, seed: int) -> Split:
    """Hold out a fifth of the rows for the test, and of 100 or more a twentieth for validation.

    Parameters
    ----------
    source : str
        What errors call the table.
    rows : int
        How many rows there are.
    codes : array of int, optional
        The class of each row, twice or more each: the parts then have the classes in the same
        shares. Where a class is too small for that, no rows are set aside to watch the training.
    seed : int
        Decides which rows; the same seed gives the same parts.

    Raises
    ------
    DataError
        If there are fewer than 5 rows.
    """
    if rows < FEWEST:
        raise DataError(
            source,
            "there are too few rows to learn from and to test on",
            f"{rows} row{'s' * (rows > 1)}",
            f"give {FEWEST} or more",
        )
    learnt, test = _parted(np.arange(rows), codes, math.ceil(TEST * rows), seed)
    held = math.ceil(VALIDATION * rows) if rows >= ENOUGH_TO_VALIDATE else 0
    if codes is not None and held and not _fits(codes[learnt], held):
        held = 0
    if not held:
        return Split(learnt, np.array([], np.intp), test)
    train, validation = _parted(learnt, codes, held, seed)
    return Split(train, validation, test)


def _parted(rows: Rows, codes: Rows | None, held: int, seed: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import train_test_split

    classes = None if codes is None else codes[rows]
    # A stratified part has room for every class; two values are the least that R² can judge.
    fewest = 2 if classes is None else len(np.unique(classes))
    kept, out = train_test_split(
        rows, test_size=max(held, fewest), random_state=seed, stratify=classes
    )
    return np.sort(kept), np.sort(out)


def _fits(codes: Rows, held: int) -> bool:
    counts = np.unique(codes, return_counts=True)[1]
    return bool(counts.min() >= 2 and held >= len(counts))
