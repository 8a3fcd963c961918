"""Whole simulated trials: two stages, disease control, and two curves; one row a trial."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from onearm.design.inference import after_two_stages
from onearm.design.oc import Plan, follow_up, log_rank_z
from onearm.design.trial_course import Seen, look, patients
from onearm.design.trial_curves import Curves, Estimate, curves, medians, rates
from onearm.design.trial_truth import Looks, Truth
from onearm.design.twostage import TwoStage
from onearm.stats.arguments import Floats, Integers, check_between, check_count

Columns: TypeAlias = Mapping[str, NDArray[Any]]
"""One row a trial; counts, Booleans, and numbers that are NaN where they do not exist."""

# Trials simulated at a time: their arrays stay in the processor's memory.
_CHUNK = 500
SIX_MONTHS = 6.0
LIMITS = ("", "_lower", "_upper")


def simulate_trials(
    plan: Plan,
    truth: Truth,
    looks: Looks,
    *,
    rng: np.random.Generator,
    n_trials: int,
    landmark: float = SIX_MONTHS,
    level: float = 0.95,
) -> dict[str, NDArray[Any]]:
    """Simulate ``n_trials`` whole trials of ``plan``; the same generator, the same columns.

    Columns: ``responders_1``, ``responders`` and ``controlled`` (of all n, had nobody stopped),
    ``go``, ``promising``, ``control_win``, ``patients`` (treated when the rule is obeyed); ``orr``
    and its limits as shares of those, the design left out, and ``orr_umvue``, ``orr_exact_lower``,
    ``orr_exact_upper`` with the design taken into account; ``pfs_z``, ``pfs_win``; for ``pfs`` and
    ``os`` events, last time, median and survival at ``landmark`` with log-log limits at ``level``,
    of all n, had nobody stopped; and what is true: ``true_orr``, ``true_pfs_median`` and so on.
    The first stage is read when the responses of its patients are known.
    Raises `InvalidArgument` for fewer than one trial and for a level or landmark that cannot be.
    """
    n_trials = check_count("n_trials", n_trials, low=1)
    check_between("landmark", landmark, 0.0, float("inf"))
    check_between("level", level)
    parts = []
    for start in range(0, n_trials, _CHUNK):
        size = (min(_CHUNK, n_trials - start), plan.response.n)
        those = patients(truth, rng, size)
        followed = follow_up(plan.survival, looks.dropout, rng, size)
        seen = look(those, looks, rng, followed=followed)
        parts.append(_one_chunk(plan, seen, landmark, level))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    known = {
        "true_orr": truth.response,
        "true_pfs_median": truth.free.median,
        "true_pfs_rate": float(truth.free.survival(np.asarray(landmark))),
        "true_os_median": truth.median_alive,
        "true_os_rate": truth.alive(landmark),
    }
    return columns | {name: np.full(n_trials, value) for name, value in known.items()}


def _one_chunk(plan: Plan, seen: Seen, landmark: float, level: float) -> dict[str, NDArray[Any]]:
    first = seen.responds[:, : plan.response.n1].sum(axis=1)
    z = log_rank_z(plan.survival.hypothesis, seen.free, seen.ended)
    controlled = seen.controls.sum(axis=1)
    return {
        **response_columns(plan.response, first, seen.responds.sum(axis=1), level=level),
        "controlled": controlled,
        "control_win": controlled > plan.control.r,
        "pfs_z": z,
        "pfs_win": z > plan.survival.critical,
        **_curve_columns("pfs", curves(seen.free, seen.ended), landmark, level),
        **_curve_columns("os", curves(seen.alive, seen.died), landmark, level),
    }


def response_columns(
    design: TwoStage, first: Integers, total: Integers, *, level: float = 0.95
) -> dict[str, NDArray[Any]]:
    """The two-stage part of the columns, from the responders of stage 1 and of all patients."""
    go = first > design.r1
    seen = np.where(go, total, first)
    treated = np.where(go, design.n, design.n1)
    found = _inferences(design, level)[np.where(go, 1, 0), seen]
    return {
        "responders_1": first,
        "responders": total,
        "go": go,
        "promising": go & (total > design.r),
        "patients": treated,
        "orr": seen / treated,
        **{f"orr{end}": found[:, k] for k, end in enumerate(LIMITS) if end},
        "orr_umvue": found[:, 3],
        "orr_exact_lower": found[:, 4],
        "orr_exact_upper": found[:, 5],
    }


@lru_cache(maxsize=16)
def _inferences(design: TwoStage, level: float) -> Floats:
    """Numbers of every outcome: by stage and responders, naive and design-based estimates."""
    table = np.full((2, design.n + 1, 6), np.nan)
    outcomes = [(1, k) for k in range(design.r1 + 1)]
    outcomes += [(2, k) for k in range(design.r1 + 1, design.n + 1)]
    for stage, k in outcomes:
        one = after_two_stages(design, k, stage=stage, level=level)
        naive = one.naive
        table[stage - 1, k] = (
            naive.estimate, naive.lower, naive.upper, one.estimate, one.lower, one.upper
        )  # fmt: skip
    return table


def _curve_columns(
    name: str, found: Curves, landmark: float, level: float
) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_events": found.events,
        f"{name}_last": found.last_time,
        **_estimate(f"{name}_median", medians(found, level=level)),
        **_estimate(f"{name}_rate", rates(found, landmark, level=level)),
    }


def _estimate(name: str, numbers: Estimate) -> dict[str, NDArray[Any]]:
    return {f"{name}{end}": column for end, column in zip(LIMITS, numbers, strict=True)}
