"""Time whole simulated trials against a loop over R's survfit, where Rscript has survival.

    python benchmarks/trials.py [--trials 10000] [--r-trials 300]

One trial: 50 patients, response in two stages, Kaplan-Meier of PFS and OS with log-log limits, the
median and the six-month rate, and the one-sample log-rank test. R gets fewer trials of the same
kind, and its time is scaled to as many. Times are CPU seconds on one core in one run; the ratio is
peer / ours. clinfun is not used: it has no simulation of whole trials (its Simon search is timed in
benchmarks/design.py).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median as middle

# One core for everybody: set before the numeric libraries start their threads.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np

from onearm.design import (
    Accrual,
    Plan,
    SurvivalHypothesis,
    log_rank_design_at,
    one_stage_design,
    two_stage,
)
from onearm.design.trial_truth import Looks, Truth, Weibull
from onearm.design.trials import simulate_trials
from onearm.stats import at_time, kaplan_meier, median

SEED = 20260101
PLAN = Plan(
    response=two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25),
    survival=log_rank_design_at(
        50, SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6), Accrual(2.5, 6.0)
    ),
    control=one_stage_design(50, 31, p0=0.5, p1=0.7),
)
TRUTH = Truth(0.25, 0.70, Weibull(5.0), Weibull(4.67), deaths=0.1, correlation=0.5)
SCANS = Looks(
    scans=tuple(1.38 * k for k in range(1, 20)),
    missed=0.05,
    reader_error=0.03,
    confirmation=True,
    confirm_after=0.92,
    gap=3.2,
    dropout=0.005,
)

R_SCRIPT = """
suppressPackageStartupMessages(library(survival))
args <- commandArgs(trailingOnly = TRUE)
trials <- as.integer(args[1])
n <- 50L; r1 <- 2L; n1 <- 20L; r <- 8L; null <- log(2) / 3
set.seed(20260101)
one <- function() {
  responds <- runif(n) < 0.25
  go <- sum(responds[1:n1]) > r1
  promising <- go && sum(responds) > r
  pfs <- rexp(n, log(2) / 5)
  os <- pfs + ifelse(runif(n) < 0.1, 0, rexp(n, log(2) / 4.67))
  entry <- cumsum(rexp(n, 2.5)); followed <- entry[n] + 6 - entry
  answers <- lapply(list(pfs, os), function(life) {
    time <- pmin(life, followed); event <- life <= followed
    fit <- survfit(Surv(time, event) ~ 1, conf.type = "log-log")
    list(quantile(fit, 0.5), summary(fit, times = 6, extend = TRUE)[c("surv", "lower", "upper")],
         time, event)
  })
  time <- answers[[1]][[3]]; o <- sum(answers[[1]][[4]]); e <- sum(null * time)
  z <- (e - o) / sqrt((o + e) / 2)
  c(go, promising, z > qnorm(0.95), answers[[1]][[1]]$quantile, answers[[1]][[2]]$surv)
}
for (k in 1:5) one()
t0 <- proc.time()
found <- vapply(seq_len(trials), function(k) as.numeric(one()), numeric(5))
t1 <- proc.time()
cat(sum((t1 - t0)[1:2]), rowMeans(found, na.rm = TRUE))
"""


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """The median CPU seconds of one call, after one to warm up."""
    call()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return middle(spent)


def ours(trials: int, looks: Looks) -> dict[str, np.ndarray]:
    """All trials at once."""
    rng = np.random.default_rng(SEED)
    return simulate_trials(PLAN, TRUTH, looks, rng=rng, n_trials=trials)


def one_by_one(trials: int) -> None:
    """The same curves by our own engine for one trial, in a loop: what a script would do."""
    rng = np.random.default_rng(SEED)
    for _ in range(trials):
        for law in (5.0, 11.0):
            life, followed = rng.exponential(law / np.log(2), 50), 6 + rng.uniform(0, 20, 50)
            curve = kaplan_meier(np.minimum(life, followed), life <= followed)
            median(curve)
            at_time(curve, 6.0, extend=True)


def r_loop(trials: int) -> tuple[float, list[float]] | None:
    """CPU seconds of the loop in R and the means it found; None without Rscript or survival."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "loop.R"
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            [program, "--vanilla", str(script), str(trials)],
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode != 0:
        return None
    spent, *means = (float(text) for text in run.stdout.split())
    return spent, means


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--r-trials", type=int, default=300)
    asked = parser.parse_args()
    own = seconds(lambda: ours(asked.trials, Looks()))
    scans = seconds(lambda: ours(asked.trials, SCANS))
    loop = seconds(lambda: one_by_one(asked.r_trials), repeats=1) * asked.trials / asked.r_trials
    peer = r_loop(asked.r_trials)
    print(f"{asked.trials:,} trials of 50 patients {'seconds':>28} {'R / this':>10}")
    if peer is None:
        print("R: not run (no Rscript, or no package survival)")
    scaled = None if peer is None else peer[0] * asked.trials / asked.r_trials
    for name, value in (
        ("all at once", own),
        ("all at once, with scans, readers, confirmation", scans),
        (f"our one-trial functions in a loop ({asked.r_trials} trials, scaled)", loop),
        (f"R survfit in a loop ({asked.r_trials} trials, scaled)", scaled),
    ):
        if value is not None:
            ratio = "-" if scaled is None else f"{scaled / value:.1f}x"
            print(f"{name:<52} {value:>9.3f} {ratio:>10}", flush=True)
    if peer is not None:
        found = ours(asked.trials, Looks())
        mine = [
            float(np.nanmean(found[name]))
            for name in ("go", "promising", "pfs_win", "pfs_median", "pfs_rate")
        ]
        print("means, go, promising, PFS, PFS median, PFS rate")
        for name, means in (("here", mine), ("R", peer[1])):
            print(f"  {name:<6}" + " ".join(f"{value:>8.3f}" for value in means))


if __name__ == "__main__":
    main()
