"""Imports point downward only: read from the source files, so that nothing has to run."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.project.imports import PACKAGE, REPOSITORY, Import, imports, imports_of_source, modules

# Lowest first. A file imports from the rows above its own, and from its own folder.
LAYERS = (
    ("errors", "forks", "numerics", "properties", "signatures", "spelling", "starting", "version"),
    ("arguments",),
    ("shapes",),
    ("transformed",),
    ("graph",),
    ("primitives",),
    ("interpret",),
    ("jacobian",),
    ("tracing",),
    ("differentiate",),
    ("native", "formulas", "notation"),
    ("derivations", "checking"),
    ("train",),
    ("tables",),
    ("cli",),
    ("",),  # chainrule/__init__.py, the public face
    ("__main__",),
)
LEVEL = {name: level for level, row in enumerate(LAYERS) for name in row}

# Within chainrule/native, lowest first.
NATIVE = ("target", "plan", "code", "run", "entry")

# Slow to import or optional: these may be imported inside the function that needs them.
HEAVY = frozenset(
    "dask distributed llvmlite matplotlib onnx onnxruntime opt_einsum pandas pyarrow rich"
    " pygraphviz safetensors scipy sklearn starlette threadpoolctl typer uvicorn".split()
)
EXTRAS = ("page", "data", "onnx", "dask", "plots", "pictures")


def part(module: str) -> str:
    """The folder or file right below the package: chainrule.graph.node -> graph."""
    return module.partition(".")[2].partition(".")[0]


def is_own(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE.name


def points_downward(entry: Import) -> bool:
    here, there = part(entry.importer), part(entry.imported)
    return here == there or LEVEL[there] < LEVEL[here]


def is_hidden(entry: Import) -> bool:
    return entry.in_function and entry.imported.partition(".")[0] not in HEAVY


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """The modules that import each other in a circle, in order; empty when there is none."""
    finished: set[str] = set()
    for start in edges:
        path: list[str] = []
        pending = [(start, False)]
        while pending:
            module, leaving = pending.pop()
            if leaving:
                finished.add(path.pop())
            elif module in path:
                return [*path[path.index(module) :], module]
            elif module not in finished:
                path.append(module)
                pending += [(module, True), *((next_, False) for next_ in edges[module])]
    return []


def test_every_part_of_the_package_has_a_layer() -> None:
    unknown = {part(module) for module in modules()} - LEVEL.keys()
    assert not unknown, f"give these a row in LAYERS: {sorted(unknown)}"


def test_every_layer_is_there() -> None:
    gone = LEVEL.keys() - {part(module) for module in modules()}
    assert not gone, f"LAYERS names what does not exist: {sorted(gone)}"


def test_every_folder_stands_in_the_page_for_contributors() -> None:
    """And no other: the page and the package cannot differ."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    table = "".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    named = set(re.findall(r"`(?:chainrule/)?(\w+)/`", table))
    folders = {part(name) for name, path in modules().items() if path.parent != PACKAGE}
    assert named == folders - {""}


def test_imports_point_downward() -> None:
    upward = [entry for entry in imports() if is_own(entry.imported) and not points_downward(entry)]
    assert not upward, "\n".join(map(str, upward))


def test_imports_within_native_point_downward() -> None:
    def level(module: str) -> int:
        return NATIVE.index(module.split(".")[2])

    prefix = "chainrule.native."
    own = [e for e in imports() if e.importer.startswith(prefix) and e.imported.startswith(prefix)]
    upward = [entry for entry in own if level(entry.imported) > level(entry.importer)]
    assert not upward, "\n".join(map(str, upward))


def test_no_import_is_hidden_in_a_function() -> None:
    hidden = [entry for entry in imports() if is_hidden(entry)]
    assert not hidden, "\n".join(map(str, hidden))


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {module: set() for module in modules()}
    for entry in imports():
        # A folder's __init__ imports its own files, which is no circle of theirs.
        if entry.imported in edges and not entry.for_types_only:
            edges[entry.importer].add(entry.imported)
    assert not cycle(edges), " imports ".join(cycle(edges))


def test_no_file_of_the_package_imports_a_test_tool() -> None:
    tools = {"pytest", "hypothesis", "mpmath", "jax", "torch", "autograd", "casadi"}
    used = [entry for entry in imports() if entry.imported.partition(".")[0] in tools]
    assert not used, "\n".join(map(str, used))


def test_pickles_are_described_and_never_read() -> None:
    """What is unpickled may run anything: only the user's own code does it."""
    using = {entry.importer for entry in imports() if entry.imported.partition(".")[0] == "pickle"}
    assert using == {"chainrule.errors", "chainrule.transformed"}
    for module in using:
        text = (REPOSITORY / f"{module.replace('.', '/')}.py").read_text("utf-8")
        used = set(re.findall(r"pickle\.(\w+)", text))
        assert used <= {"PicklingError", "Pickler", "_Pickler"}


def test_third_party_imports_are_declared() -> None:
    used = {entry.imported.partition(".")[0] for entry in imports()}
    undeclared = used - sys.stdlib_module_names - declared() - {PACKAGE.name}
    assert not undeclared, f"pyproject.toml does not name {sorted(undeclared)}"


def declared() -> set[str]:
    """The packages that pyproject.toml installs for users, by the names they are imported by."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(p for name in EXTRAS for p in extras[name])]
    names = {re.match(r"[\w-]+", one)[0] for one in wanted}  # type: ignore[index]
    return {"sklearn" if name == "scikit-learn" else name for name in names}


KNOWN = {"chainrule.graph": Path(), "chainrule.train.fit": Path(), "chainrule.tracing": Path()}


def planted(importer: str, source: str) -> Import:
    """The one import of a file that the package does not have."""
    (entry,) = imports_of_source(importer, source, KNOWN)
    return entry


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("chainrule.graph.node", "from chainrule.tracing import capture"),
        ("chainrule.graph.node", "import chainrule.tracing"),
        ("chainrule.graph.node", "from chainrule import tracing"),
        ("chainrule.graph.node", "from ..train.fit import fit"),
        ("chainrule.graph.node", "def f():\n    from chainrule.tracing import capture"),
        ("chainrule.errors", "import chainrule"),
    ],
)
def test_an_upward_import_is_seen(importer: str, source: str) -> None:
    assert not points_downward(planted(importer, source))


@pytest.mark.parametrize(
    "source",
    [
        "from chainrule.graph import Node",
        "from . import curves",
        "from .fit import fit",
        "from chainrule.train.fit import fit",
    ],
)
def test_a_downward_import_is_accepted(source: str) -> None:
    assert points_downward(planted("chainrule.train.history", source))


def test_a_hidden_import_is_seen_and_a_heavy_one_accepted() -> None:
    assert is_hidden(planted("chainrule.train.fit", "def f():\n    import json"))
    assert is_hidden(planted("chainrule.train.fit", "class C:\n  def f(self):\n    import numpy"))
    assert not is_hidden(planted("chainrule.train.fit", "def f():\n    import scipy.linalg"))
    assert not is_hidden(planted("chainrule.train.fit", "import json"))


def test_a_circle_is_seen() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []
