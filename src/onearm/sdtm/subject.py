"""The subject: reference dates, arm, death and age (DM), and the elements passed through (SE)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from onearm import dates
from onearm.sdtm.map import ORIGIN, QUALIFIER
from onearm.study import Study

SCREEN_FAILURE = "SCREEN FAILURE"
NOT_TREATED = "ASSIGNED, NOT TREATED"
NOT_ASSIGNED = "NOT ASSIGNED"
TREATMENT = "STUDY TREATMENT"
PARTICIPATION = "STUDY PARTICIPATION"

Rows = Mapping[str, pl.DataFrame]


def demographics(study: Study, rows: Rows) -> pl.DataFrame:
    """One row a subject: what the forms gave to DM, and what follows from the other domains.

    rows: domain rows before numbering: DM, and as far as there are any EX, DS, DD, SV, SS.
    Adds RFSTDTC, RFXSTDTC, RFXENDTC, RFENDTC, RFPENDTC, DTHFL, the arm variables, AGE (where only
    the birth date is known) with AGEU. A dose of 0 is a pause, not an exposure.
    Rule: SDTMIG 3.4, section 5.2 (DM), ARMNRS codelist C142179.
    """
    given = _one_a_subject(rows["DM"])
    subjects = (
        given.join(_exposure(rows), on="USUBJID", how="left")
        .join(_deaths(rows), on="USUBJID", how="left")
        .join(_participation(rows), on="USUBJID", how="left")
        .join(_disposition(study, rows), on="USUBJID", how="left")
        .sort("USUBJID")
    )
    for name in ("DTHDTC", "RFICDTC", "BRTHDTC", "AGE", "COUNTRY", "SITEID"):
        if name not in subjects.columns:
            subjects = subjects.with_columns(pl.lit(None, pl.String).alias(name))
    dead = pl.col("DTHDTC").is_not_null() | pl.col("_dead").fill_null(value=False)
    subjects = subjects.with_columns(
        RFXSTDTC=pl.col("_first"),
        RFXENDTC=pl.col("_last"),
        RFSTDTC=pl.col("_first"),
        RFENDTC=pl.col("_last"),
        RFPENDTC=pl.coalesce("DTHDTC", "_left", "_seen"),
        DTHFL=pl.when(dead).then(pl.lit("Y")),
    )
    return _add_age(_add_country(_add_arm(subjects, study), study))


def _one_a_subject(rows: pl.DataFrame) -> pl.DataFrame:
    """The first value of each variable that any form gave; forms in the study's order."""
    hidden = [c for c in rows.columns if c.startswith("_") and not c.startswith(QUALIFIER)]
    values = [c for c in rows.columns if c not in ("USUBJID", *hidden)]
    return rows.group_by("USUBJID", maintain_order=True).agg(
        pl.col(values).drop_nulls().first(),
        *(pl.col(c).first() for c in ORIGIN if c in rows.columns),
    )


def _exposure(rows: Rows) -> pl.DataFrame:
    """First and last day of a dose above 0, as text; the last end where known, else the start."""
    schema = {"USUBJID": pl.String, "_first": pl.String, "_last": pl.String}
    if "EX" not in rows:
        return pl.DataFrame(schema=schema)
    doses = rows["EX"]
    amount = pl.col("EXDOSE").cast(pl.Float64, strict=False) if "EXDOSE" in doses.columns else None
    if amount is not None:
        doses = doses.filter((amount > 0).fill_null(value=True))
    end = pl.col("EXENDTC") if "EXENDTC" in doses.columns else pl.lit(None, pl.String)
    return doses.group_by("USUBJID").agg(
        _first=pl.col("EXSTDTC").min(), _last=pl.max_horizontal(pl.col("EXSTDTC"), end).max()
    )


def _deaths(rows: Rows) -> pl.DataFrame:
    """Subjects with a death detail: dead even where the day is not known."""
    if "DD" not in rows:
        return pl.DataFrame(schema={"USUBJID": pl.String, "_dead": pl.Boolean})
    return rows["DD"].select("USUBJID", _dead=pl.lit(value=True)).unique("USUBJID")


def _participation(rows: Rows) -> pl.DataFrame:
    """The day participation ended (_left) and the last day with any record (_seen), as text."""
    schema = {"USUBJID": pl.String, "_left": pl.String, "_seen": pl.String}
    parts = []
    sources = {"SV": "SVSTDTC", "DS": "DSSTDTC", "EX": "EXSTDTC", "SS": "SSDTC"}
    for domain, name in sources.items():
        if domain in rows and name in rows[domain].columns:
            frame = rows[domain]
            over = pl.lit(value=False)
            if domain == "DS" and "DSSCAT" in frame.columns:
                over = (pl.col("DSSCAT") == PARTICIPATION).fill_null(value=False)
            parts.append(frame.select("USUBJID", _date=name, _over=over))
    if not parts:
        return pl.DataFrame(schema=schema)
    return (
        pl.concat(parts)
        .group_by("USUBJID")
        .agg(
            _left=pl.col("_date").filter(pl.col("_over")).max(),
            _seen=pl.col("_date").max(),
        )
    )


def _disposition(study: Study, rows: Rows) -> pl.DataFrame:
    """Whether screening failed, whether the subject was enrolled, and whether treatment is over.

    Enrolled: the form that the schedule names as the milestone ``enrolment`` made a disposition row
    that is not a screen failure. Over: a row of DSSCAT STUDY TREATMENT for each drug given, or one
    of STUDY PARTICIPATION.
    """
    schema = {
        "USUBJID": pl.String,
        "_failed": pl.Boolean,
        "_enrolled": pl.Boolean,
        "_over": pl.Boolean,
    }
    if "DS" not in rows:
        return pl.DataFrame(schema=schema)
    milestones = study.schedule.milestones if study.schedule else {}
    form = milestones.get("enrolment", "").split(".")[0]
    frame = rows["DS"]
    subcategory = pl.col("DSSCAT") if "DSSCAT" in frame.columns else pl.lit(None, pl.String)
    failed = pl.col("DSDECOD") == SCREEN_FAILURE
    counted = frame.group_by("USUBJID").agg(
        _failed=failed.any(),
        _enrolled=((pl.col("_FORM") == form) & ~failed).any(),
        _stopped=(subcategory == TREATMENT).sum(),
        _gone=(subcategory == PARTICIPATION).any(),
    )
    drugs = pl.DataFrame(schema={"USUBJID": pl.String, "_drugs": pl.UInt32})
    if "EX" in rows:
        drugs = rows["EX"].group_by("USUBJID").agg(_drugs=pl.col("EXTRT").n_unique())
    stopped = (pl.col("_stopped") > 0) & (pl.col("_stopped") >= pl.col("_drugs").fill_null(0))
    return counted.join(drugs, on="USUBJID", how="left").select(
        "USUBJID",
        pl.col("_failed").fill_null(value=False),
        pl.col("_enrolled").fill_null(value=False),
        _over=stopped | pl.col("_gone").fill_null(value=False),
    )


def _add_arm(subjects: pl.DataFrame, study: Study) -> pl.DataFrame:
    code, label = (study.arms[0].code, str(study.arms[0].label)) if study.arms else (None, None)
    failed = pl.col("_failed").fill_null(value=False) & pl.col("_first").is_null()
    treated = pl.col("_first").is_not_null()
    assigned = treated | (pl.col("_enrolled").fill_null(value=False) & ~failed)
    return subjects.with_columns(
        ARMCD=pl.when(assigned).then(pl.lit(code, pl.String)),
        ARM=pl.when(assigned).then(pl.lit(label, pl.String)),
        ACTARMCD=pl.when(treated).then(pl.lit(code, pl.String)),
        ACTARM=pl.when(treated).then(pl.lit(label, pl.String)),
        ARMNRS=pl.when(failed)
        .then(pl.lit(SCREEN_FAILURE))
        .when(assigned & ~treated)
        .then(pl.lit(NOT_TREATED))
        .when(~assigned)
        .then(pl.lit(NOT_ASSIGNED)),
    )


def _add_country(subjects: pl.DataFrame, study: Study) -> pl.DataFrame:
    """COUNTRY from the site where the form does not ask for it."""
    countries = {site.id: site.country for site in study.identity.sites if site.country}
    of_site = pl.col("SITEID").replace_strict(countries, default=None, return_dtype=pl.String)
    return subjects.with_columns(COUNTRY=pl.coalesce("COUNTRY", of_site))


def _add_age(subjects: pl.DataFrame) -> pl.DataFrame:
    """AGE at consent in completed years where only a complete birth date was entered."""
    born, signed = dates.complete(pl.col("BRTHDTC")), dates.complete(pl.col("RFICDTC"))
    had_birthday = (signed.dt.month() > born.dt.month()) | (
        (signed.dt.month() == born.dt.month()) & (signed.dt.day() >= born.dt.day())
    )
    years = signed.dt.year() - born.dt.year() - pl.when(had_birthday).then(0).otherwise(1)
    age = pl.coalesce(pl.col("AGE").cast(pl.Int32, strict=False), years.cast(pl.Int32))
    return subjects.with_columns(AGE=age).with_columns(
        AGEU=pl.when(pl.col("AGE").is_not_null()).then(pl.lit("YEARS"))
    )


def element_code(epoch: str) -> str:
    """ETCD of the element that fills an epoch: its letters, at most 8. Source: SDTMIG 3.4, TE."""
    return re.sub(r"[^A-Z0-9]", "", epoch.upper())[:8]


def elements(study: Study, subjects: pl.DataFrame) -> pl.DataFrame:
    """SE: one row an element: screening from consent, treatment from first dose, then follow-up.

    subjects: what ``demographics`` returns. Follow-up begins the day after the last dose, once all
    drugs have been stopped or participation has ended. An element that has not ended has no
    SEENDTC unless the subject has left. Epochs beyond the third have no rule here and no rows.
    """
    epochs = [e.id for e in study.schedule.epochs][:3] if study.schedule else []
    first, last = dates.complete(pl.col("_first")), dates.complete(pl.col("_last"))
    over = pl.col("_over").fill_null(value=False) | (pl.col("DTHFL") == "Y").fill_null(value=False)
    left = dates.complete(pl.coalesce("DTHDTC", "_left"))
    after = pl.when(over).then(last.dt.offset_by("1d"))
    starts = [dates.complete(pl.col("RFICDTC")), first, after]
    parts = []
    for position, epoch in enumerate(epochs):
        nexts = starts[position + 1 : len(epochs)]
        parts.append(
            subjects.select(
                "USUBJID",
                ETCD=pl.lit(element_code(epoch)),
                ELEMENT=pl.lit(epoch),
                TAETORD=pl.lit(position + 1, pl.Int32),
                EPOCH=pl.lit(epoch),
                _start=starts[position],
                _end=pl.coalesce(*nexts, left),
            )
        )
    if not parts:
        return pl.DataFrame(schema={"USUBJID": pl.String, "SESTDTC": pl.String})
    rows = pl.concat(parts).filter(pl.col("_start").is_not_null())
    # Whoever dies on the day of the last dose has no day of follow-up.
    rows = rows.filter(~((pl.col("_end") < pl.col("_start")).fill_null(value=False)))
    return rows.with_columns(
        SESTDTC=pl.col("_start").dt.to_string("%Y-%m-%d"),
        SEENDTC=pl.col("_end").dt.to_string("%Y-%m-%d"),
    ).drop("_start", "_end")
