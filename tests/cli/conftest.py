"""Runs command lines in a folder of their own, and keeps what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from chainrule.cli import main


@dataclass(frozen=True)
class Done:
    """A command line that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object that stdout holds."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The sentence after ``Error:``, which is the last line of stderr."""
        last = self.err.splitlines()[-1]
        assert last.startswith("Error: "), self.err
        return last.removeprefix("Error: ")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def chainrule(folder, capfd):
    def run(*arguments: str) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Done(ended.value.code or 0, *capfd.readouterr())

    return run
