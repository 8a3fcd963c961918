"""Survival by a marker seen on treatment, visit by visit, and who was no longer sampled.

omics.md, sections 4 and 12: from a landmark at or after the visit, or with the last value carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import chdtrc, ndtri

from onearm.omics.assay import Block, Outcomes, Times, rows_of
from onearm.omics.cox_wald import cox_wald
from onearm.omics.landmark import changing, cox_changing, from_landmark
from onearm.stats.arguments import Floats, Integers

CARRIED_DAYS = 45.0
"""So long a value stands until the next one; then its patient leaves the risk sets."""


@dataclass(frozen=True, slots=True)
class Survived:
    """Survival by one marker: numbers at risk, hazard ratio with Wald limits, z and its p.

    at_risk, gone: with the endpoint still ahead of them at the landmark, and not. n: of those at
    risk, the patients with the marker. The ratio, its limits and z are NaN where no finite
    estimate exists; p is then that of the likelihood ratio and ``is_separated`` is True.
    """

    n: int
    events: int
    at_risk: int
    gone: int
    hazard_ratio: float
    lower: float
    upper: float
    z: float
    p: float
    is_separated: bool


def after_landmark(
    marker: Floats,
    times: Times,
    day: float,
    *,
    known_at: Floats | None = None,
    strata: Integers | None = None,
) -> Survived:
    """Cox's model of a marker with survival counted from a landmark.

    marker: (subjects,), NaN where not known. day: in the unit of the times. known_at: when the
    marker of each subject was seen; a landmark before that raises `OnearmError`, as counting from
    first dose would.
    """
    seen = None if known_at is None else np.where(np.isfinite(marker), known_at, np.nan)
    moved = from_landmark(times, day, known_at=seen)
    fit = cox_wald(marker[:, None], moved.times.time, moved.times.event, strata=strata)
    beta, se, z = float(fit.beta[0]), float(fit.se[0]), float(fit.z[0])
    separated = bool(fit.separated[0])
    half = float(ndtri(0.975)) * se
    by_ratio = float(chdtrc(1, fit.likelihood_ratio[0]))
    p = by_ratio if separated else float(chdtrc(1, z * z))
    # A hazard ratio beyond what a float holds stays infinite.
    with np.errstate(over="ignore"):
        ratio, low, high = (float(np.exp(b)) for b in (beta, beta - half, beta + half))
    return Survived(
        int(fit.n[0]), int(fit.events[0]), moved.at_risk, moved.gone, ratio, low, high, z, p,
        separated,
    )  # fmt: skip


def carried_on(
    blocks: Sequence[Block], feature: str, outcomes: Outcomes, endpoint: str
) -> Survived:
    """Cox's model of a marker that changes in time, its last value carried at most 45 days.

    blocks: one modality at its time points, on one scale; samples of unknown day take no part. The
    ratio is per unit of the blocks: for log2 amounts per doubling. Strata are not used.
    """
    times = outcomes.times[endpoint]
    at, day, value = [], [], []
    for block in blocks:
        if feature not in block.features:
            continue
        rows = rows_of(outcomes.subjects, block.subjects)
        kept = (rows >= 0) & np.isfinite(times.time[rows])
        at.append(rows[kept])
        day.append(block.study_day[kept])
        value.append(block.values[kept, block.features.index(feature)])
    parts = changing(
        times, np.concatenate(at), np.concatenate(day), np.concatenate(value), carried=CARRIED_DAYS
    )
    n, events = int(np.unique(parts.subject).size), int(parts.event.sum())
    nan = float("nan")
    nothing = Survived(n, events, n, 0, nan, nan, nan, nan, nan, is_separated=False)
    if not events or np.ptp(parts.value) == 0:
        return nothing
    fit = cox_changing(parts, name=feature)
    term = fit.terms[0]
    p = fit.likelihood_ratio.p_value
    if term.hazard_ratio is None or term.lower is None or term.upper is None or term.z is None:
        return Survived(
            n, events, n, 0, nan, nan, nan, nan, nan if p is None else p, is_separated=True
        )
    return Survived(
        n, events, n, 0, term.hazard_ratio, term.lower, term.upper, term.z,
        float(chdtrc(1, term.z**2)), is_separated=False,
    )  # fmt: skip


DROPOUT: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "study_day": pl.Float64(),
    "at_risk": pl.Int64(),
    "sampled": pl.Int64(),
    "missed": pl.Int64(),
    "gone": pl.Int64(),
    "baseline_sampled": pl.Float64(),
    "baseline_missed": pl.Float64(),
    "baseline_gone": pl.Float64(),
}
"""Columns of the frame of dropout, one row a feature and time point: of the patients with a
baseline value those sampled, those still at risk of sampling but without a sample (``missed``) and
those whose endpoint or last contact came before the visit's median day (``gone``); median baseline
value of each, null where there is nobody. ``at_risk`` is sampled plus missed."""


def dropout(
    blocks: Sequence[Block], features: Sequence[str], outcomes: Outcomes, endpoint: str
) -> pl.DataFrame:
    """Who stopped being sampled, and whether they differed at baseline.

    blocks: one modality, baseline first. endpoint: a time, after whose event or last contact no
    sample is expected. Subjects without an outcome take no part. Columns of `DROPOUT`.
    """
    base, times = blocks[0], outcomes.times[endpoint]
    rows = rows_of(outcomes.subjects, base.subjects)
    followed = np.where(rows < 0, np.nan, times.time[rows])
    made = []
    for place, block in enumerate(blocks):
        day = float(np.nanmedian(block.study_day)) if np.isfinite(block.study_day).any() else np.nan
        for feature in features:
            start = base.values[:, base.features.index(feature)]
            has = np.isfinite(start) & np.isfinite(followed)
            there = has & _measured(block, feature, base.subjects)
            gone = has & ~there & (followed < day if place else False)
            missed = has & ~there & ~gone
            made.append(
                (
                    base.modality, block.timepoint, feature, endpoint, day,
                    int(there.sum() + missed.sum()),
                    *(int(group.sum()) for group in (there, missed, gone)),
                    *(_median(start[group]) for group in (there, missed, gone)),
                )
            )  # fmt: skip
    frame = pl.DataFrame(made, schema=pl.Schema(DROPOUT), orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _measured(block: Block, feature: str, subjects: tuple[str, ...]) -> np.ndarray:
    if feature not in block.features:
        return np.zeros(len(subjects), dtype=np.bool_)
    at = rows_of(block.subjects, subjects)
    values = block.values[:, block.features.index(feature)]
    return np.asarray((at >= 0) & np.isfinite(values[at]))


def _median(values: Floats) -> float | None:
    return float(np.median(values)) if values.size else None
