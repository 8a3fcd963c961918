"""One block against one endpoint: nominal tests and effect sizes of every feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri
from scipy.stats import rankdata

from onearm.omics.assay import Times
from onearm.omics.auc import auc
from onearm.omics.available import patterns
from onearm.omics.concordance import concordance
from onearm.omics.cox_scores import cox_scores
from onearm.omics.cox_wald import cox_wald
from onearm.omics.exact import exact_tables
from onearm.omics.moderated import Moderated, moderated_t
from onearm.omics.residuals import centred
from onearm.stats.arguments import Booleans, Floats, Integers

MODERATE_FROM = 50
"""Features from which variances are moderated: fewer say little, and may be of several kinds."""


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One effect size of every feature with limits; ``p`` of its own test where it has one."""

    name: str
    value: Floats
    lower: Floats
    upper: Floats
    p: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Nominal:
    """One item a feature: n, events (responders; None for an amount), statistic, nominal p.

    effects: the first two go into the table of associations. flags: by word, where it applies.
    """

    n: Integers
    events: Integers | None
    statistic: Floats
    p: Floats
    effects: tuple[Effect, ...]
    flags: Mapping[str, Booleans] = field(default_factory=dict)


def _effect(
    name: str, value: Floats, lower: Floats, upper: Floats, p: Floats | None = None
) -> Effect:
    return Effect(name, value, lower, upper, np.full(value.shape, np.nan) if p is None else p)


def survival_effects(
    values: Floats, times: Times, strata: Integers, covariates: Floats, *, is_binary: bool
) -> Nominal:
    """Score z, hazard ratios per SD and per interquartile range, and C within strata.

    The p beside the hazard ratio is of the likelihood ratio, that beside the table of the score
    test. For a binary feature the ratio compares altered with not altered.
    """
    score = cox_scores(values, times.time, times.event, strata=strata, covariates=covariates)
    wald = cox_wald(values, times.time, times.event, strata=strata, covariates=covariates)
    c = concordance(values, times.time, times.event, strata=strata)
    usable = np.isfinite(times.time) & np.isfinite(covariates).all(axis=1)
    ratio_p = np.asarray(chdtrc(1, wald.likelihood_ratio))
    unit = np.ones(wald.sd.size) if is_binary else wald.sd
    name = "HR altered vs not" if is_binary else "HR per SD"
    effects = [_hazard_ratio(name, wald.beta, wald.se, unit, ratio_p)]
    effects.append(_effect("C-index", c.value, c.lower, c.upper))
    if not is_binary:
        width = quartile_range(values, usable)
        effects.append(_hazard_ratio("HR per IQR", wald.beta, wald.se, width, ratio_p))
    return Nominal(
        score.n,
        score.events,
        score.z,
        2 * np.asarray(ndtr(-np.abs(score.z))),
        tuple(effects),
        {"separated": wald.separated},
    )


def _hazard_ratio(name: str, beta: Floats, se: Floats, unit: Floats, p: Floats) -> Effect:
    half = float(ndtri(0.975)) * se * unit
    # Rare or heavy-tailed features have limits beyond what a float holds; they stay infinite.
    with np.errstate(over="ignore"):
        low, high = np.exp(beta * unit - half), np.exp(beta * unit + half)
        return Effect(name, np.exp(beta * unit), low, high, p)


def quartile_range(values: Floats, usable: Booleans) -> Floats:
    """Interquartile range of each feature among usable subjects that have it; NaN where 0."""
    width = np.full(values.shape[1], np.nan)
    for rows, columns in patterns(values, usable):
        if rows.size:
            low, high = np.quantile(values[rows][:, columns], (0.25, 0.75), axis=0)
            width[columns] = np.where(high > low, high - low, np.nan)
    return width


def response_effects(
    values: Floats, response: Floats, strata: Integers, covariates: Floats, *, is_binary: bool
) -> Nominal:
    """Moderated t with the difference in SD, or an exact test with the odds ratio; AUC of both.

    The p beside the AUC is Wilcoxon's. Exact tests know strata but no covariates; with covariates
    a binary feature is tested by the t statistic.
    """
    usable = np.isfinite(response) & np.isfinite(covariates).all(axis=1)
    known = np.where(usable, response, np.nan)
    area = auc(values, known)
    area_effect = Effect("AUC", area.value, area.lower, area.upper, area.wilcoxon_p)
    if is_binary and not covariates.shape[1]:
        table = exact_tables(values, known, strata=strata)
        with np.errstate(divide="ignore"):
            direction = np.sign(np.log(table.odds_ratio))
        z = direction * np.asarray(ndtri(1 - table.p / 2))
        ratio = np.where(table.separated, np.nan, table.odds_ratio)
        odds = Effect("odds ratio", ratio, table.lower, table.upper, table.p)
        flags = {"separated": table.separated}
        return Nominal(area.n, area.responders, z, table.p, (odds, area_effect), flags)
    fit = _moderated(values, known, strata, covariates)
    size = np.where(fit.sd > 0, fit.sd, np.nan)
    standardised = _effect(
        "difference in SD", fit.coefficient / size, fit.lower / size, fit.upper / size, fit.p
    )
    plain = _effect("difference", fit.coefficient, fit.lower, fit.upper, fit.p)
    effects = (standardised, area_effect, plain)
    return Nominal(area.n, area.responders, fit.t, fit.p, effects)


def amount_effects(values: Floats, amount: Floats, strata: Integers, covariates: Floats) -> Nominal:
    """Moderated t of the feature on the amount; Pearson and Spearman correlations.

    Both correlations are of what strata and covariates leave. Limits by Fisher's z, with the
    factor of Bonett and Wright, Psychometrika 65:23-28 (2000), for Spearman's.
    """
    usable = np.isfinite(amount) & np.isfinite(covariates).all(axis=1)
    known = np.where(usable, amount, np.nan)
    fit = _moderated(values, known, strata, covariates)
    p = values.shape[1]
    pearson, spearman = np.full(p, np.nan), np.full(p, np.nan)
    masked = np.where(usable[:, None], values, np.nan)
    for rows, columns in patterns(masked, usable):
        if rows.size < 4:
            continue
        own, x = known[rows][:, None], masked[rows][:, columns]
        left = centred(own, strata[rows], covariates[rows])
        right = centred(x, strata[rows], covariates[rows])
        pearson[columns] = _correlation(right, left)
        ranked = [
            centred(rankdata(part, axis=0), strata[rows], covariates[rows]) for part in (x, own)
        ]
        spearman[columns] = _correlation(ranked[0], ranked[1])
    free = fit.n - covariates.shape[1] - np.unique(strata).size - 2
    effects = (
        _correlation_effect("correlation", pearson, free, np.ones(p)),
        _correlation_effect(
            "rank correlation", spearman, free, np.sqrt(1 + np.square(spearman) / 2)
        ),
    )
    return Nominal(fit.n, None, fit.t, fit.p, effects)


def _moderated(values: Floats, outcome: Floats, strata: Integers, covariates: Floats) -> Moderated:
    return moderated_t(
        values,
        outcome,
        strata=strata,
        covariates=covariates,
        moderate=values.shape[1] >= MODERATE_FROM,
    )


def _correlation(x: Floats, y: Floats) -> Floats:
    product = np.einsum("ij,ik->j", x, y)
    size = np.sqrt(np.square(x).sum(axis=0) * float(np.square(y).sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, np.clip(product / size, -1, 1), np.nan)


def _correlation_effect(name: str, r: Floats, free: Integers, widen: Floats) -> Effect:
    half = float(ndtri(0.975)) * widen / np.sqrt(np.maximum(free, 1))
    inside = np.where((np.abs(r) < 1) & (free > 0), r, np.nan)
    z = np.arctanh(inside)
    return _effect(name, r, np.tanh(z - half), np.tanh(z + half))
