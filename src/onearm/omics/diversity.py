"""Diversity of a microbial community, one row of numbers a sample."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.stats.arguments import Floats


def shannon(counts: Floats) -> Floats:
    """Shannon's entropy in nats of each sample (column); NaN for a sample without a count.

    Source: Shannon, Bell System Technical Journal 27:379-423 (1948).

    >>> shannon(np.array([[1.0, 4.0], [1.0, 0.0]])).round(3).tolist()
    [0.693, 0.0]
    """
    total = counts.sum(axis=0)
    shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    logs = np.log(shares, out=np.zeros(shares.shape), where=shares > 0)
    entropy: Floats = np.where(total > 0, np.abs((shares * logs).sum(axis=0)), np.nan)
    return entropy


def richness(counts: Floats) -> Floats:
    """Number of taxa seen in each sample (column); grows with sequencing depth."""
    return np.asarray((counts > 0).sum(axis=0), dtype=np.float64)


def rarefied_richness(counts: Floats, depth: int) -> Floats:
    """Taxa expected among ``depth`` reads drawn from each sample without replacement.

    Exact, no random drawing. NaN for samples of fewer reads.
    Source: Hurlbert, Ecology 52:577-586 (1971).

    >>> rarefied_richness(np.array([[3.0], [1.0]]), 1).round(6).tolist()
    [1.0]
    """
    total = counts.sum(axis=0)
    without = total - counts
    possible = (without >= depth) & (counts > 0)
    with np.errstate(invalid="ignore"):
        log_missed = _log_choose(without, depth) - _log_choose(total, depth)
    missed = np.where(possible, np.exp(np.where(possible, log_missed, 0.0)), 0.0)
    expected = (counts > 0).sum(axis=0) - missed.sum(axis=0)
    found: Floats = np.where(total >= depth, expected, np.nan)
    return found


def diversity(assay: Assay) -> Assay:
    """Shannon's entropy, richness and, for counts, richness at the depth of the shallowest sample.

    assay: scale compositional; a missing value counts as not seen. The depth stands in
    ``details["rarefied_to"]``; samples without a read do not set it. Raises for another scale.
    """
    if assay.scale != "compositional":
        raise OnearmError(f"{assay.modality}: scale is {assay.scale}; compositional is needed")
    counts = np.nan_to_num(assay.values)
    names, rows = ["richness", "shannon"], [richness(counts), shannon(counts)]
    details: dict[str, float | str] = {"from": assay.modality}
    depths = counts.sum(axis=0)
    is_whole = bool((counts == np.round(counts)).all())
    if is_whole and (depths > 0).any():
        depth = int(depths[depths > 0].min())
        names.append("richness_rarefied")
        rows.append(rarefied_richness(counts, depth))
        details["rarefied_to"] = float(depth)
    return Assay(
        f"{assay.modality} diversity",
        "score",
        tuple(names),
        assay.samples,
        np.array(rows),
        details=details,
        sources=assay.sources,
    )


def _log_choose(n: Floats, k: int) -> Floats:
    valid = n >= k
    m = np.where(valid, n, k)
    log: Floats = gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)
    return log
