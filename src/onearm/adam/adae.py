"""ADAE: which adverse events are treatment-emergent, related to a drug, and counted."""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.adam.conditions import holds
from onearm.frames import Frames
from onearm.study.endpoints import AdverseEvents, Endpoints

WANTED = (
    "AESEQ", "AETERM", "AEDECOD", "AEBODSYS", "AESTDTC", "AEENDTC", "AESER", "AESDTH", "AEOUT",
    "AEACN", "AEREL", "AETOXGR",
)  # fmt: skip


def derive_adverse_events(
    domains: Frames, endpoints: Endpoints, subjects: pl.DataFrame, start: str
) -> pl.DataFrame | None:
    """One row a row of AE, or None where the trial has no AE or the study no rules for it.

    domains: AE with the qualifiers that the rules name. subjects: ADSL with ``start`` (first dose
    of any drug), TRTEDT (last dose of any drug) and the date of new therapy that the rules name.
    Returns columns of the ADAE specification; events of subjects not in ADSL are left out.
    An event without a start date counts from first dose, unless it ended before.
    Source: ICH E9 (treatment-emergent); CDISC ADaM OCCDS 1.1 (occurrence flags).
    """
    events, rules = domains.get("AE"), endpoints.adverse_events
    if events is None or rules is None:
        return None
    table = _with_subjects(_with_all_columns(events, rules), rules, subjects, start)
    table = _with_dates(table)
    table = _with_causality(table, rules)
    table = _with_emergence(table, rules)
    left_out = _condition(rules.leave_out, table)
    counted = (pl.col("TRTEMFL") == "Y").fill_null(value=False) & ~left_out
    table = table.with_columns(ANL01FL=pl.when(counted).then(pl.lit("Y")))
    return _with_occurrence(table).with_columns(
        SRCDOM=pl.lit("AE"), SRCVAR=pl.lit("AETERM"), SRCSEQ=pl.col("AESEQ").cast(pl.Int32)
    )


def _condition(text: str, table: pl.DataFrame) -> pl.Expr:
    """A condition of the rules; without one it never holds."""
    never = pl.lit(value=False)
    return holds(text, table.columns, place="adverse_events, ADAE") if text else never


def _with_all_columns(events: pl.DataFrame, rules: AdverseEvents) -> pl.DataFrame:
    """AE with nulls in the columns that the specification or the rules name and it has not."""
    absent = [n for n in WANTED if n not in events.columns]
    table = events.with_columns(pl.lit(None, pl.String).alias(n) for n in absent)
    wanted = dict.fromkeys([*(drug.from_ for drug in rules.drugs), *rules.supplemental])
    return table.with_columns(
        pl.lit(None, pl.String).alias(n) for n in wanted if n not in table.columns
    )


def _with_subjects(
    events: pl.DataFrame, rules: AdverseEvents, subjects: pl.DataFrame, start: str
) -> pl.DataFrame:
    nothing = pl.lit(None, pl.Date)
    known = subjects.columns
    people = subjects.select(
        "USUBJID",
        first_dose=pl.col(start) if start in known else nothing,
        last_dose=pl.col("TRTEDT") if "TRTEDT" in known else nothing,
        new_therapy=pl.col(rules.new_therapy) if rules.new_therapy in known else nothing,
    )
    return events.join(people, on="USUBJID", validate="m:1", maintain_order="left")


def _with_dates(table: pl.DataFrame) -> pl.DataFrame:
    """Add ASTDT, AENDT with their flags, and ADURN.

    The worst case: a start that may be the day of first dose or later is no earlier than first
    dose, unless the event had ended before it; an end is the last day it may be.
    """
    first, last = dates.earliest(pl.col("AESTDTC")), dates.latest(pl.col("AESTDTC"))
    end = dates.latest(pl.col("AEENDTC"))
    dose = pl.col("first_dose")
    may_be_on_drug = (first <= dose) & (last >= dose) & (end.is_null() | (end >= dose))
    unknown = pl.col("AESTDTC").is_null() | first.is_null()
    begin = (
        pl.when(unknown)
        .then(pl.min_horizontal(dose, end))
        .when(may_be_on_drug)
        .then(pl.max_horizontal(first, dose))
        .otherwise(first)
    )
    return table.with_columns(
        ASTDT=begin,
        ASTDTF=pl.when(unknown & begin.is_not_null())
        .then(pl.lit("Y"))
        .otherwise(dates.imputation_flag(pl.col("AESTDTC"))),
        AENDT=end,
        AENDTF=pl.when(end.is_not_null()).then(dates.imputation_flag(pl.col("AEENDTC"))),
    ).with_columns(ADURN=((pl.col("AENDT") - pl.col("ASTDT")).dt.total_days() + 1).cast(pl.Int32))


def _with_causality(table: pl.DataFrame, rules: AdverseEvents) -> pl.DataFrame:
    """Add the relation to each drug and to the regimen (AREL), and whether it is missing."""
    sources = [drug.from_ for drug in rules.drugs] or [rules.related_from]
    known = [name for name in dict.fromkeys(sources) if name in table.columns]
    yes = [value.upper() for value in rules.related_values]

    def related(name: str) -> pl.Expr:
        return pl.col(name).str.to_uppercase().is_in(yes).fill_null(value=False)

    missing = [(pl.col(n).is_null() | (pl.col(n) == "")).fill_null(value=True) for n in known]
    any_related = pl.any_horizontal(*[related(n) for n in known]) if known else pl.lit(value=False)
    any_missing = pl.any_horizontal(*missing) if known else pl.lit(value=True)
    per_drug = [
        pl.when(related(drug.from_) | (pl.col(drug.from_).is_null()))
        .then(pl.lit("Y"))
        .alias(drug.flag)
        for drug in rules.drugs
        if drug.from_ in table.columns
    ]
    # A causality nobody gave counts as related, and says so.
    unanswered = any_missing & ~any_related
    return table.with_columns(
        *per_drug,
        *(pl.col(drug.from_).alias(drug.name) for drug in rules.drugs if drug.from_ in known),
        AREL=pl.when(any_related | unanswered).then(pl.lit("Y")).otherwise(pl.lit("N")),
        ARELMFL=pl.when(unanswered).then(pl.lit("Y")),
        ATOXGRN=pl.coalesce(
            pl.col("AETOXGR").cast(pl.String).cast(pl.Int32, strict=False),
            _severity_grade(table, rules),
        ),
    )


def _severity_grade(table: pl.DataFrame, rules: AdverseEvents) -> pl.Expr:
    """The grade that the severity of an event stands for; null where the rules name none."""
    if not rules.severity_grades or "AESEV" not in table.columns:
        return pl.lit(None, pl.Int32)
    severity = pl.col("AESEV").str.to_uppercase()
    return severity.replace_strict(rules.severity_grades, default=None, return_dtype=pl.Int32)


def _with_emergence(table: pl.DataFrame, rules: AdverseEvents) -> pl.DataFrame:
    """Add TRTEMFL, the rule that decided (TEREASON) and AREPFL (after the last dose)."""
    long_rule = _condition(rules.long_when, table)
    day = (pl.col("ASTDT") - pl.col("last_dose")).dt.total_days()
    after_therapy = (pl.col("ASTDT") > pl.col("new_therapy")).fill_null(value=False)
    carried = _continues(table)
    reason = (
        pl.when(pl.col("first_dose").is_null())
        .then(pl.lit("no dose given"))
        .when(pl.col("ASTDT").is_null() | (pl.col("ASTDT") < pl.col("first_dose")))
        .then(pl.lit("starts before first dose"))
        .when(carried)
        .then(pl.lit("no worse than before first dose"))
        .when(day.is_null() | (day <= 0))
        .then(pl.lit("on treatment"))
        .when(day <= rules.window_days)
        .then(pl.lit(f"within {rules.window_days} days of last dose"))
        .when(long_rule & (day <= rules.long_window_days) & ~after_therapy)
        .then(pl.lit(f"within {rules.long_window_days} days of last dose"))
        .when(long_rule & (day <= rules.long_window_days))
        .then(pl.lit("after new therapy"))
        .otherwise(pl.lit("after the window"))
    )
    is_emergent = pl.col("TEREASON").str.contains("^(on treatment|within )")
    return table.with_columns(TEREASON=reason).with_columns(
        TRTEMFL=pl.when(is_emergent).then(pl.lit("Y")),
        AREPFL=pl.when(pl.col("ASTDT") > pl.col("last_dose")).then(pl.lit("Y")),
    )


def _continues(table: pl.DataFrame) -> pl.Expr:
    """Whether a row goes on with an event that was there before first dose and is not worse now.

    One row a change of grade: a row whose term was there before the first dose, up to the day
    before this row or still going on, with the same or a higher grade and seriousness.
    """
    before = table.filter(pl.col("ASTDT") < pl.col("first_dose")).select(
        "USUBJID",
        "AEDECOD",
        _end="AENDT",
        _grade=pl.col("ATOXGRN").fill_null(0),
        _serious=pl.col("AESER") == "Y",
    )
    rows = table.select(
        "USUBJID", "AEDECOD", "AESEQ", "ASTDT", "ATOXGRN", "AESER", "first_dose"
    ).filter(pl.col("ASTDT") >= pl.col("first_dose"))
    same = rows.join(before, on=["USUBJID", "AEDECOD"]).filter(
        pl.col("_end").is_null() | ((pl.col("ASTDT") - pl.col("_end")).dt.total_days() <= 1),
        pl.col("ATOXGRN").fill_null(0) <= pl.col("_grade"),
        pl.col("_serious").fill_null(value=False) | (pl.col("AESER") != "Y").fill_null(value=True),
    )
    keys = same.select(pl.struct("USUBJID", "AESEQ")).to_series()
    return pl.struct("USUBJID", "AESEQ").is_in(keys.implode())


def _with_occurrence(table: pl.DataFrame) -> pl.DataFrame:
    """Add the first-occurrence and the first-of-the-worst-grade flags among the counted rows."""
    counted = pl.col("ANL01FL") == "Y"
    levels = {
        "AOCC": ["USUBJID"],
        "AOCCS": ["USUBJID", "AEBODSYS"],
        "AOCCP": ["USUBJID", "AEBODSYS", "AEDECOD"],
    }
    first = table.sort("USUBJID", "ASTDT", "AESEQ", nulls_last=True, maintain_order=True)
    for stem, group in levels.items():
        first = first.with_columns(_nth(counted, group).alias(f"{stem}FL"))
    worst = first.with_columns(_grade=pl.col("ATOXGRN").fill_null(0)).sort(
        "USUBJID", "_grade", "ASTDT", "AESEQ", descending=[False, True, False, False],
        nulls_last=True, maintain_order=True,
    )  # fmt: skip
    for stem, group in levels.items():
        worst = worst.with_columns(_nth(counted, group).alias(f"{stem}IFL"))
    return worst.drop("_grade")


def _nth(counted: pl.Expr, group: list[str]) -> pl.Expr:
    place = counted.fill_null(value=False).cast(pl.Int32).cum_sum().over(group)
    return pl.when(counted & (place == 1)).then(pl.lit("Y"))
