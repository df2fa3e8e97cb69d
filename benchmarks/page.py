"""Renews every figure of docs/speed.md, and its picture: some twenty minutes on two cores.

    python benchmarks/page.py [--quick]

Runs the benchmarks one after another, on a machine that should have nothing else to do.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs" / "speed.md", ROOT / "docs" / "growth.svg"

COMMANDS: dict[str, list[str]] = {
    "training.py": [],
    "training.py on one thread": ["--threads", "1"],
    "first_epoch.py": [],
    "gradients.py": [],
    "cost_ratio.py": [],
    "latency.py": [],
    "growth.py": ["--plot", str(PICTURE.relative_to(ROOT))],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="rough figures, to try it out")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS),
                        metavar="NAME", help=", ".join(COMMANDS))  # fmt: skip
    options = parser.parse_args()
    for name in options.only:
        started = time.perf_counter()
        command = [f"benchmarks/{name.split()[0]}", *COMMANDS[name], "--page", str(PAGE)]
        print(f"\n== {' '.join(command)}", flush=True)
        subprocess.run(
            [sys.executable, *command, *["--quick"] * options.quick], cwd=ROOT, check=True
        )
        print(f"({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
