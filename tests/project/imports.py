"""Reads which modules of the package a file imports, without running the file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "chainrule"


@dataclass(frozen=True)
class Import:
    """One imported module: who imports what, on which line, and whether inside a function."""

    importer: str
    imported: str
    line: int
    in_function: bool
    for_types_only: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Dotted name of every module of the package, with its file."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(package: Path = PACKAGE) -> list[Import]:
    """Every import statement of every file of the package, one entry an imported module."""
    known = modules(package)
    return [
        entry
        for name, path in known.items()
        for entry in imports_of_source(name, path.read_text("utf-8"), known, _is_folder(path))
    ]


def _is_folder(path: Path) -> bool:
    return path.name == "__init__.py"


def imports_of_source(
    name: str, source: str, known: dict[str, Path], is_folder: bool = False
) -> Iterator[Import]:
    """The imports of one module's source text.

    ``from package import x`` counts as the module ``package.x`` where there is one.
    """
    for node, in_function, for_types_only in _walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name, is_folder)
            targets = [
                full if (full := f"{base}.{alias.name}") in known else base for alias in node.names
            ]
        else:
            continue
        for target in dict.fromkeys(targets):
            yield Import(name, target, node.lineno, in_function, for_types_only)


def _absolute(node: ast.ImportFrom, importer: str, is_folder: bool) -> str:
    if node.level == 0:
        return node.module or ""
    parts = importer.split(".")
    kept = parts[: len(parts) - node.level + is_folder]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Every node below the tree, with whether it is in a function or under TYPE_CHECKING."""
    pending: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while pending:
        node, in_function, types_only = pending.pop()
        yield node, in_function, types_only
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += [(child, in_function, True) for child in node.body]
            pending += [(child, in_function, types_only) for child in node.orelse]
            continue
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        pending += [(child, inside, types_only) for child in ast.iter_child_nodes(node)]
