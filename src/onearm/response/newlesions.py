"""New lesions: definite or equivocal, and the day on which each was first seen."""

from __future__ import annotations

import polars as pl

from onearm.response.criteria import Parameters, rows
from onearm.response.sizes import units


def add_new_lesions(
    visits: pl.DataFrame, lesions: pl.DataFrame, parameters: Parameters
) -> pl.DataFrame:
    """Add ``new`` (yes, no, equivocal), ``new_names``, ``new_first_seen`` and ``new_scheduled``.

    ``visits`` and ``lesions`` as ``visits.prepare`` returns them. A lesion in the role "new" is
    definite unless its state says equivocal, absent or not evaluable; a node with a size is new
    from the target short axis on, equivocal from the pathological short axis on, else ignored.
    ``new_first_seen`` is the first day of the unbroken run of sightings, equivocal ones included,
    of the earliest seen definite lesion: a lesion that was gone in between starts again.
    Rule: RECIST 1.1, 4.3.5; EORTC RECIST FAQ, new nodes.
    """
    found = (
        lesions.filter(pl.col("role") == "new")
        .with_columns(answer=_answer(parameters))
        .sort("case", "lesion", "time_point")
        .with_columns(run=(pl.col("answer") == "gone").cum_sum().over("case", "lesion"))
        .with_columns(
            first_seen=_first("date").over("case", "lesion", "run"),
            first_scheduled=_first("scheduled").over("case", "lesion", "run"),
        )
    )
    definite = pl.col("answer") == "yes"
    at_visit = found.group_by("visit").agg(
        new=pl.when(definite.any())
        .then(pl.lit("yes"))
        .when((pl.col("answer") == "equivocal").any())
        .then(pl.lit("equivocal"))
        .otherwise(pl.lit("no")),
        new_names=pl.col("lesion").filter(definite).drop_nulls().sort().str.join(", "),
        new_first_seen=pl.col("first_seen").filter(definite).min(),
        new_scheduled=pl.col("first_scheduled").filter(definite).min(),
    )
    return visits.join(at_visit, on="visit", how="left", maintain_order="left").with_columns(
        pl.col("new").fill_null("no")
    )


def _first(column: str) -> pl.Expr:
    return pl.col(column).filter(pl.col("answer").is_in(["yes", "equivocal"])).min()


def _answer(parameters: Parameters) -> pl.Expr:
    state, size = pl.col("state"), pl.col("size")
    is_sized_node = pl.col("nodal") & size.is_not_null() & state.is_in(["measured", "present"])
    return (
        pl.when((state == "absent") | ((state == "measured") & (size == 0)))
        .then(pl.lit("gone"))
        .when(state == "not_evaluable")
        .then(pl.lit("unknown"))
        .when(state == "equivocal")
        .then(pl.lit("equivocal"))
        .when(is_sized_node & (size < units(parameters.node_pathologic_sa)))
        .then(pl.lit("gone"))
        .when(is_sized_node & (size < units(parameters.min_node_target_sa)))
        .then(pl.lit("equivocal"))
        .otherwise(pl.lit("yes"))
    )


def pet_finding(baseline_pet: str, ct: str) -> dict[str, str]:
    """What a positive FDG-PET focus means: the row of ``recist11_pet.csv``.

    ``baseline_pet``: negative, or none (not done); ``ct``: new_site, known_site (on CT, not
    progressing), not_seen, or not_done. The answer's ``state`` is the state to record for a new
    lesion ("none": record nothing). Raises LookupError for other words.
    Rule: RECIST 1.1, 4.3.5.
    """
    for row in rows("recist11_pet"):
        if row["baseline_pet"] in ("any", baseline_pet) and ct in row["ct"].split("|"):
            return row
    raise LookupError(f"no row of recist11_pet.csv fits baseline PET {baseline_pet!r}, CT {ct!r}")
