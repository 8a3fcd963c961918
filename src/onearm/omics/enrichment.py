"""Do the genes of a set go with an outcome more than the other genes do; local sets only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom
from scipy.stats import t as student

from onearm.errors import OnearmError
from onearm.omics.enrichment_table import Enrichment, Members, Sizes, frame_of, members_of
from onearm.omics.gene_sets import GeneSets
from onearm.omics.permute import Group, max_t
from onearm.omics.residuals import centred, design_matrix, remove
from onearm.pieces import SERIAL, Workers
from onearm.stats.arguments import Floats, Integers, check_count

ENOUGH = 7
"""Patients in the smaller group from which samples are permuted (omics.md, section 13)."""

PRESET_CORRELATION = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The genes of a block and the outcome they are held against.

    values: (subjects, genes), as in a `Block`. residual: (subjects,), of the outcome on strata and
    covariates (`residuals.linear_residual` or ``survival_residual``), 0 without the outcome.
    smaller_group: responders or non-responders, whichever are fewer; events for a time to event.
    strata: (subjects,) numbers; covariates: (subjects, q), q may be 0.
    """

    genes: tuple[str, ...]
    values: Floats
    residual: Floats
    smaller_group: int
    strata: Integers
    covariates: Floats


def enrich(
    question: Question,
    sets: GeneSets,
    *,
    seed: int,
    permutations: int = 10_000,
    sizes: Sizes | None = None,
    workers: Workers = SERIAL,
    progress: Callable[[int, int], None] | None = None,
) -> Enrichment:
    """Competitive test of every set by the method the number of patients allows.

    Each gene's statistic is its sum of residual x centred value over its standard deviation under
    permutation. A set's effect is the mean statistic of its genes less that of all others.
    With 7 or more patients in the smaller group, patients are permuted within strata and the effect
    is judged against its own permutation variance, jointly over all sets (`permute.max_t`).
    With fewer, `camera` with the correlation estimated from what is left of the genes after strata,
    covariates and outcome. Genes that do not vary are not tested; a missing value counts as its
    gene's mean. The test is relative: where few sets make up all genes, a strong one pushes the
    others the other way. Raises where no set has enough tested genes.
    Source: omics.md, section 13.
    """
    order = np.argsort(np.array(question.genes, dtype=object), kind="stable")
    genes = np.array(question.genes, dtype=object)[order]
    x = np.nan_to_num(centred(question.values[:, order], question.strata, question.covariates))
    deviation = _permutation_deviation(x, question.residual, question.strata)
    varies = deviation > 0
    members = members_of(tuple(genes[varies]), sets, sizes or Sizes())
    scaled = x[:, varies] / deviation[varies]
    statistics = question.residual @ scaled
    if question.smaller_group < ENOUGH:
        columns = np.column_stack(
            [design_matrix(question.strata, question.covariates), question.residual]
        )
        left = remove(columns, x[:, varies])
        df = left.shape[0] - int(np.linalg.matrix_rank(columns))
        return _camera(statistics, members, sets, left, df, None)
    difference = np.column_stack([_difference(scaled, rows) for rows in members.rows])
    found = max_t(
        [Group(difference, question.residual)],
        strata=question.strata,
        seed=seed,
        permutations=permutations,
        most=permutations,
        workers=workers,
        progress=progress,
    )
    frame = frame_of(
        members,
        effect=question.residual @ difference,
        statistic=found.statistic[0],
        p=found.p_single[0],
        p_adjusted=found.p_adjusted[0],
        mc_se=found.mc_se[0],
    )
    return Enrichment(frame, "sample permutation", sets, members.left_out, found.permutations)


def camera(
    genes: tuple[str, ...],
    statistics: Floats,
    sets: GeneSets,
    *,
    residuals: Floats | None = None,
    df: int | None = None,
    correlation: float = PRESET_CORRELATION,
    sizes: Sizes | None = None,
) -> Enrichment:
    """Competitive test with the variance inflated by the correlation between a set's genes.

    statistics: (genes,), about standard normal where nothing is associated, such as moderated t as
    z. residuals: (subjects, genes), what is left of the values after the design, outcome included;
    df: its residual degrees of freedom. With them each set's correlation is estimated, without them
    all have ``correlation``. Negative correlation does not deflate the variance. Two-sided t with
    min(df, genes - 2) degrees of freedom, or genes - 2 with a preset correlation.
    Raises for one of ``residuals`` and ``df`` without the other, and where no set can be tested.
    Source: Wu and Smyth, Nucleic Acids Research 40:e133 (2012).
    """
    if (residuals is None) != (df is None):
        raise OnearmError("camera: give residuals and df together, or neither")
    members = members_of(genes, sets, sizes or Sizes())
    return _camera(np.asarray(statistics), members, sets, residuals, df, correlation)


def by_gene_permutation(
    genes: tuple[str, ...],
    statistics: Floats,
    sets: GeneSets,
    *,
    seed: int,
    permutations: int = 10_000,
    sizes: Sizes | None = None,
) -> Enrichment:
    """Competitive test against random sets of the same size: labelled anticonservative.

    For statistics of which only the list is known. Two-sided p of the effect; genes of a set that
    go together make it far too small.
    """
    check_count("permutations", permutations, low=1)
    members = members_of(genes, sets, sizes or Sizes())
    z = np.asarray(statistics)[np.argsort(np.array(genes, dtype=object), kind="stable")]
    rows = members_of(tuple(sorted(genes)), sets, sizes or Sizes()).rows
    observed = np.array([_effect(z, own) for own in rows])
    # The first m of a shuffled list are a random set of m, for all sizes at once.
    m, n, total = members.sizes, z.size, z.sum()
    rng, hits = np.random.default_rng(seed), np.zeros(len(rows))
    for _ in range(permutations):
        inside = np.cumsum(rng.permutation(z))[m - 1]
        effect = inside / m - (total - inside) / (n - m)
        hits += np.abs(effect) >= np.abs(observed) * (1 - 1e-12)
    p = (1 + hits) / (1 + permutations)
    frame = frame_of(members, effect=observed, statistic=observed, p=p)
    return Enrichment(frame, "gene permutation", sets, members.left_out, permutations)


def over_representation(
    selected: tuple[str, ...],
    tested: tuple[str, ...],
    sets: GeneSets,
    *,
    sizes: Sizes | None = None,
) -> Enrichment:
    """Does a list of genes hold more of a set than chance; the background is the tested genes.

    effect: log2 of found over expected (-inf where none is found). statistic: genes found.
    p: upper tail of the hypergeometric distribution, which is Fisher's one-sided test.
    Raises for a selected gene that was not tested.
    """
    strangers = sorted(set(selected) - set(tested))
    if strangers:
        raise OnearmError(f"{strangers[0]} is selected but was not tested; give all tested genes")
    members = members_of(tested, sets, sizes or Sizes())
    is_selected = np.isin(np.array(tested, dtype=object), np.array(selected, dtype=object))
    found = np.array([int(is_selected[rows].sum()) for rows in members.rows])
    n, k, m = len(tested), int(is_selected.sum()), members.sizes
    p = hypergeom.sf(found - 1, n, m, k)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.log2(found * n / (m * k))
    frame = frame_of(members, effect=effect, statistic=found.astype(np.float64), p=p)
    return Enrichment(frame, "over-representation", sets, members.left_out)


def _permutation_deviation(x: Floats, residual: Floats, strata: Integers) -> Floats:
    """Standard deviation of residual'x when residuals change places within strata."""
    variance = np.zeros(x.shape[1])
    for stratum in np.unique(strata):
        rows = strata == stratum
        n = int(rows.sum())
        if n > 1:
            m, own = residual[rows], x[rows]
            spread = ((own - own.mean(axis=0)) ** 2).sum(axis=0)
            variance += ((m - m.mean()) ** 2).sum() * spread / (n - 1)
    deviation: Floats = np.sqrt(variance)
    return np.where(deviation > 1e-12 * deviation.max(initial=0.0), deviation, 0.0)


def _difference(scaled: Floats, rows: Integers) -> Floats:
    """Of each patient, the mean of the set's genes less the mean of all others."""
    n = scaled.shape[1]
    inside, total = scaled[:, rows].sum(axis=1), scaled.sum(axis=1)
    difference: Floats = inside / rows.size - (total - inside) / (n - rows.size)
    return difference


def _effect(z: Floats, rows: Integers) -> float:
    inside = z[rows].sum()
    return float(inside / rows.size - (z.sum() - inside) / (z.size - rows.size))


def _camera(
    z: Floats,
    members: Members,
    sets: GeneSets,
    residuals: Floats | None,
    df: int | None,
    preset: float | None,
) -> Enrichment:
    n, m = z.size, members.sizes
    if residuals is None or df is None:
        correlation = np.full(m.size, PRESET_CORRELATION if preset is None else preset)
        inflation, degrees = 1 + (m - 1) * correlation, n - 2
    else:
        sigma = np.sqrt(np.maximum((residuals**2).sum(axis=0) / df, 1e-300))
        standard = residuals / sigma
        squares = [(standard[:, rows].mean(axis=1) ** 2).sum() / df for rows in members.rows]
        inflation, degrees = m * np.array(squares), min(df, n - 2)
        correlation = np.divide(inflation - 1, m - 1, out=np.full(m.size, np.nan), where=m > 1)
    inflation = np.maximum(inflation, 1.0)
    effect = np.array([_effect(z, rows) for rows in members.rows])
    within = (n - 1) * z.var(ddof=1) - effect**2 * m * (n - m) / n
    t = effect / np.sqrt(within / (n - 2) * (inflation / m + 1 / (n - m)))
    p = 2 * student.sf(np.abs(t), degrees)
    frame = frame_of(members, effect=effect, statistic=t, p=p, correlation=correlation)
    return Enrichment(frame, "variance inflation", sets, members.left_out)
