"""Between families: how the third tier is shared among modalities, and how many tests were run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from onearm.omics.screen import Screened


def holm(smallest: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p of each modality, from the smallest adjusted p found in it.

    It says whether anything at all is associated in that modality.
    Source: Holm, Scandinavian Journal of Statistics 6:65-70 (1979).

    >>> holm({"RNA": 0.01, "protein": 0.04, "stool": 0.03})
    {'RNA': 0.03, 'stool': 0.06, 'protein': 0.06}
    """
    adjusted, floor = {}, 0.0
    ordered = sorted(smallest.items(), key=lambda item: (item[1], item[0]))
    for rank, (name, p) in enumerate(ordered):
        floor = max(floor, min(1.0, (len(ordered) - rank) * p))
        adjusted[name] = floor
    return adjusted


def across_modalities(tables: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Tables of associations, one a modality, with p adjusted for their number too.

    Adjusted p and its Monte Carlo error are multiplied by the number of tables. Holm's smaller
    factors hold for a modality as a whole (see `holm`) but not for its single features: one true
    feature would free the alpha of a modality whose other features are still at risk of a false
    finding.
    """
    shared = len(tables)
    return [
        table.with_columns(
            p_adjusted=(pl.col("p_adjusted") * shared).clip(upper_bound=1.0),
            mc_se=pl.col("mc_se") * shared,
        )
        for table in tables
    ]


def number_of_tests(screened: Mapping[str, Screened]) -> tuple[str, ...]:
    """For each analysis a sentence with what was tested, and one with the total.

    screened: by the name of the analysis, in the order of the report.
    """
    lines = []
    for name, one in screened.items():
        features = one.table.select("modality", "timepoint", "feature").unique().height
        endpoints = one.table["endpoint"].n_unique()
        lines.append(f"{name}: {features} features x {endpoints} endpoints, {one.n_tests} tests")
    total = sum(one.n_tests for one in screened.values())
    return (*lines, f"{total} tests in {len(screened)} analyses")
