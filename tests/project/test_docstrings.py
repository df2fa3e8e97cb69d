"""Every docstring example runs; every public name says what it takes, gives and how to use it."""

from __future__ import annotations

import doctest
import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any

import pytest

import chainrule as cr
from tests.project.imports import PACKAGE, modules
from tests.project.pages import difference

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class ToleratingChecker(doctest.OutputChecker):
    """Compares like the pages' test: numbers agree to the last place written."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got, optionflags) or not difference(want, got)


def examples_of(module: types.ModuleType) -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    # An example is a user's code, not the library's, which the names in a trace depend on.
    for test in finder.find(module, extraglobs={"__name__": "__main__"}):
        if test.examples:
            yield test


def run(test: doctest.DocTest) -> str:
    """The report of the failures of one docstring; empty when there are none."""
    said: list[str] = []
    runner = doctest.DocTestRunner(checker=ToleratingChecker(), optionflags=FLAGS, verbose=False)
    runner.run(test, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("name", modules())
def test_docstring_examples_run(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    failures = [said for test in examples_of(module) if (said := run(test))]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("name", modules())
def test_every_module_says_what_it_is_for(name: str) -> None:
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip(), f"{name} has no docstring"


PUBLIC = {
    name: value
    for name in sorted(cr.__all__)
    if not isinstance(value := getattr(cr, name), types.ModuleType | str)
}


def missing_sections(value: Any) -> list[str]:
    """The docstring sections that a public name owes its reader and does not have."""
    text = inspect.getdoc(value) or ""
    owed = ["Examples"]
    if not (isinstance(value, type) and issubclass(value, BaseException)):
        owed += _owed_by_signature(value)
    return [section for section in owed if f"\n{section}\n{'-' * len(section)}" not in text]


def _owed_by_signature(value: Any) -> list[str]:
    signature = inspect.signature(value)
    if isinstance(value, type):  # a result, which users read and do not build, lists its attributes
        attributes = "\nAttributes\n----------" in (inspect.getdoc(value) or "")
        return [] if attributes else ["Parameters"]
    returns = signature.return_annotation not in (None, "None")
    return ["Parameters"] * bool(signature.parameters) + ["Returns"] * returns


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name: str) -> None:
    value = PUBLIC[name]
    assert (inspect.getdoc(value) or "").strip(), f"cr.{name} has no docstring"
    first = inspect.getdoc(value).splitlines()[0]  # type: ignore[union-attr]
    assert first.endswith("."), f"cr.{name}: the first line is a sentence, got {first!r}"
    if isinstance(value, type) and issubclass(value, BaseException):
        return
    missing = missing_sections(value)
    assert not missing, f"cr.{name}: the docstring lacks {', '.join(missing)}"


def undocumented(x: float) -> float:
    """Double a number.

    Parameters
    ----------
    x : float
    """
    return 2 * x


def test_a_missing_section_is_seen() -> None:
    assert missing_sections(undocumented) == ["Examples", "Returns"]


def test_a_wrong_example_is_seen() -> None:
    parser = doctest.DocTestParser()
    assert "Expected" in run(parser.get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0))
    assert not run(parser.get_doctest(">>> 0.1 + 0.2\n0.3\n", {}, "right", None, 0))


def test_the_package_that_is_tested_is_this_one() -> None:
    assert cr.__file__ is not None
    assert cr.__file__.startswith(str(PACKAGE))
