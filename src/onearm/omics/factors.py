"""Factors shared by several modalities: a Gaussian model that keeps patients lacking a block.

A patient's features are W z + noise, with the same few factors z for all modalities, loadings W and
one noise variance a modality. What a patient lacks takes no part in his factors.
Source: Tipping and Bishop, JRSS B 61:611-622 (1999), with one noise variance a modality and missing
blocks as in Argelaguet and others, Molecular Systems Biology 14:e8124 (2018); omics.md, section 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from onearm.omics.assay import Block
from onearm.omics.mofa import mofa_scores
from onearm.omics.views import View, chance_share, make_views
from onearm.pieces import SERIAL, Workers, each
from onearm.stats.arguments import Floats, check_choice, check_count

MODALITY = "factors"
STABLE = 0.9
SEEDS = 5
MOST = 10
_ROUNDS = 2000
_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """The factors that came out alike from every start.

    scores: (patients, factors) with mean 0 and SD 1. variance: one row a
    factor and modality, share of the modality's variance explained. loadings: factor, modality,
    feature, correlation of the factor with the feature. stability: by factor the smallest
    correlation with its match among the other starts. dropped: factors that were not stable.
    """

    subjects: tuple[str, ...]
    names: tuple[str, ...]
    scores: Floats
    variance: pl.DataFrame
    loadings: pl.DataFrame
    stability: pl.DataFrame
    dropped: int

    @property
    def block(self) -> Block:
        """The factors as features, to be screened as a family of tier 2."""
        day = np.full(len(self.subjects), np.nan)
        return Block(MODALITY, "baseline", "score", self.names, self.subjects, self.scores, day)


def factors(
    blocks: Sequence[Block],
    *,
    seed: int,
    most: int = MOST,
    engine: str = "gaussian",
    workers: Workers = SERIAL,
) -> Factors:
    """Find up to ``most`` factors from five random starts and keep those that agree.

    blocks: one a modality; a patient needs one of them. engine: ``gaussian`` (this module) or
    ``mofa`` (mofapy2; needs the extra ``onearm[omics]``, and takes the same views). A factor of the
    first start is kept where each other start has one with |r| >= 0.9, and it explains more of some
    modality than any axis does of the same features made independent
    (`chance_share`). No outcome is looked at. Order: variance explained, summed over the
    modalities; sign: the mean loading is positive.
    Raises where two blocks are of one modality, or there are fewer than three patients.
    """
    check_choice("engine", engine, ("gaussian", "mofa"))
    check_count("most", most, low=1)
    subjects, views = make_views(blocks)
    limit = min(most, len(subjects) - 2, sum(len(view.features) for view in views) - 1)
    *streams, nulls = np.random.SeedSequence(seed).spawn(SEEDS + 1)
    fit = partial(_gaussian if engine == "gaussian" else mofa_scores, views, limit)
    starts = each(fit, streams, workers=workers)
    first = _ordered(starts[0], views)
    agreement = np.min([_best_match(first, other) for other in starts[1:]], axis=0)
    shares = np.stack([explained(first, view) for view in views])
    by_chance = [
        chance_share(v, own) for v, own in zip(views, nulls.spawn(len(views)), strict=True)
    ]
    kept = (agreement >= STABLE) & (shares > np.array(by_chance)[:, None]).any(axis=0)
    return _named(
        subjects, views, first[:, kept], shares[:, kept], agreement[kept], int((~kept).sum())
    )


def _gaussian(views: tuple[View, ...], most: int, stream: np.random.SeedSequence) -> Floats:
    """Factor scores by expectation and maximisation: (patients, factors).

    At the end the factors are turned so that their loadings, weighted by the noise, are orthogonal:
    the likelihood does not choose between rotations, and this makes starts comparable.
    """
    rng = np.random.default_rng(stream)
    loadings = [0.1 * rng.standard_normal((view.reduced.shape[1], most)) for view in views]
    noise = np.array([_variance(view) for view in views])
    # Noise never quite vanishes: with as many factors as patients it otherwise would.
    floor = 1e-6 * noise
    before = -np.inf
    for _ in range(_ROUNDS):
        mean, second, loglik = _expected(views, loadings, noise)
        loadings, noise = _maximised(views, mean, second, floor)
        # Expanded by the covariance of the factors, which the model sets to 1: the same optimum,
        # many fewer rounds (Liu, Rubin and Wu, Biometrika 85:755-770, 1998).
        wide = np.linalg.cholesky(second.mean(axis=0))
        loadings = [own @ wide for own in loadings]
        if loglik - before < _TOLERANCE * abs(loglik):
            break
        before = loglik
    mean, _, _ = _expected(views, loadings, noise)
    weighted = sum(w.T @ w / s for w, s in zip(loadings, noise, strict=True))
    turn = np.linalg.eigh(weighted)[1][:, ::-1]
    return np.asarray(mean @ turn)


def _variance(view: View) -> float:
    """Mean variance of a feature over the patients with the modality."""
    return float((view.values[view.has] ** 2).mean())


def _expected(
    views: tuple[View, ...], loadings: list[Floats], noise: Floats
) -> tuple[Floats, Floats, float]:
    """Mean (patients, k) and second moment (patients, k, k) of the factors; the log-likelihood."""
    n, k = len(views[0].values), loadings[0].shape[1]
    precision = np.repeat(np.eye(k)[None], n, axis=0)
    toward, loglik = np.zeros((n, k)), 0.0
    for view, own, variance in zip(views, loadings, noise, strict=True):
        precision[view.has] += own.T @ own / variance
        toward[view.has] += view.reduced[view.has] @ own / variance
        size = int(view.has.sum()) * len(view.features)
        loglik -= 0.5 * (size * np.log(variance) + (view.reduced**2).sum() / variance)
    covariance = np.linalg.inv(precision)
    mean = np.einsum("nij,nj->ni", covariance, toward)
    loglik += 0.5 * float((mean * toward).sum() - np.linalg.slogdet(precision)[1].sum())
    return mean, covariance + mean[:, :, None] * mean[:, None, :], loglik


def _maximised(
    views: tuple[View, ...], mean: Floats, second: Floats, floor: Floats
) -> tuple[list[Floats], Floats]:
    """Loadings and noise variances that fit the expected factors best."""
    loadings, noise = [], []
    for view, least in zip(views, floor, strict=True):
        x, z, zz = view.reduced[view.has], mean[view.has], second[view.has].sum(axis=0)
        own = np.linalg.solve(zz, z.T @ x).T
        left = (x**2).sum() - (own * (x.T @ z)).sum()
        loadings.append(own)
        noise.append(max(float(left) / (len(x) * len(view.features)), float(least)))
    return loadings, np.array(noise)


def explained(scores: Floats, view: View) -> Floats:
    """Share of a modality's variance that each factor alone explains by least squares."""
    z, x = scores[view.has], view.values[view.has]
    z = z - z.mean(axis=0)
    size: Floats = (z**2).sum(axis=0)
    own = np.divide(((z.T @ x) ** 2).sum(axis=1), size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(own / max(float((x**2).sum()), 1e-300))


def _ordered(scores: Floats, views: tuple[View, ...]) -> Floats:
    """Factors by the variance they explain, the largest first."""
    total = np.sum([explained(scores, view) for view in views], axis=0)
    return np.asarray(scores[:, np.argsort(-total, kind="stable")])


def _best_match(first: Floats, other: Floats) -> Floats:
    """The largest |r| of each factor of the first start with one of the other."""
    if not first.shape[1] or not other.shape[1]:
        return np.zeros(first.shape[1])
    return np.asarray(np.abs(_correlation(first, other)).max(axis=1))


def _correlation(a: Floats, b: Floats) -> Floats:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0))[:, None] * np.sqrt((b**2).sum(axis=0))
    return np.asarray(np.divide(a.T @ b, size, out=np.zeros_like(size), where=size > 0))


def _named(
    subjects: tuple[str, ...],
    views: tuple[View, ...],
    scores: Floats,
    shares: Floats,
    agreement: Floats,
    dropped: int,
) -> Factors:
    names = tuple(f"F{number:02d}" for number in range(1, scores.shape[1] + 1))
    by_view = [_correlation(scores[view.has], view.values[view.has]) for view in views]
    sign = np.sign(sum(own.mean(axis=1) for own in by_view)) if names else np.empty(0)
    sign = np.where(sign == 0, 1.0, sign)
    spread = scores.std(axis=0, ddof=1)
    scores = (scores - scores.mean(axis=0)) / np.where(spread > 0, spread, 1.0) * sign
    variance = [
        (name, view.name, float(share))
        for view, row in zip(views, shares, strict=True)
        for name, share in zip(names, row, strict=True)
    ]
    loadings = [
        (name, view.name, feature, float(r))
        for view, own in zip(views, by_view, strict=True)
        for name, row in zip(names, own * sign[:, None], strict=True)
        for feature, r in zip(view.features, row, strict=True)
    ]
    return Factors(
        subjects,
        names,
        scores,
        pl.DataFrame(variance, schema=pl.Schema(VARIANCE), orient="row"),
        pl.DataFrame(loadings, schema=pl.Schema(LOADINGS), orient="row"),
        pl.DataFrame({"factor": names, "r": agreement}, schema=pl.Schema(STABILITY)),
        dropped,
    )


VARIANCE: Mapping[str, pl.DataType] = {
    "factor": pl.String(),
    "modality": pl.String(),
    "share": pl.Float64(),
}
LOADINGS: Mapping[str, pl.DataType] = {
    "factor": pl.String(),
    "modality": pl.String(),
    "feature": pl.String(),
    "r": pl.Float64(),
}
STABILITY: Mapping[str, pl.DataType] = {"factor": pl.String(), "r": pl.Float64()}
