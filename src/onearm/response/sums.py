"""Target lesions: the sum of diameters at each visit, what it is compared with, and the answer."""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from onearm.response.criteria import Parameters
from onearm.response.sizes import at_least, at_most, units


def add_sums(visits: pl.DataFrame, rows: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Add the sum of target diameters and its references to each visit.

    ``visits`` and ``rows`` as ``visits.prepare`` returns them. Adds, in units: ``sum`` (of what was
    assessed; null where nothing was), ``base`` (complete baseline sum), ``nadir`` (smallest
    complete sum before this visit, baseline included), ``change``, ``change_nadir``; further
    ``n_expected``, ``n_assessed``, ``complete``, ``nadir_date``, ``pct_change``,
    ``pct_change_nadir`` (per cent, null where the reference is 0), ``targets_gone``,
    ``target_scan`` (last day of the target scans) and ``left_bulk``, ``left_nodes``,
    ``largest_node`` (how much target disease is left outside nodes, in nodes, and its size).
    Rule: RECIST 1.1, 4.1, 4.3.1, 4.3.2, 4.4.2.
    """
    lesions = _per_lesion(rows, parameters)
    expected = lesions.filter(pl.col("time_point") == 0).group_by("case").agg(n_expected=pl.len())
    at_visit = lesions.group_by("visit").agg(
        sum=pl.col("value").sum(),
        n_assessed=pl.col("value").is_not_null().sum(),
        gone=pl.col("gone").fill_null(value=False).all(),
        target_scan=pl.col("date").max(),
        left_bulk=(~pl.col("gone") & ~pl.col("nodal")).sum(),
        left_nodes=(~pl.col("gone") & pl.col("nodal")).sum(),
        largest_node=pl.col("largest").filter(pl.col("nodal") & ~pl.col("gone")).max(),
        lost_fragment=pl.col("lost_fragment").any(),
    )
    counted = (
        visits.join(expected, on="case", how="left", maintain_order="left")
        .join(at_visit, on="visit", how="left", maintain_order="left")
        .with_columns(pl.col("n_expected", "n_assessed").fill_null(0).cast(pl.Int32))
        .with_columns(
            sum=pl.when(pl.col("n_assessed") > 0).then("sum"),
            complete=(pl.col("n_expected") > 0) & (pl.col("n_assessed") == pl.col("n_expected")),
        )
        .with_columns(targets_gone=pl.col("gone") & pl.col("complete"))
        .drop("gone")
    )
    return _with_references(counted)


def _per_lesion(rows: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """One row a baseline target lesion and visit, the fragments of a split lesion added up."""
    targets = rows.filter(pl.col("role") == "target", pl.col("at_baseline"))
    state, size = pl.col("state"), pl.col("size")
    value = (
        pl.when(state == "absent")
        .then(0)
        .when(state == "coalesced")
        .then(size.fill_null(0))
        .when(state == "too_small")
        .then(size.fill_null(units(parameters.too_small_default_mm)))
        .when(state != "not_evaluable")
        .then(size)
    )
    pathological = units(parameters.node_pathologic_sa)
    gone = pl.when("nodal").then(pl.col("value") < pathological).otherwise(pl.col("value") == 0)
    pieces = targets.with_columns(value=value).with_columns(gone=gone, largest=pl.col("value"))
    columns = ["visit", "case", "time_point", "parent", "nodal", "date", "value", "gone", "largest"]
    if (targets["parent"] == targets["lesion"]).all():
        return pieces.select(*columns, lost_fragment=pl.lit(value=False))
    return _joined_fragments(pieces)


def _joined_fragments(pieces: pl.DataFrame) -> pl.DataFrame:
    """Fragments added up under their parent (RECIST 1.1, 4.3.2); a lost fragment is a gap."""
    whole = (
        pieces.group_by("visit", "case", "time_point", "parent")
        .agg(
            pl.col("nodal").any(),
            pl.col("date").max(),
            value=pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum()),
            gone=pl.col("gone").fill_null(value=False).all(),
            largest=pl.col("value").max(),
            pieces=pl.len(),
            split=(pl.col("parent") != pl.col("lesion")).all(),
        )
        .sort("case", "parent", "time_point")
        .with_columns(before=pl.col("pieces").cum_max().shift(1).over("case", "parent"))
        .with_columns(lost_fragment=pl.col("split") & (pl.col("pieces") < pl.col("before")))
        .with_columns(pl.col("lost_fragment").fill_null(value=False))
    )
    return whole.with_columns(
        value=pl.when(~pl.col("lost_fragment")).then("value"),
        gone=pl.when(~pl.col("lost_fragment")).then("gone"),
    )


def _with_references(visits: pl.DataFrame) -> pl.DataFrame:
    """Baseline sum and nadir; the nadir looks back only, and only at complete sums."""
    full = pl.when("complete").then("sum")
    lowest = full.cum_min().over("case").forward_fill().over("case")
    is_new_low = pl.col("_full").is_not_null() & (
        pl.col("_before").is_null() | (pl.col("_full") < pl.col("_before"))
    )
    return (
        visits.with_columns(_full=full, _lowest=lowest)
        .with_columns(_before=pl.col("_lowest").shift(1).over("case"))
        .with_columns(
            base=pl.col("_full").filter(pl.col("time_point") == 0).first().over("case"),
            nadir=pl.col("_before"),
            nadir_date=pl.when(is_new_low)
            .then("date")
            .forward_fill()
            .over("case")
            .shift(1)
            .over("case"),
        )
        .with_columns(
            change=pl.col("sum") - pl.col("base"), change_nadir=pl.col("sum") - pl.col("nadir")
        )
        .with_columns(
            pct_change=_percent("change", "base"),
            pct_change_nadir=_percent("change_nadir", "nadir"),
        )
        .drop("_full", "_lowest", "_before")
    )


def _percent(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) * 100.0 / pl.col(whole))


def target_rule(parameters: Parameters) -> pl.Expr:
    """The rule of ``recist11_target.csv`` that answers for the targets, null where there are none.

    Reads the columns of ``add_sums``. Everything is compared in whole numbers: a sum of exactly
    70 % of baseline is a partial response, exactly +20 % and +5 mm over the nadir is progression.
    """
    shrunk = Fraction(100) - Fraction(parameters.pr_pct)
    grown = Fraction(100) + Fraction(parameters.pd_pct)
    size, nadir = pl.col("sum"), pl.col("nadir")
    is_pd = at_least(size, grown, nadir) & (size - nadir >= units(parameters.pd_abs_mm))
    return (
        pl.when((pl.col("n_expected") == 0) & pl.col("has_baseline"))
        .then(pl.lit(None, dtype=pl.String))
        .when(is_pd)
        .then(pl.lit("T1"))
        .when(pl.col("base").is_null())
        .then(pl.lit("T0"))
        .when(~pl.col("complete"))
        .then(pl.lit("T2"))
        .when(pl.col("targets_gone"))
        .then(pl.lit("T3"))
        .when(at_most(size, shrunk, pl.col("base")))
        .then(pl.lit("T4"))
        .otherwise(pl.lit("T6"))
    )
