"""Cox regression of a few columns: coefficients, tests, baseline hazard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy

from onearm.stats.arguments import (
    Flags,
    Floats,
    InvalidArgument,
    Numbers,
    check_between,
    check_choice,
)
from onearm.stats.columns import Columns, read_columns
from onearm.stats.cox_likelihood import RiskSets, evaluate, lay_out, moments
from onearm.stats.discrete_likelihood import evaluate_discrete
from onearm.stats.newton import Maximum, inverse_of, maximise
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import observe

TIES = ("efron", "breslow", "exact_discrete")


@dataclass(frozen=True, slots=True)
class CoxTerm:
    """One column: log hazard ratio per unit, its standard error, hazard ratio and Wald limits.

    All numbers are None where there is no finite estimate; ``reason`` then says why.
    """

    name: str
    coefficient: float | None
    std_err: float | None
    hazard_ratio: float | None
    lower: float | None
    upper: float | None
    z: float | None
    p_value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GlobalTest:
    """A chi-square test that all coefficients are 0; None where it does not exist."""

    statistic: float | None
    df: int
    p_value: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CoxModel:
    """What a fit was made of: the rows in order of time, and the coefficients as numbers.

    ``beta`` belongs to standardised columns and is far from 0 where no finite estimate exists.
    """

    columns: Columns
    sets: RiskSets
    beta: Floats

    @property
    def predictor(self) -> Floats:
        """The linear predictor of the rows in order of time, about its mean."""
        return self.sets.x @ self.beta


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A fitted model; ``loglik_null`` is the log partial likelihood with all coefficients 0.

    ``model`` is None where nothing could be fitted (no event, or no information in the events).
    """

    terms: tuple[CoxTerm, ...]
    n: int
    events: int
    loglik_null: float
    loglik: float
    likelihood_ratio: GlobalTest
    wald: GlobalTest
    score: GlobalTest
    ties: str
    level: float
    model: CoxModel | None
    method: str = "Cox proportional hazards, Wald limits"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def cox(
    time: Numbers,
    event: Flags,
    columns: Mapping[str, Numbers],
    *,
    entry: Numbers | None = None,
    ties: str = "efron",
    level: float = 0.95,
) -> CoxFit:
    """Fit Cox's model by maximum partial likelihood.

    time, event, entry: as for `kaplan_meier`; rows from entry to time carry values that change
    (a response, say: with Breslow's ties the score test of one such column is Mantel and Byar's).
    columns: name to numbers, none missing. ties: efron, breslow, or exact_discrete (the discrete
    partial likelihood; what SAS calls DISCRETE).
    A coefficient that grows without bound is None with the note `no_finite_estimate`; `firth`
    gives a finite one. Fewer than 5 events a column carry the note `few_events`; without any
    event every number is None.
    Raises `InvalidArgument` as `kaplan_meier` does, and for a constant, duplicate or dependent
    column, naming it.
    Source: Cox, JRSS B 34:187-220 (1972); Efron, JASA 72:557-565 (1977).

    >>> fit = cox([1, 2, 3, 4], [1, 1, 1, 0], {"marker": [1, 0, 1, 0]})
    >>> round(fit.terms[0].coefficient, 4)
    0.9406
    """
    check_between("level", level)
    check_choice("ties", ties, TIES)
    observed = observe(time, event, entry=entry)
    read = read_columns(columns, observed.time.size)
    sets = lay_out(observed, read.standardised, is_efron=ties == "efron")
    if not sets.row.size:
        return _without_estimate(read, sets, ties, level, "no event at all", 0.0)
    likelihood = partial(evaluate_discrete if ties == "exact_discrete" else evaluate, sets)
    loglik_null, _, information = likelihood(np.zeros(len(read.names)))
    if np.linalg.matrix_rank(information, tol=1e-9) < len(read.names):
        reason = "the patients at risk at the events do not tell the columns apart"
        return _without_estimate(read, sets, ties, level, reason, loglik_null)
    return _summarise(read, sets, maximise(likelihood, len(read.names)), ties, level)


def _summarise(read: Columns, sets: RiskSets, maximum: Maximum, ties: str, level: float) -> CoxFit:
    df, events = len(read.names), sets.row.size
    covariance = inverse_of(maximum.information, ~maximum.is_infinite)
    terms = tuple(_term(read, sets, maximum, covariance, k, level) for k in range(df))
    wald = None
    if not maximum.is_infinite.any():
        wald = float(maximum.beta @ maximum.information @ maximum.beta)
    score = maximum.score_null @ np.linalg.solve(maximum.information_null, maximum.score_null)
    notes = [Note.NO_FINITE_ESTIMATE] if maximum.is_infinite.any() else []
    if events < 5 * df:
        notes.append(Note.FEW_EVENTS)
    return CoxFit(
        terms,
        sets.time.size,
        events,
        maximum.loglik_null,
        maximum.loglik,
        _test(2 * (maximum.loglik - maximum.loglik_null), df),
        _test(wald, df),
        _test(float(score), df),
        ties,
        float(level),
        CoxModel(read, sets, maximum.beta),
        notes=tuple(notes),
    )


def _term(
    read: Columns, sets: RiskSets, maximum: Maximum, covariance: Floats, k: int, level: float
) -> CoxTerm:
    if maximum.is_infinite[k]:
        return _term_without_estimate(read.names[k], _why_infinite(read, sets, k))
    coefficient = float(maximum.beta[k] / read.scale[k])
    std_err = math.sqrt(float(covariance[k, k])) / float(read.scale[k])
    half = float(scipy.special.ndtri((1 + level) / 2)) * std_err
    z = coefficient / std_err
    return CoxTerm(
        read.names[k],
        coefficient,
        std_err,
        math.exp(coefficient),
        math.exp(coefficient - half),
        math.exp(coefficient + half),
        z,
        2 * float(scipy.special.ndtr(-abs(z))),
    )


def _why_infinite(read: Columns, sets: RiskSets, k: int) -> str:
    column = sets.x[:, k] * read.scale[k] + read.mean[k]
    levels = np.unique(np.round(column, 9))
    with_event = np.unique(np.round(column[sets.row], 9))
    empty = np.setdiff1d(levels, with_event)
    if levels.size == 2 and empty.size:
        return f"no finite estimate (no event among {read.names[k]} = {empty[0]:g}); see firth"
    return "no finite estimate (the events are separated by this column); see firth"


def _term_without_estimate(name: str, reason: str) -> CoxTerm:
    return CoxTerm(name, None, None, None, None, None, None, None, reason)


def _without_estimate(
    read: Columns, sets: RiskSets, ties: str, level: float, reason: str, loglik: float
) -> CoxFit:
    nothing = GlobalTest(None, len(read.names), None)
    return CoxFit(
        tuple(
            _term_without_estimate(name, f"no finite estimate ({reason})") for name in read.names
        ),
        sets.time.size,
        sets.row.size,
        loglik,
        loglik,
        nothing,
        nothing,
        nothing,
        ties,
        float(level),
        None,
        notes=(Note.NO_FINITE_ESTIMATE, Note.FEW_EVENTS),
    )


def _test(statistic: float | None, df: int) -> GlobalTest:
    if statistic is None:
        return GlobalTest(None, df, None)
    statistic = max(0.0, statistic)
    return GlobalTest(statistic, df, float(scipy.special.chdtrc(df, statistic)))


@dataclass(frozen=True, slots=True, eq=False)
class BaselineHazard:
    """The cumulative hazard at the event times for a patient with the values in ``at``."""

    time: Floats
    hazard: Floats
    at: tuple[tuple[str, float], ...]
    method: str


def baseline_hazard(fit: CoxFit, *, at: Mapping[str, float] | None = None) -> BaselineHazard:
    """The cumulative hazard of a patient with the values ``at``; by default the column means.

    Ties are treated as in the fit. Raises `InvalidArgument` for a fit without an estimate, for
    exact_discrete (which has none), and for a name in ``at`` that is not a column.
    Source: Breslow, JRSS B 34:216-217 (1972); Efron, JASA 72:557-565 (1977).
    """
    model = fitted_model(fit)
    columns, sets = model.columns, model.sets
    values = dict(zip(columns.names, columns.mean.tolist(), strict=True))
    for name, value in (at or {}).items():
        if name not in values:
            raise InvalidArgument("at", name, f"one of the columns {', '.join(columns.names)}")
        values[name] = float(value)
    patient = (np.array(list(values.values())) - columns.mean) / columns.scale
    m = moments(sets, model.beta)
    steps = np.exp(float(patient @ model.beta) - m.shift) / m.weight_sum
    starts = sets.tie_starts
    hazard: Floats = np.cumsum(np.add.reduceat(steps, starts), dtype=np.float64)
    return BaselineHazard(sets.time[sets.row[starts]], hazard, tuple(values.items()), fit.ties)


def fitted_model(fit: CoxFit) -> CoxModel:
    """The model of a fit by Efron or Breslow with finite estimates; refuses any other."""
    if fit.ties == "exact_discrete":
        raise InvalidArgument("fit.ties", fit.ties, "efron or breslow here")
    if fit.model is None or Note.NO_FINITE_ESTIMATE in fit.notes:
        raise InvalidArgument("fit", [t.reason for t in fit.terms], "a fit with finite estimates")
    return fit.model
