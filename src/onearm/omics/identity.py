"""Do samples that claim one subject come from one: concordance, correlation, swaps to look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.stats import rankdata

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.stats.arguments import Floats, check_between, check_count

SAME = 0.90
"""Share of equal genotypes from which two samples are taken for one person's."""

MIN_SITES = 20
MIN_FEATURES = 20


def snp_concordance(
    genotypes: Assay, subjects: Mapping[str, str], *, same: float = SAME, sites: int = MIN_SITES
) -> pl.DataFrame:
    """Share of equal genotypes of every pair of samples.

    genotypes: features are sites, values 0, 1 or 2 alternative alleles, NaN where not called.
    subjects: subject by sample. One row a pair: sample_a, sample_b, same_subject (claimed), sites
    (called in both), concordance, verdict: ``as claimed``; ``not one person`` (claimed, but below
    ``same``); ``one person`` (two subjects, but at or above it: a duplicate, a swap or twins);
    ``too few sites`` below ``sites``. Unrelated people agree at about 40 to 60% of common sites,
    sequencing of one person twice at 95% and more; the limit is a choice between, not a law.
    """
    check_between("same", same)
    check_count("sites", sites, low=1)
    values = genotypes.values
    calls = [np.asarray(values == allele, dtype=np.float64) for allele in (0, 1, 2)]
    called = np.asarray(~np.isnan(values), dtype=np.float64)
    equal = sum((call.T @ call for call in calls), np.zeros((values.shape[1],) * 2))
    common = called.T @ called
    a, b = np.triu_indices(values.shape[1], 1)
    pairs = _pairs(genotypes, genotypes, subjects, a, b)
    share = np.divide(
        equal[a, b], common[a, b], out=np.full(a.size, np.nan), where=common[a, b] > 0
    )
    one, claimed = pl.col("concordance") >= same, pl.col("same_subject")
    verdict = (
        pl.when(pl.col("sites") < sites)
        .then(pl.lit("too few sites"))
        .when(one & ~claimed)
        .then(pl.lit("one person"))
        .when(~one & claimed)
        .then(pl.lit("not one person"))
        .otherwise(pl.lit("as claimed"))
    )
    return pairs.with_columns(
        pl.Series("sites", common[a, b].astype(np.int64)),
        pl.Series("concordance", share).fill_nan(None),
    ).with_columns(verdict=verdict)


def correlations(first: Assay, second: Assay, subjects: Mapping[str, str]) -> pl.DataFrame:
    """Rank correlation of every sample of one assay with every sample of another.

    Features are matched by name (protein with its gene); within each assay a feature's values are
    replaced by their centred ranks over the samples, so that only what sets a sample apart from its
    cohort counts; two samples are then correlated over the common features by Spearman's rule.
    The same assay twice compares RNA with RNA; a sample is not paired with itself. A missing value
    counts as the middle rank.
    One row a pair: sample_a, sample_b, same_subject, features, correlation. Raises below 20 common
    features that vary in both.
    """
    common = sorted(set(first.features) & set(second.features))
    left, right = (_centred_ranks(_rows(assay, common)) for assay in (first, second))
    varies = (left != 0).any(axis=1) & (right != 0).any(axis=1)
    if int(varies.sum()) < MIN_FEATURES:
        raise OnearmError(
            f"{first.modality} and {second.modality} share {int(varies.sum())} features that vary; "
            f"{MIN_FEATURES} are needed to compare their samples"
        )
    rho = _columnwise(left[varies], right[varies])
    if first is second:
        a, b = np.triu_indices(len(first.samples), 1)
    else:
        a, b = (grid.ravel() for grid in np.indices(rho.shape))
    pairs = _pairs(first, second, subjects, a, b)
    return pairs.with_columns(
        features=pl.lit(int(varies.sum()), pl.Int64), correlation=pl.Series(rho[a, b])
    )


def suggested_swaps(pairs: pl.DataFrame) -> pl.DataFrame:
    """Samples of two assays whose best partner is somebody else, both ways.

    pairs: of `correlations` of two assays. A sample is named where its claimed partner exists, its
    best partner belongs to another subject, and that partner's best is the sample. Two rows that
    point at each other are a swap; one row alone may be a wrong label. Nothing is applied: somebody
    looks at the laboratory's records. Columns: sample_a, subject_a, best_b, subject_b, correlation,
    claimed_correlation, is_exchange (the two subjects point at each other).
    """
    claimed = (
        pairs.filter("same_subject")
        .group_by("sample_a")
        .agg(pl.col("correlation").max().alias("claimed_correlation"))
    )
    best_of_a = _best(pairs, "sample_a")
    best_of_b = _best(pairs, "sample_b").select("sample_a", "sample_b")
    found = (
        best_of_a.join(best_of_b, on=["sample_a", "sample_b"], how="semi")
        .filter(~pl.col("same_subject"))
        .join(claimed, on="sample_a")
        .sort("sample_a")
    )
    named = set(found.select("subject_a", "subject_b").iter_rows())
    exchanged = [(b, a) in named for a, b in found.select("subject_a", "subject_b").iter_rows()]
    return found.select(
        "sample_a",
        "subject_a",
        pl.col("sample_b").alias("best_b"),
        "subject_b",
        "correlation",
        "claimed_correlation",
    ).with_columns(pl.Series("is_exchange", exchanged, dtype=pl.Boolean))


def suspicious_pairs(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs within one assay that look like one subject though two are claimed, or the reverse.

    pairs: of `correlations` of an assay with itself. ``duplicate?``: two subjects, correlation
    beyond the median of the pairs of different subjects by more than 6 robust standard deviations.
    ``not one subject?``: one subject claimed, correlation not above that median. Suggestions only.
    """
    apart = pairs.filter(~pl.col("same_subject")).get_column("correlation").to_numpy()
    middle = float(np.median(apart)) if apart.size else 0.0
    spread = 1.4826 * float(np.median(np.abs(apart - middle))) if apart.size else 0.0
    same, rho = pl.col("same_subject"), pl.col("correlation")
    verdict = (
        pl.when(~same & (rho > middle + 6 * spread))
        .then(pl.lit("duplicate?"))
        .when(same & (rho <= middle))
        .then(pl.lit("not one subject?"))
    )
    return pairs.with_columns(verdict=verdict).filter(pl.col("verdict").is_not_null())


def _best(pairs: pl.DataFrame, of: str) -> pl.DataFrame:
    order = pairs.sort(["correlation", "sample_a", "sample_b"], descending=[True, False, False])
    return order.unique(of, keep="first", maintain_order=True)


def _pairs(
    first: Assay, second: Assay, subjects: Mapping[str, str], a: np.ndarray, b: np.ndarray
) -> pl.DataFrame:
    names_a = [first.samples[i] for i in a]
    names_b = [second.samples[i] for i in b]
    unknown = sorted({name for name in names_a + names_b if name not in subjects})
    if unknown:
        raise OnearmError(
            f"{first.modality}: no subject is known for sample {', '.join(unknown[:5])}; "
            "the sample sheet has to name it"
        )
    frame = pl.DataFrame(
        {
            "sample_a": names_a,
            "sample_b": names_b,
            "subject_a": [subjects[name] for name in names_a],
            "subject_b": [subjects[name] for name in names_b],
        },
        schema=dict.fromkeys(("sample_a", "sample_b", "subject_a", "subject_b"), pl.String),
    )
    return frame.with_columns(same_subject=pl.col("subject_a") == pl.col("subject_b"))


def _rows(assay: Assay, features: list[str]) -> Floats:
    at = {feature: row for row, feature in enumerate(assay.features)}
    return assay.values[[at[feature] for feature in features]]


def _centred_ranks(values: Floats) -> Floats:
    """Ranks along the samples less their mean, missing 0."""
    ranks = rankdata(values, axis=1, nan_policy="omit") if values.size else values
    n = (~np.isnan(values)).sum(axis=1, keepdims=True)
    centred = (ranks - (n + 1) / 2) / np.maximum(n, 1)
    return np.nan_to_num(np.asarray(centred, dtype=np.float64))


def _columnwise(left: Floats, right: Floats) -> Floats:
    """Spearman's correlation of each column of one with each column of the other."""
    a, b = (_unit(np.asarray(rankdata(part, axis=0))) for part in (left, right))
    rho: Floats = a.T @ b
    return rho


def _unit(ranks: Floats) -> Floats:
    centred = ranks - ranks.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    unit: Floats = np.divide(centred, length, out=np.zeros(centred.shape), where=length > 0)
    return unit
