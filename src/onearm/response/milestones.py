"""Single facts of a course: first response, benefit, progression, last look; and cuts."""

from __future__ import annotations

from typing import Literal

import polars as pl

from onearm.response.confirm import add_confirmation
from onearm.response.criteria import RECIST11, Criteria
from onearm.response.followup import counted_assessments, every_case

CONTROLLED = ("CR", "PR", "SD", "NON-CR/NON-PD")


def first_response(
    responses: pl.DataFrame,
    subjects: pl.DataFrame,
    *,
    criteria: Criteria = RECIST11,
    confirmed: bool = True,
) -> pl.DataFrame:
    """The first CR or PR that counts, one row a subject and reader.

    ``responses`` and ``subjects`` as for ``best_response``. Returns ``subject, reader, occurred``
    (Boolean), ``date`` and ``response``; a subject without assessments has not responded.
    Rule: RECIST 1.1, 4.6.1 (confirmation); admiral's RSP and CRSP.
    """
    counted = counted_assessments(responses, subjects, criteria.parameters)
    hits = counted.filter(pl.col("response").is_in(["CR", "PR"]))
    if confirmed:
        judged = add_confirmation(counted, criteria.parameters)
        hits = judged.filter(pl.col("by_date").is_not_null())
    return _first_hit(hits, responses, subjects)


def clinical_benefit(
    responses: pl.DataFrame,
    subjects: pl.DataFrame,
    *,
    criteria: Criteria = RECIST11,
    confirmed: bool = True,
    min_days: int | None = None,
    counting: tuple[str, ...] = CONTROLLED,
) -> pl.DataFrame:
    """Benefit: a response, or disease under control at least ``min_days`` after the start.

    ``min_days`` is ``sd_min_days`` of the criteria where it is not given; ``counting`` are the
    answers that are control of the disease. Columns as ``first_response``; ``date`` is the earlier
    of the two. Rule: admiral's CB and CCB.
    """
    days = criteria.parameters.sd_min_days if min_days is None else min_days
    counted = counted_assessments(responses, subjects, criteria.parameters)
    lasting = counted.filter(pl.col("response").is_in(counting), pl.col("day") >= days)
    response = first_response(responses, subjects, criteria=criteria, confirmed=confirmed)
    hits = pl.concat(
        [
            lasting.select("subject", "reader", "date", "response"),
            response.filter("occurred").select("subject", "reader", "date", "response"),
        ]
    )
    return _first_hit(hits, responses, subjects)


def progression(
    responses: pl.DataFrame, subjects: pl.DataFrame, *, criteria: Criteria = RECIST11
) -> pl.DataFrame:
    """The first PD, one row a subject and reader.

    Columns as ``first_response``; ``occurred`` is null where nobody assessed the subject.
    """
    counted = counted_assessments(responses, subjects, criteria.parameters)
    hits = counted.filter(pl.col("response") == "PD")
    assessed = counted.select("subject", "reader", assessed=pl.lit(value=True)).unique()
    return (
        _first_hit(hits, responses, subjects)
        .join(assessed, on=["subject", "reader"], how="left", maintain_order="left")
        .with_columns(occurred=pl.when("assessed").then("occurred"))
        .drop("assessed")
    )


def last_assessment(
    responses: pl.DataFrame,
    subjects: pl.DataFrame,
    *,
    criteria: Criteria = RECIST11,
    evaluable: bool = True,
) -> pl.DataFrame:
    """The last assessment that counts, one row a subject and reader.

    ``evaluable``: leave out NE. Columns as ``first_response``; ``occurred`` says whether there is
    one.
    """
    counted = counted_assessments(responses, subjects, criteria.parameters)
    kept = counted.filter(pl.col("response") != "ND")
    if evaluable:
        kept = kept.filter(pl.col("response") != "NE")
    return _first_hit(kept, responses, subjects, last=True)


def keep_relative(
    assessments: pl.DataFrame,
    *,
    response: str,
    which: Literal["first", "last"] = "first",
    keep: Literal["before", "after"] = "before",
    inclusive: bool = True,
    without: bool = True,
) -> pl.DataFrame:
    """The assessments before or after the first or last one with this response.

    ``assessments``: ``subject, reader, order, response``, where ``order`` (any sortable type)
    counts in time. ``inclusive`` keeps the turning point itself; ``without`` keeps those subjects
    who never had it. The rows keep their order.
    """
    place = pl.col("order").filter(pl.col("response") == response)
    turn = (place.min() if which == "first" else place.max()).over("subject", "reader")
    side = pl.col("order") < turn if keep == "before" else pl.col("order") > turn
    kept = side | (pl.col("order") == turn) if inclusive else side
    return assessments.filter(kept.fill_null(value=without))


def _first_hit(
    hits: pl.DataFrame, responses: pl.DataFrame, subjects: pl.DataFrame, *, last: bool = False
) -> pl.DataFrame:
    keys = ["subject", "reader"]
    found = (
        hits.sort("date", descending=last, maintain_order=True)
        .group_by(keys)
        .agg(pl.col("date", "response").first())
    )
    return (
        every_case(responses, subjects)
        .join(found, on=keys, how="left")
        .select(*keys, "date", "response", occurred=pl.col("date").is_not_null())
        .sort(keys)
    )
