"""Which assessments count: up to progression, before new therapy, up to the cut-off."""

from __future__ import annotations

import polars as pl

from onearm.response.criteria import Parameters
from onearm.response.timepoint import NODE_ONLY

COLUMNS = (
    "case", "seq", "subject", "reader", "date", "response", "flags", "start", "day", "reach",
)  # fmt: skip

DISEASE_LEFT = ("PR", "SD", "NON-CR/NON-PD")


def counted_assessments(
    responses: pl.DataFrame, subjects: pl.DataFrame, parameters: Parameters
) -> pl.DataFrame:
    """The assessments that may decide, with the day from the start.

    ``responses`` and ``subjects`` as for ``best.best_response``. Rows without a response are left
    out, and those with ND (not done) unless ``not_done_between`` says that they bar confirmation.
    A PD takes the day of its ``pd_date``, so that a progression dated back to an equivocal
    sighting ends follow-up there. Kept are rows before ``new_therapy``, rows assessed up to
    ``cutoff`` (a sighting confirmed later is not known yet), and (``stop_at_pd``) up to the first
    PD. Where ``cr_then_disease`` is strict, disease after a CR is
    PD, with a flag, but for node-only regrowth.
    Returns ``case, seq, subject, reader, date, response, flags, start, day`` (days from the start)
    and ``reach`` (days from the start to the first PD, else to the last adequate assessment).
    Rule: RECIST 1.1, 4.4.3 and the footnote of table 3.
    """
    seen = responses.filter(pl.col("response").is_not_null())
    if parameters.not_done_between == "ignored":
        seen = seen.filter(pl.col("response") != "ND")
    dated = _dated(seen).join(
        subjects.select("subject", "start", "new_therapy", "cutoff"), on="subject", how="left"
    )
    within = (pl.col("new_therapy").is_null() | (pl.col("date") < pl.col("new_therapy"))) & (
        pl.col("cutoff").is_null() | (pl.col("assessed") <= pl.col("cutoff"))
    )
    kept = (
        dated.filter(within)
        .sort("subject", "reader", "date", "late")
        .with_columns(case=pl.struct("subject", "reader").rle_id())
        .with_columns(seq=pl.int_range(pl.len()).over("case"))
    )
    if parameters.cr_then_disease == "strict":
        kept = strict_after_cr(kept)
    if parameters.stop_at_pd:
        is_pd = (pl.col("response") == "PD").cast(pl.Int32)
        kept = kept.filter(is_pd.cum_sum().shift(1, fill_value=0).over("case") == 0)
    return _with_days(kept)


def every_case(responses: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Every subject with every reader, so that nobody is missing from a denominator.

    Returns ``subject, reader, start, why_missing``; without responses the reader is "".
    """
    readers = responses.select("reader").unique()
    if not readers.height:
        readers = pl.DataFrame({"reader": [""]})
    if "why_missing" not in subjects.columns:
        subjects = subjects.with_columns(why_missing=pl.lit(None, dtype=pl.String))
    people = subjects.select("subject", "start", "why_missing")
    return people.join(readers, how="cross").select("subject", "reader", "start", "why_missing")


def _dated(responses: pl.DataFrame) -> pl.DataFrame:
    """Responses with the day that counts; what came on or after a back-dated PD is after it."""
    optional = [
        pl.col(name).cast(kind) if name in responses.columns else pl.lit(None, kind).alias(name)
        for name, kind in (("pd_date", pl.Date()), ("flags", pl.String()))
    ]
    is_pd = pl.col("response") == "PD"
    return (
        responses.select("subject", "reader", "date", "response", *optional)
        .with_columns(assessed=pl.col("date"))
        .with_columns(date=pl.when(is_pd).then(pl.coalesce("pd_date", "date")).otherwise("date"))
        .with_columns(late=~is_pd)
    )


def strict_after_cr(assessments: pl.DataFrame) -> pl.DataFrame:
    """PD in place of PR, SD or NON-CR/NON-PD after a CR, each with a flag.

    ``assessments``: ``case, seq, response, flags``, in order. A row flagged as node-only regrowth
    keeps its response: it is to be imaged again first. Where the recode stands when the data are
    locked it is the progression of PFS and DOR as well: call this before both.
    Rule: RECIST 1.1, table 3, footnote; EORTC RECIST FAQ, abnormal node after CR.
    """
    had_cr = (pl.col("response") == "CR").cum_max().over("case")
    exempt = pl.col("flags").str.contains(NODE_ONLY, literal=True).fill_null(value=False)
    recode = had_cr & pl.col("response").is_in(DISEASE_LEFT) & ~exempt
    note = pl.format("{} after CR taken as PD: confirm or correct the CR", "response")
    return assessments.with_columns(
        response=pl.when(recode).then(pl.lit("PD")).otherwise("response"),
        flags=pl.when(recode)
        .then(pl.concat_str("flags", note, separator="; ", ignore_nulls=True))
        .otherwise("flags"),
    )


def _with_days(kept: pl.DataFrame) -> pl.DataFrame:
    adequate = pl.col("response").is_in(["CR", *DISEASE_LEFT])
    end = pl.coalesce(
        pl.col("date").filter(pl.col("response") == "PD").min(),
        pl.col("date").filter(adequate).max(),
    ).over("case")
    start = pl.col("start")
    return kept.with_columns(
        day=(pl.col("date") - start).dt.total_days(), reach=(end - start).dt.total_days()
    ).select(COLUMNS)
