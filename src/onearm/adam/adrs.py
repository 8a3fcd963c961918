"""ADRS: every assessment, and one answer a subject for each parameter of ``endpoints.yaml``."""

from __future__ import annotations

import polars as pl

from onearm.adam.assessments import CODES, Reading
from onearm.adam.conditions import holds, require
from onearm.errors import OnearmError
from onearm.study.assessments import Parameter


def derive_responses(reading: Reading) -> pl.DataFrame:
    """The rows of one response block: its assessments, then one row a subject and parameter.

    Returns columns of the ADRS specification. A subject nobody assessed has a row in every
    parameter too. DISAGRFL says where the computed response of a visit is not the entered one.
    """
    answers = reading.subjects.select("USUBJID")
    wide = _facts_of_subjects(reading)
    rows = [_assessments(reading)]
    for parameter in reading.block.answers:
        answer = _answer(reading, parameter, wide)
        rows.append(_row(answers, answer, parameter))
        wide = _widened(wide, rows[-1], parameter.param)
    block = reading.block
    return pl.concat(rows, how="diagonal").with_columns(
        PARCAT1=pl.lit(block.category),
        PARCAT2=pl.lit(block.reader),
        # What no assessment gave is known of the subject alone.
        SRCDOM=pl.coalesce("SRCDOM", pl.lit("ADSL")),
        SRCVAR=pl.coalesce("SRCVAR", pl.lit("USUBJID")),
        AVAL=pl.col("AVALC").replace_strict(CODES, default=None, return_dtype=pl.Float64),
    )


def _assessments(reading: Reading) -> pl.DataFrame:
    block, rows = reading.block, reading.rows
    if not block.computed or block.entered is None:
        return rows
    keys = ["USUBJID", "VISITNUM"]
    entered = (
        rows.filter(pl.col("PARAMCD") == block.entered.param, pl.col("AVALC").is_not_null())
        .unique(keys, keep="last", maintain_order=True)
        .select(*keys, _entered="AVALC")
    )
    differs = pl.when(pl.col("PARAMCD") == block.computed).then(
        pl.when(pl.col("AVALC") != pl.col("_entered")).then(pl.lit("Y"))
    )
    return (
        rows.join(entered, on=keys, how="left", maintain_order="left")
        .with_columns(DISAGRFL=differs)
        .drop("_entered")
    )


def _facts_of_subjects(reading: Reading) -> pl.DataFrame:
    """ADSL with the days from the start of each of its dates, and the block's constants."""
    people = reading.subjects
    dates = [n for n, t in people.schema.items() if t == pl.Date and n.isupper()]
    return people.with_columns(
        *((pl.col(n) - pl.col("start")).dt.total_days().alias(f"{n}_DAY") for n in dates),
        *(pl.lit(v).alias(k) for k, v in reading.block.constants.items()),
    )


def _widened(wide: pl.DataFrame, answer: pl.DataFrame, name: str) -> pl.DataFrame:
    found = answer.select("USUBJID", pl.col("AVALC").alias(name), pl.col("ADT").alias(f"{name}_DT"))
    return wide.join(found, on="USUBJID", how="left", maintain_order="left").with_columns(
        (pl.col(f"{name}_DT") - pl.col("start")).dt.total_days().alias(f"{name}_DAY")
    )


def _row(people: pl.DataFrame, answer: pl.DataFrame, parameter: Parameter) -> pl.DataFrame:
    """One row for everybody; who has no answer has N, or nothing where the answer is a response."""
    empty = pl.lit(None, pl.String) if parameter.answer == "value" else pl.lit("N")
    return people.join(answer, on="USUBJID", how="left", maintain_order="left").with_columns(
        AVALC=pl.coalesce("AVALC", empty),
        PARAMCD=pl.lit(parameter.param),
        PARAM=pl.lit(str(parameter.label)),
        ANL01FL=pl.lit("Y"),
    )


def _answer(reading: Reading, parameter: Parameter, wide: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, AVALC, ADT and, where one assessment gives the answer, that assessment's source."""
    if parameter.kind == "any":
        return _any(reading, parameter, wide)
    if parameter.kind == "subject":
        return _of_subject(reading, parameter, wide)
    return _of_course(reading, parameter)


def _of_course(reading: Reading, parameter: Parameter) -> pl.DataFrame:
    """Best response, response and progression: what the engine says about the whole course."""
    therapy = parameter.kind != "progression"
    best = reading.best(confirmed=parameter.confirmed and therapy, therapy=therapy)
    column = {"best": "date", "response": "response_date", "progression": "pd_date"}
    day = pl.col(column[parameter.kind])
    word = (
        pl.col("response")
        if parameter.kind == "best"
        else pl.when(day.is_not_null()).then(pl.lit("Y")).otherwise(pl.lit("N"))
    )
    answered = best.select(
        "USUBJID", AVALC=word, ADT=day, RULE="rule", REASON="reason", FLAGS="flags"
    )
    if parameter.kind == "progression":
        answered = answered.drop("RULE", "REASON")
    return _with_assessment(answered, reading)


def _with_assessment(answered: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Add visit, planned date and source of the assessment on the day that dates the answer."""
    source = (
        reading.deciding.sort("USUBJID", "EVTDT", "ADT")
        .unique(["USUBJID", "EVTDT"], keep="first", maintain_order=True)
        .select(
            "USUBJID", "EVTDT", "ADTF", "PLANDT", "VISITNUM", "AVISIT", "SRCDOM", "SRCVAR",
            "SRCSEQ", "ANL02FL",
        )
    )  # fmt: skip
    return answered.join(
        source, left_on=["USUBJID", "ADT"], right_on=["USUBJID", "EVTDT"], how="left"
    ).with_columns(EVTDT="ADT")


def _any(reading: Reading, parameter: Parameter, wide: pl.DataFrame) -> pl.DataFrame:
    """The first or last assessment that fulfils the condition, or an earlier answer's day."""
    rows = _within(reading, parameter)
    rows = rows.filter(holds(parameter.when, rows.columns, place=f"{parameter.param}, assessments"))
    hits = rows.select("USUBJID", "AVALC", "ADT")
    for name in parameter.or_of:
        if name not in wide.columns:
            raise OnearmError(
                f"{parameter.param}: or_of names {name}, which is not answered before"
            )
        met = wide.filter(pl.col(name) == "Y")
        hits = pl.concat([hits, met.select("USUBJID", AVALC=name, ADT=f"{name}_DT")])
    grouped = hits.sort("ADT", maintain_order=True).group_by("USUBJID", maintain_order=True)
    found = grouped.first() if parameter.take == "first" else grouped.last()
    if parameter.answer == "yes-no":
        found = found.with_columns(AVALC=pl.lit("Y"))
    return _with_assessment(found, reading)


def _within(reading: Reading, parameter: Parameter) -> pl.DataFrame:
    rows = reading.deciding
    if parameter.within == "all":
        return rows
    rows = rows.filter(pl.col("ANL02FL") == "Y")
    if parameter.within == "progression":
        return rows
    limits = reading.subjects.select("USUBJID", "new_therapy")
    day, therapy = pl.col("ADT"), pl.col("new_therapy")
    # A last assessment ends follow-up and may be of the day that the therapy starts; what is
    # found first is an answer to the treatment and must come before that day.
    in_time = day <= therapy if parameter.take == "last" else day < therapy
    return (
        rows.join(limits, on="USUBJID", how="left", maintain_order="left")
        .filter(therapy.is_null() | in_time)
        .drop("new_therapy")
    )


def _of_subject(reading: Reading, parameter: Parameter, wide: pl.DataFrame) -> pl.DataFrame:
    place = f"{reading.block.category}, {parameter.param}"
    met = holds(parameter.when, wide.columns, place=place)
    require([parameter.date] if parameter.date else [], wide.columns, place=place)
    day = pl.col(parameter.date) if parameter.date else pl.lit(None, pl.Date)
    return wide.select(
        "USUBJID",
        AVALC=pl.when(met).then(pl.lit("Y")).otherwise(pl.lit("N")),
        ADT=pl.when(met).then(day),
        SRCDOM=pl.lit("ADSL"),
        SRCVAR=pl.lit(parameter.date or None, pl.String),
    )
