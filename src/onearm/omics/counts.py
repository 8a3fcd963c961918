"""Read counts against a response by models of counts: voom with limma, or DESeq2's, beside max-T.

A second opinion for discovery: their nominal p and q decide nothing, because only the permutation
keeps its error rate whatever the counts look like (omics.md, section 6).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Block, rows_of
from onearm.omics.cohort import Cohort
from onearm.omics.moderated import moderated_t
from onearm.omics.plan import CountMethod
from onearm.omics.samples import choose_samples
from onearm.omics.tidy import benjamini_hochberg
from onearm.omics.transform import library_sizes
from onearm.omics.voom import voom
from onearm.stats.arguments import Floats, Integers, InvalidArgument

METHODS: tuple[CountMethod, ...] = ("voom", "pydeseq2")

COUNTS: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "method": pl.String(),
    "n": pl.Int64(),
    "events": pl.Int64(),
    "log2_ratio": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "statistic": pl.Float64(),
    "p_nominal": pl.Float64(),
    "q": pl.Float64(),
    "flags": pl.String(),
}
"""Columns of the frame of count models, one row a feature and response, smallest q first; ``q`` is
Benjamini and Hochberg's of the nominal p over the features of the modality."""


@dataclass(frozen=True, slots=True, eq=False)
class CountTest:
    """One item a feature: log2 ratio of responders to the others, 95% limits, t or z, nominal p.

    note: what a reader must know of the fit, mostly nothing.
    """

    log2_ratio: Floats
    lower: Floats
    upper: Floats
    statistic: Floats
    p: Floats
    note: str = ""


def by_voom(
    counts: Floats,
    response: Floats,
    *,
    library: Floats | None = None,
    strata: Integers | None = None,
) -> CountTest:
    """voom's weights, then limma's moderated t.

    counts: (subjects, features), nothing missing. response: 1 or 0. library: effective library
    sizes, by default upper-quartile ones (`transform.library_sizes`). strata: an intercept each.
    Agrees with R's ``eBayes(lmFit(voom(...)))``.
    """
    sizes = library_sizes(counts.T) if library is None else library
    weighted = voom(counts, response, library=sizes, strata=strata)
    fit = moderated_t(weighted.values, response, strata=strata, weights=weighted.weights)
    return CountTest(fit.coefficient, fit.lower, fit.upper, fit.t, fit.p)


def by_pydeseq2(counts: Floats, response: Floats, *, strata: Integers | None = None) -> CountTest:
    """DESeq2's negative binomial model and Wald test, as the package pydeseq2 fits it.

    Arguments as for `by_voom`. Cook's and independent filters are off, so that every feature has a
    p. Raises `OnearmError` where the extra ``onearm[omics]`` is not installed.
    Source: Love, Huber and Anders, Genome Biology 15:550 (2014).
    """
    try:
        import pandas as pd
        from pydeseq2.dds import DeseqDataSet
        from pydeseq2.ds import DeseqStats
    except ImportError as missing:
        hint = "counts by pydeseq2 need the extra: pip install 'onearm[omics]'"
        raise OnearmError(hint) from missing
    names = [f"S{row:04d}" for row in range(len(counts))]
    groups = np.zeros(len(counts), dtype=np.int64) if strata is None else strata
    levels = np.unique(groups)[1:]
    design = pd.DataFrame({"intercept": 1.0, "response": response.astype(float)}, index=names)
    for level in levels:
        design[f"stratum {level}"] = (groups == level).astype(float)
    features = [f"F{column:05d}" for column in range(counts.shape[1])]
    table = pd.DataFrame(np.rint(counts).astype(np.int64), index=names, columns=features)
    model = DeseqDataSet(
        counts=table, metadata=design[["response"]], design=design, refit_cooks=False, n_cpus=1,
        quiet=True,
    )  # fmt: skip
    # One thread: several are slower by far on a busy machine, and change the last digits.
    with warnings.catch_warnings(record=True) as said, threadpool_limits(limits=1):
        warnings.simplefilter("always")
        model.deseq2()
    # The package goes on with another rule for the dispersions, and warns: the table says so too.
    fell_back = any("mean-based dispersion trend" in str(one.message) for one in said)
    note = "no trend of the dispersions could be fitted: their mean was used" if fell_back else ""
    contrast = np.array([0.0, 1.0, *[0.0] * levels.size])
    tested = DeseqStats(
        model, contrast=contrast, cooks_filter=False, independent_filter=False, n_cpus=1, quiet=True
    )
    tested.run_wald_test()
    ratio = np.asarray(tested.LFC @ contrast, dtype=np.float64) / np.log(2)
    error = np.asarray(tested.SE, dtype=np.float64) / np.log(2)
    half = float(ndtri(0.975)) * error
    return CountTest(
        ratio,
        ratio - half,
        ratio + half,
        np.asarray(tested.statistics, dtype=np.float64),
        np.asarray(tested.p_values, dtype=np.float64),
        note,
    )


def raw_counts(assay: Assay, sheet: pl.DataFrame, block: Block) -> Floats:
    """The reads behind a block of counts at baseline: (subjects, features) in its order.

    Raises `OnearmError` where the assay holds no counts.
    """
    if assay.scale != "counts":
        raise OnearmError(f"{assay.modality}: models of counts need counts, not {assay.scale}")
    used = choose_samples(assay, sheet, timepoint=block.timepoint).filter("used")
    at = {sample: column for column, sample in enumerate(assay.samples)}
    column = {subject: at[name] for subject, name in used.select("subject_id", "sample_id").rows()}
    rows = rows_of(assay.features, block.features)
    chosen = np.array([column[subject] for subject in block.subjects], dtype=np.int64)
    counts: Floats = assay.values[np.ix_(rows, chosen)].T
    return counts


def count_table(
    block: Block,
    counts: Floats,
    responses: Mapping[str, Floats],
    *,
    methods: Sequence[CountMethod] = ("voom",),
    strata: Integers | None = None,
) -> pl.DataFrame:
    """Every feature of a block of counts against each response, by each method.

    counts: (subjects, features) as `raw_counts` gives them. responses: by endpoint, in the order of
    the block's subjects, NaN for one who is left out; a response without two of each is left out.
    Subjects with a missing count are left out. Columns of `COUNTS`. Raises `InvalidArgument` for
    an unknown method.
    """
    parts = [pl.DataFrame(schema=pl.Schema(COUNTS))]
    for endpoint, response in sorted(responses.items()):
        kept = np.isfinite(response) & np.isfinite(counts).all(axis=1)
        yes = int(response[kept].sum())
        if min(yes, int(kept.sum()) - yes) < 2:
            continue
        groups = None if strata is None else strata[kept]
        for method in methods:
            if method not in METHODS:
                raise InvalidArgument("methods", method, f"one of {', '.join(METHODS)}")
            test = by_voom if method == "voom" else by_pydeseq2
            found = test(counts[kept], response[kept], strata=groups)
            parts.append(_rows(block, endpoint, method, (int(kept.sum()), yes), found))
    order = ["method", "endpoint", "q", "p_nominal", "feature"]
    return pl.concat(parts).sort(order, nulls_last=True)


def count_models(
    assay: Assay,
    sheet: pl.DataFrame,
    people: Cohort,
    endpoints: Sequence[str],
    methods: Sequence[CountMethod],
) -> pl.DataFrame:
    """`count_table` of the one block of a cohort, in its subjects and strata.

    endpoints: those that may be tested; times and amounts among them are passed over.
    """
    block = people.blocks[0]
    counts = raw_counts(assay, sheet, block)[rows_of(block.subjects, people.subjects)]
    responses = people.outcomes.responses
    asked = {name: responses[name] for name in endpoints if name in responses}
    return count_table(block, counts, asked, methods=methods, strata=people.strata)


def _rows(
    block: Block, endpoint: str, method: str, sizes: tuple[int, int], found: CountTest
) -> pl.DataFrame:
    n, yes = sizes
    return pl.DataFrame(
        {
            "modality": block.modality,
            "timepoint": block.timepoint,
            "feature": block.features,
            "endpoint": endpoint,
            "method": method,
            "n": n,
            "events": yes,
            "log2_ratio": found.log2_ratio,
            "lower": found.lower,
            "upper": found.upper,
            "statistic": found.statistic,
            "p_nominal": found.p,
            "q": benjamini_hochberg(found.p),
            "flags": found.note,
        },
        schema=pl.Schema(COUNTS),
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two count models of the same features: calls at a q, and how far their statistics lie apart.

    both, only_first, only_second: features called. median, largest: absolute difference of the
    statistics. correlation: of the statistics.
    """

    both: int
    only_first: int
    only_second: int
    median: float
    largest: float
    correlation: float


def agreement(first: CountTest, second: CountTest, *, q: float = 0.05) -> Agreement:
    """How far two models agree, over the features that both could test."""
    one, other = (benjamini_hochberg(test.p) <= q for test in (first, second))
    known = np.isfinite(first.statistic) & np.isfinite(second.statistic)
    apart = np.abs(first.statistic - second.statistic)[known]
    r = np.corrcoef(first.statistic[known], second.statistic[known])[0, 1]
    return Agreement(
        int((one & other).sum()),
        int((one & ~other).sum()),
        int((other & ~one).sum()),
        float(np.median(apart)),
        float(apart.max()),
        float(r),
    )
