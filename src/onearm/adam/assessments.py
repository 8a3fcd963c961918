"""The assessments of one reading: computed and entered, one a day, up to the first progression."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from onearm import dates
from onearm.adam.conditions import holds, require
from onearm.adam.lesions import Readings
from onearm.adam.pick import as_date
from onearm.adam.planned import add_planned_date
from onearm.frames import Frames
from onearm.response import Criteria, best_response, find_criteria
from onearm.study.assessments import Entered, Responses
from onearm.study.schedule import Schedule

CODES = {
    "CR": 1, "PR": 2, "SD": 3, "NON-CR/NON-PD": 4, "PD": 5, "NE": 6, "MISSING": 7,
    "NED": 8, "ND": 9, "Y": 1, "N": 0,
}  # fmt: skip
"""AVAL of an answer; one to one with AVALC within a parameter."""

COLUMNS = (
    "USUBJID", "AVALC", "ADT", "ADTF", "EVTDT", "PLANDT", "start", "DAY", "VISITNUM", "AVISIT",
    "RULE", "REASON", "FLAGS", "SRCDOM", "SRCVAR", "SRCSEQ", "ANL01FL", "ANL02FL",
)  # fmt: skip
"""What an assessment has; conditions of ``any`` answers read these."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One response block at work: its subjects, the assessments that decide, and all rows to keep.

    ``subjects``: USUBJID, start, new_therapy, cutoff, why_missing, and ADSL's columns.
    ``rows``: every assessment, computed and entered, with PARAMCD and PARAM. ``deciding``:
    those of the kind that decides, chosen one a day.
    """

    block: Responses
    criteria: Criteria
    subjects: pl.DataFrame
    rows: pl.DataFrame
    deciding: pl.DataFrame

    def best(self, *, confirmed: bool, therapy: bool = True) -> pl.DataFrame:
        """Best response a subject (columns of ``response.best_response``, USUBJID for subject).

        ``therapy``: whether new therapy and the cut-off end follow-up.
        """
        nothing = pl.lit(None, pl.Date)
        subjects = self.subjects.select(
            "start",
            subject="USUBJID",
            new_therapy=pl.col("new_therapy") if therapy else nothing,
            cutoff=pl.col("cutoff"),
        )
        responses = self.deciding.select(
            subject="USUBJID",
            reader=pl.lit(self.block.reader),
            date="ADT",
            response="AVALC",
            pd_date=pl.when(pl.col("AVALC") == "PD").then("EVTDT"),
            flags="FLAGS",
        )
        found = best_response(responses, subjects, criteria=self.criteria, confirmed=confirmed)
        return found.rename({"subject": "USUBJID"})


def read_block(
    block: Responses,
    domains: Frames,
    readings: Readings | None,
    subjects: pl.DataFrame,
    *,
    start: str,
    schedule: Schedule | None,
) -> Reading:
    """The assessments of one response block.

    subjects: ADSL so far; ``start`` names its date of day 1. Raises OnearmError where the block
    asks for computed responses of a reader that nobody read lesions for, or names an ADSL
    variable that is not there.
    """
    people = _people(block, subjects, start=start)
    kinds = []
    if block.computed and readings is not None:
        kinds.append(_computed(block, readings))
    if block.entered is not None and (rows := domains.get("RS")) is not None and rows.height:
        kinds.append(_entered(block.entered, rows, place=f"responses {block.category}, RS"))
    criteria = find_criteria(block.criteria).with_parameters(**block.parameters)
    everything = pl.concat([_no_rows(), *kinds], how="diagonal")
    dated = everything.join(people.select("USUBJID", "start", "cutoff"), on="USUBJID")
    dated = dated.filter(pl.col("cutoff").is_null() | (pl.col("ADT") <= pl.col("cutoff")))
    dated = add_planned_date(dated.drop("cutoff"), schedule).with_columns(
        DAY=(pl.col("ADT") - pl.col("start")).dt.total_days()
    )
    chosen = _chosen_of_day(dated, block)
    code = block.computed if block.use == "computed" else block.entered and block.entered.param
    deciding = chosen.filter(pl.col("PARAMCD") == code, pl.col("ANL01FL") == "Y")
    reading = Reading(block, criteria, people, chosen, deciding)
    return _with_progression(reading)


def _people(block: Responses, subjects: pl.DataFrame, *, start: str) -> pl.DataFrame:
    wanted = {"start": start, "new_therapy": block.new_therapy, "cutoff": block.cutoff}
    place = f"responses {block.category}, ADSL"
    require(tuple(filter(None, wanted.values())), subjects.columns, place=place)
    people = subjects.with_columns(
        (pl.col(name) if name else pl.lit(None, pl.Date)).alias(role)
        for role, name in wanted.items()
    )
    return people.filter(holds(block.population, people.columns, place=place))


def _no_rows() -> pl.DataFrame:
    text, day = pl.String(), pl.Date()
    return pl.DataFrame(
        schema={
            "USUBJID": text, "PARAMCD": text, "PARAM": text, "AVALC": text, "ADT": day,
            "ADTF": text, "EVTDT": day, "VISITNUM": pl.Float64(), "AVISIT": text, "RULE": text,
            "REASON": text, "FLAGS": text, "SRCDOM": text, "SRCVAR": text, "SRCSEQ": pl.Int32(),
        }
    )  # fmt: skip


def _computed(block: Responses, readings: Readings) -> pl.DataFrame:
    points = readings.points.filter(
        pl.col("reader") == block.reader, pl.col("time_point") > 0, pl.col("overall").is_not_null()
    )
    shared = {
        "USUBJID": pl.col("USUBJID"),
        "ADT": pl.col("date"),
        "ADTF": pl.when("imputed").then(pl.lit("D")),
        "EVTDT": pl.coalesce("pd_date", "date"),
        "VISITNUM": pl.col("VISITNUM"),
        "AVISIT": pl.col("VISIT"),
        "SRCDOM": pl.lit("TR"),
        "SRCVAR": pl.lit("TRSTRESN"),
        "SRCSEQ": pl.col("seq"),
    }
    overall = points.select(
        **shared,
        PARAMCD=pl.lit(block.computed),
        PARAM=pl.lit(str(block.computed_label)),
        AVALC="overall",
        RULE="rule",
        REASON="reason",
        FLAGS="flags",
    )
    parts = [
        points.select(
            **shared,
            PARAMCD=pl.lit(part.param),
            PARAM=pl.lit(str(part.label)),
            AVALC=pl.col(part.of).replace({"yes": "Y", "no": "N", "equivocal": "EQUIVOCAL"}),
        ).filter(pl.col("AVALC").is_not_null() & (pl.col("AVALC") != "none"))
        for part in block.components
    ]
    return pl.concat([overall, *parts], how="diagonal")


def _entered(entered: Entered, rows: pl.DataFrame, *, place: str) -> pl.DataFrame:
    visit = [
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in (("VISITNUM", pl.Float64()), ("VISIT", pl.String()))
    ]
    kept = rows.filter(holds(entered.when, rows.columns, place=place)).with_columns(visit)
    day = as_date("RSDTC", pl.String(), entered.partial)
    return kept.select(
        "USUBJID",
        "VISITNUM",
        PARAMCD=pl.lit(entered.param),
        PARAM=pl.lit(str(entered.label)),
        AVALC=entered.take,
        ADT=day,
        ADTF=pl.when(day.is_not_null()).then(dates.imputation_flag(pl.col("RSDTC"))),
        EVTDT=day,
        AVISIT="VISIT",
        SRCDOM=pl.lit("RS"),
        SRCVAR=pl.lit(entered.take),
        SRCSEQ=pl.col("RSSEQ").cast(pl.Int32),
    )


def _chosen_of_day(rows: pl.DataFrame, block: Responses) -> pl.DataFrame:
    """Add ANL01FL: of a subject's rows of one parameter and day the worst, then the latest entered.

    Only overall responses are chosen among; words outside ``one_a_day`` never are.
    """
    order = {word: n for n, word in enumerate(block.one_a_day)}
    codes = [block.computed, block.entered.param if block.entered else ""]
    rank = pl.col("AVALC").replace_strict(order, default=None, return_dtype=pl.Int32)
    counts = rank.is_not_null() & pl.col("PARAMCD").is_in(codes) & pl.col("ADT").is_not_null()
    if block.from_start:
        counts &= (pl.col("ADT") >= pl.col("start")).fill_null(value=False)
    day = ["USUBJID", "PARAMCD", "ADT"]
    ranked = rows.with_columns(_rank=pl.when(counts).then(rank)).sort(
        *day, "_rank", "SRCSEQ", descending=[False, False, False, False, True], nulls_last=True
    )
    first = pl.int_range(pl.len()).over(day) == 0
    return ranked.with_columns(
        ANL01FL=pl.when(first & pl.col("_rank").is_not_null()).then(pl.lit("Y"))
    ).drop("_rank")


def _day_of_progression(deciding: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """The day of the assessment that holds the date of the first progression, as ``pd``.

    Progression is dated by the scan that shows it; the assessment by its last scan, some days on.
    """
    return (
        deciding.join(first, on="USUBJID")
        .filter(pl.col("ADT") >= pl.col("pd"))
        .group_by("USUBJID", maintain_order=True)
        .agg(pd=pl.col("ADT").min())
    )


def _with_progression(reading: Reading) -> Reading:
    """Add ANL02FL: the assessment is not after the first progression of the reading."""
    first = reading.best(confirmed=False, therapy=False).select("USUBJID", pd="pd_date")
    until = pl.col("pd").is_null() | (pl.col("EVTDT") <= pl.col("pd"))

    def flagged(rows: pl.DataFrame) -> pl.DataFrame:
        return (
            rows.join(first, on="USUBJID", how="left", maintain_order="left")
            .with_columns(ANL02FL=pl.when(until).then(pl.lit("Y")))
            .drop("pd")
        )

    return Reading(
        reading.block,
        reading.criteria,
        reading.subjects.join(
            _day_of_progression(reading.deciding, first),
            on="USUBJID",
            how="left",
            maintain_order="left",
        ),
        flagged(reading.rows),
        flagged(reading.deciding),
    )
