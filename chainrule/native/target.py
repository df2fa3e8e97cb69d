"""What the processor offers that code is made for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule import forks
from chainrule.errors import ArgumentError
from chainrule.properties import cached_property

LEVELS = {
    "sse2": ("x86_64", "x86-64"),
    "sse4": ("x86_64", "x86-64-v2"),
    "avx2": ("x86_64", "x86-64-v3"),
    "avx512": ("x86_64", "x86-64-v4"),
    "neon": ("aarch64", "generic"),
}
"""Processors to make code for on purpose: architecture, and LLVM's name of the processor."""

_IMPLIED = {
    "x86-64": frozenset({"sse2"}),
    "x86-64-v2": frozenset({"sse2", "sse4.1"}),
    "x86-64-v3": frozenset({"sse2", "sse4.1", "avx", "avx2", "fma"}),
    "x86-64-v4": frozenset(
        {"sse2", "sse4.1", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"}
    ),
}
"""What LLVM's names of processors stand for; the host's own features come from LLVM."""


@dataclass(frozen=True)
class Target:
    """A processor: what LLVM is told, and what the code generators choose by.

    Parameters
    ----------
    triple : str
        LLVM's name of architecture and system, such as ``x86_64-unknown-linux-gnu``.
    cpu : str
        LLVM's name of the processor.
    features : str
        LLVM's list of features, ``+fma,-avx512f``; may be empty where ``cpu`` says it all.

    Examples
    --------
    >>> Target("x86_64-unknown-linux-gnu", "x86-64-v3").lanes("float32")
    8
    """

    triple: str
    cpu: str
    features: str = ""

    @property
    def is_x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i386", "i686", "amd64"))

    @property
    def is_arm(self) -> bool:
        return self.triple.startswith(("aarch64", "arm64"))

    @cached_property
    def _present(self) -> frozenset[str]:
        named = {item[1:] for item in self.features.split(",") if item.startswith("+")}
        return _IMPLIED.get(self.cpu, frozenset()) | named

    def has(self, feature: str) -> bool:
        """Whether a feature is there, by LLVM's name of it."""
        return feature in self._present

    @property
    def has_fma(self) -> bool:
        """One instruction computes a·b + c with a single rounding."""
        return self.is_arm or self.has("fma") or self.has("fma4")

    @property
    def has_rounding(self) -> bool:
        """One instruction rounds to a whole number."""
        return self.is_arm or self.has("sse4.1")

    @property
    def has_avx512(self) -> bool:
        return all(self.has(f"avx512{part}") for part in ("f", "bw", "dq", "vl"))

    @property
    def vector_bytes(self) -> int:
        """The size of a vector register; with AVX alone, integers have only half a register."""
        if self.has_avx512:
            return 64
        return 32 if self.has("avx2") else 16

    def lanes(self, dtype: Any) -> int:
        """How many numbers of a dtype a vector register holds."""
        return self.vector_bytes // int(np.dtype(dtype).itemsize)


def registers(target: Target) -> int:
    """How many vector registers there are."""
    return 32 if target.has_avx512 or target.is_arm else 16


TILE_VECTORS = 3
"""Vectors of a row of a register tile: with 8 or 4 rows of sums they fill the registers."""


@lru_cache(maxsize=1)
def host() -> Target:
    """The processor that this process runs on."""
    with forks.still():
        from llvmlite import binding

        cpu, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
        return Target(binding.get_process_triple(), cpu, features)


def level(name: str) -> Target:
    """A processor of one of the kinds in ``LEVELS``, on the host's system.

    Raises
    ------
    ArgumentError
        If there is no kind of that name.
    """
    if name not in LEVELS:
        raise ArgumentError("compile", "no such kind of processor", name, f"one of {list(LEVELS)}")
    architecture, cpu = LEVELS[name]
    system = host().triple.partition("-")[2]
    return Target(f"{architecture}-{system}", cpu)


def runs_here(target: Target) -> bool:
    """Whether the host can run code that was made for a target."""
    here = host()
    if target.triple.partition("-")[0] != here.triple.partition("-")[0]:
        return False
    return all(here.has(feature) for feature in target._present)
