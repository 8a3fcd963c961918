"""Time and memory of whole commands: help, and the demo of 50 and of 5,000 patients.

    python benchmarks/river.py [--subjects 50 5000]

Each command runs in a process of its own; the table gives wall time and peak memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ONEARM = [sys.executable, "-m", "onearm"]
TARGETS = {"--help": (0.4, None), "demo 50": (10.0, None), "demo 5000": (60.0, 4096.0)}


def measure(words: list[str]) -> tuple[float, float]:
    """Wall seconds and peak resident memory (MiB) of one command."""
    began = time.perf_counter()
    process = subprocess.Popen([*ONEARM, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"onearm {' '.join(words)} failed")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, nargs="*", default=[50, 5000])
    sizes = parser.parse_args().subjects
    table = Table("command", "wall s", "target s", "peak MiB", "target MiB", title="The river")
    helps = [measure(["--help"]) for _ in range(7)]
    rows = [("--help", statistics.median(h[0] for h in helps), max(h[1] for h in helps))]
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            words = ["demo", "--subjects", str(size), "--out", str(Path(folder) / str(size))]
            rows.append((f"demo {size}", *measure(words)))
    for name, seconds, memory in rows:
        target, limit = TARGETS.get(name, (None, None))
        table.add_row(name, f"{seconds:.2f}", str(target or ""), f"{memory:.0f}", str(limit or ""))
    Console().print(table)


if __name__ == "__main__":
    main()
