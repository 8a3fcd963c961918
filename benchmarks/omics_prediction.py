"""Time nested prediction and the factor model: 50 patients, one core.

    python benchmarks/omics_prediction.py [--quick]

The peers are one `cv.glmnet` run of R without nesting and without permutation, and mofapy2 on the
same views. R and its package come from Debian:

    apt-get install r-base-core r-cran-glmnet

Every number is CPU time in this run; a peer that is not installed is left out. ``--quick`` takes
2,000 features and 200 permutations.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

# One core for everybody: set before the numeric libraries start their threads.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np

from onearm.omics.assay import Block
from onearm.omics.factors import SEEDS, factors
from onearm.omics.nested import Part, Study, one_repeat
from onearm.omics.nulls import Generator, Trial, draw
from onearm.omics.predict import predict
from onearm.omics.prediction_data import Question
from onearm.omics.targets import Response, permutations

SEED = 20260101

R_SCRIPT = """
suppressPackageStartupMessages(library(glmnet))
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) readBin(file.path(folder, name), "double", n = 4e6)
y <- read("response"); x <- matrix(read("values"), length(y))
job <- function() cv.glmnet(x, y, family = "binomial", alpha = 0, nfolds = 5)
invisible(job())
cat(median(sapply(1:3, function(i) { t0 <- proc.time(); job(); sum((proc.time() - t0)[1:2]) })))
"""


def seconds(call: Callable[[], object]) -> float:
    """CPU seconds of the second call."""
    call()
    start = time.process_time()
    call()
    return time.process_time() - start


def nested_ridge(trial: Trial, permuted: int, repeats: int) -> object:
    """5 outer folds, repeated, with 4 inner ones, for the truth and every permutation."""
    n = trial.response.size
    target = Response(trial.response)
    dealt = permutations(np.zeros(n, dtype=np.int64), permuted, np.random.SeedSequence(1))
    part = Part("RNA", trial.values, np.arange(n), ("ridge",))
    study = Study(target, target.label, dealt, (part,), {"omics": ("RNA",)}, 5, 4)
    return [one_repeat(study, stream) for stream in np.random.SeedSequence(2).spawn(repeats)]


def glmnet(trial: Trial) -> float | None:
    """CPU seconds of one cross-validated ridge of R; None where it is not installed."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        trial.response.tofile(Path(folder) / "response")
        np.ascontiguousarray(trial.values.T).tofile(Path(folder) / "values")
        script = Path(folder) / "job.R"
        script.write_text(R_SCRIPT)
        run = subprocess.run(
            [program, "--vanilla", str(script), folder], capture_output=True, text=True, check=False
        )
    return float(run.stdout) if run.returncode == 0 else None


def views(rng: np.random.Generator) -> list[Block]:
    """Four modalities of 2,000, 2,000, 300 and 150 features with three factors in common."""
    z = rng.standard_normal((50, 3))
    names = tuple(f"S{row:02d}" for row in range(50))
    made = []
    for number, p in enumerate((2000, 2000, 300, 150)):
        values = 0.6 * z @ rng.standard_normal((3, p)) + rng.standard_normal((50, p))
        features = tuple(f"F{column:04d}" for column in range(p))
        day = np.full(50, np.nan)
        made.append(Block(f"M{number}", "baseline", "log", features, names, values, day))
    return made


def line(name: str, own: float, peer: float | None, most: float | None) -> str:
    """One row: ours, the peer, the limit, and whether it is kept."""
    verdict = "" if most is None else "reached" if own <= most else "MISSED"
    shown = "-" if peer is None else f"{peer:.2f}"
    limit = "-" if most is None else f"{most:.2f}"
    return f"{name:<58} {own:>8.2f} {shown:>8} {limit:>8}  {verdict}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2,000 features, 200 permutations")
    is_quick = parser.parse_args().quick
    features, permuted = (2000, 200) if is_quick else (20_000, 1000)
    rng = np.random.default_rng(SEED)
    trial = draw(Generator(features=features), rng)
    print(f"{trial.response.size} patients, {features:,} features, {permuted:,} permutations")
    print(f"{'CPU seconds':<58} {'ours':>8} {'peer':>8} {'limit':>8}")
    once = seconds(partial(nested_ridge, trial, 0, 5))
    all_ = seconds(partial(nested_ridge, trial, permuted, 5))
    print(line("nested ridge 5 x 5 x 4, no permutation", once, glmnet(trial), None), flush=True)
    print(line("the same with all permutations", all_, None, 5.0), flush=True)
    for endpoint in ("response", "survival"):
        question = Question(endpoint, permutations=permuted)
        own = seconds(partial(predict, [trial.block()], trial.outcomes(), question, seed=1))
        print(line(f"predict {endpoint}: 10 repeats, both kernels", own, None, None), flush=True)
    blocks = views(rng)
    peer = None
    if find_spec("mofapy2"):
        peer = seconds(partial(factors, blocks, seed=1, engine="mofa"))
    own = seconds(partial(factors, blocks, seed=1))
    name = f"factors, 50 x (2000, 2000, 300, 150), {SEEDS} starts; mofapy2"
    print(line(name, own, peer, peer), flush=True)


if __name__ == "__main__":
    main()
