"""What Python warns of is the process', and no setting of ours: changing it is not thread-safe."""

from __future__ import annotations

import re
from pathlib import Path

import chainrule


def test_no_code_changes_which_warnings_are_shown():
    changing = re.compile(r"catch_warnings|simplefilter|filterwarnings|resetwarnings")
    sources = Path(chainrule.__file__).parent.rglob("*.py")
    assert not [str(path) for path in sources if changing.search(path.read_text("utf-8"))]
