"""One sentence that says why: the numbers that decided, in the words of the rule."""

from __future__ import annotations

import polars as pl

from onearm.response.criteria import Parameters
from onearm.response.sizes import mm_text

Part = pl.Expr


def time_point_reason() -> pl.Expr:
    """The sentence for a time point; reads the working columns of ``timepoint.time_points``.

    Percentages are cut, not rounded, after one decimal, so that no sentence shows a limit as
    reached that was missed.
    """
    progression = pl.concat_str(
        pl.when(pl.col("target") == "PD").then(_growth()),
        pl.when(pl.col("nontarget") == "PD").then(
            pl.format("unequivocal progression of non-target lesion {}", "progressed")
        ),
        pl.when(pl.col("new") == "yes").then(
            pl.format("new lesion {} first seen on {}", "new_names", _day("new_first_seen"))
        ),
        separator="; ",
        ignore_nulls=True,
    )
    other = pl.concat_str(
        _target_part(), _nontarget_part(), _new_part(), separator="; ", ignore_nulls=True
    )
    facts = pl.when(pl.col("overall") == "PD").then(progression).otherwise(other)
    return pl.when(pl.col("overall").is_not_null()).then(
        pl.format("{}: {}. {}", "overall", facts, "source")
    )


def _growth() -> Part:
    return pl.format(
        "sum {} mm is {} over the nadir of {} mm on {}",
        _mm("sum"),
        _change("change_nadir", "nadir"),
        _mm("nadir"),
        _day("nadir_date"),
    )


def _target_part() -> Part:
    shrinkage = pl.format(
        "sum {} mm is {} % from the baseline sum of {} mm",
        _mm("sum"),
        _percent("change", "base"),
        _mm("base"),
    )
    rule = pl.col("target_rule")
    return (
        pl.when(rule == "T0")
        .then(pl.lit("there is no complete sum of diameters at baseline"))
        .when(rule == "T2")
        .then(
            pl.format(
                "{} of {} target lesions assessed, and what was seen does not show progression",
                "n_assessed",
                "n_expected",
            )
        )
        .when(rule == "T3")
        .then(pl.format("target lesions gone and nodes normal (sum {} mm)", _mm("sum")))
        .when(rule == "T4")
        .then(shrinkage)
        .when(rule == "T5")
        .then(pl.format("{}; a confirmed response is carried on", shrinkage))
        .when(rule == "T6")
        .then(
            pl.format(
                "{} and {} from the nadir of {} mm",
                shrinkage,
                _change("change_nadir", "nadir"),
                _mm("nadir"),
            )
        )
    )


def _nontarget_part() -> Part:
    words = {
        "CR": "non-target disease gone",
        "NON-CR/NON-PD": "non-target disease left",
        "NE": "non-target disease not fully assessed",
        "none": "no non-target disease",
    }
    answer = pl.col("nontarget").replace_strict(words, default=None, return_dtype=pl.String)
    gone_but_marker = pl.col("marker_high") & (pl.col("nontarget") == "NON-CR/NON-PD")
    return (
        pl.when(gone_but_marker & ((pl.col("nt_left_bulk") + pl.col("nt_left_nodes")) == 0))
        .then(pl.lit("a tumour marker is still elevated"))
        .otherwise(answer)
    )


def _new_part() -> Part:
    return (
        pl.when(pl.col("new") == "equivocal")
        .then(pl.lit("an equivocal new lesion is followed"))
        .otherwise(pl.lit("no new lesion"))
    )


def best_reason(parameters: Parameters) -> pl.Expr:
    """The sentence for a best response; reads the working columns of ``best.best_response``."""
    kind = pl.col("kind")
    day = _day("date")
    minimum = parameters.sd_min_days
    return (
        pl.when(kind == "confirmed")
        .then(
            pl.format(
                "{} on {}, confirmed by {} on {}, at least {} days later",
                "response", day, "by_response", _day("by_date"), pl.lit(parameters.confirm_days),
            )
        )
        .when(kind == "first")
        .then(pl.format("first {} on {}; confirmation is not asked for", "response", day))
        .when(kind == "window")
        .then(
            pl.format("{} on {}, day {} from the start (at least {} are needed)",
                      "seen", day, "day", pl.lit(minimum))
        )
        .when(kind == "to_PD")
        .then(
            pl.format("{} on {}; {} days from the start to progression or the last adequate "
                      "assessment (at least {} are needed)", "seen", day, "reach", pl.lit(minimum))
        )
        .when(kind == "PD")
        .then(pl.format("progression on {}; nothing before it counted as more", day))
        .when(kind == "NED")
        .then(pl.format("no disease at baseline, none on {}", day))
        .when(kind == "early")
        .then(
            pl.format("{} on {} does not count as more: too early (day {}, at least {} are needed) "
                      "or not confirmed", "seen", day, "day", pl.lit(minimum))
        )
        .when(kind == "NE")
        .then(pl.format("no evaluable assessment; the first one was on {}", day))
        .otherwise(
            pl.concat_str(
                pl.lit("no assessment after baseline that counts"),
                pl.col("why_missing"),
                separator=": ",
                ignore_nulls=True,
            )
        )
    )  # fmt: skip


def _mm(column: str) -> pl.Expr:
    return mm_text(pl.col(column))


def _sign(column: str) -> pl.Expr:
    return pl.when(pl.col(column) < 0).then(pl.lit("-")).otherwise(pl.lit("+"))


def _percent(change: str, reference: str) -> pl.Expr:
    """Change in per cent of the reference, cut after one decimal, in whole-number arithmetic."""
    tenths = pl.col(change).abs() * 1000 // pl.col(reference)
    return _sign(change) + pl.format("{}.{}", tenths // 10, tenths % 10)


def _change(change: str, reference: str) -> pl.Expr:
    """Per cent and millimetres, as both limits need them; of nothing there is no per cent."""
    length = _sign(change) + _mm(change)
    both = pl.format("{} % and {} mm", _percent(change, reference), length)
    return pl.when(pl.col(reference) > 0).then(both).otherwise(pl.format("{} mm", length))


def _day(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("an unknown day")
