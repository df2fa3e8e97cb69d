"""The text of a file, whatever program wrote it, and what had to be guessed."""

from __future__ import annotations

import codecs
import re

from chainrule.errors import DataError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What Unicode files may begin with; that of UTF-32 begins as that of UTF-16."""
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
"""Characters that no text has."""


def text_of(source: str, contents: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a note if its encoding was guessed.

    Raises
    ------
    DataError
        If it is not text, or its encoding cannot be told.
    """
    if contents.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            source, "this is a spreadsheet or an archive, not text", remedy="save the sheet as CSV"
        )
    for mark, encoding in MARKS:
        if contents.startswith(mark):
            return _checked(source, contents, encoding), ()
    if b"\0" in contents:
        return _wide(source, contents)
    try:
        return _checked(source, contents, "utf-8"), ()
    except UnicodeDecodeError as error:
        return _narrow(source, contents, error.start)


def _wide(source: str, contents: bytes) -> tuple[str, tuple[str, ...]]:
    """Zero bytes in every second place are UTF-16 that does not say so."""
    places = (contents[::2].count(0), contents[1::2].count(0))
    encoding = "utf-16-le" if places[0] < places[1] else "utf-16-be"
    if len(contents) % 2 or min(places) or 4 * max(places) < len(contents):
        raise DataError(source, "the file is not text", "a zero byte", "save it as CSV UTF-8")
    try:
        text = _checked(source, contents, encoding)
    except UnicodeDecodeError:
        raise DataError(
            source, "the file is not text", "a zero byte", "save it as CSV UTF-8"
        ) from None
    return text, ("it does not say how its text is encoded; it is read as UTF-16",)


def _narrow(source: str, contents: bytes, start: int) -> tuple[str, tuple[str, ...]]:
    """Text that is not UTF-8 is most often in the letters of Western European Windows."""
    try:
        text = contents.decode("cp1252")
    except UnicodeDecodeError:
        text = "\0"
    if CONTROL.search(text):
        row = contents[:start].count(b"\n") + 1
        raise DataError(
            source,
            "the file is not text in UTF-8",
            f"the byte 0x{contents[start]:02x} in row {row}",
            "save it as CSV UTF-8",
        )
    letter = contents[start : start + 1].decode("cp1252")
    return text, (
        f"the file is not in UTF-8; it is read as Latin-1 (Windows-1252), in which the first such "
        f"byte is {letter!r}; if that is wrong, save it as CSV UTF-8",
    )


def _checked(source: str, contents: bytes, encoding: str) -> str:
    try:
        text = contents.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            raise
        raise DataError(
            source, f"the file says that it is {encoding.removesuffix('-sig').upper()}, and is not",
            f"the byte 0x{contents[error.start]:02x}", "save it as CSV UTF-8",
        ) from None  # fmt: skip
    control = CONTROL.search(text)
    if control:
        what = "a zero byte" if control[0] == "\0" else f"the character {control[0]!r}"
        raise DataError(source, "the file is not text", what, "save it as CSV UTF-8")
    return text
