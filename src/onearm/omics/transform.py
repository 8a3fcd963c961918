"""Each scale of an assay brought to one on which a linear statistic makes sense; no outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.errors import Finding, OnearmError, Place, Problems
from onearm.omics.assay import Assay, Scale
from onearm.stats.arguments import Floats

PER_MILLION = ("TPM", "FPKM", "RPKM", "CPM")
"""Units whose customary logarithm is log2(x + 1)."""

COUNT_OFFSET = 0.5
CLR_PSEUDOCOUNT = 0.5
SMALLEST_SHARE = 0.001
RULE = "omics.md, sections 2 and 3"


@dataclass(frozen=True, slots=True, eq=False)
class Transformed:
    """Values of shape (features, samples) after a transformation.

    scale: what they are now. rule: what was done, in words for the report.
    """

    values: Floats
    scale: Scale
    rule: str


def transformed(assay: Assay) -> Transformed:
    """The values of an assay on the scale it is analysed on.

    counts: log2 counts per million with upper-quartile library sizes; linear: log2 with an offset
    (`log2_amounts`); compositional: centred log-ratio; share: logit to base 2, the M value; log,
    copy number, binary and score: as they are. Values below the limit of detection are replaced
    first (`limits_filled`). NaN stays NaN. Counts and compositions use the features of the assay as
    handed in, so filter first. Raises `Problems` naming every feature or sample that is impossible.
    """
    filled = limits_filled(assay)
    if assay.scale == "counts":
        rule = "log2 counts per million, upper-quartile library sizes, 0.5 added to each count"
        return Transformed(log2_cpm(filled, _deep_enough(assay, filled)), "log", rule)
    if assay.scale == "linear":
        values, rule = log2_amounts(filled, assay)
        return Transformed(values, "log", rule)
    if assay.scale == "compositional":
        values, rule = centred_log_ratio(filled, assay)
        return Transformed(values, "score", rule)
    if assay.scale == "share":
        values, rule = m_values(filled, assay)
        return Transformed(values, "log", rule)
    return Transformed(filled, assay.scale, "as measured")


def limits_filled(assay: Assay) -> Floats:
    """The values with LOD / sqrt(2) wherever the value stands for "below the limit of detection".

    The limit is the column ``lod`` of ``feature_info`` where it has one, otherwise the value that
    stands there; where neither is known, the smallest value of the feature that was measured. On a
    log2 scale LOD / sqrt(2) is the limit less one half.
    Source: Hornung and Reed, Applied Occupational and Environmental Hygiene 5:46-51 (1990).
    """
    if assay.below_lod is None or not assay.below_lod.any():
        return assay.values
    limit = np.where(assay.below_lod, assay.values, np.nan)
    if "lod" in assay.feature_info.columns:
        known = assay.feature_info.get_column("lod").cast(pl.Float64).to_numpy()
        limit = np.where(np.isnan(known)[:, None], limit, known[:, None])
    measured = np.where(assay.below_lod, np.inf, assay.values)
    measured = np.where(np.isnan(measured), np.inf, measured)
    smallest = measured.min(axis=1, initial=np.inf)
    smallest = np.where(np.isinf(smallest), np.nan, smallest)
    limit = np.where(np.isnan(limit), smallest[:, None], limit)
    substitute = limit - 0.5 if assay.scale == "log" else limit / np.sqrt(2)
    return np.where(assay.below_lod, substitute, assay.values)


def library_sizes(counts: Floats) -> Floats:
    """Effective library sizes: total counts scaled by the upper quartile; NaN where that is 0.

    counts: (features, samples). Features without any count are left out; the 75% point of each
    sample's shares is divided by the geometric mean of all samples' points; the total is multiplied
    by it. The upper quartile needs no reference sample. A sample whose upper quartile is 0 is too
    shallow to be compared and takes no part.
    Source: Bullard and others, BMC Bioinformatics 11:94 (2010).
    """
    measured = np.nan_to_num(counts)
    totals = measured.sum(axis=0)
    present = measured[measured.sum(axis=1) > 0]
    points = np.quantile(present, 0.75, axis=0) if present.size else np.zeros(totals.size)
    deep = points > 0
    sizes = np.full(totals.size, np.nan)
    shares = points[deep] / totals[deep]
    sizes[deep] = totals[deep] * shares / np.exp(np.log(shares).mean()) if deep.any() else np.nan
    return sizes


def log2_cpm(counts: Floats, sizes: Floats) -> Floats:
    """log2((count + 0.5) / (library size + 1) * 1e6), as voom has it.

    Source: Law and others, Genome Biology 15:R29 (2014).
    """
    cpm: Floats = np.log2((counts + COUNT_OFFSET) / (sizes + 1) * 1e6)
    return cpm


def _deep_enough(assay: Assay, counts: Floats) -> Floats:
    """Library sizes; raises `Problems` naming every sample too shallow to have one."""
    sizes = library_sizes(counts)
    shallow = np.flatnonzero(np.isnan(sizes))
    if shallow.size:
        raise Problems(
            (
                Finding(
                    Place(field=f"{assay.modality} sample {assay.samples[column]}"),
                    f"{int(np.nansum(counts[:, column]))} reads",
                    RULE,
                    "the upper quartile of its counts is 0: too shallow to compare with the others",
                    "Exclude the sample in the sample sheet, or filter to features more have.",
                )
                for column in shallow
            ),
            f"{assay.modality}: the library sizes cannot be computed",
        )
    return sizes


def log2_amounts(values: Floats, assay: Assay) -> tuple[Floats, str]:
    """log2 of amounts, and the offset used.

    Units per million (TPM, FPKM, RPKM, CPM): 1 is added. Otherwise zeros, where there are any, are
    replaced by half the smallest positive value of their feature; nothing else moves. A feature
    without a positive value becomes NaN. Raises `Problems` for negative values.
    """
    _refuse(assay, values, values < 0, "is negative on a linear scale")
    if assay.unit.upper() in PER_MILLION:
        per_million: Floats = np.log2(values + 1)
        return per_million, f"log2({assay.unit} + 1)"
    if not (values == 0).any():
        return _log2(values), "log2"
    positive = np.where(values > 0, values, np.inf).min(axis=1, initial=np.inf)
    half = np.where(np.isinf(positive), np.nan, positive / 2)
    rule = "log2, zeros replaced by half the smallest positive value of their feature"
    return _log2(np.where(values == 0, half[:, None], values)), rule


def centred_log_ratio(values: Floats, assay: Assay) -> tuple[Floats, str]:
    """Natural logarithm less the sample's mean logarithm, and the pseudocount used.

    Counts: 0.5 is added. Proportions (values that are not whole numbers): zeros become half the
    smallest positive proportion.
    Source: Aitchison, The Statistical Analysis of Compositional Data (1986), section 4.6.
    """
    _refuse(assay, values, values < 0, "is negative in a composition")
    if not values.size:
        return values, "centred log-ratio"
    measured = values[~np.isnan(values)]
    if (measured == np.round(measured)).all():
        positive, rule = values + CLR_PSEUDOCOUNT, "centred log-ratio, pseudocount 0.5"
    else:
        smallest = measured[measured > 0].min()
        positive = np.where(values == 0, smallest / 2, values)
        rule = "centred log-ratio, zeros replaced by half the smallest positive proportion"
    logs: Floats = np.log(positive)
    return logs - np.nanmean(logs, axis=0), rule


def m_values(values: Floats, assay: Assay) -> tuple[Floats, str]:
    """log2(share / (1 - share)), shares kept away from 0 and 1.

    Shares are moved to at least 0.001 from 0 and 1, or half the smallest distance that occurs where
    that is less. Raises `Problems` for shares outside 0 to 1 (percentages, for example).
    Source: Du and others, BMC Bioinformatics 11:587 (2010).
    """
    _refuse(assay, values, (values < 0) | (values > 1), "is not between 0 and 1")
    distance = np.minimum(values, 1 - values)
    inside = distance[distance > 0]
    edge = min(SMALLEST_SHARE, inside.min() / 2) if inside.size else SMALLEST_SHARE
    kept = np.clip(values, edge, 1 - edge)
    m: Floats = np.log2(kept / (1 - kept))
    return m, f"log2(share / (1 - share)), shares kept within {edge:.2g} and 1 - {edge:.2g}"


def on_log_scale(assay: Assay) -> Floats:
    """Expression as logarithms for checks and scores; a sample too shallow to compare is NaN.

    Raises for an assay that is no expression.
    """
    if assay.scale not in ("counts", "linear", "log"):
        raise OnearmError(
            f"{assay.modality}: scale {assay.scale} is no expression; counts, linear or log is"
        )
    if assay.scale == "counts":
        filled = limits_filled(assay)
        return log2_cpm(filled, library_sizes(filled))
    return transformed(assay).values


def mean_of_measured(values: Floats) -> Floats:
    """Mean of each column over what is not missing; NaN where nothing is."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    sums = np.where(known, values, 0).sum(axis=0)
    means: Floats = np.divide(sums, n, out=np.full(n.shape, np.nan), where=n > 0)
    return means


def _log2(values: Floats) -> Floats:
    logs: Floats = np.log2(values, out=np.full(values.shape, np.nan), where=values > 0)
    return logs


def _refuse(assay: Assay, values: Floats, wrong: np.ndarray, what: str) -> None:
    """Raise `Problems` with one finding for each feature that has impossible values."""
    rows = np.flatnonzero(wrong.any(axis=1))
    if not rows.size:
        return
    findings = [_impossible(assay, values, wrong, int(row), what) for row in rows[:20]]
    raise Problems(findings, f"{assay.modality}: {rows.size} features have impossible values")


def _impossible(assay: Assay, values: Floats, wrong: np.ndarray, row: int, what: str) -> Finding:
    column = int(np.flatnonzero(wrong[row])[0])
    return Finding(
        Place(field=f"{assay.modality} feature {assay.features[row]}"),
        float(values[row, column]),
        RULE,
        f"a value {what}, in sample {assay.samples[column]}",
        f"State the scale of the file in the manifest; it is read as {assay.scale!r}.",
    )
