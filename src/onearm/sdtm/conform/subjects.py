"""Does what is said of a subject hold together: known, treated, alive and flagged consistently?"""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.errors import Finding
from onearm.sdtm.conform.report import Source, has, report
from onearm.sdtm.spec import SUPP

CONTACTS = {
    "SV": "SVSTDTC",
    "VS": "VSDTC",
    "LB": "LBDTC",
    "TR": "TRDTC",
    "RS": "RSDTC",
    "AE": "AESTDTC",
}
"""Records of a living patient: none may be dated after death."""


def check_known(source: Source) -> list[Finding]:
    """Subjects with records and no row in DM."""
    if "DM" not in source.domains:
        return []
    found: list[Finding] = []
    people = source.subjects.select("USUBJID")
    for name, frame in source.domains.items():
        if name == "DM" or not has(frame, "USUBJID") or frame.schema["USUBJID"] != pl.String:
            continue
        strangers = frame.select("USUBJID").drop_nulls().unique(maintain_order=True)
        found += report(
            strangers.join(people, on="USUBJID", how="anti", maintain_order="left"),
            dataset=name,
            field="USUBJID",
            rule="SDTMIG 3.4, 5.2",
            message=f"the subject has records in {name} and none in DM",
            hint="Add the subject to DM, or correct the identifier.",
        )
    return found


def check_death(source: Source) -> list[Finding]:
    """Death flag, date and records of events must agree, and nothing is done to the dead."""
    people = source.subjects
    dm = source.get("DM", "DTHFL", "DTHDTC")
    found: list[Finding] = []
    if dm is not None:
        found += _say(
            dm.filter((pl.col("DTHFL") == "Y") & pl.col("DTHDTC").is_null()),
            "DM",
            "DTHDTC",
            "the death flag is Y and the date of death is empty",
            "Enter at least the year of death.",
        )
        found += _say(
            dm.filter(pl.col("DTHDTC").is_not_null() & pl.col("DTHFL").ne_missing(pl.lit("Y"))),
            "DM",
            "DTHFL",
            "there is a date of death and no death flag",
            "Set DTHFL to Y.",
            value="DTHDTC",
        )
    events = source.get("AE", "USUBJID", "AEOUT")
    if events is not None and dm is not None:
        fatal = pl.col("AEOUT") == "FATAL"
        if "AESDTH" in events.columns:
            fatal |= pl.col("AESDTH") == "Y"
        rows = events.filter(fatal).join(people, on="USUBJID", how="left", maintain_order="left")
        found += _say(
            rows.filter(pl.col("flag").ne_missing(pl.lit("Y"))),
            "AE",
            "AEOUT",
            "the event was fatal and the subject is not dead in DM",
            "Enter the death, or correct the outcome.",
        )
    found += _after_death(source)
    return found


def _after_death(source: Source) -> list[Finding]:
    found: list[Finding] = []
    dead = source.subjects.filter(pl.col("dead_by").is_not_null()).select("USUBJID", "dead_by")
    doses = source.get("EX", "USUBJID", "EXSTDTC")
    contacts = dict(CONTACTS)
    if doses is not None:
        contacts["EX"] = "EXSTDTC"
    for name, column in contacts.items():
        frame = source.get(name, "USUBJID", column)
        if frame is None or frame.schema[column] != pl.String:
            continue
        rows = frame.join(dead, on="USUBJID", how="inner", maintain_order="left").filter(
            dates.earliest(pl.col(column)) > pl.col("dead_by")
        )
        what = "a dose is dated" if name == "EX" else f"a record of {name} is dated"
        found += _say(rows, name, column, f"{what} after the death", "Correct one of the dates.")
    status = source.get("SS", "USUBJID", "SSTESTCD", "SSSTRESC")
    if status is not None:
        alive = status.filter(pl.col("SSTESTCD") == "LSCFADTC").join(
            dead, on="USUBJID", how="inner", maintain_order="left"
        )
        found += _say(
            alive.filter(dates.earliest(pl.col("SSSTRESC")) > pl.col("dead_by")),
            "SS",
            "SSSTRESC",
            "the subject was last known alive after the death",
            "Correct one of the dates.",
        )
    return found


def _say(
    rows: pl.DataFrame, dataset: str, field: str, message: str, hint: str, *, value: str = ""
) -> list[Finding]:
    return report(
        rows,
        dataset=dataset,
        field=field,
        rule="SDTMIG 3.4, 5.2",
        message=message,
        hint=hint,
        value=value or field,
    )


def check_exposure(source: Source) -> list[Finding]:
    """RFXSTDTC and RFXENDTC must be the first and last day of exposure in EX."""
    doses = source.get("EX", "USUBJID", "EXSTDTC", "EXDOSE", "EXTRT")
    people = source.get("DM", "USUBJID", "RFXSTDTC")
    if doses is None or people is None:
        return []
    # A placebo has dose 0 and is an exposure all the same.
    given = (pl.col("EXDOSE") > 0) | pl.col("EXTRT").str.to_uppercase().str.contains("PLACEBO")
    ends = pl.col("EXENDTC") if "EXENDTC" in doses.columns else pl.lit(None, pl.String)
    exposed = (
        doses.filter(given)
        .group_by("USUBJID")
        .agg(
            _first=pl.col("EXSTDTC").str.slice(0, 10).min(),
            _last=pl.max_horizontal(pl.col("EXSTDTC"), ends).str.slice(0, 10).max(),
            _open=ends.is_null().any(),
        )
    )
    joined = people.join(exposed, on="USUBJID", how="left", maintain_order="left")
    first, last = pl.col("RFXSTDTC").str.slice(0, 10), pl.col("_last")
    found = _say(
        joined.filter(first.ne_missing(pl.col("_first"))),
        "DM",
        "RFXSTDTC",
        "RFXSTDTC is not the first day of exposure in EX",
        "Derive it from EX.",
    )
    if "RFXENDTC" in people.columns:
        ended = pl.col("RFXENDTC").str.slice(0, 10)
        found += _say(
            joined.filter(ended.ne_missing(last) & ~pl.col("_open").fill_null(value=False)),
            "DM",
            "RFXENDTC",
            "RFXENDTC is not the last day of exposure in EX",
            "Derive it from EX.",
        )
    return found


def check_baselines(source: Source) -> list[Finding]:
    """Two last observations before exposure for one test."""
    found: list[Finding] = []
    apart = (
        "TESTCD",
        "CAT",
        "SCAT",
        "SPEC",
        "POS",
        "LOC",
        "METHOD",
        "LNKID",
        "EVAL",
        "EVALID",
        "TPT",
        "TSTDTL",
    )
    for name, frame, _ in source.main():
        if name.startswith(SUPP):
            continue
        for flag in (f"{name}LOBXFL", f"{name}BLFL"):
            if flag not in frame.columns:
                continue
            keys = ["USUBJID", *(name + s for s in apart if name + s in frame.columns)]
            flagged = frame.filter(pl.col(flag) == "Y")
            doubled = flagged.filter(flagged.select(keys).is_duplicated())
            test = f"{name}TESTCD"
            found += report(
                doubled.unique(keys, keep="first", maintain_order=True),
                dataset=name,
                field=flag,
                rule="SDTMIG 3.4, --LOBXFL",
                message="a test has two baselines",
                hint="Flag the last result before the first dose only.",
                value=test if test in frame.columns else flag,
            )
    return found
