"""The name that the caller's code gives to a result, and the line where it stands."""

from __future__ import annotations

import linecache
import os

import numpy as np

from chainrule.tracing.interpreter import caller, target
from chainrule.tracing.session import Name


def assigned_name() -> Name | None:
    """The variable that the nearest frame outside the library is about to assign."""
    frame = caller()
    text = None if frame is None else target(frame)
    if frame is None or text is None:
        return None
    return Name(text, frame.f_code.co_filename, frame.f_lineno)


def numbers_at_hand() -> dict[str, float]:
    """The variables that hold a number in the nearest frame outside the library."""
    frame = caller()
    if frame is None:
        return {}
    outside = frame.f_globals
    known = {name: outside[name] for name in frame.f_code.co_names if name in outside}
    known |= frame.f_locals
    # by the type itself: traced values say that they are what they stand for
    kinds = (float, np.floating)
    return {name: float(v) for name, v in known.items() if issubclass(type(v), kinds)}


def where_it_stands() -> str:
    """Where the user's code stands: the line, the file, and what is written there."""
    frame = caller()
    if frame is None:
        return ""
    file, number = frame.f_code.co_filename, frame.f_lineno
    written = linecache.getline(file, number).strip()
    where = f" in line {number} of {os.path.basename(file)}"
    return f"{where} ({written})" if written else where
