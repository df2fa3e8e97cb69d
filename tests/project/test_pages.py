"""The README's and the documentation's code runs, and prints what the page says it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.imports import REPOSITORY
from tests.project.pages import Block, blocks, commands, difference, run_page

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Commands run in a process of their own: they too read the checkout.
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    assert run_page(page) > 0


def test_the_readme_opens_with_its_two_commands() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    shell = [
        line
        for block in blocks(readme)
        if block.language == "sh"
        for line in block.text.splitlines()
    ]
    assert shell == ["pip install . && chainrule train digits", "pip install '.[test]' && pytest"]


def test_a_text_block_right_below_is_the_output() -> None:
    page = "```python\nprint(1)\n```\n\n```text\n1\n```\nprose\n```text\nnot an output\n```\n"
    assert blocks(page) == [
        Block("python", "print(1)\n", 2, "1\n"),
        Block("text", "1\n", 6),
        Block("text", "not an output\n", 10),
    ]


def test_commands_are_told_from_their_output() -> None:
    assert list(commands("$ chainrule a\nx\ny\n$ chainrule b\n")) == [
        ("chainrule a", "x\ny\n"),
        ("chainrule b", ""),
    ]


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("a  b\nc", "a b c\n"),
        ("0.1235 and 2", "0.1234 and 2"),
        ("0.3", "0.30000000000000004"),
        ("[1. 2.]", "[1. 2.]"),
        ("[-1.5e-03]", "[-1.5e-03]"),
        ("a ... z", "a b c z"),
        ("in ... s", "in 12.5 s"),
        ("x1 = 2", "x1 = 2"),
    ],
)
def test_agreeing_outputs(expected: str, printed: str) -> None:
    assert not difference(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("0.1235", "0.1237"),
        ("[1. 2.]", "[1. 3.]"),
        ("[1. 2.]", "[1. 2. 3.]"),
        ("0.5", "0.6"),
        ("0.5", "-0.5"),
        ("4", "5"),
        ("a", "b"),
        ("a", "a b"),
        ("x1 = 2", "x2 = 2"),
        ("", "something"),
    ],
)
def test_differing_outputs_are_seen(expected: str, printed: str) -> None:
    assert difference(expected, printed)


def test_a_wrong_output_names_the_page_and_the_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nprint(2)\n```\n```text\n3\n```\n", "utf-8")
    with pytest.raises(AssertionError, match=r"page\.md:4: 3 became 2"):
        run_page(page)
