"""Time the design searches against R clinfun where Rscript and the package are present.

    python benchmarks/design.py

Every line is one search. Times are the median CPU time of one call over several, on one core, in
one run; the ratio is peer / ours. The first line says whether the peer was there; where it was not,
its columns say "not run" and no ratio is claimed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

# One core for everybody: set before the numeric libraries start their threads.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

from onearm.design import (
    Accrual,
    SurvivalHypothesis,
    bop2,
    early_activity,
    landmark_design,
    one_stage,
    pocock_toxicity,
    predictive_search,
    response_toxicity,
    simon,
    two_stage_log_rank,
)

R_SCRIPT = """
suppressPackageStartupMessages(library(clinfun))
job <- function() {{ {call} }}
invisible(job())
spent <- sapply(1:5, function(i) {{
  t0 <- proc.time(); for (k in 1:{inner}) invisible(job()); t1 <- proc.time()
  sum((t1 - t0)[1:2]) / {inner}
}})
cat(median(spent))
"""


@dataclass(frozen=True)
class Job:
    """One search of ours, and the same in R where it has one."""

    name: str
    call: Callable[[], object]
    in_r: str = ""
    inner: int = 1


def simon_job(p0: float, p1: float, alpha: float, beta: float, n_max: int, inner: int) -> Job:
    """Simon's designs up to ``n_max`` patients."""
    return Job(
        f"Simon {p0:g} to {p1:g}, n_max {n_max}",
        lambda: simon(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=n_max),
        f"ph2simon({p0}, {p1}, {alpha}, {beta}, nmax = {n_max})",
        inner,
    )


JOBS = (
    simon_job(0.10, 0.25, 0.05, 0.15, 100, 20),
    simon_job(0.20, 0.40, 0.05, 0.10, 100, 20),
    simon_job(0.30, 0.45, 0.05, 0.10, 200, 5),
    simon_job(0.60, 0.70, 0.025, 0.20, 400, 1),
    simon_job(0.30, 0.40, 0.05, 0.10, 500, 1),
    Job("One stage 0.1 to 0.25", lambda: one_stage(p0=0.10, p1=0.25)),
    Job(
        "Mander-Thompson to n = 110",
        lambda: early_activity(p0=0.20, p1=0.35, alpha=0.05, beta=0.10, n_max=110),
    ),
    Job("Bryant-Day", lambda: response_toxicity(response=(0.1, 0.3), safe=(0.6, 0.8))),
    Job(
        "Lee-Liu search",
        lambda: predictive_search(p0=0.2, p1=0.4, prior=(0.2, 0.8), alpha=0.1, beta=0.1),
    ),
    Job(
        "Lee-Liu search, early success",
        lambda: predictive_search(
            p0=0.2, p1=0.4, prior=(0.2, 0.8), alpha=0.1, beta=0.1, theta_u=0.99
        ),
    ),
    Job("BOP2, four looks", lambda: bop2(p0=0.1, p1=0.25, looks=(15, 25, 35, 50))),
    Job(
        "Log-rank, two stages",
        lambda: two_stage_log_rank(
            SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6),
            Accrual(rate=3.0, follow_up=6.0),
        ),
    ),
    Job(
        "Landmark at six months",
        lambda: landmark_design(
            SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6),
            Accrual(rate=2.5, follow_up=6.0),
            at=6.0,
        ),
    ),
    Job(
        "Pocock-type toxicity, 50 looks",
        lambda: pocock_toxicity(rate=0.2, cross=0.05, looks=range(1, 51)),
    ),
)


def seconds(job: Job, repeats: int = 5) -> float:
    """The median CPU seconds of one call."""
    job.call()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(job.inner):
            job.call()
        spent.append((time.process_time() - start) / job.inner)
    return median(spent)


def peer() -> tuple[str | None, str]:
    """The program that runs R with clinfun, None where it cannot; and what was found, in words."""
    program = shutil.which("Rscript")
    if program is None:
        return None, "R is not installed: no peer, our own times only"
    asked = 'cat(R.version.string, "with clinfun", as.character(packageVersion("clinfun")))'
    found = subprocess.run(
        [program, "--vanilla", "-e", asked], capture_output=True, text=True, check=False
    )
    if found.returncode:
        return None, "R is installed but library(clinfun) fails: no peer, our own times only"
    return program, f"peer: {found.stdout}"


def peer_seconds(program: str | None, job: Job) -> float | None:
    """The same search in clinfun; None where it has none or cannot be run."""
    if program is None or not job.in_r:
        return None
    script = R_SCRIPT.format(call=job.in_r, inner=job.inner)
    run = subprocess.run(
        [program, "--vanilla", "-e", script], capture_output=True, text=True, check=False
    )
    return float(run.stdout) if run.returncode == 0 else None


def main() -> None:
    """Print the table."""
    program, words = peer()
    print(words)
    print(f"{'search':<34} {'ms':>10} {'clinfun ms':>12} {'ratio':>8}")
    for job in JOBS:
        own, theirs = seconds(job), peer_seconds(program, job)
        missing = "not run" if job.in_r else "-"
        shown = missing if theirs is None else f"{theirs * 1e3:.2f}"
        ratio = "-" if theirs is None else f"{theirs / own:.1f}x"
        print(f"{job.name:<34} {own * 1e3:>10.2f} {shown:>12} {ratio:>8}", flush=True)


if __name__ == "__main__":
    main()
