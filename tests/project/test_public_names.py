"""The public face: the names that are promised, and an import that stays light."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
import types

import pytest

import chainrule as cr
from tests.project.imports import REPOSITORY, modules

PROMISED = """
grad value_and_grad jacobian hessian jvp vjp hvp vmap trace derive check check_grads
stop_gradient
sigmoid relu softmax log_softmax logsumexp
Network squared_cost cross_entropy binary_cross_entropy fit save load
GradientDescent Momentum AdaGrad RMSProp Adam AdamW
""".split()


@pytest.mark.parametrize("name", PROMISED)
def test_promised_names_are_there(name: str) -> None:
    assert name in cr.__all__
    assert callable(getattr(cr, name))


def test_nothing_public_is_left_out_or_invented() -> None:
    missing = [name for name in cr.__all__ if not hasattr(cr, name)]
    assert not missing
    assert len(set(cr.__all__)) == len(cr.__all__)
    bare = {
        name
        for name, value in vars(cr).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert bare - {"annotations"} <= set(cr.__all__)


def test_dir_lists_the_public_names() -> None:
    assert set(cr.__all__) <= set(dir(cr))


def test_no_module_replaces_a_public_name() -> None:
    """Importing ``chainrule/x.py`` sets ``cr.x``, whatever stood there before."""
    before = {name: getattr(cr, name) for name in cr.__all__}
    for module in modules():
        importlib.import_module(module)
    assert {name: getattr(cr, name) for name in cr.__all__} == before
    assert not [name for name, value in before.items() if isinstance(value, types.ModuleType)]


def test_every_public_name_is_on_the_tour() -> None:
    tour = (REPOSITORY / "docs" / "tour.md").read_text("utf-8")
    functions = [n for n in cr.__all__ if not n.startswith("_") and callable(getattr(cr, n))]
    absent = [name for name in functions if name not in tour]
    assert not absent, f"docs/tour.md does not mention {', '.join(absent)}"


def test_the_version_is_the_project_files() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert cr.__version__ == project["version"]


HEAVY = {"scipy", "sklearn", "llvmlite", "rich", "typer", "pandas", "safetensors"}


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after the statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import chainrule")
    assert "chainrule" in loaded
    assert not loaded & HEAVY


def test_a_heavy_import_is_seen() -> None:
    assert "rich" in loaded_by("import chainrule, rich")


def test_differentiating_loads_nothing_heavy() -> None:
    statement = "import numpy as np, chainrule as cr; cr.grad(lambda x: np.sum(x**2))(np.ones(3))"
    assert not loaded_by(statement) & HEAVY
