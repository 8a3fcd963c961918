"""Do references between datasets lead somewhere: visits, qualifiers, related records?"""

from __future__ import annotations

import polars as pl

from onearm.errors import Finding
from onearm.sdtm.conform.report import Source, has, report
from onearm.sdtm.spec import SUPP


def check_visits(source: Source) -> list[Finding]:
    """Records at a visit that the subject's SV does not have. Rule: SDTMIG 3.4, section 5.4."""
    visits = source.get("SV", "USUBJID", "VISITNUM")
    if visits is None:
        return []
    # Files carry 9.3 as 9.299999999999999: visit numbers are compared to four digits.
    number = pl.col("VISITNUM").cast(pl.Float64).round(4)
    made = visits.select("USUBJID", _number=number).unique()
    found: list[Finding] = []
    for name, frame, _ in source.main():
        if name == "SV" or "VISITNUM" not in frame.columns:
            continue
        if not frame.schema["VISITNUM"].is_numeric():
            continue
        seen = (
            frame.filter(pl.col("VISITNUM").is_not_null())
            .with_columns(_number=number)
            .unique(["USUBJID", "_number"], keep="first", maintain_order=True)
        )
        found += report(
            seen.join(made, on=["USUBJID", "_number"], how="anti", maintain_order="left"),
            dataset=name,
            field="VISITNUM",
            rule="SDTMIG 3.4, 5.4",
            message="the visit is not in the subject's SV",
            hint="Record the visit, or correct the visit number.",
            severity="warning",
        )
    return found


def check_supplemental(source: Source) -> list[Finding]:
    """Supplemental rows whose parent is not there. Rule: SDTMIG 3.4, section 8.4."""
    found: list[Finding] = []
    for name, frame in source.domains.items():
        if not name.startswith(SUPP) or not has(frame, "USUBJID", "RDOMAIN", "IDVAR", "IDVARVAL"):
            continue
        for (domain, variable), part in frame.group_by("RDOMAIN", "IDVAR", maintain_order=True):
            parent = source.domains.get(str(domain))
            if parent is None:
                continue
            if not variable:
                lost = part.join(parent, on="USUBJID", how="anti", maintain_order="left")
            elif str(variable) not in parent.columns:
                lost = part
            else:
                keys = parent.select("USUBJID", _key=_as_text(parent, str(variable))).unique()
                value = pl.col("IDVARVAL").str.strip_chars()
                lost = part.with_columns(_key=value).join(
                    keys, on=["USUBJID", "_key"], how="anti", maintain_order="left"
                )
            found += report(
                lost,
                dataset=name,
                field="IDVARVAL",
                rule="SDTMIG 3.4, 8.4",
                message=f"the supplemental row has no parent in {domain}",
                hint="Correct IDVAR and IDVARVAL, or remove the row.",
            )
    return found


def _as_text(frame: pl.DataFrame, column: str) -> pl.Expr:
    """A key as IDVARVAL writes it: numbers without a fraction lose their point."""
    if frame.schema[column].is_float():
        return pl.col(column).cast(pl.String).str.strip_suffix(".0")
    return pl.col(column).cast(pl.String).str.strip_chars()


def check_related(source: Source) -> list[Finding]:
    """RELREC rows that name a dataset, variable or record that is not there."""
    related = source.get("RELREC", "RDOMAIN", "IDVAR")
    if related is None:
        return []
    lost = []
    for row in related.iter_rows(named=True):
        frame = source.domains.get(row["RDOMAIN"])
        if frame is None or row["IDVAR"] not in frame.columns:
            lost.append(row)
        elif row.get("IDVARVAL") and row.get("USUBJID"):
            there = frame.filter(
                (pl.col("USUBJID") == row["USUBJID"])
                & (_as_text(frame, row["IDVAR"]) == row["IDVARVAL"])
            )
            if there.is_empty():
                lost.append(row)
    return report(
        pl.DataFrame(lost, schema=related.schema),
        dataset="RELREC",
        field="IDVAR",
        rule="SDTMIG 3.4, 8.2",
        message="the relation names a record that is not there",
        hint="Correct RDOMAIN, IDVAR and IDVARVAL, or remove the relation.",
    )
