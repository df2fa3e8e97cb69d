"""The handwritten digits that come with scikit-learn: 1,797 scans of 8 × 8 pixels, 0 to 16."""

from __future__ import annotations

import numpy as np

from chainrule.tables.table import Table


def load_digits() -> Table:
    """The digits as a table of 64 pixels and the column ``digit``.

    Returns
    -------
    Table

    Examples
    --------
    >>> digits = load_digits()
    >>> len(digits), digits.names[0], digits.names[-1]
    (1797, 'pixel_0_0', 'digit')

    Notes
    -----
    The test part of E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI
    Machine Learning Repository, 1998.
    """
    from sklearn import datasets

    bunch = datasets.load_digits()
    pixels = zip(bunch.feature_names, np.asarray(bunch.data, np.float64).T, strict=True)
    digit = np.asarray(bunch.target, np.float64)
    return Table(
        "digits", {**dict(pixels), "digit": digit}, range(1, len(digit) + 1), one_unit=True
    )
