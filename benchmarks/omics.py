"""Time the biomarker engine against R: 50 patients, 20,000 features, about 36 events, one core.

    python benchmarks/omics.py [--quick]

R and its packages come from Debian:

    apt-get install r-base-core r-cran-survival r-bioc-limma r-bioc-multtest

Every number is CPU time in this run: of ours the median of several calls, of R's jobs the one call
(its loops take long) or the median of three. The last columns are R / ours and the ratio asked for
by the specification. Lines without a peer have a limit instead. ``--quick`` takes 2,000 features.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median as middle

# One core for everybody: set before the numeric libraries start their threads.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np

from onearm.omics.assay import Times
from onearm.omics.concordance import concordance
from onearm.omics.cox_scores import cox_scores
from onearm.omics.cox_wald import cox_wald
from onearm.omics.moderated import moderated_t
from onearm.omics.permute import Group, max_t
from onearm.omics.residuals import centred, linear_residual, survival_residual
from onearm.omics.voom import voom

SEED = 20260101
DEBIAN = "r-base-core r-cran-survival r-bioc-limma r-bioc-multtest"

R_SCRIPT = """
suppressPackageStartupMessages({library(survival); library(limma); library(multtest)})
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) readBin(file.path(folder, name), "double", n = 4e6)
y <- read("time"); e <- read("event"); r <- read("response"); m <- read("residual")
n <- length(y)
x <- matrix(read("values"), n); k <- matrix(read("counts"), n)
cpu <- function(job, times = 3) median(sapply(seq_len(times), function(i) {
  gc(FALSE); t0 <- proc.time(); job(); sum((proc.time() - t0)[1:2])
}))
say <- function(name, seconds) cat(name, seconds, "\\n")
surv <- Surv(y, e)
fit <- function(j, turns) coxph.fit(x[, j, drop = FALSE], surv, NULL, NULL, 0,
  coxph.control(iter.max = turns), NULL, "efron", as.character(seq_len(n)), FALSE)
every <- seq_len(ncol(x))
say("score", cpu(function() for (j in every) fit(j, 0), 1))
say("wald", cpu(function() for (j in every) suppressWarnings(fit(j, 20)), 1))
some <- seq_len(min(2000, ncol(x)))
c_time <- cpu(function() for (j in some) concordance(surv ~ x[, j]), 1)
say("concordance", c_time * length(every) / length(some))
scaled <- scale(x) / sqrt(n - 1)
p <- t(replicate(1000, sample(m)))
say("product", cpu(function() apply(abs(p %*% scaled), 1, max)))
say("product only", cpu(function() p %*% scaled))
sink("/dev/null")
multtest <- cpu(function() mt.maxT(t(x), r, B = 1000), 1)
sink()
say("multtest", multtest)
design <- cbind(1, r)
say("limma", cpu(function() eBayes(lmFit(t(x), design))))
say("voom", cpu(function() eBayes(lmFit(voom(t(k), design), design))))
"""


@dataclass(frozen=True)
class Data:
    """One made-up cohort."""

    values: np.ndarray
    counts: np.ndarray
    times: Times
    response: np.ndarray

    @property
    def residual(self) -> np.ndarray:
        """Null martingale residuals."""
        return survival_residual(self.times, self.strata, self.none)[0]

    @property
    def strata(self) -> np.ndarray:
        """One stratum."""
        return np.zeros(self.response.size, dtype=np.int64)

    @property
    def none(self) -> np.ndarray:
        """No covariate."""
        return np.empty((self.response.size, 0))


def cohort(features: int, n: int = 50) -> Data:
    """Correlated Gaussian features, counts, times tied at two weeks, 15 responders."""
    rng = np.random.default_rng(SEED)
    latent = rng.standard_normal((n, 100))
    values = np.sqrt(0.5) * latent[:, np.arange(features) % 100]
    values += np.sqrt(0.5) * rng.standard_normal((n, features))
    life, censored = rng.exponential(6, n), rng.uniform(3, 20, n)
    time_ = np.maximum(np.round(np.minimum(life, censored) * 2), 1) / 2
    mean = np.exp(rng.normal(4, 1.5, features)) * rng.uniform(0.6, 1.5, n)[:, None]
    counts = rng.negative_binomial(5, 5 / (5 + mean)).astype(np.float64)
    response = (np.arange(n) < 15).astype(np.float64)
    return Data(values, counts, Times(time_, life <= censored), response)


def seconds(call: Callable[[], object], repeats: int = 5) -> float:
    """The median CPU seconds of one call."""
    call()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return middle(spent)


def r_seconds(data: Data) -> dict[str, float]:
    """CPU seconds of R's jobs by name; empty where Rscript or a package is missing."""
    program = shutil.which("Rscript")
    if program is None:
        return {}
    parts = {
        "time": data.times.time,
        "event": data.times.event,
        "response": data.response,
        "residual": data.residual,
        "values": data.values.T,
        "counts": data.counts.T,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, array in parts.items():
            np.ascontiguousarray(array, dtype=np.float64).tofile(Path(folder) / name)
        script = Path(folder) / "job.R"
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            [program, "--vanilla", str(script), folder], capture_output=True, text=True, check=False
        )
    if run.returncode:
        print(run.stderr)
        return {}
    rows = (row.rsplit(maxsplit=1) for row in run.stdout.splitlines() if row.strip())
    return {name: float(value) for name, value in rows}


def shuffled(data: Data, count: int, **more: object) -> Callable[[], object]:
    """Everything from the features to adjusted p: residuals, centring, permutations, step-down."""

    def call() -> object:
        residual, information = survival_residual(data.times, data.strata, data.none)
        is_exact = bool(more.get("is_exact"))
        group = Group(
            centred(data.values, data.strata, data.none),
            residual,
            information if is_exact else None,
        )
        precision = more.get("precision", "float64")
        return max_t(
            [group],
            strata=data.strata,
            seed=1,
            permutations=count,
            most=count,
            precision=precision,
        )

    return call


def t_shuffled(data: Data, count: int) -> Callable[[], object]:
    """The same with the response, which is what multtest permutes."""

    def call() -> object:
        residual = linear_residual(data.response, data.strata, data.none)
        group = Group(centred(data.values, data.strata, data.none), residual)
        return max_t([group], strata=data.strata, seed=1, permutations=count, most=count)

    return call


def weighted(data: Data) -> object:
    """voom and the moderated t on its weights."""
    made = voom(data.counts, data.response)
    return moderated_t(made.values, data.response, weights=made.weights)


def line(name: str, own: float, peer: float | None, wanted: float) -> str:
    """One row: ours, R, the ratio, and whether it is the one asked for."""
    if peer is None:
        return f"{name:<44} {own:>9.4f} {'-':>9} {'-':>8}"
    ratio = peer / own
    verdict = "reached" if ratio >= wanted else "MISSED"
    return f"{name:<44} {own:>9.4f} {peer:>9.3f} {ratio:>7.1f}x {wanted:>7.1f}x  {verdict}"


def limit(name: str, own: float, most: float) -> str:
    """One row that has a limit in seconds and no peer."""
    verdict = "reached" if own <= most else "MISSED"
    return f"{name:<44} {own:>9.4f} {'<=':>9} {most:>7.2f}s {'':>8}  {verdict}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 features")
    data = cohort(2000 if parser.parse_args().quick else 20_000)
    time_, event, x = data.times.time, data.times.event, data.values
    r = r_seconds(data)
    if not r:
        print(f"R or one of its packages is missing: apt-get install {DEBIAN}")
    print(f"{x.shape[0]} patients, {x.shape[1]:,} features, {int(event.sum())} events")
    print(f"{'CPU seconds':<44} {'ours':>9} {'R':>9} {'R/ours':>8} {'wanted':>8}")
    jobs: list[tuple[str, Callable[[], object], str, float]] = [
        ("Cox score z", lambda: cox_scores(x, time_, event), "score", 40),
        ("Cox Wald", lambda: cox_wald(x, time_, event), "wald", 4),
        ("C-index", lambda: concordance(x, time_, event), "concordance", 40),
        ("max-T 1,000, against R's product and max", shuffled(data, 1000), "product", 3),
        ("max-T 1,000, against multtest", t_shuffled(data, 1000), "multtest", 20),
        ("moderated t", lambda: moderated_t(x, data.response), "limma", 1),
        ("voom and moderated t", lambda: weighted(data), "voom", 1),
    ]
    for name, call, peer, wanted in jobs:
        print(line(name, seconds(call), r.get(peer), wanted), flush=True)
    thousand = seconds(shuffled(data, 1000))
    print(
        limit("max-T 10,000, against 12 x 1,000", seconds(shuffled(data, 10_000), 2), 12 * thousand)
    )
    print(
        limit("max-T 1,000 exact information", seconds(shuffled(data, 1000, is_exact=True), 2), 2)
    )
    for name, more in (
        ("max-T 1,000 in float32", {"precision": "float32"}),
        ("max-T 1,000 exact, float32", {"is_exact": True, "precision": "float32"}),
    ):
        print(line(name, seconds(shuffled(data, 1000, **more), 3), None, 0), flush=True)


if __name__ == "__main__":
    main()
