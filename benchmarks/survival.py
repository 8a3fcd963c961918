"""Time Kaplan-Meier against lifelines and, where Rscript has the survival package, against R.

    python benchmarks/survival.py [--quick]

Every line is one job: the curve with log-log limits and the median. Times are the median CPU time
of one call over several, on one core, in one run; ratios are peer / ours.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median as middle

# One core for everybody: set before the numeric libraries start their threads.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np

from onearm.stats import kaplan_meier, median

SEED = 20260101

R_SCRIPT = """
suppressPackageStartupMessages(library(survival))
args <- commandArgs(trailingOnly = TRUE)
repeats <- as.integer(args[2])
x <- readBin(args[1], "double", n = 4e6)
n <- length(x) / 2
time <- x[1:n]; event <- x[(n + 1):(2 * n)]
job <- function() {
  fit <- survfit(Surv(time, event) ~ 1, conf.type = "log-log")
  quantile(fit, 0.5)
}
invisible(job())
inner <- max(1L, as.integer(20000 / n))
spent <- sapply(seq_len(repeats), function(i) {
  t0 <- proc.time(); for (k in seq_len(inner)) invisible(job()); t1 <- proc.time()
  sum((t1 - t0)[1:2]) / inner
})
cat(median(spent))
"""


@dataclass(frozen=True)
class Job:
    """One data set: how many patients, and to how many decimals their times are known."""

    name: str
    n: int
    decimals: int | None
    repeats: int

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Exponential times with exponential censoring, about 60 % events."""
        rng = np.random.default_rng(SEED)
        life, censoring = rng.exponential(700, self.n), rng.exponential(1000, self.n)
        times = np.minimum(life, censoring)
        if self.decimals is not None:
            times = np.round(times, self.decimals)
        return times, life <= censoring


JOBS = (
    Job("n = 50", 50, None, 9),
    Job("n = 1,000", 1_000, None, 7),
    Job("n = 1e6, distinct times", 1_000_000, None, 3),
    Job("n = 1e6, times in days", 1_000_000, 0, 3),
)


def seconds(call: Callable[[], object], repeats: int, inner: int) -> float:
    """The median CPU seconds of one call over ``repeats`` runs of ``inner`` calls."""
    call()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(inner):
            call()
        spent.append((time.process_time() - start) / inner)
    return middle(spent)


def ours(times: np.ndarray, events: np.ndarray) -> object:
    """Our curve with log-log limits, and its median."""
    return median(kaplan_meier(times, events))


def lifelines_seconds(job: Job) -> float | None:
    """The same job in lifelines; None where it is not installed."""
    try:
        from lifelines import KaplanMeierFitter
        from lifelines.utils import median_survival_times
    except ImportError:
        return None
    times, events = job.data()

    def call() -> object:
        fit = KaplanMeierFitter().fit(times, events)
        return fit.median_survival_time_, median_survival_times(fit.confidence_interval_)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seconds(call, max(1, job.repeats // 3), max(1, 500 // job.n))


def r_seconds(job: Job) -> float | None:
    """The same job in R survival; None where Rscript or the package is missing."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    times, events = job.data()
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder) / "data.bin", Path(folder) / "job.R"
        np.concatenate((times, events.astype(np.float64))).tofile(data)
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            [program, "--vanilla", str(script), str(data), str(job.repeats)],
            capture_output=True,
            text=True,
            check=False,
        )
    return float(run.stdout) if run.returncode == 0 else None


def line(job: Job) -> str:
    """One row of the table."""
    times, events = job.data()
    own = seconds(lambda: ours(times, events), job.repeats, max(1, 20_000 // job.n))
    curve_only = seconds(lambda: kaplan_meier(times, events), job.repeats, max(1, 20_000 // job.n))
    cells = [f"{job.name:<26}", f"{curve_only * 1e3:>12.3f}", f"{own * 1e3:>12.3f}"]
    for peer in (lifelines_seconds(job), r_seconds(job)):
        if peer is None:
            cells += [f"{'-':>12}", f"{'-':>8}"]
        else:
            cells += [f"{peer * 1e3:>12.3f}", f"{peer / own:>7.1f}x"]
    return " ".join(cells)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the million patients")
    quick = parser.parse_args().quick
    heads = ("curve ms", "+limits ms", "lifelines ms", "ratio", "R ms", "ratio")
    widths = (12, 12, 12, 8, 12, 8)
    titles = " ".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))
    print(f"{'Kaplan-Meier, median':<26} {titles}")
    for job in JOBS:
        if not (quick and job.n > 10_000):
            print(line(job), flush=True)


if __name__ == "__main__":
    main()
