"""Non-target lesions: the states at a visit collapsed into one answer."""

from __future__ import annotations

import polars as pl

from onearm.errors import OnearmError
from onearm.response.criteria import Parameters
from onearm.response.sizes import units

MARKERS = ("subject", "time_point", "elevated")


def add_nontargets(
    visits: pl.DataFrame, rows: pl.DataFrame, parameters: Parameters
) -> pl.DataFrame:
    """Add ``nontarget`` (CR, NON-CR/NON-PD, PD, NE, none) and what it was made from.

    ``visits`` and ``rows`` as ``visits.prepare`` returns them. In this order: any lesion progressed
    gives PD; any lesion not assessed gives NE; all absent
    gives CR; else NON-CR/NON-PD. A measured node is absent below the pathological short axis;
    progression is never computed from sizes: it is the reader's word.
    Also adds ``nt_expected``, ``nt_assessed``, ``progressed`` (names), ``progressed_date``,
    ``nt_left_bulk``, ``nt_left_nodes``, ``nt_stray`` (lesions that were not there at baseline).
    Rule: RECIST 1.1, 4.3.3 and 4.3.4; all of a visit without any disease and any look is NE.
    """
    lesions = _with_answers(rows, parameters)
    known = pl.col("at_baseline").fill_null(value=False)
    expected = (
        lesions.filter(pl.col("time_point") == 0)
        .group_by("case")
        .agg(nt_expected=pl.col("parent").n_unique())
    )
    left = pl.col("answer").is_in(["present", "progressed"])
    progressed = pl.col("answer") == "progressed"
    at_visit = lesions.group_by("visit").agg(
        nt_rows=pl.len(),
        nt_assessed=pl.col("parent").filter(known & (pl.col("answer") != "NE")).n_unique(),
        nt_unseen=(pl.col("answer") == "NE").any(),
        nt_absent=(pl.col("answer") == "absent").all(),
        progressed=pl.col("lesion").filter(progressed).sort().str.join(", "),
        progressed_date=pl.col("date").filter(progressed).min(),
        nt_left_bulk=(left & ~pl.col("nodal")).sum(),
        nt_left_nodes=(left & pl.col("nodal")).sum(),
        nt_largest_node=pl.col("size").filter(left & pl.col("nodal")).max(),
        nt_stray=(~known & (pl.col("time_point") > 0)).any(),
    )
    counts = ["nt_expected", "nt_rows", "nt_assessed", "nt_left_bulk", "nt_left_nodes"]
    return (
        visits.join(expected, on="case", how="left", maintain_order="left")
        .join(at_visit, on="visit", how="left", maintain_order="left")
        .with_columns(pl.col(counts).fill_null(0).cast(pl.Int32))
        .with_columns(nontarget=_collapse())
    )


def _with_answers(rows: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """The four answers a non-target lesion can have, from its state and, for nodes, its size."""
    state, size = pl.col("state"), pl.col("size")
    normal = (pl.col("nodal") & (size < units(parameters.node_pathologic_sa))) | (size == 0)
    answer = (
        pl.when(state.is_in(["progressed", "not_evaluable", "absent"]))
        .then(state.replace({"not_evaluable": "NE"}))
        .when(state.is_in(["measured", "present"]) & normal)
        .then(pl.lit("absent"))
        .otherwise(pl.lit("present"))
    )
    return rows.filter(pl.col("role") == "non-target").with_columns(answer=answer)


def _collapse() -> pl.Expr:
    nothing_here = (pl.col("nt_expected") == 0) & (pl.col("nt_rows") == 0)
    unseen = pl.col("nt_unseen").fill_null(value=False)
    incomplete = unseen | (pl.col("nt_assessed") < pl.col("nt_expected"))
    not_looked_at = (pl.col("n_expected") == 0) & ~pl.col("any_seen")
    return (
        pl.when(nothing_here & not_looked_at & pl.col("has_baseline"))
        .then(pl.lit("NE"))
        .when(nothing_here)
        .then(pl.lit("none"))
        .when(pl.col("progressed_date").is_not_null() | (pl.col("progressed").str.len_chars() > 0))
        .then(pl.lit("PD"))
        .when(incomplete)
        .then(pl.lit("NE"))
        .when("nt_absent")
        .then(pl.lit("CR"))
        .otherwise(pl.lit("NON-CR/NON-PD"))
    )


def with_markers(visits: pl.DataFrame, markers: pl.DataFrame | None) -> pl.DataFrame:
    """Tumour markers in the non-target answer: no complete response while one is elevated.

    ``markers``: one row a subject and time point: ``subject, time_point, elevated`` (Boolean, above
    the upper limit of normal). A visit without a value keeps the last one; a patient without
    values counts as normal. Adds ``marker_high``.
    Rule: RECIST 1.1, 4.3.3.
    """
    if markers is None:
        return visits.with_columns(marker_high=pl.lit(value=False))
    missing = [name for name in MARKERS if name not in markers.columns]
    if missing:
        raise OnearmError(f"the marker table has no column {', '.join(missing)}")
    values = markers.select(
        "subject", pl.col("time_point").cast(pl.Int32), marker_high="elevated"
    ).sort("time_point")
    joined = (
        visits.sort("time_point")
        .join_asof(
            values.drop_nulls("marker_high"),
            on="time_point",
            by="subject",
            strategy="backward",
            check_sortedness=False,
        )
        .sort("visit")
        .with_columns(pl.col("marker_high").fill_null(value=False))
    )
    has_disease = (pl.col("n_expected") > 0) | (pl.col("nt_expected") > 0)
    blocked = pl.col("marker_high") & has_disease & pl.col("nontarget").is_in(["CR", "none"])
    return joined.with_columns(
        nontarget=pl.when(blocked).then(pl.lit("NON-CR/NON-PD")).otherwise("nontarget")
    )
