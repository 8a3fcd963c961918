"""One-sample log-rank in two stages: stop for futility at a calendar time during accrual."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from onearm.design.arguments import NoDesign, check_errors, check_patients
from onearm.design.logrank_moments import Moments, moments
from onearm.design.timetoevent import (
    Accrual,
    SurvivalHypothesis,
    check_scale,
    log_rank_design,
)
from onearm.stats.arguments import Floats, InvalidArgument, check_between
from onearm.stats.notes import Note, Sides

SOURCE = "Wu, Chen, Wei, Weiss and Chauhan, Pharmaceutical Statistics 19:214-229 (2020)"

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
# Beyond this a standard normal variable has no probability that matters here.
_FAR = 8.5


@dataclass(frozen=True, slots=True)
class TwoStageLogRank:
    """At calendar time ``look`` stop if Z < ``first``; at the end promising if Z > ``last``.

    ``entered`` patients are expected to have entered by the look, ``n`` in all; large Z favours
    the drug. ``alpha`` and ``power`` are normal approximations with exact moments, the stop
    binding; ``stop0``, ``stop1`` are the probabilities of stopping at the look and ``en0``,
    ``en1`` the expected numbers of patients, under the null and the alternative.
    """

    n: int
    look: float
    entered: float
    first: float
    last: float
    hypothesis: SurvivalHypothesis
    accrual: Accrual
    alpha: float
    power: float
    stop0: float
    stop1: float
    en0: float
    en1: float
    kind: str = "given"
    method: str = "one-sample log-rank, two stages"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    @property
    def accrual_time(self) -> float:
        """Time until the last patient has entered."""
        return self.n / self.accrual.rate

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        h = self.hypothesis
        return (
            f"A look is taken {self.look:.2f} time units after the first patient, when about "
            f"{self.entered:.0f} patients have entered; the trial stops for futility if the "
            f"one-sample log-rank Z is below {self.first:.3f}. Otherwise {self.n} patients are "
            f"entered over {self.accrual_time:.1f} units and analysed "
            f"{self.accrual.follow_up:g} units after the last; the treatment is considered "
            f"promising if Z exceeds {self.last:.3f}. Against a Weibull null with a survival of "
            f"{h.survival:.1%} at {h.time:g} (shape {h.shape:g}) the one-sided type I error is "
            f"{self.alpha:.4f} and the power at a hazard ratio of {h.hazard_ratio:.3g} is "
            f"{self.power:.3f}, both by a normal approximation; under the null the trial stops "
            f"early with probability {self.stop0:.3f} and {self.en0:.1f} patients are expected "
            f"({self.kind}; {self.source})."
        )


@dataclass(frozen=True, slots=True)
class TwoStageLogRankSearch:
    """Optimal: the least EN under the null. Minimax: the least n, then that."""

    optimal: TwoStageLogRank
    minimax: TwoStageLogRank
    n_single: int

    def sentence(self) -> str:
        """The optimal design for a protocol."""
        return self.optimal.sentence()


def two_stage_log_rank(
    hypothesis: SurvivalHypothesis,
    accrual: Accrual,
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    n_max: int = 400,
) -> TwoStageLogRankSearch:
    """The look, cuts and size with the least expected number of patients under the null.

    For every n from the single-stage size on, a grid over the look (during accrual) and the first
    cut is refined twice around its best; the last cut makes the type I error ``alpha``. The
    search ends after five sizes in a row without a gain. The normal approximation deserves a
    simulation before a protocol is signed. Raises `NoDesign` as `log_rank_design`.
    """
    check_errors(alpha, beta)
    single = log_rank_design(hypothesis, accrual, alpha=alpha, beta=beta, n_max=n_max)
    best: TwoStageLogRank | None = None
    minimax: TwoStageLogRank | None = None
    since = 0
    for n in range(max(2, single.n - 1), n_max + 1):
        found = _best_of(n, hypothesis, accrual, alpha, beta)
        if found is None:
            continue
        minimax = minimax or found
        since = since + 1
        if best is None or found.en0 < best.en0:
            best, since = found, 0
        if since >= 5:
            break
    if best is None or minimax is None:
        raise NoDesign("two-stage log-rank design", n_max, single.power, n_max + 10)
    return TwoStageLogRankSearch(_named(best, "optimal"), _named(minimax, "minimax"), single.n)


def two_stage_log_rank_design(
    n: int,
    *,
    look: float,
    first: float,
    last: float,
    hypothesis: SurvivalHypothesis,
    accrual: Accrual,
) -> TwoStageLogRank:
    """The design with this size, look and cuts, and what it attains.

    ``look`` lies inside the accrual, n / rate. Raises `InvalidArgument` otherwise.
    """
    n = check_patients("n", n, low=2)
    check_scale(hypothesis, accrual, n / accrual.rate)
    check_between("look", look, 0.0, n / accrual.rate)
    for name, value in (("first", first), ("last", last)):
        if not abs(value) < _FAR:
            raise InvalidArgument(name, value, f"a normal score between -{_FAR} and {_FAR}")
    parts = moments(hypothesis, accrual, n / accrual.rate, look)
    if min(parts.size1, parts.var1, parts.var2) < 1e-12:
        raise InvalidArgument("look", look, "late enough for some follow-up by then")
    alpha = float(_null(parts, np.array([first]), np.array([last]))[0])
    power = float(_wished(parts, n, np.array([first]), np.array([last]))[0])
    stop0 = float(ndtr(first))
    stop1 = float(ndtr(_standard(first, parts.mean1, parts.var1, parts.size1, n)))
    entered = look * accrual.rate
    return TwoStageLogRank(
        n,
        look,
        entered,
        first,
        last,
        hypothesis,
        accrual,
        alpha=alpha,
        power=power,
        stop0=stop0,
        stop1=stop1,
        en0=n - stop0 * (n - entered),
        en1=n - stop1 * (n - entered),
    )


def _named(design: TwoStageLogRank, kind: str) -> TwoStageLogRank:
    return replace(design, kind=kind)


def _best_of(
    n: int, hypothesis: SurvivalHypothesis, accrual: Accrual, alpha: float, beta: float
) -> TwoStageLogRank | None:
    """The best look and cuts with ``n`` patients; None where no grid point has the power."""
    accrual_time = n / accrual.rate
    looks = np.linspace(0.1, 0.98, 23) * accrual_time
    firsts = np.linspace(-2.5, 1.0, 29)
    best: tuple[float, float, float, float] | None = None
    for _ in range(3):
        for look in looks:
            parts = moments(hypothesis, accrual, accrual_time, float(look))
            sizes = n - ndtr(firsts) * (n - look * accrual.rate)
            hopeful = firsts[sizes < (np.inf if best is None else best[0])]
            if not hopeful.size:
                continue
            last = _last_cut(parts, hopeful, alpha)
            good = _wished(parts, n, hopeful, last) >= 1 - beta
            if good.any():
                place = int(np.flatnonzero(good)[-1])
                size = n - float(ndtr(hopeful[place])) * (n - float(look) * accrual.rate)
                best = (size, float(look), float(hopeful[place]), float(last[place]))
        if best is None:
            break
        looks = _around(looks, best[1], 0.0, accrual_time)
        firsts = _around(firsts, best[2], -_FAR, _FAR)
    if best is None:
        return None
    return two_stage_log_rank_design(
        n, look=best[1], first=best[2], last=best[3], hypothesis=hypothesis, accrual=accrual
    )


def _around(grid: Floats, middle: float, low: float, high: float) -> Floats:
    """A finer grid of one old step on either side of ``middle``."""
    step = float(grid[1] - grid[0])
    finer = np.linspace(middle - step, middle + step, 13)
    return finer[(finer > low) & (finer < high)]


def _last_cut(parts: Moments, first: Floats, alpha: float) -> Floats:
    """The smallest last cut, to 1e-10, with type I error at most ``alpha``."""
    low, high = np.full(first.size, -_FAR), np.full(first.size, _FAR)
    for _ in range(38):
        middle = (low + high) / 2
        too_much = _null(parts, first, middle) > alpha
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    return high


def _null(parts: Moments, first: Floats, last: Floats) -> Floats:
    """P(Z1 >= first, Z2 > last) under the null."""
    return _both_above(first, last, math.sqrt(parts.null1 / parts.null2))


def _wished(parts: Moments, n: int, first: Floats, last: Floats) -> Floats:
    """P(Z1 >= first, Z2 > last) under the alternative."""
    correlation = parts.cov / math.sqrt(parts.var1 * parts.var2)
    return _both_above(
        _standard(first, parts.mean1, parts.var1, parts.size1, n),
        _standard(last, parts.mean2, parts.var2, parts.size2, n),
        min(correlation, 1 - 1e-9),
    )


def _standard(cut: Floats | float, mean: float, var: float, size: float, n: int) -> Floats:
    """A cut for Z in units of Z's own spread under the alternative."""
    moved: Floats = np.asarray((cut - mean * math.sqrt(n / size)) / math.sqrt(var / size))
    return moved


def _both_above(a: Floats, b: Floats, correlation: float) -> Floats:
    """P(X > a, Y > b) for a standard bivariate normal, one value a pair."""
    start = np.clip(a, -_FAR, _FAR)[:, None]
    half = (_FAR - start) / 2
    x = start + half * (1 + _NODES)
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    given = ndtr((correlation * x - b[:, None]) / math.sqrt(1 - correlation**2))
    chance: Floats = (half * _WEIGHTS * density * given).sum(axis=1)
    return chance
