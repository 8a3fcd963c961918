"""Do tumour data make sense: sizes, lesions that stay what they are, groups and sums?"""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.errors import Finding
from onearm.sdtm.conform.report import Source, has, report
from onearm.sdtm.oncology import RESPONSES

SIZES = ("LDIAM", "LPERP", "SUMDIAM", "DIAMETER", "SAXIS")
TARGET = "TARGET"


def _who(frame: pl.DataFrame, domain: str) -> list[str]:
    """Subject and reader: lesions of different readers have nothing to do with each other."""
    return ["USUBJID", *(c for c in (f"{domain}EVAL", f"{domain}EVALID") if c in frame.columns)]


def check_sizes(source: Source) -> list[Finding]:
    """Negative sizes."""
    rows = source.get("TR", "TRTESTCD", "TRSTRESN")
    if rows is None:
        return []
    return report(
        rows.filter(pl.col("TRTESTCD").is_in(SIZES) & (pl.col("TRSTRESN") < 0)),
        dataset="TR",
        field="TRSTRESN",
        rule="RECIST 1.1, 4.3",
        message="a size cannot be negative",
        hint="Correct the measurement.",
    )


def check_lesions(source: Source) -> list[Finding]:
    """Lesions that move to another organ, change their role, or become targets after baseline."""
    found: list[Finding] = []
    lesions = source.get("TU", "USUBJID", "TULNKID")
    if lesions is not None:
        who = [*_who(lesions, "TU"), "TULNKID"]
        if "TULOC" in lesions.columns:
            found += _varies(lesions, who, "TULOC", "TU", "a lesion changes its organ")
        if has(lesions, "TUSTRESC", "TUDTC"):
            found += _late_targets(source, lesions)
    sizes = source.get("TR", "USUBJID", "TRLNKID", "TRGRPID")
    if sizes is not None:
        who = [*_who(sizes, "TR"), "TRLNKID"]
        roles = sizes.filter(pl.col("TRLNKID").is_not_null())
        found += _varies(roles, who, "TRGRPID", "TR", "a lesion changes its role")
    return found


def _varies(
    rows: pl.DataFrame, who: list[str], column: str, dataset: str, message: str
) -> list[Finding]:
    changed = (
        rows.filter(pl.col(column).is_not_null())
        .group_by(who, maintain_order=True)
        .agg(_all=pl.col(column).unique(maintain_order=True))
        .filter(pl.col("_all").list.len() > 1)
        .with_columns(_found=pl.col(who[-1]) + ": " + pl.col("_all").list.join(", "))
    )
    return report(
        changed,
        dataset=dataset,
        field=column,
        rule="RECIST 1.1, 4.3",
        message=message,
        hint="Give a new lesion a new number; a lesion stays what it was at baseline.",
        value="_found",
    )


def _late_targets(source: Source, lesions: pl.DataFrame) -> list[Finding]:
    first = source.subjects.select("USUBJID", "first")
    late = lesions.join(first, on="USUBJID", how="left", maintain_order="left").filter(
        (pl.col("TUSTRESC") == TARGET) & (dates.earliest(pl.col("TUDTC")) > pl.col("first"))
    )
    return report(
        late,
        dataset="TU",
        field="TUDTC",
        rule="RECIST 1.1, 4.1",
        message="a target lesion is identified after treatment began",
        hint="Targets are chosen at baseline; follow it as a new or non-target lesion.",
        severity="warning",
    )


def check_groups(source: Source) -> list[Finding]:
    """Measured lesions that were never identified, and responses without their scan."""
    found: list[Finding] = []
    sizes, lesions = source.get("TR", "USUBJID", "TRLNKID"), source.get("TU", "USUBJID", "TULNKID")
    if sizes is not None and lesions is not None:
        known = lesions.select("USUBJID", TRLNKID="TULNKID").unique()
        measured = sizes.filter(pl.col("TRLNKID").is_not_null()).unique(
            ["USUBJID", "TRLNKID"], keep="first", maintain_order=True
        )
        found += report(
            measured.join(known, on=["USUBJID", "TRLNKID"], how="anti", maintain_order="left"),
            dataset="TR",
            field="TRLNKID",
            rule="SDTMIG 3.4, TU",
            message="the lesion is measured and was never identified in TU",
            hint="Identify the lesion, or correct its number.",
        )
    responses = source.get("RS", "USUBJID", "RSLNKGRP", "RSTESTCD")
    if responses is not None and sizes is not None and "TRLNKGRP" in sizes.columns:
        groups = sizes.select("USUBJID", RSLNKGRP="TRLNKGRP").unique()
        read = responses.filter(
            pl.col("RSLNKGRP").is_not_null() & pl.col("RSTESTCD").is_in(RESPONSES)
        ).unique(["USUBJID", "RSLNKGRP"], keep="first", maintain_order=True)
        found += report(
            read.join(groups, on=["USUBJID", "RSLNKGRP"], how="anti", maintain_order="left"),
            dataset="RS",
            field="RSLNKGRP",
            rule="SDTMIG 3.4, RS",
            message="the response has no lesion of its group in TR",
            hint="Enter the lesions of that scan.",
            severity="warning",
        )
    return found


def check_sums(source: Source) -> list[Finding]:
    """A sum of diameters that is not the sum of its targets (short axis for nodes)."""
    rows = source.get("TR", "USUBJID", "TRTESTCD", "TRSTRESC", "TRSTRESN", "TRGRPID", "VISITNUM")
    if rows is None or rows.filter(pl.col("TRTESTCD") == "SUMDIAM").is_empty():
        return []
    at = [*_who(rows, "TR"), "VISITNUM"]
    used = rows.filter(
        pl.col("TRTESTCD").is_in(("DIAMETER", "LDIAM", "LPERP")) & (pl.col("TRGRPID") == TARGET)
    )
    used = _axis_that_counts(used, source.get("TU", "USUBJID", "TULNKID", "TULOC"))
    sums = used.group_by(at).agg(
        _sum=pl.col("TRSTRESN").sum(), _all=pl.col("TRSTRESN").is_not_null().all()
    )
    given = rows.filter(pl.col("TRTESTCD") == "SUMDIAM").join(
        sums, on=at, how="inner", nulls_equal=True, maintain_order="left"
    )
    # A sum written in whole millimetres may be half of one away from the sum of tenths.
    digits = pl.col("TRSTRESC").str.split(".").list.get(1, null_on_oob=True).str.len_bytes()
    allowed = 0.5 * pl.lit(10.0).pow(-digits.fill_null(0).cast(pl.Float64)) + 1e-6
    away = (pl.col("TRSTRESN") - pl.col("_sum")).abs()
    return report(
        given.filter(pl.col("_all") & (away > allowed)),
        dataset="TR",
        field="TRSTRESN",
        rule="RECIST 1.1, 4.2",
        message="the sum of diameters is not the sum of the target lesions",
        hint="Add the longest diameters, and the short axes of nodes.",
    )


def _axis_that_counts(used: pl.DataFrame, lesions: pl.DataFrame | None) -> pl.DataFrame:
    """Of each target the diameter that counts: DIAMETER, else a node's short axis or LDIAM."""
    if "TRLNKID" not in used.columns:
        return used
    lesion = [*_who(used, "TR"), "TRLNKID", "VISITNUM"]
    chosen = pl.col("TRTESTCD") == "DIAMETER"
    used = used.filter(chosen | ~chosen.any().over(lesion))
    if lesions is None:
        return used
    who = [
        c for c in _who(lesions, "TU") if c.replace("TU", "TR", 1) in used.columns or c == "USUBJID"
    ]
    names = {c: c.replace("TU", "TR", 1) for c in who if c != "USUBJID"} | {"TULNKID": "TRLNKID"}
    node = pl.col("TULOC").str.starts_with("LYMPH NODE").fill_null(value=False)
    organs = lesions.group_by(*who, "TULNKID").agg(_node=node.any()).rename(names)
    on = ["USUBJID", *names.values()]
    return used.join(organs, on=on, how="left", nulls_equal=True).filter(
        (pl.col("TRTESTCD") == "DIAMETER")
        | (pl.col("_node").fill_null(value=False) == (pl.col("TRTESTCD") == "LPERP"))
    )
