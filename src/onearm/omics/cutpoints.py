"""A searched cutpoint, with everything that must stand beside it.

The p value that pays for the search, where the cutpoint falls in other samples of such patients,
and the effect with its optimism taken out. omics.md, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from onearm.omics.assay import Times
from onearm.omics.available import check_strata
from onearm.omics.cox_scores import cox_scores
from onearm.omics.cox_wald import cox_wald
from onearm.omics.permute import Group, max_t
from onearm.omics.residuals import centred, linear_residual, survival_residual
from onearm.pieces import SERIAL, Workers
from onearm.stats.arguments import Floats, Integers, InvalidArgument

_FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Cutpoint:
    """The cutpoint with the largest standardised statistic: values above it against the rest.

    p: that of the maximum over all ``searched`` cutpoints, by permutation; mc_se its Monte Carlo
    error. effect: log hazard ratio, or for a response the difference in shares, of above against
    not above on these data (NaN where separated); shrunken: the effect times ``shrinkage``, the
    slope by which effects found in nine tenths of the patients come back in the tenth left out.
    bootstrap: the cutpoint found in each resample.
    """

    value: float
    statistic: float
    p: float
    mc_se: float
    permutations: int
    searched: int
    above: int
    n: int
    effect: float
    shrinkage: float
    shrunken: float
    bootstrap: Floats
    note: str = "cutpoint chosen on these data"


def search_cutpoint(
    feature: Floats,
    outcome: Times | Floats,
    *,
    seed: int,
    strata: Integers | None = None,
    tails: tuple[float, float] = (0.1, 0.9),
    permutations: int = 10_000,
    resamples: int = 200,
    workers: Workers = SERIAL,
) -> Cutpoint:
    """Search the cutpoint of a continuous feature and say what it is worth.

    feature: (subjects,), NaN where missing. outcome: times, or a response of 0, 1 and NaN. tails:
    the smallest and the largest share of subjects that may lie at or below the cutpoint.
    Raises `InvalidArgument` for tails outside 0..1 or a feature without two groups inside them.
    Source: Hothorn and Lausen, Computational Statistics and Data Analysis 43:121-137 (2003), here
    by permutation; Hollaender, Sauerbrei and Schumacher, Statistics in Medicine 23:1701-1713 (2004)
    for the shrinkage.
    """
    if not 0 < tails[0] < tails[1] < 1:
        raise InvalidArgument("tails", tails, "two rising shares between 0 and 1")
    groups = check_strata(strata, feature.size)
    usable = np.isfinite(feature) & np.isfinite(_number(outcome))
    x, y, s = feature[usable], _some(outcome, np.flatnonzero(usable)), groups[usable]
    s = check_strata(s, s.size)
    cuts = _cuts(x, tails)
    if not cuts.size:
        raise InvalidArgument("feature", f"{x.size} values", "one with two groups inside the tails")
    none = np.empty((x.size, 0))
    indicators = _above(x, cuts)
    judge = partial(
        max_t,
        [Group(centred(indicators, s, none), _residual(y, s))],
        strata=s,
        seed=seed,
        permutations=permutations,
        workers=workers,
    )
    judged = judge(most=permutations)
    size = np.abs(judged.statistic[0])
    if np.isnan(size).all():
        raise InvalidArgument("outcome", "no contrast", "one with events or with both responses")
    best = int(np.nanargmax(size))
    if judged.indeterminate[0][best]:
        # More permutations only for the cutpoint that is reported, not for its neighbours.
        judged = judge()
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    bootstrap = _resampled(x, y, s, tails, resamples, rng)
    shrinkage = _shrinkage(x, y, s, tails, rng)
    effect = _effect(indicators[:, best], y, s)
    return Cutpoint(
        float(cuts[best]),
        float(judged.statistic[0][best]),
        float(judged.p_adjusted[0][best]),
        float(judged.mc_se[0][best]),
        judged.permutations,
        cuts.size,
        int(indicators[:, best].sum()),
        x.size,
        effect,
        shrinkage,
        effect * shrinkage,
        bootstrap,
    )


def _number(outcome: Times | Floats) -> Floats:
    return outcome.time if isinstance(outcome, Times) else outcome


def _some(outcome: Times | Floats, rows: Integers) -> Times | Floats:
    if isinstance(outcome, Times):
        return Times(outcome.time[rows], outcome.event[rows])
    return outcome[rows]


def _cuts(x: Floats, tails: tuple[float, float]) -> Floats:
    """Distinct values that leave a share of subjects within the tails at or below them."""
    values, counts = np.unique(x, return_counts=True)
    share = np.cumsum(counts) / x.size
    # A share of exactly one tail is inside, whatever the last digit of the division.
    inside = (share >= tails[0] - 1e-9) & (share <= tails[1] + 1e-9) & (share < 1)
    return np.asarray(values[inside])


def _above(x: Floats, cuts: Floats) -> Floats:
    return (x[:, None] > cuts[None, :]).astype(np.float64)


def _residual(outcome: Times | Floats, strata: Integers) -> Floats:
    none = np.empty((strata.size, 0))
    if isinstance(outcome, Times):
        return survival_residual(outcome, strata, none)[0]
    return linear_residual(outcome, strata, none)


def _best(
    x: Floats, outcome: Times | Floats, strata: Integers, tails: tuple[float, float]
) -> float:
    """The cutpoint with the largest standardised linear statistic; NaN where there is none."""
    cuts = _cuts(x, tails)
    if not cuts.size:
        return float("nan")
    indicators = centred(_above(x, cuts), strata, np.empty((x.size, 0)))
    length = np.sqrt(np.square(indicators).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(_residual(outcome, strata) @ indicators) / length
    if np.isnan(size).all():
        return float("nan")
    return float(cuts[int(np.nanargmax(np.round(size, 12)))])


def _resampled(
    x: Floats,
    outcome: Times | Floats,
    strata: Integers,
    tails: tuple[float, float],
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """The cutpoint of each bootstrap sample, drawn within strata; none where it has none."""
    found = np.full(resamples, np.nan)
    members = [np.flatnonzero(strata == number) for number in np.unique(strata)]
    for at in range(resamples):
        rows = np.concatenate([rng.choice(part, part.size) for part in members])
        found[at] = _best(x[rows], _some(outcome, rows), strata[rows], tails)
    return np.asarray(found[np.isfinite(found)])


def _shrinkage(
    x: Floats,
    outcome: Times | Floats,
    strata: Integers,
    tails: tuple[float, float],
    rng: np.random.Generator,
) -> float:
    """Slope of the outcome on what the other folds predict, between 0 and 1."""
    fold = rng.permutation(np.arange(x.size) % _FOLDS)
    predicted = np.zeros(x.size)
    for number in range(_FOLDS):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        cut = _best(x[train], _some(outcome, train), strata[train], tails)
        if np.isfinite(cut):
            effect = _one_step(x[train] > cut, _some(outcome, train), strata[train])
            predicted[test] = effect * (x[test] > cut)
    slope = _one_step(predicted, outcome, strata)
    if isinstance(outcome, Times):
        fit = cox_wald(predicted[:, None], outcome.time, outcome.event, strata=strata)
        slope = float(fit.beta[0]) if np.isfinite(fit.beta[0]) else slope
    return float(np.clip(slope, 0.0, 1.0))


def _one_step(values: np.ndarray, outcome: Times | Floats, strata: Integers) -> float:
    """A first-order slope, finite even where events are separated; 0 without information."""
    column = np.asarray(values, dtype=np.float64)[:, None]
    if isinstance(outcome, Times):
        score = cox_scores(column, outcome.time, outcome.event, strata=strata)
        return float(score.u[0] / score.v[0]) if score.v[0] > 0 else 0.0
    x = centred(column, strata, np.empty((strata.size, 0)))[:, 0]
    length = float(x @ x)
    return float(x @ _residual(outcome, strata)) / length if length > 0 else 0.0


def _effect(above: Floats, outcome: Times | Floats, strata: Integers) -> float:
    if isinstance(outcome, Times):
        fit = cox_wald(above[:, None], outcome.time, outcome.event, strata=strata)
        return float(fit.beta[0])
    return _one_step(above, outcome, strata)
