"""Best overall response: what counted, from when, by which rule, confirmed or not."""

from __future__ import annotations

import polars as pl

from onearm.errors import OnearmError
from onearm.response.confirm import add_confirmation
from onearm.response.criteria import RECIST11, Criteria, Parameters, rows
from onearm.response.followup import counted_assessments, every_case
from onearm.response.reasons import best_reason

COLUMNS = (
    "subject", "reader", "response", "date", "response_date", "pd_date", "rule", "reason", "flags",
)  # fmt: skip
"""The columns that ``best_response`` returns, in order."""

DISEASE_UNDER_CONTROL = ("CR", "PR", "SD")


def best_response(
    responses: pl.DataFrame,
    subjects: pl.DataFrame,
    *,
    criteria: Criteria = RECIST11,
    confirmed: bool = True,
) -> pl.DataFrame:
    """Best overall response of every subject, by every reader.

    ``responses``: one row an assessment after baseline: ``subject, reader, date, response``, and
    optionally ``pd_date`` and ``flags`` of ``time_points``. ``subjects``: one row a subject:
    ``subject, start, new_therapy, cutoff``, optionally ``why_missing``.

    Counted are assessments up to the first PD, before new therapy, up to the cut-off (see
    ``followup.counted_assessments``). Then, the first that applies: CR, PR (confirmed where asked
    for), SD from ``sd_min_days`` on (an unconfirmed CR or PR counts as SD), NON-CR/NON-PD
    likewise, PD, NED, NE. ``date`` is the day of the first assessment that gives the response,
    null for NE without any; ``response_date`` the first CR or PR that counts.
    Returns the columns ``COLUMNS``, sorted by subject and reader.
    Raises OnearmError for missing columns, and for a subject of ``responses`` not in ``subjects``.
    Rule: RECIST 1.1, 4.4.3, 4.4.4, 4.6.1 and table 3.
    """
    parameters = criteria.parameters
    _check(responses, subjects)
    counted = counted_assessments(responses, subjects, parameters)
    judged = add_confirmation(counted, parameters) if confirmed else _unconfirmed(counted)
    cases = every_case(responses, subjects)
    best = _choose(judged, cases, criteria=criteria, confirmed=confirmed)
    return best.with_columns(reason=best_reason(parameters)).select(COLUMNS)


def _check(responses: pl.DataFrame, subjects: pl.DataFrame) -> None:
    for name, frame, needed in (
        ("responses", responses, ("subject", "reader", "date", "response")),
        ("subjects", subjects, ("subject", "start", "new_therapy", "cutoff")),
    ):
        missing = [column for column in needed if column not in frame.columns]
        if missing:
            raise OnearmError(f"the {name} table has no column {', '.join(missing)}")
    doubled = subjects["subject"].is_duplicated()
    if doubled.any():
        raise OnearmError(f"subject {subjects['subject'].filter(doubled)[0]} has two rows")
    strange = responses.join(subjects, on="subject", how="anti")["subject"]
    if len(strange):
        raise OnearmError(f"{strange[0]} has responses but no row in the subjects table")


def _unconfirmed(counted: pl.DataFrame) -> pl.DataFrame:
    is_response = pl.col("response").is_in(["CR", "PR"])
    return counted.with_columns(
        by_date=pl.when(is_response).then("date"), by_response=pl.when(is_response).then("response")
    )


def _choose(
    judged: pl.DataFrame, cases: pl.DataFrame, *, criteria: Criteria, confirmed: bool
) -> pl.DataFrame:
    """The best assessment of each case: ranked, and the earliest of the best is taken."""
    parameters = criteria.parameters
    ranked = (
        judged.filter(pl.col("response") != "ND")
        .with_columns(kind=_kind(parameters, confirmed=confirmed), seen=pl.col("response"))
        .with_columns(counts_as=_counts_as())
        .with_columns(
            rank=pl.col("counts_as").replace_strict(
                {word: rank for rank, word in enumerate(_order(criteria))}, return_dtype=pl.Int32
            )
        )
        .sort("rank", "date", "seq")
    )
    keys = ["subject", "reader"]
    chosen = ranked.group_by(keys, maintain_order=True).first().drop("start", "response")
    facts = judged.group_by(keys).agg(
        first_response=pl.col("date").filter(pl.col("by_date").is_not_null()).min(),
        first_pd=pl.col("date").filter(pl.col("response") == "PD").min(),
        notes=pl.col("flags").drop_nulls().unique(maintain_order=True).str.join("; "),
    )
    answered = cases.join(chosen, on=keys, how="left").join(facts, on=keys, how="left")
    nobody = pl.col("counts_as").is_null()
    response = pl.when(nobody).then(pl.lit(parameters.nobody_assessed)).otherwise("counts_as")
    return (
        answered.with_columns(response=response, word=pl.col("counts_as").fill_null("none"))
        .join(_rules(criteria, confirmed=confirmed), on="word", how="left")
        .with_columns(
            response_date=pl.when(pl.col("response").is_in(["CR", "PR"])).then("first_response"),
            pd_date="first_pd",
            flags=pl.when(pl.col("notes").str.len_chars() > 0).then("notes"),
        )
        .sort(keys)
    )


def _order(criteria: Criteria) -> tuple[str, ...]:
    """What beats what: as in the best-response table, top down."""
    seen = dict.fromkeys(row["response"] for row in rows(criteria.best_table, criteria.folder))
    return tuple(word for word in seen if word != "none")


def _rules(criteria: Criteria, *, confirmed: bool) -> pl.DataFrame:
    wanted = "yes" if confirmed else "no"
    table = rows(criteria.best_table, criteria.folder)
    return pl.DataFrame(
        [
            {"word": row["response"], "rule": row["rule"]}
            for row in table
            if row["confirmed"] == wanted
        ]
    )


def _kind(parameters: Parameters, *, confirmed: bool) -> pl.Expr:
    """Why an assessment counts: repeated, late enough, progression, or only as not evaluable."""
    answer = pl.col("response")
    lasting = answer.is_in([*DISEASE_UNDER_CONTROL, "NON-CR/NON-PD"])
    late_enough = pl.col("day") >= parameters.sd_min_days
    if parameters.sd_rule == "to_PD":
        late_enough = pl.col("reach") >= parameters.sd_min_days
    window = "to_PD" if parameters.sd_rule == "to_PD" else "window"
    return (
        pl.when(pl.col("by_date").is_not_null())
        .then(pl.lit("confirmed" if confirmed else "first"))
        .when(lasting & late_enough)
        .then(pl.lit(window))
        .when(answer.is_in(["PD", "NED"]))
        .then(answer)
        .when(lasting)
        .then(pl.lit("early"))
        .otherwise(pl.lit("NE"))
    )


def _counts_as() -> pl.Expr:
    answer = pl.col("response")
    return (
        pl.when(pl.col("kind").is_in(["confirmed", "first", "PD", "NED"]))
        .then(answer)
        .when(pl.col("kind").is_in(["window", "to_PD"]) & answer.is_in(DISEASE_UNDER_CONTROL))
        .then(pl.lit("SD"))
        .when(pl.col("kind").is_in(["window", "to_PD"]))
        .then(answer)
        .otherwise(pl.lit("NE"))
    )
