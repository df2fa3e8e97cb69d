"""The function that is checked: what is varied, what it is called, and its program at a point."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.differentiate.problem import Key, Problem, Wrt, record, resolve_wrt
from chainrule.errors import ArgumentError, ChainruleError, DtypeError, ShapeError
from chainrule.graph.node import Array, Node, is_constant
from chainrule.graph.walk import topological
from chainrule.signatures import collecting_parameter, parameter_names
from chainrule.tracing.containers import flatten, paths, unflatten
from chainrule.tracing.session import PLAIN, recording


@dataclass(frozen=True)
class Recorded:
    """The program of the function at a point.

    Attributes
    ----------
    output : Node
        Its result.
    wrt : tuple of Node
        The arrays that it is differentiated by.
    names : mapping from Node to str
        What the user calls them, and values computed from them.
    """

    output: Node
    wrt: tuple[Node, ...]
    names: Mapping[Node, str]


@dataclass(frozen=True)
class Subject:
    """A function with the arguments that it is differentiated by.

    Attributes
    ----------
    keys : tuple
        Positions and names of those arguments.
    labels : tuple of str
        The user's name for each array in them.
    """

    f: Callable[..., Any]
    keys: tuple[Key, ...]
    labels: tuple[str, ...]

    def leaves(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Array]:
        """The arrays that are differentiated by, as the arguments hold them."""
        return [
            np.asarray(leaf) for key in self.keys for leaf in flatten(_at(key, args, kwargs))[0]
        ]

    def with_leaves(
        self, arrays: Sequence[Array], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with other arrays in place of those."""
        rest = list(arrays)
        positional, keywords = list(args), dict(kwargs)
        for key in self.keys:
            leaves, structure = flatten(_at(key, args, kwargs))
            value = unflatten(structure, rest[: len(leaves)])
            rest = rest[len(leaves) :]
            if isinstance(key, int):
                positional[key] = value
            else:
                keywords[key] = value
        return tuple(positional), keywords

    def value(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Array:
        """The function's value, with warnings silent: what is not finite is seen in it."""
        with failures("the function"), np.errstate(all="ignore"):
            value = self.f(*args, **kwargs)
            results = leaves_of(value, "the function's result")
        if len(results) != 1:
            raise _one_result(len(results))
        return real_array(results[0], "the function's result")

    def recorded(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Recorded:
        """The program at a point.

        Data are arguments of the program too where the function allows it, so that they bear the
        user's names; where it does not, only what is differentiated by.
        """
        others = [k for k in range(len(args)) if k not in self.keys and _is_floating(args[k])]
        with failures("the function"):
            if not others:
                return self._recorded(list(self.keys), args, kwargs)
            try:
                return self._recorded([*self.keys, *others], args, kwargs)
            except Exception:  # data used in a way that only plain arrays allow
                return self._recorded(list(self.keys), args, kwargs)

    def _recorded(
        self, keys: list[Key], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Recorded:
        with recording(names=True) as session:
            problem = record("check", self.f, keys, args, dict(kwargs))
            given = {node: names[-1].text for node, names in session.names.items()}
        output = _only_output(problem)
        labels = argument_labels(self.f, keys, args, kwargs)
        given.update(zip(problem.leaves, labels, strict=True))
        given.setdefault(output, name_of(self.f))
        for node, name in captured_names(self.f, output):
            given.setdefault(node, name)
        given = numbered(given, problem.leaves)
        count = sum(len(item.leaves) for item in problem.arguments[: len(self.keys)])
        return Recorded(output, tuple(problem.leaves[:count]), given)


def subject(
    f: Callable[..., Any], wrt: Wrt, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Subject:
    """The function with the arguments that ``wrt`` names."""
    if not callable(f):
        raise ArgumentError(
            "check", "the function cannot be called", got=type(f).__name__,
            remedy="pass a function in plain NumPy, then its gradient, then the point",
        )  # fmt: skip
    keys = resolve_wrt("check", f, wrt, args, dict(kwargs))
    for argument in (*args, *kwargs.values()):
        leaves_of(argument, "an argument")
    return Subject(f, tuple(keys), tuple(argument_labels(f, keys, args, kwargs)))


def argument_labels(
    f: Callable[..., Any], keys: Sequence[Key], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[str]:
    """What the user calls each array in some arguments: ``x``, ``A0``, ``params[1]``."""
    labels: list[str] = []
    for key in keys:
        name = parameter_name(f, key)
        structure = flatten(_at(key, args, kwargs))[1]
        labels.extend(_label(name, path) for path in paths(structure))
    return labels


def parameter_name(f: Callable[..., Any], key: Key) -> str:
    """The name of the parameter that an argument goes to."""
    if isinstance(key, str):
        return key
    names = parameter_names(f)
    if key < len(names):
        return names[key]
    rest = collecting_parameter(f)
    return f"x{key}" if rest is None else f"{rest}[{key - len(names)}]"


def numbered(names: Mapping[Node, str], first: Sequence[Node]) -> dict[Node, str]:
    """Names of which each is used once: of values of one variable, all but the first get a number.

    Arguments come first, then values in the order in which they were computed.
    """
    uses: Counter[str] = Counter()
    found: dict[Node, str] = {}
    for node in sorted(names, key=lambda n: (n not in first, n.serial)):
        text = names[node]
        uses[text] += 1
        found[node] = text if uses[text] == 1 else f"{text}#{uses[text]}"
    return found


def captured_names(f: Callable[..., Any], output: Node) -> Iterator[tuple[Node, str]]:
    """Arrays and numbers that the code takes from outside, with the variables they are in."""
    outside = _outside(f)
    for node in topological([output]):
        if is_constant(node) and node.value is not None:
            plain = node.size == 1 and float(node.value.reshape(())) in PLAIN
            for name, value in () if plain else outside.items():
                if value.shape == node.shape and np.array_equal(value, node.value):
                    yield node, name
                    break
                if value.shape == node.shape and np.array_equal(value, -node.value):
                    yield node, f"-{name}"
                    break


def _outside(f: Callable[..., Any]) -> dict[str, Array]:
    try:
        found = inspect.getclosurevars(f)
    except (TypeError, ValueError):  # a callable object, or a function not written in Python
        return {}
    variables = {**found.globals, **found.nonlocals}
    kinds = (np.ndarray, np.floating, float)
    return {name: np.asarray(v) for name, v in variables.items() if isinstance(v, kinds)}


def name_of(f: Callable[..., Any]) -> str:
    """What the function's result is called where the code gives it no name."""
    name = getattr(f, "__name__", "f")
    return name if name.isidentifier() else "f"


def _label(name: str, path: str) -> str:
    """``A0`` for ``params['A0']``; ``x[1]`` for an entry of a list."""
    if path.startswith("['") and path.endswith("']") and path.count("[") == 1:
        return path[2:-2]
    return name + path


def _at(key: Key, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return args[key] if isinstance(key, int) else kwargs[key]


def _is_floating(argument: Any) -> bool:
    leaves = flatten(argument)[0]
    return bool(leaves) and all(
        isinstance(leaf, (float, np.ndarray, np.floating)) and np.asarray(leaf).dtype.kind == "f"
        for leaf in leaves
    )


def _only_output(problem: Problem) -> Node:
    if len(problem.outputs) != 1:
        raise _one_result(len(problem.outputs))
    return problem.outputs[0]


def _one_result(count: int) -> ShapeError:
    return ShapeError(
        "check", "the function must return one array or number", got=f"{count} results",
        remedy="check one result at a time",
    )  # fmt: skip


# -- what the user's code does --------------------------------------------------------------------


@contextmanager
def failures(whose: str) -> Iterator[None]:
    """An exception of the user's code as one sentence."""
    try:
        yield
    except ChainruleError:
        raise
    except Exception as error:
        raise ArgumentError(
            "check", f"{whose} failed at the given point",
            got=f"{type(error).__name__}: {' '.join(str(error).split())}",
            remedy="call it there by itself first"
            if whose == "the function"
            else "it takes f's own arguments and returns the gradient",
        ) from error  # fmt: skip


def leaves_of(value: Any, what: str) -> list[Any]:
    """The leaves of a container."""
    try:
        return flatten(value)[0]
    except RecursionError:
        raise ArgumentError("check", f"{what} contains itself") from None


def real_array(value: Any, what: str) -> Array:
    """A value as an array of real numbers."""
    try:
        array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    except Exception as error:
        raise ArgumentError(
            "check", f"{what} is not an array: {error}",
            remedy="return numbers, in one array",
        ) from error  # fmt: skip
    if array.dtype.kind not in "fiub":
        raise DtypeError("check", f"{what} does not hold real numbers", got=f"dtype {array.dtype}")
    return array if array.dtype.itemsize <= 8 else array.astype(float)
