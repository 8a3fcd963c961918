"""Expression scores: published signatures, marker means and ranks within one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import rankdata

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.omics.gene_sets import Signature, rows_of_genes
from onearm.omics.gene_sets import signatures as shipped_signatures
from onearm.omics.transform import limits_filled, mean_of_measured, on_log_scale
from onearm.stats.arguments import Floats, check_between

MIN_FOUND = 0.60
"""Share of a set's genes that must be in the data (omics.md, section 3)."""

CYTOLYTIC_OFFSET = 0.01  # added to TPM before the geometric mean, as Rooney and others do

FOUND: Mapping[str, pl.DataType] = {
    "score": pl.String(),
    "method": pl.String(),
    "asked": pl.Int64(),
    "found": pl.Int64(),
    "lacking": pl.String(),
    "verdict": pl.String(),  # "scored", or why not
    "compares": pl.String(),
    "source": pl.String(),
}
"""Columns of the frame that says how many genes of each set were there."""

COMPARES = {
    "mean_z": "between samples of this cohort",
    "geometric_mean": "between samples",
    "mean": "between samples",
    "ranks": "between samples, without reference to the cohort",
    "nnls": "between samples and between cell types",
}
"""What numbers of each method may be compared with."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores x samples as an assay of scale ``score``, and how many genes each had (`FOUND`)."""

    assay: Assay
    found: pl.DataFrame


def expression_scores(
    expression: Assay,
    *,
    chosen: Sequence[Signature] | None = None,
    reference: Sequence[str] | None = None,
    min_found: float = MIN_FOUND,
) -> Scores:
    """Published scores of each sample; those with too few genes are refused, and said to be.

    expression: gene symbols by samples, scale counts, linear or log. chosen: all that are shipped
    by default. mean_z: log2 values less their mean, over their standard deviation, averaged over
    the genes; a gene that does not vary counts as 0. Mean and standard deviation are those of the
    ``reference`` samples (all by default), so that samples of several time points share one centre.
    geometric_mean: log2 of the geometric mean of the amounts (TPM + 0.01 on linear data). mean: of
    the log2 values. A missing value leaves its gene out for that sample; a sample
    of counts too shallow to compare has no score (NaN). Unweighted throughout.
    Source: omics.md, section 3; each list's own in ``found``.
    """
    wanted = list(shipped_signatures().values()) if chosen is None else list(chosen)
    logs = on_log_scale(expression)
    amounts = _log_amounts(expression, logs)
    z = _z(logs, _columns(expression, reference))
    by_method = {"mean_z": z, "geometric_mean": amounts, "mean": logs}
    at = {feature: row for row, feature in enumerate(expression.features)}
    names: list[str] = []
    values: list[Floats] = []
    told: list[tuple[object, ...]] = []
    for one in sorted(wanted, key=lambda s: s.name):
        if one.method not in by_method:
            raise OnearmError(
                f"{one.name}: method {one.method!r} is none of {', '.join(by_method)}"
            )
        rows = rows_of_genes(one.genes, at)
        verdict = _verdict(len(rows), len(one.genes), min_found)
        told.append(_told(one.name, one.method, one.genes, rows, verdict, one.source))
        if verdict == "scored":
            names.append(one.name)
            values.append(mean_of_measured(by_method[one.method][list(rows.values())]))
    return _scores(expression, "signatures", names, values, told)


def single_sample_scores(
    expression: Assay,
    sets: Mapping[str, Sequence[str]],
    *,
    weight: float = 0.25,
    min_found: float = MIN_FOUND,
    source: str = "",
) -> Scores:
    """Where the genes of a set stand among the genes of one sample: ssGSEA, not normalised.

    The genes of a sample are ordered by expression; the score is the area between the running share
    of the set's genes, weighted by rank to the power ``weight``, and that of the others. It uses
    ranks of this sample only, so another patient changes nothing; the usual division by the range
    over all samples is left out for that reason. Tied genes get their mean rank. Genes with a
    missing value in any sample are left out, so that every sample is ranked over the same genes.
    Source: Barbie and others, Nature 462:108-112 (2009).
    """
    check_between("weight", weight, -1e-9, 10)
    # Ranks within a sample need no library size.
    own = limits_filled(expression) if expression.scale == "counts" else on_log_scale(expression)
    complete = np.flatnonzero(~np.isnan(own).any(axis=1))
    at = {expression.features[row]: place for place, row in enumerate(complete)}
    ranks = np.asarray(rankdata(own[complete], axis=0), dtype=np.float64)
    names: list[str] = []
    values: list[Floats] = []
    told: list[tuple[object, ...]] = []
    for name in sorted(sets):
        rows = rows_of_genes(sets[name], at)
        verdict = _verdict(len(rows), len(sets[name]), min_found)
        if len(rows) == complete.size:
            verdict = "refused: the set holds every gene measured"
        told.append(_told(name, "ranks", sets[name], rows, verdict, source))
        if verdict == "scored":
            names.append(name)
            values.append(_area(ranks, np.array(list(rows.values())), weight))
    return _scores(expression, "single-sample scores", names, values, told)


def _area(ranks: Floats, members: np.ndarray, weight: float) -> Floats:
    """Sum over positions of the set's running share less that of the others, one a sample.

    A gene of rank r (largest = n) enters the running sum at position n - r + 1 and stays for r
    positions, so each sum over positions is a sum of ranks.
    """
    inside = ranks[members]
    powers = inside**weight
    of_set = (powers * inside).sum(axis=0) / powers.sum(axis=0)
    others = (ranks.sum(axis=0) - inside.sum(axis=0)) / (ranks.shape[0] - members.size)
    area: Floats = of_set - others
    return area


def _columns(expression: Assay, reference: Sequence[str] | None) -> list[int]:
    if reference is None:
        return list(range(len(expression.samples)))
    at = {sample: column for column, sample in enumerate(expression.samples)}
    unknown = sorted(set(reference) - set(at))
    if unknown:
        raise OnearmError(
            f"{expression.modality}: reference sample {unknown[0]} is not in the data"
        )
    return sorted(at[sample] for sample in set(reference))


def _z(logs: Floats, columns: list[int]) -> Floats:
    """z-scores by the mean and standard deviation of the reference columns; constant genes 0."""
    own = logs[:, columns]
    known = ~np.isnan(own)
    n = known.sum(axis=1, keepdims=True)
    mean = np.where(known, own, 0).sum(axis=1, keepdims=True) / np.maximum(n, 1)
    squares = np.where(known, (own - mean) ** 2, 0).sum(axis=1, keepdims=True)
    sd = np.sqrt(squares / np.maximum(n - 1, 1))
    varies = sd > 1e-12 * np.maximum(np.abs(mean), 1)
    z: Floats = np.where(varies, (logs - mean) / np.where(varies, sd, 1), 0.0 * logs)
    return z


def _log_amounts(expression: Assay, logs: Floats) -> Floats:
    if expression.scale != "linear":
        return logs
    filled = limits_filled(expression)
    if (filled < 0).any():
        raise OnearmError(f"{expression.modality}: a negative amount on a linear scale")
    logged: Floats = np.log2(filled + CYTOLYTIC_OFFSET)
    return logged


def _verdict(found: int, asked: int, min_found: float) -> str:
    if asked and found and found >= min_found * asked - 1e-12:
        return "scored"
    share = found / asked if asked else 0.0
    return f"refused: {found} of {asked} genes found ({share:.0%}), fewer than {min_found:.0%}"


def _told(
    name: str,
    method: str,
    genes: Sequence[str],
    rows: Mapping[str, int],
    verdict: str,
    source: str,
) -> tuple[object, ...]:
    lacking = " ".join(gene for gene in genes if gene not in rows)
    return name, method, len(genes), len(rows), lacking, verdict, COMPARES[method], source


def _scores(
    expression: Assay,
    modality: str,
    names: list[str],
    values: list[Floats],
    told: list[tuple[object, ...]],
) -> Scores:
    matrix = np.array(values).reshape(len(names), len(expression.samples))
    assay = Assay(
        modality,
        "score",
        tuple(names),
        expression.samples,
        matrix,
        details={"from": expression.modality},
        sources=expression.sources,
    )
    return Scores(assay, pl.DataFrame(told, schema=dict(FOUND), orient="row"))
