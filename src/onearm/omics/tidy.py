"""Associations as tidy frames: one row a feature and endpoint, and every effect size beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.omics.assay import ASSOCIATIONS, Block
from onearm.omics.effects import Effect, Nominal
from onearm.omics.permute import Group, MaxT
from onearm.stats.arguments import Booleans, Floats

_KEYS = ["modality", "timepoint", "endpoint", "feature", "effect_name"]

EFFECTS = {
    **{name: ASSOCIATIONS[name] for name in ("modality", "timepoint", "feature", "endpoint")},
    **{name: ASSOCIATIONS[name] for name in ("effect_name", "effect", "lower", "upper")},
    "p": pl.Float64(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """One block with one endpoint, ready to be permuted."""

    block: Block
    endpoint: str
    group: Group
    nominal: Nominal


def associations(tests: Sequence[Test], judged: MaxT, *, analysis: str, tier: str) -> pl.DataFrame:
    """Columns of `ASSOCIATIONS`, one row a feature and endpoint, smallest adjusted p first."""
    parts = [_rows(test, judged, number) for number, test in enumerate(tests)]
    table = pl.concat(parts).with_columns(analysis=pl.lit(analysis), tier=pl.lit(tier))
    q = benjamini_hochberg(table["_single"].to_numpy())
    return (
        table.with_columns(q=pl.Series(q))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .sort(
            "p_adjusted", "_single", "modality", "timepoint", "endpoint", "feature", nulls_last=True
        )
        .select(*ASSOCIATIONS)
        .cast(pl.Schema(ASSOCIATIONS))
    )


def _rows(test: Test, judged: MaxT, number: int) -> pl.DataFrame:
    nominal, block = test.nominal, test.block
    size = len(block.features)
    first, second = nominal.effects[:2]
    tested = np.isfinite(judged.statistic[number])
    flags = {
        **nominal.flags,
        "indeterminate": judged.indeterminate[number] & tested,
        "does not vary": ~tested,
    }
    return pl.DataFrame(
        {
            "modality": [block.modality] * size,
            "timepoint": [block.timepoint] * size,
            "feature": block.features,
            "endpoint": [test.endpoint] * size,
            "n": nominal.n,
            "events": pl.Series(nominal.events, dtype=pl.Int64)
            if nominal.events is not None
            else pl.Series([None] * size, dtype=pl.Int64),
            **_columns(first, tested, ""),
            **_columns(second, tested, "second_"),
            "statistic": np.where(tested, nominal.statistic, np.nan),
            "p_nominal": np.where(tested, nominal.p, np.nan),
            "p_adjusted": judged.p_adjusted[number],
            "mc_se": judged.mc_se[number],
            "_single": judged.p_single[number],
            "flags": [
                "; ".join(word for word, where in flags.items() if where[row])
                for row in range(size)
            ],
        }
    )


def _columns(effect: Effect, tested: Booleans, prefix: str) -> dict[str, object]:
    """Name, value and limits; NaN for a feature that was not tested."""
    parts = {"effect": effect.value, "lower": effect.lower, "upper": effect.upper}
    numbers = {prefix + name: np.where(tested, part, np.nan) for name, part in parts.items()}
    return {f"{prefix}effect_name": [effect.name] * tested.size, **numbers}


def effect_sizes(tests: Sequence[Test], judged: MaxT) -> pl.DataFrame:
    """All effect sizes in long form, columns of `EFFECTS`."""
    parts = [
        _effects(test, np.isfinite(statistic))
        for test, statistic in zip(tests, judged.statistic, strict=True)
    ]
    return pl.concat(parts).with_columns(pl.col(pl.Float64).fill_nan(None)).sort(_KEYS)


def _effects(test: Test, tested: Booleans) -> pl.DataFrame:
    size = tested.size
    where = {
        "modality": [test.block.modality] * size,
        "timepoint": [test.block.timepoint] * size,
        "feature": test.block.features,
        "endpoint": [test.endpoint] * size,
    }
    parts = [
        pl.DataFrame(
            {**where, **_columns(effect, tested, ""), "p": np.where(tested, effect.p, np.nan)},
            schema=EFFECTS,
        )
        for effect in test.nominal.effects
    ]
    return pl.concat(parts).filter(pl.Series([*tested.tolist()] * len(parts)))


def benjamini_hochberg(p: Floats) -> Floats:
    """q values; a missing p is not a test and stays missing.

    Source: Benjamini and Hochberg, JRSS B 57:289-300 (1995).

    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan])).tolist()
    [0.02, 0.04, nan]
    """
    q = np.full(p.size, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * tested.size / np.arange(1, tested.size + 1)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
