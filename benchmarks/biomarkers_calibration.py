"""Print how often the biomarker analysis finds something in noise, and how often what is planted.

    python benchmarks/biomarkers_calibration.py [--full] [--jobs N] [--only WORD]

The quick version has 200 trials of 2,000 features a line; ``--full`` has 1,000 of 20,000. A rate
that should be 5% may be 5% + 1.96 standard errors of so many trials; what power must reach is
printed beside it. Every trial goes through the functions that a trial's analysis uses. Ends with
status 1 where a line is missed.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from scipy.stats import kstest

from onearm.omics.calibration import (
    Line,
    Predicted,
    nested,
    null_lines,
    power_lines,
    rates,
)
from onearm.omics.detectable import power_table
from onearm.omics.nulls import Generator, bound
from onearm.pieces import SERIAL, Workers

SEED = 15


def main() -> int:
    """Print the tables; 1 where a line is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="1,000 trials of 20,000 features")
    parser.add_argument("--jobs", type=int, default=1, help="processes; -1 for every core")
    parser.add_argument("--only", default="", help="only lines with this word in their name")
    asked = parser.parse_args()
    trials, features = (1000, 20_000) if asked.full else (200, 2000)
    workers = SERIAL if asked.jobs == 1 else Workers("processes", asked.jobs)
    start = time.perf_counter()
    kept = [
        table("Noise (section 15)", null_lines(features), trials, asked.only, workers),
        table("Planted (section 16)", power_lines(features), trials, asked.only, workers),
        predictions(trials, features, asked.only, workers),
    ]
    if not asked.only:
        short_way(trials)
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0 if all(kept) else 1


def table(title: str, lines: tuple[Line, ...], trials: int, only: str, workers: Workers) -> bool:
    """Rates against their limits; whether all are kept."""
    chosen = [line for line in lines if only in line.name]
    if not chosen:
        return True
    print(f"\n{title}: {trials} trials a line")
    print(f"{'':<48}{'rate':>7}{'from':>8}{'to':>8}")
    kept = True
    for rate in rates(chosen, trials, seed=SEED, workers=workers):
        low, high = rate.line.limits(trials)
        verdict = "" if rate.is_kept else "  MISSED"
        print(f"{rate.line.name:<48}{rate.share:>7.3f}{low:>8.3f}{high:>8.3f}{verdict}", flush=True)
        kept = kept and rate.is_kept
    return kept


def predictions(trials: int, features: int, only: str, workers: Workers) -> bool:
    """Nested prediction on noise and on shifted genes; 199 permutations a trial."""
    permutations = 199
    kept = True
    for name, generator, reach in (
        ("nested ridge, noise", Generator(features=features), 0.0),
        ("nested ridge, 100 of 2,000 genes shifted 0.6", shifted(0.6), 0.90),
        ("nested ridge, 100 of 2,000 genes shifted 0.36", shifted(0.36), 0.38),
    ):
        if only not in name:
            continue
        found = nested(generator, trials, seed=SEED, permutations=permutations, workers=workers)
        rows = on_noise(found, permutations) if not reach else on_signal(found, reach)
        print(f"\n{name}: {trials} trials")
        for what, value, low, high in rows:
            missed = not low <= value <= high
            print(f"{what:<48}{value:>7.3f}{low:>8.3f}{high:>8.3f}{'  MISSED' if missed else ''}")
            kept = kept and not missed
    return kept


def shifted(size: float) -> Generator:
    """100 of 2,000 genes shifted in responders; every gene a module of its own."""
    return Generator(features=2000, modules=2000, shifted=100, shift=size)


def on_noise(found: list[Predicted], permutations: int) -> list[tuple[str, float, float, float]]:
    """What section 15 asks of nested cross-validation."""
    p = np.array([one.p for one in found])
    # Discrete p values: half a step is taken off before the comparison with the uniform law.
    uniform = float(kstest(p - 0.5 / (permutations + 1), "uniform").pvalue)
    return [
        ("  mean AUC", float(np.mean([one.auc for one in found])), 0.47, 0.53),
        ("  permutation p <= 0.05", float((p <= 0.05).mean()), 0.0, bound(len(found))),
        ("  p of the KS test that p is uniform", uniform, 0.01, 1.0),
        ("  interval covers 0.5", float(np.mean([one.covers_half for one in found])), 0.93, 1.0),
    ]


def on_signal(found: list[Predicted], reach: float) -> list[tuple[str, float, float, float]]:
    """What section 16 asks of it; the AUC is for information."""
    p = np.array([one.p for one in found])
    return [
        ("  mean AUC", float(np.mean([one.auc for one in found])), 0.0, 1.0),
        ("  power", float((p <= 0.05).mean()), reach, 1.0),
    ]


def short_way(trials: int) -> None:
    """The table of ``onearm biomarkers power``, which simulates markers but not whole trials."""
    print(f"\nonearm biomarkers power: 36 events of 50, {trials} trials a line")
    for size, curve in power_table(50, 36, [10, 20, 50], trials=trials, seed=SEED).items():
        numbers = ", ".join(f"HR {p.hazard_ratio:g} {p.power:.2f}" for p in curve[:6])
        print(f"  {size} features: {numbers}")


if __name__ == "__main__":
    sys.exit(main())
